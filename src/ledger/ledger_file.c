/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger_file.h"

#include "ledger/ledger_inside.h"

#define HEADER "sallyport ledger 1"

enum {
    HASH_DIGITS = 64,
    /* Hash, blank, body, end of line; a checkpoint is shorter. */
    LINE_ROOM = HASH_DIGITS + 1 + LIMIT_LEDGER_ENTRY + 1,
    READ_ROOM = 4 << 20,
    WRITE_ROOM = 1 << 20,
    CHECKPOINT_ROOM = 64 << 10,
    PROGRESS_STEP = 1 << 14,
};

/* ---- Writing -------------------------------------------------------------------------------- */

bool ledger_file_checkpoint(struct ledger *ledger, struct arena *arena, str *out, struct err *err)
{
    struct checkpoint unused = {0};
    return ledger_checkpoint(ledger, arena, out, &unused, err) ? true : err_in(err, ledger->path);
}

static bool write_entries(struct ledger *ledger, uint64_t size, struct buf *out,
                          const struct ledger_question *progress, struct arena scratch,
                          struct err *err)
{
    struct sqlite_statement *rows = ledger_tables_statement(ledger, LEDGER_SQL_SCAN, err);
    bool row = false;
    if (!rows) return false;
    for (uint64_t n = 0; n < size; n++) {
        struct arena round = scratch;
        struct ledger_entry entry = {0};
        if (!sqlite_step(rows, &row, err)) return false;
        if (!row) return ledger_tables_damaged(err, "entries are missing");
        bool fine = ledger_tables_row(rows, &entry, err);
        if (fine && (entry.number != n || out->failed))
            fine = out->failed ? err_set(err, ERR_IO, "it can't be written")
                               : ledger_tables_damaged(err, "entries are missing");
        if (!fine) {
            sqlite_reset(rows);
            return false;
        }
        buf_str(out, sha256_hex(&round, &entry.hash));
        buf_char(out, ' ');
        buf_str(out, entry.body);
        buf_char(out, '\n');
        if (progress->progress && n % PROGRESS_STEP == 0)
            progress->progress(progress->progress_to, n, size);
    }
    sqlite_reset(rows);
    return true;
}

static bool write_all(struct ledger *ledger, struct buf *out,
                      const struct ledger_question *progress, struct arena *scratch,
                      struct err *err)
{
    struct checkpoint checkpoint = {0};
    str text = {0};
    if (!ledger_checkpoint(ledger, scratch, &text, &checkpoint, err)) return false;
    buf_str(out, S(HEADER "\n"));
    if (!write_entries(ledger, checkpoint.size, out, progress, *scratch, err)) return false;
    buf_char(out, '\n');
    buf_str(out, text);
    return buf_flush(out) ? true : err_set(err, ERR_IO, "it can't be written");
}

bool ledger_file_write(struct ledger *ledger, bool (*sink)(void *to, bytes piece), void *to,
                       const struct ledger_question *progress, struct err *err)
{
    struct arena scratch = arena_open("a ledger's file", 0, NULL);
    struct buf out = buf_to(&scratch, WRITE_ROOM, sink, to);
    bool begun = !ledger->in_transaction;
    bool fine = (!begun || sqlite_run(ledger->db, "BEGIN", err)) &&
                write_all(ledger, &out, progress, &scratch, err);
    if (begun) sqlite_rollback(ledger->db);
    arena_close(&scratch);
    return fine;
}

/* ---- Reading -------------------------------------------------------------------------------- */

struct lines {
    struct ledger_file_source source;
    uint8_t *data; /* READ_ROOM bytes */
    size_t at, n;
    bool ended;
    uint64_t passed; /* bytes before data */
};

/* More bytes behind those that are there; what was passed is let go. */
static bool fill(struct lines *lines, struct err *err)
{
    size_t got = 0;
    if (lines->at) {
        size_t left = lines->n - lines->at;
        if (left) memmove(lines->data, lines->data + lines->at, left);
        lines->passed += lines->at;
        lines->n = left;
        lines->at = 0;
    }
    if (!lines->source.read(lines->source.from, lines->data + lines->n, READ_ROOM - lines->n, &got,
                            err))
        return false;
    lines->n += got;
    lines->ended = !got;
    return true;
}

enum line { LINE_WHOLE, LINE_ENDLESS, LINE_CUT, LINE_NONE };

/* The next line without its end: cut when the file ends inside it, endless when it is too long. */
static bool next_line(struct lines *lines, str *out, enum line *what, struct err *err)
{
    size_t looked = 0;
    while (true) {
        size_t left = lines->n - lines->at;
        const uint8_t *begin = lines->data + lines->at;
        const uint8_t *end = left > looked ? memchr(begin + looked, '\n', left - looked) : NULL;
        if (end) {
            *out = (str){(const char *)begin, (size_t)(end - begin)};
            lines->at += out->len + 1;
            *what = LINE_WHOLE;
            return true;
        }
        looked = left;
        if (left > LINE_ROOM || lines->ended) {
            *out = (str){(const char *)begin, left};
            *what = left > LINE_ROOM ? LINE_ENDLESS : left ? LINE_CUT : LINE_NONE;
            return true;
        }
        if (!fill(lines, err)) return false;
    }
}

static bool hash_of_line(str line, struct sha256_digest *out)
{
    static const char digits[] = "0123456789abcdef";
    if (line.len <= HASH_DIGITS || line.ptr[HASH_DIGITS] != ' ') return false;
    for (size_t i = 0; i < HASH_DIGITS; i++) {
        const char *digit = line.ptr[i] ? strchr(digits, line.ptr[i]) : NULL;
        if (!digit) return false;
        uint8_t value = (uint8_t)(digit - digits);
        out->bytes[i / 2] = (uint8_t)(i % 2 ? out->bytes[i / 2] | value : value << 4);
    }
    return true;
}

static bool take_header(struct lines *lines, struct ledger_verifier *verifier, bool *fits,
                        struct err *err)
{
    str line = {0};
    enum line what = LINE_NONE;
    if (!next_line(lines, &line, &what, err)) return false;
    *fits = what == LINE_WHOLE && str_equal(line, S(HEADER));
    if (!*fits)
        ledger_verifier_refuse(verifier, LEDGER_FAULT_STRUCTURE, 0, 0,
                               "line 1: expected \"" HEADER "\": this is not an exported ledger, "
                               "or its first line was changed");
    return true;
}

/* The entries up to the empty line. fits: the checkpoint comes next. */
static bool take_entries(struct lines *lines, const struct ledger_question *question,
                         struct ledger_verifier *verifier, bool *fits, struct err *err)
{
    for (uint64_t n = 0;; n++) {
        str line = {0};
        enum line what = LINE_NONE;
        struct sha256_digest hash = {0};
        if (!next_line(lines, &line, &what, err)) return false;
        *fits = what == LINE_WHOLE && !line.len;
        if (*fits) return true;
        if (what != LINE_WHOLE || !hash_of_line(line, &hash)) {
            ledger_verifier_refuse(
                verifier, LEDGER_FAULT_ENTRY, n, n, "line %" PRIu64 ": %s", n + 2,
                what == LINE_ENDLESS ? "it is longer than an entry may be"
                : what != LINE_WHOLE ? "the file ends here, without a signed checkpoint"
                                     : "expected a hash (64 hexadecimal digits), a blank and "
                                       "the entry");
            return true;
        }
        if (!ledger_verifier_add(verifier, str_tail(line, HASH_DIGITS + 1), &hash)) return true;
        if (question->progress && n % PROGRESS_STEP == 0)
            question->progress(question->progress_to, lines->passed + lines->at, 0);
    }
}

static bool take_checkpoint(struct lines *lines, struct ledger_verifier *verifier, struct err *err)
{
    while (!lines->ended && lines->n - lines->at <= CHECKPOINT_ROOM)
        if (!fill(lines, err)) return false;
    str rest = {(const char *)lines->data + lines->at, lines->n - lines->at};
    if (rest.len > CHECKPOINT_ROOM) {
        ledger_verifier_refuse(verifier, LEDGER_FAULT_HEAD, 0, 0,
                               "what follows the entries is longer than a checkpoint");
        return true;
    }
    ledger_verifier_end(verifier, rest);
    return true;
}

bool ledger_file_verify(struct ledger_file_source source, const struct ledger_question *question,
                        struct arena *arena, struct ledger_verdict *out, struct err *err)
{
    struct arena own = arena_open("a ledger's file", 0, NULL);
    struct ledger_verdict verdict = {0};
    bool fits = false;
    struct ledger_verifier *verifier = ledger_verifier_new(question, &own, &verdict);
    struct lines lines = {.source = source, .data = arena_array(&own, uint8_t, READ_ROOM)};
    bool fine = take_header(&lines, verifier, &fits, err) &&
                (!fits || take_entries(&lines, question, verifier, &fits, err)) &&
                (!fits || take_checkpoint(&lines, verifier, err));
    if (fine) {
        *out = verdict;
        out->text = str_copy(arena, verdict.text);
        out->name = str_copy(arena, verdict.name);
        out->key = str_copy(arena, verdict.key);
    }
    ledger_verifier_close(verifier);
    arena_close(&own);
    return fine;
}
