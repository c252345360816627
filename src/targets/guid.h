/* SPDX-License-Identifier: Apache-2.0 */
/* GUIDs that are the same in every run: made of a hash of what they stand for, never of chance, so
 * that a newer artefact takes the place of an older one. RFC 9562, version 8.
 */
#pragma once

#include "base/str.h"

/* "{8E3F2A10-…}", upper case and in braces as Windows writes them in group policy.
 *
 * owner : the workspace
 * what : of it, "backup clients-1" */
str guid_of(struct arena *arena, str owner, str what);
/* True when the text is a GUID as above. */
bool guid_is(str text);
