/* SPDX-License-Identifier: Apache-2.0 */
/* Which machines are known, and how long each shows its own side: silence tells something only
 * where somebody listened.
 */
#pragma once

#include "base/prefix_set.h"
#include "matrix/view.h"

struct use_evidence_end {
    struct addr addr;
    /* Its own log, or packets of it: from the first to the last, and how much of that is covered.
     * covered_us 0 = nothing shows its own side. */
    int64_t from_us, to_us, covered_us;
};

struct use_evidence {
    const struct use_evidence_end *ends; /* known addresses, ascending */
    size_t n;
};

/* matrix : NULL = nobody is known */
struct use_evidence use_evidence_of(const struct matrix_view *matrix, struct arena *arena,
                                    struct arena scratch);
/* The index of the first that is not below an address. */
size_t use_evidence_from(const struct use_evidence *evidence, struct addr a);
