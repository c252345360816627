/* SPDX-License-Identifier: Apache-2.0 */
/* What is proposed is written into the policy's text as it is printed, and asked again: nothing of
 * reason/what_if takes part. */
#include "reason/remedies.h"

#include "reason/random_policy.h"

enum { POLICIES = 120, QUESTIONS = 8 };

/* The lines of a text without one of them, from 1. */
static str without_line(struct arena *arena, str text, size_t line)
{
    struct buf out = buf_in(arena);
    str rest = text, one = {0};
    for (size_t i = 1; rest.len; i++) {
        (void)str_cut(rest, '\n', &one, &rest);
        if (i != line) buf_format(&out, "%.*s\n", STR_ARG(one));
    }
    return buf_text(&out);
}

static size_t line_of(str where)
{
    str file = {0}, number = {0};
    uint64_t line = 0;
    assert_true(str_cut(where, ':', &file, &number) && str_u64(number, UINT32_MAX, &line));
    return (size_t)line;
}

/* Writes the remedy where a person would; false for those that edit a line in place. */
static bool write_down(struct random_policy *p, const struct remedy *remedy, struct arena scratch)
{
    str key = {0}, line = {0};
    if (remedy->kind == REMEDY_REMOVE_ENTRY && remedy->where.len) {
        size_t at = line_of(remedy->where);
        if (str_starts(remedy->where, S("exceptions.yaml")))
            p->exceptions = without_line(p->arena, p->exceptions, at - 1);
        else
            p->text = without_line(p->arena, p->text, at);
        p->file.text = str_format(p->arena, "exceptions:%s%.*s", p->exceptions.len ? "\n" : " []\n",
                                  STR_ARG(p->exceptions));
        /* A key whose list has lost its only item. */
        if (str_ends(p->text, S("allow:\n")) || str_ends(p->text, S("perimeter:\n")) ||
            str_contains(p->text, S("allow:\nperimeter:")))
            return false;
        random_resolve(p, scratch);
        return true;
    }
    (void)str_cut(remedy->yaml, '\n', &key, &line);
    if (str_contains(line, S("\n"))) return false; /* profiles, too */
    str added = str_format(p->arena, "%.*s\n", STR_ARG(line));
    if (str_equal(key, S("allow:")))
        p->allow = str_format(p->arena, "%.*s%.*s", STR_ARG(p->allow), STR_ARG(added));
    else if (str_equal(key, S("perimeter:")))
        p->perimeter = str_format(p->arena, "%.*s%.*s", STR_ARG(p->perimeter), STR_ARG(added));
    else if (str_equal(key, S("exceptions:")))
        p->exceptions = str_format(p->arena, "%.*s%.*s", STR_ARG(p->exceptions), STR_ARG(added));
    else if (!str_equal(remedy->yaml, S("perimeter: []")))
        return false;
    p->has_perimeter |= str_starts(key, S("perimeter"));
    p->has_perimeter |= str_starts(remedy->yaml, S("perimeter"));
    random_build(p, scratch);
    return true;
}

static bool allows(const struct random_policy *p, size_t client, size_t server, int service)
{
    struct flow_question q = {.client = random_policy_addr(client),
                              .server = random_policy_addr(server),
                              .service = service};
    return decision_ask(p->decision, &q).intent == INTENT_ALLOW;
}

/* Pairs whose intent in clear differs, but for the one asked about. */
static uint64_t count_also(const struct random_policy *before, const struct random_policy *after,
                           const struct flow_question *q)
{
    uint64_t n = 0;
    for (size_t i = 0; i < RANDOM_POLICY_ADDRS; i++)
        for (size_t j = 0; j < RANDOM_POLICY_ADDRS; j++) {
            bool asked = addr_equal(random_policy_addr(i), q->client) &&
                         addr_equal(random_policy_addr(j), q->server);
            n += !asked && allows(before, i, j, q->service) != allows(after, i, j, q->service);
        }
    return n;
}

/* All of its pairs are among the world's addresses: no item stands for more of them. */
static bool can_count(const struct remedy *remedy)
{
    return remedy->counts && remedy->kind != REMEDY_REMOVE_ENTRY;
}

static void each_one_works_as_it_is_written(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct arena work = arena_open("work", 0, NULL);
    size_t n_written[REMEDY_MEMBER + 1] = {0}, n_stuck = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= POLICIES; seed++) {
        struct random_policy p;
        arena_reset(&arena);
        random_policy_make(&p, &arena, seed, false, scratch);
        for (int i = 0; i < QUESTIONS; i++) {
            struct flow_question q = random_question(&p);
            struct flow_answer answer = decision_ask(p.decision, &q);
            struct remedies remedies =
                remedies_of(p.decision, &q, &answer, NULL, SIZE_MAX, &arena, work);
            bool at_edge = prefix_set_contains(p.resolved.places.internet, q.client) ||
                           prefix_set_contains(p.resolved.places.internet, q.server);
            n_stuck += !answer.passes && !at_edge && !remedies.n;
            for (size_t j = 0; j < remedies.n; j++) {
                const struct remedy *remedy = &remedies.items[j];
                struct random_policy changed = p;
                if (!write_down(&changed, remedy, scratch)) continue;
                n_written[remedy->kind]++;
                struct flow_answer after = decision_ask(changed.decision, &q);
                bool opens = !answer.passes;
                if (after.passes != opens || after.passes != remedy->after.passes ||
                    after.intent != remedy->after.intent ||
                    (can_count(remedy) && remedy->also != count_also(&p, &changed, &q)))
                    fail_msg("policy %" PRIu64 " question %d: %.*s\n%.*s\nalso %" PRIu64
                             ", counted %" PRIu64 "\n%.*s%.*s",
                             seed, i, STR_ARG(remedy->text), STR_ARG(remedy->yaml), remedy->also,
                             count_also(&p, &changed, &q), STR_ARG(p.text), STR_ARG(p.exceptions));
            }
        }
    }
    /* Whatever does not pass inside the network can be opened. */
    assert_int_equal(n_stuck, 0);
    for (size_t i = 0; i < COUNT_OF(n_written); i++)
        print_message("%zu %.*s\n", n_written[i], STR_ARG(remedy_kind_text((enum remedy_kind)i)));
    static const enum remedy_kind written[] = {REMEDY_ALLOW_ENTRY,     REMEDY_NAMED_ENTRY,
                                               REMEDY_PERIMETER_ENTRY, REMEDY_EXCEPTION,
                                               REMEDY_REMOVE_ENTRY,    REMEDY_BORDER};
    for (size_t i = 0; i < COUNT_OF(written); i++)
        assert_true(n_written[written[i]] > 0);
    arena_close(&work);
    arena_close(&scratch);
    arena_close(&arena);
}

/* ---- One policy, by hand ------------------------------------------------------------------------
 */

static const char policy_text[] =
    "version: 1\n"                                             /* 1 */
    "segments:\n"                                              /* 2 */
    "  clients: {networks: [10.10.0.0/24], trust: managed}\n"  /* 3 */
    "  servers: {networks: [10.20.0.0/24], trust: managed}\n"  /* 4 */
    "  guests: {networks: [10.66.0.0/24], trust: untrusted}\n" /* 5 */
    "  labs: {networks: [10.70.0.0/24], trust: managed, profiles: {domain: off}}\n"
    "groups:\n"                                                         /* 7 */
    "  nas: {hosts: [10.20.0.40], managed: false}\n"                    /* 8 */
    "  kiosks: {hosts: [10.10.0.9], profiles: {domain: block-all}}\n"   /* 9 */
    "  lost: {hosts: [{ad-group: Lost PCs}]}\n"                         /* 10 */
    "allow:\n"                                                          /* 11 */
    "  - {name: shares, from: clients, to: 10.20.0.21, service: smb}\n" /* 12 */
    "  - {name: sealed, from: clients, to: 10.20.0.22, service: smb, secure: kerberos}\n"
    "  - {name: twice, from: 10.10.0.1, to: 10.20.0.21, service: smb}\n" /* 14 */
    "rings:\n"                                                           /* 15 */
    "  - {name: it, members: [10.10.0.0/29]}\n"                          /* 16 */
    "  - {name: broad, members: all}\n";                                 /* 17 */
static const char exceptions_text[] =
    "exceptions:\n"
    "  - {id: EX-1, from: 10.10.0.5, to: 10.20.0.30, service: smb, owner: alice, reason: r, "
    "approver: bob, starts: 2026-01-01T00:00:00Z, expires: 2026-02-01T00:00:00Z}\n"
    "  - {id: EX-2, from: 10.10.0.5, to: [10.20.0.30, 10.20.0.31], service: smb, owner: carol, "
    "reason: r, approver: bob, starts: 2099-01-01T00:00:00Z, expires: 2099-02-01T00:00:00Z}\n"
    "  - {id: EX-3, from: 10.10.0.6, to: 10.20.0.30, service: smb, owner: alice, reason: r, "
    "approver: bob, expires: 2099-02-01T00:00:00Z}\n";

static const struct {
    const char *client, *server;
    int ring;             /* SIZE_MAX as -1 = all are deployed */
    const char *found[8]; /* "kind also text", in order; also "-" = not counted */
} rows[] = {
    {"10.10.0.2",
     "10.20.0.21",               -1,
     {"remove-entry 254 remove policy.yaml:12 shares",
      "except 0 except this client from policy.yaml:12 shares"}                                  },
    {"10.10.0.1",
     "10.20.0.21",               -1,
     {"remove-entry - remove all 2 that allow it: policy.yaml:12 shares, policy.yaml:14 twice"}  },
    {"10.10.0.6",
     "10.20.0.30",               -1,
     {"remove-entry 0 revoke the exception EX-3 of alice until 2099-02-01T00:00:00Z"}            },
    {"10.10.0.5",
     "10.20.0.30",               -1,
     {"allow-entry 0 allow this client to use this server",
      "renew-exception 1 start the exception EX-2 of carol until 2099-02-01T00:00:00Z before",
      "renew-exception 0 renew the exception EX-1 of alice until 2026-02-01T00:00:00Z",
      "exception 0 ask for an exception", "edit-entry 254 add this server to policy.yaml:12 shares",
      "named-entry 254 allow clients to use 10.20.0.30"}                                         },
    {"10.10.0.2",
     "10.20.0.22",               -1,
     {"allow-entry 0 allow", "exception 0 ask",
      "edit-entry 255 let policy.yaml:13 sealed pass without authentication",
      "edit-entry 255 add this server to policy.yaml:12 shares", "named-entry 255 allow clients"}},
    {"10.10.0.9",  "10.20.0.21", -1, {"profile - enforce the policy in profile domain"}          },
    {"10.10.0.9",
     "10.20.0.90",               -1,
     {"allow-entry 0 allow this client to use this server, and enforce in the profile",
      "exception 0 ask", "edit-entry 255 add", "named-entry 0 allow kiosks to use 10.20.0.90"}   },
    {"10.66.0.1",
     "10.20.0.40",               -1,
     {"managed - let the machines of nas", "border - put a firewall at the border of guests",
      "border - put a firewall at the border of servers"}                                        },
    {"10.66.0.1",
     "10.70.0.1",                -1,
     {"profile - enforce the policy in profile domain, which is off",
      "border - put a firewall at the border of guests",
      "border - put a firewall at the border of labs"}                                           },
    {"10.10.0.20", "10.10.0.21", 0,  {"ring - deploy ring broad"}                                },
    {"8.8.8.8",    "9.9.9.9",    -1, {NULL}                                                      },
};

static struct addr addr_of(const char *text)
{
    struct addr a = {0};
    if (!addr_parse(str_of(text), &a)) fail_msg("%s", text);
    return a;
}

static void the_smallest_changes(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct arena work = arena_open("work", 0, NULL);
    struct random_policy p = {.arena = &arena, .text = str_of(policy_text)};
    (void)state;
    p.file = (struct source_text){S("exceptions.yaml"), str_of(exceptions_text)};
    random_resolve(&p, scratch);
    struct ring_plan plan = ring_plan_of(&p.resolved, &arena);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct prefix_set nobody = {0};
        struct flow_question q = {
            .client = addr_of(rows[i].client),
            .server = addr_of(rows[i].server),
            .service = service_by_name(p.policy.services, S("smb")),
            .deployed = rows[i].ring < 0 ? NULL : &nobody,
        };
        struct flow_answer answer = decision_ask(p.decision, &q);
        struct remedies found =
            remedies_of(p.decision, &q, &answer, rows[i].ring < 0 ? NULL : &plan,
                        rows[i].ring < 0 ? SIZE_MAX : (size_t)rows[i].ring, &arena, work);
        for (size_t j = 0; j < COUNT_OF(rows[i].found) || j < found.n; j++) {
            const char *expected = j < COUNT_OF(rows[i].found) ? rows[i].found[j] : NULL;
            const struct remedy *remedy = j < found.n ? &found.items[j] : NULL;
            str said = {0};
            if (remedy)
                said = str_format(
                    &arena, "%.*s %.*s %.*s", STR_ARG(remedy_kind_text(remedy->kind)),
                    STR_ARG(remedy->counts ? str_format(&arena, "%" PRIu64, remedy->also) : S("-")),
                    STR_ARG(remedy->text));
            if (!expected ? said.len > 0 : !str_starts(said, str_of(expected)) || !said.len)
                fail_msg("%s to %s, %zu: expected \"%s\", found \"%.*s\"", rows[i].client,
                         rows[i].server, j, expected ? expected : "nothing", STR_ARG(said));
        }
    }
    arena_close(&work);
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_changes),
        cmocka_unit_test(each_one_works_as_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
