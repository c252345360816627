/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/rule_file.h"

#define RULE_FORMAT(name) extern const struct rule_format name##_format;
#include "targets/rule_formats.def"
#undef RULE_FORMAT

/* The list ends in NULL, since it may be empty otherwise. */
const struct rule_format *const rule_formats[] = {
#define RULE_FORMAT(name) &name##_format,
#include "targets/rule_formats.def"
#undef RULE_FORMAT
    NULL,
};
const size_t rule_formats_n = COUNT_OF(rule_formats) - 1;

static bool unknown(str source, struct arena *arena, struct err *err)
{
    struct buf known = buf_in(arena);
    for (size_t i = 0; i < rule_formats_n; i++)
        buf_format(&known, "%s%.*s", i ? ", " : "", STR_ARG(rule_formats[i]->name));
    for (size_t i = 0; i < targets_n; i++)
        buf_format(&known, "%s%.*s", known.len ? ", " : "", STR_ARG(targets[i]->name));
    (void)err_set(err, ERR_UNKNOWN_FORMAT, "expected an artefact or export of one of: %.*s",
                  STR_ARG(buf_text(&known)));
    return err_in(err, source);
}

bool rule_file_read(str source, bytes content, struct arena *arena, struct rule_file *out,
                    struct err *err)
{
    struct rule_file file = {.engine = ENGINE_WINDOWS};
    bytes head = {content.ptr,
                  content.len < LIMIT_RECOGNISE_BYTES ? content.len : LIMIT_RECOGNISE_BYTES};
    for (size_t i = 0; i < rule_formats_n; i++) {
        if (!rule_formats[i]->recognise(head)) continue;
        file.format = rule_formats[i]->name;
        if (!rule_formats[i]->read(source, content, arena, &file, err)) return false;
        *out = file;
        return true;
    }
    file.target = target_recognise(content);
    if (!file.target) return unknown(source, arena, err);
    file.format = file.target->name;
    file.engine = file.target->engine;
    if (!file.target->read(source, content, arena, &file.rules, err)) return false;
    *out = file;
    return true;
}
