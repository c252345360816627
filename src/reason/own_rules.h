/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the rules that a machine, or a border, loads decides one flow: the id and name under
 * which its firewall has it.
 */
#pragma once

#include "rules/decision.h"

struct own_rule {
    str id, name; /* empty: no rule speaks of it (nothing is enforced, or the mode is off) */
};

/* One rule per side of the answer, in its order. The rules of the two machines are made of those
 * entries alone that speak of them, so a policy of many is no matter; a border's of all.
 *
 * workspace : its name, part of rule ids */
void own_rules(const struct resolved *resolved, const struct flow_question *q,
               const struct flow_answer *answer, str workspace, struct arena *arena,
               struct arena scratch, struct own_rule out[SIDE_COUNT]);
