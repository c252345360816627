/* SPDX-License-Identifier: Apache-2.0 */
/* The outside world, passed down from main: files, clock, terminal, environment. The program
 * reaches them through this struct alone; base/os_posix.c makes the real one, base/os_memory.c a
 * twin made of memory for tests. Paths are UTF-8 with '/'.
 */
#pragma once

#include "base/err.h"

enum os_stream { OS_OUT, OS_ERR };
enum os_kind { OS_MISSING, OS_FILE, OS_DIRECTORY, OS_OTHER };

struct os_file; /* an open file for reading; opaque */

struct os {
    void *self;
    /* Results and talk. False when the stream is gone (a closed pipe). */
    bool (*write)(void *self, enum os_stream stream, bytes piece);
    bool (*is_terminal)(void *self, enum os_stream stream);
    unsigned (*columns)(void *self); /* of the terminal; 80 when unknown */
    size_t (*cores)(void *self);     /* that may be used at once; at least 1 */
    int64_t (*now_us)(void *self);   /* UTC */
    uint64_t (*monotonic_us)(void *self);
    /* Empty when not set. */
    str (*environment)(void *self, str name, struct arena *arena);

    /* Of what a symbolic link leads to, when the path is one. */
    enum os_kind (*kind)(void *self, str path);
    bool (*is_link)(void *self, str path);
    /* "-" is standard input. NULL and err when it can't be opened. */
    struct os_file *(*open)(void *self, str path, struct arena *arena, struct err *err);
    /* Up to room bytes; *n is 0 only at the end. */
    bool (*read)(void *self, struct os_file *file, uint8_t *into, size_t room, size_t *n,
                 struct err *err);
    void (*close)(void *self, struct os_file *file);
    /* Names in a directory, sorted bytewise, without "." and "..". */
    bool (*list)(void *self, str path, struct arena *arena, str **names, size_t *n,
                 struct err *err);
    bool (*make_directory)(void *self, str path,
                           struct err *err); /* with parents; existing is fine */
    /* Written whole, beside, fsynced, renamed over path. executable sets the x bits. */
    bool (*write_file)(void *self, str path, bytes content, bool executable, struct err *err);
    /* A file, a link, an empty directory. */
    bool (*remove)(void *self, str path, struct err *err);
    /* As write_file, for the owner's eyes alone (mode 0600). */
    bool (*write_private)(void *self, str path, bytes content, struct err *err);
    /* Who runs the program, by the system's account and not by the environment: the name of the
     * effective user, "uid:1000" when it has none; what the machine is called. */
    str (*user)(void *self, struct arena *arena);
    str (*machine)(void *self, struct arena *arena);
    /* A line from the terminal that is not shown while it is typed. False without a terminal. */
    bool (*ask_secret)(void *self, str prompt, struct arena *arena, str *out, struct err *err);
    /* Runs a program to its end, without input, its output thrown away; killed after most_ms.
     * status: its exit status; 128 + the signal's number when one ended it.
     * fails : NOT_FOUND (no such program), IO */
    bool (*run_program)(void *self, const str *words, size_t n, unsigned most_ms, int *status,
                        struct err *err);
    /* True when the path is on a network file system (NFS, CIFS, ...), where SQLite's WAL is
     * unsafe. */
    bool (*is_network)(void *self, str path);
};

/* The real one. Nothing to close. */
struct os os_posix(void);

/* Reads a whole file of at most max bytes. */
MUST_USE bool os_read_all(struct os *os, str path, uint64_t max, struct arena *arena, bytes *out,
                          struct err *err);
bool os_sink_out(void *os, bytes piece); /* for buf_to: `to` is a struct os */
bool os_sink_err(void *os, bytes piece);
str os_join(struct arena *arena, str directory, str name);
/* The last part of a path; the part before it ("." when there is none). */
str os_base_name(str path);
str os_directory(str path);
