/* SPDX-License-Identifier: Apache-2.0 */
/* Damage: every address token of every emitted file is dropped, or widened by one address at
 * either end or by one prefix bit, one at a time. The proof must say no each time. Tokens are found
 * here in the bytes, by shape; nothing of the emitters or readers is used.
 */
#include "base/test.h"
#include "rules/random_world.h"
#include "rules/universe.h"
#include "targets/pol_lines.h"
#include "targets/prove.h"

static const struct target_header header = {
    .organisation = {"Contoso",     7 },
    .policy_source = {"policy.yaml", 11},
    .policy_sha256 = {"00",          2 },
    .workspace = {"contoso",     7 },
};

/* ---- Tokens -------------------------------------------------------------------------------------
 */

struct token {
    size_t at, len;
    struct range range;
};

static bool in_token(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.' || c == '/' ||
           c == '-';
}

static size_t count_of(str text, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == c;
    return n;
}

/* Looks like an address, a prefix or a range, and is one. */
static bool token_range(str text, struct range *out)
{
    str left, right;
    struct prefix p;
    if (count_of(text, '.') < 3 && count_of(text, ':') < 2) return false;
    if (str_cut(text, '-', &left, &right))
        return addr_parse(left, &out->first) && addr_parse(right, &out->last);
    if (!prefix_parse(text, &p)) return false;
    *out = prefix_range(p);
    return true;
}

/* The next token at or after `from`; remarks are skipped, but for the members. */
static bool find_token(str content, size_t from, struct token *out)
{
    for (size_t i = from; i < content.len;) {
        bool line_begins = i == 0 || content.ptr[i - 1] == '\n';
        str rest = str_tail(content, i);
        if (line_begins && rest.ptr[0] == '#' && !str_starts(rest, S("# member: "))) {
            while (i < content.len && content.ptr[i] != '\n')
                i++;
            i++;
            continue;
        }
        size_t n = 0;
        while (n < rest.len && in_token(rest.ptr[n]))
            n++;
        /* "::" before a letter is an operator of PowerShell. */
        bool word = n < rest.len && ((rest.ptr[n] | 32) >= 'g' && (rest.ptr[n] | 32) <= 'z');
        if (n && !word && token_range(str_head(rest, n), &out->range)) {
            out->at = i;
            out->len = n;
            return true;
        }
        i += n ? n : 1;
    }
    return false;
}

/* ---- Damage -------------------------------------------------------------------------------------
 */

enum damage { DROP, WIDEN_UP, WIDEN_DOWN, WIDEN_BIT, SHIFT, DAMAGES };

static str with_range(struct arena *arena, str content, const struct token *token, struct range r)
{
    char first[PREFIX_TEXT], last[ADDR_TEXT];
    struct arena scratch = *arena;
    str head = str_head(content, token->at), tail = str_tail(content, token->at + token->len);
    size_t n;
    struct prefix *p = prefix_set_prefixes(&scratch, (struct prefix_set){&r, 1}, &n);
    bool lone = addr_equal(r.first, r.last);
    str a = n == 1 && !lone ? prefix_text(first, p[0]) : addr_text(first, r.first);
    /* As dialects write it that have no ranges: an address, or one prefix. */
    if (n == 1) return str_format(arena, "%.*s%.*s%.*s", STR_ARG(head), STR_ARG(a), STR_ARG(tail));
    str b = addr_text(last, r.last);
    return str_format(arena, "%.*s%.*s-%.*s%.*s", STR_ARG(head), STR_ARG(a), STR_ARG(b),
                      STR_ARG(tail));
}

/* The token, its quotes and the comma of its list. */
static str without(struct arena *arena, str content, const struct token *token)
{
    size_t first = token->at, last = token->at + token->len;
    if (content.ptr[first - 1] == '=' && content.ptr[last] == '|') {
        /* A field of a rule in the registry goes with its name. */
        while (content.ptr[first - 1] != '|')
            first--;
        return str_format(arena, "%.*s%.*s", STR_ARG(str_head(content, first)),
                          STR_ARG(str_tail(content, last + 1)));
    }
    if (content.ptr[first - 1] == '\'') {
        first--;
        last++;
    }
    if (content.ptr[last] == ',') {
        last++;
    } else {
        size_t before = first;
        while (before && (content.ptr[before - 1] == ' ' || content.ptr[before - 1] == '\n'))
            before--;
        if (before && content.ptr[before - 1] == ',') first = before - 1;
    }
    str head = str_head(content, first), tail = str_tail(content, last);
    /* A member's remark goes with its token. */
    if (str_ends(head, S("# member: "))) head.len -= 10;
    return str_format(arena, "%.*s%.*s", STR_ARG(head), STR_ARG(tail));
}

/* False when there is no such damage of this token. */
static bool make_damage(struct arena *arena, str content, const struct token *token,
                        enum damage damage, str *out)
{
    struct range r = token->range;
    bool v4 = addr_is_v4(r.first);
    switch (damage) {
    case DROP:
        *out = without(arena, content, token);
        return true;
    case WIDEN_UP:
        if (addr_equal(r.last, addr_all.last) || (v4 && addr_equal(r.last, addr_all_v4.last)))
            return false;
        r.last = addr_next(r.last);
        break;
    case WIDEN_DOWN:
        if (addr_equal(r.first, addr_all.first) || (v4 && addr_equal(r.first, addr_all_v4.first)))
            return false;
        r.first = addr_previous(r.first);
        break;
    case DAMAGES:
        return false;
    case WIDEN_BIT: {
        str text = {content.ptr + token->at, token->len};
        struct prefix p = {0};
        if (!prefix_parse(text, &p) || p.len <= (v4 ? 96 : 0)) return false;
        r = prefix_range(prefix_of(p.addr, (uint8_t)(p.len - 1)));
        break;
    }
    case SHIFT:
        /* What is an address alone becomes the next one. */
        if (!addr_equal(r.first, r.last) || addr_equal(r.last, addr_all.last) ||
            (v4 && addr_equal(r.last, addr_all_v4.last)))
            return false;
        r.first = r.last = addr_next(r.last);
        break;
    }
    if (addr_is_v4(r.first) != v4 || addr_is_v4(r.last) != v4) return false;
    *out = with_range(arena, content, token, r);
    return true;
}

struct tally {
    size_t tokens, tried, caught, with_witness, remarks, worlds, refused;
};

static void tamper_file(const struct target *target, const struct bundles *bundles,
                        struct target_files files, size_t index, size_t step, struct tally *tally,
                        struct arena arena, struct arena scratch)
{
    str whole = files.items[index].content, stored = whole;
    struct token token = {0};
    bool pol = pol_lines_is(whole);
    if (pol) whole = pol_lines_of(&arena, whole);
    if (pol) assert_true(str_equal(pol_lines_pol(&arena, whole), stored));
    /* Fewer where every combination of prefixes is a line. */
    if (step > 1 && !target->hosts) step += whole.len / 400;
    for (size_t from = 0, n = 0; find_token(whole, from, &token);
         from = token.at + token.len, n++) {
        bool remark = str_ends(str_head(whole, token.at), S("# member: "));
        tally->tokens++;
        if (n % step) continue;
        for (enum damage damage = DROP; damage < DAMAGES; damage++) {
            struct arena turn = arena;
            str damaged;
            if (!make_damage(&turn, whole, &token, damage, &damaged)) continue;
            files.items[index].content = pol ? pol_lines_pol(&turn, damaged) : damaged;
            struct prove_report report =
                prove_files(target, bundles, &files, header.workspace, &turn, scratch);
            files.items[index].content = stored;
            tally->tried++;
            tally->caught += !report.equal;
            tally->with_witness += !report.equal && !report.error.len;
            tally->remarks += remark;
            if (!report.equal) continue;
            if (tally->tried - tally->caught > 3) continue;
            print_error("damage %d of \"%.*s\" at %zu of %.*s is not noticed\n", (int)damage,
                        STR_ARG(((str){whole.ptr + token.at, token.len})), token.at,
                        STR_ARG(files.items[index].path));
        }
    }
}

/* Each file is damaged in a world of its own class or border: the other files don't change. */
static void tamper_target(const struct target *target, const struct resolved *resolved, size_t step,
                          struct tally *tally, struct arena *arena, struct arena scratch)
{
    struct bundles all = bundle_make(resolved, *target->peers, header.workspace, arena, scratch);
    for (size_t i = 0; i < all.n_classes + all.n_borders; i++) {
        struct bundles one = all;
        struct target_files files = {0};
        struct err err = {0};
        bool is_class = i < all.n_classes;
        if (!is_class && !target->borders) break;
        one.n_classes = is_class;
        one.n_borders = !is_class;
        if (is_class)
            one.classes += i;
        else
            one.borders += i - all.n_classes;
        if (!target->emit(&one, &header, arena, &files, &err)) {
            /* Others of the policy may be in its reach. */
            assert_int_equal(err.kind, ERR_UNSUPPORTED);
            tally->refused++;
            continue;
        }
        struct prove_report whole =
            prove_files(target, &one, &files, header.workspace, arena, scratch);
        if (!whole.equal) fail_msg("%.*s", STR_ARG(prove_text(&whole, resolved->policy, arena)));
        for (size_t f = 0; f < files.n; f++)
            if (files.items[f].kind == TARGET_FILE_RULES || files.items[f].same_rules)
                tamper_file(target, &one, files, f, step, tally, *arena, scratch);
    }
    tally->worlds++;
}

/* Dialects that have no ranges, or no empty lists, refuse what damage makes of them when they are
 * read: there is no witness then. */
static bool reads_all_damage(const struct target *target)
{
    return str_equal(target->name, S("powershell")) || str_equal(target->name, S("nftables")) ||
           str_equal(target->name, S("gpo"));
}

static void say(const char *what, const struct target *target, const struct tally *tally)
{
    print_message(
        "%s, %.*s: %zu tokens, %zu damages, %zu caught, %zu of them with a witness, %zu in "
        "remarks of members\n",
        what, STR_ARG(target->name), tally->tokens, tally->tried, tally->caught,
        tally->with_witness, tally->remarks);
    /* All of the sample is too much for a list of 39 entries. */
    assert_true(tally->tried > 90 || (tally->refused && str_starts(target->name, S("aws-"))));
    assert_int_equal(tally->tried, tally->caught);
    /* Perimeter dialects write masks, where none of this damage reads: perimeter_test damages them
     * in their own words. */
    assert_true(tally->with_witness > 0 || !tally->tried || !target->hosts);
    if (reads_all_damage(target))
        assert_int_equal(tally->with_witness + tally->remarks, tally->tried);
}

static void test_random_worlds(void **state)
{
    enum { WORLDS = 40 };
    (void)state;
    struct arena arena = arena_open("test", 0, NULL), scratch = arena_open("scratch", 0, NULL);
    for (size_t t = 0; t < targets_n; t++) {
        struct tally tally = {0};
        for (uint64_t seed = 1; seed <= WORLDS; seed++) {
            arena_reset(&arena);
            struct random_world *world = world_make(&arena, seed, false);
            tamper_target(targets[t], &world->resolved, targets[t]->fixed_slots ? 61 : 7, &tally,
                          &arena, scratch);
        }
        say("random worlds", targets[t], &tally);
        assert_true(tally.worlds > WORLDS / 4);
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
    for (size_t t = 0; t < targets_n; t++) {
        struct policy policy;
        struct resolved resolved;
        struct diagnostics found = {0};
        struct tally tally = {0};
        str text = read_sample(&arena, SOURCE_ROOT "/samples/contoso/policy.yaml");
        assert_true(policy_parse(S("policy.yaml"), text, &arena, &policy, &found));
        assert_true(resolve_policy(&policy, NULL, 0, false, &arena, &resolved, &found));
        /* Lists of prefixes are long where there are no ranges. */
        size_t step = str_equal(targets[t]->name, S("azure-nsg")) ? 17 : 1;
        /* Of fixed slots there are some hundred to be read each time. */
        if (targets[t]->fixed_slots) step = 13;
        tamper_target(targets[t], &resolved, step, &tally, &arena, scratch);
        say("sample policy", targets[t], &tally);
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
