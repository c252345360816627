/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/measured_use.h"

#include "base/map.h"
#include "cli/workspace.h"
#include "policy/exceptions.h"

/* From a grant, or its start, to its end; to what replaced it; to the revocation. Spans that touch
 * are one. */
static struct use_span *spans_of(const struct book_exception *exception, struct arena *arena,
                                 size_t *n)
{
    struct use_span *spans = arena_array(arena, struct use_span, exception->n_requests + 1);
    *n = 0;
    for (size_t i = 0; i < exception->n_requests; i++) {
        const struct book_request *r = &exception->requests[i];
        if (!r->is_granted) continue;
        struct use_span span = {r->granted_us > r->starts_us ? r->granted_us : r->starts_us,
                                r->expires_us};
        int64_t revoked_us = exception->revocation.at_us;
        if (revoked_us && revoked_us < span.to_us) span.to_us = revoked_us;
        /* A later end, or an earlier one, holds from when it was granted. */
        if (*n && spans[*n - 1].to_us > r->granted_us) spans[*n - 1].to_us = r->granted_us;
        if (*n && spans[*n - 1].to_us <= spans[*n - 1].from_us) --*n;
        if (*n && spans[*n - 1].to_us == span.from_us && span.to_us > span.from_us)
            spans[*n - 1].to_us = span.to_us;
        else if (span.to_us > span.from_us)
            spans[(*n)++] = span;
    }
    return spans;
}

/* The policy's exceptions are found by their id. */
static const struct exception *find(const struct map *ids, const struct policy *policy, str id)
{
    const uint64_t *at = map_find(ids, id);
    return at ? &policy->exceptions[*at] : NULL;
}

static struct use_question *questions_of(const struct policy *policy,
                                         const struct exception_book *book, size_t *places,
                                         size_t *n, struct arena *arena)
{
    struct use_question *questions = arena_array(arena, struct use_question, book->n + 1);
    struct map ids = {0};
    for (size_t i = 0; i < policy->n_exceptions; i++)
        if (policy->exceptions[i].id.len) map_put(&ids, arena, policy->exceptions[i].id, i, NULL);
    *n = 0;
    for (size_t i = 0; i < book->n; i++) {
        const struct book_exception *b = &book->items[i];
        const struct exception *exception = find(&ids, policy, b->id);
        struct use_question q = {
            .exception = exception, .renewals = b->renewals, .review_s = b->review_s};
        if (!exception) continue;
        q.spans = spans_of(b, arena, &q.n_spans);
        places[*n] = i;
        questions[(*n)++] = q;
    }
    return questions;
}

static bool fail(const struct diagnostics *found, struct err *err)
{
    str text = found->n ? found->items[0].text : S("the policy can't be resolved");
    return err_set(err, ERR_REFUSED, "%.*s", STR_ARG(text));
}

bool measured_use_of(struct invocation *call, const struct policy_file *file,
                     const struct exception_book *book, struct store *store,
                     const struct matrix_view *matrix, const struct host_list *hosts,
                     struct measured_use *out, struct err *err)
{
    struct arena *arena = call->arena;
    struct diagnostics found = {0};
    size_t n = 0, *places = arena_array(arena, size_t, book->n + 1);
    struct use_question *questions = questions_of(&file->policy, book, places, &n, arena);
    struct exception_use *uses = arena_array(arena, struct exception_use, n + 1);
    struct exception_use *items = arena_array(arena, struct exception_use, book->n + 1);
    const struct use_world world = {
        .policy = &file->policy,
        .lookup = file->call ? &file->lookup : NULL,
        .as_of_us = book->as_of_us,
        .matrix = matrix,
        .hosts = hosts,
    };
    struct use_meter *meter = exception_use_meter(&world, questions, n, arena, &found);
    if (!meter) return fail(&found, err);
    struct sighting_sink sink = exception_use_sink(meter);
    if (store && matrix && !store_load_sightings(store, &sink, arena, err)) return false;
    exception_use_read(meter, uses);
    for (size_t i = 0; i < book->n; i++) {
        items[i].proposal = USE_UNKNOWN;
        items[i].because = S("it was never in force");
    }
    for (size_t i = 0; i < n; i++)
        items[places[i]] = uses[i];
    *out = (struct measured_use){items, matrix && (matrix->n_flows || matrix->n_coverage)};
    return true;
}

bool measured_use_of_workspace(struct invocation *call, const struct policy_file *file,
                               const struct exception_book *book, struct measured_use *out,
                               struct err *err)
{
    struct workspace workspace = {0};
    struct matrix_view *matrix = arena_new(call->arena, struct matrix_view);
    struct host_list *hosts = arena_new(call->arena, struct host_list);
    *out = (struct measured_use){0};
    if (call->os->kind(call->os->self, workspace_database(call)) != OS_FILE) return true;
    bool good = workspace_open(call, &workspace, err) &&
                store_load_matrix(workspace.store, call->arena, matrix, err) &&
                store_load_hosts(workspace.store, call->arena, hosts, err) &&
                measured_use_of(call, file, book, workspace.store, matrix->n_flows ? matrix : NULL,
                                hosts, out, err);
    if (workspace.store) store_close(workspace.store);
    return good;
}
