/* SPDX-License-Identifier: Apache-2.0 */
#include "report/drawing.h"

#include "base/map.h"
#include "report/html.h"
#include "report/picture.h"

/* One axis in the making: hosts by label, each with its segment. */
struct axis {
    struct picture_axis *items;
    size_t n, room;
    struct map by_label;
};

static size_t axis_put(struct axis *axis, struct arena *arena, str label, str group)
{
    bool fresh = false;
    str key = str_format(arena, "%.*s\n%.*s", STR_ARG(group), STR_ARG(label));
    uint64_t *at = map_put(&axis->by_label, arena, key, axis->n, &fresh);
    if (!fresh) return (size_t)*at;
    arena_grow(arena, axis->items, axis->n, axis->room);
    axis->items[axis->n] = (struct picture_axis){label, group};
    return axis->n++;
}

static int axis_order(const void *left, const void *right)
{
    const struct picture_axis *a = left, *b = right;
    int order = str_compare(a->group, b->group);
    return order ? order : str_compare_nocase(a->label, b->label);
}

/* Sorts by segment and gives each old position its new one. */
static size_t *axis_sort(struct axis *axis, struct arena *arena)
{
    size_t *moved = arena_array(arena, size_t, axis->n + 1);
    if (axis->n) qsort(axis->items, axis->n, sizeof *axis->items, axis_order);
    for (size_t i = 0; i < axis->n; i++)
        moved[*map_find(&axis->by_label,
                        str_format(arena, "%.*s\n%.*s", STR_ARG(axis->items[i].group),
                                   STR_ARG(axis->items[i].label)))] = i;
    return moved;
}

static str group_of(const struct report *report, struct endpoint end)
{
    str segment = report->labels->segment(report->labels->to, end);
    return segment.len ? segment : S("elsewhere");
}

static enum picture_verdict picture_verdict(enum simulate_verdict verdict)
{
    static const enum picture_verdict verdicts[SIMULATE_VERDICT_COUNT] = {
        [SIMULATE_KEPT] = PICTURE_KEPT,
        [SIMULATE_BROKEN] = PICTURE_BROKEN,
        [SIMULATE_STOPPED] = PICTURE_STOPPED,
        [SIMULATE_ESCAPED] = PICTURE_UNDECIDED,
        [SIMULATE_UNDECIDABLE] = PICTURE_UNDECIDED,
    };
    return verdicts[verdict];
}

struct drawing {
    struct axis clients, servers;
    struct picture_cell *cells;
    size_t n_cells, room;
    struct map by_pair; /* client and server position → cell */
};

/* Servers that never answered anyone may not exist: one column for all of a segment. */
struct silence {
    struct map answered; /* servers that did, once at least */
    struct map counts;   /* segment → how many did not */
};

static struct silence find_silence(const struct report *report, struct arena *arena)
{
    struct silence silence = {0};
    struct map counted = {0};
    const struct matrix_view *matrix = report->matrix;
    for (size_t i = 0; i < matrix->n_flows; i++)
        if (replay_server_answered(&matrix->flows[i]))
            map_put(&silence.answered, arena, view_end_text(arena, matrix->flows[i].server), 1,
                    NULL);
    for (size_t i = 0; i < matrix->n_flows; i++) {
        str server = view_end_text(arena, matrix->flows[i].server);
        bool fresh = false;
        if (map_find(&silence.answered, server)) continue;
        map_put(&counted, arena, server, 1, &fresh);
        if (fresh)
            ++*map_put(&silence.counts, arena, group_of(report, matrix->flows[i].server), 0, NULL);
    }
    return silence;
}

static str server_label(const struct silence *silence, const struct host_names *names,
                        struct arena *arena, struct endpoint server, str group)
{
    if (map_find(&silence->answered, view_end_text(arena, server)))
        return host_names_short(names, arena, server);
    return str_format(arena, "%" PRIu64 " silent", *map_find(&silence->counts, group));
}

static void draw_flow(struct drawing *d, const struct report *report, struct arena *arena,
                      const struct host_names *names, const struct silence *silence,
                      const struct matrix_flow *flow, enum picture_verdict verdict)
{
    size_t row = axis_put(&d->clients, arena, host_names_short(names, arena, flow->client),
                          group_of(report, flow->client));
    str group = group_of(report, flow->server);
    str server = server_label(silence, names, arena, flow->server, group);
    size_t column = axis_put(&d->servers, arena, server, group);
    bool fresh = false;
    str key = str_format(arena, "%zu %zu", row, column);
    uint64_t *at = map_put(&d->by_pair, arena, key, d->n_cells, &fresh);
    if (fresh) {
        arena_grow(arena, d->cells, d->n_cells, d->room);
        d->cells[d->n_cells++] = (struct picture_cell){.row = row, .column = column};
    }
    struct picture_cell *cell = &d->cells[*at];
    cell->flows++;
    if (verdict > cell->verdict) cell->verdict = verdict;
    if (!cell->title.len) cell->title = view_outcomes_text(arena, flow);
}

void drawing_write(struct buf *out, const struct report *report, const struct host_names *names,
                   struct arena *arena, struct arena scratch)
{
    const struct simulation *simulation = report->simulation;
    const struct simulated_ring *ring =
        simulation && simulation->n_rings ? &simulation->rings[simulation->n_rings - 1] : NULL;
    struct drawing d = {0};
    struct silence silence = find_silence(report, arena);
    if (ring)
        for (size_t i = 0; i < ring->n_flows; i++)
            draw_flow(&d, report, arena, names, &silence, ring->flows[i].flow,
                      picture_verdict((enum simulate_verdict)ring->flows[i].verdict));
    for (size_t i = 0; !ring && i < report->matrix->n_flows; i++)
        draw_flow(&d, report, arena, names, &silence, &report->matrix->flows[i], PICTURE_SEEN);

    const size_t *rows = axis_sort(&d.clients, arena), *columns = axis_sort(&d.servers, arena);
    for (size_t i = 0; i < d.n_cells; i++) {
        d.cells[i].row = rows[d.cells[i].row];
        d.cells[i].column = columns[d.cells[i].column];
    }
    struct picture picture = {
        d.clients.items, d.servers.items, d.clients.n, d.servers.n, d.cells, d.n_cells,
    };
    if (!d.n_cells) {
        html_raw(out, S("<p class=\"soft\">No conversation of a governed service was seen.</p>\n"));
        return;
    }
    html_raw(out, S("<figure>\n"));
    picture_draw(out, &picture, scratch);
    html_raw(
        out,
        S("<figcaption>Each row is a client, each column a server, in bands by segment. A cell is "
          "what was seen between them"));
    if (ring) html_raw(out, S(", judged with the policy on all machines"));
    html_raw(out,
             S(". Hold the pointer over a cell for more; on a small screen the picture scrolls "
               "sideways.</figcaption>\n</figure>\n"));
}
