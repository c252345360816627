/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger.h"

#include <unistd.h>

#include "base/test.h"

/* A folder of its own per test, in the system's place for such. */
static str folder_of(struct arena *arena)
{
    char name[] = "/tmp/ledger_test_XXXXXX";
    assert_non_null(mkdtemp(name));
    return str_copy(arena, str_of(name));
}

static void remove_folder(struct os *os, str folder, struct arena *arena)
{
    struct err err = {0};
    str *names = NULL;
    size_t n = 0;
    assert_true(os->list(os->self, folder, arena, &names, &n, &err));
    for (size_t i = 0; i < n; i++)
        assert_true(os->remove(os->self, os_join(arena, folder, names[i]), &err));
    assert_int_equal(rmdir(str_c(arena, folder)), 0);
}

static struct ledger_draft draft_of(enum ledger_kind kind, str subject)
{
    return (struct ledger_draft){
        .kind = kind, .subject = subject, .actor = S("{\"person\":\"alice\"}"), .data = S("{}")};
}

static bool count_entry(void *to, const struct ledger_entry *entry)
{
    uint64_t *n = to;
    (void)entry;
    ++*n;
    return true;
}

static uint64_t count(struct ledger *ledger, uint32_t kinds, uint64_t from, int64_t until_us)
{
    uint64_t n = 0;
    struct err err = {0};
    assert_true(
        ledger_each(ledger, kinds, from, until_us, (struct ledger_visit){&n, count_entry}, &err));
    return n;
}

static void test_write_and_read(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct os os = os_posix();
    struct err err = {0};
    struct ledger *ledger = NULL;
    struct ledger_entry entry = {0};
    struct ledger_head head = {0};
    uint64_t number = 0;
    str folder = folder_of(&arena), value = {0};
    (void)state;
    assert_false(ledger_exists(&os, folder, &arena));
    assert_false(ledger_open(&os, folder, LEDGER_READ, S(""), 1, &arena, &ledger, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    err = (struct err){0};
    if (!ledger_open(&os, folder, LEDGER_CREATE, S(""), 1000, &arena, &ledger, &err))
        fail_msg("%s", err.text);
    assert_true(ledger_exists(&os, folder, &arena));
    assert_int_equal(ledger_size(ledger), 1);
    for (size_t i = 0; i < 700; i++) {
        struct ledger_draft draft =
            draft_of(i % 7 ? LEDGER_COMPILED : LEDGER_REQUESTED, i % 7 ? S("") : S("EX-1"));
        if (i % 50 == 0) assert_true(ledger_begin(ledger, &err));
        assert_true(ledger_append(ledger, &draft, &number, &err));
        assert_int_equal(number, i + 1);
        if (i % 50 == 49 && !ledger_commit(ledger, &err)) fail_msg("%s", err.text);
    }
    assert_true(ledger_begin(ledger, &err));
    assert_true(ledger_put_credential(ledger, S("user alice"), S("secret"), &err));
    assert_true(ledger_commit(ledger, &err));
    /* What is abandoned was never there. */
    struct ledger_draft draft = draft_of(LEDGER_AUDITED, S("x\\\"\xC3\xA4"));
    assert_true(ledger_begin(ledger, &err));
    assert_true(ledger_append(ledger, &draft, NULL, &err));
    assert_int_equal(ledger_size(ledger), 702);
    ledger_abandon(ledger);
    assert_int_equal(ledger_size(ledger), 701);
    ledger_close(ledger);

    assert_true(ledger_open(&os, folder, LEDGER_READ, S(""), 1, &arena, &ledger, &err));
    assert_int_equal(count(ledger, 0, 0, INT64_MAX), 701);
    assert_int_equal(count(ledger, 0, 700, INT64_MAX), 1);
    assert_int_equal(count(ledger, 0, 0, 999), 0);
    assert_int_equal(count(ledger, 1u << LEDGER_REQUESTED, 0, INT64_MAX), 100);
    assert_int_equal(count(ledger, 1u << LEDGER_REQUESTED | 1u << LEDGER_OPENED, 0, INT64_MAX),
                     101);
    assert_int_equal(count(ledger, 1u << LEDGER_REQUESTED, 2, INT64_MAX), 99);
    assert_true(ledger_get(ledger, 1, &arena, &entry, &err));
    assert_int_equal(entry.kind, LEDGER_REQUESTED);
    assert_true(str_equal(entry.subject, S("EX-1")));
    assert_true(ledger_head(ledger, &head, &err));
    assert_int_equal(head.size, 701);
    assert_true(ledger_get_credential(ledger, S("user alice"), &arena, &value, &err));
    assert_true(str_equal(value, S("secret")));
    ledger_close(ledger);
    remove_folder(&os, folder, &arena);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
