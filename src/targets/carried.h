/* SPDX-License-Identifier: Apache-2.0 */
/* Which exceptions the artefacts of a target carry: those that are in force and that have an end at
 * a place for which the target writes rules. What a line of the policy opens as well counts, too:
 * nobody has to know the order in which lines were written.
 */
#pragma once

#include "targets/target.h"

bool carried_entry(const struct resolved *resolved, const struct resolved_entry *entry,
                   const struct target *target);

/* An exception by its id, else by its place: "exceptions.yaml:14". */
str carried_id(const struct exception *exception, struct arena *arena);
