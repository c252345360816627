/* SPDX-License-Identifier: Apache-2.0 */
/* What an exception would open, before anybody approves it: exactly, by the policy's decision with
 * it and without it, and beside it what was ever used, what else is reached, and the narrowest form
 * that the evidence supports.
 */
#pragma once

#include "matrix/roles.h"
#include "policy/exceptions.h"
#include "reason/cures.h"

struct effect_question {
    const struct policy *policy; /* its exceptions are those that hold already */
    /* Parsed in the policy's words; not among them. Taken to be alive, whatever its dates. */
    const struct exception *exception;
    const struct host_lookup *lookup;
    int64_t as_of_us;                 /* its start, or now: when it is asked about */
    const struct matrix_view *matrix; /* NULL = no evidence */
    const struct hosts_view *hosts;   /* NULL with it */
    const struct share_view *shares;
    size_t n_shares;
    const struct governance *governance; /* what is a risk; NULL = the policy's, or the default */
};

/* One pair that the exception opens and that was used. */
struct effect_use {
    struct endpoint client, server;
    uint64_t connections;
    int64_t last_us; /* 0 = nothing tells when */
    struct names users;
};

/* A pair is a client's address and a server's of one family, not of one machine. It passes in the
 * domain profile with everybody deployed, for one of the services at least; secured when the
 * exception says `secure:`. */
struct exception_effect {
    /* Addresses at each end, of families that both have; UINT64_MAX = that many or more. */
    uint64_t clients, servers;
    uint64_t pairs;         /* that pass with it and not without it; UINT64_MAX likewise */
    uint64_t pairs_open;    /* of its pairs, those that pass with it and without it alike */
    uint64_t pairs_allowed; /* whose intent it changes, whether anything enforces it or not: 0
                               means that it adds nothing to what holds already */
    uint64_t known_clients, known_servers, known_pairs; /* machines that the workspace knows */
    bool is_known; /* every address at both ends is a known machine of its own: pairs of hosts */
    bool has_evidence;
    const struct effect_use *uses; /* of the pairs it opens; the most recent first */
    size_t n_uses;
    uint64_t tried;     /* of the pairs it opens, those that were tried and never worked */
    const str *reaches; /* shares of its servers that nobody of its clients used: "ADMIN$ on FS02";
                           administrative ones first */
    size_t n_reaches, n_reaches_all; /* those listed, and all there are */
    const str *risks;                /* why more approvers are asked for (governance) */
    size_t n_risks;
    str narrowest; /* a scope, JSON as book_request.scope: what was used, no more; empty = no use */
    uint64_t narrowest_unused; /* pairs that were never used and that it would open all the same */
    str superfluous; /* "policy.yaml:14": what allows all of it already; empty = nothing does */
    str undecidable; /* why parts can't be told: "group SMB Admins"; empty = all is told */
};

/* False: the exception can't be resolved in the policy (said in found). */
MUST_USE bool exception_effect(const struct effect_question *question, struct arena *arena,
                               struct arena scratch, struct exception_effect *out,
                               struct diagnostics *found);
/* "opens 12 × 1 host pairs, of which 1 was ever used; also reaches ADMIN$ on FS02" */
str exception_effect_text(const struct exception_effect *effect, struct arena *arena);
/* The same for the ledger and --json: an object. */
str exception_effect_json(const struct exception_effect *effect, struct arena *arena);
