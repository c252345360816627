/* SPDX-License-Identifier: Apache-2.0 */
/* What an event of Suricata tells of SMB itself. */
#pragma once

#include "evidence/suricata_event.h"

struct suricata_smb {
    uint8_t dialects;                      /* bit set of enum dialect */
    uint8_t auths;                         /* bit set of enum auth */
    str user, client, server, share, pipe; /* empty: not said */
    str interfaces[SURICATA_INTERFACES];
    size_t n_interfaces;
    bool refused;    /* the share */
    bool is_printer; /* the share is a print queue */
    bool failed;     /* the logon */
};

bool suricata_smb_is(const struct suricata_event *event);
struct suricata_smb suricata_smb_of(const struct suricata_event *event, struct arena *scratch);
