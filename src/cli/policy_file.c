/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/policy_file.h"

#include "base/zone.h"
#include "cli/granted.h"
#include "cli/members.h"
#include "cli/workspace.h"
#include "policy/document.h"
#include "policy/exceptions.h"
#include "policy/hardening.h"
#include "policy/service_tags.h"

static bool open_at(struct invocation *call, str path, str source, struct policy_file *out,
                    str *text, struct err *err)
{
    bytes content = {0};
    *out = (struct policy_file){.path = path, .source = source};
    if (!os_read_all(call->os, path, LIMIT_POLICY_BYTES, call->arena, &content, err)) return false;
    *text = str_of_bytes(content);
    return true;
}

/* Those of --exceptions and --members. */
static bool open_beside(struct invocation *call, struct policy_file *out)
{
    struct err err = {0};
    bytes content = {0};
    str row = S("exceptions");
    bool has_members = option_exists(call, S("members"));
    if (has_members && !members_open(call, &out->members)) return false;
    if (!option_exists(call, row) || !option_given(call, row)) return true;
    str path = option_text(call, row);
    if (!os_read_all(call->os, path, LIMIT_POLICY_BYTES, call->arena, &content, &err)) {
        (void)command_fail(call, &err);
        return false;
    }
    out->exceptions = (struct source_text){path, str_of_bytes(content)};
    out->has_exceptions_file = true;
    if (ledger_exists(call->os, call->workspace, call->arena))
        buf_format(call->talk,
                   "%.*s stands for the exceptions of the ledger, which are not asked\n",
                   STR_ARG(path));
    return true;
}

bool policy_file_open(struct invocation *call, struct policy_file *out, str *text)
{
    struct err err = {0};
    bool may_be_given = option_exists(call, S("policy"));
    bool given = may_be_given && option_given(call, S("policy"));
    str name = may_be_given ? option_text(call, S("policy")) : S("policy.yaml");
    if (open_at(call, given ? name : command_path(call, name), name, out, text, &err))
        return open_beside(call, out);
    (void)command_fail(call, &err);
    if (!given && err.kind == ERR_NOT_FOUND)
        buf_str(call->talk,
                S("policy.yaml is written by you: docs/policy.md begins with a first one\n"));
    return false;
}

/* ---- Printing -----------------------------------------------------------------------------------
 */

/* The part of a line that is shown: whole, or cut around the column when it is long (a JSON file in
 * one line). *shift is how many characters were cut off before it. */
static str visible_part(str line, uint32_t column, size_t *shift)
{
    enum { WIDEST = 120, BEFORE = 40 };
    size_t from = 0, at = 0, count = 0, bad = 0;
    size_t skip = column > WIDEST ? column - BEFORE : 0;
    *shift = 0;
    for (; at < line.len && count < skip + WIDEST; count++) {
        if (count == skip) from = at;
        size_t n = str_utf8_next(str_tail(line, at), &bad);
        at += n ? n : bad;
    }
    if (count <= skip) return line;
    *shift = skip;
    return str_head(str_tail(line, from), at - from);
}

/* Blanks under the characters before the column, as wide as they are; tabs stay tabs. */
static void print_caret(struct buf *out, str line, uint32_t column, bool colour)
{
    size_t at = 0, bad = 0;
    for (uint32_t i = 1; i < column && at < line.len; i++) {
        size_t n = str_utf8_next(str_tail(line, at), &bad);
        if (!n) n = bad;
        str one = str_head(str_tail(line, at), n);
        if (one.ptr[0] == '\t')
            buf_char(out, '\t');
        else
            buf_repeat(out, ' ', table_width(one));
        at += n;
    }
    table_tone(out, S("^"), TONE_GOOD, colour);
    buf_char(out, '\n');
}

static void print_line(struct buf *out, str line, bool colour)
{
    str part;
    while (str_cut(line, '\t', &part, &line)) {
        table_tone(out, part, TONE_PLAIN, colour);
        buf_char(out, '\t');
    }
    table_tone(out, part, TONE_PLAIN, colour);
}

/* Lines of a file; split when the first message speaks of it. */
struct lines {
    const struct source_text *file;
    const str *lines;
    size_t n;
};

static str line_at(struct lines *lines, const struct source_text *file, uint32_t number,
                   struct arena *arena)
{
    if (lines->file != file) {
        lines->lines = document_lines(file->text, arena, &lines->n);
        lines->file = file;
    }
    return number >= 1 && number <= lines->n ? lines->lines[number - 1] : (str){0};
}

static void print_one(struct buf *out, struct arena *arena, bool colour, str source, str whole_line,
                      const struct diagnostic *d)
{
    bool is_error = d->severity == SEVERITY_ERROR;
    str where = str_format(arena, "%.*s:%" PRIu32 ":%" PRIu32 ": ", STR_ARG(source), d->place.line,
                           d->place.column);
    table_tone(out, where, TONE_PLAIN, colour);
    table_tone(out, is_error ? S("error: ") : S("warning: "), is_error ? TONE_BAD : TONE_WARN,
               colour);
    table_tone(out, d->text, TONE_PLAIN, colour);
    buf_char(out, '\n');
    size_t shift = 0;
    str line = visible_part(whole_line, d->place.column, &shift);
    if (!str_trim(line).len) return;
    buf_str(out, S("  "));
    print_line(out, line, colour);
    buf_str(out, S("\n  "));
    print_caret(out, line, d->place.column - (uint32_t)shift, colour);
}

void policy_file_print(struct buf *out, struct arena *arena, bool colour, str source, str text,
                       const struct diagnostics *found, size_t first)
{
    const struct source_text policy = {source, text};
    struct lines lines = {0};
    if (found->n <= first) return;
    for (size_t i = first; i < found->n; i++) {
        const struct diagnostic *d = &found->items[i];
        const struct source_text *file = d->file ? d->file : &policy;
        print_one(out, arena, colour, file->name, line_at(&lines, file, d->place.line, arena), d);
    }
    size_t all = found->n_errors + found->n_warnings;
    if (all > found->n) buf_format(out, "%zu more are not listed\n", all - found->n);
}

/* ---- Loading ------------------------------------------------------------------------------------
 */

/* The system's zones are known here, not to the parser. */
static const struct zone *find_zone(struct invocation *call, struct policy_file *file)
{
    struct err err = {0};
    const struct zone *zone = zone_find(call->os, file->policy.timezone, call->arena, &err);
    if (!zone)
        diagnostics_add(&file->found, call->arena, SEVERITY_ERROR, S("value"),
                        file->policy.timezone_place, str_copy(call->arena, str_of(err.text)));
    return zone;
}

/* What the ledger grants. Commands that take no exceptions at all do not ask it. */
static bool read_ledger(struct invocation *call, struct policy_file *file, const struct zone *zone)
{
    struct policy *policy = &file->policy;
    struct err err = {0};
    if (!granted_book(call, call->as_of_us, &file->book, &file->has_ledger, &err)) {
        (void)command_fail(call, &err);
        return false;
    }
    granted_say_faults(call, &file->book);
    return granted_parse(&file->book, zone, call->arena, policy, &file->exceptions, &file->found);
}

static bool asks_ledger(struct invocation *call, const struct policy_file *file)
{
    return !file->has_exceptions_file && option_exists(call, S("exceptions")) &&
           (ledger_exists(call->os, call->workspace, call->arena) || granted_lacks_ledger(call));
}

bool policy_file_parse(struct invocation *call, struct policy_file *file, str text)
{
    bool asks = asks_ledger(call, file);
    struct policy *policy = &file->policy;
    if (!policy_parse(file->source, text, call->arena, policy, &file->found)) return false;
    bool has_dates = hardening_has_dates(policy);
    bool needs_zone = asks || file->has_exceptions_file || has_dates || call->as_of_is_date;
    if (!needs_zone) return true;
    const struct zone *zone = find_zone(call, file);
    if (!zone) return false;
    if (call->as_of_is_date) call->as_of_us = zone_to_utc(zone, instant_to_civil(call->as_of_us));
    call->as_of_is_date = false;
    if (has_dates) hardening_zone(policy, zone, call->arena);
    if (asks) return read_ledger(call, file, zone);
    return !file->has_exceptions_file ||
           exceptions_parse(&file->exceptions, policy, zone, call->arena, &policy->exceptions,
                            &policy->n_exceptions, &file->found);
}

static bool parse(struct invocation *call, struct policy_file *out, str text)
{
    bool good = policy_file_parse(call, out, text);
    policy_file_print(call->talk, call->arena, call->talk_colour, out->source, text, &out->found,
                      0);
    return good;
}

bool policy_file_load(struct invocation *call, struct policy_file *out, int *status)
{
    str text = {0};
    *status = EXIT_FAILED;
    return policy_file_open(call, out, &text) && parse(call, out, text);
}

bool policy_file_load_from(struct invocation *call, str path, struct policy_file *out, int *status)
{
    struct err err = {0};
    str text = {0};
    *status = EXIT_FAILED;
    if (open_at(call, path, path, out, &text, &err))
        return open_beside(call, out) && parse(call, out, text);
    (void)command_fail(call, &err);
    return false;
}

static const struct host_address *find_host(void *to, str name, int64_t as_of_us,
                                            struct arena *arena, size_t *n)
{
    const struct policy_file *file = to;
    const struct host_address *held = NULL;
    *n = 0;
    if (file->hosts && file->hosts->host)
        held = file->hosts->host(file->hosts->to, name, as_of_us, arena, n);
    if (*n || !file->members.n_files) return held;
    return members_addresses(&file->members, name, arena, n);
}

static bool find_computers(void *to, str name, struct arena *arena, const str **names, size_t *n,
                           str *missing)
{
    const struct policy_file *file = to;
    if (members_computers(&file->members, name, arena, names, n, missing)) return true;
    if (missing->len || !file->hosts || !file->hosts->ad_computers) return false;
    return file->hosts->ad_computers(file->hosts->to, name, arena, names, n, missing);
}

static str find_sid(void *to, str name, struct arena *arena)
{
    const struct policy_file *file = to;
    str sid = members_sid(&file->members, name, arena);
    if (sid.len || !file->hosts || !file->hosts->ad_sid) return sid;
    return file->hosts->ad_sid(file->hosts->to, name, arena);
}

static str find_dn(void *to, str name, struct arena *arena)
{
    const struct policy_file *file = to;
    str dn = members_dn(&file->members, name, arena);
    if (dn.len || !file->hosts || !file->hosts->ad_dn) return dn;
    return file->hosts->ad_dn(file->hosts->to, name, arena);
}

static const struct host_address *find_ad_group(void *to, str name, int64_t as_of_us,
                                                struct arena *arena, size_t *n)
{
    const struct policy_file *file = to;
    *n = 0;
    if (!file->hosts || !file->hosts->ad_group) return NULL;
    return file->hosts->ad_group(file->hosts->to, name, as_of_us, arena, n);
}

/* The file stands beside the policy that names it. */
static bool read_tags(const struct policy_file *file, str name, struct arena *arena, str *out)
{
    enum { MOST_BYTES = 64 << 20 };
    struct err err = {0};
    bytes content = {0};
    str path = os_join(arena, os_directory(file->path), name);
    if (!os_read_all(file->call->os, path, MOST_BYTES, arena, &content, &err)) return false;
    *out = str_of_bytes(content);
    return true;
}

static bool find_tag(void *to, str tag, str name, struct arena *arena, struct prefix_set *out)
{
    struct err err = {0};
    str text = {0};
    int64_t published_us;
    return read_tags(to, name, arena, &text) &&
           service_tags_find(text, tag, arena, out, &published_us, &err);
}

static bool find_tag_day(void *to, str name, int64_t *out_us)
{
    const struct policy_file *file = to;
    struct arena scratch = file->call->scratch;
    struct prefix_set none;
    struct err err = {0};
    str text = {0};
    *out_us = SERVICE_TAGS_NO_DATE;
    /* Any tag: the day is known either way. */
    return read_tags(file, name, &scratch, &text) &&
           (service_tags_find(text, S("-"), &scratch, &none, out_us, &err) ||
            err.kind == ERR_NOT_FOUND) &&
           *out_us != SERVICE_TAGS_NO_DATE;
}

static str find_name(void *to, struct addr a, int64_t as_of_us)
{
    const struct policy_file *file = to;
    if (!file->hosts || !file->hosts->name) return (str){0};
    return file->hosts->name(file->hosts->to, a, as_of_us);
}

void policy_file_set_lookup(struct policy_file *file, struct invocation *call,
                            const struct host_lookup *hosts)
{
    file->call = call;
    file->hosts = hosts;
    file->lookup = (struct host_lookup){
        .to = file,
        .host = find_host,
        .ad_group = find_ad_group,
        .service_tag = find_tag,
        .service_tag_day = find_tag_day,
        .name = find_name,
        .ad_sid = find_sid,
        .ad_computers = find_computers,
        .ad_dn = find_dn,
    };
}

/* Names of the workspace, when it has a database. */
static bool find_hosts(struct invocation *call, const struct host_lookup **out)
{
    struct err err = {0};
    struct workspace *workspace = arena_new(call->arena, struct workspace);
    *out = NULL;
    if (call->os->kind(call->os->self, workspace_database(call)) != OS_FILE) return true;
    if (!workspace_open(call, workspace, &err)) {
        (void)command_fail(call, &err);
        return false;
    }
    /* The hosts are in the arena then, and the database is not needed any more. */
    *out = workspace_lookup(call, workspace);
    store_close(workspace->store);
    workspace->store = NULL;
    return true;
}

bool policy_file_resolve(struct invocation *call, struct policy_file *file,
                         const struct host_lookup *hosts, bool for_check, int *status)
{
    size_t first = file->found.n;
    *status = EXIT_FAILED;
    if (!hosts && !find_hosts(call, &hosts)) return false;
    policy_file_set_lookup(file, call, hosts);
    bool good = resolve_policy(&file->policy, &file->lookup, call->as_of_us, for_check, call->arena,
                               &file->resolved, &file->found);
    policy_file_print(call->talk, call->arena, call->talk_colour, file->source, file->policy.text,
                      &file->found, first);
    return good;
}
