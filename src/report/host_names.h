/* SPDX-License-Identifier: Apache-2.0 */
/* How the report calls a machine: by one short name wherever it stands, also beside flows that
 * carried no name; by its address when nobody named it.
 */
#pragma once

#include "base/map.h"
#include "matrix/roles.h"

struct host_names {
    struct map *by_end; /* text of an end → its name, as a pointer to str */
};

struct host_names host_names_of(struct arena *arena, const struct hosts_view *hosts);
/* "WS0417", else "10.10.4.17" */
str host_names_short(const struct host_names *names, struct arena *arena, struct endpoint end);
/* "WS0417 10.10.4.17", else "10.10.4.17" */
str host_names_long(const struct host_names *names, struct arena *arena, struct endpoint end);
