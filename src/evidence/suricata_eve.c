/* SPDX-License-Identifier: Apache-2.0 */
/* Suricata's events, eve.json: one JSON object an event, on a line each, in an array or printed
 * over many lines; AWS Network Firewall puts the same objects into another's "event". What says
 * something of a flow on a service's port is read (docs/evidence-suricata.md): flow and netflow
 * records, the protocol events of SMB, DCERPC and Kerberos, alerts and drops.
 *
 * Which address an event calls source follows the direction of a packet in some events and versions
 * and that of the flow in others, so the port decides which side is the server.
 */
#include "base/hash.h"
#include "base/json_scan.h"
#include "evidence/json_records.h"
#include "evidence/log_time.h"
#include "evidence/logon_status.h"
#include "evidence/reader.h"
#include "wire/dcerpc.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

enum { INTERFACES = 4, PORT_NETBIOS_DATAGRAM = 138, PORT_KERBEROS = 88 };

#define FIELDS(X)                                                                                  \
    X(TIMESTAMP, "timestamp")                                                                      \
    X(EVENT_TYPE, "event_type")                                                                    \
    X(HOST, "host")                                                                                \
    X(FLOW_ID, "flow_id")                                                                          \
    X(SRC_IP, "src_ip")                                                                            \
    X(SRC_PORT, "src_port")                                                                        \
    X(DEST_IP, "dest_ip")                                                                          \
    X(DEST_PORT, "dest_port")                                                                      \
    X(PROTO, "proto")                                                                              \
    X(APP_PROTO, "app_proto")                                                                      \
    X(PACKETS_TO_SERVER, "flow.pkts_toserver")                                                     \
    X(PACKETS_TO_CLIENT, "flow.pkts_toclient")                                                     \
    X(BYTES_TO_SERVER, "flow.bytes_toserver")                                                      \
    X(BYTES_TO_CLIENT, "flow.bytes_toclient")                                                      \
    X(FLOW_START, "flow.start")                                                                    \
    X(FLOW_END, "flow.end")                                                                        \
    X(FLOW_STATE, "flow.state")                                                                    \
    X(FLOW_ACTION, "flow.action")                                                                  \
    X(ALERT_ACTION, "alert.action")                                                                \
    X(VERDICT, "verdict.action")                                                                   \
    X(TCP_FLAGS, "tcp.tcp_flags")                                                                  \
    X(TCP_FLAGS_TO_SERVER, "tcp.tcp_flags_ts")                                                     \
    X(TCP_FLAGS_TO_CLIENT, "tcp.tcp_flags_tc")                                                     \
    X(NETFLOW_BYTES, "netflow.bytes")                                                              \
    X(NETFLOW_START, "netflow.start")                                                              \
    X(NETFLOW_END, "netflow.end")                                                                  \
    X(SMB_DIALECT, "smb.dialect")                                                                  \
    X(SMB_COMMAND, "smb.command")                                                                  \
    X(SMB_STATUS, "smb.status")                                                                    \
    X(SMB_SHARE, "smb.share")                                                                      \
    X(SMB_NAMED_PIPE, "smb.named_pipe")                                                            \
    X(SMB_FILENAME, "smb.filename")                                                                \
    X(SMB_SHARE_TYPE, "smb.share_type")                                                            \
    X(SMB_SERVICE, "smb.service.response")                                                         \
    X(NTLM_DOMAIN, "smb.ntlmssp.domain")                                                           \
    X(NTLM_USER, "smb.ntlmssp.user")                                                               \
    X(NTLM_HOST, "smb.ntlmssp.host")                                                               \
    X(TICKET_REALM, "smb.kerberos.realm")                                                          \
    X(TICKET_SERVICE, "smb.kerberos.snames.0")                                                     \
    X(TICKET_HOST, "smb.kerberos.snames.1")                                                        \
    X(KRB5_CLIENT, "krb5.cname")                                                                   \
    X(KRB5_TYPE, "krb5.msg_type")                                                                  \
    X(PIPE_UUID_0, "smb.dcerpc.interfaces.0.uuid")                                                 \
    X(PIPE_UUID_1, "smb.dcerpc.interfaces.1.uuid")                                                 \
    X(PIPE_UUID_2, "smb.dcerpc.interfaces.2.uuid")                                                 \
    X(PIPE_UUID_3, "smb.dcerpc.interfaces.3.uuid")                                                 \
    X(RPC_UUID_0, "dcerpc.interfaces.0.uuid")                                                      \
    X(RPC_UUID_1, "dcerpc.interfaces.1.uuid")                                                      \
    X(RPC_UUID_2, "dcerpc.interfaces.2.uuid")                                                      \
    X(RPC_UUID_3, "dcerpc.interfaces.3.uuid")

enum field {
#define X(name, text) FIELD_##name,
    FIELDS(X)
#undef X
        FIELD_COUNT
};

static const char *const field_paths[] = {
#define X(name, text) text,
    FIELDS(X)
#undef X
};
static const char *const field_paths_wrapped[] = {
#define X(name, text) "event." text,
    FIELDS(X)
#undef X
        "firewall_name",
};
enum { FIELD_FIREWALL_NAME = FIELD_COUNT, VALUES };

/* TCP flags, as hexadecimal text in events. RFC 9293, 3.1 */
enum { FLAG_SYN = 0x02, FLAG_RESET = 0x04, FLAG_PUSH = 0x08, FLAG_ACK = 0x10 };

/* What an event's type says of its flow. */
enum event_kind_of_use {
    EVENT_OF_NO_USE, /* stats, anomaly, ...: no payload of a protocol was understood */
    EVENT_FLOW,
    EVENT_NETFLOW,
    EVENT_ALERT,
    EVENT_DROP,
    EVENT_PROTOCOL, /* smb, ssh, ...: payload went over the flow */
};

static const struct {
    str type;
    enum event_kind_of_use kind;
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

/* Names of [MS-SMB2] dialects in events. 2.?? is the wildcard, no choice. */
static const struct {
    str text;
    enum dialect dialect;
} dialects[] = {
    {T("2.02"), DIALECT_2_0_2},
    {T("2.10"), DIALECT_2_1  },
    {T("3.00"), DIALECT_3_0  },
    {T("3.02"), DIALECT_3_0_2},
    {T("3.11"), DIALECT_3_1_1},
};
/* [MS-CIFS] 1.7: how the names of SMB 1 dialects begin. */
static const str smb1_dialects[] = {
    T("NT L"),
    T("NT LANMAN"),
    T("LANMAN"),
    T("DOS LANMAN"),
    T("LM1.2X"),
    T("DOS LM1.2X"),
    T("PC "),
    T("PCLAN"),
    T("MICROSOFT NETWORKS"),
    T("XENIX"),
    T("Windows for Workgroups"),
    T("Samba"),
};

struct event {
    struct suricata *s;
    str fields[VALUES]; /* not said: NULL pointer */
    uint64_t offset, hash;
    int64_t at_us;
    struct arena *scratch;
    bool is_reversed; /* its source is the server */
    struct observation fact;
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

struct suricata {
    struct fact_sink sink;
    struct arena scratch; /* of one event; of its own, since sinks may add to the reader's arena */
    struct json_records *records;
    struct json_paths *paths, *paths_wrapped;
    const struct zone *zone; /* of times without an offset; NULL = not given */
    bool zone_is_assumed;    /* one of the times of this event was such */
    bool begun;
    uint8_t services[2][(UINT16_MAX + 1) / 8]; /* bit per port of TCP, UDP */
    /* The second that was read last: most events share it with the one before. */
    char second[25];
    bool second_known;
    int64_t second_us;
    struct half half;
};

static bool is_service(const struct suricata *s, enum transport transport, uint16_t port)
{
    return s->services[transport == TRANSPORT_UDP][port / 8] >> (port % 8) & 1;
}

static void fill_services(struct suricata *s)
{
    for (size_t i = 0; i < service_builtin.n; i++) {
        const struct service *service = &service_builtin.services[i];
        if (service->mark.len) continue;
        for (size_t k = 0; k < service->n_ports; k++)
            for (uint32_t port = service->ports[k].first; port <= service->ports[k].last; port++)
                s->services[service->ports[k].transport == TRANSPORT_UDP][port / 8] |=
                    (uint8_t)(1u << (port % 8));
    }
}

/* "2017-05-17T10:02:16.523633+0000", or with a colon; Suricata can be told to write no offset. */
static bool time_of(struct suricata *s, str text, int64_t *out_us)
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
    if (usual && s->second_known && memcmp(s->second, text.ptr, 20) == 0 &&
        memcmp(s->second + 20, text.ptr + ZONE, 5) == 0) {
        *out_us = s->second_us + fraction;
        return true;
    }
    if (!log_time_parse(text, s->zone, out_us, &s->zone_is_assumed)) return false;
    if (usual) {
        memcpy(s->second, text.ptr, 20);
        memcpy(s->second + 20, text.ptr + ZONE, 5);
        s->second_us = *out_us - fraction;
        s->second_known = true;
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

static enum event_kind_of_use kind_of(str type)
{
    for (size_t i = 0; i < COUNT_OF(event_types); i++)
        if (str_equal(event_types[i].type, type)) return event_types[i].kind;
    return EVENT_OF_NO_USE;
}

static bool is_smb(const struct event *event)
{
    const str *fields = event->fields;
    return str_equal(fields[FIELD_APP_PROTO], S("smb")) || fields[FIELD_SMB_COMMAND].ptr ||
           str_equal(fields[FIELD_EVENT_TYPE], S("smb"));
}

/* The flow of the event into its fact; false when it is not one to be kept. */
static bool place(struct event *event, enum transport transport, struct addr source,
                  struct addr destination)
{
    const struct suricata *s = event->s;
    uint16_t source_port = 0, destination_port = 0;
    bool smb = is_smb(event);
    if (transport == TRANSPORT_NONE || addr_is_none(source) || addr_is_none(destination))
        return false;
    if (!port_of(event->fields[FIELD_SRC_PORT], &source_port) ||
        !port_of(event->fields[FIELD_DEST_PORT], &destination_port))
        return false;
    bool by_destination = is_service(s, transport, destination_port);
    bool by_source = is_service(s, transport, source_port);
    if (!by_destination && !by_source && !smb) return false;
    event->is_reversed = by_source && !by_destination;
    /* Neither or both: the flow's own direction, unless the event has that of a packet. */
    bool guessed =
        by_source == by_destination && kind_of(event->fields[FIELD_EVENT_TYPE]) != EVENT_FLOW;
    uint8_t assumed = (uint8_t)((guessed ? 1u << ASSUMED_SERVER : 0) |
                                (s->zone_is_assumed ? 1u << ASSUMED_TIMEZONE : 0));
    event->fact = (struct observation){
        .client.addr = event->is_reversed ? destination : source,
        .server.addr = event->is_reversed ? source : destination,
        .transport = transport,
        .client_port = event->is_reversed ? destination_port : source_port,
        .port = event->is_reversed ? source_port : destination_port,
        .is_smb = smb,
        .first_us = event->at_us,
        .last_us = event->at_us,
        .count = 1,
        .profile = PROFILE_UNKNOWN,
        .assumed = assumed,
        .offset = event->offset,
    };
    return event->fact.port != 0;
}

static struct names one_name(const str *name)
{
    return (struct names){name, name->len > 0};
}

static void observe(struct event *event)
{
    const struct fact_sink *sink = &event->s->sink;
    sink->line_hash(sink->to, event->hash);
    sink->observation(sink->to, &event->fact);
}

static void identify(struct event *event, struct addr addr, str name, enum identity_source source)
{
    struct addr itself;
    if (!name.len || name.ptr[0] == '*' || addr_parse(name, &itself)) return;
    struct identity fact = {addr, name, event->at_us, source, event->offset};
    event->s->sink.identity(event->s->sink.to, &fact);
}

static void tell_use(struct event *event, struct use use)
{
    const struct observation *fact = &event->fact;
    use.client = fact->client;
    use.server = fact->server;
    use.transport = fact->transport;
    use.client_port = fact->client_port;
    use.port = fact->port;
    use.start_us = fact->first_us;
    use.first_us = use.last_us = event->at_us;
    use.count = 1;
    use.offset = fact->offset;
    event->s->sink.use(event->s->sink.to, &use);
}

static void set_span(struct event *event, str start, str end)
{
    int64_t first_us = 0, last_us = 0;
    if (time_of(event->s, start, &first_us)) event->fact.first_us = first_us;
    if (time_of(event->s, end, &last_us)) event->fact.last_us = last_us;
    if (event->fact.last_us < event->fact.first_us) event->fact.last_us = event->fact.first_us;
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

static bool is_blocked(const struct event *event)
{
    return str_equal(event->fields[FIELD_FLOW_ACTION], S("drop")) ||
           str_equal(event->fields[FIELD_ALERT_ACTION], S("blocked")) ||
           str_equal(event->fields[FIELD_VERDICT], S("drop")) ||
           str_equal(event->fields[FIELD_VERDICT], S("reject"));
}

static void tell_flow(struct event *event)
{
    const str *fields = event->fields;
    bool swap = event->is_reversed;
    uint64_t packets[2] = {count_of(fields[FIELD_PACKETS_TO_SERVER]),
                           count_of(fields[FIELD_PACKETS_TO_CLIENT])};
    uint64_t bytes_each[2] = {count_of(fields[FIELD_BYTES_TO_SERVER]),
                              count_of(fields[FIELD_BYTES_TO_CLIENT])};
    unsigned said[2] = {flags_of(fields[FIELD_TCP_FLAGS_TO_SERVER]),
                        flags_of(fields[FIELD_TCP_FLAGS_TO_CLIENT])};
    unsigned flags[2] = {said[swap], said[!swap]};
    bool answered = packets[!swap] > 0;
    str state = fields[FIELD_FLOW_STATE];
    struct observation *fact = &event->fact;
    set_span(event, fields[FIELD_FLOW_START], fields[FIELD_FLOW_END]);
    fact->bytes_to_server = bytes_each[swap];
    fact->bytes_to_client = bytes_each[!swap];
    if (fact->transport == TRANSPORT_UDP) {
        fact->outcome = outcome_of_datagrams(fact->port, answered);
    } else if (flags[0] || flags[1]) {
        fact->outcome = outcome_of_flags(flags, answered);
        fact->within = !(flags[0] & FLAG_SYN);
    } else if (str_equal(state, S("established")) || fields[FIELD_SMB_COMMAND].ptr) {
        fact->outcome = OUTCOME_ESTABLISHED;
    } else if (str_equal(state, S("new")) && !answered && packets[swap]) {
        fact->outcome = OUTCOME_NO_ANSWER;
    }
    if (is_blocked(event)) fact->outcome = OUTCOME_BLOCKED;
    observe(event);
}

/* The half that waits has no other, or has got it. */
static void tell_half(struct suricata *s)
{
    struct half *half = &s->half;
    struct observation *fact = &half->fact;
    if (!half->waits) return;
    half->waits = false;
    if (fact->transport == TRANSPORT_UDP) {
        fact->outcome = outcome_of_datagrams(fact->port, half->seen[1]);
    } else if (half->flags[0] || half->flags[1]) {
        fact->outcome = outcome_of_flags(half->flags, half->seen[1]);
        fact->within = !(half->flags[0] & FLAG_SYN);
    }
    s->sink.line_hash(s->sink.to, half->hash);
    s->sink.observation(s->sink.to, fact);
}

/* Both directions of a flow come one after the other, when there were packets in both. */
static void tell_netflow(struct event *event)
{
    const str *fields = event->fields;
    struct half *half = &event->s->half;
    str id = str_head(fields[FIELD_FLOW_ID], sizeof half->flow_id);
    bool to_client = event->is_reversed;
    unsigned flags = flags_of(fields[FIELD_TCP_FLAGS]);
    set_span(event, fields[FIELD_NETFLOW_START], fields[FIELD_NETFLOW_END]);
    bool is_other = half->waits && id.len && id.len == half->flow_id_len &&
                    memcmp(id.ptr, half->flow_id, id.len) == 0 && !half->seen[to_client] &&
                    addr_equal(half->fact.client.addr, event->fact.client.addr) &&
                    half->fact.client_port == event->fact.client_port &&
                    half->fact.port == event->fact.port;
    if (!is_other) {
        tell_half(event->s);
        *half = (struct half){.waits = true, .hash = event->hash, .fact = event->fact};
        half->flow_id_len = id.len;
        if (id.len) memcpy(half->flow_id, id.ptr, id.len);
    }
    half->seen[to_client] = true;
    half->flags[to_client] = flags;
    if (event->fact.first_us < half->fact.first_us) half->fact.first_us = event->fact.first_us;
    if (event->fact.last_us > half->fact.last_us) half->fact.last_us = event->fact.last_us;
    uint64_t size = count_of(fields[FIELD_NETFLOW_BYTES]);
    if (to_client)
        half->fact.bytes_to_client = size;
    else
        half->fact.bytes_to_server = size;
    if (is_other) tell_half(event->s);
}

/* SMB of a client that was not answered by a choice has no dialect: "unknown". Then only frames of
 * SMB 1 that a server carried out tell it. */
static uint8_t dialects_of(const struct event *event)
{
    str text = event->fields[FIELD_SMB_DIALECT], command = event->fields[FIELD_SMB_COMMAND];
    for (size_t i = 0; i < COUNT_OF(dialects); i++)
        if (str_equal(dialects[i].text, text)) return (uint8_t)(1u << dialects[i].dialect);
    for (size_t i = 0; i < COUNT_OF(smb1_dialects); i++)
        if (str_starts(text, smb1_dialects[i])) return 1u << DIALECT_NT_LM_012;
    bool carried_out = str_starts(command, S("SMB1_COMMAND_")) &&
                       !str_starts(command, S("SMB1_COMMAND_NEGOTIATE")) &&
                       logon_status_is_success(event->fields[FIELD_SMB_STATUS]);
    return str_equal(text, S("unknown")) && carried_out ? 1u << DIALECT_NT_LM_012 : 0;
}

static bool is_ipc(str path)
{
    str name = S("\\IPC$");
    return path.len >= name.len && str_equal_nocase(str_tail(path, path.len - name.len), name);
}

/* The host in \\HOST\share. */
static str path_host(str path)
{
    str host, share;
    if (!str_starts(path, S("\\\\"))) return (str){0};
    return str_cut(str_tail(path, 2), '\\', &host, &share) ? host : (str){0};
}

/* The UUID as it is written; by its name where we know one. */
static str interface_name(str uuid)
{
    struct dcerpc_interface interface = {0};
    size_t n = 0;
    for (size_t i = 0; i < uuid.len && n < 32; i++) {
        char c = uuid.ptr[i];
        unsigned digit;
        if (c == '-') continue;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else
            return uuid;
        interface.uuid[n / 2] = (uint8_t)((unsigned)interface.uuid[n / 2] << 4 | digit);
        n++;
    }
    str name = n == 32 ? dcerpc_interface_name(&interface) : (str){0};
    return name.len ? name : uuid;
}

/* What the event tells of SMB itself goes into the fact; lists live in the caller. */
struct smb_lists {
    str user, client, server, share, pipe, interfaces[INTERFACES];
    bool refused, is_printer, failed;
};

static void read_share(const struct event *event, struct smb_lists *smb)
{
    const str *fields = event->fields;
    str status = fields[FIELD_SMB_STATUS];
    /* The tree's path of IPC$ is called a named pipe; what is opened on it is a file. */
    smb->share = fields[FIELD_SMB_SHARE];
    if (!smb->share.len && str_starts(fields[FIELD_SMB_NAMED_PIPE], S("\\\\")))
        smb->share = fields[FIELD_SMB_NAMED_PIPE];
    if (is_ipc(smb->share) && fields[FIELD_SMB_FILENAME].len &&
        fields[FIELD_SMB_FILENAME].ptr[0] != '<')
        smb->pipe = fields[FIELD_SMB_FILENAME];
    while (str_starts(smb->pipe, S("\\")))
        smb->pipe = str_tail(smb->pipe, 1);
    bool is_connect = str_contains(fields[FIELD_SMB_COMMAND], S("_TREE_CONNECT"));
    smb->refused = is_connect && status.len && !logon_status_is_success(status);
    smb->is_printer = str_equal(fields[FIELD_SMB_SHARE_TYPE], S("PRINT")) ||
                      str_starts(fields[FIELD_SMB_SERVICE], S("LPT"));
}

static void read_logon(struct event *event, struct smb_lists *smb)
{
    const str *fields = event->fields;
    uint8_t *auths = &event->fact.smb.auths;
    str user = fields[FIELD_NTLM_USER], domain = fields[FIELD_NTLM_DOMAIN];
    bool is_setup = str_contains(fields[FIELD_SMB_COMMAND], S("_SESSION_SETUP"));
    smb->user = user;
    if (user.len && domain.len)
        smb->user = str_format(event->scratch, "%.*s\\%.*s", STR_ARG(domain), STR_ARG(user));
    if (is_setup && user.ptr && !user.len) *auths |= 1u << AUTH_ANONYMOUS;
    if (fields[FIELD_TICKET_REALM].ptr || fields[FIELD_TICKET_SERVICE].ptr)
        *auths |= 1u << AUTH_KERBEROS;
    smb->client = fields[FIELD_NTLM_HOST];
    smb->server = fields[FIELD_TICKET_HOST];
    smb->failed = is_setup && logon_status_is_refusal(fields[FIELD_SMB_STATUS]);
}

static size_t read_interfaces(const struct event *event, str out[INTERFACES])
{
    size_t n = 0;
    for (size_t i = 0; i < INTERFACES; i++) {
        str uuid = event->fields[FIELD_PIPE_UUID_0 + i];
        if (!uuid.len) uuid = event->fields[FIELD_RPC_UUID_0 + i];
        if (uuid.len) out[n++] = interface_name(uuid);
    }
    return n;
}

/* A protocol's event, or an alert's or drop's with what was known of the protocol. */
static void tell_protocol(struct event *event, enum outcome outcome)
{
    struct smb_lists smb = {0};
    struct observation *fact = &event->fact;
    read_share(event, &smb);
    read_logon(event, &smb);
    fact->interfaces = (struct names){smb.interfaces, read_interfaces(event, smb.interfaces)};
    fact->within = true;
    fact->outcome = smb.failed && outcome != OUTCOME_BLOCKED ? OUTCOME_AUTH_FAILED : outcome;
    fact->smb.dialects = dialects_of(event);
    fact->users = one_name(&smb.user);
    fact->client_names = one_name(&smb.client);
    fact->server_names = one_name(&smb.server);
    fact->shares = one_name(&smb.share);
    if (smb.refused) fact->shares_refused = one_name(&smb.share);
    fact->pipes = one_name(&smb.pipe);
    observe(event);
    identify(event, fact->client.addr, smb.client, IDENTITY_NTLM);
    identify(event, fact->server.addr, smb.server, IDENTITY_KERBEROS);
    identify(event, fact->server.addr, path_host(smb.share), IDENTITY_TREE_PATH);
    if (smb.share.len)
        tell_use(event, (struct use){.share = smb.share,
                                     .pipe = smb.pipe,
                                     .refused = smb.refused,
                                     .is_printer = smb.is_printer});
}

static void tell_alert(struct event *event)
{
    int64_t start_us = 0;
    bool answered = count_of(event->fields[FIELD_PACKETS_TO_CLIENT]) > 0;
    if (time_of(event->s, event->fields[FIELD_FLOW_START], &start_us) && start_us <= event->at_us)
        event->fact.first_us = start_us;
    tell_protocol(event, is_blocked(event) ? OUTCOME_BLOCKED
                         : answered        ? OUTCOME_ESTABLISHED
                                           : OUTCOME_NONE);
}

/* A ticket that a machine gets for its own account names the host that asks. */
static void tell_machine_account(struct event *event, struct addr source, struct addr destination)
{
    str name = event->fields[FIELD_KRB5_CLIENT], type = event->fields[FIELD_KRB5_TYPE];
    uint16_t source_port = 0, destination_port = 0;
    if (!str_ends(name, S("$")) || name.len < 2 || !str_ends(type, S("_REP"))) return;
    if (!port_of(event->fields[FIELD_SRC_PORT], &source_port) ||
        !port_of(event->fields[FIELD_DEST_PORT], &destination_port))
        return;
    struct addr client = destination_port == PORT_KERBEROS ? source : destination;
    if (source_port != PORT_KERBEROS && destination_port != PORT_KERBEROS) return;
    if (!addr_is_none(client))
        identify(event, client, str_head(name, name.len - 1), IDENTITY_KERBEROS);
}

static enum transport transport_of(str proto)
{
    if (str_equal_nocase(proto, S("TCP")) || str_equal(proto, S("6"))) return TRANSPORT_TCP;
    return str_equal_nocase(proto, S("UDP")) || str_equal(proto, S("17")) ? TRANSPORT_UDP
                                                                          : TRANSPORT_NONE;
}

static void tell_event(struct event *event, struct addr source, struct addr destination)
{
    enum event_kind_of_use kind = kind_of(event->fields[FIELD_EVENT_TYPE]);
    enum transport transport = transport_of(event->fields[FIELD_PROTO]);
    if (kind == EVENT_OF_NO_USE) return;
    if (!place(event, transport, source, destination)) {
        tell_machine_account(event, source, destination);
        return;
    }
    switch (kind) {
    case EVENT_FLOW:
        tell_flow(event);
        break;
    case EVENT_NETFLOW:
        tell_netflow(event);
        break;
    case EVENT_ALERT:
        tell_alert(event);
        break;
    case EVENT_DROP:
        tell_protocol(event, OUTCOME_BLOCKED);
        break;
    case EVENT_PROTOCOL:
        tell_protocol(event, OUTCOME_ESTABLISHED);
        break;
    case EVENT_OF_NO_USE:
        break;
    }
}

/* A look before an event is read */

static str digits_behind(str text)
{
    size_t at = 0, start;
    while (at < text.len && (text.ptr[at] == '"' || text.ptr[at] == ':' || text.ptr[at] == ' '))
        at++;
    for (start = at; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9';)
        at++;
    return (str){text.ptr + start, at - start};
}

static bool mentions_smb(str text)
{
    while (text.len > 2) {
        const char *m = memchr(text.ptr + 1, 'm', text.len - 2);
        if (!m) return false;
        if (m[-1] == 's' && m[1] == 'b') return true;
        text = str_tail(text, (size_t)(m - text.ptr));
    }
    return false;
}

/* Both ports, of the keys that end in "src_port" and "dest_port", wherever they stand. */
static bool find_ports(str object, uint16_t ports[2])
{
    const char *p = object.ptr, *end = object.ptr + object.len;
    bool found[2] = {false, false};
    while (!(found[0] && found[1])) {
        p = memchr(p, '_', (size_t)(end - p));
        if (!p) return false;
        size_t left = (size_t)(end - p), before = (size_t)(p - object.ptr);
        if (left > 7 && before >= 5 && memcmp(p, "_port\"", 6) == 0) {
            size_t which = memcmp(p - 4, "dest", 4) == 0;
            if (!which && memcmp(p - 4, "\"src", 4) != 0) return false;
            if (!port_of(digits_behind((str){p + 6, left - 6}), &ports[which])) return false;
            found[which] = true;
        }
        p++;
    }
    return true;
}

/* The value of "timestamp", which comes first in events as Suricata writes them. */
static str find_time(str object)
{
    str key = S("{\"timestamp\":\"");
    if (!str_starts(object, key)) return (str){0};
    str rest = str_head(str_tail(object, key.len), 40), value;
    return str_cut(rest, '"', &value, &rest) ? value : (str){0};
}

/* Most events are of other ports. What is not certain is read whole. */
static bool pass_by(struct suricata *s, str object)
{
    uint16_t ports[2];
    int64_t at_us = 0;
    str time = find_time(object);
    if (!time.len || !find_ports(object, ports)) return false;
    for (size_t i = 0; i < 2; i++)
        if (is_service(s, TRANSPORT_TCP, ports[i]) || is_service(s, TRANSPORT_UDP, ports[i]) ||
            ports[i] == PORT_KERBEROS)
            return false;
    if (mentions_smb(object) || !time_of(s, time, &at_us)) return false;
    s->sink.record(s->sink.to, at_us);
    return true;
}

static bool read_event(struct suricata *s, str object, struct event *event, struct err *err)
{
    if (!json_paths_read(s->paths, object, event->offset, event->fields, event->scratch, err))
        return false;
    if (event->fields[FIELD_EVENT_TYPE].len) return true;
    return json_paths_read(s->paths_wrapped, object, event->offset, event->fields, event->scratch,
                           err);
}

static bool take_object(void *to, str object, uint64_t offset, struct err *err)
{
    struct suricata *s = to;
    struct arena scratch = s->scratch;
    struct event event = {.s = s, .offset = offset, .scratch = &scratch};
    struct addr source = {0}, destination = {0};
    s->zone_is_assumed = false;
    if (s->begun && pass_by(s, object)) return true;
    if (!read_event(s, object, &event, err)) return false;
    s->begun = true; /* the first event is read whole: it names the sensor, if any does */
    str host = event.fields[FIELD_FIREWALL_NAME].len ? event.fields[FIELD_FIREWALL_NAME]
                                                     : event.fields[FIELD_HOST];
    if (!event.fields[FIELD_EVENT_TYPE].len)
        return err_at(err, ERR_MALFORMED, offset, "expected an event with event_type");
    if (!time_of(s, event.fields[FIELD_TIMESTAMP], &event.at_us))
        return err_at(err, ERR_MALFORMED, offset, "expected a time in timestamp");
    bool has_ends = event.fields[FIELD_SRC_IP].ptr && event.fields[FIELD_DEST_IP].ptr;
    if (has_ends && (!addr_parse(event.fields[FIELD_SRC_IP], &source) ||
                     !addr_parse(event.fields[FIELD_DEST_IP], &destination)))
        return err_at(err, ERR_MALFORMED, offset, "expected addresses in src_ip and dest_ip");
    if (host.len) s->sink.origin(s->sink.to, host);
    s->sink.record(s->sink.to, event.at_us);
    event.hash = hash_bytes(str_bytes(object));
    if (has_ends) tell_event(&event, source, destination);
    return true;
}

static void *suricata_open(struct arena *arena, const struct reader_options *options,
                           const struct fact_sink *sink)
{
    struct suricata *s = arena_new(arena, struct suricata);
    s->sink = *sink;
    s->zone = options->zone;
    s->scratch = arena_open("an event of Suricata", 0, NULL);
    s->records = json_records_open(arena, &s->sink, take_object, s);
    s->paths = json_paths_of(arena, field_paths, COUNT_OF(field_paths), false);
    s->paths_wrapped =
        json_paths_of(arena, field_paths_wrapped, COUNT_OF(field_paths_wrapped), false);
    fill_services(s);
    return s;
}

static bool suricata_feed(void *state, struct window window, size_t *consumed, size_t *want)
{
    struct suricata *s = state;
    json_records_feed(s->records, window, consumed, want);
    return true;
}

static void suricata_close(void *state)
{
    struct suricata *s = state;
    tell_half(s);
    arena_close(&s->scratch);
}

/* An event has a type and a time; one of traffic its ends, the first of a file may be of another
 * kind (stats). */
static bool suricata_recognise(bytes head)
{
    struct arena arena = arena_open("a head", 1 << 20, NULL);
    bool whole;
    str object = json_records_peek(head, &arena, &whole);
    bool ours = str_contains(object, S("\"event_type\"")) &&
                str_contains(object, S("\"timestamp\"")) &&
                (str_contains(object, S("\"src_ip\"")) || str_contains(object, S("\"flow_id\"")) ||
                 str_contains(object, S("\"stats\"")));
    arena_close(&arena);
    return ours;
}

const struct reader suricata_eve_reader = {
    .name = T("suricata-eve"),
    .summary = T("Suricata events (eve.json)"),
    .overlap = OVERLAP_LINES,
    .recognise = suricata_recognise,
    .open = suricata_open,
    .feed = suricata_feed,
    .close = suricata_close,
};
