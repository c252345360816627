/* SPDX-License-Identifier: Apache-2.0 */
/* Windows events: one row per kind says which values are read, what each means, and which function
 * makes facts of them. docs/evidence-events.md has the same table with its sources.
 *
 * Records come in the order of the log, so what a later event needs (how a logon was
 * authenticated, which port a client had reached) was told by an earlier one and is remembered
 * (evidence/event_talk.h).
 */
#include "evidence/event.h"

#include "base/hash.h"
#include "base/instant.h"
#include "evidence/event_connection.h"
#include "evidence/event_security.h"
#include "evidence/event_smb.h"
#include "evidence/event_value.h"

struct row {
    struct event_kind kind; /* first: a kind leads back to its row */
    str channel;            /* or how it begins, for collectors that drop the provider */
    const uint8_t *means;   /* enum event_talk_value of each name */
    event_talk_tell *tell;
    uint8_t tells; /* enum outcome or enum change_kind */
    str text;      /* what is counted, or the subject of a change that names none */
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
/* The table, by id */

#define TEXT_ROW(list, id, writer, tell, outcome, text)                                            \
    {                                                                                              \
        {T(PROVIDER_##writer), id, list##_names, COUNT_OF(list##_names)}, T(CHANNEL_##writer),     \
            list##_means, tell, outcome, T(text)                                                   \
    }
#define ROW(list, id, writer, tell, outcome) TEXT_ROW(list, id, writer, tell, outcome, "")
#define COUNTED(id, writer, text)                                                                  \
    {                                                                                              \
        {T(PROVIDER_##writer), id, NULL, 0}, T(CHANNEL_##writer), NULL, event_talk_counted, 0,     \
            T(text)                                                                                \
    }

#define PIPE_TEXT "named pipe events, which don't tell the client"
#define NTLM_TEXT "NTLM logons whose service the log does not tell"

/* clang-format off */
static const struct row rows[] = {
    ROW(sysmon_connection, 3, SYSMON, event_connection_sysmon, OUTCOME_ESTABLISHED),
    COUNTED(17, SYSMON, PIPE_TEXT),
    COUNTED(18, SYSMON, PIPE_TEXT),
    ROW(server_client, 551, SERVER, event_smb_server, OUTCOME_AUTH_FAILED),
    ROW(server_client, 1001, SERVER, event_smb_server, OUTCOME_NONE),
    ROW(server_client, 1003, SERVER, event_smb_server, OUTCOME_AUTH_FAILED),
    ROW(server_client, 1006, SERVER, event_smb_server, OUTCOME_AUTH_FAILED),
    ROW(server_client, 1007, SERVER, event_smb_server_anonymous, OUTCOME_AUTH_FAILED),
    ROW(server_client, 1009, SERVER, event_smb_server_anonymous, OUTCOME_AUTH_FAILED),
    ROW(setting_change, 2002, FIREWALL, event_security_change, CHANGE_SETTING_CHANGED),
    ROW(setting_change, 2003, FIREWALL, event_security_change, CHANGE_SETTING_CHANGED),
    ROW(rule_change, 2004, FIREWALL, event_security_change, CHANGE_RULE_ADDED),
    ROW(rule_change, 2005, FIREWALL, event_security_change, CHANGE_RULE_MODIFIED),
    ROW(rule_change, 2006, FIREWALL, event_security_change, CHANGE_RULE_DELETED),
    ROW(by_user, 2008, FIREWALL, event_security_change, CHANGE_POLICY_APPLIED),
    ROW(profile_change, 2010, FIREWALL, event_security_change, CHANGE_PROFILE_CHANGED),
    ROW(rule_change, 2012, FIREWALL, event_security_change, CHANGE_RULE_ADDED),
    ROW(rule_change, 2013, FIREWALL, event_security_change, CHANGE_RULE_MODIFIED),
    ROW(rule_change, 2014, FIREWALL, event_security_change, CHANGE_RULE_DELETED),
    ROW(by_user, 2032, FIREWALL, event_security_change, CHANGE_RULES_RESET),
    TEXT_ROW(by_user, 2033, FIREWALL, event_security_change, CHANGE_RULE_DELETED, "all rules"),
    ROW(rule_change, 2052, FIREWALL, event_security_change, CHANGE_RULE_DELETED),
    TEXT_ROW(by_user, 2059, FIREWALL, event_security_change, CHANGE_RULE_DELETED, "all rules"),
    ROW(by_user, 2060, FIREWALL, event_security_change, CHANGE_RULES_RESET),
    ROW(rule_change, 2071, FIREWALL, event_security_change, CHANGE_RULE_ADDED),
    ROW(rule_change, 2073, FIREWALL, event_security_change, CHANGE_RULE_MODIFIED),
    ROW(setting_change, 2082, FIREWALL, event_security_change, CHANGE_SETTING_CHANGED),
    ROW(setting_change, 2083, FIREWALL, event_security_change, CHANGE_SETTING_CHANGED),
    ROW(rule_change, 2097, FIREWALL, event_security_change, CHANGE_RULE_ADDED),
    ROW(rule_change, 2099, FIREWALL, event_security_change, CHANGE_RULE_MODIFIED),
    ROW(server_client, 3000, SERVER, event_smb_server_smb1, OUTCOME_ACCESSED),
    ROW(server_client, 3021, SERVER, event_smb_server, OUTCOME_NONE),
    ROW(server_client, 3022, SERVER, event_smb_server, OUTCOME_NONE),
    ROW(server_client, 3023, SERVER, event_smb_server_guest, OUTCOME_ACCESSED),
    ROW(server_client, 4000, SERVER, event_smb_server, OUTCOME_ACCESSED),
    ROW(ntlm_out, 4001, NTLM, event_smb_ntlm, OUTCOME_NONE),
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
    ROW(network_logon, 4624, SECURITY, event_security_logon, OUTCOME_NONE),
    ROW(network_logon, 4625, SECURITY, event_security_failed_logon, OUTCOME_AUTH_FAILED),
    ROW(ticket, 4768, SECURITY, event_security_ticket, OUTCOME_NONE),
    ROW(ticket, 4769, SECURITY, event_security_ticket, OUTCOME_NONE),
    COUNTED(4776, SECURITY, NTLM_TEXT),
    ROW(rule_change, 4946, SECURITY, event_security_change, CHANGE_RULE_ADDED),
    ROW(rule_change, 4947, SECURITY, event_security_change, CHANGE_RULE_MODIFIED),
    ROW(rule_change, 4948, SECURITY, event_security_change, CHANGE_RULE_DELETED),
    ROW(by_user, 4949, SECURITY, event_security_change, CHANGE_RULES_RESET),
    ROW(setting_change, 4950, SECURITY, event_security_change, CHANGE_SETTING_CHANGED),
    ROW(rule_change, 4951, SECURITY, event_security_change, CHANGE_RULE_IGNORED),
    ROW(rule_change, 4952, SECURITY, event_security_change, CHANGE_RULE_IGNORED),
    ROW(rule_change, 4953, SECURITY, event_security_change, CHANGE_RULE_IGNORED),
    ROW(by_user, 4954, SECURITY, event_security_change, CHANGE_POLICY_APPLIED),
    ROW(profile_change, 4956, SECURITY, event_security_change, CHANGE_PROFILE_CHANGED),
    ROW(rule_change, 4957, SECURITY, event_security_change, CHANGE_RULE_IGNORED),
    ROW(rule_change, 4958, SECURITY, event_security_change, CHANGE_RULE_IGNORED),
    ROW(share_access, 5140, SECURITY, event_security_share_access, OUTCOME_ACCESSED),
    ROW(share_change, 5142, SECURITY, event_security_share_change, CHANGE_SHARE_ADDED),
    ROW(share_change, 5143, SECURITY, event_security_share_change, CHANGE_SHARE_MODIFIED),
    ROW(share_change, 5144, SECURITY, event_security_share_change, CHANGE_SHARE_DELETED),
    ROW(share_access, 5145, SECURITY, event_security_share_access, OUTCOME_ACCESSED),
    ROW(filtering, 5152, SECURITY, event_connection_dropped, OUTCOME_BLOCKED),
    ROW(filtering, 5156, SECURITY, event_connection_filtered, OUTCOME_ALLOWED),
    ROW(filtering, 5157, SECURITY, event_connection_filtered, OUTCOME_BLOCKED),
    COUNTED(5168, SECURITY, "SPN checks that failed"),
    ROW(ntlm_out, 8001, NTLM, event_smb_ntlm, OUTCOME_NONE),
    COUNTED(8002, NTLM, NTLM_TEXT),
    COUNTED(8003, NTLM, NTLM_TEXT),
    COUNTED(8003, NETLOGON, NTLM_TEXT),
    COUNTED(8004, NTLM, NTLM_TEXT),
    COUNTED(8004, NETLOGON, NTLM_TEXT),
    ROW(client_server, 30803, CLIENT, event_smb_no_connection, OUTCOME_NONE),
    ROW(client_server, 30804, CLIENT, event_smb_disconnected, OUTCOME_NONE),
    ROW(client_server, 30805, CLIENT, event_smb_client, OUTCOME_ESTABLISHED),
    ROW(client_server, 30806, CLIENT, event_smb_client, OUTCOME_ESTABLISHED),
    ROW(client_server, 30807, CLIENT, event_smb_client, OUTCOME_ESTABLISHED),
    ROW(client_server, 30808, CLIENT, event_smb_client, OUTCOME_ESTABLISHED),
    ROW(client_server, 31000, CLIENT, event_smb_client, OUTCOME_AUTH_FAILED),
    ROW(client_server, 31001, CLIENT, event_smb_client, OUTCOME_AUTH_FAILED),
    ROW(client_server, 31010, CLIENT, event_smb_client, OUTCOME_AUTH_FAILED),
    ROW(client_server, 31017, CLIENT, event_smb_client_guest, OUTCOME_AUTH_FAILED),
    ROW(client_server, 31022, CLIENT, event_smb_client_guest, OUTCOME_ACCESSED),
    ROW(client_server, 32000, CLIENT, event_smb_client_smb1, OUTCOME_NONE),
    ROW(client_server, 32002, CLIENT, event_smb_client_smb1, OUTCOME_ESTABLISHED),
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
    talk->logons.items = arena_array(arena, struct event_talk_recalled, LIMIT_EVENT_RECALL);
    talk->services.items = arena_array(arena, struct event_talk_recalled, LIMIT_EVENT_RECALL);
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
    uint64_t hash = hash_join(talk->computer, event_talk_hash(event->channel));
    hash = hash_join(hash_join(hash, event->kind->id), event->record);
    hash = hash_join(hash, (uint64_t)phase);
    if (event->record) {
        hash = hash_join(hash, event_value_port(v[CLIENT_PORT]));
        return hash_join(hash, event_value_port(v[SOURCE_PORT]));
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
    talk->tells = row->tells;
    talk->text = row->text;
    talk->computer = event_talk_hash(event->computer);
    talk->at_us = event->at_us;
    talk->assumed = event->assumed;
    talk->sink.line_hash(talk->sink.to, record_hash(talk, v));
    if (event->record) talk->sink.numbered(talk->sink.to);
    row->tell(talk, v);
}
