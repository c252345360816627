/* SPDX-License-Identifier: Apache-2.0 */
/* Archives and compressed files, read forwards only: one layer over a source of bytes. base/input
 * stacks them (a .tar.gz is two layers). A layer is opened only for bytes that carry its own magic
 * number, and then with that one format, so that a text file is never taken for an archive.
 */
#pragma once

#include "base/err.h"

/* Bytes in order. Up to room bytes into `into`; *n is 0 only at the end. After a failure the bytes
 * given before are good, and every further call fails too. */
typedef bool unpack_read_from(void *from, uint8_t *into, size_t room, size_t *n, struct err *err);
struct unpack_source {
    unpack_read_from *read;
    void *from;
};

enum unpack_kind {
    UNPACK_PLAIN,   /* neither */
    UNPACK_PACKED,  /* one compressed stream: gzip, zstd, xz, bzip2 */
    UNPACK_MEMBERS, /* named members: zip, tar */
};

/* What unpack_kind_of wants to see, if the source has so much. */
enum { UNPACK_HEAD_BYTES = 512 };
enum unpack_kind unpack_kind_of(bytes head);
/* A packed form that is known and not opened, with an article: "a 7z archive"; else empty. */
str unpack_unread(bytes head);

struct unpack; /* one open layer */

/* head: the first bytes of the source, not consumed from it. NULL and err when the layer cannot be
 * opened (its header is damaged). Must be closed. */
struct unpack *unpack_open(bytes head, struct unpack_source from, struct err *err);
/* Goes to the next regular file; what is unread of the last one is skipped. A packed stream has one
 * member without a name. *found is false at the end, and after a failure that unpack_read has
 * reported already. name is copied into arena, as valid UTF-8. */
MUST_USE bool unpack_next(struct unpack *unpack, struct arena *arena, str *name, bool *found,
                          struct err *err);
/* An unpack_read_from over the current member.
 * Offsets of its errors count the member's bytes, those of unpack_next the source's.
 * fails: MALFORMED (damaged), UNSUPPORTED (encrypted), LIMIT (ratio), or what the source said */
bool unpack_read(void *unpack, uint8_t *into, size_t room, size_t *n, struct err *err);
void unpack_close(struct unpack *unpack);
