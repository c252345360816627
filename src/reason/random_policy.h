/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: random policies as text, one entry a line, over 40 addresses of six segments and a few
 * of the internet, so that every pair can be asked. */
#pragma once

#include "base/hash.h"
#include "base/os_memory.h"
#include "base/test.h"
#include "policy/exceptions.h"
#include "rules/decision.h"

struct random_policy {
    struct arena *arena;
    uint64_t seed;
    str head, allow, perimeter, exceptions; /* lines below their keys; perimeter NULL = no key */
    bool has_perimeter;
    str text;
    struct source_text file; /* of exceptions */
    struct policy policy;
    struct resolved resolved;
    const struct decision *decision;
};

enum { RANDOM_POLICY_ADDRS = 40 };
#define RANDOM_POLICY_NOW (INT64_C(1795000000) * 1000000)

static inline uint64_t random_below(struct random_policy *p, uint64_t below)
{
    p->seed = hash_u64(p->seed);
    return p->seed % below;
}

/* Address i of the world. */
static inline struct addr random_policy_addr(size_t i)
{
    static const char *const first[] = {"10.0.0.0",   "10.0.1.0", "10.0.2.0",
                                        "2001:db8::", "10.9.9.0", "8.8.8.0"};
    static const size_t size[] = {8, 8, 8, 8, 4, 4};
    size_t block = 0;
    struct addr a = {0};
    for (; i >= size[block]; block++)
        i -= size[block];
    if (!addr_parse(str_of(first[block]), &a)) abort();
    for (; i; i--)
        a = addr_next(a);
    return a;
}

/* One item of from or to. */
static inline const char *random_item(struct random_policy *p)
{
    static const char *const items[] = {
        "a",        "b",       "c",        "six",         "g",
        "h",        "i",       "any",      "managed",     "untrusted",
        "internet", "unknown", "10.0.0.3", "10.0.1.0/30", "\"2001:db8::4/126\"",
        "10.0.2.1", "lost",    "g",
    };
    return items[random_below(p, COUNT_OF(items))];
}

static inline void random_items(struct random_policy *p, struct buf *out)
{
    size_t n = 1 + (size_t)random_below(p, 2);
    buf_char(out, '[');
    for (size_t i = 0; i < n; i++)
        buf_format(out, "%s%s", i ? ", " : "", random_item(p));
    buf_char(out, ']');
}

static inline void random_entry(struct random_policy *p, struct buf *out)
{
    static const char *const services[] = {"smb", "smb", "netbios", "[smb, netbios]"};
    buf_str(out, S("  - {from: "));
    random_items(p, out);
    buf_str(out, S(", to: "));
    random_items(p, out);
    buf_format(out, ", service: %s", services[random_below(p, COUNT_OF(services))]);
    if (random_below(p, 4) == 0) buf_str(out, S(", secure: kerberos"));
}

static inline void random_resolve(struct random_policy *p, struct arena scratch)
{
    struct err err = {0};
    struct os os = os_memory_world(os_memory_new(p->arena));
    const struct zone *utc = zone_find(&os, S("UTC"), p->arena, &err);
    struct diagnostics found = {0};
    bool fine =
        policy_parse(S("policy.yaml"), p->text, p->arena, &p->policy, &found) &&
        exceptions_parse(&p->file, &p->policy, utc, p->arena, &p->policy.exceptions,
                         &p->policy.n_exceptions, &found) &&
        resolve_policy(&p->policy, NULL, RANDOM_POLICY_NOW, true, p->arena, &p->resolved, &found);
    if (!fine)
        fail_msg("%.*s%.*s%.*s", STR_ARG(p->text), STR_ARG(p->exceptions),
                 STR_ARG(found.items[0].text));
    p->decision = decision_build(&p->resolved, NULL, p->arena, scratch);
}

/* The text out of its parts, parsed, resolved and decided. */
static inline void random_build(struct random_policy *p, struct arena scratch)
{
    p->text = str_format(p->arena, "%.*sallow:%s%.*s%s%.*s", STR_ARG(p->head),
                         p->allow.len ? "\n" : " []\n", STR_ARG(p->allow),
                         !p->has_perimeter  ? ""
                         : p->perimeter.len ? "perimeter:\n"
                                            : "perimeter: []\n",
                         STR_ARG(p->perimeter));
    p->file =
        (struct source_text){S("exceptions.yaml"), str_format(p->arena, "exceptions:%s%.*s",
                                                              p->exceptions.len ? "\n" : " []\n",
                                                              STR_ARG(p->exceptions))};
    random_resolve(p, scratch);
}

/* unknown: some group may have members that nobody knows. */
static inline void random_policy_make(struct random_policy *p, struct arena *arena, uint64_t seed,
                                      bool unknown, struct arena scratch)
{
    static const char *const modes[] = {"enforce", "block-inbound", "block-all", "off"};
    *p = (struct random_policy){.arena = arena, .seed = hash_u64(seed)};
    struct buf head = buf_in(arena), allow = buf_in(arena), edge = buf_in(arena);
    struct buf exceptions = buf_in(arena);
    static const struct {
        const char *name, *network;
    } segments[] = {
        {"a",   "10.0.0.0/29"       },
        {"b",   "10.0.1.0/29"       },
        {"c",   "10.0.2.0/29"       },
        {"six", "\"2001:db8::/125\""},
    };
    buf_format(&head, "version: 1\norganisation: Contoso\nwindows: {strategy: %s}\nsegments:\n",
               random_below(p, 6) ? "scoped-block" : "secure-bypass");
    for (size_t i = 0; i < COUNT_OF(segments); i++) {
        buf_format(&head, "  %s: {networks: [%s], trust: %s", segments[i].name, segments[i].network,
                   random_below(p, 4) ? "managed" : "untrusted");
        if (random_below(p, 4) == 0) buf_str(&head, S(", border: enforced"));
        if (random_below(p, 3) == 0)
            buf_format(&head, ", profiles: {domain: %s, public: %s}", modes[random_below(p, 4)],
                       modes[random_below(p, 4)]);
        buf_str(&head, S("}\n"));
    }
    buf_format(&head,
               "groups:\n"
               "  g: {hosts: [10.0.0.1, 10.0.1.1, \"2001:db8::1\"]%s}\n"
               "  h: {hosts: [10.0.1.2/31, 10.0.2.6]%s}\n"
               "  i: {hosts: [10.0.2.0]%s}\n"
               "  lost: {hosts: [10.0.2.7%s]}\n",
               random_below(p, 2) ? ", managed: false" : "",
               random_below(p, 2) ? ", role: file-server" : "",
               random_below(p, 3) ? "" : ", profiles: {domain: block-all, private: enforce}",
               unknown ? ", nobody" : "");
    for (size_t n = (size_t)random_below(p, 5); n; n--) {
        random_entry(p, &allow);
        if (random_below(p, 3) == 0)
            buf_format(&allow, ", except: {%s: %s}", random_below(p, 2) ? "from" : "to",
                       random_item(p));
        buf_str(&allow, S("}\n"));
    }
    for (size_t n = (size_t)random_below(p, 4); n; n--) {
        static const char *const ends[] = {"2020-01-01", "2099-01-01", "2099-01-01"};
        random_entry(p, &exceptions);
        buf_format(&exceptions,
                   ", owner: alice, reason: r, approver: bob, expires: %sT00:00:00Z}\n",
                   ends[random_below(p, 3)]);
    }
    p->has_perimeter = random_below(p, 2);
    if (p->has_perimeter && random_below(p, 2))
        buf_str(&edge,
                S("  - {direction: outbound, from: [a, g], to: 8.8.8.0/31, service: smb}\n"));
    p->head = buf_text(&head);
    p->allow = buf_text(&allow);
    p->perimeter = buf_text(&edge);
    p->exceptions = buf_text(&exceptions);
    random_build(p, scratch);
}

static inline struct flow_question random_question(struct random_policy *p)
{
    return (struct flow_question){
        .client = random_policy_addr((size_t)random_below(p, RANDOM_POLICY_ADDRS)),
        .server = random_policy_addr((size_t)random_below(p, RANDOM_POLICY_ADDRS)),
        .service =
            service_by_name(p->policy.services, random_below(p, 4) ? S("smb") : S("netbios")),
        .profile = (enum profile)random_below(p, PROFILE_COUNT),
    };
}
