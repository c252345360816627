/* SPDX-License-Identifier: Apache-2.0 */
/* NTLM messages ([MS-NLMP] 2.2.1): who logs on, from which machine, in which version, and what the
 * server calls itself. */
#pragma once

#include "base/cursor.h"

enum ntlmssp_type { NTLMSSP_NEGOTIATE = 1, NTLMSSP_CHALLENGE = 2, NTLMSSP_AUTHENTICATE = 3 };

struct ntlmssp_text {
    bytes raw;
    bool is_unicode;
};

struct ntlmssp {
    enum ntlmssp_type type;
    /* CHALLENGE */
    struct ntlmssp_text computer, dns_computer;
    /* NEGOTIATE (seldom) and AUTHENTICATE */
    struct ntlmssp_text workstation;
    /* AUTHENTICATE */
    struct ntlmssp_text domain, user;
    size_t lm_length, nt_length;
};

bool ntlmssp_is_message(bytes b);
/* False when it is not an NTLM message or its fixed part was cut off. */
MUST_USE bool ntlmssp_read(bytes message, struct ntlmssp *out);
