/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/join.h"

int join_compare(const struct join_sighting *a, const struct join_sighting *b)
{
    if (a->start_us != b->start_us) return a->start_us < b->start_us ? -1 : 1;
    if (a->closes != b->closes) return a->closes ? 1 : -1;
    if (a->outcome != b->outcome) return a->outcome < b->outcome ? -1 : 1;
    return a->stream < b->stream ? -1 : a->stream > b->stream;
}

static void emit_first(struct join *join)
{
    const struct join_group *group = &join->open[0];
    struct join_connection c = {.start_us = group->start_us, .outcomes = group->outcomes};
    for (size_t i = 0; i < group->n_streams; i++) {
        const struct join_sighting *s = &group->streams[i];
        if (s->to_server > c.to_server) c.to_server = s->to_server;
        if (s->to_client > c.to_client) c.to_client = s->to_client;
    }
    join->emit(join->to, &c);
    join->n_open--;
    memmove(&join->open[0], &join->open[1], join->n_open * sizeof join->open[0]);
}

static struct join_sighting *of_stream(struct join_group *group, uint32_t stream)
{
    for (size_t i = 0; i < group->n_streams; i++)
        if (group->streams[i].stream == stream) return &group->streams[i];
    return NULL;
}

static int64_t sum(int64_t a, int64_t b)
{
    int64_t total = 0;
    return num_add(a, b, &total) ? total : INT64_MAX;
}

/* The group that the sighting is a part of; NULL = it begins one. */
static struct join_group *find(struct join *join, const struct join_sighting *sighting)
{
    struct join_group *other = NULL;
    for (size_t i = 0; i < join->n_open; i++) {
        struct join_group *group = &join->open[i];
        if (group->closes != sighting->closes) continue;
        const struct join_sighting *own = of_stream(group, sighting->stream);
        /* The same start in one capture: a connection whose state was evicted and resumed. */
        if (own && (sighting->is_log || own->start_us == sighting->start_us)) return group;
        if (!own && !other) other = group;
    }
    return other;
}

void join_add(struct join *join, const struct join_sighting *sighting)
{
    while (join->n_open && join->open[0].start_us < sighting->start_us - JOIN_WINDOW_US)
        emit_first(join);
    if (sighting->closes && join->opened) return;
    if (!sighting->closes) join->opened = true;

    struct join_group *group = find(join, sighting);
    if (!group) {
        if (join->n_open == JOIN_OPEN) emit_first(join);
        group = &join->open[join->n_open++];
        *group = (struct join_group){.start_us = sighting->start_us, .closes = sighting->closes};
    }
    if (sighting->outcome != OUTCOME_NONE) group->outcomes |= (uint16_t)(1u << sighting->outcome);
    struct join_sighting *own = of_stream(group, sighting->stream);
    if (own) {
        own->to_server = sum(own->to_server, sighting->to_server);
        own->to_client = sum(own->to_client, sighting->to_client);
    } else if (group->n_streams < JOIN_STREAMS)
        group->streams[group->n_streams++] = *sighting;
}

void join_end(struct join *join)
{
    while (join->n_open)
        emit_first(join);
    join->opened = false;
}
