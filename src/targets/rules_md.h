/* SPDX-License-Identifier: Apache-2.0 */
/* RULES.md of an output folder: every rule of every class and border with its reason, for people;
 * what each dialect cannot hold; how to load the files and how to take them back.
 */
#pragma once

#include "targets/manifest.h"

/* The whole; parts: of its classes and borders, in their order. manifest.documents are not asked.
 */
void rules_md_print(const struct manifest *manifest, str parts, struct arena *arena,
                    struct buf *out);
/* Its parts, one after the other: a class or a border with its rules. Classes are the same for
 * every target; what differs is the residue. */
void rules_md_class(const struct host_class *host_class, struct arena *arena, struct buf *out);
void rules_md_border(const struct border_rules *border, struct arena *arena, struct buf *out);
