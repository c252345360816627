/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/explain.h"

#include "base/instant.h"
#include "base/table.h"

/* ---- Reading a question -------------------------------------------------------------------------
 */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static str next_word(str *rest)
{
    size_t start = 0, end = 0;
    while (start < rest->len && is_blank(rest->ptr[start]))
        start++;
    for (end = start; end < rest->len && !is_blank(rest->ptr[end]);)
        end++;
    str word = str_head(str_tail(*rest, start), end - start);
    *rest = str_tail(*rest, end);
    return word;
}

bool explain_read_line(str line, struct explain_words *out, struct err *err)
{
    str rest = str_trim(line);
    struct explain_words words = {0};
    words.client = next_word(&rest);
    words.server = next_word(&rest);
    words.service = next_word(&rest);
    words.profile = next_word(&rest);
    if (!words.server.len)
        return err_set(err, ERR_USAGE,
                       "expected \"client server [service [profile]]\", found \"%.*s\"",
                       STR_ARG(str_trim(line)));
    if (next_word(&rest).len)
        return err_set(err, ERR_USAGE, "expected at most four words, found \"%.*s\"",
                       STR_ARG(str_trim(line)));
    *out = words;
    return true;
}

/* The address that a host was seen with last; of several, the smallest. */
static bool host_address(const struct host_lookup *hosts, str name, int64_t as_of_us,
                         struct arena *arena, struct addr *out)
{
    size_t n = 0;
    if (!hosts || !hosts->host) return false;
    const struct host_address *held = hosts->host(hosts->to, name, as_of_us, arena, &n);
    for (size_t i = 0, best = 0; i < n; i++) {
        bool newer = held[i].seen_us > held[best].seen_us;
        bool smaller = held[i].seen_us == held[best].seen_us &&
                       addr_compare(held[i].addr, held[best].addr) < 0;
        if (i && !newer && !smaller) continue;
        best = i;
        *out = held[i].addr;
    }
    return n > 0;
}

static bool looks_like_address(str word)
{
    if (str_contains(word, S(":"))) return true;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        if (!(c >= '0' && c <= '9') && c != '.' && c != '/') return false;
    }
    return true;
}

static bool read_end(const struct decision *decision, const struct host_lookup *hosts, str what,
                     str word, struct arena *arena, struct addr *out, str *name, struct err *err)
{
    str bare = word, zone;
    if (str_contains(word, S(":")) && str_cut(word, '%', &bare, &zone) && !zone.len) bare = word;
    if (addr_parse(bare, out)) return true;
    if (looks_like_address(word))
        return err_set(err, ERR_USAGE, "the %.*s must be an address or a host's name, not \"%.*s\"",
                       STR_ARG(what), STR_ARG(word));
    *name = word;
    if (host_address(hosts, word, decision_resolved(decision)->as_of_us, arena, out)) return true;
    return err_set(err, ERR_NOT_FOUND,
                   "no evidence names an address of the %.*s \"%.*s\"; give its address",
                   STR_ARG(what), STR_ARG(word));
}

static str nearest_service(struct service_table services, str word, struct arena *arena)
{
    enum { NEAR = 2 };
    unsigned best = NEAR + 1;
    str name = {0};
    for (size_t i = 0; i < services.n; i++) {
        unsigned distance = str_distance(word, services.services[i].name);
        if (distance >= best) continue;
        best = distance;
        name = services.services[i].name;
    }
    return name.len ? str_format(arena, ", did you mean \"%.*s\"?", STR_ARG(name)) : name;
}

static bool read_service(struct service_table services, str word, struct arena *arena,
                         struct flow_question *q, struct err *err)
{
    if (!word.len) word = S("smb");
    q->service = service_by_name(services, word);
    if (q->service != SERVICE_NONE) return true;
    if (service_parse_port(word, &q->transport, &q->port)) return true;
    return err_set(err, ERR_USAGE,
                   "the service must be one of the policy's, or a port such as tcp/445, not "
                   "\"%.*s\"%.*s",
                   STR_ARG(word), STR_ARG(nearest_service(services, word, arena)));
}

static bool read_profile(str word, enum profile *out, struct err *err)
{
    *out = PROFILE_DOMAIN;
    if (!word.len || profile_parse(word, out)) return true;
    return err_set(err, ERR_USAGE, "the profile must be domain, private or public, not \"%.*s\"",
                   STR_ARG(word));
}

/* ---- Asking -------------------------------------------------------------------------------------
 */

static str side_decision(const struct side_answer *side)
{
    if (!side->enforces) return S("not-enforced");
    if (side->passes) return S("allow");
    return side->passes_secured ? S("allow-if-secure") : S("block");
}

static str service_text(struct service_table services, const struct explanation *e,
                        struct arena *arena)
{
    if (e->answer.service != SERVICE_NONE) return services.services[e->answer.service].name;
    return str_format(arena, "%.*s/%d", STR_ARG(service_transport_text(e->question.transport)),
                      e->question.port);
}

/* ---- Rings --------------------------------------------------------------------------------------
 */

enum deployment { NOT_DEPLOYED, DEPLOYED, MAYBE_DEPLOYED };

/* A ring up to this one may have the machine as a member that nobody knows. */
static enum deployment deployment_of(const struct explain_scene *scene, struct addr a,
                                     struct arena *arena, str *unknown)
{
    const struct ring_plan *plan = scene->plan;
    str identity = ring_plan_identity(decision_resolved(scene->decision), a, arena);
    if (ring_plan_ring(plan, a, identity) <= scene->ring) return DEPLOYED;
    for (size_t i = 0; i <= scene->ring; i++)
        if (plan->unknown[i].len) {
            if (!unknown->len) *unknown = plan->unknown[i];
            return MAYBE_DEPLOYED;
        }
    return NOT_DEPLOYED;
}

static struct flow_answer ask_deployed(const struct explain_scene *scene, struct explanation *e,
                                       bool client, bool server)
{
    const struct addr ends[] = {e->question.client, e->question.server};
    bool swapped = addr_compare(ends[0], ends[1]) > 0;
    size_t n = 0;
    for (size_t i = 0; i < 2; i++) {
        size_t end = swapped ? 1 - i : i;
        if (end == 0 ? client : server) e->ends[n++] = (struct range){ends[end], ends[end]};
    }
    e->deployed = (struct prefix_set){e->ends, n};
    e->question.deployed = &e->deployed;
    return decision_ask(scene->decision, &e->question);
}

/* Asked for each who may have the policy and may not: where it makes a difference, it can't be
 * decided. */
static void ask_ring(const struct explain_scene *scene, struct explanation *e, struct arena *arena)
{
    str unknown = {0};
    enum deployment client = deployment_of(scene, e->question.client, arena, &unknown);
    enum deployment server = deployment_of(scene, e->question.server, arena, &unknown);
    struct flow_answer all = {0};
    bool differs = false, is_first = true;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            bool impossible = (client != MAYBE_DEPLOYED && (enum deployment)i != client) ||
                              (server != MAYBE_DEPLOYED && (enum deployment)j != server);
            if (impossible) continue;
            struct flow_answer one = ask_deployed(scene, e, i, j);
            differs |=
                !is_first && (one.passes != all.passes || one.passes_secured != all.passes_secured);
            one.passes = one.passes && (is_first || all.passes);
            one.passes_secured = one.passes_secured && (is_first || all.passes_secured);
            all = one;
            is_first = false;
        }
    e->answer = all;
    e->is_open = differs;
    if (differs) e->undecidable = unknown;
}

bool explain_ask(const struct explain_scene *scene, const struct explain_words *words,
                 struct arena *arena, struct explanation *out, struct err *err)
{
    const struct decision *decision = scene->decision;
    const struct resolved *resolved = decision_resolved(decision);
    struct explanation *e = out;
    struct flow_question *q = &e->question;
    *e = (struct explanation){0};
    if (!read_end(decision, scene->hosts, S("client"), words->client, arena, &q->client,
                  &e->client_name, err))
        return false;
    if (!read_end(decision, scene->hosts, S("server"), words->server, arena, &q->server,
                  &e->server_name, err))
        return false;
    if (!read_service(resolved->policy->services, words->service, arena, q, err)) return false;
    if (!read_profile(words->profile, &q->profile, err)) return false;

    if (scene->plan) {
        e->ring = scene->plan->n ? resolved->policy->rings[scene->ring].name : S("all");
        if (scene->plan->n) ask_ring(scene, e, arena);
    }
    if (!q->deployed) e->answer = decision_ask(decision, q);
    e->service = service_text(resolved->policy->services, e, arena);
    struct flow_answer possible = e->answer;
    if (e->answer.intent == INTENT_UNDECIDABLE) {
        possible = decision_ask(decision_possible(decision), q);
        e->undecidable = decision_why_by(decision, scene->index, q, SIDE_COUNT, arena).undecidable;
        e->is_open = possible.passes != e->answer.passes ||
                     possible.passes_secured != e->answer.passes_secured;
    }
    for (size_t i = 0; i < e->answer.n_sides; i++) {
        struct side_answer side = e->answer.sides[i], best = possible.sides[i];
        bool differs = side.passes != best.passes || side.passes_secured != best.passes_secured;
        e->sides[i] = (struct explained_side){
            .answer = side,
            .decision = differs ? S("undecidable") : side_decision(&side),
            .reason = decision_why_by(decision, scene->index, q, side.side, arena),
        };
    }
    if (e->answer.intent == INTENT_ALLOW || e->answer.intent == INTENT_ALLOW_IF_SECURE) {
        const struct resolved_entry *entry =
            decision_why_by(decision, scene->index, q, SIDE_COUNT, arena).entry;
        e->exception = entry ? entry->exception : NULL;
    }
    return true;
}

void explain_more(const struct explain_scene *scene, str workspace, struct explanation *e,
                  struct arena *arena, struct arena scratch)
{
    struct own_rule rules[SIDE_COUNT];
    const struct resolved *resolved = decision_resolved(scene->decision);
    own_rules(resolved, &e->question, &e->answer, workspace, arena, scratch, rules);
    for (size_t i = 0; i < e->answer.n_sides; i++)
        if (!str_equal(e->sides[i].decision, S("undecidable"))) e->sides[i].rule = rules[i];
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        struct flow_question q = e->question;
        q.profile = (enum profile)p;
        e->profiles[p] = decision_ask(scene->decision, &q);
        struct flow_answer possible = decision_ask(decision_possible(scene->decision), &q);
        e->profile_is_open[p] = possible.passes != e->profiles[p].passes ||
                                possible.passes_secured != e->profiles[p].passes_secured;
    }
    e->changes = remedies_of(scene->decision, &e->question, &e->answer, scene->plan, scene->ring,
                             arena, scratch);
    e->has_more = true;
}

enum explain_kind explain_kind(const struct explanation *e)
{
    if (e->is_open) return EXPLAIN_UNDECIDABLE;
    if (e->answer.intent == INTENT_LOCAL || e->answer.intent == INTENT_UNGOVERNED)
        return EXPLAIN_NOT_APPLICABLE;
    return e->answer.passes ? EXPLAIN_PASSES : EXPLAIN_STOPS;
}

/* ---- JSON ---------------------------------------------------------------------------------------
 */

static void print_instant(struct json *json, str key, int64_t at_us)
{
    char text[INSTANT_TEXT];
    if (at_us == INT64_MIN)
        json_member_str_or_null(json, key, (str){0});
    else
        json_member_str(json, key, instant_text(text, at_us));
}

static void print_exception(const struct exception *e, const struct resolved *resolved,
                            struct arena *arena, struct json *json)
{
    if (!e) {
        json_null(json);
        return;
    }
    json_object(json);
    json_member_str_or_null(json, S("id"), e->id);
    json_member_str_or_null(json, S("name"), e->entry.name);
    json_member_str(json, S("owner"), e->owner);
    json_member_str_or_null(json, S("deputy"), e->deputy);
    json_member_str(json, S("reason"), e->reason);
    json_key(json, S("approvers"));
    json_array(json);
    for (size_t i = 0; i < e->n_approvers; i++)
        json_str(json, e->approvers[i]);
    json_array_end(json);
    json_member_str_or_null(json, S("ticket"), e->ticket);
    print_instant(json, S("starts"), e->starts_us);
    print_instant(json, S("expires"), e->expires_us);
    json_member_str(json, S("state"), exception_life_text(exception_life(e, resolved->as_of_us)));
    json_member_str(
        json, S("where"),
        str_format(arena, "%.*s:%" PRIu32, STR_ARG(e->file->name), e->entry.place.line));
    json_object_end(json);
}

static void print_rule(const struct own_rule *rule, struct json *json)
{
    json_key(json, S("rule"));
    if (!rule->id.len) {
        json_null(json);
        return;
    }
    json_object(json);
    json_member_str(json, S("id"), rule->id);
    json_member_str(json, S("name"), rule->name);
    json_object_end(json);
}

static void print_sides(const struct explanation *e, struct json *json)
{
    json_key(json, S("sides"));
    json_array(json);
    for (size_t i = 0; i < e->answer.n_sides; i++) {
        const struct explained_side *side = &e->sides[i];
        json_object(json);
        json_member_str(json, S("side"), side_text(side->answer.side));
        json_member_bool(json, S("enforces"), side->answer.enforces);
        json_member_str(json, S("decision"), side->decision);
        json_member_str(json, S("because"),
                        side->reason.where.len ? side->reason.where : side->reason.text);
        if (e->has_more) print_rule(&side->rule, json);
        json_object_end(json);
    }
    json_array_end(json);
}

static void print_change(const struct remedy *remedy, struct json *json)
{
    json_object(json);
    json_member_str(json, S("kind"), remedy_kind_text(remedy->kind));
    json_member_str(json, S("text"), remedy->text);
    json_member_str_or_null(json, S("yaml"), remedy->yaml);
    json_member_str_or_null(json, S("where"), remedy->where);
    json_key(json, S("also"));
    if (remedy->counts && remedy->also != UINT64_MAX)
        json_u64(json, remedy->also);
    else
        json_null(json);
    json_member_str(json, S("intent"), intent_text(remedy->after.intent));
    json_member_bool(json, S("passes"), remedy->after.passes);
    json_member_bool(json, S("passes_secured"), remedy->after.passes_secured);
    json_object_end(json);
}

void explain_print_json(const struct explanation *explanation, const struct resolved *resolved,
                        struct arena *arena, struct json *json)
{
    const struct explanation *e = explanation;
    json_object(json);
    json_key(json, S("client"));
    json_addr(json, e->question.client);
    json_key(json, S("server"));
    json_addr(json, e->question.server);
    json_member_str(json, S("service"), e->service);
    json_member_str(json, S("profile"), profile_text(e->question.profile));
    json_member_str(json, S("intent"), intent_text(e->answer.intent));
    json_member_bool(json, S("passes"), e->answer.passes);
    json_member_bool(json, S("passes_secured"), e->answer.passes_secured);
    print_sides(e, json);
    json_member_str_or_null(json, S("ring"), e->ring);
    json_key(json, S("exception"));
    print_exception(e->exception, resolved, arena, json);
    json_member_str_or_null(json, S("undecidable"), e->undecidable);
    if (e->has_more) {
        json_key(json, S("changes"));
        json_array(json);
        for (size_t i = 0; i < e->changes.n; i++)
            print_change(&e->changes.items[i], json);
        json_array_end(json);
        json_key(json, S("dead_exceptions"));
        json_array(json);
        for (size_t i = 0; i < e->changes.n_dead; i++)
            print_exception(e->changes.dead[i], resolved, arena, json);
        json_array_end(json);
    }
    json_object_end(json);
}

/* ---- Text ---------------------------------------------------------------------------------------
 */
static enum table_tone side_tone(const struct side_answer *side)
{
    if (!side->enforces) return TONE_DIM;
    if (side->passes) return TONE_GOOD;
    return side->passes_secured ? TONE_WARN : TONE_BAD;
}

static void print_end(struct buf *out, const struct resolved *resolved, struct addr a, str name,
                      bool colour)
{
    char text[ADDR_TEXT];
    str place = resolve_place(resolved, a);
    table_tone(out, addr_text(text, a), TONE_STRONG, colour);
    if (name.len) buf_char(out, ' ');
    table_tone(out, name, TONE_PLAIN, colour);
    buf_format(out, " (%.*s)\n", STR_ARG(place));
}

static const struct {
    str text;
    enum table_tone tone;
} kinds[] = {
    [EXPLAIN_NOT_APPLICABLE] = {{"not applicable", 14}, TONE_DIM },
    [EXPLAIN_PASSES] = {{"passes", 6},          TONE_GOOD},
    [EXPLAIN_STOPS] = {{"does not pass", 13},  TONE_BAD },
    [EXPLAIN_UNDECIDABLE] = {{"undecidable", 11},    TONE_WARN},
};

static void print_verdict(const struct explanation *e, struct buf *out, bool colour)
{
    enum explain_kind kind = explain_kind(e);
    bool escapes = kind == EXPLAIN_PASSES && e->answer.intent == INTENT_BLOCK;
    bool secured = kind == EXPLAIN_STOPS && e->answer.passes_secured;
    table_tone(out, kinds[kind].text, escapes || secured ? TONE_WARN : kinds[kind].tone, colour);
    if (secured) buf_str(out, S(" unless both ends have authenticated (IPsec)"));
    buf_format(out, ": %.*s, profile %.*s", STR_ARG(e->service),
               STR_ARG(profile_text(e->question.profile)));
    if (e->ring.len) buf_format(out, ", rings up to %.*s", STR_ARG(e->ring));
    if (e->answer.intent == INTENT_LOCAL)
        buf_str(out, S("; it stays within one machine or link, so it passes and nothing decides"));
    else if (e->answer.intent == INTENT_UNGOVERNED)
        buf_str(out, S("; the policy does not govern this service, so it passes"));
    else if (kind == EXPLAIN_UNDECIDABLE)
        buf_format(out, "; it depends on %.*s, whose addresses are not known",
                   STR_ARG(e->undecidable));
    else
        buf_format(out, "; the policy's intent is %.*s%s", STR_ARG(intent_text(e->answer.intent)),
                   escapes ? ", but nothing on the path enforces it" : "");
    buf_char(out, '\n');
}

/* All profiles at a glance, the one asked about among them. */
static void print_profiles(const struct explanation *e, struct buf *out, bool colour)
{
    buf_str(out, S("profiles: "));
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        const struct flow_answer *answer = &e->profiles[p];
        bool secured = !answer->passes && answer->passes_secured;
        buf_format(out, "%s%.*s ", p ? ", " : "", STR_ARG(profile_text((enum profile)p)));
        if (e->profile_is_open[p])
            table_tone(out, S("undecidable"), TONE_WARN, colour);
        else if (secured)
            table_tone(out, S("passes if secured"), TONE_WARN, colour);
        else
            table_tone(out, answer->passes ? S("passes") : S("does not pass"),
                       answer->passes ? TONE_GOOD : TONE_BAD, colour);
    }
    buf_char(out, '\n');
}

static void print_owner(const struct exception *e, const struct resolved *resolved, struct buf *out,
                        bool colour)
{
    enum exception_life life = exception_life(e, resolved->as_of_us);
    buf_str(out, S("exception "));
    if (e->id.len) table_tone(out, e->id, TONE_STRONG, colour);
    buf_str(out, e->id.len ? S(" of ") : S("of "));
    table_tone(out, e->owner, TONE_PLAIN, colour);
    if (life == EXCEPTION_NOT_STARTED)
        table_tone(out, S(" has not started: from "), TONE_WARN, colour);
    else
        table_tone(out, life == EXCEPTION_ALIVE ? S(" lives until ") : S(" expired "),
                   life == EXCEPTION_ALIVE ? TONE_GOOD : TONE_BAD, colour);
    table_tone(out, life == EXCEPTION_NOT_STARTED ? e->starts : e->expires, TONE_PLAIN, colour);
    buf_str(out, S(" ("));
    table_tone(out, e->file->name, TONE_PLAIN, colour);
    buf_format(out, ":%" PRIu32 "): ", e->entry.place.line);
    table_tone(out, e->reason, TONE_PLAIN, colour);
    buf_char(out, '\n');
}

static void print_effect(const struct explanation *e, const struct remedy *remedy, struct buf *out,
                         bool colour)
{
    const struct flow_answer *after = &remedy->after;
    bool opens = !e->answer.passes;
    if (remedy->kind == REMEDY_MEMBER || remedy->kind == REMEDY_GOVERN) {
        buf_format(out, ": the intent is %.*s, ", STR_ARG(intent_text(after->intent)));
        table_tone(out, after->passes ? S("it passes") : S("it does not pass"),
                   after->passes ? TONE_GOOD : TONE_BAD, colour);
        return;
    }
    if (!remedy->counts) return;
    buf_str(out, opens ? S(" (opens ") : S(" (closes "));
    if (!remedy->also)
        buf_str(out, S("nothing else)"));
    else if (remedy->also == UINT64_MAX)
        table_tone(out, S("more pairs than can be counted"), TONE_WARN, colour);
    else
        buf_format(out, "%" PRIu64 " other pair%s", remedy->also, remedy->also == 1 ? "" : "s");
    if (remedy->also) buf_char(out, ')');
}

static void print_changes(const struct explanation *e, struct buf *out, bool colour)
{
    if (!e->changes.n) return;
    buf_char(out, '\n');
    bool hangs = e->changes.items[0].kind == REMEDY_MEMBER;
    table_tone(out, hangs ? S("what it hangs on") : S("what would change that"), TONE_STRONG,
               colour);
    buf_char(out, '\n');
    for (size_t i = 0; i < e->changes.n; i++) {
        const struct remedy *remedy = &e->changes.items[i];
        str rest = remedy->yaml, line = {0};
        buf_str(out, S("  - "));
        table_tone(out, remedy->text, TONE_PLAIN, colour);
        print_effect(e, remedy, out, colour);
        buf_char(out, '\n');
        while (rest.len) {
            (void)str_cut(rest, '\n', &line, &rest);
            buf_str(out, S("        "));
            table_tone(out, line, TONE_DIM, colour);
            buf_char(out, '\n');
        }
    }
}

static void print_side(const struct explained_side *side, struct buf *out, bool colour)
{
    str name = side_text(side->answer.side);
    buf_format(out, "    +- %.*s  ", STR_ARG(name));
    buf_repeat(out, ' ', S("client-outbound").len - name.len);
    table_tone(out, side->decision, side_tone(&side->answer), colour);
    buf_repeat(out, ' ', S("allow-if-secure").len - side->decision.len + 2);
    table_tone(out, side->reason.text, TONE_PLAIN, colour);
    buf_char(out, '\n');
    if (!side->rule.id.len) return;
    buf_str(out, S("    |  "));
    buf_repeat(out, ' ', S("client-outbound").len + S("allow-if-secure").len + 4);
    str rule = side->rule.id;
    table_tone(out, S("rule "), TONE_DIM, colour);
    table_tone(out, rule, TONE_DIM, colour);
    buf_char(out, '\n');
}

void explain_print_text(const struct explanation *explanation, const struct resolved *resolved,
                        struct buf *out, bool colour)
{
    const struct explanation *e = explanation;
    bool decided = explain_kind(e) != EXPLAIN_NOT_APPLICABLE;
    buf_str(out, S("  client  "));
    print_end(out, resolved, e->question.client, e->client_name, colour);
    buf_str(out, S("    |\n"));
    for (size_t i = 0; i < e->answer.n_sides; i++)
        print_side(&e->sides[i], out, colour);
    buf_str(out, S("    v\n  server  "));
    print_end(out, resolved, e->question.server, e->server_name, colour);
    buf_char(out, '\n');
    print_verdict(e, out, colour);
    if (!e->has_more) return;
    if (decided) print_profiles(e, out, colour);
    if (e->exception) print_owner(e->exception, resolved, out, colour);
    for (size_t i = 0; i < e->changes.n_dead; i++)
        print_owner(e->changes.dead[i], resolved, out, colour);
    print_changes(e, out, colour);
}
