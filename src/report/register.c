/* SPDX-License-Identifier: Apache-2.0 */
#include "report/register.h"

#include "base/json_scan.h"
#include "base/map.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* clang-format off */
static const str state_texts[] = {
#define X(name, text) T(text),
    BOOK_STATES(X)
#undef X
};
static const str proposal_texts[] = {
#define X(name, text) T(text),
    USE_PROPOSALS(X)
#undef X
};
/* clang-format on */

str register_state_text(enum book_state state)
{
    return state_texts[state];
}

str register_proposal_text(enum use_proposal proposal)
{
    return proposal_texts[proposal];
}

bool register_is_living(const struct register_row *row)
{
    return row->state == BOOK_ACTIVE;
}

int64_t register_days_left(const struct register_row *row, int64_t as_of_us)
{
    int64_t left = (row->ended_us ? row->ended_us : row->expires_us) - as_of_us;
    return left > 0 ? left / INSTANT_DAY : 0;
}

str register_scope(const struct register_row *row, struct arena *arena)
{
    return str_format(arena, "%.*s \xE2\x86\x92 %.*s: %.*s", STR_ARG(row->from), STR_ARG(row->to),
                      STR_ARG(row->service));
}

/* ---- From the ledger's book ---------------------------------------------------------------------
 */

/* The words of one key of a scope, joined: a text or a list of them. */
static str scope_words(str scope, str key, struct arena *arena)
{
    struct json_scan scan = json_scan_of(scope, 0, arena);
    struct json_scan_item item = {0};
    struct err err = {0};
    struct buf out = buf_in(arena);
    bool is_here = false;
    while (json_scan_next(&scan, &item, &err) && item.kind != JSON_SCAN_END) {
        if (item.kind == JSON_SCAN_KEY && scan.depth == 1) is_here = str_equal(item.text, key);
        if (!is_here || item.kind != JSON_SCAN_STRING) continue;
        if (out.len) buf_str(&out, S(", "));
        buf_str(&out, item.text);
    }
    return out.len ? buf_text(&out) : S("?");
}

static const struct book_request *granted_request(const struct book_exception *e)
{
    for (size_t i = e->n_requests; i > 0; i--)
        if (e->requests[i - 1].is_granted) return &e->requests[i - 1];
    return e->n_requests ? &e->requests[0] : NULL;
}

static struct names approvers_of(const struct book_request *request, struct arena *arena)
{
    struct names names = {0};
    if (!request || !request->n_approvals) return names;
    str *items = arena_array(arena, str, request->n_approvals);
    for (size_t i = 0; i < request->n_approvals; i++)
        items[i] = request->approvals[i].by.person;
    names.items = items;
    names.n = request->n_approvals;
    return names;
}

static struct register_row row_of_book(const struct book_exception *e, int64_t as_of_us,
                                       struct arena *arena)
{
    const struct book_request *last = granted_request(e);
    struct register_row row = {
        .id = e->id,
        .owner = e->owner,
        .deputy = e->deputy,
        .reason = e->reason,
        .ticket = e->ticket,
        .risk = e->risk,
        .control = e->control,
        .requester = e->requested.by.person,
        .approvers = approvers_of(last, arena),
        .from = scope_words(e->scope, S("from"), arena),
        .to = scope_words(e->scope, S("to"), arena),
        .service = scope_words(e->scope, S("service"), arena),
        .expires = e->expires,
        .state = e->state,
        .break_glass = e->break_glass,
        .requested_us = e->requested.at_us,
        .starts_us = e->starts_us,
        .expires_us = e->expires_us,
        .last_review_us = e->last_review_us,
        .renewals = e->renewals,
        .in_book = e,
    };
    if (e->open) {
        row.approved = e->open->n_approvals;
        row.needed = e->open->needed;
    }
    if (e->n_requests && e->requests[0].is_granted) row.granted_us = e->requests[0].granted_us;
    if (e->state == BOOK_REVOKED) row.ended_us = e->revocation.at_us;
    if (e->state == BOOK_EXPIRED) row.ended_us = e->expires_us;
    /* Also of a break-glass that is over and that nobody has looked at. */
    row.next_review_us = e->next_review_us;
    row.overdue = e->next_review_us && e->next_review_us <= as_of_us;
    return row;
}

/* ---- From a file of exceptions ------------------------------------------------------------------
 */

static str selector_word(const struct policy *policy, const struct selector *s, struct arena *arena)
{
    char text[PREFIX_TEXT], lone[ADDR_TEXT];
    if (s->kind == SELECT_SEGMENT) return policy->segments[s->index].name;
    if (s->kind == SELECT_GROUP) return policy->groups[s->index].name;
    if (s->kind == SELECT_BUILTIN) return builtin_text((enum builtin)s->index);
    str prefix = prefix_text(text, s->prefix), alone = addr_text(lone, s->prefix.addr);
    bool is_lone = str_equal(str_tail(prefix, alone.len), S("/32")) ||
                   str_equal(str_tail(prefix, alone.len), S("/128"));
    return str_copy(arena, is_lone ? alone : prefix);
}

static str selector_words(const struct policy *policy, const struct selectors *list,
                          struct arena *arena)
{
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < list->n; i++) {
        if (i) buf_str(&out, S(", "));
        buf_str(&out, selector_word(policy, &list->items[i], arena));
    }
    return buf_text(&out);
}

static str service_words(const struct policy *policy, const struct entry *entry,
                         struct arena *arena)
{
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < entry->n_services; i++) {
        if (i) buf_str(&out, S(", "));
        buf_str(&out, policy->services.services[entry->services[i]].name);
    }
    return buf_text(&out);
}

static struct register_row row_of_file(const struct policy *policy, const struct exception *e,
                                       int64_t as_of_us, struct arena *arena)
{
    static const enum book_state states[] = {
        [EXCEPTION_NOT_STARTED] = BOOK_SCHEDULED,
        [EXCEPTION_ALIVE] = BOOK_ACTIVE,
        [EXCEPTION_EXPIRED] = BOOK_EXPIRED,
    };
    struct register_row row = {
        .id = e->id.len
                  ? e->id
                  : str_format(arena, "%.*s:%" PRIu32, STR_ARG(e->file->name), e->entry.place.line),
        .owner = e->owner,
        .deputy = e->deputy,
        .reason = e->reason,
        .ticket = e->ticket,
        .approvers = {.items = e->approvers, .n = e->n_approvers},
        .from = selector_words(policy, &e->entry.from, arena),
        .to = selector_words(policy, &e->entry.to, arena),
        .service = service_words(policy, &e->entry, arena),
        .expires = e->expires,
        .state = states[exception_life(e, as_of_us)],
        .starts_us = e->starts_us == INT64_MIN ? 0 : e->starts_us,
        .expires_us = e->expires_us,
    };
    if (row.state == BOOK_EXPIRED) row.ended_us = e->expires_us;
    return row;
}

/* ---- Both ---------------------------------------------------------------------------------------
 */

static unsigned rank(const struct register_row *row)
{
    static const unsigned ranks[BOOK_STATE_COUNT] = {
        [BOOK_ACTIVE] = 1,  [BOOK_SCHEDULED] = 2, [BOOK_PENDING] = 3, [BOOK_EXPIRED] = 4,
        [BOOK_REVOKED] = 5, [BOOK_REJECTED] = 6,  [BOOK_LAPSED] = 7,
    };
    return row->break_glass && row->state == BOOK_ACTIVE ? 0 : ranks[row->state];
}

/* "EX-9" before "EX-12". */
static int id_order(str a, str b)
{
    if (a.len != b.len) return a.len < b.len ? -1 : 1;
    return str_compare(a, b);
}

/* What is dead: the latest end first. */
static int row_order(const void *left, const void *right)
{
    const struct register_row *a = left, *b = right;
    if (rank(a) != rank(b)) return rank(a) < rank(b) ? -1 : 1;
    bool dead = rank(a) >= 4;
    int64_t x = dead ? b->ended_us : a->expires_us, y = dead ? a->ended_us : b->expires_us;
    if (x != y) return x < y ? -1 : 1;
    return id_order(a->id, b->id);
}

static void complete(const struct register_question *q, size_t at, const struct map *compiled,
                     struct register_row *row)
{
    if (q->uses) row->use = q->uses[at];
    bool dead = row->state == BOOK_EXPIRED || row->state == BOOK_REVOKED;
    bool may_open = row->state == BOOK_ACTIVE || row->state == BOOK_SCHEDULED;
    if (q->orphaned && (may_open || row->state == BOOK_PENDING)) row->orphaned = q->orphaned[at];
    row->carried = dead && map_find(compiled, row->id) != NULL;
    row->in_order =
        register_is_living(row) && row->owner.len && !row->orphaned.len && !row->overdue;
}

struct exception_register register_of(const struct register_question *q, struct arena *arena)
{
    struct exception_register out = {.has_ledger = q->book != NULL};
    struct map compiled = {0};
    size_t n = q->book ? q->book->n : q->policy ? q->policy->n_exceptions : 0;
    struct register_row *rows = arena_array(arena, struct register_row, n + 1);
    for (size_t i = 0; q->compiled && i < q->compiled->n; i++)
        for (size_t j = 0; j < q->compiled->items[i].n_exceptions; j++)
            map_put(&compiled, arena, q->compiled->items[i].exceptions[j], 1, NULL);
    for (size_t i = 0; i < n; i++) {
        rows[i] = q->book ? row_of_book(&q->book->items[i], q->as_of_us, arena)
                          : row_of_file(q->policy, &q->policy->exceptions[i], q->as_of_us, arena);
        complete(q, i, &compiled, &rows[i]);
    }
    if (n) qsort(rows, n, sizeof *rows, row_order);
    out.rows = rows;
    out.n = n;
    if (q->book) {
        out.faults = q->book->faults;
        out.n_faults = q->book->n_faults;
    }
    return out;
}
