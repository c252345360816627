/* SPDX-License-Identifier: Apache-2.0 */
/* SMB 1 messages ([MS-CIFS] 2.2.3, 2.2.4; [MS-SMB] 2.2.4): the header, the chain of AndX commands,
 * and the bodies that tell who, where and how secured.
 */
#pragma once

#include "base/cursor.h"

enum { SMB1_HEADER_BYTES = 32 };

enum smb1_command {
    SMB1_TRANSACTION = 0x25,
    SMB1_OPEN_ANDX = 0x2D,
    SMB1_WRITE_ANDX = 0x2F,
    SMB1_TREE_CONNECT = 0x70,
    SMB1_NEGOTIATE = 0x72,
    SMB1_SESSION_SETUP_ANDX = 0x73,
    SMB1_LOGOFF_ANDX = 0x74,
    SMB1_TREE_CONNECT_ANDX = 0x75,
    SMB1_NT_CREATE_ANDX = 0xA2,
    SMB1_NO_ANDX = 0xFF,
};

enum { SMB1_FLAGS_RESPONSE = 0x80 };

enum smb1_flag2 {
    SMB1_FLAGS2_SIGNATURE = 0x0004,
    SMB1_FLAGS2_SIGNATURE_REQUIRED = 0x0010,
    SMB1_FLAGS2_UNICODE = 0x8000,
};

enum { SMB1_SECURITY_SIGNATURES = 0x04, SMB1_SECURITY_REQUIRED = 0x08 };
enum { SMB1_ACTION_GUEST = 1 };
enum { SMB1_INDEX_NONE = 0xFFFF };

struct smb1_header {
    uint8_t command;
    uint32_t status;
    uint8_t flags;
    uint16_t flags2;
    uint16_t tree_id, user_id;
    uint64_t request_id; /* process and multiplex id together: pairs a response with its request */
};

/* One command of an AndX chain. */
struct smb1_part {
    uint8_t command;
    uint8_t word_count; /* as sent: it tells the form of the command */
    bytes words;
    bytes data;
    size_t data_offset; /* of data in the message: Unicode is aligned by it */
    bool is_cut;        /* words or data were longer: text without its end is not the text */
};

/* Text as sent: UTF-16LE or bytes of an unknown code page. */
struct smb1_text {
    bytes raw;
    bool is_unicode;
};

enum smb1_offer { SMB1_OFFER_SMB1, SMB1_OFFER_SMB2 };

struct smb1_negotiated {
    uint16_t index;
    bool has_security;
    uint8_t security_mode;
    bytes token;
};

struct smb1_session_setup {
    bytes token; /* extended security */
    bool is_plain;
    size_t lm_length, nt_length; /* of the password responses */
    struct smb1_text account, domain;
    uint16_t action; /* response */
};

/* Whether head begins a message of that length; expected: the place alone speaks for it. */
bool smb1_is_plausible(bytes head, size_t length, bool expected);
size_t smb1_need(bytes head, size_t length);
MUST_USE bool smb1_header_read(bytes head, struct smb1_header *out);

/* The first command of a message, then each that is chained to it: offsets must go forward. */
MUST_USE bool smb1_part_first(bytes message, struct smb1_part *out);
MUST_USE bool smb1_part_next(bytes message, struct smb1_part *part);

/* The dialects of a negotiate request, one at a time: *data shrinks. False at the end. */
MUST_USE bool smb1_next_dialect(bytes *data, enum smb1_offer *out);
MUST_USE bool smb1_negotiated_read(const struct smb1_part *part, struct smb1_negotiated *out);
MUST_USE bool smb1_session_setup_read(const struct smb1_part *part,
                                      const struct smb1_header *header,
                                      struct smb1_session_setup *out);
/* The path of a tree connect request of either kind. */
MUST_USE bool smb1_path_read(const struct smb1_part *part, const struct smb1_header *header,
                             struct smb1_text *out);
/* The file or pipe name of an NT create, an open or a transaction request. */
MUST_USE bool smb1_name_read(const struct smb1_part *part, const struct smb1_header *header,
                             struct smb1_text *out);
/* What a write or a pipe transaction carries, as far as it was gathered. */
MUST_USE bool smb1_payload_read(bytes message, const struct smb1_part *part, bytes *out);
