/* SPDX-License-Identifier: Apache-2.0 */
/* Ledgers that somebody changed: each change is found, and where it has to be. */
#include <unistd.h>

#include "base/test.h"
#include "ledger/entry_text.h"
#include "ledger/ledger_file.h"
#include "ledger/ledger_inside.h"
#include "ledger/ledger_rotate.h"

struct place {
    struct arena arena;
    struct os os;
    str folder;
};

static struct place place_of(void)
{
    char name[] = "/tmp/ledger_verify_test_XXXXXX";
    struct place place = {.arena = arena_open("test", 0, NULL), .os = os_posix()};
    assert_non_null(mkdtemp(name));
    place.folder = str_copy(&place.arena, str_of(name));
    return place;
}

static void leave(struct place *place)
{
    struct err err = {0};
    str *names = NULL;
    size_t n = 0;
    assert_true(place->os.list(place->os.self, place->folder, &place->arena, &names, &n, &err));
    for (size_t i = 0; i < n; i++)
        assert_true(place->os.remove(place->os.self,
                                     os_join(&place->arena, place->folder, names[i]), &err));
    assert_int_equal(rmdir(str_c(&place->arena, place->folder)), 0);
    arena_close(&place->arena);
}

static struct ledger *open_at(struct place *place, enum ledger_access access)
{
    struct err err = {0};
    struct ledger *ledger = NULL;
    if (!ledger_open(&place->os, place->folder, access, S(""), 1000000, &place->arena, &ledger,
                     &err))
        fail_msg("%s", err.text);
    return ledger;
}

static void add(struct ledger *ledger, size_t n)
{
    struct err err = {0};
    assert_true(ledger_begin(ledger, &err));
    for (size_t i = 0; i < n; i++) {
        struct ledger_draft draft = {
            .kind = i % 2 ? LEDGER_APPROVED : LEDGER_REQUESTED,
            .subject = i % 3 ? S("EX-1") : S(""),
            .actor = i % 2 ? S("{\"person\":\"bo\",\"authenticated\":true,\"clock\":\"set\"}")
                           : S("{\"person\":\"al\",\"authenticated\":false}"),
            .data = S("{\"reason\":\"because\"}"),
        };
        assert_true(ledger_append(ledger, &draft, NULL, &err));
    }
    if (!ledger_commit(ledger, &err)) fail_msg("%s", err.text);
}

/* n entries with the first; the last two change the key and follow that. */
static void make(struct place *place, size_t n, bool rotates)
{
    struct err err = {0};
    str key = {0};
    struct ledger *ledger = open_at(place, LEDGER_CREATE);
    add(ledger, n - 1 - 2 * rotates);
    if (rotates) {
        if (!ledger_rotate(ledger, S("{\"person\":\"al\"}"), false, &place->arena, &key, &err))
            fail_msg("%s", err.text);
        add(ledger, 1);
    }
    assert_int_equal(ledger_size(ledger), n);
    ledger_close(ledger);
}

static struct ledger_verdict verify(struct place *place, const struct ledger_question *question)
{
    struct err err = {0};
    struct ledger_verdict verdict = {0};
    struct ledger *ledger = open_at(place, LEDGER_READ);
    if (!ledger_verify_open(ledger, question, &place->arena, &verdict, &err))
        fail_msg("%s", err.text);
    ledger_close(ledger);
    return verdict;
}

static struct ledger_verdict verify_plain(struct place *place)
{
    return verify(place, &(struct ledger_question){0});
}

/* Changes the database as somebody with SQLite would: without triggers, which are put back. */
static void tamper(struct place *place, const char *sql)
{
    struct err err = {0};
    struct sqlite *db = NULL;
    assert_true(sqlite_open(os_join(&place->arena, place->folder, S("ledger.db")),
                            SQLITE_MODE_WRITE, 1000, &place->arena, &db, &err));
    for (size_t i = 0; i < ledger_tables_n_schema; i++) {
        str text = str_of(ledger_tables_schema[i]), name = {0}, rest = {0};
        if (!str_starts(text, S("CREATE TRIGGER "))) continue;
        assert_true(str_cut(str_tail(text, 15), ' ', &name, &rest));
        str drop = str_format(&place->arena, "DROP TRIGGER %.*s", STR_ARG(name));
        assert_true(sqlite_run(db, str_c(&place->arena, drop), &err));
    }
    if (!sqlite_run(db, sql, &err)) fail_msg("%s: %s", sql, err.text);
    for (size_t i = 0; i < ledger_tables_n_schema; i++)
        if (str_starts(str_of(ledger_tables_schema[i]), S("CREATE TRIGGER ")))
            assert_true(sqlite_run(db, ledger_tables_schema[i], &err));
    sqlite_close(db);
}

static void expect(const struct ledger_verdict *verdict, enum ledger_fault fault, uint64_t first)
{
    if (verdict->fault != fault || (fault == LEDGER_FAULT_ENTRY && verdict->first != first))
        fail_msg("expected %.*s %" PRIu64 ", found %.*s %" PRIu64 ": %.*s",
                 STR_ARG(ledger_fault_text(fault)), first,
                 STR_ARG(ledger_fault_text(verdict->fault)), verdict->first,
                 STR_ARG(verdict->text));
}

static void test_holds(void **state)
{
    struct place place = place_of();
    (void)state;
    make(&place, 600, true);
    struct ledger_verdict verdict = verify_plain(&place);
    expect(&verdict, LEDGER_FAULT_NONE, 0);
    assert_int_equal(verdict.entries, 600);
    assert_int_equal(verdict.key_changes, 1);
    assert_int_equal(verdict.keys_lost, 0);
    assert_int_equal(verdict.set_clock, 298);
    leave(&place);
}

static void test_rows(void **state)
{
    static const struct {
        const char *sql;
        enum ledger_fault fault;
        uint64_t first;
    } rows[] = {
        {"UPDATE entry SET body=CAST(replace(body,'because','becausE') AS BLOB) WHERE number=7",
         LEDGER_FAULT_ENTRY,                                                                                                7  },
        {"UPDATE entry SET hash=zeroblob(32) WHERE number=9",                                       LEDGER_FAULT_ENTRY,     9  },
        {"UPDATE entry SET hash=zeroblob(31) WHERE number=9",                                       LEDGER_FAULT_ENTRY,     9  },
        {"UPDATE entry SET hash='x' WHERE number=9",                                                LEDGER_FAULT_ENTRY,     9  },
        {"UPDATE entry SET body=CAST(body AS TEXT) WHERE number=9",                                 LEDGER_FAULT_ENTRY,     9  },
        {"UPDATE entry SET body=zeroblob(3000000) WHERE number=9",                                  LEDGER_FAULT_ENTRY,     9  },
        {"UPDATE entry SET body=CAST('{\"previous\":\"' AS BLOB) WHERE number=9",
         LEDGER_FAULT_ENTRY,                                                                                                9  },
        {"UPDATE entry SET time_us=time_us+1 WHERE number=11",                                      LEDGER_FAULT_ENTRY,     11 },
        {"UPDATE entry SET time_us='then' WHERE number=11",                                         LEDGER_FAULT_ENTRY,     11 },
        {"UPDATE entry SET kind=CAST('compiled' AS BLOB) WHERE number=12",                          LEDGER_FAULT_ENTRY,     12 },
        {"UPDATE entry SET kind=CAST(kind AS TEXT) WHERE number=12",                                LEDGER_FAULT_ENTRY,     12 },
        {"UPDATE entry SET subject=CAST('EX-2' AS BLOB) WHERE number=13",                           LEDGER_FAULT_ENTRY,     13 },
        {"DELETE FROM entry WHERE number=14",                                                       LEDGER_FAULT_ENTRY,     14 },
        {"DELETE FROM entry WHERE number=0",                                                        LEDGER_FAULT_ENTRY,     0  },
        {"DELETE FROM entry",                                                                       LEDGER_FAULT_ENTRY,     0  },
        {"UPDATE entry SET number=-1 WHERE number=0",                                               LEDGER_FAULT_ENTRY,     0  },
        {"UPDATE entry SET number=9999 WHERE number=20; UPDATE entry SET number=20 WHERE "
         "number=21; "
         "UPDATE entry SET number=21 WHERE number=9999",                                   LEDGER_FAULT_ENTRY,     20 },
        {"INSERT INTO entry SELECT 600,time_us,kind,subject,hash,body FROM entry WHERE number=599",
         LEDGER_FAULT_ENTRY,                                                                                                600},
        {"DELETE FROM entry WHERE number=599",                                                      LEDGER_FAULT_HEAD,      0  },
        {"UPDATE node SET hash=zeroblob(32) WHERE position=1",                                      LEDGER_FAULT_STRUCTURE, 0  },
        {"DELETE FROM node WHERE position=1",                                                       LEDGER_FAULT_STRUCTURE, 0  },
        {"INSERT INTO node VALUES(2,0,zeroblob(32))",                                               LEDGER_FAULT_STRUCTURE, 0  },
        {"DELETE FROM head",                                                                        LEDGER_FAULT_HEAD,      0  },
        {"UPDATE head SET size=599",                                                                LEDGER_FAULT_HEAD,      0  },
        {"UPDATE head SET root=zeroblob(32)",                                                       LEDGER_FAULT_HEAD,      0  },
        {"UPDATE head SET checkpoint=CAST('x' AS BLOB)",                                            LEDGER_FAULT_HEAD,      0  },
        {"DROP INDEX entry_kind",                                                                   LEDGER_FAULT_STRUCTURE, 0  },
        {"CREATE TABLE more(x)",                                                                    LEDGER_FAULT_STRUCTURE, 0  },
        {"CREATE TRIGGER more BEFORE INSERT ON entry BEGIN SELECT 1; END",                          LEDGER_FAULT_STRUCTURE,
         0                                                                                                                     },
    };
    (void)state;
    struct place place = place_of();
    make(&place, 600, false);
    bytes whole = {0};
    struct err err = {0};
    str path = os_join(&place.arena, place.folder, S("ledger.db"));
    assert_true(os_read_all(&place.os, path, 64 << 20, &place.arena, &whole, &err));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(place.os.write_file(place.os.self, path, whole, false, &err));
        tamper(&place, rows[i].sql);
        struct ledger_verdict verdict = verify_plain(&place);
        if (verdict.fault != rows[i].fault) print_error("%s\n", rows[i].sql);
        expect(&verdict, rows[i].fault, rows[i].first);
        /* Nobody signs over it, but for what only the whole verification sees. */
        struct ledger *ledger = open_at(&place, LEDGER_WRITE);
        if (rows[i].fault == LEDGER_FAULT_HEAD) assert_false(ledger_begin(ledger, &err));
        ledger_close(ledger);
        err = (struct err){0};
    }
    leave(&place);
}

/* ---- Entries that were made anew, with their hashes -------------------------------------------
 */

/* Changes an entry's text and hashes it, and those behind it up to `until`, anew. */
static void rewrite(struct place *place, uint64_t number, uint64_t until, bool previous_alone)
{
    struct err err = {0};
    struct ledger *ledger = open_at(place, LEDGER_READ);
    uint64_t size = ledger_size(ledger);
    struct ledger_entry entry = {0};
    struct sha256_digest last = {0};
    struct buf sql = buf_in(&place->arena);
    for (uint64_t i = number; i <= until && i < size; i++) {
        struct entry_text text = {0};
        assert_true(ledger_get(ledger, i, &place->arena, &entry, &err));
        assert_true(entry_text_parse(entry.body, &place->arena, &text, &err));
        if (i > number) text.previous = last;
        if (i == number && previous_alone) text.previous.bytes[3] ^= 1;
        if (i == number && !previous_alone) text.data = S("{\"reason\":\"other\"}");
        struct buf body = buf_in(&place->arena);
        entry_text_write(&text, &body);
        last = merkle_leaf(str_bytes(buf_text(&body)));
        buf_format(&sql, "UPDATE entry SET hash=x'%.*s',body=CAST('%.*s' AS BLOB) WHERE number=%d;",
                   STR_ARG(sha256_hex(&place->arena, &last)), STR_ARG(buf_text(&body)), (int)i);
    }
    ledger_close(ledger);
    tamper(place, str_c(&place->arena, buf_text(&sql)));
}

static void test_rewritten(void **state)
{
    static const struct {
        uint64_t number, until;
        bool previous_alone;
        enum ledger_fault fault;
        uint64_t first;
    } rows[] = {
        {5,   5,   false, LEDGER_FAULT_ENTRY,   5  }, /* its hash too: the next one accuses it */
        {5,   5,   true,  LEDGER_FAULT_ENTRY,   5  },
        {5,   9,   false, LEDGER_FAULT_ENTRY,   9  },
        {299, 299, false, LEDGER_FAULT_HEAD,    0  },
        {299, 299, true,  LEDGER_FAULT_ENTRY,   299},
        {298, 298, false, LEDGER_FAULT_ENTRY,   298},
        {298, 298, true,  LEDGER_FAULT_ENTRY,   298},
        {5,   999, false, LEDGER_FAULT_ENTRIES, 0  }, /* to the end: the nodes still tell where */
        {270, 999, false, LEDGER_FAULT_HEAD,    0  },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct place place = place_of();
        make(&place, 300, false);
        rewrite(&place, rows[i].number, rows[i].until, rows[i].previous_alone);
        struct ledger_verdict verdict = verify_plain(&place);
        expect(&verdict, rows[i].fault, rows[i].first);
        if (rows[i].fault == LEDGER_FAULT_ENTRIES) assert_int_equal(verdict.last, 255);
        leave(&place);
    }
}

/* ---- The exported file ------------------------------------------------------------------------
 */

struct memory {
    bytes data;
    size_t at;
};

static bool read_memory(void *from, uint8_t *into, size_t room, size_t *n, struct err *err)
{
    struct memory *memory = from;
    (void)err;
    *n = memory->data.len - memory->at < room ? memory->data.len - memory->at : room;
    if (*n) memcpy(into, memory->data.ptr + memory->at, *n);
    memory->at += *n;
    return true;
}

static struct ledger_verdict verify_bytes(bytes data, const struct ledger_question *question,
                                          struct arena *arena)
{
    struct err err = {0};
    struct memory memory = {.data = data};
    struct ledger_verdict verdict = {0};
    assert_true(ledger_file_verify((struct ledger_file_source){&memory, read_memory}, question,
                                   arena, &verdict, &err));
    return verdict;
}

static bool take_piece(void *to, bytes piece)
{
    buf_bytes(to, piece);
    return true;
}

static bytes exported(struct place *place)
{
    struct err err = {0};
    struct buf out = buf_in(&place->arena);
    struct ledger *ledger = open_at(place, LEDGER_READ);
    assert_true(ledger_file_write(ledger, take_piece, &out, &(struct ledger_question){0}, &err));
    ledger_close(ledger);
    return str_bytes(buf_text(&out));
}

/* Each bit of the file, each way to cut it short, and a byte behind its end. */
static void test_bits(void **state)
{
    struct place place = place_of();
    struct ledger_question question = {0};
    (void)state;
    make(&place, 6, true);
    bytes file = exported(&place);
    struct ledger_verdict verdict = verify_bytes(file, &question, &place.arena);
    expect(&verdict, LEDGER_FAULT_NONE, 0);
    uint8_t *copy = arena_array(&place.arena, uint8_t, file.len + 1);
    uint64_t line = 0;
    for (size_t i = 0; i < file.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct arena scratch = place.arena;
            memcpy(copy, file.ptr, file.len);
            copy[i] = (uint8_t)(copy[i] ^ 1u << bit);
            verdict = verify_bytes((bytes){copy, file.len}, &question, &scratch);
            /* Line 0 is the header, then the entries, an empty line, the checkpoint. */
            if (line == 0)
                expect(&verdict, LEDGER_FAULT_STRUCTURE, 0);
            else if (line <= 7)
                expect(&verdict, LEDGER_FAULT_ENTRY, line - 1);
            else
                expect(&verdict, LEDGER_FAULT_HEAD, 0);
        }
        struct arena scratch = place.arena;
        verdict = verify_bytes((bytes){file.ptr, i}, &question, &scratch);
        assert_int_not_equal(verdict.fault, LEDGER_FAULT_NONE);
        line += file.ptr[i] == '\n';
    }
    memcpy(copy, file.ptr, file.len);
    copy[file.len] = '\n';
    verdict = verify_bytes((bytes){copy, file.len + 1}, &question, &place.arena);
    expect(&verdict, LEDGER_FAULT_HEAD, 0);
    leave(&place);
}

/* ---- Anchors ----------------------------------------------------------------------------------
 */

static struct ledger_anchor anchor_of(struct place *place)
{
    struct err err = {0};
    str text = {0};
    struct ledger_anchor anchor = {.source = S("anchor")};
    struct ledger *ledger = open_at(place, LEDGER_READ);
    assert_true(ledger_file_checkpoint(ledger, &place->arena, &text, &err));
    assert_true(checkpoint_parse(text, &place->arena, &anchor.checkpoint, &err));
    ledger_close(ledger);
    return anchor;
}

static void add_to(struct place *place, size_t n)
{
    struct ledger *ledger = open_at(place, LEDGER_WRITE);
    add(ledger, n);
    ledger_close(ledger);
}

static void test_anchors(void **state)
{
    (void)state;
    struct place place = place_of();
    struct err err = {0};
    bytes old = {0};
    str path = os_join(&place.arena, place.folder, S("ledger.db"));
    make(&place, 300, false);
    struct ledger_anchor anchors[3] = {anchor_of(&place)};
    struct ledger_question question = {.anchors = anchors, .n_anchors = 1};
    assert_true(os_read_all(&place.os, path, 64 << 20, &place.arena, &old, &err));
    add_to(&place, 7);
    anchors[1] = anchor_of(&place);
    add_to(&place, 3);
    anchors[2] = anchor_of(&place);
    question.n_anchors = 3;
    struct ledger_verdict verdict = verify(&place, &question);
    expect(&verdict, LEDGER_FAULT_NONE, 0);
    assert_int_equal(verdict.anchored, 310);

    /* An old state that was put back is whole in itself. */
    assert_true(place.os.write_file(place.os.self, path, old, false, &err));
    verdict = verify_plain(&place);
    expect(&verdict, LEDGER_FAULT_NONE, 0);
    verdict = verify(&place, &question);
    expect(&verdict, LEDGER_FAULT_TRUNCATED, 0);
    assert_int_equal(verdict.first, 300);

    /* A fork: the same beginning, then other entries, as many or more. */
    add_to(&place, 1);
    add_to(&place, 20);
    verdict = verify(&place, &question);
    expect(&verdict, LEDGER_FAULT_REWRITTEN, 0);
    assert_int_equal(verdict.first, 300);
    assert_int_equal(verdict.last, 306);
    leave(&place);

    /* Another ledger in its place. */
    struct place other = place_of();
    make(&other, 310, false);
    verdict = verify(&other, &question);
    expect(&verdict, LEDGER_FAULT_REPLACED, 0);
    leave(&other);
}

static void test_known_key(void **state)
{
    (void)state;
    struct place place = place_of();
    struct err err = {0};
    struct checkpoint_key first = {0}, now = {0};
    str text = {0};
    make(&place, 5, false);
    struct ledger_verdict verdict = verify_plain(&place);
    assert_true(checkpoint_key_parse(verdict.key, &place.arena, &first, &err));
    struct ledger *ledger = open_at(&place, LEDGER_WRITE);
    assert_true(ledger_rotate(ledger, S("{}"), false, &place.arena, &text, &err));
    ledger_close(ledger);
    assert_true(checkpoint_key_parse(text, &place.arena, &now, &err));
    verdict = verify(&place, &(struct ledger_question){.key = &first});
    expect(&verdict, LEDGER_FAULT_NONE, 0);
    assert_true(verdict.key_is_known);
    verdict = verify(&place, &(struct ledger_question){.key = &now});
    expect(&verdict, LEDGER_FAULT_NONE, 0);

    /* A lost key is told, and the one that was known before signs no more. */
    assert_true(
        place.os.remove(place.os.self, os_join(&place.arena, place.folder, S("ledger.key")), &err));
    ledger = open_at(&place, LEDGER_WRITE);
    assert_false(ledger_begin(ledger, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_true(ledger_rotate(ledger, S("{}"), true, &place.arena, &text, &err));
    ledger_close(ledger);
    verdict = verify(&place, &(struct ledger_question){.key = &now});
    expect(&verdict, LEDGER_FAULT_REPLACED, 0);
    verdict = verify_plain(&place);
    expect(&verdict, LEDGER_FAULT_NONE, 0);
    assert_int_equal(verdict.keys_lost, 1);
    leave(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds),     cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rewritten), cmocka_unit_test(test_bits),
        cmocka_unit_test(test_anchors),   cmocka_unit_test(test_known_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
