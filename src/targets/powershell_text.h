/* SPDX-License-Identifier: Apache-2.0 */
/* What the writers of PowerShell scripts share: text of a policy in its place, and what each script
 * says of itself. Their readers share nothing with it.
 */
#pragma once

#include "targets/powershell_script.h"
#include "targets/target.h"

enum {
    POWERSHELL_NAME_BYTES = 200,
    POWERSHELL_WHY_BYTES = 900, /* shown in a list column; the whole reason is in RULES.md */
};

/* In apostrophes, one line of printable ASCII. */
void powershell_text_quoted(struct buf *out, struct arena *arena, str text, size_t most);
/* In apostrophes, as it is: registry keys and paths have backslashes and asterisks, so they are not
 * plain text. Only what fits: printable ASCII of one line. */
void powershell_text_literal(struct buf *out, str text);
bool powershell_text_fits(str text);
/* "# label: text"; nothing when there is no text. */
void powershell_text_remark(struct buf *out, struct arena *arena, const char *label, str text);
/* What the script is, for whom and from what. */
void powershell_text_header(struct buf *out, struct arena *arena,
                            const struct host_class *host_class, const struct target_header *header,
                            str title);
/* The fixed lines of some parts. */
void powershell_text_parts(struct buf *out, const enum powershell_part *parts, size_t n);
