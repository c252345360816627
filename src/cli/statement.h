/* SPDX-License-Identifier: Apache-2.0 */
/* What a workspace's evidence covers, host by host, and what it leaves open: how `ingest` ends, and
 * where `audit-plan` begins.
 */
#pragma once

#include "cli/workspace.h"
#include "reason/questions.h"

struct statement {
    struct matrix_view matrix;
    struct questioned *servers;
    size_t n_servers;
    size_t n_foreign; /* left out: not managed by the policy */
};

/* Loads it. Servers that the policy of the workspace does not manage are left out. */
MUST_USE bool statement_load(struct invocation *call, struct workspace *workspace,
                             struct statement *out, struct err *err);
void statement_print_text(struct invocation *call, const struct statement *statement);
/* The members "coverage" and "questions" of an object that the caller opened. */
void statement_print_json(struct invocation *call, const struct statement *statement,
                          struct json *json);
