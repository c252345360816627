/* SPDX-License-Identifier: Apache-2.0 */
/* Archives are made here with libarchive's writer, so that no binary fixture is needed. */
#include "base/input.h"

#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

#include "base/os_memory.h"
#include "base/test.h"

/* What a walk saw, as text: "source[offset..]=bytes;" and "source!kind;" for problems. */
struct seen {
    struct buf text;
    size_t want;         /* asked of each window */
    size_t take;         /* taken of each window; 0 = all */
    bool sum_only;       /* print the number of bytes, not the bytes */
    unsigned stop_after; /* visits; 0 = never */
    unsigned visits;
};

static bool visit(void *to, struct input *input)
{
    struct seen *seen = to;
    struct window window = {0};
    struct err err = {0};
    uint64_t total = 0;
    buf_str(&seen->text, input_source(input));
    buf_char(&seen->text, '=');
    while (!window.last) {
        if (!input_next(input, seen->want, &window, &err)) {
            if (err.kind == ERR_MALFORMED) assert_int_equal(err.offset, total);
            buf_format(&seen->text, "<%s>", err.text);
            break;
        }
        assert_int_equal(window.offset, total);
        size_t n = seen->take && seen->take < window.data.len ? seen->take : window.data.len;
        if (window.last) n = window.data.len;
        if (!seen->sum_only) buf_bytes(&seen->text, (bytes){window.data.ptr, n});
        input_take(input, n);
        total += n;
    }
    if (seen->sum_only) buf_u64(&seen->text, total);
    buf_char(&seen->text, ';');
    return ++seen->visits != seen->stop_after;
}

static void problem(void *to, str source, const struct err *err)
{
    struct seen *seen = to;
    buf_format(&seen->text, "%.*s!%s;", STR_ARG(source), err->text);
}

struct fixture {
    struct arena arena, scratch;
    struct os_memory *memory;
    struct os os;
};

static struct fixture fixture_open(void)
{
    struct fixture f = {.arena = arena_open("test", 0, NULL), .scratch = arena_open("s", 0, NULL)};
    return f;
}

static void fixture_memory(struct fixture *f)
{
    f->memory = os_memory_new(&f->arena);
    f->os = os_memory_world(f->memory);
}

static void fixture_close(struct fixture *f)
{
    arena_close(&f->arena);
    arena_close(&f->scratch);
}

static str walk(struct fixture *f, str path, struct seen seen)
{
    struct err err = {0};
    seen.text = buf_in(&f->arena);
    if (!input_walk(&f->os, path, f->scratch, visit, problem, &seen, &err))
        buf_format(&seen.text, "no: %s: %s;", err.source, err.text);
    return buf_text(&seen.text);
}

#define EXPECT(got, wanted)                                                                        \
    do {                                                                                           \
        str seen_text = (got);                                                                     \
        if (!str_equal(seen_text, str_of(wanted)))                                                 \
            fail_msg("expected %s\nfound    %.*s", wanted, STR_ARG(seen_text));                    \
    } while (0)

enum { ARCHIVE_ROOM = 4 << 20 };

/* pairs: name, text, name, text, ..., NULL. A name ending in "/" is a folder, one with "->" a link.
 */
static bytes make_archive(struct arena *arena, int format, int filter, const char *const *pairs)
{
    uint8_t *room = arena_array(arena, uint8_t, ARCHIVE_ROOM);
    size_t used = 0;
    struct archive *archive = archive_write_new();
    assert_int_equal(archive_write_set_format(archive, format), ARCHIVE_OK);
    assert_int_equal(archive_write_add_filter(archive, filter), ARCHIVE_OK);
    assert_int_equal(archive_write_set_bytes_in_last_block(archive, 1), ARCHIVE_OK);
    assert_int_equal(archive_write_open_memory(archive, room, ARCHIVE_ROOM, &used), ARCHIVE_OK);
    for (; *pairs; pairs += 2) {
        struct archive_entry *entry = archive_entry_new();
        size_t len = strlen(pairs[1]);
        str name = str_of(pairs[0]);
        archive_entry_set_pathname(entry, pairs[0]);
        archive_entry_set_perm(entry, 0644);
        archive_entry_set_filetype(entry, str_ends(name, S("/")) ? AE_IFDIR : AE_IFREG);
        if (str_contains(name, S("->"))) {
            archive_entry_set_filetype(entry, AE_IFLNK);
            archive_entry_set_symlink(entry, "elsewhere");
            len = 0;
        }
        if (format != ARCHIVE_FORMAT_RAW) archive_entry_set_size(entry, (la_int64_t)len);
        assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
        if (len) assert_int_equal(archive_write_data(archive, pairs[1], len), len);
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
    return (bytes){room, used};
}

static const char *const one[] = {"x", "hello\n", NULL};
/* Only the directory at a zip's end says that a member is a link; read forwards it is a file that
 * holds the name it leads to. */
static const char *const two[] = {"logs/",     "",      "logs/a.log", "alpha\n", "link->x",
                                  "elsewhere", "b.log", "beta\n",     NULL};

static void plain_files_and_folders(void **state)
{
    struct fixture f = fixture_open();
    (void)state;
    fixture_memory(&f);
    os_memory_put(f.memory, S("e/b.log"), (bytes){(const uint8_t *)"bb", 2});
    os_memory_put(f.memory, S("e/a/z"), (bytes){(const uint8_t *)"z", 1});
    os_memory_put(f.memory, S("e/.hidden"), (bytes){(const uint8_t *)"h", 1});
    os_memory_put(f.memory, S("e/sallyport.db"), (bytes){(const uint8_t *)"db", 2});
    os_memory_put(f.memory, S("e/sallyport.db-wal"), (bytes){(const uint8_t *)"w", 1});
    os_memory_put(f.memory, S("e/empty"), (bytes){0});
    os_memory_put(f.memory, S("-"), (bytes){(const uint8_t *)"piped", 5});
    os_memory_link(f.memory, S("e/again"), S("e"));
    os_memory_link(f.memory, S("e/file-link"), S("e/b.log"));
    os_memory_link(f.memory, S("e/nowhere"), S("e/gone"));
    EXPECT(walk(&f, S("e"), (struct seen){0}),
           "e/.hidden=h;e/a/z=z;e/b.log=bb;e/empty=;e/file-link=bb;");
    EXPECT(walk(&f, S("e/"), (struct seen){.stop_after = 2}), "e/.hidden=h;e/a/z=z;");
    EXPECT(walk(&f, S("-"), (struct seen){0}), "-=piped;");
    EXPECT(walk(&f, S("e/gone"), (struct seen){0}), "no: e/gone: cannot open: no such file;");
    fixture_close(&f);
}

static void archives_are_known_by_content(void **state)
{
    static const struct {
        const char *name;
        int format, filter;
        const char *const *pairs;
        const char *expected;
    } rows[] = {
        {"gz",      ARCHIVE_FORMAT_RAW,                 ARCHIVE_FILTER_GZIP,  one, "f=hello\n;"},
        {"zst",     ARCHIVE_FORMAT_RAW,                 ARCHIVE_FILTER_ZSTD,  one, "f=hello\n;"},
        {"xz",      ARCHIVE_FORMAT_RAW,                 ARCHIVE_FILTER_XZ,    one, "f=hello\n;"},
        {"bz2",     ARCHIVE_FORMAT_RAW,                 ARCHIVE_FILTER_BZIP2, one, "f=hello\n;"},
        {"zip",     ARCHIVE_FORMAT_ZIP,                 ARCHIVE_FILTER_NONE,  two,
         "f!/logs/a.log=alpha\n;f!/link->x=elsewhere;f!/b.log=beta\n;"                         },
        {"tar",     ARCHIVE_FORMAT_TAR_USTAR,           ARCHIVE_FILTER_NONE,  two,
         "f!/logs/a.log=alpha\n;f!/b.log=beta\n;"                                              },
        {"gnu tar", ARCHIVE_FORMAT_TAR_GNUTAR,          ARCHIVE_FILTER_NONE,  two,
         "f!/logs/a.log=alpha\n;f!/b.log=beta\n;"                                              },
        {"pax",     ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FILTER_NONE,  two,
         "f!/logs/a.log=alpha\n;f!/b.log=beta\n;"                                              },
        {"tar.gz",  ARCHIVE_FORMAT_TAR_USTAR,           ARCHIVE_FILTER_GZIP,  two,
         "f!/logs/a.log=alpha\n;f!/b.log=beta\n;"                                              },
        {"tar.zst", ARCHIVE_FORMAT_TAR_USTAR,           ARCHIVE_FILTER_ZSTD,  two,
         "f!/logs/a.log=alpha\n;f!/b.log=beta\n;"                                              },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f = fixture_open();
        fixture_memory(&f);
        bytes packed = make_archive(&f.arena, rows[i].format, rows[i].filter, rows[i].pairs);
        os_memory_put(f.memory, S("f"), packed);
        os_memory_set_read_bytes(f.memory, 7); /* as a slow pipe gives them */
        str got = walk(&f, S("f"), (struct seen){0});
        if (!str_equal(got, str_of(rows[i].expected)))
            fail_msg("%s: found %.*s", rows[i].name, STR_ARG(got));
        fixture_close(&f);
    }
}

static void lookalikes_stay_plain(void **state)
{
    static const char *const texts[] = {
        "PK is how a text may begin",
        "BZh9 but not bzip2",
        "#mtree\nfile type=file\n",
        "ustar",
        "\x1F\x8B",
        "",
        "2021-06-22 12:20:29 DROP UDP 192.0.2.1 192.0.2.2 1 2",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct fixture f = fixture_open();
        fixture_memory(&f);
        os_memory_put(f.memory, S("f"), str_bytes(str_of(texts[i])));
        str expected = str_format(&f.arena, "f=%s;", texts[i]);
        str got = walk(&f, S("f"), (struct seen){0});
        if (!str_equal(got, expected)) fail_msg("%s: found %.*s", texts[i], STR_ARG(got));
        fixture_close(&f);
    }
}

/* A text file of 512 bytes with "ustar" in the right place is no tar: its checksum does not hold.
 */
static void ustar_in_a_text_is_no_tar(void **state)
{
    struct fixture f = fixture_open();
    (void)state;
    fixture_memory(&f);
    uint8_t text[600];
    memset(text, 'x', sizeof text);
    memcpy(text + 257, "ustar", 5);
    os_memory_put(f.memory, S("f"), (bytes){text, sizeof text});
    EXPECT(walk(&f, S("f"), (struct seen){.sum_only = true}), "f=600;");
    fixture_close(&f);
}

struct member {
    const char *name;
    bytes content;
};

static bytes make_zip(struct arena *arena, int filter, const struct member *members, size_t n)
{
    struct archive *archive = archive_write_new();
    uint8_t *room = arena_array(arena, uint8_t, ARCHIVE_ROOM);
    size_t used = 0;
    archive_write_set_format_zip(archive);
    archive_write_add_filter(archive, filter);
    archive_write_set_bytes_in_last_block(archive, 1);
    archive_write_open_memory(archive, room, ARCHIVE_ROOM, &used);
    for (size_t i = 0; i < n; i++) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, members[i].name);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_size(entry, (la_int64_t)members[i].content.len);
        assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
        archive_write_data(archive, members[i].content.ptr, members[i].content.len);
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
    return (bytes){room, used};
}

/* An archive in an archive is opened, a third is not; a compression per level, not two. */
static void nesting_is_bounded(void **state)
{
    enum { TAR = ARCHIVE_FORMAT_TAR_USTAR, RAW = ARCHIVE_FORMAT_RAW };
    enum { NONE = ARCHIVE_FILTER_NONE, GZIP = ARCHIVE_FILTER_GZIP, XZ = ARCHIVE_FILTER_XZ };
    struct fixture f = fixture_open();
    struct arena *arena = &f.arena;
    (void)state;
    fixture_memory(&f);
    bytes tar = make_archive(arena, TAR, NONE, two), tgz = make_archive(arena, TAR, GZIP, two);
    bytes gz = make_archive(arena, RAW, GZIP, one), end = {(const uint8_t *)"end", 3};
    struct member deepest[] = {
        {"a.tar", tar},
        {"b.gz",  gz }
    };
    struct member members[] = {
        {"inner.tar", tar              },
        {"inner.gz",  gz               },
        {"inner.tgz", tgz              },
        {"inner.zip", make_zip(arena,    NONE, deepest, 2)},
        {"inner.zxz",    make_zip(arena,                   XZ, deepest + 1, 1)},
        {"last", end},
    };
    os_memory_put(f.memory, S("o.zip.xz"), make_zip(arena, XZ, members, COUNT_OF(members)));
    EXPECT(walk(&f, S("o.zip.xz"), (struct seen){0}),
           "o.zip.xz!/inner.tar!/logs/a.log=alpha\n;"
           "o.zip.xz!/inner.tar!/b.log=beta\n;"
           "o.zip.xz!/inner.gz=hello\n;"
           "o.zip.xz!/inner.tgz!/logs/a.log=alpha\n;"
           "o.zip.xz!/inner.tgz!/b.log=beta\n;"
           "o.zip.xz!/inner.zip!/a.tar!an archive inside an archive inside an archive is not "
           "opened;"
           "o.zip.xz!/inner.zip!/b.gz=hello\n;"
           "o.zip.xz!/inner.zxz!/b.gz=hello\n;"
           "o.zip.xz!/last=end;");
    struct member twice = {"x", gz};
    bytes once = make_zip(arena, GZIP, &twice, 1);
    os_memory_put(f.memory, S("g.zip.gz"), once);
    EXPECT(walk(&f, S("g.zip.gz"), (struct seen){0}), "g.zip.gz!/x=hello\n;");
    fixture_close(&f);
}

/* Each member stays within its own bound, all of them together do not. */
static void many_small_bombs_are_bounded(void **state)
{
    enum { MEMBERS = 40, BYTES = 64 << 20 };
    struct fixture f = fixture_open();
    struct member members[MEMBERS];
    (void)state;
    fixture_memory(&f);
    char *text = arena_array(&f.arena, char, BYTES + 1);
    memset(text, 'x', BYTES);
    const char *const pairs[] = {"x", text, NULL};
    bytes bomb = make_archive(&f.arena, ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_ZSTD, pairs);
    for (size_t i = 0; i < MEMBERS; i++)
        members[i] = (struct member){"bomb", bomb};
    bytes zip = make_zip(&f.arena, ARCHIVE_FILTER_NONE, members, MEMBERS);
    os_memory_put(f.memory, S("f"), zip);
    str got = walk(&f, S("f"), (struct seen){.sum_only = true});
    assert_true(str_contains(got, S("archives in archives unpack to more than")));
    size_t whole = 0;
    str head = {0};
    while (str_cut(got, ';', &head, &got))
        whole += str_ends(head, S("=67108864"));
    assert_true(whole > 10 && whole < 30);
    fixture_close(&f);
}

static void empty_streams_are_empty_sources(void **state)
{
    static const char *const nothing[] = {"x", "", NULL};
    struct fixture f = fixture_open();
    (void)state;
    fixture_memory(&f);
    bytes gz = make_archive(&f.arena, ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_GZIP, nothing);
    bytes zip = make_archive(&f.arena, ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, nothing + 2);
    os_memory_put(f.memory, S("e.gz"), gz);
    os_memory_put(f.memory, S("e.zip"), zip);
    EXPECT(walk(&f, S("e.gz"), (struct seen){0}), "e.gz=;");
    EXPECT(walk(&f, S("e.zip"), (struct seen){0}), "");
    fixture_close(&f);
}

/* Numbers that compress badly, so that a cut leaves much to be read. */
static char *noise(struct arena *arena, size_t len)
{
    char *text = arena_array(arena, char, len + 1);
    uint64_t state = 1;
    for (size_t i = 0; i < len; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        text[i] = (char)('0' + state % 10);
    }
    return text;
}

static void damage_keeps_what_came_before(void **state)
{
    static const struct {
        const char *name;
        int format, filter;
        size_t least; /* of 1000000 bytes, when the last tenth of the file is missing */
    } rows[] = {
        {"gz",  ARCHIVE_FORMAT_RAW,       ARCHIVE_FILTER_GZIP, 800000},
        {"zst", ARCHIVE_FORMAT_RAW,       ARCHIVE_FILTER_ZSTD, 500000},
        {"xz",  ARCHIVE_FORMAT_RAW,       ARCHIVE_FILTER_XZ,   800000},
        {"zip", ARCHIVE_FORMAT_ZIP,       ARCHIVE_FILTER_NONE, 800000},
        {"tar", ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, 800000},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f = fixture_open();
        fixture_memory(&f);
        const char *pairs[] = {"x", noise(&f.arena, 1000000), NULL};
        bytes packed = make_archive(&f.arena, rows[i].format, rows[i].filter, pairs);
        packed.len -= packed.len / 10;
        os_memory_put(f.memory, S("f"), packed);
        struct seen seen = {.text = buf_in(&f.arena), .sum_only = true};
        struct err err = {0};
        assert_true(input_walk(&f.os, S("f"), f.scratch, visit, problem, &seen, &err));
        str text = buf_text(&seen.text), source, rest, damage;
        str_cut(text, '=', &source, &rest);
        str_cut(rest, '>', &damage, &rest);
        str_cut(rest, ';', &damage, &rest);
        uint64_t n = 0;
        bool fine = str_u64(damage, UINT64_MAX, &n) && n >= rows[i].least && n < 1000000;
        if (!fine || !str_contains(text, S("<the ")) || seen.visits != 1 || rest.len)
            fail_msg("%s: found %.*s", rows[i].name, STR_ARG(text));
        fixture_close(&f);
    }
}

static void read_errors_come_after_the_bytes(void **state)
{
    struct fixture f = fixture_open();
    (void)state;
    fixture_memory(&f);
    os_memory_put(f.memory, S("f"), (bytes){(const uint8_t *)"0123456789", 10});
    os_memory_fail_read(f.memory, S("f"), 4);
    EXPECT(walk(&f, S("f"), (struct seen){0}), "f=0123<cannot read: input/output error>;");
    fixture_close(&f);
}

static void bombs_are_refused(void **state)
{
    struct fixture f = fixture_open();
    (void)state;
    fixture_memory(&f);
    enum { SIZE = LIMIT_UNPACK_FREE + (64 << 20), PIECE = 1 << 20 };
    uint8_t *room = arena_array(&f.arena, uint8_t, ARCHIVE_ROOM);
    static const uint8_t zeros[PIECE];
    size_t used = 0;
    struct archive *archive = archive_write_new();
    archive_write_set_format_raw(archive);
    archive_write_add_filter_zstd(archive);
    archive_write_open_memory(archive, room, ARCHIVE_ROOM, &used);
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_write_header(archive, entry);
    for (size_t i = 0; i < SIZE / PIECE; i++)
        assert_int_equal(archive_write_data(archive, zeros, PIECE), PIECE);
    archive_entry_free(entry);
    archive_write_close(archive);
    archive_write_free(archive);
    os_memory_put(f.memory, S("f"), (bytes){room, used});
    str got = walk(&f, S("f"), (struct seen){.sum_only = true});
    if (!str_contains(got, S("<unpacked to more than 500 times its size; the rest is not read>")))
        fail_msg("found %.*s", STR_ARG(got));
    fixture_close(&f);
}

static void windows_grow_to_the_limit(void **state)
{
    struct fixture f = fixture_open();
    (void)state;
    fixture_memory(&f);
    size_t size = LIMIT_RECORD_BYTES + 3 * (size_t)LIMIT_WINDOW_BYTES;
    char *text = noise(&f.arena, size);
    os_memory_put(f.memory, S("f"), (bytes){(const uint8_t *)text, size});
    /* Small pieces, large wants, odd takes: every byte arrives once and in order. */
    EXPECT(walk(&f, S("f"), (struct seen){.sum_only = true, .want = 3 << 20, .take = 700001}),
           "f=19922944;");
    EXPECT(walk(&f, S("f"), (struct seen){.sum_only = true, .want = LIMIT_RECORD_BYTES + 1}),
           "f=<one item wants more than 16777216 bytes>0;");
    os_memory_put(f.memory, S("g"), (bytes){(const uint8_t *)text, 300});
    EXPECT(walk(&f, S("g"), (struct seen){.sum_only = true, .want = SIZE_MAX}), "g=300;");
    fixture_close(&f);
}

struct growing {
    size_t windows;
};

/* A reader that takes nothing still gets more each time, until the limit says so. */
static bool visit_hoarder(void *to, struct input *input)
{
    struct growing *growing = to;
    struct window window = {0};
    struct err err = {0};
    size_t before = 0;
    while (input_next(input, 0, &window, &err)) {
        assert_true(growing->windows == 0 || window.data.len > before);
        before = window.data.len;
        growing->windows++;
    }
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_int_equal(before, LIMIT_RECORD_BYTES);
    return true;
}

static void hoarding_ends_at_the_limit(void **state)
{
    struct fixture f = fixture_open();
    struct growing growing = {0};
    struct err err = {0};
    (void)state;
    fixture_memory(&f);
    size_t size = 2 * (size_t)LIMIT_RECORD_BYTES;
    os_memory_put(f.memory, S("f"), (bytes){arena_array(&f.arena, uint8_t, size), size});
    assert_true(input_walk(&f.os, S("f"), f.scratch, visit_hoarder, problem, &growing, &err));
    assert_true(growing.windows > 1);
    fixture_close(&f);
}

static void real_files(void **state)
{
    struct fixture f = fixture_open();
    struct err err = {0};
    char folder[] = "/tmp/sallyport-input-XXXXXX";
    (void)state;
    f.os = os_posix();
    assert_non_null(mkdtemp(folder));
    str root = str_of(folder);
    str logs = os_join(&f.arena, root, S("logs")), tar = os_join(&f.arena, logs, S("two.tar"));
    str text = os_join(&f.arena, root, S("text")), loop = os_join(&f.arena, logs, S("loop"));
    bytes packed = make_archive(&f.arena, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, two);
    assert_true(f.os.make_directory(f.os.self, logs, &err));
    assert_true(f.os.write_file(f.os.self, tar, packed, false, &err));
    assert_true(f.os.write_file(f.os.self, text, str_bytes(S("text\n")), false, &err));
    assert_int_equal(symlink(folder, str_c(&f.arena, loop)), 0);
    str expected = str_format(&f.arena,
                              "%s/logs/two.tar!/logs/a.log=alpha\n;%s/logs/two.tar!/b.log=beta\n;"
                              "%s/text=text\n;",
                              folder, folder, folder);
    str got = walk(&f, root, (struct seen){0});
    bool equal = str_equal(got, expected);
    unlink(str_c(&f.arena, loop));
    unlink(str_c(&f.arena, tar));
    unlink(str_c(&f.arena, text));
    rmdir(str_c(&f.arena, logs));
    rmdir(folder);
    if (!equal) fail_msg("expected %.*s\nfound %.*s", STR_ARG(expected), STR_ARG(got));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_files_and_folders),
        cmocka_unit_test(archives_are_known_by_content),
        cmocka_unit_test(lookalikes_stay_plain),
        cmocka_unit_test(ustar_in_a_text_is_no_tar),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(many_small_bombs_are_bounded),
        cmocka_unit_test(empty_streams_are_empty_sources),
        cmocka_unit_test(damage_keeps_what_came_before),
        cmocka_unit_test(read_errors_come_after_the_bytes),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(windows_grow_to_the_limit),
        cmocka_unit_test(hoarding_ends_at_the_limit),
        cmocka_unit_test(real_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
