/* SPDX-License-Identifier: Apache-2.0 */
/* Values of binary XML: their types, and their text as Windows would show it. Text goes into a
 * fixed buffer that its owner empties per event; what does not fit is remembered in `full`.
 * spec: [MS-EVEN6] 2.2.14 to 2.2.20, "Windows XML Event Log (EVTX) format" (libyal), Value types
 */
#pragma once

#include "base/str.h"

enum evtx_type {
    EVTX_NULL = 0x00,
    EVTX_STRING = 0x01,
    EVTX_ANSI_STRING = 0x02,
    EVTX_INT8 = 0x03,
    EVTX_UINT8 = 0x04,
    EVTX_INT16 = 0x05,
    EVTX_UINT16 = 0x06,
    EVTX_INT32 = 0x07,
    EVTX_UINT32 = 0x08,
    EVTX_INT64 = 0x09,
    EVTX_UINT64 = 0x0A,
    EVTX_REAL32 = 0x0B,
    EVTX_REAL64 = 0x0C,
    EVTX_BOOL = 0x0D,
    EVTX_BINARY = 0x0E,
    EVTX_GUID = 0x0F,
    EVTX_SIZE_T = 0x10,
    EVTX_FILETIME = 0x11,
    EVTX_SYSTEMTIME = 0x12,
    EVTX_SID = 0x13,
    EVTX_HEX_INT32 = 0x14,
    EVTX_HEX_INT64 = 0x15,
    EVTX_HANDLE = 0x20,
    EVTX_BINXML = 0x21,
    EVTX_XML = 0x23,
    EVTX_ARRAY = 0x80, /* flag */
};

struct evtx_value {
    uint8_t type; /* enum evtx_type, perhaps with EVTX_ARRAY */
    bytes data;   /* as it stands in the record, whatever size the type should have */
};

struct evtx_text {
    char *ptr;
    size_t len, room;
    bool full; /* something did not fit: what was written is not to be used */
};

/* UTF-16 little endian; broken surrogates become U+FFFD, an odd last byte is dropped. */
void evtx_text_utf16(struct evtx_text *out, bytes units);
void evtx_text_char(struct evtx_text *out, char c);
void evtx_text_str(struct evtx_text *out, str s);
/* The value as text. A size that its type does not have is taken as it is: integers by the bytes
 * there are, anything else as hexadecimal. Elements of an array are joined by commas. */
void evtx_value_print(struct evtx_text *out, struct evtx_value value);
/* Integers, and text that is one ("4624", "0x8020000000000000"). */
bool evtx_value_u64(struct evtx_value value, uint64_t *out);
/* FILETIME, SYSTEMTIME, and text in RFC 3339. False also for a time of zero. */
bool evtx_value_time(struct evtx_value value, int64_t *out_us);
/* 100 ns since 1601 to microseconds since 1970. False when it is zero or past the year 9999. */
bool evtx_value_filetime(uint64_t filetime, int64_t *out_us);
