/* SPDX-License-Identifier: Apache-2.0 */
/* What the functions that tell of events share: the event's values by their meaning, what earlier
 * events of the source told, and how facts are made and given. Internal to evidence/event*.c.
 *
 * Memory is of fixed size. Full: the one of four that was used least recently makes room, and its
 * later events go without.
 */
#pragma once

#include "evidence/event.h"

/* What a value means, whatever its event calls it. */
enum event_talk_value {
    CLIENT_ADDRESS,
    CLIENT_PORT,
    CLIENT_NAME,
    USER_SID,
    USER_NAME,
    USER_DOMAIN,
    LOGON,
    LOGON_TYPE,
    PACKAGE,
    LM_PACKAGE,
    SHARE,
    SHARE_FOLDER,
    RELATIVE_NAME,
    SOURCE_ADDRESS,
    SOURCE_PORT,
    SOURCE_NAME,
    DESTINATION_ADDRESS,
    DESTINATION_PORT,
    DESTINATION_NAME,
    PROTOCOL,
    DIRECTION,
    INITIATED,
    IMAGE,
    UTC_TIME,
    STATUS,
    SERVER_NAME,
    SERVER_ADDRESS,
    ENCRYPTED,
    SUBJECT,
    DETAIL,
    VALUE_COUNT
};

/* What is remembered of a logon, or of a client's port. */
enum { EVENT_TALK_NAME = 32 };
struct event_talk_recalled {
    uint64_t key;  /* 0 = free */
    uint64_t used; /* when, counted in uses */
    struct addr client;
    uint16_t port;
    uint8_t auths; /* bit set of enum auth */
    uint8_t name_len;
    char name[EVENT_TALK_NAME]; /* of the client; longer ones are not kept */
};

struct event_talk_recall {
    struct event_talk_recalled *items; /* LIMIT_EVENT_RECALL of them */
    uint64_t uses;
};

/* Own addresses and identities told lately; a slot that is taken is told again, no harm. */
enum { EVENT_TALK_TOLD = 256 };
struct event_talk_told {
    uint64_t key;
    int64_t at_us;
};

struct event_talk {
    struct fact_sink sink;
    struct event_talk_recall logons;   /* by computer and logon id */
    struct event_talk_recall services; /* by computer, client address and port */
    struct event_talk_told told[EVENT_TALK_TOLD];

    /* The event that is being told. */
    const struct event *event;
    uint64_t computer; /* hash of its name without case */
    int64_t at_us;
    uint8_t assumed;
    uint8_t tells; /* its row's enum outcome or enum change_kind */
    str text;      /* its row's: what is counted, or the subject of a change that names none */
    /* Texts made of several values. */
    char user[2 * LIMIT_NAME_BYTES + 1];
    char share[2 * LIMIT_NAME_BYTES + 4];
};

/* v: the event's values, by enum event_talk_value. */
typedef void event_talk_tell(struct event_talk *talk, const str *v);

/* Of a name without case. */
uint64_t event_talk_hash(str s);

/* A list of that name, or none of an empty one. */
struct names event_talk_one(const str *name);
/* DOMAIN\user; empty for nobody. Valid until the next call, as is the share. */
str event_talk_user(struct event_talk *talk, str domain, str name);
/* `\\*\X` and "X" on FS01 are \\FS01\X. */
str event_talk_share(struct event_talk *talk, str host, str share);
struct endpoint event_talk_endpoint(str name);
bool event_talk_is_anonymous(const str *v);
bool event_talk_is_guest(const str *v);
uint8_t event_talk_auths(const str *v); /* bit set of enum auth */

/* Made of the event; the caller fills what it knows. smb: on the usual port, assumed. */
struct observation event_talk_observation(const struct event_talk *talk, enum outcome outcome);
struct observation event_talk_smb(const struct event_talk *talk, enum outcome outcome);
struct use event_talk_use(const struct observation *fact, str share, str user);

/* address answers to name; nothing for what names no host. */
void event_talk_identity(struct event_talk *talk, struct addr addr, str name,
                         enum identity_source source);
/* An address of the computer itself. */
void event_talk_local(struct event_talk *talk, struct addr addr);
void event_talk_unplaced(struct event_talk *talk, str what);
/* An event that is only counted. */
event_talk_tell event_talk_counted;

/* Which port of this computer a client's port had reached; 0 = nobody said. */
void event_talk_reached(struct event_talk *talk, struct addr client, uint16_t client_port,
                        uint16_t port);
uint16_t event_talk_port_reached(struct event_talk *talk, struct addr client, uint16_t client_port);
/* A logon of this computer by its id; NULL when it is not known and not to be made. */
struct event_talk_recalled *event_talk_logon(struct event_talk *talk, str logon, bool make);
