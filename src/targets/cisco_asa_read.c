/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/cisco_asa_read.h"

#include "targets/acl_words.h"

enum { FAMILY_V4 = 1, FAMILY_V6 = 2, FAMILIES = 4 };

/* An object group. */
struct asa_group {
    struct prefix_set set; /* of networks, and their families; or */
    unsigned families;
    enum transport transport;
    struct service_port *ports;
    size_t n_ports;
    uint32_t line;
    bool used;
};

struct asa_groups {
    struct asa_group *items;
    size_t n, room;
};

struct asa_rules {
    struct rule *items;
    size_t n, room;
};

/* What a file is read into. */
struct asa_file {
    struct acl_words *w;
    bytes content;
    str prefix;                    /* "SALLYPORT-SERVERS" */
    size_t n_networks, n_services; /* that the file removes first */
    struct asa_groups networks, services;
    struct asa_rules rules;
};

/* What an entry says of both sides; NULL: any. */
struct asa_ends {
    const struct asa_group *local, *remote;
};

/* One access list. */
struct asa_list {
    struct asa_file *file;
    enum direction direction;
    str name;
    size_t first;          /* of its rules */
    struct asa_ends *ends; /* per rule */
    size_t n_ends, ends_room;
    const struct asa_group *passed; /* before its rules: what does not cross; NULL: nothing */
};

/* ---- Names --------------------------------------------------------------------------------------
 */

/* "SALLYPORT-SERVERS", of the name of its outbound list. */
static bool read_prefix(struct acl_words *w, str *out)
{
    struct acl_words ahead = *w;
    str suffix = S("-OUT"), begin = S("SALLYPORT-");
    if (!acl_words_expect(&ahead, "clear configure access-list")) return false;
    str name = ahead.word;
    if (!str_starts(name, begin) || !str_ends(name, suffix) || name.len <= begin.len + suffix.len)
        return acl_words_unexpected(&ahead, "SALLYPORT-, a border's name and -OUT");
    *out = str_head(name, name.len - suffix.len);
    return true;
}

static bool at_margin(struct acl_words *w)
{
    return !w->indented || acl_words_unexpected(w, "a line that is not indented");
}

/* The number of a group's name: PREFIX, '-', N or S, and the number. */
static bool read_number(struct acl_words *w, str prefix, char kind, size_t *out)
{
    str word = w->word, begin = str_format(w->arena, "%.*s-%c", STR_ARG(prefix), kind);
    uint64_t number = 0;
    str digits = str_tail(word, begin.len);
    if (!str_starts(word, begin) || !str_u64(digits, UINT32_MAX, &number) || !number ||
        digits.ptr[0] == '0')
        return acl_words_unexpected(w, "a group of this file");
    *out = (size_t)number;
    acl_words_skip(w);
    return true;
}

/* A group of the next number. */
static bool read_next(struct acl_words *w, str prefix, char kind, size_t n)
{
    struct acl_words mark = *w;
    size_t number;
    if (!read_number(w, prefix, kind, &number)) return false;
    return number == n + 1 || acl_words_unexpected(&mark, "the group of the next number");
}

/* ---- Removals -----------------------------------------------------------------------------------
 */

static bool read_removals(struct asa_file *file)
{
    struct acl_words *w = file->w;
    static const char *const suffixes[] = {"-OUT", "-IN"};
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        str name = str_format(w->arena, "%.*s%s", STR_ARG(file->prefix), suffixes[i]);
        if (!at_margin(w) || !acl_words_expect(w, "clear configure access-list") ||
            !acl_words_expect_word(w, name) || !acl_words_next_line(w))
            return false;
    }
    while (acl_words_begins(w, "no object-group network")) {
        if (!at_margin(w) || !acl_words_expect(w, "no object-group network") ||
            !read_next(w, file->prefix, 'N', file->n_networks++) || !acl_words_next_line(w))
            return false;
    }
    while (acl_words_begins(w, "no object-group service")) {
        if (!at_margin(w) || !acl_words_expect(w, "no object-group service") ||
            !read_next(w, file->prefix, 'S', file->n_services++) || !acl_words_next_line(w))
            return false;
    }
    return true;
}

/* ---- Groups -------------------------------------------------------------------------------------
 */

static bool read_member(struct acl_words *w, struct range *out)
{
    bool v4 = true;
    struct addr a;
    if (!acl_words_expect(w, "network-object")) return false;
    if (acl_words_take(w, "host")) {
        v4 = !addr_parse(w->word, &a) || addr_is_v4(a);
        if (!acl_words_addr(w, v4, &out->first)) return false;
        out->last = out->first;
        return acl_words_next_line(w);
    }
    bool has_mask = !str_contains(w->word, S("/"));
    if (has_mask ? !acl_words_masked(w, false, out) : !acl_words_prefix(w, out)) return false;
    if (!has_mask && addr_is_v4(out->first))
        return acl_words_unexpected(w, "a network of IPv4 with its mask");
    return acl_words_next_line(w);
}

static bool read_networks(struct asa_file *file)
{
    struct acl_words *w = file->w;
    struct asa_groups *groups = &file->networks;
    while (acl_words_begins(w, "object-group network")) {
        struct asa_group group = {.line = w->number};
        struct acl_ranges members = {0};
        if (!at_margin(w) || !acl_words_expect(w, "object-group network") ||
            !read_next(w, file->prefix, 'N', groups->n) || !acl_words_next_line(w))
            return false;
        while (w->indented) {
            struct range range;
            if (!read_member(w, &range) || !acl_words_ascend(w, &members, range)) return false;
            group.families |= addr_is_v4(range.first) ? FAMILY_V4 : FAMILY_V6;
        }
        if (!members.n) return acl_words_unexpected(w, "a member of the group");
        group.set = prefix_set_of(w->arena, members.items, members.n);
        arena_grow(w->arena, groups->items, groups->n, groups->room);
        groups->items[groups->n++] = group;
    }
    return true;
}

/* "eq 445" or "range 137 138", added to a list where each port stands once. */
static bool read_port(struct acl_words *w, struct rule *rule)
{
    struct service_port port = {.transport = rule->transport};
    bool is_range = acl_words_is(w, "range");
    if (!acl_words_take(w, "eq") && !acl_words_take(w, "range"))
        return acl_words_unexpected(w, "eq or range");
    if (!acl_words_port(w, &port.first)) return false;
    port.last = port.first;
    if (is_range && !acl_words_port(w, &port.last)) return false;
    if (is_range && port.last <= port.first)
        return acl_words_unexpected(w, "a range of ports that rises");
    for (size_t i = 0; i < rule->n_ports; i++)
        if (rule->ports[i].first <= port.last && port.first <= rule->ports[i].last)
            return acl_words_unexpected(w, "each port once");
    if (rule->n_ports == LIMIT_SERVICE_PORTS) return acl_words_unexpected(w, "fewer ports");
    rule_add_port(rule, w->arena, port);
    return true;
}

static bool read_transport(struct acl_words *w, enum transport *out)
{
    *out = acl_words_is(w, "tcp") ? TRANSPORT_TCP : TRANSPORT_UDP;
    return acl_words_take(w, "tcp") || acl_words_take(w, "udp") ||
           acl_words_unexpected(w, "tcp or udp");
}

static bool read_services(struct asa_file *file)
{
    struct acl_words *w = file->w;
    struct asa_groups *groups = &file->services;
    while (acl_words_begins(w, "object-group service")) {
        struct asa_group group = {.line = w->number};
        struct rule ports = {0};
        if (!at_margin(w) || !acl_words_expect(w, "object-group service") ||
            !read_next(w, file->prefix, 'S', groups->n) || !read_transport(w, &group.transport) ||
            !acl_words_next_line(w))
            return false;
        ports.transport = group.transport;
        while (w->indented) {
            if (!acl_words_expect(w, "port-object") || !read_port(w, &ports) ||
                !acl_words_next_line(w))
                return false;
        }
        if (!ports.n_ports) return acl_words_unexpected(w, "a port of the group");
        group.ports = ports.ports;
        group.n_ports = ports.n_ports;
        arena_grow(w->arena, groups->items, groups->n, groups->room);
        groups->items[groups->n++] = group;
    }
    return true;
}

/* ---- Entries ------------------------------------------------------------------------------------
 */

/* "any" or "object-group NAME". */
static bool read_end(struct asa_file *file, const struct asa_group **out)
{
    struct acl_words *w = file->w;
    struct acl_words mark;
    size_t number;
    *out = NULL;
    if (acl_words_take(w, "any")) return true;
    if (!acl_words_expect(w, "object-group")) return false;
    mark = *w;
    if (!read_number(w, file->prefix, 'N', &number)) return false;
    if (number > file->networks.n) return acl_words_unexpected(&mark, "a group that was defined");
    struct asa_group *group = &file->networks.items[number - 1];
    group->used = true;
    *out = group;
    return true;
}

static bool read_ports(struct asa_file *file, struct rule *rule)
{
    struct acl_words *w = file->w;
    struct acl_words mark;
    size_t number;
    if (!acl_words_take(w, "object-group")) return read_port(w, rule);
    mark = *w;
    if (!read_number(w, file->prefix, 'S', &number)) return false;
    if (number > file->services.n || file->services.items[number - 1].transport != rule->transport)
        return acl_words_unexpected(&mark, "a group of ports of this protocol");
    struct asa_group *group = &file->services.items[number - 1];
    group->used = true;
    rule->ports = group->ports;
    rule->n_ports = group->n_ports;
    return true;
}

/* Source, then destination. */
static bool read_ends(struct asa_list *list, struct asa_ends *out)
{
    bool outbound = list->direction == DIRECTION_OUTBOUND;
    return read_end(list->file, outbound ? &out->local : &out->remote) &&
           read_end(list->file, outbound ? &out->remote : &out->local);
}

/* After "extended". */
static bool read_entry(struct asa_list *list, struct rule *rule)
{
    struct acl_words *w = list->file->w;
    struct acl_words mark;
    struct asa_ends ends;
    bool permits = acl_words_is(w, "permit");
    if (!acl_words_take(w, "permit") && !acl_words_take(w, "deny"))
        return acl_words_unexpected(w, "permit or deny");
    rule->action = permits ? ACTION_ALLOW : ACTION_BLOCK;
    rule->logs = !permits;
    mark = *w;
    if (!read_transport(w, &rule->transport) || !read_ends(list, &ends)) return false;
    if (!ends.local) return acl_words_unexpected(&mark, "an entry that names the inside");
    rule->local = ends.local->set;
    if (ends.remote) rule->remote = ends.remote->set;
    if (!read_ports(list->file, rule)) return false;
    if (!permits && !acl_words_expect(w, "log")) return false;
    arena_grow(w->arena, list->ends, list->n_ends, list->ends_room);
    list->ends[list->n_ends++] = ends;
    return acl_words_next_line(w);
}

static bool is_label(str rest, const char *label, str *text)
{
    str head = str_of(label);
    if (!str_starts(rest, head)) return false;
    *text = str_trim(str_tail(rest, head.len));
    return true;
}

/* At a line of this list; after its name. */
static bool begin_line(struct asa_list *list)
{
    struct acl_words *w = list->file->w;
    return at_margin(w) && acl_words_expect(w, "access-list") &&
           acl_words_expect_word(w, list->name);
}

/* `remark why: ...` and what goes on in `remark + ...`; then at the entry, after "extended". */
static bool read_why(struct asa_list *list, struct rule *rule)
{
    struct acl_words *w = list->file->w;
    struct buf why = buf_in(w->arena);
    for (;;) {
        str text = {0};
        if (!begin_line(list)) return false;
        if (acl_words_take(w, "extended")) break;
        if (!acl_words_expect(w, "remark")) return false;
        str rest = acl_words_rest(w);
        if (!is_label(rest, "why: ", &text) && !is_label(rest, "+ ", &text) &&
            !str_equal(rest, S("why:")))
            return err_line(w->err, ERR_MALFORMED, w->number, 1,
                            "expected the reason of the rule or its entry, found another remark");
        if (why.len) buf_char(&why, ' ');
        buf_str(&why, text);
        if (!acl_words_next_line(w)) return false;
    }
    rule->why = buf_text(&why);
    return true;
}

static bool read_rule(struct asa_list *list, str id, uint64_t offset)
{
    struct asa_rules *rules = &list->file->rules;
    struct rule rule = {
        .id = id,
        .name = id,
        .group = list->file->prefix,
        .direction = list->direction,
        .profiles = 1u << PROFILE_DOMAIN,
        .enabled = true,
        .offset = offset,
    };
    if (!read_why(list, &rule) || !read_entry(list, &rule)) return false;
    arena_grow(list->file->w->arena, rules->items, rules->n, rules->room);
    rules->items[rules->n++] = rule;
    return true;
}

/* ---- Lists --------------------------------------------------------------------------------------
 */

/* What is not passed of each choice of families. */
static void find_outside(const struct asa_list *list, struct prefix_set out[FAMILIES])
{
    struct arena *arena = list->file->w->arena;
    struct prefix_set all = {&addr_all, 1}, passed = {0};
    if (list->passed) passed = list->passed->set;
    out[0] = (struct prefix_set){0};
    out[FAMILY_V4] = prefix_set_subtract(arena, prefix_set_v4(arena, all), passed);
    out[FAMILY_V6] = prefix_set_subtract(arena, prefix_set_v6(arena, all), passed);
    out[FAMILY_V4 | FAMILY_V6] = prefix_set_subtract(arena, all, passed);
}

/* Its rules say "any" for the outside, which is known now. Groups are looked at once, since many
 * rules may name a large one. */
static bool set_outside(struct asa_list *list)
{
    struct acl_words *w = list->file->w;
    const struct asa_groups *groups = &list->file->networks;
    bool *crosses = arena_array(w->arena, bool, groups->n + 1);
    struct prefix_set outside[FAMILIES];
    unsigned needed = 0;
    find_outside(list, outside);
    for (size_t i = 0; i < groups->n && list->passed; i++)
        crosses[i] = !prefix_set_overlaps(groups->items[i].set, list->passed->set);
    for (size_t i = 0; i < list->n_ends; i++) {
        struct rule *rule = &list->file->rules.items[list->first + i];
        const struct asa_ends *ends = &list->ends[i];
        if (!ends->remote) {
            rule->remote = outside[ends->local->families];
            needed |= ends->local->families;
        } else if (list->passed && !crosses[ends->remote - groups->items]) {
            return err_line(w->err, ERR_MALFORMED, w->number, 1,
                            "expected rules about the outside, found \"%.*s\" with addresses that "
                            "the list has let pass before",
                            STR_ARG(rule->id));
        }
    }
    if (needed == (list->passed ? list->passed->families : 0)) return true;
    return err_line(w->err, ERR_MALFORMED, w->number, 1,
                    "expected that what passes before the rules is of the families that they say "
                    "\"any\" of");
}

static bool add_last(struct asa_list *list, uint64_t offset)
{
    struct asa_rules *rules = &list->file->rules;
    struct acl_words *w = list->file->w;
    if (!set_outside(list)) return false;
    arena_grow(w->arena, rules->items, rules->n, rules->room);
    rules->items[rules->n++] = (struct rule){
        .id = S("rest"),
        .name = S("all that is left"),
        .group = list->file->prefix,
        .direction = list->direction,
        .action = ACTION_ALLOW,
        .profiles = 1u << PROFILE_DOMAIN,
        .enabled = true,
        .transport = TRANSPORT_NONE,
        .local = {&addr_all, 1},
        .remote = {&addr_all, 1},
        .why = S("decided elsewhere"),
        .offset = offset,
    };
    return acl_words_next_line(w);
}

/* "permit ip any any", the last of the list, or before its rules one that lets pass what does not
 * cross. */
static bool read_permit_ip(struct asa_list *list, uint64_t offset, bool *last)
{
    struct acl_words *w = list->file->w;
    struct acl_words mark = *w;
    struct asa_ends ends;
    if (!acl_words_expect(w, "permit ip") || !read_ends(list, &ends)) return false;
    *last = !ends.local && !ends.remote;
    if (*last) return add_last(list, offset);
    if (ends.local || list->passed || list->n_ends)
        return acl_words_unexpected(&mark, "\"permit ip any any\", or a remark");
    list->passed = ends.remote;
    return acl_words_next_line(w);
}

static bool read_list(struct asa_list *list)
{
    struct acl_words *w = list->file->w;
    bool last = false;
    list->first = list->file->rules.n;
    while (!last) {
        uint64_t offset = acl_words_offset(w, list->file->content);
        str text = {0};
        if (!begin_line(list)) return false;
        if (acl_words_take(w, "extended")) {
            if (!read_permit_ip(list, offset, &last)) return false;
            continue;
        }
        if (!acl_words_expect(w, "remark")) return false;
        str rest = acl_words_rest(w);
        bool is_rule = is_label(rest, "rule: ", &text);
        if (!is_rule && !is_label(rest, "note: ", &text))
            return err_line(w->err, ERR_MALFORMED, w->number, 1,
                            "expected a remark that begins with rule: or note:, found another");
        if (!acl_words_next_line(w)) return false;
        if (is_rule && !read_rule(list, text, offset)) return false;
    }
    return true;
}

/* ---- Files --------------------------------------------------------------------------------------
 */

static bool all_used(struct asa_file *file)
{
    const struct asa_groups *kinds[] = {&file->networks, &file->services};
    for (size_t k = 0; k < COUNT_OF(kinds); k++)
        for (size_t i = 0; i < kinds[k]->n; i++)
            if (!kinds[k]->items[i].used)
                return err_line(file->w->err, ERR_MALFORMED, kinds[k]->items[i].line, 1,
                                "expected a group that an entry names, found one that none does");
    return true;
}

static bool read_file(struct asa_file *file)
{
    static const struct {
        const char *suffix;
        enum direction direction;
    } lists[] = {
        {"-OUT", DIRECTION_OUTBOUND},
        {"-IN",  DIRECTION_INBOUND }
    };
    struct acl_words *w = file->w;
    if (!read_prefix(w, &file->prefix) || !read_removals(file)) return false;
    if (!read_networks(file) || !read_services(file)) return false;
    if (file->networks.n != file->n_networks || file->services.n != file->n_services)
        return acl_words_unexpected(w, "as many groups as are removed first");
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        struct asa_list list = {.file = file, .direction = lists[i].direction};
        list.name = str_format(w->arena, "%.*s%s", STR_ARG(file->prefix), lists[i].suffix);
        if (!read_list(&list)) return false;
    }
    if (!w->ended) return acl_words_unexpected(w, "the end of the file");
    return all_used(file);
}

bool cisco_asa_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                    struct err *err)
{
    struct acl_words w;
    struct asa_file file = {.w = &w, .content = content};
    if (!acl_words_open(&w, content, '!', arena, err) || !read_file(&file))
        return err_in(err, source);
    *out = (struct ruleset){.rules = file.rules.items, .n = file.rules.n};
    return true;
}

/* Removals, to the end of the file or, of a file of rules, to its first group. */
static bool read_removed(struct asa_file *file, bool alone)
{
    if (!read_prefix(file->w, &file->prefix) || !read_removals(file)) return false;
    return !alone || file->w->ended || acl_words_unexpected(file->w, "the end of the file");
}

bool cisco_asa_read_rollback(str source, bytes content, str workspace, str border_word,
                             struct arena *arena, struct err *err)
{
    struct acl_words w;
    struct asa_file file = {.w = &w, .content = content};
    str wanted = str_format(arena, "sallyport-%.*s", STR_ARG(border_word));
    (void)workspace; /* a firewall has one pair of lists for each border */
    if (!acl_words_open(&w, content, '!', arena, err) || !read_removed(&file, true))
        return err_in(err, source);
    if (str_equal_nocase(file.prefix, wanted)) return true;
    (void)err_set(err, ERR_MALFORMED, "expected lists of %.*s, found %.*s", STR_ARG(wanted),
                  STR_ARG(file.prefix));
    return err_in(err, source);
}

bool cisco_asa_read_undoes(str source, bytes rules, bytes rollback, struct arena *arena,
                           struct err *err)
{
    struct acl_words made_words, back_words;
    struct asa_file made = {.w = &made_words, .content = rules};
    struct asa_file back = {.w = &back_words, .content = rollback};
    if (!acl_words_open(&made_words, rules, '!', arena, err) || !read_removed(&made, false) ||
        !acl_words_open(&back_words, rollback, '!', arena, err) || !read_removed(&back, true))
        return err_in(err, source);
    if (str_equal(made.prefix, back.prefix) && made.n_networks == back.n_networks &&
        made.n_services == back.n_services)
        return true;
    (void)err_set(err, ERR_MALFORMED,
                  "expected the removal of %zu groups of networks and %zu of services, found %zu "
                  "and %zu",
                  made.n_networks, made.n_services, back.n_networks, back.n_services);
    return err_in(err, source);
}

bool cisco_asa_read_recognise(bytes head)
{
    return str_starts(str_of_bytes(head), S("! sallyport: cisco-asa"));
}
