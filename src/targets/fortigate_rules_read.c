/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/fortigate_rules_read.h"

#include "base/prefix_set.h"
#include "targets/edge_objects.h"
#include "targets/line_words.h"
#include "targets/own_spelling.h"

enum kind { KIND_ADDRESS, KIND_GROUP, KIND_SERVICE, KIND_COUNT };

static const char kind_letters[KIND_COUNT] = {
    [KIND_ADDRESS] = 'a', [KIND_GROUP] = 'g', [KIND_SERVICE] = 's'};

/* Groups within each other: four hold more addresses than there are. */
enum { MOST_LEVELS = 4 };

/* An address, a group or a service; the number in its name is its place, from 1. */
struct object {
    bool set, used, v4;
    struct prefix_set addresses;
    unsigned levels; /* of groups in this one */
    bool is_member;  /* a group, of another one */
    enum transport transport;
    struct service_port *ports;
    size_t n_ports;
};

struct objects {
    struct object *items;
    size_t n, room; /* n: the largest number */
    size_t n_set;
};

struct script {
    struct line_words words;
    str stem; /* what all names begin with */
    struct objects objects[KIND_COUNT];
    struct rule *rules;
    uint64_t first_id;
    size_t n_rules, rules_room;
};

/* ---- Names --------------------------------------------------------------------------------------
 */

/* The object behind a quoted name, which may be new. */
static bool read_object(struct script *s, enum kind kind, bool new, struct object **out)
{
    struct line_words *w = &s->words;
    struct objects *objects = &s->objects[kind];
    size_t number = 0;
    str name = w->word;
    if (name.len > 2) name = str_head(str_tail(name, 1), name.len - 2);
    if (!s->stem.len && str_starts(name, S("sallyport-"))) {
        /* The first name tells the stem of all. */
        for (size_t i = 0; i < name.len; i++)
            if (name.ptr[i] == '-') s->stem = str_head(name, i);
    }
    if (!line_words_numbered(name, s->stem, kind_letters[kind], &number))
        return line_words_unexpected(w, "the name of an object of ours");
    if (new ? number > s->words.content.len
            : number > objects->n || !objects->items[number - 1].set)
        return line_words_unexpected(w, "the name of an object that is there");
    while (objects->n < number) {
        arena_grow(w->arena, objects->items, objects->n, objects->room);
        objects->items[objects->n++] = (struct object){0};
    }
    *out = &objects->items[number - 1];
    if (new && (*out)->set) return line_words_unexpected(w, "an object of another name");
    if (new) objects->n_set++;
    (*out)->set = true;
    if (!new) (*out)->used = true;
    str text;
    return line_words_quoted(w, &text);
}

static bool expect_line(struct script *s, const char *phrase)
{
    return line_words_expect(&s->words, phrase) && line_words_end_line(&s->words);
}

/* ---- Objects ------------------------------------------------------------------------------------
 */

static bool parse_addr(str text, struct addr *out)
{
    return addr_parse(text, out) && own_spelling_of(text, (struct range){*out, *out});
}

/* "10.0.0.0 255.255.255.0": the mask has its ones in front, the address none behind them. */
static bool read_subnet(struct script *s, struct range *out)
{
    struct line_words *w = &s->words;
    struct addr first, mask;
    if (!parse_addr(w->word, &first) || !addr_is_v4(first))
        return line_words_unexpected(w, "an IPv4 address");
    line_words_next(w);
    if (!parse_addr(w->word, &mask) || !addr_is_v4(mask)) return line_words_unexpected(w, "a mask");
    uint32_t hosts = ~addr_v4_value(mask), from = addr_v4_value(first);
    if ((hosts & (uint32_t)(hosts + UINT64_C(1))) || (from & hosts))
        return line_words_unexpected(w, "the mask of a network that begins there");
    *out = (struct range){first, addr_v4(from | hosts)};
    line_words_next(w);
    return line_words_end_line(w);
}

static bool read_end(struct script *s, bool v4, struct addr *out)
{
    struct line_words *w = &s->words;
    if (!parse_addr(w->word, out) || addr_is_v4(*out) != v4)
        return line_words_unexpected(w, "an address of this family");
    line_words_next(w);
    return line_words_end_line(w);
}

static bool read_addresses(struct script *s, bool v4, struct range *out)
{
    struct line_words *w = &s->words;
    if (!line_words_expect(w, "set")) return false;
    if (v4 && line_words_take(w, "subnet")) return read_subnet(s, out);
    if (!v4 && line_words_take(w, "ip6")) {
        struct prefix p;
        if (!str_contains(w->word, S("/")) || !prefix_parse(w->word, &p) ||
            prefix_has_host_bits(p) || addr_is_v4(p.addr))
            return line_words_unexpected(w, "an IPv6 prefix");
        *out = prefix_range(p);
        line_words_next(w);
        return line_words_end_line(w);
    }
    if (!expect_line(s, "type iprange") || !line_words_expect(w, "set start-ip") ||
        !read_end(s, v4, &out->first) || !line_words_expect(w, "set end-ip") ||
        !read_end(s, v4, &out->last))
        return false;
    return addr_compare(out->first, out->last) <= 0 ||
           line_words_unexpected(w, "a range whose end is not before its start");
}

static bool read_address(struct script *s, bool v4)
{
    struct line_words *w = &s->words;
    struct object *object;
    struct range *range = arena_new(w->arena, struct range);
    if (!read_object(s, KIND_ADDRESS, true, &object) || !line_words_end_line(w)) return false;
    if (!read_addresses(s, v4, range)) return false;
    object->addresses = (struct prefix_set){range, 1};
    /* What IPv6 calls ::ffff:a.b.c.d is no IPv4 address to the firewall. */
    if (!v4) object->addresses = prefix_set_v6(w->arena, object->addresses);
    object->v4 = v4;
    return expect_line(s, "next");
}

/* A group stands in one other at most, and not too deep: else a short file would name the same
 * addresses over and over. */
static bool join(struct script *s, struct object *member, unsigned *levels)
{
    if (member->is_member || member->levels == MOST_LEVELS)
        return line_words_unexpected(&s->words, "a group that is in no other before");
    member->is_member = true;
    if (*levels <= member->levels) *levels = member->levels + 1;
    return true;
}

static bool read_group(struct script *s, bool v4)
{
    struct line_words *w = &s->words;
    struct object *object, *member;
    struct range *ranges = NULL;
    size_t n = 0, room = 0, at;
    unsigned levels = 0;
    if (!read_object(s, KIND_GROUP, true, &object) || !line_words_end_line(w)) return false;
    at = (size_t)(object - s->objects[KIND_GROUP].items);
    for (const char *verb = "set member"; n == 0 || line_words_is(w, "append");
         verb = "append member") {
        if (!line_words_expect(w, verb)) return false;
        do {
            bool nested = str_contains(w->word, str_format(w->arena, "%.*s-g", STR_ARG(s->stem)));
            if (!read_object(s, nested ? KIND_GROUP : KIND_ADDRESS, false, &member)) return false;
            if (member->v4 != v4 || (nested && !member->addresses.n))
                return line_words_unexpected(w, "a member of this family");
            if (nested && !join(s, member, &levels)) return false;
            for (size_t i = 0; i < member->addresses.n; i++) {
                arena_grow(w->arena, ranges, n, room);
                ranges[n++] = member->addresses.ranges[i];
            }
        } while (!line_words_is(w, "\n"));
        if (!line_words_end_line(w)) return false;
        if (!n) return line_words_unexpected(w, "members that are addresses");
    }
    /* An address that is there twice could go once, and nobody would see. */
    if (!line_words_apart(ranges, n, w->arena))
        return line_words_unexpected(w, "members that share no address");
    object = &s->objects[KIND_GROUP].items[at];
    object->addresses = prefix_set_of(w->arena, ranges, n);
    object->levels = levels;
    object->v4 = v4;
    return expect_line(s, "next");
}

static bool read_service(struct script *s)
{
    struct line_words *w = &s->words;
    struct object *object;
    struct rule ports = {0};
    if (!read_object(s, KIND_SERVICE, true, &object) || !line_words_end_line(w)) return false;
    if (!line_words_expect(w, "set")) return false;
    object->transport = line_words_is(w, "tcp-portrange") ? TRANSPORT_TCP : TRANSPORT_UDP;
    if (!line_words_take(w, "tcp-portrange") && !line_words_take(w, "udp-portrange"))
        return line_words_unexpected(w, "tcp-portrange or udp-portrange");
    do {
        struct service_port p = {.transport = object->transport};
        if (!line_words_ports(w->word, &p.first, &p.last) || ports.n_ports == LIMIT_SERVICE_PORTS)
            return line_words_unexpected(w, "a port or a range of ports");
        rule_add_port(&ports, w->arena, p);
        line_words_next(w);
    } while (!line_words_is(w, "\n"));
    object->ports = ports.ports;
    object->n_ports = ports.n_ports;
    return line_words_end_line(w) && expect_line(s, "next");
}

/* One section of objects: "config firewall ..." to "end". */
static bool read_section(struct script *s, const char *head, enum kind kind, bool v4)
{
    struct line_words *w = &s->words;
    if (!expect_line(s, head)) return false;
    while (line_words_take(w, "edit")) {
        bool read = kind == KIND_ADDRESS ? read_address(s, v4)
                    : kind == KIND_GROUP ? read_group(s, v4)
                                         : read_service(s);
        if (!read) return false;
    }
    return expect_line(s, "end");
}

/* ---- Policies -----------------------------------------------------------------------------------
 */

/* "STEM-i1" or "STEM-o1": which end is inside stands in the name. */
static bool read_policy_name(struct script *s, struct rule *rule)
{
    struct line_words *w = &s->words;
    size_t number = 0;
    str name;
    if (!line_words_expect(w, "set name")) return false;
    if (!line_words_quoted(w, &name)) return false;
    bool inbound = line_words_numbered(name, s->stem, 'i', &number);
    if ((!inbound && !line_words_numbered(name, s->stem, 'o', &number)) || number != s->n_rules + 1)
        return line_words_unexpected(w, "the name of the next policy before");
    rule->direction = inbound ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
    return line_words_end_line(w) && expect_line(s, "set srcintf \"any\"") &&
           expect_line(s, "set dstintf \"any\"");
}

static bool read_ends(struct script *s, struct rule *rule)
{
    struct line_words *w = &s->words;
    struct object *source, *destination;
    bool v4 = false, outbound = rule->direction == DIRECTION_OUTBOUND;
    if (!line_words_expect(w, "set")) return false;
    v4 = line_words_is(w, "srcaddr");
    if (!line_words_take(w, "srcaddr") && !line_words_expect(w, "srcaddr6")) return false;
    if (!read_object(s, KIND_GROUP, false, &source) || !line_words_end_line(w)) return false;
    if (!line_words_expect(w, "set") || !line_words_expect(w, v4 ? "dstaddr" : "dstaddr6"))
        return false;
    if (!read_object(s, KIND_GROUP, false, &destination) || !line_words_end_line(w)) return false;
    if (source->v4 != v4 || destination->v4 != v4)
        return line_words_unexpected(w, "groups of the policy's family before");
    rule->local = (outbound ? source : destination)->addresses;
    rule->remote = (outbound ? destination : source)->addresses;
    if (!line_words_expect(w, "set action")) return false;
    rule->action = line_words_is(w, "accept") ? ACTION_ALLOW : ACTION_BLOCK;
    if (!line_words_take(w, "accept") && !line_words_take(w, "deny"))
        return line_words_unexpected(w, "accept or deny");
    if (!line_words_end_line(w)) return false;
    return rule->action == ACTION_ALLOW || !v4 || expect_line(s, "set match-vip enable");
}

static bool read_policy(struct script *s)
{
    struct line_words *w = &s->words;
    struct rule rule = {
        .enabled = true,
        .logs = true,
        .profiles = 1u << PROFILE_DOMAIN,
        .group = s->stem,
        .offset = w->word_at,
    };
    struct object *service;
    uint64_t id;
    str text, why;
    if (!line_words_number(w, UINT32_MAX - 1, &id) || !line_words_end_line(w)) return false;
    if (!s->n_rules) s->first_id = id;
    if (id != s->first_id + s->n_rules) return line_words_unexpected(w, "ids in a row before");
    if (!read_policy_name(s, &rule) || !read_ends(s, &rule)) return false;
    if (!expect_line(s, "set schedule \"always\"") || !line_words_expect(w, "set service") ||
        !read_object(s, KIND_SERVICE, false, &service) || !line_words_end_line(w) ||
        !expect_line(s, "set logtraffic all") || !line_words_expect(w, "set comments") ||
        !line_words_quoted(w, &text) || !line_words_end_line(w) || !expect_line(s, "next"))
        return false;
    rule.transport = service->transport;
    rule.ports = service->ports;
    rule.n_ports = service->n_ports;
    (void)str_cut(text, ':', &rule.id, &why);
    rule.name = rule.id;
    rule.why = str_trim(why);
    arena_grow(w->arena, s->rules, s->n_rules, s->rules_room);
    s->rules[s->n_rules++] = rule;
    return true;
}

/* The first above whatever is there, each other one behind the one before. FIRST, or what an admin
 * has put in its place. */
static bool read_moves(struct script *s)
{
    struct line_words *w = &s->words;
    for (size_t i = 0; i < s->n_rules; i++) {
        uint64_t id, other = 0;
        if (!line_words_expect(w, "move") || !line_words_number(w, UINT32_MAX, &id)) return false;
        if (!line_words_expect(w, i ? "after" : "before")) return false;
        if ((i || !line_words_take(w, "FIRST")) && !line_words_number(w, UINT32_MAX, &other))
            return false;
        bool inside = other >= s->first_id && other - s->first_id < s->n_rules;
        if (id != s->first_id + i || (i ? other != id - 1 : inside))
            return line_words_unexpected(w, "the policies in their order before");
        if (!line_words_end_line(w)) return false;
    }
    return true;
}

/* What nothing uses could be damaged unseen; what is not there is no object. */
static bool all_used(struct script *s)
{
    for (unsigned kind = 0; kind < KIND_COUNT; kind++) {
        const struct objects *objects = &s->objects[kind];
        for (size_t i = 0; i < objects->n; i++)
            if (!objects->items[i].set || !objects->items[i].used)
                return line_words_unexpected(&s->words, "objects that are all there and in use");
    }
    return true;
}

static bool read_script(struct script *s)
{
    struct line_words *w = &s->words;
    if (!read_section(s, "config firewall address", KIND_ADDRESS, true) ||
        !read_section(s, "config firewall address6", KIND_ADDRESS, false) ||
        !read_section(s, "config firewall addrgrp", KIND_GROUP, true) ||
        !read_section(s, "config firewall addrgrp6", KIND_GROUP, false) ||
        !read_section(s, "config firewall service custom", KIND_SERVICE, false) ||
        !expect_line(s, "config firewall policy"))
        return false;
    while (line_words_take(w, "edit"))
        if (!read_policy(s)) return false;
    if (!read_moves(s) || !expect_line(s, "end") || !all_used(s)) return false;
    return !w->word.len || line_words_unexpected(w, "the end of the file");
}

bool fortigate_rules_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                          struct err *err)
{
    struct script s = {.words = line_words_of(content, arena, err)};
    if (!read_script(&s)) return err_in(err, source);
    *out = (struct ruleset){.rules = s.rules, .n = s.n_rules};
    return true;
}

/* ---- Rollback -----------------------------------------------------------------------------------
 */

/* 3,000 ids for each border, from 1,000,000,000 on, told by the hash at the end of its names. */
static uint64_t id_of(str stem)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t hash = 0;
    for (size_t i = stem.len - 5; i < stem.len; i++) {
        const char *digit = strchr(digits, stem.ptr[i]);
        hash = hash * 16 + (digit ? (uint64_t)(digit - digits) : 0);
    }
    return UINT64_C(1000000000) + hash * 3000;
}

static bool delete_objects(struct script *s, const char *head, enum kind kind, bool v4)
{
    struct line_words *w = &s->words;
    struct object *object;
    if (!expect_line(s, head)) return false;
    while (line_words_take(w, "delete")) {
        if (!read_object(s, kind, true, &object) || !line_words_end_line(w)) return false;
        object->v4 = v4;
    }
    return expect_line(s, "end");
}

static bool read_deletions(struct script *s)
{
    struct line_words *w = &s->words;
    if (!expect_line(s, "config firewall policy")) return false;
    for (; line_words_take(w, "delete"); s->n_rules++) {
        uint64_t id;
        if (!line_words_number(w, UINT32_MAX, &id)) return false;
        if (!s->n_rules) s->first_id = id;
        if (id != s->first_id + s->n_rules) return line_words_unexpected(w, "ids in a row before");
        if (!line_words_end_line(w)) return false;
    }
    if (!expect_line(s, "end") ||
        !delete_objects(s, "config firewall service custom", KIND_SERVICE, false) ||
        !delete_objects(s, "config firewall addrgrp", KIND_GROUP, true) ||
        !delete_objects(s, "config firewall addrgrp6", KIND_GROUP, false) ||
        !delete_objects(s, "config firewall address", KIND_ADDRESS, true) ||
        !delete_objects(s, "config firewall address6", KIND_ADDRESS, false))
        return false;
    return !w->word.len || line_words_unexpected(w, "the end of the file");
}

bool fortigate_rules_read_rollback(str source, bytes content, str workspace, str border_word,
                                   struct arena *arena, struct err *err)
{
    struct script s = {.words = line_words_of(content, arena, err)};
    s.stem = edge_objects_prefix(workspace, border_word, arena);
    if (!read_deletions(&s)) return err_in(err, source);
    if (!s.n_rules || s.first_id == id_of(s.stem)) return true;
    (void)err_set(err, ERR_MALFORMED, "expected policies from %" PRIu64 " on, found %" PRIu64,
                  id_of(s.stem), s.first_id);
    return err_in(err, source);
}

bool fortigate_rules_read_undoes(str source, bytes rules, bytes rollback, struct arena *arena,
                                 struct err *err)
{
    struct script made = {.words = line_words_of(rules, arena, err)};
    struct script gone = {.words = line_words_of(rollback, arena, err)};
    if (!read_script(&made)) return err_in(err, source);
    gone.stem = made.stem;
    if (!read_deletions(&gone)) return err_in(err, source);
    bool all = made.n_rules == gone.n_rules && made.first_id == gone.first_id;
    for (unsigned kind = 0; kind < KIND_COUNT && all; kind++) {
        const struct objects *a = &made.objects[kind], *b = &gone.objects[kind];
        all = a->n == b->n && a->n_set == b->n_set;
        for (size_t i = 0; i < a->n && all; i++)
            all = kind == KIND_SERVICE || a->items[i].v4 == b->items[i].v4;
    }
    if (all) return true;
    (void)err_set(err, ERR_MALFORMED,
                  "expected the deletion of the %zu policies and of every object of %.*s, found "
                  "%zu policies and %zu, %zu and %zu objects",
                  made.n_rules, STR_ARG(made.stem), gone.n_rules, gone.objects[KIND_ADDRESS].n_set,
                  gone.objects[KIND_GROUP].n_set, gone.objects[KIND_SERVICE].n_set);
    return err_in(err, source);
}

bool fortigate_rules_read_recognise(bytes head)
{
    str text = str_of_bytes(head);
    return str_starts(text, S("# sallyport: ")) &&
           str_contains(text, S("\nconfig firewall address\n"));
}
