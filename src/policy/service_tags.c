/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/service_tags.h"

#include "base/json_scan.h"

struct tags {
    struct json_scan scan;
    struct err *err;
    struct arena *arena;
    /* Of the value being read. */
    str name;
    struct range *ranges;
    size_t n, room;
};

/* The next item, which must be of the kind. */
static bool expect(struct tags *t, enum json_scan_kind kind, const char *what,
                   struct json_scan_item *out)
{
    if (!json_scan_next(&t->scan, out, t->err)) return false;
    return out->kind == kind || err_at(t->err, ERR_MALFORMED, out->offset, "expected %s", what);
}

static bool read_prefixes(struct tags *t)
{
    struct json_scan_item item;
    if (!expect(t, JSON_SCAN_ARRAY, "a list of prefixes", &item)) return false;
    for (;;) {
        struct prefix p;
        if (!json_scan_next(&t->scan, &item, t->err)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) return true;
        if (item.kind != JSON_SCAN_STRING || !prefix_parse(item.text, &p))
            return err_at(t->err, ERR_MALFORMED, item.offset, "expected a prefix, found \"%.*s\"",
                          STR_ARG(str_head(item.text, 80)));
        arena_grow(t->arena, t->ranges, t->n, t->room);
        t->ranges[t->n++] = prefix_range(p);
    }
}

static bool read_properties(struct tags *t)
{
    struct json_scan_item item;
    if (!expect(t, JSON_SCAN_OBJECT, "an object of properties", &item)) return false;
    for (;;) {
        if (!json_scan_next(&t->scan, &item, t->err)) return false;
        if (item.kind == JSON_SCAN_OBJECT_END) return true;
        bool prefixes = str_equal(item.text, S("addressPrefixes"));
        if (prefixes ? !read_prefixes(t) : !json_scan_skip(&t->scan, item, t->err)) return false;
    }
}

/* One tag, behind its opening brace. */
static bool read_value(struct tags *t)
{
    struct json_scan_item item;
    t->name = (str){0};
    t->n = 0;
    for (;;) {
        if (!json_scan_next(&t->scan, &item, t->err)) return false;
        if (item.kind == JSON_SCAN_OBJECT_END) return true;
        if (str_equal(item.text, S("name"))) {
            if (!expect(t, JSON_SCAN_STRING, "the name of a tag", &item)) return false;
            t->name = item.text;
        } else if (str_equal(item.text, S("properties"))) {
            if (!read_properties(t)) return false;
        } else if (!json_scan_skip(&t->scan, item, t->err)) {
            return false;
        }
    }
}

static bool read_values(struct tags *t, str tag, bool *found, struct prefix_set *out)
{
    struct json_scan_item item;
    if (!expect(t, JSON_SCAN_ARRAY, "a list of tags", &item)) return false;
    for (;;) {
        if (!json_scan_next(&t->scan, &item, t->err)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) return true;
        if (item.kind != JSON_SCAN_OBJECT)
            return err_at(t->err, ERR_MALFORMED, item.offset, "expected a tag as an object");
        if (!read_value(t)) return false;
        if (*found || !str_equal_nocase(t->name, tag)) continue;
        *found = true;
        *out = prefix_set_of(t->arena, t->ranges, t->n);
    }
}

bool service_tags_find(str file, str tag, struct arena *arena, struct prefix_set *out,
                       struct err *err)
{
    struct tags t = {.scan = json_scan_of(file, 0, arena), .err = err, .arena = arena};
    struct json_scan_item item;
    struct prefix_set set = {0};
    bool found = false, has_values = false;
    if (!expect(&t, JSON_SCAN_OBJECT, "a file of Azure service tags", &item)) return false;
    for (;;) {
        if (!json_scan_next(&t.scan, &item, err)) return false;
        if (item.kind == JSON_SCAN_OBJECT_END) break;
        bool values = str_equal(item.text, S("values"));
        has_values = has_values || values;
        if (values ? !read_values(&t, tag, &found, &set) : !json_scan_skip(&t.scan, item, err))
            return false;
    }
    if (!expect(&t, JSON_SCAN_END, "nothing more", &item)) return false;
    if (!has_values)
        return err_set(err, ERR_MALFORMED,
                       "expected the key \"values\" of a file of Azure service tags");
    if (!found)
        return err_set(err, ERR_NOT_FOUND, "there is no service tag \"%.*s\"", STR_ARG(tag));
    *out = set;
    return true;
}
