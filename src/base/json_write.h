/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON (RFC 8259), compact, keys in the order given. Invalid UTF-8 becomes U+FFFD. */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "base/limits.h"

struct json {
    struct buf *out;
    bool pretty; /* one space of nesting per level, a newline per member */
    unsigned depth;
    bool has_items[LIMIT_NESTING];
    bool after_key;
};

struct json json_to(struct buf *out);
void json_object(struct json *json);
void json_object_end(struct json *json);
void json_array(struct json *json);
void json_array_end(struct json *json);
void json_key(struct json *json, str key);
void json_str(struct json *json, str value);
void json_u64(struct json *json, uint64_t value);
void json_i64(struct json *json, int64_t value);
void json_bool(struct json *json, bool value);
void json_null(struct json *json);
void json_addr(struct json *json, struct addr a);
void json_instant(struct json *json, int64_t instant_us);

/* key and value at once */
void json_member_str(struct json *json, str key, str value);
void json_member_str_or_null(struct json *json, str key, str value); /* empty = null */
void json_member_u64(struct json *json, str key, uint64_t value);
void json_member_bool(struct json *json, str key, bool value);
void json_member_null(struct json *json, str key);
