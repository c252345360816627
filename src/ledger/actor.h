/* SPDX-License-Identifier: Apache-2.0 */
/* Who acts: a user of this workspace who has shown a token, else the account of the operating
 * system that runs the program, which anybody with that account could be and which every entry says
 * so of.
 */
#pragma once

#include "ledger/ledger.h"

#define ROLES_OF_PEOPLE(X)                                                                         \
    X(VIEWER, "viewer")     /* reads */                                                            \
    X(OPERATOR, "operator") /* requests, compiles, reviews what they own */                        \
    X(APPROVER, "approver") /* approves and rejects */                                             \
    X(AUDITOR, "auditor")   /* reads everything, exports, verifies; decides nothing */             \
    X(ADMIN, "admin")       /* users, tokens, keys; no decision that others may not make */

enum person_role {
#define X(name, text) PERSON_##name,
    ROLES_OF_PEOPLE(X)
#undef X
        PERSON_ROLE_COUNT
};

struct actor {
    str person;  /* the user's name, else the system account's: what owners and approvers are */
    str account; /* of the operating system, always */
    str machine;
    str token;          /* id of the token shown; empty = none */
    bool authenticated; /* by a token */
    bool clock_is_set;  /* the time was set by SALLYPORT_CLOCK */
    uint8_t roles;      /* bits 1u << enum person_role; of an account: what it may without login */
};

/* {"person":"alice","account":"root","machine":"adm01","authenticated":true,"token":"T-3"}; with
 * "clock":"set" when it was. */
str actor_json(const struct actor *actor, struct arena *arena);
/* One person under two names: equal up to case, and whether or not a domain is said. */
bool actor_same_person(str a, str b);
/* Whether two acts may be one person's: the same person, or the same system account where either of
 * them has not logged in. */
bool actor_may_be_same(const struct actor *a, const struct actor *b);
str actor_role_text(enum person_role role);
