/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/netflow_template.h"

#include "base/limits.h"

/* Enterprises whose elements are read (IANA private enterprise numbers). */
enum {
    IANA = 0,
    CERT = 6871,
    REVERSE = 29305, /* RFC 5103: an element of the other direction */
    NTOP = 35632,
    ENTERPRISE_BIT = 0x8000,
    /* Elements of nProbe inside NetFlow v9, which has no enterprises. */
    NPROBE_FIRST = 57472,
    NPROBE_LAST = 58999,
};

/* The registry: IANA IPFIX Information Elements; 40005: Cisco ASA NetFlow Implementation Guide;
 * enterprise 6871: CERT's registry of YAF, whose bit 14 stands for the other direction. */
static const struct {
    uint32_t enterprise;
    uint16_t id;
    uint8_t element;
} registry[] = {
    {IANA,    1,            NETFLOW_OCTETS               }, /* octetDeltaCount */
    {IANA,    2,            NETFLOW_PACKETS              }, /* packetDeltaCount */
    {IANA,    4,            NETFLOW_PROTOCOL             }, /* protocolIdentifier */
    {IANA,    6,            NETFLOW_FLAGS                }, /* tcpControlBits */
    {IANA,    7,            NETFLOW_FROM_PORT            }, /* sourceTransportPort */
    {IANA,    8,            NETFLOW_FROM_V4              }, /* sourceIPv4Address */
    {IANA,    11,           NETFLOW_TO_PORT              }, /* destinationTransportPort */
    {IANA,    12,           NETFLOW_TO_V4                }, /* destinationIPv4Address */
    {IANA,    21,           NETFLOW_END_UPTIME           }, /* flowEndSysUpTime */
    {IANA,    22,           NETFLOW_START_UPTIME         }, /* flowStartSysUpTime */
    {IANA,    23,           NETFLOW_OUT_OCTETS           }, /* postOctetDeltaCount */
    {IANA,    24,           NETFLOW_OUT_PACKETS          }, /* postPacketDeltaCount */
    {IANA,    27,           NETFLOW_FROM_V6              }, /* sourceIPv6Address */
    {IANA,    28,           NETFLOW_TO_V6                }, /* destinationIPv6Address */
    {IANA,    34,           NETFLOW_SAMPLING             }, /* samplingInterval */
    {IANA,    50,           NETFLOW_SAMPLING             }, /* samplerRandomInterval */
    {IANA,    85,           NETFLOW_TOTAL_OCTETS         }, /* octetTotalCount */
    {IANA,    86,           NETFLOW_TOTAL_PACKETS        }, /* packetTotalCount */
    {IANA,    89,           NETFLOW_FORWARDING           }, /* forwardingStatus */
    {IANA,    130,          NETFLOW_EXPORTER_V4          }, /* exporterIPv4Address */
    {IANA,    131,          NETFLOW_EXPORTER_V6          }, /* exporterIPv6Address */
    {IANA,    150,          NETFLOW_START_S              }, /* flowStartSeconds */
    {IANA,    151,          NETFLOW_END_S                }, /* flowEndSeconds */
    {IANA,    152,          NETFLOW_START_MS             }, /* flowStartMilliseconds */
    {IANA,    153,          NETFLOW_END_MS               }, /* flowEndMilliseconds */
    {IANA,    154,          NETFLOW_START_US             }, /* flowStartMicroseconds */
    {IANA,    155,          NETFLOW_END_US               }, /* flowEndMicroseconds */
    {IANA,    156,          NETFLOW_START_NS             }, /* flowStartNanoseconds */
    {IANA,    157,          NETFLOW_END_NS               }, /* flowEndNanoseconds */
    {IANA,    158,          NETFLOW_START_DELTA          }, /* flowStartDeltaMicroseconds */
    {IANA,    159,          NETFLOW_END_DELTA            }, /* flowEndDeltaMicroseconds */
    {IANA,    160,          NETFLOW_BOOT_MS              }, /* systemInitTimeMilliseconds */
    {IANA,    161,          NETFLOW_DURATION_MS          }, /* flowDurationMilliseconds */
    {IANA,    162,          NETFLOW_DURATION_US          }, /* flowDurationMicroseconds */
    {IANA,    180,          NETFLOW_FROM_PORT            }, /* udpSourcePort */
    {IANA,    181,          NETFLOW_TO_PORT              }, /* udpDestinationPort */
    {IANA,    182,          NETFLOW_FROM_PORT            }, /* tcpSourcePort */
    {IANA,    183,          NETFLOW_TO_PORT              }, /* tcpDestinationPort */
    {IANA,    231,          NETFLOW_OCTETS               }, /* initiatorOctets */
    {IANA,    232,          NETFLOW_REVERSE_OCTETS       }, /* responderOctets */
    {IANA,    233,          NETFLOW_FIREWALL_EVENT       }, /* firewallEvent */
    {IANA,    239,          NETFLOW_BIFLOW_DIRECTION     }, /* biflowDirection */
    {IANA,    298,          NETFLOW_PACKETS              }, /* initiatorPackets */
    {IANA,    299,          NETFLOW_REVERSE_PACKETS      }, /* responderPackets */
    {IANA,    305,          NETFLOW_SAMPLING             }, /* samplingPacketInterval */
    {IANA,    306,          NETFLOW_SAMPLING_SPACE       }, /* samplingPacketSpace */
    {IANA,    310,          NETFLOW_SAMPLING             }, /* samplingPopulation */
    {IANA,    322,          NETFLOW_EVENT_S              }, /* observationTimeSeconds */
    {IANA,    323,          NETFLOW_EVENT_MS             }, /* observationTimeMilliseconds */
    {IANA,    324,          NETFLOW_EVENT_US             }, /* observationTimeMicroseconds */
    {IANA,    325,          NETFLOW_EVENT_NS             }, /* observationTimeNanoseconds */
    {IANA,    40005,        NETFLOW_FIREWALL_EVENT       }, /* NF_F_FW_EVENT, before it had a number */
    {REVERSE, 1,            NETFLOW_REVERSE_OCTETS       },
    {REVERSE, 2,            NETFLOW_REVERSE_PACKETS      },
    {REVERSE, 6,            NETFLOW_REVERSE_FLAGS        },
    {REVERSE, 85,           NETFLOW_REVERSE_TOTAL_OCTETS },
    {REVERSE, 86,           NETFLOW_REVERSE_TOTAL_PACKETS},
    {CERT,    14,           NETFLOW_INITIAL_FLAGS        }, /* initialTCPFlags: of the first packet */
    {CERT,    15,           NETFLOW_FLAGS                }, /* unionTCPFlags: of all others */
    {CERT,    14 | 1 << 14, NETFLOW_REVERSE_INITIAL_FLAGS},
    {CERT,    15 | 1 << 14, NETFLOW_REVERSE_FLAGS        },
};

bool netflow_template_has(const struct netflow_values *values, enum netflow_element element)
{
    return values->known >> element & 1;
}

uint64_t netflow_template_number(const struct netflow_values *values, enum netflow_element element)
{
    return netflow_template_has(values, element) ? values->number[element] : 0;
}

static bool is_address(unsigned element)
{
    return element >= NETFLOW_NUMBER_COUNT && element < NETFLOW_ELEMENT_COUNT;
}

static bool is_v4(unsigned element)
{
    return element == NETFLOW_FROM_V4 || element == NETFLOW_TO_V4 || element == NETFLOW_EXPORTER_V4;
}

/* NETFLOW_NOTHING for what is not read, or has a length that its type can't have (numbers may be
 * shorter than theirs: RFC 7011, 6.2). */
static uint8_t element_of(uint32_t enterprise, uint16_t id, uint16_t length)
{
    for (size_t i = 0; i < COUNT_OF(registry); i++) {
        if (registry[i].id != id || registry[i].enterprise != enterprise) continue;
        uint8_t element = registry[i].element;
        uint16_t most = is_address(element) ? (is_v4(element) ? 4 : 16) : 8;
        bool fits = is_address(element) ? length == most : length >= 1 && length <= most;
        return fits ? element : NETFLOW_NOTHING;
    }
    return NETFLOW_NOTHING;
}

struct compiler {
    struct netflow_step steps[LIMIT_NETFLOW_STEPS];
    size_t n;
    uint64_t least;
    uint64_t known; /* elements met: of two the first counts, as the order of headers is */
    bool is_variable, is_nprobe;
};

static bool add_step(struct compiler *compiler, uint8_t element, uint16_t length)
{
    struct netflow_step *last = compiler->n ? &compiler->steps[compiler->n - 1] : NULL;
    if (length == 0) return true; /* seen in templates; there is nothing to step over */
    if (length == NETFLOW_VARIABLE) {
        compiler->is_variable = true;
        compiler->least += 1;
    } else {
        compiler->least += length;
        bool joins = element == NETFLOW_NOTHING && last && last->element == NETFLOW_NOTHING &&
                     last->length != NETFLOW_VARIABLE && length < NETFLOW_VARIABLE - last->length;
        if (joins) {
            last->length = (uint16_t)(last->length + length);
            return true;
        }
    }
    if (compiler->n == LIMIT_NETFLOW_STEPS) return false;
    compiler->steps[compiler->n++] = (struct netflow_step){length, element};
    return true;
}

/* A template record is read to its end even when it can't be used: the next stands behind it. */
static bool compile(struct cursor *c, unsigned version, size_t n_fields, struct compiler *compiler)
{
    bool fits = true;
    for (size_t i = 0; i < n_fields && cursor_ok(c); i++) {
        uint32_t enterprise = IANA;
        uint16_t id = cursor_u16be(c, "template.element");
        uint16_t length = cursor_u16be(c, "template.length");
        if (version == NETFLOW_IPFIX && (id & ENTERPRISE_BIT)) {
            enterprise = cursor_u32be(c, "template.enterprise");
            id = (uint16_t)(id & ~ENTERPRISE_BIT);
        }
        if (enterprise == NTOP ||
            (version == NETFLOW_V9 && id >= NPROBE_FIRST && id <= NPROBE_LAST))
            compiler->is_nprobe = true;
        uint8_t element = element_of(enterprise, id, length);
        if (element != NETFLOW_NOTHING) {
            if (compiler->known >> element & 1)
                element = NETFLOW_NOTHING;
            else
                compiler->known |= UINT64_C(1) << element;
        }
        fits = fits && add_step(compiler, element, length);
    }
    return cursor_ok(c) && fits && compiler->least > 0 && compiler->least <= UINT16_MAX;
}

/* Where protocol and ports stand in records of fixed length. */
static void find_key(struct netflow_template *t)
{
    static const uint8_t wanted[] = {NETFLOW_PROTOCOL, NETFLOW_FROM_PORT, NETFLOW_TO_PORT};
    uint32_t at = 0;
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        t->key_at[i] = NETFLOW_VARIABLE;
    for (size_t i = 0; i < t->n_steps && t->steps[i].length != NETFLOW_VARIABLE; i++) {
        for (size_t j = 0; j < COUNT_OF(wanted); j++) {
            if (t->steps[i].element != wanted[j]) continue;
            t->key_at[j] = at;
            t->key_length[j] = (uint8_t)t->steps[i].length;
        }
        at += t->steps[i].length;
    }
}

bool netflow_template_read(struct cursor *c, unsigned version, size_t n_fields, bool is_options,
                           struct arena *arena, struct netflow_template *out)
{
    struct compiler compiler = {0};
    out->is_known = false;
    if (!compile(c, version, n_fields, &compiler)) return false;
    /* Room grows in powers of two: a template that is sent anew for ever takes no more memory. */
    if (compiler.n > out->room) {
        size_t room = out->room ? out->room : 16;
        while (room < compiler.n)
            room *= 2;
        out->steps = arena_array(arena, struct netflow_step, room);
        out->room = room;
    }
    memcpy(out->steps, compiler.steps, compiler.n * sizeof *out->steps);
    out->n_steps = compiler.n;
    out->is_known = true;
    out->is_options = is_options;
    out->is_nprobe = compiler.is_nprobe;
    out->is_variable = compiler.is_variable;
    out->least = (uint32_t)compiler.least;
    find_key(out);
    return true;
}

static uint64_t number_at(const uint8_t *at, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | at[i];
    return value;
}

bool netflow_template_key(const struct netflow_template *t, const uint8_t *record, uint64_t key[3])
{
    for (size_t i = 0; i < 3; i++) {
        if (t->is_variable || t->key_at[i] == NETFLOW_VARIABLE) return false;
        key[i] = number_at(record + t->key_at[i], t->key_length[i]);
    }
    return true;
}

/* The length of a field of variable length: one byte, or 255 and two (RFC 7011, 7). */
static bool variable_length(bytes *data, size_t *out)
{
    if (!data->len) return false;
    size_t header = 1, length = data->ptr[0];
    if (length == 255) {
        if (data->len < 3) return false;
        header = 3;
        length = (size_t)number_at(data->ptr + 1, 2);
    }
    data->ptr += header;
    data->len -= header;
    *out = length;
    return true;
}

bool netflow_template_apply(const struct netflow_template *t, bytes *data,
                            struct netflow_values *out)
{
    bytes rest = *data;
    out->known = 0;
    for (size_t i = 0; i < t->n_steps; i++) {
        size_t length = t->steps[i].length;
        unsigned element = t->steps[i].element;
        if (length == NETFLOW_VARIABLE && !variable_length(&rest, &length)) return false;
        if (length > rest.len) return false;
        if (element < NETFLOW_NUMBER_COUNT) {
            out->number[element] = number_at(rest.ptr, length);
        } else if (is_address(element)) {
            struct addr *addr = &out->addr[element - NETFLOW_NUMBER_COUNT];
            *addr = is_v4(element) ? addr_v4((uint32_t)number_at(rest.ptr, 4))
                                   : addr_from_bytes(rest.ptr);
        }
        if (element != NETFLOW_NOTHING) out->known |= UINT64_C(1) << element;
        rest.ptr += length;
        rest.len -= length;
    }
    *data = rest;
    return true;
}
