/* SPDX-License-Identifier: Apache-2.0 */
/* Which address an event calls source follows the direction of a packet in some events and versions
 * and that of the flow in others, so the port decides which side is the server.
 */
#include "evidence/suricata_event.h"

#include "evidence/log_time.h"
#include "evidence/port_set.h"
#include "evidence/share_path.h"
#include "evidence/suricata_smb.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

enum { PORT_NETBIOS_DATAGRAM = 138, PORT_KERBEROS = 88 };

/* TCP flags, as hexadecimal text in events. RFC 9293, 3.1 */
enum { FLAG_SYN = 0x02, FLAG_RESET = 0x04, FLAG_PUSH = 0x08, FLAG_ACK = 0x10 };

/* What an event's type says of its flow. */
enum use_kind {
    EVENT_OF_NO_USE, /* stats, anomaly, ...: no payload of a protocol was understood */
    EVENT_FLOW,
    EVENT_NETFLOW,
    EVENT_ALERT,
    EVENT_DROP,
    EVENT_PROTOCOL, /* smb, ssh, ...: payload went over the flow */
};

static const struct {
    str type;
    enum use_kind kind;
} event_types[] = {
    {T("flow"),     EVENT_FLOW    },
    {T("netflow"),  EVENT_NETFLOW },
    {T("alert"),    EVENT_ALERT   },
    {T("drop"),     EVENT_DROP    },
    {T("smb"),      EVENT_PROTOCOL},
    {T("dcerpc"),   EVENT_PROTOCOL},
    {T("krb5"),     EVENT_PROTOCOL},
    {T("fileinfo"), EVENT_PROTOCOL},
    {T("rdp"),      EVENT_PROTOCOL},
    {T("ssh"),      EVENT_PROTOCOL},
    {T("nfs"),      EVENT_PROTOCOL},
    {T("rpc"),      EVENT_PROTOCOL},
    {T("http"),     EVENT_PROTOCOL},
    {T("tls"),      EVENT_PROTOCOL},
};

/* One direction of a flow in netflow events: the other one comes next, if there is any. */
struct half {
    bool waits;
    char flow_id[24];
    size_t flow_id_len;
    uint64_t hash;
    unsigned flags[2]; /* to the server, to the client */
    bool seen[2];
    struct observation fact;
};

struct suricata_talk {
    struct fact_sink sink;
    struct port_set ports;
    const struct zone *zone; /* of times without an offset; NULL = not given */
    bool zone_is_assumed;    /* one of the times of this event was such */
    /* The second that was read last: most events share it with the one before. */
    char second[25];
    bool second_known;
    int64_t second_us;
    struct half half;
};

/* An event while it is told. */
struct telling {
    struct suricata_talk *talk;
    const struct suricata_event *event;
    const str *fields;
    struct arena *scratch;
    int64_t at_us;
    bool is_reversed; /* the event's source is the server */
    struct observation fact;
};

/* "2017-05-17T10:02:16.523633+0000", or with a colon; Suricata can be told to write no offset. */
static bool time_of(struct suricata_talk *talk, str text, int64_t *out_us)
{
    enum { USUAL = 31, FRACTION = 20, ZONE = 26 };
    int64_t fraction = 0;
    size_t n = text.len;
    bool usual = n == USUAL && text.ptr[FRACTION - 1] == '.' &&
                 (text.ptr[ZONE] == '+' || text.ptr[ZONE] == '-') && text.ptr[ZONE + 3] != ':';
    for (size_t i = FRACTION; usual && i < ZONE; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
        fraction = fraction * 10 + (text.ptr[i] - '0');
    }
    if (usual && talk->second_known && memcmp(talk->second, text.ptr, 20) == 0 &&
        memcmp(talk->second + 20, text.ptr + ZONE, 5) == 0) {
        *out_us = talk->second_us + fraction;
        return true;
    }
    if (!log_time_parse(text, talk->zone, out_us, &talk->zone_is_assumed)) return false;
    if (usual) {
        memcpy(talk->second, text.ptr, 20);
        memcpy(talk->second + 20, text.ptr + ZONE, 5);
        talk->second_us = *out_us - fraction;
        talk->second_known = true;
    }
    return true;
}

static bool port_of(str text, uint16_t *out)
{
    uint64_t value = 0;
    if (!str_u64(text, UINT16_MAX, &value)) return false;
    *out = (uint16_t)value;
    return true;
}

static uint64_t count_of(str text)
{
    uint64_t value = 0;
    return str_u64(text, INT64_MAX, &value) ? value : 0;
}

/* "1b"; what is no such text is 0: not said. */
static unsigned flags_of(str text)
{
    unsigned value = 0;
    if (!text.len || text.len > 2) return 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_digit = c >= '0' && c <= '9', is_lower = c >= 'a' && c <= 'f';
        if (!is_digit && !is_lower) return 0;
        value = value * 16 + (unsigned)(is_digit ? c - '0' : c - 'a' + 10);
    }
    return value;
}

static enum use_kind kind_of(str type)
{
    for (size_t i = 0; i < COUNT_OF(event_types); i++)
        if (str_equal(event_types[i].type, type)) return event_types[i].kind;
    return EVENT_OF_NO_USE;
}

/* The flow of the event into its fact; false when it is not one to be kept. */
static bool place(struct telling *t, enum transport transport, struct addr source,
                  struct addr destination)
{
    const struct suricata_talk *talk = t->talk;
    uint16_t source_port = 0, destination_port = 0;
    bool smb = suricata_smb_is(t->event);
    if (transport == TRANSPORT_NONE || addr_is_none(source) || addr_is_none(destination))
        return false;
    if (!port_of(t->fields[SURICATA_SRC_PORT], &source_port) ||
        !port_of(t->fields[SURICATA_DEST_PORT], &destination_port))
        return false;
    bool by_destination = port_set_has(&talk->ports, transport, destination_port);
    bool by_source = port_set_has(&talk->ports, transport, source_port);
    if (!by_destination && !by_source && !smb) return false;
    t->is_reversed = by_source && !by_destination;
    /* Neither or both: the flow's own direction, unless the event has that of a packet. */
    bool guessed =
        by_source == by_destination && kind_of(t->fields[SURICATA_EVENT_TYPE]) != EVENT_FLOW;
    uint8_t assumed = (uint8_t)((guessed ? 1u << ASSUMED_SERVER : 0) |
                                (talk->zone_is_assumed ? 1u << ASSUMED_TIMEZONE : 0));
    t->fact = (struct observation){
        .client.addr = t->is_reversed ? destination : source,
        .server.addr = t->is_reversed ? source : destination,
        .transport = transport,
        .client_port = t->is_reversed ? destination_port : source_port,
        .port = t->is_reversed ? source_port : destination_port,
        .is_smb = smb,
        .first_us = t->at_us,
        .last_us = t->at_us,
        .count = 1,
        .profile = PROFILE_UNKNOWN,
        .assumed = assumed,
        .offset = t->event->offset,
    };
    return t->fact.port != 0;
}

static struct names one_name(const str *name)
{
    return (struct names){name, name->len > 0};
}

static void observe(struct telling *t)
{
    const struct fact_sink *sink = &t->talk->sink;
    sink->line_hash(sink->to, t->event->hash);
    sink->observation(sink->to, &t->fact);
}

static void identify(struct telling *t, struct addr addr, str name, enum identity_source source)
{
    struct addr itself;
    if (!name.len || name.ptr[0] == '*' || addr_parse(name, &itself)) return;
    struct identity fact = {addr, name, t->at_us, source, t->event->offset};
    t->talk->sink.identity(t->talk->sink.to, &fact);
}

static void tell_use(struct telling *t, struct use use)
{
    const struct observation *fact = &t->fact;
    use.client = fact->client;
    use.server = fact->server;
    use.transport = fact->transport;
    use.client_port = fact->client_port;
    use.port = fact->port;
    use.start_us = fact->first_us;
    use.first_us = use.last_us = t->at_us;
    use.count = 1;
    use.offset = fact->offset;
    t->talk->sink.use(t->talk->sink.to, &use);
}

static void set_span(struct telling *t, str start, str end)
{
    int64_t first_us = 0, last_us = 0;
    if (time_of(t->talk, start, &first_us)) t->fact.first_us = first_us;
    if (time_of(t->talk, end, &last_us)) t->fact.last_us = last_us;
    if (t->fact.last_us < t->fact.first_us) t->fact.last_us = t->fact.first_us;
}

static enum outcome outcome_of_datagrams(uint16_t port, bool answered)
{
    if (answered) return OUTCOME_ESTABLISHED;
    return port == PORT_NETBIOS_DATAGRAM ? OUTCOME_NONE : OUTCOME_NO_ANSWER;
}

/* By the flags of all packets of each side. answered: the server sent any packet. */
static enum outcome outcome_of_flags(const unsigned flags[2], bool answered)
{
    if (flags[1] & FLAG_SYN) return OUTCOME_ESTABLISHED;
    if (flags[0] & FLAG_SYN) {
        if (!answered) return flags[0] & FLAG_ACK ? OUTCOME_ESTABLISHED : OUTCOME_NO_ANSWER;
        if (flags[1] & FLAG_RESET) return OUTCOME_REFUSED;
        return flags[1] & FLAG_ACK ? OUTCOME_ESTABLISHED : OUTCOME_NONE;
    }
    return (flags[0] | flags[1]) & FLAG_PUSH ? OUTCOME_ESTABLISHED : OUTCOME_NONE;
}

static bool is_blocked(const struct telling *t)
{
    return str_equal(t->fields[SURICATA_FLOW_ACTION], S("drop")) ||
           str_equal(t->fields[SURICATA_ALERT_ACTION], S("blocked")) ||
           str_equal(t->fields[SURICATA_VERDICT], S("drop")) ||
           str_equal(t->fields[SURICATA_VERDICT], S("reject"));
}

static void tell_flow(struct telling *t)
{
    const str *fields = t->fields;
    bool swap = t->is_reversed;
    uint64_t packets[2] = {count_of(fields[SURICATA_PACKETS_TO_SERVER]),
                           count_of(fields[SURICATA_PACKETS_TO_CLIENT])};
    uint64_t bytes_each[2] = {count_of(fields[SURICATA_BYTES_TO_SERVER]),
                              count_of(fields[SURICATA_BYTES_TO_CLIENT])};
    unsigned said[2] = {flags_of(fields[SURICATA_TCP_FLAGS_TO_SERVER]),
                        flags_of(fields[SURICATA_TCP_FLAGS_TO_CLIENT])};
    unsigned flags[2] = {said[swap], said[!swap]};
    bool answered = packets[!swap] > 0;
    str state = fields[SURICATA_FLOW_STATE];
    struct observation *fact = &t->fact;
    set_span(t, fields[SURICATA_FLOW_START], fields[SURICATA_FLOW_END]);
    fact->bytes_to_server = bytes_each[swap];
    fact->bytes_to_client = bytes_each[!swap];
    if (fact->transport == TRANSPORT_UDP) {
        fact->outcome = outcome_of_datagrams(fact->port, answered);
    } else if (flags[0] || flags[1]) {
        fact->outcome = outcome_of_flags(flags, answered);
        fact->within = !(flags[0] & FLAG_SYN);
    } else if (str_equal(state, S("established")) || fields[SURICATA_SMB_COMMAND].ptr) {
        fact->outcome = OUTCOME_ESTABLISHED;
    } else if (str_equal(state, S("new")) && !answered && packets[swap]) {
        fact->outcome = OUTCOME_NO_ANSWER;
    }
    if (is_blocked(t)) fact->outcome = OUTCOME_BLOCKED;
    observe(t);
}

/* The half that waits has no other, or has got it. */
static void tell_half(struct suricata_talk *talk)
{
    struct half *half = &talk->half;
    struct observation *fact = &half->fact;
    if (!half->waits) return;
    half->waits = false;
    if (fact->transport == TRANSPORT_UDP) {
        fact->outcome = outcome_of_datagrams(fact->port, half->seen[1]);
    } else if (half->flags[0] || half->flags[1]) {
        fact->outcome = outcome_of_flags(half->flags, half->seen[1]);
        fact->within = !(half->flags[0] & FLAG_SYN);
    }
    talk->sink.line_hash(talk->sink.to, half->hash);
    talk->sink.observation(talk->sink.to, fact);
}

/* Both directions of a flow come one after the other, when there were packets in both. */
static void tell_netflow(struct telling *t)
{
    const str *fields = t->fields;
    struct half *half = &t->talk->half;
    str id = str_head(fields[SURICATA_FLOW_ID], sizeof half->flow_id);
    bool to_client = t->is_reversed;
    unsigned flags = flags_of(fields[SURICATA_TCP_FLAGS]);
    set_span(t, fields[SURICATA_NETFLOW_START], fields[SURICATA_NETFLOW_END]);
    bool is_other = half->waits && id.len && id.len == half->flow_id_len &&
                    memcmp(id.ptr, half->flow_id, id.len) == 0 && !half->seen[to_client] &&
                    addr_equal(half->fact.client.addr, t->fact.client.addr) &&
                    half->fact.client_port == t->fact.client_port &&
                    half->fact.port == t->fact.port;
    if (!is_other) {
        tell_half(t->talk);
        *half = (struct half){.waits = true, .hash = t->event->hash, .fact = t->fact};
        half->flow_id_len = id.len;
        if (id.len) memcpy(half->flow_id, id.ptr, id.len);
    }
    half->seen[to_client] = true;
    half->flags[to_client] = flags;
    if (t->fact.first_us < half->fact.first_us) half->fact.first_us = t->fact.first_us;
    if (t->fact.last_us > half->fact.last_us) half->fact.last_us = t->fact.last_us;
    uint64_t size = count_of(fields[SURICATA_NETFLOW_BYTES]);
    if (to_client)
        half->fact.bytes_to_client = size;
    else
        half->fact.bytes_to_server = size;
    if (is_other) tell_half(t->talk);
}

/* A protocol's event, or an alert's or drop's with what was known of the protocol. */
static void tell_protocol(struct telling *t, enum outcome outcome)
{
    struct suricata_smb smb = suricata_smb_of(t->event, t->scratch);
    struct observation *fact = &t->fact;
    fact->interfaces = (struct names){smb.interfaces, smb.n_interfaces};
    fact->within = true;
    fact->outcome = smb.failed && outcome != OUTCOME_BLOCKED ? OUTCOME_AUTH_FAILED : outcome;
    fact->smb.dialects = smb.dialects;
    fact->smb.auths = smb.auths;
    fact->users = one_name(&smb.user);
    fact->client_names = one_name(&smb.client);
    fact->server_names = one_name(&smb.server);
    fact->shares = one_name(&smb.share);
    if (smb.refused) fact->shares_refused = one_name(&smb.share);
    fact->pipes = one_name(&smb.pipe);
    observe(t);
    identify(t, fact->client.addr, smb.client, IDENTITY_NTLM);
    identify(t, fact->server.addr, smb.server, IDENTITY_KERBEROS);
    identify(t, fact->server.addr, share_path_host(smb.share), IDENTITY_TREE_PATH);
    if (smb.share.len)
        tell_use(t, (struct use){.share = smb.share,
                                 .pipe = smb.pipe,
                                 .refused = smb.refused,
                                 .is_printer = smb.is_printer});
}

static void tell_alert(struct telling *t)
{
    int64_t start_us = 0;
    bool answered = count_of(t->fields[SURICATA_PACKETS_TO_CLIENT]) > 0;
    if (time_of(t->talk, t->fields[SURICATA_FLOW_START], &start_us) && start_us <= t->at_us)
        t->fact.first_us = start_us;
    tell_protocol(t, is_blocked(t) ? OUTCOME_BLOCKED
                     : answered    ? OUTCOME_ESTABLISHED
                                   : OUTCOME_NONE);
}

/* A ticket that a machine gets for its own account names the host that asks. */
static void tell_machine_account(struct telling *t, struct addr source, struct addr destination)
{
    str name = t->fields[SURICATA_KRB5_CLIENT], type = t->fields[SURICATA_KRB5_TYPE];
    uint16_t source_port = 0, destination_port = 0;
    if (!str_ends(name, S("$")) || name.len < 2 || !str_ends(type, S("_REP"))) return;
    if (!port_of(t->fields[SURICATA_SRC_PORT], &source_port) ||
        !port_of(t->fields[SURICATA_DEST_PORT], &destination_port))
        return;
    struct addr client = destination_port == PORT_KERBEROS ? source : destination;
    if (source_port != PORT_KERBEROS && destination_port != PORT_KERBEROS) return;
    if (!addr_is_none(client)) identify(t, client, str_head(name, name.len - 1), IDENTITY_KERBEROS);
}

static enum transport transport_of(str proto)
{
    if (str_equal_nocase(proto, S("TCP")) || str_equal(proto, S("6"))) return TRANSPORT_TCP;
    return str_equal_nocase(proto, S("UDP")) || str_equal(proto, S("17")) ? TRANSPORT_UDP
                                                                          : TRANSPORT_NONE;
}

static void tell_event(struct telling *t, struct addr source, struct addr destination)
{
    enum use_kind kind = kind_of(t->fields[SURICATA_EVENT_TYPE]);
    enum transport transport = transport_of(t->fields[SURICATA_PROTO]);
    if (kind == EVENT_OF_NO_USE) return;
    if (!place(t, transport, source, destination)) {
        tell_machine_account(t, source, destination);
        return;
    }
    switch (kind) {
    case EVENT_FLOW:
        tell_flow(t);
        break;
    case EVENT_NETFLOW:
        tell_netflow(t);
        break;
    case EVENT_ALERT:
        tell_alert(t);
        break;
    case EVENT_DROP:
        tell_protocol(t, OUTCOME_BLOCKED);
        break;
    case EVENT_PROTOCOL:
        tell_protocol(t, OUTCOME_ESTABLISHED);
        break;
    case EVENT_OF_NO_USE:
        break;
    }
}

bool suricata_event_tell(struct suricata_talk *talk, const struct suricata_event *event,
                         struct arena scratch, struct err *err)
{
    struct telling t = {.talk = talk, .event = event, .fields = event->fields, .scratch = &scratch};
    struct addr source = {0}, destination = {0};
    const str *fields = event->fields;
    talk->zone_is_assumed = false;
    if (!fields[SURICATA_EVENT_TYPE].len)
        return err_at(err, ERR_MALFORMED, event->offset, "expected an event with event_type");
    if (!time_of(talk, fields[SURICATA_TIMESTAMP], &t.at_us))
        return err_at(err, ERR_MALFORMED, event->offset, "expected a time in timestamp");
    bool has_ends = fields[SURICATA_SRC_IP].ptr && fields[SURICATA_DEST_IP].ptr;
    if (has_ends && (!addr_parse(fields[SURICATA_SRC_IP], &source) ||
                     !addr_parse(fields[SURICATA_DEST_IP], &destination)))
        return err_at(err, ERR_MALFORMED, event->offset, "expected addresses in src_ip, dest_ip");
    if (fields[SURICATA_HOST].len) talk->sink.origin(talk->sink.to, fields[SURICATA_HOST]);
    talk->sink.record(talk->sink.to, t.at_us);
    if (has_ends) tell_event(&t, source, destination);
    return true;
}

bool suricata_event_passes(struct suricata_talk *talk, const uint16_t ports[2], str time)
{
    int64_t at_us = 0;
    for (size_t i = 0; i < 2; i++)
        if (port_set_has_any(&talk->ports, ports[i]) || ports[i] == PORT_KERBEROS) return false;
    if (!time_of(talk, time, &at_us)) return false;
    talk->sink.record(talk->sink.to, at_us);
    return true;
}

struct suricata_talk *suricata_event_open(struct arena *arena, const struct fact_sink *sink,
                                          const struct zone *zone)
{
    struct suricata_talk *talk = arena_new(arena, struct suricata_talk);
    talk->sink = *sink;
    talk->zone = zone;
    port_set_of_services(&talk->ports);
    return talk;
}

void suricata_event_close(struct suricata_talk *talk)
{
    tell_half(talk);
}
