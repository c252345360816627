/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "evidence/facts_heard.h"

extern const struct reader masscan_reader;

#define OPEN(ip, port)                                                                             \
    "{   \"ip\": \"" ip "\",   \"timestamp\": \"1793693700\", \"ports\": [ {\"port\": " port       \
    ", \"proto\": \"tcp\", \"status\": \"open\", \"reason\": \"syn-ack\", \"ttl\": 64} ] }"

/* clang-format off */
static const char array[] =
    "[\n" OPEN("10.20.0.21", "445") "\n,\n" OPEN("2001:db8::21", "139") "\n,\n"
    OPEN("10.20.0.21", "8080") "\n]\n";
static const char older[] =
    OPEN("10.20.0.21", "445") ",\n" OPEN("10.20.0.22", "445") ",\n{finished: 1}\n";
static const char any_order[] =
    "[{\"ports\":[{\"proto\":\"tcp\",\"status\":\"closed\",\"port\":445},"
    "{\"port\":137,\"proto\":\"udp\",\"status\":\"open\"}],\"timestamp\":1793693700,"
    "\"ip\":\"10.20.0.21\"},\n"
    "{\"ip\":\"10.20.0.22\",\"timestamp\":\"1793693700\",\"ports\":[{\"port\":445,"
    "\"proto\":\"tcp\",\"service\":{\"name\":\"smb\",\"banner\":\"SMBv1 time=2026 "
    "domain=CONTOSO name=FS01 name-dns=fs01.contoso.com\"}}]}]";
static const char damage[] =
    "[\n" OPEN("10.20.0.400", "445") "\n,\n" OPEN("10.20.0.21", "70000") "\n,\n"
    OPEN("10.20.0.21", "445") "\n]\n";
static const char list[] =
    "#masscan\nopen tcp 445 10.20.0.21 1793693700\nclosed tcp 139 10.20.0.21 1793693700\n"
    "banner tcp 445 10.20.0.21 1793693700 smb SMBv2 name=FS01\n"
    "open tcp 445 10.20.0.21\nopen tcp 445 10.20.0.22 179369\n# end\n"
    "open tcp 445 10.20.0.23 17936937";
/* clang-format on */

#define TEXT(name)                                                                                 \
    {                                                                                              \
        name, sizeof name - 1                                                                      \
    }

static const struct {
    const char *name;
    str in;
    size_t records;
    const char *expected;
} rows[] = {
    {"an array with commas on lines of their own",                 TEXT(array),     3,
     "listen 10.20.0.21 tcp/445 open 2026-11-03T08:15:00 @66\n"
     "listen 2001:db8::21 tcp/139 open 2026-11-03T08:15:00 @218\n"},
    {"older: a comma behind the last, and an end that is no JSON", TEXT(older),     2,
     "listen 10.20.0.21 tcp/445 open 2026-11-03T08:15:00 @64\n"
     "listen 10.20.0.22 tcp/445 open 2026-11-03T08:15:00 @213\n"  },
    {"closed, several ports, a banner, members in another order",  TEXT(any_order), 2,
     "listen 10.20.0.21 tcp/445 closed 2026-11-03T08:15:00 @11\n"
     "listen 10.20.0.21 udp/137 open 2026-11-03T08:15:00 @56\n"
     "listen 10.20.0.22 tcp/445 open nt-lm-0.12 2026-11-03T08:15:00 @196\n"
     "name 10.20.0.22 FS01 ntlm\n"
     "name 10.20.0.22 fs01.contoso.com ntlm\n"                    },
    {"damaged findings are stepped over one by one",               TEXT(damage),    1,
     "skip @2+148 expected an address, a time or a port\n"
     "skip @153+149 expected an address, a time or a port\n"
     "listen 10.20.0.21 tcp/445 open 2026-11-03T08:15:00 @369\n"  },
    {"a list",                                                     TEXT(list),      4,
     "listen 10.20.0.21 tcp/445 open 2026-11-03T08:15:00 @9\n"
     "listen 10.20.0.21 tcp/139 closed 2026-11-03T08:15:00 @44\n"
     "listen 10.20.0.21 tcp/445 open 2026-11-03T08:15:00 @81\n"
     "name 10.20.0.21 FS01 ntlm\n"
     "skip @138+23 expected state, protocol, port, address and time\n"
     "listen 10.20.0.22 tcp/445 open 1970-01-03T01:49:29 @162\n"
     "skip @199+32 the line is cut\n"                             },
};

static struct facts_heard read_in(str data, size_t piece, struct arena *arena)
{
    return facts_heard_of(&masscan_reader, &(struct reader_options){0}, str_bytes(data), piece,
                          arena);
}

static void rows_give_their_facts(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(masscan_reader.recognise(str_bytes(rows[i].in)));
        for (size_t piece = 1; piece < 4000; piece = piece * 3 + 1) {
            struct facts_heard heard = read_in(rows[i].in, piece, &arena);
            if (!str_equal(buf_text(&heard.text), str_of(rows[i].expected)))
                fail_msg("%s, in pieces of %zu: found\n%.*s", rows[i].name, piece,
                         STR_ARG(buf_text(&heard.text)));
            if (heard.records != rows[i].records)
                fail_msg("%s: %zu records", rows[i].name, heard.records);
        }
        arena_reset(&arena);
    }
    arena_close(&arena);
}

static void truncations_invent_nothing(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct facts_heard whole = read_in(rows[i].in, 4096, &arena);
        for (size_t len = 0; len < rows[i].in.len; len++) {
            struct facts_heard cut = read_in(str_head(rows[i].in, len), 4096, &arena);
            str rest = buf_text(&cut.text), line;
            while (rest.len) {
                str_cut(rest, '\n', &line, &rest);
                if (str_starts(line, S("listen")) && !str_contains(buf_text(&whole.text), line))
                    fail_msg("%s cut to %zu: %.*s", rows[i].name, len, STR_ARG(line));
            }
        }
        arena_reset(&arena);
    }
    arena_close(&arena);
}

static void heads_are_recognised(void **state)
{
    (void)state;
    assert_false(masscan_reader.recognise(str_bytes(S("[{\"ip\":\"10.0.0.1\",\"name\":\"x\"}]"))));
    assert_false(masscan_reader.recognise(str_bytes(S("open tcp 445 10.0.0.1 1\n"))));
    assert_false(masscan_reader.recognise((bytes){0}));
}

static void corpus_agrees(void **state)
{
    const char *folder = test_corpus();
    struct arena arena = arena_open("test", 0, NULL);
    char piece[4096];
    (void)state;
    if (!folder) skip();
    FILE *file = fopen(str_c(&arena, str_format(&arena, "%s/nmap/masscan-lab.json", folder)), "rb");
    assert_non_null(file);
    size_t n = fread(piece, 1, sizeof piece, file);
    fclose(file);
    struct facts_heard heard = read_in((str){piece, n}, 100, &arena);
    str text = buf_text(&heard.text);
    assert_int_equal(heard.listenings, 3);
    assert_true(str_contains(text, S("listen 10.60.3.20 tcp/139 open ")));
    assert_true(str_contains(text, S("listen 10.60.3.20 tcp/445 open ")));
    assert_true(str_contains(text, S("listen 10.60.3.21 tcp/445 open ")));
    assert_int_equal(heard.skips, 0);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_facts),
        cmocka_unit_test(truncations_invent_nothing),
        cmocka_unit_test(heads_are_recognised),
        cmocka_unit_test(corpus_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
