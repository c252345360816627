/* SPDX-License-Identifier: Apache-2.0 */
/* What the policy asks of exceptions (`governance:`; docs/governance.md): how long they may live,
 * how many people approve them, when they are looked at again. A policy without the section has the
 * defaults.
 *
 *   governance:
 *     require-login: false     # true: an account of the operating system alone approves nothing
 *     maximum-life: 90d        # of an exception, from its start
 *     break-glass-life: 8h     # of one made with --break-glass
 *     review: 30d              # the longest between two looks at one
 *     approvers: 1             # at least one; never the requester or the owner
 *     approvers-at-risk: 2     # where a reason of `risk` holds
 *     risk: {host-pairs: 16}   # more address pairs than that are a risk; so are an untrusted
 *                              # segment, a host that needs SMB 1, and `internet`, always
 */
#pragma once

#include "policy/reading.h"

struct governance {
    bool is_given; /* the section is there */
    bool require_login;
    uint64_t maximum_life_s, break_glass_life_s, review_s;
    uint64_t approvers, approvers_at_risk;
    uint64_t risk_host_pairs;
};

/* What holds without a section: false, 90 d, 8 h, 30 d, 1, 2, 16. */
struct governance governance_default(void);
/* The policy's; the defaults of one without the section. */
struct governance governance_of(const struct policy *policy);

/* The reader of the key for policy/policy.c; `into` is the policy. */
void governance_read(struct reading *r, const struct node *value, void *into, const void *about);

/* "90d", "8h", "2d 12h": as the policy would have it. */
str governance_duration_text(uint64_t duration_s, struct arena *arena);
