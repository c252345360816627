/* SPDX-License-Identifier: Apache-2.0 */
#include "base/os_memory.h"

enum {
    /* Links followed before a path counts as missing, as Linux does it. */
    LINKS = 40,
};

struct entry {
    str path;
    enum os_kind kind; /* OS_OTHER: a link */
    bytes content;
    str target;
    bool executable, removed, fails;
    uint64_t fails_after;
};

struct variable {
    str name, value;
};

struct os_memory {
    struct arena *arena;
    struct entry *entries;
    size_t n, room;
    struct variable *variables;
    size_t n_variables, room_variables;
    struct buf written[2];
    int64_t now_us;
    bool is_terminal, is_network, write_fails;
    str user, secret;
    unsigned columns;
    size_t read_bytes;
};

struct os_file {
    struct entry entry; /* as it was when opened */
    size_t at;
};

struct os_memory *os_memory_new(struct arena *arena)
{
    struct os_memory *memory = arena_new(arena, struct os_memory);
    *memory = (struct os_memory){
        .arena = arena,
        .written = {buf_in(arena), buf_in(arena)},
        .columns = 80,
    };
    return memory;
}

static struct entry *find(const struct os_memory *memory, str path)
{
    for (size_t i = 0; i < memory->n; i++)
        if (!memory->entries[i].removed && str_equal(memory->entries[i].path, path))
            return &memory->entries[i];
    return NULL;
}

/* The entry at path, following links. */
static struct entry *resolve(const struct os_memory *memory, str path)
{
    struct entry *entry = find(memory, path);
    for (unsigned links = 0; entry && entry->kind == OS_OTHER; links++)
        entry = links < LINKS ? find(memory, entry->target) : NULL;
    return entry;
}

/* True when path is inside directory; *name is its first part there. "." holds all relative paths.
 */
static bool is_inside(str path, str directory, str *name)
{
    str rest = path;
    if (!str_equal(directory, S("."))) {
        if (!str_starts(path, directory)) return false;
        rest = str_tail(path, directory.len);
        if (!str_ends(directory, S("/"))) {
            if (!str_starts(rest, S("/"))) return false;
            rest = str_tail(rest, 1);
        }
    }
    str below;
    str_cut(rest, '/', name, &below);
    return name->len != 0;
}

static enum os_kind memory_kind(void *self, str path)
{
    struct os_memory *memory = self;
    struct entry *entry = resolve(memory, path);
    if (entry) return entry->kind;
    entry = find(memory, path);
    if (entry && entry->kind == OS_OTHER) path = entry->target; /* a link to an implied folder */
    for (size_t i = 0; i < memory->n; i++) {
        str name;
        if (!memory->entries[i].removed && is_inside(memory->entries[i].path, path, &name))
            return OS_DIRECTORY;
    }
    return str_equal(path, S(".")) ? OS_DIRECTORY : OS_MISSING;
}

static bool memory_is_link(void *self, str path)
{
    struct entry *entry = find(self, path);
    return entry && entry->kind == OS_OTHER;
}

static struct entry *make(struct os_memory *memory, str path, enum os_kind kind)
{
    struct entry *entry = find(memory, path);
    if (!entry) {
        arena_grow(memory->arena, memory->entries, memory->n, memory->room);
        entry = &memory->entries[memory->n++];
    }
    *entry = (struct entry){.path = str_copy(memory->arena, path), .kind = kind};
    return entry;
}

void os_memory_put(struct os_memory *memory, str path, bytes content)
{
    make(memory, path, OS_FILE)->content = content;
}

bool os_memory_get(const struct os_memory *memory, str path, bytes *content)
{
    struct entry *entry = resolve(memory, path);
    if (!entry || entry->kind != OS_FILE) return false;
    *content = entry->content;
    return true;
}

bool os_memory_is_executable(const struct os_memory *memory, str path)
{
    struct entry *entry = resolve(memory, path);
    return entry && entry->executable;
}

void os_memory_link(struct os_memory *memory, str path, str target)
{
    make(memory, path, OS_OTHER)->target = str_copy(memory->arena, target);
}

void os_memory_set_environment(struct os_memory *memory, str name, str value)
{
    arena_grow(memory->arena, memory->variables, memory->n_variables, memory->room_variables);
    memory->variables[memory->n_variables++] =
        (struct variable){str_copy(memory->arena, name), str_copy(memory->arena, value)};
}

void os_memory_set_user(struct os_memory *memory, str name)
{
    memory->user = name;
}

void os_memory_set_secret(struct os_memory *memory, str secret)
{
    memory->secret = secret;
}

void os_memory_set_now(struct os_memory *memory, int64_t now_us)
{
    memory->now_us = now_us;
}

void os_memory_set_terminal(struct os_memory *memory, bool is_terminal, unsigned columns)
{
    memory->is_terminal = is_terminal;
    memory->columns = columns;
}

void os_memory_set_network(struct os_memory *memory, bool is_network)
{
    memory->is_network = is_network;
}

void os_memory_fail_read(struct os_memory *memory, str path, uint64_t after)
{
    struct entry *entry = resolve(memory, path);
    assert(entry && "the file must exist before it can fail");
    entry->fails = true;
    entry->fails_after = after;
}

void os_memory_fail_write(struct os_memory *memory, bool fails)
{
    memory->write_fails = fails;
}

void os_memory_set_read_bytes(struct os_memory *memory, size_t most)
{
    memory->read_bytes = most;
}

str os_memory_written(const struct os_memory *memory, enum os_stream stream)
{
    return buf_text(&memory->written[stream]);
}

static bool memory_write(void *self, enum os_stream stream, bytes piece)
{
    struct os_memory *memory = self;
    if (memory->write_fails) return false;
    buf_bytes(&memory->written[stream], piece);
    return true;
}

static bool memory_is_terminal(void *self, enum os_stream stream)
{
    const struct os_memory *memory = self;
    (void)stream;
    return memory->is_terminal;
}

static unsigned memory_columns(void *self)
{
    const struct os_memory *memory = self;
    return memory->columns;
}

/* Its files may be read by one thread at a time. */
static size_t memory_cores(void *self)
{
    (void)self;
    return 1;
}

static int64_t memory_now_us(void *self)
{
    const struct os_memory *memory = self;
    return memory->now_us;
}

static uint64_t memory_monotonic_us(void *self)
{
    const struct os_memory *memory = self;
    return memory->now_us > 0 ? (uint64_t)memory->now_us : 0;
}

static str memory_environment(void *self, str name, struct arena *arena)
{
    const struct os_memory *memory = self;
    for (size_t i = memory->n_variables; i > 0; i--)
        if (str_equal(memory->variables[i - 1].name, name))
            return str_copy(arena, memory->variables[i - 1].value);
    return (str){0};
}

static struct os_file *memory_open(void *self, str path, struct arena *arena, struct err *err)
{
    struct entry *entry = resolve(self, path);
    if (!entry || entry->kind != OS_FILE) {
        if (memory_kind(self, path) == OS_DIRECTORY)
            err_set(err, ERR_IO, "cannot open: is a directory");
        else
            err_set(err, ERR_NOT_FOUND, "cannot open: no such file");
        return NULL;
    }
    struct os_file *file = arena_new(arena, struct os_file);
    file->entry = *entry;
    return file;
}

static bool memory_read(void *self, struct os_file *file, uint8_t *into, size_t room, size_t *n,
                        struct err *err)
{
    const struct os_memory *memory = self;
    size_t left = file->entry.content.len - file->at;
    if (memory->read_bytes && room > memory->read_bytes) room = memory->read_bytes;
    if (file->entry.fails) {
        if (file->at >= file->entry.fails_after)
            return err_set(err, ERR_IO, "cannot read: input/output error");
        uint64_t good = file->entry.fails_after - file->at;
        if (left > good) left = (size_t)good;
    }
    *n = left < room ? left : room;
    if (*n) memcpy(into, file->entry.content.ptr + file->at, *n);
    file->at += *n;
    return true;
}

static void memory_close(void *self, struct os_file *file)
{
    (void)self;
    (void)file;
}

static int name_order(const void *left, const void *right)
{
    const str *a = left, *b = right;
    return str_compare(*a, *b);
}

static bool memory_list(void *self, str path, struct arena *arena, str **names, size_t *n,
                        struct err *err)
{
    const struct os_memory *memory = self;
    if (memory_kind(self, path) != OS_DIRECTORY)
        return err_set(err, ERR_NOT_FOUND, "cannot list: no such directory");
    str *found = NULL;
    size_t count = 0, room = 0;
    for (size_t i = 0; i < memory->n; i++) {
        str name;
        if (memory->entries[i].removed || !is_inside(memory->entries[i].path, path, &name))
            continue;
        if (str_equal(name, S("-")) && str_equal(path, S("."))) continue; /* standard input */
        bool known = false;
        for (size_t j = 0; j < count && !known; j++)
            known = str_equal(found[j], name);
        if (known) continue;
        arena_grow(arena, found, count, room);
        found[count++] = str_copy(arena, name);
    }
    if (count) qsort(found, count, sizeof *found, name_order);
    *names = found;
    *n = count;
    return true;
}

static bool memory_make_directory(void *self, str path, struct err *err)
{
    struct os_memory *memory = self;
    if (memory->write_fails)
        return err_set(err, ERR_IO, "cannot make directory: no space left on device");
    if (memory_kind(self, path) == OS_FILE)
        return err_set(err, ERR_IO, "a file of that name is in the way of the directory");
    if (memory_kind(self, path) == OS_MISSING) make(memory, path, OS_DIRECTORY);
    return true;
}

static bool memory_write_file(void *self, str path, bytes content, bool executable, struct err *err)
{
    struct os_memory *memory = self;
    if (memory->write_fails) return err_set(err, ERR_IO, "cannot write: no space left on device");
    if (memory_kind(self, path) == OS_DIRECTORY)
        return err_set(err, ERR_IO, "cannot rename: is a directory");
    if (memory_kind(self, os_directory(path)) != OS_DIRECTORY)
        return err_set(err, ERR_NOT_FOUND, "cannot write: no such file or directory");
    struct entry *entry = make(memory, path, OS_FILE);
    entry->content = str_bytes(str_copy(memory->arena, str_of_bytes(content)));
    entry->executable = executable;
    return true;
}

static bool memory_remove(void *self, str path, struct err *err)
{
    struct entry *entry = find(self, path);
    if (!entry || entry->kind == OS_DIRECTORY)
        return err_set(err, ERR_NOT_FOUND, "cannot remove: no such file");
    entry->removed = true;
    return true;
}

static bool memory_write_private(void *self, str path, bytes content, struct err *err)
{
    return memory_write_file(self, path, content, false, err);
}

static str memory_user(void *self, struct arena *arena)
{
    const struct os_memory *memory = self;
    return str_copy(arena, memory->user.len ? memory->user : S("nobody"));
}

static str memory_machine(void *self, struct arena *arena)
{
    (void)self;
    return str_copy(arena, S("memory"));
}

static bool memory_ask_secret(void *self, str prompt, struct arena *arena, str *out,
                              struct err *err)
{
    const struct os_memory *memory = self;
    (void)prompt;
    if (!memory->secret.len) return err_set(err, ERR_IO, "there is no terminal to ask on");
    *out = str_copy(arena, memory->secret);
    return true;
}

static bool memory_run_program(void *self, const str *words, size_t n, unsigned most_ms,
                               int *status, struct err *err)
{
    (void)self, (void)words, (void)n, (void)most_ms, (void)status;
    return err_set(err, ERR_NOT_FOUND, "cannot run the program: no such file or directory");
}

static bool memory_is_network(void *self, str path)
{
    const struct os_memory *memory = self;
    (void)path;
    return memory->is_network;
}

struct os os_memory_world(struct os_memory *memory)
{
    return (struct os){
        .self = memory,
        .write = memory_write,
        .is_terminal = memory_is_terminal,
        .columns = memory_columns,
        .cores = memory_cores,
        .now_us = memory_now_us,
        .monotonic_us = memory_monotonic_us,
        .environment = memory_environment,
        .kind = memory_kind,
        .is_link = memory_is_link,
        .open = memory_open,
        .read = memory_read,
        .close = memory_close,
        .list = memory_list,
        .make_directory = memory_make_directory,
        .write_file = memory_write_file,
        .remove = memory_remove,
        .write_private = memory_write_private,
        .user = memory_user,
        .machine = memory_machine,
        .ask_secret = memory_ask_secret,
        .run_program = memory_run_program,
        .is_network = memory_is_network,
    };
}
