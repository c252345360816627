/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/event.h"

#include "base/test.h"
#include "evidence/event_order.h"
#include "evidence/events_heard.h"

#define SECURITY "Microsoft-Windows-Security-Auditing"
#define SYSMON   "Microsoft-Windows-Sysmon"
#define SERVER   "Microsoft-Windows-SMBServer"
#define CLIENT   "Microsoft-Windows-SMBClient"
#define NTLM     "Microsoft-Windows-NTLM"
#define FIREWALL "Microsoft-Windows-Windows Firewall With Advanced Security"

/* One event of a row: its values as "Name=value|Name=value". */
struct said_event {
    const char *provider;
    uint32_t id;
    const char *values;
    enum known succeeded;
};

enum { MOST = 4 };
struct row {
    const char *name;
    struct said_event events[MOST];
    const char *expected;
};

#define HOST "FS01.contoso.com"
#define ALICE                                                                                      \
    "SubjectUserSid=S-1-5-21-1-2-3-1104|SubjectUserName=alice|SubjectDomainName=CONTOSO|"          \
    "SubjectLogonId=0x541f35|"
#define LOGON                                                                                      \
    "TargetUserSid=S-1-5-21-1-2-3-1104|TargetUserName=alice|TargetDomainName=CONTOSO|"             \
    "TargetLogonId=0x0000000000541f35|LogonType=3|"
#define FROM "IpAddress=10.10.4.7|IpPort=50123|"
#define PORT " port?"

static const struct row rows[] = {
    {"a share is used",
     {{SECURITY, 5140, ALICE FROM "ShareName=\\\\*\\projects", KNOWN_YES}},
     "10.10.4.7:50123 > " HOST ":445 tcp accessed within" PORT
     " user CONTOSO\\alice share \\\\" HOST "\\projects\n"
     "use \\\\" HOST "\\projects CONTOSO\\alice\n"                                               },
    {"a share is refused",
     {{SECURITY, 5140, ALICE FROM "ShareName=\\\\*\\ADMIN$", KNOWN_NO}},
     "10.10.4.7:50123 > " HOST ":445 tcp auth-failed within" PORT
     " user CONTOSO\\alice share \\\\" HOST "\\ADMIN$ refused \\\\" HOST "\\ADMIN$\nuse \\\\" HOST
     "\\ADMIN$ CONTOSO\\alice refused\n"                                                         },
    {"a pipe is used",
     {{SECURITY, 5145, ALICE FROM "ShareName=\\\\*\\IPC$|RelativeTargetName=svcctl", KNOWN_YES}},
     "10.10.4.7:50123 > " HOST ":445 tcp accessed within" PORT
     " user CONTOSO\\alice share \\\\" HOST "\\IPC$ pipe svcctl\nuse \\\\" HOST
     "\\IPC$ pipe svcctl CONTOSO\\alice\n"                                                       },
    {"a file's name is no pipe, a path below IPC$ neither",
     {{SECURITY, 5145, ALICE FROM "ShareName=\\\\*\\C$|RelativeTargetName=a.txt", KNOWN_YES},
      {SECURITY, 5145, ALICE FROM "ShareName=\\\\*\\IPC$|RelativeTargetName=a\\b", KNOWN_YES}},
     "10.10.4.7:50123 > " HOST ":445 tcp accessed within" PORT
     " user CONTOSO\\alice share \\\\" HOST "\\C$\nuse \\\\" HOST "\\C$ CONTOSO\\alice\n"
     "10.10.4.7:50123 > " HOST ":445 tcp accessed within" PORT
     " user CONTOSO\\alice share \\\\" HOST "\\IPC$\nuse \\\\" HOST "\\IPC$ CONTOSO\\alice\n"    },
    {"a mapped address is IPv4, a zone is no part of one",
     {{SECURITY, 5140, "IpAddress=::ffff:10.10.4.7|IpPort=1|ShareName=\\\\*\\a", KNOWN_YES},
      {SECURITY, 5140, "IpAddress=fe80::1%5|IpPort=2|ShareName=\\\\*\\a", KNOWN_YES},
      {SECURITY, 5140, "IpAddress=::1|IpPort=-|ShareName=\\\\*\\a", KNOWN_YES}},
     "10.10.4.7:1 > " HOST ":445 tcp accessed within" PORT " share \\\\" HOST "\\a\nuse \\\\" HOST
     "\\a\nfe80::1:2 > " HOST ":445 tcp accessed within" PORT " share \\\\" HOST
     "\\a\nuse \\\\" HOST "\\a\n::1 > " HOST ":445 tcp accessed within" PORT " share \\\\" HOST
     "\\a\nuse \\\\" HOST "\\a\n"                                                                },
    {"no client address",
     {{SECURITY, 5140, ALICE "IpAddress=-|IpPort=-|ShareName=\\\\*\\a", KNOWN_YES}},
     "unplaced share accesses without a client address\n"                                        },
    {"anonymous is no user",
     {{SECURITY, 5140,
       "SubjectUserSid=S-1-5-7|SubjectUserName=ANONYMOUS LOGON|SubjectDomainName=NT AUTHORITY|" FROM
       "ShareName=\\\\*\\IPC$",
       KNOWN_YES}},
     "10.10.4.7:50123 > " HOST ":445 tcp accessed within" PORT " anonymous share \\\\" HOST
     "\\IPC$\nuse \\\\" HOST "\\IPC$\n"                                                          },
    {"the guest, whatever its name",
     {{SECURITY, 5140,
       "SubjectUserSid=S-1-5-21-1-2-3-501|SubjectUserName=Gast|SubjectDomainName=FS01|" FROM
       "ShareName=\\\\*\\a",
       KNOWN_YES}},
     "10.10.4.7:50123 > " HOST ":445 tcp accessed within" PORT
     " guest user FS01\\Gast share \\\\" HOST "\\a\nuse \\\\" HOST "\\a FS01\\Gast\n"            },
    {"a logon tells how the session was authenticated, whatever its zeros",
     {{SECURITY, 4624,
       LOGON FROM "LmPackageName=NTLM V2|AuthenticationPackageName=NTLM|"
                  "WorkstationName=WS0417",
       KNOWN_YES},
      {SECURITY, 5140, ALICE FROM "ShareName=\\\\*\\a", KNOWN_YES}},
     "name 10.10.4.7 WS0417 0\n"
     "10.10.4.7:50123 > " HOST ":445 tcp accessed within" PORT
     " ntlmv2 user CONTOSO\\alice client WS0417 share \\\\" HOST "\\a\nuse \\\\" HOST
     "\\a CONTOSO\\alice\n"                                                                      },
    {"nobody's workstation names nothing",
     {{SECURITY, 4624,
       "TargetUserSid=S-1-5-7|TargetLogonId=0x1|LogonType=3|WorkstationName=NULL|" FROM,
       KNOWN_YES}},
     ""                                                                                          },
    {"a machine's logon names its address",
     {{SECURITY, 4624, "TargetUserName=WS01$|LogonType=3|AuthenticationPackageName=Kerberos|" FROM,
       KNOWN_YES},
      {SECURITY, 4769, "TargetUserName=WS02$@CONTOSO.COM|IpAddress=::ffff:10.10.4.8|Status=0x0",
       KNOWN_YES},
      {SECURITY, 4768, "TargetUserName=WS03$|IpAddress=::1|Status=0x0", KNOWN_YES},
      {SECURITY, 4768, "TargetUserName=WS04$|IpAddress=10.10.4.9|Status=0x6", KNOWN_NO}},
     "name 10.10.4.7 WS01 3\nname 10.10.4.8 WS02 3\n"                                            },
    {"other logons say nothing",
     {{SECURITY, 4624, "TargetUserName=alice|LogonType=2|IpAddress=127.0.0.1", KNOWN_YES},
      {SECURITY, 4625, "TargetUserName=alice|LogonType=10|IpAddress=10.1.1.1", KNOWN_NO}},
     ""                                                                                          },
    {"a failed logon whose service nobody told",
     {{SECURITY, 4625, LOGON FROM, KNOWN_NO}},
     "unplaced failed network logons whose service the log does not tell\n"                      },
    {"a failed logon at a port that was told",
     {{SECURITY, 5156,
       "Direction=%%14592|SourceAddress=10.10.4.7|SourcePort=50123|"
       "DestAddress=10.20.0.21|DestPort=445|Protocol=6",
       KNOWN_YES},
      {SECURITY, 4625, "TargetUserName=mallory|TargetDomainName=.|LogonType=3|" FROM, KNOWN_NO}},
     "10.10.4.7:50123 > 10.20.0.21:445 tcp allowed\nown 10.20.0.21\nname 10.20.0.21 " HOST " 4\n"
     "10.10.4.7:50123 > " HOST ":445 tcp auth-failed within user mallory\n"                      },
    {"either orientation of an inbound connection",
     {{SECURITY, 5156,
       "Direction=%%14592|SourceAddress=10.20.0.21|SourcePort=445|"
       "DestAddress=10.10.4.7|DestPort=50123|Protocol=6",
       KNOWN_YES}},
     "10.10.4.7:50123 > 10.20.0.21:445 tcp allowed\nown 10.20.0.21\nname 10.20.0.21 " HOST " 4\n"},
    {"an outbound connection",
     {{SECURITY, 5157,
       "Direction=%%14593|SourceAddress=10.10.4.7|SourcePort=50123|"
       "DestAddress=10.20.0.21|DestPort=445|Protocol=6",
       KNOWN_NO}},
     "10.10.4.7:50123 > 10.20.0.21:445 tcp blocked\nown 10.10.4.7\nname 10.10.4.7 " HOST " 4\n"  },
    {"ports of no service, and other protocols",
     {{SECURITY, 5156,
       "Direction=%%14593|SourceAddress=10.10.4.7|SourcePort=50123|"
       "DestAddress=10.20.0.21|DestPort=8080|Protocol=6",
       KNOWN_YES},
      {SECURITY, 5152,
       "Direction=%%14592|SourceAddress=10.1.1.1|SourcePort=0|"
       "DestAddress=10.20.0.21|DestPort=8|Protocol=1",
       KNOWN_NO}},
     ""                                                                                          },
    {"a dropped packet's source sent it",
     {{SECURITY, 5152,
       "Direction=%%14592|SourceAddress=203.0.113.9|SourcePort=59639|"
       "DestAddress=10.20.0.21|DestPort=3389|Protocol=6",
       KNOWN_NO}},
     "203.0.113.9:59639 > 10.20.0.21:3389 tcp blocked\nown 10.20.0.21\nname 10.20.0.21 " HOST
     " 4\n"                                                                                      },
    {"what is said to many is said to servers",
     {{SECURITY, 5156,
       "Direction=%%14592|SourceAddress=10.255.255.255|SourcePort=137|"
       "DestAddress=10.0.2.18|DestPort=137|Protocol=17",
       KNOWN_YES}},
     "10.0.2.18:137 > 10.255.255.255:137 udp allowed\n"                                          },
    {"two service ports and no more to go by: a guess, said so",
     {{SECURITY, 5156,
       "Direction=%%14592|SourceAddress=10.0.2.15|SourcePort=137|"
       "DestAddress=10.0.2.18|DestPort=137|Protocol=17",
       KNOWN_YES}},
     "10.0.2.18:137 > 10.0.2.15:137 udp allowed server?\n"                                       },
    {"loopback is nobody's own address",
     {{SECURITY, 5156,
       "Direction=%%14592|SourceAddress=127.0.0.1|SourcePort=49271|"
       "DestAddress=127.0.0.2|DestPort=3389|Protocol=6",
       KNOWN_YES}},
     "127.0.0.1:49271 > 127.0.0.2:3389 tcp allowed\n"                                            },
    {"Sysmon, from the client; the other side's name was looked up",
     {{SYSMON, 3,
       "UtcTime=2020-09-22 18:53:31.668|Image=System|User=NT AUTHORITY\\SYSTEM|"
       "Protocol=tcp|Initiated=true|SourceIp=10.10.4.7|SourceHostname=-|"
       "SourcePort=62782|DestinationIp=10.20.0.21|DestinationHostname=nas01|"
       "DestinationPort=445",
       KNOWN_NOT}},
     "10.10.4.7:62782 > 10.20.0.21:445 tcp established\nown 10.10.4.7\nname 10.10.4.7 " HOST
     " 4\nname 10.20.0.21 nas01 6\n"                                                             },
    {"Sysmon, from the server, turned round; the user of a program",
     {{SYSMON, 3,
       "UtcTime=2020-09-22 18:53:31.668|Image=System|Protocol=tcp|Initiated=false|"
       "SourceIp=10.20.0.21|SourcePort=445|DestinationIp=10.10.4.7|"
       "DestinationPort=62782",
       KNOWN_NOT},
      {SYSMON, 3,
       "UtcTime=2020-09-22 18:53:31.668|Image=C:\\x.exe|User=CONTOSO\\alice|"
       "Protocol=tcp|Initiated=true|SourceIp=10.20.0.21|SourcePort=50000|"
       "DestinationIp=10.20.0.22|DestinationPort=3389",
       KNOWN_NOT}},
     "10.10.4.7:62782 > 10.20.0.21:445 tcp established\nown 10.20.0.21\nname 10.20.0.21 " HOST
     " 4\n10.20.0.21:50000 > 10.20.0.22:3389 tcp established user CONTOSO\\alice\n"              },
    {"pipes and NTLM validations are only counted",
     {{SYSMON, 18, "", KNOWN_NOT}, {SECURITY, 4776, "", KNOWN_YES}, {NTLM, 8004, "", KNOWN_NOT}},
     "unplaced named pipe events, which don't tell the client\n"
     "unplaced NTLM logons whose service the log does not tell\n"
     "unplaced NTLM logons whose service the log does not tell\n"                                },
    {"shares and rules change",
     {{SECURITY, 5142, ALICE "ShareName=\\\\*\\new$|ShareLocalPath=C:\\new", KNOWN_YES},
      {SECURITY, 4947, "RuleId={1}|RuleName=SMB in", KNOWN_YES},
      {FIREWALL, 2006, "RuleId=FPS-SMB-In-TCP|RuleName=SMB|ModifyingUser=S-1-5-18", KNOWN_NOT},
      {FIREWALL, 2033, "ModifyingUser=S-1-5-18", KNOWN_NOT}},
     "share-added \\\\" HOST "\\new$ (C:\\new) by CONTOSO\\alice\nrule-modified {1} (SMB in)\n"
     "rule-deleted FPS-SMB-In-TCP (SMB) by S-1-5-18\nrule-deleted all rules by S-1-5-18\n"       },
    {"SMB1 was used: an address in words",
     {{SERVER, 3000, "ClientName=10.10.4.7", KNOWN_NOT},
      {SERVER, 3000, "ClientName=\\\\WS01", KNOWN_NOT}},
     "10.10.4.7 > " HOST ":445 tcp accessed within" PORT " nt-lm-0.12\n"
     "WS01 > " HOST ":445 tcp accessed within" PORT " nt-lm-0.12 client WS01\n"                  },
    {"socket addresses: network order, host order, IPv6, one that is ambiguous",
     {{SERVER, 551,
       "ClientAddress=0200C3CB0A0A04070000000000000000|UserName=CONTOSO\\eve|"
       "ClientName=\\\\10.10.4.7",
       KNOWN_NOT},
      {SERVER, 1009,
       "ClientAddress="
       "1700D5010000000020010DB800000000000000000000000700000000",
       KNOWN_NOT},
      {SERVER, 551, "ClientAddress=020003C20A0A0407", KNOWN_NOT},
      {CLIENT, 30803,
       "ServerName=\\FS02|Address=0200BD010A1400150000000000000000|"
       "Status=3221226038",
       KNOWN_NOT}},
     "10.10.4.7 > " HOST ":445 tcp auth-failed within" PORT " user CONTOSO\\eve\n"
     "2001:db8::7:54529 > " HOST ":445 tcp auth-failed within" PORT " anonymous\n"
     "10.10.4.7:49667 > " HOST ":445 tcp auth-failed within" PORT "\n" HOST
     " > 10.20.0.21:445 tcp refused client " HOST "\n"                                           },
    {"a share's connection with its protection",
     {{SERVER, 4000,
       "ClientAddress=0200C3010A0A0407|ShareName=\\\\*\\pub|SigningUsed=false|"
       "EncyptionUsed=false",
       KNOWN_NOT}},
     "10.10.4.7:49921 > " HOST ":445 tcp accessed within" PORT " clear share \\\\" HOST
     "\\pub\nuse \\\\" HOST "\\pub\n"                                                            },
    {"the SMB client: by name, timeouts, a guest, a lost connection",
     {{CLIENT, 30803, "ServerName=nas01|Status=0xC00000B5", KNOWN_NOT},
      {CLIENT, 31022, "UserName=guest|ServerName=\\nas01", KNOWN_NOT},
      {CLIENT, 30804, "ServerName=nas01", KNOWN_NOT},
      {CLIENT, 31010, "ShareName=\\\\FS02\\secret|Status=-1073741790", KNOWN_NOT}},
     HOST " > nas01:445 tcp no-answer" PORT " client " HOST "\n" HOST
          " > nas01:445 tcp accessed within" PORT " guest user guest client " HOST "\n" HOST
          " > nas01:445 tcp none closes" PORT " client " HOST "\n" HOST
          " > FS02:445 tcp auth-failed within" PORT " client " HOST
          " share \\\\FS02\\secret refused \\\\FS02\\secret\nuse \\\\FS02\\secret refused\n"     },
    {"a server that speaks SMB1",
     {{CLIENT, 32002, "ServerName=\\old", KNOWN_NOT}},
     HOST " > old:445 tcp established within" PORT " nt-lm-0.12 client " HOST "\n"               },
    {"NTLM to a file server",
     {{NTLM, 8001, "TargetName=cifs/10.20.0.21|UserName=bob|DomainName=CONTOSO", KNOWN_NOT},
      {NTLM, 8001, "TargetName=cifs/nas01|UserName=(NULL)|DomainName=(NULL)", KNOWN_NOT},
      {NTLM, 8001, "TargetName=HTTP/web|UserName=bob", KNOWN_NOT}},
     HOST " > 10.20.0.21:445 tcp none within" PORT " user CONTOSO\\bob client " HOST "\n" HOST
          " > nas01:445 tcp none within" PORT " client " HOST "\n"                               },
};

static void fill(struct event *event, const struct said_event *said)
{
    str rest = str_of(said->values), pair, name, value;
    event->kind = event_find(str_of(said->provider), S(""), said->id);
    if (!event->kind) fail_msg("no kind %u of %s", (unsigned)said->id, said->provider);
    while (rest.len) {
        (void)str_cut(rest, '|', &pair, &rest);
        if (!str_cut(pair, '=', &name, &value)) fail_msg("no value: %.*s", STR_ARG(pair));
        size_t at = event_value_of(event->kind, name);
        if (at < EVENT_VALUES) event->values[at] = value;
    }
}

static void rows_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("test", 0, NULL);
        struct events_heard heard = {.text = buf_in(&arena)};
        struct fact_sink sink = events_sink(&heard);
        struct event_talk *talk = event_open(&arena, &sink);
        for (size_t e = 0; e < MOST && rows[i].events[e].provider; e++) {
            struct event event = {.computer = S(HOST),
                                  .record = 7 + e,
                                  .at_us = INT64_C(1600800810123456) + (int64_t)e,
                                  .succeeded = rows[i].events[e].succeeded,
                                  .offset = 7 + e};
            fill(&event, &rows[i].events[e]);
            event_tell(talk, &event);
        }
        str expected = str_of(rows[i].expected);
        str got = buf_text(&heard.text);
        if (!str_equal(got, expected))
            fail_msg("%s:\n%.*s\nexpected:\n%.*s", rows[i].name, STR_ARG(got), STR_ARG(expected));
        arena_close(&arena);
    }
}

static void kinds_are_found(void **state)
{
    (void)state;
    assert_non_null(event_find(S("microsoft-windows-SECURITY-auditing"), S(""), 5140));
    assert_non_null(event_find(S(""), S("security"), 5140));
    assert_non_null(event_find(S(""), S("Microsoft-Windows-SMBClient/Security"), 31001));
    assert_null(event_find(S("Microsoft-Windows-Eventlog"), S("Security"), 5140));
    assert_null(event_find(S(""), S("System"), 3));
    assert_null(event_find(S(SECURITY), S("Security"), 1102));
    assert_ptr_not_equal(event_find(S(NTLM), S(""), 4004),
                         event_find(S("Microsoft-Windows-Security-Netlogon"), S(""), 4004));
    assert_true(event_matters(3) && event_matters(5145) && event_matters(32002));
    assert_false(event_matters(0) || event_matters(4688) || event_matters(UINT32_MAX));
    /* In order of their numbers: what stands out of order is never found. */
    size_t found = 0;
    for (uint32_t id = 0; id < 40000; id++)
        found += event_matters(id);
    assert_true(found > 60);
    const struct event_kind *kind = event_find(S(SECURITY), S(""), 5145);
    assert_true(event_value_of(kind, S("ipaddress")) < kind->n_names);
    assert_int_equal(event_value_of(kind, S("AccessMask")), EVENT_VALUES);
}

static void positions_are_known(void **state)
{
    const struct event_kind *share = event_find(S(SECURITY), S(""), 5145);
    const struct event_kind *connection = event_find(S(SYSMON), S(""), 3);
    (void)state;
    assert_int_equal(event_order_value(share, 7, 13), event_value_of(share, S("ShareName")));
    assert_int_equal(event_order_value(share, 4, 13), EVENT_VALUES);
    assert_int_equal(event_order_value(share, 7, 8), EVENT_VALUES);
    assert_int_equal(event_order_value(share, 12, 13), EVENT_VALUES);
    /* Sysmon put RuleName in front. */
    size_t image = event_value_of(connection, S("Image"));
    assert_int_equal(event_order_value(connection, 3, 17), image);
    assert_int_equal(event_order_value(connection, 4, 18), image);
    assert_int_equal(event_order_value(connection, 0, 18), EVENT_VALUES);
}

static uint64_t hash_of(struct event event, const char *values)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct events_heard heard = {.text = buf_in(&arena)};
    struct fact_sink sink = events_sink(&heard);
    fill(&event, &(struct said_event){SECURITY, 5140, values, KNOWN_YES});
    event_tell(event_open(&arena, &sink), &event);
    arena_close(&arena);
    return heard.hashes;
}

/* The same record from two formats is one; other records are not. */
static void identities_survive_formats(void **state)
{
    const int64_t second = INSTANT_SECOND;
    struct event event = {.computer = S("FS01"),
                          .channel = S("Security"),
                          .record = 12,
                          .at_us = INT64_C(1600800810123456)};
    (void)state;
    uint64_t first = hash_of(event, FROM "ShareName=\\\\*\\a");
    struct event same = event;
    same.computer = S("fs01");
    same.channel = S("security");
    same.at_us = event.at_us / second * second - 4 * 3600 * second; /* cut, another zone */
    assert_int_equal(hash_of(same, FROM "ShareName=\\\\*\\a|SubjectUserName=x"), first);
    struct event other = event;
    other.record = 13;
    assert_int_not_equal(hash_of(other, FROM), first);
    other = event;
    other.at_us += second;
    assert_int_not_equal(hash_of(other, FROM), first);
    other = event;
    other.computer = S("FS02");
    assert_int_not_equal(hash_of(other, FROM), first);
    assert_int_not_equal(hash_of(event, "IpAddress=10.10.4.7|IpPort=50124|ShareName=\\\\*\\a"),
                         first);
    /* Without numbers the values tell records apart. */
    event.record = 0;
    assert_int_not_equal(hash_of(event, FROM "ShareName=\\\\*\\a"),
                         hash_of(event, FROM "ShareName=\\\\*\\b"));
}

/* Sysmon's clock drifts: it counts within reach of when the event was written. */
static void sysmon_time_fits(void **state)
{
    static const struct {
        const char *utc; /* the event was written at 18:53:30.123456 */
        bool is_assumed;
        const char *expected;
    } times[] = {
        {"2020-09-22 18:53:29.000", false, "18:53:29.000000"},
        {"2020-09-22 18:53:30.500", false, "18:53:30.123456"},
        {"2020-09-22 18:53:27.500", false, "18:53:28.623456"},
        {"2020-09-17 01:00:00.000", false, "18:53:28.623456"},
        {"2020-09-22 22:53:28.000", true,  "22:53:28.000000"}, /* written in local time */
        {"soon",                    false, "18:53:30.123456"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        struct arena arena = arena_open("test", 0, NULL);
        struct events_heard heard = {.text = buf_in(&arena), .with_times = true};
        struct fact_sink sink = events_sink(&heard);
        struct event event = {.computer = S(HOST),
                              .at_us = INT64_C(1600800810123456),
                              .assumed = times[i].is_assumed ? 1u << ASSUMED_TIMEZONE : 0};
        fill(&event, &(struct said_event){SYSMON, 3,
                                          "Protocol=tcp|Initiated=true|SourceIp=10.10.4.7|"
                                          "SourcePort=62782|DestinationIp=10.20.0.21|"
                                          "DestinationPort=445",
                                          KNOWN_NOT});
        event.values[event_value_of(event.kind, S("UtcTime"))] = str_of(times[i].utc);
        event_tell(event_open(&arena, &sink), &event);
        if (!str_contains(buf_text(&heard.text), str_of(times[i].expected)))
            fail_msg("%s: %.*s", times[i].utc, STR_ARG(buf_text(&heard.text)));
        arena_close(&arena);
    }
}

/* More logons than are remembered: nothing grows, and the newest is known. */
static void memory_is_bounded(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), text = arena_open("text", 0, NULL);
    struct events_heard heard = {.text = buf_in(&text)};
    struct fact_sink sink = events_sink(&heard);
    struct event_talk *talk = event_open(&arena, &sink);
    uint64_t used = arena_used(&arena);
    struct event event = {.computer = S("FS01"), .at_us = 1600800810000000, .record = 1};
    char id[32];
    int n = 0;
    (void)state;
    for (unsigned i = 1; i < 4 * LIMIT_EVENT_RECALL; i++) {
        fill(&event,
             &(struct said_event){SECURITY, 4624, LOGON "LmPackageName=NTLM V1", KNOWN_YES});
        n = snprintf(id, sizeof id, "0x%x", i);
        event.values[event_value_of(event.kind, S("TargetLogonId"))] = (str){id, (size_t)n};
        event_tell(talk, &event);
    }
    fill(&event, &(struct said_event){SECURITY, 5140, FROM "ShareName=a", KNOWN_YES});
    event.values[event_value_of(event.kind, S("SubjectLogonId"))] = (str){id, (size_t)n};
    event_tell(talk, &event);
    assert_true(str_contains(buf_text(&heard.text), S(" ntlmv1 ")));
    assert_int_equal(arena_used(&arena), used);
    arena_close(&text);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_told),       cmocka_unit_test(kinds_are_found),
        cmocka_unit_test(positions_are_known), cmocka_unit_test(identities_survive_formats),
        cmocka_unit_test(sysmon_time_fits),    cmocka_unit_test(memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
