/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/registry_text.h"

/* ---- Lines --------------------------------------------------------------------------------------
 */

struct lines {
    bytes left;
    bool wide;       /* UTF-16LE */
    uint64_t offset; /* of left */
    uint32_t number; /* of the current line */
    uint64_t at;     /* where it begins */
    str text;        /* without its end */
    bool ended;      /* it had one */
    struct arena *arena;
};

static struct lines lines_of(bytes content, struct arena *arena)
{
    static const uint8_t wide[] = {0xff, 0xfe}, utf8[] = {0xef, 0xbb, 0xbf};
    struct lines lines = {.left = content, .arena = arena};
    size_t mark = 0;
    if (content.len >= 2 && memcmp(content.ptr, wide, 2) == 0) {
        lines.wide = true;
        mark = 2;
    } else if (content.len >= 3 && memcmp(content.ptr, utf8, 3) == 0) {
        mark = 3;
    }
    if (mark) lines.left = (bytes){content.ptr + mark, content.len - mark};
    lines.offset = mark;
    return lines;
}

static bool next_line(struct lines *l)
{
    size_t unit = l->wide ? 2 : 1, n = 0;
    if (l->left.len < unit) return false;
    while (n + unit <= l->left.len && (l->left.ptr[n] != '\n' || (l->wide && l->left.ptr[n + 1])))
        n += unit;
    bytes line = {l->left.ptr, n};
    l->ended = n + unit <= l->left.len;
    size_t taken = l->ended ? n + unit : l->left.len;
    l->at = l->offset;
    l->number += l->number < UINT32_MAX;
    l->offset += taken;
    l->left = (bytes){l->left.ptr + taken, l->left.len - taken};
    l->text = l->wide ? str_from_utf16le(l->arena, line) : str_utf8(l->arena, str_of_bytes(line));
    if (str_ends(l->text, S("\r"))) l->text.len--;
    return true;
}

/* ---- Statements ---------------------------------------------------------------------------------
 */

struct reading {
    struct lines lines;
    bool old; /* REGEDIT4: text in bytes is not UTF-16 */
    str key;  /* empty = none yet, or it was deleted */
    struct registry_value *values;
    size_t n, room;
    struct rule_problem *problems;
    size_t n_problems, room_problems;
    struct arena *arena;
};

/* Where a statement begins; it may have several lines. */
struct spot {
    uint64_t offset;
    uint32_t line;
};

static void problem(struct reading *r, const struct spot *at, const char *expected, str found)
{
    enum { SHOWN = 60 };
    arena_grow(r->arena, r->problems, r->n_problems, r->room_problems);
    r->problems[r->n_problems++] = (struct rule_problem){
        .offset = at->offset,
        .line = at->line,
        .text = str_format(r->arena, "expected %s, found \"%.*s\"", expected,
                           STR_ARG(str_utf8(r->arena, str_head(found, SHOWN)))),
    };
}

static void add(struct reading *r, const struct spot *at, struct registry_value value)
{
    value.offset = at->offset;
    value.line = at->line;
    arena_grow(r->arena, r->values, r->n, r->room);
    r->values[r->n++] = value;
}

/* What regedit takes for a hive's name. */
static str spelled_out(struct arena *arena, str key)
{
    static const str names[][2] = {
        {{"HKLM", 4}, {"HKEY_LOCAL_MACHINE", 18}},
        {{"HKCU", 4}, {"HKEY_CURRENT_USER", 17} },
        {{"HKCR", 4}, {"HKEY_CLASSES_ROOT", 17} },
        {{"HKU", 3},  {"HKEY_USERS", 10}        },
    };
    str hive, rest;
    bool below = str_cut(key, '\\', &hive, &rest);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (below && str_equal_nocase(hive, names[i][0]))
            return str_format(arena, "%.*s\\%.*s", STR_ARG(names[i][1]), STR_ARG(rest));
    return key;
}

static void read_key(struct reading *r, const struct spot *at, str line)
{
    size_t end = line.len;
    while (end > 1 && line.ptr[end - 1] != ']')
        end--;
    str key = end > 1 ? str_tail(str_head(line, end - 1), 1) : (str){0};
    str behind = str_trim(str_tail(line, end));
    bool deletes = str_starts(key, S("-"));
    if (deletes) key = str_tail(key, 1);
    r->key = (str){0};
    if (!str_starts(key, S("HK")) || (behind.len && behind.ptr[0] != ';')) {
        problem(r, at, "a key in brackets", line);
        return;
    }
    key = spelled_out(r->arena, key);
    add(r, at,
        (struct registry_value){.change = deletes ? REGISTRY_DELETE_KEY : REGISTRY_ADD_KEY,
                                .key = key});
    if (!deletes) r->key = key;
}

/* A string in quotes, of which the first is taken already; it may go on in the next lines. */
static bool take_string(struct reading *r, str *left, str *out)
{
    struct buf text = buf_in(r->arena);
    for (;;) {
        while (left->len) {
            char c = left->ptr[0];
            *left = str_tail(*left, 1);
            if (c == '"') {
                *out = buf_text(&text);
                return true;
            }
            if (c == '\\' && left->len && (left->ptr[0] == '\\' || left->ptr[0] == '"')) {
                c = left->ptr[0];
                *left = str_tail(*left, 1);
            }
            buf_char(&text, c);
        }
        if (!r->lines.ended || !next_line(&r->lines)) return false;
        buf_str(&text, S("\r\n"));
        *left = r->lines.text;
    }
}

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9') return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f') return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') return (unsigned)(c - 'A') + 10;
    return 16;
}

/* At least one digit, at most `most`. */
static bool take_hex(str *left, size_t most, uint32_t *out)
{
    uint32_t value = 0;
    size_t n = 0;
    while (n < most && n < left->len && digit_of(left->ptr[n]) < 16)
        value = value << 4 | digit_of(left->ptr[n++]);
    *left = str_tail(*left, n);
    *out = value;
    return n > 0;
}

static bool at_end(str left)
{
    left = str_trim(left);
    return !left.len || left.ptr[0] == ';';
}

/* Bytes parted by commas; a backslash at a line's end carries on. */
static bool take_bytes(struct reading *r, str *left, bytes *out)
{
    struct buf data = buf_in(r->arena);
    uint32_t byte = 0;
    for (;;) {
        *left = str_trim(*left);
        if (str_equal(*left, S("\\"))) {
            if (!r->lines.ended || !next_line(&r->lines)) return false;
            *left = r->lines.text;
            continue;
        }
        if (at_end(*left)) break;
        if (!take_hex(left, 2, &byte)) return false;
        buf_char(&data, (char)byte);
        *left = str_trim(*left);
        if (str_starts(*left, S(",")))
            *left = str_tail(*left, 1);
        else if (!at_end(*left))
            return false;
    }
    *out = str_bytes(buf_text(&data));
    return true;
}

/* Text in bytes of REGEDIT4 has one for each character. */
static bytes widened(struct arena *arena, bytes narrow)
{
    uint8_t *wide = arena_array(arena, uint8_t, 2 * narrow.len + 1);
    for (size_t i = 0; i < narrow.len; i++)
        wide[2 * i] = narrow.ptr[i];
    return (bytes){wide, 2 * narrow.len};
}

static bool take_typed_bytes(struct reading *r, str *left, struct registry_value *v)
{
    v->type = REGISTRY_BINARY;
    if (str_starts(*left, S("("))) {
        *left = str_tail(*left, 1);
        if (!take_hex(left, 8, &v->type) || !str_starts(*left, S(")"))) return false;
        *left = str_tail(*left, 1);
    }
    if (!str_starts(*left, S(":"))) return false;
    *left = str_tail(*left, 1);
    if (!take_bytes(r, left, &v->data)) return false;
    if (r->old && (v->type == REGISTRY_EXPAND_SZ || v->type == REGISTRY_MULTI_SZ))
        v->data = widened(r->arena, v->data);
    return true;
}

static bool cut_nocase(str *left, str head)
{
    if (left->len < head.len || !str_equal_nocase(str_head(*left, head.len), head)) return false;
    *left = str_tail(*left, head.len);
    return true;
}

static bool take_data(struct reading *r, str *left, struct registry_value *v)
{
    str text;
    uint32_t number = 0;
    if (cut_nocase(left, S("\""))) {
        if (!take_string(r, left, &text) || memchr(text.ptr ? text.ptr : "", 0, text.len))
            return false;
        *v = registry_value_of_text(v->key, v->name, text, r->arena);
        return true;
    }
    if (cut_nocase(left, S("dword:"))) {
        *left = str_trim(*left);
        if (!take_hex(left, 8, &number)) return false;
        *v = registry_value_of_dword(v->key, v->name, number, r->arena);
        return true;
    }
    if (cut_nocase(left, S("hex"))) return take_typed_bytes(r, left, v);
    v->change = REGISTRY_DELETE_VALUE;
    return cut_nocase(left, S("-"));
}

/* "name"=data or @=data */
static void read_value(struct reading *r, const struct spot *at, str line)
{
    struct registry_value v = {.key = r->key};
    str left = str_tail(line, 1);
    bool named = line.ptr[0] == '@' || take_string(r, &left, &v.name);
    left = str_trim(left);
    if (!named || !cut_nocase(&left, S("="))) {
        problem(r, at, "a value's name and an equals sign", line);
        return;
    }
    left = str_trim(left);
    if (!take_data(r, &left, &v) || !at_end(left)) {
        problem(r, at, "text, dword:, hex: or a minus sign", line);
        return;
    }
    if (!r->key.len) {
        problem(r, at, "a key before its values", line);
        return;
    }
    add(r, at, v);
}

static void read_statement(struct reading *r)
{
    struct spot at = {r->lines.at, r->lines.number};
    str line = str_trim(r->lines.text);
    if (!line.len || line.ptr[0] == ';') return;
    if (line.ptr[0] == '[')
        read_key(r, &at, line);
    else if (line.ptr[0] == '"' || line.ptr[0] == '@')
        read_value(r, &at, line);
    else
        problem(r, &at, "a key, a value or a remark", line);
}

/* ---- The file -----------------------------------------------------------------------------------
 */

static const str today = {"Windows Registry Editor Version 5.00", 36};
static const str before = {"REGEDIT4", 8};

static bool first_line(struct lines *lines, bool *old)
{
    do
        if (!next_line(lines)) return false;
    while (!str_trim(lines->text).len);
    *old = str_equal(str_trim(lines->text), before);
    return *old || str_equal(str_trim(lines->text), today);
}

bool registry_text_recognise(bytes head)
{
    /* Without an arena: the signature byte by byte, or every second one. */
    static const uint8_t utf8[] = {0xef, 0xbb, 0xbf};
    bool wide = head.len >= 2 && head.ptr[0] == 0xff && head.ptr[1] == 0xfe;
    size_t at = wide ? 2 : head.len >= 3 && memcmp(head.ptr, utf8, 3) == 0 ? 3 : 0;
    size_t unit = wide ? 2 : 1;
    while (at < head.len && strchr("\r\n\t ", head.ptr[at]) && head.ptr[at])
        at += unit;
    const str signatures[] = {today, before};
    for (size_t i = 0; i < COUNT_OF(signatures); i++) {
        size_t n = 0;
        while (n < signatures[i].len && at + n * unit < head.len &&
               head.ptr[at + n * unit] == (uint8_t)signatures[i].ptr[n])
            n++;
        if (n == signatures[i].len) return true;
    }
    return false;
}

bool registry_text_read(str source, bytes content, struct arena *arena, struct registry_text *out,
                        struct err *err)
{
    struct reading r = {.lines = lines_of(content, arena), .arena = arena};
    if (!first_line(&r.lines, &r.old)) {
        (void)err_line(err, ERR_MALFORMED, r.lines.number ? r.lines.number : 1, 1,
                       "expected \"%.*s\" or \"%.*s\" in the first line", STR_ARG(today),
                       STR_ARG(before));
        return err_in(err, source);
    }
    while (next_line(&r.lines))
        read_statement(&r);
    *out = (struct registry_text){
        {r.values, r.n},
        r.problems, r.n_problems
    };
    return true;
}
