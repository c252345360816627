/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648, 4), with padding, in the one form that each value has. */
#pragma once

#include "base/buf.h"

void base64_write(struct buf *out, bytes b);
/* Also refuses what decodes but is not what base64_write makes: no padding, other bits behind the
 * last byte. */
MUST_USE bool base64_read(str text, struct arena *arena, bytes *out);
