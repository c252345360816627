/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and making the workspace database. */
#include "store/store.h"

#include "store/tables.h"

enum {
    BUSY_MS = 10000,
    /* SQLite file format, 1.3: bytes 18 and 19 are 2 when the journal is a WAL. */
    HEADER_BYTES = 20,
    HEADER_WRITE_VERSION = 18,
    HEADER_WAL = 2,
};

static bool in_memory(str path)
{
    return str_equal(path, S(":memory:"));
}

/* Is the file in WAL mode? Asked of the bytes, since opening it would already use the WAL. */
static bool is_wal(struct os *os, str path, struct arena scratch)
{
    uint8_t header[HEADER_BYTES] = {0};
    struct err err = {0};
    size_t n = 0, got = 0;
    struct os_file *file = os->open(os->self, path, &scratch, &err);
    if (!file) return false;
    while (n < sizeof header &&
           os->read(os->self, file, header + n, sizeof header - n, &got, &err) && got)
        n += got;
    os->close(os->self, file);
    return n == sizeof header && header[HEADER_WRITE_VERSION] == HEADER_WAL;
}

static bool refuse_network(struct err *err)
{
    return err_set(err, ERR_REFUSED,
                   "the workspace is on a network file system, where SQLite's write-ahead log "
                   "is unsafe: move it to a local disk, or give --journal delete and let one "
                   "process at a time use it");
}

static bool ask_number(struct sqlite *db, const char *sql, int64_t *out, struct err *err)
{
    struct sqlite_statement *s = sqlite_prepare(db, sql, err);
    bool row = false;
    if (!s || !sqlite_step(s, &row, err)) return false;
    *out = row ? sqlite_get(s, 0) : 0;
    if (row) sqlite_reset(s);
    return true;
}

static bool check_schema(struct sqlite *db, str path, struct err *err)
{
    int64_t application = 0, version = 0;
    if (!ask_number(db, "PRAGMA application_id", &application, err) ||
        !ask_number(db, "PRAGMA user_version", &version, err))
        return err_in(err, path);
    if (application != STORE_APPLICATION_ID)
        return err_set(err, ERR_MALFORMED, "%.*s is a database, but not a sallyport workspace",
                       STR_ARG(path));
    if (version == STORE_SCHEMA_VERSION) return true;
    return err_set(err, ERR_UNSUPPORTED,
                   "the workspace has schema version %" PRId64
                   ", this sallyport knows version %d: use a newer one",
                   version, STORE_SCHEMA_VERSION);
}

static bool set_journal(struct sqlite *db, enum store_journal journal, struct err *err)
{
    /* FULL: what was committed outlives a power cut, not only a crash of ours. */
    return sqlite_run(db,
                      journal == STORE_WAL ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"
                                           : "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL",
                      err);
}

static bool make_schema(struct sqlite *db, struct arena *arena, struct err *err)
{
    str text = str_format(arena,
                          "BEGIN IMMEDIATE; %s PRAGMA application_id=%d; "
                          "PRAGMA user_version=%d; COMMIT;",
                          tables_schema, STORE_APPLICATION_ID, STORE_SCHEMA_VERSION);
    if (sqlite_run(db, str_c(arena, text), err)) return true;
    sqlite_rollback(db);
    return false;
}

static bool finish(struct sqlite *db, struct arena *arena, struct store **out)
{
    struct store *store = arena_new(arena, struct store);
    *store = (struct store){.db = db, .arena = arena};
    *out = store;
    return true;
}

static bool fail(struct sqlite *db, str path, struct err *err)
{
    sqlite_close(db);
    return err_in(err, path);
}

bool store_create(struct os *os, str path, enum store_journal journal, struct arena *arena,
                  struct store **out, struct err *err)
{
    struct sqlite *db = NULL;
    int64_t tables = 0;
    if (journal == STORE_WAL && !in_memory(path) && os->is_network(os->self, os_directory(path))) {
        refuse_network(err);
        return err_in(err, path);
    }
    if (!sqlite_open(path, SQLITE_MODE_CREATE, BUSY_MS, arena, &db, err)) return err_in(err, path);
    /* Without tables it is new, or an init that was cut short. */
    if (!ask_number(db, "SELECT count(*) FROM sqlite_schema", &tables, err))
        return fail(db, path, err);
    bool fine = tables ? check_schema(db, path, err)
                       : set_journal(db, journal, err) && make_schema(db, arena, err);
    return fine ? finish(db, arena, out) : fail(db, path, err);
}

static bool open_to_read(struct os *os, str path, struct arena *arena, struct sqlite **out,
                         struct err *err)
{
    struct sqlite *db = NULL;
    int64_t tables = 0;
    if (!sqlite_open(path, SQLITE_MODE_READ, BUSY_MS, arena, &db, err)) return false;
    if (ask_number(db, "SELECT count(*) FROM sqlite_schema", &tables, err)) {
        *out = db;
        return true;
    }
    sqlite_close(db);
    /* A WAL that nobody can make or lock: on a medium that can't be written the file alone is the
     * whole truth, if no log stands beside it. */
    str log = str_format(arena, "%.*s-wal", STR_ARG(path));
    if (os->kind(os->self, log) != OS_MISSING) return false;
    return sqlite_open(path, SQLITE_MODE_READ_ALONE, BUSY_MS, arena, out, err);
}

bool store_open(struct os *os, str path, enum store_journal journal, bool read_only,
                struct arena *arena, struct store **out, struct err *err)
{
    struct sqlite *db = NULL;
    if (os->kind(os->self, path) != OS_FILE)
        return err_set(err, ERR_NOT_FOUND,
                       "there is no workspace in %.*s: make one with \"sallyport init %.*s\"",
                       STR_ARG(os_directory(path)), STR_ARG(os_directory(path)));
    if (journal == STORE_WAL && os->is_network(os->self, path) && is_wal(os, path, *arena)) {
        refuse_network(err);
        return err_in(err, path);
    }
    bool opened = read_only ? open_to_read(os, path, arena, &db, err)
                            : sqlite_open(path, SQLITE_MODE_WRITE, BUSY_MS, arena, &db, err);
    if (!opened) return err_in(err, path);
    if (!check_schema(db, path, err)) return fail(db, path, err);
    /* A workspace keeps the journal it was made with, unless told otherwise. */
    if (!read_only && journal == STORE_DELETE && !set_journal(db, journal, err))
        return fail(db, path, err);
    if (!read_only && !sqlite_run(db, "PRAGMA synchronous=FULL", err)) return fail(db, path, err);
    return finish(db, arena, out);
}

void store_close(struct store *store)
{
    sqlite_close(store->db);
}
