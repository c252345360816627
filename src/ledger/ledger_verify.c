/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying the database: the table is read row after row in the order of its numbers, never
 * through an index; then what is derived from it (nodes, indexes, schema) is compared with what was
 * computed. A million entries take some seconds and about 40 MiB.
 */
#include "ledger/ledger_verify.h"

#include "base/hash.h"
#include "ledger/entry_text.h"
#include "ledger/ledger_inside.h"

str ledger_fault_text(enum ledger_fault fault)
{
    static const str texts[] = {
#define X(name, text) {text, sizeof(text) - 1},
        LEDGER_FAULTS(X)
#undef X
    };
    return texts[fault];
}

struct scan {
    struct ledger *ledger;
    const struct ledger_question *question;
    struct ledger_verifier *verifier;
    struct ledger_verdict *verdict;
    struct arena *arena;
    /* Hashes of kind and subject by number, to compare the indexes with. */
    uint64_t *kinds, *subjects;
    size_t n, room_kinds, room_subjects;
};

enum { PROGRESS_STEP = 1 << 14 };

static bool keep_columns(struct scan *scan, const struct ledger_columns *columns)
{
    size_t n = scan->n;
    arena_grow(scan->arena, scan->kinds, n, scan->room_kinds);
    arena_grow(scan->arena, scan->subjects, n, scan->room_subjects);
    scan->kinds[n] = hash_bytes(str_bytes(columns->kind));
    scan->subjects[n] = hash_bytes(str_bytes(columns->subject));
    scan->n++;
    return true;
}

/* number, time_us, kind, subject, hash, body */
static bool take_row(struct scan *scan, const struct sqlite_statement *row)
{
    struct sha256_digest hash = {0};
    bytes kept = sqlite_get_bytes(row, 4);
    struct ledger_columns columns = {
        .number = sqlite_get(row, 0),
        .time_us = sqlite_get(row, 1),
        .kind = str_of_bytes(sqlite_get_bytes(row, 2)),
        .subject = str_of_bytes(sqlite_get_bytes(row, 3)),
    };
    /* A text that reads like the bytes it stands for would be missed by every query. */
    if (!sqlite_get_is_number(row, 1) || !sqlite_get_is_bytes(row, 2) ||
        !sqlite_get_is_bytes(row, 3) || !sqlite_get_is_bytes(row, 4) ||
        !sqlite_get_is_bytes(row, 5) || kept.len != sizeof hash.bytes)
        return ledger_verifier_refuse(scan->verifier, LEDGER_FAULT_ENTRY, scan->n, scan->n,
                                      "a column of it is not of the type it was made with");
    memcpy(hash.bytes, kept.ptr, sizeof hash.bytes);
    return ledger_verifier_add_row(scan->verifier, &columns, str_of_bytes(sqlite_get_bytes(row, 5)),
                                   &hash) &&
           keep_columns(scan, &columns);
}

static bool scan_entries(struct scan *scan, struct err *err)
{
    struct sqlite_statement *rows = ledger_tables_statement(scan->ledger, LEDGER_SQL_SCAN, err);
    bool row = false;
    if (!rows) return false;
    while (true) {
        /* A page that is no page any more: which entry, the number that was next tells. */
        struct err broken = {0};
        if (!sqlite_step(rows, &row, &broken)) {
            ledger_verifier_refuse(scan->verifier, LEDGER_FAULT_ENTRY, scan->n, scan->n,
                                   "the database can't be read from it on: %s", broken.text);
            return true;
        }
        if (!row) return true;
        if (!take_row(scan, rows)) {
            sqlite_reset(rows);
            return true;
        }
        if (scan->question->progress && scan->n % PROGRESS_STEP == 0)
            scan->question->progress(scan->question->progress_to, scan->n, scan->ledger->size);
    }
}

static bool take_head(struct scan *scan, struct err *err)
{
    struct sqlite_statement *s = ledger_tables_statement(scan->ledger, LEDGER_SQL_HEAD, err);
    bool row = false, fits = false;
    if (!s || !sqlite_step(s, &row, err)) return false;
    if (!row) {
        ledger_verifier_end(scan->verifier, (str){0});
        return true;
    }
    bytes root = sqlite_get_bytes(s, 1);
    struct checkpoint head = {0};
    struct err ignored = {0};
    str text = sqlite_get_str(scan->arena, s, 2);
    ledger_verifier_end(scan->verifier, text);
    if (checkpoint_parse(text, scan->arena, &head, &ignored))
        fits = sqlite_get_is_number(s, 0) && (uint64_t)sqlite_get(s, 0) == head.size &&
               root.len == sizeof head.root.bytes &&
               memcmp(root.ptr, head.root.bytes, sizeof head.root.bytes) == 0;
    if (!fits)
        ledger_verifier_refuse(scan->verifier, LEDGER_FAULT_HEAD, 0, 0,
                               "the database's size and root are not those of the signed head");
    sqlite_reset(s);
    return true;
}

/* ---- What is derived ------------------------------------------------------------------------ */

static uint64_t leaves_of(unsigned level)
{
    return level < MERKLE_LEVELS ? UINT64_C(1) << (MERKLE_STRIDE * level) : 0;
}

static void refuse_nodes(struct scan *scan, unsigned level, uint64_t position)
{
    struct ledger_verdict *verdict = scan->verdict;
    uint64_t n = leaves_of(level);
    if (verdict->fault != LEDGER_FAULT_HEAD || level != 1) {
        ledger_verifier_refuse(scan->verifier, LEDGER_FAULT_STRUCTURE, 0, 0,
                               "node %" PRIu64 " of level %u is not that of its entries", position,
                               level);
        return;
    }
    /* Entries that were changed and chained anew, but the nodes still tell of the old ones. */
    verdict->fault = LEDGER_FAULT_ENTRIES;
    verdict->first = position * n;
    verdict->last = verdict->first + n - 1;
    verdict->text = str_format(scan->arena,
                               "one of the entries %" PRIu64 " to %" PRIu64
                               " was changed, and all after it anew",
                               verdict->first, verdict->last);
}

/* Nodes come by level and position, as computed ones are kept. */
static bool check_nodes(struct scan *scan, struct err *err)
{
    struct sqlite_statement *rows =
        ledger_tables_statement(scan->ledger, LEDGER_SQL_SCAN_NODES, err);
    if (!rows) return false;
    for (unsigned level = 1; level <= MERKLE_LEVELS; level++) {
        size_t n = 0;
        const struct sha256_digest *nodes = ledger_verifier_nodes(scan->verifier, level, &n);
        for (size_t i = 0; i < n; i++) {
            bool row = false;
            if (!sqlite_step(rows, &row, err)) return false;
            bytes hash = row ? sqlite_get_bytes(rows, 2) : (bytes){0};
            if (row && sqlite_get(rows, 0) == level && sqlite_get(rows, 1) == (int64_t)i &&
                sqlite_get_is_bytes(rows, 2) && hash.len == sizeof nodes[i].bytes &&
                memcmp(hash.ptr, nodes[i].bytes, hash.len) == 0)
                continue;
            refuse_nodes(scan, level, i);
            sqlite_reset(rows);
            return true;
        }
    }
    bool row = false;
    if (!sqlite_step(rows, &row, err)) return false;
    if (row) {
        sqlite_reset(rows);
        ledger_verifier_refuse(scan->verifier, LEDGER_FAULT_STRUCTURE, 0, 0,
                               "there are nodes of entries that are not there");
    }
    return true;
}

/* An index has each number once, under what its entry says. */
static bool check_index(struct scan *scan, enum ledger_statement which, const uint64_t *hashes,
                        const char *name, struct err *err)
{
    struct sqlite_statement *rows = ledger_tables_statement(scan->ledger, which, err);
    size_t n = 0;
    bool row = false, fits = true;
    int64_t before = -1;
    uint64_t under = 0;
    if (!rows) return false;
    while (fits) {
        if (!sqlite_step(rows, &row, err)) return false;
        if (!row) break;
        int64_t number = sqlite_get(rows, 1);
        uint64_t hash = hash_bytes(sqlite_get_bytes(rows, 0));
        if (hash != under) before = -1;
        fits = number > before && (uint64_t)number < scan->n && hashes[number] == hash;
        before = number;
        under = hash;
        n += fits;
    }
    if (row) sqlite_reset(rows);
    if (!fits || n != scan->n)
        ledger_verifier_refuse(scan->verifier, LEDGER_FAULT_STRUCTURE, 0, 0,
                               "the index of entries by %s is not that of the entries", name);
    return true;
}

static bool check_derived(struct scan *scan, struct err *err)
{
    struct err found = {0};
    if (scan->verdict->fault == LEDGER_FAULT_HEAD) return check_nodes(scan, err);
    if (scan->verdict->fault != LEDGER_FAULT_NONE) return true;
    if (!ledger_tables_schema_is_ours(scan->ledger, &found)) {
        ledger_verifier_refuse(
            scan->verifier, LEDGER_FAULT_STRUCTURE, 0, 0,
            "the database's tables, indexes and triggers are not those that it was made with");
        return true;
    }
    return check_nodes(scan, err) &&
           check_index(scan, LEDGER_SQL_KINDS, scan->kinds, "kind", err) &&
           check_index(scan, LEDGER_SQL_SUBJECTS, scan->subjects, "subject", err);
}

/* ---- All of it ------------------------------------------------------------------------------ */

static bool verify(struct scan *scan, struct err *err)
{
    struct err broken = {0};
    if (!scan_entries(scan, err)) return false;
    if (take_head(scan, &broken) && check_derived(scan, &broken)) return true;
    ledger_verifier_refuse(scan->verifier, LEDGER_FAULT_STRUCTURE, 0, 0,
                           "the database can't be read: %s", broken.text);
    return true;
}

bool ledger_verify_open(struct ledger *ledger, const struct ledger_question *question,
                        struct arena *arena, struct ledger_verdict *out, struct err *err)
{
    struct arena own = arena_open("what is verified of the ledger", 0, NULL);
    struct ledger_verdict verdict = {0};
    bool begun = !ledger->in_transaction;
    struct scan scan = {.ledger = ledger, .question = question, .verdict = &verdict, .arena = &own};
    scan.verifier = ledger_verifier_new(question, &own, &verdict);
    bool fine = (!begun || sqlite_run(ledger->db, "BEGIN", err)) && verify(&scan, err);
    /* Nothing was written: this only lets go of what was read. */
    if (begun) sqlite_rollback(ledger->db);
    if (fine) {
        *out = verdict;
        out->text = str_copy(arena, verdict.text);
        out->name = str_copy(arena, verdict.name);
        out->key = str_copy(arena, verdict.key);
    }
    ledger_verifier_close(scan.verifier);
    arena_close(&own);
    return fine ? true : err_in(err, ledger->path);
}
