/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/evtx_binxml.h"

#include "base/limits.h"
#include "evidence/event_order.h"

enum {
    TEMPLATE_FIXED = 24, /* next definition, GUID, size */
    NAME_TEXT = 256,     /* no wanted name is longer */
    KNOWN_KINDS = 256,   /* a power of two; full: the one in the way is looked up again */
    SLOTS = 1024,        /* of templates by their position; a power of two */
    BOUND_BYTES = 16,    /* of work per leaf that is matched with the names of a kind */
    SYSTEM_PIECES = 16,  /* no value of <System> is made of more */
    NO_LEAF = UINT16_MAX,
};

/* A fragment of the record in hand: a template and its values. */
struct part {
    struct evtx_shape *shape;
    const uint8_t *descriptors, *values;
    uint32_t n;
    uint32_t start[LIMIT_EVTX_VALUES + 1]; /* of each value in values */
};

/* Where a template was seen first: for records of damaged chunks that have lost theirs. */
struct spare {
    uint32_t id, at;
    size_t chunk; /* index of its copy */
};

struct evtx_binxml {
    struct arena *arena;
    bytes chunk;
    struct cursor whole; /* the chunk */
    struct evtx_shapes shapes;
    uint16_t slots[SLOTS]; /* index of a shape plus one */

    size_t at, size; /* of the record in hand */
    struct part parts[LIMIT_EVTX_PARTS];
    size_t n_parts, n_expanded;

    struct known_kind {
        uint64_t provider; /* hash of its name; 0 = free */
        uint32_t id;
        const struct event_kind *kind;
    } known[KNOWN_KINDS];

    struct spare spares[LIMIT_EVTX_SPARES];
    size_t n_spares, n_kept; /* those of chunks that were copied */
    bytes spare_chunks[LIMIT_EVTX_SPARE_CHUNKS];
    size_t n_spare_chunks;
};

static uint16_t load16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint8_t peek(const struct cursor *c)
{
    return c->left ? c->ptr[0] : EVTX_TOKEN_EOF;
}

static void forget(struct evtx_binxml *binxml)
{
    evtx_shapes_empty(&binxml->shapes);
    memset(binxml->slots, 0, sizeof binxml->slots);
}

struct evtx_binxml *evtx_binxml_open(struct arena *arena)
{
    struct evtx_binxml *binxml = arena_new(arena, struct evtx_binxml);
    binxml->arena = arena;
    return binxml;
}

void evtx_binxml_chunk(struct evtx_binxml *binxml, bytes chunk, uint64_t offset)
{
    binxml->chunk = chunk;
    binxml->whole = cursor_of(chunk, offset);
    binxml->n_parts = 0;
    binxml->shapes.work = 0;
    binxml->n_spares = binxml->n_kept;
    forget(binxml);
}

void evtx_binxml_keep(struct evtx_binxml *binxml)
{
    if (binxml->n_spares == binxml->n_kept || binxml->n_spare_chunks == LIMIT_EVTX_SPARE_CHUNKS)
        return;
    uint8_t *copy = arena_array(binxml->arena, uint8_t, binxml->chunk.len);
    memcpy(copy, binxml->chunk.ptr, binxml->chunk.len);
    binxml->spare_chunks[binxml->n_spare_chunks++] = (bytes){copy, binxml->chunk.len};
    binxml->n_kept = binxml->n_spares;
}

/* Templates */

static const struct spare *find_spare(const struct evtx_binxml *binxml, uint32_t id)
{
    for (size_t i = 0; i < binxml->n_spares; i++)
        if (binxml->spares[i].id == id) return &binxml->spares[i];
    return NULL;
}

/* Full: templates met later have no spare. */
static void remember(struct evtx_binxml *binxml, uint32_t id, uint32_t at)
{
    if (binxml->n_spares == LIMIT_EVTX_SPARES || find_spare(binxml, id)) return;
    binxml->spares[binxml->n_spares++] = (struct spare){id, at, binxml->n_spare_chunks};
}

/* The definition at a position of a chunk; *size is all that it occupies. */
static bool read_definition(const struct cursor *whole, uint32_t id, uint32_t at,
                            struct cursor *body, size_t *size, struct err *err)
{
    struct cursor c = cursor_within(whole, at, TEMPLATE_FIXED, "template");
    cursor_u32le(&c, "template.next");
    uint32_t guid = cursor_u32le(&c, "template.guid");
    cursor_skip(&c, 12, "template.guid");
    uint32_t n = cursor_u32le(&c, "template.size");
    if (!cursor_done(&c, err)) return false;
    if (guid != id)
        return err_at(err, ERR_MALFORMED, cursor_offset(whole) + at,
                      "the template 0x%08" PRIx32 " of a record is not here", id);
    *body = cursor_within(whole, at + (uint64_t)TEMPLATE_FIXED, n, "template.body");
    *size = TEMPLATE_FIXED + (size_t)n;
    return cursor_done(body, err);
}

static uint16_t *slot_of(struct evtx_binxml *binxml, uint32_t at)
{
    return &binxml->slots[(at >> 3 ^ at >> 10) & (SLOTS - 1)];
}

static struct evtx_shape *find_shape(struct evtx_binxml *binxml, uint32_t id, uint32_t at,
                                     enum evtx_place place)
{
    for (uint16_t i = *slot_of(binxml, at); i; i = binxml->shapes.shapes[i - 1].next) {
        struct evtx_shape *shape = &binxml->shapes.shapes[i - 1];
        if (shape->offset == at && shape->id == id && shape->place == place) return shape;
    }
    return NULL;
}

static struct evtx_shape *compile(struct evtx_binxml *binxml, const struct cursor *whole,
                                  struct cursor *body, uint32_t id, uint32_t at,
                                  enum evtx_place place, struct err *err)
{
    struct evtx_shape *shape = evtx_shape_compile(&binxml->shapes, whole, body, place, true, err);
    if (!shape) return NULL;
    uint16_t *slot = slot_of(binxml, at);
    shape->offset = at;
    shape->id = id;
    shape->next = *slot;
    *slot = (uint16_t)(shape - binxml->shapes.shapes + 1);
    return shape;
}

/* A template that this chunk has lost, from another. */
static struct evtx_shape *compile_spare(struct evtx_binxml *binxml, uint32_t id, uint32_t at,
                                        enum evtx_place place, struct err *err)
{
    const struct spare *spare = find_spare(binxml, id);
    struct cursor body;
    struct err ignored;
    size_t size = 0;
    if (!spare || spare->chunk >= binxml->n_spare_chunks) return NULL;
    struct cursor whole = cursor_of(binxml->spare_chunks[spare->chunk], 0);
    if (!read_definition(&whole, id, spare->at, &body, &size, &ignored)) return NULL;
    return compile(binxml, &whole, &body, id, at, place, err);
}

/* Bytes of a definition at *c that is for another place of the chunk: what stood before it is lost.
 * 0 = there is none. */
static size_t moved_definition(const struct cursor *c, uint32_t id)
{
    struct cursor body;
    struct err ignored;
    size_t size = 0;
    return read_definition(c, id, 0, &body, &size, &ignored) ? size : 0;
}

/* The template that stands at *c or that *c points to. */
static struct evtx_shape *read_template(struct evtx_binxml *binxml, struct cursor *c,
                                        enum evtx_place place, struct err *err)
{
    struct cursor body;
    size_t size = 0;
    cursor_u8(c, "template.token");
    cursor_u8(c, "template.version");
    uint32_t id = cursor_u32le(c, "template.id");
    uint32_t at = cursor_u32le(c, "template.offset");
    if (!cursor_done(c, err)) return NULL;
    bool is_here = at == (size_t)(c->ptr - binxml->chunk.ptr);
    struct evtx_shape *shape = find_shape(binxml, id, at, place);
    if (shape && !is_here) return shape;
    bool found = read_definition(&binxml->whole, id, at, &body, &size, err);
    if (is_here && !found) return NULL;
    if (is_here || !found)
        cursor_skip(c, is_here ? size : moved_definition(c, id), "template.body");
    if (!cursor_done(c, err)) return NULL;
    if (shape) return shape;
    if (found) shape = compile(binxml, &binxml->whole, &body, id, at, place, err);
    if (shape)
        remember(binxml, id, at);
    else if (!binxml->shapes.is_full)
        shape = compile_spare(binxml, id, at, place, err);
    return shape;
}

/* Reading records */

static struct part *add_part(struct evtx_binxml *binxml, const struct cursor *c, struct err *err)
{
    if (binxml->n_parts < LIMIT_EVTX_PARTS) return &binxml->parts[binxml->n_parts];
    err_at(err, ERR_LIMIT, cursor_offset(c), "a record of more than %d fragments",
           LIMIT_EVTX_PARTS);
    return NULL;
}

static bool read_values(struct part *part, struct cursor *c, struct err *err)
{
    uint64_t offset = cursor_offset(c);
    uint32_t n = cursor_u32le(c, "values.count");
    if (n > LIMIT_EVTX_VALUES)
        return err_at(err, ERR_LIMIT, offset, "%" PRIu32 " values of one template", n);
    bytes descriptors = cursor_bytes(c, 4 * (uint64_t)n, "values.descriptors");
    if (!cursor_done(c, err)) return false;
    uint32_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        part->start[i] = total;
        total += load16(descriptors.ptr + 4 * (size_t)i);
    }
    part->start[n] = total;
    part->n = n;
    part->descriptors = descriptors.ptr;
    part->values = cursor_bytes(c, total, "values").ptr;
    return cursor_done(c, err);
}

static bool read_instance(struct evtx_binxml *binxml, struct cursor *c, enum evtx_place place,
                          struct err *err)
{
    struct part *part = add_part(binxml, c, err);
    if (!part) return false;
    part->shape = read_template(binxml, c, place, err);
    if (!part->shape || !read_values(part, c, err)) return false;
    binxml->n_parts++;
    return true;
}

/* Elements without a template: nothing in them is a value. */
static bool read_elements(struct evtx_binxml *binxml, struct cursor *c, enum evtx_place place,
                          struct err *err)
{
    struct part *part = add_part(binxml, c, err);
    if (!part) return false;
    bool is_first = place == EVTX_PLACE_TOP && !binxml->n_parts;
    struct evtx_shape *shape =
        evtx_shape_compile(&binxml->shapes, &binxml->whole, c, place, is_first, err);
    if (!shape) return false;
    part->shape = shape;
    part->n = 0;
    binxml->n_parts++;
    return true;
}

static bool read_fragment(struct evtx_binxml *binxml, struct cursor *c, enum evtx_place place,
                          struct err *err)
{
    if (peek(c) == EVTX_TOKEN_FRAGMENT) cursor_skip(c, 4, "fragment");
    uint8_t token = peek(c);
    if (token == EVTX_TOKEN_TEMPLATE) return read_instance(binxml, c, place, err);
    if ((token & ~EVTX_TOKEN_MORE) == EVTX_TOKEN_OPEN || token == EVTX_TOKEN_PI_TARGET)
        return read_elements(binxml, c, place, err);
    if (token != EVTX_TOKEN_EOF)
        return err_at(err, ERR_MALFORMED, cursor_offset(c),
                      "expected an element or a template, found the token 0x%02x", token);
    return cursor_done(c, err);
}

static bool value_at(const struct part *part, uint32_t index, struct evtx_value *out)
{
    if (index >= part->n) return false;
    *out = (struct evtx_value){
        .type = part->descriptors[4 * (size_t)index + 2],
        .data = {part->values + part->start[index], part->start[index + 1] - part->start[index]},
    };
    return true;
}

/* Fragments that are values of those found so far. */
static bool expand(struct evtx_binxml *binxml, struct err *err)
{
    for (; binxml->n_expanded < binxml->n_parts; binxml->n_expanded++) {
        const struct part *part = &binxml->parts[binxml->n_expanded];
        const struct evtx_shape *shape = part->shape;
        for (uint32_t i = 0; shape->has_holes && i < shape->n_leaves; i++) {
            const struct evtx_leaf *leaf = &binxml->shapes.leaves[shape->first_leaf + i];
            struct evtx_value value;
            if (leaf->kind != EVTX_LEAF_HOLE ||
                !value_at(part, binxml->shapes.pieces[leaf->text.first].value, &value) ||
                value.type != EVTX_BINXML || !value.data.len)
                continue;
            struct cursor c =
                cursor_of(value.data, cursor_offset(&binxml->whole) +
                                          (uint64_t)(value.data.ptr - binxml->chunk.ptr));
            if (!read_fragment(binxml, &c, (enum evtx_place)leaf->place, err)) return false;
        }
    }
    return true;
}

static bool has_id(const struct evtx_binxml *binxml)
{
    for (size_t i = 0; i < binxml->n_parts; i++)
        if (binxml->parts[i].shape->system[EVTX_FIELD_EVENT_ID].n) return true;
    return false;
}

static bool read_record(struct evtx_binxml *binxml, struct err *err)
{
    struct cursor c = cursor_within(&binxml->whole, binxml->at, binxml->size, "record");
    binxml->n_parts = binxml->n_expanded = 0;
    if (!cursor_done(&c, err) || !read_fragment(binxml, &c, EVTX_PLACE_TOP, err)) return false;
    if (has_id(binxml)) return true;
    if (!expand(binxml, err)) return false;
    if (has_id(binxml)) return true;
    return err_at(err, ERR_MALFORMED, cursor_offset(&binxml->whole) + binxml->at,
                  "a record of no event");
}

bool evtx_binxml_record(struct evtx_binxml *binxml, size_t at, size_t size, struct err *err)
{
    binxml->at = at;
    binxml->size = size;
    if (read_record(binxml, err)) return true;
    if (!binxml->shapes.is_full) return false;
    forget(binxml);
    return read_record(binxml, err);
}

static void print_run(const struct evtx_binxml *binxml, const struct part *part,
                      struct evtx_run run, struct evtx_text *out)
{
    for (uint32_t i = 0; i < run.n && !out->full; i++) {
        const struct evtx_piece *piece = &binxml->shapes.pieces[run.first + i];
        struct evtx_value value;
        if (piece->kind == EVTX_PIECE_TEXT) {
            evtx_text_utf16(out, (bytes){piece->at, piece->len});
        } else if (piece->kind == EVTX_PIECE_CHARACTER) {
            uint8_t unit[2] = {(uint8_t)(piece->value & 0xFF), (uint8_t)(piece->value >> 8)};
            evtx_text_utf16(out, (bytes){unit, 2});
        } else if (value_at(part, piece->value, &value)) {
            evtx_value_print(out, value);
        }
    }
}

static str text_of(const struct evtx_binxml *binxml, const struct part *part, struct evtx_run run,
                   struct evtx_text *out)
{
    size_t start = out->len;
    print_run(binxml, part, run, out);
    return (str){out->ptr + start, out->len - start};
}

bool evtx_binxml_system(const struct evtx_binxml *binxml, enum evtx_field field,
                        struct evtx_text *out, struct evtx_value *value)
{
    for (size_t i = 0; i < binxml->n_parts; i++) {
        const struct part *part = &binxml->parts[i];
        struct evtx_run run = part->shape->system[field];
        if (!run.n || run.n > SYSTEM_PIECES) continue;
        const struct evtx_piece *piece = &binxml->shapes.pieces[run.first];
        if (run.n == 1 && piece->kind == EVTX_PIECE_VALUE)
            return value_at(part, piece->value, value);
        if (run.n == 1 && piece->kind == EVTX_PIECE_TEXT) {
            *value = (struct evtx_value){
                EVTX_STRING, {piece->at, piece->len}
            };
            return true;
        }
        str text = text_of(binxml, part, run, out);
        *value = (struct evtx_value){EVTX_ANSI_STRING, str_bytes(text)};
        return true;
    }
    return false;
}

const struct event_kind *evtx_binxml_kind(struct evtx_binxml *binxml, uint32_t id, str channel,
                                          struct evtx_text *out)
{
    struct evtx_value provider = {0};
    uint64_t hash = binxml->parts[0].shape->provider;
    if (!hash && evtx_binxml_system(binxml, EVTX_FIELD_PROVIDER, out, &provider) &&
        provider.data.len)
        hash = evtx_shape_text_hash(provider.data);
    struct known_kind *known = &binxml->known[(hash ^ id) & (KNOWN_KINDS - 1)];
    if (hash && known->provider == hash && known->id == id) return known->kind;

    size_t start = out->len;
    if (hash && evtx_binxml_system(binxml, EVTX_FIELD_PROVIDER, out, &provider))
        evtx_value_print(out, provider);
    str name = {out->ptr + start, out->len - start};
    const struct event_kind *kind = event_find(name, channel, id);
    if (hash && !out->full) *known = (struct known_kind){hash, id, kind};
    return kind;
}

static str name_of(const struct evtx_binxml *binxml, const struct part *part,
                   const struct evtx_leaf *leaf, char room[NAME_TEXT])
{
    struct evtx_text text = {.ptr = room, .room = NAME_TEXT};
    print_run(binxml, part, leaf->name, &text);
    if (text.full) return (str){0};
    return (str){text.ptr, text.len};
}

/* Which leaf of the part's template is which value of the kind. */
static void bind(struct evtx_binxml *binxml, const struct part *part, const struct event_kind *kind)
{
    struct evtx_shape *shape = part->shape;
    const struct evtx_leaf *leaves = &binxml->shapes.leaves[shape->first_leaf];
    char room[NAME_TEXT];
    if (shape->bound == kind && !shape->is_dynamic) return;
    shape->bound = kind;
    binxml->shapes.work += (uint64_t)BOUND_BYTES * shape->n_leaves;
    for (size_t i = 0; i < EVENT_VALUES; i++)
        shape->leaf_of[i] = NO_LEAF;
    size_t n_unnamed = 0;
    for (uint32_t i = 0; i < shape->n_leaves; i++)
        n_unnamed += leaves[i].kind == EVTX_LEAF_UNNAMED;
    for (uint32_t i = 0; i < shape->n_leaves; i++) {
        if (leaves[i].kind == EVTX_LEAF_HOLE || !leaves[i].text.n) continue;
        size_t value = leaves[i].kind == EVTX_LEAF_UNNAMED
                           ? event_order_value(kind, leaves[i].position, n_unnamed)
                           : event_value_of(kind, name_of(binxml, part, &leaves[i], room));
        if (value < EVENT_VALUES && shape->leaf_of[value] == NO_LEAF)
            shape->leaf_of[value] = (uint16_t)i;
    }
}

bool evtx_binxml_values(struct evtx_binxml *binxml, const struct event_kind *kind,
                        struct evtx_text *out, str values[EVENT_VALUES], struct err *err)
{
    if (!evtx_shapes_may_go_on(&binxml->shapes, cursor_offset(&binxml->whole), err)) return false;
    if (!expand(binxml, err)) {
        if (!binxml->shapes.is_full) return false;
        forget(binxml);
        if (!read_record(binxml, err) || !expand(binxml, err)) return false;
    }
    for (size_t p = 0; p < binxml->n_parts; p++) {
        const struct part *part = &binxml->parts[p];
        const struct evtx_shape *shape = part->shape;
        if (!shape->n_leaves) continue;
        bind(binxml, part, kind);
        for (size_t i = 0; i < kind->n_names; i++) {
            if (shape->leaf_of[i] == NO_LEAF || values[i].len) continue;
            const struct evtx_leaf *leaf =
                &binxml->shapes.leaves[shape->first_leaf + shape->leaf_of[i]];
            values[i] = str_trim(text_of(binxml, part, leaf->text, out));
        }
    }
    binxml->shapes.work += out->len;
    if (!out->full) return true;
    return err_at(err, ERR_LIMIT, cursor_offset(&binxml->whole),
                  "the values of the event are larger than a record can hold");
}
