/* SPDX-License-Identifier: Apache-2.0 */
/* An entry's body: one line of JSON whose members stand in one order, and whose bytes up to "actor"
 * are determined by what they say. docs/ledger.md has the grammar.
 */
#pragma once

#include "ledger/ledger.h"

/* What an entry says, taken apart. Texts point into the body or the arena. */
struct entry_text {
    struct sha256_digest previous;
    uint64_t number;
    int64_t time_us;
    str kind, subject;
    str actor, data; /* as written: JSON objects */
};

/* Appends the body: {"previous":...,"data":{...}}, without an end of line. */
void entry_text_write(const struct entry_text *entry, struct buf *out);
/* fails : MALFORMED, TRUNCATED, LIMIT, with the offset in the body */
MUST_USE bool entry_text_parse(str body, struct arena *arena, struct entry_text *out,
                               struct err *err);
/* Whether the text is one JSON object on one line: UTF-8, nothing behind it.
 *
 * fails : MALFORMED, TRUNCATED, LIMIT, with the offset in the text */
MUST_USE bool entry_text_is_object(str text, struct arena scratch, struct err *err);

/* What an actor's object says that matters to a verifier. */
struct entry_actor {
    bool authenticated;
    bool clock_is_set;
};
struct entry_actor entry_text_actor(str actor, struct arena scratch);
/* A member of an object that is a text; empty when there is none. Decoded into the arena. */
str entry_text_member(str object, str key, struct arena *arena);

enum ledger_kind entry_text_kind(str kind);
