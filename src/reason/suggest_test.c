/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/suggest.h"

#include "base/instant.h"
#include "base/test.h"
#include "reason/suggest_print.h"

/* ---- A small network ----------------------------------------------------------------------------
 * A controller, a file server and four clients that use both; what a row adds is judged among them.
 */

struct row {
    const char *name, *client, *server;
    uint16_t port;
    enum transport transport;
    enum outcome outcome;
    uint64_t connections;
    unsigned dialects, auths;
    const char *share, *pipe, *user;
    enum suggest_fate fate;
    enum suggest_question_kind kind; /* of SUGGEST_ASKED */
};

#define TCP   TRANSPORT_TCP
#define UDP   TRANSPORT_UDP
#define SMB3  1u << DIALECT_3_1_1
#define SMB1  1u << DIALECT_NT_LM_012
#define NTLM  1u << AUTH_NTLMV2
#define KRB   1u << AUTH_KERBEROS
#define GUEST 1u << AUTH_GUEST
#define ANON  1u << AUTH_ANONYMOUS
#define DOCS  "\\\\fs\\docs"
#define U     "CORP\\u"
#define OK    OUTCOME_ESTABLISHED

/* clang-format off */
static const struct row rows[] = {
    {"a habit",                  "10.1.1.11", "10.9.0.7", 445, TCP, OK, 2, SMB3, KRB, DOCS, "", U, SUGGEST_KEPT, 0},
    {"one connection, one day",  "10.1.1.11", "10.9.0.7", 445, TCP, OK, 1, SMB3, KRB, DOCS, "", U, SUGGEST_ASKED, SUGGEST_ASK_ONE_OFF},
    {"as its neighbours do",     "10.1.1.14", "10.9.0.6", 445, TCP, OK, 1, SMB3, KRB, DOCS, "", U, SUGGEST_KEPT, 0},
    {"the lifeline",             "10.1.1.14", "10.9.0.5", 445, TCP, OK, 1, SMB3, KRB, "\\\\dc\\SYSVOL", "", U, SUGGEST_LIFELINE, 0},
    {"NetBIOS session",          "10.1.1.11", "10.9.0.6", 139, TCP, OK, 2, SMB3, KRB, DOCS, "", U, SUGGEST_KEPT, 0},
    {"NetBIOS names, unicast",   "10.1.1.11", "10.9.0.6", 137, UDP, OK, 2, 0, 0, "", "", "", SUGGEST_KEPT, 0},
    {"NetBIOS names, broadcast", "10.1.1.11", "10.1.1.255", 137, UDP, OK, 9, 0, 0, "", "", "", SUGGEST_LOCAL, 0},
    {"a wider broadcast",        "10.1.1.11", "10.1.255.255", 138, UDP, OK, 9, 0, 0, "", "", "", SUGGEST_ASKED, SUGGEST_ASK_BROADCAST},
    {"not governed",             "10.1.1.11", "10.9.0.6", 3389, TCP, OK, 9, 0, 0, "", "", "", SUGGEST_PASSED_OVER, 0},
    {"link-local",               "fe80::1", "fe80::2", 445, TCP, OK, 9, SMB3, KRB, DOCS, "", U, SUGGEST_LOCAL, 0},
    {"to itself",                "10.9.0.6", "10.9.0.6", 445, TCP, OK, 9, SMB3, KRB, DOCS, "", U, SUGGEST_LOCAL, 0},
    {"refused",                  "10.1.1.11", "10.9.0.7", 445, TCP, OUTCOME_REFUSED, 9, 0, 0, "", "", "", SUGGEST_ASKED, SUGGEST_ASK_NEVER_WORKED},
    {"no answer",                "10.1.1.11", "10.9.0.7", 445, TCP, OUTCOME_NO_ANSWER, 9, 0, 0, "", "", "", SUGGEST_ASKED, SUGGEST_ASK_NEVER_WORKED},
    {"blocked",                  "10.1.1.11", "10.9.0.7", 445, TCP, OUTCOME_BLOCKED, 9, 0, 0, "", "", "", SUGGEST_ASKED, SUGGEST_ASK_NEVER_WORKED},
    {"prohibited",               "10.1.1.11", "10.9.0.7", 445, TCP, OUTCOME_PROHIBITED, 9, 0, 0, "", "", "", SUGGEST_ASKED, SUGGEST_ASK_NEVER_WORKED},
    {"failed logons only",       "10.1.1.11", "10.9.0.7", 445, TCP, OUTCOME_AUTH_FAILED, 9, SMB3, NTLM, "", "", U, SUGGEST_ASKED, SUGGEST_ASK_FAILED_LOGON},
    {"let through by a log",     "10.1.1.11", "10.9.0.7", 445, TCP, OUTCOME_ALLOWED, 9, 0, 0, "", "", "", SUGGEST_KEPT, 0},
    {"shares in an event log",   "10.1.1.11", "10.9.0.7", 445, TCP, OUTCOME_ACCESSED, 9, 0, 0, DOCS, "", U, SUGGEST_KEPT, 0},
    {"an unknown network",       "10.66.0.7", "10.9.0.6", 445, TCP, OK, 9, SMB3, NTLM, DOCS, "", "PC7\\bob", SUGGEST_ASKED, SUGGEST_ASK_UNTRUSTED},
    {"from the internet",        "198.51.100.7", "10.9.0.6", 445, TCP, OK, 9, SMB3, NTLM, DOCS, "", U, SUGGEST_ASKED, SUGGEST_ASK_INTERNET},
    {"to the internet",          "10.1.1.11", "203.0.113.9", 445, TCP, OK, 9, SMB3, NTLM, DOCS, "", U, SUGGEST_ASKED, SUGGEST_ASK_INTERNET},
    {"SMB 1 alone",              "10.1.1.11", "10.9.0.7", 445, TCP, OK, 9, SMB1, NTLM, DOCS, "", U, SUGGEST_ASKED, SUGGEST_ASK_SMB1},
    {"SMB 1 beside newer",       "10.1.1.11", "10.9.0.7", 445, TCP, OK, 9, SMB1 | SMB3, NTLM, DOCS, "", U, SUGGEST_KEPT, 0},
    {"a guest",                  "10.1.1.11", "10.9.0.7", 445, TCP, OK, 9, SMB3, NTLM | GUEST, DOCS, "", U, SUGGEST_ASKED, SUGGEST_ASK_GUEST},
    {"nobody",                   "10.1.1.11", "10.9.0.7", 445, TCP, OK, 9, SMB3, ANON, DOCS, "", "", SUGGEST_ASKED, SUGGEST_ASK_GUEST},
    {"nobody and somebody",      "10.1.1.11", "10.9.0.7", 445, TCP, OK, 9, SMB3, ANON | NTLM, DOCS, "", U, SUGGEST_KEPT, 0},
    {"client to client",         "10.1.1.11", "10.1.1.12", 445, TCP, OK, 9, SMB3, KRB, DOCS, "", U, SUGGEST_ASKED, SUGGEST_ASK_ENDPOINT},
    {"C$ alone",                 "10.1.1.11", "10.9.0.7", 445, TCP, OK, 9, SMB3, KRB, "\\\\fs\\C$", "", U, SUGGEST_ASKED, SUGGEST_ASK_ADMIN},
    {"the service manager",      "10.1.1.11", "10.9.0.7", 445, TCP, OK, 9, SMB3, KRB, "\\\\fs\\IPC$", "svcctl", U, SUGGEST_ASKED, SUGGEST_ASK_ADMIN},
    {"asking for shares",        "10.1.1.11", "10.9.0.7", 445, TCP, OK, 9, SMB3, KRB, "\\\\fs\\IPC$", "srvsvc", U, SUGGEST_KEPT, 0},
    {"IPv6, of no segment",      "10.1.1.11", "fd00::9", 445, TCP, OUTCOME_NO_ANSWER, 9, 0, 0, "", "", "", SUGGEST_ASKED, SUGGEST_ASK_NEVER_WORKED},
};
/* clang-format on */

enum { CLIENTS = 4, BACKGROUND = 2 * CLIENTS };

struct world {
    struct arena arena, scratch;
    struct matrix_flow flows[256];
    size_t n;
    struct suggest_sources sources;
    struct suggest_options options;
};

static struct addr addr_of(const char *text)
{
    struct addr a = {0};
    if (!addr_parse(str_of(text), &a)) fail_msg("%s", text);
    return a;
}

static struct names one_name(struct arena *arena, const char *text)
{
    if (!*text) return (struct names){0};
    str *name = arena_new(arena, str);
    *name = str_of(text);
    return (struct names){name, 1};
}

static void add(struct world *w, const struct row *row)
{
    struct matrix_flow *flow = &w->flows[w->n++];
    *flow = (struct matrix_flow){
        .client = {.addr = addr_of(row->client)},
        .server = {.addr = addr_of(row->server)},
        .transport = row->transport,
        .port = row->port,
        .is_smb = row->dialects != 0,
        .connections = row->connections,
        .connections_exact = true,
        .first_us = INSTANT_DAY * 20000,
        .last_us = INSTANT_DAY * 20000 + INSTANT_SECOND,
        .dialects = (uint8_t)row->dialects,
        .auths = (uint8_t)row->auths,
        .users = one_name(&w->arena, row->user),
        .shares = one_name(&w->arena, row->share),
        .pipes = one_name(&w->arena, row->pipe),
    };
    flow->outcomes[row->outcome] = row->connections;
    flow->profiles[PROFILE_UNKNOWN] = 1;
}

/* A client's logon and its use of the file server. */
static void add_habits(struct world *w, const char *client)
{
    struct row dc = {"",   client, "10.9.0.5",       445, TCP, OK,           3,
                     SMB3, KRB,    "\\\\dc\\SYSVOL", "",  "",  SUGGEST_KEPT, SUGGEST_ASK_ONE_OFF};
    struct row fs = {"",   client, "10.9.0.6", 445, TCP, OK,           3,
                     SMB3, KRB,    DOCS,       "",  "",  SUGGEST_KEPT, SUGGEST_ASK_ONE_OFF};
    add(w, &dc);
    add(w, &fs);
}

static int flow_order(const void *left, const void *right)
{
    return view_compare_flows(left, right);
}

static int end_order(const void *left, const void *right)
{
    return addr_compare(*(const struct addr *)left, *(const struct addr *)right);
}

static bool is_named_controller(const struct host_view *view)
{
    for (size_t i = 0; i < view->n_roles; i++)
        if (view->roles[i].role == HOST_ROLE_DOMAIN_CONTROLLER) return true;
    return false;
}

/* Flows to everything that `suggest` is given. */
static void finish(struct world *w, const struct host_witness *witnesses, size_t n_witnesses)
{
    struct arena *arena = &w->arena;
    struct addr *ends = arena_array(arena, struct addr, 2 * w->n + 1);
    struct share_use *uses = arena_array(arena, struct share_use, w->n + 1);
    struct matrix_view *matrix = arena_new(arena, struct matrix_view);
    struct host_list *hosts = arena_new(arena, struct host_list);
    struct hosts_view *views = arena_new(arena, struct hosts_view);
    size_t n = 0, n_ends = 0, n_uses = 0, n_shares = 0, n_controllers = 0;
    qsort(w->flows, w->n, sizeof *w->flows, flow_order);
    for (size_t i = 0; i < w->n; i++) {
        const struct matrix_flow *flow = &w->flows[i];
        ends[n++] = flow->client.addr;
        ends[n++] = flow->server.addr;
        if (!flow->shares.n || !view_flow_worked(flow)) continue;
        uses[n_uses++] = (struct share_use){.client = flow->client,
                                            .server = flow->server,
                                            .transport = flow->transport,
                                            .port = flow->port,
                                            .share = flow->shares.items[0],
                                            .count = 1,
                                            .first_us = flow->first_us,
                                            .last_us = flow->last_us};
    }
    qsort(ends, n, sizeof *ends, end_order);
    for (size_t i = 0; i < n; i++)
        if (!n_ends || !addr_equal(ends[n_ends - 1], ends[i])) ends[n_ends++] = ends[i];
    *matrix = (struct matrix_view){.flows = w->flows, .n_flows = w->n, .n_hosts = n_ends};
    *hosts = hosts_of(arena, witnesses, n_witnesses, ends, n_ends);
    const struct share_view *shares = roles_shares(arena, uses, n_uses, hosts, &n_shares);
    *views = roles_of(arena, hosts, matrix, shares, n_shares);
    struct check_controller *controllers = arena_array(arena, struct check_controller, n_ends + 1);
    for (size_t i = 0; i < views->n; i++)
        for (size_t j = 0;
             is_named_controller(&views->hosts[i]) && j < views->hosts[i].host->n_intervals; j++)
            controllers[n_controllers++] = (struct check_controller){
                views->hosts[i].host->name, views->hosts[i].host->intervals[j].addr};
    w->sources.matrix = matrix;
    w->sources.hosts = hosts;
    w->sources.views = views;
    w->sources.shares = shares;
    w->sources.n_shares = n_shares;
    w->sources.controllers = controllers;
    w->sources.n_controllers = n_controllers;
}

static struct world *world_of(void)
{
    static const char *const clients[CLIENTS] = {"10.1.1.10", "10.1.1.11", "10.1.1.12",
                                                 "10.1.1.13"};
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->arena = arena_open("test", 0, NULL);
    w->scratch = arena_open("scratch", 0, NULL);
    w->options = (struct suggest_options){.support_connections = SUGGEST_SUPPORT_CONNECTIONS,
                                          .support_days = SUGGEST_SUPPORT_DAYS,
                                          .weight = SUGGEST_WEIGHT};
    for (size_t i = 0; i < CLIENTS; i++)
        add_habits(w, clients[i]);
    return w;
}

static void world_end(struct world *w)
{
    arena_close(&w->arena);
    arena_close(&w->scratch);
    free(w);
}

static struct suggestion propose(struct world *w, const struct resolved *given)
{
    struct suggestion s = {0};
    struct err err = {0};
    if (!suggest(&w->sources, given, &w->options, &w->arena, w->scratch, &s, &err))
        fail_msg("%s", err.text);
    return s;
}

static const struct suggest_flow *find(const struct suggestion *s, const struct row *row)
{
    for (size_t i = 0; i < s->n_flows; i++) {
        const struct matrix_flow *flow = s->flows[i].flow;
        if (addr_equal(flow->client.addr, addr_of(row->client)) &&
            addr_equal(flow->server.addr, addr_of(row->server)) && flow->port == row->port)
            return &s->flows[i];
    }
    return NULL;
}

/* ---- Tests --------------------------------------------------------------------------------------
 */

static void each_flow_has_its_fate(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct world *w = world_of();
        add(w, &rows[i]);
        finish(w, NULL, 0);
        struct suggestion s = propose(w, NULL);
        const struct suggest_flow *f = find(&s, &rows[i]);
        assert_non_null(f);
        bool right =
            f->fate == rows[i].fate && (f->fate != SUGGEST_ASKED || f->kind == rows[i].kind);
        if (!right)
            fail_msg("%s: fate %d, asked as %.*s", rows[i].name, f->fate,
                     STR_ARG(suggest_flows_kind_text(f->kind)));
        /* Whatever it is, nothing that worked breaks: it is kept, or asked about and asserted. */
        if (s.broken) fail_msg("%s: breaks", rows[i].name);
        bool asked = false;
        for (size_t q = 0; q < s.n_questions; q++)
            for (size_t j = 0; j < s.questions[q].n_flows; j++)
                asked |= &s.flows[s.questions[q].flows[j]] == f;
        if (asked != (f->fate == SUGGEST_ASKED || f->is_noted)) fail_msg("%s", rows[i].name);
        world_end(w);
    }
}

/* An entry opens one end to the internet at most: an answer is a line that says something. */
static void internet_answers_say_something(void **state)
{
    static const struct {
        const char *client, *server, *answer;
    } cases[] = {
        {"10.1.1.11",      "203.0.113.9",
         "{direction: outbound, from: 10.1.1.11, to: 203.0.113.9, service: smb}"         },
        {"198.51.100.7",   "10.9.0.6",
         "{direction: inbound, from: 198.51.100.7, to: 10.9.0.6, service: smb}"          },
        {"2001:db8:10::1", "2001:db8:20::21",
         "if these are yours, run again with: sallyport suggest "
         "--managed 2001:db8:10::/64 --managed 2001:db8:20::/64"                         },
        {"203.0.113.8",    "203.0.113.9",
         "if these are yours, run again with: sallyport suggest --managed 203.0.113.0/24"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct world *w = world_of();
        struct row row = {
            "", cases[i].client, cases[i].server,     445, TCP, OK, 9, SMB3, NTLM, DOCS, "",
            U,  SUGGEST_ASKED,   SUGGEST_ASK_INTERNET};
        add(w, &row);
        finish(w, NULL, 0);
        struct suggestion s = propose(w, NULL);
        size_t n = 0;
        for (size_t q = 0; q < s.n_questions; q++) {
            if (s.questions[q].kind != SUGGEST_ASK_INTERNET) continue;
            if (!str_equal(s.questions[q].answer, str_of(cases[i].answer)))
                fail_msg("%.*s", STR_ARG(s.questions[q].answer));
            n++;
        }
        assert_int_equal(n, 1);
        world_end(w);
    }
}

static void a_scanner_is_asked_about(void **state)
{
    struct world *w = world_of();
    (void)state;
    static char servers[20][16];
    for (int i = 0; i < 20; i++) {
        snprintf(servers[i], sizeof servers[i], "10.9.0.%d", 100 + i);
        struct row in_vain = {
            "", "10.1.1.13", servers[i], 445, TCP, OUTCOME_NO_ANSWER, 1,
            0,  0,           "",         "",  "",  SUGGEST_ASKED,     SUGGEST_ASK_NEVER_WORKED};
        add(w, &in_vain);
    }
    finish(w, NULL, 0);
    struct suggestion s = propose(w, NULL);
    struct row its = {.client = "10.1.1.13", .server = "10.9.0.6", .port = 445};
    const struct suggest_flow *f = find(&s, &its);
    assert_int_equal(f->fate, SUGGEST_ASKED);
    assert_int_equal(f->kind, SUGGEST_ASK_SCANNER);
    world_end(w);
}

static void without_a_controller_nothing_is_managed(void **state)
{
    struct world *w = world_of();
    (void)state;
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        if (!addr_equal(w->flows[i].server.addr, addr_of("10.9.0.5"))) w->flows[n++] = w->flows[i];
    w->n = n;
    finish(w, NULL, 0);
    struct suggestion s = propose(w, NULL);
    assert_false(s.has_lifeline);
    assert_int_equal(s.questions[0].kind, SUGGEST_ASK_CONTROLLERS);
    for (size_t i = 0; i < s.places.n_segments; i++)
        assert_true(s.places.segments[i].managed); /* by evidence; the text waits */
    assert_false(str_contains(s.text, S("trust: managed")));
    assert_true(str_contains(s.text, S("lifeline: {off:")));
    assert_true(s.n_entries > 0); /* what was mined stands there all the same */

    /* Named by the admin, it is one. */
    struct addr dc = addr_of("10.9.0.5");
    w->sources.named_controllers = &dc;
    w->sources.n_named_controllers = 1;
    s = propose(w, NULL);
    assert_true(s.has_lifeline);
    assert_true(str_contains(s.text, S("trust: managed")));
    world_end(w);
}

static void entries_name_segments(void **state)
{
    struct world *w = world_of();
    (void)state;
    finish(w, NULL, 0);
    struct suggestion s = propose(w, NULL);
    assert_int_equal(s.n_entries, 2);
    assert_false(s.entries[0].is_mined);
    assert_true(str_equal(s.entries[1].from.items[0].text, S("clients")));
    assert_int_equal(s.entries[1].seen, CLIENTS);
    assert_int_equal(s.entries[1].summary.n_clients, CLIENTS);
    assert_int_equal(s.kept, BACKGROUND);
    assert_int_equal(s.broken, 0);

    w->options.exact = true;
    s = propose(w, NULL);
    assert_int_equal(s.mined.seen, s.mined.allowed);
    world_end(w);
}

/* Names from evidence are as hostile as it is. */
static void evidence_ends_no_comment(void **state)
{
    static const char *const names[] = {"a\nallow: []",  "b\rc",     "c\342\200\250assert: []",
                                        "d\xc2\x85x: y", "\xff\xfe", "e\x1b[31m"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct world *w = world_of();
        struct row row = {
            "",       "10.1.1.10",   "10.9.0.7",         445, TCP, OK, 1, SMB3, NTLM, names[i], "",
            names[i], SUGGEST_ASKED, SUGGEST_ASK_ONE_OFF};
        struct host_witness witness = {.addr = addr_of("10.9.0.7"),
                                       .name = str_of(names[i]),
                                       .source = IDENTITY_NTLM,
                                       .first_us = INSTANT_DAY * 20000,
                                       .last_us = INSTANT_DAY * 20000};
        add(w, &row);
        row.server = "10.9.0.6";
        finish(w, &witness, 1);
        struct suggestion s = propose(w, NULL);
        for (size_t at = 0; at < s.text.len; at++) {
            uint8_t c = (uint8_t)s.text.ptr[at];
            if (c < 0x20 && c != '\n') fail_msg("%zu: 0x%02x at %zu", i, c, at);
        }
        assert_int_equal(s.policy->n_allow, 0); /* of the places alone */
        assert_int_equal(s.broken, 0);
        world_end(w);
    }
}

#define PLACES                                                                                     \
    "segments:\n"                                                                                  \
    "  pcs: {networks: 10.1.0.0/16, trust: managed}   # ours\n"                                    \
    "  srv: {networks: 10.9.0.0/24, trust: managed}\n"                                             \
    "groups:\n"                                                                                    \
    "  dcs: {hosts: 10.9.0.5, role: domain-controller}\n"                                          \
    "  fs: {hosts: [10.9.0.6]}\n"

static const struct {
    const char *name, *text, *has;
} given[] = {
    {"no allow at all",           "version: 1\n" PLACES,                                           "# ours"                                        },
    {"allow in the middle",
     "version: 1\n" PLACES "# about it\nallow:\n  - {name: all, from: any, "
     "to: any, service: smb}\n\n# rings\nrings:\n  - {name: r, "
     "members: all}\n",                                                                            "# rings\nrings:\n  - {name: r, members: all}\n"},
    {"names of entries are kept",
     "version: 1\n" PLACES "allow:\n  - {name: our files, from: pcs, to: fs, service: smb}\n",
     "name: our files"                                                                                                                             },
    {"an end of the document",    "version: 1\n" PLACES "...\n",                                   "from: managed"                                 },
    {"a beginning",               "# top\n---\nversion: 1\n" PLACES,                               "# top\n---\nversion"                           },
    {"JSON",
     "{\"version\": 1, \"segments\": {\"pcs\": {\"networks\": "
     "[\"10.1.0.0/16\"], \"trust\": \"managed\"}, \"srv\": {\"networks\": "
     "\"10.9.0.0/24\", \"trust\": \"managed\"}}, \"groups\": {\"dcs\": "
     "{\"hosts\": \"10.9.0.5\", \"role\": \"domain-controller\"}}, "
     "\"assert\": []}",                                                                            "\"pcs\""                                       },
    {"an assertion forbids it",
     "version: 1\n" PLACES "assert:\n  # never\n  - {never: {from: pcs, to: fs, service: smb}}\n",
     "  # never\n  - {never: {from: pcs, to: fs, service: smb}}\n"                                                                                 },
    {"an assertion demands more",
     "version: 1\n" PLACES "assert: [{always: {from: pcs, to: pcs, service: netbios}}]\n",
     "from: pcs, to: pcs, service: netbios"                                                                                                        },
};

static void a_policy_is_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(given); i++) {
        struct world *w = world_of();
        struct row odd = {
            "", "10.1.1.10",   "10.1.1.12",         445, TCP, OK, 5, SMB3, KRB, DOCS, "",
            U,  SUGGEST_ASKED, SUGGEST_ASK_ENDPOINT};
        struct policy policy, again;
        struct resolved resolved;
        struct diagnostics found = {0};
        add(w, &odd);
        finish(w, NULL, 0);
        bool fine =
            policy_parse(S("policy.yaml"), str_of(given[i].text), &w->arena, &policy, &found) &&
            resolve_policy(&policy, NULL, 0, true, &w->arena, &resolved, &found);
        if (!fine) fail_msg("%s: %.*s", given[i].name, STR_ARG(found.items[0].text));
        struct suggestion s = propose(w, &resolved);
        if (!str_contains(s.text, str_of(given[i].has)))
            fail_msg("%s: lacks \"%s\":\n%.*s", given[i].name, given[i].has, STR_ARG(s.text));
        if (!policy_parse(S("again"), s.text, &w->arena, &again, &found))
            fail_msg("%s:\n%.*s", given[i].name, STR_ARG(s.text));
        assert_int_equal(again.n_segments, policy.n_segments);
        assert_int_equal(again.n_rings, policy.n_rings);
        assert_true(again.n_assertions >= policy.n_assertions);
        assert_int_equal(s.broken, 0);
        world_end(w);
    }
}

static void the_same_bytes_each_time(void **state)
{
    struct world *w = world_of();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        add(w, &rows[i]);
    finish(w, NULL, 0);
    struct suggestion a = propose(w, NULL), b = propose(w, NULL);
    struct buf one = buf_in(&w->arena), two = buf_in(&w->arena);
    suggest_print_json(&a, &w->arena, &one);
    suggest_print_json(&b, &w->arena, &two);
    assert_true(str_equal(a.text, b.text));
    assert_true(str_equal(buf_text(&one), buf_text(&two)));
    world_end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_flow_has_its_fate),
        cmocka_unit_test(internet_answers_say_something),
        cmocka_unit_test(a_scanner_is_asked_about),
        cmocka_unit_test(without_a_controller_nothing_is_managed),
        cmocka_unit_test(entries_name_segments),
        cmocka_unit_test(evidence_ends_no_comment),
        cmocka_unit_test(a_policy_is_kept),
        cmocka_unit_test(the_same_bytes_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
