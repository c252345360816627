/* SPDX-License-Identifier: Apache-2.0 */
/* The hardening baseline as one table (DESIGN.md 1): what machines that enforce the policy would
 * also be set to, and which of it a flow that was seen could not live with. Facts and observations
 * only: whether a flow passes the firewall is the decision's business.
 *
 * The baseline smb-2026 is what Microsoft's security baseline for Windows 11 24H2 sets of SMB, with
 * SMB 3.0 as the least dialect, and signing required at both ends. What it leaves open (encryption,
 * blocking NTLM altogether) is advice: told, and never what breaks a flow.
 */
#pragma once

#include "matrix/view.h"
#include "policy/hardening.h"

/* Machines at which end of a flow the setting binds (bits). */
enum { HARDEN_AT_CLIENT = 1, HARDEN_AT_SERVER = 2 };

enum harden_level {
    HARDEN_BASELINE, /* set by the baseline */
    HARDEN_ADVICE,   /* the baseline leaves it open: told, never broken by */
    HARDEN_NO_FLOW,  /* part of the baseline, but no flow can violate it */
};

struct harden_setting {
    str asks;              /* "SMB 1 is off, as client and as server" */
    str breaks;            /* whom it stops */
    str document, section; /* where the value is from */
    enum harden_level level;
    unsigned binds; /* HARDEN_AT_... */
};

str harden_name(enum harden_id id); /* "smb1-off" */
const struct harden_setting *harden_setting(enum harden_id id);

enum harden_mode { HARDEN_OFF, HARDEN_AUDIT, HARDEN_ENFORCE };
str harden_mode_text(enum harden_mode mode);
/* OFF without a baseline. */
enum harden_mode harden_mode_of(const struct policy *policy);

/* Which settings a flow lacks the capability for, and of which nothing tells (bits of
 * enum harden_id). */
struct harden_verdict {
    uint16_t lacks, advice, unknown;
};

/* What flows at an end are judged by there, and from which dialect on: harden_bound_of
 * (harden/baseline.h) tells it of a machine. Bits of enum harden_id. */
struct harden_bound {
    uint16_t as_client, as_server;           /* of what is set, or would be in mode enforce */
    uint16_t advice_client, advice_server;   /* of what the baseline only advises */
    uint32_t client_dialect, server_dialect; /* 0x300; 0 = none is asked */
};

/* client, server: what binds that end's machine; NULL = it does not get the baseline. Nothing is
 * said of a flow of which no end does, nor of one that is no SMB. The weakest that was seen counts,
 * as everywhere. */
struct harden_verdict harden_judge(const struct matrix_flow *flow,
                                   const struct harden_bound *client,
                                   const struct harden_bound *server);
/* Of a setting that the flow lacks: "smb1-off: the server chose nt-lm-0.12". */
str harden_why(struct arena *arena, const struct matrix_flow *flow, enum harden_id id);
