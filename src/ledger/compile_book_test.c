/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/compile_book.h"

#include <unistd.h>

#include "base/test.h"

struct room {
    struct arena arena;
    struct os os;
    str folder;
    struct ledger *ledger;
};

static void room_open(struct room *room)
{
    char name[] = "/tmp/compile_book_test_XXXXXX";
    struct err err = {0};
    *room = (struct room){.arena = arena_open("test", 0, NULL), .os = os_posix()};
    assert_non_null(mkdtemp(name));
    room->folder = str_copy(&room->arena, str_of(name));
    assert_true(ledger_open(&room->os, room->folder, LEDGER_CREATE, (str){0}, 1, &room->arena,
                            &room->ledger, &err));
}

static void room_close(struct room *room)
{
    struct err err = {0};
    str *names = NULL;
    size_t n = 0;
    ledger_close(room->ledger);
    assert_true(room->os.list(room->os.self, room->folder, &room->arena, &names, &n, &err));
    for (size_t i = 0; i < n; i++)
        assert_true(
            room->os.remove(room->os.self, os_join(&room->arena, room->folder, names[i]), &err));
    assert_int_equal(rmdir(str_c(&room->arena, room->folder)), 0);
    arena_close(&room->arena);
}

static void add(struct room *room, const char *data)
{
    struct err err = {0};
    const struct ledger_draft draft = {
        .kind = LEDGER_COMPILED,
        .actor = S("{\"person\":\"alice\",\"account\":\"root\",\"machine\":\"m\","
                   "\"authenticated\":false}"),
        .data = str_of(data),
    };
    assert_true(ledger_begin(room->ledger, &err));
    assert_true(ledger_append(room->ledger, &draft, NULL, &err));
    assert_true(ledger_commit(room->ledger, &err));
}

static void the_newest_of_a_folder_and_target_counts(void **state)
{
    struct room room;
    struct compile_book book;
    struct err err = {0};
    (void)state;
    room_open(&room);
    add(&room,
        "{\"out\":\"out\",\"targets\":[\"gpo\",\"nftables\"],\"as-of\":\"2026-10-20T10:00:00Z\","
        "\"exceptions\":[\"EX-1\",\"EX-2\"],\"carried\":[{\"target\":\"gpo\",\"exceptions\":"
        "[\"EX-1\"]}],\"later\":{\"a\":[1]},\"files\":[{\"path\":\"a\",\"sha256\":\"b\"}]}");
    add(&room, "{\"out\":\"other\",\"targets\":[\"gpo\"],\"exceptions\":[\"EX-3\"]}");
    add(&room, "{\"out\":\"out\",\"targets\":[\"nftables\"],\"exceptions\":[]}");
    assert_true(compile_book_read(room.ledger, INT64_MAX, &room.arena, &book, &err));
    assert_int_equal(book.n, 3);
    assert_int_equal(book.items[0].n_exceptions, 1); /* gpo: what it carries of the two */
    assert_true(str_equal(book.items[0].exceptions[0], S("EX-1")));
    assert_int_equal(book.items[0].n_files, 1);
    assert_int_equal(book.items[1].n_exceptions, 0); /* nftables: of the third entry */
    assert_int_equal(book.items[1].entry, 3);
    assert_int_equal(book.n_ever, 3);
    add(&room, "{\"out\":\"bundle\",\"targets\":[\"gpo\"],\"exceptions\":[],\"replaces\":"
               "[{\"out\":\"out\",\"target\":\"gpo\"},{\"out\":\"no\",\"target\":\"such\"}]}");
    assert_true(compile_book_read(room.ledger, INT64_MAX, &room.arena, &book, &err));
    assert_int_equal(book.n, 3);
    for (size_t i = 0; i < book.n; i++)
        assert_false(str_equal(book.items[i].out, S("out")) &&
                     str_equal(book.items[i].target, S("gpo")));
    /* Before any of it was written. */
    assert_true(compile_book_read(room.ledger, 0, &room.arena, &book, &err));
    assert_int_equal(book.n, 0);
    /* What was replaced comes back when it is compiled again. */
    add(&room, "{\"out\":\"out\",\"targets\":[\"gpo\"],\"exceptions\":[\"EX-1\"]}");
    assert_true(compile_book_read(room.ledger, INT64_MAX, &room.arena, &book, &err));
    assert_int_equal(book.n, 4);
    room_close(&room);
}

static void what_compile_does_not_write_is_refused(void **state)
{
    static const char *const rows[] = {
        "{\"out\":1}",
        "{\"targets\":\"gpo\"}",
        "{\"targets\":[1]}",
        "{\"exceptions\":{}}",
        "{\"carried\":[1]}",
        "{\"carried\":[{\"target\":[]}]}",
        "{\"carried\":[{\"target\":\"gpo\",\"exceptions\":[{}]}]}",
        "{\"files\":{}}",
        "{\"files\":[{\"path\":null}]}",
        "{\"replaces\":[[]]}",
        "{\"as-of\":\"yesterday\"}",
        "{\"as-of\":20261020}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct room room;
        struct compile_book book = {0};
        struct err err = {0};
        room_open(&room);
        add(&room, rows[i]);
        if (compile_book_read(room.ledger, INT64_MAX, &room.arena, &book, &err))
            fail_msg("%s is read", rows[i]);
        assert_int_equal(err.kind, ERR_MALFORMED);
        room_close(&room);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_of_a_folder_and_target_counts),
        cmocka_unit_test(what_compile_does_not_write_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
