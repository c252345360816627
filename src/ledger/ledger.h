/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: who decided what, when. Entries are only ever added; each names the hash of the one
 * before it, all are leaves of a Merkle tree (RFC 9162 2.1, as RFC 6962), and the tree's head is
 * signed (Ed25519) with every commit. docs/ledger.md is the format, enough to write a verifier
 * from.
 *
 * It is a file of its own beside the workspace's database, ledger.db (SQLite, WAL): an auditor
 * takes it away whole, and nobody who decides waits for an ingest.
 */
#pragma once

#include "base/json_write.h"
#include "base/os.h"
#include "base/sha256.h"
#include "base/sign.h"

struct ledger; /* opaque; closed by ledger_close */

/* What is written into the ledger; the text is what stands in an entry. A kind that this program
 * does not know is kept and verified all the same. */
#define LEDGER_KINDS(X)                                                                            \
    X(OPENED, "ledger-opened") /* the first entry: the public key */                               \
    X(KEY_CHANGED, "key-changed")                                                                  \
    X(POLICY, "policy-seen") /* a policy.yaml that differs from the last one seen */               \
    X(REQUESTED, "exception-requested")                                                            \
    X(AMENDMENT, "exception-amendment-requested") /* renewal, narrowing */                         \
    X(APPROVED, "exception-approved")                                                              \
    X(REJECTED, "exception-rejected")                                                              \
    X(REVOKED, "exception-revoked")                                                                \
    X(TRANSFERRED, "exception-transferred")                                                        \
    X(REVIEWED, "exception-reviewed")                                                              \
    X(REVIEW_STARTED, "review-started")                                                            \
    X(REVIEW_CLOSED, "review-closed")                                                              \
    X(COMPILED, "compiled")                                                                        \
    X(AUDITED, "audited")                                                                          \
    X(REPORTED, "reported")                                                                        \
    X(OVERRIDDEN, "overridden") /* a refusal that somebody set aside */                            \
    X(USER_ADDED, "user-added")                                                                    \
    X(USER_CHANGED, "user-changed") /* roles, password, disabled, enabled */                       \
    X(TOKEN_MADE, "token-made")                                                                    \
    X(TOKEN_ENDED, "token-ended")                                                                  \
    X(LOGGED_IN, "logged-in")                                                                      \
    X(REFUSED, "refused") /* a decision that was not let through, and why */                       \
    X(CHECKPOINT, "checkpoint-exported")                                                           \
    X(ROLLOUT, "rollout-step")                                                                     \
    X(GATE, "gate-input")

enum ledger_kind {
#define X(name, text) LEDGER_##name,
    LEDGER_KINDS(X)
#undef X
        LEDGER_KIND_COUNT /* of an entry: a kind that is not known */
};

str ledger_kind_text(enum ledger_kind kind);

/* One entry as it is kept. */
struct ledger_entry {
    uint64_t number; /* from 0: the leaf's index */
    int64_t time_us; /* never before that of the entry before it */
    enum ledger_kind kind;
    str subject; /* "EX-12", "RV-2026-11", a user's name; empty = none */
    /* The whole entry, the leaf's bytes: one line of JSON without its end,
     * {"previous":...,"number":...,"time":...,"kind":...,"subject":...,"actor":{...},"data":{...}}
     */
    str body;
    struct sha256_digest hash; /* of the leaf: SHA-256(0x00, body) */
};

/* An entry in the making. */
struct ledger_draft {
    enum ledger_kind kind;
    str subject;
    str actor; /* a JSON object: actor_json */
    str data;  /* a JSON object, compact; at most LIMIT_LEDGER_ENTRY with everything else */
};

enum ledger_access {
    LEDGER_READ,
    LEDGER_WRITE,  /* must be there */
    LEDGER_CREATE, /* made, with its key (ledger.key), when it is not there */
};

/* Opens the ledger of a workspace's folder.
 *
 * now_us : the time of what is written; a ledger whose last entry is later keeps that one's time
 * key : path of the secret key; empty = ledger.key in the folder. Read when something is signed
 * fails : NOT_FOUND (there is none), UNSUPPORTED, REFUSED (network file system), MALFORMED, IO */
MUST_USE bool ledger_open(struct os *os, str folder, enum ledger_access access, str key,
                          int64_t now_us, struct arena *arena, struct ledger **out,
                          struct err *err);
void ledger_close(struct ledger *ledger);
/* Whether the folder has a ledger at all. */
bool ledger_exists(struct os *os, str folder, struct arena *arena);

/* From here until commit or abandon no other process writes, and what is read is what is decided
 * on. Waits for others, up to LIMIT_LEDGER_WAIT_MS. */
MUST_USE bool ledger_begin(struct ledger *ledger, struct err *err);
/* number : of the new entry; NULL = not asked
 * fails : LIMIT (too long), MALFORMED (actor or data is no object), IO */
MUST_USE bool ledger_append(struct ledger *ledger, const struct ledger_draft *draft,
                            uint64_t *number, struct err *err);
/* Signs the new head. Nothing is kept when it fails. */
MUST_USE bool ledger_commit(struct ledger *ledger, struct err *err);
/* Also without a transaction. */
void ledger_abandon(struct ledger *ledger);

/* How many entries there are. */
uint64_t ledger_size(const struct ledger *ledger);
/* Entries of a kind set (bits 1u << enum ledger_kind; 0 = all), in order, from number `from` on,
 * those written until until_us; through an index, so few of many are found fast. What visit is
 * given lasts until it returns; it returns false to stop. */
struct ledger_visit {
    void *to;
    bool (*entry)(void *to, const struct ledger_entry *entry);
};
MUST_USE bool ledger_each(struct ledger *ledger, uint32_t kinds, uint64_t from, int64_t until_us,
                          struct ledger_visit visit, struct err *err);
/* The same of one subject. */
MUST_USE bool ledger_each_of(struct ledger *ledger, str subject, uint64_t from,
                             struct ledger_visit visit, struct err *err);
MUST_USE bool ledger_get(struct ledger *ledger, uint64_t number, struct arena *arena,
                         struct ledger_entry *out, struct err *err);

/* What proves who somebody is: hashes of passwords and of tokens, by a name like "user alice". It
 * stands beside the entries and is no part of the tree. An empty value takes it away; writing wants
 * a transaction. */
MUST_USE bool ledger_put_credential(struct ledger *ledger, str name, str value, struct err *err);
/* out : empty = there is none */
MUST_USE bool ledger_get_credential(struct ledger *ledger, str name, struct arena *arena, str *out,
                                    struct err *err);

/* The tree's head. */
struct ledger_head {
    uint64_t size;
    struct sha256_digest root;
};
MUST_USE bool ledger_head(struct ledger *ledger, struct ledger_head *out, struct err *err);
