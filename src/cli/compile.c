/* SPDX-License-Identifier: Apache-2.0 */
/* Policy in, firewall files out, and nothing unless every target's files, read back, say exactly
 * what the policy says (DESIGN.md 1: every compile proves itself).
 */
#include "base/map.h"
#include "base/sha256.h"
#include "cli/command.h"
#include "cli/controllers.h"
#include "cli/existing.h"
#include "cli/policy_file.h"
#include "harden/baseline.h"
#include "targets/manifest.h"
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

struct compile {
    struct invocation *call;
    struct policy_file *file;
    str folder;
    struct target_header header;
    struct manifest_part *parts;
    size_t n_parts;
    struct manifest manifest;
    struct existing existing;
    const struct decision *decision;
    const struct bundle_plan *plan;
    struct bundles bundles;        /* without rules: those of one class are in memory at a time */
    const struct prover **provers; /* per part */
    struct buf rules_md, probes;   /* of classes and borders */
    size_t telling;                /* the part whose rules of classes stand in it */
    struct map paths;              /* of files that are made, in lower case */
    size_t n_written;              /* of the target at hand */
    struct kept_batch *kept;       /* per part and batch */
    size_t kept_bytes;
    str *differences; /* from the policy, in words */
    size_t n_differences, differences_room;
};

/* ---- What must hold before anything is made -----------------------------------------------------
 */

/* Reads and resolves the policy with the workspace's names, if there is a workspace, and refuses
 * without a lifeline. */
static bool load_policy(struct compile *c, int *status)
{
    struct invocation *call = c->call;
    struct policy_file *file = c->file;
    struct workspace *workspace = arena_new(call->arena, struct workspace);
    const struct check_controller *controllers = NULL;
    size_t n_controllers = 0;
    struct err err = {0};
    const struct host_lookup *hosts = NULL;
    if (!policy_file_load(call, file, status)) return false;
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

/* ---- Making and proving -------------------------------------------------------------------------
 */

static str list_of(const str *names, size_t n, struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_str(&out, S("; there are "));
    for (size_t i = 0; i < n; i++)
        buf_format(&out, "%s%.*s", i ? ", " : "", STR_ARG(names[i]));
    return buf_text(&out);
}

static bool choose_targets(struct compile *c, struct err *err)
{
    size_t n;
    struct arena *arena = c->call->arena;
    str *names = option_texts(c->call, S("target"), &n);
    str standard = S("powershell");
    if (!n) names = &standard;
    c->parts = arena_array(arena, struct manifest_part, (n ? n : 1));
    for (size_t i = 0; i < (n ? n : 1); i++) {
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

/* Who loads what, and what every target's files are proved against. */
static void plan(struct compile *c)
{
    struct invocation *call = c->call;
    const struct bundle_sizes sizes = {0};
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

/* The files of one class, or those of all borders with what no class has for its own. */
struct batch {
    size_t part, index;     /* index: of the class, or the number of classes */
    struct bundles bundles; /* with their rules */
    struct target_files files;
    struct arena *work; /* gone after this batch */
};

static bool is_common(const struct batch *batch, const struct target_file *file)
{
    return batch->bundles.n_classes && !file->host_class;
}

static void make_rules(const struct compile *c, struct batch *batch)
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

static struct kept_batch *kept_of(const struct compile *c, const struct batch *batch)
{
    return &c->kept[batch->part * (c->bundles.n_classes + 1) + batch->index];
}

/* A batch as it was proved, if its content was kept. */
static bool is_kept(const struct compile *c, struct batch *batch)
{
    const struct kept_batch *kept = kept_of(c, batch);
    if (!kept->whole) return false;
    if (!kept->n) return true; /* no files at all */
    batch->files =
        (struct target_files){c->parts[batch->part].files.items + kept->from, kept->n, 0};
    return true;
}

/* Emits every target's files batch by batch and gives each to `take`, until that says no. err names
 * the rule that a target can't express. */
static bool each_batch(struct compile *c, const char *what,
                       bool (*take)(struct compile *c, struct batch *batch, struct err *err),
                       struct err *err)
{
    struct arena work = arena_open("compile", 0, NULL);
    size_t n = c->bundles.n_classes + 1;
    bool good = true;
    for (size_t i = 0; good && i < c->n_parts * n; i++) {
        struct batch batch = {.part = i / n, .index = i % n, .work = &work};
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
static bool has_places(const struct compile *c, struct err *err)
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
static unsigned engines_of(const struct compile *c)
{
    unsigned engines = 0;
    for (size_t i = 0; i < c->n_parts; i++)
        if (c->parts[i].target->hosts) engines |= 1u << c->parts[i].target->engine;
    return engines;
}

static void differs(struct compile *c, str text)
{
    arena_grow(c->call->arena, c->differences, c->n_differences, c->differences_room);
    c->differences[c->n_differences++] = text;
    if (c->call->format == FORMAT_JSON) return;
    table_tone(c->call->out, text, TONE_BAD, c->call->colour);
    buf_char(c->call->out, '\n');
}

/* The proof alone, when no manifest is written that would hold it. */
static int answer(struct compile *c)
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

/* Proves a batch; its first difference is told. */
static bool prove_batch(struct compile *c, const struct batch *batch)
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
        if (is_common(batch, file)) continue;
        sum->n_files++;
        sum->n_rollbacks += file->kind == TARGET_FILE_ROLLBACK;
    }
    sum->equal = report.equal;
    if (report.equal) return true;
    command_progress_end(call);
    if (call->format != FORMAT_JSON)
        buf_format(call->out, "%.*s does not say what the policy says:\n",
                   STR_ARG(part->target->name));
    differs(c, prove_text(&report, &c->file->policy, call->arena));
    return false;
}

/* Two names that are one file on Windows would lose a class its rules. */
static bool note_path(struct compile *c, const struct manifest_part *part,
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
static void keep_file(struct compile *c, const struct batch *batch, const struct target_file *file,
                      bool whole)
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
static void keep_batch(struct compile *c, const struct batch *batch)
{
    struct kept_batch *kept = kept_of(c, batch);
    size_t length = 0;
    kept->from = c->parts[batch->part].files.n;
    for (size_t i = 0; i < batch->files.n; i++)
        if (!is_common(batch, &batch->files.items[i])) length += batch->files.items[i].content.len;
    kept->whole = batch->index == c->bundles.n_classes || c->kept_bytes + length <= MOST_KEPT_BYTES;
    if (kept->whole) c->kept_bytes += length;
    for (size_t i = 0; i < batch->files.n; i++)
        if (!is_common(batch, &batch->files.items[i]))
            keep_file(c, batch, &batch->files.items[i], kept->whole);
    kept->n = c->parts[batch->part].files.n - kept->from;
}

static bool make_batch(struct compile *c, struct batch *batch, struct err *err)
{
    const struct manifest_part *part = &c->parts[batch->part];
    for (size_t i = 0; i < batch->files.n; i++)
        if (!is_common(batch, &batch->files.items[i]) &&
            !note_path(c, part, &batch->files.items[i], err))
            return false;
    if (!prove_batch(c, batch)) return false;
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

/* ---- Writing ------------------------------------------------------------------------------------
 * A folder with a manifest.json is whole. While it is written it has a list of what may stand in it
 * instead, so that a run after one that failed half way takes away what neither of them needs.
 */

static const str manifest_name = T("manifest.json");
static const str incomplete_name = T("manifest-incomplete.json");

static bool write_one(struct compile *c, str path, str content, bool executable, struct err *err)
{
    struct os *os = c->call->os;
    str whole = os_join(c->call->arena, c->folder, path);
    if (!os->make_directory(os->self, os_directory(whole), err))
        return err_in(err, os_directory(whole));
    return os->write_file(os->self, whole, str_bytes(content), executable, err) ||
           err_in(err, whole);
}

static bool remove_one(struct compile *c, str path, struct err *err)
{
    struct os *os = c->call->os;
    str whole = os_join(c->call->arena, c->folder, path);
    if (os->kind(os->self, whole) != OS_FILE) return true;
    return os->remove(os->self, whole, err) || err_in(err, whole);
}

static bool is_made(const struct compile *c, str path)
{
    struct arena scratch = c->call->scratch;
    for (size_t i = 0; i < c->manifest.n_documents; i++)
        if (str_equal(path, c->manifest.documents[i].path)) return true;
    return map_find(&c->paths, str_lower(&scratch, path));
}

struct file_list {
    struct manifest_file *items;
    size_t n, room;
};

/* What an earlier run wrote and this one does not: only files that its manifest names. */
static bool add_stale(struct compile *c, str name, struct file_list *stale, struct err *err)
{
    struct invocation *call = c->call;
    struct os *os = call->os;
    str path = os_join(call->arena, c->folder, name);
    struct manifest_file *files = NULL;
    size_t n = 0;
    bytes content = {0};
    if (os->kind(os->self, path) != OS_FILE) return true;
    if (!os_read_all(os, path, LIMIT_ARTEFACT_BYTES, call->arena, &content, err)) return false;
    if (!manifest_read(path, content, call->arena, &files, &n, err)) return false;
    for (size_t i = 0; i < n; i++) {
        if (is_made(c, files[i].path)) continue;
        arena_grow(call->arena, stale->items, stale->n, stale->room);
        stale->items[stale->n++] = files[i];
    }
    return true;
}

/* The list stands before the manifest goes, and the manifest goes before any file changes. */
static bool begin(struct compile *c, const struct file_list *stale, struct err *err)
{
    struct arena *arena = c->call->arena;
    struct file_list all = {0};
    for (size_t i = 0; i < stale->n; i++) {
        arena_grow(arena, all.items, all.n, all.room);
        all.items[all.n++] = stale->items[i];
    }
    for (size_t i = 0; i < c->n_parts; i++)
        for (size_t j = 0; j < c->parts[i].files.n; j++) {
            arena_grow(arena, all.items, all.n, all.room);
            all.items[all.n++].path =
                manifest_path(arena, &c->parts[i], &c->parts[i].files.items[j]);
        }
    struct buf text = buf_in(arena);
    manifest_print_incomplete(all.items, all.n, &text);
    return write_one(c, incomplete_name, buf_text(&text), false, err) &&
           remove_one(c, manifest_name, err);
}

/* The same rules give the same bytes; that they do is not taken on trust. */
static bool write_batch(struct compile *c, struct batch *batch, struct err *err)
{
    const struct manifest_part *part = &c->parts[batch->part];
    for (size_t i = 0; i < batch->files.n; i++) {
        const struct target_file *file = &batch->files.items[i];
        struct sha256_digest digest = sha256_of(str_bytes(file->content));
        if (is_common(batch, file)) continue;
        const struct target_file *proved = &part->files.items[c->n_written++];
        if (!str_equal(proved->path, file->path) ||
            !str_equal(proved->sha256, sha256_hex(batch->work, &digest)))
            return err_set(err, ERR_CONFLICT, "%.*s is not what was proved: made twice, it differs",
                           STR_ARG(file->path));
        str path = manifest_path(batch->work, part, file);
        if (!write_one(c, path, file->content, file->executable, err)) return false;
    }
    if (batch->index == c->bundles.n_classes) c->n_written = 0; /* the next target's */
    return true;
}

static bool replace_files(struct compile *c, const struct file_list *stale, struct err *err)
{
    for (size_t i = 0; i < stale->n; i++)
        if (!remove_one(c, stale->items[i].path, err)) return false;
    if (!each_batch(c, "writing", write_batch, err)) return false;
    for (size_t i = 0; i < c->manifest.n_documents; i++) {
        const struct manifest_document *document = &c->manifest.documents[i];
        if (!write_one(c, document->path, document->content, document->executable, err))
            return false;
    }
    return true;
}

static int write_all(struct compile *c, str manifest)
{
    struct invocation *call = c->call;
    struct file_list stale = {0};
    struct err err = {0};
    if (!add_stale(c, manifest_name, &stale, &err) ||
        !add_stale(c, incomplete_name, &stale, &err) || !begin(c, &stale, &err))
        return command_fail(call, &err);
    if (replace_files(c, &stale, &err) && write_one(c, manifest_name, manifest, false, &err)) {
        if (remove_one(c, incomplete_name, &err)) return EXIT_FINE;
        return command_fail(call, &err);
    }
    (void)command_fail(call, &err);
    str text = str_format(call->arena,
                          "sallyport: %.*s is incomplete and has no manifest.json: load nothing "
                          "from it until compile has written it again",
                          STR_ARG(c->folder));
    table_tone(call->talk, text, TONE_BAD, call->talk_colour);
    buf_char(call->talk, '\n');
    return EXIT_FAILED;
}

static void tell(struct compile *c, const char *what)
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

/* ---- Verifying ----------------------------------------------------------------------------------
 */

static str folder_path(struct compile *c, const struct batch *batch, const struct target_file *file)
{
    str path = manifest_path(batch->work, &c->parts[batch->part], file);
    return os_join(batch->work, c->folder, path);
}

static bool find_batch(struct compile *c, struct batch *batch, struct err *err)
{
    struct os *os = c->call->os;
    for (size_t i = 0; i < batch->files.n; i++) {
        const struct target_file *file = &batch->files.items[i];
        if (os->kind(os->self, folder_path(c, batch, file)) != OS_FILE)
            return err_set(err, ERR_NOT_FOUND,
                           "the policy asks for %.*s, which the folder does not have",
                           STR_ARG(manifest_path(batch->work, &c->parts[batch->part], file)));
    }
    return true;
}

/* The files of the folder take the place of those just made. */
static bool verify_batch(struct compile *c, struct batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->files.n; i++) {
        struct target_file *file = &batch->files.items[i];
        bytes content = {0};
        if (!os_read_all(c->call->os, folder_path(c, batch, file), LIMIT_ARTEFACT_BYTES,
                         batch->work, &content, err))
            return false;
        file->content = str_of_bytes(content);
    }
    return prove_batch(c, batch);
}

/* Bytes that are not those of the manifest, though they say the same. */
static bool compare_hashes(struct compile *c, const struct manifest_file *files, size_t n,
                           struct err *err)
{
    struct invocation *call = c->call;
    struct arena work = arena_open("verify", 0, NULL);
    bool good = true;
    for (size_t i = 0; good && i < n; i++) {
        arena_reset(&work);
        str path = os_join(&work, c->folder, files[i].path);
        bytes content = {0};
        good = call->os->kind(call->os->self, path) != OS_FILE ||
               os_read_all(call->os, path, LIMIT_ARTEFACT_BYTES, &work, &content, err);
        struct sha256_digest digest = sha256_of(content);
        if (!good || str_equal(sha256_hex(&work, &digest), files[i].sha256)) continue;
        differs(c, str_format(call->arena, "%.*s was changed since it was written",
                              STR_ARG(files[i].path)));
    }
    arena_close(&work);
    return good;
}

/* Without --target: those that the folder has. */
static void keep_targets_of(struct compile *c, const struct manifest_file *files, size_t n)
{
    if (option_given(c->call, S("target"))) return;
    c->parts = arena_array(c->call->arena, struct manifest_part, targets_n);
    c->n_parts = 0;
    for (size_t t = 0; t < targets_n; t++) {
        bool has = false;
        for (size_t i = 0; i < n; i++) {
            str head, tail;
            has = has ||
                  (str_cut(files[i].path, '/', &head, &tail) && str_equal(head, targets[t]->name));
        }
        if (has) c->parts[c->n_parts++].target = targets[t];
    }
}

static int verify(struct compile *c)
{
    struct invocation *call = c->call;
    struct err err = {0};
    bytes content = {0};
    struct manifest_file *files = NULL;
    size_t n = 0;
    str path = os_join(call->arena, c->folder, manifest_name);
    str begun = os_join(call->arena, c->folder, incomplete_name);
    if (call->os->kind(call->os->self, path) != OS_FILE &&
        call->os->kind(call->os->self, begun) == OS_FILE) {
        (void)err_set(&err, ERR_NOT_FOUND, "the folder is incomplete: writing it did not end well");
        err_in(&err, c->folder);
        return command_fail(call, &err);
    }
    if (!os_read_all(call->os, path, LIMIT_ARTEFACT_BYTES, call->arena, &content, &err) ||
        !manifest_read(path, content, call->arena, &files, &n, &err))
        return command_fail(call, &err);
    keep_targets_of(c, files, n);
    plan(c);
    if (!existing_fits(&c->existing, engines_of(c), &err) ||
        !existing_names(&c->existing, c->bundles.classes, c->bundles.n_classes, &err))
        return command_fail(call, &err);
    if (!each_batch(c, "looking", find_batch, &err)) {
        if (err.kind != ERR_NOT_FOUND) return command_fail(call, &err);
        differs(c, str_copy(call->arena, str_of(err.text)));
        return answer(c);
    }
    if (!each_batch(c, "proving", verify_batch, &err))
        return c->n_differences ? answer(c) : command_fail(call, &err);
    if (!compare_hashes(c, files, n, &err)) return command_fail(call, &err);
    if (!c->n_differences && call->format != FORMAT_JSON) tell(c, "verified");
    return answer(c);
}

/* ---- The command --------------------------------------------------------------------------------
 */

static struct target_header header_of(const struct compile *c)
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

static int run(struct invocation *call)
{
    struct compile c = {.call = call, .file = arena_new(call->arena, struct policy_file)};
    struct err err = {0};
    int status = EXIT_FAILED;
    bool verifies = option_given(call, S("verify"));
    if (verifies && option_given(call, S("output"))) {
        (void)err_set(&err, ERR_USAGE, "--verify reads its folder, --output writes one: not both");
        return command_fail(call, &err);
    }
    c.folder = option_text(call, verifies ? S("verify") : S("output"));
    if (!c.folder.len) c.folder = command_path(call, S("out"));
    if (!choose_targets(&c, &err) || !existing_read(call, &c.existing, &err))
        return command_fail(call, &err);
    if (!load_policy(&c, &status)) return status;
    c.header = header_of(&c);
    if (verifies) return verify(&c);
    plan(&c);
    if (!has_places(&c, &err) || !existing_fits(&c.existing, engines_of(&c), &err) ||
        !existing_names(&c.existing, c.bundles.classes, c.bundles.n_classes, &err))
        return command_fail(call, &err);
    if (!each_batch(&c, "proving", make_batch, &err))
        return c.n_differences ? answer(&c) : command_fail(call, &err);

    struct buf rules = buf_in(call->arena), manifest = buf_in(call->arena);
    c.manifest = (struct manifest){
        .header = &c.header,
        .resolved = &c.file->resolved,
        .bundles = c.bundles,
        .parts = c.parts,
        .n_parts = c.n_parts,
    };
    rules_md_print(&c.manifest, buf_text(&c.rules_md), call->arena, &rules);
    const struct manifest_document documents[] = {
        {S("RULES.md"),   buf_text(&rules),    S("document"), false},
        {S("probes.csv"), buf_text(&c.probes), S("probes"),   false},
        {S("probe.ps1"),  probes_powershell(), S("probes"),   false},
        {S("probe.sh"),   probes_sh(),         S("probes"),   true },
    };
    c.manifest.documents = documents;
    c.manifest.n_documents = c.telling < c.n_parts ? COUNT_OF(documents) : 1;
    manifest_print(&c.manifest, call->arena, &manifest);
    status = write_all(&c, buf_text(&manifest));
    if (status != EXIT_FINE) return status;
    if (call->format == FORMAT_JSON)
        buf_str(call->out, buf_text(&manifest));
    else
        tell(&c, "written to");
    return EXIT_FINE;
}

static const struct option options[] = {
    {.name = T("output"),
     .letter = 'o',
     .type = OPTION_TEXT,
     .value = T("DIR"),
     .help = T("the folder to write; default out in the workspace")},
    {.name = T("target"),
     .letter = 't',
     .type = OPTION_TEXT,
     .many = true,
     .value = T("TARGET"),
     .help = T("a dialect, one of those above; default powershell; may be given again")},
    {.name = T("existing"),
     .type = OPTION_TEXT,
     .many = true,
     .value = T("[NAME=]FILE"),
     .help =
         T("rules that machines hold already, proved together with these; of all machines, or of "
           "a host class, name or address")},
    {.name = T("verify"),
     .type = OPTION_TEXT,
     .value = T("DIR"),
     .help = T("write nothing: prove an output folder against the policy again")                                                                  },
    POLICY_FILE_OPTION,
};

static const struct example examples[] = {
    {T("sallyport compile -o out"),                                       T("Write PowerShell for every class of Windows machines")},
    {T("sallyport compile --target powershell --target nftables -o out"),
     T("Write nftables for Linux hosts and for routers at borders too")                                                            },
    {T("sallyport compile --existing clients-1=clients.reg -o tried"),
     T("Would rules that clients have already be in the way?")                                                                     },
    {T("sallyport compile --verify out"),                                 T("Do the files still say what the policy says?")        },
};

const struct command compile_command = {
    .name = T("compile"),
    .summary = T("Write the firewall rules, proved equal to the policy"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T(
        "Machines with the same rules are one class. For each target DIR/<target>/ gets the files "
        "of every class\nand a rollback; DIR/RULES.md lists every rule with its reason, "
        "DIR/manifest.json says who loads what.\nBefore anything is written each file is read back "
        "by its target's own reader and compared with the\npolicy for every address, port and "
        "profile.\n\n"
        "Targets:\n"
        "  Windows Defender Firewall, for hosts:\n"
        "    powershell          scripts for this machine or into a group policy\n"
        "    gpo                 group policy backups for Import-GPO and samba-tool gpo restore\n"
        "    mdm                 SyncML for the Firewall CSP and the Policy CSP\n"
        "    intune              policies of the settings catalogue, with a script that imports "
        "them\n"
        "    reg                 .reg files with scripts that load them\n"
        "    netsh               netsh advfirewall scripts\n"
        "  Linux, macOS and BSD, for hosts; nftables and pf also for routers at borders:\n"
        "    nftables            tables of nft\n"
        "    firewalld           policies and ipsets\n"
        "    pf                  anchors\n"
        "  Firewalls at enforced borders, the internet's included:\n"
        "    cisco-ios           access lists of IOS and IOS XE\n"
        "    cisco-asa           object groups and access lists\n"
        "    juniper-srx         address sets and policies between two zones\n"
        "    fortigate           CLI scripts for FortiOS 6.4 and later\n"
        "    pan-os              set commands\n"
        "    azure-nsg           ARM templates of network security groups\n"
        "    aws-nacl            CloudFormation templates of network access control lists\n"
        "  Hosts in a cloud:\n"
        "    aws-security-group  CloudFormation templates of security groups\n"
        "What each can hold, how it is loaded and taken back: docs/targets/.\n\n"
        "Exit status: 0 written (or verified); 1 the lifeline is missing, or a file differs from "
        "the policy (with a\nwitness); 2 the policy has errors, a target can't express a rule, or "
        "the folder\ncan't be written."),
    .run = run,
};
