/* SPDX-License-Identifier: Apache-2.0 */
/* The way back on one machine, by a channel that is not SMB: a PowerShell script that takes the
 * values of one GPO out of the policy part of the registry. Windows Firewall watches that part and
 * reads it again when something of it was written or deleted, so no group policy and no SYSVOL is
 * needed. The reader is in gpo_read.
 */
#pragma once

#include "targets/gpo_settings.h"
#include "targets/target.h"

/* group : what rules and sets carry (EmbedCtxt, EmbeddedContext) */
str gpo_rollback_text(const struct host_class *host_class, const struct target_header *header,
                      const struct gpo_settings *settings, str group, struct arena *arena);
