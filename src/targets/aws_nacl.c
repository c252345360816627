/* SPDX-License-Identifier: Apache-2.0 */
/* AWS network access control lists: a CloudFormation template for each enforced border, with one
 * list for the subnets that the border is around. CloudFormation and not input for `aws ec2`, since
 * a stack is changed and deleted whole: a newer template replaces and never adds, a failed one is
 * taken back by AWS.
 *
 * An entry names one prefix at the far end and nothing at the near one, so all addresses inside
 * must have the same rules. The list also stands between two subnets of the inside, so that comes
 * first, whatever the port; then what is approved, the rest of governed ports, and everything else.
 * It keeps no state: replies pass by the last entries.
 *
 * Facts (VPC user guide, "Amazon VPC quotas"): 20 entries for each direction and family, up to 40
 * on request, the default deny counted; numbers from 1 to 32766, the lowest match decides. The
 * reader is aws_nacl_read.c; it shares nothing with this file.
 */
#include "base/instant.h"
#include "base/json_write.h"
#include "rules/universe.h"
#include "targets/aws_nacl_read.h"
#include "targets/edge_objects.h"
#include "targets/target.h"

enum {
    ENTRIES = 39,         /* of each direction and family, with the quota at its highest */
    ENTRIES_UNASKED = 19, /* with the quota as it is */
    FIRST_NUMBER = 100,
    STEP = 10,
    REMARK_BYTES = 900,
    DESCRIPTION_BYTES = 1000, /* of 1024 */
};

extern const struct target aws_nacl_target;

struct list {
    struct arena *arena;
    struct json *json;
    const struct border_rules *border;
    str name;
    struct prefix_set inside[2], outside[2]; /* by family, IPv6 first */
    size_t number;                           /* of the next entry of the direction at hand */
    size_t n_entries[2][2];                  /* by direction and family */
    bool crossed[2];                         /* per family: some entry is about what crosses */
};

/* ---- Sides --------------------------------------------------------------------------------------
 */

static struct prefix_set family_part(struct arena *arena, struct prefix_set set, bool v4)
{
    return v4 ? prefix_set_v4(arena, set) : prefix_set_v6(arena, set);
}

static struct list list_of(const struct border_rules *border, str name, struct arena *arena)
{
    struct list list = {.arena = arena, .border = border, .name = name};
    /* No router forwards link-local addresses. */
    struct prefix_set routed = prefix_set_subtract(arena, universe_peers, decision_link_local);
    struct prefix_set inside = border->border->inside;
    for (unsigned v4 = 0; v4 < 2; v4++) {
        struct prefix_set part = family_part(arena, routed, v4);
        list.inside[v4] = prefix_set_intersect(arena, part, inside);
        list.outside[v4] = prefix_set_subtract(arena, part, inside);
    }
    return list;
}

/* ---- Entries ------------------------------------------------------------------------------------
 */

struct acl_entry {
    bool outbound, allows, v4;
    const struct service_port *ports; /* NULL = whatever it is */
    str prefix, why;
};

static void put_entry(struct list *list, const struct acl_entry *entry)
{
    struct json *json = list->json;
    const char *direction = entry->outbound ? "Outbound" : "Inbound";
    json_key(json, str_format(list->arena, "%s%zu", direction, list->number));
    json_object(json);
    json_member_str(json, S("Type"), S("AWS::EC2::NetworkAclEntry"));
    json_key(json, S("Metadata"));
    json_object(json);
    json_member_str(json, S("why"), target_plain(list->arena, entry->why, REMARK_BYTES));
    json_object_end(json);
    json_key(json, S("Properties"));
    json_object(json);
    json_key(json, S("NetworkAclId"));
    json_object(json);
    json_member_str(json, S("Ref"), S("List"));
    json_object_end(json);
    json_member_u64(json, S("RuleNumber"), list->number);
    json_member_bool(json, S("Egress"), entry->outbound);
    json_member_str(json, S("RuleAction"), entry->allows ? S("allow") : S("deny"));
    json_key(json, S("Protocol"));
    if (entry->ports) {
        json_u64(json, entry->ports->transport == TRANSPORT_TCP ? 6 : 17);
        json_key(json, S("PortRange"));
        json_object(json);
        json_member_u64(json, S("From"), entry->ports->first);
        json_member_u64(json, S("To"), entry->ports->last);
        json_object_end(json);
    } else {
        json_i64(json, -1);
    }
    json_member_str(json, entry->v4 ? S("CidrBlock") : S("Ipv6CidrBlock"), entry->prefix);
    json_object_end(json);
    json_object_end(json);
    list->number += STEP;
    list->n_entries[entry->outbound][entry->v4]++;
}

static str everything(bool v4)
{
    return v4 ? S("0.0.0.0/0") : S("::/0");
}

/* An entry for each prefix; the whole outside is everything, since the inside has passed before. */
static void put_prefixes(struct list *list, struct acl_entry *entry, struct prefix_set set)
{
    char text[PREFIX_TEXT];
    size_t n;
    if (prefix_set_equal(set, list->outside[entry->v4])) {
        entry->prefix = everything(entry->v4);
        put_entry(list, entry);
        return;
    }
    const struct prefix *prefixes = prefix_set_prefixes(list->arena, set, &n);
    for (size_t i = 0; i < n; i++) {
        entry->prefix = prefix_text(text, prefixes[i]);
        put_entry(list, entry);
    }
}

/* Ports in a row are one range. */
static void put_line(struct list *list, const struct acl_line *line, struct acl_entry *entry)
{
    const struct rule *rule = line->rule;
    entry->allows = rule->action == ACTION_ALLOW;
    entry->why = str_format(list->arena, "%.*s-%s: %.*s", STR_ARG(rule->id),
                            entry->v4 ? "v4" : "v6", STR_ARG(rule->why));
    for (size_t i = 0; i < rule->n_ports; i++) {
        struct service_port ports = rule->ports[i];
        ports.transport = rule->transport;
        while (i + 1 < rule->n_ports && rule->ports[i + 1].first == ports.last + UINT32_C(1))
            ports.last = rule->ports[++i].last;
        entry->ports = &ports;
        put_prefixes(list, entry, line->remote);
        entry->ports = NULL;
    }
}

/* One direction of one family: the inside, the border's lines, the rest. */
static void put_family(struct list *list, const struct acl_lines *lines, bool outbound, bool v4)
{
    struct acl_entry entry = {.outbound = outbound, .allows = true, .v4 = v4};
    entry.why = S("inside: the list also stands between two subnets of the inside");
    if (lines->n && list->inside[v4].n) put_prefixes(list, &entry, list->inside[v4]);
    for (size_t i = 0; i < lines->n; i++)
        put_line(list, &lines->items[i], &entry);
    entry.ports = NULL;
    entry.allows = true;
    entry.why = S("rest: whatever is not governed, and replies");
    entry.prefix = everything(v4);
    put_entry(list, &entry);
}

/* ---- What it can't hold -------------------------------------------------------------------------
 */

static bool same_everywhere(const struct list *list, const struct acl_lines *lines, bool v4,
                            struct err *err)
{
    for (size_t i = 0; i < lines->n; i++) {
        const struct rule *rule = lines->items[i].rule;
        if (prefix_set_equal(lines->items[i].local, list->inside[v4])) continue;
        return err_set(err, ERR_UNSUPPORTED,
                       "rule %.*s: local addresses cannot be expressed by target aws-nacl: one "
                       "list holds for all of border %.*s; nothing is written",
                       STR_ARG(rule->id), STR_ARG(list->border->border->name));
    }
    return true;
}

static bool within_quota(const struct list *list, struct err *err)
{
    for (unsigned d = 0; d < 2; d++)
        for (unsigned v4 = 0; v4 < 2; v4++)
            if (list->n_entries[d][v4] > ENTRIES)
                return err_set(err, ERR_UNSUPPORTED,
                               "border %.*s: %zu %s entries for %s cannot be expressed by target "
                               "aws-nacl: a list holds %d, and 19 unless its quota is raised; "
                               "nothing is written",
                               STR_ARG(list->border->border->name), list->n_entries[d][v4],
                               d ? "outbound" : "inbound", v4 ? "IPv4" : "IPv6", (int)ENTRIES);
    return true;
}

/* ---- Templates ----------------------------------------------------------------------------------
 */

static void put_remark(struct list *list, const char *label, str text)
{
    if (!text.len) return;
    json_str(list->json, str_format(list->arena, "%s: %.*s", label,
                                    STR_ARG(target_plain(list->arena, text, REMARK_BYTES))));
}

static void put_remarks(struct list *list, const struct target_header *header, bool stateless)
{
    char as_of[INSTANT_TEXT];
    json_key(list->json, S("remarks"));
    json_array(list->json);
    put_remark(list, "organisation", header->organisation);
    put_remark(list, "border", list->border->border->name);
    put_remark(list, "policy",
               str_format(list->arena, "%.*s, SHA-256 %.*s", STR_ARG(header->policy_source),
                          STR_ARG(header->policy_sha256)));
    put_remark(list, "as of", instant_text(as_of, header->as_of_us));
    put_remark(list, "import",
               str_format(list->arena,
                          "aws cloudformation deploy --stack-name %.*s --template-file FILE "
                          "--parameter-overrides VpcId=VPC; then, for each subnet of the border, "
                          "aws ec2 replace-network-acl-association",
                          STR_ARG(list->name)));
    put_remark(list, "dry run, changes nothing", S("the same with --no-execute-changeset"));
    if (stateless)
        put_remark(list, "caution",
                   S("some governed ports are among those that clients open connections from: "
                     "replies to such a port are stopped too, since the list keeps no state"));
    json_array_end(list->json);
}

static void put_inside(struct list *list)
{
    char text[PREFIX_TEXT];
    json_key(list->json, S("inside"));
    json_array(list->json);
    for (unsigned v4 = 0; v4 < 2; v4++) {
        size_t n;
        if (!list->crossed[v4]) continue;
        const struct prefix *prefixes = prefix_set_prefixes(list->arena, list->inside[v4], &n);
        for (size_t i = 0; i < n; i++)
            json_str(list->json, prefix_text(text, prefixes[i]));
    }
    json_array_end(list->json);
}

static void put_head(struct list *list, const struct target_header *header, bool stateless)
{
    struct json *json = list->json;
    json_member_str(json, S("AWSTemplateFormatVersion"), S("2010-09-09"));
    json_member_str(json, S("Description"),
                    S("sallyport: aws-nacl, network access control list of a border"));
    json_key(json, S("Metadata"));
    json_object(json);
    put_remarks(list, header, stateless);
    put_inside(list);
    json_object_end(json);
    json_key(json, S("Parameters"));
    json_object(json);
    json_key(json, S("VpcId"));
    json_object(json);
    json_member_str(json, S("Type"), S("AWS::EC2::VPC::Id"));
    json_object_end(json);
    json_object_end(json);
}

static void put_list(struct list *list)
{
    struct json *json = list->json;
    json_key(json, S("List"));
    json_object(json);
    json_member_str(json, S("Type"), S("AWS::EC2::NetworkAcl"));
    json_key(json, S("Properties"));
    json_object(json);
    json_key(json, S("VpcId"));
    json_object(json);
    json_member_str(json, S("Ref"), S("VpcId"));
    json_object_end(json);
    json_key(json, S("Tags"));
    json_array(json);
    json_object(json);
    json_member_str(json, S("Key"), S("Name"));
    json_member_str(json, S("Value"), list->name);
    json_object_end(json);
    json_array_end(json);
    json_object_end(json);
    json_object_end(json);
}

static bool template(struct list *list, const struct target_header *header, str *out,
                     struct err *err)
{
    struct buf text = buf_in(list->arena);
    struct json json = json_to(&text);
    struct acl_lines lines[2][2]; /* by direction, inbound first, and family */
    bool stateless = false;
    for (unsigned d = 0; d < 2; d++)
        for (unsigned v4 = 0; v4 < 2; v4++) {
            lines[d][v4] =
                acl_lines_of(list->border->rules, d ? DIRECTION_OUTBOUND : DIRECTION_INBOUND,
                             v4 ? ACL_LINES_V4 : ACL_LINES_V6, list->arena);
            if (!same_everywhere(list, &lines[d][v4], v4, err)) return false;
            list->crossed[v4] = list->crossed[v4] || lines[d][v4].n;
            stateless = stateless || acl_lines_meet_replies(&lines[d][v4]);
        }
    list->json = &json;
    json.pretty = true;
    json_object(&json);
    put_head(list, header, stateless);
    json_key(&json, S("Resources"));
    json_object(&json);
    put_list(list);
    for (unsigned d = 0; d < 2; d++) {
        list->number = FIRST_NUMBER;
        put_family(list, &lines[d][true], d, true);
        put_family(list, &lines[d][false], d, false);
    }
    json_object_end(&json);
    json_object_end(&json);
    buf_char(&text, '\n');
    *out = buf_text(&text);
    return within_quota(list, err);
}

static str rollback(const struct list *list)
{
    struct buf text = buf_in(list->arena);
    struct json json = json_to(&text);
    json.pretty = true;
    json_object(&json);
    json_member_str(&json, S("StackName"), list->name);
    json_object_end(&json);
    buf_char(&text, '\n');
    return buf_text(&text);
}

static bool emit(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err)
{
    struct target_files files = *out;
    if (!acl_lines_expressible(&aws_nacl_target, bundles, err)) return false;
    for (size_t i = 0; i < bundles->n_borders; i++) {
        const struct border_rules *border = &bundles->borders[i];
        str word = target_border_word(bundles, i, arena), content;
        struct list list =
            list_of(border, edge_objects_prefix(header->workspace, word, arena), arena);
        if (!template(&list, header, &content, err)) return false;
        target_add_file(&files, arena,
                        (struct target_file){
                            .path = str_format(arena, "border-%.*s.json", STR_ARG(word)),
                            .content = content,
                            .border = border,
                        });
        target_add_file(&files, arena,
                        (struct target_file){
                            .path = str_format(arena, "border-%.*s-rollback.json", STR_ARG(word)),
                            .content = rollback(&list),
                            .kind = TARGET_FILE_ROLLBACK,
                            .border = border,
                        });
    }
    *out = files;
    return true;
}

static str group(str workspace, str border_word, struct arena *arena)
{
    return edge_objects_prefix(workspace, border_word, arena);
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct doubt doubts[] = {
    {T("aws-nacl-quota"),     0,
     T("More than 19 entries for a direction and family need the quota L-2AEEBF1A "
       "raised first; else the stack is taken back by AWS and nothing changes.")},
    {T("aws-nacl-stateless"), DOUBT_BLOCK,
     T("A list keeps no state: replies to a governed port, as UDP 137 to 137 has "
       "them, are judged as if they began a flow.")                             },
    {{0},                     0,           {0}                                  },
};

const struct target aws_nacl_target = {
    .name = T("aws-nacl"),
    .summary = T("CloudFormation templates of AWS network access control lists for subnets at "
                 "enforced borders"),
    .engine = ENGINE_ACL,
    .rest = REST_PERMITTED,
    .profiles = 1u << PROFILE_DOMAIN,
    .peers = &universe_peers,
    .cannot = T("host classes (it holds borders only), allow-if-secure, borders whose inside "
                "addresses differ in their rules, and more than 39 entries for a direction and "
                "family"),
    .borders = true,
    .decides = T("the lowest number that matches, for each direction: the inside to itself, "
                 "what is approved, the rest of governed ports, everything else"),
    .load = T("Deploy border-*.json as a stack, then give the list to the subnets; before "
              "border-*-rollback.json (aws cloudformation delete-stack) give them back their "
              "former list"),
    .doubts = doubts,
    .emit = emit,
    .read = aws_nacl_read,
    .group = group,
    .read_rollback = aws_nacl_read_rollback,
    .recognise = aws_nacl_read_recognise,
};
