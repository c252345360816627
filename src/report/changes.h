/* SPDX-License-Identifier: Apache-2.0 */
/* What changed since an earlier report: told by the ledger and the matrix themselves, so that
 * nothing has to be remembered of the report but its time and its figures.
 */
#pragma once

#include "report/host_names.h"
#include "report/report.h"

struct report_change {
    int64_t at_us;
    str what; /* "exception ended", "new flow" */
    str of;   /* "EX-7", "WS0417 → FS01: smb" */
    str more;
    bool is_flow;
};

/* Oldest first. A flow is new when it was first seen since then, gone when it was in use in as long
 * a time before and was not seen since. */
const struct report_change *changes_of(const struct report *report, const struct host_names *names,
                                       struct arena *arena, size_t *n);
