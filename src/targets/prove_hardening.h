/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a host class must set beside rules: the hardening that host_class asks for
 * (harden/baseline.h), and the log of each profile, in the words of each dialect. It is worked out
 * from the table alone, and compared with what the dialect's reader finds in its files (struct
 * target: settings): nothing missing, nothing more, each as it is asked for, and all of it taken
 * back by the rollback, or named there as what stays.
 *
 * powershell : apply.ps1 "log Domain" = "True | PATH | KIB"; hardening.ps1 ID = the function, the
 *              build and its arguments; hardening-rollback.ps1 "every setting"
 * gpo : registry.pol, GptTmpl.inf, audit.csv and their twins for samba-tool "KEY, NAME" = "TYPE |
 *       DATA", "the start type of NAME", "the audit subcategory NAME"; Backup.xml and its twin
 *       "extensions" = which of these files are applied; rollback.ps1 the names again, with the
 *       data alone or "stays"
 * mdm : logging.xml, hardening.xml URI = "FORMAT | DATA | Atomic N"; hardening-rollback.xml,
 *       rollback.xml URI = "deleted"
 * reg : rules.reg the logs alone, as gpo; of hardening it holds none
 */
#pragma once

#include "targets/target.h"

/* Whether a dialect that reads settings is known here. */
bool prove_hardening_knows(const struct target *target);
/* True when the files of this class set what they must.
 *
 * out_path : the file that does not
 * fails : MALFORMED (the setting, what was expected, what was found), what the reader fails with */
MUST_USE bool prove_hardening(const struct target *target, const struct host_class *host_class,
                              const struct target_files *files, str workspace, struct arena *arena,
                              struct arena scratch, str *out_path, struct err *err);
