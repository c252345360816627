/* SPDX-License-Identifier: Apache-2.0 */
/* Why a flow is decided as it is: one point evaluated entry by entry, in the words of the policy
 * file. Slow on purpose where decision.c is fast, and written apart from it: the entry that it
 * finds must agree with the row that answered.
 */
#include "policy/exceptions.h"
#include "rules/decision.h"
#include "rules/entry_index.h"

/* One end of an entry: who is named, who is excepted, whether that end may be at the internet, and
 * who of them nobody knows.
 */
struct end {
    struct prefix_set in, except;
    bool with_internet;
    str in_unknown, except_unknown;
};

enum end_verdict { END_MATCHES, END_EXCEPTED, END_INTERNET, END_ELSEWHERE };

struct point {
    const struct decision *decision;
    const struct resolved *resolved;
    const struct flow_question *question;
    int service;
    enum profile profile;
    bool client_at_internet, server_at_internet;
    const struct entry_index *index; /* NULL = every entry is asked */
    struct arena *arena;
};

/* The entries that can have a say: all, or of those that speak of either end the fewer. */
struct candidates {
    struct entry_walk walk;
    size_t next, n; /* without an index: from next up to n */
};

static struct candidates candidates_of(const struct point *p)
{
    if (!p->index) return (struct candidates){.n = p->resolved->n_entries};
    struct entry_walk from = entry_index_at(p->index, RESOLVE_CLIENT, p->question->client);
    struct entry_walk to = entry_index_at(p->index, RESOLVE_SERVER, p->question->server);
    bool fewer = from.n_narrow + from.n_wide < to.n_narrow + to.n_wide;
    return (struct candidates){.walk = fewer ? from : to};
}

static const struct resolved_entry *next_candidate(const struct point *p, struct candidates *c)
{
    size_t i = p->index ? entry_walk_next(&c->walk) : c->next < c->n ? c->next++ : SIZE_MAX;
    return i == SIZE_MAX ? NULL : &p->resolved->entries[i];
}

static bool names_service(const size_t *services, size_t n, int service)
{
    for (size_t i = 0; i < n; i++)
        if (services[i] == (size_t)service) return true;
    return false;
}

/* What is certain: somebody unknown may be the one excepted. */
static enum end_verdict end_verdict(const struct end *end, struct addr a, bool at_internet)
{
    bool may_be_excepted = !at_internet && decision_unknown(end->except_unknown);
    if (!prefix_set_contains(end->in, a)) return END_ELSEWHERE;
    if (may_be_excepted || prefix_set_contains(end->except, a)) return END_EXCEPTED;
    if (at_internet && !end->with_internet) return END_INTERNET;
    return END_MATCHES;
}

/* Whether the end may match, if the unknown are who it takes; mark: on whom that depends, if on
 * anybody. */
static bool end_may_match(const struct end *end, struct addr a, bool at_internet, str *mark)
{
    bool named = prefix_set_contains(end->in, a);
    if (!named && (at_internet || !decision_unknown(end->in_unknown))) return false;
    if (prefix_set_contains(end->except, a)) return false;
    if (at_internet) return end->with_internet;
    if (!named)
        *mark = end->in_unknown;
    else if (decision_unknown(end->except_unknown))
        *mark = end->except_unknown;
    return true;
}

static struct end from_end(const struct resolved_entry *e)
{
    return (struct end){e->from, e->except_from, e->from_internet, e->from_unknown,
                        e->except_from_unknown};
}

static struct end to_end(const struct resolved_entry *e)
{
    return (struct end){e->to, e->except_to, e->to_internet, e->to_unknown, e->except_to_unknown};
}

static enum end_verdict from_verdict(const struct point *p, const struct resolved_entry *e)
{
    struct end from = from_end(e);
    return end_verdict(&from, p->question->client, p->client_at_internet);
}

static enum end_verdict to_verdict(const struct point *p, const struct resolved_entry *e)
{
    struct end to = to_end(e);
    return end_verdict(&to, p->question->server, p->server_at_internet);
}

static const struct resolved_entry *matching_entry(const struct point *p, bool plain)
{
    struct candidates candidates = candidates_of(p);
    for (const struct resolved_entry *e; (e = next_candidate(p, &candidates));) {
        bool is_plain = e->secure == SECURE_NONE || e->secure == SECURE_UNSET;
        if (is_plain != plain) continue;
        if (!names_service(e->entry->services, e->entry->n_services, p->service)) continue;
        if (from_verdict(p, e) == END_MATCHES && to_verdict(p, e) == END_MATCHES) return e;
    }
    return NULL;
}

static const struct resolved_perimeter *matching_perimeter(const struct point *p)
{
    for (size_t i = 0; i < p->resolved->n_perimeter; i++) {
        const struct resolved_perimeter *e = &p->resolved->perimeter[i];
        bool outbound = e->direction == DIRECTION_OUTBOUND;
        if (p->client_at_internet == outbound || p->server_at_internet != outbound) continue;
        if (!names_service(e->entry->services, e->entry->n_services, p->service)) continue;
        if (prefix_set_contains(e->from, p->question->client) &&
            prefix_set_contains(e->to, p->question->server))
            return e;
    }
    return NULL;
}

static str address_and_place(const struct point *p, struct addr a)
{
    char text[ADDR_TEXT];
    str address = addr_text(text, a), place = resolve_place(p->resolved, a);
    return str_format(p->arena, "%.*s (%.*s)", STR_ARG(address), STR_ARG(place));
}

static str line_of(const struct point *p, struct place place)
{
    return str_format(p->arena, "%.*s:%" PRIu32, STR_ARG(p->resolved->policy->source), place.line);
}

/* "policy.yaml:14", with the entry's name when it has one. */
static str placed(const struct point *p, str where, str name, str after)
{
    return str_format(p->arena, "%.*s%s%.*s%.*s", STR_ARG(where), name.len ? " " : "",
                      STR_ARG(name), STR_ARG(after));
}

static str entry_text(const struct point *p, const struct resolved_entry *e, str after)
{
    str where = resolve_entry_where(p->resolved, e, p->arena);
    if (e->exception)
        after = str_format(p->arena, "%.*s (%.*s)", STR_ARG(after),
                           STR_ARG(exception_text(e->exception, p->arena)));
    return placed(p, where, e->entry->name, after);
}

/* Nothing matches: the entry that comes closest tells most. One that names both ends but excepts
 * one, else one that names the server but not this client, else one that names the client. */
struct miss {
    const struct resolved_entry *entry;
    int rank;
    enum end_verdict from, to;
};

static void take_miss(const struct point *p, const struct resolved_entry *e, struct miss *best)
{
    if (!names_service(e->entry->services, e->entry->n_services, p->service)) return;
    enum end_verdict from = from_verdict(p, e), to = to_verdict(p, e);
    int rank = (from != END_ELSEWHERE) + 2 * (to != END_ELSEWHERE);
    if (rank > best->rank) *best = (struct miss){e, rank, from, to};
}

/* The first of the highest rank. With an index, those that name both ends are looked for first, and
 * of those that name one the first will do. */
static struct miss find_miss(const struct point *p)
{
    enum { BOTH = 3, SERVER = 2, CLIENT = 1 };
    struct miss best = {0};
    struct candidates candidates = candidates_of(p);
    for (const struct resolved_entry *e; best.rank < BOTH && (e = next_candidate(p, &candidates));)
        take_miss(p, e, &best);
    if (!p->index || best.rank == BOTH) return best;
    best = (struct miss){0};
    candidates.walk = entry_index_at(p->index, RESOLVE_SERVER, p->question->server);
    for (const struct resolved_entry *e;
         best.rank < SERVER && (e = next_candidate(p, &candidates));)
        take_miss(p, e, &best);
    if (best.rank == SERVER) return best;
    best = (struct miss){0};
    candidates.walk = entry_index_at(p->index, RESOLVE_CLIENT, p->question->client);
    for (const struct resolved_entry *e;
         best.rank < CLIENT && (e = next_candidate(p, &candidates));)
        take_miss(p, e, &best);
    return best;
}

static struct flow_reason nearest_miss(const struct point *p)
{
    struct miss best = find_miss(p);
    struct flow_reason reason = {.text = S("no allow entry matches")};
    if (!best.entry) return reason;
    bool excepted = best.from == END_EXCEPTED || best.to == END_EXCEPTED;
    bool internet = best.from == END_INTERNET || best.to == END_INTERNET;
    str how = best.rank == 3 && excepted   ? S("excepts it")
              : best.rank == 3 && internet ? S("does not say \"internet\"")
              : best.rank == 2             ? S("does not name this client")
                                           : S("does not name this server");
    reason.text = str_format(p->arena, "no allow entry matches; %.*s %.*s",
                             STR_ARG(entry_text(p, best.entry, S(""))), STR_ARG(how));
    return reason;
}

/* A perimeter entry whose inner end names somebody unknown. */
static const struct resolved_perimeter *unknown_perimeter(const struct point *p, str *mark)
{
    for (size_t i = 0; i < p->resolved->n_perimeter; i++) {
        const struct resolved_perimeter *e = &p->resolved->perimeter[i];
        bool outbound = e->direction == DIRECTION_OUTBOUND;
        struct prefix_set none = {0};
        struct end from = {e->from, none, !outbound, e->from_unknown, {0}};
        struct end to = {e->to, none, outbound, e->to_unknown, {0}};
        if (p->client_at_internet == outbound || p->server_at_internet != outbound) continue;
        if (!names_service(e->entry->services, e->entry->n_services, p->service)) continue;
        if (end_may_match(&from, p->question->client, p->client_at_internet, mark) &&
            end_may_match(&to, p->question->server, p->server_at_internet, mark) && mark->len)
            return e;
    }
    return NULL;
}

/* The first entry that allows, or does not, depending on who somebody is: a plain one, since that
 * outweighs whatever is certain, else a secure one. */
static struct flow_reason unknown_reason(const struct point *p)
{
    struct flow_reason reason = {0};
    str mark = {0}, entry = {0};
    struct candidates candidates = candidates_of(p);
    bool plain = true;
    while (!reason.entry) {
        const struct resolved_entry *e = next_candidate(p, &candidates);
        if (!e && !plain) break;
        if (!e) {
            plain = false;
            candidates = candidates_of(p);
            continue;
        }
        struct end from = from_end(e), to = to_end(e);
        bool is_plain = e->secure == SECURE_NONE || e->secure == SECURE_UNSET;
        if (is_plain != plain) continue;
        mark = (str){0};
        if (!names_service(e->entry->services, e->entry->n_services, p->service)) continue;
        if (!end_may_match(&from, p->question->client, p->client_at_internet, &mark)) continue;
        if (!end_may_match(&to, p->question->server, p->server_at_internet, &mark)) continue;
        if (!mark.len) continue;
        reason.entry = e;
        reason.place = e->entry->place;
        reason.where = resolve_entry_where(p->resolved, e, p->arena);
        entry = entry_text(p, e, S(""));
    }
    if (!reason.entry) {
        mark = (str){0};
        reason.perimeter = unknown_perimeter(p, &mark);
        assert(reason.perimeter && "what is undecidable depends on some entry");
        reason.place = reason.perimeter->entry->place;
        reason.where = line_of(p, reason.place);
        entry = placed(p, reason.where, reason.perimeter->entry->name, S(""));
    }
    reason.undecidable = mark;
    reason.text = str_format(p->arena, "%.*s depends on %.*s, whose members' addresses are unknown",
                             STR_ARG(entry), STR_ARG(mark));
    return reason;
}

static struct flow_reason intent_reason(const struct point *p, enum intent intent)
{
    struct flow_reason reason = {0};
    if (intent == INTENT_BLOCK) return nearest_miss(p);
    if (intent == INTENT_UNDECIDABLE) return unknown_reason(p);
    reason.entry = matching_entry(p, intent == INTENT_ALLOW);
    if (reason.entry) {
        str after = intent == INTENT_ALLOW_IF_SECURE ? S(" (if secure)") : S("");
        reason.place = reason.entry->entry->place;
        reason.where = resolve_entry_where(p->resolved, reason.entry, p->arena);
        reason.text = entry_text(p, reason.entry, after);
        return reason;
    }
    reason.perimeter = matching_perimeter(p);
    assert(reason.perimeter && "what the row allows, some entry says");
    reason.place = reason.perimeter->entry->place;
    reason.where = line_of(p, reason.place);
    reason.text = placed(p, reason.where, reason.perimeter->entry->name, S(""));
    return reason;
}

/* ---- Modes --------------------------------------------------------------------------------------
 */

static bool role_enforces(enum role role)
{
    return role == ROLE_DOMAIN_CONTROLLER || role == ROLE_FILE_SERVER ||
           role == ROLE_PRINT_SERVER || role == ROLE_CLUSTER;
}

/* True when the group has the address, or another one of its machine (DESIGN.md 4, Enforcing). */
static bool group_has(const struct resolved *r, size_t group, struct addr a)
{
    if (prefix_set_contains(r->groups[group], a)) return true;
    for (size_t i = 0; i < r->n_machines; i++) {
        bool is_it = false, has = false;
        for (size_t j = 0; j < r->machines[i].n_addrs; j++) {
            is_it = is_it || addr_equal(r->machines[i].addrs[j], a);
            has = has || prefix_set_contains(r->groups[group], r->machines[i].addrs[j]);
        }
        if (is_it && has) return true;
    }
    return false;
}

/* Who set the mode of an enforcing address: the first level that names the profile. */
static struct flow_reason mode_reason(const struct point *p, struct addr a, enum profile_mode mode)
{
    const struct policy *policy = p->resolved->policy;
    struct flow_reason reason = {0};
    str says = str_format(p->arena, "profile %.*s is %.*s", STR_ARG(profile_text(p->profile)),
                          STR_ARG(profile_mode_text(mode)));
    for (int by_role = 0; by_role < 2; by_role++)
        for (size_t i = 0; i < policy->n_groups; i++) {
            const struct group *group = &policy->groups[i];
            bool names =
                by_role ? role_enforces(group->role) : group->profiles[p->profile] != MODE_UNSET;
            if (!names || !group_has(p->resolved, i, a)) continue;
            reason.place = group->place;
            reason.where = line_of(p, group->place);
            reason.text = str_format(p->arena, "%.*s of group %.*s%s", STR_ARG(says),
                                     STR_ARG(group->name), by_role ? " by its role" : "");
            return reason;
        }
    size_t s = resolve_segment(p->resolved, a);
    if (s != SIZE_MAX && policy->segments[s].profiles[p->profile] != MODE_UNSET) {
        reason.place = policy->segments[s].place;
        reason.where = line_of(p, reason.place);
        reason.text = str_format(p->arena, "%.*s of segment %.*s", STR_ARG(says),
                                 STR_ARG(policy->segments[s].name));
        return reason;
    }
    bool named = policy->profiles[p->profile] != MODE_UNSET;
    reason.text = str_format(p->arena, "%.*s %s", STR_ARG(says),
                             named ? "in the policy's profiles" : "by default");
    return reason;
}

static struct flow_reason silent_reason(const struct point *p, struct addr a)
{
    const struct policy *policy = p->resolved->policy;
    struct flow_reason reason = {0};
    str who = address_and_place(p, a);
    if (prefix_set_contains(p->resolved->enforcing, a)) {
        reason.text = str_format(p->arena, "%.*s has not got the policy yet", STR_ARG(who));
        return reason;
    }
    size_t s = resolve_segment(p->resolved, a);
    if (s != SIZE_MAX && policy->segments[s].trust == TRUST_MANAGED)
        for (size_t i = 0; i < policy->n_groups; i++)
            if (!policy->groups[i].managed && group_has(p->resolved, i, a)) {
                reason.place = policy->groups[i].place;
                reason.where = line_of(p, reason.place);
                reason.text =
                    str_format(p->arena, "%.*s enforces nothing: group %.*s is managed: false",
                               STR_ARG(who), STR_ARG(policy->groups[i].name));
                return reason;
            }
    if (s != SIZE_MAX) {
        reason.place = policy->segments[s].place;
        reason.where = line_of(p, reason.place);
    }
    reason.text =
        str_format(p->arena, "%.*s enforces nothing: it is not in a managed segment", STR_ARG(who));
    return reason;
}

static struct flow_reason host_reason(const struct point *p, struct addr a, enum side side,
                                      enum intent intent)
{
    const struct flow_question *q = p->question;
    bool deployed = !q->deployed || prefix_set_contains(*q->deployed, a);
    uint32_t class_id = atoms_class(decision_atoms(p->decision), a);
    enum profile_mode mode = decision_mode(p->decision, class_id, p->profile);
    if (mode == MODE_UNSET || !deployed) return silent_reason(p, a);
    bool outbound = side == SIDE_CLIENT_OUTBOUND;
    bool by_mode =
        mode == MODE_OFF || mode == MODE_BLOCK_ALL || (mode == MODE_BLOCK_INBOUND && !outbound);
    return by_mode ? mode_reason(p, a, mode) : intent_reason(p, intent);
}

struct flow_reason decision_why(const struct decision *decision, const struct flow_question *q,
                                enum side side, struct arena *arena)
{
    return decision_why_by(decision, NULL, q, side, arena);
}

struct flow_reason decision_why_by(const struct decision *decision, const struct entry_index *index,
                                   const struct flow_question *q, enum side side,
                                   struct arena *arena)
{
    struct flow_answer answer = decision_ask(decision, q);
    const struct resolved *r = decision_resolved(decision);
    struct point p = {
        .decision = decision,
        .resolved = r,
        .question = q,
        .service = answer.service,
        .profile = q->profile < PROFILE_COUNT ? q->profile : PROFILE_DOMAIN,
        .client_at_internet = prefix_set_contains(r->places.internet, q->client),
        .server_at_internet = prefix_set_contains(r->places.internet, q->server),
        .index = index,
        .arena = arena,
    };
    if (answer.intent == INTENT_LOCAL)
        return (struct flow_reason){.text = S("a machine's own or a local address")};
    if (answer.intent == INTENT_UNGOVERNED)
        return (struct flow_reason){.text = S("the policy does not govern this service")};
    if (side == SIDE_CLIENT_OUTBOUND) return host_reason(&p, q->client, side, answer.intent);
    if (side == SIDE_SERVER_INBOUND) return host_reason(&p, q->server, side, answer.intent);
    return intent_reason(&p, answer.intent);
}
