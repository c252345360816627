/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/port_set.h"

void port_set_of_services(struct port_set *out)
{
    *out = (struct port_set){0};
    for (size_t i = 0; i < service_builtin.n; i++) {
        const struct service *service = &service_builtin.services[i];
        if (service->mark.len) continue;
        for (size_t k = 0; k < service->n_ports; k++) {
            struct service_port range = service->ports[k];
            for (uint32_t port = range.first; port <= range.last; port++)
                out->bits[range.transport == TRANSPORT_UDP][port / 8] |=
                    (uint8_t)(1u << (port % 8));
        }
    }
}
