/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/suggest_denials.h"

#include "base/json_write.h"
#include "base/map.h"
#include "reason/suggest_yaml.h"

static const struct {
    const char *text, *why;
} kinds[] = {
#define X(name, text, why) {text, why},
    SUGGEST_DENIALS(X)
#undef X
};

static uint64_t denied(const struct matrix_flow *flow)
{
    uint64_t blocked = flow->outcomes[OUTCOME_BLOCKED];
    uint64_t prohibited = flow->outcomes[OUTCOME_PROHIBITED];
    /* One connection may have been both. */
    return blocked > prohibited ? blocked : prohibited;
}

static enum suggest_denial_kind kind_of(const struct suggest_rules *rules,
                                        const struct suggest_flow *f)
{
    const struct resolved *resolved = rules->resolved;
    struct addr client = f->flow->client.addr, server = f->flow->server.addr;
    if (addr_is_none(client) || addr_is_none(server)) return SUGGEST_DENIAL_UNKNOWN;
    if (f->was_allowed) return SUGGEST_DENIAL_PASSES;
    if (prefix_set_contains(resolved->places.internet, client) ||
        prefix_set_contains(resolved->places.internet, server))
        return SUGGEST_DENIAL_INTERNET;
    if (prefix_set_contains(resolved->builtins[BUILTIN_UNTRUSTED], client))
        return SUGGEST_DENIAL_UNTRUSTED;
    if (suggest_flows_is_forbidden(rules, f)) return SUGGEST_DENIAL_ASSERTED;
    if (f->client != SIZE_MAX && rules->machines->items[f->client].is_scanner)
        return SUGGEST_DENIAL_SCANNER;
    if (resolve_segment(resolved, server) == SIZE_MAX) return SUGGEST_DENIAL_UNKNOWN;
    return SUGGEST_DENIAL_PROPOSED;
}

static int address_order(const void *left, const void *right)
{
    return addr_compare(*(const struct addr *)left, *(const struct addr *)right);
}

static struct suggest_items ends_of(const struct suggest_flow *flows, const size_t *which, size_t n,
                                    bool of_clients, struct arena *arena)
{
    struct addr *ends = arena_array(arena, struct addr, n + 1);
    struct suggest_item *items = arena_array(arena, struct suggest_item, n + 1);
    size_t n_items = 0;
    for (size_t i = 0; i < n; i++) {
        const struct matrix_flow *flow = flows[which[i]].flow;
        ends[i] = of_clients ? flow->client.addr : flow->server.addr;
    }
    if (n) qsort(ends, n, sizeof *ends, address_order);
    for (size_t i = 0; i < n; i++) {
        char text[ADDR_TEXT];
        if (i && addr_equal(ends[i - 1], ends[i])) continue;
        items[n_items++].text = str_copy(arena, addr_text(text, ends[i]));
    }
    return (struct suggest_items){items, n_items};
}

static str because_of(const struct suggest_rules *rules, const struct suggest_flow *f,
                      enum suggest_denial_kind kind, struct arena *arena)
{
    struct flow_question q = {
        .client = f->flow->client.addr,
        .server = f->flow->server.addr,
        .transport = f->flow->transport,
        .port = f->flow->port,
        .service = SERVICE_NONE,
        .profile = PROFILE_DOMAIN,
    };
    if (kind != SUGGEST_DENIAL_PROPOSED) return str_of(kinds[kind].why);
    return decision_why(rules->decision, &q, SIDE_COUNT, arena).text;
}

/* Flows to one server address: so the lines open exactly what was denied. */
static struct suggest_denial denial_of(const struct suggest_rules *rules,
                                       const struct suggest_flow *flows, const size_t *which,
                                       size_t n, struct arena *arena)
{
    const struct suggest_flow *f = &flows[which[0]];
    struct suggest_denial denial = {
        .kind = kind_of(rules, f),
        .service = f->service,
        .flows = which,
        .n_flows = n,
        .summary = suggest_entries_sum(rules, flows, which, n, arena),
    };
    size_t service = (size_t)f->service;
    struct suggest_entry entry = {
        .from = ends_of(flows, which, n, true, arena),
        .to = ends_of(flows, which, n, false, arena),
        .services = &service,
        .n_services = 1,
    };
    denial.because = because_of(rules, f, denial.kind, arena);
    denial.server = denial.summary.servers.n ? denial.summary.servers.items[0] : (str){0};
    for (size_t i = 0; i < n; i++)
        denial.denied += denied(flows[which[i]].flow);
    if (denial.kind != SUGGEST_DENIAL_PROPOSED) return denial;
    denial.entry = suggest_yaml_entry(rules->resolved->policy, &entry, arena);
    size_t home = resolve_segment(rules->resolved, f->flow->server.addr);
    for (size_t i = 0; i < n && !denial.caution.len; i++)
        if (resolve_segment(rules->resolved, flows[which[i]].flow->client.addr) == home)
            denial.caution =
                str_format(arena, "both ends live in segment %.*s: so does who moves sideways",
                           STR_ARG(rules->resolved->policy->segments[home].name));
    str inner = str_head(denial.entry, denial.entry.len - 1);
    denial.exception = str_format(
        arena, "%.*s, owner: \"\", reason: \"\", approver: \"\", expires: \"\"}", STR_ARG(inner));
    return denial;
}

static int denial_order(const void *left, const void *right)
{
    const struct suggest_denial *a = left, *b = right;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    if (a->summary.users.n != b->summary.users.n)
        return a->summary.users.n > b->summary.users.n ? -1 : 1;
    if (a->denied != b->denied) return a->denied > b->denied ? -1 : 1;
    return (a->flows[0] > b->flows[0]) - (a->flows[0] < b->flows[0]);
}

struct suggest_denials suggest_denials(const struct suggest_rules *rules, struct arena *arena,
                                       struct arena scratch)
{
    size_t n = rules->machines->sources->matrix->n_flows;
    const struct suggest_flow *flows = suggest_flows_classify(rules, arena, scratch);
    struct map keys = {0};
    size_t *count = arena_array(arena, size_t, n + 1);
    size_t **which = arena_array(arena, size_t *, n + 1);
    uint32_t *group = arena_array(&scratch, uint32_t, n + 1); /* 1 + its number */
    for (size_t i = 0; i < n; i++) {
        const struct suggest_flow *f = &flows[i];
        if (!denied(f->flow)) continue;
        if (f->fate == SUGGEST_PASSED_OVER || f->fate == SUGGEST_LOCAL) continue;
        str server = view_end_text(&scratch, f->flow->server);
        str key =
            str_format(&scratch, "%d %d %.*s", (int)kind_of(rules, f), f->service, STR_ARG(server));
        uint64_t at = *map_put(&keys, &scratch, key, keys.n, NULL);
        group[i] = (uint32_t)at + 1;
        count[at]++;
    }
    struct suggest_denial *items = arena_array(arena, struct suggest_denial, keys.n + 1);
    for (size_t i = 0; i < keys.n; i++) {
        which[i] = arena_array(arena, size_t, count[i]);
        count[i] = 0;
    }
    for (size_t i = 0; i < n; i++)
        if (group[i]) which[group[i] - 1][count[group[i] - 1]++] = i;
    for (size_t i = 0; i < keys.n; i++)
        items[i] = denial_of(rules, flows, which[i], count[i], arena);
    if (keys.n) qsort(items, keys.n, sizeof *items, denial_order);
    return (struct suggest_denials){items, keys.n, flows};
}

/* ---- Printing -----------------------------------------------------------------------------------
 */

static void put_flow(struct json *json, const struct matrix_flow *flow)
{
    json_object(json);
    json_key(json, S("client"));
    if (addr_is_none(flow->client.addr))
        json_str(json, flow->client.name);
    else
        json_addr(json, flow->client.addr);
    json_key(json, S("server"));
    if (addr_is_none(flow->server.addr))
        json_str(json, flow->server.name);
    else
        json_addr(json, flow->server.addr);
    json_member_str(json, S("transport"), service_transport_text(flow->transport));
    json_member_u64(json, S("port"), flow->port);
    json_member_u64(json, S("denied"), denied(flow));
    json_member_bool(json, S("worked"), view_flow_worked(flow));
    json_object_end(json);
}

void suggest_denials_json(const struct suggest_denials *denials, const struct policy *policy,
                          struct buf *out)
{
    struct json json = json_to(out);
    json_object(&json);
    json_member_str(&json, S("policy"), policy->source);
    json_key(&json, S("denials"));
    json_array(&json);
    for (size_t i = 0; i < denials->n; i++) {
        const struct suggest_denial *one = &denials->items[i];
        json_object(&json);
        json_member_str(&json, S("kind"), str_of(kinds[one->kind].text));
        json_member_str(&json, S("server"), one->server);
        json_member_str(&json, S("service"), policy->services.services[one->service].name);
        json_member_u64(&json, S("denied"), one->denied);
        json_member_str(&json, S("because"), one->because);
        json_member_str_or_null(&json, S("caution"), one->caution);
        json_member_str_or_null(&json, S("entry"), one->entry);
        json_member_str_or_null(&json, S("exception"), one->exception);
        json_key(&json, S("users"));
        json_array(&json);
        for (size_t j = 0; j < one->summary.users.n; j++)
            json_str(&json, one->summary.users.items[j]);
        json_array_end(&json);
        json_key(&json, S("first_seen"));
        if (one->summary.timed)
            json_instant(&json, one->summary.first_us);
        else
            json_null(&json);
        json_key(&json, S("last_seen"));
        if (one->summary.timed)
            json_instant(&json, one->summary.last_us);
        else
            json_null(&json);
        json_key(&json, S("flows"));
        json_array(&json);
        for (size_t j = 0; j < one->n_flows; j++)
            put_flow(&json, denials->flows[one->flows[j]].flow);
        json_array_end(&json);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    buf_char(out, '\n');
}

static void put_one(const struct suggest_denial *one, const struct policy *policy,
                    struct arena *arena, struct buf *out, bool colour)
{
    enum { SHOWN = 4 };
    str clients = suggest_yaml_list(one->summary.clients, SHOWN, arena);
    str users = suggest_yaml_list(one->summary.users, SHOWN, arena);
    str head = str_format(arena, "%.*s -> %.*s %.*s", STR_ARG(clients), STR_ARG(one->server),
                          STR_ARG(policy->services.services[one->service].name));
    table_tone(out, head, TONE_STRONG, colour);
    buf_format(out, "\n  denied    %" PRIu64 " time%s, %.*s%s%.*s\n", one->denied,
               one->denied == 1 ? "" : "s", STR_ARG(suggest_yaml_span(&one->summary, arena)),
               users.len ? ", " : "", STR_ARG(users));
    buf_format(out, "  why       %.*s\n", STR_ARG(one->because));
    if (one->caution.len) buf_format(out, "  caution   %.*s\n", STR_ARG(one->caution));
    if (one->entry.len) {
        buf_format(out, "  entry     - %.*s\n", STR_ARG(one->entry));
        buf_format(out, "  exception - %.*s\n", STR_ARG(one->exception));
    }
    buf_char(out, '\n');
}

void suggest_denials_text(const struct suggest_denials *denials, const struct policy *policy,
                          struct arena *arena, struct buf *out, bool colour)
{
    uint64_t flows[SUGGEST_DENIAL_COUNT] = {0};
    for (size_t i = 0; i < denials->n; i++)
        flows[denials->items[i].kind] += denials->items[i].n_flows;
    if (!denials->n) {
        buf_str(out, S("no denial of a governed service was seen\n"));
        return;
    }
    buf_format(out, "denied while it was asked for: review each; nothing here is in force\n\n");
    for (size_t i = 0; i < denials->n; i++)
        if (denials->items[i].kind == SUGGEST_DENIAL_PROPOSED)
            put_one(&denials->items[i], policy, arena, out, colour);
    if (!flows[SUGGEST_DENIAL_PROPOSED]) buf_str(out, S("  none\n\n"));
    buf_str(out, S("denied, and not proposed (--json lists them)\n"));
    for (size_t k = SUGGEST_DENIAL_PROPOSED + 1; k < SUGGEST_DENIAL_COUNT; k++)
        if (flows[k])
            buf_format(out, "  %4" PRIu64 " flow%s: %s\n", flows[k], flows[k] == 1 ? "" : "s",
                       kinds[k].why);
}
