/* SPDX-License-Identifier: Apache-2.0 */
/* What firewall rules and connection security rules have in common as text in the registry:
 * "v2.10|Token=value|Token=value|" ([MS-GPFAS] 2.2.2.19, 2.2.6.2; literals of its ABNF compare
 * without case, RFC 5234 2.3). For reading alone.
 */
#pragma once

#include "base/prefix_set.h"
#include "rules/ruleset.h"

/* One rule while it is read. What is wrong first stays; everything returns false after that. */
struct firewall_text {
    struct arena *arena;
    str left;    /* after the current token */
    str problem; /* empty = none so far */
    str name, value;
};

/* "expected EXPECTED, found "…"" unless something was wrong before. */
bool firewall_token_wrong(struct firewall_text *text, const char *expected, str found);
/* The version in front; then what follows is tokens. */
MUST_USE bool firewall_token_begin(struct firewall_text *text, str whole, struct arena *arena);
/* The next token as name and value; false at the end, or when something is wrong. */
MUST_USE bool firewall_token_next(struct firewall_text *text);

/* Of the current value. */
MUST_USE bool firewall_token_flag(struct firewall_text *text, bool *out);
MUST_USE bool firewall_token_profile(struct firewall_text *text, uint8_t *profiles);
MUST_USE bool firewall_token_number(struct firewall_text *text, const char *expected, uint64_t most,
                                    uint64_t *out);
/* "5000-5010" */
MUST_USE bool firewall_token_port_range(struct firewall_text *text, uint16_t *first,
                                        uint16_t *last);

/* Words that stand for one another: values of a token that may repeat. */
struct firewall_words {
    str *items;
    size_t n, room;
};
void firewall_token_add_word(struct firewall_words *words, struct arena *arena, str word);
str firewall_token_join(const struct firewall_words *words, struct arena *arena); /* "a b" */
/* "LABEL a or b" added to conditions that are parted by "; "; nothing when there are no words. */
void firewall_token_add_condition(str *conditions, struct arena *arena, const char *label,
                                  const struct firewall_words *words);

/* One end of a rule. Keywords (LocalSubnet) are resolved by each machine for itself, so that the
 * addresses they stand for are only known to be of their family. */
struct firewall_end {
    struct range *ranges;
    size_t n, room;
    struct firewall_words keywords[2]; /* of IPv4 and IPv6 */
    bool said[2];                      /* the family is named at all */
};
/* Adds the current value: an address, a range, a subnet, or a keyword where there may be one. */
MUST_USE bool firewall_token_address(struct firewall_text *text, struct firewall_end *end, bool v4,
                                     bool keywords);
/* The addresses that the end may be, at most: none named = every one of both families; one family
 * named = nothing of the other. What keywords say in addition is added to the conditions, and the
 * whole end is written into `shown`, which stays empty without keywords (NULL = not wanted). */
struct prefix_set firewall_token_end(const struct firewall_end *end, const char *label,
                                     struct arena *arena, str *conditions, str *shown);
