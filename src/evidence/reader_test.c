/* SPDX-License-Identifier: Apache-2.0 */
/* Readers that split: whatever the blocks and the damage, blocks tell what the whole tells. */
#include "evidence/reader.h"

#include <dirent.h>

#include "base/test.h"
#include "evidence/splits_heard.h"

enum { ROUNDS = 120, SEEDS = 16, SEED_BYTES = 1 << 16, SOURCE_BYTES = 1 << 16 };

/* The seeds of the reader's fuzz target; readers of syslog share theirs. */
static const struct {
    const char *reader, *folder;
} rows[] = {
    {"windows-firewall-log", "windows_firewall_log"},
    {"zeek",                 "zeek"                },
    {"aws-vpc-flow",         "aws_vpc_flow"        },
    {"gcp-flow",             "gcp_flow"            },
    {"suricata-eve",         "suricata_eve"        },
    {"syslog",               "syslog"              },
    {"kernel-log",           "kernel_log"          },
    {"cef",                  "cef"                 },
    {"cisco-asa",            "cisco_asa"           },
    {"fortigate",            "fortigate"           },
    {"leef",                 "leef"                },
    {"pan-os",               "panos"               },
};

struct random {
    uint64_t state;
};

static size_t below(struct random *random, size_t n)
{
    random->state = hash_u64(random->state + 1);
    return (size_t)(random->state % n);
}

static const struct reader *reader_of(const char *name)
{
    for (size_t i = 0; i < n_readers; i++)
        if (str_equal(readers[i]->name, str_of(name))) return readers[i];
    return NULL;
}

static int name_order(const void *left, const void *right)
{
    return str_compare(*(const str *)left, *(const str *)right);
}

/* Those that begin as a source does that may be split: no UTF-16, and of JSON an object a line. */
static size_t load_seeds(const struct reader *reader, const char *folder, struct arena *arena,
                         str seeds[SEEDS])
{
    str names[SEEDS];
    size_t n = 0, n_seeds = 0;
    str path = str_format(arena, "%s/tests/corpus/%s", SOURCE_ROOT, folder);
    DIR *dir = opendir(str_c(arena, path));
    assert_non_null(dir);
    for (struct dirent *entry; n < SEEDS && (entry = readdir(dir));)
        if (entry->d_name[0] != '.') names[n++] = str_copy(arena, str_of(entry->d_name));
    closedir(dir);
    qsort(names, n, sizeof *names, name_order);
    for (size_t i = 0; i < n; i++) {
        str file_path = str_format(arena, "%.*s/%.*s", STR_ARG(path), STR_ARG(names[i]));
        FILE *file = fopen(str_c(arena, file_path), "rb");
        assert_non_null(file);
        char *text = arena_array(arena, char, SEED_BYTES);
        str seed = {text, fread(text, 1, SEED_BYTES, file)};
        fclose(file);
        if (reader->splits->may(str_bytes(seed))) seeds[n_seeds++] = seed;
    }
    return n_seeds;
}

static str line_of(struct random *random, str seed)
{
    size_t at = below(random, seed.len), end = at;
    while (at && seed.ptr[at - 1] != '\n')
        at--;
    while (end < seed.len && seed.ptr[end] != '\n')
        end++;
    return str_tail(str_head(seed, end), at);
}

static void add_damage(struct random *random, struct buf *out)
{
    static const char *const pieces[] = {
        "\n", "\r\n", "#", " #Fields: date", "\xEF\xBB\xBF", "{", "}", "\"", "-", "4", "\t",
    };
    size_t kind = below(random, 24);
    if (kind < COUNT_OF(pieces)) buf_str(out, str_of(pieces[kind]));
    if (kind == 20) buf_str(out, (str){"\0\0\0", 3});
    if (kind == 21)
        for (size_t i = below(random, 2) * LIMIT_LOG_LINE_BYTES + 100; i > 0; i--)
            buf_char(out, 'x');
}

/* One seed as it is, then lines of it, and now and then of another, some of them damaged. */
static void make_source(struct random *random, const str *seeds, size_t n, struct buf *out)
{
    size_t seed = below(random, n), lines = 20 + below(random, 300);
    bool is_clean = below(random, 2);
    buf_str(out, seeds[seed]);
    for (size_t i = 0; i < lines && buf_text(out).len < SOURCE_BYTES; i++) {
        str line = line_of(random, seeds[below(random, 40) ? seed : below(random, n)]);
        if (!is_clean && !below(random, 16)) line = str_head(line, below(random, line.len + 1));
        if (!is_clean && !below(random, 12)) add_damage(random, out);
        buf_str(out, line);
        if (is_clean || below(random, 20)) buf_str(out, below(random, 3) ? S("\n") : S("\r\n"));
    }
}

static size_t test_reader(const struct reader *reader, const str *seeds, size_t n, struct random *r)
{
    static struct splits_heard whole, parts;
    struct reader_options options = {.now_us = INT64_C(1790000000000000)};
    size_t blocks = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        struct arena arena = arena_open("a round", 0, NULL);
        struct buf out = buf_in(&arena);
        make_source(r, seeds, n, &out);
        bytes data = str_bytes(buf_text(&out));
        size_t size = 1 + below(r, round % 2 ? 200 : 20000);
        splits_hear(reader, &options, data, 0, &whole);
        splits_hear(reader, &options, data, size, &parts);
        size_t at = splits_differ(&whole, &parts);
        if (at != SIZE_MAX) {
            FILE *file = fopen("reader_test.bad", "wb");
            if (file) {
                (void)fwrite(data.ptr, 1, data.len, file);
                fclose(file);
            }
            fail_msg("%.*s, round %zu, blocks of %zu: said otherwise from %zu on, offset %" PRIu64
                     " and %" PRIu64,
                     STR_ARG(reader->name), round, size, at, whole.offsets[at], parts.offsets[at]);
        }
        blocks += parts.blocks;
        arena_close(&arena);
    }
    return blocks;
}

static void test_splits(void **state)
{
    struct random random = {445};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("seeds", 0, NULL);
        str seeds[SEEDS];
        const struct reader *reader = reader_of(rows[i].reader);
        assert_non_null(reader);
        assert_non_null(reader->splits);
        size_t n = load_seeds(reader, rows[i].folder, &arena, seeds);
        assert_true(n > 0);
        /* It would prove nothing if it were never cut. */
        assert_true(test_reader(reader, seeds, n, &random) > ROUNDS);
        arena_close(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_splits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
