/* SPDX-License-Identifier: Apache-2.0 */
/* The users of a workspace and their tokens, as the ledger tells them at one point in time. Entries
 * that claim more than who wrote them may do (a user added by somebody who is no administrator) are
 * passed over and listed as faults. Secrets are not here: ledger/credentials has them.
 *
 * In practice: some dozen users, a login of each per day.
 */
#pragma once

#include "base/map.h"
#include "ledger/people_change.h"

#define PEOPLE_ROLE(name) (1u << PERSON_##name)
#define PEOPLE_ALL_ROLES  ((1u << PERSON_ROLE_COUNT) - 1)

struct person {
    str name;
    uint8_t roles;
    const str *accounts; /* of the operating system, that are theirs */
    size_t n_accounts;
    bool disabled;
    str credential; /* SHA-256 of the password's argon2id string, in hexadecimal digits */
    int64_t added_us, logged_in_us; /* 0 = never */
    /* Tokens of entries before this one are of no use any more, and why. */
    uint64_t tokens_from;
    str tokens_why;
};

struct person_token {
    str id; /* "T-3" */
    size_t user;
    uint8_t roles;
    str name;       /* what it is for; empty: of a login */
    str credential; /* SHA-256 of the SHA-256 of its secret */
    str made_by;
    int64_t made_us, expires_us;
    uint64_t entry;
    bool is_login;
    int64_t ended_us; /* 0 = not ended */
    str ended_by;
};

struct people_fault {
    uint64_t entry;
    str text;
};

struct people {
    struct person *persons;
    size_t n, room;
    struct person_token *tokens; /* in the order in which they were made */
    size_t n_tokens, tokens_room;
    struct people_fault *faults;
    size_t n_faults, faults_room;
    struct map by_key;     /* actor_person_key of names, to a place in persons */
    struct map by_account; /* of accounts; those equal to a name are the name's */
    struct map by_token;
    uint64_t last_token; /* the largest number of a token's id */
};

/* Reads the entries written until until_us. */
MUST_USE bool people_read(struct ledger *ledger, int64_t until_us, struct arena *arena,
                          struct people *out, struct err *err);
/* By name, as one person may be called; NULL = no user. */
const struct person *people_find(const struct people *people, str name, struct arena scratch);
/* Whose system account it is: by the name, or as one of the accounts. NULL = nobody's. */
const struct person *people_of_account(const struct people *people, str account,
                                       struct arena scratch);
/* The user that a name or an account is of; else the text itself: what two names are compared by
 * where users have other accounts than names. */
str people_name_of(const struct people *people, str text, struct arena scratch);
const struct person_token *people_token(const struct people *people, str id);
/* How many users have the role of an administrator and are not disabled, without one of them. */
size_t people_other_admins(const struct people *people, const struct person *without);

#define PEOPLE_TOKEN_STATES(X) X(VALID, "valid") X(EXPIRED, "expired") X(ENDED, "ended")
enum people_token_state {
#define X(name, text) PEOPLE_TOKEN_##name,
    PEOPLE_TOKEN_STATES(X)
#undef X
};
/* why : a sentence when it is not valid: "it expired on ..." */
enum people_token_state people_token_state(const struct people *people,
                                           const struct person_token *token, int64_t now_us,
                                           struct arena *arena, str *why);
str people_token_state_text(enum people_token_state state);
/* The roles that a token gives: its own, as far as its user has them still. */
uint8_t people_token_roles(const struct people *people, const struct person_token *token);

/* A name that a user or a token may have: one line of text without control characters, of at most
 * LIMIT_PERSON_NAME bytes, without blanks around it.
 *
 * what : for the sentence: "the name of a user"
 * fails : MALFORMED */
MUST_USE bool people_name_fits(str name, const char *what, struct err *err);
