/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a ledger of many entries, among them a request and an approval of each of some exceptions,
 * and measures how long the book of them takes to read.
 *
 * usage: exception_book_bench FOLDER ENTRIES EXCEPTIONS
 */
#include "base/instant.h"
#include "ledger/exception_rules.h"

static const int64_t NOW_US = INT64_C(1795348800) * 1000000; /* noon of 2026-11-22 */

static int fail(const struct err *err)
{
    fprintf(stderr, "exception_book_bench: %s: %s\n", err->source, err->text);
    return 2;
}

static bool append(struct ledger *ledger, const struct exception_entry *e, struct arena scratch,
                   struct err *err)
{
    struct ledger_draft draft = {
        .kind = e->kind,
        .subject = e->subject,
        .actor = actor_json(&e->by, &scratch),
        .data = e->kind == LEDGER_COMPILED
                    ? S("{\"out\":\"out\",\"targets\":[\"gpo\",\"nftables\"],"
                        "\"exceptions\":[\"EX-1\",\"EX-2\"]}")
                    : exception_entry_data(e, &scratch),
    };
    return ledger_append(ledger, &draft, NULL, err);
}

/* Requests, each with its approval some entries behind it, and other work in between. */
static bool add(struct ledger *ledger, uint64_t i, uint64_t every, uint64_t *last_id,
                uint64_t *request, struct arena scratch, struct err *err)
{
    struct exception_entry e = {
        .kind = LEDGER_COMPILED,
        .by = {.person = S("alice"),
               .account = S("ws1"),
               .machine = S("adm01"),
               .token = S("T-3"),
               .authenticated = true},
        .owner = S("olga@contoso.com"),
        .reason = S("a scanner with old firmware, until it is replaced"),
        .ticket = S("CHG-4711"),
        .scope = S("{\"from\":[\"10.10.4.0/28\"],\"to\":[\"files\"],\"service\":[\"smb\"]}"),
        .expires = S("2027-01-22T12:00:00Z"),
        .expires_us = NOW_US + 61 * INSTANT_DAY,
        .has_expires_at = true,
        .review_days = 30,
        .needed = 1,
        .effect = S("{\"text\":\"opens 16 \\u00d7 1 address pairs, of which 1 was ever used\","
                    "\"clients\":16,\"servers\":1,\"pairs\":16,\"risks\":[],\"uses\":[]}"),
        .policy = S("2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"),
    };
    if (i % every == 0) {
        e.kind = LEDGER_REQUESTED;
        *request = ledger_size(ledger);
        ++*last_id;
    } else if (i % every == every / 2) {
        e.kind = LEDGER_APPROVED;
        e.by.person = S("bob");
        e.request = *request;
    }
    e.subject = e.kind == LEDGER_COMPILED ? (str){0} : exception_rules_id(*last_id, &scratch);
    return append(ledger, &e, scratch, err);
}

static bool make(struct ledger *ledger, uint64_t n, uint64_t n_exceptions, struct arena scratch,
                 struct err *err)
{
    enum { BATCH = 1000 };
    uint64_t last_id = 0, request = 0;
    for (uint64_t i = 0; i < n; i++) {
        if (i % BATCH == 0 && !ledger_begin(ledger, err)) return false;
        if (!add(ledger, i, n / n_exceptions, &last_id, &request, scratch, err)) return false;
        if ((i % BATCH == BATCH - 1 || i + 1 == n) && !ledger_commit(ledger, err)) return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    enum { ROUNDS = 5 };
    struct arena arena = arena_open("bench", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct os os = os_posix();
    struct ledger *ledger = NULL;
    struct exception_book book;
    struct err err = {0};
    uint64_t n = 0, n_exceptions = 0, best_us = UINT64_MAX;
    if (argc != 4 || !str_u64(str_of(argv[2]), UINT32_MAX, &n) ||
        !str_u64(str_of(argv[3]), UINT32_MAX, &n_exceptions) || !n_exceptions ||
        n < 2 * n_exceptions) {
        fprintf(stderr, "usage: exception_book_bench FOLDER ENTRIES EXCEPTIONS\n");
        return 2;
    }
    if (!ledger_open(&os, str_of(argv[1]), LEDGER_CREATE, (str){0}, NOW_US, &arena, &ledger, &err))
        return fail(&err);
    if (ledger_size(ledger) < n && !make(ledger, n, n_exceptions, scratch, &err)) return fail(&err);
    for (size_t i = 0; i < ROUNDS; i++) {
        struct arena round = arena_open("round", 0, NULL);
        uint64_t begun_us = os.monotonic_us(os.self);
        if (!exception_book_read(ledger, NOW_US + INSTANT_DAY, &round, &book, &err))
            return fail(&err);
        uint64_t took_us = os.monotonic_us(os.self) - begun_us;
        if (took_us < best_us) best_us = took_us;
        if (i + 1 == ROUNDS)
            printf("entries %" PRIu64 " exceptions %zu passed_over %" PRIu64 " read %.1f ms\n",
                   ledger_size(ledger), book.n, book.n_faults_all, (double)best_us / 1e3);
        arena_close(&round);
    }
    ledger_close(ledger);
    return 0;
}
