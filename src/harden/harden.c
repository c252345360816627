/* SPDX-License-Identifier: Apache-2.0 */
#include "harden/harden.h"

/* What one flow says of one setting. */
enum finding { FINE, LACKS, UNKNOWN };

struct row {
    struct harden_setting setting;
    /* dialect : the least that is asked for, 0x300 */
    enum finding (*judge)(const struct matrix_flow *flow, uint32_t dialect);
    /* The fact that is in the way: "the server chose nt-lm-0.12". */
    str (*seen)(struct arena *arena, const struct matrix_flow *flow);
};

static bool has_dialect(const struct matrix_flow *flow, enum dialect dialect)
{
    return flow->dialects >> dialect & 1;
}

static bool has_auth(const struct matrix_flow *flow, enum auth auth)
{
    return flow->auths >> auth & 1;
}

/* ---- Judges -------------------------------------------------------------------------------------
 */

static enum finding judge_smb1(const struct matrix_flow *flow, uint32_t dialect)
{
    (void)dialect;
    if (!flow->dialects) return UNKNOWN;
    return has_dialect(flow, DIALECT_NT_LM_012) ? LACKS : FINE;
}

/* SMB 1 has a setting of its own. */
static enum finding judge_dialect(const struct matrix_flow *flow, uint32_t dialect)
{
    static const uint32_t numbers[] = {
        [DIALECT_2_0_2] = 0x202, [DIALECT_2_1] = 0x210,   [DIALECT_3_0] = 0x300,
        [DIALECT_3_0_2] = 0x302, [DIALECT_3_1_1] = 0x311,
    };
    if (!flow->dialects) return UNKNOWN;
    for (unsigned i = DIALECT_2_0_2; i < COUNT_OF(numbers); i++)
        if (has_dialect(flow, (enum dialect)i) && numbers[i] < dialect) return LACKS;
    return FINE;
}

/* Only below 3.0 is it sure that a side can't; what was in clear may have been so by choice. */
static enum finding judge_encryption(const struct matrix_flow *flow, uint32_t dialect)
{
    (void)dialect;
    if (!flow->dialects) return UNKNOWN;
    bool old = has_dialect(flow, DIALECT_NT_LM_012) || has_dialect(flow, DIALECT_2_0_2) ||
               has_dialect(flow, DIALECT_2_1);
    if (old) return LACKS;
    return flow->encrypted == KNOWN_YES ? FINE : UNKNOWN;
}

static str seen_dialects(struct arena *arena, const struct matrix_flow *flow)
{
    str all = view_dialects_text(arena, flow->dialects);
    return str_format(arena, "the server chose %.*s", STR_ARG(all));
}

/* `disabled` is a side that can't sign: each Windows can, and says `enabled` at the least. A side
 * that requires it can. */
static enum finding judge_signing(const struct matrix_flow *flow, uint32_t dialect)
{
    (void)dialect;
    if (flow->client_signing == SIGNING_DISABLED || flow->server_signing == SIGNING_DISABLED)
        return LACKS;
    return flow->client_signing && flow->server_signing ? FINE : UNKNOWN;
}

static str seen_signing(struct arena *arena, const struct matrix_flow *flow)
{
    bool client = flow->client_signing == SIGNING_DISABLED;
    bool server = flow->server_signing == SIGNING_DISABLED;
    return str_format(arena, "%s can't sign",
                      client && server ? "neither side"
                      : client         ? "the client"
                                       : "the server");
}

static enum finding judge_guest(const struct matrix_flow *flow, uint32_t dialect)
{
    (void)dialect;
    if (!flow->auths) return UNKNOWN;
    return has_auth(flow, AUTH_GUEST) ? LACKS : FINE;
}

static str seen_guest(struct arena *arena, const struct matrix_flow *flow)
{
    (void)arena, (void)flow;
    return S("the server let it in as guest");
}

/* Windows tries a null session now and then beside a real logon and can do without: only a flow
 * that has nothing else depends on it. */
static enum finding judge_null_session(const struct matrix_flow *flow, uint32_t dialect)
{
    (void)dialect;
    if (!flow->auths) return UNKNOWN;
    return flow->auths == 1u << AUTH_ANONYMOUS ? LACKS : FINE;
}

static str seen_null_session(struct arena *arena, const struct matrix_flow *flow)
{
    (void)arena, (void)flow;
    return S("its only logons were anonymous");
}

static enum finding judge_ntlmv1(const struct matrix_flow *flow, uint32_t dialect)
{
    (void)dialect;
    if (!flow->auths) return UNKNOWN;
    return has_auth(flow, AUTH_NTLMV1) ? LACKS : FINE;
}

static str seen_ntlmv1(struct arena *arena, const struct matrix_flow *flow)
{
    (void)arena, (void)flow;
    return S("it logged on by NTLMv1");
}

static enum finding judge_ntlm(const struct matrix_flow *flow, uint32_t dialect)
{
    (void)dialect;
    if (!flow->auths) return UNKNOWN;
    bool by_ntlm = has_auth(flow, AUTH_NTLMV1) || has_auth(flow, AUTH_NTLMV2);
    return by_ntlm && !has_auth(flow, AUTH_KERBEROS) ? LACKS : FINE;
}

static str seen_ntlm(struct arena *arena, const struct matrix_flow *flow)
{
    (void)arena, (void)flow;
    return S("it logged on by NTLM, never by Kerberos");
}

/* ---- The table ----------------------------------------------------------------------------------
 */

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define BOTH_ENDS (HARDEN_AT_CLIENT | HARDEN_AT_SERVER)
#define BASELINE  T("Microsoft security baseline, Windows 11 version 24H2")

static const struct row rows[HARDEN_COUNT] = {
    [HARDEN_SMB1] = {{.asks = T("SMB 1 is off, as client and as server"),
                      .breaks = T("NAS, scanners, printers and systems that speak nothing newer"),
                      .document = BASELINE,
                      .section = T("MS Security Guide: Configure SMB v1 server, Configure SMB v1 "
                                   "client driver"),
                      .binds = BOTH_ENDS},
                     judge_smb1,         seen_dialects    },
    [HARDEN_DIALECT] = {{.asks = T("no dialect below SMB 3.0, as client and as server"),
                         .breaks =
                             T("Windows 7 and Server 2008 R2, and NAS and Samba of their age"),
                         .document = BASELINE,
                         .section = T("Lanman Server, Lanman Workstation: Mandate the minimum "
                                      "version of SMB (768)"),
                         .binds = BOTH_ENDS},
                     judge_dialect,      seen_dialects    },
    [HARDEN_SIGNING] = {{.asks = T("signing is required, as client and as server"),
                         .breaks =
                             T("servers and clients on which signing is turned off or missing"),
                         .document = BASELINE,
                         .section = T("Security Options: Microsoft network client, Microsoft "
                                      "network server: Digitally sign communications (always)"),
                         .binds = BOTH_ENDS},
                     judge_signing,      seen_signing     },
    [HARDEN_ENCRYPTION] = {{.asks = T("encryption where a share or a client asks for it"),
                            .breaks = T("nobody: the baseline does not require it"),
                            .document = BASELINE,
                            .section = T("Lanman Workstation: Require Encryption (0)"),
                            .level = HARDEN_NO_FLOW,
                            .binds = BOTH_ENDS},
                     judge_encryption,   seen_dialects    },
    [HARDEN_GUEST] = {{.asks = T("no logon as guest"),
                       .breaks = T("shares of NAS that let everybody in"),
                       .document = BASELINE,
                       .section = T("Lanman Workstation: Enable insecure guest logons (0)"),
                       .binds = BOTH_ENDS},
                     judge_guest,        seen_guest       },
    [HARDEN_NULL_SESSION] = {{.asks = T("no pipes and shares for anonymous logons"),
                              .breaks =
                                  T("programs that list shares or accounts without logging on"),
                              .document = BASELINE,
                              .section = T("Security Options: Network access: Restrict anonymous "
                                           "access to Named Pipes and Shares"),
                              .binds = HARDEN_AT_SERVER},
                     judge_null_session, seen_null_session},
    [HARDEN_NTLMV1] = {{.asks = T("no NTLMv1"),
                        .breaks = T("systems that were never told to use NTLMv2"),
                        .document = T("What's new in Windows Server 2025; Windows 11 24H2"),
                        .section = T("NTLMv1 is removed"),
                        .binds = BOTH_ENDS},
                     judge_ntlmv1,       seen_ntlmv1      },
    [HARDEN_NTLM] = {{.asks = T("the SMB client does not offer NTLM"),
                      .breaks =
                          T("servers reached by address, local accounts, what is in no domain"),
                      .document = T("Block NTLM connections on SMB"),
                      .section = T("Lanman Workstation: Block NTLM (LM, NTLM, NTLMv2); off by "
                                   "default, not in Microsoft's baseline"),
                      .level = HARDEN_ADVICE,
                      .binds = HARDEN_AT_CLIENT},
                     judge_ntlm,         seen_ntlm        },
    [HARDEN_SERVER_SERVICE] = {{.asks = T("the Server service is disabled where nobody uses it"),
                                .breaks = T("nobody: a server that is used keeps it"),
                                .document = T("Beyond the Edge: How to Secure SMB Traffic in "
                                              "Windows"),
                                .section = T("Disable the SMB server service where it is unused"),
                                .level = HARDEN_NO_FLOW,
                                .binds = HARDEN_AT_SERVER},
                     NULL,               NULL             },
};

const struct harden_setting *harden_setting(enum harden_id id)
{
    assert((size_t)id < HARDEN_COUNT);
    return &rows[id].setting;
}

str harden_name(enum harden_id id)
{
    return harden_id_text(id);
}

str harden_mode_text(enum harden_mode mode)
{
    static const str texts[] = {T("off"), T("audit"), T("enforce")};
    assert((size_t)mode < COUNT_OF(texts));
    return texts[mode];
}

enum harden_mode harden_mode_of(const struct policy *policy)
{
    if (!policy->hardening_baseline.len) return HARDEN_OFF;
    if (str_equal(policy->hardening_mode, S("off"))) return HARDEN_OFF;
    return str_equal(policy->hardening_mode, S("enforce")) ? HARDEN_ENFORCE : HARDEN_AUDIT;
}

/* SMB by its content or by its ports; a datagram to 137 or 138 is none, and what else a service
 * brings is not set by these settings. */
static bool is_smb(const struct matrix_flow *flow)
{
    enum { PORT_SMB = 445, PORT_NETBIOS_SESSION = 139 };
    return flow->is_smb || (flow->transport == TRANSPORT_TCP &&
                            (flow->port == PORT_SMB || flow->port == PORT_NETBIOS_SESSION));
}

struct harden_verdict harden_judge(const struct matrix_flow *flow,
                                   const struct harden_bound *client,
                                   const struct harden_bound *server)
{
    static const struct harden_bound none = {0};
    struct harden_verdict out = {0};
    if (!is_smb(flow)) return out;
    if (!client) client = &none;
    if (!server) server = &none;
    unsigned set = client->as_client | server->as_server;
    unsigned advised = client->advice_client | server->advice_server;
    uint32_t dialect = client->client_dialect > server->server_dialect ? client->client_dialect
                                                                       : server->server_dialect;
    for (unsigned id = 0; id < HARDEN_COUNT; id++) {
        uint16_t bit = (uint16_t)(1u << id);
        bool advice = !(set & bit) && rows[id].setting.level == HARDEN_ADVICE;
        if (!rows[id].judge || !(set & bit || (advice && advised & bit))) continue;
        enum finding finding = rows[id].judge(flow, dialect);
        if (finding == LACKS && advice) out.advice |= bit;
        if (finding == LACKS && !advice) out.lacks |= bit;
        if (finding == UNKNOWN && !advice) out.unknown |= bit;
    }
    return out;
}

str harden_why(struct arena *arena, const struct matrix_flow *flow, enum harden_id id)
{
    assert((size_t)id < HARDEN_COUNT && rows[id].seen && "no flow violates it");
    str seen = rows[id].seen(arena, flow);
    return str_format(arena, "%.*s: %.*s", STR_ARG(harden_name(id)), STR_ARG(seen));
}
