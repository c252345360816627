/* SPDX-License-Identifier: Apache-2.0 */
#include "report/scope_words.h"

#include "base/json_write.h"
#include "base/test.h"

/* json: of a scope; NULL = refused, with `said` in the message */
static const struct {
    const char *line, *json, *said;
} rows[] = {
    {"from: scanners, to: FS01, service: smb",
     "{\"from\":[\"scanners\"],\"to\":[\"FS01\"],\"service\":[\"smb\"]}",                                                                               NULL               },
    {"{from: [a, b], to: [10.20.0.21, 2001:db8::1], service: [smb, rdp], secure: kerberos}",
     "{\"from\":[\"a\",\"b\"],\"to\":[\"10.20.0.21\",\"2001:db8::1\"],\"service\":[\"smb\",\"rdp\"]"
     ","
     "\"secure\":\"kerberos\"}",                                                                                                                        NULL               },
    {"{\"service\":[\"smb\"],\"to\":[\"FS01\"],\"from\":[\"WS1\"],\"name\":\"a, b\"}",
     "{\"from\":[\"WS1\"],\"to\":[\"FS01\"],\"service\":[\"smb\"],\"name\":\"a, b\"}",                                                                  NULL               },
    {"  from: a, to: b, service: smb  ",                                                     "{\"from\":[\"a\"],\"to\":[\"b\"],\"service\":[\"smb\"]}",
     NULL                                                                                                                                                                  },
    {"from: a, to: b",                                                                       NULL,                                                      "needs \"service\""},
    {"from: a, to: b, service: smb, except: {from: c}",                                      NULL,                                                      "no \"except\""    },
    {"from: [], to: b, service: smb",                                                        NULL,                                                      "a list of texts"  },
    {"from: {a: b}, to: b, service: smb",                                                    NULL,                                                      "a list of texts"  },
    {"from: a, to: b, service: smb, secure: [a]",                                            NULL,                                                      "is a text"        },
    {"from: \"\", to: b, service: smb",                                                      NULL,                                                      "a list of texts"  },
    {"scanners to FS01",                                                                     NULL,                                                      "no \"scanners to" },
    {"from: a, to: [b",                                                                      NULL,                                                      "expected a scope" },
    {"from: a, from: b, to: b, service: smb",                                                NULL,                                                      "expected a scope" },
    {"from: &x a, to: *x, service: smb",                                                     NULL,                                                      "expected a scope" },
    {"from: a}, to: b, service: {x: y",                                                      NULL,                                                      "expected a scope" },
    {"",                                                                                     NULL,                                                      "needs \"from\""   },
};

static void lines_are_scopes(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err err = {0};
        str json = {0};
        bool good = scope_words_read(str_of(rows[i].line), &arena, &json, &err);
        if (good != (rows[i].json != NULL) || (good && !str_equal(json, str_of(rows[i].json))) ||
            (!good && !str_contains(str_of(err.text), str_of(rows[i].said))))
            fail_msg("row %zu: %.*s %s", i, STR_ARG(json), err.text);
    }
    arena_close(&arena);
}

/* What is written is read as what it was written from, whatever the names are. */
static void words_come_back(void **state)
{
    static const char *const names[] = {
        "scanners", "SMB Admins", "a, b",    "[x]", "it's", "say \"hi\"",  "-dash",
        "x: y",     "10.0.0.0/8", "fe80::1", "#no", "end:", "caf\xC3\xA9", "back\\slash",
        "true",     "{",          "@x",      "? x", "%x",   "::1",
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct buf out = buf_in(&arena);
        struct json json = json_to(&out);
        struct err err = {0};
        str back = {0};
        json_object(&json);
        for (size_t k = 0; k < 3; k++) {
            static const str keys[] = {
                {"from",    4},
                {"to",      2},
                {"service", 7}
            };
            json_key(&json, keys[k]);
            json_array(&json);
            json_str(&json, str_of(names[i]));
            if (k) json_str(&json, S("other"));
            json_array_end(&json);
        }
        json_object_end(&json);
        str words = scope_words(buf_text(&out), &arena);
        if (!scope_words_read(words, &arena, &back, &err) || !str_equal(back, buf_text(&out)))
            fail_msg("%s: %.*s: %s", names[i], STR_ARG(words), err.text);
    }
    arena_close(&arena);
}

static void what_is_no_scope_stays_as_it_is(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    assert_true(str_equal(scope_words(S("[1]"), &arena), S("[1]")));
    assert_true(str_equal(scope_words(S("{\"from\""), &arena), S("{\"from\"")));
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_scopes),
        cmocka_unit_test(words_come_back),
        cmocka_unit_test(what_is_no_scope_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
