/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/simulation_json.h"

struct printing {
    const struct simulation_json *what;
    struct json json;
    struct arena *arena;
    struct arena scratch;
};

str simulation_json_rhythm(const struct matrix_flow *flow)
{
    enum { MONTH = 25, QUARTER = 80 };
    if (flow->shortest_gap_days >= QUARTER) return S("quarterly");
    return flow->shortest_gap_days >= MONTH ? S("monthly") : (str){0};
}

static void print_settings(struct json *json, uint16_t lacks)
{
    json_key(json, S("settings"));
    json_array(json);
    for (unsigned i = 0; i < HARDEN_COUNT; i++)
        if (lacks >> i & 1) json_str(json, harden_name((enum harden_id)i));
    json_array_end(json);
}

/* What a flow has in all lists. */
static void print_flow(struct printing *p, const struct simulated_flow *flow)
{
    struct json *json = &p->json;
    view_flow_members(json, flow->flow, p->what->labels);
    json_member_str(json, S("profile"), profile_text((enum profile)flow->profile));
    json_member_u64(json, S("days"), flow->flow->days);
    json_member_str_or_null(json, S("rhythm"), simulation_json_rhythm(flow->flow));
}

static void print_flows(struct printing *p, const struct simulated_ring *ring,
                        enum simulate_verdict verdict)
{
    struct json *json = &p->json;
    json_array(json);
    for (size_t i = 0; i < ring->n_flows; i++) {
        const struct simulated_flow *flow = &ring->flows[i];
        struct arena inner = p->scratch;
        struct opened opens = {0};
        if (flow->verdict != verdict) continue;
        json_object(json);
        print_flow(p, flow);
        if (verdict == SIMULATE_BROKEN) json_member_str(json, S("at"), simulate_at_text(flow->at));
        json_member_str(json, S("because"), simulate_because(p->what->simulation, flow, &inner));
        if (verdict == SIMULATE_BROKEN) {
            str cure = cures_of_flow(p->what->simulation, flow, &inner, &opens);
            json_member_str(json, S("cure"), cure);
            json_member_u64(json, S("opens"), opens.pairs);
            print_settings(json, flow->at == SIMULATE_AT_HARDENING ? flow->lacks : 0);
        }
        json_object_end(json);
    }
    json_array_end(json);
}

static void print_blind(struct printing *p)
{
    const struct simulation *simulation = p->what->simulation;
    struct json *json = &p->json;
    json_array(json);
    for (size_t i = 0; i < simulation->n_blind; i++) {
        const struct blind_spot *spot = &simulation->blind[i];
        json_object(json);
        json_member_str(json, S("host"), spot->text);
        json_member_str_or_null(json, S("segment"), spot->segment);
        json_member_str(json, S("reason"), spot->reason);
        json_object_end(json);
    }
    json_array_end(json);
}

static void print_options(struct json *json, const struct cure *cure)
{
    json_array(json);
    for (size_t i = 0; i < cure->n_wider; i++) {
        json_object(json);
        json_member_str(json, S("entry"), cure->wider[i].entry);
        json_member_u64(json, S("opens"), cure->wider[i].opens.pairs);
        json_member_u64(json, S("opens_known"), cure->wider[i].opens.known);
        json_object_end(json);
    }
    json_array_end(json);
}

static void print_cures(struct printing *p, const struct simulated_ring *ring)
{
    struct json *json = &p->json;
    struct arena inner = arena_open("cures", 0, NULL);
    struct cures cures = cures_of_ring(p->what->simulation, ring, &inner, p->scratch);
    json_array(json);
    for (size_t i = 0; i < cures.n; i++) {
        const struct cure *cure = &cures.items[i];
        json_object(json);
        json_member_str(json, S("entry"), cure->entry);
        json_member_u64(json, S("keeps"), cure->keeps);
        json_member_u64(json, S("users"), cure->people);
        json_member_u64(json, S("opens"), cure->opens.pairs);
        json_member_u64(json, S("opens_known"), cure->opens.known);
        json_member_bool(json, S("verified"), cure->is_verified);
        json_key(json, S("wider"));
        print_options(json, cure);
        json_object_end(json);
    }
    json_array_end(json);
    arena_close(&inner);
}

/* Flows that pass the firewalls and could not live with the baseline, while it is not enforced. */
static void print_would_break(struct printing *p, const struct simulated_ring *ring)
{
    struct json *json = &p->json;
    json_array(json);
    for (size_t i = 0; i < ring->n_flows; i++) {
        const struct simulated_flow *flow = &ring->flows[i];
        if (!flow->lacks || flow->at == SIMULATE_AT_HARDENING) continue;
        json_object(json);
        print_flow(p, flow);
        print_settings(json, flow->lacks);
        json_object_end(json);
    }
    json_array_end(json);
}

static void print_hardening(struct printing *p, const struct simulated_ring *ring)
{
    struct json *json = &p->json;
    json_object(json);
    json_member_str(json, S("mode"), harden_mode_text(p->what->simulation->hardening));
    json_key(json, S("settings"));
    json_array(json);
    for (unsigned i = 0; i < HARDEN_COUNT; i++) {
        const struct harden_setting *setting = harden_setting((enum harden_id)i);
        if (setting->level == HARDEN_NO_FLOW) continue;
        json_object(json);
        json_member_str(json, S("setting"), harden_name((enum harden_id)i));
        json_member_bool(json, S("advice"), setting->level == HARDEN_ADVICE);
        json_member_u64(json, S("lacking"), ring->lacking[i]);
        json_object_end(json);
    }
    json_array_end(json);
    json_member_u64(json, S("lacking"), ring->lacking_any);
    json_member_u64(json, S("unknown"), ring->hardening_unknown);
    json_key(json, S("would_break"));
    print_would_break(p, ring);
    json_object_end(json);
}

static void print_warnings(struct printing *p, const struct simulated_ring *ring)
{
    struct json *json = &p->json;
    json_array(json);
    for (size_t i = 0; i < ring->n_warnings; i++) {
        const struct simulate_warning *warning = &ring->warnings[i];
        json_object(json);
        json_member_str(json, S("kind"), warning->kind);
        json_key(json, S("server"));
        if (addr_is_none(warning->server))
            json_null(json);
        else
            json_addr(json, warning->server);
        json_member_u64(json, S("days"), warning->days);
        json_member_str(json, S("text"), warning->text);
        json_object_end(json);
    }
    json_array_end(json);
}

static void print_enforcing(struct json *json, const struct simulated_ring *ring)
{
    json_object(json);
    json_member_u64(json, S("by_evidence"), ring->enforcing_by_evidence);
    json_member_u64(json, S("assumed"), ring->enforcing_assumed);
    json_member_u64(json, S("cannot"), ring->enforcing_cannot);
    json_object_end(json);
}

static void print_ring(struct printing *p, const struct simulated_ring *ring)
{
    struct json *json = &p->json;
    json_object(json);
    json_member_str(json, S("ring"), ring->name);
    json_key(json, S("broken"));
    print_flows(p, ring, SIMULATE_BROKEN);
    json_member_u64(json, S("kept"), ring->count[SIMULATE_KEPT]);
    json_member_u64(json, S("stopped"), ring->count[SIMULATE_STOPPED]);
    json_member_u64(json, S("escaped"), ring->count[SIMULATE_ESCAPED]);
    json_member_u64(json, S("ungoverned"), p->what->simulation->n_ungoverned);
    json_key(json, S("blind"));
    print_blind(p);
    json_key(json, S("undecidable"));
    print_flows(p, ring, SIMULATE_UNDECIDABLE);
    json_key(json, S("enforcing"));
    print_enforcing(json, ring);
    json_key(json, S("cures"));
    print_cures(p, ring);
    json_key(json, S("hardening"));
    print_hardening(p, ring);
    json_key(json, S("warnings"));
    print_warnings(p, ring);
    json_object_end(json);
}

/* ---- Several policies ---------------------------------------------------------------------------
 */

static void print_counts(struct json *json, const struct simulated_ring *ring)
{
    json_object(json);
    json_member_str(json, S("ring"), ring->name);
    for (size_t v = SIMULATE_VERDICT_COUNT; v > 0; v--)
        json_member_u64(json, simulate_verdict_text((enum simulate_verdict)(v - 1)),
                        ring->count[v - 1]);
    json_object_end(json);
}

static void print_comparison(struct printing *p)
{
    const struct comparison *comparison = p->what->comparison;
    struct json *json = &p->json;
    json_object(json);
    json_key(json, S("policies"));
    json_array(json);
    for (size_t i = 0; i < comparison->n_policies; i++) {
        const struct compared *policy = &comparison->policies[i];
        json_object(json);
        json_member_str(json, S("policy"), policy->source);
        json_member_str(json, S("ring"), policy->ring->name);
        json_key(json, S("rings"));
        json_array(json);
        for (size_t k = 0; k < policy->simulation->n_rings; k++)
            print_counts(json, &policy->simulation->rings[k]);
        json_array_end(json);
        json_object_end(json);
    }
    json_array_end(json);
    json_key(json, S("differences"));
    json_array(json);
    for (size_t i = 0; i < comparison->n_flows; i++) {
        const struct differing_flow *flow = &comparison->flows[i];
        json_object(json);
        view_flow_members(json, flow->flow, p->what->labels);
        json_key(json, S("verdicts"));
        json_array(json);
        for (size_t k = 0; k < comparison->n_policies; k++)
            json_str(json, comparison_verdict_text(flow->verdicts[k]));
        json_array_end(json);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

void simulation_json_print(const struct simulation_json *what, struct arena *arena,
                           struct arena scratch, struct buf *out)
{
    struct printing p = {what, json_to(out), arena, scratch};
    json_object(&p.json);
    json_member_str(&p.json, S("policy"), what->policy);
    if (what->previous.len) json_member_str(&p.json, S("previous"), what->previous);
    json_key(&p.json, S("rings"));
    json_array(&p.json);
    for (size_t i = 0; i < what->simulation->n_rings; i++) {
        const struct simulated_ring *ring = &what->simulation->rings[i];
        if (!what->ring.len || str_equal(ring->name, what->ring)) print_ring(&p, ring);
    }
    json_array_end(&p.json);
    if (what->comparison) {
        json_key(&p.json, S("compared"));
        print_comparison(&p);
    }
    json_object_end(&p.json);
    buf_char(out, '\n');
}
