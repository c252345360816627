/* SPDX-License-Identifier: Apache-2.0 */
/* The paths are a trie of their parts. Each node has a table of all that lies below it, by the
 * dotted rest of the path, so that a key with dots in it is found as one key in a nested object is:
 * one lookup per member.
 */
#include "evidence/json_paths.h"

#include "base/json_scan.h"

enum {
    NO_VALUE = UINT16_MAX,
    LENGTHS = 64, /* bits of struct node's lengths; the last is for all keys that long or longer */
};

struct node;

/* One way down from a node. */
struct step {
    str name; /* "event_data.IpAddress" */
    const struct node *to;
};

struct node {
    uint64_t lengths;   /* bit per length that a name has: most keys end here */
    struct step *steps; /* hash table: open addressing, empty where `to` is NULL */
    size_t mask;        /* number of slots less one */
    uint16_t value;     /* of the path that ends here, or NO_VALUE */
    bool has_children;  /* paths go on below */
};

struct json_paths {
    const struct node *root;
    size_t n;
    bool fold_case;
};

struct walk {
    const struct json_paths *paths;
    const char *start, *p, *end;
    uint64_t offset;
    str *values;
    struct arena *arena;
    struct err *err;
};

static uint64_t length_bit(size_t len)
{
    return UINT64_C(1) << (len < LENGTHS ? len : LENGTHS - 1);
}

/* Names of one node are few: length and three characters tell nearly all apart. */
static size_t slot_of(str name, size_t mask)
{
    if (!name.len) return 0;
    size_t first = (uint8_t)name.ptr[0] | 0x20u;
    size_t middle = (uint8_t)name.ptr[name.len / 2] | 0x20u;
    size_t last = (uint8_t)name.ptr[name.len - 1] | 0x20u;
    return (name.len * 37 + first * 11 + middle * 5 + last) & mask;
}

static bool names_agree(const struct json_paths *paths, str a, str b)
{
    return paths->fold_case ? str_equal_nocase(a, b) : str_equal(a, b);
}

static const struct node *step_down(const struct json_paths *paths, const struct node *node,
                                    str name)
{
    if (!(node->lengths & length_bit(name.len))) return NULL;
    for (size_t at = slot_of(name, node->mask);; at = (at + 1) & node->mask) {
        const struct step *step = &node->steps[at];
        if (!step->to) return NULL;
        if (names_agree(paths, step->name, name)) return step->to;
    }
}

static void add_step(struct node *node, str name, const struct node *to)
{
    size_t at = slot_of(name, node->mask);
    while (node->steps[at].to)
        at = (at + 1) & node->mask;
    node->steps[at] = (struct step){name, to};
    node->lengths |= length_bit(name.len);
}

/* Nodes made so far by the path that leads to them: "a.b" leads to one node, whether as one key or
 * as two. */
struct made {
    struct place {
        str path;
        const struct node *node;
    } * places;
    size_t n, room;
};

static const struct node *find_made(const struct json_paths *paths, const struct made *made,
                                    str path)
{
    for (size_t i = 0; i < made->n; i++)
        if (names_agree(paths, made->places[i].path, path)) return made->places[i].node;
    return NULL;
}

/* The node of paths that all begin alike, up to `above` bytes, and those below it. What ends here
 * is `value`. */
static const struct node *compile(struct arena *arena, const struct json_paths *paths,
                                  const char *const *texts, const uint16_t *below, size_t n,
                                  size_t above, uint16_t value, struct made *made)
{
    struct node *node = arena_new(arena, struct node);
    size_t slots = 1, names = 0;
    /* Each path below adds as many names as it has parts left. */
    for (size_t i = 0; i < n; i++) {
        names++;
        for (const char *c = texts[below[i]] + above; *c; c++)
            names += *c == '.';
    }
    while (slots < 2 * names)
        slots *= 2;
    *node = (struct node){
        .steps = arena_array(arena, struct step, slots),
        .mask = slots - 1,
        .value = value,
        .has_children = n > 0,
    };
    for (size_t i = 0; i < n; i++) {
        str rest = str_tail(str_of(texts[below[i]]), above);
        for (size_t end = 1; end <= rest.len; end++) {
            if (end < rest.len && rest.ptr[end] != '.') continue;
            str name = str_head(rest, end);
            if (step_down(paths, node, name)) continue;
            str path = str_head(str_of(texts[below[i]]), above + end);
            const struct node *to = find_made(paths, made, path);
            if (to) {
                add_step(node, name, to);
                continue;
            }
            uint16_t here = NO_VALUE, *further = arena_array(arena, uint16_t, n);
            size_t n_further = 0;
            for (size_t k = 0; k < n; k++) {
                str other = str_tail(str_of(texts[below[k]]), above);
                if (!names_agree(paths, str_head(other, end), name)) continue;
                if (other.len == end) here = below[k];
                if (other.len > end && other.ptr[end] == '.') further[n_further++] = below[k];
            }
            to = compile(arena, paths, texts, further, n_further, above + end + 1, here, made);
            add_step(node, name, to);
            arena_grow(arena, made->places, made->n, made->room);
            made->places[made->n++] = (struct place){path, to};
        }
    }
    return node;
}

struct json_paths *json_paths_of(struct arena *arena, const char *const *paths, size_t n,
                                 bool fold_case)
{
    struct json_paths *compiled = arena_new(arena, struct json_paths);
    assert(n < NO_VALUE);
    compiled->n = n;
    compiled->fold_case = fold_case;
    uint16_t *all = arena_array(arena, uint16_t, n + 1);
    for (size_t i = 0; i < n; i++)
        all[i] = (uint16_t)i;
    struct made made = {0};
    compiled->root = compile(arena, compiled, paths, all, n, 0, NO_VALUE, &made);
    return compiled;
}

static bool fail_expected(const struct walk *walk, const char *expected)
{
    uint64_t at = walk->offset + (uint64_t)(walk->p - walk->start);
    if (walk->p == walk->end)
        return err_at(walk->err, ERR_TRUNCATED, at, "expected %s, found the end", expected);
    uint8_t c = (uint8_t)*walk->p;
    if (c > 0x20 && c < 0x7F)
        return err_at(walk->err, ERR_MALFORMED, at, "expected %s, found '%c'", expected, c);
    return err_at(walk->err, ERR_MALFORMED, at, "expected %s, found byte 0x%02x", expected,
                  (unsigned)c);
}

static void pass_blanks(struct walk *walk)
{
    while (walk->p < walk->end &&
           (*walk->p == ' ' || *walk->p == '\t' || *walk->p == '\n' || *walk->p == '\r'))
        walk->p++;
}

static bool is_at(const struct walk *walk, char c)
{
    return walk->p < walk->end && *walk->p == c;
}

/* At the opening quote; *text is what stands between the quotes. */
static bool pass_string(struct walk *walk, str *text, bool *plain)
{
    const char *start = ++walk->p;
    bool ascii = true, escaped = false;
    for (;;) {
        walk->p += json_scan_plain((str){walk->p, (size_t)(walk->end - walk->p)}, &ascii);
        if (is_at(walk, '"')) break;
        if (!is_at(walk, '\\'))
            return fail_expected(walk, walk->p < walk->end ? "a control character as an escape"
                                                           : "a closing quote");
        escaped = true;
        walk->p++;
        if (walk->p == walk->end) return fail_expected(walk, "an escape");
        walk->p++;
    }
    *text = (str){start, (size_t)(walk->p - start)};
    *plain = ascii && !escaped;
    walk->p++;
    return true;
}

/* A string with escapes or beyond ASCII, by the rules of base/json_scan. */
static bool decode(const struct walk *walk, str *text)
{
    str quoted = {text->ptr - 1, text->len + 2};
    uint64_t at = walk->offset + (uint64_t)(quoted.ptr - walk->start);
    struct json_scan scan = json_scan_of(quoted, at, walk->arena);
    struct json_scan_item item;
    scan.replace_invalid = true;
    if (!json_scan_next(&scan, &item, walk->err)) return false;
    *text = item.text;
    return true;
}

static bool pass_digits(struct walk *walk)
{
    const char *start = walk->p;
    while (walk->p < walk->end && *walk->p >= '0' && *walk->p <= '9')
        walk->p++;
    return walk->p > start || fail_expected(walk, "a digit");
}

/* RFC 8259, 6 */
static bool pass_number(struct walk *walk, str *text)
{
    const char *start = walk->p;
    if (*walk->p == '-') walk->p++;
    if (is_at(walk, '0'))
        walk->p++;
    else if (!pass_digits(walk))
        return false;
    if (is_at(walk, '.')) {
        walk->p++;
        if (!pass_digits(walk)) return false;
    }
    if (is_at(walk, 'e') || is_at(walk, 'E')) {
        walk->p++;
        if (is_at(walk, '+') || is_at(walk, '-')) walk->p++;
        if (!pass_digits(walk)) return false;
    }
    *text = (str){start, (size_t)(walk->p - start)};
    return true;
}

static bool pass_literal(struct walk *walk, str *text)
{
    static const str literals[] = {
        {"true",  4},
        {"false", 5},
        {"null",  4}
    };
    str rest = {walk->p, (size_t)(walk->end - walk->p)};
    for (size_t i = 0; i < COUNT_OF(literals); i++) {
        if (!str_starts(rest, literals[i])) continue;
        *text = literals[i].ptr[0] == 'n' ? (str){0} : str_head(rest, literals[i].len);
        walk->p += literals[i].len;
        return true;
    }
    return fail_expected(walk, "a value");
}

/* An object or array that nobody asked for, by its brackets. depth: of what is open around it. */
static bool pass_container(struct walk *walk, unsigned depth)
{
    uint64_t objects = 0; /* one bit per open container, the innermost lowest: 1 = object */
    unsigned open = 0;
    str text;
    bool plain;
    do {
        if (walk->p == walk->end) return fail_expected(walk, "a closing bracket");
        char c = *walk->p;
        if (c == '"') {
            if (!pass_string(walk, &text, &plain)) return false;
            continue;
        }
        if (c == '{' || c == '[') {
            if (depth + open == LIMIT_NESTING)
                return err_at(walk->err, ERR_LIMIT,
                              walk->offset + (uint64_t)(walk->p - walk->start),
                              "nested deeper than %d", LIMIT_NESTING);
            objects = (open ? objects << 1 : 0) | (c == '{');
            open++;
        } else if (c == '}' || c == ']') {
            if ((c == '}') != (objects & 1)) return fail_expected(walk, "the other bracket");
            objects >>= 1;
            open--;
        } else if ((uint8_t)c < 0x20 && c != '\n' && c != '\r' && c != '\t') {
            return fail_expected(walk, "a value");
        }
        walk->p++;
    } while (open);
    return true;
}

static bool pass_scalar(struct walk *walk, str *text, bool wanted)
{
    bool plain = true;
    if (*walk->p == '"')
        return pass_string(walk, text, &plain) && (plain || !wanted || decode(walk, text));
    if (*walk->p == '-' || (*walk->p >= '0' && *walk->p <= '9')) return pass_number(walk, text);
    return pass_literal(walk, text);
}

/* Paths have few parts, and only what lies on a path is walked: so deep these recur. */
static bool read_object(struct walk *walk, const struct node *node, unsigned depth);
static bool read_array(struct walk *walk, const struct node *node, unsigned depth);

static bool read_value(struct walk *walk, const struct node *node, unsigned depth)
{
    str text = {0};
    bool wanted = node && node->value != NO_VALUE;
    if (walk->p == walk->end) return fail_expected(walk, "a value");
    if (*walk->p == '{' || *walk->p == '[') {
        if (wanted) walk->values[node->value] = (str){0};
        if (!node || !node->has_children) return pass_container(walk, depth);
        return *walk->p == '{' ? read_object(walk, node, depth) : read_array(walk, node, depth);
    }
    if (!pass_scalar(walk, &text, wanted)) return false;
    if (wanted) walk->values[node->value] = text;
    return true;
}

static bool read_member(struct walk *walk, const struct node *node, unsigned depth)
{
    str key;
    bool plain;
    if (!is_at(walk, '"')) return fail_expected(walk, "a key in quotes");
    if (!pass_string(walk, &key, &plain)) return false;
    if (!plain && !decode(walk, &key)) return false;
    pass_blanks(walk);
    if (!is_at(walk, ':')) return fail_expected(walk, "a colon");
    walk->p++;
    pass_blanks(walk);
    return read_value(walk, step_down(walk->paths, node, key), depth);
}

/* At the '{'. */
static bool read_object(struct walk *walk, const struct node *node, unsigned depth)
{
    walk->p++;
    pass_blanks(walk);
    if (is_at(walk, '}')) {
        walk->p++;
        return true;
    }
    for (;;) {
        if (!read_member(walk, node, depth + 1)) return false;
        pass_blanks(walk);
        if (is_at(walk, '}')) break;
        if (!is_at(walk, ',')) return fail_expected(walk, "',' or '}'");
        walk->p++;
        pass_blanks(walk);
    }
    walk->p++;
    return true;
}

/* At the '['. The first elements have names; those further on nobody asks for. */
static bool read_array(struct walk *walk, const struct node *node, unsigned depth)
{
    walk->p++;
    pass_blanks(walk);
    if (is_at(walk, ']')) {
        walk->p++;
        return true;
    }
    for (size_t i = 0;; i++) {
        char name = (char)('0' + (i < 10 ? i : 0));
        const struct node *element = i < 10 ? step_down(walk->paths, node, (str){&name, 1}) : NULL;
        if (!read_value(walk, element, depth + 1)) return false;
        pass_blanks(walk);
        if (is_at(walk, ']')) break;
        if (!is_at(walk, ',')) return fail_expected(walk, "',' or ']'");
        walk->p++;
        pass_blanks(walk);
    }
    walk->p++;
    return true;
}

bool json_paths_read(const struct json_paths *paths, str object, uint64_t offset, str *values,
                     struct arena *arena, struct err *err)
{
    struct walk walk = {
        .paths = paths,
        .start = object.ptr,
        .p = object.ptr,
        .end = object.len ? object.ptr + object.len : object.ptr,
        .offset = offset,
        .values = values,
        .arena = arena,
        .err = err,
    };
    for (size_t i = 0; i < paths->n; i++)
        values[i] = (str){0};
    pass_blanks(&walk);
    if (!is_at(&walk, '{')) return fail_expected(&walk, "an object");
    if (!read_object(&walk, paths->root, 0)) return false;
    pass_blanks(&walk);
    return walk.p == walk.end || fail_expected(&walk, "the end");
}
