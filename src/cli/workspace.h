/* SPDX-License-Identifier: Apache-2.0 */
/* What several commands need of a workspace: its database, its policy, and names turned into
 * addresses. Here the stages meet; none of them opens the store for another.
 */
#pragma once

#include "cli/command.h"
#include "policy/membership.h"
#include "policy/resolve.h"
#include "store/store.h"

struct workspace {
    struct store *store;
    struct host_list hosts;
    struct membership members; /* of files that were imported */
    bool has_hosts;
    bool has_policy; /* policy.yaml is there and parses */
    struct policy policy;
    struct resolved resolved;
    struct host_lookup lookup;
};

/* Path of the database of -C DIR. */
str workspace_database(struct invocation *call);
/* Opens the database of -C DIR for reading. */
MUST_USE bool workspace_open(struct invocation *call, struct workspace *out, struct err *err);
/* Looks up host names in the workspace's identity intervals; loads them when first asked. Valid as
 * long as the workspace. AD groups are those of the files that were imported; service tags are not
 * known to it. */
const struct host_lookup *workspace_lookup(struct invocation *call, struct workspace *workspace);
/* Reads policy.yaml of the workspace when it is there; one that does not parse or resolve is as
 * none, and said so on the talk stream. */
void workspace_load_policy(struct invocation *call, struct workspace *workspace);
/* Segments, services and governed services of the policy, or of none. */
struct view_labels workspace_labels(struct workspace *workspace);
