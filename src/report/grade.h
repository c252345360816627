/* SPDX-License-Identifier: Apache-2.0 */
/* The grade of a report (docs/reports.md): five parts, each a share with its numerator and
 * denominator, weighted and added. What is not known counts against. Integer arithmetic throughout:
 * the same evidence gives the same grade everywhere.
 */
#pragma once

#include "report/figures.h"

/* Id, title, weight of 100, what the share is of. */
#define GRADE_PARTS(X)                                                                             \
    X(EXPOSURE, "exposure", "Exposure", 30,                                                        \
      "pairs of machine and server that are shut, or open and used")                               \
    X(ENFORCEMENT, "enforcement", "Enforcement", 25,                                               \
      "managed machines whose own log shows the firewall")                                         \
    X(HARDENING, "hardening", "Hardening", 20, "settings of the baseline known to hold")           \
    X(EXCEPTIONS, "exceptions", "Exceptions", 15, "with an owner, reviewed, gone when they end")   \
    X(COVERAGE, "coverage", "Evidence", 10, "machines that show their own side")

enum grade_part_id {
#define X(id, name, title, weight, text) GRADE_##id,
    GRADE_PARTS(X)
#undef X
        GRADE_PART_COUNT
};

struct grade_part {
    uint64_t have, all;
    uint32_t points; /* tenths: weight × 10 × have / all, rounded down */
    str says;        /* why it is not more; empty = it is all of it */
};

struct grade {
    struct grade_part parts[GRADE_PART_COUNT];
    uint32_t score; /* tenths of a point, 0 to 1000 */
    char letter;    /* 'A' to 'F' */
};

struct grade grade_of(const struct figures *figures, struct arena *arena);
char grade_letter(uint32_t score);
str grade_part_name(enum grade_part_id part);
str grade_part_title(enum grade_part_id part);
str grade_part_text(enum grade_part_id part);
uint32_t grade_part_weight(enum grade_part_id part);
