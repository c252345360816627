/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "base/input.h"
#include "base/test.h"
#include "evidence/reader.h"

extern const struct reader windows_firewall_log_reader;

/* Facts as text, one line each, so that a row can say what it expects. */
struct heard {
    struct arena *arena;
    struct buf text;
    struct buf local;
    uint64_t hash, hashes; /* the last one; and their sum over all lines */
    size_t records, observations, skips;
    bool quiet; /* only count */
};

static void hear_observation(void *to, const struct observation *fact)
{
    struct heard *heard = to;
    char client[ADDR_TEXT], server[ADDR_TEXT], at[INSTANT_TEXT];
    str c = addr_text(client, fact->client.addr), s = addr_text(server, fact->server.addr);
    heard->observations++;
    assert_true(heard->hash); /* the line's identity came first */
    heard->hash = 0;
    assert_int_equal(fact->count, 1);
    assert_int_equal(fact->first_us, fact->last_us);
    assert_int_equal(fact->profile, PROFILE_UNKNOWN);
    if (heard->quiet) return;
    str when = instant_text(at, fact->first_us),
        transport = service_transport_text(fact->transport);
    buf_format(&heard->text, "%.*s %.*s:%u > %.*s:%u %.*s %.*s%s%s @%" PRIu64 "\n", 19, when.ptr,
               STR_ARG(c), (unsigned)fact->client_port, STR_ARG(s), (unsigned)fact->port,
               STR_ARG(transport), STR_ARG(outcome_text(fact->outcome)),
               fact->closes ? " closes" : "",
               fact->assumed == 1u << ASSUMED_TIMEZONE ? " zone?" : "", fact->offset);
}

static void hear_use(void *to, const struct use *fact)
{
    (void)to;
    (void)fact;
    fail_msg("a firewall log has no shares");
}

static void hear_identity(void *to, const struct identity *fact)
{
    (void)to;
    (void)fact;
    fail_msg("a firewall log has no names");
}

static void hear_skip(void *to, const struct skip *fact)
{
    struct heard *heard = to;
    heard->skips++;
    if (heard->quiet) return;
    buf_format(&heard->text, "skip @%" PRIu64 "+%" PRIu64 " %.*s\n", fact->offset, fact->length,
               STR_ARG(fact->reason));
}

static void hear_local_address(void *to, struct addr addr)
{
    struct heard *heard = to;
    if (heard->quiet) return;
    buf_char(&heard->local, ' ');
    addr_print(&heard->local, addr);
}

static void hear_record(void *to, int64_t at_us)
{
    struct heard *heard = to;
    (void)at_us;
    heard->records++;
}

static void hear_line_hash(void *to, uint64_t hash)
{
    struct heard *heard = to;
    heard->hash = hash | 1;
    heard->hashes ^= hash;
}

static struct fact_sink sink_of(struct heard *heard)
{
    struct fact_sink sink = fact_sink_none();
    sink.to = heard;
    sink.observation = hear_observation;
    sink.use = hear_use;
    sink.identity = hear_identity;
    sink.skip = hear_skip;
    sink.local_address = hear_local_address;
    sink.record = hear_record;
    sink.line_hash = hear_line_hash;
    return sink;
}

/* Reads the whole in windows of `piece` bytes more each time, each in memory of its own. */
static struct heard read_in_pieces(struct arena *arena, bytes data, size_t piece)
{
    struct heard heard = {.arena = arena, .text = buf_in(arena), .local = buf_in(arena)};
    struct fact_sink sink = sink_of(&heard);
    struct reader_options options = {0};
    const struct reader *reader = &windows_firewall_log_reader;
    void *state = reader->open(arena, &options, &sink);
    size_t start = 0, end = 0;
    for (bool last = false; !last;) {
        end = data.len - end > piece ? end + piece : data.len;
        last = end == data.len;
        uint8_t *copy = malloc(end - start + 1);
        assert_non_null(copy);
        if (end > start) memcpy(copy, data.ptr + start, end - start);
        size_t consumed = 0, want = 0;
        struct window window = {
            {copy, end - start},
            start, last
        };
        assert_true(reader->feed(state, window, &consumed, &want));
        assert_true(consumed <= end - start && (!last || consumed == end - start));
        start += consumed;
        free(copy);
    }
    reader->close(state);
    return heard;
}

#define HEADER                                                                                     \
    "#Version: 1.5\r\n#Software: Microsoft Windows Firewall\r\n#Time Format: Local\r\n"            \
    "#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn "     \
    "tcpack tcpwin icmptype icmpcode info path\r\n\r\n"
#define TAIL " 0 - 0 0 0 - - - "

#define ROW(text)                                                                                  \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
static const struct {
    const char *name;
    str in;
    const char *expected; /* facts */
    const char *local;
    size_t records;
} rows[] = {
    {"header, allow and drop, both directions",
     ROW(HEADER "2026-11-02 08:14:03 ALLOW TCP 10.10.4.7 10.20.0.21 49159 445" TAIL "SEND\r\n"
                "2026-11-02 08:14:04 DROP TCP 10.66.0.9 10.10.4.7 50000 139" TAIL "RECEIVE 4\r\n"),
     "2026-11-02T08:14:03 10.10.4.7:49159 > 10.20.0.21:445 tcp allowed zone? @208\n"
     "2026-11-02T08:14:04 10.66.0.9:50000 > 10.10.4.7:139 tcp blocked zone? @291\n",                                                                       " 10.10.4.7",           2},
    {"the server is on the service's port, whoever sent",
     ROW(HEADER "2026-11-02 08:14:03 DROP TCP 10.20.0.21 10.10.4.7 445 49159" TAIL "RECEIVE\n"
                "2026-11-02 08:14:03 ALLOW UDP 10.0.0.1 10.0.0.255 137 137" TAIL "SEND\n"),
     "2026-11-02T08:14:03 10.10.4.7:49159 > 10.20.0.21:445 tcp blocked zone? @208\n"
     "2026-11-02T08:14:03 10.0.0.1:137 > 10.0.0.255:137 udp allowed zone? @292\n",                                                                         " 10.10.4.7 10.0.0.1",  2},
    {"no header, first line cut, last line whole but for its newline",
     ROW("UDP 192.0.2.1 192.0.2.2 5 5\n2021-06-22 12:20:38 ALLOW TCP 2001:db8::1 2001:db8::2 49159 "
         "445" TAIL "SEND"),
     "skip @0+27 expected at least date, time, action, protocol, addresses and ports\n"
     "2021-06-22T12:20:38 2001:db8::1:49159 > 2001:db8::2:445 tcp allowed zone? @28\n",                                                                    " 2001:db8::1",         1},
    {"a cut last line is not believed",
     ROW(HEADER "2026-11-02 08:14:03 ALLOW TCP 10.10.4.7 10.20.0.21 49159 445" TAIL "SEN"),
     "skip @208+80 the line is cut\n",                                                                                                                     "",                     0},
    {"cut inside the port",                                                     ROW(HEADER "2026-11-02 08:14:03 ALLOW TCP 10.10.4.7 10.20.0.21 1 44"),
     "skip @208+55 the line is cut\n",                                                                                                                     "",                     0},
    {"unwritten space behind a cut line, then the log goes on",
     ROW(HEADER "2026-11-02 08:14:03 ALLOW TCP 10.10.4.7 10.20.0.21 1 445 0\0\0\0\0\0"
                "2026-11-02 08:15:00 ALLOW TCP 10.10.4.7 10.20.0.21 1 445" TAIL "SEND\r\n\0\0\0\0"),
     "skip @208+58 the line is cut\n"
     "2026-11-02T08:15:00 10.10.4.7:1 > 10.20.0.21:445 tcp allowed zone? @271\n",                                                                          " 10.10.4.7",           1},
    {"XP: open, close, open-inbound, lost events",
     ROW(HEADER
         "2005-04-11 08:09:29 OPEN TCP 192.0.2.90 198.51.100.90 1606 445 - - - - - - - - -\n"
         "2005-04-11 08:09:30 CLOSE TCP 192.0.2.90 198.51.100.90 1607 139 - - - - - - - - -\n"
         "2005-04-11 08:09:30 OPEN-INBOUND TCP 203.0.113.4 192.0.2.90 9 445 - - - - - - - - -\n"
         "2005-04-11 08:52:26 INFO-EVENTS-LOST - - - - - - - - - - - - 59 -\n"),
     "2005-04-11T08:09:29 192.0.2.90:1606 > 198.51.100.90:445 tcp allowed zone? @208\n"
     "2005-04-11T08:09:30 192.0.2.90:1607 > 198.51.100.90:139 tcp none closes zone? @289\n"
     "2005-04-11T08:09:30 203.0.113.4:9 > 192.0.2.90:445 tcp allowed zone? @371\n"
     "skip @455+65 the log says that 59 events were lost here\n",                                                                                          " 192.0.2.90",          4},
    {"columns in another order, changing on the way, UTC",
     ROW("#Software: Microsoft Windows Firewall\n#Time Format: UTC\n"
         "#Fields: action path dst-port src-port dst-ip src-ip protocol time date\n"
         "ALLOW SEND 445 49159 10.20.0.21 10.10.4.7 TCP 08:14:03 2026-11-02\n"
         "#Time Format: Local\n"
         "#Fields: date time action protocol src-ip dst-ip src-port dst-port path\n"
         "2026-11-02 08:14:03 DROP 6 10.10.4.7 10.20.0.21 49159 445 SEND\n"),
     "2026-11-02T08:14:03 10.10.4.7:49159 > 10.20.0.21:445 tcp allowed @128\n"
     "2026-11-02T08:14:03 10.10.4.7:49159 > 10.20.0.21:445 tcp blocked zone? @286\n",                                                                      " 10.10.4.7",           2},
    {"a header without ports: the usual order is taken",
     ROW("#Fields: date time action\n2026-11-02 08:14:03 DROP TCP 10.10.4.7 10.20.0.21 9 445 - - - "
         "- - "
         "- - - SEND\n"),
     "skip @0+25 the #Fields line lacks a column that is needed; the usual order is taken\n"
     "2026-11-02T08:14:03 10.10.4.7:9 > 10.20.0.21:445 tcp blocked zone? @26\n",                                                                           " 10.10.4.7",           1},
    {"other services, protocols without ports, other ports: records, no facts",
     ROW(HEADER "2020-10-26 16:52:09 ALLOW ICMP 10.1.2.40 10.1.2.30 - - 0 - - - - 8 0 - RECEIVE\n"
                "2020-10-26 16:52:09 ALLOW 2 10.1.2.40 224.0.0.22 - - 0 - - - - - - - SEND\n"
                "2020-10-26 16:52:09 ALLOW UDP 10.1.2.40 10.1.2.30 445 445" TAIL "SEND\n"
                "2020-10-26 16:52:09 DROP UDP 10.1.2.40 239.255.255.250 1900 1900" TAIL
                "RECEIVE\n"),
     "",                                                                                                                                                   " 10.1.2.30 10.1.2.40", 4},
    {"damaged lines are stepped over one by one",
     ROW(HEADER "2026-13-02 08:14:03 DROP TCP 10.10.4.7 10.20.0.21 9 445" TAIL "SEND\n"
                "2026-11-02 24:14:03 DROP TCP 10.10.4.7 10.20.0.21 9 445" TAIL "SEND\n"
                "2026-11-02 08:14:03 DR0P TCP 10.10.4.7 10.20.0.21 9 445" TAIL "SEND\n"
                "2026-11-02 08:14:03 DROP TCP 10.10.4.7 10.20.0.21 9 65536" TAIL "SEND\n"
                "2026-11-02 08:14:03 DROP TCP 10.10.4.7 10.20.0.300 9 445" TAIL "SEND\n"
                "\n"
                "2026-11-02 08:14:03 DROP TCP 10.10.4.7 10.20.0.21 9 445" TAIL "SEND\n"),
     "skip @208+76 expected a date and a time\n"
     "skip @285+76 expected a date and a time\n"
     "skip @362+76 expected the action ALLOW, DROP, OPEN, OPEN-INBOUND, CLOSE or "
     "INFO-EVENTS-LOST\n"
     "skip @439+78 expected a source and a destination port\n"
     "skip @518+77 expected a source and a destination address\n"
     "2026-11-02T08:14:03 10.10.4.7:9 > 10.20.0.21:445 tcp blocked zone? @597\n",                                                                          " 10.10.4.7",           2},
    {"byte order marks where files were joined",
     ROW("\xEF\xBB\xBF" HEADER "\xEF\xBB\xBF" HEADER
         "2026-11-02 08:14:03 DROP TCP 10.10.4.7 10.20.0.21 9 445" TAIL "SEND\r\n"),
     "2026-11-02T08:14:03 10.10.4.7:9 > 10.20.0.21:445 tcp blocked zone? @422\n",                                                                          " 10.10.4.7",           1},
    {"nothing",                                                                 ROW(""),                                                               "", "",                     0},
    {"blank lines",                                                             ROW("\r\n\r\n\0\0\n"),                                                 "", "",                     0},
};

static void rows_give_their_facts(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t piece = 1; piece < 4000; piece = piece * 3 + 1) {
            struct heard heard = read_in_pieces(&arena, str_bytes(rows[i].in), piece);
            str expected = str_of(rows[i].expected), found = buf_text(&heard.text);
            if (!str_equal(found, expected))
                fail_msg("%s, in pieces of %zu: found\n%.*s", rows[i].name, piece, STR_ARG(found));
            if (!str_equal(buf_text(&heard.local), str_of(rows[i].local)))
                fail_msg("%s: local addresses%.*s", rows[i].name, STR_ARG(buf_text(&heard.local)));
            if (heard.records != rows[i].records)
                fail_msg("%s: %zu records", rows[i].name, heard.records);
        }
        arena_reset(&arena);
    }
    arena_close(&arena);
}

/* The same log in UTF-16: the same facts and line hashes, at twice the offset. */
static void utf16_reads_alike(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    static const char text[] =
        HEADER "2026-11-02 08:14:03 ALLOW TCP 10.10.4.7 10.20.0.21 49159 445" TAIL "SEND\r\n";
    struct heard plain = read_in_pieces(&arena, str_bytes((str){text, sizeof text - 1}), 1000);
    (void)state;
    for (int big = 0; big < 2; big++) {
        size_t n = sizeof text - 1, len = 2 * n + 2;
        uint8_t *wide = arena_array(&arena, uint8_t, len);
        wide[big ? 0 : 1] = 0xFE, wide[big ? 1 : 0] = 0xFF;
        for (size_t i = 0; i < n; i++)
            wide[2 + 2 * i + (big ? 1 : 0)] = (uint8_t)text[i];
        assert_true(windows_firewall_log_reader.recognise((bytes){wide, len}));
        for (size_t piece = 1; piece < 2000; piece += 7) {
            struct heard heard = read_in_pieces(&arena, (bytes){wide, len}, piece);
            if (!str_equal(buf_text(&heard.text),
                           S("2026-11-02T08:14:03 10.10.4.7:49159 > 10.20.0.21:445 tcp allowed "
                             "zone? @418\n")))
                fail_msg("found %.*s", STR_ARG(buf_text(&heard.text)));
            assert_int_equal(heard.hashes, plain.hashes);
        }
    }
    arena_close(&arena);
}

static void long_lines_are_stepped_over(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    static const char good[] =
        "2026-11-02 08:14:03 DROP TCP 10.10.4.7 10.20.0.21 9 445" TAIL "SEND\n";
    size_t noise = 3 * (size_t)LIMIT_LOG_LINE_BYTES, len = noise + 1 + sizeof good - 1;
    uint8_t *data = arena_array(&arena, uint8_t, len);
    (void)state;
    memset(data, 'x', noise);
    data[noise] = '\n';
    memcpy(data + noise + 1, good, sizeof good - 1);
    for (size_t piece = 5000; piece < 2 * len; piece *= 3) {
        struct heard heard = read_in_pieces(&arena, (bytes){data, len}, piece);
        assert_true(
            str_equal(buf_text(&heard.text),
                      S("skip @0+196608 the line is longer than any line of this format\n"
                        "2026-11-02T08:14:03 10.10.4.7:9 > 10.20.0.21:445 tcp blocked zone? "
                        "@196609\n")));
        heard = read_in_pieces(&arena, (bytes){data, noise}, piece);
        assert_true(str_equal(buf_text(&heard.text),
                              S("skip @0+196608 the line is longer than any line of this "
                                "format\n")));
    }
    arena_close(&arena);
}

/* Local time with a zone is not assumed; a header that says UTC is stronger than the zone. */
static void zone_applies_to_local_time(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct os os = os_posix();
    struct err err = {0};
    struct heard heard = {.arena = &arena, .text = buf_in(&arena), .local = buf_in(&arena)};
    struct fact_sink sink = sink_of(&heard);
    struct reader_options options = {.zone = zone_find(&os, S("+02:00"), &arena, &err)};
    size_t consumed = 0, want = 0;
    static const char text[] =
        "2026-11-02 00:14:03 DROP TCP 10.10.4.7 10.20.0.21 9 445" TAIL "SEND\n"
        "#Time Format: UTC\n"
        "2026-11-02 00:14:03 DROP TCP 10.10.4.7 10.20.0.21 9 445" TAIL "SEND\n";
    (void)state;
    void *reading = windows_firewall_log_reader.open(&arena, &options, &sink);
    struct window window = {
        {(const uint8_t *)text, sizeof text - 1},
        0, true
    };
    assert_true(windows_firewall_log_reader.feed(reading, window, &consumed, &want));
    str expected = S("2026-11-01T22:14:03 10.10.4.7:9 > 10.20.0.21:445 tcp blocked @0\n"
                     "2026-11-02T00:14:03 10.10.4.7:9 > 10.20.0.21:445 tcp blocked @95\n");
    if (!str_equal(buf_text(&heard.text), expected))
        fail_msg("found\n%.*s", STR_ARG(buf_text(&heard.text)));
    arena_close(&arena);
}

#define LINE "2026-11-02 08:14:03 DROP TCP 10.10.4.7 10.20.0.21 9 445" TAIL "SEND\n"

static const struct {
    const char *name;
    str head;
    bool expected;
} heads[] = {
    {"header",                     ROW(HEADER),                                                                    true },
    {"header of XP",               ROW("#Verson: 1.0\r\n#Software: Microsoft Windows Firewall\r\n"),               true },
    {"columns alone",
     ROW("#Fields: date time action protocol src-ip dst-ip src-port dst-port size\n"),                             true },
    {"lines",                      ROW(LINE LINE),                                                                 true },
    {"one whole line",             ROW(LINE),                                                                      true },
    {"one line that is cut",       ROW("2026-11-02 08:14:03 DROP TCP 10.10.4.7 10.20.0.21 9 445 0 - "),
     false                                                                                                              },
    {"cut at both ends",           ROW("E\r\n" LINE LINE "2026-11"),                                               true },
    {"nothing",                    ROW(""),                                                                        false},
    {"another log of Microsoft's",
     ROW("#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n"
         "#Fields: date time s-ip cs-method cs-uri-stem s-port c-ip sc-status\n"
         "2026-11-02 08:14:03 10.0.0.1 GET / 80 10.0.0.2 200\n"),
     false                                                                                                              },
    {"syslog",                     ROW("Nov  2 08:14:03 fw kernel: SMB-DROP IN=eth0 SRC=10.0.0.1 DST=10.0.0.2\n"),
     false                                                                                                              },
    {"few of many",                ROW("a\nb\nc\n" LINE "d\ne\nf\n"),                                              false},
    {"capture",                    ROW("\xD4\xC3\xB2\xA1\x02\0\x04\0"),                                            false},
};

static void heads_are_recognised(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); i++)
        if (windows_firewall_log_reader.recognise(str_bytes(heads[i].head)) != heads[i].expected)
            fail_msg("%s", heads[i].name);
}

/* Lines of the corpus: every one on 139 or 445 is found as the truth says, and no other. */
struct truth {
    struct arena *arena;
    str left;
    size_t matched;
};

static bool next_truth(struct truth *truth, str columns[9])
{
    str line;
    do {
        if (!truth->left.len) return false;
        str_cut(truth->left, '\n', &line, &truth->left);
    } while (!line.len || line.ptr[0] == '#' || str_starts(line, S("date\t")));
    for (size_t i = 0; i < 9; i++)
        str_cut(line, '\t', &columns[i], &line);
    return true;
}

static void truth_observation(void *to, const struct observation *fact)
{
    struct truth *truth = to;
    str c[9];
    char source[ADDR_TEXT], destination[ADDR_TEXT], at[INSTANT_TEXT];
    if (fact->port != 445 && fact->port != 139) return;
    if (!next_truth(truth, c)) fail_msg("more facts on 139 and 445 than the truth has");
    uint64_t source_port = 0, destination_port = 0;
    assert_true(str_u64(c[6], 65535, &source_port) && str_u64(c[7], 65535, &destination_port));
    bool answer = destination_port != 445 && destination_port != 139;
    const struct endpoint *from = answer ? &fact->server : &fact->client;
    const struct endpoint *into = answer ? &fact->client : &fact->server;
    str when = str_format(truth->arena, "%.*sT%.*s", STR_ARG(c[0]), STR_ARG(c[1]));
    assert_true(str_equal(str_head(instant_text(at, fact->first_us), 19), when));
    assert_true(str_equal(addr_text(source, from->addr), c[4]));
    assert_true(str_equal(addr_text(destination, into->addr), c[5]));
    assert_int_equal(fact->port, answer ? source_port : destination_port);
    assert_int_equal(fact->client_port, answer ? destination_port : source_port);
    enum outcome outcome = OUTCOME_NONE;
    if (str_equal(c[2], S("DROP"))) outcome = OUTCOME_BLOCKED;
    if (str_equal(c[2], S("ALLOW")) || str_starts(c[2], S("OPEN"))) outcome = OUTCOME_ALLOWED;
    assert_int_equal(fact->outcome, outcome);
    assert_int_equal(fact->closes, str_equal(c[2], S("CLOSE")));
    truth->matched++;
}

static bool read_truth(void *to, struct input *input)
{
    struct truth *truth = to;
    const struct reader *reader = &windows_firewall_log_reader;
    struct fact_sink sink = fact_sink_none();
    sink.to = truth;
    sink.observation = truth_observation;
    struct window window = {0};
    struct err err;
    size_t want = LIMIT_RECOGNISE_BYTES;
    assert_true(input_next(input, want, &window, &err));
    assert_true(reader->recognise(
        (bytes){window.data.ptr, window.data.len < want ? window.data.len : want}));
    void *parsing = reader->open(truth->arena, &(struct reader_options){0}, &sink);
    for (size_t consumed = 0;;) {
        assert_true(reader->feed(parsing, window, &consumed, &want));
        input_take(input, consumed);
        if (window.last) break;
        assert_true(input_next(input, want, &window, &err));
    }
    reader->close(parsing);
    return true;
}

static void no_problem(void *to, str source, const struct err *err)
{
    (void)to;
    fail_msg("%.*s: %s", STR_ARG(source), err->text);
}

static void corpus_lines_are_found(void **state)
{
    static const char *const files[] = {
        "pfirewall-betahydri.log",
        "pfirewall-rafaelnett.log",
        "windows_firewall-plaso.log",
        "hard/pfirewall-rotated-no-header-cut.log",
        "hard/windows_firewall-utf16le-crlf.log",
    };
    const char *corpus = test_corpus();
    struct os os = os_posix();
    struct err err = {0};
    (void)state;
    if (!corpus) skip();
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t matched = 0;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        str path = str_format(&arena, "%s/pfirewall/%s", corpus, files[i]);
        str expected = str_format(&arena, "%.*s.expected.tsv", STR_ARG(path));
        bytes text;
        str rest[9];
        if (!os_read_all(&os, expected, LIMIT_RECORD_BYTES, &arena, &text, &err))
            fail_msg("%s: %s", err.source, err.text);
        struct truth truth = {.arena = &arena, .left = str_of_bytes(text)};
        if (!input_walk(&os, path, scratch, read_truth, no_problem, &truth, &err))
            fail_msg("%s: %s", err.source, err.text);
        if (next_truth(&truth, rest)) fail_msg("%s: fewer facts than the truth has", files[i]);
        matched += truth.matched;
    }
    assert_true(matched > 0);
    print_message("%zu lines on 139 and 445 as the truth has them\n", matched);
    arena_close(&scratch);
    arena_close(&arena);
}

/* A line as Windows writes it, or nearly. */
static void put_line(struct buf *out, uint64_t seed)
{
    static const char
        *const actions[] = {"ALLOW", "DROP", "ALLOW", "OPEN", "CLOSE", "DROPS"},
               *const protocols[] = {"TCP", "UDP", "TCP", "ICMP", "6", "2", "TCPX"},
               *const addresses[] = {"10.20.0.21",       "10.1.2.3",   "fe80::1%3",
                                     "2001:db8:1:2:3::", "::",         "255.255.255.255",
                                     "10.20.0.256",      "10.20.0.21", "-"},
               *const ports[] = {"445",   "139",    "49152", "53", "3389", "65535",
                                 "65536", "100000", "-",     "0",  "44a",  "00445"},
               *const paths[] = {"SEND", "RECEIVE", "FORWARD", "-", "SENDS", "RECEIVED"};
#define PICK(list, bits) list[hash_join(seed, bits) % COUNT_OF(list)]
    uint64_t second = hash_join(seed, 1) % 4 ? 7 : hash_join(seed, 2) % 62;
    buf_format(out, "2026-11-%s 08:14:%02u %s %s %s %s %s %s ",
               hash_join(seed, 3) % 50 ? "02" : "31", (unsigned)second, PICK(actions, 4),
               PICK(protocols, 5), PICK(addresses, 6), PICK(addresses, 7), PICK(ports, 8),
               PICK(ports, 9));
    if (hash_join(seed, 10) % 3)
        buf_str(out, S("0 - 0 0 0 - - - "));
    else
        buf_str(out, S("52 S 4203917322 0 64240 - - - "));
    buf_str(out, str_of(PICK(paths, 11)));
    if (hash_join(seed, 12) % 2) buf_format(out, " %u", (unsigned)(seed % 9000));
#undef PICK
}

/* Lines of the usual shape are read in a shorter way. A blank in front keeps it from them: the
 * facts must be those that a blank behind gives. */
static void the_short_way_reads_alike(void **state)
{
    (void)state;
    struct arena arena = arena_open("short", 0, NULL);
    struct buf usual = buf_in(&arena), unusual = buf_in(&arena);
    for (uint64_t i = 0; i < 20000; i++) {
        struct arena scratch = arena_open("line", 0, NULL);
        struct buf line = buf_in(&scratch);
        put_line(&line, hash_u64(i));
        if (i % 7 == 0) /* one byte is another */
            line.data[hash_u64(i + 1) % line.len] = (" \t-0:9\"a")[hash_u64(i + 2) % 8];
        str text = buf_text(&line);
        buf_format(&usual, "%.*s \r\n", STR_ARG(text));
        buf_format(&unusual, " %.*s\r\n", STR_ARG(text));
        arena_close(&scratch);
    }
    struct heard a = read_in_pieces(&arena, str_bytes(buf_text(&usual)), 4096);
    struct heard b = read_in_pieces(&arena, str_bytes(buf_text(&unusual)), 4096);
    print_message("%zu lines of flows, %zu skips\n", a.observations, a.skips);
    assert_true(a.observations > 500 && a.skips > 500);
    assert_int_equal(a.records, b.records);
    assert_true(a.hashes == b.hashes);
    if (!str_equal(buf_text(&a.text), buf_text(&b.text))) {
        str left = buf_text(&a.text), right = buf_text(&b.text), x, y;
        while (str_cut(left, '\n', &x, &left) && str_cut(right, '\n', &y, &right))
            if (!str_equal(x, y)) fail_msg("\n%.*s\n%.*s", STR_ARG(x), STR_ARG(y));
        fail_msg("one has more than the other");
    }
    assert_true(str_equal(buf_text(&a.local), buf_text(&b.local)));
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_facts),       cmocka_unit_test(utf16_reads_alike),
        cmocka_unit_test(long_lines_are_stepped_over), cmocka_unit_test(heads_are_recognised),
        cmocka_unit_test(zone_applies_to_local_time),  cmocka_unit_test(corpus_lines_are_found),
        cmocka_unit_test(the_short_way_reads_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
