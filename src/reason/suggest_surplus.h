/* SPDX-License-Identifier: Apache-2.0 */
/* What might be switched off: servers that nobody uses, clients' machines that serve, shares that
 * nobody uses. Silence proves something only where a machine's own log was read.
 */
#pragma once

#include "reason/suggest_evidence.h"

#define SUGGEST_SURPLUSES(X)                                                                       \
    X(SERVER, "unused-server")                                                                     \
    X(ENDPOINT, "client-serves")                                                                   \
    X(SHARE, "unused-share")
enum suggest_surplus_kind {
#define X(name, text) SUGGEST_SURPLUS_##name,
    SUGGEST_SURPLUSES(X)
#undef X
};
str suggest_surplus_text(enum suggest_surplus_kind kind);

struct suggest_surplus {
    enum suggest_surplus_kind kind;
    str host, share;   /* labels; share: only of SHARE */
    bool is_decidable; /* evidence of its own side exists */
    str reason;
};

const struct suggest_surplus *suggest_surplus(const struct suggest_machines *machines,
                                              struct arena *arena, size_t *n);
