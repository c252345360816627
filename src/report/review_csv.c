/* SPDX-License-Identifier: Apache-2.0 */
#include "report/review_csv.h"

#include "base/csv.h"
#include "base/instant.h"
#include "base/table.h"

static const str names[REVIEW_CSV_COLUMN_COUNT] = {
#define X(name, text) [REVIEW_CSV_##name] = {text, sizeof(text) - 1},
    REVIEW_CSV_COLUMNS(X)
#undef X
};

static const char separators[] = {',', ';', '\t'};

str review_csv_column_text(enum review_csv_column column)
{
    return names[column];
}

str review_csv_mark(str id, str mark, struct arena *arena)
{
    return str_format(arena, "%.*s/%.*s", STR_ARG(id), STR_ARG(mark));
}

/* ---- Formulas -----------------------------------------------------------------------------------
 */

/* What a spreadsheet takes for the beginning of a formula, or what stands for one made harmless. */
static bool is_guarded(str cell)
{
    return cell.len && memchr("=+-@\t\r'", cell.ptr[0], 7);
}

static str guarded(str cell, struct arena *arena)
{
    return is_guarded(cell) ? str_format(arena, "'%.*s", STR_ARG(cell)) : cell;
}

static str unguarded(str cell)
{
    bool was = cell.len && cell.ptr[0] == '\'' && is_guarded(str_tail(cell, 1));
    return was ? str_tail(cell, 1) : cell;
}

/* ---- Writing ------------------------------------------------------------------------------------
 */

static void add_row(struct table *table, const struct review_sheet *sheet,
                    const struct review_sheet_row *row, struct arena *arena)
{
    str cells[REVIEW_CSV_COLUMN_COUNT] = {
        [REVIEW_CSV_ID] = row->id,
        [REVIEW_CSV_OWNER] = row->owner,
        [REVIEW_CSV_SCOPE] = row->scope,
        [REVIEW_CSV_REASON] = row->reason,
        [REVIEW_CSV_EXPIRES] = row->expires,
        [REVIEW_CSV_PROPOSAL] = row->proposal,
        [REVIEW_CSV_BECAUSE] = row->because,
        [REVIEW_CSV_REVIEW] = review_csv_mark(sheet->id, sheet->mark, arena),
    };
    if (row->has_use) {
        cells[REVIEW_CSV_CONNECTIONS] = str_format(arena, "%" PRIu64, row->connections);
        cells[REVIEW_CSV_LAST_USE] =
            row->last_use_us ? review_sheet_minute(row->last_use_us, arena) : S("never");
    }
    for (size_t i = 0; i < REVIEW_CSV_COLUMN_COUNT; i++)
        table_add(table, guarded(cells[i], arena));
}

void review_csv_write(struct buf *out, const struct review_sheet *sheet, struct arena *arena)
{
    struct table_column columns[REVIEW_CSV_COLUMN_COUNT] = {0};
    for (size_t i = 0; i < REVIEW_CSV_COLUMN_COUNT; i++)
        columns[i].title = names[i];
    struct table table = table_of(arena, columns, REVIEW_CSV_COLUMN_COUNT);
    for (size_t i = 0; i < sheet->n; i++)
        add_row(&table, sheet, &sheet->rows[i], arena);
    /* Excel takes a file without the mark for one of its own code page. */
    buf_str(out, S("\xEF\xBB\xBF"));
    table_print_csv(&table, out);
}

/* ---- Reading ------------------------------------------------------------------------------------
 */

struct reading_csv {
    struct csv csv;
    size_t at[REVIEW_CSV_COLUMN_COUNT]; /* of a column among the cells; SIZE_MAX = not there */
    size_t n_columns;
};

/* Goes along a record as it stands in the text, field by field: where each begins. */
struct place_walk {
    str text;
    size_t at;
    uint32_t line, column;
    char separator;
};

/* Goes over the field that begins here, and its separator. */
static void walk_field(struct place_walk *w)
{
    bool quoted = false;
    while (w->at < w->text.len) {
        char c = w->text.ptr[w->at++];
        w->column += ((uint8_t)c & 0xC0) != 0x80;
        if (c == '"') quoted = !quoted;
        if (c == '\n') {
            w->line++;
            w->column = 1;
        }
        if (c == w->separator && !quoted) return;
    }
}

static bool not_utf8(str text)
{
    size_t bad = 0;
    for (size_t at = 0; at < text.len;) {
        size_t n = str_utf8_next(str_tail(text, at), &bad);
        if (!n) return true;
        at += n;
    }
    return false;
}

static bool is_empty(const str *fields, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_trim(fields[i]).len) return false;
    return true;
}

static bool take_row(struct reading_csv *r, str *fields, size_t n, struct place_walk walk,
                     struct review_csv_row *row, struct err *err)
{
    *row = (struct review_csv_row){0};
    for (size_t c = 0; c < REVIEW_CSV_COLUMN_COUNT; c++) {
        row->places[c].line = walk.line;
        row->places[c].column = 1;
    }
    for (size_t i = 0; i < n; i++, walk_field(&walk)) {
        if (i >= r->n_columns && str_trim(fields[i]).len)
            return err_line(err, ERR_MALFORMED, walk.line, walk.column,
                            "the row has more cells than the first line, which has %zu",
                            r->n_columns);
        if (not_utf8(fields[i]))
            return err_line(err, ERR_MALFORMED, walk.line, walk.column,
                            "the cell is not UTF-8: save the sheet as \"CSV UTF-8\"");
        for (size_t c = 0; c < REVIEW_CSV_COLUMN_COUNT; c++) {
            if (r->at[c] != i) continue;
            row->cells[c] = unguarded(str_trim(fields[i]));
            row->places[c].line = walk.line;
            row->places[c].column = walk.column;
        }
    }
    return true;
}

static bool take_header(struct reading_csv *r, const str *fields, size_t n, struct place_walk walk,
                        struct err *err)
{
    static const enum review_csv_column needed[] = {REVIEW_CSV_ID, REVIEW_CSV_DECISION,
                                                    REVIEW_CSV_REVIEW};
    uint32_t line = walk.line;
    for (size_t c = 0; c < REVIEW_CSV_COLUMN_COUNT; c++)
        r->at[c] = SIZE_MAX;
    r->n_columns = n;
    for (size_t i = 0; i < n; i++, walk_field(&walk))
        for (size_t c = 0; c < REVIEW_CSV_COLUMN_COUNT; c++) {
            if (!str_equal_nocase(str_trim(fields[i]), names[c])) continue;
            if (r->at[c] != SIZE_MAX)
                return err_line(err, ERR_MALFORMED, walk.line, walk.column,
                                "the column \"%.*s\" is there twice", STR_ARG(names[c]));
            r->at[c] = i;
        }
    for (size_t i = 0; i < COUNT_OF(needed); i++)
        if (r->at[needed[i]] == SIZE_MAX)
            return err_line(err, ERR_MALFORMED, line, 1,
                            "the first line has no column \"%.*s\": expected a sheet of \"review "
                            "start\"",
                            STR_ARG(names[needed[i]]));
    return true;
}

/* The next record that is not empty, and where it stands: csv_next passes over blank lines alone.
 */
static bool next_record(struct reading_csv *r, str **fields, size_t *n, struct place_walk *walk,
                        bool *found, struct err *err)
{
    size_t start;
    do {
        start = r->csv.at;
        if (!csv_next(&r->csv, fields, n, found, err)) return false;
    } while (*found && is_empty(*fields, *n));
    while (start < r->csv.at && (r->csv.text.ptr[start] == '\r' || r->csv.text.ptr[start] == '\n'))
        start++;
    *walk = (struct place_walk){r->csv.text, start, r->csv.record_line, 1, r->csv.separator};
    return true;
}

/* Starts behind the line "sep=;" that Excel writes and reads; else with the separator that the
 * first line has most of. */
static struct csv csv_started(str text, struct arena *arena)
{
    str line = {0}, rest = {0};
    (void)str_cut(text, '\n', &line, &rest);
    str word = str_trim(line);
    if (str_starts(word, S("sep=")) && word.len == 5 && word.ptr[4] != '"') {
        struct csv csv = csv_of(text, word.ptr[4], arena);
        csv.at = csv.line_start = text.len - rest.len;
        csv.line = 2;
        csv.begun = true;
        return csv;
    }
    char best = ',';
    size_t most = 0;
    for (size_t i = 0; i < sizeof separators; i++) {
        size_t n = 0;
        for (size_t k = 0; k < line.len; k++)
            n += line.ptr[k] == separators[i];
        if (n > most) best = separators[i];
        most = n > most ? n : most;
    }
    struct csv csv = csv_of(text, best, arena);
    csv.begun = true;
    return csv;
}

bool review_csv_read(bytes content, struct arena *arena, struct review_csv_row **rows, size_t *n,
                     struct err *err)
{
    uint64_t mark = 0;
    size_t n_fields = 0, room = 0, count = 0;
    str *fields = NULL;
    struct place_walk walk;
    struct review_csv_row row, *made = NULL;
    bool found = false;
    struct reading_csv r = {.csv = csv_started(str_from_file(arena, content, &mark), arena)};
    if (!next_record(&r, &fields, &n_fields, &walk, &found, err)) return false;
    if (!found)
        return err_line(err, ERR_MALFORMED, 1, 1,
                        "expected a sheet of \"review start\", found "
                        "no line");
    if (!take_header(&r, fields, n_fields, walk, err)) return false;
    for (;;) {
        if (!next_record(&r, &fields, &n_fields, &walk, &found, err)) return false;
        if (!found) break;
        if (!take_row(&r, fields, n_fields, walk, &row, err)) return false;
        arena_grow(arena, made, count, room);
        made[count++] = row;
    }
    *rows = made;
    *n = count;
    return true;
}
