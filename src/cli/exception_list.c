/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/booked.h"
#include "cli/report_orgs.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static bool is_wanted(struct invocation *call, const struct book_exception *e)
{
    size_t n = 0;
    const str *states = option_texts(call, S("state"), &n);
    str owner = option_text(call, S("owner"));
    bool fits = n == 0;
    for (size_t i = 0; i < n; i++)
        fits |= str_equal(states[i], exception_book_state_text(e->state));
    return fits && (!owner.len || actor_same_person(owner, e->owner));
}

static int list_one(struct invocation *call)
{
    struct exception_book book;
    struct ledger *ledger = NULL;
    int status = EXIT_FAILED;
    size_t n = 0;
    if (!booked_read(call, &book, &ledger, &status)) return status;
    const struct book_exception **list =
        arena_array(call->arena, const struct book_exception *, book.n + 1);
    for (size_t i = 0; i < book.n; i++)
        if (is_wanted(call, &book.items[i])) list[n++] = &book.items[i];
    bool good = booked_print(call, &book, ledger, list, n);
    if (good) booked_warn_orphans(call, ledger, list, n);
    if (ledger) ledger_close(ledger);
    return good ? EXIT_FINE : EXIT_FAILED;
}

/* What the workspace's own list says beside it, line by line. */
static void put_talk(struct invocation *call, str talk, enum table_tone tone)
{
    str line, rest = str_trim(talk);
    while (rest.len) {
        (void)str_cut(rest, '\n', &line, &rest);
        table_tone(call->out, line, tone, call->colour);
        buf_char(call->out, '\n');
    }
    buf_char(call->out, '\n');
}

/* What was listed, or why it could not be: in its own place, so that the others go on. */
static void put_org(struct invocation *call, struct json *json, str workspace, int status,
                    const struct buf *listed, const struct buf *talk)
{
    if (call->format != FORMAT_JSON) {
        table_tone(call->out, workspace, TONE_STRONG, call->colour);
        buf_char(call->out, '\n');
        buf_str(call->out, buf_text(listed));
        put_talk(call, buf_text(talk), status == EXIT_FINE ? TONE_WARN : TONE_BAD);
        return;
    }
    json_object(json);
    json_member_str(json, S("workspace"), workspace);
    json_member_str_or_null(json, S("trouble"),
                            status == EXIT_FINE ? (str){0} : str_trim(buf_text(talk)));
    json_key(json, S("list"));
    json_null(json);
    if (status == EXIT_FINE && listed->len) {
        call->out->len -= 4; /* in the place of null stands what the workspace itself prints */
        buf_str(call->out, str_trim(buf_text(listed)));
    }
    json_object_end(json);
}

static int list_all(struct invocation *call)
{
    const str *paths = NULL;
    struct err err = {0};
    size_t n = 0;
    int worst = EXIT_FINE;
    struct buf whole = buf_in(call->arena);
    struct json json = json_to(&whole);
    struct invocation into = *call;
    into.out = &whole;
    if (call->format == FORMAT_CSV) {
        err_set(&err, ERR_USAGE, "--all-orgs lists as text or as JSON");
        return command_fail(call, &err);
    }
    if (!report_orgs_find(call, option_text(call, S("all-orgs")), &paths, &n)) return EXIT_FAILED;
    if (call->format == FORMAT_JSON) {
        json_object(&json);
        json_key(&json, S("organisations"));
        json_array(&json);
    }
    for (size_t i = 0; i < n; i++) {
        struct arena arena = arena_open("organisation", 0, NULL);
        struct buf talk = buf_in(&arena), listed = buf_in(&arena);
        struct invocation one = report_orgs_call(call, paths[i], &arena, &talk);
        one.out = &listed;
        int status = list_one(&one);
        if (status != EXIT_FINE) worst = EXIT_NO;
        put_org(&into, &json, paths[i], status, &listed, &talk);
        arena_close(&arena);
    }
    if (call->format == FORMAT_JSON) {
        json_array_end(&json);
        json_object_end(&json);
        buf_char(&whole, '\n');
    }
    buf_str(call->out, buf_text(&whole));
    return worst;
}

static int run(struct invocation *call)
{
    return option_given(call, S("all-orgs")) ? list_all(call) : list_one(call);
}

static const struct option options[] = {
    {.name = T("all-orgs"),
     .type = OPTION_TEXT,
     .value = T("DIR"),
     .help = T("of every workspace below; one that can't be read says why, and the others go on")},
    {.name = T("state"),
     .type = OPTION_CHOICE,
     .many = true,
     .value = T("STATE"),
     .choices = T("pending|lapsed|rejected|scheduled|active|expired|revoked"),
     .help = T("those alone; may be given more than once")},
    {.name = T("owner"),
     .type = OPTION_TEXT,
     .value = T("PERSON"),
     .help = T("those that this person answers for")                                                                         },
};

static const struct example examples[] = {
    {T("sallyport exception list --state active"),     T("What is open now, and until when")},
    {T("sallyport exception list --as-of 2026-10-01"), T("What was open then")              },
};

const struct command exception_list_command = {
    .name = T("exception list"),
    .summary = T("List exceptions, with their end and next review"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("All of them, those made with --break-glass first while they are open or nobody "
                 "has looked at them. Days left are whole days until the end. The list is read "
                 "through the ledger's index and nothing is verified for it: \"ledger verify\" "
                 "does that, and every command that lets an exception through."),
    .run = run,
};
