/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/service_tags.h"

#include "base/instant.h"
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

static bool add_prefix(struct tags *t, const struct json_scan_item *item)
{
    struct prefix p;
    if (item->kind != JSON_SCAN_STRING || !prefix_parse(item->text, &p) || prefix_has_host_bits(p))
        return err_at(t->err, ERR_MALFORMED, item->offset, "expected a prefix, found \"%.*s\"",
                      STR_ARG(str_head(item->text, 80)));
    arena_grow(t->arena, t->ranges, t->n, t->room);
    t->ranges[t->n++] = prefix_range(p);
    return true;
}

static bool read_prefixes(struct tags *t)
{
    struct json_scan_item item;
    if (!expect(t, JSON_SCAN_ARRAY, "a list of prefixes", &item)) return false;
    for (;;) {
        if (!json_scan_next(&t->scan, &item, t->err)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) return true;
        if (!add_prefix(t, &item)) return false;
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

/* ---- AWS ----------------------------------------------------------------------------------------
 */

/* One prefix, behind its opening brace: kept when its service and region are asked for. */
static bool read_range(struct tags *t, str tag, str key, uint64_t offset)
{
    struct json_scan_item item, prefix = {0};
    str service = {0}, region = {0}, asked, in;
    bool everywhere = !str_cut(tag, '.', &asked, &in);
    for (;;) {
        if (!json_scan_next(&t->scan, &item, t->err)) return false;
        if (item.kind == JSON_SCAN_OBJECT_END) break;
        bool is_prefix = str_equal(item.text, key);
        str *into = str_equal(item.text, S("service"))  ? &service
                    : str_equal(item.text, S("region")) ? &region
                                                        : NULL;
        if (!is_prefix && !into) {
            if (!json_scan_skip(&t->scan, item, t->err)) return false;
            continue;
        }
        if (!expect(t, JSON_SCAN_STRING, "a text", &item)) return false;
        if (into) *into = item.text;
        if (is_prefix) prefix = item;
    }
    if (!prefix.text.len)
        return err_at(t->err, ERR_MALFORMED, offset, "expected the key \"%.*s\"", STR_ARG(key));
    bool asked_for =
        str_equal_nocase(service, asked) && (everywhere || str_equal_nocase(region, in));
    size_t n = t->n;
    if (!add_prefix(t, &prefix)) return false;
    if (!asked_for) t->n = n; /* but it must be one */
    return true;
}

static bool read_ranges(struct tags *t, str tag, str key)
{
    struct json_scan_item item;
    if (!expect(t, JSON_SCAN_ARRAY, "a list of ranges", &item)) return false;
    for (;;) {
        if (!json_scan_next(&t->scan, &item, t->err)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) return true;
        if (item.kind != JSON_SCAN_OBJECT)
            return err_at(t->err, ERR_MALFORMED, item.offset, "expected a range as an object");
        if (!read_range(t, tag, key, item.offset)) return false;
    }
}

/* "2026-11-02-08-14-03", UTC */
static bool read_date(struct tags *t, int64_t *out)
{
    struct json_scan_item item;
    struct civil date;
    if (!expect(t, JSON_SCAN_STRING, "a date", &item)) return false;
    if (!instant_parse_date(str_head(item.text, 10), &date))
        return err_at(t->err, ERR_MALFORMED, item.offset,
                      "expected a date like 2026-11-02-08-14-03, found \"%.*s\"",
                      STR_ARG(str_head(item.text, 40)));
    *out = instant_from_civil(date);
    return true;
}

/* ---- Files --------------------------------------------------------------------------------------
 */

/* What was found at the top of a file. */
struct top {
    bool values, ranges; /* of Azure, of AWS */
    bool found;          /* the tag of Azure */
    struct prefix_set set;
    int64_t published_us;
};

static bool read_key(struct tags *t, str tag, struct json_scan_item key, struct top *top)
{
    if (str_equal(key.text, S("values"))) {
        top->values = true;
        return read_values(t, tag, &top->found, &top->set);
    }
    bool v4 = str_equal(key.text, S("prefixes")), v6 = str_equal(key.text, S("ipv6_prefixes"));
    if ((v4 || v6) && !top->values) {
        top->ranges = true;
        return read_ranges(t, tag, v4 ? S("ip_prefix") : S("ipv6_prefix"));
    }
    if (str_equal(key.text, S("createDate"))) return read_date(t, &top->published_us);
    return json_scan_skip(&t->scan, key, t->err);
}

bool service_tags_find(str file, str tag, struct arena *arena, struct prefix_set *out,
                       int64_t *published_us, struct err *err)
{
    struct tags t = {.scan = json_scan_of(file, 0, arena), .err = err, .arena = arena};
    struct json_scan_item item;
    struct top top = {.published_us = SERVICE_TAGS_NO_DATE};
    if (!expect(&t, JSON_SCAN_OBJECT, "a file of Azure service tags or of AWS ip-ranges", &item))
        return false;
    for (;;) {
        if (!json_scan_next(&t.scan, &item, err)) return false;
        if (item.kind == JSON_SCAN_OBJECT_END) break;
        if (!read_key(&t, tag, item, &top)) return false;
    }
    if (!expect(&t, JSON_SCAN_END, "nothing more", &item)) return false;
    if (top.values == top.ranges)
        return err_set(err, ERR_MALFORMED,
                       "expected the key \"values\" of a file of Azure service tags, or "
                       "\"prefixes\" of AWS ip-ranges");
    if (top.ranges) {
        top.set = prefix_set_of(arena, t.ranges, t.n);
        top.found = t.n > 0;
    }
    *published_us = top.published_us;
    if (!top.found)
        return err_set(err, ERR_NOT_FOUND, "there is no service tag \"%.*s\"", STR_ARG(tag));
    *out = top.set;
    return true;
}
