/* SPDX-License-Identifier: Apache-2.0 */
/* Which entries the flows of the matrix used, and how much of them. */
#pragma once

#include "reason/check_evidence.h"

/* Adds `unused`, `wider-than-observed` and `undecidable`. */
void check_usage(const struct check_evidence *evidence, struct arena *arena, struct arena scratch,
                 struct diagnostics *found);
