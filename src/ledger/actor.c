/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/actor.h"

#include "base/json_scan.h"

static const str role_texts[] = {
#define X(name, text) [PERSON_##name] = {text, sizeof(text) - 1},
    ROLES_OF_PEOPLE(X)
#undef X
};

str actor_role_text(enum person_role role)
{
    assert(role < PERSON_ROLE_COUNT);
    return role_texts[role];
}

bool actor_role_of(str text, enum person_role *out)
{
    for (unsigned i = 0; i < PERSON_ROLE_COUNT; i++) {
        if (!str_equal(text, role_texts[i])) continue;
        *out = (enum person_role)i;
        return true;
    }
    return false;
}

str actor_roles_text(uint8_t roles, struct arena *arena)
{
    struct buf out = buf_in(arena);
    for (unsigned i = 0; i < PERSON_ROLE_COUNT; i++) {
        if (!(roles & 1u << i)) continue;
        if (out.len) buf_str(&out, S(", "));
        buf_str(&out, role_texts[i]);
    }
    return out.len ? buf_text(&out) : S("no role");
}

/* ---- One person ---------------------------------------------------------------------------------
 */

/* "CONTOSO\alice" and "alice@contoso.com" without the domain; all of it when nothing would be left.
 */
static str without_domain(str name)
{
    str head, tail;
    name = str_trim(name);
    str user = str_cut(name, '\\', &head, &tail) ? tail : name;
    (void)str_cut(user, '@', &user, &tail);
    user = str_trim(user);
    return user.len ? user : name;
}

/* One scalar value of valid UTF-8, and how long it is; of what is not valid, a byte by itself. */
static uint32_t scalar_at(str s, size_t *length)
{
    size_t bad = 0;
    uint32_t value = (uint8_t)s.ptr[0];
    *length = str_utf8_next(s, &bad);
    if (*length <= 1) {
        *length = 1;
        return value;
    }
    value &= 0x7Fu >> *length;
    for (size_t i = 1; i < *length; i++)
        value = value << 6 | ((uint8_t)s.ptr[i] & 0x3Fu);
    return value;
}

/* Lower case of the letters that names of people are written in: Latin in both widths, Greek,
 * Cyrillic, as Unicode folds them one by one. */
static uint32_t folded(uint32_t c)
{
    static const struct {
        uint32_t first, last, add;
    } shifted[] = {
        {'A',   'Z',   32},
        {0xC0,  0xD6,  32},
        {0xD8,  0xDE,  32},
        {0x391, 0x3A1, 32},
        {0x3A3, 0x3AB, 32},
        {0x400, 0x40F, 80},
        {0x410, 0x42F, 32},
    };
    /* Capitals and small letters alternate: even ones are capitals, or odd ones. */
    static const struct {
        uint32_t first, last, capital;
    } paired[] = {
        {0x100,  0x12F,  0},
        {0x132,  0x137,  0},
        {0x139,  0x148,  1},
        {0x14A,  0x177,  0},
        {0x179,  0x17E,  1},
        {0x1CD,  0x1DC,  1},
        {0x1DE,  0x1EF,  0},
        {0x1F8,  0x21F,  0},
        {0x222,  0x233,  0},
        {0x460,  0x481,  0},
        {0x48A,  0x4BF,  0},
        {0x4D0,  0x52F,  0},
        {0x1E00, 0x1E95, 0},
        {0x1EA0, 0x1EFF, 0},
    };
    /* ASCII in the width of Chinese letters. */
    if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0;
    for (size_t i = 0; i < COUNT_OF(shifted); i++)
        if (c >= shifted[i].first && c <= shifted[i].last) return c + shifted[i].add;
    for (size_t i = 0; i < COUNT_OF(paired); i++)
        if (c >= paired[i].first && c <= paired[i].last)
            return c % 2 == paired[i].capital ? c + 1 : c;
    return c == 0x178 ? 0xFF : c;
}

bool actor_name_is_visible(str name)
{
    /* Blanks other than the plain one, joiners, marks of direction, selectors, tags, and letters
     * that look like nothing. */
    static const struct {
        uint32_t first, last;
    } unseen[] = {
        {0xA0,    0xA0   },
        {0xAD,    0xAD   },
        {0x34F,   0x34F  },
        {0x61C,   0x61C  },
        {0x115F,  0x1160 },
        {0x1680,  0x1680 },
        {0x17B4,  0x17B5 },
        {0x180B,  0x180F },
        {0x2000,  0x200F },
        {0x2028,  0x202F },
        {0x205F,  0x206F },
        {0x2800,  0x2800 },
        {0x3000,  0x3000 },
        {0x3164,  0x3164 },
        {0xFE00,  0xFE0F },
        {0xFEFF,  0xFEFF },
        {0xFFA0,  0xFFA0 },
        {0xFFF0,  0xFFFB },
        {0xE0000, 0xE0FFF},
    };
    while (name.len) {
        size_t length = 0;
        uint32_t c = scalar_at(name, &length);
        name = str_tail(name, length);
        for (size_t i = 0; i < COUNT_OF(unseen); i++)
            if (c >= unseen[i].first && c <= unseen[i].last) return false;
    }
    return true;
}

/* The next letter of a name, folded; name goes behind it. */
static uint32_t next_letter(str *name)
{
    size_t length = 0;
    uint32_t c = folded(scalar_at(*name, &length));
    *name = str_tail(*name, length);
    return c;
}

bool actor_same_person(str a, str b)
{
    a = without_domain(a);
    b = without_domain(b);
    while (a.len && b.len)
        if (next_letter(&a) != next_letter(&b)) return false;
    return !a.len && !b.len;
}

str actor_person_key(str name, struct arena *arena)
{
    struct buf out = buf_in(arena);
    for (str left = without_domain(name); left.len;) {
        char letter[4];
        uint32_t c = next_letter(&left);
        buf_str(&out, (str){letter, str_utf8_put(letter, c)});
    }
    return buf_text(&out);
}

bool actor_may_be_same(const struct actor *a, const struct actor *b)
{
    if (actor_same_person(a->person, b->person)) return true;
    if (a->authenticated && b->authenticated) return false;
    return actor_same_person(a->account, b->account);
}

/* ---- In an entry --------------------------------------------------------------------------------
 */

str actor_json(const struct actor *actor, struct arena *arena)
{
    struct buf out = buf_in(arena);
    struct json json = json_to(&out);
    json_object(&json);
    json_member_str(&json, S("person"), actor->person);
    json_member_str(&json, S("account"), actor->account);
    json_member_str(&json, S("machine"), actor->machine);
    json_member_bool(&json, S("authenticated"), actor->authenticated);
    if (actor->token.len) json_member_str(&json, S("token"), actor->token);
    if (actor->clock_is_set) json_member_str(&json, S("clock"), S("set"));
    json_object_end(&json);
    return buf_text(&out);
}

static bool read_text(struct json_scan *scan, str *out, struct err *err)
{
    struct json_scan_item item;
    if (!json_scan_next(scan, &item, err)) return false;
    if (item.kind != JSON_SCAN_STRING || out->len)
        return err_at(err, ERR_MALFORMED, item.offset,
                      out->len ? "expected each member of \"actor\" once"
                               : "expected a text in \"actor\"");
    *out = item.text;
    return true;
}

static bool read_truth(struct json_scan *scan, bool *out, struct err *err)
{
    struct json_scan_item item;
    if (!json_scan_next(scan, &item, err)) return false;
    if (item.kind != JSON_SCAN_TRUE && item.kind != JSON_SCAN_FALSE)
        return err_at(err, ERR_MALFORMED, item.offset, "expected true or false in \"actor\"");
    *out = item.kind == JSON_SCAN_TRUE;
    return true;
}

bool actor_read(str json, struct arena *arena, struct actor *out, struct err *err)
{
    struct json_scan scan = json_scan_of(json, 0, arena);
    struct json_scan_item item;
    struct actor actor = {0};
    str clock = {0};
    if (!json_scan_next(&scan, &item, err)) return false;
    if (item.kind != JSON_SCAN_OBJECT)
        return err_at(err, ERR_MALFORMED, item.offset, "expected an actor as an object");
    for (;;) {
        bool read;
        if (!json_scan_next(&scan, &item, err)) return false;
        if (item.kind == JSON_SCAN_OBJECT_END) break;
        if (str_equal(item.text, S("person")))
            read = read_text(&scan, &actor.person, err);
        else if (str_equal(item.text, S("account")))
            read = read_text(&scan, &actor.account, err);
        else if (str_equal(item.text, S("machine")))
            read = read_text(&scan, &actor.machine, err);
        else if (str_equal(item.text, S("authenticated")))
            read = read_truth(&scan, &actor.authenticated, err);
        else if (str_equal(item.text, S("token")))
            read = read_text(&scan, &actor.token, err);
        else if (str_equal(item.text, S("clock")))
            read = read_text(&scan, &clock, err);
        else
            read = json_scan_skip(&scan, item, err);
        if (!read) return false;
    }
    if (!json_scan_next(&scan, &item, err)) return false;
    if (!actor.person.len) return err_at(err, ERR_MALFORMED, 0, "expected a person in \"actor\"");
    actor.clock_is_set = str_equal(clock, S("set"));
    *out = actor;
    return true;
}

bool actor_of_entry(str body, struct arena *arena, struct actor *out, str *data, struct err *err)
{
    struct json_scan scan = json_scan_of(body, 0, arena);
    struct json_scan_item item;
    str parts[2] = {{0}, {0}};
    if (!json_scan_next(&scan, &item, err)) return false;
    if (item.kind != JSON_SCAN_OBJECT)
        return err_at(err, ERR_MALFORMED, item.offset, "expected an entry as an object");
    for (;;) {
        if (!json_scan_next(&scan, &item, err)) return false;
        if (item.kind == JSON_SCAN_OBJECT_END) break;
        bool is_actor = str_equal(item.text, S("actor"));
        bool is_data = str_equal(item.text, S("data"));
        size_t start = scan.at;
        if (!json_scan_skip(&scan, item, err)) return false;
        str value = str_trim(str_head(str_tail(body, start), scan.at - start));
        if (value.len && value.ptr[0] == ':') value = str_trim(str_tail(value, 1));
        if ((is_actor || is_data) && parts[is_data].len)
            return err_at(err, ERR_MALFORMED, item.offset, "expected each member once");
        if (is_actor || is_data) parts[is_data] = value;
    }
    if (!json_scan_next(&scan, &item, err)) return false;
    if (!parts[0].len || !parts[1].len)
        return err_at(err, ERR_MALFORMED, 0, "expected the members \"actor\" and \"data\"");
    if (parts[1].ptr[0] != '{')
        return err_at(err, ERR_MALFORMED, (uint64_t)(parts[1].ptr - body.ptr),
                      "expected \"data\" as an object");
    if (!actor_read(parts[0], arena, out, err)) {
        err->offset += (uint64_t)(parts[0].ptr - body.ptr);
        return false;
    }
    *data = parts[1];
    return true;
}
