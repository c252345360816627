/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/check_rules.h"

#include "reason/regions.h"
#include "rules/universe.h"

/* Names in a sentence; the rest are counted. */
enum { MOST_NAMED = 5 };

/* Ports that the same rules speak of. */
struct port_piece {
    enum transport transport; /* NONE: a protocol without ports, */
    uint32_t first, last;     /* then its number; 0 = any that no rule names */
};

/* Directions, profiles, pieces of ports and programs, numbered together: a rule that asks for
 * neither port nor program is one run of them. */
struct kinds {
    struct port_piece *pieces;
    size_t n_pieces;
    const str *programs; /* [0]: any that no rule names */
    size_t n_programs;
};

struct checking {
    struct ruleset rules;
    enum engine engine;
    struct kinds kinds;
    struct region *regions;
    struct region_boxes laid;
    struct cover_index index;
    bool *hides;      /* decides for sure: may hide others */
    bool *is_dead;    /* shadowed or redundant */
    bool *is_surplus; /* Windows: by rules of the same action */
    size_t *near, *holding;
    struct check_rules_finding *found;
    size_t n, room;
    struct arena *arena;
};

/* ---- What rules speak of ------------------------------------------------------------------------
 */

static int number_order(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void cut_ports(struct kinds *kinds, struct ruleset rules, enum transport transport,
                      struct arena *arena, struct arena scratch)
{
    size_t n = 0, most = 2;
    for (size_t i = 0; i < rules.n; i++)
        most += 2 * rules.rules[i].n_ports;
    uint32_t *cuts = arena_array(&scratch, uint32_t, most);
    cuts[n++] = 0;
    cuts[n++] = UINT16_MAX + 1;
    for (size_t i = 0; i < rules.n; i++)
        for (size_t j = 0; j < rules.rules[i].n_ports; j++) {
            if (rules.rules[i].transport != transport) continue;
            cuts[n++] = rules.rules[i].ports[j].first;
            cuts[n++] = (uint32_t)rules.rules[i].ports[j].last + 1;
        }
    qsort(cuts, n, sizeof *cuts, number_order);
    struct port_piece *pieces = arena_array(arena, struct port_piece, kinds->n_pieces + n);
    if (kinds->n_pieces) memcpy(pieces, kinds->pieces, kinds->n_pieces * sizeof *pieces);
    for (size_t i = 0; i + 1 < n; i++)
        if (cuts[i] != cuts[i + 1])
            pieces[kinds->n_pieces++] = (struct port_piece){transport, cuts[i], cuts[i + 1] - 1};
    kinds->pieces = pieces;
}

/* Protocols without ports: those that rules name, and all others. */
static void add_protocols(struct kinds *kinds, struct ruleset rules, struct arena *arena)
{
    bool named[IP_PROTOCOL_ZERO + 1] = {true};
    for (size_t i = 0; i < rules.n; i++)
        if (rules.rules[i].ip_protocol <= IP_PROTOCOL_ZERO)
            named[rules.rules[i].ip_protocol] = true;
    struct port_piece *pieces =
        arena_array(arena, struct port_piece, kinds->n_pieces + COUNT_OF(named));
    memcpy(pieces, kinds->pieces, kinds->n_pieces * sizeof *pieces);
    for (uint32_t p = 0; p < COUNT_OF(named); p++)
        if (named[p]) pieces[kinds->n_pieces++] = (struct port_piece){TRANSPORT_NONE, p, p};
    kinds->pieces = pieces;
}

/* Windows: `System` serves SMB; other names are paths of programs. */
static size_t program_number(const struct kinds *kinds, str program)
{
    for (size_t i = 1; i < kinds->n_programs; i++)
        if (str_equal_nocase(kinds->programs[i], program)) return i;
    return 0;
}

static struct kinds kinds_of(struct ruleset rules, struct arena *arena, struct arena scratch)
{
    struct kinds kinds = {.n_programs = 1};
    str *programs = arena_array(arena, str, rules.n + 1);
    kinds.programs = programs;
    for (size_t i = 0; i < rules.n; i++)
        if (rules.rules[i].program.len && !program_number(&kinds, rules.rules[i].program))
            programs[kinds.n_programs++] = rules.rules[i].program;
    cut_ports(&kinds, rules, TRANSPORT_TCP, arena, scratch);
    cut_ports(&kinds, rules, TRANSPORT_UDP, arena, scratch);
    add_protocols(&kinds, rules, arena);
    return kinds;
}

static bool speaks_of(const struct rule *rule, const struct port_piece *piece)
{
    if (rule->ip_protocol)
        return piece->transport == TRANSPORT_NONE && piece->first == rule->ip_protocol;
    if (rule->transport == TRANSPORT_NONE) return true;
    if (rule->transport != piece->transport) return false;
    for (size_t i = 0; i < rule->n_ports; i++)
        if (rule->ports[i].first <= piece->first && piece->last <= rule->ports[i].last) return true;
    return !rule->n_ports;
}

static uint32_t kind_number(const struct kinds *kinds, enum direction direction, size_t profile,
                            size_t piece, size_t program)
{
    size_t number = (size_t)direction * PROFILE_COUNT + profile;
    return (uint32_t)((number * kinds->n_pieces + piece) * kinds->n_programs + program);
}

static struct class_set kinds_of_rule(const struct kinds *kinds, const struct rule *rule,
                                      struct arena *arena)
{
    struct class_run *runs = arena_array(arena, struct class_run, PROFILE_COUNT * kinds->n_pieces);
    size_t program = program_number(kinds, rule->program), n = 0;
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        if (!(rule->profiles >> p & 1u)) continue;
        for (size_t i = 0; i < kinds->n_pieces; i++) {
            if (!speaks_of(rule, &kinds->pieces[i])) continue;
            uint32_t first = kind_number(kinds, rule->direction, p, i, program), last = first;
            if (!program) last += (uint32_t)kinds->n_programs - 1;
            if (n && runs[n - 1].last + 1 == first)
                runs[n - 1].last = last;
            else
                runs[n++] = (struct class_run){first, last};
        }
    }
    return (struct class_set){runs, n};
}

/* ---- Findings -----------------------------------------------------------------------------------
 */

static str rule_label(struct arena *arena, struct ruleset rules, size_t i)
{
    const struct rule *rule = &rules.rules[i];
    str name = rule->name.len ? rule->name : rule->id;
    if (!name.len) return str_format(arena, "rule %zu", i + 1);
    return str_format(arena, "rule %zu \"%.*s\"", i + 1, STR_ARG(name));
}

static str labels(const struct checking *c, const size_t *of, size_t n)
{
    struct buf out = buf_in(c->arena);
    for (size_t i = 0; i < n && i < MOST_NAMED; i++)
        buf_format(&out, "%s%.*s",
                   !i           ? ""
                   : i + 1 == n ? " and "
                                : ", ",
                   STR_ARG(rule_label(c->arena, c->rules, of[i])));
    if (n > MOST_NAMED) buf_format(&out, " and %zu more", n - MOST_NAMED);
    return buf_text(&out);
}

/* The smallest flow that two rules speak of. */
static void set_witness(const struct checking *c, struct check_rules_finding *f, size_t other,
                        struct arena scratch)
{
    const struct region *a = &c->regions[f->rule], *b = &c->regions[other];
    struct prefix_set local = prefix_set_intersect(&scratch, a->from, b->from);
    struct prefix_set remote = prefix_set_intersect(&scratch, a->to, b->to);
    uint32_t kind = class_set_next(class_set_intersect(&scratch, a->slabs, b->slabs), 0);
    kind /= (uint32_t)c->kinds.n_programs;
    const struct port_piece *piece = &c->kinds.pieces[kind % c->kinds.n_pieces];
    f->remote = remote.ranges[0].first;
    /* A rule for any local address gets one that can be a peer of the remote one. */
    struct prefix_set family =
        addr_is_v4(f->remote) ? prefix_set_v4(&scratch, local) : prefix_set_v6(&scratch, local);
    struct prefix_set possible = prefix_set_intersect(&scratch, family, universe_peers);
    f->local = possible.n ? possible.ranges[0].first : local.ranges[0].first;
    f->transport = piece->transport;
    f->port = piece->transport == TRANSPORT_NONE ? 0 : (uint16_t)piece->first;
    f->profile = (enum profile)(kind / c->kinds.n_pieces % PROFILE_COUNT);
}

static str witness_text(const struct checking *c, const struct check_rules_finding *f)
{
    char local[ADDR_TEXT], remote[ADDR_TEXT];
    str port = f->transport == TRANSPORT_NONE
                   ? S("any protocol without ports")
                   : str_format(c->arena, "%.*s/%u", STR_ARG(service_transport_text(f->transport)),
                                f->port);
    return str_format(c->arena, "%.*s, local %.*s, remote %.*s, %.*s, profile %.*s",
                      STR_ARG(direction_text(c->rules.rules[f->rule].direction)),
                      STR_ARG(addr_text(local, f->local)), STR_ARG(addr_text(remote, f->remote)),
                      STR_ARG(port), STR_ARG(profile_text(f->profile)));
}

/* others: of c->holding, n of them */
static struct check_rules_finding *add(struct checking *c, enum severity severity, str kind,
                                       size_t rule, size_t n, struct arena scratch)
{
    size_t *others = arena_array(c->arena, size_t, n);
    memcpy(others, c->holding, n * sizeof *others);
    arena_grow(c->arena, c->found, c->n, c->room);
    struct check_rules_finding *f = &c->found[c->n++];
    *f = (struct check_rules_finding){
        .severity = severity, .kind = kind, .rule = rule, .others = others, .n_others = n};
    set_witness(c, f, others[0], scratch);
    return f;
}

/* Those near a rule that may decide before it; how many. */
static size_t deciders(struct checking *c, size_t rule,
                       bool (*decides)(const struct checking *, size_t, size_t))
{
    size_t n = cover_meeting(&c->index, &c->laid.boxes[rule], c->near), kept = 0;
    for (size_t i = 0; i < n; i++)
        if (c->near[i] != rule && c->hides[c->near[i]] && decides(c, rule, c->near[i]))
            c->near[kept++] = c->near[i];
    return kept;
}

static bool is_before(const struct checking *c, size_t rule, size_t other)
{
    (void)c;
    return other < rule;
}

static int rank_of(const struct rule *rule)
{
    static const int rank[] = {
        [ACTION_ALLOW_IF_SECURE] = 2, [ACTION_BLOCK] = 1, [ACTION_ALLOW] = 0};
    return rule->yields ? 0 : rank[rule->action];
}

static bool outranks(const struct checking *c, size_t rule, size_t other)
{
    return rank_of(&c->rules.rules[other]) > rank_of(&c->rules.rules[rule]);
}

static bool is_equal_and_stays(const struct checking *c, size_t rule, size_t other)
{
    return c->rules.rules[other].action == c->rules.rules[rule].action && !c->is_surplus[other];
}

static bool same_action(const struct checking *c, size_t rule, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c->rules.rules[c->holding[i]].action != c->rules.rules[rule].action) return false;
    return true;
}

/* The rule never decides: n rules of c->holding do instead. */
static void say_dead(struct checking *c, size_t rule, size_t n, struct arena scratch)
{
    const struct rule *r = &c->rules.rules[rule];
    bool is_same = same_action(c, rule, n);
    struct check_rules_finding *f = add(c, is_same ? SEVERITY_WARNING : SEVERITY_ERROR,
                                        is_same ? S("redundant") : S("shadowed"), rule, n, scratch);
    const char *how = c->engine == ENGINE_WINDOWS ? is_same ? "says what is said by"
                                                    : r->action == ACTION_BLOCK
                                                        ? "never blocks: it is overridden by"
                                                        : "never allows anything: it is blocked by"
                      : is_same                   ? "says what is said before it by"
                                                  : "never decides: it stands behind";
    c->is_dead[rule] = true;
    f->text =
        str_format(c->arena, "%.*s (%.*s) %s %.*s: %.*s",
                   STR_ARG(rule_label(c->arena, c->rules, rule)), STR_ARG(action_text(r->action)),
                   how, STR_ARG(labels(c, f->others, n)), STR_ARG(witness_text(c, f)));
}

static void say_conflict(struct checking *c, size_t rule, size_t n, struct arena scratch)
{
    memcpy(c->holding, c->near, n * sizeof *c->holding);
    struct check_rules_finding *f = add(c, SEVERITY_WARNING, S("conflict"), rule, n, scratch);
    f->text = str_format(c->arena,
                         "part of what %.*s allows is blocked by %.*s, and a block beats an allow "
                         "whatever their order: %.*s",
                         STR_ARG(rule_label(c->arena, c->rules, rule)),
                         STR_ARG(labels(c, f->others, n)), STR_ARG(witness_text(c, f)));
}

static size_t cover(struct checking *c, size_t rule, size_t n, struct arena scratch)
{
    return cover_of(c->laid.boxes, rule, c->near, n, NULL, c->holding, *c->arena, scratch);
}

/* ---- Engines ------------------------------------------------------------------------------------
 */

static void check_first_match(struct checking *c, struct arena scratch)
{
    for (size_t i = 0; i < c->rules.n; i++) {
        if (!c->rules.rules[i].enabled) continue;
        size_t n = cover(c, i, deciders(c, i, is_before), scratch);
        if (n) say_dead(c, i, n, scratch);
    }
}

/* Which rules of one action add nothing to the others of it. */
static void find_surplus(struct checking *c, enum action action, struct arena scratch)
{
    struct cover_box *boxes = arena_array(&scratch, struct cover_box, c->rules.n);
    for (size_t i = 0; i < c->rules.n; i++)
        if (c->rules.rules[i].action == action && c->hides[i]) boxes[i] = c->laid.boxes[i];
    const bool *surplus = cover_reduce(boxes, c->rules.n, NULL, c->arena, scratch).surplus;
    for (size_t i = 0; i < c->rules.n; i++)
        c->is_surplus[i] = c->is_surplus[i] || surplus[i];
}

/* All allow rules of a direction and port are dead by blocks: nothing passes there. */
static void check_everything(struct checking *c, enum direction direction, size_t piece,
                             struct arena scratch)
{
    size_t n_allow = 0, n_dead = 0, first = 0;
    const struct port_piece *p = &c->kinds.pieces[piece];
    for (size_t left = c->rules.n; left > 0; left--) {
        size_t i = left - 1;
        const struct rule *rule = &c->rules.rules[i];
        if (!rule->enabled || rule->direction != direction || rule->action == ACTION_BLOCK ||
            rule->transport == TRANSPORT_NONE || !rule->n_ports || !speaks_of(rule, p))
            continue;
        n_allow++;
        n_dead += c->is_dead[i] && !c->is_surplus[i];
        first = i;
    }
    if (!n_allow || n_dead < n_allow) return;
    size_t n = cover(c, first, deciders(c, first, outranks), scratch);
    if (!n) return;
    struct check_rules_finding *f =
        add(c, SEVERITY_ERROR, S("blocks-everything"), first, n, scratch);
    str all = n_allow == 1 ? S("its only allow rule")
                           : str_format(c->arena, "all of its %zu allow rules", n_allow);
    f->text = str_format(c->arena,
                         "nothing passes %.*s %.*s/%u: blocks beat %.*s, as they do when a "
                         "first-match list is turned into Windows rules one by one: %.*s",
                         STR_ARG(direction_text(direction)),
                         STR_ARG(service_transport_text(p->transport)), (unsigned)p->first,
                         STR_ARG(all), STR_ARG(witness_text(c, f)));
}

static void check_windows(struct checking *c, struct arena scratch)
{
    for (unsigned action = 0; action <= ACTION_BLOCK; action++)
        find_surplus(c, (enum action)action, scratch);
    for (size_t i = 0; i < c->rules.n; i++) {
        if (!c->rules.rules[i].enabled) continue;
        size_t n = deciders(c, i, outranks);
        size_t n_holding = cover(c, i, n, scratch);
        if (n_holding) {
            c->is_surplus[i] = false;
            say_dead(c, i, n_holding, scratch);
            continue;
        }
        if (c->is_surplus[i]) {
            n_holding = cover(c, i, deciders(c, i, is_equal_and_stays), scratch);
            if (n_holding) say_dead(c, i, n_holding, scratch);
        } else if (n && c->rules.rules[i].action == ACTION_ALLOW) {
            size_t kept = 0;
            for (size_t j = 0; j < n; j++)
                if (c->rules.rules[c->near[j]].action == ACTION_BLOCK) c->near[kept++] = c->near[j];
            if (kept) say_conflict(c, i, kept, scratch);
        }
    }
    for (unsigned direction = 0; direction <= DIRECTION_INBOUND; direction++)
        for (size_t p = 0; p < c->kinds.n_pieces; p++)
            if (c->kinds.pieces[p].transport != TRANSPORT_NONE)
                check_everything(c, (enum direction)direction, p, scratch);
}

/* What makes the whole list idle comes first. */
static int finding_order(const void *left, const void *right)
{
    const struct check_rules_finding *a = left, *b = right;
    bool a_all = str_equal(a->kind, S("blocks-everything"));
    bool b_all = str_equal(b->kind, S("blocks-everything"));
    if (a_all != b_all) return a_all ? -1 : 1;
    if (a->rule != b->rule) return a->rule < b->rule ? -1 : 1;
    return (a->port > b->port) - (a->port < b->port);
}

const struct check_rules_finding *check_rules(struct ruleset rules, enum engine engine,
                                              struct arena *arena, struct arena scratch, size_t *n)
{
    struct checking c = {.rules = rules, .engine = engine, .arena = arena};
    *n = 0;
    if (!rules.n) return NULL;
    c.kinds = kinds_of(rules, arena, scratch);
    c.regions = arena_array(arena, struct region, rules.n);
    c.hides = arena_array(arena, bool, rules.n);
    c.is_dead = arena_array(arena, bool, rules.n);
    c.is_surplus = arena_array(arena, bool, rules.n);
    c.near = arena_array(arena, size_t, rules.n);
    c.holding = arena_array(arena, size_t, rules.n);
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule *rule = &rules.rules[i];
        if (!rule->enabled) continue;
        c.regions[i] = (struct region){rule->local, rule->remote,
                                       kinds_of_rule(&c.kinds, rule, arena), false, false};
        c.hides[i] = !rule->principals.len && !rule->security.len && !rule->only_if.len;
    }
    regions_lay(&c.laid, c.regions, rules.n, NULL, arena, scratch);
    c.index = cover_index_of(c.laid.boxes, rules.n, arena, scratch);
    if (engine == ENGINE_WINDOWS)
        check_windows(&c, scratch);
    else
        check_first_match(&c, scratch);
    *n = c.n;
    if (c.n) qsort(c.found, c.n, sizeof *c.found, finding_order);
    return c.found;
}
