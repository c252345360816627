/* SPDX-License-Identifier: Apache-2.0 */
/* What entries of the ledger say of exceptions: their data, read strictly and written in one form
 * (docs/ledger.md has the members of each kind). Whether what they say may be is asked elsewhere
 * (exception_rules.h).
 */
#pragma once

#include "ledger/exception_book.h"

/* The kinds that a book of exceptions is made of, for ledger_each. */
#define EXCEPTION_ENTRY_KINDS                                                                      \
    (UINT32_C(1) << LEDGER_POLICY | UINT32_C(1) << LEDGER_REQUESTED |                              \
     UINT32_C(1) << LEDGER_AMENDMENT | UINT32_C(1) << LEDGER_APPROVED |                            \
     UINT32_C(1) << LEDGER_REJECTED | UINT32_C(1) << LEDGER_REVOKED |                              \
     UINT32_C(1) << LEDGER_TRANSFERRED | UINT32_C(1) << LEDGER_REVIEWED)

/* Members of all kinds; what an entry does not have is empty. Texts are the arena's. */
struct exception_entry {
    enum ledger_kind kind;
    uint64_t number;
    int64_t time_us;
    str subject;
    struct actor by;
    str owner, deputy, reason, ticket, risk_note, control, note, ask, decision;
    str review, decided_by; /* of a review's sheet: who decided, when somebody else wrote it down */
    str scope; /* {"from":[..],"to":[..],"service":[..],"secure":..,"name":..}, those alone */
    str starts, expires;           /* as given */
    int64_t starts_us, expires_us; /* 0 = not said */
    bool has_starts_at, has_expires_at;
    uint64_t review_days, needed, request;
    bool break_glass;
    const str *risks;
    size_t n_risks;
    str effect; /* an object as written */
    str policy; /* SHA-256 of the policy it was decided with */
    /* policy-seen */
    str sha256, source;
    struct governance governance;
};

/* Reads an entry of one of those kinds.
 *
 * fails : MALFORMED, TRUNCATED, LIMIT, with the offset in the body: not the JSON it should be, a
 *         member twice, a value of another type */
MUST_USE bool exception_entry_read(const struct ledger_entry *entry, struct arena *arena,
                                   struct exception_entry *out, struct err *err);
/* The data of an entry of that kind, as JSON. */
str exception_entry_data(const struct exception_entry *entry, struct arena *arena);

/* A scope from the words of a command or a file. */
struct scope_words {
    const str *from, *to, *service;
    size_t n_from, n_to, n_service;
    str secure, name; /* empty = not said */
};
str exception_entry_scope_json(const struct scope_words *scope, struct arena *arena);
/* fails : MALFORMED (no object of that form), LIMIT */
MUST_USE bool exception_entry_scope_read(str json, struct arena *arena, struct scope_words *out,
                                         struct err *err);
/* "10.10.4.0/24 → file-servers smb", with "secure: kerberos" behind it. */
str exception_entry_scope_text(const struct scope_words *scope, struct arena *arena);
