/* SPDX-License-Identifier: Apache-2.0 */
/* A target writes one firewall dialect and reads its own output back. One line in targets.def and
 * one `const struct target x_target` make a new one. Emitters are pure: rules in, bytes out.
 * Emitter and reader of a dialect share no code that formats or parses addresses: the proof must be
 * able to catch either. What a dialect cannot express is an error before any output; nothing wider
 * is ever written.
 */
#pragma once

#include "rules/bundle.h"

struct target_file {
    str path; /* relative to the target's folder, '/' separated, ASCII, valid on Windows */
    str content;
    bool executable;
    /* The class whose rules this file holds, or the border; both NULL: rollback, notes. */
    const struct host_class *host_class;
    const struct border *border;
};

struct target_files {
    struct target_file *items;
    size_t n, room;
};

/* What every artefact says of itself. */
struct target_header {
    str organisation, policy_source, policy_sha256;
    int64_t as_of_us;
    str workspace;
};

struct target {
    str name, summary;
    enum engine engine;
    uint8_t profiles; /* which profiles it can hold (bits of enum profile) */
    struct prefix_set
        peers;    /* every address that can be a peer in this dialect (rules/universe.h) */
    bool borders; /* writes forward files for enforced borders */
    bool secure;  /* can express allow-if-secure */
    /* bundles → files. False: something cannot be expressed; err names rule, field and target. */
    bool (*emit)(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err);
    /* bytes of one file → the rules it holds; the same subset that emit writes, everything else is
     * an error with its line. */
    bool (*read)(str source, bytes content, struct arena *arena, struct ruleset *out,
                 struct err *err);
    /* True when the bytes look like this dialect (for `rules FILE`). */
    bool (*recognise)(bytes head);
};

extern const struct target *const targets[];
extern const size_t n_targets;
const struct target *target_by_name(str name);
