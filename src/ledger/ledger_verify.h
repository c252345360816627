/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying a ledger: everything is computed again from the entries' bytes, and nothing that the
 * database says of them (numbers, columns, hashes, nodes, indexes) is believed.
 *
 * Without anything from outside a verifier sees every change, removal and reordering by somebody
 * who has not the key. It can't see that the newest entries were cut off together with the head
 * that was signed after them, nor that the whole was replaced by a ledger that somebody else made
 * and signed. Checkpoints that were exported earlier (anchors) and a key that is known show these.
 */
#pragma once

#include "ledger/checkpoint.h"
#include "ledger/ledger.h"

#define LEDGER_FAULTS(X)                                                                           \
    X(NONE, "none")                                                                                \
    X(ENTRY, "entry")         /* one that is not what was written */                               \
    X(ENTRIES, "entries")     /* one of several, from first to last */                             \
    X(HEAD, "head")           /* the signed head is not that of the entries, or is not signed */   \
    X(STRUCTURE, "structure") /* tables, triggers, nodes or indexes of the database; the file */   \
    X(TRUNCATED, "truncated") /* fewer entries than an anchor has seen */                          \
    X(REWRITTEN, "rewritten") /* other entries than an anchor has seen: rewritten or forked */     \
    X(REPLACED, "replaced")   /* another ledger, or another key, than the anchor's or the known */

enum ledger_fault {
#define X(name, text) LEDGER_FAULT_##name,
    LEDGER_FAULTS(X)
#undef X
};
str ledger_fault_text(enum ledger_fault fault);

/* A checkpoint that was exported earlier. */
struct ledger_anchor {
    str source; /* its file, for messages */
    struct checkpoint checkpoint;
};

struct ledger_question {
    const struct ledger_anchor *anchors;
    size_t n_anchors;
    const struct checkpoint_key *key; /* the one that is known; NULL = none is */
    /* Each entry that fits so far, in order; its entry may be NULL. What was told holds only when
     * the verdict does. */
    struct ledger_visit visit;
    /* May be NULL. */
    void (*progress)(void *to, uint64_t done, uint64_t total);
    void *progress_to;
};

struct ledger_verdict {
    enum ledger_fault fault; /* NONE: all that could be checked holds */
    uint64_t first, last;    /* ENTRY, ENTRIES, REWRITTEN: which */
    str text;                /* what is wrong, one sentence; empty = nothing */
    str name;                /* of the ledger */
    str key;                 /* the public key that has to sign its head */
    uint64_t entries;        /* those that were read */
    struct sha256_digest root;
    int64_t first_us, last_us;
    uint64_t set_clock;       /* written under a clock that was set */
    uint64_t unauthenticated; /* by accounts that had not logged in */
    uint64_t key_changes;
    uint64_t keys_lost;  /* of them without the old key's signature */
    uint64_t lost_entry; /* the last such */
    uint64_t anchored;   /* entries that an anchor vouches for */
    bool key_is_known;   /* and the ledger's */
};

/* In one transaction, or in the one that is open. The verdict's texts are in the arena.
 *
 * fails : IO, LIMIT; what is wrong with the ledger is no failure but the verdict */
MUST_USE bool ledger_verify_open(struct ledger *ledger, const struct ledger_question *question,
                                 struct arena *arena, struct ledger_verdict *out, struct err *err);

/* ---- What both forms of a ledger are verified with (ledger_file.c has the other) ------------- */

struct ledger_verifier; /* opaque */

struct ledger_verifier *ledger_verifier_new(const struct ledger_question *question,
                                            struct arena *arena, struct ledger_verdict *out);
/* The next entry as it was found: its body, and the hash that is kept of it. False when it is not
 * what was written; the verdict says so. */
bool ledger_verifier_add(struct ledger_verifier *verifier, str body,
                         const struct sha256_digest *hash);
/* The same for what is only the database's: its columns have to say what the body says. */
struct ledger_columns {
    int64_t number, time_us;
    str kind, subject;
};
bool ledger_verifier_add_row(struct ledger_verifier *verifier, const struct ledger_columns *columns,
                             str body, const struct sha256_digest *hash);
/* The signed head. */
bool ledger_verifier_end(struct ledger_verifier *verifier, str checkpoint);
/* Something is wrong with `first` to `last`, unless something was found before. False. */
FORMAT_PRINTF(5, 6)
bool ledger_verifier_refuse(struct ledger_verifier *verifier, enum ledger_fault fault,
                            uint64_t first, uint64_t last, const char *format, ...);
void ledger_verifier_close(struct ledger_verifier *verifier);
/* Subtrees of 256^level leaves that are complete, as computed. */
const struct sha256_digest *ledger_verifier_nodes(const struct ledger_verifier *verifier,
                                                  unsigned level, size_t *n);
