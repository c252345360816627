/* SPDX-License-Identifier: Apache-2.0 */
/* What one artefact changes in another, rule by rule: by the ids under which a firewall knows its
 * rules, so that an admin can look each of them up. What it means is reason/diff's business.
 */
#pragma once

#include "rules/ruleset.h"

#define RULE_CHANGES(X)                                                                            \
    X(GOES, "goes")         /* is not in the second */                                             \
    X(DISABLED, "disabled") /* is there, and switched off */                                       \
    X(CHANGES, "changes")                                                                          \
    X(ENABLED, "enabled")                                                                          \
    X(COMES, "comes") /* is in the second only */

enum rule_change_kind {
#define X(name, text) RULE_CHANGE_##name,
    RULE_CHANGES(X)
#undef X
};
str rule_changes_text(enum rule_change_kind kind);

struct rule_change {
    enum rule_change_kind kind;
    const struct rule
        *rule; /* the first of that id: of the second where it is there, else of the first */
    /* Peers that it lets through no more, or now: by what it allows or blocks. */
    struct prefix_set closes, opens;
    struct prefix_set local, remote; /* all that either has */
    bool local_differs;
};

struct rule_changes {
    const struct rule_change *items; /* in the order of the first's rules, then the second's */
    size_t n;
};

/* Rules of one id count together; a disabled one says nothing. */
struct rule_changes rule_changes_of(struct ruleset before, struct ruleset after,
                                    struct arena *arena);
