/* SPDX-License-Identifier: Apache-2.0 */
/* The rules, connection security rules, profile states and problems of files, as text, JSON and
 * CSV. */
#pragma once

#include "cli/command.h"
#include "reason/check_rules.h"
#include "targets/rule_file.h"

/* What one file holds. */
struct rules_source {
    str path;
    struct rule_file file;
    const struct check_rules_finding *found; /* with --check */
    size_t n_found;
};

/* "apply.ps1:1204": where the rule begins */
str rules_print_where(struct arena *arena, const struct rules_source *source, size_t rule);
/* One object: rules, and what else exports hold; findings only with --check. */
void rules_print_json(struct invocation *call, const struct rules_source *sources, size_t n,
                      bool is_check);
/* Text or CSV of the rules; text also of connection security and profiles. */
void rules_print_table(struct invocation *call, const struct rules_source *sources, size_t n);
/* What could not be understood, one line each on the talk stream. */
void rules_print_problems(struct invocation *call, const struct rules_source *source);
