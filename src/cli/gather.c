/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/gather.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/unpack.h"
#include "evidence/firewall_export.h"

/* One file on its way. */
struct file {
    const struct gather *gather;
    struct pool_turn *turn;
};

/* Identities of the numbered records of a source that were told; open addressing, 0 = free. */
struct told {
    uint64_t *at; /* mapped */
    size_t n, room;
};

/* A source, or a block of one, while it is read. */
struct reading {
    struct pool_turn *turn;
    const struct reader *reader;
    str source;
    struct parcel *parcel;
    struct map origins; /* of the parcel: lower case -> part */
    uint32_t part;      /* in hand */
    /* The host as it was said last; before a block's first it is not known. */
    bool said_known;
    size_t said_len;
    char said[LIMIT_NAME_BYTES];
    /* Of readers that say a record's host after it (host_follows). */
    bool has_record, record_has_origin, origin_is_fresh;
    int64_t record_us;
    struct told told;
    struct fingerprint content;
};

/* A piece of a large source, with a reader of its own. */
struct block {
    struct pool_part link;
    struct arena arena; /* it lies in it */
    struct arena held;  /* the reader's, until all is read */
    struct reading reading;
    void *state;
    uint8_t *data; /* mapped; NULL: read */
    size_t len;
    uint64_t offset;
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

static bool give(struct pool_turn *turn, struct parcel *parcel)
{
    enum { LEAST = 64 << 10 };
    parcel->link.bytes = LEAST + arena_used(&parcel->arena);
    return pool_give(turn, &parcel->link);
}

static uint32_t add_part(struct parcel *parcel, str origin)
{
    arena_grow(&parcel->arena, parcel->parts, parcel->n_parts, parcel->parts_room);
    parcel->parts[parcel->n_parts] =
        (struct gather_part){.origin = str_copy(&parcel->arena, origin)};
    return (uint32_t)parcel->n_parts++;
}

/* The next parcel begins in the midst of the host in hand. */
static void begin_parcel(struct reading *r)
{
    r->parcel = parcel_open(PARCEL_SOURCE, r->source);
    r->parcel->reader = r->reader;
    r->parcel->batch = batch_in(&r->parcel->arena);
    r->origins = (struct map){0};
    r->part = add_part(r->parcel, (str){0});
}

static void give_parcel(struct reading *r)
{
    r->parcel->last_part = r->part;
    (void)give(r->turn, r->parcel); /* a pool that stopped is asked about in feed */
    r->parcel = NULL;
}

static void give_full(struct reading *r)
{
    uint64_t line_hash = r->parcel->batch.line_hash; /* said already, of the fact that comes next */
    bool is_repeated = r->parcel->batch.is_repeated;
    give_parcel(r);
    begin_parcel(r);
    r->parcel->batch.line_hash = line_hash;
    r->parcel->batch.is_repeated = is_repeated;
}

/* ---- The sink ----------------------------------------------------------------------------------
 */

static struct gather_part *part_in_hand(struct reading *r)
{
    return &r->parcel->parts[r->part];
}

/* Before a fact is added. What belongs to the fact before it should stay in its parcel. */
static void make_room(struct reading *r, bool belongs)
{
    uint64_t most = belongs ? 2 * (uint64_t)LIMIT_PARCEL_BYTES : LIMIT_PARCEL_BYTES;
    if ((!belongs && r->parcel->batch.n_facts >= LIMIT_FACTS_HELD) ||
        arena_used(&r->parcel->arena) >= most)
        give_full(r);
    part_in_hand(r)->facts++;
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
    struct parcel *parcel = r->parcel;
    if (!parcel->skips) parcel->skips = arena_array(&parcel->arena, struct skip, PARCEL_SKIPS);
    if (parcel->n_skips++ >= PARCEL_SKIPS) return;
    struct skip *skip = &parcel->skips[parcel->n_skips - 1];
    *skip = *fact;
    skip->reason = str_copy(&parcel->arena, fact->reason);
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
    struct gather_part *part = part_in_hand(r);
    if (part->n_locals == LIMIT_LOCAL_ADDRESSES) return;
    for (size_t i = part->n_locals; i > 0; i--)
        if (addr_equal(part->locals[i - 1], addr)) return;
    if (!names_a_host(addr)) return;
    arena_grow(&r->parcel->arena, part->locals, part->n_locals, part->locals_room);
    part->locals[part->n_locals++] = addr;
}

static void count_record(struct reading *r)
{
    struct gather_part *part = part_in_hand(r);
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
    if (!r->reader->host_follows) count_record(r);
}

static void take_line_hash(void *to, uint64_t hash)
{
    struct reading *r = to;
    r->parcel->batch.line_hash = hash;
    r->parcel->batch.is_repeated = false;
}

static size_t place_of(const struct told *told, uint64_t hash)
{
    size_t at = (size_t)hash_u64(hash) & (told->room - 1);
    while (told->at[at] && told->at[at] != hash)
        at = (at + 1) & (told->room - 1);
    return at;
}

static void forget_told(struct told *told)
{
    arena_unmap(told->at, told->room * sizeof *told->at);
    *told = (struct told){0};
}

static void make_place(struct told *told)
{
    enum { LEAST = 1024 };
    struct told old = *told;
    if (2 * told->n < told->room) return;
    if (told->n == LIMIT_RECORDS_TOLD) {
        forget_told(told);
        old = *told;
    }
    told->room = old.room ? 2 * old.room : LEAST;
    told->at = arena_map(told->room * sizeof *told->at);
    for (size_t i = 0; i < old.room; i++)
        if (old.at[i]) told->at[place_of(told, old.at[i])] = old.at[i];
    forget_told(&old);
}

static void take_number(void *to)
{
    struct reading *r = to;
    struct batch *batch = &r->parcel->batch;
    uint64_t hash = batch->line_hash | !batch->line_hash;
    make_place(&r->told);
    size_t at = place_of(&r->told, hash);
    batch->is_repeated = r->told.at[at] != 0;
    if (batch->is_repeated) return;
    r->told.at[at] = hash;
    r->told.n++;
}

static uint32_t part_of(struct reading *r, str host)
{
    struct arena scratch = r->parcel->arena;
    str key = str_lower(&scratch, host);
    const uint64_t *known = map_find(&r->origins, key);
    if (known) return (uint32_t)*known;
    key = str_lower(&r->parcel->arena, host);
    (void)map_put(&r->origins, &r->parcel->arena, key, r->parcel->n_parts, NULL);
    return add_part(r->parcel, host);
}

static void take_origin(void *to, str host)
{
    struct reading *r = to;
    if (r->reader->overlap == OVERLAP_CONTENT_HASH) return; /* one content is one stream */
    bool after_record = r->has_record && !r->record_has_origin;
    if (!after_record) count_record(r);
    r->origin_is_fresh = !after_record;
    r->record_has_origin = true;
    host = str_head(str_trim(host), LIMIT_NAME_BYTES);
    if (r->said_known && str_equal(host, (str){r->said, r->said_len})) return;
    /* Records of many hosts without a fact among them. */
    if (arena_used(&r->parcel->arena) >= LIMIT_PARCEL_BYTES) give_full(r);
    if (host.len) memcpy(r->said, host.ptr, host.len);
    r->said_len = host.len;
    r->said_known = true;
    r->part = part_of(r, (str){r->said, r->said_len});
    r->parcel->batch.part = r->part;
}

static void take_unplaced(void *to, str what, int64_t at_us)
{
    struct reading *r = to;
    struct gather_part *part = part_in_hand(r);
    size_t i = 0;
    (void)at_us; /* the record has told it */
    while (i < part->n_unplaced && !str_equal(part->unplaced[i].what, what))
        i++;
    if (i == part->n_unplaced) {
        struct arena *arena = &r->parcel->arena;
        if (i == LIMIT_UNPLACED) return;
        arena_grow(arena, part->unplaced, part->n_unplaced, part->unplaced_room);
        part->unplaced[part->n_unplaced++] =
            (struct gather_unplaced){.what = str_copy(arena, what)};
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
        .numbered = take_number,
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

static void begin_reading(struct reading *r, struct pool_turn *turn, const struct reader *reader,
                          str source)
{
    *r = (struct reading){.turn = turn, .reader = reader, .source = source};
    fingerprint_start(&r->content);
    begin_parcel(r);
}

/* A source that ends in an error of reading keeps what came before. */
static void feed(struct reading *r, struct input *input, uint64_t offset, void *state)
{
    size_t want = 0;
    bool reading = true;
    while (!pool_is_stopped(r->turn)) {
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
        pool_note(r->turn, used);
        offset = window.offset + used;
        if (window.last) return;
    }
}

/* ---- Blocks -------------------------------------------------------------------------------------
 */

/* What a window must show so that one more block is cut from its front. */
static size_t enough(size_t block_bytes)
{
    return block_bytes + block_bytes / 4 + 1;
}
static_assert(2 * LIMIT_BLOCK_BYTES + LIMIT_WINDOW_BYTES < LIMIT_RECORD_BYTES,
              "such a window may be asked for more");

/* A source on its way into blocks. */
struct cutting {
    struct file *file;
    const struct reader *reader;
    str source;
    void *lead; /* a reader that has passed all blocks so far */
    uint64_t offset;
};

static struct block *open_block(const struct cutting *cutting, bytes data)
{
    struct arena arena = arena_open("a block", 1 << 20, NULL);
    struct block *block = arena_new(&arena, struct block);
    const struct reader *reader = cutting->reader;
    block->arena = arena;
    block->held = arena_open("reading a block", 0, NULL);
    block->len = data.len;
    block->offset = cutting->offset;
    block->data = arena_map(data.len);
    memcpy(block->data, data.ptr, data.len);
    begin_reading(&block->reading, NULL, reader, str_copy(&block->arena, cutting->source));
    /* What was said last is known where nothing was. */
    block->reading.said_known = !cutting->offset;
    struct fact_sink sink = sink_of(&block->reading);
    block->state = reader->open(&block->held, &cutting->file->gather->options, &sink);
    if (cutting->offset) reader->splits->adopt(block->state, cutting->lead);
    return block;
}

static void close_block_data(struct block *block)
{
    arena_unmap(block->data, block->len);
    block->data = NULL;
    arena_close(&block->held);
}

void gather_block(struct pool_part *part, struct pool_turn *turn)
{
    struct block *block = (struct block *)(void *)part;
    struct reading *r = &block->reading;
    struct window window = {
        {block->data, block->len},
        block->offset, true
    };
    size_t used = 0, want = 0;
    r->turn = turn;
    (void)r->reader->feed(block->state, window, &used, &want);
    r->reader->close(block->state);
    count_record(r);
    close_block_data(block);
    give_parcel(r);
    forget_told(&r->told);
}

void gather_block_done(struct pool_part *part)
{
    struct block *block = (struct block *)(void *)part;
    struct arena arena = block->arena;
    if (block->data) { /* the pool was stopped before */
        block->reading.reader->close(block->state);
        close_block_data(block);
        parcel_close(block->reading.parcel);
    }
    arena_close(&arena);
}

/* Cuts blocks from the front of the input, as long as more than one is left and they can be cut. */
static void cut_blocks(struct cutting *cutting, struct input *input)
{
    const struct reader_splits *splits = cutting->reader->splits;
    size_t size = cutting->file->gather->block_bytes;
    struct pool_turn *turn = cutting->file->turn;
    while (!pool_is_stopped(turn)) {
        struct window window = {0};
        struct err err = {0}; /* whoever reads the rest meets it again */
        if (!input_next(input, enough(size), &window, &err) || window.data.len < enough(size))
            return;
        size_t len = splits->cut((bytes){window.data.ptr, size});
        if (!len) return;
        bytes data = {window.data.ptr, len};
        struct block *block = open_block(cutting, data);
        if (splits->pass) splits->pass(cutting->lead, data);
        cutting->offset += len;
        input_take(input, len);
        pool_note(turn, len);
        pool_add_part(turn, &block->link);
    }
}

static bool may_split(const struct file *file, const struct reader *reader, struct input *input)
{
    struct window window = {0};
    struct err err = {0};
    size_t size = file->gather->block_bytes;
    return reader->splits && input_next(input, enough(size), &window, &err) &&
           window.data.len >= enough(size) && reader->splits->may(window.data);
}

/* ---- Sources ------------------------------------------------------------------------------------
 */

static void read_source(struct file *file, struct input *input, const struct reader *reader)
{
    const struct reader_options *options = &file->gather->options;
    struct arena held = arena_open("reading a source", 0, NULL);
    struct arena names = arena_open("names of a source", 0, NULL);
    struct fact_sink nobody = fact_sink_none();
    struct reading *r = arena_new(&names, struct reading);
    struct cutting cutting = {
        .file = file, .reader = reader, .source = str_copy(&names, input_source(input))};
    if (may_split(file, reader, input)) {
        cutting.lead = reader->open(&held, options, &nobody);
        cut_blocks(&cutting, input);
    }
    begin_reading(r, file->turn, reader, cutting.source);
    r->said_known = !cutting.offset;
    struct fact_sink sink = sink_of(r);
    void *state = reader->open(&held, options, &sink);
    if (cutting.offset) reader->splits->adopt(state, cutting.lead);
    if (cutting.lead) reader->close(cutting.lead);
    feed(r, input, cutting.offset, state);
    reader->close(state);
    count_record(r);
    r->parcel->is_last = true;
    r->parcel->content = fingerprint_end(&r->content);
    give_parcel(r);
    forget_told(&r->told);
    arena_close(&names);
    arena_close(&held);
}

static void problem(void *to, str source, const struct err *err)
{
    struct parcel *parcel = parcel_open(PARCEL_PROBLEM, source);
    parcel->err = *err;
    err_in(&parcel->err, source);
    (void)give(((struct file *)to)->turn, parcel);
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
    (void)give(file->turn, parcel);
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
