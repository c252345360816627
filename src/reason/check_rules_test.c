/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/check_rules.h"

#include "base/hash.h"
#include "base/test.h"

#define TEXT(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

enum { ALL_PROFILES = (1 << PROFILE_COUNT) - 1, MOST_RULES = 6, WORLDS = 4000 };

/* A rule in short. */
struct short_rule {
    enum action action;
    const char *local, *remote;     /* one prefix; NULL = any */
    uint16_t first_port, last_port; /* 0: any */
    enum transport transport;
    uint8_t profiles; /* 0 = all */
    enum direction direction;
    str program, principals;
    bool is_off;
};

static struct prefix_set one_prefix(struct arena *arena, const char *text)
{
    struct prefix p;
    if (!text) return prefix_set_of(arena, &addr_all, 1);
    assert_true(prefix_parse(str_of(text), &p));
    return prefix_set_of_prefix(arena, p);
}

static struct ruleset rules_of(const struct short_rule *from, size_t n, struct arena *arena)
{
    struct rule *rules = arena_array(arena, struct rule, n);
    for (size_t i = 0; i < n; i++) {
        rules[i] = (struct rule){
            .action = from[i].action,
            .direction = from[i].direction,
            .profiles = from[i].profiles ? from[i].profiles : ALL_PROFILES,
            .enabled = !from[i].is_off,
            .transport = from[i].transport,
            .local = one_prefix(arena, from[i].local),
            .remote = one_prefix(arena, from[i].remote),
            .program = from[i].program,
            .principals = from[i].principals,
        };
        if (!from[i].first_port) continue;
        rule_add_port(
            &rules[i], arena,
            (struct service_port){from[i].transport, from[i].first_port, from[i].last_port});
    }
    return (struct ruleset){.rules = rules, .n = n};
}

struct rules_row {
    const char *name;
    struct short_rule rules[MOST_RULES];
    size_t n;
    const char *windows, *first_match; /* "kind:rule<others ...", in order */
};

#define IN445                                                                                      \
    .direction = DIRECTION_INBOUND, .first_port = 445, .last_port = 445, .transport = TRANSPORT_TCP
#define ALLOW  .action = ACTION_ALLOW
#define BLOCK  .action = ACTION_BLOCK
#define BYPASS .action = ACTION_ALLOW_IF_SECURE

/* clang-format off */
static const struct rules_row rows[] = {
    {"a first-match list turned into Windows rules blocks everything",
     {{ALLOW, .remote = "10.1.0.0/16", IN445},
      {ALLOW, .remote = "10.2.0.0/16", IN445},
      {BLOCK, IN445}}, 3,
     "blocks-everything:1<3 shadowed:1<3 shadowed:2<3", ""},
    {"block and allow on the same tuple",
     {{BLOCK, .remote = "10.1.0.0/16", IN445},
      {ALLOW, .remote = "10.1.0.0/16", IN445}}, 2,
     "blocks-everything:2<1 shadowed:2<1", "shadowed:2<1"},
    {"allow and block on the same tuple",
     {{ALLOW, .remote = "10.1.0.0/16", IN445},
      {BLOCK, .remote = "10.1.0.0/16", IN445}}, 2,
     "blocks-everything:1<2 shadowed:1<2", "shadowed:2<1"},
    {"two blocks make the allow idle together",
     {{ALLOW, .remote = "10.0.0.0/8", IN445},
      {BLOCK, .remote = "10.0.0.0/9", IN445},
      {BLOCK, .remote = "10.128.0.0/9", IN445},
      {ALLOW, .remote = "11.0.0.0/8", IN445}}, 4,
     "shadowed:1<2,3", "shadowed:2<1 shadowed:3<1"},
    {"a part is a conflict in Windows, an order elsewhere",
     {{BLOCK, .remote = "10.1.0.0/24", IN445},
      {ALLOW, .remote = "10.1.0.0/16", IN445}}, 2,
     "conflict:2<1", ""},
    {"the same said twice",
     {{ALLOW, .remote = "10.1.0.0/16", IN445},
      {ALLOW, .remote = "10.1.7.0/24", IN445}}, 2,
     "redundant:2<1", "redundant:2<1"},
    {"by several together, the later ones",
     {{ALLOW, .remote = "10.0.0.0/9", IN445},
      {ALLOW, .remote = "10.128.0.0/9", IN445},
      {ALLOW, .remote = "10.0.0.0/8", IN445}}, 3,
     "redundant:3<1,2", "redundant:3<1,2"},
    {"authenticated bypass beats the block",
     {{BYPASS, .remote = "10.1.0.0/16", IN445},
      {BLOCK, .remote = "10.0.0.0/8", IN445}}, 2,
     "", ""},
    {"a block below a bypass",
     {{BLOCK, .remote = "10.1.0.0/16", IN445},
      {BYPASS, .remote = "10.0.0.0/8", IN445}}, 2,
     "shadowed:1<2", ""},
    {"IPv6 is not IPv4",
     {{ALLOW, .remote = "2001:db8::/32", IN445},
      {BLOCK, .remote = "0.0.0.0/0", IN445}}, 2,
     "", ""},
    {"another direction, another profile, another port, another protocol",
     {{ALLOW, .remote = "10.0.0.0/8", IN445, .profiles = 1},
      {BLOCK, .remote = "10.0.0.0/8", IN445, .profiles = 6},
      {BLOCK, .remote = "10.0.0.0/8", .direction = DIRECTION_OUTBOUND, .first_port = 445, .last_port = 445, .transport = TRANSPORT_TCP},
      {BLOCK, .remote = "10.0.0.0/8", .direction = DIRECTION_INBOUND, .first_port = 446, .last_port = 500, .transport = TRANSPORT_TCP},
      {BLOCK, .remote = "10.0.0.0/8", .direction = DIRECTION_INBOUND, .first_port = 445, .last_port = 445, .transport = TRANSPORT_UDP}}, 5,
     "", ""},
    {"a range of ports, any protocol",
     {{BLOCK, .remote = "10.0.0.0/8", .direction = DIRECTION_INBOUND},
      {ALLOW, .remote = "10.0.0.0/8", .direction = DIRECTION_INBOUND, .first_port = 100, .last_port = 500, .transport = TRANSPORT_TCP},
      {ALLOW, .remote = "10.1.0.0/16", IN445}}, 3,
     "blocks-everything:2<1 blocks-everything:2<1 blocks-everything:2<1 shadowed:2<1 shadowed:3<1",
     "shadowed:2<1 shadowed:3<1"},
    {"one program is not all",
     {{ALLOW, .remote = "10.0.0.0/8", IN445},
      {BLOCK, .remote = "10.0.0.0/8", IN445, .program = TEXT("C:\\a.exe")}}, 2,
     "conflict:1<2", "shadowed:2<1"},
    {"what some principals may hides nothing",
     {{ALLOW, .remote = "10.0.0.0/8", IN445, .principals = TEXT("O:LSD:(A;;CC;;;S-1-5-32-544)")},
      {ALLOW, .remote = "10.1.0.0/16", IN445}}, 2,
     "", ""},
    {"what is off says nothing",
     {{BLOCK, .remote = "10.0.0.0/8", IN445, .is_off = true},
      {ALLOW, .remote = "10.1.0.0/16", IN445}}, 2,
     "", ""},
    {"local addresses count",
     {{BLOCK, .local = "10.9.0.0/24", .remote = "10.0.0.0/8", IN445},
      {ALLOW, .local = "10.9.0.7", .remote = "10.1.0.0/16", IN445},
      {ALLOW, .local = "10.9.1.7", .remote = "10.1.0.0/16", IN445}}, 3,
     "shadowed:2<1", "shadowed:2<1"},
};
/* clang-format on */

static str in_short(const struct check_rules_finding *found, size_t n, struct arena *arena)
{
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < n; i++) {
        buf_format(&out, "%s%.*s:%zu<", i ? " " : "", STR_ARG(found[i].kind), found[i].rule + 1);
        for (size_t j = 0; j < found[i].n_others; j++)
            buf_format(&out, "%s%zu", j ? "," : "", found[i].others[j] + 1);
    }
    return buf_text(&out);
}

/* The witness is spoken of by the rule and by the first who decides instead. */
static void witness_is_one(const char *name, struct ruleset rules,
                           const struct check_rules_finding *f)
{
    const struct rule *pair[] = {&rules.rules[f->rule], &rules.rules[f->others[0]]};
    for (size_t i = 0; i < 2; i++)
        if (!prefix_set_contains(pair[i]->local, f->local) ||
            !prefix_set_contains(pair[i]->remote, f->remote) ||
            !(pair[i]->profiles >> f->profile & 1u) ||
            (pair[i]->n_ports &&
             (pair[i]->transport != f->transport || f->port < pair[i]->ports[0].first ||
              f->port > pair[i]->ports[0].last)))
            fail_msg("%s: the witness of rule %zu is none: %.*s", name, f->rule + 1,
                     STR_ARG(f->text));
}

static void known_rulesets(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (unsigned engine = ENGINE_WINDOWS; engine <= ENGINE_NFTABLES; engine++) {
            struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("s", 0, NULL);
            size_t n;
            struct ruleset rules = rules_of(rows[i].rules, rows[i].n, &arena);
            const struct check_rules_finding *found =
                check_rules(rules, (enum engine)engine, &arena, scratch, &n);
            str got = in_short(found, n, &arena);
            const char *wanted = engine == ENGINE_WINDOWS ? rows[i].windows : rows[i].first_match;
            if (!str_equal(got, str_of(wanted)))
                fail_msg("%s, engine %u: \"%.*s\", expected \"%s\"", rows[i].name, engine,
                         STR_ARG(got), wanted);
            for (size_t j = 0; j < n; j++)
                witness_is_one(rows[i].name, rules, &found[j]);
            arena_close(&scratch);
            arena_close(&arena);
        }
}

/* ---- Random rulesets, against every point -------------------------------------------------------
 */

/* A small world: 8 addresses at either end, two ports, one profile. */
static bool matches(const struct rule *rule, struct addr local, struct addr remote, uint16_t port)
{
    return rule->enabled && prefix_set_contains(rule->local, local) &&
           prefix_set_contains(rule->remote, remote) &&
           (!rule->n_ports || (rule->ports[0].first <= port && port <= rule->ports[0].last));
}

static bool decides_before(enum engine engine, struct ruleset rules, size_t other, size_t rule)
{
    static const int rank[] = {
        [ACTION_ALLOW_IF_SECURE] = 2, [ACTION_BLOCK] = 1, [ACTION_ALLOW] = 0};
    if (engine == ENGINE_NFTABLES) return other < rule;
    return rank[rules.rules[other].action] > rank[rules.rules[rule].action];
}

static bool is_dead(enum engine engine, struct ruleset rules, size_t rule)
{
    for (uint32_t l = 0; l < 8; l++)
        for (uint32_t r = 0; r < 8; r++)
            for (uint16_t port = 445; port <= 446; port++) {
                struct addr local = addr_v4(0x0a000000 + l), remote = addr_v4(0x0a000000 + r);
                bool decided = false;
                if (!matches(&rules.rules[rule], local, remote, port)) continue;
                for (size_t i = 0; i < rules.n; i++)
                    decided = decided || (i != rule && decides_before(engine, rules, i, rule) &&
                                          matches(&rules.rules[i], local, remote, port));
                if (!decided) return false;
            }
    return true;
}

static void dead_is_what_every_point_says(void **state)
{
    static const char *const prefixes[] = {"10.0.0.0/29", "10.0.0.0/30", "10.0.0.4/30",
                                           "10.0.0.0/31", "10.0.0.6/31", "10.0.0.3/32"};
    size_t n_dead = 0, n_alive = 0;
    (void)state;
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("s", 0, NULL);
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        struct short_rule shorts[MOST_RULES] = {{0}};
        uint64_t chance = hash_u64(seed);
        enum engine engine = seed % 2 ? ENGINE_WINDOWS : ENGINE_NFTABLES;
        arena_reset(&arena);
        for (size_t i = 0; i < MOST_RULES; i++) {
            chance = hash_u64(chance);
            shorts[i].action = (enum action)(chance % 3);
            shorts[i].local = prefixes[(chance >> 8) % COUNT_OF(prefixes)];
            shorts[i].remote = prefixes[(chance >> 16) % COUNT_OF(prefixes)];
            shorts[i].transport = TRANSPORT_TCP;
            shorts[i].first_port = (uint16_t)(445 + (chance >> 24) % 2);
            shorts[i].last_port = (chance >> 32) % 2 ? 446 : shorts[i].first_port;
            shorts[i].profiles = 1;
        }
        struct ruleset rules = rules_of(shorts, MOST_RULES, &arena);
        size_t n;
        const struct check_rules_finding *found = check_rules(rules, engine, &arena, scratch, &n);
        for (size_t i = 0; i < MOST_RULES; i++) {
            bool said = false, expected = is_dead(engine, rules, i);
            for (size_t j = 0; j < n; j++)
                said = said ||
                       (found[j].rule == i &&
                        (str_equal(found[j].kind, S("shadowed")) ||
                         (engine == ENGINE_NFTABLES && str_equal(found[j].kind, S("redundant")))));
            if (said != expected)
                fail_msg("world %" PRIu64 ", rule %zu: dead %d, expected %d", seed, i + 1, said,
                         expected);
            n_dead += expected;
            n_alive += !expected;
        }
        for (size_t j = 0; j < n; j++)
            witness_is_one("random", rules, &found[j]);
    }
    print_message("%zu dead, %zu alive\n", n_dead, n_alive);
    assert_true(n_dead > WORLDS / 4 && n_alive > WORLDS);
    arena_close(&scratch);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_rulesets),
        cmocka_unit_test(dead_is_what_every_point_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
