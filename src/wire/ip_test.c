/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ip.h"

#include "base/test.h"
#include "wire/encode.h"
#include "wire/link.h"
#include "wire/tcp.h"

/* Bytes written as hexadecimal digits with blanks. */
static bytes of_hex(struct arena *arena, const char *hex)
{
    struct buf out = buf_in(arena);
    unsigned value = 0, digits = 0;
    for (const char *c = hex; *c; c++) {
        if (*c == ' ') continue;
        value = value * 16 + (unsigned)(*c <= '9' ? *c - '0' : *c - 'a' + 10);
        if (++digits % 2 == 0) {
            buf_char(&out, (char)value);
            value = 0;
        }
    }
    return encode_done(&out);
}

#define V4(total, fragment, protocol)                                                              \
    "45000" total " 0001" fragment " 40" protocol "0000 0a000001 0a000002 "
#define V6_ENDS "20010db8000000000000000000000001 20010db8000000000000000000000002 "

static const struct {
    const char *name, *packet;
    bool is_ip;
    uint8_t protocol;
    size_t captured, length;
    bool is_fragment;
} packets[] = {
    {"plain",                   V4("018",                   "0000",                "06") "01020304",true,   6, 4, 4, false},
    {"padding is cut",                    V4("016",                                              "0000",                                                    "06") "01020304",true,6,2,2, false},
    {"cut by the capture",                        V4("064",                                                 "0000",                                                                 "06") "01020304",true,6,                                                                                                             4,                                                                                                                                                                          80, false},
    {"length left to the card",                     V4("000",                                              "0000",                                                                  "06") "01020304",true,                                                                 6,4,4, false},
    {"shorter than its header",                   V4("013","0000","06") "01020304",false,0,0,                                    0, false},
    {"options", "4600001c 00010000 40060000 0a000001 0a000002 01010100 01020304", true,                                 6,4,                                                                                                                                                    4,
     false                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                      },
    {"header of 4 bytes",                    "4100001c 00010000 40060000 0a000001 0a000002",                                              false,                                                           0,0,0,false},
    {"first fragment",                     V4("018",                                               "2000",                                                  "06") "01020304",true,6,4,4, true},
    {"do not fragment",                    V4("018",                                              "4000",                                                    "06") "01020304",true,6,4,                                                                                                                                                                                                   4, false},
    {"IPv6",                        "60000000 0004 06 40 " V6_ENDS "01020304",                                                 true,                                                                  6,4,4,                                                                                                                                                    false                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                       },
    {"IPv6 hop-by-hop, then TCP",                     "60000000 000c 00 40 " V6_ENDS "0600000000000000 01020304",                                              true,
     6,                                          4,                                                                                                                                                                                     4,                                                                                                                                                                                                                                         false                                  },
    {"IPv6 authentication header",
     "60000000 0010 33 40 " V6_ENDS "060100000000000000000000 01020304",true,6,4,4,false},
    {"IPv6 atomic fragment",                     "60000000 000c 2c 40 " V6_ENDS "0600000000000001 01020304",                                                     true,                                                                         6,4,
     4,false},
    {"IPv6 fragment",                     "60000000 000c 2c 40 " V6_ENDS "0600000100000001 01020304",                                                 true,                                                                                                                     6,                                                                                                                   4,                                                                                                                                                                         4,
     true                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   },
    {"IPv6 nothing next",                     "60000000 0004 3b 40 " V6_ENDS "01020304",false,0,0,0,                                                                                                                                                                                                                                                                                                                                                                                                                                                                            false                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                         },
    {"IPv6 extension beyond the packet",                     "60000000 0008 00 40 " V6_ENDS "06ff000000000000",false,
     0,0,0,false},
    {"IPv6 length left to the card",                    "60000000 0000 06 40 " V6_ENDS "01020304",                                                    true,                                                                                                                                   6,                                                     4,                                                                                           4,
     false},
    {"neither version",                    "55000018",                                                     false,                                                                         0,                                                                                                                                                                                                                                                                                              0,                                                                                                                                                                                                                                                                                                                                0,                                                                                                                                                                                                                                                                                                                                                                 false                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                        },
    {"cut header",                     "4500",false,0,0,0,false                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                         },
    {"nothing",                    "",false,0,0,0,false},
};

static void headers_are_stepped_over(void **state)
{
    (void)state;
    struct arena arena = arena_open("ip", 0, NULL);
    for (size_t i = 0; i < COUNT_OF(packets); i++) {
        struct ip_packet packet = {0};
        bool is_ip = ip_decode(of_hex(&arena, packets[i].packet), &packet);
        if (is_ip != packets[i].is_ip) fail_msg("%s: %d", packets[i].name, is_ip);
        if (!is_ip) continue;
        if (packet.protocol != packets[i].protocol || packet.payload.len != packets[i].captured ||
            packet.length != packets[i].length || packet.is_fragment != packets[i].is_fragment)
            fail_msg("%s: protocol %d, %zu of %zu bytes, fragment %d", packets[i].name,
                     packet.protocol, packet.payload.len, packet.length, packet.is_fragment);
    }
    arena_close(&arena);
}

/* An extension header for each of 100 levels: the walk gives up. */
static void extension_headers_are_bounded(void **state)
{
    (void)state;
    struct arena arena = arena_open("ip", 0, NULL);
    struct buf headers = buf_in(&arena), packet = buf_in(&arena);
    struct addr from, to;
    assert_true(addr_parse(S("2001:db8::1"), &from) && addr_parse(S("2001:db8::2"), &to));
    for (unsigned i = 0; i < 100; i++) {
        buf_char(&headers, i == 99 ? 6 : 60);
        buf_repeat(&headers, 0, 7);
    }
    encode_ip(&packet, from, to, 60, encode_done(&headers));
    struct ip_packet out;
    assert_false(ip_decode(encode_done(&packet), &out));
    arena_close(&arena);
}

/* More datagrams than there is room for: the oldest is dropped and counted, the newest still works.
 */
static void fragments_give_way(void **state)
{
    (void)state;
    struct arena arena = arena_open("ip", 0, NULL);
    struct ip_fragments *fragments = ip_fragments_open(&arena);
    struct ip_packet packet = {
        .protocol = 6,
        .payload = {(const uint8_t *)"12345678", 8},
        .length = 8,
        .is_fragment = true,
        .more_fragments = true
    };
    for (uint32_t id = 0; id < LIMIT_FRAGMENTS + 10; id++) {
        struct ip_packet first = packet;
        first.fragment_id = id;
        assert_false(ip_fragments_add(fragments, &first));
    }
    assert_int_equal(ip_fragments_lost(fragments), 10);
    packet.more_fragments = false;
    packet.fragment_offset = 8;
    packet.fragment_id = LIMIT_FRAGMENTS + 9;
    struct ip_packet last = packet;
    assert_true(ip_fragments_add(fragments, &last));
    assert_int_equal(last.length, 16);
    assert_memory_equal(last.payload.ptr, "1234567812345678", 16);
    packet.fragment_id = 3; /* its first part was dropped */
    assert_false(ip_fragments_add(fragments, &packet));
    ip_fragments_close(fragments);
    arena_close(&arena);
}

static const struct {
    const char *name;
    uint32_t type;
    const char *frame;
    bool found;
} frames[] = {
    {"Ethernet",          LINK_ETHERNET,   "000000000001 000000000002 0800 45",                     true },
    {"VLAN",              LINK_ETHERNET,   "000000000001 000000000002 8100 0007 0800 45",           true },
    {"QinQ",              LINK_ETHERNET,   "000000000001 000000000002 88a8 0007 8100 0008 86dd 60", true },
    {"old QinQ",          LINK_ETHERNET,   "000000000001 000000000002 9100 0007 8100 0008 0800 45", true },
    {"VLAN without end",  LINK_ETHERNET,
     "000000000001 000000000002 8100 0001 8100 0001 8100 0001 8100 0001 8100 0001 8100 0001 8100 "
     "0001 8100 0001 8100 0001 8100 0001 0800 45",                                                  false},
    {"SNAP",              LINK_ETHERNET,   "000000000001 000000000002 0020 aaaa03000000 0800 45",   true },
    {"NetBEUI",           LINK_ETHERNET,   "000000000001 000000000002 0020 f0f003000000 0800 45",   false},
    {"ARP",               LINK_ETHERNET,   "000000000001 000000000002 0806 0001",                   false},
    {"cut",               LINK_ETHERNET,   "000000000001 0000",                                     false},
    {"raw",               LINK_RAW,        "45",                                                    true },
    {"null",              LINK_NULL,       "02000000 45",                                           true },
    {"loop",              LINK_LOOP,       "00000002 45",                                           true },
    {"cooked",            LINK_LINUX_SLL,  "0000 0001 0006 0000000000010000 0800 45",               true },
    {"cooked, version 2", LINK_LINUX_SLL2, "0800 0000 00000001 0001 00 06 0000000000010000 45",
     true                                                                                                },
};

static void frames_carry_ip(void **state)
{
    (void)state;
    struct arena arena = arena_open("link", 0, NULL);
    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        bytes packet = {0};
        bool found = link_decode(frames[i].type, of_hex(&arena, frames[i].frame), &packet);
        if (found != frames[i].found) fail_msg("%s: %d", frames[i].name, found);
        if (found && (packet.len != 1 || (packet.ptr[0] != 0x45 && packet.ptr[0] != 0x60)))
            fail_msg("%s: %zu bytes", frames[i].name, packet.len);
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_stepped_over),
        cmocka_unit_test(extension_headers_are_bounded),
        cmocka_unit_test(fragments_give_way),
        cmocka_unit_test(frames_carry_ip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
