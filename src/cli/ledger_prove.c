/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"
#include "cli/acting.h"
#include "ledger/ledger_prover.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

struct numbers {
    struct arena *arena;
    uint64_t *items;
    size_t n, room;
};

static bool add_number(void *to, const struct ledger_entry *entry)
{
    struct numbers *numbers = to;
    arena_grow(numbers->arena, numbers->items, numbers->n, numbers->room);
    numbers->items[numbers->n++] = entry->number;
    return true;
}

/* What is asked for: one entry by its number, or all of a subject. */
static bool find_entries(struct invocation *call, struct ledger *ledger, struct numbers *out,
                         struct err *err)
{
    if (!call->n_arguments) return true;
    str word = call->arguments[0];
    uint64_t number = 0;
    if (str_u64(word, INT64_MAX, &number)) {
        struct ledger_entry one = {.number = number};
        return add_number(out, &one);
    }
    if (!ledger_each_of(ledger, word, 0, (struct ledger_visit){out, add_number}, err)) return false;
    if (out->n) return true;
    return err_set(err, ERR_NOT_FOUND,
                   "the ledger has no entry about \"%.*s\" (give a number, or a subject like "
                   "EX-12)",
                   STR_ARG(word));
}

static str base64_of(struct arena *arena, bytes b)
{
    struct buf out = buf_in(arena);
    base64_write(&out, b);
    return buf_text(&out);
}

static void print_json(struct invocation *call, struct json *json, const struct ledger_proof *proof)
{
    json_object(json);
    if (proof->kind == LEDGER_PROOF_ENTRY) {
        struct sha256_digest leaf = merkle_leaf(str_bytes(proof->body));
        json_member_str(json, S("kind"), S("entry"));
        json_member_u64(json, S("entry"), proof->number);
        json_member_str(json, S("body"), proof->body);
        json_member_str(json, S("leaf"), sha256_hex(call->arena, &leaf));
    } else {
        json_member_str(json, S("kind"), S("growth"));
        json_member_u64(json, S("from"), proof->from);
        json_member_str(json, S("from_root"), sha256_hex(call->arena, &proof->from_root));
    }
    json_member_u64(json, S("size"), proof->head.size);
    json_member_str(json, S("root"), sha256_hex(call->arena, &proof->head.root));
    json_key(json, S("hashes"));
    json_array(json);
    for (size_t i = 0; i < proof->proof.n; i++) {
        const struct sha256_digest *hash = &proof->proof.hashes[i];
        json_str(json, base64_of(call->arena, (bytes){hash->bytes, sizeof hash->bytes}));
    }
    json_array_end(json);
    json_member_str_or_null(json, S("checkpoint"), proof->is_signed ? proof->head_text : (str){0});
    json_object_end(json);
}

static bool prove_all(struct invocation *call, struct ledger *ledger, struct ledger_proof *proofs,
                      size_t *n, const struct numbers *numbers, struct err *err)
{
    uint64_t size = option_given(call, S("size")) ? option_count(call, S("size")) : 0;
    for (size_t i = 0; i < numbers->n; i++)
        if (!ledger_prover_entry(ledger, numbers->items[i], size, call->arena, &proofs[(*n)++],
                                 err))
            return false;
    return !option_given(call, S("from-size")) ||
           ledger_prover_growth(ledger, option_count(call, S("from-size")), size, call->arena,
                                &proofs[(*n)++], err);
}

static int print_proofs(struct invocation *call, const struct ledger_proof *proofs, size_t n)
{
    if (call->format != FORMAT_JSON) {
        for (size_t i = 0; i < n; i++)
            ledger_proof_write(&proofs[i], call->out);
        return EXIT_FINE;
    }
    struct json json = json_to(call->out);
    json_object(&json);
    json_key(&json, S("proofs"));
    json_array(&json);
    for (size_t i = 0; i < n; i++)
        print_json(call, &json, &proofs[i]);
    json_array_end(&json);
    json_object_end(&json);
    buf_char(call->out, '\n');
    return EXIT_FINE;
}

static int run(struct invocation *call)
{
    struct err err = {0};
    struct ledger *ledger = NULL;
    struct numbers numbers = {.arena = call->arena};
    size_t n = 0;
    if (!call->n_arguments && !option_given(call, S("from-size"))) {
        err_set(&err, ERR_USAGE,
                "prove what? Give an entry's number, a subject like EX-12, or --from-size");
        return command_fail(call, &err);
    }
    if (!acting_ledger(call, LEDGER_READ, &ledger, &err)) return command_fail(call, &err);
    struct ledger_proof *proofs = NULL;
    bool fine = find_entries(call, ledger, &numbers, &err);
    if (fine) {
        proofs = arena_array(call->arena, struct ledger_proof, numbers.n + 1);
        fine = prove_all(call, ledger, proofs, &n, &numbers, &err);
    }
    ledger_close(ledger);
    return fine ? print_proofs(call, proofs, n) : command_fail(call, &err);
}

static const struct option options[] = {
    {.name = T("size"),
     .type = OPTION_COUNT,
     .low = 1,
     .high = INT64_MAX,
     .value = T("N"),
     .help = T("in the tree of the first N entries, that of a checkpoint kept elsewhere; else the "
               "newest")                                                                 },
    {.name = T("from-size"),
     .type = OPTION_COUNT,
     .low = 0,
     .high = INT64_MAX,
     .value = T("N"),
     .help = T("also prove that the ledger begins with the first N entries as they were")},
};

static const struct example examples[] = {
    {T("sallyport ledger prove EX-1"),
     T("Prove that the entries about an exception are in the ledger.")   },
    {T("sallyport ledger prove 3 --from-size 2"),
     T("Prove an entry, and that the ledger only grew since it had two.")},
};

const struct command ledger_prove_command = {
    .name = T("ledger prove"),
    .summary = T("Prove that an entry is in the ledger"),
    .arguments = T("[ENTRY|SUBJECT]"),
    .most_arguments = 1,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details =
        T("Prints the entry with the hashes that lead from it to the signed head (the form of C2SP "
          "tlog-proof), for somebody who has a checkpoint or the public key, and not the ledger. "
          "\"ledger verify --proof FILE\" checks it anywhere. For an older --size the head has no "
          "signature: it is confirmed by the checkpoint of that size that was exported."),
    .run = run,
};
