/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/aws_nacl_read.h"

#include "rules/universe.h"
#include "targets/edge_objects.h"
#include "targets/json_exact.h"
#include "targets/line_words.h"

enum { FIRST_NUMBER = 100, STEP = 10, LAST_NUMBER = 32766 };

struct template
{
    struct json_exact j;
    str name;                                /* of the list */
    struct prefix_set inside[2], outside[2]; /* by family, IPv6 first */
    struct rule *rules;
    size_t n_rules, rules_room;
    /* Of the direction and family at hand: prefixes of the inside that have passed so far, and
     * whether everything else has. */
    struct range *passed;
    size_t n_passed, passed_room;
    bool crossing, rest;
};

/* ---- Sides --------------------------------------------------------------------------------------
 */

static struct prefix_set family_part(struct arena *arena, struct prefix_set set, bool v4)
{
    return v4 ? prefix_set_v4(arena, set) : prefix_set_v6(arena, set);
}

/* What can cross: no router forwards link-local addresses. */
static void set_sides(struct template *t, struct prefix_set inside)
{
    static const struct range link_local[] = {
        {{0, UINT64_C(0x0000FFFFA9FE0000)}, {0, UINT64_C(0x0000FFFFA9FEFFFF)}         },
        {{UINT64_C(0xFE80000000000000), 0}, {UINT64_C(0xFEBFFFFFFFFFFFFF), UINT64_MAX}},
    };
    struct arena *arena = t->j.arena;
    struct prefix_set links = {link_local, COUNT_OF(link_local)};
    struct prefix_set routed = prefix_set_subtract(arena, universe_peers, links);
    for (unsigned v4 = 0; v4 < 2; v4++) {
        struct prefix_set part = family_part(arena, routed, v4);
        t->inside[v4] = family_part(arena, inside, v4);
        t->outside[v4] = prefix_set_subtract(arena, part, inside);
    }
}

static bool read_inside(struct template *t)
{
    struct json_exact *j = &t->j;
    struct range *ranges = NULL;
    size_t n = 0, room = 0;
    if (!json_exact_array(j, "inside")) return false;
    while (j->item.kind != JSON_SCAN_ARRAY_END) {
        arena_grow(j->arena, ranges, n, room);
        if (!json_exact_prefix(j, !str_contains(j->item.text, S(":")), &ranges[n])) return false;
        n++;
    }
    if (!line_words_apart(ranges, n, j->arena))
        return json_exact_unexpected(j, "prefixes that share no address before");
    set_sides(t, prefix_set_of(j->arena, ranges, n));
    return json_exact_take(j, JSON_SCAN_ARRAY_END);
}

/* ---- Entries ------------------------------------------------------------------------------------
 */

static bool read_ref(struct json_exact *j, const char *key, str to)
{
    return json_exact_object(j, key) && json_exact_text(j, "Ref", to) &&
           json_exact_take(j, JSON_SCAN_OBJECT_END);
}

static bool read_bool(struct json_exact *j, const char *key, bool wanted)
{
    return json_exact_key(j, key) && json_exact_take(j, wanted ? JSON_SCAN_TRUE : JSON_SCAN_FALSE);
}

static bool read_ports(struct json_exact *j, struct rule *rule)
{
    uint64_t first = 0, last = 0;
    if (!json_exact_key(j, "Protocol")) return false;
    str number = j->item.text;
    bool tcp = str_equal(number, S("6")), udp = str_equal(number, S("17"));
    if (j->item.kind != JSON_SCAN_NUMBER || (!tcp && !udp && !str_equal(number, S("-1"))))
        return json_exact_unexpected(j, "6, 17 or -1");
    if (!json_exact_take(j, JSON_SCAN_NUMBER)) return false;
    rule->transport = tcp ? TRANSPORT_TCP : udp ? TRANSPORT_UDP : TRANSPORT_NONE;
    if (!tcp && !udp) return true;
    if (!json_exact_object(j, "PortRange") || !json_exact_number(j, "From", UINT16_MAX, &first) ||
        !json_exact_number(j, "To", UINT16_MAX, &last))
        return false;
    if (!first || last < first) return json_exact_unexpected(j, "a range of ports before");
    rule_add_port(rule, j->arena,
                  (struct service_port){rule->transport, (uint16_t)first, (uint16_t)last});
    return json_exact_take(j, JSON_SCAN_OBJECT_END);
}

/* The far end; *all: everything there is. */
static bool read_remote(struct template *t, bool *v4, bool *all, struct range *out)
{
    struct json_exact *j = &t->j;
    *v4 = str_equal(j->item.text, S("CidrBlock"));
    if (!json_exact_key(j, *v4 ? "CidrBlock" : "Ipv6CidrBlock")) return false;
    *all = str_equal(j->item.text, *v4 ? S("0.0.0.0/0") : S("::/0"));
    return json_exact_prefix(j, *v4, out);
}

/* Before anything that crosses, the inside passes to itself, prefix by prefix. */
static bool read_passing(struct template *t, bool v4, struct range range)
{
    struct arena *arena = t->j.arena;
    struct prefix_set one = prefix_set_of(arena, &range, 1);
    if (t->crossing || !prefix_set_covers(t->inside[v4], one))
        return json_exact_unexpected(&t->j, "a prefix of the inside before, and before all others");
    arena_grow(arena, t->passed, t->n_passed, t->passed_room);
    t->passed[t->n_passed++] = range;
    return true;
}

/* All of the inside has passed, none of it twice, before the first entry about what crosses. */
static bool inside_passed(struct template *t, bool v4)
{
    struct arena *arena = t->j.arena;
    if (t->crossing) return true;
    t->crossing = true;
    if (line_words_apart(t->passed, t->n_passed, arena) &&
        prefix_set_equal(prefix_set_of(arena, t->passed, t->n_passed), t->inside[v4]))
        return true;
    return json_exact_unexpected(&t->j, "entries before that let all of the inside pass to itself");
}

static bool add_entry(struct template *t, struct rule *rule, bool v4, bool all, struct range range)
{
    struct json_exact *j = &t->j;
    struct range *kept = arena_new(j->arena, struct range);
    *kept = range;
    if (t->rest) return json_exact_unexpected(j, "nothing behind the entry for everything");
    if (rule->transport == TRANSPORT_NONE && !all) {
        if (rule->action == ACTION_BLOCK) return json_exact_unexpected(j, "an entry with ports");
        return read_passing(t, v4, range);
    }
    if (rule->transport == TRANSPORT_NONE) {
        if (rule->action == ACTION_BLOCK) return json_exact_unexpected(j, "an entry with ports");
        /* Nothing before it stops anything, or the inside has passed. */
        if (!t->crossing && t->n_passed)
            return json_exact_unexpected(j, "entries about what crosses before");
        t->rest = true;
        rule->local = family_part(j->arena, (struct prefix_set){&addr_all, 1}, v4);
        rule->remote = rule->local;
    } else {
        if (!inside_passed(t, v4)) return false;
        rule->local = t->inside[v4];
        rule->remote = (struct prefix_set){kept, 1};
        /* What IPv6 calls ::ffff:a.b.c.d is no IPv4 address to AWS. */
        if (!v4) rule->remote = prefix_set_v6(j->arena, rule->remote);
        if (all) rule->remote = t->outside[v4];
    }
    arena_grow(j->arena, t->rules, t->n_rules, t->rules_room);
    t->rules[t->n_rules++] = *rule;
    return true;
}

/* "Inbound100": {...} */
static bool read_entry(struct template *t, bool outbound, bool wanted_v4, uint64_t number)
{
    struct json_exact *j = &t->j;
    struct rule rule = {
        .direction = outbound ? DIRECTION_OUTBOUND : DIRECTION_INBOUND,
        .enabled = true,
        .profiles = 1u << PROFILE_DOMAIN,
        .group = t->name,
        .offset = j->item.offset,
    };
    bool v4, all, allows;
    uint64_t said;
    struct range range;
    str text, why;
    if (!json_exact_object(
            j, str_c(j->arena, str_format(j->arena, "%s%" PRIu64, outbound ? "Outbound" : "Inbound",
                                          number))) ||
        !json_exact_text(j, "Type", S("AWS::EC2::NetworkAclEntry")) ||
        !json_exact_object(j, "Metadata") || !json_exact_str(j, "why", &text) ||
        !json_exact_take(j, JSON_SCAN_OBJECT_END) || !json_exact_object(j, "Properties") ||
        !read_ref(j, "NetworkAclId", S("List")) ||
        !json_exact_number(j, "RuleNumber", LAST_NUMBER, &said))
        return false;
    if (said != number) return json_exact_unexpected(j, "the number of the entry's name before");
    if (!read_bool(j, "Egress", outbound) || !json_exact_key(j, "RuleAction")) return false;
    allows = str_equal(j->item.text, S("allow"));
    if (!allows && !str_equal(j->item.text, S("deny")))
        return json_exact_unexpected(j, "\"allow\" or \"deny\"");
    if (!json_exact_take(j, JSON_SCAN_STRING) || !read_ports(j, &rule) ||
        !read_remote(t, &v4, &all, &range))
        return false;
    if (v4 != wanted_v4)
        return json_exact_unexpected(j, "the entries of one family in a row before");
    rule.action = allows ? ACTION_ALLOW : ACTION_BLOCK;
    (void)str_cut(text, ':', &rule.id, &why);
    rule.name = rule.id;
    rule.why = str_trim(why);
    return add_entry(t, &rule, v4, all, range) && json_exact_take(j, JSON_SCAN_OBJECT_END) &&
           json_exact_take(j, JSON_SCAN_OBJECT_END);
}

/* Both families of a direction, each up to the entry for everything. */
static bool read_direction(struct template *t, bool outbound)
{
    uint64_t number = FIRST_NUMBER;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        t->n_passed = 0;
        t->crossing = t->rest = false;
        for (; !t->rest; number += STEP)
            if (!read_entry(t, outbound, !v6, number)) return false;
    }
    return true;
}

/* ---- Templates ----------------------------------------------------------------------------------
 */

static bool read_list(struct template *t)
{
    struct json_exact *j = &t->j;
    return json_exact_object(j, "List") && json_exact_text(j, "Type", S("AWS::EC2::NetworkAcl")) &&
           json_exact_object(j, "Properties") && read_ref(j, "VpcId", S("VpcId")) &&
           json_exact_array(j, "Tags") && json_exact_take(j, JSON_SCAN_OBJECT) &&
           json_exact_text(j, "Key", S("Name")) && json_exact_str(j, "Value", &t->name) &&
           json_exact_take(j, JSON_SCAN_OBJECT_END) && json_exact_take(j, JSON_SCAN_ARRAY_END) &&
           json_exact_take(j, JSON_SCAN_OBJECT_END) && json_exact_take(j, JSON_SCAN_OBJECT_END);
}

static bool read_template(struct template *t)
{
    struct json_exact *j = &t->j;
    return json_exact_take(j, JSON_SCAN_OBJECT) &&
           json_exact_text(j, "AWSTemplateFormatVersion", S("2010-09-09")) &&
           json_exact_text(j, "Description",
                           S("sallyport: aws-nacl, network access control list of a border")) &&
           json_exact_object(j, "Metadata") && json_exact_texts(j, "remarks") && read_inside(t) &&
           json_exact_take(j, JSON_SCAN_OBJECT_END) && json_exact_object(j, "Parameters") &&
           json_exact_object(j, "VpcId") && json_exact_text(j, "Type", S("AWS::EC2::VPC::Id")) &&
           json_exact_take(j, JSON_SCAN_OBJECT_END) && json_exact_take(j, JSON_SCAN_OBJECT_END) &&
           json_exact_object(j, "Resources") && read_list(t) && read_direction(t, false) &&
           read_direction(t, true) && json_exact_take(j, JSON_SCAN_OBJECT_END) &&
           json_exact_take(j, JSON_SCAN_OBJECT_END) && json_exact_end(j);
}

bool aws_nacl_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                   struct err *err)
{
    struct template t = {.j = json_exact_of(content, arena, err)};
    if (!read_template(&t)) return err_in(err, source);
    *out = (struct ruleset){.rules = t.rules, .n = t.n_rules};
    return true;
}

bool aws_nacl_read_rollback(str source, bytes content, str workspace, str border_word,
                            struct arena *arena, struct err *err)
{
    struct json_exact j = json_exact_of(content, arena, err);
    str name = edge_objects_prefix(workspace, border_word, arena);
    bool read = json_exact_take(&j, JSON_SCAN_OBJECT) && json_exact_text(&j, "StackName", name) &&
                json_exact_take(&j, JSON_SCAN_OBJECT_END) && json_exact_end(&j);
    return read || err_in(err, source);
}

bool aws_nacl_read_recognise(bytes head)
{
    str text = str_of_bytes(head);
    return str_starts(text, S("{")) && str_contains(text, S("\"sallyport: aws-nacl,"));
}
