/* SPDX-License-Identifier: Apache-2.0 */
/* What events of the SMB server, the SMB client and NTLM say. Rows of the table in event.c. */
#pragma once

#include "evidence/event_talk.h"

/* The SMB server's: sessions; SMB1; who came as nobody; who came as a guest. */
event_talk_tell event_smb_server, event_smb_server_smb1, event_smb_server_anonymous,
    event_smb_server_guest;
/* The SMB client's: sessions; as a guest; a server that answers with SMB1; attempts; ends. */
event_talk_tell event_smb_client, event_smb_client_guest, event_smb_client_smb1,
    event_smb_no_connection, event_smb_disconnected;
/* NTLM to a file server. */
event_talk_tell event_smb_ntlm;
