/* SPDX-License-Identifier: Apache-2.0 */
/* What `check` can find, each kind with one sentence: for reports that list their rules. */
#pragma once

#include "policy/policy.h"

struct check_kind {
    str kind;
    enum severity severity; /* as a rule; a finding may say otherwise */
    str title;
};

extern const struct check_kind check_kinds[];
extern const size_t check_kinds_n;

/* SIZE_MAX when there is none of that name. */
size_t check_kinds_find(str kind);
