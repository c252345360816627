/* SPDX-License-Identifier: Apache-2.0 */
/* The sheet of a review as a page without forms, to print and to tick: what is pending, then one
 * block per exception with its owner, scope, use and proposal, boxes, and a line to sign on.
 */
#pragma once

#include "base/buf.h"

struct review_sheet_row {
    str id, owner, deputy, requester;
    str scope, reason, ticket, control, risk; /* scope: in words */
    str expires;                              /* as given */
    int64_t expires_us;
    bool is_break_glass, is_over, is_orphaned;
    bool has_use;
    uint64_t connections;
    int64_t last_use_us; /* 0 = never */
    str proposal, because;
    str narrower; /* in words; empty = none */
    str line;     /* for policy.yaml; empty = none */
};

/* What waits for approval, and is not what the review is about. */
struct review_sheet_pending {
    str id, owner, what, expires;
    int64_t since_us;
    uint64_t given, needed; /* approvals */
};

struct review_sheet {
    str organisation, id, mark;
    int64_t started_us, due_us;
    const struct review_sheet_row *rows; /* break-glass ones first */
    size_t n;
    const struct review_sheet_pending *pending;
    size_t n_pending;
};

void review_sheet_write(struct buf *out, const struct review_sheet *sheet, struct arena *arena);
/* "2026-11-22 08:14 UTC" */
str review_sheet_minute(int64_t instant_us, struct arena *arena);
