/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/prove.h"

#include "base/instant.h"
#include "base/map.h"
#include "rules/scopes.h"
#include "targets/disjoint.h"
#include "targets/expiry.h"
#include "targets/prove_hardening.h"

struct proof_of_files {
    const struct target *target;
    const struct bundles *bundles;
    const struct target_files *files;
    const struct ruleset *rules; /* per file, as read back */
    str workspace;
    const struct prover *prover;
    struct arena *arena, *work;
    struct arena scratch;
    struct prove_report report;
};

/* ---- Telling ------------------------------------------------------------------------------------
 */

/* All return false, so that a difference ends the proof in one line. */
static bool unreadable(struct proof_of_files *p, str path, str error)
{
    p->report.path = path;
    p->report.error = error;
    return false;
}

static bool differs(struct proof_of_files *p, const struct target_file *file,
                    const struct counterexample *point)
{
    p->report.path = file->path;
    p->report.witness = *point;
    p->report.witness.expected = str_copy(p->arena, point->expected);
    p->report.witness.found = str_copy(p->arena, point->found);
    return false;
}

static struct addr first_of(struct prefix_set set)
{
    return set.n ? set.ranges[0].first : (struct addr){0};
}

static bool is_any(struct prefix_set set)
{
    return prefix_set_equal(set, (struct prefix_set){&addr_all, 1});
}

static void set_ends(struct counterexample *point, const struct rule *rule, struct addr local,
                     struct addr remote)
{
    bool outbound = rule->direction == DIRECTION_OUTBOUND;
    point->client = outbound ? local : remote;
    point->server = outbound ? remote : local;
}

/* A form that says the same today, but where damage would not show. */
static bool ill_formed(struct proof_of_files *p, const struct target_file *file,
                       const struct counterexample *point)
{
    p->report.form = true;
    return differs(p, file, point);
}

/* An address of the machine that the rule is about; of a rule for all of them, a member's. */
static struct addr own_address(const struct target_file *file, const struct rule *rule)
{
    if (is_any(rule->local) && file->host_class) return first_of(file->host_class->members);
    return first_of(rule->local);
}

/* A point of one rule, seen from its client. */
static struct counterexample point_of(const struct proof_of_files *p,
                                      const struct target_file *file, const struct rule *rule,
                                      struct addr local, struct addr remote)
{
    const struct service_table services = p->bundles->resolved->policy->services;
    bool outbound = rule->direction == DIRECTION_OUTBOUND;
    struct counterexample point = {
        .transport = rule->transport,
        .port = rule->n_ports ? rule->ports[0].first : 0,
        .side = file->border ? SIDE_BORDER
                : outbound   ? SIDE_CLIENT_OUTBOUND
                             : SIDE_SERVER_INBOUND,
    };
    set_ends(&point, rule, local, remote);
    point.service = service_by_port(services, point.transport, point.port);
    while (point.profile + 1 < PROFILE_COUNT && !(rule->profiles >> point.profile & 1u))
        point.profile++;
    return point;
}

/* ---- Form ---------------------------------------------------------------------------------------
 */

/* An artefact where an accept hides the stops behind it, and what nothing names is not touched. */
static bool ends_in_stops(const struct target *target)
{
    return target->engine == ENGINE_NFTABLES || target->engine == ENGINE_PF;
}

/* Every address that a rule names must be one that can be a peer, or be every address. */
static bool names_peers(struct proof_of_files *p, const struct target_file *file,
                        const struct rule *rule)
{
    /* The last permit of a list that stands alone: the proof has set it aside. */
    if (p->target->rest == REST_PERMITTED && rule->transport == TRANSPORT_NONE) return true;
    for (unsigned end = 0; end < 2; end++) {
        struct prefix_set set = end ? rule->remote : rule->local;
        struct prefix_set extra = prefix_set_subtract(p->work, set, *p->target->peers);
        bool implicit_stop = rule->action == ACTION_BLOCK && ends_in_stops(p->target);
        if (!extra.n || (is_any(set) && (!end || implicit_stop))) continue;
        struct addr outside = first_of(extra);
        struct counterexample point =
            point_of(p, file, rule, end ? own_address(file, rule) : outside,
                     end ? outside : first_of(rule->remote));
        point.expected = S("nothing, since no flow has such an end");
        point.found = str_format(p->work, "rule \"%.*s\" names it", STR_ARG(rule->id));
        return ill_formed(p, file, &point);
    }
    return true;
}

static bool rule_is_whole(struct proof_of_files *p, const struct target_file *file,
                          const struct rule *rule, str group)
{
    struct counterexample point =
        point_of(p, file, rule, own_address(file, rule), first_of(rule->remote));
    if (!rule->local.n || !rule->remote.n) {
        point.expected = S("rules that match something");
        point.found = str_format(p->work, "rule \"%.*s\" has an empty list", STR_ARG(rule->id));
        return ill_formed(p, file, &point);
    }
    if (!rule->enabled && !p->target->fixed_slots) {
        point.expected = S("rules that are in force");
        point.found = str_format(p->work, "rule \"%.*s\" is disabled", STR_ARG(rule->id));
        return ill_formed(p, file, &point);
    }
    if (!str_equal(rule->group, group)) {
        point.expected = str_format(p->work, "a rule of \"%.*s\"", STR_ARG(group));
        point.found = str_format(p->work, "one of \"%.*s\", which no rollback would find",
                                 STR_ARG(rule->group));
        return ill_formed(p, file, &point);
    }
    return !rule->enabled || names_peers(p, file, rule);
}

/* A first-match chain ends in stops that repeat the accepts above them, and what passes only when
 * secured lies inside a block; each kind must still be without repetition. */
static bool nothing_twice(struct proof_of_files *p, const struct target_file *file,
                          struct ruleset rules)
{
    struct disjoint_overlap overlap;
    bool found = false;
    static const unsigned by_rank[] = {DISJOINT_ALLOWS | DISJOINT_BLOCKS,
                                       DISJOINT_ALLOWS | DISJOINT_SECURE};
    static const unsigned in_order[] = {DISJOINT_ALLOWS, DISJOINT_BLOCKS};
    const unsigned *kinds = p->target->engine == ENGINE_WINDOWS ? by_rank : in_order;
    for (size_t i = 0; i < COUNT_OF(by_rank) && !found; i++)
        found = disjoint_find_overlap(rules, kinds[i], p->scratch, &overlap);
    if (!found) return true;
    struct addr local = is_any(overlap.first->local) && is_any(overlap.second->local)
                            ? own_address(file, overlap.first)
                            : overlap.local;
    struct counterexample point = point_of(p, file, overlap.first, local, overlap.remote);
    point.profile = overlap.profile;
    point.port = overlap.port.first;
    point.expected = S("one rule");
    point.found =
        str_format(p->work, "both \"%.*s\" (%.*s) and \"%.*s\" (%.*s)", STR_ARG(overlap.first->id),
                   STR_ARG(action_text(overlap.first->action)), STR_ARG(overlap.second->id),
                   STR_ARG(action_text(overlap.second->action)));
    return ill_formed(p, file, &point);
}

static bool accepts_before(const struct rule *accept, const struct rule *stop)
{
    return accept->action == ACTION_ALLOW && accept->direction == stop->direction &&
           accept->transport == stop->transport && accept->n_ports && stop->n_ports &&
           accept->ports[0].first == stop->ports[0].first;
}

/* The remote addresses that the accepts of one scope take; the last end is the stop's own. */
static struct prefix_set accepted_in(const struct scopes *scopes, uint32_t scope,
                                     const struct rule *const *accepts, size_t n_accepts,
                                     struct arena *arena)
{
    size_t n;
    const uint32_t *named = scopes_rules(scopes, scope, &n);
    struct prefix_set accepted = {0};
    for (size_t i = 0; i < n; i++)
        if (named[i] < n_accepts)
            accepted = prefix_set_union(arena, accepted, accepts[named[i]]->remote);
    return accepted;
}

/* An end of a stop that accepts have taken whole could be there or not: nobody would notice. */
static bool stop_matters(struct proof_of_files *p, const struct target_file *file,
                         struct ruleset rules, const struct rule *stop)
{
    struct prefix_set v4 = {&addr_all_v4, 1}, remote = stop->remote;
    if (is_any(stop->local)) return true; /* a line without addresses */
    if (is_any(remote)) remote = *p->target->peers;
    remote = addr_is_v4(first_of(stop->local)) ? prefix_set_intersect(p->work, remote, v4)
                                               : prefix_set_subtract(p->work, remote, v4);
    const struct rule **accepts = arena_array(p->work, const struct rule *, rules.n);
    struct prefix_set *ends = arena_array(p->work, struct prefix_set, rules.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < rules.n; i++) {
        if (!accepts_before(&rules.rules[i], stop)) continue;
        ends[n] = rules.rules[i].local;
        accepts[n++] = &rules.rules[i];
    }
    ends[n] = stop->local;
    struct scopes scopes = scopes_of(ends, n + 1, p->work, p->scratch);
    struct class_set own = atoms_classes(scopes.atoms, stop->local, p->work);

    struct prefix_set dead = remote;
    struct counterexample point = point_of(p, file, stop, (struct addr){0}, (struct addr){0});
    point.expected = S("no stop where everything is accepted");
    point.found = str_format(p->work, "rule \"%.*s\"", STR_ARG(stop->id));
    for (uint32_t c = class_set_next(own, 0); c != UINT32_MAX; c = class_set_next(own, c + 1)) {
        struct prefix_set accepted = accepted_in(&scopes, c, accepts, n, p->work);
        dead = prefix_set_intersect(p->work, dead, accepted);
        if (!prefix_set_covers(accepted, remote)) continue;
        set_ends(&point, stop, atoms_witness(scopes.atoms, c), first_of(remote));
        return ill_formed(p, file, &point);
    }
    /* A remote end that is not written can't be damaged. */
    if (!dead.n || is_any(stop->remote)) return true;
    set_ends(&point, stop, own_address(file, stop), first_of(dead));
    return ill_formed(p, file, &point);
}

/* ---- Lists --------------------------------------------------------------------------------------
 * Access lists that are judged in order hold at borders. Their stops may name the whole of either
 * side, so that a list of thousands of approvals does not end in as many stops: then each end is
 * known from the policy alone, and damage shows.
 */

static struct prefix_set of_family(struct arena *arena, struct prefix_set set, bool v4)
{
    return v4 ? prefix_set_v4(arena, set) : prefix_set_v6(arena, set);
}

static bool names_whole_sides(struct proof_of_files *p, const struct target_file *file,
                              const struct rule *stop, bool v4)
{
    if (!file->border) return false;
    struct prefix_set inside = file->border->border->inside;
    struct prefix_set routed =
        prefix_set_subtract(p->work, *p->target->peers, p->bundles->resolved->places.local);
    routed = of_family(p->work, routed, v4);
    return prefix_set_equal(stop->local, prefix_set_intersect(p->work, routed, inside)) &&
           prefix_set_equal(stop->remote, prefix_set_subtract(p->work, routed, inside));
}

/* Some flow that no accept has taken. */
static bool stops_something(struct proof_of_files *p, struct ruleset rules, const struct rule *stop)
{
    struct prefix_set left = stop->local;
    for (size_t i = 0; i < rules.n && left.n; i++)
        if (accepts_before(&rules.rules[i], stop) &&
            prefix_set_covers(rules.rules[i].remote, stop->remote))
            left = prefix_set_subtract(p->work, left, rules.rules[i].local);
    if (!left.n) return false;
    const struct rule **accepts = arena_array(p->work, const struct rule *, rules.n);
    struct prefix_set *ends = arena_array(p->work, struct prefix_set, rules.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < rules.n; i++) {
        if (!accepts_before(&rules.rules[i], stop)) continue;
        ends[n] = rules.rules[i].local;
        accepts[n++] = &rules.rules[i];
    }
    ends[n] = stop->local;
    struct scopes scopes = scopes_of(ends, n + 1, p->work, p->scratch);
    struct class_set own = atoms_classes(scopes.atoms, left, p->work);
    for (uint32_t c = class_set_next(own, 0); c != UINT32_MAX; c = class_set_next(own, c + 1))
        if (!prefix_set_covers(accepted_in(&scopes, c, accepts, n, p->work), stop->remote))
            return true;
    return false;
}

static bool listed_rule_matters(struct proof_of_files *p, const struct target_file *file,
                                struct ruleset rules, const struct rule *rule)
{
    if (rule->transport == TRANSPORT_NONE) return true;
    for (unsigned v4 = 0; v4 < 2; v4++) {
        struct rule part = *rule;
        part.local = of_family(p->work, rule->local, v4);
        part.remote = of_family(p->work, rule->remote, v4);
        if (!part.local.n && !part.remote.n) continue;
        struct counterexample point =
            point_of(p, file, &part, first_of(part.local), first_of(part.remote));
        point.found = str_format(p->work, "rule \"%.*s\"", STR_ARG(rule->id));
        if (!part.local.n || !part.remote.n) {
            point.expected = S("both ends of a family, since no packet has an end of each");
            return ill_formed(p, file, &point);
        }
        if (rule->action != ACTION_BLOCK) continue;
        if (!names_whole_sides(p, file, &part, v4)) {
            /* Nearly the whole could become it, or the other way round, and change nothing. */
            point.expected = S("a stop between the whole of either side");
            return ill_formed(p, file, &point);
        }
        point.expected = S("no stop where everything is accepted");
        if (!stops_something(p, rules, &part)) return ill_formed(p, file, &point);
    }
    return true;
}

static bool stops_matter(struct proof_of_files *p, const struct target_file *file,
                         struct ruleset rules)
{
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule *rule = &rules.rules[i];
        if (ends_in_stops(p->target) && rule->action == ACTION_BLOCK &&
            !stop_matters(p, file, rules, rule))
            return false;
        if (p->target->engine == ENGINE_ACL && !listed_rule_matters(p, file, rules, rule))
            return false;
    }
    return true;
}

/* What times out must go when the last exception that needs it ends: later it would outlive it,
 * earlier it would break what is approved. */
static bool lives_right(struct proof_of_files *p, const struct target_file *file,
                        struct ruleset rules)
{
    char text[INSTANT_TEXT];
    const struct prefix_set *members = file->host_class ? &file->host_class->members : NULL;
    if (!(p->target->holds & TARGET_EXPIRES)) return true;
    const struct expiry *expiry = expiry_of(p->bundles->resolved, members, p->work, p->scratch);
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule *rule = &rules.rules[i];
        size_t n = 0;
        if (rule->action != ACTION_ALLOW) continue;
        const struct expiry_part *parts = expiry_parts(expiry, rule, p->work, &n);
        for (size_t k = 0; k < n; k++) {
            int64_t until_us = parts[k].until_us, found_us = rule->expires_us;
            bool right = until_us ? found_us > until_us - INSTANT_SECOND &&
                                        found_us < until_us + INSTANT_SECOND / 1000
                                  : !found_us;
            if (right) continue;
            struct counterexample point =
                point_of(p, file, rule, own_address(file, rule), first_of(parts[k].remote));
            point.expected = until_us ? instant_text(text, until_us) : S("no end");
            point.expected = str_format(p->work, "%.*s", STR_ARG(point.expected));
            point.found =
                str_format(p->work, "rule \"%.*s\" ends at %.*s", STR_ARG(rule->id),
                           STR_ARG(found_us ? instant_text(text, found_us) : S("no time")));
            return ill_formed(p, file, &point);
        }
    }
    return true;
}

/* On Windows a rule of the same name can't be made; elsewhere the name is only a remark. */
static bool names_differ(struct proof_of_files *p, const struct target_file *file,
                         struct ruleset rules)
{
    struct map known = {0};
    struct arena scratch = p->scratch;
    if (p->target->engine != ENGINE_WINDOWS) return true;
    for (size_t i = 0; i < rules.n; i++) {
        bool fresh = false;
        (void)map_put(&known, &scratch, str_lower(&scratch, rules.rules[i].id), i, &fresh);
        if (fresh) continue;
        return unreadable(p, file->path,
                          str_format(p->arena,
                                     "expected rules of different names, found two of \"%.*s\"",
                                     STR_ARG(rules.rules[i].id)));
    }
    return true;
}

/* ---- Members ------------------------------------------------------------------------------------
 */

/* The host file's remark of whom it is for: "# member: 10.0.0.0/16", the same addresses as the
 * class. */
static bool read_member(str token, struct range *out)
{
    str first, last;
    struct prefix p;
    if (str_cut(token, '-', &first, &last))
        return addr_parse(first, &out->first) && addr_parse(last, &out->last) &&
               addr_compare(out->first, out->last) <= 0;
    if (!prefix_parse(token, &p) || prefix_has_host_bits(p)) return false;
    *out = prefix_range(p);
    return true;
}

struct members {
    struct range *items;
    size_t n, room;
};

static bool read_members(struct proof_of_files *p, const struct target_file *file,
                         struct members *out)
{
    str left = file->content, mark = S("# member: ");
    while (left.len) {
        str line, rest;
        (void)str_cut(left, '\n', &line, &rest);
        left = rest;
        if (!str_starts(line, mark)) continue;
        arena_grow(p->work, out->items, out->n, out->room);
        str token = str_trim(str_tail(line, mark.len));
        if (!read_member(token, &out->items[out->n]))
            return unreadable(p, file->path,
                              str_format(p->arena, "expected a member's address, found \"%.*s\"",
                                         STR_ARG(str_head(token, 60))));
        out->n++;
    }
    return true;
}

/* A file of rules that can hold no remark has a part that does. */
static bool names_members(struct proof_of_files *p, const struct target_file *file)
{
    struct members said_so = {0};
    for (size_t i = 0; i < p->files->n; i++) {
        const struct target_file *other = &p->files->items[i];
        bool tells = other == file || other->kind == TARGET_FILE_PART;
        if (tells && other->host_class == file->host_class && !read_members(p, other, &said_so))
            return false;
    }
    struct range *ranges = said_so.items;
    size_t n = said_so.n;
    struct prefix_set said = prefix_set_of(p->work, ranges, n);
    struct prefix_set members = file->host_class->members;
    struct prefix_set missing = prefix_set_subtract(p->work, members, said);
    struct prefix_set extra = prefix_set_subtract(p->work, said, members);
    if (!missing.n && !extra.n) return true;
    char text[ADDR_TEXT];
    struct addr a = missing.n ? missing.ranges[0].first : extra.ranges[0].first;
    return unreadable(p, file->path,
                      str_format(p->arena, "expected the class's members, found %.*s %s",
                                 STR_ARG(addr_text(text, a)),
                                 missing.n ? "missing" : "which is none"));
}

/* ---- Meaning ------------------------------------------------------------------------------------
 */

static str border_word(const struct proof_of_files *p, const struct border_rules *border)
{
    if (!border) return (str){0};
    return target_border_word(p->bundles, (size_t)(border - p->bundles->borders), p->work);
}

static bool prove_rules(struct proof_of_files *p, const struct target_file *file,
                        struct ruleset rules)
{
    struct counterexample point = {0};
    bool equal;
    if (file->host_class) {
        struct enforced_class class = {
            .id = file->host_class->id,
            .members = file->host_class->members,
            .rules = rules,
            .engine = p->target->engine,
            .rest = p->target->rest,
            .profiles = p->target->profiles,
            .shared = file->host_class->shared,
            .around = file->host_class->around,
        };
        equal = decision_proves_host(p->prover, &class, p->work, p->scratch, &point);
    } else {
        struct enforced_border border = {
            .border = file->border->border,
            .rules = rules,
            .engine = p->target->engine,
            .rest = p->target->rest,
        };
        equal = decision_proves_border(p->prover, &border, p->work, p->scratch, &point);
    }
    if (!equal) return differs(p, file, &point);
    str group = p->target->group(p->workspace, border_word(p, file->border), p->work);
    for (size_t i = 0; i < rules.n; i++)
        if (!rule_is_whole(p, file, &rules.rules[i], group)) return false;
    if (!nothing_twice(p, file, rules) || !stops_matter(p, file, rules)) return false;
    if (!lives_right(p, file, rules)) return false;
    if (!names_differ(p, file, rules)) return false;
    return !file->host_class || names_members(p, file);
}

/* ---- All files ----------------------------------------------------------------------------------
 */

static str error_text(struct arena *arena, const struct err *err)
{
    if (err->place == ERR_PLACE_LINE)
        return str_format(arena, "line %" PRIu32 ": %s", err->line, err->text);
    return str_copy(arena, str_of(err->text));
}

static bool read_files(struct proof_of_files *p)
{
    struct ruleset *rules = arena_array(p->work, struct ruleset, p->files->n + 1);
    for (size_t i = 0; i < p->files->n; i++) {
        const struct target_file *file = &p->files->items[i];
        bytes content = str_bytes(file->content);
        struct err err = {0};
        bool read;
        if (file->kind == TARGET_FILE_PART && !file->same_rules)
            read = p->target->read_part &&
                   p->target->read_part(file->path, content, p->workspace, p->work, &err);
        else if (file->kind == TARGET_FILE_ROLLBACK)
            read = p->target->read_rollback(file->path, content, p->workspace,
                                            border_word(p, file->border), p->work, &err);
        else
            read = p->target->read(file->path, content, p->work, &rules[i], &err);
        if (!read) return unreadable(p, file->path, error_text(p->arena, &err));
        p->report.n_files++;
        p->report.n_rollbacks += file->kind == TARGET_FILE_ROLLBACK;
        for (size_t k = 0; k < rules[i].n; k++)
            p->report.n_rules += rules[i].rules[k].enabled;
    }
    p->rules = rules;
    return true;
}

/* Every class, and every border if the dialect holds them, has its rules and its way back. */
static bool nothing_missing(struct proof_of_files *p)
{
    size_t n_borders = p->target->borders ? p->bundles->n_borders : 0;
    size_t n_classes = p->target->hosts ? p->bundles->n_classes : 0;
    for (size_t i = 0; i < n_classes + n_borders; i++) {
        const struct host_class *class = NULL;
        const struct border_rules *border = NULL;
        size_t n_rules = 0, n_rollbacks = 0;
        if (i < n_classes)
            class = &p->bundles->classes[i];
        else
            border = &p->bundles->borders[i - n_classes];
        for (size_t j = 0; j < p->files->n; j++) {
            const struct target_file *file = &p->files->items[j];
            bool its = file->host_class == class && file->border == border;
            bool common = !file->host_class && !file->border && class;
            n_rules += its && file->kind == TARGET_FILE_RULES;
            n_rollbacks += (its || common) && file->kind == TARGET_FILE_ROLLBACK;
        }
        if (n_rules == 1 && n_rollbacks == 1) continue;
        return unreadable(p, class ? class->id : border->border->name,
                          S("expected one file of rules and one rollback"));
    }
    p->report.n_classes = n_classes;
    p->report.n_borders = n_borders;
    return true;
}

/* What names its objects one by one must name them all when it takes them back. */
static bool rollbacks_undo(struct proof_of_files *p)
{
    for (size_t i = 0; i < p->files->n && p->target->undoes; i++) {
        const struct target_file *rules = &p->files->items[i];
        for (size_t j = 0; j < p->files->n && rules->kind == TARGET_FILE_RULES; j++) {
            const struct target_file *back = &p->files->items[j];
            struct err err = {0};
            if (back->kind != TARGET_FILE_ROLLBACK || back->border != rules->border ||
                back->host_class != rules->host_class)
                continue;
            if (!p->target->undoes(back->path, str_bytes(rules->content), str_bytes(back->content),
                                   p->work, &err))
                return unreadable(p, back->path, error_text(p->arena, &err));
        }
    }
    return true;
}

/* Settings beside rules: those that the policy asks of each class, and no others. */
static bool settings_are_right(struct proof_of_files *p)
{
    for (size_t i = 0; i < p->bundles->n_classes && p->target->settings; i++) {
        struct err err = {0};
        str path = {0};
        if (!prove_hardening(p->target, &p->bundles->classes[i], p->files, p->workspace, p->arena,
                             p->scratch, &path, &err))
            return unreadable(p, path, error_text(p->arena, &err));
    }
    return true;
}

static bool prove(struct proof_of_files *p)
{
    if (!nothing_missing(p) || !read_files(p) || !settings_are_right(p) || !rollbacks_undo(p))
        return false;
    for (size_t i = 0; i < p->files->n; i++)
        if ((p->files->items[i].kind == TARGET_FILE_RULES || p->files->items[i].same_rules) &&
            !prove_rules(p, &p->files->items[i], p->rules[i]))
            return false;
    return true;
}

struct prove_report prove_with(const struct prover *prover, const struct target *target,
                               const struct bundles *bundles, const struct target_files *files,
                               str workspace, struct arena *arena, struct arena scratch)
{
    struct arena work = arena_open("prove", 0, NULL);
    struct proof_of_files p = {
        .target = target,
        .bundles = bundles,
        .files = files,
        .workspace = workspace,
        .prover = prover,
        .arena = arena,
        .work = &work,
        .scratch = scratch,
    };
    p.report.equal = prove(&p);
    arena_close(&work);
    return p.report;
}

struct prove_report prove_files(const struct target *target, const struct bundles *bundles,
                                const struct target_files *files, str workspace,
                                struct arena *arena, struct arena scratch)
{
    struct arena kept = arena_open("prove", 0, NULL);
    const struct decision *decision = decision_build(bundles->resolved, NULL, &kept, scratch);
    const struct prover *prover = prover_make(decision, *target->peers, &kept, scratch);
    struct prove_report report =
        prove_with(prover, target, bundles, files, workspace, arena, scratch);
    arena_close(&kept);
    return report;
}

str prove_text(const struct prove_report *report, const struct policy *policy, struct arena *arena)
{
    const struct counterexample *w = &report->witness;
    char client[ADDR_TEXT], server[ADDR_TEXT];
    if (report->error.len)
        return str_format(arena, "%.*s: %.*s", STR_ARG(report->path), STR_ARG(report->error));
    str service = S("no governed service");
    if (w->service != SERVICE_NONE) service = policy->services.services[w->service].name;
    return str_format(
        arena,
        "%.*s: client %.*s, server %.*s, %.*s (%.*s/%u), profile %.*s, at %.*s%s: %s %.*s, %s %.*s",
        STR_ARG(report->path), STR_ARG(addr_text(client, w->client)),
        STR_ARG(addr_text(server, w->server)), STR_ARG(service),
        STR_ARG(service_transport_text(w->transport)), (unsigned)w->port,
        STR_ARG(profile_text(w->profile)), STR_ARG(side_text(w->side)),
        w->secured ? ", secured" : "", report->form ? "expected" : "the policy says",
        STR_ARG(w->expected), report->form ? "found" : "the artefact says", STR_ARG(w->found));
}
