/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/service_tags.h"

#include "base/instant.h"
#include "base/test.h"

#define FILE_TEXT                                                                                  \
    "{\"changeNumber\": 9, \"cloud\": \"Public\", \"values\": [\n"                                 \
    " {\"name\": \"Sql\", \"id\": \"Sql\", \"properties\": {\"region\": \"\",\n"                   \
    "  \"addressPrefixes\": [\"13.65.31.249/32\"], \"networkFeatures\": [\"NSG\"]}},\n"            \
    " {\"properties\": {\"addressPrefixes\": [\"20.38.84.0/23\", \"2603:1020:206::/48\",\n"        \
    "  \"20.38.86.0/23\"]}, \"name\": \"Storage.WestEurope\"},\n"                                  \
    " {\"name\": \"Empty\", \"properties\": {\"addressPrefixes\": []}}]}"

static void tags_are_found(void **state)
{
    static const struct {
        const char *file, *tag, *set, *error;
    } rows[] = {
        {FILE_TEXT,                                                        "storage.westeurope", "20.38.84.0/22 2603:1020:206::/48", NULL                                 },
        {FILE_TEXT,                                                        "Sql",                "13.65.31.249/32",                  NULL                                 },
        {FILE_TEXT,                                                        "Empty",              "",                                 NULL                                 },
        {FILE_TEXT,                                                        "Storage",            NULL,                               "there is no service tag \"Storage\""},
        {FILE_TEXT "x",                                                    "Sql",                NULL,                               ""                                   },
        {"{}",                                                             "Sql",                NULL,                               "expected the key \"values\""        },
        {"[]",                                                             "Sql",                NULL,                               "expected a file of Azure"           },
        {"{\"values\": [1]}",                                              "Sql",                NULL,                               "expected a tag as an object"        },
        {"{\"values\": {}}",                                               "Sql",                NULL,                               "expected a list of tags"            },
        {"{\"values\": [{\"name\": 1}]}",                                  "Sql",                NULL,                               "expected the name of a tag"         },
        {"{\"values\": [{\"properties\": {\"addressPrefixes\": [\"x\"]}}", "Sql",                NULL,
         "expected a prefix, found \"x\""                                                                                                                                 },
        {"",                                                               "Sql",                NULL,                               ""                                   },
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct prefix_set set = {0};
        struct err err = {0};
        int64_t day = 0;
        bool found =
            service_tags_find(str_of(rows[i].file), str_of(rows[i].tag), &arena, &set, &day, &err);
        if (found != !rows[i].error) fail_msg("row %zu: %s", i, err.text);
        if (!found) {
            assert_true(err.kind != ERR_NONE);
            if (!str_contains(str_of(err.text), str_of(rows[i].error)))
                fail_msg("row %zu: %s", i, err.text);
            continue;
        }
        size_t n = 0;
        const struct prefix *prefixes = prefix_set_prefixes(&arena, set, &n);
        struct buf text = buf_in(&arena);
        for (size_t j = 0; j < n; j++) {
            char one[PREFIX_TEXT];
            buf_str(&text, j ? S(" ") : S(""));
            buf_str(&text, prefix_text(one, prefixes[j]));
        }
        if (!str_equal(buf_text(&text), str_of(rows[i].set)))
            fail_msg("row %zu: %.*s", i, STR_ARG(buf_text(&text)));
    }
    arena_close(&arena);
}

#define AWS_TEXT                                                                                   \
    "{\"syncToken\": \"1762070043\", \"createDate\": \"2026-11-02-08-14-03\", \"prefixes\": [\n"   \
    " {\"ip_prefix\": \"3.5.140.0/22\", \"region\": \"eu-west-1\", \"service\": \"AMAZON\"},\n"    \
    " {\"ip_prefix\": \"3.5.140.0/23\", \"region\": \"eu-west-1\", \"service\": \"S3\"},\n"        \
    " {\"ip_prefix\": \"52.92.0.0/20\", \"region\": \"us-east-1\", \"service\": \"S3\"}],\n"       \
    "\"ipv6_prefixes\": [{\"ipv6_prefix\": \"2a05:d07a:8000::/40\", \"region\": \"eu-west-1\",\n"  \
    " \"service\": \"S3\", \"network_border_group\": \"eu-west-1\"}]}"

static void ranges_of_aws_are_found(void **state)
{
    static const struct {
        const char *file, *tag;
        size_t n;
        const char *first, *error;
    } rows[] = {
        {AWS_TEXT,                                           "S3.eu-west-1",     2, "3.5.140.0", NULL                                   },
        {AWS_TEXT,                                           "s3",               3, "3.5.140.0", NULL                                   },
        {AWS_TEXT,                                           "AMAZON.EU-WEST-1", 1, "3.5.140.0", NULL                                   },
        {AWS_TEXT,                                           "S3.mars-1",        0, NULL,        "there is no service tag \"S3.mars-1\""},
        {AWS_TEXT,                                           "S3.",              0, NULL,        "there is no service tag \"S3.\""      },
        {"{\"prefixes\": [{\"service\": \"S3\"}]}",          "S3",               0, NULL,
         "expected the key \"ip_prefix\""                                                                                               },
        {"{\"prefixes\": [{\"ip_prefix\": \"1.2.3.4/8\"}]}", "S3",               0, NULL,
         "expected a prefix, found \"1.2.3.4/8\""                                                                                       },
        {"{\"prefixes\": 3}",                                "S3",               0, NULL,        "expected a list of ranges"            },
        {"{\"prefixes\": [], \"values\": []}",               "S3",               0, NULL,        "expected the key \"values\""          },
        {"{\"createDate\": \"soon\", \"prefixes\": []}",     "S3",               0, NULL,        "expected a date like"                 },
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct prefix_set set = {0};
        struct err err = {0};
        int64_t day = 0;
        char text[ADDR_TEXT];
        bool found =
            service_tags_find(str_of(rows[i].file), str_of(rows[i].tag), &arena, &set, &day, &err);
        if (found != !rows[i].error) fail_msg("row %zu: %s", i, err.text);
        if (!found && !str_contains(str_of(err.text), str_of(rows[i].error)))
            fail_msg("row %zu: %s", i, err.text);
        if (!found) continue;
        assert_int_equal(set.n, rows[i].n);
        bool has_first = false;
        for (size_t k = 0; k < set.n; k++)
            has_first =
                has_first || str_equal(addr_text(text, set.ranges[k].first), str_of(rows[i].first));
        assert_true(has_first);
        assert_true(day == INT64_C(1793577600) * INSTANT_SECOND);
    }
    for (size_t n = 0; n < sizeof AWS_TEXT - 1; n++) {
        struct prefix_set set = {0};
        struct err err = {0};
        int64_t day;
        assert_false(
            service_tags_find(str_head(S(AWS_TEXT), n), S("S3"), &arena, &set, &day, &err));
    }
    arena_close(&arena);
}

/* The file is refused wherever it is cut. */
static void a_cut_file_is_refused(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t n = 0; n < sizeof FILE_TEXT - 1; n++) {
        struct prefix_set set = {0};
        struct err err = {0};
        int64_t day;
        assert_false(
            service_tags_find(str_head(S(FILE_TEXT), n), S("Sql"), &arena, &set, &day, &err));
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_found),
        cmocka_unit_test(ranges_of_aws_are_found),
        cmocka_unit_test(a_cut_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
