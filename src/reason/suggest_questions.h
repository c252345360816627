/* SPDX-License-Identifier: Apache-2.0 */
/* What a proposal asks instead of deciding: flows by whom they are about, and the networks and
 * machines of which too little is known.
 */
#pragma once

#include "reason/suggest.h"

/* By kind, then by the first flow. suggestion: its places and flows; those are marked with what
 * becomes of them. */
struct suggest_question *suggest_questions(const struct suggestion *suggestion,
                                           const struct suggest_rules *rules, bool leave_open,
                                           struct arena *arena, size_t *n);
