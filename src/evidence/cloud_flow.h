/* SPDX-License-Identifier: Apache-2.0 */
/* What the flow logs of the clouds share (docs/evidence-cloud.md): a record tells of one span of
 * one flow at one network interface, each record is a line of its own for overlap, and the side on
 * a service's port is the server whatever the record calls source. Nothing is put together here:
 * records that continue a flow are `within` and join its beginning when evidence is joined, so a
 * flow may lie in many small files, as the clouds write them.
 */
#pragma once

#include "evidence/observation.h"

struct cloud_flow {
    struct addr from, to;
    uint16_t from_port, to_port;
    enum transport transport;
    int64_t first_us, last_us;
    uint64_t bytes, reverse_bytes; /* from → to, to → from */
    enum outcome outcome;
    bool from_opened; /* the record says that `from` began the conversation */
    bool within;      /* tells of a flow under way, or may */
    uint64_t identity;
    uint64_t offset;
};

struct cloud_flows; /* opaque */
struct cloud_flows *cloud_flow_open(struct arena *arena, const struct fact_sink *sink);
/* Begins in the midst of a source, where names may have been said. */
void cloud_flow_adopt(struct cloud_flows *flows);
/* Whether either side is on a port of a service. For a look before the rest of a record is read. */
bool cloud_flow_keeps(const struct cloud_flows *flows, enum transport transport, uint16_t from_port,
                      uint16_t to_port);
/* The network interface or machine that saw what comes next, before each record. Formats that never
 * say it have none. */
void cloud_flow_origin(struct cloud_flows *flows, str name);
/* One flow that cloud_flow_keeps; false when an address or both times are missing. */
MUST_USE bool cloud_flow_tell(struct cloud_flows *flows, const struct cloud_flow *flow);
/* 6 and 17 (also as "tcp" and "udp"); anything else is TRANSPORT_NONE. */
enum transport cloud_flow_transport(str protocol);
/* Seconds or milliseconds since 1970, in decimal: which of them is told by their size (seconds of
 * before the year 5138 are below 10^11). False when it is no number or past the year 9999. */
MUST_USE bool cloud_flow_time(str text, int64_t *out_us);
/* "-" and nothing are no address and no port, and that is no error. */
MUST_USE bool cloud_flow_addr(str text, struct addr *out);
MUST_USE bool cloud_flow_port(str text, uint16_t *out);
/* A counter; "-", nothing and text that is no number count as 0. */
uint64_t cloud_flow_count(str text);
