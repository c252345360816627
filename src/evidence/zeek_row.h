/* SPDX-License-Identifier: Apache-2.0 */
/* One row of a Zeek log to facts, the same for tab separated logs and JSON (docs/evidence-zeek.md).
 * Field names are those of Zeek's base scripts; only what is read is listed.
 */
#pragma once

#include "base/zone.h"
#include "evidence/observation.h"
#include "evidence/port_set.h"

#define ZEEK_LOGS(X)                                                                               \
    X(CONN, "conn")                                                                                \
    X(SMB_MAPPING, "smb_mapping")                                                                  \
    X(SMB_FILES, "smb_files")                                                                      \
    X(SMB_CMD, "smb_cmd")                                                                          \
    X(NTLM, "ntlm")                                                                                \
    X(KERBEROS, "kerberos")                                                                        \
    X(DCE_RPC, "dce_rpc")                                                                          \
    X(KNOWN_SERVICES, "known_services")

enum zeek_log {
    ZEEK_OTHER, /* of no use: dns, http, ... */
#define X(name, text) ZEEK_##name,
    ZEEK_LOGS(X)
#undef X
        ZEEK_LOG_COUNT
};

/* The names as in JSON too; there, dots may be underscores. */
#define ZEEK_FIELDS(X)                                                                             \
    X(TS, "ts")                                                                                    \
    X(ORIG_HOST, "id.orig_h")                                                                      \
    X(ORIG_PORT, "id.orig_p")                                                                      \
    X(RESP_HOST, "id.resp_h")                                                                      \
    X(RESP_PORT, "id.resp_p")                                                                      \
    X(PROTO, "proto")                                                                              \
    X(SERVICE, "service")                                                                          \
    X(DURATION, "duration")                                                                        \
    X(ORIG_BYTES, "orig_bytes")                                                                    \
    X(RESP_BYTES, "resp_bytes")                                                                    \
    X(CONN_STATE, "conn_state")                                                                    \
    X(PATH, "path")                                                                                \
    X(SHARE_TYPE, "share_type")                                                                    \
    X(ACTION, "action")                                                                            \
    X(NAME, "name")                                                                                \
    X(COMMAND, "command")                                                                          \
    X(STATUS, "status")                                                                            \
    X(VERSION, "version")                                                                          \
    X(TREE, "tree")                                                                                \
    X(USERNAME, "username")                                                                        \
    X(HOSTNAME, "hostname")                                                                        \
    X(DOMAINNAME, "domainname")                                                                    \
    X(SERVER_NETBIOS, "server_nb_computer_name")                                                   \
    X(SERVER_DNS, "server_dns_computer_name")                                                      \
    X(SUCCESS, "success")                                                                          \
    X(REQUEST_TYPE, "request_type")                                                                \
    X(CLIENT, "client")                                                                            \
    X(NAMED_PIPE, "named_pipe")                                                                    \
    X(ENDPOINT, "endpoint")                                                                        \
    X(OPERATION, "operation")                                                                      \
    X(HOST, "host")                                                                                \
    X(PORT_NUMBER, "port_num")                                                                     \
    X(PORT_PROTO, "port_proto")

enum zeek_field {
#define X(name, text) ZEEK_FIELD_##name,
    ZEEK_FIELDS(X)
#undef X
        ZEEK_FIELD_COUNT
};

struct zeek_row {
    enum zeek_log log;
    /* Decoded. Not set: NULL pointer. Set and empty ("(empty)"): length 0. */
    str fields[ZEEK_FIELD_COUNT];
    uint64_t offset;
    uint64_t hash;           /* of the row's text */
    const struct zone *zone; /* of times without an offset; NULL = not given */
};

enum zeek_log zeek_log_of(str name); /* "conn"; ZEEK_OTHER when not one that is read */
str zeek_field_name(enum zeek_field field);
/* Which log has fields like these, when no name says it. */
enum zeek_log zeek_row_guess(const struct zeek_row *row);

/* The time of a row: epoch seconds, or what evidence/log_time reads (zeek-cut -d writes such); 0
 * for the XXXXXXXXXX.XXXXXX that stands for one in logs whose times were taken out. False when it
 * is neither. */
MUST_USE bool zeek_row_time(str text, const struct zone *zone, int64_t *out_us, bool *is_assumed);

/* Calls sink.record, then what the row says. False, and nothing told, when it can't be read: *why
 * is the reason. */
MUST_USE bool zeek_row_tell(const struct zeek_row *row, const struct port_set *ports,
                            const struct fact_sink *sink, struct arena scratch, str *why);
