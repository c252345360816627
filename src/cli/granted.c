/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/granted.h"

#include "cli/acting.h"
#include "ledger/exception_entry.h"
#include "ledger/ledger_verify.h"

/* ---- Reading ------------------------------------------------------------------------------------
 */

/* Now, everything that was written has happened: entries that were written under a clock that ran
 * ahead too, and those after them, which can't have an earlier time. Or a revocation would wait. */
int64_t granted_until(const struct invocation *call, int64_t as_of_us)
{
    return as_of_us < call->now_us ? as_of_us : INT64_MAX;
}

static bool read_verified(struct invocation *call, struct ledger *ledger, int64_t as_of_us,
                          struct exception_book *out, struct err *err)
{
    struct exception_reader *reader =
        exception_book_start(granted_until(call, as_of_us), call->arena);
    const struct ledger_question question = {.visit = exception_book_visit(reader)};
    struct ledger_verdict verdict = {0};
    if (!ledger_verify_open(ledger, &question, call->arena, &verdict, err)) return false;
    if (verdict.fault != LEDGER_FAULT_NONE)
        return err_set(err, ERR_REFUSED,
                       "no exception is taken from a ledger that does not verify: %.*s (see "
                       "\"sallyport ledger verify\")",
                       STR_ARG(verdict.text));
    exception_book_end(reader, as_of_us, out);
    return true;
}

bool granted_read(struct invocation *call, struct ledger *ledger, int64_t as_of_us,
                  struct exception_book *out, struct err *err)
{
    int64_t until_us = granted_until(call, as_of_us);
    struct exception_reader *reader = exception_book_start(until_us, call->arena);
    if (!ledger_each(ledger, EXCEPTION_ENTRY_KINDS, 0, until_us, exception_book_visit(reader), err))
        return false;
    exception_book_end(reader, as_of_us, out);
    return true;
}

bool granted_lacks_ledger(struct invocation *call)
{
    str key = command_path(call, S("ledger.key"));
    return !ledger_exists(call->os, call->workspace, call->arena) &&
           call->os->kind(call->os->self, key) != OS_MISSING;
}

/* No exception is known then, and what some let through closes: safe, but not to be passed over. */
static void say_missing(struct invocation *call)
{
    if (!granted_lacks_ledger(call)) return;
    table_tone(
        call->talk,
        S("the ledger's key is here (ledger.key), but not the ledger (ledger.db): no exception "
          "is known"),
        TONE_BAD, call->talk_colour);
    buf_char(call->talk, '\n');
}

bool granted_book(struct invocation *call, int64_t as_of_us, struct exception_book *out,
                  bool *exists, struct err *err)
{
    struct ledger *ledger = NULL;
    *out = (struct exception_book){.as_of_us = as_of_us, .governance = governance_default()};
    *exists = ledger_exists(call->os, call->workspace, call->arena);
    if (!*exists) {
        say_missing(call);
        return true;
    }
    if (!acting_ledger(call, LEDGER_READ, &ledger, err)) return false;
    bool good = read_verified(call, ledger, as_of_us, out, err);
    ledger_close(ledger);
    return good;
}

void granted_say_faults(struct invocation *call, const struct exception_book *book)
{
    enum { SHOWN = 3 };
    for (size_t i = 0; i < book->n_faults && i < SHOWN; i++) {
        str line = str_format(call->arena, "ledger: entry %" PRIu64 " was passed over: %.*s",
                              book->faults[i].entry, STR_ARG(book->faults[i].text));
        table_tone(call->talk, line, TONE_WARN, call->talk_colour);
        buf_char(call->talk, '\n');
    }
    if (book->n_faults_all > SHOWN)
        buf_format(call->talk, "ledger: %" PRIu64 " more were passed over\n",
                   book->n_faults_all - SHOWN);
}

/* ---- In the policy's words ----------------------------------------------------------------------
 */

/* The exceptions of a book that its file has, in the order of its lines. */
static const struct book_exception **lines_of(const struct exception_book *book,
                                              struct arena *arena, size_t *n)
{
    const struct book_exception **lines =
        arena_array(arena, const struct book_exception *, book->n + 1);
    *n = 0;
    for (size_t i = 0; i < book->n; i++)
        if (exception_book_is_in_file(&book->items[i])) lines[(*n)++] = &book->items[i];
    return lines;
}

/* Dead ones that an error was found in, from diagnostic `first` on: left out from now on.
 *
 * at : the line of the whole file for each line of the one that was read, from 0 */
static bool leave_out(const struct diagnostics *found, size_t first,
                      const struct book_exception *const *lines, const size_t *at, size_t n,
                      bool *left_out)
{
    bool some = false;
    for (size_t i = first; i < found->n; i++) {
        uint32_t line = found->items[i].place.line;
        if (found->items[i].severity != SEVERITY_ERROR || line < 1 || line > n) continue;
        size_t whole = at[line - 1];
        if (left_out[whole] || exception_book_opens(lines[whole])) continue;
        left_out[whole] = some = true;
    }
    return some;
}

bool granted_parse(const struct exception_book *book, const struct zone *zone, struct arena *arena,
                   struct policy *policy, struct source_text *file, struct diagnostics *found)
{
    size_t n = 0;
    const struct book_exception **lines = lines_of(book, arena, &n);
    bool *left_out = arena_array(arena, bool, n + 1);
    size_t *at = arena_array(arena, size_t, n + 1);
    *file = (struct source_text){0};
    if (!n) return true;
    for (;;) {
        struct diagnostics before = *found;
        size_t kept = 0;
        for (size_t i = 0; i < n; i++)
            if (!left_out[i]) at[kept++] = i;
        *file =
            (struct source_text){S("ledger"), exception_book_file_without(book, left_out, arena)};
        if (exceptions_parse(file, policy, zone, arena, &policy->exceptions, &policy->n_exceptions,
                             found))
            return true;
        /* Each round has at least one line less. */
        if (!leave_out(found, before.n, lines, at, kept, left_out)) return false;
        *found = before;
    }
}
