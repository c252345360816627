/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that a report is made of, from a workspace: evidence, policy, hardening, ledger,
 * brand.
 */
#pragma once

#include "cli/policy_file.h"
#include "cli/workspace.h"
#include "report/report.h"

/* What a command that makes reports has in its table, beside POLICY_FILE_OPTION. */
#define REPORT_COLLECTED_ROW                                                                       \
    {                                                                                              \
        .name = {"collected", 9}, .type = OPTION_TEXT, .many = true, .value = {"FILE", 4},         \
        .help = {                                                                                  \
            "what the script of collect found on one machine, for the hardening",                  \
            66                                                                                     \
        }                                                                                          \
    }

struct report_gather {
    struct workspace workspace;
    struct policy_file file;
    bool has_policy;
    struct matrix_view matrix;
    struct hosts_view hosts;
    struct host_list list;
    struct replay replay;
    struct view_labels labels;
    const struct decision *decision;
    struct simulation simulation;
    struct cures cures;
    struct figures figures;
    struct figures_settings settings;
    struct grade grade;
    struct exception_book book;
    bool has_book;
    const struct exception_use **uses; /* beside book.items, as the next; NULL = not known */
    const str *orphaned;
    struct exception_register exceptions;
    struct compile_book compiled;
    struct past past;
    struct brand brand;
    str ledger_name; /* unlike any other ledger's: the hash of its first entry */
    struct report report;
};

/* Reads all of it. False: what is wrong is on the talk stream and the command ends with *status.
 *
 * since : what changed is told from there on; INT64_MIN = since the last report */
MUST_USE bool report_gather_all(struct invocation *call, enum report_kind kind, int64_t since_us,
                                struct report_gather *out, int *status);
/* The policy and the ledger alone: what a list of exceptions needs. */
MUST_USE bool report_gather_register(struct invocation *call, struct report_gather *out,
                                     int *status);
