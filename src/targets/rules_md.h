/* SPDX-License-Identifier: Apache-2.0 */
/* RULES.md of an output folder: every rule of every class and border with its reason, for people;
 * what each dialect cannot hold; how to load the files and how to take them back.
 */
#pragma once

#include "targets/manifest.h"

/* manifest.rules_md is not asked. */
void rules_md_print(const struct manifest *manifest, struct arena *arena, struct buf *out);
