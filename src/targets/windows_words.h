/* SPDX-License-Identifier: Apache-2.0 */
/* How readers of Windows dialects understand ports and addresses as this program's writers spell
 * them. For readers alone: a writer that used it could make a mistake which no proof would find.
 */
#pragma once

#include "rules/ruleset.h"

/* "445" or "5000-5010", without leading zeros, never port 0. */
MUST_USE bool windows_words_port(str token, enum transport transport, struct service_port *out);
/* An address, a prefix without host bits, or first-last of one family. */
MUST_USE bool windows_words_range(str token, struct range *out);

/* Lists parted by commas. False: *wrong is the first token that is none, or one too many. */
MUST_USE bool windows_words_ports(str list, struct rule *rule, struct arena *arena, str *wrong);
MUST_USE bool windows_words_ranges(str list, struct arena *arena, struct prefix_set *out,
                                   str *wrong);
