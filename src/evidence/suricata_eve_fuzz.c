/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as Suricata's events. */
#include "evidence/sensor_digest.h"

extern const struct reader suricata_eve_reader;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return sensor_digest_check(&suricata_eve_reader, data, size);
}
