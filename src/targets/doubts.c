/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/doubts.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* What the public documents leave open ([MS-FASP], [MS-GPFAS], the cmdlets' pages), each with what
 * this program does about it. */
const struct doubt doubts_windows[] = {
    {T("windows-complement-v6"),   DOUBT_V6,
     T("Ranges of IPv6 addresses from ::2 on follow the documented limits of an address list; that "
       "every "
       "build takes them whole was not seen. Verify: read the rule back on one machine.")     },
    {T("windows-open-sessions"),   DOUBT_BLOCK,
     T("Whether a session that was open before the block is cut at its next packet or only when it "
       "is dialled "
       "again. Verify after the sessions are closed or the machine has restarted.")           },
    {T("windows-loopback"),        DOUBT_BLOCK,
     T("A machine's traffic to its own addresses is taken as not filtered by ordinary rules.")},
    {T("windows-shields-up"),      DOUBT_SECURE,
     T("Whether \"block all incoming connections\" also stops authenticated bypass. Taken as "
       "stopped.")                                                                            },
    {T("windows-secure-fallback"), DOUBT_SECURE,
     T("How long a client waits before it goes on in clear, when its peer does not negotiate "
       "IPsec: some "
       "seconds at the first contact (about three).")                                         },
    {T("windows-key-module"),      DOUBT_SECURE,
     T("User Kerberos needs AuthIP; Windows 11 24H2 and Server 2025 prefer IKEv2 where the methods "
       "allow it. "
       "That machines of both generations agree was not seen. Verify between one of each before a "
       "ring grows.")                                                                         },
    {T("windows-bypass-accounts"), DOUBT_SECURE,
     T("An inbound override names the computers that may; the cmdlet's page asks for users, the "
       "protocol for "
       "computers. Computers are written.")                                                   },
    {T("windows-setting-default"), DOUBT_HARDENING,
     T("Sources differ on what some settings are where nobody set them (signing on Server 2025, "
       "guest logons, "
       "client encryption). Every setting is written, never left to its default.")            },
    {T("windows-quic-program"),    DOUBT_PROGRAM,
     T("SMB over QUIC is taken as udp/443 of the program System.")                            },
    {{0},                          0,               {0}                                       },
};

static unsigned of_rules(struct ruleset rules)
{
    unsigned found = rules.n_security ? DOUBT_SECURE : 0;
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule *rule = &rules.rules[i];
        if (!rule->enabled) continue;
        if (rule->action == ACTION_BLOCK) found |= DOUBT_BLOCK;
        if (rule->action == ACTION_ALLOW_IF_SECURE) found |= DOUBT_SECURE;
        if (rule->program.len) found |= DOUBT_PROGRAM;
        for (size_t k = 0; k < rule->remote.n; k++)
            if (!addr_is_v4(rule->remote.ranges[k].first)) found |= DOUBT_V6;
    }
    return found;
}

unsigned doubts_of(const struct host_class *host_class)
{
    return of_rules(host_class->rules) | (host_class->n_hardening ? DOUBT_HARDENING : 0);
}

unsigned doubts_of_border(const struct border_rules *border)
{
    return of_rules(border->rules);
}

bool doubt_matters(const struct doubt *doubt, unsigned of)
{
    return !doubt->when || (doubt->when & of);
}
