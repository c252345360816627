/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/statement.h"

#include "base/instant.h"
#include "base/map.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* Times below are counted from the boot of who wrote them: 1971. */
#define BOOT_CLOCK_ENDS_US (INT64_C(31536000) * 1000000)

enum { ROWS_SHOWN = 20 }; /* on a terminal; --json has all */

/* Nothing can be learnt from a server that the policy knows to be someone else's or no Windows
 * machine of ours. One without an address, or without a policy, may be ours. */
static bool may_be_ours(const struct workspace *workspace, const struct questioned *server)
{
    if (!workspace->has_policy || addr_is_none(server->server.addr)) return true;
    return prefix_set_contains(workspace->resolved.enforcing, server->server.addr);
}

bool statement_load(struct invocation *call, struct workspace *workspace, struct statement *out,
                    struct err *err)
{
    struct host_list list = {0};
    struct share_use *uses = NULL;
    size_t n_uses = 0, n_shares = 0, n = 0;
    if (!store_load_matrix(workspace->store, call->arena, &out->matrix, err) ||
        !store_load_hosts(workspace->store, call->arena, &list, err) ||
        !store_load_uses(workspace->store, call->arena, &uses, &n_uses, err))
        return false;
    workspace_load_policy(call, workspace);
    const struct share_view *shares = roles_shares(call->arena, uses, n_uses, &list, &n_shares);
    struct hosts_view hosts = roles_of(call->arena, &list, &out->matrix, shares, n_shares);
    out->servers = questions_of(call->arena, &out->matrix, &list, &hosts, uses, n_uses, &n);
    out->n_servers = 0;
    for (size_t i = 0; i < n; i++)
        if (may_be_ours(workspace, &out->servers[i]))
            out->servers[out->n_servers++] = out->servers[i];
    out->n_foreign = n - out->n_servers;
    return true;
}

/* ---- Coverage, by the host that wrote it --------------------------------------------------------
 */

struct covered {
    str origin;
    size_t sources;
    uint64_t records, facts;
    bool has_times;
    int64_t from_us, to_us;
};

static int covered_order(const void *left, const void *right)
{
    const struct covered *a = left, *b = right;
    if (a->facts != b->facts) return a->facts > b->facts ? -1 : 1;
    return str_compare(a->origin, b->origin);
}

/* Hosts with most facts first; what no host is known to have written is one row. */
static struct covered *cover(struct arena *arena, const struct matrix_view *matrix, size_t *n)
{
    struct map by_origin = {0};
    struct covered *items = arena_array(arena, struct covered, matrix->n_coverage + 1);
    *n = 0;
    for (size_t i = 0; i < matrix->n_coverage; i++) {
        const struct coverage *c = &matrix->coverage[i];
        bool fresh = false;
        size_t at = (size_t)*map_put(&by_origin, arena, c->origin, *n, &fresh);
        if (fresh) items[(*n)++] = (struct covered){.origin = c->origin};
        struct covered *item = &items[at];
        item->sources++;
        item->records += c->records;
        item->facts += c->facts;
        if (!c->has_times || c->to_us < BOOT_CLOCK_ENDS_US) continue;
        int64_t from_us = c->from_us < BOOT_CLOCK_ENDS_US ? c->to_us : c->from_us;
        if (!item->has_times || from_us < item->from_us) item->from_us = from_us;
        if (!item->has_times || c->to_us > item->to_us) item->to_us = c->to_us;
        item->has_times = true;
    }
    if (*n) qsort(items, *n, sizeof *items, covered_order);
    return items;
}

static str minute(struct arena *arena, bool has_times, int64_t at_us)
{
    char text[INSTANT_TEXT];
    if (!has_times) return S("-");
    str full = instant_text(text, at_us);
    return str_format(arena, "%.*s %.*s", STR_ARG(str_head(full, 10)),
                      STR_ARG(str_head(str_tail(full, 11), 5)));
}

static void print_coverage(struct invocation *call, const struct matrix_view *matrix)
{
    static const struct table_column columns[] = {
        {T("covered (UTC)"), ALIGN_LEFT,  40},
        {T("from"),          ALIGN_LEFT,  0 },
        {T("to"),            ALIGN_LEFT,  0 },
        {T("sources"),       ALIGN_RIGHT, 0 },
        {T("records"),       ALIGN_RIGHT, 0 },
        {T("facts"),         ALIGN_RIGHT, 0 },
    };
    size_t n = 0;
    const struct covered *items = cover(call->arena, matrix, &n);
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < n && i < ROWS_SHOWN; i++) {
        table_add(&table, items[i].origin.len ? items[i].origin : S("not said who wrote it"));
        table_add(&table, minute(call->arena, items[i].has_times, items[i].from_us));
        table_add(&table, minute(call->arena, items[i].has_times, items[i].to_us));
        table_add_u64(&table, items[i].sources);
        table_add_u64(&table, items[i].records);
        table_add_u64(&table, items[i].facts);
    }
    table_print_text(&table, call->out, call->colour);
    if (n > ROWS_SHOWN) buf_format(call->out, "and %zu more hosts\n", n - ROWS_SHOWN);
}

/* Per kind of record, over all sources. */
static void print_unplaced(struct invocation *call, const struct matrix_view *matrix)
{
    struct map counts = {0};
    for (size_t i = 0; i < matrix->n_coverage; i++)
        for (size_t j = 0; j < matrix->coverage[i].n_unplaced; j++) {
            const struct unplaced *u = &matrix->coverage[i].unplaced[j];
            *map_put(&counts, call->arena, u->what, 0, NULL) += u->count;
        }
    for (size_t i = 0; i < counts.n; i++)
        buf_format(call->out, "%s  %" PRIu64 " %.*s\n",
                   i ? "" : "\nread, but of no flow (what they say can't be tied to one):\n",
                   counts.entries[i].value, STR_ARG(counts.entries[i].key));
}

/* ---- Questions ----------------------------------------------------------------------------------
 */

static bool is_open(const struct questioned *server, int question)
{
    return server->open >> question & 1;
}

/* One row per question: which servers it is open for. */
static void print_questions(struct invocation *call, const struct statement *statement)
{
    enum { NAMES_SHOWN = 3 };
    for (int q = 0; q < QUESTION_COUNT; q++) {
        struct buf names = buf_in(call->arena);
        size_t n = 0;
        for (size_t i = 0; i < statement->n_servers; i++) {
            if (!is_open(&statement->servers[i], q)) continue;
            if (n++ >= NAMES_SHOWN) continue;
            if (names.len) buf_str(&names, S(", "));
            buf_str(&names, statement->servers[i].label);
        }
        if (!n) continue;
        if (n > NAMES_SHOWN) buf_format(&names, " and %zu more", n - NAMES_SHOWN);
        buf_str(call->out, S("  "));
        table_tone(call->out, buf_text(&names), TONE_STRONG, call->colour);
        buf_str(call->out, S(": "));
        table_tone(call->out, question_sentence((enum question)q), TONE_PLAIN, call->colour);
        buf_char(call->out, '\n');
    }
}

void statement_print_text(struct invocation *call, const struct statement *statement)
{
    size_t open = 0;
    if (statement->matrix.n_coverage) print_coverage(call, &statement->matrix);
    print_unplaced(call, &statement->matrix);
    for (size_t i = 0; i < statement->n_servers; i++)
        open += statement->servers[i].open != 0;
    if (!open) return;
    buf_char(call->out, '\n');
    table_tone(call->out,
               str_format(call->arena,
                          "open for %zu of %zu servers (\"sallyport audit-plan\" tells what would "
                          "answer)",
                          open, statement->n_servers),
               TONE_WARN, call->colour);
    buf_char(call->out, '\n');
    print_questions(call, statement);
}

void statement_print_json(struct invocation *call, const struct statement *statement,
                          struct json *json)
{
    size_t n = 0;
    const struct covered *items = cover(call->arena, &statement->matrix, &n);
    json_key(json, S("coverage"));
    json_array(json);
    for (size_t i = 0; i < n; i++) {
        json_object(json);
        json_member_str_or_null(json, S("origin"), items[i].origin);
        json_key(json, S("from"));
        if (items[i].has_times)
            json_instant(json, items[i].from_us);
        else
            json_null(json);
        json_key(json, S("to"));
        if (items[i].has_times)
            json_instant(json, items[i].to_us);
        else
            json_null(json);
        json_member_u64(json, S("sources"), items[i].sources);
        json_member_u64(json, S("records"), items[i].records);
        json_member_u64(json, S("facts"), items[i].facts);
        json_object_end(json);
    }
    json_array_end(json);
    json_key(json, S("questions"));
    json_array(json);
    for (size_t i = 0; i < statement->n_servers; i++)
        for (int q = 0; q < QUESTION_COUNT; q++) {
            if (!is_open(&statement->servers[i], q)) continue;
            json_object(json);
            json_member_str(json, S("server"), statement->servers[i].label);
            json_member_str(json, S("question"), question_text((enum question)q));
            json_member_str(json, S("text"), question_sentence((enum question)q));
            json_object_end(json);
        }
    json_array_end(json);
}
