/* SPDX-License-Identifier: Apache-2.0 */
/* Segments and groups for a network that has no policy yet.
 *
 * A network is the /24 (IPv4) or /64 (IPv6) around an address that was seen at work, or what the
 * admin named. It is never widened, and two that touch stay two: the last address of each is its
 * broadcast. A public network is one's own only when a machine in it has a private
 * address as well, wrote a log that was read, or is a domain controller.
 */
#pragma once

#include "reason/suggest_evidence.h"

#define SUGGEST_KINDS(X)                                                                           \
    X(CLIENTS, "clients")                                                                          \
    X(SERVERS, "servers")                                                                          \
    X(ADMINS, "admin-hosts")                                                                       \
    X(MIXED, "lan")                                                                                \
    X(UNPROVEN, "net")
enum suggest_kind {
#define X(name, text) SUGGEST_KIND_##name,
    SUGGEST_KINDS(X)
#undef X
};

struct suggest_segment {
    str name;
    enum suggest_kind kind;
    bool managed; /* evidence of the domain, or the admin's word */
    bool named;   /* the admin's word */
    const struct prefix *networks;
    size_t n_networks;
    const uint32_t *machines; /* seen in it */
    size_t n_machines;
    uint32_t n_servers, n_clients;
    uint32_t n_domain, n_voters; /* machines of the domain among those that could be */
    uint32_t witnesses[SUGGEST_WITNESS_COUNT];
};

struct suggest_member {
    struct addr addr;
    uint32_t machine; /* UINT32_MAX: named by the admin, never seen */
    str reason;
};

struct suggest_group {
    str name, purpose;
    str role; /* of the language; empty = none */
    bool managed;
    const struct suggest_member *members; /* by address */
    size_t n_members;
};

struct suggest_places {
    const struct suggest_segment *segments;
    size_t n_segments;
    const struct suggest_group *groups;
    size_t n_groups;
    bool has_controllers;
};

/* Sets is_endpoint: a machine that both uses and serves is what most machines of its network are;
 * where that says nothing, what it does more. */
void suggest_places_find_endpoints(struct suggest_machines *all, struct arena scratch);
struct suggest_places suggest_places(const struct suggest_machines *all, struct arena *arena,
                                     struct arena scratch);
str suggest_places_kind_text(enum suggest_kind kind);
