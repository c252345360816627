/* SPDX-License-Identifier: Apache-2.0 */
/* Who is who: names tied to addresses, each with the time it held. Evidence keeps the endpoint it
 * named for ever; what is here is joined at the time of the row. A join links a name to an address,
 * never two addresses to each other; what two hosts claim at once is ambiguous and stays apart.
 */
#pragma once

#include "evidence/observation.h"

/* How far a witness can be believed, from weakest. */
#define STRENGTHS(X)                                                                               \
    X(ALIAS, "alias")     /* what a client called it: \\name\share */                              \
    X(SERVICE, "service") /* the domain gave a ticket for it under the name */                     \
    X(OWN, "own")         /* the machine's own word: NTLM messages, its log, the admin */

enum strength {
#define X(name, text) STRENGTH_##name,
    STRENGTHS(X)
#undef X
};

/* What evidence said on one UTC day: the address answered to the name between first and last. */
struct host_witness {
    struct addr addr;
    str name;
    enum identity_source source;
    int64_t first_us, last_us;
};

/* An address held by a host for a time: no other host was seen with it in between. */
struct host_interval {
    struct addr addr;
    str host; /* what its host is kept under; empty = nobody's, or ambiguous */
    int64_t from_us, to_us;
    enum identity_source source; /* the strongest */
    enum strength strength;
    bool ambiguous; /* two hosts claimed the address at once */
};

struct host {
    str name;           /* shown: the longest name of its own; empty = known by address only */
    struct names names; /* every name and alias, sorted */
    const enum strength *strengths;        /* the strongest witness of each name */
    const struct host_interval *intervals; /* its addresses, sorted by address, then time */
    size_t n_intervals;
    bool ambiguous;
};

struct hosts_labels;

struct host_list {
    const struct host *hosts; /* by name; then those known by address only, by address */
    size_t n;
    const struct host_interval *intervals; /* all, sorted by address, then time */
    const size_t *owners;                  /* index of each one's host */
    size_t n_intervals;
    const struct hosts_labels *labels; /* NULL: names are looked for one by one */
};

str hosts_source_text(enum identity_source source);
str hosts_strength_text(enum strength strength);
enum strength hosts_strength(enum identity_source source);

/* Witnesses to hosts. ends: every address of the matrix, so that those nobody named are listed too;
 * sorted, without repeats. */
struct host_list hosts_of(struct arena *arena, const struct host_witness *witnesses,
                          size_t n_witnesses, const struct addr *ends, size_t n_ends);

/* The host that held the address at a time, or nearest to it; it may be known by address only. NULL
 * = the address is not in the list. */
const struct host *hosts_at(const struct host_list *list, struct addr addr, int64_t at_us);

/* Hosts by what they are called, for evidence that names a host and no address. */
struct hosts_index;
struct hosts_index *hosts_by_name(struct arena *arena, const struct host_list *list);
/* The one host that is called so: its own names count before what others call it, and a short name
 * stands for the one full name that begins with it. NULL: none is, or several are. */
const struct host *hosts_named(const struct hosts_index *index, str name);

/* The addresses that the host had on a UTC day, each once, ascending: those it was seen with on
 * that day and no other host was; when there are none, those it was the nearest in time to be seen
 * with. Returns how many, at most `most`. */
size_t hosts_addresses_on(const struct host_list *list, const struct host *host, int32_t day,
                          struct addr *out, size_t most);

/* Addresses that a name holds up to a time, for policies that name hosts. A short name stands for
 * the one full name that begins with it. */
struct host_holding {
    struct addr addr;
    int64_t seen_us;
    bool claimed_by_another; /* some other host was seen with it since */
};
/* For many such questions: hosts by the first label of their own names. Into list->labels. */
void hosts_index_labels(struct arena *arena, struct host_list *list);
const struct host_holding *hosts_holdings(const struct host_list *list, str name, int64_t as_of_us,
                                          struct arena *arena, size_t *n);
