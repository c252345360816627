/* SPDX-License-Identifier: Apache-2.0 */
/* Firewall policy in a registry hive: what `netsh advfirewall export` writes (.wfw), whose root is
 * the firewall's own key, or a machine's SYSTEM or SOFTWARE hive. */
#include "targets/firewall_strings_read.h"
#include "targets/regf.h"

static bool has_owned(struct registry_values values)
{
    for (size_t i = 0; i < values.n; i++)
        if (firewall_strings_read_owns(values.items[i].key)) return true;
    return false;
}

/* Keys as they would be in the machine's registry. */
static struct registry_values placed(struct registry_values values, struct arena *arena)
{
    if (has_owned(values)) return values;
    struct registry_value *items = arena_array(arena, struct registry_value, values.n + 1);
    for (size_t i = 0; i < values.n; i++) {
        str key = values.items[i].key, whole = firewall_strings_read_local_key;
        items[i] = values.items[i];
        if (i && key.ptr == values.items[i - 1].key.ptr)
            whole = items[i - 1].key; /* values of one key share it */
        else if (key.len)
            whole = str_format(arena, "%.*s\\%.*s", STR_ARG(whole), STR_ARG(key));
        items[i].key = whole;
    }
    return (struct registry_values){items, values.n};
}

static bool read(str source, bytes content, struct arena *arena, struct rule_file *out,
                 struct err *err)
{
    static const struct rule_problem dirty = {
        .text = {"the hive was being written: what its logs hold is missing", 57}
    };
    struct regf regf = {0};
    if (!regf_read(source, content, arena, &regf, err)) return false;
    if (regf.is_dirty) {
        out->problems = &dirty;
        out->n_problems = 1;
    }
    firewall_strings_read(placed(regf.values, arena), arena, out);
    return true;
}

const struct rule_format wfw_rules_format = {
    .name = {".wfw hive",                                             9 },
    .summary = {"firewall policy exported by netsh, or a registry hive", 53},
    .recognise = regf_recognise,
    .read = read,
};
