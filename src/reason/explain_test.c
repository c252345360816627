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

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(every_line_has_its_answer),
        cmocka_unit_test(the_picture_shows_the_path),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
