/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an entry of the ledger about people: who wrote it and what it says are read or
 * refused, and what was read comes back the same when it is written. The same bytes as a token, and
 * as names of people.
 */
#include "ledger/people_change.h"

#include "ledger/tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BUDGET = 256 << 20 };

static void read_entry(str body, struct arena *arena)
{
    struct people_change change = {0}, again = {0};
    struct actor actor = {0}, same = {0};
    struct err err = {0};
    str part = {0};
    if (!actor_of_entry(body, arena, &actor, &part, &err)) {
        assert(err.kind != ERR_NONE && err.offset <= body.len);
        return;
    }
    assert(actor_read(actor_json(&actor, arena), arena, &same, &err));
    assert(str_equal(actor_json(&actor, arena), actor_json(&same, arena)));
    if (!people_change_read(part, arena, &change, &err)) return;
    str written = people_change_json(&change, arena);
    assert(people_change_read(written, arena, &again, &err));
    assert(str_equal(written, people_change_json(&again, arena)));
}

static void read_names(str text, struct arena *arena)
{
    struct err err = {0};
    str head, tail, id;
    (void)str_cut(text, '\n', &head, &tail);
    bool same = actor_same_person(head, tail);
    assert(same == actor_same_person(tail, head) && actor_same_person(head, head));
    str left = actor_person_key(head, arena), right = actor_person_key(tail, arena);
    assert(same == str_equal(left, right));
    if (people_name_fits(head, "a name", &err))
        assert(head.len && head.len <= LIMIT_PERSON_NAME && !memchr(head.ptr, '\n', head.len));
    if (tokens_id(text, &id)) assert(text.len == id.len + 3 + 1 + 43);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", BUDGET, NULL);
    str text = str_of_bytes((bytes){data, size});
    read_entry(text, &arena);
    read_names(text, &arena);
    arena_close(&arena);
    return 0;
}
