/* SPDX-License-Identifier: Apache-2.0 */
/* Any lines as the entries of a ledger: whatever they claim, what opens something has an owner, an
 * approver who is somebody else, and an end that is ahead; and its file is a file. */
#include "ledger/entry_text.h"
#include "ledger/exception_rules.h"
#include "policy/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BUDGET = 512 << 20 };

static void check_exception(const struct book_exception *e, int64_t as_of_us)
{
    assert(e->n_requests && exception_rules_number(e->id));
    assert(e->state == exception_rules_state(e, as_of_us));
    if (!exception_book_opens(e)) return;
    assert(e->state == BOOK_ACTIVE && e->expires_us > as_of_us && e->in_force->n_approvals);
    assert(str_trim(e->owner).len);
    for (size_t i = 0; i < e->in_force->n_approvals; i++) {
        const struct actor *by = &e->in_force->approvals[i].by;
        assert(!actor_same_person(by->person, e->owner));
        assert(!actor_may_be_same(by, &e->in_force->act.by));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", BUDGET, NULL), tree = arena_open("tree", BUDGET, NULL);
    struct exception_reader *reader = exception_book_start(INT64_MAX, &arena);
    struct ledger_visit visit = exception_book_visit(reader);
    struct exception_book book;
    struct diagnostics found = {0};
    struct node root;
    str rest = str_of_bytes((bytes){data, size}), line;
    int64_t last_us = 0;
    while (rest.len) {
        struct entry_text text;
        struct err err = {0};
        (void)str_cut(rest, '\n', &line, &rest);
        if (!entry_text_parse(line, &arena, &text, &err)) continue;
        if (text.time_us > last_us) last_us = text.time_us;
        struct ledger_entry entry = {
            .number = text.number,
            .time_us = last_us,
            .kind = entry_text_kind(text.kind),
            .subject = text.subject,
            .body = line,
        };
        assert(visit.entry(visit.to, &entry));
    }
    exception_book_end(reader, last_us, &book);
    for (size_t i = 0; i < book.n; i++)
        check_exception(&book.items[i], last_us);
    str file = exception_book_file(&book, &arena);
    assert(document_parse(file, &arena, &tree, &root, &found));
    arena_close(&tree);
    arena_close(&arena);
    return 0;
}
