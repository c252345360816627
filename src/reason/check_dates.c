/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/check_dates.h"

#include "base/instant.h"
#include "policy/diagnostics.h"
#include "policy/exceptions.h"
#include "policy/hardening.h"

static void check_exceptions(const struct resolved *resolved, struct arena *arena,
                             struct diagnostics *found)
{
    const struct policy *policy = resolved->policy;
    int64_t soon = resolved->as_of_us + CHECK_ENDS_WITHIN_DAYS * INSTANT_DAY;
    const struct source_text *file = found->file;
    for (size_t i = 0; i < policy->n_exceptions; i++) {
        const struct exception *e = &policy->exceptions[i];
        enum exception_life life = exception_life(e, resolved->as_of_us);
        str label = exception_text(e, arena);
        found->file = e->file;
        if (life == EXCEPTION_EXPIRED)
            diagnostics_warn(found, arena, S("exception-expired"), e->entry.place,
                             "the %.*s has ended: it opens nothing any more", STR_ARG(label));
        else if (life == EXCEPTION_ALIVE && e->expires_us <= soon)
            diagnostics_warn(found, arena, S("exception-ends"), e->entry.place,
                             "the %.*s ends within %d days: renew it or let its users know",
                             STR_ARG(label), CHECK_ENDS_WITHIN_DAYS);
    }
    found->file = file;
}

static void check_overrides(const struct resolved *resolved, struct arena *arena,
                            struct diagnostics *found)
{
    const struct policy *policy = resolved->policy;
    int64_t soon = resolved->as_of_us + CHECK_ENDS_WITHIN_DAYS * INSTANT_DAY;
    for (size_t i = 0; i < policy->n_overrides; i++) {
        const struct harden_override *o = &policy->overrides[i];
        if (resolved->as_of_us >= o->expires_us)
            diagnostics_warn(
                found, arena, S("exception-expired"), o->place,
                "the override of the baseline until %.*s has ended: the baseline holds "
                "again",
                STR_ARG(o->expires));
        else if (o->expires_us <= soon)
            diagnostics_warn(found, arena, S("exception-ends"), o->place,
                             "the override of the baseline until %.*s ends within %d days",
                             STR_ARG(o->expires), CHECK_ENDS_WITHIN_DAYS);
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The last eight digits in a row that are a date; false when the name has none. */
static bool date_of_name(str name, struct civil *out)
{
    enum { DIGITS = 8 };
    for (size_t left = name.len < DIGITS ? 0 : name.len - DIGITS + 1; left > 0; left--) {
        size_t i = left - 1, n = 0;
        while (n < DIGITS && is_digit(name.ptr[i + n]))
            n++;
        if (n < DIGITS || (i && is_digit(name.ptr[i - 1])) ||
            (i + DIGITS < name.len && is_digit(name.ptr[i + DIGITS])))
            continue;
        char text[] = {name.ptr[i],
                       name.ptr[i + 1],
                       name.ptr[i + 2],
                       name.ptr[i + 3],
                       '-',
                       name.ptr[i + 4],
                       name.ptr[i + 5],
                       '-',
                       name.ptr[i + 6],
                       name.ptr[i + 7]};
        if (instant_parse_date((str){text, sizeof text}, out)) return true;
    }
    return false;
}

static void check_tags(const struct resolved *resolved, const struct service_tag *tags, size_t n,
                       struct arena *arena, struct diagnostics *found)
{
    for (size_t i = 0; i < n; i++) {
        const struct host_lookup *lookup = resolved->lookup;
        struct civil date;
        int64_t day_us = 0;
        bool by_name = date_of_name(tags[i].file, &date);
        if (by_name) day_us = instant_from_civil(date);
        bool by_file = !by_name && lookup && lookup->service_tag_day &&
                       lookup->service_tag_day(lookup->to, tags[i].file, &day_us);
        if (!by_name && !by_file) {
            diagnostics_warn(found, arena, S("undecidable"), tags[i].place,
                             "how old the ranges of %.*s are is undecidable: the name of %.*s has "
                             "no date like 20261102",
                             STR_ARG(diagnostics_quote(arena, tags[i].tag)),
                             STR_ARG(diagnostics_quote(arena, tags[i].file)));
            continue;
        }
        int64_t age_us = resolved->as_of_us - day_us;
        if (age_us <= CHECK_RANGES_DAYS * INSTANT_DAY) continue;
        diagnostics_warn(found, arena, S("stale-ranges"), tags[i].place,
                         "the ranges of %.*s are %" PRId64 " days old by the %s %.*s, more "
                         "than %d: fetch them anew",
                         STR_ARG(diagnostics_quote(arena, tags[i].tag)), age_us / INSTANT_DAY,
                         by_name ? "name of" : "day in",
                         STR_ARG(diagnostics_quote(arena, tags[i].file)), CHECK_RANGES_DAYS);
    }
}

void check_dates(const struct resolved *resolved, struct arena *arena, struct diagnostics *found)
{
    check_exceptions(resolved, arena, found);
    check_overrides(resolved, arena, found);
    for (size_t i = 0; i < resolved->n_perimeter; i++) {
        const struct perimeter_entry *entry = resolved->perimeter[i].entry;
        check_tags(resolved, entry->from_tags, entry->n_from_tags, arena, found);
        check_tags(resolved, entry->to_tags, entry->n_to_tags, arena, found);
    }
}
