/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of the ledger have in common: checkpoints and keys of the command line, and how
 * a verdict is told.
 */
#pragma once

#include "cli/command.h"
#include "ledger/ledger_verify.h"

/* Rows for a command's option table. */
#define LEDGER_TOLD_CHECKPOINT_ROW                                                                 \
    {                                                                                              \
        .name = {"checkpoint", 10}, .type = OPTION_TEXT, .many = true, .value = {"FILE", 4},       \
        .help = {                                                                                  \
            "a checkpoint that was exported earlier and kept elsewhere",                           \
            57                                                                                     \
        }                                                                                          \
    }
#define LEDGER_TOLD_KEY_ROW                                                                        \
    {                                                                                              \
        .name = {"public-key", 10}, .type = OPTION_TEXT, .value = {"KEY", 3}, .help = {            \
            "the ledger's public key, as it was noted when the ledger was made",                   \
            65                                                                                     \
        }                                                                                          \
    }

/* The checkpoints and the key of the command line; progress on a terminal. */
MUST_USE bool ledger_told_question(struct invocation *call, struct ledger_question *out,
                                   struct err *err);
/* Prints the verdict in the format that was asked for. The exit status: EXIT_FINE or EXIT_NO. */
int ledger_told_verdict(struct invocation *call, const struct ledger_question *question,
                        const struct ledger_verdict *verdict);
/* "2026-11-22 12:13Z" for people, else as entries have it. */
str ledger_told_time(struct invocation *call, int64_t at_us);
/* The exit status after an error: there is no ledger, it can't be read. */
int ledger_told_fail(struct invocation *call, struct ledger *ledger, const struct err *err);
