/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/removal.h"

#include "base/instant.h"
#include "base/sha256.h"
#include "reason/rule_changes.h"
#include "reason/set_words.h"
#include "targets/artefact_folder.h"

enum { RANGES_SHOWN = 6 };

/* One file of rules, old or new. */
struct held_file {
    const struct target *target;
    str place; /* host class or border */
    bool is_border;
    struct prefix_set members;
    str path; /* in its folder */
    str rollback;
    struct ruleset rules;
    const struct compile_book_item *item; /* old ones */
};

struct file_list {
    struct held_file *items;
    size_t n, room;
};

/* What one new file changes for machines that hold an old one. */
struct change_row {
    const struct held_file *before, *after;
    const struct rule_change *change;
    size_t exception; /* SIZE_MAX: of none of them */
    struct prefix_set closes, opens;
};

struct missing {
    const struct compile_book_item *item;
    str because;
};

struct removal {
    struct compiling *c;
    struct invocation *call;
    const struct removal_question *question;
    struct file_list before, after;
    struct change_row *rows;
    size_t n_rows, room_rows;
    struct missing *remade; /* folders that are not at hand */
    size_t n_remade, room_remade;
    const struct compile_book_item *item; /* at hand */
};

/* ---- Files --------------------------------------------------------------------------------------
 */

/* Whether some exception has an end there: all others are no business of a removal. */
static bool concerns(const struct removal *r, struct prefix_set members)
{
    for (size_t i = 0; i < r->question->n_exceptions; i++) {
        const struct ended *ended = r->question->exceptions[i].ended;
        if (!ended || prefix_set_overlaps(members, ended->clients) ||
            prefix_set_overlaps(members, ended->servers))
            return true;
    }
    return false;
}

static bool add_file(struct removal *r, struct file_list *list, struct held_file file, str content,
                     struct err *err)
{
    struct arena *arena = r->call->arena;
    if (!concerns(r, file.members)) return true;
    if (!file.target->read(file.path, str_bytes(str_copy(arena, content)), arena, &file.rules, err))
        return false;
    arena_grow(arena, list->items, list->n, list->room);
    list->items[list->n++] = file;
    return true;
}

/* Of a class, or of the border, or the one for all classes. */
static str rollback_of(const struct manifest_part *part, const struct target_file *rules,
                       struct arena *arena)
{
    str common = {0};
    for (size_t i = 0; i < part->files.n; i++) {
        const struct target_file *file = &part->files.items[i];
        if (file->kind != TARGET_FILE_ROLLBACK) continue;
        if (!file->host_class && !file->border) common = manifest_path(arena, part, file);
        if (file->host_class && rules->host_class &&
            str_equal(file->host_class->id, rules->host_class->id))
            return manifest_path(arena, part, file);
        if (file->border && rules->border &&
            str_equal(file->border->border->name, rules->border->border->name))
            return manifest_path(arena, part, file);
    }
    return common;
}

static bool take_batch(struct compiling *c, struct compiling_batch *batch, struct file_list *list,
                       const struct compile_book_item *item, struct err *err)
{
    struct removal *r = c->to;
    struct arena *arena = r->call->arena;
    const struct manifest_part *part = &c->parts[batch->part];
    for (size_t i = 0; i < batch->files.n; i++) {
        const struct target_file *file = &batch->files.items[i];
        if (file->kind != TARGET_FILE_RULES || compiling_is_common(batch, file)) continue;
        if (!file->host_class && !file->border) continue;
        const struct border *border = file->border ? file->border->border : NULL;
        struct held_file held = {
            .target = part->target,
            .place = border ? border->name : file->host_class->id,
            .is_border = border != NULL,
            .members = border ? border->inside : file->host_class->members,
            .path = str_copy(arena, manifest_path(arena, part, file)),
            .rollback = rollback_of(part, file, arena),
            .item = item,
        };
        if (!add_file(r, list, held, file->content, err)) return false;
    }
    return true;
}

static bool take_new(struct compiling *c, struct compiling_batch *batch, struct err *err)
{
    struct removal *r = c->to;
    return take_batch(c, batch, &r->after, NULL, err);
}

static bool take_old(struct compiling *c, struct compiling_batch *batch, struct err *err)
{
    struct removal *r = c->to;
    return take_batch(c, batch, &r->before, r->item, err);
}

/* ---- What machines hold -------------------------------------------------------------------------
 */

/* The folder, if it is still as it was written: by the hash that the ledger has of its manifest,
 * and the hashes that the manifest has of its files. */
static bool find_folder(struct removal *r, const struct compile_book_item *item, str *folder,
                        bytes *manifest)
{
    struct invocation *call = r->call;
    const str tried[] = {os_join(call->arena, call->workspace, item->out), item->out};
    for (size_t i = 0; i < COUNT_OF(tried); i++) {
        struct err err = {0};
        str path = os_join(call->arena, tried[i], S("manifest.json"));
        if (call->os->kind(call->os->self, path) != OS_FILE ||
            !os_read_all(call->os, path, LIMIT_ARTEFACT_BYTES, call->arena, manifest, &err))
            continue;
        struct sha256_digest digest = sha256_of(*manifest);
        if (!str_equal(sha256_hex(call->arena, &digest), item->manifest_sha256)) continue;
        *folder = tried[i];
        return true;
    }
    return false;
}

static bool is_as_listed(const struct manifest_file *files, size_t n, str path, bytes content,
                         struct arena *arena)
{
    struct sha256_digest digest = sha256_of(content);
    str found = sha256_hex(arena, &digest);
    for (size_t i = 0; i < n; i++)
        if (str_equal(files[i].path, path)) return str_equal(files[i].sha256, found);
    return false;
}

static bool read_part(struct removal *r, const struct compile_book_item *item,
                      const struct target *target, str folder, const struct artefact_part *part,
                      const struct manifest_file *listed, size_t n_listed)
{
    struct invocation *call = r->call;
    str head = str_format(call->arena, "%.*s/", STR_ARG(target->name));
    for (size_t i = 0; i < part->n_files; i++) {
        struct err err = {0};
        bytes content = {0};
        if (!str_starts(part->files[i], head)) continue;
        struct held_file held = {
            .target = target,
            .place = part->name,
            .is_border = part->is_border,
            .members = part->members,
            .path = part->files[i],
            .item = item,
        };
        if (!os_read_all(call->os, os_join(call->arena, folder, part->files[i]),
                         LIMIT_ARTEFACT_BYTES, call->arena, &content, &err) ||
            !is_as_listed(listed, n_listed, part->files[i], content, call->arena) ||
            !add_file(r, &r->before, held, str_of_bytes(content), &err))
            return false;
    }
    return true;
}

/* False: the folder is gone, or not what was compiled. */
static bool read_folder(struct removal *r, const struct compile_book_item *item,
                        const struct target *target)
{
    struct artefact_folder found = {0};
    struct manifest_file *listed = NULL;
    struct err err = {0};
    size_t n = 0, before = r->before.n;
    bytes manifest = {0};
    str folder = {0};
    if (!find_folder(r, item, &folder, &manifest)) return false;
    bool good = artefact_folder_read(folder, manifest, r->call->arena, &found, &err) &&
                manifest_read(folder, manifest, r->call->arena, &listed, &n, &err);
    for (size_t i = 0; good && i < found.n_parts; i++)
        good = read_part(r, item, target, folder, &found.parts[i], listed, n);
    if (!good) r->before.n = before;
    return good;
}

/* From the policy of today as of then: with the same exceptions, if not with the same lines. */
static bool remake(struct removal *r, const struct compile_book_item *item, struct err *err)
{
    struct invocation *then = arena_new(r->call->arena, struct invocation);
    struct compiling old = {.call = then, .to = r};
    struct buf unheard = buf_in(r->call->arena);
    int status;
    *then = *r->call;
    then->as_of_us = item->as_of_us;
    then->as_of_is_date = false;
    then->talk = &unheard;
    then->progress = false;
    old.file = arena_new(r->call->arena, struct policy_file);
    r->item = item;
    if (!compiling_targets(&old, &item->target, 1, err)) return false;
    if (!compiling_load(&old, &status))
        return err_set(err, ERR_CONFLICT, "the policy of then can't be compiled any more");
    compiling_plan(&old);
    return compiling_each(&old, "comparing", take_old, err);
}

static void note_missing(struct removal *r, const struct compile_book_item *item, str because)
{
    arena_grow(r->call->arena, r->remade, r->n_remade, r->room_remade);
    r->remade[r->n_remade++] = (struct missing){item, because};
}

static void read_old(struct removal *r, const struct compile_book_item *item)
{
    const struct target *target = target_by_name(item->target);
    struct err err = {0};
    size_t before = r->before.n;
    if (!target) {
        note_missing(r, item, S("this program does not know the target; nothing is compared"));
        return;
    }
    if (read_folder(r, item, target)) return;
    if (remake(r, item, &err)) {
        note_missing(r, item,
                     S("the folder is gone or was changed: what it held is made again from "
                       "today's policy as of then"));
        return;
    }
    r->before.n = before;
    note_missing(r, item,
                 str_format(r->call->arena,
                            "the folder is gone or was changed, and can't be made again "
                            "(%s); nothing is compared",
                            err.text));
}

/* ---- Comparing ----------------------------------------------------------------------------------
 */

static bool has_port(const struct policy *policy, const struct entry *entry,
                     const struct rule *rule)
{
    if (!rule->n_ports) return true;
    for (size_t i = 0; i < entry->n_services; i++) {
        const struct service *service = &policy->services.services[entry->services[i]];
        for (size_t k = 0; k < service->n_ports; k++)
            for (size_t p = 0; p < rule->n_ports; p++)
                if (service->ports[k].transport == rule->transport &&
                    service->ports[k].first <= rule->ports[p].last &&
                    rule->ports[p].first <= service->ports[k].last)
                    return true;
    }
    return false;
}

static void add_row(struct removal *r, struct change_row row)
{
    arena_grow(r->call->arena, r->rows, r->n_rows, r->room_rows);
    r->rows[r->n_rows++] = row;
}

/* True when the change is about what the exception spoke of. */
static bool add_for(struct removal *r, struct change_row row, size_t exception,
                    struct prefix_set own)
{
    struct arena *arena = r->call->arena;
    const struct ended *ended = r->question->exceptions[exception].ended;
    const struct rule_change *change = row.change;
    if (!ended) return false;
    bool outbound = change->rule->direction == DIRECTION_OUTBOUND;
    struct prefix_set mine = outbound ? ended->clients : ended->servers;
    struct prefix_set peers = outbound ? ended->servers : ended->clients;
    if (!prefix_set_overlaps(own, mine) || !prefix_set_overlaps(change->local, mine)) return false;
    if (!has_port(&r->c->file->policy, &ended->exception->entry, change->rule)) return false;
    row.exception = exception;
    row.closes = prefix_set_intersect(arena, change->closes, peers);
    row.opens = prefix_set_intersect(arena, change->opens, peers);
    if (!row.closes.n && !row.opens.n &&
        !(change->local_differs && prefix_set_overlaps(change->remote, peers)))
        return false;
    add_row(r, row);
    return true;
}

static void compare_pair(struct removal *r, const struct held_file *before,
                         const struct held_file *after)
{
    struct arena *arena = r->call->arena;
    struct rule_changes changes = rule_changes_of(before->rules, after->rules, arena);
    struct prefix_set own = prefix_set_intersect(arena, before->members, after->members);
    for (size_t i = 0; i < changes.n; i++) {
        const struct rule_change *change = &changes.items[i];
        struct change_row row = {.before = before, .after = after, .change = change};
        bool any = false;
        for (size_t k = 0; k < r->question->n_exceptions; k++)
            any |= add_for(r, row, k, own);
        if (any) continue;
        row.exception = SIZE_MAX;
        row.closes = change->closes;
        row.opens = change->opens;
        add_row(r, row);
    }
}

static void compare_all(struct removal *r)
{
    for (size_t i = 0; i < r->before.n; i++)
        for (size_t k = 0; k < r->after.n; k++) {
            const struct held_file *before = &r->before.items[i], *after = &r->after.items[k];
            if (before->target != after->target || before->is_border != after->is_border) continue;
            bool meet = before->is_border ? str_equal(before->place, after->place)
                                          : prefix_set_overlaps(before->members, after->members);
            if (meet) compare_pair(r, before, after);
        }
}

/* ---- removed.json -------------------------------------------------------------------------------
 */

static void print_ranges(struct json *json, str key, struct prefix_set set, struct arena *arena)
{
    struct prefix_set families[] = {prefix_set_v4(arena, set), prefix_set_v6(arena, set)};
    json_key(json, key);
    json_array(json);
    for (size_t f = 0; f < COUNT_OF(families); f++)
        for (size_t i = 0; i < families[f].n; i++)
            json_str(json, set_words_range(families[f].ranges[i], arena));
    json_array_end(json);
}

static void print_row(const struct removal *r, struct json *json, const struct change_row *row)
{
    const struct rule *rule = row->change->rule;
    json_object(json);
    json_member_str(json, S("target"), row->after->target->name);
    json_member_str_or_null(json, S("class"), row->after->is_border ? (str){0} : row->after->place);
    json_member_str_or_null(json, S("border"),
                            row->after->is_border ? row->after->place : (str){0});
    json_member_str(json, S("old_folder"), row->before->item->out);
    json_member_str(json, S("old_file"), row->before->path);
    json_member_str(json, S("new_file"), row->after->path);
    json_member_str(json, S("rule"), rule->id);
    json_member_str(json, S("name"), rule->name);
    json_member_str(json, S("direction"), direction_text(rule->direction));
    json_member_str(json, S("action"), action_text(rule->action));
    json_member_str(json, S("change"), rule_changes_text(row->change->kind));
    print_ranges(json, S("closes"), row->closes, r->call->arena);
    print_ranges(json, S("opens"), row->opens, r->call->arena);
    json_object_end(json);
}

static void print_rows(const struct removal *r, struct json *json, size_t exception)
{
    json_array(json);
    for (size_t i = 0; i < r->n_rows; i++)
        if (r->rows[i].exception == exception) print_row(r, json, &r->rows[i]);
    json_array_end(json);
}

static void print_exceptions(const struct removal *r, struct json *json)
{
    json_key(json, S("exceptions"));
    json_array(json);
    for (size_t i = 0; i < r->question->n_exceptions; i++) {
        const struct removal_exception *e = &r->question->exceptions[i];
        json_object(json);
        json_member_str(json, S("id"), e->id);
        json_member_str_or_null(json, S("owner"), e->owner);
        json_member_str_or_null(json, S("expires"), e->expires);
        json_key(json, S("rules"));
        print_rows(r, json, i);
        json_object_end(json);
    }
    json_array_end(json);
}

static str removed_json(const struct removal *r)
{
    struct buf out = buf_in(r->call->arena);
    struct json json = json_to(&out);
    json.pretty = true;
    json_object(&json);
    json_key(&json, S("as_of"));
    json_instant(&json, r->c->header.as_of_us);
    json_key(&json, S("replaces"));
    json_array(&json);
    for (size_t i = 0; i < r->question->n_items; i++) {
        json_object(&json);
        json_member_str(&json, S("out"), r->question->items[i]->out);
        json_member_str(&json, S("target"), r->question->items[i]->target);
        json_object_end(&json);
    }
    json_array_end(&json);
    print_exceptions(r, &json);
    json_key(&json, S("other_changes"));
    print_rows(r, &json, SIZE_MAX);
    json_key(&json, S("not_at_hand"));
    json_array(&json);
    for (size_t i = 0; i < r->n_remade; i++) {
        json_object(&json);
        json_member_str(&json, S("out"), r->remade[i].item->out);
        json_member_str(&json, S("target"), r->remade[i].item->target);
        json_member_str(&json, S("because"), r->remade[i].because);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    buf_char(&out, '\n');
    return buf_text(&out);
}

/* ---- REMOVED.md ---------------------------------------------------------------------------------
 */

static str ranges_text(struct prefix_set set, struct arena *arena)
{
    struct buf out = buf_in(arena);
    struct prefix_set families[] = {prefix_set_v4(arena, set), prefix_set_v6(arena, set)};
    size_t shown = 0, all = families[0].n + families[1].n;
    for (size_t f = 0; f < COUNT_OF(families); f++)
        for (size_t i = 0; i < families[f].n && shown < RANGES_SHOWN; i++)
            buf_format(&out, "%s%.*s", shown++ ? ", " : "",
                       STR_ARG(set_words_range(families[f].ranges[i], arena)));
    if (all > shown) buf_format(&out, " and %zu more (removed.json has all)", all - shown);
    return buf_text(&out);
}

static bool same_files(const struct change_row *a, const struct change_row *b)
{
    return a->before == b->before && a->after == b->after;
}

static void tell_files(const struct removal *r, struct buf *out, const struct change_row *row)
{
    struct arena *arena = r->call->arena;
    struct prefix_set own = prefix_set_intersect(arena, row->before->members, row->after->members);
    buf_format(out, "\n%s `%.*s`", row->after->is_border ? "Border" : "Class",
               STR_ARG(row->after->place));
    if (!str_equal(row->before->place, row->after->place))
        buf_format(out, " (before: `%.*s`)", STR_ARG(row->before->place));
    buf_format(out, ", target %.*s, %.*s  \nold `%.*s/%.*s`, new `%.*s`",
               STR_ARG(row->after->target->name), STR_ARG(ranges_text(own, arena)),
               STR_ARG(row->before->item->out), STR_ARG(row->before->path),
               STR_ARG(row->after->path));
    if (row->after->rollback.len) buf_format(out, ", back: `%.*s`", STR_ARG(row->after->rollback));
    buf_str(out, S("\n\n| rule | | closes |\n|---|---|---|\n"));
}

static void tell_rows(const struct removal *r, struct buf *out, size_t exception)
{
    const struct change_row *last = NULL;
    for (size_t i = 0; i < r->n_rows; i++) {
        const struct change_row *row = &r->rows[i];
        if (row->exception != exception) continue;
        if (!last || !same_files(last, row)) tell_files(r, out, row);
        last = row;
        const struct rule *rule = row->change->rule;
        buf_format(out, "| `%.*s` | %.*s, %.*s %.*s | ", STR_ARG(rule->id),
                   STR_ARG(rule_changes_text(row->change->kind)),
                   STR_ARG(direction_text(rule->direction)), STR_ARG(action_text(rule->action)));
        buf_str(out, ranges_text(row->closes, r->call->arena));
        if (row->opens.n)
            buf_format(out, " **opens** %.*s", STR_ARG(ranges_text(row->opens, r->call->arena)));
        buf_str(out, S(" |\n"));
    }
    if (!last && exception != SIZE_MAX)
        buf_str(out, S("\nNo rule changes for it: a line of the policy or another exception allows "
                       "the same, or its scope can't be told any more.\n"));
}

/* Openings before closings: what opens something, whatever for, is loaded first everywhere. */
static void tell_order(const struct removal *r, struct buf *out)
{
    size_t n = 0;
    buf_str(out,
            S("\n## Loading\n\nWithin a file the order is kept: what opens is made before what "
              "closes. RULES.md says how a target's files are\nloaded, and a rollback stands "
              "beside each.\n"));
    for (size_t k = 0; k < r->after.n; k++) {
        bool opens = false;
        for (size_t i = 0; i < r->n_rows; i++)
            opens = opens || (r->rows[i].after == &r->after.items[k] && r->rows[i].opens.n);
        if (!opens) continue;
        if (!n++)
            buf_str(out, S("\nThese open something, too, since the policy has changed; load them "
                           "first:\n\n"));
        buf_format(out, "- `%.*s`\n", STR_ARG(r->after.items[k].path));
    }
    if (!n) buf_str(out, S("\nNothing is opened: the files may be loaded in any order.\n"));
}

static bool is_made(const struct removal *r, const struct held_file *file)
{
    const struct bundles *bundles = &r->c->bundles;
    for (size_t i = 0; i < bundles->n_classes && !file->is_border; i++)
        if (str_equal(bundles->classes[i].id, file->place)) return true;
    for (size_t i = 0; i < bundles->n_borders && file->is_border; i++)
        if (str_equal(bundles->borders[i].border->name, file->place)) return true;
    return false;
}

/* Nothing new takes the place of an old class's files where a target has an object for each. */
static void tell_left_over(const struct removal *r, struct buf *out)
{
    size_t n = 0;
    for (size_t i = 0; i < r->before.n; i++) {
        const struct held_file *file = &r->before.items[i];
        if (is_made(r, file)) continue;
        if (!n++)
            buf_str(out, S("\n## Classes that are no more\n\nTheir machines load the files of "
                           "another class now. Where a class has an object of its own (a group "
                           "policy,\na profile of a management service), take the old one from "
                           "them once the new one holds, by the rollback beside it:\n\n"));
        buf_format(out, "- `%.*s`, target %.*s: `%.*s/%.*s`\n", STR_ARG(file->place),
                   STR_ARG(file->target->name), STR_ARG(file->item->out), STR_ARG(file->path));
    }
}

static void tell_exception(const struct removal *r, struct buf *out, size_t i)
{
    const struct removal_exception *e = &r->question->exceptions[i];
    buf_format(out, "\n## %.*s", STR_ARG(e->id));
    if (e->owner.len) buf_format(out, " of %.*s", STR_ARG(e->owner));
    if (e->expires.len)
        buf_format(out, ", %s %.*s", e->expires_us > r->call->now_us ? "ends" : "ended",
                   STR_ARG(e->expires));
    buf_char(out, '\n');
    tell_rows(r, out, i);
}

static str removed_md(const struct removal *r)
{
    struct buf out = buf_in(r->call->arena);
    char instant[INSTANT_TEXT];
    str as_of = instant_text(instant, r->c->header.as_of_us);
    bool others = false;
    buf_format(&out,
               "# What this bundle removes\n\nThe artefacts are those of the policy as of %.*s, "
               "proved like every compile. They take the place of:\n\n",
               STR_ARG(as_of));
    for (size_t i = 0; i < r->question->n_items; i++)
        buf_format(&out, "- `%.*s`, target %.*s\n", STR_ARG(r->question->items[i]->out),
                   STR_ARG(r->question->items[i]->target));
    if (r->c->header.as_of_us > r->call->now_us)
        buf_format(&out, "\nThat is in the future: loaded before, they end exceptions before their "
                         "time.\n");
    for (size_t i = 0; i < r->n_remade; i++)
        buf_format(&out, "\n`%.*s`, target %.*s: %.*s.\n", STR_ARG(r->remade[i].item->out),
                   STR_ARG(r->remade[i].item->target), STR_ARG(r->remade[i].because));
    for (size_t i = 0; i < r->question->n_exceptions; i++)
        tell_exception(r, &out, i);
    for (size_t i = 0; i < r->n_rows; i++)
        others = others || r->rows[i].exception == SIZE_MAX;
    if (others)
        buf_str(&out, S("\n## Other changes\n\nNot of these exceptions: the policy has "
                        "changed since, or more ends.\n"));
    if (others) tell_rows(r, &out, SIZE_MAX);
    tell_order(r, &out);
    tell_left_over(r, &out);
    return buf_text(&out);
}

bool removal_documents(struct compiling *c, const struct removal_question *question,
                       struct manifest_document out[2], struct err *err)
{
    struct removal r = {.c = c, .call = c->call, .question = question};
    void *to = c->to;
    c->to = &r;
    bool good = compiling_each(c, "comparing", take_new, err);
    c->to = to;
    if (!good) return false;
    for (size_t i = 0; i < question->n_items; i++)
        read_old(&r, question->items[i]);
    compare_all(&r);
    out[0] = (struct manifest_document){S("REMOVED.md"), removed_md(&r), S("document"), false};
    out[1] = (struct manifest_document){S("removed.json"), removed_json(&r), S("document"), false};
    return true;
}
