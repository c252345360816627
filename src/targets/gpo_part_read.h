/* SPDX-License-Identifier: Apache-2.0 */
/* The files beside a registry.pol: GPMC's frame (manifest.xml, bkupInfo.xml, Backup.xml),
 * GptTmpl.inf, audit.csv, samba-tool's twins of them, members.txt. Each is what gpo.c writes for
 * this workspace and class, or an error; identifiers are worked out again from both.
 */
#pragma once

#include "base/err.h"
#include "targets/gpo_read.h"
