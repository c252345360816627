/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/roles.h"

#include "base/map.h"

#define TEXT(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const str role_texts[] = {
#define X(name, text) TEXT(text),
    HOST_ROLES(X)
#undef X
};

static const str kind_texts[] = {
#define X(name, text) TEXT(text),
    SHARE_KINDS(X)
#undef X
};

/* Shares and pipes that tell what a server is. */
static const struct {
    str name;
    enum share_kind kind;
} known_shares[] = {
    {TEXT("ipc$"),     SHARE_KIND_IPC           },
    {TEXT("admin$"),   SHARE_KIND_ADMINISTRATIVE},
    {TEXT("fax$"),     SHARE_KIND_ADMINISTRATIVE},
    {TEXT("sysvol"),   SHARE_KIND_SYSVOL        },
    {TEXT("netlogon"), SHARE_KIND_SYSVOL        },
    {TEXT("print$"),   SHARE_KIND_PRINT         },
    {TEXT("printers"), SHARE_KIND_PRINT         },
};

static const struct {
    str pipe;
    enum host_role role;
} telling_pipes[] = {
    {TEXT("netlogon"), HOST_ROLE_DOMAIN_CONTROLLER},
    {TEXT("drsuapi"),  HOST_ROLE_DOMAIN_CONTROLLER},
    {TEXT("spoolss"),  HOST_ROLE_PRINT_SERVER     },
};

enum {
    /* A scanner tries at least this many servers, and half of them never answer. */
    SCANNER_SERVERS = 10,
    REASON_NAMES = 4, /* names that a reason lists */
};

str roles_text(enum host_role role)
{
    return role_texts[role];
}

str roles_share_kind_text(enum share_kind kind)
{
    return kind_texts[kind];
}

enum share_kind roles_share_kind(str share)
{
    bool is_drive = share.len == 2 && share.ptr[1] == '$' &&
                    ((share.ptr[0] | 0x20) >= 'a' && (share.ptr[0] | 0x20) <= 'z');
    for (size_t i = 0; i < COUNT_OF(known_shares); i++)
        if (str_equal_nocase(known_shares[i].name, share)) return known_shares[i].kind;
    return is_drive ? SHARE_KIND_ADMINISTRATIVE : SHARE_KIND_USER;
}

/* "projects" of "\\FS01\projects" */
static str last_part(str path)
{
    str head, part = path;
    while (str_contains(part, S("\\")))
        (void)str_cut(part, '\\', &head, &part);
    return part;
}

/* ---- Sets of names ------------------------------------------------------------------------------
 */

struct name_set {
    str *items;
    size_t n, room;
};

static void set_add(struct name_set *set, struct arena *arena, str name)
{
    if (!name.len) return;
    arena_grow(arena, set->items, set->n, set->room);
    set->items[set->n++] = name;
}

static int name_order(const void *left, const void *right)
{
    const str *a = left, *b = right;
    int folded = str_compare_nocase(*a, *b);
    return folded ? folded : str_compare(*a, *b);
}

/* Sorted without regard to case, each name once, in the bytewise smallest spelling. */
static struct names set_names(struct name_set *set)
{
    size_t kept = 0;
    if (set->n) qsort(set->items, set->n, sizeof *set->items, name_order);
    for (size_t i = 0; i < set->n; i++)
        if (!kept || !str_equal_nocase(set->items[kept - 1], set->items[i]))
            set->items[kept++] = set->items[i];
    set->n = kept;
    return (struct names){set->items, kept};
}

static str listing(struct arena *arena, struct names names)
{
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < names.n && i < REASON_NAMES; i++) {
        if (i) buf_str(&out, S(", "));
        buf_str(&out, names.items[i]);
    }
    if (names.n > REASON_NAMES) buf_format(&out, " and %zu more", names.n - REASON_NAMES);
    return buf_text(&out);
}

/* ---- Shares -------------------------------------------------------------------------------------
 */

static int use_order(const void *left, const void *right)
{
    const struct share_use *a = left, *b = right;
    int by_server = view_compare_ends(a->server, b->server);
    if (by_server) return by_server;
    int by_share = str_compare_nocase(last_part(a->share), last_part(b->share));
    if (by_share) return by_share;
    int by_client = view_compare_ends(a->client, b->client);
    if (by_client) return by_client;
    int by_path = str_compare(a->share, b->share);
    if (by_path) return by_path;
    int by_pipe = str_compare(a->pipe, b->pipe);
    return by_pipe ? by_pipe : str_compare(a->user, b->user);
}

static bool same_share(const struct share_use *a, const struct share_use *b)
{
    return view_compare_ends(a->server, b->server) == 0 &&
           str_equal_nocase(last_part(a->share), last_part(b->share));
}

static struct share_view share_of(struct arena *arena, const struct share_use *uses, size_t n,
                                  const struct host_list *hosts)
{
    struct share_view view = {
        .server = uses[0].server,
        .share = last_part(uses[0].share),
        .first_us = uses[0].first_us,
        .last_us = uses[0].last_us,
    };
    struct name_set users = {0}, clients = {0}, paths = {0};
    uint64_t plain = 0, piped = 0;
    bool is_printer = false;
    for (size_t i = 0; i < n; i++) {
        const struct share_use *use = &uses[i];
        bool new_client = !i || view_compare_ends(use->client, uses[i - 1].client) != 0;
        if (new_client) set_add(&clients, arena, view_end_text(arena, use->client));
        is_printer |= use->is_printer;
        set_add(&users, arena, use->user);
        set_add(&paths, arena, use->share);
        if (use->first_us < view.first_us) view.first_us = use->first_us;
        if (use->last_us > view.last_us) view.last_us = use->last_us;
        if (str_compare(last_part(use->share), view.share) < 0) view.share = last_part(use->share);
        if (use->refused)
            view.refused += use->count;
        else if (use->pipe.len)
            piped += use->count;
        else
            plain += use->count;
    }
    /* A pipe lies in IPC$, whose own use is told too: both would count one thing twice. */
    view.used = plain ? plain : piped;
    view.users = set_names(&users);
    view.paths = set_names(&paths);
    view.clients = (struct names){clients.items, clients.n};
    view.kind = roles_share_kind(view.share);
    if (is_printer) view.kind = SHARE_KIND_PRINT;
    const struct host *host =
        addr_is_none(view.server.addr) ? NULL : hosts_at(hosts, view.server.addr, view.last_us);
    view.server_name = host ? host->name : view.server.name;
    return view;
}

const struct share_view *roles_shares(struct arena *arena, const struct share_use *uses, size_t n,
                                      const struct host_list *hosts, size_t *n_shares)
{
    struct share_use *sorted = arena_array(arena, struct share_use, n ? n : 1);
    struct share_view *views = NULL;
    size_t n_sorted = 0, room = 0;
    *n_shares = 0;
    for (size_t i = 0; i < n; i++)
        if (uses[i].share.len) sorted[n_sorted++] = uses[i];
    if (n_sorted) qsort(sorted, n_sorted, sizeof *sorted, use_order);
    for (size_t i = 0, count; i < n_sorted; i += count) {
        for (count = 1; i + count < n_sorted && same_share(&sorted[i], &sorted[i + count]);)
            count++;
        arena_grow(arena, views, *n_shares, room);
        views[(*n_shares)++] = share_of(arena, sorted + i, count, hosts);
    }
    return views;
}

/* ---- Roles --------------------------------------------------------------------------------------
 */

/* What the matrix tells of one host. */
struct tally {
    bool seen;                /* at times that are known */
    uint64_t served, clients; /* connections it accepted, from so many clients */
    uint64_t passed;          /* let through to it by a firewall; nothing more is known */
    bool has_own_log;         /* that firewall was its own */
    uint64_t used;            /* servers that worked for it */
    uint64_t tried, failed;   /* servers it tried, and those that never worked */
    struct endpoint last_client, last_server;
    bool last_worked;
    struct name_set shares, pipes;
    struct name_set of_kind[SHARE_KIND_PRINT + 1]; /* the shares again, by kind */
    struct host_view view;
};

static bool is_smb(const struct matrix_flow *flow)
{
    return flow->is_smb ||
           (flow->transport == TRANSPORT_TCP && (flow->port == 445 || flow->port == 139));
}

static struct tally *tally_at(struct tally *tallies, const struct host_list *hosts,
                              struct endpoint end, int64_t at_us)
{
    if (addr_is_none(end.addr)) return NULL;
    const struct host *host = hosts_at(hosts, end.addr, at_us);
    return host ? &tallies[host - hosts->hosts] : NULL;
}

static void see(struct tally *tally, const struct matrix_flow *flow)
{
    struct host_view *view = &tally->view;
    if (flow->is_timeless) return;
    if (!tally->seen || flow->first_us < view->first_us) view->first_us = flow->first_us;
    if (!tally->seen || flow->last_us > view->last_us) view->last_us = flow->last_us;
    tally->seen = true;
}

/* Flows come sorted by client, then server: a server's ports stand together. */
static void count_client(struct tally *tally, const struct matrix_flow *flow)
{
    bool worked = view_flow_worked(flow);
    bool same = tally->tried && view_compare_ends(tally->last_server, flow->server) == 0 &&
                view_compare_ends(tally->last_client, flow->client) == 0;
    see(tally, flow);
    tally->view.connections_out += flow->connections;
    if (!is_smb(flow)) return;
    if (!same) {
        tally->tried++;
        tally->failed++;
        tally->last_worked = false;
        tally->last_server = flow->server;
        tally->last_client = flow->client;
    }
    if (worked && !tally->last_worked) {
        tally->failed--;
        tally->used++;
        tally->last_worked = true;
    }
}

static void weigh_posture(struct posture *posture, const struct matrix_flow *flow)
{
    posture->dialects |= flow->dialects;
    posture->smb1 = posture->smb1 || (flow->dialects & 1u << DIALECT_NT_LM_012);
    if (flow->server_signing && (!posture->signing || flow->server_signing < posture->signing))
        posture->signing = flow->server_signing;
    if (flow->encrypted && posture->encrypted != KNOWN_NO) posture->encrypted = flow->encrypted;
    posture->guest = posture->guest || (flow->auths & 1u << AUTH_GUEST);
    posture->anonymous = posture->anonymous || (flow->auths & 1u << AUTH_ANONYMOUS);
    posture->ntlmv1 = posture->ntlmv1 || (flow->auths & 1u << AUTH_NTLMV1);
}

static void count_server(struct tally *tally, struct arena *arena, const struct matrix_flow *flow)
{
    uint64_t accepted = flow->outcomes[OUTCOME_ESTABLISHED] + flow->outcomes[OUTCOME_ACCESSED];
    see(tally, flow);
    tally->view.connections_in += flow->connections;
    if (!is_smb(flow)) return;
    if (accepted) tally->clients++;
    tally->served += accepted;
    bool in_vain = flow->outcomes[OUTCOME_REFUSED] || flow->outcomes[OUTCOME_NO_ANSWER] ||
                   flow->outcomes[OUTCOME_PROHIBITED];
    if (!in_vain) tally->passed += flow->outcomes[OUTCOME_ALLOWED];
    weigh_posture(&tally->view.posture, flow);
    for (size_t i = 0; i < flow->pipes.n; i++)
        set_add(&tally->pipes, arena, flow->pipes.items[i]);
}

static void add_role(struct tally *tally, struct arena *arena, enum host_role role, str reason)
{
    struct host_view *view = &tally->view;
    struct role_view *roles = arena_array(arena, struct role_view, view->n_roles + 1);
    if (view->n_roles) memcpy(roles, view->roles, view->n_roles * sizeof *roles);
    roles[view->n_roles] = (struct role_view){role, reason};
    view->roles = roles;
    view->n_roles++;
}

/* Shares of one kind that the host granted, as "serves SYSVOL, NETLOGON"; empty = none. */
static str serves(struct arena *arena, struct tally *t, enum share_kind kind)
{
    struct name_set *of_kind = &t->of_kind[kind];
    if (!of_kind->n) return (str){0};
    return str_format(arena, "serves %.*s", STR_ARG(listing(arena, set_names(of_kind))));
}

static str serves_pipe(struct arena *arena, struct names pipes, enum host_role role)
{
    for (size_t i = 0; i < COUNT_OF(telling_pipes); i++)
        for (size_t j = 0; telling_pipes[i].role == role && j < pipes.n; j++)
            if (str_equal_nocase(pipes.items[j], telling_pipes[i].pipe))
                return str_format(arena, "its pipe %.*s was used", STR_ARG(telling_pipes[i].pipe));
    return (str){0};
}

/* "1 client", "7 clients" */
static str counted(struct arena *arena, uint64_t n, const char *what)
{
    return str_format(arena, "%" PRIu64 " %s%s", n, what, n == 1 ? "" : "s");
}

static void infer_server(struct tally *t, struct arena *arena)
{
    struct names pipes = set_names(&t->pipes);
    if (t->served)
        add_role(t, arena, HOST_ROLE_SERVER,
                 str_format(arena, "accepted %.*s from %.*s",
                            STR_ARG(counted(arena, t->served, "connection")),
                            STR_ARG(counted(arena, t->clients, "client"))));
    else if (t->passed &&
             t->has_own_log) /* another host's word that it let one out proves no server */
        add_role(t, arena, HOST_ROLE_SERVER,
                 str_format(arena, "its own firewall let %.*s in",
                            STR_ARG(counted(arena, t->passed, "connection"))));

    str domain = serves(arena, t, SHARE_KIND_SYSVOL);
    if (!domain.len) domain = serves_pipe(arena, pipes, HOST_ROLE_DOMAIN_CONTROLLER);
    if (domain.len) add_role(t, arena, HOST_ROLE_DOMAIN_CONTROLLER, domain);

    str print = serves(arena, t, SHARE_KIND_PRINT);
    if (!print.len) print = serves_pipe(arena, pipes, HOST_ROLE_PRINT_SERVER);
    if (print.len) add_role(t, arena, HOST_ROLE_PRINT_SERVER, print);

    str files = serves(arena, t, SHARE_KIND_USER);
    if (files.len) add_role(t, arena, HOST_ROLE_FILE_SERVER, files);
    bool only_smb1 = t->view.posture.dialects == 1u << DIALECT_NT_LM_012;
    if (files.len && only_smb1 && !domain.len)
        add_role(t, arena, HOST_ROLE_NAS, S("serves files, nothing newer than SMB1"));
}

static void infer_client(struct tally *t, struct arena *arena)
{
    if (t->used)
        add_role(t, arena, HOST_ROLE_CLIENT,
                 str_format(arena, "uses %.*s", STR_ARG(counted(arena, t->used, "server"))));
    if (t->tried >= SCANNER_SERVERS && t->failed * 2 >= t->tried)
        add_role(t, arena, HOST_ROLE_SCANNER,
                 str_format(arena, "tried %" PRIu64 " servers, %" PRIu64 " of them in vain",
                            t->tried, t->failed));
    if (t->used && t->served)
        add_role(t, arena, HOST_ROLE_LATERAL,
                 str_format(arena, "uses %.*s, serves %.*s",
                            STR_ARG(counted(arena, t->used, "server")),
                            STR_ARG(counted(arena, t->clients, "client"))));
}

struct hosts_view roles_of(struct arena *arena, const struct host_list *hosts,
                           const struct matrix_view *matrix, const struct share_view *shares,
                           size_t n_shares)
{
    struct tally *tallies = arena_array(arena, struct tally, hosts->n ? hosts->n : 1);
    struct host_view *views = arena_array(arena, struct host_view, hosts->n ? hosts->n : 1);
    for (size_t i = 0; i < matrix->n_flows; i++) {
        const struct matrix_flow *flow = &matrix->flows[i];
        struct tally *client = tally_at(tallies, hosts, flow->client, flow->last_us);
        struct tally *server = tally_at(tallies, hosts, flow->server, flow->last_us);
        if (client) count_client(client, flow);
        if (server) count_server(server, arena, flow);
    }
    for (size_t i = 0; i < matrix->n_coverage; i++)
        for (size_t j = 0; j < matrix->coverage[i].n_locals; j++) {
            struct endpoint own = {.addr = matrix->coverage[i].locals[j]};
            struct tally *t = tally_at(tallies, hosts, own, matrix->coverage[i].to_us);
            if (t) t->has_own_log = true;
        }
    for (size_t i = 0; i < n_shares; i++) {
        struct tally *server = tally_at(tallies, hosts, shares[i].server, shares[i].last_us);
        if (!server || !shares[i].used) continue;
        set_add(&server->shares, arena, shares[i].share);
        set_add(&server->of_kind[shares[i].kind], arena, shares[i].share);
    }
    for (size_t i = 0; i < hosts->n; i++) {
        struct tally *t = &tallies[i];
        t->view.host = &hosts->hosts[i];
        t->view.shares = set_names(&t->shares);
        infer_server(t, arena);
        infer_client(t, arena);
        views[i] = t->view;
    }
    return (struct hosts_view){views, hosts->n};
}

/* ---- What is told of hosts ----------------------------------------------------------------------
 */

struct telling {
    struct arena *arena;
    const struct host_list *hosts;
    struct hosts_index *names;
    struct host_view *views;
    size_t n, room;
    struct map unknown; /* hosts that have no address: lower case name → index */
};

static size_t unknown_host(struct telling *t, str name)
{
    bool fresh = false;
    size_t at = (size_t)*map_put(&t->unknown, t->arena, str_lower(t->arena, name), t->n, &fresh);
    if (!fresh) return at;
    struct host *host = arena_new(t->arena, struct host);
    str *items = arena_new(t->arena, str);
    enum strength *strength = arena_new(t->arena, enum strength);
    *items = name;
    *strength = STRENGTH_OWN;
    *host = (struct host){
        .name = name, .names = {items, 1},
             .strengths = strength
    };
    arena_grow(t->arena, t->views, t->n, t->room);
    t->views[t->n] = (struct host_view){.host = host};
    return t->n++;
}

/* The host's place among the views; SIZE_MAX = it has neither address nor name. */
static size_t place_of(struct telling *t, struct endpoint end, int64_t at_us)
{
    const struct host *host = addr_is_none(end.addr) ? hosts_named(t->names, end.name)
                                                     : hosts_at(t->hosts, end.addr, at_us);
    if (host) return (size_t)(host - t->hosts->hosts);
    return end.name.len ? unknown_host(t, end.name) : SIZE_MAX;
}

struct placed {
    size_t place, at; /* of the host; of the item as it was given */
    int64_t at_us;    /* orders changes */
};

static int told_order(const void *left, const void *right)
{
    const struct placed *a = left, *b = right;
    if (a->place != b->place) return a->place < b->place ? -1 : 1;
    if (a->at_us != b->at_us) return a->at_us < b->at_us ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

static void learn_offer(struct posture *posture, const struct listening_view *told)
{
    posture->offered_dialects |= told->dialects;
    if (told->signing && (!posture->offered_signing || told->signing < posture->offered_signing))
        posture->offered_signing = told->signing;
}

static void conflict(struct arena *arena, struct posture *posture, str text)
{
    str *items = arena_array(arena, str, posture->conflicts.n + 1);
    for (size_t i = 0; i < posture->conflicts.n; i++)
        items[i] = posture->conflicts.items[i];
    items[posture->conflicts.n] = text;
    posture->conflicts = (struct names){items, posture->conflicts.n + 1};
}

/* A dialect that was negotiated though no scan was offered it, and signing that differs. */
static void compare_offer(struct arena *arena, struct posture *posture)
{
    uint8_t missing = (uint8_t)(posture->dialects & ~posture->offered_dialects);
    if (posture->offered_dialects && missing)
        conflict(arena, posture,
                 str_format(arena, "dialects: %.*s negotiated, not offered",
                            STR_ARG(view_dialects_text(arena, missing))));
    if (posture->offered_signing && posture->signing &&
        posture->offered_signing != posture->signing)
        conflict(arena, posture,
                 str_format(arena, "signing: negotiated %.*s, offered %.*s",
                            STR_ARG(signing_text(posture->signing)),
                            STR_ARG(signing_text(posture->offered_signing))));
}

static void give_listenings(struct telling *t, const struct listening_view *given, size_t n)
{
    struct placed *order = arena_array(t->arena, struct placed, n + 1);
    struct listening_view *sorted = arena_array(t->arena, struct listening_view, n + 1);
    for (size_t i = 0; i < n; i++)
        order[i] = (struct placed){place_of(t, given[i].server, given[i].last_us), i, 0};
    if (n) qsort(order, n, sizeof *order, told_order);
    for (size_t i = 0; i < n && order[i].place != SIZE_MAX; i++) {
        struct host_view *view = &t->views[order[i].place];
        sorted[i] = given[order[i].at];
        if (!view->n_listenings++) view->listenings = &sorted[i];
        learn_offer(&view->posture, &sorted[i]);
    }
}

static void give_changes(struct telling *t, const struct change_view *given, size_t n)
{
    struct placed *order = arena_array(t->arena, struct placed, n + 1);
    struct change_view *sorted = arena_array(t->arena, struct change_view, n + 1);
    for (size_t i = 0; i < n; i++)
        order[i] = (struct placed){place_of(t, given[i].host, given[i].at_us), i, given[i].at_us};
    if (n) qsort(order, n, sizeof *order, told_order);
    for (size_t i = 0; i < n && order[i].place != SIZE_MAX; i++) {
        struct host_view *view = &t->views[order[i].place];
        sorted[i] = given[order[i].at];
        if (!view->n_changes++) view->changes = &sorted[i];
    }
}

struct hosts_view roles_add_told(struct arena *arena, struct hosts_view view,
                                 const struct host_list *hosts,
                                 const struct listening_view *listenings, size_t n_listenings,
                                 const struct change_view *changes, size_t n_changes)
{
    struct telling t = {
        .arena = arena,
        .hosts = hosts,
        .names = hosts_by_name(arena, hosts),
        .views = arena_array(arena, struct host_view, view.n + 1),
        .n = view.n,
        .room = view.n + 1,
    };
    if (view.n) memcpy(t.views, view.hosts, view.n * sizeof *t.views);
    give_listenings(&t, listenings, n_listenings);
    give_changes(&t, changes, n_changes);
    for (size_t i = 0; i < t.n; i++)
        compare_offer(arena, &t.views[i].posture);
    return (struct hosts_view){t.views, t.n};
}
