/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that make up the ledger share: the open database, its statements, its key. Others
 * include ledger/ledger.h.
 */
#pragma once

#include "ledger/checkpoint.h"
#include "ledger/ledger.h"
#include "ledger/merkle.h"
#include "store/sqlite.h"

enum {
    LEDGER_APPLICATION_ID = 0x53504C44, /* "SPLD" */
    LEDGER_SCHEMA_VERSION = 1,
};

/* Statements, prepared when first used. */
#define LEDGER_STATEMENTS(X)                                                                       \
    X(HEAD, "SELECT size,root,checkpoint FROM head")                                               \
    X(PUT_FIRST_HEAD, "INSERT INTO head(id,size,root,checkpoint) VALUES(0,?,?,?)")                 \
    X(PUT_HEAD, "UPDATE head SET size=?,root=?,checkpoint=?")                                      \
    X(HOW_MANY, "SELECT coalesce(max(number),-1)+1 FROM entry")                                    \
    X(GET, "SELECT number,time_us,kind,subject,hash,body FROM entry WHERE number=?")               \
    X(RANGE, "SELECT number,time_us,kind,subject,hash,body FROM entry WHERE number>=? AND "        \
             "number<=? ORDER BY number")                                                          \
    X(SCAN, "SELECT number,time_us,kind,subject,hash,body FROM entry NOT INDEXED ORDER BY number") \
    X(OF_KIND, "SELECT number FROM entry INDEXED BY entry_kind WHERE kind=? AND number>=? "        \
               "ORDER BY number")                                                                  \
    X(OF_SUBJECT, "SELECT number FROM entry INDEXED BY entry_subject WHERE subject=? AND "         \
                  "number>=? ORDER BY number")                                                     \
    X(ADD, "INSERT INTO entry(number,time_us,kind,subject,hash,body) VALUES(?,?,?,?,?,?)")         \
    X(LEAVES, "SELECT hash FROM entry WHERE number>=? AND number<? ORDER BY number")               \
    X(NODES, "SELECT hash FROM node WHERE level=? AND position>=? AND position<? "                 \
             "ORDER BY position")                                                                  \
    X(ADD_NODE, "INSERT INTO node(level,position,hash) VALUES(?,?,?)")                             \
    X(SCAN_NODES, "SELECT level,position,hash FROM node ORDER BY level,position")                  \
    X(SCHEMA, "SELECT type,name,tbl_name,coalesce(sql,'') FROM sqlite_schema ORDER BY type,name")  \
    X(KINDS, "SELECT kind,number FROM entry INDEXED BY entry_kind ORDER BY kind,number")           \
    X(SUBJECTS, "SELECT subject,number FROM entry INDEXED BY entry_subject "                       \
                "ORDER BY subject,number")                                                         \
    X(PUT_CREDENTIAL, "INSERT OR REPLACE INTO credential(name,value) VALUES(?,?)")                 \
    X(END_CREDENTIAL, "DELETE FROM credential WHERE name=?")                                       \
    X(GET_CREDENTIAL, "SELECT value FROM credential WHERE name=?")

enum ledger_statement {
#define X(name, text) LEDGER_SQL_##name,
    LEDGER_STATEMENTS(X)
#undef X
        LEDGER_SQL_COUNT
};

struct ledger {
    struct arena arena; /* of the handle and its statements */
    struct os *os;
    str folder, path, key_path;
    int64_t now_us;
    struct sqlite *db;
    struct sqlite_statement *statements[LEDGER_SQL_COUNT];
    bool can_write;
    bool in_transaction;
    bool is_reading; /* in a transaction of a reader's own */
    bool has_key;
    str name; /* of the key and of the ledger: "sallyport-ledger/5d41c2a7e9b03f18" */
    struct sign_key key;
    uint64_t size; /* with what was appended in the transaction */
    uint64_t committed;
    int64_t last_us;
    struct sha256_digest last; /* hash of the last entry; of none: zeros */
};

/* What sqlite_schema has to hold of a table, an index, a trigger. */
extern const char *const ledger_tables_schema[];
extern const size_t ledger_tables_n_schema;

struct sqlite_statement *ledger_tables_statement(struct ledger *ledger, enum ledger_statement which,
                                                 struct err *err);
/* The entry in the current row of a statement that selects them whole; its texts last until the
 * next step. False when a column is not what it has to be. */
MUST_USE bool ledger_tables_row(struct sqlite_statement *row, struct ledger_entry *out,
                                struct err *err);
/* The signed head as it is kept; parsed into the arena. */
MUST_USE bool ledger_checkpoint(struct ledger *ledger, struct arena *arena, str *text,
                                struct checkpoint *out, struct err *err);
struct merkle_reader ledger_tables_reader(struct ledger *ledger);
/* Whether the schema is exactly what this program makes. */
MUST_USE bool ledger_tables_schema_is_ours(struct ledger *ledger, struct err *err);
/* Where a new key waits for its entry: path + ".new". */
str ledger_key_waiting(str path, struct arena *arena);
/* As ledger_begin where the key is lost: the head's signature is for the caller to verify, and
 * nothing can be committed before there is a key. */
MUST_USE bool ledger_begin_without_key(struct ledger *ledger, struct err *err);
/* Signs what the ledger has now as its head; in a transaction that has appended. */
MUST_USE bool ledger_put_head(struct ledger *ledger, const struct sign_key *key, struct err *err);
bool ledger_tables_damaged(struct err *err, const char *what);

/* The secret key's file: "PRIVATE+KEY+name+1a2b3c4d+AQ..." as signed-note's tools write them. */
MUST_USE bool ledger_key_read(struct os *os, str path, struct arena *arena, str *name,
                              struct sign_key *out, struct err *err);
MUST_USE bool ledger_key_write(struct os *os, str path, str name, const struct sign_key *key,
                               struct err *err);
