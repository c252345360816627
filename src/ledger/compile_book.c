/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/compile_book.h"

#include "base/instant.h"
#include "base/json_scan.h"
#include "base/map.h"
#include "ledger/actor.h"

struct texts {
    str *items;
    size_t n, room;
};

/* One target of an entry, before it is known what its exceptions are. */
struct carried {
    str target;
    struct texts exceptions;
};

/* The data of one entry. */
struct entry {
    struct compile_book_item item; /* what all its targets have in common */
    struct texts targets, exceptions;
    struct carried *carried;
    size_t n_carried, room_carried;
    struct compile_book_file *files;
    size_t n_files, room_files;
    struct compile_book_replaced *replaced;
    size_t n_replaced, room_replaced;
};

struct reading {
    struct arena *arena;
    struct compile_book_item *items;
    size_t n, room;
    struct map places; /* folder and target → index in items */
    struct map known;  /* ids */
    struct texts ever;
    struct err *err;
    bool good;
};

/* ---- JSON ---------------------------------------------------------------------------------------
 */

static bool expect(struct json_scan *scan, enum json_scan_kind kind, const char *what, str *out,
                   struct err *err)
{
    struct json_scan_item item;
    if (!json_scan_next(scan, &item, err)) return false;
    if (item.kind != kind) return err_at(err, ERR_MALFORMED, item.offset, "expected %s", what);
    if (out) *out = item.text;
    return true;
}

static bool read_texts(struct json_scan *scan, struct arena *arena, struct texts *out,
                       struct err *err)
{
    struct json_scan_item item;
    if (!expect(scan, JSON_SCAN_ARRAY, "a list of texts", NULL, err)) return false;
    for (;;) {
        if (!json_scan_next(scan, &item, err)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) return true;
        if (item.kind != JSON_SCAN_STRING)
            return err_at(err, ERR_MALFORMED, item.offset, "expected a text");
        arena_grow(arena, out->items, out->n, out->room);
        out->items[out->n++] = item.text;
    }
}

/* Two texts of an object by their keys; a list under a third. */
struct pair_keys {
    str first, second, list;
};

static bool read_pair(struct json_scan *scan, struct arena *arena, const struct pair_keys *keys,
                      str *first, str *second, struct texts *list, struct err *err)
{
    struct json_scan_item key;
    for (;;) {
        bool good = true;
        if (!json_scan_next(scan, &key, err)) return false;
        if (key.kind == JSON_SCAN_OBJECT_END) return true;
        if (str_equal(key.text, keys->first))
            good = expect(scan, JSON_SCAN_STRING, "a text", first, err);
        else if (keys->second.len && str_equal(key.text, keys->second))
            good = expect(scan, JSON_SCAN_STRING, "a text", second, err);
        else if (keys->list.len && str_equal(key.text, keys->list))
            good = read_texts(scan, arena, list, err);
        else
            good = json_scan_skip(scan, key, err);
        if (!good) return false;
    }
}

/* Goes to the next object of a list; *more is false at its end. */
static bool next_object(struct json_scan *scan, bool *more, struct err *err)
{
    struct json_scan_item item;
    if (!json_scan_next(scan, &item, err)) return false;
    *more = item.kind == JSON_SCAN_OBJECT;
    return *more || item.kind == JSON_SCAN_ARRAY_END ||
           err_at(err, ERR_MALFORMED, item.offset, "expected an object");
}

static bool read_files(struct json_scan *scan, struct arena *arena, struct entry *e,
                       struct err *err)
{
    const struct pair_keys keys = {S("path"), S("sha256"), {0}};
    bool more = true;
    if (!expect(scan, JSON_SCAN_ARRAY, "a list of files", NULL, err)) return false;
    for (;;) {
        struct compile_book_file file = {0};
        if (!next_object(scan, &more, err)) return false;
        if (!more) return true;
        if (!read_pair(scan, arena, &keys, &file.path, &file.sha256, NULL, err)) return false;
        arena_grow(arena, e->files, e->n_files, e->room_files);
        e->files[e->n_files++] = file;
    }
}

static bool read_carried(struct json_scan *scan, struct arena *arena, struct entry *e,
                         struct err *err)
{
    const struct pair_keys keys = {S("target"), {0}, S("exceptions")};
    bool more = true;
    if (!expect(scan, JSON_SCAN_ARRAY, "a list of targets", NULL, err)) return false;
    for (;;) {
        struct carried carried = {0};
        if (!next_object(scan, &more, err)) return false;
        if (!more) return true;
        if (!read_pair(scan, arena, &keys, &carried.target, NULL, &carried.exceptions, err))
            return false;
        arena_grow(arena, e->carried, e->n_carried, e->room_carried);
        e->carried[e->n_carried++] = carried;
    }
}

static bool read_replaced(struct json_scan *scan, struct arena *arena, struct entry *e,
                          struct err *err)
{
    const struct pair_keys keys = {S("out"), S("target"), {0}};
    bool more = true;
    if (!expect(scan, JSON_SCAN_ARRAY, "a list of folders", NULL, err)) return false;
    for (;;) {
        struct compile_book_replaced replaced = {0};
        if (!next_object(scan, &more, err)) return false;
        if (!more) return true;
        if (!read_pair(scan, arena, &keys, &replaced.out, &replaced.target, NULL, err))
            return false;
        arena_grow(arena, e->replaced, e->n_replaced, e->room_replaced);
        e->replaced[e->n_replaced++] = replaced;
    }
}

static bool read_member(struct json_scan *scan, struct arena *arena, struct json_scan_item key,
                        struct entry *e, struct err *err)
{
    str as_of = {0};
    if (str_equal(key.text, S("out")))
        return expect(scan, JSON_SCAN_STRING, "a text", &e->item.out, err);
    if (str_equal(key.text, S("policy")))
        return expect(scan, JSON_SCAN_STRING, "a text", &e->item.policy_sha256, err);
    if (str_equal(key.text, S("manifest")))
        return expect(scan, JSON_SCAN_STRING, "a text", &e->item.manifest_sha256, err);
    if (str_equal(key.text, S("targets"))) return read_texts(scan, arena, &e->targets, err);
    if (str_equal(key.text, S("exceptions"))) return read_texts(scan, arena, &e->exceptions, err);
    if (str_equal(key.text, S("carried"))) return read_carried(scan, arena, e, err);
    if (str_equal(key.text, S("files"))) return read_files(scan, arena, e, err);
    if (str_equal(key.text, S("replaces"))) return read_replaced(scan, arena, e, err);
    if (!str_equal(key.text, S("as-of"))) return json_scan_skip(scan, key, err);
    return expect(scan, JSON_SCAN_STRING, "an instant", &as_of, err) &&
           (instant_parse(as_of, &e->item.as_of_us) ||
            err_at(err, ERR_MALFORMED, key.offset, "expected an instant, found \"%.*s\"",
                   STR_ARG(as_of)));
}

static bool read_data(str data, struct arena *arena, struct entry *e, struct err *err)
{
    struct json_scan scan = json_scan_of(data, 0, arena);
    struct json_scan_item key;
    if (!expect(&scan, JSON_SCAN_OBJECT, "an object", NULL, err)) return false;
    for (;;) {
        if (!json_scan_next(&scan, &key, err)) return false;
        if (key.kind == JSON_SCAN_OBJECT_END) return true;
        if (!read_member(&scan, arena, key, e, err)) return false;
    }
}

/* ---- What it makes of the book ------------------------------------------------------------------
 */

static str place_of(struct arena *arena, str out, str target)
{
    return str_format(arena, "%.*s\n%.*s", STR_ARG(target), STR_ARG(out));
}

static void forget(struct reading *r, const struct compile_book_replaced *replaced)
{
    uint64_t *at = map_find(&r->places, place_of(r->arena, replaced->out, replaced->target));
    if (at) r->items[*at].target = (str){0};
}

/* The newest stands in the place of what was there. */
static void add_target(struct reading *r, const struct entry *e, str target)
{
    struct compile_book_item item = e->item;
    struct texts exceptions = e->exceptions;
    bool fresh = false;
    for (size_t i = 0; i < e->n_carried; i++)
        if (str_equal(e->carried[i].target, target)) exceptions = e->carried[i].exceptions;
    item.target = target;
    item.exceptions = exceptions.items;
    item.n_exceptions = exceptions.n;
    item.files = e->files;
    item.n_files = e->n_files;
    str place = place_of(r->arena, item.out, target);
    uint64_t *at = map_put(&r->places, r->arena, place, r->n, &fresh);
    if (!fresh) {
        r->items[*at] = item;
        return;
    }
    arena_grow(r->arena, r->items, r->n, r->room);
    r->items[r->n++] = item;
}

static void add_ids(struct reading *r, const struct texts *ids)
{
    for (size_t i = 0; i < ids->n; i++) {
        bool fresh = false;
        (void)map_put(&r->known, r->arena, ids->items[i], 1, &fresh);
        if (!fresh) continue;
        arena_grow(r->arena, r->ever.items, r->ever.n, r->ever.room);
        r->ever.items[r->ever.n++] = ids->items[i];
    }
}

static bool visit(void *to, const struct ledger_entry *entry)
{
    struct reading *r = to;
    struct entry e = {
        .item = {.compiled_us = entry->time_us, .entry = entry->number}
    };
    struct actor by;
    str data = {0}, body = str_copy(r->arena, entry->body);
    r->good =
        actor_of_entry(body, r->arena, &by, &data, r->err) && read_data(data, r->arena, &e, r->err);
    if (!r->good) {
        err_in(r->err, str_format(r->arena, "ledger entry %" PRIu64, entry->number));
        return false;
    }
    for (size_t i = 0; i < e.n_replaced; i++)
        forget(r, &e.replaced[i]);
    for (size_t i = 0; i < e.targets.n; i++)
        add_target(r, &e, e.targets.items[i]);
    add_ids(r, &e.exceptions);
    return true;
}

bool compile_book_read(struct ledger *ledger, int64_t as_of_us, struct arena *arena,
                       struct compile_book *out, struct err *err)
{
    struct reading r = {.arena = arena, .err = err, .good = true};
    size_t n = 0;
    if (!ledger_each(ledger, UINT32_C(1) << LEDGER_COMPILED, 0, as_of_us,
                     (struct ledger_visit){&r, visit}, err) ||
        !r.good)
        return false;
    for (size_t i = 0; i < r.n; i++)
        if (r.items[i].target.len) r.items[n++] = r.items[i];
    *out = (struct compile_book){r.items, n, r.ever.items, r.ever.n};
    return true;
}
