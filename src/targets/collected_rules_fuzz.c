/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/rule_file.h"

extern const struct rule_format collected_rules_format;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A rule that is told is whole; one that is not is a problem with its place. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 0, NULL);
    bytes content = {data, size};
    struct rule_file file = {0};
    struct err err = {0};
    (void)collected_rules_format.recognise(content);
    if (collected_rules_format.read(S("x"), content, &arena, &file, &err)) {
        for (size_t i = 0; i < file.rules.n; i++) {
            const struct rule *rule = &file.rules.rules[i];
            assert(rule->profiles && rule->local.n && rule->remote.n);
            for (size_t k = 0; k < rule->n_ports; k++)
                assert(rule->ports[k].first <= rule->ports[k].last);
        }
        for (size_t i = 0; i < file.n_problems; i++)
            assert(file.problems[i].text.len);
    } else {
        assert(err.text[0]);
    }
    arena_close(&arena);
    return 0;
}
