/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/join.h"

#include "matrix/batch.h"

int join_compare(const struct join_sighting *a, const struct join_sighting *b)
{
    if (a->start_us != b->start_us) return a->start_us < b->start_us ? -1 : 1;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    if (a->outcome != b->outcome) return a->outcome < b->outcome ? -1 : 1;
    return a->stream < b->stream ? -1 : a->stream > b->stream;
}

static int64_t sum(int64_t a, int64_t b)
{
    int64_t total = 0;
    return num_add(a, b, &total) ? total : INT64_MAX;
}

/* ---- Groups -------------------------------------------------------------------------------------
 */

static void emit_at(struct join *join, size_t at)
{
    const struct join_group *group = &join->open[at];
    struct join_connection c = {
        .start_us = group->start_us,
        .last_us = group->last_us,
        .outcomes = group->outcomes,
        .counted = group->counted,
        .counted_outcomes = group->counted_outcomes,
        .closes = group->closes,
    };
    for (size_t i = 0; i < group->n_views; i++) {
        const struct join_view *view = &group->views[i];
        if (view->to_server > c.to_server) c.to_server = view->to_server;
        if (view->to_client > c.to_client) c.to_client = view->to_client;
    }
    join->emit(join->to, &c);
    join->n_open--;
    memmove(&join->open[at], &join->open[at + 1], (join->n_open - at) * sizeof join->open[0]);
}

static struct join_view *view_of(struct join_group *group, uint32_t stream)
{
    for (size_t i = 0; i < group->n_views; i++)
        if (group->views[i].stream == stream) return &group->views[i];
    return NULL;
}

static void see(struct join_group *group, struct join_view view)
{
    struct join_view *own = view_of(group, view.stream);
    if (own) {
        own->to_server = sum(own->to_server, view.to_server);
        own->to_client = sum(own->to_client, view.to_client);
        if (view.began && !own->began) own->start_us = view.start_us;
        own->began = own->began || view.began;
    } else if (group->n_views < JOIN_STREAMS)
        group->views[group->n_views++] = view;
}

static void add_outcome(struct join_group *group, enum outcome outcome)
{
    if (outcome != OUTCOME_NONE) group->outcomes |= (uint16_t)(1u << outcome);
}

/* Groups stand by start; a new one is the newest but for those within the window after it. */
static struct join_group *new_group(struct join *join, int64_t start_us)
{
    if (join->n_open == JOIN_OPEN) emit_at(join, 0);
    size_t at = join->n_open;
    while (at && join->open[at - 1].start_us > start_us)
        at--;
    memmove(&join->open[at + 1], &join->open[at], (join->n_open - at) * sizeof join->open[0]);
    join->n_open++;
    struct join_group *group = &join->open[at];
    group->start_us = group->last_us = start_us;
    group->id = ++join->n_groups;
    group->outcomes = group->counted_outcomes = 0;
    group->closes = group->counted = false;
    group->n_views =
        0; /* the views themselves are large and rarely used: they are left as they are */
    return group;
}

/* ---- Spans --------------------------------------------------------------------------------------
 */

static struct join_group *owner_of(struct join *join, const struct join_span *span)
{
    for (size_t i = 0; i < join->n_open; i++)
        if (join->open[i].id == span->owner) return &join->open[i];
    return NULL;
}

/* The connection that began last, up to the window after a time. */
static struct join_group *newest(struct join *join, int64_t at_us)
{
    for (size_t i = join->n_open; i > 0; i--) {
        struct join_group *group = &join->open[i - 1];
        if (group->closes || group->start_us > at_us + JOIN_WINDOW_US) continue;
        return group->last_us + JOIN_AGE_US < at_us ? NULL : group;
    }
    return NULL;
}

/* The span's outcome to its owner and to what began in its middle. */
static void reach(struct join *join, const struct join_span *span)
{
    int64_t to_us = span->last_us + JOIN_WINDOW_US;
    for (size_t i = 0; i < join->n_open; i++) {
        struct join_group *group = &join->open[i];
        bool in_it =
            group->id == span->owner ||
            (group->start_us > span->first_us + JOIN_WINDOW_US && group->start_us <= to_us);
        if (group->closes || !in_it) continue;
        add_outcome(group, span->outcome);
        if (span->last_us > group->last_us) group->last_us = span->last_us;
    }
}

/* All that began up to the window after it is known: the span finds its owner. */
static void settle(struct join *join, struct join_span *span)
{
    struct join_group *group = newest(join, span->first_us);
    if (!group) group = new_group(join, span->first_us);
    span->settled = true;
    span->owner = group->id;
    reach(join, span);
}

static void end_span(struct join *join, size_t at)
{
    struct join_span span = join->spans[at];
    if (!span.settled) settle(join, &span);
    struct join_group *group = owner_of(join, &span);
    if (group)
        see(group, (struct join_view){.stream = span.stream,
                                      .start_us = span.first_us,
                                      .to_server = span.to_server,
                                      .to_client = span.to_client});
    join->n_spans--;
    memmove(&join->spans[at], &join->spans[at + 1], (join->n_spans - at) * sizeof join->spans[0]);
}

static bool is_owned(const struct join *join, uint64_t id)
{
    for (size_t i = 0; i < join->n_spans; i++)
        if (join->spans[i].settled && join->spans[i].owner == id) return true;
    return false;
}

/* Time has come to now_us. The newest connection stays, for what lies within it. */
static void advance(struct join *join, int64_t now_us)
{
    for (size_t i = 0; i < join->n_spans; i++)
        if (!join->spans[i].settled && join->spans[i].first_us + JOIN_WINDOW_US < now_us)
            settle(join, &join->spans[i]);
    for (size_t i = 0; i < join->n_spans;)
        if (join->spans[i].last_us + BATCH_WITHIN_GAP_US < now_us)
            end_span(join, i);
        else
            i++;
    for (size_t i = 0; i + 1 < join->n_open;) {
        const struct join_group *group = &join->open[i];
        bool may_join =
            group->start_us + BATCH_WITHIN_GAP_US + JOIN_WINDOW_US >= now_us && join->n_spans;
        if (may_join || group->start_us + JOIN_WINDOW_US >= now_us || is_owned(join, group->id))
            i++;
        else
            emit_at(join, i);
    }
}

static void add_within(struct join *join, const struct join_sighting *sighting)
{
    size_t at = 0;
    while (at < join->n_spans && (join->spans[at].stream != sighting->stream ||
                                  join->spans[at].outcome != sighting->outcome))
        at++;
    if (at == join->n_spans) {
        if (join->n_spans == JOIN_SPANS) end_span(join, 0);
        at = join->n_spans++;
        join->spans[at] = (struct join_span){
            .first_us = sighting->start_us,
            .last_us = sighting->start_us,
            .stream = sighting->stream,
            .outcome = sighting->outcome,
        };
    }
    struct join_span *span = &join->spans[at];
    if (sighting->last_us > span->last_us) span->last_us = sighting->last_us;
    span->to_server = sum(span->to_server, sighting->to_server);
    span->to_client = sum(span->to_client, sighting->to_client);
    if (span->settled) reach(join, span);
}

/* ---- Sightings ----------------------------------------------------------------------------------
 */

/* The newest connection, when nobody answered it and the sighting is a further line of a log that
 * saw it begin: the client repeats its SYN, each time after twice as long. */
static struct join_group *repeated(struct join *join, const struct join_sighting *sighting)
{
    const unsigned answered =
        1u << OUTCOME_ESTABLISHED | 1u << OUTCOME_REFUSED | 1u << OUTCOME_ACCESSED;
    bool unanswered =
        sighting->outcome == OUTCOME_BLOCKED || sighting->outcome == OUTCOME_NO_ANSWER;
    if (!join->n_open || !unanswered || !sighting->is_log || sighting->kind != JOIN_BEGINS)
        return NULL;
    struct join_group *group = &join->open[join->n_open - 1];
    const struct join_view *own = view_of(group, sighting->stream);
    int64_t tried_us = group->last_us - group->start_us;
    if (group->closes || group->outcomes & answered || !own || !own->began) return NULL;
    if (tried_us > JOIN_TRIES_US || sighting->start_us > group->last_us + tried_us + JOIN_TRY_US)
        return NULL;
    return group;
}

/* The group that the sighting is a part of; NULL = it begins one. */
static struct join_group *find(struct join *join, const struct join_sighting *sighting)
{
    struct join_group *other = NULL;
    bool closes = sighting->kind == JOIN_CLOSES;
    for (size_t i = 0; i < join->n_open; i++) {
        struct join_group *group = &join->open[i];
        if (group->closes != closes || group->start_us + JOIN_WINDOW_US < sighting->start_us)
            continue;
        const struct join_view *own = view_of(group, sighting->stream);
        /* The same start in one capture: a connection whose state was evicted and resumed. */
        if (own && own->began && (sighting->is_log || own->start_us == sighting->start_us))
            return group;
        if ((!own || !own->began) && !other) other = group;
    }
    return other ? other : repeated(join, sighting);
}

void join_add(struct join *join, const struct join_sighting *sighting)
{
    advance(join, sighting->start_us);
    if (sighting->kind == JOIN_CLOSES && join->opened) return;
    if (sighting->kind != JOIN_CLOSES) join->opened = true;
    if (sighting->kind == JOIN_WITHIN) {
        add_within(join, sighting);
        return;
    }
    struct join_group *group = find(join, sighting);
    if (!group) {
        group = new_group(join, sighting->start_us);
        group->closes = sighting->kind == JOIN_CLOSES;
        for (size_t i = 0; i < join->n_spans; i++)
            if (join->spans[i].settled) reach(join, &join->spans[i]);
    }
    group->counted = group->counted || sighting->kind == JOIN_COUNTED;
    group->counted_outcomes |= sighting->counted_outcomes;
    group->outcomes |= sighting->counted_outcomes;
    add_outcome(group, sighting->outcome);
    if (sighting->last_us > group->last_us) group->last_us = sighting->last_us;
    see(group, (struct join_view){
                   .stream = sighting->stream,
                   .is_log = sighting->is_log,
                   .began = sighting->kind != JOIN_COUNTED,
                   .start_us = sighting->start_us,
                   .to_server = sighting->to_server,
                   .to_client = sighting->to_client,
               });
}

void join_end(struct join *join)
{
    while (join->n_spans)
        end_span(join, 0);
    while (join->n_open)
        emit_at(join, 0);
    join->opened = false;
}

bool join_is_disputed(unsigned outcomes)
{
    const unsigned used = 1u << OUTCOME_ESTABLISHED | 1u << OUTCOME_ACCESSED;
    const unsigned failed = 1u << OUTCOME_REFUSED | 1u << OUTCOME_NO_ANSWER |
                            1u << OUTCOME_PROHIBITED | 1u << OUTCOME_BLOCKED;
    return outcomes & used && outcomes & failed;
}
