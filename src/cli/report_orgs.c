/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report_orgs.h"

#include "base/instant.h"
#include "cli/acting.h"
#include "cli/report_gather.h"
#include "ledger/ledger_verify.h"

/* ---- Finding ------------------------------------------------------------------------------------
 */

struct finding {
    struct invocation *call;
    str *paths;
    size_t n, room;
    bool failed;
};

static void walk(struct finding *f, str folder, unsigned depth)
{
    struct os *os = f->call->os;
    struct err err = {0};
    str *names = NULL;
    size_t n = 0;
    str database = os_join(f->call->arena, folder, S("sallyport.db"));
    if (os->kind(os->self, database) == OS_FILE) {
        arena_grow(f->call->arena, f->paths, f->n, f->room);
        f->paths[f->n++] = folder;
        return; /* a workspace holds no others */
    }
    if (!depth) return;
    if (!os->list(os->self, folder, f->call->arena, &names, &n, &err)) {
        (void)command_fail(f->call, &err);
        f->failed = true;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        str path = os_join(f->call->arena, folder, names[i]);
        if (os->kind(os->self, path) == OS_DIRECTORY && !os->is_link(os->self, path))
            walk(f, path, depth - 1);
    }
}

bool report_orgs_find(struct invocation *call, str folder, const str **out, size_t *n)
{
    struct finding finding = {.call = call};
    struct err err = {0};
    walk(&finding, folder, LIMIT_FOLDER_DEPTH);
    *out = finding.paths;
    *n = finding.n;
    if (finding.n || finding.failed) return finding.n > 0;
    err_set(&err, ERR_NOT_FOUND, "no workspace (a folder with sallyport.db) below %.*s",
            STR_ARG(folder));
    (void)command_fail(call, &err);
    return false;
}

struct invocation report_orgs_call(const struct invocation *call, str workspace,
                                   struct arena *arena, struct buf *talk)
{
    struct invocation one = *call;
    one.workspace = workspace;
    one.arena = arena;
    one.talk = talk;
    one.talk_colour = one.progress = false;
    return one;
}

/* ---- One organisation ---------------------------------------------------------------------------
 */

struct org_row {
    str workspace, name, trouble; /* trouble: why it can't be told; empty = it can */
    char grade;
    uint32_t score;
    struct figures figures;
    str ledger; /* "verified", "none", what is wrong */
    bool bad;
};

static str verify(struct invocation *call, bool *bad)
{
    struct ledger *ledger = NULL;
    struct err err = {0};
    struct ledger_question question = {0};
    struct ledger_verdict verdict = {0};
    if (!ledger_exists(call->os, call->workspace, call->arena)) return S("none");
    *bad = true;
    if (!acting_ledger(call, LEDGER_READ, &ledger, &err))
        return str_copy(call->arena, str_of(err.text));
    bool read = ledger_verify_open(ledger, &question, call->arena, &verdict, &err);
    ledger_close(ledger);
    if (!read) return str_copy(call->arena, str_of(err.text));
    if (verdict.fault != LEDGER_FAULT_NONE) return verdict.text;
    *bad = false;
    return S("verified");
}

/* The last line that was said, without what every line begins with. */
static str last_line(str talk)
{
    str text = str_trim(talk), head, tail;
    while (str_cut(text, '\n', &head, &tail))
        text = tail;
    if (str_starts(text, S("sallyport: "))) text = str_tail(text, 11);
    return text.len ? text : S("can't be read");
}

static struct org_row read_org(struct invocation *call, str workspace, struct arena *kept)
{
    struct arena arena = arena_open("organisation", 0, NULL);
    struct buf talk = buf_in(&arena);
    struct invocation one = report_orgs_call(call, workspace, &arena, &talk);
    struct org_row row = {.workspace = workspace, .grade = '-'};
    struct report_gather *g = arena_new(&arena, struct report_gather);
    int status = EXIT_FINE;
    bool unverified = false;
    row.ledger = str_copy(kept, verify(&one, &unverified));
    if (report_gather_all(&one, REPORT_EXECUTIVE, INT64_MIN, g, &status)) {
        row.name = str_copy(kept, g->report.organisation);
        row.figures = g->figures;
        row.grade = g->grade.letter;
        row.score = g->grade.score;
    } else
        row.trouble = str_copy(kept, last_line(buf_text(&talk)));
    row.bad = unverified || row.trouble.len || row.figures.exceptions_overdue ||
              row.figures.exceptions_orphaned || row.figures.exceptions_carried;
    arena_close(&arena);
    return row;
}

/* ---- The table ----------------------------------------------------------------------------------
 */

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static void print_table(struct invocation *call, const struct org_row *rows, size_t n)
{
    static const struct table_column columns[] = {
        {T("organisation"),  ALIGN_LEFT,  30},
        {T("grade"),         ALIGN_LEFT,  0 },
        {T("living"),        ALIGN_RIGHT, 0 },
        {T("ended"),         ALIGN_RIGHT, 0 },
        {T("overdue"),       ALIGN_RIGHT, 0 },
        {T("orphaned"),      ALIGN_RIGHT, 0 },
        {T("last evidence"), ALIGN_LEFT,  0 },
        {T("ledger"),        ALIGN_LEFT,  40},
        {T("workspace"),     ALIGN_LEFT,  40},
        {T("trouble"),       ALIGN_LEFT,  80},
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < n; i++) {
        const struct org_row *r = &rows[i];
        char text[INSTANT_TEXT];
        str last =
            r->figures.has_times ? str_head(instant_text(text, r->figures.to_us), 10) : S("-");
        uint64_t counts[] = {r->figures.exceptions, r->figures.exceptions_expired,
                             r->figures.exceptions_overdue, r->figures.exceptions_orphaned};
        table_add_toned(&table, r->name.len ? r->name : S("-"), TONE_STRONG);
        table_add_toned(&table,
                        r->trouble.len ? S("-")
                                       : str_format(call->arena, "%c %u.%u", r->grade,
                                                    r->score / 10, r->score % 10),
                        r->score >= 750 ? TONE_GOOD : TONE_WARN);
        for (size_t k = 0; k < COUNT_OF(counts); k++)
            table_add_toned(
                &table, r->trouble.len ? S("-") : str_format(call->arena, "%" PRIu64, counts[k]),
                k >= 2 && counts[k] ? TONE_BAD : TONE_PLAIN);
        table_add(&table, str_copy(call->arena, last));
        bool fine = str_equal(r->ledger, S("verified"));
        table_add_toned(&table, r->ledger,
                        fine                              ? TONE_GOOD
                        : str_equal(r->ledger, S("none")) ? TONE_DIM
                                                          : TONE_BAD);
        table_add_toned(&table, r->workspace, TONE_DIM);
        table_add_toned(&table, r->trouble, TONE_BAD);
    }
    if (call->format == FORMAT_CSV)
        table_print_csv(&table, call->out);
    else
        table_print_text(&table, call->out, call->colour);
}

static void print_json(struct invocation *call, const struct org_row *rows, size_t n)
{
    struct json json = json_to(call->out);
    json_object(&json);
    json_key(&json, S("organisations"));
    json_array(&json);
    for (size_t i = 0; i < n; i++) {
        const struct org_row *r = &rows[i];
        char letter[2] = {r->grade, 0};
        bool known = !r->trouble.len;
        json_object(&json);
        json_member_str(&json, S("workspace"), r->workspace);
        json_member_str_or_null(&json, S("organisation"), r->name);
        json_member_str_or_null(&json, S("trouble"), r->trouble);
        json_member_str_or_null(&json, S("grade"), known ? str_of(letter) : (str){0});
        json_key(&json, S("score"));
        if (known)
            json_u64(&json, r->score);
        else
            json_null(&json);
        json_key(&json, S("last_evidence"));
        if (r->figures.has_times)
            json_instant(&json, r->figures.to_us);
        else
            json_null(&json);
        json_member_str(&json, S("ledger"), r->ledger);
        json_key(&json, S("figures"));
        json_object(&json);
        for (size_t k = 0; known && k < figures_n_rows; k++)
            json_member_u64(&json, figures_rows[k].name, figures_value(&r->figures, k));
        json_object_end(&json);
        json_member_bool(&json, S("bad"), r->bad);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    buf_char(call->out, '\n');
}

int report_orgs(struct invocation *call, str folder)
{
    static const str refused[] = {
        T("pdf"), T("csv"), T("brand"), T("policy"), T("exceptions"), T("collected"),
    };
    const str *paths = NULL;
    struct err err = {0};
    size_t n = 0;
    bool bad = false;
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        if (option_given(call, refused[i])) {
            err_set(&err, ERR_USAGE, "--all-orgs reads each workspace as it is: without --%.*s",
                    STR_ARG(refused[i]));
            return command_fail(call, &err);
        }
    if (!report_orgs_find(call, folder, &paths, &n)) return EXIT_FAILED;
    struct org_row *rows = arena_array(call->arena, struct org_row, n);
    for (size_t i = 0; i < n; i++) {
        rows[i] = read_org(call, paths[i], call->arena);
        bad = bad || rows[i].bad;
    }
    if (call->format == FORMAT_JSON)
        print_json(call, rows, n);
    else
        print_table(call, rows, n);
    return bad ? EXIT_NO : EXIT_FINE;
}
