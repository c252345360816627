/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/exception_items.h"

bool exception_items_load(struct deciding *d, str path, const struct exception **out, size_t *n,
                          int *status)
{
    struct invocation *call = d->call;
    struct policy_file *file = &d->file;
    struct source_text *source = arena_new(call->arena, struct source_text);
    struct err err = {0};
    bytes content = {0};
    size_t first = file->found.n;
    *status = EXIT_FAILED;
    if (!os_read_all(call->os, path, LIMIT_POLICY_BYTES, call->arena, &content, &err)) {
        (void)command_fail(call, &err);
        return false;
    }
    *source = (struct source_text){path, str_of_bytes(content)};
    bool good = exceptions_parse(source, &file->policy, d->zone, call->arena, out, n, &file->found);
    policy_file_print(call->talk, call->arena, call->talk_colour, file->source, file->policy.text,
                      &file->found, first);
    if (good)
        buf_format(call->talk,
                   "%.*s: who approved them there does not count: each is requested anew\n",
                   STR_ARG(path));
    return good;
}

/* ---- Words --------------------------------------------------------------------------------------
 */

static str word_of(const struct policy *policy, const struct selector *s, struct arena *arena)
{
    char text[PREFIX_TEXT];
    switch (s->kind) {
    case SELECT_SEGMENT:
        return policy->segments[s->index].name;
    case SELECT_GROUP:
        return policy->groups[s->index].name;
    case SELECT_BUILTIN:
        return builtin_text((enum builtin)s->index);
    case SELECT_PREFIX:
        break;
    }
    return str_copy(arena, prefix_text(text, s->prefix));
}

static const str *words_of(const struct policy *policy, const struct selectors *list,
                           struct arena *arena)
{
    str *words = arena_array(arena, str, list->n + 1);
    for (size_t i = 0; i < list->n; i++)
        words[i] = word_of(policy, &list->items[i], arena);
    return words;
}

static str scope_of(const struct policy *policy, const struct entry *entry, struct arena *arena)
{
    str *services = arena_array(arena, str, entry->n_services + 1);
    for (size_t i = 0; i < entry->n_services; i++)
        services[i] = policy->services.services[entry->services[i]].name;
    struct scope_words words = {
        .from = words_of(policy, &entry->from, arena),
        .n_from = entry->from.n,
        .to = words_of(policy, &entry->to, arena),
        .n_to = entry->to.n,
        .service = services,
        .n_service = entry->n_services,
        .secure = secure_text(entry->secure),
        .name = entry->name,
    };
    return exception_entry_scope_json(&words, arena);
}

/* ---- Requests -----------------------------------------------------------------------------------
 */

bool exception_items_entry(struct deciding *d, const struct exception *e,
                           struct exception_entry *out, int *status)
{
    struct err err = {0};
    if (e->entry.n_secure_computers) {
        err_line(&err, ERR_UNSUPPORTED, e->entry.place.line, e->entry.place.column,
                 "expected no computers in secure: an exception of the ledger authorises the "
                 "default ones");
        err_in(&err, e->file->name);
        *status = command_fail(d->call, &err);
        return false;
    }
    out->kind = LEDGER_REQUESTED;
    out->scope = scope_of(&d->file.policy, &e->entry, d->call->arena);
    out->owner = e->owner;
    out->deputy = e->deputy;
    out->reason = e->reason;
    out->ticket = e->ticket;
    out->starts = e->starts;
    out->has_starts_at = e->starts.len > 0;
    out->starts_us = e->starts.len ? e->starts_us : 0;
    out->expires = e->expires;
    out->has_expires_at = true;
    out->expires_us = e->expires_us;
    return true;
}
