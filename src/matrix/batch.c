/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/batch.h"

#include "base/hash.h"
#include "base/instant.h"

/* Counts from input stay far enough from the ceiling that a thousand of them still add up. */
#define COUNT_CEILING (UINT64_C(1) << 53)

enum { END_ADDR = 16 };

static int64_t bounded(uint64_t count)
{
    return (int64_t)(count < COUNT_CEILING ? count : COUNT_CEILING);
}

struct batch batch_in(struct arena *arena)
{
    struct batch batch = {.arena = arena};
    (void)map_put(&batch.texts, arena, (str){0}, 0, NULL);
    return batch;
}

bool batch_is_empty(const struct batch *batch)
{
    return !batch->n_facts && !batch->n_uses && !batch->n_identities && !batch->n_listenings &&
           !batch->n_changes;
}

static uint32_t intern(struct batch *batch, struct map *map, str key, bool *fresh)
{
    return (uint32_t)*map_put(map, batch->arena, key, map->n, fresh);
}

static uint32_t intern_text(struct batch *batch, str text)
{
    return intern(batch, &batch->texts, str_head(text, LIMIT_NAME_BYTES), NULL);
}

static uint32_t intern_end(struct batch *batch, struct endpoint end)
{
    char key[END_ADDR + LIMIT_NAME_BYTES];
    /* An end with an address is that address; its name is an identity, not a part of the end. */
    str name = addr_is_none(end.addr) ? str_head(end.name, LIMIT_NAME_BYTES) : (str){0};
    addr_to_bytes(end.addr, (uint8_t *)key);
    if (name.len) memcpy(key + END_ADDR, name.ptr, name.len);
    return intern(batch, &batch->ends, (str){key, END_ADDR + name.len}, NULL);
}

struct endpoint batch_end(const struct batch *batch, uint32_t index)
{
    str key = batch->ends.entries[index].key;
    uint8_t octets[END_ADDR];
    memcpy(octets, key.ptr, END_ADDR);
    return (struct endpoint){addr_from_bytes(octets), str_tail(key, END_ADDR)};
}

str batch_text(const struct batch *batch, uint32_t index)
{
    return batch->texts.entries[index].key;
}

static uint32_t add_edge(struct batch *batch, struct batch_edge edge)
{
    arena_grow(batch->arena, batch->edge_items, batch->n_edges, batch->edge_room);
    batch->edge_items[batch->n_edges] = edge;
    return (uint32_t)batch->n_edges++;
}

/* The common case: one look-up per fact. */
static uint32_t intern_pair(struct batch *batch, const struct endpoint *client,
                            const struct endpoint *server, struct batch_edge edge)
{
    struct batch_pair key = {client->addr, server->addr, (uint64_t)edge.port << 8 | edge.transport};
    bool fresh = false;
    uint64_t *at = map_put(&batch->pairs, batch->arena, (str){(const char *)&key, sizeof key},
                           batch->n_edges, &fresh);
    if (!fresh) return (uint32_t)*at;
    edge.client = intern_end(batch, *client);
    edge.server = intern_end(batch, *server);
    return add_edge(batch, edge);
}

static uint32_t intern_edge(struct batch *batch, struct endpoint client, struct endpoint server,
                            enum transport transport, uint16_t port)
{
    struct batch_edge edge;
    memset(&edge, 0, sizeof edge); /* its bytes are the key */
    edge.port = port;
    edge.transport = (uint8_t)transport;
    if (!addr_is_none(client.addr) && !addr_is_none(server.addr))
        return intern_pair(batch, &client, &server, edge);
    edge.client = intern_end(batch, client);
    edge.server = intern_end(batch, server);
    bool fresh = false;
    uint64_t *at = map_put(&batch->edges, batch->arena, (str){(const char *)&edge, sizeof edge},
                           batch->n_edges, &fresh);
    return fresh ? add_edge(batch, edge) : (uint32_t)*at;
}

bool batch_edge_is_named(const struct batch *batch, uint32_t index)
{
    const struct batch_edge *edge = &batch->edge_items[index];
    return addr_is_none(batch_end(batch, edge->client).addr) ||
           addr_is_none(batch_end(batch, edge->server).addr);
}

static const uint32_t *intern_names(struct batch *batch, struct names names, size_t *n)
{
    *n = names.n < LIMIT_NAMES ? names.n : LIMIT_NAMES;
    uint32_t *texts = arena_array(batch->arena, uint32_t, *n ? *n : 1);
    for (size_t i = 0; i < *n; i++)
        texts[i] = intern_text(batch, names.items[i]);
    return texts;
}

static bool names_hold(struct names names, str name)
{
    for (size_t i = 0; i < names.n; i++)
        if (str_equal_nocase(names.items[i], name)) return true;
    return false;
}

/* Shares of a session less those it was refused. */
static struct names granted(struct arena *arena, const struct observation *fact)
{
    str *items = arena_array(arena, str, fact->shares.n ? fact->shares.n : 1);
    size_t n = 0;
    for (size_t i = 0; i < fact->shares.n; i++)
        if (!names_hold(fact->shares_refused, fact->shares.items[i]))
            items[n++] = fact->shares.items[i];
    return (struct names){items, n};
}

static const struct batch_detail *detail_of(struct batch *batch, const struct observation *fact)
{
    const struct names lists[BATCH_NAME_COUNT] = {
        [BATCH_NAME_USER] = fact->users,
        [BATCH_NAME_CLIENT] = fact->client_names,
        [BATCH_NAME_SERVER] = fact->server_names,
        [BATCH_NAME_SHARE] = fact->shares,
        [BATCH_NAME_SHARE_REFUSED] = fact->shares_refused,
        [BATCH_NAME_SHARE_GRANTED] = granted(batch->arena, fact),
        [BATCH_NAME_PIPE] = fact->pipes,
        [BATCH_NAME_INTERFACE] = fact->interfaces,
    };
    const struct smb_facts *smb = &fact->smb;
    bool told = smb->dialects || smb->client_signing || smb->server_signing || smb->encrypted ||
                smb->compressed || smb->auths || smb->ciphers || smb->compression_offered;
    for (size_t i = 0; i < BATCH_NAME_COUNT; i++)
        told = told || lists[i].n;
    if (!told) return NULL;

    struct batch_detail *detail = arena_new(batch->arena, struct batch_detail);
    detail->smb = *smb;
    for (size_t i = 0; i < BATCH_NAME_COUNT; i++)
        detail->names[i] = intern_names(batch, lists[i], &detail->n_names[i]);
    return detail;
}

/* Far enough from the ends of the line that times can be compared by their difference. */
static int64_t moment(int64_t at_us)
{
    const int64_t far = INT64_C(1) << 60;
    return at_us < -far ? -far : at_us > far ? far : at_us;
}

static int64_t later(int64_t first_us, int64_t last_us)
{
    return moment(last_us < first_us ? first_us : last_us);
}

void batch_observation(struct batch *batch, const struct observation *fact)
{
    arena_grow(batch->arena, batch->facts, batch->n_facts, batch->fact_room);
    batch->facts[batch->n_facts++] = (struct batch_fact){
        .first_us = moment(fact->first_us),
        .last_us = later(fact->first_us, fact->last_us),
        .count = fact->count,
        .to_server = fact->bytes_to_server,
        .to_client = fact->bytes_to_client,
        .offset = fact->offset,
        .line_hash = batch->line_hash,
        .detail = detail_of(batch, fact),
        .edge = intern_edge(batch, fact->client, fact->server, fact->transport, fact->port),
        .client_port = fact->client_port,
        .outcome = (uint8_t)fact->outcome,
        .profile = (uint8_t)fact->profile,
        .assumed = fact->assumed,
        .closes = fact->closes,
        .within = fact->within && !fact->closes,
        .is_smb = fact->is_smb,
        .known = batch->is_repeated,
        .part = batch->part,
    };
}

/* With the last fact, when that comes from the same record as what comes next. */
static struct batch_record record_of(const struct batch *batch)
{
    const struct batch_fact *last = batch->n_facts ? &batch->facts[batch->n_facts - 1] : NULL;
    bool same = last && last->line_hash == batch->line_hash && last->part == batch->part &&
                last->known == batch->is_repeated;
    return (struct batch_record){
        .line_hash = batch->line_hash,
        .part = batch->part,
        .fact = same ? (uint32_t)batch->n_facts : 0,
        .known = batch->is_repeated,
    };
}

/* What makes no row of the matrix has a lot apart, so that no line of the matrix is taken for it.
 */
static struct batch_record beside_of(const struct batch *batch)
{
    struct batch_record record = record_of(batch);
    record.line_hash = hash_u64(~record.line_hash);
    return record;
}

bool batch_is_known(const struct batch *batch, const struct batch_record *record)
{
    return record->fact ? batch->facts[record->fact - 1].known : record->known;
}

void batch_use(struct batch *batch, const struct use *fact)
{
    arena_grow(batch->arena, batch->uses, batch->n_uses, batch->use_room);
    batch->uses[batch->n_uses++] = (struct batch_use){
        .first_us = moment(fact->first_us),
        .last_us = later(fact->first_us, fact->last_us),
        .count = fact->count,
        .edge = intern_edge(batch, fact->client, fact->server, fact->transport, fact->port),
        .share = intern_text(batch, fact->share),
        .pipe = intern_text(batch, fact->pipe),
        .user = intern_text(batch, fact->user),
        .record = record_of(batch),
        .refused = fact->refused,
        .is_printer = fact->is_printer,
    };
}

void batch_identity(struct batch *batch, const struct identity *fact)
{
    if (!fact->name.len || addr_is_none(fact->addr)) return;
    arena_grow(batch->arena, batch->identities, batch->n_identities, batch->identity_room);
    batch->identities[batch->n_identities++] = (struct batch_identity){
        .addr = fact->addr,
        .name = intern_text(batch, fact->name),
        .seen_us = moment(fact->seen_us),
        .source = (uint8_t)fact->source,
        .record = beside_of(batch),
    };
}

void batch_listening(struct batch *batch, const struct listening *fact)
{
    arena_grow(batch->arena, batch->listenings, batch->n_listenings, batch->listening_room);
    batch->listenings[batch->n_listenings++] = (struct batch_listening){
        .server = intern_end(batch, fact->server),
        .port = fact->port,
        .transport = (uint8_t)fact->transport,
        .state = (uint8_t)fact->state,
        .dialects = fact->dialects,
        .signing = (uint8_t)fact->signing,
        .seen_us = moment(fact->seen_us),
        .record = beside_of(batch),
    };
}

void batch_change(struct batch *batch, const struct change *fact)
{
    arena_grow(batch->arena, batch->changes, batch->n_changes, batch->change_room);
    batch->changes[batch->n_changes++] = (struct batch_change){
        .host = intern_end(batch, fact->host),
        .subject = intern_text(batch, fact->subject),
        .detail = intern_text(batch, fact->detail),
        .user = intern_text(batch, fact->user),
        .kind = (uint8_t)fact->kind,
        .at_us = moment(fact->at_us),
        .record = beside_of(batch),
    };
}

/* ---- Folding ------------------------------------------------------------------------------------
 */

struct fold {
    const struct batch *batch;
    const struct batch_numbers *numbers;
    struct arena *arena;
    struct relation_rows *rows;   /* of the edge under way, per relation */
    size_t begun[RELATION_COUNT]; /* where its rows begin */
    int64_t edge;
    bool is_named;
};

/* A row into those of its edge. Neighbouring facts are much alike: a look at the last few keeps the
 * rows few; what is missed is merged when the edge ends. */
static void put(struct fold *fold, enum relation_id id, const int64_t *row)
{
    enum { LOOK = 8 };
    const struct relation *relation = &relations[id];
    struct relation_rows *rows = &fold->rows[id];
    size_t n = relation->n_columns, begun = fold->begun[id];
    size_t least = rows->n - begun > LOOK ? rows->n - LOOK : begun;
    for (size_t i = rows->n; i > least; i--) {
        int64_t *held = &rows->at[(i - 1) * n];
        if (relation_compare(relation, held, row) != 0) continue;
        relation_merge(relation, held, row);
        return;
    }
    memcpy(relation_push(relation, fold->arena, rows), row, n * sizeof *row);
}

static void fold_names(struct fold *fold, const struct batch_fact *fact)
{
    for (size_t kind = 0; kind < BATCH_NAME_COUNT; kind++)
        for (size_t i = 0; i < fact->detail->n_names[kind]; i++) {
            const int64_t row[NAME_COLUMNS] = {
                [NAME_EDGE] = fold->edge,
                [NAME_KIND] = (int64_t)kind,
                [NAME_TEXT] = fold->numbers->texts[fact->detail->names[kind][i]],
                [NAME_DAY] = fold->is_named ? instant_day(fact->first_us) : 0,
                [NAME_FIRST] = fact->first_us,
                [NAME_LAST] = fact->last_us,
            };
            put(fold, RELATION_OF_NAME, row);
        }
}

static void fold_trait(struct fold *fold, const struct batch_fact *fact, enum batch_trait kind,
                       unsigned value)
{
    const int64_t row[TRAIT_COLUMNS] = {
        [TRAIT_EDGE] = fold->edge,
        [TRAIT_KIND] = kind,
        [TRAIT_VALUE] = value,
        [TRAIT_DAY] = fold->is_named ? instant_day(fact->first_us) : 0,
        [TRAIT_COUNT] = bounded(fact->count),
        [TRAIT_FIRST] = fact->first_us,
        [TRAIT_LAST] = fact->last_us,
    };
    put(fold, RELATION_OF_TRAIT, row);
}

static void fold_bits(struct fold *fold, const struct batch_fact *fact, enum batch_trait kind,
                      unsigned bits)
{
    for (unsigned value = 0; bits >> value; value++)
        if (bits >> value & 1) fold_trait(fold, fact, kind, value);
}

static void fold_traits(struct fold *fold, const struct batch_fact *fact)
{
    fold_bits(fold, fact, BATCH_ASSUMED, fact->assumed);
    if (!fact->detail) return;
    const struct smb_facts *smb = &fact->detail->smb;
    const struct {
        enum batch_trait kind;
        unsigned value; /* 0 = not known */
    } single[] = {
        {BATCH_CLIENT_SIGNING,      smb->client_signing     },
        {BATCH_SERVER_SIGNING,      smb->server_signing     },
        {BATCH_ENCRYPTED,           smb->encrypted          },
        {BATCH_COMPRESSED,          smb->compressed         },
        {BATCH_COMPRESSION_OFFERED, smb->compression_offered},
    };
    fold_bits(fold, fact, BATCH_DIALECT, smb->dialects);
    fold_bits(fold, fact, BATCH_AUTH, smb->auths);
    fold_bits(fold, fact, BATCH_CIPHER, smb->ciphers);
    for (size_t i = 0; i < COUNT_OF(single); i++)
        if (single[i].value) fold_trait(fold, fact, single[i].kind, single[i].value);
}

static void fold_flow(struct fold *fold, const struct batch_fact *fact)
{
    enum batch_portless within = fact->within ? BATCH_PORTLESS_WITHIN : BATCH_PORTLESS;
    const int64_t row[FLOW_COLUMNS] = {
        [FLOW_EDGE] = fold->edge,
        [FLOW_DAY] = instant_day(fact->first_us),
        [FLOW_STREAM] = fold->numbers->streams[fact->part],
        [FLOW_OUTCOME] = fact->outcome,
        [FLOW_PROFILE] = fact->profile,
        [FLOW_PORTLESS] = fact->client_port ? BATCH_PORTED : within,
        [FLOW_SOURCE] = fold->numbers->source,
        [FLOW_FIRST] = fact->first_us,
        [FLOW_LAST] = fact->last_us,
        [FLOW_COUNT] = bounded(fact->count),
        [FLOW_TO_SERVER] = bounded(fact->to_server),
        [FLOW_TO_CLIENT] = bounded(fact->to_client),
        [FLOW_IS_SMB] = fact->is_smb,
        [FLOW_PORT_ASSUMED] = fact->assumed >> ASSUMED_PORT & 1,
        [FLOW_WITNESS] = fact->first_us,
        [FLOW_OFFSET] = (int64_t)(fact->offset & INT64_MAX),
    };
    put(fold, RELATION_OF_FLOW, row);
}

static void fold_connection(struct fold *fold, const struct batch_fact *fact)
{
    if (!fact->client_port) return;
    int flags = fact->closes ? BATCH_CLOSES : fact->within ? BATCH_WITHIN : 0;
    const int64_t row[CONNECTION_COLUMNS] = {
        [CONNECTION_EDGE] = fold->edge,
        [CONNECTION_PORT] = fact->client_port,
        [CONNECTION_START] = fact->first_us,
        [CONNECTION_STREAM] = fold->numbers->streams[fact->part],
        [CONNECTION_KIND] = fact->outcome | flags,
        [CONNECTION_LAST] = fact->last_us,
        [CONNECTION_TO_SERVER] = bounded(fact->to_server),
        [CONNECTION_TO_CLIENT] = bounded(fact->to_client),
    };
    struct relation_rows *rows = &fold->rows[RELATION_OF_CONNECTION];
    memcpy(relation_push(&relations[RELATION_OF_CONNECTION], fold->arena, rows), row, sizeof row);
}

/* Sightings within a session that follow one another closely become one row. Kinds and streams of a
 * port beyond those remembered only stay more rows. */
static void join_within(struct relation_rows *rows, size_t first)
{
    enum { REMEMBERED = 16 };
    size_t last_of[REMEMBERED], n_last = 0, kept = first;
    for (size_t i = first; i < rows->n; i++) {
        int64_t *row = &rows->at[i * CONNECTION_COLUMNS];
        int64_t *before = kept > first ? row - CONNECTION_COLUMNS : NULL;
        if (!before || row[CONNECTION_PORT] != rows->at[(kept - 1) * CONNECTION_COLUMNS + 1])
            n_last = 0;
        size_t at = 0;
        for (; at < n_last && row[CONNECTION_KIND] & BATCH_WITHIN; at++) {
            int64_t *held = &rows->at[last_of[at] * CONNECTION_COLUMNS];
            if (held[CONNECTION_STREAM] == row[CONNECTION_STREAM] &&
                held[CONNECTION_KIND] == row[CONNECTION_KIND])
                break;
        }
        if (at < n_last && row[CONNECTION_KIND] & BATCH_WITHIN) {
            int64_t *held = &rows->at[last_of[at] * CONNECTION_COLUMNS];
            if (row[CONNECTION_START] - held[CONNECTION_LAST] <= BATCH_WITHIN_GAP_US) {
                relation_merge(&relations[RELATION_OF_CONNECTION], held, row);
                continue;
            }
            last_of[at] = kept;
        } else if (row[CONNECTION_KIND] & BATCH_WITHIN && n_last < REMEMBERED)
            last_of[n_last++] = kept;
        memmove(&rows->at[kept * CONNECTION_COLUMNS], row, CONNECTION_COLUMNS * sizeof *row);
        kept++;
    }
    rows->n = kept;
}

static void fold_use(struct fold *fold, const struct batch_use *use)
{
    const int64_t *texts = fold->numbers->texts;
    const int64_t row[USE_COLUMNS] = {
        [USE_EDGE] = fold->edge,
        [USE_SHARE] = texts[use->share],
        [USE_PIPE] = texts[use->pipe],
        [USE_USER] = texts[use->user],
        [USE_REFUSED] = use->refused,
        [USE_DAY] = instant_day(use->first_us),
        [USE_STREAM] = fold->numbers->streams[use->record.part],
        [USE_COUNT] = bounded(use->count),
        [USE_IS_PRINTER] = use->is_printer,
        [USE_FIRST] = use->first_us,
        [USE_LAST] = use->last_us,
    };
    put(fold, RELATION_OF_USE, row);
}

/* ---- In order of the edges ----------------------------------------------------------------------
 */

struct ranked_edge {
    int64_t number;
    uint32_t index;
    bool is_named;
};

static int rank_order(const void *left, const void *right)
{
    const struct ranked_edge *a = left, *b = right;
    if (a->is_named != b->is_named) return a->is_named ? 1 : -1;
    return a->number < b->number ? -1 : a->number > b->number;
}

/* The edges that have numbers, by number, those with a named end last. */
static struct ranked_edge *rank_edges(const struct batch *batch,
                                      const struct batch_numbers *numbers, struct arena *arena,
                                      size_t *n)
{
    struct ranked_edge *edges = arena_array(arena, struct ranked_edge, batch->n_edges + 1);
    bool sorted = true;
    *n = 0;
    for (uint32_t i = 0; i < batch->n_edges; i++) {
        if (!numbers->edges[i]) continue;
        bool is_named = batch->edges.n && batch_edge_is_named(batch, i);
        edges[*n] = (struct ranked_edge){numbers->edges[i], i, is_named};
        sorted = sorted && (!*n || rank_order(&edges[*n - 1], &edges[*n]) < 0);
        ++*n;
    }
    if (!sorted) qsort(edges, *n, sizeof *edges, rank_order);
    return edges;
}

/* Items by edge, in the order they came: where each edge's begin in `order`. */
struct by_edge {
    uint32_t *begin, *order;
};

static struct by_edge group(struct arena *arena, const uint32_t *edge_of, size_t n, size_t n_edges)
{
    struct by_edge by = {arena_array(arena, uint32_t, n_edges + 2),
                         arena_array(arena, uint32_t, n + 1)};
    for (size_t i = 0; i < n; i++)
        if (edge_of[i] != UINT32_MAX) by.begin[edge_of[i] + 2]++;
    for (size_t i = 2; i < n_edges + 2; i++)
        by.begin[i] += by.begin[i - 1];
    for (size_t i = 0; i < n; i++)
        if (edge_of[i] != UINT32_MAX) by.order[by.begin[edge_of[i] + 1]++] = (uint32_t)i;
    return by;
}

static void fold_edge(struct fold *fold, const struct by_edge *facts, const struct by_edge *uses,
                      uint32_t edge)
{
    const struct batch *batch = fold->batch;
    for (size_t i = 0; i < RELATION_COUNT; i++)
        fold->begun[i] = fold->rows[i].n;
    for (uint32_t i = facts->begin[edge]; i < facts->begin[edge + 1]; i++) {
        const struct batch_fact *fact = &batch->facts[facts->order[i]];
        fold_flow(fold, fact);
        fold_connection(fold, fact);
        fold_traits(fold, fact);
        if (fact->detail) fold_names(fold, fact);
    }
    for (uint32_t i = uses->begin[edge]; i < uses->begin[edge + 1]; i++)
        fold_use(fold, &batch->uses[uses->order[i]]);
    for (size_t i = 0; i < RELATION_COUNT; i++)
        relation_settle(&relations[i], *fold->arena, &fold->rows[i], fold->begun[i]);
    join_within(&fold->rows[RELATION_OF_CONNECTION], fold->begun[RELATION_OF_CONNECTION]);
}

/* ---- Identities ---------------------------------------------------------------------------------
 */

static int identity_order(const void *left, const void *right)
{
    const struct batch_identity_row *a = left, *b = right;
    int by_addr = addr_compare(a->addr, b->addr);
    if (by_addr) return by_addr;
    if (a->name != b->name) return a->name < b->name ? -1 : 1;
    if (a->source != b->source) return a->source < b->source ? -1 : 1;
    return a->day < b->day ? -1 : a->day > b->day;
}

static void fold_identities(const struct batch *batch, struct arena *arena, struct batch_rows *out)
{
    struct batch_identity_row *rows =
        arena_array(arena, struct batch_identity_row, batch->n_identities + 1);
    size_t kept = 0;
    for (size_t i = 0; i < batch->n_identities; i++) {
        const struct batch_identity *fact = &batch->identities[i];
        rows[i] = (struct batch_identity_row){
            .addr = fact->addr,
            .name = fact->name,
            .day = instant_day(fact->seen_us),
            .source = fact->source,
            .first_us = fact->seen_us,
            .last_us = fact->seen_us,
        };
    }
    if (batch->n_identities) qsort(rows, batch->n_identities, sizeof *rows, identity_order);
    for (size_t i = 0; i < batch->n_identities; i++) {
        struct batch_identity_row *last = kept ? &rows[kept - 1] : NULL;
        if (!last || identity_order(last, &rows[i]) != 0) {
            rows[kept++] = rows[i];
            continue;
        }
        if (rows[i].first_us < last->first_us) last->first_us = rows[i].first_us;
        if (rows[i].last_us > last->last_us) last->last_us = rows[i].last_us;
    }
    out->identities = rows;
    out->n_identities = kept;
}

struct batch_rows batch_fold(const struct batch *batch, const struct batch_numbers *numbers,
                             struct arena *arena)
{
    struct batch_rows out = {0};
    size_t n_edges = 0;
    struct ranked_edge *edges = rank_edges(batch, numbers, arena, &n_edges);
    uint32_t *of_facts = arena_array(arena, uint32_t, batch->n_facts + 1);
    uint32_t *of_uses = arena_array(arena, uint32_t, batch->n_uses + 1);
    for (size_t i = 0; i < batch->n_facts; i++)
        of_facts[i] = batch->facts[i].known ? UINT32_MAX : batch->facts[i].edge;
    for (size_t i = 0; i < batch->n_uses; i++)
        of_uses[i] =
            batch_is_known(batch, &batch->uses[i].record) ? UINT32_MAX : batch->uses[i].edge;
    struct by_edge facts = group(arena, of_facts, batch->n_facts, batch->n_edges);
    struct by_edge uses = group(arena, of_uses, batch->n_uses, batch->n_edges);

    struct fold fold = {.batch = batch, .numbers = numbers, .arena = arena};
    for (size_t i = 0; i < n_edges; i++) {
        fold.is_named = edges[i].is_named;
        fold.rows = out.of[fold.is_named];
        fold.edge = edges[i].number;
        fold_edge(&fold, &facts, &uses, edges[i].index);
    }
    fold_identities(batch, arena, &out);
    return out;
}
