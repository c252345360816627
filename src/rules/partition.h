/* SPDX-License-Identifier: Apache-2.0 */
/* Classes that no set of a list tells apart, as one part: what is answered per part is answered for
 * all its classes. Parts are numbered by their smallest class.
 */
#pragma once

#include "rules/class_set.h"

struct partition {
    const uint32_t *of; /* per class: its part */
    const uint32_t
        *run_last; /* per class: the last class after it up to which all are of its part */
    uint32_t n;
    /* The classes of part p, as runs in order: runs[from[p]] up to runs[from[p + 1]]. */
    const uint32_t *from;
    const struct class_run *runs;
};

struct partition partition_of(const struct class_set *sets, size_t n_sets, uint32_t n_classes,
                              struct arena *arena, struct arena scratch);
/* The parts of a set that the partition was made from, or that is a union of parts. */
struct class_set partition_parts(const struct partition *partition, struct class_set set,
                                 struct arena *arena);
/* The classes of parts. */
struct class_set partition_classes(const struct partition *partition, struct class_set parts,
                                   struct arena *arena);
