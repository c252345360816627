/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/manifest.h"

#include "base/json_scan.h"
#include "base/sha256.h"
#include "policy/exceptions.h"
#include "targets/carried.h"

/* ---- Writing ------------------------------------------------------------------------------------
 */

str manifest_path(struct arena *arena, const struct manifest_part *part,
                  const struct target_file *file)
{
    return str_format(arena, "%.*s/%.*s", STR_ARG(part->target->name), STR_ARG(file->path));
}

static void print_file(struct json *json, str path, str kind, str sha256)
{
    json_object(json);
    json_member_str(json, S("path"), path);
    json_member_str(json, S("sha256"), sha256);
    json_member_str(json, S("kind"), kind);
    json_object_end(json);
}

static void print_proof(struct json *json, const struct manifest *m)
{
    json_key(json, S("proof"));
    json_object(json);
    json_member_bool(json, S("equal"), true); /* else nothing is written */
    json_key(json, S("targets"));
    json_array(json);
    for (size_t i = 0; i < m->n_parts; i++) {
        const struct prove_report *report = &m->parts[i].report;
        json_object(json);
        json_member_str(json, S("target"), m->parts[i].target->name);
        json_member_u64(json, S("classes"), report->n_classes);
        json_member_u64(json, S("borders"), report->n_borders);
        json_member_u64(json, S("files"), report->n_files);
        json_member_u64(json, S("rules"), report->n_rules);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

/* The exceptions that end, and whose artefacts carry them till then. */
static void print_exceptions(struct json *json, const struct manifest *m, struct arena *arena)
{
    json_key(json, S("exceptions"));
    json_array(json);
    for (size_t i = 0; i < m->resolved->n_entries; i++) {
        const struct resolved_entry *entry = &m->resolved->entries[i];
        bool told = false;
        for (size_t k = 0; k < m->n_parts; k++) {
            if (!carried_entry(m->resolved, entry, m->parts[k].target)) continue;
            if (!told) {
                json_object(json);
                json_member_str(json, S("id"), carried_id(entry->exception, arena));
                json_member_str(json, S("owner"), entry->exception->owner);
                json_key(json, S("expires"));
                json_instant(json, entry->exception->expires_us);
                json_key(json, S("targets"));
                json_array(json);
            }
            told = true;
            json_str(json, m->parts[k].target->name);
        }
        if (!told) continue;
        json_array_end(json);
        json_object_end(json);
    }
    json_array_end(json);
}

/* Rings that may hold a machine of the class: which one of a percentage is a matter of its name. */
static void print_rings(struct json *json, const struct manifest *m, struct prefix_set members,
                        struct arena *arena)
{
    const struct policy *policy = m->resolved->policy;
    json_key(json, S("rings"));
    json_array(json);
    for (size_t i = 0; i < policy->n_rings && members.n; i++) {
        const struct ring *ring = &policy->rings[i];
        struct prefix_set named = {&addr_all, 1};
        if (!ring->is_rest)
            named = resolve_selectors(m->resolved, &ring->members, RESOLVE_OWN, arena);
        if (!prefix_set_overlaps(members, named)) continue;
        json_str(json, ring->name);
        if (!ring->has_percent) members = prefix_set_subtract(arena, members, named);
    }
    json_array_end(json);
}

/* Every target's files that the machines of this class load, and those that undo them.
 * seen : per part, how many files of classes were printed: they come in the order of classes */
static void print_class_files(struct json *json, const struct manifest *m, str id, size_t *seen,
                              struct arena *arena)
{
    json_key(json, S("files"));
    json_array(json);
    for (size_t i = 0; i < m->n_parts; i++) {
        const struct manifest_part *part = &m->parts[i];
        const struct target_file *files = part->files.items;
        size_t n = part->files.n, others = n;
        for (; seen[i] < n && files[seen[i]].host_class; seen[i]++) {
            if (!str_equal(files[seen[i]].host_class->id, id)) break;
            json_str(json, manifest_path(arena, part, &files[seen[i]]));
        }
        while (others && !files[others - 1].host_class)
            others--;
        for (; others < n; others++)
            if (!files[others].border) json_str(json, manifest_path(arena, part, &files[others]));
    }
    json_array_end(json);
}

/* As an imported membership file has it. */
static str dn_of(const struct manifest *m, str name, struct arena *arena)
{
    const struct host_lookup *lookup = m->resolved->lookup;
    return lookup && lookup->ad_dn ? lookup->ad_dn(lookup->to, name, arena) : (str){0};
}

static void print_class(struct json *json, const struct manifest *m, const struct host_class *class,
                        size_t *seen, struct arena *arena)
{
    char text[PREFIX_TEXT];
    size_t n;
    json_object(json);
    json_member_str(json, S("id"), class->id);
    json_key(json, S("machines"));
    json_array(json);
    for (size_t i = 0; i < class->n_machine_names; i++) {
        json_object(json);
        json_member_str(json, S("name"), class->machine_names[i]);
        json_member_str_or_null(json, S("dn"), dn_of(m, class->machine_names[i], arena));
        json_object_end(json);
    }
    json_array_end(json);
    json_key(json, S("members"));
    json_array(json);
    const struct prefix *members = prefix_set_prefixes(arena, class->members, &n);
    for (size_t i = 0; i < n; i++)
        json_str(json, prefix_text(text, members[i]));
    json_array_end(json);
    print_rings(json, m, class->members, arena);
    print_class_files(json, m, class->id, seen, arena);
    json_object_end(json);
}

/* The firewalls at enforced borders: what is inside, and every target's files for them. */
static void print_border(struct json *json, const struct manifest *m, const struct border *border,
                         struct arena *arena)
{
    char text[PREFIX_TEXT];
    size_t n;
    json_object(json);
    json_member_str(json, S("name"), border->name);
    json_key(json, S("members"));
    json_array(json);
    const struct prefix *inside = prefix_set_prefixes(arena, border->inside, &n);
    for (size_t i = 0; i < n; i++)
        json_str(json, prefix_text(text, inside[i]));
    json_array_end(json);
    json_key(json, S("files"));
    json_array(json);
    for (size_t i = 0; i < m->n_parts; i++)
        for (size_t j = 0; j < m->parts[i].files.n; j++) {
            const struct target_file *file = &m->parts[i].files.items[j];
            if (file->border && str_equal(file->border->border->name, border->name))
                json_str(json, manifest_path(arena, &m->parts[i], file));
        }
    json_array_end(json);
    json_object_end(json);
}

void manifest_print(const struct manifest *m, struct arena *arena, struct buf *out)
{
    struct json json = json_to(out);
    json.pretty = true;
    json_object(&json);
    json_member_str(&json, S("policy_sha256"), m->header->policy_sha256);
    json_member_str_or_null(&json, S("exceptions_sha256"), m->header->exceptions_sha256);
    json_key(&json, S("as_of"));
    json_instant(&json, m->header->as_of_us);
    print_exceptions(&json, m, arena);
    print_proof(&json, m);
    json_key(&json, S("files"));
    json_array(&json);
    for (size_t i = 0; i < m->n_parts; i++)
        for (size_t j = 0; j < m->parts[i].files.n; j++) {
            const struct target_file *file = &m->parts[i].files.items[j];
            str kind = file->kind == TARGET_FILE_ROLLBACK ? S("rollback")
                       : file->kind == TARGET_FILE_PART   ? S("part")
                                                          : S("rules");
            print_file(&json, manifest_path(arena, &m->parts[i], file), kind, file->sha256);
        }
    for (size_t i = 0; i < m->n_documents; i++) {
        const struct manifest_document *document = &m->documents[i];
        struct sha256_digest digest = sha256_of(str_bytes(document->content));
        print_file(&json, document->path, document->kind, sha256_hex(arena, &digest));
    }
    json_array_end(&json);
    json_key(&json, S("classes"));
    json_array(&json);
    size_t *seen = arena_array(arena, size_t, m->n_parts + 1);
    for (size_t i = 0; i < m->bundles.n_classes; i++)
        print_class(&json, m, &m->bundles.classes[i], seen, arena);
    json_array_end(&json);
    json_key(&json, S("borders"));
    json_array(&json);
    for (size_t i = 0; i < m->resolved->n_borders; i++)
        print_border(&json, m, &m->resolved->borders[i], arena);
    json_array_end(&json);
    json_object_end(&json);
    buf_char(out, '\n');
}

void manifest_print_incomplete(const struct manifest_file *files, size_t n, struct buf *out)
{
    struct json json = json_to(out);
    json.pretty = true;
    json_object(&json);
    json_key(&json, S("files"));
    json_array(&json);
    for (size_t i = 0; i < n; i++) {
        json_object(&json);
        json_member_str(&json, S("path"), files[i].path);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    buf_char(out, '\n');
}

/* ---- Reading ------------------------------------------------------------------------------------
 */

bool manifest_path_stays_inside(str path)
{
    if (!path.len || path.ptr[0] == '/') return false;
    while (path.len) {
        str part;
        (void)str_cut(path, '/', &part, &path);
        if (!part.len || str_equal(part, S(".")) || str_equal(part, S(".."))) return false;
        for (size_t i = 0; i < part.len; i++)
            if (part.ptr[i] == '\\' || part.ptr[i] == ':' || (unsigned char)part.ptr[i] < ' ')
                return false;
    }
    return true;
}

struct file_list {
    struct manifest_file *items;
    size_t n, room;
};

/* One object of "files". */
static bool read_file(struct json_scan *scan, struct manifest_file *out, struct err *err)
{
    struct json_scan_item item;
    struct manifest_file file = {0};
    uint64_t at = scan->offset + scan->at;
    for (;;) {
        if (!json_scan_next(scan, &item, err)) return false;
        if (item.kind == JSON_SCAN_OBJECT_END) break;
        bool is_path = str_equal(item.text, S("path")), is_hash = str_equal(item.text, S("sha256"));
        if (!is_path && !is_hash) {
            if (!json_scan_skip(scan, item, err)) return false;
            continue;
        }
        if (!json_scan_next(scan, &item, err)) return false;
        if (item.kind != JSON_SCAN_STRING)
            return err_at(err, ERR_MALFORMED, item.offset, "expected a string");
        if (is_path) file.path = item.text;
        if (is_hash) file.sha256 = item.text;
    }
    if (!manifest_path_stays_inside(file.path))
        return err_at(err, ERR_MALFORMED, at, "expected a path inside the folder, found \"%.*s\"",
                      STR_ARG(file.path));
    *out = file;
    return true;
}

static bool read_files(struct json_scan *scan, struct arena *arena, struct file_list *list,
                       struct err *err)
{
    struct json_scan_item item;
    if (!json_scan_next(scan, &item, err)) return false;
    if (item.kind != JSON_SCAN_ARRAY)
        return err_at(err, ERR_MALFORMED, item.offset, "expected the list of files");
    for (;;) {
        if (!json_scan_next(scan, &item, err)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) return true;
        if (item.kind != JSON_SCAN_OBJECT)
            return err_at(err, ERR_MALFORMED, item.offset, "expected a file with path and sha256");
        arena_grow(arena, list->items, list->n, list->room);
        if (!read_file(scan, &list->items[list->n], err)) return false;
        list->n++;
    }
}

bool manifest_read(str source, bytes content, struct arena *arena, struct manifest_file **out,
                   size_t *n, struct err *err)
{
    struct json_scan scan = json_scan_of(str_of_bytes(content), 0, arena);
    struct json_scan_item item;
    struct file_list list = {0};
    if (!json_scan_next(&scan, &item, err)) return err_in(err, source);
    if (item.kind != JSON_SCAN_OBJECT) {
        (void)err_at(err, ERR_MALFORMED, item.offset, "expected an object");
        return err_in(err, source);
    }
    for (;;) {
        if (!json_scan_next(&scan, &item, err)) return err_in(err, source);
        if (item.kind == JSON_SCAN_OBJECT_END) break;
        bool read = str_equal(item.text, S("files")) ? read_files(&scan, arena, &list, err)
                                                     : json_scan_skip(&scan, item, err);
        if (!read) return err_in(err, source);
    }
    if (!json_scan_next(&scan, &item, err)) return err_in(err, source);
    *out = list.items;
    *n = list.n;
    return true;
}
