/* SPDX-License-Identifier: Apache-2.0 */
/* In which order machines receive the policy. A reader for the tables of policy/policy.c; `into` is
 * the policy.
 */
#pragma once

#include "policy/reading.h"

void rings_read(struct reading *r, const struct node *value, void *into, const void *about);
