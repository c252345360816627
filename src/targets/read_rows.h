/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of readers: an artefact that reads, changed in one place, and what must be said of it.
 */
#pragma once

#include "base/err.h"
#include "base/test.h"
#include "rules/ruleset.h"

struct read_row {
    const char *name;
    const char *old_text, *new_text; /* the first occurrence is replaced; NULL: nothing is */
    const char *error;               /* part of the message; NULL: it reads */
    uint32_t line;                   /* of the error */
    size_t n_rules;                  /* when it reads */
};

static inline str read_rows_file(struct arena *arena, const char *path)
{
    struct buf text = buf_in(arena);
    char piece[4096];
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s can't be opened", path);
    for (size_t n; (n = fread(piece, 1, sizeof piece, file)) > 0;)
        buf_str(&text, (str){piece, n});
    fclose(file);
    return buf_text(&text);
}

static inline str read_rows_change(struct arena *arena, str text, const struct read_row *row)
{
    str old = str_of(row->old_text);
    if (!row->old_text) return text;
    for (size_t i = 0; i + old.len <= text.len; i++) {
        if (!str_equal(str_head(str_tail(text, i), old.len), old)) continue;
        str head = str_head(text, i), tail = str_tail(text, i + old.len);
        return str_format(arena, "%.*s%s%.*s", STR_ARG(head), row->new_text, STR_ARG(tail));
    }
    fail_msg("%s: \"%s\" is not in the artefact", row->name, row->old_text);
    return text;
}

static inline void read_rows_check(const char *path, const struct read_row *rows, size_t n,
                                   bool (*read)(str source, bytes content, struct arena *arena,
                                                struct ruleset *out, struct err *err))
{
    struct arena arena = arena_open("test", 0, NULL);
    str whole = read_rows_file(&arena, path);
    for (size_t i = 0; i < n; i++) {
        const struct read_row *row = &rows[i];
        struct ruleset rules = {.n = 4711};
        struct err err = {0};
        bytes content = str_bytes(read_rows_change(&arena, whole, row));
        bool good = read(S("artefact"), content, &arena, &rules, &err);
        if (good != !row->error)
            fail_msg("%s: read %d, %u: %s", row->name, good, err.line, err.text);
        if (good && rules.n != row->n_rules)
            fail_msg("%s: %zu rules, expected %zu", row->name, rules.n, row->n_rules);
        if (good) continue;
        assert_int_equal(rules.n, 4711); /* unchanged on failure */
        assert_int_equal(err.kind, ERR_MALFORMED);
        assert_string_equal(err.source, "artefact");
        if (!strstr(err.text, row->error) || err.line != row->line)
            fail_msg("%s: line %u: %s, expected line %u: ...%s", row->name, err.line, err.text,
                     row->line, row->error);
    }
    arena_close(&arena);
}
