/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/members.h"

#include "store/imports.h"

static bool add(struct invocation *call, str source, str content, int64_t at_us,
                struct membership *members, struct err *err)
{
    return membership_add(members, source, content, at_us, call->arena, err) || err_in(err, source);
}

bool members_read(struct invocation *call, str path, int64_t at_us, struct membership *members,
                  str *content, struct err *err)
{
    bytes read = {0};
    if (!os_read_all(call->os, path, LIMIT_MEMBERSHIP_BYTES, call->arena, &read, err)) return false;
    *content = str_of_bytes(read);
    return add(call, path, *content, at_us, members, err);
}

bool members_load(struct invocation *call, struct store *store, struct membership *out)
{
    struct imports_file *files = NULL;
    struct err err = {0};
    size_t n = 0;
    bool fine = imports_load(store, MEMBERS_KIND, call->arena, &files, &n, &err);
    for (size_t i = 0; i < n && fine; i++)
        fine = add(call, files[i].source, files[i].content, files[i].imported_us, out, &err);
    if (!fine) (void)command_fail(call, &err);
    return fine;
}

bool members_open(struct invocation *call, struct membership *out)
{
    struct err err = {0};
    bool fine = true;
    str content;
    size_t n = 0;
    if (!option_exists(call, S("members"))) return true;
    str *paths = option_texts(call, S("members"), &n);
    for (size_t i = 0; i < n && fine; i++)
        fine = members_read(call, paths[i], call->as_of_us, out, &content, &err);
    if (!fine) (void)command_fail(call, &err);
    return fine;
}

const struct host_address *members_addresses(const struct membership *members, str name,
                                             struct arena *arena, size_t *n)
{
    const struct membership_member *computer = membership_computer(members, name, *arena);
    *n = computer ? computer->n_addrs : 0;
    struct host_address *out = arena_array(arena, struct host_address, *n + 1);
    for (size_t i = 0; i < *n; i++)
        out[i] = (struct host_address){.addr = computer->addrs[i], .seen_us = computer->at_us};
    return out;
}

bool members_computers(const struct membership *members, str group, struct arena *arena,
                       const str **names, size_t *n, str *missing)
{
    const struct membership_group *found = membership_group(members, group, *arena);
    if (!found) return false;
    const struct membership_member **computers =
        membership_computers(members, found, arena, n, missing);
    str *out = arena_array(arena, str, *n + 1);
    for (size_t i = 0; i < *n; i++)
        out[i] = computers[i]->dns.len    ? computers[i]->dns
                 : computers[i]->name.len ? computers[i]->name
                                          : computers[i]->sid;
    *names = out;
    return !missing->len;
}

str members_sid(const struct membership *members, str group, struct arena *arena)
{
    const struct membership_group *found = membership_group(members, group, *arena);
    return found ? found->sid : (str){0};
}

str members_dn(const struct membership *members, str computer, struct arena *arena)
{
    const struct membership_member *found = membership_computer(members, computer, *arena);
    return found ? found->dn : (str){0};
}
