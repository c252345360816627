/* SPDX-License-Identifier: Apache-2.0 */
/* IEEE 802.3 with 802.1Q tags and LLC/SNAP (RFC 1042); the cooked and null headers of libpcap. */
#include "wire/link.h"

enum {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_IPV6 = 0x86DD,
    ETHERTYPE_MPLS = 0x8847,
    ETHERTYPE_PPPOE = 0x8864,
    ETHERTYPE_LEAST = 0x0600, /* below it is an 802.3 length */
    VLAN_TAGS = 8,            /* deeper stacks are not traffic */
    MPLS_LABELS = 8,
};

static const struct {
    uint32_t type;
    str name;
} others[] = {
    {6,   {"IEEE 802.5", 10}         },
    {7,   {"ARCNET", 6}              },
    {8,   {"SLIP", 4}                },
    {9,   {"PPP", 3}                 },
    {10,  {"FDDI", 4}                },
    {50,  {"PPP in HDLC framing", 19}},
    {105, {"IEEE 802.11", 11}        },
    {119, {"Prism", 5}               },
    {127, {"radiotap", 8}            },
    {147, {"user 0", 6}              },
    {189, {"USB", 3}                 },
    {195, {"IEEE 802.15.4", 13}      },
    {220, {"USB", 3}                 },
    {249, {"USBPcap", 7}             },
    {253, {"netlink", 7}             },
};

bool link_is_known(uint32_t type)
{
    switch (type) {
    case LINK_NULL:
    case LINK_ETHERNET:
    case LINK_RAW_BSD:
    case LINK_RAW:
    case LINK_LOOP:
    case LINK_LINUX_SLL:
    case LINK_IPV4:
    case LINK_IPV6:
    case LINK_LINUX_SLL2:
        return true;
    }
    return false;
}

str link_name(uint32_t type)
{
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (others[i].type == type) return others[i].name;
    return (str){0};
}

static bool is_vlan(uint16_t ethertype)
{
    return ethertype == 0x8100 || ethertype == 0x88A8 || ethertype == 0x9100;
}

/* RFC 3032: up to the label at the bottom of the stack. What follows says by itself whether it is
 * IP; a pseudowire's control word does not look so (RFC 4385). */
static bool step_labels(struct cursor *c)
{
    for (unsigned i = 0; i < MPLS_LABELS; i++) {
        bool is_last = cursor_u32be(c, "mpls.label") & 0x100;
        if (!cursor_ok(c)) return false;
        if (is_last) return true;
    }
    return false;
}

/* RFC 2516 4: a header, then PPP's protocol. */
static bool step_pppoe(struct cursor *c)
{
    enum { PPP_IPV4 = 0x0021, PPP_IPV6 = 0x0057 };
    cursor_skip(c, 6, "pppoe.header");
    uint16_t protocol = cursor_u16be(c, "ppp.protocol");
    return cursor_ok(c) && (protocol == PPP_IPV4 || protocol == PPP_IPV6);
}

/* c stands behind the EtherType: behind further tags it must be IP. */
static bool carries_ip(struct cursor *c, uint16_t ethertype)
{
    for (unsigned tags = 0; is_vlan(ethertype); tags++) {
        if (tags == VLAN_TAGS) return false;
        cursor_skip(c, 2, "vlan.tag");
        ethertype = cursor_u16be(c, "vlan.type");
    }
    if (cursor_ok(c) && ethertype < ETHERTYPE_LEAST) {
        uint32_t snap = cursor_u24be(c, "llc.header");
        uint32_t organisation = cursor_u24be(c, "snap.organisation");
        if (snap != 0xAAAA03 || organisation != 0) return false;
        ethertype = cursor_u16be(c, "snap.type");
    }
    if (ethertype == ETHERTYPE_MPLS) return step_labels(c);
    if (ethertype == ETHERTYPE_PPPOE) return step_pppoe(c);
    return cursor_ok(c) && (ethertype == ETHERTYPE_IPV4 || ethertype == ETHERTYPE_IPV6);
}

bool link_decode(uint32_t type, bytes frame, bytes *out)
{
    struct cursor c = cursor_of(frame, 0);
    bool found = true;
    uint16_t ethertype = 0;

    switch ((enum link_type)type) {
    case LINK_ETHERNET:
        cursor_skip(&c, 12, "ethernet.addresses");
        ethertype = cursor_u16be(&c, "ethernet.type");
        found = carries_ip(&c, ethertype);
        break;
    case LINK_LINUX_SLL:
        cursor_skip(&c, 14, "sll.header");
        ethertype = cursor_u16be(&c, "sll.protocol");
        found = carries_ip(&c, ethertype);
        break;
    case LINK_LINUX_SLL2:
        ethertype = cursor_u16be(&c, "sll2.protocol");
        cursor_skip(&c, 18, "sll2.header");
        found = carries_ip(&c, ethertype);
        break;
    /* The family is in the byte order of the machine that wrote the file and its value differs
     * between systems; the version in the IP header says the same. */
    case LINK_NULL:
    case LINK_LOOP:
        cursor_skip(&c, 4, "null.family");
        break;
    case LINK_RAW_BSD:
    case LINK_RAW:
    case LINK_IPV4:
    case LINK_IPV6:
        break;
    }
    if (!found || !cursor_ok(&c)) return false;
    *out = cursor_bytes(&c, cursor_left(&c), "frame.payload");
    return true;
}
