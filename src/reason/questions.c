/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/questions.h"

#include "base/instant.h"
#include "base/map.h"

static const struct {
    str text, sentence;
} questions[] = {
#define TEXT(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
    [QUESTION_SHARES] = {TEXT("shares"),
                      TEXT("which of its shares are used: no share access was seen in clear or "
                              "in its own log")                                                    },
    [QUESTION_CLIENTS] = {TEXT("clients"),
                      TEXT("who else uses it: no log of its own was read, so clients that "
                               "no other source saw are missing")                                  },
    [QUESTION_AUTHENTICATION] = {TEXT("authentication"),
                      TEXT("whether its clients come with Kerberos or NTLM")                       },
    [QUESTION_DIALECT] = {TEXT("dialect"),        TEXT("which SMB versions it speaks, SMB1 among them")},
#undef TEXT
};

str question_text(enum question question)
{
    return questions[question].text;
}

str question_sentence(enum question question)
{
    return questions[question].sentence;
}

struct asking {
    struct arena *arena;
    const struct host_list *list;
    const struct hosts_view *hosts;
    struct map by_name;  /* lower-case name → host index */
    struct map by_owner; /* host index or end → item */
    struct map clients;  /* item and client, so that each counts once */
    struct questioned *items;
    size_t n, room;
};

static void index_names(struct asking *a)
{
    for (size_t i = 0; i < a->list->n; i++) {
        const struct host *host = &a->list->hosts[i];
        for (size_t j = 0; j < host->names.n; j++)
            if (host->strengths[j] == STRENGTH_OWN)
                *map_put(&a->by_name, a->arena, str_lower(a->arena, host->names.items[j]), i,
                         NULL) = i;
    }
}

/* The host of an end; SIZE_MAX when no host is known by that name. */
static size_t host_of(struct asking *a, struct endpoint end, int64_t at_us)
{
    if (!addr_is_none(end.addr)) {
        const struct host *host = hosts_at(a->list, end.addr, at_us);
        return host ? (size_t)(host - a->list->hosts) : SIZE_MAX;
    }
    const uint64_t *at = map_find(&a->by_name, str_lower(a->arena, end.name));
    return at ? (size_t)*at : SIZE_MAX;
}

static bool is_controller(const struct host_view *host)
{
    for (size_t i = 0; host && i < host->n_roles; i++)
        if (host->roles[i].role == HOST_ROLE_DOMAIN_CONTROLLER) return true;
    return false;
}

/* What all ends of one machine have in common. */
static str key_of(struct asking *a, struct endpoint end, int64_t at_us)
{
    size_t owner = host_of(a, end, at_us);
    if (owner != SIZE_MAX) return str_format(a->arena, "host %zu", owner);
    return str_format(a->arena, "end %.*s", STR_ARG(view_end_text(a->arena, end)));
}

static struct questioned *find(struct asking *a, struct endpoint end, int64_t at_us)
{
    const uint64_t *at = map_find(&a->by_owner, key_of(a, end, at_us));
    return at ? &a->items[*at] : NULL;
}

static struct questioned *item_of(struct asking *a, const struct matrix_flow *flow)
{
    str key = key_of(a, flow->server, flow->last_us);
    bool fresh = false;
    size_t at = (size_t)*map_put(&a->by_owner, a->arena, key, a->n, &fresh);
    if (!fresh) return &a->items[at];
    size_t owner = host_of(a, flow->server, flow->last_us);
    const struct host_view *host = owner == SIZE_MAX ? NULL : &a->hosts->hosts[owner];
    str end = view_end_text(a->arena, flow->server);
    str name = host ? host->host->name : (str){0};
    arena_grow(a->arena, a->items, a->n, a->room);
    a->items[a->n++] = (struct questioned){
        .label = name.len ? name : end,
        .server = flow->server,
        .host = host,
        .is_controller = is_controller(host),
        .open = (1u << QUESTION_COUNT) - 1,
    };
    return &a->items[at];
}

/* Datagrams of NetBIOS are names and announcements, no use of a server. */
static bool is_smb_service(const struct matrix_flow *flow)
{
    const struct view_labels *labels = &view_labels_default;
    if (flow->is_smb) return true;
    return flow->transport == TRANSPORT_TCP &&
           labels->governed(labels->to, flow->transport, flow->port);
}

static void close_question(struct questioned *item, enum question question)
{
    item->open &= (uint8_t) ~(1u << question);
}

static void add_times(struct questioned *item, const struct matrix_flow *flow)
{
    if (flow->is_timeless) return;
    if (!item->days || flow->first_us < item->first_us) item->first_us = flow->first_us;
    if (!item->days || flow->last_us > item->last_us) item->last_us = flow->last_us;
    item->days = 1; /* counted at the end */
}

static void add_flow(struct asking *a, const struct matrix_flow *flow)
{
    bool fresh = false;
    struct questioned *item = item_of(a, flow);
    str client = view_end_text(a->arena, flow->client);
    str key = str_format(a->arena, "%zu %.*s", (size_t)(item - a->items), STR_ARG(client));
    (void)map_put(&a->clients, a->arena, key, 0, &fresh);
    item->n_clients += fresh;
    item->connections += flow->connections;
    add_times(item, flow);
    if (flow->shares.n || flow->pipes.n) close_question(item, QUESTION_SHARES);
    if (flow->auths) close_question(item, QUESTION_AUTHENTICATION);
    if (flow->dialects) close_question(item, QUESTION_DIALECT);
}

/* A source that the machine wrote itself: by one of its addresses or names. */
static void find_own_logs(struct asking *a, const struct matrix_view *matrix)
{
    for (size_t i = 0; i < matrix->n_coverage; i++) {
        const struct coverage *c = &matrix->coverage[i];
        struct endpoint origin = {.name = c->origin};
        struct addr addr;
        if (!c->facts) continue;
        if (addr_parse(c->origin, &addr)) origin = (struct endpoint){.addr = addr};
        for (size_t l = 0; l <= c->n_locals; l++) {
            struct endpoint end =
                l < c->n_locals ? (struct endpoint){.addr = c->locals[l]} : origin;
            if (addr_is_none(end.addr) && !end.name.len) continue;
            struct questioned *item = find(a, end, c->to_us);
            if (!item) continue;
            item->has_own_log = true;
            close_question(item, QUESTION_CLIENTS);
        }
    }
}

static void count_uses(struct asking *a, const struct share_use *uses, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct questioned *item = find(a, uses[i].server, uses[i].last_us);
        if (item) item->uses += uses[i].count;
    }
}

static uint32_t calendar_days(int64_t first_us, int64_t last_us)
{
    int32_t first = instant_day(first_us), last = instant_day(last_us);
    return last < first ? 1 : (uint32_t)(last - first) + 1;
}

struct questioned *questions_of(struct arena *arena, const struct matrix_view *matrix,
                                const struct host_list *list, const struct hosts_view *hosts,
                                const struct share_use *uses, size_t n_uses, size_t *n)
{
    struct asking a = {.arena = arena, .list = list, .hosts = hosts};
    index_names(&a);
    for (size_t i = 0; i < matrix->n_flows; i++) {
        const struct matrix_flow *flow = &matrix->flows[i];
        if (is_smb_service(flow) && view_flow_worked(flow)) add_flow(&a, flow);
    }
    find_own_logs(&a, matrix);
    count_uses(&a, uses, n_uses);
    for (size_t i = 0; i < a.n; i++)
        if (a.items[i].days)
            a.items[i].days = calendar_days(a.items[i].first_us, a.items[i].last_us);
    *n = a.n;
    return a.items;
}
