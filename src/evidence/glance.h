/* SPDX-License-Identifier: Apache-2.0 */
/* A look at the text of a JSON object before it is read, for logs whose objects are nearly all of
 * no use. Whoever glances must be right when he says "of no use", and may say "read it" at will.
 */
#pragma once

#include "base/str.h"

/* Text that names SMB anywhere holds "smb"; other text may hold it too. */
bool glance_mentions_smb(str text);
/* The digits behind the end of a key: `": 445`, also `":"445"`. Empty: something else. */
str glance_number(str behind_key);
