/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/governance.h"

#include "base/test.h"

#define HEAD "version: 1\nsegments: {a: {networks: [10.0.0.0/24], trust: managed}}\n"

/* What a section holds: values in the order of the struct, or what is found ("3:13 ..."). */
static const struct {
    const char *text, *expected;
} rows[] = {
    {HEAD,                                                                                   "0 0 7776000 28800 2592000 1 2 16"                },
    {HEAD "governance: {}\n",                                                                "1 0 7776000 28800 2592000 1 2 16"                },
    {HEAD "governance: {require-login: true, maximum-life: 30d, break-glass-life: 2h 30m,\n"
          "  review: 7d, approvers: 2, approvers-at-risk: 3, risk: {host-pairs: 0}}\n", "1 1 2592000 9000 604800 2 3 0"                   },
 /* What is not written follows what it is bound to. */
    {HEAD "governance: {approvers: 3}\n",                                                    "1 0 7776000 28800 2592000 3 3 16"                },
    {HEAD "governance: {maximum-life: 4h}\n",                                                "1 0 14400 14400 2592000 1 2 16"                  },
    {HEAD "governance: {approvers: 0}\n",                                                    "3:25 expected a number from 1 to 16, found \"0\""},
    {HEAD "governance: {approvers: 17}\n",                                                   "3:25 expected a number from 1 to 16"             },
    {HEAD "governance: {approvers-at-risk: 0}\n",                                            "3:33 expected a number from 1 to 16"             },
    {HEAD "governance: {approvers: 3, approvers-at-risk: 2}\n",
     "3:47 expected at least as many approvers at risk as else (3), found 2"                                                                   },
    {HEAD "governance: {maximum-life: 4h, break-glass-life: 8h}\n",
     "3:50 expected a life that is not longer than maximum-life (4h), found 8h"                                                                },
    {HEAD "governance: {maximum-life: 0d}\n",                                                "3:28 expected a duration of at least 1m"         },
    {HEAD "governance: {review: 0m}\n",                                                      "3:22 expected a duration of at least 1m"         },
    {HEAD "governance: {break-glass-life: 1w}\n",                                            "3:32 expected a duration such as 7d"             },
    {HEAD "governance: {maximum-life: 90}\n",                                                "3:28 expected a duration such as 7d"             },
    {HEAD "governance: {require-login: yes}\n",                                              "3:29 expected true or false"                     },
    {HEAD "governance: {risk: {host-pairs: -1}}\n",                                          "3:33 expected a number from 0 to 4294967295"     },
    {HEAD "governance: {risk: {hosts: 1}}\n",                                                "3:21 "                                           },
    {HEAD "governance: {approver: 1}\n",                                                     "3:14 "                                           },
    {HEAD "governance: [1]\n",                                                               "3:13 "                                           },
};

static str told(struct arena *arena, const char *text)
{
    struct diagnostics found = {0};
    struct policy policy = {0};
    if (!policy_parse(S("policy.yaml"), str_of(text), arena, &policy, &found))
        return str_format(arena, "%" PRIu32 ":%" PRIu32 " %.*s", found.items[0].place.line,
                          found.items[0].place.column, STR_ARG(found.items[0].text));
    struct governance g = governance_of(&policy);
    return str_format(arena,
                      "%d %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
                      g.is_given, g.require_login, g.maximum_life_s, g.break_glass_life_s,
                      g.review_s, g.approvers, g.approvers_at_risk, g.risk_host_pairs);
}

static void sections(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("test", 0, NULL);
        str have = told(&arena, rows[i].text), want = str_of(rows[i].expected);
        bool is_error = str_contains(want, S(":"));
        if (is_error ? !str_starts(have, want) : !str_equal(have, want))
            fail_msg("%s\nexpected %.*s\nfound    %.*s", rows[i].text, STR_ARG(want),
                     STR_ARG(have));
        arena_close(&arena);
    }
}

static void durations(void **state)
{
    static const struct {
        const char *text;
        uint64_t seconds;
    } texts[] = {
        {"90d",        7776000},
        {"8h",         28800  },
        {"2d 12h 30m", 217800 },
        {"1m",         60     },
        {"0m",         0      },
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        uint64_t seconds = 1;
        str text = str_of(texts[i].text);
        assert_true(reading_duration_parse(text, &seconds) && seconds == texts[i].seconds);
        assert_true(str_equal(governance_duration_text(seconds, &arena), text));
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections),
        cmocka_unit_test(durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
