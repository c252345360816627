/* SPDX-License-Identifier: Apache-2.0 */
/* Whose computers a secured entry authorises: the SIDs that a Windows rule names as its remote
 * machines. They are an axis of their own: never turned into addresses (DESIGN.md 5).
 */
#pragma once

#include "policy/resolve.h"

struct authorised {
    str sids; /* "S-1-5-21-1-2-3-515 S-1-5-21-1-2-3-516": sorted, each once, parted by blanks */
    str lack; /* why they are not known, in words; empty = they are */
};

/* Those of `secure: {computers: [...]}`, each a SID or a group of the directory; else Domain
 * Computers, Domain Controllers and Read-only Domain Controllers of each of the policy's domains.
 *
 * lookup : NULL = no group is known */
struct authorised authorised_by(const struct policy *policy, const struct entry *entry,
                                const struct host_lookup *lookup, struct arena *arena);

/* True for S-1-5-21-1-2-3-515: a revision, an authority, one to fifteen numbers of 32 bits
 * ([MS-DTYP] 2.4.2). */
bool authorised_is_sid(str text);

/* Lists of SIDs as above, together. */
str authorised_union(str a, str b, struct arena *arena);
/* The same of any order, case and repetition: as a reader finds it. */
str authorised_sorted(str list, struct arena *arena);
