/* SPDX-License-Identifier: Apache-2.0 */
/* Which address a name stands for is asked per edge and UTC day. All rows of edges with a named end
 * are held in memory for it: events are few beside packets and firewall lines, and what they give
 * was folded before.
 */
#include "base/instant.h"
#include "matrix/batch.h"
#include "matrix/join.h"
#include "store/loading.h"

enum {
    /* Addresses of one host that are asked for; a host with more keeps its name. */
    ADDRESSES = 8,
    PAIRS = ADDRESSES * ADDRESSES,
};

/* The ends that a named edge may mean on a day. */
struct meaning {
    size_t edge;
    int64_t day;
    struct endpoint clients[ADDRESSES], servers[ADDRESSES];
    size_t n_clients, n_servers;
    uint64_t seen; /* bit per pair: a connection of the same client port */
    size_t target;
};

/* The name of each end's host is asked once. */
struct naming {
    struct loading *l;
    struct hosts_index *names;
    struct map edges; /* ends, port and transport → index */
    struct meaning *meanings;
    size_t n, room;
};

static_assert(PAIRS <= 64, "a pair has a bit");

/* ---- Rows of named edges ------------------------------------------------------------------------
 */

static bool read_named(struct loading *l, enum relation_id id, struct err *err)
{
    struct runs_of of = {id, true};
    struct runs_reader *reader = NULL;
    const struct relation *relation = &relations[id];
    if (!runs_open(l->store, of, NULL, l->scratch, &reader, err)) return false;
    for (const int64_t *row = NULL;;) {
        if (!runs_next(reader, &row, err)) return false;
        if (!row) return true;
        if (row[0] <= 0 || (uint64_t)row[0] >= l->n_edges) return tables_damaged(err);
        memcpy(relation_push(relation, l->scratch, &l->named[id]), row,
               relation->n_columns * sizeof *row);
    }
}

/* The day of a row, by which its name is asked. */
static int64_t day_of(enum relation_id id, const int64_t *row)
{
    switch (id) {
    case RELATION_OF_FLOW:
        return row[FLOW_DAY];
    case RELATION_OF_CONNECTION:
        return instant_day(row[CONNECTION_START]);
    case RELATION_OF_TRAIT:
        return row[TRAIT_DAY];
    case RELATION_OF_NAME:
        return row[NAME_DAY];
    case RELATION_OF_USE:
        return row[USE_DAY];
    case RELATION_COUNT:
        break;
    }
    return 0;
}

/* ---- Ends ---------------------------------------------------------------------------------------
 */

static size_t ask_name(const struct naming *naming, struct endpoint end, int64_t day,
                       struct endpoint *out)
{
    struct addr addrs[ADDRESSES + 1];
    const struct host *host = NULL;
    size_t n = 0;
    if (!addr_is_none(end.addr)) {
        out[0] = end;
        return 1;
    }
    host = hosts_named(naming->names, end.name);
    if (host) n = hosts_addresses_on(naming->l->hosts, host, (int32_t)day, addrs, ADDRESSES + 1);
    if (n > ADDRESSES) n = 0;
    for (size_t i = 0; i < n; i++)
        out[i] = (struct endpoint){.addr = addrs[i]};
    return n;
}

/* Both ends are of one family. */
static void match_families(struct endpoint *ends, size_t *n, const struct endpoint *others,
                           size_t n_others)
{
    size_t kept = 0;
    if (n_others != 1) return;
    for (size_t i = 0; i < *n; i++)
        if (addr_is_v4(ends[i].addr) == addr_is_v4(others[0].addr)) ends[kept++] = ends[i];
    *n = kept;
}

/* ---- Edges --------------------------------------------------------------------------------------
 */

struct edge_key {
    struct addr client, server;
    uint64_t client_name, server_name; /* numbers of ends that have no address */
    uint64_t port;
};

/* A name is known by where its text lies: ends are loaded once. */
static uint64_t name_of(struct endpoint end)
{
    return addr_is_none(end.addr) ? (uint64_t)(uintptr_t)end.name.ptr : 0;
}

static struct edge_key key_of(const struct matrix_flow *flow)
{
    return (struct edge_key){flow->client.addr, flow->server.addr, name_of(flow->client),
                             name_of(flow->server),
                             (uint64_t)flow->port << 8 | (uint64_t)flow->transport};
}

static str key_text(const struct edge_key *key)
{
    return (str){(const char *)key, sizeof *key};
}

static void index_edges(struct naming *naming)
{
    struct loading *l = naming->l;
    for (size_t i = 1; i < l->n_edges; i++) {
        struct edge_key key = key_of(&l->edges[i].flow);
        if (l->edges[i].defined) (void)map_put(&naming->edges, l->scratch, key_text(&key), i, NULL);
    }
}

static size_t find_edge(const struct naming *naming, size_t like, struct endpoint client,
                        struct endpoint server)
{
    struct matrix_flow flow = naming->l->edges[like].flow;
    flow.client = client;
    flow.server = server;
    struct edge_key key = key_of(&flow);
    const uint64_t *at = map_find(&naming->edges, key_text(&key));
    return at ? (size_t)*at : 0;
}

/* The edge between the ends, made when no evidence but this has it. */
static size_t edge_between(struct naming *naming, size_t like, struct endpoint client,
                           struct endpoint server, size_t *room)
{
    struct loading *l = naming->l;
    size_t found = find_edge(naming, like, client, server);
    if (found) return found;
    struct matrix_flow flow = l->edges[like].flow;
    flow.client = client;
    flow.server = server;
    struct edge_key key = key_of(&flow);
    arena_grow(l->scratch, l->edges, l->n_edges, *room);
    l->edges[l->n_edges] = (struct edge){.flow = flow, .defined = true};
    (void)map_put(&naming->edges, l->scratch, key_text(&key), l->n_edges, NULL);
    return l->n_edges++;
}

/* ---- What is meant ------------------------------------------------------------------------------
 */

static void ask(struct naming *naming, size_t edge, int64_t day)
{
    struct loading *l = naming->l;
    const int64_t key[2] = {(int64_t)edge, day};
    bool fresh = false;
    (void)map_put(&l->meant, l->scratch, (str){(const char *)key, sizeof key}, naming->n, &fresh);
    if (!fresh) return;
    arena_grow(l->scratch, naming->meanings, naming->n, naming->room);
    struct meaning *m = &naming->meanings[naming->n++];
    *m = (struct meaning){.edge = edge, .day = day};
    m->n_clients = ask_name(naming, l->edges[edge].flow.client, day, m->clients);
    m->n_servers = ask_name(naming, l->edges[edge].flow.server, day, m->servers);
    match_families(m->clients, &m->n_clients, m->servers, m->n_servers);
    match_families(m->servers, &m->n_servers, m->clients, m->n_clients);
    match_families(m->clients, &m->n_clients, m->servers, m->n_servers);
}

static size_t meaning_at(const struct loading *l, size_t edge, int64_t day)
{
    const int64_t key[2] = {(int64_t)edge, day};
    const uint64_t *at = map_find(&l->meant, (str){(const char *)key, sizeof key});
    return at ? (size_t)*at : SIZE_MAX;
}

static bool is_open(const struct meaning *m)
{
    return m->n_clients * m->n_servers > 1;
}

/* A sighting whose edge is open: the same client port's connections tell. */
struct question {
    size_t meaning;
    int64_t start_us, last_us;
    size_t next; /* of the same candidate edge and port, plus one; 0 = the last */
    unsigned pair;
};

struct questions {
    struct map by_edge; /* candidate edge and client port → the first, plus one */
    struct question *items;
    size_t n, room;
};

static void add_questions(struct naming *naming, struct questions *q, const int64_t *row,
                          size_t meaning)
{
    struct loading *l = naming->l;
    const struct meaning *m = &naming->meanings[meaning];
    for (size_t c = 0; c < m->n_clients; c++)
        for (size_t s = 0; s < m->n_servers; s++) {
            size_t edge = find_edge(naming, m->edge, m->clients[c], m->servers[s]);
            if (!edge) continue;
            const int64_t key[2] = {(int64_t)edge, row[CONNECTION_PORT]};
            uint64_t *first =
                map_put(&q->by_edge, l->scratch, (str){(const char *)key, sizeof key}, 0, NULL);
            size_t next = (size_t)*first;
            /* Sightings of a port on one day ask together: so a port has a question a day. */
            struct question *last = next ? &q->items[next - 1] : NULL;
            if (last && last->meaning == meaning) {
                if (row[CONNECTION_LAST] > last->last_us) last->last_us = row[CONNECTION_LAST];
                continue;
            }
            *first = q->n + 1;
            arena_grow(l->scratch, q->items, q->n, q->room);
            q->items[q->n++] = (struct question){
                .meaning = meaning,
                .start_us = row[CONNECTION_START],
                .last_us = row[CONNECTION_LAST],
                .next = next,
                .pair = (unsigned)(c * ADDRESSES + s),
            };
        }
}

/* Is the row the connection that the sighting may be a part of? */
static bool answers(const struct question *question, const int64_t *row)
{
    return row[CONNECTION_START] <= question->last_us + JOIN_WINDOW_US &&
           row[CONNECTION_LAST] + JOIN_AGE_US >= question->start_us;
}

static bool ask_connections(struct naming *naming, const struct questions *q, struct err *err)
{
    struct runs_of of = {RELATION_OF_CONNECTION, false};
    struct runs_reader *reader = NULL;
    struct arena arena = arena_open("asking connections", 0, NULL);
    bool fine = runs_open(naming->l->store, of, NULL, &arena, &reader, err);
    for (const int64_t *row = NULL; fine;) {
        fine = runs_next(reader, &row, err);
        if (!fine || !row) break;
        const int64_t key[2] = {row[CONNECTION_EDGE], row[CONNECTION_PORT]};
        const uint64_t *first = map_find(&q->by_edge, (str){(const char *)key, sizeof key});
        for (size_t i = first ? (size_t)*first : 0; i; i = q->items[i - 1].next)
            if (answers(&q->items[i - 1], row))
                naming->meanings[q->items[i - 1].meaning].seen |= UINT64_C(1)
                                                                  << q->items[i - 1].pair;
    }
    arena_close(&arena);
    return fine;
}

static bool close_open(struct naming *naming, struct err *err)
{
    struct loading *l = naming->l;
    const struct relation_rows *rows = &l->named[RELATION_OF_CONNECTION];
    struct questions q = {0};
    for (size_t i = 0; i < rows->n; i++) {
        const int64_t *row = &rows->at[i * CONNECTION_COLUMNS];
        size_t at = meaning_at(l, (size_t)row[0], day_of(RELATION_OF_CONNECTION, row));
        if (is_open(&naming->meanings[at])) add_questions(naming, &q, row, at);
    }
    return !q.n || ask_connections(naming, &q, err);
}

/* Several candidates and not one connection, or connections with several: the name stays. */
static void choose(struct naming *naming, struct meaning *m, size_t *room)
{
    const struct matrix_flow *flow = &naming->l->edges[m->edge].flow;
    struct endpoint client = m->n_clients == 1 ? m->clients[0] : flow->client;
    struct endpoint server = m->n_servers == 1 ? m->servers[0] : flow->server;
    for (unsigned pair = 0; pair < PAIRS; pair++) {
        if (m->seen != UINT64_C(1) << pair) continue;
        client = m->clients[pair / ADDRESSES];
        server = m->servers[pair % ADDRESSES];
    }
    m->target = edge_between(naming, m->edge, client, server, room);
}

/* ---- Into the matrix ----------------------------------------------------------------------------
 */

/* The name that evidence gave stays in the flow's lists. */
static void keep_name(struct naming *naming, const int64_t *flow_row, size_t target,
                      enum batch_name kind, struct endpoint end, struct map *texts, size_t *room)
{
    struct loading *l = naming->l;
    bool fresh = false;
    if (!addr_is_none(end.addr)) return;
    uint64_t text = *map_put(texts, l->scratch, end.name, l->n_texts, &fresh);
    if (fresh) {
        arena_grow(l->scratch, l->texts, l->n_texts, *room);
        l->texts[l->n_texts++] = end.name;
    }
    int64_t *row =
        relation_push(&relations[RELATION_OF_NAME], l->scratch, &l->named[RELATION_OF_NAME]);
    row[NAME_EDGE] = (int64_t)target;
    row[NAME_KIND] = kind;
    row[NAME_TEXT] = (int64_t)text;
    row[NAME_FIRST] = flow_row[FLOW_FIRST];
    row[NAME_LAST] = flow_row[FLOW_LAST];
}

static void keep_names(struct naming *naming)
{
    struct loading *l = naming->l;
    struct map texts = {0};
    size_t room = l->n_texts; /* the array is full */
    for (size_t i = 0; i < l->named[RELATION_OF_FLOW].n; i++) {
        const int64_t *row = &l->named[RELATION_OF_FLOW].at[i * FLOW_COLUMNS];
        const struct meaning *m = &naming->meanings[meaning_at(l, (size_t)row[0], row[FLOW_DAY])];
        struct matrix_flow flow = l->edges[m->edge].flow;
        keep_name(naming, row, m->target, BATCH_NAME_CLIENT, flow.client, &texts, &room);
        keep_name(naming, row, m->target, BATCH_NAME_SERVER, flow.server, &texts, &room);
    }
}

static void move_rows(struct naming *naming, enum relation_id id, size_t n)
{
    struct loading *l = naming->l;
    const struct relation *relation = &relations[id];
    for (size_t i = 0; i < n; i++) {
        int64_t *row = &l->named[id].at[i * relation->n_columns];
        row[0] = (int64_t)naming->meanings[meaning_at(l, (size_t)row[0], day_of(id, row))].target;
        if (id == RELATION_OF_TRAIT) row[TRAIT_DAY] = 0;
        if (id == RELATION_OF_NAME) row[NAME_DAY] = 0;
    }
}

static bool read_all_named(struct loading *l, size_t *n, struct err *err)
{
    *n = 0;
    for (size_t id = 0; id < RELATION_COUNT; id++) {
        if (!read_named(l, (enum relation_id)id, err)) return false;
        *n += l->named[id].n;
    }
    return true;
}

/* Days whose connections were let go have no rows of connections any more. */
static bool ask_past(struct naming *naming, struct err *err)
{
    struct loading *l = naming->l;
    struct sqlite_statement *s = sqlite_prepare(l->store->db, "SELECT edge,day FROM day", err);
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) return true;
        size_t edge = sqlite_get_index(s, 0, l->n_edges);
        const struct matrix_flow *flow = &l->edges[edge].flow;
        if (addr_is_none(flow->client.addr) || addr_is_none(flow->server.addr))
            ask(naming, edge, sqlite_get(s, 1));
    }
    return false;
}

bool named_resolve(struct loading *l, struct err *err)
{
    struct naming naming = {.l = l};
    size_t n = 0, room = l->n_edges; /* the array is full */
    if (!read_all_named(l, &n, err)) return false;
    if (!n) return true;
    if (!l->hosts && !l->load_hosts(l, err)) return false;
    naming.names = hosts_by_name(l->scratch, l->hosts);
    index_edges(&naming);
    for (size_t id = 0; id < RELATION_COUNT; id++)
        for (size_t i = 0; i < l->named[id].n; i++) {
            const int64_t *row = &l->named[id].at[i * relations[id].n_columns];
            ask(&naming, (size_t)row[0], day_of((enum relation_id)id, row));
        }
    if (!ask_past(&naming, err) || !close_open(&naming, err)) return false;
    for (size_t i = 0; i < naming.n; i++)
        choose(&naming, &naming.meanings[i], &room);

    size_t n_names = l->named[RELATION_OF_NAME].n;
    keep_names(&naming);
    for (size_t id = 0; id < RELATION_COUNT; id++) {
        size_t n_rows = id == RELATION_OF_NAME ? n_names : l->named[id].n;
        move_rows(&naming, (enum relation_id)id, n_rows);
        relation_settle(&relations[id], *l->scratch, &l->named[id], 0);
    }
    /* From here on the map tells the edge itself. */
    for (size_t i = 0; i < naming.n; i++)
        l->meant.entries[i].value = naming.meanings[i].target;
    return true;
}

size_t named_edge(const struct loading *l, size_t edge, int64_t day)
{
    size_t meant = meaning_at(l, edge, day);
    return meant == SIZE_MAX ? edge : meant;
}
