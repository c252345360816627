/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/powershell_text.h"

#include "base/instant.h"

bool powershell_text_fits(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] > '~') return false;
    return true;
}

void powershell_text_literal(struct buf *out, str text)
{
    buf_char(out, '\'');
    for (size_t i = 0; i < text.len; i++)
        buf_str(out, text.ptr[i] == '\'' ? S("''") : (str){text.ptr + i, 1});
    buf_char(out, '\'');
}

void powershell_text_quoted(struct buf *out, struct arena *arena, str text, size_t most)
{
    powershell_text_literal(out, target_plain(arena, text, most));
}

void powershell_text_remark(struct buf *out, struct arena *arena, const char *label, str text)
{
    if (!text.len) return;
    str plain = target_plain(arena, text, POWERSHELL_WHY_BYTES);
    buf_format(out, "# %s: %.*s\n", label, STR_ARG(plain));
}

void powershell_text_header(struct buf *out, struct arena *arena,
                            const struct host_class *host_class, const struct target_header *header,
                            str title)
{
    char as_of[INSTANT_TEXT];
    buf_str(out, S("#Requires -Version 5.1\n#Requires -RunAsAdministrator\n"));
    powershell_text_remark(out, arena, "sallyport", title);
    powershell_text_remark(out, arena, "host class", host_class->id);
    powershell_text_remark(out, arena, "organisation", header->organisation);
    buf_format(out, "# policy: %.*s, SHA-256 %.*s\n",
               STR_ARG(target_plain(arena, header->policy_source, POWERSHELL_WHY_BYTES)),
               STR_ARG(header->policy_sha256));
    buf_format(out, "# as of: %.*s\n", STR_ARG(instant_text(as_of, header->as_of_us)));
    buf_str(out, S("# dry run, changes nothing: add -WhatIf\n"));
}

void powershell_text_parts(struct buf *out, const enum powershell_part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct powershell_lines part = powershell_script(parts[i]);
        for (size_t j = 0; j < part.n; j++) {
            buf_str(out, part.lines[j]);
            buf_char(out, '\n');
        }
    }
}
