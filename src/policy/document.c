/* SPDX-License-Identifier: Apache-2.0 */
/* An edge file: the only one that knows libyaml, whose memory is its own and freed at return. */
#include "policy/document.h"

#include <yaml.h>

#include "base/map.h"
#include "policy/diagnostics.h"

/* A list or map whose end has not come yet. */
struct open_node {
    struct node node;
    size_t first; /* its items so far are those pending from here on */
};

struct builder {
    struct arena *arena; /* texts and messages */
    struct arena *tree;  /* nodes */
    struct diagnostics *found;
    str text;
    bool ascii; /* then libyaml's positions, which count characters, count bytes */
    struct arena *work;
    struct node *pending; /* items of all open nodes, those of the innermost last */
    size_t n_pending, room_pending;
    struct open_node stack[LIMIT_NESTING];
    size_t depth;
    struct node root;
    bool has_root;
    bool failed;
};

static struct place place_of(yaml_mark_t mark)
{
    /* A policy is at most LIMIT_POLICY_BYTES long, so lines and columns fit. */
    return (struct place){(uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

static void fail(struct builder *b, str kind, struct place place, const char *text)
{
    diagnostics_add(b->found, b->arena, SEVERITY_ERROR, kind, place, str_of(text));
    b->failed = true;
}

/* ---- Characters ---------------------------------------------------------------------------------
 */

/* Characters that YAML forbids, or that some readers take as the end of a line and others do not.
 */
static bool is_refused(uint32_t c)
{
    if (c < 0x20) return c != '\t' && c != '\n' && c != '\r';
    return (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFE ||
           c == 0xFFFF;
}

static uint32_t decode(const char *at, size_t n)
{
    static const uint8_t masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t c = (uint8_t)at[0] & masks[n];
    for (size_t i = 1; i < n; i++)
        c = c << 6 | ((uint8_t)at[i] & 0x3F);
    return c;
}

/* The text is UTF-8 and holds only characters that mean the same to every reader. */
static bool check_characters(struct builder *b, str text)
{
    struct place place = {1, 1};
    b->ascii = true;
    for (size_t at = 0, bad = 0; at < text.len;) {
        if (text.ptr[at] >= ' ' && text.ptr[at] <= '~') {
            place.column++;
            at++;
            continue;
        }
        b->ascii &= text.ptr[at] == '\n' || text.ptr[at] == '\r' || text.ptr[at] == '\t';
        size_t n = str_utf8_next(str_tail(text, at), &bad);
        if (!n) {
            diagnostics_error(b->found, b->arena, S("syntax"), place,
                              "expected UTF-8, found the byte 0x%02x", (uint8_t)text.ptr[at]);
            return false;
        }
        uint32_t c = decode(text.ptr + at, n);
        if (is_refused(c)) {
            diagnostics_error(b->found, b->arena, S("syntax"), place,
                              "expected text, found the control character U+%04X", (unsigned)c);
            return false;
        }
        bool crlf = c == '\r' && at + 1 < text.len && text.ptr[at + 1] == '\n';
        bool ends_line = c == '\n' || (c == '\r' && !crlf);
        place = ends_line ? (struct place){place.line + 1, 1}
                          : (struct place){place.line, place.column + 1};
        at += n;
    }
    return true;
}

const str *document_lines(str text, struct arena *arena, size_t *n)
{
    str *lines = NULL;
    size_t room = 0;
    *n = 0;
    if (str_starts(text, S("\xEF\xBB\xBF"))) text = str_tail(text, 3);
    for (size_t at = 0, start = 0; at <= text.len; at++) {
        bool end = at == text.len || text.ptr[at] == '\n' || text.ptr[at] == '\r';
        if (!end) continue;
        arena_grow(arena, lines, *n, room);
        lines[(*n)++] = str_head(str_tail(text, start), at - start);
        if (at + 1 < text.len && text.ptr[at] == '\r' && text.ptr[at + 1] == '\n') at++;
        start = at + 1;
    }
    return lines;
}

/* ---- Events to tree -----------------------------------------------------------------------------
 */

static void duplicate_key(struct builder *b, const struct node *map, size_t first, size_t second)
{
    const struct node *key = &map->items[2 * second];
    diagnostics_error(b->found, b->arena, S("duplicate-key"), key->place,
                      "the key %.*s is given twice, first in line %" PRIu32,
                      STR_ARG(diagnostics_quote(b->arena, key->text)),
                      map->items[2 * first].place.line);
}

static void check_duplicate_keys(struct builder *b, const struct node *map)
{
    enum { FEW = 16 }; /* keys of an entry: comparing them all costs less than hashing them */
    struct map seen = {0};
    struct arena scratch = *b->work;
    for (size_t i = 0; i < map->n; i++) {
        size_t first = 0;
        if (map->n <= FEW) {
            while (!str_equal(map->items[2 * first].text, map->items[2 * i].text))
                first++;
        } else {
            first = (size_t)*map_put(&seen, &scratch, map->items[2 * i].text, i, NULL);
        }
        if (first != i) duplicate_key(b, map, first, i);
    }
}

static void add(struct builder *b, struct node node)
{
    if (!b->depth) {
        b->root = node;
        b->has_root = true;
        return;
    }
    struct open_node *parent = &b->stack[b->depth - 1];
    bool is_key = parent->node.kind == NODE_MAP && (b->n_pending - parent->first) % 2 == 0;
    if (is_key && node.kind != NODE_TEXT) {
        fail(b, S("syntax"), node.place, "expected a word as key, found a list or mapping");
        return;
    }
    arena_grow(b->work, b->pending, b->n_pending, b->room_pending);
    b->pending[b->n_pending++] = node;
}

static void open_node(struct builder *b, enum node_kind kind, struct place place)
{
    if (b->depth == LIMIT_NESTING) {
        diagnostics_error(b->found, b->arena, S("syntax"), place,
                          "lists and mappings are nested deeper than %d levels", LIMIT_NESTING);
        b->failed = true;
        return;
    }
    b->stack[b->depth++] = (struct open_node){
        .node = {.kind = kind, .place = place},
        .first = b->n_pending,
    };
}

static void close_node(struct builder *b)
{
    struct open_node *open = &b->stack[--b->depth];
    struct node node = open->node;
    size_t n = b->n_pending - open->first;
    struct node *items = arena_array(b->tree, struct node, n);
    if (n) memcpy(items, b->pending + open->first, n * sizeof *items);
    b->n_pending = open->first;
    node.items = items;
    node.n = node.kind == NODE_MAP ? n / 2 : n;
    if (node.kind == NODE_MAP) check_duplicate_keys(b, &node);
    add(b, node);
}

static void refuse_properties(struct builder *b, const yaml_char_t *anchor, const yaml_char_t *tag,
                              struct place place)
{
    if (anchor) fail(b, S("syntax"), place, "anchors (&name) are not part of the policy language");
    if (tag) fail(b, S("syntax"), place, "tags (!name) are not part of the policy language");
}

/* The scalar's text: a piece of the file where it stands there as it is, else a copy. */
static str text_of(const struct builder *b, const yaml_event_t *event)
{
    str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    size_t at = event->start_mark.index;
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) at++;
    if (b->ascii && at <= b->text.len && text.len <= b->text.len - at) {
        str there = str_head(str_tail(b->text, at), text.len);
        if (str_equal(there, text)) return there;
    }
    return str_copy(b->arena, text);
}

static void take_scalar(struct builder *b, const yaml_event_t *event)
{
    struct place place = place_of(event->start_mark);
    refuse_properties(b, event->data.scalar.anchor, event->data.scalar.tag, place);
    struct node node = {
        .kind = NODE_TEXT,
        .place = place,
        .quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE,
        .text = text_of(b, event),
    };
    if (!b->failed) add(b, node);
}

static void take_document_start(struct builder *b, const yaml_event_t *event)
{
    struct place place = place_of(event->start_mark);
    bool has_tags = event->data.document_start.tag_directives.start !=
                    event->data.document_start.tag_directives.end;
    if (b->has_root)
        fail(b, S("syntax"), place, "expected one document, found a second");
    else if (event->data.document_start.version_directive || has_tags)
        fail(b, S("syntax"), place, "directives (%) are not part of the policy language");
}

/* A switch over all of libyaml's events, since the library may not grow new ones unseen. */
static void take(struct builder *b, const yaml_event_t *event)
{
    struct place place = place_of(event->start_mark);
    switch (event->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return;
    case YAML_DOCUMENT_START_EVENT:
        take_document_start(b, event);
        return;
    case YAML_ALIAS_EVENT:
        fail(b, S("syntax"), place, "aliases (*name) are not part of the policy language");
        return;
    case YAML_SCALAR_EVENT:
        take_scalar(b, event);
        return;
    case YAML_SEQUENCE_START_EVENT:
        refuse_properties(b, event->data.sequence_start.anchor, event->data.sequence_start.tag,
                          place);
        open_node(b, NODE_LIST, place);
        return;
    case YAML_MAPPING_START_EVENT:
        refuse_properties(b, event->data.mapping_start.anchor, event->data.mapping_start.tag,
                          place);
        open_node(b, NODE_MAP, place);
        return;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_node(b);
        return;
    }
}

static void syntax_error(struct builder *b, const yaml_parser_t *parser)
{
    const char *problem = parser->problem ? parser->problem : "cannot be read";
    struct place place = place_of(parser->problem_mark);
    b->failed = true;
    if (parser->context)
        diagnostics_error(b->found, b->arena, S("syntax"), place, "%s (%s, line %zu)", problem,
                          parser->context, parser->context_mark.line + 1);
    else
        diagnostics_error(b->found, b->arena, S("syntax"), place, "%s", problem);
}

static void build(struct builder *b, str text)
{
    yaml_parser_t parser;
    bool more = true;
    if (!yaml_parser_initialize(&parser)) {
        fail(b, S("syntax"), (struct place){1, 1}, "no memory for the YAML parser");
        return;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.ptr, text.len);
    while (more && !b->failed) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            syntax_error(b, &parser);
            break;
        }
        more = event.type != YAML_STREAM_END_EVENT;
        take(b, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}

bool document_parse(str text, struct arena *arena, struct arena *tree, struct node *out,
                    struct diagnostics *found)
{
    struct builder b = {.arena = arena, .tree = tree, .found = found};
    struct place start = {1, 1};
    if (text.len > LIMIT_POLICY_BYTES) {
        diagnostics_error(found, arena, S("syntax"), start,
                          "the file has %zu bytes, a policy may have %d", text.len,
                          LIMIT_POLICY_BYTES);
        return false;
    }
    if (str_starts(text, S("\xEF\xBB\xBF"))) text = str_tail(text, 3);
    if (!text.len) text = S("\n");
    if (!check_characters(&b, text)) return false;
    struct arena work = arena_open("policy tree", 0, NULL);
    b.text = text;
    b.work = &work;
    build(&b, text);
    arena_close(&work);
    if (b.failed) return false;
    if (!b.has_root) {
        fail(&b, S("syntax"), start, "expected a mapping with version and segments, found nothing");
        return false;
    }
    *out = b.root;
    return true;
}
