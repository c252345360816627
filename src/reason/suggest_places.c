/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/suggest_places.h"

#include "base/map.h"

static const char *const kind_texts[] = {
#define X(name, text) text,
    SUGGEST_KINDS(X)
#undef X
};

str suggest_places_kind_text(enum suggest_kind kind)
{
    return str_of(kind_texts[kind]);
}

/* ---- Networks -----------------------------------------------------------------------------------
 */

struct network {
    struct prefix prefix;
    bool named, is_public;
    bool is_own; /* a public one that shows to be of the house */
    uint32_t *machines;
    size_t n, room;
    uint32_t n_clients, n_servers, n_admins, n_domain, n_voters;
    uint32_t witnesses[SUGGEST_WITNESS_COUNT];
    bool managed;
    enum suggest_kind kind;
    const uint32_t *used; /* servers that several of its machines used, ascending */
    size_t n_used;
    size_t same_as; /* the first network of its segment */
};

struct networks {
    struct network *items;
    size_t n, room;
    struct map by_prefix;
    struct arena *arena;
    const struct suggest_machines *all;
};

static bool in_range(struct addr a, const char *text)
{
    struct prefix p = {0};
    return prefix_parse(str_of(text), &p) && prefix_contains(p, a);
}

/* Where DESIGN.md 4 has `unknown` and `local`: everything else outside a segment is `internet`. */
static bool is_private(struct addr a)
{
    static const char *const ranges[] = {"10.0.0.0/8",    "172.16.0.0/12", "192.168.0.0/16",
                                         "100.64.0.0/10", "fc00::/7",      "64:ff9b::/96"};
    for (size_t i = 0; i < COUNT_OF(ranges); i++)
        if (in_range(a, ranges[i])) return true;
    return false;
}

static bool is_local(struct addr a)
{
    static const char *const ranges[] = {"127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4",
                                         "0.0.0.0/32",  "fe80::/10",      "ff00::/8",
                                         "::1/128",     "::/128",         "255.255.255.255/32"};
    for (size_t i = 0; i < COUNT_OF(ranges); i++)
        if (in_range(a, ranges[i])) return true;
    return false;
}

/* The longest of the networks that the admin named, else the usual size. */
static struct prefix network_of(const struct suggest_sources *sources, struct addr a, bool *named)
{
    struct prefix best = prefix_of(a, addr_is_v4(a) ? 96 + 24 : 64);
    *named = false;
    for (size_t i = 0; i < sources->n_named_networks; i++) {
        struct prefix network = sources->named_networks[i];
        if (!prefix_contains(network, a) || (*named && network.len <= best.len)) continue;
        best = network;
        *named = true;
    }
    return best;
}

static struct network *network_at(struct networks *all, struct prefix prefix, bool named)
{
    uint8_t key[17];
    bool fresh = false;
    addr_to_bytes(prefix.addr, key);
    key[16] = prefix.len;
    uint64_t *at =
        map_put(&all->by_prefix, all->arena, (str){(const char *)key, sizeof key}, all->n, &fresh);
    if (!fresh) return &all->items[*at];
    arena_grow(all->arena, all->items, all->n, all->room);
    all->items[all->n] =
        (struct network){.prefix = prefix, .named = named, .is_public = !is_private(prefix.addr)};
    return &all->items[all->n++];
}

static void add_machine(struct networks *all, struct network *network, uint32_t machine)
{
    for (size_t i = network->n; i > 0 && i + 8 > network->n; i--)
        if (network->machines[i - 1] == machine) return;
    arena_grow(all->arena, network->machines, network->n, network->room);
    network->machines[network->n++] = machine;
}

static int number_order(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void sort_machines(struct network *network)
{
    size_t n = 0;
    if (network->n) qsort(network->machines, network->n, sizeof(uint32_t), number_order);
    for (size_t i = 0; i < network->n; i++)
        if (!n || network->machines[n - 1] != network->machines[i])
            network->machines[n++] = network->machines[i];
    network->n = n;
}

static bool holds_private(const struct suggest_machine *machine)
{
    for (size_t i = 0; i < machine->host->n_intervals; i++)
        if (is_private(machine->host->intervals[i].addr)) return true;
    return false;
}

static struct networks networks_of(const struct suggest_machines *all, struct arena *arena)
{
    struct networks out = {.arena = arena, .all = all};
    for (size_t i = 0; i < all->n_addresses; i++) {
        const struct suggest_address *one = &all->addresses[i];
        const struct suggest_machine *machine = &all->items[one->machine];
        bool named = false;
        if (is_local(one->addr)) continue;
        struct prefix prefix = network_of(all->sources, one->addr, &named);
        struct network *network = network_at(&out, prefix, named);
        add_machine(&out, network, one->machine);
        network->is_own |= named || one->logged || machine->is_controller || holds_private(machine);
    }
    const struct suggest_sources *sources = all->sources;
    for (size_t i = 0; i < sources->n_named_networks; i++)
        network_at(&out, sources->named_networks[i], true)->is_own = true;
    /* A domain controller needs a place to live, whether or not anybody was seen to use it. */
    for (size_t i = 0; i < sources->n_controllers + sources->n_named_controllers; i++) {
        bool named = false;
        struct addr addr = i < sources->n_controllers
                               ? sources->controllers[i].addr
                               : sources->named_controllers[i - sources->n_controllers];
        if (is_local(addr)) continue;
        struct prefix prefix = network_of(sources, addr, &named);
        struct network *network = network_at(&out, prefix, named);
        network->is_own = true;
        struct endpoint end = {.addr = addr};
        size_t machine = suggest_evidence_machine(all, end, INT64_MAX);
        if (machine != SIZE_MAX) add_machine(&out, network, (uint32_t)machine);
    }
    for (size_t i = 0; i < out.n; i++)
        sort_machines(&out.items[i]);
    return out;
}

/* ---- What machines of a network do --------------------------------------------------------------
 */

static bool is_pure_client(const struct suggest_machine *machine)
{
    return machine->uses && !machine->serves_plainly;
}

static bool is_pure_server(const struct suggest_machine *machine)
{
    return machine->is_controller || (machine->serves && !machine->uses_members);
}

void suggest_places_find_endpoints(struct suggest_machines *all, struct arena scratch)
{
    struct networks networks = networks_of(all, &scratch);
    for (size_t i = 0; i < networks.n; i++) {
        const struct network *network = &networks.items[i];
        size_t clients = 0, servers = 0;
        for (size_t j = 0; j < network->n; j++) {
            clients += is_pure_client(&all->items[network->machines[j]]);
            servers += is_pure_server(&all->items[network->machines[j]]);
        }
        for (size_t j = 0; j < network->n; j++) {
            struct suggest_machine *machine = &all->items[network->machines[j]];
            if (is_pure_server(machine) || !machine->uses) continue;
            bool serves_more = machine->serves_plainly > machine->uses_members;
            machine->is_endpoint |= is_pure_client(machine) || clients > servers ||
                                    (clients == servers && !serves_more);
        }
    }
}

/* A lone account that was typed proves nothing of the machine: a scanner or a visitor has one, too.
 * Two machines with accounts of their own, or anything stronger, do. */
static bool is_of_the_domain(const struct networks *all, const struct network *network)
{
    str account = {0};
    bool strong = false;
    for (size_t i = 0; i < network->n; i++) {
        const struct suggest_machine *machine = &all->all->items[network->machines[i]];
        strong |= machine->domain & ~(1u << SUGGEST_WITNESS_ACCOUNT) && !machine->is_foreign;
        if (!machine->account.len) continue;
        if (account.len && !str_equal_nocase(account, machine->account)) strong = true;
        account = machine->account;
    }
    return strong && network->n_domain * 2 >= network->n_voters;
}

static enum suggest_kind kind_of(const struct network *network)
{
    enum { MOST = 4 }; /* so many times as many make a network of one kind */
    if (!network->managed) return SUGGEST_KIND_UNPROVEN;
    if (network->n_admins && network->n_admins == network->n_clients && !network->n_servers)
        return SUGGEST_KIND_ADMINS;
    if (network->n_servers >= MOST * network->n_clients && network->n_servers)
        return SUGGEST_KIND_SERVERS;
    if (network->n_clients >= MOST * network->n_servers && network->n_clients)
        return SUGGEST_KIND_CLIENTS;
    return SUGGEST_KIND_MIXED;
}

static bool is_server(const struct suggest_machine *machine)
{
    return !machine->is_endpoint && (machine->serves || machine->is_controller);
}

static void weigh(const struct networks *all, struct network *network)
{
    for (size_t i = 0; i < network->n; i++) {
        const struct suggest_machine *machine = &all->all->items[network->machines[i]];
        bool is_client = machine->is_endpoint;
        network->n_clients += is_client;
        network->n_admins += is_client && machine->is_management;
        network->n_servers += is_server(machine);
        network->n_voters += !machine->is_foreign;
        network->n_domain += machine->domain && !machine->is_foreign;
        for (unsigned w = 0; w < SUGGEST_WITNESS_COUNT; w++)
            network->witnesses[w] += machine->domain >> w & 1;
    }
    network->managed = network->named ||
                       ((network->is_own || !network->is_public) && is_of_the_domain(all, network));
    network->kind = kind_of(network);
}

/* ---- Segments -----------------------------------------------------------------------------------
 */

static size_t first_of(const struct networks *all, size_t i)
{
    while (all->items[i].same_as != i)
        i = all->items[i].same_as;
    return i;
}

static int network_order(const void *left, const void *right)
{
    const struct network *a = left, *b = right;
    int order = addr_compare(a->prefix.addr, b->prefix.addr);
    return order ? order : (a->prefix.len > b->prefix.len) - (a->prefix.len < b->prefix.len);
}

static void join_two(struct networks *all, size_t a, size_t b)
{
    size_t x = first_of(all, a), y = first_of(all, b);
    all->items[x > y ? x : y].same_as = x < y ? x : y;
}

/* Networks of one kind within a /16 or /48. */
static str site_key(char key[16], const struct network *network)
{
    struct addr a = network->prefix.addr;
    uint64_t site = addr_is_v4(a) ? addr_v4_value(a) >> 16 : a.hi >> 16 | UINT64_C(1) << 63;
    uint64_t both[2] = {site, (uint64_t)network->kind};
    memcpy(key, both, sizeof both);
    return (str){key, sizeof both};
}

/* The servers that at least two machines of a network used; domain controllers tell nothing. */
static void find_used(struct networks *all, struct network *network)
{
    const struct suggest_machines *machines = all->all;
    uint32_t *used = NULL, *out;
    size_t n = 0, room = 0, n_out = 0;
    for (size_t i = 0; i < network->n; i++) {
        size_t low = 0, high = machines->n_visits;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (machines->visits[middle].client < network->machines[i])
                low = middle + 1;
            else
                high = middle;
        }
        for (; low < machines->n_visits && machines->visits[low].client == network->machines[i];
             low++) {
            if (machines->items[machines->visits[low].server].is_controller) continue;
            arena_grow(all->arena, used, n, room);
            used[n++] = machines->visits[low].server;
        }
    }
    if (n) qsort(used, n, sizeof *used, number_order);
    out = arena_array(all->arena, uint32_t, n + 1);
    for (size_t i = 1; i < n; i++)
        if (used[i] == used[i - 1] && (!n_out || out[n_out - 1] != used[i])) out[n_out++] = used[i];
    network->used = out;
    network->n_used = n_out;
}

/* Half of what either uses is used by both. Of less than three machines nothing can be said. */
static bool use_the_same(const struct network *a, const struct network *b)
{
    enum { LEAST = 3 };
    size_t both = 0;
    if (a->n < LEAST || b->n < LEAST) return true;
    for (size_t i = 0, j = 0; i < a->n_used && j < b->n_used;) {
        if (a->used[i] == b->used[j]) both++;
        if (a->used[i] <= b->used[j])
            i++;
        else
            j++;
    }
    return 2 * both >= a->n_used + b->n_used - both;
}

/* Networks whose machines do the same are one segment: of one kind and site, using the same
 * servers; or those that one machine stands in. */
static void join_networks(struct networks *all)
{
    struct map sites = {0}; /* to the last network of the kind there */
    size_t *before =
        arena_array(all->arena, size_t, all->n + 1); /* the one before that; 0 = none */
    size_t *home = arena_array(all->arena, size_t, all->all->n + 1);
    for (size_t i = 0; i < all->n; i++) {
        all->items[i].same_as = i;
        find_used(all, &all->items[i]);
    }
    for (size_t i = 0; i < all->n; i++) {
        enum { MOST_COMPARED = 64 }; /* networks of one site and kind, each with those before it */
        const struct network *network = &all->items[i];
        char key[16];
        if (!network->managed) continue;
        uint64_t *last = map_put(&sites, all->arena, site_key(key, network), 0, NULL);
        size_t turn = 0;
        for (size_t j = (size_t)*last; j && turn < MOST_COMPARED; j = before[j - 1], turn++)
            if (use_the_same(network, &all->items[j - 1])) {
                join_two(all, i, j - 1);
                break;
            }
        before[i] = (size_t)*last;
        *last = i + 1;
        for (size_t j = 0; j < network->n; j++) {
            size_t *other = &home[network->machines[j]];
            const struct network *at = *other ? &all->items[*other - 1] : NULL;
            if (at && (at->kind == network->kind || at->n == 1 || network->n == 1))
                join_two(all, i, *other - 1);
            *other = i + 1;
        }
    }
}

/* "10-10-4" of 10.10.4.0/24, "2001-db8-10" of 2001:db8:10::/48; as many groups as tell it apart. */
static str place_text(struct arena *arena, struct prefix prefix, bool whole)
{
    struct buf out = buf_in(arena);
    struct addr a = prefix.addr;
    if (addr_is_v4(a)) {
        uint32_t v = addr_v4_value(a);
        buf_format(&out, "%" PRIu32 "-%" PRIu32, v >> 24, v >> 16 & 255);
        if (whole) buf_format(&out, "-%" PRIu32, v >> 8 & 255);
        if (whole && prefix_text_length(prefix) > 24) buf_format(&out, "-%" PRIu32, v & 255);
        return buf_text(&out);
    }
    for (unsigned i = 0; i < (whole ? 4u : 3u); i++)
        buf_format(&out, "%s%" PRIx64, i ? "-" : "", a.hi >> (48 - 16 * i) & 0xffff);
    return buf_text(&out);
}

/* Machines of the domain are counted once, whatever networks of the segment they stand in. */
static void count_machines(struct suggest_segment *segment, const struct suggest_machines *all)
{
    for (size_t i = 0; i < segment->n_machines; i++) {
        const struct suggest_machine *machine = &all->items[segment->machines[i]];
        segment->n_clients += machine->is_endpoint;
        segment->n_servers += is_server(machine);
        segment->n_voters += !machine->is_foreign;
        segment->n_domain += machine->domain && !machine->is_foreign;
        for (unsigned w = 0; w < SUGGEST_WITNESS_COUNT; w++)
            segment->witnesses[w] += machine->domain >> w & 1;
    }
}

static struct suggest_segment segment_of(const struct networks *all, size_t first,
                                         struct arena *arena)
{
    struct suggest_segment segment = {.kind = all->items[first].kind,
                                      .managed = all->items[first].managed};
    struct prefix *networks = arena_array(arena, struct prefix, all->n);
    struct network members = {0};
    size_t n = 0;
    for (size_t i = first; i < all->n; i++) {
        const struct network *network = &all->items[i];
        if (first_of(all, i) != first) continue;
        networks[n++] = network->prefix;
        segment.named |= network->named;
        for (size_t j = 0; j < network->n; j++) {
            arena_grow(arena, members.machines, members.n, members.room);
            members.machines[members.n++] = network->machines[j];
        }
    }
    sort_machines(&members);
    segment.machines = members.machines;
    segment.n_machines = members.n;
    count_machines(&segment, all->all);
    segment.networks = networks;
    segment.n_networks = n;
    return segment;
}

/* Segments of the kind; those at the site of `place` alone when it is not empty. */
static size_t count_kind(const struct suggest_segment *segments, size_t n, enum suggest_kind kind,
                         str place, struct arena *arena)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count +=
            segments[i].kind == kind &&
            (!place.len || str_equal(place, place_text(arena, segments[i].networks[0], false)));
    return count;
}

static bool is_taken(const struct suggest_segment *segments, size_t n, str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_equal(segments[i].name, name)) return true;
    return false;
}

static void name_segments(struct suggest_segment *segments, size_t n, struct arena *arena)
{
    for (size_t i = 0; i < n; i++) {
        struct suggest_segment *segment = &segments[i];
        bool unproven = segment->kind == SUGGEST_KIND_UNPROVEN;
        str kind = suggest_places_kind_text(segment->kind), name = kind;
        str site = place_text(arena, segment->networks[0], false);
        bool whole = unproven || count_kind(segments, n, segment->kind, site, arena) > 1;
        if (unproven || count_kind(segments, n, segment->kind, (str){0}, arena) > 1)
            name = str_format(arena, "%.*s-%.*s", STR_ARG(kind),
                              STR_ARG(place_text(arena, segment->networks[0], whole)));
        str base = name;
        for (unsigned k = 2; is_taken(segments, i, name); k++)
            name = str_format(arena, "%.*s-%u", STR_ARG(base), k);
        segment->name = name;
    }
}

/* ---- Groups -------------------------------------------------------------------------------------
 */

struct group_row {
    const char *name, *role, *purpose;
    bool managed;
    bool (*is_member)(const struct suggest_machine *machine);
};

static bool is_controller(const struct suggest_machine *machine)
{
    return machine->is_controller;
}

static bool is_file_server(const struct suggest_machine *machine)
{
    return machine->is_file_server && machine->is_at_port && !machine->is_endpoint &&
           !machine->is_controller && !machine->is_foreign;
}

static bool is_print_server(const struct suggest_machine *machine)
{
    return machine->is_print_server && machine->is_at_port && !machine->is_endpoint &&
           !machine->is_controller && !machine->is_foreign;
}

static bool is_foreign(const struct suggest_machine *machine)
{
    return machine->is_foreign;
}

static bool is_other_server(const struct suggest_machine *machine)
{
    return machine->is_at_port && !machine->is_endpoint && !is_controller(machine) &&
           !is_file_server(machine) && !is_print_server(machine) && !is_foreign(machine);
}

static bool is_management(const struct suggest_machine *machine)
{
    return machine->is_management;
}

static const struct group_row group_rows[] = {
    {"domain-controllers", "domain-controller", "they serve SYSVOL and NETLOGON",                                  true,
     is_controller                                                                                                                       },
    {"file-servers",       "file-server",       "they serve shares to others",                                     true,  is_file_server },
    {"print-servers",      "print-server",      "they serve printers",                                             true,  is_print_server},
    {"nas",                "",                  "SMB servers that are not Windows: they load no rules themselves", false,
     is_foreign                                                                                                                          },
    {"smb-servers",        "",                  "they serve SMB; what they serve was not seen",                    true,  is_other_server},
    {"management",         "management",
     "they use administrative shares of several machines. An intruder looks the same: confirm",                    true,  is_management  },
};

static str member_reason(const struct suggest_machine *machine, enum host_role role,
                         struct arena *arena)
{
    enum { WIDEST = 72 };
    for (size_t i = 0; i < machine->view->n_roles; i++)
        if (machine->view->roles[i].role == role)
            return suggest_evidence_plain(arena, machine->view->roles[i].reason, WIDEST);
    if (machine->is_foreign) return machine->foreign_because;
    return (str){0};
}

static str reason_of(const struct suggest_machine *machine, const struct group_row *row,
                     struct arena *arena)
{
    if (row->is_member == is_management)
        return str_format(arena, "uses administrative shares of %" PRIu32 " machines",
                          machine->administers);
    if (row->is_member == is_foreign) return machine->foreign_because;
    enum host_role role = row->is_member == is_controller     ? HOST_ROLE_DOMAIN_CONTROLLER
                          : row->is_member == is_print_server ? HOST_ROLE_PRINT_SERVER
                          : row->is_member == is_file_server  ? HOST_ROLE_FILE_SERVER
                                                              : HOST_ROLE_SERVER;
    return member_reason(machine, role, arena);
}

static int member_order(const void *left, const void *right)
{
    const struct suggest_member *a = left, *b = right;
    int order = addr_compare(a->addr, b->addr);
    return order ? order : (a->machine > b->machine) - (a->machine < b->machine);
}

struct member_list {
    struct suggest_member *items;
    size_t n, room;
};

static void add_member(struct member_list *list, struct arena *arena, struct suggest_member member)
{
    arena_grow(arena, list->items, list->n, list->room);
    list->items[list->n++] = member;
}

static struct suggest_group group_of(const struct suggest_machines *all,
                                     const struct group_row *row, struct prefix_set places,
                                     struct arena *arena)
{
    struct member_list list = {0};
    const struct suggest_sources *sources = all->sources;
    for (size_t i = 0; i < all->n_addresses; i++) {
        const struct suggest_address *one = &all->addresses[i];
        const struct suggest_machine *machine = &all->items[one->machine];
        if (!row->is_member(machine) || !prefix_set_contains(places, one->addr)) continue;
        bool at_work = row->is_member == is_management ? one->used : one->served || one->logged;
        if (!at_work) continue;
        add_member(
            &list, arena,
            (struct suggest_member){one->addr, one->machine, reason_of(machine, row, arena)});
    }
    size_t n_told =
        row->is_member == is_controller ? sources->n_controllers + sources->n_named_controllers : 0;
    for (size_t i = 0; i < n_told; i++) {
        bool known = i < sources->n_controllers;
        struct addr addr = known ? sources->controllers[i].addr
                                 : sources->named_controllers[i - sources->n_controllers];
        struct endpoint end = {.addr = addr};
        size_t at = suggest_evidence_machine(all, end, INT64_MAX);
        str reason = S("named by you with --controller");
        if (known) reason = at != SIZE_MAX ? reason_of(&all->items[at], row, arena) : S("seen");
        if (!prefix_set_contains(places, addr) && !is_local(addr)) continue;
        add_member(
            &list, arena,
            (struct suggest_member){addr, at == SIZE_MAX ? UINT32_MAX : (uint32_t)at, reason});
    }
    if (list.n) qsort(list.items, list.n, sizeof *list.items, member_order);
    size_t n = 0;
    for (size_t i = 0; i < list.n; i++)
        if (!n || !addr_equal(list.items[n - 1].addr, list.items[i].addr))
            list.items[n++] = list.items[i];
    return (struct suggest_group){.name = str_of(row->name),
                                  .purpose = str_of(row->purpose),
                                  .role = str_of(row->role),
                                  .managed = row->managed,
                                  .members = list.items,
                                  .n_members = n};
}

struct suggest_places suggest_places(const struct suggest_machines *all, struct arena *arena,
                                     struct arena scratch)
{
    struct networks networks = networks_of(all, &scratch);
    struct suggest_segment *segments = arena_array(arena, struct suggest_segment, networks.n + 1);
    struct suggest_group *groups = arena_array(arena, struct suggest_group, COUNT_OF(group_rows));
    struct suggest_places out = {.segments = segments, .groups = groups};
    struct range *ranges = NULL;
    size_t n_ranges = 0, room = 0;
    if (networks.n) qsort(networks.items, networks.n, sizeof *networks.items, network_order);
    for (size_t i = 0; i < networks.n; i++)
        weigh(&networks, &networks.items[i]);
    join_networks(&networks);
    for (size_t i = 0; i < networks.n; i++) {
        const struct network *network = &networks.items[i];
        bool foreign = network->is_public && !network->is_own;
        if (first_of(&networks, i) != i || foreign) continue;
        segments[out.n_segments] = segment_of(&networks, i, arena);
        for (size_t j = 0; j < segments[out.n_segments].n_networks; j++) {
            arena_grow(&scratch, ranges, n_ranges, room);
            ranges[n_ranges++] = prefix_range(segments[out.n_segments].networks[j]);
        }
        out.n_segments++;
    }
    name_segments(segments, out.n_segments, arena);
    struct prefix_set places = prefix_set_of(&scratch, ranges, n_ranges);
    for (size_t i = 0; i < COUNT_OF(group_rows); i++) {
        struct suggest_group group = group_of(all, &group_rows[i], places, arena);
        if (!group.n_members) continue;
        out.has_controllers |= group_rows[i].is_member == is_controller;
        groups[out.n_groups++] = group;
    }
    return out;
}
