/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/check_covers.h"

#include "base/test.h"
#include "policy/diagnostics.h"
#include "policy/exceptions.h"
#include "rules/random_world.h"

/* ---- Random policies, against every pair of addresses -------------------------------------------
 */

enum { WORLDS = 150, MOST_ENTRIES = 14, MOST_ENDS = 8000, MOST_SAMPLES = 600, N_EXCEPTIONS = 3 };

struct sampled {
    struct addr addrs[MOST_ENDS];
    size_t n;
    bool same[MOST_SAMPLES][MOST_SAMPLES]; /* one machine, or local: no pair */
};

static int addr_order(const void *left, const void *right)
{
    const struct addr *a = left, *b = right;
    return addr_compare(*a, *b);
}

static void sample_set(struct sampled *s, struct prefix_set set)
{
    for (size_t i = 0; i < set.n; i++) {
        struct addr first = set.ranges[i].first, last = set.ranges[i].last;
        assert_true(s->n + 6 < MOST_ENDS);
        s->addrs[s->n++] = first;
        s->addrs[s->n++] = last;
        if (!addr_equal(first, last)) s->addrs[s->n++] = addr_next(first);
        if (!addr_equal(first, addr_all.first)) s->addrs[s->n++] = addr_previous(first);
        if (!addr_equal(last, addr_all.last)) s->addrs[s->n++] = addr_next(last);
    }
}

/* Where any set of the policy begins or ends, and beside it. */
static void sample(struct sampled *s, const struct resolved *r)
{
    size_t kept = 0;
    s->n = 0;
    for (size_t i = 0; i < r->n_entries; i++) {
        sample_set(s, r->entries[i].from);
        sample_set(s, r->entries[i].to);
        sample_set(s, r->entries[i].except_from);
        sample_set(s, r->entries[i].except_to);
    }
    for (size_t i = 0; i < r->n_perimeter; i++) {
        sample_set(s, r->perimeter[i].from);
        sample_set(s, r->perimeter[i].to);
    }
    sample_set(s, r->places.internet);
    sample_set(s, r->places.local);
    if (s->n) qsort(s->addrs, s->n, sizeof *s->addrs, addr_order);
    for (size_t i = 0; i < s->n; i++)
        if (!kept || !addr_equal(s->addrs[kept - 1], s->addrs[i])) s->addrs[kept++] = s->addrs[i];
    s->n = kept;
    assert_true(kept <= MOST_SAMPLES);
    for (size_t i = 0; i < s->n; i++)
        for (size_t j = 0; j < s->n; j++)
            s->same[i][j] = linear_same_machine(r, s->addrs[i], s->addrs[j]) ||
                            prefix_set_contains(r->places.local, s->addrs[i]) ||
                            prefix_set_contains(r->places.local, s->addrs[j]);
}

/* One entry at every sample, from the text of DESIGN.md 4. */
struct spoken {
    bool from[MOST_SAMPLES], to[MOST_SAMPLES];
    const size_t *services;
    size_t n_services;
    bool is_secure;
};

static bool is_local(const struct resolved *r, struct addr a)
{
    return prefix_set_contains(r->places.local, a);
}

static bool is_out(const struct resolved *r, struct addr a)
{
    return prefix_set_contains(r->places.internet, a);
}

static void speak_entry(struct spoken *out, const struct resolved *r,
                        const struct resolved_entry *e, const struct sampled *s)
{
    *out = (struct spoken){.services = e->entry->services,
                           .n_services = e->entry->n_services,
                           .is_secure = e->secure != SECURE_NONE};
    for (size_t i = 0; i < s->n; i++) {
        struct addr a = s->addrs[i];
        out->from[i] = prefix_set_contains(e->from, a) && !prefix_set_contains(e->except_from, a) &&
                       (!is_out(r, a) || e->from_internet) && !is_local(r, a);
        out->to[i] = prefix_set_contains(e->to, a) && !prefix_set_contains(e->except_to, a) &&
                     (!is_out(r, a) || e->to_internet) && !is_local(r, a);
    }
}

static void speak_perimeter(struct spoken *out, const struct resolved *r,
                            const struct resolved_perimeter *p, const struct sampled *s)
{
    bool outbound = p->direction == DIRECTION_OUTBOUND;
    *out = (struct spoken){.services = p->entry->services, .n_services = p->entry->n_services};
    for (size_t i = 0; i < s->n; i++) {
        bool out_there = is_out(r, s->addrs[i]);
        out->from[i] = prefix_set_contains(p->from, s->addrs[i]) && out_there != outbound &&
                       !is_local(r, s->addrs[i]);
        out->to[i] = prefix_set_contains(p->to, s->addrs[i]) && out_there == outbound &&
                     !is_local(r, s->addrs[i]);
    }
}

static bool lists(const struct spoken *e, size_t service)
{
    return linear_lists(e->services, e->n_services, (int)service);
}

/* Whether the others that are there allow each pair of this entry at least as freely. */
static bool others_allow(const struct spoken *all, size_t n, size_t at, const bool *there,
                         const struct sampled *s, bool *matches)
{
    *matches = false;
    for (size_t k = 0; k < all[at].n_services; k++)
        for (size_t f = 0; f < s->n; f++)
            for (size_t t = 0; all[at].from[f] && t < s->n; t++) {
                if (!all[at].to[t]) continue;
                *matches = true;
                bool held = s->same[f][t];
                for (size_t i = 0; i < n && !held; i++)
                    held = i != at && there[i] && all[i].from[f] && all[i].to[t] &&
                           (!all[i].is_secure || all[at].is_secure) &&
                           lists(&all[i], all[at].services[k]);
                if (!held) return false;
            }
    return true;
}

/* Makes parts of entries into more entries, so that there is much to find; the last ones are
 * exceptions. */
static void add_entries(struct random_world *w)
{
    struct exception *exceptions = arena_array(w->arena, struct exception, N_EXCEPTIONS);
    struct resolved_entry *all = arena_array(w->arena, struct resolved_entry, MOST_ENTRIES);
    struct entry *entries = arena_array(w->arena, struct entry, MOST_ENTRIES);
    static const struct source_text file = {
        {"exceptions.yaml", 15},
        {0                }
    };
    size_t n = w->resolved.n_entries, n_more = n ? 3 + (size_t)world_random(w, 4) : 0;
    memcpy(all, w->resolved.entries, n * sizeof *all);
    for (size_t i = 0; i < n_more; i++) {
        const struct resolved_entry *of = &all[world_random(w, n)];
        struct resolved_entry *e = &all[n];
        *e = *of;
        entries[n] = *of->entry;
        entries[n].place = (struct place){(uint32_t)(10 + n), 3};
        e->entry = &entries[n];
        if (world_random(w, 2)) e->from = prefix_set_intersect(w->arena, e->from, world_set(w, 4));
        if (world_random(w, 2)) e->to = prefix_set_union(w->arena, e->to, world_set(w, 1));
        if (world_random(w, 2)) e->except_to = world_set(w, 2);
        n++;
    }
    for (size_t i = 0; n && i < N_EXCEPTIONS; i++, n++) {
        all[n] = all[world_random(w, n - i)];
        entries[n] = *all[n].entry;
        entries[n].place = (struct place){(uint32_t)(100 + i), 3};
        exceptions[i].file = &file;
        all[n].entry = &entries[n];
        all[n].exception = &exceptions[i];
        if (world_random(w, 2))
            all[n].from = prefix_set_intersect(w->arena, all[n].from, world_set(w, 6));
    }
    w->resolved.entries = all;
    w->resolved.n_entries = n;
}

static bool is_found(const struct diagnostics *found, uint32_t line)
{
    for (size_t i = 0; i < found->n; i++)
        if (found->items[i].place.line == line &&
            (str_equal(found->items[i].kind, S("shadowed")) ||
             str_equal(found->items[i].kind, S("never-matches"))))
            return true;
    return false;
}

static void shadowed_is_what_every_pair_says(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct sampled *s = calloc(1, sizeof *s);
    struct spoken *all = calloc(MOST_ENTRIES + WORLD_PERIMETER, sizeof *all);
    size_t n_shadowed = 0, n_exceptions = 0, n_not = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        arena_reset(&arena);
        struct random_world *w = world_make(&arena, seed, true);
        const struct resolved *r = &w->resolved;
        add_entries(w);
        sample(s, r);
        struct reach *reaches = arena_array(&arena, struct reach, r->n_entries);
        for (size_t i = 0; i < r->n_entries; i++)
            reaches[i] = reach_of_entry(r, &r->entries[i], &arena);
        struct diagnostics found = {0};
        check_covers(r, reaches, &arena, scratch, &found);

        bool there[MOST_ENTRIES + WORLD_PERIMETER], matches;
        size_t n_lines = r->n_entries + r->n_perimeter;
        for (size_t i = 0; i < r->n_entries; i++)
            speak_entry(&all[i], r, &r->entries[i], s);
        for (size_t i = 0; i < r->n_perimeter; i++)
            speak_perimeter(&all[r->n_entries + i], r, &r->perimeter[i], s);
        for (size_t i = 0; i < n_lines; i++)
            there[i] = i >= r->n_entries || !r->entries[i].exception;
        for (size_t left = n_lines; left > 0; left--) {
            size_t i = left - 1;
            bool is_exception = i < r->n_entries && r->entries[i].exception;
            uint32_t line = i < r->n_entries ? r->entries[i].entry->place.line
                                             : r->perimeter[i - r->n_entries].entry->place.line;
            bool expected = others_allow(all, n_lines, i, there, s, &matches) && matches;
            if (expected) there[i] = false;
            if (expected != is_found(&found, line))
                fail_msg("world %" PRIu64 ", line %u: expected %d", seed, line, expected);
            n_shadowed += expected;
            n_exceptions += expected && is_exception;
            n_not += !expected;
        }
    }
    print_message("%zu shadowed, %zu of them exceptions, %zu not\n", n_shadowed, n_exceptions,
                  n_not);
    assert_true(n_shadowed > WORLDS && n_exceptions > WORLDS / 10 && n_not > WORLDS);
    free(all);
    free(s);
    arena_close(&scratch);
    arena_close(&arena);
}

/* ---- Known answers ------------------------------------------------------------------------------
 */

#define WORLD                                                                                      \
    "version: 1\nsegments:\n"                                                                      \
    "  a: {networks: [10.1.0.0/24, \"2001:db8:1::/64\"], trust: managed}\n"                        \
    "  b: {networks: [10.2.0.0/24, \"2001:db8:2::/64\"], trust: managed}\n"                        \
    "  sub: {networks: [10.2.0.128/25], trust: managed}\n"                                         \
    "  u: {networks: [10.3.0.0/24], trust: untrusted}\n"                                           \
    "groups:\n"                                                                                    \
    "  fs: {hosts: [10.2.0.7, 10.2.0.8]}\n"                                                        \
    "  one: {hosts: [10.2.0.7]}\n"                                                                 \
    "  alone: {hosts: [10.1.0.9]}\n"                                                               \
    "allow:\n"

#define HEAD_UNKNOWN                                                                               \
    "version: 1\nsegments:\n"                                                                      \
    "  a: {networks: [10.1.0.0/24], trust: managed}\n"                                             \
    "  b: {networks: [10.2.0.0/24], trust: managed}\n"                                             \
    "groups: {people: {hosts: [10.1.0.7, {ad-group: People}]}}\n"                                  \
    "allow:\n"

struct covers_row {
    const char *name, *text;
    const char *found[4]; /* "line kind: part of the text", in order; NULL ends */
};

static void known_policies(void **state)
{
    static const struct covers_row rows[] = {
        {"a union of two",
         WORLD "  - {from: 10.1.0.0/25, to: fs, service: smb}\n"
               "  - {from: 10.1.0.128/25, to: fs, service: smb}\n"
               "  - {name: both, from: 10.1.0.64/26, to: one, service: smb}\n"
               "  - {name: across, from: 10.1.0.0/24, to: one, service: smb}\n",              {"14 shadowed: \"both\" allows nothing that the entry of line 12 does not allow",
          "15 shadowed: \"across\" allows nothing that these 2 together do not allow: the "
          "entry "
          "of line 12 and the entry of line 13"}                                            },
        {"the union misses one address",
         WORLD "  - {from: 10.1.0.0/25, to: fs, service: smb}\n"
               "  - {from: 10.1.0.128/25, to: fs, service: smb, except: {from: 10.1.0.200}}\n"
               "  - {from: 10.1.0.0/24, to: fs, service: smb}\n",                             {"12 shadowed: line 14", "13 shadowed: line 14",
          "13 except-undone: the entry of line 14 all the same: 10.1.0.200 -> 10.2.0.7"}                   },
        {"IPv6 is not held by IPv4",
         WORLD "  - {from: 10.1.0.0/24, to: fs, service: smb}\n"
               "  - {from: a, to: fs, service: smb}\n"
               "  - {from: \"2001:db8:1::/65\", to: fs, service: smb}\n",                     {"12 shadowed: line 13", "14 shadowed: line 13"}                              },
        {"all of IPv6 is not all of IPv4",
         WORLD "  - {from: \"::/0\", to: fs, service: smb}\n"
               "  - {from: 10.1.0.0/24, to: fs, service: smb}\n",                             {NULL}                                                                        },
        {"services by services",
         WORLD "  - {from: a, to: fs, service: smb}\n"
               "  - {from: a, to: fs, service: netbios}\n"
               "  - {from: a, to: fs, service: [smb, netbios]}\n",                            {"14 shadowed: these 2 together"}                                             },
        {"of equals the later",
         WORLD "  - {from: a, to: fs, service: smb}\n"
               "  - {from: a, to: [one, 10.2.0.8], service: smb}\n",                          {"13 shadowed: line 12"}                                                      },
        {"plain beats secure, never the other way",
         WORLD "  - {from: a, to: one, service: smb, secure: kerberos}\n"
               "  - {from: a, to: fs, service: smb, secure: certificate}\n"
               "  - {from: 10.1.0.0/25, to: fs, service: smb}\n",                             {"12 shadowed: line 13"}                                                      },
        {"secured by a plain and a secured one",
         WORLD "  - {from: 10.1.0.0/25, to: fs, service: smb}\n"
               "  - {from: 10.1.0.128/25, to: fs, service: smb, secure: kerberos}\n"
               "  - {from: 10.1.0.0/24, to: fs, service: smb, secure: kerberos}\n",           {"14 shadowed: these 2 together do not allow: the entry of line 12 and the entry of line "
          "13"}                                                                          },
        {"a segment is where addresses live, a prefix what it contains",
         WORLD "  - {from: b, to: alone, service: smb}\n"
               "  - {from: 10.2.0.0/24, to: alone, service: smb}\n",                          {NULL}                                                                        },
        {"a hole of a segment filled",
         WORLD "  - {from: [b, sub], to: alone, service: smb}\n"
               "  - {from: 10.2.0.0/24, to: alone, service: smb}\n",                          {"13 shadowed: line 12"}                                                      },
        {"an except binds its own entry only",
         WORLD "  - {name: wide, from: a, to: b, service: smb, except: {to: fs}}\n"
               "  - {name: back, from: alone, to: one, service: [smb, netbios]}\n",           {"12 except-undone: what the entry \"wide\" takes out by its except is allowed by the "
          "entry \"back\" "
          "(line 13) all the same: 10.1.0.9 -> 10.2.0.7"}                                },
        {"asking for more is no way around",
         WORLD "  - {from: a, to: b, service: smb, except: {to: fs}}\n"
               "  - {from: alone, to: one, service: smb, secure: kerberos}\n"
               "  - {from: alone, to: one, service: netbios}\n",                              {NULL}                                                                        },
        {"what nobody excepted was not taken out",
         WORLD "  - {from: a, to: fs, service: smb, except: {to: 10.2.0.99}}\n"
               "  - {from: b, to: 10.2.0.99, service: smb}\n",                                {NULL}                                                                        },
        {"a machine and itself",
         WORLD "  - {from: alone, to: alone, service: smb}\n"
               "  - {from: [alone, 10.1.0.10], to: alone, service: smb}\n"
               "  - {from: 10.1.0.10, to: alone, service: smb}\n",                            {"12 never-matches: all its pairs are of one machine", "14 shadowed: line 13"}},
        {"an address of the internet only by that word",
         WORLD "  - {from: internet, to: fs, service: smb}\n"
               "  - {from: untrusted, to: fs, service: smb}\n"
               "perimeter:\n"
               "  - {direction: inbound, from: 8.8.8.0/24, to: fs, service: smb}\n"
               "  - {direction: outbound, from: a, to: 8.8.8.0/24, service: smb}\n",          {"15 shadowed: the perimeter entry of line 15 allows nothing that the entry "
          "of line 12 does not allow"}                                                  },
        {"members that nobody knows are not held by anybody",
         HEAD_UNKNOWN "  - {from: a, to: b, service: smb}\n"
                      "  - {from: people, to: b, service: smb}\n"
                      "  - {from: 10.1.0.9, to: 10.2.0.9, service: smb}\n",                   {"5 unresolved: People", "9 shadowed: line 7"}                                },
        {"who leaves out somebody unknown holds nothing",
         HEAD_UNKNOWN "  - {from: a, to: b, service: smb, except: {from: people}}\n"
                      "  - {from: 10.1.0.9, to: 10.2.0.9, service: smb}\n",                   {"5 unresolved: People"}                                                      },
        {"perimeter entries hold each other",
         WORLD "  []\nperimeter:\n"
               "  - {name: half, direction: outbound, from: a, to: 1.0.0.0/9, service: smb}\n"
               "  - {direction: outbound, from: a, to: 1.128.0.0/9, service: smb}\n"
               "  - {direction: outbound, from: 10.1.0.0/24, to: 1.0.0.0/8, service: smb}\n", {"16 shadowed: the perimeter entry \"half\" (line 14) and the perimeter entry of line "
          "15"}                                                                },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
        struct policy policy;
        struct resolved resolved;
        struct diagnostics found = {0};
        size_t n_expected = 0;
        str text = str_of(rows[i].text);
        /* A list of none is written so. */
        if (!policy_parse(S("p"), text, &arena, &policy, &found) ||
            !resolve_policy(&policy, NULL, 0, true, &arena, &resolved, &found))
            fail_msg("%s: %.*s", rows[i].name, STR_ARG(found.items[0].text));
        struct reach *reaches = arena_array(&arena, struct reach, resolved.n_entries);
        for (size_t j = 0; j < resolved.n_entries; j++)
            reaches[j] = reach_of_entry(&resolved, &resolved.entries[j], &arena);
        check_covers(&resolved, reaches, &arena, scratch, &found);
        diagnostics_sort(&found, 0, &arena);
        while (n_expected < COUNT_OF(rows[i].found) && rows[i].found[n_expected])
            n_expected++;
        for (size_t j = 0; j < found.n || j < n_expected; j++) {
            str said = {0}, head = {0}, part = {0};
            if (j < found.n)
                said = str_format(&arena, "%u %.*s: %.*s", found.items[j].place.line,
                                  STR_ARG(found.items[j].kind), STR_ARG(found.items[j].text));
            if (j < n_expected) {
                str expected = str_of(rows[i].found[j]);
                (void)str_cut(expected, ':', &head, &part);
                part = str_tail(part, 1);
            }
            if (j >= found.n || j >= n_expected || !str_starts(said, head) ||
                !str_contains(said, part))
                fail_msg("%s: finding %zu: %.*s; expected %s", rows[i].name, j, STR_ARG(said),
                         j < n_expected ? rows[i].found[j] : "none");
        }
        arena_close(&scratch);
        arena_close(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shadowed_is_what_every_pair_says),
        cmocka_unit_test(known_policies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
