/* SPDX-License-Identifier: Apache-2.0 */
#include "report/grade.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* clang-format off */
static const struct {
    str name, title, text;
    uint32_t weight;
} parts[GRADE_PART_COUNT] = {
#define X(id, name, title, weight, text) {T(name), T(title), T(text), weight},
    GRADE_PARTS(X)
#undef X
};
/* clang-format on */

str grade_part_name(enum grade_part_id part)
{
    return parts[part].name;
}

str grade_part_title(enum grade_part_id part)
{
    return parts[part].title;
}

str grade_part_text(enum grade_part_id part)
{
    return parts[part].text;
}

uint32_t grade_part_weight(enum grade_part_id part)
{
    return parts[part].weight;
}

/* From the least score of each letter on. */
char grade_letter(uint32_t score)
{
    static const struct {
        uint32_t least;
        char letter;
    } steps[] = {
        {900, 'A'},
        {750, 'B'},
        {600, 'C'},
        {450, 'D'},
        {300, 'E'},
        {0,   'F'},
    };
    size_t i = 0;
    while (score < steps[i].least)
        i++;
    return steps[i].letter;
}

static struct grade_part exposure(const struct figures *f, struct arena *arena)
{
    struct grade_part part = {.have = f->pairs - f->pairs_open + f->pairs_used, .all = f->pairs};
    if (!f->pairs)
        part.says = S("no pair is known: nobody was seen to serve SMB");
    else if (!f->has_policy)
        part.says = S("there is no policy: every pair counts as open");
    else if (f->pairs_open > f->pairs_used)
        part.says = str_format(arena, "%" PRIu64 " are open and were never used",
                               f->pairs_open - f->pairs_used);
    return part;
}

static struct grade_part enforcement(const struct figures *f, struct arena *arena)
{
    struct grade_part part = {.have = f->enforcing, .all = f->managed};
    if (!f->has_policy)
        part.says = S("there is no policy to enforce");
    else if (!f->managed)
        part.says = S("no machine is known that should enforce it");
    else if (f->enforcing < f->managed)
        part.says = str_format(arena, "nothing shows it of %" PRIu64, f->managed - f->enforcing);
    return part;
}

static struct grade_part hardening(const struct figures *f, struct arena *arena)
{
    struct grade_part part = {.have = f->settings_ok, .all = f->settings};
    if (!f->has_settings || !f->settings)
        part.says = S("nothing tells how machines are set up");
    else if (f->settings_ok < f->settings)
        part.says =
            str_format(arena, "%" PRIu64 " differ, %" PRIu64 " are not known", f->settings_differ,
                       f->settings - f->settings_ok - f->settings_differ);
    return part;
}

/* Those in force, and those that are dead and still carried. */
static struct grade_part exceptions(const struct figures *f, struct arena *arena)
{
    struct grade_part part = {.have = f->exceptions_in_order,
                              .all = f->exceptions + f->exceptions_carried};
    if (!f->has_ledger) {
        part.have = 0;
        part.all = part.all ? part.all : 1;
        part.says = S("no ledger shows who approved what");
    } else if (!part.all)
        part.have = part.all = 1; /* none to be out of order */
    else if (part.have < part.all)
        part.says = str_format(arena,
                               "%" PRIu64 " overdue for review, %" PRIu64
                               " without an owner, %" PRIu64 " ended and still carried",
                               f->living_overdue, f->living_orphaned, f->exceptions_carried);
    return part;
}

static struct grade_part coverage(const struct figures *f, struct arena *arena)
{
    struct grade_part part = {.have = f->machines_seen, .all = f->machines};
    if (!f->machines)
        part.says = S("no machine is known");
    else if (f->machines_seen < f->machines)
        part.says = str_format(arena, "%" PRIu64 " do not", f->machines - f->machines_seen);
    return part;
}

struct grade grade_of(const struct figures *figures, struct arena *arena)
{
    struct grade grade = {
        .parts = {
                  [GRADE_EXPOSURE] = exposure(figures, arena),
                  [GRADE_ENFORCEMENT] = enforcement(figures, arena),
                  [GRADE_HARDENING] = hardening(figures, arena),
                  [GRADE_EXCEPTIONS] = exceptions(figures, arena),
                  [GRADE_COVERAGE] = coverage(figures, arena),
                  }
    };
    for (unsigned i = 0; i < GRADE_PART_COUNT; i++) {
        struct grade_part *part = &grade.parts[i];
        uint64_t tenths = (uint64_t)parts[i].weight * 10;
        if (part->all) part->points = (uint32_t)(tenths * part->have / part->all);
        grade.score += part->points;
    }
    grade.letter = grade_letter(grade.score);
    return grade;
}
