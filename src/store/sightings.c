/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix by time. Connections are told as the join finds them. What is left is told per UTC
 * day: days whose connections were let go, and evidence without client ports. Of a day whose counts
 * can't be joined the largest is taken, as in the matrix; what the day's connections don't make up
 * of it follows as one piece. Memory grows with the flows and with the days of evidence without
 * ports, not with all days.
 */
#include "base/instant.h"
#include "matrix/batch.h"
#include "store/joining.h"
#include "store/loading.h"

enum { NOT_WANTED = 0 };

/* Why an edge has days that its connections don't tell all of (bits). */
enum { HAS_PORTLESS = 1, HAS_PAST = 2 };

/* Counts per edge and day. */
struct day_tallies {
    struct map days;
    struct tally *items;
    size_t room;
};

struct telling {
    struct loading l;
    const struct sighting_sink *sink;
    uint32_t *tags;           /* per edge: its tag and one; NOT_WANTED */
    uint8_t *whys;            /* per edge */
    struct day_tallies told;  /* of edges with such days: what their connections make up */
    struct day_tallies named; /* counted days of edges with a named end */
};

static struct tally *tally_in(struct day_tallies *in, struct arena *arena, int64_t edge,
                              int64_t day, bool make)
{
    const int64_t key[2] = {edge, day};
    str text = {(const char *)key, sizeof key};
    const uint64_t *at = map_find(&in->days, text);
    if (at) return &in->items[*at];
    if (!make) return NULL;
    size_t n = in->days.n;
    arena_grow(arena, in->items, n, in->room);
    in->items[n] = (struct tally){0};
    map_put(&in->days, arena, text, n, NULL);
    return &in->items[n];
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void raise(struct tally *into, const struct tally *from)
{
    into->connections = larger(into->connections, from->connections);
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        into->outcomes[i] = larger(into->outcomes[i], from->outcomes[i]);
}

static bool is_wanted(const struct telling *t, int64_t edge)
{
    return t->tags[edge] != NOT_WANTED;
}

static void ask_edges(struct telling *t)
{
    struct loading *l = &t->l;
    for (size_t i = 0; i < l->n_edges; i++) {
        const struct matrix_flow *flow = &l->edges[i].flow;
        uint32_t tag = 0;
        if (!l->edges[i].defined || !t->sink->wants(t->sink->to, flow->client, flow->server,
                                                    flow->transport, flow->port, &tag))
            continue;
        assert(tag < UINT32_MAX && "tags count flows");
        t->tags[i] = tag + 1;
    }
}

static void tell(const struct telling *t, int64_t edge, const struct sighting *sighting)
{
    t->sink->seen(t->sink->to, t->tags[edge] - 1, sighting);
}

/* ---- Which edges need a look at their days ------------------------------------------------------
 */

static bool row_holds(const struct loading *l, const int64_t *row)
{
    return row[FLOW_EDGE] >= 0 && (uint64_t)row[FLOW_EDGE] < l->n_edges && row[FLOW_OUTCOME] >= 0 &&
           row[FLOW_OUTCOME] < OUTCOME_COUNT;
}

static bool open_flows(struct telling *t, struct runs_reader **out, struct err *err)
{
    struct runs_of of = {RELATION_OF_FLOW, false};
    return runs_open(t->l.store, of, &t->l.named[RELATION_OF_FLOW], t->l.scratch, out, err);
}

static bool mark_portless(struct telling *t, struct err *err)
{
    struct runs_reader *reader = NULL;
    if (!open_flows(t, &reader, err)) return false;
    for (const int64_t *row = NULL;;) {
        if (!runs_next(reader, &row, err)) return false;
        if (!row) return true;
        if (!row_holds(&t->l, row)) return tables_damaged(err);
        if (row[FLOW_PORTLESS] != BATCH_PORTED) t->whys[row[FLOW_EDGE]] |= HAS_PORTLESS;
    }
}

static struct tally counted_tally(const struct sqlite_statement *s, int first)
{
    struct tally tally = {.connections = (uint64_t)sqlite_get(s, first)};
    for (int i = 0; i < OUTCOME_COUNT; i++)
        tally.outcomes[i] = (uint64_t)sqlite_get(s, first + 1 + i);
    return tally;
}

/* Days of edges with a named end are not found by the edge that is meant: they are kept. */
static bool mark_past(struct telling *t, struct err *err)
{
    struct sqlite_statement *s = sqlite_prepare(
        t->l.store->db, "SELECT edge,day,connections,o0,o1,o2,o3,o4,o5,o6,o7,o8 FROM day", err);
    for (bool row = false; s;) {
        if (!sqlite_step(s, &row, err)) return false;
        if (!row) return true;
        size_t edge = sqlite_get_index(s, 0, t->l.n_edges);
        size_t meant = named_edge(&t->l, edge, sqlite_get(s, 1));
        t->whys[meant] |= HAS_PAST;
        if (meant == edge || !is_wanted(t, (int64_t)meant)) continue;
        struct tally tally = counted_tally(s, 2);
        raise(tally_in(&t->named, t->l.scratch, (int64_t)meant, sqlite_get(s, 1), true), &tally);
    }
    return false;
}

/* ---- Connections --------------------------------------------------------------------------------
 */

static void tell_connection(void *to, int64_t edge, int64_t client_port,
                            const struct join_connection *c)
{
    struct telling *t = to;
    (void)client_port;
    if (!is_wanted(t, edge) || c->counted) return;
    struct sighting one = {.first_us = c->start_us, .last_us = c->start_us, .connections = 1};
    for (size_t i = 1; i < OUTCOME_COUNT; i++)
        one.outcomes[i] = c->outcomes >> i & 1;
    one.outcomes[OUTCOME_NONE] = !c->outcomes;
    int64_t day = instant_day(c->start_us);
    if (day < CLOCKLESS_DAYS) return;
    if (t->whys[edge]) {
        struct tally *tally = tally_in(&t->told, t->l.scratch, edge, day, true);
        tally->connections++;
        for (size_t i = 0; i < OUTCOME_COUNT; i++)
            tally->outcomes[i] += one.outcomes[i];
    }
    tell(t, edge, &one);
}

static bool tell_connections(struct telling *t, struct err *err)
{
    struct joining_numbers numbers;
    struct arena joins = arena_open("joining connections", 0, NULL);
    bool fine = joining_numbers(t->l.store, t->l.scratch, &numbers, err);
    if (fine) {
        numbers.n_edges = t->l.n_edges;
        fine = joining_run(t->l.store, numbers, false, &t->l.named[RELATION_OF_CONNECTION], joins,
                           tell_connection, t, err);
    }
    arena_close(&joins);
    return fine;
}

/* ---- Days ---------------------------------------------------------------------------------------
 */

/* One edge and day under way. */
struct day_of_edge {
    int64_t edge, day, stream;
    int64_t first_us, last_us;
    struct tally of_stream, largest;
    uint16_t within; /* outcomes of sightings within sessions that don't say which */
};

/* What the day's connections don't make up. */
static void tell_rest(struct telling *t, const struct day_of_edge *d)
{
    static const struct tally none = {0};
    const struct tally *told = tally_in(&t->told, t->l.scratch, d->edge, d->day, false);
    struct sighting rest = {.first_us = d->first_us, .last_us = d->last_us};
    if (!told) told = &none;
    if (d->largest.connections > told->connections)
        rest.connections = d->largest.connections - told->connections;
    for (size_t i = 0; i < OUTCOME_COUNT && rest.connections; i++)
        if (d->largest.outcomes[i] > told->outcomes[i])
            rest.outcomes[i] = d->largest.outcomes[i] - told->outcomes[i];
    if (!rest.connections && !told->connections && d->within) {
        rest.connections = 1;
        for (size_t i = 0; i < OUTCOME_COUNT; i++)
            rest.outcomes[i] = d->within >> i & 1;
    }
    if (rest.connections) tell(t, d->edge, &rest);
}

static void end_stream(struct day_of_edge *d)
{
    raise(&d->largest, &d->of_stream);
    d->of_stream = (struct tally){0};
}

/* The counts of a day that was let go, if it was. */
static bool add_past(struct telling *t, struct day_of_edge *d, struct err *err)
{
    struct sqlite_statement *s = tables_statement(t->l.store, STORE_SQL_GET_DAY, err);
    const struct tally *named = tally_in(&t->named, t->l.scratch, d->edge, d->day, false);
    bool row = false;
    if (named) raise(&d->largest, named);
    if (!s) return false;
    sqlite_put(s, 1, d->edge);
    sqlite_put(s, 2, d->day);
    if (!sqlite_step(s, &row, err)) return false;
    if (!row) return true;
    struct tally past = counted_tally(s, 0);
    raise(&d->largest, &past);
    sqlite_reset(s);
    return true;
}

static bool end_day(struct telling *t, struct day_of_edge *d, struct err *err)
{
    if (d->edge < 0) return true;
    end_stream(d);
    if (t->whys[d->edge] & HAS_PAST && !add_past(t, d, err)) return false;
    tell_rest(t, d);
    return true;
}

static void add_row(struct day_of_edge *d, const int64_t *row)
{
    if (row[FLOW_STREAM] != d->stream) end_stream(d);
    d->stream = row[FLOW_STREAM];
    if (row[FLOW_FIRST] < d->first_us) d->first_us = row[FLOW_FIRST];
    if (row[FLOW_LAST] > d->last_us) d->last_us = row[FLOW_LAST];
    if (row[FLOW_PORTLESS] == BATCH_PORTLESS_WITHIN)
        d->within |= (uint16_t)(1u << row[FLOW_OUTCOME]);
    if (row[FLOW_PORTLESS] != BATCH_PORTLESS) return;
    d->of_stream.connections += (uint64_t)row[FLOW_COUNT];
    d->of_stream.outcomes[row[FLOW_OUTCOME]] += (uint64_t)row[FLOW_COUNT];
}

static bool tell_days(struct telling *t, struct err *err)
{
    struct runs_reader *reader = NULL;
    struct day_of_edge d = {.edge = -1};
    if (!open_flows(t, &reader, err)) return false;
    for (const int64_t *row = NULL;;) {
        if (!runs_next(reader, &row, err)) return false;
        if (!row) return end_day(t, &d, err);
        int64_t edge = row[FLOW_EDGE];
        if (!is_wanted(t, edge) || !t->whys[edge] || row[FLOW_DAY] < CLOCKLESS_DAYS) continue;
        if (edge != d.edge || row[FLOW_DAY] != d.day) {
            if (!end_day(t, &d, err)) return false;
            d = (struct day_of_edge){.edge = edge,
                                     .day = row[FLOW_DAY],
                                     .stream = row[FLOW_STREAM],
                                     .first_us = row[FLOW_FIRST],
                                     .last_us = row[FLOW_LAST]};
        }
        add_row(&d, row);
    }
}

/* ---- Who ----------------------------------------------------------------------------------------
 */

static bool tell_users(struct telling *t, struct err *err)
{
    struct runs_of of = {RELATION_OF_NAME, false};
    struct runs_reader *reader = NULL;
    struct loading *l = &t->l;
    if (!runs_open(l->store, of, &l->named[RELATION_OF_NAME], l->scratch, &reader, err))
        return false;
    for (const int64_t *row = NULL;;) {
        if (!runs_next(reader, &row, err)) return false;
        if (!row) return true;
        if (row[NAME_EDGE] < 0 || (uint64_t)row[NAME_EDGE] >= l->n_edges || row[NAME_TEXT] < 0 ||
            (uint64_t)row[NAME_TEXT] >= l->n_texts)
            return tables_damaged(err);
        if (row[NAME_KIND] != BATCH_NAME_USER || !is_wanted(t, row[NAME_EDGE])) continue;
        t->sink->user(t->sink->to, t->tags[row[NAME_EDGE]] - 1, l->texts[row[NAME_TEXT]],
                      row[NAME_FIRST], row[NAME_LAST]);
    }
}

bool store_load_sightings(struct store *store, const struct sighting_sink *sink,
                          struct arena *arena, struct err *err)
{
    struct arena scratch = arena_open("loading the matrix by time", 0, NULL);
    struct telling t = {
        .l = {.store = store, .arena = arena, .scratch = &scratch},
          .sink = sink
    };
    bool fine = loading_begin(&t.l, err);
    if (fine) {
        t.tags = arena_array(&scratch, uint32_t, t.l.n_edges);
        t.whys = arena_array(&scratch, uint8_t, t.l.n_edges);
        ask_edges(&t);
        fine = mark_portless(&t, err) && mark_past(&t, err) && tell_connections(&t, err) &&
               tell_days(&t, err) && tell_users(&t, err);
    }
    sqlite_rollback(store->db);
    arena_close(&scratch);
    return fine;
}
