/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/assertions.h"

#include "policy/items.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static void read_assertion_services(struct reading *r, const struct node *value, void *into,
                                    const void *about)
{
    struct assertion *assertion = into;
    (void)about;
    items_read_services(r, value, false, &assertion->services, &assertion->n_services);
}

#define AT(member) offsetof(struct assertion, member)
static const struct key assertion_except_keys[] = {
    {T("from"), OPTIONAL, items_read, AT(except_from), NULL},
    {T("to"),   OPTIONAL, items_read, AT(except_to),   NULL},
};
static const struct keys assertion_except_map = {T("except"), assertion_except_keys,
                                                 COUNT_OF(assertion_except_keys)};

static const struct key assertion_keys[] = {
    {T("from"),    COMPULSORY, items_read,              AT(from), NULL                 },
    {T("to"),      COMPULSORY, items_read,              AT(to),   NULL                 },
    {T("service"), COMPULSORY, read_assertion_services, 0,        NULL                 },
    {T("except"),  OPTIONAL,   reading_keys,            0,        &assertion_except_map},
};
#undef AT
static const struct keys assertion_map = {T("an assertion"), assertion_keys,
                                          COUNT_OF(assertion_keys)};

/* A key's value as it reads in one line: a word, or "[a, b]". */
static void print_value(struct buf *out, const struct node *map, str name)
{
    for (size_t i = 0; i < map->n; i++) {
        const struct node *value = &map->items[2 * i + 1];
        if (!str_equal(map->items[2 * i].text, name)) continue;
        if (value->kind == NODE_TEXT) buf_str(out, value->text);
        if (value->kind != NODE_LIST) return;
        for (size_t j = 0; j < value->n; j++) {
            buf_str(out, j ? S(", ") : S("["));
            buf_str(out, value->items[j].text);
        }
        buf_str(out, value->n ? S("]") : S("[]"));
        return;
    }
}

/* "never clients -> servers smb except from [10.0.0.1]" */
static str assertion_text(struct reading *r, str kind, const struct node *body,
                          const struct assertion *assertion)
{
    struct buf out = buf_in(r->arena);
    buf_str(&out, kind);
    buf_char(&out, ' ');
    print_value(&out, body, S("from"));
    buf_str(&out, S(" -> "));
    print_value(&out, body, S("to"));
    buf_char(&out, ' ');
    print_value(&out, body, S("service"));
    const struct node *except = reading_value(body, S("except"));
    if (!except || except->kind != NODE_MAP) return buf_text(&out);
    buf_str(&out, S(" except"));
    if (assertion->except_from.given) {
        buf_str(&out, S(" from "));
        print_value(&out, except, S("from"));
    }
    if (assertion->except_to.given) {
        buf_str(&out, S(" to "));
        print_value(&out, except, S("to"));
    }
    return buf_text(&out);
}

static void read_assertion(struct reading *r, const struct node *item, struct assertion *out)
{
    static const str kinds[] = {T("never"), T("always"), T("only")};
    out->place = item->place;
    if (item->kind != NODE_MAP || item->n != 1) {
        reading_error(r, "value", item->place,
                      "expected one of never, always, only with its from, to and service, found "
                      "%.*s%s",
                      STR_ARG(reading_found(r, item)),
                      item->kind == NODE_MAP ? " of another size than one" : "");
        return;
    }
    const struct node *key = &item->items[0], *body = &item->items[1];
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (!str_equal(key->text, kinds[i])) continue;
        out->kind = ASSERT_NEVER;
        if (i == 1) out->kind = ASSERT_ALWAYS;
        if (i == 2) out->kind = ASSERT_ONLY;
        if (reading_map(r, body, &assertion_map, out))
            out->text = assertion_text(r, kinds[i], body, out);
        return;
    }
    str hint = diagnostics_suggest(r->arena, key->text, kinds, COUNT_OF(kinds));
    reading_error(r, "unknown-key", key->place,
                  "expected one of never, always, only, found %.*s%.*s",
                  STR_ARG(diagnostics_quote(r->arena, key->text)), STR_ARG(hint));
}

void assertions_read(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct policy *policy = into;
    const struct node *items = NULL;
    size_t n = 0;
    (void)about;
    if (!reading_list(r, value, "assertions", &items, &n)) return;
    struct assertion *assertions = arena_array(r->arena, struct assertion, n);
    for (size_t i = 0; i < n; i++)
        read_assertion(r, &items[i], &assertions[i]);
    policy->assertions = assertions;
    policy->n_assertions = n;
}
