/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compile_record.h"

#include "base/sha256.h"
#include "cli/acting.h"
#include "targets/carried.h"

/* What else an entry holds fits beside the files; more of them are known by the manifest's hash. */
enum { MOST_LISTED = LIMIT_LEDGER_ENTRY / 2 };

static str without_slashes(str path)
{
    while (str_starts(path, S("./")))
        path = str_tail(path, 2);
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    return path;
}

str compile_record_folder(struct invocation *call, str folder)
{
    str workspace = without_slashes(call->workspace);
    folder = without_slashes(folder);
    if (str_starts(folder, workspace) && folder.len > workspace.len + 1 &&
        folder.ptr[workspace.len] == '/')
        return str_tail(folder, workspace.len + 1);
    return folder;
}

static void print_exceptions(struct json *json, const struct compiling *c,
                             const struct target *target)
{
    const struct resolved *resolved = &c->file->resolved;
    json_key(json, S("exceptions"));
    json_array(json);
    for (size_t i = 0; i < resolved->n_entries; i++) {
        const struct resolved_entry *entry = &resolved->entries[i];
        bool carried = false;
        for (size_t k = 0; k < c->n_parts && !carried; k++)
            carried = (!target || c->parts[k].target == target) &&
                      carried_entry(resolved, entry, c->parts[k].target);
        if (carried) json_str(json, carried_id(entry->exception, c->call->arena));
    }
    json_array_end(json);
}

/* "files" as manifest.json lists them. */
static void print_files(struct json *json, struct compiling *c, str manifest)
{
    struct arena *arena = c->call->arena;
    struct manifest_file *files = NULL;
    struct err err = {0};
    size_t n = 0, length = 0;
    /* What was written a moment ago is read as written. */
    if (!manifest_read(S("manifest.json"), str_bytes(manifest), arena, &files, &n, &err)) n = 0;
    for (size_t i = 0; i < n; i++)
        length +=
            files[i].path.len + files[i].sha256.len + sizeof "{\"path\":\"\",\"sha256\":\"\"},";
    json_member_u64(json, S("files-total"), n);
    json_key(json, S("files"));
    json_array(json);
    for (size_t i = 0; i < n && length <= MOST_LISTED; i++) {
        json_object(json);
        json_member_str(json, S("path"), files[i].path);
        json_member_str(json, S("sha256"), files[i].sha256);
        json_object_end(json);
    }
    json_array_end(json);
}

void compile_record(struct compiling *c, str manifest, const struct compile_book_replaced *replaced,
                    size_t n_replaced)
{
    struct invocation *call = c->call;
    struct buf data = buf_in(call->arena);
    struct json json = json_to(&data);
    struct sha256_digest digest = sha256_of(str_bytes(manifest));
    json_object(&json);
    json_member_str(&json, S("out"), compile_record_folder(call, c->folder));
    json_key(&json, S("targets"));
    json_array(&json);
    for (size_t i = 0; i < c->n_parts; i++)
        json_str(&json, c->parts[i].target->name);
    json_array_end(&json);
    json_key(&json, S("as-of"));
    json_instant(&json, c->header.as_of_us);
    json_member_str(&json, S("policy"), c->header.policy_sha256);
    print_exceptions(&json, c, NULL);
    json_key(&json, S("carried"));
    json_array(&json);
    for (size_t i = 0; i < c->n_parts; i++) {
        json_object(&json);
        json_member_str(&json, S("target"), c->parts[i].target->name);
        print_exceptions(&json, c, c->parts[i].target);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_key(&json, S("replaces"));
    json_array(&json);
    for (size_t i = 0; i < n_replaced; i++) {
        json_object(&json);
        json_member_str(&json, S("out"), replaced[i].out);
        json_member_str(&json, S("target"), replaced[i].target);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_member_str(&json, S("manifest"), sha256_hex(call->arena, &digest));
    print_files(&json, c, manifest);
    json_object_end(&json);
    acting_record(call, LEDGER_COMPILED, (str){0}, buf_text(&data));
}
