/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/join.h"

#include "base/test.h"

/* One letter per sighting: its stream (upper case: a capture; lower case: a text log), its start in
 * tenths of a second, its outcome, its kind, bytes to the server, and (within a session) its last.
 * Expected: connections as "start:outcomes bytes". */
struct sighting {
    char stream;
    int tenths;
    enum outcome outcome;
    enum join_kind kind;
    int64_t to_server;
    int last; /* tenths; 0 = the start */
};

struct row {
    const char *name;
    struct sighting sightings[6];
    const char *expected;
};

#define E      OUTCOME_ESTABLISHED
#define A      OUTCOME_ALLOWED
#define B      OUTCOME_BLOCKED
#define N      OUTCOME_NONE
#define C      OUTCOME_ACCESSED
#define F      OUTCOME_AUTH_FAILED
#define BEGINS JOIN_BEGINS
#define WITHIN JOIN_WITHIN
#define CLOSES JOIN_CLOSES

static const struct row rows[] = {
    {"one capture, one connection",                                  {{'A', 10, E, BEGINS, 7, 0}},                              "10:e7"      },
    {"one capture counts each start",
     {{'A', 10, E, BEGINS, 1, 0}, {'A', 15, E, BEGINS, 2, 0}},
     "10:e1 15:e2"                                                                                                                           },
    {"a resumed piece keeps its start",
     {{'A', 10, E, BEGINS, 1, 0}, {'A', 10, E, BEGINS, 2, 0}},
     "10:e3"                                                                                                                                 },
    {"two captures of one connection, bytes once",
     {{'A', 10, E, BEGINS, 5, 0}, {'B', 11, E, BEGINS, 4, 0}},
     "10:e5"                                                                                                                                 },
    {"the window is two seconds",
     {{'A', 10, E, BEGINS, 1, 0}, {'B', 30, E, BEGINS, 1, 0}},
     "10:e1"                                                                                                                                 },
    {"and not more",                                                 {{'A', 10, E, BEGINS, 1, 0}, {'B', 31, E, BEGINS, 1, 0}},  "10:e1 31:e1"},
    {"two and two are two",
     {{'A', 10, E, BEGINS, 1, 0},
      {'A', 20, E, BEGINS, 2, 0},
      {'B', 10, E, BEGINS, 1, 0},
      {'B', 20, E, BEGINS, 2, 0}},
     "10:e1 20:e2"                                                                                                                           },
    {"lines of a log within the window are one",
     {{'a', 0, A, BEGINS, 0, 0}, {'a', 10, A, BEGINS, 0, 0}, {'a', 20, A, BEGINS, 0, 0}},
     "0:a0"                                                                                                                                  },
    {"a SYN that is repeated in vain is one attempt",
     {{'a', 0, B, BEGINS, 0, 0},
      {'a', 10, B, BEGINS, 0, 0},
      {'a', 30, B, BEGINS, 0, 0},
      {'a', 70, B, BEGINS, 0, 0},
      {'a', 150, B, BEGINS, 0, 0}},
     "0:b0"                                                                                                                                  },
    {"a line that comes too late for it is another",
     {{'a', 0, B, BEGINS, 0, 0}, {'a', 30, B, BEGINS, 0, 0}, {'a', 101, B, BEGINS, 0, 0}},
     "0:b0 101:b0"                                                                                                                           },
    {"so is one after what was answered",
     {{'a', 0, B, BEGINS, 0, 0}, {'A', 1, E, BEGINS, 1, 0}, {'a', 30, B, BEGINS, 0, 0}},
     "0:eb1 30:b0"                                                                                                                           },
    {"a capture counts each of its starts",
     {{'A', 0, B, BEGINS, 0, 0}, {'A', 30, B, BEGINS, 0, 0}},
     "0:b0 30:b0"                                                                                                                            },
    {"a log and a capture are one",
     {{'a', 0, A, BEGINS, 0, 0}, {'A', 7, E, BEGINS, 3, 0}},
     "0:ea3"                                                                                                                                 },
    {"allowed here, blocked there",
     {{'a', 0, A, BEGINS, 0, 0}, {'b', 1, B, BEGINS, 0, 0}},
     "0:ab0"                                                                                                                                 },
    {"an end belongs to what was opened",
     {{'a', 0, A, BEGINS, 0, 0}, {'a', 900, N, CLOSES, 0, 0}},
     "0:a0"                                                                                                                                  },
    {"also to what another stream saw",
     {{'A', 0, E, BEGINS, 1, 0}, {'a', 900, N, CLOSES, 0, 0}},
     "0:e1"                                                                                                                                  },
    {"an end alone stands alone",
     {{'a', 900, N, CLOSES, 0, 0}, {'b', 901, N, CLOSES, 0, 0}},
     "900:0"                                                                                                                                 },
    {"an end before the opening is another connection",
     {{'a', 0, N, CLOSES, 0, 0}, {'a', 5, A, BEGINS, 0, 0}},
     "0:0 5:a0"                                                                                                                              },
    {"an access belongs to the connection before it",
     {{'A', 10, E, BEGINS, 5, 0}, {'b', 30000, C, WITHIN, 0, 0}},
     "10:ec5"                                                                                                                                },
    {"of two, to the last",
     {{'A', 10, E, BEGINS, 5, 0}, {'A', 900, E, BEGINS, 6, 0}, {'b', 5000, C, WITHIN, 0, 0}},
     "10:e5 900:ec6"                                                                                                                         },
    {"also of its own stream",                                       {{'a', 10, A, BEGINS, 0, 0}, {'a', 200, C, WITHIN, 0, 0}}, "10:ac0"     },
    {"clocks differ: to one that begins within the window after it",
     {{'b', 10, C, WITHIN, 0, 0}, {'A', 30, E, BEGINS, 3, 0}},
     "30:ec3"                                                                                                                                },
    {"and not later",                                                {{'b', 10, C, WITHIN, 0, 0}, {'A', 31, E, BEGINS, 3, 0}},  "10:c0 31:e3"},
    {"alone it is a connection",                                     {{'b', 10, C, WITHIN, 0, 0}},                              "10:c0"      },
    {"that later ones join",
     {{'b', 10, C, WITHIN, 0, 0}, {'c', 500, F, WITHIN, 0, 0}, {'b', 80000, C, WITHIN, 0, 0}},
     "10:cf0"                                                                                                                                },
    {"unless it was silent for a day",
     {{'A', 10, E, BEGINS, 1, 0}, {'b', 864011, C, WITHIN, 0, 0}},
     "10:e1 864011:c0"                                                                                                                       },
    {"a span reaches what begins in its middle",
     {{'A', 10, E, BEGINS, 1, 0}, {'b', 100, C, WITHIN, 0, 2000}, {'A', 1500, E, BEGINS, 2, 0}},
     "10:ec1 1500:ec2"                                                                                                                       },
    {"put together here or before, it is the same",
     {{'A', 10, E, BEGINS, 1, 0},
      {'b', 100, C, WITHIN, 0, 1000},
      {'A', 1300, E, BEGINS, 2, 0},
      {'b', 1500, C, WITHIN, 0, 2000}},
     "10:ec1 1300:ec2"                                                                                                                       },
    {"a gap parts spans",
     {{'A', 10, E, BEGINS, 1, 0},
      {'b', 100, C, WITHIN, 0, 0},
      {'A', 500, E, BEGINS, 2, 0},
      {'b', 701, C, WITHIN, 0, 0},
      {'A', 690, E, BEGINS, 4, 0}},
     "10:ec1 500:e2 690:ec4"                                                                                                                 },
    {"the halves of a rotated capture",
     {{'A', 10, E, BEGINS, 100, 0}, {'B', 9000, E, WITHIN, 70, 12000}},
     "10:e100"                                                                                                                               },
    {"records of one flow add up, of two meters the larger counts",
     {{'a', 10, E, BEGINS, 100, 0},
      {'a', 600, E, WITHIN, 50, 0},
      {'a', 1200, E, WITHIN, 50, 0},
      {'b', 11, E, BEGINS, 120, 0},
      {'b', 700, E, WITHIN, 60, 0}},
     "10:e200"                                                                                                                               },
    {"an end after an access alone is no other",
     {{'b', 10, C, WITHIN, 0, 0}, {'a', 20, N, CLOSES, 0, 0}},
     "10:c0"                                                                                                                                 },
    {"an access does not belong to an end",
     {{'a', 10, N, CLOSES, 0, 0}, {'b', 100, C, WITHIN, 0, 0}},
     "10:0 100:c0"                                                                                                                           },
    {"what was counted before is joined",
     {{'A', 10, N, JOIN_COUNTED, 0, 0}, {'b', 100, C, WITHIN, 0, 0}},
     "10:c0!"                                                                                                                                },
};

static void print(void *to, const struct join_connection *c)
{
    static const char letters[] = "?erxpabcf";
    char *out = (char *)to + strlen(to);
    out += snprintf(out, 32, "%s%d:", out == to ? "" : " ", (int)(c->start_us / 100000));
    for (int i = 1; i < OUTCOME_COUNT; i++)
        if (c->outcomes >> i & 1) *out++ = letters[i];
    snprintf(out, 24, "%d%s", (int)c->to_server, c->counted ? "!" : "");
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
            .kind = s->kind,
            .last_us = (s->last ? s->last : s->tenths) * INT64_C(100000),
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
