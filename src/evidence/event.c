/* SPDX-License-Identifier: Apache-2.0 */
/* Windows events: one row per kind says which values are read, what each means, and which function
 * makes facts of them. docs/evidence-events.md has the same table with its sources.
 *
 * Records come in the order of the log, so what a later event needs (how a logon was
 * authenticated, which port a client had reached) was told by an earlier one and is remembered in
 * two tables of fixed size. Full: the one of four used least recently makes room, and the later
 * event goes without.
 */
#include "evidence/event.h"

#include "base/hash.h"
#include "base/instant.h"
#include "base/limits.h"

/* What a value means, whatever its event calls it. */
enum value {
    CLIENT_ADDRESS,
    CLIENT_PORT,
    CLIENT_NAME,
    USER_SID,
    USER_NAME,
    USER_DOMAIN,
    LOGON,
    LOGON_TYPE,
    PACKAGE,
    LM_PACKAGE,
    SHARE,
    SHARE_FOLDER,
    RELATIVE_NAME,
    SOURCE_ADDRESS,
    SOURCE_PORT,
    SOURCE_NAME,
    DESTINATION_ADDRESS,
    DESTINATION_PORT,
    DESTINATION_NAME,
    PROTOCOL,
    DIRECTION,
    INITIATED,
    IMAGE,
    UTC_TIME,
    STATUS,
    SERVER_NAME,
    SERVER_ADDRESS,
    ENCRYPTED,
    SUBJECT,
    DETAIL,
    VALUE_COUNT
};

struct event_talk;
struct row;
typedef void tell_event(struct event_talk *talk, const str *v);

struct row {
    struct event_kind kind; /* first: a kind leads back to its row */
    str channel;            /* or how it begins, for collectors that drop the provider */
    const uint8_t *means;   /* enum value of each name */
    tell_event *tell;
    uint8_t outcome; /* or kind of change */
    str text;        /* what is counted, or the subject of a change that names none */
};

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* Who writes events, and where. Domain controllers write their part of the NTLM channel under
 * NETLOGON's name. */
#define PROVIDER_SECURITY "Microsoft-Windows-Security-Auditing"
#define CHANNEL_SECURITY  "Security"
#define PROVIDER_SYSMON   "Microsoft-Windows-Sysmon"
#define CHANNEL_SYSMON    "Microsoft-Windows-Sysmon/"
#define PROVIDER_SERVER   "Microsoft-Windows-SMBServer"
#define CHANNEL_SERVER    "Microsoft-Windows-SMBServer/"
#define PROVIDER_CLIENT   "Microsoft-Windows-SMBClient"
#define CHANNEL_CLIENT    "Microsoft-Windows-SmbClient/"
#define PROVIDER_NTLM     "Microsoft-Windows-NTLM"
#define CHANNEL_NTLM      "Microsoft-Windows-NTLM/"
#define PROVIDER_NETLOGON "Microsoft-Windows-Security-Netlogon"
#define CHANNEL_NETLOGON  "Microsoft-Windows-NTLM/"
#define PROVIDER_FIREWALL "Microsoft-Windows-Windows Firewall With Advanced Security"
#define CHANNEL_FIREWALL  "Microsoft-Windows-Windows Firewall With Advanced Security/"

/* Lists of values: name, meaning. A meaning may stand behind several names, since builds differ,
 * and Splunk takes its own from the rendered text: the first that is filled counts. */
#define SUBJECT_USER(X)                                                                            \
    X("SubjectUserSid", USER_SID)                                                                  \
    X("SubjectUserName", USER_NAME)                                                                \
    X("SubjectDomainName", USER_DOMAIN)                                                            \
    X("SubjectLogonId", LOGON)
#define TARGET_USER(X)                                                                             \
    X("TargetUserSid", USER_SID)                                                                   \
    X("TargetUserName", USER_NAME)                                                                 \
    X("TargetDomainName", USER_DOMAIN)
#define SHARE_ACCESS(X)                                                                            \
    SUBJECT_USER(X)                                                                                \
    X("IpAddress", CLIENT_ADDRESS)                                                                 \
    X("IpPort", CLIENT_PORT)                                                                       \
    X("ShareName", SHARE)                                                                          \
    X("RelativeTargetName", RELATIVE_NAME)                                                         \
    X("Account_Name", USER_NAME)                                                                   \
    X("Account_Domain", USER_DOMAIN)                                                               \
    X("Logon_ID", LOGON)                                                                           \
    X("Source_Address", CLIENT_ADDRESS)                                                            \
    X("Source_Port", CLIENT_PORT)                                                                  \
    X("Share_Name", SHARE)                                                                         \
    X("Relative_Target_Name", RELATIVE_NAME)
#define SHARE_CHANGE(X) SUBJECT_USER(X) X("ShareName", SHARE) X("ShareLocalPath", SHARE_FOLDER)
#define NETWORK_LOGON(X)                                                                           \
    TARGET_USER(X)                                                                                 \
    X("TargetLogonId", LOGON)                                                                      \
    X("LogonType", LOGON_TYPE)                                                                     \
    X("AuthenticationPackageName", PACKAGE)                                                        \
    X("LmPackageName", LM_PACKAGE)                                                                 \
    X("WorkstationName", CLIENT_NAME)                                                              \
    X("IpAddress", CLIENT_ADDRESS)                                                                 \
    X("IpPort", CLIENT_PORT)
#define FILTERING(X)                                                                               \
    X("Direction", DIRECTION)                                                                      \
    X("SourceAddress", SOURCE_ADDRESS)                                                             \
    X("SourcePort", SOURCE_PORT)                                                                   \
    X("DestAddress", DESTINATION_ADDRESS)                                                          \
    X("DestPort", DESTINATION_PORT)                                                                \
    X("Protocol", PROTOCOL)                                                                        \
    X("Source_Address", SOURCE_ADDRESS)                                                            \
    X("Source_Port", SOURCE_PORT)                                                                  \
    X("Destination_Address", DESTINATION_ADDRESS)                                                  \
    X("Destination_Port", DESTINATION_PORT)
#define SYSMON_CONNECTION(X)                                                                       \
    X("UtcTime", UTC_TIME)                                                                         \
    X("Image", IMAGE)                                                                              \
    X("User", USER_NAME)                                                                           \
    X("Protocol", PROTOCOL)                                                                        \
    X("Initiated", INITIATED)                                                                      \
    X("SourceIp", SOURCE_ADDRESS)                                                                  \
    X("SourceHostname", SOURCE_NAME)                                                               \
    X("SourcePort", SOURCE_PORT)                                                                   \
    X("DestinationIp", DESTINATION_ADDRESS)                                                        \
    X("DestinationHostname", DESTINATION_NAME)                                                     \
    X("DestinationPort", DESTINATION_PORT)
#define TICKET(X)                                                                                  \
    X("TargetUserName", USER_NAME)                                                                 \
    X("IpAddress", CLIENT_ADDRESS)                                                                 \
    X("Status", STATUS)
#define SERVER_CLIENT(X)                                                                           \
    X("ClientAddress", CLIENT_ADDRESS)                                                             \
    X("Address", CLIENT_ADDRESS)                                                                   \
    X("RemoteAddress", CLIENT_ADDRESS)                                                             \
    X("ClientName", CLIENT_NAME)                                                                   \
    X("UserName", USER_NAME)                                                                       \
    X("ShareName", SHARE)                                                                          \
    X("EncyptionUsed", ENCRYPTED)                                                                  \
    X("EncryptionUsed", ENCRYPTED)
#define CLIENT_SERVER(X)                                                                           \
    X("ServerName", SERVER_NAME)                                                                   \
    X("ServerAddress", SERVER_ADDRESS)                                                             \
    X("Address", SERVER_ADDRESS)                                                                   \
    X("RemoteAddress", SERVER_ADDRESS)                                                             \
    X("ShareName", SHARE)                                                                          \
    X("UserName", USER_NAME)                                                                       \
    X("Status", STATUS)
#define NTLM_OUT(X)                                                                                \
    X("TargetName", SERVER_NAME)                                                                   \
    X("UserName", USER_NAME)                                                                       \
    X("DomainName", USER_DOMAIN)
#define RULE_CHANGE(X)                                                                             \
    X("RuleId", SUBJECT)                                                                           \
    X("RuleName", DETAIL)                                                                          \
    X("RuleAttr", DETAIL)                                                                          \
    X("ModifyingUser", USER_NAME)
#define SETTING_CHANGE(X)                                                                          \
    X("SettingType", SUBJECT)                                                                      \
    X("SettingValueDisplay", DETAIL)                                                               \
    X("SettingValueString", DETAIL)                                                                \
    X("SettingValue", DETAIL)                                                                      \
    X("ModifyingUser", USER_NAME)
#define PROFILE_CHANGE(X)                                                                          \
    X("InterfaceName", SUBJECT)                                                                    \
    X("NewProfile", DETAIL)                                                                        \
    X("ActiveProfile", DETAIL)
#define BY_USER(X) X("ModifyingUser", USER_NAME)

#define LISTS(X)                                                                                   \
    X(SHARE_ACCESS, share_access)                                                                  \
    X(SHARE_CHANGE, share_change)                                                                  \
    X(NETWORK_LOGON, network_logon)                                                                \
    X(FILTERING, filtering)                                                                        \
    X(SYSMON_CONNECTION, sysmon_connection)                                                        \
    X(TICKET, ticket)                                                                              \
    X(SERVER_CLIENT, server_client)                                                                \
    X(CLIENT_SERVER, client_server)                                                                \
    X(NTLM_OUT, ntlm_out)                                                                          \
    X(RULE_CHANGE, rule_change)                                                                    \
    X(SETTING_CHANGE, setting_change)                                                              \
    X(PROFILE_CHANGE, profile_change)                                                              \
    X(BY_USER, by_user)

#define NAME_OF(name, meaning)    name,
#define MEANING_OF(name, meaning) meaning,
#define DEFINE_LIST(LIST, list)                                                                    \
    static const char *const list##_names[] = {LIST(NAME_OF)};                                     \
    static const uint8_t list##_means[] = {LIST(MEANING_OF)};                                      \
    static_assert(COUNT_OF(list##_names) <= EVENT_VALUES, "values of one event");
LISTS(DEFINE_LIST)

/* Memory of what earlier events told. */

enum { RECALL_WAYS = 4, RECALL_NAME = 32 };

struct recalled {
    uint64_t key;  /* 0 = free */
    uint64_t used; /* when, counted in uses */
    struct addr client;
    uint16_t port;
    uint8_t auths; /* bit set of enum auth */
    uint8_t name_len;
    char name[RECALL_NAME]; /* of the client; longer ones are not kept */
};

struct recall {
    struct recalled *items; /* LIMIT_EVENT_RECALL of them */
    uint64_t uses;
};

/* Own addresses and identities told lately; a slot that is taken is told again, no harm. */
enum { TOLD_SLOTS = 256 };
struct told {
    uint64_t key;
    int64_t at_us;
};

struct event_talk {
    struct fact_sink sink;
    struct recall logons;   /* by computer and logon id */
    struct recall services; /* by computer, client address and port */
    struct told told[TOLD_SLOTS];

    /* The event that is being told. */
    const struct event *event;
    const struct row *row;
    uint64_t computer; /* hash of its name without case */
    int64_t at_us;
    uint8_t assumed;
    /* Texts made of several values. */
    char user[2 * LIMIT_NAME_BYTES + 1];
    char share[2 * LIMIT_NAME_BYTES + 4];
};

static uint64_t hash_nocase(str s)
{
    uint64_t hash = s.len;
    char lower[32];
    for (size_t at = 0; at < s.len; at += sizeof lower) {
        str part = str_head(str_tail(s, at), sizeof lower);
        for (size_t i = 0; i < part.len; i++) {
            char c = part.ptr[i];
            lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
        }
        hash = hash_join(hash, hash_bytes(str_bytes((str){lower, part.len})));
    }
    return hash;
}

/* The one of that key; else, with make, the least recently used of its set, emptied; else NULL. */
static struct recalled *recall_at(struct recall *recall, uint64_t key, bool make)
{
    if (!key) key = 1;
    struct recalled *set = &recall->items[key % (LIMIT_EVENT_RECALL / RECALL_WAYS) * RECALL_WAYS],
                    *oldest = set;
    recall->uses++;
    for (size_t i = 0; i < RECALL_WAYS; i++) {
        if (set[i].key == key) {
            set[i].used = recall->uses;
            return &set[i];
        }
        if (set[i].used < oldest->used) oldest = &set[i];
    }
    if (!make) return NULL;
    *oldest = (struct recalled){.key = key, .used = recall->uses};
    return oldest;
}

/* Values */

/* "-" and "(NULL)" is how these events write nothing. Longer names than are kept end where they
 * may. */
static str said(str value)
{
    if (value.len == 1 && value.ptr[0] == '-') return (str){0};
    if (str_equal(value, S("(NULL)"))) return (str){0};
    if (value.len <= LIMIT_NAME_BYTES) return value;
    size_t n = LIMIT_NAME_BYTES;
    while (n && ((uint8_t)value.ptr[n] & 0xC0) == 0x80)
        n--;
    return str_head(value, n);
}

static unsigned hex_digit(char c)
{
    if (c >= '0' && c <= '9') return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f') return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') return (unsigned)(c - 'A') + 10;
    return 16;
}

/* "0x541f35", "0x0000000000541f35" and "5513013" are one number; false when it is none. */
static bool number_of(str value, uint64_t *out)
{
    if (!str_starts(value, S("0x")) && !str_starts(value, S("0X")))
        return str_u64(value, UINT64_MAX, out);
    value = str_tail(value, 2);
    uint64_t number = 0;
    if (!value.len) return false;
    for (size_t i = 0; i < value.len; i++) {
        unsigned digit = hex_digit(value.ptr[i]);
        if (digit > 15 || number >> 60) return false;
        number = number << 4 | digit;
    }
    *out = number;
    return true;
}

/* An NTSTATUS: hexadecimal, or decimal with or without its sign. */
static uint32_t status_of(str value)
{
    uint64_t number = 0;
    if (value.len && value.ptr[0] == '-')
        return str_u64(str_tail(value, 1), INT32_MAX, &number) ? UINT32_MAX - (uint32_t)number + 1
                                                               : 0;
    return number_of(value, &number) && number <= UINT32_MAX ? (uint32_t)number : 0;
}

static uint16_t port_of(str value)
{
    uint64_t port = 0;
    return str_u64(value, UINT16_MAX, &port) ? (uint16_t)port : 0;
}

/* Ports at which SMB servers listen, and from which clients of Windows dial. */
static bool is_smb_port(uint16_t port)
{
    return port == 445 || port == 139 || port == 443 || port == 5445;
}

/* The port of a socket address is in network order, but some events were seen with it in host
 * order: the reading that makes sense counts, and none when both do (UNCERTAIN). */
static uint16_t socket_port(uint8_t first, uint8_t second)
{
    uint16_t network = (uint16_t)(first << 8 | second), host = (uint16_t)(second << 8 | first);
    if (network == host) return network;
    if (is_smb_port(network) != is_smb_port(host)) return is_smb_port(network) ? network : host;
    if ((network >= 49152) != (host >= 49152)) return network >= 49152 ? network : host;
    return 0;
}

/* A SOCKADDR in hexadecimal: family (little endian), port, then for IPv4 the address, for IPv6 flow
 * information and the address. */
static bool socket_of(str hex, struct addr *addr, uint16_t *port)
{
    enum { INET = 2, INET6 = 23, INET_BYTES = 8, INET6_BYTES = 24 };
    uint8_t b[INET6_BYTES] = {0};
    size_t n = hex.len / 2 < sizeof b ? hex.len / 2 : sizeof b;
    if (hex.len % 2) return false;
    for (size_t i = 0; i < n; i++) {
        unsigned high = hex_digit(hex.ptr[2 * i]), low = hex_digit(hex.ptr[2 * i + 1]);
        if (high > 15 || low > 15) return false;
        b[i] = (uint8_t)(high << 4 | low);
    }
    bool is_v4 = n >= INET_BYTES && b[0] == INET && b[1] == 0;
    bool is_v6 = n >= INET6_BYTES && b[0] == INET6 && b[1] == 0;
    if (!is_v4 && !is_v6) return false;
    *port = socket_port(b[2], b[3]);
    *addr = is_v6 ? addr_from_bytes(b + 8)
                  : addr_v4((uint32_t)b[4] << 24 | (uint32_t)b[5] << 16 | (uint32_t)b[6] << 8 |
                            (uint32_t)b[7]);
    return true;
}

static str without_slashes(str s)
{
    while (s.len && s.ptr[0] == '\\')
        s = str_tail(s, 1);
    return s;
}

/* "10.1.2.3", "fe80::1%5", "[fe80::1%5]:445", "10.1.2.3:445", "\\10.1.2.3", a SOCKADDR. The port
 * stays as it is when there is none. */
static bool address_of(str value, struct addr *addr, uint16_t *port)
{
    str host = without_slashes(value), rest = {0};
    if (host.len && host.ptr[0] == '[') {
        if (!str_cut(str_tail(host, 1), ']', &host, &rest)) return false;
        if (str_starts(rest, S(":"))) *port = port_of(str_tail(rest, 1));
    }
    str head, tail;
    str_cut(host, '%', &head, &tail);
    if (head.len && addr_parse(head, addr)) return !addr_is_none(*addr);
    if (str_cut(host, ':', &head, &tail) && addr_parse(head, addr)) {
        *port = port_of(tail);
        return !addr_is_none(*addr);
    }
    return socket_of(host, addr, port) && !addr_is_none(*addr);
}

static bool is_loopback(struct addr a)
{
    if (addr_is_v4(a)) return addr_v4_value(a) >> 24 == 127;
    return a.hi == 0 && a.lo == 1;
}

/* To more than one host. A directed broadcast can't be told without its prefix length; nearly all
 * end in 255. */
static bool is_to_many(struct addr a)
{
    if (!addr_is_v4(a)) return a.hi >> 56 == 0xFF;
    return addr_v4_value(a) >> 28 == 0xE || (addr_v4_value(a) & 0xFF) == 0xFF;
}

/* Can it be one host's own? */
static bool is_own(struct addr a)
{
    return !addr_is_none(a) && !is_loopback(a) && !is_to_many(a) &&
           !(addr_is_v4(a) && addr_v4_value(a) == 0);
}

static struct names one(const str *name)
{
    return name->len ? (struct names){name, 1} : (struct names){0};
}

static str join_text(char *into, size_t room, const str *parts, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        size_t fits = parts[i].len < room - len ? parts[i].len : room - len;
        if (fits) memcpy(into + len, parts[i].ptr, fits);
        len += fits;
    }
    return (str){into, len};
}

/* DOMAIN\user; empty for nobody. "user@REALM" and "DOMAIN\user" stay as they are. */
static str user_of(struct event_talk *talk, str domain, str name)
{
    domain = said(domain);
    name = said(name);
    bool is_whole = str_contains(name, S("\\")) || str_contains(name, S("@"));
    if (!name.len || !domain.len || is_whole || str_equal(domain, S("."))) return name;
    return join_text(talk->user, sizeof talk->user, (const str[]){domain, S("\\"), name}, 3);
}

static bool is_anonymous(const str *v)
{
    return str_equal(v[USER_SID], S("S-1-5-7")) ||
           str_equal_nocase(v[USER_NAME], S("ANONYMOUS LOGON"));
}

/* The guest account keeps its number in every domain and language. */
static bool is_guest(const str *v)
{
    return str_starts(v[USER_SID], S("S-1-5-21-")) && str_ends(v[USER_SID], S("-501"));
}

static struct endpoint endpoint_of(str name)
{
    struct endpoint end = {0};
    uint16_t port = 0;
    if (!address_of(name, &end.addr, &port)) end = (struct endpoint){.name = name};
    return end;
}

/* `\\*\X` and "X" on FS01 are \\FS01\X. */
static str share_of(struct event_talk *talk, str host, str share)
{
    share = said(share);
    if (!share.len) return share;
    if (str_starts(share, S("\\\\*\\"))) share = str_tail(share, 4);
    if (str_starts(share, S("\\\\"))) return share;
    return join_text(talk->share, sizeof talk->share,
                     (const str[]){S("\\\\"), host, S("\\"), without_slashes(share)}, 4);
}

/* Pipes have plain names; what else stands there is a file or nothing. */
static str pipe_of(str name)
{
    enum { PIPE_NAME = 256 };
    name = without_slashes(said(name));
    if (name.len > PIPE_NAME || str_contains(name, S("\\"))) return (str){0};
    return name;
}

/* Telling */

static void unplaced(struct event_talk *talk, str what)
{
    talk->sink.unplaced(talk->sink.to, what, talk->at_us);
}

static void tell_unplaced(struct event_talk *talk, const str *v)
{
    (void)v;
    unplaced(talk, talk->row->text);
}

/* Told once an hour: logs repeat it with every event. */
static bool is_told(struct event_talk *talk, struct addr addr, str name, uint64_t salt)
{
    const int64_t hour_us = 3600 * INSTANT_SECOND;
    uint64_t key = hash_join(hash_join(addr_hash(addr), hash_nocase(name)), salt);
    struct told *told = &talk->told[key % TOLD_SLOTS];
    if (told->key == key && talk->at_us >= told->at_us && talk->at_us - told->at_us < hour_us)
        return true;
    *told = (struct told){key, talk->at_us};
    return false;
}

static void identity(struct event_talk *talk, struct addr addr, str name,
                     enum identity_source source)
{
    struct addr is_address;
    uint16_t port;
    name = without_slashes(said(name));
    if (!name.len || !is_own(addr) || address_of(name, &is_address, &port)) return;
    if (is_told(talk, addr, name, (uint64_t)source)) return;
    talk->sink.identity(talk->sink.to, &(struct identity){.addr = addr,
                                                          .name = name,
                                                          .seen_us = talk->at_us,
                                                          .source = source,
                                                          .offset = talk->event->offset});
}

static void local(struct event_talk *talk, struct addr addr)
{
    if (!is_own(addr)) return;
    if (!is_told(talk, addr, talk->event->computer, IDENTITY_SOURCE_COUNT))
        talk->sink.local_address(talk->sink.to, addr);
    identity(talk, addr, talk->event->computer, IDENTITY_LOG);
}

/* "WS01$" and "WS01$@CONTOSO.COM" are the machine WS01. */
static str machine_of(str account)
{
    str name, realm;
    str_cut(said(account), '@', &name, &realm);
    return name.len > 1 && str_ends(name, S("$")) ? str_head(name, name.len - 1) : (str){0};
}

static uint64_t client_key(const struct event_talk *talk, struct addr client, uint16_t port)
{
    return hash_join(hash_join(talk->computer, addr_hash(client)), port);
}

/* Which port of this computer a client's port had reached. */
static void remember_service(struct event_talk *talk, struct addr client, uint16_t client_port,
                             uint16_t port)
{
    if (!client_port) return;
    recall_at(&talk->services, client_key(talk, client, client_port), true)->port = port;
}

static struct observation observation_of(const struct event_talk *talk, enum outcome outcome)
{
    return (struct observation){
        .transport = TRANSPORT_TCP,
        .first_us = talk->at_us,
        .last_us = talk->at_us,
        .count = 1,
        .outcome = outcome,
        .profile = PROFILE_UNKNOWN,
        .assumed = talk->assumed,
        .offset = talk->event->offset,
    };
}

/* Events that name no port are about the usual one. */
static struct observation smb_of(const struct event_talk *talk, enum outcome outcome)
{
    struct observation fact = observation_of(talk, outcome);
    fact.port = 445;
    fact.assumed |= 1u << ASSUMED_PORT;
    return fact;
}

static struct use use_of(const struct observation *fact, str share, str user)
{
    return (struct use){
        .client = fact->client,
        .server = fact->server,
        .transport = fact->transport,
        .client_port = fact->client_port,
        .port = fact->port,
        .start_us = fact->first_us,
        .first_us = fact->first_us,
        .last_us = fact->last_us,
        .count = 1,
        .share = share,
        .user = user,
        .refused = fact->outcome == OUTCOME_AUTH_FAILED,
        .offset = fact->offset,
    };
}

static uint8_t auths_of(const str *v)
{
    if (is_anonymous(v)) return 1u << AUTH_ANONYMOUS;
    if (is_guest(v)) return 1u << AUTH_GUEST;
    if (str_equal_nocase(v[LM_PACKAGE], S("NTLM V1"))) return 1u << AUTH_NTLMV1;
    if (str_equal_nocase(v[LM_PACKAGE], S("NTLM V2"))) return 1u << AUTH_NTLMV2;
    if (str_equal_nocase(v[PACKAGE], S("Kerberos"))) return 1u << AUTH_KERBEROS;
    return 0;
}

static bool logon_key(const struct event_talk *talk, str logon, uint64_t *out)
{
    uint64_t id = 0;
    if (!number_of(logon, &id) || !id) return false;
    *out = hash_join(talk->computer, id);
    return true;
}

/* Share accesses (5140, 5145): the server is the computer, by name. */
static void tell_share_access(struct event_talk *talk, const str *v)
{
    struct addr client;
    uint16_t client_port = port_of(v[CLIENT_PORT]);
    uint64_t key = 0;
    str computer = said(talk->event->computer);
    if (!address_of(v[CLIENT_ADDRESS], &client, &client_port)) {
        unplaced(talk, S("share accesses without a client address"));
        return;
    }
    if (!computer.len) {
        unplaced(talk, S("share accesses without the name of the server"));
        return;
    }
    bool failed = talk->event->succeeded == KNOWN_NO;
    str user = is_anonymous(v) ? (str){0} : user_of(talk, v[USER_DOMAIN], v[USER_NAME]);
    str share = share_of(talk, computer, v[SHARE]), pipe = {0}, client_name = {0};
    if (str_ends(share, S("\\IPC$"))) pipe = pipe_of(v[RELATIVE_NAME]);

    struct observation fact = smb_of(talk, failed ? OUTCOME_AUTH_FAILED : OUTCOME_ACCESSED);
    fact.client.addr = client;
    fact.client_port = client_port;
    fact.server = endpoint_of(computer);
    fact.within = true;
    fact.is_smb = true;
    struct recalled *logon = NULL;
    if (logon_key(talk, v[LOGON], &key)) logon = recall_at(&talk->logons, key, false);
    if (is_anonymous(v) || is_guest(v)) fact.smb.auths = auths_of(v);
    if (logon) {
        fact.smb.auths |= logon->auths;
        if (addr_equal(logon->client, client)) client_name = (str){logon->name, logon->name_len};
    }
    fact.users = one(&user);
    fact.client_names = one(&client_name);
    fact.server_names = one(&computer);
    fact.shares = one(&share);
    fact.pipes = one(&pipe);
    if (failed) fact.shares_refused = one(&share);
    talk->sink.observation(talk->sink.to, &fact);
    if (share.len) {
        struct use use = use_of(&fact, share, user);
        use.pipe = pipe;
        talk->sink.use(talk->sink.to, &use);
    }
    remember_service(talk, client, client_port, fact.port);
}

static bool is_network_logon(const str *v)
{
    return str_equal(v[LOGON_TYPE], S("3"));
}

/* 4624: type 3 is also WinRM, RPC and LDAP, so it is no flow; it tells how the session of later
 * share accesses was authenticated. */
static void tell_logon(struct event_talk *talk, const str *v)
{
    struct addr client = {0};
    uint16_t port = port_of(v[CLIENT_PORT]);
    uint64_t key = 0;
    if (!is_network_logon(v)) return;
    bool has_client = address_of(v[CLIENT_ADDRESS], &client, &port);
    str workstation = without_slashes(said(v[CLIENT_NAME]));
    /* Who logs on as nobody may call himself anything; scanners say "NULL". */
    if (is_anonymous(v)) workstation = (str){0};
    bool is_kerberos = str_equal_nocase(v[PACKAGE], S("Kerberos"));
    if (has_client) {
        identity(talk, client, workstation, IDENTITY_NTLM);
        identity(talk, client, machine_of(v[USER_NAME]),
                 is_kerberos ? IDENTITY_KERBEROS : IDENTITY_NTLM);
    }
    if (!logon_key(talk, v[LOGON], &key)) return;
    struct recalled *logon = recall_at(&talk->logons, key, true);
    logon->client = client;
    logon->auths = auths_of(v);
    logon->name_len = 0;
    if (!workstation.len || workstation.len > RECALL_NAME) return;
    memcpy(logon->name, workstation.ptr, workstation.len);
    logon->name_len = (uint8_t)workstation.len;
}

/* 4625: to which service, only an earlier event about the same client port can tell. */
static void tell_failed_logon(struct event_talk *talk, const str *v)
{
    struct addr client;
    uint16_t client_port = port_of(v[CLIENT_PORT]);
    str computer = said(talk->event->computer);
    if (!is_network_logon(v)) return;
    struct recalled *service = NULL;
    if (computer.len && address_of(v[CLIENT_ADDRESS], &client, &client_port) && client_port)
        service = recall_at(&talk->services, client_key(talk, client, client_port), false);
    if (!service) {
        unplaced(talk, S("failed network logons whose service the log does not tell"));
        return;
    }
    if (service_by_port(service_builtin, TRANSPORT_TCP, service->port) == SERVICE_NONE) return;
    struct observation fact = observation_of(talk, OUTCOME_AUTH_FAILED);
    str user = is_anonymous(v) ? (str){0} : user_of(talk, v[USER_DOMAIN], v[USER_NAME]);
    str client_name = without_slashes(said(v[CLIENT_NAME]));
    fact.client.addr = client;
    fact.client_port = client_port;
    fact.server = endpoint_of(computer);
    fact.port = service->port;
    fact.within = true;
    fact.smb.auths = auths_of(v);
    fact.users = one(&user);
    fact.client_names = one(&client_name);
    fact.server_names = one(&computer);
    talk->sink.observation(talk->sink.to, &fact);
}

static void tell_ticket(struct event_talk *talk, const str *v)
{
    struct addr client;
    uint16_t port = 0;
    if (status_of(v[STATUS]) || talk->event->succeeded == KNOWN_NO) return;
    if (address_of(v[CLIENT_ADDRESS], &client, &port))
        identity(talk, client, machine_of(v[USER_NAME]), IDENTITY_KERBEROS);
}

/* Connections between two addresses, one of them the computer's */

enum side { SIDE_UNKNOWN, SIDE_SOURCE, SIDE_DESTINATION };

struct sides {
    struct addr source, destination;
    uint16_t source_port, destination_port;
    enum transport transport;
};

static enum transport transport_of(str value)
{
    static const struct {
        str text;
        enum transport transport;
    } protocols[] = {
        {T("6"),   TRANSPORT_TCP},
        {T("17"),  TRANSPORT_UDP},
        {T("tcp"), TRANSPORT_TCP},
        {T("udp"), TRANSPORT_UDP},
    };
    for (size_t i = 0; i < COUNT_OF(protocols); i++)
        if (str_equal_nocase(protocols[i].text, value)) return protocols[i].transport;
    return TRANSPORT_NONE;
}

static bool sides_of(const str *v, struct sides *out)
{
    struct sides s = {
        .source_port = port_of(v[SOURCE_PORT]),
        .destination_port = port_of(v[DESTINATION_PORT]),
        .transport = transport_of(v[PROTOCOL]),
    };
    uint16_t ignored = 0;
    if (s.transport == TRANSPORT_NONE) return false;
    if (!address_of(v[SOURCE_ADDRESS], &s.source, &ignored)) return false;
    if (!address_of(v[DESTINATION_ADDRESS], &s.destination, &ignored)) return false;
    *out = s;
    return true;
}

/* The side on a service's port is the server, whatever the event calls source: builds of Windows
 * differ in that. On two such ports: what is said to many is said to servers; then the hint, taken
 * from the event's direction; else it is a guess. */
static enum side server_of(const struct sides *s, enum side hint, bool *is_guess)
{
    bool source = service_by_port(service_builtin, s->transport, s->source_port) != SERVICE_NONE;
    bool destination =
        service_by_port(service_builtin, s->transport, s->destination_port) != SERVICE_NONE;
    *is_guess = false;
    if (!source && !destination) return SIDE_UNKNOWN;
    if (source != destination) return source ? SIDE_SOURCE : SIDE_DESTINATION;
    if (is_to_many(s->source) != is_to_many(s->destination))
        return is_to_many(s->source) ? SIDE_SOURCE : SIDE_DESTINATION;
    if (hint != SIDE_UNKNOWN) return hint;
    *is_guess = true;
    return SIDE_SOURCE; /* as the events' documentation has it: the source is the local side */
}

static struct observation connection_of(const struct event_talk *talk, const struct sides *s,
                                        enum side server, bool is_guess, enum outcome outcome)
{
    struct observation fact = observation_of(talk, outcome);
    bool turned = server == SIDE_SOURCE;
    fact.client.addr = turned ? s->destination : s->source;
    fact.client_port = turned ? s->destination_port : s->source_port;
    fact.server.addr = turned ? s->source : s->destination;
    fact.port = turned ? s->source_port : s->destination_port;
    fact.transport = s->transport;
    if (is_guess) fact.assumed |= 1u << ASSUMED_SERVER;
    return fact;
}

static bool is_inbound(str direction)
{
    return str_equal(direction, S("%%14592")) || str_equal_nocase(direction, S("Inbound"));
}

static bool is_outbound(str direction)
{
    return str_equal(direction, S("%%14593")) || str_equal_nocase(direction, S("Outbound"));
}

/* 5156 and 5157, on connections: of an outbound one the source is the computer's own side; of an
 * inbound one the side that was reached, which some builds call source and others destination. */
static void tell_filtered(struct event_talk *talk, const str *v)
{
    struct sides s;
    bool is_guess = false, inbound = is_inbound(v[DIRECTION]), outbound = is_outbound(v[DIRECTION]);
    if (!sides_of(v, &s)) return;
    enum side server = server_of(&s, outbound ? SIDE_DESTINATION : SIDE_UNKNOWN, &is_guess);
    if (server == SIDE_UNKNOWN) return;
    struct observation fact =
        connection_of(talk, &s, server, is_guess, (enum outcome)talk->row->outcome);
    talk->sink.observation(talk->sink.to, &fact);
    if (outbound) local(talk, s.source);
    if (!inbound || is_guess || s.transport != TRANSPORT_TCP) return;
    local(talk, fact.server.addr);
    if (fact.outcome == OUTCOME_ALLOWED)
        remember_service(talk, fact.client.addr, fact.client_port, fact.port);
}

/* 5152, on packets: the source sent it. */
static void tell_dropped(struct event_talk *talk, const str *v)
{
    struct sides s;
    bool is_guess = false;
    if (!sides_of(v, &s)) return;
    enum side server = server_of(&s, SIDE_DESTINATION, &is_guess);
    if (server == SIDE_UNKNOWN) return;
    struct observation fact =
        connection_of(talk, &s, server, is_guess, (enum outcome)talk->row->outcome);
    talk->sink.observation(talk->sink.to, &fact);
    if (is_inbound(v[DIRECTION])) local(talk, s.destination);
    if (is_outbound(v[DIRECTION])) local(talk, s.source);
}

/* "2020-09-22 18:53:31.668", always UTC. */
static bool utc_of(str value, int64_t *out)
{
    char text[INSTANT_TEXT];
    if (value.len >= sizeof text - 1) return false;
    return instant_parse(join_text(text, sizeof text, (const str[]){value, S("Z")}, 2), out);
}

/* Which side of an accepted connection is the computer's own, by the names given. */
static enum side named_side(const struct event_talk *talk, const str *v)
{
    str computer = talk->event->computer, host, domain;
    str_cut(computer, '.', &host, &domain);
    bool source =
        str_equal_nocase(v[SOURCE_NAME], computer) || str_equal_nocase(v[SOURCE_NAME], host);
    bool destination = str_equal_nocase(v[DESTINATION_NAME], computer) ||
                       str_equal_nocase(v[DESTINATION_NAME], host);
    if (source == destination || !computer.len) return SIDE_UNKNOWN;
    return source ? SIDE_SOURCE : SIDE_DESTINATION;
}

/* Sysmon 3. Initiated: the source is the computer's own side and the client. Else the computer
 * accepted it, and source may be either side. */
static void tell_sysmon_connection(struct event_talk *talk, const str *v)
{
    struct sides s;
    bool is_guess = false, initiated = str_equal_nocase(v[INITIATED], S("true"));
    if (utc_of(v[UTC_TIME], &talk->at_us)) talk->assumed &= (uint8_t) ~(1u << ASSUMED_TIMEZONE);
    if (!sides_of(v, &s)) return;
    enum side server = server_of(&s, initiated ? SIDE_DESTINATION : named_side(talk, v), &is_guess);
    if (server == SIDE_UNKNOWN) return;
    struct observation fact = connection_of(talk, &s, server, is_guess, OUTCOME_ESTABLISHED);
    enum side own = initiated ? SIDE_SOURCE : server;
    bool own_known = initiated || (s.transport == TRANSPORT_TCP && !is_guess);
    str user = {0};
    if (initiated && server == SIDE_DESTINATION && !str_equal_nocase(v[IMAGE], S("System")))
        user = user_of(talk, (str){0}, v[USER_NAME]);
    /* Services go by the machine's account. */
    if (str_starts(user, S("NT AUTHORITY\\"))) user = (str){0};
    fact.users = one(&user);
    talk->sink.observation(talk->sink.to, &fact);
    if (!own_known) return;
    local(talk, own == SIDE_SOURCE ? s.source : s.destination);
    /* The other side's name is what a reverse look-up gave. */
    identity(talk, own == SIDE_SOURCE ? s.destination : s.source,
             v[own == SIDE_SOURCE ? DESTINATION_NAME : SOURCE_NAME], IDENTITY_DNS);
    if (own == server && s.transport == TRANSPORT_TCP)
        remember_service(talk, fact.client.addr, fact.client_port, fact.port);
}

/* The SMB server's and client's own channels */

static bool is_true(str value)
{
    return str_equal_nocase(value, S("true")) || str_equal(value, S("1"));
}

static bool is_false(str value)
{
    return str_equal_nocase(value, S("false")) || str_equal(value, S("0"));
}

static bool server_fact(struct event_talk *talk, const str *v, struct observation *out)
{
    str computer = said(talk->event->computer);
    struct observation fact = smb_of(talk, (enum outcome)talk->row->outcome);
    bool has_client = address_of(v[CLIENT_ADDRESS], &fact.client.addr, &fact.client_port) ||
                      address_of(v[CLIENT_NAME], &fact.client.addr, &fact.client_port);
    str name = without_slashes(said(v[CLIENT_NAME]));
    if (!has_client) fact.client = (struct endpoint){.name = name};
    if (!computer.len || (!has_client && !name.len)) {
        unplaced(talk, S("events of the SMB server that don't name the client"));
        return false;
    }
    fact.server = endpoint_of(computer);
    fact.within = true;
    fact.is_smb = true;
    *out = fact;
    return true;
}

static void give_server_fact(struct event_talk *talk, const str *v, struct observation *fact)
{
    str computer = said(talk->event->computer), client = without_slashes(said(v[CLIENT_NAME]));
    struct addr addr;
    uint16_t port;
    str user = is_anonymous(v) ? (str){0} : user_of(talk, v[USER_DOMAIN], v[USER_NAME]);
    str share = share_of(talk, computer, v[SHARE]);
    if (address_of(client, &addr, &port)) client = (str){0};
    fact->users = one(&user);
    fact->client_names = one(&client);
    fact->server_names = one(&computer);
    fact->shares = one(&share);
    if (fact->outcome == OUTCOME_AUTH_FAILED) fact->shares_refused = one(&share);
    talk->sink.observation(talk->sink.to, fact);
    if (share.len) {
        struct use use = use_of(fact, share, user);
        talk->sink.use(talk->sink.to, &use);
    }
    if (!addr_is_none(fact->client.addr))
        remember_service(talk, fact->client.addr, fact->client_port, fact->port);
}

static void tell_server(struct event_talk *talk, const str *v)
{
    struct observation fact;
    if (!server_fact(talk, v, &fact)) return;
    if (is_true(v[ENCRYPTED])) fact.smb.encrypted = KNOWN_YES;
    if (is_false(v[ENCRYPTED])) fact.smb.encrypted = KNOWN_NO;
    give_server_fact(talk, v, &fact);
}

static void tell_smb1(struct event_talk *talk, const str *v)
{
    struct observation fact;
    if (!server_fact(talk, v, &fact)) return;
    fact.smb.dialects = 1u << DIALECT_NT_LM_012;
    give_server_fact(talk, v, &fact);
}

static void tell_anonymous_denied(struct event_talk *talk, const str *v)
{
    struct observation fact;
    if (!server_fact(talk, v, &fact)) return;
    fact.smb.auths = 1u << AUTH_ANONYMOUS;
    give_server_fact(talk, v, &fact);
}

static void tell_guest_admitted(struct event_talk *talk, const str *v)
{
    struct observation fact;
    if (!server_fact(talk, v, &fact)) return;
    fact.smb.auths = 1u << AUTH_GUEST;
    give_server_fact(talk, v, &fact);
}

/* "\\FS01\projects" and "\FS01" name the server FS01. */
static str server_name_of(const str *v)
{
    str name = without_slashes(said(v[SERVER_NAME])), rest;
    if (!name.len && str_starts(said(v[SHARE]), S("\\"))) name = without_slashes(said(v[SHARE]));
    str_cut(name, '\\', &name, &rest);
    return name;
}

/* The client is the computer, by name; the server's address when the event has one. */
static bool client_fact(struct event_talk *talk, const str *v, struct observation *out)
{
    str computer = said(talk->event->computer), name = server_name_of(v);
    struct observation fact = smb_of(talk, (enum outcome)talk->row->outcome);
    uint16_t port = 0;
    if (!computer.len || (!name.len && !v[SERVER_ADDRESS].len)) {
        unplaced(talk, S("events of the SMB client that don't name the server"));
        return false;
    }
    fact.client = endpoint_of(computer);
    if (address_of(v[SERVER_ADDRESS], &fact.server.addr, &port)) {
        if (port && is_smb_port(port)) {
            fact.port = port;
            fact.assumed &= (uint8_t) ~(1u << ASSUMED_PORT);
        }
    } else {
        fact.server = endpoint_of(name);
    }
    if (addr_is_none(fact.server.addr) && !fact.server.name.len) {
        unplaced(talk, S("events of the SMB client that don't name the server"));
        return false;
    }
    *out = fact;
    return true;
}

static void give_client_fact(struct event_talk *talk, const str *v, struct observation *fact)
{
    str computer = said(talk->event->computer), name = server_name_of(v);
    str user = is_anonymous(v) ? (str){0} : user_of(talk, v[USER_DOMAIN], v[USER_NAME]);
    str share = name.len ? share_of(talk, name, v[SHARE]) : (str){0};
    struct addr addr;
    uint16_t port;
    if (address_of(name, &addr, &port)) name = (str){0};
    fact->users = one(&user);
    fact->client_names = one(&computer);
    fact->server_names = one(&name);
    fact->shares = one(&share);
    if (fact->outcome == OUTCOME_AUTH_FAILED) fact->shares_refused = one(&share);
    talk->sink.observation(talk->sink.to, fact);
    if (share.len) {
        struct use use = use_of(fact, share, user);
        talk->sink.use(talk->sink.to, &use);
    }
}

/* 30803: why is in the status. */
static void tell_no_connection(struct event_talk *talk, const str *v)
{
    static const struct {
        uint32_t status;
        enum outcome outcome;
    } ways[] = {
        {0xC0000236, OUTCOME_REFUSED   }, /* STATUS_CONNECTION_REFUSED */
        {0xC00000B5, OUTCOME_NO_ANSWER }, /* STATUS_IO_TIMEOUT */
        {0x00000102, OUTCOME_NO_ANSWER }, /* STATUS_TIMEOUT */
        {0xC0000102, OUTCOME_NO_ANSWER },
        {0xC000023C, OUTCOME_PROHIBITED}, /* STATUS_NETWORK_UNREACHABLE */
        {0xC000023D, OUTCOME_PROHIBITED}, /* STATUS_HOST_UNREACHABLE */
    };
    struct observation fact;
    uint32_t status = status_of(v[STATUS]);
    if (!client_fact(talk, v, &fact)) return;
    for (size_t i = 0; i < COUNT_OF(ways); i++)
        if (ways[i].status == status) fact.outcome = ways[i].outcome;
    give_client_fact(talk, v, &fact);
}

static void tell_disconnected(struct event_talk *talk, const str *v)
{
    struct observation fact;
    if (!client_fact(talk, v, &fact)) return;
    fact.closes = true;
    give_client_fact(talk, v, &fact);
}

static void tell_client(struct event_talk *talk, const str *v)
{
    struct observation fact;
    if (!client_fact(talk, v, &fact)) return;
    fact.within = true;
    fact.is_smb = true;
    give_client_fact(talk, v, &fact);
}

static void tell_guest_used(struct event_talk *talk, const str *v)
{
    struct observation fact;
    if (!client_fact(talk, v, &fact)) return;
    fact.within = true;
    fact.is_smb = true;
    fact.smb.auths = 1u << AUTH_GUEST;
    give_client_fact(talk, v, &fact);
}

static void tell_smb1_answer(struct event_talk *talk, const str *v)
{
    struct observation fact;
    if (!client_fact(talk, v, &fact)) return;
    fact.within = true;
    fact.is_smb = true;
    fact.smb.dialects = 1u << DIALECT_NT_LM_012;
    give_client_fact(talk, v, &fact);
}

/* NTLM 8001 and 4001: what the computer reached, or would have, by NTLM. */
static void tell_ntlm_out(struct event_talk *talk, const str *v)
{
    str computer = said(talk->event->computer), service, host, rest;
    if (!str_cut(said(v[SERVER_NAME]), '/', &service, &host)) return;
    if (!str_equal_nocase(service, S("cifs")) || !host.len || !computer.len) return;
    str_cut(host, '/', &host, &rest);
    struct observation fact = smb_of(talk, OUTCOME_NONE);
    str user = user_of(talk, v[USER_DOMAIN], v[USER_NAME]);
    fact.client = endpoint_of(computer);
    fact.server = endpoint_of(host);
    fact.within = true;
    fact.users = one(&user);
    fact.client_names = one(&computer);
    if (fact.server.name.len) fact.server_names = one(&host);
    talk->sink.observation(talk->sink.to, &fact);
}

/* Changes */

static void give_change(struct event_talk *talk, str subject, str detail, str user)
{
    str computer = said(talk->event->computer);
    talk->sink.change(talk->sink.to, &(struct change){
                                         .host = endpoint_of(computer),
                                         .kind = (enum change_kind)talk->row->outcome,
                                         .subject = subject,
                                         .detail = detail,
                                         .user = user,
                                         .at_us = talk->at_us,
                                         .offset = talk->event->offset,
                                     });
}

static void tell_share_change(struct event_talk *talk, const str *v)
{
    give_change(talk, share_of(talk, said(talk->event->computer), v[SHARE]), said(v[SHARE_FOLDER]),
                user_of(talk, v[USER_DOMAIN], v[USER_NAME]));
}

static void tell_change(struct event_talk *talk, const str *v)
{
    str subject = said(v[SUBJECT]);
    if (!subject.len) subject = talk->row->text;
    give_change(talk, subject, said(v[DETAIL]), said(v[USER_NAME]));
}

/* The table, by id */

#define TEXT_ROW(list, id, writer, tell, outcome, text)                                            \
    {                                                                                              \
        {T(PROVIDER_##writer), id, list##_names, COUNT_OF(list##_names)}, T(CHANNEL_##writer),     \
            list##_means, tell, outcome, T(text)                                                   \
    }
#define ROW(list, id, writer, tell, outcome) TEXT_ROW(list, id, writer, tell, outcome, "")
#define COUNTED(id, writer, text)                                                                  \
    {                                                                                              \
        {T(PROVIDER_##writer), id, NULL, 0}, T(CHANNEL_##writer), NULL, tell_unplaced, 0, T(text)  \
    }

#define PIPE_TEXT "named pipe events, which don't tell the client"
#define NTLM_TEXT "NTLM logons whose service the log does not tell"

/* clang-format off */
static const struct row rows[] = {
    ROW(sysmon_connection, 3, SYSMON, tell_sysmon_connection, OUTCOME_ESTABLISHED),
    COUNTED(17, SYSMON, PIPE_TEXT),
    COUNTED(18, SYSMON, PIPE_TEXT),
    ROW(server_client, 551, SERVER, tell_server, OUTCOME_AUTH_FAILED),
    ROW(server_client, 1001, SERVER, tell_server, OUTCOME_NONE),
    ROW(server_client, 1003, SERVER, tell_server, OUTCOME_AUTH_FAILED),
    ROW(server_client, 1006, SERVER, tell_server, OUTCOME_AUTH_FAILED),
    ROW(server_client, 1007, SERVER, tell_anonymous_denied, OUTCOME_AUTH_FAILED),
    ROW(server_client, 1009, SERVER, tell_anonymous_denied, OUTCOME_AUTH_FAILED),
    ROW(setting_change, 2002, FIREWALL, tell_change, CHANGE_SETTING_CHANGED),
    ROW(setting_change, 2003, FIREWALL, tell_change, CHANGE_SETTING_CHANGED),
    ROW(rule_change, 2004, FIREWALL, tell_change, CHANGE_RULE_ADDED),
    ROW(rule_change, 2005, FIREWALL, tell_change, CHANGE_RULE_MODIFIED),
    ROW(rule_change, 2006, FIREWALL, tell_change, CHANGE_RULE_DELETED),
    ROW(by_user, 2008, FIREWALL, tell_change, CHANGE_POLICY_APPLIED),
    ROW(profile_change, 2010, FIREWALL, tell_change, CHANGE_PROFILE_CHANGED),
    ROW(rule_change, 2012, FIREWALL, tell_change, CHANGE_RULE_ADDED),
    ROW(rule_change, 2013, FIREWALL, tell_change, CHANGE_RULE_MODIFIED),
    ROW(rule_change, 2014, FIREWALL, tell_change, CHANGE_RULE_DELETED),
    ROW(by_user, 2032, FIREWALL, tell_change, CHANGE_RULES_RESET),
    TEXT_ROW(by_user, 2033, FIREWALL, tell_change, CHANGE_RULE_DELETED, "all rules"),
    ROW(rule_change, 2052, FIREWALL, tell_change, CHANGE_RULE_DELETED),
    TEXT_ROW(by_user, 2059, FIREWALL, tell_change, CHANGE_RULE_DELETED, "all rules"),
    ROW(by_user, 2060, FIREWALL, tell_change, CHANGE_RULES_RESET),
    ROW(rule_change, 2071, FIREWALL, tell_change, CHANGE_RULE_ADDED),
    ROW(rule_change, 2073, FIREWALL, tell_change, CHANGE_RULE_MODIFIED),
    ROW(setting_change, 2082, FIREWALL, tell_change, CHANGE_SETTING_CHANGED),
    ROW(setting_change, 2083, FIREWALL, tell_change, CHANGE_SETTING_CHANGED),
    ROW(rule_change, 2097, FIREWALL, tell_change, CHANGE_RULE_ADDED),
    ROW(rule_change, 2099, FIREWALL, tell_change, CHANGE_RULE_MODIFIED),
    ROW(server_client, 3000, SERVER, tell_smb1, OUTCOME_ACCESSED),
    ROW(server_client, 3021, SERVER, tell_server, OUTCOME_NONE),
    ROW(server_client, 3022, SERVER, tell_server, OUTCOME_NONE),
    ROW(server_client, 3023, SERVER, tell_guest_admitted, OUTCOME_ACCESSED),
    ROW(server_client, 4000, SERVER, tell_server, OUTCOME_ACCESSED),
    ROW(ntlm_out, 4001, NTLM, tell_ntlm_out, OUTCOME_NONE),
    COUNTED(4002, NTLM, NTLM_TEXT),
    COUNTED(4003, NTLM, NTLM_TEXT),
    COUNTED(4004, NTLM, NTLM_TEXT),
    COUNTED(4004, NETLOGON, NTLM_TEXT),
    COUNTED(4005, NTLM, NTLM_TEXT),
    COUNTED(4005, NETLOGON, NTLM_TEXT),
    COUNTED(4006, NTLM, NTLM_TEXT),
    COUNTED(4006, NETLOGON, NTLM_TEXT),
    COUNTED(4020, NTLM, NTLM_TEXT),
    COUNTED(4021, NTLM, NTLM_TEXT),
    COUNTED(4022, NTLM, NTLM_TEXT),
    COUNTED(4023, NTLM, NTLM_TEXT),
    COUNTED(4030, NETLOGON, NTLM_TEXT),
    COUNTED(4030, NTLM, NTLM_TEXT),
    COUNTED(4031, NETLOGON, NTLM_TEXT),
    COUNTED(4031, NTLM, NTLM_TEXT),
    COUNTED(4032, NETLOGON, NTLM_TEXT),
    COUNTED(4032, NTLM, NTLM_TEXT),
    COUNTED(4033, NETLOGON, NTLM_TEXT),
    COUNTED(4033, NTLM, NTLM_TEXT),
    ROW(network_logon, 4624, SECURITY, tell_logon, OUTCOME_NONE),
    ROW(network_logon, 4625, SECURITY, tell_failed_logon, OUTCOME_AUTH_FAILED),
    ROW(ticket, 4768, SECURITY, tell_ticket, OUTCOME_NONE),
    ROW(ticket, 4769, SECURITY, tell_ticket, OUTCOME_NONE),
    COUNTED(4776, SECURITY, NTLM_TEXT),
    ROW(rule_change, 4946, SECURITY, tell_change, CHANGE_RULE_ADDED),
    ROW(rule_change, 4947, SECURITY, tell_change, CHANGE_RULE_MODIFIED),
    ROW(rule_change, 4948, SECURITY, tell_change, CHANGE_RULE_DELETED),
    ROW(by_user, 4949, SECURITY, tell_change, CHANGE_RULES_RESET),
    ROW(setting_change, 4950, SECURITY, tell_change, CHANGE_SETTING_CHANGED),
    ROW(rule_change, 4951, SECURITY, tell_change, CHANGE_RULE_IGNORED),
    ROW(rule_change, 4952, SECURITY, tell_change, CHANGE_RULE_IGNORED),
    ROW(rule_change, 4953, SECURITY, tell_change, CHANGE_RULE_IGNORED),
    ROW(by_user, 4954, SECURITY, tell_change, CHANGE_POLICY_APPLIED),
    ROW(profile_change, 4956, SECURITY, tell_change, CHANGE_PROFILE_CHANGED),
    ROW(rule_change, 4957, SECURITY, tell_change, CHANGE_RULE_IGNORED),
    ROW(rule_change, 4958, SECURITY, tell_change, CHANGE_RULE_IGNORED),
    ROW(share_access, 5140, SECURITY, tell_share_access, OUTCOME_ACCESSED),
    ROW(share_change, 5142, SECURITY, tell_share_change, CHANGE_SHARE_ADDED),
    ROW(share_change, 5143, SECURITY, tell_share_change, CHANGE_SHARE_MODIFIED),
    ROW(share_change, 5144, SECURITY, tell_share_change, CHANGE_SHARE_DELETED),
    ROW(share_access, 5145, SECURITY, tell_share_access, OUTCOME_ACCESSED),
    ROW(filtering, 5152, SECURITY, tell_dropped, OUTCOME_BLOCKED),
    ROW(filtering, 5156, SECURITY, tell_filtered, OUTCOME_ALLOWED),
    ROW(filtering, 5157, SECURITY, tell_filtered, OUTCOME_BLOCKED),
    COUNTED(5168, SECURITY, "SPN checks that failed"),
    ROW(ntlm_out, 8001, NTLM, tell_ntlm_out, OUTCOME_NONE),
    COUNTED(8002, NTLM, NTLM_TEXT),
    COUNTED(8003, NTLM, NTLM_TEXT),
    COUNTED(8003, NETLOGON, NTLM_TEXT),
    COUNTED(8004, NTLM, NTLM_TEXT),
    COUNTED(8004, NETLOGON, NTLM_TEXT),
    ROW(client_server, 30803, CLIENT, tell_no_connection, OUTCOME_NONE),
    ROW(client_server, 30804, CLIENT, tell_disconnected, OUTCOME_NONE),
    ROW(client_server, 30805, CLIENT, tell_client, OUTCOME_ESTABLISHED),
    ROW(client_server, 30806, CLIENT, tell_client, OUTCOME_ESTABLISHED),
    ROW(client_server, 30807, CLIENT, tell_client, OUTCOME_ESTABLISHED),
    ROW(client_server, 30808, CLIENT, tell_client, OUTCOME_ESTABLISHED),
    ROW(client_server, 31000, CLIENT, tell_client, OUTCOME_AUTH_FAILED),
    ROW(client_server, 31001, CLIENT, tell_client, OUTCOME_AUTH_FAILED),
    ROW(client_server, 31010, CLIENT, tell_client, OUTCOME_AUTH_FAILED),
    ROW(client_server, 31017, CLIENT, tell_guest_used, OUTCOME_AUTH_FAILED),
    ROW(client_server, 31022, CLIENT, tell_guest_used, OUTCOME_ACCESSED),
    ROW(client_server, 32000, CLIENT, tell_smb1_answer, OUTCOME_NONE),
    ROW(client_server, 32002, CLIENT, tell_smb1_answer, OUTCOME_ESTABLISHED),
};
/* clang-format on */

/* The first row of that id; COUNT_OF(rows) = none. */
static size_t first_row(uint32_t id)
{
    size_t low = 0, high = COUNT_OF(rows);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows[middle].kind.id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < COUNT_OF(rows) && rows[low].kind.id == id ? low : COUNT_OF(rows);
}

bool event_matters(uint32_t id)
{
    return first_row(id) < COUNT_OF(rows);
}

const struct event_kind *event_find(str provider, str channel, uint32_t id)
{
    for (size_t i = first_row(id); i < COUNT_OF(rows) && rows[i].kind.id == id; i++) {
        const struct row *row = &rows[i];
        if (provider.len ? str_equal_nocase(row->kind.provider, provider)
                         : str_equal_nocase(row->channel, str_head(channel, row->channel.len)))
            return &row->kind;
    }
    return NULL;
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Most names differ in their first letter: their lengths are not counted. */
static bool is_name(const char *expected, str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!expected[i] || lower(expected[i]) != lower(name.ptr[i])) return false;
    return expected[name.len] == 0;
}

size_t event_value_of(const struct event_kind *kind, str name)
{
    for (size_t i = 0; i < kind->n_names; i++)
        if (is_name(kind->names[i], name)) return i;
    return EVENT_VALUES;
}

struct event_talk *event_open(struct arena *arena, const struct fact_sink *sink)
{
    struct event_talk *talk = arena_new(arena, struct event_talk);
    for (size_t i = 1; i < COUNT_OF(rows); i++)
        assert(rows[i - 1].kind.id <= rows[i].kind.id && "rows are found by their order");
    talk->sink = *sink;
    talk->logons.items = arena_array(arena, struct recalled, LIMIT_EVENT_RECALL);
    talk->services.items = arena_array(arena, struct recalled, LIMIT_EVENT_RECALL);
    return talk;
}

/* The same record has the same identity in every format, though they cut times to the second or
 * give them in a time zone that isn't said: so of the time only what no zone changes counts, the
 * seconds within a quarter of an hour. Record numbers begin again when a log is cleared: that,
 * the client's port and the source's keep the new records apart from the old. */
static uint64_t record_hash(const struct event_talk *talk, const str *v)
{
    const struct event *event = talk->event;
    const int64_t quarter_s = 900;
    int64_t second = event->at_us / INSTANT_SECOND - (event->at_us % INSTANT_SECOND < 0);
    int64_t phase = (second % quarter_s + quarter_s) % quarter_s;
    uint64_t hash = hash_join(talk->computer, hash_nocase(event->channel));
    hash = hash_join(hash_join(hash, event->kind->id), event->record);
    hash = hash_join(hash, (uint64_t)phase);
    if (event->record) {
        hash = hash_join(hash, port_of(v[CLIENT_PORT]));
        return hash_join(hash, port_of(v[SOURCE_PORT]));
    }
    for (size_t i = 0; i < VALUE_COUNT; i++)
        hash = hash_join(hash, hash_bytes(str_bytes(v[i])));
    return hash;
}

void event_tell(struct event_talk *talk, const struct event *event)
{
    const struct row *row = (const struct row *)event->kind;
    str v[VALUE_COUNT] = {0};
    assert(row >= rows && row < rows + COUNT_OF(rows));
    if (!event->at_us) return;
    for (size_t i = 0; i < row->kind.n_names; i++) {
        str *value = &v[row->means[i]];
        if (!value->len) *value = str_trim(event->values[i]);
    }
    talk->event = event;
    talk->row = row;
    talk->computer = hash_nocase(event->computer);
    talk->at_us = event->at_us;
    talk->assumed = event->assumed;
    if (event->computer.len) talk->sink.origin(talk->sink.to, said(event->computer));
    talk->sink.line_hash(talk->sink.to, record_hash(talk, v));
    row->tell(talk, v);
}
