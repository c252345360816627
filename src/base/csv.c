/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"

struct csv csv_of(str text, char separator, struct arena *arena)
{
    return (struct csv){
        .text = text,
        .separator = separator,
        .arena = arena,
        .line = 1,
        .record_line = 1,
    };
}

/* Columns count characters: bytes that do not continue one. */
static uint32_t column_of(const struct csv *csv, size_t at)
{
    uint32_t column = 1;
    for (size_t i = csv->line_start; i < at; i++)
        column += ((uint8_t)csv->text.ptr[i] & 0xC0) != 0x80 && column < UINT32_MAX;
    return column;
}

static bool fail(const struct csv *csv, enum err_kind kind, size_t at, const char *text,
                 struct err *err)
{
    return err_line(err, kind, csv->line, column_of(csv, at), "%s", text);
}

static bool at_char(const struct csv *csv, char c)
{
    return csv->at < csv->text.len && csv->text.ptr[csv->at] == c;
}

static void pass_newline(struct csv *csv)
{
    csv->at++;
    if (csv->line < UINT32_MAX) csv->line++;
    csv->line_start = csv->at;
}

/* At the end of a line or of the text? A CR must be followed by LF. */
static bool at_record_end(const struct csv *csv, bool *out, struct err *err)
{
    *out = csv->at == csv->text.len || at_char(csv, '\n');
    if (*out || !at_char(csv, '\r')) return true;
    if (csv->at + 1 == csv->text.len || csv->text.ptr[csv->at + 1] != '\n')
        return fail(csv, ERR_MALFORMED, csv->at, "expected a line feed behind the carriage return",
                    err);
    *out = true;
    return true;
}

static void pass_record_end(struct csv *csv)
{
    if (at_char(csv, '\r')) csv->at++;
    if (at_char(csv, '\n')) pass_newline(csv);
}

/* The field without its outer quotes, doubled ones made single. */
static str without_doubled(struct csv *csv, str raw, size_t doubled)
{
    if (!doubled) return raw;
    char *text = arena_array(csv->arena, char, raw.len - doubled);
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        text[len++] = raw.ptr[i];
        if (raw.ptr[i] == '"') i++;
    }
    return (str){text, len};
}

static bool take_quoted(struct csv *csv, str *out, struct err *err)
{
    const struct csv opened = *csv; /* where the quote stands, should its other half be missing */
    size_t start = ++csv->at, doubled = 0;
    for (;;) {
        if (csv->at == csv->text.len)
            return fail(&opened, ERR_TRUNCATED, opened.at, "the quoted field has no end", err);
        if (at_char(csv, '\n')) {
            pass_newline(csv);
            continue;
        }
        bool quote = at_char(csv, '"');
        csv->at++;
        if (!quote) continue;
        if (!at_char(csv, '"')) break;
        csv->at++;
        doubled++;
    }
    *out = without_doubled(csv, (str){csv->text.ptr + start, csv->at - 1 - start}, doubled);
    return true;
}

static bool take_unquoted(struct csv *csv, str *out, struct err *err)
{
    size_t start = csv->at;
    bool ends = false;
    while (!at_char(csv, csv->separator)) {
        if (!at_record_end(csv, &ends, err)) return false;
        if (ends) break;
        if (at_char(csv, '"'))
            return fail(csv, ERR_MALFORMED, csv->at, "a quote inside a field that is not quoted",
                        err);
        csv->at++;
    }
    *out = (str){csv->text.ptr + start, csv->at - start};
    return true;
}

bool csv_next(struct csv *csv, str **fields, size_t *n, bool *found, struct err *err)
{
    str *record = NULL;
    size_t count = 0, room = 0;
    if (!csv->begun && str_starts(csv->text, S("\xEF\xBB\xBF"))) csv->at = csv->line_start = 3;
    csv->begun = true;
    for (bool blank = true; blank && csv->at < csv->text.len;) {
        if (!at_record_end(csv, &blank, err)) return false;
        if (blank) pass_record_end(csv);
    }
    *found = false;
    if (csv->at == csv->text.len) return true;

    csv->record_line = csv->line;
    for (bool ends = false; !ends;) {
        str field;
        if (count == LIMIT_CSV_FIELDS)
            return fail(csv, ERR_LIMIT, csv->at, "the record has too many fields", err);
        bool quoted = at_char(csv, '"');
        if (quoted ? !take_quoted(csv, &field, err) : !take_unquoted(csv, &field, err))
            return false;
        arena_grow(csv->arena, record, count, room);
        record[count++] = field;
        if (at_char(csv, csv->separator)) {
            csv->at++;
            continue;
        }
        if (!at_record_end(csv, &ends, err)) return false;
        if (!ends)
            return fail(csv, ERR_MALFORMED, csv->at,
                        "expected a separator or the end of the line behind the closing quote",
                        err);
    }
    pass_record_end(csv);
    *fields = record;
    *n = count;
    *found = true;
    return true;
}

void csv_put(struct buf *out, str text)
{
    bool quoted = false, formula = text.len > 1 && text.ptr[0] && strchr("=+-@\t\r", text.ptr[0]);
    for (size_t i = 0; i < text.len && !quoted; i++)
        quoted =
            text.ptr[i] == ',' || text.ptr[i] == '"' || text.ptr[i] == '\n' || text.ptr[i] == '\r';
    if (quoted) buf_char(out, '"');
    if (formula) buf_char(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"') buf_char(out, '"');
        buf_char(out, text.ptr[i]);
    }
    if (quoted) buf_char(out, '"');
}
