/* SPDX-License-Identifier: Apache-2.0 */
/* What the platform must guarantee, asked once. */
#include "base/base.h"

#include <limits.h>

static_assert(CHAR_BIT == 8, "a byte has eight bits");
static_assert(sizeof(size_t) == 8, "sizes are 64 bits wide");
static_assert(sizeof(int) >= 4, "int holds 32 bits");
static_assert((-1 >> 1) == -1, "signed shifts keep the sign");
