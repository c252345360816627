/* SPDX-License-Identifier: Apache-2.0 */
/* What each machine does and how it is set up, as far as the matrix tells: roles with the reason
 * for each, posture, shares. Inference only: nothing here decides a flow.
 */
#pragma once

#include "hosts/hosts.h"
#include "matrix/view.h"

#define HOST_ROLES(X)                                                                              \
    X(SERVER, "smb-server")                                                                        \
    X(DOMAIN_CONTROLLER, "domain-controller")                                                      \
    X(FILE_SERVER, "file-server")                                                                  \
    X(PRINT_SERVER, "print-server")                                                                \
    X(NAS, "nas")                                                                                  \
    X(CLIENT, "client")                                                                            \
    X(SCANNER, "scanner")                                                                          \
    X(LATERAL, "client-and-server")

enum host_role {
#define X(name, text) HOST_ROLE_##name,
    HOST_ROLES(X)
#undef X
        HOST_ROLE_COUNT
};

#define SHARE_KINDS(X)                                                                             \
    X(USER, "user")                                                                                \
    X(ADMINISTRATIVE, "administrative")                                                            \
    X(IPC, "ipc")                                                                                  \
    X(SYSVOL, "sysvol") /* and NETLOGON */                                                         \
    X(PRINT, "print")

enum share_kind {
#define X(name, text) SHARE_KIND_##name,
    SHARE_KINDS(X)
#undef X
};

/* One row of the use relation: how often a user of a client used a share of a server. */
struct share_use {
    struct endpoint client, server;
    enum transport transport;
    uint16_t port;
    str share, pipe, user; /* as sent; pipe or user empty when not known */
    bool refused, is_printer;
    uint64_t count;
    int64_t first_us, last_us;
};

/* One share of one server. */
struct share_view {
    struct endpoint server;
    str server_name;    /* of the host, when known */
    str share;          /* the last part of the path: projects */
    struct names paths; /* as sent */
    enum share_kind kind;
    struct names users, clients; /* who used it */
    uint64_t used, refused;      /* times */
    int64_t first_us, last_us;
};

struct role_view {
    enum host_role role;
    str reason;
};

/* What scans say of one port of a host; port 0: of its SMB server. */
struct listening_view {
    struct endpoint server;
    enum transport transport;
    uint16_t port;
    enum listening_state state;
    uint8_t dialects; /* offered */
    enum signing signing;
    int64_t first_us, last_us; /* 0 = not said */
};

/* Who changed a host's shares or firewall. */
struct change_view {
    struct endpoint host;
    enum change_kind kind;
    str subject, detail, user;
    int64_t at_us;
};

/* As a server: what it speaks and accepts. */
struct posture {
    uint8_t dialects;
    bool smb1;
    enum signing signing; /* its own as a server, weakest; UNKNOWN when it never served */
    enum known encrypted;
    bool guest, anonymous, ntlmv1; /* presented to it */
    /* What scans were offered: kept apart from what was negotiated. */
    uint8_t offered_dialects;
    enum signing offered_signing; /* the weakest */
    struct names conflicts; /* between the two: "signing: negotiated enabled, offered required" */
};

struct host_view {
    const struct host *host;
    const struct role_view *roles;
    size_t n_roles;
    struct posture posture;
    struct names shares;       /* last parts of the paths it granted */
    int64_t first_us, last_us; /* of its flows; 0 when it is only named */
    uint64_t connections_in, connections_out;
    const struct listening_view *listenings;
    size_t n_listenings;
    const struct change_view *changes; /* by time */
    size_t n_changes;
};

struct hosts_view {
    const struct host_view *hosts; /* in the order of host_list */
    size_t n;
};

str roles_text(enum host_role role);
str roles_share_kind_text(enum share_kind kind);
enum share_kind roles_share_kind(str share); /* the last part of the path */

struct hosts_view roles_of(struct arena *arena, const struct host_list *hosts,
                           const struct matrix_view *matrix, const struct share_view *shares,
                           size_t n_shares);
/* What scans and logs tell of the hosts themselves, beside what their flows do; both lists as
 * store_load_* give them. Hosts that only a log named, without any address, are added at the end:
 * those have no intervals. */
struct hosts_view roles_add_told(struct arena *arena, struct hosts_view view,
                                 const struct host_list *hosts,
                                 const struct listening_view *listenings, size_t n_listenings,
                                 const struct change_view *changes, size_t n_changes);
/* Groups uses by (server, share); ordered by server, then share. */
const struct share_view *roles_shares(struct arena *arena, const struct share_use *uses, size_t n,
                                      const struct host_list *hosts, size_t *n_shares);
