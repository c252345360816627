/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/exception_entry.h"

#include "base/instant.h"
#include "base/json_scan.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* ---- Members ------------------------------------------------------------------------------------
 */

enum member_type {
    MEMBER_TEXT,
    MEMBER_INSTANT, /* RFC 3339; `seen` is the flag that it was there */
    MEMBER_COUNT,
    MEMBER_FLAG,
    MEMBER_TEXTS, /* `seen` is where their number is */
    MEMBER_SCOPE,
    MEMBER_OBJECT, /* as written */
    MEMBER_GOVERNANCE,
};

/* In the order of writing; `kinds` are those of entries that have it. */
struct data_member {
    str name;
    enum member_type type;
    bool compulsory; /* written even when it is zero */
    uint32_t kinds;
    size_t at, seen;
};

#define K(kind)    (UINT32_C(1) << LEDGER_##kind)
#define ASKED      (K(REQUESTED) | K(AMENDMENT))
#define AT(member) offsetof(struct exception_entry, member)
static const struct data_member members[] = {
    {T("ask"),         MEMBER_TEXT,       false, K(AMENDMENT),                                      AT(ask),         0                 },
    {T("scope"),       MEMBER_SCOPE,      false, ASKED,                                             AT(scope),       0                 },
    {T("owner"),       MEMBER_TEXT,       false, K(REQUESTED) | K(TRANSFERRED),                     AT(owner),       0                 },
    {T("deputy"),      MEMBER_TEXT,       false, K(REQUESTED) | K(TRANSFERRED),                     AT(deputy),      0                 },
    {T("request"),     MEMBER_COUNT,      true,  K(APPROVED) | K(REJECTED),                         AT(request),     0                 },
    {T("decision"),    MEMBER_TEXT,       false, K(REVIEWED),                                       AT(decision),    0                 },
    {T("review"),      MEMBER_TEXT,       false, K(REVIEWED),                                       AT(review),      0                 },
    {T("decided-by"),  MEMBER_TEXT,       false, K(REVIEWED),                                       AT(decided_by),  0                 },
    {T("reason"),      MEMBER_TEXT,       false, ASKED | K(REJECTED) | K(REVOKED) | K(TRANSFERRED), AT(reason),
     0                                                                                                                                 },
    {T("ticket"),      MEMBER_TEXT,       false, K(REQUESTED),                                      AT(ticket),      0                 },
    {T("risk-note"),   MEMBER_TEXT,       false, K(REQUESTED),                                      AT(risk_note),   0                 },
    {T("control"),     MEMBER_TEXT,       false, K(REQUESTED),                                      AT(control),     0                 },
    {T("starts"),      MEMBER_TEXT,       false, K(REQUESTED),                                      AT(starts),      0                 },
    {T("expires"),     MEMBER_TEXT,       false, ASKED,                                             AT(expires),     0                 },
    {T("starts-at"),   MEMBER_INSTANT,    false, K(REQUESTED),                                      AT(starts_us),   AT(has_starts_at) },
    {T("expires-at"),  MEMBER_INSTANT,    false, ASKED,                                             AT(expires_us),  AT(has_expires_at)},
    {T("review-days"), MEMBER_COUNT,      true,  K(REQUESTED),                                      AT(review_days), 0                 },
    {T("break-glass"), MEMBER_FLAG,       true,  K(REQUESTED),                                      AT(break_glass), 0                 },
    {T("needed"),      MEMBER_COUNT,      true,  ASKED | K(APPROVED),                               AT(needed),      0                 },
    {T("risks"),       MEMBER_TEXTS,      true,  ASKED,                                             AT(risks),       AT(n_risks)       },
    {T("effect"),      MEMBER_OBJECT,     false, ASKED | K(APPROVED),                               AT(effect),      0                 },
    {T("policy"),      MEMBER_TEXT,       false, ASKED | K(APPROVED),                               AT(policy),      0                 },
    {T("note"),        MEMBER_TEXT,       false, K(APPROVED) | K(REVIEWED),                         AT(note),        0                 },
    {T("sha256"),      MEMBER_TEXT,       false, K(POLICY),                                         AT(sha256),      0                 },
    {T("source"),      MEMBER_TEXT,       false, K(POLICY),                                         AT(source),      0                 },
    {T("governance"),  MEMBER_GOVERNANCE, true,  K(POLICY),                                         AT(governance),  0                 },
};
#undef AT
static_assert(COUNT_OF(members) <= 64, "those seen are bits of one word");

/* What holds of exceptions, in seconds: a policy's "90d" is what a person writes. */
#define AT(member) offsetof(struct governance, member)
static const struct {
    str name;
    bool is_flag;
    size_t at;
} governance_members[] = {
    {T("given"),              true,  AT(is_given)          },
    {T("require-login"),      true,  AT(require_login)     },
    {T("maximum-life-s"),     false, AT(maximum_life_s)    },
    {T("break-glass-life-s"), false, AT(break_glass_life_s)},
    {T("review-s"),           false, AT(review_s)          },
    {T("approvers"),          false, AT(approvers)         },
    {T("approvers-at-risk"),  false, AT(approvers_at_risk) },
    {T("risk-host-pairs"),    false, AT(risk_host_pairs)   },
};
#undef AT

/* ---- Reading ------------------------------------------------------------------------------------
 */

/* Of one object that is being read: where its text begins is known for slices of it. */
struct object {
    struct json_scan scan;
    struct json_scan_item item; /* the last one */
    struct arena *arena;
};

static bool wrong_type(const struct object *o, str name, const char *expected, struct err *err)
{
    return err_at(err, ERR_MALFORMED, o->item.offset, "expected %s as %.*s", expected,
                  STR_ARG(name));
}

static bool next(struct object *o, struct err *err)
{
    return json_scan_next(&o->scan, &o->item, err);
}

static bool read_text(struct object *o, str name, str *out, struct err *err)
{
    if (!next(o, err)) return false;
    if (o->item.kind != JSON_SCAN_STRING) return wrong_type(o, name, "a text", err);
    *out = o->item.text;
    return true;
}

static bool read_count(struct object *o, str name, uint64_t *out, struct err *err)
{
    if (!next(o, err)) return false;
    if (o->item.kind != JSON_SCAN_NUMBER || !str_u64(o->item.text, INT64_MAX, out))
        return wrong_type(o, name, "a whole number", err);
    return true;
}

static bool read_flag(struct object *o, str name, bool *out, struct err *err)
{
    if (!next(o, err)) return false;
    bool truth = o->item.kind == JSON_SCAN_TRUE;
    if (!truth && o->item.kind != JSON_SCAN_FALSE) return wrong_type(o, name, "true or false", err);
    *out = truth;
    return true;
}

static bool read_texts(struct object *o, str name, const str **out, size_t *n_out, struct err *err)
{
    str *texts = NULL;
    size_t n = 0, room = 0;
    if (!next(o, err)) return false;
    if (o->item.kind != JSON_SCAN_ARRAY) return wrong_type(o, name, "a list of texts", err);
    for (;;) {
        if (!next(o, err)) return false;
        if (o->item.kind == JSON_SCAN_ARRAY_END) break;
        if (o->item.kind != JSON_SCAN_STRING) return wrong_type(o, name, "a list of texts", err);
        arena_grow(o->arena, texts, n, room);
        texts[n++] = o->item.text;
    }
    *out = texts;
    *n_out = n;
    return true;
}

/* An object as it is written. */
static bool read_object(struct object *o, str name, str *out, struct err *err)
{
    if (!next(o, err)) return false;
    if (o->item.kind != JSON_SCAN_OBJECT) return wrong_type(o, name, "an object", err);
    size_t from = (size_t)(o->item.offset - o->scan.offset);
    if (!json_scan_skip(&o->scan, o->item, err)) return false;
    *out = str_head(str_tail(o->scan.text, from), o->scan.at - from);
    return true;
}

static bool twice(const struct object *o, struct err *err)
{
    return err_at(err, ERR_MALFORMED, o->item.offset, "the member %.*s is there twice",
                  STR_ARG(o->item.text));
}

static bool read_governance_member(struct object *o, size_t i, struct governance *out,
                                   struct err *err)
{
    char *at = (char *)out + governance_members[i].at;
    if (governance_members[i].is_flag)
        return read_flag(o, governance_members[i].name, (bool *)at, err);
    return read_count(o, governance_members[i].name, (uint64_t *)at, err);
}

/* What it does not say is as a policy without the section has it. */
static bool read_governance(struct object *o, str name, struct governance *out, struct err *err)
{
    uint64_t seen = 0;
    *out = governance_default();
    if (!next(o, err)) return false;
    if (o->item.kind != JSON_SCAN_OBJECT) return wrong_type(o, name, "an object", err);
    for (;;) {
        size_t i = 0;
        if (!next(o, err)) return false;
        if (o->item.kind == JSON_SCAN_OBJECT_END) return true;
        while (i < COUNT_OF(governance_members) &&
               !str_equal(governance_members[i].name, o->item.text))
            i++;
        if (i == COUNT_OF(governance_members)) {
            if (!json_scan_skip(&o->scan, o->item, err)) return false;
            continue;
        }
        if (seen >> i & 1) return twice(o, err);
        seen |= UINT64_C(1) << i;
        if (!read_governance_member(o, i, out, err)) return false;
    }
}

/* Taken apart and put together again: nothing else gets on from here. */
static bool read_scope(struct object *o, str name, str *out, struct err *err)
{
    struct scope_words scope;
    str text;
    uint64_t from = 0;
    if (!read_object(o, name, &text, err)) return false;
    from = o->scan.offset + (uint64_t)(text.ptr - o->scan.text.ptr);
    if (!exception_entry_scope_read(text, o->arena, &scope, err)) {
        err->offset += from;
        return false;
    }
    *out = exception_entry_scope_json(&scope, o->arena);
    return true;
}

static bool read_member(struct object *o, const struct data_member *m, struct exception_entry *out,
                        struct err *err)
{
    char *at = (char *)out + m->at, *seen = (char *)out + m->seen;
    str text = {0};
    switch (m->type) {
    case MEMBER_TEXT:
        return read_text(o, m->name, (str *)(void *)at, err);
    case MEMBER_COUNT:
        return read_count(o, m->name, (uint64_t *)(void *)at, err);
    case MEMBER_FLAG:
        return read_flag(o, m->name, (bool *)at, err);
    case MEMBER_TEXTS:
        return read_texts(o, m->name, (const str **)(void *)at, (size_t *)(void *)seen, err);
    case MEMBER_SCOPE:
        return read_scope(o, m->name, (str *)(void *)at, err);
    case MEMBER_OBJECT:
        return read_object(o, m->name, (str *)(void *)at, err);
    case MEMBER_GOVERNANCE:
        return read_governance(o, m->name, (struct governance *)(void *)at, err);
    case MEMBER_INSTANT:
        break;
    }
    if (!read_text(o, m->name, &text, err)) return false;
    if (!instant_parse(text, (int64_t *)(void *)at))
        return wrong_type(o, m->name, "an RFC 3339 instant", err);
    *(bool *)seen = true;
    return true;
}

static size_t find_member(enum ledger_kind kind, str name)
{
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if ((members[i].kinds >> kind & 1) && str_equal(members[i].name, name)) return i;
    return SIZE_MAX;
}

static bool read_data(str data, uint64_t offset, struct arena *arena, struct exception_entry *out,
                      struct err *err)
{
    struct object o = {.scan = json_scan_of(data, offset, arena), .arena = arena};
    uint64_t seen = 0;
    if (!next(&o, err)) return false;
    if (o.item.kind != JSON_SCAN_OBJECT) return wrong_type(&o, S("data"), "an object", err);
    for (;;) {
        if (!next(&o, err)) return false;
        if (o.item.kind == JSON_SCAN_OBJECT_END) return true;
        size_t i = find_member(out->kind, o.item.text);
        if (i == SIZE_MAX) {
            if (!json_scan_skip(&o.scan, o.item, err)) return false;
            continue;
        }
        if (seen >> i & 1) return twice(&o, err);
        seen |= UINT64_C(1) << i;
        if (!read_member(&o, &members[i], out, err)) return false;
    }
}

bool exception_entry_read(const struct ledger_entry *entry, struct arena *arena,
                          struct exception_entry *out, struct err *err)
{
    /* What is read points into it. */
    str body = str_copy(arena, entry->body), data = {0};
    struct exception_entry e = {
        .kind = entry->kind,
        .number = entry->number,
        .time_us = entry->time_us,
        .subject = str_copy(arena, entry->subject),
        .governance = governance_default(),
    };
    assert(EXCEPTION_ENTRY_KINDS >> entry->kind & 1);
    if (!actor_of_entry(body, arena, &e.by, &data, err)) return false;
    if (!read_data(data, (uint64_t)(data.ptr - body.ptr), arena, &e, err)) return false;
    *out = e;
    return true;
}

/* ---- Writing ------------------------------------------------------------------------------------
 */

static void write_texts(struct json *json, const str *texts, size_t n)
{
    json_array(json);
    for (size_t i = 0; i < n; i++)
        json_str(json, texts[i]);
    json_array_end(json);
}

/* An object that is JSON already, behind its key. */
static void write_object(struct json *json, str text)
{
    json->after_key = false;
    buf_str(json->out, text);
}

static void write_governance(struct json *json, const struct governance *g)
{
    json_object(json);
    for (size_t i = 0; i < COUNT_OF(governance_members); i++) {
        const char *at = (const char *)g + governance_members[i].at;
        if (governance_members[i].is_flag)
            json_member_bool(json, governance_members[i].name, *(const bool *)at);
        else
            json_member_u64(json, governance_members[i].name, *(const uint64_t *)(const void *)at);
    }
    json_object_end(json);
}

static void write_member(struct json *json, const struct data_member *m,
                         const struct exception_entry *entry)
{
    const char *at = (const char *)entry + m->at, *seen = (const char *)entry + m->seen;
    const void *value = at, *extra = seen;
    str text = {0};
    switch (m->type) {
    case MEMBER_TEXT:
    case MEMBER_SCOPE:
    case MEMBER_OBJECT:
        text = *(const str *)value;
        if (!text.len && !m->compulsory) return;
        json_key(json, m->name);
        if (m->type == MEMBER_TEXT)
            json_str(json, text);
        else
            write_object(json, text);
        return;
    case MEMBER_COUNT:
        json_member_u64(json, m->name, *(const uint64_t *)value);
        return;
    case MEMBER_FLAG:
        json_member_bool(json, m->name, *(const bool *)value);
        return;
    case MEMBER_TEXTS:
        json_key(json, m->name);
        write_texts(json, *(const str *const *)value, *(const size_t *)extra);
        return;
    case MEMBER_GOVERNANCE:
        json_key(json, m->name);
        write_governance(json, value);
        return;
    case MEMBER_INSTANT:
        if (!*(const bool *)extra) return;
        json_key(json, m->name);
        json_instant(json, *(const int64_t *)value);
        return;
    }
}

str exception_entry_data(const struct exception_entry *entry, struct arena *arena)
{
    struct buf out = buf_in(arena);
    struct json json = json_to(&out);
    json_object(&json);
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (members[i].kinds >> entry->kind & 1) write_member(&json, &members[i], entry);
    json_object_end(&json);
    return buf_text(&out);
}

/* ---- Scopes -------------------------------------------------------------------------------------
 */

str exception_entry_scope_json(const struct scope_words *scope, struct arena *arena)
{
    struct buf out = buf_in(arena);
    struct json json = json_to(&out);
    json_object(&json);
    json_key(&json, S("from"));
    write_texts(&json, scope->from, scope->n_from);
    json_key(&json, S("to"));
    write_texts(&json, scope->to, scope->n_to);
    json_key(&json, S("service"));
    write_texts(&json, scope->service, scope->n_service);
    if (scope->secure.len) json_member_str(&json, S("secure"), scope->secure);
    if (scope->name.len) json_member_str(&json, S("name"), scope->name);
    json_object_end(&json);
    return buf_text(&out);
}

static bool read_scope_member(struct object *o, size_t i, struct scope_words *out, struct err *err)
{
    str name = o->item.text;
    switch (i) {
    case 0:
        return read_texts(o, name, &out->from, &out->n_from, err);
    case 1:
        return read_texts(o, name, &out->to, &out->n_to, err);
    case 2:
        return read_texts(o, name, &out->service, &out->n_service, err);
    case 3:
        return read_text(o, name, &out->secure, err);
    default:
        return read_text(o, name, &out->name, err);
    }
}

bool exception_entry_scope_read(str json, struct arena *arena, struct scope_words *out,
                                struct err *err)
{
    static const str names[] = {T("from"), T("to"), T("service"), T("secure"), T("name")};
    struct object o = {.scan = json_scan_of(json, 0, arena), .arena = arena};
    struct scope_words scope = {0};
    unsigned seen = 0;
    if (!next(&o, err)) return false;
    if (o.item.kind != JSON_SCAN_OBJECT) return wrong_type(&o, S("scope"), "an object", err);
    for (;;) {
        size_t i = 0;
        if (!next(&o, err)) return false;
        if (o.item.kind == JSON_SCAN_OBJECT_END) break;
        while (i < COUNT_OF(names) && !str_equal(names[i], o.item.text))
            i++;
        if (i == COUNT_OF(names))
            return err_at(err, ERR_MALFORMED, o.item.offset,
                          "expected from, to, service, secure or name in a scope, found %.*s",
                          STR_ARG(o.item.text));
        if (seen >> i & 1) return twice(&o, err);
        seen |= 1u << i;
        if (!read_scope_member(&o, i, &scope, err)) return false;
    }
    *out = scope;
    return true;
}

static void put_items(struct buf *out, const str *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i) buf_str(out, S(", "));
        buf_str(out, items[i]);
    }
    if (!n) buf_str(out, S("nobody"));
}

str exception_entry_scope_text(const struct scope_words *scope, struct arena *arena)
{
    struct buf out = buf_in(arena);
    put_items(&out, scope->from, scope->n_from);
    buf_str(&out, S(" → "));
    put_items(&out, scope->to, scope->n_to);
    buf_char(&out, ' ');
    put_items(&out, scope->service, scope->n_service);
    if (scope->secure.len) buf_format(&out, " (secure: %.*s)", STR_ARG(scope->secure));
    return buf_text(&out);
}
