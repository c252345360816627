/* SPDX-License-Identifier: Apache-2.0 */
/* What an exception would open, for the commands that ask before they save: policy, names and
 * evidence brought to reason/exception_effect, and its answer printed.
 */
#pragma once

#include "cli/deciding.h"
#include "cli/workspace.h"
#include "reason/exception_effect.h"

/* The evidence of the workspace, once for any number of questions. */
struct effects {
    struct deciding *deciding;
    struct workspace workspace;
    const struct host_lookup *hosts;
    bool has_evidence;
    struct matrix_view matrix;
    struct hosts_view roles;
    const struct share_view *shares;
    size_t n_shares;
};

/* Looks names up from now on, too. False: printed. */
MUST_USE bool effects_load(struct deciding *deciding, struct effects *out, int *status);

/* The exception that a scope is, in the words of the policy; what does not fit is printed as the
 * policy's reader says it.
 *
 * entry : its owner, reason and scope */
MUST_USE bool effects_parse(struct deciding *deciding, const struct exception_entry *entry,
                            const struct exception **out, int *status);
/* What it would open beside `without` (NULL = all that is in force already). */
MUST_USE bool effects_ask(const struct effects *effects, const struct exception *exception,
                          str without, struct exception_effect *out, int *status);
/* Whether `narrower` opens anything that `wider` alone does not. */
MUST_USE bool effects_widens(const struct effects *effects, const struct exception *narrower,
                             const struct exception *wider, str *how, int *status);

/* The effect, risks and who has to approve, in lines. */
void effects_print(struct invocation *call, const struct exception_effect *effect, struct buf *out);
