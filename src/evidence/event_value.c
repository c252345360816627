/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/event_value.h"

#include "base/limits.h"

/* "-" and "(NULL)" is how these events write nothing. Longer names than are kept end where they
 * may. */
str event_value_said(str value)
{
    if (value.len == 1 && value.ptr[0] == '-') return (str){0};
    if (str_equal(value, S("(NULL)"))) return (str){0};
    if (value.len <= LIMIT_NAME_BYTES) return value;
    size_t n = LIMIT_NAME_BYTES;
    while (n && ((uint8_t)value.ptr[n] & 0xC0) == 0x80)
        n--;
    return str_head(value, n);
}

static unsigned hex_digit(char c)
{
    if (c >= '0' && c <= '9') return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f') return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') return (unsigned)(c - 'A') + 10;
    return 16;
}

/* "0x541f35", "0x0000000000541f35" and "5513013" are one number; false when it is none. */
bool event_value_number(str value, uint64_t *out)
{
    if (!str_starts(value, S("0x")) && !str_starts(value, S("0X")))
        return str_u64(value, UINT64_MAX, out);
    value = str_tail(value, 2);
    uint64_t number = 0;
    if (!value.len) return false;
    for (size_t i = 0; i < value.len; i++) {
        unsigned digit = hex_digit(value.ptr[i]);
        if (digit > 15 || number >> 60) return false;
        number = number << 4 | digit;
    }
    *out = number;
    return true;
}

/* An NTSTATUS: hexadecimal, or decimal with or without its sign. */
uint32_t event_value_status(str value)
{
    uint64_t number = 0;
    if (value.len && value.ptr[0] == '-')
        return str_u64(str_tail(value, 1), INT32_MAX, &number) ? UINT32_MAX - (uint32_t)number + 1
                                                               : 0;
    return event_value_number(value, &number) && number <= UINT32_MAX ? (uint32_t)number : 0;
}

uint16_t event_value_port(str value)
{
    uint64_t port = 0;
    return str_u64(value, UINT16_MAX, &port) ? (uint16_t)port : 0;
}

/* Ports at which SMB servers listen, and from which clients of Windows dial. */
bool event_value_is_smb_port(uint16_t port)
{
    return port == 445 || port == 139 || port == 443 || port == 5445;
}

/* The port of a socket address is in network order, but some events were seen with it in host
 * order: the reading that makes sense counts, and none when both do (UNCERTAIN). */
static uint16_t socket_port(uint8_t first, uint8_t second)
{
    uint16_t network = (uint16_t)(first << 8 | second), host = (uint16_t)(second << 8 | first);
    if (network == host) return network;
    if (event_value_is_smb_port(network) != event_value_is_smb_port(host))
        return event_value_is_smb_port(network) ? network : host;
    if ((network >= 49152) != (host >= 49152)) return network >= 49152 ? network : host;
    return 0;
}

/* A SOCKADDR in hexadecimal: family (little endian), port, then for IPv4 the address, for IPv6 flow
 * information and the address. */
static bool socket_of(str hex, struct addr *addr, uint16_t *port)
{
    enum { INET = 2, INET6 = 23, INET_BYTES = 8, INET6_BYTES = 24 };
    uint8_t b[INET6_BYTES] = {0};
    size_t n = hex.len / 2 < sizeof b ? hex.len / 2 : sizeof b;
    if (hex.len % 2) return false;
    for (size_t i = 0; i < n; i++) {
        unsigned high = hex_digit(hex.ptr[2 * i]), low = hex_digit(hex.ptr[2 * i + 1]);
        if (high > 15 || low > 15) return false;
        b[i] = (uint8_t)(high << 4 | low);
    }
    bool is_v4 = n >= INET_BYTES && b[0] == INET && b[1] == 0;
    bool is_v6 = n >= INET6_BYTES && b[0] == INET6 && b[1] == 0;
    if (!is_v4 && !is_v6) return false;
    *port = socket_port(b[2], b[3]);
    *addr = is_v6 ? addr_from_bytes(b + 8)
                  : addr_v4((uint32_t)b[4] << 24 | (uint32_t)b[5] << 16 | (uint32_t)b[6] << 8 |
                            (uint32_t)b[7]);
    return true;
}

str event_value_bare(str s)
{
    while (s.len && s.ptr[0] == '\\')
        s = str_tail(s, 1);
    return s;
}

/* "10.1.2.3", "fe80::1%5", "[fe80::1%5]:445", "10.1.2.3:445", "\\10.1.2.3", a SOCKADDR. The port
 * stays as it is when there is none. */
bool event_value_address(str value, struct addr *addr, uint16_t *port)
{
    str host = event_value_bare(value), rest = {0};
    if (host.len && host.ptr[0] == '[') {
        if (!str_cut(str_tail(host, 1), ']', &host, &rest)) return false;
        if (str_starts(rest, S(":"))) *port = event_value_port(str_tail(rest, 1));
    }
    str head, tail;
    str_cut(host, '%', &head, &tail);
    if (head.len && addr_parse(head, addr)) return !addr_is_none(*addr);
    if (str_cut(host, ':', &head, &tail) && addr_parse(head, addr)) {
        *port = event_value_port(tail);
        return !addr_is_none(*addr);
    }
    return socket_of(host, addr, port) && !addr_is_none(*addr);
}

static bool is_loopback(struct addr a)
{
    if (addr_is_v4(a)) return addr_v4_value(a) >> 24 == 127;
    return a.hi == 0 && a.lo == 1;
}

/* To more than one host. A directed broadcast can't be told without its prefix length; nearly all
 * end in 255. */
bool event_value_is_to_many(struct addr a)
{
    if (!addr_is_v4(a)) return a.hi >> 56 == 0xFF;
    return addr_v4_value(a) >> 28 == 0xE || (addr_v4_value(a) & 0xFF) == 0xFF;
}

/* Can it be one host's own? */
bool event_value_is_own(struct addr a)
{
    return !addr_is_none(a) && !is_loopback(a) && !event_value_is_to_many(a) &&
           !(addr_is_v4(a) && addr_v4_value(a) == 0);
}
