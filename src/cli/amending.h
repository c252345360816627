/* SPDX-License-Identifier: Apache-2.0 */
/* What `exception renew` and `exception narrow` share: an amendment is asked about like a first
 * request, and saved for others to approve.
 */
#pragma once

#include "cli/deciding.h"

struct amending {
    enum book_ask ask;
    const struct deciding_right *right;
    struct exception_entry entry; /* what is asked for: scope or end, and the reason */
};

/* Effect, rules, and, unless --dry-run, saved. The exit status. */
int amending_save(struct deciding *deciding, const struct book_exception *exception,
                  const struct amending *amending);
