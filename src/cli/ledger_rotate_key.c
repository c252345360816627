/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/acting.h"
#include "ledger/ledger_rotate.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static bool rotate(struct invocation *call, struct ledger *ledger, bool is_lost, str *key,
                   struct err *err)
{
    struct actor actor = {0};
    return acting_find(call, ledger, &actor, err) &&
           acting_may(&actor, PEOPLE_ROLE(ADMIN), S("changing the ledger's key"), err) &&
           ledger_rotate(ledger, actor_json(&actor, call->arena), is_lost, call->arena, key, err);
}

static int run(struct invocation *call)
{
    struct err err = {0};
    struct ledger *ledger = NULL;
    str key = {0};
    bool is_lost = option_flag(call, S("lost"));
    if (!acting_ledger(call, LEDGER_WRITE, &ledger, &err)) return command_fail(call, &err);
    bool fine = rotate(call, ledger, is_lost, &key, &err);
    ledger_close(ledger);
    if (!fine) return acting_fail(call, &err);
    if (is_lost) {
        table_tone(call->talk,
                   S("the old key signed nothing: every verification will say so from now on"),
                   TONE_BAD, call->talk_colour);
        buf_char(call->talk, '\n');
    }
    if (call->format == FORMAT_JSON) {
        struct json json = json_to(call->out);
        json_object(&json);
        json_member_str(&json, S("public_key"), key);
        json_member_bool(&json, S("lost"), is_lost);
        json_object_end(&json);
        buf_char(call->out, '\n');
        return EXIT_FINE;
    }
    buf_format(call->out,
               "the ledger has a new key; note its public key elsewhere:\n  %.*s\n"
               "next: sallyport ledger export --checkpoint-only -o FILE\n",
               STR_ARG(key));
    return EXIT_FINE;
}

static const struct option options[] = {
    {.name = T("lost"),
     .type = OPTION_FLAG,
     .help = T("the old key is lost and can't sign the new one; told for ever")},
};

static const struct example examples[] = {
    {T("sallyport ledger rotate-key"), T("Begin a new key, signed in by the old one.")},
};

const struct command ledger_rotate_key_command = {
    .name = T("ledger rotate-key"),
    .summary = T("Give the ledger a new key"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details =
        T("The old key signs the tree as it stands together with the new public key, and that is "
          "an entry of the ledger; then the new key takes the old one's file (ledger.key, or what "
          "SALLYPORT_LEDGER_KEY names). Checkpoints that the old key signed stay good. The ledger "
          "is verified first. An old key that is lost can't sign: with --lost the ledger goes on, "
          "and every verification says that everything before could have been changed by whoever "
          "wrote that entry."),
    .run = run,
};
