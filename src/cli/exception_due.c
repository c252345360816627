/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions that have ended while firewalls may still carry them, by what the ledger knows of the
 * artefacts that were compiled; and the bundle that takes them away.
 */
#include "base/instant.h"
#include "base/map.h"
#include "cli/acting.h"
#include "cli/compile_record.h"
#include "cli/compiling_files.h"
#include "cli/removal.h"
#include "cli/used_after.h"
#include "ledger/ledger_verify.h"
#include "policy/reading.h"
#include "targets/carried.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

struct due {
    struct removal_exception exception;
    const struct compile_book_item **items; /* that carry it */
    size_t n_items;
    bool ended; /* else it ends within the time asked about */
    bool is_due, never_deployed;
};

/* The artefacts that carry one exception. */
struct carriers {
    const struct compile_book_item **items;
    size_t n, room;
};

struct due_list {
    struct invocation *call;
    struct policy_file *file;
    struct ended *ended;
    size_t n_ended;
    int64_t by_us; /* what ends until then counts */
    struct compile_book compiled;
    struct map ids; /* of exceptions that are carried → carriers */
    struct carriers *carriers;
    size_t n_carriers, carriers_room;
    struct due *items;
    size_t n, room;
    size_t n_due, n_never, n_closed;
    const struct used_after *used; /* after its end */
    size_t n_used;
    const struct compiling *bundle; /* NULL = none was written */
};

/* ---- What ended ---------------------------------------------------------------------------------
 */

static bool within(struct invocation *call, int64_t *out_us, struct err *err)
{
    uint64_t seconds = 0;
    str text = option_text(call, S("within"));
    if (text.len && !reading_duration_parse(text, &seconds))
        return err_set(err, ERR_USAGE, "--within: expected a duration such as 7d, found \"%.*s\"",
                       STR_ARG(text));
    *out_us = call->as_of_us + (int64_t)seconds * INSTANT_SECOND;
    return true;
}

static void find_carriers(struct due_list *list)
{
    struct arena *arena = list->call->arena;
    for (size_t i = 0; i < list->compiled.n; i++)
        for (size_t k = 0; k < list->compiled.items[i].n_exceptions; k++) {
            bool fresh = false;
            str id = list->compiled.items[i].exceptions[k];
            uint64_t at = *map_put(&list->ids, arena, id, list->n_carriers, &fresh);
            if (fresh) {
                arena_grow(arena, list->carriers, list->n_carriers, list->carriers_room);
                list->carriers[list->n_carriers++] = (struct carriers){0};
            }
            struct carriers *carriers = &list->carriers[at];
            arena_grow(arena, carriers->items, carriers->n, carriers->room);
            carriers->items[carriers->n++] = &list->compiled.items[i];
        }
}

static struct due *add(struct due_list *list, struct removal_exception exception)
{
    arena_grow(list->call->arena, list->items, list->n, list->room);
    struct due *due = &list->items[list->n++];
    const uint64_t *at = map_find(&list->ids, exception.id);
    *due = (struct due){.exception = exception};
    due->ended = exception.expires_us <= list->call->as_of_us;
    if (at) {
        due->items = list->carriers[*at].items;
        due->n_items = list->carriers[*at].n;
    }
    due->is_due = due->n_items != 0;
    list->n_due += due->is_due;
    return due;
}

static void add_ended(struct due_list *list, const struct map *ever)
{
    for (size_t i = 0; i < list->n_ended; i++) {
        const struct ended *ended = &list->ended[i];
        struct due *due = add(list, (struct removal_exception){
                                        .id = ended->id,
                                        .owner = ended->exception->owner,
                                        .expires = ended->exception->expires,
                                        .expires_us = ended->exception->expires_us,
                                        .ended = ended,
                                    });
        due->never_deployed = !map_find(ever, ended->id);
        list->n_never += due->never_deployed;
        list->n_closed += !due->is_due && !due->never_deployed;
    }
}

/* What is carried and neither alive nor among those that ended: of a record that does not fit the
 * policy any more, or that nobody has any more. */
static void add_unknown(struct due_list *list)
{
    struct arena *arena = list->call->arena;
    const struct policy *policy = &list->file->policy;
    struct map known = {0};
    for (size_t i = 0; i < policy->n_exceptions; i++)
        (void)map_put(&known, arena, carried_id(&policy->exceptions[i], arena), 1, NULL);
    for (size_t i = 0; i < list->compiled.n; i++)
        for (size_t k = 0; k < list->compiled.items[i].n_exceptions; k++) {
            struct removal_exception unknown = {
                .id = list->compiled.items[i].exceptions[k],
                .expires_us = INT64_MIN,
            };
            bool fresh = false;
            (void)map_put(&known, arena, unknown.id, 1, &fresh);
            if (!fresh) continue;
            const struct book_exception *told = exception_book_find(&list->file->book, unknown.id);
            if (told) {
                unknown.owner = told->owner;
                unknown.expires = told->expires;
                unknown.expires_us = told->expires_us;
            }
            (void)add(list, unknown);
        }
}

/* What was compiled, if there is a ledger. The exceptions' own ledger was verified when they were
 * read. */
static bool read_compiled(struct due_list *list, struct err *err)
{
    struct invocation *call = list->call;
    struct ledger *ledger = NULL;
    struct ledger_verdict verdict = {0};
    const struct ledger_question question = {0};
    if (!ledger_exists(call->os, call->workspace, call->arena)) return true;
    if (!acting_ledger(call, LEDGER_READ, &ledger, err)) return false;
    bool good =
        list->file->has_ledger || ledger_verify_open(ledger, &question, call->arena, &verdict, err);
    if (good && verdict.fault != LEDGER_FAULT_NONE)
        good = err_set(err, ERR_REFUSED, "the ledger does not verify: %.*s", STR_ARG(verdict.text));
    good = good && compile_book_read(ledger, call->as_of_us, call->arena, &list->compiled, err);
    ledger_close(ledger);
    return good;
}

static bool find_due(struct due_list *list, struct err *err)
{
    struct map ever = {0};
    if (!within(list->call, &list->by_us, err) || !read_compiled(list, err)) return false;
    for (size_t i = 0; i < list->compiled.n_ever; i++)
        (void)map_put(&ever, list->call->arena, list->compiled.ever[i], 1, NULL);
    find_carriers(list);
    list->ended = ended_find(list->call, list->file, list->by_us, &list->n_ended);
    add_ended(list, &ever);
    add_unknown(list);
    return true;
}

/* ---- The bundle ---------------------------------------------------------------------------------
 */

struct bundle {
    struct due_list *list;
    struct removal_question question;
    const struct compile_book_item **items;
    str *targets;
    size_t n_targets;
    int64_t at_us;
};

static bool is_asked(struct due_list *list, str target)
{
    size_t n;
    str *asked = option_texts(list->call, S("target"), &n);
    for (size_t i = 0; i < n; i++)
        if (str_equal(asked[i], target)) return true;
    return !n;
}

static void add_item(struct bundle *bundle, const struct compile_book_item *item)
{
    bool known = false;
    for (size_t i = 0; i < bundle->question.n_items; i++)
        known = known || bundle->items[i] == item;
    if (known || !is_asked(bundle->list, item->target)) return;
    bundle->items[bundle->question.n_items++] = item;
    known = false;
    for (size_t i = 0; i < bundle->n_targets; i++)
        known = known || str_equal(bundle->targets[i], item->target);
    if (!known) bundle->targets[bundle->n_targets++] = item->target;
}

/* The artefacts at now, or at the latest end that was asked about. */
static struct bundle bundle_of(struct due_list *list)
{
    struct arena *arena = list->call->arena;
    struct removal_exception *exceptions =
        arena_array(arena, struct removal_exception, list->n + 1);
    struct bundle bundle = {.list = list, .at_us = list->call->as_of_us};
    bundle.items = arena_array(arena, const struct compile_book_item *, list->compiled.n + 1);
    bundle.targets = arena_array(arena, str, list->compiled.n + 1);
    for (size_t i = 0; i < list->n; i++) {
        const struct due *due = &list->items[i];
        if (!due->is_due) continue;
        exceptions[bundle.question.n_exceptions++] = due->exception;
        if (due->exception.expires_us > bundle.at_us) bundle.at_us = due->exception.expires_us;
        for (size_t k = 0; k < due->n_items; k++)
            add_item(&bundle, due->items[k]);
    }
    bundle.question.exceptions = exceptions;
    bundle.question.items = bundle.items;
    return bundle;
}

/* Its exit status; EXIT_FINE: it is written and in the ledger. */
static int write_bundle(struct due_list *list, const struct bundle *bundle)
{
    struct invocation *then = arena_new(list->call->arena, struct invocation);
    struct compiling *c = arena_new(list->call->arena, struct compiling);
    struct compile_book_replaced *replaced =
        arena_array(list->call->arena, struct compile_book_replaced, bundle->question.n_items + 1);
    struct manifest_document documents[2];
    struct err err = {0};
    str manifest = {0};
    int status = EXIT_FAILED;
    *then = *list->call;
    then->as_of_us = bundle->at_us;
    *c = (struct compiling){
        .call = then,
        .file = arena_new(then->arena, struct policy_file),
        .folder = option_text(list->call, S("output")),
    };
    if (!compiling_targets(c, bundle->targets, bundle->n_targets, &err))
        return command_fail(list->call, &err);
    if (!compiling_load(c, &status)) return status;
    compiling_plan(c);
    if (!compiling_prove(c, &err))
        return c->n_differences ? compiling_answer(c) : command_fail(list->call, &err);
    if (!removal_documents(c, &bundle->question, documents, &err))
        return command_fail(list->call, &err);
    status = compiling_files_write(c, documents, COUNT_OF(documents), &manifest);
    if (status != EXIT_FINE) return status;
    for (size_t i = 0; i < bundle->question.n_items; i++)
        replaced[i] =
            (struct compile_book_replaced){bundle->items[i]->out, bundle->items[i]->target};
    compile_record(c, manifest, replaced, bundle->question.n_items);
    list->bundle = c;
    return EXIT_FINE;
}

/* ---- Text ---------------------------------------------------------------------------------------
 */

static str days_text(struct arena *arena, int64_t from_us, int64_t to_us)
{
    int64_t day = INSTANT_SECOND * 86400;
    int64_t days = to_us / day - from_us / day;
    if (!days) return S("today");
    if (days > 0) return str_format(arena, "%" PRId64 " day%s ago", days, days == 1 ? "" : "s");
    return str_format(arena, "in %" PRId64 " day%s", -days, days == -1 ? "" : "s");
}

static str end_text(const struct due_list *list, const struct due *due)
{
    struct arena *arena = list->call->arena;
    if (due->exception.expires_us == INT64_MIN) return S("not known any more");
    str days = days_text(arena, due->exception.expires_us, list->call->as_of_us);
    return str_format(arena, "%.*s (%.*s)", STR_ARG(due->exception.expires), STR_ARG(days));
}

static const struct table_column columns[] = {
    {T("exception"),  ALIGN_LEFT, 0},
    {T("owner"),      ALIGN_LEFT, 0},
    {T("ends"),       ALIGN_LEFT, 0},
    {T("carried by"), ALIGN_LEFT, 0},
    {T("target"),     ALIGN_LEFT, 0},
    {T("compiled"),   ALIGN_LEFT, 0},
};

static struct table due_table(const struct due_list *list)
{
    struct arena *arena = list->call->arena;
    struct table table = table_of(arena, columns, COUNT_OF(columns));
    bool csv = list->call->format == FORMAT_CSV;
    for (size_t i = 0; i < list->n; i++) {
        const struct due *due = &list->items[i];
        for (size_t k = 0; k < due->n_items; k++) {
            char instant[INSTANT_TEXT];
            bool first = !k || csv;
            str at = instant_text(instant, due->items[k]->compiled_us);
            table_add_toned(&table, first ? due->exception.id : (str){0}, TONE_STRONG);
            table_add(&table, first ? due->exception.owner : (str){0});
            table_add_toned(&table,
                            !first ? (str){0}
                            : csv  ? due->exception.expires
                                   : end_text(list, due),
                            due->ended ? TONE_BAD : TONE_WARN);
            table_add(&table, due->items[k]->out);
            table_add(&table, due->items[k]->target);
            table_add(&table, str_copy(arena, csv ? at : str_head(at, 10)));
        }
    }
    return table;
}

static void print_summary(const struct due_list *list)
{
    struct invocation *call = list->call;
    struct buf *out = call->out;
    if (list->n_due) {
        str text = str_format(call->arena, "%zu exception%s not closed", list->n_due,
                              list->n_due == 1 ? " is" : "s are");
        table_tone(out, text, TONE_BAD, call->colour);
        buf_str(out, S(": the newest artefacts of these folders carry their rules\n"));
    } else {
        table_tone(out, S("nothing is due"), TONE_GOOD, call->colour);
        buf_str(out, S(": no artefact carries an exception that has ended\n"));
    }
    if (list->n_closed)
        buf_format(out, "%zu ended, and newer artefacts of every folder are without %s\n",
                   list->n_closed, list->n_closed == 1 ? "it" : "them");
    for (size_t i = 0; i < list->n; i++) {
        const struct due *due = &list->items[i];
        if (!due->never_deployed) continue;
        buf_format(out, "%.*s of %.*s, %.*s: ", STR_ARG(due->exception.id),
                   STR_ARG(due->exception.owner), STR_ARG(end_text(list, due)));
        table_tone(out, S("never deployed"), TONE_DIM, call->colour);
        buf_char(out, '\n');
    }
}

static void print_text(const struct due_list *list)
{
    struct invocation *call = list->call;
    char instant[INSTANT_TEXT];
    struct table table = due_table(list);
    if (list->n_due) {
        table_print_text(&table, call->out, call->colour);
        buf_char(call->out, '\n');
    }
    used_after_print(call, list->used, list->n_used);
    print_summary(list);
    if (list->bundle) {
        str at = instant_text(instant, list->bundle->header.as_of_us);
        buf_format(call->out, "\nwhat removes them, as of %.*s:\n", STR_ARG(at));
        struct compiling told = *list->bundle;
        compiling_tell(&told, "written to");
        buf_str(call->out, S("REMOVED.md there says which rules go; `sallyport drift` says whether "
                             "they have gone\n"));
    } else if (list->n_due) {
        buf_str(call->out,
                S("`sallyport exception due -o DIR` writes the bundle that removes them\n"));
    }
}

/* ---- JSON ---------------------------------------------------------------------------------------
 */

static void print_exception(struct json *json, const struct due *due)
{
    json_member_str(json, S("id"), due->exception.id);
    json_member_str_or_null(json, S("owner"), due->exception.owner);
    json_key(json, S("expires"));
    if (due->exception.expires_us == INT64_MIN)
        json_null(json);
    else
        json_instant(json, due->exception.expires_us);
    json_member_bool(json, S("ended"), due->ended);
}

static void print_due(struct json *json, const struct due *due)
{
    json_object(json);
    print_exception(json, due);
    json_key(json, S("carried"));
    json_array(json);
    for (size_t i = 0; i < due->n_items; i++) {
        json_object(json);
        json_member_str(json, S("out"), due->items[i]->out);
        json_member_str(json, S("target"), due->items[i]->target);
        json_key(json, S("compiled"));
        json_instant(json, due->items[i]->compiled_us);
        json_member_u64(json, S("entry"), due->items[i]->entry);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

static void print_bundle(struct json *json, const struct compiling *bundle)
{
    json_key(json, S("bundle"));
    if (!bundle) {
        json_null(json);
        return;
    }
    json_object(json);
    json_member_str(json, S("out"), bundle->folder);
    json_key(json, S("as_of"));
    json_instant(json, bundle->header.as_of_us);
    json_key(json, S("targets"));
    json_array(json);
    for (size_t i = 0; i < bundle->n_parts; i++)
        json_str(json, bundle->parts[i].target->name);
    json_array_end(json);
    json_object_end(json);
}

static void print_json(const struct due_list *list)
{
    struct json json = json_to(list->call->out);
    json_object(&json);
    json_key(&json, S("as_of"));
    json_instant(&json, list->call->as_of_us);
    json_key(&json, S("by"));
    json_instant(&json, list->by_us);
    json_key(&json, S("due"));
    json_array(&json);
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i].is_due) print_due(&json, &list->items[i]);
    json_array_end(&json);
    json_key(&json, S("never_deployed"));
    json_array(&json);
    for (size_t i = 0; i < list->n; i++) {
        if (!list->items[i].never_deployed) continue;
        json_object(&json);
        print_exception(&json, &list->items[i]);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_member_u64(&json, S("closed"), list->n_closed);
    json_key(&json, S("used_after"));
    used_after_json(&json, list->used, list->n_used);
    print_bundle(&json, list->bundle);
    json_object_end(&json);
    buf_char(list->call->out, '\n');
}

/* ---- The command --------------------------------------------------------------------------------
 */

static void print(const struct due_list *list)
{
    if (list->call->format == FORMAT_JSON) {
        print_json(list);
    } else if (list->call->format == FORMAT_CSV) {
        struct table table = due_table(list);
        table_print_csv(&table, list->call->out);
    } else {
        print_text(list);
    }
}

static int run(struct invocation *call)
{
    struct due_list list = {.call = call};
    struct err err = {0};
    int status = EXIT_FAILED;
    list.file = arena_new(call->arena, struct policy_file);
    if (!policy_file_load(call, list.file, &status) ||
        !policy_file_resolve(call, list.file, NULL, true, &status))
        return status;
    if (!find_due(&list, &err) || !used_after_find(call, list.file, &list.used, &list.n_used, &err))
        return command_fail(call, &err);
    if (option_given(call, S("output")) && list.n_due) {
        struct bundle bundle = bundle_of(&list);
        if (!bundle.n_targets) {
            (void)err_set(
                &err, ERR_USAGE,
                "--target: none of these targets carries what is due; nothing is written");
            return command_fail(call, &err);
        }
        status = write_bundle(&list, &bundle);
        if (status != EXIT_FINE) return status;
    }
    print(&list);
    return list.n_due || list.n_used ? EXIT_NO : EXIT_FINE;
}

static const struct option options[] = {
    {.name = T("within"),
     .type = OPTION_TEXT,
     .value = T("DURATION"),
     .help = T("also those that end within this time, such as 7d")      },
    {                  .name = T("output"),
     .letter = 'o',
     .type = OPTION_TEXT,
     .value = T("DIR"),
     .help = T("write the artefacts that remove them to this folder")},
    { .name = T("target"),
     .letter = 't',
     .type = OPTION_TEXT,
     .many = true,
     .value = T("TARGET"),
     .help = T("with --output: only this dialect; may be given again")},
    POLICY_FILE_OPTION,
};

static const struct example examples[] = {
    {T("sallyport exception due"),                    T("Which exceptions have ended and are still carried?")},
    {T("sallyport exception due --within 7d --json"), T("And which end within a week?")                      },
    {T("sallyport exception due -o removal"),         T("Write what removes them")                           },
};

const struct command exception_due_command = {
    .name = T("exception due"),
    .summary = T("List ended exceptions that artefacts still carry; write what removes them"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T(
        "An exception is due when it has ended and the newest artefacts of some folder and target, "
        "as the ledger knows them\nfrom `compile`, carry its rules. Exceptions that nothing "
        "compiled ever carried were never deployed.\n\n"
        "--output compiles the policy as it is now, or at the latest end within --within, for "
        "every target that carries one of\nthem, proved like every compile, with REMOVED.md and "
        "removed.json: per exception and class which rules go and which\nchange, by their ids. "
        "Nothing is loaded: `sallyport drift` says whether it has been.\n\n"
        "An exception by which the evidence shows connections after its end is an alarm, whatever "
        "was compiled.\n\n"
        "Exit status: 0 nothing is due; 1 something is, or was used after its end; 2 could not "
        "tell."),
    .run = run,
};
