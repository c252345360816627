/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/suggest_flows.h"

#include "base/instant.h"
#include "base/map.h"
#include "reason/blind.h"

static const struct {
    const char *text, *why;
} kinds[] = {
#define X(name, text, why) {text, why},
    SUGGEST_QUESTIONS(X)
#undef X
};

str suggest_flows_kind_text(enum suggest_question_kind kind)
{
    return str_of(kinds[kind].text);
}

str suggest_flows_kind_why(enum suggest_question_kind kind)
{
    return str_of(kinds[kind].why);
}

uint64_t suggest_flows_days(int64_t first_us, int64_t last_us)
{
    int32_t first = instant_day(first_us), last = instant_day(last_us);
    return last < first ? 0 : (uint64_t)((int64_t)last - first) + 1;
}

/* ---- What the policy asserts --------------------------------------------------------------------
 */

struct suggest_claim {
    const struct assertion *assertion;
    struct prefix_set from, to, except_from, except_to;
};

struct judging {
    const struct suggest_rules *rules;
    struct suggest_flow *flows;
    struct arena arena; /* scratch of one flow */
};

const struct suggest_claim *suggest_flows_claims(const struct resolved *resolved,
                                                 struct arena *arena, size_t *n)
{
    const struct policy *policy = resolved->policy;
    struct suggest_claim *claims =
        arena_array(arena, struct suggest_claim, policy->n_assertions + 1);
    *n = 0;
    for (size_t i = 0; i < policy->n_assertions; i++) {
        const struct assertion *a = &policy->assertions[i];
        if (a->kind == ASSERT_ALWAYS) continue;
        claims[(*n)++] = (struct suggest_claim){
            a,
            resolve_selectors(resolved, &a->from, RESOLVE_CLIENT, arena),
            resolve_selectors(resolved, &a->to, RESOLVE_SERVER, arena),
            resolve_selectors(resolved, &a->except_from, RESOLVE_CLIENT, arena),
            resolve_selectors(resolved, &a->except_to, RESOLVE_SERVER, arena),
        };
    }
    return claims;
}

static bool forbids(const struct suggest_claim *claim, const struct suggest_flow *f)
{
    struct addr client = f->flow->client.addr, server = f->flow->server.addr;
    bool listed = false;
    for (size_t i = 0; i < claim->assertion->n_services; i++)
        listed |= claim->assertion->services[i] == (size_t)f->service;
    if (!listed || !prefix_set_contains(claim->to, server)) return false;
    if (prefix_set_contains(claim->except_to, server)) return false;
    bool in_from = prefix_set_contains(claim->from, client) &&
                   !prefix_set_contains(claim->except_from, client);
    return in_from == (claim->assertion->kind == ASSERT_NEVER);
}

bool suggest_flows_is_forbidden(const struct suggest_rules *rules, const struct suggest_flow *flow)
{
    for (size_t i = 0; i < rules->n_claims; i++)
        if (forbids(&rules->claims[i], flow)) return true;
    return false;
}

/* ---- One flow -----------------------------------------------------------------------------------
 */

static bool is_at_internet(const struct judging *j, struct addr a)
{
    return prefix_set_contains(j->rules->resolved->places.internet, a);
}

static const struct suggest_machine *machine_at(const struct judging *j, size_t at)
{
    return at == SIZE_MAX ? NULL : &j->rules->machines->items[at];
}

static bool is_broadcast(const struct judging *j, const struct suggest_flow *f)
{
    (void)j;
    return suggest_evidence_is_broadcast(f->flow);
}

static bool is_internet(const struct judging *j, const struct suggest_flow *f)
{
    return is_at_internet(j, f->flow->client.addr) || is_at_internet(j, f->flow->server.addr);
}

static bool is_untrusted(const struct judging *j, const struct suggest_flow *f)
{
    return prefix_set_contains(j->rules->resolved->builtins[BUILTIN_UNTRUSTED],
                               f->flow->client.addr);
}

static bool is_scanner(const struct judging *j, const struct suggest_flow *f)
{
    const struct suggest_machine *client = machine_at(j, f->client);
    return client && client->is_scanner;
}

static bool is_smb1(const struct judging *j, const struct suggest_flow *f)
{
    (void)j;
    return suggest_evidence_is_smb1(f->flow);
}

static bool is_guest(const struct judging *j, const struct suggest_flow *f)
{
    (void)j;
    return suggest_evidence_is_guest(f->flow);
}

static bool comes_from_management(const struct judging *j, const struct suggest_flow *f)
{
    return prefix_set_contains(j->rules->management, f->flow->client.addr);
}

static bool is_endpoint(const struct judging *j, const struct suggest_flow *f)
{
    const struct suggest_machine *server = machine_at(j, f->server);
    return server && server->is_endpoint && suggest_evidence_is_smb(f->flow) &&
           !comes_from_management(j, f);
}

static bool is_administration(const struct judging *j, const struct suggest_flow *f)
{
    return suggest_evidence_administration(f->flow) == ADMINISTRATION_ONLY &&
           !comes_from_management(j, f);
}

static const struct {
    enum suggest_question_kind kind;
    bool (*applies)(const struct judging *j, const struct suggest_flow *f);
} rows[] = {
    {SUGGEST_ASK_BROADCAST, is_broadcast     },
    {SUGGEST_ASK_INTERNET,  is_internet      },
    {SUGGEST_ASK_UNTRUSTED, is_untrusted     },
    {SUGGEST_ASK_SCANNER,   is_scanner       },
    {SUGGEST_ASK_SMB1,      is_smb1          },
    {SUGGEST_ASK_GUEST,     is_guest         },
    {SUGGEST_ASK_ENDPOINT,  is_endpoint      },
    {SUGGEST_ASK_ADMIN,     is_administration},
};

static void ask(struct suggest_flow *f, enum suggest_question_kind kind)
{
    f->fate = SUGGEST_ASKED;
    f->kind = kind;
}

static bool only_failed_logons(const struct matrix_flow *flow)
{
    return flow->outcomes[OUTCOME_AUTH_FAILED] > 0;
}

static bool is_lifeline(const struct judging *j, const struct suggest_flow *f)
{
    const struct resolved *resolved = j->rules->resolved;
    int smb = service_by_name(resolved->policy->services, S("smb"));
    return f->service == smb && prefix_set_contains(j->rules->controllers, f->flow->server.addr) &&
           prefix_set_contains(resolved->managed, f->flow->client.addr);
}

/* An exception has an end and an owner: no entry is made of it. */
static bool is_excepted(const struct judging *j, const struct flow_question *q)
{
    struct arena mark = j->arena;
    if (!j->rules->resolved->policy->n_exceptions) return false;
    struct flow_reason why = decision_why(j->rules->decision, q, SIDE_COUNT, &mark);
    return why.entry && why.entry->is_exception;
}

static void classify(const struct judging *j, struct suggest_flow *f)
{
    const struct matrix_flow *flow = f->flow;
    const struct policy *policy = j->rules->resolved->policy;
    f->service = service_by_port(policy->services, flow->transport, flow->port);
    if (f->service == SERVICE_NONE || !policy->governed[f->service]) return;
    if (addr_is_none(flow->client.addr) || addr_is_none(flow->server.addr)) {
        ask(f, SUGGEST_ASK_NO_ADDRESS);
        return;
    }
    struct flow_question q = {
        .client = flow->client.addr,
        .server = flow->server.addr,
        .transport = flow->transport,
        .port = flow->port,
        .service = SERVICE_NONE,
        .profile = PROFILE_DOMAIN,
    };
    struct flow_answer answer = decision_ask(j->rules->decision, &q);
    bool itself = f->client != SIZE_MAX && f->client == f->server;
    if (answer.intent == INTENT_UNGOVERNED) return;
    bool broadcast = blind_is_broadcast(j->rules->resolved, flow->client.addr) ||
                     blind_is_broadcast(j->rules->resolved, flow->server.addr);
    if (answer.intent == INTENT_LOCAL || itself || broadcast) {
        f->fate = SUGGEST_LOCAL;
        return;
    }
    f->was_secure = answer.intent == INTENT_ALLOW_IF_SECURE;
    f->was_allowed = f->was_secure || answer.intent == INTENT_ALLOW;

    if (!view_flow_worked(flow)) {
        ask(f, only_failed_logons(flow) ? SUGGEST_ASK_FAILED_LOGON : SUGGEST_ASK_NEVER_WORKED);
        return;
    }
    if (suggest_flows_is_forbidden(j->rules, f)) {
        f->fate = SUGGEST_ASSERTED;
        return;
    }
    f->fate = SUGGEST_KEPT;
    for (size_t i = 0; i < COUNT_OF(rows) && f->fate == SUGGEST_KEPT; i++)
        if (rows[i].applies(j, f)) ask(f, rows[i].kind);
    if (is_lifeline(j, f)) {
        f->is_noted = f->fate == SUGGEST_ASKED;
        f->fate = SUGGEST_LIFELINE;
    } else if (f->fate == SUGGEST_ASKED && f->was_allowed) {
        /* The policy that was given is the answer; the doubt is told all the same. */
        bool at_edge = f->kind == SUGGEST_ASK_INTERNET;
        f->fate = at_edge ? SUGGEST_AT_EDGE : SUGGEST_KEPT;
        f->is_noted = !at_edge;
    }
    if (f->was_allowed && f->fate == SUGGEST_KEPT && is_excepted(j, &q)) f->fate = SUGGEST_EXCEPTED;
}

/* ---- Habit or chance ----------------------------------------------------------------------------
 */

/* What one machine did at another, over all services and addresses. */
struct habit {
    uint64_t connections;
    int64_t first_us, last_us;
    bool timed;
};

struct habits {
    struct map pairs;   /* client and server machine → habit */
    struct map visits;  /* segment, server and client machine: each counts once */
    struct map clients; /* segment and server machine → how many machines */
    struct habit *items;
    size_t n, room;
};

static str key_of(uint64_t key[3], uint64_t a, uint64_t b, uint64_t c)
{
    key[0] = a;
    key[1] = b;
    key[2] = c;
    return (str){(const char *)key, 3 * sizeof key[0]};
}

static size_t segment_of(const struct judging *j, const struct suggest_flow *f)
{
    return resolve_segment(j->rules->resolved, f->flow->client.addr);
}

static void count_habit(const struct judging *j, struct habits *habits,
                        const struct suggest_flow *f, struct arena *arena)
{
    uint64_t key[3];
    bool fresh = false;
    size_t at = (size_t)*map_put(&habits->pairs, arena, key_of(key, f->client, f->server, 0),
                                 habits->n, &fresh);
    if (fresh) {
        arena_grow(arena, habits->items, habits->n, habits->room);
        habits->items[habits->n++] = (struct habit){0};
    }
    struct habit *habit = &habits->items[at];
    habit->connections += f->flow->connections;
    if (!f->flow->is_timeless) {
        if (!habit->timed || f->flow->first_us < habit->first_us)
            habit->first_us = f->flow->first_us;
        if (!habit->timed || f->flow->last_us > habit->last_us) habit->last_us = f->flow->last_us;
        habit->timed = true;
    }
    size_t segment = segment_of(j, f);
    map_put(&habits->visits, arena, key_of(key, segment, f->server, f->client), 0, &fresh);
    if (fresh) ++*map_put(&habits->clients, arena, key_of(key, segment, f->server, 0), 0, NULL);
}

static bool is_habit(const struct judging *j, const struct habits *habits,
                     const struct suggest_flow *f)
{
    uint64_t key[3];
    const struct suggest_rules *rules = j->rules;
    const struct habit *habit =
        &habits->items[*map_find(&habits->pairs, key_of(key, f->client, f->server, 0))];
    if (habit->connections >= rules->support_connections) return true;
    /* Management does everywhere what it does anywhere, and seldom twice at one machine. */
    if (comes_from_management(j, f) && suggest_evidence_administration(f->flow)) return true;
    if (habit->timed && suggest_flows_days(habit->first_us, habit->last_us) >= rules->support_days)
        return true;
    size_t segment = segment_of(j, f);
    if (segment == SIZE_MAX) return false;
    return *map_find(&habits->clients, key_of(key, segment, f->server, 0)) > 1;
}

static void find_one_offs(const struct judging *j, size_t n, struct arena scratch)
{
    struct habits habits = {0};
    for (size_t i = 0; i < n; i++)
        if (j->flows[i].fate == SUGGEST_KEPT) count_habit(j, &habits, &j->flows[i], &scratch);
    for (size_t i = 0; i < n; i++) {
        struct suggest_flow *f = &j->flows[i];
        if (f->fate != SUGGEST_KEPT || f->was_allowed) continue;
        if (!is_habit(j, &habits, f)) ask(f, SUGGEST_ASK_ONE_OFF);
    }
}

struct suggest_flow *suggest_flows_classify(const struct suggest_rules *rules, struct arena *arena,
                                            struct arena scratch)
{
    const struct matrix_view *matrix = rules->machines->sources->matrix;
    struct suggest_flow *flows = arena_array(arena, struct suggest_flow, matrix->n_flows + 1);
    struct judging j = {.rules = rules, .flows = flows};
    j.arena = scratch;
    for (size_t i = 0; i < matrix->n_flows; i++) {
        const struct matrix_flow *flow = &matrix->flows[i];
        flows[i].flow = flow;
        flows[i].client = suggest_evidence_machine(rules->machines, flow->client, flow->last_us);
        flows[i].server = suggest_evidence_machine(rules->machines, flow->server, flow->last_us);
        classify(&j, &flows[i]);
    }
    find_one_offs(&j, matrix->n_flows, scratch);
    return flows;
}
