/* SPDX-License-Identifier: Apache-2.0 */
/* Event logs for tests: records of binary XML with templates, names and checksums as Windows writes
 * them, and hooks to write what it would not. Header only; included by evtx_test.c and by the maker
 * of logs for tools/bench.
 *
 * spec: "Windows XML Event Log (EVTX) format" (libyal)
 */
#pragma once

#include "base/buf.h"
#include "evidence/evtx_crc.h"
#include "evidence/evtx_value.h"

enum {
    WRITE_CHUNK = 65536,
    WRITE_HEADER = 4096,
    WRITE_RECORDS = 512, /* where they begin in a chunk */
    WRITE_NAMES = 256,
    WRITE_TEMPLATES = 64,
    WRITE_VALUES = 32,
};

/* One value of an event; a text is written as UTF-16. */
struct write_value {
    const char *name; /* NULL: <Data> without one; of UserData: the element */
    uint8_t type;
    bytes data;
    const char *text;    /* instead of data */
    const char *literal; /* the template says it, no value does */
};

struct write_event {
    const char *provider, *channel, *computer;
    uint32_t id;
    uint64_t keywords;
    const char *user_data; /* element in <UserData>; NULL: <EventData> */
    struct write_value values[WRITE_VALUES];
    bool without_template; /* elements only, every value a literal */
    bool flat;             /* values in the outer template, no fragment in it */
    bool bare;             /* the inner fragment has neither header nor template nor dependencies */
};

struct event_writer {
    struct arena *arena;
    struct buf *file;
    uint8_t *chunk;
    size_t at;
    uint64_t next_record, first_record;
    uint64_t filetime;
    struct evtx_crc *crc;
    struct {
        const char *text;
        uint32_t at;
    } names[WRITE_NAMES];
    size_t n_names;
    struct {
        uint64_t key;
        uint32_t at;
    } templates[WRITE_TEMPLATES];
    size_t n_templates;
    bool has_dependency;
};

static inline void write_u8(struct event_writer *w, unsigned value)
{
    if (w->at >= WRITE_CHUNK) abort();
    w->chunk[w->at++] = (uint8_t)value;
}

static inline void write_number(struct event_writer *w, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        write_u8(w, (unsigned)(value >> (8 * i) & 0xFF));
}

static inline void write_at(struct event_writer *w, size_t at, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        w->chunk[at + i] = (uint8_t)(value >> (8 * i) & 0xFF);
}

static inline void write_ascii(struct event_writer *w, const char *text)
{
    for (; *text; text++)
        write_number(w, (uint8_t)*text, 2);
}

/* In place the first time, by its position after that. */
static inline void write_name(struct event_writer *w, const char *text)
{
    uint32_t hash = 0;
    for (size_t i = 0; i < w->n_names; i++)
        if (strcmp(w->names[i].text, text) == 0) {
            write_number(w, w->names[i].at, 4);
            return;
        }
    if (w->n_names == WRITE_NAMES) abort();
    w->names[w->n_names].text = text;
    w->names[w->n_names++].at = (uint32_t)w->at + 4;
    write_number(w, w->at + 4, 4);
    for (const char *p = text; *p; p++)
        hash = (hash * 63 + (uint8_t)*p) & 0xFFFF;
    write_number(w, 0, 4);
    write_number(w, hash, 2);
    write_number(w, strlen(text), 2);
    write_ascii(w, text);
    write_number(w, 0, 2);
}

static inline void write_text(struct event_writer *w, const char *text)
{
    write_u8(w, 0x05);
    write_u8(w, EVTX_STRING);
    write_number(w, strlen(text), 2);
    write_ascii(w, text);
}

static inline void write_substitution(struct event_writer *w, unsigned index, unsigned type)
{
    write_u8(w, 0x0E);
    write_number(w, index, 2);
    write_u8(w, type);
}

/* <name, with one attribute when it is given: a literal, or else the value `index`. Returns where
 * its size stands, for write_end. */
static inline size_t write_open(struct event_writer *w, const char *name, const char *attribute,
                                const char *literal, unsigned index, unsigned type)
{
    write_u8(w, attribute ? 0x41 : 0x01);
    if (w->has_dependency) write_number(w, 0xFFFF, 2);
    size_t size = w->at;
    write_number(w, 0, 4);
    write_name(w, name);
    if (attribute) {
        size_t attributes = w->at;
        write_number(w, 0, 4);
        write_u8(w, 0x06);
        write_name(w, attribute);
        if (literal)
            write_text(w, literal);
        else
            write_substitution(w, index, type);
        write_at(w, attributes, w->at - attributes - 4, 4);
    }
    write_u8(w, 0x02);
    return size;
}

static inline void write_end(struct event_writer *w, size_t size)
{
    write_u8(w, 0x04);
    write_at(w, size, w->at - size - 4, 4);
}

static inline void write_element(struct event_writer *w, const char *name, const char *literal,
                                 unsigned index, unsigned type)
{
    size_t size = write_open(w, name, NULL, NULL, 0, 0);
    if (literal)
        write_text(w, literal);
    else
        write_substitution(w, index, type);
    write_end(w, size);
}

static inline void write_fragment(struct event_writer *w)
{
    write_number(w, 0x0001010F, 4);
}

static inline void write_seal(struct event_writer *w)
{
    write_at(w, 52, evtx_crc_add(w->crc, 0, (bytes){w->chunk + 512, w->at - 512}), 4);
    uint32_t sum = evtx_crc_add(w->crc, 0, (bytes){w->chunk, 120});
    write_at(w, 124, evtx_crc_add(w->crc, sum, (bytes){w->chunk + 128, 384}), 4);
}

static inline void write_chunk(struct event_writer *w)
{
    w->chunk = arena_array(w->arena, uint8_t, WRITE_CHUNK);
    memcpy(w->chunk, "ElfChnk", 8);
    write_at(w, 40, 128, 4);
    w->at = WRITE_RECORDS;
    w->n_names = w->n_templates = 0;
    w->first_record = w->next_record;
}

/* Puts the chunk into the file, its header filled in. */
static inline void write_chunk_end(struct event_writer *w)
{
    write_at(w, 8, w->first_record, 8);
    write_at(w, 16, w->next_record - 1, 8);
    write_at(w, 24, w->first_record, 8);
    write_at(w, 32, w->next_record - 1, 8);
    write_at(w, 48, w->at, 4);
    write_seal(w);
    buf_bytes(w->file, (bytes){w->chunk, WRITE_CHUNK});
}

static inline void write_file_header(struct event_writer *w)
{
    uint8_t header[WRITE_HEADER] = "ElfFile";
    header[32] = 128;
    header[36] = 1, header[38] = 3;
    header[41] = 0x10;
    uint32_t sum = evtx_crc_add(w->crc, 0, (bytes){header, 120});
    for (size_t i = 0; i < 4; i++)
        header[124 + i] = (uint8_t)(sum >> (8 * i) & 0xFF);
    buf_bytes(w->file, (bytes){header, sizeof header});
}

static inline struct event_writer write_log(struct arena *arena, struct buf *file)
{
    struct event_writer w = {.arena = arena,
                             .file = file,
                             .next_record = 1,
                             .filetime = UINT64_C(133800000000000000),
                             .crc = arena_new(arena, struct evtx_crc),
                             .has_dependency = true};
    evtx_crc_init(w.crc);
    write_file_header(&w);
    write_chunk(&w);
    return w;
}

/* A template instance's head: the definition follows when it is new (true). */
static inline bool write_instance(struct event_writer *w, uint64_t key, size_t *size)
{
    write_u8(w, 0x0C);
    write_u8(w, 0x01);
    write_number(w, key, 4);
    for (size_t i = 0; i < w->n_templates; i++)
        if (w->templates[i].key == key) {
            write_number(w, w->templates[i].at, 4);
            return false;
        }
    if (w->n_templates == WRITE_TEMPLATES) abort();
    w->templates[w->n_templates].key = key;
    w->templates[w->n_templates++].at = (uint32_t)w->at + 4;
    write_number(w, w->at + 4, 4);
    write_number(w, 0, 4);
    write_number(w, key, 4);
    write_number(w, 0, 8);
    write_number(w, 0, 4);
    *size = w->at;
    write_number(w, 0, 4);
    write_fragment(w);
    return true;
}

static inline void write_definition_end(struct event_writer *w, size_t size)
{
    write_u8(w, 0x00);
    write_at(w, size, w->at - size - 4, 4);
}

/* An array of values: sizes and types first, the data after them. */
struct write_values {
    size_t count, descriptors;
    unsigned n;
    struct write_value items[2 * WRITE_VALUES];
};

static inline void write_value_add(struct write_values *values, struct write_value value)
{
    values->items[values->n++] = value;
}

static inline size_t write_value_size(const struct write_value *value)
{
    return value->text ? 2 * strlen(value->text) : value->data.len;
}

static inline void write_values_out(struct event_writer *w, const struct write_values *values,
                                    size_t *last_size_at)
{
    write_number(w, values->n, 4);
    for (unsigned i = 0; i < values->n; i++) {
        *last_size_at = w->at;
        write_number(w, write_value_size(&values->items[i]), 2);
        write_u8(w, values->items[i].text ? EVTX_STRING : values->items[i].type);
        write_u8(w, 0);
    }
    for (unsigned i = 0; i < values->n; i++) {
        const struct write_value *value = &values->items[i];
        if (value->text) {
            write_ascii(w, value->text);
            continue;
        }
        for (size_t j = 0; j < value->data.len; j++)
            write_u8(w, value->data.ptr[j]);
    }
}

static inline bytes write_copy(struct event_writer *w, uint64_t value, size_t n)
{
    uint8_t *p = arena_array(w->arena, uint8_t, 8);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(value >> (8 * i) & 0xFF);
    return (bytes){p, n};
}

/* <EventData> or <UserData>; values are numbered from `first`. */
static inline void write_body(struct event_writer *w, const struct write_event *event,
                              unsigned first, bool literal)
{
    size_t body = write_open(w, event->user_data ? "UserData" : "EventData", NULL, NULL, 0, 0);
    size_t inner = event->user_data ? write_open(w, event->user_data, NULL, NULL, 0, 0) : 0;
    for (unsigned i = 0; event->values[i].type || event->values[i].text || event->values[i].literal;
         i++) {
        const struct write_value *value = &event->values[i];
        const char *text = literal ? value->text : value->literal;
        bool is_data = !event->user_data;
        size_t size = write_open(w, is_data ? "Data" : value->name,
                                 is_data && value->name ? "Name" : NULL, value->name, 0, 0);
        if (text)
            write_text(w, text);
        else
            write_substitution(w, first + i, value->type ? value->type : EVTX_STRING);
        write_end(w, size);
    }
    if (event->user_data) write_end(w, inner);
    write_end(w, body);
}

static inline void write_body_values(struct write_values *values, const struct write_event *event)
{
    for (size_t i = 0; event->values[i].type || event->values[i].text || event->values[i].literal;
         i++)
        write_value_add(values, event->values[i]);
}

enum { WRITE_SYSTEM_VALUES = 6 };

/* <Event> with <System>; the body follows as value WRITE_SYSTEM_VALUES, or in place. */
static inline void write_outer(struct event_writer *w, const struct write_event *event)
{
    char *id = arena_array(w->arena, char, 16);
    bool literal = event->without_template;
    snprintf(id, 16, "%u", (unsigned)event->id);
    size_t root = write_open(w, "Event", "xmlns", "http://example.org/event", 0, 0);
    size_t system = write_open(w, "System", NULL, NULL, 0, 0);
    write_end(w, write_open(w, "Provider", "Name", event->provider, 0, 0));
    write_element(w, "EventID", literal ? id : NULL, 0, EVTX_UINT16);
    write_element(w, "Keywords", literal ? "0x8020000000000000" : NULL, 1, EVTX_HEX_INT64);
    write_end(w, write_open(w, "TimeCreated", "SystemTime",
                            literal ? "2024-12-29T01:20:00.000000Z" : NULL, 2, EVTX_FILETIME));
    write_element(w, "EventRecordID", literal ? "77" : NULL, 3, EVTX_UINT64);
    write_element(w, "Channel", literal ? event->channel : NULL, 4, EVTX_STRING);
    write_element(w, "Computer", literal ? event->computer : NULL, 5, EVTX_STRING);
    write_end(w, system);
    if (literal || event->flat)
        write_body(w, event, WRITE_SYSTEM_VALUES, literal);
    else
        write_substitution(w, WRITE_SYSTEM_VALUES, EVTX_BINXML);
    write_end(w, root);
}

static inline void write_system_values(struct event_writer *w, struct write_values *values,
                                       const struct write_event *event)
{
    write_value_add(values,
                    (struct write_value){.type = EVTX_UINT16, .data = write_copy(w, event->id, 2)});
    write_value_add(values, (struct write_value){.type = EVTX_HEX_INT64,
                                                 .data = write_copy(w, event->keywords, 8)});
    write_value_add(
        values, (struct write_value){.type = EVTX_FILETIME, .data = write_copy(w, w->filetime, 8)});
    write_value_add(values, (struct write_value){.type = EVTX_UINT64,
                                                 .data = write_copy(w, w->next_record, 8)});
    write_value_add(values, (struct write_value){.text = event->channel});
    write_value_add(values, (struct write_value){.text = event->computer});
}

static inline void write_inner(struct event_writer *w, const struct write_event *event)
{
    size_t size, ignored;
    if (event->bare) {
        bool before = w->has_dependency;
        w->has_dependency = false;
        write_body(w, event, 0, true);
        w->has_dependency = before;
        write_u8(w, 0x00);
        return;
    }
    struct write_values values = {0};
    uint64_t key = 0x20000000 + event->id;
    write_fragment(w);
    if (write_instance(w, key, &size)) {
        write_body(w, event, 0, false);
        write_definition_end(w, size);
    }
    write_body_values(&values, event);
    write_values_out(w, &values, &ignored);
    write_u8(w, 0x00);
}

static inline size_t write_record_begin(struct event_writer *w)
{
    size_t start = w->at;
    write_number(w, 0x00002A2A, 4);
    write_number(w, 0, 4);
    write_number(w, w->next_record, 8);
    write_number(w, w->filetime, 8);
    return start;
}

/* Pads to eight bytes and closes the record. */
static inline void write_record_end(struct event_writer *w, size_t start)
{
    while ((w->at + 4) % 8)
        write_u8(w, 0);
    write_number(w, w->at + 4 - start, 4);
    write_at(w, start + 4, w->at - start, 4);
    w->next_record++;
    w->filetime += 10000000;
}

static inline void write_event(struct event_writer *w, const struct write_event *event)
{
    size_t start = write_record_begin(w), size = 0, inner_size_at = 0;
    struct write_values values = {0};
    uint64_t key = 0x10000000 + (event->flat ? (uint64_t)event->id << 16 : 0);
    for (const char *p = event->provider; *p; p++)
        key += (uint8_t)*p;
    write_fragment(w);
    if (event->without_template) {
        write_outer(w, event);
        write_u8(w, 0x00);
        write_record_end(w, start);
        return;
    }
    if (write_instance(w, key, &size)) {
        write_outer(w, event);
        write_definition_end(w, size);
    }
    write_system_values(w, &values, event);
    if (event->flat)
        write_body_values(&values, event);
    else /* of a size known later */
        write_value_add(&values, (struct write_value){.type = EVTX_BINXML});
    write_values_out(w, &values, &inner_size_at);
    if (!event->flat) {
        size_t inner = w->at;
        write_inner(w, event);
        write_at(w, inner_size_at, w->at - inner, 2);
    }
    write_record_end(w, start);
}
