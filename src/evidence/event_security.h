/* SPDX-License-Identifier: Apache-2.0 */
/* What events of the Security log and of the firewall's say. Rows of the table in event.c. */
#pragma once

#include "evidence/event_talk.h"

event_talk_tell event_security_share_access; /* 5140, 5145 */
event_talk_tell event_security_logon;        /* 4624 */
event_talk_tell event_security_failed_logon; /* 4625 */
event_talk_tell event_security_ticket;       /* 4768, 4769 */
event_talk_tell event_security_share_change; /* 5142 to 5144 */
event_talk_tell event_security_change;       /* rules, settings, profiles */
