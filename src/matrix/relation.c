/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/relation.h"

#define X(name, how, base) {RELATION_##how, base},
static const struct relation_column flow_columns[] = {RELATION_FLOW(X)};
static const struct relation_column connection_columns[] = {RELATION_CONNECTION(X)};
static const struct relation_column trait_columns[] = {RELATION_TRAIT(X)};
static const struct relation_column name_columns[] = {RELATION_NAME(X)};
static const struct relation_column use_columns[] = {RELATION_USE(X)};
#undef X

#define RELATION(keys, columns)                                                                    \
    {                                                                                              \
        keys, COUNT_OF(columns), columns                                                           \
    }

const struct relation relations[RELATION_COUNT] = {
    [RELATION_OF_FLOW] = RELATION(FLOW_FIRST, flow_columns),
    [RELATION_OF_CONNECTION] = RELATION(CONNECTION_LAST, connection_columns),
    [RELATION_OF_TRAIT] = RELATION(TRAIT_COUNT, trait_columns),
    [RELATION_OF_NAME] = RELATION(NAME_FIRST, name_columns),
    [RELATION_OF_USE] = RELATION(USE_COUNT, use_columns),
};

int relation_compare(const struct relation *relation, const int64_t *a, const int64_t *b)
{
    for (size_t i = 0; i < relation->n_keys; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

static int64_t sum(int64_t a, int64_t b)
{
    int64_t total = 0;
    return num_add(a, b, &total) ? total : INT64_MAX;
}

void relation_merge(const struct relation *relation, int64_t *into, const int64_t *from)
{
    for (size_t i = relation->n_keys; i < relation->n_columns; i++) {
        switch (relation->columns[i].merge) {
        case RELATION_ADD:
            into[i] = sum(into[i], from[i]);
            break;
        case RELATION_MIN:
            if (from[i] < into[i]) into[i] = from[i];
            break;
        case RELATION_MAX:
            if (from[i] > into[i]) into[i] = from[i];
            break;
        case RELATION_WITNESS:
            if (from[i] > into[i] || (from[i] == into[i] && from[i + 1] >= into[i + 1])) break;
            into[i] = from[i];
            into[i + 1] = from[i + 1];
            break;
        case RELATION_KEY:
        case RELATION_WITH:
            break;
        }
    }
}

int64_t *relation_push(const struct relation *relation, struct arena *arena,
                       struct relation_rows *rows)
{
    size_t n = relation->n_columns;
    if (rows->n == rows->room) {
        size_t grown = rows->room ? 2 * rows->room : 64;
        int64_t *at = arena_array(arena, int64_t, grown * n);
        if (rows->n) memcpy(at, rows->at, rows->n * n * sizeof *at);
        rows->at = at;
        rows->room = grown;
    }
    return &rows->at[rows->n++ * n];
}

/* Merges two neighbouring sorted pieces of an order. */
static void merge_orders(const struct relation *relation, const int64_t *rows, const uint32_t *a,
                         size_t n_a, const uint32_t *b, size_t n_b, uint32_t *out)
{
    size_t n = relation->n_columns, i = 0, j = 0;
    while (i < n_a && j < n_b) {
        bool first = relation_compare(relation, &rows[a[i] * n], &rows[b[j] * n]) <= 0;
        out[i + j] = first ? a[i] : b[j];
        if (first)
            i++;
        else
            j++;
    }
    memcpy(out + i + j, a + i, (n_a - i) * sizeof *out);
    memcpy(out + n_a + j, b + j, (n_b - j) * sizeof *out);
}

/* By insertion, for the few rows that an edge has as a rule. */
static void sort_few(const struct relation *relation, int64_t *rows, size_t n_rows)
{
    size_t n = relation->n_columns;
    int64_t held[RELATION_MOST_COLUMNS];
    for (size_t i = 1; i < n_rows; i++) {
        size_t at = i;
        while (at && relation_compare(relation, &rows[(at - 1) * n], &rows[i * n]) > 0)
            at--;
        if (at == i) continue;
        memcpy(held, &rows[i * n], n * sizeof *rows);
        memmove(&rows[(at + 1) * n], &rows[at * n], (i - at) * n * sizeof *rows);
        memcpy(&rows[at * n], held, n * sizeof *rows);
    }
}

static void sort_many(const struct relation *relation, struct arena scratch, int64_t *rows,
                      size_t n_rows)
{
    size_t n = relation->n_columns;
    uint32_t *order = arena_array(&scratch, uint32_t, n_rows);
    uint32_t *other = arena_array(&scratch, uint32_t, n_rows);
    for (size_t i = 0; i < n_rows; i++)
        order[i] = (uint32_t)i;
    for (size_t width = 1; width < n_rows; width *= 2) {
        for (size_t at = 0; at < n_rows; at += 2 * width) {
            size_t n_a = n_rows - at < width ? n_rows - at : width;
            size_t left = n_rows - at - n_a;
            merge_orders(relation, rows, order + at, n_a, order + at + n_a,
                         left < width ? left : width, other + at);
        }
        uint32_t *held = order;
        order = other;
        other = held;
    }
    int64_t *sorted = arena_array(&scratch, int64_t, n_rows * n);
    for (size_t i = 0; i < n_rows; i++)
        memcpy(&sorted[i * n], &rows[order[i] * n], n * sizeof *rows);
    memcpy(rows, sorted, n_rows * n * sizeof *rows);
}

static bool is_sorted(const struct relation *relation, const int64_t *rows, size_t n_rows)
{
    size_t n = relation->n_columns;
    for (size_t i = 1; i < n_rows; i++)
        if (relation_compare(relation, &rows[(i - 1) * n], &rows[i * n]) >= 0) return false;
    return true;
}

void relation_settle(const struct relation *relation, struct arena scratch,
                     struct relation_rows *rows, size_t first)
{
    enum { FEW = 12 };
    size_t n = relation->n_columns, n_rows = rows->n - first, kept = 0;
    int64_t *at = rows->at ? &rows->at[first * n] : NULL;
    if (n_rows < 2 || is_sorted(relation, at, n_rows)) return;
    if (n_rows <= FEW)
        sort_few(relation, at, n_rows);
    else
        sort_many(relation, scratch, at, n_rows);
    for (size_t i = 1; i < n_rows; i++) {
        if (relation_compare(relation, &at[kept * n], &at[i * n]) == 0)
            relation_merge(relation, &at[kept * n], &at[i * n]);
        else if (++kept != i)
            memcpy(&at[kept * n], &at[i * n], n * sizeof *at);
    }
    rows->n = first + kept + 1;
}
