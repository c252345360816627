/* SPDX-License-Identifier: Apache-2.0 */
/* A flow is asked once which exceptions speak of it; from then on each of its pieces costs what
 * those cost. Exceptions are found by whichever of their ends names fewer addresses, so that ten
 * thousand of them, from one client to many servers or from many clients to one server, are few
 * at any one flow.
 */
#include "reason/exception_use.h"

#include "base/instant.h"
#include "policy/governance.h"
#include "reason/exception_pairs.h"
#include "reason/use_hosts.h"
#include "reason/use_proposal.h"
#include "rules/entry_index.h"

enum { NOT_ASKED = UINT32_MAX };

/* Times of which nothing before or after counts. */
struct lives {
    const struct use_span *items;
    size_t n;
};

/* One exception of the policy. */
struct metered {
    const struct resolved_entry *entry;
    struct reach reach; /* now */
    struct use_end from, to;
    struct lives lives;
    bool is_secured;
    uint32_t question; /* NOT_ASKED: it only counts as what else allows */
};

struct user_seen {
    str name;
    int64_t first_us, last_us;
    struct user_seen *next;
};

/* One flow that some exception speaks of. */
struct metered_flow {
    struct addr client, server;
    size_t first_match;
    uint32_t n_matches;
    bool line_allows, line_allows_secured; /* a line of the policy does */
    struct user_seen *users;
};

/* What one exception is to one flow. */
struct match {
    uint32_t exception, flow;
    bool by_time; /* an end is there by its name: it is asked when */
    uint64_t connections, needed, lines, refused, passed_after, refused_after;
    int64_t first_us, last_us, last_after_us;
};

/* Exceptions that are found by one of their ends. */
struct finder {
    struct resolved some;      /* with these as its entries */
    const uint32_t *exception; /* per entry */
    const struct entry_index *index;
    enum resolve_end end;
};

struct use_meter {
    struct use_world world;
    const struct use_question *questions;
    size_t n;
    struct resolved resolved; /* everything alive */
    const struct use_hosts *hosts;
    struct governance governance;
    const struct decision *lines; /* without exceptions */
    struct metered *exceptions;
    size_t n_exceptions;
    struct finder finders[2];
    struct metered_flow *flows;
    size_t n_flows, flow_room;
    struct match *matches;
    size_t n_matches, match_room;
    uint8_t **months; /* per question and month of its life: 1 = used */
    struct arena *arena;
};

/* ---- Making -------------------------------------------------------------------------------------
 */

static struct resolved_entry *entries_of(struct use_meter *m, struct diagnostics *found)
{
    struct policy *policy = arena_new(m->arena, struct policy);
    *policy = *m->world.policy;
    struct exception *all = arena_array(m->arena, struct exception, policy->n_exceptions + 1);
    for (size_t i = 0; i < policy->n_exceptions; i++) {
        all[i] = policy->exceptions[i];
        all[i].starts_us = INT64_MIN;
        all[i].expires_us = INT64_MAX;
    }
    policy->exceptions = all;
    if (!resolve_policy(policy, m->world.lookup, m->world.as_of_us, true, m->arena, &m->resolved,
                        found))
        return NULL;
    assert(m->resolved.n_entries == policy->n_allow + policy->n_exceptions &&
           "all lines, then all exceptions");
    struct resolved_entry *entries =
        arena_array(m->arena, struct resolved_entry, policy->n_exceptions + 1);
    for (size_t i = 0; i < policy->n_exceptions; i++)
        entries[i] = m->resolved.entries[policy->n_allow + i];
    return entries;
}

static struct lives lives_of(const struct exception *exception, struct arena *arena)
{
    struct use_span *span = arena_new(arena, struct use_span);
    *span = (struct use_span){exception->starts_us, exception->expires_us};
    return (struct lives){span, 1};
}

/* The same without any host's address; NULL = hosts make no difference. */
static const struct resolved *resolve_plain(struct use_meter *m)
{
    struct resolved *plain = arena_new(m->arena, struct resolved);
    struct diagnostics found = {0};
    m->hosts = use_hosts_of(m->resolved.policy, m->world.hosts, m->world.lookup, m->arena);
    if (!m->hosts) return NULL;
    bool good =
        resolve_policy(m->resolved.policy, NULL, m->world.as_of_us, true, m->arena, plain, &found);
    return good ? plain : NULL;
}

static void add_ends(struct use_meter *m, const struct resolved *plain, size_t at)
{
    struct metered *e = &m->exceptions[at];
    const struct entry *entry = e->entry->entry;
    struct reach without = e->reach;
    if (plain)
        without = reach_of_entry(plain, &plain->entries[m->world.policy->n_allow + at], m->arena);
    const struct use_hosts *hosts = plain ? m->hosts : NULL;
    e->from = use_hosts_end(hosts, &entry->from, without.from, e->reach.from, m->arena);
    e->to = use_hosts_end(hosts, &entry->to, without.to, e->reach.to, m->arena);
}

static void add_exceptions(struct use_meter *m, const struct resolved_entry *entries)
{
    const struct resolved *plain = resolve_plain(m);
    const struct policy *policy = m->world.policy;
    m->n_exceptions = policy->n_exceptions;
    m->exceptions = arena_array(m->arena, struct metered, m->n_exceptions + 1);
    for (size_t i = 0; i < m->n_exceptions; i++)
        m->exceptions[i] = (struct metered){
            .entry = &entries[i],
            .reach = reach_of_entry(&m->resolved, &entries[i], m->arena),
            .is_secured = reach_is_secure(&entries[i]),
            .lives = lives_of(&policy->exceptions[i], m->arena),
            .question = NOT_ASKED,
        };
    for (size_t i = 0; i < m->n_exceptions; i++)
        add_ends(m, plain, i);
    for (size_t i = 0; i < m->n; i++) {
        const struct use_question *q = &m->questions[i];
        size_t at = (size_t)(q->exception - policy->exceptions);
        assert(at < m->n_exceptions && "a question asks of one of the policy's exceptions");
        m->exceptions[at].lives = (struct lives){q->spans, q->n_spans};
        m->exceptions[at].question = (uint32_t)i;
    }
}

static bool by_client(const struct metered *e)
{
    return prefix_set_size(e->from.ever) <= prefix_set_size(e->to.ever);
}

static void make_finder(struct use_meter *m, enum resolve_end end, struct arena scratch)
{
    struct finder *finder = &m->finders[end];
    struct resolved_entry *entries =
        arena_array(m->arena, struct resolved_entry, m->n_exceptions + 1);
    uint32_t *exception = arena_array(m->arena, uint32_t, m->n_exceptions + 1);
    *finder = (struct finder){.some = m->resolved, .exception = exception, .end = end};
    finder->some.entries = entries;
    finder->some.n_entries = 0;
    for (size_t i = 0; i < m->n_exceptions; i++) {
        if (by_client(&m->exceptions[i]) != (end == RESOLVE_CLIENT)) continue;
        exception[finder->some.n_entries] = (uint32_t)i;
        entries[finder->some.n_entries] = *m->exceptions[i].entry;
        entries[finder->some.n_entries].from = m->exceptions[i].from.ever;
        entries[finder->some.n_entries].to = m->exceptions[i].to.ever;
        finder->some.n_entries++;
    }
    finder->index = entry_index_of(&finder->some, m->arena, scratch);
}

static int32_t month_of(int64_t at_us)
{
    struct civil c = instant_to_civil(at_us);
    return c.year * 12 + c.month - 1;
}

static int64_t last_end(struct lives lives)
{
    return lives.n ? lives.items[lives.n - 1].to_us : INT64_MAX;
}

/* The months of a life until now; a life that began before 1970 began then. */
static size_t n_months(const struct use_meter *m, struct lives lives, int32_t *first)
{
    if (!lives.n) return 0;
    int64_t from = lives.items[0].from_us > 0 ? lives.items[0].from_us : 0;
    int64_t to = last_end(lives) < m->world.as_of_us ? last_end(lives) : m->world.as_of_us;
    *first = month_of(from);
    return to < from ? 0 : (size_t)(month_of(to) - *first + 1);
}

struct use_meter *exception_use_meter(const struct use_world *world,
                                      const struct use_question *questions, size_t n,
                                      struct arena *arena, struct diagnostics *found)
{
    struct use_meter *m = arena_new(arena, struct use_meter);
    struct arena scratch = arena_open("making a meter", 0, NULL);
    *m = (struct use_meter){.world = *world,
                            .questions = questions,
                            .n = n,
                            .arena = arena,
                            .governance = governance_default()};
    if (world->policy->governance) m->governance = *world->policy->governance;
    if (world->governance) m->governance = *world->governance;
    struct diagnostics errors = {0};
    const struct resolved_entry *entries = entries_of(m, &errors);
    if (!entries) {
        exception_pairs_errors(&errors, found, arena);
        arena_close(&scratch);
        return NULL;
    }
    add_exceptions(m, entries);
    make_finder(m, RESOLVE_CLIENT, scratch);
    make_finder(m, RESOLVE_SERVER, scratch);
    struct resolved *lines = arena_new(arena, struct resolved);
    *lines = m->resolved;
    lines->n_entries = m->world.policy->n_allow;
    m->lines = decision_build(lines, NULL, arena, scratch);
    m->months = arena_array(arena, uint8_t *, n + 1);
    for (size_t i = 0; i < n; i++) {
        int32_t first = 0;
        size_t months =
            n_months(m, (struct lives){questions[i].spans, questions[i].n_spans}, &first);
        m->months[i] = arena_array(arena, uint8_t, months + 1);
    }
    arena_close(&scratch);
    return m;
}

/* ---- Which exceptions speak of a flow -----------------------------------------------------------
 */

static bool speaks_of(const struct metered *e, struct addr client, struct addr server, int service)
{
    const struct entry *entry = e->entry->entry;
    bool listed = false;
    for (size_t i = 0; i < entry->n_services; i++)
        listed |= (int)entry->services[i] == service;
    return listed && prefix_set_contains(e->from.ever, client) &&
           prefix_set_contains(e->to.ever, server);
}

static void add_match(struct use_meter *m, uint32_t exception, struct addr client,
                      struct addr server)
{
    const struct metered *e = &m->exceptions[exception];
    arena_grow(m->arena, m->matches, m->n_matches, m->match_room);
    m->matches[m->n_matches++] = (struct match){
        .exception = exception,
        .flow = (uint32_t)m->n_flows,
        .by_time = !prefix_set_contains(e->from.plain, client) ||
                   !prefix_set_contains(e->to.plain, server),
    };
}

/* True when one of them is asked about. */
static bool find_matches(struct use_meter *m, struct addr client, struct addr server, int service)
{
    bool asked = false;
    for (size_t f = 0; f < COUNT_OF(m->finders); f++) {
        const struct finder *finder = &m->finders[f];
        struct addr at = finder->end == RESOLVE_CLIENT ? client : server;
        struct entry_walk walk = entry_index_at(finder->index, finder->end, at);
        for (size_t i = entry_walk_next(&walk); i != SIZE_MAX; i = entry_walk_next(&walk)) {
            uint32_t exception = finder->exception[i];
            if (!speaks_of(&m->exceptions[exception], client, server, service)) continue;
            add_match(m, exception, client, server);
            asked |= m->exceptions[exception].question != NOT_ASKED;
        }
    }
    return asked;
}

static bool want(void *to, struct endpoint client, struct endpoint server, enum transport transport,
                 uint16_t port, uint32_t *tag)
{
    struct use_meter *m = to;
    const struct policy *policy = m->world.policy;
    int service = service_by_port(policy->services, transport, port);
    size_t first = m->n_matches;
    if (service == SERVICE_NONE || !policy->governed[service] || addr_is_none(client.addr) ||
        addr_is_none(server.addr) || decision_one_machine(m->lines, client.addr, server.addr))
        return false;
    if (!find_matches(m, client.addr, server.addr, service)) {
        m->n_matches = first;
        return false;
    }
    struct flow_question q = {.client = client.addr, .server = server.addr, .service = service};
    enum intent intent = decision_ask(m->lines, &q).intent;
    arena_grow(m->arena, m->flows, m->n_flows, m->flow_room);
    m->flows[m->n_flows] = (struct metered_flow){
        .client = client.addr,
        .server = server.addr,
        .first_match = first,
        .n_matches = (uint32_t)(m->n_matches - first),
        .line_allows = intent == INTENT_ALLOW,
        .line_allows_secured = intent == INTENT_ALLOW || intent == INTENT_ALLOW_IF_SECURE,
    };
    *tag = (uint32_t)m->n_flows++;
    return true;
}

/* ---- When ---------------------------------------------------------------------------------------
 */

static bool lived(struct lives lives, int64_t at_us)
{
    for (size_t i = 0; i < lives.n; i++)
        if (lives.items[i].from_us <= at_us && at_us < lives.items[i].to_us) return true;
    return false;
}

/* How many of some connections were in force, and how many after the end. Of a day that is only
 * partly in force, its first and its last are known to have been when they were seen. */
struct split {
    uint64_t in_force, after;
};

static struct split split_of(struct lives lives, const struct sighting *s, uint64_t n)
{
    bool first = lived(lives, s->first_us), last = lived(lives, s->last_us);
    int64_t end = last_end(lives);
    if (!n || !lives.n) return (struct split){0, 0};
    if (first && last) return (struct split){n, 0};
    if (s->first_us >= end) return (struct split){0, n};
    if (s->last_us >= end) return (struct split){first ? n - 1 : 0, 1};
    if (first) return (struct split){n > 1 ? n - 1 : 1, 0};
    return (struct split){last, 0};
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* A flow worked if it was established, allowed or accessed (DESIGN.md 5). */
static uint64_t worked_of(const struct sighting *s)
{
    uint64_t worked = most(s->outcomes[OUTCOME_ESTABLISHED],
                           most(s->outcomes[OUTCOME_ALLOWED], s->outcomes[OUTCOME_ACCESSED]));
    return worked < s->connections ? worked : s->connections;
}

static uint64_t failed_of(const struct sighting *s)
{
    uint64_t failed = most(most(s->outcomes[OUTCOME_REFUSED], s->outcomes[OUTCOME_NO_ANSWER]),
                           most(s->outcomes[OUTCOME_PROHIBITED], s->outcomes[OUTCOME_BLOCKED]));
    return failed < s->connections ? failed : s->connections;
}

/* Let through by one firewall and stopped by the next did not pass. */
static uint64_t passed_of(const struct sighting *s)
{
    uint64_t sure = most(s->outcomes[OUTCOME_ESTABLISHED], s->outcomes[OUTCOME_ACCESSED]);
    uint64_t allowed = s->outcomes[OUTCOME_ALLOWED], failed = failed_of(s);
    uint64_t passed = most(sure, allowed > failed ? allowed - failed : 0);
    return passed < s->connections ? passed : s->connections;
}

static bool speaks_then(const struct use_meter *m, const struct match *match, int64_t at_us)
{
    const struct metered *e = &m->exceptions[match->exception];
    const struct metered_flow *flow = &m->flows[match->flow];
    return !match->by_time || (use_hosts_at(m->hosts, &e->from, flow->client, at_us) &&
                               use_hosts_at(m->hosts, &e->to, flow->server, at_us));
}

/* A line of the policy, or another exception that was in force then. */
static bool allowed_otherwise(const struct use_meter *m, const struct metered_flow *flow,
                              const struct match *match, int64_t at_us)
{
    const struct metered *e = &m->exceptions[match->exception];
    if (e->is_secured ? flow->line_allows_secured : flow->line_allows) return true;
    for (size_t i = 0; i < flow->n_matches; i++) {
        const struct match *other = &m->matches[flow->first_match + i];
        const struct metered *o = &m->exceptions[other->exception];
        if (other->exception != match->exception && (e->is_secured || !o->is_secured) &&
            lived(o->lives, at_us) && speaks_then(m, other, at_us))
            return true;
    }
    return false;
}

static void count_use(struct use_meter *m, const struct metered_flow *flow, struct match *match,
                      const struct sighting *s, uint64_t n)
{
    const struct metered *e = &m->exceptions[match->exception];
    int64_t first = lived(e->lives, s->first_us) ? s->first_us : s->last_us;
    int64_t last = lived(e->lives, s->last_us) ? s->last_us : s->first_us;
    int32_t begin = 0;
    size_t months = n_months(m, e->lives, &begin);
    if (!match->connections || first < match->first_us) match->first_us = first;
    if (!match->connections || last > match->last_us) match->last_us = last;
    match->connections += n;
    if (!allowed_otherwise(m, flow, match, last)) match->needed += n;
    if (e->is_secured ? flow->line_allows_secured : flow->line_allows) match->lines += n;
    size_t month = (size_t)(month_of(last) - begin);
    if (month < months) m->months[e->question][month] = 1;
}

static void see(void *to, uint32_t tag, const struct sighting *s)
{
    struct use_meter *m = to;
    struct metered_flow *flow = &m->flows[tag];
    uint64_t worked = worked_of(s), passed = passed_of(s);
    uint64_t refused =
        s->connections - worked < failed_of(s) ? s->connections - worked : failed_of(s);
    /* What one firewall let through and the next did not, was tried in vain. */
    uint64_t stopped =
        s->connections - passed < failed_of(s) ? s->connections - passed : failed_of(s);
    if (s->first_us > m->world.as_of_us) return;
    for (size_t i = 0; i < flow->n_matches; i++) {
        struct match *match = &m->matches[flow->first_match + i];
        const struct metered *e = &m->exceptions[match->exception];
        if (e->question == NOT_ASKED || !speaks_then(m, match, s->last_us)) continue;
        uint64_t used = split_of(e->lives, s, worked).in_force;
        if (used) count_use(m, flow, match, s, used);
        match->refused += split_of(e->lives, s, refused).in_force;
        uint64_t after = split_of(e->lives, s, passed).after;
        bool otherwise = allowed_otherwise(m, flow, match, s->last_us);
        if (!otherwise) match->refused_after += split_of(e->lives, s, stopped).after;
        if (!after || otherwise) continue;
        match->passed_after += after;
        if (s->last_us > match->last_after_us) match->last_after_us = s->last_us;
    }
}

static void see_user(void *to, uint32_t tag, str user, int64_t first_us, int64_t last_us)
{
    struct use_meter *m = to;
    struct user_seen *seen = arena_new(m->arena, struct user_seen);
    *seen = (struct user_seen){user, first_us, last_us, m->flows[tag].users};
    m->flows[tag].users = seen;
}

struct sighting_sink exception_use_sink(struct use_meter *meter)
{
    return (struct sighting_sink){meter, want, see, see_user};
}

/* ---- Reading ------------------------------------------------------------------------------------
 */

struct reading_out {
    const struct use_meter *meter;
    const struct metered *exception;
    struct match *const *matches; /* of this exception */
    size_t n;
    struct arena *arena, scratch;
};

static int text_order(const void *left, const void *right)
{
    const str *a = left, *b = right;
    int folded = str_compare_nocase(*a, *b);
    return folded ? folded : str_compare(*a, *b);
}

static struct names name_set(str *items, size_t n)
{
    size_t kept = 0;
    if (n) qsort(items, n, sizeof *items, text_order);
    for (size_t i = 0; i < n; i++)
        if (!kept || !str_equal_nocase(items[kept - 1], items[i])) items[kept++] = items[i];
    return (struct names){items, kept};
}

/* Users of a flow between two times: of what is known of each, the first and the last. */
static struct names users_of(const struct reading_out *r, const struct match *match, bool after)
{
    struct lives lives = r->exception->lives;
    size_t n = 0;
    const struct user_seen *users = r->meter->flows[match->flow].users;
    for (const struct user_seen *u = users; u; u = u->next)
        n++;
    str *items = arena_array(r->arena, str, n + 1);
    n = 0;
    for (const struct user_seen *u = users; u; u = u->next) {
        bool in_force = false;
        for (size_t i = 0; i < lives.n; i++)
            in_force |= u->first_us < lives.items[i].to_us && u->last_us >= lives.items[i].from_us;
        if (after ? u->last_us >= last_end(lives) : in_force) items[n++] = u->name;
    }
    return name_set(items, n);
}

static int addr_order(const void *left, const void *right)
{
    return addr_compare(*(const struct addr *)left, *(const struct addr *)right);
}

/* Ends as text, in the order of their addresses, each once. */
static struct names ends_of(struct addr *addrs, size_t n, struct arena *arena)
{
    str *items = arena_array(arena, str, n + 1);
    size_t kept = 0;
    char text[ADDR_TEXT];
    if (n) qsort(addrs, n, sizeof *addrs, addr_order);
    for (size_t i = 0; i < n; i++)
        if (!i || !addr_equal(addrs[i - 1], addrs[i]))
            items[kept++] = str_copy(arena, addr_text(text, addrs[i]));
    return (struct names){items, kept};
}

static struct names join(struct names a, struct names b, struct arena *arena)
{
    if (!a.n) return b;
    if (!b.n) return a;
    str *items = arena_array(arena, str, a.n + b.n);
    memcpy(items, a.items, a.n * sizeof *items);
    memcpy(items + a.n, b.items, b.n * sizeof *items);
    return name_set(items, a.n + b.n);
}

static int pair_order(const void *left, const void *right)
{
    const struct use_pair *a = left, *b = right;
    int order = addr_compare(a->client, b->client);
    return order ? order : addr_compare(a->server, b->server);
}

/* What was used while it was in force. */
static void read_uses(struct reading_out *r, struct exception_use *out, struct use_found *found)
{
    struct use_pair *pairs = arena_array(r->arena, struct use_pair, r->n + 1);
    struct addr *clients = arena_array(&r->scratch, struct addr, r->n + 1);
    struct addr *servers = arena_array(&r->scratch, struct addr, r->n + 1);
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct match *match = r->matches[i];
        const struct metered_flow *flow = &r->meter->flows[match->flow];
        out->refused += match->refused;
        if (!match->connections) continue;
        if (!out->connections || match->first_us < out->first_us) out->first_us = match->first_us;
        if (!out->connections || match->last_us > out->last_us) out->last_us = match->last_us;
        out->connections += match->connections;
        out->needed += match->needed;
        out->lines += match->lines;
        out->users = join(out->users, users_of(r, match, false), r->arena);
        clients[n] = flow->client;
        servers[n] = flow->server;
        pairs[n++] = (struct use_pair){flow->client, flow->server};
    }
    if (n) qsort(pairs, n, sizeof *pairs, pair_order);
    for (size_t i = 0; i < n; i++)
        if (!kept || pair_order(&pairs[kept - 1], &pairs[i])) pairs[kept++] = pairs[i];
    out->pairs = found->n_pairs = kept;
    found->pairs = pairs;
    out->clients = ends_of(clients, n, r->arena);
    out->servers = ends_of(servers, n, r->arena);
}

static int after_order(const void *left, const void *right)
{
    const struct effect_use *a = left, *b = right;
    if (a->last_us != b->last_us) return a->last_us > b->last_us ? -1 : 1;
    int order = addr_compare(a->client.addr, b->client.addr);
    return order ? order : addr_compare(a->server.addr, b->server.addr);
}

static int ends_order(const void *left, const void *right)
{
    const struct effect_use *a = left, *b = right;
    int order = addr_compare(a->client.addr, b->client.addr);
    return order ? order : addr_compare(a->server.addr, b->server.addr);
}

static void read_after(struct reading_out *r, struct exception_use *out)
{
    struct effect_use *uses = arena_array(r->arena, struct effect_use, r->n + 1);
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct match *match = r->matches[i];
        const struct metered_flow *flow = &r->meter->flows[match->flow];
        out->passed_after += match->passed_after;
        out->refused_after += match->refused_after;
        if (!match->passed_after) continue;
        if (match->last_after_us > out->last_after_us) out->last_after_us = match->last_after_us;
        uses[n++] = (struct effect_use){.client = {.addr = flow->client},
                                        .server = {.addr = flow->server},
                                        .connections = match->passed_after,
                                        .last_us = match->last_after_us,
                                        .users = users_of(r, match, true)};
    }
    if (n) qsort(uses, n, sizeof *uses, ends_order);
    for (size_t i = 0; i < n; i++) {
        if (!kept || ends_order(&uses[kept - 1], &uses[i])) {
            uses[kept++] = uses[i];
            continue;
        }
        struct effect_use *one = &uses[kept - 1];
        one->connections += uses[i].connections;
        one->users = join(one->users, uses[i].users, r->arena);
        if (uses[i].last_us > one->last_us) one->last_us = uses[i].last_us;
    }
    if (kept) qsort(uses, kept, sizeof *uses, after_order);
    out->after = uses;
    out->n_after = kept;
}

/* Matches by question: starts[i]..starts[i + 1]. */
static struct match **sort_matches(struct use_meter *m, size_t **starts, struct arena *arena)
{
    struct match **sorted = arena_array(arena, struct match *, m->n_matches + 1);
    size_t *at = arena_array(arena, size_t, m->n + 2);
    *starts = arena_array(arena, size_t, m->n + 2);
    for (size_t i = 0; i < m->n_matches; i++) {
        uint32_t question = m->exceptions[m->matches[i].exception].question;
        if (question != NOT_ASKED) (*starts)[question + 1]++;
    }
    for (size_t i = 0; i < m->n; i++)
        (*starts)[i + 1] += (*starts)[i];
    memcpy(at, *starts, (m->n + 1) * sizeof *at);
    for (size_t i = 0; i < m->n_matches; i++) {
        uint32_t question = m->exceptions[m->matches[i].exception].question;
        if (question != NOT_ASKED) sorted[at[question]++] = &m->matches[i];
    }
    return sorted;
}

void exception_use_read(struct use_meter *m, struct exception_use *out)
{
    struct arena work = arena_open("reading a meter", 0, NULL);
    struct arena scratch = arena_open("reading a meter: scratch", 0, NULL);
    size_t *starts = NULL;
    struct match **matches = sort_matches(m, &starts, &work);
    struct use_evidence evidence = use_evidence_of(m->world.matrix, &work, scratch);
    const struct metered **asked = arena_array(&work, const struct metered *, m->n + 1);
    for (size_t i = 0; i < m->n_exceptions; i++)
        if (m->exceptions[i].question != NOT_ASKED)
            asked[m->exceptions[i].question] = &m->exceptions[i];
    for (size_t i = 0; i < m->n; i++) {
        struct reading_out r = {.meter = m,
                                .exception = asked[i],
                                .matches = matches + starts[i],
                                .n = starts[i + 1] - starts[i],
                                .arena = m->arena,
                                .scratch = scratch};
        struct use_found found = {.resolved = &m->resolved,
                                  .entry = asked[i]->entry,
                                  .reach = asked[i]->reach,
                                  .spans = m->questions[i].spans,
                                  .n_spans = m->questions[i].n_spans,
                                  .renewals = m->questions[i].renewals,
                                  .review_s = m->questions[i].review_s ? m->questions[i].review_s
                                                                       : m->governance.review_s,
                                  .as_of_us = m->world.as_of_us,
                                  .evidence = &evidence,
                                  .months = m->months[i]};
        out[i] = (struct exception_use){0};
        found.n_months = n_months(m, asked[i]->lives, &found.first_month);
        read_uses(&r, &out[i], &found);
        read_after(&r, &out[i]);
        use_proposal_of(&found, &out[i], m->arena, scratch);
    }
    arena_close(&scratch);
    arena_close(&work);
}

/* ---- Words --------------------------------------------------------------------------------------
 */

str exception_use_proposal_text(enum use_proposal proposal)
{
    static const str texts[] = {
#define X(name, text) {text, sizeof(text) - 1},
        USE_PROPOSALS(X)
#undef X
    };
    assert((size_t)proposal < COUNT_OF(texts));
    return texts[proposal];
}

static void put_day(struct buf *out, int64_t at_us)
{
    struct civil c = instant_to_civil(at_us);
    buf_format(out, "%04d-%02u-%02u", c.year, c.month, c.day);
}

str exception_use_text(const struct exception_use *u, struct arena *arena)
{
    enum { USERS_SHOWN = 3 };
    struct buf out = buf_in(arena);
    if (!u->connections) {
        buf_str(&out, S("never used"));
    } else {
        buf_format(&out, "used %" PRIu64 " time%s between %" PRIu64 " pair%s, last ",
                   u->connections, u->connections == 1 ? "" : "s", u->pairs,
                   u->pairs == 1 ? "" : "s");
        put_day(&out, u->last_us);
        size_t shown = u->users.n < USERS_SHOWN ? u->users.n : USERS_SHOWN;
        for (size_t i = 0; i < shown; i++)
            buf_format(&out, "%s%.*s", i ? ", " : " by ", STR_ARG(u->users.items[i]));
        if (shown < u->users.n) buf_format(&out, " and %zu more", u->users.n - shown);
        if (u->lines == u->connections)
            buf_str(&out, S("; the policy allows all of that without it"));
        else if (!u->needed)
            buf_str(&out, S("; other exceptions allow all of that, too"));
        else if (u->needed < u->connections)
            buf_format(&out, "; %" PRIu64 " of them needed it", u->needed);
    }
    if (u->refused)
        buf_format(&out, "; tried %" PRIu64 " time%s in vain", u->refused,
                   u->refused == 1 ? "" : "s");
    if (u->passed_after) {
        buf_format(&out, "; %" PRIu64 " passed after its end, last ", u->passed_after);
        put_day(&out, u->last_after_us);
    }
    if (u->refused_after) buf_format(&out, "; %" PRIu64 " refused after its end", u->refused_after);
    return buf_text(&out);
}

static void member_instant(struct json *json, str key, int64_t at_us)
{
    json_key(json, key);
    if (at_us)
        json_instant(json, at_us);
    else
        json_null(json);
}

static void member_names(struct json *json, str key, struct names names)
{
    json_key(json, key);
    json_array(json);
    for (size_t i = 0; i < names.n; i++)
        json_str(json, names.items[i]);
    json_array_end(json);
}

static void put_after(struct json *json, const struct exception_use *u)
{
    json_key(json, S("after"));
    json_array(json);
    for (size_t i = 0; i < u->n_after; i++) {
        json_object(json);
        json_key(json, S("client"));
        json_addr(json, u->after[i].client.addr);
        json_key(json, S("server"));
        json_addr(json, u->after[i].server.addr);
        json_member_u64(json, S("connections"), u->after[i].connections);
        member_instant(json, S("last_seen"), u->after[i].last_us);
        member_names(json, S("users"), u->after[i].users);
        json_object_end(json);
    }
    json_array_end(json);
}

str exception_use_json(const struct exception_use *u, struct arena *arena)
{
    struct buf out = buf_in(arena);
    struct json json = json_to(&out);
    json_object(&json);
    json_member_str(&json, S("text"), exception_use_text(u, arena));
    json_member_u64(&json, S("connections"), u->connections);
    json_member_u64(&json, S("pairs"), u->pairs);
    member_instant(&json, S("first_used"), u->first_us);
    member_instant(&json, S("last_used"), u->last_us);
    member_names(&json, S("users"), u->users);
    member_names(&json, S("clients"), u->clients);
    member_names(&json, S("servers"), u->servers);
    json_member_u64(&json, S("needed"), u->needed);
    json_member_u64(&json, S("allowed_by_policy"), u->lines);
    json_member_u64(&json, S("refused"), u->refused);
    json_member_u64(&json, S("passed_after"), u->passed_after);
    json_member_u64(&json, S("refused_after"), u->refused_after);
    member_instant(&json, S("last_after"), u->last_after_us);
    put_after(&json, u);
    json_member_u64(&json, S("alive_days"), u->alive_days);
    json_member_u64(&json, S("known_pairs"), u->known_pairs);
    json_member_u64(&json, S("shown_pairs"), u->shown_pairs);
    json_member_str(&json, S("proposal"), exception_use_proposal_text(u->proposal));
    json_member_str(&json, S("because"), u->because);
    json_key(&json, S("scope"));
    if (u->scope.len) {
        buf_str(&out, u->scope);
        json.after_key = false;
    } else
        json_null(&json);
    json_member_str_or_null(&json, S("line"), u->line);
    json_object_end(&json);
    return buf_text(&out);
}
