/* SPDX-License-Identifier: Apache-2.0 */
/* A policy at one point in time, with every name turned into addresses: the input of rules/decision
 * and of targets. Sets are exact over all addresses (base/prefix_set); nothing here decides a flow.
 */
#pragma once

#include "policy/policy.h"

/* Addresses that a host name holds at a time, as the workspace knows them. */
struct host_address {
    struct addr addr;
    int64_t seen_us;         /* newest witness */
    bool claimed_by_another; /* some other host was seen with it since */
};

/* How names are looked up; `to` is the caller's. */
struct host_lookup {
    void *to;
    /* All addresses of that host name or of that AD group's computers; n 0 = not known. */
    const struct host_address *(*host)(void *to, str name, int64_t as_of_us, struct arena *arena,
                                       size_t *n);
    const struct host_address *(*ad_group)(void *to, str name, int64_t as_of_us,
                                           struct arena *arena, size_t *n);
    /* Prefixes of a service tag in a file of Azure or AWS (policy/service_tags.h); false when the
     * file can't be read. */
    bool (*service_tag)(void *to, str tag, str file, struct arena *arena, struct prefix_set *out);
    /* The day on which such a file says that it was published; false when it does not say. May be
     * NULL. */
    bool (*service_tag_day)(void *to, str file, int64_t *out_us);
    /* What the host that has the address is called, whether the policy names it or not; empty = not
     * known. May be NULL. */
    str (*name)(void *to, struct addr a, int64_t as_of_us);
    /* The SID of a group of the directory, as an imported membership file has it; empty = not
     * known. May be NULL. */
    str (*ad_sid)(void *to, str name, struct arena *arena);
    /* The names of the computers of a group of the directory, nested ones included; false = the
     * group is not known, or one within it (missing). Asked before ad_group. May be NULL. */
    bool (*ad_computers)(void *to, str name, struct arena *arena, const str **names, size_t *n,
                         str *missing);
    /* The distinguished name of a computer; empty = not known. May be NULL. */
    str (*ad_dn)(void *to, str name, struct arena *arena);
};

/* Addresses that live in one segment. */
struct lived_range {
    struct range range;
    size_t segment;
};

/* Where addresses live (DESIGN.md 4): every address is in exactly one of these places. */
struct places {
    const struct prefix_set *segments; /* per segment of the policy */
    const struct lived_range *lived;   /* the same in the order of the line, for look-ups */
    size_t n_lived;
    struct prefix_set unknown, internet, local;
};

struct resolved_entry {
    const struct entry *entry;
    struct prefix_set from, to; /* `from` less except.from has no meaning on its own: kept apart */
    struct prefix_set except_from, except_to;
    /* The word `internet` stands in from/to: only then may that end be an internet address. */
    bool from_internet, to_internet;
    /* Who of each end's names the workspace does not know (resolve_unknown): "group SMB Admins" (of
     * AD), else "host fs09"; empty = all are known. Any address but local and internet ones
     * may turn out to be such a member: the sets hold the known ones only. */
    str from_unknown, to_unknown, except_from_unknown, except_to_unknown;
    enum secure secure; /* never UNSET: the strategy is applied */
    /* Secured: whom servers authorise, as SIDs (policy/authorised.h); else why that is not known:
     * "policy.yaml:14: the domain "contoso.com" has no sid". */
    str principals, principals_lack;
    bool is_exception;
    const struct exception *exception; /* NULL = a line of the policy */
};

struct resolved_perimeter {
    const struct perimeter_entry *entry;
    enum direction direction;
    struct prefix_set from, to;   /* the internet end is already cut to the internet */
    str from_unknown, to_unknown; /* of groups at the inner end, as in resolved_entry */
};

/* A border: inside are these addresses. */
struct border {
    str name; /* segment name; or "internet": inside is then every address but internet and local */
    struct prefix_set inside;
};

/* A machine that holds several addresses (a named host); machines of one address are not listed. */
struct machine {
    str name;
    const struct addr *addrs;
    size_t n_addrs;
};

struct resolved {
    const struct policy *policy;
    const struct host_lookup *lookup; /* as given: the same policy, changed, resolves alike */
    int64_t as_of_us;
    struct places places;
    struct prefix_set builtins[BUILTIN_COUNT]; /* ALL: every address */
    const struct prefix_set *groups;           /* members, per group of the policy */
    const str *groups_unknown; /* per group: its first member without addresses, else empty */
    struct prefix_set managed, unmanaged_members;
    /* Domain controllers, with all addresses of their machines, and those under which clients see
     * them: no connection security rule speaks of them (DESIGN.md 5). */
    struct prefix_set controllers;
    /* Addresses that enforce: in a managed segment, in no group with managed: false. */
    struct prefix_set enforcing;
    /* modes[p][m]: enforcing addresses whose profile p is in mode m (MODE_UNSET is empty). */
    struct prefix_set modes[PROFILE_COUNT][MODE_OFF + 1];
    const struct resolved_entry *entries; /* allow entries in order, then living exceptions */
    size_t n_entries;
    const struct resolved_perimeter *perimeter;
    size_t n_perimeter;
    const struct border *borders;
    size_t n_borders;
    const struct machine *machines;
    size_t n_machines;
};

/* Resolves. Unresolvable names and tags are warnings when `for_check`, errors otherwise; groups
 * that disagree on a profile mode are always errors. False when there is an error.
 *
 * lookup : NULL = no workspace: every name is unknown; kept
 * found : appended to; places are those of the policy file */
MUST_USE bool resolve_policy(const struct policy *policy, const struct host_lookup *lookup,
                             int64_t as_of_us, bool for_check, struct arena *arena,
                             struct resolved *out, struct diagnostics *found);

/* Who stands at which end. At either, the other side also sees a segment as its nat addresses and a
 * group as its vip addresses. OWN: the machines' own addresses alone, for what holds machines. */
enum resolve_end { RESOLVE_CLIENT, RESOLVE_SERVER, RESOLVE_OWN };

/* Where an entry stands: "policy.yaml:14", or in the file of its exception. */
str resolve_entry_where(const struct resolved *resolved, const struct resolved_entry *entry,
                        struct arena *arena);

/* Every address that a list of selectors means, for what is not an entry (assertions, rings). */
struct prefix_set resolve_selectors(const struct resolved *resolved,
                                    const struct selectors *selectors, enum resolve_end end,
                                    struct arena *arena);

/* The first member without addresses of the groups named: one of a directory's group before a host;
 * empty = all are known. */
str resolve_unknown(const struct resolved *resolved, const struct selectors *selectors);
/* True when they mean this address; makes no set. */
bool resolve_selectors_have(const struct resolved *resolved, const struct selectors *selectors,
                            enum resolve_end end, struct addr a);

/* The place of an address, for explanations and the matrix: segment name, "unknown", "internet" or
 * "local". */
str resolve_place(const struct resolved *resolved, struct addr a);
/* Index of the segment an address lives in; SIZE_MAX when in none. */
size_t resolve_segment(const struct resolved *resolved, struct addr a);
