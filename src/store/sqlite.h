/* SPDX-License-Identifier: Apache-2.0 */
/* Edge: SQLite in the house's types. Statements are prepared once and used many times; a step that
 * fails says what the admin can do about it.
 */
#pragma once

#include "base/err.h"

struct sqlite;           /* one open database */
struct sqlite_statement; /* belongs to its database, and ends with it */

enum sqlite_mode {
    SQLITE_MODE_CREATE,     /* made when it is not there */
    SQLITE_MODE_WRITE,      /* must be there */
    SQLITE_MODE_READ_ALONE, /* without locks: a medium that can't be written */
};

/* path ":memory:" is a database of its own in memory. Writers wait busy_ms for one another. */
MUST_USE bool sqlite_open(str path, enum sqlite_mode mode, unsigned busy_ms, struct arena *arena,
                          struct sqlite **out, struct err *err);
void sqlite_close(struct sqlite *db);

/* Longer texts and bytes of a database from elsewhere are refused. */
void sqlite_set_most_bytes(struct sqlite *db, size_t most);

/* Statements without results, separated by semicolons. */
MUST_USE bool sqlite_run(struct sqlite *db, const char *sql, struct err *err);
/* Rolls back whatever is open; for use after a failure, so it can't fail itself. */
void sqlite_rollback(struct sqlite *db);
/* NULL and err when the database refuses the text. */
struct sqlite_statement *sqlite_prepare(struct sqlite *db, const char *sql, struct err *err);

/* Parameters from 1. Bytes are copied. */
void sqlite_put(struct sqlite_statement *statement, int at, int64_t value);
void sqlite_put_bytes(struct sqlite_statement *statement, int at, bytes value);
void sqlite_put_str(struct sqlite_statement *statement, int at, str value); /* as bytes */
void sqlite_put_null(struct sqlite_statement *statement, int at);
/* Next row of a query: *row is false at the end, and the statement may be used again. */
MUST_USE bool sqlite_step(struct sqlite_statement *statement, bool *row, struct err *err);
/* A statement without results. */
MUST_USE bool sqlite_do(struct sqlite_statement *statement, struct err *err);
/* Ends a query before its last row. */
void sqlite_reset(struct sqlite_statement *statement);

/* Columns from 0; bytes last until the next step. */
int64_t sqlite_get(const struct sqlite_statement *statement, int at);
/* A number below n, for use as an index. Another one is damage: 0 is given in its place, and the
 * next step fails. */
size_t sqlite_get_index(const struct sqlite_statement *statement, int at, size_t n);
bytes sqlite_get_bytes(const struct sqlite_statement *statement, int at);
str sqlite_get_str(struct arena *arena, const struct sqlite_statement *statement, int at);
bool sqlite_get_is_null(const struct sqlite_statement *statement, int at);
/* Whether the value is kept as bytes, or as a whole number: a text that reads alike is neither. */
bool sqlite_get_is_bytes(const struct sqlite_statement *statement, int at);
bool sqlite_get_is_number(const struct sqlite_statement *statement, int at);

int64_t sqlite_last_id(const struct sqlite *db);
/* Rows that the last statement that changes anything has changed. */
int64_t sqlite_changes(const struct sqlite *db);
