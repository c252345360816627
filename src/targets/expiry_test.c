/* SPDX-License-Identifier: Apache-2.0 */
/* Until when a peer is needed: the parts of every rule against a plain reading of the entries, pair
 * by pair; and an artefact whose timeouts are damaged, one at a time, is refused.
 */
#include "targets/expiry.h"

#include "base/instant.h"
#include "base/test.h"
#include "policy/exceptions.h"
#include "rules/universe.h"
#include "targets/prove.h"

static const char policy_text[] =
    "version: 1\ngovern: [smb, netbios]\n"
    "segments:\n"
    "  clients: {networks: [10.1.0.0/24, \"2001:db8:1::/64\"], trust: managed}\n"
    "  servers: {networks: [10.2.0.0/24, \"2001:db8:2::/64\"], trust: managed, border: enforced}\n"
    "  guests: {networks: [10.3.0.0/24], trust: untrusted}\n"
    "groups:\n"
    "  files: {hosts: [10.2.0.1, \"2001:db8:2::1\"]}\n"
    "allow:\n"
    "  - {from: 10.1.0.0/28, to: files, service: smb}\n"
    "  - {from: clients, to: 10.2.0.9, service: smb, except: {from: 10.1.0.5}}\n"
    "perimeter:\n"
    "  - {direction: outbound, service: smb, from: servers, to: 198.51.100.0/24}\n";

/* Ends: a day, a week, a year. */
static const char exceptions_text[] =
    "exceptions:\n"
    "  - {id: A, from: [10.1.0.0/24, \"2001:db8:1::/64\"], to: files, service: smb, owner: alice,"
    " reason: x, approver: bob, expires: 1970-01-02T00:00:00Z}\n"
    "  - {id: B, from: 10.1.0.16/28, to: files, service: smb, owner: alice, reason: x,"
    " approver: bob, expires: 1970-01-08T00:00:00Z}\n"
    "  - {id: C, from: 10.1.0.5, to: 10.2.0.9, service: smb, owner: alice, reason: x,"
    " approver: bob, expires: 1971-01-01T00:00:00Z}\n"
    "  - {id: D, from: guests, to: files, service: [smb, netbios], owner: alice, reason: x,"
    " approver: bob, expires: 1970-01-02T00:00:00Z}\n"
    "  - {id: E, from: 10.1.0.200, to: guests, service: netbios, owner: alice, reason: x,"
    " approver: bob, expires: 1970-01-08T00:00:00Z}\n";

static const struct target_header header = {
    .policy_source = {"policy.yaml", 11},
    .policy_sha256 = {"00",          2 },
    .workspace = {"contoso",     7 },
};

struct world {
    struct arena arena, scratch;
    struct source_text file;
    struct policy policy;
    struct resolved resolved;
    struct bundles bundles;
};

static void make(struct world *w)
{
    struct diagnostics found = {0};
    w->arena = arena_open("test", 0, NULL);
    w->scratch = arena_open("scratch", 0, NULL);
    w->file = (struct source_text){S("exceptions.yaml"), str_of(exceptions_text)};
    bool fine =
        policy_parse(S("policy.yaml"), str_of(policy_text), &w->arena, &w->policy, &found) &&
        exceptions_parse(&w->file, &w->policy, NULL, &w->arena, &w->policy.exceptions,
                         &w->policy.n_exceptions, &found) &&
        resolve_policy(&w->policy, NULL, 0, true, &w->arena, &w->resolved, &found);
    if (!fine) fail_msg("%.*s", STR_ARG(found.items[0].text));
    w->bundles = bundle_make(&w->resolved, universe_peers, header.workspace, &w->arena, w->scratch);
}

static void end(struct world *w)
{
    arena_close(&w->scratch);
    arena_close(&w->arena);
}

static bool entry_has(const struct resolved_entry *e, const struct rule *rule, struct addr client,
                      struct addr server, const struct policy *policy)
{
    bool service = false;
    for (size_t i = 0; i < e->entry->n_services; i++) {
        const struct service *s = &policy->services.services[e->entry->services[i]];
        for (size_t k = 0; k < s->n_ports; k++)
            service = service || (s->ports[k].transport == rule->transport &&
                                  s->ports[k].first == rule->ports[0].first);
    }
    return service && prefix_set_contains(e->from, client) && prefix_set_contains(e->to, server) &&
           !prefix_set_contains(e->except_from, client) &&
           !prefix_set_contains(e->except_to, server);
}

/* When a pair is not allowed any more: 0 = as long as the policy. Nothing here has the internet but
 * the perimeter, which lasts. */
static int64_t until_of(const struct world *w, const struct rule *rule, struct addr own,
                        struct addr peer)
{
    bool outbound = rule->direction == DIRECTION_OUTBOUND;
    int64_t until = -1;
    for (size_t i = 0; i < w->resolved.n_entries; i++) {
        const struct resolved_entry *e = &w->resolved.entries[i];
        if (!entry_has(e, rule, outbound ? own : peer, outbound ? peer : own, &w->policy)) continue;
        if (!e->exception) return 0;
        if (e->exception->expires_us > until) until = e->exception->expires_us;
    }
    return until < 0 ? 0 : until;
}

/* Of some own addresses, the latest; 0 = one of them needs it as long as the policy. */
static int64_t latest(const struct world *w, const struct rule *rule, struct prefix_set own,
                      struct addr peer)
{
    int64_t until = -1;
    for (size_t i = 0; i < own.n; i++) {
        struct addr a = own.ranges[i].first;
        for (size_t steps = 0; steps < 300; steps++) {
            int64_t one = until_of(w, rule, a, peer);
            if (!one) return 0;
            if (one > until) until = one;
            if (addr_equal(a, own.ranges[i].last)) break;
            a = addr_next(a);
        }
    }
    return until;
}

static void check_peer(const struct world *w, const struct rule *rule, struct prefix_set own,
                       struct addr peer, int64_t found)
{
    char text[ADDR_TEXT];
    int64_t expected = latest(w, rule, own, peer);
    if (found == expected) return;
    fail_msg("%.*s, peer %.*s: until %" PRId64 ", expected %" PRId64, STR_ARG(rule->id),
             STR_ARG(addr_text(text, peer)), found, expected);
}

static size_t check_rule(struct world *w, const struct expiry *expiry, const struct rule *rule,
                         struct prefix_set own)
{
    size_t n, timed = 0;
    struct prefix_set all = {0};
    struct expiry_part *parts = expiry_parts(expiry, rule, &w->arena, &n);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        assert_false(prefix_set_overlaps(all, parts[i].remote));
        all = prefix_set_union(&w->arena, all, parts[i].remote);
        timed += parts[i].until_us != 0;
        for (size_t k = 0; k < parts[i].remote.n; k++) {
            struct range r = parts[i].remote.ranges[k];
            bool v4 = addr_is_v4(r.first);
            struct prefix_set same =
                v4 ? prefix_set_v4(&w->arena, own) : prefix_set_v6(&w->arena, own);
            if (!same.n) continue;
            check_peer(w, rule, same, r.first, parts[i].until_us);
            check_peer(w, rule, same, r.last, parts[i].until_us);
        }
    }
    assert_true(prefix_set_equal(all, rule->remote));
    return timed;
}

static void test_parts(void **state)
{
    (void)state;
    struct world w = {0};
    size_t timed = 0, at_border = 0;
    make(&w);
    for (size_t i = 0; i < w.bundles.n_classes; i++) {
        const struct host_class *class = &w.bundles.classes[i];
        const struct expiry *expiry = expiry_of(&w.resolved, &class->members, &w.arena, w.scratch);
        for (size_t j = 0; j < class->rules.n; j++)
            if (class->rules.rules[j].action == ACTION_ALLOW &&
                (class->rules.rules[j].profiles >> PROFILE_DOMAIN & 1u))
                timed += check_rule(&w, expiry, &class->rules.rules[j], class->members);
    }
    for (size_t i = 0; i < w.bundles.n_borders; i++) {
        const struct border_rules *border = &w.bundles.borders[i];
        const struct expiry *expiry = expiry_of(&w.resolved, NULL, &w.arena, w.scratch);
        for (size_t j = 0; j < border->rules.n; j++)
            if (border->rules.rules[j].action == ACTION_ALLOW)
                at_border +=
                    check_rule(&w, expiry, &border->rules.rules[j], border->rules.rules[j].local);
    }
    assert_true(timed >= 6);
    assert_true(at_border >= 4);
    end(&w);
}

static void test_no_policy(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct prefix_set all = {&addr_all, 1};
    struct rule rule = {.local = all, .remote = all};
    size_t n;
    struct expiry_part *parts =
        expiry_parts(expiry_of(NULL, &all, &arena, scratch), &rule, &arena, &n);
    assert_int_equal(n, 1);
    assert_int_equal(parts[0].until_us, 0);
    assert_true(prefix_set_equal(parts[0].remote, all));
    arena_close(&arena);
    arena_close(&scratch);
}

static bool proves(struct world *w, const struct target_files *files, struct prove_report *out)
{
    *out = prove_files(target_by_name(S("nftables")), &w->bundles, files, header.workspace,
                       &w->arena, w->scratch);
    return out->equal;
}

/* Every timeout: a second more, a second less, none. */
static void test_damage(void **state)
{
    (void)state;
    struct world w = {0};
    struct target_files files = {0};
    struct prove_report report;
    struct err err = {0};
    size_t n_timeouts = 0;
    make(&w);
    assert_true(target_by_name(S("nftables"))->emit(&w.bundles, &header, &w.arena, &files, &err));
    if (!proves(&w, &files, &report))
        fail_msg("%.*s", STR_ARG(prove_text(&report, &w.policy, &w.arena)));
    for (size_t f = 0; f < files.n; f++) {
        str whole = files.items[f].content, mark = S(" timeout ");
        for (size_t i = 0; i + mark.len < whole.len; i++) {
            uint64_t seconds = 0;
            str head = str_head(whole, i), number, tail;
            if (!str_starts(str_tail(whole, i), mark)) continue;
            if (!str_cut(str_tail(whole, i + mark.len), 's', &number, &tail) ||
                !str_u64(number, UINT64_MAX, &seconds))
                continue;
            n_timeouts++;
            for (unsigned damage = 0; damage < 3; damage++) {
                str text = damage == 2 ? S("")
                                       : str_format(&w.arena, " timeout %" PRIu64 "s",
                                                    damage ? seconds - 1 : seconds + 1);
                files.items[f].content = str_format(&w.arena, "%.*s%.*s%.*s", STR_ARG(head),
                                                    STR_ARG(text), STR_ARG(tail));
                assert_false(proves(&w, &files, &report));
                assert_true(report.form && !report.error.len);
            }
        }
        files.items[f].content = whole;
    }
    assert_true(n_timeouts > 10);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_no_policy),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
