/* SPDX-License-Identifier: Apache-2.0 */
/* What CEF and LEEF share: a vendor's record in a common vocabulary of keys, which the two spell
 * differently.
 */
#pragma once

#include "evidence/syslog.h"

enum siem_key {
    SIEM_SOURCE,
    SIEM_SOURCE_V6,
    SIEM_SOURCE_NAME,
    SIEM_SOURCE_PORT,
    SIEM_DESTINATION,
    SIEM_DESTINATION_V6,
    SIEM_DESTINATION_NAME,
    SIEM_DESTINATION_PORT,
    SIEM_PROTOCOL,
    SIEM_ACTION,
    SIEM_OUTCOME,
    SIEM_AT,
    SIEM_START,
    SIEM_END,
    SIEM_DURATION, /* seconds before SIEM_AT */
    SIEM_COUNT,
    SIEM_SENT, /* bytes by the source */
    SIEM_RECEIVED,
    SIEM_USER,
    SIEM_DEVICE,
    SIEM_DEVICE_ADDRESS,
    SIEM_KEYS
};

struct siem_name {
    str text;
    enum siem_key key;
};

struct siem_event {
    enum syslog_product product;
    str values[SIEM_KEYS];
};

enum syslog_product siem_event_product(str vendor);
/* The first value of a key counts; unknown keys are passed over. */
void siem_event_put(struct siem_event *event, const struct siem_name *names, size_t n, str key,
                    str value);
void siem_event_tell(struct syslog *log, const struct syslog_line *line, bool cut,
                     const struct siem_event *event);
