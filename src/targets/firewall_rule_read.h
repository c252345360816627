/* SPDX-License-Identifier: Apache-2.0 */
/* One firewall rule as the registry holds it ([MS-GPFAS] 2.2.2.19), understood as Windows does
 * (firewall_strings_read.h says how). */
#pragma once

#include "rules/ruleset.h"

/* text : "v2.10|Action=Block|…|"
 * out : all but id, store and offset; unchanged on failure
 * problem : on failure, what was expected and what was found */
MUST_USE bool firewall_rule_read(str text, struct arena *arena, struct rule *out, str *problem);

/* The SIDs of an SDDL that allows them and nobody else, parted by spaces. False: it denies, asks
 * for more, or names a group of some domain without its SID. */
MUST_USE bool firewall_rule_read_sids(str sddl, struct arena *arena, str *out);
