/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix as it is read: one flow per (client, server, port, transport), over all time and every
 * vantage point, and beside it what was read to make it. Plain values; text and arrays live in the
 * arena they were loaded into. matrix/view.c orders them and prints them (DESIGN.md 7).
 *
 * Order everywhere: ends by address on the line of base/addr, ends that have only a name after all
 * addresses, bytewise; then port; then transport.
 */
#pragma once

#include "base/json_write.h"
#include "evidence/observation.h"

/* Where a fact was read. */
struct witness {
    str source; /* path as given, "outer.zip!/inner" for members */
    str reader;
    uint64_t offset;
    int64_t first_us; /* of what it witnesses; orders witnesses, is not printed */
};

struct matrix_flow {
    struct endpoint client, server;
    enum transport transport;
    uint16_t port;
    bool is_smb; /* SMB was decoded in it */
    /* Distinct connections that had the outcome; [OUTCOME_NONE]: those of which nothing tells. */
    uint64_t outcomes[OUTCOME_COUNT];
    uint64_t connections;
    bool connections_exact; /* false: the largest of counts that can't be joined */
    int64_t first_us, last_us;
    bool is_timeless;           /* nothing tells when: clocks that counted from a boot */
    uint32_t days;              /* UTC days on which it was seen, as far as clocks tell */
    uint32_t shortest_gap_days; /* between two of them that follow each other; 0 = of one day */
    uint64_t bytes_to_server, bytes_to_client;
    /* Observations per profile of the machine that logged them; [PROFILE_UNKNOWN]: not said. */
    uint64_t profiles[PROFILE_COUNT + 1];
    uint8_t dialects; /* bit set of enum dialect */
    uint8_t auths;    /* bit set of enum auth */
    uint8_t assumed;  /* bit set of enum assumption */
    /* The weakest seen; what else was seen stands in conflicts. */
    enum signing client_signing, server_signing;
    enum known encrypted, compressed, compression_offered;
    uint8_t ciphers; /* bit set of enum cipher */
    /* Sorted bytewise. Shares as sent; the others differ by more than case. */
    struct names users, client_names, server_names, shares, shares_refused, pipes, interfaces;
    struct names conflicts; /* sentences such as "server signing: enabled, required" */
    const struct witness *evidence;
    size_t n_evidence;
};

/* Records of use that can't be tied to a flow. */
struct unplaced {
    str what;
    uint64_t count;
};

/* What one host (or one capture) wrote of a source that was read: the coverage statement. */
struct coverage {
    str source, reader;
    str origin;             /* host that wrote it; empty = not known (captures) */
    int64_t from_us, to_us; /* of its records; meaningful only when has_times */
    bool has_times;
    uint64_t records, facts; /* in the source, whether or not they were known before */
    /* Own addresses of the origin, over all its sources; none for captures. */
    const struct addr *locals;
    size_t n_locals;
    const struct unplaced *unplaced;
    size_t n_unplaced;
};

struct source_skip {
    str source;
    uint64_t offset, length; /* length 0 = unknown */
    str reason;
};

struct matrix_view {
    const struct matrix_flow *flows;
    size_t n_flows;
    const struct coverage *coverage;
    size_t n_coverage;
    const struct source_skip *skips;
    size_t n_skips;
    uint64_t n_hosts;
};

/* What the policy adds to a flow; asked by the printers. */
struct view_labels {
    void *to;
    /* Name of the segment where the end lives; empty = in none, or no policy. */
    str (*segment)(void *to, struct endpoint end);
    /* Name of the service; empty = none has that port. */
    str (*service)(void *to, enum transport transport, uint16_t port);
    bool (*governed)(void *to, enum transport transport, uint16_t port);
};

/* Without a policy: no segments, built-in services, smb and netbios governed. */
extern const struct view_labels view_labels_default;

int view_compare_ends(struct endpoint a, struct endpoint b);
int view_compare_flows(const struct matrix_flow *a, const struct matrix_flow *b);
/* A flow worked if it was established, allowed or accessed (DESIGN.md 5). */
bool view_flow_worked(const struct matrix_flow *flow);

/* "10.10.4.7" or the name */
str view_end_text(struct arena *arena, struct endpoint end);
/* "10.10.4.7 (WS0417)": the first of names is shown beside the address */
str view_end_label(struct arena *arena, struct endpoint end, struct names names);
/* "smb", "udp/137", "tcp/4455": datagrams and what no service has by port */
str view_service_text(struct arena *arena, const struct view_labels *labels,
                      enum transport transport, uint16_t port);
/* "established 3, allowed 12" */
str view_outcomes_text(struct arena *arena, const struct matrix_flow *flow);
str view_dialects_text(struct arena *arena, uint8_t dialects); /* "2.1, 3.1.1" */

/* The members of a flow, keys and order of DESIGN.md 7, inside an object the caller opened: so that
 * others may add members of their own. */
void view_flow_members(struct json *json, const struct matrix_flow *flow,
                       const struct view_labels *labels);
/* What `matrix --json` prints. */
void view_print_json(const struct matrix_view *view, const struct view_labels *labels,
                     struct buf *out);
