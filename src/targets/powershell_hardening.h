/* SPDX-License-Identifier: Apache-2.0 */
/* hardening.ps1 and hardening-rollback.ps1: what harden/baseline.h asks of a host class, by cmdlet
 * where the machine's module has it, else in the registry; start types, an optional feature and
 * audit subcategories. Each setting is saved before it is set, once, with whether it was there at
 * all; the rollback puts back exactly that. A setting that the machine's build does not have is
 * told and left out. When one fails, those of the run are put back.
 */
#pragma once

#include "targets/target.h"

/* fails : UNSUPPORTED, naming the setting: a text that no literal can hold, or no place at all */
MUST_USE bool powershell_hardening(const struct host_class *host_class,
                                   const struct target_header *header, struct arena *arena,
                                   str *out, struct err *err);
str powershell_hardening_rollback(const struct host_class *host_class,
                                  const struct target_header *header, struct arena *arena);

/* The log of a profile ("Domain"): as the baseline has it, else as every artefact does. */
struct powershell_log {
    bool blocked;
    str path;
    uint32_t kilobytes;
};
struct powershell_log powershell_hardening_log(const struct host_class *host_class, str profile);

/* Reads either back: true when every line is one of theirs for this workspace (empty = any).
 * Whatever they set goes through lines that save it first, and the rollback has the lines that put
 * it back.
 *
 * fails : MALFORMED (line, what was expected) */
MUST_USE bool powershell_hardening_read(str source, bytes content, str workspace,
                                        struct arena *arena, struct err *err);
/* The same, and what it sets: by id of the baseline, the function, the build and the arguments; of
 * the rollback, that it restores "every setting". */
MUST_USE bool powershell_hardening_read_settings(str source, bytes content, str workspace,
                                                 struct arena *arena, struct target_settings *out,
                                                 struct err *err);
