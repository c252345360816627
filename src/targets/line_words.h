/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a command language that goes line by line: blanks part words, a quoted string is one
 * word with its quotes, the end of a line is a word of its own ("\n"). Lines that are empty or
 * begin with '#' are passed over. Bytes that are not printable ASCII fit nowhere. For readers.
 */
#pragma once

#include "base/err.h"
#include "base/prefix_set.h"

struct line_words {
    bytes content;
    size_t at; /* after the current word */
    str word;  /* the current one; empty at the end */
    size_t word_at;
    uint32_t line; /* of the current word */
    size_t line_at;
    struct arena *arena;
    struct err *err;
};

struct line_words line_words_of(bytes content, struct arena *arena, struct err *err);
void line_words_next(struct line_words *w);
bool line_words_is(const struct line_words *w, const char *word);
/* Goes on when the current word is this one. */
bool line_words_take(struct line_words *w, const char *word);

/* All of these fail with MALFORMED at the current word: what was expected, what was found. */
bool line_words_unexpected(struct line_words *w, const char *wanted);
/* The words of a phrase, parted by single blanks, in a row. */
MUST_USE bool line_words_expect(struct line_words *w, const char *phrase);
MUST_USE bool line_words_expect_word(struct line_words *w, str word);
MUST_USE bool line_words_end_line(struct line_words *w);
/* "text": without its quotes. */
MUST_USE bool line_words_quoted(struct line_words *w, str *out);
/* A decimal number from 1 to most, without leading zeros. */
MUST_USE bool line_words_number(struct line_words *w, uint64_t most, uint64_t *out);

/* "NAME-a12": a number from 1 behind a stem such as "NAME-a"; false when it is something else. */
MUST_USE bool line_words_numbered(str word, str stem, char kind, size_t *out);
/* "445" or "137-138". */
MUST_USE bool line_words_ports(str word, uint16_t *first, uint16_t *last);

/* True when no two of the ranges share an address. */
bool line_words_apart(const struct range *ranges, size_t n, struct arena *arena);
