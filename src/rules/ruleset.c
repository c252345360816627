/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ruleset.h"

str action_text(enum action action)
{
    static const str texts[] = {
#define X(name, text) {text, sizeof(text) - 1},
        ACTIONS(X)
#undef X
    };
    assert((size_t)action < COUNT_OF(texts));
    return texts[action];
}

str direction_text(enum direction direction)
{
    return direction == DIRECTION_INBOUND ? S("inbound") : S("outbound");
}

void rule_add_port(struct rule *rule, struct arena *arena, struct service_port port)
{
    /* Twice the room at each power of two: what was there is never written again. */
    if (!rule->n_ports || !(rule->n_ports & (rule->n_ports - 1))) {
        size_t room = rule->n_ports ? 2 * rule->n_ports : 1;
        struct service_port *ports = arena_array(arena, struct service_port, room);
        if (rule->n_ports) memcpy(ports, rule->ports, rule->n_ports * sizeof *ports);
        rule->ports = ports;
    }
    rule->ports[rule->n_ports++] = port;
}
