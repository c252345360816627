/* SPDX-License-Identifier: Apache-2.0 */
/* The table of harden/baseline.h: one row per value and place. What the baseline smb-2026 sets is
 * what Microsoft's security baseline for Windows 11 24H2 sets of SMB, with what tells who would be
 * stopped; more is advice. Facts that no source at hand settles say UNCERTAIN and why.
 */
#include "harden/baseline.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* Version 14 of clang-format takes designated rows apart. */
/* clang-format off */

/* ---- Places ---------------------------------------------------------------------------------- */

#define SERVER_KEY      "SYSTEM\\CurrentControlSet\\Services\\LanmanServer\\Parameters"
#define CLIENT_KEY      "SYSTEM\\CurrentControlSet\\Services\\LanmanWorkstation\\Parameters"
#define SERVER_POLICY   "SOFTWARE\\Policies\\Microsoft\\Windows\\LanmanServer"
#define CLIENT_POLICY   "SOFTWARE\\Policies\\Microsoft\\Windows\\LanmanWorkstation"
#define LSA_KEY         "SYSTEM\\CurrentControlSet\\Control\\Lsa"
#define MSV_KEY         "SYSTEM\\CurrentControlSet\\Control\\Lsa\\MSV1_0"
#define NETLOGON_KEY    "SYSTEM\\CurrentControlSet\\Services\\Netlogon\\Parameters"
#define PATHS_KEY       "SOFTWARE\\Policies\\Microsoft\\Windows\\NetworkProvider\\HardenedPaths"
#define FIREWALL_KEY    "SOFTWARE\\Policies\\Microsoft\\WindowsFirewall\\"

/* A value that goes with the GPO, and one that stays. */
#define POLICY(k, v, n)  .key = T(k), .value = T(v), .number = (n)
#define STAYS(k, v, n)   .key = T(k), .value = T(v), .number = (n), .tattoos = true
#define SERVER_SETS(p)   .set_cmdlet = T("Set-SmbServerConfiguration"), .get_cmdlet = T("Get-SmbServerConfiguration"), .parameter = T(p)
#define CLIENT_SETS(p)   .set_cmdlet = T("Set-SmbClientConfiguration"), .get_cmdlet = T("Get-SmbClientConfiguration"), .parameter = T(p)
#define CSP(area, name)  .mdm_path = T("./Device/Vendor/MSFT/Policy/Config/" area "/" name), .mdm_format = T("int")
#define CSP_TEXT(area, name) .mdm_path = T("./Device/Vendor/MSFT/Policy/Config/" area "/" name), .mdm_format = T("chr")
#define SUBCATEGORY(head, name, setting) .audit_guid = T("{" head "-69AE-11D9-BED3-505054503030}"), .audit_name = T(name), .audit_setting = (setting)

#define LANMAN_SERVER(name)  .gpo_name = T("Network/Lanman Server: " name)
#define LANMAN_CLIENT(name)  .gpo_name = T("Network/Lanman Workstation: " name)
#define OPTION(name)         .gpo_name = T("Security Options: " name)

/* ---- Versions -------------------------------------------------------------------------------- */

enum { BUILD_24H2 = 26100, BUILD_1709 = 16299, BUILD_22H2 = 22621, BUILD_2022 = 20348 };
#define EVERY     .versions = T("all")
#define SINCE_24H2 .versions = T("Windows 11 24H2, Server 2025"), .since_build = BUILD_24H2
/* Windows 10, Server 2016, 2019, 2022, Windows 11 up to 23H2, 24H2, Server 2025. */
#define DEFAULTS(w10, s16, s19, s22, w11, h2, s25) .defaults = {T(w10), T(s16), T(s19), T(s22), T(w11), T(h2), T(s25)}
#define ALWAYS(value)     DEFAULTS(value, value, value, value, value, value, value)
#define NEW(value)        DEFAULTS("", "", "", "", "", value, value)

/* ---- Machines -------------------------------------------------------------------------------- */

#define KIND(name)  (1u << HARDEN_KIND_##name)
#define ALL_KINDS   ((1u << HARDEN_KIND_COUNT) - 1)
#define CONTROLLERS KIND(DOMAIN_CONTROLLER)
#define MEMBERS     (ALL_KINDS & ~CONTROLLERS)
#define SERVERS     (ALL_KINDS & ~KIND(WORKSTATION))

#define BIT(id)     (1u << HARDEN_##id)
#define OF(id)      .belongs = true, .setting = HARDEN_##id
#define OFF(n)      .has_off = true, .off = (n)

/* ---- Sources --------------------------------------------------------------------------------- */

#define BASELINE    "Microsoft security baseline, Windows 11 24H2"
#define LEARN       "Microsoft Learn, "

#define PROFILE_ROWS(ID, Profile)                                                                  \
    [HARDEN_ROW_LOG_DROPPED_##ID] = {                                                              \
        .change = {.asks = T("the firewall logs what it drops (" Profile " profile)"),             \
                   .why = T("what a block stops is seen, with both ends, before users call"),      \
                   .breaks = T("nobody"), EVERY,                                                   \
                   .source = T("MS-GPFAS 2.2.3; Firewall CSP (MDM: Windows 11 22H2 and later)"),   \
                   POLICY(FIREWALL_KEY Profile "Profile\\Logging", "LogDroppedPackets", 1),        \
                   .gpo_name = T("Windows Defender Firewall: " Profile " profile: Log dropped packets"), \
                   .set_cmdlet = T("Set-NetFirewallProfile -Name " Profile),                       \
                   .get_cmdlet = T("Get-NetFirewallProfile -PolicyStore ActiveStore -Name " Profile), \
                   .parameter = T("LogBlocked"),                                                   \
                   .mdm_path = T("./Vendor/MSFT/Firewall/MdmStore/" Profile "Profile/EnableLogDroppedPackets"), \
                   .mdm_format = T("bool")},                                                       \
        .tells = true, .kinds = ALL_KINDS, OFF(0), .argue = HARDEN_ARGUE_TEXT,                     \
        ALWAYS("0"),                                                                               \
    },                                                                                             \
    [HARDEN_ROW_LOG_ALLOWED_##ID] = {                                                              \
        .change = {.asks = T("the firewall logs what it allows (" Profile " profile)"),            \
                   .why = T("in a pilot ring it shows who still uses what; chatty on servers"),    \
                   .breaks = T("nobody; the log turns over sooner"), EVERY,                        \
                   .source = T("MS-GPFAS 2.2.3; Firewall CSP (MDM: Windows 11 22H2 and later)"),   \
                   POLICY(FIREWALL_KEY Profile "Profile\\Logging", "LogSuccessfulConnections", 1), \
                   .gpo_name = T("Windows Defender Firewall: " Profile " profile: Log successful connections"), \
                   .set_cmdlet = T("Set-NetFirewallProfile -Name " Profile),                       \
                   .get_cmdlet = T("Get-NetFirewallProfile -PolicyStore ActiveStore -Name " Profile), \
                   .parameter = T("LogAllowed"),                                                   \
                   .mdm_path = T("./Vendor/MSFT/Firewall/MdmStore/" Profile "Profile/EnableLogSuccessConnections"), \
                   .mdm_format = T("bool")},                                                       \
        .weight = HARDEN_ADVISE, .tells = true, .kinds = ALL_KINDS, OFF(0),                        \
        .argue = HARDEN_ARGUE_TEXT, ALWAYS("0"),                                                   \
    },                                                                                             \
    [HARDEN_ROW_LOG_SIZE_##ID] = {                                                                 \
        .change = {.asks = T("the firewall's log holds 16 MB (" Profile " profile)"),              \
                   .why = T("the default turns over within hours on a busy server"),               \
                   .breaks = T("nobody"), EVERY,                                                   \
                   .source = T("MS-GPFAS 2.2.3; the default is 1024 there and 4096 in "            \
                               "Set-NetFirewallProfile: UNCERTAIN, so it is always set"),          \
                   POLICY(FIREWALL_KEY Profile "Profile\\Logging", "LogFileSize", 16384),          \
                   .gpo_name = T("Windows Defender Firewall: " Profile " profile: Size limit (KB)"), \
                   .set_cmdlet = T("Set-NetFirewallProfile -Name " Profile),                       \
                   .get_cmdlet = T("Get-NetFirewallProfile -PolicyStore ActiveStore -Name " Profile), \
                   .parameter = T("LogMaxSizeKilobytes"),                                          \
                   .mdm_path = T("./Vendor/MSFT/Firewall/MdmStore/" Profile "Profile/LogMaxFileSize"), \
                   .mdm_format = T("int")},                                                        \
        .tells = true, .kinds = ALL_KINDS, .argue = HARDEN_ARGUE_NUMBER,                           \
        ALWAYS("UNCERTAIN: 1024 or 4096"),                                                         \
    },                                                                                             \
    [HARDEN_ROW_LOG_PATH_##ID] = {                                                                 \
        .change = {.asks = T("the firewall logs where its service may write (" Profile " profile)"), \
                   .why = T("a path that does not exist, or that NT SERVICE\\mpssvc may not write, " \
                            "yields no log at all"),                                               \
                   .breaks = T("whoever collects the log from another path"), EVERY,               \
                   .source = T("MS-GPFAS 2.2.3"),                                                  \
                   .key = T(FIREWALL_KEY Profile "Profile\\Logging"), .value = T("LogFilePath"),   \
                   .type = HARDEN_STRING,                                                          \
                   .text = T("%systemroot%\\system32\\LogFiles\\Firewall\\pfirewall.log"),         \
                   .gpo_name = T("Windows Defender Firewall: " Profile " profile: Name"),          \
                   .set_cmdlet = T("Set-NetFirewallProfile -Name " Profile),                       \
                   .get_cmdlet = T("Get-NetFirewallProfile -PolicyStore ActiveStore -Name " Profile), \
                   .parameter = T("LogFileName"),                                                  \
                   .mdm_path = T("./Vendor/MSFT/Firewall/MdmStore/" Profile "Profile/LogFilePath"), \
                   .mdm_format = T("chr")},                                                        \
        .tells = true, .kinds = ALL_KINDS, .argue = HARDEN_ARGUE_TEXT,                             \
        ALWAYS("%systemroot%\\system32\\LogFiles\\Firewall\\pfirewall.log"),                       \
    }

const struct harden_entry baseline_rows[HARDEN_ROW_COUNT] = {

    /* ---- SMB 1 ---- */

    [HARDEN_ROW_SMB1_AUDIT] = {
        .change = {.asks = T("the SMB server logs who uses SMB 1"),
                   .why = T("finds the last users of SMB 1 before it goes"),
                   .breaks = T("nobody"), EVERY,
                   .source = T(LEARN "Detect, enable and disable SMBv1, SMBv2, and SMBv3 in Windows"),
                   STAYS(SERVER_KEY, "AuditSmb1Access", 1), SERVER_SETS("AuditSmb1Access")},
        .tells = true, .kinds = ALL_KINDS, OFF(0), ALWAYS("0"),
    },
    [HARDEN_ROW_SMB1_SERVER] = {
        .change = {.asks = T("the SMB server does not speak SMB 1"),
                   .why = T("SMB 1 has no integrity worth the name, and worms live on it"),
                   .breaks = T("scanners, NAS and systems that know nothing newer, as clients"),
                   .before_enforcing = T("smb1-audit: SMBServer/Audit 3000"), EVERY,
                   .source = T(BASELINE ", MS Security Guide: Configure SMB v1 server (SecGuide.admx "
                               "Pol_SecGuide_0001_SMBv1_Server)"),
                   STAYS(SERVER_KEY, "SMB1", 0), SERVER_SETS("EnableSMB1Protocol"),
                   .gpo_name = T("MS Security Guide: Configure SMB v1 server"),
                   CSP_TEXT("MSSecurityGuide", "ConfigureSMBV1Server")},
        .kinds = ALL_KINDS, OF(SMB1), .as_server = BIT(SMB1), OFF(1),
        .mdm_on = T("<disabled/>"), .mdm_off = T("<enabled/>"),
        DEFAULTS("not installed", "1", "not installed", "not installed", "not installed",
                 "not installed", "not installed"),
    },
    [HARDEN_ROW_SMB1_CLIENT] = {
        .change = {.asks = T("the driver of the SMB 1 client is disabled"),
                   .why = T("a server in the middle can't pull a session down to SMB 1"),
                   .breaks = T("access to NAS and servers that know nothing newer; where Windows is "
                               "older than 8.1 and 2012 R2 the Workstation service still depends on "
                               "MRxSmb10 and does not start: take it from DependOnService there"),
                   .before_enforcing = T("dialects of the matrix (nt-lm-0.12)"), .versions = T("Windows 8.1, Server 2012 R2"), .since_build = 9600,
                   .source = T(BASELINE ", MS Security Guide: Configure SMB v1 client driver "
                               "(SecGuide.admx Pol_SecGuide_0002_SMBv1_ClientDriver)"),
                   STAYS("SYSTEM\\CurrentControlSet\\Services\\MrxSmb10", "Start", 4),
                   .gpo_name = T("MS Security Guide: Configure SMB v1 client driver"),
                   CSP_TEXT("MSSecurityGuide", "ConfigureSMBV1ClientDriver")},
        .kinds = ALL_KINDS, OF(SMB1), .as_client = BIT(SMB1), OFF(2),
        .mdm_on = T("<enabled/><data id=\"Pol_SecGuide_SMB1ClientDriver\" value=\"4\"/>"),
        .mdm_off = T("<enabled/><data id=\"Pol_SecGuide_SMB1ClientDriver\" value=\"2\"/>"),
        DEFAULTS("not installed", "2", "not installed", "not installed", "not installed",
                 "not installed", "not installed"),
    },
    [HARDEN_ROW_SMB1_FEATURE] = {
        .change = {.asks = T("the feature SMB 1 is not installed"),
                   .why = T("what is not there cannot be turned on again by a setting"),
                   .breaks = T("as smb1-server and smb1-client; needs a restart"),
                   .before_enforcing = T("smb1-audit: SMBServer/Audit 3000"), EVERY,
                   .source = T(LEARN "SMBv1 is not installed by default in Windows"),
                   .feature = T("SMB1Protocol"), .server_feature = T("FS-SMB1")},
        .kinds = ALL_KINDS, OF(SMB1), .as_client = BIT(SMB1), .as_server = BIT(SMB1),
        DEFAULTS("not installed", "installed", "not installed", "not installed", "not installed",
                 "not installed", "not installed"),
    },

    /* ---- Signing ---- */

    [HARDEN_ROW_SERVER_AUDIT_SIGNING] = {
        .change = {.asks = T("the SMB server logs clients that can't sign"),
                   .why = T("tells who a required signature would stop"), .breaks = T("nobody"),
                   SINCE_24H2,
                   .source = T("Policy CSP LanmanServer (build 26100.3613 and later); which of 3021 "
                               "and 3022 is signing: UNCERTAIN"),
                   POLICY(SERVER_POLICY, "AuditClientDoesNotSupportSigning", 1),
                   SERVER_SETS("AuditClientDoesNotSupportSigning"),
                   LANMAN_SERVER("Audit client does not support signing"),
                   CSP("LanmanServer", "AuditClientDoesNotSupportSigning")},
        .tells = true, .kinds = ALL_KINDS, OFF(0), NEW("0"),
    },
    [HARDEN_ROW_CLIENT_AUDIT_SIGNING] = {
        .change = {.asks = T("the SMB client logs servers that can't sign"),
                   .why = T("tells whom a required signature would cut off: SMBClient/Audit 31999"),
                   .breaks = T("nobody"), SINCE_24H2,
                   .source = T("Policy CSP LanmanWorkstation (build 26100.3613 and later)"),
                   POLICY(CLIENT_POLICY, "AuditServerDoesNotSupportSigning", 1),
                   CLIENT_SETS("AuditServerDoesNotSupportSigning"),
                   LANMAN_CLIENT("Audit server does not support signing"),
                   CSP("LanmanWorkstation", "AuditServerDoesNotSupportSigning")},
        .tells = true, .kinds = ALL_KINDS, OFF(0), NEW("0"),
    },
    [HARDEN_ROW_SERVER_SIGNING] = {
        .change = {.asks = T("the SMB server requires signing"),
                   .why = T("a logon can't be relayed to it, nor its traffic changed on the way"),
                   .breaks = T("clients on which signing is turned off or missing, and guests; costs "
                               "some throughput on old processors"),
                   .before_enforcing = T("smb-server-audit-signing: SMBServer/Audit 3021 or 3022 "
                                         "(UNCERTAIN which)"),
                   EVERY,
                   .source = T(BASELINE ", Security Options; " LEARN "SMB signing (Server 2025: not "
                               "required inbound there, required in SMB security hardening: "
                               "UNCERTAIN, read it from the host)"),
                   STAYS(SERVER_KEY, "RequireSecuritySignature", 1),
                   SERVER_SETS("RequireSecuritySignature"),
                   OPTION("Microsoft network server: Digitally sign communications (always)"),
                   CSP("LocalPoliciesSecurityOptions",
                       "MicrosoftNetworkServer_DigitallySignCommunicationsAlways")},
        .kinds = ALL_KINDS, OF(SIGNING), .as_server = BIT(SIGNING) | BIT(GUEST), OFF(0),
        DEFAULTS("0", "0 (domain controller: 1)", "0 (domain controller: 1)",
                 "0 (domain controller: 1)", "0", "1 (Home: 0)",
                 "UNCERTAIN: 0 (domain controller: 1)"),
    },
    [HARDEN_ROW_CLIENT_SIGNING] = {
        .change = {.asks = T("the SMB client requires signing"),
                   .why = T("nobody on the way can change what a server says"),
                   .breaks = T("servers that can't sign: old NAS, guest shares (0xc000a000)"),
                   .before_enforcing = T("smb-client-audit-signing: SMBClient/Audit 31999"), EVERY,
                   .source = T(BASELINE ", Security Options; " LEARN "SMB signing"),
                   STAYS(CLIENT_KEY, "RequireSecuritySignature", 1),
                   CLIENT_SETS("RequireSecuritySignature"),
                   OPTION("Microsoft network client: Digitally sign communications (always)"),
                   CSP("LocalPoliciesSecurityOptions",
                       "MicrosoftNetworkClient_DigitallySignCommunicationsAlways")},
        .kinds = ALL_KINDS, OF(SIGNING), .as_client = BIT(SIGNING), OFF(0),
        DEFAULTS("0", "0", "0", "0", "0", "1 (Home: 0)", "1"),
    },

    /* ---- Encryption ---- */

    [HARDEN_ROW_SERVER_AUDIT_ENCRYPTION] = {
        .change = {.asks = T("the SMB server logs clients that can't encrypt"),
                   .why = T("tells who required encryption would stop"), .breaks = T("nobody"),
                   SINCE_24H2,
                   .source = T("Policy CSP LanmanServer (build 26100.3613 and later); which of 3021 "
                               "and 3022 is encryption: UNCERTAIN"),
                   POLICY(SERVER_POLICY, "AuditClientDoesNotSupportEncryption", 1),
                   SERVER_SETS("AuditClientDoesNotSupportEncryption"),
                   LANMAN_SERVER("Audit client does not support encryption"),
                   CSP("LanmanServer", "AuditClientDoesNotSupportEncryption")},
        .tells = true, .kinds = ALL_KINDS, OFF(0), NEW("0"),
    },
    [HARDEN_ROW_CLIENT_AUDIT_ENCRYPTION] = {
        .change = {.asks = T("the SMB client logs servers that can't encrypt"),
                   .why = T("tells whom required encryption would cut off: SMBClient/Audit 31998"),
                   .breaks = T("nobody"), SINCE_24H2,
                   .source = T("Policy CSP LanmanWorkstation (build 26100.3613 and later)"),
                   POLICY(CLIENT_POLICY, "AuditServerDoesNotSupportEncryption", 1),
                   CLIENT_SETS("AuditServerDoesNotSupportEncryption"),
                   LANMAN_CLIENT("Audit server does not support encryption"),
                   CSP("LanmanWorkstation", "AuditServerDoesNotSupportEncryption")},
        .tells = true, .kinds = ALL_KINDS, OFF(0), NEW("0"),
    },
    [HARDEN_ROW_SERVER_ENCRYPTION] = {
        .change = {.asks = T("the SMB server encrypts every share"),
                   .why = T("nobody on the way reads what is in files"),
                   .breaks = T("clients below SMB 3.0, and SMB 3 clients without encryption"),
                   .before_enforcing = T("smb-server-audit-encryption: SMBServer/Audit 3021 or 3022 "
                                         "(UNCERTAIN which)"),
                   .versions = T("Windows 8, Server 2012"),
                   .source = T(LEARN "SMB encryption; not in Microsoft's baseline"),
                   STAYS(SERVER_KEY, "EncryptData", 1), SERVER_SETS("EncryptData")},
        .weight = HARDEN_ADVISE, .kinds = SERVERS, OF(ENCRYPTION), .as_server = BIT(ENCRYPTION),
        OFF(0), ALWAYS("0"),
    },
    [HARDEN_ROW_SERVER_REJECT_CLEAR] = {
        .change = {.asks = T("where a share is encrypted, who can't encrypt is refused"),
                   .why = T("else an encrypted share is one only for those who like it so"),
                   .breaks = T("nobody where no share is encrypted"),
                   .versions = T("Windows 8, Server 2012"), .source = T(LEARN "SMB encryption"),
                   STAYS(SERVER_KEY, "RejectUnencryptedAccess", 1),
                   SERVER_SETS("RejectUnencryptedAccess")},
        .kinds = ALL_KINDS, OF(ENCRYPTION), OFF(0), ALWAYS("1"),
    },
    [HARDEN_ROW_CLIENT_ENCRYPTION] = {
        .change = {.asks = T("the SMB client requires encryption"),
                   .why = T("nobody on the way reads what is in files, whatever the server asks"),
                   .breaks = T("servers without SMB 3 encryption"),
                   .before_enforcing = T("smb-client-audit-encryption: SMBClient/Audit 31998"),
                   SINCE_24H2,
                   .source = T(BASELINE ", Lanman Workstation: Require Encryption is 0 there; the "
                               "default of 24H2 is off in SMB security hardening, required in the "
                               "feature table: UNCERTAIN, taken as off"),
                   POLICY(CLIENT_POLICY, "RequireEncryption", 1), CLIENT_SETS("RequireEncryption"),
                   LANMAN_CLIENT("Require Encryption"),
                   CSP("LanmanWorkstation", "RequireEncryption")},
        .weight = HARDEN_ADVISE, .kinds = ALL_KINDS, OF(ENCRYPTION), .as_client = BIT(ENCRYPTION),
        OFF(0), NEW("UNCERTAIN: 0"),
    },

    /* ---- Dialects ---- */

    [HARDEN_ROW_SERVER_MIN_DIALECT] = {
        .change = {.asks = T("the SMB server accepts SMB 3.0 and newer"),
                   .why = T("below 3.0 negotiation can be tampered with and nothing is encrypted"),
                   .breaks = T("Windows 7, Server 2008 R2, and Samba and scanners of their age"),
                   .before_enforcing = T("dialects of the matrix; Get-SmbSession"), SINCE_24H2,
                   .source = T(BASELINE ", Lanman Server: Mandate the minimum version of SMB (768)"),
                   POLICY(SERVER_POLICY, "MinSmb2Dialect", 768), SERVER_SETS("Smb2DialectMin"),
                   LANMAN_SERVER("Mandate the minimum version of SMB"),
                   CSP("LanmanServer", "MinSmb2Dialect")},
        .kinds = ALL_KINDS, OF(DIALECT), .as_server = BIT(DIALECT), OFF(514),
        .argue = HARDEN_ARGUE_DIALECT, NEW("none"),
    },
    [HARDEN_ROW_SERVER_MAX_DIALECT] = {
        .change = {.asks = T("the SMB server offers up to SMB 3.1.1"),
                   .why = T("undoes a limit that somebody set long ago"), .breaks = T("nobody"),
                   SINCE_24H2,
                   .source = T(BASELINE ", Lanman Server: Mandate the maximum version of SMB (785)"),
                   POLICY(SERVER_POLICY, "MaxSmb2Dialect", 785), SERVER_SETS("Smb2DialectMax"),
                   LANMAN_SERVER("Mandate the maximum version of SMB"),
                   CSP("LanmanServer", "MaxSmb2Dialect")},
        .kinds = ALL_KINDS, .argue = HARDEN_ARGUE_DIALECT, NEW("none"),
    },
    [HARDEN_ROW_CLIENT_MIN_DIALECT] = {
        .change = {.asks = T("the SMB client asks for SMB 3.0 and newer"),
                   .why = T("below 3.0 negotiation can be tampered with and nothing is encrypted"),
                   .breaks = T("access to Windows 7, Server 2008 R2, old NAS and Samba"),
                   .before_enforcing = T("dialects of the matrix; Get-SmbConnection"), SINCE_24H2,
                   .source = T(BASELINE ", Lanman Workstation: Mandate the minimum version of SMB "
                               "(768); since Windows 10 1709 a local value is read, too: UNCERTAIN"),
                   POLICY(CLIENT_POLICY, "MinSmb2Dialect", 768), CLIENT_SETS("Smb2DialectMin"),
                   LANMAN_CLIENT("Mandate the minimum version of SMB"),
                   CSP("LanmanWorkstation", "MinSmb2Dialect")},
        .kinds = ALL_KINDS, OF(DIALECT), .as_client = BIT(DIALECT), OFF(514),
        .argue = HARDEN_ARGUE_DIALECT, NEW("none"),
    },
    [HARDEN_ROW_CLIENT_MAX_DIALECT] = {
        .change = {.asks = T("the SMB client offers up to SMB 3.1.1"),
                   .why = T("undoes a limit that somebody set long ago"), .breaks = T("nobody"),
                   SINCE_24H2,
                   .source = T(BASELINE ", Lanman Workstation: Mandate the maximum version of SMB "
                               "(785)"),
                   POLICY(CLIENT_POLICY, "MaxSmb2Dialect", 785), CLIENT_SETS("Smb2DialectMax"),
                   LANMAN_CLIENT("Mandate the maximum version of SMB"),
                   CSP("LanmanWorkstation", "MaxSmb2Dialect")},
        .kinds = ALL_KINDS, .argue = HARDEN_ARGUE_DIALECT, NEW("none"),
    },

    /* ---- Guests ---- */

    [HARDEN_ROW_SERVER_AUDIT_GUEST] = {
        .change = {.asks = T("the SMB server logs who is let in as guest"),
                   .why = T("a guest is an intruder, or a share that everybody forgot: "
                            "SMBServer/Audit 3023"),
                   .breaks = T("nobody"), SINCE_24H2,
                   .source = T("Policy CSP LanmanServer (build 26100.3613 and later)"),
                   POLICY(SERVER_POLICY, "AuditInsecureGuestLogon", 1),
                   SERVER_SETS("AuditInsecureGuestLogon"),
                   LANMAN_SERVER("Audit insecure guest logon"),
                   CSP("LanmanServer", "AuditInsecureGuestLogon")},
        .tells = true, .kinds = ALL_KINDS, OFF(0), NEW("0"),
    },
    [HARDEN_ROW_CLIENT_AUDIT_GUEST] = {
        .change = {.asks = T("the SMB client logs where it was let in as guest"),
                   .why = T("tells which NAS let everybody in: SMBClient/Security 31022"),
                   .breaks = T("nobody"), SINCE_24H2,
                   .source = T("Policy CSP LanmanWorkstation (build 26100.3613 and later); event 31022 "
                               "or one of Audit: UNCERTAIN"),
                   POLICY(CLIENT_POLICY, "AuditInsecureGuestLogon", 1),
                   CLIENT_SETS("AuditInsecureGuestLogon"),
                   LANMAN_CLIENT("Audit insecure guest logon"),
                   CSP("LanmanWorkstation", "AuditInsecureGuestLogon")},
        .tells = true, .kinds = ALL_KINDS, OFF(0), NEW("0"),
    },
    [HARDEN_ROW_CLIENT_GUEST] = {
        .change = {.asks = T("the SMB client refuses to be let in as guest"),
                   .why = T("a server that lets everybody in signs nothing: anybody can be it"),
                   .breaks = T("shares of NAS that let everybody in"),
                   .before_enforcing = T("smb-client-audit-guest; SMBClient/Security 31022 (let in), "
                                         "31017 (refused)"),
                   .versions = T("Windows 10 1709, Server 2019"), .since_build = BUILD_1709,
                   .source = T(BASELINE ", Lanman Workstation: Enable insecure guest logons (0); "
                               "defaults by edition differ between sources: UNCERTAIN"),
                   POLICY(CLIENT_POLICY, "AllowInsecureGuestAuth", 0),
                   CLIENT_SETS("EnableInsecureGuestLogons"),
                   LANMAN_CLIENT("Enable insecure guest logons"),
                   CSP("LanmanWorkstation", "EnableInsecureGuestLogons")},
        .kinds = ALL_KINDS, OF(GUEST), .as_client = BIT(GUEST), OFF(1),
        DEFAULTS("0 (Home, Pro: 1)", "", "0", "0", "0 (Home, Pro: 1)", "0 (Home: UNCERTAIN)", "0"),
    },

    /* ---- NTLM and passwords ---- */

    [HARDEN_ROW_NTLM_AUDIT_OUT] = {
        .change = {.asks = T("NTLM that leaves this machine is logged"),
                   .why = T("with the name of the server asked for: what must become Kerberos first"),
                   .breaks = T("nobody; a value of 2 (deny) that stands there becomes 1"), EVERY,
                   .source = T(LEARN "Network security: Restrict NTLM: Outgoing NTLM traffic to remote "
                               "servers (1 = audit); NTLM/Operational 8001"),
                   STAYS(MSV_KEY, "RestrictSendingNTLMTraffic", 1),
                   OPTION("Network security: Restrict NTLM: Outgoing NTLM traffic to remote servers")},
        .tells = true, .weight = HARDEN_ADVISE, .kinds = ALL_KINDS, OFF(0), ALWAYS("0"),
    },
    [HARDEN_ROW_NTLM_AUDIT_IN] = {
        .change = {.asks = T("NTLM that reaches this machine is logged"),
                   .why = T("tells who still logs on by NTLM: NTLM/Operational 8002, 8003"),
                   .breaks = T("nobody"), EVERY,
                   .source = T(LEARN "Network security: Restrict NTLM: Audit incoming NTLM traffic (2 = "
                               "all accounts)"),
                   STAYS(MSV_KEY, "AuditReceivingNTLMTraffic", 2),
                   OPTION("Network security: Restrict NTLM: Audit incoming NTLM traffic")},
        .tells = true, .kinds = SERVERS, OFF(0), ALWAYS("0"),
    },
    [HARDEN_ROW_NTLM_AUDIT_DOMAIN] = {
        .change = {.asks = T("the domain controller logs every NTLM logon of the domain"),
                   .why = T("one place that knows all of them: NTLM/Operational 8004"),
                   .breaks = T("nobody"), .versions = T("Server, as domain controller"),
                   .source = T(LEARN "Network security: Restrict NTLM: Audit NTLM authentication in this "
                               "domain (7 = all)"),
                   STAYS(NETLOGON_KEY, "AuditNTLMInDomain", 7),
                   OPTION("Network security: Restrict NTLM: Audit NTLM authentication in this domain")},
        .tells = true, .kinds = CONTROLLERS, OFF(0), DEFAULTS("", "0", "0", "0", "", "", "0"),
    },
    [HARDEN_ROW_CLIENT_BLOCK_NTLM] = {
        .change = {.asks = T("the SMB client does not offer NTLM"),
                   .why = T("a password's hash never reaches a server that a link names"),
                   .breaks = T("servers reached by address, local accounts, what is in no domain; "
                               "BlockNTLMServerExceptionList names the last ones"),
                   .before_enforcing = T("ntlm-audit-outgoing: NTLM/Operational 8001; 4020, 4021 on "
                                         "24H2 (meaning UNCERTAIN)"),
                   SINCE_24H2,
                   .source = T(LEARN "Block NTLM connections on SMB; off by default, not in Microsoft's "
                               "baseline"),
                   POLICY(CLIENT_POLICY, "BlockNTLM", 1), CLIENT_SETS("BlockNTLM"),
                   LANMAN_CLIENT("Block NTLM (LM, NTLM, NTLMv2)")},
        .weight = HARDEN_ADVISE, .kinds = ALL_KINDS, OF(NTLM), .as_client = BIT(NTLM), OFF(0),
        NEW("0"),
    },
    [HARDEN_ROW_LM_LEVEL] = {
        .change = {.asks = T("only NTLMv2 is sent, and LM and NTLMv1 are refused"),
                   .why = T("an NTLMv1 answer gives the password's hash away"),
                   .breaks = T("systems that were never told to use NTLMv2"),
                   .before_enforcing = T("Security 4624 with LmPackageName NTLM V1"), EVERY,
                   .source = T("Microsoft security baseline, Security Options; removed altogether "
                               "in Windows 11 24H2 and Server 2025"),
                   STAYS(LSA_KEY, "LmCompatibilityLevel", 5),
                   OPTION("Network security: LAN Manager authentication level"),
                   CSP("LocalPoliciesSecurityOptions", "NetworkSecurity_LANManagerAuthenticationLevel")},
        .kinds = ALL_KINDS, OF(NTLMV1), .as_client = BIT(NTLMV1), .as_server = BIT(NTLMV1), OFF(3),
        .argue = HARDEN_ARGUE_NUMBER, ALWAYS("3"),
    },
    [HARDEN_ROW_NTLMV1_SSO] = {
        .change = {.asks = T("NTLMv1 by single sign-on is blocked, too"),
                   .why = T("what was left of NTLMv1 after its removal"),
                   .breaks = T("VPN and Wi-Fi logons by MS-CHAPv2 with the user's own logon"),
                   .before_enforcing = T("0 audits: NTLM/Operational"), SINCE_24H2,
                   .source = T("KB5066470; enforced by default from October 2026: UNCERTAIN"),
                   STAYS(MSV_KEY, "BlockNtlmv1SSO", 1)},
        .weight = HARDEN_ADVISE, .kinds = ALL_KINDS, OFF(0), .argue = HARDEN_ARGUE_NUMBER,
        NEW("UNCERTAIN: 0"),
    },
    [HARDEN_ROW_PLAIN_PASSWORD] = {
        .change = {.asks = T("the SMB client sends no password in clear"),
                   .why = T("an old server only has to ask for it"),
                   .breaks = T("SMB servers without encrypted passwords: none is left"), EVERY,
                   .source = T(BASELINE ", Security Options"),
                   STAYS(CLIENT_KEY, "EnablePlainTextPassword", 0),
                   OPTION("Microsoft network client: Send unencrypted password to third-party SMB "
                          "servers"),
                   CSP("LocalPoliciesSecurityOptions",
                       "MicrosoftNetworkClient_SendUnencryptedPasswordToThirdPartySMBServers")},
        .kinds = ALL_KINDS, OFF(1), ALWAYS("0"),
    },

    /* ---- Guessing, discovery ---- */

    [HARDEN_ROW_RATE_LIMITER] = {
        .change = {.asks = T("the SMB server slows down failed logons"),
                   .why = T("guessing 300 passwords a second becomes one in two seconds"),
                   .breaks = T("nobody who knows the password"), SINCE_24H2,
                   .source = T(BASELINE ", Lanman Server: Enable authentication rate limiter (1)"),
                   POLICY(SERVER_POLICY, "EnableAuthRateLimiter", 1),
                   LANMAN_SERVER("Enable authentication rate limiter"),
                   CSP("LanmanServer", "EnableAuthRateLimiter")},
        .kinds = ALL_KINDS, OFF(0), NEW("1"),
    },
    [HARDEN_ROW_RATE_DELAY] = {
        .change = {.asks = T("a failed logon to the SMB server takes 2 seconds"),
                   .why = T("as smb-server-rate-limiter"),
                   .breaks = T("nobody who knows the password"), SINCE_24H2,
                   .source = T(BASELINE ", Lanman Server: Set authentication rate limiter delay "
                               "(milliseconds) (2000)"),
                   POLICY(SERVER_POLICY, "InvalidAuthenticationDelayTimeInMs", 2000),
                   SERVER_SETS("InvalidAuthenticationDelayTimeInMs"),
                   LANMAN_SERVER("Set authentication rate limiter delay (milliseconds)"),
                   CSP("LanmanServer", "AuthRateLimiterDelayInMs")},
        .kinds = ALL_KINDS, OFF(0), .argue = HARDEN_ARGUE_NUMBER, NEW("2000"),
    },
    [HARDEN_ROW_SERVER_MAILSLOTS] = {
        .change = {.asks = T("remote mailslots are off (server)"),
                   .why = T("datagrams that nobody authenticates, of the first browser"),
                   .breaks = T("network browsing and DC location of Windows NT's time"), SINCE_24H2,
                   .source = T("Policy CSP LanmanServer (key Bowser); one published baseline has it "
                               "under LanmanServer: UNCERTAIN"),
                   POLICY("SOFTWARE\\Policies\\Microsoft\\Windows\\Bowser", "EnableMailslots", 0),
                   SERVER_SETS("EnableMailslots"), LANMAN_SERVER("Enable remote mailslots"),
                   CSP("LanmanServer", "EnableMailslots")},
        .kinds = ALL_KINDS, OFF(1), NEW("0"),
    },
    [HARDEN_ROW_CLIENT_MAILSLOTS] = {
        .change = {.asks = T("remote mailslots are off (client)"),
                   .why = T("datagrams that nobody authenticates, of the first browser"),
                   .breaks = T("network browsing and DC location of Windows NT's time; needs a "
                               "restart"),
                   SINCE_24H2,
                   .source = T("Policy CSP LanmanWorkstation (key NetworkProvider); one published "
                               "baseline has it under LanmanWorkstation: UNCERTAIN"),
                   POLICY("SOFTWARE\\Policies\\Microsoft\\Windows\\NetworkProvider",
                          "EnableMailslots", 0),
                   CLIENT_SETS("EnableMailslots"), LANMAN_CLIENT("Enable remote mailslots"),
                   CSP("LanmanWorkstation", "EnableMailslots")},
        .kinds = ALL_KINDS, OFF(1), NEW("0"),
    },

    /* ---- Null sessions ---- */

    [HARDEN_ROW_NULL_ACCESS] = {
        .change = {.asks = T("no pipes and shares for anonymous logons"),
                   .why = T("who has no account learns nothing"),
                   .breaks = T("programs that list shares or accounts without logging on"),
                   .before_enforcing = T("SMBServer/Security 1009; Security 4624 of ANONYMOUS LOGON"),
                   EVERY, .source = T(BASELINE ", Security Options"),
                   STAYS(SERVER_KEY, "RestrictNullSessAccess", 1),
                   OPTION("Network access: Restrict anonymous access to Named Pipes and Shares"),
                   CSP("LocalPoliciesSecurityOptions",
                       "NetworkAccess_RestrictAnonymousAccessToNamedPipesAndShares")},
        .kinds = ALL_KINDS, OF(NULL_SESSION), .as_server = BIT(NULL_SESSION), OFF(0), ALWAYS("1"),
    },
    [HARDEN_ROW_NULL_PIPES] = {
        .change = {.asks = T("no pipe is open to anonymous logons"),
                   .why = T("old installers left exceptions here"),
                   .breaks = T("programs that use one of the pipes without logging on"),
                   .before_enforcing = T("Security 5145 on IPC$ of ANONYMOUS LOGON"), EVERY,
                   .source = T(LEARN "Network access: Named Pipes that can be accessed anonymously "
                               "(domain controllers keep netlogon, samr, lsarpc: not set there)"),
                   .key = T(SERVER_KEY), .value = T("NullSessionPipes"), .type = HARDEN_STRINGS,
                   .tattoos = true, SERVER_SETS("NullSessionPipes"),
                   OPTION("Network access: Named Pipes that can be accessed anonymously")},
        .kinds = MEMBERS, OF(NULL_SESSION), .as_server = BIT(NULL_SESSION),
        .argue = HARDEN_ARGUE_TEXT, ALWAYS("empty"),
    },
    [HARDEN_ROW_NULL_SHARES] = {
        .change = {.asks = T("no share is open to anonymous logons"),
                   .why = T("old installers left exceptions here"),
                   .breaks = T("programs that use one of the shares without logging on"),
                   .before_enforcing = T("Security 5140 of ANONYMOUS LOGON"), EVERY,
                   .source = T(LEARN "Network access: Shares that can be accessed anonymously"),
                   .key = T(SERVER_KEY), .value = T("NullSessionShares"), .type = HARDEN_STRINGS,
                   .tattoos = true, SERVER_SETS("NullSessionShares"),
                   OPTION("Network access: Shares that can be accessed anonymously")},
        .kinds = ALL_KINDS, OF(NULL_SESSION), .as_server = BIT(NULL_SESSION),
        .argue = HARDEN_ARGUE_TEXT, ALWAYS("empty"),
    },
    [HARDEN_ROW_NULL_FALLBACK] = {
        .change = {.asks = T("a service of LocalSystem does not fall back to a null session"),
                   .why = T("what can't log on says so instead of trying without"),
                   .breaks = T("services of LocalSystem that use NTLM to another machine"), EVERY,
                   .source = T(BASELINE ", Security Options"),
                   STAYS(MSV_KEY, "allownullsessionfallback", 0),
                   OPTION("Network security: Allow LocalSystem NULL session fallback")},
        .kinds = ALL_KINDS, OFF(1), ALWAYS("0"),
    },
    [HARDEN_ROW_RESTRICT_ANONYMOUS] = {
        .change = {.asks = T("shares and accounts are not listed without logging on"),
                   .why = T("the list of shares and accounts is where an intruder begins"),
                   .breaks = T("trusts with domains of Windows NT's time, inventory without a logon"),
                   .before_enforcing = T("Security 4624 of ANONYMOUS LOGON"), EVERY,
                   .source = T("Microsoft security baseline, Security Options"),
                   STAYS(LSA_KEY, "RestrictAnonymous", 1),
                   OPTION("Network access: Do not allow anonymous enumeration of SAM accounts and "
                          "shares"),
                   CSP("LocalPoliciesSecurityOptions",
                       "NetworkAccess_DoNotAllowAnonymousEnumerationOfSamAccountsAndShares")},
        .kinds = ALL_KINDS, OFF(0), ALWAYS("0"),
    },
    [HARDEN_ROW_RESTRICT_ANONYMOUS_SAM] = {
        .change = {.asks = T("accounts are not listed without logging on"),
                   .why = T("the list of accounts is where an intruder begins"),
                   .breaks = T("nobody since Windows XP"), EVERY,
                   .source = T("Microsoft security baseline, Security Options"),
                   STAYS(LSA_KEY, "RestrictAnonymousSAM", 1),
                   OPTION("Network access: Do not allow anonymous enumeration of SAM accounts"),
                   CSP("LocalPoliciesSecurityOptions",
                       "NetworkAccess_DoNotAllowAnonymousEnumerationOfSAMAccounts")},
        .kinds = MEMBERS, OFF(0), ALWAYS("1"),
    },
    [HARDEN_ROW_EVERYONE_ANONYMOUS] = {
        .change = {.asks = T("Everyone does not include anonymous logons"),
                   .why = T("a share for Everyone is not one for people without an account"),
                   .breaks = T("shares that were open to people without an account"), EVERY,
                   .source = T(LEARN "Network access: Let Everyone permissions apply to anonymous users"),
                   STAYS(LSA_KEY, "EveryoneIncludesAnonymous", 0),
                   OPTION("Network access: Let Everyone permissions apply to anonymous users")},
        .kinds = ALL_KINDS, OFF(1), ALWAYS("0"),
    },
    [HARDEN_ROW_REMOTE_SAM] = {
        .change = {.asks = T("only administrators list local accounts and groups from afar"),
                   .why = T("who is local administrator where is the map of lateral movement"),
                   .breaks = T("inventory that asks for local groups as a plain user"),
                   .before_enforcing = T("System 16962 to 16969 (audit only: RestrictRemoteSamAuditOnlyMode)"),
                   .versions = T("Windows 10 1607, Server 2016"),
                   .source = T("Microsoft security baseline, Security Options (domain controllers: not "
                               "set)"),
                   .key = T(LSA_KEY), .value = T("RestrictRemoteSam"), .type = HARDEN_STRING,
                   .text = T("O:BAG:BAD:(A;;RC;;;BA)"), .tattoos = true,
                   OPTION("Network access: Restrict clients allowed to make remote calls to SAM"),
                   CSP_TEXT("LocalPoliciesSecurityOptions",
                            "NetworkAccess_RestrictClientsAllowedToMakeRemoteCallsToSAM")},
        .kinds = MEMBERS, .argue = HARDEN_ARGUE_TEXT, ALWAYS("O:BAG:BAD:(A;;RC;;;BA)"),
    },
    [HARDEN_ROW_SPN_VALIDATION] = {
        .change = {.asks = T("the SMB server checks the name it was called by"),
                   .why = T("a logon meant for another server is refused"),
                   .breaks = T("aliases (CNAME) without a service principal name, access by address"),
                   .before_enforcing = T("Security 5168"), EVERY,
                   .source = T(LEARN "Microsoft network server: Server SPN target name validation level "
                               "(1 = if the client says it); not in Microsoft's baseline"),
                   STAYS(SERVER_KEY, "SmbServerNameHardeningLevel", 1),
                   SERVER_SETS("SmbServerNameHardeningLevel"),
                   OPTION("Microsoft network server: Server SPN target name validation level")},
        .weight = HARDEN_ADVISE, .kinds = MEMBERS, OFF(0), .argue = HARDEN_ARGUE_NUMBER,
        ALWAYS("0"),
    },
    [HARDEN_ROW_TOKEN_FILTER] = {
        .change = {.asks = T("local administrators are plain users over the network"),
                   .why = T("one stolen local password does not open the next machine"),
                   .breaks = T("remote administration by local accounts other than the built-in one"),
                   .before_enforcing = T("Security 4624 type 3 of local accounts"), EVERY,
                   .source = T(BASELINE ", MS Security Guide: Apply UAC restrictions to local accounts "
                               "on network logons"),
                   POLICY("SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System",
                          "LocalAccountTokenFilterPolicy", 0),
                   .gpo_name = T("MS Security Guide: Apply UAC restrictions to local accounts on "
                                 "network logons"),
                   CSP_TEXT("MSSecurityGuide", "ApplyUACRestrictionsToLocalAccountsOnNetworkLogon")},
        .kinds = MEMBERS, OFF(1), .mdm_on = T("<enabled/>"), .mdm_off = T("<disabled/>"),
        ALWAYS("0"),
    },
    [HARDEN_ROW_ADMIN_SHARES_CLIENT] = {
        .change = {.asks = T("no C$ and ADMIN$ (client Windows)"),
                   .why = T("nothing to reach with a stolen administrator's password"),
                   .breaks = T("remote management: software deployment, backup, vulnerability scans"),
                   .before_enforcing = T("Security 5140 on C$ and ADMIN$"), EVERY,
                   .source = T(LEARN "Remove administrative shares; the firewall's block does it without "
                               "breaking management"),
                   STAYS(SERVER_KEY, "AutoShareWks", 0), SERVER_SETS("AutoShareWorkstation")},
        .weight = HARDEN_ADVISE, .kinds = KIND(WORKSTATION), OFF(1), ALWAYS("1"),
    },
    [HARDEN_ROW_ADMIN_SHARES_SERVER] = {
        .change = {.asks = T("no C$ and ADMIN$ (Windows Server)"),
                   .why = T("nothing to reach with a stolen administrator's password"),
                   .breaks = T("remote management: software deployment, backup, clusters"),
                   .before_enforcing = T("Security 5140 on C$ and ADMIN$"), EVERY,
                   .source = T(LEARN "Remove administrative shares; the firewall's block does it without "
                               "breaking management"),
                   STAYS(SERVER_KEY, "AutoShareServer", 0), SERVER_SETS("AutoShareServer")},
        .weight = HARDEN_ADVISE, .kinds = MEMBERS & SERVERS, OFF(1), ALWAYS("1"),
    },
    [HARDEN_ROW_UNC_SYSVOL] = {
        .change = {.asks = T("SYSVOL is read from a proved server, signed"),
                   .why = T("else anybody on the way writes the machine's policy"),
                   .breaks = T("access to SYSVOL by address"), EVERY,
                   .source = T(BASELINE ", Network Provider: Hardened UNC Paths; MS15-011"),
                   .key = T(PATHS_KEY), .value = T("\\\\*\\SYSVOL"), .type = HARDEN_STRING,
                   .text = T("RequireMutualAuthentication=1, RequireIntegrity=1"),
                   .gpo_name = T("Network/Network Provider: Hardened UNC Paths")},
        .kinds = ALL_KINDS, .argue = HARDEN_ARGUE_TEXT,
        ALWAYS("RequireMutualAuthentication=1, RequireIntegrity=1"),
    },
    [HARDEN_ROW_UNC_NETLOGON] = {
        .change = {.asks = T("NETLOGON is read from a proved server, signed"),
                   .why = T("else anybody on the way writes the logon scripts"),
                   .breaks = T("access to NETLOGON by address"), EVERY,
                   .source = T(BASELINE ", Network Provider: Hardened UNC Paths; MS15-011"),
                   .key = T(PATHS_KEY), .value = T("\\\\*\\NETLOGON"), .type = HARDEN_STRING,
                   .text = T("RequireMutualAuthentication=1, RequireIntegrity=1"),
                   .gpo_name = T("Network/Network Provider: Hardened UNC Paths")},
        .kinds = ALL_KINDS, .argue = HARDEN_ARGUE_TEXT,
        ALWAYS("RequireMutualAuthentication=1, RequireIntegrity=1"),
    },

    /* ---- SMB over QUIC, other ports ---- */

    [HARDEN_ROW_SERVER_QUIC] = {
        .change = {.asks = T("the SMB server does not listen on QUIC (UDP 443)"),
                   .why = T("where nobody works from outside it is one more door"),
                   .breaks = T("SMB over QUIC of this server"),
                   .before_enforcing = T("flows of smb-quic in the matrix"),
                   .versions = T("Server 2022 Azure Edition, Server 2025"), .since_build = BUILD_2022,
                   .source = T(LEARN "SMB over QUIC; not in Microsoft's baseline"),
                   POLICY(SERVER_POLICY, "EnableSMBQUIC", 0), SERVER_SETS("EnableSMBQUIC"),
                   LANMAN_SERVER("Enable SMB over QUIC")},
        .weight = HARDEN_ADVISE, .kinds = SERVERS, OFF(1),
        DEFAULTS("", "", "", "UNCERTAIN: 1, with a certificate mapped", "", "",
                 "UNCERTAIN: 1, with a certificate mapped"),
    },
    [HARDEN_ROW_CLIENT_QUIC] = {
        .change = {.asks = T("the SMB client does not try QUIC (UDP 443)"),
                   .why = T("SMB that leaves by 443 is not seen by a block of 445"),
                   .breaks = T("SMB over QUIC to servers outside"),
                   .before_enforcing = T("flows of smb-quic in the matrix; SMBClient/Connectivity "
                                         "30832, 30833 (UNCERTAIN)"),
                   SINCE_24H2,
                   .source = T(LEARN "SMB over QUIC; not in Microsoft's baseline"),
                   POLICY(CLIENT_POLICY, "EnableSMBQUIC", 0), CLIENT_SETS("EnableSMBQUIC"),
                   LANMAN_CLIENT("Enable SMB over QUIC")},
        .weight = HARDEN_ADVISE, .kinds = ALL_KINDS, OFF(1), NEW("1"),
    },
    [HARDEN_ROW_QUIC_PIPES] = {
        .change = {.asks = T("named pipes are not reached over QUIC"),
                   .why = T("files from outside, but no remote administration"),
                   .breaks = T("administration over QUIC"),
                   .versions = T("Server 2022 Azure Edition, Server 2025"), .since_build = BUILD_2022,
                   .source = T(LEARN "SMB over QUIC (RestrictNamedpipeAccessViaQuic)"),
                   .number = 1, SERVER_SETS("RestrictNamedpipeAccessViaQuic")},
        .kinds = SERVERS, OFF(0), DEFAULTS("", "", "", "1", "", "", "1"),
    },
    [HARDEN_ROW_QUIC_AUDIT] = {
        .change = {.asks = T("the SMB server logs which certificates come over QUIC"),
                   .why = T("tells whom client access control would stop"), .breaks = T("nobody"),
                   .versions = T("Server 2025"), .since_build = BUILD_24H2,
                   .source = T(LEARN "SMB over QUIC client access control (AuditClientCertificateAccess)"),
                   .number = 1, SERVER_SETS("AuditClientCertificateAccess")},
        .tells = true, .kinds = SERVERS, OFF(0),
        DEFAULTS("", "", "", "", "", "", "0"),
    },
    [HARDEN_ROW_QUIC_ACCESS_CONTROL] = {
        .change = {.asks = T("a server on QUIC asks clients for a certificate"),
                   .why = T("only machines with a certificate get as far as a logon"),
                   .breaks = T("clients without a certificate"),
                   .before_enforcing = T("smb-server-quic-audit"),
                   .versions = T("Server 2022 Azure Edition with KB5035857, Server 2025"),
                   .since_build = BUILD_2022,
                   .source = T(LEARN "SMB over QUIC client access control: by hand for each name, "
                               "Set-SmbServerCertificateMapping -RequireClientAuthentication $true, "
                               "Grant-SmbClientAccessToServer")},
        .weight = HARDEN_CHECK, .kinds = SERVERS, DEFAULTS("", "", "", "0", "", "", "0"),
    },
    [HARDEN_ROW_ALTERNATIVE_PORTS] = {
        .change = {.asks = T("the SMB client uses no other ports than 445"),
                   .why = T("SMB on another port is not seen by a block of 445"),
                   .breaks = T("servers that were moved to another port on purpose"),
                   .before_enforcing = T("SMB on unlisted ports in the matrix"), SINCE_24H2,
                   .source = T(LEARN "SMB alternative ports; the value's name: UNCERTAIN"),
                   POLICY(CLIENT_POLICY, "EnableAlternativePorts", 0),
                   LANMAN_CLIENT("Enable Alternative Ports")},
        .weight = HARDEN_ADVISE, .kinds = ALL_KINDS, OFF(1), NEW("UNCERTAIN: 1"),
    },

    /* ---- Services ---- */

    [HARDEN_ROW_SERVER_SERVICE] = {
        .change = {.asks = T("the Server service is disabled where nobody may use it"),
                   .why = T("what does not listen can't be reached, whatever the firewall does"),
                   .breaks = T("sharing from this machine, and remote management over SMB pipes"),
                   .before_enforcing = T("Security 5140, 5145 of this machine"), EVERY,
                   .source = T("Beyond the Edge: How to Secure SMB Traffic in Windows; never on domain "
                               "controllers, file and print servers, cluster nodes"),
                   .service = T("LanmanServer"), .service_start = 4},
        .kinds = KIND(WORKSTATION), OF(SERVER_SERVICE), .as_server = BIT(SERVER_SERVICE),
        .has_off = true, .off = 2, ALWAYS("2"),
    },
    [HARDEN_ROW_WORKSTATION_SERVICE] = {
        .change = {.asks = T("the Workstation service runs"),
                   .why = T("Netlogon and so Group Policy of a domain member depend on it: it is never "
                            "to be disabled there"),
                   .breaks = T("nobody"), EVERY,
                   .source = T("Beyond the Edge: How to Secure SMB Traffic in Windows"),
                   .service = T("LanmanWorkstation"), .service_start = 2},
        .weight = HARDEN_CHECK, .kinds = ALL_KINDS, ALWAYS("2"),
    },
    [HARDEN_ROW_WEBCLIENT] = {
        .change = {.asks = T("the WebClient service is disabled"),
                   .why = T("where 445 is blocked Windows tries the same name by WebDAV on port 80, and "
                            "gives the logon away there"),
                   .breaks = T("drives mapped to WebDAV, old SharePoint views"), EVERY,
                   .source = T("design note: the fallback of the multiple UNC provider"),
                   .service = T("WebClient"), .service_start = 4},
        .weight = HARDEN_ADVISE, .kinds = ALL_KINDS, .has_off = true, .off = 3,
        DEFAULTS("3", "not installed", "not installed", "not installed", "3", "3", "not installed"),
    },

    /* ---- What is logged ---- */

    [HARDEN_ROW_AUDIT_FORCE] = {
        .change = {.asks = T("audit subcategories count, not the nine old categories"),
                   .why = T("else an old policy silently undoes the next rows"), .breaks = T("nobody"),
                   EVERY, .source = T("Microsoft security baseline, Security Options; MS-GPAC"),
                   STAYS(LSA_KEY, "SCENoApplyLegacyAuditPolicy", 1),
                   OPTION("Audit: Force audit policy subcategory settings (Windows Vista or later) to "
                          "override audit policy category settings"),
                   },
        .tells = true, .kinds = ALL_KINDS, OFF(0), ALWAYS("0"),
    },
    [HARDEN_ROW_AUDIT_FILE_SHARE] = {
        .change = {.asks = T("who opens which share is logged"),
                   .why = T("5140 is the list of those who need this server; once per session and share"),
                   .breaks = T("nobody"), EVERY,
                   .source = T("MS-GPAC 2.2.1.2; Policy CSP Audit"),
                   SUBCATEGORY("0CCE9224", "File Share", 3),
                   .gpo_name = T("Advanced Audit Policy: File Share"),
                   CSP("Audit", "ObjectAccess_AuditFileShare")},
        .tells = true, .kinds = ALL_KINDS,
        ALWAYS("UNCERTAIN: by edition and version"),
    },
    [HARDEN_ROW_AUDIT_DETAILED_FILE_SHARE] = {
        .change = {.asks = T("which files and pipes are opened over SMB is logged"),
                   .why = T("5145 tells administration by pipes from use of files"),
                   .breaks = T("nobody; very many events on a file server: turn it on for some days"), EVERY,
                   .source = T("MS-GPAC 2.2.1.2; Policy CSP Audit"),
                   SUBCATEGORY("0CCE9244", "Detailed File Share", 3),
                   .gpo_name = T("Advanced Audit Policy: Detailed File Share"),
                   CSP("Audit", "ObjectAccess_AuditDetailedFileShare")},
        .weight = HARDEN_ADVISE, .tells = true, .kinds = ALL_KINDS,
        ALWAYS("UNCERTAIN: by edition and version"),
    },
    [HARDEN_ROW_AUDIT_CONNECTION] = {
        .change = {.asks = T("blocked connections are logged"),
                   .why = T("5157 names the program and, since Windows 11, the rule that blocked"),
                   .breaks = T("whoever collects 5156: success is not logged, very many events; override it while audit-plan observes"), EVERY,
                   .source = T("MS-GPAC 2.2.1.2; Policy CSP Audit"),
                   SUBCATEGORY("0CCE9226", "Filtering Platform Connection", 2),
                   .gpo_name = T("Advanced Audit Policy: Filtering Platform Connection"),
                   CSP("Audit", "ObjectAccess_AuditFilteringPlatformConnection")},
        .tells = true, .kinds = ALL_KINDS,
        ALWAYS("UNCERTAIN: by edition and version"),
    },
    [HARDEN_ROW_AUDIT_PACKET_DROP] = {
        .change = {.asks = T("dropped packets are logged"),
                   .why = T("5152 where 5157 says nothing: packets to ports that nobody listens on"),
                   .breaks = T("nobody; many events"), EVERY,
                   .source = T("MS-GPAC 2.2.1.2; Policy CSP Audit"),
                   SUBCATEGORY("0CCE9225", "Filtering Platform Packet Drop", 2),
                   .gpo_name = T("Advanced Audit Policy: Filtering Platform Packet Drop"),
                   CSP("Audit", "ObjectAccess_AuditFilteringPlatformPacketDrop")},
        .weight = HARDEN_ADVISE, .tells = true, .kinds = ALL_KINDS,
        ALWAYS("UNCERTAIN: by edition and version"),
    },
    [HARDEN_ROW_AUDIT_RULE_CHANGE] = {
        .change = {.asks = T("changes of firewall rules are logged"),
                   .why = T("4946 to 4958: who opened what, and rules that this Windows could not read"),
                   .breaks = T("nobody"), EVERY,
                   .source = T("MS-GPAC 2.2.1.2; Policy CSP Audit"),
                   SUBCATEGORY("0CCE9232", "MPSSVC Rule-Level Policy Change", 3),
                   .gpo_name = T("Advanced Audit Policy: MPSSVC Rule-Level Policy Change"),
                   CSP("Audit", "PolicyChange_AuditMPSSVCRuleLevelPolicyChange")},
        .tells = true, .kinds = ALL_KINDS,
        ALWAYS("UNCERTAIN: by edition and version"),
    },
    [HARDEN_ROW_AUDIT_LOGON] = {
        .change = {.asks = T("logons and failed logons are logged"),
                   .why = T("4624 and 4625 of type 3 say who comes by SMB, by Kerberos or NTLM"),
                   .breaks = T("nobody"), EVERY,
                   .source = T("MS-GPAC 2.2.1.2; Policy CSP Audit"),
                   SUBCATEGORY("0CCE9215", "Logon", 3),
                   .gpo_name = T("Advanced Audit Policy: Logon"),
                   CSP("Audit", "AccountLogonLogoff_AuditLogon")},
        .tells = true, .kinds = ALL_KINDS,
        ALWAYS("UNCERTAIN: by edition and version"),
    },
    [HARDEN_ROW_AUDIT_CREDENTIALS] = {
        .change = {.asks = T("logons by NTLM are logged where they are checked"),
                   .why = T("4776 on the domain controller, of local accounts on the machine itself"),
                   .breaks = T("nobody"), EVERY,
                   .source = T("MS-GPAC 2.2.1.2; Policy CSP Audit"),
                   SUBCATEGORY("0CCE923F", "Credential Validation", 3),
                   .gpo_name = T("Advanced Audit Policy: Credential Validation"),
                   CSP("Audit", "AccountLogon_AuditCredentialValidation")},
        .tells = true, .kinds = ALL_KINDS,
        ALWAYS("UNCERTAIN: by edition and version"),
    },
    [HARDEN_ROW_AUDIT_KERBEROS] = {
        .change = {.asks = T("logons by Kerberos are logged"),
                   .why = T("4768, 4771: who logs on from where"),
                   .breaks = T("nobody; many events"), EVERY,
                   .source = T("MS-GPAC 2.2.1.2; Policy CSP Audit"),
                   SUBCATEGORY("0CCE9242", "Kerberos Authentication Service", 3),
                   .gpo_name = T("Advanced Audit Policy: Kerberos Authentication Service"),
                   CSP("Audit", "AccountLogon_AuditKerberosAuthenticationService")},
        .tells = true, .kinds = CONTROLLERS,
        ALWAYS("UNCERTAIN: by edition and version"),
    },
    [HARDEN_ROW_AUDIT_TICKETS] = {
        .change = {.asks = T("tickets for servers are logged"),
                   .why = T("4769: which server is asked for by whom"),
                   .breaks = T("nobody; many events"), EVERY,
                   .source = T("MS-GPAC 2.2.1.2; Policy CSP Audit"),
                   SUBCATEGORY("0CCE9240", "Kerberos Service Ticket Operations", 3),
                   .gpo_name = T("Advanced Audit Policy: Kerberos Service Ticket Operations"),
                   CSP("Audit", "AccountLogon_AuditKerberosServiceTicketOperations")},
        .tells = true, .kinds = CONTROLLERS,
        ALWAYS("UNCERTAIN: by edition and version"),
    },
    [HARDEN_ROW_AUDIT_IPSEC_MAIN] = {
        .change = {.asks = T("failed IPsec negotiations are logged (main mode)"),
                   .why = T("where entries say secure: 4652, 4653 tell why a machine can not authenticate"),
                   .breaks = T("nobody"), EVERY,
                   .source = T("MS-GPAC 2.2.1.2; Policy CSP Audit"),
                   SUBCATEGORY("0CCE9218", "IPsec Main Mode", 2),
                   .gpo_name = T("Advanced Audit Policy: IPsec Main Mode"),
                   CSP("Audit", "AccountLogonLogoff_AuditIPsecMainMode")},
        .weight = HARDEN_ADVISE, .tells = true, .kinds = ALL_KINDS,
        ALWAYS("UNCERTAIN: by edition and version"),
    },
    [HARDEN_ROW_AUDIT_IPSEC_QUICK] = {
        .change = {.asks = T("failed IPsec negotiations are logged (quick mode)"),
                   .why = T("where entries say secure: 4654"),
                   .breaks = T("nobody"), EVERY,
                   .source = T("MS-GPAC 2.2.1.2; Policy CSP Audit"),
                   SUBCATEGORY("0CCE9219", "IPsec Quick Mode", 2),
                   .gpo_name = T("Advanced Audit Policy: IPsec Quick Mode"),
                   CSP("Audit", "AccountLogonLogoff_AuditIPsecQuickMode")},
        .weight = HARDEN_ADVISE, .tells = true, .kinds = ALL_KINDS,
        ALWAYS("UNCERTAIN: by edition and version"),
    },
    PROFILE_ROWS(DOMAIN, "Domain"),
    PROFILE_ROWS(PRIVATE, "Private"),
    PROFILE_ROWS(PUBLIC, "Public"),
};
