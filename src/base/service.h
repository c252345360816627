/* SPDX-License-Identifier: Apache-2.0 */
/* Services: names for transport and port. The built-in table (DESIGN.md 4, Services) is what
 * evidence is kept for; a policy extends it with services of its own.
 */
#pragma once

#include "base/limits.h"
#include "base/str.h"

enum transport { TRANSPORT_NONE, TRANSPORT_TCP = 6, TRANSPORT_UDP = 17 };

struct service_port {
    enum transport transport;
    uint16_t first, last; /* inclusive */
};

struct service {
    str name;
    struct service_port ports[LIMIT_SERVICE_PORTS];
    size_t n_ports;
    /* Tells services on shared ports apart (smb-quic: program System, ALPN smb); empty = none. A
     * marked service is never found by port alone. */
    str mark;
};

struct service_table {
    const struct service *services;
    size_t n;
};

enum { SERVICE_NONE = -1 };

/* smb, netbios, rpc, rdp, winrm, ssh, nfs, smb-quic */
extern const struct service_table service_builtin;

/* Index in the table, or SERVICE_NONE. */
int service_by_name(struct service_table table, str name);
int service_by_port(struct service_table table, enum transport transport, uint16_t port);
/* Is a port one of the table's? For readers that ask it of every record. */
struct service_bits {
    uint8_t has[2][8192]; /* TCP, UDP: a bit per port */
};
void service_bits_of(struct service_table table, struct service_bits *out);

static inline bool service_bits_have(const struct service_bits *bits, enum transport transport,
                                     uint16_t port)
{
    return transport && bits->has[transport == TRANSPORT_UDP][port / 8] >> (port % 8) & 1;
}

str service_transport_text(enum transport transport); /* "tcp", "udp" */
/* "tcp/445"; false when it is not of that form with a port of 1..65535. */
MUST_USE bool service_parse_port(str text, enum transport *transport, uint16_t *port);
/* "tcp/5000-5010" or "tcp/445" */
MUST_USE bool service_parse_ports(str text, struct service_port *out);
