/* SPDX-License-Identifier: Apache-2.0 */
/* The hardening baseline as what is set on a machine: one table (baseline_rows.c), of which every
 * Windows target writes its own column. harden/harden.h judges flows by the settings that its rows
 * belong to.
 */
#pragma once

#include "harden/harden.h"
#include "rules/bundle.h"

/* The versions of Windows whose defaults the table has. */
#define HARDEN_WINDOWS(X)                                                                          \
    X(10, "Windows 10", 19045, false)                                                              \
    X(2016, "Server 2016", 14393, true)                                                            \
    X(2019, "Server 2019", 17763, true)                                                            \
    X(2022, "Server 2022", 20348, true)                                                            \
    X(11, "Windows 11 to 23H2", 22631, false)                                                      \
    X(11_24H2, "Windows 11 24H2", 26100, false)                                                    \
    X(2025, "Server 2025", 26100, true)
enum harden_windows {
#define X(id, text, build, server) HARDEN_WINDOWS_##id,
    HARDEN_WINDOWS(X)
#undef X
        HARDEN_WINDOWS_COUNT
};
str harden_windows_text(enum harden_windows windows);
/* The version that a build of that family behaves as; HARDEN_WINDOWS_COUNT = older than all. */
enum harden_windows harden_windows_of(uint32_t build, bool server);

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
    str mdm_format, mdm_data;   /* "int", "chr", "bool" */
    str service;                /* a start type instead of a value: "LanmanServer" */
    uint32_t service_start;     /* 4 = disabled */
    str feature;                /* an optional feature to remove: "SMB1Protocol" */
    str server_feature;         /* the same by the roles of Windows Server: "FS-SMB1" */
    str audit_guid, audit_name; /* an audit subcategory, in audit_setting */
    uint32_t audit_setting;     /* 1 success, 2 failure, 3 both */
};

enum harden_weight {
    HARDEN_SET,    /* the baseline sets it */
    HARDEN_ADVISE, /* it leaves it open: set where an override turns it on */
    HARDEN_CHECK,  /* never written: only compared, or a person's work */
};

/* A row of the table. */
struct harden_entry {
    /* As the baseline has it; what depends on the number (argument, mdm_data) is empty here. */
    struct harden_change change;
    enum harden_weight weight;
    bool tells;    /* stops nothing and says who would be stopped: set in mode audit, too */
    uint8_t kinds; /* bits of enum harden_kind */
    bool belongs;  /* to a setting that flows are judged by: */
    enum harden_id setting;
    /* What flows of a machine that has it are judged by, as client and as server: bits of enum
     * harden_id. */
    uint16_t as_client, as_server;
    bool has_off; /* the opposite: */
    uint32_t off;
    str off_text;
    enum { HARDEN_ARGUE_BOOL, HARDEN_ARGUE_NUMBER, HARDEN_ARGUE_DIALECT, HARDEN_ARGUE_TEXT } argue;
    str mdm_on, mdm_off; /* ADMX-backed texts; empty = the number */
    /* What a machine has when nobody set it; empty = there is no such setting; with UNCERTAIN or
     * differences by edition or role in words. */
    str defaults[HARDEN_WINDOWS_COUNT];
};
extern const struct harden_entry baseline_rows[HARDEN_ROW_COUNT];

/* What machines of a kind are set to under this policy's hardening: nothing when it is off, what
 * only tells (audit switches, subcategories, firewall log) in mode audit, all of it in mode
 * enforce; other overrides make of it. The array is the arena's; its order is that of the table. */
const struct harden_change *harden_changes(const struct policy *policy,
                                           const struct hardened *machine, struct arena *arena,
                                           size_t *n);
/* The same bundles, each class with its changes. */
struct bundles harden_bundles(struct bundles bundles, struct arena *arena);

/* What becomes of a row on such a machine in mode enforce: whether it is set, and to what. */
struct harden_wanted {
    bool is_set;  /* by a baseline in mode enforce */
    bool applies; /* to machines of that kind */
    struct harden_change change;
    const struct harden_override *override; /* that decided; NULL = the table */
};
struct harden_wanted harden_wanted_of(const struct policy *policy, const struct hardened *machine,
                                      enum harden_row row, struct arena *arena);
/* What its flows are judged by. */
struct harden_bound harden_bound_of(const struct policy *policy, const struct hardened *machine);
