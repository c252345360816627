/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"
#include "ledger/ledger.h"
#include "store/store.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* The ledger of the workspace; made, unless it is there. fails: also where no ledger can be: a
 * network file system. */
static bool make_ledger(struct invocation *call, str folder, bool *made, struct err *err)
{
    struct ledger *ledger = NULL;
    str key = call->os->environment(call->os->self, S("SALLYPORT_LEDGER_KEY"), call->arena);
    *made = !ledger_exists(call->os, folder, call->arena);
    if (!ledger_open(call->os, folder, LEDGER_CREATE, key, call->now_us, call->arena, &ledger, err))
        return false;
    ledger_close(ledger);
    return true;
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

    /* A workspace on a network file system (--journal delete) works, but decides nothing. */
    bool made_ledger = false;
    bool has_ledger = make_ledger(call, folder, &made_ledger, &err);
    if (!has_ledger && err.kind != ERR_REFUSED) return command_fail(call, &err);

    if (call->format == FORMAT_JSON) {
        struct json json = json_to(call->out);
        json_object(&json);
        json_member_str(&json, S("workspace"), folder);
        json_member_bool(&json, S("made"), !existed);
        json_member_bool(&json, S("ledger"), has_ledger);
        json_member_bool(&json, S("ledger_made"), has_ledger && made_ledger);
        json_object_end(&json);
        buf_char(call->out, '\n');
        return EXIT_FINE;
    }
    buf_format(call->out,
               !existed                    ? "made the workspace %.*s\n"
               : has_ledger && made_ledger ? "%.*s is a workspace already; it was kept\n"
                                           : "%.*s is a workspace already; nothing was changed\n",
               STR_ARG(folder));
    if (has_ledger && made_ledger)
        buf_str(call->out, S("made its ledger (ledger.db) and the key that signs it (ledger.key): "
                             "keep a copy of the key\n"));
    if (!has_ledger)
        buf_format(call->out, "it has no ledger, so nothing can be decided in it: %s\n", err.text);
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
    .details =
        T("A workspace is a folder: sallyport.db (what was seen), policy.yaml (what you "
          "want, written by you), out/ (what is made), ledger.db (who decided what, signed with "
          "ledger.key). An existing folder keeps what it holds."),
    .run = run,
};
