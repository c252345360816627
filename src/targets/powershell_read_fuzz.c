/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the bytes are: reading ends, tells why not, or gives rules that make sense; reading
 * twice gives the same.
 */
#include "targets/powershell_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rule(const struct rule *rule, size_t size)
{
    assert(rule->offset < size);
    assert(rule->n_ports > 0 && rule->n_ports <= LIMIT_SERVICE_PORTS);
    for (size_t i = 0; i < rule->n_ports; i++)
        assert(rule->ports[i].first > 0 && rule->ports[i].first <= rule->ports[i].last);
    assert(rule->profiles && rule->profiles < 1u << PROFILE_COUNT);
    assert(rule->transport == TRANSPORT_TCP || rule->transport == TRANSPORT_UDP);
    for (size_t i = 0; i < rule->remote.n; i++)
        assert(addr_compare(rule->remote.ranges[i].first, rule->remote.ranges[i].last) <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 64 << 20, NULL);
    struct ruleset rules = {0}, again = {0};
    struct err err = {0};
    bytes content = {data, size};
    (void)powershell_read_recognise(content);
    if (powershell_read(S("fuzz"), content, &arena, &rules, &err)) {
        for (size_t i = 0; i < rules.n; i++)
            check_rule(&rules.rules[i], size);
        bool same = powershell_read(S("fuzz"), content, &arena, &again, &err);
        assert(same && again.n == rules.n);
        (void)same;
    } else {
        assert(err.kind != ERR_NONE && err.text[0]);
    }
    bool undoes = powershell_read_rollback(S("fuzz"), content, S("contoso"), S(""), &arena, &err);
    assert(!undoes || !rules.n);
    (void)undoes;
    struct target_settings settings = {0};
    if (!powershell_read_settings(S("fuzz"), content, S("contoso"), &arena, &settings, &err))
        assert(err.text[0]);
    for (size_t i = 0; i < settings.n; i++)
        assert(settings.items[i].name.len && settings.items[i].data.len);
    arena_close(&arena);
    return 0;
}
