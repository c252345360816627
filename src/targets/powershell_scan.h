/* SPDX-License-Identifier: Apache-2.0 */
/* A PowerShell script line by line, and one line word by word, for readers that know each line:
 * remarks and blank lines are passed over, blanks at either end of a line are free.
 */
#pragma once

#include "base/err.h"
#include "targets/powershell_script.h"

struct powershell_scan {
    str left;       /* after the current line */
    str text;       /* the current line without blanks around it; empty at the end */
    uint64_t at;    /* its offset */
    uint32_t line;  /* its number */
    uint64_t total; /* bytes of the script */
    struct arena *arena;
    struct err *err;
};

/* At its first line. A byte that is not printable ASCII, or a line end that PowerShell knows and we
 * do not, is a line that nothing matches. */
struct powershell_scan powershell_scan_of(bytes content, struct arena *arena, struct err *err);
void powershell_scan_next(struct powershell_scan *s);
/* All of these fail with MALFORMED at the current line: what was expected, what was found. */
bool powershell_scan_unexpected(struct powershell_scan *s, str wanted);
MUST_USE bool powershell_scan_line(struct powershell_scan *s, str wanted);
MUST_USE bool powershell_scan_part(struct powershell_scan *s, enum powershell_part part);
MUST_USE bool powershell_scan_parts(struct powershell_scan *s, const enum powershell_part *parts,
                                    size_t n);
/* Whether the part begins here. */
bool powershell_scan_at(const struct powershell_scan *s, enum powershell_part part);
MUST_USE bool powershell_scan_end(struct powershell_scan *s);
/* "$workspace = 'contoso'": a word that no wildcard or path can be made of. */
MUST_USE bool powershell_scan_workspace(struct powershell_scan *s, str *out);

/* A walk along the current line; sticky: after the first mismatch everything is empty. */
struct powershell_words {
    struct arena *arena;
    str left;
    const char *wanted; /* what did not match first; NULL = nothing */
};
struct powershell_words powershell_scan_words(const struct powershell_scan *s);
bool powershell_scan_take(struct powershell_words *w, str literal);
void powershell_scan_must_take(struct powershell_words *w, str literal);
/* A string in apostrophes, in which two stand for one. */
str powershell_scan_quoted(struct powershell_words *w);
/* Which of the words stands here. */
size_t powershell_scan_one_of(struct powershell_words *w, const str *choices, size_t n,
                              const char *wanted);
/* A decimal number without leading zeros. */
uint64_t powershell_scan_number(struct powershell_words *w, uint64_t most);
/* The walk must be at the end of the line; goes on to the next. */
MUST_USE bool powershell_scan_finish(struct powershell_scan *s, struct powershell_words *w);
