/* SPDX-License-Identifier: Apache-2.0 */
#include "report/sheet.h"

#include "base/csv.h"
#include "base/instant.h"
#include "report/html.h"

struct sheet *sheet_add(struct sheets *sheets, str name, str caption, str all,
                        const struct sheet_column *columns, size_t n_columns)
{
    struct sheet *sheet = arena_new(sheets->arena, struct sheet);
    *sheet = (struct sheet){
        .name = name, .caption = caption, .all = all, .columns = columns, .n_columns = n_columns};
    arena_grow(sheets->arena, sheets->items, sheets->n, sheets->room);
    sheets->items[sheets->n++] = sheet;
    return sheet;
}

static bool keep_row(struct sheets *sheets, struct sheet *sheet, bool folded)
{
    bool on_page = !folded && sheet->n_rows - sheet->n_folded < SHEET_MOST_ROWS;
    sheet->n_rows++;
    if (!sheets->whole && !on_page) {
        sheet->n_folded += folded;
        return false;
    }
    size_t n_kept = sheet->n_cells / sheet->n_columns;
    arena_grow(sheets->arena, sheet->folded, n_kept, sheet->folded_room);
    sheet->folded[n_kept] = !on_page;
    sheet->n_folded += folded;
    return true;
}

bool sheet_row(struct sheets *sheets, struct sheet *sheet)
{
    return keep_row(sheets, sheet, false);
}

bool sheet_row_folded(struct sheets *sheets, struct sheet *sheet)
{
    return keep_row(sheets, sheet, true);
}

void sheet_cell_kind(struct sheets *sheets, struct sheet *sheet, str text, str kind)
{
    arena_grow(sheets->arena, sheet->cells, sheet->n_cells, sheet->room);
    sheet->cells[sheet->n_cells++] = (struct sheet_cell){.text = text, .kind = kind};
}

void sheet_cell(struct sheets *sheets, struct sheet *sheet, str text)
{
    sheet_cell_kind(sheets, sheet, text, (str){0});
}

void sheet_cell_below(struct sheet *sheet, str text)
{
    if (sheet->n_cells) sheet->cells[sheet->n_cells - 1].below = text;
}

void sheet_cell_shown(struct sheet *sheet, str text)
{
    if (sheet->n_cells) sheet->cells[sheet->n_cells - 1].shown = text;
}

void sheet_cell_truth(struct sheets *sheets, struct sheet *sheet, bool value)
{
    sheet_cell(sheets, sheet, value ? S("true") : S("false"));
}

void sheet_cell_u64(struct sheets *sheets, struct sheet *sheet, uint64_t value)
{
    sheet_cell(sheets, sheet, str_format(sheets->arena, "%" PRIu64, value));
}

void sheet_cell_minute(struct sheets *sheets, struct sheet *sheet, int64_t instant_us)
{
    char text[INSTANT_TEXT];
    str full = instant_us ? instant_text(text, instant_us) : (str){0};
    sheet_cell(sheets, sheet,
               full.len ? str_format(sheets->arena, "%.*s %.*s", STR_ARG(str_head(full, 10)),
                                     STR_ARG(str_head(str_tail(full, 11), 5)))
                        : (str){0});
}

void sheet_cell_date(struct sheets *sheets, struct sheet *sheet, int64_t instant_us)
{
    char text[INSTANT_TEXT];
    sheet_cell(sheets, sheet,
               instant_us ? str_copy(sheets->arena, str_head(instant_text(text, instant_us), 10))
                          : (str){0});
}

const struct sheet *sheet_find(const struct sheets *sheets, str name)
{
    for (size_t i = 0; i < sheets->n; i++)
        if (str_equal(sheets->items[i]->name, name)) return sheets->items[i];
    return NULL;
}

/* ---- The page -----------------------------------------------------------------------------------
 */

static void put_cell(struct buf *out, struct html_table *table, const struct sheet_column *column,
                     const struct sheet_cell *cell)
{
    str text = cell->shown.len ? cell->shown : cell->text;
    html_table_cell_kind(out, table, cell->kind);
    if (column->look == SHEET_PICTURE)
        html_raw(out, text);
    else if (column->look == SHEET_CODE && text.len) {
        html_raw(out, S("<code>"));
        html_text(out, text);
        html_raw(out, S("</code>"));
    } else if (column->look == SHEET_MINUTE && text.len >= 10) {
        html_raw(out, S("<span class=\"short\">"));
        html_text(out, str_head(text, 10));
        html_raw(out, S("</span>"));
        html_text(out, str_tail(text, 10));
    } else
        html_breakable(out, text);
    if (cell->below.len) {
        html_raw(out, S("<small>"));
        html_breakable(out, cell->below);
        html_raw(out, S("</small>"));
    }
    html_table_cell_end(out);
}

static void put_more(struct buf *out, const struct sheet *sheet, size_t n_shown)
{
    size_t n_more = sheet->n_rows - n_shown;
    if (sheet->note.len) {
        html_raw(out, S("<p class=\"soft\">"));
        html_text(out, sheet->note);
        html_raw(out, S("</p>\n"));
    }
    if (!n_more) return;
    buf_format(out, "<p class=\"soft more\">%zu more row%s not shown here: ", n_more,
               n_more == 1 ? " is" : "s are");
    if (sheet->all.len) {
        html_raw(out, S("<code>"));
        html_text(out, sheet->all);
        html_raw(out, S("</code> lists all; "));
    }
    html_raw(out, S("<code>--csv DIR</code> writes "));
    html_text(out, sheet->name);
    html_raw(out, S(".csv with every row.</p>\n"));
}

void sheet_html(struct buf *out, const struct sheet *sheet)
{
    struct html_column *columns;
    struct arena scratch = arena_open("table", 1 << 20, NULL);
    size_t n_columns = 0;
    columns = arena_array(&scratch, struct html_column, sheet->n_columns);
    for (size_t i = 0; i < sheet->n_columns; i++)
        if (!sheet->columns[i].file_only)
            columns[n_columns++] = (struct html_column){sheet->columns[i].title,
                                                        sheet->columns[i].look == SHEET_NUMBER};
    size_t n_shown = 0, n_kept = sheet->n_cells / sheet->n_columns;
    if (sheet->n_rows && sheet->n_folded == sheet->n_rows) {
        put_more(out, sheet, 0);
        arena_close(&scratch);
        return;
    }
    struct html_table table = html_table_start(out, sheet->caption, columns, n_columns);
    for (size_t i = 0; i < n_kept; i++) {
        if (sheet->folded[i]) continue;
        n_shown++;
        html_table_row(out, &table);
        for (size_t j = 0; j < sheet->n_columns; j++)
            if (!sheet->columns[j].file_only)
                put_cell(out, &table, &sheet->columns[j], &sheet->cells[i * sheet->n_columns + j]);
        html_table_row_end(out);
    }
    html_table_end(out);
    put_more(out, sheet, n_shown);
    arena_close(&scratch);
}

/* ---- Files --------------------------------------------------------------------------------------
 */

void sheet_csv(struct buf *out, const struct sheet *sheet)
{
    bool first = true;
    for (size_t j = 0; j < sheet->n_columns; j++) {
        if (sheet->columns[j].look == SHEET_PICTURE) continue;
        if (!first) buf_char(out, ',');
        csv_put(out, sheet->columns[j].key);
        first = false;
    }
    buf_str(out, S("\r\n"));
    for (size_t i = 0; i + sheet->n_columns <= sheet->n_cells; i += sheet->n_columns) {
        first = true;
        for (size_t j = 0; j < sheet->n_columns; j++) {
            if (sheet->columns[j].look == SHEET_PICTURE) continue;
            if (!first) buf_char(out, ',');
            csv_put(out, sheet->cells[i + j].text);
            first = false;
        }
        buf_str(out, S("\r\n"));
    }
}

static void put_value(struct json *json, enum sheet_look look, str text)
{
    int64_t number;
    uint64_t value;
    if (!text.len)
        json_null(json);
    else if (look == SHEET_TRUTH)
        json_bool(json, str_equal(text, S("true")));
    else if (look == SHEET_NUMBER && str_u64(text, UINT64_MAX, &value))
        json_u64(json, value);
    else if (look == SHEET_NUMBER && text.ptr[0] == '-' &&
             str_u64(str_tail(text, 1), INT64_MAX, &value)) {
        number = -(int64_t)value;
        json_i64(json, number);
    } else
        json_str(json, text);
}

void sheet_json(struct json *json, const struct sheets *sheets)
{
    json_object(json);
    for (size_t k = 0; k < sheets->n; k++) {
        const struct sheet *sheet = sheets->items[k];
        json_key(json, sheet->name);
        json_array(json);
        for (size_t i = 0; i + sheet->n_columns <= sheet->n_cells; i += sheet->n_columns) {
            json_object(json);
            for (size_t j = 0; j < sheet->n_columns; j++) {
                if (sheet->columns[j].look == SHEET_PICTURE) continue;
                json_key(json, sheet->columns[j].key);
                put_value(json, sheet->columns[j].look, sheet->cells[i + j].text);
            }
            json_object_end(json);
        }
        json_array_end(json);
    }
    json_object_end(json);
}
