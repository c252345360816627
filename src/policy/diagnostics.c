/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/diagnostics.h"

void diagnostics_add(struct diagnostics *list, struct arena *arena, enum severity severity,
                     str kind, struct place place, str text)
{
    if (severity == SEVERITY_ERROR)
        list->n_errors++;
    else
        list->n_warnings++;
    if (list->n >= LIMIT_DIAGNOSTICS) return;
    arena_grow(arena, list->items, list->n, list->room);
    list->items[list->n++] = (struct diagnostic){severity, kind, place, list->file, text};
}

FORMAT_PRINTF(2, 0)
static str sentence(struct arena *arena, const char *format, va_list args)
{
    char text[1024];
    int len = vsnprintf(text, sizeof text, format, args);
    if (len < 0) return (str){0};
    size_t n = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    return str_copy(arena, (str){text, n});
}

void diagnostics_error(struct diagnostics *list, struct arena *arena, str kind, struct place place,
                       const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = sentence(arena, format, args);
    va_end(args);
    diagnostics_add(list, arena, SEVERITY_ERROR, kind, place, text);
}

void diagnostics_warn(struct diagnostics *list, struct arena *arena, str kind, struct place place,
                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = sentence(arena, format, args);
    va_end(args);
    diagnostics_add(list, arena, SEVERITY_WARNING, kind, place, text);
}

struct numbered {
    struct diagnostic item;
    size_t number;
};

static int file_order(const void *left, const void *right)
{
    const struct numbered *a = left, *b = right;
    if (!a->item.file != !b->item.file) return a->item.file ? 1 : -1;
    if (a->item.place.line != b->item.place.line)
        return a->item.place.line < b->item.place.line ? -1 : 1;
    if (a->item.place.column != b->item.place.column)
        return a->item.place.column < b->item.place.column ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

void diagnostics_sort(struct diagnostics *list, size_t first, struct arena *arena)
{
    if (list->n < first + 2) return;
    size_t n = list->n - first;
    struct numbered *order = arena_array(arena, struct numbered, n);
    for (size_t i = 0; i < n; i++)
        order[i] = (struct numbered){list->items[first + i], i};
    qsort(order, n, sizeof *order, file_order);
    for (size_t i = 0; i < n; i++)
        list->items[first + i] = order[i].item;
}

str diagnostics_suggest(struct arena *arena, str word, const str *candidates, size_t n)
{
    size_t best = SIZE_MAX;
    /* One slip per three letters, and never a word that shares nothing with what was written. */
    unsigned most = 1 + (unsigned)(word.len < 64 ? word.len : 64) / 3;
    unsigned least = most + 1;
    for (size_t i = 0; i < n; i++) {
        unsigned distance = str_distance(word, candidates[i]);
        if (distance >= least || distance >= candidates[i].len) continue;
        best = i;
        least = distance;
    }
    if (best == SIZE_MAX) return (str){0};
    return str_format(arena, ", did you mean \"%.*s\"?", STR_ARG(candidates[best]));
}

str diagnostics_quote(struct arena *arena, str word)
{
    enum { MOST = 60 };
    if (word.len <= MOST) return str_format(arena, "\"%.*s\"", STR_ARG(word));
    size_t n = 0, bad = 0;
    for (size_t step = 0; n < MOST; n += step) {
        step = str_utf8_next(str_tail(word, n), &bad);
        if (!step) step = bad;
        if (n + step > MOST) break;
    }
    return str_format(arena, "\"%.*s...\"", STR_ARG(str_head(word, n)));
}
