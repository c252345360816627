/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ntlmssp.h"

enum { FLAG_UNICODE = 1, FLAG_WORKSTATION = 0x2000 };
enum av_id { AV_END = 0, AV_COMPUTER = 1, AV_DNS_COMPUTER = 3 };

struct field {
    uint16_t length;
    uint32_t offset;
};

static struct field field_read(struct cursor *c, const char *name)
{
    struct field field = {0};
    field.length = cursor_u16le(c, name);
    cursor_skip(c, 2, name);
    field.offset = cursor_u32le(c, name);
    return field;
}

static struct ntlmssp_text text_of(bytes message, struct field field, bool is_unicode)
{
    struct cursor whole = cursor_of(message, 0);
    struct cursor c = cursor_within(&whole, field.offset, field.length, "ntlmssp.text");
    return (struct ntlmssp_text){cursor_bytes(&c, cursor_left(&c), "ntlmssp.text"), is_unicode};
}

bool ntlmssp_is_message(bytes b)
{
    return b.len >= 12 && memcmp(b.ptr, "NTLMSSP", 8) == 0;
}

/* [MS-NLMP] 2.2.2.1: pairs of id, length, value; always Unicode. */
static void target_info_read(bytes info, struct ntlmssp *out)
{
    struct cursor c = cursor_of(info, 0);
    while (cursor_left(&c)) {
        uint16_t id = cursor_u16le(&c, "av.id");
        uint16_t length = cursor_u16le(&c, "av.length");
        bytes value = cursor_bytes(&c, length, "av.value");
        if (!cursor_ok(&c) || id == AV_END) return;
        if (id == AV_COMPUTER) out->computer = (struct ntlmssp_text){value, true};
        if (id == AV_DNS_COMPUTER) out->dns_computer = (struct ntlmssp_text){value, true};
    }
}

/* Only old clients name themselves here, in their code page. */
static void negotiate_read(bytes message, struct cursor *c, struct ntlmssp *out)
{
    uint32_t flags = cursor_u32le(c, "negotiate.flags");
    cursor_skip(c, 8, "negotiate.domain");
    struct field workstation = field_read(c, "negotiate.workstation");
    if (cursor_ok(c) && flags & FLAG_WORKSTATION)
        out->workstation = text_of(message, workstation, false);
}

static bool challenge_read(bytes message, struct cursor *c, struct ntlmssp *out)
{
    cursor_skip(c, 8 + 4 + 8 + 8, "challenge.target");
    struct field info = field_read(c, "challenge.target_info");
    /* Without the information block: a server of the nineties, which gave no names. */
    if (cursor_ok(c)) target_info_read(text_of(message, info, true).raw, out);
    return true;
}

static bool authenticate_read(bytes message, struct cursor *c, struct ntlmssp *out)
{
    struct field lm = field_read(c, "authenticate.lm");
    struct field nt = field_read(c, "authenticate.nt");
    struct field domain = field_read(c, "authenticate.domain");
    struct field user = field_read(c, "authenticate.user");
    struct field workstation = field_read(c, "authenticate.workstation");
    if (!cursor_ok(c)) return false;
    /* Old clients end here; the payload tells whether session key and flags follow. */
    uint32_t flags = 0;
    bool has_flags = true;
    const struct field fields[] = {lm, nt, domain, user, workstation};
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (fields[i].length && fields[i].offset < 64) has_flags = false;
    if (has_flags) {
        cursor_skip(c, 8, "authenticate.session_key");
        flags = cursor_u32le(c, "authenticate.flags");
    }
    bool is_unicode = flags & FLAG_UNICODE;
    out->lm_length = lm.length;
    out->nt_length = nt.length;
    out->domain = text_of(message, domain, is_unicode);
    out->user = text_of(message, user, is_unicode);
    out->workstation = text_of(message, workstation, is_unicode);
    return true;
}

bool ntlmssp_read(bytes message, struct ntlmssp *out)
{
    if (!ntlmssp_is_message(message)) return false;
    struct cursor c = cursor_of(message, 0);
    struct ntlmssp read = {0};
    cursor_skip(&c, 8, "ntlmssp.signature");
    uint32_t type = cursor_u32le(&c, "ntlmssp.type");
    bool ok = cursor_ok(&c);
    switch (type) {
    case NTLMSSP_NEGOTIATE:
        negotiate_read(message, &c, &read);
        break;
    case NTLMSSP_CHALLENGE:
        ok = ok && challenge_read(message, &c, &read);
        break;
    case NTLMSSP_AUTHENTICATE:
        ok = ok && authenticate_read(message, &c, &read);
        break;
    default:
        ok = false;
    }
    if (!ok) return false;
    read.type = (enum ntlmssp_type)type;
    *out = read;
    return true;
}
