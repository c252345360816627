/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/azure_nsg_read.h"

#include "base/prefix_set.h"
#include "targets/edge_objects.h"
#include "targets/json_exact.h"
#include "targets/line_words.h"

enum { FIRST_PRIORITY = 100, LAST_PRIORITY = 4096 };

struct template
{
    struct json_exact j;
    str name; /* of the group */
    struct rule *rules;
    size_t n_rules, rules_room;
};

/* ---- Rules --------------------------------------------------------------------------------------
 */

/* ["10.0.0.0/8", ...]: of one family, none twice. */
static bool read_prefixes(struct template *t, const char *name, struct prefix_set *out)
{
    struct json_exact *j = &t->j;
    struct range *ranges = NULL;
    size_t n = 0, room = 0;
    if (!json_exact_array(j, name)) return false;
    bool v4 = !str_contains(j->item.text, S(":"));
    do {
        arena_grow(j->arena, ranges, n, room);
        if (!json_exact_prefix(j, v4, &ranges[n])) return false;
        n++;
    } while (j->item.kind != JSON_SCAN_ARRAY_END);
    if (!line_words_apart(ranges, n, j->arena))
        return json_exact_unexpected(j, "prefixes that share no address before");
    *out = prefix_set_of(j->arena, ranges, n);
    /* What IPv6 calls ::ffff:a.b.c.d is no IPv4 address to Azure. */
    if (!v4) *out = prefix_set_v6(j->arena, *out);
    return json_exact_take(j, JSON_SCAN_ARRAY_END);
}

static bool read_ports(struct template *t, struct rule *rule)
{
    struct json_exact *j = &t->j;
    if (!json_exact_array(j, "destinationPortRanges")) return false;
    do {
        struct service_port p = {.transport = rule->transport};
        if (j->item.kind != JSON_SCAN_STRING ||
            !line_words_ports(j->item.text, &p.first, &p.last) ||
            rule->n_ports == LIMIT_SERVICE_PORTS)
            return json_exact_unexpected(j, "a port or a range of ports");
        rule_add_port(rule, j->arena, p);
        if (!json_exact_take(j, JSON_SCAN_STRING)) return false;
    } while (j->item.kind != JSON_SCAN_ARRAY_END);
    return json_exact_take(j, JSON_SCAN_ARRAY_END);
}

/* One of two words. */
static bool read_choice(struct template *t, const char *key, str yes, str no, bool *out)
{
    str word;
    if (!json_exact_key(&t->j, key)) return false;
    word = t->j.item.text;
    *out = str_equal(word, yes);
    if (t->j.item.kind != JSON_SCAN_STRING || (!*out && !str_equal(word, no)))
        return json_exact_unexpected(
            &t->j, str_c(t->j.arena, str_format(t->j.arena, "\"%.*s\" or \"%.*s\"", STR_ARG(yes),
                                                STR_ARG(no))));
    return json_exact_take(&t->j, JSON_SCAN_STRING);
}

static bool read_properties(struct template *t, struct rule *rule)
{
    struct json_exact *j = &t->j;
    str text, why;
    uint64_t priority;
    bool outbound, allows, tcp;
    struct prefix_set sources, destinations;
    if (!json_exact_str(j, "description", &text) ||
        !read_choice(t, "direction", S("Outbound"), S("Inbound"), &outbound) ||
        !json_exact_number(j, "priority", LAST_PRIORITY, &priority))
        return false;
    if (priority != FIRST_PRIORITY + t->n_rules)
        return json_exact_unexpected(j, "the next priority before");
    if (!read_choice(t, "access", S("Allow"), S("Deny"), &allows) ||
        !read_choice(t, "protocol", S("Tcp"), S("Udp"), &tcp) ||
        !json_exact_text(j, "sourcePortRange", S("*")))
        return false;
    rule->direction = outbound ? DIRECTION_OUTBOUND : DIRECTION_INBOUND;
    rule->action = allows ? ACTION_ALLOW : ACTION_BLOCK;
    rule->transport = tcp ? TRANSPORT_TCP : TRANSPORT_UDP;
    if (!read_ports(t, rule) || !read_prefixes(t, "sourceAddressPrefixes", &sources) ||
        !read_prefixes(t, "destinationAddressPrefixes", &destinations))
        return false;
    rule->local = outbound ? sources : destinations;
    rule->remote = outbound ? destinations : sources;
    (void)str_cut(text, ':', &rule->id, &why);
    rule->why = str_trim(why);
    return json_exact_take(j, JSON_SCAN_OBJECT_END);
}

static bool read_rule(struct template *t)
{
    struct json_exact *j = &t->j;
    size_t at, number = t->n_rules + 1;
    struct rule rule = {
        .enabled = true,
        .profiles = 1u << PROFILE_DOMAIN,
        .offset = j->item.offset,
    };
    if (!json_exact_take(j, JSON_SCAN_OBJECT) || !json_exact_str(j, "name", &rule.name))
        return false;
    for (at = rule.name.len; at && rule.name.ptr[at - 1] != '-';)
        at--;
    rule.group = str_head(rule.name, at ? at - 1 : 0);
    if (!str_equal(str_tail(rule.name, at), str_format(j->arena, "%zu", number)))
        return json_exact_unexpected(j, "the name of the next rule before");
    if (!json_exact_object(j, "properties") || !read_properties(t, &rule)) return false;
    arena_grow(j->arena, t->rules, t->n_rules, t->rules_room);
    t->rules[t->n_rules++] = rule;
    return json_exact_take(j, JSON_SCAN_OBJECT_END);
}

/* ---- Templates ----------------------------------------------------------------------------------
 */

static bool read_parameters(struct json_exact *j)
{
    return json_exact_object(j, "parameters") && json_exact_object(j, "location") &&
           json_exact_text(j, "type", S("string")) &&
           json_exact_text(j, "defaultValue", S("[resourceGroup().location]")) &&
           json_exact_take(j, JSON_SCAN_OBJECT_END) && json_exact_object(j, "otherRules") &&
           json_exact_text(j, "type", S("array")) && json_exact_array(j, "defaultValue") &&
           json_exact_take(j, JSON_SCAN_ARRAY_END) && json_exact_take(j, JSON_SCAN_OBJECT_END) &&
           json_exact_take(j, JSON_SCAN_OBJECT_END);
}

static bool read_resource(struct template *t)
{
    struct json_exact *j = &t->j;
    return json_exact_array(j, "resources") && json_exact_take(j, JSON_SCAN_OBJECT) &&
           json_exact_text(j, "type", S("Microsoft.Network/networkSecurityGroups")) &&
           json_exact_text(j, "apiVersion", S("2023-09-01")) &&
           json_exact_str(j, "name", &t->name) &&
           json_exact_text(j, "location", S("[parameters('location')]")) &&
           json_exact_object(j, "properties") &&
           json_exact_text(j, "securityRules",
                           S("[concat(variables('rules'), parameters('otherRules'))]")) &&
           json_exact_take(j, JSON_SCAN_OBJECT_END) && json_exact_take(j, JSON_SCAN_OBJECT_END) &&
           json_exact_take(j, JSON_SCAN_ARRAY_END);
}

static bool read_template(struct template *t)
{
    struct json_exact *j = &t->j;
    if (!json_exact_take(j, JSON_SCAN_OBJECT) ||
        !json_exact_text(j, "$schema",
                         S("https://schema.management.azure.com/schemas/2019-04-01/"
                           "deploymentTemplate.json#")) ||
        !json_exact_text(j, "contentVersion", S("1.0.0.0")) || !json_exact_object(j, "metadata") ||
        !json_exact_texts(j, "remarks") || !json_exact_take(j, JSON_SCAN_OBJECT_END) ||
        !read_parameters(j) || !json_exact_object(j, "variables") || !json_exact_array(j, "rules"))
        return false;
    while (j->item.kind != JSON_SCAN_ARRAY_END)
        if (!read_rule(t)) return false;
    if (!json_exact_take(j, JSON_SCAN_ARRAY_END) || !json_exact_take(j, JSON_SCAN_OBJECT_END) ||
        !read_resource(t) || !json_exact_take(j, JSON_SCAN_OBJECT_END) || !json_exact_end(j))
        return false;
    for (size_t i = 0; i < t->n_rules; i++)
        if (!str_equal(t->rules[i].group, t->name))
            return json_exact_unexpected(j, "rules that are named after their group before");
    return true;
}

bool azure_nsg_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                    struct err *err)
{
    struct template t = {.j = json_exact_of(content, arena, err)};
    if (!read_template(&t)) return err_in(err, source);
    *out = (struct ruleset){.rules = t.rules, .n = t.n_rules};
    return true;
}

bool azure_nsg_read_rollback(str source, bytes content, str workspace, str border_word,
                             struct arena *arena, struct err *err)
{
    struct template t = {.j = json_exact_of(content, arena, err)};
    str wanted = edge_objects_prefix(workspace, border_word, arena);
    if (!read_template(&t)) return err_in(err, source);
    if (str_equal(t.name, wanted) && !t.n_rules) return true;
    (void)err_set(err, ERR_MALFORMED, "expected group %.*s without rules, found %.*s with %zu",
                  STR_ARG(wanted), STR_ARG(t.name), t.n_rules);
    return err_in(err, source);
}

bool azure_nsg_read_recognise(bytes head)
{
    str text = str_of_bytes(head);
    return str_starts(text, S("{")) && str_contains(text, S("\"sallyport: azure-nsg,"));
}
