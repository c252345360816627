/* SPDX-License-Identifier: Apache-2.0 */
/* A world made of memory, for tests and fuzzers: files in a map, captured output, a clock that
 * stands still until it is moved. Folders exist as far as a file or make_directory names them; "-"
 * is standard input. Paths are compared as written ("a/b", never "./a/b").
 */
#pragma once

#include "base/os.h"

struct os_memory;

/* Everything lives in the arena. */
struct os_memory *os_memory_new(struct arena *arena);
/* The world to pass down; valid as long as the arena. */
struct os os_memory_world(struct os_memory *memory);

/* content is not copied. A later file of the same path replaces the first. */
void os_memory_put(struct os_memory *memory, str path, bytes content);
/* False when there is no such file. */
bool os_memory_get(const struct os_memory *memory, str path, bytes *content);
bool os_memory_is_executable(const struct os_memory *memory, str path);
/* path becomes a symbolic link; target is a path as written elsewhere. */
void os_memory_link(struct os_memory *memory, str path, str target);
void os_memory_set_environment(struct os_memory *memory, str name, str value);
/* Who runs the program; "nobody" until set. */
void os_memory_set_user(struct os_memory *memory, str name);
/* What is typed when a secret is asked for; none: there is no terminal to ask on. */
void os_memory_set_secret(struct os_memory *memory, str secret);
void os_memory_set_now(struct os_memory *memory, int64_t now_us);
void os_memory_set_terminal(struct os_memory *memory, bool is_terminal, unsigned columns);
void os_memory_set_network(struct os_memory *memory, bool is_network);
/* Reads of this path fail once `after` bytes were given: a damaged disk. */
void os_memory_fail_read(struct os_memory *memory, str path, uint64_t after);
/* Writes of files, folders and output fail from now on: a full disk, a closed pipe. */
void os_memory_fail_write(struct os_memory *memory, bool fails);
/* At most this many bytes per read, as a pipe gives them; 0 = no bound. */
void os_memory_set_read_bytes(struct os_memory *memory, size_t most);
/* What was written to standard output or standard error so far. */
str os_memory_written(const struct os_memory *memory, enum os_stream stream);
