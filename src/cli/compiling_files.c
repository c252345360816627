/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compiling_files.h"

#include "base/sha256.h"
#include "targets/probes.h"
#include "targets/rules_md.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

const str compiling_files_manifest = T("manifest.json");
const str compiling_files_incomplete = T("manifest-incomplete.json");

static bool write_one(struct compiling *c, str path, str content, bool executable, struct err *err)
{
    struct os *os = c->call->os;
    str whole = os_join(c->call->arena, c->folder, path);
    if (!os->make_directory(os->self, os_directory(whole), err))
        return err_in(err, os_directory(whole));
    return os->write_file(os->self, whole, str_bytes(content), executable, err) ||
           err_in(err, whole);
}

static bool remove_one(struct compiling *c, str path, struct err *err)
{
    struct os *os = c->call->os;
    str whole = os_join(c->call->arena, c->folder, path);
    if (os->kind(os->self, whole) != OS_FILE) return true;
    return os->remove(os->self, whole, err) || err_in(err, whole);
}

static bool is_made(const struct compiling *c, str path)
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
static bool add_stale(struct compiling *c, str name, struct file_list *stale, struct err *err)
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
static bool begin(struct compiling *c, const struct file_list *stale, struct err *err)
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
    return write_one(c, compiling_files_incomplete, buf_text(&text), false, err) &&
           remove_one(c, compiling_files_manifest, err);
}

/* The same rules give the same bytes; that they do is not taken on trust. */
static bool write_batch(struct compiling *c, struct compiling_batch *batch, struct err *err)
{
    const struct manifest_part *part = &c->parts[batch->part];
    for (size_t i = 0; i < batch->files.n; i++) {
        const struct target_file *file = &batch->files.items[i];
        struct sha256_digest digest = sha256_of(str_bytes(file->content));
        if (compiling_is_common(batch, file)) continue;
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

static bool replace_files(struct compiling *c, const struct file_list *stale, struct err *err)
{
    for (size_t i = 0; i < stale->n; i++)
        if (!remove_one(c, stale->items[i].path, err)) return false;
    if (!compiling_each(c, "writing", write_batch, err)) return false;
    for (size_t i = 0; i < c->manifest.n_documents; i++) {
        const struct manifest_document *document = &c->manifest.documents[i];
        if (!write_one(c, document->path, document->content, document->executable, err))
            return false;
    }
    return true;
}

static int write_all(struct compiling *c, str manifest)
{
    struct invocation *call = c->call;
    struct file_list stale = {0};
    struct err err = {0};
    if (!add_stale(c, compiling_files_manifest, &stale, &err) ||
        !add_stale(c, compiling_files_incomplete, &stale, &err) || !begin(c, &stale, &err))
        return command_fail(call, &err);
    if (replace_files(c, &stale, &err) &&
        write_one(c, compiling_files_manifest, manifest, false, &err)) {
        if (remove_one(c, compiling_files_incomplete, &err)) return EXIT_FINE;
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

int compiling_files_write(struct compiling *c, const struct manifest_document *more, size_t n_more,
                          str *manifest)
{
    struct arena *arena = c->call->arena;
    struct buf rules = buf_in(arena), text = buf_in(arena);
    c->manifest = (struct manifest){
        .header = &c->header,
        .resolved = &c->file->resolved,
        .bundles = c->bundles,
        .parts = c->parts,
        .n_parts = c->n_parts,
    };
    rules_md_print(&c->manifest, buf_text(&c->rules_md), arena, &rules);
    const struct manifest_document standard[] = {
        {S("RULES.md"),   buf_text(&rules),     S("document"), false},
        {S("probes.csv"), buf_text(&c->probes), S("probes"),   false},
        {S("probe.ps1"),  probes_powershell(),  S("probes"),   false},
        {S("probe.sh"),   probes_sh(),          S("probes"),   true },
    };
    size_t n = c->telling < c->n_parts ? COUNT_OF(standard) : 1;
    struct manifest_document *documents =
        arena_array(arena, struct manifest_document, COUNT_OF(standard) + n_more);
    for (size_t i = 0; i < n; i++)
        documents[i] = standard[i];
    for (size_t i = 0; i < n_more; i++)
        documents[n + i] = more[i];
    c->manifest.documents = documents;
    c->manifest.n_documents = n + n_more;
    manifest_print(&c->manifest, arena, &text);
    int status = write_all(c, buf_text(&text));
    if (status == EXIT_FINE) *manifest = buf_text(&text);
    return status;
}
