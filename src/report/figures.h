/* SPDX-License-Identifier: Apache-2.0 */
/* Every figure that a report states, computed once: pages, files and the next report's trend take
 * them from here.
 */
#pragma once

#include "matrix/roles.h"
#include "reason/cures.h"
#include "report/register.h"

/* What `audit` found, over all machines. */
struct figures_settings {
    uint64_t machines; /* of whose settings something is known */
    uint64_t silent;   /* the policy manages them, and nothing tells */
    uint64_t differing;
    uint64_t ok, differs, unknown; /* settings; those of silent machines are unknown */
};

/* Name in files and in the ledger, what it counts. */
#define FIGURES(X)                                                                                 \
    X(machines, "machines of ours that the evidence or the policy names")                          \
    X(machines_seen, "of them, those whose own side the evidence shows")                           \
    X(blind, "blind spots: machines and segments of which nothing is known to be safe")            \
    X(servers, "machines of ours that served somebody")                                            \
    X(smb1, "of them, those that spoke SMB 1")                                                     \
    X(pairs, "pairs of a machine and another one that serves")                                     \
    X(pairs_open, "of them, those the policy lets pass; without a policy all")                     \
    X(pairs_used, "of the open ones, those that were used")                                        \
    X(managed, "machines that should enforce the policy")                                          \
    X(enforcing, "of them, those whose own log shows it")                                          \
    X(settings, "settings that the hardening baseline asks of machines")                           \
    X(settings_ok, "of them, those that are known to hold")                                        \
    X(settings_differ, "of them, those that are known not to hold")                                \
    X(flows, "conversations that were seen")                                                       \
    X(broken, "flows that work today and would break")                                             \
    X(stopped, "unwanted flows that are stopped")                                                  \
    X(attempts, "attempts stopped that nothing ever answered")                                     \
    X(kept, "flows that are kept")                                                                 \
    X(escaped, "flows the policy blocks and nothing on the path enforces")                         \
    X(undecidable, "flows that the evidence can't decide")                                         \
    X(sources, "sources of evidence")                                                              \
    X(records, "records in them")                                                                  \
    X(skipped, "parts of them that could not be read")                                             \
    X(exceptions, "exceptions in force")                                                           \
    X(exceptions_in_order, "of them, those with an owner who is there and no overdue review")      \
    X(exceptions_scheduled, "approved exceptions that begin later")                                \
    X(exceptions_pending, "requests that wait for approval")                                       \
    X(exceptions_ending, "exceptions that end within 14 days")                                     \
    X(exceptions_expired, "exceptions that ended")                                                 \
    X(exceptions_carried, "ended exceptions that the newest artefacts still carry")                \
    X(exceptions_overdue, "exceptions whose review is overdue")                                    \
    X(exceptions_orphaned, "exceptions and requests whose owner has left")                         \
    X(exceptions_unused, "exceptions in force that nobody uses")                                   \
    X(exceptions_leaking, "ended exceptions whose flows still pass")                               \
    X(break_glass, "break-glass exceptions in force")

struct figures {
#define X(name, text) uint64_t name;
    FIGURES(X)
#undef X
    /* Of those in force alone: what is over, or only asked for, may have no owner, too. */
    uint64_t living_overdue, living_orphaned;
    int64_t from_us, to_us; /* of the evidence; meaningful only when has_times */
    bool has_times, has_policy, has_ledger, has_settings;
};

/* For loops over all of them. */
struct figures_row {
    str name, text;
    size_t offset; /* of the uint64_t in struct figures */
};
extern const struct figures_row figures_rows[];
extern const size_t figures_n_rows;
uint64_t figures_value(const struct figures *figures, size_t row);

struct figures_question {
    int64_t as_of_us;
    const struct matrix_view *matrix;
    const struct hosts_view *hosts;
    const struct replay *replay;
    const struct resolved *resolved; /* NULL without a policy, as the next two */
    const struct decision *decision;
    const struct simulation *simulation;
    const struct figures_settings *settings; /* NULL = not compared */
    const struct exception_register *exceptions;
};

struct figures figures_of(const struct figures_question *question, struct arena *arena,
                          struct arena scratch);
