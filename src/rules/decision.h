/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical meaning of a policy or of rulesets: the only place where "is this allowed?" is
 * answered (DESIGN.md 5). Addresses fall into classes of equal membership in every set compared
 * (atoms); for each profile, service, side and secured-or-not there is, per server class, an
 * interned set of client classes that pass. Equality is one comparison of numbers, a difference has
 * a witness.
 */
#pragma once

#include "rules/atoms.h"
#include "rules/ruleset.h"

enum side { SIDE_CLIENT_OUTBOUND, SIDE_BORDER, SIDE_SERVER_INBOUND, SIDE_COUNT };
str side_text(enum side side); /* "client-outbound", "perimeter", "server-inbound" */

#define INTENTS(X)                                                                                 \
    X(ALLOW, "allow")                                                                              \
    X(ALLOW_IF_SECURE, "allow-if-secure")                                                          \
    X(BLOCK, "block")                                                                              \
    X(UNGOVERNED, "ungoverned")                                                                    \
    X(LOCAL, "local")                                                                              \
    X(UNDECIDABLE, "undecidable")
enum intent {
#define X(name, text) INTENT_##name,
    INTENTS(X)
#undef X
};
str intent_text(enum intent intent);

/* ---- Decision ---------------------------------------------------------------------------------
 */

struct decision;

/* Every set of a resolved policy, for atoms_build; appended. */
void decision_sets(const struct resolved *resolved, struct arena *arena, struct prefix_set **sets,
                   size_t *n, size_t *room);
/* atoms: NULL = built from the policy's own sets and the universes of peers. */
const struct decision *decision_build(const struct resolved *resolved, const struct atoms *atoms,
                                      struct arena *arena, struct arena scratch);

struct flow_question {
    struct addr client, server;
    enum transport transport; /* with port; or */
    uint16_t port;
    int service; /* index in the policy's services; SERVICE_NONE = by transport and port */
    enum profile profile;
    /* Which machines have the policy: NULL = all (no ring asked). */
    const struct prefix_set *deployed;
};

struct side_answer {
    enum side side;
    bool enforces;
    bool passes, passes_secured; /* true when it does not enforce */
};

struct flow_answer {
    int service; /* index or SERVICE_NONE */
    /* Undecidable: it depends on who the members of a group are whose addresses nobody knows; what
     * passes is then what passes in any case. */
    enum intent intent;
    bool passes, passes_secured;
    struct side_answer sides[SIDE_COUNT]; /* in path order; n_sides is 0 for local flows */
    size_t n_sides;
};

/* Answers one question; two class look-ups and a few loads. */
struct flow_answer decision_ask(const struct decision *decision, const struct flow_question *q);

/* Many questions: ends become classes once, and what remains of a flow is 12 bytes. */
enum { FLOW_UNGOVERNED = UINT16_MAX };
struct flow_record {
    uint32_t client, server; /* classes */
    uint16_t service;        /* index, or FLOW_UNGOVERNED */
    uint8_t profile;         /* below PROFILE_COUNT */
    uint8_t one_machine;     /* its own addresses at both ends */
};
/* A verdict: an enum intent, and what passes when everybody has the policy. */
enum { FLOW_INTENT = 7, FLOW_PASSES = 8, FLOW_PASSES_SECURED = 16 };

/* A question's `deployed` does not count. */
void decision_records(const struct decision *decision, const struct flow_question *questions,
                      size_t n, struct flow_record *out);
/* records of many services are answered fastest in the order of the services */
void decision_ask_records(const struct decision *decision, const struct flow_record *records,
                          size_t n, uint8_t *verdicts);
/* Bytes of the tables that questions touch. */
uint64_t decision_table_bytes(const struct decision *decision);

/* The same policy with everyone who is unknown a member of all that allows and of no `except`; the
 * decision itself takes them to be nobody. They are one and the same when all are known. A pair
 * that both answer alike is certain. */
const struct decision *decision_possible(const struct decision *decision);
/* True for a mark of policy/resolve that makes a membership unknown: of a directory's group. */
bool decision_unknown(str mark);

/* Why: evaluated for this point only, never stored. The entry that decides the intent (NULL = none
 * matches), or the perimeter entry, or the mode that blocks at a side; SIDE_COUNT asks why the
 * intent is what it is. */
struct flow_reason {
    const struct resolved_entry *entry;
    const struct resolved_perimeter *perimeter;
    str text;  /* one sentence: "policy.yaml:14 departmental shares" */
    str where; /* "policy.yaml:14", or a line of the exceptions; empty = no line says it */
    struct place place;
    str undecidable; /* "group SMB Admins": whose members would have to be known, if that is it */
};
struct flow_reason decision_why(const struct decision *decision, const struct flow_question *q,
                                enum side side, struct arena *arena);
/* The same with an index of its entries (rules/entry_index.h), for many questions. */
struct entry_index;
struct flow_reason decision_why_by(const struct decision *decision, const struct entry_index *index,
                                   const struct flow_question *q, enum side side,
                                   struct arena *arena);

/* ---- Rows ---------------------------------------------------------------------------------------
 * What bundles and proofs are made from: whole maps instead of points.
 */

/* For each class at one end, the classes at the other end with intent allow, and with allow or
 * allow-if-secure; as numbers in `sets`. Inbound: own is the server; outbound: own is the client.
 * Local classes are in none. */
struct intent_rows {
    struct class_sets sets;
    const uint32_t *allow, *either;
};

const struct atoms *decision_atoms(const struct decision *decision);
const struct resolved *decision_resolved(const struct decision *decision);
struct intent_rows decision_intent_rows(const struct decision *decision, int service,
                                        enum direction direction, struct arena *arena,
                                        struct arena scratch);
/* Which client classes pass this side towards a server class, or with SIDE_COUNT the whole path, as
 * the number of a row: equal numbers are equal sets, in one decision. (Not the other way round: for
 * that, decision_map.) Only governed services have rows. Every row holds the local classes. Flows
 * of one machine to itself are not told apart (decision_one_machine). */
uint32_t decision_row(const struct decision *decision, int service, enum profile profile,
                      enum side side, bool secured, uint32_t server_class);
/* The set of a row: made in the arena, or the decision's own. */
struct class_set decision_row_classes(const struct decision *decision, uint32_t row,
                                      struct arena *arena);
/* A whole map, canonical: per server class the number in `sets` of who passes. Maps of several
 * decisions on the same atoms may share `sets`: then they are equal exactly where numbers are. */
const uint32_t *decision_map(const struct decision *decision, int service, enum profile profile,
                             enum side side, bool secured, struct class_sets *sets,
                             struct arena *arena, struct arena scratch);
bool decision_governs(const struct decision *decision, int service);
/* True for an address and itself, and for two addresses of one machine: `local`, always passes. */
bool decision_one_machine(const struct decision *decision, struct addr a, struct addr b);
/* The mode a class enforces in a profile; MODE_UNSET when it enforces nothing. */
enum profile_mode decision_mode(const struct decision *decision, uint32_t class_id,
                                enum profile profile);
/* Addresses that are `local` (DESIGN.md 4): never part of a flow that anything decides. */
bool decision_is_local(const struct decision *decision, uint32_t class_id);
/* Members of a group with role cluster: the only ones whose link-local peers are approved. */
bool decision_is_cluster(const struct decision *decision, uint32_t class_id);
/* 169.254/16 and fe80::/10 */
extern const struct prefix_set decision_link_local;

/* ---- Proof ------------------------------------------------------------------------------------
 */

/* A point where an artefact and the policy disagree: the witness of a failed proof. (struct witness
 * is the matrix's word for where a fact was read.) */
struct counterexample {
    struct addr client, server;
    int service;
    enum transport transport;
    uint16_t port;
    enum profile profile;
    enum side side;
    bool secured;
    str expected, found;
};

/* One machine class: these addresses load these rules. */
struct enforced_class {
    str id;
    struct prefix_set members;
    struct ruleset rules;
    enum engine engine;
    enum rest rest;
    uint8_t profiles; /* which profiles the artefact claims to hold (bits) */
    bool shared;      /* members of several stances, each at its own local addresses */
    /* What its machines are known to have beside these rules (rules/verdict.h); NULL = nothing is
     * known. With it, what the policy decides must still be as it says. */
    const struct verdict_around *around;
};

/* The firewall at a border: local = inside, remote = outside. */
struct enforced_border {
    const struct border *border;
    struct ruleset rules;
    enum engine engine;
    enum rest rest;
};

/* What all proofs against one policy share. peers: every address that can be a peer in the dialect;
 * one outside it is residue. The decision may be built on any atoms that hold the policy's sets. */
struct prover;
const struct prover *prover_make(const struct decision *decision, struct prefix_set peers,
                                 struct arena *arena, struct arena scratch);

/* True when, for every address of the class as client and as server, every peer, every port of a
 * governed service and every profile claimed, the rules say exactly what the policy says of that
 * side (a rule that is silent where the policy enforces is a disagreement), and touch no port of an
 * ungoverned service. Link-local peers are blocked, except for members of a cluster group. At local
 * addresses outside the class the rules must do what they do at its smallest member: a laptop
 * elsewhere obeys its home's rules; in a shared class, pass what they pass for every member, and
 * block the rest. Whom servers authorise and who asks whom to authenticate are as
 * rules/principals.h and rules/proof_security.h say. With `around`, the existing rules are added:
 * they may speak of anything, but a flow that the policy decides must end as it says; the witness
 * names the rule that is in the way. witness: the smallest point of disagreement, at a member if
 * there is one. */
MUST_USE bool decision_proves_host(const struct prover *prover, const struct enforced_class *class,
                                   struct arena *arena, struct arena scratch,
                                   struct counterexample *witness);
/* The same for a border's rules. */
MUST_USE bool decision_proves_border(const struct prover *prover,
                                     const struct enforced_border *border, struct arena *arena,
                                     struct arena scratch, struct counterexample *witness);
