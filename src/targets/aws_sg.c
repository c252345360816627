/* SPDX-License-Identifier: Apache-2.0 */
/* AWS security groups: a CloudFormation template for each host class, with one group for the
 * network interfaces of its machines. A group is a firewall of allows alone, at the machine, with
 * state: what no group of an interface allows is dropped. So this one holds what is approved of
 * governed services and nothing else, and the machine's other groups, which keep whatever is not
 * governed, must not open governed ports (docs/targets/aws-security-group.md).
 *
 * Facts (VPC user guide, "Amazon VPC quotas"): 60 rules for each direction, and for each family;
 * descriptions of 255 characters out of a-zA-Z0-9 and ._-:/()#,@[]+=&;{}!$*. A group without
 * outbound rules gets one from AWS that allows everything, so there always is one, to nowhere. The
 * reader is aws_sg_read.c; it shares nothing with this file.
 */
#include "base/instant.h"
#include "base/json_write.h"
#include "base/sha256.h"
#include "rules/universe.h"
#include "targets/aws_sg_read.h"
#include "targets/disjoint.h"
#include "targets/target.h"

enum {
    RULES = 60, /* of each direction and family */
    DESCRIPTION_BYTES = 255,
    REMARK_BYTES = 900,
    HASH_DIGITS = 6,
};

extern const struct target aws_sg_target;

struct group_file {
    struct arena *arena;
    struct json *json;
    const struct host_class *class;
    str name;
    size_t n_rules[2][2]; /* by direction, inbound first, and family, IPv6 first */
};

/* ---- Text ---------------------------------------------------------------------------------------
 */

/* What AWS takes in a description; the rest becomes a full stop. */
static str described(struct arena *arena, str text)
{
    static const char marks[] = " ._-:/()#,@[]+=&;{}!$*";
    str plain = target_plain(arena, text, DESCRIPTION_BYTES);
    char *out = arena_array(arena, char, plain.len + 1);
    for (size_t i = 0; i < plain.len; i++) {
        char c = plain.ptr[i];
        bool kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    strchr(marks, c);
        out[i] = kept ? c : '.';
    }
    return (str){out, plain.len};
}

static str stack_name(const struct host_class *class, str workspace, struct arena *arena)
{
    return str_format(arena, "sallyport-%.*s-class-%.*s", STR_ARG(target_word(arena, workspace)),
                      STR_ARG(target_word(arena, class->id)));
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

static void put_rule(struct group_file *file, str description, const char *protocol,
                     const struct service_port *ports, bool v4, str prefix)
{
    struct json *json = file->json;
    json_object(json);
    json_member_str(json, S("Description"), described(file->arena, description));
    json_member_str(json, S("IpProtocol"), str_of(protocol));
    if (ports) {
        json_member_u64(json, S("FromPort"), ports->first);
        json_member_u64(json, S("ToPort"), ports->last);
    }
    json_member_str(json, v4 ? S("CidrIp") : S("CidrIpv6"), prefix);
    json_object_end(json);
}

static void put_prefixes(struct group_file *file, const struct rule *rule,
                         const struct service_port *ports, bool v4)
{
    char text[PREFIX_TEXT];
    struct arena *arena = file->arena;
    bool outbound = rule->direction == DIRECTION_OUTBOUND;
    struct prefix_set peers =
        v4 ? prefix_set_v4(arena, universe_peers) : prefix_set_v6(arena, universe_peers);
    struct prefix_set set = prefix_set_intersect(arena, rule->remote, peers);
    const char *protocol = rule->transport == TRANSPORT_TCP ? "tcp" : "udp";
    str description =
        str_format(arena, "%.*s-%s: %.*s", STR_ARG(rule->id), v4 ? "v4" : "v6", STR_ARG(rule->why));
    size_t n;
    if (prefix_set_equal(set, peers)) {
        put_rule(file, description, protocol, ports, v4, v4 ? S("0.0.0.0/0") : S("::/0"));
        file->n_rules[outbound][v4]++;
        return;
    }
    const struct prefix *prefixes = prefix_set_prefixes(arena, set, &n);
    for (size_t i = 0; i < n; i++)
        put_rule(file, description, protocol, ports, v4, prefix_text(text, prefixes[i]));
    file->n_rules[outbound][v4] += n;
}

/* Ports in a row are one range. */
static void put_allow(struct group_file *file, const struct rule *rule)
{
    for (size_t i = 0; i < rule->n_ports; i++) {
        struct service_port ports = rule->ports[i];
        while (i + 1 < rule->n_ports && rule->ports[i + 1].first == ports.last + UINT32_C(1))
            ports.last = rule->ports[++i].last;
        put_prefixes(file, rule, &ports, true);
        put_prefixes(file, rule, &ports, false);
    }
}

static void put_rules(struct group_file *file, struct ruleset rules, enum direction direction)
{
    bool outbound = direction == DIRECTION_OUTBOUND;
    json_key(file->json, outbound ? S("SecurityGroupEgress") : S("SecurityGroupIngress"));
    json_array(file->json);
    if (outbound) {
        put_rule(file, S("nowhere: so that AWS adds no rule for everywhere"), "-1", NULL, true,
                 S("127.0.0.1/32"));
        file->n_rules[true][true]++;
    }
    for (size_t i = 0; i < rules.n; i++)
        if (rules.rules[i].action == ACTION_ALLOW && rules.rules[i].direction == direction)
            put_allow(file, &rules.rules[i]);
    json_array_end(file->json);
}

/* ---- What it can't hold -------------------------------------------------------------------------
 */

static bool is_everywhere(struct prefix_set local, struct arena scratch)
{
    return !prefix_set_subtract(&scratch, universe_peers, local).n;
}

/* The rules of profile domain, which must hold at every local address. */
static bool domain_rules(const struct host_class *class, struct arena *arena, struct ruleset *out,
                         struct err *err)
{
    struct rule *kept = arena_array(arena, struct rule, class->rules.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < class->rules.n; i++) {
        const struct rule *rule = &class->rules.rules[i];
        if (!target_expresses(&aws_sg_target, rule, err)) return false;
        if (!rule->enabled || !(rule->profiles >> PROFILE_DOMAIN & 1u)) continue;
        if (!is_everywhere(rule->local, *arena))
            return err_set(err, ERR_UNSUPPORTED,
                           "rule %.*s: local addresses cannot be expressed by target "
                           "aws-security-group: a group holds for every address of a machine of "
                           "class %.*s; nothing is written",
                           STR_ARG(rule->id), STR_ARG(class->id));
        kept[n] = *rule;
        kept[n++].profiles = 1u << PROFILE_DOMAIN;
    }
    if (!n)
        return err_set(err, ERR_UNSUPPORTED,
                       "class %.*s: mode off in profile domain cannot be expressed by target "
                       "aws-security-group: what a group does not allow is dropped; nothing is "
                       "written",
                       STR_ARG(class->id));
    *out = disjoint_rules((struct ruleset){.rules = kept, .n = n}, arena);
    return true;
}

static bool within_quota(const struct group_file *file, struct err *err)
{
    for (unsigned d = 0; d < 2; d++)
        for (unsigned v4 = 0; v4 < 2; v4++)
            if (file->n_rules[d][v4] > RULES)
                return err_set(err, ERR_UNSUPPORTED,
                               "class %.*s: %zu %s rules for %s cannot be expressed by target "
                               "aws-security-group: a group holds %d; nothing is written",
                               STR_ARG(file->class->id), file->n_rules[d][v4],
                               d ? "outbound" : "inbound", v4 ? "IPv4" : "IPv6", (int)RULES);
    return true;
}

/* ---- Templates ----------------------------------------------------------------------------------
 */

static void put_remark(struct group_file *file, const char *label, str text)
{
    if (!text.len) return;
    json_str(file->json, str_format(file->arena, "%s: %.*s", label,
                                    STR_ARG(target_plain(file->arena, text, REMARK_BYTES))));
}

static void put_head(struct group_file *file, const struct target_header *header)
{
    char as_of[INSTANT_TEXT];
    struct json *json = file->json;
    json_member_str(json, S("AWSTemplateFormatVersion"), S("2010-09-09"));
    json_member_str(json, S("Description"),
                    S("sallyport: aws-security-group, security group of a host class"));
    json_key(json, S("Metadata"));
    json_object(json);
    json_key(json, S("remarks"));
    json_array(json);
    put_remark(file, "organisation", header->organisation);
    put_remark(file, "host class", file->class->id);
    for (size_t i = 0; i < file->class->n_machine_names; i++)
        put_remark(file, "machine", file->class->machine_names[i]);
    put_remark(file, "policy",
               str_format(file->arena, "%.*s, SHA-256 %.*s", STR_ARG(header->policy_source),
                          STR_ARG(header->policy_sha256)));
    put_remark(file, "as of", instant_text(as_of, header->as_of_us));
    put_remark(file, "import",
               str_format(file->arena,
                          "aws cloudformation deploy --stack-name %.*s --template-file FILE "
                          "--parameter-overrides VpcId=VPC; add the group to the interfaces of the "
                          "members, then take governed ports out of their other groups",
                          STR_ARG(file->name)));
    put_remark(file, "dry run, changes nothing", S("the same with --no-execute-changeset"));
    json_array_end(json);
    json_object_end(json);
    json_key(json, S("Parameters"));
    json_object(json);
    json_key(json, S("VpcId"));
    json_object(json);
    json_member_str(json, S("Type"), S("AWS::EC2::VPC::Id"));
    json_object_end(json);
    json_object_end(json);
}

static bool template(struct group_file *file, const struct target_header *header, str *out,
                     struct err *err)
{
    struct buf text = buf_in(file->arena);
    struct json json = json_to(&text);
    struct ruleset rules;
    if (!domain_rules(file->class, file->arena, &rules, err)) return false;
    file->json = &json;
    json.pretty = true;
    json_object(&json);
    put_head(file, header);
    json_key(&json, S("Resources"));
    json_object(&json);
    json_key(&json, S("Group"));
    json_object(&json);
    json_member_str(&json, S("Type"), S("AWS::EC2::SecurityGroup"));
    json_key(&json, S("Properties"));
    json_object(&json);
    json_member_str(&json, S("GroupDescription"), file->name);
    json_key(&json, S("VpcId"));
    json_object(&json);
    json_member_str(&json, S("Ref"), S("VpcId"));
    json_object_end(&json);
    put_rules(file, rules, DIRECTION_INBOUND);
    put_rules(file, rules, DIRECTION_OUTBOUND);
    json_object_end(&json);
    json_object_end(&json);
    json_object_end(&json);
    json_object_end(&json);
    buf_char(&text, '\n');
    *out = buf_text(&text);
    return within_quota(file, err);
}

/* JSON has no room for remarks that a proof could hold against the class. */
static str members_file(const struct group_file *file)
{
    char text[PREFIX_TEXT];
    struct buf out = buf_in(file->arena);
    size_t n;
    const struct prefix *prefixes = prefix_set_prefixes(file->arena, file->class->members, &n);
    buf_format(&out, "# sallyport: members of security group %.*s\n", STR_ARG(file->name));
    for (size_t i = 0; i < n; i++)
        buf_format(&out, "# member: %.*s\n", STR_ARG(prefix_text(text, prefixes[i])));
    return buf_text(&out);
}

static str rollback(const struct group_file *file)
{
    struct buf text = buf_in(file->arena);
    struct json json = json_to(&text);
    json.pretty = true;
    json_object(&json);
    json_member_str(&json, S("StackName"), file->name);
    json_object_end(&json);
    buf_char(&text, '\n');
    return buf_text(&text);
}

static bool emit(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err)
{
    struct target_files files = *out;
    for (size_t i = 0; i < bundles->n_classes; i++) {
        const struct host_class *class = &bundles->classes[i];
        struct group_file file = {.arena = arena, .class = class};
        str content;
        file.name = stack_name(class, header->workspace, arena);
        if (!template(&file, header, &content, err)) return false;
        struct target_file made[] = {
            {.path = str_format(arena, "%.*s/group.json",   STR_ARG(class->id)),
             .content = content,
             .host_class = class},
            { .path = str_format(arena,    "%.*s/rollback.json", STR_ARG(class->id)),
             .content = rollback(&file),
             .kind = TARGET_FILE_ROLLBACK,
             .host_class = class},
            { .path = str_format(arena,      "%.*s/members.txt", STR_ARG(class->id)),
             .content = members_file(&file),
             .kind = TARGET_FILE_PART,
             .host_class = class},
        };
        for (size_t k = 0; k < COUNT_OF(made); k++)
            target_add_file(&files, arena, made[k]);
    }
    *out = files;
    return true;
}

static str group(str workspace, str border_word, struct arena *arena)
{
    (void)border_word; /* this dialect has no borders */
    return str_format(arena, "sallyport-%.*s", STR_ARG(target_word(arena, workspace)));
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct doubt doubts[] = {
    {T("aws-sg-union"),      0,
     T("An interface passes what any of its groups allows: governed ports in another "
       "group of a member are open whatever this file says. No export of them was "
       "part of the proof.")              },
    {T("aws-sg-egress-v6"),  DOUBT_V6,
     T("That the outbound rule to nowhere also keeps AWS from adding its IPv6 rule "
       "for everywhere was not tried.")   },
    {T("aws-sg-link-local"), 0,
     T("Groups do not filter 169.254.0.0/16 addresses of AWS itself (metadata, DNS, "
       "time).")                          },
    {{0},                    0,        {0}},
};

const struct target aws_sg_target = {
    .name = T("aws-security-group"),
    .summary =
        T("CloudFormation templates of AWS security groups for the machines of a host class"),
    .engine = ENGINE_ACL,
    .rest = REST_DENIED,
    .profiles = 1u << PROFILE_DOMAIN,
    .peers = &universe_peers,
    .cannot = T("borders (it holds host classes only), network profiles (it is that of profile "
                "domain), allow-if-secure, classes whose addresses differ in their rules, and more "
                "than 60 rules for a direction and family"),
    .hosts = true,
    .decides = T("none: what any group of an interface allows passes, the rest is dropped"),
    .load = T("Deploy group.json as a stack, add the group to the interfaces of the members, "
              "then take governed ports out of their other groups; the other way round "
              "before rollback.json (aws cloudformation delete-stack)"),
    .doubts = doubts,
    .emit = emit,
    .read = aws_sg_read,
    .read_part = aws_sg_read_part,
    .group = group,
    .read_rollback = aws_sg_read_rollback,
    .undoes = aws_sg_read_undoes,
    .recognise = aws_sg_read_recognise,
};
