/* SPDX-License-Identifier: Apache-2.0 */
/* From flows and verdicts to the picture of who uses whom: which machines are its rows and columns,
 * and what each cell says.
 */
#pragma once

#include "report/host_names.h"
#include "report/report.h"

void drawing_write(struct buf *out, const struct report *report, const struct host_names *names,
                   struct arena *arena, struct arena scratch);
