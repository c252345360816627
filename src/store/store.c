/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and making the workspace database. */
#include "store/store.h"

#include "store/intake.h"
#include "store/tables.h"

enum {
    BUSY_MS = 10000,
    /* SQLite file format, 1.3: bytes 18 and 19 are 2 when the journal is a WAL. */
    HEADER_BYTES = 20,
    HEADER_WRITE_VERSION = 18,
    HEADER_WAL = 2,
};

/* KiB of pages that a writer holds: less, and what a large source wrote is read back from the log
 * and written to it again and again before it is committed. */
#define PAGES_HELD "PRAGMA cache_size=-8192"

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
    if (version < STORE_SCHEMA_VERSION)
        return err_set(err, ERR_UNSUPPORTED,
                       "the workspace has schema version %" PRId64
                       ", this sallyport writes version %d: make a new one with \"sallyport init\" "
                       "and ingest the evidence again",
                       version, STORE_SCHEMA_VERSION);
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

/* The handle lives in an arena of its own: statements are prepared while callers use theirs. */
static struct store *new_store(void)
{
    struct arena own = arena_open("workspace", 0, NULL);
    struct store *store = arena_new(&own, struct store);
    store->arena = own;
    return store;
}

static bool fail(struct store *store, str path, struct err *err)
{
    store_close(store);
    return err_in(err, path);
}

bool store_create(struct os *os, str path, enum store_journal journal, struct store **out,
                  struct err *err)
{
    int64_t tables = 0;
    if (journal == STORE_WAL && !in_memory(path) && os->is_network(os->self, os_directory(path))) {
        refuse_network(err);
        return err_in(err, path);
    }
    struct store *store = new_store();
    if (!sqlite_open(path, SQLITE_MODE_CREATE, BUSY_MS, &store->arena, &store->db, err))
        return fail(store, path, err);
    /* Without tables it is new, or an init that was cut short. */
    if (!ask_number(store->db, "SELECT count(*) FROM sqlite_schema", &tables, err))
        return fail(store, path, err);
    bool fine =
        tables ? check_schema(store->db, path, err)
               : set_journal(store->db, journal, err) && make_schema(store->db, &store->arena, err);
    if (!fine) return fail(store, path, err);
    *out = store;
    return true;
}

static bool open_to_read(struct os *os, str path, struct store *store, struct err *err)
{
    int64_t tables = 0;
    /* Opened for writing where that is possible, so that the last to close takes the log away; what
     * is asked can't write all the same. */
    if (!sqlite_open(path, SQLITE_MODE_WRITE, BUSY_MS, &store->arena, &store->db, err))
        return false;
    if (sqlite_run(store->db, "PRAGMA query_only=1", err) &&
        ask_number(store->db, "SELECT count(*) FROM sqlite_schema", &tables, err))
        return true;
    sqlite_close(store->db);
    store->db = NULL;
    /* A WAL that nobody can make or lock: on a medium that can't be written the file alone is the
     * whole truth, if no log stands beside it. */
    str log = str_format(&store->arena, "%.*s-wal", STR_ARG(path));
    if (os->kind(os->self, log) != OS_MISSING) return false;
    return sqlite_open(path, SQLITE_MODE_READ_ALONE, BUSY_MS, &store->arena, &store->db, err);
}

bool store_open(struct os *os, str path, enum store_journal journal, bool read_only,
                struct store **out, struct err *err)
{
    if (os->kind(os->self, path) != OS_FILE)
        return err_set(err, ERR_NOT_FOUND,
                       "there is no workspace in %.*s: make one with \"sallyport init %.*s\"",
                       STR_ARG(os_directory(path)), STR_ARG(os_directory(path)));
    struct store *store = new_store();
    if (journal == STORE_WAL && os->is_network(os->self, path) && is_wal(os, path, store->arena)) {
        refuse_network(err);
        return fail(store, path, err);
    }
    bool opened =
        read_only ? open_to_read(os, path, store, err)
                  : sqlite_open(path, SQLITE_MODE_WRITE, BUSY_MS, &store->arena, &store->db, err);
    if (!opened || !check_schema(store->db, path, err)) return fail(store, path, err);
    /* A workspace keeps the journal it was made with, unless told otherwise. */
    if (!read_only && journal == STORE_DELETE && !set_journal(store->db, journal, err))
        return fail(store, path, err);
    if (!read_only && !sqlite_run(store->db, "PRAGMA synchronous=FULL; " PAGES_HELD, err))
        return fail(store, path, err);
    *out = store;
    return true;
}

void store_close(struct store *store)
{
    struct arena own = store->arena;
    if (store->db) sqlite_close(store->db);
    intake_forget(store);
    if (store->cache.arena.region) arena_close(&store->cache.arena);
    arena_close(&own);
}

bool store_size(struct store *store, uint64_t *out, struct err *err)
{
    struct sqlite_statement *count = tables_statement(store, STORE_SQL_COUNT_EDGES, err);
    bool row = false;
    if (!count || !sqlite_step(count, &row, err)) return false;
    *out = row && !sqlite_get_is_null(count, 0) ? (uint64_t)sqlite_get(count, 0) : 0;
    sqlite_reset(count);
    return true;
}
