/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a sheet that came back: every row has a place within the file, an error has one, and
 * a scope that is read is read again from its own words. */
#include "report/review_csv.h"

#include "report/scope_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_scope(str words, struct arena *arena)
{
    struct err err = {0};
    str scope, again;
    if (!scope_words_read(words, arena, &scope, &err)) return;
    str line = scope_words(scope, arena);
    if (!scope_words_read(line, arena, &again, &err) || !str_equal(scope, again)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 256 << 20, NULL);
    struct review_csv_row *rows = NULL;
    struct err err = {0};
    size_t n = 0;
    if (!review_csv_read((bytes){data, size}, &arena, &rows, &n, &err)) {
        if (err.place != ERR_PLACE_LINE || !err.line || !err.column) abort();
    } else {
        if (n > size) abort();
        for (size_t i = 0; i < n; i++) {
            for (size_t c = 0; c < REVIEW_CSV_COLUMN_COUNT; c++)
                if (rows[i].places[c].line > size + 1 || rows[i].places[c].column > size + 1)
                    abort();
            if (i < 16) try_scope(rows[i].cells[REVIEW_CSV_NEW_SCOPE], &arena);
        }
    }
    arena_close(&arena);
    return 0;
}
