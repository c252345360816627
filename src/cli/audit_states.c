/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/audit_states.h"

#include "base/json_scan.h"

static const struct command *drift_command_of(void)
{
    for (size_t i = 0; i < n_commands; i++)
        if (str_equal(commands[i]->name, S("drift"))) return commands[i];
    return NULL;
}

/* ---- Its answer ---------------------------------------------------------------------------------
 */

struct reading_states {
    struct json_scan scan;
    struct arena *arena;
    struct audit_states *out;
    struct err err;
};

static bool next(struct reading_states *r, struct json_scan_item *item)
{
    return json_scan_next(&r->scan, item, &r->err);
}

static bool count_items(struct reading_states *r, uint64_t *out)
{
    struct json_scan_item item;
    if (!next(r, &item) || item.kind != JSON_SCAN_ARRAY) return false;
    for (*out = 0;; (*out)++) {
        if (!next(r, &item)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) return true;
        if (!json_scan_skip(&r->scan, item, &r->err)) return false;
    }
}

static bool take_file(struct reading_states *r)
{
    struct json_scan_item key, value;
    struct audit_state state = {0};
    for (;;) {
        if (!next(r, &key)) return false;
        if (key.kind == JSON_SCAN_OBJECT_END) break;
        if (str_equal(key.text, S("differences"))) {
            if (!count_items(r, &state.differences)) return false;
            continue;
        }
        if (!next(r, &value)) return false;
        if (str_equal(key.text, S("source"))) state.source = str_copy(r->arena, value.text);
        if (str_equal(key.text, S("name"))) state.name = str_copy(r->arena, value.text);
        if (str_equal(key.text, S("equal"))) state.is_equal = value.kind == JSON_SCAN_TRUE;
        if (!json_scan_skip(&r->scan, value, &r->err)) return false;
    }
    arena_grow(r->arena, r->out->items, r->out->n, r->out->room);
    r->out->items[r->out->n++] = state;
    return true;
}

static bool take_exception(struct reading_states *r)
{
    struct json_scan_item key, value;
    str id = {0}, owner = {0}, state = {0};
    for (;;) {
        if (!next(r, &key)) return false;
        if (key.kind == JSON_SCAN_OBJECT_END) break;
        if (!next(r, &value)) return false;
        if (str_equal(key.text, S("id"))) id = str_copy(r->arena, value.text);
        if (str_equal(key.text, S("owner"))) owner = str_copy(r->arena, value.text);
        if (str_equal(key.text, S("state"))) state = str_copy(r->arena, value.text);
        if (!json_scan_skip(&r->scan, value, &r->err)) return false;
    }
    if (!str_equal(state, S("open")) && !str_equal(state, S("undecided"))) return true;
    arena_grow(r->arena, r->out->lingering, r->out->n_lingering, r->out->lingering_room);
    r->out->lingering[r->out->n_lingering++] =
        str_format(r->arena, "%.*s of %.*s has ended and is %s there", STR_ARG(id), STR_ARG(owner),
                   str_equal(state, S("open")) ? "open still" : "not closed for certain");
    return true;
}

static bool take_list(struct reading_states *r, bool (*take)(struct reading_states *r))
{
    struct json_scan_item item;
    if (!next(r, &item) || item.kind != JSON_SCAN_ARRAY) return false;
    for (;;) {
        if (!next(r, &item)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) return true;
        if (item.kind != JSON_SCAN_OBJECT || !take(r)) return false;
    }
}

static bool take_answer(struct reading_states *r)
{
    struct json_scan_item item;
    if (!next(r, &item) || item.kind != JSON_SCAN_OBJECT) return false;
    for (;;) {
        if (!next(r, &item)) return false;
        if (item.kind == JSON_SCAN_OBJECT_END) return true;
        bool good = str_equal(item.text, S("files")) ? take_list(r, take_file)
                    : str_equal(item.text, S("exceptions"))
                        ? take_list(r, take_exception)
                        : json_scan_skip(&r->scan, item, &r->err);
        if (!good) return false;
    }
}

bool audit_states_read(struct invocation *call, struct audit_states *out, int *status)
{
    struct buf answer = buf_in(call->arena);
    struct invocation drift = *call;
    size_t n = 0;
    *out = (struct audit_states){0};
    drift.command = drift_command_of();
    drift.arguments = option_texts(call, S("state"), &n);
    drift.n_arguments = n;
    drift.out = &answer;
    drift.format = FORMAT_JSON;
    drift.colour = false;
    assert(drift.command && "drift is a command");
    *status = drift.command->run(&drift);
    if (*status == EXIT_FAILED) return false;
    struct reading_states r = {
        .scan = json_scan_of(buf_text(&answer), 0, call->arena), .arena = call->arena, .out = out};
    bool good = take_answer(&r);
    assert(good && "drift's own JSON is read as it is written");
    return good;
}
