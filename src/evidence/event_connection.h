/* SPDX-License-Identifier: Apache-2.0 */
/* What events about connections and packets say. Rows of the table in event.c. */
#pragma once

#include "evidence/event_talk.h"

event_talk_tell event_connection_filtered; /* 5156, 5157 */
event_talk_tell event_connection_dropped;  /* 5152 */
event_talk_tell event_connection_sysmon;   /* Sysmon 3 */
