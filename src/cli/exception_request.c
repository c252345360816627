/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/deciding_print.h"
#include "cli/effects.h"
#include "cli/exception_items.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct deciding_right right = {
    .roles = PEOPLE_ROLE(OPERATOR),
    .what = T("requesting an exception"),
};

/* ---- One request of the command line ------------------------------------------------------------
 */

static bool read_times(struct deciding *d, struct exception_entry *entry, int *status)
{
    struct invocation *call = d->call;
    struct err err = {0};
    str expires = option_text(call, S("expires")), starts = option_text(call, S("starts"));
    entry->has_expires_at = true;
    entry->has_starts_at = option_given(call, S("starts"));
    bool good = !entry->has_starts_at ||
                deciding_time(d, starts, false, 0, &entry->starts, &entry->starts_us, &err);
    int64_t from_us = entry->starts_us > call->now_us ? entry->starts_us : call->now_us;
    good =
        good && deciding_time(d, expires, true, from_us, &entry->expires, &entry->expires_us, &err);
    if (!good) *status = command_fail(call, &err);
    return good;
}

/* --review 14d: whole days. */
static bool read_review(struct deciding *d, struct exception_entry *entry, int *status)
{
    enum { DAY_S = 86400 };
    struct err err = {0};
    uint64_t every_s = d->governance.review_s;
    str text = option_text(d->call, S("review"));
    if (text.len && !reading_duration_parse(text, &every_s)) {
        err_set(&err, ERR_USAGE, "--review takes a duration such as 14d, not \"%.*s\"",
                STR_ARG(text));
        *status = command_fail(d->call, &err);
        return false;
    }
    entry->review_days = (every_s + DAY_S - 1) / DAY_S;
    return true;
}

static bool read_words(struct deciding *d, struct exception_entry *entry, int *status)
{
    struct invocation *call = d->call;
    entry->scope = deciding_scope(call);
    entry->deputy = option_text(call, S("deputy"));
    entry->ticket = option_text(call, S("ticket"));
    entry->risk_note = option_text(call, S("risk-note"));
    entry->control = option_text(call, S("control"));
    entry->break_glass = option_flag(call, S("break-glass"));
    return deciding_text(d, S("owner"), &entry->owner, status) &&
           deciding_text(d, S("reason"), &entry->reason, status) &&
           deciding_text(d, S("expires"), &entry->expires, status) &&
           read_times(d, entry, status) && read_review(d, entry, status);
}

/* ---- Asking and saving --------------------------------------------------------------------------
 */

/* What the engine finds of it: the effect that is kept with it, the risks, the approvals. */
static bool add_effect(const struct effects *effects, struct exception_entry *entry,
                       const struct exception *exception, struct exception_effect *effect,
                       int *status)
{
    struct deciding *d = effects->deciding;
    if (!effects_ask(effects, exception, (str){0}, effect, status)) return false;
    entry->effect = exception_effect_json(effect, d->call->arena);
    entry->risks = effect->risks;
    entry->n_risks = effect->n_risks;
    entry->needed = exception_rules_needed(&d->governance, effect->n_risks, entry->break_glass);
    return true;
}

/* Id, actor and time are known when nobody else writes any more. */
static struct exception_entry completed(const struct deciding *d,
                                        const struct exception_entry *draft, uint64_t number)
{
    struct exception_entry known =
        deciding_entry(d, LEDGER_REQUESTED, exception_rules_id(number, d->call->arena));
    struct exception_entry entry = *draft;
    entry.kind = known.kind;
    entry.subject = known.subject;
    entry.by = known.by;
    entry.time_us = known.time_us;
    entry.policy = known.policy;
    entry.owner = deciding_person(d, entry.owner);
    entry.deputy = deciding_person(d, entry.deputy);
    return entry;
}

/* All of them or none. */
static bool save_all(struct deciding *d, const struct exception_entry *entries, size_t n,
                     uint64_t *numbers, int *status)
{
    for (size_t i = 0; i < n; i++)
        if (!deciding_append(d, &entries[i], &numbers[i], status)) return false;
    return deciding_commit(d, status);
}

static int save(struct deciding *d, struct exception_entry *entries,
                const struct exception_effect *effects, size_t n)
{
    int status = EXIT_FINE;
    bool dry_run = option_flag(d->call, S("dry-run"));
    uint64_t *numbers = arena_array(d->call->arena, uint64_t, n + 1);
    if (!deciding_begin(d, &status)) return status;
    uint64_t last_id = d->book.last_id;
    for (size_t i = 0; i < n; i++) {
        entries[i] = completed(d, &entries[i], last_id + 1 + i);
        d->book.last_id = last_id + i;
        if (!deciding_may(d, &right, &entries[i], !dry_run, &status)) return status;
    }
    if (!dry_run && !save_all(d, entries, n, numbers, &status)) return status;
    deciding_print_requests(d, entries, effects, dry_run ? NULL : numbers, n);
    return EXIT_FINE;
}

static int request_one(struct deciding *d, const struct effects *effects)
{
    struct exception_entry entry = {.kind = LEDGER_REQUESTED};
    struct exception_effect effect;
    const struct exception *exception = NULL;
    int status = EXIT_FAILED;
    if (!read_words(d, &entry, &status)) return status;
    if (!effects_parse(d, &entry, &exception, &status)) return status;
    if (!add_effect(effects, &entry, exception, &effect, &status)) return status;
    return save(d, &entry, &effect, 1);
}

/* ---- A file of them -----------------------------------------------------------------------------
 */

static int request_file(struct deciding *d, const struct effects *effects)
{
    const struct exception *exceptions = NULL;
    size_t n = 0;
    int status = EXIT_FAILED;
    if (!exception_items_load(d, option_text(d->call, S("file")), &exceptions, &n, &status))
        return status;
    struct exception_entry *entries = arena_array(d->call->arena, struct exception_entry, n + 1);
    struct exception_effect *found = arena_array(d->call->arena, struct exception_effect, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (!read_review(d, &entries[i], &status) ||
            !exception_items_entry(d, &exceptions[i], &entries[i], &status) ||
            !add_effect(effects, &entries[i], &exceptions[i], &found[i], &status))
            return status;
    }
    return save(d, entries, found, n);
}

static int run(struct invocation *call)
{
    struct deciding *d = arena_new(call->arena, struct deciding);
    struct effects *effects = arena_new(call->arena, struct effects);
    int status = EXIT_FAILED;
    bool good = deciding_open(call, true, d, &status) && effects_load(d, effects, &status);
    if (good)
        status = option_given(call, S("file")) ? request_file(d, effects) : request_one(d, effects);
    deciding_end(d);
    return status;
}

static const struct option options[] = {
    FROM_ROW,
    TO_ROW,
    SERVICE_ROW,
    SECURE_ROW,
    {.name = T("name"),
      .type = OPTION_TEXT,
      .value = T("TEXT"),
      .help = T("what it is called in rules")                                 },
    {.name = T("owner"),
      .type = OPTION_TEXT,
      .value = T("PERSON"),
      .help = T("who answers for it")                                         },
    {.name = T("deputy"),
      .type = OPTION_TEXT,
      .value = T("PERSON"),
      .help = T("who answers for it while the owner can't")                   },
    REASON_ROW,
    {.name = T("ticket"),
      .type = OPTION_TEXT,
      .value = T("TEXT"),
      .help = T("where it was asked for")                                     },
    {.name = T("risk-note"),
      .type = OPTION_TEXT,
      .value = T("TEXT"),
      .help = T("what could go wrong")                                        },
    {.name = T("control"),
      .type = OPTION_TEXT,
      .value = T("TEXT"),
      .help = T("what makes up for it meanwhile")                             },
    {.name = T("starts"),
      .type = OPTION_TEXT,
      .value = T("TIME"),
      .help = T("a date or an RFC 3339 instant; default: when it is approved")},
    EXPIRES_ROW,
    {.name = T("review"),
      .type = OPTION_TEXT,
      .value = T("DURATION"),
      .help = T("the time between two looks at it; default: the policy's")    },
    {.name = T("break-glass"),
      .type = OPTION_FLAG,
      .help = T("an emergency: one approver whatever the risks, a short life, no renewal, a review "
               "the next day")                                 },
    {.name = T("file"),
      .type = OPTION_TEXT,
      .value = T("FILE"),
      .help = T("a file of exceptions: each becomes a request")             },
    DRY_RUN_ROW,
};

static const struct example examples[] = {
    {T("sallyport exception request --from clients --to 10.20.0.21 --service smb --owner alice "
       "--reason \"scanner with old firmware\" --expires 14d"),
     T("Ask for two weeks; what it would open is shown, and who has to approve")},
    {T("sallyport exception request --file exceptions.yaml --dry-run"),
     T("What the exceptions of a file would open")                              },
};

const struct command exception_request_command = {
    .name = T("exception request"),
    .summary = T("Ask for something to be let through for a while"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details =
        T("Nothing is open before somebody else has approved it (\"exception approve\"), and "
          "nothing stays open after its end. What it would open is decided by the engine that "
          "decides the policy, with what the evidence says of its use, and kept with the "
          "request.\n\nA request that breaks a rule of the policy's governance is refused "
          "(exit status 1), and that is kept, too."),
    .run = run,
};
