/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ruleset.h"

str action_text(enum action action)
{
    static const str texts[] = {
#define X(name, text) {text, sizeof(text) - 1},
        ACTIONS(X)
#undef X
    };
    assert((size_t)action < COUNT_OF(texts));
    return texts[action];
}

str direction_text(enum direction direction)
{
    return direction == DIRECTION_INBOUND ? S("inbound") : S("outbound");
}
