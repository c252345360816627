/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/check_evidence.h"

#include "base/instant.h"
#include "base/test.h"
#include "policy/diagnostics.h"

/* A site in which packets of the servers' network were read, and ten clients of their own accord
 * came by: .1 to .10. One server, 10.2.0.30, is known by name only in the policy. */
#define HEAD                                                                                       \
    "version: 1\ngovern: [smb, rdp]\nsegments:\n"                                                  \
    "  a: {networks: [10.1.0.0/24], trust: managed}\n"                                             \
    "  b: {networks: [10.2.0.0/24], trust: managed}\n"                                             \
    "  far: {networks: [10.9.0.0/24], trust: managed}\n"                                           \
    "  guest: {networks: [10.3.0.0/24], trust: untrusted}\n"                                       \
    "groups:\n"                                                                                    \
    "  dc: {hosts: [10.2.0.11], role: domain-controller}\n"                                        \
    "  fs: {hosts: [10.2.0.21]}\n"                                                                 \
    "  silent: {hosts: [10.2.0.30]}\n"                                                             \
    "  ps: {hosts: [10.2.0.31], role: print-server}\n"                                             \
    "allow:\n"

struct evidence_row {
    const char *name, *text;
    const char *found[6]; /* "line kind: part of the text", by place; NULL ends */
};

static const struct evidence_row rows[] = {
    {"all used, nothing to say",
     HEAD "  - {from: a, to: dc, service: smb}\n"
          "  - {from: 10.1.0.1, to: [fs, ps], service: [smb, rdp]}\n"
          "  - {from: 10.1.0.3, to: fs, service: rdp}\n",        {NULL}                                                                          },
    {"an entry that nobody used, and one of which nobody can tell",
     HEAD "  - {from: a, to: dc, service: smb}\n"
          "  - {from: [10.1.0.1, 10.1.0.3], to: [fs, ps], service: [smb, rdp]}\n"
          "  - {name: idle, from: b, to: fs, service: smb}\n"
          "  - {name: dark, from: far, to: silent, service: smb}\n"
          "  - {name: void, from: 10.77.0.0/16, to: 10.78.0.0/16, service: smb}\n"
          "  - {name: rare, from: far, to: fs, service: smb}\n", {"16 unused: no flow of 2026-11-02 to 2026-11-20 (19 days) used the entry \"idle\"",
      "17 undecidable: whether anybody uses the entry \"dark\" is undecidable: no flow of "
      "2026-11-02 "
      "to 2026-11-20 (19 days) did, but nothing shows the own side of 10.2.0.30 and 0 more",
      "18 undecidable: no machine of either end is known", "19 unused: \"rare\""}},
    {"far wider than its use",
     HEAD "  - {from: a, to: dc, service: smb}\n"
          "  - {name: open, from: [a, far], to: fs, service: [smb, rdp]}\n"
          "  - {from: 10.1.0.1, to: ps, service: smb}\n",        {"15 wider-than-observed: the entry \"open\" is wider than its use: flows of 2026-11-02 to "
      "2026-11-20 (19 days) used it between 2 of its 10 known pairs; 2 of the 10 known clients of "
      "segment \"a\" (fewer than one in 4)"}                                            },
    {"servers cut from their users",
     HEAD "  - {from: [10.1.0.1, 10.1.0.2], to: dc, service: smb}\n"
          "  - {from: 10.1.0.1, to: fs, service: smb}\n",        {"9 cuts-role: the domain controller 10.2.0.11",
      "10 cuts-role: remote management of 10.2.0.21 "
      "would lose 1 of the 1 clients",
      "12 cuts-role: the print server 10.2.0.31"}                                       },
};

static struct addr addr(const char *text)
{
    struct addr a = {0};
    if (!addr_parse(str_of(text), &a)) fail_msg("%s", text);
    return a;
}

struct site {
    struct matrix_flow flows[32];
    struct share_use uses[4];
    struct matrix_view matrix;
    struct host_list hosts;
    struct hosts_view roles;
    struct replay replay;
};

static const struct witness seen = {
    .source = {"a.pcap", 6},
      .reader = {"pcap",   4}
};

static void add_flow(struct site *s, const char *client, const char *server, uint16_t port,
                     const char *when)
{
    struct matrix_flow *flow = &s->flows[s->matrix.n_flows++];
    *flow = (struct matrix_flow){
        .client = {.addr = addr(client)},
        .server = {.addr = addr(server)},
        .transport = TRANSPORT_TCP,
        .port = port,
        .connections = 1,
        .evidence = &seen,
        .n_evidence = 1,
    };
    flow->outcomes[OUTCOME_ESTABLISHED] = 1;
    flow->profiles[PROFILE_UNKNOWN] = 1;
    assert_true(instant_parse(str_of(when), &flow->first_us));
    flow->last_us = flow->first_us;
}

static int end_order(const void *left, const void *right)
{
    return addr_compare(*(const struct addr *)left, *(const struct addr *)right);
}

static int flow_order(const void *left, const void *right)
{
    return view_compare_flows(left, right);
}

static void make_site(struct site *s, struct arena *arena, struct arena scratch)
{
    struct addr ends[64];
    size_t n = 0, kept = 0, n_shares;
    for (unsigned i = 1; i <= 10; i++) {
        char client[ADDR_TEXT];
        snprintf(client, sizeof client, "10.1.0.%u", i);
        add_flow(s, client, "10.2.0.11", 445, "2026-11-02T08:00:00Z");
    }
    add_flow(s, "10.1.0.1", "10.2.0.21", 445, "2026-11-20T08:00:00Z");
    add_flow(s, "10.1.0.3", "10.2.0.21", 3389, "2026-11-03T08:00:00Z");
    add_flow(s, "10.1.0.1", "10.2.0.31", 445, "2026-11-03T09:00:00Z");
    add_flow(s, "10.3.0.9", "10.2.0.31", 445, "2026-11-03T09:00:00Z");
    s->matrix.flows = s->flows;
    qsort(s->flows, s->matrix.n_flows, sizeof *s->flows, flow_order);
    s->uses[0] = (struct share_use){.client = {.addr = addr("10.1.0.1")},
                                    .server = {.addr = addr("10.2.0.11")},
                                    .transport = TRANSPORT_TCP,
                                    .port = 445,
                                    .share = S("\\\\dc\\SYSVOL"),
                                    .count = 1};
    s->uses[1] = s->uses[0];
    s->uses[1].server.addr = addr("10.2.0.31");
    s->uses[1].share = S("\\\\ps\\print$");
    s->uses[1].is_printer = true;
    for (size_t i = 0; i < s->matrix.n_flows; i++) {
        ends[n++] = s->flows[i].client.addr;
        ends[n++] = s->flows[i].server.addr;
    }
    qsort(ends, n, sizeof *ends, end_order);
    for (size_t i = 0; i < n; i++)
        if (!kept || !addr_equal(ends[kept - 1], ends[i])) ends[kept++] = ends[i];
    s->hosts = hosts_of(arena, NULL, 0, ends, kept);
    const struct share_view *shares = roles_shares(arena, s->uses, 2, &s->hosts, &n_shares);
    s->roles = roles_of(arena, &s->hosts, &s->matrix, shares, n_shares);
    s->replay = replay_of(&s->matrix, arena, scratch);
}

static void known_sites(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
        struct site *site = arena_new(&arena, struct site);
        struct policy policy;
        struct resolved resolved;
        struct diagnostics found = {0};
        size_t n_expected = 0;
        make_site(site, &arena, scratch);
        if (!policy_parse(S("p"), str_of(rows[i].text), &arena, &policy, &found) ||
            !resolve_policy(&policy, NULL, 0, true, &arena, &resolved, &found))
            fail_msg("%s: %.*s", rows[i].name, STR_ARG(found.items[0].text));
        struct check_evidence evidence = {.resolved = &resolved,
                                          .replay = &site->replay,
                                          .hosts = &site->hosts,
                                          .roles = &site->roles};
        check_evidence(&evidence, &arena, scratch, &found);
        diagnostics_sort(&found, 0, &arena);
        while (n_expected < COUNT_OF(rows[i].found) && rows[i].found[n_expected])
            n_expected++;
        for (size_t j = 0; j < found.n || j < n_expected; j++) {
            str said = {0}, head = {0}, part = {0};
            if (j < found.n)
                said = str_format(&arena, "%u %.*s: %.*s", found.items[j].place.line,
                                  STR_ARG(found.items[j].kind), STR_ARG(found.items[j].text));
            if (j < n_expected) {
                (void)str_cut(str_of(rows[i].found[j]), ':', &head, &part);
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
        cmocka_unit_test(known_sites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
