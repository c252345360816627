/* SPDX-License-Identifier: Apache-2.0 */
/* From a resolved policy to what each machine loads: host classes (machines with the same bundle),
 * their rules, and the rules of enforced borders. Target-neutral; targets only write them down.
 */
#pragma once

#include "rules/decision.h"
#include "rules/hardened.h"

/* Machines that load the same bundle. */
struct host_class {
    str id; /* stable, ASCII, valid as a file name on Windows: "clients-1" */
    struct prefix_set members;
    const str *machine_names; /* of named machines; addresses without a name are in members only */
    size_t n_machine_names;
    struct ruleset rules;
    /* What its machines are for the hardening baseline, and what they are also set to: filled by
     * harden_bundles (harden/baseline.h); none unless the policy says so. */
    struct hardened machines;
    const struct harden_change *hardening;
    size_t n_hardening;
    /* What they are known to have beside these rules (rules/verdict.h); NULL = nothing is known. */
    const struct verdict_around *around;
    bool shared; /* members of several stances, each at its own local addresses */
};

struct border_rules {
    const struct border *border;
    struct ruleset rules; /* local = inside, remote = outside; direction as seen from inside */
};

struct bundles {
    const struct resolved *resolved;
    const struct host_class *classes;
    size_t n_classes;
    const struct border_rules *borders;
    size_t n_borders;
};

/* Up to `apart` stances (rules/stances.h) of one segment and mode have a class each; more share
 * classes of up to `together`. Zero = LIMIT_STANCES_APART and _TOGETHER. */
struct bundle_sizes {
    size_t apart, together;
};

/* What a rule's id is made of (DESIGN.md 5): never an address. */
struct bundle_id {
    str workspace, border, service; /* border is empty for a host's rules */
    enum direction direction;
    enum transport transport;
    uint8_t profiles;
    enum action action;
    size_t scope; /* which local addresses: 1 = home, or all */
    size_t whom;  /* allow-if-secure of several principals: which of them, from 0 */
};
str bundle_id_text(const struct bundle_id *id, struct arena *arena);
/* Per service of the policy: its name in ids, different for each also when case is ignored. */
const str *bundle_service_words(const struct service_table *services, struct arena *arena);

/* Who loads what, without the rules: those of one class at a time are made when they are asked for,
 * so that a policy of many classes never has them all in memory.
 *
 * decision : on the policy's own atoms
 * name : of the workspace, part of rule ids */
struct bundle_plan;
const struct bundle_plan *bundle_plan(const struct decision *decision, str name,
                                      const struct bundle_sizes *sizes, struct arena *arena,
                                      struct arena scratch);
/* Its classes and borders; their rules are empty. */
struct bundles bundle_planned(const struct bundle_plan *plan);
/* peers : the universe for complement blocks (rules/universe.h): the block's remote addresses are
 *         peers less those approved in clear */
struct ruleset bundle_class_rules(const struct bundle_plan *plan, struct prefix_set peers,
                                  size_t index, struct arena *arena, struct arena scratch);
struct ruleset bundle_border_rules(const struct bundle_plan *plan, struct prefix_set peers,
                                   size_t index, struct arena *arena, struct arena scratch);
/* All of them at once. */
struct bundles bundle_all(const struct bundle_plan *plan, struct prefix_set peers,
                          struct arena *arena, struct arena scratch);
/* The same of a policy that no decision was made of yet. */
struct bundles bundle_make(const struct resolved *resolved, struct prefix_set peers, str name,
                           struct arena *arena, struct arena scratch);
