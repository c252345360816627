/* SPDX-License-Identifier: Apache-2.0 */
/* `audit --quarterly`: baseline, assertions, exceptions, reviews, drift, coverage and ledger in one
 * statement, compared with the quarter before and kept for the next.
 */
#pragma once

#include "cli/command.h"
#include "cli/report_gather.h"

/* call : of `audit`, whose table has the rows of reports. The exit status. */
int audit_quarter_run(struct invocation *call);
/* What the audit kind of a report has besides: sets all->report.audit. False: *status, and it is
 * said. */
MUST_USE bool audit_quarter_page(struct invocation *call, struct report_gather *all, int *status);
