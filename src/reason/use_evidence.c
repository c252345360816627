/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/use_evidence.h"

#include "reason/replay.h"

/* One thing that tells of an address. */
struct sign {
    struct addr addr;
    bool is_known, is_captured;
    int64_t from_us, to_us; /* of its own log; to_us 0 = none */
};

struct signs {
    struct sign *items;
    size_t n, room;
    struct arena *arena;
};

static void add_sign(struct signs *signs, struct sign sign)
{
    if (addr_is_none(sign.addr)) return;
    arena_grow(signs->arena, signs->items, signs->n, signs->room);
    signs->items[signs->n++] = sign;
}

static bool is_captured(const struct matrix_flow *flow)
{
    for (size_t i = 0; i < flow->n_evidence; i++)
        if (str_starts(flow->evidence[i].reader, S("pcap"))) return true;
    return false;
}

static void add_flows(struct signs *signs, const struct matrix_view *matrix)
{
    for (size_t i = 0; i < matrix->n_flows; i++) {
        const struct matrix_flow *flow = &matrix->flows[i];
        bool captured = is_captured(flow);
        add_sign(signs, (struct sign){flow->client.addr, true, captured, 0, 0});
        /* What never answered may not exist: a sweep must not make machines. */
        if (replay_server_answered(flow))
            add_sign(signs, (struct sign){flow->server.addr, true, captured, 0, 0});
    }
}

static void add_logs(struct signs *signs, const struct matrix_view *matrix)
{
    for (size_t i = 0; i < matrix->n_coverage; i++) {
        const struct coverage *c = &matrix->coverage[i];
        for (size_t j = 0; j < c->n_locals; j++)
            add_sign(signs, (struct sign){c->locals[j], true, false, c->has_times ? c->from_us : 0,
                                          c->has_times ? c->to_us : 0});
    }
}

static int sign_order(const void *left, const void *right)
{
    const struct sign *a = left, *b = right;
    int order = addr_compare(a->addr, b->addr);
    if (order) return order;
    if (a->from_us != b->from_us) return a->from_us < b->from_us ? -1 : 1;
    return (a->to_us > b->to_us) - (a->to_us < b->to_us);
}

/* Times that are covered, added in the order of their beginnings. */
static void cover(struct use_evidence_end *end, int64_t from_us, int64_t to_us)
{
    if (to_us <= from_us) return;
    if (!end->covered_us) {
        *end = (struct use_evidence_end){end->addr, from_us, to_us, to_us - from_us};
        return;
    }
    int64_t fresh = from_us > end->to_us ? from_us : end->to_us;
    if (to_us <= fresh) return;
    end->covered_us += to_us - fresh;
    end->to_us = to_us;
}

/* Captures are of nobody: what they show, they show of all whose packets they hold. */
static struct sign *captures_of(const struct matrix_view *matrix, struct arena *arena, size_t *n)
{
    struct sign *items = arena_array(arena, struct sign, matrix->n_coverage + 1);
    *n = 0;
    for (size_t i = 0; i < matrix->n_coverage; i++)
        if (matrix->coverage[i].has_times && !matrix->coverage[i].n_locals)
            items[(*n)++] = (struct sign){.from_us = matrix->coverage[i].from_us,
                                          .to_us = matrix->coverage[i].to_us};
    if (*n) qsort(items, *n, sizeof *items, sign_order);
    return items;
}

struct use_evidence use_evidence_of(const struct matrix_view *matrix, struct arena *arena,
                                    struct arena scratch)
{
    struct use_evidence out = {0};
    struct signs signs = {.arena = &scratch};
    size_t n_captures = 0;
    if (!matrix) return out;
    add_flows(&signs, matrix);
    add_logs(&signs, matrix);
    struct sign *captures = captures_of(matrix, arena, &n_captures);
    if (signs.n) qsort(signs.items, signs.n, sizeof *signs.items, sign_order);
    struct use_evidence_end captured = {0};
    for (size_t i = 0; i < n_captures; i++)
        cover(&captured, captures[i].from_us, captures[i].to_us);
    struct use_evidence_end *ends = arena_array(arena, struct use_evidence_end, signs.n + 1);
    for (size_t i = 0, next; i < signs.n; i = next) {
        struct use_evidence_end *end = &ends[out.n++];
        bool in_packets = false;
        *end = (struct use_evidence_end){.addr = signs.items[i].addr};
        for (next = i; next < signs.n && addr_equal(signs.items[next].addr, end->addr); next++) {
            in_packets |= signs.items[next].is_captured;
            if (signs.items[next].to_us)
                cover(end, signs.items[next].from_us, signs.items[next].to_us);
        }
        /* Of two witnesses the one that saw more counts; together they may have seen the same. */
        if (in_packets && captured.covered_us > end->covered_us) {
            end->from_us = captured.from_us;
            end->to_us = captured.to_us;
            end->covered_us = captured.covered_us;
        }
    }
    out.ends = ends;
    return out;
}

size_t use_evidence_from(const struct use_evidence *evidence, struct addr a)
{
    size_t low = 0, high = evidence->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (addr_compare(evidence->ends[middle].addr, a) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
