/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a file of exceptions: it reads or says why not, every place is named with the file,
 * and each record that is read has an owner, somebody else who approved it, and an end. */
#include "policy/exceptions.h"

#include "base/os_memory.h"
#include "policy/resolve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BUDGET = 512 << 20 };

static const char policy_text[] =
    "version: 1\n"
    "segments:\n"
    "  clients: {networks: [10.10.0.0/16], trust: managed, nat: [192.0.2.7]}\n"
    "  servers: {networks: [10.20.0.0/24, \"2001:db8::/64\"], trust: managed}\n"
    "groups: {files: {hosts: [10.20.0.21, fs01], vip: [10.20.0.99]}}\n";

static void check_record(const struct exception *e)
{
    assert(str_trim(e->owner).len && str_trim(e->reason).len && e->n_approvers);
    for (size_t i = 0; i < e->n_approvers; i++)
        assert(!str_equal_nocase(str_trim(e->approvers[i]), str_trim(e->owner)));
    assert(e->starts_us < e->expires_us);
    assert(exception_life(e, e->expires_us - 1) == EXCEPTION_ALIVE);
    assert(exception_life(e, e->expires_us) == EXCEPTION_EXPIRED);
    assert(!e->entry.except_from.n && !e->entry.except_to.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", BUDGET, NULL);
    struct os os = os_memory_world(os_memory_new(&arena));
    struct source_text file = {S("exceptions.yaml"), str_of_bytes((bytes){data, size})};
    struct diagnostics found = {0};
    struct policy policy;
    struct resolved resolved;
    struct err err = {0};
    if (!policy_parse(S("policy.yaml"), str_of(policy_text), &arena, &policy, &found)) abort();
    bool good = exceptions_parse(&file, &policy, zone_find(&os, S("+02:00"), &arena, &err), &arena,
                                 &policy.exceptions, &policy.n_exceptions, &found);
    assert(good == (found.n_errors == 0));
    for (size_t i = 0; i < found.n; i++)
        assert(found.items[i].file == &file && found.items[i].place.line >= 1);
    size_t n_living = 0;
    int64_t at = good && policy.n_exceptions ? policy.exceptions[0].expires_us - 1 : 0;
    for (size_t i = 0; i < policy.n_exceptions; i++) {
        check_record(&policy.exceptions[i]);
        n_living += exception_life(&policy.exceptions[i], at) == EXCEPTION_ALIVE;
    }
    struct diagnostics none = {0};
    if (!resolve_policy(&policy, NULL, at, true, &arena, &resolved, &none)) abort();
    assert(resolved.n_entries == n_living);
    arena_close(&arena);
    return 0;
}
