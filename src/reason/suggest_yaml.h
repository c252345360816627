/* SPDX-License-Identifier: Apache-2.0 */
/* A proposal as a policy file. Texts from evidence stand in comments only, stripped of everything
 * that could end one; values are names of the policy, addresses and words of this program.
 */
#pragma once

#include "reason/suggest.h"

/* The whole file. With a policy that was given: its own text, but for `allow`, and with assertions
 * added. */
str suggest_yaml(const struct suggestion *suggestion, const struct resolved *given,
                 struct arena *arena);
/* "{from: clients, to: [fs, nas], service: smb}" */
str suggest_yaml_entry(const struct policy *policy, const struct suggest_entry *entry,
                       struct arena *arena);
/* "2026-11-02 .. 2026-11-20 (14 days)" of what has a clock */
str suggest_yaml_span(const struct suggest_summary *summary, struct arena *arena);
/* "10.20.0.21 and 3 more" */
str suggest_yaml_list(struct names names, size_t shown, struct arena *arena);
/* How many entries there are, and how far they may be from the fewest. */
str suggest_yaml_bound(const struct mine_result *mined, struct arena *arena);
