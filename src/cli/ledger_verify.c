/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/acting.h"
#include "cli/ledger_told.h"
#include "ledger/ledger_file.h"
#include "ledger/ledger_proof.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* ---- A ledger ------------------------------------------------------------------------------- */

struct file {
    struct os *os;
    struct os_file *file;
};

static bool read_file(void *from, uint8_t *into, size_t room, size_t *n, struct err *err)
{
    struct file *file = from;
    return file->os->read(file->os->self, file->file, into, room, n, err);
}

static bool verify_file(struct invocation *call, str path, const struct ledger_question *question,
                        struct ledger_verdict *out, struct err *err)
{
    struct os *os = call->os;
    struct file file = {os, os->open(os->self, path, call->arena, err)};
    if (!file.file) return err_in(err, path);
    struct ledger_file_source source = {&file, read_file};
    bool fine = ledger_file_verify(source, question, call->arena, out, err);
    os->close(os->self, file.file);
    return fine ? true : err_in(err, path);
}

static bool verify_workspace(struct invocation *call, const struct ledger_question *question,
                             struct ledger_verdict *out, struct err *err)
{
    struct ledger *ledger = NULL;
    if (!acting_ledger(call, LEDGER_READ, &ledger, err)) return false;
    bool fine = ledger_verify_open(ledger, question, call->arena, out, err);
    ledger_close(ledger);
    return fine;
}

static int verify_ledger(struct invocation *call)
{
    struct err err = {0};
    struct ledger_question question = {0};
    struct ledger_verdict verdict = {0};
    if (!ledger_told_question(call, &question, &err)) return command_fail(call, &err);
    bool fine = call->n_arguments ? verify_file(call, call->arguments[0], &question, &verdict, &err)
                                  : verify_workspace(call, &question, &verdict, &err);
    command_progress_end(call);
    if (!fine) return command_fail(call, &err);
    return ledger_told_verdict(call, &question, &verdict);
}

/* ---- Proofs --------------------------------------------------------------------------------- */

enum { PROOFS_BYTES = 64 << 20 };

/* Whether somebody vouches for a head: the key that is known, or a checkpoint that was kept. */
static bool is_vouched(const struct ledger_question *question, const struct checkpoint *head,
                       bool is_signed, struct err *err)
{
    for (size_t i = 0; i < question->n_anchors; i++) {
        const struct checkpoint *kept = &question->anchors[i].checkpoint;
        if (kept->size != head->size || !str_equal(kept->origin, head->origin)) continue;
        if (memcmp(kept->root.bytes, head->root.bytes, sizeof kept->root.bytes) == 0) return true;
        return err_set(err, ERR_REFUSED,
                       "the proof's head is not that of the checkpoint %.*s, of the same size",
                       STR_ARG(question->anchors[i].source));
    }
    if (question->key && is_signed && checkpoint_fits(head, question->key)) return true;
    if (question->key && is_signed)
        return err_set(err, ERR_REFUSED, "the proof's head is not signed by the key that is known");
    return err_set(err, ERR_REFUSED,
                   "none of the checkpoints has the proof's size (%" PRIu64
                   " entries), and no key is known that signed it",
                   head->size);
}

struct proven {
    struct ledger_proof proof;
    bool holds;
    struct err why;
};

static void tell_proof(struct invocation *call, const struct proven *proven)
{
    const struct ledger_proof *proof = &proven->proof;
    table_tone(call->out, proven->holds ? S("proven") : S("NOT PROVEN"),
               proven->holds ? TONE_GOOD : TONE_BAD, call->colour);
    if (proof->kind == LEDGER_PROOF_ENTRY)
        buf_format(call->out, ": entry %" PRIu64 " is one of the first %" PRIu64, proof->number,
                   proof->head.size);
    else
        buf_format(call->out,
                   ": the first %" PRIu64 " entries are those that the first %" PRIu64
                   " begin with",
                   proof->from, proof->head.size);
    if (!proven->holds) buf_format(call->out, ": %s", proven->why.text);
    buf_char(call->out, '\n');
    if (proven->holds && proof->body.len) {
        buf_str(call->out, S("  "));
        table_tone(call->out, proof->body, TONE_PLAIN, false);
        buf_char(call->out, '\n');
    }
}

static void tell_proof_json(struct json *json, const struct proven *proven)
{
    const struct ledger_proof *proof = &proven->proof;
    bool is_entry = proof->kind == LEDGER_PROOF_ENTRY;
    json_object(json);
    json_member_str(json, S("kind"), is_entry ? S("entry") : S("growth"));
    json_member_bool(json, S("holds"), proven->holds);
    json_member_u64(json, is_entry ? S("entry") : S("from"),
                    is_entry ? proof->number : proof->from);
    json_member_u64(json, S("size"), proof->head.size);
    json_member_str_or_null(json, S("body"), proof->body);
    json_member_str_or_null(json, S("message"),
                            proven->holds ? (str){0} : str_of(proven->why.text));
    json_object_end(json);
}

static int verify_proofs(struct invocation *call, str path)
{
    struct err err = {0};
    struct ledger_question question = {0};
    bytes content = {0};
    uint64_t offset = 0;
    bool all = true;
    if (!ledger_told_question(call, &question, &err)) return command_fail(call, &err);
    if (!question.key && !question.n_anchors) {
        err_set(&err, ERR_USAGE,
                "a proof shows something only to whoever knows the ledger: give its public key "
                "(--public-key) or a checkpoint of the proof's size (--checkpoint)");
        return command_fail(call, &err);
    }
    if (!os_read_all(call->os, path, PROOFS_BYTES, call->arena, &content, &err))
        return command_fail(call, &err);
    str text = str_of_bytes(content);
    struct json json = json_to(call->out);
    bool is_json = call->format == FORMAT_JSON;
    if (is_json) {
        json_object(&json);
        json_key(&json, S("proofs"));
        json_array(&json);
    }
    do {
        struct proven proven = {0};
        if (!ledger_proof_next(&text, &offset, call->arena, &proven.proof, &err)) {
            err_in(&err, path);
            return command_fail(call, &err);
        }
        proven.holds =
            ledger_proof_holds(&proven.proof, call->scratch, &proven.why) &&
            is_vouched(&question, &proven.proof.head, proven.proof.is_signed, &proven.why);
        all &= proven.holds;
        if (is_json)
            tell_proof_json(&json, &proven);
        else
            tell_proof(call, &proven);
    } while (text.len);
    if (is_json) {
        json_array_end(&json);
        json_member_bool(&json, S("holds"), all);
        json_object_end(&json);
        buf_char(call->out, '\n');
    }
    return all ? EXIT_FINE : EXIT_NO;
}

static int run(struct invocation *call)
{
    if (option_given(call, S("proof"))) return verify_proofs(call, option_text(call, S("proof")));
    return verify_ledger(call);
}

static const struct option options[] = {
    LEDGER_TOLD_CHECKPOINT_ROW,
    LEDGER_TOLD_KEY_ROW,
    {.name = T("proof"),
      .type = OPTION_TEXT,
      .value = T("FILE"),
      .help = T("check proofs that \"ledger prove\" made, instead of a ledger")},
};

static const struct example examples[] = {
    {T("sallyport ledger verify"),                                            T("Verify the ledger of a workspace.")},
    {T("sallyport ledger verify ledger.txt --checkpoint 2026-11.checkpoint"),
     T("Verify an exported ledger, without any workspace, against a checkpoint kept elsewhere.")                    },
};

const struct command ledger_verify_command = {
    .name = T("ledger verify"),
    .summary = T("Verify that nobody changed the ledger"),
    .arguments = T("[FILE]"),
    .most_arguments = 1,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details =
        T("Computes everything again from the entries: numbers, times, hashes, the chain, the "
          "tree and the signature of its head; of a workspace also what the database derives. FILE "
          "is what \"ledger export\" made, \"-\" is standard input. The first bad entry is named, "
          "and what could not be checked: without a checkpoint from elsewhere nobody can see that "
          "the newest entries were cut off, or that the holder of the key wrote everything anew. "
          "Exit status 1 when it does not hold."),
    .run = run,
};
