/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/deciding.h"

#include "base/zone.h"
#include "cli/deciding_print.h"
#include "cli/granted.h"

/* ---- Opening ------------------------------------------------------------------------------------
 */

static bool fail(struct deciding *d, const struct err *err, int *status)
{
    *status = command_fail(d->call, err);
    return false;
}

static bool read_granted(struct deciding *d, struct err *err)
{
    bool exists = false;
    if (!granted_book(d->call, d->call->now_us, &d->book, &exists, err)) return false;
    granted_say_faults(d->call, &d->book);
    return true;
}

/* The exceptions that hold already are part of what a further one would open. */
static bool read_policy(struct deciding *d, int *status)
{
    struct policy_file *file = &d->file;
    struct err err = {0};
    if (!policy_file_load(d->call, file, status)) return false;
    *status = EXIT_FAILED;
    d->zone = zone_find(d->call->os, file->policy.timezone, d->call->arena, &err);
    if (!d->zone) return fail(d, &err, status);
    size_t first = file->found.n;
    bool good = granted_parse(&d->book, d->zone, d->call->arena, &file->policy, &file->exceptions,
                              &file->found);
    policy_file_print(d->call->talk, d->call->arena, d->call->talk_colour, file->source,
                      file->policy.text, &file->found, first);
    if (!good) return false;
    d->has_policy = true;
    d->governance = governance_of(&file->policy);
    return true;
}

bool deciding_open(struct invocation *call, bool needs_policy, struct deciding *out, int *status)
{
    struct err err = {0};
    *out = (struct deciding){.call = call};
    *status = EXIT_FAILED;
    if (option_given(call, S("as-of"))) {
        err_set(&err, ERR_USAGE,
                "%.*s takes no --as-of: the ledger is written now (SALLYPORT_CLOCK sets the time "
                "of a rehearsal)",
                STR_ARG(call->command->name));
        return fail(out, &err, status);
    }
    if (!read_granted(out, &err)) return fail(out, &err, status);
    if (read_policy(out, status)) return true;
    if (needs_policy) return false;
    /* What closes something does not wait until somebody has mended the policy. */
    buf_str(call->talk, S("without a policy: what the last one that was seen asks for holds\n"));
    out->governance = out->book.governance;
    return true;
}

/* A policy that differs from the last one that was seen, before what is decided by it. */
static bool append_policy(struct deciding *d, struct err *err)
{
    struct arena *arena = d->call->arena;
    if (!d->has_policy) return true;
    str sha256 = sha256_hex(arena, &d->file.policy.digest);
    if (str_equal(sha256, d->book.policy_sha256)) return true;
    struct exception_entry entry = deciding_entry(d, LEDGER_POLICY, (str){0});
    entry.sha256 = sha256;
    entry.source = d->file.source;
    entry.governance = d->governance;
    struct ledger_draft draft = {
        .kind = LEDGER_POLICY,
        .actor = actor_json(&d->actor, arena),
        .data = exception_entry_data(&entry, arena),
    };
    return ledger_append(d->ledger, &draft, NULL, err);
}

static bool read_book(struct deciding *d, struct err *err)
{
    return acting_now(d->call, d->ledger, &d->at_us, err) &&
           exception_book_read(d->ledger, d->at_us, d->call->arena, &d->book, err);
}

/* Entries never go back in time, so one that was written under a wrong clock holds up the others.
 */
static void say_clock(struct deciding *d)
{
    struct invocation *call = d->call;
    char at[INSTANT_TEXT];
    if (d->at_us - call->now_us < 60 * INSTANT_SECOND) return;
    str line = str_format(call->arena,
                          "the ledger's last entry is of %.*s, ahead of the clock: what is written "
                          "now gets that time",
                          STR_ARG(instant_text(at, d->at_us)));
    table_tone(call->talk, line, TONE_WARN, call->talk_colour);
    buf_char(call->talk, '\n');
}

bool deciding_begin(struct deciding *d, int *status)
{
    struct err err = {0};
    if (!acting_ledger(d->call, LEDGER_CREATE, &d->ledger, &err)) {
        *status = acting_fail(d->call, &err);
        return false;
    }
    if (!ledger_begin(d->ledger, &err)) return fail(d, &err, status);
    d->begun = true;
    if (!acting_among(d->call, d->ledger, &d->people, &d->actor, &err)) {
        *status = acting_fail(d->call, &err);
        return false;
    }
    acting_say(d->call, &d->actor);
    if (!read_book(d, &err)) return fail(d, &err, status);
    say_clock(d);
    if (!d->has_policy) d->governance = d->book.governance;
    return append_policy(d, &err) || fail(d, &err, status);
}

void deciding_end(struct deciding *d)
{
    if (!d->ledger) return;
    if (d->begun) ledger_abandon(d->ledger);
    ledger_close(d->ledger);
    d->ledger = NULL;
}

/* ---- What is decided ----------------------------------------------------------------------------
 */

bool deciding_find(struct deciding *d, const struct book_exception **out, int *status)
{
    struct err err = {0};
    str id = d->call->arguments[0];
    *out = exception_book_find(&d->book, id);
    if (*out) return true;
    err_set(&err, ERR_NOT_FOUND,
            "there is no exception \"%.*s\" (\"sallyport exception list\" has them)", STR_ARG(id));
    return fail(d, &err, status);
}

struct exception_entry deciding_entry(const struct deciding *d, enum ledger_kind kind, str subject)
{
    return (struct exception_entry){
        .kind = kind,
        .subject = subject,
        .by = d->actor,
        .time_us = d->at_us,
        .policy = d->has_policy ? sha256_hex(d->call->arena, &d->file.policy.digest) : (str){0},
    };
}

bool deciding_text(struct deciding *d, str option, str *out, int *status)
{
    struct err err = {0};
    *out = option_text(d->call, option);
    if (option_given(d->call, option)) return true;
    err_set(&err, ERR_USAGE, "%.*s needs --%.*s", STR_ARG(d->call->command->name), STR_ARG(option));
    return fail(d, &err, status);
}

str deciding_person(const struct deciding *d, str name)
{
    return name.len ? people_name_of(&d->people, name, d->call->scratch) : name;
}

bool deciding_time(const struct deciding *d, str text, bool is_end, int64_t from_us, str *given,
                   int64_t *out_us, struct err *err)
{
    struct civil date;
    enum { SECONDS_TEXT = 19 }; /* bytes of "2026-11-22T12:13:20" */
    uint64_t length_s = 0;
    char at[INSTANT_TEXT];
    *given = text;
    if (instant_parse(text, out_us)) return true;
    if (instant_parse_date(text, &date)) {
        int64_t day_us = instant_from_civil(date);
        bool is_last = is_end && date.year == 9999 && date.month == 12 && date.day == 31;
        if (is_end && !is_last) day_us += INSTANT_DAY;
        *out_us = zone_to_utc(d->zone, instant_to_civil(day_us));
        return true;
    }
    if (!is_end || !reading_duration_parse(text, &length_s) || length_s > INT32_MAX)
        return err_set(err, ERR_USAGE,
                       "expected a date or an RFC 3339 instant such as 2026-11-21T08:00:00Z%s, "
                       "found \"%.*s\"",
                       is_end ? ", or how long (14d)" : "", STR_ARG(text));
    *out_us = from_us + (int64_t)length_s * INSTANT_SECOND;
    /* Of whole seconds. */
    *out_us -= *out_us % INSTANT_SECOND;
    str whole = instant_text(at, *out_us);
    *given = str_format(d->call->arena, "%.*sZ", (int)SECONDS_TEXT, whole.ptr);
    return true;
}

str deciding_scope(struct invocation *call)
{
    struct scope_words words = {0};
    bool has_name = option_exists(call, S("name"));
    words.from = option_texts(call, S("from"), &words.n_from);
    words.to = option_texts(call, S("to"), &words.n_to);
    words.service = option_texts(call, S("service"), &words.n_service);
    words.secure = option_text(call, S("secure"));
    words.name = has_name ? option_text(call, S("name")) : (str){0};
    return exception_entry_scope_json(&words, call->arena);
}

/* ---- Whether it may be, and writing -------------------------------------------------------------
 */

static bool has_right(const struct deciding *d, const struct deciding_right *right, struct err *err)
{
    const struct actor *actor = &d->actor;
    for (size_t i = 0; i < COUNT_OF(right->people) && !actor->reads_only; i++)
        if (right->people[i].len && actor_same_person(right->people[i], actor->person)) return true;
    return acting_may(actor, right->roles, right->what, err);
}

bool deciding_ask(const struct deciding *d, const struct deciding_right *right,
                  const struct exception_entry *entry, struct err *err)
{
    const struct book_exception *e =
        entry->kind == LEDGER_REQUESTED ? NULL : exception_book_find(&d->book, entry->subject);
    if (!has_right(d, right, err)) return false;
    str why = exception_rules_refuse(e, entry, d->book.last_id, &d->governance, d->call->arena);
    return !why.len || err_set(err, ERR_REFUSED, "%.*s", STR_ARG(why));
}

/* {"kind":"exception-approved","why":"..."} */
static str refused_data(const struct exception_entry *entry, const struct err *err,
                        struct arena *arena)
{
    struct buf out = buf_in(arena);
    struct json json = json_to(&out);
    json_object(&json);
    json_member_str(&json, S("kind"), ledger_kind_text(entry->kind));
    json_member_str(&json, S("why"), str_of(err->text));
    json_object_end(&json);
    return buf_text(&out);
}

/* That it was tried is kept, whoever it was. */
static void record_refusal(struct deciding *d, const struct exception_entry *entry,
                           const struct err *why)
{
    struct arena *arena = d->call->arena;
    struct err err = {0};
    bool exists = exception_book_find(&d->book, entry->subject) != NULL;
    struct ledger_draft draft = {
        .kind = LEDGER_REFUSED,
        .subject = exists ? entry->subject : (str){0},
        .actor = actor_json(&d->actor, arena),
        .data = refused_data(entry, why, arena),
    };
    if (ledger_append(d->ledger, &draft, NULL, &err) && ledger_commit(d->ledger, &err)) {
        d->begun = false;
        return;
    }
    (void)command_fail(d->call, &err);
}

bool deciding_may(struct deciding *d, const struct deciding_right *right,
                  const struct exception_entry *entry, bool records, int *status)
{
    struct err err = {0};
    if (deciding_ask(d, right, entry, &err)) return true;
    *status = acting_fail(d->call, &err);
    if (records) record_refusal(d, entry, &err);
    return false;
}

void deciding_refuse(struct deciding *d, const struct exception_entry *entry, str why, bool records,
                     int *status)
{
    struct err err = {0};
    err_set(&err, ERR_REFUSED, "%.*s", STR_ARG(why));
    *status = acting_fail(d->call, &err);
    if (records) record_refusal(d, entry, &err);
}

bool deciding_append(struct deciding *d, const struct exception_entry *entry, uint64_t *number,
                     int *status)
{
    struct arena *arena = d->call->arena;
    struct err err = {0};
    struct ledger_draft draft = {
        .kind = entry->kind,
        .subject = entry->subject,
        .actor = actor_json(&d->actor, arena),
        .data = exception_entry_data(entry, arena),
    };
    return ledger_append(d->ledger, &draft, number, &err) || fail(d, &err, status);
}

bool deciding_commit(struct deciding *d, int *status)
{
    struct err err = {0};
    if (!ledger_commit(d->ledger, &err)) return fail(d, &err, status);
    d->begun = false;
    return read_book(d, &err) || fail(d, &err, status);
}

int deciding_decide(struct deciding *d, const struct deciding_right *right,
                    const struct exception_entry *entry, str done)
{
    int status = EXIT_FAILED;
    uint64_t number = 0;
    if (!deciding_may(d, right, entry, true, &status)) return status;
    if (!deciding_append(d, entry, &number, &status)) return status;
    if (!deciding_commit(d, &status)) return status;
    deciding_print_done(d, entry, number, done);
    return EXIT_FINE;
}
