/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/registry_pol.h"

#include "base/cursor.h"

static const uint8_t header[] = {'P', 'R', 'e', 'g', 1, 0, 0, 0};

/* "[", a key's and a name's NUL, three ";" between type and size, "]": nothing shorter is one. */
enum { SHORTEST_SETTING = 2 + 2 + 2 + 2 + 2 + 4 + 2 + 4 + 2 + 2 };
/* Whoever reads these passes over less than this at the end (Samba's preg.idl). */
enum { MOST_REST = 12 };
static_assert((int)MOST_REST <= (int)SHORTEST_SETTING, "what is passed over can hold no setting");

static bool delimiter(struct cursor *c, char wanted, const char *field, struct err *err)
{
    uint64_t at = cursor_offset(c);
    uint16_t found = cursor_u16le(c, field);
    if (!cursor_done(c, err)) return false;
    if (found == (uint8_t)wanted) return true;
    return err_at(err, ERR_MALFORMED, at, "%s: expected '%c', found 0x%04x", field, wanted, found);
}

/* Neither half of a pair stands alone: text that could not be written again as it was. */
static bool is_utf16(bytes text)
{
    for (size_t i = 0; i < text.len; i += 2) {
        uint8_t high = text.ptr[i + 1] & 0xfc;
        if (high == 0xdc) return false;
        if (high != 0xd8) continue;
        i += 2;
        if (i >= text.len || (text.ptr[i + 1] & 0xfc) != 0xdc) return false;
    }
    return true;
}

/* UTF-16LE up to its NUL. */
static bool text(struct cursor *c, const char *field, struct arena *arena, str *out,
                 struct err *err)
{
    uint64_t at = cursor_offset(c);
    size_t n = 0;
    while (n + 2 <= c->left && (c->ptr[n] || c->ptr[n + 1]))
        n += 2;
    bytes units = cursor_bytes(c, n, field);
    (void)cursor_u16le(c, field);
    if (!cursor_done(c, err)) return false;
    if (!is_utf16(units))
        return err_at(err, ERR_MALFORMED, at, "%s: expected UTF-16, found half of a pair", field);
    *out = str_from_utf16le(arena, units);
    return true;
}

static bool read_setting(struct cursor *c, struct arena *arena, struct registry_value *out,
                         struct err *err)
{
    struct registry_value v = {.offset = cursor_offset(c)};
    if (!delimiter(c, '[', "setting", err)) return false;
    if (!text(c, "setting.key", arena, &v.key, err)) return false;
    if (!delimiter(c, ';', "setting.key", err)) return false;
    if (!text(c, "setting.value", arena, &v.name, err)) return false;
    if (!delimiter(c, ';', "setting.value", err)) return false;
    v.type = cursor_u32le(c, "setting.type");
    if (!delimiter(c, ';', "setting.type", err)) return false;
    uint32_t size = cursor_u32le(c, "setting.size");
    if (!delimiter(c, ';', "setting.size", err)) return false;
    v.data = cursor_bytes(c, size, "setting.data");
    if (!delimiter(c, ']', "setting.data", err)) return false;
    *out = v;
    return true;
}

bool registry_pol_recognise(bytes head)
{
    return head.len >= 4 && memcmp(head.ptr, header, 4) == 0;
}

bool registry_pol_read(str source, bytes content, struct arena *arena, struct registry_pol *out,
                       struct err *err)
{
    struct cursor c = cursor_of(content, 0);
    struct registry_value *items = NULL;
    size_t n = 0, room = 0;
    bytes head = cursor_bytes(&c, sizeof header, "header");
    if (!cursor_done(&c, err)) return err_in(err, source);
    if (memcmp(head.ptr, header, sizeof header) != 0) {
        (void)err_at(err, ERR_MALFORMED, 0, "header: expected \"PReg\" and version 1");
        return err_in(err, source);
    }
    while (cursor_left(&c) >= MOST_REST) {
        arena_grow(arena, items, n, room);
        if (!read_setting(&c, arena, &items[n], err)) return err_in(err, source);
        n++;
    }
    *out = (struct registry_pol){
        {items, n},
        cursor_bytes(&c, cursor_left(&c), "rest")
    };
    return true;
}

static void put(struct buf *out, bytes b)
{
    if (b.len) buf_bytes(out, b);
}

static void put_char(struct buf *out, char c)
{
    buf_char(out, c);
    buf_char(out, 0);
}

static void put_u32(struct buf *out, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        buf_char(out, (char)(value >> 8 * i & 0xff));
}

bytes registry_pol_write(struct registry_values values, struct arena *arena)
{
    struct buf out = buf_in(arena);
    put(&out, (bytes){header, sizeof header});
    for (size_t i = 0; i < values.n; i++) {
        const struct registry_value *v = &values.items[i];
        assert(v->change == REGISTRY_SET && v->data.len <= UINT32_MAX);
        put_char(&out, '[');
        put(&out, registry_value_utf16(v->key, arena));
        put_char(&out, ';');
        put(&out, registry_value_utf16(v->name, arena));
        put_char(&out, ';');
        put_u32(&out, v->type);
        put_char(&out, ';');
        put_u32(&out, (uint32_t)v->data.len);
        put_char(&out, ';');
        put(&out, v->data);
        put_char(&out, ']');
    }
    return str_bytes(buf_text(&out));
}
