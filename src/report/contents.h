/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a report: evidence, blind spots, flows by what becomes of them, rings, servers,
 * shares, the matrix, exceptions, figures, actions. Which report has which stands in one list here.
 */
#pragma once

#include "report/report.h"

struct sheets *contents_of(const struct report *report, bool whole, struct arena *arena);
