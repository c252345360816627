/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/share_path.h"

str share_path_host(str path)
{
    str host, share;
    if (!str_starts(path, S("\\\\"))) return (str){0};
    return str_cut(str_tail(path, 2), '\\', &host, &share) ? host : (str){0};
}

bool share_path_is_ipc(str path)
{
    str name = S("\\IPC$");
    return path.len >= name.len && str_equal_nocase(str_tail(path, path.len - name.len), name);
}

static str without_backslashes(str name)
{
    while (str_starts(name, S("\\")))
        name = str_tail(name, 1);
    return name;
}

str share_path_pipe(str name)
{
    str folder = S("pipe\\");
    name = without_backslashes(name);
    if (str_equal_nocase(str_head(name, folder.len), folder)) name = str_tail(name, folder.len);
    return without_backslashes(name);
}
