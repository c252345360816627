/* SPDX-License-Identifier: Apache-2.0 */
#include "report/grade.h"

#include "base/test.h"

/* Everything is there, everything is known. */
static const struct figures best = {
    .machines = 10,
    .machines_seen = 10,
    .pairs = 90,
    .pairs_open = 9,
    .pairs_used = 9,
    .managed = 8,
    .enforcing = 8,
    .settings = 100,
    .settings_ok = 100,
    .exceptions = 2,
    .exceptions_in_order = 2,
    .has_policy = true,
    .has_ledger = true,
    .has_settings = true,
};

static uint32_t score_of(const struct figures *figures)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct grade grade = grade_of(figures, &arena);
    uint32_t sum = 0;
    for (unsigned i = 0; i < GRADE_PART_COUNT; i++) {
        assert_true(grade.parts[i].have <= grade.parts[i].all);
        /* What is missing is always said. */
        assert_true(grade.parts[i].says.len || grade.parts[i].have == grade.parts[i].all);
        sum += grade.parts[i].points;
    }
    assert_int_equal(sum, grade.score);
    assert_int_equal(grade.letter, grade_letter(grade.score));
    arena_close(&arena);
    return grade.score;
}

static void what_is_not_known_counts_against(void **state)
{
    struct figures f = best;
    (void)state;
    assert_int_equal(score_of(&best), 1000);
    f.machines_seen = 5;
    assert_int_equal(score_of(&f), 950);
    f = best;
    f.enforcing = 0;
    assert_int_equal(score_of(&f), 750);
    f = best;
    f.settings_ok = 0; /* none differs: none is known */
    assert_int_equal(score_of(&f), 800);
    f = best;
    f.pairs_used = 0; /* 9 of 90 are open for nobody */
    assert_int_equal(score_of(&f), 970);
    f = best;
    f.has_ledger = false;
    assert_int_equal(score_of(&f), 850);
    f = best;
    f.exceptions = f.exceptions_in_order = 0; /* none is out of order */
    assert_int_equal(score_of(&f), 1000);
    f.exceptions_carried = 1; /* none lives, and one that ended is still in a firewall */
    assert_int_equal(score_of(&f), 850);
    assert_int_equal(score_of(&(struct figures){0}), 0);
}

static void letters_begin_where_the_page_says(void **state)
{
    static const struct {
        uint32_t score;
        char letter;
    } rows[] = {
        {1000, 'A'},
        {900,  'A'},
        {899,  'B'},
        {750,  'B'},
        {749,  'C'},
        {600,  'C'},
        {599,  'D'},
        {450,  'D'},
        {449,  'E'},
        {300,  'E'},
        {299,  'F'},
        {0,    'F'},
    };
    uint32_t weights = 0;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(grade_letter(rows[i].score), rows[i].letter);
    for (unsigned i = 0; i < GRADE_PART_COUNT; i++)
        weights += grade_part_weight((enum grade_part_id)i);
    assert_int_equal(weights, 100);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(what_is_not_known_counts_against),
        cmocka_unit_test(letters_begin_where_the_page_says),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
