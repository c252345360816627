/* SPDX-License-Identifier: Apache-2.0 */
/* A command is one file with one `const struct command x_command`: its options, examples and run.
 * Parsing,
 * --help, the manual page and completion are made from these tables. commands.def lists them.
 */
#pragma once

#include "base/json_write.h"
#include "base/os.h"
#include "base/table.h"

enum option_type {
    OPTION_FLAG,    /* no value */
    OPTION_TEXT,    /* any text, kept as given */
    OPTION_COUNT,   /* decimal number between low and high */
    OPTION_INSTANT, /* RFC 3339 instant, or a date (midnight in the policy's time zone) */
    OPTION_CHOICE,  /* one of `choices`, separated by '|' */
};

struct option {
    str name;    /* without the dashes: "as-of" */
    char letter; /* short form, 0 = none */
    enum option_type type;
    bool many;    /* may be given more than once */
    str value;    /* name of the value in --help: "FILE" */
    str fallback; /* default, as text in --help; empty = none */
    str choices;
    uint64_t low, high;
    str help; /* one sentence without a full stop */
};

enum exit_status { EXIT_FINE = 0, EXIT_NO = 1, EXIT_FAILED = 2 };

/* What a command gets. Options are asked by name; asking for one that is not in the command's table
 * is a programming error (asserted). */
struct invocation {
    struct os *os;
    struct arena *arena; /* results, lives until the command ends */
    struct arena scratch;
    const struct command *command;
    const str *arguments; /* positional */
    size_t n_arguments;
    const struct given_option *given;
    size_t n_given;
    struct buf *out, *talk; /* stdout, stderr */
    bool colour;            /* of out */
    bool talk_colour, progress;
    str workspace;    /* -C DIR, default "." */
    int64_t as_of_us; /* --as-of, default now */
    /* --as-of was a date: as_of_us is its midnight in UTC until a policy says in which zone. */
    bool as_of_is_date;
    int64_t now_us;
    bool clock_is_set; /* now_us is what SALLYPORT_CLOCK says, not the machine's clock */
    enum { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV } format;
};

struct given_option {
    const struct option *option;
    str text;
    uint64_t count;
    int64_t instant_us;
};

struct example {
    str line;    /* without the prompt: "sallyport matrix --json" */
    str purpose; /* one sentence */
};

struct command {
    str name, summary;
    str arguments;                          /* "FILE...", for the usage line; empty = none */
    size_t least_arguments, most_arguments; /* most: SIZE_MAX = any number */
    const struct option *options;
    size_t n_options;
    const struct example *examples;
    size_t n_examples;
    str details; /* paragraphs for --help and the manual */
    int (*run)(struct invocation *call);
};

/* Common options every command has: -C, --format, --json, --as-of, --help. */
extern const struct option command_common_options[];
extern const size_t command_n_common_options;

/* Whether the command has such an option at all: the others are asked about its own alone. */
bool option_exists(const struct invocation *call, str name);
bool option_flag(const struct invocation *call, str name);
bool option_given(const struct invocation *call, str name);
str option_text(const struct invocation *call, str name); /* last one given, else the default */
uint64_t option_count(const struct invocation *call, str name);
int64_t option_instant(const struct invocation *call, str name); /* only when option_given */
/* All values of an option that may be given more than once, in order. */
str *option_texts(const struct invocation *call, str name, size_t *n);

extern const struct command *const commands[];
extern const size_t n_commands;

/* Parses the command line (without the program's name) and runs the command. */
int command_main(struct os *os, const str *words, size_t n_words);
/* Prints an error to the talk stream, with colour, and a newline. Returns EXIT_FAILED. */
int command_fail(struct invocation *call, const struct err *err);
/* "name" or, when close to one of candidates, with a suggestion: ", did you mean \"...\"?" */
str command_suggest(struct arena *arena, str word, const str *candidates, size_t n);
/* The path of a file in the workspace. */
str command_path(struct invocation *call, str name);
/* One line on the talk stream that overwrites itself: only with call->progress. done/total in any
 * unit; total 0 = unknown. */
void command_progress(struct invocation *call, str what, uint64_t done, uint64_t total);
void command_progress_end(struct invocation *call);
