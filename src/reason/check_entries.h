/* SPDX-License-Identifier: Apache-2.0 */
/* What an admin should know of the entries of a policy, from the policy alone. */
#pragma once

#include "policy/resolve.h"

/* Warnings: entries that can never match, that the others cover, whose exceptions others undo, or
 * whose peers can't authenticate. In the order of the file. */
void check_entries(const struct resolved *resolved, struct arena *arena, struct arena scratch,
                   struct diagnostics *found);
