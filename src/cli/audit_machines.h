/* SPDX-License-Identifier: Apache-2.0 */
/* What `audit` knows of each machine: what flows and scans in the workspace showed, what collectors
 * and Registry.pol files say, and what the policy makes of it.
 */
#pragma once

#include "cli/command.h"
#include "harden/compare.h"

struct audit_machines {
    struct compare_machine *items; /* by name */
    size_t n;
    size_t n_silent; /* the policy manages them, and nothing tells of their settings */
    bool has_policy;
    struct policy policy; /* zero without one */
    str policy_source;
};

/* kind : of machines that no policy places; HARDEN_KIND_COUNT = by what their files say
 * status : what to end with when it is false; it is said on the talk stream then */
MUST_USE bool audit_machines_load(struct invocation *call, enum harden_kind kind,
                                  struct audit_machines *out, int *status);
