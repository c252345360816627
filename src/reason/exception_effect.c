/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/exception_effect.h"

#include "base/map.h"
#include "policy/governance.h"
#include "reason/exception_pairs.h"
#include "reason/exception_risks.h"
#include "reason/exception_scope.h"
#include "reason/replay.h"

enum {
    REACHES_MOST = 64,   /* listed; how many there are is said */
    REACHES_SHOWN = 3,   /* in the sentence */
    WHERE_MOST = 4,      /* lines that allow it already */
    USES_MOST_JSON = 100 /* listed; how many there are is said */
};

struct making {
    const struct effect_question *question;
    const struct exception_pairs *pairs;
    struct exception_effect *out;
    struct arena *arena, *scratch;
    struct prefix_set from, to; /* who can be at its ends, of families that both have */
};

static struct prefix_set meeting(const struct making *m, struct prefix_set set,
                                 struct prefix_set other)
{
    struct arena *arena = m->scratch;
    struct prefix_set none = {0};
    bool v4 = !prefix_set_is_empty(prefix_set_v4(arena, other));
    bool v6 = !prefix_set_is_empty(prefix_set_v6(arena, other));
    if (v4 && v6) return set;
    return v4 ? prefix_set_v4(arena, set) : v6 ? prefix_set_v6(arena, set) : none;
}

/* ---- Machines that are known --------------------------------------------------------------------
 */

struct known_address {
    struct addr addr;
    int64_t until_us;
    uint32_t host;
};

/* An address is the machine's that held it last. */
struct known_hosts {
    struct known_address *items; /* by address */
    size_t n;
    bool *is_machine; /* per host: it has a name, or showed itself; a sweep makes no machines */
    size_t n_hosts;
};

static int known_order(const void *left, const void *right)
{
    const struct known_address *a = left, *b = right;
    int order = addr_compare(a->addr, b->addr);
    if (order) return order;
    if (a->until_us != b->until_us) return a->until_us > b->until_us ? -1 : 1;
    return (a->host > b->host) - (a->host < b->host);
}

static const struct known_address *known_at(const struct known_hosts *known, struct addr a)
{
    size_t low = 0, high = known->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (addr_compare(known->items[middle].addr, a) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < known->n && addr_equal(known->items[low].addr, a) ? &known->items[low] : NULL;
}

static void mark(struct known_hosts *known, struct addr a)
{
    const struct known_address *at = addr_is_none(a) ? NULL : known_at(known, a);
    if (at) known->is_machine[at->host] = true;
}

static void mark_seen(struct known_hosts *known, const struct matrix_view *matrix)
{
    for (size_t i = 0; i < matrix->n_flows; i++) {
        const struct matrix_flow *flow = &matrix->flows[i];
        mark(known, flow->client.addr);
        if (replay_server_answered(flow)) mark(known, flow->server.addr);
    }
    for (size_t i = 0; i < matrix->n_coverage; i++)
        for (size_t j = 0; j < matrix->coverage[i].n_locals; j++)
            mark(known, matrix->coverage[i].locals[j]);
}

static struct known_hosts known_of(const struct effect_question *q, struct arena *arena)
{
    struct known_hosts known = {0};
    size_t room = 0, kept = 0;
    if (!q->hosts || !q->matrix) return known;
    known.n_hosts = q->hosts->n;
    known.is_machine = arena_array(arena, bool, q->hosts->n + 1);
    for (size_t i = 0; i < q->hosts->n; i++) {
        const struct host *host = q->hosts->hosts[i].host;
        known.is_machine[i] = host->name.len != 0;
        for (size_t j = 0; j < host->n_intervals; j++) {
            arena_grow(arena, known.items, known.n, room);
            known.items[known.n++] = (struct known_address){host->intervals[j].addr,
                                                            host->intervals[j].to_us, (uint32_t)i};
        }
    }
    if (known.n) qsort(known.items, known.n, sizeof *known.items, known_order);
    for (size_t i = 0; i < known.n; i++)
        if (!kept || !addr_equal(known.items[kept - 1].addr, known.items[i].addr))
            known.items[kept++] = known.items[i];
    known.n = kept;
    mark_seen(&known, q->matrix);
    return known;
}

/* Which of the blocks, for clients of which family, open a server's addresses: servers that agree
 * in this have the same clients. */
struct openings {
    uint32_t *items; /* 2 * block + is IPv6, ascending */
    size_t n;
};

static int number_order(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

struct known_counting {
    const struct making *making;
    const struct known_hosts *known;
    uint32_t *openings; /* room for one list of them */
    uint64_t *stamps;   /* per host: the list that counted it last, plus one */
    struct map lists;
    uint64_t *counts; /* machines among the clients, per list */
    size_t n, room;
};

static bool opens_to(const struct known_counting *k, const struct openings *list, struct addr a)
{
    const struct exception_blocks *blocks = &k->making->pairs->opened;
    for (size_t i = 0; i < list->n; i++)
        if (addr_is_v4(a) != (list->items[i] & 1u) &&
            prefix_set_contains(blocks->items[list->items[i] / 2].clients, a))
            return true;
    return false;
}

static uint64_t clients_of(struct known_counting *k, const struct openings *list)
{
    bool fresh = false;
    str key = {(const char *)list->items, list->n * sizeof *list->items};
    uint64_t at = *map_put(&k->lists, k->making->scratch, key, k->n, &fresh);
    if (!fresh) return k->counts[at];
    arena_grow(k->making->scratch, k->counts, k->n, k->room);
    k->counts[k->n++] = 0;
    for (size_t i = 0; i < k->known->n; i++) {
        const struct known_address *client = &k->known->items[i];
        if (!k->known->is_machine[client->host] || k->stamps[client->host] == k->n) continue;
        if (!opens_to(k, list, client->addr)) continue;
        k->stamps[client->host] = k->n;
        k->counts[at]++;
    }
    return k->counts[at];
}

/* Addresses of one host stand together. */
static void count_server(struct known_counting *k, const struct known_address *addresses, size_t n)
{
    const struct exception_blocks *blocks = &k->making->pairs->opened;
    struct openings list = {k->openings, 0};
    bool has_itself = false;
    for (size_t i = 0; i < n; i++)
        for (size_t b = 0; b < blocks->n; b++)
            if (prefix_set_contains(blocks->items[b].servers, addresses[i].addr))
                list.items[list.n++] = (uint32_t)(2 * b + !addr_is_v4(addresses[i].addr));
    if (!list.n) return;
    qsort(list.items, list.n, sizeof *list.items, number_order);
    size_t kept = 0;
    for (size_t i = 0; i < list.n; i++)
        if (!kept || list.items[kept - 1] != list.items[i]) list.items[kept++] = list.items[i];
    list.n = kept;
    for (size_t i = 0; i < n; i++)
        has_itself |= opens_to(k, &list, addresses[i].addr);
    k->making->out->known_pairs += clients_of(k, &list) - has_itself;
}

static int host_order(const void *left, const void *right)
{
    const struct known_address *a = left, *b = right;
    if (a->host != b->host) return a->host < b->host ? -1 : 1;
    return addr_compare(a->addr, b->addr);
}

/* Hosts with an address in a set, and whether the set is nothing but addresses of hosts. */
static uint64_t count_hosts(const struct known_hosts *known, const struct known_address *by_host,
                            struct prefix_set set, bool *is_all)
{
    uint64_t hosts = 0, addresses = 0;
    for (size_t i = 0; i < known->n; i++) {
        if (!known->is_machine[by_host[i].host]) continue;
        if (!prefix_set_contains(set, by_host[i].addr)) continue;
        bool again = false;
        for (size_t j = i; j && by_host[j - 1].host == by_host[i].host && !again; j--)
            again = prefix_set_contains(set, by_host[j - 1].addr);
        hosts += !again;
        addresses++;
    }
    *is_all = addresses == prefix_set_size(set) && hosts == addresses;
    return hosts;
}

static void count_known(struct making *m)
{
    struct known_hosts known = known_of(m->question, m->scratch);
    struct known_address *by_host = arena_array(m->scratch, struct known_address, known.n + 1);
    bool clients_known = false, servers_known = false;
    if (known.n) memcpy(by_host, known.items, known.n * sizeof *by_host);
    if (known.n) qsort(by_host, known.n, sizeof *by_host, host_order);
    m->out->known_clients = count_hosts(&known, by_host, m->from, &clients_known);
    m->out->known_servers = count_hosts(&known, by_host, m->to, &servers_known);
    m->out->is_known = clients_known && servers_known;
    size_t most = 0;
    for (size_t i = 0, next; i < known.n; i = next) {
        for (next = i; next < known.n && by_host[next].host == by_host[i].host; next++)
            ;
        if (next - i > most) most = next - i;
    }
    struct known_counting k = {
        .making = m,
        .known = &known,
        .openings = arena_array(m->scratch, uint32_t, most * m->pairs->opened.n + 1),
        .stamps = arena_array(m->scratch, uint64_t, known.n_hosts + 1),
    };
    for (size_t i = 0, next; i < known.n; i = next) {
        for (next = i; next < known.n && by_host[next].host == by_host[i].host; next++)
            ;
        if (known.is_machine[by_host[i].host]) count_server(&k, by_host + i, next - i);
    }
}

/* ---- Uses ---------------------------------------------------------------------------------------
 */

static bool speaks_of(const struct making *m, const struct matrix_flow *flow)
{
    const struct entry *entry = m->pairs->entry->entry;
    int service = service_by_port(m->question->policy->services, flow->transport, flow->port);
    for (size_t i = 0; i < entry->n_services; i++)
        if ((int)entry->services[i] == service) return true;
    return false;
}

static int name_order(const void *left, const void *right)
{
    const str *a = left, *b = right;
    int folded = str_compare_nocase(*a, *b);
    return folded ? folded : str_compare(*a, *b);
}

static struct names join_names(struct names a, struct names b, struct arena *arena)
{
    if (!b.n) return a;
    str *items = arena_array(arena, str, a.n + b.n);
    size_t kept = 0;
    if (a.n) memcpy(items, a.items, a.n * sizeof *items);
    memcpy(items + a.n, b.items, b.n * sizeof *items);
    qsort(items, a.n + b.n, sizeof *items, name_order);
    for (size_t i = 0; i < a.n + b.n; i++)
        if (!kept || !str_equal_nocase(items[kept - 1], items[i])) items[kept++] = items[i];
    return (struct names){items, kept};
}

static int use_order(const void *left, const void *right)
{
    const struct effect_use *a = left, *b = right;
    if (a->last_us != b->last_us) return a->last_us > b->last_us ? -1 : 1;
    int order = view_compare_ends(a->client, b->client);
    return order ? order : view_compare_ends(a->server, b->server);
}

struct use_list {
    struct effect_use *items;
    size_t n, room;
    bool *services; /* per service of the exception: somebody used it */
};

static void add_use(struct making *m, struct use_list *uses, const struct matrix_flow *flow)
{
    struct effect_use *last = uses->n ? &uses->items[uses->n - 1] : NULL;
    const struct entry *entry = m->pairs->entry->entry;
    int service = service_by_port(m->question->policy->services, flow->transport, flow->port);
    for (size_t i = 0; i < entry->n_services; i++)
        uses->services[i] |= (int)entry->services[i] == service;
    if (!last || !addr_equal(last->client.addr, flow->client.addr) ||
        !addr_equal(last->server.addr, flow->server.addr)) {
        arena_grow(m->arena, uses->items, uses->n, uses->room);
        last = &uses->items[uses->n++];
        *last = (struct effect_use){.client = flow->client, .server = flow->server};
    }
    last->connections += flow->connections;
    last->users = join_names(last->users, flow->users, m->arena);
    if (!flow->is_timeless && flow->last_us > last->last_us) last->last_us = flow->last_us;
}

/* The flows of a pair stand together in the matrix. */
static void find_uses(struct making *m, struct use_list *uses)
{
    const struct matrix_view *matrix = m->question->matrix;
    const struct reach *reach = &m->pairs->reach;
    for (size_t i = 0, next; i < matrix->n_flows; i = next) {
        const struct matrix_flow *first = &matrix->flows[i];
        struct addr client = first->client.addr, server = first->server.addr;
        bool is_opened = !addr_is_none(client) && !addr_is_none(server) &&
                         prefix_set_contains(reach->from, client) &&
                         exception_pairs_opens(m->pairs, client, server);
        bool worked = false, tried = false;
        for (next = i; next < matrix->n_flows; next++) {
            const struct matrix_flow *flow = &matrix->flows[next];
            if (view_compare_ends(flow->client, first->client) ||
                view_compare_ends(flow->server, first->server))
                break;
            if (!is_opened || !speaks_of(m, flow)) continue;
            tried = true;
            if (!view_flow_worked(flow)) continue;
            worked = true;
            add_use(m, uses, flow);
        }
        m->out->tried += tried && !worked;
    }
    m->out->uses = uses->items;
    m->out->n_uses = uses->n;
}

/* ---- The narrowest form -------------------------------------------------------------------------
 */

static void find_narrowest(struct making *m, const struct use_list *uses)
{
    const struct entry *entry = m->pairs->entry->entry;
    if (!uses->n) return;
    struct range *clients = arena_array(m->scratch, struct range, uses->n);
    struct range *servers = arena_array(m->scratch, struct range, uses->n);
    size_t *services = arena_array(m->scratch, size_t, entry->n_services + 1);
    struct exception_scope scope = {
        .services = services, .secure = entry->secure, .name = entry->name};
    for (size_t i = 0; i < uses->n; i++) {
        struct addr c = uses->items[i].client.addr, s = uses->items[i].server.addr;
        clients[i] = (struct range){c, c};
        servers[i] = (struct range){s, s};
    }
    for (size_t i = 0; i < entry->n_services; i++)
        if (uses->services[i]) services[scope.n_services++] = entry->services[i];
    scope.from = prefix_set_of(m->scratch, clients, uses->n);
    scope.to = prefix_set_of(m->scratch, servers, uses->n);
    m->out->narrowest = exception_scope_json(&scope, m->pairs->resolved, m->arena, *m->scratch);
    for (size_t i = 0; i < m->pairs->opened.n; i++) {
        const struct exception_block *block = &m->pairs->opened.items[i];
        m->out->narrowest_unused += exception_pairs_count(
            m->pairs->resolved, prefix_set_intersect(m->scratch, block->clients, scope.from),
            prefix_set_intersect(m->scratch, block->servers, scope.to), *m->scratch);
    }
    m->out->narrowest_unused -= uses->n;
}

/* ---- What else it reaches -----------------------------------------------------------------------
 */

struct reached {
    const struct share_view *share;
    str text;
};

static unsigned rank_of(enum share_kind kind)
{
    static const unsigned ranks[] = {
        [SHARE_KIND_ADMINISTRATIVE] = 0, [SHARE_KIND_USER] = 1, [SHARE_KIND_PRINT] = 2,
        [SHARE_KIND_SYSVOL] = 3,         [SHARE_KIND_IPC] = 4,
    };
    return ranks[kind];
}

static int reached_order(const void *left, const void *right)
{
    const struct reached *a = left, *b = right;
    unsigned x = rank_of(a->share->kind), y = rank_of(b->share->kind);
    if (x != y) return x < y ? -1 : 1;
    return str_compare(a->text, b->text);
}

static bool is_opened_server(const struct exception_pairs *pairs, struct addr server)
{
    for (size_t i = 0; i < pairs->opened.n; i++)
        if (prefix_set_contains(pairs->opened.items[i].servers, server)) return true;
    return false;
}

static bool is_used_by(const struct exception_pairs *pairs, const struct share_view *share)
{
    for (size_t i = 0; i < share->clients.n; i++) {
        struct addr client;
        if (addr_parse(share->clients.items[i], &client) &&
            prefix_set_contains(pairs->reach.from, client))
            return true;
    }
    return false;
}

/* SMB's own ports, which shares are reached by. */
static bool opens_shares(const struct making *m)
{
    const struct policy *policy = m->question->policy;
    const struct entry *entry = m->pairs->entry->entry;
    const int carriers[] = {
        service_by_port(policy->services, TRANSPORT_TCP, 445),
        service_by_port(policy->services, TRANSPORT_TCP, 139),
        service_by_name(policy->services, S("smb-quic")),
    };
    for (size_t i = 0; i < entry->n_services; i++)
        for (size_t j = 0; j < COUNT_OF(carriers); j++)
            if ((int)entry->services[i] == carriers[j]) return true;
    return false;
}

static void find_reaches(struct making *m)
{
    const struct effect_question *q = m->question;
    struct reached *items = NULL;
    struct map known = {0};
    size_t n = 0, room = 0;
    if (!opens_shares(m)) return;
    for (size_t i = 0; i < q->n_shares; i++) {
        const struct share_view *share = &q->shares[i];
        char text[ADDR_TEXT];
        bool fresh = false;
        if (addr_is_none(share->server.addr) || !is_opened_server(m->pairs, share->server.addr) ||
            is_used_by(m->pairs, share))
            continue;
        str server =
            share->server_name.len ? share->server_name : addr_text(text, share->server.addr);
        str label = str_format(m->arena, "%.*s on %.*s", STR_ARG(share->share), STR_ARG(server));
        map_put(&known, m->scratch, str_lower(m->scratch, label), 0, &fresh);
        if (!fresh) continue;
        arena_grow(m->scratch, items, n, room);
        items[n++] = (struct reached){share, label};
    }
    if (n) qsort(items, n, sizeof *items, reached_order);
    m->out->n_reaches_all = n;
    m->out->n_reaches = n < REACHES_MOST ? n : REACHES_MOST;
    str *texts = arena_array(m->arena, str, m->out->n_reaches + 1);
    for (size_t i = 0; i < m->out->n_reaches; i++)
        texts[i] = items[i].text;
    m->out->reaches = texts;
}

/* ---- What allows it already ---------------------------------------------------------------------
 */

static str where_of(const struct making *m, const struct resolved_entry *e)
{
    if (e->exception && e->exception->id.len)
        return str_format(m->arena, "exception %.*s", STR_ARG(e->exception->id));
    return resolve_entry_where(m->pairs->resolved, e, m->arena);
}

static bool allows_all(const struct making *m, const struct resolved_entry *e)
{
    const struct exception_pairs *p = m->pairs;
    struct reach reach = reach_of_entry(p->resolved, e, m->scratch);
    for (size_t i = 0; i < p->entry->entry->n_services; i++) {
        bool listed = false;
        for (size_t j = 0; j < e->entry->n_services; j++)
            listed |= e->entry->services[j] == p->entry->entry->services[i];
        if (!listed) return false;
    }
    return (p->secured || !reach_is_secure(e)) && prefix_set_covers(reach.from, p->reach.from) &&
           prefix_set_covers(reach.to, p->reach.to);
}

/* One that allows all of it alone, or else those that have a part in it. */
static void find_superfluous(struct making *m)
{
    const struct exception_pairs *p = m->pairs;
    const struct resolved *resolved = p->resolved;
    struct buf text = buf_in(m->arena);
    size_t n = 0;
    if (p->n_allowed || !p->n_all || p->undecidable.len) return;
    for (size_t i = 0; i + 1 < resolved->n_entries; i++)
        if (allows_all(m, &resolved->entries[i])) {
            m->out->superfluous = where_of(m, &resolved->entries[i]);
            return;
        }
    for (size_t i = 0; i + 1 < resolved->n_entries; i++) {
        const struct resolved_entry *e = &resolved->entries[i];
        struct reach reach = reach_of_entry(resolved, e, m->scratch);
        if ((reach_is_secure(e) && !p->secured) ||
            !prefix_set_overlaps(reach.from, p->reach.from) ||
            !prefix_set_overlaps(reach.to, p->reach.to))
            continue;
        if (n++ < WHERE_MOST)
            buf_format(&text, "%s%.*s", n > 1 ? ", " : "", STR_ARG(where_of(m, e)));
    }
    for (size_t i = 0; i < resolved->n_perimeter; i++) {
        const struct resolved_perimeter *e = &resolved->perimeter[i];
        if (!prefix_set_overlaps(e->from, p->reach.from) ||
            !prefix_set_overlaps(e->to, p->reach.to))
            continue;
        if (n++ < WHERE_MOST)
            buf_format(&text, "%s%.*s:%" PRIu32, n > 1 ? ", " : "",
                       STR_ARG(resolved->policy->source), e->entry->place.line);
    }
    if (n > WHERE_MOST) buf_format(&text, " and %zu more", n - WHERE_MOST);
    m->out->superfluous = buf_text(&text);
}

/* ---- The whole ----------------------------------------------------------------------------------
 */

static void look_at_evidence(struct making *m)
{
    struct use_list uses = {
        .services = arena_array(m->scratch, bool, m->pairs->entry->entry->n_services + 1)};
    m->out->has_evidence = true;
    find_uses(m, &uses);
    find_narrowest(m, &uses);
    if (uses.n) qsort(uses.items, uses.n, sizeof *uses.items, use_order);
    count_known(m);
    find_reaches(m);
}

bool exception_effect(const struct effect_question *question, struct arena *arena,
                      struct arena scratch, struct exception_effect *out, struct diagnostics *found)
{
    struct exception_pairs pairs;
    struct exception_effect effect = {0};
    struct governance governance = governance_default();
    if (question->policy->governance) governance = *question->policy->governance;
    if (question->governance) governance = *question->governance;
    if (!exception_pairs_of(question->policy, question->exception, question->lookup,
                            question->as_of_us, arena, scratch, &pairs, found))
        return false;
    struct arena work = arena_open("the effect of an exception", 0, NULL);
    struct making m = {
        .question = question, .pairs = &pairs, .out = &effect, .arena = arena, .scratch = &work};
    m.from = meeting(&m, pairs.reach.from, pairs.reach.to);
    m.to = meeting(&m, pairs.reach.to, pairs.reach.from);
    effect.clients = prefix_set_size(m.from);
    effect.servers = prefix_set_size(m.to);
    effect.pairs = pairs.n_opened;
    effect.pairs_open = pairs.n_open;
    effect.pairs_allowed = pairs.n_allowed;
    effect.undecidable = pairs.undecidable;
    effect.risks = exception_risks(&pairs, question, &governance, arena, work, &effect.n_risks);
    if (question->matrix) look_at_evidence(&m);
    find_superfluous(&m);
    arena_close(&work);
    *out = effect;
    return true;
}

/* ---- Words --------------------------------------------------------------------------------------
 */

static void put_number(struct buf *out, uint64_t n)
{
    if (n > CURES_MANY)
        buf_str(out, S("countless"));
    else
        buf_u64(out, n);
}

static void put_known(struct buf *out, const struct exception_effect *e)
{
    if (e->is_known || !e->has_evidence) return;
    bool one_end = e->known_servers == e->servers || e->known_clients == e->clients;
    uint64_t known = e->known_servers == e->servers ? e->known_clients : e->known_servers;
    if (one_end)
        buf_format(out, " (%" PRIu64 " known machine%s)", known, known == 1 ? "" : "s");
    else
        buf_format(out, " (%" PRIu64 " × %" PRIu64 " known machines)", e->known_clients,
                   e->known_servers);
}

static void put_pairs(struct buf *out, const struct exception_effect *e)
{
    const char *kind = e->is_known ? "host" : "address";
    uint64_t product = 0;
    bool whole = num_mul(e->clients, e->servers, &product) && product == e->pairs;
    bool countless = e->clients > CURES_MANY && e->servers > CURES_MANY;
    if (!e->clients || !e->servers) {
        buf_str(out, S("opens nothing: no two addresses of its ends could meet (what is in no "
                       "segment takes the word internet)"));
        return;
    }
    whole |= !countless && e->pairs > CURES_MANY;
    buf_str(out, S("opens "));
    if (!e->pairs) {
        buf_format(out, "none of its ");
        put_number(out, e->clients);
        buf_str(out, S(" × "));
        put_number(out, e->servers);
    } else if (whole) {
        put_number(out, e->clients);
        buf_str(out, S(" × "));
        put_number(out, e->servers);
    } else {
        put_number(out, e->pairs);
    }
    buf_format(out, " %s pair%s", kind, e->pairs == 1 ? "" : "s");
    if (e->pairs && !whole && !countless) {
        buf_str(out, S(" between "));
        put_number(out, e->clients);
        buf_format(out, " client%s and ", e->clients == 1 ? "" : "s");
        put_number(out, e->servers);
        buf_format(out, " server%s", e->servers == 1 ? "" : "s");
    }
    put_known(out, e);
}

static void put_used(struct buf *out, const struct exception_effect *e)
{
    if (!e->pairs) return;
    if (!e->has_evidence) {
        buf_str(out, S("; nothing was read that could show its use"));
        return;
    }
    if (!e->n_uses)
        buf_str(out, S(", of which none was ever used"));
    else
        buf_format(out, ", of which %zu %s ever used", e->n_uses, e->n_uses == 1 ? "was" : "were");
    if (e->tried)
        buf_format(out, " and %" PRIu64 " %s tried in vain", e->tried,
                   e->tried == 1 ? "was" : "were");
}

static void put_reaches(struct buf *out, const struct exception_effect *e)
{
    if (!e->n_reaches) return;
    size_t shown = e->n_reaches < REACHES_SHOWN ? e->n_reaches : REACHES_SHOWN;
    buf_str(out, S("; also reaches "));
    for (size_t i = 0; i < shown; i++)
        buf_format(out, "%s%.*s",
                   !i                          ? ""
                   : i + 1 == e->n_reaches_all ? " and "
                                               : ", ",
                   STR_ARG(e->reaches[i]));
    if (shown < e->n_reaches_all) buf_format(out, " and %zu more", e->n_reaches_all - shown);
}

str exception_effect_text(const struct exception_effect *effect, struct arena *arena)
{
    const struct exception_effect *e = effect;
    struct buf out = buf_in(arena);
    put_pairs(&out, e);
    put_used(&out, e);
    if (e->superfluous.len)
        buf_format(&out, "; %.*s allows all of it already", STR_ARG(e->superfluous));
    else if (e->pairs_open) {
        buf_str(&out, S("; "));
        put_number(&out, e->pairs_open);
        buf_format(&out, " pass%s without it", e->pairs_open == 1 ? "es" : "");
        /* An intent that nothing enforces is no opening today. */
        if (e->pairs_allowed > e->pairs) buf_str(&out, S(", since nothing enforces there"));
    } else if (!e->pairs && e->pairs_allowed)
        buf_str(&out, S("; the mode of its machines blocks it all the same"));
    put_reaches(&out, e);
    if (e->undecidable.len)
        buf_format(&out, "; it may open more or less: nobody knows the members of %.*s",
                   STR_ARG(e->undecidable));
    return buf_text(&out);
}

/* ---- JSON ---------------------------------------------------------------------------------------
 */

static void member_number(struct json *json, str key, uint64_t value)
{
    json_member_u64(json, key, value < CURES_MANY ? value : CURES_MANY);
}

static void member_strings(struct json *json, str key, const str *items, size_t n)
{
    json_key(json, key);
    json_array(json);
    for (size_t i = 0; i < n; i++)
        json_str(json, items[i]);
    json_array_end(json);
}

static void put_end(struct json *json, str key, struct endpoint end)
{
    json_key(json, key);
    if (addr_is_none(end.addr))
        json_str(json, end.name);
    else
        json_addr(json, end.addr);
}

static void put_uses(struct json *json, const struct exception_effect *e)
{
    json_key(json, S("uses"));
    json_array(json);
    for (size_t i = 0; i < e->n_uses && i < USES_MOST_JSON; i++) {
        const struct effect_use *use = &e->uses[i];
        json_object(json);
        put_end(json, S("client"), use->client);
        put_end(json, S("server"), use->server);
        json_member_u64(json, S("connections"), use->connections);
        json_key(json, S("last_seen"));
        if (use->last_us)
            json_instant(json, use->last_us);
        else
            json_null(json);
        member_strings(json, S("users"), use->users.items, use->users.n);
        json_object_end(json);
    }
    json_array_end(json);
}

str exception_effect_json(const struct exception_effect *effect, struct arena *arena)
{
    const struct exception_effect *e = effect;
    struct buf out = buf_in(arena);
    struct json json = json_to(&out);
    json_object(&json);
    json_member_str(&json, S("text"), exception_effect_text(e, arena));
    member_number(&json, S("clients"), e->clients);
    member_number(&json, S("servers"), e->servers);
    member_number(&json, S("pairs"), e->pairs);
    member_number(&json, S("pairs_open"), e->pairs_open);
    member_number(&json, S("pairs_allowed"), e->pairs_allowed);
    json_member_bool(&json, S("has_evidence"), e->has_evidence);
    member_number(&json, S("known_clients"), e->known_clients);
    member_number(&json, S("known_servers"), e->known_servers);
    member_number(&json, S("known_pairs"), e->known_pairs);
    json_member_u64(&json, S("pairs_used"), e->n_uses);
    json_member_u64(&json, S("pairs_tried"), e->tried);
    put_uses(&json, e);
    member_strings(&json, S("reaches"), e->reaches, e->n_reaches);
    json_member_u64(&json, S("reaches_total"), e->n_reaches_all);
    member_strings(&json, S("risks"), e->risks, e->n_risks);
    json_key(&json, S("narrowest"));
    if (e->narrowest.len) {
        buf_str(&out, e->narrowest);
        json.after_key = false;
    } else
        json_null(&json);
    member_number(&json, S("narrowest_unused"), e->narrowest_unused);
    json_member_str_or_null(&json, S("superfluous"), e->superfluous);
    json_member_str_or_null(&json, S("undecidable"), e->undecidable);
    json_object_end(&json);
    return buf_text(&out);
}
