/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/explain.h"

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

bool explain_ask(const struct decision *decision, const struct host_lookup *hosts,
                 const struct explain_words *words, struct arena *arena, struct explanation *out,
                 struct err *err)
{
    const struct resolved *resolved = decision_resolved(decision);
    struct explanation e = {0};
    struct flow_question *q = &e.question;
    if (!read_end(decision, hosts, S("client"), words->client, arena, &q->client, &e.client_name,
                  err))
        return false;
    if (!read_end(decision, hosts, S("server"), words->server, arena, &q->server, &e.server_name,
                  err))
        return false;
    if (!read_service(resolved->policy->services, words->service, arena, q, err)) return false;
    if (!read_profile(words->profile, &q->profile, err)) return false;

    e.answer = decision_ask(decision, q);
    e.service = service_text(resolved->policy->services, &e, arena);
    for (size_t i = 0; i < e.answer.n_sides; i++) {
        struct side_answer side = e.answer.sides[i];
        e.sides[i] = (struct explained_side){side, side_decision(&side),
                                             decision_why(decision, q, side.side, arena)};
    }
    *out = e;
    return true;
}

/* ---- Printing -----------------------------------------------------------------------------------
 */

void explain_print_json(const struct explanation *explanation, struct json *json)
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
    json_key(json, S("sides"));
    json_array(json);
    for (size_t i = 0; i < e->answer.n_sides; i++) {
        const struct explained_side *side = &e->sides[i];
        str because = side->reason.where.len ? side->reason.where : side->reason.text;
        json_object(json);
        json_member_str(json, S("side"), side_text(side->answer.side));
        json_member_bool(json, S("enforces"), side->answer.enforces);
        json_member_str(json, S("decision"), side->decision);
        json_member_str(json, S("because"), because);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

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

static str verdict_sentence(const struct explanation *e, enum table_tone *tone)
{
    *tone = TONE_GOOD;
    if (e->answer.intent == INTENT_LOCAL) return S("passes: nothing stands between");
    if (e->answer.intent == INTENT_UNGOVERNED) return S("passes: the policy leaves it alone");
    if (e->answer.passes && e->answer.intent != INTENT_BLOCK) return S("passes");
    *tone = TONE_WARN;
    if (e->answer.passes) return S("passes, since nothing on the path enforces the block");
    if (e->answer.passes_secured) return S("passes only when both ends have authenticated (IPsec)");
    *tone = TONE_BAD;
    return S("does not pass");
}

void explain_print_text(const struct explanation *explanation, const struct resolved *resolved,
                        struct buf *out, bool colour)
{
    const struct explanation *e = explanation;
    enum table_tone tone;
    str verdict = verdict_sentence(e, &tone);
    buf_str(out, S("  client  "));
    print_end(out, resolved, e->question.client, e->client_name, colour);
    buf_str(out, S("    |\n"));
    for (size_t i = 0; i < e->answer.n_sides; i++) {
        const struct explained_side *side = &e->sides[i];
        str name = side_text(side->answer.side);
        buf_format(out, "    +- %.*s  ", STR_ARG(name));
        buf_repeat(out, ' ', S("client-outbound").len - name.len);
        table_tone(out, side->decision, side_tone(&side->answer), colour);
        buf_repeat(out, ' ', S("allow-if-secure").len - side->decision.len + 2);
        table_tone(out, side->reason.text, TONE_PLAIN, colour);
        buf_char(out, '\n');
    }
    buf_str(out, S("    v\n  server  "));
    print_end(out, resolved, e->question.server, e->server_name, colour);
    buf_format(out, "\n%.*s, profile %.*s: ", STR_ARG(e->service),
               STR_ARG(profile_text(e->question.profile)));
    table_tone(out, verdict, tone, colour);
    buf_format(out, "; the policy's intent is %.*s\n", STR_ARG(intent_text(e->answer.intent)));
}
