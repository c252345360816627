/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/smb1.h"

#include "wire/dcerpc.h"

enum {
    BODY_BYTES_MOST = 60000, /* a Kerberos ticket in a session setup */
    SHORTEST = SMB1_HEADER_BYTES + 1,
    ANDX_BYTES = 4, /* command, reserved, offset: the first words of an AndX command */
};

bool smb1_is_plausible(bytes head, size_t length, bool expected)
{
    static const uint8_t magic[4] = {0xFF, 'S', 'M', 'B'};
    if (head.len < 4 || memcmp(head.ptr, magic, 4) != 0 || length < SMB1_HEADER_BYTES) return false;
    if (expected) return true;
    /* The words must fit; what the capture cut off can't be held against it. */
    return head.len < SHORTEST || SHORTEST + 2 * (size_t)head.ptr[SMB1_HEADER_BYTES] <= length;
}

bool smb1_header_read(bytes head, struct smb1_header *out)
{
    struct cursor c = cursor_of(head, 0);
    struct smb1_header h = {0};
    cursor_skip(&c, 4, "smb1.protocol");
    h.command = cursor_u8(&c, "smb1.command");
    h.status = cursor_u32le(&c, "smb1.status");
    h.flags = cursor_u8(&c, "smb1.flags");
    h.flags2 = cursor_u16le(&c, "smb1.flags2");
    uint64_t pid_high = cursor_u16le(&c, "smb1.pid_high");
    cursor_skip(&c, 8 + 2, "smb1.signature");
    h.tree_id = cursor_u16le(&c, "smb1.tree_id");
    uint64_t pid = cursor_u16le(&c, "smb1.pid");
    h.user_id = cursor_u16le(&c, "smb1.user_id");
    uint64_t multiplex = cursor_u16le(&c, "smb1.multiplex_id");
    h.request_id = pid_high << 32 | pid << 16 | multiplex;
    if (!cursor_ok(&c)) return false;
    *out = h;
    return true;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Words and data of the command that stands at `at`, as far as the capture has them. */
static bool part_at(bytes message, uint64_t at, uint8_t command, struct smb1_part *out)
{
    struct cursor c = cursor_of(message, 0);
    cursor_skip(&c, at, "smb1.block");
    uint8_t words = cursor_u8(&c, "smb1.word_count");
    if (!cursor_ok(&c)) return false;
    struct smb1_part part = {.command = command, .word_count = words};
    bool has_words = cursor_left(&c) >= 2 * (size_t)words + 2;
    part.words = cursor_bytes(&c, least(cursor_left(&c), 2 * (size_t)words), "smb1.words");
    uint16_t count = has_words ? cursor_u16le(&c, "smb1.byte_count") : 0;
    part.data_offset = (size_t)cursor_offset(&c);
    if (!has_words) {
        part.is_cut = true;
        *out = part;
        return true;
    }
    size_t n = cursor_left(&c) < count ? cursor_left(&c) : count;
    part.is_cut = n < count;
    part.data = cursor_bytes(&c, n, "smb1.bytes");
    *out = part;
    return true;
}

bool smb1_part_first(bytes message, struct smb1_part *out)
{
    struct smb1_header h;
    return smb1_header_read(message, &h) && part_at(message, SMB1_HEADER_BYTES, h.command, out);
}

static bool is_andx(uint8_t command)
{
    switch (command) {
    case 0x24: /* locking */
    case SMB1_OPEN_ANDX:
    case 0x2E: /* read */
    case SMB1_WRITE_ANDX:
    case SMB1_SESSION_SETUP_ANDX:
    case SMB1_LOGOFF_ANDX:
    case SMB1_TREE_CONNECT_ANDX:
    case SMB1_NT_CREATE_ANDX:
        return true;
    default:
        return false;
    }
}

bool smb1_part_next(bytes message, struct smb1_part *part)
{
    if (!is_andx(part->command) || part->words.len < ANDX_BYTES) return false;
    struct cursor c = cursor_of(part->words, 0);
    uint8_t command = cursor_u8(&c, "andx.command");
    cursor_skip(&c, 1, "andx.reserved");
    uint16_t offset = cursor_u16le(&c, "andx.offset");
    /* Forward only: a chain that turns back would never end. */
    if (command == SMB1_NO_ANDX || offset < part->data_offset) return false;
    return part_at(message, offset, command, part);
}

static bool payload_offset(const struct smb1_part *part, uint64_t *out)
{
    struct cursor c = cursor_of(part->words, 0);
    cursor_skip(&c, part->command == SMB1_WRITE_ANDX ? 22 : 24, "smb1.words");
    *out = cursor_u16le(&c, "smb1.data_offset");
    return cursor_ok(&c);
}

/* Of a payload only the header of a DCERPC message, and all of it if it carries a logon. */
static size_t payload_need(bytes head, size_t length)
{
    struct smb1_part part;
    size_t words = SHORTEST + 2 * (size_t)head.ptr[SMB1_HEADER_BYTES] + 2;
    if (words > length) return 0;
    if (head.len < words) return words;
    uint64_t offset = 0;
    if (!smb1_part_first(head, &part) || !payload_offset(&part, &offset)) return 0;
    if (offset < words || offset + DCERPC_HEADER_BYTES > length) return least(length, words + 256);
    size_t begin = (size_t)offset;
    if (head.len < begin + DCERPC_HEADER_BYTES) return begin + DCERPC_HEADER_BYTES;
    return begin + dcerpc_need((bytes){head.ptr + begin, head.len - begin});
}

size_t smb1_need(bytes head, size_t length)
{
    struct smb1_header h;
    if (!smb1_header_read(head, &h) || head.len < SHORTEST) return SHORTEST;
    bool is_response = h.flags & SMB1_FLAGS_RESPONSE;
    switch (h.command) {
    case SMB1_TREE_CONNECT:
    case SMB1_NEGOTIATE:
    case SMB1_SESSION_SETUP_ANDX:
    case SMB1_LOGOFF_ANDX:
    case SMB1_TREE_CONNECT_ANDX:
        return least(length, BODY_BYTES_MOST);
    case SMB1_OPEN_ANDX:
    case SMB1_NT_CREATE_ANDX:
        return is_response ? 0 : least(length, BODY_BYTES_MOST);
    case SMB1_TRANSACTION:
    case SMB1_WRITE_ANDX:
        return is_response ? 0 : payload_need(head, length);
    default:
        return 0;
    }
}

bool smb1_next_dialect(bytes *data, enum smb1_offer *out)
{
    struct cursor c = cursor_of(*data, 0);
    uint8_t format = cursor_u8(&c, "dialect.format");
    if (!cursor_ok(&c) || format != 2 || cursor_left(&c) == 0) return false;
    const uint8_t *end = memchr(c.ptr, 0, c.left);
    if (!end) return false;
    str name = {(const char *)c.ptr, (size_t)(end - c.ptr)};
    *data = (bytes){end + 1, c.left - name.len - 1};
    /* "SMB 2.002", "SMB 2.???": the server answers those in SMB2. All others are SMB1. */
    *out = str_starts(name, S("SMB 2.")) ? SMB1_OFFER_SMB2 : SMB1_OFFER_SMB1;
    return true;
}

bool smb1_negotiated_read(const struct smb1_part *part, struct smb1_negotiated *out)
{
    enum { NT_WORDS = 17 };
    struct cursor c = cursor_of(part->words, 0);
    *out = (struct smb1_negotiated){0};
    out->index = cursor_u16le(&c, "negotiate.dialect_index");
    if (!cursor_ok(&c)) return false;
    if (part->word_count != NT_WORDS) return true;
    out->security_mode = cursor_u8(&c, "negotiate.security_mode");
    out->has_security = cursor_ok(&c);
    cursor_skip(&c, 2 + 2 + 4 + 4 + 4, "negotiate.limits");
    uint32_t capabilities = cursor_u32le(&c, "negotiate.capabilities");
    /* CAP_EXTENDED_SECURITY: a GUID, then the token. */
    if (capabilities & 0x80000000 && part->data.len > 16)
        out->token = (bytes){part->data.ptr + 16, part->data.len - 16};
    return true;
}

/* A string that ends in NUL, or with the data; empty when the capture cut it. Unicode begins at an
 * even place of the message. */
static struct smb1_text text_read(struct cursor *c, const struct smb1_part *part, bool is_unicode)
{
    size_t unit = is_unicode ? 2 : 1;
    if (is_unicode && (part->data_offset + cursor_offset(c)) % 2 && cursor_left(c))
        cursor_skip(c, 1, "smb1.pad");
    size_t n = 0;
    while (n + unit <= cursor_left(c) && (c->ptr[n] || (is_unicode && c->ptr[n + 1])))
        n += unit;
    bool has_end = n + unit <= cursor_left(c);
    struct smb1_text text = {cursor_bytes(c, n, "smb1.text"), is_unicode};
    if (has_end)
        cursor_skip(c, unit, "smb1.text.end");
    else if (part->is_cut)
        text.raw = (bytes){0};
    return text;
}

static bool session_setup_response(const struct smb1_part *part, struct smb1_session_setup *out)
{
    struct cursor c = cursor_of(part->words, 0);
    cursor_skip(&c, ANDX_BYTES, "session.andx");
    out->action = cursor_u16le(&c, "session.action");
    if (!cursor_ok(&c)) return false;
    if (part->word_count != 4) return true;
    size_t length = cursor_u16le(&c, "session.token_length");
    struct cursor data = cursor_of(part->data, 0);
    out->token = cursor_bytes(&data, length, "session.token");
    return true;
}

bool smb1_session_setup_read(const struct smb1_part *part, const struct smb1_header *header,
                             struct smb1_session_setup *out)
{
    *out = (struct smb1_session_setup){0};
    if (header->flags & SMB1_FLAGS_RESPONSE) return session_setup_response(part, out);

    struct cursor c = cursor_of(part->words, 0);
    struct cursor data = cursor_of(part->data, 0);
    cursor_skip(&c, ANDX_BYTES + 2 + 2 + 2 + 4, "session.limits");
    size_t first = cursor_u16le(&c, "session.first_length");
    if (!cursor_ok(&c)) return false;
    bool is_unicode = header->flags2 & SMB1_FLAGS2_UNICODE;
    switch (part->word_count) {
    case 12:
        out->token = cursor_bytes(&data, first, "session.token");
        return cursor_ok(&data);
    case 13:
        out->nt_length = cursor_u16le(&c, "session.nt_length");
        break;
    case 10:
        break;
    default:
        return false;
    }
    out->is_plain = true;
    out->lm_length = first;
    cursor_skip(&data, (uint64_t)out->lm_length + out->nt_length, "session.passwords");
    if (!cursor_ok(&data)) return false;
    out->account = text_read(&data, part, is_unicode);
    out->domain = text_read(&data, part, is_unicode);
    return cursor_ok(&data);
}

bool smb1_path_read(const struct smb1_part *part, const struct smb1_header *header,
                    struct smb1_text *out)
{
    struct cursor data = cursor_of(part->data, 0);
    bool is_unicode = header->flags2 & SMB1_FLAGS2_UNICODE;
    if (part->command == SMB1_TREE_CONNECT) {
        /* Never Unicode but for clients that say so; the format byte tells text. */
        if (cursor_u8(&data, "tree.format") != 4) return false;
    } else {
        struct cursor c = cursor_of(part->words, 0);
        cursor_skip(&c, ANDX_BYTES + 2, "tree.flags");
        size_t password = cursor_u16le(&c, "tree.password_length");
        if (!cursor_ok(&c)) return false;
        cursor_skip(&data, password, "tree.password");
    }
    if (!cursor_ok(&data)) return false;
    *out = text_read(&data, part, is_unicode);
    return out->raw.len > 0;
}

bool smb1_name_read(const struct smb1_part *part, const struct smb1_header *header,
                    struct smb1_text *out)
{
    struct cursor data = cursor_of(part->data, 0);
    *out = text_read(&data, part, header->flags2 & SMB1_FLAGS2_UNICODE);
    return out->raw.len > 0;
}

bool smb1_payload_read(bytes message, const struct smb1_part *part, bytes *out)
{
    uint64_t offset = 0;
    if (!payload_offset(part, &offset) || offset < part->data_offset || offset >= message.len)
        return false;
    *out = (bytes){message.ptr + offset, message.len - (size_t)offset};
    return true;
}
