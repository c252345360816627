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
#include "targets/doubts.h"

struct target_file {
    str path; /* relative to the target's folder, '/' separated, ASCII, valid on Windows */
    str content;
    str sha256; /* of the content, where only that is kept */
    bool executable;
    enum target_file_kind {
        TARGET_FILE_RULES,    /* one per class or border */
        TARGET_FILE_ROLLBACK, /* one per class or border, or one for all classes */
        TARGET_FILE_PART,     /* more that belongs to it: Backup.xml, hardening */
    } kind;
    /* A TARGET_FILE_PART that holds the rules once more, in another form: read and proved like
     * them. */
    bool same_rules;
    /* The class whose rules this file holds or takes back, or the border. A rollback of all classes
     * alike has neither. */
    const struct host_class *host_class;
    const struct border_rules *border;
};

struct target_files {
    struct target_file *items;
    size_t n, room;
};

/* What a file sets on a machine beside rules, or takes back, in words of its dialect; the parts of
 * a text are joined by " | ", the items of a list by '\n'. */
struct target_setting {
    str name; /* no two of one file are alike */
    str data;
};

struct target_settings {
    struct target_setting *items;
    size_t n, room;
};

/* What every artefact says of itself. */
struct target_header {
    str organisation, policy_source, policy_sha256;
    str exceptions_sha256; /* of the file of exceptions; empty = none was given */
    int64_t as_of_us;
    str workspace; /* the rules' owner: one word, see target_word */
};

/* What a dialect can say beside addresses, ports and actions. */
enum {
    TARGET_SECURE = 1u << 0,  /* allow-if-secure, principals and connection security */
    TARGET_PROGRAM = 1u << 1, /* a service's mark: traffic of one program */
    TARGET_HARDENS = 1u << 2, /* host_class.hardening */
    TARGET_EXPIRES = 1u << 3, /* addresses that time out (targets/expiry.h) */
};

struct target {
    str name, summary;
    enum engine engine;
    enum rest rest;
    unsigned holds;   /* TARGET_... */
    uint8_t profiles; /* which profiles it can hold (bits of enum profile) */
    /* Every address that can be a peer in this dialect (rules/universe.h). */
    const struct prefix_set *peers;
    str residue; /* peers that it can't hold, in words; empty = none */
    str cannot;  /* what else it can't express, one sentence */
    str load;    /* how files are loaded, and taken back: for RULES.md, one or two sentences */
    str decides; /* which rule decides when several match, one sentence */
    /* Facts nobody confirmed: those of all targets for Windows, and its own. NULL = none, else they
     * end with an empty id. */
    const struct doubt *doubts, *own_doubts;
    bool hosts;   /* writes files for host classes */
    bool borders; /* writes files for the firewalls at enforced borders */
    /* Rules that nothing needs are written as disabled, so that the fixed number of them replaces
     * those of an older artefact (DESIGN.md 5). */
    bool fixed_slots;
    /* bundles → files. False: something cannot be expressed; err names rule, field and target. */
    bool (*emit)(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err);
    /* bytes of one file → the rules it holds; the same subset that emit writes, everything else is
     * an error with its line. */
    bool (*read)(str source, bytes content, struct arena *arena, struct ruleset *out,
                 struct err *err);
    /* A TARGET_FILE_PART: true when it is what belongs to this workspace's artefact; else err says
     * where not. NULL when the dialect has no such files. */
    bool (*read_part)(str source, bytes content, str workspace, struct arena *arena,
                      struct err *err);
    /* Adds what one file of a class sets beside rules (logs, host_class.hardening), or takes back.
     * targets/prove_hardening.h has the words. NULL when the dialect sets nothing else. */
    bool (*settings)(str source, bytes content, str workspace, struct arena *arena,
                     struct target_settings *out, struct err *err);
    /* What all rules of one artefact are grouped under when they are read back, so that a rollback
     * finds them; border_word is empty for a host's. */
    str (*group)(str workspace, str border_word, struct arena *arena);
    /* True when the bytes are a rollback that removes exactly what one artefact of this workspace
     * made (of a border: border_word) and restores what it changed; else err says where not. */
    bool (*read_rollback)(str source, bytes content, str workspace, str border_word,
                          struct arena *arena, struct err *err);
    /* A dialect whose rollback names every object that goes: true when that is everything that the
     * file of rules makes. NULL: read_rollback says it all. */
    bool (*undoes)(str source, bytes rules, bytes rollback, struct arena *arena, struct err *err);
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
/* The same for a file in the folder of a class. name : "rules.xml", "samba/GPT.INI.xml" */
void target_add_class_file(struct target_files *files, struct arena *arena,
                           const struct host_class *host_class, enum target_file_kind kind,
                           str name, str content);
void target_add_setting(struct target_settings *settings, struct arena *arena, str name, str data);

/* Text from a policy as it may stand in a comment or a quoted string of any dialect: one line of
 * printable ASCII without double quotes, backslashes, backticks, dollars or bars, at most `most`
 * bytes. What is cut out becomes '?'. */
str target_plain(struct arena *arena, str text, size_t most);
/* One word for groups, tables and file names: [a-z0-9-], never empty. */
str target_word(struct arena *arena, str text);
/* The word that a border's files and tables are named with; no two borders share one. */
str target_border_word(const struct bundles *bundles, size_t index, struct arena *arena);

/* What the target does not hold (TARGET_...) is refused here, and what none holds. Names rule,
 * field and target. */
MUST_USE bool target_expresses(const struct target *target, const struct rule *rule,
                               struct err *err);
