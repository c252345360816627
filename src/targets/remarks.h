/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an artefact whose dialect has comments that begin with '#': what it is, of which
 * policy, and for whom. The remarks of members are held against the class by the proof.
 */
#pragma once

#include "targets/target.h"

enum { REMARKS_WHY_BYTES = 900 };

/* "# label: text"; nothing when the text is empty. */
void remarks_line(struct buf *out, struct arena *arena, const char *label, str text);
/* Title, organisation, policy, exceptions, point in time. */
void remarks_head(struct buf *out, struct arena *arena, const struct target_header *header,
                  str title);
/* The class, its machines and its members. */
void remarks_class(struct buf *out, struct arena *arena, const struct host_class *class);
