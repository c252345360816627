/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/effects.h"

/* ---- Evidence -----------------------------------------------------------------------------------
 */

static bool load_evidence(struct effects *e, struct arena *arena, struct err *err)
{
    struct store *store = e->workspace.store;
    const struct host_list *hosts = &e->workspace.hosts;
    struct share_use *uses = NULL;
    struct listening_view *listenings = NULL;
    struct change_view *changes = NULL;
    size_t n_uses, n_listenings, n_changes;
    if (!store_load_matrix(store, arena, &e->matrix, err) ||
        !store_load_uses(store, arena, &uses, &n_uses, err) ||
        !store_load_listenings(store, arena, &listenings, &n_listenings, err) ||
        !store_load_changes(store, arena, &changes, &n_changes, err))
        return false;
    e->shares = roles_shares(arena, uses, n_uses, hosts, &e->n_shares);
    struct hosts_view view = roles_of(arena, hosts, &e->matrix, e->shares, e->n_shares);
    e->roles = roles_add_told(arena, view, hosts, listenings, n_listenings, changes, n_changes);
    e->has_evidence = true;
    return true;
}

bool effects_load(struct deciding *deciding, struct effects *out, int *status)
{
    struct invocation *call = deciding->call;
    struct err err = {0};
    *out = (struct effects){.deciding = deciding};
    if (call->os->kind(call->os->self, workspace_database(call)) == OS_FILE) {
        bool good = workspace_open(call, &out->workspace, &err);
        if (good) out->hosts = workspace_lookup(call, &out->workspace);
        good = good && load_evidence(out, call->arena, &err);
        if (!good) *status = command_fail(call, &err);
        if (out->workspace.store) store_close(out->workspace.store);
        out->workspace.store = NULL;
        if (!good) return false;
    }
    policy_file_set_lookup(&deciding->file, call, out->hosts);
    return true;
}

/* ---- In the policy's words ----------------------------------------------------------------------
 */

static void put_member(struct buf *out, const char *key, str value)
{
    struct json json = json_to(out);
    buf_format(out, "\"%s\":", key);
    json_str(&json, value);
    buf_char(out, ',');
}

/* A file of exceptions with one record. What is not decided yet stands there as somebody, and as
 * far away as time goes. */
static str record_of(const struct exception_entry *entry, struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_str(&out, S("{\"exceptions\":[{"));
    put_member(&out, "id", entry->subject.len ? entry->subject : S("request"));
    put_member(&out, "owner", entry->owner);
    put_member(&out, "reason", entry->reason);
    put_member(&out, "approver", S("whoever approves it"));
    put_member(&out, "expires", S("9999-12-31"));
    buf_str(&out, str_tail(entry->scope, 1));
    buf_str(&out, S("]}\n"));
    return buf_text(&out);
}

bool effects_parse(struct deciding *d, const struct exception_entry *entry,
                   const struct exception **out, int *status)
{
    struct policy_file *file = &d->file;
    struct invocation *call = d->call;
    struct source_text *source = arena_new(call->arena, struct source_text);
    size_t n = 0, first = file->found.n;
    *source = (struct source_text){S("request"), record_of(entry, call->arena)};
    bool good =
        exceptions_parse(source, &file->policy, d->zone, call->arena, out, &n, &file->found);
    policy_file_print(call->talk, call->arena, call->talk_colour, file->source, file->policy.text,
                      &file->found, first);
    if (!good) *status = EXIT_FAILED;
    return good && n == 1;
}

/* ---- Questions ----------------------------------------------------------------------------------
 */

static bool ask(const struct effects *e, const struct effect_question *question,
                struct exception_effect *out, int *status)
{
    struct invocation *call = e->deciding->call;
    struct policy_file *file = &e->deciding->file;
    struct effect_question whole = *question;
    size_t first = file->found.n;
    whole.lookup = &file->lookup;
    whole.as_of_us = call->now_us;
    whole.governance = &e->deciding->governance;
    if (e->has_evidence) {
        whole.matrix = &e->matrix;
        whole.hosts = &e->roles;
        whole.shares = e->shares;
        whole.n_shares = e->n_shares;
    }
    bool good = exception_effect(&whole, call->arena, call->scratch, out, &file->found);
    policy_file_print(call->talk, call->arena, call->talk_colour, file->source, file->policy.text,
                      &file->found, first);
    if (!good) *status = EXIT_FAILED;
    return good;
}

bool effects_ask(const struct effects *e, const struct exception *exception, str without,
                 struct exception_effect *out, int *status)
{
    struct arena *arena = e->deciding->call->arena;
    struct policy policy = e->deciding->file.policy;
    struct exception *others = arena_array(arena, struct exception, policy.n_exceptions + 1);
    size_t n = 0;
    for (size_t i = 0; i < policy.n_exceptions; i++)
        if (!without.len || !str_equal(policy.exceptions[i].id, without))
            others[n++] = policy.exceptions[i];
    policy.exceptions = others;
    policy.n_exceptions = n;
    return ask(e, &(struct effect_question){.policy = &policy, .exception = exception}, out,
               status);
}

bool effects_widens(const struct effects *e, const struct exception *narrower,
                    const struct exception *wider, str *how, int *status)
{
    struct arena *arena = e->deciding->call->arena;
    struct policy policy = e->deciding->file.policy;
    struct exception_effect effect;
    /* Of what holds, the wider one alone: what an entry allows today may go tomorrow. */
    struct exception alone = *wider;
    alone.starts_us = INT64_MIN;
    alone.expires_us = INT64_MAX;
    policy.n_allow = 0;
    policy.exceptions = &alone;
    policy.n_exceptions = 1;
    struct effect_question question = {.policy = &policy, .exception = narrower};
    *how = (str){0};
    if (!ask(e, &question, &effect, status)) return true;
    *status = EXIT_NO;
    if (effect.undecidable.len)
        *how = str_format(arena, "whether it opens more can't be told: %.*s",
                          STR_ARG(effect.undecidable));
    else if (effect.pairs_allowed == UINT64_MAX)
        *how = S("it would open more than there is to count");
    else if (effect.pairs_allowed)
        *how = str_format(arena, "it would open %" PRIu64 " host pairs that it does not open now",
                          effect.pairs_allowed);
    return how->len > 0;
}

/* ---- Printing -----------------------------------------------------------------------------------
 */

static void print_line(struct invocation *call, struct buf *out, const char *what, str text,
                       enum table_tone tone)
{
    bool colour = out == call->out ? call->colour : call->talk_colour;
    buf_format(out, "  %-11s ", what);
    table_tone(out, text, tone, colour);
    buf_char(out, '\n');
}

void effects_print(struct invocation *call, const struct exception_effect *effect, struct buf *out)
{
    struct arena *arena = call->arena;
    struct scope_words words;
    struct err err = {0};
    print_line(call, out, "effect", exception_effect_text(effect, arena), TONE_STRONG);
    if (effect->undecidable.len) print_line(call, out, "unknown", effect->undecidable, TONE_WARN);
    if (effect->narrowest.len && exception_entry_scope_read(effect->narrowest, arena, &words, &err))
        print_line(call, out, "narrowest", exception_entry_scope_text(&words, arena), TONE_GOOD);
    for (size_t i = 0; i < effect->n_risks; i++)
        print_line(call, out, "risk", effect->risks[i], TONE_BAD);
}
