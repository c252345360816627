/* SPDX-License-Identifier: Apache-2.0 */
/* The domain controllers that the workspace has seen, for the lifeline. */
#pragma once

#include "cli/workspace.h"
#include "matrix/roles.h"
#include "reason/check.h"

/* Every address that a domain controller held last, each once, in order. The workspace is open. */
MUST_USE bool controllers_known(struct invocation *call, struct workspace *workspace,
                                const struct check_controller **out, size_t *n, struct err *err);
/* The same from what is loaded already. */
void controllers_among(struct invocation *call, const struct host_list *hosts,
                       const struct hosts_view *view, const struct check_controller **out,
                       size_t *n);
