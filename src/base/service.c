/* SPDX-License-Identifier: Apache-2.0 */
#include "base/service.h"

#define TCP(port)                                                                                  \
    {                                                                                              \
        TRANSPORT_TCP, port, port                                                                  \
    }
#define UDP(port)                                                                                  \
    {                                                                                              \
        TRANSPORT_UDP, port, port                                                                  \
    }

static const struct service rows[] = {
    {{"smb", 3},      {TCP(445)},                                 1, {0}          },
    {{"netbios", 7},  {TCP(139), UDP(137), UDP(138)},             3, {0}          },
    {{"rpc", 3},      {TCP(135)},                                 1, {0}          },
    {{"rdp", 3},      {TCP(3389), UDP(3389)},                     2, {0}          },
    {{"winrm", 5},    {TCP(5985), TCP(5986)},                     2, {0}          },
    {{"ssh", 3},      {TCP(22)},                                  1, {0}          },
    {{"nfs", 3},      {TCP(2049), UDP(2049), TCP(111), UDP(111)}, 4, {0}          },
    {{"smb-quic", 8}, {UDP(443)},                                 1, {"System", 6}},
};

const struct service_table service_builtin = {rows, COUNT_OF(rows)};

int service_by_name(struct service_table table, str name)
{
    for (size_t i = 0; i < table.n; i++)
        if (str_equal(table.services[i].name, name)) return (int)i;
    return SERVICE_NONE;
}

int service_by_port(struct service_table table, enum transport transport, uint16_t port)
{
    for (size_t i = 0; i < table.n; i++) {
        const struct service *service = &table.services[i];
        if (service->mark.len) continue;
        for (size_t j = 0; j < service->n_ports; j++) {
            struct service_port p = service->ports[j];
            if (p.transport == transport && p.first <= port && port <= p.last) return (int)i;
        }
    }
    return SERVICE_NONE;
}

void service_bits_of(struct service_table table, struct service_bits *out)
{
    *out = (struct service_bits){0};
    for (size_t i = 0; i < table.n; i++) {
        const struct service *service = &table.services[i];
        if (service->mark.len) continue; /* never found by port alone */
        for (size_t j = 0; j < service->n_ports; j++)
            for (uint32_t port = service->ports[j].first; port <= service->ports[j].last; port++)
                out->has[service->ports[j].transport == TRANSPORT_UDP][port / 8] |=
                    (uint8_t)(1u << (port % 8));
    }
}

str service_transport_text(enum transport transport)
{
    if (transport == TRANSPORT_TCP) return S("tcp");
    if (transport == TRANSPORT_UDP) return S("udp");
    return S("none");
}

bool service_parse_ports(str text, struct service_port *out)
{
    str transport, ports, first, last;
    uint64_t low = 0, high = 0;
    if (!str_cut(text, '/', &transport, &ports)) return false;
    bool tcp = str_equal(transport, S("tcp"));
    if (!tcp && !str_equal(transport, S("udp"))) return false;
    bool is_range = str_cut(ports, '-', &first, &last);
    if (!str_u64(first, UINT16_MAX, &low) || !low) return false;
    if (is_range && !str_u64(last, UINT16_MAX, &high)) return false;
    if (!is_range) high = low;
    if (high < low) return false;
    *out = (struct service_port){
        tcp ? TRANSPORT_TCP : TRANSPORT_UDP,
        (uint16_t)low,
        (uint16_t)high,
    };
    return true;
}

bool service_parse_port(str text, enum transport *transport, uint16_t *port)
{
    struct service_port p;
    if (!service_parse_ports(text, &p) || p.first != p.last) return false;
    *transport = p.transport;
    *port = p.first;
    return true;
}
