/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/entries.h"

#include "policy/items.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* ---- Allow entries ------------------------------------------------------------------------------
 */

void entries_read_services(struct reading *r, const struct node *value, void *into,
                           const void *about)
{
    struct entry *entry = into;
    (void)about;
    items_read_services(r, value, true, &entry->services, &entry->n_services);
}

static const str secures[] = {
#define X(name, text) T(text),
    SECURES(X)
#undef X
};
const struct choices entries_secure_choices = {secures, COUNT_OF(secures)};

static void read_computers(struct reading *r, const struct node *value, void *into,
                           const void *about)
{
    struct entry *entry = into;
    const struct node *items = NULL;
    size_t n = 0;
    (void)about;
    if (!reading_items(r, value, "AD groups or SIDs", false, &items, &n)) return;
    str *computers = arena_array(r->arena, str, n);
    for (size_t i = 0; i < n; i++)
        reading_text(r, &items[i], &computers[i], NULL);
    entry->secure_computers = computers;
    entry->n_secure_computers = n;
}

static const struct key secure_keys[] = {
    {T("by"), COMPULSORY, reading_choice, offsetof(struct entry, secure), &entries_secure_choices},
    {T("computers"),       OPTIONAL,    read_computers,    0,        NULL          },
};
static const struct keys secure_map = {T("secure"), secure_keys, COUNT_OF(secure_keys)};

void entries_read_secure(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct entry *entry = into;
    if (value->kind != NODE_MAP) {
        reading_choice(r, value, &entry->secure, about);
        return;
    }
    (void)reading_map(r, value, &secure_map, entry);
    if (entry->secure == SECURE_NONE && entry->n_secure_computers)
        reading_error(r, "conflict", value->place,
                      "computers are named, but nothing authenticates them: expected by: kerberos "
                      "or certificate");
}

#define AT(member) offsetof(struct entry, member)
static const struct key except_keys[] = {
    {T("from"), OPTIONAL, items_read, AT(except_from), NULL},
    {T("to"),   OPTIONAL, items_read, AT(except_to),   NULL},
};
static const struct keys except_map = {T("except"), except_keys, COUNT_OF(except_keys)};

static const struct key entry_keys[] = {
    {T("name"),    OPTIONAL,   reading_text,          AT(name), NULL                   },
    {T("from"),    COMPULSORY, items_read,            AT(from), NULL                   },
    {T("to"),      COMPULSORY, items_read,            AT(to),   NULL                   },
    {T("service"), COMPULSORY, entries_read_services, 0,        NULL                   },
    {T("secure"),  OPTIONAL,   entries_read_secure,   0,        &entries_secure_choices},
    {T("except"),  OPTIONAL,   reading_keys,          0,        &except_map            },
};
#undef AT
static const struct keys entry_map = {T("an allow entry"), entry_keys, COUNT_OF(entry_keys)};

void entries_read_allow(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct policy *policy = into;
    const struct node *items = NULL;
    size_t n = 0;
    (void)about;
    if (!reading_list(r, value, "allow entries", &items, &n)) return;
    struct entry *entries = arena_array(r->arena, struct entry, n);
    for (size_t i = 0; i < n; i++) {
        entries[i].place = items[i].place;
        (void)reading_map(r, &items[i], &entry_map, &entries[i]);
    }
    policy->allow = entries;
    policy->n_allow = n;
}

/* ---- Perimeter ----------------------------------------------------------------------------------
 */

static const struct key tag_keys[] = {
    {T("service-tag"), COMPULSORY, reading_text, offsetof(struct service_tag, tag),  NULL},
    {T("file"),        COMPULSORY, reading_text, offsetof(struct service_tag, file), NULL},
};
static const struct keys tag_map = {T("a service tag"), tag_keys, COUNT_OF(tag_keys)};

/* One end of a perimeter entry: selectors and service tags apart. */
static void read_edge(struct reading *r, const struct node *value, struct selectors *out,
                      const struct service_tag **tags_out, size_t *n_tags)
{
    const struct node *items = NULL;
    size_t n = 0;
    out->given = true;
    if (!reading_items(r, value, "addresses, prefixes or service tags", true, &items, &n)) return;
    struct selector *list = arena_array(r->arena, struct selector, n);
    struct service_tag *tags = arena_array(r->arena, struct service_tag, n);
    for (size_t i = 0; i < n; i++) {
        if (items[i].kind != NODE_MAP) {
            if (items_read_one(r, &items[i], &list[out->n])) out->n++;
            continue;
        }
        struct service_tag *tag = &tags[*n_tags];
        *tag = (struct service_tag){.place = items[i].place};
        if (reading_map(r, &items[i], &tag_map, tag)) ++*n_tags;
    }
    out->items = list;
    *tags_out = tags;
}

static void read_edge_from(struct reading *r, const struct node *value, void *into,
                           const void *about)
{
    struct perimeter_entry *entry = into;
    (void)about;
    read_edge(r, value, &entry->from, &entry->from_tags, &entry->n_from_tags);
}

static void read_edge_to(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct perimeter_entry *entry = into;
    (void)about;
    read_edge(r, value, &entry->to, &entry->to_tags, &entry->n_to_tags);
}

static void read_edge_services(struct reading *r, const struct node *value, void *into,
                               const void *about)
{
    struct perimeter_entry *entry = into;
    (void)about;
    items_read_services(r, value, true, &entry->services, &entry->n_services);
}

static const str direction_words[] = {T("outbound"), T("inbound")};
static const struct choices direction_choices = {direction_words, COUNT_OF(direction_words)};

static const struct key perimeter_keys[] = {
    {T("name"),          OPTIONAL, reading_text,    offsetof(struct perimeter_entry, name),                           NULL},
    {T("direction"),                  COMPULSORY,             reading_choice, offsetof(struct perimeter_entry,      direction),
     &direction_choices},
    {T("from"), COMPULSORY,         read_edge_from,                0,                                     NULL                                             },
    {T("to"),              COMPULSORY,                      read_edge_to,                               0,   NULL},
    {T("service"),              COMPULSORY,                      read_edge_services,                          0,                                NULL                                                                    },
};
static const struct keys perimeter_map = {T("a perimeter entry"), perimeter_keys,
                                          COUNT_OF(perimeter_keys)};

/* Exactly one end is the internet: the server of an outbound entry, the client of an inbound one.
 */
static void check_inner_end(struct reading *r, const struct perimeter_entry *entry)
{
    bool outbound = entry->direction == DIRECTION_OUTBOUND;
    const struct selectors *inner = outbound ? &entry->from : &entry->to;
    const struct service_tag *tags = outbound ? entry->from_tags : entry->to_tags;
    size_t n_tags = outbound ? entry->n_from_tags : entry->n_to_tags;
    const char *end = outbound ? "from of an outbound" : "to of an inbound";
    for (size_t i = 0; i < inner->n; i++)
        if (inner->items[i].kind == SELECT_BUILTIN && inner->items[i].index == BUILTIN_INTERNET)
            diagnostics_warn(r->found, r->arena, S("value"), inner->items[i].place,
                             "the %s perimeter entry is the inner end, where \"internet\" means "
                             "nothing",
                             end);
    for (size_t i = 0; i < n_tags; i++)
        reading_error(r, "value", tags[i].place,
                      "the %s perimeter entry is the inner end, expected segments, groups or "
                      "addresses inside, found a service tag",
                      end);
}

void entries_read_perimeter(struct reading *r, const struct node *value, void *into,
                            const void *about)
{
    struct policy *policy = into;
    const struct node *items = NULL;
    size_t n = 0;
    (void)about;
    policy->has_perimeter = true;
    if (!reading_list(r, value, "perimeter entries", &items, &n)) return;
    struct perimeter_entry *entries = arena_array(r->arena, struct perimeter_entry, n);
    for (size_t i = 0; i < n; i++) {
        size_t errors = r->found->n_errors;
        entries[i].place = items[i].place;
        (void)reading_map(r, &items[i], &perimeter_map, &entries[i]);
        if (r->found->n_errors == errors) check_inner_end(r, &entries[i]);
    }
    policy->perimeter = entries;
    policy->n_perimeter = n;
}
