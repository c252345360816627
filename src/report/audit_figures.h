/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of a quarterly audit: what is counted, how it is written into the ledger (`audited`),
 * how it is read back and compared with those of the quarter before.
 */
#pragma once

#include "base/err.h"
#include "harden/compare.h"

enum audit_better { AUDIT_MORE, AUDIT_LESS, AUDIT_NEITHER };

/* Name in the ledger and in JSON, which way is better, what it counts. */
#define AUDIT_FIGURES(X)                                                                           \
    X(SOURCES, "sources", MORE, "sources of evidence")                                             \
    X(MACHINES, "machines", NEITHER, "managed machines that are known")                            \
    X(MACHINES_SEEN, "machines-seen", MORE, "of them, their own side is in the evidence")          \
    X(BLIND, "blind", LESS, "blind spots")                                                         \
    X(MACHINES_COMPARED, "machines-compared", MORE, "machines whose settings are partly known")    \
    X(MACHINES_SILENT, "machines-silent", LESS, "managed machines whose settings nothing tells")   \
    X(MACHINES_DIFFERING, "machines-differing", LESS, "machines that differ from the baseline")    \
    X(SETTINGS_OK, "settings-ok", MORE, "settings as the baseline asks")                           \
    X(SETTINGS_DIFFER, "settings-differ", LESS, "settings that differ")                            \
    X(SETTINGS_UNKNOWN, "settings-unknown", LESS, "settings that nothing tells of")                \
    X(ASSERTIONS, "assertions", NEITHER, "assertions of the policy")                               \
    X(ASSERTIONS_HOLD, "assertions-hold", MORE, "of them, proved to hold")                         \
    X(LIFELINE, "lifeline", MORE, "the lifeline holds (1) or not (0)")                             \
    X(EXCEPTIONS, "exceptions", NEITHER, "exceptions in force")                                    \
    X(PENDING, "exceptions-pending", NEITHER, "requests that wait for approval")                   \
    X(ENDED, "exceptions-ended", NEITHER, "exceptions that have ended")                            \
    X(UNCLOSED, "exceptions-unclosed", LESS, "of them, expired and not looked at since")           \
    X(ORPHANED, "exceptions-orphaned", LESS, "exceptions and requests whose owner has left")       \
    X(OVERDUE, "exceptions-overdue", LESS, "exceptions whose review is overdue")                   \
    X(UNUSED, "exceptions-unused", LESS, "exceptions in force that nobody used")                   \
    X(PASSED_AFTER, "exceptions-passing", LESS, "ended exceptions whose flows still pass")         \
    X(BREAK_GLASS, "break-glass", LESS, "break-glass exceptions since the last audit")             \
    X(REVIEWS_OPEN, "reviews-open", NEITHER, "reviews that are open")                              \
    X(REVIEWS_OVERDUE, "reviews-overdue", LESS, "of them, past their due date")                    \
    X(DRIFT_CHECKED, "drift-checked", NEITHER, "states of machines held against the policy")       \
    X(DRIFT, "drift", LESS, "of them, that drifted")                                               \
    X(LINGERING, "exceptions-lingering", LESS, "ended exceptions still open in such a state")      \
    X(LEDGER_ENTRIES, "ledger-entries", NEITHER, "entries of the ledger")                          \
    X(LEDGER_FAULTS, "ledger-faults", LESS, "what its verification found wrong")                   \
    X(BOOK_FAULTS, "ledger-overreach", LESS, "entries that claim more than they may")
enum audit_figure {
#define X(id, name, better, text) AUDIT_##id,
    AUDIT_FIGURES(X)
#undef X
        AUDIT_FIGURE_COUNT
};
struct audit_figure_entry {
    str name, text;
    enum audit_better better;
};
extern const struct audit_figure_entry audit_figures_table[AUDIT_FIGURE_COUNT];

struct audit_figures {
    str quarter; /* "2026-Q4" */
    int64_t as_of_us;
    bool known[AUDIT_FIGURE_COUNT]; /* no policy, no drift given, ...: not counted */
    uint64_t value[AUDIT_FIGURE_COUNT];
    /* Machines per row of the hardening baseline. */
    bool has_rows;
    uint64_t rows[HARDEN_ROW_COUNT][COMPARE_COUNT];
    const str *failing; /* assertions that were not proved, as the policy has them */
    size_t n_failing;
};

/* "2026-Q4": the calendar's, in UTC. */
str audit_figures_quarter(int64_t at_us, struct arena *arena);
void audit_figures_set(struct audit_figures *figures, enum audit_figure figure, uint64_t value);
/* {"quarter","as-of","figures":{name: number},"baseline":{setting: [ok, differs, unknown, not
 * there]},"failing":[...]}; what is not known is not there. */
str audit_figures_data(const struct audit_figures *figures, struct arena *arena);
/* Names that this program does not know are passed over.
 *
 * fails : MALFORMED, in one sentence */
MUST_USE bool audit_figures_read(str data, struct arena *arena, struct audit_figures *out,
                                 struct err *err);

enum audit_trend { AUDIT_SAME, AUDIT_BETTER, AUDIT_WORSE, AUDIT_MOVED, AUDIT_NO_TREND };
/* How a figure moved; NO_TREND when one of the two is not known or there was none. */
enum audit_trend audit_figures_trend(const struct audit_figures *now,
                                     const struct audit_figures *before, enum audit_figure figure);
