/* SPDX-License-Identifier: Apache-2.0 */
/* A page as PDF, printed by a Chromium that is installed. */
#pragma once

#include "cli/command.h"

/* Prints the HTML file. The browser gets a profile of its own beside the PDF, which is removed, and
 * no network.
 *
 * fails : NOT_FOUND (no browser), IO */
MUST_USE bool report_pdf(struct invocation *call, str html, str pdf, struct err *err);
