/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a Zeek log. */
#include "evidence/sensor_digest.h"

extern const struct reader zeek_reader;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return sensor_digest_check(&zeek_reader, data, size);
}
