/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/people_change.h"

#include "base/instant.h"
#include "base/json_scan.h"

static void write_text(struct json *json, const char *key, str value)
{
    if (value.len) json_member_str(json, str_of(key), value);
}

static void write_lists(struct json *json, const struct people_change *change)
{
    if (change->has_roles) {
        json_key(json, S("roles"));
        json_array(json);
        for (unsigned i = 0; i < PERSON_ROLE_COUNT; i++)
            if (change->roles & 1u << i) json_str(json, actor_role_text((enum person_role)i));
        json_array_end(json);
    }
    if (change->has_accounts) {
        json_key(json, S("accounts"));
        json_array(json);
        for (size_t i = 0; i < change->n_accounts; i++)
            json_str(json, change->accounts[i]);
        json_array_end(json);
    }
}

str people_change_json(const struct people_change *change, struct arena *arena)
{
    struct buf out = buf_in(arena);
    struct json json = json_to(&out);
    json_object(&json);
    write_text(&json, "user", change->user);
    write_text(&json, "token", change->token);
    write_text(&json, "name", change->name);
    write_lists(&json, change);
    if (change->has_disabled) json_member_bool(&json, S("disabled"), change->disabled);
    if (change->expires_us) {
        json_key(&json, S("expires"));
        json_instant(&json, change->expires_us);
    }
    write_text(&json, "credential", change->credential);
    write_text(&json, "kind", change->kind);
    write_text(&json, "why", change->why);
    json_object_end(&json);
    return buf_text(&out);
}

/* ---- Reading ------------------------------------------------------------------------------------
 */

struct reading {
    struct json_scan scan;
    struct arena *arena;
    struct err *err;
    struct people_change change;
};

static bool expected(struct reading *r, uint64_t offset, const char *what)
{
    return err_at(r->err, ERR_MALFORMED, offset, "expected %s", what);
}

static bool read_text(struct reading *r, str *out)
{
    struct json_scan_item item;
    if (!json_scan_next(&r->scan, &item, r->err)) return false;
    if (item.kind != JSON_SCAN_STRING) return expected(r, item.offset, "a text");
    *out = item.text;
    return true;
}

static bool read_truth(struct reading *r, bool *out)
{
    struct json_scan_item item;
    if (!json_scan_next(&r->scan, &item, r->err)) return false;
    if (item.kind != JSON_SCAN_TRUE && item.kind != JSON_SCAN_FALSE)
        return expected(r, item.offset, "true or false");
    *out = item.kind == JSON_SCAN_TRUE;
    return true;
}

static bool read_instant(struct reading *r, int64_t *out)
{
    struct json_scan_item item;
    if (!json_scan_next(&r->scan, &item, r->err)) return false;
    if (item.kind != JSON_SCAN_STRING || !instant_parse(item.text, out) || *out <= 0)
        return expected(r, item.offset, "an instant");
    return true;
}

/* A list of texts. */
static bool read_list(struct reading *r, const str **out, size_t *n, uint64_t *offset)
{
    struct json_scan_item item;
    str *list = NULL;
    size_t room = 0;
    *n = 0;
    if (!json_scan_next(&r->scan, &item, r->err)) return false;
    *offset = item.offset;
    if (item.kind != JSON_SCAN_ARRAY) return expected(r, item.offset, "a list of texts");
    for (;;) {
        if (!json_scan_next(&r->scan, &item, r->err)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) break;
        if (item.kind != JSON_SCAN_STRING) return expected(r, item.offset, "a text");
        arena_grow(r->arena, list, *n, room);
        list[(*n)++] = item.text;
    }
    *out = list;
    return true;
}

static bool read_roles(struct reading *r)
{
    const str *list = NULL;
    uint64_t offset = 0;
    size_t n = 0;
    if (!read_list(r, &list, &n, &offset)) return false;
    r->change.has_roles = true;
    r->change.roles = 0;
    for (size_t i = 0; i < n; i++) {
        enum person_role role;
        if (!actor_role_of(list[i], &role)) return expected(r, offset, "roles of people");
        r->change.roles |= (uint8_t)(1u << role);
    }
    return true;
}

static bool read_accounts(struct reading *r)
{
    uint64_t offset = 0;
    r->change.has_accounts = true;
    return read_list(r, &r->change.accounts, &r->change.n_accounts, &offset);
}

static bool read_disabled(struct reading *r)
{
    r->change.has_disabled = true;
    return read_truth(r, &r->change.disabled);
}

static bool read_member(struct reading *r, struct json_scan_item key)
{
    struct people_change *change = &r->change;
    const struct {
        str key;
        str *text;
    } texts[] = {
        {S("credential"), &change->credential},
        {S("user"),       &change->user      },
        {S("token"),      &change->token     },
        {S("name"),       &change->name      },
        {S("kind"),       &change->kind      },
        {S("why"),        &change->why       },
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (str_equal(key.text, texts[i].key)) return read_text(r, texts[i].text);
    if (str_equal(key.text, S("roles"))) return read_roles(r);
    if (str_equal(key.text, S("accounts"))) return read_accounts(r);
    if (str_equal(key.text, S("disabled"))) return read_disabled(r);
    if (str_equal(key.text, S("expires"))) return read_instant(r, &change->expires_us);
    return json_scan_skip(&r->scan, key, r->err);
}

bool people_change_read(str data, struct arena *arena, struct people_change *out, struct err *err)
{
    struct reading r = {.scan = json_scan_of(data, 0, arena), .arena = arena, .err = err};
    struct json_scan_item item;
    if (!json_scan_next(&r.scan, &item, err)) return false;
    if (item.kind != JSON_SCAN_OBJECT) return expected(&r, item.offset, "an object");
    for (;;) {
        if (!json_scan_next(&r.scan, &item, err)) return false;
        if (item.kind == JSON_SCAN_OBJECT_END) break;
        if (!read_member(&r, item)) return false;
    }
    if (!json_scan_next(&r.scan, &item, err)) return false;
    *out = r.change;
    return true;
}
