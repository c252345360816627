/* SPDX-License-Identifier: Apache-2.0 */
/* The policy of a command: policy.yaml of the workspace, or what --policy names. Every command that
 * reads one has POLICY_FILE_OPTION in its table and calls policy_file_load, then
 * policy_file_resolve. What is wrong is printed with the line of the file and a caret.
 */
#pragma once

#include "cli/command.h"
#include "ledger/exception_book.h"
#include "policy/membership.h"
#include "policy/resolve.h"

/* Rows for a command's option table. Without --exceptions those of the workspace's ledger hold, as
 * it was at --as-of. */
#define POLICY_FILE_ROW                                                                            \
    {                                                                                              \
        .name = {"policy", 6}, .type = OPTION_TEXT, .value = {"FILE", 4},                          \
        .fallback = {"policy.yaml", 11}, .help = {                                                 \
            "the policy, instead of the workspace's",                                              \
            38                                                                                     \
        }                                                                                          \
    }
#define EXCEPTIONS_FILE_ROW                                                                        \
    {                                                                                              \
        .name = {"exceptions", 10}, .type = OPTION_TEXT, .value = {"FILE", 4}, .help = {           \
            "a file of exceptions instead of those in the workspace's ledger",                     \
            63                                                                                     \
        }                                                                                          \
    }
#define MEMBERS_FILE_ROW                                                                           \
    {                                                                                              \
        .name = {"members", 7}, .type = OPTION_TEXT, .many = true, .value = {"FILE", 4}, .help = { \
            "who is in which group of the directory, before what was imported",                    \
            64                                                                                     \
        }                                                                                          \
    }
#define POLICY_FILE_OPTION POLICY_FILE_ROW, EXCEPTIONS_FILE_ROW, MEMBERS_FILE_ROW

struct policy_file {
    str path;   /* where it is */
    str source; /* how messages call it: "policy.yaml" for the workspace's */
    /* Of --exceptions, or what the ledger grants: then its name is "ledger". No name = none. */
    struct source_text exceptions;
    bool has_exceptions_file;   /* of --exceptions */
    bool has_ledger;            /* there is one, and it was asked */
    struct exception_book book; /* the ledger's, when it was */
    struct membership members;  /* of --members; none = those of the workspace */
    struct policy policy;
    struct resolved resolved;  /* after policy_file_resolve */
    struct diagnostics found;  /* of all */
    struct host_lookup lookup; /* names by the workspace, service tags by the policy's folder */
    const struct host_lookup *hosts;
    struct invocation *call;
};

/* Finds and reads the file, and that of the exceptions; not yet parsed. False (and said on the talk
 * stream) when one can't be read. */
MUST_USE bool policy_file_open(struct invocation *call, struct policy_file *out, str *text);

/* Parses what was opened: the policy, then the exceptions, whose dates are in its time zone; so is
 * a date of --as-of, from now on. What is wrong is added to file->found; a ledger that can't be
 * read or does not verify is said on the talk stream.
 *
 * file : stays where it is as long as the policy is used */
MUST_USE bool policy_file_parse(struct invocation *call, struct policy_file *file, str text);

/* Reads and parses. False: what is wrong is on the talk stream and the command ends with *status.
 */
MUST_USE bool policy_file_load(struct invocation *call, struct policy_file *out, int *status);

/* The same for a file that is not the command's own policy: the other side of a comparison. The
 * exceptions hold on both. */
MUST_USE bool policy_file_load_from(struct invocation *call, str path, struct policy_file *out,
                                    int *status);

/* Resolves at call->as_of_us, printing warnings and errors on the talk stream.
 *
 * hosts : names of the workspace; NULL = they are loaded from its database, if there is one;
 *         then file->hosts is the look-up to go on with
 * for_check : unresolvable names are warnings (simulate, explain); else errors (compile)
 * file : stays where it is as long as `resolved` is used */
MUST_USE bool policy_file_resolve(struct invocation *call, struct policy_file *file,
                                  const struct host_lookup *hosts, bool for_check, int *status);

/* Joins host names of the workspace with service tags read beside the policy. */
void policy_file_set_lookup(struct policy_file *file, struct invocation *call,
                            const struct host_lookup *hosts);

/* Prints diagnostics from item `first` on, each with its line and a caret, and how many were not
 * listed. */
void policy_file_print(struct buf *out, struct arena *arena, bool colour, str source, str text,
                       const struct diagnostics *found, size_t first);
