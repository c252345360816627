/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/hardening.h"

#include "policy/items.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* What has a name: rows first, then what flows are judged by. */
static const struct {
    str name;
    enum harden_values values;
} words[HARDEN_ROW_COUNT + HARDEN_COUNT] = {
#define X(id, name, values) {T(name), HARDEN_VALUES_##values},
    HARDEN_ROWS(X) HARDEN_SETTINGS(X)
#undef X
};

str harden_kind_text(enum harden_kind kind)
{
    static const str texts[] = {
#define X(name, text) T(text),
        HARDEN_KINDS(X)
#undef X
    };
    assert((size_t)kind < COUNT_OF(texts));
    return texts[kind];
}

str harden_row_text(enum harden_row row)
{
    assert((size_t)row < HARDEN_ROW_COUNT);
    return words[row].name;
}

str harden_id_text(enum harden_id id)
{
    assert((size_t)id < HARDEN_COUNT);
    return words[HARDEN_ROW_COUNT + (size_t)id].name;
}

/* A date alone lasts until the midnight that ends it. */
static struct civil day_after(struct civil date)
{
    static const struct civil last = {.year = 9999, .month = 12, .day = 31};
    if (instant_from_civil(date) >= instant_from_civil(last)) return date;
    return instant_to_civil(instant_from_civil(date) + INSTANT_DAY);
}

/* ---- One override -------------------------------------------------------------------------------
 */

static void read_setting(struct reading *r, const struct node *value, void *into, const void *about)
{
    size_t *setting = into;
    (void)about;
    for (size_t i = 0; i < COUNT_OF(words) && value->kind == NODE_TEXT; i++)
        if (str_equal(value->text, words[i].name)) {
            *setting = i;
            return;
        }
    str names[COUNT_OF(words)];
    for (size_t i = 0; i < COUNT_OF(words); i++)
        names[i] = words[i].name;
    str hint = {0};
    if (value->kind == NODE_TEXT)
        hint = diagnostics_suggest(r->arena, value->text, names, COUNT_OF(names));
    reading_error(r, "unknown-name", value->place,
                  "expected a setting of the baseline (sallyport audit --baseline lists them), "
                  "found %.*s%.*s",
                  STR_ARG(reading_found(r, value)), STR_ARG(hint));
}

static const str kind_words[] = {
#define X(name, text) T(text),
    HARDEN_KINDS(X)
#undef X
};
static const struct choices kind_choices = {kind_words, COUNT_OF(kind_words)};

static void read_kind(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct harden_override *o = into;
    unsigned choice = 0;
    o->has_kind = true;
    reading_choice(r, value, &choice, about);
    o->kind = (enum harden_kind)choice;
}

/* Read when the whole override is known: what fits depends on the setting. */
static void keep_value(struct reading *r, const struct node *value, void *into, const void *about)
{
    (void)about;
    if (value->kind == NODE_TEXT)
        *(str *)into = value->text;
    else
        reading_error(r, "value", value->place, "expected on, off, leave or a value, found %.*s",
                      STR_ARG(reading_found(r, value)));
}

/* Names only: what a policy has no name for is no class of machines. */
static void read_for(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct selectors *out = into;
    const struct node *items = NULL;
    size_t n = 0;
    (void)about;
    out->given = true;
    if (!reading_items(r, value, "segments or groups", false, &items, &n)) return;
    struct selector *list = arena_array(r->arena, struct selector, n);
    for (size_t i = 0; i < n; i++) {
        bool is_text = items[i].kind == NODE_TEXT;
        list[out->n].place = items[i].place;
        if (is_text && items_find(r, items[i].text, &list[out->n])) {
            out->n++;
            continue;
        }
        str hint = is_text ? items_suggest(r, items[i].text, false) : (str){0};
        reading_error(r, "unknown-name", items[i].place,
                      "expected the name of a segment or a group, found %.*s%.*s",
                      STR_ARG(reading_found(r, &items[i])), STR_ARG(hint));
    }
    out->items = list;
}

static void read_expires(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct harden_override *o = into;
    struct civil date;
    (void)about;
    if (value->kind == NODE_TEXT) {
        o->expires = value->text;
        if (instant_parse(value->text, &o->expires_us)) return;
        if (instant_parse_date(value->text, &date)) {
            o->expires_is_date = true;
            o->expires_us = instant_from_civil(day_after(date));
            return;
        }
    }
    reading_error(r, "value", value->place,
                  "expected a date or an RFC 3339 instant such as 2026-11-21T08:00:00Z, found %.*s",
                  STR_ARG(reading_found(r, value)));
}

#define AT(member) offsetof(struct harden_override, member)
static const struct key override_keys[] = {
    {T("setting"), COMPULSORY, read_setting, AT(setting),  NULL         },
    {T("for"),     OPTIONAL,   read_for,     AT(machines), NULL         },
    {T("kind"),    OPTIONAL,   read_kind,    0,            &kind_choices},
    {T("value"),   COMPULSORY, keep_value,   AT(value),    NULL         },
    {T("reason"),  COMPULSORY, reading_text, AT(reason),   NULL         },
    {T("expires"), OPTIONAL,   read_expires, 0,            NULL         },
};
#undef AT
static const struct keys override_map = {T("an override"), override_keys, COUNT_OF(override_keys)};

/* ---- Values -------------------------------------------------------------------------------------
 */

static bool dialect_number(str text, uint32_t *out)
{
    static const struct {
        str name;
        uint32_t number;
    } dialects[] = {
        {T("2.0.2"), 0x202},
        {T("2.1"),   0x210},
        {T("3.0"),   0x300},
        {T("3.0.2"), 0x302},
        {T("3.1.1"), 0x311},
    };
    for (size_t i = 0; i < COUNT_OF(dialects); i++)
        if (str_equal(text, dialects[i].name)) {
            *out = dialects[i].number;
            return true;
        }
    return false;
}

static bool number_of(enum harden_values values, str text, uint32_t *out)
{
    enum { MOST_MS = 10000, STEP_MS = 100, MOST_KB = 32767 };
    uint64_t number = 0;
    switch (values) {
    case HARDEN_VALUES_FLAG:
        return false;
    case HARDEN_VALUES_DIALECT:
        return dialect_number(text, out);
    case HARDEN_VALUES_MILLISECONDS:
        if (!str_u64(text, MOST_MS, &number) || number % STEP_MS) return false;
        break;
    case HARDEN_VALUES_KILOBYTES:
        if (!str_u64(text, MOST_KB, &number) || !number) return false;
        break;
    }
    *out = (uint32_t)number;
    return true;
}

static void read_value(struct reading *r, const struct node *node, struct harden_override *o)
{
    static const char *const expected[] = {
        [HARDEN_VALUES_FLAG] = "on, off or leave",
        [HARDEN_VALUES_DIALECT] = "on, off, leave, 2.0.2, 2.1, 3.0, 3.0.2 or 3.1.1",
        [HARDEN_VALUES_MILLISECONDS] = "on, off, leave, or 0 to 10000 in steps of 100",
        [HARDEN_VALUES_KILOBYTES] = "on, off, leave, or 1 to 32767 kilobytes",
    };
    static const str plain[] = {
        [HARDEN_TO_LEAVE] = T("leave"),
        [HARDEN_TO_ON] = T("on"),
        [HARDEN_TO_OFF] = T("off"),
    };
    const struct node *value = reading_value(node, S("value"));
    if (!value || value->kind != NODE_TEXT || o->setting == SIZE_MAX) return;
    for (size_t i = 0; i < COUNT_OF(plain); i++)
        if (str_equal(o->value, plain[i])) {
            o->to = (enum harden_to)i;
            return;
        }
    o->to = HARDEN_TO_NUMBER;
    if (number_of(words[o->setting].values, o->value, &o->number)) return;
    reading_error(r, "value", value->place, "expected %s for %.*s, found %.*s",
                  expected[words[o->setting].values], STR_ARG(words[o->setting].name),
                  STR_ARG(reading_found(r, value)));
}

/* ---- All of them --------------------------------------------------------------------------------
 */

void hardening_read_overrides(struct reading *r, const struct node *value, void *into,
                              const void *about)
{
    struct policy *policy = into;
    const struct node *items = NULL;
    size_t n = 0;
    (void)about;
    if (!reading_list(r, value, "overrides", &items, &n)) return;
    if (n > LIMIT_OVERRIDES) {
        reading_error(r, "value", items[LIMIT_OVERRIDES].place,
                      "expected at most %d overrides, found %zu", (int)LIMIT_OVERRIDES, n);
        return;
    }
    struct harden_override *overrides = arena_array(r->arena, struct harden_override, n + 1);
    for (size_t i = 0; i < n; i++) {
        overrides[i] = (struct harden_override){
            .place = items[i].place,
            .setting = SIZE_MAX,
            .expires_us = INT64_MAX,
        };
        if (reading_map(r, &items[i], &override_map, &overrides[i]))
            read_value(r, &items[i], &overrides[i]);
    }
    policy->overrides = overrides;
    policy->n_overrides = n;
}

bool hardening_has_dates(const struct policy *policy)
{
    for (size_t i = 0; i < policy->n_overrides; i++)
        if (policy->overrides[i].expires_is_date) return true;
    return false;
}

void hardening_zone(struct policy *policy, const struct zone *zone, struct arena *arena)
{
    size_t n = policy->n_overrides;
    struct harden_override *overrides = arena_array(arena, struct harden_override, n + 1);
    for (size_t i = 0; i < n; i++) {
        overrides[i] = policy->overrides[i];
        if (!overrides[i].expires_is_date) continue;
        struct civil date;
        bool is_date = instant_parse_date(overrides[i].expires, &date);
        assert(is_date && "read as one before");
        overrides[i].expires_us = zone_to_utc(zone, day_after(date));
    }
    policy->overrides = overrides;
}

uint64_t hardening_living(const struct policy *policy, int64_t at_us)
{
    uint64_t living = 0;
    for (size_t i = 0; i < policy->n_overrides; i++)
        if (at_us < policy->overrides[i].expires_us) living |= (uint64_t)1 << i;
    return living;
}
