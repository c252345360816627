/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever holds firewall rules: artefacts of this program, exports of other tools, what a host has
 * loaded. Where a target's own reader (target.h) knows only what its writer writes, formats
 * (rule_formats.def) take what the world holds: a rule that can't be understood whole is a problem
 * with its place, and the rest of the file is still read.
 */
#pragma once

#include "targets/target.h"

struct rule_problem {
    uint64_t offset; /* in the file; of a rule inside a container, that of the container's value */
    uint32_t line;   /* 0 = the format has no lines */
    str text;        /* "value {…}: expected a port, found \"70000\"" */
};

/* What a file says of one Windows profile; zero = it says nothing. */
struct profile_state {
    /* shields_up: inbound, everything is blocked, whatever rules allow (DoNotAllowExceptions) */
    enum {
        SAID_NOTHING,
        SAID_NO,
        SAID_YES
    } firewall_on,
        shields_up, local_rules, local_security, logs_dropped;
    enum rule_verdict inbound, outbound; /* the default action; RULE_UNTOUCHED = not said */
    str log_path;
    uint32_t log_kib; /* 0 = not said */
};

struct rule_file {
    str format; /* "Registry.pol", or the target's name */
    enum engine engine;
    const struct target *target; /* whose artefact it is; NULL = a format that only is read */
    struct ruleset rules;
    struct profile_state profiles[PROFILE_COUNT];
    const struct rule_problem *problems;
    size_t n_problems;
};

struct rule_format {
    str name, summary;
    /* True when the bytes look like it. */
    bool (*recognise)(bytes head);
    /* fails : MALFORMED when the container itself can't be read; whatever can is a problem */
    bool (*read)(str source, bytes content, struct arena *arena, struct rule_file *out,
                 struct err *err);
};

extern const struct rule_format *const rule_file_formats[];
extern const size_t rule_file_formats_n;

/* Formats are asked first, then targets.
 *
 * fails : UNKNOWN_FORMAT (names what is known), MALFORMED */
MUST_USE bool rule_file_read(str source, bytes content, struct arena *arena, struct rule_file *out,
                             struct err *err);

/* True when rule_file_read knows what the bytes are. */
bool rule_file_recognise(bytes content);

/* The rules that decide for sure, as far as the file says: without those that have conditions
 * (n_conditional counts them), and in each profile without those that don't count there: all where
 * the firewall is off, the machine's own where policy says so. */
struct ruleset rule_file_certain(const struct rule_file *file, struct arena *arena,
                                 size_t *n_conditional);
