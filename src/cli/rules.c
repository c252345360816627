/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that artefacts hold, as their target's reader understands them: what a proof sees. */
#include "cli/rules_print.h"
#include "targets/artefact_folder.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static bool read_source(struct invocation *call, str path, struct rules_source *out,
                        struct err *err)
{
    bytes content = {0};
    if (!os_read_all(call->os, path, LIMIT_ARTEFACT_BYTES, call->arena, &content, err))
        return false;
    out->path = path;
    return rule_file_read(path, content, call->arena, &out->file, err);
}

static str severity_text(enum severity severity)
{
    return severity == SEVERITY_ERROR ? S("error") : S("warning");
}

static void print_csv_findings(struct invocation *call, const struct rules_source *sources,
                               size_t n)
{
    static const struct table_column columns[] = {
        {T("severity"), ALIGN_LEFT, 0},
        {T("kind"),     ALIGN_LEFT, 0},
        {T("where"),    ALIGN_LEFT, 0},
        {T("text"),     ALIGN_LEFT, 0},
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < sources[i].n_found; j++) {
            const struct check_rules_finding *f = &sources[i].found[j];
            table_add(&table, severity_text(f->severity));
            table_add(&table, f->kind);
            table_add(&table, rules_print_where(call->arena, &sources[i], f->rule));
            table_add(&table, f->text);
        }
    table_print_csv(&table, call->out);
}

static void print_findings(struct invocation *call, const struct rules_source *sources, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct rules_source *source = &sources[i];
        size_t n_errors = 0;
        for (size_t j = 0; j < source->n_found; j++) {
            const struct check_rules_finding *f = &source->found[j];
            bool is_error = f->severity == SEVERITY_ERROR;
            n_errors += is_error;
            buf_str(call->out, rules_print_where(call->arena, source, f->rule));
            buf_str(call->out, S(": "));
            table_tone(call->out, severity_text(f->severity), is_error ? TONE_BAD : TONE_WARN,
                       call->colour);
            buf_format(call->out, ": %.*s: %.*s\n", STR_ARG(f->kind), STR_ARG(f->text));
        }
        buf_format(call->out, "%.*s: ", STR_ARG(source->path));
        table_tone(call->out, n_errors ? S("not ok") : S("ok"), n_errors ? TONE_BAD : TONE_GOOD,
                   call->colour);
        buf_format(call->out, ": %zu rule%s, %zu error%s, %zu warning%s\n", source->file.rules.n,
                   source->file.rules.n == 1 ? "" : "s", n_errors, n_errors == 1 ? "" : "s",
                   source->n_found - n_errors, source->n_found - n_errors == 1 ? "" : "s");
    }
}

/* True when a rule never decides what it was written for. */
static bool check_sources(struct invocation *call, struct rules_source *sources, size_t n)
{
    bool any_error = false;
    for (size_t i = 0; i < n; i++) {
        struct rules_source *s = &sources[i];
        s->found =
            check_rules(s->file.rules, s->file.engine, call->arena, call->scratch, &s->n_found);
        for (size_t j = 0; j < s->n_found; j++)
            any_error = any_error || s->found[j].severity == SEVERITY_ERROR;
    }
    return any_error;
}

/* Files to read: those named, and of folders every file of a format that is known. */
struct file_list {
    str *items;
    size_t n, room;
    bool failed, full;
};

/* By its head: a folder may hold whatever else, of any size. What can't be read is taken for one,
 * since reading it says why. */
static bool is_known(struct invocation *call, str path)
{
    struct arena scratch = call->scratch;
    struct os *os = call->os;
    struct err err = {0};
    uint8_t *head = arena_array(&scratch, uint8_t, LIMIT_RECOGNISE_BYTES);
    struct os_file *file = os->open(os->self, path, &scratch, &err);
    size_t n = 0, more = 1;
    bool good = file != NULL;
    while (good && more && n < LIMIT_RECOGNISE_BYTES) {
        good = os->read(os->self, file, head + n, LIMIT_RECOGNISE_BYTES - n, &more, &err);
        n += good ? more : 0;
    }
    if (file) os->close(os->self, file);
    return !good || rule_file_recognise((bytes){head, n});
}

static void add_file(struct invocation *call, struct file_list *list, str path)
{
    arena_grow(call->arena, list->items, list->n, list->room);
    list->items[list->n++] = path;
}

/* A folder that compile wrote says itself which of its files hold rules. */
static bool add_compiled(struct invocation *call, struct file_list *list, str path)
{
    struct artefact_folder folder = {0};
    struct err err = {0};
    bytes content = {0};
    str manifest = os_join(call->arena, path, S("manifest.json"));
    if (call->os->kind(call->os->self, manifest) != OS_FILE) return false;
    if (!os_read_all(call->os, manifest, LIMIT_ARTEFACT_BYTES, call->arena, &content, &err) ||
        !artefact_folder_read(manifest, content, call->arena, &folder, &err))
        return false;
    for (size_t i = 0; i < folder.n_parts; i++)
        for (size_t k = 0; k < folder.parts[i].n_files; k++)
            add_file(call, list, os_join(call->arena, path, folder.parts[i].files[k]));
    return true;
}

static void fail(struct invocation *call, struct file_list *list, str path, struct err *err)
{
    err_in(err, path);
    (void)command_fail(call, err);
    list->failed = true;
}

/* In the order of names; links are not followed. */
static void add_folder(struct invocation *call, struct file_list *list, str path, unsigned depth)
{
    struct os *os = call->os;
    str *names = NULL;
    size_t n = 0;
    struct err err = {0};
    bool listed = false;
    if (add_compiled(call, list, path)) return;
    if (depth == LIMIT_FOLDER_DEPTH)
        (void)err_set(&err, ERR_LIMIT, "more than %d folders within each other",
                      LIMIT_FOLDER_DEPTH);
    else
        listed = os->list(os->self, path, call->arena, &names, &n, &err);
    if (!listed) {
        fail(call, list, path, &err);
        return;
    }
    for (size_t i = 0; i < n && !list->full; i++) {
        if (list->n >= LIMIT_ARTEFACTS) {
            (void)err_set(&err, ERR_LIMIT, "more than %d files with rules", LIMIT_ARTEFACTS);
            list->full = true;
            fail(call, list, path, &err);
            return;
        }
        str inner = os_join(call->arena, path, names[i]);
        if (os->is_link(os->self, inner)) continue;
        enum os_kind kind = os->kind(os->self, inner);
        if (kind == OS_DIRECTORY) add_folder(call, list, inner, depth + 1);
        if (kind == OS_FILE && is_known(call, inner)) add_file(call, list, inner);
    }
}

static struct file_list find_files(struct invocation *call)
{
    struct file_list list = {0};
    for (size_t i = 0; i < call->n_arguments; i++) {
        str path = call->arguments[i];
        size_t before = list.n;
        if (call->os->kind(call->os->self, path) != OS_DIRECTORY) {
            add_file(call, &list, path);
            continue;
        }
        add_folder(call, &list, path, 0);
        if (list.n > before || list.failed) continue;
        struct err err = {0};
        (void)err_set(&err, ERR_NOT_FOUND, "no file of a known format is in this folder");
        fail(call, &list, path, &err);
    }
    return list;
}

static int run(struct invocation *call)
{
    bool is_check = option_flag(call, S("check"));
    struct file_list files = find_files(call);
    struct rules_source *sources = arena_array(call->arena, struct rules_source, files.n + 1);
    size_t n = 0;
    int status = files.failed ? EXIT_FAILED : EXIT_FINE;
    for (size_t i = 0; i < files.n; i++) {
        struct err err = {0};
        if (read_source(call, files.items[i], &sources[n], &err))
            n++;
        else
            status = command_fail(call, &err);
    }
    if (!n) return status; /* an empty table would be an answer */
    for (size_t i = 0; i < n; i++)
        rules_print_problems(call, &sources[i]);
    bool bad = is_check && check_sources(call, sources, n);
    if (call->format == FORMAT_JSON)
        rules_print_json(call, sources, n, is_check);
    else if (is_check && call->format == FORMAT_CSV)
        print_csv_findings(call, sources, n);
    else if (is_check)
        print_findings(call, sources, n);
    else
        rules_print_table(call, sources, n);
    return status == EXIT_FINE && bad ? EXIT_NO : status;
}

static const struct option options[] = {
    {.name = T("check"),
     .type = OPTION_FLAG,
     .help = T("find rules that never decide anything, or contradict each other")},
};

static const struct example examples[] = {
    {T("sallyport rules out/nftables/*.nft --check"),
     T("Is there a rule that another one makes idle?")                                        },
    {T("sallyport rules out/powershell/clients-1/apply.ps1"), T("What does this script make?")},
    {T("sallyport rules clients.reg"),
     T("What does this export of a machine say? (Registry.pol and .wfw too)")                 },
    {T("sallyport rules out/nftables/*.nft --json"),
     T("Every rule of all files, for a program that reads on")                                },
};

const struct command rules_command = {
    .name = T("rules"),
    .summary = T("Print the rules that firewall files hold"),
    .arguments = T("FILE..."),
    .least_arguments = 1,
    .most_arguments = SIZE_MAX,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T(
        "Files are recognised by their content, and of a folder (a backup of group policy) all "
        "that are "
        "known are read:\nartefacts of `compile`, and Windows policy of "
        "others (Registry.pol, .wfw and\nother registry hives, .reg). Of an artefact, what is "
        "printed is what `compile` proves equal to the policy; a line\nit does not know is an "
        "error, never skipped. Of an export, what can't be understood is a warning with its\n"
        "place. Text shows the first three ranges of a list, CSV and JSON all of them.\n\n"
        "--check asks each file, under the order in which its firewall decides, for rules that "
        "others make idle: in\nWindows every block beats every allow, so a list made for a "
        "firewall "
        "that takes the first match may block\neverything; elsewhere a rule behind those that "
        "match "
        "all of it never decides. Exact for all addresses, also\nwhere only several rules together "
        "do it.\n\n"
        "Exit status: 0 fine; 1 with --check, when a rule can't do what it says; 2 a file can't be "
        "read."),
    .run = run,
};
