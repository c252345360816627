/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a proof that is about whom servers authorise (rules/principals.h): for every member,
 * peer, port and profile, the computers that inbound allow-if-secure rules name are those that the
 * policy's entries name for that pair, no more and no fewer.
 */
#pragma once

#include "rules/principals.h"
#include "rules/proof_security.h"

/* witness : the smallest member and peer at which they differ; at a rule that names computers of no
 *           entry, or only some of those that always stand together, its smallest point */
MUST_USE bool proof_principals(const struct proof_basis *basis, const struct principals *principals,
                               const struct enforced_class *class, struct arena *arena,
                               struct arena scratch, struct counterexample *witness);
