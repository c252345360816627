/* SPDX-License-Identifier: Apache-2.0 */
/* From a batch to rows of the database. What a batch calls 0, 1, 2... gets the database's own
 * numbers here, once per batch.
 */
#include "store/intake.h"

#include "store/runs.h"
#include "store/tables.h"

struct numbers {
    int64_t *ends, *texts, *edges, *streams;
};

static struct sqlite_statement *statement(struct store *store, enum store_statement which,
                                          struct err *err)
{
    return tables_statement(store, which, err);
}

static bool find_number(struct sqlite_statement *find, bool *found, int64_t *out, struct err *err)
{
    if (!sqlite_step(find, found, err)) return false;
    if (*found) *out = sqlite_get(find, 0);
    if (*found) sqlite_reset(find);
    return true;
}

static bool add_number(struct store *store, struct sqlite_statement *add, bool *added, int64_t *out,
                       struct err *err)
{
    if (!sqlite_do(add, err)) return false;
    *added = sqlite_changes(store->db) > 0;
    if (*added) *out = sqlite_last_id(store->db);
    return true;
}

/* The number of a row that `find` finds, else of the one that `add` makes; add changes nothing
 * where there is one. Both have been given their parameters. What is new comes in crowds, and so
 * does what is known: each is asked for in its way first. */
static bool find_or_add(struct store *store, struct sqlite_statement *find,
                        struct sqlite_statement *add, int64_t *out, struct err *err)
{
    bool found = false, added = false;
    if (!store->met_new && !find_number(find, &found, out, err)) return false;
    if (!found && !add_number(store, add, &added, out, err)) return false;
    if (!found && !added && !find_number(find, &found, out, err)) return false;
    store->met_new = added;
    return found || added || tables_damaged(err);
}

static bool write_text(struct store *store, str text, int64_t *out, struct err *err)
{
    struct sqlite_statement *find = statement(store, STORE_SQL_FIND_TEXT, err);
    struct sqlite_statement *add = find ? statement(store, STORE_SQL_ADD_TEXT, err) : NULL;
    if (!add) return false;
    sqlite_put_str(find, 1, text);
    sqlite_put_str(add, 1, text);
    return find_or_add(store, find, add, out, err);
}

static bool write_end(struct store *store, struct endpoint end, int64_t *out, struct err *err)
{
    struct sqlite_statement *find = statement(store, STORE_SQL_FIND_END, err);
    struct sqlite_statement *add = find ? statement(store, STORE_SQL_ADD_END, err) : NULL;
    uint8_t octets[16];
    if (!add) return false;
    addr_to_bytes(end.addr, octets);
    sqlite_put_bytes(find, 1, (bytes){octets, sizeof octets});
    sqlite_put_str(find, 2, end.name);
    sqlite_put_bytes(add, 1, (bytes){octets, sizeof octets});
    sqlite_put_str(add, 2, end.name);
    return find_or_add(store, find, add, out, err);
}

static bool write_edge(struct store *store, const struct numbers *numbers, struct batch_edge edge,
                       int64_t *out, struct err *err)
{
    struct sqlite_statement *both[] = {statement(store, STORE_SQL_FIND_EDGE, err), NULL};
    both[1] = both[0] ? statement(store, STORE_SQL_ADD_EDGE, err) : NULL;
    if (!both[1]) return false;
    for (size_t i = 0; i < COUNT_OF(both); i++) {
        sqlite_put(both[i], 1, numbers->ends[edge.client]);
        sqlite_put(both[i], 2, numbers->ends[edge.server]);
        sqlite_put(both[i], 3, edge.port);
        sqlite_put(both[i], 4, edge.transport);
    }
    return find_or_add(store, both[0], both[1], out, err);
}

static bool write_source(struct store *store, str path, const struct reader *reader, int64_t *out,
                         struct err *err)
{
    struct sqlite_statement *find = statement(store, STORE_SQL_FIND_SOURCE, err);
    struct sqlite_statement *add = find ? statement(store, STORE_SQL_ADD_SOURCE, err) : NULL;
    struct sqlite_statement *set = add ? statement(store, STORE_SQL_SET_SOURCE, err) : NULL;
    if (!set) return false;
    sqlite_put_str(find, 1, path);
    sqlite_put_str(add, 1, path);
    sqlite_put_str(add, 2, reader->name);
    if (!find_or_add(store, find, add, out, err)) return false;
    /* Another file may stand under the path now. */
    sqlite_put_str(set, 1, reader->name);
    sqlite_put(set, 2, *out);
    return sqlite_do(set, err);
}

/* ---- What was asked for lately ------------------------------------------------------------------
 */

static void forget(struct store_cache *cache)
{
    if (!cache->arena.region) return;
    arena_reset(&cache->arena);
    cache->ends = cache->texts = (struct map){0};
}

void intake_forget(struct store *store)
{
    struct store_cache *cache = &store->cache;
    arena_unmap(cache->edges, STORE_EDGES * sizeof *cache->edges);
    cache->edges = NULL;
    forget(cache);
}

static void remember(struct store_cache *cache, struct map *map, str key, int64_t number)
{
    if (!cache->arena.region) cache->arena = arena_open("numbers of the workspace", 0, NULL);
    if (cache->ends.n + cache->texts.n >= STORE_CACHED) forget(cache);
    (void)map_put(map, &cache->arena, key, (uint64_t)number, NULL);
}

static bool recall(const struct map *map, str key, int64_t *out)
{
    const uint64_t *found = map_find(map, key);
    if (found) *out = (int64_t)*found;
    return found != NULL;
}

static bool number_end(struct store *store, const struct batch *batch, struct numbers *numbers,
                       uint32_t index, struct err *err)
{
    str key = batch->ends.entries[index].key;
    int64_t *number = &numbers->ends[index];
    if (*number || recall(&store->cache.ends, key, number)) return true;
    if (!write_end(store, batch_end(batch, index), number, err)) return false;
    remember(&store->cache, &store->cache.ends, key, *number);
    return true;
}

static bool number_text(struct store *store, const struct batch *batch, struct numbers *numbers,
                        uint32_t index, struct err *err)
{
    str text = batch_text(batch, index);
    int64_t *number = &numbers->texts[index];
    if (*number || recall(&store->cache.texts, text, number)) return true;
    if (!write_text(store, text, number, err)) return false;
    remember(&store->cache, &store->cache.texts, text, *number);
    return true;
}

/* The place of the edge among those that are known, or the one it would take. */
static struct store_known_edge *place_of(struct store_cache *cache, const struct batch_pair *pair,
                                         uint64_t hash)
{
    if (!cache->edges) cache->edges = arena_map(STORE_EDGES * sizeof *cache->edges);
    for (uint64_t i = 0; i < STORE_EDGE_PLACES; i++) {
        struct store_known_edge *place = &cache->edges[(hash + i) & (STORE_EDGES - 1)];
        if (!place->number) return place;
        if (place->port == pair->port && addr_equal(place->server, pair->server) &&
            addr_equal(place->client, pair->client))
            return place;
    }
    struct store_known_edge *place =
        &cache->edges[(hash + (hash >> 60) % STORE_EDGE_PLACES) & (STORE_EDGES - 1)];
    place->number = 0;
    return place;
}

static bool number_new_edge(struct store *store, const struct batch *batch, struct numbers *numbers,
                            uint32_t index, struct err *err)
{
    struct batch_edge edge = batch->edge_items[index];
    return number_end(store, batch, numbers, edge.client, err) &&
           number_end(store, batch, numbers, edge.server, err) &&
           write_edge(store, numbers, edge, &numbers->edges[index], err);
}

/* An edge that is not known yet, and its key in the database. */
struct new_edge {
    int64_t client, server;
    uint64_t port;
    uint32_t pair; /* in the batch's map */
};

static int new_edge_order(const void *left, const void *right)
{
    const struct new_edge *a = left, *b = right;
    if (a->client != b->client) return a->client < b->client ? -1 : 1;
    if (a->server != b->server) return a->server < b->server ? -1 : 1;
    return a->port < b->port ? -1 : a->port > b->port;
}

static struct batch_pair pair_at(const struct batch *batch, size_t at)
{
    struct batch_pair pair;
    memcpy(&pair, batch->pairs.entries[at].key.ptr, sizeof pair);
    return pair;
}

/* In the order of their keys: neighbours in the index are written one after the other. */
static bool number_new_edges(struct store *store, const struct batch *batch,
                             struct numbers *numbers, struct new_edge *edges, size_t n,
                             struct err *err)
{
    if (n) qsort(edges, n, sizeof *edges, new_edge_order);
    for (size_t i = 0; i < n; i++) {
        const struct map_entry *entry = &batch->pairs.entries[edges[i].pair];
        uint32_t index = (uint32_t)entry->value;
        struct batch_pair pair = pair_at(batch, edges[i].pair);
        if (!number_new_edge(store, batch, numbers, index, err)) return false;
        *place_of(&store->cache, &pair, entry->hash) =
            (struct store_known_edge){pair.client, pair.server, pair.port, numbers->edges[index]};
    }
    return true;
}

/* Edges of two addresses that a row refers to: the batch's map has their keys and hashes at hand.
 */
static bool number_pairs(struct store *store, const struct batch *batch, const bool *needed,
                         struct numbers *numbers, struct arena scratch, struct err *err)
{
    struct new_edge *edges = arena_array(&scratch, struct new_edge, batch->pairs.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < batch->pairs.n; i++) {
        const struct map_entry *entry = &batch->pairs.entries[i];
        uint32_t index = (uint32_t)entry->value;
        if (!needed[index]) continue;
        struct batch_pair pair = pair_at(batch, i);
        numbers->edges[index] = place_of(&store->cache, &pair, entry->hash)->number;
        if (numbers->edges[index]) continue;
        struct batch_edge edge = batch->edge_items[index];
        if (!number_end(store, batch, numbers, edge.client, err) ||
            !number_end(store, batch, numbers, edge.server, err))
            return false;
        edges[n++] = (struct new_edge){numbers->ends[edge.client], numbers->ends[edge.server],
                                       pair.port, (uint32_t)i};
    }
    return number_new_edges(store, batch, numbers, edges, n, err);
}

static bool number_edge(struct store *store, const struct batch *batch, struct numbers *numbers,
                        uint32_t index, struct err *err)
{
    if (numbers->edges[index]) return true;
    return number_new_edge(store, batch, numbers, index, err);
}

static bool number_names(struct store *store, const struct batch *batch, struct numbers *numbers,
                         const struct batch_detail *detail, struct err *err)
{
    for (size_t kind = 0; kind < BATCH_NAME_COUNT; kind++)
        for (size_t i = 0; i < detail->n_names[kind]; i++)
            if (!number_text(store, batch, numbers, detail->names[kind][i], err)) return false;
    return true;
}

static const bool *edges_needed(const struct batch *batch, struct arena *arena)
{
    bool *needed = arena_array(arena, bool, batch->n_edges + 1);
    for (size_t i = 0; i < batch->n_facts; i++)
        if (!batch->facts[i].known) needed[batch->facts[i].edge] = true;
    for (size_t i = 0; i < batch->n_uses; i++)
        if (!batch_is_known(batch, &batch->uses[i].record)) needed[batch->uses[i].edge] = true;
    return needed;
}

/* Only what a row refers to gets a number: ends and texts of known lines leave no trace. */
static bool number_all(struct store *store, const struct batch *batch, struct numbers *numbers,
                       struct arena scratch, struct err *err)
{
    const bool *needed = edges_needed(batch, &scratch);
    if (!number_pairs(store, batch, needed, numbers, scratch, err)) return false;
    for (size_t i = 0; i < batch->n_facts; i++) {
        const struct batch_fact *fact = &batch->facts[i];
        if (fact->known) continue;
        if (!number_edge(store, batch, numbers, fact->edge, err)) return false;
        if (fact->detail && !number_names(store, batch, numbers, fact->detail, err)) return false;
    }
    for (size_t i = 0; i < batch->n_uses; i++) {
        const struct batch_use *use = &batch->uses[i];
        if (batch_is_known(batch, &use->record)) continue;
        const uint32_t texts[] = {use->share, use->pipe, use->user};
        if (!number_edge(store, batch, numbers, use->edge, err)) return false;
        for (size_t j = 0; j < COUNT_OF(texts); j++)
            if (!number_text(store, batch, numbers, texts[j], err)) return false;
    }
    return true;
}

static bool write_identities(struct store *store, const struct batch *batch,
                             const struct batch_rows *rows, struct numbers *numbers,
                             struct err *err)
{
    struct sqlite_statement *s = statement(store, STORE_SQL_ADD_IDENTITY, err);
    for (size_t i = 0; s && i < rows->n_identities; i++) {
        const struct batch_identity_row *row = &rows->identities[i];
        uint8_t octets[16];
        int at = 1;
        if (!number_text(store, batch, numbers, row->name, err)) return false;
        addr_to_bytes(row->addr, octets);
        sqlite_put_bytes(s, at++, (bytes){octets, sizeof octets});
        sqlite_put(s, at++, numbers->texts[row->name]);
        sqlite_put(s, at++, row->source);
        sqlite_put(s, at++, row->day);
        sqlite_put(s, at++, row->first_us);
        sqlite_put(s, at++, row->last_us);
        if (!sqlite_do(s, err)) return false;
    }
    return s != NULL;
}

/* What a scan did not say a time for has none: it is the oldest of what is told of a port. */
static bool write_listenings(struct store *store, const struct batch *batch,
                             struct numbers *numbers, int64_t source, struct err *err)
{
    struct sqlite_statement *s = statement(store, STORE_SQL_ADD_LISTENING, err);
    for (size_t i = 0; s && i < batch->n_listenings; i++) {
        const struct batch_listening *row = &batch->listenings[i];
        if (!number_end(store, batch, numbers, row->server, err)) return false;
        const int64_t values[] = {
            numbers->ends[row->server],
            row->transport,
            row->port,
            row->state,
            row->dialects,
            row->signing,
            row->seen_us,
            row->seen_us,
            source,
        };
        for (size_t v = 0; v < COUNT_OF(values); v++)
            sqlite_put(s, (int)v + 1, values[v]);
        if (!sqlite_do(s, err)) return false;
    }
    return s != NULL;
}

static bool write_changes(struct store *store, const struct batch *batch, struct numbers *numbers,
                          struct err *err)
{
    struct sqlite_statement *s = statement(store, STORE_SQL_ADD_CHANGE, err);
    for (size_t i = 0; s && i < batch->n_changes; i++) {
        const struct batch_change *row = &batch->changes[i];
        const uint32_t texts[] = {row->subject, row->detail, row->user};
        if (!number_end(store, batch, numbers, row->host, err)) return false;
        for (size_t t = 0; t < COUNT_OF(texts); t++)
            if (!number_text(store, batch, numbers, texts[t], err)) return false;
        sqlite_put(s, 1, numbers->ends[row->host]);
        sqlite_put(s, 2, row->at_us);
        sqlite_put(s, 3, row->kind);
        for (size_t t = 0; t < COUNT_OF(texts); t++)
            sqlite_put(s, (int)t + 4, numbers->texts[texts[t]]);
        if (!sqlite_do(s, err)) return false;
    }
    return s != NULL;
}

/* ---- Lines that were given before ---------------------------------------------------------------
 */

static bool mark_record(struct store *store, struct intake_part *parts, const struct batch *batch,
                        struct batch_record *record, int64_t at_us, struct err *err)
{
    struct intake_part *part = &parts[record->part];
    if (!record->fact && !record->known && part->lines &&
        !lines_know(store, part->stream.id, part->lines, record->line_hash, at_us, &record->known,
                    err))
        return false;
    part->known += batch_is_known(batch, record);
    return true;
}

static bool mark_known(struct store *store, struct intake_part *parts, struct batch *batch,
                       struct err *err)
{
    for (size_t i = 0; i < batch->n_facts; i++) {
        struct batch_fact *fact = &batch->facts[i];
        struct intake_part *part = &parts[fact->part];
        if (!fact->known && part->lines &&
            !lines_know(store, part->stream.id, part->lines, fact->line_hash, fact->first_us,
                        &fact->known, err))
            return false;
        part->known += fact->known;
    }
    for (size_t i = 0; i < batch->n_uses; i++)
        if (!mark_record(store, parts, batch, &batch->uses[i].record, batch->uses[i].first_us, err))
            return false;
    for (size_t i = 0; i < batch->n_identities; i++)
        if (!mark_record(store, parts, batch, &batch->identities[i].record,
                         batch->identities[i].seen_us, err))
            return false;
    for (size_t i = 0; i < batch->n_listenings; i++)
        if (!mark_record(store, parts, batch, &batch->listenings[i].record,
                         batch->listenings[i].seen_us, err))
            return false;
    for (size_t i = 0; i < batch->n_changes; i++)
        if (!mark_record(store, parts, batch, &batch->changes[i].record, batch->changes[i].at_us,
                         err))
            return false;
    return true;
}

bool intake_add(struct store *store, struct intake_part *parts, size_t n_parts, str path,
                const struct reader *reader, struct batch *batch, struct arena scratch,
                struct err *err)
{
    int64_t source = 0;
    assert(n_parts);
    if (!mark_known(store, parts, batch, err)) return false;
    if (!write_source(store, path, reader, &source, err)) return false;
    struct numbers numbers = {
        .ends = arena_array(&scratch, int64_t, batch->ends.n + 1),
        .texts = arena_array(&scratch, int64_t, batch->texts.n + 1),
        .edges = arena_array(&scratch, int64_t, batch->n_edges + 1),
        .streams = arena_array(&scratch, int64_t, n_parts),
    };
    for (size_t i = 0; i < n_parts; i++)
        numbers.streams[i] = parts[i].stream.id;
    if (!number_all(store, batch, &numbers, scratch, err)) return false;
    const struct batch_numbers given = {numbers.edges, numbers.texts, numbers.streams, source};
    struct batch_rows rows = batch_fold(batch, &given, &scratch);
    for (size_t named = 0; named < COUNT_OF(rows.of); named++)
        for (size_t r = 0; r < RELATION_COUNT; r++) {
            struct runs_of of = {(enum relation_id)r, named};
            if (!runs_write(store, of, &rows.of[named][r], scratch, err)) return false;
        }
    return write_identities(store, batch, &rows, &numbers, err) &&
           write_listenings(store, batch, &numbers, source, err) &&
           write_changes(store, batch, &numbers, err);
}

static bool write_skips(struct store *store, int64_t source, int64_t from_us,
                        const struct intake_source *told, struct err *err)
{
    struct sqlite_statement *add = statement(store, STORE_SQL_ADD_SKIP, err);
    if (!add) return false;
    for (size_t i = 0; i < told->n_skips; i++) {
        const struct skip *skip = &told->skips[i];
        sqlite_put(add, 1, source);
        sqlite_put(add, 2, from_us);
        sqlite_put(add, 3, (int64_t)(skip->offset & INT64_MAX));
        sqlite_put_str(add, 4, skip->reason);
        sqlite_put(add, 5, (int64_t)(skip->length & INT64_MAX));
        if (!sqlite_do(add, err)) return false;
    }
    return true;
}

static bool write_coverage(struct store *store, int64_t source, int64_t begin_us,
                           const struct intake_part *part, struct err *err)
{
    struct sqlite_statement *set = statement(store, STORE_SQL_SET_COVERAGE, err);
    struct sqlite_statement *add = set ? statement(store, STORE_SQL_ADD_UNPLACED, err) : NULL;
    if (!add) return false;
    sqlite_put(set, 1, source);
    sqlite_put(set, 2, begin_us);
    sqlite_put(set, 3, part->stream.id);
    sqlite_put(set, 4, part->has_times ? part->from_us : STORE_NO_TIME);
    sqlite_put(set, 5, part->has_times ? part->to_us : STORE_NO_TIME);
    sqlite_put(set, 6, (int64_t)(part->records & INT64_MAX));
    sqlite_put(set, 7, (int64_t)(part->facts & INT64_MAX));
    if (!sqlite_do(set, err)) return false;
    for (size_t i = 0; i < part->n_unplaced; i++) {
        sqlite_put(add, 1, source);
        sqlite_put(add, 2, begin_us);
        sqlite_put(add, 3, part->stream.id);
        sqlite_put_str(add, 4, part->unplaced[i].what);
        sqlite_put(add, 5, (int64_t)(part->unplaced[i].count & INT64_MAX));
        if (!sqlite_do(add, err)) return false;
    }
    return true;
}

/* What was said of the source before, under the same path and beginning, is said anew. */
static bool clear_coverage(struct store *store, int64_t source, int64_t begin_us, struct err *err)
{
    static const enum store_statement clears[] = {
        STORE_SQL_CLEAR_COVERAGE,
        STORE_SQL_CLEAR_UNPLACED,
        STORE_SQL_CLEAR_SKIPS,
    };
    for (size_t i = 0; i < COUNT_OF(clears); i++) {
        struct sqlite_statement *clear = statement(store, clears[i], err);
        if (!clear) return false;
        sqlite_put(clear, 1, source);
        sqlite_put(clear, 2, begin_us);
        if (!sqlite_do(clear, err)) return false;
    }
    return true;
}

bool intake_commit(struct store *store, const struct intake_source *source,
                   const struct intake_part *parts, size_t n_parts, struct arena scratch,
                   struct err *err)
{
    struct sqlite_statement *commit = statement(store, STORE_SQL_COMMIT, err);
    int64_t id = 0, begin_us = STORE_NO_TIME;
    if (!commit || !write_source(store, source->path, source->reader, &id, err)) return false;
    for (size_t i = 0; i < n_parts; i++)
        if (parts[i].has_times && (begin_us == STORE_NO_TIME || parts[i].from_us < begin_us))
            begin_us = parts[i].from_us;
    if (!clear_coverage(store, id, begin_us, err)) return false;
    for (size_t i = 0; i < n_parts; i++)
        if (!write_coverage(store, id, begin_us, &parts[i], err) ||
            (parts[i].lines &&
             !lines_commit(store, parts[i].stream.id, parts[i].lines, scratch, err)))
            return false;
    return write_skips(store, id, begin_us, source, err) && sqlite_do(commit, err);
}

/* ---- Streams ------------------------------------------------------------------------------------
 */

bool intake_begin(struct store *store, struct err *err)
{
    struct sqlite_statement *begin = statement(store, STORE_SQL_BEGIN, err);
    return begin && sqlite_do(begin, err);
}

void intake_abandon(struct store *store)
{
    intake_forget(store); /* what was numbered in it has no number any more */
    sqlite_rollback(store->db);
}

/* Whose streams and local addresses a reader shares. */
static str family_of(const struct reader *reader)
{
    return reader->family.len ? reader->family : reader->name;
}

static bool find_stream(struct store *store, str key, bool *found, int64_t *id, struct err *err)
{
    struct sqlite_statement *find = statement(store, STORE_SQL_FIND_STREAM, err);
    if (!find) return false;
    sqlite_put_str(find, 1, key);
    if (!sqlite_step(find, found, err)) return false;
    if (*found) {
        *id = sqlite_get(find, 0);
        sqlite_reset(find);
    }
    return true;
}

static bool add_stream(struct store *store, str key, const struct reader *reader, str origin,
                       int64_t *id, struct err *err)
{
    struct sqlite_statement *add = statement(store, STORE_SQL_ADD_STREAM, err);
    if (!add) return false;
    sqlite_put_str(add, 1, key);
    sqlite_put_str(add, 2, family_of(reader));
    sqlite_put_str(add, 3, origin);
    sqlite_put(add, 4, reader->overlap == OVERLAP_LINES && !reader->tells_connections);
    if (!sqlite_do(add, err)) return false;
    *id = sqlite_last_id(store->db);
    return true;
}

static bool find_or_add_stream(struct store *store, str key, const struct reader *reader,
                               str origin, int64_t *id, struct err *err)
{
    bool found = false;
    if (!find_stream(store, key, &found, id, err)) return false;
    return found || add_stream(store, key, reader, origin, id, err);
}

struct vote {
    int64_t stream;
    size_t shared;
};

/* The stream that shares most addresses with the log, the older of equals; 0 = none. */
static bool vote_stream(struct store *store, const struct reader *reader, const struct addr *locals,
                        size_t n_locals, struct arena scratch, int64_t *out, struct err *err)
{
    struct sqlite_statement *find = statement(store, STORE_SQL_FIND_LOCAL, err);
    struct vote *votes = NULL, best = {0};
    size_t n = 0, room = 0;
    for (size_t i = 0; find && i < n_locals; i++) {
        uint8_t octets[16];
        bool row = false;
        size_t at = 0;
        addr_to_bytes(locals[i], octets);
        sqlite_put_bytes(find, 1, (bytes){octets, sizeof octets});
        sqlite_put_str(find, 2, family_of(reader));
        if (!sqlite_step(find, &row, err)) return false;
        if (!row) continue;
        int64_t stream = sqlite_get(find, 0);
        sqlite_reset(find);
        while (at < n && votes[at].stream != stream)
            at++;
        if (at == n) {
            arena_grow(&scratch, votes, n, room);
            votes[n++] = (struct vote){.stream = stream};
        }
        votes[at].shared++;
    }
    for (size_t i = 0; i < n; i++)
        if (votes[i].shared > best.shared ||
            (votes[i].shared == best.shared && votes[i].stream < best.stream))
            best = votes[i];
    *out = best.stream;
    return find != NULL;
}

bool intake_add_locals(struct store *store, const struct intake_stream *stream,
                       const struct reader *reader, const struct addr *locals, size_t n_locals,
                       struct err *err)
{
    struct sqlite_statement *add = statement(store, STORE_SQL_ADD_LOCAL, err);
    for (size_t i = 0; add && i < n_locals; i++) {
        uint8_t octets[16];
        addr_to_bytes(locals[i], octets);
        sqlite_put(add, 1, stream->id);
        sqlite_put_str(add, 3, family_of(reader));
        sqlite_put_bytes(add, 2, (bytes){octets, sizeof octets});
        if (!sqlite_do(add, err)) return false;
    }
    return add != NULL;
}

bool intake_log_stream(struct store *store, const struct reader *reader, const struct addr *locals,
                       size_t n_locals, str origin, str folder, struct arena *arena,
                       struct intake_stream *out, struct err *err)
{
    struct intake_stream stream = {0};
    if (!n_locals) {
        stream.is_guess = !origin.len;
        stream.origin = origin.len ? origin : folder;
        str key = str_format(arena, "%.*s %s %.*s", STR_ARG(family_of(reader)),
                             origin.len ? "origin" : "folder", STR_ARG(stream.origin));
        if (!find_or_add_stream(store, key, reader, stream.origin, &stream.id, err)) return false;
        *out = stream;
        return true;
    }
    char text[ADDR_TEXT];
    stream.origin = str_copy(arena, addr_text(text, locals[0]));
    if (!vote_stream(store, reader, locals, n_locals, *arena, &stream.id, err)) return false;
    str key =
        str_format(arena, "%.*s host %.*s", STR_ARG(family_of(reader)), STR_ARG(stream.origin));
    if (!stream.id && !find_or_add_stream(store, key, reader, (str){0}, &stream.id, err))
        return false;
    if (!intake_add_locals(store, &stream, reader, locals, n_locals, err)) return false;
    *out = stream;
    return true;
}

/* Hosts spell their names in capitals here and not there; the bytewise smallest spelling stays. */
bool intake_host_stream(struct store *store, const struct reader *reader, str host,
                        struct arena *arena, struct intake_stream *out, struct err *err)
{
    struct intake_stream stream = {.origin = str_copy(arena, host)};
    str family = family_of(reader);
    str key = str_format(arena, "%.*s name %.*s", STR_ARG(family), STR_ARG(str_lower(arena, host)));
    struct sqlite_statement *name = statement(store, STORE_SQL_NAME_ORIGIN, err);
    if (!name || !find_or_add_stream(store, key, reader, stream.origin, &stream.id, err))
        return false;
    sqlite_put_str(name, 1, stream.origin);
    sqlite_put(name, 2, stream.id);
    if (!sqlite_do(name, err)) return false;
    *out = stream;
    return true;
}

/* Until the last byte is read; no other writer can see it. */
#define PENDING S("capture being read")

static str capture_key(struct arena *arena, const struct sha256_digest *digest)
{
    return str_format(arena, "sha256 %.*s", STR_ARG(sha256_hex(arena, digest)));
}

bool intake_capture_stream(struct store *store, const struct reader *reader, str origin,
                           struct intake_stream *out, struct err *err)
{
    struct intake_stream stream = {.origin = origin, .is_pending = true};
    if (!add_stream(store, PENDING, reader, origin, &stream.id, err)) return false;
    *out = stream;
    return true;
}

bool intake_name_capture(struct store *store, struct intake_stream *stream,
                         const struct sha256_digest *digest, struct arena *arena, struct err *err)
{
    struct sqlite_statement *name = statement(store, STORE_SQL_NAME_STREAM, err);
    if (!name) return false;
    sqlite_put_str(name, 1, capture_key(arena, digest));
    sqlite_put(name, 2, stream->id);
    stream->is_pending = false;
    return sqlite_do(name, err);
}

bool intake_find_capture(struct store *store, const struct sha256_digest *digest,
                         struct arena *arena, bool *found, struct intake_stream *out,
                         struct err *err)
{
    struct intake_stream stream = {0};
    if (!find_stream(store, capture_key(arena, digest), found, &stream.id, err)) return false;
    if (*found) *out = stream;
    return true;
}
