/* SPDX-License-Identifier: Apache-2.0 */
/* Windows event logs (.evtx), as copied from %SystemRoot%\System32\winevt\Logs or exported by
 * wevtutil: a header of 4 KiB, then chunks of 64 KiB, each with its records and whatever these
 * point to, so each is read alone. Logs are 1 MiB to 4 GiB, mostly Security with 500 to 1000 bytes
 * a record.
 *
 * What the file header says of numbers of chunks and records is not believed: it is written when
 * the log is closed. Records are found by their own headers; a chunk header tells where they end,
 * and what lies behind is what the chunk held before Windows used it again: a part of the log only
 * when the record numbers go on, as they do when a log is copied while it is written.
 *
 * spec: "Windows XML Event Log (EVTX) format" (libyal), File header, Chunk, Event record
 */
#include "base/cursor.h"
#include "evidence/event.h"
#include "evidence/evtx_binxml.h"
#include "evidence/evtx_crc.h"
#include "evidence/reader.h"

enum {
    FILE_HEADER_BYTES = 4096,
    CHUNK_BYTES = 65536,
    CHUNK_HEADER_BYTES = 512,
    RECORD_HEADER_BYTES = 24,
    RECORD_LEAST = RECORD_HEADER_BYTES + 4, /* with the copy of its size */
    MARK_BYTES = 8,
    NO_CHECKSUM = 4, /* flag of file and chunk headers */
    NAME_ROOM = 512, /* of a channel or computer name that is remembered */
    RECORD_SIGNATURE = 0x00002A2A,
};

#define FILE_MARK        "ElfFile"
#define CHUNK_MARK       "ElfChnk"
#define KEYWORD_SUCCESS  (UINT64_C(1) << 53)
#define KEYWORD_FAILURE  (UINT64_C(1) << 52)
#define NO_RECORDS_KNOWN UINT64_MAX

/* Text that comes again in record after record. */
struct same_text {
    uint8_t raw[NAME_ROOM];
    size_t n_raw;
    uint8_t type;
    char text[3 * NAME_ROOM / 2];
    size_t len;
};

struct evtx_log {
    struct fact_sink sink;
    struct event_talk *talk;
    struct evtx_binxml *binxml;
    struct evtx_crc crc;
    struct same_text channel, computer;
    char text[LIMIT_EVTX_TEXT];
};

/* A chunk, or what stands where one should be. */
struct chunk {
    bytes data;
    uint64_t offset;
    size_t first;     /* where records may begin */
    size_t free;      /* behind the last record, as the header says */
    bool is_sound;    /* header and records have the checksums they should have */
    uint64_t last_id; /* of the record before, or NO_RECORDS_KNOWN */
};

struct record {
    size_t at, size;
    uint64_t id, written;
};

static void skip(const struct evtx_log *log, uint64_t offset, uint64_t length, str reason)
{
    log->sink.skip(log->sink.to, &(struct skip){offset, length, reason});
}

static bool has_mark(bytes data, const char *mark)
{
    return data.len >= MARK_BYTES && memcmp(data.ptr, mark, MARK_BYTES) == 0;
}

/* Finds the next file or chunk header in data, from `from` on. A mark that the data cuts at its end
 * is not found. */
static bool find_mark(bytes data, size_t from, size_t *out)
{
    while (data.len >= MARK_BYTES && from <= data.len - MARK_BYTES) {
        const uint8_t *at = memchr(data.ptr + from, FILE_MARK[0], data.len - MARK_BYTES + 1 - from);
        if (!at) return false;
        from = (size_t)(at - data.ptr);
        bytes rest = {at, data.len - from};
        if (has_mark(rest, FILE_MARK) || has_mark(rest, CHUNK_MARK)) {
            *out = from;
            return true;
        }
        from++;
    }
    return false;
}

static bool is_zero(bytes data)
{
    return !data.len || (!data.ptr[0] && memcmp(data.ptr, data.ptr + 1, data.len - 1) == 0);
}

/* File header */

static size_t read_file_header(struct evtx_log *log, bytes data, uint64_t offset)
{
    struct cursor c = cursor_of(data, offset);
    if (data.len < FILE_HEADER_BYTES) {
        skip(log, offset, data.len, S("the source ends inside the header of an event log"));
        return data.len;
    }
    cursor_skip(&c, 40, "header");
    uint16_t size = cursor_u16le(&c, "header.blocksize");
    cursor_skip(&c, 78, "header");
    uint32_t flags = cursor_u32le(&c, "header.flags");
    uint32_t checksum = cursor_u32le(&c, "header.checksum");
    bool unchecked = !checksum || (flags & NO_CHECKSUM);
    if (!unchecked && evtx_crc_add(&log->crc, 0, (bytes){data.ptr, 120}) != checksum)
        skip(log, offset, 0, S("the checksum of the log's header is wrong; the chunks are read"));
    return size >= 128 && size <= data.len ? size : FILE_HEADER_BYTES;
}

/* Records */

enum found { FOUND_OTHER, FOUND_TORN, FOUND_RECORD };

/* A record at a position: torn when its size can't be right, or the copy of it at its end is not
 * that. */
static enum found record_at(const struct chunk *chunk, size_t at, struct record *out)
{
    if (chunk->data.len - at < RECORD_LEAST) return FOUND_OTHER;
    struct cursor c = cursor_of((bytes){chunk->data.ptr + at, chunk->data.len - at}, 0);
    uint32_t signature = cursor_u32le(&c, "record.signature");
    uint32_t size = cursor_u32le(&c, "record.size");
    out->at = at;
    out->size = size;
    out->id = cursor_u64le(&c, "record.identifier");
    out->written = cursor_u64le(&c, "record.written");
    if (signature != RECORD_SIGNATURE) return FOUND_OTHER;
    if (size < RECORD_LEAST || size > chunk->data.len - at) return FOUND_TORN;
    cursor_skip(&c, size - RECORD_LEAST, "record.event");
    return cursor_u32le(&c, "record.copy") == size ? FOUND_RECORD : FOUND_TORN;
}

/* Empty when it is longer than any name of a channel or computer. */
static str same_text(struct same_text *same, struct evtx_value value, struct evtx_text *out)
{
    if (same->n_raw && same->n_raw == value.data.len && same->type == value.type &&
        memcmp(same->raw, value.data.ptr, value.data.len) == 0)
        return (str){same->text, same->len};
    if (!value.data.len || value.data.len > sizeof same->raw) return (str){0};
    size_t start = out->len;
    evtx_value_print(out, value);
    str text = str_trim((str){out->ptr + start, out->len - start});
    if (text.len > sizeof same->text) return (str){0};
    memcpy(same->raw, value.data.ptr, value.data.len);
    if (text.len) memcpy(same->text, text.ptr, text.len);
    same->n_raw = value.data.len;
    same->type = value.type;
    same->len = text.len;
    return (str){same->text, text.len};
}

static str system_text(struct evtx_log *log, enum evtx_field field, struct same_text *same,
                       struct evtx_text *out)
{
    struct evtx_value value;
    if (!evtx_binxml_system(log->binxml, field, out, &value)) return (str){0};
    return same_text(same, value, out);
}

static bool system_u64(const struct evtx_log *log, enum evtx_field field, struct evtx_text *out,
                       uint64_t *number)
{
    struct evtx_value value;
    return evtx_binxml_system(log->binxml, field, out, &value) && evtx_value_u64(value, number);
}

static int64_t time_of(const struct evtx_log *log, const struct record *record,
                       struct evtx_text *out)
{
    struct evtx_value value;
    int64_t at_us = 0;
    if (evtx_binxml_system(log->binxml, EVTX_FIELD_TIME, out, &value) &&
        evtx_value_time(value, &at_us))
        return at_us;
    return evtx_value_filetime(record->written, &at_us) ? at_us : 0;
}

static enum known succeeded(const struct evtx_log *log, struct evtx_text *out)
{
    uint64_t keywords = 0;
    if (!system_u64(log, EVTX_FIELD_KEYWORDS, out, &keywords)) return KNOWN_NOT;
    if (keywords & KEYWORD_FAILURE) return KNOWN_NO;
    return keywords & KEYWORD_SUCCESS ? KNOWN_YES : KNOWN_NOT;
}

/* The event in hand, when it is one that matters. */
static bool tell(struct evtx_log *log, const struct record *record, struct event *event,
                 struct evtx_text *out, struct err *err)
{
    uint64_t id = 0;
    if (!system_u64(log, EVTX_FIELD_EVENT_ID, out, &id) || id > UINT32_MAX)
        return err_set(err, ERR_MALFORMED, "the EventID is no number");
    if (!event_matters((uint32_t)id)) return true;
    event->channel = system_text(log, EVTX_FIELD_CHANNEL, &log->channel, out);
    event->kind = evtx_binxml_kind(log->binxml, (uint32_t)id, event->channel, out);
    if (!event->kind) return true;
    if (!evtx_binxml_values(log->binxml, event->kind, out, event->values, err)) return false;
    event->succeeded = succeeded(log, out);
    if (!system_u64(log, EVTX_FIELD_RECORD, out, &event->record)) event->record = record->id;
    event->offset = event->record;
    event_tell(log->talk, event);
    return true;
}

/* Every record counts, also those that can't be read. */
static void read_record(struct evtx_log *log, const struct chunk *chunk,
                        const struct record *record)
{
    struct evtx_text out = {.ptr = log->text, .room = sizeof log->text};
    struct event event = {0};
    struct err err;
    bool ok = evtx_binxml_record(log->binxml, record->at + RECORD_HEADER_BYTES,
                                 record->size - RECORD_LEAST, &err);
    if (ok) {
        event.at_us = time_of(log, record, &out);
        event.computer = system_text(log, EVTX_FIELD_COMPUTER, &log->computer, &out);
        if (event.computer.len) log->sink.origin(log->sink.to, event.computer);
    } else {
        evtx_value_filetime(record->written, &event.at_us);
    }
    log->sink.record(log->sink.to, event.at_us);
    if (ok) ok = tell(log, record, &event, &out, &err);
    if (!ok) skip(log, chunk->offset + record->at, record->size, str_of(err.text));
}

/* Chunks */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Where reading goes on after damage: at a record that is whole, or before that where another chunk
 * or file begins, or at the end. */
static size_t after_damage(const struct chunk *chunk, size_t from, bool *ends)
{
    bytes data = chunk->data;
    size_t next = from;
    struct record record;
    for (;; next++) {
        const uint8_t *star = memchr(data.ptr + next, RECORD_SIGNATURE & 0xFF, data.len - next);
        next = star ? (size_t)(star - data.ptr) : data.len;
        if (!star || record_at(chunk, next, &record) == FOUND_RECORD) break;
    }
    /* Only as far as this: what lies behind is looked at once, too. */
    *ends = find_mark((bytes){data.ptr, next}, from, &next);
    return next;
}

/* What stands at `at` is no whole record. Returns where to go on. */
static size_t step_over(struct evtx_log *log, struct chunk *chunk, size_t at, bool *ends)
{
    struct record torn;
    int64_t at_us = 0;
    bool is_torn = record_at(chunk, at, &torn) == FOUND_TORN;
    size_t next = after_damage(chunk, at + 1, ends);
    if (is_torn) {
        evtx_value_filetime(torn.written, &at_us);
        log->sink.record(log->sink.to, at_us);
        chunk->last_id = torn.id;
    }
    skip(log, chunk->offset + at, next - at,
         is_torn ? S("a record whose size is wrong") : S("expected a record, found other bytes"));
    return next;
}

/* Reads what records there are; returns how many bytes of the chunk are done. */
static size_t walk(struct evtx_log *log, struct chunk *chunk)
{
    bytes data = chunk->data;
    size_t at = chunk->first;
    struct record record;
    bool ends = false;
    while (at < data.len) {
        bool found = record_at(chunk, at, &record) == FOUND_RECORD;
        bool goes_on = found && chunk->last_id < UINT64_MAX - 1 && record.id == chunk->last_id + 1;
        if (at >= chunk->free && !goes_on) break;
        if (found) {
            read_record(log, chunk, &record);
            chunk->last_id = record.id;
            at += record.size;
            continue;
        }
        size_t end = (size_t)min_u64(chunk->free, data.len);
        if (is_zero((bytes){data.ptr + at, end - at})) {
            if (!chunk->is_sound && chunk->free <= data.len)
                skip(log, chunk->offset + at, end - at,
                     S("expected records, found space that was never written"));
            break;
        }
        at = step_over(log, chunk, at, &ends);
        if (ends) return at;
    }
    /* A chunk cut short, with another behind it. */
    size_t mark = 0;
    if (!chunk->is_sound && find_mark(data, at < data.len ? at : data.len, &mark)) return mark;
    return data.len;
}

static bool header_is_sound(const struct evtx_log *log, bytes data, uint32_t flags,
                            uint32_t checksum)
{
    if (!checksum || (flags & NO_CHECKSUM)) return true;
    uint32_t sum = evtx_crc_add(&log->crc, 0, (bytes){data.ptr, 120});
    sum = evtx_crc_add(&log->crc, sum, (bytes){data.ptr + 128, CHUNK_HEADER_BYTES - 128});
    return sum == checksum;
}

static size_t read_chunk(struct evtx_log *log, bytes data, uint64_t offset)
{
    struct cursor c = cursor_of(data, offset);
    if (data.len < CHUNK_HEADER_BYTES) {
        skip(log, offset, data.len, S("the source ends inside the header of a chunk"));
        return data.len;
    }
    cursor_skip(&c, 48, "chunk");
    uint32_t free = cursor_u32le(&c, "chunk.free");
    uint32_t records_sum = cursor_u32le(&c, "chunk.records_checksum");
    cursor_skip(&c, 64, "chunk");
    uint32_t flags = cursor_u32le(&c, "chunk.flags");
    uint32_t checksum = cursor_u32le(&c, "chunk.checksum");
    bool has_end = free >= CHUNK_HEADER_BYTES && free <= CHUNK_BYTES;
    bool sound = header_is_sound(log, data, flags, checksum);
    if (!sound || !has_end)
        skip(log, offset, 0,
             has_end ? S("the checksum of a chunk's header is wrong; its records are read")
                     : S("a chunk's header does not say where its records end; they are read as "
                         "far as they go"));

    struct chunk chunk = {
        .data = data,
        .offset = offset,
        .first = CHUNK_HEADER_BYTES,
        .free = has_end ? free : CHUNK_BYTES,
        .is_sound = sound && has_end,
        .last_id = NO_RECORDS_KNOWN,
    };
    bool unchecked = !records_sum || (flags & NO_CHECKSUM);
    if (has_end && !unchecked && free <= data.len) {
        bytes records = {data.ptr + CHUNK_HEADER_BYTES, free - CHUNK_HEADER_BYTES};
        if (evtx_crc_add(&log->crc, 0, records) != records_sum) {
            skip(log, offset, 0, S("the checksum of a chunk's records is wrong; they are read"));
            chunk.is_sound = false;
        }
    }
    if (data.len < CHUNK_BYTES) chunk.is_sound = false;
    evtx_binxml_chunk(log->binxml, data, offset);
    size_t done = walk(log, &chunk);
    evtx_binxml_keep(log->binxml);
    if (data.len < chunk.free && done == data.len)
        skip(log, offset + data.len, 0, S("the source ends inside a chunk"));
    return done;
}

/* Where a chunk should be stand other bytes: perhaps one without its header, or the end of one
 * whose beginning is lost. */
static size_t read_no_chunk(struct evtx_log *log, bytes data, uint64_t offset)
{
    size_t end = data.len;
    bool found = find_mark(data, 1, &end);
    if (!found) {
        /* Perhaps the window cuts a mark: look again from there. */
        for (size_t n = MARK_BYTES - 1; n && data.len > n && end == data.len; n--)
            if (memcmp(data.ptr + data.len - n, CHUNK_MARK, n) == 0 ||
                memcmp(data.ptr + data.len - n, FILE_MARK, n) == 0)
                end = data.len - n;
    }
    if (is_zero((bytes){data.ptr, end})) return end;
    struct chunk chunk = {
        .data = {data.ptr, end},
        .offset = offset,
        .free = end,
        .is_sound = true, /* as far as it goes: nothing says where its records should end */
        .last_id = NO_RECORDS_KNOWN,
    };
    bool ends = false;
    size_t first = after_damage(&chunk, 0, &ends);
    if (first == end) {
        skip(log, offset, end, S("expected a chunk, found other bytes"));
        return end;
    }
    skip(log, offset, first,
         S("expected a chunk, found other bytes; the records in them are read"));
    chunk.first = first;
    evtx_binxml_chunk(log->binxml, chunk.data, offset);
    return walk(log, &chunk);
}

static size_t read_block(struct evtx_log *log, bytes data, uint64_t offset)
{
    if (has_mark(data, FILE_MARK)) return read_file_header(log, data, offset);
    if (has_mark(data, CHUNK_MARK)) return read_chunk(log, data, offset);
    return read_no_chunk(log, data, offset);
}

static bool evtx_recognise(bytes head)
{
    return has_mark(head, FILE_MARK) || has_mark(head, CHUNK_MARK);
}

static void *evtx_open(struct arena *arena, const struct reader_options *options,
                       const struct fact_sink *sink)
{
    (void)options; /* times are UTC */
    struct evtx_log *log = arena_new(arena, struct evtx_log);
    log->sink = *sink;
    log->talk = event_open(arena, sink);
    log->binxml = evtx_binxml_open(arena);
    evtx_crc_init(&log->crc);
    return log;
}

static bool evtx_feed(void *state, struct window window, size_t *consumed, size_t *want)
{
    struct evtx_log *log = state;
    size_t at = 0;
    *want = 0;
    while (at < window.data.len) {
        size_t left = window.data.len - at;
        if (left < CHUNK_BYTES && !window.last) {
            *want = CHUNK_BYTES;
            break;
        }
        bytes block = {window.data.ptr + at, left < CHUNK_BYTES ? left : CHUNK_BYTES};
        at += read_block(log, block, window.offset + at);
    }
    *consumed = at;
    return true;
}

static void evtx_close(void *state)
{
    (void)state;
}

const struct reader evtx_reader = {
    .name = {"evtx",                       4 },
    .summary = {"Windows event logs (.evtx)", 26},
    .overlap = OVERLAP_LINES,
    .family = {"events",                     6 },
    .recognise = evtx_recognise,
    .open = evtx_open,
    .feed = evtx_feed,
    .close = evtx_close,
};
