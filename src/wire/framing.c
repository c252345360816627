/* SPDX-License-Identifier: Apache-2.0 */
/* [MS-SMB2] 2.1 (transport), 2.2.1.2 (NextCommand). The gathered head of an item grows as its
 * reader asks for more; it is copied only if it is split over segments. */
#include "wire/framing.h"

#include "wire/nbss.h"
#include "wire/smb1.h"
#include "wire/smb2.h"

/* What the item must show before it is known what it is. */
enum { ITEM_HEAD_BYTES = SMB2_HEADER_BYTES };

struct framing framing_from_start(bool trusted)
{
    return (struct framing){.state = FRAMING_HEAD, .trusted = trusted, .need = NBSS_HEADER_BYTES};
}

static uint32_t length_of(const uint8_t *head)
{
    return (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
}

/* Where SMB is expected its magic is enough: a strange header is then a strange message. */
static bool item_kind(bytes head, size_t length, bool expected, enum framing_kind *out)
{
    if (smb2_is_plausible(head, length)) {
        *out = FRAMING_SMB2;
    } else if (smb1_is_plausible(head, length, expected)) {
        *out = FRAMING_SMB1;
    } else if (smb2_transform_is_plausible(head, length)) {
        *out = FRAMING_ENCRYPTED;
    } else if (smb2_compression_is_plausible(head, length)) {
        *out = FRAMING_COMPRESSED;
    } else {
        return false;
    }
    return true;
}

static bool begins_message(bytes data, bool expected)
{
    if (data.len < NBSS_HEADER_BYTES + 8 || data.ptr[0] != NBSS_MESSAGE) return false;
    size_t length = length_of(data.ptr);
    bytes item = {data.ptr + NBSS_HEADER_BYTES, data.len - NBSS_HEADER_BYTES};
    if (item.len > length) item.len = length;
    enum framing_kind kind;
    return item_kind(item, length, expected, &kind);
}

bool framing_is_message(bytes data)
{
    return begins_message(data, false);
}

static void expect_head(struct framing *f)
{
    f->state = FRAMING_HEAD;
    f->need = NBSS_HEADER_BYTES;
    f->message_left = 0;
}

static void expect_item(struct framing *f)
{
    f->state = FRAMING_ITEM;
    f->need = f->message_left < ITEM_HEAD_BYTES ? f->message_left : ITEM_HEAD_BYTES;
}

/* Bytes that are no message: the search goes on where SMB is known or likely. */
static void lose(struct framing *f)
{
    f->state = f->trusted ? FRAMING_LOST : FRAMING_OTHER;
    f->skip = 0;
    f->need = 0;
    f->message_left = 0;
}

/* Four bytes in front of a message are gathered. */
static void take_head(struct framing *f, bytes head)
{
    f->type = head.ptr[0];
    f->message_left = length_of(head.ptr);
    if (!nbss_is_plausible(f->type, f->message_left)) {
        lose(f);
        return;
    }
    if (f->message_left == 0) {
        expect_head(f);
        return;
    }
    expect_item(f);
    if (f->type != NBSS_MESSAGE) f->need = f->message_left;
}

/* The first `have` bytes of an item are gathered: hands them over, and steps over what is left.
 * True when the reader wants more of it. */
static bool take_item(struct framing *f, const struct framing_user *user, bytes head, bool final)
{
    struct framing_item item = {
        .nbss_type = f->type, .head = head, .length = f->message_left, .final = final};
    if (f->type != NBSS_MESSAGE) {
        item.kind = FRAMING_NBSS;
    } else if (!item_kind(head, f->message_left, f->trusted, &item.kind)) {
        lose(f);
        return false;
    } else {
        f->trusted = true;
    }
    if (item.kind == FRAMING_SMB2) item.length = smb2_item_length(head, f->message_left);

    size_t most = item.length < FRAMING_GATHER_MOST ? item.length : FRAMING_GATHER_MOST;
    if (head.len >= most) item.final = true;
    size_t wanted = user->item(user->to, &item);
    if (!item.final && wanted > head.len) {
        f->need = (uint32_t)(wanted < most ? wanted : most);
        return true;
    }
    f->skip = (uint32_t)(item.length > head.len ? item.length - head.len : 0);
    f->message_left -= (uint32_t)item.length;
    if (f->message_left)
        expect_item(f);
    else
        expect_head(f);
    return false;
}

/* Hands `head`, all that was gathered of the head or item, to its reader. True: wants more. */
static bool take(struct framing *f, const struct framing_user *user, bytes head)
{
    if (f->state == FRAMING_ITEM) return take_item(f, user, head, false);
    take_head(f, head);
    return false;
}

/* Lost: steps to the next message in data and returns how many bytes are before it, or data.len. */
static size_t find_message(struct framing *f, bytes data)
{
    enum { TO_S = NBSS_HEADER_BYTES + 1 }; /* from the framing to the S of the magic */
    size_t last = f->trusted ? data.len : 1;
    for (size_t i = 0; i < last && data.len - i > TO_S; i++) {
        const uint8_t *s = memchr(data.ptr + i + TO_S, 'S', data.len - i - TO_S);
        if (!s) break;
        i = (size_t)(s - data.ptr) - TO_S;
        if (i >= last) break;
        /* Messages most often begin with a segment; within one, chance is to be ruled out. */
        bool expected = f->trusted && i == 0;
        if (!begins_message((bytes){data.ptr + i, data.len - i}, expected)) continue;
        expect_head(f);
        return i;
    }
    return data.len;
}

/* Gathers from data what the current head or item needs; returns how many bytes were used. */
static size_t gather(struct framing *f, const struct framing_user *user, bytes data, bool *full)
{
    if (f->gathered.len == 0) {
        /* In place, as long as this segment has what is asked for. */
        while (data.len >= f->need) {
            size_t used = f->need;
            if (take(f, user, (bytes){data.ptr, used})) continue;
            /* Bytes that were no message may hold the beginning of one. */
            return f->state == FRAMING_LOST ? 0 : used;
        }
    }
    size_t missing = f->need - f->gathered.len;
    size_t n = data.len < missing ? data.len : missing;
    if (!chunk_append(user->pool, &f->gathered, (bytes){data.ptr, n})) {
        *full = true;
        return n;
    }
    if (f->gathered.len < f->need) return n;
    chunk_copy(user->pool, &f->gathered, user->scratch);
    if (!take(f, user, (bytes){user->scratch, f->gathered.len}))
        chunk_free(user->pool, &f->gathered);
    return n;
}

bool framing_deliver(struct framing *f, const struct framing_user *user, bytes data)
{
    bool full = false;
    while (data.len && f->state != FRAMING_OTHER) {
        size_t n = 0;
        if (f->skip) {
            n = f->skip < data.len ? f->skip : data.len;
            f->skip -= (uint32_t)n;
        } else if (f->state == FRAMING_LOST) {
            n = find_message(f, data);
        } else {
            n = gather(f, user, data, &full);
            if (full) framing_drop(f, user->pool);
        }
        data.ptr += n;
        data.len -= n;
    }
    return !full;
}

void framing_gap(struct framing *f, const struct framing_user *user, uint64_t n)
{
    while (n && f->state != FRAMING_OTHER && f->state != FRAMING_LOST) {
        if (f->skip) {
            uint64_t stepped = f->skip < n ? f->skip : n;
            f->skip -= (uint32_t)stepped;
            n -= stepped;
            continue;
        }
        if (f->state == FRAMING_HEAD) {
            /* The length of a message is among what was lost. */
            chunk_free(user->pool, &f->gathered);
            lose(f);
            if (f->state == FRAMING_OTHER) f->state = FRAMING_LOST;
            return;
        }
        /* Within a message: what was gathered is all there will be. */
        bytes head = {user->scratch, f->gathered.len};
        chunk_copy(user->pool, &f->gathered, user->scratch);
        chunk_free(user->pool, &f->gathered);
        uint32_t left = f->message_left - (uint32_t)head.len;
        if (head.len) take_item(f, user, head, true);
        if (f->state == FRAMING_LOST || f->state == FRAMING_OTHER) return;
        expect_head(f);
        f->skip = left;
    }
}

bool framing_ignores(const struct framing *f, uint64_t n)
{
    return f->state == FRAMING_OTHER || n <= f->skip;
}

void framing_drop(struct framing *f, struct chunk_pool *pool)
{
    chunk_free(pool, &f->gathered);
    if (f->state != FRAMING_OTHER) lose(f);
}
