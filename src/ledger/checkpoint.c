/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/checkpoint.h"

#include "base/base64.h"

enum {
    KEY_ID_BYTES = 4,
    TYPE_ED25519 = 1,
    /* signed-note: at least 16 signatures have to be taken. */
    MOST_SIGNATURES = 64,
};

#define DASH "\xE2\x80\x94 "

/* ---- Keys ----------------------------------------------------------------------------------- */

static void key_id(const struct checkpoint_key *key, uint8_t out[KEY_ID_BYTES])
{
    static const uint8_t between[] = {'\n', TYPE_ED25519};
    struct sha256 hash = sha256_start();
    sha256_add(&hash, str_bytes(key->name));
    sha256_add(&hash, (bytes){between, sizeof between});
    sha256_add(&hash, (bytes){key->public, sizeof key->public});
    struct sha256_digest digest = sha256_end(&hash);
    memcpy(out, digest.bytes, KEY_ID_BYTES);
}

static str key_id_text(const struct checkpoint_key *key, struct arena *arena)
{
    uint8_t id[KEY_ID_BYTES];
    key_id(key, id);
    return str_format(arena, "%02x%02x%02x%02x", id[0], id[1], id[2], id[3]);
}

str checkpoint_key_text(const struct checkpoint_key *key, struct arena *arena)
{
    uint8_t typed[1 + SIGN_PUBLIC_BYTES] = {TYPE_ED25519};
    struct buf out = buf_in(arena);
    memcpy(typed + 1, key->public, SIGN_PUBLIC_BYTES);
    str id = key_id_text(key, arena);
    buf_str(&out, key->name);
    buf_char(&out, '+');
    buf_str(&out, id);
    buf_char(&out, '+');
    base64_write(&out, (bytes){typed, sizeof typed});
    return buf_text(&out);
}

/* Names are of our own making: ASCII that can be seen, without '+'. */
static bool is_name(str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= ' ' || name.ptr[i] > '~' || name.ptr[i] == '+') return false;
    return name.len > 0;
}

bool checkpoint_key_parse(str text, struct arena *arena, struct checkpoint_key *out,
                          struct err *err)
{
    str id = {0}, encoded = {0};
    bytes typed = {0};
    struct checkpoint_key key = {0};
    if (!str_cut(text, '+', &key.name, &id) || !str_cut(id, '+', &id, &encoded) ||
        !is_name(key.name))
        return err_set(err, ERR_MALFORMED, "expected a public key like name+1a2b3c4d+AQ...");
    if (!base64_read(encoded, arena, &typed) || typed.len != 1 + SIGN_PUBLIC_BYTES ||
        typed.ptr[0] != TYPE_ED25519)
        return err_set(err, ERR_MALFORMED,
                       "expected the base64 of an Ed25519 key (33 bytes, the first one 1) behind "
                       "the key's id");
    memcpy(key.public, typed.ptr + 1, SIGN_PUBLIC_BYTES);
    str expected = key_id_text(&key, arena);
    if (!str_equal(id, expected))
        return err_set(err, ERR_MALFORMED, "the key's id is %.*s, expected %.*s",
                       STR_ARG(str_head(id, 64)), STR_ARG(expected));
    *out = key;
    return true;
}

bool checkpoint_key_equal(const struct checkpoint_key *a, const struct checkpoint_key *b)
{
    return str_equal(a->name, b->name) && memcmp(a->public, b->public, sizeof a->public) == 0;
}

/* ---- Writing -------------------------------------------------------------------------------- */

static void write_text(str origin, uint64_t size, const struct sha256_digest *root, struct buf *out)
{
    buf_str(out, origin);
    buf_char(out, '\n');
    buf_u64(out, size);
    buf_char(out, '\n');
    base64_write(out, (bytes){root->bytes, sizeof root->bytes});
    buf_char(out, '\n');
}

str checkpoint_text(str origin, uint64_t size, const struct sha256_digest *root,
                    struct arena *arena)
{
    struct buf out = buf_in(arena);
    write_text(origin, size, root, &out);
    return buf_text(&out);
}

str checkpoint_sign(const struct sign_key *key, str origin, uint64_t size,
                    const struct sha256_digest *root, str extension, struct arena *arena)
{
    struct checkpoint_key named = {.name = origin};
    uint8_t signature[KEY_ID_BYTES + SIGN_BYTES];
    struct buf out = buf_in(arena);
    memcpy(named.public, key->public, sizeof named.public);
    write_text(origin, size, root, &out);
    if (extension.len) {
        buf_str(&out, extension);
        buf_char(&out, '\n');
    }
    key_id(&named, signature);
    sign_make(key, str_bytes(buf_text(&out)), signature + KEY_ID_BYTES);
    buf_str(&out, S("\n" DASH));
    buf_str(&out, origin);
    buf_char(&out, ' ');
    base64_write(&out, (bytes){signature, sizeof signature});
    buf_char(&out, '\n');
    return buf_text(&out);
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* Lines of a note, one after the other. */
struct lines {
    str rest;
    uint32_t line; /* of the last one taken */
};

static bool next_line(struct lines *lines, str *out, struct err *err)
{
    lines->line++;
    if (!str_cut(lines->rest, '\n', out, &lines->rest))
        return err_line(err, ERR_TRUNCATED, lines->line, 1,
                        "a checkpoint ends with a line of its signature");
    for (size_t i = 0; i < out->len; i++)
        if ((uint8_t)out->ptr[i] < ' ')
            return err_line(err, ERR_MALFORMED, lines->line, (uint32_t)(i + 1),
                            "a checkpoint has no control characters");
    return true;
}

static bool read_size(str line, uint64_t *out)
{
    return str_u64(line, INT64_MAX, out) && (line.len == 1 || line.ptr[0] != '0');
}

static bool read_head(struct lines *lines, struct arena *arena, struct checkpoint *out,
                      struct err *err)
{
    str line = {0};
    bytes root = {0};
    if (!next_line(lines, &out->origin, err)) return false;
    if (!is_name(out->origin))
        return err_line(err, ERR_MALFORMED, lines->line, 1,
                        "expected the ledger's name (origin), without blanks and '+'");
    if (!next_line(lines, &line, err)) return false;
    if (!read_size(line, &out->size))
        return err_line(err, ERR_MALFORMED, lines->line, 1,
                        "expected the number of entries in decimal digits");
    if (!next_line(lines, &line, err)) return false;
    if (!base64_read(line, arena, &root) || root.len != sizeof out->root.bytes)
        return err_line(err, ERR_MALFORMED, lines->line, 1,
                        "expected the root: base64 of 32 bytes");
    memcpy(out->root.bytes, root.ptr, sizeof out->root.bytes);
    return true;
}

static bool read_text(struct lines *lines, struct arena *arena, struct checkpoint *out,
                      struct err *err)
{
    str line = {0};
    if (!read_head(lines, arena, out, err)) return false;
    if (!next_line(lines, &line, err)) return false;
    if (!line.len) return true;
    out->extension = line;
    if (!next_line(lines, &line, err)) return false;
    if (line.len)
        return err_line(err, ERR_MALFORMED, lines->line, 1,
                        "expected an empty line before the signatures");
    return true;
}

/* One line of a signature. Only the one by the origin's name is the ledger's. */
static bool read_signature(str line, uint32_t number, struct arena *arena, bool *found,
                           struct checkpoint *out, struct err *err)
{
    str name = {0}, encoded = {0};
    bytes signature = {0};
    bool is_dashed = str_starts(line, S(DASH));
    if (!is_dashed || !str_cut(str_tail(line, sizeof DASH - 1), ' ', &name, &encoded) || !name.len)
        return err_line(err, ERR_MALFORMED, number, 1,
                        "expected a signature: a dash (U+2014), a name and base64");
    if (!base64_read(encoded, arena, &signature) || signature.len <= KEY_ID_BYTES)
        return err_line(err, ERR_MALFORMED, number, 1,
                        "expected the base64 of a key id and a signature");
    if (!str_equal(name, out->origin) || *found) {
        out->n_others++;
        return true;
    }
    if (signature.len != KEY_ID_BYTES + SIGN_BYTES)
        return err_line(err, ERR_MALFORMED, number, 1,
                        "expected the base64 of a key id and an Ed25519 signature (68 bytes)");
    memcpy(out->key_id, signature.ptr, KEY_ID_BYTES);
    memcpy(out->signature, signature.ptr + KEY_ID_BYTES, SIGN_BYTES);
    *found = true;
    return true;
}

bool checkpoint_parse(str text, struct arena *arena, struct checkpoint *out, struct err *err)
{
    struct lines lines = {.rest = text};
    struct checkpoint checkpoint = {0};
    bool found = false;
    str line = {0};
    if (!read_text(&lines, arena, &checkpoint, err)) return false;
    /* The signed text ends before the empty line. */
    checkpoint.signed_text = str_head(text, text.len - lines.rest.len - 1);
    do {
        if (!next_line(&lines, &line, err)) return false;
        if (checkpoint.n_others + found >= MOST_SIGNATURES)
            return err_line(err, ERR_LIMIT, lines.line, 1, "more than %d signatures",
                            MOST_SIGNATURES);
        if (!read_signature(line, lines.line, arena, &found, &checkpoint, err)) return false;
    } while (lines.rest.len);
    if (!found)
        return err_line(err, ERR_MALFORMED, lines.line, 1,
                        "none of the signatures is by the ledger (%.*s)",
                        STR_ARG(str_head(checkpoint.origin, 100)));
    *out = checkpoint;
    return true;
}

bool checkpoint_parse_text(str text, struct arena *arena, struct checkpoint *out, struct err *err)
{
    struct lines lines = {.rest = text};
    struct checkpoint checkpoint = {0};
    if (!read_head(&lines, arena, &checkpoint, err)) return false;
    if (lines.rest.len)
        return err_line(err, ERR_MALFORMED, lines.line + 1, 1,
                        "expected the end, or an empty line and signatures");
    checkpoint.signed_text = text;
    *out = checkpoint;
    return true;
}

bool checkpoint_fits(const struct checkpoint *checkpoint, const struct checkpoint_key *key)
{
    uint8_t id[KEY_ID_BYTES];
    key_id(key, id);
    return str_equal(checkpoint->origin, key->name) &&
           memcmp(id, checkpoint->key_id, sizeof id) == 0 &&
           sign_fits(key->public, str_bytes(checkpoint->signed_text), checkpoint->signature);
}
