/* SPDX-License-Identifier: Apache-2.0 */
/* The policy file as written (DESIGN.md 4): every key, with where it stands. Names are looked up
 * and checked here; addresses of named hosts are not (policy/resolve.h does that, for one point in
 * time).
 */
#pragma once

#include "base/prefix_set.h"
#include "base/sha256.h"
#include "evidence/observation.h"

struct place {
    uint32_t line, column; /* from 1; column counts characters */
};

/* A file that policies are read from beside policy.yaml, for messages that speak of it. */
struct source_text {
    str name; /* path */
    str text;
};

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

/* What is wrong with a policy; all of one file are collected. */
struct diagnostic {
    enum severity severity;
    str kind; /* "syntax", "unknown-key", "duplicate-key", "unknown-name", "value", "conflict",
                 "lifeline", ... */
    struct place place;
    const struct source_text *file; /* where the place is; NULL = the policy file */
    str text;                       /* expected, found, "did you mean" */
};

struct diagnostics {
    struct diagnostic *items;
    size_t n, room;
    size_t n_errors, n_warnings;    /* also those past LIMIT_DIAGNOSTICS */
    const struct source_text *file; /* what is being read: of those added from now on */
};

void diagnostics_add(struct diagnostics *list, struct arena *arena, enum severity severity,
                     str kind, struct place place, str text);

#define TRUSTS(X) X(MANAGED, "managed") X(UNTRUSTED, "untrusted")
enum trust {
#define X(name, text) TRUST_##name,
    TRUSTS(X)
#undef X
};

#define ROLES(X)                                                                                   \
    X(NONE, "")                                                                                    \
    X(DOMAIN_CONTROLLER, "domain-controller")                                                      \
    X(FILE_SERVER, "file-server")                                                                  \
    X(PRINT_SERVER, "print-server")                                                                \
    X(CLUSTER, "cluster")                                                                          \
    X(MANAGEMENT, "management")
enum role {
#define X(name, text) ROLE_##name,
    ROLES(X)
#undef X
};

/* UNSET: this level says nothing of the profile; the next one is asked. */
#define MODES(X)                                                                                   \
    X(UNSET, "")                                                                                   \
    X(ENFORCE, "enforce")                                                                          \
    X(BLOCK_INBOUND, "block-inbound")                                                              \
    X(BLOCK_ALL, "block-all")                                                                      \
    X(OFF, "off")
enum profile_mode {
#define X(name, text) MODE_##name,
    MODES(X)
#undef X
};

#define SECURES(X)                                                                                 \
    X(UNSET, "")                                                                                   \
    X(NONE, "none")                                                                                \
    X(KERBEROS, "kerberos")                                                                        \
    X(CERTIFICATE, "certificate")
enum secure {
#define X(name, text) SECURE_##name,
    SECURES(X)
#undef X
};

#define BUILTINS(X)                                                                                \
    X(ANY, "any")                                                                                  \
    X(INTERNET, "internet")                                                                        \
    X(UNKNOWN, "unknown")                                                                          \
    X(MANAGED, "managed")                                                                          \
    X(UNTRUSTED, "untrusted")                                                                      \
    X(ALL, "all")
enum builtin {
#define X(name, text) BUILTIN_##name,
    BUILTINS(X)
#undef X
        BUILTIN_COUNT
};

str trust_text(enum trust trust);
str role_text(enum role role);
str profile_mode_text(enum profile_mode mode);
str secure_text(enum secure secure);
str builtin_text(enum builtin builtin);

/* One item of from, to, except: the union of a list of these is meant. */
struct selector {
    enum { SELECT_SEGMENT, SELECT_GROUP, SELECT_BUILTIN, SELECT_PREFIX } kind;
    size_t index;         /* of the segment or group, or an enum builtin */
    struct prefix prefix; /* SELECT_PREFIX; a lone address is its own prefix */
    struct place place;
};

struct selectors {
    const struct selector *items;
    size_t n;
    bool given; /* the key was there, perhaps with an empty list */
};

struct placed_prefix {
    struct prefix prefix;
    struct place place;
};

struct segment {
    str name;
    struct place place;
    const struct placed_prefix *networks;
    size_t n_networks;
    enum trust trust;
    bool border_enforced;
    enum profile_mode profiles[PROFILE_COUNT];
    const struct placed_prefix *nat;
    size_t n_nat;
};

struct member {
    enum { MEMBER_PREFIX, MEMBER_NAME, MEMBER_AD_GROUP } kind;
    struct prefix prefix;
    str name; /* host name or AD group name, as written */
    struct place place;
};

struct group {
    str name;
    struct place place;
    const struct member *hosts;
    size_t n_hosts;
    enum role role;
    bool managed; /* default true */
    enum profile_mode profiles[PROFILE_COUNT];
    const struct placed_prefix *vip;
    size_t n_vip;
};

/* An allow entry, or what an exception opens. */
struct entry {
    str name; /* empty when not given */
    struct place place;
    struct selectors from, to, except_from, except_to;
    const size_t *services; /* indices into policy.services */
    size_t n_services;
    enum secure secure;          /* UNSET: the strategy decides */
    const str *secure_computers; /* AD groups or SIDs; empty = the default ones */
    size_t n_secure_computers;
};

enum direction { DIRECTION_OUTBOUND, DIRECTION_INBOUND };

struct service_tag {
    str tag, file;
    struct place place;
};

struct perimeter_entry {
    str name;
    struct place place;
    enum direction direction;
    struct selectors from, to;
    const struct service_tag *from_tags, *to_tags; /* service tags among from/to */
    size_t n_from_tags, n_to_tags;
    const size_t *services;
    size_t n_services;
};

struct ring {
    str name;
    struct place place;
    struct selectors members; /* union of segments and groups; `all` = the rest */
    bool is_rest;
    bool has_percent;
    uint8_t percent;
    uint64_t soak_s;
    /* gate: at most so many, else the rollout holds; UINT64_MAX = not asked. */
    uint64_t gate_broken_flows, gate_denied_users;
};

struct assertion {
    enum { ASSERT_NEVER, ASSERT_ALWAYS, ASSERT_ONLY } kind;
    struct place place;
    struct selectors from, to, except_from, except_to;
    const size_t *services;
    size_t n_services;
    str text; /* "never clients -> clients smb", for reports */
};

struct exception;
struct governance;
struct harden_override;

struct domain {
    str name, sid;
    struct place place;
};

enum strategy { STRATEGY_SCOPED_BLOCK, STRATEGY_SECURE_BYPASS };

struct policy {
    str source; /* path, for messages: "policy.yaml" */
    str text;   /* the whole file */
    struct sha256_digest digest;
    str organisation, timezone;
    struct place timezone_place;   /* 0:0 when not given */
    struct service_table services; /* built-in ones, then the policy's own */
    const bool *governed;          /* per service */
    const struct domain *domains;
    size_t n_domains;
    const struct segment *segments;
    size_t n_segments;
    const struct group *groups;
    size_t n_groups;
    const struct entry *allow;
    size_t n_allow;
    bool has_perimeter; /* the key is present, perhaps with an empty list */
    const struct perimeter_entry *perimeter;
    size_t n_perimeter;
    enum profile_mode profiles[PROFILE_COUNT];
    enum strategy strategy;
    bool firewall_on; /* windows: {firewall: on} */
    const struct ring *rings;
    size_t n_rings;
    const struct assertion *assertions;
    size_t n_assertions;
    str lifeline_off; /* the reason; empty = the lifeline holds */
    uint64_t resolve_max_age_s;
    str hardening_baseline, hardening_mode;
    const struct harden_override *overrides; /* of the baseline (policy/hardening.h) */
    size_t n_overrides;
    const struct governance *governance; /* policy/governance.h; NULL = the section is not there */
    /* Records beside the file (policy/exceptions.h), dead ones too; policy_parse leaves none. */
    const struct exception *exceptions;
    size_t n_exceptions;
};

/* Reads a policy. Everything wrong with it is added to `found`; true when there is no error
 * (warnings may be there). YAML syntax stops at the first error; errors of meaning are all
 * collected.
 *
 * text : at most LIMIT_POLICY_BYTES, kept
 * out : unchanged when false
 * spec : DESIGN.md 4 */
MUST_USE bool policy_parse(str source, str text, struct arena *arena, struct policy *out,
                           struct diagnostics *found);
