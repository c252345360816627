/* SPDX-License-Identifier: Apache-2.0 */
/* Edge: the only file that knows libarchive. It sees its input through a callback and never opens a
 * file itself, so all access to the system stays in struct os. Of libarchive's formats only the one
 * whose magic number was seen is switched on; its "mtree" and "empty" guesses never are, "raw" only
 * for a compressed stream.
 *
 * A zip is read forwards too, by its members' own headers: a member that only the directory at the
 * end calls a link is a small file that holds the name it leads to.
 *
 * What a damaged compressed stream gave before the damage is delivered in libarchive's blocks (64
 * KiB with gzip): the part of the block in which the damage lies is lost with it.
 */
#include "base/unpack.h"

#include <archive.h>
#include <archive_entry.h>

enum {
    FEED_BYTES = 64 << 10,
    /* Retries that libarchive may ask for before one header or block is given up. */
    RETRIES = 16,
};

/* archive_read_support_* of libarchive, all of one shape. */
typedef int support(struct archive *);

struct magic {
    const char *text;
    size_t len;
    enum unpack_kind kind;
    support *enable;
};

static int enable_zip(struct archive *archive)
{
    /* The whole format, not "streamable" alone: without seeking it streams, and says so in errors.
     */
    return archive_read_support_format_zip(archive);
}

static const struct magic magics[] = {
    {"\x1F\x8B\x08",     3, UNPACK_PACKED,  archive_read_support_filter_gzip}, /* RFC 1952, 2.3.1 */
    {"\x28\xB5\x2F\xFD", 4, UNPACK_PACKED,  archive_read_support_filter_zstd}, /* RFC 8878, 3.1.1 */
    {"\xFD"
     "7zXZ\0",      6, UNPACK_PACKED,  archive_read_support_filter_xz  }, /* xz format 1.2, 2.1.1.1 */
    {"PK\x03\x04",       4, UNPACK_MEMBERS, enable_zip                      }, /* APPNOTE 4.3.7 */
    {"PK\x05\x06",       4, UNPACK_MEMBERS, enable_zip                      }, /* APPNOTE 4.3.16: no members */
};

/* "BZh", the block size, then a block's or the end's magic (48 bits of pi or its root). */
static bool is_bzip2(bytes head)
{
    static const char block[] = "\x31\x41\x59\x26\x53\x59", end[] = "\x17\x72\x45\x38\x50\x90";
    if (head.len < 10 || memcmp(head.ptr, "BZh", 3) != 0) return false;
    if (head.ptr[3] < '1' || head.ptr[3] > '9') return false;
    return memcmp(head.ptr + 4, block, 6) == 0 || memcmp(head.ptr + 4, end, 6) == 0;
}

/* POSIX.1-2017 pax, "ustar Interchange Format": magic at 257, checksum in octal at 148 over the
 * block with the checksum itself as blanks. Without the magic (before 1988) it is not recognised:
 * too many other files would be. */
static bool is_tar(bytes head)
{
    enum { BLOCK = 512, CHECKSUM = 148, CHECKSUM_LEN = 8, MAGIC = 257 };
    if (head.len < BLOCK || memcmp(head.ptr + MAGIC, "ustar", 5) != 0) return false;
    uint32_t sum = 0, said = 0;
    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= CHECKSUM && i < CHECKSUM + CHECKSUM_LEN ? ' ' : head.ptr[i];
    for (size_t i = CHECKSUM; i < CHECKSUM + CHECKSUM_LEN; i++)
        if (head.ptr[i] >= '0' && head.ptr[i] <= '7') said = said * 8 + (head.ptr[i] - '0');
    return sum == said;
}

static struct magic magic_of(bytes head)
{
    for (size_t i = 0; i < COUNT_OF(magics); i++)
        if (head.len >= magics[i].len && memcmp(head.ptr, magics[i].text, magics[i].len) == 0)
            return magics[i];
    if (is_bzip2(head))
        return (struct magic){NULL, 0, UNPACK_PACKED, archive_read_support_filter_bzip2};
    if (is_tar(head))
        return (struct magic){NULL, 0, UNPACK_MEMBERS, archive_read_support_format_tar};
    return (struct magic){0};
}

enum unpack_kind unpack_kind_of(bytes head)
{
    return magic_of(head).kind;
}

/* Forms that want seeking (7z, CAB), and rarer ones. */
str unpack_unread(bytes head)
{
    static const struct {
        const char *magic;
        size_t len;
        str name;
    } forms[] = {
        {"7z\xBC\xAF\x27\x1C", 6, {"a 7z archive", 12}        },
        {"Rar!\x1A\x07",       6, {"a RAR archive", 13}       },
        {"MSCF\0\0\0\0",       8, {"a cabinet (.cab)", 16}    },
        {"\x04\x22\x4D\x18",   4, {"an LZ4 file", 11}         },
        {"\x1F\x9D",           2, {"a compress (.Z) file", 20}},
    };
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        if (head.len >= forms[i].len && memcmp(head.ptr, forms[i].magic, forms[i].len) == 0)
            return forms[i].name;
    return (str){0};
}

struct unpack {
    struct archive *archive;
    struct unpack_source from;
    enum unpack_kind kind;
    struct err source_err; /* of `from`, kept while libarchive is between us and it */
    uint8_t feed[FEED_BYTES];
    uint64_t fed, given, members; /* bytes in, bytes out, over all members */
    /* The block of the current member that is being handed out; holes are zeros. */
    const uint8_t *block;
    size_t block_left;
    uint64_t hole_left, member_at;
    bool opened; /* libarchive has chosen its format */
    bool member_ended;
    bool dead;  /* a failure was reported, or nothing more comes */
    bool empty; /* a packed stream of no bytes: libarchive finds no format in it */
};

/* Always whole pieces: what libarchive makes of a damaged archive depends on how it was cut, and
 * must not depend on how a pipe delivered it. */
static la_ssize_t feed_archive(struct archive *archive, void *self, const void **piece)
{
    struct unpack *unpack = self;
    size_t len = 0, n = 1;
    while (n && len < FEED_BYTES) {
        if (!unpack->from.read(unpack->from.from, unpack->feed + len, FEED_BYTES - len, &n,
                               &unpack->source_err)) {
            /* What came before the failure first; the source fails again when asked again. */
            if (len) break;
            archive_set_error(archive, -1, "the source cannot be read");
            return -1;
        }
        len += n;
    }
    unpack->fed += len;
    *piece = unpack->feed;
    return (la_ssize_t)len;
}

/* The failure that libarchive tells, or that of the source beneath it. */
static bool refuse(struct unpack *unpack, uint64_t offset, struct err *err)
{
    unpack->dead = true;
    if (unpack->source_err.kind != ERR_NONE) {
        *err = unpack->source_err;
        return false;
    }
    str text = str_of(archive_error_string(unpack->archive));
    if (!text.len) text = S("no reason given");
    /* Asked before a format was chosen, libarchive 3.6 follows a wild pointer. */
    bool encrypted = unpack->opened && archive_read_has_encrypted_entries(unpack->archive) == 1;
    return err_at(err, encrypted ? ERR_UNSUPPORTED : ERR_MALFORMED, offset,
                  "the %s is damaged or not readable: %.*s",
                  unpack->kind == UNPACK_PACKED ? "compressed file" : "archive", STR_ARG(text));
}

/* How far the packed bytes were used: where a damage between members lies. */
static uint64_t packed_offset(const struct unpack *unpack)
{
    la_int64_t used = archive_filter_bytes(unpack->archive, -1);
    return used > 0 ? (uint64_t)used : 0;
}

/* libarchive's answer to a sound compressed stream of no bytes. */
static bool found_nothing(const struct unpack *unpack)
{
    return unpack->source_err.kind == ERR_NONE &&
           str_equal(str_of(archive_error_string(unpack->archive)),
                     S("Unrecognized archive format"));
}

struct unpack *unpack_open(bytes head, struct unpack_source from, struct err *err)
{
    struct magic magic = magic_of(head);
    assert(magic.enable && "only what unpack_kind_of recognises is opened");
    struct unpack *unpack = arena_map(sizeof *unpack);
    *unpack = (struct unpack){.from = from, .kind = magic.kind, .archive = archive_read_new()};
    bool fine = unpack->archive != NULL;
    if (fine && magic.kind == UNPACK_PACKED)
        fine = archive_read_support_format_raw(unpack->archive) == ARCHIVE_OK;
    /* A filter that has no library inside libarchive answers ARCHIVE_WARN: it would call a program.
     */
    if (fine) fine = magic.enable(unpack->archive) == ARCHIVE_OK;
    if (!fine) {
        err_set(err, ERR_UNSUPPORTED, "this libarchive cannot read the format");
        unpack_close(unpack);
        return NULL;
    }
    int answer = archive_read_open(unpack->archive, unpack, NULL, feed_archive, NULL);
    if (magic.kind == UNPACK_PACKED && answer == ARCHIVE_OK)
        fine = archive_filter_count(unpack->archive) > 1; /* else a header it does not believe */
    if (magic.kind == UNPACK_PACKED && answer != ARCHIVE_OK) unpack->empty = found_nothing(unpack);
    if (!fine || (answer != ARCHIVE_OK && !unpack->empty)) {
        if (!fine) archive_set_error(unpack->archive, -1, "its header is damaged");
        refuse(unpack, packed_offset(unpack), err);
        unpack_close(unpack);
        return NULL;
    }
    unpack->opened = !unpack->empty;
    return unpack;
}

static str member_name(struct unpack *unpack, struct archive_entry *entry, struct arena *arena)
{
    const char *name = archive_entry_pathname_utf8(entry);
    if (!name) name = archive_entry_pathname(entry);
    if (!name || !*name) return str_format(arena, "member-%" PRIu64, unpack->members);
    return str_copy(arena, str_utf8(arena, str_of(name)));
}

bool unpack_next(struct unpack *unpack, struct arena *arena, str *name, bool *found,
                 struct err *err)
{
    *found = false;
    if (unpack->dead) return true;
    if (unpack->empty) {
        unpack->dead = unpack->member_ended = *found = true;
        *name = (str){0};
        return true;
    }
    for (unsigned retries = 0;;) {
        struct archive_entry *entry = NULL;
        int answer = archive_read_next_header(unpack->archive, &entry);
        if (answer == ARCHIVE_EOF) return true;
        if (answer == ARCHIVE_RETRY && ++retries < RETRIES) continue;
        /* A warning is about a name or an attribute; the member's bytes are there. */
        if (answer != ARCHIVE_OK && answer != ARCHIVE_WARN)
            return refuse(unpack, packed_offset(unpack), err);
        if (++unpack->members > LIMIT_ARCHIVE_MEMBERS) {
            unpack->dead = true;
            return err_at(err, ERR_LIMIT, packed_offset(unpack),
                          "the archive has more than %d members; the rest is not read",
                          LIMIT_ARCHIVE_MEMBERS);
        }
        /* Folders, links and devices hold no evidence; raw streams are files without a type. */
        if (unpack->kind == UNPACK_MEMBERS && archive_entry_filetype(entry) != AE_IFREG) continue;
        unpack->block_left = 0;
        unpack->hole_left = unpack->member_at = 0;
        unpack->member_ended = false;
        *name = unpack->kind == UNPACK_MEMBERS ? member_name(unpack, entry, arena) : (str){0};
        *found = true;
        return true;
    }
}

static bool next_block(struct unpack *unpack, struct err *err)
{
    const void *block = NULL;
    size_t size = 0;
    la_int64_t offset = 0;
    int answer = ARCHIVE_RETRY;
    for (unsigned retries = 0; answer == ARCHIVE_RETRY && retries < RETRIES; retries++)
        answer = archive_read_data_block(unpack->archive, &block, &size, &offset);
    if (answer == ARCHIVE_EOF) {
        unpack->member_ended = true;
        return true;
    }
    if (answer != ARCHIVE_OK) {
        bool all = answer == ARCHIVE_FATAL;
        refuse(unpack, unpack->member_at, err);
        unpack->dead = all; /* else the members behind this one can still be read */
        unpack->member_ended = true;
        return false;
    }
    uint64_t start = offset > 0 ? (uint64_t)offset : 0;
    unpack->hole_left = start > unpack->member_at ? start - unpack->member_at : 0;
    unpack->block = block;
    unpack->block_left = size;
    return true;
}

bool unpack_read(void *self, uint8_t *into, size_t room, size_t *n, struct err *err)
{
    struct unpack *unpack = self;
    while (!unpack->block_left && !unpack->hole_left && !unpack->member_ended)
        if (!next_block(unpack, err)) return false;

    uint64_t left = unpack->hole_left ? unpack->hole_left : unpack->block_left;
    size_t piece = left < room ? (size_t)left : room;
    if (unpack->given + piece > LIMIT_UNPACK_FREE &&
        (unpack->given + piece) / LIMIT_UNPACK_RATIO > unpack->fed) {
        unpack->dead = true;
        return err_at(err, ERR_LIMIT, unpack->member_at,
                      "unpacked to more than %d times its size; the rest is not read",
                      LIMIT_UNPACK_RATIO);
    }
    if (unpack->hole_left) {
        memset(into, 0, piece);
        unpack->hole_left -= piece;
    } else if (piece) {
        memcpy(into, unpack->block, piece);
        unpack->block += piece;
        unpack->block_left -= piece;
    }
    unpack->member_at += piece;
    unpack->given += piece;
    *n = piece;
    return true;
}

void unpack_close(struct unpack *unpack)
{
    if (unpack->archive) archive_read_free(unpack->archive);
    arena_unmap(unpack, sizeof *unpack);
}
