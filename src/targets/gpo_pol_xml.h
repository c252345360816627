/* SPDX-License-Identifier: Apache-2.0 */
/* Registry.pol as XML, the form in which `samba-tool gpo backup` keeps it and `gpo restore` takes
 * it. For reading alone.
 */
#pragma once

#include "base/err.h"
#include "targets/registry_value.h"

/* fails : MALFORMED, TRUNCATED, with the offset of the element */
MUST_USE bool gpo_pol_xml_read(str source, bytes content, struct arena *arena,
                               struct registry_values *out, struct err *err);
