/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/regf.h"

#include "base/cursor.h"

enum {
    HEADER_BYTES = 4096,
    CHECKSUM_AT = 508,
    CELL_ALIGN = 8,
    NO_CELL = -1,         /* 0xffffffff */
    NAME_IS_LATIN = 0x20, /* of a key's flags */
    VALUE_IS_LATIN = 1,   /* of a value's */
    SEGMENT_BYTES = 16344 /* of data that is cut into several cells */
};
#define DATA_IS_INSIDE UINT32_C(0x80000000)

struct hive {
    bytes content;
    struct cursor whole; /* what offsets in it count from: behind the header */
    uint32_t minor;
    uint64_t *named; /* a bit per place where a cell may begin */
    struct arena *arena;
    struct registry_value *values;
    size_t n, room;
    uint64_t copied; /* bytes of data that was put together */
    struct err *err;
};

/* ---- Cells --------------------------------------------------------------------------------------
 */

/* What a cell holds. Each is named from one place only, so that following names ends; `shared` ones
 * (data) are never followed. */
static bool cell_at(struct hive *h, uint32_t at, const char *field, bool shared, struct cursor *out)
{
    struct cursor size_of = cursor_within(&h->whole, at, 4, field);
    uint32_t stored = cursor_u32le(&size_of, field);
    if (!cursor_done(&size_of, h->err)) return false;
    /* That of a cell in use is negative. */
    uint32_t size = stored > INT32_MAX ? ~stored + 1 : 0;
    uint64_t offset = h->whole.offset + at;
    if (at % CELL_ALIGN || size < CELL_ALIGN)
        return err_at(h->err, ERR_MALFORMED, offset, "%s: expected a cell in use, found none",
                      field);
    *out = cursor_within(&h->whole, at + (uint64_t)4, size - 4, field);
    if (!cursor_done(out, h->err) || shared) return !out->failed;
    uint64_t bit = UINT64_C(1) << (at / CELL_ALIGN % 64);
    uint64_t *word = &h->named[at / CELL_ALIGN / 64];
    if (*word & bit)
        return err_at(h->err, ERR_MALFORMED, offset, "%s: the cell is named a second time", field);
    *word |= bit;
    return true;
}

static bool wrong_kind(struct hive *h, const struct cursor *cell, const char *wanted)
{
    return err_at(h->err, ERR_MALFORMED, cell->offset, "expected a cell \"%s\"", wanted);
}

static bool signed_as(struct cursor *cell, const char *kind)
{
    bytes two = cursor_bytes(cell, 2, "cell.signature");
    return two.len == 2 && two.ptr[0] == (uint8_t)kind[0] && two.ptr[1] == (uint8_t)kind[1];
}

/* Latin-1, a byte per character, or UTF-16. */
static str name_text(struct arena *arena, bytes name, bool latin)
{
    if (!latin) return str_from_utf16le(arena, name);
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < name.len; i++) {
        char sequence[4];
        buf_str(&out, (str){sequence, str_utf8_put(sequence, name.ptr[i])});
    }
    return buf_text(&out);
}

/* ---- Values -------------------------------------------------------------------------------------
 */

/* Data longer than a cell stands in several (from version 1.4 on). */
static bool read_segments(struct hive *h, struct cursor *cell, uint32_t size, bytes *out)
{
    if (!signed_as(cell, "db")) return wrong_kind(h, cell, "db");
    uint16_t n = cursor_u16le(cell, "db.segments");
    uint32_t list_at = cursor_u32le(cell, "db.list");
    struct cursor list;
    if (!cursor_done(cell, h->err)) return false;
    h->copied += size;
    if (h->copied > h->content.len)
        return err_at(h->err, ERR_MALFORMED, cell->offset, "db: more data than the file has");
    if (!cell_at(h, list_at, "db.list", false, &list)) return false;
    uint8_t *data = arena_array(h->arena, uint8_t, size);
    uint32_t filled = 0;
    for (uint16_t i = 0; i < n && filled < size; i++) {
        uint32_t at = cursor_u32le(&list, "db.segment");
        struct cursor segment;
        uint32_t piece = size - filled < SEGMENT_BYTES ? size - filled : SEGMENT_BYTES;
        if (!cursor_done(&list, h->err) || !cell_at(h, at, "db.segment", false, &segment))
            return false;
        bytes part = cursor_bytes(&segment, piece, "db.segment");
        if (!cursor_done(&segment, h->err)) return false;
        memcpy(data + filled, part.ptr, piece);
        filled += piece;
    }
    if (filled < size)
        return err_at(h->err, ERR_MALFORMED, cell->offset,
                      "db.segments: expected %" PRIu32 " bytes, found %" PRIu32, size, filled);
    *out = (bytes){data, size};
    return true;
}

static bool read_data(struct hive *h, uint32_t size, uint32_t at, bytes inside, bytes *out)
{
    struct cursor cell;
    if (size & DATA_IS_INSIDE) {
        size &= ~DATA_IS_INSIDE;
        if (size > inside.len)
            return err_at(h->err, ERR_MALFORMED, h->whole.offset,
                          "vk.size: expected at most 4 bytes inside, found %" PRIu32, size);
        *out = (bytes){inside.ptr, size};
        return true;
    }
    *out = (bytes){0};
    if (!size) return true;
    if (!cell_at(h, at, "vk.data", true, &cell)) return false;
    if (size > SEGMENT_BYTES && h->minor >= 4) return read_segments(h, &cell, size, out);
    *out = cursor_bytes(&cell, size, "vk.data");
    return cursor_done(&cell, h->err);
}

static bool read_value(struct hive *h, str key, uint32_t at)
{
    struct registry_value v = {.key = key};
    struct cursor cell;
    if (!cell_at(h, at, "nk.value", false, &cell)) return false;
    v.offset = h->whole.offset + at;
    if (!signed_as(&cell, "vk")) return wrong_kind(h, &cell, "vk");
    uint16_t name_length = cursor_u16le(&cell, "vk.name_length");
    uint32_t size = cursor_u32le(&cell, "vk.size");
    struct cursor inside = cell;
    uint32_t data_at = cursor_u32le(&cell, "vk.data");
    v.type = cursor_u32le(&cell, "vk.type");
    uint16_t flags = cursor_u16le(&cell, "vk.flags");
    cursor_skip(&cell, 2, "vk.spare");
    bytes name = cursor_bytes(&cell, name_length, "vk.name");
    if (!cursor_done(&cell, h->err)) return false;
    v.name = name_text(h->arena, name, flags & VALUE_IS_LATIN);
    if (!read_data(h, size, data_at, cursor_bytes(&inside, 4, "vk.data"), &v.data)) return false;
    arena_grow(h->arena, h->values, h->n, h->room);
    h->values[h->n++] = v;
    return true;
}

static bool read_values(struct hive *h, str key, uint32_t n, uint32_t list_at)
{
    struct cursor list;
    if (!n) return true;
    if (!cell_at(h, list_at, "nk.values", false, &list)) return false;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = cursor_u32le(&list, "nk.values");
        if (!cursor_done(&list, h->err) || !read_value(h, key, at)) return false;
    }
    return true;
}

/* ---- Keys ---------------------------------------------------------------------------------------
 */

static bool read_key(struct hive *h, str above, uint32_t at, unsigned depth, bool is_root);

/* A list of keys, or of such lists. */
static bool read_list(struct hive *h, str key, uint32_t at, unsigned depth, bool nested)
{
    struct cursor list;
    if (!cell_at(h, at, "nk.subkeys", false, &list)) return false;
    struct cursor kind = list;
    bool of_lists = signed_as(&kind, "ri");
    kind = list;
    bool plain = signed_as(&kind, "li");
    kind = list;
    bool hashed = signed_as(&kind, "lf");
    kind = list;
    hashed = hashed || signed_as(&kind, "lh");
    if ((!of_lists && !plain && !hashed) || (of_lists && nested))
        return wrong_kind(h, &list, "lf, lh, li or ri");
    cursor_skip(&list, 2, "list.signature");
    uint16_t n = cursor_u16le(&list, "list.count");
    for (uint16_t i = 0; i < n; i++) {
        uint32_t item = cursor_u32le(&list, "list.item");
        if (hashed) cursor_skip(&list, 4, "list.hash");
        if (!cursor_done(&list, h->err)) return false;
        bool read = of_lists ? read_list(h, key, item, depth, true)
                             : read_key(h, key, item, depth + 1, false);
        if (!read) return false;
    }
    return cursor_done(&list, h->err);
}

static bool path_of(struct hive *h, str above, bytes name, bool latin, uint64_t offset, str *out)
{
    str text = name_text(h->arena, name, latin);
    if (memchr(text.ptr ? text.ptr : "", '\\', text.len))
        return err_at(h->err, ERR_MALFORMED, offset, "nk.name: a backslash in a key's name");
    if (above.len + text.len >= LIMIT_REGISTRY_PATH)
        return err_at(h->err, ERR_LIMIT, offset, "nk.name: a path of more than %d bytes",
                      LIMIT_REGISTRY_PATH);
    *out = above.len ? str_format(h->arena, "%.*s\\%.*s", STR_ARG(above), STR_ARG(text)) : text;
    return true;
}

static bool read_key(struct hive *h, str above, uint32_t at, unsigned depth, bool is_root)
{
    struct cursor cell;
    str path = {0};
    if (depth > LIMIT_REGISTRY_DEPTH)
        return err_at(h->err, ERR_LIMIT, h->whole.offset + at, "more than %d keys inside another",
                      LIMIT_REGISTRY_DEPTH);
    if (!cell_at(h, at, "nk", false, &cell)) return false;
    uint64_t offset = cell.offset;
    if (!signed_as(&cell, "nk")) return wrong_kind(h, &cell, "nk");
    uint16_t flags = cursor_u16le(&cell, "nk.flags");
    cursor_skip(&cell, 8 + 4 + 4, "nk.written");
    uint32_t n_keys = cursor_u32le(&cell, "nk.n_subkeys");
    cursor_skip(&cell, 4, "nk.n_volatile");
    uint32_t keys_at = cursor_u32le(&cell, "nk.subkeys");
    cursor_skip(&cell, 4, "nk.volatile");
    uint32_t n_values = cursor_u32le(&cell, "nk.n_values");
    uint32_t values_at = cursor_u32le(&cell, "nk.values");
    cursor_skip(&cell, 4 + 4 + 16 + 4, "nk.sizes");
    uint16_t name_length = cursor_u16le(&cell, "nk.name_length");
    cursor_skip(&cell, 2, "nk.class_length");
    bytes name = cursor_bytes(&cell, name_length, "nk.name");
    if (!cursor_done(&cell, h->err)) return false;
    if (!is_root && !path_of(h, above, name, flags & NAME_IS_LATIN, offset, &path)) return false;
    if (!read_values(h, path, n_values, values_at)) return false;
    return !n_keys || keys_at == (uint32_t)NO_CELL || read_list(h, path, keys_at, depth, false);
}

/* ---- The file -----------------------------------------------------------------------------------
 */

bool regf_recognise(bytes head)
{
    return head.len >= 4 && memcmp(head.ptr, "regf", 4) == 0;
}

static bool checksum_holds(bytes content)
{
    struct cursor c = cursor_of(content, 0);
    uint32_t sum = 0;
    for (size_t i = 0; i < CHECKSUM_AT; i += 4)
        sum ^= cursor_u32le(&c, "header");
    /* Neither of these is ever stored. */
    if (sum == UINT32_MAX) sum = UINT32_MAX - 1;
    if (!sum) sum = 1;
    return sum == cursor_u32le(&c, "header.checksum");
}

static bool read_header(struct hive *h, struct regf *out, uint32_t *root)
{
    struct cursor c = cursor_of(h->content, 0);
    bytes signature = cursor_bytes(&c, 4, "header.signature");
    uint32_t first = cursor_u32le(&c, "header.sequence");
    uint32_t second = cursor_u32le(&c, "header.sequence");
    cursor_skip(&c, 8, "header.written");
    uint32_t major = cursor_u32le(&c, "header.major");
    h->minor = cursor_u32le(&c, "header.minor");
    cursor_skip(&c, 8, "header.kind");
    *root = cursor_u32le(&c, "header.root");
    uint32_t size = cursor_u32le(&c, "header.size");
    if (!cursor_done(&c, h->err)) return false;
    if (memcmp(signature.ptr, "regf", 4) != 0)
        return err_at(h->err, ERR_MALFORMED, 0, "header: expected \"regf\"");
    if (major != 1)
        return err_at(h->err, ERR_UNSUPPORTED, 20, "header.major: expected 1, found %" PRIu32,
                      major);
    struct cursor all = cursor_of(h->content, 0);
    h->whole = cursor_within(&all, HEADER_BYTES, size, "header.size");
    out->is_dirty = first != second || !checksum_holds(h->content);
    return cursor_done(&h->whole, h->err);
}

bool regf_read(str source, bytes content, struct arena *arena, struct regf *out, struct err *err)
{
    struct hive h = {.content = content, .arena = arena, .err = err};
    struct regf regf = {0};
    uint32_t root = 0;
    if (!read_header(&h, &regf, &root)) return err_in(err, source);
    h.named = arena_array(arena, uint64_t, cursor_left(&h.whole) / CELL_ALIGN / 64 + 1);
    if (!read_key(&h, (str){0}, root, 0, true)) return err_in(err, source);
    regf.values = (struct registry_values){h.values, h.n};
    *out = regf;
    return true;
}
