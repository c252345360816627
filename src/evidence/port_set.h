/* SPDX-License-Identifier: Apache-2.0 */
/* The ports of table services as bits: for readers that ask it of every row of a large log. */
#pragma once

#include "base/service.h"

struct port_set {
    uint8_t bits[2][(UINT16_MAX + 1) / 8]; /* TCP, UDP */
};

/* Ports of services that a mark tells apart are not among them: port alone never finds those. */
void port_set_of_services(struct port_set *out);

static inline bool port_set_has(const struct port_set *set, enum transport transport, uint16_t port)
{
    return set->bits[transport == TRANSPORT_UDP][port / 8] >> (port % 8) & 1;
}

/* Of either transport. */
static inline bool port_set_has_any(const struct port_set *set, uint16_t port)
{
    return (set->bits[0][port / 8] | set->bits[1][port / 8]) >> (port % 8) & 1;
}
