/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/remedies.h"

#include "base/instant.h"

enum { MOST_DEAD = 8, MOST_EDITS = 3 };

str remedy_kind_text(enum remedy_kind kind)
{
    static const str texts[] = {
#define X(name, text) {text, sizeof(text) - 1},
        REMEDIES(X)
#undef X
    };
    return texts[kind];
}

struct mending {
    const struct decision *decision;
    const struct resolved *resolved;
    const struct policy *policy;
    const struct flow_question *q;
    const struct flow_answer *answer;
    const struct ring_plan *plan;
    size_t ring;
    struct arena *arena;
    struct arena scratch;
    str client, server, service; /* as they stand in YAML */
    bool client_out, server_out; /* at the internet */
    struct remedy *items;
    size_t n, room;
};

/* ---- Asking again -------------------------------------------------------------------------------
 */

/* What a change is for: the question is answered so afterwards. */
enum goal { GOAL_PASSES, GOAL_STOPS, GOAL_ANY };

static bool reaches(enum goal goal, const struct flow_answer *after)
{
    if (goal == GOAL_PASSES) return after->passes;
    if (goal == GOAL_STOPS) return !after->passes && !after->passes_secured;
    return true;
}

static void add(struct mending *c, struct remedy remedy)
{
    arena_grow(c->arena, c->items, c->n, c->room);
    c->items[c->n++] = remedy;
}

/* Adds the change when it does what it is for. */
static bool propose(struct mending *c, struct what_if *changed, const struct flow_question *q,
                    enum goal goal, struct remedy remedy)
{
    struct arena once = c->scratch, work = arena_open("what if", 0, NULL);
    bool good = what_if_ask(changed, c->resolved, q, &once, work, &remedy.after);
    arena_close(&work);
    good = good && reaches(goal, &remedy.after);
    if (good) add(c, remedy);
    return good;
}

static struct what_if start(struct mending *c)
{
    return what_if_of(c->resolved, c->q, c->arena);
}

/* Pairs but the one asked about. */
static uint64_t but_this(uint64_t pairs)
{
    return pairs && pairs != UINT64_MAX ? pairs - 1 : pairs;
}

/* ---- Words --------------------------------------------------------------------------------------
 */

static str yaml_addr(struct arena *arena, struct addr a)
{
    char text[ADDR_TEXT];
    str plain = addr_text(text, a);
    return str_format(arena, addr_is_v4(a) ? "%.*s" : "\"%.*s\"", STR_ARG(plain));
}

static str line_of(const struct mending *c, struct place place)
{
    return str_format(c->arena, "%.*s:%" PRIu32, STR_ARG(c->policy->source), place.line);
}

static str placed_name(const struct mending *c, const struct resolved_entry *e)
{
    str where = resolve_entry_where(c->resolved, e, c->arena);
    return str_format(c->arena, "%.*s%s%.*s", STR_ARG(where), e->entry->name.len ? " " : "",
                      STR_ARG(e->entry->name));
}

/* ---- Modes --------------------------------------------------------------------------------------
 * Where a mode blocks at an end, no entry helps: the profile has to enforce there.
 */

/* What to write so that an address enforces the intent in the profile asked about. */
struct mode_cure {
    bool needed;
    bool by_group; /* a group's mode stands before its segment's */
    size_t index;  /* of the group or segment */
    str yaml, where;
};

static bool is_of_group(const struct mending *c, size_t group, struct addr a)
{
    const struct resolved *r = c->resolved;
    if (prefix_set_contains(r->groups[group], a)) return true;
    for (size_t i = 0; i < r->n_machines; i++) {
        bool is_it = false, has = false;
        for (size_t j = 0; j < r->machines[i].n_addrs; j++) {
            is_it |= addr_equal(r->machines[i].addrs[j], a);
            has |= prefix_set_contains(r->groups[group], r->machines[i].addrs[j]);
        }
        if (is_it && has) return true;
    }
    return false;
}

static struct mode_cure cure_mode(const struct mending *c, struct addr a, enum side side)
{
    const struct decision *d = c->decision;
    enum profile profile = c->q->profile < PROFILE_COUNT ? c->q->profile : PROFILE_DOMAIN;
    enum profile_mode mode = decision_mode(d, atoms_class(decision_atoms(d), a), profile);
    struct mode_cure cure = {
        .needed =
            mode == MODE_BLOCK_ALL || (mode == MODE_BLOCK_INBOUND && side == SIDE_SERVER_INBOUND),
        .index = resolve_segment(c->resolved, a),
    };
    if (!cure.needed) return cure;
    struct place place = c->policy->segments[cure.index].place;
    str name = c->policy->segments[cure.index].name;
    for (size_t i = 0; i < c->policy->n_groups; i++)
        if (c->policy->groups[i].profiles[profile] == mode && is_of_group(c, i, a)) {
            cure.by_group = true;
            cure.index = i;
            place = c->policy->groups[i].place;
            name = c->policy->groups[i].name;
            break;
        }
    cure.where = line_of(c, place);
    cure.yaml = str_format(c->arena, "%s: {%.*s: {profiles: {%.*s: enforce}}}",
                           cure.by_group ? "groups" : "segments", STR_ARG(name),
                           STR_ARG(profile_text(profile)));
    return cure;
}

static void apply_mode(const struct mending *c, const struct mode_cure *cure,
                       struct what_if *changed)
{
    enum profile profile = c->q->profile < PROFILE_COUNT ? c->q->profile : PROFILE_DOMAIN;
    if (!cure->needed) return;
    if (cure->by_group)
        changed->groups[cure->index].profiles[profile] = MODE_ENFORCE;
    else
        changed->segments[cure->index].profiles[profile] = MODE_ENFORCE;
}

/* Both ends' modes, as one change or as part of another. */
struct modes {
    struct mode_cure client, server;
};

static struct modes cure_modes(const struct mending *c)
{
    struct modes modes = {0};
    for (size_t i = 0; i < c->answer->n_sides; i++) {
        const struct side_answer *side = &c->answer->sides[i];
        if (!side->enforces || side->side == SIDE_BORDER) continue;
        if (side->side == SIDE_CLIENT_OUTBOUND)
            modes.client = cure_mode(c, c->q->client, side->side);
        else
            modes.server = cure_mode(c, c->q->server, side->side);
    }
    if (modes.client.needed && modes.server.needed &&
        str_equal(modes.client.yaml, modes.server.yaml))
        modes.server.needed = false;
    return modes;
}

static bool needs_modes(const struct modes *modes)
{
    return modes->client.needed || modes->server.needed;
}

/* "segments: ...", one line for each end that needs it; empty for none. */
static str modes_yaml(const struct mending *c, const struct modes *modes)
{
    struct buf out = buf_in(c->arena);
    if (modes->client.needed) buf_str(&out, modes->client.yaml);
    if (needs_modes(modes) && modes->server.needed && modes->client.needed) buf_char(&out, '\n');
    if (modes->server.needed) buf_str(&out, modes->server.yaml);
    return buf_text(&out);
}

/* What opens the intent, with the modes that have to follow. */
static bool propose_open(struct mending *c, const struct modes *modes, struct what_if *changed,
                         struct remedy remedy)
{
    apply_mode(c, &modes->client, changed);
    apply_mode(c, &modes->server, changed);
    if (needs_modes(modes)) {
        remedy.text =
            str_format(c->arena, "%.*s, and enforce in the profile", STR_ARG(remedy.text));
        remedy.yaml =
            str_format(c->arena, "%.*s\n%.*s", STR_ARG(remedy.yaml), STR_ARG(modes_yaml(c, modes)));
    }
    return propose(c, changed, c->q, GOAL_PASSES, remedy);
}

/* ---- New entries --------------------------------------------------------------------------------
 */

static struct selectors one_selector(struct mending *c, struct selector item)
{
    struct selector *items = arena_new(c->arena, struct selector);
    *items = item;
    return (struct selectors){.items = items, .n = 1, .given = true};
}

static struct selector host_selector(struct addr a)
{
    return (struct selector){.kind = SELECT_PREFIX, .prefix = prefix_of(a, 128)};
}

static struct entry new_entry(struct mending *c, struct selector from, struct selector to)
{
    size_t *service = arena_new(c->arena, size_t);
    *service = (size_t)c->answer->service;
    return (struct entry){
        .from = one_selector(c, from),
        .to = one_selector(c, to),
        .services = service,
        .n_services = 1,
        .secure = SECURE_NONE,
    };
}

/* Under secure-bypass an entry has to say that it means clear. */
static const char *secure_words(const struct mending *c)
{
    return c->policy->strategy == STRATEGY_SECURE_BYPASS ? ", secure: none" : "";
}

static void propose_entry(struct mending *c, const struct modes *modes)
{
    struct what_if changed = start(c);
    changed.allow[changed.policy.n_allow++] =
        new_entry(c, host_selector(c->q->client), host_selector(c->q->server));
    struct remedy remedy = {
        .kind = REMEDY_ALLOW_ENTRY,
        .text = S("allow this client to use this server"),
        .yaml = str_format(c->arena, "allow:\n  - {from: %.*s, to: %.*s, service: %.*s%s}",
                           STR_ARG(c->client), STR_ARG(c->server), STR_ARG(c->service),
                           secure_words(c)),
        .counts = true,
    };
    (void)propose_open(c, modes, &changed, remedy);
}

static void propose_exception(struct mending *c, const struct modes *modes)
{
    enum { DAYS = 30 };
    struct what_if changed = start(c);
    struct civil end = instant_to_civil(c->resolved->as_of_us + DAYS * INSTANT_DAY);
    changed.exceptions[changed.policy.n_exceptions++] = (struct exception){
        .entry = new_entry(c, host_selector(c->q->client), host_selector(c->q->server)),
        .starts_us = INT64_MIN,
        .expires_us = INT64_MAX,
    };
    struct remedy remedy = {
        .kind = REMEDY_EXCEPTION,
        .text = S("ask for an exception of this client and this server"),
        .yaml = str_format(c->arena,
                           "exceptions:\n  - {from: %.*s, to: %.*s, service: %.*s%s, owner: WHO, "
                           "reason: WHY, approver: SOMEBODY ELSE, expires: %04d-%02u-%02u}",
                           STR_ARG(c->client), STR_ARG(c->server), STR_ARG(c->service),
                           secure_words(c), end.year, end.month, end.day),
        .counts = true,
    };
    (void)propose_open(c, modes, &changed, remedy);
}

/* The smallest group that has the address, else its segment; false when neither names it. */
static bool smallest_name(const struct mending *c, struct addr a, struct selector *out,
                          struct prefix_set *set, str *name)
{
    uint64_t smallest = UINT64_MAX;
    bool found = false;
    for (size_t i = 0; i < c->policy->n_groups; i++) {
        uint64_t size = prefix_set_size(c->resolved->groups[i]);
        if (c->resolved->groups_unknown[i].len || size >= smallest ||
            !prefix_set_contains(c->resolved->groups[i], a))
            continue;
        smallest = size;
        found = true;
        *out = (struct selector){.kind = SELECT_GROUP, .index = i};
        *set = c->resolved->groups[i];
        *name = c->policy->groups[i].name;
    }
    size_t segment = resolve_segment(c->resolved, a);
    if (found || segment == SIZE_MAX) return found;
    *out = (struct selector){.kind = SELECT_SEGMENT, .index = segment};
    *set = c->resolved->places.segments[segment];
    *name = c->policy->segments[segment].name;
    return true;
}

/* In the words of the policy: wider, but it says what the flow is for. */
static void propose_named(struct mending *c, const struct modes *modes)
{
    struct selector from, to;
    struct prefix_set clients, servers;
    str client, server;
    if (!smallest_name(c, c->q->client, &from, &clients, &client) ||
        !smallest_name(c, c->q->server, &to, &servers, &server))
        return;
    if (to.kind == SELECT_SEGMENT) {
        to = host_selector(c->q->server);
        servers = prefix_set_of_prefix(c->arena, prefix_of(c->q->server, 128));
        server = c->server;
    }
    struct what_if changed = start(c);
    changed.allow[changed.policy.n_allow++] = new_entry(c, from, to);
    uint64_t pairs =
        what_if_pairs(c->resolved, c->answer->service, clients, servers, SIZE_MAX, c->scratch);
    struct remedy remedy = {
        .kind = REMEDY_NAMED_ENTRY,
        .text = str_format(c->arena, "allow %.*s to use %.*s", STR_ARG(client), STR_ARG(server)),
        .yaml = str_format(c->arena, "allow:\n  - {from: %.*s, to: %.*s, service: %.*s%s}",
                           STR_ARG(client), STR_ARG(server), STR_ARG(c->service), secure_words(c)),
        .counts = true,
        .also = but_this(pairs),
    };
    (void)propose_open(c, modes, &changed, remedy);
}

static void propose_perimeter(struct mending *c, const struct modes *modes)
{
    struct what_if changed = start(c);
    size_t *service = arena_new(c->arena, size_t);
    *service = (size_t)c->answer->service;
    changed.policy.has_perimeter = true;
    changed.perimeter[changed.policy.n_perimeter++] = (struct perimeter_entry){
        .direction = c->server_out ? DIRECTION_OUTBOUND : DIRECTION_INBOUND,
        .from = one_selector(c, host_selector(c->q->client)),
        .to = one_selector(c, host_selector(c->q->server)),
        .services = service,
        .n_services = 1,
    };
    struct remedy remedy = {
        .kind = REMEDY_PERIMETER_ENTRY,
        .text = c->policy->has_perimeter
                    ? S("allow it at the network's edge")
                    : S("allow it at the network's edge, which is an enforced border from then on"),
        .yaml = str_format(c->arena,
                           "perimeter:\n  - {direction: %s, from: %.*s, to: %.*s, service: %.*s}",
                           c->server_out ? "outbound" : "inbound", STR_ARG(c->client),
                           STR_ARG(c->server), STR_ARG(c->service)),
        .counts = true,
    };
    (void)propose_open(c, modes, &changed, remedy);
}

/* ---- Lines that nearly match --------------------------------------------------------------------
 */

static bool lists_service(const struct mending *c, const struct entry *entry)
{
    for (size_t i = 0; i < entry->n_services; i++)
        if (entry->services[i] == (size_t)c->answer->service) return true;
    return false;
}

static struct selectors with_host(struct mending *c, const struct selectors *old, struct addr a)
{
    struct selector *items = arena_array(c->arena, struct selector, old->n + 1);
    for (size_t i = 0; i < old->n; i++)
        items[i] = old->items[i];
    items[old->n] = host_selector(a);
    return (struct selectors){.items = items, .n = old->n + 1, .given = true};
}

/* One end is named and the other is not: that other one, added to the line. */
static bool propose_wider(struct mending *c, const struct modes *modes, size_t at)
{
    const struct resolved_entry *e = &c->resolved->entries[at];
    bool client = prefix_set_contains(e->from, c->q->client) &&
                  !prefix_set_contains(e->except_from, c->q->client);
    bool server = prefix_set_contains(e->to, c->q->server) &&
                  !prefix_set_contains(e->except_to, c->q->server);
    bool plain = e->secure == SECURE_NONE || e->secure == SECURE_UNSET;
    bool excepted = prefix_set_contains(client ? e->except_to : e->except_from,
                                        client ? c->q->server : c->q->client);
    if (client == server || excepted || !plain || e->exception || !lists_service(c, e->entry))
        return false;
    struct what_if changed = start(c);
    struct entry wider = *e->entry;
    struct addr added = client ? c->q->server : c->q->client;
    if (client)
        wider.to = with_host(c, &wider.to, added);
    else
        wider.from = with_host(c, &wider.from, added);
    changed.allow[changed.policy.n_allow++] = wider;
    struct range host = {added, added};
    struct prefix_set alone = {&host, 1};
    struct prefix_set others = client ? prefix_set_subtract(&c->scratch, e->from, e->except_from)
                                      : prefix_set_subtract(&c->scratch, e->to, e->except_to);
    uint64_t pairs = what_if_pairs(c->resolved, c->answer->service, client ? others : alone,
                                   client ? alone : others, SIZE_MAX, c->scratch);
    struct remedy remedy = {
        .kind = REMEDY_EDIT_ENTRY,
        .text = str_format(c->arena, "add this %s to %.*s", client ? "server" : "client",
                           STR_ARG(placed_name(c, e))),
        .yaml = str_format(c->arena, "%s: [..., %.*s]", client ? "to" : "from",
                           STR_ARG(client ? c->server : c->client)),
        .where = resolve_entry_where(c->resolved, e, c->arena),
        .counts = true,
        .also = but_this(pairs),
    };
    return propose_open(c, modes, &changed, remedy);
}

/* An entry that asks for Kerberos or certificates, without. */
static bool propose_clear(struct mending *c, const struct modes *modes, size_t at)
{
    const struct resolved_entry *e = &c->resolved->entries[at];
    bool secure = e->secure == SECURE_KERBEROS || e->secure == SECURE_CERTIFICATE;
    if (!secure || e->exception || !what_if_matches(c->resolved, e, c->q, c->answer->service))
        return false;
    struct what_if changed = start(c);
    struct entry clear = *e->entry;
    clear.secure = SECURE_NONE;
    clear.n_secure_computers = 0;
    changed.allow[changed.policy.n_allow++] = clear;
    struct prefix_set from = prefix_set_subtract(&c->scratch, e->from, e->except_from);
    struct prefix_set to = prefix_set_subtract(&c->scratch, e->to, e->except_to);
    struct remedy remedy = {
        .kind = REMEDY_EDIT_ENTRY,
        .text = str_format(c->arena, "let %.*s pass without authentication",
                           STR_ARG(placed_name(c, e))),
        .yaml = S("secure: none"),
        .where = resolve_entry_where(c->resolved, e, c->arena),
        .counts = true,
        .also = but_this(
            what_if_pairs(c->resolved, c->answer->service, from, to, SIZE_MAX, c->scratch)),
    };
    return propose_open(c, modes, &changed, remedy);
}

static void propose_edits(struct mending *c, const struct modes *modes)
{
    size_t n = 0;
    for (size_t i = 0; i < c->resolved->n_entries && n < MOST_EDITS; i++)
        n += propose_clear(c, modes, i);
    for (size_t i = 0; i < c->resolved->n_entries && n < MOST_EDITS; i++)
        n += propose_wider(c, modes, i);
}

/* ---- Dead exceptions ----------------------------------------------------------------------------
 */

static bool would_match(const struct mending *c, const struct exception *e)
{
    return lists_service(c, &e->entry) &&
           resolve_selectors_have(c->resolved, &e->entry.from, RESOLVE_CLIENT, c->q->client) &&
           resolve_selectors_have(c->resolved, &e->entry.to, RESOLVE_SERVER, c->q->server);
}

static size_t find_dead(const struct mending *c, const struct exception **out)
{
    size_t n = 0;
    for (size_t left = c->policy->n_exceptions; left && n < MOST_DEAD; left--) {
        const struct exception *e = &c->policy->exceptions[left - 1];
        if (exception_life(e, c->resolved->as_of_us) != EXCEPTION_ALIVE && would_match(c, e))
            out[n++] = e;
    }
    return n;
}

static void propose_renewal(struct mending *c, const struct modes *modes,
                            const struct exception *dead)
{
    struct what_if changed = start(c);
    struct exception again = *dead;
    bool expired = exception_life(dead, c->resolved->as_of_us) == EXCEPTION_EXPIRED;
    again.starts_us = INT64_MIN;
    again.expires_us = INT64_MAX;
    changed.exceptions[changed.policy.n_exceptions++] = again;
    struct prefix_set from =
        resolve_selectors(c->resolved, &dead->entry.from, RESOLVE_CLIENT, &c->scratch);
    struct prefix_set to =
        resolve_selectors(c->resolved, &dead->entry.to, RESOLVE_SERVER, &c->scratch);
    struct remedy remedy = {
        .kind = REMEDY_RENEW,
        .text =
            expired
                ? str_format(c->arena, "renew the %.*s", STR_ARG(exception_text(dead, c->arena)))
                : str_format(c->arena, "start the %.*s before %.*s",
                             STR_ARG(exception_text(dead, c->arena)), STR_ARG(dead->starts)),
        .where = str_format(c->arena, "%.*s:%" PRIu32, STR_ARG(dead->file->name),
                            dead->entry.place.line),
        .counts = true,
        .also = but_this(
            what_if_pairs(c->resolved, c->answer->service, from, to, SIZE_MAX, c->scratch)),
    };
    (void)propose_open(c, modes, &changed, remedy);
}

/* ---- To open ------------------------------------------------------------------------------------
 */

static void propose_modes(struct mending *c, const struct modes *modes)
{
    struct what_if changed = start(c);
    apply_mode(c, &modes->client, &changed);
    apply_mode(c, &modes->server, &changed);
    struct remedy remedy = {
        .kind = REMEDY_PROFILE,
        .text = str_format(c->arena, "enforce the policy in profile %.*s instead of blocking all",
                           STR_ARG(profile_text(c->q->profile))),
        .yaml = modes_yaml(c, modes),
        .where = modes->client.needed ? modes->client.where : modes->server.where,
    };
    (void)propose(c, &changed, c->q, GOAL_PASSES, remedy);
}

static void to_open(struct mending *c, const struct exception **dead, size_t n_dead)
{
    struct modes modes = cure_modes(c);
    if (c->answer->intent == INTENT_ALLOW) {
        if (needs_modes(&modes)) propose_modes(c, &modes);
        return;
    }
    if (c->client_out != c->server_out) {
        propose_perimeter(c, &modes);
        return;
    }
    if (c->client_out) return;
    propose_entry(c, &modes);
    for (size_t i = 0; i < n_dead; i++)
        propose_renewal(c, &modes, dead[i]);
    propose_exception(c, &modes);
    propose_edits(c, &modes);
    propose_named(c, &modes);
}

/* ---- To close -----------------------------------------------------------------------------------
 */

/* Takes the entry out of the copy, which has those that may match in the same order. */
static void remove_entry(struct mending *c, size_t at, struct what_if *changed)
{
    const struct resolved_entry *gone = &c->resolved->entries[at];
    size_t n = 0;
    for (size_t i = 0; i < changed->policy.n_allow && !gone->exception; i++)
        if (changed->allow[i].place.line != gone->entry->place.line ||
            changed->allow[i].place.column != gone->entry->place.column)
            changed->allow[n++] = changed->allow[i];
    if (!gone->exception) {
        changed->policy.n_allow = n;
        return;
    }
    for (size_t i = 0; i < changed->policy.n_exceptions; i++)
        if (changed->exceptions[i].entry.place.line != gone->entry->place.line ||
            changed->exceptions[i].entry.place.column != gone->entry->place.column)
            changed->exceptions[n++] = changed->exceptions[i];
    changed->policy.n_exceptions = n;
}

static uint64_t also_closed(struct mending *c, size_t at)
{
    const struct resolved_entry *e = &c->resolved->entries[at];
    struct prefix_set from = prefix_set_subtract(&c->scratch, e->from, e->except_from);
    struct prefix_set to = prefix_set_subtract(&c->scratch, e->to, e->except_to);
    if (!e->from_internet)
        from = prefix_set_subtract(&c->scratch, from, c->resolved->places.internet);
    if (!e->to_internet) to = prefix_set_subtract(&c->scratch, to, c->resolved->places.internet);
    return but_this(what_if_pairs(c->resolved, c->answer->service, from, to, at, c->scratch));
}

static bool propose_removal(struct mending *c, size_t at)
{
    const struct resolved_entry *e = &c->resolved->entries[at];
    struct what_if changed = start(c);
    bool plain = e->secure == SECURE_NONE || e->secure == SECURE_UNSET;
    remove_entry(c, at, &changed);
    struct remedy remedy = {
        .kind = REMEDY_REMOVE_ENTRY,
        .text = e->exception ? str_format(c->arena, "revoke the %.*s",
                                          STR_ARG(exception_text(e->exception, c->arena)))
                             : str_format(c->arena, "remove %.*s", STR_ARG(placed_name(c, e))),
        .where = resolve_entry_where(c->resolved, e, c->arena),
        .counts = plain,
        .also = plain ? also_closed(c, at) : 0,
    };
    return propose(c, &changed, c->q, GOAL_STOPS, remedy);
}

/* The line stays, but this client is not meant any more. */
static void propose_except(struct mending *c, size_t at)
{
    const struct resolved_entry *e = &c->resolved->entries[at];
    struct what_if changed = start(c);
    struct entry narrower = *e->entry;
    if (e->exception) return;
    remove_entry(c, at, &changed);
    narrower.except_from = with_host(c, &narrower.except_from, c->q->client);
    changed.allow[changed.policy.n_allow++] = narrower;
    struct range host = {c->q->client, c->q->client};
    struct prefix_set to = prefix_set_subtract(&c->scratch, e->to, e->except_to);
    bool plain = e->secure == SECURE_NONE || e->secure == SECURE_UNSET;
    struct remedy remedy = {
        .kind = REMEDY_EXCEPT,
        .text = str_format(c->arena, "except this client from %.*s", STR_ARG(placed_name(c, e))),
        .yaml = str_format(c->arena, "except: {from: [..., %.*s]}", STR_ARG(c->client)),
        .where = resolve_entry_where(c->resolved, e, c->arena),
        .counts = plain,
        .also = plain ? but_this(what_if_pairs(c->resolved, c->answer->service,
                                               (struct prefix_set){&host, 1}, to, at, c->scratch))
                      : 0,
    };
    (void)propose(c, &changed, c->q, GOAL_STOPS, remedy);
}

/* Several lines allow it: only all of them together close it. */
static void propose_removals(struct mending *c, const size_t *matching, size_t n)
{
    struct what_if changed = start(c);
    struct buf names = buf_in(c->arena);
    for (size_t i = 0; i < n; i++)
        remove_entry(c, matching[i], &changed);
    for (size_t i = 0; i < n; i++) {
        if (i) buf_str(&names, S(", "));
        buf_str(&names, placed_name(c, &c->resolved->entries[matching[i]]));
    }
    struct remedy remedy = {
        .kind = REMEDY_REMOVE_ENTRY,
        .text = str_format(c->arena, "remove all %zu that allow it: %.*s", n,
                           STR_ARG(buf_text(&names))),
    };
    (void)propose(c, &changed, c->q, GOAL_STOPS, remedy);
}

static bool edge_matches(const struct mending *c, const struct resolved_perimeter *e)
{
    bool listed = false;
    for (size_t i = 0; i < e->entry->n_services; i++)
        listed |= e->entry->services[i] == (size_t)c->answer->service;
    return listed && (e->direction == DIRECTION_OUTBOUND) == c->server_out &&
           prefix_set_contains(e->from, c->q->client) && prefix_set_contains(e->to, c->q->server);
}

static void propose_edges(struct mending *c)
{
    struct what_if changed = start(c);
    struct buf names = buf_in(c->arena);
    size_t n = 0, n_gone = 0;
    struct place first = {0};
    for (size_t i = 0; i < c->resolved->n_perimeter; i++) {
        const struct resolved_perimeter *e = &c->resolved->perimeter[i];
        if (!edge_matches(c, e)) {
            changed.perimeter[n++] = *e->entry;
            continue;
        }
        if (!n_gone++) first = e->entry->place;
        buf_format(&names, "%s%.*s%s%.*s", n_gone > 1 ? ", " : "",
                   STR_ARG(line_of(c, e->entry->place)), e->entry->name.len ? " " : "",
                   STR_ARG(e->entry->name));
    }
    if (!n_gone) return;
    changed.policy.n_perimeter = n;
    struct remedy remedy = {
        .kind = REMEDY_REMOVE_ENTRY,
        .text = str_format(c->arena, "remove %.*s", STR_ARG(buf_text(&names))),
        .where = n_gone == 1 ? line_of(c, first) : (str){0},
    };
    (void)propose(c, &changed, c->q, GOAL_STOPS, remedy);
}

static void to_close(struct mending *c)
{
    enum { MOST = 16 };
    size_t matching[MOST], n = 0;
    for (size_t i = 0; i < c->resolved->n_entries && n < MOST; i++)
        if (what_if_matches(c->resolved, &c->resolved->entries[i], c->q, c->answer->service))
            matching[n++] = i;
    if (n == 1 && propose_removal(c, matching[0])) propose_except(c, matching[0]);
    if (n > 1 && n < MOST) propose_removals(c, matching, n);
    if (c->client_out != c->server_out) propose_edges(c);
}

/* ---- To enforce ---------------------------------------------------------------------------------
 * The policy blocks it, and it passes: nobody on the path does anything about it.
 */

static void propose_ring(struct mending *c)
{
    if (!c->plan || c->ring >= c->plan->n) return;
    const struct addr ends[] = {c->q->client, c->q->server};
    for (size_t ring = c->ring + 1; ring < c->plan->n; ring++) {
        struct range has[2];
        size_t n = 0;
        for (size_t i = 0; i < 2; i++) {
            str who = ring_plan_identity(c->resolved, ends[i], c->arena);
            if (ring_plan_ring(c->plan, ends[i], who) <= ring)
                has[n++] = (struct range){ends[i], ends[i]};
        }
        struct prefix_set deployed = prefix_set_of(c->arena, has, n);
        struct flow_question q = *c->q;
        q.deployed = &deployed;
        struct what_if same = start(c);
        struct remedy remedy = {
            .kind = REMEDY_RING,
            .text = str_format(c->arena, "deploy ring %.*s", STR_ARG(c->policy->rings[ring].name)),
            .where = line_of(c, c->policy->rings[ring].place),
        };
        if (propose(c, &same, &q, GOAL_STOPS, remedy)) return;
    }
}

static void propose_border(struct mending *c, struct addr a)
{
    size_t segment = resolve_segment(c->resolved, a);
    struct what_if changed = start(c);
    if (segment == SIZE_MAX || c->policy->segments[segment].border_enforced) return;
    changed.segments[segment].border_enforced = true;
    str name = c->policy->segments[segment].name;
    struct remedy remedy = {
        .kind = REMEDY_BORDER,
        .text = str_format(c->arena, "put a firewall at the border of %.*s", STR_ARG(name)),
        .yaml = str_format(c->arena, "segments: {%.*s: {border: enforced}}", STR_ARG(name)),
        .where = line_of(c, c->policy->segments[segment].place),
    };
    (void)propose(c, &changed, c->q, GOAL_STOPS, remedy);
}

static void propose_managed(struct mending *c, struct addr a)
{
    for (size_t i = 0; i < c->policy->n_groups; i++) {
        if (c->policy->groups[i].managed || !is_of_group(c, i, a)) continue;
        struct what_if changed = start(c);
        changed.groups[i].managed = true;
        str name = c->policy->groups[i].name;
        struct remedy remedy = {
            .kind = REMEDY_MANAGED,
            .text = str_format(c->arena, "let the machines of %.*s enforce the policy themselves",
                               STR_ARG(name)),
            .yaml = str_format(c->arena, "groups: {%.*s: {managed: true}}", STR_ARG(name)),
            .where = line_of(c, c->policy->groups[i].place),
        };
        (void)propose(c, &changed, c->q, GOAL_STOPS, remedy);
    }
}

/* An end whose mode is off enforces nothing in this profile. */
static void propose_on(struct mending *c, struct addr a)
{
    const struct decision *d = c->decision;
    enum profile profile = c->q->profile < PROFILE_COUNT ? c->q->profile : PROFILE_DOMAIN;
    size_t segment = resolve_segment(c->resolved, a);
    bool off = decision_mode(d, atoms_class(decision_atoms(d), a), profile) == MODE_OFF;
    struct what_if changed = start(c);
    struct mode_cure cure = {.needed = true, .index = segment};
    if (!off || segment == SIZE_MAX) return;
    const char *what = "segments";
    str name = c->policy->segments[segment].name;
    struct place place = c->policy->segments[segment].place;
    for (size_t i = 0; i < c->policy->n_groups; i++)
        if (c->policy->groups[i].profiles[profile] == MODE_OFF && is_of_group(c, i, a)) {
            cure = (struct mode_cure){.needed = true, .by_group = true, .index = i};
            what = "groups";
            name = c->policy->groups[i].name;
            place = c->policy->groups[i].place;
            break;
        }
    apply_mode(c, &cure, &changed);
    struct remedy remedy = {
        .kind = REMEDY_PROFILE,
        .text = str_format(c->arena, "enforce the policy in profile %.*s, which is off",
                           STR_ARG(profile_text(profile))),
        .yaml = str_format(c->arena, "%s: {%.*s: {profiles: {%.*s: enforce}}}", what, STR_ARG(name),
                           STR_ARG(profile_text(profile))),
        .where = line_of(c, place),
    };
    (void)propose(c, &changed, c->q, GOAL_STOPS, remedy);
}

static void propose_edge(struct mending *c)
{
    struct what_if changed = start(c);
    if (c->client_out == c->server_out || c->policy->has_perimeter) return;
    changed.policy.has_perimeter = true;
    struct remedy remedy = {
        .kind = REMEDY_BORDER,
        .text = S("put a firewall at the network's edge"),
        .yaml = S("perimeter: []"),
    };
    (void)propose(c, &changed, c->q, GOAL_STOPS, remedy);
}

static void to_enforce(struct mending *c)
{
    propose_ring(c);
    propose_on(c, c->q->client);
    propose_on(c, c->q->server);
    propose_managed(c, c->q->client);
    propose_managed(c, c->q->server);
    propose_border(c, c->q->client);
    propose_border(c, c->q->server);
    propose_edge(c);
}

/* ---- Not decided --------------------------------------------------------------------------------
 */

static void to_govern(struct mending *c)
{
    struct what_if changed = start(c);
    if (c->answer->service == SERVICE_NONE) return;
    str name = c->policy->services.services[c->answer->service].name;
    changed.governed[c->answer->service] = true;
    struct remedy remedy = {
        .kind = REMEDY_GOVERN,
        .text = str_format(c->arena, "let the policy decide %.*s", STR_ARG(name)),
        .yaml = str_format(c->arena, "govern: [..., %.*s]", STR_ARG(name)),
    };
    (void)propose(c, &changed, c->q, GOAL_ANY, remedy);
}

static bool is_unknown(const struct mending *c, const struct member *member)
{
    const struct host_lookup *lookup = c->resolved->lookup;
    const str *names = NULL;
    str missing = {0};
    size_t n = 0;
    if (member->kind == MEMBER_PREFIX) return false;
    if (!lookup) return true;
    if (member->kind == MEMBER_NAME && lookup->host)
        (void)lookup->host(lookup->to, member->name, c->resolved->as_of_us, c->arena, &n);
    if (member->kind == MEMBER_AD_GROUP && lookup->ad_computers &&
        lookup->ad_computers(lookup->to, member->name, c->arena, &names, &n, &missing))
        return false;
    if (member->kind == MEMBER_AD_GROUP && lookup->ad_group)
        (void)lookup->ad_group(lookup->to, member->name, c->resolved->as_of_us, c->arena, &n);
    return n == 0;
}

/* The members that nobody knows are this address, or nobody of interest. */
static void settle_members(struct mending *c, struct what_if *changed, size_t only,
                           const struct addr *is)
{
    for (size_t i = 0; i < changed->policy.n_groups; i++) {
        struct group *group = &changed->groups[i];
        if (!c->resolved->groups_unknown[i].len) continue;
        struct member *members = arena_array(c->arena, struct member, group->n_hosts + 1);
        size_t n = 0;
        for (size_t j = 0; j < group->n_hosts; j++)
            if (!is_unknown(c, &group->hosts[j])) members[n++] = group->hosts[j];
        if (is && i == only)
            members[n++] = (struct member){.kind = MEMBER_PREFIX, .prefix = prefix_of(*is, 128)};
        group->hosts = members;
        group->n_hosts = n;
    }
}

/* The answer for each who may be a member of one group, and for nobody being one. */
static void to_decide(struct mending *c)
{
    const struct addr *ends[] = {&c->q->client, &c->q->server};
    const str names[] = {c->client, c->server};
    struct what_if none = start(c);
    settle_members(c, &none, SIZE_MAX, NULL);
    struct remedy remedy = {
        .kind = REMEDY_MEMBER,
        .text = S("if neither is a member that the workspace does not know"),
    };
    (void)propose(c, &none, c->q, GOAL_ANY, remedy);
    for (size_t i = 0; i < c->policy->n_groups; i++)
        for (size_t end = 0; end < 2; end++) {
            str unknown = c->resolved->groups_unknown[i];
            struct what_if changed = start(c);
            if (!unknown.len || prefix_set_contains(c->resolved->groups[i], *ends[end])) continue;
            settle_members(c, &changed, i, ends[end]);
            struct remedy member = {
                .kind = REMEDY_MEMBER,
                .text = str_format(c->arena, "if %.*s is of %.*s", STR_ARG(names[end]),
                                   STR_ARG(unknown)),
                .yaml = str_format(c->arena, "groups: {%.*s: {hosts: [..., %.*s]}}",
                                   STR_ARG(c->policy->groups[i].name), STR_ARG(names[end])),
                .where = line_of(c, c->policy->groups[i].place),
            };
            size_t before = c->n;
            if (!propose(c, &changed, c->q, GOAL_ANY, member) || !before) continue;
            const struct flow_answer *x = &c->items[0].after, *y = &c->items[c->n - 1].after;
            /* Who makes no difference needs no line. */
            if (x->intent == y->intent && x->passes == y->passes) c->n--;
        }
}

struct remedies remedies_of(const struct decision *decision, const struct flow_question *q,
                            const struct flow_answer *answer, const struct ring_plan *plan,
                            size_t ring, struct arena *arena, struct arena scratch)
{
    const struct resolved *resolved = decision_resolved(decision);
    const struct policy *policy = resolved->policy;
    struct mending c = {
        .decision = decision,
        .resolved = resolved,
        .policy = policy,
        .q = q,
        .answer = answer,
        .plan = plan,
        .ring = ring,
        .arena = arena,
        .scratch = scratch,
        .client = yaml_addr(arena, q->client),
        .server = yaml_addr(arena, q->server),
        .client_out = prefix_set_contains(resolved->places.internet, q->client),
        .server_out = prefix_set_contains(resolved->places.internet, q->server),
    };
    struct remedies out = {.dead = arena_array(arena, const struct exception *, MOST_DEAD)};
    if (answer->service != SERVICE_NONE)
        c.service = policy->services.services[answer->service].name;
    bool decided = answer->intent != INTENT_LOCAL && answer->intent != INTENT_UNGOVERNED;
    if (decided) out.n_dead = find_dead(&c, out.dead);
    if (answer->intent == INTENT_UNGOVERNED)
        to_govern(&c);
    else if (answer->intent == INTENT_UNDECIDABLE)
        to_decide(&c);
    else if (decided && !answer->passes)
        to_open(&c, out.dead, out.n_dead);
    else if (decided && answer->intent == INTENT_BLOCK)
        to_enforce(&c);
    else if (decided)
        to_close(&c);
    out.items = c.items;
    out.n = c.n;
    return out;
}
