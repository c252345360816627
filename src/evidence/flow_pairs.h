/* SPDX-License-Identifier: Apache-2.0 */
/* Flow records to observations: what every export of flows shares (docs/evidence-flows.md). Such
 * records tell of one direction each (NetFlow, IPFIX, sFlow, AWS), so the two directions that one
 * exporter saw of one conversation are put together here, and a long conversation that was told of
 * in pieces is one observation. Which side is the server, and what became of the connection, is
 * decided when all that is known of it has been seen.
 *
 * The table holds LIMIT_FLOW_PAIRS conversations; full: the least recently used one is told of as
 * it stands. A piece that comes after that is `within`.
 */
#pragma once

#include "evidence/observation.h"

enum flow_verdict { FLOW_NO_VERDICT, FLOW_ALLOWED, FLOW_BLOCKED };

/* One record, as exported. Zero = not said, where nothing else is written. */
struct flow_record {
    struct addr from, to;
    uint16_t from_port, to_port;
    enum transport transport;
    int64_t first_us, last_us; /* of its packets; last is never before first */
    uint64_t bytes, packets;   /* from → to, headers included as exporters count them */
    /* Both directions in one record (biflow): */
    uint64_t reverse_bytes, reverse_packets;
    uint8_t reverse_flags;
    bool has_reverse;
    /* All TCP flags of its packets together. Exporters that have no flags write zero: they are
     * known when the format says so, or when they are not zero. */
    uint8_t flags;
    bool flags_known;
    bool is_sampled;    /* only some packets were looked at: what is absent proves nothing */
    bool from_opened;   /* the format says that `from` opened the conversation */
    bool begins;        /* the format says that it began at first_us: as good as a SYN */
    bool is_cumulative; /* counts since the beginning of the flow, not since its last record */
    enum flow_verdict verdict;
    uint8_t assumed;  /* bit set of enum assumption: what the times rest on */
    uint32_t vantage; /* flow_pairs_vantage; 0 = the source itself */
    uint64_t offset;
};

struct flow_pairs;
struct flow_pairs *flow_pairs_open(struct arena *arena, const struct fact_sink *sink);
/* A number for the point that saw what its records tell: an exporter, a network interface. Named to
 * the sink as origin of its observations, so that two that saw one connection are two witnesses.
 * LIMIT_FLOW_VANTAGES of them; full: 0. */
uint32_t flow_pairs_vantage(struct flow_pairs *pairs, str name);
/* For sources that are one stream whatever they hold (OVERLAP_CONTENT_HASH): what several points
 * saw of one connection is one observation, which counts what the first of them counted. */
void flow_pairs_join_vantages(struct flow_pairs *pairs);
/* What is told next, records too, is of that vantage: said to the sink when it changes. */
void flow_pairs_speak(struct flow_pairs *pairs, uint32_t vantage);
/* Whether either side is on a port of a service: nothing else is kept. For a look before the rest
 * of a record is read. */
bool flow_pairs_keeps(const struct flow_pairs *pairs, enum transport transport, uint16_t from_port,
                      uint16_t to_port);
/* Takes what flow_pairs_keeps, drops the rest. sink.record is the reader's business. */
void flow_pairs_add(struct flow_pairs *pairs, const struct flow_record *record);
/* Tells of what is still open: at the end of the source. */
void flow_pairs_close(struct flow_pairs *pairs);
/* Bytes of memory touched. */
uint64_t flow_pairs_memory(const struct flow_pairs *pairs);
