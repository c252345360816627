/* SPDX-License-Identifier: Apache-2.0 */
/* What the outputs of port scanners share (docs/evidence-scans.md): which ports are kept, the words
 * for their states, and the texts of nmap's SMB scripts.
 */
#pragma once

#include "evidence/observation.h"

/* A port as scanned. Only ports of table services become facts; false when the port is none. */
bool port_scan_tell(const struct fact_sink *sink, const struct listening *fact);
/* What was learned of the host's SMB server, whichever port it was learned on; nothing when neither
 * dialects nor signing are known. */
void port_scan_tell_smb(const struct fact_sink *sink, const struct listening *fact);
/* A name of the address. The text "\x00", which scripts print for NUL, ends it. */
void port_scan_tell_name(const struct fact_sink *sink, const struct identity *identity);

/* "open", "closed", "filtered", "open|filtered" (nobody answered: filtered), "closed|filtered";
 * false for others ("unfiltered": reachable, and nothing more is known). */
MUST_USE bool port_scan_state(str text, enum listening_state *out);
/* tcp, udp; others (sctp) are TRANSPORT_NONE. */
enum transport port_scan_transport(str text);

/* What the output of one nmap script says of the SMB server. */
struct port_scan_smb {
    uint8_t dialects;
    enum signing signing;        /* the weakest that was said */
    str name, full_name;         /* of the host, as it calls itself; point into the output */
    enum identity_source source; /* of the names */
};
/* id: of the script; output: its text. Adds to *smb; other scripts add nothing. */
void port_scan_script(str id, str output, struct port_scan_smb *smb);
