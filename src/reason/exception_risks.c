/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/exception_risks.h"

enum { NAMES_MOST = 4 }; /* in one sentence */

struct risks {
    const struct exception_pairs *pairs;
    const struct resolved *resolved;
    str *items;
    size_t n, room;
    struct arena *arena;
};

static void add_risk(struct risks *r, str text)
{
    arena_grow(r->arena, r->items, r->n, r->room);
    r->items[r->n++] = text;
}

/* ---- Many pairs ---------------------------------------------------------------------------------
 */

static void count_pairs(struct risks *r, const struct governance *governance)
{
    /* What nothing enforces today may be enforced tomorrow: what it allows counts, too. */
    const struct exception_pairs *p = r->pairs;
    uint64_t pairs = p->n_opened > p->n_allowed ? p->n_opened : p->n_allowed;
    uint64_t most = governance->risk_host_pairs;
    if (pairs <= most) return;
    if (pairs > CURES_MANY)
        add_risk(r, str_format(r->arena, "countless pairs of addresses, more than %" PRIu64, most));
    else
        add_risk(r, str_format(r->arena, "%" PRIu64 " pairs of addresses, more than %" PRIu64,
                               pairs, most));
}

/* ---- Where its ends live ------------------------------------------------------------------------
 */

static const char *end_word(bool in_from, bool in_to)
{
    if (in_from && in_to) return "clients and servers";
    return in_from ? "clients" : "servers";
}

static void add_place(struct risks *r, struct prefix_set place, str what)
{
    bool in_from = prefix_set_overlaps(r->pairs->reach.from, place);
    bool in_to = prefix_set_overlaps(r->pairs->reach.to, place);
    if (!in_from && !in_to) return;
    add_risk(r, str_format(r->arena, "%.*s (%s)", STR_ARG(what), end_word(in_from, in_to)));
}

/* Who reaches NAT or virtual addresses reaches what stands behind them, so ends are places by the
 * words of the scope, too. */
static bool names_segment(const struct selectors *selectors, size_t segment)
{
    for (size_t i = 0; i < selectors->n; i++)
        if (selectors->items[i].kind == SELECT_SEGMENT && selectors->items[i].index == segment)
            return true;
    return false;
}

static void add_segment(struct risks *r, size_t i)
{
    const struct segment *segment = &r->resolved->policy->segments[i];
    const struct entry *entry = r->pairs->entry->entry;
    struct prefix_set place = r->resolved->places.segments[i];
    bool in_from =
        names_segment(&entry->from, i) || prefix_set_overlaps(r->pairs->reach.from, place);
    bool in_to = names_segment(&entry->to, i) || prefix_set_overlaps(r->pairs->reach.to, place);
    if (segment->trust != TRUST_UNTRUSTED || (!in_from && !in_to)) return;
    add_risk(r, str_format(r->arena, "untrusted segment %.*s (%s)", STR_ARG(segment->name),
                           end_word(in_from, in_to)));
}

static void find_places(struct risks *r)
{
    for (size_t i = 0; i < r->resolved->policy->n_segments; i++)
        add_segment(r, i);
    add_place(r, r->resolved->places.unknown, S("unknown: addresses that are in no segment"));
    add_place(r, r->resolved->places.internet, S("internet"));
}

/* ---- SMB 1 --------------------------------------------------------------------------------------
 */

/* Machines that spoke SMB 1, by name, each once; in the order of the hosts. */
struct speakers {
    str names[NAMES_MOST];
    size_t n; /* all of them */
};

static void add_speaker(struct speakers *speakers, str name)
{
    if (speakers->n < NAMES_MOST) speakers->names[speakers->n] = name;
    speakers->n++;
}

static void tell_speakers(struct risks *r, const struct speakers *speakers, const char *end,
                          const char *what)
{
    struct buf text = buf_in(r->arena);
    if (!speakers->n) return;
    buf_format(&text, "%s%s ", end, speakers->n == 1 ? "" : "s");
    for (size_t i = 0; i < speakers->n && i < NAMES_MOST; i++)
        buf_format(&text, "%s%.*s", i ? ", " : "", STR_ARG(speakers->names[i]));
    if (speakers->n > NAMES_MOST) buf_format(&text, " and %zu more", speakers->n - NAMES_MOST);
    buf_format(&text, " %s %s", speakers->n == 1 ? "speaks" : "speak", what);
    add_risk(r, buf_text(&text));
}

static str host_label(const struct host *host, struct addr a, struct arena *arena)
{
    char text[ADDR_TEXT];
    return host->name.len ? host->name : str_copy(arena, addr_text(text, a));
}

static bool has_smb1(uint8_t dialects)
{
    return dialects >> DIALECT_NT_LM_012 & 1;
}

static void find_servers(struct risks *r, const struct hosts_view *hosts)
{
    struct speakers speakers = {.n = 0};
    for (size_t i = 0; i < hosts->n; i++) {
        const struct host_view *view = &hosts->hosts[i];
        if (!view->posture.smb1 && !has_smb1(view->posture.dialects)) continue;
        for (size_t j = 0; j < view->host->n_intervals; j++) {
            struct addr a = view->host->intervals[j].addr;
            if (!prefix_set_contains(r->pairs->reach.to, a)) continue;
            add_speaker(&speakers, host_label(view->host, a, r->arena));
            break;
        }
    }
    tell_speakers(r, &speakers, "server", "SMB 1");
}

/* Which dialects a client was seen to settle on, over all its servers. */
struct client_dialects {
    struct addr addr;
    str name;
    uint8_t dialects;
};

static int client_order(const void *left, const void *right)
{
    const struct client_dialects *a = left, *b = right;
    return addr_compare(a->addr, b->addr);
}

static void find_clients(struct risks *r, const struct matrix_view *matrix, struct arena scratch)
{
    struct client_dialects *clients = NULL;
    struct speakers speakers = {.n = 0};
    size_t n = 0, room = 0;
    for (size_t i = 0; i < matrix->n_flows; i++) {
        const struct matrix_flow *flow = &matrix->flows[i];
        if (!flow->dialects || addr_is_none(flow->client.addr) ||
            !prefix_set_contains(r->pairs->reach.from, flow->client.addr))
            continue;
        arena_grow(&scratch, clients, n, room);
        clients[n++] = (struct client_dialects){
            flow->client.addr, flow->client_names.n ? flow->client_names.items[0] : (str){0},
            flow->dialects};
    }
    if (n) qsort(clients, n, sizeof *clients, client_order);
    for (size_t i = 0, next; i < n; i = next) {
        struct client_dialects all = clients[i];
        for (next = i + 1; next < n && addr_equal(clients[next].addr, all.addr); next++) {
            all.dialects |= clients[next].dialects;
            if (!all.name.len) all.name = clients[next].name;
        }
        char text[ADDR_TEXT];
        /* One that was ever seen with a newer dialect does not need the old one. */
        if (all.dialects != 1u << DIALECT_NT_LM_012) continue;
        add_speaker(&speakers,
                    all.name.len ? all.name : str_copy(r->arena, addr_text(text, all.addr)));
    }
    tell_speakers(r, &speakers, "client", "SMB 1 only");
}

const str *exception_risks(const struct exception_pairs *pairs,
                           const struct effect_question *question,
                           const struct governance *governance, struct arena *arena,
                           struct arena scratch, size_t *n)
{
    struct risks r = {.pairs = pairs, .resolved = pairs->resolved, .arena = arena};
    count_pairs(&r, governance);
    find_places(&r);
    if (question->hosts) find_servers(&r, question->hosts);
    if (question->matrix) find_clients(&r, question->matrix, scratch);
    *n = r.n;
    return r.items;
}
