/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/acting.h"
#include "cli/ledger_told.h"
#include "ledger/ledger_file.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static void progress(void *to, uint64_t done, uint64_t total)
{
    command_progress(to, S("exporting"), done, total);
}

static bool into_buffer(void *to, bytes piece)
{
    buf_bytes(to, piece);
    return !((struct buf *)to)->failed;
}

/* The whole file: nothing is written to the ledger, so whoever may read may export. */
static bool export_all(struct invocation *call, struct buf *out, struct err *err)
{
    struct ledger *ledger = NULL;
    struct ledger_question question = {.progress = progress, .progress_to = call};
    if (!acting_ledger(call, LEDGER_READ, &ledger, err)) return false;
    bool fine = ledger_file_write(ledger, into_buffer, out, &question, err);
    command_progress_end(call);
    ledger_close(ledger);
    return fine;
}

/* That a checkpoint left the house is an entry, which the checkpoint has seen. */
static bool record(struct invocation *call, struct ledger *ledger, struct err *err)
{
    struct actor actor = {0};
    struct buf data = buf_in(call->arena);
    struct json json = json_to(&data);
    json_object(&json);
    json_member_u64(&json, S("size"), ledger_size(ledger) + 1);
    if (option_given(call, S("out"))) json_member_str(&json, S("out"), option_text(call, S("out")));
    json_object_end(&json);
    if (!acting_find(call, ledger, &actor, err)) return false;
    struct ledger_draft draft = {
        .kind = LEDGER_CHECKPOINT,
        .actor = actor_json(&actor, call->arena),
        .data = buf_text(&data),
    };
    return ledger_append(ledger, &draft, NULL, err) && ledger_commit(ledger, err);
}

static bool export_checkpoint(struct invocation *call, struct buf *out, struct err *err)
{
    struct ledger *ledger = NULL;
    str text = {0};
    if (!acting_ledger(call, LEDGER_WRITE, &ledger, err)) return false;
    bool fine = ledger_begin(ledger, err) && record(call, ledger, err) &&
                ledger_file_checkpoint(ledger, call->arena, &text, err);
    ledger_close(ledger);
    if (fine) buf_str(out, text);
    return fine;
}

static int run(struct invocation *call)
{
    struct err err = {0};
    bool to_file = option_given(call, S("out"));
    str path = option_text(call, S("out"));
    struct buf file = buf_in(call->arena);
    struct buf *out = to_file ? &file : call->out;
    bool checkpoint_only = option_flag(call, S("checkpoint-only"));
    if (!(checkpoint_only ? export_checkpoint(call, out, &err) : export_all(call, out, &err)))
        return acting_fail(call, &err);
    if (!to_file) return EXIT_FINE;
    if (!call->os->write_file(call->os->self, path, str_bytes(buf_text(&file)), false, &err)) {
        err_in(&err, path);
        return command_fail(call, &err);
    }
    buf_format(call->talk, "%s written to %.*s%s\n",
               checkpoint_only ? "the checkpoint was" : "the ledger was", STR_ARG(path),
               checkpoint_only ? ": keep it where nobody who can write the workspace can write"
                               : "");
    return EXIT_FINE;
}

static const struct option options[] = {
    {.name = T("out"),
     .letter = 'o',
     .type = OPTION_TEXT,
     .value = T("FILE"),
     .help = T("where to; else it is printed")},
    {.name = T("checkpoint-only"),
     .type = OPTION_FLAG,
     .help = T("only the signed head, a few lines, after an entry that it was exported")},
};

static const struct example examples[] = {
    {T("sallyport ledger export -o ledger.txt"),                           T("Write the whole ledger for an auditor.")},
    {T("sallyport ledger export --checkpoint-only -o 2026-11.checkpoint"),
     T("Write this month's checkpoint, to be kept elsewhere.")                                                        },
};

const struct command ledger_export_command = {
    .name = T("ledger export"),
    .summary = T("Write the ledger, or its signed head, to a file"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details =
        T("The file has every entry and the signed head, and is verified anywhere with \"ledger "
          "verify FILE\" or tools/ledger_verify. A checkpoint is some hundred bytes: send it by "
          "mail, print it, keep it with another company. Whoever changes the ledger later, with "
          "or without the key, has the checkpoint against them."),
    .run = run,
};
