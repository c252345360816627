/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger_proof.h"

#include "base/base64.h"
#include "ledger/entry_text.h"

#define ENTRY_HEADER  "c2sp.org/tlog-proof@v1"
#define GROWTH_HEADER "sallyport ledger growth 1"

static void write_hash(const struct sha256_digest *hash, struct buf *out)
{
    base64_write(out, (bytes){hash->bytes, sizeof hash->bytes});
    buf_char(out, '\n');
}

void ledger_proof_write(const struct ledger_proof *proof, struct buf *out)
{
    if (proof->kind == LEDGER_PROOF_ENTRY) {
        buf_str(out, S(ENTRY_HEADER "\nextra "));
        base64_write(out, str_bytes(proof->body));
        buf_str(out, S("\nindex "));
        buf_u64(out, proof->number);
        buf_char(out, '\n');
    } else {
        buf_str(out, S(GROWTH_HEADER "\nfrom "));
        buf_u64(out, proof->from);
        buf_char(out, ' ');
        write_hash(&proof->from_root, out);
    }
    for (size_t i = 0; i < proof->proof.n; i++)
        write_hash(&proof->proof.hashes[i], out);
    buf_char(out, '\n');
    buf_str(out, proof->head_text);
}

/* ---- Reading -------------------------------------------------------------------------------- */

struct reading {
    str text;
    uint64_t offset; /* of text in the file */
    uint64_t line_offset;
    struct err *err;
};

static bool refuse(const struct reading *in, const char *expected)
{
    return err_at(in->err, ERR_MALFORMED, in->line_offset, "expected %s", expected);
}

static bool next_line(struct reading *in, str *out)
{
    str rest = {0};
    in->line_offset = in->offset;
    if (!str_cut(in->text, '\n', out, &rest))
        return err_at(in->err, ERR_TRUNCATED, in->offset, "the proof ends inside a line");
    in->offset += out->len + 1;
    in->text = rest;
    return true;
}

static bool read_number(str text, uint64_t *out)
{
    return str_u64(text, INT64_MAX, out) && (text.len == 1 || text.ptr[0] != '0');
}

static bool read_hash(str text, struct arena *arena, struct sha256_digest *out)
{
    bytes hash = {0};
    if (!base64_read(text, arena, &hash) || hash.len != sizeof out->bytes) return false;
    memcpy(out->bytes, hash.ptr, sizeof out->bytes);
    return true;
}

static bool read_entry(struct reading *in, struct arena *arena, struct ledger_proof *out)
{
    str line = {0};
    bytes body = {0};
    if (!next_line(in, &line)) return false;
    if (str_starts(line, S("extra "))) {
        if (line.len > 2 * LIMIT_LEDGER_ENTRY || !base64_read(str_tail(line, 6), arena, &body))
            return refuse(in, "\"extra\" and the entry's text in base64");
        out->body = str_of_bytes(body);
        if (!next_line(in, &line)) return false;
    }
    if (!str_starts(line, S("index ")) || !read_number(str_tail(line, 6), &out->number))
        return refuse(in, "\"index\" and the entry's number");
    return true;
}

static bool read_growth(struct reading *in, struct arena *arena, struct ledger_proof *out)
{
    str line = {0}, size = {0}, root = {0};
    if (!next_line(in, &line)) return false;
    if (!str_starts(line, S("from ")) || !str_cut(str_tail(line, 5), ' ', &size, &root) ||
        !read_number(size, &out->from) || !read_hash(root, arena, &out->from_root))
        return refuse(in, "\"from\", a number of entries and the base64 of their root");
    return true;
}

static bool read_hashes(struct reading *in, struct arena *arena, struct merkle_proof *out)
{
    str line = {0};
    while (true) {
        if (!next_line(in, &line)) return false;
        if (!line.len) return true;
        if (out->n == MERKLE_DEPTH) return refuse(in, "no more than 64 hashes");
        if (!read_hash(line, arena, &out->hashes[out->n]))
            return refuse(in, "a hash (base64 of 32 bytes) or an empty line");
        out->n++;
    }
}

/* The head goes up to the next proof, or to the end. */
static str cut_head(struct reading *in)
{
    str text = in->text;
    size_t n = 0;
    while (n < text.len) {
        str rest = str_tail(text, n), line = {0}, tail = {0};
        if (str_starts(rest, S(ENTRY_HEADER "\n")) || str_starts(rest, S(GROWTH_HEADER "\n")))
            break;
        n = str_cut(rest, '\n', &line, &tail) ? n + line.len + 1 : text.len;
    }
    in->text = str_tail(text, n);
    in->offset += n;
    return str_head(text, n);
}

static bool read_head(struct reading *in, struct arena *arena, struct ledger_proof *out)
{
    struct err inner = {0};
    uint64_t begin = in->offset;
    out->head_text = cut_head(in);
    out->is_signed = str_contains(out->head_text, S("\n\n"));
    if (out->is_signed ? checkpoint_parse(out->head_text, arena, &out->head, &inner)
                       : checkpoint_parse_text(out->head_text, arena, &out->head, &inner))
        return true;
    return err_at(in->err, inner.kind, begin, "line %u of the checkpoint: %s", inner.line,
                  inner.text);
}

bool ledger_proof_next(str *text, uint64_t *offset, struct arena *arena, struct ledger_proof *out,
                       struct err *err)
{
    struct reading in = {.text = *text, .offset = *offset, .err = err};
    struct ledger_proof proof = {0};
    str line = {0};
    if (!next_line(&in, &line)) return false;
    bool is_entry = str_equal(line, S(ENTRY_HEADER));
    if (!is_entry && !str_equal(line, S(GROWTH_HEADER)))
        return refuse(&in, "\"" ENTRY_HEADER "\" or \"" GROWTH_HEADER "\"");
    proof.kind = is_entry ? LEDGER_PROOF_ENTRY : LEDGER_PROOF_GROWTH;
    if (!(is_entry ? read_entry(&in, arena, &proof) : read_growth(&in, arena, &proof)) ||
        !read_hashes(&in, arena, &proof.proof) || !read_head(&in, arena, &proof))
        return false;
    *text = in.text;
    *offset = in.offset;
    *out = proof;
    return true;
}

/* ---- Checking ------------------------------------------------------------------------------- */

static bool entry_holds(const struct ledger_proof *proof, struct arena *scratch, struct err *err)
{
    struct entry_text entry = {0};
    if (!proof->body.len)
        return err_set(err, ERR_MALFORMED, "the proof has not the entry's text (\"extra\")");
    if (!entry_text_parse(proof->body, scratch, &entry, err)) return false;
    if (entry.number != proof->number)
        return err_set(err, ERR_MALFORMED,
                       "the proof is of entry %" PRIu64 ", its text of entry %" PRIu64,
                       proof->number, entry.number);
    struct sha256_digest leaf = merkle_leaf(str_bytes(proof->body));
    if (merkle_proves(&proof->proof, &leaf, proof->number, proof->head.size, &proof->head.root))
        return true;
    return err_set(err, ERR_REFUSED,
                   "entry %" PRIu64 " is not in the tree of %" PRIu64 " entries with this head",
                   proof->number, proof->head.size);
}

bool ledger_proof_holds(const struct ledger_proof *proof, struct arena scratch, struct err *err)
{
    if (proof->kind == LEDGER_PROOF_ENTRY) return entry_holds(proof, &scratch, err);
    if (merkle_proves_growth(&proof->proof, proof->from, &proof->from_root, proof->head.size,
                             &proof->head.root))
        return true;
    return err_set(err, ERR_REFUSED,
                   "the tree of %" PRIu64 " entries does not begin with that of %" PRIu64,
                   proof->head.size, proof->from);
}
