/* SPDX-License-Identifier: Apache-2.0 */
/* Firewall policy in a Registry.pol, of whatever made the group policy object. */
#include "targets/firewall_strings_read.h"
#include "targets/registry_pol.h"

static bool read(str source, bytes content, struct arena *arena, struct rule_file *out,
                 struct err *err)
{
    struct registry_pol pol = {0};
    if (!registry_pol_read(source, content, arena, &pol, err)) return false;
    firewall_strings_read(pol.values, arena, out);
    return true;
}

const struct rule_format registry_pol_rules_format = {
    .name = {"Registry.pol",                             12},
    .summary = {"firewall policy of a group policy object", 40},
    .recognise = registry_pol_recognise,
    .read = read,
};
