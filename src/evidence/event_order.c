/* SPDX-License-Identifier: Apache-2.0 */
/* The order is that of the event's manifest: fields were appended in newer versions, never moved,
 * but for Sysmon, which put RuleName in front. So positions are believed when there are at least as
 * many values as the oldest version of the list has, and Sysmon's are counted from the end.
 */
#include "evidence/event_order.h"

enum { ORDER_NAMES = 24 };

struct order {
    str provider;
    uint32_t ids[4]; /* 0 = no further one */
    uint8_t least;   /* values of the oldest version of this order */
    bool from_end;   /* fields came in front */
    const char *names[ORDER_NAMES];
};

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define SUBJECT  "SubjectUserSid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId"
#define SECURITY T("Microsoft-Windows-Security-Auditing")
#define SYSMON   T("Microsoft-Windows-Sysmon")
#define SERVER   T("Microsoft-Windows-SMBServer")
#define CLIENT   T("Microsoft-Windows-SMBClient")
#define NTLM     T("Microsoft-Windows-NTLM")
#define FIREWALL T("Microsoft-Windows-Windows Firewall With Advanced Security")

/* clang-format off */
static const struct order orders[] = {
    {SECURITY, {5140}, 9, false,
     {SUBJECT, "ObjectType", "IpAddress", "IpPort", "ShareName", "ShareLocalPath"}},
    {SECURITY, {5145}, 10, false,
     {SUBJECT, "ObjectType", "IpAddress", "IpPort", "ShareName", "ShareLocalPath",
      "RelativeTargetName"}},
    {SECURITY, {5142, 5144}, 6, false, {SUBJECT, "ShareName", "ShareLocalPath"}},
    {SECURITY, {5143}, 7, false, {SUBJECT, "ObjectType", "ShareName", "ShareLocalPath"}},
    {SECURITY, {5152, 5156, 5157}, 8, false,
     {"ProcessID", "Application", "Direction", "SourceAddress", "SourcePort", "DestAddress",
      "DestPort", "Protocol"}},
    {SECURITY, {4624}, 20, false,
     {SUBJECT, "TargetUserSid", "TargetUserName", "TargetDomainName", "TargetLogonId", "LogonType",
      "LogonProcessName", "AuthenticationPackageName", "WorkstationName", "LogonGuid",
      "TransmittedServices", "LmPackageName", "KeyLength", "ProcessId", "ProcessName", "IpAddress",
      "IpPort"}},
    {SECURITY, {4625}, 21, false,
     {SUBJECT, "TargetUserSid", "TargetUserName", "TargetDomainName", "Status", "FailureReason",
      "SubStatus", "LogonType", "LogonProcessName", "AuthenticationPackageName", "WorkstationName",
      "TransmittedServices", "LmPackageName", "KeyLength", "ProcessId", "ProcessName", "IpAddress",
      "IpPort"}},
    {SECURITY, {4768}, 11, false,
     {"TargetUserName", "TargetDomainName", "TargetSid", "ServiceName", "ServiceSid",
      "TicketOptions", "Status", "TicketEncryptionType", "PreAuthType", "IpAddress", "IpPort"}},
    {SECURITY, {4769}, 9, false,
     {"TargetUserName", "TargetDomainName", "ServiceName", "ServiceSid", "TicketOptions",
      "TicketEncryptionType", "IpAddress", "IpPort", "Status"}},
    {SECURITY, {4946, 4947, 4948}, 3, false, {"ProfileChanged", "RuleId", "RuleName"}},
    {SECURITY, {4957}, 3, false, {"RuleId", "RuleName", "RuleAttr"}},
    {SYSMON, {3}, 17, true,
     {"UtcTime", "ProcessGuid", "ProcessId", "Image", "User", "Protocol", "Initiated",
      "SourceIsIpv6", "SourceIp", "SourceHostname", "SourcePort", "SourcePortName",
      "DestinationIsIpv6", "DestinationIp", "DestinationHostname", "DestinationPort",
      "DestinationPortName"}},
    {SERVER, {3000}, 1, false, {"ClientName"}},
    {SERVER, {551}, 11, false,
     {"SessionGUID", "ConnectionGUID", "Status", "TranslatedStatus", "ClientAddressLength",
      "ClientAddress", "SessionId", "UserNameLength", "UserName", "ClientNameLength",
      "ClientName"}},
    {SERVER, {1003}, 6, false,
     {"ShareNameLength", "ShareName", "ClientNameLength", "ClientName", "UserNameLength",
      "UserName", "ClientAddressLength", "ClientAddress"}},
    {SERVER, {1006}, 10, false,
     {"ShareNameLength", "ShareName", "SharePathLength", "SharePath", "ClientAddressLength",
      "ClientAddress", "UserNameLength", "UserName", "ClientNameLength", "ClientName"}},
    {SERVER, {1007}, 8, false,
     {"ShareNameLength", "ShareName", "SharePathLength", "SharePath", "ClientAddressLength",
      "ClientAddress", "ClientNameLength", "ClientName"}},
    {SERVER, {1009}, 4, false,
     {"ClientAddressLength", "ClientAddress", "ClientNameLength", "ClientName"}},
    {CLIENT, {30803, 30804}, 6, false,
     {"Reason", "Status", "ServerNameLength", "ServerName", "AddressLength", "Address"}},
    {CLIENT, {31000, 31001}, 10, false,
     {"Reason", "Status", "SecurityStatus", "LogonId", "ServerNameLength", "ServerName",
      "PrincipalNameLength", "PrincipalName", "UserNameLength", "UserName"}},
    {CLIENT, {31010}, 4, false, {"Reason", "Status", "ShareNameLength", "ShareName"}},
    {CLIENT, {31017, 31022}, 4, false,
     {"UserNameLength", "UserName", "ServerNameLength", "ServerName"}},
    {CLIENT, {32000}, 4, false, {"Reason", "Dialect", "ServerNameLength", "ServerName"}},
    {CLIENT, {32002}, 5, false,
     {"Reason", "Dialect", "SecurityMode", "ServerNameLength", "ServerName"}},
    {NTLM, {4001, 8001}, 3, false, {"TargetName", "UserName", "DomainName"}},
    {FIREWALL, {2004, 2005, 2012, 2013}, 2, false, {"RuleId", "RuleName"}},
    {FIREWALL, {2071, 2073, 2097, 2099}, 2, false, {"RuleId", "RuleName"}},
    {FIREWALL, {2006, 2014, 2052}, 3, false, {"RuleId", "RuleName", "ModifyingUser"}},
    {FIREWALL, {2010}, 4, false, {"InterfaceGuid", "InterfaceName", "OldProfile", "NewProfile"}},
    {FIREWALL, {2032, 2060}, 1, false, {"ModifyingUser"}},
};
/* clang-format on */

static bool is_about(const struct order *order, const struct event_kind *kind)
{
    if (!str_equal(order->provider, kind->provider)) return false;
    for (size_t i = 0; i < COUNT_OF(order->ids); i++)
        if (order->ids[i] && order->ids[i] == kind->id) return true;
    return false;
}

size_t event_order_value(const struct event_kind *kind, size_t position, size_t n)
{
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        const struct order *order = &orders[i];
        if (!is_about(order, kind)) continue;
        if (n < order->least) return EVENT_VALUES;
        if (order->from_end) {
            if (position < n - order->least) return EVENT_VALUES;
            position -= n - order->least;
        }
        if (position >= ORDER_NAMES || !order->names[position]) return EVENT_VALUES;
        return event_value_of(kind, str_of(order->names[position]));
    }
    return EVENT_VALUES;
}
