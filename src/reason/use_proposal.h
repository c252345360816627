/* SPDX-License-Identifier: Apache-2.0 */
/* What the use of an exception suggests, with the thresholds of docs/exception-use.md.
 */
#pragma once

#include "reason/exception_use.h"
#include "reason/reach.h"
#include "reason/use_evidence.h"

/* Both addresses; each pair once, in their order. */
struct use_pair {
    struct addr client, server;
};

enum {
    /* In force for so long altogether, or renewed so often: it is no exception any more. */
    USE_PROMOTE_DAYS = 180,
    USE_PROMOTE_RENEWALS = 3,
    /* A month counts as one it was in force in from so many days on. */
    USE_MONTH_DAYS = 7,
};

struct use_found {
    const struct resolved *resolved;
    const struct resolved_entry *entry;
    struct reach reach;
    const struct use_span *spans;
    size_t n_spans;
    uint64_t renewals, review_s;
    int64_t as_of_us;
    const struct use_evidence *evidence;
    const struct use_pair *pairs;
    size_t n_pairs;
    const uint8_t *months; /* of its life: 1 = used */
    size_t n_months;
    int32_t first_month; /* year * 12 + month - 1 */
};

/* Fills what the proposal stands on, and the proposal. */
void use_proposal_of(const struct use_found *found, struct exception_use *out, struct arena *arena,
                     struct arena scratch);
