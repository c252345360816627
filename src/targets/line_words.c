/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/line_words.h"

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static size_t word_length(bytes rest)
{
    if (!rest.len) return 0;
    if (rest.ptr[0] == '\n') return 1;
    if (rest.ptr[0] == '"') {
        /* A backslash would take the quote behind it into the text. */
        for (size_t i = 1; i < rest.len && rest.ptr[i] != '\n' && rest.ptr[i] != '\\'; i++)
            if (rest.ptr[i] == '"') return i + 1;
        return 1; /* not closed: a lone quote fits nowhere */
    }
    size_t n = 0;
    while (n < rest.len && !is_blank(rest.ptr[n]) && rest.ptr[n] != '\n' && rest.ptr[n] != '"')
        n++;
    return n;
}

/* To the first word of the next line that has one. */
static void skip_lines(struct line_words *w)
{
    while (w->at < w->content.len) {
        size_t i = w->at;
        while (i < w->content.len && is_blank(w->content.ptr[i]))
            i++;
        bool remark = i < w->content.len && w->content.ptr[i] == '#';
        if (i < w->content.len && w->content.ptr[i] != '\n' && !remark) return;
        while (i < w->content.len && w->content.ptr[i] != '\n')
            i++;
        if (i == w->content.len) {
            w->at = i;
            return;
        }
        w->at = w->line_at = i + 1;
        w->line++;
    }
}

void line_words_next(struct line_words *w)
{
    if (w->word.len && w->word.ptr[0] == '\n') {
        w->line++;
        w->line_at = w->at;
    }
    if (!w->at || (w->word.len && w->word.ptr[0] == '\n')) skip_lines(w);
    while (w->at < w->content.len && is_blank(w->content.ptr[w->at]))
        w->at++;
    bytes rest = {w->content.len > w->at ? w->content.ptr + w->at : NULL, w->content.len - w->at};
    size_t n = word_length(rest);
    w->word = (str){(const char *)rest.ptr, n};
    w->word_at = w->at;
    w->at += n;
}

struct line_words line_words_of(bytes content, struct arena *arena, struct err *err)
{
    struct line_words w = {.content = content, .line = 1, .arena = arena, .err = err};
    for (size_t i = 0; i < content.len; i++) {
        uint8_t c = content.ptr[i];
        if ((c >= ' ' && c <= '~') || c == '\n') continue;
        /* The firewall and we might see different line ends or names in it. */
        w.content.len = w.at = 0;
        w.word = S("a byte that is not printable ASCII");
        return w;
    }
    line_words_next(&w);
    return w;
}

bool line_words_is(const struct line_words *w, const char *word)
{
    return str_equal(w->word, str_of(word));
}

bool line_words_take(struct line_words *w, const char *word)
{
    if (!line_words_is(w, word)) return false;
    line_words_next(w);
    return true;
}

bool line_words_unexpected(struct line_words *w, const char *wanted)
{
    uint32_t column = 1 + (uint32_t)(w->word_at >= w->line_at ? w->word_at - w->line_at : 0);
    str found = str_equal(w->word, S("\n")) ? S("the end of the line")
                                            : str_utf8(w->arena, str_head(w->word, 60));
    return err_line(w->err, ERR_MALFORMED, w->line, column, "expected %s, found \"%.*s\"", wanted,
                    STR_ARG(found));
}

bool line_words_expect(struct line_words *w, const char *phrase)
{
    str left = str_of(phrase);
    while (left.len) {
        str word;
        (void)str_cut(left, ' ', &word, &left);
        if (!str_equal(w->word, word)) return line_words_unexpected(w, phrase);
        line_words_next(w);
    }
    return true;
}

bool line_words_expect_word(struct line_words *w, str word)
{
    if (!str_equal(w->word, word)) return line_words_unexpected(w, str_c(w->arena, word));
    line_words_next(w);
    return true;
}

bool line_words_end_line(struct line_words *w)
{
    if (!str_equal(w->word, S("\n"))) return line_words_unexpected(w, "the end of the line");
    line_words_next(w);
    return true;
}

bool line_words_quoted(struct line_words *w, str *out)
{
    if (w->word.len < 3 || w->word.ptr[0] != '"')
        return line_words_unexpected(w, "a text in quotes");
    *out = str_head(str_tail(w->word, 1), w->word.len - 2);
    line_words_next(w);
    return true;
}

bool line_words_number(struct line_words *w, uint64_t most, uint64_t *out)
{
    uint64_t number = 0;
    if (!str_u64(w->word, most, &number) || !number || w->word.ptr[0] == '0')
        return line_words_unexpected(w, "a number");
    *out = number;
    line_words_next(w);
    return true;
}

bool line_words_numbered(str word, str stem, char kind, size_t *out)
{
    uint64_t number = 0;
    if (word.len < stem.len + 3 || !str_starts(word, stem)) return false;
    str rest = str_tail(word, stem.len);
    if (rest.ptr[0] != '-' || rest.ptr[1] != kind || rest.ptr[2] == '0') return false;
    if (!str_u64(str_tail(rest, 2), UINT32_MAX, &number)) return false;
    *out = (size_t)number;
    return true;
}

bool line_words_ports(str word, uint16_t *first, uint16_t *last)
{
    str left, right;
    uint64_t a = 0, b = 0;
    bool is_range = str_cut(word, '-', &left, &right);
    if (!str_u64(left, UINT16_MAX, &a) || !a || left.ptr[0] == '0') return false;
    b = a;
    if (is_range && (!str_u64(right, UINT16_MAX, &b) || right.ptr[0] == '0')) return false;
    if (b < a || (is_range && a == b)) return false;
    *first = (uint16_t)a;
    *last = (uint16_t)b;
    return true;
}

static int range_order(const void *left, const void *right)
{
    const struct range *a = left, *b = right;
    return addr_compare(a->first, b->first);
}

bool line_words_apart(const struct range *ranges, size_t n, struct arena *arena)
{
    struct range *sorted = arena_array(arena, struct range, n + 1);
    if (n) memcpy(sorted, ranges, n * sizeof *sorted);
    if (n) qsort(sorted, n, sizeof *sorted, range_order);
    for (size_t i = 0; i + 1 < n; i++)
        if (addr_compare(sorted[i].last, sorted[i + 1].first) >= 0) return false;
    return true;
}
