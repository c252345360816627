/* SPDX-License-Identifier: Apache-2.0 */
/* The readers of FortiGate, PAN-OS, Azure and AWS: whatever the bytes are, reading ends, tells why
 * not, or gives rules that make sense; reading twice gives the same.
 */
#include "targets/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rule(const struct rule *rule, size_t size)
{
    assert(rule->offset < size && rule->profiles && rule->enabled);
    assert(rule->n_ports || rule->transport == TRANSPORT_NONE);
    for (size_t i = 0; i < rule->n_ports; i++)
        assert(rule->ports[i].first > 0 && rule->ports[i].first <= rule->ports[i].last);
    for (size_t i = 0; i < rule->remote.n; i++)
        assert(addr_compare(rule->remote.ranges[i].first, rule->remote.ranges[i].last) <= 0);
}

static void try_target(const struct target *target, bytes content)
{
    struct arena arena = arena_open("fuzz", 256 << 20, NULL);
    struct ruleset rules = {0}, again = {0};
    struct err err = {0};
    (void)target->recognise(content);
    if (target->read(S("fuzz"), content, &arena, &rules, &err)) {
        for (size_t i = 0; i < rules.n; i++)
            check_rule(&rules.rules[i], content.len);
        bool same = target->read(S("fuzz"), content, &arena, &again, &err);
        assert(same && again.n == rules.n);
        (void)same;
    } else {
        assert(err.kind != ERR_NONE && err.text[0]);
    }
    (void)target->read_rollback(S("fuzz"), content, S("contoso"), S("cloud"), &arena, &err);
    if (target->undoes) (void)target->undoes(S("fuzz"), content, content, &arena, &err);
    arena_close(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"pan-os", "fortigate", "azure-nsg", "aws-nacl",
                                        "aws-security-group"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        try_target(target_by_name(str_of(names[i])), (bytes){data, size});
    return 0;
}
