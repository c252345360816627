/* SPDX-License-Identifier: Apache-2.0 */
/* Each engine against its own documents: traps with known answers, then random rules against a walk
 * over them for one peer at a time.
 */
#include "rules/verdict.h"

#include "base/hash.h"
#include "base/test.h"

#define ALLOW  ACTION_ALLOW
#define SECURE ACTION_ALLOW_IF_SECURE
#define BLOCK  ACTION_BLOCK

struct made_rule {
    enum action action;
    const char *remote; /* NULL = the list ends */
    bool quick;
    uint32_t chain;
    enum rule_store store;
};

/* ---- Known answers ------------------------------------------------------------------------------
 */

static const struct {
    const char *what;
    enum engine engine;
    struct made_rule rules[4];
    struct verdict_around around;
    bool secured;
    const char *peer;
    enum rule_verdict is;
} traps[] = {
    {"Windows: a list that ends in a block blocks all",
     ENGINE_WINDOWS,  {{.action = ALLOW, .remote = "10.0.0.0/8"}, {.action = BLOCK, .remote = "0.0.0.0/0"}},
     {.no_local_merge = 0},
     false, "10.1.1.1",
     RULE_BLOCKS   },
    {"an access list: the same list lets the first match pass",
     ENGINE_ACL,      {{.action = ALLOW, .remote = "10.0.0.0/8"}, {.action = BLOCK, .remote = "0.0.0.0/0"}},
     {.no_local_merge = 0},
     false, "10.1.1.1",
     RULE_PASSES   },
    {"pf: the same list blocks, the last match counts",
     ENGINE_PF,       {{.action = ALLOW, .remote = "10.0.0.0/8"}, {.action = BLOCK, .remote = "0.0.0.0/0"}},
     {.no_local_merge = 0},
     false, "10.1.1.1",
     RULE_BLOCKS   },
    {"pf: quick ends the search",
     ENGINE_PF,       {{.action = ALLOW, .remote = "10.0.0.0/8", .quick = true},
      {.action = BLOCK, .remote = "0.0.0.0/0"}},
     {.no_local_merge = 0},
     false, "10.1.1.1",
     RULE_PASSES   },
    {"pf: what nothing matches passes",
     ENGINE_PF,       {{.action = BLOCK, .remote = "10.0.0.0/8"}},
     {.no_local_merge = 0},
     false, "192.0.2.1",
     RULE_PASSES   },
    {"an access list denies what nothing matches",
     ENGINE_ACL,      {{.action = ALLOW, .remote = "10.0.0.0/8"}},
     {.no_local_merge = 0},
     false, "192.0.2.1",
     RULE_BLOCKS   },
    {"Windows: block and allow on the same tuple",
     ENGINE_WINDOWS,  {{.action = BLOCK, .remote = "10.1.1.1"}, {.action = ALLOW, .remote = "10.1.1.1"}},
     {.no_local_merge = 0},
     false, "10.1.1.1",
     RULE_BLOCKS   },
    {"Windows: the override passes a block, once both have authenticated",
     ENGINE_WINDOWS,  {{.action = SECURE, .remote = "10.1.1.1"}, {.action = BLOCK, .remote = "0.0.0.0/0"}},
     {.no_local_merge = 0},
     true,  "10.1.1.1",
     RULE_PASSES   },
    {"Windows: and not before",
     ENGINE_WINDOWS,  {{.action = SECURE, .remote = "10.1.1.1"}, {.action = BLOCK, .remote = "0.0.0.0/0"}},
     {.no_local_merge = 0},
     false, "10.1.1.1",
     RULE_BLOCKS   },
    {"Windows: no rule, the profile's default is not known",
     ENGINE_WINDOWS,  {{.action = ALLOW, .remote = "10.0.0.0/8"}},
     {.no_local_merge = 0},
     false, "192.0.2.1",
     RULE_UNTOUCHED},
    {"Windows: no rule, the profile blocks inbound",
     ENGINE_WINDOWS,  {{.action = ALLOW, .remote = "10.0.0.0/8"}},
     {.otherwise = {{RULE_PASSES, RULE_BLOCKS}}},
     false, "192.0.2.1",
     RULE_BLOCKS   },
    {"Windows: a local allow counts",
     ENGINE_WINDOWS,  {{.action = ALLOW, .remote = "192.0.2.1", .store = RULE_STORE_LOCAL}},
     {.otherwise = {{RULE_PASSES, RULE_BLOCKS}}},
     false, "192.0.2.1",
     RULE_PASSES   },
    {"Windows: unless local rules are not merged",
     ENGINE_WINDOWS,  {{.action = ALLOW, .remote = "192.0.2.1", .store = RULE_STORE_LOCAL}},
     {.otherwise = {{RULE_PASSES, RULE_BLOCKS}}, .no_local_merge = 1u << PROFILE_DOMAIN},
     false, "192.0.2.1",
     RULE_BLOCKS   },
    {"Windows: then a local block does not count either",
     ENGINE_WINDOWS,  {{.action = BLOCK, .remote = "192.0.2.1", .store = RULE_STORE_LOCAL},
      {.action = ALLOW, .remote = "192.0.2.0/24"}},
     {.no_local_merge = 1u << PROFILE_DOMAIN},
     false, "192.0.2.1",
     RULE_PASSES   },
    {"nftables: the first verdict of a chain",
     ENGINE_NFTABLES, {{.action = ALLOW, .remote = "10.0.0.0/8"}, {.action = BLOCK, .remote = "0.0.0.0/0"}},
     {.no_local_merge = 0},
     false, "10.1.1.1",
     RULE_PASSES   },
    {"nftables: a later chain drops what an earlier one accepted",
     ENGINE_NFTABLES, {{.action = ALLOW, .remote = "10.0.0.0/8"},
      {.action = BLOCK, .remote = "10.1.0.0/16", .chain = 1}},
     {.no_local_merge = 0},
     false, "10.1.1.1",
     RULE_BLOCKS   },
    {"nftables: a drop is final",
     ENGINE_NFTABLES, {{.action = BLOCK, .remote = "10.1.0.0/16"},
      {.action = ALLOW, .remote = "10.0.0.0/8", .chain = 1}},
     {.no_local_merge = 0},
     false, "10.1.1.1",
     RULE_BLOCKS   },
    {"IPv4 rules say nothing of IPv6",
     ENGINE_WINDOWS,  {{.action = BLOCK, .remote = "0.0.0.0/0"}},
     {.no_local_merge = 0},
     false, "2001:db8::1",
     RULE_UNTOUCHED},
};

static struct prefix_set set_of(struct arena *arena, const char *text)
{
    struct prefix p;
    assert_true(prefix_parse(str_of(text), &p));
    return prefix_set_of_prefix(arena, p);
}

static struct ruleset make(const struct made_rule *made, size_t most, struct arena *arena)
{
    struct rule *rules = arena_array(arena, struct rule, most);
    static struct service_port ports[] = {
        {TRANSPORT_TCP, 445, 445}
    };
    size_t n = 0;
    for (; n < most && made[n].remote; n++)
        rules[n] = (struct rule){
            .direction = DIRECTION_INBOUND,
            .action = made[n].action,
            .profiles = 1u << PROFILE_DOMAIN,
            .enabled = true,
            .transport = TRANSPORT_TCP,
            .ports = ports,
            .n_ports = 1,
            .local = {&addr_all, 1},
            .remote = set_of(arena, made[n].remote),
            .quick = made[n].quick,
            .chain = made[n].chain,
            .store = made[n].store,
        };
    return (struct ruleset){.rules = rules, .n = n};
}

static struct verdict_question inbound(bool secured)
{
    return (struct verdict_question){.direction = DIRECTION_INBOUND,
                                     .transport = TRANSPORT_TCP,
                                     .port = 445,
                                     .profile = PROFILE_DOMAIN,
                                     .secured = secured};
}

static enum rule_verdict verdict_of(struct verdict_sets sets, struct addr peer)
{
    assert_false(prefix_set_overlaps(sets.passes, sets.blocks));
    if (prefix_set_contains(sets.passes, peer)) return RULE_PASSES;
    return prefix_set_contains(sets.blocks, peer) ? RULE_BLOCKS : RULE_UNTOUCHED;
}

static void engines_fall_into_no_trap(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(traps); i++) {
        struct ruleset rules = make(traps[i].rules, COUNT_OF(traps[i].rules), &arena);
        struct verdict_question q = inbound(traps[i].secured);
        struct addr own = {0, UINT64_C(0x0000FFFF0A140015)}, peer;
        assert_true(addr_parse(str_of(traps[i].peer), &peer));
        struct verdict_sets sets =
            verdict_at(rules, traps[i].engine, own, &q, &traps[i].around, &arena, scratch);
        if (verdict_of(sets, peer) != traps[i].is)
            fail_msg("%s: %d, not %d", traps[i].what, (int)verdict_of(sets, peer),
                     (int)traps[i].is);
    }
    arena_close(&scratch);
    arena_close(&arena);
}

/* Ports, profiles, directions, disabled rules and other programs say nothing. */
static void a_rule_speaks_only_of_what_it_names(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct made_rule made[2] = {
        {.action = BLOCK, .remote = "0.0.0.0/0"}
    };
    struct addr own = {0, UINT64_C(0x0000FFFF0A140015)}, peer = {0, UINT64_C(0x0000FFFF0A0A0407)};
    (void)state;
    for (unsigned k = 0; k < 7; k++) {
        struct ruleset rules = make(made, 2, &arena);
        struct rule rule = rules.rules[0];
        struct verdict_question q = inbound(false);
        if (k == 1) q.port = 446;
        if (k == 2) q.transport = TRANSPORT_UDP;
        if (k == 3) q.profile = PROFILE_PUBLIC;
        if (k == 4) q.direction = DIRECTION_OUTBOUND;
        if (k == 5) rule.enabled = false;
        if (k == 6) rule.program = S("C:\\other.exe");
        rules.rules = &rule;
        struct verdict_sets sets =
            verdict_at(rules, ENGINE_WINDOWS, own, &q, NULL, &arena, scratch);
        assert_int_equal(verdict_of(sets, peer), k ? RULE_UNTOUCHED : RULE_BLOCKS);
        assert_int_equal(verdict_rule(rules, ENGINE_WINDOWS, own, peer, &q) != NULL, k == 0);
    }
    arena_close(&scratch);
    arena_close(&arena);
}

/* ---- Random rules -------------------------------------------------------------------------------
 */

enum { ROUNDS = 4000, RULES = 7 };

static const char *const blocks[] = {"10.0.0.0/8",   "10.1.0.0/16", "10.1.1.0/24",   "10.1.1.1",
                                     "192.0.2.0/24", "0.0.0.0/0",   "2001:db8::/32", "::/0",
                                     "10.128.0.0/9", "10.1.1.2/31"};
static const char *const peers[] = {"10.1.1.1",  "10.1.1.2", "10.1.9.9",    "10.200.0.1",
                                    "192.0.2.9", "8.8.8.8",  "2001:db8::1", "2a00::1"};

static uint64_t draw(uint64_t *seed, uint64_t below)
{
    *seed = hash_u64(*seed + 1);
    return *seed % below;
}

static bool is_named(const struct rule *rule, struct addr peer, bool secured)
{
    return prefix_set_contains(rule->remote, peer) && (rule->action != SECURE || secured);
}

/* One peer, by the words of each engine's manual. */
static enum rule_verdict walk(struct ruleset rules, enum engine engine, struct addr peer,
                              bool secured)
{
    bool bypass = false, block = false, allow = false, dropped = false, accepted = false;
    enum rule_verdict last = RULE_UNTOUCHED;
    uint32_t done = UINT32_MAX;
    for (size_t i = 0; i < rules.n; i++) {
        const struct rule *rule = &rules.rules[i];
        if (!is_named(rule, peer, secured)) continue;
        enum rule_verdict verdict = rule->action == BLOCK ? RULE_BLOCKS : RULE_PASSES;
        bypass |= rule->action == SECURE;
        block |= rule->action == BLOCK;
        allow |= rule->action == ALLOW;
        if (engine == ENGINE_ACL) return verdict;
        if (engine == ENGINE_PF && rule->quick) return verdict;
        last = verdict;
        if (rule->chain == done) continue;
        done = rule->chain;
        dropped |= verdict == RULE_BLOCKS;
        accepted |= verdict == RULE_PASSES;
    }
    if (engine == ENGINE_ACL) return RULE_BLOCKS;
    if (engine == ENGINE_PF) return last == RULE_UNTOUCHED ? RULE_PASSES : last;
    if (engine == ENGINE_NFTABLES)
        return dropped ? RULE_BLOCKS : accepted ? RULE_PASSES : RULE_UNTOUCHED;
    if (bypass) return RULE_PASSES;
    return block ? RULE_BLOCKS : allow ? RULE_PASSES : RULE_UNTOUCHED;
}

static void sets_agree_with_a_walk(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct addr own = {0, UINT64_C(0x0000FFFF0A140015)};
    size_t by_verdict[RULE_BLOCKS + 1] = {0};
    uint64_t seed = 1;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        arena_reset(&arena);
        struct made_rule made[RULES + 1] = {{0}};
        size_t n = (size_t)draw(&seed, RULES + 1);
        uint32_t chain = 0;
        for (size_t i = 0; i < n; i++) {
            chain += draw(&seed, 3) == 0;
            made[i] = (struct made_rule){.action = (enum action)draw(&seed, 3),
                                         .remote = blocks[draw(&seed, COUNT_OF(blocks))],
                                         .quick = draw(&seed, 3) == 0,
                                         .chain = chain};
        }
        struct ruleset rules = make(made, RULES + 1, &arena);
        enum engine engine = (enum engine)(round % 4);
        struct verdict_question q = inbound(draw(&seed, 2));
        struct verdict_sets sets = verdict_at(rules, engine, own, &q, NULL, &arena, scratch);
        for (size_t i = 0; i < COUNT_OF(peers); i++) {
            struct addr peer;
            assert_true(addr_parse(str_of(peers[i]), &peer));
            enum rule_verdict wanted = walk(rules, engine, peer, q.secured);
            assert_int_equal(verdict_of(sets, peer), wanted);
            by_verdict[wanted]++;
            const struct rule *rule = verdict_rule(rules, engine, own, peer, &q);
            if (rule)
                assert_int_equal(rule->action == BLOCK ? RULE_BLOCKS : RULE_PASSES, wanted);
            else
                assert_true(wanted == (engine == ENGINE_ACL  ? RULE_BLOCKS
                                       : engine == ENGINE_PF ? RULE_PASSES
                                                             : RULE_UNTOUCHED));
        }
    }
    assert_true(by_verdict[RULE_UNTOUCHED] > ROUNDS && by_verdict[RULE_PASSES] > ROUNDS &&
                by_verdict[RULE_BLOCKS] > ROUNDS);
    arena_close(&scratch);
    arena_close(&arena);
}

/* Local scopes cut the machine's own addresses; parts are all of them and meet nowhere. */
static void parts_are_what_local_scopes_tell_apart(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    struct made_rule made[3] = {
        {.action = ALLOW, .remote = "10.0.0.0/8"},
        {.action = BLOCK, .remote = "0.0.0.0/0" }
    };
    (void)state;
    struct ruleset rules = make(made, 3, &arena);
    struct rule two[2] = {rules.rules[0], rules.rules[1]};
    two[0].local = set_of(&arena, "10.20.0.0/25");
    two[1].local = set_of(&arena, "10.20.0.64/26");
    rules.rules = two;
    size_t n;
    struct prefix_set *parts =
        verdict_parts(rules, set_of(&arena, "10.20.0.0/24"), &arena, scratch, &n);
    struct prefix_set all = {0};
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++) {
        assert_false(prefix_set_overlaps(all, parts[i]));
        all = prefix_set_union(&arena, all, parts[i]);
    }
    assert_true(prefix_set_equal(all, set_of(&arena, "10.20.0.0/24")));
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(engines_fall_into_no_trap),
        cmocka_unit_test(a_rule_speaks_only_of_what_it_names),
        cmocka_unit_test(sets_agree_with_a_walk),
        cmocka_unit_test(parts_are_what_local_scopes_tell_apart),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
