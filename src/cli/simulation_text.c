/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/simulation_text.h"

#include "base/instant.h"
#include "base/map.h"

/* On a terminal; --json and --format csv have all. */
enum { ROWS_SHOWN = 100, CURES_SHOWN = 20, WIDER_SHOWN = 2, SERVERS_SHOWN = 5 };
/* A sweep has thousands of them. */
enum { UNANSWERED_SHOWN = 3 };
/* Flows whose reasons are put into words and counted. */
enum { REASONS_ASKED = 10000 };

static str plural(struct arena *arena, uint64_t n, const char *one, const char *many)
{
    return str_format(arena, "%" PRIu64 " %s", n, n == 1 ? one : many);
}

static str first_of(struct arena *arena, struct names names, size_t shown)
{
    struct buf text = buf_in(arena);
    for (size_t i = 0; i < names.n && i < shown; i++) {
        if (i) buf_str(&text, S(", "));
        buf_str(&text, names.items[i]);
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

/* IPC$ is part of every session, and says nothing where there is another. */
static str shares_text(struct arena *arena, struct names shares)
{
    str *items = arena_array(arena, str, shares.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < shares.n; i++) {
        str name = share_name(shares.items[i]);
        if (!str_equal_nocase(name, S("IPC$"))) items[n++] = name;
    }
    return n ? first_of(arena, (struct names){items, n}, 1) : shares.n ? S("IPC$") : (str){0};
}

static str people(struct arena *arena, struct names users)
{
    return first_of(arena, users, 1);
}

static str day_text(struct arena *arena, const struct matrix_flow *flow)
{
    char text[INSTANT_TEXT];
    if (flow->is_timeless) return S("-");
    return str_copy(arena, str_head(instant_text(text, flow->last_us), 10));
}

static void heading(const struct simulation_text *s, str text, enum table_tone tone)
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
static struct by_server gather(const struct simulation_text *s,
                               bool (*wanted)(const struct simulated_flow *),
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

static void add_flow(struct table *table, const struct simulation_text *s,
                     const struct simulated_flow *flow)
{
    struct arena *arena = s->call->arena;
    const struct matrix_flow *seen = flow->flow;
    str client = view_end_label(arena, seen->client, seen->client_names);
    table_add(table, str_format(arena, "  %.*s", STR_ARG(client)));
    table_add(table, view_service_text(arena, s->labels, seen->transport, seen->port));
    table_add(table, people(arena, seen->users));
    table_add(table, shares_text(arena, seen->shares));
    table_add_u64(table, seen->connections);
    table_add_u64(table, seen->days);
    table_add(table, day_text(arena, seen));
    table_add(table, at_text(arena, flow));
}

static void print_rest(const struct simulation_text *s, const struct by_server *all, size_t hidden)
{
    struct buf *out = s->call->out;
    if (hidden) buf_format(out, "and %zu more: --json and --format csv have all\n", hidden);
    for (size_t i = 0; i < all->unanswered.n; i++)
        if (all->unanswered.entries[i].value > UNANSWERED_SHOWN)
            buf_format(out, "%.*s: and %" PRIu64 " more servers that never answered\n",
                       STR_ARG(all->unanswered.entries[i].key),
                       all->unanswered.entries[i].value - UNANSWERED_SHOWN);
}

/* Flows server by server, the one with most people first. */
static void print_flows(const struct simulation_text *s, struct by_server all)
{
    static const struct table_column columns[] = {
        {{"server, its clients", 19}, ALIGN_LEFT,  32},
        {{"service", 7},              ALIGN_LEFT,  10},
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
    print_rest(s, &all, hidden);
}

/* Flows of which there is no need to act: one after the other. */
static void print_list(const struct simulation_text *s, enum simulate_verdict verdict)
{
    static const struct table_column columns[] = {
        {{"client", 6},  ALIGN_LEFT,  30},
        {{"server", 6},  ALIGN_LEFT,  30},
        {{"service", 7}, ALIGN_LEFT,  9 },
        {{"users", 5},   ALIGN_LEFT,  20},
        {{"seen", 4},    ALIGN_RIGHT, 0 },
        {{"last", 4},    ALIGN_LEFT,  0 },
        {{"at", 2},      ALIGN_LEFT,  0 },
    };
    struct invocation *call = s->call;
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    struct by_server all = {0};
    size_t shown = 0, hidden = 0;
    for (size_t i = 0; i < s->ring->n_flows; i++) {
        const struct simulated_flow *flow = &s->ring->flows[i];
        const struct matrix_flow *seen = flow->flow;
        if (flow->verdict != verdict || is_too_silent(&all, call->arena, seen)) continue;
        if (shown++ >= ROWS_SHOWN) {
            hidden++;
            continue;
        }
        table_add(&table, view_end_label(call->arena, seen->client, seen->client_names));
        table_add(&table, view_end_label(call->arena, seen->server, seen->server_names));
        table_add(&table, view_service_text(call->arena, s->labels, seen->transport, seen->port));
        table_add(&table, people(call->arena, seen->users));
        table_add_u64(&table, seen->connections);
        table_add(&table, day_text(call->arena, seen));
        table_add(&table, at_text(call->arena, flow));
    }
    table_print_text(&table, call->out, call->colour);
    print_rest(s, &all, hidden);
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
static void print_reasons(const struct simulation_text *s, enum simulate_verdict verdict)
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

static void print_verdict(const struct simulation_text *s, enum simulate_verdict verdict,
                          str sentence, enum table_tone tone)
{
    uint64_t n = s->ring->count[verdict];
    if (!n) return;
    heading(s, str_format(s->call->arena, "%" PRIu64 " %.*s", n, STR_ARG(sentence)), tone);
    if (verdict == SIMULATE_BROKEN)
        print_flows(s, gather(s, NULL, verdict));
    else
        print_list(s, verdict);
    print_reasons(s, verdict);
}

/* ---- Cures --------------------------------------------------------------------------------------
 */

static str opens_text(struct arena *arena, struct opened opens)
{
    str known = plural(arena, opens.known, "pair", "pairs");
    if (!opens.pairs) return S("opens nothing else");
    if (opens.pairs == CURES_MANY)
        return str_format(arena, "opens %.*s of known machines never seen, and whatever may come",
                          STR_ARG(known));
    str pairs = plural(arena, opens.pairs, "pair", "pairs");
    return str_format(arena, "opens %.*s never seen (%.*s of known machines)", STR_ARG(pairs),
                      STR_ARG(known));
}

static void print_entry(const struct simulation_text *s, str entry, enum table_tone tone)
{
    enum { WIDEST = 300 };
    table_tone(s->call->out, str_head(entry, entry.len < WIDEST ? entry.len : WIDEST), tone,
               s->call->colour);
    if (entry.len > WIDEST) buf_str(s->call->out, S("... (--json has it whole)"));
}

static void print_cure(const struct simulation_text *s, const struct cure *cure)
{
    struct invocation *call = s->call;
    buf_str(call->out, S("  "));
    print_entry(s, cure->entry, TONE_STRONG);
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
        print_entry(s, cure->wider[i].entry, TONE_PLAIN);
        buf_format(call->out, "\n         %.*s\n",
                   STR_ARG(opens_text(call->arena, cure->wider[i].opens)));
    }
}

static void print_cures(const struct simulation_text *s)
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

static void print_hardening(const struct simulation_text *s)
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

static void print_warnings(const struct simulation_text *s)
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

static void add_csv(struct table *table, const struct simulation_text *s,
                    const struct simulation *simulation, const struct simulated_ring *ring,
                    const struct simulated_flow *flow, str policy)
{
    struct arena *arena = s->call->arena;
    const struct matrix_flow *seen = flow->flow;
    bool has_side = flow->verdict == SIMULATE_BROKEN || flow->verdict == SIMULATE_STOPPED;
    char last_seen[INSTANT_TEXT];
    struct opened opens = {0};
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
        table_add_u64(table, opens.pairs);
    else
        table_add(table, (str){0});
    table_add_u64(table, seen->days);
    table_add_u64(table, seen->shares.n);
    table_add(table, settings_text(arena, flow->lacks));
    table_add(table, policy);
}

void simulation_text_csv(const struct simulation_text *s)
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
static void print_blind(const struct simulation_text *s)
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

static void print_policies(const struct simulation_text *s)
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

static void print_differences(const struct simulation_text *s)
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

void simulation_text_print(const struct simulation_text *s)
{
    struct invocation *call = s->call;
    struct table rings = rings_table(call, s->simulation, s->only);
    uint64_t left_alone = s->simulation->n_ungoverned;
    buf_format(call->out,
               "%.*s, held against what was seen; each ring with the machines of all rings "
               "before it\n",
               STR_ARG(s->policy));
    if (s->previous.len)
        buf_format(call->out, "machines whose turn has not come still hold %.*s\n",
                   STR_ARG(s->previous));
    buf_char(call->out, '\n');
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
