/* SPDX-License-Identifier: Apache-2.0 */
/* SMB 2 and 3 messages ([MS-SMB2] 2.2): headers, and the bodies that tell who, where and how
 * secured. A reader takes one command (a compound is cut before), from its header on, possibly cut
 * short; it gives what is there and false when a field it promises is not.
 */
#pragma once

#include "base/cursor.h"

enum { SMB2_HEADER_BYTES = 64 };

enum smb2_command {
    SMB2_NEGOTIATE = 0,
    SMB2_SESSION_SETUP = 1,
    SMB2_LOGOFF = 2,
    SMB2_TREE_CONNECT = 3,
    SMB2_TREE_DISCONNECT = 4,
    SMB2_CREATE = 5,
    SMB2_READ = 8,
    SMB2_WRITE = 9,
    SMB2_IOCTL = 11,
    SMB2_COMMANDS = 20, /* with those of [MS-SMB2] 2.2.1.2 and a notification from the server */
};

enum smb2_flag {
    SMB2_RESPONSE = 0x01,
    SMB2_ASYNC = 0x02,
    SMB2_RELATED = 0x04,
    SMB2_SIGNED = 0x08,
};

enum { SMB2_SIGNING_ENABLED = 1, SMB2_SIGNING_REQUIRED = 2 };
enum { SMB2_SESSION_GUEST = 1, SMB2_SESSION_NULL = 2, SMB2_SESSION_ENCRYPT = 4 };
enum { SMB2_SHARE_PIPE = 2, SMB2_SHARE_PRINT = 3 };
enum { SMB2_DIALECT_WILDCARD = 0x02FF, SMB2_DIALECT_3_1_1 = 0x0311 };

enum smb2_status {
    SMB2_STATUS_SUCCESS = 0,
    SMB2_STATUS_PENDING = 0x00000103,
    SMB2_STATUS_MORE_PROCESSING = 0xC0000016,
};

struct smb2_header {
    uint32_t status; /* in a request: channel sequence */
    uint16_t command;
    uint32_t flags;
    uint32_t next;
    uint64_t message_id;
    uint32_t tree_id; /* 0 in an asynchronous message */
    uint64_t session_id;
};

/* What a body told; members that its command has not are zero. */
struct smb2_body {
    uint16_t security_mode;
    uint16_t dialect;
    uint16_t session_flags;
    uint8_t share_type;
    bytes token;    /* of a negotiate or session setup */
    bytes name;     /* UTF-16: path of a tree connect, name of a create */
    bytes data;     /* the beginning of what is written to a pipe */
    bytes contexts; /* of a 3.1.1 negotiate response */
    uint16_t n_contexts;
};

/* [MS-SMB2] 2.2.4.1, 2.2.3.1.2, 2.2.3.1.3 */
struct smb2_contexts {
    uint16_t cipher; /* the server's choice; 0 = none */
    bool compression;
};

/* Whether head (at least 8 bytes) begins a message or command of that length. */
bool smb2_is_plausible(bytes head, size_t length);
bool smb2_transform_is_plausible(bytes head, size_t length);
bool smb2_compression_is_plausible(bytes head, size_t length);
/* The length of the first command of a compound, whose message has message_left bytes left. */
size_t smb2_item_length(bytes head, size_t message_left);
/* How many bytes of a command must be seen to learn all that smb2_body_read gives. */
size_t smb2_need(bytes head, size_t length);

MUST_USE bool smb2_header_read(bytes head, struct smb2_header *out);
/* What the contexts of a negotiate response say, as far as they were captured. */
struct smb2_contexts smb2_contexts_read(const struct smb2_body *body);
/* False when the body is of no interest, an error response, or was cut off. */
MUST_USE bool smb2_body_read(bytes item, const struct smb2_header *header, struct smb2_body *out);
