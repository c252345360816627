/* SPDX-License-Identifier: Apache-2.0 */
/* A target writes one firewall dialect and reads its own output back. One line in targets.def and
 * one `const struct target x_target` make a new one. Emitters are pure: rules in, bytes out.
 * Emitter and reader of a dialect share no code that formats or parses addresses: the proof must be
 * able to catch either. What a dialect cannot express is an error before any output; nothing wider
 * is ever written.
 */
#pragma once

#include "base/err.h"
#include "rules/bundle.h"

struct target_file {
    str path; /* relative to the target's folder, '/' separated, ASCII, valid on Windows */
    str content;
    str sha256; /* of the content, where only that is kept */
    bool executable;
    enum { TARGET_FILE_RULES, TARGET_FILE_ROLLBACK } kind;
    /* The class whose rules this file holds or takes back, or the border. A rollback of all classes
     * alike has neither. */
    const struct host_class *host_class;
    const struct border_rules *border;
};

struct target_files {
    struct target_file *items;
    size_t n, room;
};

/* What every artefact says of itself. */
struct target_header {
    str organisation, policy_source, policy_sha256;
    str exceptions_sha256; /* of the file of exceptions; empty = none was given */
    int64_t as_of_us;
    str workspace; /* the rules' owner: one word, see target_word */
};

struct target {
    str name, summary;
    enum engine engine;
    uint8_t profiles; /* which profiles it can hold (bits of enum profile) */
    /* Every address that can be a peer in this dialect (rules/universe.h). */
    const struct prefix_set *peers;
    str residue;  /* peers that it can't hold, in words; empty = none */
    str cannot;   /* what else it can't express, one sentence */
    bool borders; /* writes forward files for enforced borders */
    /* bundles → files. False: something cannot be expressed; err names rule, field and target. */
    bool (*emit)(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err);
    /* bytes of one file → the rules it holds; the same subset that emit writes, everything else is
     * an error with its line. */
    bool (*read)(str source, bytes content, struct arena *arena, struct ruleset *out,
                 struct err *err);
    /* What all rules of one artefact are grouped under when they are read back, so that a rollback
     * finds them; border_word is empty for a host's. */
    str (*group)(str workspace, str border_word, struct arena *arena);
    /* True when the bytes are a rollback that removes exactly what one artefact of this workspace
     * made (of a border: border_word) and restores what it changed; else err says where not. */
    bool (*read_rollback)(str source, bytes content, str workspace, str border_word,
                          struct arena *arena, struct err *err);
    /* True when the bytes look like this dialect (for `rules FILE`). */
    bool (*recognise)(bytes head);
};

extern const struct target *const targets[];
extern const size_t targets_n;
/* NULL when there is none of that name. */
const struct target *target_by_name(str name);
/* The target whose dialect these bytes look like; NULL when there is none. */
const struct target *target_recognise(bytes content);
void target_add_file(struct target_files *files, struct arena *arena, struct target_file file);

/* Text from a policy as it may stand in a comment or a quoted string of any dialect: one line of
 * printable ASCII without double quotes, backslashes, backticks, dollars or bars, at most `most`
 * bytes. What is cut out becomes '?'. */
str target_plain(struct arena *arena, str text, size_t most);
/* One word for groups, tables and file names: [a-z0-9-], never empty. */
str target_word(struct arena *arena, str text);
/* The word that a border's files and tables are named with; no two borders share one. */
str target_border_word(const struct bundles *bundles, size_t index, struct arena *arena);

/* What no target of this version can express is refused here: allow-if-secure, programs,
 * principals. Names rule, field and target. */
MUST_USE bool target_expresses(const struct target *target, const struct rule *rule,
                               struct err *err);
