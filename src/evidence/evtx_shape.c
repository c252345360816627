/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/evtx_shape.h"

#include "base/hash.h"
#include "base/limits.h"

enum {
    NAME_FIXED = 8, /* next name, hash, characters */
    NO_LEAF = UINT16_MAX,
};
static_assert((int)LIMIT_EVTX_LEAVES < (int)NO_LEAF, "leaves are numbered in 16 bits");

/* An element that is open. */
struct open_element {
    uint8_t inside;   /* place of its children */
    bool collects;    /* its text is wanted */
    uint8_t field;    /* of <System>, or EVTX_FIELDS */
    uint16_t leaf;    /* from the shape's first, or NO_LEAF */
    uint32_t unnamed; /* children without a name so far */
};

struct compiler {
    struct evtx_shapes *shapes;
    const struct cursor *whole;
    struct cursor c;
    struct evtx_shape *shape;
    struct open_element open[LIMIT_NESTING];
    size_t depth;
    bool has_dependency;
};

struct name {
    bytes units; /* UTF-16 in the chunk */
};

static uint16_t load16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

/* Names */

/* The sum that Windows stores beside each name: h = 65599 h + unit, of which 16 bits are kept
 * (and 65599 is 63 modulo 2^16). */
static uint16_t name_hash(bytes units)
{
    uint32_t hash = 0;
    for (size_t i = 0; i + 1 < units.len; i += 2)
        hash = (hash * 63 + load16(units.ptr + i)) & 0xFFFF;
    return (uint16_t)hash;
}

/* The name at a position of the chunk; *size is all that it occupies. */
static bool name_at(const struct cursor *whole, uint64_t at, struct name *out, size_t *size)
{
    struct cursor c = cursor_within(whole, at, NAME_FIXED, "name");
    cursor_u32le(&c, "name.next");
    uint16_t hash = cursor_u16le(&c, "name.hash");
    uint16_t n = cursor_u16le(&c, "name.characters");
    size_t len = 2 * (size_t)n, end = 2;
    struct cursor text = cursor_within(whole, at + NAME_FIXED, len + end, "name.text");
    bytes units = cursor_bytes(&text, len, "name.text");
    if (!cursor_ok(&c) || !cursor_ok(&text) || !n || name_hash(units) != hash) return false;
    out->units = units;
    *size = NAME_FIXED + len + end;
    return true;
}

/* A name stands where it is used first and is pointed at after that. */
static bool read_name(struct compiler *k, struct name *out, struct err *err)
{
    uint64_t offset = cursor_offset(&k->c);
    uint32_t at = cursor_u32le(&k->c, "name.offset");
    size_t size = 0;
    if (!cursor_done(&k->c, err)) return false;
    if (!name_at(k->whole, at, out, &size))
        return err_at(err, ERR_MALFORMED, offset, "no name stands at 0x%04" PRIx32 " of the chunk",
                      at);
    if (at == (size_t)(k->c.ptr - k->whole->ptr)) cursor_skip(&k->c, size, "name");
    return true;
}

static bool name_is(struct name name, const char *text)
{
    size_t n = name.units.len / 2;
    for (size_t i = 0; i < n; i++)
        if (!text[i] || load16(name.units.ptr + 2 * i) != (uint8_t)text[i]) return false;
    return !text[n];
}

/* "e:ShareName" is "ShareName". */
static struct name without_prefix(struct name name)
{
    for (size_t i = name.units.len; i >= 2; i -= 2)
        if (load16(name.units.ptr + i - 2) == ':')
            return (struct name){
                {name.units.ptr + i, name.units.len - i}
            };
    return name;
}

/* Pieces and leaves */

static bool is_full(const struct compiler *k, struct err *err)
{
    k->shapes->is_full = true;
    return err_at(err, ERR_LIMIT, cursor_offset(&k->c),
                  "the templates of the record are larger than a chunk can hold");
}

static bool add_piece(struct compiler *k, struct evtx_piece piece, struct err *err)
{
    struct evtx_shapes *shapes = k->shapes;
    if (shapes->n_pieces == LIMIT_EVTX_PIECES) return is_full(k, err);
    shapes->pieces[shapes->n_pieces++] = piece;
    return true;
}

static bool add_leaf(struct compiler *k, struct evtx_leaf leaf, struct err *err)
{
    struct evtx_shapes *shapes = k->shapes;
    if (shapes->n_leaves == LIMIT_EVTX_LEAVES) return is_full(k, err);
    shapes->leaves[shapes->n_leaves++] = leaf;
    k->shape->n_leaves++;
    return true;
}

static struct evtx_run run_from(const struct compiler *k, size_t first)
{
    return (struct evtx_run){(uint32_t)first, (uint32_t)(k->shapes->n_pieces - first)};
}

static bool has_value(const struct evtx_shapes *shapes, struct evtx_run run)
{
    for (uint32_t i = 0; i < run.n; i++)
        if (shapes->pieces[run.first + i].kind == EVTX_PIECE_VALUE) return true;
    return false;
}

static bool is_text_token(uint8_t token)
{
    switch (token & ~EVTX_TOKEN_MORE) {
    case EVTX_TOKEN_TEXT:
    case EVTX_TOKEN_CDATA:
    case EVTX_TOKEN_CHARACTER:
    case EVTX_TOKEN_ENTITY:
    case EVTX_TOKEN_SUBSTITUTION:
    case EVTX_TOKEN_OPTIONAL:
        return true;
    }
    return false;
}

static uint16_t entity_of(struct name name)
{
    static const struct {
        const char *name;
        char c;
    } entities[] = {
        {"amp",  '&' },
        {"lt",   '<' },
        {"gt",   '>' },
        {"quot", '"' },
        {"apos", '\''},
    };
    for (size_t i = 0; i < COUNT_OF(entities); i++)
        if (name_is(name, entities[i].name)) return (uint16_t)entities[i].c;
    return 0xFFFD;
}

static bool read_counted(struct compiler *k, struct evtx_piece *out, struct err *err)
{
    uint32_t len = 2u * cursor_u16le(&k->c, "text.characters");
    bytes units = cursor_bytes(&k->c, len, "text");
    *out = (struct evtx_piece){.kind = EVTX_PIECE_TEXT, .len = len, .at = units.ptr};
    return cursor_done(&k->c, err);
}

/* What stands behind the token of a piece of text. */
static bool read_piece(struct compiler *k, uint8_t token, struct evtx_piece *out, struct err *err)
{
    struct name name;
    *out = (struct evtx_piece){0};
    switch (token & ~EVTX_TOKEN_MORE) {
    case EVTX_TOKEN_TEXT: {
        uint64_t offset = cursor_offset(&k->c);
        uint8_t type = cursor_u8(&k->c, "text.type");
        if (!cursor_done(&k->c, err)) return false;
        if (type != EVTX_STRING)
            return err_at(err, ERR_MALFORMED, offset, "text of the type 0x%02x", type);
        return read_counted(k, out, err);
    }
    case EVTX_TOKEN_CDATA:
        return read_counted(k, out, err);
    case EVTX_TOKEN_CHARACTER:
        out->kind = EVTX_PIECE_CHARACTER;
        out->value = cursor_u16le(&k->c, "character");
        return cursor_done(&k->c, err);
    case EVTX_TOKEN_ENTITY:
        out->kind = EVTX_PIECE_CHARACTER;
        if (!read_name(k, &name, err)) return false;
        out->value = entity_of(name);
        return true;
    }
    out->kind = EVTX_PIECE_VALUE;
    out->value = cursor_u16le(&k->c, "substitution.index");
    out->type = cursor_u8(&k->c, "substitution.type");
    return cursor_done(&k->c, err);
}

/* Compiling */

static uint8_t peek(const struct cursor *c)
{
    return c->left ? c->ptr[0] : EVTX_TOKEN_EOF;
}

static enum evtx_field system_field(struct name name)
{
    static const char *const names[EVTX_FIELDS] = {
        [EVTX_FIELD_PROVIDER] = "Provider", [EVTX_FIELD_EVENT_ID] = "EventID",
        [EVTX_FIELD_TIME] = "TimeCreated",  [EVTX_FIELD_RECORD] = "EventRecordID",
        [EVTX_FIELD_CHANNEL] = "Channel",   [EVTX_FIELD_COMPUTER] = "Computer",
        [EVTX_FIELD_KEYWORDS] = "Keywords",
    };
    for (size_t i = 0; i < EVTX_FIELDS; i++)
        if (name_is(name, names[i])) return (enum evtx_field)i;
    return EVTX_FIELDS;
}

/* Of these it is an attribute that tells. */
static const char *attribute_wanted(enum evtx_place place, enum evtx_field field,
                                    struct name element)
{
    if (field == EVTX_FIELD_PROVIDER) return "Name";
    if (field == EVTX_FIELD_TIME) return "SystemTime";
    return place == EVTX_PLACE_DATA && name_is(element, "Data") ? "Name" : NULL;
}

static enum evtx_place top_place(struct name name)
{
    static const struct {
        const char *name;
        enum evtx_place inside;
    } places[] = {
        {"Event",     EVTX_PLACE_TOP   },
        {"System",    EVTX_PLACE_SYSTEM},
        {"EventData", EVTX_PLACE_DATA  },
        {"UserData",  EVTX_PLACE_USER  },
    };
    for (size_t i = 0; i < COUNT_OF(places); i++)
        if (name_is(name, places[i].name)) return places[i].inside;
    return EVTX_PLACE_NONE;
}

/* The attributes of an element; *out is the text of the one that is wanted. */
static bool read_attributes(struct compiler *k, const char *wanted, struct evtx_run *out,
                            struct err *err)
{
    cursor_u32le(&k->c, "attributes.size");
    while ((peek(&k->c) & ~EVTX_TOKEN_MORE) == EVTX_TOKEN_ATTRIBUTE) {
        struct name name;
        size_t first = k->shapes->n_pieces;
        cursor_u8(&k->c, "attribute.token");
        if (!read_name(k, &name, err)) return false;
        bool keep = wanted && !out->n && name_is(name, wanted);
        while (cursor_left(&k->c) && is_text_token(peek(&k->c))) {
            struct evtx_piece piece;
            uint8_t token = cursor_u8(&k->c, "attribute.value");
            if (!read_piece(k, token, &piece, err)) return false;
            if (keep && !add_piece(k, piece, err)) return false;
        }
        if (keep) *out = run_from(k, first);
    }
    return cursor_done(&k->c, err);
}

static bool finds_name(const struct compiler *k, size_t behind)
{
    struct name name;
    size_t size;
    struct cursor c = k->c;
    cursor_skip(&c, behind, "element");
    uint32_t at = cursor_u32le(&c, "element.name");
    return cursor_ok(&c) && name_at(k->whole, at, &name, &size);
}

/* In templates elements carry a dependency identifier, in fragments that are values they should
 * not: what stands there decides, by the name that must follow. */
static void find_dependency(struct compiler *k)
{
    bool with = finds_name(k, 6), without = finds_name(k, 4);
    if (with != without) k->has_dependency = with;
}

static bool name_leaf(struct compiler *k, struct open_element *parent, struct name element,
                      struct evtx_run attribute, struct evtx_leaf *out, struct err *err)
{
    out->kind = EVTX_LEAF_NAMED;
    out->name = attribute;
    if (attribute.n) {
        k->shape->is_dynamic |= has_value(k->shapes, attribute);
        return true;
    }
    if (parent->inside == EVTX_PLACE_DATA && name_is(element, "Data")) {
        out->kind = EVTX_LEAF_UNNAMED;
        out->position = parent->unnamed++;
        return true;
    }
    struct name name = without_prefix(element);
    struct evtx_piece piece = {
        .kind = EVTX_PIECE_TEXT, .len = (uint32_t)name.units.len, .at = name.units.ptr};
    out->name = (struct evtx_run){(uint32_t)k->shapes->n_pieces, 1};
    return add_piece(k, piece, err);
}

/* Behind the token of an element: its name, its attributes; it is open then. */
static bool open_element(struct compiler *k, uint8_t token, struct err *err)
{
    struct open_element *parent = &k->open[k->depth - 1];
    struct name name;
    struct evtx_run attribute = {0};
    if (k->depth == LIMIT_NESTING)
        return err_at(err, ERR_LIMIT, cursor_offset(&k->c), "elements nest deeper than %d",
                      LIMIT_NESTING);
    parent->collects = false; /* its text is over */
    if (k->depth == 1) find_dependency(k);
    if (k->has_dependency) cursor_u16le(&k->c, "element.dependency");
    cursor_u32le(&k->c, "element.size");
    if (!read_name(k, &name, err)) return false;

    struct open_element element = {
        .inside = EVTX_PLACE_NONE, .field = EVTX_FIELDS, .leaf = NO_LEAF};
    enum evtx_place place = (enum evtx_place)parent->inside;
    enum evtx_field field = place == EVTX_PLACE_SYSTEM ? system_field(name) : EVTX_FIELDS;
    const char *wanted = attribute_wanted(place, field, name);
    if ((token & EVTX_TOKEN_MORE) && !read_attributes(k, wanted, &attribute, err)) return false;

    /* A fragment in <EventData> may bring one of its own. */
    bool is_root = k->depth == 1 && top_place(name) == place;
    if (place == EVTX_PLACE_TOP || is_root) element.inside = (uint8_t)top_place(name);
    if (field != EVTX_FIELDS && wanted) k->shape->system[field] = attribute;
    if (field != EVTX_FIELDS && !wanted) {
        element.field = (uint8_t)field;
        element.collects = !k->shape->system[field].n;
    }
    if ((place == EVTX_PLACE_DATA || place == EVTX_PLACE_USER) && !is_root) {
        struct evtx_leaf leaf = {.kind = EVTX_LEAF_NAMED};
        if (!name_leaf(k, parent, name, attribute, &leaf, err)) return false;
        if (k->shape->n_leaves < NO_LEAF) element.leaf = (uint16_t)k->shape->n_leaves;
        element.collects = element.leaf != NO_LEAF;
        element.inside = place == EVTX_PLACE_USER ? EVTX_PLACE_USER : EVTX_PLACE_NONE;
        if (!add_leaf(k, leaf, err)) return false;
    }
    k->open[k->depth++] = element;
    return true;
}

/* A fragment may come where this value stands. */
static bool add_hole(struct compiler *k, struct evtx_piece piece, enum evtx_place place,
                     struct err *err)
{
    size_t first = k->shapes->n_pieces;
    if (!add_piece(k, piece, err)) return false;
    k->shape->has_holes = true;
    return add_leaf(k,
                    (struct evtx_leaf){.kind = EVTX_LEAF_HOLE,
                                       .place = (uint8_t)place,
                                       .text = run_from(k, first)},
                    err);
}

static bool collect(struct compiler *k, struct open_element *element, struct evtx_piece piece,
                    struct err *err)
{
    struct evtx_run *run = element->leaf != NO_LEAF
                               ? &k->shapes->leaves[k->shape->first_leaf + element->leaf].text
                               : &k->shape->system[element->field];
    if (!run->n) run->first = (uint32_t)k->shapes->n_pieces;
    run->n++;
    return add_piece(k, piece, err);
}

static bool read_content(struct compiler *k, uint8_t token, struct err *err)
{
    struct open_element *element = &k->open[k->depth - 1];
    enum evtx_place place = (enum evtx_place)element->inside;
    struct evtx_piece piece;
    if (!read_piece(k, token, &piece, err)) return false;
    bool may_nest =
        piece.kind == EVTX_PIECE_VALUE &&
        (place == EVTX_PLACE_TOP || place == EVTX_PLACE_DATA || place == EVTX_PLACE_USER);
    if (may_nest && piece.type == EVTX_BINXML) {
        element->collects = false;
        return add_hole(k, piece, place, err);
    }
    if (element->collects) return collect(k, element, piece, err);
    return !may_nest || add_hole(k, piece, place, err);
}

static bool read_processing(struct compiler *k, uint8_t token, struct err *err)
{
    struct evtx_piece piece;
    struct name name;
    return token == EVTX_TOKEN_PI_TARGET ? read_name(k, &name, err) : read_counted(k, &piece, err);
}

static bool close_element(struct compiler *k, struct err *err)
{
    if (k->depth == 1)
        return err_at(err, ERR_MALFORMED, cursor_offset(&k->c) - 1, "an end without an element");
    k->depth--;
    return true;
}

/* One token and what belongs to it; *done at the end of the fragment. */
static bool compile_token(struct compiler *k, bool *done, struct err *err)
{
    uint64_t offset = cursor_offset(&k->c);
    uint8_t token = cursor_u8(&k->c, "token");
    if (is_text_token(token)) return read_content(k, token, err);
    switch (token) {
    case EVTX_TOKEN_EOF:
        *done = true;
        return true;
    case EVTX_TOKEN_OPEN:
    case EVTX_TOKEN_OPEN | EVTX_TOKEN_MORE:
        return open_element(k, token, err);
    case EVTX_TOKEN_CLOSE_START:
        return true;
    case EVTX_TOKEN_CLOSE_EMPTY:
    case EVTX_TOKEN_END:
        return close_element(k, err);
    case EVTX_TOKEN_PI_TARGET:
    case EVTX_TOKEN_PI_DATA:
        return read_processing(k, token, err);
    case EVTX_TOKEN_FRAGMENT:
        cursor_skip(&k->c, 3, "fragment");
        return cursor_done(&k->c, err);
    }
    return err_at(err, ERR_MALFORMED, offset, "no token is 0x%02x", token);
}

void evtx_shapes_empty(struct evtx_shapes *shapes)
{
    shapes->n_shapes = shapes->n_leaves = shapes->n_pieces = 0;
    shapes->is_full = false;
}

uint64_t evtx_shape_text_hash(bytes units)
{
    return hash_bytes(units) | 1;
}

bool evtx_shapes_may_go_on(const struct evtx_shapes *shapes, uint64_t offset, struct err *err)
{
    if (shapes->work <= LIMIT_EVTX_WORK) return true;
    return err_at(err, ERR_LIMIT, offset,
                  "templates and values of the chunk are named more often than is read");
}

static uint64_t provider_of(const struct evtx_shapes *shapes, const struct evtx_shape *shape)
{
    struct evtx_run run = shape->system[EVTX_FIELD_PROVIDER];
    const struct evtx_piece *piece = &shapes->pieces[run.first];
    if (run.n != 1 || piece->kind != EVTX_PIECE_TEXT || !piece->len) return 0;
    return evtx_shape_text_hash((bytes){piece->at, piece->len});
}

static bool compile(struct compiler *k, struct err *err)
{
    if (peek(&k->c) == EVTX_TOKEN_FRAGMENT) cursor_skip(&k->c, 4, "fragment");
    for (bool done = false; !done && cursor_left(&k->c);)
        if (!compile_token(k, &done, err)) return false;
    return cursor_done(&k->c, err);
}

struct evtx_shape *evtx_shape_compile(struct evtx_shapes *shapes, const struct cursor *whole,
                                      struct cursor *c, enum evtx_place place, bool has_dependency,
                                      struct err *err)
{
    struct compiler k = {
        .shapes = shapes, .whole = whole, .c = *c, .depth = 1, .has_dependency = has_dependency};
    size_t n_leaves = shapes->n_leaves, n_pieces = shapes->n_pieces;
    if (!evtx_shapes_may_go_on(shapes, cursor_offset(c), err)) return NULL;
    if (shapes->n_shapes == LIMIT_EVTX_TEMPLATES) {
        is_full(&k, err);
        return NULL;
    }
    struct evtx_shape *shape = &shapes->shapes[shapes->n_shapes];
    *shape = (struct evtx_shape){.place = (uint8_t)place, .first_leaf = (uint32_t)n_leaves};
    k.shape = shape;
    k.open[0] =
        (struct open_element){.inside = (uint8_t)place, .field = EVTX_FIELDS, .leaf = NO_LEAF};
    bool ok = compile(&k, err);
    shapes->work += (uint64_t)(k.c.ptr - c->ptr);
    *c = k.c;
    if (!ok) {
        shapes->n_leaves = n_leaves;
        shapes->n_pieces = n_pieces;
        return NULL;
    }
    shape->provider = provider_of(shapes, shape);
    shapes->n_shapes++;
    return shape;
}
