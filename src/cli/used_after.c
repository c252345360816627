/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/used_after.h"

#include "base/instant.h"
#include "cli/measured_use.h"

enum { PAIRS_SHOWN = 3 };

bool used_after_find(struct invocation *call, struct policy_file *file,
                     const struct used_after **out, size_t *n, struct err *err)
{
    struct measured_use measured = {0};
    *n = 0;
    *out = NULL;
    if (!file->has_ledger || !file->book.n) return true;
    if (!measured_use_of_workspace(call, file, &file->book, &measured, err)) return false;
    struct used_after *used = arena_array(call->arena, struct used_after, file->book.n + 1);
    for (size_t i = 0; i < file->book.n && measured.items; i++)
        if (measured.items[i].passed_after)
            used[(*n)++] = (struct used_after){&file->book.items[i], &measured.items[i]};
    *out = used;
    return true;
}

static str end_of(const struct endpoint *endpoint, char text[ADDR_TEXT])
{
    return addr_is_none(endpoint->addr) ? endpoint->name : addr_text(text, endpoint->addr);
}

void used_after_print(struct invocation *call, const struct used_after *used, size_t n)
{
    struct buf *out = call->out;
    for (size_t i = 0; i < n; i++) {
        const struct exception_use *use = used[i].use;
        char instant[INSTANT_TEXT], client[ADDR_TEXT], server[ADDR_TEXT];
        str alarm = str_format(call->arena, "%.*s of %.*s is used after its end",
                               STR_ARG(used[i].exception->id), STR_ARG(used[i].exception->owner));
        table_tone(out, alarm, TONE_BAD, call->colour);
        str last = use->last_after_us ? instant_text(instant, use->last_after_us) : S("not known");
        buf_format(out, ": %" PRIu64 " connection%s passed, the last %.*s", use->passed_after,
                   use->passed_after == 1 ? "" : "s", STR_ARG(last));
        for (size_t k = 0; k < use->n_after && k < PAIRS_SHOWN; k++) {
            str from = end_of(&use->after[k].client, client);
            str to = end_of(&use->after[k].server, server);
            buf_format(out, "%s %.*s -> %.*s", k ? "," : ";", STR_ARG(from), STR_ARG(to));
        }
        if (use->n_after > PAIRS_SHOWN)
            buf_format(out, " and %zu more pairs", use->n_after - PAIRS_SHOWN);
        buf_char(out, '\n');
    }
}

static void print_end(struct json *json, str key, const struct endpoint *endpoint)
{
    char text[ADDR_TEXT];
    json_member_str(json, key, end_of(endpoint, text));
}

static void print_instant(struct json *json, str key, int64_t at_us)
{
    json_key(json, key);
    if (at_us)
        json_instant(json, at_us);
    else
        json_null(json);
}

void used_after_json(struct json *json, const struct used_after *used, size_t n)
{
    json_array(json);
    for (size_t i = 0; i < n; i++) {
        const struct exception_use *use = used[i].use;
        json_object(json);
        json_member_str(json, S("id"), used[i].exception->id);
        json_member_str(json, S("owner"), used[i].exception->owner);
        json_member_u64(json, S("passed"), use->passed_after);
        json_member_u64(json, S("refused"), use->refused_after);
        print_instant(json, S("last"), use->last_after_us);
        json_key(json, S("pairs"));
        json_array(json);
        for (size_t k = 0; k < use->n_after; k++) {
            json_object(json);
            print_end(json, S("client"), &use->after[k].client);
            print_end(json, S("server"), &use->after[k].server);
            json_member_u64(json, S("connections"), use->after[k].connections);
            print_instant(json, S("last"), use->after[k].last_us);
            json_object_end(json);
        }
        json_array_end(json);
        json_object_end(json);
    }
    json_array_end(json);
}
