/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

FORMAT_PRINTF(3, 0)
static void fill(struct err *err, enum err_kind kind, const char *format, va_list args)
{
    char source[LIMIT_ERR_SOURCE];
    memcpy(source, err->source, sizeof source);
    *err = (struct err){.kind = kind};
    memcpy(err->source, source, sizeof source);
    vsnprintf(err->text, sizeof err->text, format, args);
}

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, kind, format, args);
    va_end(args);
    return false;
}

bool err_at(struct err *err, enum err_kind kind, uint64_t offset, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, kind, format, args);
    va_end(args);
    err->place = ERR_PLACE_OFFSET;
    err->offset = offset;
    return false;
}

bool err_line(struct err *err, enum err_kind kind, uint32_t line, uint32_t column,
              const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, kind, format, args);
    va_end(args);
    err->place = ERR_PLACE_LINE;
    err->line = line;
    err->column = column;
    return false;
}

bool err_in(struct err *err, str source)
{
    if (err->source[0]) return false;
    size_t room = sizeof err->source - 1;
    if (source.len <= room) {
        if (source.len) memcpy(err->source, source.ptr, source.len);
        return false;
    }
    /* Both ends of a long path tell most: keep them. */
    size_t half = (room - 3) / 2;
    memcpy(err->source, source.ptr, half);
    memcpy(err->source + half, "...", 3);
    memcpy(err->source + half + 3, source.ptr + source.len - half, half);
    return false;
}

str err_kind_sentence(enum err_kind kind)
{
    static const char *const sentences[] = {
#define X(name, sentence) sentence,
        ERR_KINDS(X)
#undef X
    };
    return str_of(sentences[kind]);
}

void err_print(const struct err *err, struct buf *out)
{
    if (err->source[0]) buf_str(out, str_of(err->source));
    if (err->place == ERR_PLACE_LINE)
        buf_format(out, "%s%" PRIu32 ":%" PRIu32, err->source[0] ? ":" : "", err->line,
                   err->column);
    if (err->place == ERR_PLACE_OFFSET)
        buf_format(out, "%soffset %" PRIu64, err->source[0] ? ": " : "", err->offset);
    if (err->source[0] || err->place != ERR_PLACE_NONE) buf_str(out, S(": "));
    buf_str(out, S("error: "));
    buf_str(out, str_of(err->text));
}
