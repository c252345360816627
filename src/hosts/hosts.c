/* SPDX-License-Identifier: Apache-2.0 */
/* Names are compared without regard to case. A host's key is the first label of its name: "FS01"
 * and "fs01.contoso.com" are one host when no other full name begins with that label; else the full
 * names are hosts of their own and the short one is ambiguous. An NTLM challenge tells a NetBIOS
 * name and a DNS name at once, which may differ by more than the domain (NetBIOS cuts at 15
 * characters).
 */
#include "hosts/hosts.h"

#include "base/instant.h"
#include "base/map.h"

#define TEXT(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct {
    str text;
    enum strength strength;
} sources[] = {
    [IDENTITY_NTLM] = {TEXT("ntlm"),            STRENGTH_OWN    },
    [IDENTITY_NBSS] = {TEXT("netbios-session"), STRENGTH_ALIAS  },
    [IDENTITY_TREE_PATH] = {TEXT("tree-path"),       STRENGTH_ALIAS  },
    [IDENTITY_KERBEROS] = {TEXT("kerberos"),        STRENGTH_SERVICE},
    [IDENTITY_LOG] = {TEXT("log"),             STRENGTH_OWN    },
    [IDENTITY_USER] = {TEXT("user"),            STRENGTH_OWN    },
    [IDENTITY_DNS] = {TEXT("dns"),             STRENGTH_ALIAS  },
};

static const str strength_texts[] = {
#define X(name, text) TEXT(text),
    STRENGTHS(X)
#undef X
};

str hosts_source_text(enum identity_source source)
{
    return sources[source].text;
}

str hosts_strength_text(enum strength strength)
{
    return strength_texts[strength];
}

enum strength hosts_strength(enum identity_source source)
{
    return sources[source].strength;
}

/* ---- Names --------------------------------------------------------------------------------------
 */

static str first_label(str name)
{
    str head, tail;
    (void)str_cut(name, '.', &head, &tail);
    return head;
}

/* Names that name no host: addresses in a share path, what NetBIOS clients call a server whose name
 * they don't know, and what every machine calls itself. */
static bool names_a_host(str name)
{
    struct addr addr;
    str label = first_label(name);
    return label.len && name.ptr[0] != '*' && !str_equal_nocase(label, S("localhost")) &&
           !addr_parse(name, &addr);
}

/* A full name per label, or that there are several. */
struct naming {
    struct arena *arena;
    struct map full; /* label → index into names, plus one; 0 = several */
    str *names;
    size_t n, room;
};

static void learn_full_name(struct naming *naming, str name)
{
    str lower = str_lower(naming->arena, name), label = first_label(lower);
    bool fresh = false;
    if (label.len == lower.len) return;
    uint64_t *at = map_put(&naming->full, naming->arena, label, naming->n + 1, &fresh);
    if (!fresh) {
        if (*at && !str_equal(naming->names[*at - 1], lower)) *at = 0;
        return;
    }
    arena_grow(naming->arena, naming->names, naming->n, naming->room);
    naming->names[naming->n++] = lower;
}

/* What makes two names one host. */
static str key_of(const struct naming *naming, str name)
{
    str lower = str_lower(naming->arena, name), label = first_label(lower);
    const uint64_t *full = map_find(&naming->full, label);
    bool one = !full || *full;
    return one ? label : lower;
}

/* ---- Intervals ----------------------------------------------------------------------------------
 */

struct claim {
    struct addr addr;
    str key;
    int64_t from_us, to_us;
    enum identity_source source;
};

static int claim_order(const void *left, const void *right)
{
    const struct claim *a = left, *b = right;
    int by_addr = addr_compare(a->addr, b->addr);
    if (by_addr) return by_addr;
    if (a->from_us != b->from_us) return a->from_us < b->from_us ? -1 : 1;
    if (a->to_us != b->to_us) return a->to_us < b->to_us ? -1 : 1;
    if (a->source != b->source) return a->source < b->source ? -1 : 1;
    return str_compare(a->key, b->key);
}

static bool stronger(enum identity_source a, enum identity_source b)
{
    if (hosts_strength(a) != hosts_strength(b)) return hosts_strength(a) > hosts_strength(b);
    return a < b; /* either will do, but always the same */
}

struct intervals {
    struct arena *arena;
    struct host_interval *items;
    size_t n, room;
};

static void extend(struct intervals *out, const struct claim *claim)
{
    struct host_interval *last = out->n ? &out->items[out->n - 1] : NULL;
    bool same_addr = last && addr_equal(last->addr, claim->addr);
    if (same_addr && !last->ambiguous && str_equal(last->host, claim->key)) {
        if (claim->to_us > last->to_us) last->to_us = claim->to_us;
        if (stronger(claim->source, last->source)) last->source = claim->source;
        last->strength = hosts_strength(last->source);
        return;
    }
    /* Another host before the last one was through with the address: both claimed it at once. */
    if (same_addr && claim->from_us <= last->to_us) {
        last->ambiguous = true;
        last->host = (str){0};
        if (claim->to_us > last->to_us) last->to_us = claim->to_us;
        return;
    }
    arena_grow(out->arena, out->items, out->n, out->room);
    out->items[out->n++] = (struct host_interval){
        .addr = claim->addr,
        .host = claim->key,
        .from_us = claim->from_us,
        .to_us = claim->to_us,
        .source = claim->source,
        .strength = hosts_strength(claim->source),
    };
}

/* On how many addresses each key was seen. */
static struct map count_addresses(struct arena *arena, const struct claim *claims, size_t n)
{
    struct map counts = {0}, seen = {0};
    for (size_t i = 0; i < n; i++) {
        struct buf pair = buf_in(arena);
        bool fresh = false;
        buf_bytes(&pair, (bytes){(const uint8_t *)&claims[i].addr, sizeof claims[i].addr});
        buf_str(&pair, claims[i].key);
        (void)map_put(&seen, arena, buf_text(&pair), 0, &fresh);
        if (fresh) ++*map_put(&counts, arena, claims[i].key, 0, NULL);
    }
    return counts;
}

static bool told_together(const struct claim *a, const struct claim *b)
{
    return a->source == IDENTITY_NTLM && b->source == IDENTITY_NTLM && a->from_us == b->from_us &&
           a->to_us == b->to_us;
}

/* Names that the same messages of one address told are one host's. It goes by the one that fewest
 * addresses have: many machines call themselves "vm". */
static void join_told_together(struct claim *claims, size_t n, const struct map *counts)
{
    for (size_t i = 0, run; i < n; i += run) {
        str best = claims[i].key;
        for (run = 1; i + run < n && told_together(&claims[i], &claims[i + run]); run++) {
            str key = claims[i + run].key;
            uint64_t there = *map_find(counts, key), here = *map_find(counts, best);
            if (there < here || (there == here && str_compare(key, best) < 0)) best = key;
        }
        for (size_t j = i; j < i + run; j++)
            claims[j].key = best;
    }
}

/* Claims of one address: the strongest kind of witness decides; weaker ones are aliases. Several
 * names that are mere aliases name nobody. */
static void settle(struct intervals *out, const struct claim *claims, size_t n)
{
    enum strength best = STRENGTH_ALIAS;
    bool several = false;
    for (size_t i = 0; i < n; i++)
        if (hosts_strength(claims[i].source) > best) best = hosts_strength(claims[i].source);
    for (size_t i = 0; i < n; i++)
        several = several || !str_equal(claims[i].key, claims[0].key);
    if (best == STRENGTH_ALIAS && several) return;
    for (size_t i = 0; i < n; i++)
        if (hosts_strength(claims[i].source) == best) extend(out, &claims[i]);
}

/* ---- Hosts --------------------------------------------------------------------------------------
 */

static int text_order(const void *left, const void *right)
{
    const str *a = left, *b = right;
    int folded = str_compare_nocase(*a, *b);
    return folded ? folded : str_compare(*a, *b);
}

static int interval_order(const void *left, const void *right)
{
    const struct host_interval *a = left, *b = right;
    int by_addr = addr_compare(a->addr, b->addr);
    if (by_addr) return by_addr;
    return a->from_us < b->from_us ? -1 : a->from_us > b->from_us;
}

/* Hosts under way. */
struct gathering {
    struct arena *arena;
    struct host_interval *intervals; /* sorted by address, then time */
    size_t *owners;                  /* host of each interval */
    size_t n_intervals;
    struct map by_key;
    struct host *hosts;
    str *keys; /* of the hosts; empty for nameless ones */
    size_t n, room, key_room;
};

static size_t new_host(struct gathering *g, str key)
{
    arena_grow(g->arena, g->hosts, g->n, g->room);
    arena_grow(g->arena, g->keys, g->n, g->key_room);
    g->hosts[g->n] = (struct host){0};
    g->keys[g->n] = key;
    return g->n++;
}

static size_t host_of_key(struct gathering *g, str key)
{
    bool fresh = false;
    uint64_t at = *map_put(&g->by_key, g->arena, key, g->n, &fresh);
    return fresh ? new_host(g, key) : (size_t)at;
}

/* Every end that nobody named gets an interval without a time, so that it is listed. */
static void add_nameless(struct intervals *all, const struct addr *ends, size_t n_ends)
{
    size_t at = 0, named = all->n;
    for (size_t i = 0; i < n_ends; i++) {
        while (at < named && addr_compare(all->items[at].addr, ends[i]) < 0)
            at++;
        if (at < named && addr_equal(all->items[at].addr, ends[i])) continue;
        arena_grow(all->arena, all->items, all->n, all->room);
        all->items[all->n++] = (struct host_interval){.addr = ends[i]};
    }
    if (all->n) qsort(all->items, all->n, sizeof *all->items, interval_order);
}

/* An interval of a named host belongs to it; all others of an address are one host of their own. */
static void own(struct gathering *g)
{
    size_t nameless = SIZE_MAX;
    g->owners = arena_array(g->arena, size_t, g->n_intervals ? g->n_intervals : 1);
    for (size_t i = 0; i < g->n_intervals; i++) {
        const struct host_interval *interval = &g->intervals[i];
        bool follows = i && addr_equal(g->intervals[i - 1].addr, interval->addr);
        if (!follows) nameless = SIZE_MAX;
        if (interval->host.len) {
            g->owners[i] = host_of_key(g, interval->host);
        } else {
            if (nameless == SIZE_MAX) nameless = new_host(g, (str){0});
            g->owners[i] = nameless;
            if (interval->ambiguous) g->hosts[nameless].ambiguous = true;
        }
        g->hosts[g->owners[i]].n_intervals++;
    }
}

/* First interval of the address; n when there is none. */
static size_t first_of(const struct host_interval *intervals, size_t n, struct addr addr)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (addr_compare(intervals[middle].addr, addr) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && addr_equal(intervals[low].addr, addr) ? low : n;
}

static uint64_t distance(const struct host_interval *interval, int64_t at_us)
{
    if (at_us < interval->from_us) return (uint64_t)(interval->from_us - at_us);
    return at_us > interval->to_us ? (uint64_t)(at_us - interval->to_us) : 0;
}

/* The interval of the address that holds, or is nearest to, a time; n when there is none. */
static size_t nearest(const struct host_interval *intervals, size_t n, struct addr addr,
                      int64_t at_us)
{
    size_t best = n;
    for (size_t i = first_of(intervals, n, addr); i < n && addr_equal(intervals[i].addr, addr); i++)
        if (best == n || distance(&intervals[i], at_us) < distance(&intervals[best], at_us))
            best = i;
    return best;
}

struct alias {
    size_t host;
    str name;
    enum strength strength;
};

static int alias_order(const void *left, const void *right)
{
    const struct alias *a = left, *b = right;
    if (a->host != b->host) return a->host < b->host ? -1 : 1;
    return text_order(&a->name, &b->name);
}

/* A host is shown by the longest of the names that are best known to be its own. */
static void name_host(const struct gathering *g, const struct naming *naming, size_t at)
{
    struct host *host = &g->hosts[at];
    enum strength best = STRENGTH_ALIAS;
    for (size_t i = 0; i < host->names.n; i++)
        if (host->strengths[i] > best) best = host->strengths[i];
    for (size_t i = 0; g->keys[at].len && i < host->names.n; i++) {
        str name = host->names.items[i];
        bool is_full = first_label(name).len < name.len;
        bool its_own = str_equal(key_of(naming, name), g->keys[at]) ||
                       (is_full && best > STRENGTH_ALIAS && host->strengths[i] == best);
        if (its_own && name.len > host->name.len) host->name = name;
    }
}

static void give_names(struct gathering *g, const struct naming *naming,
                       const struct host_witness *witnesses, size_t n)
{
    struct alias *all = arena_array(g->arena, struct alias, n ? n : 1);
    size_t n_all = 0;
    for (size_t i = 0; i < n; i++) {
        if (!names_a_host(witnesses[i].name)) continue;
        size_t at = nearest(g->intervals, g->n_intervals, witnesses[i].addr, witnesses[i].first_us);
        if (at == g->n_intervals) continue;
        all[n_all++] =
            (struct alias){g->owners[at], witnesses[i].name, hosts_strength(witnesses[i].source)};
    }
    if (n_all) qsort(all, n_all, sizeof *all, alias_order);
    str *items = arena_array(g->arena, str, n_all ? n_all : 1);
    enum strength *strengths = arena_array(g->arena, enum strength, n_all ? n_all : 1);
    for (size_t i = 0, kept = 0; i < n_all; i++) {
        struct host *host = &g->hosts[all[i].host];
        if (!host->names.n) {
            host->names.items = items + kept;
            host->strengths = strengths + kept;
        }
        /* Equal up to case is one; sorted, so the bytewise smallest spelling comes first. */
        if (host->names.n && str_equal_nocase(items[kept - 1], all[i].name)) {
            if (all[i].strength > strengths[kept - 1]) strengths[kept - 1] = all[i].strength;
            continue;
        }
        strengths[kept] = all[i].strength;
        items[kept++] = all[i].name;
        host->names.n++;
    }
    for (size_t i = 0; i < g->n; i++)
        name_host(g, naming, i);
}

struct placed {
    const struct gathering *g;
    size_t at; /* before sorting */
    struct host host;
};

static int placed_order(const void *left, const void *right)
{
    const struct placed *a = left, *b = right;
    if (!a->host.name.len != !b->host.name.len) return a->host.name.len ? -1 : 1;
    int by_name = text_order(&a->host.name, &b->host.name);
    if (by_name) return by_name;
    return addr_compare(a->host.intervals[0].addr, b->host.intervals[0].addr);
}

static struct host_list in_order(struct gathering *g)
{
    struct host_interval **next = arena_array(g->arena, struct host_interval *, g->n ? g->n : 1);
    struct placed *placed = arena_array(g->arena, struct placed, g->n ? g->n : 1);
    struct host *hosts = arena_array(g->arena, struct host, g->n ? g->n : 1);
    size_t *moved = arena_array(g->arena, size_t, g->n ? g->n : 1);
    for (size_t i = 0; i < g->n; i++) {
        next[i] = arena_array(g->arena, struct host_interval, g->hosts[i].n_intervals);
        g->hosts[i].intervals = next[i];
    }
    for (size_t i = 0; i < g->n_intervals; i++)
        *next[g->owners[i]]++ = g->intervals[i];
    for (size_t i = 0; i < g->n; i++)
        placed[i] = (struct placed){g, i, g->hosts[i]};
    if (g->n) qsort(placed, g->n, sizeof *placed, placed_order);
    for (size_t i = 0; i < g->n; i++) {
        hosts[i] = placed[i].host;
        moved[placed[i].at] = i;
    }
    for (size_t i = 0; i < g->n_intervals; i++)
        g->owners[i] = moved[g->owners[i]];
    return (struct host_list){
        .hosts = hosts,
        .n = g->n,
        .intervals = g->intervals,
        .owners = g->owners,
        .n_intervals = g->n_intervals,
    };
}

struct host_list hosts_of(struct arena *arena, const struct host_witness *witnesses,
                          size_t n_witnesses, const struct addr *ends, size_t n_ends)
{
    struct naming naming = {.arena = arena};
    struct claim *claims = arena_array(arena, struct claim, n_witnesses ? n_witnesses : 1);
    struct intervals all = {.arena = arena};
    size_t n_claims = 0;
    for (size_t i = 0; i < n_witnesses; i++)
        if (names_a_host(witnesses[i].name) && hosts_strength(witnesses[i].source) > STRENGTH_ALIAS)
            learn_full_name(&naming, witnesses[i].name);
    for (size_t i = 0; i < n_witnesses; i++) {
        const struct host_witness *w = &witnesses[i];
        if (!names_a_host(w->name)) continue;
        claims[n_claims++] =
            (struct claim){w->addr, key_of(&naming, w->name), w->first_us, w->last_us, w->source};
    }
    if (n_claims) qsort(claims, n_claims, sizeof *claims, claim_order);
    struct map counts = count_addresses(arena, claims, n_claims);
    for (size_t i = 0, n; i < n_claims; i += n) {
        for (n = 1; i + n < n_claims && addr_equal(claims[i + n].addr, claims[i].addr);)
            n++;
        join_told_together(claims + i, n, &counts);
        settle(&all, claims + i, n);
    }
    add_nameless(&all, ends, n_ends);

    struct gathering g = {.arena = arena, .intervals = all.items, .n_intervals = all.n};
    own(&g);
    give_names(&g, &naming, witnesses, n_witnesses);
    return in_order(&g);
}

const struct host *hosts_at(const struct host_list *list, struct addr addr, int64_t at_us)
{
    size_t at = nearest(list->intervals, list->n_intervals, addr, at_us);
    return at < list->n_intervals ? &list->hosts[list->owners[at]] : NULL;
}

/* ---- Names to addresses -------------------------------------------------------------------------
 */

/* Is that the host a policy means? A full name is one of its own names, or begins with one when it
 * has no full name; a short one is the first label of one. What a client calls it must not widen a
 * policy. */
static bool answers_to(const struct host *host, str name)
{
    str label = first_label(name);
    bool is_short = label.len == name.len, has_full = false, begins = false;
    for (size_t i = 0; host->name.len && i < host->names.n; i++) {
        str own_name = host->names.items[i], own_label = first_label(own_name);
        if (host->strengths[i] == STRENGTH_ALIAS) continue;
        if (str_equal_nocase(own_name, name)) return true;
        has_full = has_full || own_label.len < own_name.len;
        begins = begins || str_equal_nocase(own_label, label);
    }
    return begins && (is_short || !has_full);
}

/* Was another host, or several at once, seen with the address after the interval? */
static bool claimed_since(const struct host_list *list, const struct host_interval *held,
                          int64_t as_of_us)
{
    for (size_t i = first_of(list->intervals, list->n_intervals, held->addr);
         i < list->n_intervals && addr_equal(list->intervals[i].addr, held->addr); i++) {
        const struct host_interval *other = &list->intervals[i];
        bool another = other->ambiguous || !str_equal(other->host, held->host);
        if (another && other->to_us > held->to_us && other->from_us <= as_of_us) return true;
    }
    return false;
}

static void add_holding(const struct host_list *list, const struct host_interval *held,
                        int64_t as_of_us, struct host_holding *out, size_t *n)
{
    struct host_holding holding = {
        .addr = held->addr,
        .seen_us = held->to_us < as_of_us ? held->to_us : as_of_us,
        .claimed_by_another = claimed_since(list, held, as_of_us),
    };
    /* Intervals come in order of time: a later one of the same address is the newest witness. */
    if (*n && addr_equal(out[*n - 1].addr, held->addr))
        out[*n - 1] = holding;
    else
        out[(*n)++] = holding;
}

/* Who has an own name of that first label: a chain of hosts in the order of the list. */
struct hosts_labels {
    struct map first; /* lower case label -> its first link */
    struct {
        size_t host, next;
    } * links;
    size_t n, room;
};

void hosts_index_labels(struct arena *arena, struct host_list *list)
{
    struct hosts_labels *labels = arena_new(arena, struct hosts_labels);
    for (size_t left = list->n; left > 0; left--) {
        size_t i = left - 1;
        const struct host *host = &list->hosts[i];
        for (size_t j = 0; host->name.len && j < host->names.n; j++) {
            if (host->strengths[j] == STRENGTH_ALIAS) continue;
            bool fresh = false;
            str label = str_lower(arena, first_label(host->names.items[j]));
            uint64_t *head = map_put(&labels->first, arena, label, SIZE_MAX, &fresh);
            if (!fresh && labels->links[*head].host == i) continue;
            arena_grow(arena, labels->links, labels->n, labels->room);
            labels->links[labels->n].host = i;
            labels->links[labels->n].next = (size_t)*head;
            *head = labels->n++;
        }
    }
    list->labels = labels;
}

/* The one host that answers to the name, NULL when there is none or several. */
static const struct host *answering(const struct host_list *list, str name, struct arena *arena)
{
    const struct host *found = NULL;
    const struct hosts_labels *labels = list->labels;
    size_t at = 0, end = list->n;
    if (labels) {
        uint64_t *head = map_find(&labels->first, str_lower(arena, first_label(name)));
        at = head ? (size_t)*head : SIZE_MAX;
        end = SIZE_MAX;
    }
    while (at != end) {
        const struct host *host = &list->hosts[labels ? labels->links[at].host : at];
        at = labels ? labels->links[at].next : at + 1;
        if (!answers_to(host, name)) continue;
        if (found) return NULL; /* a short name of two hosts: nobody's */
        found = host;
    }
    return found;
}

const struct host_holding *hosts_holdings(const struct host_list *list, str name, int64_t as_of_us,
                                          struct arena *arena, size_t *n)
{
    *n = 0;
    const struct host *found = answering(list, name, arena);
    if (!found) return NULL;
    struct host_holding *out = arena_array(arena, struct host_holding, found->n_intervals);
    for (size_t i = 0; i < found->n_intervals; i++) {
        const struct host_interval *held = &found->intervals[i];
        if (held->strength == STRENGTH_ALIAS || held->from_us > as_of_us) continue;
        add_holding(list, held, as_of_us, out, n);
    }
    return *n ? out : NULL;
}

/* ---- Hosts by name ------------------------------------------------------------------------------
 */

/* Who answers to a name, best known first. */
struct called {
    const struct host *host;
    enum strength strength;
    bool several; /* hosts, as well known */
    bool has_full;
};

struct hosts_index {
    struct map whole, label; /* lower case → index into calls */
    struct called *calls;
    size_t n, room;
};

static void call(struct hosts_index *names, struct arena *arena, struct map *map, str name,
                 struct called called)
{
    bool fresh = false;
    size_t at = (size_t)*map_put(map, arena, name, names->n, &fresh);
    if (fresh) {
        arena_grow(arena, names->calls, names->n, names->room);
        names->calls[names->n++] = called;
        return;
    }
    struct called *held = &names->calls[at];
    if (held->host == called.host) {
        if (called.strength > held->strength) {
            held->strength = called.strength;
            held->several = false;
        }
        return;
    }
    if (called.strength > held->strength)
        *held = called;
    else if (called.strength == held->strength)
        held->several = true;
}

struct hosts_index *hosts_by_name(struct arena *arena, const struct host_list *list)
{
    struct hosts_index *names = arena_new(arena, struct hosts_index);
    for (size_t i = 0; i < list->n; i++) {
        const struct host *host = &list->hosts[i];
        if (host->ambiguous) continue;
        struct called called = {.host = host};
        for (size_t j = 0; j < host->names.n; j++)
            called.has_full =
                called.has_full || first_label(host->names.items[j]).len < host->names.items[j].len;
        for (size_t j = 0; j < host->names.n; j++) {
            str lower = str_lower(arena, host->names.items[j]);
            called.strength = host->strengths[j];
            call(names, arena, &names->whole, lower, called);
            call(names, arena, &names->label, first_label(lower), called);
        }
    }
    return names;
}

const struct host *hosts_named(const struct hosts_index *names, str name)
{
    char folded[LIMIT_NAME_BYTES];
    str label = first_label(name);
    if (!names_a_host(name) || name.len > sizeof folded) return NULL;
    for (size_t i = 0; i < name.len; i++) {
        bool upper = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z';
        folded[i] = upper ? (char)(name.ptr[i] - 'A' + 'a') : name.ptr[i];
    }
    const uint64_t *at = map_find(&names->whole, (str){folded, name.len});
    if (at) {
        const struct called *called = &names->calls[*at];
        return called->several ? NULL : called->host;
    }
    at = map_find(&names->label, (str){folded, label.len});
    if (!at) return NULL;
    const struct called *called = &names->calls[*at];
    bool fits = label.len == name.len || !called->has_full;
    return fits && !called->several ? called->host : NULL;
}

/* Was the address somebody else's, or nobody's for sure, in that time? */
static bool others_held(const struct host_list *list, const struct host *host, struct addr addr,
                        int64_t from_us, int64_t to_us)
{
    size_t n = list->n_intervals;
    for (size_t i = first_of(list->intervals, n, addr);
         i < n && addr_equal(list->intervals[i].addr, addr); i++) {
        const struct host_interval *held = &list->intervals[i];
        bool named = held->host.len || held->ambiguous;
        bool in_time = held->from_us <= to_us && held->to_us >= from_us;
        if (named && in_time && &list->hosts[list->owners[i]] != host) return true;
    }
    return false;
}

static size_t add_address(struct addr *out, size_t n, size_t most, struct addr addr)
{
    bool listed = n && addr_equal(out[n - 1], addr); /* intervals come by address */
    if (!listed && n < most) out[n++] = addr;
    return n;
}

size_t hosts_addresses_on(const struct host_list *list, const struct host *host, int32_t day,
                          struct addr *out, size_t most)
{
    int64_t from_us = day * INSTANT_DAY, to_us = from_us + INSTANT_DAY - 1;
    size_t n = 0;
    for (size_t i = 0; i < host->n_intervals; i++) {
        const struct host_interval *held = &host->intervals[i];
        if (!held->host.len || held->from_us > to_us || held->to_us < from_us) continue;
        if (others_held(list, host, held->addr, from_us, to_us)) continue;
        n = add_address(out, n, most, held->addr);
    }
    for (size_t i = 0; !n && i < host->n_intervals; i++)
        if (host->intervals[i].host.len && host->intervals[i].from_us <= to_us &&
            host->intervals[i].to_us >= from_us)
            return 0; /* it was there, and so was another */
    for (size_t i = 0, weak = n; !weak && i < host->n_intervals; i++) {
        const struct host_interval *held = &host->intervals[i];
        int64_t noon_us = from_us + INSTANT_DAY / 2;
        if (!held->host.len || hosts_at(list, held->addr, noon_us) != host) continue;
        n = add_address(out, n, most, held->addr);
    }
    return n;
}
