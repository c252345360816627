/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence as windows of bytes. A path may be a file, a directory (walked in name order), standard
 * input ("-"), or an archive or compressed file (.gz .zst .xz .bz2 .zip .tar[.*], known by
 * content), whose members are named "outer.zip!/inner.pcap" and whose offsets count inner bytes. A
 * member may be compressed, or an archive itself: "outer.zip!/inner.tar.gz!/a.pcap", no deeper. A
 * reader sees nothing but windows and never seeks, so a pipe and a mapped file read alike.
 */
#pragma once

#include "base/os.h"

struct window {
    bytes data;
    uint64_t offset; /* absolute offset of data.ptr[0] in the source */
    bool last;       /* no byte follows data */
};

/* One source while it is read. */
struct input;

/* What is found at a path. Called once per regular file or archive member, in a fixed order. The
 * callee reads it with input_next/input_take until `last`; what it leaves unread is skipped.
 * Returning false stops the walk. */
typedef bool input_visit(void *to, struct input *input);
/* What could not be opened or read (one member or file); the walk goes on. */
typedef void input_problem(void *to, str source, const struct err *err);

/* A regular file (or standard input) that the walk has come upon. False stops the walk. */
typedef bool input_found(void *to, str path);

/* path: as the user gave it. Names the files below it in the order in which they are visited,
 * without opening any. False only when the path itself does not exist. */
MUST_USE bool input_find(struct os *os, str path, struct arena scratch, input_found *found,
                         input_problem *problem, void *to, struct err *err);
/* Visits what one file holds. False when it can't be opened. Different files may be visited by
 * different threads. */
MUST_USE bool input_visit_file(struct os *os, str path, struct arena scratch, input_visit *visit,
                               input_problem *problem, void *to, struct err *err);
/* Both: every file below the path. False when the path does not exist or, being a file, can't be
 * opened. */
MUST_USE bool input_walk(struct os *os, str path, struct arena scratch, input_visit *visit,
                         input_problem *problem, void *to, struct err *err);

str input_source(const struct input *input); /* path as given, or "outer!/inner" */
/* The current window: everything unread that is buffered, at least `want` bytes unless the source
 * ends first (or LIMIT_RECORD_BYTES is reached: then ERR_LIMIT). False on a read error; the bytes
 * before it were delivered. */
MUST_USE bool input_next(struct input *input, size_t want, struct window *out, struct err *err);
/* Marks n bytes from the front of the current window as read. */
void input_take(struct input *input, size_t n);
