/* SPDX-License-Identifier: Apache-2.0 */
/* Windows of bytes to lines of text, for readers of line-based logs: LF or CR LF, UTF-8 as it is,
 * UTF-16 with a byte order mark decoded, NUL bytes of space reserved but not written passed over.
 * Byte order marks at the start of lines (joined files) and empty lines are passed over too.
 * Longer lines than LIMIT_LOG_LINE_BYTES are reported to the sink and stepped over.
 */
#pragma once

#include "base/input.h"
#include "evidence/observation.h"

struct text_line {
    str text;        /* without its terminator, not empty; valid until the callback returns */
    uint64_t offset; /* of its first byte in the source */
    uint64_t length; /* bytes in the source, without the terminator */
    uint64_t number; /* of the line in the source, from 1; empty ones count */
    bool cut;        /* the source, or what was written of it, ends in it: its end may be missing */
};
typedef void text_line_take(void *to, const struct text_line *line);

struct text_lines; /* opaque */
struct text_lines *text_lines_open(struct arena *arena, const struct fact_sink *sink,
                                   text_line_take *take, void *to);
/* As reader.feed: consumes whole lines. */
void text_lines_feed(struct text_lines *lines, struct window window, size_t *consumed,
                     size_t *want);

/* ---- For struct reader_splits: a source in blocks, each read by lines of its own. */

/* Not UTF-16. */
bool text_lines_may_split(bytes head);
/* Behind the last newline; 0 = there is none. */
size_t text_lines_last(bytes data);
/* Begins behind whole lines. */
void text_lines_adopt(struct text_lines *lines);
/* Lines of a block that have `mark` behind nothing but blanks and byte order marks, or all when it
 * is 0. end: of the line; cut: it ends with the block or before unwritten space. */
typedef void text_line_found(void *to, size_t begin, size_t end, bool cut);
void text_lines_find(bytes block, char mark, text_line_found *take, void *to);
/* Shows those of them to the lead, or only those that matter (NULL: all do). */
typedef bool text_line_matters(void *to, str raw);
void text_lines_pass(struct text_lines *lead, bytes block, char mark, text_line_matters *matters);

/* The n-th line (from 0; empty ones don't count) of a head shown to recognise(); decoded into arena
 * when it is UTF-16; NULL pointer = there is none. whole is false for a last line without its
 * terminator. */
str text_lines_peek(bytes head, size_t n, struct arena *arena, bool *whole);

/* The same without an arena, for walking all lines of a head: its text in UTF-8, without a mark;
 * decoded into `into` when it is UTF-16. Then text_lines_cut takes line by line from the front:
 * false when there is none left. */
enum { TEXT_LINES_HEAD_ROOM = LIMIT_RECOGNISE_BYTES * 3 / 2 };
str text_lines_head(bytes head, char into[TEXT_LINES_HEAD_ROOM]);
bool text_lines_cut(str *rest, str *line, bool *whole);
