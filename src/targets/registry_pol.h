/* SPDX-License-Identifier: Apache-2.0 */
/* Registry.pol of a group policy object, the PReg format ([MS-GPREG] 2.2.1): settings one behind
 * another, applied in order. Real files have some dozen to some thousand of them.
 */
#pragma once

#include "base/err.h"
#include "targets/registry_value.h"

struct registry_pol {
    struct registry_values values; /* all are REGISTRY_SET; special names stand as they are */
    /* Fewer bytes than the shortest setting has, behind the last one: Windows' own files have none,
     * and readers of others pass over them. */
    bytes rest;
};

/* Every setting, in order; offsets are those of its opening bracket. What was read and is written
 * again gives the same bytes.
 *
 * fails : TRUNCATED, MALFORMED (header, a delimiter, a key or name that is not UTF-16) */
MUST_USE bool registry_pol_read(str source, bytes content, struct arena *arena,
                                struct registry_pol *out, struct err *err);
/* A whole file. All values must be REGISTRY_SET. */
bytes registry_pol_write(struct registry_values values, struct arena *arena);
/* True when the bytes begin like one. */
bool registry_pol_recognise(bytes head);
