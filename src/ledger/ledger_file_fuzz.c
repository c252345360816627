/* SPDX-License-Identifier: Apache-2.0 */
/* Exported ledgers from outside: whatever they are, a verdict comes out; and only one file has the
 * entries and the head that one says it has: no byte behind one that holds.
 */
#include "ledger/ledger_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
    bytes rest;
};

static bool read_memory(void *from, uint8_t *into, size_t room, size_t *n, struct err *err)
{
    struct memory *memory = from;
    (void)err;
    *n = memory->rest.len < room ? memory->rest.len : room;
    if (*n) memcpy(into, memory->rest.ptr, *n);
    memory->rest = (bytes){memory->rest.ptr + *n, memory->rest.len - *n};
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("ledger_file_fuzz", 512 << 20, NULL);
    struct memory memory = {
        {data, size}
    };
    struct ledger_question question = {0};
    struct ledger_verdict verdict = {0};
    struct err err = {0};
    bool fine = ledger_file_verify((struct ledger_file_source){&memory, read_memory}, &question,
                                   &arena, &verdict, &err);
    assert(fine);
    assert((verdict.fault == LEDGER_FAULT_NONE) == !verdict.text.len);
    if (verdict.fault == LEDGER_FAULT_NONE) assert(verdict.entries && data[size - 1] == '\n');
    arena_close(&arena);
    return 0;
}
