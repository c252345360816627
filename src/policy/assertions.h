/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold. A reader for the tables of policy/policy.c; `into` is the policy. */
#pragma once

#include "policy/reading.h"

void assertions_read(struct reading *r, const struct node *value, void *into, const void *about);
