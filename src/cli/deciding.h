/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that decide about exceptions share: policy, ledger and who acts; one decision
 * inside one transaction, asked of the rules and then written, or written down as refused.
 */
#pragma once

#include "cli/acting.h"
#include "cli/policy_file.h"
#include "ledger/exception_rules.h"

/* clang-format off */
#define DECIDING_TEXT(text) {text, sizeof(text) - 1}
/* Rows for a command's option table. */
#define FROM_ROW                                                                                   \
    {.name = DECIDING_TEXT("from"), .type = OPTION_TEXT, .many = true,                             \
     .value = DECIDING_TEXT("ITEM"),                                                               \
     .help = DECIDING_TEXT("who may: a segment, group, address or prefix; may be given more than " \
                           "once")}
#define TO_ROW                                                                                     \
    {.name = DECIDING_TEXT("to"), .type = OPTION_TEXT, .many = true,                               \
     .value = DECIDING_TEXT("ITEM"), .help = DECIDING_TEXT("whom they may reach, likewise")}
#define SERVICE_ROW                                                                                \
    {.name = DECIDING_TEXT("service"), .type = OPTION_TEXT, .many = true,                          \
     .value = DECIDING_TEXT("NAME"), .help = DECIDING_TEXT("by which service; may be given more "  \
                                                           "than once")}
#define SECURE_ROW                                                                                 \
    {.name = DECIDING_TEXT("secure"), .type = OPTION_CHOICE, .value = DECIDING_TEXT("HOW"),        \
     .choices = DECIDING_TEXT("none|kerberos|certificate"),                                        \
     .help = DECIDING_TEXT("whether both ends have to authenticate, as in an allow entry")}
#define REASON_ROW                                                                                 \
    {.name = DECIDING_TEXT("reason"), .type = OPTION_TEXT, .value = DECIDING_TEXT("TEXT"),         \
     .help = DECIDING_TEXT("why (one line)")}
#define EXPIRES_ROW                                                                                \
    {.name = DECIDING_TEXT("expires"), .type = OPTION_TEXT, .value = DECIDING_TEXT("TIME"),        \
     .help = DECIDING_TEXT("when it ends: a date (that day's last moment), an RFC 3339 instant, "  \
                           "or how long (8h, 14d)")}
#define DRY_RUN_ROW                                                                                \
    {.name = DECIDING_TEXT("dry-run"), .type = OPTION_FLAG,                                        \
     .help = DECIDING_TEXT("show what it would open and who would have to approve; save nothing")}
/* clang-format on */

struct deciding {
    struct invocation *call;
    struct policy_file file;
    bool has_policy; /* policy.yaml was read */
    const struct zone *zone;
    struct governance governance;
    struct ledger *ledger;
    bool begun;
    struct people people;
    struct actor actor;
    int64_t at_us; /* of what is written */
    struct exception_book book;
};

/* Reads policy and ledger. Without a policy only what closes something can be decided.
 *
 * False: printed, and the command ends with *status. deciding_end is called either way. */
MUST_USE bool deciding_open(struct invocation *call, bool needs_policy, struct deciding *out,
                            int *status);
/* Begins the transaction that the decision is made in, and reads the book again. */
MUST_USE bool deciding_begin(struct deciding *deciding, int *status);
void deciding_end(struct deciding *deciding);

/* The exception that the command's first argument names. */
MUST_USE bool deciding_find(struct deciding *deciding, const struct book_exception **out,
                            int *status);
/* An entry in the making: kind, subject, who, when, by which policy. */
struct exception_entry deciding_entry(const struct deciding *deciding, enum ledger_kind kind,
                                      str subject);
/* The value of a compulsory option; false (and printed) when it is not given. */
MUST_USE bool deciding_text(struct deciding *deciding, str option, str *out, int *status);
/* A name as the workspace's users have it. */
str deciding_person(const struct deciding *deciding, str name);
/* A date, an instant, or for ends a duration from `from_us` on.
 *
 * given : as it is kept: a duration has become an instant
 * fails : USAGE */
MUST_USE bool deciding_time(const struct deciding *deciding, str text, bool is_end, int64_t from_us,
                            str *given, int64_t *out_us, struct err *err);
/* --from, --to, --service, --secure, --name as a scope's JSON. */
str deciding_scope(struct invocation *call);

/* Who may: a role, or being one of these people. */
struct deciding_right {
    uint8_t roles;
    str people[3]; /* empty = nobody */
    str what;      /* "approving an exception" */
};
/* Asks rights and rules, and says nothing.
 *
 * fails : REFUSED */
MUST_USE bool deciding_ask(const struct deciding *deciding, const struct deciding_right *right,
                           const struct exception_entry *entry, struct err *err);
/* Asks rights and rules. Refused: printed, and the command ends with *status.
 *
 * records : that it was refused is written into the ledger, too, and committed */
MUST_USE bool deciding_may(struct deciding *deciding, const struct deciding_right *right,
                           const struct exception_entry *entry, bool records, int *status);
/* Refuses for a reason that no entry can tell. */
void deciding_refuse(struct deciding *deciding, const struct exception_entry *entry, str why,
                     bool records, int *status);
/* What may be. Not yet committed.
 *
 * number : of the entry; NULL = not asked */
MUST_USE bool deciding_append(struct deciding *deciding, const struct exception_entry *entry,
                              uint64_t *number, int *status);
/* And reads the book again. */
MUST_USE bool deciding_commit(struct deciding *deciding, int *status);
/* All of it for one entry; prints what has become of the exception.
 *
 * done : "approved" */
int deciding_decide(struct deciding *deciding, const struct deciding_right *right,
                    const struct exception_entry *entry, str done);
