/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/batch.h"

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

static uint32_t intern_edge(struct batch *batch, struct endpoint client, struct endpoint server,
                            enum transport transport, uint16_t port)
{
    struct batch_edge edge;
    memset(&edge, 0, sizeof edge); /* its bytes are the key */
    edge.client = intern_end(batch, client);
    edge.server = intern_end(batch, server);
    edge.port = port;
    edge.transport = (uint8_t)transport;
    bool fresh = false;
    uint32_t index = intern(batch, &batch->edges, (str){(const char *)&edge, sizeof edge}, &fresh);
    if (!fresh) return index;
    arena_grow(batch->arena, batch->edge_items, index, batch->edge_room);
    batch->edge_items[index] = edge;
    return index;
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
    };
    const struct smb_facts *smb = &fact->smb;
    bool told = smb->dialects || smb->client_signing || smb->server_signing || smb->encrypted ||
                smb->compressed || smb->auths;
    for (size_t i = 0; i < BATCH_NAME_COUNT; i++)
        told = told || lists[i].n;
    if (!told) return NULL;

    struct batch_detail *detail = arena_new(batch->arena, struct batch_detail);
    detail->smb = *smb;
    for (size_t i = 0; i < BATCH_NAME_COUNT; i++)
        detail->names[i] = intern_names(batch, lists[i], &detail->n_names[i]);
    return detail;
}

void batch_observation(struct batch *batch, const struct observation *fact)
{
    arena_grow(batch->arena, batch->facts, batch->n_facts, batch->fact_room);
    batch->facts[batch->n_facts++] = (struct batch_fact){
        .first_us = fact->first_us,
        .last_us = fact->last_us < fact->first_us ? fact->first_us : fact->last_us,
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
        .is_smb = fact->is_smb,
        .part = batch->part,
    };
}

/* The last fact, when it comes from the same record as what comes next. */
static uint32_t fact_of_record(const struct batch *batch)
{
    const struct batch_fact *last = batch->n_facts ? &batch->facts[batch->n_facts - 1] : NULL;
    bool same = last && last->line_hash == batch->line_hash && last->part == batch->part;
    return same ? (uint32_t)batch->n_facts : 0;
}

void batch_use(struct batch *batch, const struct use *fact)
{
    arena_grow(batch->arena, batch->uses, batch->n_uses, batch->use_room);
    batch->uses[batch->n_uses++] = (struct batch_use){
        .first_us = fact->first_us,
        .last_us = fact->last_us < fact->first_us ? fact->first_us : fact->last_us,
        .count = fact->count,
        .edge = intern_edge(batch, fact->client, fact->server, fact->transport, fact->port),
        .share = intern_text(batch, fact->share),
        .pipe = intern_text(batch, fact->pipe),
        .user = intern_text(batch, fact->user),
        .line_hash = batch->line_hash,
        .part = batch->part,
        .fact = fact_of_record(batch),
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
        .seen_us = fact->seen_us,
        .source = (uint8_t)fact->source,
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
        .seen_us = fact->seen_us,
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
        .at_us = fact->at_us,
    };
}

/* ---- Folding ------------------------------------------------------------------------------------
 */

static void merge_ADD(int64_t *into, int64_t from)
{
    if (!num_add(*into, from, into)) *into = INT64_MAX;
}

static void merge_MIN(int64_t *into, int64_t from)
{
    if (from < *into) *into = from;
}

static void merge_MAX(int64_t *into, int64_t from)
{
    if (from > *into) *into = from;
}

#define MERGE(name, how) merge_##how(&into->name, from->name);

static void merge_flow(void *left, const void *right)
{
    struct flow_row *into = left;
    const struct flow_row *from = right;
#define FLOW_FIELD MERGE
#include "matrix/fields.def"
    bool earlier =
        from->witness_us < into->witness_us ||
        (from->witness_us == into->witness_us && from->witness_offset < into->witness_offset);
    if (!earlier) return;
    into->witness_us = from->witness_us;
    into->witness_offset = from->witness_offset;
}

static void merge_trait(void *left, const void *right)
{
    struct trait_row *into = left;
    const struct trait_row *from = right;
#define TRAIT_FIELD MERGE
#include "matrix/fields.def"
}

static void merge_name(void *left, const void *right)
{
    struct name_row *into = left;
    const struct name_row *from = right;
#define NAME_FIELD MERGE
#include "matrix/fields.def"
}

static void merge_use(void *left, const void *right)
{
    struct use_row *into = left;
    const struct use_row *from = right;
#define USE_FIELD MERGE
#include "matrix/fields.def"
}

static void merge_identity(void *left, const void *right)
{
    struct identity_row *into = left;
    const struct identity_row *from = right;
#define IDENTITY_FIELD MERGE
#include "matrix/fields.def"
}

static void merge_connection(void *left, const void *right)
{
    struct connection_row *into = left;
    const struct connection_row *from = right;
#define CONNECTION_FIELD MERGE
#include "matrix/fields.def"
}

/* Rows of one relation under way: the bytes before the fields are the key, so rows are made from
 * zeroed memory, member by member. */
struct relation {
    struct arena *arena;
    size_t size, key;
    void (*merge)(void *into, const void *from);
    char *rows;
    size_t room;
    struct map map;
};

static struct relation relation_of(struct arena *arena, size_t size, size_t key,
                                   void (*merge)(void *into, const void *from))
{
    return (struct relation){.arena = arena, .size = size, .key = key, .merge = merge};
}

static void relation_add(struct relation *r, const void *row)
{
    bool fresh = false;
    size_t n = r->map.n;
    size_t at = (size_t)*map_put(&r->map, r->arena, (str){row, r->key}, n, &fresh);
    if (!fresh) {
        r->merge(r->rows + at * r->size, row);
        return;
    }
    if (n == r->room) {
        size_t grown = r->room ? 2 * r->room : 64;
        char *rows = arena_take(r->arena, r->size, _Alignof(max_align_t), grown);
        if (n) memcpy(rows, r->rows, n * r->size);
        r->rows = rows;
        r->room = grown;
    }
    memcpy(r->rows + n * r->size, row, r->size);
}

static int order(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* By edge first, as the database keeps them: neighbours are written together. */
static int connection_order(const void *left, const void *right)
{
    const struct connection_row *a = left, *b = right;
    int by_edge = order(a->edge, b->edge);
    if (by_edge) return by_edge;
    int by_port = order(a->client_port, b->client_port);
    if (by_port) return by_port;
    return a->start_us < b->start_us ? -1 : a->start_us > b->start_us;
}

static void fold_names(struct relation *names, const struct batch_fact *fact)
{
    for (uint8_t kind = 0; kind < BATCH_NAME_COUNT; kind++)
        for (size_t i = 0; i < fact->detail->n_names[kind]; i++) {
            struct name_row row;
            memset(&row, 0, sizeof row);
            row.edge = fact->edge;
            row.text = fact->detail->names[kind][i];
            row.kind = kind;
            row.first_us = fact->first_us;
            row.last_us = fact->last_us;
            relation_add(names, &row);
        }
}

static void fold_trait(struct relation *traits, const struct batch_fact *fact,
                       enum batch_trait kind, unsigned value)
{
    struct trait_row row;
    memset(&row, 0, sizeof row);
    row.edge = fact->edge;
    row.kind = (uint8_t)kind;
    row.value = (uint8_t)value;
    row.count = bounded(fact->count);
    row.first_us = fact->first_us;
    row.last_us = fact->last_us;
    relation_add(traits, &row);
}

static void fold_bits(struct relation *traits, const struct batch_fact *fact, enum batch_trait kind,
                      unsigned bits)
{
    for (unsigned value = 0; bits >> value; value++)
        if (bits >> value & 1) fold_trait(traits, fact, kind, value);
}

static void fold_traits(struct relation *traits, const struct batch_fact *fact)
{
    fold_bits(traits, fact, BATCH_ASSUMED, fact->assumed);
    if (!fact->detail) return;
    const struct smb_facts *smb = &fact->detail->smb;
    const struct {
        enum batch_trait kind;
        unsigned value; /* 0 = not known */
    } single[] = {
        {BATCH_CLIENT_SIGNING, smb->client_signing},
        {BATCH_SERVER_SIGNING, smb->server_signing},
        {BATCH_ENCRYPTED,      smb->encrypted     },
        {BATCH_COMPRESSED,     smb->compressed    },
    };
    fold_bits(traits, fact, BATCH_DIALECT, smb->dialects);
    fold_bits(traits, fact, BATCH_AUTH, smb->auths);
    for (size_t i = 0; i < COUNT_OF(single); i++)
        if (single[i].value) fold_trait(traits, fact, single[i].kind, single[i].value);
}

static void fold_flow(struct relation *flows, const struct batch_fact *fact)
{
    struct flow_row row;
    memset(&row, 0, sizeof row);
    row.edge = fact->edge;
    row.part = fact->part;
    row.day = instant_day(fact->first_us);
    row.outcome = fact->outcome;
    row.profile = fact->profile;
    row.portless = !fact->client_port;
    row.first_us = fact->first_us;
    row.last_us = fact->last_us;
    row.count = bounded(fact->count);
    row.to_server = bounded(fact->to_server);
    row.to_client = bounded(fact->to_client);
    row.is_smb = fact->is_smb;
    row.witness_us = fact->first_us;
    row.witness_offset = (int64_t)(fact->offset & INT64_MAX);
    relation_add(flows, &row);
}

static void fold_connection(struct relation *connections, const struct batch_fact *fact)
{
    if (!fact->client_port) return;
    struct connection_row row;
    memset(&row, 0, sizeof row);
    row.edge = fact->edge;
    row.part = fact->part;
    row.client_port = fact->client_port;
    row.start_us = fact->first_us;
    row.outcome = (uint8_t)(fact->outcome | (fact->closes ? BATCH_CLOSES : 0));
    row.to_server = bounded(fact->to_server);
    row.to_client = bounded(fact->to_client);
    relation_add(connections, &row);
}

static void fold_use(struct relation *uses, const struct batch *batch, const struct batch_use *use)
{
    if (use->fact ? batch->facts[use->fact - 1].known : use->known) return;
    struct use_row row;
    memset(&row, 0, sizeof row);
    row.edge = use->edge;
    row.part = use->part;
    row.share = use->share;
    row.pipe = use->pipe;
    row.user = use->user;
    row.day = instant_day(use->first_us);
    row.refused = use->refused;
    row.count = bounded(use->count);
    row.is_printer = use->is_printer;
    row.first_us = use->first_us;
    row.last_us = use->last_us;
    relation_add(uses, &row);
}

static void fold_identity(struct relation *identities, const struct batch_identity *identity)
{
    struct identity_row row;
    memset(&row, 0, sizeof row);
    row.addr = identity->addr;
    row.name = identity->name;
    row.day = instant_day(identity->seen_us);
    row.source = identity->source;
    row.first_us = identity->seen_us;
    row.last_us = identity->seen_us;
    relation_add(identities, &row);
}

#define RELATION(type, first_field, merge)                                                         \
    relation_of(arena, sizeof(struct type), offsetof(struct type, first_field), merge)
#define ROWS(relation, type) ((struct type *)(void *)(relation).rows), (relation).map.n

struct batch_rows batch_fold(const struct batch *batch, struct arena *arena)
{
    struct relation flows = RELATION(flow_row, first_us, merge_flow);
    struct relation traits = RELATION(trait_row, count, merge_trait);
    struct relation names = RELATION(name_row, first_us, merge_name);
    struct relation uses = RELATION(use_row, count, merge_use);
    struct relation identities = RELATION(identity_row, first_us, merge_identity);
    struct relation connections = RELATION(connection_row, to_server, merge_connection);

    for (size_t i = 0; i < batch->n_facts; i++) {
        const struct batch_fact *fact = &batch->facts[i];
        if (fact->known) continue;
        fold_flow(&flows, fact);
        fold_connection(&connections, fact);
        fold_traits(&traits, fact);
        if (fact->detail) fold_names(&names, fact);
    }
    for (size_t i = 0; i < batch->n_uses; i++)
        fold_use(&uses, batch, &batch->uses[i]);
    for (size_t i = 0; i < batch->n_identities; i++)
        fold_identity(&identities, &batch->identities[i]);

    if (connections.map.n)
        qsort(connections.rows, connections.map.n, connections.size, connection_order);
    return (struct batch_rows){
        ROWS(flows, flow_row), ROWS(traits, trait_row),        ROWS(names, name_row),
        ROWS(uses, use_row),   ROWS(identities, identity_row), ROWS(connections, connection_row),
    };
}
