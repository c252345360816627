/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/suggest_yaml.h"

#include "base/instant.h"
#include "base/json_write.h"
#include "policy/document.h"

enum {
    WIDTH = 108,       /* of comments and of entries in one line */
    NAMES_SHOWN = 4,   /* users, shares, machines in a comment */
    MEMBERS_SHOWN = 6, /* items of the line that answers a question */
    PER_KIND = 40,     /* questions of one kind; JSON has all */
    FLOWS_SHOWN = 5,   /* of one question */
    WIDEST_NAME = 48,
};

/* ---- Words --------------------------------------------------------------------------------------
 */

str suggest_yaml_list(struct names names, size_t shown, struct arena *arena)
{
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < names.n && i < shown; i++) {
        if (i) buf_str(&out, S(", "));
        buf_str(&out, suggest_evidence_plain(arena, names.items[i], WIDEST_NAME));
    }
    if (names.n > shown) buf_format(&out, " and %zu more", names.n - shown);
    return buf_text(&out);
}

static str day_text(struct arena *arena, int64_t at_us)
{
    char text[INSTANT_TEXT];
    return str_copy(arena, str_head(instant_text(text, at_us), 10));
}

str suggest_yaml_span(const struct suggest_summary *summary, struct arena *arena)
{
    if (!summary->timed) return S("time not known");
    uint64_t days = suggest_flows_days(summary->first_us, summary->last_us);
    str first = day_text(arena, summary->first_us), last = day_text(arena, summary->last_us);
    if (days == 1) return first;
    return str_format(arena, "%.*s .. %.*s (%" PRIu64 " days)", STR_ARG(first), STR_ARG(last),
                      days);
}

static str counted(struct arena *arena, uint64_t n, const char *one)
{
    return str_format(arena, "%" PRIu64 " %s%s", n, one, n == 1 ? "" : "s");
}

str suggest_yaml_bound(const struct mine_result *mined, struct arena *arena)
{
    struct mine_result exact = {.n_alone = mined->n_exact, .bound = mined->exact_bound};
    size_t least = exact.bound ? exact.bound : 1;
    double gap = (double)(exact.n_alone - exact.bound) * 100 / (double)least;
    str found = str_format(arena, "Entries: %zu mined; to allow nothing unseen takes %zu",
                           mined->n_entries, exact.n_alone);
    if (exact.n_alone == exact.bound)
        return str_format(arena, "%.*s, which is the least.", STR_ARG(found));
    return str_format(arena, "%.*s, at least %zu are needed (gap %.1f %%).", STR_ARG(found),
                      exact.bound, gap);
}

/* A comment, broken into lines. */
static void comment(struct buf *out, const char *first, const char *next, str text)
{
    const char *lead = first;
    while (text.len) {
        size_t room = WIDTH - strlen(lead), cut = text.len;
        if (text.len > room) {
            for (cut = room; cut > 0 && text.ptr[cut] != ' ';)
                cut--;
            if (!cut)
                for (cut = room; cut < text.len && text.ptr[cut] != ' ';)
                    cut++;
        }
        buf_format(out, "%s%.*s\n", lead, STR_ARG(str_head(text, cut)));
        text = str_tail(text, cut < text.len ? cut + 1 : cut);
        lead = next;
    }
}

/* ---- Values -------------------------------------------------------------------------------------
 */

static bool is_plain(str s)
{
    static const char *const reserved[] = {"true", "false", "null", "yes", "no", "on", "off"};
    if (!s.len || s.ptr[s.len - 1] == ' ') return false;
    for (size_t i = 0; i < COUNT_OF(reserved); i++)
        if (str_equal_nocase(s, str_of(reserved[i]))) return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool other = (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == ' ';
        if (!(letter || (i && other))) return false;
    }
    return true;
}

/* A word of the policy; quoted as JSON does, which YAML reads. */
static void put_word(struct buf *out, str s)
{
    struct json json = json_to(out);
    if (is_plain(s))
        buf_str(out, s);
    else
        json_str(&json, s);
}

/* Addresses: of IPv6 the colons would be keys. */
static void put_item(struct buf *out, const struct suggest_item *item)
{
    bool quoted = str_contains(item->text, S(":"));
    if (quoted) buf_char(out, '"');
    buf_str(out, item->text);
    if (quoted) buf_char(out, '"');
}

static void put_items(struct buf *out, struct suggest_items items)
{
    if (items.n != 1) buf_char(out, '[');
    for (size_t i = 0; i < items.n; i++) {
        if (i) buf_str(out, S(", "));
        put_item(out, &items.items[i]);
    }
    if (items.n != 1) buf_char(out, ']');
}

static void put_services(struct buf *out, const struct policy *policy, const size_t *services,
                         size_t n)
{
    if (n != 1) buf_char(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i) buf_str(out, S(", "));
        put_word(out, policy->services.services[services[i]].name);
    }
    if (n != 1) buf_char(out, ']');
}

str suggest_yaml_entry(const struct policy *policy, const struct suggest_entry *entry,
                       struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_char(&out, '{');
    if (entry->name.len) {
        buf_str(&out, S("name: "));
        put_word(&out, entry->name);
        buf_str(&out, S(", "));
    }
    buf_str(&out, S("from: "));
    put_items(&out, entry->from);
    buf_str(&out, S(", to: "));
    put_items(&out, entry->to);
    buf_str(&out, S(", service: "));
    put_services(&out, policy, entry->services, entry->n_services);
    if (entry->secure.len) buf_format(&out, ", secure: %.*s", STR_ARG(entry->secure));
    if (entry->except_from.n + entry->except_to.n) {
        buf_str(&out, S(", except: {"));
        if (entry->except_from.n) {
            buf_str(&out, S("from: "));
            put_items(&out, entry->except_from);
        }
        if (entry->except_to.n) {
            buf_str(&out, entry->except_from.n ? S(", to: ") : S("to: "));
            put_items(&out, entry->except_to);
        }
        buf_char(&out, '}');
    }
    buf_char(&out, '}');
    return buf_text(&out);
}

static bool has_labels(struct suggest_items items)
{
    for (size_t i = 0; i < items.n; i++)
        if (items.items[i].label.len) return true;
    return false;
}

/* One side of an entry, item by item, each with the machine it is. */
static void put_side(struct buf *out, const char *key, struct suggest_items items)
{
    if (!has_labels(items)) {
        buf_format(out, "    %s: ", key);
        put_items(out, items);
        buf_char(out, '\n');
        return;
    }
    buf_format(out, "    %s:\n", key);
    for (size_t i = 0; i < items.n; i++) {
        buf_str(out, S("      - "));
        put_item(out, &items.items[i]);
        if (items.items[i].label.len) buf_format(out, "  # %.*s", STR_ARG(items.items[i].label));
        buf_char(out, '\n');
    }
}

static void put_entry(struct buf *out, const struct policy *policy,
                      const struct suggest_entry *entry, struct arena *arena)
{
    str line = suggest_yaml_entry(policy, entry, arena);
    if (line.len + 4 <= WIDTH && !has_labels(entry->from) && !has_labels(entry->to)) {
        buf_format(out, "  - %.*s\n", STR_ARG(line));
        return;
    }
    buf_str(out, S("  - name: "));
    put_word(out, entry->name.len ? entry->name : S("kept"));
    buf_char(out, '\n');
    put_side(out, "from", entry->from);
    put_side(out, "to", entry->to);
    buf_str(out, S("    service: "));
    put_services(out, policy, entry->services, entry->n_services);
    if (entry->secure.len) buf_format(out, "\n    secure: %.*s", STR_ARG(entry->secure));
    if (entry->except_from.n + entry->except_to.n) {
        buf_str(out, S("\n    except: {"));
        if (entry->except_from.n) {
            buf_str(out, S("from: "));
            put_items(out, entry->except_from);
        }
        if (entry->except_to.n) {
            buf_str(out, entry->except_from.n ? S(", to: ") : S("to: "));
            put_items(out, entry->except_to);
        }
        buf_char(out, '}');
    }
    buf_char(out, '\n');
}

/* ---- The evidence of a line ---------------------------------------------------------------------
 */

static void put_evidence(struct buf *out, const struct suggest_entry *entry, struct arena *arena)
{
    const struct suggest_summary *sum = &entry->summary;
    if (entry->why.len) comment(out, "  # ", "  # ", entry->why);
    if (!sum->flows) {
        comment(out, "  # ", "  # ", S("Nobody was seen to use it."));
        return;
    }
    str pairs = entry->is_mined ? str_format(arena, "; %" PRIu64 " of %" PRIu64 " pairs were seen",
                                             entry->seen, entry->allowed)
                                : (str){0};
    comment(out, "  # ", "  #   ",
            str_format(arena, "%.*s of %.*s at %.*s, %.*s%.*s.",
                       STR_ARG(counted(arena, sum->connections, "connection")),
                       STR_ARG(counted(arena, sum->n_clients, "client")),
                       STR_ARG(counted(arena, sum->n_servers, "server")),
                       STR_ARG(suggest_yaml_span(sum, arena)), STR_ARG(pairs)));
    comment(out, "  #   ", "  #     ",
            str_format(arena, "clients: %.*s",
                       STR_ARG(suggest_yaml_list(sum->clients, NAMES_SHOWN, arena))));
    comment(out, "  #   ", "  #     ",
            str_format(arena, "servers: %.*s",
                       STR_ARG(suggest_yaml_list(sum->servers, NAMES_SHOWN, arena))));
    if (sum->users.n)
        comment(out, "  #   ", "  #     ",
                str_format(arena, "users: %.*s",
                           STR_ARG(suggest_yaml_list(sum->users, NAMES_SHOWN, arena))));
    if (sum->shares.n)
        comment(out, "  #   ", "  #     ",
                str_format(arena, "shares: %.*s",
                           STR_ARG(suggest_yaml_list(sum->shares, NAMES_SHOWN, arena))));
}

static void put_allow(struct buf *out, const struct suggestion *s, struct arena *arena)
{
    if (!s->n_entries) {
        buf_str(out, S("allow: []  # nothing that was seen is allowed without an answer: see the "
                       "questions\n"));
        return;
    }
    buf_str(out, S("allow:\n"));
    for (size_t i = 0; i < s->n_entries; i++) {
        put_evidence(out, &s->entries[i], arena);
        put_entry(out, s->policy, &s->entries[i], arena);
    }
}

/* ---- Segments and groups ------------------------------------------------------------------------
 */

static str machine_names(const struct suggestion *s, const uint32_t *machines, size_t n,
                         struct arena *arena)
{
    str *labels = arena_array(arena, str, n + 1);
    for (size_t i = 0; i < n; i++)
        labels[i] = suggest_evidence_label(&s->machines->items[machines[i]], arena);
    return suggest_yaml_list((struct names){labels, n}, NAMES_SHOWN, arena);
}

static str witnesses_text(const struct suggest_segment *segment, struct arena *arena)
{
    struct buf out = buf_in(arena);
    for (unsigned w = 0; w < SUGGEST_WITNESS_COUNT; w++) {
        if (!segment->witnesses[w]) continue;
        str text = suggest_evidence_witness_text((enum suggest_witness)w);
        buf_format(&out, "%s%.*s: %" PRIu32, out.len ? ", " : "", STR_ARG(text),
                   segment->witnesses[w]);
    }
    return buf_text(&out);
}

static void put_segment(struct buf *out, const struct suggestion *s,
                        const struct suggest_segment *segment, struct arena *arena)
{
    str who = machine_names(s, segment->machines, segment->n_machines, arena);
    comment(out, "  # ", "  #   ",
            str_format(arena, "%.*s seen (%" PRIu32 " mostly serve, %" PRIu32 " mostly use): %.*s",
                       STR_ARG(counted(arena, segment->n_machines, "machine")), segment->n_servers,
                       segment->n_clients, STR_ARG(who)));
    str proof = witnesses_text(segment, arena);
    if (segment->named)
        comment(out, "  # ", "  #   ", S("Managed: you named the network with --managed."));
    else if (segment->managed)
        comment(out, "  # ", "  #   ",
                str_format(arena,
                           "%s: %" PRIu32 " of %" PRIu32 " are machines of the domain (%.*s)",
                           s->has_lifeline ? "Managed"
                                           : "Looks managed, but no domain controller is known",
                           segment->n_domain, segment->n_voters, STR_ARG(proof)));
    else
        comment(out, "  # ", "  #   ",
                str_format(arena,
                           "Not proved to be of the domain (%.*s%s): untrusted until you answer.",
                           STR_ARG(proof.len ? proof : S("no sign of it")),
                           segment->n_domain ? "; an account alone, or too few" : ""));
    bool trusted = segment->managed && s->has_lifeline;
    buf_format(out, "  %.*s: {networks: ", STR_ARG(segment->name));
    if (segment->n_networks != 1) buf_char(out, '[');
    for (size_t i = 0; i < segment->n_networks; i++) {
        char text[PREFIX_TEXT];
        struct suggest_item item = {.text = prefix_text(text, segment->networks[i])};
        if (i) buf_str(out, S(", "));
        put_item(out, &item);
    }
    if (segment->n_networks != 1) buf_char(out, ']');
    buf_format(out, ", trust: %s}\n", trusted ? "managed" : "untrusted");
}

static void put_group(struct buf *out, const struct suggestion *s,
                      const struct suggest_group *group, struct arena *arena)
{
    comment(out, "  # ", "  # ", group->purpose);
    buf_format(out, "  %.*s:\n", STR_ARG(group->name));
    if (group->role.len) buf_format(out, "    role: %.*s\n", STR_ARG(group->role));
    if (!group->managed) buf_str(out, S("    managed: false\n"));
    buf_str(out, S("    hosts:\n"));
    for (size_t i = 0; i < group->n_members; i++) {
        const struct suggest_member *member = &group->members[i];
        char text[ADDR_TEXT];
        struct suggest_item item = {.text = addr_text(text, member->addr)};
        const struct suggest_machine *machine =
            member->machine == UINT32_MAX ? NULL : &s->machines->items[member->machine];
        buf_str(out, S("      - "));
        put_item(out, &item);
        buf_str(out, S("  #"));
        if (machine && machine->host->name.len)
            buf_format(out, " %.*s:", STR_ARG(suggest_evidence_label(machine, arena)));
        buf_format(out, " %.*s\n", STR_ARG(member->reason.len ? member->reason : S("seen")));
    }
}

/* ---- Assertions and questions -------------------------------------------------------------------
 */

static void put_assertions(struct buf *out, const struct suggestion *s, const char *indent)
{
    for (size_t i = 0; i < s->n_questions; i++) {
        const struct suggest_question *q = &s->questions[i];
        size_t service = (size_t)q->service;
        if (!q->is_asserted) continue;
        buf_format(out, "%s- {never: {from: ", indent);
        put_items(out, q->from);
        buf_str(out, S(", to: "));
        put_items(out, q->to);
        buf_str(out, S(", service: "));
        put_services(out, s->policy, &service, 1);
        buf_format(out, "}}  # question %zu\n", i + 1);
    }
}

static bool asserts_any(const struct suggestion *s)
{
    for (size_t i = 0; i < s->n_questions; i++)
        if (s->questions[i].is_asserted) return true;
    return false;
}

static str flow_text(const struct suggest_flow *f, const struct policy *policy, struct arena *arena)
{
    const struct matrix_flow *flow = f->flow;
    struct suggest_summary one = {
        .first_us = flow->first_us, .last_us = flow->last_us, .timed = !flow->is_timeless};
    str client = suggest_evidence_plain(
        arena, view_end_label(arena, flow->client, flow->client_names), WIDEST_NAME + ADDR_TEXT);
    str server = suggest_evidence_plain(
        arena, view_end_label(arena, flow->server, flow->server_names), WIDEST_NAME + ADDR_TEXT);
    str users = suggest_yaml_list(flow->users, 2, arena);
    str service = f->service == SERVICE_NONE ? S("?") : policy->services.services[f->service].name;
    return str_format(arena, "%.*s -> %.*s %.*s: %.*s, %.*s%s%.*s", STR_ARG(client),
                      STR_ARG(server), STR_ARG(service), STR_ARG(view_outcomes_text(arena, flow)),
                      STR_ARG(suggest_yaml_span(&one, arena)), users.len ? ", " : "",
                      STR_ARG(users));
}

static void put_question(struct buf *out, const struct suggestion *s, size_t at,
                         struct arena *arena)
{
    const struct suggest_question *q = &s->questions[at];
    str kind = suggest_flows_kind_text(q->kind);
    comment(out, "# ", "#    ",
            str_format(arena, "%zu. %.*s: %.*s", at + 1, STR_ARG(kind), STR_ARG(q->text)));
    for (size_t i = 0; i < q->n_flows && i < FLOWS_SHOWN; i++)
        comment(out, "#      ", "#        ", flow_text(&s->flows[q->flows[i]], s->policy, arena));
    if (q->n_flows > FLOWS_SHOWN)
        buf_format(out, "#      and %zu more (--json lists all)\n", q->n_flows - FLOWS_SHOWN);
    if (!q->answer.len) return;
    if (!str_starts(q->answer, S("{"))) { /* no line of the file */
        comment(out, "#    ", "#    ", q->answer);
        return;
    }
    bool is_edge = str_starts(q->answer, S("{direction"));
    buf_format(out, "#    if yes, %sadd to %s:\n#      - %.*s\n",
               q->is_asserted ? "take its line out of assert and " : "",
               is_edge ? "perimeter" : "allow", STR_ARG(q->answer));
}

static void put_questions(struct buf *out, const struct suggestion *s, struct arena *arena)
{
    size_t of_kind[SUGGEST_ASK_COUNT] = {0};
    if (!s->n_questions) return;
    buf_str(out, S("\n# ---- Questions ----\n"));
    comment(out, "# ", "# ",
            S("What follows is not allowed above unless it says so. Who knows the network answers; "
              "an answer is a line."));
    for (size_t i = 0; i < s->n_questions; i++)
        if (of_kind[s->questions[i].kind]++ < PER_KIND) {
            buf_str(out, S("#\n"));
            put_question(out, s, i, arena);
        }
    for (size_t k = 0; k < SUGGEST_ASK_COUNT; k++)
        if (of_kind[k] > PER_KIND)
            buf_format(out, "#\n# and %zu more of kind %.*s (--json lists all)\n",
                       of_kind[k] - PER_KIND,
                       STR_ARG(suggest_flows_kind_text((enum suggest_question_kind)k)));
}

static void put_surpluses(struct buf *out, const struct suggestion *s, struct arena *arena)
{
    size_t of_kind[SUGGEST_SURPLUS_SHARE + 1] = {0};
    if (!s->n_surpluses) return;
    buf_str(out, S("\n# ---- What might be switched off ----\n"));
    for (size_t i = 0; i < s->n_surpluses; i++) {
        const struct suggest_surplus *one = &s->surpluses[i];
        if (of_kind[one->kind]++ >= PER_KIND) continue;
        comment(out, "# ", "#    ",
                str_format(arena, "%.*s: %.*s%s%.*s: %.*s%s",
                           STR_ARG(suggest_surplus_text(one->kind)), STR_ARG(one->host),
                           one->share.len ? ", " : "", STR_ARG(one->share), STR_ARG(one->reason),
                           one->is_decidable ? "" : " (undecidable)"));
    }
    for (size_t k = 0; k <= SUGGEST_SURPLUS_SHARE; k++)
        if (of_kind[k] > PER_KIND)
            buf_format(out, "# and %zu more of kind %.*s (--json lists all)\n",
                       of_kind[k] - PER_KIND,
                       STR_ARG(suggest_surplus_text((enum suggest_surplus_kind)k)));
}

static void put_numbers(struct buf *out, const struct suggestion *s, struct arena *arena)
{
    const struct mine_result *mined = &s->mined;
    comment(out, "# ", "#   ",
            str_format(arena, "Evidence: %.*s of governed services, %.*s, %.*s.",
                       STR_ARG(counted(arena, s->evidence.flows, "flow")),
                       STR_ARG(counted(arena, s->evidence.connections, "connection")),
                       STR_ARG(suggest_yaml_span(&s->evidence, arena))));
    comment(out, "# ", "#   ",
            str_format(arena,
                       "Mined: %" PRIu64 " pairs seen, %" PRIu64 " allowed (%.2f per pair seen).",
                       mined->seen, mined->allowed, mine_over_grant(mined)));
    comment(out, "# ", "#   ", suggest_yaml_bound(mined, arena));
    comment(out, "# ", "#   ",
            str_format(arena,
                       "Held against the evidence: %" PRIu64 " flows kept, %" PRIu64
                       " broken, %" PRIu64 " stopped, %" PRIu64 " escape, %" PRIu64
                       " can't be decided.",
                       s->kept, s->broken, s->stopped, s->escaped, s->undecidable));
}

/* ---- Files --------------------------------------------------------------------------------------
 */

/* Kept flows of a profile in which machines would block by default. */
static void put_profiles(struct buf *out, const struct suggestion *s, struct arena *arena)
{
    uint64_t private = s->in_profile[PROFILE_PRIVATE], public = s->in_profile[PROFILE_PUBLIC];
    if (!private && !public) return;
    comment(out, "# ", "# ",
            str_format(arena,
                       "%" PRIu64 " kept flows were seen in profile private, %" PRIu64
                       " in public: there, too, what is allowed passes. The default is to block.",
                       private, public));
    buf_str(out, S("profiles: {domain: enforce"));
    if (private) buf_str(out, S(", private: enforce"));
    if (public) buf_str(out, S(", public: enforce"));
    buf_str(out, S("}\n\n"));
}

static void put_fresh(struct buf *out, const struct suggestion *s, struct arena *arena)
{
    buf_str(out,
            S("# Proposed by \"sallyport suggest\" from what was seen. Nobody has approved it: "
              "read it, answer\n# the questions at its end, then \"sallyport check\" and "
              "\"sallyport simulate\".\n"));
    put_numbers(out, s, arena);
    buf_str(out, S("version: 1\ngovern: [smb, netbios]\n\n"));
    buf_str(out, s->places.n_segments ? S("segments:\n") : S("segments: {}\n"));
    for (size_t i = 0; i < s->places.n_segments; i++)
        put_segment(out, s, &s->places.segments[i], arena);
    if (s->places.n_groups) buf_str(out, S("\ngroups:\n"));
    for (size_t i = 0; i < s->places.n_groups; i++)
        put_group(out, s, &s->places.groups[i], arena);
    buf_char(out, '\n');
    put_profiles(out, s, arena);
    buf_str(out, S("# Least privilege: what is not listed is blocked, in both directions.\n"));
    put_allow(out, s, arena);
    buf_str(out, S("\n# The key alone closes the network's edge for these services; openings are "
                   "asked about below.\nperimeter: []\n"));
    if (asserts_any(s)) {
        buf_str(out,
                S("\n# These worked and are not allowed above: each is a question below. Until "
                  "it is answered, it is\n# asserted that they stay closed.\nassert:\n"));
        put_assertions(out, s, "  ");
    }
    if (!s->has_lifeline)
        buf_str(out, S("\n# Nothing is managed, so no machine blocks anything and no logon can be "
                       "cut off. Take this line\n# out when question 1 is answered.\nlifeline: "
                       "{off: no domain controller is known yet and nothing is managed}\n"));
    put_questions(out, s, arena);
    put_surpluses(out, s, arena);
}

/* A policy in one line, or in braces, has no lines of its own to keep: its parts are written anew,
 * a line for each key. */
static void put_node(struct buf *out, const struct node *node)
{
    struct json json = json_to(out);
    if (node->kind == NODE_TEXT) {
        if (node->quoted)
            json_str(&json, node->text);
        else
            buf_str(out, node->text);
        return;
    }
    bool is_map = node->kind == NODE_MAP;
    buf_char(out, is_map ? '{' : '[');
    for (size_t i = 0; i < node->n; i++) {
        if (i) buf_str(out, S(", "));
        put_node(out, &node->items[is_map ? 2 * i : i]);
        if (!is_map) continue;
        buf_str(out, S(": "));
        put_node(out, &node->items[2 * i + 1]);
    }
    buf_char(out, is_map ? '}' : ']');
}

struct parts {
    const struct suggestion *s;
    const struct node *root;
    const str *lines;
    size_t n_lines;
    bool by_lines; /* the keys of the file begin lines of their own */
    struct arena *arena;
};

static bool keys_begin_lines(const struct node *root)
{
    for (size_t i = 0; i < root->n; i++)
        if (root->items[2 * i].place.column != 1) return false;
    return true;
}

/* The first line that belongs to a key: comments and empty lines above it are its own. */
static size_t begin_of(const struct parts *p, size_t key)
{
    size_t at = p->root->items[2 * key].place.line;
    if (!key) return 1;
    while (at > 1) {
        str line = str_trim(p->lines[at - 2]);
        if (line.len && line.ptr[0] != '#') break;
        at--;
    }
    return at;
}

static void put_lines(struct buf *out, const struct parts *p, size_t first, size_t last)
{
    for (size_t i = first; i <= last && i <= p->n_lines; i++) {
        buf_str(out, p->lines[i - 1]);
        buf_char(out, '\n');
    }
}

static size_t end_of(const struct parts *p, size_t key)
{
    if (key + 1 < p->root->n) return begin_of(p, key + 1) - 1;
    size_t end = p->n_lines;
    /* Empty lines, and a mark that ends the document: more follows. */
    while (end && (!str_trim(p->lines[end - 1]).len || str_starts(p->lines[end - 1], S("..."))))
        end--;
    return end;
}

static void put_key(struct buf *out, const struct parts *p, size_t key)
{
    if (p->by_lines) {
        put_lines(out, p, begin_of(p, key), end_of(p, key));
        return;
    }
    buf_str(out, p->root->items[2 * key].text);
    buf_str(out, S(": "));
    put_node(out, &p->root->items[2 * key + 1]);
    buf_char(out, '\n');
}

/* The list as it stands, then what is added to it. */
static void put_more_assertions(struct buf *out, const struct parts *p, size_t key)
{
    const struct node *list = &p->root->items[2 * key + 1];
    bool has_lines = p->by_lines && list->kind == NODE_LIST && list->n &&
                     list->items[0].place.line > p->root->items[2 * key].place.line;
    if (has_lines) {
        str first = p->lines[list->items[0].place.line - 1];
        size_t blanks = 0;
        while (blanks < first.len && first.ptr[blanks] == ' ')
            blanks++;
        bool is_block = blanks < first.len && first.ptr[blanks] == '-';
        if (is_block) {
            put_lines(out, p, begin_of(p, key), end_of(p, key));
            put_assertions(out, p->s, str_c(p->arena, str_head(first, blanks)));
            return;
        }
    }
    if (p->by_lines) {
        size_t line = p->root->items[2 * key].place.line;
        put_lines(out, p, begin_of(p, key), line - 1);
    }
    buf_str(out, S("assert:\n"));
    for (size_t i = 0; list->kind == NODE_LIST && i < list->n; i++) {
        buf_str(out, S("  - "));
        put_node(out, &list->items[i]);
        buf_char(out, '\n');
    }
    put_assertions(out, p->s, "  ");
}

static void put_given(struct buf *out, const struct suggestion *s, struct arena *arena)
{
    struct node root = {0};
    struct diagnostics found = {0};
    struct parts p = {.s = s, .root = &root, .arena = arena};
    bool parsed = document_parse(s->given->text, arena, arena, &root, &found);
    assert(parsed && root.kind == NODE_MAP); /* it was parsed before */
    p.lines = document_lines(s->given->text, arena, &p.n_lines);
    p.by_lines = keys_begin_lines(&root);
    bool has_allow = false, has_assert = false;
    for (size_t i = 0; i < root.n; i++) {
        str key = root.items[2 * i].text;
        if (str_equal(key, S("allow"))) {
            has_allow = true;
            if (p.by_lines) put_lines(out, &p, begin_of(&p, i), root.items[2 * i].place.line - 1);
            buf_str(out, S("# Proposed anew by \"sallyport suggest\".\n"));
            put_numbers(out, s, arena);
            put_allow(out, s, arena);
        } else if (str_equal(key, S("assert")) && asserts_any(s)) {
            has_assert = true;
            put_more_assertions(out, &p, i);
        } else {
            put_key(out, &p, i);
        }
    }
    if (!has_allow) {
        buf_str(out, S("\n# Proposed by \"sallyport suggest\".\n"));
        put_numbers(out, s, arena);
        put_allow(out, s, arena);
    }
    if (!has_assert && asserts_any(s)) {
        buf_str(out, S("\nassert:\n"));
        put_assertions(out, s, "  ");
    }
    put_questions(out, s, arena);
    put_surpluses(out, s, arena);
}

str suggest_yaml(const struct suggestion *suggestion, const struct resolved *given,
                 struct arena *arena)
{
    struct buf out = buf_in(arena);
    if (given)
        put_given(&out, suggestion, arena);
    else
        put_fresh(&out, suggestion, arena);
    return buf_text(&out);
}
