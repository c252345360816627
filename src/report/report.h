/* SPDX-License-Identifier: Apache-2.0 */
/* The reports: what they are made of, and the page of each kind as one HTML file that asks the
 * network for nothing. Coverage and blind spots come before any conclusion.
 */
#pragma once

#include "matrix/roles.h"
#include "reason/cures.h"
#include "report/brand.h"
#include "report/past.h"
#include "report/sheet.h"

/* Name, how its title begins, its body in report/pages. */
#define REPORT_KINDS(X)                                                                            \
    X(TECHNICAL, "technical", "SMB in", pages_technical)                                           \
    X(EXECUTIVE, "executive", "SMB at a glance:", pages_executive)                                 \
    X(EXCEPTIONS, "exceptions", "SMB exceptions of", pages_exceptions)                             \
    X(AUDIT, "audit", "SMB audit of", pages_audit)                                                 \
    X(CLIENT, "client", "Monthly SMB report for", pages_client)

enum report_kind {
#define X(name, text, title, page) REPORT_##name,
    REPORT_KINDS(X)
#undef X
        REPORT_KIND_COUNT
};

enum report_effort { REPORT_SMALL, REPORT_MEDIUM, REPORT_LARGE };

/* What to do next. */
struct report_action {
    unsigned urgency; /* the larger the sooner */
    str what, why;
    str command; /* empty = none */
    enum report_effort effort;
    str effort_why;
};

struct report {
    enum report_kind kind;
    str organisation;
    int64_t as_of_us;
    const struct matrix_view *matrix;
    const struct view_labels *labels;
    const struct hosts_view *hosts;
    const struct share_view *shares;
    size_t n_shares;
    const struct policy *policy;         /* NULL: none; then there is no simulation */
    const struct simulation *simulation; /* NULL without a policy */
    const struct cures *cures;           /* of the last ring; NULL without a policy */
    const str *unused;                   /* allow entries that nobody used, each a sentence */
    size_t n_unused;
    const struct figures *figures;
    const struct grade *grade;
    const struct exception_register *exceptions;
    const struct past *past;
    const struct past_report *previous; /* what it is compared with; NULL = the first one */
    int64_t since_us;                   /* of what changed; INT64_MIN = there is nothing before */
    const struct brand *brand;          /* NULL = none */
    /* What the audit kind has besides; NULL = nothing. */
    void (*audit)(void *to, struct buf *out, struct arena scratch);
    void *audit_to;
    /* Made by report_prepare. */
    const struct report_action *actions;
    size_t n_actions;
    const struct sheets *sheets;
};

str report_kind_text(enum report_kind kind);
/* REPORT_KIND_COUNT = there is none of that name. */
enum report_kind report_kind_of(str text);
str report_effort_text(enum report_effort effort);
/* "SMB in Contoso" */
str report_title(const struct report *report, struct arena *arena);

/* The actions and the tables.
 *
 * whole : the tables get the rows, too, that no page shows */
void report_prepare(struct report *report, bool whole, struct arena *arena, struct arena scratch);
void report_write(struct buf *out, const struct report *report, struct arena scratch);
/* The same as one object (docs/json.md).
 *
 * path, page_bytes : of the page that was written */
void report_json(struct buf *out, const struct report *report, str path, uint64_t page_bytes);
