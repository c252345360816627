/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the bytes are: reading ends, tells why not, or gives rules that make sense; reading
 * twice gives the same.
 */
#include "targets/juniper_srx_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rule(const struct rule *rule, size_t size)
{
    assert(rule->offset < size && rule->enabled && rule->profiles && rule->group.len);
    assert(rule->logs == (rule->action == ACTION_BLOCK));
    if (rule->transport == TRANSPORT_NONE) return; /* the last of a list */
    assert(rule->n_ports > 0 && rule->n_ports <= LIMIT_SERVICE_PORTS);
    for (size_t i = 0; i < rule->n_ports; i++)
        assert(rule->ports[i].first > 0 && rule->ports[i].first <= rule->ports[i].last);
    assert(rule->local.n > 0);
    for (size_t i = 0; i < rule->remote.n; i++)
        assert(addr_compare(rule->remote.ranges[i].first, rule->remote.ranges[i].last) <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 64 << 20, NULL);
    struct ruleset rules = {0}, again = {0};
    struct err err = {0};
    bytes content = {data, size};
    (void)juniper_srx_read_recognise(content);
    if (juniper_srx_read(S("fuzz"), content, &arena, &rules, &err)) {
        for (size_t i = 0; i < rules.n; i++)
            check_rule(&rules.rules[i], size);
        bool same = juniper_srx_read(S("fuzz"), content, &arena, &again, &err);
        assert(same && again.n == rules.n);
        (void)same;
    } else {
        assert(err.kind != ERR_NONE && err.text[0]);
    }
    bool undoes =
        juniper_srx_read_rollback(S("fuzz"), content, S("contoso"), S("servers"), &arena, &err);
    assert(!undoes || !rules.n);
    (void)undoes;
    arena_close(&arena);
    return 0;
}
