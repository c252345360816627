/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lines.h"

#include "base/hash.h"
#include "base/instant.h"
#include "base/map.h"
#include "store/tables.h"

enum { HASH_BYTES = 8 };

struct day_lines {
    int32_t day;
    const uint8_t *hashes; /* little endian, sorted */
    size_t n;
};

struct fresh_line {
    uint64_t hash;
    int32_t day;
};

/* A day and its neighbours, asked for last: logs come in order of time. */
struct neighbours {
    int32_t day;
    bool known, empty;
    size_t at[3]; /* index into days */
};

struct lines {
    struct arena *arena;
    /* How often this file gave a hash: open addressing, count 0 = free. */
    uint64_t *hashes;
    uint32_t *counts;
    size_t n, room;
    struct fresh_line *fresh;
    size_t n_fresh, fresh_room;
    /* Days of the stream as they were before this file. */
    struct map by_day;
    struct day_lines *days;
    size_t day_room;
    struct neighbours last;
};

struct lines *lines_new(struct arena *arena)
{
    struct lines *lines = arena_new(arena, struct lines);
    lines->arena = arena;
    return lines;
}

static void rehash(struct lines *lines)
{
    struct lines old = *lines;
    lines->room = old.room ? 2 * old.room : 1024;
    lines->hashes = arena_array(lines->arena, uint64_t, lines->room);
    lines->counts = arena_array(lines->arena, uint32_t, lines->room);
    for (size_t i = 0; i < old.room; i++) {
        if (!old.counts[i]) continue;
        size_t at = hash_u64(old.hashes[i]) & (lines->room - 1);
        while (lines->counts[at])
            at = (at + 1) & (lines->room - 1);
        lines->hashes[at] = old.hashes[i];
        lines->counts[at] = old.counts[i];
    }
}

/* How often this file has given the line, this time included. */
static uint32_t count_line(struct lines *lines, uint64_t hash)
{
    if (lines->n * 2 >= lines->room) rehash(lines);
    size_t at = hash_u64(hash) & (lines->room - 1);
    while (lines->counts[at] && lines->hashes[at] != hash)
        at = (at + 1) & (lines->room - 1);
    if (!lines->counts[at]) {
        lines->hashes[at] = hash;
        lines->n++;
    }
    if (lines->counts[at] < UINT32_MAX) lines->counts[at]++;
    return lines->counts[at];
}

static uint64_t hash_at(const struct day_lines *day, size_t i)
{
    uint64_t hash = 0;
    for (size_t b = HASH_BYTES; b > 0; b--)
        hash = hash << 8 | day->hashes[i * HASH_BYTES + b - 1];
    return hash;
}

/* First place whose hash is not below. */
static size_t lower(const struct day_lines *day, uint64_t hash)
{
    size_t low = 0, high = day->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (hash_at(day, middle) < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint64_t times_in(const struct day_lines *day, uint64_t hash)
{
    size_t end = hash == UINT64_MAX ? day->n : lower(day, hash + 1);
    return end - lower(day, hash);
}

static bool load_day(struct store *store, int64_t stream, int32_t day, struct arena *arena,
                     struct day_lines *out, struct err *err)
{
    struct sqlite_statement *get = tables_statement(store, STORE_SQL_GET_LINES, err);
    bool row = false;
    *out = (struct day_lines){.day = day};
    if (!get) return false;
    sqlite_put(get, 1, stream);
    sqlite_put(get, 2, day);
    if (!sqlite_step(get, &row, err)) return false;
    if (!row) return true;
    str hashes = sqlite_get_str(arena, get, 0);
    sqlite_reset(get);
    out->hashes = (const uint8_t *)hashes.ptr;
    out->n = hashes.len / HASH_BYTES;
    return true;
}

static bool find_day(struct store *store, int64_t stream, struct lines *lines, int32_t day,
                     size_t *out, struct err *err)
{
    bool fresh = false;
    str key = {(const char *)&day, sizeof day};
    *out = (size_t)*map_put(&lines->by_day, lines->arena, key, lines->by_day.n, &fresh);
    if (!fresh) return true;
    arena_grow(lines->arena, lines->days, *out, lines->day_room);
    return load_day(store, stream, day, lines->arena, &lines->days[*out], err);
}

static bool find_neighbours(struct store *store, int64_t stream, struct lines *lines, int32_t day,
                            struct err *err)
{
    struct neighbours found = {.day = day, .known = true, .empty = true};
    if (lines->last.known && lines->last.day == day) return true;
    for (size_t i = 0; i < COUNT_OF(found.at); i++) {
        if (!find_day(store, stream, lines, day - 1 + (int32_t)i, &found.at[i], err)) return false;
        found.empty = found.empty && !lines->days[found.at[i]].n;
    }
    lines->last = found;
    return true;
}

bool lines_know(struct store *store, int64_t stream, struct lines *lines, uint64_t hash,
                int64_t at_us, bool *known, struct err *err)
{
    int32_t day = instant_day(at_us);
    uint64_t before = 0;
    if (!find_neighbours(store, stream, lines, day, err)) return false;
    /* Equal lines have equal times: where nothing was given before, none need be counted. */
    for (size_t i = 0; !lines->last.empty && i < COUNT_OF(lines->last.at); i++)
        before += times_in(&lines->days[lines->last.at[i]], hash);
    *known = !lines->last.empty && count_line(lines, hash) <= before;
    if (*known) return true;
    arena_grow(lines->arena, lines->fresh, lines->n_fresh, lines->fresh_room);
    lines->fresh[lines->n_fresh++] = (struct fresh_line){hash, day};
    return true;
}

static int day_order(const void *left, const void *right)
{
    const struct fresh_line *a = left, *b = right;
    return a->day < b->day ? -1 : a->day > b->day;
}

/* Hashes are spread evenly, so they are sorted by their bytes, the least first. */
static void sort_hashes(struct fresh_line *lines, size_t n, struct arena scratch)
{
    enum { BITS = 11, BUCKETS = 1 << BITS };
    struct fresh_line *other = arena_array(&scratch, struct fresh_line, n);
    for (unsigned shift = 0; shift < 66; shift += BITS) {
        size_t begin[BUCKETS] = {0}, total = 0;
        for (size_t i = 0; i < n; i++)
            begin[lines[i].hash >> shift & (BUCKETS - 1)]++;
        for (size_t b = 0; b < BUCKETS; b++) {
            size_t count = begin[b];
            begin[b] = total;
            total += count;
        }
        for (size_t i = 0; i < n; i++)
            other[begin[lines[i].hash >> shift & (BUCKETS - 1)]++] = lines[i];
        struct fresh_line *held = lines; /* after six turns all is back where it was */
        lines = other;
        other = held;
    }
}

static int hash_order(const void *left, const void *right)
{
    const struct fresh_line *a = left, *b = right;
    return a->hash < b->hash ? -1 : a->hash > b->hash;
}

static void put_hash(uint8_t *out, size_t at, uint64_t hash)
{
    for (size_t i = 0; i < HASH_BYTES; i++)
        out[at * HASH_BYTES + i] = (uint8_t)(hash >> (8 * i));
}

/* One day's lines, old and new, sorted. */
static bool commit_day(struct store *store, int64_t stream, const struct fresh_line *fresh,
                       size_t n, struct arena scratch, struct err *err)
{
    struct sqlite_statement *set = tables_statement(store, STORE_SQL_SET_LINES, err);
    struct day_lines held;
    if (!set || !load_day(store, stream, fresh[0].day, &scratch, &held, err)) return false;
    uint8_t *merged = arena_array(&scratch, uint8_t, (held.n + n) * HASH_BYTES);
    size_t at = 0, to = 0;
    for (size_t i = 0; i < n; i++) {
        for (; at < held.n && hash_at(&held, at) <= fresh[i].hash; at++)
            put_hash(merged, to++, hash_at(&held, at));
        put_hash(merged, to++, fresh[i].hash);
    }
    for (; at < held.n; at++)
        put_hash(merged, to++, hash_at(&held, at));
    sqlite_put(set, 1, stream);
    sqlite_put(set, 2, fresh[0].day);
    sqlite_put_bytes(set, 3, (bytes){merged, to * HASH_BYTES});
    return sqlite_do(set, err);
}

bool lines_commit(struct store *store, int64_t stream, struct lines *lines, struct arena scratch,
                  struct err *err)
{
    enum { FEW = 4096 };
    bool sorted = true;
    for (size_t i = 1; i < lines->n_fresh; i++)
        sorted = sorted && lines->fresh[i - 1].day <= lines->fresh[i].day;
    if (!sorted) qsort(lines->fresh, lines->n_fresh, sizeof *lines->fresh, day_order);
    for (size_t i = 0, n; i < lines->n_fresh; i += n) {
        for (n = 1; i + n < lines->n_fresh && lines->fresh[i + n].day == lines->fresh[i].day;)
            n++;
        if (n > FEW)
            sort_hashes(lines->fresh + i, n, scratch);
        else
            qsort(lines->fresh + i, n, sizeof *lines->fresh, hash_order);
        if (!commit_day(store, stream, lines->fresh + i, n, scratch, err)) return false;
    }
    return true;
}
