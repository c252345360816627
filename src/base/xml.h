/* SPDX-License-Identifier: Apache-2.0 */
/* XML 1.0, pushed in pieces of any size: elements begin with their attributes, hold text, end.
 *
 *   - Names come without their namespace prefix, text between two tags whole and in one call.
 *   - UTF-8 and UTF-16 as the document says; what is given is UTF-8.
 *   - A document type with declarations of its own is refused, so there are no entities but those
 *     of XML itself, nothing grows while it is read, and nothing else is fetched. A bare
 *     "<!DOCTYPE nmaprun>" is passed over.
 *
 * An edge: the parser's memory is the library's, given back by xml_close.
 */
#pragma once

#include "base/err.h"

struct xml_attribute {
    str name, value;
};

/* All are set. Texts are valid until the call returns. */
struct xml_handler {
    void *to;
    /* offset: of the tag in the source */
    void (*begin)(void *to, str name, const struct xml_attribute *attributes, size_t n,
                  uint64_t offset);
    /* Only where it holds more than blanks. Past LIMIT_XML_TEXT it is cut, and is_cut. */
    void (*text)(void *to, str text, bool is_cut);
    void (*end)(void *to, str name);
};

/* The value of an attribute; empty when it is not there. */
str xml_attribute_of(const struct xml_attribute *attributes, size_t n, str name);

struct xml; /* opaque */
/* offset: of the document's first byte in its source, for errors. Lives in the arena, must be
 * closed. */
struct xml *xml_open(struct arena *arena, const struct xml_handler *handler, uint64_t offset);
/* The next piece; last: no byte follows. After a failure every further call fails alike.
 * fails: MALFORMED, TRUNCATED (the document ends inside), UNSUPPORTED (declarations, encoding),
 * LIMIT (nesting, attributes, one tag's length); with the absolute offset */
MUST_USE bool xml_feed(struct xml *xml, bytes piece, bool last, struct err *err);
/* Ready for another document. */
void xml_again(struct xml *xml, uint64_t offset);
void xml_close(struct xml *xml);
