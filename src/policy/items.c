/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/items.h"

/* ---- Services -----------------------------------------------------------------------------------
 */

static bool find_service(struct reading *r, const struct node *item, size_t *out)
{
    struct service_table table = r->policy->services;
    int index = item->kind == NODE_TEXT ? service_by_name(table, item->text) : SERVICE_NONE;
    if (index != SERVICE_NONE) {
        *out = (size_t)index;
        return true;
    }
    str *names = arena_array(r->arena, str, table.n);
    for (size_t i = 0; i < table.n; i++)
        names[i] = table.services[i].name;
    str hint = item->kind == NODE_TEXT ? diagnostics_suggest(r->arena, item->text, names, table.n)
                                       : (str){0};
    reading_error(r, "unknown-name", item->place,
                  "expected the name of a service, found %.*s, which is not defined%.*s",
                  STR_ARG(reading_found(r, item)), STR_ARG(hint));
    return false;
}

void items_read_services(struct reading *r, const struct node *value, bool must_be_governed,
                         const size_t **out, size_t *n_out)
{
    const struct node *items = NULL;
    size_t n = 0, kept = 0;
    if (!reading_items(r, value, "services", false, &items, &n)) return;
    size_t *services = arena_array(r->arena, size_t, n);
    bool seen[LIMIT_SERVICES] = {0};
    for (size_t i = 0; i < n; i++) {
        size_t service = 0;
        if (!find_service(r, &items[i], &service) || seen[service]) continue;
        seen[service] = true;
        services[kept++] = service;
        if (must_be_governed && !r->governed[service])
            reading_error(r, "conflict", items[i].place,
                          "the service \"%.*s\" is not governed, so no entry can speak of it; add "
                          "it to govern",
                          STR_ARG(items[i].text));
    }
    *out = services;
    *n_out = kept;
}

/* ---- Selectors ----------------------------------------------------------------------------------
 */

static void collect_words(struct reading *r)
{
    if (r->words) return;
    r->words = arena_array(r->arena, str, BUILTIN_COUNT + r->names.n);
    for (size_t i = 0; i < BUILTIN_ALL; i++)
        r->words[r->n_words++] = builtin_text((enum builtin)i);
    for (size_t i = 0; i < r->names.n; i++)
        r->words[r->n_words++] = r->names.entries[i].key;
}

str items_suggest(struct reading *r, str word, bool built_in_too)
{
    collect_words(r);
    size_t skip = built_in_too ? 0 : BUILTIN_ALL;
    return diagnostics_suggest(r->arena, word, r->words + skip, r->n_words - skip);
}

static void unknown_name(struct reading *r, const struct node *item)
{
    str hint = items_suggest(r, item->text, true);
    if (!hint.len && str_contains(item->text, S(".")))
        hint = S("; host names stand only in the hosts of a group");
    reading_error(r, "unknown-name", item->place,
                  "expected a segment, a group, a built-in set, an address or a prefix; %.*s is "
                  "not defined%.*s",
                  STR_ARG(diagnostics_quote(r->arena, item->text)), STR_ARG(hint));
}

/* The defined name of an item: segment or group. */
bool items_find(const struct reading *r, str name, struct selector *out)
{
    const uint64_t *found = map_find(&r->names, name);
    if (!found) return false;
    const struct named *named = &r->named[*found];
    out->kind = SELECT_GROUP;
    if (named->kind == NAMED_SEGMENT) out->kind = SELECT_SEGMENT;
    out->index = named->index;
    return true;
}

static bool find_builtin(str name, struct selector *out)
{
    for (size_t i = 0; i < BUILTIN_COUNT; i++)
        if (str_equal(name, builtin_text((enum builtin)i))) {
            out->kind = SELECT_BUILTIN;
            out->index = i;
            return true;
        }
    return false;
}

bool items_read_one(struct reading *r, const struct node *item, struct selector *out)
{
    *out = (struct selector){.place = item->place};
    if (item->kind != NODE_TEXT) {
        reading_error(r, "value", item->place,
                      "expected a segment, a group, a built-in set, an address or a prefix, found "
                      "%.*s%s",
                      STR_ARG(reading_found(r, item)),
                      item->kind == NODE_MAP ? " ({ad-group: NAME} stands only in the hosts of a "
                                               "group, {service-tag: NAME} only at the internet "
                                               "end of a perimeter entry)"
                                             : "");
        return false;
    }
    /* Names begin with a letter and hold neither '/' nor ':', so no name looks like an address. */
    if (reading_looks_like_address(item->text)) {
        out->kind = SELECT_PREFIX;
        return reading_prefix(r, item, &out->prefix);
    }
    if (items_find(r, item->text, out)) return true;
    if (find_builtin(item->text, out)) {
        if (out->index != BUILTIN_ALL) return true;
        reading_error(r, "value", item->place,
                      "\"all\" is the last ring's word; here \"any\" means every address but the "
                      "internet");
        return false;
    }
    unknown_name(r, item);
    return false;
}

void items_read(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct selectors *out = into;
    const struct node *items = NULL;
    size_t n = 0;
    (void)about;
    out->given = true;
    if (!reading_items(r, value, "segments, groups or addresses", true, &items, &n)) return;
    struct selector *list = arena_array(r->arena, struct selector, n);
    for (size_t i = 0; i < n; i++)
        if (items_read_one(r, &items[i], &list[out->n])) out->n++;
    out->items = list;
}
