/* SPDX-License-Identifier: Apache-2.0 */
/* Edge: the only file that knows xxHash. */
#define XXH_STATIC_LINKING_ONLY /* the size of its state */
#include "base/fingerprint.h"

#include <xxhash.h>

static_assert(sizeof(XXH3_state_t) <= sizeof(struct fingerprint), "the library's state fits");
static_assert(_Alignof(XXH3_state_t) <= _Alignof(struct fingerprint), "and lies well");

static XXH3_state_t *state_of(struct fingerprint *print)
{
    return (XXH3_state_t *)(void *)print->state;
}

void fingerprint_start(struct fingerprint *print)
{
    memset(print, 0, sizeof *print);
    (void)XXH3_128bits_reset(state_of(print));
}

void fingerprint_add(struct fingerprint *print, bytes b)
{
    if (b.len) (void)XXH3_128bits_update(state_of(print), b.ptr, b.len);
}

struct fingerprint_value fingerprint_end(const struct fingerprint *print)
{
    struct fingerprint_value value;
    XXH128_canonical_t canonical;
    const void *state = print->state;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    memcpy(value.bytes, canonical.digest, sizeof value.bytes);
    return value;
}
