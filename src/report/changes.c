/* SPDX-License-Identifier: Apache-2.0 */
#include "report/changes.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

struct changing {
    const struct report *report;
    const struct host_names *names;
    struct arena *arena;
    struct report_change *items;
    size_t n, room;
};

/* Only what happened between the two reports. */
static void add_one(struct changing *c, struct report_change change)
{
    if (change.at_us <= c->report->since_us || change.at_us > c->report->as_of_us) return;
    arena_grow(c->arena, c->items, c->n, c->room);
    c->items[c->n++] = change;
}

static void add(struct changing *c, int64_t at_us, str what, str of, str more)
{
    add_one(c, (struct report_change){.at_us = at_us, .what = what, .of = of, .more = more});
}

static void add_flow(struct changing *c, int64_t at_us, str what, str of, str more)
{
    add_one(c, (struct report_change){at_us, what, of, more, true});
}

static str who_line(struct changing *c, const struct register_row *row)
{
    str scope = register_scope(row, c->arena);
    return str_format(c->arena, "%.*s; owner %.*s", STR_ARG(scope), STR_ARG(row->owner));
}

/* What was decided about it, and the ends after which it was renewed. */
static void add_decisions(struct changing *c, const struct register_row *row, str line)
{
    static const struct {
        str granted, rejected;
    } words[] = {
        [BOOK_FIRST] = {T("exception granted"),  T("exception rejected")},
        [BOOK_RENEWAL] = {T("exception renewed"),  T("renewal rejected")  },
        [BOOK_NARROWING] = {T("exception narrowed"), T("narrowing rejected")},
    };
    const struct book_exception *e = row->in_book;
    int64_t end_us = 0;
    for (size_t i = 0; i < e->n_requests; i++) {
        const struct book_request *r = &e->requests[i];
        bool glass = row->break_glass && r->ask == BOOK_FIRST;
        if (r->rejection.at_us) add(c, r->rejection.at_us, words[r->ask].rejected, row->id, line);
        if (!r->is_granted) continue;
        if (end_us && end_us <= r->granted_us) add(c, end_us, S("exception ended"), row->id, line);
        add(c, r->granted_us, glass ? S("break-glass granted") : words[r->ask].granted, row->id,
            line);
        end_us = r->expires_us;
    }
    if (e->state == BOOK_LAPSED) add(c, e->expires_us, S("request lapsed"), row->id, line);
}

static void add_exceptions(struct changing *c)
{
    for (size_t i = 0; i < c->report->exceptions->n; i++) {
        const struct register_row *row = &c->report->exceptions->rows[i];
        str line = who_line(c, row);
        add(c, row->requested_us,
            row->break_glass ? S("break-glass asked for") : S("exception asked for"), row->id,
            line);
        if (row->in_book) add_decisions(c, row, line);
        if (row->ended_us)
            add(c, row->ended_us,
                row->state == BOOK_REVOKED ? S("exception revoked") : S("exception ended"), row->id,
                line);
    }
}

static void add_policies(struct changing *c)
{
    const struct past *past = c->report->past;
    for (size_t i = 0; past && i < past->n_policies; i++)
        add(c, past->policies[i].at_us, S("new version of the policy"),
            past->policies[i].source.len ? past->policies[i].source : S("policy.yaml"),
            str_format(c->arena, "sha256 %.*s", STR_ARG(str_head(past->policies[i].digest, 16))));
}

static str flow_line(struct changing *c, const struct matrix_flow *flow)
{
    str client = host_names_short(c->names, c->arena, flow->client);
    str server = host_names_short(c->names, c->arena, flow->server);
    str service = view_service_text(c->arena, c->report->labels, flow->transport, flow->port);
    return str_format(c->arena, "%.*s \xE2\x86\x92 %.*s: %.*s", STR_ARG(client), STR_ARG(server),
                      STR_ARG(service));
}

static void add_flows(struct changing *c)
{
    const struct matrix_view *matrix = c->report->matrix;
    int64_t since = c->report->since_us, span = c->report->as_of_us - since;
    for (size_t i = 0; i < matrix->n_flows; i++) {
        const struct matrix_flow *flow = &matrix->flows[i];
        if (flow->is_timeless || !view_flow_worked(flow)) continue;
        if (flow->first_us > since)
            add_flow(c, flow->first_us, S("new flow"), flow_line(c, flow),
                     str_format(c->arena, "%" PRIu64 " connection%s", flow->connections,
                                flow->connections == 1 ? "" : "s"));
        else if (flow->last_us <= since && flow->last_us > since - span) {
            char text[INSTANT_TEXT];
            str last = str_head(instant_text(text, flow->last_us), 10);
            add_flow(c, c->report->as_of_us, S("flow not seen any more"), flow_line(c, flow),
                     str_format(c->arena, "last seen %.*s", STR_ARG(last)));
        }
    }
}

static int change_order(const void *left, const void *right)
{
    const struct report_change *a = left, *b = right;
    if (a->at_us != b->at_us) return a->at_us < b->at_us ? -1 : 1;
    int order = str_compare(a->what, b->what);
    return order ? order : str_compare(a->of, b->of);
}

const struct report_change *changes_of(const struct report *report, const struct host_names *names,
                                       struct arena *arena, size_t *n)
{
    struct changing changing = {.report = report, .names = names, .arena = arena};
    *n = 0;
    if (report->since_us == INT64_MIN) return NULL;
    add_exceptions(&changing);
    add_policies(&changing);
    add_flows(&changing);
    if (changing.n) qsort(changing.items, changing.n, sizeof *changing.items, change_order);
    *n = changing.n;
    return changing.items;
}
