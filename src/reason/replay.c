/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/replay.h"

#include "base/instant.h"
#include "base/map.h"

/* Hosts that count from their boot write dates of 1970 (store/loading.h). */
#define BOOT_CLOCK_ENDS_US (INT64_C(31536000) * 1000000)

struct making {
    struct replay *replay;
    struct replay_end *ends;
    size_t n, room;
    struct map by_addr; /* address bytes → index */
    struct arena *arena, *scratch;
};

bool replay_server_answered(const struct matrix_flow *flow)
{
    return flow->outcomes[OUTCOME_ESTABLISHED] || flow->outcomes[OUTCOME_REFUSED] ||
           flow->outcomes[OUTCOME_ALLOWED] || flow->outcomes[OUTCOME_ACCESSED] ||
           flow->outcomes[OUTCOME_AUTH_FAILED];
}

uint32_t replay_days(int64_t from_us, int64_t to_us)
{
    return (uint32_t)(instant_day(to_us) - instant_day(from_us) + 1);
}

static uint32_t end_of(struct making *m, struct addr a)
{
    uint8_t octets[16];
    bool fresh = false;
    addr_to_bytes(a, octets);
    uint64_t *at =
        map_put(&m->by_addr, m->scratch, (str){(const char *)octets, sizeof octets}, m->n, &fresh);
    if (!fresh) return (uint32_t)*at;
    arena_grow(m->arena, m->ends, m->n, m->room);
    m->ends[m->n++] = (struct replay_end){.addr = a};
    return (uint32_t)(m->n - 1);
}

static void cover(bool *has_times, int64_t *from_us, int64_t *to_us, int64_t first, int64_t last)
{
    if (last < BOOT_CLOCK_ENDS_US) return;
    if (first < BOOT_CLOCK_ENDS_US) first = last;
    if (!*has_times || first < *from_us) *from_us = first;
    if (!*has_times || last > *to_us) *to_us = last;
    *has_times = true;
}

static void cover_end(struct replay_end *end, int64_t first, int64_t last)
{
    cover(&end->has_times, &end->from_us, &end->to_us, first, last);
}

static bool is_captured(const struct matrix_flow *flow)
{
    for (size_t i = 0; i < flow->n_evidence; i++)
        if (str_starts(flow->evidence[i].reader, S("pcap"))) return true;
    return false;
}

static void add_flow(struct making *m, const struct matrix_flow *flow, struct replay_flow *out)
{
    bool captured = is_captured(flow), answered = replay_server_answered(flow);
    *out = (struct replay_flow){REPLAY_NO_END, REPLAY_NO_END, view_flow_worked(flow)};
    if (!addr_is_none(flow->client.addr)) {
        out->client = end_of(m, flow->client.addr);
        struct replay_end *client = &m->ends[out->client];
        client->is_known = true;
        client->captured |= captured;
        if (!flow->is_timeless) cover_end(client, flow->first_us, flow->last_us);
    }
    if (!addr_is_none(flow->server.addr)) {
        out->server = end_of(m, flow->server.addr);
        struct replay_end *server = &m->ends[out->server];
        /* What never answered may not exist: a sweep must not make machines. */
        server->is_known |= answered;
        server->serves |= answered;
        server->captured |= captured && answered;
        if (!flow->is_timeless) cover_end(server, flow->first_us, flow->last_us);
    }
    if (!flow->is_timeless)
        cover(&m->replay->has_times, &m->replay->from_us, &m->replay->to_us, flow->first_us,
              flow->last_us);
}

static void add_logs(struct making *m)
{
    const struct matrix_view *matrix = m->replay->matrix;
    for (size_t i = 0; i < matrix->n_coverage; i++) {
        const struct coverage *c = &matrix->coverage[i];
        if (c->has_times)
            cover(&m->replay->has_times, &m->replay->from_us, &m->replay->to_us, c->from_us,
                  c->to_us);
        if (c->has_times && !c->n_locals)
            cover(&m->replay->captures_have_times, &m->replay->captures_from_us,
                  &m->replay->captures_to_us, c->from_us, c->to_us);
        for (size_t j = 0; j < c->n_locals; j++) {
            struct replay_end *end = &m->ends[end_of(m, c->locals[j])];
            end->is_known = end->has_log = true;
            if (c->has_times) cover_end(end, c->from_us, c->to_us);
        }
    }
}

/* ---- Reading order ------------------------------------------------------------------------------
 */

/* What is compared of a flow, side by side: the flows themselves are far apart in memory. */
struct rank {
    uint64_t people, services, connections;
    int64_t last_us;
    uint32_t days, flow;
};

static struct rank rank_of(const struct matrix_flow *flow, size_t at)
{
    return (struct rank){
        .people = flow->users.n,
        .services = flow->shares.n + flow->pipes.n,
        .connections = flow->connections,
        .days = flow->days,
        .last_us = flow->is_timeless ? INT64_MIN : flow->last_us,
        .flow = (uint32_t)at,
    };
}

static int rank_order(const void *left, const void *right)
{
    const struct rank *a = left, *b = right;
    if (a->people != b->people) return a->people > b->people ? -1 : 1;
    if (a->services != b->services) return a->services > b->services ? -1 : 1;
    if (a->last_us != b->last_us) return a->last_us > b->last_us ? -1 : 1;
    if (a->connections != b->connections) return a->connections > b->connections ? -1 : 1;
    if (a->days != b->days) return a->days > b->days ? -1 : 1;
    return (a->flow > b->flow) - (a->flow < b->flow);
}

static const uint32_t *reading_order(const struct matrix_view *matrix, struct arena *arena,
                                     struct arena scratch)
{
    struct rank *ranks = arena_array(&scratch, struct rank, matrix->n_flows + 1);
    uint32_t *order = arena_array(arena, uint32_t, matrix->n_flows + 1);
    for (size_t i = 0; i < matrix->n_flows; i++)
        ranks[i] = rank_of(&matrix->flows[i], i);
    if (matrix->n_flows) qsort(ranks, matrix->n_flows, sizeof *ranks, rank_order);
    for (size_t i = 0; i < matrix->n_flows; i++)
        order[i] = ranks[i].flow;
    return order;
}

struct replay replay_of(const struct matrix_view *matrix, struct arena *arena, struct arena scratch)
{
    assert(matrix->n_flows < REPLAY_NO_END && "the store has no such edges");
    struct replay out = {.matrix = matrix};
    struct making m = {.replay = &out, .arena = arena, .scratch = &scratch};
    struct replay_flow *flows = arena_array(arena, struct replay_flow, matrix->n_flows + 1);
    for (size_t i = 0; i < matrix->n_flows; i++)
        add_flow(&m, &matrix->flows[i], &flows[i]);
    add_logs(&m);
    out.ends = m.ends;
    out.n_ends = m.n;
    out.flows = flows;
    out.order = reading_order(matrix, arena, scratch);
    return out;
}
