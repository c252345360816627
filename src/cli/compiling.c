/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compiling.h"

#include "base/sha256.h"
#include "cli/controllers.h"
#include "harden/baseline.h"
#include "targets/probes.h"
#include "targets/rules_md.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* An artefact of this size has some hundred thousand rules; longer ones were not written by us. */
enum { PROBES_OF_EACH = 16, MOST_KEPT_BYTES = 32 << 20 };

/* What is kept of a batch that was proved, between proving and writing. */
struct kept_batch {
    size_t from, n; /* in its part's files */
    bool whole;     /* with their content, so that it need not be made again */
};

/* ---- What must hold before anything is made -----------------------------------------------------
 */

bool compiling_load(struct compiling *c, int *status)
{
    struct invocation *call = c->call;
    struct policy_file *file = c->file;
    struct workspace *workspace = arena_new(call->arena, struct workspace);
    const struct check_controller *controllers = NULL;
    size_t n_controllers = 0;
    struct err err = {0};
    const struct host_lookup *hosts = NULL;
    if (!policy_file_load(call, file, status)) return false;
    if (file->has_exceptions_file && file->policy.governance) {
        err_set(&err, ERR_REFUSED,
                "the policy has a governance section: what is compiled has the exceptions of the "
                "ledger, not those of a file (\"sallyport exception request --file\" brings them "
                "there)");
        *status = command_fail(call, &err);
        return false;
    }
    if (call->os->kind(call->os->self, workspace_database(call)) == OS_FILE) {
        *status = EXIT_FAILED;
        if (!workspace_open(call, workspace, &err) ||
            !controllers_known(call, workspace, &controllers, &n_controllers, &err)) {
            (void)command_fail(call, &err);
            return false;
        }
        hosts = workspace_lookup(call, workspace);
    }
    bool resolved = policy_file_resolve(call, file, hosts, false, status);
    /* Artefacts go to other machines: a reason names the file, not where it lay here. */
    file->policy.source = os_base_name(file->source);
    file->exceptions.name = os_base_name(file->exceptions.name);
    if (workspace->store) store_close(workspace->store);
    if (!resolved) return false;
    size_t before = file->found.n;
    bool holds = check_lifeline(&file->resolved, controllers, n_controllers, call->arena,
                                call->scratch, &file->found);
    policy_file_print(call->talk, call->arena, call->talk_colour, file->source, file->policy.text,
                      &file->found, before);
    if (holds) return true;
    table_tone(call->talk, S("sallyport: nothing is written without a lifeline"), TONE_BAD,
               call->talk_colour);
    buf_char(call->talk, '\n');
    *status = EXIT_NO;
    return false;
}

static str list_of(const str *names, size_t n, struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_str(&out, S("; there are "));
    for (size_t i = 0; i < n; i++)
        buf_format(&out, "%s%.*s", i ? ", " : "", STR_ARG(names[i]));
    return buf_text(&out);
}

bool compiling_targets(struct compiling *c, const str *names, size_t n, struct err *err)
{
    struct arena *arena = c->call->arena;
    c->parts = arena_array(arena, struct manifest_part, n + 1);
    c->n_parts = 0;
    for (size_t i = 0; i < n; i++) {
        const struct target *target = target_by_name(names[i]);
        if (!target) {
            str *known = arena_array(arena, str, targets_n);
            for (size_t k = 0; k < targets_n; k++)
                known[k] = targets[k]->name;
            str hint = command_suggest(arena, names[i], known, targets_n);
            if (!hint.len) hint = list_of(known, targets_n, arena);
            return err_set(err, ERR_USAGE, "there is no target \"%.*s\"%.*s", STR_ARG(names[i]),
                           STR_ARG(hint));
        }
        bool again = false;
        for (size_t k = 0; k < c->n_parts; k++)
            again = again || c->parts[k].target == target;
        if (!again) c->parts[c->n_parts++].target = target;
    }
    return true;
}

static struct target_header header_of(const struct compiling *c)
{
    const struct policy *policy = &c->file->policy;
    struct arena *arena = c->call->arena;
    const struct source_text *exceptions = &c->file->exceptions;
    struct sha256_digest digest = sha256_of(str_bytes(exceptions->text));
    return (struct target_header){
        .organisation = policy->organisation,
        .policy_source = os_base_name(c->file->source),
        .policy_sha256 = sha256_hex(arena, &policy->digest),
        .exceptions_sha256 = exceptions->name.len ? sha256_hex(arena, &digest) : (str){0},
        .as_of_us = c->call->as_of_us,
        .workspace = target_word(arena, policy->organisation),
    };
}

void compiling_plan(struct compiling *c)
{
    struct invocation *call = c->call;
    const struct bundle_sizes sizes = {0};
    c->header = header_of(c);
    c->decision = decision_build(&c->file->resolved, NULL, call->arena, call->scratch);
    c->plan = bundle_plan(c->decision, c->header.workspace, &sizes, call->arena, call->scratch);
    c->bundles = harden_bundles(bundle_planned(c->plan), call->arena);
    c->provers = arena_array(call->arena, const struct prover *, c->n_parts);
    for (size_t i = 0; i < c->n_parts; i++)
        c->provers[i] =
            prover_make(c->decision, *c->parts[i].target->peers, call->arena, call->scratch);
    c->kept = arena_array(call->arena, struct kept_batch, c->n_parts * (c->bundles.n_classes + 1));
    c->rules_md = buf_in(call->arena);
    c->probes = buf_in(call->arena);
    probes_head(&c->probes);
    while (c->telling < c->n_parts && !c->parts[c->telling].target->hosts)
        c->telling++;
}

bool compiling_is_common(const struct compiling_batch *batch, const struct target_file *file)
{
    return batch->bundles.n_classes && !file->host_class;
}

static void make_rules(const struct compiling *c, struct compiling_batch *batch)
{
    struct prefix_set peers = *c->parts[batch->part].target->peers;
    struct arena *work = batch->work;
    struct arena scratch = c->call->scratch;
    batch->bundles = (struct bundles){.resolved = c->bundles.resolved};
    if (batch->index < c->bundles.n_classes && !c->parts[batch->part].target->hosts) return;
    if (batch->index < c->bundles.n_classes) {
        struct host_class *class = arena_new(work, struct host_class);
        *class = c->bundles.classes[batch->index];
        class->rules = bundle_class_rules(c->plan, peers, batch->index, work, scratch);
        class->around = existing_of(&c->existing, class, c->parts[batch->part].target->engine,
                                    c->header.workspace, work);
        batch->bundles.classes = class;
        batch->bundles.n_classes = 1;
        return;
    }
    size_t n = c->bundles.n_borders;
    struct border_rules *borders = arena_array(work, struct border_rules, n + 1);
    for (size_t i = 0; i < n; i++) {
        borders[i] = c->bundles.borders[i];
        borders[i].rules = bundle_border_rules(c->plan, peers, i, work, scratch);
    }
    batch->bundles.borders = borders;
    batch->bundles.n_borders = n;
}

static struct kept_batch *kept_of(const struct compiling *c, const struct compiling_batch *batch)
{
    return &c->kept[batch->part * (c->bundles.n_classes + 1) + batch->index];
}

/* A batch as it was proved, if its content was kept. */
static bool is_kept(const struct compiling *c, struct compiling_batch *batch)
{
    const struct kept_batch *kept = kept_of(c, batch);
    if (!kept->whole) return false;
    if (!kept->n) return true; /* no files at all */
    batch->files =
        (struct target_files){c->parts[batch->part].files.items + kept->from, kept->n, 0};
    return true;
}

bool compiling_each(struct compiling *c, const char *what,
                    bool (*take)(struct compiling *c, struct compiling_batch *batch,
                                 struct err *err),
                    struct err *err)
{
    struct arena work = arena_open("compile", 0, NULL);
    size_t n = c->bundles.n_classes + 1;
    bool good = true;
    for (size_t i = 0; good && i < c->n_parts * n; i++) {
        struct compiling_batch batch = {.part = i / n, .index = i % n, .work = &work};
        const struct target *target = c->parts[batch.part].target;
        arena_reset(&work);
        command_progress(c->call, str_of(what), i, c->n_parts * n);
        if (is_kept(c, &batch)) {
            good = take(c, &batch, err);
            continue;
        }
        make_rules(c, &batch);
        good = target->emit(&batch.bundles, &c->header, &work, &batch.files, err) &&
               take(c, &batch, err);
    }
    command_progress_end(c->call);
    arena_close(&work);
    return good;
}

/* A target for firewalls at borders has nothing to say of a policy without any. */
static bool has_places(const struct compiling *c, struct err *err)
{
    for (size_t i = 0; i < c->n_parts; i++) {
        const struct target *target = c->parts[i].target;
        if (target->hosts || c->bundles.n_borders) continue;
        return err_set(err, ERR_UNSUPPORTED,
                       "target %.*s writes for the firewalls at borders, and the policy has none: "
                       "expected a segment with `border: enforced`, or `perimeter:`",
                       STR_ARG(target->name));
    }
    return true;
}

/* Of the targets for hosts. */
static unsigned engines_of(const struct compiling *c)
{
    unsigned engines = 0;
    for (size_t i = 0; i < c->n_parts; i++)
        if (c->parts[i].target->hosts) engines |= 1u << c->parts[i].target->engine;
    return engines;
}

bool compiling_fits(const struct compiling *c, struct err *err)
{
    return existing_fits(&c->existing, engines_of(c), err) &&
           existing_names(&c->existing, c->bundles.classes, c->bundles.n_classes, err);
}

void compiling_differs(struct compiling *c, str text)
{
    arena_grow(c->call->arena, c->differences, c->n_differences, c->differences_room);
    c->differences[c->n_differences++] = text;
    if (c->call->format == FORMAT_JSON) return;
    table_tone(c->call->out, text, TONE_BAD, c->call->colour);
    buf_char(c->call->out, '\n');
}

int compiling_answer(struct compiling *c)
{
    if (c->call->format == FORMAT_JSON) {
        struct json json = json_to(c->call->out);
        json_object(&json);
        json_key(&json, S("proof"));
        json_object(&json);
        json_member_bool(&json, S("equal"), !c->n_differences);
        json_key(&json, S("differences"));
        json_array(&json);
        for (size_t i = 0; i < c->n_differences; i++)
            json_str(&json, c->differences[i]);
        json_array_end(&json);
        json_object_end(&json);
        json_object_end(&json);
        buf_char(c->call->out, '\n');
    }
    return c->n_differences ? EXIT_NO : EXIT_FINE;
}

bool compiling_prove_batch(struct compiling *c, const struct compiling_batch *batch)
{
    struct invocation *call = c->call;
    struct manifest_part *part = &c->parts[batch->part];
    struct prove_report *sum = &part->report;
    struct prove_report report =
        prove_with(c->provers[batch->part], part->target, &batch->bundles, &batch->files,
                   c->header.workspace, call->arena, call->scratch);
    sum->n_classes += report.n_classes;
    sum->n_borders += report.n_borders;
    sum->n_rules += report.n_rules;
    for (size_t i = 0; i < batch->files.n; i++) {
        const struct target_file *file = &batch->files.items[i];
        if (compiling_is_common(batch, file)) continue;
        sum->n_files++;
        sum->n_rollbacks += file->kind == TARGET_FILE_ROLLBACK;
    }
    sum->equal = report.equal;
    if (report.equal) return true;
    command_progress_end(call);
    if (call->format != FORMAT_JSON)
        buf_format(call->out, "%.*s does not say what the policy says:\n",
                   STR_ARG(part->target->name));
    compiling_differs(c, prove_text(&report, &c->file->policy, call->arena));
    return false;
}

/* Two names that are one file on Windows would lose a class its rules. */
static bool note_path(struct compiling *c, const struct manifest_part *part,
                      const struct target_file *file, struct err *err)
{
    struct arena *arena = c->call->arena;
    bool fresh = false;
    str path = manifest_path(arena, part, file);
    (void)map_put(&c->paths, arena, str_lower(arena, path), 0, &fresh);
    return fresh || err_set(err, ERR_CONFLICT,
                            "two names of the policy would both be written to \"%.*s\"; rename one",
                            STR_ARG(file->path));
}

/* What is kept of a file that was proved: who loads it, and its hash. */
static void keep_file(struct compiling *c, const struct compiling_batch *batch,
                      const struct target_file *file, bool whole)
{
    struct arena *arena = c->call->arena;
    struct sha256_digest digest = sha256_of(str_bytes(file->content));
    struct target_file kept = {
        .path = str_copy(arena, file->path),
        .sha256 = sha256_hex(arena, &digest),
        .executable = file->executable,
        .kind = file->kind,
        .content = whole ? str_copy(arena, file->content) : (str){0},
    };
    if (file->host_class) kept.host_class = &c->bundles.classes[batch->index];
    if (file->border) kept.border = &c->bundles.borders[file->border - batch->bundles.borders];
    target_add_file(&c->parts[batch->part].files, arena, kept);
}

/* The last batch is kept whatever its size: there is one of it. */
static void keep_batch(struct compiling *c, const struct compiling_batch *batch)
{
    struct kept_batch *kept = kept_of(c, batch);
    size_t length = 0;
    kept->from = c->parts[batch->part].files.n;
    for (size_t i = 0; i < batch->files.n; i++)
        if (!compiling_is_common(batch, &batch->files.items[i]))
            length += batch->files.items[i].content.len;
    kept->whole = batch->index == c->bundles.n_classes || c->kept_bytes + length <= MOST_KEPT_BYTES;
    if (kept->whole) c->kept_bytes += length;
    for (size_t i = 0; i < batch->files.n; i++)
        if (!compiling_is_common(batch, &batch->files.items[i]))
            keep_file(c, batch, &batch->files.items[i], kept->whole);
    kept->n = c->parts[batch->part].files.n - kept->from;
}

static bool make_batch(struct compiling *c, struct compiling_batch *batch, struct err *err)
{
    const struct manifest_part *part = &c->parts[batch->part];
    for (size_t i = 0; i < batch->files.n; i++)
        if (!compiling_is_common(batch, &batch->files.items[i]) &&
            !note_path(c, part, &batch->files.items[i], err))
            return false;
    if (!compiling_prove_batch(c, batch)) return false;
    keep_batch(c, batch);
    for (size_t i = 0; i < batch->bundles.n_classes; i++)
        c->parts[batch->part].doubts |= doubts_of(&batch->bundles.classes[i]);
    for (size_t i = 0; i < batch->bundles.n_borders && part->target->borders; i++)
        c->parts[batch->part].doubts |= doubts_of_border(&batch->bundles.borders[i]);
    for (size_t i = 0; i < batch->bundles.n_classes && batch->part == c->telling; i++) {
        const struct host_class *class = &batch->bundles.classes[i];
        rules_md_class(class, batch->work, &c->rules_md);
        probes_class(c->decision, class, PROBES_OF_EACH, c->call->scratch, &c->probes);
    }
    for (size_t i = 0; i < batch->bundles.n_borders && !batch->part; i++)
        rules_md_border(&batch->bundles.borders[i], batch->work, &c->rules_md);
    return true;
}

bool compiling_prove(struct compiling *c, struct err *err)
{
    return has_places(c, err) && compiling_fits(c, err) &&
           compiling_each(c, "proving", make_batch, err);
}

void compiling_tell(struct compiling *c, const char *what)
{
    static const struct table_column columns[] = {
        {T("target"),  ALIGN_LEFT,  0},
        {T("classes"), ALIGN_RIGHT, 0},
        {T("borders"), ALIGN_RIGHT, 0},
        {T("rules"),   ALIGN_RIGHT, 0},
        {T("files"),   ALIGN_RIGHT, 0},
        {T("proof"),   ALIGN_LEFT,  0},
    };
    struct invocation *call = c->call;
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < c->n_parts; i++) {
        const struct prove_report *report = &c->parts[i].report;
        table_add_toned(&table, c->parts[i].target->name, TONE_STRONG);
        table_add_u64(&table, report->n_classes);
        table_add_u64(&table, report->n_borders);
        table_add_u64(&table, report->n_rules);
        table_add_u64(&table, report->n_files);
        table_add_toned(&table, S("equal to the policy"), TONE_GOOD);
    }
    if (call->format == FORMAT_CSV) {
        table_print_csv(&table, call->out);
        return;
    }
    table_print_text(&table, call->out, call->colour);
    buf_format(call->out, "%s %.*s\n", what, STR_ARG(c->folder));
}
