/* SPDX-License-Identifier: Apache-2.0 */
/* Edge: the only file that knows expat. Pieces are cut small, so that a tag that does not end is
 * refused after LIMIT_XML_TAG bytes and is not looked at again from its start too often.
 */
#include "base/xml.h"

#include <expat.h>

enum { PIECE_BYTES = 64 << 10 };

struct xml {
    XML_Parser parser;
    struct xml_handler handler;
    uint64_t offset; /* of the document in its source */
    uint64_t fed;
    unsigned depth;
    struct err failure; /* kind NONE = none */
    size_t text_len;
    bool text_cut, text_says; /* more than blanks */
    struct xml_attribute attributes[LIMIT_XML_ATTRIBUTES];
    char text[LIMIT_XML_TEXT];
};

str xml_attribute_of(const struct xml_attribute *attributes, size_t n, str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_equal(attributes[i].name, name)) return attributes[i].value;
    return (str){0};
}

static str local_name(const char *name)
{
    str whole = str_of(name), prefix, local;
    return str_cut(whole, ':', &prefix, &local) && local.len ? local : whole;
}

static uint64_t here(const struct xml *xml)
{
    XML_Index at = XML_GetCurrentByteIndex(xml->parser);
    return xml->offset + (at > 0 ? (uint64_t)at : 0);
}

/* The first failure stays; expat then stops as soon as it may. */
static void refuse(struct xml *xml, enum err_kind kind, const char *what)
{
    if (xml->failure.kind != ERR_NONE) return;
    err_at(&xml->failure, kind, here(xml), "%s", what);
    XML_StopParser(xml->parser, XML_FALSE);
}

static void give_text(struct xml *xml)
{
    if (xml->text_says)
        xml->handler.text(xml->handler.to, (str){xml->text, xml->text_len}, xml->text_cut);
    xml->text_len = 0;
    xml->text_cut = xml->text_says = false;
}

static void on_begin(void *user, const XML_Char *name, const XML_Char **pairs)
{
    struct xml *xml = user;
    size_t n = 0;
    if (xml->failure.kind != ERR_NONE) return;
    if (xml->depth == LIMIT_NESTING) {
        refuse(xml, ERR_LIMIT, "elements are nested too deeply");
        return;
    }
    for (; pairs[2 * n]; n++) {
        if (n == LIMIT_XML_ATTRIBUTES) {
            refuse(xml, ERR_LIMIT, "an element has too many attributes");
            return;
        }
        xml->attributes[n] =
            (struct xml_attribute){local_name(pairs[2 * n]), str_of(pairs[2 * n + 1])};
    }
    xml->depth++;
    give_text(xml);
    xml->handler.begin(xml->handler.to, local_name(name), xml->attributes, n, here(xml));
}

static void on_end(void *user, const XML_Char *name)
{
    struct xml *xml = user;
    if (xml->failure.kind != ERR_NONE) return;
    assert(xml->depth);
    xml->depth--;
    give_text(xml);
    xml->handler.end(xml->handler.to, local_name(name));
}

static void on_text(void *user, const XML_Char *chars, int len)
{
    struct xml *xml = user;
    str piece = {chars, len > 0 ? (size_t)len : 0};
    size_t room = sizeof xml->text - xml->text_len;
    if (xml->text_cut || xml->failure.kind != ERR_NONE) return;
    if (str_trim(piece).len) xml->text_says = true;
    if (piece.len > room) {
        xml->text_cut = true;
        while (room && ((uint8_t)piece.ptr[room] & 0xC0) == 0x80) /* inside a character */
            room--;
        piece = str_head(piece, room);
    }
    memcpy(xml->text + xml->text_len, piece.ptr, piece.len);
    xml->text_len += piece.len;
}

static void on_doctype(void *user, const XML_Char *name, const XML_Char *system,
                       const XML_Char *public, int has_declarations)
{
    (void)name;
    (void)system;
    (void)public;
    if (has_declarations)
        refuse(user, ERR_UNSUPPORTED, "a document type with declarations of its own is not read");
}

static void set_handlers(struct xml *xml)
{
    XML_SetUserData(xml->parser, xml);
    XML_SetElementHandler(xml->parser, on_begin, on_end);
    XML_SetCharacterDataHandler(xml->parser, on_text);
    XML_SetStartDoctypeDeclHandler(xml->parser, on_doctype);
}

struct xml *xml_open(struct arena *arena, const struct xml_handler *handler, uint64_t offset)
{
    struct xml *xml = arena_new(arena, struct xml);
    xml->handler = *handler;
    xml->offset = offset;
    xml->parser = XML_ParserCreate(NULL);
    if (!xml->parser) {
        err_at(&xml->failure, ERR_LIMIT, offset, "no memory is left for the XML parser");
        return xml;
    }
    set_handlers(xml);
    return xml;
}

static bool fail(struct xml *xml)
{
    enum XML_Error error = XML_GetErrorCode(xml->parser);
    if (xml->failure.kind != ERR_NONE) return false;
    enum err_kind kind = ERR_MALFORMED;
    if (error == XML_ERROR_NO_ELEMENTS || error == XML_ERROR_UNCLOSED_TOKEN ||
        error == XML_ERROR_PARTIAL_CHAR || error == XML_ERROR_UNCLOSED_CDATA_SECTION)
        kind = ERR_TRUNCATED;
    if (error == XML_ERROR_UNKNOWN_ENCODING || error == XML_ERROR_EXTERNAL_ENTITY_HANDLING)
        kind = ERR_UNSUPPORTED;
    if (error == XML_ERROR_NO_MEMORY) kind = ERR_LIMIT;
    const char *what = XML_ErrorString(error);
    return err_at(&xml->failure, kind, here(xml), "expected well-formed XML, found: %s",
                  what ? what : "an error");
}

static bool feed_piece(struct xml *xml, bytes piece, bool last)
{
    enum XML_Status status =
        XML_Parse(xml->parser, (const char *)piece.ptr, (int)piece.len, last ? 1 : 0);
    xml->fed += piece.len;
    if (xml->failure.kind != ERR_NONE) return false;
    if (status != XML_STATUS_OK) return fail(xml);
    if (!last && xml->fed - (here(xml) - xml->offset) > LIMIT_XML_TAG)
        refuse(xml, ERR_LIMIT, "a tag is longer than tags are");
    return xml->failure.kind == ERR_NONE;
}

bool xml_feed(struct xml *xml, bytes piece, bool last, struct err *err)
{
    bool ok = xml->failure.kind == ERR_NONE;
    while (ok && piece.len > PIECE_BYTES) {
        ok = feed_piece(xml, (bytes){piece.ptr, PIECE_BYTES}, false);
        piece = (bytes){piece.ptr + PIECE_BYTES, piece.len - PIECE_BYTES};
    }
    if (ok && (piece.len || last)) ok = feed_piece(xml, piece, last);
    if (!ok) *err = xml->failure;
    return ok;
}

void xml_again(struct xml *xml, uint64_t offset)
{
    if (!xml->parser) return;
    XML_ParserReset(xml->parser, NULL);
    set_handlers(xml);
    xml->offset = offset;
    xml->fed = 0;
    xml->depth = 0;
    xml->failure = (struct err){0};
    xml->text_len = 0;
    xml->text_cut = xml->text_says = false;
}

void xml_close(struct xml *xml)
{
    if (xml->parser) XML_ParserFree(xml->parser);
    xml->parser = NULL;
}
