/* SPDX-License-Identifier: Apache-2.0 */
#include "report/brand.h"

#include "base/xml.h"
#include "policy/diagnostics.h"
#include "report/style.h"

/* ---- The file -----------------------------------------------------------------------------------
 */

struct brand_reading {
    struct arena *arena;
    struct diagnostics *found;
    struct brand *brand;
};

static bool colour_of(str text, uint32_t *out)
{
    uint32_t value = 0;
    if (text.len != 7 || text.ptr[0] != '#') return false;
    for (size_t i = 1; i < 7; i++) {
        char c = text.ptr[i];
        uint32_t digit = 0;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (uint32_t)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            digit = (uint32_t)(c - 'A' + 10);
        else
            return false;
        value = value << 4 | digit;
    }
    *out = value;
    return true;
}

static void read_colour(struct brand_reading *r, str key, const struct node *value, bool *has,
                        uint32_t *out)
{
    if (!colour_of(value->text, out)) {
        diagnostics_error(r->found, r->arena, S("value"), value->place,
                          "%.*s is a colour as \"#rrggbb\", found %.*s", STR_ARG(key),
                          STR_ARG(diagnostics_quote(r->arena, value->text)));
        return;
    }
    uint32_t contrast = style_contrast(*out, STYLE_GROUND_LIGHT);
    if (contrast < STYLE_LEAST_CONTRAST) {
        diagnostics_error(r->found, r->arena, S("value"), value->place,
                          "%.*s %.*s can't be read on white: its contrast is %u.%02u : 1, at least "
                          "%d.%02d : 1 is needed",
                          STR_ARG(key), STR_ARG(value->text), contrast / 100, contrast % 100,
                          STYLE_LEAST_CONTRAST / 100, STYLE_LEAST_CONTRAST % 100);
        return;
    }
    *has = true;
}

static void read_text(struct brand_reading *r, str key, const struct node *value, str *out)
{
    if (!value->text.len || value->text.len > BRAND_TEXT_BYTES) {
        diagnostics_error(r->found, r->arena, S("value"), value->place,
                          "%.*s is a text of 1 to %d bytes, found %zu", STR_ARG(key),
                          BRAND_TEXT_BYTES, value->text.len);
        return;
    }
    *out = value->text;
}

static void read_key(struct brand_reading *r, const struct node *key, const struct node *value)
{
    static const str known[] = {
        {"name",   4},
        {"logo",   4},
        {"accent", 6},
        {"ink",    3},
        {"footer", 6},
    };
    struct brand *b = r->brand;
    size_t at = 0;
    while (at < COUNT_OF(known) && !str_equal(known[at], key->text))
        at++;
    if (at == COUNT_OF(known)) {
        diagnostics_error(
            r->found, r->arena, S("unknown-key"), key->place, "a brand has no key %.*s%.*s",
            STR_ARG(diagnostics_quote(r->arena, key->text)),
            STR_ARG(diagnostics_suggest(r->arena, key->text, known, COUNT_OF(known))));
        return;
    }
    if (value->kind != NODE_TEXT) {
        diagnostics_error(r->found, r->arena, S("value"), value->place, "%.*s is a text",
                          STR_ARG(key->text));
        return;
    }
    if (at == 0) read_text(r, key->text, value, &b->name);
    if (at == 1) {
        read_text(r, key->text, value, &b->logo);
        b->logo_place = value->place;
    }
    if (at == 2) read_colour(r, key->text, value, &b->has_accent, &b->accent);
    if (at == 3) read_colour(r, key->text, value, &b->has_ink, &b->ink);
    if (at == 4) read_text(r, key->text, value, &b->footer);
}

bool brand_parse(str text, struct arena *arena, struct brand *out, struct diagnostics *found)
{
    struct node root = {0};
    struct brand brand = {0};
    struct brand_reading reading = {arena, found, &brand};
    if (!document_parse(text, arena, arena, &root, found)) return false;
    if (root.kind != NODE_MAP) {
        diagnostics_error(found, arena, S("value"), root.place,
                          "a brand is a mapping with the keys name, logo, accent, ink, footer");
        return false;
    }
    for (size_t i = 0; i < root.n; i++)
        read_key(&reading, &root.items[2 * i], &root.items[2 * i + 1]);
    if (found->n_errors) return false;
    *out = brand;
    return true;
}

/* ---- The logo -----------------------------------------------------------------------------------
 */

/* What an SVG may not hold. As an image a browser runs no script of it and loads nothing anyway;
 * other readers of the page may. */
struct svg_check {
    bool is_svg, in_style;
    unsigned depth;
    str found; /* what is refused; empty = nothing */
    struct arena *arena;
};

static void svg_refuse(struct svg_check *check, const char *what, str name)
{
    if (!check->found.len)
        check->found = str_format(check->arena, "%s %.*s", what, STR_ARG(str_head(name, 40)));
}

/* Styles may name parts of the same file: url(#shade). Escapes and comments could hide a name. */
static bool style_reaches_out(str text, struct arena *arena)
{
    static const str refused[] = {
        {"@import",     7 },
        {"\\",          1 },
        {"/*",          2 },
        {"image-set(",  10},
        {"src(",        4 },
        {"expression(", 11},
    };
    str lower = str_lower(arena, text);
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        if (str_contains(lower, refused[i])) return true;
    for (size_t i = 0; i + 4 <= lower.len; i++) {
        if (!str_starts(str_tail(lower, i), S("url("))) continue;
        str target = str_trim(str_tail(lower, i + 4));
        if (target.len && (target.ptr[0] == '"' || target.ptr[0] == '\''))
            target = str_trim(str_tail(target, 1));
        if (!str_starts(target, S("#"))) return true;
    }
    return false;
}

static bool is_among(str word, const str *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_equal(word, words[i])) return true;
    return false;
}

static void svg_begin(void *to, str name, const struct xml_attribute *attributes, size_t n,
                      uint64_t offset)
{
    static const str acting[] = {
        {"script",        6 },
        {"foreignobject", 13},
        {"iframe",        6 },
        {"object",        6 },
        {"embed",         5 },
        {"handler",       7 },
        {"listener",      8 },
        {"audio",         5 },
        {"video",         5 },
        {"set",           3 },
        {"animate",       7 },
        {"discard",       7 },
        {"include",       7 },
        {"link",          4 },
        {"meta",          4 },
    };
    struct svg_check *check = to;
    str lower = str_lower(check->arena, name);
    (void)offset;
    if (!check->depth) check->is_svg = str_equal(name, S("svg"));
    check->depth++;
    check->in_style = str_equal(lower, S("style"));
    if (is_among(lower, acting, COUNT_OF(acting)) || str_starts(lower, S("animate")))
        svg_refuse(check, "the element", name);
    for (size_t i = 0; i < n; i++) {
        str key = str_lower(check->arena, attributes[i].name),
            value = str_trim(attributes[i].value);
        bool points = str_equal(key, S("href")) || str_equal(key, S("src"));
        if (str_starts(key, S("on"))) svg_refuse(check, "the handler", attributes[i].name);
        if (points && value.len && value.ptr[0] != '#' &&
            !str_starts(value, S("data:image/png;")) && !str_starts(value, S("data:image/jpeg;")))
            svg_refuse(check, "a reference to", value);
        if (!points && style_reaches_out(value, check->arena))
            svg_refuse(check, "a style with", value);
    }
}

static void svg_text(void *to, str text, bool is_cut)
{
    struct svg_check *check = to;
    if (check->in_style && (is_cut || style_reaches_out(text, check->arena)))
        svg_refuse(check, "a style with", str_trim(text));
}

static void svg_end(void *to, str name)
{
    struct svg_check *check = to;
    (void)name;
    check->depth--;
    check->in_style = false;
}

static bool check_svg(bytes content, struct arena scratch, struct err *err)
{
    struct svg_check check = {.arena = &scratch};
    struct xml_handler handler = {&check, svg_begin, svg_text, svg_end};
    /* Processing instructions are passed over by the parser; one of them names a style sheet. */
    if (str_contains(str_of_bytes(content), S("<?xml-stylesheet")))
        return err_set(err, ERR_REFUSED, "the SVG names a style sheet outside itself");
    struct xml *xml = xml_open(&scratch, &handler, 0);
    bool good = xml_feed(xml, content, true, err);
    xml_close(xml);
    if (!good) return false;
    if (check.found.len)
        return err_set(err, ERR_REFUSED, "the SVG holds %.*s, which a logo may not",
                       STR_ARG(check.found));
    return check.is_svg || err_set(err, ERR_UNSUPPORTED, "the XML is no SVG");
}

static bool begins(bytes content, const char *magic, size_t n)
{
    return content.len >= n && memcmp(content.ptr, magic, n) == 0;
}

bool brand_logo(struct brand *brand, bytes content, struct arena *arena, struct err *err)
{
    if (content.len > BRAND_LOGO_BYTES)
        return err_set(err, ERR_LIMIT, "a logo has at most %d bytes, found %zu", BRAND_LOGO_BYTES,
                       content.len);
    if (begins(content, "\x89PNG\r\n\x1A\n", 8))
        brand->logo_type = S("image/png");
    else if (begins(content, "\xFF\xD8\xFF", 3))
        brand->logo_type = S("image/jpeg");
    else if (begins(content, "<svg", 4) || begins(content, "<?xml", 5) ||
             begins(content, "\xEF\xBB\xBF<", 4) || begins(content, "<!--", 4)) {
        if (!check_svg(content, *arena, err)) return false;
        brand->logo_type = S("image/svg+xml");
    } else
        return err_set(err, ERR_UNSUPPORTED,
                       "a logo is a PNG, JPEG or SVG file, told by its first bytes; found %s",
                       content.len ? "something else" : "nothing");
    brand->logo_content = content;
    return true;
}

/* ---- The page -----------------------------------------------------------------------------------
 */

str brand_style(const struct brand *brand, struct arena *arena)
{
    struct buf out = buf_in(arena);
    if (!brand) return (str){0};
    if (brand->has_accent)
        buf_format(&out,
                   ":root{--accent:#%06x}\n@media screen and (prefers-color-scheme:dark)"
                   "{:root{--accent:#%06x}}\n",
                   brand->accent, style_for_dark(brand->accent));
    if (brand->has_ink)
        buf_format(&out,
                   "@media not all and (prefers-color-scheme:dark){:root{--ink:#%06x}}\n"
                   "@media print{:root{--ink:#%06x}}\n",
                   brand->ink, brand->ink);
    return buf_text(&out);
}

void brand_logo_write(struct buf *out, const struct brand *brand)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes b = brand->logo_content;
    buf_str(out, S("data:"));
    buf_str(out, brand->logo_type);
    buf_str(out, S(";base64,"));
    for (size_t i = 0; i < b.len; i += 3) {
        size_t n = b.len - i < 3 ? b.len - i : 3;
        uint32_t word = (uint32_t)b.ptr[i] << 16;
        if (n > 1) word |= (uint32_t)b.ptr[i + 1] << 8;
        if (n > 2) word |= b.ptr[i + 2];
        buf_char(out, digits[word >> 18 & 63]);
        buf_char(out, digits[word >> 12 & 63]);
        buf_char(out, n > 1 ? digits[word >> 6 & 63] : '=');
        buf_char(out, n > 2 ? digits[word & 63] : '=');
    }
}
