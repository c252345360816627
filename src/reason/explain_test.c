/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/explain.h"

#include "base/test.h"

static const char policy_text[] =
    "version: 1\n"                                                                        /* 1 */
    "services: {print: [tcp/9100-9102]}\n"                                                /* 2 */
    "segments:\n"                                                                         /* 3 */
    "  clients: {networks: [10.10.0.0/16], trust: managed}\n"                             /* 4 */
    "  servers: {networks: [10.20.0.0/24], trust: managed, border: enforced}\n"           /* 5 */
    "  guests: {networks: [10.66.0.0/24], trust: untrusted}\n"                            /* 6 */
    "groups:\n"                                                                           /* 7 */
    "  nas: {hosts: [10.20.0.40], role: file-server, managed: false}\n"                   /* 8 */
    "allow:\n"                                                                            /* 9 */
    "  - {name: shares, from: clients, to: 10.20.0.30, service: smb}\n"                   /* 10 */
    "  - {name: secret, from: clients, to: 10.20.0.31, service: smb, secure: kerberos}\n" /* 11 */
    "  - {name: scans, from: clients, to: nas, service: smb, except: {from: 10.10.7.0/24}}\n"
    "perimeter:\n"                                                              /* 13 */
    "  - {direction: outbound, service: smb, from: servers, to: 20.0.0.0/8}\n"; /* 14 */

struct fixture {
    struct arena arena, scratch;
    struct policy policy;
    struct resolved resolved;
    const struct decision *decision;
};

static const struct host_address *host(void *to, str name, int64_t as_of_us, struct arena *arena,
                                       size_t *n)
{
    struct host_address *held = arena_array(arena, struct host_address, 2);
    (void)to;
    (void)as_of_us;
    *n = str_equal_nocase(name, S("ws1")) ? 2 : 0;
    assert_true(addr_parse(S("10.66.0.9"), &held[0].addr));
    assert_true(addr_parse(S("10.10.0.9"), &held[1].addr));
    held[1].seen_us = 1; /* the newest witness counts */
    return held;
}

static void make(struct fixture *f)
{
    struct diagnostics found = {0};
    f->arena = arena_open("test", 0, NULL);
    f->scratch = arena_open("scratch", 0, NULL);
    bool parsed =
        policy_parse(S("policy.yaml"), str_of(policy_text), &f->arena, &f->policy, &found);
    for (size_t i = 0; !parsed && i < found.n; i++)
        print_message("%.*s\n", STR_ARG(found.items[i].text));
    assert_true(parsed);
    assert_true(resolve_policy(&f->policy, NULL, 0, true, &f->arena, &f->resolved, &found));
    f->decision = decision_build(&f->resolved, NULL, &f->arena, f->scratch);
}

/* The object of one line, or its error. */
static str answer(struct fixture *f, str line)
{
    struct host_lookup hosts = {.host = host};
    struct explain_scene scene = {.decision = f->decision, .hosts = &hosts};
    struct explain_words words = {0};
    struct explanation e;
    struct err err = {0};
    if (!explain_read_line(line, &words, &err) || !explain_ask(&scene, &words, &f->arena, &e, &err))
        return str_copy(&f->arena, str_of(err.text));
    struct buf out = buf_in(&f->arena);
    struct json json = json_to(&out);
    explain_print_json(&e, &f->resolved, &f->arena, &json);
    return buf_text(&out);
}

#define FLOW(client, server, service, profile)                                                     \
    "{\"client\":\"" client "\",\"server\":\"" server "\",\"service\":\"" service                  \
    "\",\"profile\":\"" profile "\","
#define VERDICT(intent, passes, secured)                                                           \
    "\"intent\":\"" intent "\",\"passes\":" passes ",\"passes_secured\":" secured ",\"sides\":["
#define END "],\"ring\":null,\"exception\":null,\"undecidable\":null}"
#define SIDE(side, enforces, decision, because)                                                    \
    "{\"side\":\"" side "\",\"enforces\":" enforces ",\"decision\":\"" decision                    \
    "\",\"because\":\"" because "\"}"

static const struct {
    const char *line, *expected;
} rows[] = {
    {"10.10.0.1 10.20.0.30 smb domain",
     FLOW("10.10.0.1",                                                                                                                        "10.20.0.30", "smb", "domain") VERDICT("allow", "true", "true")
         SIDE("client-outbound", "true", "allow", "policy.yaml:10") "," SIDE(
             "perimeter", "true", "allow",
     "policy.yaml:10") "," SIDE("server-inbound", "true", "allow", "policy.yaml:10") END},
    {"10.10.0.1\t10.20.0.31",
     FLOW("10.10.0.1",                                                                                                       "10.20.0.31", "smb", "domain") VERDICT("allow-if-secure", "false", "true")
         SIDE("client-outbound", "true", "allow-if-secure", "policy.yaml:11") "," SIDE(
             "perimeter", "true", "allow", "policy.yaml:11") "," SIDE("server-inbound", "true",
     "allow-if-secure", "policy.yaml:11") END},
    {"10.10.7.1 10.20.0.40 tcp/445",
     FLOW("10.10.7.1",                                                                                                 "10.20.0.40", "smb", "domain") VERDICT("block", "false", "false")
         SIDE("client-outbound", "true", "block",
     "no allow entry matches; policy.yaml:12 scans excepts "
              "it") "," SIDE("perimeter", "true", "block",
     "no allow entry matches; policy.yaml:12 "
                             "scans excepts it") "," SIDE("server-"
                                                          "inbound", "false",
     "not-"
                                                          "enforced", "policy."
                                                          "yaml:8") END},
    {"10.10.0.1 10.10.0.2 smb private",
     FLOW("10.10.0.1",                                                                                                        "10.10.0.2", "smb", "private") VERDICT("block", "false", "false")
         SIDE("client-outbound", "true", "block",
     "no allow entry matches; policy.yaml:10 shares does not name this "
              "server") "," SIDE("server-inbound", "true", "block",
     "profile private is block-inbound by default") END},
    {"10.66.0.1 10.66.0.2",
     FLOW("10.66.0.1",                                                                                     "10.66.0.2", "smb", "domain") VERDICT("block", "true", "true")
         SIDE("client-outbound", "false", "not-enforced", "policy.yaml:6") "," SIDE(
             "server-inbound", "false", "not-enforced", "policy.yaml:6") END},
    {"10.20.0.1 20.1.2.3",
     FLOW("10.20.0.1",                                                                                                                "20.1.2.3", "smb", "domain") VERDICT("allow", "true", "true")
         SIDE("client-outbound", "true", "allow", "policy.yaml:14") "," SIDE(
             "perimeter", "true", "allow",
     "policy.yaml:14") "," SIDE("server-inbound", "false", "not-enforced",
     "20.1.2.3 (internet) enforces nothing: it is not in a "
                                        "managed segment") END},
    {"ws1 10.20.0.30",
     FLOW("10.10.0.9",    "10.20.0.30", "smb", "domain") VERDICT("allow", "true", "true")
         SIDE("client-outbound", "true", "allow", "policy.yaml:10") "," SIDE(
             "perimeter", "true", "allow",
     "policy.yaml:10") "," SIDE("server-inbound", "true", "allow", "policy.yaml:10") END},
 /* Not governed, local, and ports. */
    {"10.10.0.1 10.20.0.30 tcp/9101",
     FLOW("10.10.0.1",                                                                                           "10.20.0.30", "print", "domain") VERDICT("ungoverned", "true", "true") END},
    {"10.10.0.1 10.20.0.30 tcp/4455",                                                         FLOW("10.10.0.1",                                                                                                              "10.20.0.30", "tcp/4455", "domain")
                                          VERDICT("ungoverned", "true", "true") END},
    {"fe80::1%eth0 ::ffff:10.20.0.30 smb public",
     FLOW("fe80::1",                                                                                                                        "10.20.0.30", "smb", "public") VERDICT("local", "true", "true") END},
    {"10.10.0.1 10.10.0.1 rdp",
     FLOW("10.10.0.1",                                                                                                                       "10.10.0.1", "rdp", "domain") VERDICT("local", "true", "true") END},
 /* What is no question. */
    {"",                                                               "expected \"client server [service [profile]]\", found \"\""                                                                                                       },
    {"10.10.0.1",                                                   "expected \"client server [service [profile]]\", found \"10.10.0.1\""                   },
    {"10.10.0.1 10.20.0.30 smb domain now",
     "expected at most four words, found \"10.10.0.1 10.20.0.30 smb domain now\""                                                                                               },
    {"10.10.0.1 10.20.0.300",
     "the server must be an address or a host's name, not \"10.20.0.300\""                                                                                                    },
    {"10.10.0.0/16 10.20.0.30",
     "the client must be an address or a host's name, not \"10.10.0.0/16\""                                                                         },
    {"10.10.0.1 FS9", "no evidence names an address of the server \"FS9\"; give its address"},
    {"10.10.0.1 10.20.0.30 smbb",                               "the service must be one of the policy's, or a port such as "
                                  "tcp/445, not \"smbb\", did you "
                                  "mean \"smb\"?"                                                                                                                       },
    {"10.10.0.1 10.20.0.30 tcp/0",
     "the service must be one of the policy's, or a port such as tcp/445, not \"tcp/0\""                                                                                                     },
    {"10.10.0.1 10.20.0.30 smb Domain",
     "the profile must be domain, private or public, not \"Domain\""                                                                                                },
};

static void every_line_has_its_answer(void **state)
{
    struct fixture f;
    (void)state;
    make(&f);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        str found = answer(&f, str_of(rows[i].line));
        if (!str_equal(found, str_of(rows[i].expected)))
            fail_msg("\"%s\":\n%.*s\nexpected\n%s", rows[i].line, STR_ARG(found), rows[i].expected);
    }
    arena_close(&f.scratch);
    arena_close(&f.arena);
}

static void the_picture_shows_the_path(void **state)
{
    static const char expected[] =
        "  client  10.10.0.1 (clients)\n"
        "    |\n"
        "    +- client-outbound  allow            policy.yaml:10 shares\n"
        "    +- perimeter        allow            policy.yaml:10 shares\n"
        "    +- server-inbound   allow            policy.yaml:10 shares\n"
        "    v\n"
        "  server  10.20.0.30 (servers)\n"
        "\n"
        "passes: smb, profile domain; the policy's intent is allow\n";
    struct explain_words words = {S("10.10.0.1"), S("10.20.0.30"), {0}, {0}};
    struct explanation e;
    struct err err = {0};
    struct fixture f;
    (void)state;
    make(&f);
    struct explain_scene scene = {.decision = f.decision};
    assert_true(explain_ask(&scene, &words, &f.arena, &e, &err));
    struct buf out = buf_in(&f.arena);
    explain_print_text(&e, &f.resolved, &out, false);
    assert_true(str_equal(buf_text(&out), str_of(expected)));
    arena_close(&f.scratch);
    arena_close(&f.arena);
}

/* ---- Rings, exceptions, members that nobody knows ----------------------------------------------
 */

static const char wide_policy[] =
    "version: 1\n"                                            /* 1 */
    "segments:\n"                                             /* 2 */
    "  clients: {networks: [10.10.0.0/16], trust: managed}\n" /* 3 */
    "  servers: {networks: [10.20.0.0/24], trust: managed}\n" /* 4 */
    "groups:\n"                                               /* 5 */
    "  lost: {hosts: [{ad-group: Lost PCs}]}\n"               /* 6 */
    "  gone: {hosts: [fs09]}\n"                               /* 7 */
    "allow:\n"                                                /* 8 */
    "  - {name: shares, from: clients, to: 10.20.0.21, service: smb, except: {from: lost}}\n"
    "  - {name: lost, from: lost, to: 10.20.0.22, service: smb, secure: kerberos}\n" /* 10 */
    "  - {name: gone, from: gone, to: 10.20.0.23, service: smb}\n"                   /* 11 */
    "rings:\n"                                                                       /* 12 */
    "  - {name: it, members: [10.10.0.0/28]}\n"                                      /* 13 */
    "  - {name: some, members: {segment: clients, percent: 40}}\n"                   /* 14 */
    "  - {name: dark, members: [lost]}\n"                                            /* 15 */
    "  - {name: rest, members: all}\n";                                              /* 16 */
static const char wide_exceptions[] =
    "exceptions:\n"
    "  - {id: EX-7, from: 10.10.0.1, to: 10.20.0.30, service: smb, owner: alice, reason: scans,"
    " approver: bob, ticket: T-1, starts: 1970-01-01T00:00:00Z, expires: 1970-01-02T00:00:00Z}\n"
    "  - {id: EX-8, from: 10.10.0.1, to: 10.20.0.31, service: smb, owner: alice, reason: scans,"
    " approver: bob, expires: 1970-01-01T00:00:00Z}\n";

static void make_wide(struct fixture *f, struct source_text *file)
{
    struct diagnostics found = {0};
    f->arena = arena_open("test", 0, NULL);
    f->scratch = arena_open("scratch", 0, NULL);
    *file = (struct source_text){S("exceptions.yaml"), str_of(wide_exceptions)};
    bool fine =
        policy_parse(S("policy.yaml"), str_of(wide_policy), &f->arena, &f->policy, &found) &&
        exceptions_parse(file, &f->policy, NULL, &f->arena, &f->policy.exceptions,
                         &f->policy.n_exceptions, &found) &&
        resolve_policy(&f->policy, NULL, 0, true, &f->arena, &f->resolved, &found);
    if (!fine) fail_msg("%.*s", STR_ARG(found.items[0].text));
    f->decision = decision_build(&f->resolved, NULL, &f->arena, f->scratch);
}

/* SHA-256 of "some", NUL and the address, mod 100 (Python): 39 for 10.10.1.207, 40 for
 * 10.10.1.115. */
static const struct {
    const char *line, *ring;
    enum explain_kind kind;
    bool passes, client_enforces;
    const char *undecidable, *exception;
} wide_rows[] = {
    {"10.10.0.1 10.20.0.22",            NULL,   EXPLAIN_UNDECIDABLE,    false, true,  "group Lost PCs", NULL  },
    {"10.10.0.1 10.20.0.21",            NULL,   EXPLAIN_UNDECIDABLE,    false, true,  "group Lost PCs", NULL  },
    {"10.10.0.1 10.20.0.23",            NULL,   EXPLAIN_STOPS,          false, true,  "",               NULL  },
    {"8.8.8.8 10.20.0.22",              NULL,   EXPLAIN_STOPS,          false, false, "",               NULL  },
    {"10.10.0.1 10.20.0.22 smb public", NULL,   EXPLAIN_STOPS,          false, true,  "group Lost PCs", NULL  },
    {"10.10.0.1 10.20.0.30",            NULL,   EXPLAIN_PASSES,         true,  true,  "",               "EX-7"},
    {"10.10.0.1 10.20.0.31",            NULL,   EXPLAIN_STOPS,          false, true,  "",               NULL  },
    {"10.10.0.1 10.10.0.1",             NULL,   EXPLAIN_NOT_APPLICABLE, true,  false, "",               NULL  },
    {"10.10.0.1 10.20.0.9 rdp",         NULL,   EXPLAIN_NOT_APPLICABLE, true,  false, "",               NULL  },
 /* Ring by ring: who is in it, by a share, by a group that nobody knows, by being the rest. */
    {"10.10.0.15 10.20.0.9",            "it",   EXPLAIN_STOPS,          false, true,  "",               NULL  },
    {"10.10.0.16 10.20.0.9",            "it",   EXPLAIN_PASSES,         true,  false, "",               NULL  },
    {"10.10.1.207 10.20.0.9",           "it",   EXPLAIN_PASSES,         true,  false, "",               NULL  },
    {"10.10.1.207 10.20.0.9",           "some", EXPLAIN_STOPS,          false, true,  "",               NULL  },
    {"10.10.1.115 10.20.0.9",           "some", EXPLAIN_PASSES,         true,  false, "",               NULL  },
    {"10.10.1.115 10.20.0.9",           "dark", EXPLAIN_UNDECIDABLE,    false, true,  "group Lost PCs", NULL  },
    {"10.10.1.207 10.20.0.9",           "dark", EXPLAIN_STOPS,          false, true,  "",               NULL  },
    {"10.10.0.1 10.20.0.30",            "dark", EXPLAIN_PASSES,         true,  true,  "",               "EX-7"},
    {"10.10.1.115 10.20.0.9",           "rest", EXPLAIN_STOPS,          false, true,  "",               NULL  },
    {"10.10.1.115 10.20.0.22",          "it",   EXPLAIN_PASSES,         true,  false, "group Lost PCs", NULL  },
};

static void rings_exceptions_and_unknown_members(void **state)
{
    struct source_text file;
    struct fixture f;
    (void)state;
    make_wide(&f, &file);
    struct ring_plan plan = ring_plan_of(&f.resolved, &f.arena);
    for (size_t i = 0; i < COUNT_OF(wide_rows); i++) {
        struct explain_scene scene = {.decision = f.decision};
        struct explain_words words = {0};
        struct explanation e;
        struct err err = {0};
        for (size_t ring = 0; wide_rows[i].ring && ring < plan.n; ring++)
            if (str_equal(f.policy.rings[ring].name, str_of(wide_rows[i].ring)))
                scene.plan = &plan, scene.ring = ring;
        assert_true(explain_read_line(str_of(wide_rows[i].line), &words, &err));
        assert_true(explain_ask(&scene, &words, &f.arena, &e, &err));
        str exception = e.exception ? e.exception->id : (str){0};
        bool enforces = e.answer.n_sides && e.sides[0].answer.enforces;
        if (explain_kind(&e) != wide_rows[i].kind || e.answer.passes != wide_rows[i].passes ||
            enforces != wide_rows[i].client_enforces ||
            !str_equal(e.undecidable, str_of(wide_rows[i].undecidable)) ||
            !str_equal(exception, wide_rows[i].exception ? str_of(wide_rows[i].exception) : S("")))
            fail_msg("%s %s: kind %d, passes %d, enforces %d, \"%.*s\" \"%.*s\"", wide_rows[i].line,
                     wide_rows[i].ring ? wide_rows[i].ring : "", (int)explain_kind(&e),
                     e.answer.passes, enforces, STR_ARG(e.undecidable), STR_ARG(exception));
        explain_more(&scene, S("Contoso"), &e, &f.arena, f.scratch);
        bool says = e.changes.n > 0 || wide_rows[i].kind == EXPLAIN_NOT_APPLICABLE;
        if (!says) fail_msg("%s: nothing would change it", wide_rows[i].line);
        struct buf out = buf_in(&f.arena);
        explain_print_text(&e, &f.resolved, &out, false);
        struct json json = json_to(&out);
        explain_print_json(&e, &f.resolved, &f.arena, &json);
    }
    arena_close(&f.scratch);
    arena_close(&f.arena);
}

static void who_answers_for_it(void **state)
{
    static const char *const parts[] = {
        "exceptions.yaml:2 (exception EX-7 of alice until 1970-01-02T00:00:00Z)",
        "rule sallyport-Contoso-outbound-smb-tcp-domain-private-allow-1",
        "passes: smb, profile domain; the policy's intent is allow",
        "profiles: domain passes, private does not pass, public does not pass",
        "exception EX-7 of alice lives until 1970-01-02T00:00:00Z (exceptions.yaml:2): scans",
        "  - revoke the exception EX-7 of alice until 1970-01-02T00:00:00Z (closes nothing else)\n",
    };
    static const char json_part[] =
        "\"ring\":null,\"exception\":{\"id\":\"EX-7\",\"name\":null,\"owner\":\"alice\",\"deputy\":"
        "null,\"reason\":\"scans\",\"approvers\":[\"bob\"],\"ticket\":\"T-1\",\"starts\":"
        "\"1970-01-01T00:00:00.000000Z\",\"expires\":\"1970-01-02T00:00:00.000000Z\",\"state\":"
        "\"alive\",\"where\":\"exceptions.yaml:2\"},\"undecidable\":null,\"changes\":[{\"kind\":"
        "\"remove-entry\"";
    struct source_text file;
    struct fixture f;
    (void)state;
    make_wide(&f, &file);
    struct explain_scene scene = {.decision = f.decision};
    struct explain_words words = {S("10.10.0.1"), S("10.20.0.30"), {0}, {0}};
    struct explanation e;
    struct err err = {0};
    assert_true(explain_ask(&scene, &words, &f.arena, &e, &err));
    explain_more(&scene, S("Contoso"), &e, &f.arena, f.scratch);
    struct buf out = buf_in(&f.arena);
    explain_print_text(&e, &f.resolved, &out, false);
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (!str_contains(buf_text(&out), str_of(parts[i])))
            fail_msg("no \"%s\" in\n%.*s", parts[i], STR_ARG(buf_text(&out)));
    struct json json = json_to(&out);
    explain_print_json(&e, &f.resolved, &f.arena, &json);
    if (!str_contains(buf_text(&out), str_of(json_part))) fail_msg("%.*s", STR_ARG(buf_text(&out)));

    words.server = S("10.20.0.31");
    assert_true(explain_ask(&scene, &words, &f.arena, &e, &err));
    explain_more(&scene, S("Contoso"), &e, &f.arena, f.scratch);
    struct buf dead = buf_in(&f.arena);
    explain_print_text(&e, &f.resolved, &dead, false);
    assert_true(str_contains(
        buf_text(&dead),
        S("exception EX-8 of alice expired 1970-01-01T00:00:00Z (exceptions.yaml:3): scans\n")));
    arena_close(&f.scratch);
    arena_close(&f.arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(every_line_has_its_answer),
        cmocka_unit_test(the_picture_shows_the_path),
        cmocka_unit_test(rings_exceptions_and_unknown_members),
        cmocka_unit_test(who_answers_for_it),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
