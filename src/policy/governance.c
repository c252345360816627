/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/governance.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400 };

struct governance governance_default(void)
{
    return (struct governance){
        .maximum_life_s = 90 * DAY_S,
        .break_glass_life_s = 8 * HOUR_S,
        .review_s = 30 * DAY_S,
        .approvers = 1,
        .approvers_at_risk = 2,
        .risk_host_pairs = 16,
    };
}

struct governance governance_of(const struct policy *policy)
{
    return policy->governance ? *policy->governance : governance_default();
}

/* ---- The section --------------------------------------------------------------------------------
 */

/* Nothing here may last no time: an exception that has no life, a review that is always due. */
static void read_life(struct reading *r, const struct node *value, void *into, const void *about)
{
    uint64_t life_s = UINT64_MAX;
    (void)about;
    reading_duration(r, value, &life_s, NULL);
    if (life_s == UINT64_MAX) return;
    if (life_s)
        *(uint64_t *)into = life_s;
    else
        reading_error(r, "value", value->place, "expected a duration of at least 1m, found %.*s",
                      STR_ARG(reading_found(r, value)));
}

static const struct count_limits people_limits = {1, LIMIT_APPROVERS};
static const struct count_limits pair_limits = {0, UINT32_MAX};

static const struct key risk_keys[] = {
    {T("host-pairs"), OPTIONAL, reading_count, offsetof(struct governance, risk_host_pairs),
     &pair_limits},
};
static const struct keys risk_map = {T("risk"), risk_keys, COUNT_OF(risk_keys)};

#define AT(member) offsetof(struct governance, member)
static const struct key governance_keys[] = {
    {T("require-login"),     OPTIONAL, reading_bool,  AT(require_login),      NULL          },
    {T("maximum-life"),      OPTIONAL, read_life,     AT(maximum_life_s),     NULL          },
    {T("break-glass-life"),  OPTIONAL, read_life,     AT(break_glass_life_s), NULL          },
    {T("review"),            OPTIONAL, read_life,     AT(review_s),           NULL          },
    {T("approvers"),         OPTIONAL, reading_count, AT(approvers),          &people_limits},
    {T("approvers-at-risk"), OPTIONAL, reading_count, AT(approvers_at_risk),  &people_limits},
    {T("risk"),              OPTIONAL, reading_keys,  0,                      &risk_map     },
};
#undef AT
static const struct keys governance_map = {T("governance"), governance_keys,
                                           COUNT_OF(governance_keys)};

/* A value that is not written follows the one it is bound to; one that is written has to fit. */
static void check_bounds(struct reading *r, const struct node *value, struct governance *g)
{
    const struct node *at_risk = reading_value(value, S("approvers-at-risk"));
    const struct node *glass = reading_value(value, S("break-glass-life"));
    if (g->approvers_at_risk < g->approvers) {
        if (at_risk)
            reading_error(r, "conflict", at_risk->place,
                          "expected at least as many approvers at risk as else (%" PRIu64
                          "), found %" PRIu64,
                          g->approvers, g->approvers_at_risk);
        g->approvers_at_risk = g->approvers;
    }
    if (g->break_glass_life_s > g->maximum_life_s) {
        if (glass)
            reading_error(r, "conflict", glass->place,
                          "expected a life that is not longer than maximum-life (%.*s), found %.*s",
                          STR_ARG(governance_duration_text(g->maximum_life_s, r->arena)),
                          STR_ARG(governance_duration_text(g->break_glass_life_s, r->arena)));
        g->break_glass_life_s = g->maximum_life_s;
    }
}

void governance_read(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct policy *policy = into;
    struct governance *g = arena_new(r->arena, struct governance);
    size_t errors = r->found->n_errors;
    (void)about;
    *g = governance_default();
    g->is_given = true;
    policy->governance = g;
    if (reading_map(r, value, &governance_map, g) && r->found->n_errors == errors)
        check_bounds(r, value, g);
}

/* ---- Durations ----------------------------------------------------------------------------------
 */

str governance_duration_text(uint64_t duration_s, struct arena *arena)
{
    static const struct {
        uint64_t seconds;
        char letter;
    } units[] = {
        {DAY_S,    'd'},
        {HOUR_S,   'h'},
        {MINUTE_S, 'm'},
    };
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        uint64_t number = duration_s / units[i].seconds;
        duration_s %= units[i].seconds;
        if (!number) continue;
        if (out.len) buf_char(&out, ' ');
        buf_u64(&out, number);
        buf_char(&out, units[i].letter);
    }
    return out.len ? buf_text(&out) : S("0m");
}
