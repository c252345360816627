/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/check_exposure.h"

#include "base/instant.h"
#include "base/test.h"
#include "policy/diagnostics.h"
#include "policy/exceptions.h"
#include "reason/check_dates.h"

#define HEAD                                                                                       \
    "version: 1\nsegments:\n"                                                                      \
    "  a: {networks: [10.1.0.0/24], trust: managed}\n"                                             \
    "  guarded: {networks: [10.2.0.0/24], trust: managed, border: enforced}\n"                     \
    "  guest: {networks: [10.3.0.0/24], trust: untrusted}\n"
#define GROUPS                                                                                     \
    "groups:\n"                                                                                    \
    "  fs: {hosts: [10.1.0.7]}\n"                                                                  \
    "  nas: {hosts: [10.1.0.40, 10.2.0.40], managed: false}\n"                                     \
    "  off: {hosts: [10.1.0.50], profiles: {domain: off}}\n"                                       \
    "  kept: {hosts: [10.2.0.50], profiles: {domain: off}}\n"

struct exposure_row {
    const char *name, *text;
    const char *found[5]; /* "line kind: part of the text", in order; NULL ends */
};

static const char as_of[] = "2026-11-22T00:00:00Z";

/* What stands in the file and what was found, side by side. */
static void compare(const char *name, const struct diagnostics *found, const char *const *expected,
                    size_t most, struct arena *arena)
{
    size_t n_expected = 0;
    while (n_expected < most && expected[n_expected])
        n_expected++;
    for (size_t j = 0; j < found->n || j < n_expected; j++) {
        str said = {0}, head = {0}, part = {0};
        if (j < found->n)
            said = str_format(arena, "%u %.*s: %.*s", found->items[j].place.line,
                              STR_ARG(found->items[j].kind), STR_ARG(found->items[j].text));
        if (j < n_expected) {
            (void)str_cut(str_of(expected[j]), ':', &head, &part);
            part = str_tail(part, 1);
        }
        if (j >= found->n || j >= n_expected || !str_starts(said, head) ||
            !str_contains(said, part))
            fail_msg("%s: finding %zu: %.*s; expected %s", name, j, STR_ARG(said),
                     j < n_expected ? expected[j] : "none");
    }
}

static bool any_tag(void *to, str tag, str file, struct arena *arena, struct prefix_set *out)
{
    struct prefix p;
    (void)to, (void)tag, (void)file;
    if (!prefix_parse(S("20.0.0.0/16"), &p)) return false;
    *out = prefix_set_of_prefix(arena, p);
    return true;
}

static void known_policies(void **state)
{
    static const struct exposure_row rows[] = {
        {"an entry for the untrusted",
         HEAD "groups: {fs: {hosts: [10.1.0.7]}}\nallow:\n"
              "  - {name: scans, from: guest, to: fs, service: [smb, netbios]}\n"
              "  - {from: any, to: guarded, service: smb}\n"
              "  - {from: a, to: guest, service: smb}\n"
              "  - {from: [a, guarded], to: fs, service: smb}\n",                        {"8 untrusted-reaches: the entry \"scans\" lets untrusted clients reach managed machines "
          "by "
          "smb, netbios: 10.3.0.0 (guest) -> 10.1.0.7 (a)",
          "9 untrusted-reaches: 10.3.0.0 (guest) -> 10.2.0.0 (guarded)"}                                    },
        {"the internet in",
         HEAD "perimeter:\n"
              "  - {direction: inbound, from: 20.0.0.0/16, to: a, service: smb}\n"
              "  - {direction: outbound, from: a, to: 20.0.0.0/16, service: smb}\n",     {"7 untrusted-reaches: 20.0.0.0 (internet) -> 10.1.0.0 (a)"}                        },
        {"where nothing enforces",
         HEAD GROUPS,
         {"8 untrusted-reaches: machines of group \"nas\" by every service: its managed: false "
          "makes "
          "them enforce nothing, and no border on the way: 10.3.0.0 (guest) -> 10.1.0.40 (a)",
          "3 untrusted-reaches: segment \"a\""}                                                                                                                              },
        {"the edge is no border between segments",
         HEAD "groups:\n  nas: {hosts: [10.1.0.40], managed: false}\nperimeter: []\n",
         {"7 untrusted-reaches: 10.3.0.0 (guest) -> 10.1.0.40"}                                                                                                              },
        {"secured entries need machines that load rules",
         HEAD "groups: {fs: {hosts: [10.1.0.7]}}\nallow:\n"
              "  - {from: a, to: fs, service: smb, secure: kerberos}\n"
              "  - {from: 192.168.7.0/24, to: fs, service: smb, secure: certificate}\n", {"9 untrusted-reaches: 192.168.7.0 (unknown)",
          "8 cannot-authenticate: the entry of line 8 needs kerberos, but neither `domains`",
          "9 cannot-authenticate: asks for certificates",
          "9 secure-unready: needs certificate, but nobody gives its client 192.168.7.0 "
          "(unknown)"}                                                               },
        {"ranges grow old",
         HEAD "perimeter:\n"
              "  - {direction: outbound, from: a, to: {service-tag: Storage, file: "
              "ServiceTags_Public_20261023.json}, service: smb}\n"
              "  - {direction: outbound, from: a, to: {service-tag: Storage, file: "
              "ServiceTags_Public_20261022.json}, service: smb}\n"
              "  - {direction: outbound, from: a, to: {service-tag: Storage, file: tags.json}, "
              "service: smb}\n"
              "  - {direction: outbound, from: a, to: {service-tag: Storage, file: "
              "tags_20261399.json}, service: smb}\n",                                    {"8 stale-ranges: 31 days old", "9 undecidable: no date", "10 undecidable: no date"}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
        struct policy policy;
        struct resolved resolved;
        struct diagnostics found = {0};
        struct host_lookup lookup = {.service_tag = any_tag};
        int64_t now_us;
        assert_true(instant_parse(str_of(as_of), &now_us));
        if (!policy_parse(S("p"), str_of(rows[i].text), &arena, &policy, &found) ||
            !resolve_policy(&policy, &lookup, now_us, true, &arena, &resolved, &found))
            fail_msg("%s: %.*s", rows[i].name, STR_ARG(found.items[0].text));
        struct reach *reaches = arena_array(&arena, struct reach, resolved.n_entries);
        for (size_t j = 0; j < resolved.n_entries; j++)
            reaches[j] = reach_of_entry(&resolved, &resolved.entries[j], &arena);
        check_exposure(&resolved, reaches, &arena, scratch, &found);
        check_dates(&resolved, &arena, &found);
        compare(rows[i].name, &found, rows[i].found, COUNT_OF(rows[i].found), &arena);
        arena_close(&scratch);
        arena_close(&arena);
    }
}

static void exceptions_end(void **state)
{
    static const struct {
        const char *starts, *expires, *found;
    } rows[] = {
        {NULL,                   "2026-11-22T00:00:00Z",
         "3 exception-expired: the exception EX-1 of alice until soon has ended"                },
        {NULL,                   "2026-11-22T00:00:01Z", "3 exception-ends: ends within 14 days"},
        {NULL,                   "2026-12-06T00:00:00Z", "3 exception-ends: ends within 14 days"},
        {NULL,                   "2026-12-06T00:00:01Z", NULL                                   },
        {"2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z", NULL                                   },
    };
    static const struct source_text file = {
        {"exceptions.yaml", 15},
        {0                }
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("test", 0, NULL);
        struct exception exception = {
            .entry = {.place = {3, 5}},
            .file = &file,
            .id = S("EX-1"),
            .owner = S("alice"),
            .expires = S("soon"),
            .starts_us = INT64_MIN,
        };
        struct policy policy = {.exceptions = &exception, .n_exceptions = 1};
        struct resolved resolved = {.policy = &policy};
        struct diagnostics found = {0};
        assert_true(instant_parse(str_of(as_of), &resolved.as_of_us));
        assert_true(instant_parse(str_of(rows[i].expires), &exception.expires_us));
        if (rows[i].starts)
            assert_true(instant_parse(str_of(rows[i].starts), &exception.starts_us));
        check_dates(&resolved, &arena, &found);
        compare(rows[i].expires, &found, &rows[i].found, 1, &arena);
        if (found.n) assert_ptr_equal(found.items[0].file, &file);
        assert_null(found.file);
        arena_close(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_policies),
        cmocka_unit_test(exceptions_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
