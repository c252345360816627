/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/difference.h"

#include "reason/set_words.h"
#include "rules/verdict.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* ---- Why ----------------------------------------------------------------------------------------
 */

static str why_policy(const struct decision *d, const struct diff_region *r, struct arena *arena)
{
    unsigned profile = 0;
    while (!(r->profiles >> profile & 1u))
        profile++;
    bool secured = r->secured == DIFF_SECURED;
    struct flow_question q = {
        .client = r->client,
        .server = r->server,
        .transport = r->ports[0].transport,
        .port = r->ports[0].first,
        .service = enforcement_service(decision_resolved(d)->policy, r->ports[0].transport,
                                       r->ports[0].first),
        .profile = (enum profile)profile,
    };
    struct flow_answer answer = decision_ask(d, &q);
    if (answer.intent == INTENT_UNGOVERNED) return S("the service is not governed");
    enum side at = SIDE_COUNT;
    for (size_t i = 0; i < answer.n_sides && at == SIDE_COUNT && r->point == ENFORCEMENT_PATH; i++)
        if (!(secured ? answer.sides[i].passes_secured : answer.sides[i].passes))
            at = answer.sides[i].side;
    if (r->point == ENFORCEMENT_OUTBOUND) at = SIDE_CLIENT_OUTBOUND;
    if (r->point == ENFORCEMENT_INBOUND) at = SIDE_SERVER_INBOUND;
    if (r->point == ENFORCEMENT_BORDER_OUT || r->point == ENFORCEMENT_BORDER_IN) at = SIDE_COUNT;
    return decision_why(d, &q, at, arena).text;
}

static str why_rules(const struct enforcement *e, const struct diff_region *r, struct arena *arena)
{
    bool own_is_client = enforcement_own_is_client(r->point);
    struct addr own = own_is_client ? r->client : r->server;
    struct addr peer = own_is_client ? r->server : r->client;
    struct verdict_question q = {
        .direction = own_is_client ? DIRECTION_OUTBOUND : DIRECTION_INBOUND,
        .transport = r->ports[0].transport,
        .port = r->ports[0].first,
        .secured = r->secured == DIFF_SECURED,
        .any_profile = r->border.len != 0,
    };
    while (!(r->profiles >> q.profile & 1u))
        q.profile++;
    for (size_t i = 0; i < e->n_rules; i++) {
        const struct enforcement_rules *rules = &e->rules[i];
        if (!str_equal(rules->border, r->border) || !prefix_set_contains(rules->own, own)) continue;
        const struct rule *rule = verdict_rule(rules->rules, rules->engine, own, peer, &q);
        if (!rule) return str_format(arena, "no rule of %.*s is about it", STR_ARG(rules->source));
        str verb = rule->action == ACTION_BLOCK ? S("blocks") : S("allows");
        return str_format(arena, "%.*s %.*s it, rule %.*s", STR_ARG(rules->source), STR_ARG(verb),
                          STR_ARG(rule->id));
    }
    return str_format(arena, "no file is for this address");
}

str difference_why(const struct enforcement *e, const struct diff_region *r, struct arena *arena)
{
    return e->decision ? why_policy(e->decision, r, arena) : why_rules(e, r, arena);
}

/* ---- Words --------------------------------------------------------------------------------------
 */

/* Whose words: what opens is told in the words of what opens it. */
static const struct resolved *words_of(const struct comparing_part *part, enum diff_change change)
{
    const struct decision *first =
        change == DIFF_OPENED ? part->after.decision : part->before.decision;
    const struct decision *second =
        change == DIFF_OPENED ? part->before.decision : part->after.decision;
    if (first) return decision_resolved(first);
    return second ? decision_resolved(second) : NULL;
}

static str port_text(struct arena *arena, const struct service_port *port)
{
    str transport = service_transport_text(port->transport);
    if (port->first == port->last)
        return str_format(arena, "%.*s/%u", STR_ARG(transport), (unsigned)port->first);
    return str_format(arena, "%.*s/%u-%u", STR_ARG(transport), (unsigned)port->first,
                      (unsigned)port->last);
}

/* Name of the service in that policy, or empty. */
static str service_name(const struct resolved *resolved, const struct service_port *port)
{
    struct service_table table = resolved ? resolved->policy->services : service_builtin;
    int at = service_by_port(table, port->transport, port->first);
    if (at == SERVICE_NONE && resolved)
        at = enforcement_service(resolved->policy, port->transport, port->first);
    return at == SERVICE_NONE ? (str){0} : table.services[at].name;
}

/* "smb (tcp/445)", "netbios (tcp/139 udp/137-138)" */
static str ports_text(struct arena *arena, const struct resolved *resolved,
                      const struct diff_region *r)
{
    struct buf out = buf_in(arena);
    str last = {0};
    for (size_t i = 0; i < r->n_ports; i++) {
        str name = service_name(resolved, &r->ports[i]);
        bool same = i && str_equal(name, last);
        if (i && !same) buf_str(&out, last.len ? S("), ") : S(", "));
        if (i && same) buf_char(&out, ' ');
        if (!same && name.len) buf_format(&out, "%.*s (", STR_ARG(name));
        buf_str(&out, port_text(arena, &r->ports[i]));
        last = name;
    }
    if (last.len) buf_char(&out, ')');
    return buf_text(&out);
}

static str profiles_text(struct arena *arena, uint8_t profiles)
{
    if (profiles == (1u << PROFILE_COUNT) - 1) return S("every profile");
    struct buf out = buf_in(arena);
    for (unsigned p = 0; p < PROFILE_COUNT; p++) {
        if (!(profiles >> p & 1u)) continue;
        if (buf_text(&out).len) buf_char(&out, ' ');
        buf_str(&out, profile_text((enum profile)p));
    }
    return buf_text(&out);
}

static str secured_text(uint8_t secured)
{
    if (secured == DIFF_IN_CLEAR) return S("in clear");
    return secured == DIFF_SECURED ? S("when secured") : S("in clear and secured");
}

static str count_text(struct arena *arena, uint64_t pairs)
{
    if (pairs == UINT64_MAX) return S("over 10^19");
    return str_format(arena, "%" PRIu64, pairs);
}

/* "256 pairs", "over 10^19 IPv6 pairs", "256 IPv4 and 4 IPv6 pairs" */
static str pairs_text(struct arena *arena, const struct diff_region *r)
{
    str v4 = count_text(arena, r->pairs_v4), v6 = count_text(arena, r->pairs_v6);
    if (!r->pairs_v6)
        return str_format(arena, "%.*s pair%s", STR_ARG(v4), r->pairs_v4 == 1 ? "" : "s");
    if (!r->pairs_v4)
        return str_format(arena, "%.*s IPv6 pair%s", STR_ARG(v6), r->pairs_v6 == 1 ? "" : "s");
    return str_format(arena, "%.*s IPv4 and %.*s IPv6 pairs", STR_ARG(v4), STR_ARG(v6));
}

/* ---- Text ---------------------------------------------------------------------------------------
 */

enum { SHOWN_REGIONS = 25, SHOWN_ITEMS = 6 };

static void print_region(struct invocation *call, const struct comparing_part *part,
                         const struct diff_region *r)
{
    static const enum table_tone tones[] = {TONE_BAD, TONE_GOOD, TONE_WARN};
    struct arena *arena = call->arena;
    struct buf *out = call->out;
    char client[ADDR_TEXT], server[ADDR_TEXT];
    const struct resolved *words = words_of(part, r->change);
    struct set_words clients = set_words_of(words, r->clients, arena, call->scratch);
    struct set_words servers = set_words_of(words, r->servers, arena, call->scratch);
    table_tone(out, str_format(arena, "%-10.*s", STR_ARG(diff_change_text(r->change))),
               tones[r->change], call->colour);
    buf_str(out, set_words_text(&clients, SHOWN_ITEMS, arena));
    buf_str(out, S(" -> "));
    buf_str(out, set_words_text(&servers, SHOWN_ITEMS, arena));
    buf_format(out, "\n          %.*s, %.*s, %.*s; %.*s", STR_ARG(ports_text(arena, words, r)),
               STR_ARG(profiles_text(arena, r->profiles)), STR_ARG(secured_text(r->secured)),
               STR_ARG(pairs_text(arena, r)));
    if (r->border.len) buf_format(out, ", border %.*s", STR_ARG(r->border));
    str from = addr_text(client, r->client), to = addr_text(server, r->server);
    buf_format(out, "\n          such as %.*s -> %.*s\n", STR_ARG(from), STR_ARG(to));
    buf_format(out, "            before  %.*s\n", STR_ARG(difference_why(&part->before, r, arena)));
    buf_format(out, "            after   %.*s\n", STR_ARG(difference_why(&part->after, r, arena)));
}

bool difference_any_at(const struct diff *diff, enum enforcement_point point)
{
    for (size_t i = 0; i < diff->n; i++)
        if (diff->regions[i].point == point) return true;
    return false;
}

static str point_heading(enum enforcement_point point)
{
    switch (point) {
    case ENFORCEMENT_PATH:
        return S("what passes the whole way");
    case ENFORCEMENT_INTENT:
        return S("what is intended, enforced or not");
    case ENFORCEMENT_OUTBOUND:
        return S("what clients' own firewalls let out");
    case ENFORCEMENT_INBOUND:
        return S("what servers' own firewalls let in");
    case ENFORCEMENT_BORDER_OUT:
        return S("what borders let out");
    case ENFORCEMENT_BORDER_IN:
    case ENFORCEMENT_POINT_COUNT:
        break;
    }
    return S("what borders let in");
}

void difference_print(struct invocation *call, const struct comparing_part *part,
                      enum enforcement_point point)
{
    size_t n = 0;
    if (!difference_any_at(&part->diff, point)) return;
    table_tone(call->out, point_heading(point), TONE_STRONG, call->colour);
    if (part->target) buf_format(call->out, " (target %.*s)", STR_ARG(part->target->name));
    buf_char(call->out, '\n');
    for (size_t i = 0; i < part->diff.n; i++) {
        if (part->diff.regions[i].point != point) continue;
        if (n++ < SHOWN_REGIONS) print_region(call, part, &part->diff.regions[i]);
    }
    if (n > SHOWN_REGIONS)
        buf_format(call->out, "          and %zu more differences; --json lists all\n",
                   n - SHOWN_REGIONS);
    buf_char(call->out, '\n');
}

/* ---- JSON and CSV -----------------------------------------------------------------------------
 */

static void print_ends(struct json *json, struct invocation *call, str key,
                       const struct resolved *words, struct prefix_set set)
{
    struct arena *arena = call->arena;
    struct set_words said = set_words_of(words, set, arena, call->scratch);
    struct prefix_set families[] = {prefix_set_v4(arena, set), prefix_set_v6(arena, set)};
    json_key(json, key);
    json_object(json);
    json_key(json, S("words"));
    json_array(json);
    for (size_t i = 0; i < said.n; i++)
        json_str(json, said.items[i]);
    json_array_end(json);
    json_key(json, S("addresses"));
    json_array(json);
    for (size_t f = 0; f < COUNT_OF(families); f++)
        for (size_t i = 0; i < families[f].n; i++)
            json_str(json, set_words_range(families[f].ranges[i], arena));
    json_array_end(json);
    json_object_end(json);
}

static void print_pairs(struct json *json, str key, uint64_t pairs)
{
    json_key(json, key);
    if (pairs == UINT64_MAX)
        json_null(json);
    else
        json_u64(json, pairs);
}

void difference_json(struct json *json, struct invocation *call, const struct comparing_part *part,
                     const struct diff_region *r)
{
    struct arena *arena = call->arena;
    const struct resolved *words = words_of(part, r->change);
    json_object(json);
    json_member_str(json, S("change"), diff_change_text(r->change));
    json_member_str(json, S("at"), enforcement_point_text(r->point));
    json_member_str_or_null(json, S("border"), r->border);
    json_member_str_or_null(json, S("target"), part->target ? part->target->name : (str){0});
    print_ends(json, call, S("clients"), words, r->clients);
    print_ends(json, call, S("servers"), words, r->servers);
    json_key(json, S("services"));
    json_array(json);
    for (size_t i = 0; i < r->n_ports; i++) {
        str name = service_name(words, &r->ports[i]);
        bool again = !name.len;
        for (size_t j = 0; j < i; j++)
            again = again || str_equal(service_name(words, &r->ports[j]), name);
        if (!again) json_str(json, name);
    }
    json_array_end(json);
    json_key(json, S("ports"));
    json_array(json);
    for (size_t i = 0; i < r->n_ports; i++)
        json_str(json, port_text(arena, &r->ports[i]));
    json_array_end(json);
    json_key(json, S("profiles"));
    json_array(json);
    for (unsigned p = 0; p < PROFILE_COUNT; p++)
        if (r->profiles >> p & 1u) json_str(json, profile_text((enum profile)p));
    json_array_end(json);
    json_member_bool(json, S("in_clear"), (r->secured & DIFF_IN_CLEAR) != 0);
    json_member_bool(json, S("secured"), (r->secured & DIFF_SECURED) != 0);
    print_pairs(json, S("pairs_v4"), r->pairs_v4);
    print_pairs(json, S("pairs_v6"), r->pairs_v6);
    json_key(json, S("witness"));
    json_object(json);
    json_key(json, S("client"));
    json_addr(json, r->client);
    json_key(json, S("server"));
    json_addr(json, r->server);
    json_member_str(json, S("service"),
                    port_text(arena, &(struct service_port){.transport = r->ports[0].transport,
                                                            .first = r->ports[0].first,
                                                            .last = r->ports[0].first}));
    json_object_end(json);
    json_member_str(json, S("because_before"), difference_why(&part->before, r, arena));
    json_member_str(json, S("because_after"), difference_why(&part->after, r, arena));
    json_object_end(json);
}

void difference_csv(struct invocation *call, const struct comparing_part *parts, size_t n)
{
    static const struct table_column columns[] = {
        {T("change"),         ALIGN_LEFT, 0},
        {T("at"),             ALIGN_LEFT, 0},
        {T("border"),         ALIGN_LEFT, 0},
        {T("target"),         ALIGN_LEFT, 0},
        {T("clients"),        ALIGN_LEFT, 0},
        {T("servers"),        ALIGN_LEFT, 0},
        {T("ports"),          ALIGN_LEFT, 0},
        {T("profiles"),       ALIGN_LEFT, 0},
        {T("secured"),        ALIGN_LEFT, 0},
        {T("pairs_v4"),       ALIGN_LEFT, 0},
        {T("pairs_v6"),       ALIGN_LEFT, 0},
        {T("client"),         ALIGN_LEFT, 0},
        {T("server"),         ALIGN_LEFT, 0},
        {T("because_before"), ALIGN_LEFT, 0},
        {T("because_after"),  ALIGN_LEFT, 0},
    };
    struct arena *arena = call->arena;
    struct table table = table_of(arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < n; i++) {
        const struct comparing_part *part = &parts[i];
        for (size_t j = 0; j < part->diff.n; j++) {
            const struct diff_region *r = &part->diff.regions[j];
            const struct resolved *words = words_of(part, r->change);
            struct set_words clients = set_words_of(words, r->clients, arena, call->scratch);
            struct set_words servers = set_words_of(words, r->servers, arena, call->scratch);
            char text[ADDR_TEXT];
            table_add(&table, diff_change_text(r->change));
            table_add(&table, enforcement_point_text(r->point));
            table_add(&table, r->border);
            table_add(&table, part->target ? part->target->name : (str){0});
            table_add(&table, set_words_text(&clients, 0, arena));
            table_add(&table, set_words_text(&servers, 0, arena));
            table_add(&table, ports_text(arena, words, r));
            table_add(&table, profiles_text(arena, r->profiles));
            table_add(&table, secured_text(r->secured));
            table_add(&table, count_text(arena, r->pairs_v4));
            table_add(&table, count_text(arena, r->pairs_v6));
            table_add(&table, str_copy(arena, addr_text(text, r->client)));
            table_add(&table, str_copy(arena, addr_text(text, r->server)));
            table_add(&table, difference_why(&part->before, r, arena));
            table_add(&table, difference_why(&part->after, r, arena));
        }
    }
    table_print_csv(&table, call->out);
}
