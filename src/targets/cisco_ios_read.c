/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/cisco_ios_read.h"

#include "targets/acl_words.h"

static const struct list_form {
    const char *define, *suffix, *protocol;
    enum direction direction;
    bool v4;
} forms[] = {
    {"ip access-list extended", "-OUT",  "ip",   DIRECTION_OUTBOUND, true },
    {"ipv6 access-list",        "-OUT6", "ipv6", DIRECTION_OUTBOUND, false},
    {"ip access-list extended", "-IN",   "ip",   DIRECTION_INBOUND,  true },
    {"ipv6 access-list",        "-IN6",  "ipv6", DIRECTION_INBOUND,  false},
};

enum { FIRST_CLIENT_PORT = 1024 };

/* ---- Entries ------------------------------------------------------------------------------------
 */

/* One end of an entry. */
struct end {
    bool any;
    struct range range;
};

struct ace {
    bool permits, logs;
    enum transport transport;
    struct end source, destination;
    struct service_port port;
    uint32_t line;
};

struct aces {
    struct ace *items;
    size_t n, room;
};

/* What a list is read into. */
struct list_reading {
    struct acl_words *w;
    bytes content;
    const struct list_form *form;
    str group;
    struct acl_ranges not_across;
    size_t first;           /* of its rules among all */
    bool *any_remote;       /* per rule: its remote end is said by "any" */
    size_t n_any, any_room; /* rules of this list */
    bool established, denies_client_ports;
};

struct rules_read {
    struct rule *items;
    size_t n, room;
};

static bool read_end(struct acl_words *w, bool v4, struct end *out)
{
    struct end end = {0};
    if (acl_words_take(w, "any")) {
        end.any = true;
    } else if (acl_words_take(w, "host")) {
        if (!acl_words_addr(w, v4, &end.range.first)) return false;
        end.range.last = end.range.first;
    } else if (v4) {
        if (!acl_words_masked(w, true, &end.range)) return false;
    } else if (!acl_words_prefix(w, &end.range)) {
        return false;
    }
    if (!end.any && addr_is_v4(end.range.first) != v4)
        return acl_words_unexpected(w, "addresses of the list's family");
    *out = end;
    return true;
}

static bool read_port(struct acl_words *w, enum transport transport, struct service_port *out)
{
    struct service_port port = {.transport = transport};
    bool is_range = acl_words_is(w, "range");
    if (!acl_words_take(w, "eq") && !acl_words_take(w, "range"))
        return acl_words_unexpected(w, "eq or range");
    if (!acl_words_port(w, &port.first)) return false;
    port.last = port.first;
    if (is_range) {
        if (!acl_words_port(w, &port.last)) return false;
        if (port.last <= port.first) return acl_words_unexpected(w, "a range of ports that rises");
    }
    *out = port;
    return true;
}

/* "permit tcp SOURCE DESTINATION eq PORT", and with deny " log". */
static bool read_entry(struct acl_words *w, bool v4, struct ace *out)
{
    struct ace e = {.permits = acl_words_is(w, "permit"), .line = w->number};
    if (!acl_words_take(w, "permit") && !acl_words_take(w, "deny"))
        return acl_words_unexpected(w, "permit or deny");
    e.transport = acl_words_is(w, "tcp") ? TRANSPORT_TCP : TRANSPORT_UDP;
    if (!acl_words_take(w, "tcp") && !acl_words_take(w, "udp"))
        return acl_words_unexpected(w, "tcp or udp");
    if (!read_end(w, v4, &e.source) || !read_end(w, v4, &e.destination) ||
        !read_port(w, e.transport, &e.port))
        return false;
    if (!e.permits && !acl_words_expect(w, "log")) return false;
    *out = e;
    return acl_words_next_line(w);
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

static bool wrong_entry(struct list_reading *list, uint32_t line, const char *wanted)
{
    return err_line(list->w->err, ERR_MALFORMED, line, 1, "expected %s, found another entry",
                    wanted);
}

static bool same_end(struct end a, struct end b)
{
    if (a.any || b.any) return a.any == b.any;
    return addr_equal(a.range.first, b.range.first) && addr_equal(a.range.last, b.range.last);
}

static struct end end_of(const struct list_reading *list, const struct ace *e, bool local)
{
    bool source = local == (list->form->direction == DIRECTION_OUTBOUND);
    return source ? e->source : e->destination;
}

static bool same_port(struct service_port a, struct service_port b)
{
    return a.first == b.first && a.last == b.last;
}

/* The ends of entries step, step + step, ... in ascending order; an "any" stands alone. */
static bool read_side(struct list_reading *list, const struct aces *entries, size_t n, size_t step,
                      bool local, struct acl_ranges *out, bool *out_any)
{
    for (size_t i = 0; i < n; i++) {
        struct end end = end_of(list, &entries->items[i * step], local);
        uint32_t line = entries->items[i * step].line;
        if (end.any && (local || n > 1))
            return wrong_entry(list, line, local ? "an inside prefix" : "\"any\" once");
        if (end.any) *out_any = true;
        if (end.any) continue;
        if (out->n && addr_compare(end.range.first, out->items[out->n - 1].last) <= 0)
            return wrong_entry(list, line, "addresses in ascending order, each once");
        arena_grow(list->w->arena, out->items, out->n, out->room);
        out->items[out->n++] = end.range;
    }
    return true;
}

/* Every combination of ports, inside and outside, the outside fastest; nothing else. */
static bool read_product(struct list_reading *list, const struct aces *entries, struct rule *rule,
                         bool *any)
{
    const struct ace *first = &entries->items[0];
    size_t n_remote = 1, block = 1;
    struct acl_ranges local = {0}, remote = {0};
    while (n_remote < entries->n && same_port(entries->items[n_remote].port, first->port) &&
           same_end(end_of(list, &entries->items[n_remote], true), end_of(list, first, true)))
        n_remote++;
    while (block < entries->n && same_port(entries->items[block].port, first->port))
        block++;
    if (block % n_remote || entries->n % block)
        return wrong_entry(list, entries->items[entries->n - 1].line,
                           "every combination of the rule's ports and prefixes");
    for (size_t i = 0; i < entries->n; i++) {
        const struct ace *e = &entries->items[i];
        const struct ace *by_port = &entries->items[i / block * block];
        const struct ace *by_local = &entries->items[i % block / n_remote * n_remote];
        const struct ace *by_remote = &entries->items[i % n_remote];
        if (e->permits != first->permits || e->transport != first->transport ||
            !same_port(e->port, by_port->port) ||
            !same_end(end_of(list, e, true), end_of(list, by_local, true)) ||
            !same_end(end_of(list, e, false), end_of(list, by_remote, false)))
            return wrong_entry(list, entries->items[i].line,
                               "the next combination of the rule's ports and prefixes");
    }
    for (size_t i = 0; i < entries->n; i += block) {
        struct service_port port = entries->items[i].port;
        bool again = rule->n_ports == LIMIT_SERVICE_PORTS;
        for (size_t k = 0; k < rule->n_ports; k++)
            again =
                again || (rule->ports[k].first <= port.last && port.first <= rule->ports[k].last);
        if (again) return wrong_entry(list, entries->items[i].line, "ports, each once");
        rule_add_port(rule, list->w->arena, port);
    }
    if (!read_side(list, entries, block / n_remote, n_remote, true, &local, any) ||
        !read_side(list, entries, n_remote, 1, false, &remote, any))
        return false;
    rule->transport = first->transport;
    rule->action = first->permits ? ACTION_ALLOW : ACTION_BLOCK;
    rule->logs = !first->permits;
    rule->local = prefix_set_of(list->w->arena, local.items, local.n);
    rule->remote = prefix_set_of(list->w->arena, remote.items, remote.n);
    return true;
}

static bool is_label(str rest, const char *label, str *text)
{
    str head = str_of(label);
    if (!str_starts(rest, head)) return false;
    *text = str_trim(str_tail(rest, head.len));
    return true;
}

/* `remark why: ...`, gone on in `remark + ...`. */
static bool read_why(struct acl_words *w, struct rule *rule)
{
    struct buf why = buf_in(w->arena);
    str text;
    while (!w->ended && acl_words_is(w, "remark")) {
        struct acl_words mark = *w;
        acl_words_skip(w);
        str rest = acl_words_rest(w);
        bool said = is_label(rest, "why: ", &text) || is_label(rest, "+ ", &text) ||
                    str_equal(rest, S("why:"));
        if (!said) {
            *w = mark;
            break;
        }
        if (str_equal(rest, S("why:"))) text = (str){0};
        if (why.len) buf_char(&why, ' ');
        buf_str(&why, text);
        if (!acl_words_next_line(w)) return false;
    }
    rule->why = buf_text(&why);
    return true;
}

/* After "remark rule: ID". */
static bool read_rule(struct list_reading *list, struct rules_read *rules, str id, uint64_t offset)
{
    struct acl_words *w = list->w;
    struct aces entries = {0};
    struct rule rule = {
        .id = id,
        .name = id,
        .group = list->group,
        .direction = list->form->direction,
        .profiles = 1u << PROFILE_DOMAIN,
        .enabled = true,
        .offset = offset,
    };
    if (!read_why(w, &rule)) return false;
    while (!w->ended && w->indented && !acl_words_is(w, "remark")) {
        arena_grow(w->arena, entries.items, entries.n, entries.room);
        if (!read_entry(w, list->form->v4, &entries.items[entries.n])) return false;
        entries.n++;
    }
    if (!entries.n) return acl_words_unexpected(w, "an entry of the rule");
    bool any = false;
    if (!read_product(list, &entries, &rule, &any)) return false;
    for (size_t i = 0; i < rule.n_ports; i++)
        if (rule.action == ACTION_BLOCK && rule.transport == TRANSPORT_TCP &&
            rule.ports[i].last >= FIRST_CLIENT_PORT)
            list->denies_client_ports = true;
    arena_grow(w->arena, rules->items, rules->n, rules->room);
    arena_grow(w->arena, list->any_remote, list->n_any, list->any_room);
    rules->items[rules->n++] = rule;
    list->any_remote[list->n_any++] = any;
    return true;
}

/* ---- Lists --------------------------------------------------------------------------------------
 */

static struct prefix_set whole_family(const struct list_reading *list)
{
    struct prefix_set all = {&addr_all, 1};
    return list->form->v4 ? prefix_set_v4(list->w->arena, all) : prefix_set_v6(list->w->arena, all);
}

/* "permit ip any PREFIX" of what is not outside. */
static bool read_not_across(struct list_reading *list)
{
    struct acl_words *w = list->w;
    bool outbound = list->form->direction == DIRECTION_OUTBOUND;
    struct end end;
    if (!acl_words_expect(w, "permit") || !acl_words_expect(w, list->form->protocol)) return false;
    if (outbound && !acl_words_expect(w, "any")) return false;
    if (!read_end(w, list->form->v4, &end)) return false;
    if (end.any) return acl_words_unexpected(w, "a prefix");
    if (!outbound && !acl_words_expect(w, "any")) return false;
    return acl_words_ascend(w, &list->not_across, end.range) && acl_words_next_line(w);
}

/* Whether the line permits all that is left. */
static bool is_last(const struct list_reading *list)
{
    struct acl_words ahead = *list->w;
    return acl_words_take(&ahead, "permit") && acl_words_take(&ahead, list->form->protocol) &&
           acl_words_take(&ahead, "any") && acl_words_take(&ahead, "any") && !ahead.word.len;
}

/* Its rules say "any" for the outside, which is known now. */
static bool set_outside(struct list_reading *list, struct rules_read *rules)
{
    struct acl_words *w = list->w;
    struct prefix_set passed = prefix_set_of(w->arena, list->not_across.items, list->not_across.n);
    struct prefix_set outside = prefix_set_subtract(w->arena, whole_family(list), passed);
    bool used = false;
    for (size_t i = 0; i < list->n_any; i++) {
        struct rule *rule = &rules->items[list->first + i];
        used = used || list->any_remote[i];
        if (list->any_remote[i]) rule->remote = outside;
        if (!prefix_set_overlaps(rule->remote, passed)) continue;
        return err_line(w->err, ERR_MALFORMED, w->number, 1,
                        "expected rules about the outside, found \"%.*s\" with addresses that the "
                        "list has let pass before",
                        STR_ARG(rule->id));
    }
    if (used == (passed.n > 0)) return true;
    return err_line(w->err, ERR_MALFORMED, w->number, 1,
                    used ? "expected entries that let pass what does not cross, found none"
                         : "expected a rule about \"any\", found none, but entries that let pass");
}

static bool add_last(struct list_reading *list, struct rules_read *rules, uint64_t offset)
{
    struct acl_words *w = list->w;
    if (list->established != list->denies_client_ports)
        return err_line(w->err, ERR_MALFORMED, w->number, 1,
                        list->established
                            ? "expected no entry for replies, since no port of clients is denied"
                            : "expected \"permit tcp any any established\" first, since ports of "
                              "clients are denied");
    acl_words_rest(w);
    if (!set_outside(list, rules)) return false;
    arena_grow(w->arena, rules->items, rules->n, rules->room);
    rules->items[rules->n++] = (struct rule){
        .id = S("rest"),
        .name = S("all that is left"),
        .group = list->group,
        .direction = list->form->direction,
        .action = ACTION_ALLOW,
        .profiles = 1u << PROFILE_DOMAIN,
        .enabled = true,
        .transport = TRANSPORT_NONE,
        .local = whole_family(list),
        .remote = whole_family(list),
        .why = S("decided elsewhere"),
        .offset = offset,
    };
    return acl_words_next_line(w);
}

/* Up to and with its last permit. */
static bool read_list(struct list_reading *list, struct rules_read *rules)
{
    struct acl_words *w = list->w;
    list->first = rules->n;
    for (;;) {
        if (w->ended || !w->indented) return acl_words_unexpected(w, "an entry of the list");
        uint64_t offset = acl_words_offset(w, list->content);
        if (is_last(list)) return add_last(list, rules, offset);
        if (acl_words_take(w, "remark")) {
            str text = {0}, rest = acl_words_rest(w);
            bool is_rule = is_label(rest, "rule: ", &text);
            bool noted = is_label(rest, "note: ", &text) || is_label(rest, "+ ", &text);
            if (!is_rule && !noted)
                return err_line(w->err, ERR_MALFORMED, w->number, 1,
                                "expected a remark that begins with rule:, note: or +, found "
                                "another");
            if (!acl_words_next_line(w)) return false;
            if (is_rule && !read_rule(list, rules, text, offset)) return false;
            continue;
        }
        if (list->n_any) return acl_words_unexpected(w, "remark, or the list's last permit");
        if (acl_words_begins(w, "permit tcp any any established") && !list->established &&
            !list->not_across.n) {
            list->established = true;
            if (!acl_words_expect(w, "permit tcp any any established") || !acl_words_next_line(w))
                return false;
            continue;
        }
        if (!read_not_across(list)) return false;
    }
}

/* ---- Files --------------------------------------------------------------------------------------
 */

/* "SALLYPORT-SERVERS", of the name of its first list. */
static bool read_group(struct acl_words *w, str *out)
{
    struct acl_words ahead = *w;
    str suffix = S("-OUT"), begin = S("SALLYPORT-");
    if (!acl_words_expect(&ahead, "no ip access-list extended")) return false;
    str name = ahead.word;
    if (!str_starts(name, begin) || !str_ends(name, suffix) || name.len <= begin.len + suffix.len)
        return acl_words_unexpected(&ahead, "SALLYPORT-, a border's name and -OUT");
    *out = str_head(name, name.len - suffix.len);
    return true;
}

static bool read_head(struct acl_words *w, const struct list_form *form, str group, bool removal)
{
    str name = str_format(w->arena, "%.*s%s", STR_ARG(group), form->suffix);
    if (w->indented) return acl_words_unexpected(w, "a line that is not part of a list");
    if (removal && !acl_words_expect(w, "no")) return false;
    return acl_words_expect(w, form->define) && acl_words_expect_word(w, name) &&
           acl_words_next_line(w);
}

static bool read_file(struct acl_words *w, bytes content, struct rules_read *rules)
{
    str group;
    if (!read_group(w, &group)) return false;
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct list_reading list = {.w = w, .content = content, .form = &forms[i], .group = group};
        if (!read_head(w, &forms[i], group, true) || !read_head(w, &forms[i], group, false) ||
            !read_list(&list, rules))
            return false;
    }
    return w->ended || acl_words_unexpected(w, "the end of the file");
}

bool cisco_ios_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                    struct err *err)
{
    struct acl_words w;
    struct rules_read rules = {0};
    if (!acl_words_open(&w, content, '!', arena, err) || !read_file(&w, content, &rules))
        return err_in(err, source);
    *out = (struct ruleset){.rules = rules.items, .n = rules.n};
    return true;
}

static bool read_removal(struct acl_words *w, str border_word)
{
    str group, wanted = str_format(w->arena, "sallyport-%.*s", STR_ARG(border_word));
    if (!read_group(w, &group)) return false;
    if (!str_equal_nocase(group, wanted))
        return err_line(w->err, ERR_MALFORMED, w->number, 1, "expected lists of %.*s, found %.*s",
                        STR_ARG(wanted), STR_ARG(group));
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        if (!read_head(w, &forms[i], group, true)) return false;
    return w->ended || acl_words_unexpected(w, "the end of the file");
}

bool cisco_ios_read_rollback(str source, bytes content, str workspace, str border_word,
                             struct arena *arena, struct err *err)
{
    struct acl_words w;
    (void)workspace; /* a router has one set of lists for each border, whatever the workspace */
    if (!acl_words_open(&w, content, '!', arena, err) || !read_removal(&w, border_word))
        return err_in(err, source);
    return true;
}

bool cisco_ios_read_recognise(bytes head)
{
    return str_starts(str_of_bytes(head), S("! sallyport: cisco-ios"));
}
