/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "evidence/flow_heard.h"
#include "evidence/nfcapd_unpack.h"
#include "wire/tcp.h"

extern const struct reader nfcapd_reader;

/* ---- A collector -------------------------------------------------------------------------------
 */

static void put(struct buf *out, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_char(out, (char)(i < 8 ? value >> (8 * i) & 0xFF : 0));
}

static void header(struct buf *out, unsigned layout, unsigned packing)
{
    put(out, 0xA50C, 2);
    put(out, layout, 2);
    if (layout == 1) {
        put(out, packing, 4);
        put(out, 1, 4);
        put(out, 0, 8);
        buf_repeat(out, 0, 276 - 20);
        return;
    }
    put(out, 0x01070101, 4);
    put(out, 1700000000, 8);
    put(out, packing, 1);
    buf_repeat(out, 0, 40 - 17);
}

static void block(struct buf *out, unsigned layout, bytes records)
{
    put(out, 1, 4);
    put(out, records.len, 4);
    put(out, layout == 1 ? 2 : 3, 2);
    put(out, 0, 2);
    buf_bytes(out, records);
}

/* A record or an element around its body. */
static void piece(struct buf *out, unsigned type, bytes body)
{
    put(out, type, 2);
    put(out, body.len + 4, 2);
    buf_bytes(out, body);
}

static bytes done(const struct buf *out)
{
    return str_bytes(buf_text(out));
}

enum { SYN = TCP_SYN, ACK = TCP_ACK, PSH = TCP_PSH };
#define START_MS UINT64_C(1700000000000)

struct flow {
    bool back, v6;
    unsigned flags, forwarding, event;
    uint16_t port;
    uint64_t packets, octets, out_packets, out_octets;
    unsigned exporter;
};

static void flow_2(struct arena *arena, struct buf *out, const struct flow *f)
{
    struct buf body = buf_in(arena), e = buf_in(arena);
    put(&body, 3, 2);
    put(&body, 0, 2);
    put(&body, f->exporter, 2);
    put(&body, 0, 1);
    put(&body, 9, 1);
    put(&e, f->event ? 0 : START_MS, 8);
    put(&e, f->event ? 0 : START_MS + 2000, 8);
    put(&e, START_MS + 9000, 8);
    put(&e, f->packets, 8);
    put(&e, f->octets, 8);
    put(&e, f->back ? 445 : f->port, 2);
    put(&e, f->back ? f->port : 445, 2);
    put(&e, TRANSPORT_TCP, 1);
    put(&e, f->flags, 1);
    put(&e, f->forwarding, 1);
    put(&e, 0, 1);
    piece(&body, 1, done(&e));
    e = buf_in(arena);
    for (unsigned i = 0; i < 2; i++) {
        unsigned host = (i == 0) == f->back ? 2 : 1;
        if (f->v6) {
            put(&e, UINT64_C(0x20010DB800000000), 8);
            put(&e, host, 8);
        } else {
            put(&e, 0x0A000000u + host, 4);
        }
    }
    piece(&body, f->v6 ? 3 : 2, done(&e));
    e = buf_in(arena);
    if (f->event) {
        put(&e, START_MS + 500, 8);
        put(&e, 7, 4);
        put(&e, 0, 2);
        put(&e, f->event, 1);
        put(&e, 0, 1);
        piece(&body, 19, done(&e));
    } else {
        put(&e, 1, 8);
        put(&e, f->out_packets, 8);
        put(&e, f->out_octets, 8);
        piece(&body, 5, done(&e));
    }
    piece(out, 11, done(&body));
}

/* Layout 1, with the extensions of map 3: packets and bytes of the other direction, router. */
static void map_1(struct arena *arena, struct buf *out)
{
    static const uint16_t extensions[] = {4, 14, 17, 23, 0, 0};
    struct buf body = buf_in(arena);
    put(&body, 3, 2);
    put(&body, 20, 2);
    for (size_t i = 0; i < COUNT_OF(extensions); i++)
        put(&body, extensions[i], 2);
    piece(out, 2, done(&body));
}

static void flow_1(struct arena *arena, struct buf *out, const struct flow *f, bool is_old)
{
    struct buf body = buf_in(arena);
    put(&body, (f->v6 ? 1u : 0u) | 4u, 1); /* bytes have 8 */
    put(&body, 0, 1);
    put(&body, 3, 2);
    put(&body, 0, 2);
    put(&body, 500, 2);
    put(&body, START_MS / 1000, 4);
    put(&body, START_MS / 1000 + 2, 4);
    put(&body, f->forwarding, 1);
    put(&body, f->flags, 1);
    put(&body, TRANSPORT_TCP, 1);
    put(&body, 0, 1);
    put(&body, f->back ? 445 : f->port, 2);
    put(&body, f->back ? f->port : 445, 2);
    if (!is_old) put(&body, f->exporter, 4);
    for (unsigned i = 0; i < 2; i++) {
        unsigned host = (i == 0) == f->back ? 2 : 1;
        if (f->v6) {
            put(&body, UINT64_C(0x20010DB800000000), 8);
            put(&body, host, 8);
        } else {
            put(&body, 0x0A000000u + host, 4);
        }
    }
    put(&body, f->packets, 4);
    put(&body, f->octets, 8);
    put(&body, 0, 4);
    put(&body, f->out_packets, 4);
    put(&body, f->out_octets, 8);
    put(&body, 0x0A0000FE, 4);
    piece(out, is_old ? 1 : 10, done(&body));
}

/* ---- Rows --------------------------------------------------------------------------------------
 */

enum { MOST = 3 };
static const struct {
    const char *name;
    unsigned layout;
    bool is_old;
    struct flow flows[MOST];
    const char *expected;
} rows[] = {
    {"both directions",
     2, false,
     {{.flags = SYN | ACK | PSH, .port = 50000, .packets = 5, .octets = 500},
      {.back = true, .flags = SYN | ACK | PSH, .port = 50000, .packets = 5, .octets = 600}},
     "10.0.0.1:50000>10.0.0.2:445 1700000000000-1700000002000 500/600 established\n"             },
    {"IPv6, both directions in one",
     2, false,
     {{.v6 = true,
       .port = 50000,
       .packets = 5,
       .octets = 500,
       .out_packets = 4,
       .out_octets = 900}},
     "2001:db8::1:50000>2001:db8::2:445 1700000000000-1700000002000 500/900 established within\n"},
    {"counted again behind the router",
     2, false,
     {{.port = 50000,
       .flags = SYN,
       .packets = 1,
       .octets = 60,
       .out_packets = 1,
       .out_octets = 60}},
     "10.0.0.1:50000>10.0.0.2:445 1700000000000-1700000002000 60/0 no-answer\n"                  },
    {"dropped by an access list",
     2, false,
     {{.port = 50000, .flags = SYN, .packets = 1, .octets = 60, .forwarding = 0x82}},
     "10.0.0.1:50000>10.0.0.2:445 1700000000000-1700000002000 60/0 blocked\n"                    },
    {"denied by a firewall",
     2, false,
     {{.port = 50000, .event = 3}},
     "10.0.0.1:50000>10.0.0.2:445 1700000000500-1700000000500 0/0 blocked\n"                     },
    {"layout 1",
     1, false,
     {{.flags = SYN | ACK | PSH, .port = 50000, .packets = 5, .octets = 500},
      {.back = true, .flags = SYN | ACK | PSH, .port = 50000, .packets = 5, .octets = 600}},
     "10.0.0.1:50000>10.0.0.2:445 1700000000000-1700000002500 500/600 established\n"             },
    {"layout 1, IPv6, both directions in one",
     1, false,
     {{.v6 = true,
       .port = 50000,
       .packets = 5,
       .octets = 500,
       .out_packets = 4,
       .out_octets = 900}},
     "2001:db8::1:50000>2001:db8::2:445 1700000000000-1700000002500 500/900 established within\n"},
    {"layout 1, before 1.6.10",
     1, true,
     {{.flags = SYN, .port = 50000, .packets = 1, .octets = 60}},
     "10.0.0.1:50000>10.0.0.2:445 1700000000000-1700000002500 60/0 no-answer\n"                  },
};

static bytes file_of(struct arena *arena, size_t i)
{
    struct buf out = buf_in(arena), records = buf_in(arena);
    header(&out, rows[i].layout, 0);
    if (rows[i].layout == 1) map_1(arena, &records);
    piece(&records, 9, str_bytes(S("samplers are stepped over")));
    for (size_t j = 0; j < MOST && rows[i].flows[j].port; j++) {
        if (rows[i].layout == 1)
            flow_1(arena, &records, &rows[i].flows[j], rows[i].is_old);
        else
            flow_2(arena, &records, &rows[i].flows[j]);
    }
    block(&out, rows[i].layout, done(&records));
    return done(&out);
}

static void rows_are_as_expected(void **state)
{
    (void)state;
    size_t failed = 0;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("test", 16 << 20, NULL);
        struct flow_heard heard = {.lines = buf_in(&arena), .wants_skips = true};
        bytes file = file_of(&arena, i);
        flow_heard_read(&nfcapd_reader, file, SIZE_MAX / 2, 64 << 20, &heard);
        str got = buf_text(&heard.lines);
        if (!str_equal(got, str_of(rows[i].expected)) || !nfcapd_reader.recognise(file)) {
            print_error("%s:\n got:\n%.*s wanted:\n%s", rows[i].name, STR_ARG(got),
                        rows[i].expected);
            failed++;
        }
        arena_close(&arena);
    }
    assert_int_equal(failed, 0);
}

static void truncated_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("test", 16 << 20, NULL);
        bytes file = file_of(&arena, i);
        for (size_t n = 0; n < file.len; n++) {
            struct flow_heard whole = {0}, pieces = {0};
            flow_heard_read(&nfcapd_reader, (bytes){file.ptr, n}, SIZE_MAX / 2, 64 << 20, &whole);
            flow_heard_read(&nfcapd_reader, (bytes){file.ptr, n}, 13, 64 << 20, &pieces);
            assert_int_equal(whole.digest, pieces.digest);
            if (n > 300) assert_int_equal(whole.skips > 0, true);
        }
        arena_close(&arena);
    }
}

/* Damage: what can be told of it, and that the next block is read where it can be found. */
static void damage_is_told(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 16 << 20, NULL);
    struct flow_heard heard = {.lines = buf_in(&arena), .wants_skips = true};
    struct buf out = buf_in(&arena), records = buf_in(&arena), bad = buf_in(&arena);
    struct flow flow = {.flags = SYN, .port = 50000, .packets = 1, .octets = 60};
    header(&out, 2, 0);
    put(&bad, 11, 2);
    put(&bad, 2, 2); /* shorter than its own header */
    block(&out, 2, done(&bad));
    block(&out, 7, str_bytes(S("?")));
    out.data[out.len - 5] = 7; /* of another kind */
    piece(&records, 16, str_bytes(S("a record of nfdump 1.8")));
    flow_2(&arena, &records, &flow);
    block(&out, 2, done(&records));
    put(&out, 1, 4);
    put(&out, UINT32_MAX, 4);
    put(&out, 3, 4);
    flow_heard_read(&nfcapd_reader, done(&out), SIZE_MAX / 2, 64 << 20, &heard);
    assert_string_equal(
        str_c(&arena, buf_text(&heard.lines)),
        "skip 52+4 a record of 2 bytes where 4 are left: the rest of the block is not read\n"
        "skip 56+13 a block of kind 7 is not read\n"
        "skip 211+12 a block of 4294967295 bytes: what comes next can't be found\n"
        "10.0.0.1:50000>10.0.0.2:445 1700000000000-1700000002000 60/0 no-answer\n"
        "skip 81+0 1 records of kinds that are not read, first 16\n");
    arena_close(&arena);
}

/* What other programs packed: "abcabcabc...": literals, and matches that reach into themselves. */
static void blocks_are_unpacked(void **state)
{
    (void)state;
    static const struct {
        enum nfcapd_packing packing;
        str packed;
        bool fits;
        str expected;
    } blocks[] = {
  /* token 3 literals, match of 4 + 5 from 3 back; then 5 literals */
        {NFCAPD_LZ4,
         {"\x35"
          "abc\x03\x00\x50"
          "vwxyz",
          12},
         true,                                        {"abcabcabcabcvwxyz", 17}},
        {NFCAPD_LZ4,
         {"\x35"
          "abc\x04\x00\x50"
          "vwxyz",
          12},
         false,                                       {"abc", 3}               },
        {NFCAPD_LZ4,  {"\xF0\xFF", 2},         false, {"", 0}                  },
 /* first literals (17 + 4), match of 3 + 1 from 3 back (0x40: M2), end */
        {NFCAPD_LZO,
         {"\x15"
          "xabc\x68\x00\x11\x00\x00",
          10},
         true,                                        {"xabcabca", 8}          },
        {NFCAPD_LZO,
         {"\x15"
          "xabc\x68\x00\x11\x00",
          9},
         false,                                       {"xabcabca", 8}          },
        {NFCAPD_LZO,
         {"\x15"
          "xabc\x68\x01\x11\x00\x00",
          10},
         false,                                       {"xabc", 4}              },
        {NFCAPD_LZO,  {"\x00\x00\x00\x00", 4}, false, {"", 0}                  },
        {NFCAPD_ZSTD, {"not one", 7},          false, {"", 0}                  },
    };
    for (size_t i = 0; i < COUNT_OF(blocks); i++) {
        uint8_t into[64] = {0};
        size_t n = 99;
        bool fits =
            nfcapd_unpack(blocks[i].packing, str_bytes(blocks[i].packed), into, sizeof into, &n);
        assert_int_equal(fits, blocks[i].fits);
        assert_true(str_equal((str){(const char *)into, n}, blocks[i].expected));
    }
}

static bytes read_file(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    uint8_t *data = arena_array(arena, uint8_t, 1 << 20);
    size_t n = fread(data, 1, 1 << 20, file);
    fclose(file);
    return (bytes){data, n};
}

/* The first row, packed by nfdump 1.7.1 (LZO, bzip2, LZ4) and zstd 1.5.4. */
static void packed_files_are_read(void **state)
{
    (void)state;
    static const char *const files[] = {"11", "12", "13", "14"};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char path[4096];
        struct arena arena = arena_open("test", 16 << 20, NULL);
        struct flow_heard heard = {.lines = buf_in(&arena), .wants_skips = true};
        snprintf(path, sizeof path, SOURCE_ROOT "/tests/corpus/nfcapd/%s.bin", files[i]);
        flow_heard_read(&nfcapd_reader, read_file(&arena, path), 50, 0, &heard);
        assert_string_equal(str_c(&arena, buf_text(&heard.lines)), rows[0].expected);
        arena_close(&arena);
    }
}

/* The corpus against nfdump's own reading of it. */
static void corpus_matches_nfdump(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        size_t records, observations;
    } files[] = {
        {"labipv6",                 4,  2 },
        {"labrefused",              7,  4 },
        {"smbfilename",             56, 29},
        {"win10",                   16, 8 },
        {"labrefused-softflowd-v5", 0,  0 },
    };
    const char *corpus = test_corpus();
    if (!corpus) skip();
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char path[4096];
        struct arena arena = arena_open("test", 16 << 20, NULL);
        struct flow_heard heard = {.lines = buf_in(&arena)};
        snprintf(path, sizeof path, "%s/netflow/from-smb/%s.nfcapd", corpus, files[i].file);
        flow_heard_read(&nfcapd_reader, read_file(&arena, path), SIZE_MAX / 2, 0, &heard);
        assert_int_equal(heard.records, files[i].records);
        assert_int_equal(heard.observations, files[i].observations);
        assert_int_equal(heard.skips, 0);
        arena_close(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_as_expected),  cmocka_unit_test(truncated_anywhere),
        cmocka_unit_test(damage_is_told),        cmocka_unit_test(blocks_are_unpacked),
        cmocka_unit_test(packed_files_are_read), cmocka_unit_test(corpus_matches_nfdump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
