/* SPDX-License-Identifier: Apache-2.0 */
/* What to try after loading: connections from a machine of each host class that must work, and some
 * that must not, with the scripts that try them. Expectations come from the policy's decision of
 * the whole path, not from the rules. Only addresses that the policy names one by one are tried,
 * since those are hosts.
 */
#pragma once

#include "rules/bundle.h"

/* probes.csv: "class,client,server,transport,port,expect,why", one probe a line; `client` is empty
 * where every machine of the class is asked the same. expect is "pass", "pass if secured" or
 * "block". Services on UDP are not tried: silence there tells nothing.
 *
 * decision : of the policy
 * most : probes of one class, service and expectation */
void probes_head(struct buf *out);
void probes_class(const struct decision *decision, const struct host_class *host_class, size_t most,
                  struct arena scratch, struct buf *out);

/* The scripts that read it, for Windows PowerShell and for POSIX sh with nc. */
str probes_powershell(void);
str probes_sh(void);
