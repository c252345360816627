/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a membership file: it reads or says why not; every group is found by its SID, and
 * its computers are each there once. The same bytes as ranges of a cloud, since both are JSON of
 * others.
 */
#include "policy/membership.h"

#include "policy/service_tags.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BUDGET = 512 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", BUDGET, NULL);
    struct membership members = {0};
    struct prefix_set set = {0};
    struct err err = {0};
    str text = str_of_bytes((bytes){data, size});
    int64_t day = 0;
    if (membership_add(&members, S("fuzz.csv"), text, 0, &arena, &err)) {
        for (size_t i = 0; i < members.n; i++) {
            const struct membership_group *group = &members.groups[i];
            size_t n = 0;
            str missing;
            if (group->sid.len) assert(membership_group(&members, group->sid, arena) == group);
            const struct membership_member **computers =
                membership_computers(&members, group, &arena, &n, &missing);
            assert(n <= members.n_members);
            for (size_t k = 0; k < n; k++)
                assert(!computers[k]->is_group);
        }
    } else {
        assert(err.kind != ERR_NONE && err.text[0]);
    }
    if (!service_tags_find(text, S("S3"), &arena, &set, &day, &err)) assert(err.kind != ERR_NONE);
    arena_close(&arena);
    return 0;
}
