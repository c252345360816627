/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/mdm_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is read is whole, and refusals say where. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 0, NULL);
    bytes content = {data, size};
    struct ruleset rules = {0};
    struct err err = {0};
    if (mdm_read(S("rules.xml"), content, &arena, &rules, &err)) {
        for (size_t i = 0; i < rules.n; i++) {
            const struct rule *rule = &rules.rules[i];
            assert(rule->n_ports && rule->remote.n && rule->local.n && rule->profiles);
            assert(rule->offset < size);
        }
    } else {
        assert(err.text[0]);
    }
    if (!mdm_read_rollback(S("rollback.xml"), content, S("contoso"), (str){0}, &arena, &err))
        assert(err.text[0]);
    struct target_settings settings = {0};
    bool part = mdm_read_part(S("logging.xml"), content, S("contoso"), &arena, &err);
    assert(part || err.text[0]);
    bool sets = mdm_read_settings(S("logging.xml"), content, S("contoso"), &arena, &settings, &err);
    assert(sets == part);
    (void)sets;
    arena_close(&arena);
    return 0;
}
