/* SPDX-License-Identifier: Apache-2.0 */
/* What machines are for the hardening baseline: of what kind, and which overrides of the policy
 * speak of them. Machines of one host class are alike in it.
 */
#pragma once

#include "policy/hardening.h"
#include "rules/decision.h"

struct hardened {
    enum harden_kind kind;
    uint64_t overrides; /* those alive that speak of it: bits, in the policy's order */
};

/* A baseline is named and its mode is not off. */
bool hardened_is_on(const struct policy *policy);
/* Per class of the decision's atoms, whether a baseline is on or not. */
const struct hardened *hardened_classes(const struct decision *decision, struct arena *arena,
                                        struct arena scratch);
/* What one machine is by what two of its addresses are: the weightier kind, every override. */
struct hardened hardened_both(struct hardened a, struct hardened b);

/* The same for addresses, with those of a machine that has several alike. */
struct hardened_ends;
const struct hardened_ends *hardened_ends_of(const struct decision *decision, struct arena *arena,
                                             struct arena scratch);
struct hardened hardened_at(const struct hardened_ends *ends, struct addr a);
