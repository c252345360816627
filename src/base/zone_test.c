/* SPDX-License-Identifier: Apache-2.0 */
#include "base/zone.h"

#include "base/os_memory.h"
#include "base/test.h"

static int64_t instant_of(const char *text)
{
    int64_t at = 0;
    if (!instant_parse(str_of(text), &at)) fail_msg("%s", text);
    return at;
}

/* A local time is written as if it were UTC. */
static struct civil local_of(const char *text)
{
    return instant_to_civil(instant_of(text));
}

struct row {
    const char *zone, *local, *expected;
};

static void check_rows(struct os *os, const struct row *rows, size_t n)
{
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t i = 0; i < n; i++) {
        struct err err = {0};
        char text[INSTANT_TEXT];
        const struct zone *zone = zone_find(os, str_of(rows[i].zone), &arena, &err);
        if (!zone) fail_msg("%s: %s", rows[i].zone, err.text);
        int64_t found = zone_to_utc(zone, local_of(rows[i].local));
        if (found != instant_of(rows[i].expected))
            fail_msg("%s %s: found %.*s", rows[i].zone, rows[i].local,
                     STR_ARG(instant_text(text, found)));
        arena_reset(&arena);
    }
    arena_close(&arena);
}

static void fixed_offsets(void **state)
{
    static const struct row rows[] = {
        {"UTC",    "2026-11-02T08:14:03Z",     "2026-11-02T08:14:03Z"    },
        {"+02:00", "2026-11-02T08:14:03Z",     "2026-11-02T06:14:03Z"    },
        {"-05:30", "2026-11-02T22:14:03.250Z", "2026-11-03T03:44:03.250Z"},
        {"+00:00", "1969-12-31T23:59:59.5Z",   "1969-12-31T23:59:59.5Z"  },
    };
    struct arena arena = arena_open("test", 0, NULL);
    struct os os = os_memory_world(os_memory_new(&arena));
    (void)state;
    check_rows(&os, rows, COUNT_OF(rows));
    arena_close(&arena);
}

struct transition {
    int64_t at;
    uint8_t type;
};

static void put_be(struct buf *out, uint64_t value, unsigned n)
{
    for (; n; n--)
        buf_char(out, (char)(value >> (8 * (n - 1)) & 0xFF));
}

/* A TZif file with two types: 0 is +01:00, 1 is +02:00. */
static bytes make_tzif(struct arena *arena, char version, const struct transition *t, size_t n,
                       const char *footer)
{
    struct buf out = buf_in(arena);
    for (int block = 0; block < (version ? 2 : 1); block++) {
        buf_str(&out, S("TZif"));
        buf_char(&out, version);
        buf_repeat(&out, 0, 15);
        buf_repeat(&out, 0, 12); /* isutcnt, isstdcnt, leapcnt */
        put_be(&out, n, 4);
        put_be(&out, 2, 4);
        put_be(&out, 8, 4);
        for (size_t i = 0; i < n; i++)
            put_be(&out, (uint64_t)t[i].at, block ? 8 : 4);
        for (size_t i = 0; i < n; i++)
            put_be(&out, t[i].type, 1);
        put_be(&out, 3600, 4);
        put_be(&out, 0, 2);
        put_be(&out, 7200, 4);
        put_be(&out, 0x0104, 2);
        buf_bytes(&out, (bytes){(const uint8_t *)"CET\0CEST", 8});
    }
    if (version) buf_format(&out, "\n%s\n", footer);
    return str_bytes(buf_text(&out));
}

static const struct transition two_years[] = {
    {1743296400, 1}, /* 2025-03-30T01:00:00Z */
    {1761440400, 0}, /* 2025-10-26T01:00:00Z */
};

static void encoded_files(void **state)
{
    static const struct row rows[] = {
  /* Before the first transition the first type holds. */
        {"V1",       "2024-07-01T12:00:00Z", "2024-07-01T11:00:00Z"},
        {"V1",       "2025-07-01T12:00:00Z", "2025-07-01T10:00:00Z"},
 /* Without a rule the last type stays. */
        {"V1",       "2026-07-01T12:00:00Z", "2026-07-01T11:00:00Z"},
        {"V2",       "2026-07-01T12:00:00Z", "2026-07-01T10:00:00Z"},
        {"V2",       "2026-12-01T12:00:00Z", "2026-12-01T11:00:00Z"},
 /* The gap and the overlap, from the table and from the rule. */
        {"V2",       "2025-03-30T01:59:59Z", "2025-03-30T00:59:59Z"},
        {"V2",       "2025-03-30T02:30:00Z", "2025-03-30T01:30:00Z"},
        {"V2",       "2025-03-30T03:00:00Z", "2025-03-30T01:00:00Z"},
        {"V2",       "2025-10-26T02:30:00Z", "2025-10-26T00:30:00Z"},
        {"V2",       "2025-10-26T03:00:00Z", "2025-10-26T02:00:00Z"},
        {"V2",       "2026-03-29T02:30:00Z", "2026-03-29T01:30:00Z"},
        {"V2",       "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z"},
        {"V2",       "2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z"},
 /* South: daylight saving over the new year. */
        {"South",    "2030-01-01T12:00:00Z", "2030-01-01T01:00:00Z"},
        {"South",    "2030-06-01T12:00:00Z", "2030-06-01T02:00:00Z"},
 /* "Daylight" is the smaller offset (Ireland), and changes count days of the year. */
        {"Negative", "2030-01-15T12:00:00Z", "2030-01-15T12:00:00Z"},
        {"Negative", "2030-07-15T12:00:00Z", "2030-07-15T11:00:00Z"},
        {"Days",     "2028-02-29T12:00:00Z", "2028-02-29T11:00:00Z"},
        {"Days",     "2028-03-01T12:00:00Z", "2028-03-01T10:00:00Z"},
 /* Daylight saving all year (RFC 8536, 3.3.1). */
        {"Always",   "2030-01-01T00:30:00Z", "2030-01-01T04:30:00Z"},
        {"Always",   "2030-12-31T23:59:59Z", "2031-01-01T03:59:59Z"},
        {"Always",   "2030-07-01T12:00:00Z", "2030-07-01T16:00:00Z"},
        {"Plain",    "2030-07-01T12:00:00Z", "2030-07-01T06:15:00Z"},
    };
    struct arena arena = arena_open("test", 0, NULL);
    struct os_memory *memory = os_memory_new(&arena);
    struct os os = os_memory_world(memory);
    static const struct {
        const char *name, *footer;
        char version;
    } files[] = {
        {"V1",       NULL,                           0  },
        {"V2",       "CET-1CEST,M3.5.0,M10.5.0/3",   '2'},
        {"South",    "AEST-10AEDT,M10.1.0,M4.1.0/3", '3'},
        {"Negative", "IST-1GMT0,M10.5.0,M3.5.0/1",   '4'},
        {"Days",     "<+01>-1<+02>,J60/0,300",       '2'},
        {"Always",   "XXX3EDT4,0/0,J365/23",         '3'},
        {"Plain",    "<+0545>-5:45",                 '2'},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        str path = str_format(&arena, "/usr/share/zoneinfo/%s", files[i].name);
        os_memory_put(
            memory, path,
            make_tzif(&arena, files[i].version, two_years, COUNT_OF(two_years), files[i].footer));
    }
    check_rows(&os, rows, COUNT_OF(rows));
    arena_close(&arena);
}

static void names_are_checked(void **state)
{
    static const struct {
        const char *name;
        enum err_kind kind;
    } rows[] = {
        {"",                 ERR_USAGE    },
        {"..",               ERR_USAGE    },
        {"../passwd",        ERR_USAGE    },
        {"/etc/zone",        ERR_USAGE    },
        {"Europe//Berlin",   ERR_USAGE    },
        {"Europe/",          ERR_USAGE    },
        {"Europe/B\xC3\xA9", ERR_USAGE    },
        {"+25:00",           ERR_USAGE    },
        {"+02:60",           ERR_USAGE    },
        {"Nowhere/Town",     ERR_NOT_FOUND},
        {"Folder",           ERR_NOT_FOUND},
    };
    struct arena arena = arena_open("test", 0, NULL);
    struct os_memory *memory = os_memory_new(&arena);
    struct os os = os_memory_world(memory);
    (void)state;
    os_memory_put(memory, S("/usr/share/zoneinfo/Folder/X"), (bytes){0});
    os_memory_put(memory, S("/usr/share/passwd"), (bytes){0});
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct err err = {0};
        if (zone_find(&os, str_of(rows[i].name), &arena, &err) || err.kind != rows[i].kind)
            fail_msg("\"%s\": kind %d", rows[i].name, (int)err.kind);
    }
    arena_close(&arena);
}

static void damaged_files_are_refused(void **state)
{
    static const struct transition backwards[] =
        {
            {200, 1},
            {100, 0}
    },
                                   beyond[] = {{100, 2}};
    struct arena arena = arena_open("test", 0, NULL);
    struct os_memory *memory = os_memory_new(&arena);
    struct os os = os_memory_world(memory);
    str path = S("/usr/share/zoneinfo/X");
    (void)state;
    bytes good = make_tzif(&arena, '2', two_years, 2, "CET-1CEST,M3.5.0,M10.5.0/3");
    for (size_t n = 0; n < good.len; n++) {
        struct err err = {0};
        os_memory_put(memory, path, (bytes){good.ptr, n});
        if (zone_find(&os, S("X"), &arena, &err)) fail_msg("cut to %zu bytes: not refused", n);
    }
    const bytes bad[] = {
        make_tzif(&arena, '2', backwards, 2, "CET-1"),
        make_tzif(&arena, '2', beyond, 1, "CET-1"),
        make_tzif(&arena, '2', two_years, 2, "CET-1CEST"),
        make_tzif(&arena, '2', two_years, 2, "CET-1CEST,M3.5.0,M10.6.0/3"),
        make_tzif(&arena, '2', two_years, 2, "CET-1CEST,M3.5.0,M10.5.0/168"),
        make_tzif(&arena, '2', two_years, 2, "CE-1"),
        make_tzif(&arena, '2', two_years, 2, "CET-25"),
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err = {0};
        os_memory_put(memory, path, bad[i]);
        if (zone_find(&os, S("X"), &arena, &err) || err.kind != ERR_MALFORMED)
            fail_msg("damaged file %zu", i);
    }
    arena_close(&arena);
}

static void zones_of_the_system(void **state)
{
    static const struct row rows[] = {
        {"Europe/Berlin",    "2026-03-29T02:30:00Z", "2026-03-29T01:30:00Z"},
        {"Europe/Berlin",    "2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z"},
        {"Europe/Berlin",    "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z"},
        {"Europe/Berlin",    "2026-07-01T12:00:00Z", "2026-07-01T10:00:00Z"},
        {"Europe/Berlin",    "2090-07-01T12:00:00Z", "2090-07-01T10:00:00Z"},
        {"Europe/Berlin",    "1980-04-06T01:30:00Z", "1980-04-06T00:30:00Z"},
        {"America/New_York", "2026-03-08T02:30:00Z", "2026-03-08T07:30:00Z"},
        {"America/New_York", "2026-11-01T01:30:00Z", "2026-11-01T05:30:00Z"},
        {"America/New_York", "2026-11-01T02:00:00Z", "2026-11-01T07:00:00Z"},
        {"America/New_York", "2006-04-02T02:30:00Z", "2006-04-02T07:30:00Z"},
        {"America/New_York", "2060-01-01T00:00:00Z", "2060-01-01T05:00:00Z"},
    };
    struct os os = os_posix();
    (void)state;
    if (os.kind(os.self, S("/usr/share/zoneinfo/Europe/Berlin")) != OS_FILE) skip();
    check_rows(&os, rows, COUNT_OF(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_offsets),       cmocka_unit_test(encoded_files),
        cmocka_unit_test(names_are_checked),   cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(zones_of_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
