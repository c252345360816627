/* SPDX-License-Identifier: Apache-2.0 */
/* What a collector's file says, damaged or whole, and what comes of it and of what was seen. */
#include "harden/compare.h"

#include "base/test.h"

static bytes seed(struct arena *arena, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, SOURCE_ROOT "/tests/corpus/collected/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    uint8_t *content = arena_array(arena, uint8_t, 1 << 16);
    size_t n = fread(content, 1, 1 << 16, file);
    fclose(file);
    return (bytes){content, n};
}

static const struct compare_row *row_of(const struct compare_row *rows, size_t n,
                                        enum harden_row id)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].row == id) return &rows[i];
    return NULL;
}

static void what_was_collected_is_judged(void **state)
{
    static const struct {
        enum harden_row row;
        enum compare_verdict verdict;
        const char *found;
    } expected[] = {
        {HARDEN_ROW_SMB1_AUDIT,             COMPARE_DIFFERS, "False"     },
        {HARDEN_ROW_SMB1_SERVER,            COMPARE_OK,      "False"     },
        {HARDEN_ROW_SMB1_FEATURE,           COMPARE_OK,      "Disabled"  },
        {HARDEN_ROW_SERVER_SIGNING,         COMPARE_OK,      "True"      },
        {HARDEN_ROW_SERVER_MIN_DIALECT,     COMPARE_DIFFERS, "None"      },
        {HARDEN_ROW_SERVER_MAX_DIALECT,     COMPARE_OK,      "None"      },
        {HARDEN_ROW_CLIENT_MIN_DIALECT,     COMPARE_OK,      "785"       }, /* more is as good */
        {HARDEN_ROW_RATE_DELAY,             COMPARE_OK,      "5000"      },
        {HARDEN_ROW_NULL_PIPES,             COMPARE_OK,      "empty"     }, /* the cmdlet's word */
        {HARDEN_ROW_NULL_SHARES,            COMPARE_OK,      "empty"     },
        {HARDEN_ROW_CLIENT_GUEST,           COMPARE_OK,      "False"     },
        {HARDEN_ROW_LM_LEVEL,               COMPARE_DIFFERS, "not set: 3"},
        {HARDEN_ROW_RESTRICT_ANONYMOUS_SAM, COMPARE_OK,      "not set: 1"},
        {HARDEN_ROW_WORKSTATION_SERVICE,    COMPARE_OK,      "automatic" },
        {HARDEN_ROW_AUDIT_FILE_SHARE,       COMPARE_OK,      "3"         },
        {HARDEN_ROW_AUDIT_CONNECTION,       COMPARE_DIFFERS, "1"         },
        {HARDEN_ROW_AUDIT_LOGON,            COMPARE_UNKNOWN, ""          },
        {HARDEN_ROW_LOG_SIZE_DOMAIN,        COMPARE_OK,      "32767"     },
        {HARDEN_ROW_LOG_DROPPED_DOMAIN,     COMPARE_UNKNOWN, ""          },
        {HARDEN_ROW_LOG_DROPPED_PUBLIC,     COMPARE_OK,      "True"      },
    };
    struct arena arena = arena_open("test", 0, NULL);
    const struct policy policy = {0};
    struct collected collected;
    struct err err = {0};
    size_t n = 0;
    (void)state;
    assert_true(collected_read(S("fs01"), seed(&arena, "fs01.json"), &arena, &collected, &err));
    assert_true(str_equal(collected.fqdn, S("fs01.contoso.test")));
    assert_int_equal(collected.n_addrs, 2);
    assert_int_equal(collected.build, 26100);
    assert_true(collected.is_server && collected.at_us);
    const struct compare_machine machine = {
        .name = S("fs01"), .is = {.kind = HARDEN_KIND_FILE_SERVER}, .collected = &collected};
    const struct compare_row *rows = compare_with(&policy, &machine, &arena, &n);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        const struct compare_row *row = row_of(rows, n, expected[i].row);
        if (!row || row->verdict != expected[i].verdict ||
            !str_equal(row->found, str_of(expected[i].found)))
            fail_msg("%.*s: %.*s, found %.*s", STR_ARG(harden_row_text(expected[i].row)),
                     STR_ARG(compare_verdict_text(row ? row->verdict : COMPARE_COUNT)),
                     STR_ARG(row ? row->found : (str){0}));
    }
    const struct compare_row *path = row_of(rows, n, HARDEN_ROW_UNC_SYSVOL);
    assert_int_equal(path->verdict, COMPARE_OK); /* written without the blank */
    assert_int_equal(row_of(rows, n, HARDEN_ROW_SMB1_CLIENT)->verdict, COMPARE_OK); /* not there */
    /* Only advised, and nothing asks for it. */
    assert_null(row_of(rows, n, HARDEN_ROW_CLIENT_BLOCK_NTLM));
    arena_close(&arena);
}

static void an_old_windows_has_not_all_settings(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    const struct policy policy = {0};
    struct collected collected;
    struct err err = {0};
    size_t n = 0;
    (void)state;
    assert_true(collected_read(S("ws1"), seed(&arena, "bom"), &arena, &collected, &err));
    const struct compare_machine machine = {.collected = &collected};
    const struct compare_row *rows = compare_with(&policy, &machine, &arena, &n);
    assert_int_equal(row_of(rows, n, HARDEN_ROW_SERVER_MIN_DIALECT)->verdict, COMPARE_NOT_THERE);
    assert_int_equal(row_of(rows, n, HARDEN_ROW_SERVER_SIGNING)->verdict, COMPARE_UNKNOWN);
    arena_close(&arena);
}

static void what_was_seen_is_judged(void **state)
{
    static const struct {
        struct compare_seen seen;
        enum harden_row row;
        enum compare_verdict verdict;
    } of[] = {
        {{.server_dialects = 1u << DIALECT_NT_LM_012},  HARDEN_ROW_SMB1_SERVER,        COMPARE_DIFFERS},
        {{.offered_dialects = 1u << DIALECT_NT_LM_012}, HARDEN_ROW_SMB1_SERVER,        COMPARE_DIFFERS},
        {{.client_dialects = 1u << DIALECT_NT_LM_012},  HARDEN_ROW_SMB1_SERVER,        COMPARE_UNKNOWN},
        {{.client_dialects = 1u << DIALECT_NT_LM_012},  HARDEN_ROW_SMB1_CLIENT,        COMPARE_DIFFERS},
        {{.client_dialects = 1u << DIALECT_NT_LM_012},  HARDEN_ROW_SMB1_FEATURE,       COMPARE_DIFFERS},
        {{.server_dialects = 1u << DIALECT_3_1_1},      HARDEN_ROW_SMB1_SERVER,        COMPARE_UNKNOWN},
        {{.server_dialects = 1u << DIALECT_2_1},        HARDEN_ROW_SERVER_MIN_DIALECT, COMPARE_DIFFERS},
        {{.server_dialects = 1u << DIALECT_3_0},        HARDEN_ROW_SERVER_MIN_DIALECT, COMPARE_UNKNOWN},
        {{.client_dialects = 1u << DIALECT_2_0_2},      HARDEN_ROW_CLIENT_MIN_DIALECT, COMPARE_DIFFERS},
        {{.server_signing = SIGNING_REQUIRED},          HARDEN_ROW_SERVER_SIGNING,     COMPARE_OK     },
        {{.server_signing = SIGNING_ENABLED},           HARDEN_ROW_SERVER_SIGNING,     COMPARE_DIFFERS},
        {{.offered_signing = SIGNING_ENABLED},          HARDEN_ROW_SERVER_SIGNING,     COMPARE_DIFFERS},
        {{.client_signing = SIGNING_DISABLED},          HARDEN_ROW_CLIENT_SIGNING,     COMPARE_DIFFERS},
        {{.client_guest = true},                        HARDEN_ROW_CLIENT_GUEST,       COMPARE_DIFFERS},
        {{.client_ntlmv1 = true},                       HARDEN_ROW_LM_LEVEL,           COMPARE_DIFFERS},
        {{.server_ntlmv1 = true},                       HARDEN_ROW_LM_LEVEL,           COMPARE_DIFFERS},
        {{0},                                           HARDEN_ROW_LM_LEVEL,           COMPARE_UNKNOWN},
    };
    struct arena arena = arena_open("test", 0, NULL);
    const struct policy policy = {0};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(of); i++) {
        size_t n = 0;
        const struct compare_machine machine = {.seen = of[i].seen};
        const struct compare_row *rows = compare_with(&policy, &machine, &arena, &n);
        if (row_of(rows, n, of[i].row)->verdict != of[i].verdict) fail_msg("row %zu", i);
    }
    arena_close(&arena);
}

static void damaged_files_are_refused(void **state)
{
    static const struct {
        const char *text, *expected;
    } of[] = {
        {"",                                                                                      "found the end"},
        {"[]",                                                                                    "an object"    },
        {"{}",                                                                                    "\"sallyport\""},
        {"{\"sallyport\":\"other\"}",                                                             "\"collected\""},
        {"{\"sallyport\":\"collected\"}",                                                         "\"computer\"" },
        {"{\"sallyport\":\"collected\",\"computer\":3}",                                          "a string"     },
        {"{\"sallyport\":\"collected\",\"computer\":\"a\",\"os\":[]}",                            "an object"    },
        {"{\"sallyport\":\"collected\",\"computer\":\"a\",\"os\":{\"build\":-1}}",
         "a build number"                                                                                        },
        {"{\"sallyport\":\"collected\",\"computer\":\"a\",\"addresses\":[\"x\"]}",                "an address"   },
        {"{\"sallyport\":\"collected\",\"computer\":\"a\",\"collected\":\"now\"}",                "RFC 3339"     },
        {"{\"sallyport\":\"collected\",\"computer\":\"a\",\"registry\":[{}]}",                    "with its key" },
        {"{\"sallyport\":\"collected\",\"computer\":\"a\",\"firewall_profiles\":{\"Domain\":1}}",
         "an object"                                                                                             },
        {"{\"sallyport\":\"collected\",\"computer\":\"a\"} x",                                    ""             },
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(of); i++) {
        struct collected out;
        struct err err = {0};
        assert_false(collected_read(S("f"), str_bytes(str_of(of[i].text)), &arena, &out, &err));
        if (!str_contains(str_of(err.text), str_of(of[i].expected)))
            fail_msg("%s: %s", of[i].text, err.text);
    }
    bytes whole = seed(&arena, "fs01.json");
    assert_true(collected_recognise(whole));
    while (whole.len && whole.ptr[whole.len - 1] != '}')
        whole.len--;
    for (size_t n = 0; n < whole.len; n++) {
        struct arena inner = arena_open("cut", 0, NULL);
        struct collected out;
        struct err err = {0};
        assert_false(collected_read(S("f"), (bytes){whole.ptr, n}, &inner, &out, &err));
        assert_true(err.kind && err.text[0]);
        arena_close(&inner);
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(what_was_collected_is_judged),
        cmocka_unit_test(an_old_windows_has_not_all_settings),
        cmocka_unit_test(what_was_seen_is_judged),
        cmocka_unit_test(damaged_files_are_refused),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
