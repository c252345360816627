/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a policy: it parses or says why not, every place lies in the file, and what parses
 * resolves to a partition of all addresses. */
#include "policy/document.h"
#include "policy/resolve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BUDGET = 512 << 20 };

static void check_places(struct arena *arena, str text, const struct diagnostics *found)
{
    size_t n = 0;
    const str *lines = document_lines(text, arena, &n);
    for (size_t i = 0; i < found->n; i++) {
        struct place place = found->items[i].place;
        assert(place.line >= 1 && place.line <= n + 1 && place.column >= 1);
        str line = place.line <= n ? lines[place.line - 1] : (str){0};
        /* libyaml points one past the end for what ends too early. */
        assert(place.column <= line.len + 2);
        assert(found->items[i].kind.len && found->items[i].text.len);
    }
}

static void check_resolved(struct arena *arena, const struct resolved *r)
{
    struct prefix_set all = prefix_set_union(arena, r->places.unknown, r->places.internet);
    all = prefix_set_union(arena, all, r->places.local);
    for (size_t i = 0; i < r->policy->n_segments; i++) {
        assert(!prefix_set_overlaps(all, r->places.segments[i]));
        all = prefix_set_union(arena, all, r->places.segments[i]);
    }
    assert(all.n == 1 && addr_equal(all.ranges[0].first, addr_all.first) &&
           addr_equal(all.ranges[0].last, addr_all.last));
    assert(prefix_set_covers(r->managed, r->enforcing));
    assert(!prefix_set_overlaps(r->enforcing, r->unmanaged_members));
    for (size_t p = 0; p < PROFILE_COUNT; p++) {
        struct prefix_set modes = {0};
        for (size_t m = MODE_ENFORCE; m <= MODE_OFF; m++) {
            assert(!prefix_set_overlaps(modes, r->modes[p][m]));
            modes = prefix_set_union(arena, modes, r->modes[p][m]);
        }
        assert(prefix_set_equal(modes, r->enforcing));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", BUDGET, NULL);
    struct diagnostics found = {0};
    struct policy policy;
    struct resolved resolved;
    str text = str_of_bytes((bytes){data, size});
    bool good = policy_parse(S("policy.yaml"), text, &arena, &policy, &found);
    assert(good == (found.n_errors == 0));
    if (good && resolve_policy(&policy, NULL, 0, true, &arena, &resolved, &found))
        check_resolved(&arena, &resolved);
    check_places(&arena, text, &found);
    arena_close(&arena);
    return 0;
}
