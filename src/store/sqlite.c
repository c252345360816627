/* SPDX-License-Identifier: Apache-2.0 */
/* Edge: the only user of SQLite's header. */
#include "store/sqlite.h"

#include <sqlite3.h>

struct sqlite_statement {
    sqlite3_stmt *prepared;
    struct sqlite *db;
    struct sqlite_statement *next;
};

struct sqlite {
    sqlite3 *handle;
    struct arena *arena;
    struct sqlite_statement *statements;
    bool is_damaged; /* a row holds a number that it can't hold */
};

/* What the admin can do, for the results that are not our mistakes. */
static const struct {
    int result;
    const char *text;
} advice[] = {
    {SQLITE_FULL,     "the disk is full; what was committed before is kept"              },
    {SQLITE_READONLY, "the workspace can't be written; what was committed before is kept"},
    {SQLITE_BUSY,     "another sallyport is writing this workspace"                      },
    {SQLITE_LOCKED,   "another sallyport is writing this workspace"                      },
    {SQLITE_NOTADB,   "the file is not a sallyport workspace"                            },
    {SQLITE_CORRUPT,  "the workspace's database is damaged"                              },
    {SQLITE_CANTOPEN, "the database can't be opened or made"                             },
    {SQLITE_IOERR,    "the disk failed; what was committed before is kept"               },
};

static bool refuse(const struct sqlite *db, int result, struct err *err)
{
    const char *said = db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(result);
    for (size_t i = 0; i < COUNT_OF(advice); i++)
        if (advice[i].result == (result & 0xFF))
            return err_set(err, ERR_IO, "%s (%s)", advice[i].text, said);
    return err_set(err, ERR_IO, "the database refused: %s", said);
}

/* SQLite takes a URI for the one mode that plain flags can't say. */
static str uri_of(struct arena *arena, str path)
{
    static const char digits[] = "0123456789ABCDEF";
    struct buf uri = buf_in(arena);
    buf_str(&uri, S("file:"));
    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = (uint8_t)path.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '/' || c == '.' || c == '-' || c == '_';
        if (plain) {
            buf_char(&uri, (char)c);
            continue;
        }
        buf_char(&uri, '%');
        buf_char(&uri, digits[c >> 4]);
        buf_char(&uri, digits[c & 15]);
    }
    buf_str(&uri, S("?immutable=1"));
    return buf_text(&uri);
}

bool sqlite_open(str path, enum sqlite_mode mode, unsigned busy_ms, struct arena *arena,
                 struct sqlite **out, struct err *err)
{
    /* A handle is one thread's: it needs no lock around each of its calls. */
    static const int flags[] = {
        [SQLITE_MODE_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
        [SQLITE_MODE_WRITE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
        [SQLITE_MODE_READ_ALONE] = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
    };
    struct sqlite *db = arena_new(arena, struct sqlite);
    db->arena = arena;
    str name = mode == SQLITE_MODE_READ_ALONE ? uri_of(arena, path) : path;
    int result = sqlite3_open_v2(str_c(arena, name), &db->handle, flags[mode], NULL);
    if (result != SQLITE_OK) {
        refuse(db, result, err);
        sqlite3_close(db->handle);
        return false;
    }
    sqlite3_extended_result_codes(db->handle, 0);
    sqlite3_busy_timeout(db->handle, (int)busy_ms);
    /* Defence in depth: a workspace from elsewhere must not run code of its schema. */
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    *out = db;
    return true;
}

void sqlite_close(struct sqlite *db)
{
    for (struct sqlite_statement *s = db->statements; s; s = s->next)
        sqlite3_finalize(s->prepared);
    sqlite3_close(db->handle);
    db->statements = NULL;
    db->handle = NULL;
}

void sqlite_set_most_bytes(struct sqlite *db, size_t most)
{
    assert(most <= INT32_MAX);
    sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, (int)most);
}

bool sqlite_run(struct sqlite *db, const char *sql, struct err *err)
{
    int result = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? true : refuse(db, result, err);
}

void sqlite_rollback(struct sqlite *db)
{
    /* Statements that are still in a row would hold the transaction open. */
    for (struct sqlite_statement *s = db->statements; s; s = s->next)
        sqlite3_reset(s->prepared);
    if (!sqlite3_get_autocommit(db->handle)) sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

struct sqlite_statement *sqlite_prepare(struct sqlite *db, const char *sql, struct err *err)
{
    struct sqlite_statement *statement = arena_new(db->arena, struct sqlite_statement);
    statement->db = db;
    int result = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                    &statement->prepared, NULL);
    if (result != SQLITE_OK) {
        refuse(db, result, err);
        return NULL;
    }
    statement->next = db->statements;
    db->statements = statement;
    return statement;
}

void sqlite_put(struct sqlite_statement *statement, int at, int64_t value)
{
    sqlite3_bind_int64(statement->prepared, at, value);
}

void sqlite_put_bytes(struct sqlite_statement *statement, int at, bytes value)
{
    /* A NULL pointer would bind NULL; an empty value is a value. */
    sqlite3_bind_blob64(statement->prepared, at, value.len ? (const void *)value.ptr : "",
                        value.len, SQLITE_TRANSIENT);
}

void sqlite_put_str(struct sqlite_statement *statement, int at, str value)
{
    sqlite_put_bytes(statement, at, str_bytes(value));
}

void sqlite_put_null(struct sqlite_statement *statement, int at)
{
    sqlite3_bind_null(statement->prepared, at);
}

bool sqlite_step(struct sqlite_statement *statement, bool *row, struct err *err)
{
    if (statement->db->is_damaged) {
        sqlite3_reset(statement->prepared);
        return err_set(err, ERR_IO,
                       "the workspace's database is damaged (a row names one that is not there)");
    }
    int result = sqlite3_step(statement->prepared);
    *row = result == SQLITE_ROW;
    if (result == SQLITE_ROW) return true;
    bool fine = result == SQLITE_DONE;
    if (!fine) refuse(statement->db, result, err);
    sqlite3_reset(statement->prepared);
    return fine;
}

bool sqlite_do(struct sqlite_statement *statement, struct err *err)
{
    bool row = false;
    bool fine = sqlite_step(statement, &row, err);
    if (row) sqlite3_reset(statement->prepared);
    return fine;
}

void sqlite_reset(struct sqlite_statement *statement)
{
    sqlite3_reset(statement->prepared);
}

int64_t sqlite_get(const struct sqlite_statement *statement, int at)
{
    return sqlite3_column_int64(statement->prepared, at);
}

size_t sqlite_get_index(const struct sqlite_statement *statement, int at, size_t n)
{
    int64_t value = sqlite_get(statement, at);
    if (value >= 0 && (uint64_t)value < n) return (size_t)value;
    statement->db->is_damaged = true;
    return 0;
}

bytes sqlite_get_bytes(const struct sqlite_statement *statement, int at)
{
    const uint8_t *ptr = sqlite3_column_blob(statement->prepared, at);
    return (bytes){ptr, (size_t)sqlite3_column_bytes(statement->prepared, at)};
}

str sqlite_get_str(struct arena *arena, const struct sqlite_statement *statement, int at)
{
    return str_copy(arena, str_of_bytes(sqlite_get_bytes(statement, at)));
}

bool sqlite_get_is_null(const struct sqlite_statement *statement, int at)
{
    return sqlite3_column_type(statement->prepared, at) == SQLITE_NULL;
}

bool sqlite_get_is_bytes(const struct sqlite_statement *statement, int at)
{
    return sqlite3_column_type(statement->prepared, at) == SQLITE_BLOB;
}

bool sqlite_get_is_number(const struct sqlite_statement *statement, int at)
{
    return sqlite3_column_type(statement->prepared, at) == SQLITE_INTEGER;
}

int64_t sqlite_last_id(const struct sqlite *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

int64_t sqlite_changes(const struct sqlite *db)
{
    return sqlite3_changes64(db->handle);
}
