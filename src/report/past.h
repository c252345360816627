/* SPDX-License-Identifier: Apache-2.0 */
/* What earlier reports said, from the `reported` entries of the ledger: the trend, and what the
 * present one is compared with.
 */
#pragma once

#include "ledger/entry_text.h"
#include "report/grade.h"

struct past_report {
    int64_t at_us;    /* when it was written */
    int64_t as_of_us; /* what it answered for */
    uint64_t entry;
    str kind;          /* "technical" */
    uint32_t score;    /* tenths */
    uint64_t *figures; /* in the order of figures_rows; UINT64_MAX = it did not say */
};

/* A policy that was seen, by its hash. */
struct past_policy {
    int64_t at_us;
    uint64_t entry;
    str digest, source;
};

struct past {
    struct past_report *reports; /* oldest first */
    size_t n, room;
    struct past_policy *policies;
    size_t n_policies, policies_room;
};

/* Takes one entry of a ledger; what is no `reported` or `policy-seen` one, or does not read as one,
 * is passed over. */
void past_add(struct past *past, const struct ledger_entry *entry, struct arena *arena);
/* The last report that answered for a time at or before; NULL = there is none. */
const struct past_report *past_at(const struct past *past, int64_t as_of_us);

/* What `reported` says: {"report","page","as-of","grade","score","figures":{...}}. */
str past_entry(str kind, str page_sha256, int64_t as_of_us, const struct figures *figures,
               const struct grade *grade, struct arena *arena);
/* The score over time as a small SVG, the present one last. Nothing when it is the first. */
void past_draw(struct buf *out, const struct past *past, int64_t as_of_us, uint32_t score,
               struct arena scratch);
