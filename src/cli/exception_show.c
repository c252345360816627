/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that the ledger says of one exception: what it is now, and each entry about it. */
#include "base/instant.h"
#include "cli/booked.h"
#include "cli/deciding_print.h"
#include "cli/granted.h"
#include "cli/measured_use.h"
#include "ledger/entry_text.h"
#include "ledger/exception_entry.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* ---- History ------------------------------------------------------------------------------------
 */

/* One entry about it, in words. */
struct event {
    uint64_t entry;
    int64_t time_us;
    enum ledger_kind kind;
    struct actor by;
    str text;
    str passed_over; /* why it changed nothing; empty = it did */
};

struct history {
    struct arena *arena;
    const struct exception_book *book;
    str id;
    struct event *events;
    size_t n, room;
};

static str fault_of(const struct exception_book *book, uint64_t entry)
{
    for (size_t i = 0; i < book->n_faults; i++)
        if (book->faults[i].entry == entry) return book->faults[i].text;
    return (str){0};
}

static str words_of(const struct exception_entry *e, struct arena *arena)
{
    switch ((int)e->kind) {
    case LEDGER_AMENDMENT:
        if (e->scope.len)
            return str_format(arena, "%.*s to %.*s: %.*s", STR_ARG(e->ask),
                              STR_ARG(deciding_print_scope_text(e->scope, arena)),
                              STR_ARG(e->reason));
        return str_format(arena, "%.*s until %.*s: %.*s", STR_ARG(e->ask), STR_ARG(e->expires),
                          STR_ARG(e->reason));
    case LEDGER_TRANSFERRED:
        return str_format(arena, "to %.*s%s%.*s", STR_ARG(e->owner), e->reason.len ? ": " : "",
                          STR_ARG(e->reason));
    case LEDGER_REVIEWED:
        return str_format(arena, "%.*s%s%.*s", STR_ARG(e->decision), e->note.len ? ": " : "",
                          STR_ARG(e->note));
    case LEDGER_APPROVED:
        return e->note;
    default:
        return e->reason;
    }
}

/* A refusal is no entry of a book; its sentence stands in its data. */
static bool read_event(struct history *h, const struct ledger_entry *entry, struct event *out)
{
    struct exception_entry e;
    struct err err = {0};
    str data = {0};
    if (entry->kind == LEDGER_REFUSED) {
        str body = str_copy(h->arena, entry->body);
        if (!actor_of_entry(body, h->arena, &out->by, &data, &err)) return false;
        str kind = entry_text_member(data, S("kind"), h->arena);
        str why = entry_text_member(data, S("why"), h->arena);
        out->text = str_format(h->arena, "%.*s: %.*s", STR_ARG(kind), STR_ARG(why));
        return true;
    }
    if (!exception_entry_read(entry, h->arena, &e, &err)) return false;
    out->by = e.by;
    out->text = words_of(&e, h->arena);
    return true;
}

static bool visit(void *to, const struct ledger_entry *entry)
{
    struct history *h = to;
    struct event event = {.entry = entry->number, .time_us = entry->time_us, .kind = entry->kind};
    if (!str_equal(entry->subject, h->id)) return true;
    event.passed_over = fault_of(h->book, entry->number);
    if (!read_event(h, entry, &event) && !event.passed_over.len)
        event.passed_over = S("it can't be read");
    arena_grow(h->arena, h->events, h->n, h->room);
    h->events[h->n++] = event;
    return true;
}

static bool read_history(struct invocation *call, struct ledger *ledger, struct history *out)
{
    const uint32_t kinds =
        (EXCEPTION_ENTRY_KINDS & ~(UINT32_C(1) << LEDGER_POLICY)) | UINT32_C(1) << LEDGER_REFUSED;
    struct err err = {0};
    if (ledger_each(ledger, kinds, 0, granted_until(call, call->as_of_us),
                    (struct ledger_visit){out, visit}, &err))
        return true;
    (void)command_fail(call, &err);
    return false;
}

/* ---- Use ----------------------------------------------------------------------------------------
 */

/* How it was used, as the workspace's evidence tells in the policy's words; NULL where one of them
 * is not there, or does not hold now: the commands that are for that say why. */
static const struct exception_use *use_of(struct invocation *call, const struct book_exception *e)
{
    struct policy_file *file = arena_new(call->arena, struct policy_file);
    struct buf unsaid = buf_in(call->arena);
    struct invocation quiet = *call;
    struct measured_use use = {0};
    struct err err = {0};
    int status = EXIT_FINE;
    quiet.talk = &unsaid;
    if (!e->in_force ||
        call->os->kind(call->os->self, command_path(call, S("policy.yaml"))) != OS_FILE)
        return NULL;
    if (!policy_file_load(&quiet, file, &status) ||
        !policy_file_resolve(&quiet, file, NULL, true, &status) ||
        !measured_use_of_workspace(&quiet, file, &file->book, &use, &err))
        return NULL;
    const struct book_exception *same = exception_book_find(&file->book, e->id);
    return same && use.items ? &use.items[same - file->book.items] : NULL;
}

/* ---- Text ---------------------------------------------------------------------------------------
 */

static void line(struct invocation *call, const char *what, str text, enum table_tone tone)
{
    if (!text.len) return;
    buf_format(call->out, "  %-11s ", what);
    table_tone(call->out, text, tone, call->colour);
    buf_char(call->out, '\n');
}

static str when(struct invocation *call, int64_t us)
{
    struct arena *arena = call->arena;
    return str_format(arena, "%.*s (%.*s)", STR_ARG(deciding_print_time_text(us, arena)),
                      STR_ARG(deciding_print_distance(us, call->as_of_us, arena)));
}

static void print_state(struct invocation *call, const struct book_exception *e)
{
    enum table_tone tone = deciding_print_state_tone(e->state);
    table_tone(call->out, e->id, TONE_STRONG, call->colour);
    buf_char(call->out, ' ');
    if (e->break_glass)
        table_tone(call->out, S("BREAK GLASS "), booked_is_alarm(e) ? TONE_BAD : TONE_DIM,
                   call->colour);
    table_tone(call->out, exception_book_state_text(e->state), tone, call->colour);
    buf_char(call->out, '\n');
}

static str effect_text(const struct book_request *request, struct arena *arena)
{
    return request->effect.len ? entry_text_member(request->effect, S("text"), arena) : (str){0};
}

static void print_request(struct invocation *call, const struct book_request *r)
{
    struct arena *arena = call->arena;
    str ask = exception_book_ask_text(r->ask);
    line(call, "waits",
         str_format(arena, "the %.*s of %.*s (entry %" PRIu64 ") has %zu of %" PRIu64 " approvals",
                    STR_ARG(ask), STR_ARG(r->act.by.person), r->act.entry, r->n_approvals,
                    r->needed),
         TONE_WARN);
    if (r->ask == BOOK_NARROWING)
        line(call, "to", deciding_print_scope_text(r->scope, arena), TONE_WARN);
    if (r->ask == BOOK_RENEWAL) line(call, "until", r->expires, TONE_WARN);
    line(call, "it opens", effect_text(r, arena), TONE_PLAIN);
    for (size_t i = 0; i < r->n_risks; i++)
        line(call, "risk", r->risks[i], TONE_BAD);
}

static str approvers(const struct book_exception *e, struct arena *arena)
{
    struct buf out = buf_in(arena);
    for (size_t i = 0; e->in_force && i < e->in_force->n_approvals; i++) {
        if (i) buf_str(&out, S(", "));
        buf_str(&out, deciding_print_actor_text(&e->in_force->approvals[i].by, arena));
    }
    return buf_text(&out);
}

static void print_what(struct invocation *call, const struct book_exception *e)
{
    struct arena *arena = call->arena;
    line(call, "opens", deciding_print_scope_text(e->scope, arena), TONE_PLAIN);
    line(call, "owner", e->owner, TONE_PLAIN);
    line(call, "deputy", e->deputy, TONE_PLAIN);
    line(call, "reason", e->reason, TONE_PLAIN);
    line(call, "ticket", e->ticket, TONE_PLAIN);
    line(call, "risk note", e->risk, TONE_PLAIN);
    line(call, "control", e->control, TONE_PLAIN);
    line(call, "approved by", approvers(e, arena), TONE_PLAIN);
    if (e->in_force) {
        line(call, "begins", when(call, e->starts_us), TONE_PLAIN);
        line(call, "effect", effect_text(e->in_force, arena), TONE_PLAIN);
    }
    line(call, "ends", when(call, e->expires_us), TONE_PLAIN);
    if (e->next_review_us)
        line(call, "next review", when(call, e->next_review_us),
             e->next_review_us <= call->as_of_us ? TONE_BAD : TONE_PLAIN);
    if (e->open) print_request(call, e->open);
}

static void print_event(struct invocation *call, const struct event *event)
{
    struct arena *arena = call->arena;
    bool counts = !event->passed_over.len && event->kind != LEDGER_REFUSED;
    str head = str_format(arena, "%.*s  entry %-5" PRIu64 " %-29.*s",
                          STR_ARG(deciding_print_time_text(event->time_us, arena)), event->entry,
                          STR_ARG(ledger_kind_text(event->kind)));
    buf_str(call->out, S("  "));
    table_tone(call->out, head, counts ? TONE_PLAIN : TONE_DIM, call->colour);
    table_tone(call->out, deciding_print_actor_text(&event->by, arena),
               event->by.authenticated ? TONE_PLAIN : TONE_WARN, call->colour);
    if (event->text.len) {
        buf_str(call->out, S(": "));
        table_tone(call->out, event->text, TONE_PLAIN, call->colour);
    }
    buf_char(call->out, '\n');
    if (event->passed_over.len)
        line(call, "", str_format(arena, "passed over: %.*s", STR_ARG(event->passed_over)),
             TONE_BAD);
}

static void print_use(struct invocation *call, const struct exception_use *use)
{
    struct arena *arena = call->arena;
    bool is_alarm = use->passed_after > 0;
    line(call, "use", exception_use_text(use, arena), is_alarm ? TONE_BAD : TONE_PLAIN);
    line(call, "proposal",
         str_format(arena, "%.*s: %.*s", STR_ARG(exception_use_proposal_text(use->proposal)),
                    STR_ARG(use->because)),
         TONE_PLAIN);
}

static void print_text(struct invocation *call, const struct book_exception *e,
                       const struct history *history)
{
    const struct exception_use *use = use_of(call, e);
    print_state(call, e);
    print_what(call, e);
    if (use) print_use(call, use);
    buf_str(call->out, S("history\n"));
    for (size_t i = 0; i < history->n; i++)
        print_event(call, &history->events[i]);
}

/* ---- JSON ---------------------------------------------------------------------------------------
 */

static void json_act(struct json *json, const char *key, const struct book_act *act,
                     struct arena *arena)
{
    if (key) json_key(json, str_of(key));
    if (!act->at_us) {
        json_null(json);
        return;
    }
    json_object(json);
    json_key(json, S("by"));
    deciding_print_json_raw(json, actor_json(&act->by, arena));
    json_key(json, S("at"));
    json_instant(json, act->at_us);
    json_member_u64(json, S("entry"), act->entry);
    json_member_str_or_null(json, S("note"), act->note);
    json_object_end(json);
}

static void json_request(struct json *json, const struct book_request *r, struct arena *arena)
{
    json_object(json);
    json_member_str(json, S("ask"), exception_book_ask_text(r->ask));
    json_act(json, "request", &r->act, arena);
    json_key(json, S("scope"));
    deciding_print_json_raw(json, r->scope);
    json_member_str(json, S("expires"), r->expires);
    json_key(json, S("expires_at"));
    json_instant(json, r->expires_us);
    json_member_u64(json, S("needed"), r->needed);
    json_key(json, S("risks"));
    json_array(json);
    for (size_t i = 0; i < r->n_risks; i++)
        json_str(json, r->risks[i]);
    json_array_end(json);
    json_key(json, S("effect"));
    deciding_print_json_raw(json, r->effect);
    json_key(json, S("approvals"));
    json_array(json);
    for (size_t i = 0; i < r->n_approvals; i++)
        json_act(json, NULL, &r->approvals[i], arena);
    json_array_end(json);
    json_act(json, "rejection", &r->rejection, arena);
    json_key(json, S("granted_at"));
    if (r->is_granted)
        json_instant(json, r->granted_us);
    else
        json_null(json);
    json_object_end(json);
}

static void json_event(struct json *json, const struct event *event, struct arena *arena)
{
    json_object(json);
    json_member_u64(json, S("entry"), event->entry);
    json_key(json, S("time"));
    json_instant(json, event->time_us);
    json_member_str(json, S("kind"), ledger_kind_text(event->kind));
    json_key(json, S("by"));
    deciding_print_json_raw(json, actor_json(&event->by, arena));
    json_member_str_or_null(json, S("text"), event->text);
    json_member_str_or_null(json, S("passed_over"), event->passed_over);
    json_object_end(json);
}

static void print_json(struct invocation *call, const struct book_exception *e,
                       const struct history *history)
{
    struct json json = json_to(call->out);
    json_object(&json);
    deciding_print_json_exception(&json, e);
    json_key(&json, S("requests"));
    json_array(&json);
    for (size_t i = 0; i < e->n_requests; i++)
        json_request(&json, &e->requests[i], call->arena);
    json_array_end(&json);
    json_act(&json, "revocation", &e->revocation, call->arena);
    const struct exception_use *use = use_of(call, e);
    json_key(&json, S("use"));
    if (use)
        deciding_print_json_raw(&json, exception_use_json(use, call->arena));
    else
        json_null(&json);
    json_key(&json, S("history"));
    json_array(&json);
    for (size_t i = 0; i < history->n; i++)
        json_event(&json, &history->events[i], call->arena);
    json_array_end(&json);
    json_object_end(&json);
    buf_char(call->out, '\n');
}

static void print_csv(struct invocation *call, const struct history *history)
{
    static const struct table_column columns[] = {
        {T("entry"),         ALIGN_LEFT, 0},
        {T("time"),          ALIGN_LEFT, 0},
        {T("kind"),          ALIGN_LEFT, 0},
        {T("person"),        ALIGN_LEFT, 0},
        {T("authenticated"), ALIGN_LEFT, 0},
        {T("text"),          ALIGN_LEFT, 0},
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < history->n; i++) {
        const struct event *event = &history->events[i];
        char time[INSTANT_TEXT];
        table_add_u64(&table, event->entry);
        table_add(&table, str_copy(call->arena, instant_text(time, event->time_us)));
        table_add(&table, ledger_kind_text(event->kind));
        table_add(&table, event->by.person);
        table_add(&table, event->by.authenticated ? S("true") : S("false"));
        table_add(&table, event->text);
    }
    table_print_csv(&table, call->out);
}

/* ---- The command --------------------------------------------------------------------------------
 */

static int show(struct invocation *call, const struct exception_book *book, struct ledger *ledger)
{
    const struct book_exception *e = exception_book_find(book, call->arguments[0]);
    struct history history = {.arena = call->arena, .book = book, .id = call->arguments[0]};
    struct err err = {0};
    if (!e) {
        err_set(&err, ERR_NOT_FOUND,
                "there is no exception \"%.*s\" (\"sallyport exception list\" has them)",
                STR_ARG(call->arguments[0]));
        return command_fail(call, &err);
    }
    if (!read_history(call, ledger, &history)) return EXIT_FAILED;
    switch (call->format) {
    case FORMAT_TEXT:
        print_text(call, e, &history);
        break;
    case FORMAT_JSON:
        print_json(call, e, &history);
        break;
    case FORMAT_CSV:
        print_csv(call, &history);
        break;
    }
    booked_warn_orphans(call, ledger, &e, 1);
    return EXIT_FINE;
}

static int run(struct invocation *call)
{
    struct exception_book book;
    struct ledger *ledger = NULL;
    int status = EXIT_FAILED;
    if (!booked_read(call, &book, &ledger, &status)) return status;
    status = show(call, &book, ledger);
    if (ledger) ledger_close(ledger);
    return status;
}

static const struct example examples[] = {
    {T("sallyport exception show EX-1"),        T("What it is, and everything that happened to it")},
    {T("sallyport exception show EX-1 --json"), T("The same for a program")                        },
};

const struct command exception_show_command = {
    .name = T("exception show"),
    .summary = T("Tell everything about one exception"),
    .arguments = T("ID"),
    .least_arguments = 1,
    .most_arguments = 1,
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("What it opens and until when, who answers for it, who approved it, what was "
                 "shown of its effect when it was requested; then each entry about it, who wrote "
                 "it and whether they had logged in. Refused attempts are there, too. An entry "
                 "that no rule allows (somebody else wrote it) is told as passed over."),
    .run = run,
};
