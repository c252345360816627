/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/intents.h"

#include "base/hash.h"
#include "base/map.h"
#include "rules/partition.h"

enum {
    /* Pairs of classes that one entry may cost in the hash; and where entries are many, while the
     * budget of pairs lasts. */
    FEW_PAIRS = 16,
    MOST_PAIRS = 4096,
    MANY_ENTRIES = 4096,
    PAIRS_PER_CLASS = 8,
    /* A table of cells above this is not made: then rows of groups are searched. */
    CELL_BYTES = 16 << 20,
    LEVEL_BITS = 2,
    LEVEL_MASK = (1 << LEVEL_BITS) - 1,
    CELLS_PER_BYTE = 4,
    CLASS_BITS = 31,
    BLOCK = 64,
};
/* Of a class: it has pairs in the hash. The other bits are its part or its row. */
#define HAS_PAIRS (UINT32_C(1) << 31)

/* A row of groups: numbers of sets of client parts. */
struct part_row {
    uint32_t allow, either;
};

struct narrow {
    uint32_t client, level;
};

struct intents {
    uint32_t n_classes;
    bool all_plain;
    const struct class_sets *ends;
    const struct spoken *broad; /* entries about groups */
    size_t n_broad;
    struct partition clients, servers;
    struct class_sets part_sets;
    const struct part_row *rows;
    uint32_t n_rows;
    const uint32_t *client_of; /* per class: part, HAS_PAIRS */
    const uint32_t *server_of; /* per class: row, HAS_PAIRS */
    const uint8_t *cells;      /* per row and client part two bits; NULL when there are too many */
    size_t stride;
    const uint64_t *slots; /* client, server and level of a pair; 0 = empty */
    size_t n_slots;
    /* The pairs of server s, by client: pairs[pairs_from[s]] up to pairs[pairs_from[s + 1]]. */
    const uint32_t *pairs_from;
    const struct narrow *pairs;
};

/* ---- Entries ------------------------------------------------------------------------------------
 */

/* Entries with equal sets at one end are one entry, with the union at the other. */
static size_t merge(struct spoken *entries, size_t n, bool by_clients, struct class_sets *ends,
                    struct arena *arena, struct arena scratch)
{
    size_t n_keys = 2 * (size_t)ends->n, kept = 0;
    uint32_t *head = arena_array(&scratch, uint32_t, n_keys); /* the last of an end's, plus one */
    uint32_t *next = arena_array(&scratch, uint32_t, n);
    for (size_t i = 0; i < n; i++) {
        uint32_t end = by_clients ? entries[i].clients : entries[i].servers;
        uint32_t *last = &head[2 * (size_t)end + entries[i].plain];
        next[i] = *last;
        *last = (uint32_t)i + 1;
    }
    struct class_set *others = arena_array(&scratch, struct class_set, n);
    struct spoken *out = arena_array(&scratch, struct spoken, n);
    for (size_t i = 0; i < n; i++) {
        uint32_t end = by_clients ? entries[i].clients : entries[i].servers;
        uint32_t *last = &head[2 * (size_t)end + entries[i].plain];
        size_t n_others = 0;
        if (!*last) continue; /* went into an earlier one */
        out[kept] = entries[i];
        for (uint32_t at = *last; at; at = next[at - 1])
            others[n_others++] = class_sets_get(ends, by_clients ? entries[at - 1].servers
                                                                 : entries[at - 1].clients);
        *last = 0;
        if (n_others > 1) {
            struct arena inner = scratch;
            struct class_set all = class_set_unite_all(&inner, others, n_others);
            uint32_t *other = by_clients ? &out[kept].servers : &out[kept].clients;
            *other = class_sets_intern(ends, arena, all);
        }
        kept++;
    }
    if (kept) memcpy(entries, out, kept * sizeof *out);
    return kept;
}

/* Moves the entries about few classes to the end; returns how many are about groups. */
static size_t put_narrow_last(struct spoken *entries, size_t n, const struct class_sets *ends,
                              uint32_t n_classes, struct arena scratch)
{
    struct spoken *narrow = arena_array(&scratch, struct spoken, n);
    uint64_t left = PAIRS_PER_CLASS * ((uint64_t)n + n_classes);
    size_t n_broad = 0, n_narrow = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t clients = class_set_size(class_sets_get(ends, entries[i].clients));
        uint64_t servers = class_set_size(class_sets_get(ends, entries[i].servers));
        uint64_t pairs = clients * servers; /* below 2^31 each */
        bool is_few =
            pairs <= FEW_PAIRS || (n > MANY_ENTRIES && pairs <= MOST_PAIRS && pairs <= left);
        if (is_few) {
            left -= pairs < left ? pairs : left;
            narrow[n_narrow++] = entries[i];
        } else
            entries[n_broad++] = entries[i];
    }
    if (n_narrow) memcpy(entries + n_broad, narrow, n_narrow * sizeof *narrow);
    return n_broad;
}

/* ---- Rows of groups -----------------------------------------------------------------------------
 */

static struct partition end_partition(const struct intents *t, bool of_clients, struct arena *arena,
                                      struct arena scratch)
{
    struct class_set *sets = arena_array(&scratch, struct class_set, t->n_broad);
    bool *seen = arena_array(&scratch, bool, t->ends->n);
    size_t n = 0;
    for (size_t i = 0; i < t->n_broad; i++) {
        uint32_t end = of_clients ? t->broad[i].clients : t->broad[i].servers;
        if (!seen[end]) sets[n++] = class_sets_get(t->ends, end);
        seen[end] = true;
    }
    return partition_of(sets, n, t->n_classes, arena, scratch);
}

/* Entries that begin and end to count, by part. */
struct events {
    uint32_t *from;  /* those of part p: items[from[p]] up to items[from[p + 1]] */
    uint32_t *items; /* entry times two, plus one where it ends */
};

static struct events list_events(const struct class_set *own, size_t n, uint32_t n_parts,
                                 struct arena *arena)
{
    struct events events = {.from = arena_array(arena, uint32_t, (size_t)n_parts + 3)};
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < own[i].n; j++) {
            /* Ends go one part on; those of the last part nobody reads. */
            events.from[own[i].runs[j].first + 2]++;
            events.from[own[i].runs[j].last + 3]++;
            total += 2;
        }
    for (size_t p = 2; p < (size_t)n_parts + 2; p++)
        events.from[p + 1] += events.from[p];
    events.items = arena_array(arena, uint32_t, total);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < own[i].n; j++) {
            uint32_t entry = 2 * (uint32_t)i;
            events.items[events.from[own[i].runs[j].first + 1]++] = entry;
            events.items[events.from[own[i].runs[j].last + 2]++] = entry + 1;
        }
    return events;
}

/* Entries that count at a part. */
struct active {
    uint32_t *items, *at; /* at: where an entry stands in items */
    size_t n;
};

static void apply(struct active *active, uint32_t event)
{
    uint32_t entry = event / 2;
    if (event & 1) {
        uint32_t moved = active->items[--active->n];
        active->items[active->at[entry]] = moved;
        active->at[moved] = active->at[entry];
        return;
    }
    active->at[entry] = (uint32_t)active->n;
    active->items[active->n++] = entry;
}

/* For each part at one end, the parts at the other end that some entry names with it. */
static struct part_row *part_rows(const struct intents *t, bool own_is_server,
                                  struct class_sets *sets, struct arena *arena,
                                  struct arena scratch)
{
    const struct partition *own = own_is_server ? &t->servers : &t->clients;
    const struct partition *peer = own_is_server ? &t->clients : &t->servers;
    struct class_set *owns = arena_array(&scratch, struct class_set, t->n_broad);
    struct class_set *peers = arena_array(&scratch, struct class_set, t->n_broad);
    for (size_t i = 0; i < t->n_broad; i++) {
        struct class_set clients = class_sets_get(t->ends, t->broad[i].clients);
        struct class_set servers = class_sets_get(t->ends, t->broad[i].servers);
        owns[i] = partition_parts(own, own_is_server ? servers : clients, &scratch);
        peers[i] = partition_parts(peer, own_is_server ? clients : servers, &scratch);
    }
    struct events events = list_events(owns, t->n_broad, own->n, &scratch);
    struct active active = {arena_array(&scratch, uint32_t, t->n_broad + 1),
                            arena_array(&scratch, uint32_t, t->n_broad + 1), 0};
    struct class_set *named = arena_array(&scratch, struct class_set, t->n_broad);
    struct part_row *rows = arena_array(arena, struct part_row, (size_t)own->n + 1);
    for (uint32_t p = 0; p < own->n; p++) {
        for (uint32_t i = events.from[p]; i < events.from[p + 1]; i++)
            apply(&active, events.items[i]);
        struct arena inner = scratch;
        size_t n_plain = 0, n = active.n;
        /* Those in clear first. */
        for (size_t i = 0, secure = n; i < n; i++) {
            bool plain = t->broad[active.items[i]].plain;
            named[plain ? n_plain++ : --secure] = peers[active.items[i]];
        }
        struct class_set plain = class_set_unite_all(&inner, named, n_plain);
        rows[p].allow = class_sets_intern(sets, arena, plain);
        rows[p].either = rows[p].allow;
        if (n == n_plain) continue;
        struct class_set both = class_set_unite_all(&inner, named, n);
        rows[p].either = class_sets_intern(sets, arena, both);
    }
    return rows;
}

static void set_cells(uint8_t *row, struct class_set parts, enum intent_level level)
{
    for (size_t i = 0; i < parts.n; i++)
        for (uint32_t p = parts.runs[i].first; p <= parts.runs[i].last; p++) {
            unsigned shift = p % CELLS_PER_BYTE * LEVEL_BITS;
            unsigned others = row[p / CELLS_PER_BYTE] & ~((unsigned)LEVEL_MASK << shift);
            row[p / CELLS_PER_BYTE] = (uint8_t)(others | (unsigned)level << shift);
        }
}

/* Equal rows become one; then the table of cells. */
static void make_rows(struct intents *t, uint32_t *server_of, struct arena *arena,
                      struct arena scratch)
{
    struct part_row *all = part_rows(t, true, &t->part_sets, arena, scratch);
    struct map known = {0};
    uint32_t *row_of = arena_array(&scratch, uint32_t, (size_t)t->servers.n + 1);
    for (uint32_t p = 0; p < t->servers.n; p++) {
        bool fresh = false;
        str key = {(const char *)&all[p], sizeof all[p]};
        row_of[p] = (uint32_t)*map_put(&known, &scratch, key, t->n_rows, &fresh);
        if (fresh) all[t->n_rows++] = all[p];
    }
    t->rows = all;
    for (uint32_t c = 0; c < t->n_classes; c++)
        server_of[c] = row_of[t->servers.of[c]];
    t->stride = ((size_t)t->clients.n + CELLS_PER_BYTE - 1) / CELLS_PER_BYTE;
    if (t->stride * t->n_rows > CELL_BYTES) return;
    uint8_t *cells = arena_array(arena, uint8_t, t->stride * t->n_rows + 1);
    for (uint32_t r = 0; r < t->n_rows; r++) {
        uint8_t *row = cells + r * t->stride;
        set_cells(row, class_sets_get(&t->part_sets, all[r].either), INTENTS_IF_SECURE);
        set_cells(row, class_sets_get(&t->part_sets, all[r].allow), INTENTS_ALLOW);
    }
    t->cells = cells;
}

static enum intent_level group_level(const struct intents *t, uint32_t part, uint32_t row)
{
    if (t->cells) {
        unsigned cells = t->cells[row * t->stride + part / CELLS_PER_BYTE];
        return (enum intent_level)(cells >> part % CELLS_PER_BYTE * LEVEL_BITS & LEVEL_MASK);
    }
    if (class_set_has(class_sets_get(&t->part_sets, t->rows[row].allow), part))
        return INTENTS_ALLOW;
    bool either = class_set_has(class_sets_get(&t->part_sets, t->rows[row].either), part);
    return either ? INTENTS_IF_SECURE : INTENTS_NONE;
}

/* ---- Pairs --------------------------------------------------------------------------------------
 */

static uint64_t pair_key(uint32_t client, uint32_t server)
{
    return ((uint64_t)client << CLASS_BITS | server) << LEVEL_BITS;
}

static int narrow_order(const void *left, const void *right)
{
    const struct narrow *a = left, *b = right;
    if (a->client != b->client) return a->client < b->client ? -1 : 1;
    return (a->level < b->level) - (a->level > b->level);
}

/* The pairs of narrow entries, by server, then client, the highest level first. */
static uint32_t *list_pairs(const struct intents *t, const struct spoken *entries, size_t n,
                            struct narrow **out, struct arena *arena)
{
    uint32_t *from = arena_array(arena, uint32_t, (size_t)t->n_classes + 3);
    size_t total = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < n; i++) {
            struct class_set clients = class_sets_get(t->ends, entries[i].clients);
            struct class_set servers = class_sets_get(t->ends, entries[i].servers);
            uint32_t level = entries[i].plain ? INTENTS_ALLOW : INTENTS_IF_SECURE;
            uint32_t n_clients = (uint32_t)class_set_size(clients);
            for (uint32_t s = class_set_next(servers, 0); s != UINT32_MAX;
                 s = class_set_next(servers, s + 1)) {
                if (!pass) from[s + 2] += n_clients;
                for (uint32_t c = class_set_next(clients, 0); pass && c != UINT32_MAX;
                     c = class_set_next(clients, c + 1))
                    (*out)[from[s + 1]++] = (struct narrow){c, level};
            }
            total += pass ? 0 : n_clients * class_set_size(servers);
        }
        if (pass) break;
        for (size_t s = 2; s < (size_t)t->n_classes + 2; s++)
            from[s + 1] += from[s];
        *out = arena_array(arena, struct narrow, total);
    }
    for (uint32_t s = 0; s < t->n_classes; s++)
        if (from[s + 1] - from[s] > 1)
            qsort(*out + from[s], from[s + 1] - from[s], sizeof **out, narrow_order);
    return from;
}

/* Keeps of each pair the highest level, and nothing that a group says anyway. */
static void make_pairs(struct intents *t, const struct spoken *entries, size_t n,
                       uint32_t *client_of, uint32_t *server_of, struct arena *arena)
{
    struct narrow *pairs = NULL;
    uint32_t *from = list_pairs(t, entries, n, &pairs, arena);
    uint32_t kept = 0, n_slots = 1;
    for (uint32_t s = 0, first = 0; s < t->n_classes; s++) {
        uint32_t end = from[s + 1], start = kept;
        for (uint32_t i = first; i < end; i++) {
            bool again = kept > start && pairs[kept - 1].client == pairs[i].client;
            uint32_t part = client_of[pairs[i].client] & ~HAS_PAIRS;
            if (again || group_level(t, part, server_of[s]) >= pairs[i].level) continue;
            client_of[pairs[i].client] |= HAS_PAIRS;
            pairs[kept++] = pairs[i];
        }
        first = end;
        from[s] = start;
        if (kept > start) server_of[s] |= HAS_PAIRS;
    }
    from[t->n_classes] = kept;
    while (n_slots < 2 * kept)
        n_slots *= 2;
    uint64_t *slots = arena_array(arena, uint64_t, n_slots);
    for (uint32_t s = 0; s < t->n_classes; s++)
        for (uint32_t i = from[s]; i < from[s + 1]; i++) {
            uint64_t key = pair_key(pairs[i].client, s);
            size_t at = (size_t)hash_u64(key) & (n_slots - 1);
            while (slots[at])
                at = (at + 1) & (n_slots - 1);
            slots[at] = key | pairs[i].level;
        }
    t->pairs_from = from;
    t->pairs = pairs;
    t->slots = slots;
    t->n_slots = n_slots;
}

static enum intent_level pair_level(const struct intents *t, uint64_t key)
{
    size_t at = (size_t)hash_u64(key) & (t->n_slots - 1);
    for (; t->slots[at]; at = (at + 1) & (t->n_slots - 1))
        if (t->slots[at] >> LEVEL_BITS == key >> LEVEL_BITS)
            return (enum intent_level)(t->slots[at] & LEVEL_MASK);
    return INTENTS_NONE;
}

/* ---- Building -----------------------------------------------------------------------------------
 */

struct intents *intents_build(struct class_sets *ends, const struct spoken *entries, size_t n,
                              uint32_t n_classes, struct arena *arena, struct arena scratch)
{
    assert(n_classes < HAS_PAIRS);
    struct intents *t = arena_new(arena, struct intents);
    struct spoken *merged = arena_array(arena, struct spoken, n);
    size_t n_merged = 0;
    t->all_plain = true;
    for (size_t i = 0; i < n; i++) {
        if (!entries[i].clients || !entries[i].servers) continue;
        merged[n_merged++] = entries[i];
        t->all_plain = t->all_plain && entries[i].plain;
    }
    n_merged = merge(merged, n_merged, true, ends, arena, scratch);
    n_merged = merge(merged, n_merged, false, ends, arena, scratch);
    t->n_classes = n_classes;
    t->ends = ends;
    t->broad = merged;
    t->n_broad = put_narrow_last(merged, n_merged, ends, n_classes, scratch);
    t->clients = end_partition(t, true, arena, scratch);
    t->servers = end_partition(t, false, arena, scratch);
    uint32_t *client_of = arena_array(arena, uint32_t, n_classes);
    uint32_t *server_of = arena_array(arena, uint32_t, n_classes);
    if (n_classes) memcpy(client_of, t->clients.of, n_classes * sizeof *client_of);
    class_sets_begin(&t->part_sets, arena);
    make_rows(t, server_of, arena, scratch);
    make_pairs(t, merged + t->n_broad, n_merged - t->n_broad, client_of, server_of, arena);
    t->client_of = client_of;
    t->server_of = server_of;
    return t;
}

/* ---- Asking -------------------------------------------------------------------------------------
 */

enum intent_level intents_ask(const struct intents *intents, uint32_t client, uint32_t server)
{
    uint32_t c = intents->client_of[client], s = intents->server_of[server];
    enum intent_level level = group_level(intents, c & ~HAS_PAIRS, s & ~HAS_PAIRS);
    if (!(c & s & HAS_PAIRS) || level == INTENTS_ALLOW) return level;
    enum intent_level pair = pair_level(intents, pair_key(client, server));
    return pair > level ? pair : level;
}

void intents_ask_many(const struct intents *intents, const struct class_pair *pairs, size_t n,
                      uint8_t *out)
{
    const struct intents *t = intents;
    uint32_t clients[BLOCK], servers[BLOCK];
    for (size_t start = 0; start < n; start += BLOCK) {
        const struct class_pair *block = pairs + start;
        size_t len = n - start < BLOCK ? n - start : BLOCK;
        for (size_t i = 0; i < len; i++) {
            prefetch(&t->client_of[block[i].client]);
            prefetch(&t->server_of[block[i].server]);
        }
        for (size_t i = 0; i < len; i++) {
            clients[i] = t->client_of[block[i].client];
            servers[i] = t->server_of[block[i].server];
            size_t row = servers[i] & ~HAS_PAIRS, part = clients[i] & ~HAS_PAIRS;
            if (t->cells) prefetch(&t->cells[row * t->stride + part / CELLS_PER_BYTE]);
            if (!(clients[i] & servers[i] & HAS_PAIRS)) continue;
            uint64_t key = pair_key(block[i].client, block[i].server);
            prefetch(&t->slots[hash_u64(key) & (t->n_slots - 1)]);
        }
        for (size_t i = 0; i < len; i++) {
            enum intent_level level =
                group_level(t, clients[i] & ~HAS_PAIRS, servers[i] & ~HAS_PAIRS);
            if (clients[i] & servers[i] & HAS_PAIRS && level != INTENTS_ALLOW) {
                enum intent_level pair = pair_level(t, pair_key(block[i].client, block[i].server));
                if (pair > level) level = pair;
            }
            out[start + i] = (uint8_t)level;
        }
    }
}

uint64_t intents_table_bytes(const struct intents *intents)
{
    const struct intents *t = intents;
    uint64_t cells = t->cells ? t->stride * t->n_rows : 0;
    return cells + t->n_slots * sizeof *t->slots + 2 * (uint64_t)t->n_classes * sizeof(uint32_t);
}

/* ---- Whole rows ---------------------------------------------------------------------------------
 */

uint32_t intents_kind(const struct intents *intents, uint32_t server)
{
    uint32_t row = intents->server_of[server];
    return row & HAS_PAIRS ? intents->n_rows + server : row;
}

static struct class_set narrow_classes(const struct narrow *pairs, size_t n,
                                       enum intent_level level, struct arena *arena)
{
    struct class_run *runs = arena_array(arena, struct class_run, n);
    size_t n_runs = 0;
    for (size_t i = 0; i < n; i++)
        if (pairs[i].level >= level)
            runs[n_runs++] = (struct class_run){pairs[i].client, pairs[i].client};
    return class_set_settle(arena, runs, n_runs);
}

uint32_t intents_kinds(const struct intents *intents)
{
    return intents->n_rows + intents->n_classes;
}

bool intents_is_nobody(const struct intents *intents, uint32_t kind)
{
    return kind < intents->n_rows && !intents->rows[kind].either;
}

bool intents_all_plain(const struct intents *intents)
{
    return intents->all_plain;
}

struct class_set intents_clients(const struct intents *intents, uint32_t kind,
                                 enum intent_level level, struct arena *arena)
{
    const struct intents *t = intents;
    bool has_pairs = kind >= t->n_rows;
    uint32_t server = has_pairs ? kind - t->n_rows : 0;
    uint32_t row = has_pairs ? t->server_of[server] & ~HAS_PAIRS : kind;
    uint32_t number = level == INTENTS_ALLOW ? t->rows[row].allow : t->rows[row].either;
    struct class_set groups =
        partition_classes(&t->clients, class_sets_get(&t->part_sets, number), arena);
    if (!has_pairs) return groups;
    uint32_t first = t->pairs_from[server], end = t->pairs_from[server + 1];
    return class_set_unite(arena, groups,
                           narrow_classes(t->pairs + first, end - first, level, arena));
}

/* The pairs by client: the other way round than they are kept. */
static uint32_t *turn_pairs(const struct intents *t, struct narrow **out, struct arena *arena)
{
    uint32_t n = t->n_classes ? t->pairs_from[t->n_classes] : 0;
    uint32_t *from = arena_array(arena, uint32_t, (size_t)t->n_classes + 3);
    *out = arena_array(arena, struct narrow, n);
    for (uint32_t i = 0; i < n; i++)
        from[t->pairs[i].client + 2]++;
    for (size_t c = 2; c < (size_t)t->n_classes + 2; c++)
        from[c + 1] += from[c];
    for (uint32_t s = 0; s < t->n_classes; s++)
        for (uint32_t i = t->pairs_from[s]; i < t->pairs_from[s + 1]; i++)
            (*out)[from[t->pairs[i].client + 1]++] = (struct narrow){s, t->pairs[i].level};
    return from;
}

/* Rows of classes that groups speak of, each made once. */
struct made_rows {
    const struct part_row *rows;
    const struct class_sets *part_sets;
    const struct partition *peers;
    uint32_t *number; /* per number of a set of parts: in the caller's sets, plus one */
};

static uint32_t made_row(struct made_rows *made, uint32_t parts, struct class_sets *sets,
                         struct arena *arena, struct arena scratch)
{
    if (made->number[parts]) return made->number[parts] - 1;
    struct class_set classes =
        partition_classes(made->peers, class_sets_get(made->part_sets, parts), &scratch);
    uint32_t number = class_sets_intern(sets, arena, classes);
    made->number[parts] = number + 1;
    return number;
}

void intents_rows(const struct intents *intents, bool own_is_server, struct class_sets *sets,
                  uint32_t *allow, uint32_t *either, struct arena *arena, struct arena scratch)
{
    const struct intents *t = intents;
    struct class_sets own_sets = {0};
    struct made_rows made = {t->rows, &t->part_sets, &t->clients, NULL};
    const uint32_t *pairs_from = t->pairs_from;
    const struct narrow *pairs = t->pairs;
    struct arena work = arena_open("rows", 0, NULL);
    if (!own_is_server) {
        struct narrow *turned = NULL;
        class_sets_begin(&own_sets, &work);
        made = (struct made_rows){part_rows(t, false, &own_sets, &work, scratch), &own_sets,
                                  &t->servers, NULL};
        pairs_from = turn_pairs(t, &turned, &work);
        pairs = turned;
    }
    made.number = arena_array(&work, uint32_t, made.part_sets->n);
    for (uint32_t c = 0; c < t->n_classes; c++) {
        uint32_t at = own_is_server ? t->server_of[c] & ~HAS_PAIRS : t->clients.of[c];
        allow[c] = made_row(&made, made.rows[at].allow, sets, arena, scratch);
        either[c] = made_row(&made, made.rows[at].either, sets, arena, scratch);
        size_t n = pairs_from[c + 1] - pairs_from[c];
        if (!n) continue;
        for (int level = INTENTS_IF_SECURE; level <= INTENTS_ALLOW; level++) {
            struct arena inner = scratch;
            uint32_t *row = level == INTENTS_ALLOW ? &allow[c] : &either[c];
            struct class_set more =
                narrow_classes(pairs + pairs_from[c], n, (enum intent_level)level, &inner);
            if (!more.n) continue;
            more = class_set_unite(&inner, class_sets_get(sets, *row), more);
            *row = class_sets_intern(sets, arena, more);
        }
    }
    arena_close(&work);
}
