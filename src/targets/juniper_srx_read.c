/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/juniper_srx_read.h"

#include "targets/acl_words.h"
#include "targets/own_spelling.h"

/* An address, an address set or an application. */
struct srx_object {
    struct range range;
    struct prefix_set set;
    struct acl_ranges members; /* of the set, as they are named */
    struct service_port port;
    uint32_t line;
    bool used;
};

struct srx_objects {
    struct srx_object *items;
    size_t n, room;
};

enum { SET_MEMBERS = 1024 }; /* what small devices hold */

enum { KIND_ADDRESS, KIND_SET, KIND_APPLICATION, KINDS };

static const struct srx_kind {
    char letter;
    const char *path, *wanted;
} kinds[KINDS] = {
    [KIND_ADDRESS] = {'a', "security address-book global address",     "an address of this file"    },
    [KIND_SET] = {'s', "security address-book global address-set", "an address set of this file"},
    [KIND_APPLICATION] = {'p', "applications application",                 "an application of this file"},
};

/* What a file is read into. */
struct srx_reading {
    struct acl_words *w;
    bytes content;
    str prefix, inside, outside; /* empty = not known yet */
    struct srx_objects objects[KINDS];
    size_t n_policies[2]; /* by direction */
    struct rule *rules;
    size_t n_rules, rules_room;
};

/* ---- Names --------------------------------------------------------------------------------------
 */

/* A name is "sallyport-BORDER-" and what is told apart by: a letter and a number, or a direction
 * and a number. The first name of a file says the border. */
static bool read_name(struct srx_reading *r, const char *mark, const char *wanted, size_t *out)
{
    struct acl_words *w = r->w;
    str word = w->word, begin = S("sallyport-"), number_text = {0};
    uint64_t number = 0;
    size_t digits = 0, mark_length = strlen(mark);
    while (digits < word.len && word.ptr[word.len - 1 - digits] >= '0' &&
           word.ptr[word.len - 1 - digits] <= '9')
        digits++;
    number_text = str_tail(word, word.len - digits);
    str head = str_head(word, word.len - digits);
    bool fits = digits && str_u64(number_text, UINT32_MAX, &number) && number &&
                number_text.ptr[0] != '0' && str_starts(head, begin) &&
                str_ends(head, str_of(mark)) && head.len > begin.len + mark_length;
    if (!fits) return acl_words_unexpected(w, wanted);
    str prefix = str_head(head, head.len - mark_length);
    if (!r->prefix.len) r->prefix = prefix;
    if (!str_equal(prefix, r->prefix)) return acl_words_unexpected(w, wanted);
    *out = (size_t)number;
    acl_words_skip(w);
    return true;
}

static bool read_object_name(struct srx_reading *r, unsigned kind, size_t *out)
{
    const char mark[] = {'-', kinds[kind].letter, 0};
    return read_name(r, mark, kinds[kind].wanted, out);
}

/* One that was defined before. */
static struct srx_object *read_known(struct srx_reading *r, unsigned kind)
{
    struct acl_words before = *r->w;
    size_t number;
    if (!read_object_name(r, kind, &number)) return NULL;
    if (number > r->objects[kind].n) {
        (void)acl_words_unexpected(&before, kinds[kind].wanted);
        return NULL;
    }
    struct srx_object *object = &r->objects[kind].items[number - 1];
    object->used = true;
    return object;
}

/* "set PATH NAME" of a new one. */
static bool read_new(struct srx_reading *r, unsigned kind, struct srx_object *object)
{
    struct acl_words *w = r->w;
    struct srx_objects *list = &r->objects[kind];
    size_t number;
    object->line = w->number;
    if (!acl_words_expect(w, "set") || !acl_words_expect(w, kinds[kind].path)) return false;
    struct acl_words before = *w;
    if (!read_object_name(r, kind, &number)) return false;
    return number == list->n + 1 || acl_words_unexpected(&before, "the next number");
}

static void add_object(struct srx_reading *r, unsigned kind, struct srx_object object)
{
    struct srx_objects *list = &r->objects[kind];
    arena_grow(r->w->arena, list->items, list->n, list->room);
    list->items[list->n++] = object;
}

static bool begins(const struct acl_words *w, const char *verb, const char *path)
{
    struct acl_words ahead = *w;
    if (w->indented || !acl_words_take(&ahead, verb)) return false;
    return acl_words_begins(&ahead, path);
}

/* ---- Objects ------------------------------------------------------------------------------------
 */

/* "10.0.0.0/8", or "range-address 10.0.0.1 to 10.0.0.9". */
static bool read_range(struct acl_words *w, struct range *out)
{
    struct acl_words before = *w;
    if (!acl_words_take(w, "range-address"))
        return acl_words_prefix(w, out) && (own_spelling_of(before.word, *out) ||
                                            acl_words_unexpected(&before, "IPv4 as such"));
    if (!acl_words_addr(w, true, &out->first) || !acl_words_expect(w, "to")) return false;
    before = *w;
    if (!acl_words_addr(w, true, &out->last)) return false;
    return addr_compare(out->first, out->last) < 0 ||
           acl_words_unexpected(&before, "a range that rises");
}

static bool read_addresses(struct srx_reading *r)
{
    while (begins(r->w, "set", kinds[KIND_ADDRESS].path)) {
        struct srx_object address = {0};
        if (!read_new(r, KIND_ADDRESS, &address) || !read_range(r->w, &address.range) ||
            !acl_words_next_line(r->w))
            return false;
        add_object(r, KIND_ADDRESS, address);
    }
    return true;
}

/* " address NAME" */
static bool read_member(struct srx_reading *r, struct acl_ranges *members)
{
    struct acl_words *w = r->w;
    if (members->n == SET_MEMBERS) return acl_words_unexpected(w, "a set of fewer addresses");
    if (!acl_words_expect(w, "address")) return false;
    const struct srx_object *address = read_known(r, KIND_ADDRESS);
    return address && acl_words_ascend(w, members, address->range) && acl_words_next_line(w);
}

/* Whether the line is about the set that is being read. */
static bool same_set(struct srx_reading *r, size_t number)
{
    struct acl_words ahead = *r->w;
    str name = str_format(ahead.arena, "%.*s-s%zu", STR_ARG(r->prefix), number);
    return begins(r->w, "set", kinds[KIND_SET].path) &&
           acl_words_expect(&ahead, "set security address-book global address-set") &&
           str_equal(ahead.word, name);
}

static bool read_sets(struct srx_reading *r)
{
    struct acl_words *w = r->w;
    while (begins(w, "set", kinds[KIND_SET].path)) {
        struct srx_object set = {0};
        if (!read_new(r, KIND_SET, &set) || !read_member(r, &set.members)) return false;
        size_t number = r->objects[KIND_SET].n + 1;
        while (same_set(r, number)) {
            acl_words_skip(w);
            if (!acl_words_expect(w, kinds[KIND_SET].path)) return false;
            acl_words_skip(w);
            if (!read_member(r, &set.members)) return false;
        }
        set.set = prefix_set_of(w->arena, set.members.items, set.members.n);
        add_object(r, KIND_SET, set);
    }
    return true;
}

/* "445" or "137-138" */
static bool read_ports(struct acl_words *w, struct service_port *port)
{
    str first, last;
    uint64_t low = 0, high = 0;
    bool is_range = str_cut(w->word, '-', &first, &last);
    if (!is_range) last = first;
    bool fits = str_u64(first, UINT16_MAX, &low) && str_u64(last, UINT16_MAX, &high) && low &&
                first.ptr[0] != '0' && last.ptr[0] != '0' && (is_range ? low < high : true);
    if (!fits) return acl_words_unexpected(w, "a port or a range of ports that rises");
    port->first = (uint16_t)low;
    port->last = (uint16_t)high;
    acl_words_skip(w);
    return true;
}

static bool read_applications(struct srx_reading *r)
{
    struct acl_words *w = r->w;
    while (begins(w, "set", kinds[KIND_APPLICATION].path)) {
        struct srx_object application = {0}, again = {0};
        if (!read_new(r, KIND_APPLICATION, &application) || !acl_words_expect(w, "protocol"))
            return false;
        application.port.transport = acl_words_is(w, "tcp") ? TRANSPORT_TCP : TRANSPORT_UDP;
        if (!acl_words_take(w, "tcp") && !acl_words_take(w, "udp"))
            return acl_words_unexpected(w, "tcp or udp");
        if (!acl_words_next_line(w) || !read_new(r, KIND_APPLICATION, &again) ||
            !acl_words_expect(w, "destination-port") || !read_ports(w, &application.port) ||
            !acl_words_next_line(w))
            return false;
        add_object(r, KIND_APPLICATION, application);
    }
    return true;
}

/* ---- Policies -----------------------------------------------------------------------------------
 */

static bool is_zone(str word)
{
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.') return false;
    }
    return word.len > 0;
}

/* The first policy names the zones, all others must have them. */
static bool read_zone(struct acl_words *w, str *known)
{
    if (!is_zone(w->word)) return acl_words_unexpected(w, "the name of a zone");
    if (!known->len) *known = w->word;
    return acl_words_expect_word(w, *known);
}

/* "VERB security policies from-zone A to-zone B policy NAME" of that number. */
static bool read_path(struct srx_reading *r, const char *verb, enum direction direction,
                      size_t wanted)
{
    struct acl_words *w = r->w;
    bool outbound = direction == DIRECTION_OUTBOUND;
    size_t number;
    if (!acl_words_expect(w, verb) || !acl_words_expect(w, "security policies from-zone") ||
        !read_zone(w, outbound ? &r->inside : &r->outside) || !acl_words_expect(w, "to-zone") ||
        !read_zone(w, outbound ? &r->outside : &r->inside) || !acl_words_expect(w, "policy"))
        return false;
    struct acl_words before = *w;
    if (str_equal(r->inside, r->outside)) return acl_words_unexpected(&before, "two zones");
    if (!read_name(r, outbound ? "-out-" : "-in-", "a policy of this direction", &number))
        return false;
    return number == wanted || acl_words_unexpected(&before, "the policy of the next number");
}

/* Whether the line is about a policy of this direction. */
static bool of_direction(const struct srx_reading *r, const char *verb, enum direction direction)
{
    struct acl_words ahead = *r->w;
    if (!begins(r->w, verb, "security policies from-zone")) return false;
    while (ahead.word.len && !acl_words_is(&ahead, "policy"))
        acl_words_skip(&ahead);
    acl_words_skip(&ahead);
    str word = ahead.word;
    str mark = direction == DIRECTION_OUTBOUND ? S("-out-") : S("-in-");
    while (word.len && word.ptr[word.len - 1] >= '0' && word.ptr[word.len - 1] <= '9')
        word.len--;
    return str_ends(word, mark);
}

/* Whether it is about that policy, and goes on like this. */
static bool goes_on(struct srx_reading *r, enum direction direction, size_t number,
                    const char *phrase)
{
    struct acl_words ahead = *r->w;
    struct err ignored = {0};
    struct srx_reading try = *r;
    ahead.err = &ignored;
    try.w = &ahead;
    return of_direction(r, "set", direction) && read_path(&try, "set", direction, number) &&
           acl_words_begins(&ahead, phrase);
}

static bool read_description(struct srx_reading *r, struct rule *rule)
{
    struct acl_words *w = r->w;
    if (!acl_words_expect(w, "description")) return false;
    struct acl_words before = *w;
    str rest = acl_words_rest(w), text = str_tail(str_head(rest, rest.len ? rest.len - 1 : 0), 1);
    if (rest.len < 2 || rest.ptr[0] != '"' || rest.ptr[rest.len - 1] != '"' ||
        str_contains(text, S("\"")) || str_contains(text, S("\\")))
        return acl_words_unexpected(&before, "a description in quotes");
    (void)str_cut(text, ':', &rule->id, &rule->why);
    rule->name = rule->id;
    rule->why = str_trim(rule->why);
    return acl_words_next_line(w);
}

static bool add_members(struct acl_words *w, struct acl_ranges *list, struct acl_ranges members)
{
    for (size_t i = 0; i < members.n; i++)
        if (!acl_words_ascend(w, list, members.items[i])) return false;
    return true;
}

/* One or more lines "match source-address NAME"; each set is behind the one before. */
static bool read_end(struct srx_reading *r, size_t number, const char *phrase, struct rule *rule,
                     struct prefix_set *out)
{
    struct acl_words *w = r->w;
    const struct srx_object *first = NULL;
    struct acl_ranges all = {0};
    while (!first || goes_on(r, rule->direction, number, phrase)) {
        if (!read_path(r, "set", rule->direction, number) || !acl_words_expect(w, phrase))
            return false;
        const struct srx_object *set = read_known(r, KIND_SET);
        if (!set) return false;
        if (first && !all.n && !add_members(w, &all, first->members)) return false;
        if (first && !add_members(w, &all, set->members)) return false;
        if (!first) first = set;
        if (!acl_words_next_line(w)) return false;
    }
    *out = all.n ? prefix_set_of(w->arena, all.items, all.n) : first->set;
    return true;
}

static bool read_matched_ports(struct srx_reading *r, size_t number, struct rule *rule)
{
    struct acl_words *w = r->w;
    while (!rule->n_ports || goes_on(r, rule->direction, number, "match application")) {
        if (!read_path(r, "set", rule->direction, number) ||
            !acl_words_expect(w, "match application"))
            return false;
        struct acl_words before = *w;
        const struct srx_object *application = read_known(r, KIND_APPLICATION);
        if (!application) return false;
        struct service_port port = application->port;
        bool fits = rule->n_ports < LIMIT_SERVICE_PORTS;
        for (size_t i = 0; i < rule->n_ports; i++)
            fits = fits && rule->transport == port.transport &&
                   (rule->ports[i].last < port.first || port.last < rule->ports[i].first);
        if (!fits) return acl_words_unexpected(&before, "one protocol, and each port once");
        rule->transport = port.transport;
        rule_add_port(rule, w->arena, port);
        if (!acl_words_next_line(w)) return false;
    }
    return true;
}

static bool read_then(struct srx_reading *r, size_t number, struct rule *rule)
{
    struct acl_words *w = r->w;
    if (!read_path(r, "set", rule->direction, number) || !acl_words_expect(w, "then")) return false;
    rule->action = acl_words_is(w, "permit") ? ACTION_ALLOW : ACTION_BLOCK;
    if (!acl_words_take(w, "permit") && !acl_words_take(w, "deny"))
        return acl_words_unexpected(w, "permit or deny");
    if (!acl_words_next_line(w)) return false;
    if (rule->action == ACTION_ALLOW) return true;
    rule->logs = true;
    return read_path(r, "set", rule->direction, number) &&
           acl_words_expect(w, "then log session-init") && acl_words_next_line(w);
}

static bool read_policy(struct srx_reading *r, enum direction direction)
{
    size_t number = ++r->n_policies[direction];
    bool outbound = direction == DIRECTION_OUTBOUND;
    struct rule rule = {
        .direction = direction,
        .profiles = 1u << PROFILE_DOMAIN,
        .enabled = true,
        .offset = acl_words_offset(r->w, r->content),
    };
    if (!read_path(r, "set", direction, number)) return false;
    rule.group = r->prefix;
    if (!read_description(r, &rule) ||
        !read_end(r, number, "match source-address", &rule,
                  outbound ? &rule.local : &rule.remote) ||
        !read_end(r, number, "match destination-address", &rule,
                  outbound ? &rule.remote : &rule.local) ||
        !read_matched_ports(r, number, &rule) || !read_then(r, number, &rule))
        return false;
    arena_grow(r->w->arena, r->rules, r->n_rules, r->rules_room);
    r->rules[r->n_rules++] = rule;
    return true;
}

/* ---- Files --------------------------------------------------------------------------------------
 */

static const enum direction in_order[] = {DIRECTION_OUTBOUND, DIRECTION_INBOUND};

static bool all_used(struct srx_reading *r)
{
    for (size_t k = 0; k < KINDS; k++)
        for (size_t i = 0; i < r->objects[k].n; i++)
            if (!r->objects[k].items[i].used)
                return err_line(r->w->err, ERR_MALFORMED, r->objects[k].items[i].line, 1,
                                "expected something that a policy needs, found what none does");
    return true;
}

static bool read_rules(struct srx_reading *r)
{
    struct acl_words *w = r->w;
    if (!read_addresses(r) || !read_sets(r) || !read_applications(r)) return false;
    for (size_t d = 0; d < COUNT_OF(in_order); d++)
        while (of_direction(r, "set", in_order[d]))
            if (!read_policy(r, in_order[d])) return false;
    if (!w->ended) return acl_words_unexpected(w, "a policy, or the end of the file");
    return all_used(r);
}

bool juniper_srx_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                      struct err *err)
{
    struct acl_words w;
    struct srx_reading r = {.w = &w, .content = content};
    if (!acl_words_open(&w, content, '#', arena, err) || !read_rules(&r))
        return err_in(err, source);
    *out = (struct ruleset){.rules = r.rules, .n = r.n_rules};
    return true;
}

/* Policies, then what they name, as many as there are. */
static bool read_deletions(struct srx_reading *r)
{
    static const unsigned order[] = {KIND_APPLICATION, KIND_SET, KIND_ADDRESS};
    struct acl_words *w = r->w;
    for (size_t d = 0; d < COUNT_OF(in_order); d++)
        while (of_direction(r, "delete", in_order[d]))
            if (!read_path(r, "delete", in_order[d], ++r->n_policies[in_order[d]]) ||
                !acl_words_next_line(w))
                return false;
    for (size_t k = 0; k < COUNT_OF(order); k++) {
        const struct srx_kind *kind = &kinds[order[k]];
        while (begins(w, "delete", kind->path)) {
            size_t number, wanted = ++r->objects[order[k]].n;
            acl_words_skip(w);
            if (!acl_words_expect(w, kind->path)) return false;
            struct acl_words before = *w;
            if (!read_object_name(r, order[k], &number)) return false;
            if (number != wanted) return acl_words_unexpected(&before, "the next number");
            if (!acl_words_next_line(w)) return false;
        }
    }
    return w->ended || acl_words_unexpected(w, "a deletion, or the end of the file");
}

bool juniper_srx_read_rollback(str source, bytes content, str workspace, str border_word,
                               struct arena *arena, struct err *err)
{
    struct acl_words w;
    struct srx_reading r = {.w = &w, .content = content};
    str wanted = str_format(arena, "sallyport-%.*s", STR_ARG(border_word));
    (void)workspace; /* a firewall has one set of policies for each border */
    if (!acl_words_open(&w, content, '#', arena, err) || !read_deletions(&r))
        return err_in(err, source);
    if (!r.prefix.len || str_equal(r.prefix, wanted)) return true;
    (void)err_set(err, ERR_MALFORMED, "expected what begins with %.*s, found %.*s", STR_ARG(wanted),
                  STR_ARG(r.prefix));
    return err_in(err, source);
}

bool juniper_srx_read_undoes(str source, bytes rules, bytes rollback, struct arena *arena,
                             struct err *err)
{
    struct acl_words made_words, back_words;
    struct srx_reading made = {.w = &made_words, .content = rules};
    struct srx_reading back = {.w = &back_words, .content = rollback};
    if (!acl_words_open(&made_words, rules, '#', arena, err) || !read_rules(&made) ||
        !acl_words_open(&back_words, rollback, '#', arena, err) || !read_deletions(&back))
        return err_in(err, source);
    bool same = str_equal(made.prefix, back.prefix) && str_equal(made.inside, back.inside) &&
                str_equal(made.outside, back.outside);
    for (size_t d = 0; d < COUNT_OF(in_order); d++)
        same = same && made.n_policies[d] == back.n_policies[d];
    for (size_t k = 0; k < KINDS; k++)
        same = same && made.objects[k].n == back.objects[k].n;
    if (same) return true;
    (void)err_set(err, ERR_MALFORMED,
                  "expected the deletion of all that its rules make, found more or less, or of "
                  "other zones");
    return err_in(err, source);
}

bool juniper_srx_read_recognise(bytes head)
{
    return str_starts(str_of_bytes(head), S("# sallyport: juniper-srx"));
}
