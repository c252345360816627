/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in which group of the directory, from files that an admin exports: what `ad-group:` and
 * `computers:` of a policy mean, and the distinguished names of machines.
 *
 * JSON:
 * {"groups":[{"name","sid","members":[{"name","dns","sid","dn","class","addresses":[...]}]}]}; a
 * lone object may stand for a list of one, as ConvertTo-Json writes it. CSV: as Export-Csv writes
 * it, a line per member; columns by name in any order:
 *
 *   group, groupsid      of the group; without the column, the group is what the file is called
 *   name (or samaccountname), dns (dnshostname), sid (objectsid), dn (distinguishedname),
 *   class (objectclass), addresses (ipv4address, ipv6address; parted by blanks or semicolons)
 *
 * Nested groups are members of class `group`, or whose sid is a group's of the same files. Users
 * and whatever else is no computer are passed over. In practice: hundreds of groups, up to 10^5
 * members.
 */
#pragma once

#include "base/addr.h"
#include "base/err.h"
#include "base/map.h"

struct membership_member {
    str name, dns, sid, dn;
    const struct addr *addrs; /* if the file tells them */
    size_t n_addrs;
    int64_t at_us; /* when the file was exported or imported: how old that is */
    bool is_group;
};

struct membership_group {
    str name, sid;
    size_t file; /* which of the files added */
    struct membership_member *members;
    size_t n, room;
    bool ambiguous; /* another group has the name, too */
};

struct membership {
    struct membership_group *groups;
    size_t n, room, n_files;
    size_t n_members, n_passed; /* rows kept; rows of what is no computer */
    struct map by_name, by_sid; /* lower case, to the group */
    struct map computers;       /* names, DNS names, to a place in `known` */
    struct membership_member *known;
    size_t n_known, room_known;
};

/* Adds a file. What it says of a group that an earlier one listed does not count: the newest come
 * first.
 *
 * source : path, whose last part names the group of a CSV without that column
 * at_us : when it was exported or imported
 * out : grows; of no use after a failure
 * fails : MALFORMED, TRUNCATED (line and column, or offset), LIMIT */
MUST_USE bool membership_add(struct membership *out, str source, str text, int64_t at_us,
                             struct arena *arena, struct err *err);

/* By name or SID; NULL = in no file, or several have the name. */
const struct membership_group *membership_group(const struct membership *membership, str name,
                                                struct arena scratch);

/* The computers of a group, those of nested ones included, each once; groups may hold one another.
 * missing : the first nested group that no file lists; empty = all are known */
const struct membership_member **membership_computers(const struct membership *membership,
                                                      const struct membership_group *group,
                                                      struct arena *arena, size_t *n, str *missing);

/* By DNS name, else by name, else by the first label; NULL = in no file. */
const struct membership_member *membership_computer(const struct membership *membership, str name,
                                                    struct arena scratch);
