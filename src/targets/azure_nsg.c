/* SPDX-License-Identifier: Apache-2.0 */
/* Azure network security groups: an ARM template for each enforced border, with one group for the
 * subnets that the border is around. Rules are judged by priority, from 100 on, the first match
 * decides, and what none of ours matches goes on to the parameter otherRules (what the subnet's
 * group held before) and Azure's default rules. A deployment replaces the list whole, so loading a
 * newer template never adds.
 *
 * Facts: a rule can't mix families (error ResourceCannotContainAddressPrefixesFromDifferent-
 * AddressFamilies); 1,000 rules in a group, 4,000 addresses and ranges in a group at either side
 * (Azure subscription limits, "Networking limits"); names of 80 characters, descriptions of 140.
 * Strings that begin with '[' are expressions to ARM: no text of a policy stands first in one.
 * The reader is azure_nsg_read.c; it shares nothing with this file.
 */
#include "base/instant.h"
#include "base/json_write.h"
#include "rules/universe.h"
#include "targets/azure_nsg_read.h"
#include "targets/edge_objects.h"
#include "targets/target.h"

enum {
    FIRST_PRIORITY = 100,
    RULES = 1000,
    PREFIXES = 4000, /* of all sources, and of all destinations */
    DESCRIPTION_BYTES = 140,
    REMARK_BYTES = 900,
};

extern const struct target azure_nsg_target;

/* ---- Rules --------------------------------------------------------------------------------------
 */

/* Every prefix of a set; *n is what they are. */
static size_t put_prefixes(struct json *json, struct arena *arena, const char *name,
                           struct prefix_set set)
{
    char text[PREFIX_TEXT];
    size_t n;
    const struct prefix *prefixes = prefix_set_prefixes(arena, set, &n);
    json_key(json, str_of(name));
    json_array(json);
    for (size_t i = 0; i < n; i++)
        json_str(json, prefix_text(text, prefixes[i]));
    json_array_end(json);
    return n;
}

static void put_ports(struct json *json, struct arena *arena, const struct rule *rule)
{
    json_key(json, S("destinationPortRanges"));
    json_array(json);
    for (size_t i = 0; i < rule->n_ports; i++) {
        unsigned first = rule->ports[i].first, last = rule->ports[i].last;
        json_str(json, first == last ? str_format(arena, "%u", first)
                                     : str_format(arena, "%u-%u", first, last));
    }
    json_array_end(json);
}

struct totals {
    size_t sources, destinations;
};

static void put_rule(struct json *json, struct arena *arena, str prefix,
                     const struct edge_line *line, size_t index, struct totals *totals)
{
    bool outbound = line->rule->direction == DIRECTION_OUTBOUND;
    str text = str_format(arena, "%.*s-%s: %.*s", STR_ARG(line->rule->id), line->v4 ? "v4" : "v6",
                          STR_ARG(line->rule->why));
    /* Never an expression, whatever an id begins with. */
    if (str_starts(text, S("["))) text = str_format(arena, "rule %.*s", STR_ARG(text));
    json_object(json);
    json_member_str(json, S("name"), str_format(arena, "%.*s-%zu", STR_ARG(prefix), index + 1));
    json_key(json, S("properties"));
    json_object(json);
    json_member_str(json, S("description"), target_plain(arena, text, DESCRIPTION_BYTES));
    json_member_str(json, S("direction"), outbound ? S("Outbound") : S("Inbound"));
    json_member_u64(json, S("priority"), FIRST_PRIORITY + index);
    json_member_str(json, S("access"), line->rule->action == ACTION_ALLOW ? S("Allow") : S("Deny"));
    json_member_str(json, S("protocol"),
                    line->rule->transport == TRANSPORT_TCP ? S("Tcp") : S("Udp"));
    json_member_str(json, S("sourcePortRange"), S("*"));
    put_ports(json, arena, line->rule);
    totals->sources +=
        put_prefixes(json, arena, "sourceAddressPrefixes", outbound ? line->local : line->remote);
    totals->destinations += put_prefixes(json, arena, "destinationAddressPrefixes",
                                         outbound ? line->remote : line->local);
    json_object_end(json);
    json_object_end(json);
}

/* ---- Templates ----------------------------------------------------------------------------------
 */

static void put_remark(struct json *json, struct arena *arena, const char *label, str text)
{
    if (!text.len) return;
    json_str(json, str_format(arena, "%s: %.*s", label,
                              STR_ARG(target_plain(arena, text, REMARK_BYTES))));
}

static void put_head(struct json *json, struct arena *arena, const struct target_header *header,
                     const struct border_rules *border, str title)
{
    char as_of[INSTANT_TEXT];
    json_member_str(json, S("$schema"),
                    S("https://schema.management.azure.com/schemas/2019-04-01/"
                      "deploymentTemplate.json#"));
    json_member_str(json, S("contentVersion"), S("1.0.0.0"));
    json_key(json, S("metadata"));
    json_object(json);
    json_key(json, S("remarks"));
    json_array(json);
    put_remark(json, arena, "sallyport", title);
    put_remark(json, arena, "organisation", header->organisation);
    put_remark(json, arena, "border", border->border->name);
    put_remark(json, arena, "policy",
               str_format(arena, "%.*s, SHA-256 %.*s", STR_ARG(header->policy_source),
                          STR_ARG(header->policy_sha256)));
    put_remark(json, arena, "as of", instant_text(as_of, header->as_of_us));
    put_remark(json, arena, "dry run, changes nothing",
               S("az deployment group what-if --resource-group GROUP --template-file FILE"));
    put_remark(json, arena, "otherRules",
               S("securityRules of the group that the subnets have now, with priorities from 1100 "
                 "on"));
    json_array_end(json);
    json_object_end(json);
}

static void put_parameters(struct json *json)
{
    json_key(json, S("parameters"));
    json_object(json);
    json_key(json, S("location"));
    json_object(json);
    json_member_str(json, S("type"), S("string"));
    json_member_str(json, S("defaultValue"), S("[resourceGroup().location]"));
    json_object_end(json);
    json_key(json, S("otherRules"));
    json_object(json);
    json_member_str(json, S("type"), S("array"));
    json_key(json, S("defaultValue"));
    json_array(json);
    json_array_end(json);
    json_object_end(json);
    json_object_end(json);
}

static void put_resource(struct json *json, str name)
{
    json_key(json, S("resources"));
    json_array(json);
    json_object(json);
    json_member_str(json, S("type"), S("Microsoft.Network/networkSecurityGroups"));
    json_member_str(json, S("apiVersion"), S("2023-09-01"));
    json_member_str(json, S("name"), name);
    json_member_str(json, S("location"), S("[parameters('location')]"));
    json_key(json, S("properties"));
    json_object(json);
    json_member_str(json, S("securityRules"),
                    S("[concat(variables('rules'), parameters('otherRules'))]"));
    json_object_end(json);
    json_object_end(json);
    json_array_end(json);
}

static str template(const struct border_rules *border, str name, str title, struct edge_lines lines,
                    const struct target_header *header, struct arena *arena, struct totals *totals)
{
    struct buf out = buf_in(arena);
    struct json json = json_to(&out);
    json.pretty = true;
    json_object(&json);
    put_head(&json, arena, header, border, title);
    put_parameters(&json);
    json_key(&json, S("variables"));
    json_object(&json);
    json_key(&json, S("rules"));
    json_array(&json);
    for (size_t i = 0; i < lines.n; i++)
        put_rule(&json, arena, name, &lines.items[i], i, totals);
    json_array_end(&json);
    json_object_end(&json);
    put_resource(&json, name);
    json_object_end(&json);
    buf_char(&out, '\n');
    return buf_text(&out);
}

static bool within_limits(const struct border_rules *border, size_t n_rules,
                          const struct totals *totals, struct err *err)
{
    if (n_rules <= RULES && totals->sources <= PREFIXES && totals->destinations <= PREFIXES)
        return true;
    return err_set(err, ERR_UNSUPPORTED,
                   "border %.*s: %zu rules, sourceAddressPrefixes of %zu and "
                   "destinationAddressPrefixes of %zu prefixes cannot be expressed by target "
                   "azure-nsg: a group holds %d rules and %d prefixes at either side; nothing is "
                   "written",
                   STR_ARG(border->border->name), n_rules, totals->sources, totals->destinations,
                   (int)RULES, (int)PREFIXES);
}

static bool emit(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err)
{
    struct target_files files = *out;
    if (!acl_lines_expressible(&azure_nsg_target, bundles, err)) return false;
    for (size_t i = 0; i < bundles->n_borders; i++) {
        const struct border_rules *border = &bundles->borders[i];
        str word = target_border_word(bundles, i, arena);
        str name = edge_objects_prefix(header->workspace, word, arena);
        struct edge_lines lines = edge_objects_lines(border->rules, universe_peers, arena);
        struct totals totals = {0};
        str rules = template(border, name, S("azure-nsg, rules of a border"), lines, header, arena,
                             &totals);
        if (!within_limits(border, lines.n, &totals, err)) return false;
        str rollback =
            template(border, name, S("azure-nsg, rollback; takes the rules of this border away"),
                     (struct edge_lines){0}, header, arena, &totals);
        target_add_file(&files, arena,
                        (struct target_file){
                            .path = str_format(arena, "border-%.*s.json", STR_ARG(word)),
                            .content = rules,
                            .border = border,
                        });
        target_add_file(&files, arena,
                        (struct target_file){
                            .path = str_format(arena, "border-%.*s-rollback.json", STR_ARG(word)),
                            .content = rollback,
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
    {T("azure-nsg-reserved"),   DOUBT_BLOCK,
     T("That Azure takes prefixes of 0.0.0.0/8, 240.0.0.0/4 and reserved IPv6 space "
       "was not tried; az deployment group validate tells.")                    },
    {T("azure-nsg-4000"),       DOUBT_BLOCK,
     T("The limits page says 4,000 addresses and ranges in a group for either side; "
       "it is taken for the sum over all rules.")                               },
    {T("azure-nsg-open-flows"), DOUBT_BLOCK,
     T("Flows that are open when a rule changes may go on until they are idle.")},
    {{0},                       0,           {0}                                },
};

const struct target azure_nsg_target = {
    .name = T("azure-nsg"),
    .summary = T("ARM templates of Azure network security groups for subnets at enforced borders"),
    .engine = ENGINE_ACL,
    .rest = REST_UNTOUCHED,
    .profiles = 1u << PROFILE_DOMAIN,
    .peers = &universe_peers,
    .cannot = T("host classes (it holds borders only), allow-if-secure, and borders of more than "
                "1,000 rules or 4,000 prefixes at a side"),
    .borders = true,
    .decides = T("the lowest priority that matches; ours begin at 100; what none of them "
                 "names goes on to otherRules and then to the default rules of Azure"),
    .load = T("Deploy border-*.json to the resource group, with the rules of the present "
              "group as otherRules, and associate the group with the subnets; "
              "border-*-rollback.json takes our rules away"),
    .doubts = doubts,
    .emit = emit,
    .read = azure_nsg_read,
    .group = group,
    .read_rollback = azure_nsg_read_rollback,
    .recognise = azure_nsg_read_recognise,
};
