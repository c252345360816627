/* SPDX-License-Identifier: Apache-2.0 */
/* The words of `hardening:` (DESIGN.md 4): what the baseline's settings are called, what machines
 * are for it, and where a policy goes its own way. What each setting is stands in one table,
 * harden/baseline_rows.c; what of a flow is judged by them in harden/harden.h.
 */
#pragma once

#include "base/zone.h"
#include "policy/policy.h"

/* What a machine is for the baseline: by the roles of its groups; else a member server when
 * somebody may reach it by SMB, else a workstation. (rules/hardened.h tells.) */
#define HARDEN_KINDS(X)                                                                            \
    X(WORKSTATION, "workstation")                                                                  \
    X(MEMBER_SERVER, "member-server")                                                              \
    X(FILE_SERVER, "file-server")                                                                  \
    X(DOMAIN_CONTROLLER, "domain-controller")                                                      \
    X(PRINT_SERVER, "print-server")
enum harden_kind {
#define X(name, text) HARDEN_KIND_##name,
    HARDEN_KINDS(X)
#undef X
        HARDEN_KIND_COUNT
};
str harden_kind_text(enum harden_kind kind);

/* What a setting may be told to be, besides on, off and leave. */
enum harden_values {
    HARDEN_VALUES_FLAG,
    HARDEN_VALUES_DIALECT,      /* "2.0.2" to "3.1.1" */
    HARDEN_VALUES_MILLISECONDS, /* 0 to 10000 in steps of 100 */
    HARDEN_VALUES_KILOBYTES,    /* 1 to 32767 */
};

/* What flows are judged by: a word for all rows of the table that belong to it. */
#define HARDEN_SETTINGS(X)                                                                         \
    X(SMB1, "smb1-off", FLAG)                                                                      \
    X(DIALECT, "minimum-dialect", DIALECT)                                                         \
    X(SIGNING, "signing-required", FLAG)                                                           \
    X(ENCRYPTION, "encryption", FLAG)                                                              \
    X(GUEST, "guest-off", FLAG)                                                                    \
    X(NULL_SESSION, "null-sessions-restricted", FLAG)                                              \
    X(NTLMV1, "ntlmv1-off", FLAG)                                                                  \
    X(NTLM, "ntlm-blocked", FLAG)                                                                  \
    X(SERVER_SERVICE, "server-service-off", FLAG)
enum harden_id {
#define X(id, name, values) HARDEN_##id,
    HARDEN_SETTINGS(X)
#undef X
        HARDEN_COUNT
};
str harden_id_text(enum harden_id id); /* "smb1-off" */

/* The rows, in the order of the table: one value in one place each. Names are stable. */
#define HARDEN_ROWS(X)                                                                             \
    X(SMB1_AUDIT, "smb1-audit", FLAG)                                                              \
    X(SMB1_SERVER, "smb1-server", FLAG)                                                            \
    X(SMB1_CLIENT, "smb1-client", FLAG)                                                            \
    X(SMB1_FEATURE, "smb1-feature", FLAG)                                                          \
    X(SERVER_AUDIT_SIGNING, "smb-server-audit-signing", FLAG)                                      \
    X(CLIENT_AUDIT_SIGNING, "smb-client-audit-signing", FLAG)                                      \
    X(SERVER_SIGNING, "smb-server-signing", FLAG)                                                  \
    X(CLIENT_SIGNING, "smb-client-signing", FLAG)                                                  \
    X(SERVER_AUDIT_ENCRYPTION, "smb-server-audit-encryption", FLAG)                                \
    X(CLIENT_AUDIT_ENCRYPTION, "smb-client-audit-encryption", FLAG)                                \
    X(SERVER_ENCRYPTION, "smb-server-encryption", FLAG)                                            \
    X(SERVER_REJECT_CLEAR, "smb-server-reject-unencrypted", FLAG)                                  \
    X(CLIENT_ENCRYPTION, "smb-client-encryption", FLAG)                                            \
    X(SERVER_MIN_DIALECT, "smb-server-min-dialect", DIALECT)                                       \
    X(SERVER_MAX_DIALECT, "smb-server-max-dialect", DIALECT)                                       \
    X(CLIENT_MIN_DIALECT, "smb-client-min-dialect", DIALECT)                                       \
    X(CLIENT_MAX_DIALECT, "smb-client-max-dialect", DIALECT)                                       \
    X(SERVER_AUDIT_GUEST, "smb-server-audit-guest", FLAG)                                          \
    X(CLIENT_AUDIT_GUEST, "smb-client-audit-guest", FLAG)                                          \
    X(CLIENT_GUEST, "smb-client-guest", FLAG)                                                      \
    X(NTLM_AUDIT_OUT, "ntlm-audit-outgoing", FLAG)                                                 \
    X(NTLM_AUDIT_IN, "ntlm-audit-incoming", FLAG)                                                  \
    X(NTLM_AUDIT_DOMAIN, "ntlm-audit-domain", FLAG)                                                \
    X(CLIENT_BLOCK_NTLM, "smb-client-block-ntlm", FLAG)                                            \
    X(LM_LEVEL, "lm-compatibility-level", FLAG)                                                    \
    X(NTLMV1_SSO, "ntlmv1-sso", FLAG)                                                              \
    X(PLAIN_PASSWORD, "plain-text-password", FLAG)                                                 \
    X(RATE_LIMITER, "smb-server-rate-limiter", FLAG)                                               \
    X(RATE_DELAY, "smb-server-rate-limiter-delay", MILLISECONDS)                                   \
    X(SERVER_MAILSLOTS, "smb-server-mailslots", FLAG)                                              \
    X(CLIENT_MAILSLOTS, "smb-client-mailslots", FLAG)                                              \
    X(NULL_ACCESS, "null-session-access", FLAG)                                                    \
    X(NULL_PIPES, "null-session-pipes", FLAG)                                                      \
    X(NULL_SHARES, "null-session-shares", FLAG)                                                    \
    X(NULL_FALLBACK, "null-session-fallback", FLAG)                                                \
    X(RESTRICT_ANONYMOUS, "restrict-anonymous", FLAG)                                              \
    X(RESTRICT_ANONYMOUS_SAM, "restrict-anonymous-sam", FLAG)                                      \
    X(EVERYONE_ANONYMOUS, "everyone-includes-anonymous", FLAG)                                     \
    X(REMOTE_SAM, "restrict-remote-sam", FLAG)                                                     \
    X(SPN_VALIDATION, "smb-server-spn-validation", FLAG)                                           \
    X(TOKEN_FILTER, "local-accounts-filtered", FLAG)                                               \
    X(ADMIN_SHARES_CLIENT, "admin-shares-workstation", FLAG)                                       \
    X(ADMIN_SHARES_SERVER, "admin-shares-server", FLAG)                                            \
    X(UNC_SYSVOL, "unc-hardening-sysvol", FLAG)                                                    \
    X(UNC_NETLOGON, "unc-hardening-netlogon", FLAG)                                                \
    X(SERVER_QUIC, "smb-server-quic", FLAG)                                                        \
    X(CLIENT_QUIC, "smb-client-quic", FLAG)                                                        \
    X(QUIC_PIPES, "smb-server-quic-pipes", FLAG)                                                   \
    X(QUIC_AUDIT, "smb-server-quic-audit", FLAG)                                                   \
    X(QUIC_ACCESS_CONTROL, "smb-server-quic-client-access", FLAG)                                  \
    X(ALTERNATIVE_PORTS, "smb-client-alternative-ports", FLAG)                                     \
    X(SERVER_SERVICE, "server-service", FLAG)                                                      \
    X(WORKSTATION_SERVICE, "workstation-service", FLAG)                                            \
    X(WEBCLIENT, "webclient-service", FLAG)                                                        \
    X(AUDIT_FORCE, "audit-subcategories", FLAG)                                                    \
    X(AUDIT_FILE_SHARE, "audit-file-share", FLAG)                                                  \
    X(AUDIT_DETAILED_FILE_SHARE, "audit-detailed-file-share", FLAG)                                \
    X(AUDIT_CONNECTION, "audit-filtering-connection", FLAG)                                        \
    X(AUDIT_PACKET_DROP, "audit-filtering-packet-drop", FLAG)                                      \
    X(AUDIT_RULE_CHANGE, "audit-firewall-rule-change", FLAG)                                       \
    X(AUDIT_LOGON, "audit-logon", FLAG)                                                            \
    X(AUDIT_CREDENTIALS, "audit-credential-validation", FLAG)                                      \
    X(AUDIT_KERBEROS, "audit-kerberos-authentication", FLAG)                                       \
    X(AUDIT_TICKETS, "audit-kerberos-tickets", FLAG)                                               \
    X(AUDIT_IPSEC_MAIN, "audit-ipsec-main-mode", FLAG)                                             \
    X(AUDIT_IPSEC_QUICK, "audit-ipsec-quick-mode", FLAG)                                           \
    X(LOG_DROPPED_DOMAIN, "firewall-log-dropped-domain", FLAG)                                     \
    X(LOG_DROPPED_PRIVATE, "firewall-log-dropped-private", FLAG)                                   \
    X(LOG_DROPPED_PUBLIC, "firewall-log-dropped-public", FLAG)                                     \
    X(LOG_ALLOWED_DOMAIN, "firewall-log-allowed-domain", FLAG)                                     \
    X(LOG_ALLOWED_PRIVATE, "firewall-log-allowed-private", FLAG)                                   \
    X(LOG_ALLOWED_PUBLIC, "firewall-log-allowed-public", FLAG)                                     \
    X(LOG_SIZE_DOMAIN, "firewall-log-size-domain", KILOBYTES)                                      \
    X(LOG_SIZE_PRIVATE, "firewall-log-size-private", KILOBYTES)                                    \
    X(LOG_SIZE_PUBLIC, "firewall-log-size-public", KILOBYTES)                                      \
    X(LOG_PATH_DOMAIN, "firewall-log-path-domain", FLAG)                                           \
    X(LOG_PATH_PRIVATE, "firewall-log-path-private", FLAG)                                         \
    X(LOG_PATH_PUBLIC, "firewall-log-path-public", FLAG)
enum harden_row {
#define X(id, name, values) HARDEN_ROW_##id,
    HARDEN_ROWS(X)
#undef X
        HARDEN_ROW_COUNT
};
str harden_row_text(enum harden_row row); /* "smb-server-signing" */

/* Where a policy goes its own way. Of those that are alive and speak of a machine and a row, the
 * first one counts. */
struct harden_override {
    struct place place;
    size_t setting;            /* enum harden_row; or HARDEN_ROW_COUNT + enum harden_id */
    struct selectors machines; /* not given: all */
    bool has_kind;
    enum harden_kind kind; /* and only those of this kind */
    enum harden_to {
        HARDEN_TO_LEAVE,  /* nothing is set: what the machine has stays */
        HARDEN_TO_ON,     /* as the table says, also where the baseline only advises it */
        HARDEN_TO_OFF,    /* the opposite, where the row has one; else it is left */
        HARDEN_TO_NUMBER, /* `number` */
    } to;
    uint32_t number;
    str value, reason; /* as written */
    str expires;       /* as written; empty = never */
    bool expires_is_date;
    int64_t expires_us; /* INT64_MAX = never; a date alone is taken as UTC's until hardening_zone */
};

struct reading;
struct node;
/* A reader for the key `overrides` of a policy. */
void hardening_read_overrides(struct reading *r, const struct node *value, void *into,
                              const void *about);
/* Dates of overrides are midnights in the policy's time zone, as those of exceptions are. */
bool hardening_has_dates(const struct policy *policy);
void hardening_zone(struct policy *policy, const struct zone *zone, struct arena *arena);
/* Of those of the policy, which are alive: bits. */
uint64_t hardening_living(const struct policy *policy, int64_t at_us);
