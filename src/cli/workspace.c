/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/workspace.h"

#include "cli/members.h"

str workspace_database(struct invocation *call)
{
    return command_path(call, S("sallyport.db"));
}

bool workspace_open(struct invocation *call, struct workspace *out, struct err *err)
{
    struct store *store = NULL;
    if (!store_open(call->os, workspace_database(call), STORE_WAL, true, &store, err)) return false;
    *out = (struct workspace){.store = store};
    return true;
}

/* ---- Names to addresses -------------------------------------------------------------------------
 */

static const struct host_address *find_host(void *to, str name, int64_t as_of_us,
                                            struct arena *arena, size_t *n)
{
    const struct workspace *workspace = to;
    const struct host_holding *held = hosts_holdings(&workspace->hosts, name, as_of_us, arena, n);
    struct host_address *out = arena_array(arena, struct host_address, *n ? *n : 1);
    for (size_t i = 0; i < *n; i++)
        out[i] = (struct host_address){held[i].addr, held[i].seen_us, held[i].claimed_by_another};
    if (*n || !workspace->members.n_files) return out;
    return members_addresses(&workspace->members, name, arena, n);
}

static bool find_computers(void *to, str name, struct arena *arena, const str **names, size_t *n,
                           str *missing)
{
    const struct workspace *workspace = to;
    return members_computers(&workspace->members, name, arena, names, n, missing);
}

static str find_sid(void *to, str name, struct arena *arena)
{
    const struct workspace *workspace = to;
    return members_sid(&workspace->members, name, arena);
}

static str find_dn(void *to, str name, struct arena *arena)
{
    const struct workspace *workspace = to;
    return members_dn(&workspace->members, name, arena);
}

static const struct host_address *no_ad_group(void *to, str name, int64_t as_of_us,
                                              struct arena *arena, size_t *n)
{
    (void)to, (void)name, (void)as_of_us, (void)arena;
    *n = 0;
    return NULL;
}

static bool no_service_tag(void *to, str tag, str file, struct arena *arena, struct prefix_set *out)
{
    (void)to, (void)tag, (void)file, (void)arena, (void)out;
    return false;
}

static str find_name(void *to, struct addr a, int64_t as_of_us)
{
    const struct workspace *workspace = to;
    const struct host *host = hosts_at(&workspace->hosts, a, as_of_us);
    return host && !host->ambiguous ? host->name : (str){0};
}

const struct host_lookup *workspace_lookup(struct invocation *call, struct workspace *workspace)
{
    struct err err = {0};
    if (!workspace->has_hosts &&
        !store_load_hosts(workspace->store, call->arena, &workspace->hosts, &err))
        (void)command_fail(call, &err); /* no name resolves then, and every command says so */
    if (!workspace->has_hosts) {
        hosts_index_labels(call->arena, &workspace->hosts);
        /* What can't be read is said; its groups are unknown then. */
        if (!members_load(call, workspace->store, &workspace->members))
            workspace->members = (struct membership){0};
    }
    workspace->has_hosts = true;
    workspace->lookup = (struct host_lookup){
        .to = workspace,
        .host = find_host,
        .ad_group = no_ad_group,
        .service_tag = no_service_tag,
        .name = find_name,
        .ad_sid = find_sid,
        .ad_computers = find_computers,
        .ad_dn = find_dn,
    };
    return &workspace->lookup;
}

/* ---- The policy's words -------------------------------------------------------------------------
 */

void workspace_load_policy(struct invocation *call, struct workspace *workspace)
{
    str path = command_path(call, S("policy.yaml"));
    struct diagnostics found = {0};
    struct err err = {0};
    bytes text = {0};
    if (call->os->kind(call->os->self, path) != OS_FILE) return;
    bool fine = os_read_all(call->os, path, LIMIT_POLICY_BYTES, call->arena, &text, &err) &&
                policy_parse(path, str_of_bytes(text), call->arena, &workspace->policy, &found) &&
                resolve_policy(&workspace->policy, workspace_lookup(call, workspace),
                               call->as_of_us, true, call->arena, &workspace->resolved, &found);
    workspace->has_policy = fine;
    if (fine) return;
    table_tone(call->talk,
               S("policy.yaml has errors, so no segments are shown (see \"sallyport check\")\n"),
               TONE_WARN, call->talk_colour);
}

static str segment_of(void *to, struct endpoint end)
{
    const struct workspace *workspace = to;
    if (addr_is_none(end.addr)) return (str){0};
    size_t at = resolve_segment(&workspace->resolved, end.addr);
    return at == SIZE_MAX ? (str){0} : workspace->policy.segments[at].name;
}

static str service_of(void *to, enum transport transport, uint16_t port)
{
    const struct workspace *workspace = to;
    int at = service_by_port(workspace->policy.services, transport, port);
    return at == SERVICE_NONE ? (str){0} : workspace->policy.services.services[at].name;
}

static bool is_governed(void *to, enum transport transport, uint16_t port)
{
    const struct workspace *workspace = to;
    int at = service_by_port(workspace->policy.services, transport, port);
    return at != SERVICE_NONE && workspace->policy.governed[at];
}

struct view_labels workspace_labels(struct workspace *workspace)
{
    if (!workspace->has_policy) return view_labels_default;
    return (struct view_labels){
        .to = workspace,
        .segment = segment_of,
        .service = service_of,
        .governed = is_governed,
    };
}
