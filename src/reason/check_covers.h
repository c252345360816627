/* SPDX-License-Identifier: Apache-2.0 */
/* Entries that the others make superfluous, and entries that undo what others except: exact for all
 * addresses, and of unions (reason/cover).
 */
#pragma once

#include "reason/reach.h"

/* Warnings, in no order. All entries called shadowed may be deleted at once, and nobody loses
 * access: of two that allow the same it is the later one. An exception is no reason to delete an
 * entry, since it ends; an entry is one to drop an exception.
 *
 * reaches : of each entry */
void check_covers(const struct resolved *resolved, const struct reach *reaches, struct arena *arena,
                  struct arena scratch, struct diagnostics *found);
