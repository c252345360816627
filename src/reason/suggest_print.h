/* SPDX-License-Identifier: Apache-2.0 */
/* A proposal for programs, and its summary for people. */
#pragma once

#include "base/table.h"
#include "reason/suggest.h"

/* What `suggest --json` prints (docs/json.md). */
void suggest_print_json(const struct suggestion *suggestion, struct arena *arena, struct buf *out);
/* What is proposed, asked and left out, in a few lines. */
void suggest_print_summary(const struct suggestion *suggestion, struct arena *arena,
                           struct buf *out, bool colour);
/* A row for each question and each thing that might be switched off. */
void suggest_print_csv(const struct suggestion *suggestion, struct arena *arena, struct buf *out);
