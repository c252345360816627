/* SPDX-License-Identifier: Apache-2.0 */
/* Layers of bytes: the file, what its compression holds, an archive's member, what that member's
 * compression holds, and once more: an archive may hold archives. Each layer has one buffer, mapped
 * once per file and touched only as far as it is used.
 *
 * Files are read, not mapped: a log that is cut or rotated while it is read must not end the
 * program, and a window that stays in the cache is faster than pages that are mapped and let go (a
 * capture of 844 MB took 0.13 s of processor time, mapped 0.22 s; text logs took the same).
 */
#include "base/input.h"

#include "base/unpack.h"

enum {
    ROOM = LIMIT_RECORD_BYTES + LIMIT_WINDOW_BYTES,
    /* Unread bytes worth moving to the front of the buffer so that it stays in the cache. */
    MOVE_BYTES = 64 << 10,
    ARCHIVES = 2, /* one inside another */
    LAYERS = 2 + 2 * ARCHIVES,
    /* All layers together count every byte once each. */
    RATIO_OF_ALL = LIMIT_UNPACK_RATIO * LAYERS,
};

struct input {
    str source;
    struct unpack_source from;
    uint8_t *data; /* ROOM bytes */
    size_t start, end;
    size_t shown; /* of the unread bytes, those that the last window showed */
    uint64_t offset;
    bool ended, failed;
    struct err failure;
};

/* What is around a source: one compression per level, and so many archives. */
struct nesting {
    size_t layer, archives;
    bool packed;
};

/* One file while it is opened up. */
struct walk {
    struct os *os;
    input_visit *visit;
    input_problem *problem;
    void *to;
    uint8_t *buffers[LAYERS];
    uint64_t file_bytes, unpacked_bytes; /* of all layers */
    bool stopped, spent;
};

/* The way through folders. */
struct search {
    struct os *os;
    input_found *found;
    input_problem *problem;
    void *to;
    bool stopped;
};

/* Reads until goal bytes are unread or the source ends or fails. */
static void fill(struct input *input, size_t goal)
{
    size_t unread = input->end - input->start;
    if (input->start && (unread <= MOVE_BYTES || input->start + goal > ROOM)) {
        memmove(input->data, input->data + input->start, unread);
        input->start = 0;
        input->end = unread;
    }
    while (input->end - input->start < goal && !input->ended && !input->failed) {
        size_t n = 0, room = ROOM - input->end;
        if (room > LIMIT_WINDOW_BYTES) room = LIMIT_WINDOW_BYTES;
        if (!input->from.read(input->from.from, input->data + input->end, room, &n,
                              &input->failure)) {
            input->failed = true;
            err_in(&input->failure, input->source);
            return;
        }
        input->ended = n == 0;
        input->end += n;
    }
}

str input_source(const struct input *input)
{
    return input->source;
}

bool input_next(struct input *input, size_t want, struct window *out, struct err *err)
{
    /* A window always shows more than was left of the last one, unless nothing is left to read: so
     * no caller can turn in a circle. */
    size_t goal = want > input->shown ? want : input->shown + 1;
    size_t ahead = goal > LIMIT_RECORD_BYTES ? LIMIT_RECORD_BYTES : goal;
    fill(input, ahead > LIMIT_WINDOW_BYTES ? ahead : LIMIT_WINDOW_BYTES);

    size_t unread = input->end - input->start;
    if (input->failed && unread <= input->shown) {
        *err = input->failure;
        return false;
    }
    if (goal > LIMIT_RECORD_BYTES && !input->ended && !input->failed) {
        err_at(err, ERR_LIMIT, input->offset, "one item wants more than %d bytes",
               LIMIT_RECORD_BYTES);
        return err_in(err, input->source);
    }
    input->shown = unread;
    *out = (struct window){
        .data = {input->data + input->start, unread},
        .offset = input->offset,
        .last = input->ended,
    };
    return true;
}

void input_take(struct input *input, size_t n)
{
    assert(n <= input->shown && "only what the window showed can be taken");
    input->start += n;
    input->shown -= n;
    input->offset += n;
}

static void report(struct walk *walk, str source, struct err *err)
{
    err_in(err, source);
    walk->problem(walk->to, source, err);
}

static struct input open_layer(struct walk *walk, size_t layer, str source,
                               struct unpack_source from)
{
    assert(layer < LAYERS);
    if (!walk->buffers[layer]) walk->buffers[layer] = arena_map(ROOM);
    return (struct input){.source = source, .from = from, .data = walk->buffers[layer]};
}

/* One layer is the source of the next. */
static bool read_layer(void *self, uint8_t *into, size_t room, size_t *n, struct err *err)
{
    struct input *input = self;
    if (input->start == input->end) fill(input, 1);
    size_t unread = input->end - input->start;
    if (!unread && input->failed) {
        *err = input->failure;
        return false;
    }
    *n = unread < room ? unread : room;
    if (*n) memcpy(into, input->data + input->start, *n);
    input->start += *n;
    input->offset += *n;
    return true;
}

static void offer(struct walk *walk, struct input *input, struct nesting in, struct arena scratch);

/* A layer's bytes. Each layer has its own bound (base/unpack); nested ones would multiply it. */
struct unpacking {
    struct walk *walk;
    struct unpack *unpack;
};

static bool read_unpacked(void *self, uint8_t *into, size_t room, size_t *n, struct err *err)
{
    struct walk *walk = ((struct unpacking *)self)->walk;
    if (!unpack_read(((struct unpacking *)self)->unpack, into, room, n, err)) return false;
    walk->unpacked_bytes += *n;
    walk->spent = walk->unpacked_bytes > LAYERS * (uint64_t)LIMIT_UNPACK_FREE &&
                  walk->unpacked_bytes / RATIO_OF_ALL > walk->file_bytes;
    if (!walk->spent) return true;
    return err_set(err, ERR_LIMIT, "archives in archives unpack to more than %d times the file",
                   RATIO_OF_ALL);
}

static void unpack_all(struct walk *walk, struct input *outer, struct nesting in,
                       struct arena scratch)
{
    struct err err = {0};
    bytes head = {outer->data + outer->start, outer->end - outer->start};
    bool members = unpack_kind_of(head) == UNPACK_MEMBERS;
    struct unpack *unpack = unpack_open(head, (struct unpack_source){read_layer, outer}, &err);
    if (!unpack) {
        report(walk, outer->source, &err);
        return;
    }
    struct nesting inner = {
        .layer = in.layer + 1,
        .archives = in.archives + members,
        .packed = !members,
    };
    struct unpacking unpacking = {walk, unpack};
    while (!walk->stopped && !walk->spent) {
        struct arena one = scratch;
        str name;
        bool found = false;
        if (!unpack_next(unpack, &one, &name, &found, &err)) {
            report(walk, outer->source, &err);
            break;
        }
        if (!found) break;
        str source = outer->source;
        if (members) source = str_format(&one, "%.*s!/%.*s", STR_ARG(source), STR_ARG(name));
        struct input input = open_layer(walk, inner.layer, source,
                                        (struct unpack_source){read_unpacked, &unpacking});
        offer(walk, &input, inner, one);
    }
    unpack_close(unpack);
}

/* Looks at the first bytes: a plain source is visited, another one opened. */
static void offer(struct walk *walk, struct input *input, struct nesting in, struct arena scratch)
{
    struct err err = {0};
    fill(input, UNPACK_HEAD_BYTES);
    bytes head = {input->data + input->start, input->end - input->start};
    if (input->failed && !head.len) {
        report(walk, input->source, &input->failure);
        return;
    }
    enum unpack_kind kind = unpack_kind_of(head);
    if (kind == UNPACK_PLAIN) {
        walk->stopped = !walk->visit(walk->to, input);
        return;
    }
    if (kind == UNPACK_MEMBERS ? in.archives == ARCHIVES : in.packed) {
        err_set(&err, ERR_UNSUPPORTED, "%s is not opened",
                kind == UNPACK_MEMBERS ? "an archive inside an archive inside an archive"
                                       : "a compressed file inside a compressed file");
        report(walk, input->source, &err);
        return;
    }
    unpack_all(walk, input, in, scratch);
}

struct open_file {
    struct os *os;
    struct os_file *file;
    struct walk *walk;
};

static bool read_file(void *self, uint8_t *into, size_t room, size_t *n, struct err *err)
{
    struct open_file *open = self;
    if (!open->os->read(open->os->self, open->file, into, room, n, err)) return false;
    open->walk->file_bytes += *n;
    return true;
}

bool input_visit_file(struct os *os, str path, struct arena scratch, input_visit *visit,
                      input_problem *problem, void *to, struct err *err)
{
    struct walk walk = {.os = os, .visit = visit, .problem = problem, .to = to};
    struct open_file open = {os, os->open(os->self, path, &scratch, err), &walk};
    if (!open.file) return err_in(err, path);
    struct input input = open_layer(&walk, 0, path, (struct unpack_source){read_file, &open});
    offer(&walk, &input, (struct nesting){0}, scratch);
    os->close(os->self, open.file);
    for (size_t i = 0; i < LAYERS; i++)
        arena_unmap(walk.buffers[i], ROOM);
    return true;
}

static bool search_folder(struct search *search, str path, unsigned depth, struct arena scratch,
                          struct err *err);

static void search_entry(struct search *search, str path, unsigned depth, struct arena scratch)
{
    struct os *os = search->os;
    struct err err = {0};
    switch (os->kind(os->self, path)) {
    case OS_FILE:
        search->stopped = !search->found(search->to, path);
        return;
    case OS_DIRECTORY:
        /* A link could lead in a circle. */
        if (os->is_link(os->self, path)) return;
        if (search_folder(search, path, depth + 1, scratch, &err)) return;
        err_in(&err, path);
        search->problem(search->to, path, &err);
        return;
    case OS_MISSING: /* a link to nowhere, or removed since it was listed */
    case OS_OTHER:
        return;
    }
}

static bool search_folder(struct search *search, str path, unsigned depth, struct arena scratch,
                          struct err *err)
{
    str *names = NULL;
    size_t n = 0;
    if (depth > LIMIT_FOLDER_DEPTH)
        return err_set(err, ERR_LIMIT, "folders are nested deeper than %d", LIMIT_FOLDER_DEPTH);
    if (!search->os->list(search->os->self, path, &scratch, &names, &n, err)) return false;
    for (size_t i = 0; i < n && !search->stopped; i++) {
        struct arena one = scratch;
        /* A workspace may lie in the folder of its evidence. */
        if (str_starts(names[i], S("sallyport.db"))) continue;
        search_entry(search, os_join(&one, path, names[i]), depth, one);
    }
    return true;
}

bool input_find(struct os *os, str path, struct arena scratch, input_found *found,
                input_problem *problem, void *to, struct err *err)
{
    struct search search = {.os = os, .found = found, .problem = problem, .to = to};
    if (!str_equal(path, S("-")) && os->kind(os->self, path) == OS_DIRECTORY)
        return search_folder(&search, path, 0, scratch, err) || err_in(err, path);
    (void)found(to, path); /* whoever opens it says what is wrong with it */
    return true;
}

/* input_walk: every file is visited when it is found. */
struct both {
    struct os *os;
    struct arena scratch;
    input_visit *visit;
    input_problem *problem;
    void *to;
    bool stopped, failed;
    struct err err; /* of the last file that could not be opened */
};

static bool visit_for(void *to, struct input *input)
{
    struct both *both = to;
    both->stopped = !both->visit(both->to, input);
    return !both->stopped;
}

static void problem_for(void *to, str source, const struct err *err)
{
    struct both *both = to;
    both->problem(both->to, source, err);
}

static bool found_for(void *to, str path)
{
    struct both *both = to;
    both->err = (struct err){0};
    both->failed =
        !input_visit_file(both->os, path, both->scratch, visit_for, problem_for, both, &both->err);
    return !both->stopped;
}

/* In a folder, a file that can't be opened is one problem among others. */
static bool found_in_folder(void *to, str path)
{
    struct both *both = to;
    bool goes_on = found_for(to, path);
    if (both->failed) both->problem(both->to, path, &both->err);
    both->failed = false;
    return goes_on;
}

bool input_walk(struct os *os, str path, struct arena scratch, input_visit *visit,
                input_problem *problem, void *to, struct err *err)
{
    /* Not from the search's: its names lie there while files are visited. */
    struct arena files = arena_open("a file's layers", 0, NULL);
    struct both both = {.os = os, .scratch = files, .visit = visit, .problem = problem, .to = to};
    bool is_folder = !str_equal(path, S("-")) && os->kind(os->self, path) == OS_DIRECTORY;
    bool fine = input_find(os, path, scratch, is_folder ? found_in_folder : found_for, problem_for,
                           &both, err);
    if (both.failed) *err = both.err;
    arena_close(&files);
    return fine && !both.failed;
}
