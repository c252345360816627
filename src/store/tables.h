/* SPDX-License-Identifier: Apache-2.0 */
/* The store's inside: its handle and its statements, shared by the files of store/ alone. */
#pragma once

#include "base/map.h"
#include "store/sqlite.h"
#include "store/store.h"

/* Statement name and text. */
#define STORE_STATEMENTS(X)                                                                        \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(FIND_END, "SELECT id FROM endpoint WHERE addr=? AND name=?")                                 \
    X(ADD_END, "INSERT INTO endpoint(addr,name) VALUES(?,?) ON CONFLICT DO NOTHING")               \
    X(FIND_TEXT, "SELECT id FROM text WHERE value=?")                                              \
    X(ADD_TEXT, "INSERT INTO text(value) VALUES(?) ON CONFLICT DO NOTHING")                        \
    X(FIND_EDGE, "SELECT id FROM edge WHERE client=? AND server=? AND port=? AND transport=?")     \
    X(COUNT_EDGES, "SELECT max(id) FROM edge")                                                     \
    X(ADD_EDGE, "INSERT INTO edge(client,server,port,transport) VALUES(?,?,?,?) "                  \
                "ON CONFLICT DO NOTHING")                                                          \
    X(FIND_SOURCE, "SELECT id FROM source WHERE path=?")                                           \
    X(ADD_SOURCE, "INSERT INTO source(path,reader) VALUES(?,?) ON CONFLICT DO NOTHING")            \
    X(SET_SOURCE, "UPDATE source SET reader=? WHERE id=?")                                         \
    X(FIND_STREAM, "SELECT id FROM stream WHERE key=?")                                            \
    X(ADD_STREAM, "INSERT INTO stream(key,reader,origin,is_log) VALUES(?,?,?,?)")                  \
    X(NAME_STREAM, "UPDATE stream SET key=? WHERE id=?")                                           \
    X(FIND_LOCAL, "SELECT stream FROM local WHERE addr=? AND reader=?")                            \
    X(ADD_LOCAL, "INSERT OR IGNORE INTO local(stream,addr,reader) VALUES(?,?,?)")                  \
    X(GET_LINES, "SELECT hashes FROM line WHERE stream=? AND day=?")                               \
    X(SET_LINES, "INSERT OR REPLACE INTO line(stream,day,hashes) VALUES(?,?,?)")                   \
    X(ADD_IDENTITY, "INSERT INTO identity(addr,name,source,day,first_us,last_us) "                 \
                    "VALUES(?,?,?,?,?,?) ON CONFLICT(addr,name,source,day) DO UPDATE SET "         \
                    "first_us=min(first_us,excluded.first_us),"                                    \
                    "last_us=max(last_us,excluded.last_us)")                                       \
    X(ADD_LISTENING, "INSERT INTO listening(server,transport,port,state,dialects,signing,"         \
                     "first_us,last_us,source) VALUES(?,?,?,?,?,?,?,?,?) "                         \
                     "ON CONFLICT DO UPDATE SET first_us=min(first_us,excluded.first_us),"         \
                     "last_us=max(last_us,excluded.last_us)")                                      \
    X(ADD_CHANGE, "INSERT OR IGNORE INTO change(host,at_us,kind,subject,detail,user) "             \
                  "VALUES(?,?,?,?,?,?)")                                                           \
    X(ADD_RUN, "INSERT INTO run(relation,is_named,day,level,n_rows,n_pieces) "                     \
               "VALUES(?,?,?,?,0,0)")                                                              \
    X(SET_RUN, "UPDATE run SET n_rows=?,n_pieces=? WHERE id=?")                                    \
    X(DROP_RUN, "DELETE FROM run WHERE id=?")                                                      \
    X(LIST_RUNS, "SELECT id,n_pieces FROM run WHERE relation=? AND is_named=? ORDER BY id")        \
    X(LIST_LEVEL, "SELECT id,n_pieces FROM run WHERE relation=? AND is_named=? AND day=? AND "     \
                  "level=? ORDER BY id")                                                           \
    X(ADD_PIECE, "INSERT INTO piece(id,data) VALUES(?,?)")                                         \
    X(GET_PIECE, "SELECT data FROM piece WHERE id=?")                                              \
    X(DROP_PIECES, "DELETE FROM piece WHERE id BETWEEN ? AND ?")                                   \
    X(NAME_ORIGIN, "UPDATE stream SET origin=min(origin,?) WHERE id=?")                            \
    X(CLEAR_COVERAGE, "DELETE FROM coverage WHERE source=? AND begin_us=?")                        \
    X(SET_COVERAGE, "INSERT OR REPLACE INTO coverage(source,begin_us,stream,from_us,to_us,"        \
                    "records,facts) VALUES(?,?,?,?,?,?,?)")                                        \
    X(CLEAR_UNPLACED, "DELETE FROM unplaced WHERE source=? AND begin_us=?")                        \
    X(ADD_UNPLACED, "INSERT OR REPLACE INTO unplaced(source,begin_us,stream,what,count) "          \
                    "VALUES(?,?,?,?,?)")                                                           \
    X(GET_UNPLACED, "SELECT what,count FROM unplaced WHERE source=? AND begin_us=? AND stream=? "  \
                    "ORDER BY what")                                                               \
    X(GET_DAY, "SELECT connections,o0,o1,o2,o3,o4,o5,o6,o7,o8 FROM day WHERE edge=? AND day=?")    \
    X(CLEAR_SKIPS, "DELETE FROM skip WHERE source=? AND begin_us=?")                               \
    X(ADD_SKIP, "INSERT OR REPLACE INTO skip(source,begin_us,at,reason,length) VALUES(?,?,?,?,?)")

enum store_statement {
#define X(name, text) STORE_SQL_##name,
    STORE_STATEMENTS(X)
#undef X
        STORE_SQL_COUNT
};

/* Numbers that were asked for lately: what comes in from one site is always the same. After a
 * rollback all is forgotten. */
struct store_cache {
    struct arena arena;
    struct map ends, texts;         /* full, they are emptied */
    struct store_known_edge *edges; /* of two addresses: STORE_EDGES places, or NULL */
};

/* Most facts ask for one, so they lie flat: a look costs one place in memory. Where its few places
 * are taken, one makes room. */
struct store_known_edge {
    struct addr client, server;
    uint64_t port;  /* and transport: as in struct batch_pair */
    int64_t number; /* 0 = free */
};

enum { STORE_CACHED = 1 << 18, STORE_EDGES = 1 << 19, STORE_EDGE_PLACES = 8 };

struct store {
    struct sqlite *db;
    struct arena arena; /* its own; the handle lives in it */
    struct sqlite_statement *statements[STORE_SQL_COUNT];
    struct store_cache cache;
    bool met_new; /* what was asked for last was not there: the next is asked for by adding it */
};

/* A record without a time: before every real one. */
#define STORE_NO_TIME INT64_MIN

/* What each table is: created once, its version in PRAGMA user_version. */
enum { STORE_SCHEMA_VERSION = 4, STORE_APPLICATION_ID = 0x53504F52 /* "SPOR" */ };
extern const char *const tables_schema;

/* The statement, prepared when first asked for; NULL and err when the database refuses it. */
struct sqlite_statement *tables_statement(struct store *store, enum store_statement which,
                                          struct err *err);
/* Says that rows are not what we wrote; answers false. */
bool tables_damaged(struct err *err);
