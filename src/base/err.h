/* SPDX-License-Identifier: Apache-2.0 */
/* One error: its kind, where it is, and one sentence that says what was expected and what was
 * found. A function that can fail returns bool and takes `struct err *err` last; raising is one
 * line: return err_at(err, ERR_MALFORMED, offset, "record.signature is 0x%08x", signature);
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"

#define ERR_KINDS(X)                                                                               \
    X(NONE, "no error")                                                                            \
    X(TRUNCATED, "the input ends inside an item")                                                  \
    X(MALFORMED, "the input breaks its format")                                                    \
    X(UNSUPPORTED, "valid, but a form this version does not read or write")                        \
    X(UNKNOWN_FORMAT, "no reader recognises the input")                                            \
    X(NOT_FOUND, "a named thing does not exist")                                                   \
    X(CONFLICT, "two statements contradict each other")                                            \
    X(LIMIT, "a documented ceiling is reached")                                                    \
    X(IO, "the operating system refused")                                                          \
    X(USAGE, "the command line is wrong")                                                          \
    X(REFUSED, "the answer would be unsafe, so it is not given")

enum err_kind {
#define X(name, sentence) ERR_##name,
    ERR_KINDS(X)
#undef X
};

enum err_place { ERR_PLACE_NONE, ERR_PLACE_OFFSET, ERR_PLACE_LINE };

struct err {
    enum err_kind kind;
    enum err_place place;
    uint64_t offset;               /* ERR_PLACE_OFFSET: bytes from the start of the source */
    uint32_t line, column;         /* ERR_PLACE_LINE: from 1; columns count characters */
    char source[LIMIT_ERR_SOURCE]; /* file or member path; "" = not known (yet) */
    char text[LIMIT_ERR_TEXT];
};

/* All return false, so that raising is one line. err may not be NULL. */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...) FORMAT_PRINTF(3, 4);
bool err_at(struct err *err, enum err_kind kind, uint64_t offset, const char *format, ...)
    FORMAT_PRINTF(4, 5);
bool err_line(struct err *err, enum err_kind kind, uint32_t line, uint32_t column,
              const char *format, ...) FORMAT_PRINTF(5, 6);
/* Names the source unless it is named already. Returns false. */
bool err_in(struct err *err, str source);

str err_kind_sentence(enum err_kind kind);
/* "source:line:column: error: text" or "source: offset N: error: text", without a newline. */
void err_print(const struct err *err, struct buf *out);
