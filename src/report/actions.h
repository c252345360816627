/* SPDX-License-Identifier: Apache-2.0 */
/* What to do next, from everything that the program knows, the most urgent first, each with its
 * effort and the reason for it.
 */
#pragma once

#include "report/report.h"

const struct report_action *actions_of(const struct report *report, struct arena *arena, size_t *n);
