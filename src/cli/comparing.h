/* SPDX-License-Identifier: Apache-2.0 */
/* Two sides of a comparison, each a policy, a folder that compile wrote, or one firewall file of a
 * machine or border: read by what they are, and compared for every address where both decide
 * (reason/diff). For `diff`, and for `drift`, whose first side is always the policy.
 */
#pragma once

#include "cli/policy_file.h"
#include "reason/diff.h"
#include "targets/artefact_folder.h"
#include "targets/target.h"

/* What one target's files of a side hold. */
struct comparing_held {
    const struct target *target;
    struct enforcement_rules *rules;
    size_t n, room;
};

struct comparing_side {
    enum { COMPARED_POLICY, COMPARED_FOLDER, COMPARED_FILE } kind;
    str path;
    int64_t as_of_us;
    bool as_of_is_date;       /* until the policy says in which time zone */
    struct policy_file *file; /* COMPARED_POLICY */
    const struct decision *decision;
    struct artefact_folder folder; /* COMPARED_FOLDER */
    struct comparing_held *held;   /* one per target */
    size_t n_held;
};

/* Differences as seen by one target's files; NULL = two policies. */
struct comparing_part {
    const struct target *target;
    struct enforcement before, after;
    struct diff diff;
};

struct comparing {
    struct invocation *call;
    struct comparing_side sides[2];
    struct comparing_part *parts;
    size_t n_parts;
};

/* An exported file says nothing of whose it is. */
struct comparing_whose {
    struct prefix_set own; /* of a machine or class */
    str border;            /* or the name of a border */
};

/* Whatever stands at side->path; a file's owner is --host or --border. False: it is said, and the
 * command ends with *status. */
MUST_USE bool comparing_read(struct invocation *call, struct comparing_side *side, int *status);
/* The policy at side->path, or the command's own without one, at side->as_of_us. */
MUST_USE bool comparing_read_policy(struct invocation *call, struct comparing_side *side,
                                    int *status);
/* fails : NOT_FOUND (compile did not write it whole), MALFORMED, UNKNOWN_FORMAT */
MUST_USE bool comparing_read_folder(struct invocation *call, struct comparing_side *side,
                                    struct err *err);
/* What can't be understood of an export is told on the talk stream.
 * fails : UNKNOWN_FORMAT, MALFORMED */
MUST_USE bool comparing_read_file(struct invocation *call, struct comparing_side *side,
                                  bytes content, const struct comparing_whose *whose,
                                  struct err *err);
/* Fills the parts: one per target that both sides speak of.
 * fails : USAGE (they have none in common, or no such border) */
MUST_USE bool comparing_all(struct comparing *c, struct err *err);
/* Neither side is of a firewall. */
bool comparing_of_policies(const struct comparing_part *part);
