/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/check.h"

#include "base/test.h"
#include "reason/check_entries.h"
#include "rules/random_world.h"

/* ---- Assertions, against every pair one by one --------------------------------------------------
 */

enum { WORLDS = 60, MOST_SAMPLES = 1200 };

/* Every address at which a set of random_world can begin or end, and its neighbours: so every class
 * of any of its sets has a member here, and two when it has two. */
static size_t samples(struct random_world *w, struct addr *out)
{
    size_t n = 0;
    for (size_t i = 0; i < WORLD_BLOCKS; i++) {
        struct range block = world_block(w, i);
        struct addr low = addr_previous(block.first), high = addr_next(block.last);
        for (size_t step = 0; step < 11; step++) {
            out[n++] = low;
            out[n++] = high;
            low = addr_next(low);
            high = addr_previous(high);
        }
    }
    /* Inside of the private ranges, and of the internet. */
    static const char *const more[] = {"10.9.9.9", "192.168.1.1", "fc00::1",
                                       "1.1.1.1",  "64:ff9b::1",  "172.16.0.1"};
    for (size_t i = 0; i < COUNT_OF(more); i++)
        if (!addr_parse(str_of(more[i]), &out[n++])) abort();
    return n;
}

static const struct selectors *random_ends(struct random_world *w, struct selectors *out)
{
    struct selector *items = arena_array(w->arena, struct selector, 3);
    size_t n = (size_t)world_random(w, 3) + (world_random(w, 4) != 0);
    for (size_t i = 0; i < n && i < 3; i++) {
        uint64_t kind = world_random(w, 4);
        if (kind == 0 && w->policy.n_groups) {
            items[out->n].kind = SELECT_GROUP;
            items[out->n++].index = (size_t)world_random(w, w->policy.n_groups);
        } else if (kind < 2) {
            items[out->n].kind = SELECT_SEGMENT;
            items[out->n++].index = (size_t)world_random(w, w->policy.n_segments);
        } else if (kind == 2) {
            items[out->n].kind = SELECT_BUILTIN;
            items[out->n++].index = (size_t)world_random(w, BUILTIN_ALL);
        } else {
            struct range block = world_block(w, (size_t)world_random(w, WORLD_BLOCKS));
            struct addr a = world_random(w, 2) ? block.first : block.last;
            items[out->n].kind = SELECT_PREFIX;
            items[out->n++].prefix = (struct prefix){a, 128};
        }
    }
    out->items = items;
    return out;
}

static void random_assertions(struct random_world *w)
{
    static const size_t one[] = {0}, other[] = {0, 1}, free[] = {3};
    enum { N = 4 };
    struct assertion *list = arena_array(w->arena, struct assertion, N);
    for (size_t i = 0; i < N; i++) {
        struct assertion *a = &list[i];
        uint64_t kind = world_random(w, 3), services = world_random(w, 8);
        a->kind = ASSERT_NEVER;
        if (kind == 1) a->kind = ASSERT_ALWAYS;
        if (kind == 2) a->kind = ASSERT_ONLY;
        (void)random_ends(w, &a->from);
        (void)random_ends(w, &a->to);
        if (world_random(w, 3) == 0) (void)random_ends(w, &a->except_from);
        if (world_random(w, 3) == 0) (void)random_ends(w, &a->except_to);
        a->services = services == 0 ? free : services < 3 ? other : one;
        a->n_services = services == 0 ? 1 : services < 3 ? 2 : 1;
    }
    w->policy.assertions = list;
    w->policy.n_assertions = N;
}

static void fill_builtins(struct random_world *w)
{
    struct resolved *r = &w->resolved;
    struct prefix_set all = prefix_set_of(w->arena, &addr_all, 1);
    struct prefix_set away = prefix_set_union(w->arena, r->places.internet, r->places.local);
    r->builtins[BUILTIN_ANY] = prefix_set_subtract(w->arena, all, away);
    r->builtins[BUILTIN_INTERNET] = r->places.internet;
    r->builtins[BUILTIN_UNKNOWN] = r->places.unknown;
    r->builtins[BUILTIN_MANAGED] = r->managed;
    r->builtins[BUILTIN_UNTRUSTED] = prefix_set_subtract(
        w->arena, prefix_set_subtract(w->arena, all, r->places.local), r->managed);
}

static bool selects(const struct random_world *w, const struct selectors *s, struct addr a)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct selector *item = &s->items[i];
        bool in = item->kind == SELECT_SEGMENT
                      ? prefix_set_contains(w->resolved.places.segments[item->index], a)
                  : item->kind == SELECT_GROUP
                      ? prefix_set_contains(w->resolved.groups[item->index], a)
                  : item->kind == SELECT_BUILTIN
                      ? prefix_set_contains(w->resolved.builtins[item->index], a)
                      : addr_equal(item->prefix.addr, a);
        if (in) return true;
    }
    return false;
}

/* The text of DESIGN.md 4 for one pair. */
static bool breaks(const struct random_world *w, const struct assertion *a, struct addr client,
                   struct addr server, int service)
{
    struct flow_question q = {.client = client, .server = server, .service = service};
    struct flow_answer answer = linear_ask(&w->resolved, &q);
    bool managed = prefix_set_contains(w->resolved.managed, client) ||
                   prefix_set_contains(w->resolved.managed, server);
    bool from = selects(w, &a->from, client) && !selects(w, &a->except_from, client);
    bool to = selects(w, &a->to, server) && !selects(w, &a->except_to, server);
    if (a->kind == ASSERT_ONLY) from = !from;
    if (answer.intent == INTENT_LOCAL || !managed || !from || !to) return false;
    if (a->kind != ASSERT_ALWAYS) return answer.passes || answer.passes_secured;
    bool secured = answer.intent == INTENT_ALLOW_IF_SECURE && answer.passes_secured;
    return !answer.passes && !secured;
}

static bool broken_by_any(const struct random_world *w, const struct assertion *a,
                          const struct addr *all, size_t n)
{
    for (size_t k = 0; k < a->n_services; k++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                if (breaks(w, a, all[i], all[j], (int)a->services[k])) return true;
    return false;
}

static void assertions_agree_with_every_pair(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t n_holding = 0, n_broken = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        arena_reset(&arena);
        struct random_world *w = world_make(&arena, seed, true);
        struct addr all[MOST_SAMPLES];
        size_t n = samples(w, all);
        fill_builtins(w);
        random_assertions(w);
        const struct check_assertion *found = check_assertions(&w->resolved, &arena, scratch);
        for (size_t i = 0; i < w->policy.n_assertions; i++) {
            const struct assertion *a = &w->policy.assertions[i];
            assert_ptr_equal(found[i].assertion, a);
            if (found[i].holds) {
                n_holding++;
                if (broken_by_any(w, a, all, n))
                    fail_msg("world %" PRIu64 " assertion %zu holds, though a pair breaks it", seed,
                             i);
            } else {
                n_broken++;
                if (!breaks(w, a, found[i].client, found[i].server, found[i].service))
                    fail_msg("world %" PRIu64 " assertion %zu: the counterexample is none", seed,
                             i);
            }
        }
    }
    print_message("%zu hold, %zu do not\n", n_holding, n_broken);
    assert_true(n_holding > 20 && n_broken > 20);
    arena_close(&scratch);
    arena_close(&arena);
}

/* ---- Whole policies -----------------------------------------------------------------------------
 */

struct checked {
    struct arena arena, scratch;
    struct policy policy;
    struct resolved r;
    struct diagnostics found;
    const struct check_assertion *assertions;
};

static struct addr addr(const char *text)
{
    struct addr a;
    assert_true(addr_parse(str_of(text), &a));
    return a;
}

static void load(struct checked *c, const char *text)
{
    *c = (struct checked){.arena = arena_open("test", 0, NULL),
                          .scratch = arena_open("scratch", 0, NULL)};
    bool good = policy_parse(S("p"), str_of(text), &c->arena, &c->policy, &c->found) &&
                resolve_policy(&c->policy, NULL, 0, true, &c->arena, &c->r, &c->found);
    if (!good) fail_msg("%.*s", STR_ARG(c->found.items[0].text));
}

static void unload(struct checked *c)
{
    arena_close(&c->scratch);
    arena_close(&c->arena);
}

static void a_counterexample_is_the_smallest(void **state)
{
    struct checked c;
    (void)state;
    load(&c, "version: 1\nsegments:\n"
             "  a: {networks: [10.1.0.0/24], trust: managed}\n"
             "  u: {networks: [10.3.0.0/24], trust: untrusted}\n"
             "groups: {fs: {hosts: [10.1.0.7], role: file-server}}\n"
             "allow: [{from: a, to: fs, service: smb, except: {from: 10.1.0.0/28}}]\n"
             "assert:\n"
             "  - {never: {from: a, to: fs, service: smb}}\n"
             "  - {always: {from: a, to: fs, service: smb}}\n"
             "  - {only: {from: a, to: fs, service: smb}}\n"
             "  - {never: {from: u, to: a, service: smb}}\n"
             "  - {never: {from: fs, to: fs, service: smb}}\n"
             "  - {always: {from: fs, to: fs, service: smb}}\n"
             "  - {always: {from: a, to: a, service: rdp}}\n"
             "  - {never: {from: a, to: a, service: rdp}}\n"
             "  - {never: {from: u, to: internet, service: smb}}\n"
             "  - {never: {from: 127.0.0.1, to: a, service: smb}}\n");
    const struct check_assertion *r = check_assertions(&c.r, &c.arena, c.scratch);
    assert_false(r[0].holds);
    assert_true(addr_equal(r[0].client, addr("10.1.0.16")));
    assert_true(addr_equal(r[0].server, addr("10.1.0.7")));
    assert_false(r[1].holds);
    assert_true(addr_equal(r[1].client, addr("10.1.0.0")));
    assert_true(r[2].holds);
    assert_true(r[3].holds);
    /* One machine is no pair. */
    assert_true(r[4].holds && r[5].holds);
    /* Not governed, so everything passes. */
    assert_true(r[6].holds);
    assert_false(r[7].holds);
    /* No managed end, a local end: in no assertion. */
    assert_true(r[8].holds && r[9].holds);
    unload(&c);
}

#define DOMAIN                                                                                     \
    "version: 1\nsegments:\n"                                                                      \
    "  a: {networks: [10.1.0.0/24, \"2001:db8::/64\"], trust: managed}\n"                          \
    "  u: {networks: [10.3.0.0/24], trust: untrusted}\n"

struct lifeline_row {
    const char *text;
    bool holds;
    const char *found; /* part of the first finding; NULL = none */
};

static void the_lifeline_is_exact(void **state)
{
    static const struct lifeline_row rows[] = {
        {DOMAIN "groups: {dc: {hosts: [10.1.0.4], role: domain-controller}}\n"
                "allow: [{from: managed, to: dc, service: smb}]\n",                            true,  NULL                                                         },
        {DOMAIN,                                                                                        false, "no group with role domain-controller has members"           },
        {DOMAIN "groups: {dc: {hosts: [dc1], role: domain-controller}}\n",                              false,
         "no address known"                                                                                                                                                 },
        {DOMAIN "groups: {dc: {hosts: [10.1.0.4], role: domain-controller}}\n",                         false,
         "10.1.0.0 -> 10.1.0.4 is not allowed"                                                                                                                              },
 /* One address of the segment, and one family, left out. */
        {DOMAIN "groups: {dc: {hosts: [10.1.0.4], role: domain-controller}}\n"
                "allow: [{from: managed, to: dc, service: smb, except: {from: 10.1.0.99}}]\n", false, "10.1.0.99 -> 10.1.0.4"                                      },
        {DOMAIN "groups: {dc: {hosts: [10.1.0.4], role: domain-controller}}\n"
                "allow: [{from: 10.1.0.0/24, to: dc, service: smb}]\n",                        false, "2001:db8:: -> 10.1.0.4"                                     },
 /* The controllers themselves need each other, but not themselves. */
        {DOMAIN "groups: {dc: {hosts: [10.1.0.4], role: domain-controller}}\n"
                "allow: [{from: managed, to: dc, service: smb, except: {from: 10.1.0.4}}]\n",  true,  NULL                                                         },
        {DOMAIN "groups: {dc: {hosts: [10.1.0.4, 10.1.0.5], role: domain-controller}}\n"
                "allow: [{from: managed, to: dc, service: smb, except: {from: 10.1.0.4}}]\n",  false, "10.1.0.4 -> 10.1.0.5"                                       },
 /* Secured is not clear. */
        {DOMAIN "groups: {dc: {hosts: [10.1.0.4], role: domain-controller}}\n"
                "allow: [{from: managed, to: dc, service: smb, secure: kerberos}]\n",          false, "by smb in clear"                                            },
        {DOMAIN "govern: [netbios]\n",                                                                  true,  NULL                                                         },
        {DOMAIN "lifeline: {off: a lab}\n",                                                             true,  "no group with role domain-controller"                       },
 /* Management. */
        {DOMAIN "govern: [rdp]\n",                                                                      false, "no group with role management"                              },
        {DOMAIN "govern: [rdp]\ngroups: {m: {hosts: [10.1.0.9], role: management}}\n"
                "allow: [{from: m, to: managed, service: rdp}]\n",                             true,  NULL                                                         },
        {DOMAIN "govern: [rdp, ssh]\ngroups: {m: {hosts: [10.1.0.9], role: management}}\n"
                "allow: [{from: m, to: managed, service: rdp}]\n",                             false, "ssh is governed, but no group with role management keeps it"},
        {DOMAIN "govern: [rdp]\ngroups:\n  m: {hosts: [10.1.0.9], role: management}\n"
                "  nas: {hosts: [10.1.0.200], managed: false}\n"
                "allow: [{from: m, to: managed, service: rdp, except: {to: nas}}]\n",          true,  NULL                                                         },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct checked c;
        load(&c, rows[i].text);
        size_t first = c.found.n;
        if (rows[i].found && str_equal(str_of(rows[i].found), S("no address known"))) first = 0;
        bool holds = check_lifeline(&c.r, NULL, 0, &c.arena, c.scratch, &c.found);
        bool said = c.found.n > first;
        if (holds != rows[i].holds || said != (rows[i].found != NULL) ||
            (said && !str_contains(c.found.items[first].text, str_of(rows[i].found))))
            fail_msg("row %zu: %s: %.*s", i, holds ? "holds" : "does not hold",
                     STR_ARG(said ? c.found.items[first].text : S("nothing said")));
        unload(&c);
    }
}

static void known_controllers_are_members(void **state)
{
    struct checked c;
    (void)state;
    load(&c, DOMAIN "groups: {dc: {hosts: [10.1.0.4], role: domain-controller}}\n"
                    "allow: [{from: managed, to: dc, service: smb}]\n");
    struct check_controller known[] = {
        {S("DC1"),  addr("10.1.0.4")},
        {{0},       addr("10.1.0.5")},
        {S("DC-B"), addr("10.1.0.6")},
    };
    assert_true(check_lifeline(&c.r, known, 1, &c.arena, c.scratch, &c.found));
    assert_false(check_lifeline(&c.r, known, 3, &c.arena, c.scratch, &c.found));
    assert_int_equal(c.found.n, 2);
    assert_true(str_starts(c.found.items[0].text, S("10.1.0.5 was seen as a domain controller")));
    assert_true(str_starts(c.found.items[1].text, S("10.1.0.6 (DC-B) was seen")));
    unload(&c);
}

static void entries_are_warned_of(void **state)
{
    static const struct {
        const char *kind, *text;
    } expected[] = {
        {"never-matches",       "no address lives in segment \"gone\""                            },
        {"untrusted-reaches",   "machines of group \"nas\""                                       },
        {"untrusted-reaches",   "\"wide\" lets untrusted clients"                                 },
        {"cannot-authenticate", "\"narrow\" needs kerberos, but 10.1.0.40 of group \"nas\""       },
        {"shadowed",            "\"narrow\" allows nothing that the entry \"wide\""               },
        {"cannot-authenticate",
         "\"narrow\" needs kerberos, but the clients of segment \"b\" come through NAT"           },
        {"never-matches",       "the entry of line 15 never matches: its to holds no"             },
        {"never-matches",       "the entry of line 16 never matches: its from holds"              },
        {"never-matches",       "8.8.8.0/24 lives in the internet"                                },
        {"never-matches",       "the entry of line 17 never matches: its service"                 },
        {"cannot-authenticate", "10.1.0.40 of group \"nas\" enforces nothing"                     },
        {"cannot-authenticate", "needs kerberos, but the domain \"example.org\" has no sid: rules"},
        {"cannot-authenticate", "the clients of segment \"b\" come through NAT"                   },
        {"shadowed",            "the entry of line 19 allows nothing that"                        },
        {"untrusted-reaches",   "the entry of line 19 lets"                                       },
        {"never-matches",       "this perimeter entry never matches: its to holds no"             },
        {"never-matches",       "this perimeter entry never matches: its from holds"              },
    };
    struct checked c;
    (void)state;
    load(&c, "version: 1\nsegments:\n"
             "  a: {networks: [10.1.0.0/24], trust: managed}\n"
             "  b: {networks: [10.2.0.0/24], trust: managed, nat: [192.168.9.9]}\n"
             "  gone: {networks: [10.4.0.0/24], trust: managed}\n"
             "  low: {networks: [10.4.0.0/25], trust: managed}\n"
             "  high: {networks: [10.4.0.128/25], trust: managed}\n"
             "groups:\n"
             "  none: {hosts: []}\n"
             "  nas: {hosts: [10.1.0.40], managed: false}\n"
             "domains: [{name: contoso.com, sid: S-1-5-21-1-2-3}, {name: example.org}]\n"
             "allow:\n"
             "  - {name: wide, from: any, to: [a, low], service: [smb, netbios]}\n"
             "  - {name: narrow, from: b, to: a, service: smb, secure: {by: kerberos, computers: "
             "[S-1-5-21-1-2-3-1105]}}\n"
             "  - {from: a, to: none, service: smb}\n"
             "  - {from: 8.8.8.0/24, to: b, service: smb}\n"
             "  - {from: a, to: b, service: []}\n"
             "  - {from: b, to: [nas, b], service: smb, secure: kerberos}\n"
             "  - {from: any, to: [a, low], service: [smb, netbios]}\n"
             "perimeter:\n"
             "  - {direction: outbound, from: a, to: b, service: smb}\n"
             "  - {direction: inbound, from: a, to: b, service: smb}\n");
    check_entries(&c.r, &c.arena, c.scratch, &c.found);
    for (size_t i = 0; i < c.found.n && i < COUNT_OF(expected); i++)
        if (!str_equal(c.found.items[i].kind, str_of(expected[i].kind)) ||
            !str_contains(c.found.items[i].text, str_of(expected[i].text)))
            fail_msg("warning %zu: %.*s: %.*s", i, STR_ARG(c.found.items[i].kind),
                     STR_ARG(c.found.items[i].text));
    assert_int_equal(c.found.n, COUNT_OF(expected));
    unload(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assertions_agree_with_every_pair),
        cmocka_unit_test(a_counterexample_is_the_smallest),
        cmocka_unit_test(the_lifeline_is_exact),
        cmocka_unit_test(known_controllers_are_members),
        cmocka_unit_test(entries_are_warned_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
