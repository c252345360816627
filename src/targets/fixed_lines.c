/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/fixed_lines.h"

/* The next line with its end; false when the text does not have that end. */
static bool next_line(str *left, str end, str *line)
{
    str rest;
    bool whole = str_cut(*left, '\n', line, &rest);
    *left = whole ? rest : (str){0};
    if (whole && end.len == 2) {
        whole = str_ends(*line, S("\r"));
        if (whole) line->len--;
    }
    return whole;
}

bool fixed_lines_are(str source, str content, str end, const str *lines, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        str line;
        if (next_line(&content, end, &line) && str_equal(line, lines[i])) continue;
        (void)err_line(err, ERR_MALFORMED, (uint32_t)i + 1, 1, "expected \"%.*s\", found \"%.*s\"",
                       STR_ARG(str_head(lines[i], 120)), STR_ARG(str_head(line, 80)));
        return err_in(err, source);
    }
    if (!content.len) return true;
    (void)err_line(err, ERR_MALFORMED, (uint32_t)n + 1, 1, "expected the end of the script");
    return err_in(err, source);
}

bool fixed_lines_remarks(str source, str content, struct err *err)
{
    for (uint32_t n = 1; content.len; n++) {
        str line;
        if (next_line(&content, S("\n"), &line) && str_starts(line, S("# "))) continue;
        (void)err_line(err, ERR_MALFORMED, n, 1, "expected a remark, found \"%.*s\"",
                       STR_ARG(str_head(line, 60)));
        return err_in(err, source);
    }
    return true;
}
