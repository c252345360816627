/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/comparison.h"

str comparison_verdict_text(uint8_t verdict)
{
    if (verdict == COMPARISON_UNGOVERNED) return S("ungoverned");
    return simulate_verdict_text((enum simulate_verdict)verdict);
}

const struct simulated_ring *comparison_ring(const struct simulation *simulation, str name)
{
    if (!name.len) return &simulation->rings[simulation->n_rings - 1];
    for (size_t i = 0; i < simulation->n_rings; i++)
        if (str_equal(simulation->rings[i].name, name)) return &simulation->rings[i];
    return NULL;
}

static bool all_equal(const uint8_t *verdicts, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (verdicts[i] != verdicts[0]) return false;
    return true;
}

struct comparison comparison_of(const struct compared *policies, size_t n, struct arena *arena,
                                struct arena scratch)
{
    assert(n > 0 && "there is nothing to compare");
    const struct replay *replay = simulate_replay(policies[0].simulation);
    const struct matrix_view *matrix = replay->matrix;
    uint8_t *verdicts = arena_array(&scratch, uint8_t, matrix->n_flows * n + 1);
    struct differing_flow *flows = NULL;
    size_t n_flows = 0, room = 0;
    memset(verdicts, COMPARISON_UNGOVERNED, matrix->n_flows * n);
    for (size_t p = 0; p < n; p++) {
        assert(simulate_replay(policies[p].simulation) == replay && "of other evidence");
        for (size_t i = 0; i < policies[p].ring->n_flows; i++) {
            const struct simulated_flow *flow = &policies[p].ring->flows[i];
            verdicts[(size_t)(flow->flow - matrix->flows) * n + p] = flow->verdict;
        }
    }
    for (size_t i = 0; i < matrix->n_flows; i++) {
        size_t at = replay->order[i];
        if (all_equal(&verdicts[at * n], n)) continue;
        uint8_t *kept = arena_array(arena, uint8_t, n);
        memcpy(kept, &verdicts[at * n], n);
        arena_grow(arena, flows, n_flows, room);
        flows[n_flows++] = (struct differing_flow){&matrix->flows[at], kept};
    }
    return (struct comparison){policies, n, flows, n_flows};
}
