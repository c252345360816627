/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of shares and names of pipes, as tools that decode SMB print them. */
#pragma once

#include "base/str.h"

str share_path_host(str path); /* FS01 of \\FS01\projects; empty = it has none */
bool share_path_is_ipc(str path);
/* "\pipe\svcctl", "\svcctl" and "svcctl" are one pipe: svcctl. */
str share_path_pipe(str name);
