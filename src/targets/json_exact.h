/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON artefact read key by key in the order in which its writer wrote them: anything else is an
 * error with its line. For readers.
 */
#pragma once

#include "base/addr.h"
#include "base/json_scan.h"

struct json_exact {
    struct json_scan scan;
    struct json_scan_item item; /* the current one */
    bytes content;
    struct arena *arena;
    struct err *err;
    bool failed; /* the text itself is not JSON: err says where */
};

struct json_exact json_exact_of(bytes content, struct arena *arena, struct err *err);

/* All of these fail with MALFORMED at the current item: what was expected, what was found. */
bool json_exact_unexpected(struct json_exact *j, const char *wanted);
MUST_USE bool json_exact_take(struct json_exact *j, enum json_scan_kind kind);
MUST_USE bool json_exact_key(struct json_exact *j, const char *name);
/* "name": { or [ */
MUST_USE bool json_exact_object(struct json_exact *j, const char *name);
MUST_USE bool json_exact_array(struct json_exact *j, const char *name);
/* "name": a string, or exactly this one, or a number from 0 to most */
MUST_USE bool json_exact_str(struct json_exact *j, const char *name, str *out);
MUST_USE bool json_exact_text(struct json_exact *j, const char *name, str text);
MUST_USE bool json_exact_number(struct json_exact *j, const char *name, uint64_t most,
                                uint64_t *out);
MUST_USE bool json_exact_end(struct json_exact *j);
/* "name": ["...", ...], passed over. */
MUST_USE bool json_exact_texts(struct json_exact *j, const char *name);
/* A string that is a prefix of this family, without host bits; goes on. */
MUST_USE bool json_exact_prefix(struct json_exact *j, bool v4, struct range *out);
