/* SPDX-License-Identifier: Apache-2.0 */
/* What the evidence leaves open, server by server: so that silence is never taken for safety.
 * `ingest` ends with it, and `audit-plan` proposes which audit would answer.
 */
#pragma once

#include "matrix/roles.h"

#define QUESTIONS(X)                                                                               \
    X(SHARES, "shares")                 /* which shares and pipes are in use */                    \
    X(CLIENTS, "clients")               /* who else: nothing was seen from its own side */         \
    X(AUTHENTICATION, "authentication") /* Kerberos or NTLM */                                     \
    X(DIALECT, "dialect")               /* does it still speak SMB1? */

enum question {
#define X(name, text) QUESTION_##name,
    QUESTIONS(X)
#undef X
        QUESTION_COUNT
};

str question_text(enum question question);

/* One machine that serves SMB or RPC over it, as far as it answered. */
struct questioned {
    str label;                    /* "FS01", else the address */
    struct endpoint server;       /* one of its ends: the first of the matrix */
    const struct host_view *host; /* NULL: no host is known by that name */
    uint8_t open;                 /* bit set of enum question */
    uint64_t connections, uses;   /* uses of shares; 0 = none is known */
    uint64_t n_clients;           /* distinct ends, over its addresses */
    uint32_t days; /* calendar days (UTC) between its first and its last flow, both counted */
    int64_t first_us, last_us; /* of flows that tell when */
    bool is_controller;
    bool has_own_log; /* a source was written by it */
};

/* Every server of a governed service that ever answered, in the order of the matrix. */
struct questioned *questions_of(struct arena *arena, const struct matrix_view *matrix,
                                const struct host_list *list, const struct hosts_view *hosts,
                                const struct share_use *uses, size_t n_uses, size_t *n);
/* "which shares are used is not known: no event of its own was read" */
str question_sentence(enum question question);
