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
    "CREATE TABLE flow(edge INTEGER NOT NULL, day INTEGER NOT NULL, outcome INTEGER NOT NULL, "
    "profile INTEGER NOT NULL, portless INTEGER NOT NULL, stream INTEGER NOT NULL, "
    "first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, count INTEGER NOT NULL, "
    "to_server INTEGER NOT NULL, to_client INTEGER NOT NULL, is_smb INTEGER NOT NULL, "
    "witness_us INTEGER NOT NULL, witness_offset INTEGER NOT NULL, "
    "witness_source INTEGER NOT NULL, "
    "PRIMARY KEY(edge,day,outcome,profile,portless,stream)) WITHOUT ROWID;"
    "CREATE TABLE trait(edge INTEGER NOT NULL, kind INTEGER NOT NULL, value INTEGER NOT NULL, "
    "count INTEGER NOT NULL, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, "
    "PRIMARY KEY(edge,kind,value)) WITHOUT ROWID;"
    "CREATE TABLE name(edge INTEGER NOT NULL, kind INTEGER NOT NULL, text INTEGER NOT NULL, "
    "first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, PRIMARY KEY(edge,kind,text)) "
    "WITHOUT ROWID;"
    "CREATE TABLE use(edge INTEGER NOT NULL, share INTEGER NOT NULL, pipe INTEGER NOT NULL, "
    "user INTEGER NOT NULL, refused INTEGER NOT NULL, day INTEGER NOT NULL, "
    "stream INTEGER NOT NULL, count INTEGER NOT NULL, is_printer INTEGER NOT NULL, "
    "first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, "
    "PRIMARY KEY(edge,share,pipe,user,refused,day,stream)) "
    "WITHOUT ROWID;"
    "CREATE TABLE identity(addr BLOB NOT NULL, name INTEGER NOT NULL, source INTEGER NOT NULL, "
    "day INTEGER NOT NULL, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, "
    "PRIMARY KEY(addr,name,source,day)) WITHOUT ROWID;"
    "CREATE TABLE connection(edge INTEGER NOT NULL, client_port INTEGER NOT NULL, "
    "start_us INTEGER NOT NULL, stream INTEGER NOT NULL, outcome INTEGER NOT NULL, "
    "to_server INTEGER NOT NULL, to_client INTEGER NOT NULL, "
    "PRIMARY KEY(edge,client_port,start_us,stream,outcome)) WITHOUT ROWID;"
    /* Connections that were let go, counted per day before they went. */
    "CREATE TABLE day(edge INTEGER NOT NULL, day INTEGER NOT NULL, exact INTEGER NOT NULL, " COUNTS
    ", PRIMARY KEY(edge,day)) WITHOUT ROWID;";

#define MERGE(name, how) SET_##how(name)

static const char *const texts[STORE_SQL_COUNT] = {
#define X(name, text) [STORE_SQL_##name] = text,
    STORE_STATEMENTS(X)
#undef X
        /* The smallest (time, source, offset) stays the witness; sources compare by path, since
         * their numbers depend on what was read first. */
        [STORE_SQL_ADD_FLOW] =
            "INSERT INTO flow(edge,day,outcome,profile,portless,stream,first_us,last_us,count,"
            "to_server,to_client,is_smb,witness_us,witness_offset,witness_source) "
            "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) "
            "ON CONFLICT(edge,day,outcome,profile,portless,stream) DO UPDATE SET "
#define FLOW_FIELD MERGE
#include "matrix/fields.def"
#define EARLIER                                                                                    \
    "(excluded.witness_us,(SELECT path FROM source WHERE id=excluded.witness_source),"             \
    "excluded.witness_offset)<(witness_us,(SELECT path FROM source WHERE id=witness_source),"      \
    "witness_offset)"
            "(witness_us,witness_offset,witness_source)=(SELECT "
            "iif(" EARLIER ",excluded.witness_us,witness_us),"
            "iif(" EARLIER ",excluded.witness_offset,witness_offset),"
            "iif(" EARLIER ",excluded.witness_source,witness_source))",
    [STORE_SQL_ADD_TRAIT] = "INSERT INTO trait(edge,kind,value,count,first_us,last_us) "
                            "VALUES(?,?,?,?,?,?) ON CONFLICT(edge,kind,value) DO UPDATE SET "
#define TRAIT_FIELD MERGE
#include "matrix/fields.def"
                            "edge=edge",
    [STORE_SQL_ADD_NAME] = "INSERT INTO name(edge,kind,text,first_us,last_us) "
                           "VALUES(?,?,?,?,?) ON CONFLICT(edge,kind,text) DO UPDATE SET "
#define NAME_FIELD MERGE
#include "matrix/fields.def"
                           "edge=edge",
    [STORE_SQL_ADD_USE] =
        "INSERT INTO use(edge,share,pipe,user,refused,day,stream,count,is_printer,first_us,"
        "last_us) VALUES(?,?,?,?,?,?,?,?,?,?,?) "
        "ON CONFLICT(edge,share,pipe,user,refused,day,stream) DO UPDATE SET "
#define USE_FIELD MERGE
#include "matrix/fields.def"
        "edge=edge",
    [STORE_SQL_ADD_IDENTITY] =
        "INSERT INTO identity(addr,name,source,day,first_us,last_us) VALUES(?,?,?,?,?,?) "
        "ON CONFLICT(addr,name,source,day) DO UPDATE SET "
#define IDENTITY_FIELD MERGE
#include "matrix/fields.def"
        "name=name",
    [STORE_SQL_ADD_CONNECTION] =
        "INSERT INTO connection(edge,client_port,start_us,stream,outcome,to_server,to_client) "
        "VALUES(?,?,?,?,?,?,?) "
        "ON CONFLICT(edge,client_port,start_us,stream,outcome) DO UPDATE SET "
#define CONNECTION_FIELD MERGE
#include "matrix/fields.def"
        "edge=edge",
};

struct sqlite_statement *tables_statement(struct store *store, enum store_statement which,
                                          struct err *err)
{
    if (!store->statements[which])
        store->statements[which] = sqlite_prepare(store->db, texts[which], err);
    return store->statements[which];
}
