/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses. IPv4 and IPv6 live on one ordered line of 128 bits: a.b.c.d is held as ::ffff:a.b.c.d
 * (RFC 4291, 2.5.5.2). So both spellings are one address, ranges of either family are plain ranges,
 * and no code path can forget a family. (STYLE.md suggests family + 16 bytes; a line makes every
 * set operation one comparison, and the family is a question: addr_is_v4.)
 * The zero value is `::`, the unspecified address, and stands for "no address".
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

struct addr {
    uint64_t hi, lo; /* most and least significant half, host order */
};

/* len counts bits of the 128-bit line: 10.0.0.0/8 has 104. */
struct prefix {
    struct addr addr;
    uint8_t len;
};

/* first..last, both inside. */
struct range {
    struct addr first, last;
};

/* Longest text of an address (RFC 5952) and of a prefix, with room for a NUL. */
enum { ADDR_TEXT = 40, PREFIX_TEXT = 44 };

extern const struct range addr_all;    /* the whole line */
extern const struct range addr_all_v4; /* ::ffff:0.0.0.0 .. ::ffff:255.255.255.255 */

struct addr addr_v4(uint32_t value);
struct addr addr_from_bytes(const uint8_t octets[16]);
void addr_to_bytes(struct addr a, uint8_t octets[16]);
bool addr_is_none(struct addr a);
bool addr_is_v4(struct addr a);
uint32_t addr_v4_value(struct addr a); /* only if addr_is_v4 */
int addr_compare(struct addr a, struct addr b);
bool addr_equal(struct addr a, struct addr b);
uint64_t addr_hash(struct addr a);
/* The neighbour on the line; the caller checks that there is one. */
struct addr addr_next(struct addr a);
struct addr addr_previous(struct addr a);

/* IPv4 dotted decimal (four parts, no leading zeros) or IPv6 (RFC 4291, 2.2; a zone is refused).
 * False when the text is neither; nothing else is accepted. */
MUST_USE bool addr_parse(str text, struct addr *out);
/* RFC 5952; an IPv4 address in dotted decimal. */
str addr_text(char out[ADDR_TEXT], struct addr a);
void addr_print(struct buf *out, struct addr a);

/* "a.b.c.d/len", "x::y/len", or a lone address (its own prefix). Host bits may be set: the caller
 * asks prefix_has_host_bits. False when the text is neither or the length is out of range. */
MUST_USE bool prefix_parse(str text, struct prefix *out);
struct prefix prefix_of(struct addr a, uint8_t len); /* host bits cleared */
bool prefix_has_host_bits(struct prefix p);
struct range prefix_range(struct prefix p);
bool prefix_contains(struct prefix p, struct addr a);
/* "10.0.0.0/8"; single addresses keep their /32 or /128. */
str prefix_text(char out[PREFIX_TEXT], struct prefix p);
uint8_t prefix_text_length(struct prefix p); /* the number after the slash */
