/* SPDX-License-Identifier: Apache-2.0 */
/* Windows Defender Firewall as values of the registry: rules, connection security rules, their
 * authentication sets and the log settings of a host class. Group policy (Registry.pol) and .reg
 * files carry the same values below different keys. The reader is firewall_strings_read; it shares
 * nothing with this.
 *
 *   - Strings are of version 2.10 (Windows 7, Server 2008 R2): the first that has all that is said
 *     here, AuthByPassOut and ranges of ports. PolicyVersion says the same.
 *   - Never null encapsulation: what passes as secured is authenticated and integrity-protected by
 *     the default quick mode set.
 *
 * spec : [MS-GPFAS] 2.2.2.19 (rules), 2.2.6 (connection security), 2.2.4 (authentication sets),
 *        2.2.3 (profiles), [MS-FASP] 2.2.35, 2.2.37 (what must hold)
 */
#pragma once

#include "base/err.h"
#include "rules/bundle.h"
#include "targets/windows_slots.h"

enum {
    FIREWALL_STRINGS_VERSION = 0x020A, /* PolicyVersion; "v2.10" */
    FIREWALL_STRINGS_DATA = 65535,     /* bytes of a value's data in Registry.pol */
    FIREWALL_STRINGS_SDDL = 9999,      /* [MS-FASP] 2.2.37: fewer than 10,000 characters */
    FIREWALL_STRINGS_ID = 259,         /* [MS-GPREG] 2.2.1: a value name; [MS-FASP] has 511 */
    FIREWALL_STRINGS_LOG_KIB = 16384,  /* of pfirewall.log: days of a busy server, not hours */
};

struct firewall_value {
    str key; /* below the firewall's: "FirewallRules", "DomainProfile\\Logging"; empty = itself */
    str name;
    bool is_number; /* REG_DWORD, else REG_SZ */
    uint32_t number;
    str text; /* printable ASCII */
};

struct firewall_values {
    struct firewall_value *items;
    size_t n, room;
};

struct firewall_strings_of {
    const struct target *target; /* for errors */
    const struct policy *policy; /* its governed services; NULL = no unused slots are written */
    str workspace, group;        /* of the header; of all rules and sets (EmbedCtxt) */
};

/* All values of a class, in this order: PolicyVersion, log settings, authentication sets,
 * connection security rules, firewall rules (openings before closings), rules of slots that are
 * not in use, as disabled ones.
 *
 * A rule has as many ranges as its string has room for, at most WINDOWS_RANGES_PER_RULE of each
 * end: what is more goes into another rule.
 *
 * fails : UNSUPPORTED, naming rule, field and target: a bypass rule for nobody or for a group
 *         without SID, more principals than fit into an SDDL, security that is no request by
 *         computer Kerberos, an id that is too long */
MUST_USE bool firewall_strings_write(const struct host_class *host_class,
                                     const struct firewall_strings_of *of, struct arena *arena,
                                     struct firewall_values *out, struct err *err);

/* The string of one rule. active : else disabled, and then a block that names no address */
str firewall_strings_write_rule(const struct windows_slot *slot, str group, bool active,
                                struct arena *arena);
/* "O:LSD:(A;;CC;;;S-1-5-…)(A;;CC;;;…)": who may. False: empty, or something that is no SID. */
MUST_USE bool firewall_strings_write_sddl(str principals, struct arena *arena, str *out);
