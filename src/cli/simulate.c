/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/simulate.h"

#include "base/instant.h"
#include "base/map.h"
#include "cli/command.h"
#include "cli/policy_file.h"
#include "cli/workspace.h"
#include "reason/simulation_json.h"

/* On a terminal; --json and --format csv have all. */
enum { ROWS_SHOWN = 100, CURES_SHOWN = 20, WIDER_SHOWN = 3, SERVERS_SHOWN = 5 };
/* A sweep has thousands of them. */
enum { UNANSWERED_SHOWN = 3 };
/* Flows whose reasons are put into words and counted. */
enum { REASONS_ASKED = 10000 };

/* What is printed. */
struct shown {
    struct invocation *call;
    const struct simulation *simulation;
    const struct simulated_ring *ring;
    const struct view_labels *labels;
    str policy, previous, only;
    const struct comparison *comparison; /* NULL = none */
};

static str plural(struct arena *arena, uint64_t n, const char *one, const char *many)
{
    return str_format(arena, "%" PRIu64 " %s", n, n == 1 ? one : many);
}

static str first_of(struct arena *arena, struct names names, size_t shown, str (*form)(str))
{
    struct buf text = buf_in(arena);
    for (size_t i = 0; i < names.n && i < shown; i++) {
        if (i) buf_str(&text, S(", "));
        buf_str(&text, form ? form(names.items[i]) : names.items[i]);
    }
    if (names.n > shown) buf_format(&text, " +%zu", names.n - shown);
    return buf_text(&text);
}

/* The last part of a path. */
static str share_name(str path)
{
    for (size_t i = path.len; i > 0; i--)
        if (path.ptr[i - 1] == '\\') return str_tail(path, i);
    return path;
}

static str people(struct arena *arena, struct names users)
{
    return first_of(arena, users, 1, NULL);
}

static str day_text(struct arena *arena, const struct matrix_flow *flow)
{
    char text[INSTANT_TEXT];
    if (flow->is_timeless) return S("-");
    return str_copy(arena, str_head(instant_text(text, flow->last_us), 10));
}

static void heading(const struct shown *s, str text, enum table_tone tone)
{
    buf_char(s->call->out, '\n');
    table_tone(s->call->out, text, tone, s->call->colour);
    buf_char(s->call->out, '\n');
}

/* ---- Flows --------------------------------------------------------------------------------------
 */

/* Flows of one verdict to one server, in the order of the ring. */
struct server_flows {
    struct endpoint server;
    struct names names;
    const struct simulated_flow **flows;
    size_t n, room;
    uint64_t connections, hidden; /* hidden: clients past those shown of what never answered */
    struct map people;
};

struct by_server {
    struct server_flows *items;
    size_t n, room;
    struct map by_end, unanswered;
};

static struct server_flows *server_of(struct by_server *all, struct arena *arena,
                                      const struct matrix_flow *flow)
{
    bool fresh = false;
    str key = view_end_text(arena, flow->server);
    size_t at = (size_t)*map_put(&all->by_end, arena, key, all->n, &fresh);
    if (fresh) {
        arena_grow(arena, all->items, all->n, all->room);
        all->items[all->n++] =
            (struct server_flows){.server = flow->server, .names = flow->server_names};
    }
    return &all->items[at];
}

static bool is_too_silent(struct by_server *all, struct arena *arena,
                          const struct matrix_flow *flow)
{
    if (replay_server_answered(flow)) return false;
    str client = view_end_label(arena, flow->client, flow->client_names);
    return ++*map_put(&all->unanswered, arena, client, 0, NULL) > UNANSWERED_SHOWN;
}

/* wanted: of each flow; NULL = all of the verdict */
static struct by_server gather(const struct shown *s, bool (*wanted)(const struct simulated_flow *),
                               enum simulate_verdict verdict)
{
    struct arena *arena = s->call->arena;
    struct by_server all = {0};
    for (size_t i = 0; i < s->ring->n_flows; i++) {
        const struct simulated_flow *flow = &s->ring->flows[i];
        if (wanted ? !wanted(flow) : flow->verdict != verdict) continue;
        if (is_too_silent(&all, arena, flow->flow)) continue;
        struct server_flows *server = server_of(&all, arena, flow->flow);
        arena_grow(arena, server->flows, server->n, server->room);
        server->flows[server->n++] = flow;
        server->connections += flow->flow->connections;
        for (size_t j = 0; j < flow->flow->users.n; j++)
            map_put(&server->people, arena, flow->flow->users.items[j], 0, NULL);
    }
    return all;
}

static void add_server(struct table *table, struct arena *arena, const struct server_flows *server)
{
    table_add_toned(table, view_end_label(arena, server->server, server->names), TONE_STRONG);
    table_add(table, server->n > 1 ? plural(arena, server->n, "flow", "flows") : (str){0});
    table_add(table, server->people.n > 1 ? plural(arena, server->people.n, "person", "people")
                                          : (str){0});
    table_add(table, (str){0});
    if (server->n > 1)
        table_add_u64(table, server->connections);
    else
        table_add(table, (str){0});
    for (int i = 0; i < 3; i++)
        table_add(table, (str){0});
}

static str settings_text(struct arena *arena, uint16_t lacks)
{
    struct buf out = buf_in(arena);
    for (unsigned i = 0; i < HARDEN_COUNT; i++) {
        if (!(lacks >> i & 1)) continue;
        if (out.len) buf_str(&out, S(", "));
        buf_str(&out, harden_name((enum harden_id)i));
    }
    return buf_text(&out);
}

static str at_text(struct arena *arena, const struct simulated_flow *flow)
{
    bool has_side = flow->verdict == SIMULATE_BROKEN || flow->verdict == SIMULATE_STOPPED;
    if (!has_side) return settings_text(arena, flow->lacks);
    return simulate_at_text(flow->at);
}

static void add_flow(struct table *table, const struct shown *s, const struct simulated_flow *flow)
{
    struct arena *arena = s->call->arena;
    const struct matrix_flow *seen = flow->flow;
    str client = view_end_label(arena, seen->client, seen->client_names);
    table_add(table, str_format(arena, "  %.*s", STR_ARG(client)));
    table_add(table, view_service_text(arena, s->labels, seen->transport, seen->port));
    table_add(table, people(arena, seen->users));
    table_add(table, first_of(arena, seen->shares, 1, share_name));
    table_add_u64(table, seen->connections);
    table_add_u64(table, seen->days);
    table_add(table, day_text(arena, seen));
    table_add(table, at_text(arena, flow));
}

/* Flows server by server, the one with most people first. */
static void print_flows(const struct shown *s, struct by_server all)
{
    static const struct table_column columns[] = {
        {{"server, its clients", 19}, ALIGN_LEFT,  32},
        {{"service", 7},              ALIGN_LEFT,  9 },
        {{"users", 5},                ALIGN_LEFT,  22},
        {{"shares", 6},               ALIGN_LEFT,  16},
        {{"seen", 4},                 ALIGN_RIGHT, 0 },
        {{"days", 4},                 ALIGN_RIGHT, 0 },
        {{"last", 4},                 ALIGN_LEFT,  0 },
        {{"at", 2},                   ALIGN_LEFT,  24},
    };
    struct invocation *call = s->call;
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    size_t shown = 0, hidden = 0;
    for (size_t i = 0; i < all.n; i++) {
        const struct server_flows *server = &all.items[i];
        if (shown >= ROWS_SHOWN) {
            hidden += server->n;
            continue;
        }
        add_server(&table, call->arena, server);
        for (size_t j = 0; j < server->n; j++, shown++) {
            if (shown < ROWS_SHOWN)
                add_flow(&table, s, server->flows[j]);
            else
                hidden++;
        }
    }
    table_print_text(&table, call->out, call->colour);
    if (hidden) buf_format(call->out, "and %zu more: --json and --format csv have all\n", hidden);
    for (size_t i = 0; i < all.unanswered.n; i++)
        if (all.unanswered.entries[i].value > UNANSWERED_SHOWN)
            buf_format(call->out, "%.*s: and %" PRIu64 " more servers that never answered\n",
                       STR_ARG(all.unanswered.entries[i].key),
                       all.unanswered.entries[i].value - UNANSWERED_SHOWN);
}

struct reason {
    str text;
    uint64_t n;
};

static int reason_order(const void *left, const void *right)
{
    const struct reason *a = left, *b = right;
    if (a->n != b->n) return a->n > b->n ? -1 : 1;
    return str_compare(a->text, b->text);
}

/* Each reason once, with how many flows it is the reason of. */
static void print_reasons(const struct shown *s, enum simulate_verdict verdict)
{
    struct invocation *call = s->call;
    struct map reasons = {0};
    size_t asked = 0;
    for (size_t i = 0; i < s->ring->n_flows && asked < REASONS_ASKED; i++) {
        if (s->ring->flows[i].verdict != verdict) continue;
        asked++;
        str why = simulate_because(s->simulation, &s->ring->flows[i], call->arena);
        ++*map_put(&reasons, call->arena, why, 0, NULL);
    }
    struct reason *sorted = arena_array(call->arena, struct reason, reasons.n + 1);
    for (size_t i = 0; i < reasons.n; i++)
        sorted[i] = (struct reason){reasons.entries[i].key, reasons.entries[i].value};
    qsort(sorted, reasons.n, sizeof *sorted, reason_order);
    buf_str(call->out,
            asked < s->ring->count[verdict] ? S("why (of the first 10000):\n") : S("why:\n"));
    for (size_t i = 0; i < reasons.n && i < CURES_SHOWN; i++) {
        buf_format(call->out, "%6" PRIu64 "  ", sorted[i].n);
        table_tone(call->out, sorted[i].text, TONE_PLAIN, call->colour);
        buf_char(call->out, '\n');
    }
    if (reasons.n > CURES_SHOWN)
        buf_format(call->out, "and %zu more reasons\n", reasons.n - CURES_SHOWN);
}

static void print_verdict(const struct shown *s, enum simulate_verdict verdict, str sentence,
                          enum table_tone tone)
{
    uint64_t n = s->ring->count[verdict];
    if (!n) return;
    heading(s, str_format(s->call->arena, "%" PRIu64 " %.*s", n, STR_ARG(sentence)), tone);
    print_flows(s, gather(s, NULL, verdict));
    print_reasons(s, verdict);
}

/* ---- Cures --------------------------------------------------------------------------------------
 */

static str opens_text(struct arena *arena, uint64_t opens)
{
    if (!opens) return S("opens nothing else");
    if (opens == CURES_MANY) return S("opens more pairs never seen than can be counted");
    return str_format(arena, "opens %.*s never seen",
                      STR_ARG(plural(arena, opens, "pair", "pairs")));
}

static void print_cure(const struct shown *s, const struct cure *cure)
{
    struct invocation *call = s->call;
    buf_str(call->out, S("  "));
    table_tone(call->out, cure->entry, TONE_STRONG, call->colour);
    str flows = plural(call->arena, cure->keeps, "flow", "flows");
    str users = plural(call->arena, cure->people, "person", "people");
    buf_format(call->out, "\n      keeps %.*s", STR_ARG(flows));
    if (cure->people) buf_format(call->out, " of %.*s", STR_ARG(users));
    buf_format(call->out, ", %.*s\n", STR_ARG(opens_text(call->arena, cure->opens)));
    if (!cure->is_verified)
        table_tone(call->out, S("      not enough: something else stops it, too\n"), TONE_WARN,
                   call->colour);
    for (size_t i = 0; i < cure->n_wider && i < WIDER_SHOWN; i++) {
        buf_str(call->out, S("      or "));
        table_tone(call->out, cure->wider[i].entry, TONE_PLAIN, call->colour);
        buf_format(call->out, ": %.*s\n", STR_ARG(opens_text(call->arena, cure->wider[i].opens)));
    }
}

static void print_cures(const struct shown *s)
{
    struct invocation *call = s->call;
    struct cures cures = cures_of_ring(s->simulation, s->ring, call->arena, call->scratch);
    heading(s,
            str_format(call->arena, "what would keep them: %.*s",
                       STR_ARG(plural(call->arena, cures.n, "change", "changes"))),
            TONE_STRONG);
    for (size_t i = 0; i < cures.n && i < CURES_SHOWN; i++)
        print_cure(s, &cures.items[i]);
    if (cures.n > CURES_SHOWN)
        buf_format(call->out, "and %zu more: --json has all\n", cures.n - CURES_SHOWN);
}

/* ---- Hardening and evidence ---------------------------------------------------------------------
 */

static bool would_break_hardened(const struct simulated_flow *flow)
{
    return flow->lacks && flow->at != SIMULATE_AT_HARDENING;
}

static void print_hardening(const struct shown *s)
{
    struct invocation *call = s->call;
    const struct simulated_ring *ring = s->ring;
    bool enforced = s->simulation->hardening == HARDEN_ENFORCE;
    if (s->simulation->hardening == HARDEN_OFF) return;
    if (!enforced && ring->lacking_any) {
        heading(s,
                str_format(call->arena,
                           "%" PRIu64 " would break at hardening (its mode is audit: not yet)",
                           ring->lacking_any),
                TONE_WARN);
        print_flows(s, gather(s, would_break_hardened, SIMULATE_KEPT));
    }
    heading(s, S("hardening, as far as flows that pass tell"), TONE_STRONG);
    for (unsigned i = 0; i < HARDEN_COUNT; i++) {
        const struct harden_setting *setting = harden_setting((enum harden_id)i);
        if (!ring->lacking[i]) continue;
        buf_format(call->out, "%6" PRIu64 "  ", ring->lacking[i]);
        table_tone(call->out, setting->asks, TONE_PLAIN, call->colour);
        if (setting->level == HARDEN_ADVICE)
            buf_str(call->out, S(" (advice, not in the baseline)"));
        buf_char(call->out, '\n');
    }
    if (!ring->lacking_any) buf_str(call->out, S("     0  lack what the baseline asks\n"));
    if (ring->hardening_unknown)
        buf_format(call->out, "%6" PRIu64 "  of which nothing tells\n", ring->hardening_unknown);
}

static void print_warnings(const struct shown *s)
{
    struct invocation *call = s->call;
    size_t servers = 0;
    for (size_t i = 0; i < s->ring->n_warnings; i++) {
        const struct simulate_warning *warning = &s->ring->warnings[i];
        bool of_server = !addr_is_none(warning->server);
        servers += of_server;
        if (servers > SERVERS_SHOWN) continue;
        struct buf text = buf_in(call->arena);
        if (of_server) {
            addr_print(&text, warning->server);
            buf_str(&text, S(": "));
        }
        buf_str(&text, warning->text);
        table_tone(call->out, buf_text(&text), TONE_WARN, call->colour);
        buf_char(call->out, '\n');
    }
    if (servers > SERVERS_SHOWN)
        buf_format(call->out, "and of %zu more servers less than of the rest\n",
                   servers - SERVERS_SHOWN);
}

/* ---- Rings --------------------------------------------------------------------------------------
 */

static struct table rings_table(struct invocation *call, const struct simulation *simulation,
                                str only)
{
    static const struct table_column columns[] = {
        {{"ring", 4},         ALIGN_LEFT,  0},
        {{"broken", 6},       ALIGN_RIGHT, 0},
        {{"stopped", 7},      ALIGN_RIGHT, 0},
        {{"kept", 4},         ALIGN_RIGHT, 0},
        {{"escaped", 7},      ALIGN_RIGHT, 0},
        {{"undecidable", 11}, ALIGN_RIGHT, 0},
        {{"enforcing", 9},    ALIGN_RIGHT, 0},
        {{"assumed", 7},      ALIGN_RIGHT, 0},
        {{"cannot", 6},       ALIGN_RIGHT, 0},
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < simulation->n_rings; i++) {
        const struct simulated_ring *ring = &simulation->rings[i];
        if (only.len && !str_equal(ring->name, only)) continue;
        table_add_toned(&table, ring->name, TONE_STRONG);
        table_add_toned(&table, str_format(call->arena, "%" PRIu64, ring->count[SIMULATE_BROKEN]),
                        ring->count[SIMULATE_BROKEN] ? TONE_BAD : TONE_PLAIN);
        table_add_u64(&table, ring->count[SIMULATE_STOPPED]);
        table_add_u64(&table, ring->count[SIMULATE_KEPT]);
        table_add_u64(&table, ring->count[SIMULATE_ESCAPED]);
        table_add_u64(&table, ring->count[SIMULATE_UNDECIDABLE]);
        table_add_u64(&table, ring->enforcing_by_evidence);
        table_add_u64(&table, ring->enforcing_assumed);
        table_add_u64(&table, ring->enforcing_cannot);
    }
    return table;
}

/* Every flow of every ring asked for, a row each, for a spreadsheet or another program. */
static void add_csv(struct table *table, const struct shown *s, const struct simulation *simulation,
                    const struct simulated_ring *ring, const struct simulated_flow *flow,
                    str policy)
{
    struct arena *arena = s->call->arena;
    const struct matrix_flow *seen = flow->flow;
    bool has_side = flow->verdict == SIMULATE_BROKEN || flow->verdict == SIMULATE_STOPPED;
    char last_seen[INSTANT_TEXT];
    uint64_t opens = 0;
    str cure = flow->verdict == SIMULATE_BROKEN ? cures_of_flow(simulation, flow, arena, &opens)
                                                : (str){0};
    str last = seen->is_timeless ? (str){0} : instant_text(last_seen, seen->last_us);
    table_add(table, ring->name);
    table_add(table, simulate_verdict_text((enum simulate_verdict)flow->verdict));
    table_add(table, view_end_text(arena, seen->client));
    table_add(table, view_end_text(arena, seen->server));
    table_add(table, view_service_text(arena, s->labels, seen->transport, seen->port));
    table_add(table, profile_text((enum profile)flow->profile));
    table_add_u64(table, seen->users.n);
    table_add_u64(table, seen->connections);
    table_add(table, str_copy(arena, last));
    table_add(table, has_side ? simulate_at_text(flow->at) : (str){0});
    table_add(table, simulate_because(simulation, flow, arena));
    table_add(table, cure);
    if (cure.len)
        table_add_u64(table, opens);
    else
        table_add(table, (str){0});
    table_add_u64(table, seen->days);
    table_add_u64(table, seen->shares.n);
    table_add(table, settings_text(arena, flow->lacks));
    table_add(table, policy);
}

static void print_csv(const struct shown *s)
{
    static const struct table_column columns[] = {
        {{"ring", 4},         ALIGN_LEFT,  0},
        {{"verdict", 7},      ALIGN_LEFT,  0},
        {{"client", 6},       ALIGN_LEFT,  0},
        {{"server", 6},       ALIGN_LEFT,  0},
        {{"service", 7},      ALIGN_LEFT,  0},
        {{"profile", 7},      ALIGN_LEFT,  0},
        {{"users", 5},        ALIGN_LEFT,  0},
        {{"connections", 11}, ALIGN_RIGHT, 0},
        {{"last_seen", 9},    ALIGN_LEFT,  0},
        {{"at", 2},           ALIGN_LEFT,  0},
        {{"because", 7},      ALIGN_LEFT,  0},
        {{"cure", 4},         ALIGN_LEFT,  0},
        {{"opens", 5},        ALIGN_RIGHT, 0},
        {{"days", 4},         ALIGN_RIGHT, 0},
        {{"shares", 6},       ALIGN_RIGHT, 0},
        {{"lacking", 7},      ALIGN_LEFT,  0},
        {{"policy", 6},       ALIGN_LEFT,  0},
    };
    struct table table = table_of(s->call->arena, columns, COUNT_OF(columns));
    const struct compared alone = {s->policy, s->simulation, s->ring};
    const struct compared *policies = s->comparison ? s->comparison->policies : &alone;
    size_t n = s->comparison ? s->comparison->n_policies : 1;
    for (size_t p = 0; p < n; p++)
        for (size_t i = 0; i < policies[p].simulation->n_rings; i++) {
            const struct simulated_ring *ring = &policies[p].simulation->rings[i];
            if (s->only.len && !str_equal(ring->name, s->only)) continue;
            for (size_t j = 0; j < ring->n_flows; j++)
                add_csv(&table, s, policies[p].simulation, ring, &ring->flows[j],
                        policies[p].source);
        }
    table_print_csv(&table, s->call->out);
}

/* Blind machines by segment, and by what is said of them: a large site has thousands. */
static void print_blind(const struct shown *s)
{
    static const struct table_column columns[] = {
        {{"blind", 5},   ALIGN_LEFT, 40},
        {{"segment", 7}, ALIGN_LEFT, 20},
        {{"why", 3},     ALIGN_LEFT, 0 },
    };
    struct invocation *call = s->call;
    const struct simulation *simulation = s->simulation;
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < simulation->n_blind && i < ROWS_SHOWN; i++) {
        table_add(&table, simulation->blind[i].text);
        table_add(&table, simulation->blind[i].segment);
        table_add(&table, simulation->blind[i].reason);
    }
    heading(s,
            str_format(call->arena, "%zu blind: nothing here is known to be safe for them",
                       simulation->n_blind),
            simulation->n_blind ? TONE_WARN : TONE_GOOD);
    if (simulation->n_blind) table_print_text(&table, call->out, call->colour);
    if (simulation->n_blind > ROWS_SHOWN)
        buf_format(call->out, "and %zu more: --json has all\n", simulation->n_blind - ROWS_SHOWN);
}

/* ---- Several policies ---------------------------------------------------------------------------
 */

static void print_policies(const struct shown *s)
{
    static const struct table_column columns[] = {
        {{"policy", 6},       ALIGN_LEFT,  40},
        {{"ring", 4},         ALIGN_LEFT,  0 },
        {{"broken", 6},       ALIGN_RIGHT, 0 },
        {{"stopped", 7},      ALIGN_RIGHT, 0 },
        {{"kept", 4},         ALIGN_RIGHT, 0 },
        {{"escaped", 7},      ALIGN_RIGHT, 0 },
        {{"undecidable", 11}, ALIGN_RIGHT, 0 },
    };
    static const enum simulate_verdict order[] = {
        SIMULATE_BROKEN, SIMULATE_STOPPED, SIMULATE_KEPT, SIMULATE_ESCAPED, SIMULATE_UNDECIDABLE,
    };
    struct table table = table_of(s->call->arena, columns, COUNT_OF(columns));
    for (size_t p = 0; p < s->comparison->n_policies; p++) {
        const struct compared *policy = &s->comparison->policies[p];
        for (size_t i = 0; i < policy->simulation->n_rings; i++) {
            const struct simulated_ring *ring = &policy->simulation->rings[i];
            if (s->only.len && ring != policy->ring) continue;
            str name = str_format(s->call->arena, "%zu %.*s", p + 1, STR_ARG(policy->source));
            table_add_toned(&table, name, TONE_STRONG);
            table_add(&table, ring->name);
            for (size_t v = 0; v < COUNT_OF(order); v++)
                table_add_u64(&table, ring->count[order[v]]);
        }
    }
    table_print_text(&table, s->call->out, s->call->colour);
}

static void print_differences(const struct shown *s)
{
    enum { FIXED = 4, POLICIES_SHOWN = 8 };
    struct invocation *call = s->call;
    struct arena *arena = call->arena;
    const struct comparison *comparison = s->comparison;
    size_t n = comparison->n_policies < POLICIES_SHOWN ? comparison->n_policies : POLICIES_SHOWN;
    struct table_column columns[FIXED + POLICIES_SHOWN] = {
        {{"client", 6},  ALIGN_LEFT, 30},
        {{"server", 6},  ALIGN_LEFT, 30},
        {{"service", 7}, ALIGN_LEFT, 9 },
        {{"users", 5},   ALIGN_LEFT, 20},
    };
    for (size_t p = 0; p < n; p++)
        columns[FIXED + p] =
            (struct table_column){str_format(arena, "with %zu", p + 1), ALIGN_LEFT, 0};
    struct table table = table_of(arena, columns, FIXED + n);
    for (size_t i = 0; i < comparison->n_flows && i < ROWS_SHOWN; i++) {
        const struct matrix_flow *flow = comparison->flows[i].flow;
        table_add(&table, view_end_label(arena, flow->client, flow->client_names));
        table_add(&table, view_end_label(arena, flow->server, flow->server_names));
        table_add(&table, view_service_text(arena, s->labels, flow->transport, flow->port));
        table_add(&table, people(arena, flow->users));
        for (size_t p = 0; p < n; p++) {
            uint8_t verdict = comparison->flows[i].verdicts[p];
            table_add_toned(&table, comparison_verdict_text(verdict),
                            verdict == SIMULATE_BROKEN ? TONE_BAD : TONE_PLAIN);
        }
    }
    heading(s,
            str_format(arena, "%.*s on which they differ",
                       STR_ARG(plural(arena, comparison->n_flows, "flow", "flows"))),
            TONE_STRONG);
    if (comparison->n_flows) table_print_text(&table, call->out, call->colour);
    if (comparison->n_flows > ROWS_SHOWN)
        buf_format(call->out, "and %zu more: --json has all\n", comparison->n_flows - ROWS_SHOWN);
}

/* ---- The whole ----------------------------------------------------------------------------------
 */

static void print_text(const struct shown *s)
{
    struct invocation *call = s->call;
    struct table rings = rings_table(call, s->simulation, s->only);
    uint64_t left_alone = s->simulation->n_ungoverned;
    buf_format(call->out,
               "%.*s, held against what was seen; each ring with the machines of all rings "
               "before it%s%.*s\n\n",
               STR_ARG(s->policy), s->previous.len ? ", the others with " : "",
               STR_ARG(s->previous));
    if (s->comparison)
        print_policies(s);
    else
        table_print_text(&rings, call->out, call->colour);
    if (left_alone)
        buf_format(call->out, "%.*s of services that the policy leaves alone %s not counted\n",
                   STR_ARG(plural(call->arena, left_alone, "flow", "flows")),
                   left_alone == 1 ? "is" : "are");
    print_warnings(s);
    if (s->comparison) {
        print_differences(s);
        return;
    }
    if (s->ring->count[SIMULATE_BROKEN]) {
        print_verdict(s, SIMULATE_BROKEN, S("would break"), TONE_BAD);
        print_cures(s);
    } else
        heading(s, S("nothing that was seen working would break"), TONE_GOOD);
    print_hardening(s);
    print_verdict(s, SIMULATE_STOPPED, S("stopped as intended"), TONE_GOOD);
    print_verdict(s, SIMULATE_ESCAPED, S("blocked by the policy, but nothing enforces it"),
                  TONE_WARN);
    print_verdict(s, SIMULATE_UNDECIDABLE, S("not decidable"), TONE_WARN);
    print_blind(s);
}

static bool any_breaks(const struct simulation *simulation, str only)
{
    for (size_t i = 0; i < simulation->n_rings; i++)
        if ((!only.len || str_equal(simulation->rings[i].name, only)) &&
            simulation->rings[i].count[SIMULATE_BROKEN])
            return true;
    return false;
}

static bool no_such_ring(struct invocation *call, const struct simulation *simulation, str source,
                         str name, struct err *err)
{
    str *names = arena_array(call->arena, str, simulation->n_rings + 1);
    for (size_t i = 0; i < simulation->n_rings; i++)
        names[i] = simulation->rings[i].name;
    str hint = command_suggest(call->arena, name, names, simulation->n_rings);
    return err_set(err, ERR_USAGE, "%.*s has no ring \"%.*s\"%.*s", STR_ARG(source), STR_ARG(name),
                   STR_ARG(hint));
}

/* Reads and resolves a policy beside the command's own. */
static struct policy_file *load_beside(struct invocation *call, str path,
                                       const struct host_lookup *hosts, int *status)
{
    struct policy_file *file = arena_new(call->arena, struct policy_file);
    if (!policy_file_load_from(call, path, file, status)) return NULL;
    return policy_file_resolve(call, file, hosts, true, status) ? file : NULL;
}

/* What all policies of one run are held against. */
struct held {
    struct invocation *call;
    const struct replay *replay;
    const struct host_list *hosts;
    const struct decision *previous;
};

static const struct simulation *simulate_file(const struct held *held,
                                              const struct policy_file *file)
{
    struct arena *arena = held->call->arena;
    struct simulation *out = arena_new(arena, struct simulation);
    struct simulate_question question = {
        .resolved = &file->resolved,
        .decision = decision_build(&file->resolved, NULL, arena, held->call->scratch),
        .replay = held->replay,
        .previous = held->previous,
        .hosts = held->hosts,
        .lookup = &file->lookup,
    };
    *out = simulate(&question, arena, held->call->scratch);
    return out;
}

/* The other policies of --against; false with *status when one can't be used. */
static bool compare(const struct held *held, const struct shown *shown, struct policy_file **files,
                    size_t n, struct comparison *out, struct err *err)
{
    struct arena *arena = held->call->arena;
    struct compared *policies = arena_array(arena, struct compared, n + 1);
    policies[0] = (struct compared){shown->policy, shown->simulation, shown->ring};
    for (size_t i = 0; i < n; i++) {
        const struct simulation *simulation = simulate_file(held, files[i]);
        const struct simulated_ring *ring = comparison_ring(simulation, shown->only);
        if (!ring) return no_such_ring(held->call, simulation, files[i]->source, shown->only, err);
        policies[i + 1] = (struct compared){files[i]->source, simulation, ring};
    }
    *out = comparison_of(policies, n + 1, arena, held->call->scratch);
    return true;
}

static void print(const struct shown *shown)
{
    struct invocation *call = shown->call;
    struct simulation_json json = {
        .simulation = shown->simulation,
        .policy = shown->policy,
        .previous = shown->previous,
        .ring = shown->only,
        .comparison = shown->comparison,
        .labels = shown->labels,
    };
    if (call->format == FORMAT_JSON)
        simulation_json_print(&json, call->arena, call->scratch, call->out);
    else if (call->format == FORMAT_CSV)
        print_csv(shown);
    else
        print_text(shown);
}

static int run(struct invocation *call)
{
    struct err err = {0};
    struct workspace workspace = {0};
    struct policy_file *file = arena_new(call->arena, struct policy_file);
    struct policy_file *previous = NULL;
    struct matrix_view matrix = {0};
    int status = EXIT_FINE;
    size_t n_against = 0;
    str *against = option_texts(call, S("against"), &n_against);
    struct policy_file **others = arena_array(call->arena, struct policy_file *, n_against + 1);

    if (!policy_file_load(call, file, &status)) return status;
    if (!workspace_open(call, &workspace, &err)) return command_fail(call, &err);
    const struct host_lookup *names = workspace_lookup(call, &workspace);
    if (!policy_file_resolve(call, file, names, true, &status)) return status;
    if (option_given(call, S("previous"))) {
        previous = load_beside(call, option_text(call, S("previous")), names, &status);
        if (!previous) return status;
    }
    for (size_t i = 0; i < n_against; i++) {
        others[i] = load_beside(call, against[i], names, &status);
        if (!others[i]) return status;
    }
    if (!store_load_matrix(workspace.store, call->arena, &matrix, &err))
        return command_fail(call, &err);
    store_close(workspace.store);
    workspace.policy = file->policy;
    workspace.resolved = file->resolved;
    workspace.has_policy = true;
    struct view_labels labels = workspace_labels(&workspace);
    struct replay replay = replay_of(&matrix, call->arena, call->scratch);
    struct held held = {.call = call, .replay = &replay, .hosts = &workspace.hosts};
    if (previous)
        held.previous = decision_build(&previous->resolved, NULL, call->arena, call->scratch);

    struct shown shown = {
        .call = call,
        .simulation = simulate_file(&held, file),
        .labels = &labels,
        .policy = file->policy.source,
        .previous = previous ? previous->source : (str){0},
        .only = option_text(call, S("ring")),
    };
    struct comparison comparison = {0};
    shown.ring = comparison_ring(shown.simulation, shown.only);
    if (!shown.ring) {
        no_such_ring(call, shown.simulation, S("the policy"), shown.only, &err);
        return command_fail(call, &err);
    }
    if (n_against) {
        if (!compare(&held, &shown, others, n_against, &comparison, &err))
            return command_fail(call, &err);
        shown.comparison = &comparison;
    }
    print(&shown);
    return any_breaks(shown.simulation, shown.only) ? EXIT_NO : EXIT_FINE;
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct option options[] = {
    POLICY_FILE_OPTION,
    {.name = T("ring"),
      .type = OPTION_TEXT,
      .value = T("NAME"),
      .help = T("only this ring, with the machines of the rings before it")                 },
    {                    .name = T("previous"),
      .type = OPTION_TEXT,
      .value = T("FILE"),
      .help = T("the policy that machines hold until their ring's turn; without it, none")},
    { .name = T("against"),
      .type = OPTION_TEXT,
      .many = true,
      .value = T("FILE"),
      .help = T("another policy to hold against the same evidence, beside the first")},
};

static const struct example examples[] = {
    {T("sallyport simulate"),                     T("What the workspace's policy would break, stop and keep")},
    {T("sallyport simulate --ring pilot --json"), T("One ring, for another program")                         },
};

const struct command simulate_command = {
    .name = T("simulate"),
    .summary = T("Say what a policy would break, before it is made"),
    .details = T(
        "Every flow that was seen is held against the policy, ring by ring. A flow that worked and "
        "would not pass is broken; one from an untrusted client, one that must never pass and one "
        "that never worked is stopped as intended. Hosts whose own side no evidence shows are "
        "listed as blind and never counted as safe. Exit status 1 when anything would break."),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .run = run,
};
