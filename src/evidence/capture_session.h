/* SPDX-License-Identifier: Apache-2.0 */
/* What SMB told within one TCP conversation. A session is made when the first SMB message (or
 * NetBIOS session request) is met, so a scan of a million ports costs none. Sessions come from a
 * fixed pool; names are interned once per capture; lists grow in steps that are given back.
 */
#pragma once

#include "evidence/observation.h"
#include "wire/stream.h"

enum session_name {
    NAME_USER,
    NAME_CLIENT,
    NAME_SERVER,
    NAME_SHARE,
    NAME_PIPE,
    NAME_INTERFACE,
    NAME_KINDS
};

/* Facts about one conversation, ready for an observation. The lists last until the next call. */
struct capture_summary {
    int client_half; /* as SMB requests tell; -1 = none seen */
    bool is_smb;
    struct smb_facts smb;
    struct names names[NAME_KINDS];
    struct names shares_refused;
};

struct capture_sessions;
/* max: of sessions at once, as many as there are streams. The sink gets identities as they are
 * met. */
struct capture_sessions *capture_session_open(struct arena *arena, size_t max,
                                              const struct fact_sink *sink);
void capture_session_close(struct capture_sessions *sessions);
/* One SMB item of a stream, captured at that place; see framing_user. */
size_t capture_session_item(struct capture_sessions *sessions, struct stream *stream, unsigned half,
                            const struct framing_item *item, struct stream_place place);
void capture_session_summary(struct capture_sessions *sessions, const struct stream *stream,
                             struct capture_summary *out);
/* Gives the uses of shares and pipes to the sink; key has the members that name the connection. */
void capture_session_uses(struct capture_sessions *sessions, const struct stream *stream,
                          const struct use *key);
void capture_session_end(struct capture_sessions *sessions, struct stream *stream);
/* Names and uses that found no room. */
uint64_t capture_session_dropped(const struct capture_sessions *sessions);
/* Bytes touched. */
uint64_t capture_session_memory(const struct capture_sessions *sessions);
