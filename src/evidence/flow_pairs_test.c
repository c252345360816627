/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/flow_pairs.h"

#include "base/instant.h"
#include "base/limits.h"
#include "base/test.h"
#include "wire/tcp.h"

enum { S = TCP_SYN, A = TCP_ACK, P = TCP_PSH, F = TCP_FIN, R = TCP_RST, MOST = 4 };

/* A record between 10.0.0.1 (a) and 10.0.0.2 (b), in seconds and milliseconds. */
struct row_record {
    char from; /* 'a' or 'b'; 0 = no record */
    uint16_t from_port, to_port;
    unsigned flags; /* NO_FLAGS: not known */
    uint64_t packets, bytes;
    int64_t first_ms, last_ms;
    struct flow_record more; /* members with a meaning of their own */
};
enum { NO_FLAGS = 0x100, JOIN = 99 };

#define REVERSE(n_packets, n_bytes, its_flags)                                                     \
    {                                                                                              \
        .has_reverse = true, .reverse_packets = (n_packets), .reverse_bytes = (n_bytes),           \
        .reverse_flags = (its_flags)                                                               \
    }
#define PLAIN                                                                                      \
    {                                                                                              \
        .offset = 0                                                                                \
    }
#define ALLOWED                                                                                    \
    {                                                                                              \
        .verdict = FLOW_ALLOWED                                                                    \
    }
#define BLOCKED                                                                                    \
    {                                                                                              \
        .verdict = FLOW_BLOCKED                                                                    \
    }
#define SAMPLED                                                                                    \
    {                                                                                              \
        .is_sampled = true                                                                         \
    }
#define TOTAL                                                                                      \
    {                                                                                              \
        .is_cumulative = true                                                                      \
    }
#define OPENED                                                                                     \
    {                                                                                              \
        .from_opened = true                                                                        \
    }
#define AT(point)                                                                                  \
    {                                                                                              \
        .vantage = (point)                                                                         \
    }
#define JOINED(point)                                                                              \
    {                                                                                              \
        .vantage = (point), .offset = JOIN                                                         \
    }
#define UDP                                                                                        \
    {                                                                                              \
        .transport = TRANSPORT_UDP                                                                 \
    }

/* Expected: per conversation "client>server:port first-last to_server/to_client outcome flags". */
static const struct {
    const char *name;
    struct row_record records[MOST];
    const char *expected;
} rows[] = {
    {"both directions",
     {{'a', 50000, 445, S | A | P | F, 21, 3367, 693, 715, PLAIN},
      {'b', 445, 50000, S | A | P | F, 19, 3246, 693, 715, PLAIN}},
     "a:50000>b:445 693-715 3367/3246 established\n"                                                                                                 },
    {"the answer first",
     {{'b', 445, 50000, S | A | P | F, 19, 3246, 693, 715, PLAIN},
      {'a', 50000, 445, S | A | P | F, 21, 3367, 693, 715, PLAIN}},
     "a:50000>b:445 693-715 3367/3246 established\n"                                                                                                 },
    {"refused",
     {{'a', 50000, 445, S, 1, 60, 770, 770, PLAIN},
      {'b', 445, 50000, A | R, 1, 40, 770, 770, PLAIN}},
     "a:50000>b:445 770-770 60/40 refused\n"                                                                                                         },
    {"no answer",
     {{'a', 50000, 445, S, 5, 300, 0, 4087, PLAIN}},
     "a:50000>b:445 0-4087 300/0 no-answer\n"                                                                                                        },
    {"no answer to a SYN from a service's port is no flow on it",
     {{'a', 445, 50000, S, 1, 60, 0, 0, PLAIN}},
     ""                                                                                                                                              },
    {"both on a service's port, the SYN tells",
     {{'b', 445, 139, S, 1, 60, 0, 0, PLAIN}},
     "b:445>a:139 0-0 60/0 no-answer\n"                                                                                                              },
    {"both on a service's port, the earlier is a guess",
     {{'b', 445, 139, S | A | P, 5, 900, 3, 9, PLAIN},
      {'a', 139, 445, S | A | P, 5, 900, 2, 9, PLAIN}},
     "a:139>b:445 2-9 900/900 established server\n"                                                                                                  },
    {"both on a service's port, the format tells",
     {{'b', 445, 139, NO_FLAGS, 5, 900, 3, 9, OPENED}},
     "b:445>a:139 3-9 900/0 established within\n"                                                                                                    },
    {"the client's direction alone: its ACK tells of the handshake",
     {{'a', 50000, 445, S | A | F, 3, 132, 0, 5, PLAIN}},
     "a:50000>b:445 0-5 132/0 established\n"                                                                                                         },
    {"the server's direction alone",
     {{'b', 445, 50000, S | A, 1, 60, 0, 5, PLAIN}},
     "a:50000>b:445 0-5 0/60 established\n"                                                                                                          },
    {"a scan's half-open handshake",
     {{'a', 50000, 445, S | R, 2, 80, 0, 1, PLAIN}, {'b', 445, 50000, S | A, 1, 44, 0, 1, PLAIN}},
     "a:50000>b:445 0-1 80/44 established\n"                                                                                                         },
    {"a lone reset says nothing",
     {{'b', 445, 50000, A | R, 1, 40, 0, 0, PLAIN}},
     "a:50000>b:445 0-0 0/40 - within\n"                                                                                                             },
    {"acknowledgements under way say nothing",
     {{'a', 50000, 445, A, 3, 156, 0, 9, PLAIN}, {'b', 445, 50000, A, 3, 156, 0, 9, PLAIN}},
     "a:50000>b:445 0-9 156/156 - within\n"                                                                                                          },
    {"payload under way",
     {{'a', 50000, 445, A | P, 3, 400, 0, 9, PLAIN}, {'b', 445, 50000, A | P, 3, 400, 0, 9, PLAIN}},
     "a:50000>b:445 0-9 400/400 established within\n"                                                                                                },
    {"a long conversation in pieces",
     {{'a', 50000, 445, S | A | P, 5, 500, 0, 60000, PLAIN},
      {'b', 445, 50000, S | A | P, 5, 700, 0, 60000, PLAIN},
      {'a', 50000, 445, A | P, 5, 600, 60100, 120000, PLAIN},
      {'a', 50000, 445, A | P, 5, 800, 9000000, 9060000, PLAIN}},
     "a:50000>b:445 0-9060000 1900/700 established\n"                                                                                                },
    {"the port used again",
     {{'a', 50000, 445, S | A | P, 5, 500, 0, 1000, PLAIN},
      {'a', 50000, 445, S | A | P, 5, 600, 8000, 9000, PLAIN},
      {'b', 445, 50000, S | A | P, 5, 700, 0, 1000, PLAIN},
      {'b', 445, 50000, S | A | P, 5, 800, 8000, 9000, PLAIN}},
     "a:50000>b:445 0-1000 500/700 established\n"
     "a:50000>b:445 8000-9000 600/800 established\n"                                                                                                 },
    {"a SYN that was repeated is answered late",
     {{'a', 50000, 445, S | A | P, 5, 500, 0, 5000, PLAIN},
      {'b', 445, 50000, S | A | P, 5, 700, 3000, 5000, PLAIN}},
     "a:50000>b:445 0-5000 500/700 established\n"                                                                                                    },
    {"the beginning comes last",
     {{'a', 50000, 445, A | P, 5, 500, 60000, 90000, PLAIN},
      {'a', 50000, 445, S | A | P, 5, 600, 0, 59000, PLAIN}},
     "a:50000>b:445 0-90000 1100/0 established\n"                                                                                                    },
    {"the same packets at two interfaces",
     {{'a', 50000, 445, S | A | P, 5, 500, 0, 1000, PLAIN},
      {'a', 50000, 445, S | A | P, 5, 500, 1, 1001, PLAIN}},
     "a:50000>b:445 0-1001 500/0 established\n"                                                                                                      },
    {"counts since the beginning",
     {{'a', 50000, 445, S | A | P, 5, 500, 0, 1000, TOTAL},
      {'a', 50000, 445, S | A | P, 9, 900, 0, 9000, TOTAL}},
     "a:50000>b:445 0-9000 900/0 established\n"                                                                                                      },
    {"both directions in one record",
     {{'a', 50000, 445, NO_FLAGS, 5, 500, 0, 1000, REVERSE(4, 700, 0)}},
     "a:50000>b:445 0-1000 500/700 established within\n"                                                                                             },
    {"without flags: contiguous pieces, then a silence",
     {{'a', 50000, 445, NO_FLAGS, 5, 900, 0, 60000, PLAIN},
      {'b', 445, 50000, NO_FLAGS, 5, 700, 0, 60000, PLAIN},
      {'a', 50000, 445, NO_FLAGS, 5, 900, 61000, 120000, PLAIN},
      {'a', 50000, 445, NO_FLAGS, 5, 900, 900000, 960000, PLAIN}},
     "a:50000>b:445 0-120000 1800/700 established within\n"
     "a:50000>b:445 900000-960000 900/0 established\n"                                                                                               },
    {"without flags and payload nothing is known",
     {{'a', 50000, 445, NO_FLAGS, 1, 60, 0, 0, PLAIN},
      {'b', 445, 50000, NO_FLAGS, 1, 40, 0, 0, PLAIN}},
     "a:50000>b:445 0-0 60/40 - within\n"                                                                                                            },
    {"sampled: absence is no evidence",
     {{'a', 50000, 445, S, 1, 60, 0, 0, SAMPLED}},
     "a:50000>b:445 0-0 60/0 -\n"                                                                                                                    },
    {"blocked",                                                      {{'a', 50000, 445, S, 1, 60, 0, 0, BLOCKED}}, "a:50000>b:445 0-0 60/0 blocked\n"},
    {"blocked without flags",
     {{'a', 50000, 445, NO_FLAGS, 1, 60, 0, 0, BLOCKED}},
     "a:50000>b:445 0-0 60/0 blocked\n"                                                                                                              },
    {"allowed, never answered",
     {{'a', 50000, 445, S, 1, 60, 0, 0, ALLOWED}},
     "a:50000>b:445 0-0 60/0 allowed\n"                                                                                                              },
    {"allowed, then established",
     {{'a', 50000, 445, NO_FLAGS, 9, 900, 0, 9, ALLOWED},
      {'b', 445, 50000, NO_FLAGS, 9, 900, 0, 9, ALLOWED}},
     "a:50000>b:445 0-9 900/900 established within\n"                                                                                                },
    {"two points saw it",
     {{'a', 50000, 445, S | A | P, 5, 500, 0, 1000, AT(1)},
      {'b', 445, 50000, S | A | P, 5, 700, 0, 1000, AT(2)}},
     "exporter-1 a:50000>b:445 0-1000 500/0 established\n"
     "exporter-2 a:50000>b:445 0-1000 0/700 established\n"                                                                                           },
    {"two points saw it, of one source",
     {{'a', 50000, 445, S | A | P, 5, 500, 0, 1000, JOINED(1)},
      {'a', 50000, 445, S | A | P, 6, 504, 900, 1900, JOINED(2)},
      {'b', 445, 50000, S | A | P, 5, 700, 0, 1000, JOINED(2)},
      {'a', 50000, 445, A | F, 1, 52, 2000, 2000, JOINED(1)}},
     "a:50000>b:445 0-2000 552/700 established\n"                                                                                                    },
    {"a datagram service",
     {{'a', 137, 137, NO_FLAGS, 1, 78, 0, 0, UDP}, {'b', 137, 137, NO_FLAGS, 1, 90, 9, 9, UDP}},
     "a:137>b:137 0-9 78/90 - server\n"                                                                                                              },
    {"another port",                                                 {{'a', 50000, 80, S, 1, 60, 0, 0, PLAIN}},    ""                                },
};

struct heard {
    struct buf out;
    size_t observations, skips;
    bool quiet;
    str origin;
};

static void hear_origin(void *to, str host)
{
    struct heard *heard = to;
    heard->origin = host;
}

static char end_of(struct addr addr)
{
    return (addr_v4_value(addr) & 0xFF) == 1 ? 'a' : 'b';
}

static void hear_observation(void *to, const struct observation *fact)
{
    struct heard *heard = to;
    heard->observations++;
    if (heard->quiet) return;
    str outcome = fact->outcome == OUTCOME_NONE ? S("-") : outcome_text(fact->outcome);
    assert_int_equal(fact->count, 1);
    buf_str(&heard->out, heard->origin);
    if (heard->origin.len) buf_char(&heard->out, ' ');
    buf_format(&heard->out,
               "%c:%u>%c:%u %" PRId64 "-%" PRId64 " %" PRIu64 "/%" PRIu64 " %.*s%s%s\n",
               end_of(fact->client.addr), fact->client_port, end_of(fact->server.addr), fact->port,
               fact->first_us / 1000, fact->last_us / 1000, fact->bytes_to_server,
               fact->bytes_to_client, STR_ARG(outcome), fact->within ? " within" : "",
               fact->assumed & 1u << ASSUMED_SERVER ? " server" : "");
}

static void hear_skip(void *to, const struct skip *skip)
{
    struct heard *heard = to;
    assert_true(skip->reason.len);
    heard->skips++;
}

static struct fact_sink sink_to(struct heard *heard)
{
    struct fact_sink sink = fact_sink_none();
    sink.to = heard;
    sink.observation = hear_observation;
    sink.origin = hear_origin;
    sink.skip = hear_skip;
    return sink;
}

static struct flow_record record_of(const struct row_record *row)
{
    struct flow_record r = row->more;
    r.from = addr_v4(row->from == 'a' ? 0x0A000001 : 0x0A000002);
    r.to = addr_v4(row->from == 'a' ? 0x0A000002 : 0x0A000001);
    r.from_port = row->from_port;
    r.to_port = row->to_port;
    if (!r.transport) r.transport = TRANSPORT_TCP;
    r.flags_known = row->flags != NO_FLAGS;
    r.flags = (uint8_t)row->flags;
    r.packets = row->packets;
    r.bytes = row->bytes;
    r.first_us = row->first_ms * 1000;
    r.last_us = row->last_ms * 1000;
    return r;
}

static void rows_are_as_expected(void **state)
{
    (void)state;
    size_t failed = 0;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("test", 64 << 20, NULL), text = arena_open("text", 0, NULL);
        struct heard heard = {.out = buf_in(&text)};
        struct fact_sink sink = sink_to(&heard);
        struct flow_pairs *pairs = flow_pairs_open(&arena, &sink);
        for (size_t j = 0; j < MOST && rows[i].records[j].from; j++) {
            struct flow_record r = record_of(&rows[i].records[j]);
            if (r.offset == JOIN) flow_pairs_join_vantages(pairs);
            if (r.vantage) {
                char name[24];
                snprintf(name, sizeof name, "exporter-%u", (unsigned)r.vantage);
                assert_int_equal(flow_pairs_vantage(pairs, str_of(name)), r.vantage);
            }
            flow_pairs_add(pairs, &r);
        }
        flow_pairs_close(pairs);
        if (!str_equal(buf_text(&heard.out), str_of(rows[i].expected))) {
            print_error("%s:\n got %.*s wanted %s", rows[i].name, STR_ARG(buf_text(&heard.out)),
                        rows[i].expected);
            failed++;
        }
        assert_int_equal(heard.skips, 0);
        arena_close(&arena);
        arena_close(&text);
    }
    assert_int_equal(failed, 0);
}

/* More conversations than the table holds: each is told of once, and the remark is made. */
static void full_table_tells_early(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 64 << 20, NULL);
    struct heard heard = {.out = buf_in(&arena), .quiet = true};
    struct fact_sink sink = sink_to(&heard);
    struct flow_pairs *pairs = flow_pairs_open(&arena, &sink);
    enum { MORE = LIMIT_FLOW_PAIRS + 1000 };
    for (uint32_t i = 0; i < MORE; i++) {
        struct flow_record r = {
            .from = addr_v4(0x0A000000 + i),
            .to = addr_v4(0x0B000001),
            .from_port = 50000,
            .to_port = 445,
            .transport = TRANSPORT_TCP,
            .flags_known = true,
            .flags = TCP_SYN,
        };
        flow_pairs_add(pairs, &r);
    }
    assert_int_equal(heard.observations, 1000);
    flow_pairs_close(pairs);
    assert_int_equal(heard.observations, MORE);
    assert_int_equal(heard.skips, 1);
    arena_close(&arena);
}

/* One port used again and again does not make the search long. */
static void one_port_again_and_again(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 64 << 20, NULL);
    struct heard heard = {.out = buf_in(&arena), .quiet = true};
    struct fact_sink sink = sink_to(&heard);
    struct flow_pairs *pairs = flow_pairs_open(&arena, &sink);
    enum { MANY = 10000 };
    for (int64_t i = 0; i < MANY; i++) {
        struct row_record row = {'a', 50000, 445, S, 1, 60, i * 10000, i * 10000, PLAIN};
        struct flow_record r = record_of(&row);
        flow_pairs_add(pairs, &r);
    }
    assert_int_equal(heard.observations, MANY - LIMIT_FLOW_PROBES);
    flow_pairs_close(pairs);
    assert_int_equal(heard.observations, MANY);
    arena_close(&arena);
}

/* Times at both ends of what a number holds. */
static void extreme_times(void **state)
{
    (void)state;
    static const int64_t times[] = {INT64_MIN, 0, INT64_MAX};
    struct arena arena = arena_open("test", 64 << 20, NULL);
    struct heard heard = {.out = buf_in(&arena), .quiet = true};
    struct fact_sink sink = sink_to(&heard);
    struct flow_pairs *pairs = flow_pairs_open(&arena, &sink);
    for (size_t i = 0; i < 27; i++) {
        static const unsigned flags[] = {S, A, NO_FLAGS};
        struct row_record row = {'a', 50000, 445, flags[i / 9], 1, 60, 0, 0, PLAIN};
        struct flow_record r = record_of(&row);
        r.first_us = times[i % 3];
        r.last_us = times[i / 3 % 3];
        r.bytes = UINT64_MAX;
        r.packets = UINT64_MAX;
        if (r.first_us <= r.last_us) flow_pairs_add(pairs, &r);
    }
    flow_pairs_close(pairs);
    assert_true(heard.observations > 0);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_as_expected),
        cmocka_unit_test(full_table_tells_early),
        cmocka_unit_test(one_port_again_and_again),
        cmocka_unit_test(extreme_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
