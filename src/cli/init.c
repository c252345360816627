/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "store/store.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static int run(struct invocation *call)
{
    struct os *os = call->os;
    struct err err = {0};
    struct store *store = NULL;
    str folder = call->n_arguments ? call->arguments[0] : call->workspace;
    str database = os_join(call->arena, folder, S("sallyport.db"));
    enum store_journal journal =
        str_equal(option_text(call, S("journal")), S("delete")) ? STORE_DELETE : STORE_WAL;
    bool existed = os->kind(os->self, database) != OS_MISSING;

    if (!os->make_directory(os->self, folder, &err) ||
        !os->make_directory(os->self, os_join(call->arena, folder, S("out")), &err)) {
        err_in(&err, folder);
        return command_fail(call, &err);
    }
    if (!store_create(os, database, journal, &store, &err)) return command_fail(call, &err);
    store_close(store);

    if (call->format == FORMAT_JSON) {
        struct json json = json_to(call->out);
        json_object(&json);
        json_member_str(&json, S("workspace"), folder);
        json_member_bool(&json, S("made"), !existed);
        json_object_end(&json);
        buf_char(call->out, '\n');
        return EXIT_FINE;
    }
    buf_format(call->out,
               existed ? "%.*s is a workspace already; nothing was changed\n"
                       : "made the workspace %.*s\n",
               STR_ARG(folder));
    buf_format(call->out, "next: sallyport ingest -C %.*s FILE...\n", STR_ARG(folder));
    return EXIT_FINE;
}

static const struct option options[] = {
    {.name = T("journal"),
     .type = OPTION_CHOICE,
     .value = T("MODE"),
     .fallback = T("wal"),
     .choices = T("wal|delete"),
     .help = T("how the database keeps its journal; delete works on network file systems, for one "
               "process at a time")},
};

static const struct example examples[] = {
    {T("sallyport init contoso"), T("Make a workspace in the folder contoso.")},
};

const struct command init_command = {
    .name = T("init"),
    .summary = T("Make a workspace"),
    .arguments = T("[DIR]"),
    .most_arguments = 1,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("A workspace is a folder: sallyport.db (what was seen), policy.yaml (what you "
                 "want, written by you), out/ (what is made). An existing folder keeps what it "
                 "holds."),
    .run = run,
};
