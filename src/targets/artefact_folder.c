/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/artefact_folder.h"

#include "base/json_scan.h"
#include "base/map.h"
#include "targets/manifest.h"

struct reading {
    struct json_scan scan;
    struct arena *arena;
    struct map rules; /* paths of files that hold rules */
    struct artefact_part *parts;
    size_t n, room;
};

static bool expect(struct reading *r, enum json_scan_kind kind, const char *what,
                   struct json_scan_item *item, struct err *err)
{
    if (!json_scan_next(&r->scan, item, err)) return false;
    if (item->kind == kind) return true;
    return err_at(err, ERR_MALFORMED, item->offset, "expected %s", what);
}

struct texts {
    str *items;
    uint64_t *offsets;
    size_t n, room, offsets_room;
};

static bool read_texts(struct reading *r, struct texts *out, struct err *err)
{
    struct json_scan_item item;
    if (!expect(r, JSON_SCAN_ARRAY, "a list of texts", &item, err)) return false;
    for (;;) {
        if (!json_scan_next(&r->scan, &item, err)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) return true;
        if (item.kind != JSON_SCAN_STRING)
            return err_at(err, ERR_MALFORMED, item.offset, "expected a text");
        size_t at = out->n;
        arena_grow(r->arena, out->items, out->n, out->room);
        arena_grow(r->arena, out->offsets, at, out->offsets_room);
        out->items[at] = item.text;
        out->offsets[at] = item.offset;
        out->n++;
    }
}

static bool read_members(struct reading *r, struct prefix_set *out, struct err *err)
{
    struct texts texts = {0};
    if (!read_texts(r, &texts, err)) return false;
    struct range *ranges = arena_array(r->arena, struct range, texts.n + 1);
    for (size_t i = 0; i < texts.n; i++) {
        struct prefix p;
        if (!prefix_parse(texts.items[i], &p) || prefix_has_host_bits(p))
            return err_at(err, ERR_MALFORMED, texts.offsets[i], "expected a prefix, found \"%.*s\"",
                          STR_ARG(texts.items[i]));
        ranges[i] = prefix_range(p);
    }
    *out = prefix_set_of(r->arena, ranges, texts.n);
    return true;
}

static bool read_files(struct reading *r, struct artefact_part *part, struct err *err)
{
    struct texts texts = {0};
    if (!read_texts(r, &texts, err)) return false;
    for (size_t i = 0; i < texts.n; i++)
        if (!manifest_path_stays_inside(texts.items[i]))
            return err_at(err, ERR_MALFORMED, texts.offsets[i],
                          "expected a path inside the folder, found \"%.*s\"",
                          STR_ARG(texts.items[i]));
    part->files = texts.items;
    part->n_files = texts.n;
    return true;
}

static bool read_part(struct reading *r, bool is_border, struct err *err)
{
    struct artefact_part part = {.is_border = is_border};
    struct json_scan_item key, value;
    for (;;) {
        if (!json_scan_next(&r->scan, &key, err)) return false;
        if (key.kind == JSON_SCAN_OBJECT_END) break;
        bool good = true;
        if (str_equal(key.text, S("id")) || str_equal(key.text, S("name"))) {
            good = expect(r, JSON_SCAN_STRING, "a text", &value, err);
            part.name = value.text;
        } else if (str_equal(key.text, S("members"))) {
            good = read_members(r, &part.members, err);
        } else if (str_equal(key.text, S("files"))) {
            good = read_files(r, &part, err);
        } else {
            good = json_scan_skip(&r->scan, key, err);
        }
        if (!good) return false;
    }
    arena_grow(r->arena, r->parts, r->n, r->room);
    r->parts[r->n++] = part;
    return true;
}

static bool read_parts(struct reading *r, bool are_borders, struct err *err)
{
    struct json_scan_item item;
    if (!expect(r, JSON_SCAN_ARRAY, "a list of objects", &item, err)) return false;
    for (;;) {
        if (!json_scan_next(&r->scan, &item, err)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) return true;
        if (item.kind != JSON_SCAN_OBJECT)
            return err_at(err, ERR_MALFORMED, item.offset, "expected an object");
        if (!read_part(r, are_borders, err)) return false;
    }
}

/* The list of all files tells which of them hold rules. */
static bool read_kinds(struct reading *r, struct err *err)
{
    struct json_scan_item item, key, value;
    if (!expect(r, JSON_SCAN_ARRAY, "the list of files", &item, err)) return false;
    for (;;) {
        str path = {0}, kind = {0};
        if (!json_scan_next(&r->scan, &item, err)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) return true;
        if (item.kind != JSON_SCAN_OBJECT)
            return err_at(err, ERR_MALFORMED, item.offset, "expected a file with path and kind");
        for (;;) {
            if (!json_scan_next(&r->scan, &key, err)) return false;
            if (key.kind == JSON_SCAN_OBJECT_END) break;
            if (!expect(r, JSON_SCAN_STRING, "a text", &value, err)) return false;
            if (str_equal(key.text, S("path"))) path = value.text;
            if (str_equal(key.text, S("kind"))) kind = value.text;
        }
        if (str_equal(kind, S("rules"))) (void)map_put(&r->rules, r->arena, path, 1, NULL);
    }
}

/* Each part keeps the files that hold rules; rollbacks hold none. */
static void keep_rules(struct reading *r)
{
    for (size_t i = 0; i < r->n; i++) {
        str *kept = arena_array(r->arena, str, r->parts[i].n_files + 1);
        size_t n = 0;
        for (size_t j = 0; j < r->parts[i].n_files; j++)
            if (map_find(&r->rules, r->parts[i].files[j])) kept[n++] = r->parts[i].files[j];
        r->parts[i].files = kept;
        r->parts[i].n_files = n;
    }
}

static bool read_manifest(struct reading *r, struct artefact_folder *out, struct err *err)
{
    struct json_scan_item key, value;
    bool complete = false;
    if (!expect(r, JSON_SCAN_OBJECT, "an object", &key, err)) return false;
    for (;;) {
        if (!json_scan_next(&r->scan, &key, err)) return false;
        if (key.kind == JSON_SCAN_OBJECT_END) break;
        bool good = true;
        bool is_hash = str_equal(key.text, S("policy_sha256"));
        if (is_hash || str_equal(key.text, S("as_of"))) {
            good = expect(r, JSON_SCAN_STRING, "a text", &value, err);
            *(is_hash ? &out->policy_sha256 : &out->as_of) = value.text;
        } else if (str_equal(key.text, S("files"))) {
            good = read_kinds(r, err);
        } else if (str_equal(key.text, S("classes"))) {
            good = read_parts(r, false, err);
            complete = true;
        } else if (str_equal(key.text, S("borders"))) {
            good = read_parts(r, true, err);
        } else {
            good = json_scan_skip(&r->scan, key, err);
        }
        if (!good) return false;
    }
    if (!complete)
        return err_set(err, ERR_MALFORMED,
                       "expected the classes of a folder that compile has finished");
    return json_scan_next(&r->scan, &key, err);
}

bool artefact_folder_read(str source, bytes manifest, struct arena *arena,
                          struct artefact_folder *out, struct err *err)
{
    struct reading r = {.scan = json_scan_of(str_of_bytes(manifest), 0, arena), .arena = arena};
    struct artefact_folder folder = {0};
    if (!read_manifest(&r, &folder, err)) return err_in(err, source);
    keep_rules(&r);
    folder.parts = r.parts;
    folder.n_parts = r.n;
    *out = folder;
    return true;
}
