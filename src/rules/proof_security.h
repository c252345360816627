/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a proof that is about who authenticates to whom: connection security rules, and the
 * ports on which that is negotiated (DESIGN.md 5). Recomputed from the decision's rows; nothing
 * here knows how the rules were made.
 */
#pragma once

#include "rules/decision.h"

/* Ports of IKE and of its way through NAT. */
enum { SECURITY_PORT_IKE = 500, SECURITY_PORT_NAT = 4500, SECURITY_PORTS = 2 };

extern const uint16_t proof_security_ports[SECURITY_PORTS];

/* A rule that opens one of these ports, which the policy does not govern: that is asked about here,
 * not where services are. */
bool proof_security_opens(const struct policy *policy, const struct rule *rule,
                          enum transport transport, uint16_t port);

/* What proofs against one policy share: a prover's. */
struct proof_basis {
    const struct decision *decision;
    struct prefix_set peers; /* every address that can be a peer in the dialect */
    const int *services;     /* the governed ones */
    size_t n_services;
    const struct intent_rows *outbound; /* of each: what clients may reach */
};

/* True when, for every member and profile, the connection security rules name exactly the peers
 * that the policy approves only when authenticated in some service, direction or profile, less
 * domain controllers, in the profiles that have such peers and in no others; each asks for
 * authentication both ways by Kerberos of computer and user and requires it of nobody; the ports of
 * negotiation are open for the same peers, and for nobody else; and no such rule speaks for an
 * address that is no member. An existing block (class->around) of these ports may not be in the
 * way.
 *
 * witness : the smallest member, and the smallest peer of it; transport none where a connection
 *           security rule differs, udp where a port of negotiation does */
MUST_USE bool proof_security(const struct proof_basis *basis, const struct enforced_class *class,
                             struct arena *arena, struct arena scratch,
                             struct counterexample *witness);
