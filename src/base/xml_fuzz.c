/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as XML: tags balance, texts are UTF-8, failures lie inside the input, and what is told
 * does not depend on the sizes of the pieces. */
#include "base/xml.h"

#include "base/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
    uint64_t hash, depth;
    struct arena *arena;
};

static void take(struct told *told, str text)
{
    struct arena scratch = *told->arena;
    if (str_utf8(&scratch, text).ptr != text.ptr) abort();
    told->hash = hash_join(told->hash, hash_bytes(str_bytes(text)));
}

static void on_begin(void *to, str name, const struct xml_attribute *attributes, size_t n,
                     uint64_t offset)
{
    struct told *told = to;
    take(told, name);
    for (size_t i = 0; i < n; i++) {
        take(told, attributes[i].name);
        take(told, attributes[i].value);
    }
    told->hash = hash_join(told->hash, offset);
    told->depth++;
}

static void on_text(void *to, str text, bool is_cut)
{
    take(to, text);
    if (text.len > LIMIT_XML_TEXT || (is_cut && text.len < LIMIT_XML_TEXT - 4)) abort();
}

static void on_end(void *to, str name)
{
    struct told *told = to;
    take(told, name);
    if (!told->depth) abort();
    told->depth--;
}

static uint64_t read_in(const uint8_t *data, size_t size, size_t piece, bool *ok,
                        struct arena *arena)
{
    struct told told = {.arena = arena};
    struct xml_handler handler = {&told, on_begin, on_text, on_end};
    struct xml *xml = xml_open(arena, &handler, 0);
    struct err err = {0};
    *ok = true;
    for (size_t at = 0; *ok && at < size; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        *ok = xml_feed(xml, (bytes){data + at, n}, false, &err);
    }
    if (*ok) *ok = xml_feed(xml, (bytes){0}, true, &err);
    if (!*ok && (err.kind == ERR_NONE || err.offset > size)) abort();
    if (*ok && told.depth) abort();
    xml_close(xml);
    return told.hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 64 << 20, NULL);
    bool whole_ok, pieces_ok;
    uint64_t whole = read_in(data, size, size + 1, &whole_ok, &arena);
    uint64_t pieces = read_in(data, size, 1 + size % 7, &pieces_ok, &arena);
    if (whole_ok != pieces_ok || (whole_ok && whole != pieces)) abort();
    arena_close(&arena);
    return 0;
}
