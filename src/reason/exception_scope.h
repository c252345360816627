/* SPDX-License-Identifier: Apache-2.0 */
/* A scope of an exception made of what was used: clients and servers in the policy's words where a
 * segment or group is exactly that, else as addresses.
 */
#pragma once

#include "base/json_write.h"
#include "policy/resolve.h"

struct exception_scope {
    struct prefix_set from, to;
    const size_t *services; /* of the policy */
    size_t n_services;
    enum secure secure; /* UNSET = not said */
    str name;           /* empty = none */
};

/* One end as a list of words: the name of a segment or group that is exactly the set at that end,
 * else the fewest prefixes, lone addresses without a length. */
void exception_scope_end(struct json *json, const struct resolved *resolved, struct prefix_set set,
                         enum resolve_end end, struct arena scratch);
/* {"from":[...],"to":[...],"service":[...]}, and secure and name where they are said. */
str exception_scope_json(const struct exception_scope *scope, const struct resolved *resolved,
                         struct arena *arena, struct arena scratch);
/* An entry as a line of policy.yaml, in its own words: - {name: ..., from: [...], to: [...],
 * service: [...]} */
str exception_scope_entry(const struct entry *entry, const struct policy *policy,
                          struct arena *arena);
