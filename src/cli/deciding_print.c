/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/deciding_print.h"

#include "base/instant.h"
#include "cli/effects.h"

/* ---- Words --------------------------------------------------------------------------------------
 */

str deciding_print_distance(int64_t us, int64_t now_us, struct arena *arena)
{
    const int64_t hour = 3600 * INSTANT_SECOND, minute = 60 * INSTANT_SECOND;
    bool past = us < now_us;
    int64_t length = past ? now_us - us : us - now_us;
    int64_t n = length / INSTANT_DAY;
    const char *unit = "day";
    if (length < 2 * INSTANT_DAY) {
        bool hours = length >= 2 * hour;
        n = length / (hours ? hour : minute);
        unit = hours ? "hour" : "minute";
    }
    const char *plural = n == 1 ? "" : "s";
    if (past) return str_format(arena, "%" PRId64 " %s%s ago", n, unit, plural);
    return str_format(arena, "in %" PRId64 " %s%s", n, unit, plural);
}

str deciding_print_scope_text(str scope, struct arena *arena)
{
    struct scope_words words;
    struct err err = {0};
    if (!exception_entry_scope_read(scope, arena, &words, &err)) return scope;
    return exception_entry_scope_text(&words, arena);
}

str deciding_print_actor_text(const struct actor *actor, struct arena *arena)
{
    const char *clock = actor->clock_is_set ? ", clock set" : "";
    if (actor->authenticated)
        return str_format(arena, "%.*s (logged in%s)", STR_ARG(actor->person), clock);
    return str_format(arena, "%.*s (account %.*s on %.*s, not logged in%s)", STR_ARG(actor->person),
                      STR_ARG(actor->account), STR_ARG(actor->machine), clock);
}

str deciding_print_time_text(int64_t us, struct arena *arena)
{
    char text[INSTANT_TEXT];
    str whole = instant_text(text, us);
    return str_format(arena, "%.*s %.*s UTC", 10, whole.ptr, 5, whole.ptr + 11);
}

enum table_tone deciding_print_state_tone(enum book_state state)
{
    static const enum table_tone tones[BOOK_STATE_COUNT] = {
        [BOOK_PENDING] = TONE_WARN,   [BOOK_LAPSED] = TONE_DIM,  [BOOK_REJECTED] = TONE_DIM,
        [BOOK_SCHEDULED] = TONE_WARN, [BOOK_ACTIVE] = TONE_GOOD, [BOOK_EXPIRED] = TONE_DIM,
        [BOOK_REVOKED] = TONE_DIM,
    };
    return tones[state];
}

void deciding_print_json_raw(struct json *json, str text)
{
    if (!text.len) {
        json_null(json);
        return;
    }
    /* An item of a list has a comma before it, a member's value its key. */
    if (!json->after_key && json->has_items[json->depth]) buf_char(json->out, ',');
    json->has_items[json->depth] = true;
    json->after_key = false;
    buf_str(json->out, text);
}

static void member_instant(struct json *json, const char *key, int64_t us)
{
    json_key(json, str_of(key));
    if (us)
        json_instant(json, us);
    else
        json_null(json);
}

void deciding_print_json_exception(struct json *json, const struct book_exception *e)
{
    json_member_str(json, S("id"), e->id);
    json_member_str(json, S("state"), exception_book_state_text(e->state));
    json_member_bool(json, S("opens"), exception_book_opens(e));
    json_member_bool(json, S("break_glass"), e->break_glass);
    json_member_str(json, S("owner"), e->owner);
    json_member_str_or_null(json, S("deputy"), e->deputy);
    json_key(json, S("scope"));
    deciding_print_json_raw(json, e->scope);
    json_member_str(json, S("reason"), e->reason);
    json_member_str_or_null(json, S("ticket"), e->ticket);
    json_member_str_or_null(json, S("risk_note"), e->risk);
    json_member_str_or_null(json, S("control"), e->control);
    json_member_str(json, S("requested_by"), e->requested.by.person);
    member_instant(json, "requested_at", e->requested.at_us);
    member_instant(json, "starts_at", e->in_force ? e->starts_us : 0);
    json_member_str(json, S("expires"), e->expires);
    member_instant(json, "expires_at", e->expires_us);
    member_instant(json, "last_review", e->last_review_us);
    member_instant(json, "next_review", e->next_review_us);
    json_member_u64(json, S("renewals"), e->renewals);
}

/* ---- Requests -----------------------------------------------------------------------------------
 */

static void print_member(struct invocation *call, const char *what, str text, enum table_tone tone)
{
    buf_format(call->out, "  %-11s ", what);
    table_tone(call->out, text, tone, call->colour);
    buf_char(call->out, '\n');
}

static void print_head(struct deciding *d, const struct exception_entry *entry, bool saved)
{
    struct invocation *call = d->call;
    str ask = entry->ask.len ? entry->ask : S("request");
    str head = str_format(call->arena, "%.*s", STR_ARG(entry->subject));
    table_tone(call->out, head, TONE_STRONG, call->colour);
    if (entry->break_glass) {
        buf_char(call->out, ' ');
        table_tone(call->out, S("BREAK GLASS"), TONE_BAD, call->colour);
    }
    buf_format(call->out, " %.*s", STR_ARG(ask));
    if (!saved) table_tone(call->out, S(" (dry run: nothing was saved)"), TONE_WARN, call->colour);
    buf_char(call->out, '\n');
}

/* Who may not approve it, so that nobody is asked in vain. */
static str approvals_text(struct deciding *d, const struct exception_entry *entry)
{
    struct arena *arena = d->call->arena;
    const struct book_exception *e = exception_book_find(&d->book, entry->subject);
    str owner = entry->owner, deputy = entry->deputy, requester = entry->by.person;
    struct buf out = buf_in(arena);
    if (e && entry->kind == LEDGER_AMENDMENT) {
        owner = e->owner;
        deputy = e->deputy;
    }
    buf_format(&out, "%" PRIu64 " needed, not of %.*s (requester)", entry->needed,
               STR_ARG(requester));
    if (!actor_same_person(owner, requester)) buf_format(&out, ", %.*s (owner)", STR_ARG(owner));
    if (deputy.len && !actor_same_person(deputy, requester))
        buf_format(&out, ", %.*s (deputy)", STR_ARG(deputy));
    return buf_text(&out);
}

static void print_request(struct deciding *d, const struct exception_entry *entry,
                          const struct exception_effect *effect, bool saved)
{
    struct invocation *call = d->call;
    struct arena *arena = call->arena;
    print_head(d, entry, saved);
    if (entry->scope.len)
        print_member(call, "opens", deciding_print_scope_text(entry->scope, arena), TONE_PLAIN);
    if (entry->owner.len) print_member(call, "owner", entry->owner, TONE_PLAIN);
    print_member(call, "reason", entry->reason, TONE_PLAIN);
    effects_print(call, effect, call->out);
    if (entry->expires.len)
        print_member(
            call, "ends",
            str_format(arena, "%.*s (%.*s)", STR_ARG(entry->expires),
                       STR_ARG(deciding_print_distance(entry->expires_us, d->at_us, arena))),
            TONE_PLAIN);
    print_member(call, "approvals", approvals_text(d, entry), TONE_PLAIN);
    if (saved)
        print_member(call, "next",
                     str_format(arena, "sallyport exception approve %.*s", STR_ARG(entry->subject)),
                     TONE_DIM);
}

static void json_request(struct json *json, const struct exception_entry *entry,
                         const struct exception_effect *effect, const uint64_t *number,
                         struct arena *arena)
{
    json_object(json);
    json_member_str(json, S("id"), entry->subject);
    json_member_str(json, S("ask"), entry->ask.len ? entry->ask : S("request"));
    json_key(json, S("entry"));
    if (number)
        json_u64(json, *number);
    else
        json_null(json);
    json_key(json, S("scope"));
    deciding_print_json_raw(json, entry->scope);
    json_member_str_or_null(json, S("owner"), entry->owner);
    json_member_bool(json, S("break_glass"), entry->break_glass);
    json_member_str_or_null(json, S("expires"), entry->expires);
    member_instant(json, "expires_at", entry->expires_us);
    json_member_u64(json, S("needed"), entry->needed);
    json_key(json, S("risks"));
    json_array(json);
    for (size_t i = 0; i < entry->n_risks; i++)
        json_str(json, entry->risks[i]);
    json_array_end(json);
    json_key(json, S("effect"));
    deciding_print_json_raw(json, entry->effect);
    json_member_str(json, S("text"), exception_effect_text(effect, arena));
    json_object_end(json);
}

void deciding_print_requests(struct deciding *d, const struct exception_entry *entries,
                             const struct exception_effect *effects, const uint64_t *numbers,
                             size_t n)
{
    struct invocation *call = d->call;
    if (call->format != FORMAT_JSON) {
        for (size_t i = 0; i < n; i++)
            print_request(d, &entries[i], &effects[i], numbers != NULL);
        return;
    }
    struct json json = json_to(call->out);
    json_object(&json);
    json_member_bool(&json, S("saved"), numbers != NULL);
    json_key(&json, S("requests"));
    json_array(&json);
    for (size_t i = 0; i < n; i++)
        json_request(&json, &entries[i], &effects[i], numbers ? &numbers[i] : NULL, call->arena);
    json_array_end(&json);
    json_object_end(&json);
    buf_char(call->out, '\n');
}

/* ---- Decisions ----------------------------------------------------------------------------------
 */

void deciding_print_head(struct invocation *call, const struct book_exception *e)
{
    str scope = deciding_print_scope_text(e->open ? e->open->scope : e->scope, call->arena);
    table_tone(call->out, e->id, TONE_STRONG, call->colour);
    buf_char(call->out, ' ');
    if (e->break_glass) table_tone(call->out, S("BREAK GLASS "), TONE_BAD, call->colour);
    table_tone(call->out, scope, TONE_PLAIN, call->colour);
    buf_char(call->out, '\n');
}

/* "1 of 2 approvals", "active until 2026-12-01 (in 9 days)" */
static str outcome(const struct deciding *d, const struct book_exception *e)
{
    struct arena *arena = d->call->arena;
    str distance = deciding_print_distance(e->expires_us, d->at_us, arena);
    str state = exception_book_state_text(e->state);
    if (e->open)
        return str_format(arena, "%.*s; the %.*s has %zu of %" PRIu64 " approvals", STR_ARG(state),
                          STR_ARG(exception_book_ask_text(e->open->ask)), e->open->n_approvals,
                          e->open->needed);
    if (e->state == BOOK_ACTIVE || e->state == BOOK_SCHEDULED)
        return str_format(arena, "%.*s until %.*s (%.*s)", STR_ARG(state), STR_ARG(e->expires),
                          STR_ARG(distance));
    return state;
}

void deciding_print_done(struct deciding *d, const struct exception_entry *entry, uint64_t number,
                         str done)
{
    struct invocation *call = d->call;
    const struct book_exception *e = exception_book_find(&d->book, entry->subject);
    assert(e && "it was decided about");
    if (call->format == FORMAT_JSON) {
        struct json json = json_to(call->out);
        json_object(&json);
        json_member_u64(&json, S("entry"), number);
        json_member_str(&json, S("kind"), ledger_kind_text(entry->kind));
        json_member_u64(&json, S("approvals"), e->open ? e->open->n_approvals : 0);
        json_member_u64(&json, S("needed"), e->open ? e->open->needed : 0);
        deciding_print_json_exception(&json, e);
        json_object_end(&json);
        buf_char(call->out, '\n');
        return;
    }
    table_tone(call->out, e->id, TONE_STRONG, call->colour);
    buf_format(call->out, " %.*s: ", STR_ARG(done));
    table_tone(call->out, outcome(d, e), deciding_print_state_tone(e->state), call->colour);
    buf_char(call->out, '\n');
}
