/* SPDX-License-Identifier: Apache-2.0 */
/* Whom servers authorise, as an axis of its own beside addresses (DESIGN.md 5). Computers that
 * stand in the same secured entries are one *principal*; for each, the rows of intent of the
 * entries that name it. A policy whose secured entries all name the same computers, as most do, has
 * one principal and needs no rows.
 */
#pragma once

#include "rules/decision.h"

struct principal {
    str sids; /* parted by blanks, sorted; empty where `lack` says why */
    /* "policy.yaml:14: the SID of the AD group "X" is not known": what it approves can't be written
     * down. */
    str lack;
    bool by_certificate; /* then nothing can ask for it, at either end */
    /* Per service of the policy and direction (inbound first): what entries that name it approve,
     * as `either`. NULL: it stands in every secured entry. */
    const struct intent_rows *rows;
};

struct principals {
    const struct principal *items;
    size_t n;
};

/* None when no entry asks for security. */
struct principals principals_of(const struct decision *decision, struct arena *arena,
                                struct arena scratch);

/* The number of a class's row of peers that a principal is named with; classes of equal numbers are
 * alike in it. */
uint32_t principals_row(const struct principal *principal, int service, enum direction direction,
                        uint32_t own);
/* Of the peers approved only when authenticated, those that it is named with. */
struct prefix_set principals_peers(const struct principal *principal, const struct atoms *atoms,
                                   int service, enum direction direction, uint32_t own,
                                   struct prefix_set secure, struct arena *arena);
