/* SPDX-License-Identifier: Apache-2.0 */
/* What is allowed, inside and at the network's edge. Readers for the tables of policy/policy.c;
 * `into` is the policy.
 */
#pragma once

#include "policy/reading.h"

void entries_read_allow(struct reading *r, const struct node *value, void *into, const void *about);
void entries_read_perimeter(struct reading *r, const struct node *value, void *into,
                            const void *about);

/* The keys `service` and `secure` of an entry, for tables of what has an entry's keys; `into` is
 * the struct entry, `about` of secure is entries_secure_choices. */
void entries_read_services(struct reading *r, const struct node *value, void *into,
                           const void *about);
void entries_read_secure(struct reading *r, const struct node *value, void *into,
                         const void *about);
extern const struct choices entries_secure_choices;
