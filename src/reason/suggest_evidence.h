/* SPDX-License-Identifier: Apache-2.0 */
/* What the evidence says of machines, as far as a proposal needs it: who serves, who uses, who
 * administers, who belongs to the domain. Every rule of inference that `suggest` goes by is here, a
 * line each in docs/suggest.md.
 */
#pragma once

#include "matrix/roles.h"
#include "reason/check.h"

/* What is read; all of it stays where it is. */
struct suggest_sources {
    const struct matrix_view *matrix;
    const struct host_list *hosts;
    const struct hosts_view *views; /* with what is told of hosts; may be longer than the list */
    const struct share_view *shares;
    size_t n_shares;
    const struct check_controller *controllers; /* domain controllers known to the workspace */
    size_t n_controllers;
    /* The admin's own word; addresses. */
    const struct addr *named_controllers;
    size_t n_named_controllers;
    const struct prefix *named_networks; /* managed, says the admin */
    size_t n_named_networks;
};

/* Why a machine is taken for one of the domain (bits). */
#define SUGGEST_WITNESSES(X)                                                                       \
    X(CONTROLLER, "is a domain controller")                                                        \
    X(KERBEROS, "Kerberos")                                                                        \
    X(LOGON, "used a domain controller")                                                           \
    X(LOG, "own Windows log")                                                                      \
    X(ACCEPTED, "accepted domain accounts")                                                        \
    X(ACCOUNT, "domain account by NTLM")
enum suggest_witness {
#define X(name, text) SUGGEST_WITNESS_##name,
    SUGGEST_WITNESSES(X)
#undef X
        SUGGEST_WITNESS_COUNT
};
str suggest_evidence_witness_text(enum suggest_witness witness);

enum {
    /* Who used administrative shares or services of so many machines is taken for management. */
    SUGGEST_ADMINISTERED = 3,
};

struct suggest_machine {
    const struct host *host;
    const struct host_view *view;
    bool seen; /* it used or served something, or answered; false: it was only tried */
    bool is_controller, is_print_server, is_file_server, is_foreign /* not Windows */;
    bool is_scanner, is_management, has_own_log;
    bool is_endpoint;          /* a client's machine: what it serves is a matter of its own */
    bool is_at_port;           /* it served SMB on 445 or 139, not only elsewhere */
    uint32_t uses, serves;     /* distinct machines over SMB that worked */
    uint32_t uses_members;     /* of `uses`: other than domain controllers */
    uint32_t serves_plainly;   /* of `serves`: other than machines of management */
    uint32_t administers;      /* distinct machines whose administrative shares it used */
    uint8_t domain;            /* bit set of enum suggest_witness */
    str account;               /* one of the domain accounts it presented */
    str foreign_because;       /* "SMB 1 only" */
    int64_t first_us, last_us; /* of flows that worked; 0 = none or no clock */
};

/* Where a machine was seen at work. */
struct suggest_address {
    struct addr addr;
    uint32_t machine;
    bool used, served, logged; /* as a client, as a server, in its own log */
};

/* One machine used SMB of another. */
struct suggest_visit {
    uint32_t client, server;
};

struct suggest_machines {
    struct suggest_machine *items; /* in the order of host_list */
    size_t n;
    const struct suggest_address *addresses; /* of machines that were seen; by address, machine */
    size_t n_addresses;
    const struct suggest_visit *visits; /* distinct; by client, then server */
    size_t n_visits;
    const struct suggest_sources *sources;
};

enum suggest_administration {
    ADMINISTRATION_NONE,
    ADMINISTRATION_ALSO, /* beside plain shares */
    ADMINISTRATION_ONLY,
};

struct suggest_machines suggest_evidence_machines(const struct suggest_sources *sources,
                                                  struct arena *arena);
/* The machine of an end at the flow's time; SIZE_MAX = it has no address. */
size_t suggest_evidence_machine(const struct suggest_machines *all, struct endpoint end,
                                int64_t at_us);
/* Administrative shares (C$, ADMIN$) or pipes (svcctl, atsvc, winreg) that were granted. */
enum suggest_administration suggest_evidence_administration(const struct matrix_flow *flow);
/* Every account was guest or anonymous, and at least one was. */
bool suggest_evidence_is_guest(const struct matrix_flow *flow);
/* SMB was spoken, and nothing newer than SMB 1. */
bool suggest_evidence_is_smb1(const struct matrix_flow *flow);
/* A NetBIOS datagram to an address that ends as directed broadcasts do: no machine is meant. */
bool suggest_evidence_is_broadcast(const struct matrix_flow *flow);
/* TCP 445 or 139, or SMB elsewhere. */
bool suggest_evidence_is_smb(const struct matrix_flow *flow);
/* "dc01.contoso.com", else its first address; never with characters that a YAML comment or a
 * terminal would obey. */
str suggest_evidence_label(const struct suggest_machine *machine, struct arena *arena);
/* Text from evidence for a comment: one line, no control characters, valid UTF-8, cut at `most`
 * characters. */
str suggest_evidence_plain(struct arena *arena, str text, size_t most);
