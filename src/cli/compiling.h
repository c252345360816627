/* SPDX-License-Identifier: Apache-2.0 */
/* Policy in, firewall files out, and nothing unless every target's files, read back, say exactly
 * what the policy says (DESIGN.md 1: every compile proves itself). What `compile` and
 * `exception due` have in common: compiling_load, _targets, _plan and _prove in this order, then
 * compiling_files_write.
 */
#pragma once

#include "base/map.h"
#include "cli/existing.h"
#include "cli/policy_file.h"
#include "targets/manifest.h"

/* The files of one class, or those of all borders with what no class has for its own. */
struct compiling_batch {
    size_t part, index;     /* index: of the class, or the number of classes */
    struct bundles bundles; /* with their rules */
    struct target_files files;
    struct arena *work; /* gone after this batch */
};

struct compiling {
    struct invocation *call;
    struct policy_file *file;
    str folder; /* to write, or to verify */
    struct target_header header;
    struct manifest_part *parts;
    size_t n_parts;
    struct existing existing;
    const struct decision *decision;
    const struct bundle_plan *plan;
    struct bundles bundles;        /* without rules: those of one class are in memory at a time */
    const struct prover **provers; /* per part */
    struct buf rules_md, probes;   /* of classes and borders */
    size_t telling;                /* the part whose rules of classes stand in it */
    struct map paths;              /* of files that are made, in lower case */
    struct manifest manifest;      /* once it is written */
    size_t n_written;              /* of the target at hand */
    struct kept_batch *kept;       /* per part and batch */
    size_t kept_bytes;
    str *differences; /* from the policy, in words */
    size_t n_differences, differences_room;
    void *to; /* the caller's own, for what takes batches */
};

/* Reads and resolves the policy with the workspace's names, if there is a workspace, and refuses
 * without a lifeline. False: it is said, and the command ends with *status. */
MUST_USE bool compiling_load(struct compiling *c, int *status);
/* By their names, each once.
 * fails : USAGE (there is none of that name) */
MUST_USE bool compiling_targets(struct compiling *c, const str *names, size_t n, struct err *err);
/* Who loads what, and what every target's files are proved against. */
void compiling_plan(struct compiling *c);
/* Makes and proves every file.
 * fails : UNSUPPORTED (a target can't express a rule, or has nothing to say), CONFLICT; false
 *         without an error when a file differs from the policy (n_differences) */
MUST_USE bool compiling_prove(struct compiling *c, struct err *err);

/* Emits every target's files batch by batch and gives each to `take`, until that says no. err names
 * the rule that a target can't express. */
MUST_USE bool compiling_each(struct compiling *c, const char *what,
                             bool (*take)(struct compiling *c, struct compiling_batch *batch,
                                          struct err *err),
                             struct err *err);
/* Files that are no class's own are in each of its batches, and count in the last. */
bool compiling_is_common(const struct compiling_batch *batch, const struct target_file *file);
/* Proves a batch; its first difference is told. */
MUST_USE bool compiling_prove_batch(struct compiling *c, const struct compiling_batch *batch);
/* --existing fits the targets and names classes that there are. */
MUST_USE bool compiling_fits(const struct compiling *c, struct err *err);
/* One more way in which files differ from the policy. */
void compiling_differs(struct compiling *c, str text);
/* The proof alone, when no manifest is written that would hold it; the command's exit status. */
int compiling_answer(struct compiling *c);
/* The table of what was made, and where. */
void compiling_tell(struct compiling *c, const char *what);
