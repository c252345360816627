/* SPDX-License-Identifier: Apache-2.0 */
/* Every target: what is read back from what was emitted means what was given; hostile text stays in
 * its place; what cannot be expressed is refused.
 */
#include "base/test.h"
#include "targets/random_bundles.h"

static const uint8_t every_profile =
    1u << PROFILE_DOMAIN | 1u << PROFILE_PRIVATE | 1u << PROFILE_PUBLIC;

static const struct target_header header = {
    .organisation = {"O'Brien \"& Sons\"\n", 17},
    .policy_source = {"policy.yaml",          11},
    .policy_sha256 = {"00",                   2 },
    .workspace = {"contoso",              7 },
};

struct made {
    struct host_class class;
    struct border border;
    struct border_rules border_rules;
    struct bundles bundles;
};

static void make(struct made *made, uint64_t seed, const struct target *target, struct arena *arena)
{
    static const struct range inside[] = {
        {{0, UINT64_C(0x0000FFFF0A000000)}, {0, UINT64_C(0x0000FFFF0A0000FF)}},
    };
    struct policy *policy = arena_new(arena, struct policy);
    struct resolved *resolved = arena_new(arena, struct resolved);
    struct diagnostics wrong = {0};
    assert_true(
        policy_parse(S("policy.yaml"), S("version: 1\nsegments: {}\n"), arena, policy, &wrong));
    assert_true(resolve_policy(policy, NULL, 0, false, arena, resolved, &wrong));
    made->class.id = S("clients-1");
    made->class.members = (struct prefix_set){inside, 1};
    made->class.rules =
        bundles_rules(&seed, *target->peers, (struct prefix_set){0}, every_profile, arena);
    made->border.name = S("servers");
    made->border.inside = (struct prefix_set){inside, 1};
    made->border_rules.border = &made->border;
    made->border_rules.rules =
        bundles_rules(&seed, *target->peers, made->border.inside, every_profile, arena);
    made->bundles = (struct bundles){.resolved = resolved,
                                     .classes = &made->class,
                                     .n_classes = 1,
                                     .borders = &made->border_rules,
                                     .n_borders = 1};
}

/* Dialects that hold few rules, or none by local address, refuse many bundles. */
static bool is_narrow(const struct target *target)
{
    return str_starts(target->name, S("aws-"));
}

/* The bundles of the first seed that the target can hold. */
static void make_for(struct made *made, uint64_t seed, const struct target *target,
                     struct arena *arena)
{
    struct target_files files;
    struct err err;
    do {
        files = (struct target_files){0};
        err = (struct err){0};
        *made = (struct made){0};
        make(made, seed++, target, arena);
        assert_true(seed < 1000);
    } while (is_narrow(target) && !target->emit(&made->bundles, &header, arena, &files, &err));
}

/* Families never mix in a packet, and an inside end stands on the inside. */
static bool is_real(struct addr local, struct addr remote)
{
    return addr_is_v4(local) == addr_is_v4(remote);
}

static size_t compare(struct ruleset given, struct ruleset found, const struct target *target,
                      struct prefix_set inside, struct arena scratch)
{
    static const struct bundles_point ports[] = {
        {.transport = TRANSPORT_TCP, .port = 445 },
        {.transport = TRANSPORT_TCP, .port = 444 },
        {.transport = TRANSPORT_UDP, .port = 137 },
        {.transport = TRANSPORT_UDP, .port = 5010},
        {.transport = TRANSPORT_UDP, .port = 5011},
        {.transport = TRANSPORT_UDP, .port = 445 },
    };
    size_t n_locals, n_remotes, n_compared = 0;
    struct addr *locals = bundles_edges(given, true, &scratch, &n_locals);
    struct addr *remotes = bundles_edges(given, false, &scratch, &n_remotes);
    for (size_t i = 0; i < n_locals * n_remotes * COUNT_OF(ports) * 2; i++) {
        struct bundles_point p = ports[i % COUNT_OF(ports)];
        size_t rest = i / COUNT_OF(ports);
        p.direction = rest % 2 ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
        p.local = locals[rest / 2 % n_locals];
        p.remote = remotes[rest / 2 / n_locals];
        if (!is_real(p.local, p.remote) || !prefix_set_contains(*target->peers, p.remote)) continue;
        if (!prefix_set_contains(*target->peers, p.local)) continue;
        if (inside.n && prefix_set_contains(inside, p.remote)) continue;
        enum bundles_verdict wanted = bundles_ask(given, ENGINE_WINDOWS, &p);
        enum bundles_verdict said = bundles_ask(found, target->engine, &p);
        if (target->rest == REST_DENIED && wanted == BUNDLES_BLOCKED && said == BUNDLES_UNTOUCHED)
            said = BUNDLES_BLOCKED; /* by what is not written */
        assert_int_equal(said, wanted);
        n_compared++;
    }
    return n_compared;
}

static void test_round_trip(void **state)
{
    (void)state;
    size_t n_compared = 0;
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    for (size_t t = 0; t < targets_n; t++) {
        size_t n_emitted = 0;
        for (uint64_t seed = 1; seed <= (is_narrow(targets[t]) ? 300u : 60u); seed++) {
            const struct target *target = targets[t];
            struct made made = {0};
            struct target_files files = {0};
            struct err err = {0};
            arena_reset(&arena);
            make(&made, seed, target, &arena);
            bool made_files = target->emit(&made.bundles, &header, &arena, &files, &err);
            if (!made_files && is_narrow(target)) {
                assert_int_equal(err.kind, ERR_UNSUPPORTED);
                continue;
            }
            assert_true(made_files);
            n_emitted++;
            for (size_t i = 0; i < files.n; i++) {
                struct target_file *file = &files.items[i];
                struct ruleset found = {0};
                if (file->kind != TARGET_FILE_RULES) continue;
                if (!target->read(file->path, str_bytes(file->content), &arena, &found, &err))
                    fail_msg("%.*s:%u: %s\n%.*s", STR_ARG(file->path), err.line, err.text,
                             STR_ARG(file->content));
                struct ruleset given = file->border ? made.border_rules.rules : made.class.rules;
                struct prefix_set inside = {0};
                if (file->border) inside = made.border.inside;
                n_compared += compare(given, found, target, inside, scratch);
            }
        }
        assert_true(n_emitted > 0);
    }
    assert_true(n_compared > 100000);
    arena_close(&arena);
    arena_close(&scratch);
}

/* Many accepts of a few addresses become one set of pairs, whatever families and counts they have.
 */
static void test_pairs(void **state)
{
    enum { RULES = 60 };
    (void)state;
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    const struct target *target = target_by_name(S("nftables"));
    size_t n_compared = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct made made = {0};
        struct target_files files = {0};
        struct err err = {0};
        struct rule *rules = arena_array(&arena, struct rule, 2 * RULES + 1);
        uint64_t random = seed;
        arena_reset(&scratch);
        make(&made, seed, target, &arena);
        for (size_t i = 0; i < 2 * RULES; i++) {
            static const struct range blocks[] = {
                {{0, UINT64_C(0xFFFF0A000000)},     {0, UINT64_C(0xFFFF0A000007)}    },
                {{UINT64_C(0x20010DB800000000), 0}, {UINT64_C(0x20010DB800000000), 7}},
            };
            struct range own = blocks[bundles_random(&random, 5) == 0];
            own.first.lo += 16 * (i / 2);
            own.last.lo = own.first.lo + bundles_random(&random, 8);
            struct rule *rule = &rules[i];
            *rule = made.class.rules.rules[0];
            rule->direction = seed % 2 ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
            rule->action = i % 2 ? ACTION_BLOCK : ACTION_ALLOW;
            rule->id = str_format(&arena, "rule-%zu", i);
            rule->why = S("policy.yaml:1 } , # x");
            rule->local = prefix_set_of(&arena, &own, 1);
            rule->remote = i % 2 ? prefix_set_subtract(&arena, *target->peers, rules[i - 1].remote)
                                 : bundles_set(&random, *target->peers, &arena);
            if (i % 2) rule->local = rules[i - 1].local;
        }
        made.class.rules = (struct ruleset){.rules = rules, .n = 2 * RULES};
        made.bundles.n_borders = 0;
        assert_true(target->emit(&made.bundles, &header, &arena, &files, &err));
        struct ruleset found = {0};
        assert_true(str_contains(files.items[0].content, S("@pairs_1_v4 tcp dport 445")));
        if (!target->read(S("x"), str_bytes(files.items[0].content), &arena, &found, &err))
            fail_msg("%u: %s", err.line, err.text);
        /* Ports apart from these have no rules; the edges of the first rules say enough. */
        struct ruleset some = {.rules = rules, .n = 16};
        n_compared += compare(some, found, target, (struct prefix_set){0}, scratch);
    }
    assert_true(n_compared > 10000);
    arena_close(&scratch);
    arena_close(&arena);
}

static void test_rollbacks(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t t = 0; t < targets_n; t++) {
        const struct target *target = targets[t];
        struct made made = {0};
        struct target_files files = {0};
        struct err err = {0};
        size_t n_rollbacks = 0;
        make_for(&made, 7, target, &arena);
        assert_true(target->emit(&made.bundles, &header, &arena, &files, &err));
        for (size_t i = 0; i < files.n; i++) {
            struct target_file *file = &files.items[i];
            str border = file->border ? S("servers") : (str){0};
            bytes content = str_bytes(file->content);
            bool is_rollback =
                target->read_rollback(file->path, content, header.workspace, border, &arena, &err);
            assert_int_equal(is_rollback, file->kind == TARGET_FILE_ROLLBACK);
            if (file->kind == TARGET_FILE_PART)
                assert_true(target->read_part(file->path, content, header.workspace, &arena, &err));
            if (!is_rollback) continue;
            n_rollbacks++;
            /* Without its last line it restores less than it should. */
            content.len -= 2;
            assert_false(
                target->read_rollback(file->path, content, header.workspace, border, &arena, &err));
        }
        assert_true(n_rollbacks > 0);
    }
    arena_close(&arena);
}

/* Registry.pol and GptTmpl.inf: their text is UTF-16, and what readers make of it is checked. */
static bool is_wide(bytes content)
{
    str text = str_of_bytes(content);
    return str_starts(text, S("PReg")) || str_starts(text, S("\xff\xfe"));
}

static bool is_line(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] > '~') return false;
    return true;
}

/* Every line of an artefact that is not a comment is one that the emitter wrote: text of a policy
 * never gets out of its quotes or its comment. */
static void test_hostile_text(void **state)
{
    (void)state;
    static const char *const hostile[] = {
        "'; Remove-NetFirewallRule; '",
        "\nRemove-Item -Recurse C:\\",
        "\r\nRemove",
        "a\xe2\x80\x98; x",
        "$(Remove)",
        "`n",
        "#>",
        "\" accept",
        "\ninclude \"/etc/x\"",
        "\\",
        "\x01\x7f\xff",
        "\xe2\x80",
    };
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t t = 0; t < targets_n; t++) {
        for (size_t h = 0; h < COUNT_OF(hostile); h++) {
            const struct target *target = targets[t];
            struct made made = {0};
            struct target_files files = {0};
            struct err err = {0};
            str text = str_of(hostile[h]);
            make_for(&made, 3, target, &arena);
            struct rule *rules = arena_array(&arena, struct rule, made.class.rules.n);
            for (size_t i = 0; i < made.class.rules.n; i++) {
                rules[i] = made.class.rules.rules[i];
                rules[i].name = rules[i].why = text;
                rules[i].id = str_format(&arena, "sallyport-contoso-%zu%.*s", i, STR_ARG(text));
            }
            made.class.rules.rules = rules;
            made.class.machine_names = &text;
            made.class.n_machine_names = 1;
            made.border.name = text;
            struct target_header said = header;
            said.organisation = said.policy_source = text;
            assert_true(target->emit(&made.bundles, &said, &arena, &files, &err));
            for (size_t i = 0; i < files.n; i++) {
                struct target_file *file = &files.items[i];
                struct ruleset found = {0};
                str border = {0};
                if (file->border) border = target_border_word(&made.bundles, 0, &arena);
                bytes content = str_bytes(file->content);
                bool read =
                    file->kind == TARGET_FILE_RULES
                        ? target->read(file->path, content, &arena, &found, &err)
                    : file->kind == TARGET_FILE_PART
                        ? target->read_part(file->path, content, said.workspace, &arena, &err)
                        : target->read_rollback(file->path, content, said.workspace, border, &arena,
                                                &err);
                if (!read) fail_msg("%.*s: %s", STR_ARG(file->path), err.text);
                for (size_t k = 0; k < file->content.len && !is_wide(content); k++) {
                    char c = file->content.ptr[k];
                    bool windows_end =
                        c == '\r' && k + 1 < file->content.len && file->content.ptr[k + 1] == '\n';
                    assert_true(c == '\n' || windows_end || (c >= ' ' && c <= '~'));
                }
                for (size_t k = 0; k < found.n; k++)
                    assert_true(is_line(found.rules[k].name) && is_line(found.rules[k].why));
            }
        }
    }
    arena_close(&arena);
}

static void test_quotes(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL);
    struct made made = {0};
    struct target_files files = {0};
    struct err err = {0};
    struct ruleset found = {0};
    const struct target *target = target_by_name(S("powershell"));
    make(&made, 3, target, &arena);
    assert_true(target->emit(&made.bundles, &header, &arena, &files, &err));
    str script = files.items[0].content;
    assert_true(str_contains(script, S("'it''s ?quoted? ? ??x? ?  # and a line, v4-1'")));
    assert_true(target->read(S("x"), str_bytes(script), &arena, &found, &err));
    assert_true(str_starts(found.rules[0].name, S("it's ?quoted?")));
    arena_close(&arena);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *field;
        unsigned unless; /* the target holds it */
        struct rule change;
    } rows[] = {
        {"allow-if-secure", TARGET_SECURE,  {.action = ACTION_ALLOW_IF_SECURE}},
        {"program",         TARGET_PROGRAM, {.program = {"System", 6}}        },
        {"security",        0,              {.security = {"Authenticate", 12}}},
        {"principals",      0,              {.principals = {"D:", 2}}         },
        {"condition",       0,              {.only_if = {"LocalSubnet", 11}}  },
    };
    struct arena arena = arena_open("test", 0, NULL);
    for (size_t t = 0; t < targets_n; t++) {
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
            struct made made = {0};
            struct target_files files = {0};
            struct err err = {0};
            struct rule rule = rows[i].change;
            rule.id = S("smb-out");
            if (targets[t]->holds & rows[i].unless) continue;
            make(&made, 3, targets[t], &arena);
            struct ruleset one = {.rules = &rule, .n = 1};
            *(targets[t]->hosts ? &made.class.rules : &made.border_rules.rules) = one;
            assert_false(targets[t]->emit(&made.bundles, &header, &arena, &files, &err));
            assert_int_equal(err.kind, ERR_UNSUPPORTED);
            assert_non_null(strstr(err.text, rows[i].field));
            assert_non_null(strstr(err.text, "smb-out"));
            assert_true(str_contains(str_of(err.text), targets[t]->name));
            assert_int_equal(files.n, 0);
        }
    }
    arena_close(&arena);
}

/* 2,500 single addresses take three rules of at most 1,000. */
static void test_split(void **state)
{
    (void)state;
    enum { N = 2500 };
    struct arena arena = arena_open("test", 0, NULL);
    struct range *ranges = arena_array(&arena, struct range, N);
    for (uint32_t i = 0; i < N; i++)
        ranges[i].first = ranges[i].last = addr_v4(UINT32_C(0x0A000000) + 2 * i);
    struct rule rule = {
        .id = S("x"),
        .direction = DIRECTION_INBOUND,
        .profiles = every_profile,
        .enabled = true,
        .transport = TRANSPORT_TCP,
        .ports = (struct service_port[]){{TRANSPORT_TCP, 445, 445}},
        .n_ports = 1,
        .local = { &addr_all,                        1},
        .remote = { ranges,                        N},
    };
    struct made made = {0};
    struct target_files files = {0};
    struct err err = {0};
    struct ruleset found = {0};
    const struct target *target = target_by_name(S("powershell"));
    make(&made, 3, target, &arena);
    made.class.rules = (struct ruleset){.rules = &rule, .n = 1};
    assert_true(target->emit(&made.bundles, &header, &arena, &files, &err));
    assert_true(target->read(S("x"), str_bytes(files.items[0].content), &arena, &found, &err));
    assert_int_equal(found.n, 3);
    size_t n = 0;
    for (size_t i = 0; i < found.n; i++) {
        assert_true(found.rules[i].remote.n <= 1000);
        n += found.rules[i].remote.n;
    }
    assert_int_equal(n, N);
    arena_close(&arena);
}

/* RULES.md and the manual print these in the middle of a line, with a full stop of their own. */
static void test_words(void **state)
{
    (void)state;
    for (size_t t = 0; t < targets_n; t++) {
        const struct target *target = targets[t];
        const str words[] = {target->name, target->summary, target->cannot, target->load,
                             target->decides};
        for (size_t i = 0; i < COUNT_OF(words); i++)
            if (!words[i].len || words[i].ptr[words[i].len - 1] == '.')
                fail_msg("%.*s: \"%.*s\"", STR_ARG(target->name), STR_ARG(words[i]));
        assert_true(target->hosts || target->borders);
        const struct doubt *tables[] = {target->doubts, target->own_doubts};
        for (size_t i = 0; i < COUNT_OF(tables); i++)
            for (const struct doubt *d = tables[i]; d && d->id.len; d++)
                assert_true(d->text.len && d->text.ptr[d->text.len - 1] == '.');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_rollbacks),  cmocka_unit_test(test_hostile_text),
        cmocka_unit_test(test_quotes),     cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_split),      cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
