/* SPDX-License-Identifier: Apache-2.0 */
/* Rows tell of a connection (conn.log) or of something within one. Zeek ties them together with its
 * uid; here the matrix does, by both endpoints and the time, as it does for all evidence: so logs
 * of two sensors that saw one connection join too, and none has to be held for another.
 */
#include "evidence/zeek_row.h"

#include "base/json_scan.h"
#include "evidence/log_time.h"
#include "evidence/logon_status.h"
#include "evidence/share_path.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const str log_names[] = {
    {NULL, 0},
#define X(name, text) T(text),
    ZEEK_LOGS(X)
#undef X
};

static const str field_names[] = {
#define X(name, text) T(text),
    ZEEK_FIELDS(X)
#undef X
};

enum { PORT_NETBIOS_DATAGRAM = 138 };

enum zeek_log zeek_log_of(str name)
{
    for (size_t i = 1; i < ZEEK_LOG_COUNT; i++)
        if (str_equal(log_names[i], name)) return (enum zeek_log)i;
    /* Long connections, told again and again while they last: the columns are conn.log's. */
    return str_equal(name, S("conn_long")) ? ZEEK_CONN : ZEEK_OTHER;
}

str zeek_field_name(enum zeek_field field)
{
    return field_names[field];
}

static bool has(const struct zeek_row *row, enum zeek_field field)
{
    return row->fields[field].ptr != NULL;
}

enum zeek_log zeek_row_guess(const struct zeek_row *row)
{
    static const struct {
        enum zeek_field field;
        enum zeek_log log;
    } marks[] = {
        {ZEEK_FIELD_CONN_STATE,     ZEEK_CONN          },
        {ZEEK_FIELD_SHARE_TYPE,     ZEEK_SMB_MAPPING   },
        {ZEEK_FIELD_NAMED_PIPE,     ZEEK_DCE_RPC       },
        {ZEEK_FIELD_ENDPOINT,       ZEEK_DCE_RPC       },
        {ZEEK_FIELD_SERVER_NETBIOS, ZEEK_NTLM          },
        {ZEEK_FIELD_SERVER_DNS,     ZEEK_NTLM          },
        {ZEEK_FIELD_DOMAINNAME,     ZEEK_NTLM          },
        {ZEEK_FIELD_REQUEST_TYPE,   ZEEK_KERBEROS      },
        {ZEEK_FIELD_PORT_NUMBER,    ZEEK_KNOWN_SERVICES},
    };
    for (size_t i = 0; i < COUNT_OF(marks); i++)
        if (has(row, marks[i].field)) return marks[i].log;
    if (str_starts(row->fields[ZEEK_FIELD_ACTION], S("SMB::"))) return ZEEK_SMB_FILES;
    if (has(row, ZEEK_FIELD_COMMAND) && str_starts(row->fields[ZEEK_FIELD_VERSION], S("SMB")))
        return ZEEK_SMB_CMD;
    return ZEEK_OTHER;
}

/* What Zeek's own expected logs have in place of times, so that runs compare equal. */
static bool is_masked(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != 'X' && text.ptr[i] != '.') return false;
    return text.len > 0;
}

static bool is_number(str text)
{
    size_t digits = 0, points = 0;
    for (size_t i = 0; i < text.len; i++) {
        digits += text.ptr[i] >= '0' && text.ptr[i] <= '9';
        points += text.ptr[i] == '.';
    }
    return digits && points <= 1 && digits + points == text.len;
}

/* Seconds with a fraction, as Zeek prints times, intervals; in JSON also with an exponent. */
static bool seconds_of(str text, int64_t *out_us)
{
    str mantissa, exponent;
    bool scientific = str_cut(text, 'e', &mantissa, &exponent);
    if (!is_number(scientific ? mantissa : text)) return false;
    return json_scan_scaled(text, 6, out_us);
}

bool zeek_row_time(str text, const struct zone *zone, int64_t *out_us, bool *is_assumed)
{
    *out_us = 0;
    return is_masked(text) || seconds_of(text, out_us) ||
           log_time_parse(text, zone, out_us, is_assumed);
}

static bool port_of(str text, uint16_t *out)
{
    uint64_t value = 0;
    if (!str_u64(text, UINT16_MAX, &value)) return false;
    *out = (uint16_t)value;
    return true;
}

/* What all of a row's facts share. */
struct telling {
    const struct zeek_row *row;
    const struct fact_sink *sink;
    struct arena *scratch;
    int64_t at_us;
    uint8_t assumed; /* of the time */
    struct observation fact;
    bool is_reversed; /* the row's originator is the server */
};

enum ends { ENDS_UNREADABLE, ENDS_OF_NO_USE, ENDS_KEPT };

static enum transport transport_of(str proto)
{
    if (str_equal_nocase(proto, S("tcp"))) return TRANSPORT_TCP;
    return str_equal_nocase(proto, S("udp")) ? TRANSPORT_UDP : TRANSPORT_NONE;
}

/* The side on a service's port is the server. Zeek's originator sent the first packet it saw, which
 * is not the SYN when the log began in mid-stream. On two such ports it is the client. */
static enum ends ends_of(struct telling *t, const struct port_set *ports, enum transport transport,
                         bool is_smb)
{
    const str *fields = t->row->fields;
    struct addr orig, resp;
    uint16_t orig_port = 0, resp_port = 0;
    if (!port_of(fields[ZEEK_FIELD_ORIG_PORT], &orig_port) ||
        !port_of(fields[ZEEK_FIELD_RESP_PORT], &resp_port))
        return ENDS_UNREADABLE;
    if (!addr_parse(fields[ZEEK_FIELD_ORIG_HOST], &orig) ||
        !addr_parse(fields[ZEEK_FIELD_RESP_HOST], &resp))
        return ENDS_UNREADABLE;
    if (transport == TRANSPORT_NONE || addr_is_none(orig) || addr_is_none(resp))
        return ENDS_OF_NO_USE;
    bool by_resp = port_set_has(ports, transport, resp_port);
    bool by_orig = port_set_has(ports, transport, orig_port);
    if (!by_resp && !by_orig && !is_smb) return ENDS_OF_NO_USE;
    t->is_reversed = by_orig && !by_resp;
    t->fact = (struct observation){
        .client.addr = t->is_reversed ? resp : orig,
        .server.addr = t->is_reversed ? orig : resp,
        .transport = transport,
        .client_port = t->is_reversed ? resp_port : orig_port,
        .port = t->is_reversed ? orig_port : resp_port,
        .is_smb = is_smb,
        .first_us = t->at_us,
        .last_us = t->at_us,
        .count = 1,
        .profile = PROFILE_UNKNOWN,
        .assumed = t->assumed,
        .offset = t->row->offset,
    };
    if (!t->fact.port) return ENDS_OF_NO_USE;
    return ENDS_KEPT;
}

static struct names one_name(const str *name)
{
    return (struct names){name, name->len > 0};
}

static void identify(struct telling *t, struct addr addr, str name, enum identity_source source)
{
    struct addr itself;
    if (!name.len || name.ptr[0] == '*' || addr_parse(name, &itself)) return;
    struct identity fact = {addr, name, t->at_us, source, t->row->offset};
    t->sink->identity(t->sink->to, &fact);
}

static void observe(struct telling *t)
{
    t->sink->line_hash(t->sink->to, t->row->hash);
    t->sink->observation(t->sink->to, &t->fact);
}

static void tell_use(struct telling *t, struct use use)
{
    const struct observation *fact = &t->fact;
    use.client = fact->client;
    use.server = fact->server;
    use.transport = fact->transport;
    use.client_port = fact->client_port;
    use.port = fact->port;
    use.start_us = use.first_us = use.last_us = t->at_us;
    use.count = 1;
    use.offset = fact->offset;
    t->sink->use(t->sink->to, &use);
}

static str domain_user(struct telling *t, str domain, str user)
{
    if (!user.len || !domain.len) return user;
    return str_format(t->scratch, "%.*s\\%.*s", STR_ARG(domain), STR_ARG(user));
}

/* "-" is not set: no payload was seen, or not all of it. */
static uint64_t bytes_of(str text)
{
    uint64_t value = 0;
    return str_u64(text, INT64_MAX, &value) ? value : 0;
}

/* What conn_state says. S0 of a datagram that nobody answers is no failure. */
static enum outcome outcome_of(const struct telling *t, str state)
{
    bool is_datagram = t->fact.transport == TRANSPORT_UDP && t->fact.port == PORT_NETBIOS_DATAGRAM;
    if (str_equal(state, S("S0"))) return is_datagram ? OUTCOME_NONE : OUTCOME_NO_ANSWER;
    if (str_equal(state, S("REJ"))) return OUTCOME_REFUSED;
    return state.len ? OUTCOME_ESTABLISHED : OUTCOME_NONE;
}

static void tell_conn(struct telling *t)
{
    const str *fields = t->row->fields;
    uint64_t orig = bytes_of(fields[ZEEK_FIELD_ORIG_BYTES]);
    uint64_t resp = bytes_of(fields[ZEEK_FIELD_RESP_BYTES]);
    int64_t duration_us = 0;
    t->fact.outcome = outcome_of(t, fields[ZEEK_FIELD_CONN_STATE]);
    /* Mid-stream traffic: the connection began before what was seen of it. */
    t->fact.within = str_equal(fields[ZEEK_FIELD_CONN_STATE], S("OTH"));
    t->fact.bytes_to_server = t->is_reversed ? resp : orig;
    t->fact.bytes_to_client = t->is_reversed ? orig : resp;
    if (seconds_of(fields[ZEEK_FIELD_DURATION], &duration_us) &&
        !num_add(t->at_us, duration_us, &t->fact.last_us))
        t->fact.last_us = t->at_us;
    observe(t);
}

static void tell_share(struct telling *t, str path, bool is_printer)
{
    t->fact.shares = one_name(&path);
    observe(t);
    if (!path.len) return;
    identify(t, t->fact.server.addr, share_path_host(path), IDENTITY_TREE_PATH);
    tell_use(t, (struct use){.share = path, .is_printer = is_printer});
}

static void tell_file(struct telling *t)
{
    str path = t->row->fields[ZEEK_FIELD_PATH];
    bool is_pipe =
        share_path_is_ipc(path) || str_starts(t->row->fields[ZEEK_FIELD_ACTION], S("SMB::PIPE_"));
    if (!is_pipe) {
        tell_share(t, path, str_starts(t->row->fields[ZEEK_FIELD_ACTION], S("SMB::PRINT_")));
        return;
    }
    str pipe = share_path_pipe(t->row->fields[ZEEK_FIELD_NAME]);
    t->fact.pipes = one_name(&pipe);
    t->fact.shares = one_name(&path);
    observe(t);
    if (path.len || pipe.len) tell_use(t, (struct use){.share = path, .pipe = pipe});
}

/* smb_cmd.log is off by default. Its version is SMB1 or SMB2, so only the former is a dialect, and
 * only when a server carried such a command out: a hello in SMB1 is how SMB2 may begin. */
static void tell_command(struct telling *t)
{
    const str *fields = t->row->fields;
    str tree = fields[ZEEK_FIELD_TREE], user = fields[ZEEK_FIELD_USERNAME];
    str command = fields[ZEEK_FIELD_COMMAND], status = fields[ZEEK_FIELD_STATUS];
    bool success = logon_status_is_success(status);
    bool is_logon = str_starts(command, S("SESSION_SETUP"));
    bool is_connect = str_starts(command, S("TREE_CONNECT"));
    bool failed = status.len && !success;
    if (success && str_equal_nocase(fields[ZEEK_FIELD_VERSION], S("SMB1")) &&
        !str_starts(command, S("NEGOTIATE")))
        t->fact.smb.dialects = 1u << DIALECT_NT_LM_012;
    if (is_logon && logon_status_is_refusal(status)) t->fact.outcome = OUTCOME_AUTH_FAILED;
    bool refused = is_connect && failed;
    t->fact.users = one_name(&user);
    t->fact.shares = one_name(&tree);
    if (refused) t->fact.shares_refused = one_name(&tree);
    observe(t);
    if (!tree.len) return;
    identify(t, t->fact.server.addr, share_path_host(tree), IDENTITY_TREE_PATH);
    tell_use(t, (struct use){.share = tree, .user = user, .refused = refused});
}

/* A logon that failed is its own outcome, so that the flow is not taken for one that worked. One
 * that did not, or that the log does not judge, is what every packet within a connection is: proof
 * that it was established. `accessed` is the word of the server's own log. */
static void tell_ntlm(struct telling *t)
{
    const str *fields = t->row->fields;
    str user = domain_user(t, fields[ZEEK_FIELD_DOMAINNAME], fields[ZEEK_FIELD_USERNAME]);
    str client = fields[ZEEK_FIELD_HOSTNAME], servers[2];
    size_t n = 0;
    if (fields[ZEEK_FIELD_SERVER_NETBIOS].len) servers[n++] = fields[ZEEK_FIELD_SERVER_NETBIOS];
    if (fields[ZEEK_FIELD_SERVER_DNS].len &&
        !(n && str_equal_nocase(servers[0], fields[ZEEK_FIELD_SERVER_DNS])))
        servers[n++] = fields[ZEEK_FIELD_SERVER_DNS];
    str success = fields[ZEEK_FIELD_SUCCESS];
    if (str_equal(success, S("F")) || str_equal(success, S("false")))
        t->fact.outcome = OUTCOME_AUTH_FAILED;
    /* Set and empty: an anonymous logon. Not set: no message with a user name was seen. */
    if (has(t->row, ZEEK_FIELD_USERNAME) && !user.len) t->fact.smb.auths = 1u << AUTH_ANONYMOUS;
    t->fact.users = one_name(&user);
    t->fact.client_names = one_name(&client);
    t->fact.server_names = (struct names){servers, n};
    observe(t);
    identify(t, t->fact.client.addr, client, IDENTITY_NTLM);
    for (size_t i = 0; i < n; i++)
        identify(t, t->fact.server.addr, servers[i], IDENTITY_NTLM);
}

/* "alice/CONTOSO.COM"; a principal may hold slashes, a realm does not. */
static void cut_principal(str text, str *name, str *realm)
{
    size_t at = text.len;
    while (at > 0 && text.ptr[at - 1] != '/')
        at--;
    *name = at ? str_head(text, at - 1) : text;
    *realm = at ? str_tail(text, at) : (str){0};
}

/* A ticket shown to an SMB server, inside the session setup. Requests to a key distribution centre
 * on such a port are a scanner's: they tell no user of SMB. */
static void tell_ticket(struct telling *t)
{
    const str *fields = t->row->fields;
    str name, realm, type = fields[ZEEK_FIELD_REQUEST_TYPE];
    cut_principal(fields[ZEEK_FIELD_CLIENT], &name, &realm);
    bool is_request = str_equal(type, S("AS")) || str_equal(type, S("TGS"));
    str user = domain_user(t, realm, is_request ? (str){0} : name);
    t->fact.users = one_name(&user);
    if (!is_request) t->fact.smb.auths = 1u << AUTH_KERBEROS;
    observe(t);
}

/* A machine gets tickets for its own account: "WS0417$/CONTOSO.COM" is the host it asks from. */
static void tell_machine_account(struct telling *t)
{
    const str *fields = t->row->fields;
    str name, realm, success = fields[ZEEK_FIELD_SUCCESS];
    struct addr orig;
    cut_principal(fields[ZEEK_FIELD_CLIENT], &name, &realm);
    if (!str_ends(name, S("$")) || name.len < 2) return;
    if (!str_equal(success, S("T")) && !str_equal(success, S("true"))) return;
    if (!addr_parse(fields[ZEEK_FIELD_ORIG_HOST], &orig) || addr_is_none(orig)) return;
    identify(t, orig, str_head(name, name.len - 1), IDENTITY_KERBEROS);
}

/* named_pipe is a port's number when RPC ran over TCP itself. */
static void tell_rpc(struct telling *t)
{
    const str *fields = t->row->fields;
    uint64_t number = 0;
    str pipe = share_path_pipe(fields[ZEEK_FIELD_NAMED_PIPE]),
        interface = fields[ZEEK_FIELD_ENDPOINT];
    if (str_u64(pipe, UINT16_MAX, &number)) pipe = (str){0};
    if (str_starts(interface, S("unknown-"))) interface = str_tail(interface, 8);
    if (str_equal(interface, S("unknown"))) interface = (str){0};
    t->fact.pipes = one_name(&pipe);
    t->fact.interfaces = one_name(&interface);
    observe(t);
    if (pipe.len) tell_use(t, (struct use){.pipe = pipe});
}

/* known_services.log: a service that a host was seen to answer on. */
static bool tell_service(struct telling *t, const struct port_set *ports)
{
    const str *fields = t->row->fields;
    struct listening fact = {
        .transport = transport_of(fields[ZEEK_FIELD_PORT_PROTO]),
        .state = LISTENING_OPEN,
        .seen_us = t->at_us,
        .offset = t->row->offset,
    };
    if (!addr_parse(fields[ZEEK_FIELD_HOST], &fact.server.addr) ||
        !port_of(fields[ZEEK_FIELD_PORT_NUMBER], &fact.port))
        return false;
    t->sink->record(t->sink->to, t->at_us);
    if (fact.transport == TRANSPORT_NONE || !port_set_has(ports, fact.transport, fact.port) ||
        addr_is_none(fact.server.addr))
        return true;
    t->sink->line_hash(t->sink->to, t->row->hash);
    t->sink->listening(t->sink->to, &fact);
    return true;
}

/* "smb", "gssapi,smb,ntlm": protocols that Zeek recognised by content. */
static bool names_smb(str services)
{
    str one;
    while (services.len) {
        (void)str_cut(services, ',', &one, &services);
        if (str_equal(one, S("smb"))) return true;
    }
    return false;
}

static bool is_smb_log(enum zeek_log log)
{
    return log == ZEEK_SMB_MAPPING || log == ZEEK_SMB_FILES || log == ZEEK_SMB_CMD;
}

static void tell_within(struct telling *t)
{
    t->fact.within = true;
    t->fact.outcome = OUTCOME_ESTABLISHED;
    switch (t->row->log) {
    case ZEEK_SMB_MAPPING:
        tell_share(t, t->row->fields[ZEEK_FIELD_PATH],
                   str_equal_nocase(t->row->fields[ZEEK_FIELD_SHARE_TYPE], S("PRINT")));
        break;
    case ZEEK_SMB_FILES:
        tell_file(t);
        break;
    case ZEEK_SMB_CMD:
        tell_command(t);
        break;
    case ZEEK_NTLM:
        tell_ntlm(t);
        break;
    case ZEEK_KERBEROS:
        tell_ticket(t);
        break;
    case ZEEK_DCE_RPC:
        tell_rpc(t);
        break;
    case ZEEK_OTHER:
    case ZEEK_CONN:
    case ZEEK_KNOWN_SERVICES:
    case ZEEK_LOG_COUNT:
        break;
    }
}

bool zeek_row_tell(const struct zeek_row *row, const struct port_set *ports,
                   const struct fact_sink *sink, struct arena scratch, str *why)
{
    struct telling t = {.row = row, .sink = sink, .scratch = &scratch};
    bool is_conn = row->log == ZEEK_CONN;
    bool zone_is_assumed = false;
    if (!zeek_row_time(row->fields[ZEEK_FIELD_TS], row->zone, &t.at_us, &zone_is_assumed)) {
        *why = S("expected a time in ts");
        return false;
    }
    t.assumed = (uint8_t)((t.at_us ? 0 : 1u << ASSUMED_CLOCK) |
                          (zone_is_assumed ? 1u << ASSUMED_TIMEZONE : 0));
    if (row->log == ZEEK_OTHER) {
        sink->record(sink->to, t.at_us);
        return true;
    }
    if (row->log == ZEEK_KNOWN_SERVICES) {
        *why = S("expected a host and a port");
        return tell_service(&t, ports);
    }
    enum transport transport =
        is_conn ? transport_of(row->fields[ZEEK_FIELD_PROTO]) : TRANSPORT_TCP;
    bool is_smb = is_smb_log(row->log) || (is_conn && names_smb(row->fields[ZEEK_FIELD_SERVICE]));
    enum ends ends = ends_of(&t, ports, transport, is_smb);
    if (ends == ENDS_UNREADABLE) {
        *why = S("expected two addresses and ports in id.orig_h, id.orig_p, id.resp_h, id.resp_p");
        return false;
    }
    sink->record(sink->to, t.at_us);
    if (ends == ENDS_KEPT && is_conn) tell_conn(&t);
    if (ends == ENDS_KEPT && !is_conn) tell_within(&t);
    if (row->log == ZEEK_KERBEROS && ends != ENDS_KEPT) tell_machine_account(&t);
    return true;
}
