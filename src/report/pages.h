/* SPDX-License-Identifier: Apache-2.0 */
/* The body of each kind of report, between its head and its foot. */
#pragma once

#include "report/report.h"

typedef void pages_body(struct buf *out, const struct report *report, struct arena scratch);

pages_body pages_technical, pages_executive, pages_exceptions, pages_audit, pages_client;
