/* SPDX-License-Identifier: Apache-2.0 */
#include "base/instant.h"
#include "cli/audit_machines.h"
#include "cli/audit_quarter.h"
#include "cli/policy_file.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* One machine with its rows. */
struct audited {
    const struct compare_machine *machine;
    const struct compare_row *rows;
    size_t n;
    size_t count[COMPARE_COUNT];
};

struct audit {
    struct invocation *call;
    struct audit_machines machines;
    struct audited *items;
    size_t count[HARDEN_ROW_COUNT][COMPARE_COUNT]; /* machines */
    size_t n_differing;                            /* machines */
    bool all;
};

static const enum table_tone tones[COMPARE_COUNT] = {
    [COMPARE_OK] = TONE_GOOD,
    [COMPARE_DIFFERS] = TONE_BAD,
    [COMPARE_UNKNOWN] = TONE_WARN,
    [COMPARE_NOT_THERE] = TONE_DIM,
};

/* What is not known fills pages: it is counted, and listed when asked for. */
static bool is_listed(const struct audit *a, const struct compare_row *row, bool only_wrong)
{
    if (a->all) return true;
    return only_wrong ? row->verdict == COMPARE_DIFFERS : row->verdict != COMPARE_UNKNOWN;
}

static str override_text(const struct audit *a, const struct harden_override *o)
{
    return str_format(a->call->arena, "%.*s:%" PRIu32, STR_ARG(a->machines.policy_source),
                      o->place.line);
}

/* Counts all rows and keeps those that are listed: of most machines a few are known. */
static void compare_one(struct audit *a, struct audited *one, struct arena scratch)
{
    struct arena *arena = a->call->arena;
    size_t n = 0, n_kept = 0;
    const struct compare_row *rows = compare_with(&a->machines.policy, one->machine, &scratch, &n);
    for (size_t k = 0; k < n; k++) {
        one->count[rows[k].verdict]++;
        a->count[rows[k].row][rows[k].verdict]++;
        n_kept += is_listed(a, &rows[k], false);
    }
    struct compare_row *kept = arena_array(arena, struct compare_row, n_kept + 1);
    for (size_t k = 0; k < n; k++) {
        if (!is_listed(a, &rows[k], false)) continue;
        kept[one->n] = rows[k];
        kept[one->n].wanted = str_copy(arena, rows[k].wanted);
        kept[one->n].found = str_copy(arena, rows[k].found);
        kept[one->n++].how = str_copy(arena, rows[k].how);
    }
    one->rows = kept;
    a->n_differing += one->count[COMPARE_DIFFERS] > 0;
}

static void compare_all(struct audit *a)
{
    a->items = arena_array(a->call->arena, struct audited, a->machines.n + 1);
    for (size_t i = 0; i < a->machines.n; i++) {
        a->items[i].machine = &a->machines.items[i];
        compare_one(a, &a->items[i], a->call->scratch);
    }
}

/* ---- Text and CSV -------------------------------------------------------------------------------
 */

static const struct table_column machine_columns[] = {
    {T("machine"), ALIGN_LEFT, 30},
    {T("kind"),    ALIGN_LEFT, 0 },
    {T("setting"), ALIGN_LEFT, 0 },
    {T("wanted"),  ALIGN_LEFT, 20},
    {T("found"),   ALIGN_LEFT, 26},
    {T("verdict"), ALIGN_LEFT, 0 },
    {T("how"),     ALIGN_LEFT, 40},
};

static str how_text(const struct audit *a, const struct compare_row *row)
{
    if (!row->override) return row->how;
    str where = override_text(a, row->override);
    return str_format(a->call->arena, "%.*s%swanted by %.*s", STR_ARG(row->how),
                      row->how.len ? "; " : "", STR_ARG(where));
}

static struct table machine_table(const struct audit *a, bool repeat)
{
    struct table table = table_of(a->call->arena, machine_columns, COUNT_OF(machine_columns));
    for (size_t i = 0; i < a->machines.n; i++) {
        const struct audited *one = &a->items[i];
        bool first = true;
        for (size_t k = 0; k < one->n; k++) {
            const struct compare_row *row = &one->rows[k];
            if (!is_listed(a, row, !repeat)) continue;
            bool whole = repeat || first;
            first = false;
            table_add_toned(&table, whole ? one->machine->name : (str){0}, TONE_STRONG);
            table_add(&table, whole ? harden_kind_text(one->machine->is.kind) : (str){0});
            table_add(&table, harden_row_text(row->row));
            table_add(&table, row->wanted);
            table_add(&table, row->found.len || repeat ? row->found : S("-"));
            table_add_toned(&table, compare_verdict_text(row->verdict), tones[row->verdict]);
            table_add(&table, how_text(a, row));
        }
    }
    return table;
}

static const struct table_column setting_columns[] = {
    {T("setting"),   ALIGN_LEFT,  0 },
    {T("asks"),      ALIGN_LEFT,  60},
    {T("ok"),        ALIGN_RIGHT, 0 },
    {T("differs"),   ALIGN_RIGHT, 0 },
    {T("unknown"),   ALIGN_RIGHT, 0 },
    {T("not there"), ALIGN_RIGHT, 0 },
};

static bool is_told(const struct audit *a, unsigned row)
{
    const size_t *n = a->count[row];
    return n[COMPARE_OK] || n[COMPARE_DIFFERS] || (a->all && n[COMPARE_UNKNOWN]);
}

static void print_summary(const struct audit *a)
{
    struct table table = table_of(a->call->arena, setting_columns, COUNT_OF(setting_columns));
    size_t n_untold = 0;
    for (unsigned i = 0; i < HARDEN_ROW_COUNT; i++) {
        n_untold += !is_told(a, i) && a->count[i][COMPARE_UNKNOWN];
        if (!is_told(a, i)) continue;
        table_add(&table, harden_row_text((enum harden_row)i));
        table_add(&table, baseline_rows[i].change.asks);
        for (unsigned v = 0; v < COMPARE_COUNT; v++) {
            str text = str_format(a->call->arena, "%zu", a->count[i][v]);
            table_add_toned(&table, text, a->count[i][v] ? tones[v] : TONE_DIM);
        }
    }
    if (table.n_cells) {
        table_print_text(&table, a->call->out, a->call->colour);
        buf_char(a->call->out, '\n');
    }
    if (n_untold)
        buf_format(
            a->call->out,
            "%zu more settings of which nothing tells: run the script of \"sallyport collect "
            "--script\" and give its files to --collected\n",
            n_untold);
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void print_text(const struct audit *a)
{
    struct buf *out = a->call->out;
    struct table table = machine_table(a, false);
    if (table.n_cells) {
        table_print_text(&table, out, a->call->colour);
        buf_char(out, '\n');
    }
    print_summary(a);
    str told = str_format(a->call->arena, "machines that differ from the baseline: %zu of %zu",
                          a->n_differing, a->machines.n);
    table_tone(out, told, a->n_differing ? TONE_BAD : TONE_GOOD, a->call->colour);
    buf_char(out, '\n');
    if (a->machines.n_silent)
        buf_format(out,
                   "%zu more machine%s that the policy manages: nothing tells of their settings\n",
                   a->machines.n_silent, plural(a->machines.n_silent));
}

/* Those that hold no more: what they excused differs again. */
static void say_expired(const struct audit *a)
{
    const struct policy *policy = &a->machines.policy;
    uint64_t living = hardening_living(policy, a->call->as_of_us);
    for (size_t i = 0; i < policy->n_overrides; i++) {
        const struct harden_override *o = &policy->overrides[i];
        if (living >> i & 1) continue;
        str line = str_format(a->call->arena, "%.*s: this override expired %.*s and holds no more",
                              STR_ARG(override_text(a, o)), STR_ARG(o->expires));
        table_tone(a->call->talk, line, TONE_WARN, a->call->talk_colour);
        buf_char(a->call->talk, '\n');
    }
}

/* ---- JSON ---------------------------------------------------------------------------------------
 */

static void print_override(struct json *json, const struct audit *a,
                           const struct harden_override *o)
{
    json_key(json, S("override"));
    if (!o) {
        json_null(json);
        return;
    }
    json_object(json);
    json_member_str(json, S("where"), override_text(a, o));
    json_member_str(json, S("value"), o->value);
    json_member_str(json, S("reason"), o->reason);
    json_member_str_or_null(json, S("expires"), o->expires);
    json_object_end(json);
}

static void print_counts(struct json *json, const size_t *count)
{
    static const str keys[COMPARE_COUNT] = {T("ok"), T("differs"), T("unknown"), T("not_there")};
    for (unsigned v = 0; v < COMPARE_COUNT; v++)
        json_member_u64(json, keys[v], count[v]);
}

static void print_machine(struct json *json, const struct audit *a, const struct audited *one)
{
    json_object(json);
    json_member_str(json, S("machine"), one->machine->name);
    json_member_str(json, S("kind"), harden_kind_text(one->machine->is.kind));
    json_member_str_or_null(json, S("collected"),
                            one->machine->collected ? one->machine->collected->source : (str){0});
    print_counts(json, one->count);
    json_key(json, S("settings"));
    json_array(json);
    for (size_t k = 0; k < one->n; k++) {
        const struct compare_row *row = &one->rows[k];
        if (!is_listed(a, row, false)) continue;
        json_object(json);
        json_member_str(json, S("setting"), harden_row_text(row->row));
        json_member_str(json, S("wanted"), row->wanted);
        json_member_str_or_null(json, S("found"), row->found);
        json_member_str_or_null(json, S("how"), row->how);
        json_member_str(json, S("verdict"), compare_verdict_text(row->verdict));
        print_override(json, a, row->override);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

static void print_json(const struct audit *a)
{
    struct json json = json_to(a->call->out);
    json_object(&json);
    json_member_str(&json, S("baseline"), S("smb-2026"));
    json_key(&json, S("machines"));
    json_array(&json);
    for (size_t i = 0; i < a->machines.n; i++)
        print_machine(&json, a, &a->items[i]);
    json_array_end(&json);
    json_key(&json, S("settings"));
    json_array(&json);
    for (unsigned i = 0; i < HARDEN_ROW_COUNT; i++) {
        if (!is_told(a, i) && !a->count[i][COMPARE_UNKNOWN]) continue;
        json_object(&json);
        json_member_str(&json, S("setting"), harden_row_text((enum harden_row)i));
        json_member_str(&json, S("asks"), baseline_rows[i].change.asks);
        print_counts(&json, a->count[i]);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_member_u64(&json, S("differing"), a->n_differing);
    json_member_u64(&json, S("silent"), a->machines.n_silent);
    json_object_end(&json);
    buf_char(a->call->out, '\n');
}

/* ---- The table itself ---------------------------------------------------------------------------
 */

static const str weights[] = {
    [HARDEN_SET] = T("set"), [HARDEN_ADVISE] = T("advice"), [HARDEN_CHECK] = T("check")};

static str value_text(const struct harden_change *c, struct arena *arena)
{
    if (c->service.len)
        return str_format(arena, "%.*s: start type %" PRIu32, STR_ARG(c->service),
                          c->service_start);
    if (c->feature.len)
        return str_format(arena, "remove %.*s (on servers %.*s)", STR_ARG(c->feature),
                          STR_ARG(c->server_feature));
    if (c->audit_guid.len)
        return c->audit_setting == 3   ? S("success and failure")
               : c->audit_setting == 2 ? S("failure")
                                       : S("success");
    if (!c->key.len && !c->set_cmdlet.len) return S("by hand");
    if (c->type == HARDEN_DWORD) return str_format(arena, "%" PRIu32, c->number);
    return c->text.len ? c->text : S("empty");
}

static str kinds_text(const struct harden_entry *row, struct arena *arena)
{
    struct buf out = buf_in(arena);
    if (row->kinds == (1u << HARDEN_KIND_COUNT) - 1) return S("all");
    for (unsigned k = 0; k < HARDEN_KIND_COUNT; k++) {
        if (!(row->kinds >> k & 1)) continue;
        if (out.len) buf_char(&out, ' ');
        buf_str(&out, harden_kind_text((enum harden_kind)k));
    }
    return buf_text(&out);
}

static void print_row(struct json *json, unsigned at, struct arena *arena)
{
    const struct harden_entry *row = &baseline_rows[at];
    const struct harden_change *c = &row->change;
    static const str types[] = {
        [HARDEN_DWORD] = T("REG_DWORD"),
        [HARDEN_STRING] = T("REG_SZ"),
        [HARDEN_STRINGS] = T("REG_MULTI_SZ"),
    };
    json_object(json);
    json_member_str(json, S("setting"), harden_row_text((enum harden_row)at));
    json_member_str_or_null(json, S("judged_as"),
                            row->belongs ? harden_id_text(row->setting) : (str){0});
    json_member_str(json, S("asks"), c->asks);
    json_member_str(json, S("weight"), weights[row->weight]);
    json_member_bool(json, S("in_audit_mode"), row->tells);
    json_member_str(json, S("kinds"), kinds_text(row, arena));
    json_member_str(json, S("value"), value_text(c, arena));
    json_member_str_or_null(json, S("key"), c->key);
    json_member_str_or_null(json, S("name"), c->value);
    json_member_str_or_null(json, S("type"), c->key.len ? types[c->type] : (str){0});
    json_member_bool(json, S("tattoos"), c->tattoos);
    json_member_str_or_null(json, S("gpo"), c->gpo_name);
    json_member_str_or_null(json, S("cmdlet"), c->set_cmdlet);
    json_member_str_or_null(json, S("parameter"), c->parameter);
    json_member_str_or_null(json, S("mdm"), c->mdm_path);
    json_member_str_or_null(json, S("audit_guid"), c->audit_guid);
    json_member_str(json, S("versions"), c->versions);
    json_key(json, S("defaults"));
    json_object(json);
    for (unsigned w = 0; w < HARDEN_WINDOWS_COUNT; w++)
        json_member_str_or_null(json, harden_windows_text((enum harden_windows)w),
                                row->defaults[w]);
    json_object_end(json);
    json_member_str(json, S("why"), c->why);
    json_member_str(json, S("breaks"), c->breaks);
    json_member_str_or_null(json, S("before_enforcing"), c->before_enforcing);
    json_member_str(json, S("source"), c->source);
    json_object_end(json);
}

static const struct table_column row_columns[] = {
    {T("setting"),    ALIGN_LEFT, 0 },
    {T("asks"),       ALIGN_LEFT, 60},
    {T("value"),      ALIGN_LEFT, 34},
    {T("machines"),   ALIGN_LEFT, 40},
    {T("weight"),     ALIGN_LEFT, 0 },
    {T("mode audit"), ALIGN_LEFT, 0 },
    {T("before"),     ALIGN_LEFT, 40},
};

static void print_baseline(struct invocation *call, enum harden_kind kind)
{
    struct table table = table_of(call->arena, row_columns, COUNT_OF(row_columns));
    struct json json = json_to(call->out);
    bool as_json = call->format == FORMAT_JSON;
    if (as_json) {
        json_object(&json);
        json_member_str(&json, S("baseline"), S("smb-2026"));
        json_key(&json, S("settings"));
        json_array(&json);
    }
    for (unsigned i = 0; i < HARDEN_ROW_COUNT; i++) {
        const struct harden_entry *row = &baseline_rows[i];
        if (kind != HARDEN_KIND_COUNT && !(row->kinds >> kind & 1)) continue;
        if (as_json) {
            print_row(&json, i, call->arena);
            continue;
        }
        table_add_toned(&table, harden_row_text((enum harden_row)i), TONE_STRONG);
        table_add(&table, row->change.asks);
        table_add(&table, value_text(&row->change, call->arena));
        table_add(&table, kinds_text(row, call->arena));
        table_add_toned(&table, weights[row->weight],
                        row->weight == HARDEN_SET ? TONE_PLAIN : TONE_DIM);
        table_add(&table, row->tells && row->weight == HARDEN_SET ? S("set") : S("-"));
        table_add(&table, row->change.before_enforcing);
    }
    if (as_json) {
        json_array_end(&json);
        json_object_end(&json);
        buf_char(call->out, '\n');
    } else if (call->format == FORMAT_CSV)
        table_print_csv(&table, call->out);
    else
        table_print_text(&table, call->out, call->colour);
}

/* ---- The command --------------------------------------------------------------------------------
 */

static enum harden_kind kind_asked(const struct invocation *call)
{
    if (!option_given(call, S("kind"))) return HARDEN_KIND_COUNT;
    str word = option_text(call, S("kind"));
    unsigned kind = 0;
    while (kind < HARDEN_KIND_COUNT && !str_equal(word, harden_kind_text((enum harden_kind)kind)))
        kind++;
    return (enum harden_kind)kind;
}

static int run(struct invocation *call)
{
    struct audit a = {.call = call, .all = option_flag(call, S("all"))};
    int status = EXIT_FINE;
    enum harden_kind kind = kind_asked(call);
    if (option_flag(call, S("quarterly"))) return audit_quarter_run(call);
    if (option_flag(call, S("baseline"))) {
        print_baseline(call, kind);
        return EXIT_FINE;
    }
    if (!audit_machines_load(call, kind, &a.machines, &status)) return status;
    compare_all(&a);
    say_expired(&a);
    if (call->format == FORMAT_JSON)
        print_json(&a);
    else if (call->format == FORMAT_CSV) {
        struct table table = machine_table(&a, true);
        table_print_csv(&table, call->out);
    } else
        print_text(&a);
    return a.n_differing ? EXIT_NO : EXIT_FINE;
}

static const struct option options[] = {
    POLICY_FILE_OPTION,
    {.name = T("collected"),
      .type = OPTION_TEXT,
      .many = true,
      .value = T("FILE"),
      .help = T("what the collector's script found on a machine, or a Registry.pol")},
    {.name = T("kind"),
      .type = OPTION_CHOICE,
      .value = T("KIND"),
      .choices = T("workstation|member-server|file-server|domain-controller|print-server"),
      .help = T("of machines that no policy places; with --baseline, only their rows")},
    {.name = T("all"),
      .type = OPTION_FLAG,
      .help = T("also what is as it should be, and what is not known")},
    {.name = T("baseline"),
      .type = OPTION_FLAG,
      .help = T("print the baseline itself: every setting, for whom, how it is set")                                                                                },
    {.name = T("quarterly"),
      .type = OPTION_FLAG,
      .help = T("the quarter's audit: baseline, assertions, exceptions, reviews, drift and ledger, "
               "against the last quarter's")                                                             },
    {.name = T("output"),
      .letter = 'o',
      .type = OPTION_TEXT,
      .value = T("FILE"),
      .help = T("with --quarterly: a page to print or to send, too")},
    {.name = T("state"),
      .type = OPTION_TEXT,
      .many = true,
      .value = T("[NAME=]FILE"),
      .help = T(
         "with --quarterly: what a machine or border has, as drift takes it; may be given again")},
    {.name = T("brand"),
      .type = OPTION_TEXT,
      .value = T("FILE"),
      .help = T("with --quarterly: name, logo and colours of who sends the page")},
};

static const struct example examples[] = {
    {T("sallyport audit --quarterly -o audit.html"),
     T("The quarter's audit, as text and as a page.")                                                                },
    {T("sallyport audit"),                                             T("What evidence shows against the baseline.")},
    {T("sallyport audit --baseline --kind file-server"),
     T("What the baseline is for a file server.")                                                                    },
    {T("sallyport audit --collected FS01.json --collected DC01.json"),
     T("What scripts found on two machines, with all that evidence shows.")                                          },
};

const struct command audit_command = {
    .name = T("audit"),
    .summary = T("Compare the hardening baseline with what is known of each machine"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T(
        "Known is what flows and scans in the workspace showed (dialects, signing, guests, "
        "NTLMv1), "
        "and what the script of \"sallyport collect --script\" found on the machine. What nothing "
        "tells is unknown, never guessed. A machine's kind comes from the roles of its groups in "
        "the "
        "policy; who may be reached by SMB is a member server, the others are workstations. The "
        "overrides of the policy count. The exit status is 1 when something differs.\n\n"
        "With --quarterly it also says what no evidence covers, what is proved of the policy, how "
        "exceptions and their reviews stand, what drifted (--state), and whether the ledger "
        "verifies; all figures beside those of the last audit of an earlier quarter, which the "
        "ledger keeps. The exit status is then 1 when anything of it is not in order."),
    .run = run,
};
