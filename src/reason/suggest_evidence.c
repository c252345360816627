/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/suggest_evidence.h"

#include "base/map.h"

#define TEXT(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const str witness_texts[] = {
#define X(name, text) TEXT(text),
    SUGGEST_WITNESSES(X)
#undef X
};

/* Pipes through which a host is run from afar, and what remote-execution tools leave there. Not
 * those that every client asks (srvsvc, wkssvc, samr, lsarpc, netlogon, spoolss). */
static const str administrative_pipes[] = {
    TEXT("svcctl"), TEXT("atsvc"),     TEXT("winreg"), TEXT("eventlog"), TEXT("psexesvc"),
    TEXT("remcom"), TEXT("winexesvc"), TEXT("paexec"), TEXT("ntsvcs"),   TEXT("initshutdown"),
};

/* What stands before the backslash without naming a domain. */
static const str no_domains[] = {
    TEXT("."),
    TEXT("workgroup"),
    TEXT("mshome"),
    TEXT("nt authority"),
    TEXT("builtin"),
    TEXT("nt service"),
    TEXT("microsoftaccount"),
    TEXT("window manager"),
    TEXT("localhost"),
    TEXT("font driver host"),
    TEXT("null"),
};

str suggest_evidence_witness_text(enum suggest_witness witness)
{
    return witness_texts[witness];
}

/* ---- Text from evidence -------------------------------------------------------------------------
 */

/* YAML ends lines at U+0085, U+2028 and U+2029, too; bidirectional marks would show other text than
 * is there. */
static bool is_obeyed(str one)
{
    uint8_t first = (uint8_t)one.ptr[0];
    if (one.len == 1) return first < 0x20 || first == 0x7f;
    if (one.len == 2) return first == 0xc2 && (uint8_t)one.ptr[1] < 0xa0;
    if (one.len != 3) return false;
    uint8_t second = (uint8_t)one.ptr[1], third = (uint8_t)one.ptr[2];
    if (first == 0xef) return second == 0xbb && third == 0xbf;
    if (first != 0xe2) return false;
    if (second == 0x80) return (third >= 0x8b && third <= 0x8f) || (third >= 0xa8 && third <= 0xae);
    return second == 0x81 && third >= 0xa0 && third <= 0xaf;
}

str suggest_evidence_plain(struct arena *arena, str text, size_t most)
{
    struct buf out = buf_in(arena);
    str valid = str_utf8(arena, text);
    size_t n = 0;
    for (size_t at = 0, bad = 0; at < valid.len; n++) {
        str one = str_tail(valid, at);
        one = str_head(one, str_utf8_next(one, &bad));
        if (n == most) {
            buf_str(&out, S("..."));
            break;
        }
        if (is_obeyed(one))
            buf_char(&out, '?');
        else
            buf_str(&out, one);
        at += one.len;
    }
    return buf_text(&out);
}

str suggest_evidence_label(const struct suggest_machine *machine, struct arena *arena)
{
    enum { WIDEST = 64 };
    char text[ADDR_TEXT];
    const struct host *host = machine->host;
    if (host->name.len) return suggest_evidence_plain(arena, host->name, WIDEST);
    if (!host->n_intervals) return S("?");
    return str_copy(arena, addr_text(text, host->intervals[0].addr));
}

/* ---- One flow -----------------------------------------------------------------------------------
 */

bool suggest_evidence_is_smb(const struct matrix_flow *flow)
{
    return flow->is_smb ||
           (flow->transport == TRANSPORT_TCP && (flow->port == 445 || flow->port == 139));
}

bool suggest_evidence_is_smb1(const struct matrix_flow *flow)
{
    return flow->dialects == 1u << DIALECT_NT_LM_012;
}

bool suggest_evidence_is_guest(const struct matrix_flow *flow)
{
    unsigned weak = 1u << AUTH_GUEST | 1u << AUTH_ANONYMOUS;
    /* A guest is one whose account was not known: the NTLM message that was refused stands beside
     * it. Kerberos never ends as guest. */
    if (flow->auths & 1u << AUTH_GUEST) return !(flow->auths & 1u << AUTH_KERBEROS);
    return flow->auths && !(flow->auths & ~weak) && !flow->users.n;
}

bool suggest_evidence_is_broadcast(const struct matrix_flow *flow)
{
    return flow->transport == TRANSPORT_UDP && (flow->port == 137 || flow->port == 138) &&
           addr_is_v4(flow->server.addr) && (addr_v4_value(flow->server.addr) & 255) == 255;
}

static str last_part(str path)
{
    str head, part = path;
    while (str_contains(part, S("\\")))
        (void)str_cut(part, '\\', &head, &part);
    return part;
}

static bool is_listed(struct names names, str name)
{
    for (size_t i = 0; i < names.n; i++)
        if (str_equal_nocase(names.items[i], name)) return true;
    return false;
}

enum suggest_administration suggest_evidence_administration(const struct matrix_flow *flow)
{
    bool plain = false, administrative = false;
    for (size_t i = 0; i < flow->shares.n; i++) {
        if (is_listed(flow->shares_refused, flow->shares.items[i])) continue;
        enum share_kind kind = roles_share_kind(last_part(flow->shares.items[i]));
        administrative |= kind == SHARE_KIND_ADMINISTRATIVE;
        plain |= kind != SHARE_KIND_ADMINISTRATIVE && kind != SHARE_KIND_IPC;
    }
    for (size_t i = 0; i < flow->pipes.n; i++)
        for (size_t j = 0; j < COUNT_OF(administrative_pipes); j++)
            administrative |= str_equal_nocase(flow->pipes.items[i], administrative_pipes[j]);
    if (!administrative) return ADMINISTRATION_NONE;
    return plain ? ADMINISTRATION_ALSO : ADMINISTRATION_ONLY;
}

/* ---- Machines -----------------------------------------------------------------------------------
 */

size_t suggest_evidence_machine(const struct suggest_machines *all, struct endpoint end,
                                int64_t at_us)
{
    if (addr_is_none(end.addr)) return SIZE_MAX;
    const struct host *host = hosts_at(all->sources->hosts, end.addr, at_us);
    return host ? (size_t)(host - all->sources->hosts->hosts) : SIZE_MAX;
}

struct gathering {
    struct suggest_machines *all;
    struct arena *arena;
    struct map
        host_names;   /* short names, lower case: an account before which one stands is local */
    struct map pairs; /* client and server machine: each counts once */
    struct map administered;
    struct suggest_address *addresses;
    size_t n, room;
};

static str pair_key(char key[16], size_t client, size_t server)
{
    uint64_t both[2] = {client, server};
    memcpy(key, both, sizeof both);
    return (str){key, sizeof both};
}

static str short_name(struct arena *arena, str name)
{
    str head, tail;
    (void)str_cut(name, '.', &head, &tail);
    return str_lower(arena, head);
}

static void learn_host_names(struct gathering *g)
{
    const struct host_list *list = g->all->sources->hosts;
    for (size_t i = 0; i < list->n; i++)
        for (size_t j = 0; j < list->hosts[i].names.n; j++)
            map_put(&g->host_names, g->arena, short_name(g->arena, list->hosts[i].names.items[j]),
                    i, NULL);
}

/* "CONTOSO\alice": an account of a domain, not of a machine. */
static bool is_domain_account(struct gathering *g, str user)
{
    str domain, name;
    if (!str_cut(user, '\\', &domain, &name)) return str_contains(user, S("@"));
    if (!domain.len || !name.len) return false;
    for (size_t i = 0; i < COUNT_OF(no_domains); i++)
        if (str_equal_nocase(domain, no_domains[i])) return false;
    return !map_find(&g->host_names, short_name(g->arena, domain));
}

static str domain_account(struct gathering *g, const struct matrix_flow *flow)
{
    for (size_t i = 0; i < flow->users.n; i++)
        if (is_domain_account(g, flow->users.items[i])) return flow->users.items[i];
    return (str){0};
}

static bool uses_logon_shares(const struct matrix_flow *flow)
{
    for (size_t i = 0; i < flow->shares.n; i++)
        if (roles_share_kind(last_part(flow->shares.items[i])) == SHARE_KIND_SYSVOL) return true;
    return false;
}

static void see_time(struct suggest_machine *machine, const struct matrix_flow *flow)
{
    if (flow->is_timeless) return;
    if (!machine->first_us || flow->first_us < machine->first_us)
        machine->first_us = flow->first_us;
    if (flow->last_us > machine->last_us) machine->last_us = flow->last_us;
}

static void weigh_domain(struct gathering *g, struct suggest_machine *client,
                         struct suggest_machine *server, const struct matrix_flow *flow)
{
    bool kerberos = flow->auths & 1u << AUTH_KERBEROS;
    str account = domain_account(g, flow);
    if (kerberos) {
        client->domain |= 1u << SUGGEST_WITNESS_KERBEROS;
        server->domain |= 1u << SUGGEST_WITNESS_KERBEROS;
    }
    if (server->is_controller && (kerberos || account.len || uses_logon_shares(flow)))
        client->domain |= 1u << SUGGEST_WITNESS_LOGON;
    if (!account.len || suggest_evidence_is_guest(flow)) return;
    client->domain |= 1u << SUGGEST_WITNESS_ACCOUNT;
    server->domain |= 1u << SUGGEST_WITNESS_ACCEPTED;
    if (!client->account.len) client->account = account;
}

static void see_address(struct gathering *g, struct suggest_address seen)
{
    arena_grow(g->arena, g->addresses, g->n, g->room);
    g->addresses[g->n++] = seen;
    g->all->items[seen.machine].seen = true;
}

static void count_flow(struct gathering *g, const struct matrix_flow *flow)
{
    struct suggest_machines *all = g->all;
    size_t c = suggest_evidence_machine(all, flow->client, flow->last_us);
    size_t s = suggest_evidence_machine(all, flow->server, flow->last_us);
    if (!view_flow_worked(flow)) return;
    if (c != SIZE_MAX) {
        see_address(g, (struct suggest_address){flow->client.addr, (uint32_t)c, .used = true});
        see_time(&all->items[c], flow);
    }
    if (s != SIZE_MAX && !suggest_evidence_is_broadcast(flow)) {
        see_address(g, (struct suggest_address){flow->server.addr, (uint32_t)s, .served = true});
        see_time(&all->items[s], flow);
    }
    if (c == SIZE_MAX || s == SIZE_MAX || c == s || !suggest_evidence_is_smb(flow)) return;
    struct suggest_machine *client = &all->items[c], *server = &all->items[s];
    char key[16];
    bool fresh = false;
    server->is_at_port |= flow->port == 445 || flow->port == 139;
    map_put(&g->pairs, g->arena, pair_key(key, c, s), 0, &fresh);
    if (fresh) {
        client->uses++;
        client->uses_members += !server->is_controller;
        server->serves++;
    }
    if (suggest_evidence_administration(flow)) {
        map_put(&g->administered, g->arena, pair_key(key, c, s), 0, &fresh);
        client->administers += fresh;
    }
    weigh_domain(g, client, server, flow);
}

static void see_logs(struct gathering *g)
{
    const struct matrix_view *matrix = g->all->sources->matrix;
    for (size_t i = 0; i < matrix->n_coverage; i++)
        for (size_t j = 0; j < matrix->coverage[i].n_locals; j++) {
            struct endpoint own = {.addr = matrix->coverage[i].locals[j]};
            size_t at = suggest_evidence_machine(g->all, own, matrix->coverage[i].to_us);
            if (at == SIZE_MAX) continue;
            see_address(g, (struct suggest_address){own.addr, (uint32_t)at, .logged = true});
            g->all->items[at].has_own_log = true;
            g->all->items[at].domain |= 1u << SUGGEST_WITNESS_LOG;
        }
}

static bool has_role(const struct host_view *view, enum host_role role)
{
    for (size_t i = 0; view && i < view->n_roles; i++)
        if (view->roles[i].role == role) return true;
    return false;
}

static bool holds(const struct host *host, struct addr addr)
{
    for (size_t i = 0; i < host->n_intervals; i++)
        if (addr_equal(host->intervals[i].addr, addr)) return true;
    return false;
}

static void find_controllers(struct suggest_machines *all)
{
    const struct suggest_sources *sources = all->sources;
    for (size_t i = 0; i < all->n; i++)
        all->items[i].is_controller = has_role(all->items[i].view, HOST_ROLE_DOMAIN_CONTROLLER);
    for (size_t i = 0; i < sources->n_named_controllers; i++)
        for (size_t j = 0; j < all->n; j++)
            all->items[j].is_controller |= holds(all->items[j].host, sources->named_controllers[i]);
    for (size_t i = 0; i < all->n; i++)
        if (all->items[i].is_controller) all->items[i].domain |= 1u << SUGGEST_WITNESS_CONTROLLER;
}

/* A Windows server of SMB 2 and later always says that signing is enabled ([MS-SMB2] 3.3.5.4, the
 * SecurityMode of its negotiate response): one that does not is something else. */
static void find_foreign(struct suggest_machine *machine)
{
    const struct posture *posture = &machine->view->posture;
    if (machine->is_controller || !machine->serves) return;
    if (has_role(machine->view, HOST_ROLE_NAS)) {
        machine->is_foreign = true;
        machine->foreign_because = S("it serves files and speaks nothing newer than SMB 1");
    } else if (posture->signing == SIGNING_DISABLED && posture->dialects &&
               !(posture->dialects & 1u << DIALECT_NT_LM_012)) {
        machine->is_foreign = true;
        machine->foreign_because =
            S("its SMB 2 server has signing switched off, which Windows never says of itself");
    }
}

static int address_order(const void *left, const void *right)
{
    const struct suggest_address *a = left, *b = right;
    int order = addr_compare(a->addr, b->addr);
    return order ? order : (a->machine > b->machine) - (a->machine < b->machine);
}

static void merge_addresses(struct gathering *g)
{
    size_t n = 0;
    if (g->n) qsort(g->addresses, g->n, sizeof *g->addresses, address_order);
    for (size_t i = 0; i < g->n; i++) {
        struct suggest_address *one = &g->addresses[i];
        if (!n || address_order(&g->addresses[n - 1], one)) {
            g->addresses[n++] = *one;
            continue;
        }
        g->addresses[n - 1].used |= one->used;
        g->addresses[n - 1].served |= one->served;
        g->addresses[n - 1].logged |= one->logged;
    }
    g->n = n;
}

static int visit_order(const void *left, const void *right)
{
    const struct suggest_visit *a = left, *b = right;
    if (a->client != b->client) return a->client < b->client ? -1 : 1;
    return (a->server > b->server) - (a->server < b->server);
}

/* Being administered makes nobody a server. */
static void count_plain_clients(struct gathering *g)
{
    struct suggest_visit *visits = arena_array(g->arena, struct suggest_visit, g->pairs.n + 1);
    for (size_t i = 0; i < g->pairs.n; i++) {
        uint64_t both[2];
        memcpy(both, g->pairs.entries[i].key.ptr, sizeof both);
        visits[i] = (struct suggest_visit){(uint32_t)both[0], (uint32_t)both[1]};
        struct suggest_machine *server = &g->all->items[both[1]];
        server->serves_plainly += !g->all->items[both[0]].is_management;
    }
    if (g->pairs.n) qsort(visits, g->pairs.n, sizeof *visits, visit_order);
    g->all->visits = visits;
    g->all->n_visits = g->pairs.n;
}

struct suggest_machines suggest_evidence_machines(const struct suggest_sources *sources,
                                                  struct arena *arena)
{
    size_t n = sources->hosts->n;
    struct suggest_machines all = {
        .items = arena_array(arena, struct suggest_machine, n + 1), .n = n, .sources = sources};
    struct gathering g = {.all = &all, .arena = arena};
    for (size_t i = 0; i < n; i++) {
        all.items[i].host = &sources->hosts->hosts[i];
        all.items[i].view = &sources->views->hosts[i];
    }
    learn_host_names(&g);
    find_controllers(&all);
    for (size_t i = 0; i < sources->matrix->n_flows; i++)
        count_flow(&g, &sources->matrix->flows[i]);
    see_logs(&g);
    for (size_t i = 0; i < n; i++) {
        struct suggest_machine *machine = &all.items[i];
        machine->is_scanner = has_role(machine->view, HOST_ROLE_SCANNER);
        machine->is_print_server = has_role(machine->view, HOST_ROLE_PRINT_SERVER);
        machine->is_file_server = has_role(machine->view, HOST_ROLE_FILE_SERVER);
        machine->is_management = machine->administers >= SUGGEST_ADMINISTERED &&
                                 !machine->is_scanner && !machine->is_controller;
        find_foreign(machine);
    }
    count_plain_clients(&g);
    merge_addresses(&g);
    all.addresses = g.addresses;
    all.n_addresses = g.n;
    return all;
}
