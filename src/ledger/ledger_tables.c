/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's tables. Times are microseconds UTC; texts are bytes, so no collation ever decides
 * what is equal. A hash stands before its body, so that to read it never means to read a long body.
 *
 * The triggers keep honest programs from changing what was written. Whoever can write the file can
 * drop them: what then finds a change is the chain, the tree and its signature.
 */
#include "ledger/entry_text.h"
#include "ledger/ledger_inside.h"

const char *const ledger_tables_schema[] = {
    "CREATE TABLE entry(number INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, kind BLOB NOT NULL, "
    "subject BLOB NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL)",
    "CREATE INDEX entry_kind ON entry(kind)",
    "CREATE INDEX entry_subject ON entry(subject)",
    /* Subtrees of 256^level leaves, level from 1. */
    "CREATE TABLE node(level INTEGER NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL, "
    "PRIMARY KEY(level,position)) WITHOUT ROWID",
    "CREATE TABLE head(id INTEGER PRIMARY KEY CHECK(id=0), size INTEGER NOT NULL, "
    "root BLOB NOT NULL, checkpoint BLOB NOT NULL)",
    "CREATE TABLE credential(name BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TRIGGER entry_is_next BEFORE INSERT ON entry "
    "WHEN NEW.number IS NOT (SELECT coalesce(max(number),-1)+1 FROM entry) "
    "BEGIN SELECT RAISE(ABORT,'entries of the ledger follow each other'); END",
    "CREATE TRIGGER entry_stays BEFORE UPDATE ON entry "
    "BEGIN SELECT RAISE(ABORT,'entries of the ledger are never changed'); END",
    "CREATE TRIGGER entry_remains BEFORE DELETE ON entry "
    "BEGIN SELECT RAISE(ABORT,'entries of the ledger are never removed'); END",
    "CREATE TRIGGER node_is_new BEFORE INSERT ON node WHEN EXISTS"
    "(SELECT 1 FROM node WHERE level=NEW.level AND position=NEW.position) "
    "BEGIN SELECT RAISE(ABORT,'nodes of the ledger are never changed'); END",
    "CREATE TRIGGER node_stays BEFORE UPDATE ON node "
    "BEGIN SELECT RAISE(ABORT,'nodes of the ledger are never changed'); END",
    "CREATE TRIGGER node_remains BEFORE DELETE ON node "
    "BEGIN SELECT RAISE(ABORT,'nodes of the ledger are never removed'); END",
    "CREATE TRIGGER head_is_one BEFORE INSERT ON head WHEN EXISTS(SELECT 1 FROM head) "
    "BEGIN SELECT RAISE(ABORT,'the ledger has one head'); END",
    "CREATE TRIGGER head_grows BEFORE UPDATE ON head WHEN NEW.size<=OLD.size "
    "BEGIN SELECT RAISE(ABORT,'the ledger only grows'); END",
    "CREATE TRIGGER head_remains BEFORE DELETE ON head "
    "BEGIN SELECT RAISE(ABORT,'the head of the ledger is never removed'); END",
};
const size_t ledger_tables_n_schema = COUNT_OF(ledger_tables_schema);

static const char *const texts[LEDGER_SQL_COUNT] = {
#define X(name, text) [LEDGER_SQL_##name] = text,
    LEDGER_STATEMENTS(X)
#undef X
};

struct sqlite_statement *ledger_tables_statement(struct ledger *ledger, enum ledger_statement which,
                                                 struct err *err)
{
    if (!ledger->statements[which])
        ledger->statements[which] = sqlite_prepare(ledger->db, texts[which], err);
    return ledger->statements[which];
}

bool ledger_tables_damaged(struct err *err, const char *what)
{
    return err_set(err, ERR_REFUSED,
                   "the ledger is damaged: %s; \"sallyport ledger verify\" says more", what);
}

bool ledger_tables_row(struct sqlite_statement *row, struct ledger_entry *out, struct err *err)
{
    struct ledger_entry entry = {0};
    bytes hash = sqlite_get_bytes(row, 4);
    int64_t number = sqlite_get(row, 0);
    if (number < 0) return ledger_tables_damaged(err, "an entry has a number below 0");
    entry.number = (uint64_t)number;
    entry.time_us = sqlite_get(row, 1);
    entry.subject = str_of_bytes(sqlite_get_bytes(row, 3));
    entry.body = str_of_bytes(sqlite_get_bytes(row, 5));
    if (hash.len != sizeof entry.hash.bytes)
        return ledger_tables_damaged(err, "the hash of an entry has not 32 bytes");
    memcpy(entry.hash.bytes, hash.ptr, sizeof entry.hash.bytes);
    entry.kind = entry_text_kind(str_of_bytes(sqlite_get_bytes(row, 2)));
    *out = entry;
    return true;
}

/* ---- The schema ----------------------------------------------------------------------------- */

bool ledger_tables_schema_is_ours(struct ledger *ledger, struct err *err)
{
    struct sqlite_statement *rows = ledger_tables_statement(ledger, LEDGER_SQL_SCHEMA, err);
    size_t n = 0;
    bool row = false, fits = true;
    if (!rows) return false;
    while (sqlite_step(rows, &row, err) && row) {
        str sql = str_of_bytes(sqlite_get_bytes(rows, 3));
        bool is_known = false;
        for (size_t i = 0; i < ledger_tables_n_schema; i++)
            is_known |= str_equal(sql, str_of(ledger_tables_schema[i]));
        /* A table without rowid has an index of its own without a text. */
        fits &= is_known;
        n++;
    }
    if (row) return false;
    if (fits && n == ledger_tables_n_schema) return true;
    return ledger_tables_damaged(err,
                                 "its tables, indexes and triggers are not what they were made as");
}

/* ---- Hashes for the tree -------------------------------------------------------------------- */

static bool read_hashes(void *from, unsigned level, uint64_t index, size_t n,
                        struct sha256_digest *out, struct err *err)
{
    struct ledger *ledger = from;
    struct sqlite_statement *rows =
        ledger_tables_statement(ledger, level ? LEDGER_SQL_NODES : LEDGER_SQL_LEAVES, err);
    size_t found = 0;
    bool row = false;
    if (!rows) return false;
    int at = 1;
    if (level) sqlite_put(rows, at++, level);
    sqlite_put(rows, at++, (int64_t)index);
    sqlite_put(rows, at, (int64_t)(index + n));
    while (found <= n) {
        if (!sqlite_step(rows, &row, err)) return false;
        if (!row) break;
        bytes hash = sqlite_get_bytes(rows, 0);
        bool fits = hash.len == sizeof out->bytes && found < n;
        if (fits) memcpy(out[found].bytes, hash.ptr, sizeof out->bytes);
        found = fits ? found + 1 : n + 1;
    }
    if (row) sqlite_reset(rows);
    return found == n ? true : ledger_tables_damaged(err, "hashes of its tree are missing");
}

struct merkle_reader ledger_tables_reader(struct ledger *ledger)
{
    return (struct merkle_reader){ledger, read_hashes};
}
