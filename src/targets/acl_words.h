/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration as lines of words, for the readers of perimeter dialects (Cisco IOS, Cisco ASA,
 * Juniper SRX): one statement a line, words parted by one blank. Blank lines and comments are
 * passed over. Writers share nothing with it.
 */
#pragma once

#include "base/addr.h"
#include "base/err.h"

struct acl_words {
    str left;      /* lines that are still to come */
    str line;      /* of the current line, what is behind the current word */
    str word;      /* the current word; empty at the end of a line */
    bool ended;    /* there is no current line */
    bool indented; /* the line began with one blank */
    char comment;  /* '!' or '#': lines that begin with it */
    uint32_t number, column;
    const char *begin; /* of the current line */
    struct arena *arena;
    struct err *err;
};

/* At the first line. False: bytes that no such file has. */
MUST_USE bool acl_words_open(struct acl_words *w, bytes content, char comment, struct arena *arena,
                             struct err *err);
/* To the next line, if the current one is at its end. */
MUST_USE bool acl_words_next_line(struct acl_words *w);

/* Where the current line begins; content: what was opened. */
uint64_t acl_words_offset(const struct acl_words *w, bytes content);

bool acl_words_is(const struct acl_words *w, const char *word);
/* Steps over the current word. */
void acl_words_skip(struct acl_words *w);
bool acl_words_take(struct acl_words *w, const char *word);
/* The words of a phrase, parted by blanks, must stand here in a row. */
MUST_USE bool acl_words_expect(struct acl_words *w, const char *phrase);
/* This word must stand here. */
MUST_USE bool acl_words_expect_word(struct acl_words *w, str word);
/* Whether the current line begins with these words; it stays where it is. */
bool acl_words_begins(const struct acl_words *w, const char *phrase);
/* The current word and all behind it; then the line is at its end. */
str acl_words_rest(struct acl_words *w);
/* Always false: what was expected here, and what was found. */
bool acl_words_unexpected(struct acl_words *w, const char *wanted);

MUST_USE bool acl_words_u64(struct acl_words *w, uint64_t least, uint64_t most, const char *wanted,
                            uint64_t *out);
MUST_USE bool acl_words_port(struct acl_words *w, uint16_t *out);
/* An address of that family. */
MUST_USE bool acl_words_addr(struct acl_words *w, bool v4, struct addr *out);
/* "first" and the mask behind it, of IPv4; wildcard: the mask has ones where addresses differ. */
MUST_USE bool acl_words_masked(struct acl_words *w, bool wildcard, struct range *out);
/* "2001:db8::/32" or "10.0.0.0/8": with its length, shorter than an address, without host bits. */
MUST_USE bool acl_words_prefix(struct acl_words *w, struct range *out);

/* Ranges that do not overlap, in ascending order: those of IPv4, then those of IPv6. */
struct acl_ranges {
    struct range *items;
    size_t n, room;
};
/* False, with the error set: the range is not behind all others. */
MUST_USE bool acl_words_ascend(struct acl_words *w, struct acl_ranges *list, struct range range);
