/* SPDX-License-Identifier: Apache-2.0 */
/* Rows into runs and out again: every value, every cut, levels that fill, days that go. */
#include "store/runs.h"

#include "base/hash.h"
#include "base/instant.h"
#include "base/os.h"
#include "base/test.h"
#include "matrix/batch.h"
#include "store/tables.h"

static struct arena arena, scratch;
static struct os os;

static void must(bool fine, const struct err *err)
{
    if (!fine) fail_msg("%s", err->text);
}

static struct store *open_store(void)
{
    struct store *store = NULL;
    struct err err = {0};
    must(store_create(&os, S(":memory:"), STORE_WAL, &store, &err), &err);
    must(sqlite_run(store->db, "BEGIN", &err), &err);
    return store;
}

static uint64_t next(uint64_t *seed, uint64_t below)
{
    *seed = hash_u64(*seed);
    return *seed % below;
}

/* Numbers of every size and sign that a column may hold, small ones more often. */
static int64_t number(uint64_t *seed)
{
    int64_t value = (int64_t)(hash_u64(next(seed, UINT64_MAX)) >> (2 + next(seed, 62)));
    return next(seed, 3) ? value : -value;
}

static struct relation_rows random_rows(const struct relation *relation, size_t n, uint64_t seed,
                                        bool few_keys)
{
    struct relation_rows rows = {0};
    for (size_t i = 0; i < n; i++) {
        int64_t *row = relation_push(relation, &arena, &rows);
        for (size_t c = 0; c < relation->n_columns; c++)
            row[c] = few_keys && c < relation->n_keys ? (int64_t)next(&seed, 3) : number(&seed);
    }
    relation_settle(relation, scratch, &rows, 0);
    return rows;
}

static struct relation_rows read_all(struct store *store, struct runs_of of)
{
    struct runs_reader *reader = NULL;
    struct relation_rows rows = {0};
    struct err err = {0};
    const struct relation *relation = &relations[of.relation];
    must(runs_open(store, of, NULL, &arena, &reader, &err), &err);
    for (const int64_t *row = NULL;;) {
        must(runs_next(reader, &row, &err), &err);
        if (!row) return rows;
        memcpy(relation_push(relation, &arena, &rows), row, relation->n_columns * sizeof *row);
    }
}

static void same(const struct relation *relation, const struct relation_rows *a,
                 const struct relation_rows *b)
{
    assert_int_equal(a->n, b->n);
    if (a->n) assert_memory_equal(a->at, b->at, a->n * relation->n_columns * sizeof *a->at);
}

static void rows_come_back(void **state)
{
    (void)state;
    for (size_t id = 0; id < RELATION_COUNT; id++)
        for (uint64_t seed = 1; seed < 6; seed++) {
            struct arena before = arena;
            struct store *store = open_store();
            struct err err = {0};
            struct runs_of of = {(enum relation_id)id, seed & 1};
            size_t n = seed == 1 ? RUNS_PIECE_ROWS * 2 + 1 : 40 * seed;
            struct relation_rows rows = random_rows(&relations[id], n, seed, false);
            must(runs_write(store, of, &rows, scratch, &err), &err);
            struct relation_rows found = read_all(store, of);
            same(&relations[id], &rows, &found);
            found = read_all(store, (struct runs_of){of.relation, !of.is_named});
            assert_int_equal(found.n, 0);
            store_close(store);
            arena = before;
        }
}

/* Many runs with common keys, enough for three levels, are what one run of them all is. */
static void levels_merge(void **state)
{
    enum { RUNS = RUNS_FAN * RUNS_FAN + 3 };
    (void)state;
    for (size_t id = 0; id < RELATION_COUNT; id++) {
        struct arena before = arena;
        const struct relation *relation = &relations[id];
        struct store *store = open_store();
        struct err err = {0};
        struct runs_of of = {(enum relation_id)id, false};
        struct relation_rows all = {0};
        for (uint64_t run = 0; run < RUNS; run++) {
            struct relation_rows rows = random_rows(relation, 30, run + 7, true);
            must(runs_write(store, of, &rows, scratch, &err), &err);
            for (size_t i = 0; i < rows.n; i++)
                memcpy(relation_push(relation, &arena, &all), &rows.at[i * relation->n_columns],
                       relation->n_columns * sizeof *all.at);
        }
        relation_settle(relation, scratch, &all, 0);
        struct relation_rows found = read_all(store, of);
        same(relation, &all, &found);
        struct sqlite_statement *s =
            sqlite_prepare(store->db, "SELECT count(*),max(level) FROM run", &err);
        bool row = false;
        must(s && sqlite_step(s, &row, &err), &err);
        assert_true(sqlite_get(s, 0) <= 3 * RUNS_FAN);
        assert_int_equal(sqlite_get(s, 1), 2);
        sqlite_reset(s);
        store_close(store);
        arena = before;
    }
}

/* A run per day; letting days go takes what began before, also from runs of many days. */
static void days_go(void **state)
{
    static const size_t n_days[] = {1, 30, RUNS_DAYS + 5};
    (void)state;
    for (size_t turn = 0; turn < COUNT_OF(n_days); turn++) {
        struct store *store = open_store();
        struct err err = {0};
        struct runs_of of = {RELATION_OF_CONNECTION, false};
        const struct relation *relation = &relations[of.relation];
        struct relation_rows rows = {0}, kept = {0};
        int64_t cutoff_us = (int64_t)(n_days[turn] / 2) * INSTANT_DAY;
        uint64_t seed = 5;
        for (size_t i = 0; i < 2 * n_days[turn] + 10; i++) {
            int64_t *row = relation_push(relation, &arena, &rows);
            row[CONNECTION_EDGE] = (int64_t)next(&seed, 9);
            row[CONNECTION_PORT] = (int64_t)next(&seed, 65536);
            row[CONNECTION_START] = (int64_t)(i % n_days[turn]) * INSTANT_DAY + 77;
            row[CONNECTION_LAST] = row[CONNECTION_START];
        }
        relation_settle(relation, scratch, &rows, 0);
        for (size_t i = 0; i < rows.n; i++) {
            const int64_t *row = &rows.at[i * CONNECTION_COLUMNS];
            if (row[CONNECTION_START] >= cutoff_us)
                memcpy(relation_push(relation, &arena, &kept), row,
                       sizeof *row * CONNECTION_COLUMNS);
        }
        must(runs_write(store, of, &rows, scratch, &err), &err);
        struct relation_rows found = read_all(store, of);
        same(relation, &rows, &found);
        must(runs_drop_before(store, cutoff_us, scratch, &err), &err);
        found = read_all(store, of);
        same(relation, &kept, &found);
        store_close(store);
    }
}

/* Any octet of a piece that is not what was written is refused: by its sum. */
static void damage_is_refused(void **state)
{
    struct err err = {0};
    struct runs_of of = {RELATION_OF_FLOW, false};
    (void)state;
    struct relation_rows rows = random_rows(&relations[of.relation], 8, 3, false);
    for (int at = 1; at <= 200; at += 7) {
        struct store *store = open_store();
        struct runs_reader *reader = NULL;
        must(runs_write(store, of, &rows, scratch, &err), &err);
        str sql = str_format(&arena,
                             "UPDATE piece SET data=substr(data,1,%d)||x'5A'||substr(data,%d) "
                             "WHERE substr(data,%d,1)<>x'5A'",
                             at - 1, at + 1, at);
        must(sqlite_run(store->db, str_c(&arena, sql), &err), &err);
        if (sqlite_changes(store->db) && runs_open(store, of, NULL, &arena, &reader, &err))
            fail_msg("octet %d: not seen", at);
        store_close(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back),
        cmocka_unit_test(levels_merge),
        cmocka_unit_test(days_go),
        cmocka_unit_test(damage_is_refused),
    };
    os = os_posix();
    arena = arena_open("test", 0, NULL);
    scratch = arena_open("scratch", 0, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    arena_close(&scratch);
    return failed;
}
