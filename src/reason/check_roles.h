/* SPDX-License-Identifier: Apache-2.0 */
/* Servers in use that the policy would cut from their users, and hosts that a secured entry asks
 * too much of. */
#pragma once

#include "reason/check_evidence.h"

/* Adds `cuts-role`: domain controllers (SYSVOL, NETLOGON), print servers, DFS, remote management.
 */
void check_roles(const struct check_evidence *evidence, struct arena *arena, struct arena scratch,
                 struct diagnostics *found);
/* Adds `secure-unready`, and `undecidable` once per secured entry: no inventory of domain
 * membership, rules and firewall states is read yet. */
void check_roles_secured(const struct check_evidence *evidence, struct arena *arena,
                         struct arena scratch, struct diagnostics *found);
