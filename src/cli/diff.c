/* SPDX-License-Identifier: Apache-2.0 */
/* What one policy, folder or exported ruleset allows that another does not. Each side is recognised
 * by what it is: a folder that compile wrote, a firewall file that some target reads, else a
 * policy.
 */
#include "reason/diff.h"

#include "base/instant.h"
#include "cli/command.h"
#include "cli/policy_file.h"
#include "cli/rules_print.h"
#include "reason/set_words.h"
#include "rules/universe.h"
#include "rules/verdict.h"
#include "targets/artefact_folder.h"
#include "targets/target.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* What one target's files of a side hold. */
struct held {
    const struct target *target;
    struct enforcement_rules *rules;
    size_t n, room;
};

struct compared {
    enum { COMPARED_POLICY, COMPARED_FOLDER, COMPARED_FILE } kind;
    str path;
    int64_t as_of_us;
    bool as_of_is_date;       /* until the policy says in which time zone */
    struct policy_file *file; /* COMPARED_POLICY */
    const struct decision *decision;
    struct artefact_folder folder; /* COMPARED_FOLDER */
    struct held *held;             /* one per target */
    size_t n_held;
};

/* Differences as seen by one target's files; NULL = two policies. */
struct part {
    const struct target *target;
    struct enforcement before, after;
    struct diff diff;
};

struct comparison {
    struct invocation *call;
    struct compared sides[2];
    struct part *parts;
    size_t n_parts;
};

/* ---- Reading the sides --------------------------------------------------------------------------
 */

static str manifest_of(struct arena *arena, str folder)
{
    return os_join(arena, folder, S("manifest.json"));
}

static struct held *held_of(struct compared *side, const struct target *target)
{
    for (size_t i = 0; i < side->n_held; i++)
        if (side->held[i].target == target) return &side->held[i];
    side->held[side->n_held].target = target;
    return &side->held[side->n_held++];
}

/* A list of a firewall that decides nothing but what it names: its last permit, if it has one, and
 * what else the firewall holds are not compared. First match then, with nothing behind it. */
static void leave_rest(const struct target *target, struct arena *arena,
                       struct enforcement_rules *rules)
{
    if (!target || target->engine != ENGINE_ACL || target->rest == REST_DENIED) return;
    struct rule *kept = arena_array(arena, struct rule, rules->rules.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < rules->rules.n; i++)
        if (target->rest == REST_UNTOUCHED || rules->rules.rules[i].transport != TRANSPORT_NONE)
            kept[n++] = rules->rules.rules[i];
    rules->rules = (struct ruleset){.rules = kept, .n = n};
    rules->engine = ENGINE_NFTABLES;
}

static void hold(struct compared *side, struct arena *arena, const struct target *target,
                 struct enforcement_rules rules)
{
    struct held *held = held_of(side, target);
    leave_rest(target, arena, &rules);
    arena_grow(arena, held->rules, held->n, held->room);
    held->rules[held->n++] = rules;
}

/* The first part of a file's path names its target. */
static bool read_folder_file(struct invocation *call, struct compared *side,
                             const struct artefact_part *part, str name, struct err *err)
{
    str head, rest;
    bytes content = {0};
    (void)str_cut(name, '/', &head, &rest);
    const struct target *target = target_by_name(head);
    str path = os_join(call->arena, side->path, name);
    if (!target)
        return err_set(err, ERR_UNKNOWN_FORMAT, "%.*s: no target writes such a file",
                       STR_ARG(path));
    struct enforcement_rules rules = {
        .source = path,
        .own = part->members,
        .border = part->is_border ? part->name : (str){0},
        .engine = target->engine,
    };
    if (!os_read_all(call->os, path, LIMIT_ARTEFACT_BYTES, call->arena, &content, err))
        return false;
    if (!target->read(path, content, call->arena, &rules.rules, err)) return false;
    hold(side, call->arena, target, rules);
    return true;
}

static bool read_folder(struct invocation *call, struct compared *side, struct err *err)
{
    bytes content = {0};
    str path = manifest_of(call->arena, side->path);
    if (!os_read_all(call->os, path, LIMIT_ARTEFACT_BYTES, call->arena, &content, err))
        return false;
    if (!artefact_folder_read(path, content, call->arena, &side->folder, err)) return false;
    for (size_t i = 0; i < side->folder.n_parts; i++) {
        const struct artefact_part *part = &side->folder.parts[i];
        for (size_t j = 0; j < part->n_files; j++)
            if (!read_folder_file(call, side, part, part->files[j], err)) return false;
    }
    return true;
}

static bool read_policy(struct invocation *call, struct compared *side, int *status)
{
    struct invocation then = *call;
    then.as_of_us = side->as_of_us;
    then.as_of_is_date = side->as_of_is_date;
    side->file = arena_new(call->arena, struct policy_file);
    bool loaded = side->path.len ? policy_file_load_from(&then, side->path, side->file, status)
                                 : policy_file_load(&then, side->file, status);
    if (!loaded || !policy_file_resolve(&then, side->file, NULL, true, status)) return false;
    side->path = side->file->source;
    side->as_of_us = then.as_of_us;
    side->decision = decision_build(&side->file->resolved, NULL, call->arena, call->scratch);
    return true;
}

/* An exported file says nothing of whose it is. */
static bool read_export(struct invocation *call, struct compared *side, bytes content,
                        struct err *err)
{
    str host = option_text(call, S("host")), border = option_text(call, S("border"));
    struct enforcement_rules rules = {.source = side->path};
    struct rules_source export = {.path = side->path};
    size_t n_conditional;
    if ((host.len != 0) == (border.len != 0))
        return err_set(err, ERR_USAGE,
                       "%.*s is of one machine or border: expected --host ADDRESS or --border NAME",
                       STR_ARG(side->path));
    if (!rule_file_read(side->path, content, call->arena, &export.file, err)) return false;
    rules.engine = export.file.engine;
    rules.rules = rule_file_certain(&export.file, call->arena, &n_conditional);
    rules_print_problems(call, &export);
    if (n_conditional)
        buf_format(call->talk,
                   "%.*s: %zu rule%s with conditions (a service, LocalSubnet, ...) %s left "
                   "out: what they decide depends\n",
                   STR_ARG(side->path), n_conditional, n_conditional == 1 ? "" : "s",
                   n_conditional == 1 ? "is" : "are");
    struct prefix prefix;
    if (host.len && !prefix_parse(host, &prefix))
        return err_set(err, ERR_USAGE, "--host: expected an address or prefix, found \"%.*s\"",
                       STR_ARG(host));
    if (host.len) rules.own = prefix_set_of_prefix(call->arena, prefix);
    rules.border = border;
    hold(side, call->arena, export.file.target, rules);
    return true;
}

static bool read_side(struct invocation *call, struct compared *side, int *status)
{
    struct err err = {0};
    bytes content = {0};
    side->held = arena_array(call->arena, struct held, targets_n + 1);
    *status = EXIT_FAILED;
    if (!side->path.len) return read_policy(call, side, status);
    str manifest = manifest_of(call->arena, side->path);
    if (call->os->kind(call->os->self, side->path) == OS_DIRECTORY) {
        side->kind = COMPARED_FOLDER;
        if (call->os->kind(call->os->self, manifest) != OS_FILE)
            (void)err_set(&err, ERR_NOT_FOUND, "%.*s: expected a folder that compile wrote whole",
                          STR_ARG(side->path));
        else if (read_folder(call, side, &err))
            return true;
        (void)command_fail(call, &err);
        return false;
    }
    if (!os_read_all(call->os, side->path, LIMIT_ARTEFACT_BYTES, call->arena, &content, &err)) {
        (void)command_fail(call, &err);
        return false;
    }
    if (!rule_file_recognise(content)) return read_policy(call, side, status);
    side->kind = COMPARED_FILE;
    if (read_export(call, side, content, &err)) return true;
    (void)command_fail(call, &err);
    return false;
}

/* ---- Comparing ----------------------------------------------------------------------------------
 */

static const struct held *held_by(const struct compared *side, const struct target *target)
{
    for (size_t i = 0; i < side->n_held; i++)
        if (side->held[i].target == target) return &side->held[i];
    return NULL;
}

/* A border's inside is known to the policy or the folder it is compared with. */
static struct prefix_set inside_of(const struct compared *side, str border)
{
    if (side->decision) {
        const struct resolved *r = decision_resolved(side->decision);
        for (size_t i = 0; i < r->n_borders; i++)
            if (str_equal(r->borders[i].name, border)) return r->borders[i].inside;
    }
    for (size_t i = 0; i < side->folder.n_parts; i++)
        if (side->folder.parts[i].is_border && str_equal(side->folder.parts[i].name, border))
            return side->folder.parts[i].members;
    return (struct prefix_set){0};
}

static struct enforcement enforcement_of(const struct compared *side, const struct target *target)
{
    const struct held *held = held_by(side, target);
    if (!held) return (struct enforcement){.decision = side->decision};
    return (struct enforcement){.rules = held->rules, .n_rules = held->n};
}

/* Neither side is of a firewall. */
static bool of_policies(const struct part *part)
{
    return part->before.decision && part->after.decision;
}

static void compare(struct comparison *c, const struct target *target,
                    const enum enforcement_point *points, size_t n_points,
                    const struct prefix_set *own, str border)
{
    struct invocation *call = c->call;
    struct part *part = &c->parts[c->n_parts++];
    part->target = target;
    part->before = enforcement_of(&c->sides[0], target);
    part->after = enforcement_of(&c->sides[1], target);
    struct diff_scope scope = {
        .own = own,
        .peers = target              ? target->peers
                 : of_policies(part) ? NULL
                                     : &universe_windows,
        .points = points,
        .n_points = n_points,
        .profiles = target ? target->profiles : (1u << PROFILE_COUNT) - 1,
        .border = border,
    };
    part->diff = diff_make(&part->before, &part->after, &scope, call->arena, call->scratch);
}

static bool compare_file(struct comparison *c, struct compared *file, const struct compared *other,
                         struct err *err)
{
    static const enum enforcement_point hosts[] = {ENFORCEMENT_OUTBOUND, ENFORCEMENT_INBOUND};
    static const enum enforcement_point borders[] = {ENFORCEMENT_BORDER_OUT, ENFORCEMENT_BORDER_IN};
    struct enforcement_rules *rules = &file->held[0].rules[0];
    bool at_border = rules->border.len != 0;
    if (at_border) {
        rules->own = inside_of(other, rules->border);
        if (!rules->own.n)
            return err_set(err, ERR_USAGE, "%.*s has no enforced border \"%.*s\"",
                           STR_ARG(other->path), STR_ARG(rules->border));
    }
    /* A format that is only read is of Windows: any target of it says what was compiled. */
    for (size_t i = 0; i < other->n_held && !file->held[0].target; i++)
        if (other->held[i].target->engine == ENGINE_WINDOWS)
            file->held[0].target = other->held[i].target;
    const struct target *target = file->held[0].target;
    if (!other->decision && !held_by(other, target))
        return err_set(err, ERR_USAGE, "%.*s holds nothing of %s%.*s", STR_ARG(other->path),
                       target ? "target " : "Windows", STR_ARG(target ? target->name : (str){0}));
    compare(c, file->held[0].target, at_border ? borders : hosts, 2, &rules->own, rules->border);
    return true;
}

static bool compare_all(struct comparison *c, struct err *err)
{
    static const enum enforcement_point policies[] = {
        ENFORCEMENT_PATH,    ENFORCEMENT_INTENT,     ENFORCEMENT_OUTBOUND,
        ENFORCEMENT_INBOUND, ENFORCEMENT_BORDER_OUT, ENFORCEMENT_BORDER_IN,
    };
    struct compared *a = &c->sides[0], *b = &c->sides[1];
    c->parts = arena_array(c->call->arena, struct part, targets_n + 1);
    if (a->kind == COMPARED_FILE) return compare_file(c, a, b, err);
    if (b->kind == COMPARED_FILE) return compare_file(c, b, a, err);
    if (a->kind == COMPARED_POLICY && b->kind == COMPARED_POLICY) {
        compare(c, NULL, policies, COUNT_OF(policies), NULL, (str){0});
        return true;
    }
    for (size_t i = 0; i < targets_n; i++) {
        bool in_a = a->decision || held_by(a, targets[i]);
        bool in_b = b->decision || held_by(b, targets[i]);
        /* Hosts' two points, then borders' two. */
        size_t first = targets[i]->hosts ? 2 : 4, last = targets[i]->borders ? 6 : 4;
        if (in_a && in_b) compare(c, targets[i], policies + first, last - first, NULL, (str){0});
    }
    if (c->n_parts) return true;
    return err_set(err, ERR_USAGE, "%.*s and %.*s have no target in common", STR_ARG(a->path),
                   STR_ARG(b->path));
}

/* ---- Why ----------------------------------------------------------------------------------------
 */

static str why_policy(const struct decision *d, const struct diff_region *r, struct arena *arena)
{
    unsigned profile = 0;
    while (!(r->profiles >> profile & 1u))
        profile++;
    bool secured = r->secured == DIFF_SECURED;
    struct flow_question q = {
        .client = r->client,
        .server = r->server,
        .transport = r->ports[0].transport,
        .port = r->ports[0].first,
        .service = enforcement_service(decision_resolved(d)->policy, r->ports[0].transport,
                                       r->ports[0].first),
        .profile = (enum profile)profile,
    };
    struct flow_answer answer = decision_ask(d, &q);
    if (answer.intent == INTENT_UNGOVERNED) return S("the service is not governed");
    enum side at = SIDE_COUNT;
    for (size_t i = 0; i < answer.n_sides && at == SIDE_COUNT && r->point == ENFORCEMENT_PATH; i++)
        if (!(secured ? answer.sides[i].passes_secured : answer.sides[i].passes))
            at = answer.sides[i].side;
    if (r->point == ENFORCEMENT_OUTBOUND) at = SIDE_CLIENT_OUTBOUND;
    if (r->point == ENFORCEMENT_INBOUND) at = SIDE_SERVER_INBOUND;
    if (r->point == ENFORCEMENT_BORDER_OUT || r->point == ENFORCEMENT_BORDER_IN) at = SIDE_COUNT;
    return decision_why(d, &q, at, arena).text;
}

static str why_rules(const struct enforcement *e, const struct diff_region *r, struct arena *arena)
{
    bool own_is_client = enforcement_own_is_client(r->point);
    struct addr own = own_is_client ? r->client : r->server;
    struct addr peer = own_is_client ? r->server : r->client;
    struct verdict_question q = {
        .direction = own_is_client ? DIRECTION_OUTBOUND : DIRECTION_INBOUND,
        .transport = r->ports[0].transport,
        .port = r->ports[0].first,
        .secured = r->secured == DIFF_SECURED,
        .any_profile = r->border.len != 0,
    };
    while (!(r->profiles >> q.profile & 1u))
        q.profile++;
    for (size_t i = 0; i < e->n_rules; i++) {
        const struct enforcement_rules *rules = &e->rules[i];
        if (!str_equal(rules->border, r->border) || !prefix_set_contains(rules->own, own)) continue;
        const struct rule *rule = verdict_rule(rules->rules, rules->engine, own, peer, &q);
        if (!rule) return str_format(arena, "no rule of %.*s is about it", STR_ARG(rules->source));
        str verb = rule->action == ACTION_BLOCK ? S("blocks") : S("allows");
        return str_format(arena, "%.*s %.*s it, rule %.*s", STR_ARG(rules->source), STR_ARG(verb),
                          STR_ARG(rule->id));
    }
    return str_format(arena, "no file is for this address");
}

static str why(const struct enforcement *e, const struct diff_region *r, struct arena *arena)
{
    return e->decision ? why_policy(e->decision, r, arena) : why_rules(e, r, arena);
}

/* ---- Words --------------------------------------------------------------------------------------
 */

/* Whose words: what opens is told in the words of what opens it. */
static const struct resolved *words_of(const struct part *part, enum diff_change change)
{
    const struct decision *first =
        change == DIFF_OPENED ? part->after.decision : part->before.decision;
    const struct decision *second =
        change == DIFF_OPENED ? part->before.decision : part->after.decision;
    if (first) return decision_resolved(first);
    return second ? decision_resolved(second) : NULL;
}

static str port_text(struct arena *arena, const struct service_port *port)
{
    str transport = service_transport_text(port->transport);
    if (port->first == port->last)
        return str_format(arena, "%.*s/%u", STR_ARG(transport), (unsigned)port->first);
    return str_format(arena, "%.*s/%u-%u", STR_ARG(transport), (unsigned)port->first,
                      (unsigned)port->last);
}

/* Name of the service in that policy, or empty. */
static str service_name(const struct resolved *resolved, const struct service_port *port)
{
    struct service_table table = resolved ? resolved->policy->services : service_builtin;
    int at = service_by_port(table, port->transport, port->first);
    if (at == SERVICE_NONE && resolved)
        at = enforcement_service(resolved->policy, port->transport, port->first);
    return at == SERVICE_NONE ? (str){0} : table.services[at].name;
}

/* "smb (tcp/445)", "netbios (tcp/139 udp/137-138)" */
static str ports_text(struct arena *arena, const struct resolved *resolved,
                      const struct diff_region *r)
{
    struct buf out = buf_in(arena);
    str last = {0};
    for (size_t i = 0; i < r->n_ports; i++) {
        str name = service_name(resolved, &r->ports[i]);
        bool same = i && str_equal(name, last);
        if (i && !same) buf_str(&out, last.len ? S("), ") : S(", "));
        if (i && same) buf_char(&out, ' ');
        if (!same && name.len) buf_format(&out, "%.*s (", STR_ARG(name));
        buf_str(&out, port_text(arena, &r->ports[i]));
        last = name;
    }
    if (last.len) buf_char(&out, ')');
    return buf_text(&out);
}

static str profiles_text(struct arena *arena, uint8_t profiles)
{
    if (profiles == (1u << PROFILE_COUNT) - 1) return S("every profile");
    struct buf out = buf_in(arena);
    for (unsigned p = 0; p < PROFILE_COUNT; p++) {
        if (!(profiles >> p & 1u)) continue;
        if (buf_text(&out).len) buf_char(&out, ' ');
        buf_str(&out, profile_text((enum profile)p));
    }
    return buf_text(&out);
}

static str secured_text(uint8_t secured)
{
    if (secured == DIFF_IN_CLEAR) return S("in clear");
    return secured == DIFF_SECURED ? S("when secured") : S("in clear and secured");
}

static str count_text(struct arena *arena, uint64_t pairs)
{
    if (pairs == UINT64_MAX) return S("over 10^19");
    return str_format(arena, "%" PRIu64, pairs);
}

/* "256 pairs", "over 10^19 IPv6 pairs", "256 IPv4 and 4 IPv6 pairs" */
static str pairs_text(struct arena *arena, const struct diff_region *r)
{
    str v4 = count_text(arena, r->pairs_v4), v6 = count_text(arena, r->pairs_v6);
    if (!r->pairs_v6)
        return str_format(arena, "%.*s pair%s", STR_ARG(v4), r->pairs_v4 == 1 ? "" : "s");
    if (!r->pairs_v4)
        return str_format(arena, "%.*s IPv6 pair%s", STR_ARG(v6), r->pairs_v6 == 1 ? "" : "s");
    return str_format(arena, "%.*s IPv4 and %.*s IPv6 pairs", STR_ARG(v4), STR_ARG(v6));
}

/* ---- Text ---------------------------------------------------------------------------------------
 */

enum { SHOWN_REGIONS = 25, SHOWN_ITEMS = 6 };

static void print_region(struct comparison *c, const struct part *part, const struct diff_region *r)
{
    static const enum table_tone tones[] = {TONE_BAD, TONE_GOOD, TONE_WARN};
    struct invocation *call = c->call;
    struct arena *arena = call->arena;
    struct buf *out = call->out;
    char client[ADDR_TEXT], server[ADDR_TEXT];
    const struct resolved *words = words_of(part, r->change);
    struct set_words clients = set_words_of(words, r->clients, arena, call->scratch);
    struct set_words servers = set_words_of(words, r->servers, arena, call->scratch);
    table_tone(out, str_format(arena, "%-10.*s", STR_ARG(diff_change_text(r->change))),
               tones[r->change], call->colour);
    buf_str(out, set_words_text(&clients, SHOWN_ITEMS, arena));
    buf_str(out, S(" -> "));
    buf_str(out, set_words_text(&servers, SHOWN_ITEMS, arena));
    buf_format(out, "\n          %.*s, %.*s, %.*s; %.*s", STR_ARG(ports_text(arena, words, r)),
               STR_ARG(profiles_text(arena, r->profiles)), STR_ARG(secured_text(r->secured)),
               STR_ARG(pairs_text(arena, r)));
    if (r->border.len) buf_format(out, ", border %.*s", STR_ARG(r->border));
    str from = addr_text(client, r->client), to = addr_text(server, r->server);
    buf_format(out, "\n          such as %.*s -> %.*s\n", STR_ARG(from), STR_ARG(to));
    buf_format(out, "            before  %.*s\n", STR_ARG(why(&part->before, r, arena)));
    buf_format(out, "            after   %.*s\n", STR_ARG(why(&part->after, r, arena)));
}

static bool any_at(const struct diff *diff, enum enforcement_point point)
{
    for (size_t i = 0; i < diff->n; i++)
        if (diff->regions[i].point == point) return true;
    return false;
}

static str point_heading(enum enforcement_point point)
{
    switch (point) {
    case ENFORCEMENT_PATH:
        return S("what passes the whole way");
    case ENFORCEMENT_INTENT:
        return S("what is intended, enforced or not");
    case ENFORCEMENT_OUTBOUND:
        return S("what clients' own firewalls let out");
    case ENFORCEMENT_INBOUND:
        return S("what servers' own firewalls let in");
    case ENFORCEMENT_BORDER_OUT:
        return S("what borders let out");
    case ENFORCEMENT_BORDER_IN:
    case ENFORCEMENT_POINT_COUNT:
        break;
    }
    return S("what borders let in");
}

static void print_point(struct comparison *c, const struct part *part, enum enforcement_point point)
{
    struct invocation *call = c->call;
    size_t n = 0;
    if (!any_at(&part->diff, point)) return;
    table_tone(call->out, point_heading(point), TONE_STRONG, call->colour);
    if (part->target) buf_format(call->out, " (target %.*s)", STR_ARG(part->target->name));
    buf_char(call->out, '\n');
    for (size_t i = 0; i < part->diff.n; i++) {
        if (part->diff.regions[i].point != point) continue;
        if (n++ < SHOWN_REGIONS) print_region(c, part, &part->diff.regions[i]);
    }
    if (n > SHOWN_REGIONS)
        buf_format(call->out, "          and %zu more differences; --json lists all\n",
                   n - SHOWN_REGIONS);
    buf_char(call->out, '\n');
}

static bool same_text(const struct comparison *c)
{
    const struct compared *a = &c->sides[0], *b = &c->sides[1];
    if (a->kind != COMPARED_POLICY || b->kind != COMPARED_POLICY) return false;
    return str_equal(a->file->policy.text, b->file->policy.text);
}

static bool is_equal(const struct comparison *c)
{
    for (size_t i = 0; i < c->n_parts; i++)
        if (c->parts[i].diff.n) return false;
    return true;
}

static str side_text_of(struct comparison *c, const struct compared *side)
{
    bool dated = c->sides[0].as_of_us != c->sides[1].as_of_us;
    if (side->kind != COMPARED_POLICY || !dated) return side->path;
    char instant[INSTANT_TEXT];
    return str_format(c->call->arena, "%.*s as of %.*s", STR_ARG(side->path),
                      STR_ARG(instant_text(instant, side->as_of_us)));
}

static void print_text(struct comparison *c)
{
    struct invocation *call = c->call;
    bool all = option_flag(call, S("all"));
    buf_format(call->out, "%.*s -> %.*s\n\n", STR_ARG(side_text_of(c, &c->sides[0])),
               STR_ARG(side_text_of(c, &c->sides[1])));
    for (size_t i = 0; i < c->n_parts; i++) {
        const struct part *part = &c->parts[i];
        bool told = false;
        for (unsigned p = 0; p < ENFORCEMENT_POINT_COUNT; p++) {
            /* Where flows change, the sides that make them change only repeat it. */
            if (told && !all && of_policies(part)) continue;
            print_point(c, part, (enum enforcement_point)p);
            told = told || (p == ENFORCEMENT_PATH && any_at(&part->diff, ENFORCEMENT_PATH));
        }
        if (part->diff.n && of_policies(part) && !told)
            buf_str(call->out, S("no flow passes or stops passing by this\n"));
    }
    if (!is_equal(c)) return;
    bool same = same_text(c), policies = c->n_parts && of_policies(&c->parts[0]);
    table_tone(call->out, S("equal in meaning"), TONE_GOOD, call->colour);
    if (policies)
        buf_str(call->out, same ? S(": the text is the same") : S(": only the text differs"));
    buf_str(call->out, S("\n"));
}

/* ---- JSON ---------------------------------------------------------------------------------------
 */

static void print_side(struct json *json, struct comparison *c, str key,
                       const struct compared *side)
{
    static const char *const kinds[] = {"policy", "folder", "file"};
    json_key(json, key);
    json_object(json);
    json_member_str(json, S("kind"), str_of(kinds[side->kind]));
    json_member_str(json, S("source"), side->path);
    json_key(json, S("as_of"));
    if (side->kind == COMPARED_POLICY)
        json_instant(json, side->as_of_us);
    else if (side->kind == COMPARED_FOLDER && side->folder.as_of.len)
        json_str(json, side->folder.as_of);
    else
        json_null(json);
    if (side->kind == COMPARED_POLICY) {
        str hash = sha256_hex(c->call->arena, &side->file->policy.digest);
        json_member_str(json, S("policy_sha256"), hash);
    } else {
        json_member_str_or_null(json, S("policy_sha256"), side->folder.policy_sha256);
    }
    json_object_end(json);
}

static void print_ends(struct json *json, struct comparison *c, str key,
                       const struct resolved *words, struct prefix_set set)
{
    struct arena *arena = c->call->arena;
    struct set_words said = set_words_of(words, set, arena, c->call->scratch);
    struct prefix_set families[] = {prefix_set_v4(arena, set), prefix_set_v6(arena, set)};
    json_key(json, key);
    json_object(json);
    json_key(json, S("words"));
    json_array(json);
    for (size_t i = 0; i < said.n; i++)
        json_str(json, said.items[i]);
    json_array_end(json);
    json_key(json, S("addresses"));
    json_array(json);
    for (size_t f = 0; f < COUNT_OF(families); f++)
        for (size_t i = 0; i < families[f].n; i++)
            json_str(json, set_words_range(families[f].ranges[i], arena));
    json_array_end(json);
    json_object_end(json);
}

static void print_pairs(struct json *json, str key, uint64_t pairs)
{
    json_key(json, key);
    if (pairs == UINT64_MAX)
        json_null(json);
    else
        json_u64(json, pairs);
}

static void print_json_region(struct json *json, struct comparison *c, const struct part *part,
                              const struct diff_region *r)
{
    struct arena *arena = c->call->arena;
    const struct resolved *words = words_of(part, r->change);
    json_object(json);
    json_member_str(json, S("change"), diff_change_text(r->change));
    json_member_str(json, S("at"), enforcement_point_text(r->point));
    json_member_str_or_null(json, S("border"), r->border);
    json_member_str_or_null(json, S("target"), part->target ? part->target->name : (str){0});
    print_ends(json, c, S("clients"), words, r->clients);
    print_ends(json, c, S("servers"), words, r->servers);
    json_key(json, S("services"));
    json_array(json);
    for (size_t i = 0; i < r->n_ports; i++) {
        str name = service_name(words, &r->ports[i]);
        bool again = !name.len;
        for (size_t j = 0; j < i; j++)
            again = again || str_equal(service_name(words, &r->ports[j]), name);
        if (!again) json_str(json, name);
    }
    json_array_end(json);
    json_key(json, S("ports"));
    json_array(json);
    for (size_t i = 0; i < r->n_ports; i++)
        json_str(json, port_text(arena, &r->ports[i]));
    json_array_end(json);
    json_key(json, S("profiles"));
    json_array(json);
    for (unsigned p = 0; p < PROFILE_COUNT; p++)
        if (r->profiles >> p & 1u) json_str(json, profile_text((enum profile)p));
    json_array_end(json);
    json_member_bool(json, S("in_clear"), (r->secured & DIFF_IN_CLEAR) != 0);
    json_member_bool(json, S("secured"), (r->secured & DIFF_SECURED) != 0);
    print_pairs(json, S("pairs_v4"), r->pairs_v4);
    print_pairs(json, S("pairs_v6"), r->pairs_v6);
    json_key(json, S("witness"));
    json_object(json);
    json_key(json, S("client"));
    json_addr(json, r->client);
    json_key(json, S("server"));
    json_addr(json, r->server);
    json_member_str(json, S("service"),
                    port_text(arena, &(struct service_port){.transport = r->ports[0].transport,
                                                            .first = r->ports[0].first,
                                                            .last = r->ports[0].first}));
    json_object_end(json);
    json_member_str(json, S("because_before"), why(&part->before, r, arena));
    json_member_str(json, S("because_after"), why(&part->after, r, arena));
    json_object_end(json);
}

static void print_json(struct comparison *c)
{
    struct json json = json_to(c->call->out);
    json_object(&json);
    print_side(&json, c, S("before"), &c->sides[0]);
    print_side(&json, c, S("after"), &c->sides[1]);
    json_member_bool(&json, S("equal"), is_equal(c));
    json_member_bool(&json, S("same_text"), same_text(c));
    json_key(&json, S("differences"));
    json_array(&json);
    for (size_t i = 0; i < c->n_parts; i++)
        for (size_t j = 0; j < c->parts[i].diff.n; j++)
            print_json_region(&json, c, &c->parts[i], &c->parts[i].diff.regions[j]);
    json_array_end(&json);
    json_object_end(&json);
    buf_char(c->call->out, '\n');
}

static void print_csv(struct comparison *c)
{
    static const struct table_column columns[] = {
        {T("change"),         ALIGN_LEFT, 0},
        {T("at"),             ALIGN_LEFT, 0},
        {T("border"),         ALIGN_LEFT, 0},
        {T("target"),         ALIGN_LEFT, 0},
        {T("clients"),        ALIGN_LEFT, 0},
        {T("servers"),        ALIGN_LEFT, 0},
        {T("ports"),          ALIGN_LEFT, 0},
        {T("profiles"),       ALIGN_LEFT, 0},
        {T("secured"),        ALIGN_LEFT, 0},
        {T("pairs_v4"),       ALIGN_LEFT, 0},
        {T("pairs_v6"),       ALIGN_LEFT, 0},
        {T("client"),         ALIGN_LEFT, 0},
        {T("server"),         ALIGN_LEFT, 0},
        {T("because_before"), ALIGN_LEFT, 0},
        {T("because_after"),  ALIGN_LEFT, 0},
    };
    struct arena *arena = c->call->arena;
    struct table table = table_of(arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < c->n_parts; i++) {
        const struct part *part = &c->parts[i];
        for (size_t j = 0; j < part->diff.n; j++) {
            const struct diff_region *r = &part->diff.regions[j];
            const struct resolved *words = words_of(part, r->change);
            struct set_words clients = set_words_of(words, r->clients, arena, c->call->scratch);
            struct set_words servers = set_words_of(words, r->servers, arena, c->call->scratch);
            char text[ADDR_TEXT];
            table_add(&table, diff_change_text(r->change));
            table_add(&table, enforcement_point_text(r->point));
            table_add(&table, r->border);
            table_add(&table, part->target ? part->target->name : (str){0});
            table_add(&table, set_words_text(&clients, 0, arena));
            table_add(&table, set_words_text(&servers, 0, arena));
            table_add(&table, ports_text(arena, words, r));
            table_add(&table, profiles_text(arena, r->profiles));
            table_add(&table, secured_text(r->secured));
            table_add(&table, count_text(arena, r->pairs_v4));
            table_add(&table, count_text(arena, r->pairs_v6));
            table_add(&table, str_copy(arena, addr_text(text, r->client)));
            table_add(&table, str_copy(arena, addr_text(text, r->server)));
            table_add(&table, why(&part->before, r, arena));
            table_add(&table, why(&part->after, r, arena));
        }
    }
    table_print_csv(&table, c->call->out);
}

/* ---- The command --------------------------------------------------------------------------------
 */

static void date_side(struct invocation *call, struct compared *side, str option)
{
    struct civil date;
    bool given = option_given(call, option);
    side->as_of_us = given ? option_instant(call, option) : call->as_of_us;
    side->as_of_is_date =
        given ? instant_parse_date(option_text(call, option), &date) : call->as_of_is_date;
}

/* One argument is compared with the workspace's policy, or with itself at another time. */
static bool name_sides(struct comparison *c, struct err *err)
{
    struct invocation *call = c->call;
    bool dated = option_given(call, S("before")) || option_given(call, S("after"));
    struct compared *a = &c->sides[0], *b = &c->sides[1];
    date_side(call, a, S("before"));
    date_side(call, b, S("after"));
    if (call->n_arguments == 2) {
        a->path = call->arguments[0];
        b->path = call->arguments[1];
    } else if (call->n_arguments == 1) {
        b->path = call->arguments[0];
        if (dated) a->path = b->path;
    } else if (!dated) {
        return err_set(err, ERR_USAGE,
                       "expected what to compare: A and B, or B with the "
                       "workspace's policy, or --before and --after");
    }
    return true;
}

static int run(struct invocation *call)
{
    struct err err = {0};
    struct comparison *c = arena_new(call->arena, struct comparison);
    int status = EXIT_FAILED;
    c->call = call;
    if (!name_sides(c, &err)) return command_fail(call, &err);
    for (size_t i = 0; i < COUNT_OF(c->sides); i++)
        if (!read_side(call, &c->sides[i], &status)) return status;
    if (c->sides[0].kind == COMPARED_FILE && c->sides[1].kind == COMPARED_FILE) {
        (void)err_set(&err, ERR_USAGE, "expected a policy or a folder on one side at least");
        return command_fail(call, &err);
    }
    if (!compare_all(c, &err)) return command_fail(call, &err);
    if (call->format == FORMAT_JSON)
        print_json(c);
    else if (call->format == FORMAT_CSV)
        print_csv(c);
    else
        print_text(c);
    return is_equal(c) ? EXIT_FINE : EXIT_NO;
}

static const struct option options[] = {
    POLICY_FILE_OPTION,
    {.name = T("before"),
      .type = OPTION_INSTANT,
      .value = T("WHEN"),
      .help = T("the first side as of this time instead of --as-of")},
    {.name = T("after"),
      .type = OPTION_INSTANT,
      .value = T("WHEN"),
      .help = T("the second side as of this time instead of --as-of")},
    {.name = T("host"),
      .type = OPTION_TEXT,
      .value = T("ADDRESS"),
      .help = T("whose rules an exported file holds: an address or prefix")},
    {.name = T("border"),
      .type = OPTION_TEXT,
      .value = T("NAME"),
      .help = T("which enforced border an exported file is of")},
    {.name = T("all"),
      .type = OPTION_FLAG,
      .help = T("also what changes at each side where flows change by it")                          },
};

static const struct example examples[] = {
    {T("sallyport diff new.yaml"),
     T("What would this policy open and close, against the workspace's?")                                                   },
    {T("sallyport diff policy.yaml out"),                               T("Does the folder still say what the policy says?")},
    {T("sallyport diff --before 2026-11-01 --after 2026-12-01"),
     T("What ends or begins by itself in November?")                                                                        },
    {T("sallyport diff policy.yaml live.nft --host 10.20.0.21 --json"),
     T("One machine's exported rules against the policy")                                                                   },
};

const struct command diff_command = {
    .name = T("diff"),
    .summary = T("Say what one policy or firewall file allows that another does not"),
    .arguments = T("[A] [B]"),
    .most_arguments = 2,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details =
        T("Each side is a policy, a folder that `compile` wrote, or one exported firewall file. "
          "Every "
          "address, port and\nprofile is compared, seen or not; each difference is an exact set of "
          "clients and servers with its smallest pair.\nOpened passes in B only, closed is blocked "
          "in "
          "B only, undecided is decided in A and left to whatever else\nthe machine has in B.\n\n"
          "Exit status: 0 equal in meaning; 1 different; 2 a side can't be read."),
    .run = run,
};
