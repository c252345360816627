/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy in force was seen to deny, as entries and exceptions to review. Nothing here is put
 * anywhere: somebody asks for it, somebody else approves it. A denial is a connection that a log
 * says was blocked, or that a firewall on the way answered with "prohibited".
 */
#pragma once

#include "base/table.h"
#include "reason/suggest_entries.h"

/* What becomes of a denied flow. */
#define SUGGEST_DENIALS(X)                                                                         \
    X(PROPOSED, "proposed", "")                                                                    \
    X(PASSES, "passes", "the policy lets it pass: what denied it is older, or something else")     \
    X(ASSERTED, "asserted", "the policy asserts that it never passes")                             \
    X(UNTRUSTED, "untrusted", "the client is in no managed network")                               \
    X(INTERNET, "internet", "an end is on the internet: that is decided at the perimeter")         \
    X(SCANNER, "scanner", "the client tries many servers in vain")                                 \
    X(UNKNOWN, "unknown", "an end has no address, or lives in no segment")

enum suggest_denial_kind {
#define X(name, text, why) SUGGEST_DENIAL_##name,
    SUGGEST_DENIALS(X)
#undef X
        SUGGEST_DENIAL_COUNT
};

/* Denied flows to one server on one service, of one fate. */
struct suggest_denial {
    enum suggest_denial_kind kind;
    str server; /* of the machine */
    int service;
    const size_t *flows; /* indices into the flows given */
    size_t n_flows;
    struct suggest_summary summary;
    uint64_t denied; /* connections */
    str caution;     /* what speaks against it; may be empty */
    str because;     /* which line of the policy, or the lack of one */
    str entry,
        exception; /* PROPOSED: what would open exactly these; owner and the like are blank */
};

struct suggest_denials {
    const struct suggest_denial *items; /* proposed first; most people, then most often */
    size_t n;
    const struct suggest_flow *flows;
};

struct suggest_denials suggest_denials(const struct suggest_rules *rules, struct arena *arena,
                                       struct arena scratch);
void suggest_denials_json(const struct suggest_denials *denials, const struct policy *policy,
                          struct buf *out);
void suggest_denials_text(const struct suggest_denials *denials, const struct policy *policy,
                          struct arena *arena, struct buf *out, bool colour);
