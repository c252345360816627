/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/powershell_scan.h"

/* ---- Lines --------------------------------------------------------------------------------------
 */

void powershell_scan_next(struct powershell_scan *s)
{
    s->text = (str){0};
    while (s->left.len && !s->text.len) {
        str whole, rest;
        s->at = s->total - s->left.len;
        s->line++;
        (void)str_cut(s->left, '\n', &whole, &rest);
        s->left = rest;
        s->text = str_trim(whole);
        s->at += (size_t)(s->text.ptr - whole.ptr);
        if (str_starts(s->text, S("#"))) s->text = (str){0};
    }
}

/* A control character may end a line for PowerShell but not for us, a quote beyond ASCII may end a
 * string: neither is ever written. */
static bool is_plain(bytes content)
{
    for (size_t i = 0; i < content.len; i++) {
        uint8_t c = content.ptr[i];
        bool line_end =
            c == '\n' || (c == '\r' && i + 1 < content.len && content.ptr[i + 1] == '\n');
        if (!line_end && (c < ' ' || c > '~')) return false;
    }
    return true;
}

struct powershell_scan powershell_scan_of(bytes content, struct arena *arena, struct err *err)
{
    struct powershell_scan s = {
        .left = str_of_bytes(content), .total = content.len, .arena = arena, .err = err};
    if (!is_plain(content)) {
        s.text = S("(a byte that is not printable ASCII)");
        return s;
    }
    powershell_scan_next(&s);
    return s;
}

bool powershell_scan_unexpected(struct powershell_scan *s, str wanted)
{
    str found = str_utf8(s->arena, str_head(s->text, 80));
    return err_line(s->err, ERR_MALFORMED, s->line ? s->line : 1, 1,
                    "expected \"%.*s\", found \"%.*s\"", STR_ARG(str_head(wanted, 120)),
                    STR_ARG(found));
}

bool powershell_scan_line(struct powershell_scan *s, str wanted)
{
    if (!str_equal(s->text, wanted)) return powershell_scan_unexpected(s, wanted);
    powershell_scan_next(s);
    return true;
}

static bool is_passed_over(str line)
{
    return !line.len || line.ptr[0] == '#';
}

bool powershell_scan_part(struct powershell_scan *s, enum powershell_part part)
{
    struct powershell_lines lines = powershell_script(part);
    for (size_t i = 0; i < lines.n; i++) {
        str line = str_trim(lines.lines[i]);
        if (!is_passed_over(line) && !powershell_scan_line(s, line)) return false;
    }
    return true;
}

bool powershell_scan_parts(struct powershell_scan *s, const enum powershell_part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!powershell_scan_part(s, parts[i])) return false;
    return true;
}

bool powershell_scan_at(const struct powershell_scan *s, enum powershell_part part)
{
    struct powershell_lines lines = powershell_script(part);
    size_t first = 0;
    while (is_passed_over(str_trim(lines.lines[first])))
        first++;
    return str_equal(s->text, str_trim(lines.lines[first]));
}

bool powershell_scan_end(struct powershell_scan *s)
{
    return !s->text.len || powershell_scan_unexpected(s, S("the end of the script"));
}

static bool is_word(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
    }
    return text.len > 0;
}

bool powershell_scan_workspace(struct powershell_scan *s, str *out)
{
    str head = S("$workspace = '"), word = {0};
    if (str_starts(s->text, head) && str_ends(s->text, S("'")) && s->text.len > head.len)
        word = str_head(str_tail(s->text, head.len), s->text.len - head.len - 1);
    if (!is_word(word)) return powershell_scan_unexpected(s, S("$workspace = 'WORKSPACE'"));
    powershell_scan_next(s);
    *out = word;
    return true;
}

/* ---- Words --------------------------------------------------------------------------------------
 */

struct powershell_words powershell_scan_words(const struct powershell_scan *s)
{
    return (struct powershell_words){.arena = s->arena, .left = s->text};
}

bool powershell_scan_take(struct powershell_words *w, str literal)
{
    if (w->wanted || !str_starts(w->left, literal)) return false;
    w->left = str_tail(w->left, literal.len);
    return true;
}

void powershell_scan_must_take(struct powershell_words *w, str literal)
{
    if (!w->wanted && !powershell_scan_take(w, literal)) w->wanted = literal.ptr;
}

str powershell_scan_quoted(struct powershell_words *w)
{
    struct buf text = buf_in(w->arena);
    powershell_scan_must_take(w, S("'"));
    while (!w->wanted) {
        str head, tail;
        if (!str_cut(w->left, '\'', &head, &tail)) {
            w->wanted = "a closing apostrophe";
            break;
        }
        buf_str(&text, head);
        w->left = tail;
        if (!str_starts(tail, S("'"))) break;
        buf_char(&text, '\'');
        w->left = str_tail(tail, 1);
    }
    return w->wanted ? (str){0} : buf_text(&text);
}

size_t powershell_scan_one_of(struct powershell_words *w, const str *choices, size_t n,
                              const char *wanted)
{
    for (size_t i = 0; i < n; i++)
        if (powershell_scan_take(w, choices[i])) return i;
    if (!w->wanted) w->wanted = wanted;
    return 0;
}

uint64_t powershell_scan_number(struct powershell_words *w, uint64_t most)
{
    size_t n = 0;
    uint64_t number = 0;
    while (n < w->left.len && w->left.ptr[n] >= '0' && w->left.ptr[n] <= '9')
        n++;
    bool fits = n && str_u64(str_head(w->left, n), most, &number);
    if (!w->wanted && (!fits || (n > 1 && w->left.ptr[0] == '0'))) w->wanted = "a number";
    if (w->wanted) return 0;
    w->left = str_tail(w->left, n);
    return number;
}

bool powershell_scan_finish(struct powershell_scan *s, struct powershell_words *w)
{
    if (!w->wanted && w->left.len) w->wanted = "the end of the line";
    if (w->wanted)
        return err_line(s->err, ERR_MALFORMED, s->line, 1 + (uint32_t)(s->text.len - w->left.len),
                        "expected \"%s\", found \"%.*s\"", w->wanted,
                        STR_ARG(str_utf8(s->arena, str_head(w->left, 60))));
    powershell_scan_next(s);
    return true;
}
