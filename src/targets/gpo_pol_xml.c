/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/gpo_pol_xml.h"

#include "base/buf.h"
#include "base/xml.h"

enum field { FIELD_NONE, FIELD_KEY, FIELD_NAME, FIELD_VALUE };

struct pol_reading {
    struct arena *arena;
    struct registry_value *items;
    size_t n, room;
    uint64_t announced; /* num_entries */
    size_t depth;
    enum field field;
    unsigned seen; /* fields of this entry, bits */
    size_t n_values;
    str text;
    struct buf data; /* of this entry */
    uint64_t at;
    struct err failure;
};

static void wrong(struct pol_reading *r, const char *expected, str found)
{
    if (r->failure.kind != ERR_NONE) return;
    (void)err_at(&r->failure, ERR_MALFORMED, r->at, "expected %s, found \"%.*s\"", expected,
                 STR_ARG(str_utf8(r->arena, str_head(found, 60))));
}

static void begin_file(struct pol_reading *r, const struct xml_attribute *attributes, size_t n)
{
    str count = xml_attribute_of(attributes, n, S("num_entries"));
    if (!str_equal(xml_attribute_of(attributes, n, S("signature")), S("PReg")) ||
        !str_equal(xml_attribute_of(attributes, n, S("version")), S("1")) || n != 3)
        wrong(r, "the signature PReg and version 1", S("something else"));
    if (!str_u64(count, UINT32_MAX, &r->announced)) wrong(r, "the number of entries", count);
}

static void begin_entry(struct pol_reading *r, const struct xml_attribute *attributes, size_t n)
{
    static const struct {
        const char *number, *name;
        uint32_t type;
    } types[] = {
        {"1", "REG_SZ",       REGISTRY_SZ      },
        {"4", "REG_DWORD",    REGISTRY_DWORD   },
        {"7", "REG_MULTI_SZ", REGISTRY_MULTI_SZ},
    };
    str number = xml_attribute_of(attributes, n, S("type"));
    str name = xml_attribute_of(attributes, n, S("type_name"));
    arena_grow(r->arena, r->items, r->n, r->room);
    r->items[r->n] = (struct registry_value){.offset = r->at};
    for (size_t i = 0; i < COUNT_OF(types) && n == 2; i++)
        if (str_equal(number, str_of(types[i].number)) && str_equal(name, str_of(types[i].name)))
            r->items[r->n].type = types[i].type;
    if (!r->items[r->n].type) wrong(r, "a type of 1, 4 or 7 with its name", number);
    r->n++;
    r->seen = 0;
    r->n_values = 0;
    r->data = buf_in(r->arena);
}

static void on_begin(void *to, str name, const struct xml_attribute *attributes, size_t n,
                     uint64_t offset)
{
    static const char *const fields[] = {
        [FIELD_KEY] = "Key", [FIELD_NAME] = "ValueName", [FIELD_VALUE] = "Value"};
    struct pol_reading *r = to;
    size_t depth = r->depth++;
    if (r->failure.kind != ERR_NONE) return;
    r->at = offset;
    r->text = (str){0};
    r->field = FIELD_NONE;
    if (depth == 0 && str_equal(name, S("PolFile"))) {
        begin_file(r, attributes, n);
        return;
    }
    if (depth == 1 && str_equal(name, S("Entry"))) {
        begin_entry(r, attributes, n);
        return;
    }
    for (size_t i = FIELD_KEY; i <= FIELD_VALUE && depth == 2 && !n; i++)
        if (str_equal(name, str_of(fields[i]))) r->field = (enum field)i;
    if (r->field == FIELD_NONE) wrong(r, "PolFile, Entry, Key, ValueName or Value", name);
}

static void on_text(void *to, str text, bool is_cut)
{
    struct pol_reading *r = to;
    if (r->field == FIELD_NONE || is_cut) wrong(r, "text in a field, and not too much", text);
    r->text = str_copy(r->arena, text);
}

static void add_data(struct pol_reading *r, struct registry_value *value)
{
    uint64_t number = 0;
    if (value->type != REGISTRY_DWORD) {
        buf_bytes(&r->data, registry_value_utf16(r->text, r->arena));
        return;
    }
    if (!str_u64(r->text, UINT32_MAX, &number)) wrong(r, "a number", r->text);
    for (unsigned shift = 0; shift < 32; shift += 8)
        buf_char(&r->data, (char)(number >> shift & 0xFF));
}

static void end_entry(struct pol_reading *r)
{
    struct registry_value *value = &r->items[r->n - 1];
    bool list = value->type == REGISTRY_MULTI_SZ;
    unsigned whole = 1u << FIELD_KEY | 1u << FIELD_NAME | 1u << FIELD_VALUE;
    if (r->seen != whole || (!list && r->n_values != 1))
        wrong(r, "a key, a name and a value", S("another entry"));
    if (list) buf_repeat(&r->data, '\0', 2);
    value->data = str_bytes(buf_text(&r->data));
}

static void on_end(void *to, str name)
{
    struct pol_reading *r = to;
    (void)name;
    r->depth--;
    if (r->failure.kind != ERR_NONE) return;
    if (r->depth == 1) end_entry(r);
    if (r->depth != 2) return;
    struct registry_value *value = &r->items[r->n - 1];
    bool again = r->field != FIELD_VALUE && r->seen >> r->field & 1u;
    if (again) wrong(r, "each field once", r->text);
    if (r->field == FIELD_KEY) value->key = r->text;
    if (r->field == FIELD_NAME) value->name = r->text;
    if (r->field == FIELD_VALUE) add_data(r, value);
    r->n_values += r->field == FIELD_VALUE;
    r->seen |= 1u << r->field;
    r->field = FIELD_NONE;
    r->text = (str){0};
}

bool gpo_pol_xml_read(str source, bytes content, struct arena *arena, struct registry_values *out,
                      struct err *err)
{
    struct pol_reading r = {.arena = arena};
    struct xml_handler handler = {&r, on_begin, on_text, on_end};
    struct xml *xml = xml_open(arena, &handler, 0);
    bool good = xml_feed(xml, content, true, err);
    xml_close(xml);
    if (good && r.failure.kind == ERR_NONE && r.announced != r.n)
        wrong(&r, "as many entries as are announced", S("another number"));
    if (good && r.failure.kind != ERR_NONE) *err = r.failure;
    if (!good || r.failure.kind != ERR_NONE) return err_in(err, source);
    *out = (struct registry_values){r.items, r.n};
    return true;
}
