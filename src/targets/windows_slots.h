/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of one host class as Windows Defender Firewall holds them: a rule there has at most so
 * many ranges of a family, and one list of either end. All Windows targets (PowerShell, group
 * policy, MDM, netsh, .reg) write these; how is their own business. Readers share nothing with it.
 */
#pragma once

#include "rules/ruleset.h"

/* [MS-FASP] 2.2.4 to 2.2.11: ranges of one family in one list. */
enum { WINDOWS_RANGES_PER_RULE = 1000 };

/* One rule of Windows: a part of a rule of the class, of one family. */
struct windows_slot {
    const struct rule *rule; /* direction, action, profiles, ports, principals, why */
    str id;   /* "<rule id>-v4-1": the rule's name in Windows, at most 511 bytes of [A-Za-z0-9-_] */
    str part; /* "v4-1" */
    bool v4;
    const struct range *local, *remote; /* n_local 0 = every local address */
    size_t n_local, n_remote;
};

struct windows_slots {
    const struct windows_slot *items;
    size_t n;
};

/* Openings before closings, so that whoever loads them one by one has never blocked what is
 * allowed. Rules without repetition (targets/disjoint.h).
 *
 * ranges_per_rule : of each end; WINDOWS_RANGES_PER_RULE, or less where a dialect has less room */
struct windows_slots windows_slots_of(struct ruleset rules, size_t ranges_per_rule,
                                      struct arena *arena);

/* The ids that artefacts of this workspace may use beside those in use: those of blocks and of
 * authenticated rules, for every governed service, direction, transport, set of profiles and
 * family, so many parts of each. Written as disabled rules (or deleted), they take the place of an
 * older artefact's. Allow rules need none: a block beats them.
 *
 * policy : its governed services
 * workspace : of the header
 * used : of the class */
struct windows_slots windows_slots_unused(const struct policy *policy, str workspace,
                                          struct windows_slots used, struct arena *arena);

/* How an end of a rule is written in every Windows dialect but for the separator: an address, a
 * prefix or first-last. */
enum { WINDOWS_RANGE_TEXT = 2 * ADDR_TEXT };
str windows_slots_range(char out[WINDOWS_RANGE_TEXT], struct range range);
