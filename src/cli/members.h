/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of the directory for a command's policy: from the files that were imported into the
 * workspace, or those that --members names.
 */
#pragma once

#include "cli/command.h"
#include "policy/membership.h"
#include "policy/resolve.h"
#include "store/store.h"

/* What `import ad` keeps. */
#define MEMBERS_KIND S("ad")

/* Adds one file, read from outside.
 *
 * content : of the file, as `import ad` keeps it
 * fails : NOT_FOUND, LIMIT, what membership_add says; with the path */
MUST_USE bool members_read(struct invocation *call, str path, int64_t at_us,
                           struct membership *members, str *content, struct err *err);
/* Those of the workspace. False: said on the talk stream. */
MUST_USE bool members_load(struct invocation *call, struct store *store, struct membership *out);
/* Those of --members, if the command has it and it is given. False: said on the talk stream. */
MUST_USE bool members_open(struct invocation *call, struct membership *out);

/* For host_lookup. The addresses that a file tells of a computer. */
const struct host_address *members_addresses(const struct membership *members, str name,
                                             struct arena *arena, size_t *n);
bool members_computers(const struct membership *members, str group, struct arena *arena,
                       const str **names, size_t *n, str *missing);
/* Empty = not known. */
str members_sid(const struct membership *members, str group, struct arena *arena);
str members_dn(const struct membership *members, str computer, struct arena *arena);
