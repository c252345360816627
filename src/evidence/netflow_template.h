/* SPDX-License-Identifier: Apache-2.0 */
/* Templates of NetFlow v9 (RFC 3954, 5.2) and IPFIX (RFC 7011, 3.4): what a data record consists
 * of. A template is compiled when it is met: fields that nothing is made of become bytes to step
 * over, so that reading a record costs no more than the fields that matter.
 */
#pragma once

#include "base/addr.h"
#include "base/cursor.h"
#include "evidence/netflow_cut.h"

/* Elements that are read: numbers, then addresses. Which elements they are: netflow_template.c. */
#define NETFLOW_NUMBERS(X)                                                                         \
    X(OCTETS)                                                                                      \
    X(PACKETS)                                                                                     \
    X(TOTAL_OCTETS)                                                                                \
    X(TOTAL_PACKETS)                                                                               \
    X(OUT_OCTETS)                                                                                  \
    X(OUT_PACKETS)                                                                                 \
    X(REVERSE_OCTETS)                                                                              \
    X(REVERSE_PACKETS)                                                                             \
    X(REVERSE_TOTAL_OCTETS)                                                                        \
    X(REVERSE_TOTAL_PACKETS)                                                                       \
    X(PROTOCOL)                                                                                    \
    X(FROM_PORT)                                                                                   \
    X(TO_PORT)                                                                                     \
    X(FLAGS)                                                                                       \
    X(INITIAL_FLAGS)                                                                               \
    X(REVERSE_FLAGS)                                                                               \
    X(REVERSE_INITIAL_FLAGS)                                                                       \
    X(START_UPTIME)                                                                                \
    X(END_UPTIME)                                                                                  \
    X(START_S)                                                                                     \
    X(END_S)                                                                                       \
    X(START_MS)                                                                                    \
    X(END_MS)                                                                                      \
    X(START_US)                                                                                    \
    X(END_US)                                                                                      \
    X(START_NS)                                                                                    \
    X(END_NS)                                                                                      \
    X(START_DELTA)                                                                                 \
    X(END_DELTA)                                                                                   \
    X(BOOT_MS)                                                                                     \
    X(DURATION_MS)                                                                                 \
    X(DURATION_US)                                                                                 \
    X(EVENT_S)                                                                                     \
    X(EVENT_MS)                                                                                    \
    X(EVENT_US)                                                                                    \
    X(EVENT_NS)                                                                                    \
    X(FIREWALL_EVENT)                                                                              \
    X(FORWARDING)                                                                                  \
    X(BIFLOW_DIRECTION)                                                                            \
    X(SAMPLING)                                                                                    \
    X(SAMPLING_SPACE)
#define NETFLOW_ADDRESSES(X)                                                                       \
    X(FROM_V4)                                                                                     \
    X(TO_V4)                                                                                       \
    X(FROM_V6)                                                                                     \
    X(TO_V6)                                                                                       \
    X(EXPORTER_V4)                                                                                 \
    X(EXPORTER_V6)

enum netflow_element {
#define X(name) NETFLOW_##name,
    NETFLOW_NUMBERS(X) NETFLOW_NUMBER_COUNT,
    NETFLOW_BEFORE_ADDRESSES = NETFLOW_NUMBER_COUNT - 1,
    NETFLOW_ADDRESSES(X) NETFLOW_ELEMENT_COUNT,
#undef X
    NETFLOW_NOTHING = NETFLOW_ELEMENT_COUNT, /* bytes to step over */
};
static_assert(NETFLOW_ELEMENT_COUNT <= 64, "one bit each in netflow_values.known");

/* What one data record says. */
struct netflow_values {
    uint64_t known; /* bit per element */
    uint64_t number[NETFLOW_NUMBER_COUNT];
    struct addr addr[NETFLOW_ELEMENT_COUNT - NETFLOW_NUMBER_COUNT];
};
bool netflow_template_has(const struct netflow_values *values, enum netflow_element element);
uint64_t netflow_template_number(const struct netflow_values *values, enum netflow_element element);

enum { NETFLOW_VARIABLE = 65535 };

struct netflow_step {
    uint16_t length; /* NETFLOW_VARIABLE: said by the record */
    uint8_t element;
};

struct netflow_waiting; /* netflow.c: data that came before it */

struct netflow_template {
    uint32_t domain;
    uint16_t id;
    bool is_known; /* defined, and not withdrawn since */
    bool is_options;
    bool is_nprobe;     /* has fields of nProbe, for which OUT counts the other direction */
    bool is_variable;   /* records have no fixed length */
    uint32_t least;     /* bytes of the shortest record */
    uint32_t key_at[3]; /* fixed: where protocol and ports are; NETFLOW_VARIABLE = not there */
    uint8_t key_length[3];
    struct netflow_step *steps;
    size_t n_steps, room;
    struct netflow_waiting *waiting, *last_waiting;
    /* Data met while it was not known, and not read since: */
    uint64_t missed_sets, missed_bytes, missed_at, missed_length;
};

/* One template record, without its id and counts, into *out (which may hold an older definition).
 * False, and *out is not known, when the record is cut (*c has failed) or asks for more than
 * LIMIT_NETFLOW_STEPS or a set can hold: then *c is behind it. */
MUST_USE bool netflow_template_read(struct cursor *c, unsigned version, size_t n_fields,
                                    bool is_options, struct arena *arena,
                                    struct netflow_template *out);
/* One data record from the front of *data. False when it is cut. */
MUST_USE bool netflow_template_apply(const struct netflow_template *t, bytes *data,
                                     struct netflow_values *out);
/* Protocol and ports of a record without reading it; false when the template can't tell so. The
 * record is whole. */
bool netflow_template_key(const struct netflow_template *t, const uint8_t *record, uint64_t key[3]);
