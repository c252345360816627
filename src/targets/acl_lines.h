/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a border as the lists of a perimeter firewall have them: for each direction what is
 * approved is permitted, then the rest of a governed port is denied between the whole of either
 * side, and what does not cross is nobody's business. For those that write such dialects (Cisco
 * IOS, Cisco ASA, Juniper SRX); their readers share nothing with it.
 */
#pragma once

#include "targets/target.h"

enum { ACL_LINES_V4 = 1, ACL_LINES_V6 = 2, ACL_LINES_BOTH = 3 };

/* One permit or deny. Each family that one end has, the other has too. */
struct acl_line {
    const struct rule *rule; /* direction, action, transport, ports, id, why; of a deny, the first
                                that it stands for */
    struct prefix_set local, remote;
    bool any_remote; /* remote is all of the outside, in the families of local */
};

/* Permits, then denies. */
struct acl_lines {
    struct acl_line *items;
    size_t n, room;
    /* The peers of lines with any_remote, and all other addresses of those families, which no line
     * is about: a list that says "any" has to let them pass first. */
    struct prefix_set outside, not_outside;
};

/* families : of ACL_LINES_... */
struct acl_lines acl_lines_of(struct ruleset rules, enum direction direction, unsigned families,
                              struct arena *arena);
/* True when replies to clients would meet a deny of these lines in the other direction: some deny
 * TCP ports that clients use for themselves. */
bool acl_lines_meet_replies(const struct acl_lines *lines);

/* Text from a policy for a terminal: target_plain, without the question mark, which asks for help
 * there; at most `most` bytes. */
str acl_lines_plain(struct arena *arena, str text, size_t most);
/* Cuts off at most `most` bytes of the text, at a blank where there is one; *tail is the rest. */
str acl_lines_cut(str text, size_t most, str *tail);

/* What every file says of itself, each line behind `mark` and a blank.
 * dialect : "cisco-ios"; what : "border servers, both directions" */
void acl_lines_header(struct buf *out, const char *mark, str dialect, str what,
                      const struct bundles *bundles, const struct target_header *header,
                      struct arena *arena);
/* False: some rule cannot be expressed. */
MUST_USE bool acl_lines_expressible(const struct target *target, const struct bundles *bundles,
                                    struct err *err);
