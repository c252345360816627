/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams that exporters send: NetFlow versions 1, 5, 7 (Cisco), 9 (RFC 3954), IPFIX (RFC 7011,
 * which has messages where the others have datagrams) and sFlow version 5. They are found in
 * captures of the traffic to a collector, and as files that hold nothing else.
 */
#pragma once

#include "evidence/netflow_cut.h"
#include "evidence/observation.h"

struct netflow_datagram {
    bytes data;
    uint64_t offset; /* of its first byte in the source; in a capture: of the frame's record */
    bool in_capture;
    int64_t received_us;  /* 0 = not known */
    struct addr exporter; /* its sender; none = not known */
};

struct netflow;
struct netflow *netflow_open(struct arena *arena, const struct fact_sink *sink);
/* Data whose template is not known by then is counted, and reported by netflow_close. */
void netflow_datagram(struct netflow *netflow, const struct netflow_datagram *datagram);
void netflow_close(struct netflow *netflow);
/* Bytes of memory that conversations touched. */
uint64_t netflow_memory(const struct netflow *netflow);
