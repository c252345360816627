/* SPDX-License-Identifier: Apache-2.0 */
/* Facts: what readers make of evidence (DESIGN.md 3). An observation is one session attempt as one
 * vantage point saw it; a use says which share or pipe was used by whom within it; an identity ties
 * a name to an address for a time. Lists of names are owned by the reader until the sink returns.
 */
#pragma once

#include "base/addr.h"
#include "base/service.h"
#include "base/str.h"

#define OUTCOMES(X)                                                                                \
    X(ESTABLISHED, "established")                                                                  \
    X(REFUSED, "refused")                                                                          \
    X(NO_ANSWER, "no-answer")                                                                      \
    X(PROHIBITED, "prohibited")                                                                    \
    X(ALLOWED, "allowed")                                                                          \
    X(BLOCKED, "blocked")                                                                          \
    X(ACCESSED, "accessed")                                                                        \
    X(AUTH_FAILED, "auth-failed")

/* OUTCOME_NONE: the flow exists, but nothing tells how it went (no SYN and no payload, CLOSE). */
enum outcome {
    OUTCOME_NONE,
#define X(name, text) OUTCOME_##name,
    OUTCOMES(X)
#undef X
        OUTCOME_COUNT
};

#define DIALECTS(X)                                                                                \
    X(NT_LM_012, "nt-lm-0.12")                                                                     \
    X(2_0_2, "2.0.2")                                                                              \
    X(2_1, "2.1")                                                                                  \
    X(3_0, "3.0")                                                                                  \
    X(3_0_2, "3.0.2")                                                                              \
    X(3_1_1, "3.1.1")

/* Bits of a dialect set are 1u << DIALECT_x. */
enum dialect {
#define X(name, text) DIALECT_##name,
    DIALECTS(X)
#undef X
        DIALECT_COUNT
};

/* From weakest to strongest, so that the weakest known is the smallest that is not UNKNOWN. */
#define SIGNINGS(X)                                                                                \
    X(DISABLED, "disabled")                                                                        \
    X(ENABLED, "enabled")                                                                          \
    X(REQUIRED, "required")

enum signing {
    SIGNING_UNKNOWN,
#define X(name, text) SIGNING_##name,
    SIGNINGS(X)
#undef X
        SIGNING_COUNT
};

#define AUTHS(X)                                                                                   \
    X(KERBEROS, "kerberos")                                                                        \
    X(NTLMV1, "ntlmv1")                                                                            \
    X(NTLMV2, "ntlmv2")                                                                            \
    X(GUEST, "guest")                                                                              \
    X(ANONYMOUS, "anonymous")

enum auth {
#define X(name, text) AUTH_##name,
    AUTHS(X)
#undef X
        AUTH_COUNT
};

#define PROFILES(X)                                                                                \
    X(DOMAIN, "domain")                                                                            \
    X(PRIVATE, "private")                                                                          \
    X(PUBLIC, "public")

enum profile {
#define X(name, text) PROFILE_##name,
    PROFILES(X)
#undef X
        PROFILE_COUNT,
    PROFILE_UNKNOWN = PROFILE_COUNT
};

#define CIPHERS(X)                                                                                 \
    X(AES_128_CCM, "aes-128-ccm")                                                                  \
    X(AES_128_GCM, "aes-128-gcm")                                                                  \
    X(AES_256_CCM, "aes-256-ccm")                                                                  \
    X(AES_256_GCM, "aes-256-gcm")

/* Bits of a cipher set are 1u << CIPHER_x. */
enum cipher {
#define X(name, text) CIPHER_##name,
    CIPHERS(X)
#undef X
        CIPHER_COUNT
};

/* What a format implies but does not say (bits). */
#define ASSUMPTIONS(X)                                                                             \
    X(TIMEZONE, "timezone")                                                                        \
    X(PORT, "port")                                                                                \
    X(SERVER, "server")                                                                            \
    X(DIRECTION, "direction")                                                                      \
    X(CLOCK, "clock") /* times count from the boot of the host that wrote them */

enum assumption {
#define X(name, text) ASSUMED_##name,
    ASSUMPTIONS(X)
#undef X
        ASSUMED_COUNT
};

enum known { KNOWN_NOT, KNOWN_NO, KNOWN_YES };

str outcome_text(enum outcome outcome);
str dialect_text(enum dialect dialect);
str signing_text(enum signing signing); /* empty for SIGNING_UNKNOWN */
str auth_text(enum auth auth);
str profile_text(enum profile profile);
bool profile_parse(str text, enum profile *out);
str assumption_text(enum assumption assumption);
str cipher_text(enum cipher cipher);

/* An end of a flow: an address, or (events without one) a name. */
struct endpoint {
    struct addr addr; /* none: the name is all that is known */
    str name;
};

struct names {
    const str *items;
    size_t n;
};

/* What SMB itself told, where known. Zero = nothing known. */
struct smb_facts {
    uint8_t dialects; /* bit set of enum dialect: the server's final choices */
    enum signing client_signing, server_signing;
    uint64_t pdus, signed_pdus, encrypted_pdus;
    enum known encrypted; /* DESIGN.md 7: YES when a transform header was seen */
    enum known compressed;
    uint8_t auths;   /* bit set of enum auth */
    uint8_t ciphers; /* bit set of enum cipher: the server's choice */
    /* The server chose a compression in its negotiate response (not: data was compressed). */
    enum known compression_offered;
};

struct observation {
    struct endpoint client, server;
    enum transport transport;
    uint16_t client_port; /* 0 = not known */
    uint16_t port;        /* of the server */
    bool is_smb;          /* decoded as SMB (also on a port that no service has) */
    int64_t first_us, last_us;
    uint64_t count; /* session attempts; 1 for a TCP stream or a log line */
    uint64_t bytes_to_server, bytes_to_client;
    enum outcome outcome;
    enum profile profile;
    uint8_t assumed; /* bit set of enum assumption */
    /* A later line about a connection that an earlier one opened (CLOSE): never a connection of its
     * own when its opening is known. */
    bool closes;
    /* Tells of a session under way (a share access, a capture that begins in mid-stream, a flow
     * record without a SYN): a part of the connection that began last before it, and one of its own
     * only when none is known. */
    bool within;
    struct smb_facts smb;
    struct names users, client_names, server_names, shares, shares_refused, pipes;
    struct names interfaces; /* RPC interfaces bound over pipes: "srvsvc", else the UUID */
    uint64_t offset;         /* where in the source: byte offset or record number */
};

/* One share or pipe used within a connection. */
struct use {
    struct endpoint client, server;
    enum transport transport;
    uint16_t client_port, port;
    int64_t start_us; /* of the connection: its key */
    int64_t first_us, last_us;
    uint64_t count;
    str share; /* as sent: \\FS01\projects */
    str pipe;  /* srvsvc; empty for plain files */
    str user;  /* DOMAIN\user; empty = unknown or anonymous */
    bool refused;
    bool is_printer; /* the server said that the share is a print queue */
    uint64_t offset;
};

enum identity_source {
    IDENTITY_NTLM,      /* host name in an NTLM message */
    IDENTITY_NBSS,      /* calling or called NetBIOS name */
    IDENTITY_TREE_PATH, /* server part of a tree connect path */
    IDENTITY_KERBEROS,  /* cifs/host in an AP-REQ */
    IDENTITY_LOG,       /* the log says it of itself */
    IDENTITY_USER,      /* the admin says so */
    IDENTITY_DNS,       /* the domain name system, as a scan asked it */
    IDENTITY_SOURCE_COUNT,
};

/* address is (or answers to) name, seen at that time. */
struct identity {
    struct addr addr;
    str name;
    int64_t seen_us;
    enum identity_source source;
    uint64_t offset;
};

/* What a scan or an inventory says of a port; or, with port 0, of the host's SMB server. */
#define LISTENING_STATES(X) X(OPEN, "open") X(CLOSED, "closed") X(FILTERED, "filtered")
enum listening_state {
#define X(name, text) LISTENING_##name,
    LISTENING_STATES(X)
#undef X
        LISTENING_COUNT
};
str listening_text(enum listening_state state);

struct listening {
    struct endpoint server;
    enum transport transport;
    uint16_t port;
    enum listening_state state;
    uint8_t dialects;     /* offered: bit set of enum dialect */
    enum signing signing; /* of the server */
    int64_t seen_us;      /* 0 = not said */
    uint64_t offset;
};

/* Somebody changed what a host shares, or its firewall. */
#define CHANGES(X)                                                                                 \
    X(SHARE_ADDED, "share-added")                                                                  \
    X(SHARE_MODIFIED, "share-modified")                                                            \
    X(SHARE_DELETED, "share-deleted")                                                              \
    X(RULE_ADDED, "rule-added")                                                                    \
    X(RULE_MODIFIED, "rule-modified")                                                              \
    X(RULE_DELETED, "rule-deleted")                                                                \
    X(RULES_RESET, "rules-reset")                                                                  \
    X(SETTING_CHANGED, "firewall-setting-changed")                                                 \
    X(PROFILE_CHANGED, "network-profile-changed")                                                  \
    X(POLICY_APPLIED, "group-policy-applied")                                                      \
    X(RULE_IGNORED, "rule-ignored")
enum change_kind {
#define X(name, text) CHANGE_##name,
    CHANGES(X)
#undef X
        CHANGE_COUNT
};
str change_text(enum change_kind kind);

struct change {
    struct endpoint host; /* by name, as its log says */
    enum change_kind kind;
    str subject; /* share path as \\FS01\projects, rule id, setting */
    str detail;  /* one line: the rule's name, the share's folder */
    str user;    /* who did it; empty = not said */
    int64_t at_us;
    uint64_t offset;
};

/* A part of a source that could not be read. */
struct skip {
    uint64_t offset, length; /* length 0 = unknown */
    str reason;
};

/* Where a reader puts its facts. All members are set; see fact_sink_none. */
struct fact_sink {
    void *to;
    void (*observation)(void *to, const struct observation *fact);
    void (*use)(void *to, const struct use *fact);
    void (*identity)(void *to, const struct identity *fact);
    void (*skip)(void *to, const struct skip *fact);
    /* An address of the host that wrote the log (so: its origin). May be called often. */
    void (*local_address)(void *to, struct addr addr);
    /* One record (packet, line, event) of the source was read, at that time (0 = has none). */
    void (*record)(void *to, int64_t at_us);
    /* Logs: the identity of the record that the next observation, use, listening or change comes
     * from, for overlap. The same record in two formats of one family has the same identity. */
    void (*line_hash)(void *to, uint64_t hash);
    /* That record has a number which its host gave to it alone: the same identity again is the same
     * record, also within one source. (Lines of text without a number may repeat.) */
    void (*numbered)(void *to);
    /* The host that wrote what comes next, as the records name it ("FS01.contoso.com"): their
     * stream, and their row of the coverage. Never called by formats that don't say. Cheap when the
     * name is the one said before. */
    void (*origin)(void *to, str host);
    void (*listening)(void *to, const struct listening *fact);
    void (*change)(void *to, const struct change *fact);
    /* A record of use that can't be tied to a flow; `what` is a fixed plural such as "failed
     * network logons whose service the log does not tell". Counted per source and text. */
    void (*unplaced)(void *to, str what, int64_t at_us);
    /* Captures (OVERLAP_CONTENT_HASH): bytes that identify the content, in order: record headers
     * and protocol headers are enough, so that payload is never touched for it. */
    void (*content)(void *to, bytes piece);
};
/* A sink that takes everything and keeps nothing: for tests, which set the members they look at. */
struct fact_sink fact_sink_none(void);
