/* SPDX-License-Identifier: Apache-2.0 */
/* Every compile proves itself: what was emitted is read back by the target's own reader, judged
 * with that engine's semantics, and compared with the policy's decision for every address, port and
 * profile. Besides the meaning, the form is checked: nothing in an artefact may be there twice, be
 * hidden by another rule or matter to nobody, since damage in it could not be noticed; and a
 * rollback must undo exactly what its artefact does.
 */
#pragma once

#include "rules/decision.h"
#include "targets/target.h"

struct prove_report {
    bool equal;
    size_t n_files, n_rollbacks, n_rules, n_classes, n_borders;
    /* When not equal: the first file that differs, and how. */
    str path;  /* relative to the target's folder */
    str error; /* it cannot be read: line, expected, found. Empty: there is a witness */
    struct counterexample witness;
    bool form; /* the witness is of the form, not of the meaning */
};

/* Whether these files, emitted from these bundles or found in a folder, say what the policy says.
 * prover : of the policy and the target's peers
 * bundles : some classes, or borders, of the policy; each border's index is that of the policy
 * workspace : of the header, as emitted */
struct prove_report prove_with(const struct prover *prover, const struct target *target,
                               const struct bundles *bundles, const struct target_files *files,
                               str workspace, struct arena *arena, struct arena scratch);
/* The same with a prover made for it. */
struct prove_report prove_files(const struct target *target, const struct bundles *bundles,
                                const struct target_files *files, str workspace,
                                struct arena *arena, struct arena scratch);

/* "FILE: client 10.0.0.1, server 10.0.0.2, smb (tcp/445), profile domain, at server-inbound: the
 * policy says blocked, the artefact says passes" */
str prove_text(const struct prove_report *report, const struct policy *policy, struct arena *arena);
