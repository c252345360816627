/* SPDX-License-Identifier: Apache-2.0 */
/* The hardening baseline as what is set on a machine: one table (baseline.c), of which every
 * Windows target writes its own column. harden/harden.h judges flows by the same ids.
 */
#pragma once

#include "policy/resolve.h"

/* What a machine is for the baseline: by the roles of its groups; else a member server when
 * somebody may reach it by SMB, else a workstation. */
#define HARDEN_KINDS(X)                                                                            \
    X(WORKSTATION, "workstation")                                                                  \
    X(MEMBER_SERVER, "member server")                                                              \
    X(FILE_SERVER, "file server")                                                                  \
    X(DOMAIN_CONTROLLER, "domain controller")                                                      \
    X(PRINT_SERVER, "print server")
enum harden_kind {
#define X(name, text) HARDEN_KIND_##name,
    HARDEN_KINDS(X)
#undef X
        HARDEN_KIND_COUNT
};
str harden_kind_text(enum harden_kind kind);

/* One value in one place. What a dialect has no place for is empty there. */
struct harden_change {
    str id;                  /* "smb-server-signing": stable, [a-z0-9-]; one per value set */
    str asks;                /* "the SMB server requires signing" */
    str why, breaks, source; /* source: document and section; UNCERTAIN stays in it */
    str before_enforcing;    /* the event or audit switch that tells first; empty = none */
    str versions;            /* "Windows 11 24H2, Server 2025": where the setting exists */
    uint32_t since_build;    /* of Windows; 0 = all that are supported */

    /* The registry, without HKLM\. Under a Policies key the value goes when the GPO goes; elsewhere
     * it stays ("tattoos") and a rollback must put back what was there. */
    str key, value;
    enum { HARDEN_DWORD, HARDEN_STRING, HARDEN_STRINGS } type; /* STRINGS: parted by '\n' */
    uint32_t number;
    str text;
    bool tattoos;

    str gpo_name; /* as the editor shows it */
    /* PowerShell: `<set_cmdlet> -<parameter> <argument>`, read back by
     * `(<get_cmdlet>).<parameter>`; empty = the registry value is set instead. */
    str set_cmdlet, get_cmdlet, parameter, argument;
    str mdm_path;               /* "./Device/Vendor/MSFT/Policy/Config/..."; empty = none */
    str mdm_format, mdm_data;   /* "int", "chr" */
    str service;                /* a start type instead of a value: "LanmanServer" */
    uint32_t service_start;     /* 4 = disabled */
    str feature;                /* an optional feature to remove: "SMB1Protocol" */
    str audit_guid, audit_name; /* an audit subcategory, in audit_setting */
    uint32_t audit_setting;     /* 1 success, 2 failure, 3 both */
};

/* What machines of a kind are set to under this policy's hardening: nothing when it is off, what
 * only tells (audit switches, subcategories, firewall log) in mode audit, all of it in mode
 * enforce; without what `overrides` leaves out. The array is the arena's; its order is that of the
 * table. */
const struct harden_change *harden_changes(const struct policy *policy, enum harden_kind kind,
                                           struct arena *arena, size_t *n);
