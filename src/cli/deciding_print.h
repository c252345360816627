/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that decide about exceptions print of what they did, and words that all of
 * them share.
 */
#pragma once

#include "cli/deciding.h"
#include "reason/exception_effect.h"

/* Requests and amendments with their effects; numbers of their entries, NULL = nothing was saved.
 */
void deciding_print_requests(struct deciding *deciding, const struct exception_entry *entries,
                             const struct exception_effect *effects, const uint64_t *numbers,
                             size_t n);
/* "EX-12 10.10.4.7 → files smb", in red where the glass was broken, on standard output. */
void deciding_print_head(struct invocation *call, const struct book_exception *exception);
/* What has become of the exception after an entry. */
void deciding_print_done(struct deciding *deciding, const struct exception_entry *entry,
                         uint64_t number, str done);

/* "in 9 days", "in 3 hours", "2 days ago" */
str deciding_print_distance(int64_t us, int64_t now_us, struct arena *arena);
/* "10.10.4.0/24 → file-servers smb" of a scope's JSON. */
str deciding_print_scope_text(str scope, struct arena *arena);
/* "alice (logged in)", "alice (account root on adm01, not logged in)" */
str deciding_print_actor_text(const struct actor *actor, struct arena *arena);
/* "2026-11-22 12:13 UTC" */
str deciding_print_time_text(int64_t us, struct arena *arena);
enum table_tone deciding_print_state_tone(enum book_state state);
/* Members of an exception that every command's JSON has: id, state, owner, ... */
void deciding_print_json_exception(struct json *json, const struct book_exception *exception);
/* A JSON text as a value. */
void deciding_print_json_raw(struct json *json, str text);
