/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a list of people: it reads or says why not, and everybody in it is found by every
 * name they have. The same bytes as a file of groups, of which only users are read.
 */
#include "policy/people_directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BUDGET = 512 << 20 };

static void ask_for(const struct people_directory *directory, str name, struct arena scratch)
{
    const struct directory_person *person = NULL;
    str why;
    enum people_answer answer = people_directory_ask(directory, name, scratch, &person);
    assert(!name.len || answer == PEOPLE_THERE || answer == PEOPLE_DISABLED);
    bool left = people_directory_has_left(directory, name, &scratch, &why);
    assert(left == (why.len > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", BUDGET, NULL);
    for (int is_whole = 0; is_whole < 2; is_whole++) {
        struct people_directory directory = {0};
        struct err err = {0};
        str text = str_of_bytes((bytes){data, size});
        if (!people_directory_add(&directory, text, is_whole, 0, &arena, &err)) {
            assert(err.kind != ERR_NONE && err.text[0]);
            continue;
        }
        for (size_t i = 0; i < directory.n; i++) {
            const struct directory_person *one = &directory.items[i];
            ask_for(&directory, one->account, arena);
            ask_for(&directory, one->principal, arena);
            ask_for(&directory, one->mail, arena);
            ask_for(&directory, one->name, arena);
        }
    }
    arena_close(&arena);
    return 0;
}
