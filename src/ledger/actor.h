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
    /* Why it has no more roles than these, for a refusal: "bob is disabled"; empty = they are all
     * that its user has. */
    str limited;
    /* Decides nothing at all, not even of what it owns: not logged in where the policy asks for it,
     * an account of a user who is disabled. */
    bool reads_only;
};

/* {"person":"alice","account":"root","machine":"adm01","authenticated":true,"token":"T-3"}; with
 * "clock":"set" when it was. */
str actor_json(const struct actor *actor, struct arena *arena);
/* Reads what actor_json wrote; members it does not know are passed over.
 *
 * fails : MALFORMED, TRUNCATED, with the offset in json */
MUST_USE bool actor_read(str json, struct arena *arena, struct actor *out, struct err *err);
/* Who wrote an entry, and its data (a JSON object, within body).
 *
 * fails : as actor_read; MALFORMED (a member is missing) */
MUST_USE bool actor_of_entry(str body, struct arena *arena, struct actor *out, str *data,
                             struct err *err);
/* One person under two names: equal up to case, whatever domain is said. DOMAIN\user, user@domain
 * and user are one, and so are the users of two domains who are called alike: what this decides is
 * whether two people have looked at something, so a doubt is answered "one". */
bool actor_same_person(str a, str b);
/* Whether every character of a name can be seen: with one that can't, two would look alike. */
bool actor_name_is_visible(str name);
/* What such names have in common: two are one person exactly when their keys are equal. */
str actor_person_key(str name, struct arena *arena);
/* Whether two acts may be one person's: the same person, or the same system account where either of
 * them has not logged in. */
bool actor_may_be_same(const struct actor *a, const struct actor *b);
str actor_role_text(enum person_role role);
/* "viewer, approver"; "no role". */
str actor_roles_text(uint8_t roles, struct arena *arena);
/* False when there is no such role. */
MUST_USE bool actor_role_of(str text, enum person_role *out);
