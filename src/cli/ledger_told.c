/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ledger_told.h"

#include "base/instant.h"

enum { CHECKPOINT_BYTES = 64 << 10 };

/* ---- What is asked -------------------------------------------------------------------------- */

static void progress(void *to, uint64_t done, uint64_t total)
{
    command_progress(to, S("verifying"), done, total);
}

static bool read_anchor(struct invocation *call, str path, struct ledger_anchor *out,
                        struct err *err)
{
    bytes text = {0};
    out->source = path;
    if (!os_read_all(call->os, path, CHECKPOINT_BYTES, call->arena, &text, err)) return false;
    if (checkpoint_parse(str_of_bytes(text), call->arena, &out->checkpoint, err)) return true;
    return err_in(err, path);
}

bool ledger_told_question(struct invocation *call, struct ledger_question *out, struct err *err)
{
    size_t n = 0;
    str *paths = option_texts(call, S("checkpoint"), &n);
    struct ledger_anchor *anchors = arena_array(call->arena, struct ledger_anchor, n + 1);
    struct ledger_question question = {.anchors = anchors, .n_anchors = n};
    for (size_t i = 0; i < n; i++)
        if (!read_anchor(call, paths[i], &anchors[i], err)) return false;
    if (option_given(call, S("public-key"))) {
        struct checkpoint_key *key = arena_new(call->arena, struct checkpoint_key);
        if (!checkpoint_key_parse(option_text(call, S("public-key")), call->arena, key, err))
            return err_in(err, S("--public-key"));
        question.key = key;
    }
    question.progress = progress;
    question.progress_to = call;
    *out = question;
    return true;
}

/* ---- What is told --------------------------------------------------------------------------- */

str ledger_told_time(struct invocation *call, int64_t at_us)
{
    char at[INSTANT_TEXT];
    str text = instant_text(at, at_us);
    if (call->format == FORMAT_TEXT)
        return str_format(call->arena, "%.*s %.*sZ", STR_ARG(str_head(text, 10)),
                          STR_ARG(str_head(str_tail(text, 11), 5)));
    return str_copy(call->arena, text);
}

int ledger_told_fail(struct invocation *call, struct ledger *ledger, const struct err *err)
{
    command_progress_end(call);
    if (ledger) ledger_close(ledger);
    return command_fail(call, err);
}

struct unchecked {
    str words[4];
    size_t n;
};

/* What a ledger can't tell of itself. */
static struct unchecked unchecked_of(struct invocation *call,
                                     const struct ledger_question *question,
                                     const struct ledger_verdict *verdict)
{
    struct unchecked out = {0};
    if (verdict->fault != LEDGER_FAULT_NONE) out.words[out.n++] = S("what comes after the fault");
    if (!question->n_anchors)
        out.words[out.n++] =
            S("whether the newest entries were cut off, or entries rewritten by somebody who has "
              "the key: give a checkpoint that was kept elsewhere (--checkpoint FILE)");
    else if (verdict->fault == LEDGER_FAULT_NONE && verdict->anchored < verdict->entries)
        out.words[out.n++] = str_format(
            call->arena,
            "whether entries behind the first %" PRIu64
            ", which no checkpoint has seen, were cut off or rewritten by somebody who has the key",
            verdict->anchored);
    if (!question->key && !question->n_anchors)
        out.words[out.n++] =
            S("whether the whole ledger was replaced by one with another key: give the public key "
              "that was noted (--public-key KEY), or a checkpoint");
    return out;
}

static void tell_json(struct invocation *call, const struct ledger_question *question,
                      const struct ledger_verdict *verdict)
{
    bool holds = verdict->fault == LEDGER_FAULT_NONE;
    bool has_place =
        verdict->fault == LEDGER_FAULT_ENTRY || verdict->fault == LEDGER_FAULT_ENTRIES ||
        verdict->fault == LEDGER_FAULT_REWRITTEN || verdict->fault == LEDGER_FAULT_TRUNCATED;
    struct unchecked unchecked = unchecked_of(call, question, verdict);
    struct json json = json_to(call->out);
    json_object(&json);
    json_member_bool(&json, S("holds"), holds);
    json_member_str_or_null(&json, S("fault"),
                            holds ? (str){0} : ledger_fault_text(verdict->fault));
    if (has_place) {
        json_member_u64(&json, S("first"), verdict->first);
        json_member_u64(&json, S("last"), verdict->last);
    } else {
        json_member_null(&json, S("first"));
        json_member_null(&json, S("last"));
    }
    json_member_str_or_null(&json, S("message"), verdict->text);
    json_member_str_or_null(&json, S("ledger"), verdict->name);
    json_member_str_or_null(&json, S("public_key"), verdict->key);
    json_member_u64(&json, S("entries"), verdict->entries);
    json_member_str(&json, S("root"), sha256_hex(call->arena, &verdict->root));
    json_key(&json, S("from"));
    json_instant(&json, verdict->first_us);
    json_key(&json, S("to"));
    json_instant(&json, verdict->last_us);
    json_member_u64(&json, S("set_clock"), verdict->set_clock);
    json_member_u64(&json, S("unauthenticated"), verdict->unauthenticated);
    json_member_u64(&json, S("key_changes"), verdict->key_changes);
    json_member_u64(&json, S("keys_lost"), verdict->keys_lost);
    json_member_u64(&json, S("anchors"), question->n_anchors);
    json_member_u64(&json, S("anchored"), verdict->anchored);
    json_member_bool(&json, S("key_is_known"), verdict->key_is_known);
    json_key(&json, S("unchecked"));
    json_array(&json);
    for (size_t i = 0; i < unchecked.n; i++)
        json_str(&json, unchecked.words[i]);
    json_array_end(&json);
    json_object_end(&json);
    buf_char(call->out, '\n');
}

FORMAT_PRINTF(3, 4)
static void line(struct invocation *call, const char *label, const char *format, ...)
{
    char text[LIMIT_ERR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_format(call->out, "  %-12s", label);
    table_tone(call->out, str_of(text), TONE_PLAIN, false);
    buf_char(call->out, '\n');
}

static void tell_notes(struct invocation *call, const struct ledger_verdict *verdict)
{
    if (verdict->set_clock)
        line(call, "clock", "%" PRIu64 " %s written under a clock that was set", verdict->set_clock,
             verdict->set_clock == 1 ? "entry was" : "entries were");
    if (verdict->unauthenticated)
        line(call, "people", "%" PRIu64 " %s by system accounts that had not logged in",
             verdict->unauthenticated, verdict->unauthenticated == 1 ? "entry is" : "entries are");
    if (verdict->key_changes)
        line(call, "key", "it changed %" PRIu64 " %s", verdict->key_changes,
             verdict->key_changes == 1 ? "time" : "times");
    if (!verdict->keys_lost) return;
    table_tone(call->out,
               str_format(call->arena,
                          "  KEY LOST    entry %" PRIu64
                          " began a new key without the old one's signature: whoever had the "
                          "database could have written it and changed everything before it",
                          verdict->lost_entry),
               TONE_BAD, call->colour);
    buf_char(call->out, '\n');
}

static void tell_text(struct invocation *call, const struct ledger_question *question,
                      const struct ledger_verdict *verdict)
{
    bool holds = verdict->fault == LEDGER_FAULT_NONE;
    struct unchecked unchecked = unchecked_of(call, question, verdict);
    table_tone(call->out, holds ? S("the ledger holds") : S("THE LEDGER DOES NOT HOLD"),
               holds ? TONE_GOOD : TONE_BAD, call->colour);
    if (!holds) {
        buf_str(call->out, S(": "));
        if (verdict->fault == LEDGER_FAULT_ENTRY)
            buf_format(call->out, "entry %" PRIu64 ": ", verdict->first);
        table_tone(call->out, verdict->text, TONE_PLAIN, false);
    }
    buf_char(call->out, '\n');
    if (verdict->name.len) line(call, "ledger", "%.*s", STR_ARG(verdict->name));
    if (verdict->key.len) line(call, "public key", "%.*s", STR_ARG(verdict->key));
    if (verdict->entries)
        line(call, "entries", "%" PRIu64 "%s, %.*s to %.*s", verdict->entries,
             holds ? "" : " were read up to there",
             STR_ARG(ledger_told_time(call, verdict->first_us)),
             STR_ARG(ledger_told_time(call, verdict->last_us)));
    if (question->n_anchors)
        line(call, "anchored", "the first %" PRIu64 ", by %zu %s", verdict->anchored,
             question->n_anchors, question->n_anchors == 1 ? "checkpoint" : "checkpoints");
    tell_notes(call, verdict);
    for (size_t i = 0; i < unchecked.n; i++)
        line(call, i ? "" : "not checked", "%.*s", STR_ARG(unchecked.words[i]));
}

int ledger_told_verdict(struct invocation *call, const struct ledger_question *question,
                        const struct ledger_verdict *verdict)
{
    if (call->format == FORMAT_JSON)
        tell_json(call, question, verdict);
    else
        tell_text(call, question, verdict);
    return verdict->fault == LEDGER_FAULT_NONE ? EXIT_FINE : EXIT_NO;
}
