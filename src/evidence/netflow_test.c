/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/netflow.h"

#include "base/test.h"
#include "evidence/flow_heard.h"
#include "evidence/sflow.h"
#include "wire/encode.h"
#include "wire/link.h"
#include "wire/tcp.h"

extern const struct reader netflow_datagrams_reader, capture_pcap_reader;

/* ---- An exporter ------------------------------------------------------------------------------
 * Times: the exporter has run for 100 s at 2023-11-14 22:13:20 UTC (1700000000).
 */

enum { EXPORTED_S = 1700000000, UPTIME_MS = 100000, SYN = TCP_SYN, ACK = TCP_ACK, PSH = TCP_PSH };
#define CLIENT 0x0A000001u
#define SERVER 0x0A000002u

static void put(struct buf *out, uint64_t value, size_t n)
{
    for (size_t i = n; i > 0; i--)
        buf_char(out, (char)(i > 8 ? 0 : value >> (8 * (i - 1)) & 0xFF));
}

/* A set: an id, and what `from` on was written as its body. */
static size_t set_begin(struct buf *out, uint16_t id)
{
    put(out, id, 2);
    put(out, 0, 2);
    return out->len;
}

static void set_end(struct buf *out, size_t from)
{
    while ((out->len - from) % 4)
        buf_char(out, 0);
    size_t length = out->len - from + 4;
    out->data[from - 2] = (char)(length >> 8);
    out->data[from - 1] = (char)length;
}

static size_t v9_begin(struct buf *out, uint32_t sequence, uint32_t source)
{
    size_t at = out->len;
    put(out, 9, 2);
    put(out, 1, 2);
    put(out, UPTIME_MS, 4);
    put(out, EXPORTED_S, 4);
    put(out, sequence, 4);
    put(out, source, 4);
    return at;
}

static size_t ipfix_begin(struct buf *out, uint32_t sequence)
{
    size_t at = out->len;
    put(out, 10, 2);
    put(out, 0, 2);
    put(out, EXPORTED_S, 4);
    put(out, sequence, 4);
    put(out, 7, 4);
    return at;
}

static void ipfix_end(struct buf *out, size_t at)
{
    size_t length = out->len - at;
    out->data[at + 2] = (char)(length >> 8);
    out->data[at + 3] = (char)length;
}

struct field {
    uint16_t id, length;
    uint32_t enterprise;
};

static void template_of(struct buf *out, uint16_t set, uint16_t id, const struct field *fields,
                        size_t n)
{
    size_t from = set_begin(out, set);
    put(out, id, 2);
    put(out, n, 2);
    for (size_t i = 0; i < n; i++) {
        put(out, fields[i].enterprise ? 0x8000u | fields[i].id : fields[i].id, 2);
        put(out, fields[i].length, 2);
        if (fields[i].enterprise) put(out, fields[i].enterprise, 4);
    }
    set_end(out, from);
}

static const struct field usual[] = {
    {8,  4, 0},
    {12, 4, 0},
    {7,  2, 0},
    {11, 2, 0},
    {4,  1, 0},
    {6,  1, 0},
    {2,  4, 0},
    {1,  4, 0},
    {22, 4, 0},
    {21, 4, 0},
};

/* Both directions of a conversation as the usual template has them. */
static void usual_records(struct buf *out, uint16_t client_port, uint64_t flags, uint64_t octets)
{
    for (unsigned back = 0; back < 2; back++) {
        put(out, back ? SERVER : CLIENT, 4);
        put(out, back ? CLIENT : SERVER, 4);
        put(out, back ? 445 : client_port, 2);
        put(out, back ? client_port : 445, 2);
        put(out, TRANSPORT_TCP, 1);
        put(out, flags, 1);
        put(out, 5, 4);
        put(out, octets + back, 4);
        put(out, UPTIME_MS - 3000, 4);
        put(out, UPTIME_MS - 1000, 4);
    }
}

#define USUAL "10.0.0.1:50000>10.0.0.2:445 1699999997000-1699999999000 500/501 established\n"

static void v5(struct buf *out, uint32_t sequence, uint16_t sampling)
{
    put(out, 5, 2);
    put(out, 2, 2);
    put(out, UPTIME_MS, 4);
    put(out, EXPORTED_S, 4);
    put(out, 250000000, 4);
    put(out, sequence, 4);
    put(out, 0, 2);
    put(out, sampling, 2);
    for (unsigned back = 0; back < 2; back++) {
        put(out, back ? SERVER : CLIENT, 4);
        put(out, back ? CLIENT : SERVER, 4);
        put(out, 0, 8);
        put(out, 1, 4);
        put(out, back ? 40 : 60, 4);
        put(out, UPTIME_MS - 3000, 4);
        put(out, UPTIME_MS - 3000, 4);
        put(out, back ? 445 : 50000, 2);
        put(out, back ? 50000 : 445, 2);
        put(out, 0, 1);
        put(out, back ? TCP_RST | ACK : SYN, 1);
        put(out, TRANSPORT_TCP, 1);
        put(out, 0, 9);
    }
}

/* ---- Rows --------------------------------------------------------------------------------------
 */

static void version_5(struct buf *out)
{
    v5(out, 10, 0);
    v5(out, 12, 0);
}

static void version_5_lost(struct buf *out)
{
    v5(out, 10, 0);
    v5(out, 112, 0);
    v5(out, 12, 0); /* late: two of the hundred */
}

static void version_5_sampled(struct buf *out)
{
    v5(out, 10, 0x4000 | 100);
}

static void version_7(struct buf *out)
{
    put(out, 7, 2);
    put(out, 1, 2);
    put(out, UPTIME_MS, 4);
    put(out, EXPORTED_S, 4);
    put(out, 0, 4 + 4 + 4);
    put(out, CLIENT, 4);
    put(out, SERVER, 4);
    put(out, 0, 8);
    put(out, 1, 4);
    put(out, 60, 4);
    put(out, UPTIME_MS, 4);
    put(out, UPTIME_MS, 4);
    put(out, 50000, 2);
    put(out, 445, 2);
    put(out, 0, 1);
    put(out, SYN, 1);
    put(out, TRANSPORT_TCP, 1);
    put(out, 0, 13);
}

static void version_1(struct buf *out)
{
    put(out, 1, 2);
    put(out, 1, 2);
    put(out, UPTIME_MS, 4);
    put(out, EXPORTED_S, 4);
    put(out, 0, 4);
    put(out, CLIENT, 4);
    put(out, SERVER, 4);
    put(out, 0, 8);
    put(out, 1, 4);
    put(out, 60, 4);
    put(out, UPTIME_MS, 4);
    put(out, UPTIME_MS, 4);
    put(out, 50000, 2);
    put(out, 445, 2);
    put(out, 0, 2);
    put(out, TRANSPORT_TCP, 1);
    put(out, 0, 1);
    put(out, SYN, 1);
    put(out, 0, 11);
}

static void version_9(struct buf *out)
{
    v9_begin(out, 1, 0);
    template_of(out, 0, 256, usual, COUNT_OF(usual));
    size_t set = set_begin(out, 256);
    usual_records(out, 50000, SYN | ACK | PSH, 500);
    set_end(out, set);
}

static void version_9_padded(struct buf *out)
{
    version_9(out);
    put(out, 0, 64);
    v9_begin(out, 2, 0);
    size_t set = set_begin(out, 256);
    usual_records(out, 50001, SYN | ACK | PSH, 600);
    set_end(out, set);
}

static void version_9_before_template(struct buf *out)
{
    v9_begin(out, 1, 3);
    size_t set = set_begin(out, 256);
    usual_records(out, 50000, SYN | ACK | PSH, 500);
    set_end(out, set);
}

static void version_9_template_late(struct buf *out)
{
    version_9_before_template(out);
    v9_begin(out, 2, 3);
    template_of(out, 0, 256, usual, COUNT_OF(usual));
}

/* Templates belong to a source; and may change. */
static void version_9_sources(struct buf *out)
{
    static const struct field other[] = {
        {4, 1, 0},
        {7, 2, 0}
    };
    version_9(out);
    v9_begin(out, 1, 5);
    template_of(out, 0, 256, other, COUNT_OF(other));
    v9_begin(out, 2, 0);
    size_t set = set_begin(out, 256);
    usual_records(out, 50001, SYN | ACK | PSH, 600);
    set_end(out, set);
    v9_begin(out, 3, 0);
    template_of(out, 0, 256, other, COUNT_OF(other));
    set = set_begin(out, 256);
    put(out, TRANSPORT_TCP, 1);
    put(out, 445, 2);
    set_end(out, set);
}

/* The uptime counter wrapped between the flow and its export. */
static void version_9_wrapped(struct buf *out)
{
    size_t at = v9_begin(out, 1, 0);
    for (unsigned i = 4; i < 8; i++)
        out->data[at + i] = 0;
    out->data[at + 7] = 100; /* uptime is 100 ms */
    template_of(out, 0, 256, usual, COUNT_OF(usual));
    size_t set = set_begin(out, 256);
    put(out, CLIENT, 4);
    put(out, SERVER, 4);
    put(out, 50000, 2);
    put(out, 445, 2);
    put(out, TRANSPORT_TCP, 1);
    put(out, SYN, 1);
    put(out, 1, 4);
    put(out, 60, 4);
    put(out, UINT32_MAX - 899, 4);
    put(out, 50, 4);
    set_end(out, set);
}

static void version_9_sampling(struct buf *out)
{
    v9_begin(out, 1, 0);
    size_t set = set_begin(out, 1);
    put(out, 300, 2);
    put(out, 4, 2); /* bytes of scope */
    put(out, 8, 2); /* and of options */
    put(out, 1, 2);
    put(out, 4, 2);
    put(out, 48, 2);
    put(out, 1, 2);
    put(out, 50, 2);
    put(out, 2, 2);
    set_end(out, set);
    set = set_begin(out, 300);
    put(out, 9, 4);
    put(out, 1, 1);
    put(out, 1000, 2);
    set_end(out, set);
    template_of(out, 0, 256, usual, COUNT_OF(usual));
    set = set_begin(out, 256);
    put(out, CLIENT, 4);
    put(out, SERVER, 4);
    put(out, 50000, 2);
    put(out, 445, 2);
    put(out, TRANSPORT_TCP, 1);
    put(out, SYN, 1);
    put(out, 1, 4);
    put(out, 60, 4);
    put(out, UPTIME_MS, 4);
    put(out, UPTIME_MS, 4);
    set_end(out, set);
}

/* Cisco ASA: created and deleted, then denied. */
static void version_9_asa(struct buf *out)
{
    static const struct field fields[] = {
        {8,     4,  0},
        {7,     2,  0},
        {12,    4,  0},
        {11,    2,  0},
        {4,     1,  0},
        {40005, 1,  0},
        {323,   8,  0},
        {152,   8,  0},
        {231,   4,  0},
        {232,   4,  0},
        {40000, 20, 0},
    };
    static const struct {
        uint16_t port;
        uint8_t event;
        uint32_t at_s, to_server, to_client;
    } events[] = {
        {50000, 1, 10,  0,   0  },
        {50001, 3, 11,  0,   0  },
        {50000, 2, 900, 700, 800},
    };
    v9_begin(out, 1, 0);
    template_of(out, 0, 265, fields, COUNT_OF(fields));
    size_t set = set_begin(out, 265);
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        put(out, CLIENT, 4);
        put(out, events[i].port, 2);
        put(out, SERVER, 4);
        put(out, 445, 2);
        put(out, TRANSPORT_TCP, 1);
        put(out, events[i].event, 1);
        put(out, (EXPORTED_S + UINT64_C(0) + events[i].at_s) * 1000, 8);
        put(out, events[i].event == 3 ? 0 : (EXPORTED_S + UINT64_C(10)) * 1000, 8);
        put(out, events[i].to_server, 4);
        put(out, events[i].to_client, 4);
        buf_repeat(out, 'u', 20);
    }
    set_end(out, set);
}

static void version_9_dropped(struct buf *out)
{
    static const struct field fields[] = {
        {8,  4, 0},
        {12, 4, 0},
        {7,  2, 0},
        {11, 2, 0},
        {4,  1, 0},
        {89, 1, 0}
    };
    v9_begin(out, 1, 0);
    template_of(out, 0, 256, fields, COUNT_OF(fields));
    size_t set = set_begin(out, 256);
    for (unsigned i = 0; i < 2; i++) {
        put(out, CLIENT, 4);
        put(out, SERVER, 4);
        put(out, 50000 + i, 2);
        put(out, 445, 2);
        put(out, TRANSPORT_TCP, 1);
        put(out, i ? 0x8A : 0x82, 1); /* by a policer; by an access list */
    }
    set_end(out, set);
}

static const struct field biflow[] = {
    {27,  16,    0    },
    {28,  16,    0    },
    {4,   1,     0    },
    {182, 2,     0    },
    {183, 2,     0    },
    {96,  65535, 0    }, /* a name of any length */
    {1,   8,     0    },
    {2,   3,     0    }, /* shorter than its type */
    {1,   4,     29305},
    {2,   4,     29305},
    {6,   2,     0    },
    {6,   1,     29305},
    {154, 8,     0    },
    {155, 8,     0    },
    {500, 4,     6871 },
    {5,   0,     0    },
};

static void biflow_record(struct buf *out, size_t name_length)
{
    static const uint64_t from_1900 = UINT64_C(2208988800) + EXPORTED_S;
    put(out, UINT64_C(0x20010DB800000000), 8);
    put(out, 1, 8);
    put(out, UINT64_C(0x20010DB800000000), 8);
    put(out, 2, 8);
    put(out, TRANSPORT_TCP, 1);
    put(out, 50000, 2);
    put(out, 445, 2);
    if (name_length < 255)
        put(out, name_length, 1);
    else
        put(out, UINT64_C(255) << 16 | name_length, 3);
    buf_repeat(out, 'x', name_length);
    put(out, 5000, 8);
    put(out, 10, 3);
    put(out, 6000, 4);
    put(out, 11, 4);
    put(out, 0x0100 | SYN | ACK, 2);
    put(out, SYN | ACK, 1);
    put(out, from_1900 << 32 | 0x80000000u, 8);
    put(out, (from_1900 + 2) << 32, 8);
    put(out, 0, 4);
}

static void ipfix(struct buf *out)
{
    size_t message = ipfix_begin(out, 0);
    template_of(out, 2, 400, biflow, COUNT_OF(biflow));
    size_t set = set_begin(out, 400);
    biflow_record(out, 3);
    biflow_record(out, 300);
    set_end(out, set);
    ipfix_end(out, message);
}

static void ipfix_lost(struct buf *out)
{
    ipfix(out);
    size_t message = ipfix_begin(out, 9);
    size_t set = set_begin(out, 400);
    biflow_record(out, 0);
    set_end(out, set);
    ipfix_end(out, message);
}

static void ipfix_withdrawn(struct buf *out)
{
    size_t message = ipfix_begin(out, 0);
    template_of(out, 2, 400, biflow, COUNT_OF(biflow));
    template_of(out, 2, 400, NULL, 0);
    size_t set = set_begin(out, 400);
    biflow_record(out, 3);
    set_end(out, set);
    ipfix_end(out, message);
}

/* Times from the exporter's start, which an options record tells. */
static void ipfix_boot(struct buf *out)
{
    size_t message = ipfix_begin(out, 0);
    size_t set = set_begin(out, 3);
    put(out, 300, 2);
    put(out, 2, 2);
    put(out, 1, 2); /* of them scope */
    put(out, 149, 2);
    put(out, 4, 2);
    put(out, 160, 2);
    put(out, 8, 2);
    set_end(out, set);
    set = set_begin(out, 300);
    put(out, 7, 4);
    put(out, (EXPORTED_S - UINT64_C(100)) * 1000, 8);
    set_end(out, set);
    template_of(out, 2, 256, usual, COUNT_OF(usual));
    set = set_begin(out, 256);
    usual_records(out, 50000, SYN | ACK | PSH, 500);
    set_end(out, set);
    ipfix_end(out, message);
}

/* Templates that nobody should believe, then a good one. */
static void hostile_templates(struct buf *out)
{
    v9_begin(out, 1, 0);
    size_t set = set_begin(out, 0);
    put(out, 300, 2); /* of nothing but empty fields */
    put(out, 2, 2);
    put(out, 8, 2);
    put(out, 0, 2);
    put(out, 12, 2);
    put(out, 0, 2);
    put(out, 301, 2); /* longer than a set */
    put(out, 2, 2);
    put(out, 8, 2);
    put(out, 65000, 2);
    put(out, 12, 2);
    put(out, 65000, 2);
    set_end(out, set);
    template_of(out, 0, 256, usual, COUNT_OF(usual));
    set = set_begin(out, 256);
    usual_records(out, 50000, SYN | ACK | PSH, 500);
    set_end(out, set);
    set = set_begin(out, 0);
    put(out, 302, 2); /* more fields than there are bytes */
    put(out, 65535, 2);
    put(out, 8, 2);
    set_end(out, set);
}

static void sflow_header(struct buf *out, uint32_t sequence, uint32_t samples)
{
    put(out, 5, 4);
    put(out, 1, 4);
    put(out, 0x0A0000FE, 4);
    put(out, 0, 4);
    put(out, sequence, 4);
    put(out, UPTIME_MS, 4);
    put(out, samples, 4);
}

/* A flow sample around one record. */
static void sflow_sample(struct buf *out, bool expanded, uint32_t output_format, uint32_t output,
                         uint32_t record, bytes body)
{
    put(out, expanded ? 3 : 1, 4);
    put(out, (expanded ? 44u : 32u) + 8 + body.len, 4);
    put(out, 1, 4);
    put(out, 0, expanded ? 8 : 4);
    put(out, 512, 4); /* one in so many */
    put(out, 5120, 4);
    put(out, 0, 4);
    put(out, 0, expanded ? 8 : 4);
    if (expanded) {
        put(out, output_format, 4);
        put(out, output, 4);
    } else {
        put(out, output_format << 30 | output, 4);
    }
    put(out, 1, 4);
    put(out, record, 4);
    put(out, body.len, 4);
    buf_bytes(out, body);
}

static bytes sampled_frame(struct arena *arena, uint16_t port, uint8_t flags)
{
    struct buf tcp = buf_in(arena), ip = buf_in(arena), frame = buf_in(arena), out = buf_in(arena);
    struct encode_segment segment = {
        .from = addr_v4(CLIENT),
        .to = addr_v4(SERVER),
        .from_port = port,
        .to_port = 445,
        .flags = flags,
    };
    encode_tcp(&tcp, &segment);
    encode_ip(&ip, segment.from, segment.to, IP_TCP, encode_done(&tcp));
    encode_ethernet(&frame, NULL, 0, encode_done(&ip));
    bytes data = encode_done(&frame);
    put(&out, 1, 4);
    put(&out, data.len + 4, 4);
    put(&out, 4, 4);
    put(&out, data.len, 4);
    buf_bytes(&out, data);
    while (out.len % 4)
        buf_char(&out, 0);
    return encode_done(&out);
}

static void sflow(struct buf *out)
{
    struct arena arena = arena_open("sample", 1 << 20, NULL);
    struct buf v6 = buf_in(&arena);
    put(&v6, 1500, 4);
    put(&v6, TRANSPORT_TCP, 4);
    put(&v6, UINT64_C(0x20010DB800000000), 8);
    put(&v6, 1, 8);
    put(&v6, UINT64_C(0x20010DB800000000), 8);
    put(&v6, 2, 8);
    put(&v6, 50000, 4);
    put(&v6, 445, 4);
    put(&v6, ACK | PSH, 4);
    put(&v6, 0, 4);
    sflow_header(out, 1, 4);
    put(out, 2, 4); /* counters */
    put(out, 8, 4);
    put(out, 0, 8);
    sflow_sample(out, false, 0, 3, 1, sampled_frame(&arena, 50000, SYN));
    sflow_sample(out, true, 1, 258, 1, sampled_frame(&arena, 50001, SYN));
    sflow_sample(out, false, 0, 3, 4, encode_done(&v6));
    arena_close(&arena);
}

static const struct {
    const char *name;
    void (*write)(struct buf *out);
    size_t records;
    const char *expected;
} rows[] = {
    {"v5",                                                 version_5,                 4, "10.0.0.1:50000>10.0.0.2:445 1699999997250-1699999997250 60/40 refused\n"},
    {"v5, numbers with a gap",                             version_5_lost,            6,
     "10.0.0.1:50000>10.0.0.2:445 1699999997250-1699999997250 60/40 refused\n"
     "skip 120+0 source 0: 98 flows never arrived: its numbers have gaps\n"                                                                                       },
    {"v5, sampled",                                        version_5_sampled,         2,
     "10.0.0.1:50000>10.0.0.2:445 1699999997250-1699999997250 60/40 -\n"                                                                                          },
    {"v7",                                                 version_7,                 1,
     "10.0.0.1:50000>10.0.0.2:445 1700000000000-1700000000000 60/0 no-answer\n"                                                                                   },
    {"v1",                                                 version_1,                 1,
     "10.0.0.1:50000>10.0.0.2:445 1700000000000-1700000000000 60/0 no-answer\n"                                                                                   },
    {"v9",                                                 version_9,                 2, USUAL                                                                    },
    {"v9, zeros behind it",                                version_9_padded,          4,
     USUAL "10.0.0.1:50001>10.0.0.2:445 1699999997000-1699999999000 600/601 established\n"                                                                        },
    {"v9, data before its template",                       version_9_before_template, 0,
     "skip 24+60 source 3: 1 sets of data (60 bytes) came before their template 256 and are not "
     "read\n"                                                                                                                                                     },
    {"v9, the template comes later",                       version_9_template_late,   2, USUAL                                                                    },
    {"v9, templates of two sources, and one that changes", version_9_sources,         5,
     USUAL "10.0.0.1:50001>10.0.0.2:445 1699999997000-1699999999000 600/601 established\n"                                                                        },
    {"v9, the uptime wrapped",                             version_9_wrapped,         1,
     "10.0.0.1:50000>10.0.0.2:445 1699999999000-1699999999950 60/0 no-answer\n"                                                                                   },
    {"v9, sampling told by options",                       version_9_sampling,        1,
     "10.0.0.1:50000>10.0.0.2:445 1700000000000-1700000000000 60/0 -\n"                                                                                           },
    {"v9, events of a firewall",                           version_9_asa,             3,
     "10.0.0.1:50001>10.0.0.2:445 1700000011000-1700000011000 0/0 blocked\n"
     "10.0.0.1:50000>10.0.0.2:445 1700000010000-1700000900000 700/800 allowed\n"                                                                                  },
    {"v9, forwarding status",                              version_9_dropped,         2,
     "10.0.0.1:50000>10.0.0.2:445 1700000000000-1700000000000 0/0 blocked\n"
     "10.0.0.1:50001>10.0.0.2:445 1700000000000-1700000000000 0/0 - within\n"                                                                                     },
    {"IPFIX: both directions, any length, enterprises",    ipfix,                     2,
     "2001:db8::1:50000>2001:db8::2:445 1700000000500-1700000002000 5000/6000 established\n"                                                                      },
    {"IPFIX, numbers with a gap",                          ipfix_lost,                3,
     "2001:db8::1:50000>2001:db8::2:445 1700000000500-1700000002000 5000/6000 established\n"
     "skip 576+0 source 7: 7 flows never arrived: its numbers have gaps\n"                                                                                        },
    {"IPFIX, a template withdrawn",                        ipfix_withdrawn,           0,
     "skip 116+84 source 7: 1 sets of data (84 bytes) came before their template 400 and are not "
     "read\n"                                                                                                                                                     },
    {"IPFIX, time since the exporter's start",             ipfix_boot,                2, USUAL                                                                    },
    {"hostile templates",                                  hostile_templates,         2,
     "skip 24+12 template 300 can't be used: its records are empty, longer than a set, or of more "
     "than 256 fields\n"
     "skip 36+12 template 301 can't be used: its records are empty, longer than a set, or of more "
     "than 256 fields\n"
     "skip 164+8 template 302 ends inside a field\n" USUAL                                                                                                        },
    {"sFlow",                                              sflow,                     3,
     "10.0.0.1:50000>10.0.0.2:445 100000-100000 40/0 - clock\n"
     "10.0.0.1:50001>10.0.0.2:445 100000-100000 40/0 blocked clock\n"
     "2001:db8::1:50000>2001:db8::2:445 100000-100000 1500/0 established within clock\n"                                                                          },
};

static void check_row(size_t i, size_t *failed)
{
    struct arena arena = arena_open("test", 16 << 20, NULL);
    struct buf out = buf_in(&arena);
    struct flow_heard heard = {.lines = buf_in(&arena), .wants_skips = true};
    rows[i].write(&out);
    bytes data = encode_done(&out);
    flow_heard_read(&netflow_datagrams_reader, data, SIZE_MAX / 2, 64 << 20, &heard);
    str got = buf_text(&heard.lines);
    if (!str_equal(got, str_of(rows[i].expected)) || heard.records != rows[i].records) {
        print_error("%s: %zu records\n got:\n%.*s wanted:\n%s", rows[i].name, heard.records,
                    STR_ARG(got), rows[i].expected);
        ++*failed;
    }
    /* Every such file is known by its content; and what is seen of it at first may be less. */
    bytes head = {data.ptr, data.len < LIMIT_RECOGNISE_BYTES ? data.len : LIMIT_RECOGNISE_BYTES};
    if (!netflow_datagrams_reader.recognise(head)) {
        print_error("%s is not recognised\n", rows[i].name);
        ++*failed;
    }
    arena_close(&arena);
}

static void rows_are_as_expected(void **state)
{
    (void)state;
    size_t failed = 0;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_row(i, &failed);
    assert_int_equal(failed, 0);
}

/* Cut anywhere, in any windows: nothing is made up, and windows change nothing. */
static void truncated_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("test", 16 << 20, NULL);
        struct buf out = buf_in(&arena);
        rows[i].write(&out);
        bytes data = encode_done(&out);
        for (size_t n = 0; n <= data.len; n += n < 200 ? 1 : 7) {
            struct flow_heard whole = {0}, pieces = {0};
            bytes cut = {data.ptr, n};
            flow_heard_read(&netflow_datagrams_reader, cut, SIZE_MAX / 2, 64 << 20, &whole);
            flow_heard_read(&netflow_datagrams_reader, cut, 11, 64 << 20, &pieces);
            assert_int_equal(whole.digest, pieces.digest);
            assert_true(whole.records <= rows[i].records);
        }
        arena_close(&arena);
    }
}

/* Bytes between datagrams are one skip, and what follows is found. */
static void garbage_between(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 16 << 20, NULL);
    struct buf out = buf_in(&arena);
    struct flow_heard heard = {.lines = buf_in(&arena), .wants_skips = true};
    v5(&out, 10, 0);
    buf_repeat(&out, '?', 1000);
    v5(&out, 12, 0);
    flow_heard_read(&netflow_datagrams_reader, encode_done(&out), 64, 64 << 20, &heard);
    assert_true(str_equal(buf_text(&heard.lines),
                          S("skip 120+1000 bytes that are no export datagram\n"
                            "10.0.0.1:50000>10.0.0.2:445 1699999997250-1699999997250 60/40 "
                            "refused\n")));
    assert_int_equal(heard.records, 4);
    arena_close(&arena);
}

/* One datagram in a frame to that port. */
static void frame(struct arena *arena, struct buf *file, uint16_t port, uint32_t from,
                  bytes payload)
{
    struct buf udp = buf_in(arena), ip = buf_in(arena), ethernet = buf_in(arena);
    put(&udp, 40000, 2);
    put(&udp, port, 2);
    put(&udp, payload.len + 8, 2);
    put(&udp, 0, 2);
    buf_bytes(&udp, payload);
    encode_ip(&ip, addr_v4(from), addr_v4(0x0A0000FF), IP_UDP, encode_done(&udp));
    encode_ethernet(&ethernet, NULL, 0, encode_done(&ip));
    bytes data = encode_done(&ethernet);
    encode_pcap_record(file, false, INT64_C(1700000050000000), 1, (uint32_t)data.len, data);
}

/* In a capture: on usual ports and on any other, two exporters apart, beside other datagrams. */
static void found_in_captures(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 16 << 20, NULL);
    struct buf file = buf_in(&arena), exported = buf_in(&arena), samples = buf_in(&arena);
    struct flow_heard heard = {.lines = buf_in(&arena), .wants_skips = true};
    version_9(&exported);
    sflow(&samples);
    encode_pcap_header(&file, false, false, LINK_ETHERNET);
    frame(&arena, &file, 2055, 0x0A0000FD, encode_done(&exported));
    frame(&arena, &file, 9991, 0x0A0000FC, encode_done(&exported));
    frame(&arena, &file, 6343, 0x0A0000FB, encode_done(&samples));
    frame(&arena, &file, 2055, 0x0A0000FB, str_bytes(S("not a datagram of an exporter")));
    frame(&arena, &file, 53, 0x0A0000FB, str_bytes(S("nor this one, whatever it begins with")));
    flow_heard_read(&capture_pcap_reader, encode_done(&file), SIZE_MAX / 2, 0, &heard);
    assert_string_equal(str_c(&arena, buf_text(&heard.lines)),
                        USUAL "10.0.0.1:50000>10.0.0.2:445 1700000050000-1700000050000 40/0 -\n"
                              "10.0.0.1:50001>10.0.0.2:445 1700000050000-1700000050000 40/0 "
                              "blocked\n"
                              "2001:db8::1:50000>2001:db8::2:445 1700000050000-1700000050000 "
                              "1500/0 established within\n");
    assert_int_equal(heard.skips, 0);
    assert_int_equal(heard.records, 5 + 2 + 2 + 3);
    arena_close(&arena);
}

/* The corpus: each conversation that another tool found in the export is told. */
static void corpus_matches_nfdump(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        size_t observations, established, refused, no_answer;
    } exports[] = {
        {"labipv6-export-v9",     2,  2,  0, 0},
        {"labrefused-export-v5",  4,  1,  1, 2},
        {"labrefused-export-v9",  4,  1,  1, 2},
        {"smbfilename-export-v9", 29, 27, 0, 2},
        {"win10-export-v5",       8,  8,  0, 0},
    };
    const char *corpus = test_corpus();
    if (!corpus) skip();
    for (size_t i = 0; i < COUNT_OF(exports); i++) {
        char path[4096];
        struct arena arena = arena_open("test", 16 << 20, NULL);
        struct flow_heard heard = {.lines = buf_in(&arena)};
        snprintf(path, sizeof path, "%s/netflow/from-smb/%s.pcap", corpus, exports[i].file);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        uint8_t *data = arena_array(&arena, uint8_t, 1 << 20);
        size_t n = fread(data, 1, 1 << 20, file);
        fclose(file);
        flow_heard_read(&capture_pcap_reader, (bytes){data, n}, SIZE_MAX / 2, 0, &heard);
        size_t counts[3] = {0};
        static const char *const outcomes[] = {" established", " refused", " no-answer"};
        str rest = buf_text(&heard.lines), line;
        while (rest.len) {
            str_cut(rest, '\n', &line, &rest);
            for (size_t j = 0; j < COUNT_OF(counts); j++)
                counts[j] += str_ends(line, str_of(outcomes[j]));
        }
        assert_int_equal(heard.observations, exports[i].observations);
        assert_int_equal(counts[0], exports[i].established);
        assert_int_equal(counts[1], exports[i].refused);
        assert_int_equal(counts[2], exports[i].no_answer);
        assert_int_equal(heard.skips, 0);
        arena_close(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_as_expected),  cmocka_unit_test(truncated_anywhere),
        cmocka_unit_test(garbage_between),       cmocka_unit_test(found_in_captures),
        cmocka_unit_test(corpus_matches_nfdump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
