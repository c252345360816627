/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/review_book.h"

#include "base/instant.h"
#include "base/test.h"
#include "ledger/entry_text.h"

static const int64_t NOVEMBER = INT64_C(1793491200) * 1000000;

struct story {
    struct arena *arena;
    struct review_reading *reading;
    uint64_t n;
    struct err err;
};

static struct story story_of(struct arena *arena)
{
    return (struct story){.arena = arena, .reading = review_reading_start(arena)};
}

/* The next entry, an hour after the one before it. */
static bool tell(struct story *s, enum ledger_kind kind, const char *subject, const char *person,
                 str data)
{
    struct buf body = buf_in(s->arena);
    struct entry_text text = {
        .number = s->n,
        .time_us = NOVEMBER + (int64_t)s->n * 3600 * INSTANT_SECOND,
        .kind = ledger_kind_text(kind),
        .subject = str_of(subject),
        .actor = str_format(s->arena,
                            "{\"person\":\"%s\",\"account\":\"root\",\"machine\":\"m\","
                            "\"authenticated\":false}",
                            person),
        .data = data,
    };
    entry_text_write(&text, &body);
    struct ledger_entry entry = {
        .number = s->n++,
        .time_us = text.time_us,
        .kind = kind,
        .subject = text.subject,
        .body = buf_text(&body),
        .hash = sha256_of(str_bytes(buf_text(&body))),
    };
    return review_reading_add(s->reading, &entry, &s->err);
}

static struct review of_november(struct arena *arena, size_t n)
{
    struct review_item *items = arena_array(arena, struct review_item, n);
    for (size_t i = 0; i < n; i++)
        items[i] = (struct review_item){.id = str_format(arena, "EX-%zu", i + 1),
                                        .proposal = S("keep"),
                                        .because = S("because")};
    return (struct review){
        .month = S("2026-11"), .due_us = NOVEMBER + 14 * INSTANT_DAY, .items = items, .n = n};
}

static void start(struct story *s, const char *id, const struct review *review)
{
    size_t n = 0;
    const str *parts = review_started_data(review, s->arena, &n);
    for (size_t i = 0; i < n; i++)
        assert_true(tell(s, LEDGER_REVIEW_STARTED, id, "root", parts[i]));
}

static void what_is_written_is_read(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct story s = story_of(&arena);
    struct review_item items[] = {
        {.id = S("EX-1"),
         .proposal = S("narrow"),
         .because = S("a \"part\""),
         .scope = S("{\"from\":[\"a\"],\"to\":[\"b\"],\"service\":[\"smb\"]}"),
         .has_use = true,
         .connections = 12,
         .last_use_us = NOVEMBER - 5,
         .is_orphaned = true},
        {.id = S("EX-2"), .proposal = S("promote"),         .line = S("- {from: a}"), .has_use = true},
        {.id = S("EX-3"),                                           .proposal = S("unknown")    },
    };
    struct review wanted = {
        .month = S("2026-11"), .due_us = NOVEMBER + INSTANT_DAY, .items = items, .n = 3};
    (void)state;
    start(&s, "RV-2026-11", &wanted);
    struct review_book book = review_reading_end(s.reading);
    assert_int_equal(book.n, 1);
    const struct review *review = review_book_find(&book, S("RV-2026-11"));
    assert_true(review && review->n == 3 && review->n_undecided == 3 && !review->closed_us);
    assert_true(review->due_us == wanted.due_us && review->started_us == NOVEMBER);
    assert_int_equal(review->mark.len, 16);
    for (size_t i = 0; i < 3; i++) {
        const struct review_item *a = &review->items[i], *b = &items[i];
        assert_true(str_equal(a->id, b->id) && str_equal(a->proposal, b->proposal));
        assert_true(str_equal(a->because, b->because) && str_equal(a->scope, b->scope));
        assert_true(str_equal(a->line, b->line) && a->has_use == b->has_use);
        assert_true(a->connections == b->connections && a->last_use_us == b->last_use_us);
        assert_true(a->is_orphaned == b->is_orphaned && !a->decision);
    }
    arena_close(&arena);
}

static void decisions_close_a_review(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct story s = story_of(&arena);
    struct review november = of_november(&arena, 3);
    (void)state;
    /* Before the review, and of no review: neither decides anything in it. */
    assert_true(tell(&s, LEDGER_REVOKED, "EX-1", "alice", S("{\"reason\":\"x\"}")));
    start(&s, "RV-2026-11", &november);
    assert_true(tell(&s, LEDGER_REVIEWED, "EX-1", "alice", S("{\"decision\":\"keep\"}")));
    assert_true(tell(&s, LEDGER_REVIEWED, "EX-1", "alice",
                     S("{\"decision\":\"keep\",\"review\":\"RV-2026-12\"}")));
    assert_true(tell(&s, LEDGER_REVIEWED, "EX-9", "alice",
                     S("{\"decision\":\"keep\",\"review\":\"RV-2026-11\"}")));
    struct review_book book = review_reading_end(s.reading);
    assert_int_equal(book.items[0].n_undecided, 3);

    assert_true(tell(&s, LEDGER_REVIEWED, "EX-1", "root",
                     S("{\"decision\":\"narrow\",\"review\":\"RV-2026-11\",\"note\":\"n\","
                       "\"decided-by\":\"alice\"}")));
    /* The first one counts. */
    assert_true(tell(&s, LEDGER_REVIEWED, "EX-1", "bob",
                     S("{\"decision\":\"keep\",\"review\":\"RV-2026-11\"}")));
    assert_true(tell(&s, LEDGER_REVOKED, "EX-2", "carol", S("{\"reason\":\"x\"}")));
    book = review_reading_end(s.reading);
    const struct review *review = &book.items[0];
    assert_int_equal(review->n_undecided, 1);
    const struct review_item *first = review_find(review, S("EX-1"));
    assert_int_equal(first->decision, REVIEW_NARROW);
    assert_true(str_equal(first->decided_by, S("alice")) && str_equal(first->note, S("n")));
    assert_true(str_equal(first->recorded_by, S("root")));
    assert_int_equal(review_find(review, S("EX-2"))->decision, REVIEW_REMOVE);
    assert_true(str_equal(review_find(review, S("EX-2"))->decided_by, S("carol")));
    assert_int_equal(review_find(review, S("EX-3"))->decision, REVIEW_UNDECIDED);
    assert_null(review_find(review, S("EX-4")));

    assert_true(tell(&s, LEDGER_REVIEW_CLOSED, "RV-2026-11", "root", S("{}")));
    assert_true(tell(&s, LEDGER_REVIEWED, "EX-3", "alice",
                     S("{\"decision\":\"keep\",\"review\":\"RV-2026-11\"}")));
    book = review_reading_end(s.reading);
    assert_true(book.items[0].closed_us && book.items[0].n_undecided == 1);
    arena_close(&arena);
}

static void reviews_of_a_month_are_numbered(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct story s = story_of(&arena);
    struct review november = of_november(&arena, 1);
    struct review_book none = {0};
    (void)state;
    assert_true(str_equal(review_book_next_id(&none, S("2026-11"), &arena), S("RV-2026-11")));
    start(&s, "RV-2026-11", &november);
    struct review_book book = review_reading_end(s.reading);
    assert_ptr_equal(review_book_open(&book, S("2026-11")), &book.items[0]);
    assert_null(review_book_open(&book, S("2026-12")));
    assert_false(review_is_overdue(&book.items[0], november.due_us));
    assert_true(review_is_overdue(&book.items[0], november.due_us + 1));
    assert_true(tell(&s, LEDGER_REVIEW_CLOSED, "RV-2026-11", "root", S("{}")));
    book = review_reading_end(s.reading);
    assert_null(review_book_open(&book, S("2026-11")));
    assert_false(review_is_overdue(&book.items[0], november.due_us + 1));
    assert_true(str_equal(review_book_next_id(&book, S("2026-11"), &arena), S("RV-2026-11-2")));
    assert_true(str_equal(review_book_next_id(&book, S("2026-12"), &arena), S("RV-2026-12")));
    arena_close(&arena);
}

static void large_reviews_have_parts(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct story s = story_of(&arena);
    struct review november = of_november(&arena, 2 * REVIEW_PART_ITEMS + 1);
    size_t n = 0;
    (void)state;
    (void)review_started_data(&november, &arena, &n);
    assert_int_equal(n, 3);
    start(&s, "RV-2026-11", &november);
    struct review_book book = review_reading_end(s.reading);
    assert_int_equal(book.n, 1);
    assert_int_equal(book.items[0].n, november.n);
    assert_true(
        str_equal(book.items[0].items[november.n - 1].id, november.items[november.n - 1].id));
    /* A review of nothing is one, too. */
    struct review empty = {.month = S("2026-12"), .due_us = NOVEMBER};
    start(&s, "RV-2026-12", &empty);
    book = review_reading_end(s.reading);
    assert_true(book.n == 2 && !book.items[1].n);
    arena_close(&arena);
}

static void what_is_no_review_is_refused(void **state)
{
    static const struct {
        enum ledger_kind kind;
        const char *data;
    } rows[] = {
        {LEDGER_REVIEW_STARTED, "{}"                                                 },
        {LEDGER_REVIEW_STARTED, "{\"month\":\"2026-11\",\"due\":\"soon\"}"           },
        {LEDGER_REVIEW_STARTED, "{\"month\":\"2026-11\",\"exceptions\":{}}"          },
        {LEDGER_REVIEW_STARTED, "{\"month\":\"2026-11\",\"exceptions\":[{}]}"        },
        {LEDGER_REVIEW_STARTED,
         "{\"month\":\"2026-11\",\"exceptions\":[{\"id\":\"A\"},{\"id\":\"A\"}]}"    },
        {LEDGER_REVIEW_STARTED,
         "{\"month\":\"2026-11\",\"exceptions\":[{\"id\":\"A\",\"connections\":-1}]}"},
        {LEDGER_REVIEW_STARTED,
         "{\"month\":\"2026-11\",\"exceptions\":[{\"id\":\"A\",\"last-use\":1}]}"    },
        {LEDGER_REVIEWED,       "{\"review\":\"RV-1\",\"decision\":\"perhaps\"}"     },
        {LEDGER_REVIEWED,       "{\"review\":\"RV-1\"}"                              },
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct story s = story_of(&arena);
        struct review one = of_november(&arena, 1);
        bool of_exception = rows[i].kind == LEDGER_REVIEWED;
        start(&s, "RV-1", &one);
        if (tell(&s, rows[i].kind, of_exception ? "EX-1" : "RV-2", "root", str_of(rows[i].data)) ||
            s.err.kind != ERR_MALFORMED || !str_contains(str_of(s.err.text), S("entry 1")))
            fail_msg("row %zu: %s", i, s.err.text);
    }
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(decisions_close_a_review),
        cmocka_unit_test(reviews_of_a_month_are_numbered),
        cmocka_unit_test(large_reviews_have_parts),
        cmocka_unit_test(what_is_no_review_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
