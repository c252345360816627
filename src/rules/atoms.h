/* SPDX-License-Identifier: Apache-2.0 */
/* Atoms: a partition of all addresses into classes of equal membership in the sets it was built
 * from (Yang and Lam, "Real-time verification of network properties using atomic predicates"). A
 * class is a number; classes are numbered by their smallest address, so the smallest class of a
 * difference holds its smallest address. In practice: tens to thousands of classes from up to 10^5
 * prefixes.
 */
#pragma once

#include "base/prefix_set.h"
#include "rules/class_set.h"

struct atoms;

/* Built once from the union of all sets of a comparison. */
struct atoms *atoms_build(const struct prefix_set *sets, size_t n_sets, struct arena *arena,
                          struct arena scratch);
uint32_t atoms_class(const struct atoms *atoms, struct addr a); /* a few loads */
void atoms_class_many(const struct atoms *atoms, const struct addr *addrs, size_t n, uint32_t *out);
/* The same, and the last address up to which it goes on without a gap, for walks along the line. */
uint32_t atoms_stretch(const struct atoms *atoms, struct addr a, struct addr *last); /* O(log n) */
uint32_t atoms_count(const struct atoms *atoms);
/* The smallest address of a class, as its witness. */
struct addr atoms_witness(const struct atoms *atoms, uint32_t class_id);
/* The smallest address of a class but `not`: a peer for its own witness. False when the class is
 * that one address. */
bool atoms_second_witness(const struct atoms *atoms, uint32_t class_id, struct addr not,
                          struct addr *out);
/* True when the set is a union of classes, as every set the atoms were built from is. */
bool atoms_hold(const struct atoms *atoms, struct prefix_set set, struct arena scratch);
/* The classes of a set that the atoms hold; costs what it covers. */
struct class_set atoms_classes(const struct atoms *atoms, struct prefix_set set,
                               struct arena *arena);
/* The addresses of classes; costs what they are made of. */
struct prefix_set atoms_addresses(const struct atoms *atoms, struct class_set classes,
                                  struct arena *arena);
/* Bytes of the tables that look-ups touch. */
uint64_t atoms_table_bytes(const struct atoms *atoms);
