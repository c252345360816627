/* SPDX-License-Identifier: Apache-2.0 */
/* Windows audit policy, written for the hosts of an audit plan: an audit.csv for a GPO (advanced
 * audit policy configuration), and scripts for the local machine that switch the same on, and back
 * to exactly what was before.
 *
 * spec : [MS-GPAC] 2.2.1 (audit.csv), auditpol.exe /backup and /set
 */
#pragma once

#include "base/buf.h"
#include "reason/audit_plan.h"

/* audits: bit set of enum audit. What is no subcategory (SMB1) is in the scripts alone. */
void audit_policy_csv(uint32_t audits, struct buf *out);
void audit_policy_enable_ps1(uint32_t audits, struct buf *out);
void audit_policy_disable_ps1(uint32_t audits, struct buf *out);
