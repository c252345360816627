/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/resolve.h"

#include "base/instant.h"
#include "base/test.h"
#include "policy/places.h"

#define NOW (INT64_C(1795000000) * INSTANT_SECOND)

/* A workspace that knows four hosts, one AD group and one service tag. */
static struct addr addr(const char *text)
{
    struct addr a;
    assert_true(addr_parse(str_of(text), &a));
    return a;
}

static const struct host_address *find_host(void *to, str name, int64_t as_of_us,
                                            struct arena *arena, size_t *n)
{
    struct host_address *out = arena_array(arena, struct host_address, 4);
    (void)to;
    *n = 0;
    assert_true(as_of_us == NOW);
    if (str_equal_nocase(name, S("dc1"))) {
        out[(*n)++] = (struct host_address){.addr = addr("10.1.0.1"), .seen_us = NOW - 5};
        out[(*n)++] = (struct host_address){.addr = addr("2001:db8::1"), .seen_us = NOW - 9};
    }
    if (str_equal_nocase(name, S("two-nets"))) {
        out[(*n)++] = (struct host_address){.addr = addr("10.1.0.8"), .seen_us = NOW};
        out[(*n)++] = (struct host_address){.addr = addr("10.2.0.8"), .seen_us = NOW};
    }
    if (str_equal_nocase(name, S("old")))
        out[(*n)++] =
            (struct host_address){.addr = addr("10.1.0.20"), .seen_us = NOW - 8 * INSTANT_DAY};
    if (str_equal_nocase(name, S("moved"))) {
        out[(*n)++] = (struct host_address){
            .addr = addr("10.1.0.30"), .seen_us = NOW, .claimed_by_another = true};
        out[(*n)++] = (struct host_address){.addr = addr("10.1.0.31"), .seen_us = NOW};
    }
    if (str_equal_nocase(name, S("gone")))
        out[(*n)++] = (struct host_address){
            .addr = addr("10.1.0.40"), .seen_us = NOW, .claimed_by_another = true};
    return out;
}

static const struct host_address *find_ad_group(void *to, str name, int64_t as_of_us,
                                                struct arena *arena, size_t *n)
{
    struct host_address *out = arena_array(arena, struct host_address, 1);
    (void)to;
    (void)as_of_us;
    *n = str_equal(name, S("Admin PCs"));
    out[0] = (struct host_address){.addr = addr("10.1.0.77"), .seen_us = NOW};
    return out;
}

static bool find_tag(void *to, str tag, str file, struct arena *arena, struct prefix_set *out)
{
    static const char *const texts[] = {"20.38.84.0/23", "10.9.0.0/16", "2603:1000::/32"};
    struct range ranges[3];
    (void)to;
    if (!str_equal(tag, S("Storage")) || !str_equal(file, S("tags.json"))) return false;
    for (size_t i = 0; i < 3; i++) {
        struct prefix p;
        assert_true(prefix_parse(str_of(texts[i]), &p));
        ranges[i] = prefix_range(p);
    }
    *out = prefix_set_of(arena, ranges, 3);
    return true;
}

/* "two-nets" is the one that groups may know by an address alone. */
static str find_name(void *to, struct addr a, int64_t as_of_us)
{
    (void)to;
    assert_true(as_of_us == NOW);
    bool is_it = addr_equal(a, addr("10.1.0.8")) || addr_equal(a, addr("10.2.0.8"));
    return is_it ? S("TWO-NETS") : (str){0};
}

static const struct host_lookup lookup = {
    .host = find_host, .ad_group = find_ad_group, .service_tag = find_tag, .name = find_name};

struct world {
    struct arena arena;
    struct policy policy;
    struct resolved r;
    struct diagnostics found;
};

static bool make(struct world *w, bool for_check, const char *text)
{
    *w = (struct world){.arena = arena_open("test", 0, NULL)};
    if (!policy_parse(S("p"), str_of(text), &w->arena, &w->policy, &w->found))
        fail_msg("%.*s", STR_ARG(w->found.items[0].text));
    return resolve_policy(&w->policy, &lookup, NOW, for_check, &w->arena, &w->r, &w->found);
}

/* "10.0.0.0/24 10.0.1.5/32" */
static const char *text_of(struct world *w, struct prefix_set set)
{
    struct buf out = buf_in(&w->arena);
    size_t n = 0;
    const struct prefix *prefixes = prefix_set_prefixes(&w->arena, set, &n);
    for (size_t i = 0; i < n; i++) {
        char text[PREFIX_TEXT];
        buf_str(&out, i ? S(" ") : S(""));
        buf_str(&out, prefix_text(text, prefixes[i]));
    }
    return str_c(&w->arena, buf_text(&out));
}

static void expect_set(struct world *w, struct prefix_set set, const char *expected)
{
    assert_string_equal(text_of(w, set), expected);
}

static void expect_found(struct world *w, size_t i, const char *where, const char *part)
{
    assert_true(i < w->found.n);
    const struct diagnostic *d = &w->found.items[i];
    str place = str_format(&w->arena, "%" PRIu32 ":%" PRIu32, d->place.line, d->place.column);
    if (str_equal(place, str_of(where)) && str_contains(d->text, str_of(part))) return;
    fail_msg("expected %s %s, found %.*s %.*s", where, part, STR_ARG(place), STR_ARG(d->text));
}

static void addresses_live_in_the_longest_prefix(void **state)
{
    struct world w;
    (void)state;
    assert_true(make(&w, true,
                     "version: 1\nsegments:\n"
                     "  outer: {networks: [10.0.0.0/8, \"2001:db8::/32\"], trust: managed}\n"
                     "  inner: {networks: [10.1.0.0/16], trust: untrusted}\n"
                     "  core:  {networks: [10.1.2.0/24, 10.1.255.0/24], trust: managed}\n"
                     "  wide:  {networks: [8.0.0.0/7], trust: untrusted}\n"
                     "  gone:  {networks: [10.3.0.0/16], trust: managed}\n"
                     "  half:  {networks: [10.3.0.0/17, 10.3.128.0/17], trust: managed}\n"));
    expect_set(&w, w.r.places.segments[2], "10.1.2.0/24 10.1.255.0/24");
    expect_set(&w, w.r.places.segments[1],
               "10.1.0.0/23 10.1.3.0/24 10.1.4.0/22 10.1.8.0/21 10.1.16.0/20 10.1.32.0/19 "
               "10.1.64.0/18 10.1.128.0/18 10.1.192.0/19 10.1.224.0/20 10.1.240.0/21 "
               "10.1.248.0/22 10.1.252.0/23 10.1.254.0/24");
    expect_set(&w, w.r.places.segments[4], "");
    expect_set(&w, w.r.places.segments[5], "10.3.0.0/16");
    static const struct {
        const char *addr, *place;
    } rows[] = {
        {"10.0.0.0",         "outer"   },
        {"10.1.0.0",         "inner"   },
        {"10.1.1.255",       "inner"   },
        {"10.1.2.0",         "core"    },
        {"10.1.3.0",         "inner"   },
        {"10.1.255.255",     "core"    },
        {"10.2.0.0",         "outer"   },
        {"10.3.200.0",       "half"    },
        {"10.255.255.255",   "outer"   },
        {"11.0.0.0",         "internet"},
        {"9.255.255.255",    "wide"    },
        {"7.255.255.255",    "internet"},
        {"2001:db8:ff::",    "outer"   },
        {"2001:db9::",       "internet"},
        {"192.168.7.7",      "unknown" },
        {"172.31.255.255",   "unknown" },
        {"172.32.0.0",       "internet"},
        {"100.64.0.1",       "unknown" },
        {"100.128.0.0",      "internet"},
        {"fd00::1",          "unknown" },
        {"64:ff9b::808:808", "unknown" },
        {"64:ff9b:1::",      "internet"},
        {"127.0.0.1",        "local"   },
        {"::1",              "local"   },
        {"::",               "local"   },
        {"0.0.0.0",          "local"   },
        {"0.0.0.1",          "internet"},
        {"169.254.3.3",      "local"   },
        {"fe80::1",          "local"   },
        {"fec0::1",          "internet"},
        {"239.1.1.1",        "local"   },
        {"240.0.0.1",        "internet"},
        {"255.255.255.255",  "local"   },
        {"ff02::1",          "local"   },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        str place = resolve_place(&w.r, addr(rows[i].addr));
        if (!str_equal(place, str_of(rows[i].place)))
            fail_msg("%s lives in %.*s, not in %s", rows[i].addr, STR_ARG(place), rows[i].place);
    }
    /* A partition: nothing twice, nothing left. */
    struct prefix_set all = {0};
    uint64_t n_overlaps = 0;
    for (size_t i = 0; i < w.policy.n_segments + 3; i++) {
        struct prefix_set one = i < w.policy.n_segments        ? w.r.places.segments[i]
                                : i == w.policy.n_segments     ? w.r.places.unknown
                                : i == w.policy.n_segments + 1 ? w.r.places.internet
                                                               : w.r.places.local;
        n_overlaps += prefix_set_overlaps(all, one);
        all = prefix_set_union(&w.arena, all, one);
    }
    assert_int_equal(n_overlaps, 0);
    assert_int_equal(all.n, 1);
    assert_true(addr_equal(all.ranges[0].first, addr_all.first) &&
                addr_equal(all.ranges[0].last, addr_all.last));
    arena_close(&w.arena);
}

static void built_in_sets_are_what_they_say(void **state)
{
    struct world w;
    (void)state;
    assert_true(make(&w, true,
                     "version: 1\nsegments:\n"
                     "  m: {networks: [10.1.0.0/16, 203.0.113.0/24], trust: managed}\n"
                     "  u: {networks: [10.2.0.0/16], trust: untrusted}\n"));
    const struct prefix_set *b = w.r.builtins;
    expect_set(&w, b[BUILTIN_MANAGED], "10.1.0.0/16 203.0.113.0/24");
    assert_true(prefix_set_contains(b[BUILTIN_ANY], addr("10.1.0.1")));
    assert_true(prefix_set_contains(b[BUILTIN_ANY], addr("10.2.0.1")));
    assert_true(prefix_set_contains(b[BUILTIN_ANY], addr("192.168.0.1")));
    assert_true(prefix_set_contains(b[BUILTIN_ANY], addr("203.0.113.9")));
    assert_false(prefix_set_contains(b[BUILTIN_ANY], addr("8.8.8.8")));
    assert_false(prefix_set_contains(b[BUILTIN_ANY], addr("127.0.0.1")));
    assert_true(prefix_set_contains(b[BUILTIN_UNTRUSTED], addr("10.2.0.1")));
    assert_true(prefix_set_contains(b[BUILTIN_UNTRUSTED], addr("8.8.8.8")));
    assert_true(prefix_set_contains(b[BUILTIN_UNTRUSTED], addr("192.168.0.1")));
    assert_false(prefix_set_contains(b[BUILTIN_UNTRUSTED], addr("10.1.0.1")));
    assert_false(prefix_set_contains(b[BUILTIN_UNTRUSTED], addr("169.254.0.1")));
    assert_true(prefix_set_equal(b[BUILTIN_INTERNET], w.r.places.internet));
    assert_true(prefix_set_equal(b[BUILTIN_UNKNOWN], w.r.places.unknown));
    arena_close(&w.arena);
}

/* "Roles and managed: false count for a machine if any of its addresses is a member": also when no
 * group says its name. */
static void machines_of_lone_addresses_count_whole(void **state)
{
    static const char *const hosts[] = {"10.1.0.8", "10.2.0.8", "10.2.0.8, two-nets, TWO-NETS"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        char text[512];
        (void)snprintf(text, sizeof text,
                       "version: 1\nsegments:\n"
                       "  a: {networks: [10.1.0.0/24, 10.2.0.0/24], trust: managed}\n"
                       "groups:\n"
                       "  nas: {hosts: [%s], managed: false}\n"
                       "  wide: {hosts: [10.1.0.0/30, 10.1.0.9]}\n",
                       hosts[i]);
        assert_true(make(&w, true, text));
        assert_int_equal(w.r.n_machines, 1);
        expect_set(&w, w.r.unmanaged_members, "10.1.0.8/32 10.2.0.8/32");
        assert_false(prefix_set_contains(w.r.enforcing, addr("10.1.0.8")));
        assert_false(prefix_set_contains(w.r.enforcing, addr("10.2.0.8")));
        /* Entries go by address: the group is what it says. */
        if (i < 2) assert_int_equal(w.r.groups[0].n, 1);
        arena_close(&w.arena);
    }
}

static void machines_count_whole(void **state)
{
    struct world w;
    (void)state;
    assert_true(make(&w, true,
                     "version: 1\nsegments:\n"
                     "  a: {networks: [10.1.0.0/24], trust: managed, profiles: {private: off}}\n"
                     "  b: {networks: [10.2.0.0/24], trust: managed}\n"
                     "groups:\n"
                     "  hosts: {hosts: [two-nets, DC1]}\n"
                     "  nas: {hosts: [10.1.0.8], managed: false}\n"
                     "  fs: {hosts: [10.1.0.1], role: file-server}\n"
                     "  v6: {hosts: [\"2001:db8::1\"], profiles: {public: enforce}}\n"));
    assert_int_equal(w.r.n_machines, 2);
    expect_set(&w, w.r.groups[0], "10.1.0.1/32 10.1.0.8/32 10.2.0.8/32 2001:db8::1/128");
    expect_set(&w, w.r.groups[1], "10.1.0.8/32");
    /* Unmanaged by one address, unmanaged by all. */
    expect_set(&w, w.r.unmanaged_members, "10.1.0.8/32 10.2.0.8/32");
    assert_false(prefix_set_contains(w.r.enforcing, addr("10.2.0.8")));
    assert_true(prefix_set_contains(w.r.enforcing, addr("10.2.0.9")));
    /* A role counts before the segment's profiles, the group's profiles before both. */
    expect_set(&w, w.r.modes[PROFILE_PRIVATE][MODE_ENFORCE], "10.1.0.1/32");
    assert_true(prefix_set_contains(w.r.modes[PROFILE_PUBLIC][MODE_ENFORCE], addr("10.1.0.1")));
    assert_true(prefix_set_contains(w.r.modes[PROFILE_PRIVATE][MODE_OFF], addr("10.1.0.2")));
    assert_true(
        prefix_set_contains(w.r.modes[PROFILE_PRIVATE][MODE_BLOCK_INBOUND], addr("10.2.0.1")));
    assert_true(prefix_set_contains(w.r.modes[PROFILE_PUBLIC][MODE_BLOCK_ALL], addr("10.1.0.2")));
    /* Every enforcing address has exactly one mode in every profile. */
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        struct prefix_set all = {0};
        assert_int_equal(w.r.modes[p][MODE_UNSET].n, 0);
        for (size_t m = MODE_ENFORCE; m <= MODE_OFF; m++) {
            assert_false(prefix_set_overlaps(all, w.r.modes[p][m]));
            all = prefix_set_union(&w.arena, all, w.r.modes[p][m]);
        }
        assert_true(prefix_set_equal(all, w.r.enforcing));
    }
    arena_close(&w.arena);
}

static void the_first_level_that_names_a_profile_decides(void **state)
{
    struct world w;
    (void)state;
    assert_true(make(&w, true,
                     "version: 1\nsegments:\n"
                     "  a: {networks: [10.1.0.0/24], trust: managed, profiles: {domain: off}}\n"
                     "  b: {networks: [10.2.0.0/24], trust: managed}\n"
                     "  u: {networks: [10.3.0.0/24], trust: untrusted}\n"
                     "groups:\n"
                     "  prn: {hosts: [10.1.0.1, 10.1.0.2], role: print-server}\n"
                     "  mgmt: {hosts: [10.1.0.3], role: management}\n"
                     "  quiet: {hosts: [10.1.0.2, 10.3.0.1], profiles: {domain: block-all}}\n"
                     "profiles: {domain: block-inbound}\n"));
    expect_set(&w, w.r.modes[PROFILE_DOMAIN][MODE_BLOCK_ALL], "10.1.0.2/32");
    expect_set(&w, w.r.modes[PROFILE_DOMAIN][MODE_ENFORCE], "10.1.0.1/32");
    expect_set(&w, w.r.modes[PROFILE_DOMAIN][MODE_BLOCK_INBOUND], "10.2.0.0/24");
    assert_true(prefix_set_contains(w.r.modes[PROFILE_DOMAIN][MODE_OFF], addr("10.1.0.3")));
    arena_close(&w.arena);
}

static void groups_that_disagree_are_an_error(void **state)
{
    struct world w;
    (void)state;
    assert_false(make(&w, true,
                      "version: 1\nsegments: {a: {networks: [10.1.0.0/24], trust: managed}}\n"
                      "groups:\n"
                      "  x: {hosts: [10.1.0.0/28], profiles: {private: off}}\n"
                      "  y: {hosts: [10.1.0.9], profiles: {private: enforce, public: off}}\n"));
    assert_int_equal(w.found.n, 1);
    expect_found(&w, 0, "5:3",
                 "\"x\" and \"y\" disagree on the private profile of 10.1.0.9: off and enforce");
    arena_close(&w.arena);
    /* By one address each, of one machine. */
    assert_false(make(&w, true,
                      "version: 1\nsegments: {a: {networks: [10.0.0.0/8], trust: managed}}\n"
                      "groups:\n"
                      "  h: {hosts: [two-nets]}\n"
                      "  x: {hosts: [10.1.0.8], profiles: {private: off}}\n"
                      "  y: {hosts: [10.2.0.8], profiles: {private: enforce}}\n"));
    arena_close(&w.arena);
    assert_true(make(&w, true,
                     "version: 1\nsegments: {a: {networks: [10.1.0.0/24], trust: managed}}\n"
                     "groups:\n"
                     "  x: {hosts: [10.1.0.8], profiles: {private: off}}\n"
                     "  y: {hosts: [10.1.0.9], profiles: {private: enforce}}\n"
                     "  z: {hosts: [10.1.0.8], profiles: {private: off, public: off}}\n"));
    arena_close(&w.arena);
}

static void names_that_cant_be_relied_on(void **state)
{
    static const char text[] =
        "version: 1\nsegments: {a: {networks: [10.1.0.0/16], trust: managed}}\n"
        "groups:\n"
        "  x: {hosts: [dc1, nobody, old,\n"
        "    moved, {ad-group: Admin PCs}, {ad-group: None}]}\n"
        "perimeter:\n"
        "  - {direction: outbound, from: a, service: smb,\n"
        "     to: {service-tag: Nope, file: tags.json}}\n";
    struct world w;
    (void)state;
    assert_true(make(&w, true, text));
    assert_int_equal(w.found.n_errors, 0);
    assert_int_equal(w.found.n, 5);
    expect_found(&w, 0, "4:20", "\"nobody\" has no address known");
    expect_found(&w, 1, "4:28", "\"old\" was last seen at");
    expect_found(&w, 2, "5:5", "10.1.0.30 of host \"moved\" is claimed by another host");
    expect_found(&w, 3, "5:35", "the AD group \"None\" has no address");
    expect_found(&w, 4, "8:10", "\"Nope\" can't be read from \"tags.json\"");
    expect_set(&w, w.r.groups[0],
               "10.1.0.1/32 10.1.0.20/32 10.1.0.31/32 10.1.0.77/32 2001:db8::1/128");
    arena_close(&w.arena);
    assert_false(make(&w, false, text));
    assert_int_equal(w.found.n_errors, 5);
    arena_close(&w.arena);
}

static void entries_become_sets(void **state)
{
    struct world w;
    (void)state;
    assert_true(make(&w, true,
                     "version: 1\nsegments:\n"
                     "  a: {networks: [10.1.0.0/24], trust: managed, nat: [192.168.1.1]}\n"
                     "groups:\n"
                     "  g: {hosts: [10.1.0.4], vip: [10.1.9.9]}\n"
                     "allow:\n"
                     "  - {from: a, to: g, service: smb}\n"
                     "  - {from: g, to: a, service: smb, except: {from: [a], to: g}}\n"
                     "  - {from: [10.0.0.0/8, internet], to: [], service: smb, secure: none}\n"
                     "  - {from: \"::/0\", to: 0.0.0.0/0, service: smb, secure: certificate}\n"
                     "  - {from: managed, to: g, service: smb}\n"));
    const struct resolved_entry *e = w.r.entries;
    assert_int_equal(w.r.n_entries, 5);
    expect_set(&w, e[4].from, "10.1.0.0/24 192.168.1.1/32");
    expect_set(&w, w.r.managed, "10.1.0.0/24");
    assert_true(
        resolve_selectors_have(&w.r, &e[4].entry->from, RESOLVE_CLIENT, addr("192.168.1.1")));
    assert_false(resolve_selectors_have(&w.r, &e[4].entry->from, RESOLVE_OWN, addr("192.168.1.1")));
    expect_set(&w, e[0].from, "10.1.0.0/24 192.168.1.1/32");
    expect_set(&w, e[0].to, "10.1.0.4/32 10.1.9.9/32");
    assert_int_equal(e[0].secure, SECURE_NONE);
    /* As client or server: the other side sees them so. */
    expect_set(&w, e[1].from, "10.1.0.4/32 10.1.9.9/32");
    expect_set(&w, e[1].to, "10.1.0.0/24 192.168.1.1/32");
    expect_set(&w, e[1].except_from, "10.1.0.0/24 192.168.1.1/32");
    expect_set(&w, e[1].except_to, "10.1.0.4/32 10.1.9.9/32");
    assert_true(e[2].from_internet);
    assert_false(e[2].to_internet || e[0].from_internet);
    assert_true(prefix_set_covers(e[2].from, w.r.places.internet));
    assert_int_equal(e[2].to.n, 0);
    /* Families are apart, whatever the line says. */
    assert_false(prefix_set_contains(e[3].from, addr("10.1.0.1")));
    assert_true(prefix_set_contains(e[3].from, addr("2001:db8::1")));
    assert_false(prefix_set_contains(e[3].to, addr("2001:db8::1")));
    assert_int_equal(e[3].secure, SECURE_CERTIFICATE);
    arena_close(&w.arena);
    assert_true(make(&w, true,
                     "version: 1\nsegments: {}\nwindows: {strategy: secure-bypass}\nallow:\n"
                     "  - {from: any, to: any, service: smb}\n"
                     "  - {from: any, to: any, service: smb, secure: none}\n"));
    assert_int_equal(w.r.entries[0].secure, SECURE_KERBEROS);
    assert_int_equal(w.r.entries[1].secure, SECURE_NONE);
    arena_close(&w.arena);
}

/* Who is not known is named, at every end where the group stands; a member that is known is no
 * reason to forget the other. */
static void members_without_addresses_are_named(void **state)
{
    static const struct {
        const char *from, *to, *except, *expected[4];
    } rows[] = {
        {"[gone, host]",                   "host",  "known", {"host gone", "host fs09", "", ""}},
        {"known",                          "known", "known", {"", "", "", ""}                  },
        {"half",                           "known", "known", {"group Sales PCs", "", "", ""}   },
        {"known",                          "sales", "known", {"", "group Sales PCs", "", ""}   },
        {"known",                          "known", "gone",  {"", "", "host gone", "host gone"}},
        {"[known, gone, sales]",
         "half",                                    "half",
         {"group Sales PCs", "group Sales PCs", "group Sales PCs", "group Sales PCs"}          },
        {"[s, managed, any, 10.1.0.0/24]", "[]",    "[]",    {"", "", "", ""}                  },
    };
    struct world w;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("text", 0, NULL);
        str text = str_format(
            &arena,
            "version: 1\nsegments: {s: {networks: [10.1.0.0/16], trust: managed}}\n"
            "groups:\n  known: {hosts: [dc1, {ad-group: Admin PCs}, 10.1.0.9]}\n"
            "  half: {hosts: [10.1.0.9, fs09, {ad-group: Sales PCs}, dc1]}\n"
            "  sales: {hosts: [{ad-group: Sales PCs}]}\n  host: {hosts: [fs09]}\n  gone: {hosts: "
            "[gone]}\n"
            "allow: [{from: %s, to: %s, service: smb, except: {from: %s, to: %s}}]\n"
            "perimeter:\n  - {direction: outbound, from: %s, to: internet, service: smb}\n"
            "  - {direction: inbound, from: internet, to: %s, service: smb}\n",
            rows[i].from, rows[i].to, rows[i].except, rows[i].except, rows[i].from, rows[i].to);
        assert_true(make(&w, true, str_c(&arena, text)));
        const struct resolved_entry *e = &w.r.entries[0];
        str found[] = {e->from_unknown, e->to_unknown, e->except_from_unknown,
                       e->except_to_unknown};
        for (size_t j = 0; j < COUNT_OF(found); j++)
            assert_string_equal(str_c(&w.arena, found[j]), rows[i].expected[j]);
        assert_true(str_equal(w.r.perimeter[0].from_unknown, found[0]));
        assert_true(str_equal(w.r.perimeter[1].to_unknown, found[1]));
        assert_false(w.r.perimeter[0].to_unknown.len || w.r.perimeter[1].from_unknown.len);
        arena_close(&w.arena);
        arena_close(&arena);
    }
}

static void the_perimeter_is_cut_to_the_internet(void **state)
{
    struct world w;
    (void)state;
    assert_true(make(&w, true,
                     "version: 1\nsegments:\n"
                     "  a: {networks: [10.1.0.0/24], trust: managed}\n"
                     "  dmz: {networks: [8.8.8.0/24], trust: managed, border: enforced}\n"
                     "perimeter:\n"
                     "  - {direction: outbound, from: [a, 9.9.9.9], service: smb,\n"
                     "     to: [8.8.0.0/16, {service-tag: Storage, file: tags.json}]}\n"
                     "  - {direction: inbound, from: untrusted, to: dmz, service: smb}\n"));
    const struct resolved_perimeter *p = w.r.perimeter;
    expect_set(&w, p[0].from, "10.1.0.0/24");
    assert_false(prefix_set_contains(p[0].to, addr("8.8.8.8")));
    assert_true(prefix_set_contains(p[0].to, addr("8.8.9.8")));
    assert_true(prefix_set_contains(p[0].to, addr("20.38.85.1")));
    assert_true(prefix_set_contains(p[0].to, addr("2603:1000::7")));
    assert_false(prefix_set_contains(p[0].to, addr("10.9.0.1")));
    assert_true(prefix_set_equal(p[1].from, w.r.places.internet));
    expect_set(&w, p[1].to, "8.8.8.0/24");
    assert_int_equal(w.r.n_borders, 2);
    assert_true(str_equal(w.r.borders[0].name, S("dmz")));
    expect_set(&w, w.r.borders[0].inside, "8.8.8.0/24");
    assert_true(str_equal(w.r.borders[1].name, S("internet")));
    assert_true(prefix_set_equal(w.r.borders[1].inside, w.r.builtins[BUILTIN_ANY]));
    arena_close(&w.arena);
    /* The key alone makes the border. */
    assert_true(make(&w, true, "version: 1\nsegments: {}\nperimeter: []\n"));
    assert_int_equal(w.r.n_borders, 1);
    arena_close(&w.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_live_in_the_longest_prefix),
        cmocka_unit_test(built_in_sets_are_what_they_say),
        cmocka_unit_test(machines_count_whole),
        cmocka_unit_test(machines_of_lone_addresses_count_whole),
        cmocka_unit_test(the_first_level_that_names_a_profile_decides),
        cmocka_unit_test(groups_that_disagree_are_an_error),
        cmocka_unit_test(names_that_cant_be_relied_on),
        cmocka_unit_test(entries_become_sets),
        cmocka_unit_test(members_without_addresses_are_named),
        cmocka_unit_test(the_perimeter_is_cut_to_the_internet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
