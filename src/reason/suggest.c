/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/suggest.h"

#include "reason/simulate.h"
#include "reason/suggest_questions.h"
#include "reason/suggest_yaml.h"

/* The policy at hand: what was given, or what is proposed so far. */
struct base {
    struct policy policy;
    struct resolved resolved;
    const struct decision *decision;
};

struct making {
    const struct suggest_sources *sources;
    const struct suggest_options *options;
    const struct resolved *given; /* NULL = none */
    struct suggest_machines machines;
    struct suggest_rules rules;
    struct suggestion *out;
    struct suggest_flow *flows;
    struct replay replay;
    struct arena *arena;
    struct err *err;
};

/* ---- Parsing what was written -------------------------------------------------------------------
 */

static bool read_text(struct making *m, str text, struct base *out, struct arena scratch)
{
    struct diagnostics found = {0};
    const struct host_lookup *lookup = m->options->lookup;
    bool fine = policy_parse(S("the proposal"), text, m->arena, &out->policy, &found);
    if (fine && m->given) {
        /* They speak of segments and groups by number, and those are the same. */
        out->policy.exceptions = m->given->policy->exceptions;
        out->policy.n_exceptions = m->given->policy->n_exceptions;
    }
    fine = fine && resolve_policy(&out->policy, lookup, m->options->as_of_us, true, m->arena,
                                  &out->resolved, &found);
    for (size_t i = 0; i < found.n && !fine; i++)
        if (found.items[i].severity == SEVERITY_ERROR)
            return err_line(m->err, ERR_MALFORMED, found.items[i].place.line,
                            found.items[i].place.column, "the proposal can't be read: %.*s",
                            STR_ARG(found.items[i].text));
    out->decision = decision_build(&out->resolved, NULL, m->arena, scratch);
    return true;
}

static struct prefix_set of_role(const struct resolved *resolved, enum role role,
                                 struct arena *arena)
{
    struct prefix_set all = {0};
    for (size_t i = 0; i < resolved->policy->n_groups; i++)
        if (resolved->policy->groups[i].role == role)
            all = prefix_set_union(arena, all, resolved->groups[i]);
    return all;
}

struct suggest_rules suggest_rules_of(const struct suggest_machines *machines,
                                      const struct resolved *resolved,
                                      const struct decision *decision,
                                      const struct suggest_options *options, struct arena *arena)
{
    struct suggest_rules rules = {
        .machines = machines,
        .resolved = resolved,
        .decision = decision,
        .has_policy = true,
        .is_managed = true,
        .controllers = of_role(resolved, ROLE_DOMAIN_CONTROLLER, arena),
        .management = of_role(resolved, ROLE_MANAGEMENT, arena),
        .support_connections = options->support_connections,
        .support_days = options->support_days,
    };
    rules.claims = suggest_flows_claims(resolved, arena, &rules.n_claims);
    return rules;
}

/* ---- Entries that are not mined -----------------------------------------------------------------
 */

struct entry_list {
    struct suggest_entry *items;
    size_t n, room;
};

static void add_entry(struct making *m, struct entry_list *list, struct suggest_entry entry)
{
    arena_grow(m->arena, list->items, list->n, list->room);
    list->items[list->n++] = entry;
}

static struct suggest_items name_items(struct arena *arena, const str *names, size_t n)
{
    struct suggest_item *items = arena_array(arena, struct suggest_item, n + 1);
    for (size_t i = 0; i < n; i++)
        items[i] = (struct suggest_item){.text = names[i], .is_name = true};
    return (struct suggest_items){items, n};
}

/* Names of the groups of a role that have members. */
static struct suggest_items groups_of_role(const struct making *m, enum role role)
{
    const struct policy *policy = m->rules.resolved->policy;
    str *names = arena_array(m->arena, str, policy->n_groups + 1);
    size_t n = 0;
    for (size_t i = 0; i < policy->n_groups; i++)
        if (policy->groups[i].role == role && policy->groups[i].n_hosts)
            names[n++] = policy->groups[i].name;
    return name_items(m->arena, names, n);
}

static struct suggest_items items_of_selectors(const struct policy *policy,
                                               const struct selectors *selectors,
                                               struct arena *arena)
{
    struct suggest_item *items = arena_array(arena, struct suggest_item, selectors->n + 1);
    for (size_t i = 0; i < selectors->n; i++) {
        const struct selector *s = &selectors->items[i];
        char text[PREFIX_TEXT];
        switch (s->kind) {
        case SELECT_SEGMENT:
            items[i].text = policy->segments[s->index].name;
            break;
        case SELECT_GROUP:
            items[i].text = policy->groups[s->index].name;
            break;
        case SELECT_BUILTIN:
            items[i].text = builtin_text((enum builtin)s->index);
            break;
        case SELECT_PREFIX:
            items[i].text = str_copy(arena, prefix_text(text, s->prefix));
            break;
        }
        items[i].is_name = s->kind != SELECT_PREFIX;
    }
    return (struct suggest_items){items, selectors->n};
}

static struct suggest_summary sum_if(const struct making *m,
                                     bool (*wanted)(const struct making *,
                                                    const struct suggest_flow *, const void *),
                                     const void *about)
{
    size_t *which = arena_array(m->arena, size_t, m->out->n_flows + 1);
    size_t n = 0;
    for (size_t i = 0; i < m->out->n_flows; i++)
        if (wanted(m, &m->flows[i], about)) which[n++] = i;
    return suggest_entries_sum(&m->rules, m->flows, which, n, m->arena);
}

static bool is_lifeline(const struct making *m, const struct suggest_flow *f, const void *about)
{
    (void)m;
    (void)about;
    return f->fate == SUGGEST_LIFELINE;
}

static bool governs(const struct making *m, const char *name, size_t *service)
{
    const struct policy *policy = m->rules.resolved->policy;
    int at = service_by_name(policy->services, str_of(name));
    if (at == SERVICE_NONE || !policy->governed[at]) return false;
    *service = (size_t)at;
    return true;
}

/* What the lifeline of DESIGN.md 4 asks for. */
static void add_lifelines(struct making *m, struct entry_list *list)
{
    static const char *const remote[] = {"rdp", "winrm", "ssh"};
    struct suggest_items controllers = groups_of_role(m, ROLE_DOMAIN_CONTROLLER);
    struct suggest_items management = groups_of_role(m, ROLE_MANAGEMENT);
    str managed = S("managed");
    size_t *services = arena_array(m->arena, size_t, 1 + COUNT_OF(remote));
    size_t *more = services + 1, n = 0;
    if (controllers.n && governs(m, "smb", services) && m->rules.resolved->managed.n) {
        add_entry(m, list,
                  (struct suggest_entry){
                      .name = S("SYSVOL and NETLOGON"),
                      .why = S("The lifeline: group policy and logon of every managed machine, "
                               "in clear, whether seen or not."),
                      .from = name_items(m->arena, &managed, 1),
                      .to = controllers,
                      .services = services,
                      .n_services = 1,
                      .secure = S("none"),
                      .summary = sum_if(m, is_lifeline, NULL),
                  });
    }
    for (size_t i = 0; i < COUNT_OF(remote); i++)
        n += governs(m, remote[i], &more[n]);
    if (!n || !management.n || !m->rules.resolved->managed.n) return;
    add_entry(m, list,
              (struct suggest_entry){
                  .name = S("remote management"),
                  .why = S("The lifeline: management must keep every machine that enforces."),
                  .from = management,
                  .to = name_items(m->arena, &managed, 1),
                  .services = more,
                  .n_services = n,
              });
}

static bool is_in(const struct resolved_entry *e, const struct suggest_flow *f)
{
    struct addr client = f->flow->client.addr, server = f->flow->server.addr;
    bool listed = false;
    for (size_t i = 0; i < e->entry->n_services; i++)
        listed |= (int)e->entry->services[i] == f->service;
    return listed && prefix_set_contains(e->from, client) && prefix_set_contains(e->to, server) &&
           !prefix_set_contains(e->except_from, client) &&
           !prefix_set_contains(e->except_to, server);
}

static bool at_edge_of(const struct making *m, const struct suggest_flow *f, const void *about)
{
    (void)m;
    return f->fate == SUGGEST_AT_EDGE && is_in(about, f);
}

static struct suggest_entry entry_as_given(struct making *m, const struct entry *given)
{
    const struct policy *policy = m->given->policy;
    return (struct suggest_entry){
        .name = given->name,
        .from = items_of_selectors(policy, &given->from, m->arena),
        .to = items_of_selectors(policy, &given->to, m->arena),
        .except_from = items_of_selectors(policy, &given->except_from, m->arena),
        .except_to = items_of_selectors(policy, &given->except_to, m->arena),
        .services = given->services,
        .n_services = given->n_services,
        .secure = given->secure == SECURE_UNSET ? (str){0} : secure_text(given->secure),
    };
}

/* Entries of the given policy that name the internet, and are used: no other words reach there. */
static void add_edge_entries(struct making *m, struct entry_list *list)
{
    for (size_t i = 0; m->given && i < m->given->n_entries; i++) {
        const struct resolved_entry *e = &m->given->entries[i];
        if (e->is_exception || !(e->from_internet || e->to_internet)) continue;
        struct suggest_entry entry = entry_as_given(m, e->entry);
        entry.summary = sum_if(m, at_edge_of, e);
        entry.why = S("Kept from the policy as it is: nothing is generalised to the internet.");
        if (entry.summary.flows) add_entry(m, list, entry);
    }
}

static bool speaks_of_service(const struct assertion *a, int service)
{
    for (size_t i = 0; i < a->n_services; i++)
        if ((int)a->services[i] == service) return true;
    return false;
}

/* How the given policy secures what the assertion speaks of: the strictest of its entries there, so
 * that none is loosened. What it lets pass in clear beside them has entries of its own. */
static str secured_as_given(const struct making *m, const struct assertion *a,
                            struct prefix_set from, struct prefix_set to, bool *is_secure)
{
    enum secure strictest = SECURE_NONE;
    bool any = false, bypass = m->given->policy->strategy == STRATEGY_SECURE_BYPASS;
    for (size_t i = 0; i < m->given->n_entries; i++) {
        const struct resolved_entry *e = &m->given->entries[i];
        bool listed = false;
        for (size_t j = 0; j < e->entry->n_services; j++)
            listed |= speaks_of_service(a, (int)e->entry->services[j]);
        if (e->is_exception || !listed) continue;
        if (!prefix_set_overlaps(e->from, from) || !prefix_set_overlaps(e->to, to)) continue;
        any = true;
        if (e->secure > strictest) strictest = e->secure;
    }
    *is_secure = strictest > SECURE_NONE || (bypass && !any);
    if (strictest > SECURE_NONE) return secure_text(strictest);
    return bypass && any ? secure_text(SECURE_NONE) : (str){0};
}

static str joined_texts(struct suggest_items items, struct arena *arena)
{
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < items.n; i++) {
        if (i) buf_str(&out, S(", "));
        buf_str(&out, items.items[i].text);
    }
    return buf_text(&out);
}

/* What the given policy asserts to pass always: an entry each, whether it was seen or not. */
static void add_demanded(struct making *m, struct entry_list *list)
{
    for (size_t i = 0; m->given && i < m->given->policy->n_assertions; i++) {
        const struct assertion *a = &m->given->policy->assertions[i];
        if (a->kind != ASSERT_ALWAYS) continue;
        struct prefix_set from = resolve_selectors(m->given, &a->from, RESOLVE_CLIENT, m->arena);
        struct prefix_set to = resolve_selectors(m->given, &a->to, RESOLVE_SERVER, m->arena);
        bool is_lifeline_too =
            a->n_services == 1 &&
            (int)a->services[0] == service_by_name(m->given->policy->services, S("smb")) &&
            prefix_set_covers(m->given->managed, from) &&
            prefix_set_covers(m->rules.controllers, to);
        if (is_lifeline_too) continue;
        const struct entry as_entry = {.from = a->from,
                                       .to = a->to,
                                       .except_from = a->except_from,
                                       .except_to = a->except_to,
                                       .services = a->services,
                                       .n_services = a->n_services};
        const struct resolved_entry reach = {
            .entry = &as_entry,
            .from = from,
            .to = to,
            .except_from = resolve_selectors(m->given, &a->except_from, RESOLVE_CLIENT, m->arena),
            .except_to = resolve_selectors(m->given, &a->except_to, RESOLVE_SERVER, m->arena)};
        struct suggest_entry entry = entry_as_given(m, &as_entry);
        bool is_secure = false;
        entry.secure = secured_as_given(m, a, from, to, &is_secure);
        size_t *which = arena_array(m->arena, size_t, m->out->n_flows + 1), n = 0;
        for (size_t j = 0; j < m->out->n_flows; j++) {
            struct suggest_flow *f = &m->flows[j];
            bool was_clear = f->was_allowed && !f->was_secure;
            bool may = f->fate == SUGGEST_KEPT || f->fate == SUGGEST_LIFELINE ||
                       f->fate == SUGGEST_DEMANDED;
            if (!may || !is_in(&reach, f) || (is_secure && was_clear)) continue;
            which[n++] = j;
            if (f->fate == SUGGEST_KEPT) f->fate = SUGGEST_DEMANDED;
        }
        entry.summary = suggest_entries_sum(&m->rules, m->flows, which, n, m->arena);
        entry.name = str_format(m->arena, "asserted: %.*s to %.*s",
                                STR_ARG(joined_texts(entry.from, m->arena)),
                                STR_ARG(joined_texts(entry.to, m->arena)));
        entry.why =
            str_format(m->arena, "The policy asserts that it always passes (line %" PRIu32 ").",
                       a->place.line);
        add_entry(m, list, entry);
    }
}

static bool same_items(struct suggest_items a, struct suggest_items b)
{
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++) {
        bool found = false;
        for (size_t j = 0; j < b.n; j++)
            found |= str_equal(a.items[i].text, b.items[j].text);
        if (!found) return false;
    }
    return true;
}

/* An entry that says what one of the given policy says keeps its name. */
static void take_names(struct making *m, struct entry_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        for (size_t j = 0; m->given && j < m->given->policy->n_allow; j++) {
            const struct entry *given = &m->given->policy->allow[j];
            struct suggest_entry same = entry_as_given(m, given);
            if (given->name.len && same_items(list->items[i].from, same.from) &&
                same_items(list->items[i].to, same.to))
                list->items[i].name = given->name;
        }
}

/* ---- Holding it against the evidence ------------------------------------------------------------
 */

/* With every ring deployed. */
static const struct simulated_ring *hold(const struct making *m, const struct base *base,
                                         struct arena scratch)
{
    struct simulate_question question = {
        .resolved = &base->resolved,
        .decision = base->decision,
        .replay = &m->replay,
        .hosts = m->sources->hosts,
        .lookup = m->options->lookup,
    };
    struct simulation simulation = simulate(&question, m->arena, scratch);
    return &simulation.rings[simulation.n_rings - 1];
}

static void tally(struct making *m, const struct base *base, struct arena scratch)
{
    const struct simulated_ring *ring = hold(m, base, scratch);
    struct suggestion *out = m->out;
    out->kept = ring->count[SIMULATE_KEPT];
    out->escaped = ring->count[SIMULATE_ESCAPED];
    out->undecidable = ring->count[SIMULATE_UNDECIDABLE];
    out->stopped = ring->count[SIMULATE_STOPPED];
    out->broken = ring->count[SIMULATE_BROKEN];
}

/* What worked and would not pass is closed: a question that is asserted until it is answered. A
 * kept flow that does not pass is one of a profile in which the policy blocks, or lacks what its
 * hardening asks: no entry helps, so it is asked about, too. */
static void mark_flows(struct making *m, const struct base *base, struct arena scratch)
{
    const struct simulated_ring *ring = hold(m, base, scratch);
    for (size_t i = 0; i < ring->n_flows; i++) {
        const struct simulated_flow *one = &ring->flows[i];
        struct suggest_flow *f = &m->flows[one->flow - m->sources->matrix->flows];
        if (f->fate == SUGGEST_PASSED_OVER || f->fate == SUGGEST_LOCAL) continue;
        f->is_passing = one->verdict == SIMULATE_KEPT;
        f->is_closed = one->verdict == SIMULATE_BROKEN;
        if (!f->is_closed || f->fate == SUGGEST_ASKED) continue;
        f->fate = SUGGEST_ASKED;
        f->kind = one->at == SIMULATE_AT_HARDENING ? SUGGEST_ASK_HARDENING : SUGGEST_ASK_PROFILE;
        f->is_noted = false;
    }
}

/* ---- Making it ----------------------------------------------------------------------------------
 */

/* Segments and groups alone, with every network that shows to be of the domain managed: what the
 * flows are judged by. */
static bool make_places(struct making *m, struct base *base, struct arena scratch)
{
    struct suggestion *out = m->out;
    out->places = suggest_places(&m->machines, m->arena, scratch);
    out->has_lifeline = true;
    str text = suggest_yaml(out, NULL, m->arena);
    out->has_lifeline = out->places.has_controllers;
    return read_text(m, text, base, scratch);
}

static void set_rules(struct making *m, const struct resolved *resolved,
                      const struct decision *decision)
{
    m->rules = suggest_rules_of(&m->machines, resolved, decision, m->options, m->arena);
    m->rules.has_policy = m->given != NULL;
    m->rules.is_managed = m->out->has_lifeline;
    m->out->policy = resolved->policy;
}

/* The given policy's own word on what never passes; assertions of a proposal stand behind them. */
static bool keeps_assertions(const struct making *m, const struct check_assertion *checked)
{
    for (size_t i = 0; m->given && i < m->given->policy->n_assertions; i++)
        if (!checked[i].holds && checked[i].assertion->kind != ASSERT_ALWAYS) return false;
    return true;
}

static bool write_and_read(struct making *m, struct base *base, struct arena scratch)
{
    m->out->text = suggest_yaml(m->out, m->given, m->arena);
    return read_text(m, m->out->text, base, scratch);
}

static void put_entries(struct making *m, const struct entry_list *fixed,
                        const struct suggest_mining *mining)
{
    struct entry_list list = {0};
    for (size_t i = 0; i < fixed->n; i++)
        add_entry(m, &list, fixed->items[i]);
    for (size_t i = 0; i < mining->n; i++)
        add_entry(m, &list, mining->entries[i]);
    take_names(m, &list);
    m->out->entries = list.items;
    m->out->n_entries = list.n;
    m->out->mined = mining->result;
}

/* Entries as wide as the policy's own assertions allow: they range over addresses that nobody saw,
 * of which the miner knows nothing. */
static bool make_entries(struct making *m, struct base *base, struct arena scratch)
{
    unsigned width = m->options->exact ? SUGGEST_WIDTH_COMPLETE : SUGGEST_WIDTH_GENERAL;
    struct entry_list fixed = {0};
    add_lifelines(m, &fixed);
    add_edge_entries(m, &fixed);
    add_demanded(m, &fixed);
    for (; width <= SUGGEST_WIDTH_ADDRESSES; width++) {
        struct suggest_mining mining =
            suggest_entries_mine(&m->rules, m->flows, m->out->n_flows, (enum suggest_width)width,
                                 m->options->weight, m->arena, scratch);
        put_entries(m, &fixed, &mining);
        if (!write_and_read(m, base, scratch)) return false;
        if (!m->given) return true;
        if (keeps_assertions(m, check_assertions(&base->resolved, m->arena, scratch))) return true;
    }
    return true;
}

/* An assertion of ours that does not hold would be a lie: the question stays, unasserted. */
static bool drop_what_fails(struct making *m, const struct base *base, struct arena scratch)
{
    struct suggest_question *questions = m->out->questions;
    const struct check_assertion *checked = check_assertions(&base->resolved, m->arena, scratch);
    size_t at = m->given ? m->given->policy->n_assertions : 0;
    bool dropped = false;
    for (size_t i = 0; i < m->out->n_questions && at < base->policy.n_assertions; i++) {
        if (!questions[i].is_asserted) continue;
        if (checked[at++].holds) continue;
        questions[i].is_asserted = false;
        dropped = true;
    }
    return dropped;
}

static void find_changes(struct making *m)
{
    if (!m->given) return;
    struct suggest_change *changes =
        arena_array(m->arena, struct suggest_change, m->given->n_entries + 1);
    for (size_t i = 0; i < m->given->n_entries; i++) {
        const struct resolved_entry *e = &m->given->entries[i];
        if (e->is_exception) continue;
        struct suggest_change *change = &changes[m->out->n_changes++];
        change->entry = e->entry;
        for (size_t j = 0; j < m->out->n_flows; j++)
            change->flows += m->flows[j].is_passing && view_flow_worked(m->flows[j].flow) &&
                             is_in(e, &m->flows[j]);
    }
    m->out->changes = changes;
}

static bool is_governed(const struct making *m, const struct suggest_flow *f, const void *about)
{
    (void)m;
    (void)about;
    return f->fate != SUGGEST_PASSED_OVER;
}

static void count_profiles(struct making *m)
{
    for (size_t i = 0; i < m->out->n_flows; i++) {
        const struct suggest_flow *f = &m->flows[i];
        if (f->fate != SUGGEST_KEPT && f->fate != SUGGEST_LIFELINE) continue;
        for (size_t p = 0; p < PROFILE_COUNT; p++)
            m->out->in_profile[p] += f->flow->profiles[p] > 0;
    }
}

bool suggest(const struct suggest_sources *sources, const struct resolved *resolved,
             const struct suggest_options *options, struct arena *arena, struct arena scratch,
             struct suggestion *out, struct err *err)
{
    struct making *m = arena_new(arena, struct making);
    struct base base = {0};
    struct suggestion made = {.given = resolved ? resolved->policy : NULL, .has_lifeline = true};
    *m = (struct making){.sources = sources,
                         .options = options,
                         .given = resolved,
                         .out = &made,
                         .arena = arena,
                         .err = err};
    m->replay = replay_of(sources->matrix, arena, scratch);
    m->machines = suggest_evidence_machines(sources, arena);
    made.machines = &m->machines;
    suggest_places_find_endpoints(&m->machines, scratch);
    struct base *places = arena_new(arena, struct base);
    if (!resolved && !make_places(m, places, scratch)) return false;
    if (resolved)
        set_rules(m, resolved, decision_build(resolved, NULL, arena, scratch));
    else
        set_rules(m, &places->resolved, places->decision);

    m->flows = suggest_flows_classify(&m->rules, arena, scratch);
    made.flows = m->flows;
    made.n_flows = sources->matrix->n_flows;
    made.evidence = sum_if(m, is_governed, NULL);
    count_profiles(m);
    made.surpluses = suggest_surplus(&m->machines, arena, &made.n_surpluses);

    if (!make_entries(m, &base, scratch)) return false;
    mark_flows(m, &base, scratch);
    find_changes(m);
    made.questions =
        suggest_questions(&made, &m->rules, options->leave_open, arena, &made.n_questions);
    if (!write_and_read(m, &base, scratch)) return false;
    if (drop_what_fails(m, &base, scratch) && !write_and_read(m, &base, scratch)) return false;
    /* What is said at the head of the file was not known before. */
    tally(m, &base, scratch);
    made.text = suggest_yaml(&made, resolved, arena);
    *out = made;
    return true;
}
