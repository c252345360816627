/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of text as values of a registry: "KEY>NAME>TEXT". Whatever they are, reading ends, each is
 * a rule that makes sense, a problem, or about something else; reading twice gives the same.
 */
#include "targets/firewall_strings_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_set(struct prefix_set set)
{
    for (size_t i = 0; i < set.n; i++) {
        assert(addr_compare(set.ranges[i].first, set.ranges[i].last) <= 0);
        assert(!i || addr_compare(set.ranges[i - 1].last, set.ranges[i].first) < 0);
    }
}

static void check_rule(const struct rule *rule)
{
    assert(rule->profiles && rule->profiles < 1u << PROFILE_COUNT);
    assert(rule->local.n && rule->remote.n);
    assert(!rule->n_ports || rule->transport != TRANSPORT_NONE);
    assert(rule->transport == TRANSPORT_NONE || !rule->ip_protocol);
    assert(!rule->yields || rule->action == ACTION_ALLOW_IF_SECURE);
    assert(!rule->principals.len || rule->action == ACTION_ALLOW_IF_SECURE);
    for (size_t i = 0; i < rule->n_ports; i++)
        assert(rule->ports[i].first <= rule->ports[i].last);
    check_set(rule->local);
    check_set(rule->remote);
}

static struct registry_values values_of(str text, struct arena *arena)
{
    struct registry_value *items = NULL;
    size_t n = 0, room = 0;
    while (text.len) {
        str line, key, name, value;
        (void)str_cut(text, '\n', &line, &text);
        if (memchr(line.ptr ? line.ptr : "", 0, line.len)) continue;
        (void)str_cut(str_utf8(arena, line), '>', &key, &value);
        (void)str_cut(value, '>', &name, &value);
        uint64_t number = 0;
        arena_grow(arena, items, n, room);
        items[n++] = str_u64(value, UINT32_MAX, &number)
                         ? registry_value_of_dword(key, name, (uint32_t)number, arena)
                         : registry_value_of_text(key, name, value, arena);
    }
    return (struct registry_values){items, n};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 256 << 20, NULL);
    struct rule_file file = {0}, again = {0};
    struct registry_values values = values_of((str){(const char *)data, size}, &arena);
    firewall_strings_read(values, &arena, &file);
    firewall_strings_read(values, &arena, &again);
    assert(file.rules.n + file.rules.n_security <= values.n);
    assert(file.rules.n == again.rules.n && file.n_problems == again.n_problems);
    for (size_t i = 0; i < file.rules.n; i++)
        check_rule(&file.rules.rules[i]);
    for (size_t i = 0; i < file.n_problems; i++)
        assert(file.problems[i].text.len);
    for (size_t i = 0; i < file.rules.n_security; i++) {
        check_set(file.rules.security[i].local);
        check_set(file.rules.security[i].remote);
    }
    arena_close(&arena);
    return 0;
}
