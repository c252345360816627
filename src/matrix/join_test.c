/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/join.h"

#include "base/test.h"

/* One letter per sighting: its stream (upper case: a capture; lower case: a text log), its start in
 * tenths of a second, its outcome. "-" closes. Expected: connections as "start:outcomes". */
struct sighting {
    char stream;
    int tenths;
    enum outcome outcome;
    bool closes;
    int64_t to_server;
};

struct row {
    const char *name;
    struct sighting sightings[6];
    const char *expected;
};

#define E OUTCOME_ESTABLISHED
#define A OUTCOME_ALLOWED
#define B OUTCOME_BLOCKED
#define N OUTCOME_NONE

static const struct row rows[] = {
    {"one capture, one connection",                     {{'A', 10, E, false, 7}},                         "10:e7"      },
    {"one capture counts each start",
     {{'A', 10, E, false, 1}, {'A', 15, E, false, 2}},
     "10:e1 15:e2"                                                                                                     },
    {"a resumed piece keeps its start",                 {{'A', 10, E, false, 1}, {'A', 10, E, false, 2}}, "10:e3"      },
    {"two captures of one connection, bytes once",
     {{'A', 10, E, false, 5}, {'B', 11, E, false, 4}},
     "10:e5"                                                                                                           },
    {"the window is two seconds",                       {{'A', 10, E, false, 1}, {'B', 30, E, false, 1}}, "10:e1"      },
    {"and not more",                                    {{'A', 10, E, false, 1}, {'B', 31, E, false, 1}}, "10:e1 31:e1"},
    {"two and two are two",
     {{'A', 10, E, false, 1},
      {'A', 20, E, false, 2},
      {'B', 10, E, false, 1},
      {'B', 20, E, false, 2}},
     "10:e1 20:e2"                                                                                                     },
    {"lines of a log within the window are one",
     {{'a', 0, A, false, 0}, {'a', 10, A, false, 0}, {'a', 20, A, false, 0}},
     "0:a0"                                                                                                            },
    {"a log and a capture are one",                     {{'a', 0, A, false, 0}, {'A', 7, E, false, 3}},   "0:ea3"      },
    {"allowed here, blocked there",                     {{'a', 0, A, false, 0}, {'b', 1, B, false, 0}},   "0:ab0"      },
    {"an end belongs to what was opened",               {{'a', 0, A, false, 0}, {'a', 900, N, true, 0}},  "0:a0"       },
    {"also to what another stream saw",                 {{'A', 0, E, false, 1}, {'a', 900, N, true, 0}},  "0:e1"       },
    {"an end alone stands alone",                       {{'a', 900, N, true, 0}, {'b', 901, N, true, 0}}, "900:0"      },
    {"an end before the opening is another connection",
     {{'a', 0, N, true, 0}, {'a', 5, A, false, 0}},
     "0:0 5:a0"                                                                                                        },
};

static void print(void *to, const struct join_connection *c)
{
    static const char letters[] = "?erxpabcf";
    char *out = (char *)to + strlen(to);
    out += snprintf(out, 32, "%s%d:", out == to ? "" : " ", (int)(c->start_us / 100000));
    for (int i = 1; i < OUTCOME_COUNT; i++)
        if (c->outcomes >> i & 1) *out++ = letters[i];
    snprintf(out, 24, "%d", (int)c->to_server);
}

static int order(const void *left, const void *right)
{
    return join_compare(left, right);
}

/* Whatever the order of arrival: the caller sorts. */
static void check_row(const struct row *row, bool backwards)
{
    struct join_sighting given[6];
    char found[256] = "";
    size_t n = 0;
    struct join *join = calloc(1, sizeof *join);
    assert_non_null(join);
    *join = (struct join){.emit = print, .to = found};
    while (n < COUNT_OF(row->sightings) && row->sightings[n].stream) {
        const struct sighting *s = &row->sightings[n];
        given[n++] = (struct join_sighting){
            .start_us = s->tenths * INT64_C(100000),
            .outcome = s->outcome,
            .kind = s->closes ? JOIN_CLOSES : JOIN_BEGINS,
            .last_us = s->tenths * INT64_C(100000),
            .stream = (uint32_t)s->stream,
            .is_log = s->stream >= 'a',
            .to_server = s->to_server,
        };
    }
    for (size_t i = 0; backwards && i < n / 2; i++) {
        struct join_sighting held = given[i];
        given[i] = given[n - 1 - i];
        given[n - 1 - i] = held;
    }
    qsort(given, n, sizeof given[0], order);
    for (size_t i = 0; i < n; i++)
        join_add(join, &given[i]);
    join_end(join);
    free(join);
    if (strcmp(found, row->expected) != 0)
        fail_msg("%s: expected \"%s\", found \"%s\"", row->name, row->expected, found);
}

static void sightings_become_connections(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        check_row(&rows[i], false);
        check_row(&rows[i], true);
    }
}

/* More starts of one port within the window than are kept open: none is lost. */
static void count_only(void *to, const struct join_connection *c)
{
    (void)c;
    ++*(size_t *)to;
}

static void a_flood_is_counted(void **state)
{
    enum { FLOOD = 1000 };
    size_t n = 0;
    struct join *join = calloc(1, sizeof *join);
    (void)state;
    assert_non_null(join);
    *join = (struct join){.emit = count_only, .to = &n};
    for (int i = 0; i < FLOOD; i++)
        join_add(join, &(struct join_sighting){.start_us = i, .outcome = E, .stream = 1});
    join_end(join);
    free(join);
    assert_int_equal(n, FLOOD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sightings_become_connections),
        cmocka_unit_test(a_flood_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
