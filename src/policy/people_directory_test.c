/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/people_directory.h"

#include "base/os.h"
#include "base/test.h"

#define CORPUS SOURCE_ROOT "/tests/corpus/people_directory/"
#define DAY_US INT64_C(1763596800000000) /* 2025-11-20 */

struct fixture {
    struct arena arena;
    struct people_directory directory;
};

static str seed(struct fixture *f, const char *name)
{
    struct os os = os_posix();
    struct err err = {0};
    bytes content = {0};
    str path = str_format(&f->arena, "%s%s", CORPUS, name);
    if (!os_read_all(&os, path, 1 << 20, &f->arena, &content, &err)) fail_msg("%s", err.text);
    return str_of_bytes(content);
}

static void add(struct fixture *f, str text, bool is_whole)
{
    struct err err = {0};
    if (!people_directory_add(&f->directory, text, is_whole, DAY_US, &f->arena, &err))
        fail_msg("%s", err.text);
}

static struct fixture begin(void)
{
    return (struct fixture){.arena = arena_open("test", 0, NULL)};
}

static void assert_answer(struct fixture *f, const char *name, enum people_answer expected)
{
    const struct directory_person *person = NULL;
    enum people_answer answer =
        people_directory_ask(&f->directory, str_of(name), f->arena, &person);
    if (answer != expected) fail_msg("%s: %d", name, answer);
    assert_int_equal(person != NULL, answer == PEOPLE_THERE || answer == PEOPLE_DISABLED);
}

static void people_are_found_by_all_their_names(void **state)
{
    static const struct {
        const char *file, *name;
        enum people_answer answer;
    } rows[] = {
        {"export.csv",  "alice",                     PEOPLE_THERE   },
        {"export.csv",  "ALICE",                     PEOPLE_THERE   },
        {"export.csv",  "CONTOSO\\alice",            PEOPLE_THERE   },
        {"export.csv",  "alice@contoso.com",         PEOPLE_THERE   },
        {"export.csv",  "Alice.Example@contoso.com", PEOPLE_THERE   },
        {"export.csv",  "alice example",             PEOPLE_THERE   },
        {"export.csv",  "bob",                       PEOPLE_DISABLED},
        {"export.csv",  "CONTOSO\\Bob",              PEOPLE_DISABLED},
        {"export.csv",  " bob@contoso.com ",         PEOPLE_DISABLED},
        {"export.csv",  "carol",                     PEOPLE_ABSENT  },
        {"export.csv",  "WS0417$",                   PEOPLE_ABSENT  },
        {"people.json", "alice",                     PEOPLE_THERE   },
        {"people.json", "bob",                       PEOPLE_DISABLED},
        {"people.json", "carol",                     PEOPLE_ABSENT  },
        {"entra.json",  "carol",                     PEOPLE_THERE   },
        {"entra.json",  "Carol Example",             PEOPLE_THERE   },
        {"control.csv", "alice",                     PEOPLE_THERE   },
        {"control.csv", "bob",                       PEOPLE_DISABLED},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f = begin();
        add(&f, seed(&f, rows[i].file), true);
        assert_answer(&f, rows[i].name, rows[i].answer);
        arena_close(&f.arena);
    }
}

static void nobody_has_left_where_no_list_was_given(void **state)
{
    struct fixture f = begin();
    str why;
    (void)state;
    assert_false(people_directory_has_left(&f.directory, S("alice"), &f.arena, &why));
    /* Groups tell of some: those who are disabled in them have left, others may be anywhere. */
    add(&f, seed(&f, "groups.json"), false);
    assert_answer(&f, "dave", PEOPLE_DISABLED);
    assert_answer(&f, "PAW01", PEOPLE_UNKNOWN);
    assert_answer(&f, "alice", PEOPLE_UNKNOWN);
    assert_false(people_directory_has_left(&f.directory, S("alice"), &f.arena, &why));
    assert_true(people_directory_has_left(&f.directory, S("dave"), &f.arena, &why));
    arena_close(&f.arena);
}

static void who_has_left_is_said_with_the_day(void **state)
{
    struct fixture f = begin();
    str why;
    (void)state;
    add(&f, seed(&f, "export.csv"), true);
    assert_true(people_directory_has_left(&f.directory, S("CONTOSO\\bob"), &f.arena, &why));
    assert_true(str_equal(why, S("CONTOSO\\bob is disabled in the directory imported 2025-11-20")));
    assert_true(people_directory_has_left(&f.directory, S("carol"), &f.arena, &why));
    assert_true(str_equal(why, S("carol is not in the directory imported 2025-11-20")));
    assert_false(people_directory_has_left(&f.directory, S("alice"), &f.arena, &why));
    assert_int_equal(why.len, 0);
    assert_int_equal(f.directory.n, 2);
    assert_int_equal(f.directory.n_passed, 1);
    arena_close(&f.arena);
}

static void a_namesake_who_is_there_is_enough(void **state)
{
    static const char *const files[] = {
        "samaccountname,userprincipalname,enabled\nbob,bob@a.example.org,false\n"
        "bob,bob@b.example.org,true\n",
        "samaccountname,userprincipalname,enabled\nbob,bob@b.example.org,true\n"
        "bob,bob@a.example.org,false\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct fixture f = begin();
        add(&f, str_of(files[i]), true);
        assert_answer(&f, "bob", PEOPLE_THERE);
        assert_answer(&f, "A\\bob", PEOPLE_THERE);
        assert_answer(&f, "bob@a.example.org", PEOPLE_DISABLED);
        assert_answer(&f, "bob@b.example.org", PEOPLE_THERE);
        arena_close(&f.arena);
    }
    /* What an older list of groups says is not asked of who is in the list of everybody. */
    struct fixture f = begin();
    add(&f, S("samaccountname,enabled\ndave,false\n"), true);
    add(&f,
        S("{\"groups\":[{\"name\":\"g\",\"members\":[{\"samaccountname\":\"dave\","
          "\"class\":\"user\",\"enabled\":true}]}]}"),
        false);
    assert_answer(&f, "dave", PEOPLE_DISABLED);
    arena_close(&f.arena);
}

static void what_is_no_list_of_people_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum err_kind kind;
        uint32_t line;
        uint64_t offset;
    } rows[] = {
        {"",                                                      ERR_MALFORMED, 1, 0 },
        {"name,enabled\nalice,true\n",                            ERR_MALFORMED, 1, 0 },
        {"samaccountname,enabled\n",                              ERR_MALFORMED, 0, 0 },
        {"samaccountname,enabled\nalice,maybe\n",                 ERR_MALFORMED, 2, 0 },
        {"#TYPE x\nsamaccountname,enabled\nalice,true\n,false\n", ERR_MALFORMED, 4, 0 },
        {"samaccountname\n\"alice\n",                             ERR_TRUNCATED, 2, 0 },
        {"[]",                                                    ERR_MALFORMED, 0, 0 },
        {"[{\"samaccountname\":\"a\"},7]",                        ERR_MALFORMED, 0, 24},
        {"[{\"samaccountname\":\"a\",\"enabled\":\"no\"}]",       ERR_MALFORMED, 0, 1 },
        {"[{\"enabled\":true}]",                                  ERR_MALFORMED, 0, 1 },
        {"{\"people\":\"alice\"}",                                ERR_MALFORMED, 0, 10},
        {"[{\"samaccountname\":\"a\"}",                           ERR_TRUNCATED, 0, 23},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f = begin();
        struct err err = {0};
        if (people_directory_add(&f.directory, str_of(rows[i].text), true, DAY_US, &f.arena, &err))
            fail_msg("row %zu was read", i);
        if (err.kind != rows[i].kind || err.line != rows[i].line || err.offset != rows[i].offset)
            fail_msg("row %zu: kind %d line %u offset %d: %s", i, err.kind, err.line,
                     (int)err.offset, err.text);
        arena_close(&f.arena);
    }
}

static void every_truncation_reads_or_is_refused(void **state)
{
    static const char *const seeds[] = {"export.csv", "people.json", "entra.json", "groups.json",
                                        "control.csv"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(seeds); i++) {
        struct fixture f = begin();
        str text = seed(&f, seeds[i]);
        bool json = str_ends(str_of(seeds[i]), S(".json"));
        size_t whole = str_trim(text).len;
        for (size_t n = 0; n < text.len; n++) {
            struct arena scratch = f.arena;
            struct people_directory directory = {0};
            struct err err = {0};
            bool read =
                people_directory_add(&directory, str_head(text, n), true, DAY_US, &scratch, &err);
            if (read && json && n < whole) fail_msg("%s cut at %zu was read", seeds[i], n);
            assert_true(read || err.text[0]);
        }
        arena_close(&f.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_are_found_by_all_their_names),
        cmocka_unit_test(nobody_has_left_where_no_list_was_given),
        cmocka_unit_test(who_has_left_is_said_with_the_day),
        cmocka_unit_test(a_namesake_who_is_there_is_enough),
        cmocka_unit_test(what_is_no_list_of_people_is_refused),
        cmocka_unit_test(every_truncation_reads_or_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
