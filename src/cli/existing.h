/* SPDX-License-Identifier: Apache-2.0 */
/* `--existing [NAME=]FILE`: what machines hold already, so that a proof is made together with it.
 * NAME is a host class, or a machine by name or address; without it, every machine has the file's
 * rules. */
#pragma once

#include "cli/command.h"
#include "rules/bundle.h"
#include "rules/verdict.h"
#include "targets/rule_file.h"

struct existing_file {
    str name, path; /* name is empty: of every machine */
    struct rule_file file;
};

struct existing {
    const struct existing_file *files;
    size_t n;
};

/* The option's files. Rules that can't be understood are told as warnings: they may be in the way.
 *
 * fails : NOT_FOUND, UNKNOWN_FORMAT, MALFORMED, with the file */
MUST_USE bool existing_read(struct invocation *call, struct existing *out, struct err *err);

/* What the machines of a class are known to have under this engine, without rules that an artefact
 * of this workspace made before (it is replaced). NULL = nothing is known. */
const struct verdict_around *existing_of(const struct existing *existing,
                                         const struct host_class *host_class, enum engine engine,
                                         str workspace, struct arena *arena);

/* True when each file is of a kind of firewall that some target writes for: any other would be
 * passed over without a word. engines : bits 1u << enum engine fails : UNSUPPORTED, naming the file
 */
MUST_USE bool existing_fits(const struct existing *existing, unsigned engines, struct err *err);

/* True when every NAME is that of some class.
 * fails : NOT_FOUND, naming it */
MUST_USE bool existing_names(const struct existing *existing, const struct host_class *classes,
                             size_t n, struct err *err);
