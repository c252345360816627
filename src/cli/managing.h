/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about users and tokens share: one decision inside one transaction of the
 * ledger, and the options they have in common. Functions that print what is wrong say so.
 */
#pragma once

#include "cli/acting.h"

/* clang-format off */
#define MANAGING_TEXT(text) {text, sizeof(text) - 1}
/* Rows for a command's option table. */
#define ROLE_ROW                                                                                   \
    {.name = MANAGING_TEXT("role"), .type = OPTION_CHOICE, .many = true,                           \
     .value = MANAGING_TEXT("ROLE"),                                                               \
     .choices = MANAGING_TEXT("viewer|operator|approver|auditor|admin"),                           \
     .help = MANAGING_TEXT("what they may do; may be given more than once")}
#define ACCOUNT_ROW                                                                                \
    {.name = MANAGING_TEXT("account"), .type = OPTION_TEXT, .many = true,                          \
     .value = MANAGING_TEXT("OSUSER"),                                                             \
     .help = MANAGING_TEXT("an account of the operating system that is theirs; may be given more " \
                           "than once")}
#define PASSWORD_FILE_ROW                                                                          \
    {.name = MANAGING_TEXT("password-file"), .type = OPTION_TEXT, .value = MANAGING_TEXT("FILE"),  \
     .help = MANAGING_TEXT("a file with the password as its only line, - for standard input; "     \
                           "without it, the terminal is asked")}
/* clang-format on */

/* A decision in the making. */
struct managing {
    struct ledger *ledger;
    struct people people;
    struct actor actor;
    int64_t now_us; /* of the entry */
};

/* Opens the ledger, begins a transaction and finds who acts. False: printed, and the command ends
 * with *status. */
MUST_USE bool managing_begin(struct invocation *call, struct managing *out, int *status);
/* Gives up what was begun and closes the ledger; also after managing_commit. */
void managing_end(struct managing *managing);
/* The users and tokens for a list, at --as-of or now; none where there is no ledger. False:
 * printed.
 */
MUST_USE bool managing_read(struct invocation *call, struct people *out, int64_t *now_us);
/* "2026-11-22 20:57Z": what a person reads. */
str managing_time(struct arena *arena, int64_t at_us);
/* The same in a text table, exact in CSV. */
str managing_cell_time(struct invocation *call, int64_t at_us);
/* Appends the one entry, commits, says who acted and prints what was done: text for people, else
 * the entry as JSON. The exit status. */
int managing_commit(struct invocation *call, struct managing *managing, enum ledger_kind kind,
                    str subject, const struct people_change *change, str text);
/* The same without printing. False: printed already. */
MUST_USE bool managing_append(struct invocation *call, struct managing *managing,
                              enum ledger_kind kind, str subject,
                              const struct people_change *change, uint64_t *number);
/* {"entry":N,"kind":...,"subject":...,"data":{...}} */
void managing_print_json(struct invocation *call, uint64_t number, enum ledger_kind kind,
                         str subject, const struct people_change *change, str token);

/* Only an admin who is logged in; or anybody while there are no users.
 *
 * fails : REFUSED */
MUST_USE bool managing_is_admin(const struct managing *managing, str what, struct err *err);
/* fails : NOT_FOUND, with who may have been meant */
MUST_USE bool managing_user(struct invocation *call, const struct managing *managing, str name,
                            const struct person **out, struct err *err);
/* Of --role; at least one.
 *
 * fails : USAGE */
MUST_USE bool managing_roles(struct invocation *call, uint8_t *out, struct err *err);
/* Of --account: nobody else's.
 *
 * without : whose they may be already; NULL = nobody's
 * fails : MALFORMED, CONFLICT, LIMIT */
MUST_USE bool managing_accounts(struct invocation *call, const struct people *people,
                                const struct person *without, const str **out, size_t *n,
                                struct err *err);
/* Of --password-file, else from the terminal; a new one is asked for twice.
 *
 * fails : MALFORMED, REFUSED (too short), CONFLICT (two are not equal), IO */
MUST_USE bool managing_password(struct invocation *call, str name, bool is_new, str *out,
                                struct err *err);

/* A change of one user by an admin, from its beginning to its end. */
struct managing_change {
    str what; /* "changing the roles of a user" */
    /* Says what changes, and in words; false with err when it may not be. */
    bool (*make)(struct invocation *call, const struct managing *managing,
                 const struct person *person, struct people_change *change, str *text,
                 struct err *err);
};
int managing_change(struct invocation *call, const struct managing_change *change);
/* fails : REFUSED when nobody else is left who could manage users */
MUST_USE bool managing_keeps_admin(const struct managing *managing, const struct person *person,
                                   struct err *err);
