/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report_gather.h"

#include "cli/acting.h"
#include "cli/audit_machines.h"
#include "cli/granted.h"
#include "cli/leavers.h"
#include "cli/measured_use.h"
#include "reason/check_evidence.h"
#include "reason/check_usage.h"

/* ---- Policy and evidence ------------------------------------------------------------------------
 */

/* Reads the policy when there is one; a workspace without a policy still has a report. */
static bool load_policy(struct invocation *call, struct report_gather *g, int *status)
{
    bool asked = option_given(call, S("policy"));
    str path = command_path(call, S("policy.yaml"));
    g->has_policy = asked || call->os->kind(call->os->self, path) != OS_MISSING;
    if (!g->has_policy) return true;
    if (!policy_file_load(call, &g->file, status)) return false;
    if (!policy_file_resolve(call, &g->file, workspace_lookup(call, &g->workspace), true, status))
        return false;
    g->workspace.policy = g->file.policy;
    g->workspace.resolved = g->file.resolved;
    g->workspace.has_policy = true;
    g->report.policy = &g->file.policy;
    g->report.organisation = g->file.policy.organisation;
    return true;
}

static bool load_evidence(struct invocation *call, struct report_gather *g, struct err *err)
{
    struct share_use *uses = NULL;
    size_t n_uses = 0;
    struct store *store = g->workspace.store;
    if (!store_load_matrix(store, call->arena, &g->matrix, err)) return false;
    if (!store_load_hosts(store, call->arena, &g->list, err)) return false;
    if (!store_load_uses(store, call->arena, &uses, &n_uses, err)) return false;
    g->report.matrix = &g->matrix;
    g->report.shares = roles_shares(call->arena, uses, n_uses, &g->list, &g->report.n_shares);
    g->hosts = roles_of(call->arena, &g->list, &g->matrix, g->report.shares, g->report.n_shares);
    g->report.hosts = &g->hosts;
    g->replay = replay_of(&g->matrix, call->arena, call->scratch);
    return true;
}

static void simulate_policy(struct invocation *call, struct report_gather *g)
{
    g->decision = decision_build(&g->file.resolved, NULL, call->arena, call->scratch);
    struct simulate_question question = {
        .resolved = &g->file.resolved,
        .decision = g->decision,
        .replay = &g->replay,
        .hosts = &g->workspace.hosts,
        .lookup = &g->file.lookup,
    };
    g->simulation = simulate(&question, call->arena, call->scratch);
    g->report.simulation = &g->simulation;
    if (!g->simulation.n_rings) return;
    g->cures = cures_of_ring(&g->simulation, &g->simulation.rings[g->simulation.n_rings - 1],
                             call->arena, call->scratch);
    g->report.cures = &g->cures;
}

/* Lines of the policy that nobody used, as `check` says it. */
static void find_unused(struct invocation *call, struct report_gather *g)
{
    struct diagnostics found = {0};
    struct check_evidence evidence = {
        .resolved = &g->file.resolved,
        .replay = &g->replay,
        .hosts = &g->list,
        .roles = &g->hosts,
    };
    if (!g->matrix.n_flows) return;
    check_evidence_of(&evidence, call->arena, call->scratch);
    check_usage(&evidence, call->arena, call->scratch, &found);
    str *lines = arena_array(call->arena, str, found.n + 1);
    for (size_t i = 0; i < found.n; i++) {
        const struct diagnostic *d = &found.items[i];
        if (!str_equal(d->kind, S("unused")) || d->file) continue;
        lines[g->report.n_unused++] =
            str_format(call->arena, "line %" PRIu32 ": %.*s", d->place.line, STR_ARG(d->text));
    }
    g->report.unused = lines;
}

/* The same reading as that of `audit`; what it has to say of the policy was said already. */
static bool load_settings(struct invocation *call, struct report_gather *g, int *status)
{
    struct audit_machines machines = {0};
    struct buf silence = buf_in(call->arena);
    struct invocation quiet = *call;
    if (g->has_policy) quiet.talk = &silence;
    if (!audit_machines_load(&quiet, HARDEN_KIND_COUNT, &machines, status)) {
        if (g->has_policy) buf_str(call->talk, buf_text(&silence));
        return false;
    }
    for (size_t i = 0; i < machines.n; i++) {
        struct arena scratch = call->scratch;
        size_t n = 0, before = g->settings.differs;
        const struct compare_row *rows =
            compare_with(&machines.policy, &machines.items[i], &scratch, &n);
        for (size_t k = 0; k < n; k++) {
            g->settings.ok += rows[k].verdict == COMPARE_OK;
            g->settings.differs += rows[k].verdict == COMPARE_DIFFERS;
            g->settings.unknown += rows[k].verdict == COMPARE_UNKNOWN;
        }
        g->settings.differing += g->settings.differs > before;
    }
    g->settings.machines = machines.n;
    g->settings.silent = machines.n_silent;
    return true;
}

/* ---- The ledger ---------------------------------------------------------------------------------
 */

struct past_reading {
    struct past *past;
    struct arena *arena;
};

static bool take_entry(void *to, const struct ledger_entry *entry)
{
    struct past_reading *reading = to;
    past_add(reading->past, entry, reading->arena);
    return true;
}

/* That of the policy's exceptions, for which the whole ledger was verified; without a policy what
 * the ledger tells. A file of exceptions is asked about instead of the ledger's. */
static bool load_book(struct invocation *call, struct report_gather *g, struct ledger *ledger,
                      struct err *err)
{
    if (option_given(call, S("exceptions"))) return true;
    g->has_book = true;
    if (g->has_policy && g->file.has_ledger) {
        g->book = g->file.book;
        return true;
    }
    return granted_read(call, ledger, call->as_of_us, &g->book, err);
}

/* Owners whom the directory knows no more. */
static bool find_leavers(struct invocation *call, struct report_gather *g, struct ledger *ledger)
{
    struct leavers leavers;
    if (!g->has_book) return true;
    if (!leavers_load(call, ledger, &leavers)) return false;
    str *orphaned = arena_array(call->arena, str, g->book.n + 1);
    for (size_t i = 0; i < g->book.n; i++) {
        str why = {0};
        if (!leavers_has_left(&leavers, g->book.items[i].owner, call->arena, &why)) continue;
        orphaned[i] = why.len ? why : S("the directory knows them no more");
    }
    g->orphaned = orphaned;
    return true;
}

static bool read_ledger(struct invocation *call, struct report_gather *g, struct ledger *ledger,
                        struct err *err)
{
    static const uint32_t kinds = 1u << LEDGER_REPORTED | 1u << LEDGER_POLICY;
    struct past_reading reading = {&g->past, call->arena};
    struct ledger_visit visit = {&reading, take_entry};
    struct ledger_entry first = {0};
    if (!ledger_each(ledger, kinds, 0, call->as_of_us, visit, err)) return false;
    if (ledger_size(ledger) && !ledger_get(ledger, 0, call->arena, &first, err)) return false;
    if (!compile_book_read(ledger, call->as_of_us, call->arena, &g->compiled, err)) return false;
    g->ledger_name = sha256_hex(call->arena, &first.hash);
    return load_book(call, g, ledger, err) && find_leavers(call, g, ledger);
}

/* A workspace without a ledger has no exceptions but those of a file. */
static bool load_ledger(struct invocation *call, struct report_gather *g, struct err *err)
{
    struct ledger *ledger = NULL;
    if (!ledger_exists(call->os, call->workspace, call->arena)) return true;
    if (!acting_ledger(call, LEDGER_READ, &ledger, err)) return false;
    bool good = read_ledger(call, g, ledger, err);
    ledger_close(ledger);
    return good;
}

static void make_register(struct invocation *call, struct report_gather *g)
{
    struct register_question question = {
        .as_of_us = call->as_of_us,
        .book = g->has_book ? &g->book : NULL,
        .policy = g->has_policy ? &g->file.policy : NULL,
        .compiled = &g->compiled,
        .uses = g->uses,
        .orphaned = g->orphaned,
    };
    g->exceptions = register_of(&question, call->arena);
    g->report.exceptions = &g->exceptions;
}

/* How the exceptions were used; not known without evidence or without a policy. */
static bool measure_use(struct invocation *call, struct report_gather *g, struct err *err)
{
    struct measured_use use = {0};
    if (!g->has_book || !g->has_policy || !g->matrix.n_flows) return true;
    size_t first = g->file.found.n;
    bool good = measured_use_of(call, &g->file, &g->book, g->workspace.store, &g->matrix, &g->list,
                                &use, err);
    policy_file_print(call->talk, call->arena, call->talk_colour, g->file.source,
                      g->file.policy.text, &g->file.found, first);
    if (!good) return false;
    g->uses = arena_array(call->arena, const struct exception_use *, g->book.n + 1);
    for (size_t i = 0; use.has_evidence && i < g->book.n; i++)
        g->uses[i] = g->book.items[i].in_force ? &use.items[i] : NULL;
    return true;
}

/* ---- The brand ----------------------------------------------------------------------------------
 */

static bool brand_diagnose(struct invocation *call, str path, str text,
                           const struct diagnostics *found)
{
    policy_file_print(call->talk, call->arena, call->talk_colour, path, text, found, 0);
    return false;
}

/* brand.yaml of the workspace, or what --brand names; its logo stands beside it. */
static bool load_brand(struct invocation *call, struct report_gather *g)
{
    enum { MOST_BYTES = 64 << 10 };
    struct err err = {0};
    struct diagnostics found = {0};
    bytes content = {0};
    bool given = option_given(call, S("brand"));
    str path = given ? option_text(call, S("brand")) : command_path(call, S("brand.yaml"));
    if (!given && call->os->kind(call->os->self, path) == OS_MISSING) return true;
    if (!os_read_all(call->os, path, MOST_BYTES, call->arena, &content, &err)) {
        (void)command_fail(call, &err);
        return false;
    }
    str text = str_of_bytes(content);
    if (!brand_parse(text, call->arena, &g->brand, &found))
        return brand_diagnose(call, path, text, &found);
    g->report.brand = &g->brand;
    if (!g->brand.logo.len) return true;
    str logo = os_join(call->arena, os_directory(path), g->brand.logo);
    bool good = os_read_all(call->os, logo, BRAND_LOGO_BYTES + 1, call->arena, &content, &err) &&
                brand_logo(&g->brand, content, call->arena, &err);
    if (good) return true;
    err_in(&err, logo);
    (void)command_fail(call, &err);
    return false;
}

/* ---- All of it ----------------------------------------------------------------------------------
 */

static void make_figures(struct invocation *call, struct report_gather *g)
{
    struct figures_question question = {
        .as_of_us = call->as_of_us,
        .matrix = &g->matrix,
        .hosts = &g->hosts,
        .replay = &g->replay,
        .resolved = g->has_policy ? &g->file.resolved : NULL,
        .decision = g->decision,
        .simulation = g->report.simulation,
        .settings = &g->settings,
        .exceptions = &g->exceptions,
    };
    g->figures = figures_of(&question, call->arena, call->scratch);
    g->grade = grade_of(&g->figures, call->arena);
    g->report.figures = &g->figures;
    g->report.grade = &g->grade;
    g->report.past = &g->past;
}

/* The last report before, or at --since; without one there is nothing to compare with. */
static void find_previous(struct invocation *call, struct report_gather *g, int64_t since_us)
{
    bool asked = since_us != INT64_MIN;
    g->report.previous = past_at(&g->past, asked ? since_us : call->as_of_us - 1);
    g->report.since_us = since_us;
    if (!asked && g->report.previous) g->report.since_us = g->report.previous->as_of_us;
}

static bool fail(struct invocation *call, struct report_gather *g, const struct err *err)
{
    if (err && err->kind != ERR_NONE) (void)command_fail(call, err); /* else it is said */
    if (g->workspace.store) store_close(g->workspace.store);
    g->workspace.store = NULL;
    return false;
}

bool report_gather_register(struct invocation *call, struct report_gather *g, int *status)
{
    struct err err = {0};
    *status = EXIT_FAILED;
    g->report.as_of_us = call->as_of_us;
    if (!workspace_open(call, &g->workspace, &err)) return fail(call, g, &err);
    if (!load_policy(call, g, status)) return fail(call, g, NULL);
    *status = EXIT_FAILED;
    g->report.as_of_us = call->as_of_us; /* a date has found its zone */
    if (!load_ledger(call, g, &err)) return fail(call, g, &err);
    make_register(call, g);
    return true;
}

bool report_gather_all(struct invocation *call, enum report_kind kind, int64_t since_us,
                       struct report_gather *g, int *status)
{
    struct err err = {0};
    g->report.kind = kind;
    if (!load_brand(call, g)) {
        *status = EXIT_FAILED;
        return false;
    }
    if (!report_gather_register(call, g, status)) return false;
    *status = EXIT_FAILED;
    if (!load_evidence(call, g, &err) || !measure_use(call, g, &err)) return fail(call, g, &err);
    store_close(g->workspace.store);
    g->workspace.store = NULL;
    g->labels = workspace_labels(&g->workspace);
    g->report.labels = &g->labels;
    if (g->has_policy) {
        simulate_policy(call, g);
        find_unused(call, g);
    }
    if (!load_settings(call, g, status)) return false;
    make_register(call, g);
    make_figures(call, g);
    find_previous(call, g, since_us);
    return true;
}
