/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a ledger of many entries for tools/bench, and measures proofs of it: one transaction per
 * thousand entries, as a busy year of many small decisions would have some thousand of.
 *
 * usage: ledger_bench FOLDER ENTRIES | ledger_bench FOLDER
 */
#include "base/hash.h"
#include "ledger/ledger_prover.h"

static double since(struct os *os, uint64_t begun_us)
{
    return (double)(os->monotonic_us(os->self) - begun_us) / 1e6;
}

static int fail(const struct err *err)
{
    fprintf(stderr, "ledger_bench: %s: %s\n", err->source, err->text);
    return 2;
}

/* As large as an approval with its reason: about 500 bytes with the rest of an entry. */
static bool add(struct ledger *ledger, uint64_t number, struct arena scratch, struct err *err)
{
    struct ledger_draft draft = {
        .kind = number % 10 ? LEDGER_COMPILED : LEDGER_APPROVED,
        .subject = str_format(&scratch, "EX-%" PRIu64, number % 10000),
        .actor = S("{\"person\":\"alice\",\"account\":\"root\",\"machine\":\"adm01\","
                   "\"authenticated\":true,\"token\":\"T-3\"}"),
        .data = str_format(&scratch,
                           "{\"request\":%" PRIu64 ",\"needed\":2,\"note\":\"the vendor's "
                           "appliance needs it until it is replaced\",\"policy\":\"%016" PRIx64
                           "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "\"}",
                           number, hash_u64(number), hash_u64(number + 1), hash_u64(number + 2),
                           hash_u64(number + 3)),
    };
    return ledger_append(ledger, &draft, NULL, err);
}

static int make(struct os *os, struct ledger *ledger, uint64_t n, struct arena scratch)
{
    enum { BATCH = 1000 };
    struct err err = {0};
    uint64_t begun = os->monotonic_us(os->self), had = ledger_size(ledger);
    for (uint64_t i = had; i < n; i++) {
        if ((i - had) % BATCH == 0 && !ledger_begin(ledger, &err)) return fail(&err);
        if (!add(ledger, i, scratch, &err)) return fail(&err);
        if (((i - had) % BATCH == BATCH - 1 || i + 1 == n) && !ledger_commit(ledger, &err))
            return fail(&err);
    }
    double many = since(os, begun);
    printf("append %.0f entries/s (a thousand per commit)\n", (double)(n - had) / many);
    begun = os->monotonic_us(os->self);
    for (uint64_t i = 0; i < 200; i++)
        if (!ledger_begin(ledger, &err) || !add(ledger, i, scratch, &err) ||
            !ledger_commit(ledger, &err))
            return fail(&err);
    printf("append_alone %.0f entries/s (one per commit)\n", 200 / since(os, begun));
    return 0;
}

static int prove(struct os *os, struct ledger *ledger, struct arena scratch)
{
    enum { TIMES = 1000 };
    struct err err = {0};
    uint64_t size = ledger_size(ledger);
    double worst = 0;
    uint64_t begun = os->monotonic_us(os->self);
    for (uint64_t i = 0; i < TIMES; i++) {
        struct arena round = scratch;
        struct ledger_proof proof = {0};
        uint64_t at = os->monotonic_us(os->self);
        if (!ledger_prover_entry(ledger, hash_u64(i) % size, 0, &round, &proof, &err) ||
            !ledger_proof_holds(&proof, round, &err))
            return fail(&err);
        double took = since(os, at);
        if (took > worst) worst = took;
    }
    printf("proof %.3f ms (worst %.3f ms)\n", since(os, begun) * 1e3 / TIMES, worst * 1e3);
    return 0;
}

int main(int argc, char **argv)
{
    struct arena arena = arena_open("ledger_bench", 0, NULL), scratch = arena_open("b", 0, NULL);
    struct os os = os_posix();
    struct err err = {0};
    struct ledger *ledger = NULL;
    uint64_t n = 0;
    if (argc < 2 || argc > 3 || (argc == 3 && !str_u64(str_of(argv[2]), INT64_MAX, &n))) {
        fprintf(stderr, "usage: ledger_bench FOLDER [ENTRIES]\n");
        return 2;
    }
    if (!ledger_open(&os, str_of(argv[1]), n ? LEDGER_CREATE : LEDGER_READ, S(""),
                     os.now_us(os.self), &arena, &ledger, &err))
        return fail(&err);
    int status = n ? make(&os, ledger, n, scratch) : prove(&os, ledger, scratch);
    ledger_close(ledger);
    return status;
}
