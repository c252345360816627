/* SPDX-License-Identifier: Apache-2.0 */
/* What is the same on every system: paths, whole files, sinks. */
#include "base/os.h"

bool os_read_all(struct os *os, str path, uint64_t max, struct arena *arena, bytes *out,
                 struct err *err)
{
    enum { STEP = 64 << 10 };
    struct os_file *file = os->open(os->self, path, arena, err);
    if (!file) return err_in(err, path);

    struct buf content = buf_in(arena);
    bool fine = true;
    for (size_t n = 1; n && fine;) {
        uint8_t piece[STEP];
        fine = os->read(os->self, file, piece, sizeof piece, &n, err);
        if (fine && content.len + n > max)
            fine = err_set(err, ERR_LIMIT, "the file is larger than %" PRIu64 " bytes", max);
        if (fine) buf_bytes(&content, (bytes){piece, n});
    }
    os->close(os->self, file);
    if (!fine) return err_in(err, path);
    *out = str_bytes(buf_text(&content));
    return true;
}

bool os_sink_out(void *os, bytes piece)
{
    struct os *world = os;
    return world->write(world->self, OS_OUT, piece);
}

bool os_sink_err(void *os, bytes piece)
{
    struct os *world = os;
    return world->write(world->self, OS_ERR, piece);
}

str os_join(struct arena *arena, str directory, str name)
{
    if (!directory.len || str_starts(name, S("/"))) return name;
    bool slash = str_ends(directory, S("/"));
    return str_format(arena, "%.*s%s%.*s", STR_ARG(directory), slash ? "" : "/", STR_ARG(name));
}

static size_t last_slash(str path)
{
    size_t at = path.len;
    while (at && path.ptr[at - 1] != '/')
        at--;
    return at;
}

str os_base_name(str path)
{
    return str_tail(path, last_slash(path));
}

str os_directory(str path)
{
    size_t at = last_slash(path);
    if (!at) return S(".");
    return str_head(path, at > 1 ? at - 1 : 1);
}
