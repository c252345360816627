/* SPDX-License-Identifier: Apache-2.0 */
#include "report/scope_words.h"

#include "base/json_write.h"
#include "policy/document.h"

/* What a scope may say, in the order it is said. */
static const struct {
    str key;
    bool is_list, is_needed;
} keys[] = {
    {{"from", 4},    true,  true },
    {{"to", 2},      true,  true },
    {{"service", 7}, true,  true },
    {{"secure", 6},  false, false},
    {{"name", 4},    false, false},
};

/* The tree of a text; false when it is no mapping. */
static bool tree_of(str text, struct arena *arena, struct node *out, str *why)
{
    struct diagnostics found = {0};
    if (document_parse(text, arena, arena, out, &found) && !found.n_errors && out->kind == NODE_MAP)
        return true;
    *why = found.n ? found.items[0].text : S("it is no mapping");
    return false;
}

static const struct node *value_of(const struct node *map, str key)
{
    for (size_t i = 0; i < map->n; i++)
        if (str_equal(map->items[2 * i].text, key)) return &map->items[2 * i + 1];
    return NULL;
}

/* ---- Words --------------------------------------------------------------------------------------
 */

/* Whether a text may stand in a YAML flow mapping without quotes. */
static bool is_plain(str text)
{
    static const char odd[] = ",[]{}#&*!|>'\"%@`\\";
    if (!text.len || text.ptr[0] == '-' || text.ptr[0] == '?' || text.ptr[0] == ':' ||
        text.ptr[0] == ' ' || text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == ':')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if ((uint8_t)c < 0x20 || c == 0x7F || strchr(odd, c)) return false;
        if (c == ':' && text.ptr[i + 1] == ' ') return false;
    }
    return true;
}

static void put_text(struct buf *out, str text)
{
    if (is_plain(text)) {
        buf_str(out, text);
        return;
    }
    struct json json = json_to(out);
    json_str(&json, text);
}

static void put_value(struct buf *out, const struct node *value)
{
    if (value->kind == NODE_TEXT) {
        put_text(out, value->text);
        return;
    }
    bool many = value->n != 1;
    if (many) buf_char(out, '[');
    for (size_t i = 0; i < value->n; i++) {
        if (i) buf_str(out, S(", "));
        put_text(out, value->items[i].text);
    }
    if (many) buf_char(out, ']');
}

str scope_words(str json, struct arena *arena)
{
    struct node map;
    str why;
    struct buf out = buf_in(arena);
    if (!tree_of(json, arena, &map, &why)) return json;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const struct node *value = value_of(&map, keys[i].key);
        if (!value || value->kind == NODE_MAP) continue;
        if (out.len) buf_str(&out, S(", "));
        buf_format(&out, "%.*s: ", STR_ARG(keys[i].key));
        put_value(&out, value);
    }
    return buf_text(&out);
}

/* ---- Reading ------------------------------------------------------------------------------------
 */

static bool is_text_list(const struct node *value)
{
    if (value->kind != NODE_LIST || !value->n) return false;
    for (size_t i = 0; i < value->n; i++)
        if (value->items[i].kind != NODE_TEXT || !value->items[i].text.len) return false;
    return true;
}

static bool knows(str key)
{
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (str_equal(keys[i].key, key)) return true;
    return false;
}

static bool write_list(struct json *json, const struct node *value, str key, struct err *err)
{
    bool one = value->kind == NODE_TEXT && value->text.len;
    if (!one && !is_text_list(value))
        return err_set(err, ERR_MALFORMED, "a scope's \"%.*s\" is a text or a list of texts",
                       STR_ARG(key));
    json_array(json);
    if (one) json_str(json, value->text);
    for (size_t i = 0; !one && i < value->n; i++)
        json_str(json, value->items[i].text);
    json_array_end(json);
    return true;
}

static bool write_scope(struct json *json, const struct node *map, struct err *err)
{
    for (size_t i = 0; i < map->n; i++)
        if (!knows(map->items[2 * i].text))
            return err_set(err, ERR_MALFORMED,
                           "a scope has from, to, service, secure and name, but no \"%.*s\"",
                           STR_ARG(map->items[2 * i].text));
    json_object(json);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const struct node *value = value_of(map, keys[i].key);
        if (!value && keys[i].is_needed)
            return err_set(err, ERR_MALFORMED, "a scope needs \"%.*s\"", STR_ARG(keys[i].key));
        if (!value) continue;
        json_key(json, keys[i].key);
        if (keys[i].is_list) {
            if (!write_list(json, value, keys[i].key, err)) return false;
            continue;
        }
        if (value->kind != NODE_TEXT)
            return err_set(err, ERR_MALFORMED, "a scope's \"%.*s\" is a text",
                           STR_ARG(keys[i].key));
        json_str(json, value->text);
    }
    json_object_end(json);
    return true;
}

bool scope_words_read(str line, struct arena *arena, str *out, struct err *err)
{
    struct node map;
    str why = {0};
    line = str_trim(line);
    bool has_braces = line.len && line.ptr[0] == '{';
    str text = has_braces ? line : str_format(arena, "{%.*s}", STR_ARG(line));
    if (!tree_of(text, arena, &map, &why))
        return err_set(err, ERR_MALFORMED,
                       "expected a scope such as \"from: scanners, to: FS01, service: smb\": %.*s",
                       STR_ARG(why));
    struct buf made = buf_in(arena);
    struct json json = json_to(&made);
    if (!write_scope(&json, &map, err)) return false;
    *out = buf_text(&made);
    return true;
}
