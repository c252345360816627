/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/aws_sg_read.h"

#include "rules/universe.h"
#include "targets/json_exact.h"
#include "targets/target.h"

struct template
{
    struct json_exact j;
    str name; /* of the stack, which is the group's description */
    struct rule *rules;
    size_t n_rules, rules_room;
};

/* ---- Rules --------------------------------------------------------------------------------------
 */

static bool read_protocol(struct json_exact *j, struct rule *rule)
{
    uint64_t first = 0, last = 0;
    if (!json_exact_key(j, "IpProtocol")) return false;
    bool tcp = str_equal(j->item.text, S("tcp"));
    if (!tcp && !str_equal(j->item.text, S("udp")))
        return json_exact_unexpected(j, "\"tcp\" or \"udp\"");
    rule->transport = tcp ? TRANSPORT_TCP : TRANSPORT_UDP;
    if (!json_exact_take(j, JSON_SCAN_STRING) ||
        !json_exact_number(j, "FromPort", UINT16_MAX, &first) ||
        !json_exact_number(j, "ToPort", UINT16_MAX, &last))
        return false;
    if (!first || last < first) return json_exact_unexpected(j, "a range of ports before");
    rule_add_port(rule, j->arena,
                  (struct service_port){rule->transport, (uint16_t)first, (uint16_t)last});
    return true;
}

/* Everything is every peer: nothing else opens a session. */
static bool read_remote(struct json_exact *j, struct rule *rule)
{
    struct range *range = arena_new(j->arena, struct range);
    bool v4 = str_equal(j->item.text, S("CidrIp"));
    if (!json_exact_key(j, v4 ? "CidrIp" : "CidrIpv6")) return false;
    bool all = str_equal(j->item.text, v4 ? S("0.0.0.0/0") : S("::/0"));
    if (!json_exact_prefix(j, v4, range)) return false;
    rule->local =
        v4 ? prefix_set_v4(j->arena, universe_peers) : prefix_set_v6(j->arena, universe_peers);
    rule->remote = (struct prefix_set){range, 1};
    /* What IPv6 calls ::ffff:a.b.c.d is no IPv4 address to AWS. */
    if (!v4) rule->remote = prefix_set_v6(j->arena, rule->remote);
    if (all) rule->remote = rule->local;
    return true;
}

static bool read_rule(struct template *t, enum direction direction)
{
    struct json_exact *j = &t->j;
    struct rule rule = {
        .direction = direction,
        .action = ACTION_ALLOW,
        .enabled = true,
        .profiles = 1u << PROFILE_DOMAIN,
        .offset = j->item.offset,
    };
    str text, why;
    if (!json_exact_take(j, JSON_SCAN_OBJECT) || !json_exact_str(j, "Description", &text) ||
        !read_protocol(j, &rule) || !read_remote(j, &rule))
        return false;
    (void)str_cut(text, ':', &rule.id, &why);
    rule.name = rule.id;
    rule.why = str_trim(why);
    arena_grow(j->arena, t->rules, t->n_rules, t->rules_room);
    t->rules[t->n_rules++] = rule;
    return json_exact_take(j, JSON_SCAN_OBJECT_END);
}

/* The outbound rule to nowhere, without which AWS would add one for everywhere. */
static bool read_nowhere(struct json_exact *j)
{
    str text;
    return json_exact_take(j, JSON_SCAN_OBJECT) && json_exact_str(j, "Description", &text) &&
           json_exact_text(j, "IpProtocol", S("-1")) &&
           json_exact_text(j, "CidrIp", S("127.0.0.1/32")) &&
           json_exact_take(j, JSON_SCAN_OBJECT_END);
}

static bool read_rules(struct template *t)
{
    struct json_exact *j = &t->j;
    if (!json_exact_array(j, "SecurityGroupIngress")) return false;
    while (j->item.kind != JSON_SCAN_ARRAY_END)
        if (!read_rule(t, DIRECTION_INBOUND)) return false;
    if (!json_exact_take(j, JSON_SCAN_ARRAY_END) || !json_exact_array(j, "SecurityGroupEgress") ||
        !read_nowhere(j))
        return false;
    while (j->item.kind != JSON_SCAN_ARRAY_END)
        if (!read_rule(t, DIRECTION_OUTBOUND)) return false;
    return json_exact_take(j, JSON_SCAN_ARRAY_END);
}

/* ---- Templates ----------------------------------------------------------------------------------
 */

/* "sallyport-contoso-class-clients-1": what all of one workspace's begin with. */
static str group_of(str name)
{
    str mark = S("-class-");
    for (size_t i = 0; i + mark.len <= name.len; i++)
        if (str_starts(str_tail(name, i), mark)) return str_head(name, i);
    return name;
}

static bool read_template(struct template *t)
{
    struct json_exact *j = &t->j;
    bool read =
        json_exact_take(j, JSON_SCAN_OBJECT) &&
        json_exact_text(j, "AWSTemplateFormatVersion", S("2010-09-09")) &&
        json_exact_text(j, "Description",
                        S("sallyport: aws-security-group, security group of a host class")) &&
        json_exact_object(j, "Metadata") && json_exact_texts(j, "remarks") &&
        json_exact_take(j, JSON_SCAN_OBJECT_END) && json_exact_object(j, "Parameters") &&
        json_exact_object(j, "VpcId") && json_exact_text(j, "Type", S("AWS::EC2::VPC::Id")) &&
        json_exact_take(j, JSON_SCAN_OBJECT_END) && json_exact_take(j, JSON_SCAN_OBJECT_END) &&
        json_exact_object(j, "Resources") && json_exact_object(j, "Group") &&
        json_exact_text(j, "Type", S("AWS::EC2::SecurityGroup")) &&
        json_exact_object(j, "Properties") && json_exact_str(j, "GroupDescription", &t->name) &&
        json_exact_object(j, "VpcId") && json_exact_text(j, "Ref", S("VpcId")) &&
        json_exact_take(j, JSON_SCAN_OBJECT_END) && read_rules(t) &&
        json_exact_take(j, JSON_SCAN_OBJECT_END) && json_exact_take(j, JSON_SCAN_OBJECT_END) &&
        json_exact_take(j, JSON_SCAN_OBJECT_END) && json_exact_take(j, JSON_SCAN_OBJECT_END) &&
        json_exact_end(j);
    for (size_t i = 0; i < t->n_rules && read; i++)
        t->rules[i].group = group_of(t->name);
    return read;
}

bool aws_sg_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                 struct err *err)
{
    struct template t = {.j = json_exact_of(content, arena, err)};
    if (!read_template(&t)) return err_in(err, source);
    *out = (struct ruleset){.rules = t.rules, .n = t.n_rules};
    return true;
}

bool aws_sg_read_part(str source, bytes content, str workspace, struct arena *arena,
                      struct err *err)
{
    str left = str_of_bytes(content), line, rest;
    str first = str_format(arena, "# sallyport: members of security group sallyport-%.*s-class-",
                           STR_ARG(target_word(arena, workspace)));
    uint32_t number = 1;
    bool ours = str_starts(left, first) && str_ends(left, S("\n"));
    for (; ours && left.len; left = rest, number += ours) {
        (void)str_cut(left, '\n', &line, &rest);
        ours = number == 1 || str_starts(line, S("# member: "));
    }
    if (ours) return true;
    (void)err_line(err, ERR_MALFORMED, number, 1,
                   "expected \"%.*s...\" and \"# member: ...\" lines", STR_ARG(first));
    return err_in(err, source);
}

static bool read_stack(struct json_exact *j, str *name)
{
    return json_exact_take(j, JSON_SCAN_OBJECT) && json_exact_str(j, "StackName", name) &&
           json_exact_take(j, JSON_SCAN_OBJECT_END) && json_exact_end(j);
}

bool aws_sg_read_rollback(str source, bytes content, str workspace, str border_word,
                          struct arena *arena, struct err *err)
{
    struct json_exact j = json_exact_of(content, arena, err);
    str name, wanted = str_format(arena, "sallyport-%.*s", STR_ARG(target_word(arena, workspace)));
    (void)border_word; /* this dialect has no borders */
    if (!read_stack(&j, &name)) return err_in(err, source);
    if (str_equal(group_of(name), wanted) && name.len > wanted.len) return true;
    (void)err_set(err, ERR_MALFORMED, "expected a stack of %.*s, found \"%.*s\"", STR_ARG(wanted),
                  STR_ARG(str_utf8(arena, str_head(name, 60))));
    return err_in(err, source);
}

bool aws_sg_read_undoes(str source, bytes rules, bytes rollback, struct arena *arena,
                        struct err *err)
{
    struct template t = {.j = json_exact_of(rules, arena, err)};
    struct json_exact j = json_exact_of(rollback, arena, err);
    str name;
    if (!read_template(&t) || !read_stack(&j, &name)) return err_in(err, source);
    if (str_equal(name, t.name)) return true;
    (void)err_set(err, ERR_MALFORMED, "expected the stack \"%.*s\", found \"%.*s\"",
                  STR_ARG(str_utf8(arena, str_head(t.name, 60))),
                  STR_ARG(str_utf8(arena, str_head(name, 60))));
    return err_in(err, source);
}

bool aws_sg_read_recognise(bytes head)
{
    str text = str_of_bytes(head);
    return str_starts(text, S("{")) && str_contains(text, S("\"sallyport: aws-security-group,"));
}
