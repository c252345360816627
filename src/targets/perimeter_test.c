/* SPDX-License-Identifier: Apache-2.0 */
/* Damage to the files of perimeter firewalls in their own words: statements that are dropped, said
 * twice or exchanged, words and numbers that are changed, masks and prefixes made longer or
 * shorter. Whatever changes what a file says must be refused, by its reader or by the proof; what
 * is left must mean the same, statement by statement.
 */
#include "base/test.h"
#include "policy/policy.h"
#include "rules/random_world.h"
#include "targets/prove.h"

static const struct target_header header = {
    .organisation = {"Contoso",     7 },
    .policy_source = {"policy.yaml", 11},
    .policy_sha256 = {"00",          2 },
    .workspace = {"contoso",     7 },
};

static const char *const names[] = {"cisco-ios", "cisco-asa", "juniper-srx"};

/* Words and what they become; each occurrence in a statement is tried. */
static const struct {
    const char *old_text, *new_text;
} changes[] = {
    {"permit ",              "deny "               },
    {"deny ",                "permit "             },
    {"permit\n",             "deny\n"              },
    {"deny\n",               "permit\n"            },
    {" tcp",                 " udp"                },
    {" udp",                 " tcp"                },
    {" eq 445",              " eq 444"             },
    {" eq 139",              " range 139 140"      },
    {" log",                 ""                    },
    {"0.0.0.255",            "0.0.0.127"           },
    {"0.0.0.255",            "0.0.1.255"           },
    {"255.255.255.0",        "255.255.255.128"     },
    {"255.255.255.0",        "255.255.254.0"       },
    {"/24",                  "/25"                 },
    {"/64",                  "/65"                 },
    {"/64",                  "/63"                 },
    {"/32\n",                "/31\n"               },
    {"host ",                ""                    },
    {" any ",                " host 10.9.9.9 "     },
    {"-OUT ",                "-IN "                },
    {"-out-",                "-in-"                },
    {"destination-port 445", "destination-port 446"},
    {"source-address",       "destination-address" },
    {"extended",             "standard"            },
    {"object-group",         "object"              },
    {"range-address ",       ""                    },
    {".255\n",               ".254\n"              },
    {"established",          ""                    },
};

struct tally {
    size_t tried, caught, same;
};

struct sample {
    const struct target *target;
    const struct bundles *bundles;
    struct target_files files;
    size_t index; /* of the file that is damaged */
    str whole;
    struct ruleset rules;
    struct tally tally;
};

static bool is_remark(str line)
{
    return !line.len || line.ptr[0] == '!' || line.ptr[0] == '#' ||
           str_contains(line, S(" remark ")) || str_contains(line, S(" description "));
}

static bool same_rule(const struct rule *a, const struct rule *b)
{
    if (a->direction != b->direction || a->action != b->action || a->transport != b->transport ||
        a->n_ports != b->n_ports || a->logs != b->logs || !str_equal(a->group, b->group))
        return false;
    for (size_t i = 0; i < a->n_ports; i++) {
        bool found = false;
        for (size_t k = 0; k < b->n_ports; k++)
            found = found || (a->ports[i].first == b->ports[k].first &&
                              a->ports[i].last == b->ports[k].last);
        if (!found) return false;
    }
    return prefix_set_equal(a->local, b->local) && prefix_set_equal(a->remote, b->remote);
}

/* In any order: permits of a list share nothing, and nor do denies. */
static bool same_rules(struct ruleset a, struct ruleset b)
{
    for (size_t i = 0; i < a.n && a.n == b.n; i++) {
        bool found = false;
        for (size_t k = 0; k < b.n; k++)
            found = found || same_rule(&a.rules[i], &b.rules[k]);
        if (!found) return false;
    }
    return a.n == b.n;
}

static void try_damage(struct sample *s, str damaged, const char *what, str line,
                       struct arena arena, struct arena scratch)
{
    struct target_file *file = &s->files.items[s->index];
    struct ruleset read = {0};
    struct err err = {0};
    if (str_equal(damaged, s->whole)) return;
    file->content = damaged;
    struct prove_report report =
        prove_files(s->target, s->bundles, &s->files, header.workspace, &arena, scratch);
    file->content = s->whole;
    s->tally.tried++;
    s->tally.caught += !report.equal;
    if (!report.equal) return;
    if (s->target->read(file->path, str_bytes(damaged), &arena, &read, &err) &&
        same_rules(read, s->rules)) {
        s->tally.same++;
        return;
    }
    fail_msg("%.*s, %.*s: %s \"%.*s\" is not noticed", STR_ARG(s->target->name),
             STR_ARG(file->path), what, STR_ARG(line));
}

static str joined(struct arena *arena, str a, str b, str c, str d)
{
    return str_format(arena, "%.*s%.*s%.*s%.*s", STR_ARG(a), STR_ARG(b), STR_ARG(c), STR_ARG(d));
}

/* One statement, from `at`. */
static void damage_line(struct sample *s, size_t at, str line, struct arena arena,
                        struct arena scratch)
{
    str head = str_head(s->whole, at), tail = str_tail(s->whole, at + line.len), none = {0}, next;
    (void)str_cut(tail, '\n', &next, &none);
    next.len += next.len < tail.len;
    try_damage(s, joined(&arena, head, tail, (str){0}, (str){0}), "without", line, arena, scratch);
    try_damage(s, joined(&arena, head, line, line, tail), "twice", line, arena, scratch);
    try_damage(s, joined(&arena, head, next, line, str_tail(tail, next.len)), "after the next",
               line, arena, scratch);
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        str old = str_of(changes[i].old_text);
        for (size_t k = 0; k + old.len <= line.len; k++) {
            if (!str_equal(str_head(str_tail(line, k), old.len), old)) continue;
            str changed = joined(&arena, str_head(line, k), str_of(changes[i].new_text),
                                 str_tail(line, k + old.len), (str){0});
            try_damage(s, joined(&arena, head, changed, tail, (str){0}), changes[i].new_text, line,
                       arena, scratch);
        }
    }
}

/* Every step-th statement. */
static void damage_file(struct sample *s, size_t step, struct arena arena, struct arena scratch)
{
    size_t n = 0;
    for (size_t at = 0; at < s->whole.len;) {
        str line, rest;
        (void)str_cut(str_tail(s->whole, at), '\n', &line, &rest);
        line.len += at + line.len < s->whole.len;
        if (!is_remark(line) && n++ % step == 0) damage_line(s, at, line, arena, scratch);
        at += line.len;
    }
}

static void damage_world(const struct target *target, const struct resolved *resolved, size_t step,
                         struct tally *tally, struct arena *arena, struct arena scratch)
{
    struct bundles bundles =
        bundle_make(resolved, *target->peers, header.workspace, arena, scratch);
    struct sample s = {.target = target, .bundles = &bundles};
    struct err err = {0};
    assert_true(target->emit(&bundles, &header, arena, &s.files, &err));
    struct prove_report whole =
        prove_files(target, &bundles, &s.files, header.workspace, arena, scratch);
    if (!whole.equal) fail_msg("%.*s", STR_ARG(prove_text(&whole, resolved->policy, arena)));
    for (s.index = 0; s.index < s.files.n; s.index++) {
        struct target_file *file = &s.files.items[s.index];
        s.whole = file->content;
        s.rules = (struct ruleset){0};
        if (file->kind == TARGET_FILE_RULES)
            assert_true(target->read(file->path, str_bytes(s.whole), arena, &s.rules, &err));
        damage_file(&s, step + s.whole.len / (4000 / step + 1), *arena, scratch);
    }
    tally->tried += s.tally.tried;
    tally->caught += s.tally.caught;
    tally->same += s.tally.same;
}

static void test_random_worlds(void **state)
{
    enum { WORLDS = 12 };
    (void)state;
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    for (size_t t = 0; t < COUNT_OF(names); t++) {
        const struct target *target = target_by_name(str_of(names[t]));
        struct tally tally = {0};
        for (uint64_t seed = 1; seed <= WORLDS; seed++) {
            arena_reset(&arena);
            struct random_world *world = world_make(&arena, seed, false);
            damage_world(target, &world->resolved, 20, &tally, &arena, scratch);
        }
        print_message("%s: %zu damages, %zu refused, %zu of no meaning\n", names[t], tally.tried,
                      tally.caught, tally.same);
        assert_true(tally.tried > 100);
    }
    arena_close(&arena);
    arena_close(&scratch);
}

static str read_sample(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "rb");
    struct buf text = buf_in(arena);
    char piece[4096];
    assert_non_null(file);
    for (size_t n; (n = fread(piece, 1, sizeof piece, file)) > 0;)
        buf_str(&text, (str){piece, n});
    fclose(file);
    return buf_text(&text);
}

static void test_sample_policy(void **state)
{
    (void)state;
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    for (size_t t = 0; t < COUNT_OF(names); t++) {
        const struct target *target = target_by_name(str_of(names[t]));
        struct policy policy;
        struct resolved resolved;
        struct diagnostics found = {0};
        struct tally tally = {0};
        str text = read_sample(&arena, SOURCE_ROOT "/samples/contoso/policy.yaml");
        assert_true(policy_parse(S("policy.yaml"), text, &arena, &policy, &found));
        assert_true(resolve_policy(&policy, NULL, 0, false, &arena, &resolved, &found));
        damage_world(target, &resolved, 1, &tally, &arena, scratch);
        print_message("%s: %zu damages, %zu refused, %zu of no meaning\n", names[t], tally.tried,
                      tally.caught, tally.same);
        assert_true(tally.tried > 400);
    }
    arena_close(&arena);
    arena_close(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample_policy),
        cmocka_unit_test(test_random_worlds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
