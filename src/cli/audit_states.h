/* SPDX-License-Identifier: Apache-2.0 */
/* What `drift` says of the states that --state names, for the quarterly audit.
 */
#pragma once

#include "cli/command.h"
#include "report/audit_page.h"

struct audit_states {
    struct audit_state *items;
    size_t n, room;
    str *lingering; /* "EX-7 of alice is open": ended exceptions that are not gone */
    size_t n_lingering, lingering_room;
};

/* Runs the command drift on them and takes its answer.
 *
 * status : what to end with when it is false; it is said on the talk stream then */
MUST_USE bool audit_states_read(struct invocation *call, struct audit_states *out, int *status);
