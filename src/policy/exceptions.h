/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions: what somebody asked for, somebody else approved, and an end closes (DESIGN.md 4).
 * They are records, not lines of the policy: an allow entry's keys without `except`, and who, why,
 * until when. Alive iff starts <= t < expires; a dead one opens nothing, but is known, so that it
 * can be said why something does not pass any more.
 */
#pragma once

#include "base/zone.h"
#include "policy/policy.h"

struct exception {
    struct entry entry;             /* place: in `file`; its except lists are empty */
    const struct source_text *file; /* where the record is */
    str id;                         /* empty when not given; unique */
    str owner, deputy, reason, ticket;
    const str *approvers; /* at least one, none of them the owner */
    size_t n_approvers;
    int64_t starts_us, expires_us; /* starts: INT64_MIN when not given */
    str starts, expires;           /* as written: "2026-10-01" */
};

enum exception_life { EXCEPTION_NOT_STARTED, EXCEPTION_ALIVE, EXCEPTION_EXPIRED };

enum exception_life exception_life(const struct exception *exception, int64_t at_us);
str exception_life_text(enum exception_life life); /* "not-started", "alive", "expired" */

/* "exception EX-12 of alice until 2026-10-01": who answers for what it opens, and how long. */
str exception_text(const struct exception *exception, struct arena *arena);

/* Reads records, the list under `exceptions`, in the words of a policy. What is wrong is added to
 * `found` with its place in `file`; true when there is no error.
 *
 * policy : whose segments, groups and services they speak of
 * zone : the policy's timezone: a date alone is its midnight there, for expires that of the next
 * day out : unchanged when false; kept by `arena`, as long as the file's text lives */
MUST_USE bool exceptions_parse(const struct source_text *file, const struct policy *policy,
                               const struct zone *zone, struct arena *arena,
                               const struct exception **out, size_t *n_out,
                               struct diagnostics *found);
