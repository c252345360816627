/* SPDX-License-Identifier: Apache-2.0 */
/* Two tables of a chunk: pieces of text (as they stand in the template, or "value 7") and leaves
 * (runs of pieces with a name). They hold every template that a chunk can hold when templates do
 * not overlap. When damage or malice fills them they are emptied, and each template is compiled
 * again when it is named again; how much is compiled per chunk is limited too.
 */
#include "evidence/evtx_binxml.h"

#include "base/hash.h"
#include "base/limits.h"

enum token {
    TOKEN_EOF = 0x00,
    TOKEN_OPEN = 0x01,
    TOKEN_CLOSE_START = 0x02,
    TOKEN_CLOSE_EMPTY = 0x03,
    TOKEN_END = 0x04,
    TOKEN_TEXT = 0x05,
    TOKEN_ATTRIBUTE = 0x06,
    TOKEN_CDATA = 0x07,
    TOKEN_CHARACTER = 0x08,
    TOKEN_ENTITY = 0x09,
    TOKEN_PI_TARGET = 0x0A,
    TOKEN_PI_DATA = 0x0B,
    TOKEN_TEMPLATE = 0x0C,
    TOKEN_SUBSTITUTION = 0x0D,
    TOKEN_OPTIONAL = 0x0E,
    TOKEN_FRAGMENT = 0x0F,
    TOKEN_MORE = 0x40, /* flag: of an element, that it has attributes; else that more follows */
};

enum {
    TEMPLATE_FIXED = 24, /* next definition, GUID, size */
    NAME_FIXED = 8,      /* next name, hash, characters */
    NAME_TEXT = 128,     /* no wanted name is longer */
    KNOWN_KINDS = 256,   /* a power of two; full: the one in the way is looked up again */
    SLOTS = 1024,        /* of templates by their position; a power of two */
    NO_LEAF = UINT16_MAX,
};

/* What an element's children are. */
enum place {
    PLACE_TOP, /* of a fragment, and in <Event> */
    PLACE_SYSTEM,
    PLACE_DATA,
    PLACE_USER,
    PLACE_NONE, /* nothing of use below */
};

enum piece_kind { PIECE_TEXT, PIECE_VALUE, PIECE_CHARACTER };

struct piece {
    uint8_t kind;
    uint8_t type;      /* that the template says of a value */
    uint16_t value;    /* index, or character */
    uint32_t len;      /* of text */
    const uint8_t *at; /* UTF-16 in the chunk */
};

struct run {
    uint32_t first, n; /* pieces */
};

enum leaf_kind { LEAF_NAMED, LEAF_UNNAMED, LEAF_HOLE };

struct leaf {
    struct run name, text;
    uint32_t position; /* of an unnamed one among its siblings */
    uint8_t kind;
    uint8_t place; /* of a hole: what a fragment in it is part of */
};

struct shape {
    uint32_t offset;
    uint8_t place;
    bool is_dynamic; /* a name comes from a value */
    bool has_holes;
    uint16_t next; /* in its slot, plus one */
    struct run system[EVTX_FIELDS];
    uint32_t first_leaf, n_leaves;
    uint64_t provider;              /* hash of its text; 0 = not in the template */
    const struct event_kind *bound; /* leaf_of is for this kind */
    uint16_t leaf_of[EVENT_VALUES]; /* from first_leaf, or NO_LEAF */
};

/* A fragment of the record in hand: a template and its values. */
struct part {
    struct shape *shape;
    const uint8_t *descriptors, *values;
    uint32_t n;
    uint32_t start[LIMIT_EVTX_VALUES + 1]; /* of each value in values */
};

struct evtx_binxml {
    bytes chunk;
    struct cursor whole; /* the chunk */
    uint64_t walked;     /* bytes compiled since it began */
    bool is_full;        /* a table: the record in hand is tried again with empty ones */

    struct shape templates[LIMIT_EVTX_TEMPLATES];
    struct leaf leaves[LIMIT_EVTX_LEAVES];
    struct piece pieces[LIMIT_EVTX_PIECES];
    size_t n_templates, n_leaves, n_pieces;
    uint16_t slots[SLOTS];

    size_t at, size; /* of the record in hand */
    struct part parts[LIMIT_EVTX_PARTS];
    size_t n_parts, n_expanded;

    struct known_kind {
        uint64_t provider; /* hash of its name; 0 = free */
        uint32_t id;
        const struct event_kind *kind;
    } known[KNOWN_KINDS];
};

/* An element that is open while a fragment is compiled. */
struct open_element {
    uint8_t inside;   /* place of its children */
    bool collects;    /* its text is wanted */
    uint8_t field;    /* of <System>, or EVTX_FIELDS */
    uint16_t leaf;    /* from the template's first, or NO_LEAF */
    uint32_t unnamed; /* children without a name so far */
};

struct compiler {
    struct evtx_binxml *binxml;
    struct cursor c;
    struct shape *shape;
    struct open_element open[LIMIT_NESTING];
    size_t depth;
    bool has_dependency; /* elements carry a dependency identifier */
};

/* In the chunk, UTF-16. */
struct name {
    bytes units;
};

static uint16_t load16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static void forget(struct evtx_binxml *binxml)
{
    binxml->n_templates = binxml->n_leaves = binxml->n_pieces = 0;
    binxml->is_full = false;
    memset(binxml->slots, 0, sizeof binxml->slots);
}

struct evtx_binxml *evtx_binxml_open(struct arena *arena)
{
    return arena_new(arena, struct evtx_binxml);
}

void evtx_binxml_chunk(struct evtx_binxml *binxml, bytes chunk, uint64_t offset)
{
    binxml->chunk = chunk;
    binxml->whole = cursor_of(chunk, offset);
    binxml->walked = 0;
    binxml->n_parts = 0;
    forget(binxml);
}

static size_t position_of(const struct evtx_binxml *binxml, const struct cursor *c)
{
    return (size_t)(c->ptr - binxml->chunk.ptr);
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
static bool name_at(const struct evtx_binxml *binxml, uint64_t at, struct name *out, size_t *size)
{
    struct cursor c = cursor_within(&binxml->whole, at, NAME_FIXED, "name");
    cursor_u32le(&c, "name.next");
    uint16_t hash = cursor_u16le(&c, "name.hash");
    uint16_t n = cursor_u16le(&c, "name.characters");
    struct cursor text = cursor_within(&binxml->whole, at + NAME_FIXED, 2u * n + 2u, "name.text");
    bytes units = cursor_bytes(&text, 2u * n, "name.text");
    if (!cursor_ok(&c) || !cursor_ok(&text) || name_hash(units) != hash) return false;
    out->units = units;
    *size = NAME_FIXED + 2u * n + 2u;
    return true;
}

/* A name stands where it is used first and is pointed at after that. */
static bool read_name(struct compiler *k, struct name *out, struct err *err)
{
    uint64_t offset = cursor_offset(&k->c);
    uint32_t at = cursor_u32le(&k->c, "name.offset");
    size_t size = 0;
    if (!cursor_done(&k->c, err)) return false;
    if (!name_at(k->binxml, at, out, &size))
        return err_at(err, ERR_MALFORMED, offset, "no name stands at 0x%04" PRIx32 " of the chunk",
                      at);
    if (at == position_of(k->binxml, &k->c)) cursor_skip(&k->c, size, "name");
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

static bool is_full(struct evtx_binxml *binxml, struct err *err)
{
    binxml->is_full = true;
    return err_at(err, ERR_LIMIT, cursor_offset(&binxml->whole),
                  "the templates of the record are larger than a chunk can hold");
}

static bool add_piece(struct compiler *k, struct piece piece, struct err *err)
{
    struct evtx_binxml *binxml = k->binxml;
    if (binxml->n_pieces == LIMIT_EVTX_PIECES) return is_full(binxml, err);
    binxml->pieces[binxml->n_pieces++] = piece;
    return true;
}

static bool add_leaf(struct compiler *k, struct leaf leaf, struct err *err)
{
    struct evtx_binxml *binxml = k->binxml;
    if (binxml->n_leaves == LIMIT_EVTX_LEAVES) return is_full(binxml, err);
    binxml->leaves[binxml->n_leaves++] = leaf;
    k->shape->n_leaves++;
    return true;
}

static struct run run_from(const struct compiler *k, size_t first)
{
    return (struct run){(uint32_t)first, (uint32_t)(k->binxml->n_pieces - first)};
}

static bool has_value(const struct evtx_binxml *binxml, struct run run)
{
    for (uint32_t i = 0; i < run.n; i++)
        if (binxml->pieces[run.first + i].kind == PIECE_VALUE) return true;
    return false;
}

static bool is_text_token(uint8_t token)
{
    switch (token & ~TOKEN_MORE) {
    case TOKEN_TEXT:
    case TOKEN_CDATA:
    case TOKEN_CHARACTER:
    case TOKEN_ENTITY:
    case TOKEN_SUBSTITUTION:
    case TOKEN_OPTIONAL:
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

static bool read_counted(struct compiler *k, struct piece *out, struct err *err)
{
    uint16_t n = cursor_u16le(&k->c, "text.characters");
    bytes units = cursor_bytes(&k->c, 2u * n, "text");
    *out = (struct piece){.kind = PIECE_TEXT, .len = 2u * n, .at = units.ptr};
    return cursor_done(&k->c, err);
}

/* What stands behind the token of a piece of text. */
static bool read_piece(struct compiler *k, uint8_t token, struct piece *out, struct err *err)
{
    struct name name;
    *out = (struct piece){0};
    switch (token & ~TOKEN_MORE) {
    case TOKEN_TEXT: {
        uint64_t offset = cursor_offset(&k->c);
        uint8_t type = cursor_u8(&k->c, "text.type");
        if (!cursor_done(&k->c, err)) return false;
        if (type != EVTX_STRING)
            return err_at(err, ERR_MALFORMED, offset, "text of the type 0x%02x", type);
        return read_counted(k, out, err);
    }
    case TOKEN_CDATA:
        return read_counted(k, out, err);
    case TOKEN_CHARACTER:
        out->kind = PIECE_CHARACTER;
        out->value = cursor_u16le(&k->c, "character");
        return cursor_done(&k->c, err);
    case TOKEN_ENTITY:
        out->kind = PIECE_CHARACTER;
        if (!read_name(k, &name, err)) return false;
        out->value = entity_of(name);
        return true;
    }
    out->kind = PIECE_VALUE;
    out->value = cursor_u16le(&k->c, "substitution.index");
    out->type = cursor_u8(&k->c, "substitution.type");
    return cursor_done(&k->c, err);
}

/* Compiling */

static uint8_t peek(const struct cursor *c)
{
    return c->left ? c->ptr[0] : TOKEN_EOF;
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
static const char *attribute_wanted(enum place place, enum evtx_field field, struct name element)
{
    if (field == EVTX_FIELD_PROVIDER) return "Name";
    if (field == EVTX_FIELD_TIME) return "SystemTime";
    return place == PLACE_DATA && name_is(element, "Data") ? "Name" : NULL;
}

static enum place top_place(struct name name)
{
    static const struct {
        const char *name;
        enum place inside;
    } places[] = {
        {"Event",     PLACE_TOP   },
        {"System",    PLACE_SYSTEM},
        {"EventData", PLACE_DATA  },
        {"UserData",  PLACE_USER  },
    };
    for (size_t i = 0; i < COUNT_OF(places); i++)
        if (name_is(name, places[i].name)) return places[i].inside;
    return PLACE_NONE;
}

/* The attributes of an element; *out is the text of the one that is wanted. */
static bool read_attributes(struct compiler *k, const char *wanted, struct run *out,
                            struct err *err)
{
    cursor_u32le(&k->c, "attributes.size");
    while ((peek(&k->c) & ~TOKEN_MORE) == TOKEN_ATTRIBUTE) {
        struct name name;
        size_t first = k->binxml->n_pieces;
        cursor_u8(&k->c, "attribute.token");
        if (!read_name(k, &name, err)) return false;
        bool keep = wanted && !out->n && name_is(name, wanted);
        while (cursor_left(&k->c) && is_text_token(peek(&k->c))) {
            struct piece piece;
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
    return cursor_ok(&c) && name_at(k->binxml, at, &name, &size);
}

/* In templates elements carry a dependency identifier, in fragments that are values they should
 * not: what stands there decides, by the name that must follow. */
static void find_dependency(struct compiler *k)
{
    bool with = finds_name(k, 6), without = finds_name(k, 4);
    if (with != without) k->has_dependency = with;
}

static bool name_leaf(struct compiler *k, struct open_element *parent, struct name element,
                      struct run attribute, struct leaf *out, struct err *err)
{
    out->kind = LEAF_NAMED;
    out->name = attribute;
    if (attribute.n) {
        k->shape->is_dynamic |= has_value(k->binxml, attribute);
        return true;
    }
    if (parent->inside == PLACE_DATA && name_is(element, "Data")) {
        out->kind = LEAF_UNNAMED;
        out->position = parent->unnamed++;
        return true;
    }
    struct name name = without_prefix(element);
    struct piece piece = {
        .kind = PIECE_TEXT, .len = (uint32_t)name.units.len, .at = name.units.ptr};
    out->name = (struct run){(uint32_t)k->binxml->n_pieces, 1};
    return add_piece(k, piece, err);
}

/* Behind the token of an element: its name, its attributes; it is open then. */
static bool open_element(struct compiler *k, uint8_t token, struct err *err)
{
    struct open_element *parent = &k->open[k->depth - 1];
    struct name name;
    struct run attribute = {0};
    if (k->depth == LIMIT_NESTING)
        return err_at(err, ERR_LIMIT, cursor_offset(&k->c), "elements nest deeper than %d",
                      LIMIT_NESTING);
    parent->collects = false; /* its text is over */
    if (k->depth == 1) find_dependency(k);
    if (k->has_dependency) cursor_u16le(&k->c, "element.dependency");
    cursor_u32le(&k->c, "element.size");
    if (!read_name(k, &name, err)) return false;

    struct open_element element = {.inside = PLACE_NONE, .field = EVTX_FIELDS, .leaf = NO_LEAF};
    enum place place = (enum place)parent->inside;
    enum evtx_field field = place == PLACE_SYSTEM ? system_field(name) : EVTX_FIELDS;
    const char *wanted = attribute_wanted(place, field, name);
    if ((token & TOKEN_MORE) && !read_attributes(k, wanted, &attribute, err)) return false;

    /* A fragment in <EventData> may bring one of its own. */
    bool is_root = k->depth == 1 && top_place(name) == place;
    if (place == PLACE_TOP || is_root) element.inside = (uint8_t)top_place(name);
    if (field != EVTX_FIELDS && wanted) k->shape->system[field] = attribute;
    if (field != EVTX_FIELDS && !wanted) {
        element.field = (uint8_t)field;
        element.collects = !k->shape->system[field].n;
    }
    if ((place == PLACE_DATA || place == PLACE_USER) && !is_root) {
        struct leaf leaf = {.kind = LEAF_NAMED};
        if (!name_leaf(k, parent, name, attribute, &leaf, err)) return false;
        if (k->shape->n_leaves < NO_LEAF) element.leaf = (uint16_t)k->shape->n_leaves;
        element.collects = element.leaf != NO_LEAF;
        element.inside = place == PLACE_USER ? PLACE_USER : PLACE_NONE;
        if (!add_leaf(k, leaf, err)) return false;
    }
    k->open[k->depth++] = element;
    return true;
}

/* A fragment may come where this value stands. */
static bool add_hole(struct compiler *k, struct piece piece, enum place place, struct err *err)
{
    size_t first = k->binxml->n_pieces;
    if (!add_piece(k, piece, err)) return false;
    k->shape->has_holes = true;
    return add_leaf(
        k, (struct leaf){.kind = LEAF_HOLE, .place = (uint8_t)place, .text = run_from(k, first)},
        err);
}

static bool collect(struct compiler *k, struct open_element *element, struct piece piece,
                    struct err *err)
{
    struct run *run = element->leaf != NO_LEAF
                          ? &k->binxml->leaves[k->shape->first_leaf + element->leaf].text
                          : &k->shape->system[element->field];
    if (!run->n) run->first = (uint32_t)k->binxml->n_pieces;
    run->n++;
    return add_piece(k, piece, err);
}

static bool read_content(struct compiler *k, uint8_t token, struct err *err)
{
    struct open_element *element = &k->open[k->depth - 1];
    enum place place = (enum place)element->inside;
    struct piece piece;
    if (!read_piece(k, token, &piece, err)) return false;
    bool may_nest = piece.kind == PIECE_VALUE &&
                    (place == PLACE_TOP || place == PLACE_DATA || place == PLACE_USER);
    if (may_nest && piece.type == EVTX_BINXML) {
        element->collects = false;
        return add_hole(k, piece, place, err);
    }
    if (element->collects) return collect(k, element, piece, err);
    return !may_nest || add_hole(k, piece, place, err);
}

static bool read_processing(struct compiler *k, uint8_t token, struct err *err)
{
    struct piece piece;
    struct name name;
    return token == TOKEN_PI_TARGET ? read_name(k, &name, err) : read_counted(k, &piece, err);
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
    case TOKEN_EOF:
        *done = true;
        return true;
    case TOKEN_OPEN:
    case TOKEN_OPEN | TOKEN_MORE:
        return open_element(k, token, err);
    case TOKEN_CLOSE_START:
        return true;
    case TOKEN_CLOSE_EMPTY:
    case TOKEN_END:
        return close_element(k, err);
    case TOKEN_PI_TARGET:
    case TOKEN_PI_DATA:
        return read_processing(k, token, err);
    case TOKEN_FRAGMENT:
        cursor_skip(&k->c, 3, "fragment");
        return cursor_done(&k->c, err);
    }
    return err_at(err, ERR_MALFORMED, offset, "no token is 0x%02x", token);
}

/* The elements at *c, up to their end or its own. */
static bool compile(struct evtx_binxml *binxml, struct cursor *c, struct shape *shape,
                    bool has_dependency, struct err *err)
{
    struct compiler k = {
        .binxml = binxml, .c = *c, .shape = shape, .depth = 1, .has_dependency = has_dependency};
    k.open[0] =
        (struct open_element){.inside = shape->place, .field = EVTX_FIELDS, .leaf = NO_LEAF};
    if (peek(&k.c) == TOKEN_FRAGMENT) cursor_skip(&k.c, 4, "fragment");
    if (binxml->walked > LIMIT_EVTX_COMPILED)
        return err_at(err, ERR_LIMIT, cursor_offset(c), "templates of the chunk overlap");
    bool ok = true;
    for (bool done = false; ok && !done && cursor_left(&k.c);)
        ok = compile_token(&k, &done, err);
    if (ok) ok = cursor_done(&k.c, err);
    binxml->walked += position_of(binxml, &k.c) - position_of(binxml, c);
    *c = k.c;
    return ok;
}

/* Room for a template at a position, empty. */
static struct shape *add_template(struct evtx_binxml *binxml, uint32_t offset, enum place place,
                                  struct err *err)
{
    if (binxml->n_templates == LIMIT_EVTX_TEMPLATES) {
        is_full(binxml, err);
        return NULL;
    }
    struct shape *shape = &binxml->templates[binxml->n_templates++];
    *shape = (struct shape){
        .offset = offset, .place = (uint8_t)place, .first_leaf = (uint32_t)binxml->n_leaves};
    return shape;
}

static uint64_t hash_of_text(bytes units)
{
    return hash_bytes(units) | 1;
}

static void finish_template(struct evtx_binxml *binxml, struct shape *shape)
{
    struct run run = shape->system[EVTX_FIELD_PROVIDER];
    const struct piece *piece = &binxml->pieces[run.first];
    if (run.n == 1 && piece->kind == PIECE_TEXT && piece->len)
        shape->provider = hash_of_text((bytes){piece->at, piece->len});
}

static uint16_t *slot_of(struct evtx_binxml *binxml, uint32_t offset)
{
    return &binxml->slots[(offset >> 3 ^ offset >> 10) & (SLOTS - 1)];
}

static struct shape *find_template(struct evtx_binxml *binxml, uint32_t offset, enum place place)
{
    for (uint16_t i = *slot_of(binxml, offset); i; i = binxml->templates[i - 1].next) {
        struct shape *shape = &binxml->templates[i - 1];
        if (shape->offset == offset && shape->place == place) return shape;
    }
    return NULL;
}

/* The definition at a position of the chunk; *size is all that it occupies. */
static bool read_definition(struct evtx_binxml *binxml, uint32_t id, uint32_t at,
                            struct cursor *body, size_t *size, struct err *err)
{
    struct cursor c = cursor_within(&binxml->whole, at, TEMPLATE_FIXED, "template");
    cursor_u32le(&c, "template.next");
    uint32_t guid = cursor_u32le(&c, "template.guid");
    cursor_skip(&c, 12, "template.guid");
    uint32_t n = cursor_u32le(&c, "template.size");
    if (!cursor_done(&c, err)) return false;
    if (guid != id)
        return err_at(err, ERR_MALFORMED, cursor_offset(&binxml->whole) + at,
                      "the template 0x%08" PRIx32 " of a record is not here", id);
    *body = cursor_within(&binxml->whole, at + (uint64_t)TEMPLATE_FIXED, n, "template.body");
    *size = TEMPLATE_FIXED + (size_t)n;
    return cursor_done(body, err);
}

/* The template that stands at *c or that *c points to. */
static struct shape *read_template(struct evtx_binxml *binxml, struct cursor *c, enum place place,
                                   struct err *err)
{
    struct cursor body;
    size_t size = 0;
    cursor_u8(c, "template.token");
    cursor_u8(c, "template.version");
    uint32_t id = cursor_u32le(c, "template.id");
    uint32_t at = cursor_u32le(c, "template.offset");
    if (!cursor_done(c, err)) return NULL;
    bool is_here = at == position_of(binxml, c);
    struct shape *shape = find_template(binxml, at, place);
    if (shape && !is_here) return shape;
    if (!read_definition(binxml, id, at, &body, &size, err)) return NULL;
    if (is_here) cursor_skip(c, size, "template.body");
    if (!cursor_done(c, err)) return NULL;
    if (shape) return shape;

    shape = add_template(binxml, at, place, err);
    if (!shape) return NULL;
    size_t mark = binxml->n_templates;
    if (!compile(binxml, &body, shape, true, err)) {
        binxml->n_templates = mark - 1;
        binxml->n_leaves = shape->first_leaf;
        return NULL;
    }
    finish_template(binxml, shape);
    uint16_t *slot = slot_of(binxml, at);
    shape->next = *slot;
    *slot = (uint16_t)mark;
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

static bool read_instance(struct evtx_binxml *binxml, struct cursor *c, enum place place,
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
static bool read_elements(struct evtx_binxml *binxml, struct cursor *c, enum place place,
                          struct err *err)
{
    struct part *part = add_part(binxml, c, err);
    if (!part) return false;
    struct shape *shape = add_template(binxml, (uint32_t)position_of(binxml, c), place, err);
    if (!shape || !compile(binxml, c, shape, place == PLACE_TOP && !binxml->n_parts, err))
        return false;
    finish_template(binxml, shape);
    part->shape = shape;
    part->n = 0;
    binxml->n_parts++;
    return true;
}

static bool read_fragment(struct evtx_binxml *binxml, struct cursor *c, enum place place,
                          struct err *err)
{
    if (peek(c) == TOKEN_FRAGMENT) cursor_skip(c, 4, "fragment");
    uint8_t token = peek(c);
    if (token == TOKEN_TEMPLATE) return read_instance(binxml, c, place, err);
    if ((token & ~TOKEN_MORE) == TOKEN_OPEN || token == TOKEN_PI_TARGET)
        return read_elements(binxml, c, place, err);
    if (token != TOKEN_EOF)
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
        const struct shape *shape = part->shape;
        for (uint32_t i = 0; shape->has_holes && i < shape->n_leaves; i++) {
            const struct leaf *leaf = &binxml->leaves[shape->first_leaf + i];
            struct evtx_value value;
            if (leaf->kind != LEAF_HOLE ||
                !value_at(part, binxml->pieces[leaf->text.first].value, &value) ||
                value.type != EVTX_BINXML || !value.data.len)
                continue;
            struct cursor c =
                cursor_of(value.data, cursor_offset(&binxml->whole) +
                                          (uint64_t)(value.data.ptr - binxml->chunk.ptr));
            if (!read_fragment(binxml, &c, (enum place)leaf->place, err)) return false;
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
    if (!cursor_done(&c, err) || !read_fragment(binxml, &c, PLACE_TOP, err)) return false;
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
    if (!binxml->is_full) return false;
    forget(binxml);
    return read_record(binxml, err);
}

static void print_run(const struct evtx_binxml *binxml, const struct part *part, struct run run,
                      struct evtx_text *out)
{
    for (uint32_t i = 0; i < run.n && !out->full; i++) {
        const struct piece *piece = &binxml->pieces[run.first + i];
        struct evtx_value value;
        if (piece->kind == PIECE_TEXT) {
            evtx_text_utf16(out, (bytes){piece->at, piece->len});
        } else if (piece->kind == PIECE_CHARACTER) {
            uint8_t unit[2] = {(uint8_t)(piece->value & 0xFF), (uint8_t)(piece->value >> 8)};
            evtx_text_utf16(out, (bytes){unit, 2});
        } else if (value_at(part, piece->value, &value)) {
            evtx_value_print(out, value);
        }
    }
}

static str text_of(const struct evtx_binxml *binxml, const struct part *part, struct run run,
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
        struct run run = part->shape->system[field];
        if (!run.n) continue;
        const struct piece *piece = &binxml->pieces[run.first];
        if (run.n == 1 && piece->kind == PIECE_VALUE) return value_at(part, piece->value, value);
        if (run.n == 1 && piece->kind == PIECE_TEXT) {
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
        hash = hash_of_text(provider.data);
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
                   const struct leaf *leaf, char room[NAME_TEXT])
{
    struct evtx_text text = {.ptr = room, .room = NAME_TEXT};
    if (leaf->kind == LEAF_UNNAMED) {
        int n = snprintf(room, NAME_TEXT, "%" PRIu32, leaf->position);
        return (str){room, (size_t)n};
    }
    print_run(binxml, part, leaf->name, &text);
    return text.full ? (str){0} : (str){text.ptr, text.len};
}

/* Which leaf of the part's template is which value of the kind. */
static void bind(const struct evtx_binxml *binxml, const struct part *part,
                 const struct event_kind *kind)
{
    struct shape *shape = part->shape;
    char room[NAME_TEXT];
    if (shape->bound == kind && !shape->is_dynamic) return;
    shape->bound = kind;
    for (size_t i = 0; i < EVENT_VALUES; i++)
        shape->leaf_of[i] = NO_LEAF;
    for (uint16_t i = 0; i < shape->n_leaves && i < NO_LEAF; i++) {
        const struct leaf *leaf = &binxml->leaves[shape->first_leaf + i];
        if (leaf->kind == LEAF_HOLE || !leaf->text.n) continue;
        size_t value = event_value_of(kind, name_of(binxml, part, leaf, room));
        if (value < EVENT_VALUES && shape->leaf_of[value] == NO_LEAF) shape->leaf_of[value] = i;
    }
}

bool evtx_binxml_values(struct evtx_binxml *binxml, const struct event_kind *kind,
                        struct evtx_text *out, str values[EVENT_VALUES], struct err *err)
{
    if (!expand(binxml, err)) {
        if (!binxml->is_full) return false;
        forget(binxml);
        if (!read_record(binxml, err) || !expand(binxml, err)) return false;
    }
    for (size_t p = 0; p < binxml->n_parts; p++) {
        const struct part *part = &binxml->parts[p];
        const struct shape *shape = part->shape;
        if (!shape->n_leaves) continue;
        bind(binxml, part, kind);
        for (size_t i = 0; i < kind->n_names; i++) {
            if (shape->leaf_of[i] == NO_LEAF || values[i].len) continue;
            const struct leaf *leaf = &binxml->leaves[shape->first_leaf + shape->leaf_of[i]];
            values[i] = str_trim(text_of(binxml, part, leaf->text, out));
        }
    }
    if (!out->full) return true;
    return err_at(err, ERR_LIMIT, cursor_offset(&binxml->whole),
                  "the values of the event are larger than a record can hold");
}
