/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/deciding_print.h"
#include "cli/effects.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* What is known before the transaction: the request that waits, and what it opens now. */
struct approval {
    const struct book_request *open;
    struct exception_effect effect;
    str effect_json;
};

/* What the request would open today, beside what was shown when it was made. */
static bool ask_again(const struct effects *effects, const struct book_exception *e,
                      struct approval *out, int *status)
{
    struct deciding *d = effects->deciding;
    struct invocation *call = d->call;
    const struct exception_entry entry = {
        .subject = e->id, .owner = e->owner, .reason = e->reason, .scope = e->open->scope};
    const struct exception *exception = NULL;
    if (!effects_parse(d, &entry, &exception, status)) return false;
    if (!effects_ask(effects, exception, e->id, &out->effect, status)) return false;
    out->open = e->open;
    out->effect_json = exception_effect_json(&out->effect, call->arena);
    if (e->open->effect.len && !str_equal(e->open->effect, out->effect_json)) {
        table_tone(call->talk, S("what it opens has changed since it was requested"), TONE_WARN,
                   call->talk_colour);
        buf_char(call->talk, '\n');
    }
    return true;
}

/* A narrowing is one by the policy of now, too. */
static bool still_narrows(const struct effects *effects, const struct book_exception *e,
                          int *status)
{
    struct invocation *call = effects->deciding->call;
    const struct exception *wider = NULL, *narrower = NULL;
    const struct exception_entry sides[] = {
        {.subject = e->id, .owner = e->owner, .reason = e->reason, .scope = e->scope      },
        {.subject = e->id, .owner = e->owner, .reason = e->reason, .scope = e->open->scope},
    };
    struct err err = {0};
    str how = {0};
    if (e->open->ask != BOOK_NARROWING) return true;
    if (!effects_parse(effects->deciding, &sides[0], &wider, status) ||
        !effects_parse(effects->deciding, &sides[1], &narrower, status))
        return false;
    if (!effects_widens(effects, narrower, wider, &how, status)) return true;
    if (!how.len) return false;
    err_set(&err, ERR_REFUSED, "it does not narrow any more: %.*s", STR_ARG(how));
    *status = acting_fail(call, &err);
    return false;
}

static int approve(struct deciding *d, const struct approval *known)
{
    static const struct deciding_right right = {
        .roles = PEOPLE_ROLE(APPROVER),
        .what = T("approving an exception"),
    };
    struct invocation *call = d->call;
    const struct book_exception *e = NULL;
    int status = EXIT_FAILED;
    if (!deciding_begin(d, &status) || !deciding_find(d, &e, &status)) return status;
    struct exception_entry entry = deciding_entry(d, LEDGER_APPROVED, e->id);
    entry.note = option_text(call, S("note"));
    entry.request = e->open ? e->open->act.entry : 0;
    entry.needed = exception_rules_needed(&d->governance, known->effect.n_risks, e->break_glass);
    if (e->open && e->open->needed > entry.needed) entry.needed = e->open->needed;
    entry.effect = known->effect_json;
    /* Who looked at it a while ago says what they looked at; nobody approves what came since. */
    uint64_t shown = known->open ? known->open->act.entry : 0;
    bool is_other = option_given(call, S("entry")) && option_count(call, S("entry")) != shown;
    if (entry.request && (is_other || shown != entry.request)) {
        struct err err = {0};
        err_set(&err, ERR_CONFLICT, "%.*s has changed meanwhile: look at it again", STR_ARG(e->id));
        return command_fail(call, &err);
    }
    if (!option_flag(call, S("dry-run"))) return deciding_decide(d, &right, &entry, S("approved"));
    return deciding_may(d, &right, &entry, false, &status) ? EXIT_FINE : status;
}

static int run(struct invocation *call)
{
    struct deciding *d = arena_new(call->arena, struct deciding);
    struct effects *effects = arena_new(call->arena, struct effects);
    struct approval known = {0};
    const struct book_exception *e = NULL;
    int status = EXIT_FAILED;
    bool good = deciding_open(call, true, d, &status) && deciding_find(d, &e, &status);
    /* Without an open request the rules say what is wrong. */
    if (good && e->open) {
        good = effects_load(d, effects, &status) && ask_again(effects, e, &known, &status) &&
               still_narrows(effects, e, &status);
        if (good && call->format == FORMAT_TEXT) {
            deciding_print_head(call, e);
            effects_print(call, &known.effect, call->out);
        }
    }
    if (good) status = approve(d, &known);
    deciding_end(d);
    return status;
}

static const struct option options[] = {
    {.name = T("note"),
     .type = OPTION_TEXT,
     .value = T("TEXT"),
     .help = T("what you want to have said about it")                                      },
    { .name = T("entry"),
     .type = OPTION_COUNT,
     .value = T("N"),
     .fallback = T("0"),
     .high = UINT32_MAX,
     .help = T("only while what waits is this entry, the one that exception show told you")},
    DRY_RUN_ROW,
};

static const struct example examples[] = {
    {T("sallyport exception approve EX-1 --note \"until the new firmware\""), T("Approve it")                     },
    {T("sallyport exception show EX-1"),                                      T("What it would open, before that")},
};

const struct command exception_approve_command = {
    .name = T("exception approve"),
    .summary = T("Let a request be"),
    .arguments = T("ID"),
    .least_arguments = 1,
    .most_arguments = 1,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("Nobody approves what they requested, own or are the deputy of, administrators "
                 "included, and nobody twice; one system account counts as one person where "
                 "somebody had not logged in. What it opens is worked out again with the policy of "
                 "now: when it is more of a risk than it was, more approvals are needed."),
    .run = run,
};
