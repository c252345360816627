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

static const struct day_lines *find_day(struct store *store, int64_t stream, struct lines *lines,
                                        int32_t day, struct err *err)
{
    bool fresh = false;
    str key = {(const char *)&day, sizeof day};
    uint64_t at = *map_put(&lines->by_day, lines->arena, key, lines->by_day.n, &fresh);
    if (!fresh) return &lines->days[at];
    arena_grow(lines->arena, lines->days, at, lines->day_room);
    if (!load_day(store, stream, day, lines->arena, &lines->days[at], err)) return NULL;
    return &lines->days[at];
}

bool lines_know(struct store *store, int64_t stream, struct lines *lines, uint64_t hash,
                int64_t at_us, bool *known, struct err *err)
{
    int32_t day = instant_day(at_us);
    uint64_t before = 0;
    for (int32_t d = day - 1; d <= day + 1; d++) {
        const struct day_lines *held = find_day(store, stream, lines, d, err);
        if (!held) return false;
        before += times_in(held, hash);
    }
    *known = count_line(lines, hash) <= before;
    if (*known) return true;
    arena_grow(lines->arena, lines->fresh, lines->n_fresh, lines->fresh_room);
    lines->fresh[lines->n_fresh++] = (struct fresh_line){hash, day};
    return true;
}

static int fresh_order(const void *left, const void *right)
{
    const struct fresh_line *a = left, *b = right;
    if (a->day != b->day) return a->day < b->day ? -1 : 1;
    return a->hash < b->hash ? -1 : a->hash > b->hash;
}

static void append(struct buf *out, uint64_t hash)
{
    uint8_t octets[HASH_BYTES];
    for (size_t i = 0; i < HASH_BYTES; i++)
        octets[i] = (uint8_t)(hash >> (8 * i));
    buf_bytes(out, (bytes){octets, HASH_BYTES});
}

/* One day's lines, old and new, sorted. */
static bool commit_day(struct store *store, int64_t stream, const struct fresh_line *fresh,
                       size_t n, struct arena scratch, struct err *err)
{
    struct sqlite_statement *set = tables_statement(store, STORE_SQL_SET_LINES, err);
    struct day_lines held;
    if (!set || !load_day(store, stream, fresh[0].day, &scratch, &held, err)) return false;
    struct buf merged = buf_in(&scratch);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        for (; at < held.n && hash_at(&held, at) <= fresh[i].hash; at++)
            append(&merged, hash_at(&held, at));
        append(&merged, fresh[i].hash);
    }
    for (; at < held.n; at++)
        append(&merged, hash_at(&held, at));
    sqlite_put(set, 1, stream);
    sqlite_put(set, 2, fresh[0].day);
    sqlite_put_str(set, 3, buf_text(&merged));
    return sqlite_do(set, err);
}

bool lines_commit(struct store *store, int64_t stream, struct lines *lines, struct arena scratch,
                  struct err *err)
{
    if (lines->n_fresh) qsort(lines->fresh, lines->n_fresh, sizeof *lines->fresh, fresh_order);
    for (size_t i = 0, n; i < lines->n_fresh; i += n) {
        for (n = 1; i + n < lines->n_fresh && lines->fresh[i + n].day == lines->fresh[i].day;)
            n++;
        if (!commit_day(store, stream, lines->fresh + i, n, scratch, err)) return false;
    }
    return true;
}
