/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tunnel.h"

#include "base/test.h"
#include "wire/dcerpc.h"
#include "wire/encode.h"
#include "wire/link.h"

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

/* An inner packet, recognised by its ends: 10.0.0.1 to 10.0.0.2. */
#define INNER    "45000018 00010000 40060000 0a000001 0a000002 01020304"
#define ETHERNET "020000000001 020000000002 0800 "

static void the_inner_packet_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t protocol;
        const char *payload;
        bool found;
    } rows[] = {
        {"GRE",                                       TUNNEL_GRE,  "0000 0800" INNER,                                              true },
        {"GRE with all of its fields",                TUNNEL_GRE,  "b000 0800 11112222 33334444 55556666" INNER,
         true                                                                                                                           },
        {"GRE with a source route",                   TUNNEL_GRE,
         "4000 0800 00000000 0800 00 04 0a000009 0000 00 00" INNER,                                                                true },
        {"GRE with a source route that does not end", TUNNEL_GRE,
         "4000 0800 00000000 0800 00 04 0a000009",                                                                                 false},
        {"PPTP's GRE with an acknowledgment",         TUNNEL_GRE,
         "3081 0800 00180001 00000001 00000002" INNER,                                                                             true },
        {"a version of GRE that nobody has",          TUNNEL_GRE,  "0002 0800" INNER,                                              false},
        {"WCCP with its header",                      TUNNEL_GRE,  "0000 883e 00010000" INNER,                                     true },
        {"WCCP without",                              TUNNEL_GRE,  "0000 883e" INNER,                                              true },
        {"WCCP cut off",                              TUNNEL_GRE,  "0000 883e 0001",                                               false},
        {"Ethernet in GRE",                           TUNNEL_GRE,  "2000 6558 00000007" ETHERNET INNER,                            true },
        {"ERSPAN II",                                 TUNNEL_GRE,  "1000 88be 00000001 10010064 00000000" ETHERNET INNER,          true },
        {"ERSPAN I",                                  TUNNEL_GRE,  "0000 88be" ETHERNET INNER,                                     true },
        {"ERSPAN III",                                TUNNEL_GRE,  "1000 22eb 00000001 20010064 00000000 00000000" ETHERNET INNER,
         true                                                                                                                           },
        {"ERSPAN III with its option",                TUNNEL_GRE,
         "1000 22eb 00000001 20010064 00000000 00000001 0000000000000000" ETHERNET INNER,                                          true },
        {"another protocol in GRE",                   TUNNEL_GRE,  "0000 880b" INNER,                                              false},
        {"GRE cut off",                               TUNNEL_GRE,  "2000 0800",                                                    false},
        {"IP in IP",                                  TUNNEL_IPV4, INNER,                                                          true },
        {"TCP",                                       6,           INNER,                                                          false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("tunnel test", 1 << 20, NULL);
        bytes payload = of_hex(&arena, rows[i].payload), inner = {0};
        struct ip_packet outer = {
            .protocol = rows[i].protocol, .payload = payload, .length = payload.len};
        struct ip_packet ip = {0};
        bool found = tunnel_decode(&outer, &inner) && ip_decode(inner, &ip) &&
                     addr_equal(ip.to, addr_v4(0x0A000002));
        if (found != rows[i].found) fail_msg("%s: found is %d", rows[i].name, found);
        /* No prefix is read beyond its end. */
        for (size_t cut = 0; cut < payload.len; cut++) {
            uint8_t *copy = arena_array(&arena, uint8_t, cut ? cut : 1);
            memcpy(copy, payload.ptr, cut);
            outer.payload = (bytes){copy, cut};
            if (tunnel_decode(&outer, &inner))
                assert_true(inner.ptr >= copy && inner.ptr + inner.len == copy + cut);
        }
        arena_close(&arena);
    }
}

static void links_that_carry_others(void **state)
{
    (void)state;
    static const struct {
        const char *name, *frame;
        bool found;
    } rows[] = {
        {"MPLS, two labels",    "020000000001 020000000002 8847 00010040 00020140" INNER,             true },
        {"MPLS without an end", "020000000001 020000000002 8847 00010040",                            false},
        {"PPPoE",               "020000000001 020000000002 8864 1100 0001 001a 0021" INNER,           true },
        {"PPPoE, link control", "020000000001 020000000002 8864 1100 0001 001a c021" INNER,           false},
        {"VLAN, then PPPoE",    "020000000001 020000000002 8100 0007 8864 1100 0001 001a 0021" INNER,
         true                                                                                              },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("tunnel test", 1 << 20, NULL);
        bytes packet = {0};
        struct ip_packet ip = {0};
        bool found = link_decode(LINK_ETHERNET, of_hex(&arena, rows[i].frame), &packet) &&
                     ip_decode(packet, &ip) && addr_equal(ip.to, addr_v4(0x0A000002));
        if (found != rows[i].found) fail_msg("%s: found is %d", rows[i].name, found);
        arena_close(&arena);
    }
}

#define SYNTAX "045d888aeb1cc9119fe808002b104860 02000000"

static void interfaces_of_a_bind(void **state)
{
    (void)state;
    static const struct {
        const char *name, *message, *interfaces;
    } rows[] = {
        {"srvsvc",
         "05000b03 10000000 4800 0000 02000000 b810b810 00000000 01 000000"
         "0000 01 00 c84f324b7016d30112785a47bf6ee188 0300 0000" SYNTAX,
         "srvsvc 3"                                                                          },
        {"two, one of them unknown",
         "05000e03 10000000 7400 0000 02000000 b810b810 00000000 02 000000"
         "0000 01 00 c84f324b7016d30112785a47bf6ee188 0300 0000" SYNTAX
         "0100 02 00 01020304050607080910111213141516 0100 0000" SYNTAX SYNTAX,
         "srvsvc 3, 04030201-0605-0807-0910-111213141516 1"                                  },
        {"big endian",
         "05000b03 00000000 0048 0000 00000002 10b810b8 00000000 01 000000"
         "0000 01 00 4b324fc8167001d312785a47bf6ee188 0003 0000" SYNTAX,
         "srvsvc 3"                                                                          },
        {"a request",                "05000003 10000000 4800 0000 02000000",               ""},
        {"cut in the second",
         "05000e03 10000000 7400 0000 02000000 b810b810 00000000 02 000000"
         "0000 01 00 c84f324b7016d30112785a47bf6ee188 0300 0000" SYNTAX "0100 02 00 0102",
         "srvsvc 3"                                                                          },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("tunnel test", 1 << 20, NULL);
        struct dcerpc_interface interface;
        struct buf found = buf_in(&arena);
        char text[DCERPC_UUID_TEXT];
        bytes message = of_hex(&arena, rows[i].message);
        for (size_t at = 0; dcerpc_next_interface(message, &at, &interface);) {
            str name = dcerpc_interface_name(&interface);
            if (!name.len) name = dcerpc_uuid_text(text, &interface);
            buf_format(&found, "%s%.*s %u", found.len ? ", " : "", STR_ARG(name),
                       interface.version);
        }
        if (!str_equal(buf_text(&found), str_of(rows[i].interfaces)))
            fail_msg("%s: %.*s", rows[i].name, STR_ARG(buf_text(&found)));
        arena_close(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_inner_packet_is_found),
        cmocka_unit_test(links_that_carry_others),
        cmocka_unit_test(interfaces_of_a_bind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
