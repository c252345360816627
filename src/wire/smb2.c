/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/smb2.h"

#include "wire/dcerpc.h"

enum {
    NEGOTIATE_BYTES_MOST = 4096,
    TOKEN_BYTES_MOST = 60000, /* a Kerberos ticket with a large PAC stays below 48 KiB */
    PATH_BYTES_MOST = 4096,
    WRITE_BYTES = 48,
    IOCTL_BYTES = 56,
    CREATE_BYTES = 56,
    FSCTL_PIPE_TRANSCEIVE = 0x0011C017,
    STRUCTURE_HEADER = 64,
    TRANSFORM_BYTES = 52,
    COMPRESSION_BYTES = 16,
    COMPRESSION_ALGORITHMS = 6,
};

/* Everything but these bits is reserved ([MS-SMB2] 2.2.1.2). */
#define FLAGS_KNOWN UINT32_C(0x3000007F)

static bool has_magic(bytes head, uint8_t first)
{
    return head.len >= 4 && head.ptr[0] == first && memcmp(head.ptr + 1, "SMB", 3) == 0;
}

bool smb2_is_plausible(bytes head, size_t length)
{
    if (!has_magic(head, 0xFE) || length < SMB2_HEADER_BYTES) return false;
    struct cursor c = cursor_of(head, 0);
    cursor_skip(&c, 4, "smb2.protocol");
    uint16_t structure = cursor_u16le(&c, "smb2.structure_size");
    if (!cursor_ok(&c) || structure != STRUCTURE_HEADER) return false;
    /* What the capture cut off can't be held against it. */
    cursor_skip(&c, 6, "smb2.status");
    uint16_t command = cursor_u16le(&c, "smb2.command");
    if (cursor_ok(&c) && command >= SMB2_COMMANDS) return false;
    cursor_skip(&c, 2, "smb2.credits");
    uint32_t flags = cursor_u32le(&c, "smb2.flags");
    return !cursor_ok(&c) || !(flags & ~FLAGS_KNOWN);
}

bool smb2_transform_is_plausible(bytes head, size_t length)
{
    if (!has_magic(head, 0xFD) || length < TRANSFORM_BYTES) return false;
    struct cursor c = cursor_of(head, 0);
    cursor_skip(&c, 36, "transform.signature");
    uint32_t original = cursor_u32le(&c, "transform.original_size");
    cursor_skip(&c, 2, "transform.reserved");
    uint16_t flags = cursor_u16le(&c, "transform.flags");
    return !cursor_ok(&c) || (original <= length && flags == 1);
}

bool smb2_compression_is_plausible(bytes head, size_t length)
{
    if (!has_magic(head, 0xFC) || length < COMPRESSION_BYTES) return false;
    struct cursor c = cursor_of(head, 0);
    cursor_skip(&c, 8, "compression.original_size");
    uint16_t algorithm = cursor_u16le(&c, "compression.algorithm");
    uint16_t flags = cursor_u16le(&c, "compression.flags");
    return !cursor_ok(&c) || (algorithm < COMPRESSION_ALGORITHMS && flags <= 1);
}

bool smb2_header_read(bytes head, struct smb2_header *out)
{
    struct cursor c = cursor_of(head, 0);
    struct smb2_header h = {0};
    cursor_skip(&c, 8, "smb2.protocol");
    h.status = cursor_u32le(&c, "smb2.status");
    h.command = cursor_u16le(&c, "smb2.command");
    cursor_skip(&c, 2, "smb2.credits");
    h.flags = cursor_u32le(&c, "smb2.flags");
    h.next = cursor_u32le(&c, "smb2.next_command");
    h.message_id = cursor_u64le(&c, "smb2.message_id");
    uint64_t tree = cursor_u64le(&c, "smb2.tree_id");
    h.session_id = cursor_u64le(&c, "smb2.session_id");
    if (!cursor_ok(&c)) return false;
    if (!(h.flags & SMB2_ASYNC)) h.tree_id = (uint32_t)(tree >> 32);
    *out = h;
    return true;
}

size_t smb2_item_length(bytes head, size_t message_left)
{
    struct smb2_header h;
    if (!smb2_header_read(head, &h)) return message_left;
    /* The next header is aligned, behind this one, and inside the message. */
    bool is_compound = h.next >= SMB2_HEADER_BYTES && h.next % 8 == 0 && h.next < message_left;
    return is_compound ? h.next : message_left;
}

/* The place of a variable part, as its body names it; both counted from the header. */
static bytes part(bytes item, uint64_t offset, uint64_t length)
{
    struct cursor whole = cursor_of(item, 0);
    if (offset < SMB2_HEADER_BYTES) return (bytes){0};
    struct cursor c = cursor_within(&whole, offset, length, "smb2.part");
    return cursor_bytes(&c, cursor_left(&c), "smb2.part");
}

/* Offset and length of what a write or a pipe transaction carries. */
static bool payload_place(bytes item, uint16_t command, uint64_t *offset, uint64_t *length)
{
    struct cursor c = cursor_of(item, 0);
    cursor_skip(&c, SMB2_HEADER_BYTES + 2, "smb2.header");
    if (command == SMB2_WRITE) {
        *offset = cursor_u16le(&c, "write.data_offset");
        *length = cursor_u32le(&c, "write.length");
        return cursor_ok(&c);
    }
    cursor_skip(&c, 2, "ioctl.reserved");
    uint32_t code = cursor_u32le(&c, "ioctl.code");
    cursor_skip(&c, 16, "ioctl.file_id");
    *offset = cursor_u32le(&c, "ioctl.input_offset");
    *length = cursor_u32le(&c, "ioctl.input_count");
    return cursor_ok(&c) && code == FSCTL_PIPE_TRANSCEIVE;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Of a payload only the header of a DCERPC message, and all of it if it carries a logon. */
static size_t payload_need(bytes head, size_t length, uint16_t command)
{
    size_t fixed = SMB2_HEADER_BYTES + (command == SMB2_WRITE ? WRITE_BYTES : IOCTL_BYTES);
    if (length < fixed) return SMB2_HEADER_BYTES;
    if (head.len < fixed) return fixed;
    uint64_t offset = 0, sent = 0;
    if (!payload_place(head, command, &offset, &sent)) return 0;
    if (offset < fixed || offset + DCERPC_HEADER_BYTES > length || sent < DCERPC_HEADER_BYTES)
        return 0;
    size_t begin = (size_t)offset;
    if (head.len < begin + DCERPC_HEADER_BYTES) return begin + DCERPC_HEADER_BYTES;
    return begin + dcerpc_need((bytes){head.ptr + begin, head.len - begin});
}

size_t smb2_need(bytes head, size_t length)
{
    struct smb2_header h;
    if (!smb2_header_read(head, &h)) return SMB2_HEADER_BYTES;
    bool is_response = h.flags & SMB2_RESPONSE;
    switch (h.command) {
    case SMB2_NEGOTIATE:
        return least(length, NEGOTIATE_BYTES_MOST);
    case SMB2_SESSION_SETUP:
        return least(length, TOKEN_BYTES_MOST);
    case SMB2_TREE_CONNECT:
        return least(length, PATH_BYTES_MOST);
    case SMB2_CREATE:
        return is_response ? 0 : least(length, SMB2_HEADER_BYTES + CREATE_BYTES + PATH_BYTES_MOST);
    case SMB2_WRITE:
    case SMB2_IOCTL:
        return is_response ? 0 : payload_need(head, length, h.command);
    default:
        return 0;
    }
}

static bool negotiate_read(bytes item, bool is_response, struct smb2_body *out)
{
    struct cursor c = cursor_of(item, 0);
    cursor_skip(&c, SMB2_HEADER_BYTES + 2, "smb2.header");
    if (!is_response) {
        cursor_skip(&c, 2, "negotiate.dialect_count");
        out->security_mode = cursor_u16le(&c, "negotiate.security_mode");
        return cursor_ok(&c);
    }
    out->security_mode = cursor_u16le(&c, "negotiate.security_mode");
    out->dialect = cursor_u16le(&c, "negotiate.dialect");
    if (!cursor_ok(&c)) return false;
    uint16_t n_contexts = cursor_u16le(&c, "negotiate.context_count");
    cursor_skip(&c, 16 + 4 + 12 + 16, "negotiate.capabilities");
    uint16_t offset = cursor_u16le(&c, "negotiate.token_offset");
    uint16_t length = cursor_u16le(&c, "negotiate.token_length");
    if (cursor_ok(&c)) out->token = part(item, offset, length);
    uint32_t contexts = cursor_u32le(&c, "negotiate.context_offset");
    if (!cursor_ok(&c) || out->dialect != SMB2_DIALECT_3_1_1) return true;
    if (contexts < SMB2_HEADER_BYTES || contexts >= item.len) return true;
    out->contexts = (bytes){item.ptr + contexts, item.len - contexts};
    out->n_contexts = n_contexts;
    return true;
}

static void context_read(uint16_t type, struct cursor c, struct smb2_contexts *out)
{
    enum { ENCRYPTION = 2, COMPRESSION = 3, NO_COMPRESSION = 0 };
    uint16_t n = cursor_u16le(&c, "context.count");
    if (type == ENCRYPTION) {
        uint16_t cipher = cursor_u16le(&c, "context.cipher");
        if (cursor_ok(&c) && n) out->cipher = cipher;
        return;
    }
    if (type != COMPRESSION) return;
    cursor_skip(&c, 6, "context.padding");
    uint16_t algorithm = cursor_u16le(&c, "context.algorithm");
    out->compression = cursor_ok(&c) && n && algorithm != NO_COMPRESSION;
}

struct smb2_contexts smb2_contexts_read(const struct smb2_body *body)
{
    struct smb2_contexts out = {0};
    struct cursor c = cursor_of(body->contexts, 0);
    for (size_t i = 0; i < body->n_contexts; i++) {
        uint16_t type = cursor_u16le(&c, "context.type");
        uint16_t length = cursor_u16le(&c, "context.length");
        cursor_skip(&c, 4, "context.reserved");
        struct cursor data = cursor_take(&c, length, "context.data");
        if (!cursor_ok(&c)) break;
        context_read(type, data, &out);
        cursor_skip(&c, (8u - length % 8u) % 8u, "context.alignment");
    }
    return out;
}

static bool session_setup_read(bytes item, bool is_response, struct smb2_body *out)
{
    struct cursor c = cursor_of(item, 0);
    cursor_skip(&c, SMB2_HEADER_BYTES + 2, "smb2.header");
    if (is_response) {
        out->session_flags = cursor_u16le(&c, "session.flags");
    } else {
        cursor_skip(&c, 1, "session.flags");
        out->security_mode = cursor_u8(&c, "session.security_mode");
    }
    if (!cursor_ok(&c)) return false;
    if (!is_response) cursor_skip(&c, 8, "session.capabilities");
    uint16_t offset = cursor_u16le(&c, "session.token_offset");
    uint16_t length = cursor_u16le(&c, "session.token_length");
    /* The capture may end between the mode and the token. */
    if (cursor_ok(&c)) out->token = part(item, offset, length);
    return true;
}

static bool tree_connect_read(bytes item, bool is_response, struct smb2_body *out)
{
    struct cursor c = cursor_of(item, 0);
    cursor_skip(&c, SMB2_HEADER_BYTES + 2, "smb2.header");
    if (is_response) {
        out->share_type = cursor_u8(&c, "tree.share_type");
        return cursor_ok(&c);
    }
    cursor_skip(&c, 2, "tree.flags");
    uint16_t offset = cursor_u16le(&c, "tree.path_offset");
    uint16_t length = cursor_u16le(&c, "tree.path_length");
    if (!cursor_ok(&c)) return false;
    out->name = part(item, offset, length);
    return out->name.len > 0;
}

static bool create_read(bytes item, struct smb2_body *out)
{
    struct cursor c = cursor_of(item, 0);
    cursor_skip(&c, SMB2_HEADER_BYTES + 44, "create.header");
    uint16_t offset = cursor_u16le(&c, "create.name_offset");
    uint16_t length = cursor_u16le(&c, "create.name_length");
    if (!cursor_ok(&c)) return false;
    out->name = part(item, offset, length);
    return out->name.len > 0;
}

bool smb2_body_read(bytes item, const struct smb2_header *header, struct smb2_body *out)
{
    bool is_response = header->flags & SMB2_RESPONSE;
    *out = (struct smb2_body){0};
    if (is_response && header->status != SMB2_STATUS_SUCCESS &&
        !(header->command == SMB2_SESSION_SETUP && header->status == SMB2_STATUS_MORE_PROCESSING))
        return false;
    switch (header->command) {
    case SMB2_NEGOTIATE:
        return negotiate_read(item, is_response, out);
    case SMB2_SESSION_SETUP:
        return session_setup_read(item, is_response, out);
    case SMB2_TREE_CONNECT:
        return tree_connect_read(item, is_response, out);
    case SMB2_CREATE:
        return !is_response && create_read(item, out);
    case SMB2_WRITE:
    case SMB2_IOCTL: {
        uint64_t offset = 0, length = 0;
        if (is_response || !payload_place(item, header->command, &offset, &length)) return false;
        if (offset < SMB2_HEADER_BYTES || offset >= item.len) return false;
        out->data = (bytes){item.ptr + offset, item.len - (size_t)offset};
        return true;
    }
    default:
        return false;
    }
}
