/* SPDX-License-Identifier: Apache-2.0 */
/* Connection security rules as the registry holds them ([MS-GPFAS] 2.2.6), and the sets of
 * authentication and quick mode that they name (2.2.4, 2.2.5).
 */
#pragma once

#include "targets/registry_value.h"
#include "targets/rule_file.h"

/* Sets of one store. */
struct firewall_sets;

struct firewall_sets *firewall_security_read_sets(struct arena *arena);
/* A value below the firewall's key. False: it is none of a set. path : "Phase1AuthenticationSets\…"
 * without the firewall's key */
bool firewall_security_read_add(struct firewall_sets *sets, struct arena *arena, str path,
                                const struct registry_value *value);
/* One rule, once all sets are known.
 *
 * text : "v2.10|Action=Boundary|…|"
 * out : all but id and offset; unchanged on failure
 * problem : on failure, what was expected and what was found */
MUST_USE bool firewall_security_read(str text, const struct firewall_sets *sets,
                                     struct arena *arena, struct security_rule *out, str *problem);
