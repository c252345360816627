/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/json_exact.h"

/* Offsets become lines, which is where people look. */
static bool fail_at(struct json_exact *j, uint64_t offset, const char *wanted, str found)
{
    uint32_t line = 1, column = 1;
    for (size_t i = 0; i < offset && i < j->content.len; i++) {
        bool ends = j->content.ptr[i] == '\n';
        line += ends;
        column = ends ? 1 : column + 1;
    }
    if (!found.len) return err_line(j->err, ERR_MALFORMED, line, column, "%s", wanted);
    return err_line(j->err, ERR_MALFORMED, line, column, "expected %s, found %.*s", wanted,
                    STR_ARG(found));
}

static void next(struct json_exact *j)
{
    struct err err = {0};
    if (json_scan_next(&j->scan, &j->item, &err)) return;
    (void)fail_at(j, err.place == ERR_PLACE_OFFSET ? err.offset : 0,
                  str_c(j->arena, str_of(err.text)), (str){0});
    j->failed = true;
}

struct json_exact json_exact_of(bytes content, struct arena *arena, struct err *err)
{
    struct json_exact j = {
        .scan = json_scan_of(str_of_bytes(content), 0, arena),
        .content = content,
        .arena = arena,
        .err = err,
    };
    next(&j);
    return j;
}

bool json_exact_unexpected(struct json_exact *j, const char *wanted)
{
    static const char *const kinds[] = {
        [JSON_SCAN_END] = "the end",       [JSON_SCAN_OBJECT] = "an object",
        [JSON_SCAN_OBJECT_END] = "\"}\"",  [JSON_SCAN_ARRAY] = "an array",
        [JSON_SCAN_ARRAY_END] = "\"]\"",   [JSON_SCAN_KEY] = "the key",
        [JSON_SCAN_STRING] = "the string", [JSON_SCAN_NUMBER] = "the number",
        [JSON_SCAN_TRUE] = "true",         [JSON_SCAN_FALSE] = "false",
        [JSON_SCAN_NULL] = "null",
    };
    if (j->failed) return false;
    str found = str_of(kinds[j->item.kind]);
    if (j->item.kind >= JSON_SCAN_KEY && j->item.kind <= JSON_SCAN_NUMBER)
        found = str_format(j->arena, "%s \"%.*s\"", kinds[j->item.kind],
                           STR_ARG(str_utf8(j->arena, str_head(j->item.text, 60))));
    return fail_at(j, j->item.offset, wanted, found);
}

bool json_exact_take(struct json_exact *j, enum json_scan_kind kind)
{
    static const char *const wanted[] = {
        [JSON_SCAN_END] = "the end",      [JSON_SCAN_OBJECT] = "an object",
        [JSON_SCAN_OBJECT_END] = "\"}\"", [JSON_SCAN_ARRAY] = "an array",
        [JSON_SCAN_ARRAY_END] = "\"]\"",  [JSON_SCAN_KEY] = "a key",
        [JSON_SCAN_STRING] = "a string",  [JSON_SCAN_NUMBER] = "a number",
        [JSON_SCAN_TRUE] = "true",        [JSON_SCAN_FALSE] = "false",
        [JSON_SCAN_NULL] = "null",
    };
    if (j->failed) return false;
    if (j->item.kind != kind) return json_exact_unexpected(j, wanted[kind]);
    next(j);
    return !j->failed;
}

bool json_exact_key(struct json_exact *j, const char *name)
{
    if (j->failed) return false;
    if (j->item.kind != JSON_SCAN_KEY || !str_equal(j->item.text, str_of(name)))
        return json_exact_unexpected(j,
                                     str_c(j->arena, str_format(j->arena, "the key \"%s\"", name)));
    return json_exact_take(j, JSON_SCAN_KEY);
}

bool json_exact_object(struct json_exact *j, const char *name)
{
    return json_exact_key(j, name) && json_exact_take(j, JSON_SCAN_OBJECT);
}

bool json_exact_array(struct json_exact *j, const char *name)
{
    return json_exact_key(j, name) && json_exact_take(j, JSON_SCAN_ARRAY);
}

bool json_exact_str(struct json_exact *j, const char *name, str *out)
{
    if (!json_exact_key(j, name)) return false;
    *out = j->item.text;
    return json_exact_take(j, JSON_SCAN_STRING);
}

bool json_exact_text(struct json_exact *j, const char *name, str text)
{
    if (!json_exact_key(j, name)) return false;
    if (j->item.kind != JSON_SCAN_STRING || !str_equal(j->item.text, text))
        return json_exact_unexpected(
            j, str_c(j->arena, str_format(j->arena, "\"%.*s\"", STR_ARG(text))));
    return json_exact_take(j, JSON_SCAN_STRING);
}

bool json_exact_number(struct json_exact *j, const char *name, uint64_t most, uint64_t *out)
{
    uint64_t number = 0;
    if (!json_exact_key(j, name)) return false;
    if (j->item.kind != JSON_SCAN_NUMBER || !str_u64(j->item.text, most, &number))
        return json_exact_unexpected(
            j, str_c(j->arena, str_format(j->arena, "a number up to %" PRIu64, most)));
    *out = number;
    return json_exact_take(j, JSON_SCAN_NUMBER);
}

bool json_exact_end(struct json_exact *j)
{
    if (j->failed) return false;
    return j->item.kind == JSON_SCAN_END || json_exact_unexpected(j, "the end");
}

bool json_exact_texts(struct json_exact *j, const char *name)
{
    if (!json_exact_array(j, name)) return false;
    while (j->item.kind != JSON_SCAN_ARRAY_END)
        if (!json_exact_take(j, JSON_SCAN_STRING)) return false;
    return json_exact_take(j, JSON_SCAN_ARRAY_END);
}

bool json_exact_prefix(struct json_exact *j, bool v4, struct range *out)
{
    struct prefix p;
    if (j->failed) return false;
    if (j->item.kind != JSON_SCAN_STRING || !str_contains(j->item.text, S("/")) ||
        !prefix_parse(j->item.text, &p) || prefix_has_host_bits(p) || addr_is_v4(p.addr) != v4)
        return json_exact_unexpected(j, v4 ? "an IPv4 prefix" : "an IPv6 prefix");
    *out = prefix_range(p);
    return json_exact_take(j, JSON_SCAN_STRING);
}
