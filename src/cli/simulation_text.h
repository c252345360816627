/* SPDX-License-Identifier: Apache-2.0 */
/* What `simulate` prints for people, and for spreadsheets. */
#pragma once

#include "cli/command.h"
#include "reason/simulation_json.h"

struct simulation_text {
    struct invocation *call;
    const struct simulation *simulation;
    const struct simulated_ring *ring;
    const struct view_labels *labels;
    str policy, previous, only;
    const struct comparison *comparison; /* NULL = none */
};

void simulation_text_print(const struct simulation_text *shown);
/* Every flow of every ring and policy, a row each. */
void simulation_text_csv(const struct simulation_text *shown);
