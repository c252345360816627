/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/pf_read.h"

#include "base/map.h"
#include "targets/own_spelling.h"

/* ---- Words --------------------------------------------------------------------------------------
 */

/* The file as words. In pf a line's end ends a rule, unless a backslash stands before it: so it is
 * a word of its own, one for any number of them. */
struct words {
    bytes content;
    size_t at; /* after the current word */
    str word;  /* the current word; empty at the end */
    size_t word_at;
    uint32_t line; /* of the current word */
    size_t line_at;
    str anchor; /* what the comments say */
    struct arena *arena;
    struct err *err;
};

static bool at_line_end(const struct words *w)
{
    return w->at < w->content.len && w->content.ptr[w->at] == '\n';
}

static void next_line(struct words *w)
{
    w->at++;
    w->line++;
    w->line_at = w->at;
}

static void skip_comment(struct words *w)
{
    size_t from = w->at;
    while (w->at < w->content.len && !at_line_end(w))
        w->at++;
    str comment = {(const char *)w->content.ptr + from, w->at - from}, mark = S("# anchor: ");
    if (!w->anchor.len && str_starts(comment, mark)) w->anchor = str_tail(comment, mark.len);
}

static void skip_blanks(struct words *w)
{
    for (bool more = true; more;) {
        char c = w->at < w->content.len ? (char)w->content.ptr[w->at] : '\0';
        bool goes_on = c == '\\' && w->at + 1 < w->content.len && w->content.ptr[w->at + 1] == '\n';
        more = c == ' ' || goes_on;
        if (more) w->at++;
        if (goes_on) next_line(w);
        if (c == '#') skip_comment(w);
    }
}

static bool is_mark(char c)
{
    return c == '{' || c == '}' || c == ',' || c == '!';
}

static size_t word_length(bytes rest)
{
    if (!rest.len) return 0;
    const char *text = (const char *)rest.ptr;
    if (is_mark(text[0]) || text[0] == '\\') return 1;
    if (text[0] == '"') {
        /* A backslash would take the quote behind it into the text. */
        for (size_t i = 1; i < rest.len && text[i] != '\n' && text[i] != '\\'; i++)
            if (text[i] == '"') return i + 1;
        return 1; /* not closed: a lone quote fits nowhere */
    }
    size_t n = 0;
    while (n < rest.len && !is_mark(text[n]) && !memchr(" \n#\"\\", text[n], 5))
        n++;
    return n;
}

static void next_word(struct words *w)
{
    bool was_end = str_equal(w->word, S("\n"));
    skip_blanks(w);
    if (at_line_end(w) && !was_end) {
        w->word = S("\n");
        w->word_at = w->at;
        return;
    }
    while (at_line_end(w)) {
        next_line(w);
        skip_blanks(w);
    }
    bytes rest = {w->content.ptr + w->at, w->content.len - w->at};
    size_t n = word_length(rest);
    w->word = (str){(const char *)rest.ptr, n};
    w->word_at = w->at;
    w->at += n;
}

static bool unexpected(struct words *w, const char *wanted)
{
    uint32_t column = 1 + (uint32_t)(w->word_at >= w->line_at ? w->word_at - w->line_at : 0);
    str found = str_equal(w->word, S("\n")) ? S("the end of the line") : w->word;
    return err_line(w->err, ERR_MALFORMED, w->line, column, "expected %s, found \"%.*s\"", wanted,
                    STR_ARG(str_utf8(w->arena, str_head(found, 60))));
}

static bool is(const struct words *w, const char *word)
{
    return str_equal(w->word, str_of(word));
}

static bool take(struct words *w, const char *word)
{
    if (!is(w, word)) return false;
    next_word(w);
    return true;
}

/* The words of a phrase, parted by single blanks, must stand here in a row. */
static bool expect(struct words *w, const char *phrase)
{
    str left = str_of(phrase);
    while (left.len) {
        str word;
        (void)str_cut(left, ' ', &word, &left);
        if (!str_equal(w->word, word)) return unexpected(w, phrase);
        next_word(w);
    }
    return true;
}

static bool expect_line_end(struct words *w)
{
    if (!is(w, "\n")) return unexpected(w, "the end of the line");
    next_word(w);
    return true;
}

static struct words words_of(bytes content, struct arena *arena, struct err *err)
{
    struct words w = {.content = content, .line = 1, .arena = arena, .err = err};
    bool in_comment = false;
    for (size_t i = 0; i < content.len; i++) {
        uint8_t c = content.ptr[i];
        in_comment = c != '\n' && (in_comment || c == '#');
        /* To pf, a comment that ends in a backslash goes on in the next line, rule or not. */
        bool goes_on = in_comment && c == '\\';
        if (((c >= ' ' && c <= '~') || c == '\n') && !goes_on) continue;
        /* pf and we might see different line ends or names in it. */
        w.content.len = 0;
        w.word =
            goes_on ? S("a comment with a backslash") : S("a byte that is not printable ASCII");
        return w;
    }
    w.word = S("\n");
    next_word(&w);
    return w;
}

/* ---- Tables -------------------------------------------------------------------------------------
 */

struct table {
    struct prefix_set set;
    bool has_v4, has_v6;
};

struct tables {
    struct table *items;
    size_t n, room;
    struct map numbers;
};

static bool is_table_name(str word)
{
    if (word.len < 3 || word.len > 33 || word.ptr[0] != '<' || word.ptr[word.len - 1] != '>')
        return false;
    for (size_t i = 1; i + 1 < word.len; i++) {
        char c = word.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        if (!letter) return false;
    }
    return true;
}

static bool read_prefixes(struct words *w, struct table *table)
{
    struct range *ranges = NULL;
    size_t n = 0, room = 0;
    for (bool more = !is(w, "}"); more; more = take(w, ",")) {
        struct prefix p;
        if (!prefix_parse(w->word, &p) || prefix_has_host_bits(p) ||
            !own_spelling_of(w->word, prefix_range(p)))
            return unexpected(w, "an address or a prefix");
        if (n && addr_compare(ranges[n - 1].last, p.addr) >= 0)
            return unexpected(w, "an address behind those before it");
        arena_grow(w->arena, ranges, n, room);
        ranges[n++] = prefix_range(p);
        *(addr_is_v4(p.addr) ? &table->has_v4 : &table->has_v6) = true;
        next_word(w);
    }
    table->set = prefix_set_of(w->arena, ranges, n);
    return true;
}

/* After "table". */
static bool read_table(struct words *w, struct tables *tables)
{
    struct table table = {0};
    bool fresh = false;
    str name = w->word;
    if (!is_table_name(name)) return unexpected(w, "the name of a table in < and >");
    (void)map_put(&tables->numbers, w->arena, name, tables->n, &fresh);
    if (!fresh) return unexpected(w, "a table of another name");
    next_word(w);
    if (!expect(w, "const {") || !read_prefixes(w, &table) || !expect(w, "}")) return false;
    arena_grow(w->arena, tables->items, tables->n, tables->room);
    tables->items[tables->n++] = table;
    return expect_line_end(w);
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

/* One end of a rule. */
struct end {
    bool any, local; /* local: the table's name says so */
    struct prefix_set set;
};

enum family { FAMILY_BOTH, FAMILY_V4, FAMILY_V6 };

static bool read_end(struct words *w, const struct tables *tables, enum family family,
                     struct end *out)
{
    *out = (struct end){
        .any = true, .set = {&addr_all, 1}
    };
    if (take(w, "any")) return true;
    const uint64_t *number = map_find(&tables->numbers, w->word);
    if (!number) return unexpected(w, "any, or a table from above");
    const struct table *table = &tables->items[*number];
    if (family == FAMILY_BOTH || (family == FAMILY_V4 ? table->has_v6 : table->has_v4))
        return unexpected(w, "a table of the rule's family, inet or inet6");
    *out = (struct end){.local = str_starts(w->word, S("<local_")), .set = table->set};
    next_word(w);
    return true;
}

static bool read_number(str text, uint16_t *out)
{
    uint64_t port = 0;
    if (!str_u64(text, UINT16_MAX, &port) || !port || text.ptr[0] == '0') return false;
    *out = (uint16_t)port;
    return true;
}

static bool read_port(struct words *w, struct rule *rule)
{
    str first, last;
    struct service_port p = {.transport = rule->transport};
    bool is_range = str_cut(w->word, ':', &first, &last);
    if (!read_number(first, &p.first) || !read_number(is_range ? last : first, &p.last) ||
        p.last < p.first || rule->n_ports == LIMIT_SERVICE_PORTS)
        return unexpected(w, "a port or a range of ports");
    rule_add_port(rule, w->arena, p);
    next_word(w);
    return true;
}

static bool read_ports(struct words *w, struct rule *rule)
{
    if (!expect(w, "port")) return false;
    if (!take(w, "{")) return read_port(w, rule);
    do {
        if (!read_port(w, rule)) return false;
    } while (take(w, ","));
    return expect(w, "}");
}

static bool read_label(struct words *w, struct rule *rule)
{
    if (!expect(w, "label")) return false;
    if (w->word.len < 3 || w->word.ptr[0] != '"') return unexpected(w, "the rule's id in quotes");
    rule->id = str_head(str_tail(w->word, 1), w->word.len - 2);
    rule->name = rule->id;
    next_word(w);
    return true;
}

/* Which end is the machine's own, or inside. */
static bool place_ends(struct words *w, bool border, const struct end *from, const struct end *to,
                       struct rule *rule)
{
    if (border && (from->any || to->any || from->local == to->local))
        return unexpected(w, "a rule of a border, from local to remote or from remote to local");
    if (border) rule->direction = from->local ? DIRECTION_OUTBOUND : DIRECTION_INBOUND;
    bool outbound = rule->direction == DIRECTION_OUTBOUND;
    rule->local = outbound ? from->set : to->set;
    rule->remote = outbound ? to->set : from->set;
    return true;
}

/* "block drop in log quick on ! lo0", "pass quick" */
static bool read_action(struct words *w, bool border, struct rule *rule)
{
    rule->action = is(w, "pass") ? ACTION_ALLOW : ACTION_BLOCK;
    if (!take(w, "pass") && !take(w, "block")) return unexpected(w, "pass or block");
    bool stops = rule->action == ACTION_BLOCK;
    if (stops && !take(w, "drop") && !expect(w, "return")) return false;
    if (!border) {
        rule->direction = is(w, "in") ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
        if (!take(w, "in") && !take(w, "out")) return unexpected(w, "in or out");
    }
    if (stops && !expect(w, "log")) return false;
    rule->logs = stops;
    return expect(w, "quick") && (border || expect(w, "on ! lo0"));
}

static bool read_rule(struct words *w, const struct tables *tables, bool border, struct rule *out)
{
    struct rule rule = {
        .enabled = true, .quick = true, .profiles = 1u << PROFILE_DOMAIN, .offset = w->word_at};
    struct end from, to;
    if (!read_action(w, border, &rule)) return false;
    enum family family = is(w, "inet") ? FAMILY_V4 : is(w, "inet6") ? FAMILY_V6 : FAMILY_BOTH;
    if (family != FAMILY_BOTH) next_word(w);
    if (!expect(w, "proto")) return false;
    rule.transport = is(w, "tcp") ? TRANSPORT_TCP : TRANSPORT_UDP;
    if (!take(w, "tcp") && !take(w, "udp")) return unexpected(w, "tcp or udp");
    if (!expect(w, "from") || !read_end(w, tables, family, &from) || !expect(w, "to") ||
        !read_end(w, tables, family, &to) || !place_ends(w, border, &from, &to, &rule))
        return false;
    if (from.any && to.any && family != FAMILY_BOTH)
        return unexpected(w, "a rule of both families, or a table");
    if (!read_ports(w, &rule)) return false;
    if (rule.action == ACTION_ALLOW && !expect(w, "keep state")) return false;
    if (!read_label(w, &rule) || !expect_line_end(w)) return false;
    *out = rule;
    return true;
}

/* ---- Files --------------------------------------------------------------------------------------
 */

static bool is_anchor(str name)
{
    str mark = S("sallyport-border-");
    if (str_equal(name, S("sallyport"))) return true;
    if (!str_starts(name, mark) || name.len == mark.len) return false;
    for (size_t i = mark.len; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
    }
    return true;
}

static bool read_file(struct words *w, struct ruleset *out)
{
    struct tables tables = {0};
    struct rule *rules = NULL;
    size_t n = 0, room = 0;
    if (!is_anchor(w->anchor))
        return unexpected(w, "a comment \"# anchor: \" with an anchor of ours before it");
    bool border = !str_equal(w->anchor, S("sallyport"));
    str group = str_format(w->arena, "anchor %.*s", STR_ARG(w->anchor));
    while (take(w, "table"))
        if (!read_table(w, &tables)) return false;
    while (w->word.len) {
        arena_grow(w->arena, rules, n, room);
        if (!read_rule(w, &tables, border, &rules[n])) return false;
        rules[n++].group = group;
    }
    *out = (struct ruleset){.rules = rules, .n = n};
    return true;
}

bool pf_read(str source, bytes content, struct arena *arena, struct ruleset *out, struct err *err)
{
    struct words w = words_of(content, arena, err);
    return read_file(&w, out) || err_in(err, source);
}

bool pf_read_rollback(str source, bytes content, str workspace, str border_word,
                      struct arena *arena, struct err *err)
{
    struct words w = words_of(content, arena, err);
    const char *anchor = "sallyport";
    (void)workspace; /* a machine has one anchor of ours, whatever the workspace */
    if (border_word.len)
        anchor = str_format(arena, "sallyport-border-%.*s%c", STR_ARG(border_word), '\0').ptr;
    static const char *const flushed[] = {"rules", "Tables"};
    bool good = expect(&w, "set -eu") && expect_line_end(&w);
    for (size_t i = 0; i < COUNT_OF(flushed) && good; i++)
        good = expect(&w, "pfctl -a") && expect(&w, anchor) && expect(&w, "-F") &&
               expect(&w, flushed[i]) && expect_line_end(&w);
    if (good && w.word.len) good = unexpected(&w, "the end of the file");
    return good || err_in(err, source);
}

bool pf_read_recognise(bytes head)
{
    return str_starts(str_of_bytes(head), S("# sallyport: pf rules "));
}
