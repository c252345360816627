/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/gather.h"

#include "base/map.h"
#include "base/unpack.h"
#include "evidence/firewall_export.h"

/* One file on its way. */
struct file {
    const struct gather *gather;
    struct pool_turn *turn;
};

struct part {
    str origin;
    uint64_t records, facts;
    bool has_times;
    int64_t from_us, to_us;
    struct addr *locals;
    size_t n_locals, locals_room;
    struct gather_unplaced *unplaced;
    size_t n_unplaced, unplaced_room;
};

/* One source while it is read. */
struct reading {
    struct file *file;
    const struct reader *reader;
    str source;
    struct arena *held; /* until its end */
    struct parcel *parcel;
    struct map origins; /* lower case -> part */
    struct part *parts;
    size_t n_parts, parts_room;
    uint32_t part; /* in hand */
    str said;      /* the origin as it was said last */
    uint64_t homeless;
    struct skip skips[LIMIT_SKIPS_LISTED];
    uint64_t n_skips, first_unlisted;
    /* A record whose host may be said only after it. */
    bool has_record, record_has_origin, origin_is_fresh;
    int64_t record_us;
    struct fingerprint content;
};

/* ---- Parcels ----------------------------------------------------------------------------------
 */

static struct parcel *parcel_open(enum parcel_kind kind, str source)
{
    struct arena arena = arena_open("facts of a source", LIMIT_PARCEL_RESERVE, NULL);
    struct parcel *parcel = arena_new(&arena, struct parcel);
    parcel->arena = arena;
    parcel->kind = kind;
    parcel->source = str_copy(&parcel->arena, source);
    return parcel;
}

void parcel_close(struct parcel *parcel)
{
    struct arena arena = parcel->arena; /* it lies in what it owns */
    arena_close(&arena);
}

static bool give(struct file *file, struct parcel *parcel)
{
    enum { LEAST = 64 << 10 };
    parcel->link.bytes = LEAST + arena_used(&parcel->arena);
    return pool_give(file->turn, &parcel->link);
}

static struct parcel *next_parcel(const struct reading *r)
{
    struct parcel *parcel = parcel_open(PARCEL_SOURCE, r->source);
    parcel->reader = r->reader;
    parcel->batch = batch_in(&parcel->arena);
    parcel->batch.part = r->part;
    return parcel;
}

static int addr_order(const void *left, const void *right)
{
    const struct addr *a = left, *b = right;
    return addr_compare(*a, *b);
}

/* The parcel outlives the reading: it gets copies. */
static void add_parts(struct reading *r, struct parcel *parcel)
{
    struct arena *arena = &parcel->arena;
    parcel->parts = arena_array(arena, struct gather_part, r->n_parts);
    parcel->n_parts = r->n_parts;
    for (size_t i = 0; i < r->n_parts; i++) {
        const struct part *part = &r->parts[i];
        struct addr *locals = arena_array(arena, struct addr, part->n_locals);
        if (part->n_locals) {
            memcpy(locals, part->locals, part->n_locals * sizeof *locals);
            qsort(locals, part->n_locals, sizeof *locals, addr_order);
        }
        struct gather_unplaced *unplaced =
            arena_array(arena, struct gather_unplaced, part->n_unplaced);
        for (size_t j = 0; j < part->n_unplaced; j++)
            unplaced[j] = (struct gather_unplaced){str_copy(arena, part->unplaced[j].what),
                                                   part->unplaced[j].count};
        parcel->parts[i] = (struct gather_part){
            .origin = str_copy(arena, part->origin),
            .records = part->records,
            .facts = part->facts,
            .has_times = part->has_times,
            .from_us = part->from_us,
            .to_us = part->to_us,
            .locals = locals,
            .n_locals = part->n_locals,
            .unplaced = unplaced,
            .n_unplaced = part->n_unplaced,
        };
    }
}

static void give_full(struct reading *r)
{
    uint64_t line_hash = r->parcel->batch.line_hash; /* said already, of the fact that comes next */
    add_parts(r, r->parcel);
    (void)give(r->file, r->parcel); /* a pool that stopped is asked about in feed */
    r->parcel = next_parcel(r);
    r->parcel->batch.line_hash = line_hash;
}

/* ---- The sink ----------------------------------------------------------------------------------
 */

/* Before a fact is added. What belongs to the fact before it should stay in its parcel. */
static void make_room(struct reading *r, bool belongs)
{
    uint64_t most = belongs ? 2 * (uint64_t)LIMIT_PARCEL_BYTES : LIMIT_PARCEL_BYTES;
    if ((!belongs && r->parcel->batch.n_facts >= LIMIT_FACTS_HELD) ||
        arena_used(&r->parcel->arena) >= most)
        give_full(r);
    r->parts[r->part].facts++;
}

static void take_observation(void *to, const struct observation *fact)
{
    struct reading *r = to;
    make_room(r, false);
    batch_observation(&r->parcel->batch, fact);
}

static void take_use(void *to, const struct use *fact)
{
    struct reading *r = to;
    make_room(r, true);
    batch_use(&r->parcel->batch, fact);
}

static void take_identity(void *to, const struct identity *fact)
{
    struct reading *r = to;
    make_room(r, true);
    batch_identity(&r->parcel->batch, fact);
}

static void take_listening(void *to, const struct listening *fact)
{
    struct reading *r = to;
    make_room(r, false);
    batch_listening(&r->parcel->batch, fact);
}

static void take_change(void *to, const struct change *fact)
{
    struct reading *r = to;
    make_room(r, false);
    batch_change(&r->parcel->batch, fact);
}

static void take_skip(void *to, const struct skip *fact)
{
    struct reading *r = to;
    if (r->n_skips == LIMIT_SKIPS_LISTED) r->first_unlisted = fact->offset;
    if (r->n_skips++ >= LIMIT_SKIPS_LISTED) return;
    r->skips[r->n_skips - 1] = *fact;
    r->skips[r->n_skips - 1].reason = str_copy(r->held, fact->reason);
}

/* Addresses that many hosts share tell nothing of which host it was. */
static bool names_a_host(struct addr a)
{
#define V4(octet, bits)                                                                            \
    {                                                                                              \
        {0, UINT64_C(0xFFFF00000000) | (UINT64_C(octet) << 24)}, 96 + (bits)                       \
    }
    static const struct prefix shared[] = {
        V4(0, 8),
        V4(127, 8),
        V4(224, 3), /* this network; loopback; multicast and what is above */
        {{0, UINT64_C(0xFFFFA9FE0000)},     112}, /* 169.254.0.0/16 */
        {{0, 0},                            127}, /* ::, ::1 */
        {{UINT64_C(0xFE80000000000000), 0}, 10 }, /* link-local */
        {{UINT64_C(0xFF00000000000000), 0}, 8  }, /* multicast */
    };
#undef V4
    for (size_t i = 0; i < COUNT_OF(shared); i++)
        if (prefix_contains(shared[i], a)) return false;
    return true;
}

static void take_local(void *to, struct addr addr)
{
    struct reading *r = to;
    struct part *part = &r->parts[r->part];
    for (size_t i = part->n_locals; i > 0; i--)
        if (addr_equal(part->locals[i - 1], addr)) return;
    if (part->n_locals == LIMIT_LOCAL_ADDRESSES || !names_a_host(addr)) return;
    arena_grow(r->held, part->locals, part->n_locals, part->locals_room);
    part->locals[part->n_locals++] = addr;
}

static void count_record(struct reading *r)
{
    struct part *part = &r->parts[r->part];
    int64_t at_us = r->record_us;
    if (!r->has_record) return;
    r->has_record = false;
    part->records++;
    if (!at_us) return;
    if (!part->has_times || at_us < part->from_us) part->from_us = at_us;
    if (!part->has_times || at_us > part->to_us) part->to_us = at_us;
    part->has_times = true;
}

static void take_record(void *to, int64_t at_us)
{
    struct reading *r = to;
    count_record(r);
    r->has_record = true;
    r->record_us = at_us;
    r->record_has_origin = r->origin_is_fresh;
    r->origin_is_fresh = false;
}

static void take_line_hash(void *to, uint64_t hash)
{
    struct reading *r = to;
    r->parcel->batch.line_hash = hash;
}

static uint32_t part_of(struct reading *r, str host)
{
    struct arena scratch = *r->held;
    str key = str_lower(&scratch, host);
    const uint64_t *known = map_find(&r->origins, key);
    if (known) return (uint32_t)*known;
    if (r->n_parts > LIMIT_ORIGINS) {
        r->homeless++;
        return 0;
    }
    key = str_lower(r->held, host);
    (void)map_put(&r->origins, r->held, key, r->n_parts, NULL);
    arena_grow(r->held, r->parts, r->n_parts, r->parts_room);
    r->parts[r->n_parts] = (struct part){.origin = str_copy(r->held, host)};
    return (uint32_t)r->n_parts++;
}

/* Readers say a record and then its host, or the host and then the record. */
static void take_origin(void *to, str host)
{
    struct reading *r = to;
    if (r->reader->overlap == OVERLAP_CONTENT_HASH) return; /* one content is one stream */
    bool after_record = r->has_record && !r->record_has_origin;
    if (!after_record) count_record(r);
    r->origin_is_fresh = !after_record;
    r->record_has_origin = true;
    host = str_head(str_trim(host), LIMIT_NAME_BYTES);
    if (r->part ? str_equal(host, r->said) : !host.len) return;
    r->part = host.len ? part_of(r, host) : 0;
    if (r->part) r->said = r->parts[r->part].origin;
    r->parcel->batch.part = r->part;
}

static void take_unplaced(void *to, str what, int64_t at_us)
{
    struct reading *r = to;
    struct part *part = &r->parts[r->part];
    size_t i = 0;
    (void)at_us; /* the record has told it */
    while (i < part->n_unplaced && !str_equal(part->unplaced[i].what, what))
        i++;
    if (i == part->n_unplaced) {
        if (i == LIMIT_UNPLACED) return;
        arena_grow(r->held, part->unplaced, part->n_unplaced, part->unplaced_room);
        part->unplaced[part->n_unplaced++] =
            (struct gather_unplaced){.what = str_copy(r->held, what)};
    }
    part->unplaced[i].count++;
}

static void take_content(void *to, bytes piece)
{
    struct reading *r = to;
    fingerprint_add(&r->content, piece);
}

static struct fact_sink sink_of(struct reading *r)
{
    struct fact_sink sink = {
        .to = r,
        .observation = take_observation,
        .use = take_use,
        .identity = take_identity,
        .skip = take_skip,
        .local_address = take_local,
        .record = take_record,
        .line_hash = take_line_hash,
        .origin = take_origin,
        .listening = take_listening,
        .change = take_change,
        .unplaced = take_unplaced,
        .content = take_content,
    };
    return sink;
}

/* ---- Reading ------------------------------------------------------------------------------------
 */

/* A source that ends in an error of reading keeps what came before. */
static void feed(struct reading *r, struct input *input, void *state)
{
    size_t want = 0;
    uint64_t offset = 0;
    bool reading = true;
    while (!pool_is_stopped(r->file->turn)) {
        struct window window = {0};
        struct err err = {0};
        size_t used = 0;
        if (!input_next(input, want, &window, &err)) {
            take_skip(r, &(struct skip){.offset = offset, .reason = str_of(err.text)});
            return;
        }
        want = 0;
        reading = r->reader->feed(state, window, &used, &want);
        if (!reading) return; /* the rest is nobody's */
        input_take(input, used);
        pool_note(r->file->turn, used);
        offset = window.offset + used;
        if (window.last) return;
    }
}

static void add_end(struct reading *r, struct parcel *parcel)
{
    struct arena *arena = &parcel->arena;
    if (r->homeless) {
        struct skip skip = {
            .reason = str_format(&parcel->arena,
                                 "more than %d hosts wrote the records: those of further ones "
                                 "count as the source's own",
                                 LIMIT_ORIGINS),
        };
        take_skip(r, &skip);
    }
    size_t listed = r->n_skips < LIMIT_SKIPS_LISTED ? (size_t)r->n_skips : LIMIT_SKIPS_LISTED;
    parcel->is_last = true;
    parcel->skipped = r->n_skips;
    parcel->skips = arena_array(arena, struct skip, listed + 1);
    for (size_t i = 0; i < listed; i++) {
        parcel->skips[i] = r->skips[i];
        parcel->skips[i].reason = str_copy(arena, r->skips[i].reason);
    }
    parcel->n_skips = listed;
    if (r->n_skips > listed)
        parcel->skips[parcel->n_skips++] = (struct skip){
            .offset = r->first_unlisted,
            .reason = str_format(arena, "%" PRIu64 " further skips from here on are not listed",
                                 r->n_skips - listed),
        };
    parcel->content = fingerprint_end(&r->content);
}

static void read_source(struct file *file, struct input *input, const struct reader *reader)
{
    struct arena held = arena_open("reading a source", 0, NULL);
    struct arena names = arena_open("names of a source", 0, NULL);
    struct reading *r = arena_new(&names, struct reading);
    *r = (struct reading){
        .file = file,
        .reader = reader,
        .source = str_copy(&names, input_source(input)),
        .held = &names,
    };
    arena_grow(&names, r->parts, r->n_parts, r->parts_room);
    r->parts[r->n_parts++] = (struct part){0};
    r->parcel = next_parcel(r);
    fingerprint_start(&r->content);

    struct fact_sink sink = sink_of(r);
    void *state = reader->open(&held, &file->gather->options, &sink);
    feed(r, input, state);
    reader->close(state);
    count_record(r);
    add_end(r, r->parcel);
    add_parts(r, r->parcel);
    (void)give(file, r->parcel);
    arena_close(&names);
    arena_close(&held);
}

static void problem(void *to, str source, const struct err *err)
{
    struct parcel *parcel = parcel_open(PARCEL_PROBLEM, source);
    parcel->err = *err;
    err_in(&parcel->err, source);
    (void)give(to, parcel);
}

/* Readers are many: their kinds are named, and docs/evidence.md has them all. */
static void unknown(struct file *file, str source, bytes head, const struct err *map_err)
{
    struct parcel *parcel = parcel_open(PARCEL_UNKNOWN, source);
    struct err *err = &parcel->err;
    str export = firewall_export_name(head), packed = unpack_unread(head);
    if (!head.len)
        err_set(err, ERR_UNKNOWN_FORMAT, "the file is empty");
    else if (packed.len)
        err_set(err, ERR_UNSUPPORTED,
                "this is %.*s, which is not opened: unpack it, or pack it as .zip or .tar.xz",
                STR_ARG(packed));
    else if (export.len)
        err_set(err, ERR_UNSUPPORTED,
                "this is %.*s: what a firewall is told to do, no evidence of what was done",
                STR_ARG(export));
    else if (map_err->kind)
        err_set(err, ERR_UNKNOWN_FORMAT, "the format is not known, and --map does not fit: %s",
                map_err->text);
    else
        err_set(err, ERR_UNKNOWN_FORMAT,
                "the format is not known; known are packet captures, Windows event logs, logs of "
                "firewalls, Zeek and Suricata, flow records, scans, and tables with --map");
    err_in(err, source);
    (void)give(file, parcel);
}

static bool visit(void *to, struct input *input)
{
    struct file *file = to;
    struct window window = {0};
    struct err err = {0};
    if (!input_next(input, LIMIT_RECOGNISE_BYTES, &window, &err)) {
        problem(file, input_source(input), &err);
        return !pool_is_stopped(file->turn);
    }
    bytes head = window.data;
    if (head.len > LIMIT_RECOGNISE_BYTES) head.len = LIMIT_RECOGNISE_BYTES;
    const struct reader *reader = reader_recognise(head);
    const struct csv_map *map = file->gather->map;
    if (!reader && map && head.len && csv_map_fits(map, head, &err)) reader = &csv_map_reader;
    if (reader)
        read_source(file, input, reader);
    else
        unknown(file, input_source(input), head, &err);
    return !pool_is_stopped(file->turn);
}

void gather_problem(str source, const struct err *err, struct pool_turn *turn)
{
    struct file file = {.turn = turn};
    problem(&file, source, err);
}

void gather_file(const struct gather *gather, str path, struct pool_turn *turn)
{
    struct file file = {gather, turn};
    struct arena scratch = arena_open("opening a file", 0, NULL);
    struct err err = {0};
    if (!input_visit_file(gather->os, path, scratch, visit, problem, &file, &err))
        problem(&file, path, &err);
    arena_close(&scratch);
}
