/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/amending.h"

#include "cli/deciding_print.h"
#include "cli/effects.h"

/* The exception as it would be, and as it is. */
struct sides {
    const struct exception *after, *before;
};

static bool parse_sides(struct deciding *d, const struct book_exception *e,
                        const struct amending *amending, struct sides *out, int *status)
{
    struct exception_entry side = {
        .subject = e->id, .owner = e->owner, .reason = e->reason, .scope = e->scope};
    bool has_scope = amending->entry.scope.len > 0;
    if (has_scope && !effects_parse(d, &side, &out->before, status)) return false;
    if (has_scope) side.scope = amending->entry.scope;
    return effects_parse(d, &side, &out->after, status);
}

static struct exception_entry completed(const struct deciding *d, const struct book_exception *e,
                                        const struct amending *amending,
                                        const struct exception_effect *effect)
{
    struct exception_entry entry = deciding_entry(d, LEDGER_AMENDMENT, e->id);
    const struct exception_entry *asked = &amending->entry;
    entry.ask = exception_book_ask_text(amending->ask);
    entry.scope = asked->scope;
    entry.reason = asked->reason;
    entry.expires = asked->expires;
    entry.expires_us = asked->expires_us;
    entry.has_expires_at = asked->has_expires_at;
    entry.risks = effect->risks;
    entry.n_risks = effect->n_risks;
    entry.effect = exception_effect_json(effect, d->call->arena);
    entry.needed = exception_rules_needed(&d->governance, effect->n_risks, e->break_glass);
    return entry;
}

/* how : why the scope does not narrow; empty = it does, or none was given */
static int save(struct deciding *d, const struct amending *amending,
                const struct exception_effect *effect, str how)
{
    const struct book_exception *e = NULL;
    bool dry_run = option_flag(d->call, S("dry-run"));
    uint64_t number = 0;
    int status = EXIT_FAILED;
    if (!deciding_begin(d, &status) || !deciding_find(d, &e, &status)) return status;
    struct exception_entry entry = completed(d, e, amending, effect);
    if (!deciding_may(d, amending->right, &entry, !dry_run, &status)) return status;
    if (how.len) {
        deciding_refuse(d, &entry, how, !dry_run, &status);
        return status;
    }
    if (!dry_run && (!deciding_append(d, &entry, &number, &status) || !deciding_commit(d, &status)))
        return status;
    deciding_print_requests(d, &entry, effect, dry_run ? NULL : &number, 1);
    return EXIT_FINE;
}

int amending_save(struct deciding *d, const struct book_exception *e,
                  const struct amending *amending)
{
    struct effects *effects = arena_new(d->call->arena, struct effects);
    struct exception_effect effect;
    struct sides sides = {0};
    int status = EXIT_FAILED;
    str how = {0};
    if (!effects_load(d, effects, &status) || !parse_sides(d, e, amending, &sides, &status) ||
        !effects_ask(effects, sides.after, e->id, &effect, &status))
        return status;
    if (sides.before && effects_widens(effects, sides.after, sides.before, &how, &status) &&
        !how.len)
        return status;
    return save(d, amending, &effect, how);
}
