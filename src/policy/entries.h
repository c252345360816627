/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a policy that speak of segments and groups: allow entries, the perimeter, rings and
 * assertions. Readers for the tables of policy/policy.c; `into` is the policy.
 */
#pragma once

#include "policy/reading.h"

void entries_read_allow(struct reading *r, const struct node *value, void *into, const void *about);
void entries_read_perimeter(struct reading *r, const struct node *value, void *into,
                            const void *about);
void entries_read_rings(struct reading *r, const struct node *value, void *into, const void *about);
void entries_read_assert(struct reading *r, const struct node *value, void *into,
                         const void *about);

/* A service or a list of them, as indices into the policy's services. must_be_governed: an
 * ungoverned one is an error. */
void entries_read_services(struct reading *r, const struct node *value, bool must_be_governed,
                           const size_t **out, size_t *n_out);
