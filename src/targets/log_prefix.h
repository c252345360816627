/* SPDX-License-Identifier: Apache-2.0 */
/* What Linux writes before a packet that a rule of ours has stopped: the rule's id and the rings of
 * the machines that load it, so that a line of a log leads back to both. The reader of kernel logs
 * (evidence/kernel_log.c) knows it by its beginning.
 */
#pragma once

#include "targets/target.h"

/* The rings that may hold one of these, parted by commas; empty = none, or it is not known.
 * resolved : may be NULL */
str log_prefix_rings(const struct resolved *resolved, struct prefix_set members,
                     struct arena *arena);

/* "sallyport-contoso-inbound-smb-tcp-domain-block-1 rings it,pilot ", with its blank at most 127
 * bytes (NF_LOG_PREFIXLEN is 128, with its end). Without quotes, so that it may stand in any. */
str log_prefix_of(const struct rule *rule, str rings, struct arena *arena);
