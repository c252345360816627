/* SPDX-License-Identifier: Apache-2.0 */
/* Whom servers authorise, against a reading entry by entry, over random worlds. */
#include "rules/principals.h"

#include "base/test.h"
#include "policy/authorised.h"
#include "rules/random_world.h"
#include "rules/universe.h"

enum { WORLDS = 120, POINTS = 400 };

/* The SIDs that entries name for a pair which is allowed only if secure. */
static str linear(const struct resolved *r, struct addr client, struct addr server, int service,
                  struct arena *arena)
{
    str all = {0};
    if (linear_intent(r, client, server, service) != INTENT_ALLOW_IF_SECURE) return all;
    for (size_t i = 0; i < r->n_entries; i++) {
        struct resolved one = *r;
        one.entries = &r->entries[i];
        one.n_entries = 1;
        one.n_perimeter = 0;
        if (linear_intent(&one, client, server, service) == INTENT_ALLOW_IF_SECURE)
            all = authorised_union(all, r->entries[i].principals, arena);
    }
    return all;
}

static void pairs_have_the_principals_of_their_entries(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t n_several = 0, n_secured = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        arena_reset(&arena);
        struct random_world *w = world_make(&arena, 5000 + seed, true);
        const struct decision *d = decision_build(&w->resolved, NULL, &arena, scratch);
        const struct atoms *atoms = decision_atoms(d);
        struct principals principals = principals_of(d, &arena, scratch);
        n_several += principals.n > 1;
        for (int i = 0; i < POINTS; i++) {
            struct arena here = scratch;
            struct addr client = world_addr(w), server = world_addr(w);
            int service = world_random(w, 2) ? 0 : 6;
            if (!w->policy.governed[service]) service = 0;
            if (prefix_set_contains(w->resolved.places.local, client)) continue;
            if (prefix_set_contains(w->resolved.places.local, server)) continue;
            str expected = linear(&w->resolved, client, server, service, &here), found = {0};
            if (linear_intent(&w->resolved, client, server, service) != INTENT_ALLOW_IF_SECURE)
                continue;
            n_secured++;
            for (size_t k = 0; k < principals.n; k++) {
                struct prefix_set in =
                    principals_peers(&principals.items[k], atoms, service, DIRECTION_INBOUND,
                                     atoms_class(atoms, server), universe_peers, &here);
                struct prefix_set out =
                    principals_peers(&principals.items[k], atoms, service, DIRECTION_OUTBOUND,
                                     atoms_class(atoms, client), universe_peers, &here);
                bool named = prefix_set_contains(in, client);
                assert_int_equal(named, prefix_set_contains(out, server));
                if (named) found = authorised_union(found, principals.items[k].sids, &here);
            }
            assert_true(str_equal(found, expected));
        }
    }
    print_message("%zu worlds of several principals, %zu pairs\n", n_several, n_secured);
    assert_true(n_several > 5 && n_secured > WORLDS);
    arena_close(&scratch);
    arena_close(&arena);
}

/* What can't be known stands apart from what is. */
static void what_is_lacking_is_told(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    static const char text[] =
        "version: 1\ngovern: [smb]\ndomains: [{name: contoso.com, sid: "
        "S-1-5-21-1-2-3}]\nsegments:\n"
        "  a: {networks: [10.1.0.0/24], trust: managed}\n"
        "  b: {networks: [10.2.0.0/24], trust: managed}\nallow:\n"
        "  - {from: a, to: b, service: smb, secure: kerberos}\n"
        "  - {from: b, to: b, service: smb, secure: {by: kerberos, computers: [Nobody]}}\n"
        "  - {from: b, to: a, service: smb, secure: certificate}\n";
    struct policy policy;
    struct resolved resolved;
    struct diagnostics found = {0};
    (void)state;
    assert_true(policy_parse(S("p.yaml"), str_of(text), &arena, &policy, &found));
    assert_true(resolve_policy(&policy, NULL, 0, false, &arena, &resolved, &found));
    const struct decision *d = decision_build(&resolved, NULL, &arena, scratch);
    struct principals p = principals_of(d, &arena, scratch);
    assert_int_equal(p.n, 3);
    assert_true(str_equal(p.items[0].sids, S("S-1-5-21-1-2-3-515 S-1-5-21-1-2-3-516 "
                                             "S-1-5-21-1-2-3-521")));
    assert_int_equal(p.items[0].lack.len, 0);
    assert_true(
        str_equal(p.items[1].lack, S("p.yaml:9: the SID of the AD group \"Nobody\" is not known")));
    assert_false(p.items[1].by_certificate);
    assert_true(p.items[2].by_certificate && p.items[2].lack.len > 0);
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_have_the_principals_of_their_entries),
        cmocka_unit_test(what_is_lacking_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
