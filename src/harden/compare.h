/* SPDX-License-Identifier: Apache-2.0 */
/* One machine against the baseline: row by row what is wanted, what was found, how that is known.
 * What nothing tells stays unknown; what was seen on the wire can show that a setting is missing,
 * and of signing that it is there.
 */
#pragma once

#include "harden/baseline.h"
#include "harden/collected.h"

#define COMPARE_VERDICTS(X)                                                                        \
    X(OK, "ok")                                                                                    \
    X(DIFFERS, "differs")                                                                          \
    X(UNKNOWN, "unknown")                                                                          \
    X(NOT_THERE, "not-there") /* this Windows has no such setting */
enum compare_verdict {
#define X(name, text) COMPARE_##name,
    COMPARE_VERDICTS(X)
#undef X
        COMPARE_COUNT
};
str compare_verdict_text(enum compare_verdict verdict);

/* What flows and scans showed of a machine, over all of them. Zero = nothing. */
struct compare_seen {
    uint8_t server_dialects, client_dialects; /* bits of enum dialect, of its flows at each end */
    uint8_t offered_dialects;                 /* of a scan */
    enum signing server_signing, client_signing, offered_signing; /* the weakest */
    bool client_guest, client_ntlmv1, server_ntlmv1;
    int64_t last_us;
};

/* What is known of one machine. */
struct compare_machine {
    str name;
    struct hardened is;
    const struct collected *collected; /* NULL = none was given */
    struct compare_seen seen;
};

struct compare_row {
    enum harden_row row;
    enum compare_verdict verdict;
    str wanted, found; /* found: empty = not known */
    str how;           /* "Get-SmbServerConfiguration", "seen as server until 2026-11-20" */
    const struct harden_override *override;
};

/* The rows that the baseline sets on such a machine in mode enforce, and those that it only checks;
 * in the order of the table. */
struct compare_row *compare_with(const struct policy *policy, const struct compare_machine *machine,
                                 struct arena *arena, size_t *n);
