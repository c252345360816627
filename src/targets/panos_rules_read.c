/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/panos_rules_read.h"

#include "base/prefix_set.h"
#include "targets/edge_objects.h"
#include "targets/line_words.h"
#include "targets/own_spelling.h"

/* Groups within each other: four hold more addresses than there are. */
enum { MOST_LEVELS = 4 };

/* An object that was set, in the order of its number. */
struct address_group {
    struct prefix_set set;
    unsigned levels; /* of groups in this one */
    bool is_member;  /* of another group */
    bool used, v4;
};

struct service_object {
    enum transport transport;
    struct service_port *ports;
    size_t n_ports;
    bool used;
};

struct commands {
    struct line_words words;
    str stem; /* what all names begin with */
    struct range *addresses;
    bool *address_used;
    size_t n_addresses, addresses_room, used_room, n_used;
    struct address_group *groups;
    size_t n_groups, groups_room;
    struct service_object *services;
    size_t n_services, services_room;
    struct rule *rules;
    size_t n_rules, rules_room;
};

/* ---- Names --------------------------------------------------------------------------------------
 */

/* The first name tells the stem of all: "STEM-a1". */
static bool read_stem(struct commands *c, const char *kind_and_one)
{
    str word = c->words.word, end = str_of(kind_and_one);
    if (!str_starts(word, S("sallyport-")) || !str_ends(word, end))
        return line_words_unexpected(&c->words, "the name of an object of ours");
    c->stem = str_head(word, word.len - end.len);
    return true;
}

/* The name of the object of that kind with this number. */
static bool expect_name(struct commands *c, char kind, size_t number)
{
    return line_words_expect_word(
        &c->words, str_format(c->words.arena, "%.*s-%c%zu", STR_ARG(c->stem), kind, number));
}

/* The name of an object that was set before. */
static bool read_name(struct commands *c, char kind, size_t most, size_t *out)
{
    size_t number = 0;
    if (!line_words_numbered(c->words.word, c->stem, kind, &number) || number > most)
        return line_words_unexpected(&c->words, "the name of an object that was set before");
    line_words_next(&c->words);
    *out = number - 1;
    return true;
}

/* ---- Objects ------------------------------------------------------------------------------------
 */

/* After "set address NAME". */
static bool read_range(struct commands *c, struct range *out)
{
    struct line_words *w = &c->words;
    str first, last;
    if (line_words_take(w, "ip-netmask")) {
        struct prefix p;
        if (!str_contains(w->word, S("/")) || !prefix_parse(w->word, &p) || prefix_has_host_bits(p))
            return line_words_unexpected(w, "a prefix");
        *out = prefix_range(p);
    } else {
        if (!line_words_expect(w, "ip-range")) return false;
        if (!str_cut(w->word, '-', &first, &last) || !addr_parse(first, &out->first) ||
            !addr_parse(last, &out->last) || addr_is_v4(out->first) != addr_is_v4(out->last) ||
            addr_compare(out->first, out->last) > 0)
            return line_words_unexpected(w, "a range of addresses");
    }
    if (addr_is_v4(out->first) && !own_spelling_of(w->word, *out))
        return line_words_unexpected(w, "IPv4 as such");
    line_words_next(w);
    return line_words_end_line(w);
}

static bool read_address(struct commands *c)
{
    struct arena *arena = c->words.arena;
    if (!c->n_addresses && !read_stem(c, "-a1")) return false;
    if (!expect_name(c, 'a', c->n_addresses + 1)) return false;
    arena_grow(arena, c->addresses, c->n_addresses, c->addresses_room);
    arena_grow(arena, c->address_used, c->n_used, c->used_room);
    c->address_used[c->n_used++] = false;
    return read_range(c, &c->addresses[c->n_addresses++]);
}

/* A group stands in one other at most, and not too deep: else a short file would name the same
 * addresses over and over. */
static bool join(struct commands *c, struct address_group *member, struct address_group *group)
{
    if (member->is_member || member->levels == MOST_LEVELS)
        return line_words_unexpected(&c->words, "a group that is in no other before");
    member->is_member = true;
    if (group->levels <= member->levels) group->levels = member->levels + 1;
    return true;
}

/* IPv6 objects never hold an IPv4 address of ours; what PAN-OS takes for one is no peer. */
static bool add_member(struct commands *c, struct address_group *group, bool first,
                       struct range **ranges, size_t *n, size_t *room)
{
    struct arena *arena = c->words.arena;
    size_t number;
    struct prefix_set member;
    bool v4;
    if (line_words_numbered(c->words.word, c->stem, 'g', &number)) {
        if (!read_name(c, 'g', c->n_groups, &number)) return false;
        c->groups[number].used = true;
        if (!join(c, &c->groups[number], group)) return false;
        member = c->groups[number].set;
        v4 = c->groups[number].v4;
    } else {
        if (!read_name(c, 'a', c->n_addresses, &number)) return false;
        c->address_used[number] = true;
        v4 = addr_is_v4(c->addresses[number].first);
        member = (struct prefix_set){&c->addresses[number], 1};
        if (!v4) member = prefix_set_v6(arena, member);
    }
    if (!first && v4 != group->v4) return line_words_unexpected(&c->words, "members of one family");
    group->v4 = v4;
    for (size_t i = 0; i < member.n; i++) {
        arena_grow(arena, *ranges, *n, *room);
        (*ranges)[(*n)++] = member.ranges[i];
    }
    return true;
}

/* One group over as many lines as name it. */
static bool read_group(struct commands *c)
{
    struct line_words *w = &c->words;
    struct address_group group = {0};
    struct range *ranges = NULL;
    size_t n = 0, room = 0, members = 0;
    str name = w->word;
    if (!expect_name(c, 'g', c->n_groups + 1)) return false;
    for (;;) {
        if (!line_words_expect(w, "static [")) return false;
        do {
            if (!add_member(c, &group, !members, &ranges, &n, &room)) return false;
            members++;
        } while (!line_words_is(w, "]"));
        if (!line_words_expect(w, "]") || !line_words_end_line(w)) return false;
        struct line_words ahead = *w;
        if (!line_words_take(&ahead, "set") || !line_words_take(&ahead, "address-group")) break;
        if (!str_equal(ahead.word, name)) break;
        line_words_next(&ahead);
        *w = ahead;
    }
    group.set = prefix_set_of(w->arena, ranges, n);
    /* An address that is there twice could go once, and nobody would see. */
    if (!line_words_apart(ranges, n, w->arena))
        return line_words_unexpected(w, "members that share no address");
    arena_grow(w->arena, c->groups, c->n_groups, c->groups_room);
    c->groups[c->n_groups++] = group;
    return true;
}

/* "445,137-138" */
static bool read_ports(struct commands *c, struct service_object *service)
{
    struct rule ports = {0};
    str left = c->words.word;
    while (left.len) {
        str part, rest;
        struct service_port p = {.transport = service->transport};
        bool more = str_cut(left, ',', &part, &rest);
        if (!line_words_ports(part, &p.first, &p.last) || ports.n_ports == LIMIT_SERVICE_PORTS ||
            (more && !rest.len))
            return line_words_unexpected(&c->words, "ports or ranges of ports");
        rule_add_port(&ports, c->words.arena, p);
        left = rest;
    }
    if (!ports.n_ports) return line_words_unexpected(&c->words, "ports or ranges of ports");
    service->ports = ports.ports;
    service->n_ports = ports.n_ports;
    line_words_next(&c->words);
    return true;
}

static bool read_service(struct commands *c)
{
    struct line_words *w = &c->words;
    struct service_object service = {0};
    if (!expect_name(c, 's', c->n_services + 1) || !line_words_expect(w, "protocol")) return false;
    service.transport = line_words_is(w, "tcp") ? TRANSPORT_TCP : TRANSPORT_UDP;
    if (!line_words_take(w, "tcp") && !line_words_take(w, "udp"))
        return line_words_unexpected(w, "tcp or udp");
    if (!line_words_expect(w, "port") || !read_ports(c, &service) || !line_words_end_line(w))
        return false;
    arena_grow(w->arena, c->services, c->n_services, c->services_room);
    c->services[c->n_services++] = service;
    return true;
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

/* "STEM-i1" or "STEM-o1": which end is inside stands in the name. */
static bool read_rule_name(struct commands *c, size_t number, enum direction *out)
{
    size_t found = 0;
    str word = c->words.word;
    bool inbound = line_words_numbered(word, c->stem, 'i', &found);
    if ((!inbound && !line_words_numbered(word, c->stem, 'o', &found)) || found != number)
        return line_words_unexpected(&c->words, "the name of the next rule");
    *out = inbound ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
    line_words_next(&c->words);
    return true;
}

/* "ID: why" */
static void set_text(struct rule *rule, str text)
{
    str why;
    (void)str_cut(text, ':', &rule->id, &why);
    rule->name = rule->id;
    rule->why = str_trim(why);
}

static bool read_ends(struct commands *c, struct rule *rule)
{
    struct line_words *w = &c->words;
    size_t source, destination, service;
    if (!line_words_expect(w, "from any to any source")) return false;
    if (!read_name(c, 'g', c->n_groups, &source)) return false;
    if (!line_words_expect(w, "destination")) return false;
    if (!read_name(c, 'g', c->n_groups, &destination)) return false;
    if (!line_words_expect(w, "application any service")) return false;
    if (!read_name(c, 's', c->n_services, &service)) return false;
    bool outbound = rule->direction == DIRECTION_OUTBOUND;
    if (c->groups[source].v4 != c->groups[destination].v4)
        return line_words_unexpected(w, "ends of one family");
    c->groups[source].used = c->groups[destination].used = c->services[service].used = true;
    rule->local = c->groups[outbound ? source : destination].set;
    rule->remote = c->groups[outbound ? destination : source].set;
    rule->transport = c->services[service].transport;
    rule->ports = c->services[service].ports;
    rule->n_ports = c->services[service].n_ports;
    return true;
}

/* Both lines of a rule, from the first's name on. */
static bool read_rule(struct commands *c)
{
    struct line_words *w = &c->words;
    struct rule rule = {
        .enabled = true,
        .logs = true,
        .profiles = 1u << PROFILE_DOMAIN,
        .group = c->stem,
        .offset = w->word_at,
    };
    str name = w->word, text;
    if (!read_rule_name(c, c->n_rules + 1, &rule.direction)) return false;
    if (!line_words_expect(w, "description") || !line_words_quoted(w, &text)) return false;
    if (!line_words_end_line(w) || !line_words_expect(w, "set rulebase security rules"))
        return false;
    if (!line_words_expect_word(w, name) || !read_ends(c, &rule)) return false;
    if (!line_words_expect(w, "action")) return false;
    rule.action = line_words_is(w, "allow") ? ACTION_ALLOW : ACTION_BLOCK;
    if (!line_words_take(w, "allow") && !line_words_take(w, "drop"))
        return line_words_unexpected(w, "allow or drop");
    if (!line_words_expect(w, "log-end yes") || !line_words_end_line(w)) return false;
    set_text(&rule, text);
    arena_grow(w->arena, c->rules, c->n_rules, c->rules_room);
    c->rules[c->n_rules++] = rule;
    return true;
}

/* To the top, the last one first. */
static bool read_moves(struct commands *c)
{
    struct line_words *w = &c->words;
    for (size_t i = c->n_rules; i > 0; i--) {
        enum direction direction;
        if (!line_words_expect(w, "move rulebase security rules")) return false;
        str word = w->word;
        if (!read_rule_name(c, i, &direction)) return false;
        if (direction != c->rules[i - 1].direction)
            return line_words_unexpected(w, str_c(w->arena, word));
        if (!line_words_expect(w, "top") || !line_words_end_line(w)) return false;
    }
    return true;
}

/* What nothing uses could be damaged unseen. */
static bool all_used(struct commands *c)
{
    bool used = true;
    for (size_t i = 0; i < c->n_addresses; i++)
        used = used && c->address_used[i];
    for (size_t i = 0; i < c->n_groups; i++)
        used = used && c->groups[i].used;
    for (size_t i = 0; i < c->n_services; i++)
        used = used && c->services[i].used;
    return used || line_words_unexpected(&c->words, "no object that no rule uses");
}

static bool read_commands(struct commands *c)
{
    struct line_words *w = &c->words;
    enum { ADDRESSES, GROUPS, SERVICES, RULES } stage = ADDRESSES;
    while (line_words_take(w, "set")) {
        if (stage <= ADDRESSES && line_words_take(w, "address")) {
            if (!read_address(c)) return false;
        } else if (stage <= GROUPS && c->n_addresses && line_words_take(w, "address-group")) {
            stage = GROUPS;
            if (!read_group(c)) return false;
        } else if (stage <= SERVICES && c->n_groups && line_words_take(w, "service")) {
            stage = SERVICES;
            if (!read_service(c)) return false;
        } else {
            stage = RULES;
            if (!c->n_services) return line_words_unexpected(w, "objects before rules");
            if (!line_words_expect(w, "rulebase security rules") || !read_rule(c)) return false;
        }
    }
    if (!read_moves(c) || !all_used(c)) return false;
    return !w->word.len || line_words_unexpected(w, "the end of the file");
}

bool panos_rules_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                      struct err *err)
{
    struct commands c = {.words = line_words_of(content, arena, err)};
    if (!read_commands(&c)) return err_in(err, source);
    *out = (struct ruleset){.rules = c.rules, .n = c.n_rules};
    return true;
}

/* ---- Rollback -----------------------------------------------------------------------------------
 */

/* What a rollback deletes. */
struct deleted {
    str stem;
    size_t n_addresses, n_groups, n_services, n_rules, rules_room;
    enum direction *directions; /* per rule */
};

/* Counts down to 1 from whatever comes first; *more: another deletion has begun. */
static bool delete_groups(struct commands *c, struct deleted *d, bool *more)
{
    struct line_words *w = &c->words;
    size_t next = 0;
    do {
        size_t number = 0;
        if (!line_words_expect(w, "address-group")) return false;
        if (!line_words_numbered(w->word, c->stem, 'g', &number) || (next && number != next))
            return line_words_unexpected(w, "the group before the one that was deleted");
        if (!next) d->n_groups = number;
        next = number - 1;
        line_words_next(w);
        if (!line_words_end_line(w)) return false;
        *more = line_words_take(w, "delete");
    } while (next && *more);
    return !next || line_words_unexpected(w, "the next group");
}

static bool delete_rule(struct commands *c, struct deleted *d)
{
    struct line_words *w = &c->words;
    if (!line_words_expect(w, "rulebase security rules")) return false;
    arena_grow(w->arena, d->directions, d->n_rules, d->rules_room);
    if (!read_rule_name(c, d->n_rules + 1, &d->directions[d->n_rules])) return false;
    d->n_rules++;
    return line_words_end_line(w);
}

/* In the order of use: rules, services, groups, addresses. */
static bool read_deletions(struct commands *c, struct deleted *d)
{
    struct line_words *w = &c->words;
    d->stem = c->stem;
    bool more = line_words_take(w, "delete");
    while (more && line_words_is(w, "rulebase")) {
        if (!delete_rule(c, d)) return false;
        more = line_words_take(w, "delete");
    }
    while (more && line_words_take(w, "service")) {
        if (!expect_name(c, 's', ++d->n_services) || !line_words_end_line(w)) return false;
        more = line_words_take(w, "delete");
    }
    if (more && line_words_is(w, "address-group")) {
        if (!delete_groups(c, d, &more)) return false;
    }
    while (more) {
        if (!line_words_expect(w, "address")) return false;
        if (!expect_name(c, 'a', ++d->n_addresses) || !line_words_end_line(w)) return false;
        more = line_words_take(w, "delete");
    }
    return !w->word.len || line_words_unexpected(w, "the end of the file");
}

bool panos_rules_read_rollback(str source, bytes content, str workspace, str border_word,
                               struct arena *arena, struct err *err)
{
    struct commands c = {.words = line_words_of(content, arena, err)};
    struct deleted d = {0};
    c.stem = edge_objects_prefix(workspace, border_word, arena);
    return read_deletions(&c, &d) || err_in(err, source);
}

/* The stem of a rollback is that of its first name. */
static str stem_of(bytes rollback, struct arena *arena)
{
    struct err ignored = {0};
    struct line_words w = line_words_of(rollback, arena, &ignored);
    str stem = {0};
    while (w.word.len && !str_starts(w.word, S("sallyport-")))
        line_words_next(&w);
    for (size_t i = 0; i < w.word.len; i++)
        if (w.word.ptr[i] == '-') stem = str_head(w.word, i);
    return stem;
}

bool panos_rules_read_undoes(str source, bytes rules, bytes rollback, struct arena *arena,
                             struct err *err)
{
    struct commands made = {.words = line_words_of(rules, arena, err)};
    struct commands c = {.words = line_words_of(rollback, arena, err)};
    struct deleted d = {0};
    c.stem = stem_of(rollback, arena);
    if (!read_commands(&made) || !read_deletions(&c, &d)) return err_in(err, source);
    bool all = d.n_addresses == made.n_addresses && d.n_groups == made.n_groups &&
               d.n_services == made.n_services && d.n_rules == made.n_rules &&
               (!made.n_addresses || str_equal(d.stem, made.stem));
    for (size_t i = 0; i < d.n_rules && all; i++)
        all = d.directions[i] == made.rules[i].direction;
    if (all) return true;
    (void)err_set(err, ERR_MALFORMED,
                  "expected the deletion of %zu rules, %zu services, %zu groups and %zu addresses "
                  "of %.*s, found %zu, %zu, %zu and %zu of %.*s",
                  made.n_rules, made.n_services, made.n_groups, made.n_addresses,
                  STR_ARG(made.stem), d.n_rules, d.n_services, d.n_groups, d.n_addresses,
                  STR_ARG(d.stem));
    return err_in(err, source);
}

bool panos_rules_read_recognise(bytes head)
{
    str text = str_of_bytes(head);
    return str_starts(text, S("# sallyport: ")) &&
           str_contains(text, S("\nset address sallyport-"));
}
