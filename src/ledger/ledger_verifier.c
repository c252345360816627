/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying entry after entry. Which entry is called bad: the first that is not what was written.
 * An entry that is whole by its own hash, but follows another one than the one before it, accuses
 * that one.
 */
#include "ledger/entry_text.h"
#include "ledger/ledger_verify.h"
#include "ledger/merkle.h"

struct nodes {
    struct sha256_digest *items;
    size_t n, room;
};

struct ledger_verifier {
    const struct ledger_question *question;
    struct arena *arena;
    struct arena scratch; /* of one entry */
    struct ledger_verdict *verdict;
    struct merkle_tree tree, before; /* with all entries; without the last one */
    struct sha256_digest last;
    /* The last entry is whole by its own hash, but follows another one than the one before it.
     * Which of the two is bad, what comes behind them tells. */
    bool is_disputed;
    struct sha256_digest disputed, claimed; /* its hash; that of the entry it says it follows */
    /* An anchor has other entries. The next entry tells whether the last one alone was changed. */
    struct ledger_verdict rewritten;
    struct checkpoint_key key;     /* that signs now */
    bool key_was_known;            /* the known key was the ledger's, and nothing lost it since */
    struct ledger_anchor *anchors; /* by size */
    size_t n_anchors, next_anchor;
    struct nodes nodes[MERKLE_LEVELS];
};

static int compare_anchors(const void *a, const void *b)
{
    const struct ledger_anchor *x = a, *y = b;
    if (x->checkpoint.size != y->checkpoint.size)
        return x->checkpoint.size < y->checkpoint.size ? -1 : 1;
    return 0;
}

struct ledger_verifier *ledger_verifier_new(const struct ledger_question *question,
                                            struct arena *arena, struct ledger_verdict *out)
{
    struct ledger_verifier *verifier = arena_new(arena, struct ledger_verifier);
    *out = (struct ledger_verdict){0};
    *verifier = (struct ledger_verifier){.question = question, .arena = arena, .verdict = out};
    verifier->n_anchors = question->n_anchors;
    verifier->anchors = arena_array(arena, struct ledger_anchor, question->n_anchors + 1);
    if (question->n_anchors) {
        memcpy(verifier->anchors, question->anchors,
               question->n_anchors * sizeof *question->anchors);
        qsort(verifier->anchors, verifier->n_anchors, sizeof *verifier->anchors, compare_anchors);
    }
    return verifier;
}

bool ledger_verifier_refuse(struct ledger_verifier *verifier, enum ledger_fault fault,
                            uint64_t first, uint64_t last, const char *format, ...)
{
    char text[LIMIT_ERR_TEXT];
    struct ledger_verdict *verdict = verifier->verdict;
    const struct ledger_verdict *known = &verifier->rewritten;
    if (verdict->fault != LEDGER_FAULT_NONE) return false;
    /* Of two that do not fit one another the later is bad, when what is behind it is bad too. */
    if (verifier->is_disputed && first > verifier->tree.size) first = last = verifier->tree.size;
    /* One bad entry among those that an anchor has otherwise says more than the anchor. */
    if (known->fault != LEDGER_FAULT_NONE && (fault != LEDGER_FAULT_ENTRY || first > known->last)) {
        verdict->fault = known->fault;
        verdict->first = known->first;
        verdict->last = known->last;
        verdict->text = known->text;
        return false;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    verdict->fault = fault;
    verdict->first = first;
    verdict->last = last;
    verdict->text = str_copy(verifier->arena, str_of(text));
    return false;
}

FORMAT_PRINTF(3, 4)
static bool bad_entry(struct ledger_verifier *verifier, uint64_t number, const char *format, ...)
{
    char text[LIMIT_ERR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return ledger_verifier_refuse(verifier, LEDGER_FAULT_ENTRY, number, number, "%s", text);
}

/* ---- Keys ----------------------------------------------------------------------------------- */

static void note_key(struct ledger_verifier *verifier)
{
    const struct checkpoint_key *known = verifier->question->key;
    verifier->verdict->key = checkpoint_key_text(&verifier->key, verifier->arena);
    if (known && checkpoint_key_equal(known, &verifier->key)) verifier->key_was_known = true;
}

static bool read_key(struct ledger_verifier *verifier, const struct entry_text *entry,
                     struct checkpoint_key *out)
{
    struct err err = {0};
    /* Copied: what is parsed points into the text, and the body goes with its row. */
    str text = str_copy(verifier->arena,
                        entry_text_member(entry->data, S("public-key"), &verifier->scratch));
    if (checkpoint_key_parse(text, verifier->arena, out, &err)) return true;
    return bad_entry(verifier, entry->number, "it has to name a public key: %s", err.text);
}

static bool open_with(struct ledger_verifier *verifier, const struct entry_text *entry)
{
    if (!read_key(verifier, entry, &verifier->key)) return false;
    verifier->verdict->name = verifier->key.name;
    note_key(verifier);
    return true;
}

/* The old key signs the tree before this entry, with the new key beside it. */
static bool change_is_signed(struct ledger_verifier *verifier, const struct entry_text *entry,
                             str text, const struct checkpoint_key *next)
{
    struct err err = {0};
    struct checkpoint checkpoint = {0};
    struct sha256_digest root = merkle_tree_root(&verifier->tree);
    str expected = str_format(&verifier->scratch, "key %.*s",
                              STR_ARG(checkpoint_key_text(next, &verifier->scratch)));
    if (!checkpoint_parse(text, &verifier->scratch, &checkpoint, &err))
        return bad_entry(verifier, entry->number, "its checkpoint does not parse: %s", err.text);
    if (!checkpoint_fits(&checkpoint, &verifier->key))
        return bad_entry(verifier, entry->number, "the old key has not signed the new one");
    if (checkpoint.size != entry->number || !merkle_equal(&checkpoint.root, &root) ||
        !str_equal(checkpoint.extension, expected))
        return bad_entry(verifier, entry->number,
                         "what the old key has signed is not this change of the key");
    return true;
}

static bool change_key(struct ledger_verifier *verifier, const struct entry_text *entry)
{
    struct ledger_verdict *verdict = verifier->verdict;
    struct checkpoint_key next = {0};
    str text = entry_text_member(entry->data, S("checkpoint"), &verifier->scratch);
    if (!read_key(verifier, entry, &next)) return false;
    if (!str_equal(next.name, verifier->key.name))
        return bad_entry(verifier, entry->number, "its key has another name than the ledger");
    if (text.len && !change_is_signed(verifier, entry, text, &next)) return false;
    verdict->key_changes++;
    if (!text.len) {
        verdict->keys_lost++;
        verdict->lost_entry = entry->number;
        verifier->key_was_known = false;
    }
    verifier->key = next;
    note_key(verifier);
    return true;
}

static bool take_keys(struct ledger_verifier *verifier, const struct entry_text *entry)
{
    enum ledger_kind kind = entry_text_kind(entry->kind);
    if ((kind == LEDGER_OPENED) != (entry->number == 0))
        return bad_entry(verifier, entry->number, "%s",
                         entry->number ? "only the first entry opens the ledger"
                                       : "the first entry has to open the ledger");
    if (kind == LEDGER_OPENED) return open_with(verifier, entry);
    return kind == LEDGER_KEY_CHANGED ? change_key(verifier, entry) : true;
}

/* ---- Anchors -------------------------------------------------------------------------------- */

static bool check_anchor(struct ledger_verifier *verifier, const struct ledger_anchor *anchor)
{
    const struct checkpoint *checkpoint = &anchor->checkpoint;
    struct sha256_digest root = merkle_tree_root(&verifier->tree);
    if (!str_equal(checkpoint->origin, verifier->key.name))
        return ledger_verifier_refuse(
            verifier, LEDGER_FAULT_REPLACED, 0, 0,
            "the checkpoint %.*s is of the ledger %.*s, this one is %.*s: it was replaced, or the "
            "checkpoint is another ledger's",
            STR_ARG(anchor->source), STR_ARG(checkpoint->origin), STR_ARG(verifier->key.name));
    if (!checkpoint_fits(checkpoint, &verifier->key))
        return ledger_verifier_refuse(
            verifier, LEDGER_FAULT_REPLACED, 0, 0,
            "the checkpoint %.*s is not signed by the key that the ledger had at %" PRIu64
            " entries: the ledger was replaced by one with another key, or the checkpoint was "
            "changed",
            STR_ARG(anchor->source), checkpoint->size);
    if (merkle_equal(&root, &checkpoint->root)) {
        verifier->verdict->anchored = checkpoint->size;
        return true;
    }
    uint64_t first = verifier->verdict->anchored;
    uint64_t last = checkpoint->size ? checkpoint->size - 1 : 0;
    verifier->rewritten = (struct ledger_verdict){
        .fault = LEDGER_FAULT_REWRITTEN,
        .first = first,
        .last = last,
        .text = str_format(verifier->arena,
                           "the first %" PRIu64 " entries are not those that the checkpoint %.*s "
                           "has seen: one of the entries %" PRIu64 " to %" PRIu64
                           " was rewritten, or the ledger was forked there",
                           checkpoint->size, STR_ARG(anchor->source), first, last),
    };
    return true;
}

static bool check_anchors(struct ledger_verifier *verifier)
{
    while (verifier->next_anchor < verifier->n_anchors &&
           verifier->rewritten.fault == LEDGER_FAULT_NONE) {
        const struct ledger_anchor *anchor = &verifier->anchors[verifier->next_anchor];
        if (anchor->checkpoint.size > verifier->tree.size) return true;
        if (!check_anchor(verifier, anchor)) return false;
        verifier->next_anchor++;
    }
    return true;
}

/* Anchors that have seen more than there is. */
static bool check_last_anchors(struct ledger_verifier *verifier)
{
    if (verifier->next_anchor == verifier->n_anchors) return true;
    const struct ledger_anchor *anchor = &verifier->anchors[verifier->n_anchors - 1];
    if (!str_equal(anchor->checkpoint.origin, verifier->key.name) ||
        (!checkpoint_fits(&anchor->checkpoint, &verifier->key) && !verifier->verdict->anchored))
        return check_anchor(verifier, anchor);
    return ledger_verifier_refuse(
        verifier, LEDGER_FAULT_TRUNCATED, verifier->tree.size, anchor->checkpoint.size - 1,
        "the checkpoint %.*s has seen %" PRIu64 " entries, there are %" PRIu64
        ": the newest were cut off, from entry %" PRIu64 " on",
        STR_ARG(anchor->source), anchor->checkpoint.size, verifier->tree.size, verifier->tree.size);
}

/* ---- Entries -------------------------------------------------------------------------------- */

/* Of the entries number - 1 and number, which do not fit one another: the later one is what was
 * written when what comes behind was written after it. */
static bool settle(struct ledger_verifier *verifier, bool later_is_right)
{
    uint64_t number = verifier->tree.size;
    if (later_is_right)
        return bad_entry(verifier, number - 1,
                         "it is not the entry after which entry %" PRIu64 " was written", number);
    return bad_entry(verifier, number, "it does not follow the entry before it");
}

static bool follows(str body, const struct sha256_digest *hash, struct arena *scratch)
{
    str expected =
        str_format(scratch, "{\"previous\":\"%.*s\"", STR_ARG(sha256_hex(scratch, hash)));
    return str_starts(body, expected);
}

/* The head was signed over the entry that the last one says it follows, and over the last one. */
static bool is_signed_after(const struct ledger_verifier *verifier, const struct checkpoint *head)
{
    struct merkle_tree tree = verifier->before;
    struct sha256_digest full[MERKLE_LEVELS];
    merkle_add(&tree, &verifier->claimed, full);
    merkle_add(&tree, &verifier->disputed, full);
    struct sha256_digest root = merkle_tree_root(&tree);
    return head->size == tree.size && merkle_equal(&root, &head->root);
}

static bool check_chain(struct ledger_verifier *verifier, const struct entry_text *entry,
                        const struct sha256_digest *found, const struct sha256_digest *kept)
{
    uint64_t number = verifier->tree.size;
    if (entry->number != number)
        return bad_entry(verifier, number, "expected entry %" PRIu64 ", found entry %" PRIu64,
                         number, entry->number);
    if (!merkle_equal(found, kept))
        return bad_entry(verifier, number,
                         "its text was changed: it has not the hash that is kept of it");
    if (!merkle_equal(&entry->previous, &verifier->last)) {
        if (!number)
            return bad_entry(verifier, number, "the first entry follows none, but names a hash");
        verifier->is_disputed = true;
        verifier->disputed = *found;
        verifier->claimed = entry->previous;
        return true;
    }
    if (number && entry->time_us < verifier->verdict->last_us)
        return bad_entry(verifier, number, "it is older than the entry before it");
    return true;
}

static void count(struct ledger_verifier *verifier, const struct entry_text *entry)
{
    struct ledger_verdict *verdict = verifier->verdict;
    struct entry_actor actor = entry_text_actor(entry->actor, verifier->scratch);
    verdict->set_clock += actor.clock_is_set;
    verdict->unauthenticated += !actor.authenticated;
    if (!entry->number) verdict->first_us = entry->time_us;
    verdict->last_us = entry->time_us;
    verdict->entries++;
}

static void grow(struct ledger_verifier *verifier, const struct sha256_digest *leaf)
{
    struct sha256_digest full[MERKLE_LEVELS];
    unsigned n_peaks = 0;
    while (verifier->tree.size >> n_peaks)
        n_peaks++;
    verifier->before.size = verifier->tree.size;
    if (n_peaks)
        memcpy(verifier->before.peaks, verifier->tree.peaks,
               n_peaks * sizeof *verifier->tree.peaks);
    size_t n = merkle_add(&verifier->tree, leaf, full);
    for (size_t i = 0; i < n; i++) {
        struct nodes *nodes = &verifier->nodes[i];
        arena_grow(verifier->arena, nodes->items, nodes->n, nodes->room);
        nodes->items[nodes->n++] = full[i];
    }
}

static void tell(struct ledger_verifier *verifier, const struct entry_text *entry, str body,
                 const struct sha256_digest *hash)
{
    struct ledger_visit visit = verifier->question->visit;
    struct ledger_entry told = {
        .number = entry->number,
        .time_us = entry->time_us,
        .kind = entry_text_kind(entry->kind),
        .subject = entry->subject,
        .body = body,
        .hash = *hash,
    };
    /* Whatever the visitor answers: what was not looked at can't be said to hold. */
    if (visit.entry) (void)visit.entry(visit.to, &told);
}

static bool check_columns(struct ledger_verifier *verifier, const struct ledger_columns *columns,
                          const struct entry_text *entry)
{
    uint64_t number = verifier->tree.size;
    if (columns->number < 0 || (uint64_t)columns->number != number)
        return bad_entry(verifier, number, "expected entry %" PRIu64 ", found entry %" PRId64,
                         number, columns->number);
    if (columns->time_us != entry->time_us || !str_equal(columns->kind, entry->kind) ||
        !str_equal(columns->subject, entry->subject))
        return bad_entry(verifier, number,
                         "the database's time, kind or subject of it is not what its text says");
    return true;
}

static bool add(struct ledger_verifier *verifier, const struct ledger_columns *columns, str body,
                const struct sha256_digest *hash)
{
    struct err err = {0};
    struct entry_text entry = {0};
    struct arena *scratch = &verifier->scratch;
    uint64_t number = verifier->tree.size;
    if (verifier->is_disputed) return settle(verifier, follows(body, &verifier->disputed, scratch));
    if (!entry_text_parse(body, scratch, &entry, &err))
        return bad_entry(verifier, number, "its text at byte %" PRIu64 ": %s", err.offset,
                         err.text);
    struct sha256_digest found = merkle_leaf(str_bytes(body));
    if ((columns && !check_columns(verifier, columns, &entry)) ||
        !check_chain(verifier, &entry, &found, hash))
        return false;
    if (verifier->is_disputed) return true;
    if (verifier->rewritten.fault != LEDGER_FAULT_NONE)
        return ledger_verifier_refuse(verifier, LEDGER_FAULT_REWRITTEN, 0, 0, " ");
    if (!take_keys(verifier, &entry)) return false;
    grow(verifier, &found);
    verifier->last = found;
    count(verifier, &entry);
    tell(verifier, &entry, body, &found);
    return check_anchors(verifier);
}

bool ledger_verifier_add_row(struct ledger_verifier *verifier, const struct ledger_columns *columns,
                             str body, const struct sha256_digest *hash)
{
    if (!verifier->scratch.region)
        verifier->scratch = arena_open("an entry of the ledger", 0, NULL);
    struct arena begin = verifier->scratch;
    bool fine = add(verifier, columns, body, hash);
    verifier->scratch = begin;
    return fine;
}

bool ledger_verifier_add(struct ledger_verifier *verifier, str body,
                         const struct sha256_digest *hash)
{
    return ledger_verifier_add_row(verifier, NULL, body, hash);
}

/* ---- The end -------------------------------------------------------------------------------- */

static bool check_head(struct ledger_verifier *verifier, const struct checkpoint *head)
{
    struct ledger_verdict *verdict = verifier->verdict;
    if (!str_equal(head->origin, verifier->key.name))
        return ledger_verifier_refuse(verifier, LEDGER_FAULT_HEAD, 0, 0,
                                      "the signed head is of the ledger %.*s, the entries are of "
                                      "%.*s",
                                      STR_ARG(head->origin), STR_ARG(verifier->key.name));
    if (!checkpoint_fits(head, &verifier->key))
        return ledger_verifier_refuse(verifier, LEDGER_FAULT_HEAD, 0, 0,
                                      "the head is not signed by the ledger's key");
    if (head->size != verdict->entries)
        return ledger_verifier_refuse(
            verifier, LEDGER_FAULT_HEAD, verdict->entries, verdict->entries,
            "the signed head counts %" PRIu64 " entries, there are %" PRIu64 "%s", head->size,
            verdict->entries,
            head->size > verdict->entries ? ": the newest were cut off" : ": some were added");
    if (!merkle_equal(&head->root, &verdict->root))
        return ledger_verifier_refuse(
            verifier, LEDGER_FAULT_HEAD, 0, 0,
            "the entries fit one another, but are not those that were signed: one of them was "
            "changed, and all after it anew; an exported checkpoint tells which");
    return true;
}

static bool check_known_key(struct ledger_verifier *verifier)
{
    verifier->verdict->key_is_known = verifier->key_was_known;
    if (!verifier->question->key || verifier->key_was_known) return true;
    return ledger_verifier_refuse(
        verifier, LEDGER_FAULT_REPLACED, 0, 0,
        "the ledger is not signed by the key that is known, nor by one that followed it: its key "
        "is %.*s",
        STR_ARG(verifier->verdict->key));
}

bool ledger_verifier_end(struct ledger_verifier *verifier, str checkpoint)
{
    struct err err = {0};
    struct checkpoint head = {0};
    struct ledger_verdict *verdict = verifier->verdict;
    verdict->root = merkle_tree_root(&verifier->tree);
    if (verdict->fault != LEDGER_FAULT_NONE) return false;
    if (verifier->is_disputed)
        return settle(verifier, checkpoint_parse(checkpoint, verifier->arena, &head, &err) &&
                                    is_signed_after(verifier, &head));
    if (verifier->rewritten.fault != LEDGER_FAULT_NONE)
        return ledger_verifier_refuse(verifier, LEDGER_FAULT_REWRITTEN, 0, 0, " ");
    if (!verdict->entries)
        return ledger_verifier_refuse(verifier, LEDGER_FAULT_ENTRY, 0, 0,
                                      "there are no entries: even the first one is missing");
    if (!checkpoint_parse(checkpoint, verifier->arena, &head, &err))
        return ledger_verifier_refuse(verifier, LEDGER_FAULT_HEAD, 0, 0,
                                      "the signed head does not parse: line %u: %s", err.line,
                                      err.text);
    if (head.n_others || head.extension.len)
        return ledger_verifier_refuse(
            verifier, LEDGER_FAULT_HEAD, 0, 0,
            "the signed head has to have one signature and no lines beside size and root");
    return check_head(verifier, &head) && check_last_anchors(verifier) && check_known_key(verifier);
}

void ledger_verifier_close(struct ledger_verifier *verifier)
{
    if (verifier->scratch.region) arena_close(&verifier->scratch);
}

const struct sha256_digest *ledger_verifier_nodes(const struct ledger_verifier *verifier,
                                                  unsigned level, size_t *n)
{
    assert(level > 0 && level <= MERKLE_LEVELS);
    *n = verifier->nodes[level - 1].n;
    return verifier->nodes[level - 1].items;
}
