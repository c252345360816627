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
#include "policy/policy.h"

/* id, name, and what of a flow it is judged by. */
#define HARDEN_SETTINGS(X)                                                                         \
    X(SMB1, "smb1-off")                                                                            \
    X(DIALECT, "minimum-dialect")                                                                  \
    X(SIGNING, "signing-required")                                                                 \
    X(ENCRYPTION, "encryption")                                                                    \
    X(GUEST, "guest-off")                                                                          \
    X(NULL_SESSION, "null-sessions-restricted")                                                    \
    X(NTLMV1, "ntlmv1-off")                                                                        \
    X(NTLM, "ntlm-blocked")                                                                        \
    X(SERVER_SERVICE, "server-service-off")

enum harden_id {
#define X(id, name) HARDEN_##id,
    HARDEN_SETTINGS(X)
#undef X
        HARDEN_COUNT
};

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

/* client, server: that end's machine gets the baseline. Nothing is said of a flow of which no end
 * does, nor of one that is no SMB. The weakest that was seen counts, as everywhere. */
struct harden_verdict harden_judge(const struct matrix_flow *flow, bool client, bool server);
/* Of a setting that the flow lacks: "smb1-off: the server chose nt-lm-0.12". */
str harden_why(struct arena *arena, const struct matrix_flow *flow, enum harden_id id);
