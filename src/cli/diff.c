/* SPDX-License-Identifier: Apache-2.0 */
/* What one policy, folder or exported ruleset allows that another does not. Each side is recognised
 * by what it is: a folder that compile wrote, a firewall file that some target reads, else a
 * policy.
 */
#include "base/instant.h"
#include "cli/command.h"
#include "cli/difference.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* ---- Text ---------------------------------------------------------------------------------------
 */

static bool same_text(const struct comparing *c)
{
    const struct comparing_side *a = &c->sides[0], *b = &c->sides[1];
    if (a->kind != COMPARED_POLICY || b->kind != COMPARED_POLICY) return false;
    return str_equal(a->file->policy.text, b->file->policy.text);
}

static bool is_equal(const struct comparing *c)
{
    for (size_t i = 0; i < c->n_parts; i++)
        if (c->parts[i].diff.n) return false;
    return true;
}

static str side_text_of(struct comparing *c, const struct comparing_side *side)
{
    bool dated = c->sides[0].as_of_us != c->sides[1].as_of_us;
    if (side->kind != COMPARED_POLICY || !dated) return side->path;
    char instant[INSTANT_TEXT];
    return str_format(c->call->arena, "%.*s as of %.*s", STR_ARG(side->path),
                      STR_ARG(instant_text(instant, side->as_of_us)));
}

static void print_text(struct comparing *c)
{
    struct invocation *call = c->call;
    bool all = option_flag(call, S("all"));
    buf_format(call->out, "%.*s -> %.*s\n\n", STR_ARG(side_text_of(c, &c->sides[0])),
               STR_ARG(side_text_of(c, &c->sides[1])));
    for (size_t i = 0; i < c->n_parts; i++) {
        const struct comparing_part *part = &c->parts[i];
        bool told = false;
        for (unsigned p = 0; p < ENFORCEMENT_POINT_COUNT; p++) {
            /* Where flows change, the sides that make them change only repeat it. */
            if (told && !all && comparing_of_policies(part)) continue;
            difference_print(call, part, (enum enforcement_point)p);
            told =
                told || (p == ENFORCEMENT_PATH && difference_any_at(&part->diff, ENFORCEMENT_PATH));
        }
        if (part->diff.n && comparing_of_policies(part) && !told)
            buf_str(call->out, S("no flow passes or stops passing by this\n"));
    }
    if (!is_equal(c)) return;
    bool same = same_text(c), policies = c->n_parts && comparing_of_policies(&c->parts[0]);
    table_tone(call->out, S("equal in meaning"), TONE_GOOD, call->colour);
    if (policies)
        buf_str(call->out, same ? S(": the text is the same") : S(": only the text differs"));
    buf_str(call->out, S("\n"));
}

/* ---- JSON ---------------------------------------------------------------------------------------
 */

static void print_side(struct json *json, struct comparing *c, str key,
                       const struct comparing_side *side)
{
    static const char *const kinds[] = {"policy", "folder", "file"};
    json_key(json, key);
    json_object(json);
    json_member_str(json, S("kind"), str_of(kinds[side->kind]));
    json_member_str(json, S("source"), side->path);
    json_key(json, S("as_of"));
    if (side->kind == COMPARED_POLICY)
        json_instant(json, side->as_of_us);
    else if (side->kind == COMPARED_FOLDER && side->folder.as_of.len)
        json_str(json, side->folder.as_of);
    else
        json_null(json);
    if (side->kind == COMPARED_POLICY) {
        str hash = sha256_hex(c->call->arena, &side->file->policy.digest);
        json_member_str(json, S("policy_sha256"), hash);
    } else {
        json_member_str_or_null(json, S("policy_sha256"), side->folder.policy_sha256);
    }
    json_object_end(json);
}

static void print_json(struct comparing *c)
{
    struct json json = json_to(c->call->out);
    json_object(&json);
    print_side(&json, c, S("before"), &c->sides[0]);
    print_side(&json, c, S("after"), &c->sides[1]);
    json_member_bool(&json, S("equal"), is_equal(c));
    json_member_bool(&json, S("same_text"), same_text(c));
    json_key(&json, S("differences"));
    json_array(&json);
    for (size_t i = 0; i < c->n_parts; i++)
        for (size_t j = 0; j < c->parts[i].diff.n; j++)
            difference_json(&json, c->call, &c->parts[i], &c->parts[i].diff.regions[j]);
    json_array_end(&json);
    json_object_end(&json);
    buf_char(c->call->out, '\n');
}

/* ---- The command --------------------------------------------------------------------------------
 */

static void date_side(struct invocation *call, struct comparing_side *side, str option)
{
    struct civil date;
    bool given = option_given(call, option);
    side->as_of_us = given ? option_instant(call, option) : call->as_of_us;
    side->as_of_is_date =
        given ? instant_parse_date(option_text(call, option), &date) : call->as_of_is_date;
}

/* One argument is compared with the workspace's policy, or with itself at another time. */
static bool name_sides(struct comparing *c, struct err *err)
{
    struct invocation *call = c->call;
    bool dated = option_given(call, S("before")) || option_given(call, S("after"));
    struct comparing_side *a = &c->sides[0], *b = &c->sides[1];
    date_side(call, a, S("before"));
    date_side(call, b, S("after"));
    if (call->n_arguments == 2) {
        a->path = call->arguments[0];
        b->path = call->arguments[1];
    } else if (call->n_arguments == 1) {
        b->path = call->arguments[0];
        if (dated) a->path = b->path;
    } else if (!dated) {
        return err_set(err, ERR_USAGE,
                       "expected what to compare: A and B, or B with the "
                       "workspace's policy, or --before and --after");
    }
    return true;
}

static int run(struct invocation *call)
{
    struct err err = {0};
    struct comparing *c = arena_new(call->arena, struct comparing);
    int status = EXIT_FAILED;
    c->call = call;
    if (!name_sides(c, &err)) return command_fail(call, &err);
    for (size_t i = 0; i < COUNT_OF(c->sides); i++)
        if (!comparing_read(call, &c->sides[i], &status)) return status;
    if (c->sides[0].kind == COMPARED_FILE && c->sides[1].kind == COMPARED_FILE) {
        (void)err_set(&err, ERR_USAGE, "expected a policy or a folder on one side at least");
        return command_fail(call, &err);
    }
    if (!comparing_all(c, &err)) return command_fail(call, &err);
    if (call->format == FORMAT_JSON)
        print_json(c);
    else if (call->format == FORMAT_CSV)
        difference_csv(call, c->parts, c->n_parts);
    else
        print_text(c);
    return is_equal(c) ? EXIT_FINE : EXIT_NO;
}

static const struct option options[] = {
    POLICY_FILE_OPTION,
    {.name = T("before"),
      .type = OPTION_INSTANT,
      .value = T("WHEN"),
      .help = T("the first side as of this time instead of --as-of")},
    {.name = T("after"),
      .type = OPTION_INSTANT,
      .value = T("WHEN"),
      .help = T("the second side as of this time instead of --as-of")},
    {.name = T("host"),
      .type = OPTION_TEXT,
      .value = T("ADDRESS"),
      .help = T("whose rules an exported file holds: an address or prefix")},
    {.name = T("border"),
      .type = OPTION_TEXT,
      .value = T("NAME"),
      .help = T("which enforced border an exported file is of")},
    {.name = T("all"),
      .type = OPTION_FLAG,
      .help = T("also what changes at each side where flows change by it")                          },
};

static const struct example examples[] = {
    {T("sallyport diff new.yaml"),
     T("What would this policy open and close, against the workspace's?")                                                   },
    {T("sallyport diff policy.yaml out"),                               T("Does the folder still say what the policy says?")},
    {T("sallyport diff --before 2026-11-01 --after 2026-12-01"),
     T("What ends or begins by itself in November?")                                                                        },
    {T("sallyport diff policy.yaml live.nft --host 10.20.0.21 --json"),
     T("One machine's exported rules against the policy")                                                                   },
};

const struct command diff_command = {
    .name = T("diff"),
    .summary = T("Say what one policy or firewall file allows that another does not"),
    .arguments = T("[A] [B]"),
    .most_arguments = 2,
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details =
        T("Each side is a policy, a folder that `compile` wrote, or one exported firewall file. "
          "Every "
          "address, port and\nprofile is compared, seen or not; each difference is an exact set of "
          "clients and servers with its smallest pair.\nOpened passes in B only, closed is blocked "
          "in "
          "B only, undecided is decided in A and left to whatever else\nthe machine has in B.\n\n"
          "Exit status: 0 equal in meaning; 1 different; 2 a side can't be read."),
    .run = run,
};
