/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that artefacts hold, as their target's reader understands them: what a proof sees. */
#include "cli/command.h"
#include "reason/check_rules.h"
#include "targets/target.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* An artefact of this size has some hundred thousand rules. */
enum { MOST_FILE_BYTES = 256 << 20 };

/* The rules of one file. */
struct source {
    str path;
    struct ruleset rules;
    enum engine engine;
    const struct check_rules_finding *found; /* with --check */
    size_t n_found;
};

static bool read_source(struct invocation *call, str path, struct source *out, struct err *err)
{
    bytes content = {0};
    if (!os_read_all(call->os, path, MOST_FILE_BYTES, call->arena, &content, err)) return false;
    const struct target *target = target_recognise(content);
    if (!target) {
        struct buf known = buf_in(call->arena);
        for (size_t i = 0; i < targets_n; i++)
            buf_format(&known, "%s%.*s", i ? ", " : "", STR_ARG(targets[i]->name));
        (void)err_set(err, ERR_UNKNOWN_FORMAT, "expected an artefact of one of: %.*s",
                      STR_ARG(buf_text(&known)));
        return err_in(err, path);
    }
    out->path = path;
    out->engine = target->engine;
    return target->read(path, content, call->arena, &out->rules, err);
}

/* ---- Cells --------------------------------------------------------------------------------------
 */

/* Each range as an admin writes it. */
static str *range_texts(struct arena *arena, struct prefix_set set, size_t *n)
{
    char first[PREFIX_TEXT], last[ADDR_TEXT];
    str *texts = arena_array(arena, str, set.n + 2);
    *n = 0;
    if (prefix_set_equal(set, (struct prefix_set){&addr_all, 1})) {
        texts[(*n)++] = S("any");
        return texts;
    }
    struct prefix_set parts[] = {prefix_set_v4(arena, set), prefix_set_v6(arena, set)};
    for (size_t part = 0; part < COUNT_OF(parts); part++) {
        for (size_t i = 0; i < parts[part].n; i++) {
            struct prefix_set one = {&parts[part].ranges[i], 1};
            size_t n_prefixes;
            struct prefix *p = prefix_set_prefixes(arena, one, &n_prefixes);
            if (n_prefixes == 1) {
                texts[(*n)++] = str_copy(arena, prefix_text(first, p[0]));
                continue;
            }
            str a = addr_text(first, one.ranges[0].first), b = addr_text(last, one.ranges[0].last);
            texts[(*n)++] = str_format(arena, "%.*s-%.*s", STR_ARG(a), STR_ARG(b));
        }
    }
    return texts;
}

static str *port_texts(struct arena *arena, const struct rule *rule, size_t *n)
{
    str *texts = arena_array(arena, str, rule->n_ports + 1);
    for (size_t i = 0; i < rule->n_ports; i++) {
        unsigned first = rule->ports[i].first, last = rule->ports[i].last;
        texts[i] = first == last ? str_format(arena, "%u", first)
                                 : str_format(arena, "%u-%u", first, last);
    }
    *n = rule->n_ports;
    return texts;
}

static str *profile_texts(struct arena *arena, const struct rule *rule, size_t *n)
{
    str *texts = arena_array(arena, str, PROFILE_COUNT);
    *n = 0;
    for (unsigned p = 0; p < PROFILE_COUNT; p++)
        if (rule->profiles >> p & 1u) texts[(*n)++] = profile_text((enum profile)p);
    return texts;
}

/* All of them, or the first few and how many more; most 0 = all. */
static str joined(struct arena *arena, const str *texts, size_t n, size_t most)
{
    struct buf out = buf_in(arena);
    size_t shown = most && n > most ? most : n;
    for (size_t i = 0; i < shown; i++)
        buf_format(&out, "%s%.*s", i ? " " : "", STR_ARG(texts[i]));
    if (shown < n) buf_format(&out, " +%zu", n - shown);
    return buf_text(&out);
}

/* ---- Output -------------------------------------------------------------------------------------
 */

static void print_list(struct json *json, str key, const str *texts, size_t n)
{
    json_key(json, key);
    json_array(json);
    for (size_t i = 0; i < n; i++)
        json_str(json, texts[i]);
    json_array_end(json);
}

static void print_json_rule(struct json *json, struct arena *arena, str path,
                            const struct rule *rule)
{
    size_t n;
    const str *texts;
    json_object(json);
    json_member_str(json, S("source"), path);
    json_member_u64(json, S("offset"), rule->offset);
    json_member_str(json, S("id"), rule->id);
    json_member_str(json, S("name"), rule->name);
    json_member_str(json, S("group"), rule->group);
    json_member_str(json, S("direction"), direction_text(rule->direction));
    json_member_str(json, S("action"), action_text(rule->action));
    json_member_bool(json, S("active"), rule->enabled);
    texts = profile_texts(arena, rule, &n);
    print_list(json, S("profiles"), texts, n);
    json_member_str(json, S("protocol"), service_transport_text(rule->transport));
    texts = port_texts(arena, rule, &n);
    print_list(json, S("ports"), texts, n);
    texts = range_texts(arena, rule->local, &n);
    print_list(json, S("local_addresses"), texts, n);
    texts = range_texts(arena, rule->remote, &n);
    print_list(json, S("remote_addresses"), texts, n);
    json_member_str_or_null(json, S("program"), rule->program);
    json_member_str_or_null(json, S("security"), rule->security);
    json_member_str_or_null(json, S("principals"), rule->principals);
    json_member_bool(json, S("logs"), rule->logs);
    json_object_end(json);
}

/* "apply.ps1:1204": where the rule begins */
static str where(struct arena *arena, const struct source *source, size_t rule)
{
    return str_format(arena, "%.*s:%" PRIu64, STR_ARG(source->path),
                      source->rules.rules[rule].offset);
}

static str severity_text(enum severity severity)
{
    return severity == SEVERITY_ERROR ? S("error") : S("warning");
}

static void print_json_finding(struct json *json, struct arena *arena, const struct source *source,
                               const struct check_rules_finding *f)
{
    json_object(json);
    json_member_str(json, S("severity"), severity_text(f->severity));
    json_member_str(json, S("kind"), f->kind);
    json_member_str(json, S("where"), where(arena, source, f->rule));
    json_member_str(json, S("text"), f->text);
    json_key(json, S("others"));
    json_array(json);
    for (size_t i = 0; i < f->n_others; i++)
        json_str(json, where(arena, source, f->others[i]));
    json_array_end(json);
    json_key(json, S("witness"));
    json_object(json);
    json_member_str(json, S("direction"), direction_text(source->rules.rules[f->rule].direction));
    json_key(json, S("local"));
    json_addr(json, f->local);
    json_key(json, S("remote"));
    json_addr(json, f->remote);
    json_member_str_or_null(json, S("protocol"),
                            f->transport == TRANSPORT_NONE ? (str){0}
                                                           : service_transport_text(f->transport));
    json_member_u64(json, S("port"), f->port);
    json_member_str(json, S("profile"), profile_text(f->profile));
    json_object_end(json);
    json_object_end(json);
}

static void print_json(struct invocation *call, const struct source *sources, size_t n)
{
    struct json json = json_to(call->out);
    json_object(&json);
    json_key(&json, S("rules"));
    json_array(&json);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < sources[i].rules.n; j++)
            print_json_rule(&json, call->arena, sources[i].path, &sources[i].rules.rules[j]);
    json_array_end(&json);
    if (option_flag(call, S("check"))) {
        json_key(&json, S("findings"));
        json_array(&json);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < sources[i].n_found; j++)
                print_json_finding(&json, call->arena, &sources[i], &sources[i].found[j]);
        json_array_end(&json);
    }
    json_object_end(&json);
    buf_char(call->out, '\n');
}

static void print_table(struct invocation *call, const struct source *sources, size_t n)
{
    enum { SHOWN = 3 };
    static const struct table_column columns[] = {
        {T("source"),    ALIGN_LEFT,  0},
        {T("offset"),    ALIGN_RIGHT, 0},
        {T("direction"), ALIGN_LEFT,  0},
        {T("action"),    ALIGN_LEFT,  0},
        {T("active"),    ALIGN_LEFT,  0},
        {T("profiles"),  ALIGN_LEFT,  0},
        {T("protocol"),  ALIGN_LEFT,  0},
        {T("ports"),     ALIGN_LEFT,  0},
        {T("local"),     ALIGN_LEFT,  0},
        {T("remote"),    ALIGN_LEFT,  0},
        {T("group"),     ALIGN_LEFT,  0},
        {T("id"),        ALIGN_LEFT,  0},
    };
    struct arena *arena = call->arena;
    bool csv = call->format == FORMAT_CSV;
    struct table table = table_of(arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < sources[i].rules.n; j++) {
            const struct rule *rule = &sources[i].rules.rules[j];
            size_t n_texts;
            const str *texts;
            table_add(&table, sources[i].path);
            table_add_u64(&table, rule->offset);
            table_add(&table, direction_text(rule->direction));
            table_add_toned(&table, action_text(rule->action),
                            rule->action == ACTION_BLOCK ? TONE_BAD : TONE_GOOD);
            table_add(&table, rule->enabled ? S("yes") : S("no"));
            texts = profile_texts(arena, rule, &n_texts);
            table_add(&table, joined(arena, texts, n_texts, 0));
            table_add(&table, service_transport_text(rule->transport));
            texts = port_texts(arena, rule, &n_texts);
            table_add(&table, joined(arena, texts, n_texts, 0));
            texts = range_texts(arena, rule->local, &n_texts);
            table_add(&table, joined(arena, texts, n_texts, csv ? 0 : SHOWN));
            texts = range_texts(arena, rule->remote, &n_texts);
            table_add(&table, joined(arena, texts, n_texts, csv ? 0 : SHOWN));
            table_add(&table, rule->group);
            table_add(&table, rule->id);
        }
    }
    if (csv)
        table_print_csv(&table, call->out);
    else
        table_print_text(&table, call->out, call->colour);
}

static void print_csv_findings(struct invocation *call, const struct source *sources, size_t n)
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
            table_add(&table, where(call->arena, &sources[i], f->rule));
            table_add(&table, f->text);
        }
    table_print_csv(&table, call->out);
}

static void print_findings(struct invocation *call, const struct source *sources, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct source *source = &sources[i];
        size_t n_errors = 0;
        for (size_t j = 0; j < source->n_found; j++) {
            const struct check_rules_finding *f = &source->found[j];
            bool is_error = f->severity == SEVERITY_ERROR;
            n_errors += is_error;
            buf_str(call->out, where(call->arena, source, f->rule));
            buf_str(call->out, S(": "));
            table_tone(call->out, severity_text(f->severity), is_error ? TONE_BAD : TONE_WARN,
                       call->colour);
            buf_format(call->out, ": %.*s: %.*s\n", STR_ARG(f->kind), STR_ARG(f->text));
        }
        buf_format(call->out, "%.*s: ", STR_ARG(source->path));
        table_tone(call->out, n_errors ? S("not ok") : S("ok"), n_errors ? TONE_BAD : TONE_GOOD,
                   call->colour);
        buf_format(call->out, ": %zu rule%s, %zu error%s, %zu warning%s\n", source->rules.n,
                   source->rules.n == 1 ? "" : "s", n_errors, n_errors == 1 ? "" : "s",
                   source->n_found - n_errors, source->n_found - n_errors == 1 ? "" : "s");
    }
}

/* True when a rule never decides what it was written for. */
static bool check_sources(struct invocation *call, struct source *sources, size_t n)
{
    bool any_error = false;
    for (size_t i = 0; i < n; i++) {
        struct source *s = &sources[i];
        s->found = check_rules(s->rules, s->engine, call->arena, call->scratch, &s->n_found);
        for (size_t j = 0; j < s->n_found; j++)
            any_error = any_error || s->found[j].severity == SEVERITY_ERROR;
    }
    return any_error;
}

static int run(struct invocation *call)
{
    bool is_check = option_flag(call, S("check"));
    struct source *sources = arena_array(call->arena, struct source, call->n_arguments);
    size_t n = 0;
    int status = EXIT_FINE;
    for (size_t i = 0; i < call->n_arguments; i++) {
        struct err err = {0};
        if (read_source(call, call->arguments[i], &sources[n], &err))
            n++;
        else
            status = command_fail(call, &err);
    }
    if (!n) return status; /* an empty table would be an answer */
    bool bad = is_check && check_sources(call, sources, n);
    if (call->format == FORMAT_JSON)
        print_json(call, sources, n);
    else if (is_check && call->format == FORMAT_CSV)
        print_csv_findings(call, sources, n);
    else if (is_check)
        print_findings(call, sources, n);
    else
        print_table(call, sources, n);
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
        "Files are recognised by their content. What is printed is what the target's reader "
        "understood, which is what\n`compile` proves equal to the policy; a line it does not know "
        "is an error, never skipped. Text shows the first\nthree ranges of a list, CSV and JSON "
        "all of them.\n\n"
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
