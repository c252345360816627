/* SPDX-License-Identifier: Apache-2.0 */
/* From kept flows to allow entries: machines become the vertices of reason/mine, segments and
 * groups its sets, and what it answers is put back into the words of the policy, with what
 * justifies each entry.
 */
#pragma once

#include "reason/mine.h"
#include "reason/suggest_flows.h"

/* Description length, in pairs that were never seen: what a further entry, and a further word in
 * one, may open before it is the better answer. A machine in a list costs more than it seems:
 * addresses of clients change, and lists are not read. */
enum { SUGGEST_ENTRY_COST = 20, SUGGEST_ITEM_COST = 3 };

/* What stands behind a line. */
struct suggest_summary {
    uint64_t flows, connections;
    uint64_t n_clients, n_servers;                /* machines */
    struct names users, shares, clients, servers; /* clients, servers: labels */
    int64_t first_us, last_us;
    bool timed;
};

struct suggest_item {
    str text;  /* a name of the policy, or an address */
    str label; /* of the address's machine; empty = none */
    bool is_name;
};

struct suggest_items {
    const struct suggest_item *items;
    size_t n;
};

struct suggest_entry {
    str name, why; /* why: one sentence that is not in the numbers; may be empty */
    struct suggest_items from, to, except_from, except_to;
    const size_t *services; /* indices into the policy's */
    size_t n_services;
    str secure; /* empty = the strategy decides */
    bool is_mined;
    uint64_t seen, allowed; /* pairs of machines; of mined entries */
    struct suggest_summary summary;
};

enum suggest_width {
    SUGGEST_WIDTH_GENERAL,   /* the miner may name sets where that allows pairs never seen */
    SUGGEST_WIDTH_COMPLETE,  /* names only what was seen whole */
    SUGGEST_WIDTH_ADDRESSES, /* no names: machine by machine */
};

struct suggest_mining {
    const struct suggest_entry *entries;
    size_t n;
    struct mine_result result;
};

struct suggest_mining suggest_entries_mine(const struct suggest_rules *rules,
                                           const struct suggest_flow *flows, size_t n_flows,
                                           enum suggest_width width, uint64_t weight,
                                           struct arena *arena, struct arena scratch);
/* What the flows say together. flows: indices; NULL = all n. */
struct suggest_summary suggest_entries_sum(const struct suggest_rules *rules,
                                           const struct suggest_flow *flows, const size_t *which,
                                           size_t n, struct arena *arena);
