/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/exceptions.h"

#include "policy/entries.h"
#include "policy/items.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

enum exception_life exception_life(const struct exception *exception, int64_t at_us)
{
    if (at_us < exception->starts_us) return EXCEPTION_NOT_STARTED;
    return at_us < exception->expires_us ? EXCEPTION_ALIVE : EXCEPTION_EXPIRED;
}

str exception_life_text(enum exception_life life)
{
    static const str texts[] = {T("not-started"), T("alive"), T("expired")};
    return texts[life];
}

str exception_text(const struct exception *exception, struct arena *arena)
{
    return str_format(arena, "exception %.*s%sof %.*s until %.*s", STR_ARG(exception->id),
                      exception->id.len ? " " : "", STR_ARG(exception->owner),
                      STR_ARG(exception->expires));
}

/* ---- Times --------------------------------------------------------------------------------------
 */

/* An exception in the making, with the time zone of its dates: a reader knows only what it fills.
 */
struct record {
    struct exception exception;
    const struct zone *zone;
};

static struct civil next_day(struct civil date)
{
    return instant_to_civil(instant_from_civil(date) + INSTANT_DAY);
}

static bool read_time(struct reading *r, const struct node *value, const struct zone *zone,
                      bool is_end, int64_t *out_us, str *out_text)
{
    static const struct civil last = {.year = 9999, .month = 12, .day = 31};
    struct civil date;
    if (value->kind == NODE_TEXT) {
        *out_text = value->text;
        if (instant_parse(value->text, out_us)) return true;
        if (instant_parse_date(value->text, &date)) {
            bool at_the_end = instant_from_civil(date) == instant_from_civil(last);
            *out_us = zone_to_utc(zone, is_end && !at_the_end ? next_day(date) : date);
            return true;
        }
    }
    reading_error(r, "value", value->place,
                  "expected a date or an RFC 3339 instant such as 2026-11-21T08:00:00Z, found %.*s",
                  STR_ARG(reading_found(r, value)));
    return false;
}

static void read_starts(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct record *record = into;
    struct exception *e = &record->exception;
    (void)about;
    (void)read_time(r, value, record->zone, false, &e->starts_us, &e->starts);
}

static void read_expires(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct record *record = into;
    struct exception *e = &record->exception;
    (void)about;
    (void)read_time(r, value, record->zone, true, &e->expires_us, &e->expires);
}

/* ---- People -------------------------------------------------------------------------------------
 */

static bool same_person(str a, str b)
{
    return str_equal_nocase(str_trim(a), str_trim(b));
}

static void read_approvers(struct reading *r, const struct node *value, void *into,
                           const void *about)
{
    struct record *record = into;
    const struct node *items = NULL;
    size_t n = 0;
    (void)about;
    if (!reading_items(r, value, "people", false, &items, &n)) return;
    if (!n)
        reading_error(r, "value", value->place, "expected who approved it, found an empty list");
    str *approvers = arena_array(r->arena, str, n);
    for (size_t i = 0; i < n; i++) {
        reading_text(r, &items[i], &approvers[i], NULL);
        for (size_t j = 0; j < i; j++)
            if (approvers[i].len && same_person(approvers[i], approvers[j]))
                reading_error(r, "conflict", items[i].place, "%.*s approves it twice",
                              STR_ARG(diagnostics_quote(r->arena, approvers[i])));
    }
    record->exception.approvers = approvers;
    record->exception.n_approvers = n;
}

/* ---- Records ------------------------------------------------------------------------------------
 */

#define AT(member)       offsetof(struct record, exception.member)
#define AT_ENTRY(member) offsetof(struct record, exception.entry.member)
static const struct key exception_keys[] = {
    {T("id"),       OPTIONAL,   reading_text,          AT(id),         NULL                   },
    {T("name"),     OPTIONAL,   reading_text,          AT_ENTRY(name), NULL                   },
    {T("from"),     COMPULSORY, items_read,            AT_ENTRY(from), NULL                   },
    {T("to"),       COMPULSORY, items_read,            AT_ENTRY(to),   NULL                   },
    {T("service"),  COMPULSORY, entries_read_services, AT(entry),      NULL                   },
    {T("secure"),   OPTIONAL,   entries_read_secure,   AT(entry),      &entries_secure_choices},
    {T("owner"),    COMPULSORY, reading_text,          AT(owner),      NULL                   },
    {T("deputy"),   OPTIONAL,   reading_text,          AT(deputy),     NULL                   },
    {T("reason"),   COMPULSORY, reading_text,          AT(reason),     NULL                   },
    {T("approver"), COMPULSORY, read_approvers,        0,              NULL                   },
    {T("ticket"),   OPTIONAL,   reading_text,          AT(ticket),     NULL                   },
    {T("starts"),   OPTIONAL,   read_starts,           0,              NULL                   },
    {T("expires"),  COMPULSORY, read_expires,          0,              NULL                   },
};
#undef AT
#undef AT_ENTRY
static const struct keys exception_map = {T("an exception"), exception_keys,
                                          COUNT_OF(exception_keys)};

struct records {
    const struct source_text *file;
    const struct zone *zone;
    struct map ids; /* to the index of the exception */
    struct exception *items;
    size_t n;
};

/* What no key alone can tell. */
static void check_exception(struct reading *r, struct records *all, size_t index)
{
    const struct exception *e = &all->items[index];
    struct place place = e->entry.place;
    bool fresh = true;
    for (size_t i = 0; i < e->n_approvers; i++)
        if (e->approvers[i].len && same_person(e->approvers[i], e->owner))
            reading_error(r, "conflict", place,
                          "its owner %.*s can't approve it; expected somebody else",
                          STR_ARG(diagnostics_quote(r->arena, e->owner)));
    if (e->starts.len && e->expires.len && e->starts_us >= e->expires_us)
        reading_error(r, "conflict", place,
                      "it expires at %.*s, which is not after its start, %.*s", STR_ARG(e->expires),
                      STR_ARG(e->starts));
    if (!e->id.len) return;
    uint64_t first = *map_put(&all->ids, r->arena, e->id, index, &fresh);
    if (!fresh)
        reading_error(
            r, "conflict", place, "the exception %.*s is given twice, first in line %" PRIu32,
            STR_ARG(diagnostics_quote(r->arena, e->id)), all->items[first].entry.place.line);
}

static void read_exceptions(struct reading *r, const struct node *value, void *into,
                            const void *about)
{
    struct records *all = into;
    const struct node *items = NULL;
    size_t n = 0;
    (void)about;
    if (!reading_list(r, value, "exceptions", &items, &n)) return;
    all->items = arena_array(r->arena, struct exception, n);
    all->n = n;
    for (size_t i = 0; i < n; i++) {
        struct record record = {
            .exception = {.entry = {.place = items[i].place},
                          .file = all->file,
                          .starts_us = INT64_MIN},
            .zone = all->zone,
        };
        size_t errors = r->found->n_errors;
        (void)reading_map(r, &items[i], &exception_map, &record);
        all->items[i] = record.exception;
        if (r->found->n_errors == errors) check_exception(r, all, i);
    }
}

static const struct key file_keys[] = {
    {T("exceptions"), COMPULSORY, read_exceptions, 0, NULL},
};
static const struct keys file_map = {T("a file of exceptions"), file_keys, COUNT_OF(file_keys)};

bool exceptions_parse(const struct source_text *file, const struct policy *policy,
                      const struct zone *zone, struct arena *arena, const struct exception **out,
                      size_t *n_out, struct diagnostics *found)
{
    size_t first = found->n, errors_before = found->n_errors;
    struct arena tree = arena_open("exceptions tree", 0, NULL);
    struct records all = {.file = file, .zone = zone};
    struct reading r = reading_of_policy(policy, arena, found);
    struct node root;
    found->file = file;
    if (document_parse(file->text, arena, &tree, &root, found))
        (void)reading_map(&r, &root, &file_map, &all);
    found->file = NULL;
    arena_close(&tree);
    diagnostics_sort(found, first, arena);
    if (found->n_errors > errors_before) return false;
    *out = all.items;
    *n_out = all.n;
    return true;
}
