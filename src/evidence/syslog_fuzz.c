/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/log_heard.h"

extern const struct reader syslog_reader;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return log_fuzz(&syslog_reader, (str){0}, data, size);
}
