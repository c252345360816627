/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/netsh_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is read is whole, and refusals say where. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 0, NULL);
    bytes content = {data, size};
    struct ruleset rules = {0};
    struct err err = {0};
    if (netsh_read(S("apply.cmd"), content, &arena, &rules, &err)) {
        for (size_t i = 0; i < rules.n; i++) {
            const struct rule *rule = &rules.rules[i];
            assert(rule->n_ports && rule->remote.n && rule->local.n && rule->profiles);
            assert(rule->offset < size);
        }
    } else {
        assert(err.text[0]);
    }
    if (!netsh_read_rollback(S("rollback.cmd"), content, S("contoso"), (str){0}, &arena, &err))
        assert(err.text[0]);
    if (!netsh_read_part(S("members.txt"), content, S("contoso"), &arena, &err))
        assert(err.text[0]);
    arena_close(&arena);
    return 0;
}
