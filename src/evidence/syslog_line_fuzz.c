/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the front of a line: what is told lies inside it, and the time of a line does not
 * depend on the line before. */
#include "evidence/syslog_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(str part, const uint8_t *data, size_t size)
{
    if (!part.len) return true;
    return (const uint8_t *)part.ptr >= data && part.len <= size &&
           (const uint8_t *)part.ptr <= data + (size - part.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int64_t now_us = INT64_C(1795305600) * INSTANT_SECOND;
    struct syslog_clock kept = {.now_us = now_us};
    str rest = str_of_bytes((bytes){data, size}), text;
    while (rest.len) {
        struct syslog_clock fresh = {.now_us = now_us};
        struct syslog_line first, second;
        str_cut(rest, '\n', &text, &rest);
        syslog_line_read(&kept, text, &first);
        syslog_line_read(&fresh, text, &second);
        if (!is_inside(first.host, data, size) || !is_inside(first.message, data, size)) abort();
        if (first.at_us != second.at_us || first.kind != second.kind) abort();
        if (!str_equal(first.host, second.host) || !str_equal(first.message, second.message))
            abort();
    }
    return 0;
}
