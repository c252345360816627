/* SPDX-License-Identifier: Apache-2.0 */
/* DER is walked by tag, one level per call; depth is bounded by DEPTH_MOST and each step goes
 * inside what its parent holds. */
#include "wire/spnego.h"

enum { DEPTH_MOST = 12, ITEMS_MOST = 64 };

enum der_tag {
    DER_OCTETS = 0x04,
    DER_OID = 0x06,
    DER_GENERAL_STRING = 0x1B,
    DER_SEQUENCE = 0x30,
    GSS_TOKEN = 0x60,  /* [APPLICATION 0] */
    KRB_TICKET = 0x61, /* [APPLICATION 1] */
    KRB_AP_REQ = 0x6E, /* [APPLICATION 14] */
    CONTEXT_0 = 0xA0,
    CONTEXT_1 = 0xA1,
    CONTEXT_2 = 0xA2,
    CONTEXT_3 = 0xA3,
};

struct der {
    uint8_t tag;
    bytes content;
};

/* The next element; false at the end or when it does not fit. Indefinite lengths are not DER. */
static bool der_next(struct cursor *c, struct der *out)
{
    if (cursor_left(c) == 0) return false;
    uint8_t tag = cursor_u8(c, "der.tag");
    uint64_t length = cursor_u8(c, "der.length");
    if (length >= 0x80) {
        unsigned octets = (unsigned)length & 0x7F;
        if (octets == 0 || octets > 4) return false;
        length = 0;
        for (unsigned i = 0; i < octets; i++)
            length = length << 8 | cursor_u8(c, "der.length");
    }
    bytes content = cursor_bytes(c, length, "der.content");
    if (!cursor_ok(c)) return false;
    *out = (struct der){tag, content};
    return true;
}

/* The first element of that tag directly inside. */
static bool der_find(bytes inside, uint8_t tag, bytes *out)
{
    struct cursor c = cursor_of(inside, 0);
    struct der element;
    for (unsigned i = 0; i < ITEMS_MOST && der_next(&c, &element); i++) {
        if (element.tag != tag) continue;
        *out = element.content;
        return true;
    }
    return false;
}

/* Follows a path of tags, each inside the one before. */
static bool der_path(bytes inside, const uint8_t *tags, size_t n, bytes *out)
{
    for (size_t i = 0; i < n; i++)
        if (!der_find(inside, tags[i], &inside)) return false;
    *out = inside;
    return true;
}

/* The content of an AP-REQ. */
static void ap_req_read(bytes body, struct spnego_token *out)
{
    static const uint8_t to_ticket[] = {DER_SEQUENCE, CONTEXT_3, KRB_TICKET, DER_SEQUENCE};
    static const uint8_t to_realm[] = {CONTEXT_1, DER_GENERAL_STRING};
    static const uint8_t to_names[] = {CONTEXT_2, DER_SEQUENCE, CONTEXT_1, DER_SEQUENCE};
    bytes ticket, names;

    out->kind = SPNEGO_KERBEROS;
    if (!der_path(body, to_ticket, COUNT_OF(to_ticket), &ticket)) return;
    if (!der_path(ticket, to_realm, COUNT_OF(to_realm), &out->realm)) out->realm = (bytes){0};
    if (!der_path(ticket, to_names, COUNT_OF(to_names), &names)) return;
    struct cursor c = cursor_of(names, 0);
    struct der element;
    for (size_t i = 0; i < SPNEGO_SERVICE_PARTS && der_next(&c, &element); i++)
        if (element.tag == DER_GENERAL_STRING) out->service[i] = element.content;
}

static void token_read(bytes token, unsigned depth, struct spnego_token *out);

/* [APPLICATION 0]: the OID of a mechanism and its token; for Kerberos a two-byte token id first
 * (RFC 4121, 4.1). */
static void gss_read(bytes content, unsigned depth, struct spnego_token *out)
{
    struct cursor c = cursor_of(content, 0);
    struct der oid;
    if (!der_next(&c, &oid) || oid.tag != DER_OID) return;
    bytes rest = cursor_bytes(&c, cursor_left(&c), "gss.token");
    if (rest.len > 2 && rest.ptr[0] == 1 && rest.ptr[1] == 0)
        rest = (bytes){rest.ptr + 2, rest.len - 2};
    token_read(rest, depth + 1, out);
}

/* NegTokenInit and NegTokenResp have their token under [2]. */
static void negotiation_read(bytes content, unsigned depth, struct spnego_token *out)
{
    static const uint8_t to_token[] = {DER_SEQUENCE, CONTEXT_2, DER_OCTETS};
    bytes token;
    if (der_path(content, to_token, COUNT_OF(to_token), &token)) token_read(token, depth + 1, out);
}

static void token_read(bytes token, unsigned depth, struct spnego_token *out)
{
    if (depth > DEPTH_MOST) return;
    if (ntlmssp_read(token, &out->ntlm)) {
        out->kind = SPNEGO_NTLM;
        return;
    }
    struct cursor c = cursor_of(token, 0);
    struct der element;
    if (!der_next(&c, &element)) return;
    if (element.tag == GSS_TOKEN) gss_read(element.content, depth, out);
    if (element.tag == KRB_AP_REQ) ap_req_read(element.content, out);
    if (element.tag == CONTEXT_0 || element.tag == CONTEXT_1)
        negotiation_read(element.content, depth, out);
}

struct spnego_token spnego_read(bytes token)
{
    struct spnego_token out = {0};
    token_read(token, 0, &out);
    return out;
}
