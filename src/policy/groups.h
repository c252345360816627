/* SPDX-License-Identifier: Apache-2.0 */
/* Machines by role. A reader for the tables of policy/policy.c; `into` is the policy. */
#pragma once

#include "policy/reading.h"

void groups_read(struct reading *r, const struct node *value, void *into, const void *about);
/* A host may be called like a segment or group, but more likely the set was meant. To be called
 * when all names are known. */
void groups_warn_of_names(struct reading *r);
