/* SPDX-License-Identifier: Apache-2.0 */
/* Who the directory knows, from files that an admin exports: whether the owner of an exception is
 * still there. Nothing is said of somebody who is missing unless a list of everybody was given.
 *
 * CSV as Export-Csv writes it (Get-ADUser -Filter * -Properties mail, or a list of Entra ID):
 * columns by name in any order, at least one of the first three:
 *
 *   samaccountname (onpremisessamaccountname), userprincipalname, mail (emailaddress)
 *   name (displayname), distinguishedname (dn), objectclass (class)
 *   enabled (accountenabled: true or false) or useraccountcontrol (bit 2 is "disabled")
 *
 * JSON as ConvertTo-Json writes it: an object per person with such members, alone, in a list, or in
 * the lists "people", "users", "value", "members" or "groups" of other objects. Objects of another
 * class than user or person are passed over. In practice: 10^3 to 10^5 people.
 */
#pragma once

#include "base/err.h"
#include "base/map.h"

struct directory_person {
    str account, principal, mail, name, dn;
    bool disabled;
    int64_t at_us; /* when the file was exported or imported */
};

struct people_directory {
    struct directory_person *items;
    size_t n, room;
    size_t n_passed;    /* rows of what is no person */
    bool is_whole;      /* a list of everybody was given */
    int64_t at_us;      /* its time */
    struct map by_text; /* principals, mail addresses, names: lower case, to items */
    struct map by_key;  /* accounts and the users of principals without their domain */
};

/* Adds a file. What earlier ones say of a person counts more: give a list of everybody first.
 *
 * is_whole : it lists everybody
 * out : grows; of no use after a failure
 * fails : MALFORMED, TRUNCATED (line and column, or offset), LIMIT */
MUST_USE bool people_directory_add(struct people_directory *out, str text, bool is_whole,
                                   int64_t at_us, struct arena *arena, struct err *err);

enum people_answer {
    PEOPLE_UNKNOWN,  /* no list of everybody was given, and no file has the name */
    PEOPLE_THERE,    /* and not disabled, as far as the file says */
    PEOPLE_DISABLED, /* so is everybody of that name in the file */
    PEOPLE_ABSENT,   /* the list of everybody has nobody of that name */
};

/* By principal, mail address or full name; else by the account without its domain.
 *
 * person : of whom it is said; NULL where nobody is known */
enum people_answer people_directory_ask(const struct people_directory *directory, str name,
                                        struct arena scratch,
                                        const struct directory_person **person);
/* Whether a person has left, as far as is known, and why: "alice is disabled in the directory
 * imported 2026-11-20". Never true where no list was imported. */
bool people_directory_has_left(const struct people_directory *directory, str name,
                               struct arena *arena, str *why);
