/* SPDX-License-Identifier: Apache-2.0 */
/* Which lines of a text log its stream has given before. Per stream and UTC day the store keeps the
 * hashes of the kept lines, sorted, equal ones as often as they came: 8 bytes a line. The n-th
 * equal line of a file is new only when the stream has fewer than n of them, so exports that
 * overlap, repeat or continue one another count every line once, and never by time alone.
 * Neighbouring days are asked too: the same line read with another --timezone is the same line.
 */
#pragma once

#include "store/store.h"

struct lines; /* of one file while it is read; opaque */
struct lines *lines_new(struct arena *arena);
/* Was the line given before? Asked once per line of the file, in any order; what is not known is
 * remembered for lines_commit. */
MUST_USE bool lines_know(struct store *store, int64_t stream, struct lines *lines, uint64_t hash,
                         int64_t at_us, bool *known, struct err *err);
/* Adds the file's new lines to the stream's. */
MUST_USE bool lines_commit(struct store *store, int64_t stream, struct lines *lines,
                           struct arena scratch, struct err *err);
