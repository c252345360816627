/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/audit_machines.h"

#include "cli/policy_file.h"
#include "cli/workspace.h"
#include "matrix/roles.h"
#include "reason/replay.h"
#include "rules/hardened.h"
#include "targets/registry_pol.h"

struct loading {
    struct invocation *call;
    struct audit_machines *out;
    size_t room;
    struct policy_file *file;
    struct workspace workspace;
    const struct hardened_ends *ends; /* NULL without a policy */
    enum harden_kind kind;
    struct host_list hosts;
    struct hosts_view view;
    struct compare_seen *seen; /* per host */
    bool *is_there; /* per host: it did something; what was only tried may be no machine */
    const struct collected **collected;
    const struct collected **of_host; /* per host; NULL = none */
    bool *taken;                      /* per collected: it is of a host */
    size_t n_collected;
};

/* ---- Files --------------------------------------------------------------------------------------
 */

static str multi_text(const struct registry_value *value, struct arena *arena)
{
    struct buf out = buf_in(arena);
    str all = str_from_utf16le(arena, value->data), line;
    while (str_cut(all, '\0', &line, &all)) {
        if (!line.len) continue;
        if (out.len) buf_char(&out, '\n');
        buf_str(&out, line);
    }
    return buf_text(&out);
}

/* What a policy object sets, as a machine that has it and nothing else. */
static bool read_pol(struct loading *l, str path, bytes content, struct collected *out,
                     struct err *err)
{
    struct arena *arena = l->call->arena;
    struct registry_pol pol = {0};
    if (!registry_pol_read(path, content, arena, &pol, err)) return false;
    struct registry_values values = registry_value_applied(pol.values, arena);
    struct collected_setting *settings = arena_array(arena, struct collected_setting, values.n + 1);
    *out = (struct collected){.source = path, .computer = path, .settings = settings};
    for (size_t i = 0; i < values.n; i++) {
        const struct registry_value *v = &values.items[i];
        struct collected_setting s = {.part = COLLECTED_REGISTRY, .of = v->key, .name = v->name};
        uint32_t number = 0;
        if (registry_value_dword(v, &number))
            s.text = str_format(arena, "%" PRIu32, number);
        else if (v->type == REGISTRY_MULTI_SZ)
            s.text = multi_text(v, arena);
        else if (!registry_value_text(v, arena, &s.text))
            continue;
        settings[out->n_settings++] = s;
    }
    return true;
}

static bool read_files(struct loading *l, struct err *err)
{
    enum { MOST_BYTES = 64 << 20 };
    struct arena *arena = l->call->arena;
    size_t n = 0;
    str *paths = option_texts(l->call, S("collected"), &n);
    l->collected = arena_array(arena, const struct collected *, n + 1);
    l->taken = arena_array(arena, bool, n + 1);
    for (size_t i = 0; i < n; i++) {
        bytes content = {0};
        struct collected *one = arena_new(arena, struct collected);
        if (!os_read_all(l->call->os, paths[i], MOST_BYTES, arena, &content, err)) return false;
        bool good = registry_pol_recognise(content)
                        ? read_pol(l, paths[i], content, one, err)
                        : collected_read(paths[i], content, arena, one, err);
        if (!good) return false;
        l->collected[l->n_collected++] = one;
    }
    return true;
}

/* ---- The workspace ------------------------------------------------------------------------------
 */

static bool load_hosts(struct loading *l, struct matrix_view *matrix, struct err *err)
{
    struct arena *arena = l->call->arena;
    struct store *store = l->workspace.store;
    struct listening_view *listenings = NULL;
    size_t n_listenings = 0;
    if (!store_load_matrix(store, arena, matrix, err) ||
        !store_load_hosts(store, arena, &l->hosts, err) ||
        !store_load_listenings(store, arena, &listenings, &n_listenings, err))
        return false;
    l->view = roles_of(arena, &l->hosts, matrix, NULL, 0);
    l->view = roles_add_told(arena, l->view, &l->hosts, listenings, n_listenings, NULL, 0);
    return true;
}

static enum signing weaker(enum signing a, enum signing b)
{
    if (a == SIGNING_UNKNOWN || b == SIGNING_UNKNOWN) return a ? a : b;
    return a < b ? a : b;
}

static void note_there(struct loading *l, struct addr addr, int64_t at_us)
{
    const struct host *host = addr_is_none(addr) ? NULL : hosts_at(&l->hosts, addr, at_us);
    if (host) l->is_there[host - l->hosts.hosts] = true;
}

static void see_flows(struct loading *l, const struct matrix_view *matrix)
{
    for (size_t i = 0; i < matrix->n_flows; i++) {
        const struct matrix_flow *f = &matrix->flows[i];
        note_there(l, f->client.addr, f->last_us);
        if (replay_server_answered(f)) note_there(l, f->server.addr, f->last_us);
        if (addr_is_none(f->client.addr)) continue;
        const struct host *host = hosts_at(&l->hosts, f->client.addr, f->last_us);
        if (!host || host->ambiguous) continue;
        struct compare_seen *seen = &l->seen[host - l->hosts.hosts];
        seen->client_dialects |= f->dialects;
        seen->client_signing = weaker(seen->client_signing, f->client_signing);
        seen->client_guest |= f->auths >> AUTH_GUEST & 1;
        seen->client_ntlmv1 |= f->auths >> AUTH_NTLMV1 & 1;
    }
}

static void see_postures(struct loading *l)
{
    for (size_t i = 0; i < l->hosts.n; i++) {
        const struct posture *p = &l->view.hosts[i].posture;
        struct compare_seen *seen = &l->seen[i];
        seen->server_dialects = p->dialects;
        seen->server_signing = p->signing;
        seen->offered_dialects = p->offered_dialects;
        seen->offered_signing = p->offered_signing;
        seen->server_ntlmv1 = p->ntlmv1;
        seen->last_us = l->view.hosts[i].last_us;
    }
}

/* The host that a file is of: by what it calls itself, else by its addresses. */
static const struct host *host_of(struct loading *l, const struct hosts_index *index,
                                  const struct collected *c)
{
    const struct host *host = c->fqdn.len ? hosts_named(index, c->fqdn) : NULL;
    if (!host) host = hosts_named(index, c->computer);
    for (size_t i = 0; i < c->n_addrs && !host; i++) {
        host = hosts_at(&l->hosts, c->addrs[i], c->at_us ? c->at_us : l->call->now_us);
        if (host && host->ambiguous) host = NULL;
    }
    return host;
}

static bool load_workspace(struct loading *l, struct err *err)
{
    struct matrix_view matrix = {0};
    struct arena *arena = l->call->arena;
    if (!load_hosts(l, &matrix, err)) return false;
    l->seen = arena_array(arena, struct compare_seen, l->hosts.n + 1);
    l->is_there = arena_array(arena, bool, l->hosts.n + 1);
    l->of_host = arena_array(arena, const struct collected *, l->hosts.n + 1);
    see_postures(l);
    see_flows(l, &matrix);
    const struct hosts_index *index = hosts_by_name(arena, &l->hosts);
    for (size_t i = 0; i < l->n_collected; i++) {
        const struct host *host = host_of(l, index, l->collected[i]);
        if (!host) continue;
        l->of_host[host - l->hosts.hosts] = l->collected[i];
        l->taken[i] = true;
    }
    return true;
}

/* ---- The policy ---------------------------------------------------------------------------------
 */

static bool load_policy(struct loading *l, int *status)
{
    struct invocation *call = l->call;
    bool given = option_given(call, S("policy"));
    const struct host_lookup *names = NULL;
    if (!given && call->os->kind(call->os->self, command_path(call, S("policy.yaml"))) != OS_FILE)
        return true;
    if (!policy_file_load(call, l->file, status)) return false;
    if (l->workspace.store) names = workspace_lookup(call, &l->workspace);
    if (!policy_file_resolve(call, l->file, names, true, status)) return false;
    const struct decision *decision =
        decision_build(&l->file->resolved, NULL, call->arena, call->scratch);
    l->ends = hardened_ends_of(decision, call->arena, call->scratch);
    l->out->has_policy = true;
    l->out->policy = l->file->policy;
    l->out->policy_source = l->file->policy.source;
    return true;
}

struct placed {
    bool enforces;
    struct hardened is;
};

static void place(const struct loading *l, struct addr a, struct placed *out)
{
    if (addr_is_none(a) || !prefix_set_contains(l->file->resolved.enforcing, a)) return;
    struct hardened one = hardened_at(l->ends, a);
    out->is = out->enforces ? hardened_both(out->is, one) : one;
    out->enforces = true;
}

static struct placed placed_of(const struct loading *l, const struct host *host,
                               const struct collected *c)
{
    struct placed out = {0};
    for (size_t i = 0; host && l->ends && i < host->n_intervals; i++)
        if (!host->intervals[i].ambiguous) place(l, host->intervals[i].addr, &out);
    for (size_t i = 0; c && l->ends && i < c->n_addrs; i++)
        place(l, c->addrs[i], &out);
    if (out.enforces) return out;
    out.is.kind =
        c && c->has_build && !c->is_server ? HARDEN_KIND_WORKSTATION : HARDEN_KIND_MEMBER_SERVER;
    if (l->kind != HARDEN_KIND_COUNT) out.is.kind = l->kind;
    return out;
}

/* ---- Machines -----------------------------------------------------------------------------------
 */

static bool shows_something(const struct compare_seen *seen)
{
    return seen->server_dialects || seen->client_dialects || seen->offered_dialects ||
           seen->server_signing || seen->client_signing || seen->offered_signing ||
           seen->client_guest || seen->client_ntlmv1 || seen->server_ntlmv1;
}

static void add(struct loading *l, struct compare_machine machine)
{
    arena_grow(l->call->arena, l->out->items, l->out->n, l->room);
    l->out->items[l->out->n++] = machine;
}

static void add_host(struct loading *l, size_t at)
{
    const struct host *host = &l->hosts.hosts[at];
    const struct collected *c = l->of_host[at];
    if (host->ambiguous || (!host->name.len && !host->n_intervals)) return;
    struct placed placed = placed_of(l, host, c);
    if (l->ends && !placed.enforces && !c) return;
    if (!c && !shows_something(&l->seen[at])) {
        l->out->n_silent += placed.enforces && (host->name.len || l->is_there[at]);
        return;
    }
    char text[ADDR_TEXT];
    str name = host->name;
    if (!name.len) name = str_copy(l->call->arena, addr_text(text, host->intervals[0].addr));
    add(l, (struct compare_machine){name, placed.is, c, l->seen[at]});
}

static int machine_order(const void *left, const void *right)
{
    const struct compare_machine *a = left, *b = right;
    return str_compare(a->name, b->name);
}

bool audit_machines_load(struct invocation *call, enum harden_kind kind, struct audit_machines *out,
                         int *status)
{
    struct err err = {0};
    struct loading l = {.call = call, .out = out, .kind = kind};
    l.file = arena_new(call->arena, struct policy_file);
    *status = EXIT_FAILED;
    *out = (struct audit_machines){0};
    bool has_store = call->os->kind(call->os->self, workspace_database(call)) == OS_FILE;
    bool good = read_files(&l, &err) && (!has_store || workspace_open(call, &l.workspace, &err));
    if (good && !has_store && !l.n_collected)
        good = workspace_open(call, &l.workspace, &err); /* says that there is none */
    if (good && l.workspace.store) good = load_workspace(&l, &err);
    if (!good) (void)command_fail(call, &err);
    good = good && load_policy(&l, status);
    if (l.workspace.store) store_close(l.workspace.store);
    if (!good) return false;
    for (size_t i = 0; i < l.hosts.n; i++)
        add_host(&l, i);
    for (size_t i = 0; i < l.n_collected; i++) {
        const struct collected *c = l.collected[i];
        if (l.taken[i]) continue;
        add(&l, (struct compare_machine){.name = c->fqdn.len ? c->fqdn : c->computer,
                                         .is = placed_of(&l, NULL, c).is,
                                         .collected = c});
    }
    if (out->n) qsort(out->items, out->n, sizeof *out->items, machine_order);
    *status = EXIT_FINE;
    return true;
}
