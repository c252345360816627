/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/set_words.h"

enum { EXCEPTED_MOST = 4 }; /* ranges after "except": more are no shorter than the addresses */

struct wording {
    const struct resolved *resolved;
    struct prefix_set set, left; /* left: not said yet */
    str *items;
    size_t n, room;
    struct arena *arena, *work;
};

str set_words_range(struct range range, struct arena *arena)
{
    char first[PREFIX_TEXT], last[ADDR_TEXT];
    struct prefix_set one = {&range, 1};
    size_t n;
    struct prefix *p = prefix_set_prefixes(arena, one, &n);
    if (n == 1) {
        str text = prefix_text(first, p[0]);
        str address = addr_text(last, range.first);
        return str_copy(arena, addr_equal(range.first, range.last) ? address : text);
    }
    str a = addr_text(first, range.first), b = addr_text(last, range.last);
    return str_format(arena, "%.*s-%.*s", STR_ARG(a), STR_ARG(b));
}

static void say(struct wording *w, str text, struct prefix_set said)
{
    arena_grow(w->arena, w->items, w->n, w->room);
    w->items[w->n++] = text;
    w->left = prefix_set_subtract(w->work, w->left, said);
}

/* A name whose addresses all are in the set. */
static void say_whole(struct wording *w, str name, struct prefix_set named)
{
    if (prefix_set_is_empty(named) || !prefix_set_covers(w->set, named)) return;
    if (!prefix_set_overlaps(w->left, named)) return;
    say(w, name, named);
}

/* A name of which only a few ranges are not in the set. */
static void say_except(struct wording *w, str name, struct prefix_set named)
{
    if (!prefix_set_overlaps(w->left, named)) return;
    struct prefix_set out = prefix_set_subtract(w->work, named, w->set);
    struct prefix_set in = prefix_set_intersect(w->work, named, w->left);
    if (out.n > EXCEPTED_MOST || out.n >= in.n) return;
    struct buf text = buf_in(w->arena);
    buf_format(&text, "%.*s except", STR_ARG(name));
    for (size_t i = 0; i < out.n; i++)
        buf_format(&text, " %.*s", STR_ARG(set_words_range(out.ranges[i], w->work)));
    say(w, buf_text(&text), prefix_set_subtract(w->work, named, out));
}

static void say_names(struct wording *w, void (*how)(struct wording *, str, struct prefix_set))
{
    static const enum builtin builtins[] = {BUILTIN_ANY, BUILTIN_MANAGED, BUILTIN_UNTRUSTED};
    static const enum builtin outside[] = {BUILTIN_UNKNOWN, BUILTIN_INTERNET};
    const struct resolved *r = w->resolved;
    for (size_t i = 0; i < COUNT_OF(builtins); i++)
        how(w, builtin_text(builtins[i]), r->builtins[builtins[i]]);
    for (size_t i = 0; i < r->policy->n_segments; i++)
        how(w, r->policy->segments[i].name, r->places.segments[i]);
    for (size_t i = 0; i < COUNT_OF(outside); i++)
        how(w, builtin_text(outside[i]), r->builtins[outside[i]]);
    for (size_t i = 0; i < r->policy->n_groups; i++)
        how(w, r->policy->groups[i].name, r->groups[i]);
}

struct set_words set_words_of(const struct resolved *resolved, struct prefix_set set,
                              struct arena *arena, struct arena scratch)
{
    struct wording w = {
        .resolved = resolved, .set = set, .left = set, .arena = arena, .work = &scratch};
    if (prefix_set_equal(set, (struct prefix_set){&addr_all, 1})) say(&w, S("every address"), set);
    if (resolved) say_names(&w, say_whole);
    if (resolved) say_names(&w, say_except);
    struct prefix_set families[] = {prefix_set_v4(&scratch, w.left),
                                    prefix_set_v6(&scratch, w.left)};
    for (size_t f = 0; f < COUNT_OF(families); f++)
        for (size_t i = 0; i < families[f].n; i++) {
            arena_grow(arena, w.items, w.n, w.room);
            w.items[w.n++] = set_words_range(families[f].ranges[i], arena);
        }
    return (struct set_words){w.items, w.n};
}

str set_words_text(const struct set_words *words, size_t most, struct arena *arena)
{
    struct buf text = buf_in(arena);
    size_t shown = most && words->n > most ? most : words->n;
    for (size_t i = 0; i < shown; i++)
        buf_format(&text, "%s%.*s", i ? ", " : "", STR_ARG(words->items[i]));
    if (shown < words->n) buf_format(&text, " and %zu more", words->n - shown);
    return buf_text(&text);
}
