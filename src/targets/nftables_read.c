/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/nftables_read.h"

#include "base/instant.h"
#include "base/map.h"
#include "targets/own_spelling.h"

/* ---- Words --------------------------------------------------------------------------------------
 */

/* The file as words: blanks and line ends part them, and so do the marks { } ; , which are words
 * themselves; a quoted string is one word with its quotes. */
struct words {
    bytes content;
    size_t at; /* after the current word */
    str word;  /* the current word; empty at the end */
    size_t word_at;
    uint32_t line; /* of the current word */
    size_t line_at;
    bool listed; /* by nft itself, as a table that is loaded, in its own spelling */
    str as_of;   /* what the comments say */
    struct arena *arena;
    struct err *err;
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_mark(uint8_t c)
{
    return c == '{' || c == '}' || c == ';' || c == ',';
}

static void skip_comment(struct words *w)
{
    size_t from = w->at;
    while (w->at < w->content.len && w->content.ptr[w->at] != '\n')
        w->at++;
    str comment = {(const char *)w->content.ptr + from, w->at - from}, mark = S("# as of: ");
    if (!w->as_of.len && str_starts(comment, mark)) w->as_of = str_tail(comment, mark.len);
}

static void skip_blanks(struct words *w)
{
    while (w->at < w->content.len) {
        uint8_t c = w->content.ptr[w->at];
        if (c == '#') {
            skip_comment(w);
            continue;
        }
        if (!is_blank(c)) return;
        w->at++;
        if (c != '\n') continue;
        w->line++;
        w->line_at = w->at;
    }
}

static size_t word_length(bytes rest)
{
    if (!rest.len) return 0;
    if (is_mark(rest.ptr[0])) return 1;
    if (rest.ptr[0] == '"') {
        for (size_t i = 1; i < rest.len && rest.ptr[i] != '\n'; i++)
            if (rest.ptr[i] == '"') return i + 1;
        return 1; /* not closed: a lone quote fits nowhere */
    }
    size_t n = 0;
    while (n < rest.len && !is_blank(rest.ptr[n]) && !is_mark(rest.ptr[n]) && rest.ptr[n] != '#' &&
           rest.ptr[n] != '"')
        n++;
    return n;
}

static void next_word(struct words *w)
{
    skip_blanks(w);
    bytes rest = {w->content.ptr + w->at, w->content.len - w->at};
    size_t n = word_length(rest);
    w->word = (str){(const char *)rest.ptr, n};
    w->word_at = w->at;
    w->at += n;
}

static bool unexpected(struct words *w, const char *wanted)
{
    uint32_t column = 1 + (uint32_t)(w->word_at >= w->line_at ? w->word_at - w->line_at : 0);
    return err_line(w->err, ERR_MALFORMED, w->line, column, "expected %s, found \"%.*s\"", wanted,
                    STR_ARG(str_utf8(w->arena, str_head(w->word, 60))));
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

/* What `nft list table inet sallyport` prints of what we wrote. */
static bool is_listed(bytes content)
{
    return str_starts(str_of_bytes(content), S("table inet sallyport"));
}

static struct words words_of(bytes content, struct arena *arena, struct err *err)
{
    struct words w = {.content = content, .line = 1, .arena = arena, .err = err};
    w.listed = is_listed(content);
    for (size_t i = 0; i < content.len; i++) {
        uint8_t c = content.ptr[i];
        if ((c >= ' ' && c <= '~') || c == '\n' || (c == '\t' && w.listed)) continue;
        /* nft and we might see different line ends or names in it. */
        w.content.len = 0;
        w.word = S("a byte that is not printable ASCII");
        return w;
    }
    next_word(&w);
    return w;
}

/* ---- Elements -----------------------------------------------------------------------------------
 */

/* An own end and a peer. */
struct pair {
    struct range first, second;
    int64_t expires_us; /* 0 = never */
};

/* Elements of a set that go at the same time. */
struct lasting {
    struct prefix_set set;
    int64_t expires_us;
};

struct named_set {
    str name;
    bool v4, is_pairs, times_out;
    bool spent;            /* a line has named it that is as many rules as the set has parts */
    struct lasting *parts; /* not of pairs; at least one */
    size_t n_parts;
    const struct pair *pairs; /* in the file's order */
    size_t n_pairs;
};

struct table {
    struct named_set *sets;
    size_t n_sets, sets_room;
    struct map set_numbers;
    struct rule *rules;
    size_t n_rules, rules_room;
};

static struct prefix_set every_address(void)
{
    return (struct prefix_set){&addr_all, 1};
}

/* The last address of a prefix of `length` bits of the line; false when host bits are set. */
static bool last_of(struct addr first, uint64_t length, struct addr *out)
{
    struct addr last = first;
    for (uint64_t bit = length; bit < 128; bit++) {
        uint64_t one = UINT64_C(1) << (63 - bit % 64);
        uint64_t *half = bit < 64 ? &last.hi : &last.lo;
        if (*half & one) return false;
        *half |= one;
    }
    *out = last;
    return true;
}

static bool parse_element(str text, bool v4, struct range *out)
{
    str left, right;
    struct range r;
    uint64_t bits = v4 ? 32 : 128, length = bits;
    bool is_range = str_cut(text, '-', &left, &right);
    bool is_prefix = !is_range && str_cut(text, '/', &left, &right);
    if (!addr_parse(left, &r.first) || addr_is_v4(r.first) != v4) return false;
    if (is_prefix && !str_u64(right, bits, &length)) return false;
    if (is_range && (!addr_parse(right, &r.last) || addr_is_v4(r.last) != v4)) return false;
    if (!is_range && !last_of(r.first, length + 128 - bits, &r.last)) return false;
    if (addr_compare(r.first, r.last) > 0 || !own_spelling_of(text, r)) return false;
    *out = r;
    return true;
}

static struct named_set *find_set(const struct table *table, str name)
{
    const uint64_t *number = map_find(&table->set_numbers, name);
    return number ? &table->sets[*number] : NULL;
}

static bool is_identifier(str word)
{
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool more = (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!letter && !(i && more)) return false;
    }
    return word.len > 0;
}

static bool read_element(struct words *w, bool v4, struct range *out)
{
    if (!parse_element(w->word, v4, out))
        return unexpected(w, "an address, prefix or range of the set's type");
    next_word(w);
    return true;
}

/* "1h2m3s45ms", as nft prints it; in a file of ours a single number of s or ms. */
static bool parse_duration(str text, int64_t *out_us)
{
    static const struct {
        const char *unit;
        int64_t us;
    } units[] = {
        {"d",  86400 * INSTANT_SECOND},
        {"h",  3600 * INSTANT_SECOND },
        {"ms", 1000                  },
        {"m",  60 * INSTANT_SECOND   },
        {"s",  INSTANT_SECOND        },
    };
    const int64_t most_us = INT64_MAX / 4; /* so that no sum of two overflows */
    *out_us = 0;
    if (!text.len) return false;
    while (text.len) {
        size_t digits = 0, unit = 0;
        uint64_t n = 0;
        while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
            digits++;
        str tail = str_tail(text, digits);
        while (unit < COUNT_OF(units) && !str_starts(tail, str_of(units[unit].unit)))
            unit++;
        if (unit == COUNT_OF(units) ||
            !str_u64(str_head(text, digits), (uint64_t)(most_us / units[unit].us), &n))
            return false;
        *out_us += (int64_t)n * units[unit].us;
        if (*out_us > most_us) return false;
        text = str_tail(tail, str_of(units[unit].unit).len);
    }
    return true;
}

/* What follows an element: "timeout 86400s", and in a listing "expires 3h2m". A listing does not
 * say when it was made, so it gives no moment. */
static bool read_timeout(struct words *w, const struct named_set *set, int64_t *out_us)
{
    int64_t lives_us = 0, as_of_us = 0;
    *out_us = 0;
    if (!is(w, "timeout") || !set->times_out) return true;
    next_word(w);
    if (!parse_duration(w->word, &lives_us) || lives_us <= 0)
        return unexpected(w, "a time such as 3600s");
    next_word(w);
    if (w->listed) {
        if (take(w, "expires")) {
            if (!parse_duration(w->word, &lives_us)) return unexpected(w, "a time such as 1h2m");
            next_word(w);
        }
        return true;
    }
    if (!instant_parse(w->as_of, &as_of_us))
        return unexpected(w, "a comment \"# as of: \" with a moment before timeouts");
    *out_us = as_of_us + lives_us;
    return true;
}

/* The part of a set that goes at this time: a new one if there is none. */
struct part_in_making {
    struct range *ranges;
    size_t n, room;
    int64_t expires_us;
};

struct parts_in_making {
    struct part_in_making *items;
    size_t n, room;
    struct map known; /* time to place */
};

static struct part_in_making *part_at(struct parts_in_making *parts, struct arena *arena,
                                      int64_t expires_us)
{
    bool fresh = false;
    str key = {(const char *)&expires_us, sizeof expires_us};
    uint64_t *at = map_put(&parts->known, arena, key, parts->n, &fresh);
    if (fresh) {
        arena_grow(arena, parts->items, parts->n, parts->room);
        parts->items[parts->n++] = (struct part_in_making){.expires_us = expires_us};
    }
    return &parts->items[*at];
}

static bool read_elements(struct words *w, struct named_set *set)
{
    struct parts_in_making parts = {0};
    bool more = !is(w, "}");
    if (!more) (void)part_at(&parts, w->arena, 0);
    while (more) {
        struct range range;
        int64_t expires_us;
        if (!read_element(w, set->v4, &range) || !read_timeout(w, set, &expires_us)) return false;
        struct part_in_making *part = part_at(&parts, w->arena, expires_us);
        arena_grow(w->arena, part->ranges, part->n, part->room);
        part->ranges[part->n++] = range;
        more = take(w, ",");
    }
    set->parts = arena_array(w->arena, struct lasting, parts.n);
    set->n_parts = parts.n;
    for (size_t i = 0; i < parts.n; i++) {
        set->parts[i].set = prefix_set_of(w->arena, parts.items[i].ranges, parts.items[i].n);
        set->parts[i].expires_us = parts.items[i].expires_us;
    }
    return true;
}

/* "a . b," one after the other; unlike those of plain sets, the last one has its comma too. */
static bool read_pairs(struct words *w, struct named_set *set)
{
    struct pair *pairs = NULL;
    size_t n = 0, room = 0;
    while (!is(w, "}")) {
        arena_grow(w->arena, pairs, n, room);
        if (!read_element(w, set->v4, &pairs[n].first) || !expect(w, ".") ||
            !read_element(w, set->v4, &pairs[n].second) ||
            !read_timeout(w, set, &pairs[n].expires_us))
            return false;
        bool last = w->listed && is(w, "}");
        if (!last && !expect(w, ",")) return false;
        n++;
    }
    set->pairs = pairs;
    set->n_pairs = n;
    return true;
}

/* After "set". */
static bool read_set(struct words *w, struct table *table)
{
    struct named_set set = {.name = w->word};
    if (!is_identifier(set.name)) return unexpected(w, "the name of a set");
    if (find_set(table, set.name)) return unexpected(w, "a set of another name");
    next_word(w);
    if (!expect(w, "{ type")) return false;
    set.v4 = is(w, "ipv4_addr");
    if (!take(w, "ipv4_addr") && !take(w, "ipv6_addr"))
        return unexpected(w, "ipv4_addr or ipv6_addr");
    set.is_pairs = take(w, ".");
    if (set.is_pairs && !expect(w, set.v4 ? "ipv4_addr" : "ipv6_addr")) return false;
    if (!expect(w, "flags interval")) return false;
    set.times_out = take(w, ",");
    if (set.times_out && !expect(w, "timeout")) return false;
    bool has_elements = !w->listed || is(w, "elements");
    if (has_elements && !expect(w, "elements = {")) return false;
    bool read = set.is_pairs ? read_pairs(w, &set) : read_elements(w, &set);
    if (!read || (has_elements && !expect(w, "}")) || !expect(w, "}")) return false;
    (void)map_put(&table->set_numbers, w->arena, set.name, table->n_sets, NULL);
    arena_grow(w->arena, table->sets, table->n_sets, table->sets_room);
    table->sets[table->n_sets++] = set;
    return true;
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

enum hook { HOOK_INPUT, HOOK_OUTPUT, HOOK_FORWARD };

static const char *const hook_names[] = {"input", "output", "forward"};

/* What a line asks of a packet, before its verdict. */
struct condition {
    enum direction direction;
    bool has_local, has_remote;
    str local, remote;       /* names of sets, for comparing two lines */
    struct named_set *pairs; /* both ends at once */
    struct named_set *peers; /* the remote end's */
    struct rule rule;
};

/* "@name" of that family. */
static bool read_set_name(struct words *w, const struct table *table, bool v4, bool pairs,
                          struct named_set **out)
{
    struct named_set *set = NULL;
    if (str_starts(w->word, S("@"))) set = find_set(table, str_tail(w->word, 1));
    if (!set || set->v4 != v4 || set->is_pairs != pairs)
        return unexpected(w, "@ and the name of a set of this family and kind");
    next_word(w);
    *out = set;
    return true;
}

/* The rest of "ip saddr . ip daddr @pairs": the own end stands first. */
static bool read_pair_end(struct words *w, const struct table *table, bool v4, bool is_local,
                          bool source, struct condition *c)
{
    if (!is_local) return unexpected(w, "the local end first");
    if (!expect(w, v4 ? "ip" : "ip6") || !expect(w, source ? "daddr" : "saddr")) return false;
    if (!read_set_name(w, table, v4, true, &c->pairs)) return false;
    c->has_local = c->has_remote = true;
    return true;
}

/* One "ip saddr @set", after its family. */
static bool read_end(struct words *w, const struct table *table, enum hook hook, bool v4,
                     struct condition *c)
{
    bool source = is(w, "saddr");
    if (!take(w, "saddr") && !take(w, "daddr")) return unexpected(w, "saddr or daddr");
    /* A forward line names its inside first. */
    bool first = !c->has_local && !c->has_remote;
    if (hook == HOOK_FORWARD && first)
        c->direction = source ? DIRECTION_OUTBOUND : DIRECTION_INBOUND;
    bool is_local = source == (c->direction == DIRECTION_OUTBOUND);
    if (is_local ? c->has_local || c->has_remote : c->has_remote)
        return unexpected(w, "each end once, the local one first");

    struct named_set *set = NULL;
    if (first && take(w, ".")) return read_pair_end(w, table, v4, is_local, source, c);
    if (!read_set_name(w, table, v4, false, &set)) return false;
    if (is_local && set->times_out)
        return unexpected(w, "an own end without timeouts, in the set before");
    if (is_local) {
        c->has_local = true;
        c->local = set->name;
        c->rule.local = set->parts[0].set;
        return true;
    }
    c->has_remote = true;
    c->remote = set->name;
    c->peers = set;
    c->rule.remote = set->parts[0].set;
    return true;
}

static bool parse_port(str text, uint16_t *out)
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
    bool is_range = str_cut(w->word, '-', &first, &last);
    if (!parse_port(first, &p.first) || !parse_port(is_range ? last : first, &p.last) ||
        p.last < p.first || rule->n_ports == LIMIT_SERVICE_PORTS)
        return unexpected(w, "a port or a range of ports");
    rule_add_port(rule, w->arena, p);
    next_word(w);
    return true;
}

static bool read_ports(struct words *w, struct rule *rule)
{
    if (!take(w, "{")) return read_port(w, rule);
    do {
        if (!read_port(w, rule)) return false;
    } while (take(w, ","));
    return expect(w, "}");
}

static bool read_condition(struct words *w, const struct table *table, enum hook hook,
                           struct condition *out)
{
    struct condition c = {
        .direction = hook == HOOK_INPUT ? DIRECTION_INBOUND : DIRECTION_OUTBOUND,
        .rule = {.local = every_address(), .remote = every_address(), .offset = w->word_at},
    };
    bool v4 = is(w, "ip"), had = false;
    while (is(w, "ip") || is(w, "ip6")) {
        if (had && v4 != is(w, "ip")) return unexpected(w, "one family in a line");
        had = true;
        next_word(w);
        if (!read_end(w, table, hook, v4, &c)) return false;
    }
    if (hook == HOOK_FORWARD && (!c.has_local || !c.has_remote))
        return unexpected(w, "both ends of a forwarded flow");
    c.rule.transport = is(w, "tcp") ? TRANSPORT_TCP : TRANSPORT_UDP;
    if (!take(w, "tcp") && !take(w, "udp")) return unexpected(w, "tcp or udp");
    if (!expect(w, "dport") || !read_ports(w, &c.rule)) return false;
    c.rule.direction = c.direction;
    *out = c;
    return true;
}

static bool same_condition(const struct condition *a, const struct condition *b)
{
    if (a->direction != b->direction || a->rule.transport != b->rule.transport ||
        a->has_local != b->has_local || a->has_remote != b->has_remote ||
        !str_equal(a->local, b->local) || !str_equal(a->remote, b->remote) ||
        a->rule.n_ports != b->rule.n_ports || a->pairs || b->pairs)
        return false;
    return !memcmp(a->rule.ports, b->rule.ports, a->rule.n_ports * sizeof *a->rule.ports);
}

/* ` comment "id"` */
static bool read_id(struct words *w, struct rule *rule)
{
    if (!expect(w, "comment")) return false;
    if (w->word.len < 3 || w->word.ptr[0] != '"') return unexpected(w, "the rule's id in quotes");
    rule->id = str_head(str_tail(w->word, 1), w->word.len - 2);
    rule->name = rule->id;
    next_word(w);
    return true;
}

/* A line of pairs is as many rules as there are own ends in a row. */
static void add_pairs(struct words *w, struct table *table, const struct condition *c)
{
    const struct pair *pairs = c->pairs->pairs;
    for (size_t i = 0, next = 0; i < c->pairs->n_pairs; i = next) {
        struct rule rule = c->rule;
        while (next < c->pairs->n_pairs && pairs[next].expires_us == pairs[i].expires_us &&
               addr_equal(pairs[next].first.first, pairs[i].first.first) &&
               addr_equal(pairs[next].first.last, pairs[i].first.last))
            next++;
        struct range *peers = arena_array(w->arena, struct range, next - i);
        for (size_t k = i; k < next; k++)
            peers[k - i] = pairs[k].second;
        rule.expires_us = pairs[i].expires_us;
        rule.local = (struct prefix_set){&pairs[i].first, 1};
        rule.remote = (struct prefix_set){peers, 1};
        if (next - i > 1) rule.remote = prefix_set_of(w->arena, peers, next - i);
        arena_grow(w->arena, table->rules, table->n_rules, table->rules_room);
        table->rules[table->n_rules++] = rule;
    }
}

/* Only one line names a set that makes it more than one rule: else a short file would be many. */
static bool spend(struct words *w, struct named_set *set)
{
    if (set->spent) return unexpected(w, "a set of many rules to be named in one line");
    set->spent = set->is_pairs || set->n_parts > 1;
    return true;
}

/* "counter", and what a loaded one has counted. */
static bool read_counter(struct words *w)
{
    uint64_t count = 0;
    if (!expect(w, "counter")) return false;
    if (!w->listed) return true;
    if (!expect(w, "packets")) return false;
    if (!str_u64(w->word, UINT64_MAX, &count)) return unexpected(w, "a number of packets");
    next_word(w);
    if (!expect(w, "bytes")) return false;
    if (!str_u64(w->word, UINT64_MAX, &count)) return unexpected(w, "a number of bytes");
    next_word(w);
    return true;
}

static bool read_reject(struct words *w)
{
    if (!expect(w, "reject with icmpx")) return false;
    return (w->listed && take(w, "admin-prohibited")) || expect(w, "type admin-prohibited");
}

/* One rule: an accept, or a logging line and the stop of the same condition. */
static bool read_rule(struct words *w, struct table *table, enum hook hook, str group)
{
    struct condition c, stop;
    if (!read_condition(w, table, hook, &c)) return false;
    if (take(w, "limit")) {
        if (!expect(w, "rate 10/second log prefix")) return false;
        if (!str_starts(w->word, S("\"sallyport-"))) return unexpected(w, "a log prefix of ours");
        next_word(w);
        if (!read_condition(w, table, hook, &stop)) return false;
        if (!same_condition(&c, &stop)) return unexpected(w, "the condition of the logging line");
        if (c.peers && c.peers->times_out) return unexpected(w, "a stop without timeouts");
        c.rule.logs = true;
        c.rule.action = ACTION_BLOCK;
        if (!read_counter(w)) return false;
        if (!take(w, "drop") && !read_reject(w)) return false;
    } else {
        bool accepts =
            w->listed ? read_counter(w) && expect(w, "accept") : expect(w, "counter accept");
        if (!accepts) return false;
        c.rule.action = ACTION_ALLOW;
    }
    if (!read_id(w, &c.rule)) return false;
    c.rule.group = group;
    c.rule.enabled = true;
    c.rule.profiles = 1u << PROFILE_DOMAIN;
    if ((c.pairs && !spend(w, c.pairs)) || (c.peers && !spend(w, c.peers))) return false;
    if (c.pairs) {
        add_pairs(w, table, &c);
        return true;
    }
    /* A line whose peers go at different times is as many rules. */
    for (size_t i = 0; i < (c.peers ? c.peers->n_parts : 1); i++) {
        arena_grow(w->arena, table->rules, table->n_rules, table->rules_room);
        struct rule *rule = &table->rules[table->n_rules++];
        *rule = c.rule;
        if (!c.peers) continue;
        rule->remote = c.peers->parts[i].set;
        rule->expires_us = c.peers->parts[i].expires_us;
    }
    return true;
}

static bool read_priority(struct words *w)
{
    if (!w->listed) return expect(w, "priority -10 ; policy accept ;");
    if (!expect(w, "priority")) return false;
    if (!expect(w, is(w, "filter") ? "filter - 10" : "-10")) return false;
    return expect(w, "; policy accept ;");
}

static bool read_chain(struct words *w, struct table *table, enum hook hook, str group)
{
    const char *name = hook_names[hook];
    if (!expect(w, "chain") || !expect(w, name) || !expect(w, "{ type filter hook") ||
        !expect(w, name) || !read_priority(w))
        return false;
    if (hook == HOOK_INPUT && !expect(w, "iif \"lo\" accept")) return false;
    if (hook == HOOK_OUTPUT && !expect(w, "oif \"lo\" accept")) return false;
    if (!expect(w, "ct direction reply accept")) return false;
    while (!is(w, "}"))
        if (!read_rule(w, table, hook, group)) return false;
    next_word(w);
    return true;
}

/* ---- Files --------------------------------------------------------------------------------------
 */

static bool read_table_name(struct words *w, str *out)
{
    str name = w->word;
    if (!is_identifier(name) ||
        (!str_equal(name, S("sallyport")) && !str_starts(name, S("sallyport-border-"))))
        return unexpected(w, "a table of ours");
    next_word(w);
    *out = name;
    return true;
}

/* "add table inet NAME", "delete table inet NAME"; the name must be one of ours. */
static bool read_replacement(struct words *w, str *table)
{
    str name;
    if (!expect(w, "add table inet") || !read_table_name(w, &name)) return false;
    if (!expect(w, "delete table inet")) return false;
    if (!str_equal(w->word, name)) return unexpected(w, "the same table");
    next_word(w);
    *table = name;
    return true;
}

static bool read_table(struct words *w, struct table *table)
{
    str name;
    if (w->listed) {
        if (!expect(w, "table inet") || !read_table_name(w, &name)) return false;
    } else {
        if (!read_replacement(w, &name)) return false;
        if (!w->word.len) return true; /* a rollback */
        if (!expect(w, "table inet")) return false;
        if (!str_equal(w->word, name)) return unexpected(w, "the same table");
        next_word(w);
    }
    if (!expect(w, "{")) return false;
    while (take(w, "set"))
        if (!read_set(w, table)) return false;
    str group = str_format(w->arena, "inet %.*s", STR_ARG(name));
    bool host = str_equal(name, S("sallyport"));
    bool chains =
        host ? read_chain(w, table, HOOK_INPUT, group) && read_chain(w, table, HOOK_OUTPUT, group)
             : read_chain(w, table, HOOK_FORWARD, group);
    return chains && expect(w, "}");
}

bool nftables_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                   struct err *err)
{
    struct words w = words_of(content, arena, err);
    struct table table = {0};
    if (!read_table(&w, &table)) return err_in(err, source);
    if (w.word.len) {
        (void)unexpected(&w, "the end of the file");
        return err_in(err, source);
    }
    *out = (struct ruleset){.rules = table.rules, .n = table.n_rules};
    return true;
}

bool nftables_read_rollback(str source, bytes content, str workspace, str border_word,
                            struct arena *arena, struct err *err)
{
    struct words w = words_of(content, arena, err);
    str name;
    (void)workspace; /* a machine has one table of ours, whatever the workspace */
    if (!read_replacement(&w, &name)) return err_in(err, source);
    str wanted = border_word.len ? str_format(arena, "sallyport-border-%.*s", STR_ARG(border_word))
                                 : S("sallyport");
    if (!str_equal(name, wanted)) {
        (void)err_set(err, ERR_MALFORMED, "expected table %.*s, found %.*s", STR_ARG(wanted),
                      STR_ARG(name));
        return err_in(err, source);
    }
    if (!w.word.len) return true;
    (void)unexpected(&w, "the end of the file");
    return err_in(err, source);
}

bool nftables_read_recognise(bytes head)
{
    str text = str_of_bytes(head);
    if (is_listed(head)) return true;
    return str_contains(text, S("# sallyport: ")) && str_starts(text, S("#!/usr/sbin/nft"));
}
