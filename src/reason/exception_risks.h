/* SPDX-License-Identifier: Apache-2.0 */
/* Why an exception needs more approvers (docs/governance.md): many pairs, an untrusted segment, the
 * internet, a machine that needs SMB 1.
 */
#pragma once

#include "policy/governance.h"
#include "reason/exception_effect.h"
#include "reason/exception_pairs.h"

/* Sentences, in the order of the manual. */
const str *exception_risks(const struct exception_pairs *pairs,
                           const struct effect_question *question,
                           const struct governance *governance, struct arena *arena,
                           struct arena scratch, size_t *n);
