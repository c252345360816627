/* SPDX-License-Identifier: Apache-2.0 */
#include "report/figures.h"

#include "base/map.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* clang-format off */
const struct figures_row figures_rows[] = {
#define X(name, text) {T(#name), T(text), offsetof(struct figures, name)},
    FIGURES(X)
#undef X
};
/* clang-format on */
const size_t figures_n_rows = COUNT_OF(figures_rows);

uint64_t figures_value(const struct figures *figures, size_t row)
{
    uint64_t value;
    memcpy(&value, (const char *)figures + figures_rows[row].offset, sizeof value);
    return value;
}

/* One machine of ours, by an address of it. */
struct counted_machine {
    struct addr addr;
    uint32_t class_id; /* of the decision */
    bool serves, seen;
};

struct counting {
    const struct figures_question *q;
    struct figures *out;
    struct counted_machine *machines;
    size_t n;
    struct map by_addr; /* address bytes → machine */
    struct arena *arena;
};

static str addr_key(uint8_t octets[16], struct addr a)
{
    addr_to_bytes(a, octets);
    return (str){(const char *)octets, 16};
}

static size_t machine_at(const struct counting *c, struct addr a)
{
    uint8_t octets[16];
    const uint64_t *at = addr_is_none(a) ? NULL : map_find(&c->by_addr, addr_key(octets, a));
    return at ? (size_t)*at : SIZE_MAX;
}

static void put_address(struct counting *c, struct addr a, size_t machine)
{
    uint8_t octets[16];
    map_put(&c->by_addr, c->arena, addr_key(octets, a), machine, NULL);
}

/* ---- Machines -----------------------------------------------------------------------------------
 */

/* With a policy those it speaks of; without one, every address that is somebody's. */
static void find_machines(struct counting *c, struct arena *scratch)
{
    const struct replay *replay = c->q->replay;
    const struct resolved *resolved = c->q->resolved;
    struct known_machines known = {0};
    if (resolved) known = blind_machines(resolved, replay, c->arena, *scratch);
    c->machines =
        arena_array(c->arena, struct counted_machine, (resolved ? known.n : replay->n_ends) + 1);
    for (size_t i = 0; i < known.n; i++) {
        if (addr_is_none(known.items[i].addr)) continue;
        put_address(c, known.items[i].addr, c->n);
        c->machines[c->n++] = (struct counted_machine){.addr = known.items[i].addr,
                                                       .seen = known.items[i].has_own_evidence};
    }
    for (size_t i = 0; !resolved && i < replay->n_ends; i++) {
        if (!replay->ends[i].is_known) continue;
        put_address(c, replay->ends[i].addr, c->n);
        c->machines[c->n++] = (struct counted_machine){
            .addr = replay->ends[i].addr,
            .seen = replay->ends[i].captured || replay->ends[i].has_log,
        };
    }
}

/* The other addresses of a machine that the policy names. */
static void find_addresses(struct counting *c)
{
    const struct resolved *r = c->q->resolved;
    for (size_t i = 0; r && i < r->n_machines; i++) {
        size_t machine = SIZE_MAX;
        for (size_t j = 0; j < r->machines[i].n_addrs && machine == SIZE_MAX; j++)
            machine = machine_at(c, r->machines[i].addrs[j]);
        for (size_t j = 0; j < r->machines[i].n_addrs && machine != SIZE_MAX; j++)
            put_address(c, r->machines[i].addrs[j], machine);
    }
}

static void count_machines(struct counting *c)
{
    struct figures *f = c->out;
    const struct resolved *r = c->q->resolved;
    /* A machine that only refused answered, but serves nobody. */
    for (size_t i = 0; i < c->q->matrix->n_flows; i++) {
        const struct matrix_flow *flow = &c->q->matrix->flows[i];
        size_t at = machine_at(c, flow->server.addr);
        if (at != SIZE_MAX && view_flow_worked(flow)) c->machines[at].serves = true;
    }
    for (size_t i = 0; i < c->n; i++) {
        f->machines_seen += c->machines[i].seen;
        f->servers += c->machines[i].serves;
        if (!r) continue;
        f->managed += prefix_set_contains(r->enforcing, c->machines[i].addr) ||
                      prefix_set_contains(r->unmanaged_members, c->machines[i].addr);
    }
    f->machines = c->n;
    for (size_t i = 0; i < c->q->hosts->n; i++) {
        const struct host_view *host = &c->q->hosts->hosts[i];
        bool ours = false;
        for (size_t j = 0; j < host->host->n_intervals && !ours; j++)
            ours = machine_at(c, host->host->intervals[j].addr) != SIZE_MAX;
        f->smb1 += host->posture.smb1 && ours;
    }
}

/* ---- Pairs --------------------------------------------------------------------------------------
 */

static struct flow_question smb_question(struct addr client, struct addr server)
{
    return (struct flow_question){.client = client,
                                  .server = server,
                                  .transport = TRANSPORT_TCP,
                                  .port = 445,
                                  .service = SERVICE_NONE,
                                  .profile = PROFILE_DOMAIN};
}

/* Whether somebody gets through, secured or not; where members are not known, somebody may. */
static bool is_open(const struct decision *decision, struct addr client, struct addr server)
{
    struct flow_question q = smb_question(client, server);
    struct flow_answer answer = decision_ask(decision, &q);
    return answer.passes || answer.passes_secured || answer.intent == INTENT_UNDECIDABLE;
}

/* Machines that the policy can't tell apart get one number. */
static void find_classes(struct counting *c, struct arena scratch)
{
    struct flow_question *questions = arena_array(&scratch, struct flow_question, c->n + 1);
    struct flow_record *records = arena_array(&scratch, struct flow_record, c->n + 1);
    for (size_t i = 0; i < c->n; i++)
        questions[i] = smb_question(c->machines[i].addr, c->machines[i].addr);
    decision_records(c->q->decision, questions, c->n, records);
    for (size_t i = 0; i < c->n; i++)
        c->machines[i].class_id = records[i].client;
}

static int class_order(const void *left, const void *right)
{
    const struct counted_machine *const *a = left, *const *b = right;
    if ((*a)->class_id != (*b)->class_id) return (*a)->class_id < (*b)->class_id ? -1 : 1;
    return addr_compare((*a)->addr, (*b)->addr);
}

/* Machines of one class, and how many of them serve; two of them, as ends of one question. */
struct kin {
    const struct counted_machine *first, *second;
    uint64_t n, n_serving;
};

static struct kin *find_kin(const struct counting *c, struct arena *arena, size_t *n)
{
    const struct counted_machine **sorted =
        arena_array(arena, const struct counted_machine *, c->n + 1);
    struct kin *kin = arena_array(arena, struct kin, c->n + 1);
    *n = 0;
    for (size_t i = 0; i < c->n; i++)
        sorted[i] = &c->machines[i];
    if (c->n) qsort(sorted, c->n, sizeof *sorted, class_order);
    for (size_t i = 0; i < c->n; i++) {
        bool same = *n && kin[*n - 1].first->class_id == sorted[i]->class_id;
        if (!same) kin[(*n)++] = (struct kin){.first = sorted[i]};
        kin[*n - 1].second = sorted[i];
        kin[*n - 1].n++;
        kin[*n - 1].n_serving += sorted[i]->serves;
    }
    return kin;
}

/* Pairs of a machine and another one that serves; a class is asked about once, and
 * of two machines of one class as what they are: different ones. */
static void count_pairs(struct counting *c, struct arena scratch)
{
    struct figures *f = c->out;
    size_t n = 0;
    f->pairs = f->servers * (c->n ? c->n - 1 : 0);
    f->pairs_open = f->pairs;
    if (!c->q->decision) return;
    find_classes(c, scratch);
    struct kin *kin = find_kin(c, &scratch, &n);
    f->pairs_open = 0;
    for (size_t i = 0; i < n; i++) {
        if (!kin[i].n_serving) continue;
        for (size_t j = 0; j < n; j++) {
            uint64_t pairs = kin[i].n_serving * (kin[j].n - (i == j));
            if (!pairs) continue;
            if (is_open(c->q->decision, kin[j].second->addr, kin[i].first->addr))
                f->pairs_open += pairs;
        }
    }
}

/* Open pairs between which some governed flow worked. */
static void count_used(struct counting *c)
{
    struct map used = {0};
    const struct matrix_view *matrix = c->q->matrix;
    for (size_t i = 0; i < matrix->n_flows; i++) {
        const struct matrix_flow *flow = &matrix->flows[i];
        bool is_smb = flow->is_smb || (flow->transport == TRANSPORT_TCP && flow->port == 445);
        size_t client = machine_at(c, flow->client.addr), server = machine_at(c, flow->server.addr);
        if (!is_smb || client == SIZE_MAX || server == SIZE_MAX || client == server) continue;
        if (!c->machines[server].serves || !view_flow_worked(flow)) continue;
        if (c->q->decision &&
            !is_open(c->q->decision, c->machines[client].addr, c->machines[server].addr))
            continue;
        size_t key[2] = {client, server};
        map_put(&used, c->arena, (str){(const char *)key, sizeof key}, 1, NULL);
    }
    c->out->pairs_used = used.n;
}

/* ---- The rest -----------------------------------------------------------------------------------
 */

static void count_flows(struct counting *c)
{
    struct figures *f = c->out;
    const struct simulation *s = c->q->simulation;
    f->flows = c->q->matrix->n_flows;
    f->blind = f->machines - f->machines_seen;
    if (!s || !s->n_rings) return;
    const struct simulated_ring *ring = &s->rings[s->n_rings - 1];
    for (size_t i = 0; i < ring->n_flows; i++)
        f->attempts += ring->flows[i].verdict == SIMULATE_STOPPED &&
                       !replay_server_answered(ring->flows[i].flow);
    f->broken = ring->count[SIMULATE_BROKEN];
    f->stopped = ring->count[SIMULATE_STOPPED] - f->attempts;
    f->kept = ring->count[SIMULATE_KEPT];
    f->escaped = ring->count[SIMULATE_ESCAPED];
    f->undecidable = ring->count[SIMULATE_UNDECIDABLE];
    f->blind = s->n_blind;
    f->enforcing = ring->enforcing_by_evidence;
}

static void count_evidence(struct counting *c)
{
    struct figures *f = c->out;
    const struct matrix_view *matrix = c->q->matrix;
    f->sources = matrix->n_coverage;
    f->skipped = matrix->n_skips;
    for (size_t i = 0; i < matrix->n_coverage; i++)
        f->records += matrix->coverage[i].records;
    f->has_times = c->q->replay->has_times;
    f->from_us = c->q->replay->from_us;
    f->to_us = c->q->replay->to_us;
}

/* Settings of a silent machine count as unknown: as many as the others are asked on average. */
static void count_settings(struct counting *c)
{
    struct figures *f = c->out;
    const struct figures_settings *s = c->q->settings;
    if (!s) return;
    uint64_t asked = s->ok + s->differs + s->unknown;
    f->has_settings = true;
    f->settings = asked + (s->machines ? asked / s->machines * s->silent : s->silent);
    f->settings_ok = s->ok;
    f->settings_differ = s->differs;
}

static void count_exception(struct figures *f, const struct register_row *row, int64_t as_of_us)
{
    bool living = register_is_living(row);
    f->exceptions += living;
    f->exceptions_in_order += row->in_order;
    f->exceptions_scheduled += row->state == BOOK_SCHEDULED;
    f->exceptions_pending += row->state == BOOK_PENDING;
    f->exceptions_expired += row->state == BOOK_EXPIRED;
    f->exceptions_carried += row->carried;
    f->exceptions_overdue += row->overdue;
    f->exceptions_orphaned += row->orphaned.len > 0;
    f->living_overdue += living && row->overdue;
    f->living_orphaned += living && row->orphaned.len > 0;
    f->exceptions_ending += living && register_days_left(row, as_of_us) <= 14;
    f->exceptions_unused += living && row->use && row->use->proposal == USE_REMOVE;
    f->exceptions_leaking += !living && row->use && row->use->passed_after > 0;
    f->break_glass += living && row->break_glass;
}

struct figures figures_of(const struct figures_question *question, struct arena *arena,
                          struct arena scratch)
{
    struct figures out = {.has_policy = question->resolved != NULL};
    struct counting counting = {.q = question, .out = &out, .arena = arena};
    find_machines(&counting, &scratch);
    find_addresses(&counting);
    count_machines(&counting);
    count_pairs(&counting, scratch);
    count_used(&counting);
    count_flows(&counting);
    count_evidence(&counting);
    count_settings(&counting);
    out.has_ledger = question->exceptions->has_ledger;
    for (size_t i = 0; i < question->exceptions->n; i++)
        count_exception(&out, &question->exceptions->rows[i], question->as_of_us);
    return out;
}
