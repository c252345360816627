/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/exceptions.h"

#include "base/os_memory.h"
#include "base/test.h"
#include "policy/resolve.h"

static const char policy_text[] =
    "version: 1\n"
    "segments:\n"
    "  clients: {networks: [10.10.0.0/16], trust: managed, nat: [192.0.2.7]}\n"
    "  servers: {networks: [10.20.0.0/24], trust: managed}\n"
    "groups:\n"
    "  files: {hosts: [10.20.0.21], vip: [10.20.0.99]}\n"
    "  lost: {hosts: [{ad-group: Lost PCs}]}\n"
    "allow: [{from: clients, to: files, service: smb}]\n";

struct world {
    struct arena arena;
    struct os os;
    struct policy policy;
    struct source_text file;
    struct diagnostics found;
    struct resolved resolved;
};

/* A TZif file whose rule is its footer's (RFC 8536, 3.3). */
static bytes make_tzif(struct arena *arena, const char *footer)
{
    struct buf out = buf_in(arena);
    for (int block = 0; block < 2; block++) {
        buf_str(&out, S("TZif2"));
        buf_repeat(&out, 0, 15 + 16 + 3);
        buf_char(&out, 1); /* one type */
        buf_repeat(&out, 0, 3);
        buf_char(&out, 4);      /* of four characters */
        buf_repeat(&out, 0, 6); /* UTC */
        buf_bytes(&out, (bytes){(const uint8_t *)"LMT", 4});
    }
    buf_format(&out, "\n%s\n", footer);
    return str_bytes(buf_text(&out));
}

static void open_world(struct world *w)
{
    *w = (struct world){.arena = arena_open("test", 0, NULL)};
    struct os_memory *memory = os_memory_new(&w->arena);
    w->os = os_memory_world(memory);
    os_memory_put(memory, S("/usr/share/zoneinfo/Europe/Berlin"),
                  make_tzif(&w->arena, "CET-1CEST,M3.5.0,M10.5.0/3"));
    /* Clocks go forward at midnight: that day has none. */
    os_memory_put(memory, S("/usr/share/zoneinfo/America/Havana"),
                  make_tzif(&w->arena, "CST5CDT,M3.2.0/0,M11.1.0/1"));
    if (!policy_parse(S("policy.yaml"), str_of(policy_text), &w->arena, &w->policy, &w->found))
        fail_msg("%.*s", STR_ARG(w->found.items[0].text));
}

static bool read_in(struct world *w, const char *timezone, const char *text)
{
    struct err err = {0};
    const struct zone *zone = zone_find(&w->os, str_of(timezone), &w->arena, &err);
    if (!zone) fail_msg("%s: %s", timezone, err.text);
    w->file = (struct source_text){S("exceptions.yaml"), str_of(text)};
    return exceptions_parse(&w->file, &w->policy, zone, &w->arena, &w->policy.exceptions,
                            &w->policy.n_exceptions, &w->found);
}

#define ONE(rest) "exceptions:\n  - {from: clients, to: 10.20.0.30, service: smb" rest "}\n"
#define WHO       ", owner: alice, reason: scans, approver: bob"

/* ---- What a file may say ------------------------------------------------------------------------
 */

static const struct {
    const char *text;
    const char
        *found; /* "line:column part of the sentence", or the part alone; NULL = it is fine */
} forms[] = {
    {"exceptions: []\n",                                                                          NULL                                                     },
    {"{\"exceptions\": [{\"id\": \"EX-1\", \"name\": \"x\", \"from\": [\"10.10.0.1\"], \"to\": "
     "\"files\", \"service\": [\"smb\"], \"secure\": \"kerberos\", \"owner\": \"alice\", "
     "\"deputy\": \"carol\", \"reason\": \"r\", \"approver\": [\"bob\", \"dave\"], \"ticket\": "
     "\"T-1\", \"starts\": \"2026-01-01\", \"expires\": \"2026-02-01T00:00:00+01:00\"}]}\n", NULL                                                     },
    {ONE(WHO ", expires: 2026-10-01"),                                                            NULL                                                     },
    {"",                                                                                          "1:1 syntax"                                             },
    {"version: 1\nexceptions: []\n",                                                              "1:1 its keys are exceptions"                            },
    {"{}\n",                                                                                      "1:1 needs the key \"exceptions\""                       },
    {"- {id: a}\n",                                                                               "1:1 expected a file of exceptions"                      },
    {"exceptions: {}\n",                                                                          "1:13 expected a list of exceptions"                     },
    {ONE(""),                                                                                     "2:5 needs the key \"owner\""                            },
    {ONE(WHO),                                                                                    "2:5 needs the key \"expires\""                          },
    {ONE(", owner: alice, reason: r, expires: 2026-10-01"),                                       "2:5 needs the key \"approver\""                         },
    {ONE(", owner: alice, approver: bob, expires: 2026-10-01"),                                   "2:5 needs the key \"reason\""                           },
    {ONE(WHO ", expires: 2026-10-01, except: {from: clients}"),
     "an exception has no key \"except\""                                                                                                                  },
    {ONE(", owner: Alice, reason: r, approver: \" alice\", expires: 2026-10-01"),
     "2:5 its owner \"Alice\" can't approve it"                                                                                                            },
    {ONE(", owner: alice, reason: r, approver: [bob, alice], expires: 2026-10-01"),
     "2:5 its owner \"alice\" can't approve it"                                                                                                            },
    {ONE(", owner: alice, reason: r, approver: [bob, BOB], expires: 2026-10-01"),
     "\"BOB\" approves it twice"                                                                                                                           },
    {ONE(", owner: alice, reason: r, approver: [], expires: 2026-10-01"),
     "expected who approved it"                                                                                                                            },
    {ONE(", owner: \" \", reason: r, approver: bob, expires: 2026-10-01"),                        "expected text"                                          },
    {ONE(WHO ", expires: 2026-02-30"),                                                            "expected a date or an RFC 3339"                         },
    {ONE(WHO ", expires: soon"),                                                                  "found \"soon\""                                         },
    {ONE(WHO ", expires: [2026-10-01]"),                                                          "found a list"                                           },
    {ONE(WHO ", expires: \"2026-10-01T00:00:00\""),                                               "expected a date or an RFC 3339"                         },
    {ONE(WHO ", starts: 2026-10-02, expires: 2026-10-01"),
     "2:5 it expires at 2026-10-01, which is not after its start, 2026-10-02"                                                                              },
    {ONE(WHO ", starts: \"2026-10-01T00:00:00Z\", expires: \"2026-10-01T00:00:00Z\""),
     "2:5 it expires at"                                                                                                                                   },
    {ONE(WHO ", starts: 2026-10-01, expires: 2026-10-01"),                                        NULL                                                     },
    {"exceptions:\n  - {from: client, to: files, service: smb" WHO ", expires: 2026-10-01}\n",
     "2:12 did you mean \"clients\""                                                                                                                       },
    {"exceptions:\n  - {from: clients, to: files, service: rdp" WHO ", expires: 2026-10-01}\n",
     "\"rdp\" is not governed"                                                                                                                             },
    {"exceptions:\n  - {id: a, from: clients, to: files, service: smb" WHO
     ", expires: 2026-10-01}\n  - {id: a, from: clients, to: files, service: smb" WHO
     ", expires: 2026-10-01}\n",                                                             "3:5 the exception \"a\" is given twice, first in line 2"},
};

static void forms_of_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct world w;
        open_world(&w);
        bool fine = read_in(&w, "UTC", forms[i].text);
        if (fine != !forms[i].found) fail_msg("%s: %s", forms[i].text, fine ? "read" : "refused");
        if (fine) {
            assert_int_equal(w.found.n, 0);
            arena_close(&w.arena);
            continue;
        }
        const struct diagnostic *d = &w.found.items[0];
        str said = str_format(&w.arena, "%" PRIu32 ":%" PRIu32 " %.*s %.*s", d->place.line,
                              d->place.column, STR_ARG(d->kind), STR_ARG(d->text));
        str place = {0}, part = str_of(forms[i].found);
        bool has_place = str_cut(part, ' ', &place, &part) && str_contains(place, S(":"));
        if (!has_place) part = str_of(forms[i].found);
        if ((has_place && !str_starts(said, place)) || !str_contains(said, part))
            fail_msg("%s\nexpected %s\nfound %.*s", forms[i].text, forms[i].found, STR_ARG(said));
        assert_ptr_equal(d->file, &w.file);
        arena_close(&w.arena);
    }
}

static void what_a_record_says(void **state)
{
    struct world w;
    (void)state;
    open_world(&w);
    assert_true(read_in(&w, "UTC", forms[1].text));
    assert_int_equal(w.policy.n_exceptions, 1);
    const struct exception *e = &w.policy.exceptions[0];
    assert_true(str_equal(e->id, S("EX-1")) && str_equal(e->owner, S("alice")) &&
                str_equal(e->deputy, S("carol")) && str_equal(e->reason, S("r")) &&
                str_equal(e->ticket, S("T-1")) && str_equal(e->entry.name, S("x")));
    assert_int_equal(e->n_approvers, 2);
    assert_true(str_equal(e->approvers[1], S("dave")));
    assert_int_equal(e->entry.secure, SECURE_KERBEROS);
    assert_int_equal(e->entry.to.items[0].kind, SELECT_GROUP);
    assert_int_equal(e->entry.n_services, 1);
    assert_true(str_equal(exception_text(e, &w.arena),
                          S("exception EX-1 of alice until 2026-02-01T00:00:00+01:00")));
    arena_close(&w.arena);
}

/* ---- When it is alive ---------------------------------------------------------------------------
 */

static int64_t instant_of(const char *text)
{
    int64_t at = 0;
    if (!instant_parse(str_of(text), &at)) fail_msg("%s", text);
    return at;
}

/* First and last microsecond of each one's life; both neighbours are outside. */
static void alive_from_start_to_end(void **state)
{
    static const struct {
        const char *zone, *starts, *expires, *first, *end;
    } rows[] = {
        {"UTC",            "2026-09-01",                "2026-10-01",                  "2026-09-01T00:00:00Z", "2026-10-02T00:00:00Z"},
        {"+02:00",         "2026-09-01",                "2026-10-01",                  "2026-08-31T22:00:00Z", "2026-10-01T22:00:00Z"},
        {"UTC",            "2026-09-01T10:00:00+02:00", "2026-09-01T08:00:00.000001Z", "2026-09-01T08:00:00Z",
         "2026-09-01T08:00:00.000001Z"                                                                                               },
 /* An instant is what it says in any zone; a date may stand beside it. */
        {"+02:00",         "2026-09-01T00:00:00Z",      "2026-09-01",                  "2026-09-01T00:00:00Z",
         "2026-09-01T22:00:00Z"                                                                                                      },
 /* The days on which clocks change are 23 and 25 hours long. */
        {"Europe/Berlin",  "2026-03-29",                "2026-03-29",                  "2026-03-28T23:00:00Z",
         "2026-03-29T22:00:00Z"                                                                                                      },
        {"Europe/Berlin",  "2026-10-25",                "2026-10-25",                  "2026-10-24T22:00:00Z",
         "2026-10-25T23:00:00Z"                                                                                                      },
 /* A midnight that the clock skips is where it goes on. */
        {"America/Havana", "2026-03-08",                "2026-03-08",                  "2026-03-08T05:00:00Z",
         "2026-03-09T04:00:00Z"                                                                                                      },
        {"America/Havana", "2026-03-07",                "2026-03-07",                  "2026-03-07T05:00:00Z",
         "2026-03-08T05:00:00Z"                                                                                                      },
        {"UTC",            "2028-02-28",                "2028-02-28",                  "2028-02-28T00:00:00Z", "2028-02-29T00:00:00Z"},
        {"UTC",            "2026-12-31",                "2026-12-31",                  "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct world w;
        open_world(&w);
        str text = str_format(&w.arena, ONE(WHO ", starts: \"%s\", expires: \"%s\""),
                              rows[i].starts, rows[i].expires);
        if (!read_in(&w, rows[i].zone, str_c(&w.arena, text)))
            fail_msg("%.*s: %.*s", STR_ARG(text), STR_ARG(w.found.items[0].text));
        int64_t first = instant_of(rows[i].first), end = instant_of(rows[i].end);
        const struct {
            int64_t at;
            enum exception_life life;
        } times[] = {
            {first - 1, EXCEPTION_NOT_STARTED},
            {first,     EXCEPTION_ALIVE      },
            {end - 1,   EXCEPTION_ALIVE      },
            {end,       EXCEPTION_EXPIRED    },
        };
        for (size_t j = 0; j < COUNT_OF(times); j++) {
            struct diagnostics none = {0};
            enum exception_life life = exception_life(&w.policy.exceptions[0], times[j].at);
            if (life != times[j].life)
                fail_msg("row %zu, time %zu: %.*s", i, j, STR_ARG(exception_life_text(life)));
            assert_true(
                resolve_policy(&w.policy, NULL, times[j].at, true, &w.arena, &w.resolved, &none));
            size_t n = life == EXCEPTION_ALIVE ? 2 : 1;
            assert_int_equal(w.resolved.n_entries, n);
        }
        arena_close(&w.arena);
    }
}

/* Without a start it has always been alive; the calendar's last day has no next one. */
static void open_ends(void **state)
{
    struct world w;
    (void)state;
    open_world(&w);
    assert_true(read_in(&w, "UTC", ONE(WHO ", expires: 9999-12-31")));
    assert_int_equal(exception_life(&w.policy.exceptions[0], INT64_MIN), EXCEPTION_ALIVE);
    assert_int_equal(w.policy.exceptions[0].expires_us, instant_of("9999-12-31T00:00:00Z"));
    arena_close(&w.arena);
}

/* ---- What it opens ------------------------------------------------------------------------------
 */

static bool set_has(struct world *w, struct prefix_set set, const char *text)
{
    struct addr a = {0};
    (void)w;
    assert_true(addr_parse(str_of(text), &a));
    return prefix_set_contains(set, a);
}

static void it_resolves_like_an_entry(void **state)
{
    struct world w;
    (void)state;
    open_world(&w);
    assert_true(read_in(&w, "UTC",
                        "exceptions:\n"
                        "  - {from: [clients, lost], to: files, service: smb" WHO
                        ", expires: 2026-10-01}\n"
                        "  - {from: clients, to: files, service: smb" WHO ", expires: 2026-08-01}\n"
                        "  - {id: b, name: n, from: internet, to: 10.20.0.5, service: smb, "
                        "secure: certificate" WHO ", expires: 2026-10-01}\n"));
    assert_true(resolve_policy(&w.policy, NULL, instant_of("2026-09-01T00:00:00Z"), true, &w.arena,
                               &w.resolved, &w.found));
    assert_int_equal(w.resolved.n_entries, 3);
    const struct resolved_entry *a = &w.resolved.entries[1], *b = &w.resolved.entries[2];
    assert_null(w.resolved.entries[0].exception);
    assert_ptr_equal(a->exception, &w.policy.exceptions[0]);
    assert_ptr_equal(b->exception, &w.policy.exceptions[2]);
    assert_int_equal(a->secure, SECURE_NONE);
    assert_int_equal(b->secure, SECURE_CERTIFICATE);
    assert_true(b->from_internet && !a->from_internet);
    assert_true(str_equal(a->from_unknown, S("group Lost PCs")));
    assert_true(set_has(&w, a->from, "10.10.3.3") && set_has(&w, a->from, "192.0.2.7"));
    assert_true(set_has(&w, a->to, "10.20.0.21") && set_has(&w, a->to, "10.20.0.99"));
    assert_false(set_has(&w, a->to, "10.20.0.22"));
    str first = resolve_entry_where(&w.resolved, &w.resolved.entries[0], &w.arena);
    str second = resolve_entry_where(&w.resolved, b, &w.arena);
    assert_true(str_equal(first, S("policy.yaml:8")));
    assert_true(str_equal(second, S("exceptions.yaml:4")));
    arena_close(&w.arena);
}

/* Asked point by point, the same as the sets say. */
static void selectors_point_by_point(void **state)
{
    static const char *const points[] = {"10.10.0.0",  "10.10.255.255", "10.11.0.0",  "192.0.2.7",
                                         "10.20.0.21", "10.20.0.99",    "10.20.0.98", "8.8.8.8",
                                         "::1",        "2001:db8::1",   "10.0.0.1"};
    static const char *const selectors[] = {
        "clients",   "files",    "[servers, lost]",
        "any",       "internet", "unknown",
        "untrusted", "managed",  "10.0.0.1",
        "\"::/0\"",  "[]",       "[10.10.0.0/24, \"2001:db8::/32\"]"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(selectors); i++) {
        struct world w;
        open_world(&w);
        str text = str_format(&w.arena,
                              "exceptions: [{from: %s, to: %s, service: smb" WHO
                              ", expires: 2026-10-01}]\n",
                              selectors[i], selectors[i]);
        assert_true(read_in(&w, "UTC", str_c(&w.arena, text)));
        assert_true(resolve_policy(&w.policy, NULL, 0, true, &w.arena, &w.resolved, &w.found));
        const struct resolved_entry *e = &w.resolved.entries[1];
        for (size_t j = 0; j < COUNT_OF(points); j++) {
            struct addr a = {0};
            assert_true(addr_parse(str_of(points[j]), &a));
            bool from = resolve_selectors_have(&w.resolved, &e->entry->from, RESOLVE_CLIENT, a);
            bool to = resolve_selectors_have(&w.resolved, &e->entry->to, RESOLVE_SERVER, a);
            if (from != prefix_set_contains(e->from, a) || to != prefix_set_contains(e->to, a))
                fail_msg("%s, %s: %d %d", selectors[i], points[j], from, to);
        }
        arena_close(&w.arena);
    }
}

/* Twice the records must not take much more than twice the memory, nor turn into a crawl. */
static void many_records(void **state)
{
    enum { MANY = 20000 };
    struct world w;
    struct diagnostics none = {0};
    (void)state;
    open_world(&w);
    struct buf text = buf_in(&w.arena);
    buf_str(&text, S("exceptions:\n"));
    for (unsigned i = 0; i < MANY; i++)
        buf_format(&text,
                   "  - {id: EX-%u, from: 10.10.%u.%u/28, to: 10.20.0.%u, service: smb" WHO
                   ", expires: 2026-%02u-01}\n",
                   i, i / 16 % 256, i % 16 * 16, i % 256, i % 12 + 1);
    assert_true(read_in(&w, "UTC", str_c(&w.arena, buf_text(&text))));
    assert_int_equal(w.policy.n_exceptions, MANY);
    assert_true(resolve_policy(&w.policy, NULL, instant_of("2026-06-15T00:00:00Z"), true, &w.arena,
                               &w.resolved, &none));
    /* Those of July to December; 20,000 = 12 x 1,666 + 8, and the last 8 are of January to August.
     */
    assert_int_equal(w.resolved.n_entries, 1 + 6 * 1666 + 2);
    arena_close(&w.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_of_records),
        cmocka_unit_test(what_a_record_says),
        cmocka_unit_test(alive_from_start_to_end),
        cmocka_unit_test(open_ends),
        cmocka_unit_test(it_resolves_like_an_entry),
        cmocka_unit_test(selectors_point_by_point),
        cmocka_unit_test(many_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
