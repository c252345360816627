/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets in that nobody vouches for, and who is asked to authenticate without being made ready
 * for it: exact for all addresses, from the policy alone.
 */
#pragma once

#include "reason/reach.h"

/* Warnings, in no order: entries by which untrusted clients reach managed machines, machines that
 * they reach since nothing on the way enforces, and participants of secured entries that get no
 * connection security rule.
 *
 * reaches : of each entry */
void check_exposure(const struct resolved *resolved, const struct reach *reaches,
                    struct arena *arena, struct arena scratch, struct diagnostics *found);
