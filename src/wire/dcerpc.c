/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/dcerpc.h"

enum { BIND = 11, ALTER = 14, AUTH3 = 16 };
enum { TRAILER_BYTES = 8, AUTH_SPNEGO = 9, AUTH_NTLMSSP = 10, AUTH_KERBEROS = 16 };

enum { ELEMENTS_MOST = 64, SYNTAX_BYTES = 20 };

struct header {
    uint8_t type;
    bool is_little;
    uint16_t fragment_length, auth_length;
};

/* [MS-DFSNM] 1.9, [MS-DRSR] 1.9 and so on: each document gives the UUID of its interface. */
static const struct {
    str uuid, name;
} interfaces[] = {
#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
    {T("12345678-1234-abcd-ef00-01234567cffb"), T("netlogon")             },
    {T("12345678-1234-abcd-ef00-0123456789ab"), T("spoolss")              },
    {T("12345778-1234-abcd-ef00-0123456789ab"), T("lsarpc")               },
    {T("12345778-1234-abcd-ef00-0123456789ac"), T("samr")                 },
    {T("1ff70682-0a51-30e8-076d-740be8cee98b"), T("atsvc")                },
    {T("338cd001-2244-31f1-aaaa-900038001003"), T("winreg")               },
    {T("367abb81-9844-35f1-ad32-98f038001003"), T("svcctl")               },
    {T("3919286a-b10c-11d0-9ba8-00c04fd92ef5"), T("dssetup")              },
    {T("4b324fc8-1670-01d3-1278-5a47bf6ee188"), T("srvsvc")               },
    {T("4fc742e0-4a10-11cf-8273-00aa004ae673"), T("netdfs")               },
    {T("6bffd098-a112-3610-9833-012892020162"), T("browser")              },
    {T("6bffd098-a112-3610-9833-46c3f87e345a"), T("wkssvc")               },
    {T("76f03f96-cdfd-44fc-a22c-64950a001209"), T("IRemoteWinspool")      },
    {T("82273fdc-e32a-18c3-3f78-827929dc23ea"), T("eventlog")             },
    {T("86d35949-83c9-4044-b424-db363231fd0c"), T("ITaskSchedulerService")},
    {T("8d9f4e40-a03d-11ce-8f69-08003e30051b"), T("ntsvcs")               },
    {T("a8e0653c-2744-4389-a61d-7373df8b2292"), T("FileServerVssAgent")   },
    {T("c681d488-d850-11d0-8c52-00c04fd90f7e"), T("efsrpc")               },
    {T("ccd8c074-d0e5-4a40-92b4-d074faa6ba28"), T("witness")              },
    {T("df1941c5-fe89-4e79-bf10-463657acf44d"), T("efsrpc")               },
    {T("e1af8308-5d1f-11c9-91a4-08002b14a0fa"), T("epmapper")             },
    {T("e3514235-4b06-11d1-ab04-00c04fc2dcd2"), T("drsuapi")              },
#undef T
};

static bool header_read(struct cursor *c, struct header *out)
{
    uint8_t version = cursor_u8(c, "dcerpc.version");
    cursor_skip(c, 1, "dcerpc.minor");
    out->type = cursor_u8(c, "dcerpc.type");
    cursor_skip(c, 1, "dcerpc.flags");
    out->is_little = cursor_u8(c, "dcerpc.representation") & 0x10;
    cursor_skip(c, 3, "dcerpc.representation");
    if (out->is_little) {
        out->fragment_length = cursor_u16le(c, "dcerpc.fragment_length");
        out->auth_length = cursor_u16le(c, "dcerpc.auth_length");
    } else {
        out->fragment_length = cursor_u16be(c, "dcerpc.fragment_length");
        out->auth_length = cursor_u16be(c, "dcerpc.auth_length");
    }
    cursor_skip(c, 4, "dcerpc.call_id");
    if (!cursor_ok(c) || version != 5) return false;
    if (out->type != BIND && out->type != ALTER && out->type != AUTH3) return false;
    size_t trailer = out->auth_length ? TRAILER_BYTES + (size_t)out->auth_length : 0;
    return out->fragment_length >= DCERPC_HEADER_BYTES + trailer;
}

size_t dcerpc_need(bytes head)
{
    struct cursor c = cursor_of(head, 0);
    struct header header = {0};
    if (!header_read(&c, &header)) return 0;
    return header.type == AUTH3 && !header.auth_length ? 0 : header.fragment_length;
}

bool dcerpc_token(bytes message, bytes *out)
{
    struct cursor whole = cursor_of(message, 0);
    struct cursor c = whole;
    struct header header = {0};
    if (!header_read(&c, &header) || !header.auth_length) return false;
    uint64_t at = (uint64_t)header.fragment_length - header.auth_length - TRAILER_BYTES;
    struct cursor trailer =
        cursor_within(&whole, at, (uint64_t)TRAILER_BYTES + header.auth_length, "dcerpc.auth");
    uint8_t type = cursor_u8(&trailer, "auth.type");
    cursor_skip(&trailer, TRAILER_BYTES - 1, "auth.trailer");
    if (!cursor_ok(&trailer)) return false;
    if (type != AUTH_SPNEGO && type != AUTH_NTLMSSP && type != AUTH_KERBEROS) return false;
    *out = cursor_bytes(&trailer, header.auth_length, "auth.token");
    return true;
}

static uint16_t read_u16(struct cursor *c, bool is_little, const char *field)
{
    return is_little ? cursor_u16le(c, field) : cursor_u16be(c, field);
}

/* The first three fields of a UUID are numbers in the byte order of the message. */
static void read_uuid(struct cursor *c, bool is_little, uint8_t uuid[16])
{
    static const uint8_t swapped[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    bytes raw = cursor_bytes(c, 16, "syntax.uuid");
    for (size_t i = 0; i < 16 && raw.len; i++)
        uuid[i] = raw.ptr[is_little ? swapped[i] : i];
}

bool dcerpc_next_interface(bytes message, size_t *at, struct dcerpc_interface *out)
{
    struct cursor c = cursor_of(message, 0);
    struct header header = {0};
    struct dcerpc_interface interface = {0};
    if (!header_read(&c, &header) || header.type == AUTH3) return false;
    cursor_skip(&c, 8, "bind.limits");
    size_t n = cursor_u8(&c, "bind.elements");
    cursor_skip(&c, 3, "bind.reserved");
    if (!cursor_ok(&c) || *at >= n || *at >= ELEMENTS_MOST) return false;
    for (size_t i = 0; i <= *at; i++) {
        cursor_skip(&c, 2, "element.id");
        uint8_t transfers = cursor_u8(&c, "element.transfers");
        cursor_skip(&c, 1, "element.reserved");
        read_uuid(&c, header.is_little, interface.uuid);
        interface.version = read_u16(&c, header.is_little, "syntax.version");
        cursor_skip(&c, 2, "syntax.minor");
        if (!cursor_ok(&c)) return false;
        cursor_skip(&c, (uint64_t)transfers * SYNTAX_BYTES, "element.syntaxes");
    }
    (*at)++;
    *out = interface;
    return true;
}

str dcerpc_uuid_text(char text[DCERPC_UUID_TEXT], const struct dcerpc_interface *interface)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text[n++] = '-';
        text[n++] = digits[interface->uuid[i] >> 4];
        text[n++] = digits[interface->uuid[i] & 15];
    }
    text[n] = 0;
    return (str){text, n};
}

str dcerpc_interface_name(const struct dcerpc_interface *interface)
{
    char text[DCERPC_UUID_TEXT];
    str uuid = dcerpc_uuid_text(text, interface);
    for (size_t i = 0; i < COUNT_OF(interfaces); i++)
        if (str_equal(interfaces[i].uuid, uuid)) return interfaces[i].name;
    return (str){0};
}
