/* SPDX-License-Identifier: Apache-2.0 */
/* Settings beside rules: what targets write under any hardening is proved; whatever is changed,
 * left out or said twice in a line that sets something, or takes it back, is told with its file;
 * and no file of one hardening passes for one of another. Lines are found here by their shape;
 * nothing of the emitters or readers is used.
 */
#include "targets/prove_hardening.h"

#include "base/test.h"
#include "harden/baseline.h"
#include "targets/pol_lines.h"
#include "targets/prove.h"

static const struct target_header header = {
    .organisation = {"Contoso",     7 },
    .policy_source = {"policy.yaml", 11},
    .policy_sha256 = {"00",          2 },
    .workspace = {"contoso",     7 },
};

#define POLICY                                                                                     \
    "version: 1\norganisation: Contoso\ngovern: [smb]\nsegments:\n"                                \
    "  clients: {networks: [10.10.0.0/24], trust: managed}\n"                                      \
    "  servers: {networks: [10.20.0.0/28], trust: managed}\n"                                      \
    "groups:\n"                                                                                    \
    "  dcs: {hosts: [10.20.0.11], role: domain-controller}\n"                                      \
    "  prints: {hosts: [10.20.0.12], role: print-server}\n"                                        \
    "allow:\n  - {name: SYSVOL, from: managed, to: [dcs, prints], service: smb}\n"

/* ---- Worlds -------------------------------------------------------------------------------------
 */

struct world {
    const struct policy *policy;
    struct bundles bundles;
    const struct prover *prover;
};

static struct world make(str hardening, const struct target *target, struct arena *arena,
                         struct arena scratch)
{
    struct policy *policy = arena_new(arena, struct policy);
    struct resolved *resolved = arena_new(arena, struct resolved);
    struct world w = {.policy = policy};
    struct diagnostics wrong = {0};
    str text = str_format(arena, POLICY "%.*s", STR_ARG(hardening));
    if (!policy_parse(S("policy.yaml"), text, arena, policy, &wrong))
        fail_msg("%.*s", STR_ARG(wrong.items[0].text));
    assert_true(resolve_policy(policy, NULL, 0, true, arena, resolved, &wrong));
    w.bundles = harden_bundles(
        bundle_make(resolved, *target->peers, header.workspace, arena, scratch), arena);
    w.prover =
        prover_make(decision_build(resolved, NULL, arena, scratch), *target->peers, arena, scratch);
    return w;
}

/* Every row whose value can be turned, as many as a policy may have. */
static str overrides(const char *value, struct arena *arena)
{
    struct buf out = buf_in(arena);
    size_t n = 0;
    buf_str(&out, S("hardening: {baseline: smb-2026, mode: enforce, overrides: ["));
    for (size_t i = 0; i < HARDEN_ROW_COUNT && n < 64; i++) {
        const struct harden_entry *row = &baseline_rows[i];
        bool turns = value[1] == 'n' ? row->weight == HARDEN_ADVISE : row->has_off;
        if (!turns || row->weight == HARDEN_CHECK) continue;
        buf_format(&out, "%s{setting: %.*s, value: %s, reason: r}", n++ ? ", " : "",
                   STR_ARG(harden_row_text((enum harden_row)i)), value);
    }
    assert_true(n > 5);
    buf_str(&out, S("]}\n"));
    return buf_text(&out);
}

static const char *const others[] = {
    "hardening: {mode: off}\n",
    "hardening: {baseline: smb-2026, mode: audit}\n",
    "hardening: {baseline: smb-2026, mode: enforce}\n",
    "hardening: {baseline: smb-2026, mode: enforce, overrides: [\n"
    "  {setting: firewall-log-size-domain, value: 20000, reason: r},\n"
    "  {setting: firewall-log-dropped-public, value: off, reason: r},\n"
    "  {setting: smb-server-rate-limiter-delay, value: 5000, reason: r},\n"
    "  {setting: minimum-dialect, value: 2.1, reason: r}]}\n",
};
enum { WORLDS = COUNT_OF(others) + 2 };

static str hardening_of(size_t world, struct arena *arena)
{
    if (world < COUNT_OF(others)) return str_of(others[world]);
    return overrides(world == COUNT_OF(others) ? "on" : "off", arena);
}

static struct target_files emit(const struct target *target, const struct bundles *bundles,
                                struct arena *arena)
{
    struct target_files files = {0};
    struct err err = {0};
    if (!target->emit(bundles, &header, arena, &files, &err)) fail_msg("%s", err.text);
    return files;
}

/* One class alone, so that a proof costs no more than it. */
static struct bundles only(struct bundles bundles, size_t index)
{
    bundles.classes += index;
    bundles.n_classes = 1;
    return bundles;
}

/* ---- Lines that set something -------------------------------------------------------------------
 */

static const struct shape {
    const char *target, *file;
    const char *marks[6]; /* any of them stands in the line */
} shapes[] = {
    {"powershell", "/apply.ps1",              {"\n    Set-Log '"}                                           },
    {"powershell",
     "/hardening.ps1",                        {"\n    Set-Value '", "\n    Set-Configuration '", "\n    Set-ProfileLog '",
      "\n    Set-Start '", "\n    Remove-Feature '", "\n    Set-Audit '"}             },
    {"gpo",
     "/registry.pol",                         {"Profile\\Logging\t", "\nSYSTEM\\", "\nSOFTWARE\\Policies\\Microsoft\\Windows\\",
      "\nSOFTWARE\\Policies\\Microsoft\\Windows NT\\"}                                 },
    {"gpo",        "/Registry.pol.xml",       {"Profile\\Logging<", "<Key>SYSTEM\\", "Windows\\", "NT\\"}   },
    {"gpo",        "/GptTmpl.inf",            {"\nMACHINE\\", "\n\""}                                       },
    {"gpo",        "/GptTmpl.inf.xml",        {"\n<Parameter>"}                                             },
    {"gpo",        "/audit.csv",              {"\n,System,"}                                                },
    {"gpo",        "/audit.csv.xml",          {"<Value>System</Value>"}                                     },
    {"gpo",        "/rollback.ps1",           {"\nUndo-Value '", "\n# not undone by this script: "}         },
    {"mdm",        "/logging.xml",            {"\n<Add>"}                                                   },
    {"mdm",        "/hardening.xml",          {"\n<Add>"}                                                   },
    {"mdm",        "/hardening-rollback.xml", {"\n<Delete>"}                                                },
    {"mdm",        "/rollback.xml",           {"Profile/EnableLogDroppedPackets<", "Profile/LogMaxFileSize"}},
    {"reg",        "/rules.reg",              {"\n\"Log"}                                                   },
};

static const struct shape *shape_of(const struct target *target, str path)
{
    for (size_t i = 0; i < COUNT_OF(shapes); i++)
        if (str_equal(target->name, str_of(shapes[i].target)) &&
            str_ends(path, str_of(shapes[i].file)))
            return &shapes[i];
    return NULL;
}

/* The line from `at`, with the end of the one before. */
static bool sets_something(const struct shape *shape, str text, size_t at, size_t end)
{
    str line = str_head(str_tail(text, at ? at - 1 : 0), end - (at ? at - 1 : 0));
    for (size_t i = 0; i < COUNT_OF(shape->marks) && shape->marks[i]; i++)
        if (str_contains(line, str_of(shape->marks[i]))) return true;
    return false;
}

/* UTF-16 with its mark, of ASCII alone. */
static bool is_wide(str content)
{
    return str_starts(content, S("\xff\xfe"));
}

static str as_text(str content, struct arena *arena)
{
    if (pol_lines_is(content)) return pol_lines_of(arena, content);
    if (!is_wide(content)) return content;
    struct buf out = buf_in(arena);
    for (size_t i = 2; i < content.len; i += 2)
        buf_char(&out, content.ptr[i]);
    return buf_text(&out);
}

static str as_content(str text, str like, struct arena *arena)
{
    if (pol_lines_is(like)) return pol_lines_pol(arena, text);
    if (!is_wide(like)) return text;
    struct buf out = buf_in(arena);
    buf_str(&out, S("\xff\xfe"));
    for (size_t i = 0; i < text.len; i++) {
        buf_char(&out, text.ptr[i]);
        buf_char(&out, 0);
    }
    return buf_text(&out);
}

/* ---- Damage -------------------------------------------------------------------------------------
 */

struct damaging {
    const struct target *target;
    const struct world *world;
    struct bundles bundles;
    struct target_files files;
    size_t index; /* of the file */
    struct arena arena, scratch;
    size_t tried, named;         /* by their setting; else what is not of its form */
    size_t values, named_values; /* of them */
};

/* The file is told, and what is well formed with the name of the setting. */
static void is_noticed(struct damaging *d, str content, const char *what, str line)
{
    struct target_file *file = &d->files.items[d->index];
    struct arena turn = d->arena;
    str stored = file->content;
    file->content = content;
    struct prove_report report = prove_with(d->world->prover, d->target, &d->bundles, &d->files,
                                            header.workspace, &turn, d->scratch);
    file->content = stored;
    d->tried++;
    d->named += str_starts(report.error, S("setting "));
    if (report.equal || !str_equal(report.path, file->path) || !report.error.len)
        fail_msg("%.*s %.*s: %s of \"%.*s\": equal %d, %.*s: %.*s", STR_ARG(d->target->name),
                 STR_ARG(file->path), what, STR_ARG(line), report.equal, STR_ARG(report.path),
                 STR_ARG(report.error));
}

static bool is_letter(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Another one that often is as good a value. */
static char other_letter(char c)
{
    static const char pairs[] = "0110233245546776899885zyZY";
    for (size_t i = 0; pairs[i]; i += 2)
        if (pairs[i] == c) return pairs[i + 1];
    return (char)(c + 1);
}

/* The place behind a value: where its element ends, or the line. */
static bool ends_value(str text, size_t at, size_t end)
{
    static const char *const ends[] = {"</Data>",
                                       "</LocURI></Target></Item></Delete>",
                                       "</Value></Parameter>",
                                       "</Value><Value acl=",
                                       "</Value></Entry>",
                                       "</Value></Row>"};
    str rest = str_head(str_tail(text, at), end - at);
    if (str_starts(rest, S(">"))) return false;
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        if (str_starts(rest, str_of(ends[i]))) return true;
    for (size_t i = 0; i < rest.len; i++)
        if (is_letter(rest.ptr[i])) return false;
    return true;
}

/* The last letter of values, and of some other words. */
static void change_words(struct damaging *d, str text, size_t at, size_t end, size_t *count)
{
    str stored = d->files.items[d->index].content;
    for (size_t i = at; i < end; i++) {
        bool ends = is_letter(text.ptr[i]) && (i + 1 == end || !is_letter(text.ptr[i + 1]));
        if (!ends) continue;
        bool value = ends_value(text, i + 1, end);
        if ((*count)++ % 11 && !value) continue;
        struct arena turn = d->arena;
        size_t named = d->named;
        str changed = str_format(&d->arena, "%.*s%c%.*s", STR_ARG(str_head(text, i)),
                                 other_letter(text.ptr[i]), STR_ARG(str_tail(text, i + 1)));
        is_noticed(d, as_content(changed, stored, &d->arena),
                   value ? "a changed value" : "a changed word",
                   str_head(str_tail(text, at), i + 1 - at));
        d->values += value;
        d->named_values += value && d->named > named;
        d->arena = turn;
    }
}

/* Gone, or there twice. */
static void repeat_line(struct damaging *d, str text, size_t at, size_t end, unsigned times)
{
    struct arena turn = d->arena;
    str line = str_head(str_tail(text, at), end - at);
    struct buf out = buf_in(&d->arena);
    buf_str(&out, str_head(text, at));
    for (unsigned i = 0; i < times; i++)
        buf_str(&out, line);
    buf_str(&out, str_tail(text, end));
    is_noticed(d, as_content(buf_text(&out), d->files.items[d->index].content, &d->arena),
               times ? "a second one" : "nothing instead", line);
    d->arena = turn;
}

static size_t damage_file(struct damaging *d, const struct shape *shape)
{
    str text = as_text(d->files.items[d->index].content, &d->arena);
    size_t n = 0, words = 0;
    for (size_t at = 0; at < text.len;) {
        size_t end = at;
        while (end < text.len && text.ptr[end] != '\n')
            end++;
        end += end < text.len;
        if (sets_something(shape, text, at, end)) {
            change_words(d, text, at, end, &words);
            repeat_line(d, text, at, end, 0);
            repeat_line(d, text, at, end, 2);
            n++;
        }
        at = end;
    }
    return n;
}

static void test_every_damage_is_noticed(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t lines[COUNT_OF(shapes)] = {0};
    (void)state;
    for (size_t t = 0; t < targets_n; t++) {
        const struct target *target = targets[t];
        if (!target->settings) continue;
        struct damaging d = {.target = target};
        arena_reset(&arena);
        struct world w = make(hardening_of(COUNT_OF(others), &arena), target, &arena, scratch);
        /* Workstations, and a kind of servers. */
        for (size_t c = 0; c < w.bundles.n_classes; c += w.bundles.n_classes - 1) {
            d.world = &w;
            d.bundles = only(w.bundles, c);
            d.files = emit(target, &d.bundles, &arena);
            for (d.index = 0; d.index < d.files.n; d.index++) {
                const struct shape *shape = shape_of(target, d.files.items[d.index].path);
                if (!shape) continue;
                d.arena = arena;
                d.scratch = scratch;
                lines[shape - shapes] += damage_file(&d, shape);
            }
        }
        print_message("%.*s: %zu damages, %zu named by their setting; %zu of %zu values\n",
                      STR_ARG(target->name), d.tried, d.named, d.named_values, d.values);
        assert_true(d.named > 0 && d.named_values * 10 > d.values * 8);
    }
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        print_message("%s %s: %zu lines\n", shapes[i].target, shapes[i].file, lines[i]);
        assert_true(lines[i] > 2);
    }
    arena_close(&scratch);
    arena_close(&arena);
}

/* ---- Files of another hardening -----------------------------------------------------------------
 */

static const struct target_file *file_at(const struct target_files *files, str path)
{
    for (size_t i = 0; i < files->n; i++)
        if (str_equal(files->items[i].path, path)) return &files->items[i];
    return NULL;
}

/* Remarks of what the dialect cannot hold are for people. */
static bool is_for_people(str path)
{
    return str_ends(path, S("/members.txt"));
}

static bool same_machines(const struct target_file *a, const struct target_file *b)
{
    return prefix_set_equal(a->host_class->members, b->host_class->members);
}

static void test_no_file_of_another_hardening(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t n = 0, n_named = 0;
    (void)state;
    for (size_t t = 0; t < targets_n; t++) {
        const struct target *target = targets[t];
        struct world worlds[WORLDS];
        struct target_files files[WORLDS];
        if (!target->settings) continue;
        arena_reset(&arena);
        for (size_t i = 0; i < WORLDS; i++) {
            worlds[i] = make(hardening_of(i, &arena), target, &arena, scratch);
            files[i] = emit(target, &worlds[i].bundles, &arena);
            struct prove_report report = prove_with(worlds[i].prover, target, &worlds[i].bundles,
                                                    &files[i], header.workspace, &arena, scratch);
            if (!report.equal)
                fail_msg("%.*s", STR_ARG(prove_text(&report, worlds[i].policy, &arena)));
        }
        for (size_t i = 0; i < WORLDS * WORLDS; i++) {
            struct damaging d = {.target = target,
                                 .world = &worlds[i / WORLDS],
                                 .bundles = worlds[i / WORLDS].bundles,
                                 .files = files[i / WORLDS],
                                 .arena = arena,
                                 .scratch = scratch};
            for (d.index = 0; d.index < d.files.n; d.index++) {
                const struct target_file *own = &d.files.items[d.index];
                const struct target_file *other = file_at(&files[i % WORLDS], own->path);
                if (!other || str_equal(own->content, other->content)) continue;
                if (is_for_people(own->path)) continue;
                if (!same_machines(own, other)) continue;
                is_noticed(&d, other->content, "another hardening's file", own->path);
            }
            n += d.tried;
            n_named += d.named;
        }
    }
    print_message("%zu files of another hardening, %zu named by a setting\n", n, n_named);
    assert_int_equal(n, n_named);
    arena_close(&scratch);
    arena_close(&arena);
}

/* ---- Files that are gone ------------------------------------------------------------------------
 */

static void test_no_file_may_be_gone(void **state)
{
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    size_t n = 0;
    (void)state;
    for (size_t t = 0; t < targets_n; t++) {
        const struct target *target = targets[t];
        if (!target->settings) continue;
        arena_reset(&arena);
        struct world w = make(hardening_of(COUNT_OF(others), &arena), target, &arena, scratch);
        struct target_files files = emit(target, &w.bundles, &arena);
        for (size_t i = 0; i < files.n; i++) {
            struct target_files fewer = {.items = arena_array(&arena, struct target_file, files.n)};
            if (!shape_of(target, files.items[i].path)) continue;
            for (size_t k = 0; k < files.n; k++)
                if (k != i) fewer.items[fewer.n++] = files.items[k];
            assert_false(
                prove_with(w.prover, target, &w.bundles, &fewer, header.workspace, &arena, scratch)
                    .equal);
            n++;
        }
    }
    assert_true(n > 20);
    arena_close(&scratch);
    arena_close(&arena);
}

/* ---- The list of dialects -----------------------------------------------------------------------
 */

static void test_every_target_that_hardens_is_known(void **state)
{
    size_t n = 0;
    (void)state;
    for (size_t t = 0; t < targets_n; t++) {
        assert_true(targets[t]->settings || !(targets[t]->holds & TARGET_HARDENS));
        assert_true(!targets[t]->settings || prove_hardening_knows(targets[t]));
        n += targets[t]->settings != NULL;
    }
    assert_int_equal(n, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_target_that_hardens_is_known),
        cmocka_unit_test(test_no_file_of_another_hardening),
        cmocka_unit_test(test_no_file_may_be_gone),
        cmocka_unit_test(test_every_damage_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
