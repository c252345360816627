/* SPDX-License-Identifier: Apache-2.0 */
/* One event of Suricata to facts (docs/evidence-suricata.md). Field names are those of its own
 * sources; only what is read is listed.
 */
#pragma once

#include "base/zone.h"
#include "evidence/observation.h"

#define SURICATA_FIELDS(X)                                                                         \
    X(TIMESTAMP, "timestamp")                                                                      \
    X(EVENT_TYPE, "event_type")                                                                    \
    X(HOST, "host")                                                                                \
    X(FLOW_ID, "flow_id")                                                                          \
    X(SRC_IP, "src_ip")                                                                            \
    X(SRC_PORT, "src_port")                                                                        \
    X(DEST_IP, "dest_ip")                                                                          \
    X(DEST_PORT, "dest_port")                                                                      \
    X(PROTO, "proto")                                                                              \
    X(APP_PROTO, "app_proto")                                                                      \
    X(PACKETS_TO_SERVER, "flow.pkts_toserver")                                                     \
    X(PACKETS_TO_CLIENT, "flow.pkts_toclient")                                                     \
    X(BYTES_TO_SERVER, "flow.bytes_toserver")                                                      \
    X(BYTES_TO_CLIENT, "flow.bytes_toclient")                                                      \
    X(FLOW_START, "flow.start")                                                                    \
    X(FLOW_END, "flow.end")                                                                        \
    X(FLOW_STATE, "flow.state")                                                                    \
    X(FLOW_ACTION, "flow.action")                                                                  \
    X(ALERT_ACTION, "alert.action")                                                                \
    X(VERDICT, "verdict.action")                                                                   \
    X(TCP_FLAGS, "tcp.tcp_flags")                                                                  \
    X(TCP_FLAGS_TO_SERVER, "tcp.tcp_flags_ts")                                                     \
    X(TCP_FLAGS_TO_CLIENT, "tcp.tcp_flags_tc")                                                     \
    X(NETFLOW_BYTES, "netflow.bytes")                                                              \
    X(NETFLOW_START, "netflow.start")                                                              \
    X(NETFLOW_END, "netflow.end")                                                                  \
    X(SMB_DIALECT, "smb.dialect")                                                                  \
    X(SMB_COMMAND, "smb.command")                                                                  \
    X(SMB_STATUS, "smb.status")                                                                    \
    X(SMB_SHARE, "smb.share")                                                                      \
    X(SMB_NAMED_PIPE, "smb.named_pipe")                                                            \
    X(SMB_FILENAME, "smb.filename")                                                                \
    X(SMB_SHARE_TYPE, "smb.share_type")                                                            \
    X(SMB_SERVICE, "smb.service.response")                                                         \
    X(NTLM_DOMAIN, "smb.ntlmssp.domain")                                                           \
    X(NTLM_USER, "smb.ntlmssp.user")                                                               \
    X(NTLM_HOST, "smb.ntlmssp.host")                                                               \
    X(TICKET_REALM, "smb.kerberos.realm")                                                          \
    X(TICKET_SERVICE, "smb.kerberos.snames.0")                                                     \
    X(TICKET_HOST, "smb.kerberos.snames.1")                                                        \
    X(KRB5_CLIENT, "krb5.cname")                                                                   \
    X(KRB5_TYPE, "krb5.msg_type")                                                                  \
    X(PIPE_UUID_0, "smb.dcerpc.interfaces.0.uuid")                                                 \
    X(PIPE_UUID_1, "smb.dcerpc.interfaces.1.uuid")                                                 \
    X(PIPE_UUID_2, "smb.dcerpc.interfaces.2.uuid")                                                 \
    X(PIPE_UUID_3, "smb.dcerpc.interfaces.3.uuid")                                                 \
    X(RPC_UUID_0, "dcerpc.interfaces.0.uuid")                                                      \
    X(RPC_UUID_1, "dcerpc.interfaces.1.uuid")                                                      \
    X(RPC_UUID_2, "dcerpc.interfaces.2.uuid")                                                      \
    X(RPC_UUID_3, "dcerpc.interfaces.3.uuid")

enum suricata_field {
#define X(name, text) SURICATA_##name,
    SURICATA_FIELDS(X)
#undef X
        SURICATA_FIELD_COUNT
};

enum { SURICATA_INTERFACES = 4 /* that are read of one event */ };

struct suricata_event {
    str fields[SURICATA_FIELD_COUNT]; /* not said: NULL pointer */
    uint64_t offset;
    uint64_t hash; /* of the event's text */
};

struct suricata_talk; /* one per source; opaque */
struct suricata_talk *suricata_event_open(struct arena *arena, const struct fact_sink *sink,
                                          const struct zone *zone);
/* Calls sink.record, then what the event says.
 * fails: MALFORMED (no event, no time, no address), and nothing was told */
MUST_USE bool suricata_event_tell(struct suricata_talk *talk, const struct suricata_event *event,
                                  struct arena scratch, struct err *err);
/* Tells what still waits for its other half. */
void suricata_event_close(struct suricata_talk *talk);

/* For a look before an event is read: counts one that is of no use, unless its time can't be read
 * or one of its ports is of a service. */
MUST_USE bool suricata_event_passes(struct suricata_talk *talk, const uint16_t ports[2], str time);
