/* SPDX-License-Identifier: Apache-2.0 */
/* What one machine enforces, in Windows Filtering Platform terms (DESIGN.md 5): made from the
 * resolved policy, and by every target's reader from an artefact. Precedence: authenticated bypass
 * > block > allow > the profile's default; no order, no specificity.
 */
#pragma once

#include "policy/resolve.h"

#define ACTIONS(X)                                                                                 \
    X(ALLOW, "allow")                                                                              \
    X(ALLOW_IF_SECURE, "allow-if-secure")                                                          \
    X(BLOCK, "block")
enum action {
#define X(name, text) ACTION_##name,
    ACTIONS(X)
#undef X
};
str action_text(enum action action);
str direction_text(enum direction direction);

/* One rule. An empty local or remote set means "none" (matches nothing), never "any": the whole
 * line is written out. */
struct rule {
    str id; /* stable: made of workspace name, direction, service, profiles, family, slot */
    str name, group; /* as shown to an admin */
    enum direction direction;
    enum action action;
    uint8_t profiles; /* bits 1u << enum profile */
    bool enabled;
    enum transport transport;
    /* The service's ports: remote ones for outbound, local ones for inbound. None = all. */
    struct service_port *ports;
    size_t n_ports;
    struct prefix_set local, remote;
    bool logs;
    bool quick;     /* ENGINE_PF: a match ends the search */
    uint32_t chain; /* ENGINE_NFTABLES: base chains of a hook in their order */
    enum rule_store {
        RULE_STORE_MANAGED, /* by policy: group policy, MDM, or the whole of a firewall's rules */
        RULE_STORE_LOCAL,   /* the machine's own, which a profile may be told to ignore */
    } store;
    /* From when on it is not in force any more, though nobody has touched it: a dialect's own
     * timeout. 0 = none. Proofs judge it as in force. */
    int64_t expires_us;
    str why;         /* "policy.yaml:14 departmental shares" */
    uint64_t offset; /* in the artefact it was read from */
    /* A service's mark: only this program's traffic. */
    str program;
    /* With allow-if-secure: the computers that may, as SIDs, sorted, each once, parted by blanks
     * ("S-1-5-21-1-2-3-515 S-1-5-21-1-2-3-516"); inbound only. */
    str principals;
    /* With allow-if-secure: why it can be written in no dialect, since nobody knows whose computers
     * may, or how they would show who they are; no reader sets it. */
    str lack;
    /* Exports may hold what a policy never makes: kept so that `rules` shows it and proofs refuse.
     */
    str security;         /* more than "authenticated": "encrypted", "no encapsulation" */
    str only_if;          /* more conditions, in words: "service Spooler", "LocalSubnet" */
    uint16_t ip_protocol; /* with TRANSPORT_NONE: 1 ICMP, 50 ESP, ...; 0 = every protocol */
    /* For showing, parted by spaces: ends with words that each machine resolves for itself ("RPC",
     * "LocalSubnet 10.1.0.0/16"). The sets are then the most they can be, and `only_if` says so. */
    struct {
        str ports, local, remote;
    } shown;
    /* Windows: allow-if-secure without "override block rules": a block beats it. */
    bool yields;
};

/* As ip_protocol: protocol 0 itself (IPv6 hop-by-hop options), since 0 stands for every one. */
enum { IP_PROTOCOL_ZERO = 256 };

/* Who negotiates IPsec with whom, so that allow-if-secure can be met: a connection security rule
 * ([MS-GPFAS] 2.2.6). It needs no direction: either end may be the machine that loads it. */
struct security_rule {
    str id, name, group;
    bool enabled;
    uint8_t profiles;
    struct prefix_set local,
        remote; /* endpoint 1 (ours) and endpoint 2; never both every address */
    enum security_demand {
        SECURITY_NONE,
        SECURITY_REQUEST,
        SECURITY_REQUIRE
    } inbound,
        outbound; /* a policy makes request for both */
    /* First and second authentication as this program makes them: computer and user Kerberos. What
     * else a set holds is in `only_if`. */
    bool computer_kerberos, user_kerberos;
    str only_if; /* what a policy never makes, in words: a proof refuses it */
    str why;
    uint64_t offset;
};

struct ruleset {
    const struct rule *rules;
    size_t n;
    const struct security_rule *security;
    size_t n_security;
};

/* How a set of rules is evaluated. */
enum engine {
    /* Authenticated bypass > block > allow > the profile's default; no order ([MS-FASP] 2.2.34). */
    ENGINE_WINDOWS,
    /* The first verdict of each base chain, in chain order; a chain's policy is its last rule. A
     * drop ends it all, an accept ends its own chain only (nft(8), "Verdict statements"). */
    ENGINE_NFTABLES,
    /* The first match of one list; what nothing matches is denied (Cisco IOS and ASA, and others).
     */
    ENGINE_ACL,
    /* The last match, or the first that is quick (pf.conf(5)); what nothing matches passes. */
    ENGINE_PF,
};

/* What happens in a dialect's artefact to what none of its rules names. */
enum rest {
    REST_UNTOUCHED, /* whatever else the firewall has decides */
    /* An access list that stands alone: its own last rule permits all that is left, per direction
     * and family. A proof asks for it, and sets it aside. */
    REST_PERMITTED,
    REST_DENIED, /* a list of allows: what it does not name of a governed service is blocked */
};

/* What a machine's rules say of one flow end. UNTOUCHED: no rule matches, so whatever else the host
 * has decides; a proof treats it as neither pass nor block. */
enum rule_verdict { RULE_UNTOUCHED, RULE_PASSES, RULE_PASSES_SECURED, RULE_BLOCKS };

/* Adds one port to a rule in the making; rules that were copied from it before keep theirs. */
void rule_add_port(struct rule *rule, struct arena *arena, struct service_port port);
