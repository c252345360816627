/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/use_proposal.h"

#include "base/instant.h"
#include "reason/exception_pairs.h"
#include "reason/exception_scope.h"

/* ---- How long it was in force -------------------------------------------------------------------
 */

static int64_t overlap(int64_t a_from, int64_t a_to, int64_t b_from, int64_t b_to)
{
    int64_t from = a_from > b_from ? a_from : b_from, to = a_to < b_to ? a_to : b_to;
    return to > from ? to - from : 0;
}

/* Of a time, how much it was in force. From 1970 on: a start that was not given is no time. */
static int64_t alive_within(const struct use_found *f, int64_t from_us, int64_t to_us)
{
    int64_t sum = 0;
    if (from_us < 0) from_us = 0;
    if (to_us > f->as_of_us) to_us = f->as_of_us;
    for (size_t i = 0; i < f->n_spans; i++)
        sum += overlap(from_us, to_us, f->spans[i].from_us, f->spans[i].to_us);
    return sum;
}

static int64_t month_begins(int32_t month)
{
    return instant_from_civil(
        (struct civil){.year = month / 12, .month = (uint8_t)(month % 12 + 1), .day = 1});
}

/* True when every month in which it was in force for some days has a use; *months are they. Of a
 * life that is shorter, every month it touched. */
static bool used_in_each_month(const struct use_found *f, size_t *months)
{
    for (int64_t least = USE_MONTH_DAYS * INSTANT_DAY; least >= 0;
         least -= USE_MONTH_DAYS * INSTANT_DAY) {
        size_t counted = 0, used = 0;
        for (size_t i = 0; i < f->n_months; i++) {
            int32_t month = f->first_month + (int32_t)i;
            int64_t alive = alive_within(f, month_begins(month), month_begins(month + 1));
            if (alive < least || !alive) continue;
            counted++;
            used += f->months[i];
        }
        *months = counted;
        if (counted) return counted == used;
    }
    return false;
}

/* ---- Who shows its own side ---------------------------------------------------------------------
 */

/* Known addresses of a set, by family. */
struct counted {
    uint64_t known[2], shown[2];
};

static bool is_shown(const struct use_found *f, const struct use_evidence_end *end)
{
    int64_t review_us = (int64_t)f->review_s * INSTANT_SECOND;
    if (!end->covered_us || end->covered_us < review_us) return false;
    return alive_within(f, end->from_us, end->to_us) >= review_us;
}

static struct counted count_ends(const struct use_found *f, struct prefix_set set)
{
    struct counted counted = {0};
    for (size_t i = 0; i < set.n; i++)
        for (size_t at = use_evidence_from(f->evidence, set.ranges[i].first);
             at < f->evidence->n &&
             addr_compare(f->evidence->ends[at].addr, set.ranges[i].last) <= 0;
             at++) {
            const struct use_evidence_end *end = &f->evidence->ends[at];
            bool v6 = !addr_is_v4(end->addr);
            counted.known[v6]++;
            counted.shown[v6] += is_shown(f, end);
        }
    return counted;
}

/* Of known pairs, those of which neither end shows its own side, are not counted as unused. An
 * address in both is no pair with itself. */
static void count_pairs(const struct use_found *f, struct counted c, struct counted s,
                        struct exception_use *out, struct arena scratch)
{
    for (size_t v6 = 0; v6 < 2; v6++) {
        out->known_pairs += c.known[v6] * s.known[v6];
        out->shown_pairs +=
            c.known[v6] * s.known[v6] - (c.known[v6] - c.shown[v6]) * (s.known[v6] - s.shown[v6]);
    }
    struct counted both = count_ends(f, prefix_set_intersect(&scratch, f->reach.from, f->reach.to));
    for (size_t v6 = 0; v6 < 2; v6++) {
        out->known_pairs -= both.known[v6];
        out->shown_pairs -= both.shown[v6];
    }
}

static uint64_t sum(const uint64_t by_family[2])
{
    return by_family[0] + by_family[1];
}

/* ---- The narrowest form -------------------------------------------------------------------------
 */

/* Empty when it would open as much as it does. */
static str narrowed(const struct use_found *f, struct arena *arena, struct arena scratch)
{
    struct range *clients = arena_array(&scratch, struct range, f->n_pairs + 1);
    struct range *servers = arena_array(&scratch, struct range, f->n_pairs + 1);
    const struct entry *entry = f->entry->entry;
    for (size_t i = 0; i < f->n_pairs; i++) {
        clients[i] = (struct range){f->pairs[i].client, f->pairs[i].client};
        servers[i] = (struct range){f->pairs[i].server, f->pairs[i].server};
    }
    struct exception_scope scope = {
        .from = prefix_set_of(&scratch, clients, f->n_pairs),
        .to = prefix_set_of(&scratch, servers, f->n_pairs),
        .services = entry->services,
        .n_services = entry->n_services,
        .secure = entry->secure,
        .name = entry->name,
    };
    if (prefix_set_equal(scope.from, f->reach.from) && prefix_set_equal(scope.to, f->reach.to))
        return (str){0};
    return exception_scope_json(&scope, f->resolved, arena, scratch);
}

/* ---- The proposal -------------------------------------------------------------------------------
 */

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static str day_text(int64_t at_us, struct arena *arena)
{
    struct civil c = instant_to_civil(at_us);
    return str_format(arena, "%04d-%02u-%02u", c.year, c.month, c.day);
}

static void propose(struct exception_use *out, enum use_proposal proposal, str because)
{
    out->proposal = proposal;
    out->because = because;
}

/* Before and after its life there is nothing to propose. */
static bool is_over(const struct use_found *f, struct exception_use *out, struct arena *arena)
{
    if (!f->n_spans) {
        propose(out, USE_UNKNOWN, S("it was never in force"));
        return true;
    }
    if (f->spans[0].from_us > f->as_of_us) {
        propose(out, USE_UNKNOWN,
                str_format(arena, "it is in force from %.*s on",
                           STR_ARG(day_text(f->spans[0].from_us, arena))));
        return true;
    }
    int64_t end = f->spans[f->n_spans - 1].to_us;
    if (end > f->as_of_us) return false;
    if (out->passed_after)
        propose(out, USE_REMOVE,
                str_format(arena,
                           "it ended on %.*s, and %" PRIu64 " connection%s still passed since: "
                           "something still lets it through",
                           STR_ARG(day_text(end, arena)), out->passed_after,
                           plural(out->passed_after)));
    else
        propose(out, USE_KEEP,
                str_format(arena, "it ended on %.*s", STR_ARG(day_text(end, arena))));
    return true;
}

static void propose_unused(const struct use_found *f, struct counted clients,
                           struct counted servers, struct exception_use *out, struct arena *arena)
{
    uint64_t review_days = f->review_s / 86400;
    bool by_servers = sum(servers.known) && sum(servers.known) == sum(servers.shown);
    bool by_clients = sum(clients.known) && sum(clients.known) == sum(clients.shown);
    if (by_servers || by_clients) {
        propose(out, USE_REMOVE,
                str_format(arena,
                           "nobody used it in %" PRIu64 " day%s, though its %s show their own side "
                           "for %" PRIu64 " day%s of them or more",
                           out->alive_days, plural(out->alive_days),
                           by_servers ? "servers" : "clients", review_days, plural(review_days)));
        return;
    }
    if (!sum(clients.known) || !sum(servers.known))
        propose(out, USE_UNKNOWN,
                str_format(arena, "no use was seen, but none of its %s is known",
                           sum(servers.known) ? "clients" : "servers"));
    else
        propose(out, USE_UNKNOWN,
                str_format(arena,
                           "no use was seen, but %" PRIu64 " of its %" PRIu64
                           " known servers and %" PRIu64 " of its %" PRIu64
                           " known clients show their own side for less than %" PRIu64 " day%s",
                           sum(servers.known) - sum(servers.shown), sum(servers.known),
                           sum(clients.known) - sum(clients.shown), sum(clients.known), review_days,
                           plural(review_days)));
}

static void propose_used(const struct use_found *f, struct exception_use *out, struct arena *arena,
                         struct arena scratch)
{
    size_t months = 0;
    bool each = used_in_each_month(f, &months);
    if (out->lines == out->connections) {
        propose(out, USE_REMOVE, S("lines of the policy allow everything that it was used for"));
        return;
    }
    if (out->pairs * 2 < out->shown_pairs) {
        out->scope = narrowed(f, arena, scratch);
        if (out->scope.len) {
            propose(out, USE_NARROW,
                    str_format(arena,
                               "%" PRIu64 " of the %" PRIu64
                               " pairs whose machines show their own side used it",
                               out->pairs, out->shown_pairs));
            return;
        }
    }
    if (each && (out->alive_days >= USE_PROMOTE_DAYS || f->renewals >= USE_PROMOTE_RENEWALS)) {
        out->line = exception_scope_entry(f->entry->entry, f->resolved->policy, arena);
        propose(out, USE_PROMOTE,
                str_format(arena,
                           "used in each of its %zu month%s, in force for %" PRIu64
                           " days, renewed %" PRIu64 " time%s: it is a rule by now",
                           months, plural(months), out->alive_days, f->renewals,
                           plural(f->renewals)));
        return;
    }
    propose(out, USE_KEEP, exception_use_text(out, arena));
}

void use_proposal_of(const struct use_found *f, struct exception_use *out, struct arena *arena,
                     struct arena scratch)
{
    struct counted clients = count_ends(f, f->reach.from), servers = count_ends(f, f->reach.to);
    out->alive_days = (uint64_t)(alive_within(f, 0, f->as_of_us) / INSTANT_DAY);
    count_pairs(f, clients, servers, out, scratch);
    if (is_over(f, out, arena)) return;
    if (out->connections)
        propose_used(f, out, arena, scratch);
    else
        propose_unused(f, clients, servers, out, arena);
}
