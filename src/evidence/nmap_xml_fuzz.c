/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as XML of a port scan, read whole and in small windows: the same facts and skips, all
 * inside the source (facts_heard.h has the promises). */
#include "evidence/facts_heard.h"

extern const struct reader nmap_xml_reader;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where damage lies may differ by a character that a window's end cuts: the facts before it. */
static str facts_of(const struct facts_heard *heard)
{
    str text = buf_text(&heard->text), rest = text, line;
    size_t len = 0;
    while (rest.len) {
        str_cut(rest, '\n', &line, &rest);
        if (str_starts(line, S("skip "))) break;
        len = text.len - rest.len;
    }
    return str_head(text, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 0, NULL);
    struct reader_options options = {0};
    bytes whole = {data, size};
    size_t head = size < LIMIT_RECOGNISE_BYTES ? size : LIMIT_RECOGNISE_BYTES;
    nmap_xml_reader.recognise((bytes){data, head});
    size_t piece = 1 + (size ? data[size - 1] % 61u : 0);
    struct facts_heard once = facts_heard_of(&nmap_xml_reader, &options, whole, size + 1, &arena);
    struct facts_heard again = facts_heard_of(&nmap_xml_reader, &options, whole, piece, &arena);
    facts_promise(str_equal(facts_of(&once), facts_of(&again)) && once.skips == again.skips);
    facts_promise(once.records == again.records && once.hashes == again.hashes);
    arena_close(&arena);
    return 0;
}
