/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "cli/report_gather.h"
#include "report/calendar.h"

static int run(struct invocation *call)
{
    struct err err = {0};
    int status = EXIT_FINE;
    struct report_gather *g = arena_new(call->arena, struct report_gather);
    struct buf out = buf_in(call->arena);
    if (!report_gather_register(call, g, &status)) return status;
    store_close(g->workspace.store);
    struct calendar calendar = {
        .organisation = g->report.organisation,
        .name = g->ledger_name.len ? g->ledger_name : g->report.organisation,
        .as_of_us = call->as_of_us,
        .exceptions = &g->exceptions,
    };
    calendar_write(&out, &calendar, call->scratch);
    if (!option_given(call, S("output"))) {
        buf_str(call->out, buf_text(&out));
        return EXIT_FINE;
    }
    str path = option_text(call, S("output"));
    if (!call->os->write_file(call->os->self, path, str_bytes(buf_text(&out)), false, &err)) {
        err_in(&err, path);
        return command_fail(call, &err);
    }
    if (call->format == FORMAT_JSON) {
        struct json json = json_to(call->out);
        json_object(&json);
        json_member_str(&json, S("path"), path);
        json_object_end(&json);
        buf_char(call->out, '\n');
        return EXIT_FINE;
    }
    buf_format(call->out, "%.*s: the ends and reviews of exceptions\n", STR_ARG(path));
    return EXIT_FINE;
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct option options[] = {
    {.name = T("output"),
     .letter = 'o',
     .type = OPTION_TEXT,
     .value = T("FILE"),
     .help = T("where the calendar is written; default standard output")},
    POLICY_FILE_OPTION,
};

static const struct example examples[] = {
    {T("sallyport report calendar -o exceptions.ics"),
     T("For a calendar program to subscribe to; written anew each night")},
};

const struct command report_calendar_command = {
    .name = T("report calendar"),
    .summary = T("Write the ends and reviews of exceptions as an iCalendar file"),
    .details = T("An event at the end and one at the next review of each exception that is in "
                 "force or begins later, with alarms seven days and one day before. The same "
                 "exception keeps its event, whatever becomes of its dates."),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .run = run,
};
