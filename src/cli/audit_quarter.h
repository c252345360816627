/* SPDX-License-Identifier: Apache-2.0 */
/* `audit --quarterly`: baseline, assertions, exceptions, reviews, drift, coverage and ledger in one
 * statement, compared with the quarter before and kept for the next.
 */
#pragma once

#include "cli/command.h"

/* call : of `audit`, whose table has the rows of reports. The exit status. */
int audit_quarter_run(struct invocation *call);
