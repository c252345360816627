/* SPDX-License-Identifier: Apache-2.0 */
/* From the elements of a data record to a flow: times, counts, flags, verdicts. */
#pragma once

#include "evidence/flow_pairs.h"
#include "evidence/netflow_template.h"

/* What a datagram and its exporter say of time. */
struct netflow_record_clock {
    int64_t exported_us;
    bool has_uptime;
    uint32_t uptime_ms; /* since the exporter's start, when it exported; wraps after 49.7 days */
    uint64_t boot_ms;   /* when it started, as options say; 0 = not known */
};

/* How far a counter of 32 bits went from one value to another. */
uint32_t netflow_record_steps(uint32_t from, uint32_t to);
/* The time that the exporter's uptime stood for: at most half its range away from the export. */
int64_t netflow_record_uptime(const struct netflow_record_clock *clock, uint32_t uptime_ms);
/* Sets all but offset and vantage. *exporter: as the record names it; none = it does not. */
void netflow_record_flow(const struct netflow_template *t, const struct netflow_values *v,
                         const struct netflow_record_clock *clock, struct flow_record *out,
                         struct addr *exporter);
/* What a firewall's event (firewallEvent) and a router's forwardingStatus say; 0 = not said.
 * has_start: the record tells when the connection began. */
void netflow_record_verdict(uint64_t event, uint64_t forwarding, bool has_start,
                            struct flow_record *out);
