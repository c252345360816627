/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/suggest_questions.h"

#include "base/map.h"
#include "reason/suggest_yaml.h"

struct asking {
    const struct suggestion *s;
    const struct suggest_rules *rules;
    bool leave_open;
    struct arena *arena;
};

struct question_list {
    struct suggest_question *items;
    size_t n, room;
};

/* Who a question is about: flows of one key are one question. One end of its flows is one machine
 * (or one network), so that the line that answers it opens nothing but them. */
enum question_by { BY_CLIENT, BY_SERVER, BY_NETWORK };

static enum question_by question_by(enum suggest_question_kind kind)
{
    bool of_server =
        kind == SUGGEST_ASK_ENDPOINT || kind == SUGGEST_ASK_SMB1 || kind == SUGGEST_ASK_GUEST;
    if (kind == SUGGEST_ASK_UNTRUSTED) return BY_NETWORK;
    return of_server ? BY_SERVER : BY_CLIENT;
}

static str end_key(const struct asking *m, size_t machine, struct endpoint end)
{
    if (machine != SIZE_MAX) return str_format(m->arena, "%zu", machine);
    return view_end_text(m->arena, end);
}

static struct prefix network_of(struct addr a)
{
    return prefix_of(a, addr_is_v4(a) ? 96 + 24 : 64);
}

static str question_key(const struct asking *m, const struct suggest_flow *f)
{
    /* What is closed is asserted, so its pairs have to be exact: by address, not by machine. */
    size_t none = SIZE_MAX;
    str client = end_key(m, f->is_closed ? none : f->client, f->flow->client);
    str server = end_key(m, f->is_closed ? none : f->server, f->flow->server);
    enum question_by by = question_by(f->kind);
    char text[PREFIX_TEXT];
    if (by == BY_NETWORK) client = prefix_text(text, network_of(f->flow->client.addr));
    return str_format(m->arena, "%d %d %d %d %.*s %.*s", (int)f->kind, f->service, f->is_closed,
                      f->is_passing, STR_ARG(by == BY_SERVER ? S("*") : client),
                      STR_ARG(by == BY_CLIENT ? S("*") : server));
}

static str label_of(const struct asking *m, size_t machine, struct endpoint end)
{
    if (machine != SIZE_MAX)
        return suggest_evidence_label(&m->rules->machines->items[machine], m->arena);
    return suggest_evidence_plain(m->arena, view_end_text(m->arena, end), 64);
}

static int address_order(const void *left, const void *right)
{
    return addr_compare(*(const struct addr *)left, *(const struct addr *)right);
}

/* The distinct addresses at one end of a question's flows. */
static struct suggest_items ends_of(const struct asking *m, const struct suggest_question *q,
                                    bool of_clients)
{
    struct addr *ends = arena_array(m->arena, struct addr, q->n_flows + 1);
    struct suggest_item *items = arena_array(m->arena, struct suggest_item, q->n_flows + 1);
    size_t n = 0, n_ends = 0;
    for (size_t i = 0; i < q->n_flows; i++) {
        const struct matrix_flow *flow = m->s->flows[q->flows[i]].flow;
        struct addr a = of_clients ? flow->client.addr : flow->server.addr;
        if (!addr_is_none(a)) ends[n_ends++] = a;
    }
    if (n_ends) qsort(ends, n_ends, sizeof *ends, address_order);
    for (size_t i = 0; i < n_ends; i++) {
        char text[ADDR_TEXT];
        if (i && addr_equal(ends[i], ends[i - 1])) continue;
        items[n++].text = str_copy(m->arena, addr_text(text, ends[i]));
    }
    return (struct suggest_items){items, n};
}

static str question_text(const struct asking *m, const struct suggest_question *q)
{
    struct suggest_summary sum =
        suggest_entries_sum(m->rules, m->s->flows, q->flows, q->n_flows, m->arena);
    str why = suggest_flows_kind_why(q->kind);
    bool by_server = question_by(q->kind) == BY_SERVER;
    str other = suggest_yaml_list(by_server ? sum.clients : sum.servers, 3, m->arena);
    return str_format(m->arena, "%.*s %s %.*s: %.*s.%s", STR_ARG(q->about), by_server ? "<-" : "->",
                      STR_ARG(other), STR_ARG(why),
                      q->is_allowed ? " It passes by an entry above." : "");
}

static bool is_at_internet(const struct asking *m, struct addr a)
{
    return prefix_set_contains(m->rules->resolved->places.internet, a);
}

/* Between two addresses of the internet no entry says anything: what is one's own needs a segment.
 */
static str answer_segments(const struct asking *m, const struct matrix_flow *flow)
{
    struct prefix client = network_of(flow->client.addr), server = network_of(flow->server.addr);
    char from[PREFIX_TEXT], to[PREFIX_TEXT];
    str networks = str_copy(m->arena, prefix_text(from, client));
    const char *joint = m->s->given ? " and " : " --managed ";
    if (!addr_equal(client.addr, server.addr))
        networks = str_format(m->arena, "%.*s%s%.*s", STR_ARG(networks), joint,
                              STR_ARG(prefix_text(to, server)));
    if (m->s->given)
        return str_format(m->arena, "if these are yours, give %.*s a segment", STR_ARG(networks));
    return str_format(m->arena,
                      "if these are yours, run again with: sallyport suggest --managed %.*s",
                      STR_ARG(networks));
}

/* The line that would open exactly what is asked about, or what to do where none could; long ones
 * are left to the admin, and no line opens what never worked to those who are not trusted. */
static str answer_of(const struct asking *m, const struct suggest_question *q)
{
    enum { MOST_ITEMS = 8 };
    size_t service = (size_t)q->service;
    struct suggest_entry entry = {
        .from = q->from, .to = q->to, .services = &service, .n_services = 1};
    const struct matrix_flow *flow = m->s->flows[q->flows[0]].flow;
    if (q->from.n > MOST_ITEMS || q->to.n > MOST_ITEMS || !q->from.n || !q->to.n) return (str){0};
    bool untrusted =
        prefix_set_contains(m->rules->resolved->builtins[BUILTIN_UNTRUSTED], flow->client.addr);
    if (untrusted && !view_flow_worked(flow)) return (str){0};
    bool outbound = is_at_internet(m, flow->server.addr);
    bool inbound = is_at_internet(m, flow->client.addr);
    if (outbound && inbound) return answer_segments(m, flow);
    str line = suggest_yaml_entry(m->rules->resolved->policy, &entry, m->arena);
    if (!outbound && !inbound) return line;
    return str_format(m->arena, "{direction: %s, %.*s", outbound ? "outbound" : "inbound",
                      STR_ARG(str_tail(line, 1)));
}

/* Flows by the question they belong to. */
struct grouped {
    struct map keys;
    size_t *count, **flows;
};

static struct grouped group_flows(struct asking *m)
{
    size_t n = m->s->n_flows;
    struct grouped g = {.count = arena_array(m->arena, size_t, n + 1),
                        .flows = arena_array(m->arena, size_t *, n + 1)};
    uint32_t *group = arena_array(m->arena, uint32_t, n + 1); /* 1 + its number */
    for (size_t i = 0; i < n; i++) {
        const struct suggest_flow *f = &m->s->flows[i];
        if (f->fate != SUGGEST_ASKED && !f->is_noted) continue;
        uint64_t at = *map_put(&g.keys, m->arena, question_key(m, f), g.keys.n, NULL);
        group[i] = (uint32_t)at + 1;
        g.count[at]++;
    }
    for (size_t i = 0; i < g.keys.n; i++) {
        g.flows[i] = arena_array(m->arena, size_t, g.count[i]);
        g.count[i] = 0;
    }
    for (size_t i = 0; i < n; i++)
        if (group[i]) g.flows[group[i] - 1][g.count[group[i] - 1]++] = i;
    return g;
}

static struct suggest_question question_of(struct asking *m, const size_t *flows, size_t n)
{
    const struct suggest_flow *f = &m->s->flows[flows[0]];
    enum question_by by = question_by(f->kind);
    char text[PREFIX_TEXT];
    struct suggest_question q = {
        .kind = f->kind,
        .service = f->service,
        .flows = flows,
        .n_flows = n,
        .is_allowed = f->is_passing,
        .is_closed = f->is_closed,
        .is_asserted = f->is_closed && !m->leave_open && f->kind != SUGGEST_ASK_PROFILE &&
                       f->kind != SUGGEST_ASK_HARDENING,
    };
    q.about = by == BY_SERVER ? label_of(m, f->server, f->flow->server)
                              : label_of(m, f->client, f->flow->client);
    if (by == BY_NETWORK)
        q.about = str_copy(m->arena, prefix_text(text, network_of(f->flow->client.addr)));
    q.from = ends_of(m, &q, true);
    q.to = ends_of(m, &q, false);
    q.text = question_text(m, &q);
    q.answer = q.is_allowed ? (str){0} : answer_of(m, &q);
    return q;
}

static void ask_about_flows(struct asking *m, struct question_list *list)
{
    struct grouped g = group_flows(m);
    for (size_t i = 0; i < g.keys.n; i++) {
        arena_grow(m->arena, list->items, list->n, list->room);
        list->items[list->n++] = question_of(m, g.flows[i], g.count[i]);
    }
}

static int question_order(const void *left, const void *right)
{
    const struct suggest_question *a = left, *b = right;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    if (a->is_allowed != b->is_allowed) return a->is_allowed ? 1 : -1;
    if (!a->n_flows || !b->n_flows) return (a->n_flows > b->n_flows) - (a->n_flows < b->n_flows);
    return (a->flows[0] > b->flows[0]) - (a->flows[0] < b->flows[0]);
}

static void ask_plainly(struct asking *m, struct question_list *list,
                        enum suggest_question_kind kind, str about, str text, str answer)
{
    arena_grow(m->arena, list->items, list->n, list->room);
    list->items[list->n++] = (struct suggest_question){
        .kind = kind, .about = about, .text = text, .answer = answer, .service = SERVICE_NONE};
}

static void ask_about_places(struct asking *m, struct question_list *list)
{
    const struct suggest_places *places = &m->s->places;
    if (!m->s->has_lifeline)
        ask_plainly(m, list, SUGGEST_ASK_CONTROLLERS, S("domain controllers"),
                    S("none was seen (nobody used SYSVOL, NETLOGON or the netlogon pipe of a "
                      "server). Which machines are they? Until one is known no network is "
                      "managed: a block without this lifeline would cut off logon."),
                    S("run again with: sallyport suggest --controller ADDRESS; or ingest a capture "
                      "or the event log of a domain controller; then this line goes"));
    for (size_t i = 0; i < places->n_segments; i++) {
        const struct suggest_segment *segment = &places->segments[i];
        char text[PREFIX_TEXT];
        if (segment->managed || !segment->n_networks) continue;
        str network = str_copy(m->arena, prefix_text(text, segment->networks[0]));
        ask_plainly(m, list, SUGGEST_ASK_TRUST, segment->name,
                    str_format(m->arena,
                               "is %.*s yours, and its machines in the domain? %s Untrusted "
                               "clients get no entry.",
                               STR_ARG(network),
                               segment->n_domain ? "What showed it is too little, see above."
                                                 : "Nothing showed it."),
                    str_format(m->arena, "if yes, run again with: sallyport suggest --managed %.*s",
                               STR_ARG(network)));
    }
    for (size_t i = 0; i < places->n_groups; i++) {
        const struct suggest_group *group = &places->groups[i];
        if (!str_equal(group->role, S("management"))) continue;
        for (size_t j = 0; j < group->n_members; j++) {
            const struct suggest_machine *machine =
                &m->rules->machines->items[group->members[j].machine];
            str label = suggest_evidence_label(machine, m->arena);
            ask_plainly(m, list, SUGGEST_ASK_MANAGEMENT, label,
                        str_format(m->arena,
                                   "is %.*s an administrator's machine? It used administrative "
                                   "shares of %" PRIu32
                                   " machines; so does an intruder who moves sideways.",
                                   STR_ARG(label), machine->administers),
                        S("if no, take it out of the group management and run again with "
                          "--policy"));
        }
    }
}

struct suggest_question *suggest_questions(const struct suggestion *suggestion,
                                           const struct suggest_rules *rules, bool leave_open,
                                           struct arena *arena, size_t *n)
{
    struct asking asking = {suggestion, rules, leave_open, arena}, *m = &asking;
    struct question_list list = {0};
    if (!m->s->given) ask_about_places(m, &list);
    ask_about_flows(m, &list);
    if (list.n) qsort(list.items, list.n, sizeof *list.items, question_order);
    *n = list.n;
    return list.items;
}
