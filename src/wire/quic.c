/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/quic.h"

#include "base/seal.h"

enum { VERSION_1 = 0x00000001, VERSION_2 = 0x6B3343CF };
enum {
    ID_BYTES_MOST = 20,
    NUMBER_BYTES_MOST = 4,
    SAMPLE_BYTES = 16,
    PACKETS_MOST = 8, /* of one datagram */
    LABEL_BYTES = 64,
};

/* RFC 9001 5.2; RFC 9369 3.3.1 */
struct version {
    uint32_t id;
    uint8_t initial; /* type bits of an Initial packet */
    uint8_t salt[20];
    const char *key, *iv, *hp;
};
static const struct version versions[] = {
    {VERSION_1,
     0, {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
      0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
     "quic key",   "quic iv",
     "quic hp"  },
    {VERSION_2,
     1, {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
      0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
     "quicv2 key", "quicv2 iv",
     "quicv2 hp"},
};

static const struct version *version_of(uint32_t id)
{
    for (size_t i = 0; i < COUNT_OF(versions); i++)
        if (versions[i].id == id) return &versions[i];
    return NULL;
}

/* RFC 9000 16 */
static uint64_t varint(struct cursor *c, const char *field)
{
    uint64_t value = cursor_u8(c, field);
    unsigned more = (1u << (value >> 6)) - 1;
    value &= 0x3F;
    for (unsigned i = 0; i < more; i++)
        value = value << 8 | cursor_u8(c, field);
    return value;
}

bool quic_is_initial(bytes datagram)
{
    enum { LEAST = 7 };
    if (datagram.len < LEAST || (datagram.ptr[0] & 0xC0) != 0xC0) return false;
    uint32_t id = (uint32_t)datagram.ptr[1] << 24 | (uint32_t)datagram.ptr[2] << 16 |
                  (uint32_t)datagram.ptr[3] << 8 | datagram.ptr[4];
    const struct version *version = version_of(id);
    return version && (datagram.ptr[0] >> 4 & 3) == version->initial;
}

/* HKDF-Expand-Label (RFC 8446 7.1) with an empty context. */
static bool expand_label(const uint8_t *secret, const char *label, uint8_t *out, size_t n)
{
    uint8_t info[LABEL_BYTES];
    size_t len = 6 + strlen(label), at = 0;
    info[at++] = (uint8_t)(n >> 8);
    info[at++] = (uint8_t)n;
    info[at++] = (uint8_t)len;
    memcpy(info + at, "tls13 ", 6);
    memcpy(info + at + 6, label, len - 6);
    at += len;
    info[at++] = 0;
    return seal_expand(secret, (bytes){info, at}, out, n);
}

struct keys {
    uint8_t key[SEAL_KEY_BYTES], nonce[SEAL_NONCE_BYTES], mask[SEAL_KEY_BYTES];
};

/* What a client seals its Initial packets with. */
static bool keys_of(const struct version *version, bytes destination, struct keys *out)
{
    uint8_t initial[SEAL_SECRET_BYTES], client[SEAL_SECRET_BYTES];
    bytes salt = {version->salt, sizeof version->salt};
    return seal_extract(salt, destination, initial) &&
           expand_label(initial, "client in", client, sizeof client) &&
           expand_label(client, version->key, out->key, sizeof out->key) &&
           expand_label(client, version->iv, out->nonce, sizeof out->nonce) &&
           expand_label(client, version->hp, out->mask, sizeof out->mask);
}

struct packet {
    bytes header; /* up to the packet number, still masked */
    bytes body;   /* packet number and what is sealed */
    struct keys keys;
};

/* The next packet of a datagram: an Initial with *is_initial, another long one to be stepped over.
 */
static bool packet_read(struct cursor *c, struct packet *out, bool *is_initial)
{
    struct cursor start = *c;
    size_t before = cursor_left(c);
    uint8_t first = cursor_u8(c, "quic.first");
    uint32_t id = cursor_u32be(c, "quic.version");
    uint8_t destination_length = cursor_u8(c, "quic.destination_length");
    bytes destination = cursor_bytes(c, destination_length, "quic.destination");
    uint8_t source_length = cursor_u8(c, "quic.source_length");
    cursor_skip(c, source_length, "quic.source");
    const struct version *version = version_of(id);
    if (!cursor_ok(c) || (first & 0xC0) != 0xC0 || !version) return false;
    if (destination.len > ID_BYTES_MOST) return false;
    *is_initial = (first >> 4 & 3) == version->initial;
    if (*is_initial) {
        uint64_t token = varint(c, "quic.token_length");
        cursor_skip(c, token, "quic.token");
    }
    uint64_t length = varint(c, "quic.length");
    size_t header = before - cursor_left(c);
    out->body = cursor_bytes(c, length, "quic.body");
    if (!cursor_ok(c)) return false;
    out->header = cursor_bytes(&start, header, "quic.header");
    return !*is_initial || keys_of(version, destination, &out->keys);
}

/* Takes the mask off (RFC 9001 5.4) and opens the packet. False when it was not sealed so: it is
 * the server's, or damaged. */
static bool packet_open(const struct packet *packet, uint8_t *plain, size_t *n)
{
    uint8_t header[QUIC_PACKET_BYTES], mask[16], nonce[SEAL_NONCE_BYTES];
    size_t fixed = packet->header.len;
    bytes body = packet->body;
    if (body.len < NUMBER_BYTES_MOST + SAMPLE_BYTES || body.len > QUIC_PACKET_BYTES) return false;
    if (fixed + NUMBER_BYTES_MOST > sizeof header) return false;
    if (!seal_block(packet->keys.mask, body.ptr + NUMBER_BYTES_MOST, mask)) return false;
    memcpy(header, packet->header.ptr, fixed);
    header[0] ^= mask[0] & 0x0F;
    size_t number_bytes = (size_t)(header[0] & 3) + 1;
    memcpy(nonce, packet->keys.nonce, sizeof nonce);
    for (size_t i = 0; i < number_bytes; i++) {
        header[fixed + i] = body.ptr[i] ^ mask[1 + i];
        nonce[sizeof nonce - number_bytes + i] ^= header[fixed + i];
    }
    bytes sealed = {body.ptr + number_bytes, body.len - number_bytes};
    if (!seal_open(packet->keys.key, nonce, (bytes){header, fixed + number_bytes}, sealed, plain))
        return false;
    *n = sealed.len - SEAL_TAG_BYTES;
    return true;
}

static void add_piece(struct quic_hello *hello, uint64_t at, bytes piece)
{
    if (at > QUIC_HELLO_BYTES || piece.len > QUIC_HELLO_BYTES - at) return;
    for (size_t i = 0; i < piece.len; i++) {
        size_t place = (size_t)at + i;
        uint8_t bit = (uint8_t)(1u << (place % 8));
        if (hello->has[place / 8] & bit) continue;
        hello->has[place / 8] |= bit;
        hello->data[place] = piece.ptr[i];
        hello->n++;
    }
}

static void step_acknowledgment(struct cursor *c, bool with_marks)
{
    (void)varint(c, "ack.largest");
    (void)varint(c, "ack.delay");
    uint64_t ranges = varint(c, "ack.ranges");
    (void)varint(c, "ack.first");
    for (uint64_t i = 0; i < ranges && cursor_ok(c); i++) {
        (void)varint(c, "ack.gap");
        (void)varint(c, "ack.range");
    }
    for (unsigned i = 0; with_marks && i < 3; i++)
        (void)varint(c, "ack.mark");
}

/* RFC 9000 12.4: frames that an Initial may hold. */
static void frames_read(struct quic_hello *hello, bytes plain)
{
    enum { PADDING = 0, PING = 1, ACK = 2, ACK_MARKED = 3, CRYPTO = 6 };
    struct cursor c = cursor_of(plain, 0);
    while (cursor_ok(&c) && cursor_left(&c)) {
        uint64_t type = varint(&c, "frame.type");
        switch (type) {
        case PADDING:
        case PING:
            break;
        case ACK:
        case ACK_MARKED:
            step_acknowledgment(&c, type == ACK_MARKED);
            break;
        case CRYPTO: {
            uint64_t at = varint(&c, "crypto.offset");
            uint64_t length = varint(&c, "crypto.length");
            add_piece(hello, at, cursor_bytes(&c, length, "crypto.data"));
            break;
        }
        default:
            return;
        }
    }
}

/* A hello of n bytes is whole when its first n bytes are there; its header says n. */
static bool is_whole(const struct quic_hello *hello, size_t *n)
{
    enum { CLIENT_HELLO = 1, HEADER = 4 };
    if ((hello->has[0] & 0x0F) != 0x0F || hello->data[0] != CLIENT_HELLO) return false;
    size_t length = (size_t)hello->data[1] << 16 | (size_t)hello->data[2] << 8 | hello->data[3];
    if (length > QUIC_HELLO_BYTES - HEADER) return false;
    *n = HEADER + length;
    for (size_t i = 0; i < *n; i++)
        if (!(hello->has[i / 8] >> (i % 8) & 1)) return false;
    return true;
}

/* RFC 6066 3: the first name of type host_name. */
static str server_name(struct cursor list)
{
    cursor_skip(&list, 2, "names.length");
    uint8_t type = cursor_u8(&list, "name.type");
    uint16_t length = cursor_u16be(&list, "name.length");
    bytes name = cursor_bytes(&list, length, "name");
    bool fine = cursor_ok(&list) && type == 0 && name.len < QUIC_NAME_BYTES;
    return fine ? str_of_bytes(name) : (str){0};
}

static bool offers_smb(struct cursor list)
{
    cursor_skip(&list, 2, "protocols.length");
    while (cursor_left(&list)) {
        uint8_t length = cursor_u8(&list, "protocol.length");
        bytes name = cursor_bytes(&list, length, "protocol");
        if (!cursor_ok(&list)) return false;
        if (str_equal(str_of_bytes(name), S("smb"))) return true;
    }
    return false;
}

/* RFC 8446 4.1.2, from behind the handshake header on. */
static enum quic_finding hello_read(bytes body, str *name)
{
    enum { SERVER_NAME = 0, PROTOCOLS = 16 };
    struct cursor c = cursor_of(body, 0);
    enum quic_finding found = QUIC_OTHER;
    cursor_skip(&c, 2 + 32, "hello.random");
    uint8_t session = cursor_u8(&c, "hello.session_length");
    cursor_skip(&c, session, "hello.session");
    uint16_t suites = cursor_u16be(&c, "hello.suites_length");
    cursor_skip(&c, suites, "hello.suites");
    uint8_t compressions = cursor_u8(&c, "hello.compressions_length");
    cursor_skip(&c, compressions, "hello.compressions");
    cursor_skip(&c, 2, "hello.extensions_length");
    while (cursor_ok(&c) && cursor_left(&c)) {
        uint16_t type = cursor_u16be(&c, "extension.type");
        uint16_t length = cursor_u16be(&c, "extension.length");
        struct cursor data = cursor_take(&c, length, "extension.data");
        if (!cursor_ok(&c)) break;
        if (type == SERVER_NAME) *name = server_name(data);
        if (type == PROTOCOLS && offers_smb(data)) found = QUIC_SMB;
    }
    return found;
}

enum quic_finding quic_hello_add(struct quic_hello *hello, bytes datagram, str *name)
{
    struct cursor c = cursor_of(datagram, 0);
    uint8_t plain[QUIC_PACKET_BYTES];
    size_t n = 0;
    *name = (str){0};
    for (unsigned i = 0; i < PACKETS_MOST && cursor_left(&c); i++) {
        struct packet packet = {0};
        bool is_initial = false;
        if (!packet_read(&c, &packet, &is_initial)) break;
        if (is_initial && packet_open(&packet, plain, &n)) frames_read(hello, (bytes){plain, n});
    }
    if (!is_whole(hello, &n)) return QUIC_NOTHING;
    return hello_read((bytes){hello->data + 4, n - 4}, name);
}
