/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/capture_quic.h"

#include "base/map.h"
#include "wire/quic.h"

struct ends {
    struct addr client, server;
    uint16_t client_port, server_port;
};

struct waiting {
    struct ends ends;
    uint64_t begun; /* 0 = free */
    struct quic_hello hello;
};

struct capture_quic {
    struct arena arena; /* of the map alone */
    struct map smb;     /* ends of the conversations that are SMB's */
    struct waiting *waiting;
    uint64_t begun;
};

struct capture_quic *capture_quic_open(struct arena *arena)
{
    struct capture_quic *quic = arena_new(arena, struct capture_quic);
    quic->arena = arena_open("conversations of SMB over QUIC", 0, NULL);
    return quic;
}

void capture_quic_close(struct capture_quic *quic)
{
    if (quic->waiting) arena_unmap(quic->waiting, LIMIT_QUIC_HELLOS * sizeof *quic->waiting);
    quic->waiting = NULL;
    arena_close(&quic->arena);
}

enum { KEY_BYTES = 2 * 16 + 2 * 2 };

/* Without padding: a key. */
static str ends_key(char room[KEY_BYTES], const struct ends *ends)
{
    uint8_t octets[KEY_BYTES] = {0};
    addr_to_bytes(ends->client, octets);
    addr_to_bytes(ends->server, octets + 16);
    octets[32] = (uint8_t)(ends->client_port >> 8);
    octets[33] = (uint8_t)ends->client_port;
    octets[34] = (uint8_t)(ends->server_port >> 8);
    octets[35] = (uint8_t)ends->server_port;
    memcpy(room, octets, KEY_BYTES);
    return (str){room, KEY_BYTES};
}

static bool same(const struct ends *a, const struct ends *b)
{
    return a->client_port == b->client_port && a->server_port == b->server_port &&
           addr_equal(a->client, b->client) && addr_equal(a->server, b->server);
}

static struct waiting *waiting_of(struct capture_quic *quic, const struct ends *ends)
{
    if (!quic->waiting) quic->waiting = arena_map(LIMIT_QUIC_HELLOS * sizeof *quic->waiting);
    struct waiting *oldest = &quic->waiting[0];
    for (size_t i = 0; i < LIMIT_QUIC_HELLOS; i++) {
        struct waiting *w = &quic->waiting[i];
        if (w->begun && same(&w->ends, ends)) return w;
        if (w->begun < oldest->begun) oldest = w;
    }
    memset(&oldest->hello, 0, sizeof oldest->hello);
    oldest->ends = *ends;
    oldest->begun = ++quic->begun;
    return oldest;
}

bool capture_quic_is_smb(struct capture_quic *quic, const struct ip_packet *packet,
                         const struct tcp_segment *datagram, str *name)
{
    bool to_server = datagram->to_port == CAPTURE_QUIC_PORT;
    struct ends ends = {
        .client = to_server ? packet->from : packet->to,
        .server = to_server ? packet->to : packet->from,
        .client_port = to_server ? datagram->from_port : datagram->to_port,
        .server_port = CAPTURE_QUIC_PORT,
    };
    char room[KEY_BYTES];
    str key = ends_key(room, &ends);
    *name = (str){0};
    if (quic->smb.n && map_find(&quic->smb, key)) return true;
    if (!to_server || !quic_is_initial(datagram->payload)) return false;

    struct waiting *waiting = waiting_of(quic, &ends);
    enum quic_finding found = quic_hello_add(&waiting->hello, datagram->payload, name);
    if (found == QUIC_NOTHING) return false;
    waiting->begun = 0;
    if (found != QUIC_SMB || quic->smb.n >= LIMIT_QUIC_CONVERSATIONS) return false;
    (void)map_put(&quic->smb, &quic->arena, key, 1, NULL);
    return true;
}
