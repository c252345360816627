/* SPDX-License-Identifier: Apache-2.0 */
/* Firewall policy in a .reg file: what regedit or `reg export` writes of the firewall's keys. */
#include "targets/firewall_strings_read.h"
#include "targets/registry_text.h"

static bool read(str source, bytes content, struct arena *arena, struct rule_file *out,
                 struct err *err)
{
    struct registry_text text = {0};
    if (!registry_text_read(source, content, arena, &text, err)) return false;
    out->problems = text.problems;
    out->n_problems = text.n_problems;
    firewall_strings_read(text.values, arena, out);
    return true;
}

const struct rule_format reg_rules_format = {
    .name = {".reg",                                4 },
    .summary = {"firewall policy exported by regedit", 35},
    .recognise = registry_text_recognise,
    .read = read,
};
