/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tables.h"

#define COUNTS                                                                                     \
    "connections INTEGER NOT NULL, o0 INTEGER NOT NULL, o1 INTEGER NOT NULL, "                     \
    "o2 INTEGER NOT NULL, o3 INTEGER NOT NULL, o4 INTEGER NOT NULL, o5 INTEGER NOT NULL, "         \
    "o6 INTEGER NOT NULL, o7 INTEGER NOT NULL, o8 INTEGER NOT NULL, "                              \
    "to_server INTEGER NOT NULL, to_client INTEGER NOT NULL"

static_assert(OUTCOME_COUNT == 9, "the table `day` has a column per outcome");

/* Times are microseconds UTC, days are counted from 1970-01-01. Texts are bytes: evidence need not
 * be UTF-8, and no collation may ever decide what is equal. */
const char *const tables_schema =
    "CREATE TABLE endpoint(id INTEGER PRIMARY KEY, addr BLOB NOT NULL, name BLOB NOT NULL, "
    "UNIQUE(addr,name));"
    "CREATE TABLE text(id INTEGER PRIMARY KEY, value BLOB NOT NULL UNIQUE);"
    "CREATE TABLE edge(id INTEGER PRIMARY KEY, client INTEGER NOT NULL, server INTEGER NOT NULL, "
    "port INTEGER NOT NULL, transport INTEGER NOT NULL, UNIQUE(client,server,port,transport));"
    "CREATE TABLE stream(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, reader BLOB NOT NULL, "
    "origin BLOB NOT NULL, is_log INTEGER NOT NULL);"
    /* An address belongs to one stream of a format, for ever: so a log read again always finds the
     * stream that has its lines. */
    "CREATE TABLE local(addr BLOB NOT NULL, reader BLOB NOT NULL, stream INTEGER NOT NULL, "
    "PRIMARY KEY(addr,reader)) WITHOUT ROWID;"
    "CREATE TABLE line(stream INTEGER NOT NULL, day INTEGER NOT NULL, hashes BLOB NOT NULL, "
    "UNIQUE(stream,day));"
    "CREATE TABLE source(id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, reader BLOB NOT NULL);"
    /* begin_us is when the source's first record was: with its path, what it is known by. */
    "CREATE TABLE coverage(source INTEGER NOT NULL, begin_us INTEGER NOT NULL, "
    "stream INTEGER NOT NULL, from_us INTEGER NOT NULL, to_us INTEGER NOT NULL, "
    "records INTEGER NOT NULL, facts INTEGER NOT NULL, PRIMARY KEY(source,begin_us,stream)) "
    "WITHOUT ROWID;"
    "CREATE TABLE unplaced(source INTEGER NOT NULL, begin_us INTEGER NOT NULL, "
    "stream INTEGER NOT NULL, what BLOB NOT NULL, count INTEGER NOT NULL, "
    "PRIMARY KEY(source,begin_us,stream,what)) WITHOUT ROWID;"
    "CREATE TABLE skip(source INTEGER NOT NULL, begin_us INTEGER NOT NULL, at INTEGER NOT NULL, "
    "reason BLOB NOT NULL, length INTEGER NOT NULL, PRIMARY KEY(source,begin_us,at,reason)) "
    "WITHOUT ROWID;"
    /* Rows of the relations of matrix/relation.h: store/runs.c. */
    "CREATE TABLE run(id INTEGER PRIMARY KEY, relation INTEGER NOT NULL, "
    "is_named INTEGER NOT NULL, day INTEGER NOT NULL, level INTEGER NOT NULL, "
    "n_rows INTEGER NOT NULL, n_pieces INTEGER NOT NULL);"
    "CREATE INDEX run_of ON run(relation,is_named,day,level);"
    "CREATE TABLE piece(id INTEGER PRIMARY KEY, data BLOB NOT NULL);"
    "CREATE TABLE identity(addr BLOB NOT NULL, name INTEGER NOT NULL, source INTEGER NOT NULL, "
    "day INTEGER NOT NULL, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, "
    "PRIMARY KEY(addr,name,source,day)) WITHOUT ROWID;"
    "CREATE TABLE listening(server INTEGER NOT NULL, transport INTEGER NOT NULL, "
    "port INTEGER NOT NULL, state INTEGER NOT NULL, dialects INTEGER NOT NULL, "
    "signing INTEGER NOT NULL, source INTEGER NOT NULL, first_us INTEGER NOT NULL, "
    "last_us INTEGER NOT NULL, "
    "PRIMARY KEY(server,transport,port,state,dialects,signing,source)) WITHOUT ROWID;"
    "CREATE TABLE change(host INTEGER NOT NULL, at_us INTEGER NOT NULL, kind INTEGER NOT NULL, "
    "subject INTEGER NOT NULL, detail INTEGER NOT NULL, user INTEGER NOT NULL, "
    "PRIMARY KEY(host,at_us,kind,subject,detail,user)) WITHOUT ROWID;"
    /* Connections that were let go, counted per day before they went. */
    "CREATE TABLE day(edge INTEGER NOT NULL, day INTEGER NOT NULL, exact INTEGER NOT NULL, " COUNTS
    ", disputed INTEGER NOT NULL, PRIMARY KEY(edge,day)) WITHOUT ROWID;";

static const char *const texts[STORE_SQL_COUNT] = {
#define X(name, text) [STORE_SQL_##name] = text,
    STORE_STATEMENTS(X)
#undef X
};

struct sqlite_statement *tables_statement(struct store *store, enum store_statement which,
                                          struct err *err)
{
    if (!store->statements[which])
        store->statements[which] = sqlite_prepare(store->db, texts[which], err);
    return store->statements[which];
}

bool tables_damaged(struct err *err)
{
    return err_set(err, ERR_IO, "the workspace's database is damaged (its rows are not whole)");
}
