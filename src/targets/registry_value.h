/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a Windows registry, wherever they stand: a Registry.pol, a .reg file, a hive. Keys and
 * names compare without case (ASCII), as Windows compares them.
 */
#pragma once

#include "base/str.h"

enum registry_type {
    REGISTRY_NONE = 0,
    REGISTRY_SZ = 1,
    REGISTRY_EXPAND_SZ = 2,
    REGISTRY_BINARY = 3,
    REGISTRY_DWORD = 4,
    REGISTRY_DWORD_BIG_ENDIAN = 5,
    REGISTRY_MULTI_SZ = 7,
    REGISTRY_QWORD = 11,
};

struct registry_value {
    enum registry_change {
        REGISTRY_SET,
        REGISTRY_DELETE_VALUE, /* .reg: "name"=- */
        REGISTRY_DELETE_KEY,   /* .reg: [-KEY], with all below it */
        REGISTRY_ADD_KEY,      /* .reg: [KEY] */
    } change;
    str key;       /* "SOFTWARE\Policies\Microsoft"; a .reg file's begins with its hive */
    str name;      /* empty = the key's default value */
    uint32_t type; /* enum registry_type, or what the file says */
    bytes data;    /* as stored: text is UTF-16LE with its NUL */
    uint64_t offset;
    uint32_t line; /* 0 = the container has no lines */
};

struct registry_values {
    const struct registry_value *items;
    size_t n;
};

/* Text of a REG_SZ or REG_EXPAND_SZ as UTF-8, without the NUL at its end, which may be absent.
 * False: another type, an odd length, or a NUL before the end. */
MUST_USE bool registry_value_text(const struct registry_value *value, struct arena *arena,
                                  str *out);
/* False: not a REG_DWORD of four bytes. */
MUST_USE bool registry_value_dword(const struct registry_value *value, uint32_t *out);
/* "REG_SZ", "type 4711" */
str registry_value_type_text(uint32_t type, struct arena *arena);

/* For writers. Text must be valid UTF-8 without NUL. */
bytes registry_value_utf16(str text, struct arena *arena); /* with a NUL at its end */
struct registry_value registry_value_of_text(str key, str name, str text, struct arena *arena);
struct registry_value registry_value_of_dword(str key, str name, uint32_t number,
                                              struct arena *arena);

/* What the registry holds once all of it was applied in order to an empty one: the last of several
 * settings of one value, nothing that was deleted later. Knows the special names of Registry.pol
 * ([MS-GPREG] 3.2.5.1.2: **Del.NAME, **DelVals., **DeleteValues, **DeleteKeys, **Soft.NAME;
 * **SecureKey sets nothing). Every item of the answer has change REGISTRY_SET, in order of place.
 */
struct registry_values registry_value_applied(struct registry_values values, struct arena *arena);
