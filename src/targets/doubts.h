/* SPDX-License-Identifier: Apache-2.0 */
/* Facts that artefacts rest on and that no source at hand confirms. Each has an id, so that
 * docs/targets/ can list it and RULES.md can print those that a bundle depends on.
 */
#pragma once

#include "rules/bundle.h"

/* What of a bundle makes the fact matter (bits); 0 = every bundle of the target. */
enum {
    DOUBT_V6 = 1u << 0,        /* a rule names IPv6 addresses */
    DOUBT_BLOCK = 1u << 1,     /* a block of what is not approved */
    DOUBT_SECURE = 1u << 2,    /* allow-if-secure, connection security */
    DOUBT_HARDENING = 1u << 3, /* settings are written */
    DOUBT_PROGRAM = 1u << 4,   /* a rule of one program */
};

struct doubt {
    str id;        /* "windows-open-sessions": [a-z0-9-] */
    unsigned when; /* any of these; 0 = always */
    str text;      /* what is not sure, and what to do about it; one line */
};

/* Those of every target for Windows Defender Firewall; ends with an empty id. */
extern const struct doubt doubts_windows[];

/* Which of these matter to some rules (DOUBT_...). */
unsigned doubts_of(const struct host_class *host_class);
unsigned doubts_of_border(const struct border_rules *border);
bool doubt_matters(const struct doubt *doubt, unsigned of);
