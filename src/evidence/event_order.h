/* SPDX-License-Identifier: Apache-2.0 */
/* Which value stands where, for exports that give an event's values without their names:
 * `Get-WinEvent | ConvertTo-Json`, insertion strings of forwarders.
 */
#pragma once

#include "evidence/event.h"

/* The kind's value at that position of n; EVENT_VALUES = not wanted, or the event's values are not
 * so many. */
size_t event_order_value(const struct event_kind *kind, size_t position, size_t n);
