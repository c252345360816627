/* SPDX-License-Identifier: Apache-2.0 */
/* Windows Defender Firewall policy out of a registry, whatever carried it: Registry.pol, a .reg
 * file, a hive. Lenient: a value that can't be understood whole is a problem with its place, and
 * the others are still read. A strict reader asks that there is no problem, and that nothing was
 * understood which its writer doesn't write.
 *
 * How a rule is understood ([MS-GPFAS] 2.2.2.19, [MS-FASP] 2.2.34 to 2.2.37):
 *   - no address of either family: every address of both; one family named: nothing of the other;
 *   - no profile: every profile; Active absent: disabled;
 *   - ByPass, and outbound Allow with Security and AuthByPassOut: ACTION_ALLOW_IF_SECURE;
 *   - Allow with Security alone: ACTION_ALLOW_IF_SECURE that `yields`, since a block beats it;
 *   - what struct rule has no field for is a condition in words in `only_if`: addresses and ports
 *     are then what the rule speaks of at most. Conditions are parted by "; " and begin with what
 *     they are of: "not blocked" (yields), "computers", "users", "service", "ICMP type",
 *     "interface", "interface type", "platform", "local users", "owner", "package", "network",
 *     "security realm", "trust", "local port", "remote port", "local", "remote" ("IPv4 remote",
 *     "IPv6 remote"), "edge traversal", "service hardening".
 * A rule that breaks what [MS-FASP] 2.2.37 demands is a problem: Windows ignores it.
 */
#pragma once

#include "targets/registry_value.h"
#include "targets/rule_file.h"

/* Rules, connection security rules, profile states and problems go into `out`; what is there
 * already stays. Stores are told apart by their keys: policy (RULE_STORE_MANAGED: group policy and
 * MDM) and the machine's own (RULE_STORE_LOCAL). Values are applied in their order first
 * (registry_value_applied). Ids of a rule are the names of its value, `why` is its description. */
void firewall_strings_read(struct registry_values values, struct arena *arena,
                           struct rule_file *out);
/* True when the key is of the firewall: what other values of a file are about something else. */
bool firewall_strings_read_owns(str key);

/* Where the machine's own rules are; a file of theirs alone has no keys above. */
extern const str firewall_strings_read_local_key;
