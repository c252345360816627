/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/own_spelling.h"

bool own_spelling_of(str text, struct range range)
{
    bool holds_v4 = addr_compare(range.first, addr_all_v4.last) <= 0 &&
                    addr_compare(addr_all_v4.first, range.last) <= 0;
    return !holds_v4 || !str_contains(text, S(":"));
}
