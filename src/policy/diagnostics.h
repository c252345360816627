/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting what is wrong with a policy: all of it, in the order of the file. The type is in
 * policy/policy.h; here is what the files that find faults share.
 */
#pragma once

#include "policy/policy.h"

/* Adds an error with a formatted sentence. */
void diagnostics_error(struct diagnostics *list, struct arena *arena, str kind, struct place place,
                       const char *format, ...) FORMAT_PRINTF(5, 6);
void diagnostics_warn(struct diagnostics *list, struct arena *arena, str kind, struct place place,
                      const char *format, ...) FORMAT_PRINTF(5, 6);

/* Brings what was added from item `first` on into the order of the file; items of one place keep
 * theirs. */
void diagnostics_sort(struct diagnostics *list, size_t first, struct arena *arena);

/* `, did you mean "word"?` when one of the candidates is close to the word, else empty. */
str diagnostics_suggest(struct arena *arena, str word, const str *candidates, size_t n);
/* A word from the file as it is shown in a sentence: quoted, cut when long. */
str diagnostics_quote(struct arena *arena, str word);
