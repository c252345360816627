/* SPDX-License-Identifier: Apache-2.0 */
/* What a security token holds: NTLM, or a Kerberos ticket, each bare or inside SPNEGO (RFC 4178),
 * GSS-API (RFC 2743, 3.1) and DER.
 */
#pragma once

#include "wire/ntlmssp.h"

enum spnego_kind { SPNEGO_NOTHING, SPNEGO_NTLM, SPNEGO_KERBEROS };

enum { SPNEGO_SERVICE_PARTS = 2 };

struct spnego_token {
    enum spnego_kind kind;
    struct ntlmssp ntlm;
    /* Kerberos AP-REQ (RFC 4120, 5.5.1): the ticket's realm and service name (cifs, host.domain).
     */
    bytes realm;
    bytes service[SPNEGO_SERVICE_PARTS];
};

/* A token that holds none of them (a list of mechanisms, an AP-REP) is SPNEGO_NOTHING. */
struct spnego_token spnego_read(bytes token);
