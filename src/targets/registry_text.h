/* SPDX-License-Identifier: Apache-2.0 */
/* .reg files as regedit writes and takes them, for reading: "Windows Registry Editor Version 5.00"
 * or REGEDIT4, in UTF-16 with a mark, in UTF-8 or in ASCII. [MS] has no specification of them; this
 * follows the documented syntax (support article 310516) and what regedit exports.
 *
 *   [KEY]                  a key
 *   [-KEY]                 deletes it with all below it
 *   "name"="text"          REG_SZ; \\ and \" stand for a backslash and a quote
 *   @="text"               the key's default value
 *   "name"=dword:0000001f  REG_DWORD
 *   "name"=hex(2):41,00,\  any type, in bytes; a backslash carries on in the next line
 *   "name"=-               deletes it
 */
#pragma once

#include "base/err.h"
#include "targets/registry_value.h"
#include "targets/rule_file.h"

struct registry_text {
    /* Every statement in order, with the line and the offset at which it begins. Keys begin with
     * their hive ("HKEY_LOCAL_MACHINE"; HKLM is spelled out). */
    struct registry_values values;
    /* Lines that are no statement; regedit passes over them. */
    const struct rule_problem *problems;
    size_t n_problems;
};

/* Bytes beyond ASCII that are not UTF-8 become U+FFFD: which code page they are of is not said.
 *
 * fails : MALFORMED (the first line is not that of a .reg file) */
MUST_USE bool registry_text_read(str source, bytes content, struct arena *arena,
                                 struct registry_text *out, struct err *err);
/* True when the bytes begin like one. */
bool registry_text_recognise(bytes head);
