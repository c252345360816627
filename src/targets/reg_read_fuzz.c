/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/reg_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is read is whole, and refusals say where. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 0, NULL);
    bytes content = {data, size};
    struct ruleset rules = {0};
    struct err err = {0};
    if (reg_read(S("rules.reg"), content, &arena, &rules, &err)) {
        for (size_t i = 0; i < rules.n; i++) {
            const struct rule *rule = &rules.rules[i];
            assert(rule->remote.n && rule->profiles);
            assert(rule->id.len);
        }
    } else {
        assert(err.text[0]);
    }
    if (!reg_read_rollback(S("rollback.cmd"), content, S("contoso"), (str){0}, &arena, &err))
        assert(err.text[0]);
    if (!reg_read_part(S("rollback.reg"), content, S("contoso"), &arena, &err)) assert(err.text[0]);
    struct target_settings settings = {0};
    if (!reg_read_settings(S("/rules.reg"), content, S("contoso"), &arena, &settings, &err))
        assert(err.text[0]);
    for (size_t i = 0; i < settings.n; i++)
        assert(settings.items[i].name.len && settings.items[i].data.len);
    arena_close(&arena);
    return 0;
}
