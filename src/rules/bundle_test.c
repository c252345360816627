/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles of a policy as an admin writes it: which classes there are, what their rules are called
 * and why they stand there. That they are right is proof_test.c's matter. */
#include "rules/bundle.h"

#include "base/test.h"
#include "rules/universe.h"

struct fixture {
    struct arena arena, scratch;
    struct policy policy;
    struct resolved resolved;
    struct bundles bundles;
};

/* LAPTOP is known at home and in the VPN. */
static const struct host_address *host(void *to, str name, int64_t as_of_us, struct arena *arena,
                                       size_t *n)
{
    static const char *const texts[] = {"10.30.0.7", "10.10.4.7"};
    struct host_address *held = arena_array(arena, struct host_address, COUNT_OF(texts));
    (void)to;
    *n = 0;
    if (!str_equal(name, S("LAPTOP"))) return NULL;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_true(addr_parse(str_of(texts[i]), &held[i].addr));
        held[i].seen_us = as_of_us;
    }
    *n = COUNT_OF(texts);
    return held;
}

static void make(struct fixture *f, str text, str name)
{
    struct diagnostics found = {0};
    struct host_lookup lookup = {.host = host};
    f->arena = arena_open("test", 0, NULL);
    f->scratch = arena_open("scratch", 0, NULL);
    bool parsed = policy_parse(S("policy.yaml"), text, &f->arena, &f->policy, &found);
    for (size_t i = 0; !parsed && i < found.n; i++)
        print_message("%.*s\n", STR_ARG(found.items[i].text));
    assert_true(parsed);
    assert_true(resolve_policy(&f->policy, &lookup, 0, true, &f->arena, &f->resolved, &found));
    f->bundles = bundle_make(&f->resolved, universe_peers, name, &f->arena, f->scratch);
}

static void finish(struct fixture *f)
{
    arena_close(&f->scratch);
    arena_close(&f->arena);
}

static const struct host_class *class_at(const struct fixture *f, const char *address)
{
    struct addr a;
    assert_true(addr_parse(str_of(address), &a));
    for (size_t i = 0; i < f->bundles.n_classes; i++)
        if (prefix_set_contains(f->bundles.classes[i].members, a)) return &f->bundles.classes[i];
    return NULL;
}

static const struct rule *rule_named(struct ruleset rules, const char *id)
{
    for (size_t i = 0; i < rules.n; i++)
        if (str_equal(rules.rules[i].id, str_of(id))) return &rules.rules[i];
    for (size_t i = 0; i < rules.n; i++)
        print_message("  %.*s\n", STR_ARG(rules.rules[i].id));
    fail_msg("no rule %s", id);
    return NULL;
}

static void assert_set(struct prefix_set set, const char *address, bool in)
{
    struct addr a;
    assert_true(addr_parse(str_of(address), &a));
    assert_int_equal(prefix_set_contains(set, a), in);
}

static const char contoso[] =
    "version: 1\n"
    "govern: [smb]\n"
    "segments:\n"
    "  clients: {networks: [10.10.0.0/16], trust: managed}\n"
    "  vpn: {networks: [10.30.0.0/24], trust: managed, profiles: {private: enforce, public: off}}\n"
    "  servers: {networks: [10.20.0.0/24], trust: managed, border: enforced}\n"
    "  guests: {networks: [10.66.0.0/24], trust: untrusted}\n"
    "groups:\n"
    "  file-servers: {hosts: [10.20.0.30], role: file-server}\n"
    "  hyperv: {hosts: [10.20.0.50, 10.20.0.51], role: cluster}\n"
    "  laptops: {hosts: [LAPTOP]}\n"
    "allow:\n"
    "  - {name: shares, from: clients, to: file-servers, service: smb}\n"
    "  - {name: remote, from: vpn, to: file-servers, service: smb}\n"
    "  - {name: cluster, from: hyperv, to: hyperv, service: smb, secure: none}\n";

static void classes_and_rules_of_a_small_company(void **state)
{
    struct fixture f;
    (void)state;
    make(&f, str_of(contoso), S("Contoso AG"));
    /* clients, the laptop, vpn; three kinds of servers; guests enforce nothing. */
    assert_int_equal(f.bundles.n_classes, 6);
    assert_null(class_at(&f, "10.66.0.1"));
    const struct host_class *clients = class_at(&f, "10.10.0.1");
    assert_true(str_equal(clients->id, S("clients-1")));
    assert_set(clients->members, "10.10.4.7", false);

    const struct rule *allow =
        rule_named(clients->rules, "sallyport-Contoso-AG-outbound-smb-tcp-domain-private-allow-1");
    assert_true(str_equal(allow->why, S("policy.yaml:13 shares")));
    assert_true(str_equal(allow->group, S("sallyport Contoso AG")));
    assert_int_equal(allow->remote.n, 1);
    assert_set(allow->remote, "10.20.0.30", true);
    assert_int_equal(allow->ports[0].first, 445);
    assert_false(allow->logs);
    const struct rule *block =
        rule_named(clients->rules, "sallyport-Contoso-AG-outbound-smb-tcp-domain-private-block-1");
    assert_true(block->logs);
    assert_set(block->remote, "10.20.0.30", false);
    assert_set(block->remote, "10.20.0.31", true);
    assert_set(block->remote, "fe80::1", true);
    assert_set(block->remote, "::1", false);
    assert_set(block->remote, "127.0.0.1", false);
    assert_set(block->local, "10.99.0.1", true);
    block = rule_named(clients->rules, "sallyport-Contoso-AG-outbound-smb-tcp-public-block-1");
    assert_true(str_equal(block->why, S("policy.yaml: profile public is block-all")));
    assert_set(block->remote, "10.20.0.30", true);
    block =
        rule_named(clients->rules, "sallyport-Contoso-AG-inbound-smb-tcp-private-public-block-1");
    assert_true(
        str_equal(block->why,
                  S("policy.yaml: profile private is block-inbound, profile public is block-all")));

    /* No approved link-local peer but a cluster's. */
    const struct host_class *cluster = class_at(&f, "10.20.0.51");
    allow = rule_named(cluster->rules,
                       "sallyport-Contoso-AG-inbound-smb-tcp-domain-private-public-allow-1");
    assert_set(allow->remote, "fe80::1", true);
    assert_set(allow->remote, "169.254.3.4", true);
    assert_set(allow->remote, "10.20.0.50", true);
    finish(&f);
}

/* Each segment's rules at its own local address, the home's everywhere else. */
static void a_laptop_obeys_its_home_elsewhere(void **state)
{
    struct fixture f;
    (void)state;
    make(&f, str_of(contoso), S("c"));
    const struct host_class *laptop = class_at(&f, "10.10.4.7");
    assert_ptr_equal(laptop, class_at(&f, "10.30.0.7"));
    assert_int_equal(prefix_set_size(laptop->members), 2);
    assert_int_equal(laptop->n_machine_names, 1);
    assert_true(str_equal(laptop->machine_names[0], S("LAPTOP")));
    assert_true(str_equal(laptop->id, S("clients-2")));
    const struct rule *home =
        rule_named(laptop->rules, "sallyport-c-outbound-smb-tcp-public-block-1");
    assert_set(home->local, "10.10.4.7", true);
    assert_set(home->local, "192.0.2.9", true);
    assert_set(home->local, "10.30.0.7", false);
    const struct rule *away =
        rule_named(laptop->rules, "sallyport-c-outbound-smb-tcp-domain-private-allow-2");
    assert_int_equal(prefix_set_size(away->local), 1);
    assert_set(away->local, "10.30.0.7", true);
    assert_true(str_equal(away->why, S("policy.yaml:14 remote")));
    /* The VPN's public profile is off: no rule speaks of it there. */
    for (size_t i = 0; i < laptop->rules.n; i++)
        if (laptop->rules.rules[i].local.n == 1 &&
            prefix_set_size(laptop->rules.rules[i].local) == 1)
            assert_false(laptop->rules.rules[i].profiles >> PROFILE_PUBLIC & 1);
    finish(&f);
}

static void borders_pass_what_is_intended_and_block_the_rest(void **state)
{
    struct fixture f;
    (void)state;
    make(&f, str_of(contoso), S("c"));
    assert_int_equal(f.bundles.n_borders, 1);
    struct ruleset rules = f.bundles.borders[0].rules;
    bool passes = false, blocks = false;
    struct addr server, client, guest;
    assert_true(addr_parse(S("10.20.0.30"), &server));
    assert_true(addr_parse(S("10.10.0.1"), &client));
    assert_true(addr_parse(S("10.66.0.1"), &guest));
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule *r = &rules.rules[i];
        if (r->direction != DIRECTION_INBOUND || !prefix_set_contains(r->local, server)) continue;
        passes = passes || (r->action == ACTION_ALLOW && prefix_set_contains(r->remote, client));
        blocks = blocks || (r->action == ACTION_BLOCK && prefix_set_contains(r->remote, guest));
        assert_false(r->action == ACTION_ALLOW && prefix_set_contains(r->remote, guest));
        assert_false(prefix_set_contains(r->remote, server));
    }
    assert_true(passes && blocks);
    finish(&f);
}

/* Ids never move with addresses, so that a newer policy replaces and never adds. */
static void ids_do_not_depend_on_addresses(void **state)
{
    struct fixture before, after;
    (void)state;
    make(&before, str_of(contoso), S("c"));
    struct buf text = buf_in(&before.arena);
    str rest = str_of(contoso), head;
    while (rest.len) {
        (void)str_cut(rest, '\n', &head, &rest);
        if (str_starts(head, S("  file-servers")))
            head = S("  file-servers: {hosts: [10.20.0.77], role: file-server}");
        buf_str(&text, head);
        buf_char(&text, '\n');
    }
    make(&after, buf_text(&text), S("c"));
    struct ruleset a = class_at(&before, "10.20.0.30")->rules;
    struct ruleset b = class_at(&after, "10.20.0.77")->rules;
    assert_int_equal(a.n, b.n);
    for (size_t i = 0; i < a.n; i++)
        assert_true(str_equal(a.rules[i].id, b.rules[i].id));
    finish(&after);
    finish(&before);
}

/* What Windows takes for one name is one: two rules, or the folders of two classes. */
static void no_two_ids_are_one_on_windows(void **state)
{
    enum { LONG = 250 };
    struct fixture f;
    struct arena arena = arena_open("text", 0, NULL);
    char name[LONG];
    (void)state;
    memset(name, 'n', sizeof name);
    str text = str_format(&arena,
                          "version: 1\n"
                          "govern: [x, X, x-2, %.*sa, %.*sb]\n"
                          "services:\n"
                          "  x: [tcp/7001]\n"
                          "  X: [tcp/7002]\n"
                          "  x-2: [tcp/7003]\n"
                          "  %.*sa: [tcp/7004]\n"
                          "  %.*sb: [tcp/7005]\n"
                          "segments:\n"
                          "  %.*sa: {networks: [10.1.0.0/24], trust: managed}\n"
                          "  %.*sb: {networks: [10.2.0.0/24], trust: managed}\n"
                          "  lab: {networks: [10.3.0.0/24], trust: managed}\n"
                          "  Lab: {networks: [10.4.0.0/24], trust: managed}\n"
                          "allow:\n"
                          "  - {from: lab, to: Lab, service: [x, X, x-2]}\n",
                          LONG, name, LONG, name, LONG, name, LONG, name, LONG, name, LONG, name);
    make(&f, text, S("c"));
    assert_int_equal(f.bundles.n_classes, 4);
    for (size_t c = 0; c < f.bundles.n_classes; c++) {
        const struct host_class *class = &f.bundles.classes[c];
        assert_true(class->id.len < LIMIT_ID_NAME_BYTES + 4);
        for (size_t d = 0; d < c; d++)
            assert_false(str_equal_nocase(class->id, f.bundles.classes[d].id));
        for (size_t i = 0; i < class->rules.n; i++) {
            assert_true(class->rules.rules[i].id.len < 200);
            for (size_t j = 0; j < i; j++)
                assert_false(str_equal_nocase(class->rules.rules[i].id, class->rules.rules[j].id));
        }
    }
    struct ruleset rules = class_at(&f, "10.3.0.1")->rules;
    const char *const ids[] = {
        "sallyport-c-outbound-x-tcp-domain-private-allow-1",
        "sallyport-c-outbound-X-3-tcp-domain-private-allow-1", /* x-2 is a service of its own */
        "sallyport-c-outbound-x-2-tcp-domain-private-allow-1",
    };
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        assert_int_equal(rule_named(rules, ids[i])->ports[0].first, 7001 + i);
    finish(&f);
    arena_close(&arena);
}

/* 2,000 client networks, none beside another, and 20 servers: what grows is a rule's list, not the
 * number of rules, which is what a dialect's limit then splits. */
static void a_matrix_is_two_rules_a_cell(void **state)
{
    enum { CLIENTS = 2000, SERVERS = 20 };
    struct fixture f;
    struct arena arena = arena_open("policy", 0, NULL);
    struct buf text = buf_in(&arena);
    size_t longest = 0;
    (void)state;
    buf_str(&text, S("version: 1\ngovern: [smb]\nsegments:\n"
                     "  clients: {networks: [10.0.0.0/9], trust: managed}\n"
                     "  servers: {networks: [10.128.0.0/9], trust: managed}\n"
                     "groups:\n  approved: {hosts: ["));
    for (uint32_t i = 0; i < CLIENTS; i++)
        buf_format(&text, "%s10.%u.%u.%u/28", i ? ", " : "", i >> 11, i >> 3 & 255, (i & 7) << 5);
    buf_str(&text, S("]}\n  shares: {hosts: ["));
    for (uint32_t i = 0; i < SERVERS; i++)
        buf_format(&text, "%s10.128.0.%u", i ? ", " : "", 2 * i + 1);
    buf_str(&text, S("]}\nallow:\n  - {name: matrix, from: approved, to: shares, service: smb}\n"));
    make(&f, buf_text(&text), S("W"));
    assert_int_equal(f.bundles.n_classes, 4);
    for (size_t c = 0; c < f.bundles.n_classes; c++) {
        struct ruleset rules = f.bundles.classes[c].rules;
        for (size_t i = 0; i < rules.n; i++) {
            const struct rule *rule = &rules.rules[i];
            size_t n_alike = 0;
            for (size_t k = 0; k < rules.n; k++)
                n_alike += rules.rules[k].direction == rule->direction &&
                           rules.rules[k].profiles == rule->profiles &&
                           rules.rules[k].action == rule->action;
            assert_true(n_alike <= 2);
            if (rule->action == ACTION_ALLOW && rule->remote.n > longest) longest = rule->remote.n;
        }
    }
    assert_int_equal(longest, CLIENTS);
    finish(&f);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(classes_and_rules_of_a_small_company),
        cmocka_unit_test(a_laptop_obeys_its_home_elsewhere),
        cmocka_unit_test(borders_pass_what_is_intended_and_block_the_rest),
        cmocka_unit_test(ids_do_not_depend_on_addresses),
        cmocka_unit_test(no_two_ids_are_one_on_windows),
        cmocka_unit_test(a_matrix_is_two_rules_a_cell),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
