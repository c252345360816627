/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/acl_words.h"

#include "targets/own_spelling.h"

/* ---- Lines --------------------------------------------------------------------------------------
 */

static void next_word(struct acl_words *w)
{
    if (w->line.len) w->column = 1 + (uint32_t)(w->line.ptr - w->begin);
    size_t n = 0;
    while (n < w->line.len && w->line.ptr[n] != ' ')
        n++;
    w->word = str_head(w->line, n);
    w->line = str_tail(w->line, n);
    /* The one blank that parts it from the next word, if there is one. */
    if (w->line.len > 1 && w->line.ptr[1] != ' ') w->line = str_tail(w->line, 1);
}

/* To the next line that says something. */
static void next_line(struct acl_words *w)
{
    while (w->left.len) {
        str line, rest;
        w->begin = w->left.ptr;
        (void)str_cut(w->left, '\n', &line, &rest);
        w->left = rest;
        w->number++;
        w->column = 1;
        if (!line.len || line.ptr[0] == w->comment) continue;
        w->indented = line.ptr[0] == ' ';
        w->line = str_tail(line, w->indented ? 1 : 0);
        next_word(w);
        return;
    }
    w->ended = true;
    w->indented = false;
    w->word = w->line = (str){0};
}

bool acl_words_open(struct acl_words *w, bytes content, char comment, struct arena *arena,
                    struct err *err)
{
    str text = str_of_bytes(content);
    uint32_t line = 1;
    *w = (struct acl_words){.left = text, .comment = comment, .arena = arena, .err = err};
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\n') line++;
        if ((c >= ' ' && c <= '~') || c == '\n') continue;
        /* The firewall and we might see different line ends or names in it. */
        return err_line(err, ERR_MALFORMED, line, 1, "expected printable ASCII, found byte 0x%02x",
                        (unsigned)(unsigned char)c);
    }
    next_line(w);
    return true;
}

uint64_t acl_words_offset(const struct acl_words *w, bytes content)
{
    return w->ended ? content.len : (uint64_t)(w->begin - (const char *)content.ptr);
}

bool acl_words_next_line(struct acl_words *w)
{
    if (w->word.len || w->line.len) return acl_words_unexpected(w, "the end of the line");
    next_line(w);
    return true;
}

/* ---- Words --------------------------------------------------------------------------------------
 */

bool acl_words_unexpected(struct acl_words *w, const char *wanted)
{
    if (w->ended)
        return err_line(w->err, ERR_MALFORMED, w->number + 1, 1,
                        "expected %s, found the end of the file", wanted);
    str found = w->word.len ? w->word : w->line;
    if (!found.len)
        return err_line(w->err, ERR_MALFORMED, w->number, w->column,
                        "expected %s, found the end of the line", wanted);
    return err_line(w->err, ERR_MALFORMED, w->number, w->column, "expected %s, found \"%.*s\"",
                    wanted, STR_ARG(str_head(found, 60)));
}

bool acl_words_is(const struct acl_words *w, const char *word)
{
    return str_equal(w->word, str_of(word));
}

void acl_words_skip(struct acl_words *w)
{
    next_word(w);
}

bool acl_words_take(struct acl_words *w, const char *word)
{
    if (!acl_words_is(w, word)) return false;
    next_word(w);
    return true;
}

bool acl_words_expect_word(struct acl_words *w, str word)
{
    if (!str_equal(w->word, word))
        return acl_words_unexpected(
            w, str_c(w->arena, str_format(w->arena, "\"%.*s\"", STR_ARG(word))));
    next_word(w);
    return true;
}

bool acl_words_expect(struct acl_words *w, const char *phrase)
{
    str left = str_of(phrase);
    while (left.len) {
        str word;
        (void)str_cut(left, ' ', &word, &left);
        if (!str_equal(w->word, word)) return acl_words_unexpected(w, phrase);
        next_word(w);
    }
    return true;
}

bool acl_words_begins(const struct acl_words *w, const char *phrase)
{
    struct acl_words ahead = *w;
    str left = str_of(phrase);
    while (left.len) {
        str word;
        (void)str_cut(left, ' ', &word, &left);
        if (!str_equal(ahead.word, word)) return false;
        next_word(&ahead);
    }
    return true;
}

str acl_words_rest(struct acl_words *w)
{
    str rest = w->word;
    /* The words are pieces of one line. */
    if (w->line.len) rest.len = (size_t)(w->line.ptr + w->line.len - w->word.ptr);
    w->word = w->line = (str){0};
    return rest;
}

/* ---- Values -------------------------------------------------------------------------------------
 */

bool acl_words_u64(struct acl_words *w, uint64_t least, uint64_t most, const char *wanted,
                   uint64_t *out)
{
    uint64_t value = 0;
    bool padded = w->word.len > 1 && w->word.ptr[0] == '0';
    if (padded || !str_u64(w->word, most, &value) || value < least)
        return acl_words_unexpected(w, wanted);
    *out = value;
    next_word(w);
    return true;
}

bool acl_words_port(struct acl_words *w, uint16_t *out)
{
    uint64_t port = 0;
    if (!acl_words_u64(w, 1, UINT16_MAX, "a port", &port)) return false;
    *out = (uint16_t)port;
    return true;
}

bool acl_words_addr(struct acl_words *w, bool v4, struct addr *out)
{
    struct addr a;
    if (!addr_parse(w->word, &a) || addr_is_v4(a) != v4 ||
        !own_spelling_of(w->word, (struct range){a, a}))
        return acl_words_unexpected(w, v4 ? "an IPv4 address" : "an IPv6 address");
    *out = a;
    next_word(w);
    return true;
}

bool acl_words_masked(struct acl_words *w, bool wildcard, struct range *out)
{
    struct addr first, mask;
    if (!acl_words_addr(w, true, &first)) return false;
    if (!addr_parse(w->word, &mask) || !addr_is_v4(mask) || str_contains(w->word, S(":")))
        return acl_words_unexpected(w, wildcard ? "a wildcard mask" : "a mask");
    uint32_t low = addr_v4_value(mask), value = addr_v4_value(first);
    if (!wildcard) low = ~low;
    /* Ones from the right, and no host bits; a single address has a word of its own. */
    if (!low || low == UINT32_MAX || (low & (low + 1)) || (value & low))
        return acl_words_unexpected(w, wildcard ? "the wildcard mask of a network"
                                                : "the mask of a network");
    *out = (struct range){first, addr_v4(value | low)};
    next_word(w);
    return true;
}

bool acl_words_prefix(struct acl_words *w, struct range *out)
{
    struct prefix p;
    str head, tail;
    if (!str_cut(w->word, '/', &head, &tail) || !prefix_parse(w->word, &p) ||
        prefix_has_host_bits(p) || (tail.len > 1 && tail.ptr[0] == '0') ||
        (!addr_is_v4(p.addr) && !own_spelling_of(w->word, prefix_range(p))))
        return acl_words_unexpected(w, "a prefix without host bits");
    *out = prefix_range(p);
    next_word(w);
    return true;
}

bool acl_words_ascend(struct acl_words *w, struct acl_ranges *list, struct range range)
{
    struct addr before = list->n ? list->items[list->n - 1].last : range.first;
    bool same_family = addr_is_v4(before) == addr_is_v4(range.first);
    bool behind = same_family ? addr_compare(range.first, before) > 0 : addr_is_v4(before);
    if (list->n && !behind)
        return err_line(w->err, ERR_MALFORMED, w->number, 1,
                        "expected addresses in ascending order, each once");
    arena_grow(w->arena, list->items, list->n, list->room);
    list->items[list->n++] = range;
    return true;
}
