/* SPDX-License-Identifier: Apache-2.0 */
/* The files beside a registry.pol: GPMC's frame (manifest.xml, bkupInfo.xml, Backup.xml),
 * GptTmpl.inf, audit.csv, samba-tool's twins of them, members.txt. Each is what gpo.c writes for
 * this workspace and class, or an error; identifiers are worked out again from both.
 */
#pragma once

#include "targets/target.h"

/* source : the file's path, which says what it is and of which class
 * fails : MALFORMED, TRUNCATED */
MUST_USE bool gpo_part_read(str source, bytes content, str workspace, struct arena *arena,
                            struct err *err);
/* What any file of the class sets beside rules, or takes back: "KEY, NAME", "the start type of
 * NAME" "the audit subcategory NAME" or "extensions". */
MUST_USE bool gpo_part_read_settings(str source, bytes content, str workspace, struct arena *arena,
                                     struct target_settings *out, struct err *err);
