/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/review_book.h"

#include "base/instant.h"
#include "base/json_scan.h"
#include "base/map.h"
#include "ledger/entry_text.h"

/* Hexadecimal digits of a review's mark: enough that two ledgers never share one by chance. */
enum { MARK_DIGITS = 16 };

static const str decisions[REVIEW_DECISION_COUNT] = {
#define X(name, text) [REVIEW_##name] = {text, sizeof(text) - 1},
    REVIEW_DECISIONS(X)
#undef X
};

str review_decision_text(enum review_decision decision)
{
    return decisions[decision];
}

bool review_decision_find(str word, enum review_decision *out)
{
    word = str_trim(word);
    for (unsigned i = 0; i < REVIEW_DECISION_COUNT; i++) {
        if (!str_equal_nocase(word, decisions[i])) continue;
        *out = (enum review_decision)i;
        return true;
    }
    return false;
}

/* ---- Reading ------------------------------------------------------------------------------------
 */

struct making {
    struct review review;
    struct review_item *items;
    size_t room;
    struct map by_id; /* exception -> index */
};

struct review_reading {
    struct arena *arena;
    struct making *reviews;
    size_t n, room;
    struct map by_id; /* review -> index */
};

struct review_reading *review_reading_start(struct arena *arena)
{
    struct review_reading *reading = arena_new(arena, struct review_reading);
    reading->arena = arena;
    return reading;
}

/* The next member of the object that scan is in: its key, and its value as it stands. False at the
 * object's end; when the text is damaged *good is false, too. */
static bool next_member(struct json_scan *scan, str *key, str *raw, struct json_scan_item *value,
                        bool *good)
{
    struct err err = {0};
    struct json_scan_item name;
    *good = json_scan_next(scan, &name, &err);
    if (!*good || name.kind != JSON_SCAN_KEY) return false;
    *good = json_scan_next(scan, value, &err) && json_scan_skip(scan, *value, &err);
    *key = name.text;
    if (*good) *raw = (str){scan->text.ptr + value->offset, scan->at - (size_t)value->offset};
    return *good;
}

/* Whether the text is an object; scan is inside it then. */
static bool enter(struct json_scan *scan, str text, struct arena *arena)
{
    struct err err = {0};
    struct json_scan_item first;
    *scan = json_scan_of(text, 0, arena);
    return json_scan_next(scan, &first, &err) && first.kind == JSON_SCAN_OBJECT;
}

static bool read_instant(struct json_scan_item value, int64_t *out)
{
    return value.kind == JSON_SCAN_STRING && instant_parse(value.text, out);
}

static bool read_count(struct json_scan_item value, uint64_t *out)
{
    int64_t count = 0;
    if (value.kind != JSON_SCAN_NUMBER || !json_scan_i64(value.text, &count) || count < 0)
        return false;
    *out = (uint64_t)count;
    return true;
}

static bool read_item(str text, struct arena *arena, struct review_item *item)
{
    struct json_scan scan;
    struct json_scan_item value;
    str key, raw;
    bool good = enter(&scan, text, arena);
    while (good && next_member(&scan, &key, &raw, &value, &good)) {
        bool is_text = value.kind == JSON_SCAN_STRING;
        str copy = is_text ? str_copy(arena, value.text) : (str){0};
        if (str_equal(key, S("id"))) item->id = copy;
        if (str_equal(key, S("proposal"))) item->proposal = copy;
        if (str_equal(key, S("because"))) item->because = copy;
        if (str_equal(key, S("line"))) item->line = copy;
        if (str_equal(key, S("scope"))) item->scope = str_copy(arena, raw);
        if (str_equal(key, S("orphaned"))) item->is_orphaned = value.kind == JSON_SCAN_TRUE;
        if (str_equal(key, S("connections")))
            item->has_use = good = read_count(value, &item->connections);
        if (str_equal(key, S("last-use"))) good = read_instant(value, &item->last_use_us);
    }
    return good && item->id.len;
}

static bool read_items(struct review_reading *reading, struct making *into, str list)
{
    struct arena *arena = reading->arena;
    struct json_scan scan = json_scan_of(list, 0, arena);
    struct json_scan_item value;
    struct err err = {0};
    bool fresh = false;
    if (!json_scan_next(&scan, &value, &err) || value.kind != JSON_SCAN_ARRAY) return false;
    for (;;) {
        if (!json_scan_next(&scan, &value, &err)) return false;
        if (value.kind == JSON_SCAN_ARRAY_END) return true;
        struct review_item item = {0};
        if (!json_scan_skip(&scan, value, &err) ||
            !read_item((str){list.ptr + value.offset, scan.at - (size_t)value.offset}, arena,
                       &item))
            return false;
        map_put(&into->by_id, arena, item.id, into->review.n, &fresh);
        if (!fresh) return false;
        arena_grow(arena, into->items, into->review.n, into->room);
        into->items[into->review.n++] = item;
        into->review.n_undecided++;
    }
}

static struct making *making_of(struct review_reading *reading, const struct ledger_entry *entry,
                                bool *fresh)
{
    uint64_t *at = map_put(&reading->by_id, reading->arena, entry->subject, reading->n, fresh);
    if (!*fresh) return &reading->reviews[*at];
    arena_grow(reading->arena, reading->reviews, reading->n, reading->room);
    struct making *made = &reading->reviews[reading->n++];
    *made = (struct making){.review.id = str_copy(reading->arena, entry->subject),
                            .review.started_us = entry->time_us};
    str hex = sha256_hex(reading->arena, &entry->hash);
    made->review.mark = str_head(hex, MARK_DIGITS);
    return made;
}

static bool add_started(struct review_reading *reading, const struct ledger_entry *entry, str data)
{
    struct json_scan scan;
    struct json_scan_item value;
    str key, raw;
    bool fresh = false, good = enter(&scan, data, reading->arena);
    struct making *made = making_of(reading, entry, &fresh);
    while (good && next_member(&scan, &key, &raw, &value, &good)) {
        if (str_equal(key, S("month"))) made->review.month = str_copy(reading->arena, value.text);
        if (str_equal(key, S("due"))) good = read_instant(value, &made->review.due_us);
        if (str_equal(key, S("exceptions"))) good = read_items(reading, made, raw);
    }
    return good && made->review.month.len;
}

static struct review_item *item_of(struct making *made, str exception)
{
    const uint64_t *at = map_find(&made->by_id, exception);
    return at ? &made->items[*at] : NULL;
}

static str person_of(const struct entry_text *parts, struct arena *arena)
{
    return str_copy(arena, entry_text_member(parts->actor, S("person"), arena));
}

/* The first decision counts: who wants another one starts another review. */
static void decide(struct making *made, struct review_item *item, enum review_decision decision,
                   const struct ledger_entry *entry, str person)
{
    if (item->decision) return;
    item->decision = decision;
    item->recorded_by = item->decided_by = person;
    item->decided_us = entry->time_us;
    item->entry = entry->number;
    made->review.n_undecided--;
}

static bool add_reviewed(struct review_reading *reading, const struct ledger_entry *entry,
                         const struct entry_text *parts)
{
    struct json_scan scan;
    struct json_scan_item value;
    str key, raw, review = {0}, word = {0}, note = {0}, by = {0};
    struct arena *arena = reading->arena;
    enum review_decision decision = REVIEW_UNDECIDED;
    bool good = enter(&scan, parts->data, arena);
    while (good && next_member(&scan, &key, &raw, &value, &good)) {
        if (value.kind != JSON_SCAN_STRING) continue;
        if (str_equal(key, S("review"))) review = value.text;
        if (str_equal(key, S("decision"))) word = value.text;
        if (str_equal(key, S("note"))) note = str_copy(arena, value.text);
        if (str_equal(key, S("decided-by"))) by = str_copy(arena, value.text);
    }
    if (!good) return false;
    const uint64_t *at = review.len ? map_find(&reading->by_id, review) : NULL;
    if (!at) return true;
    struct making *made = &reading->reviews[*at];
    struct review_item *item = item_of(made, entry->subject);
    if (!item || item->decision || made->review.closed_us) return true;
    if (!review_decision_find(word, &decision) || !decision) return false;
    decide(made, item, decision, entry, person_of(parts, arena));
    item->note = note;
    if (by.len) item->decided_by = by;
    return true;
}

/* What is revoked meanwhile, by whatever way, needs no decision any more. */
static void add_revoked(struct review_reading *reading, const struct ledger_entry *entry,
                        const struct entry_text *parts)
{
    for (size_t i = 0; i < reading->n; i++) {
        struct making *made = &reading->reviews[i];
        struct review_item *item = made->review.closed_us ? NULL : item_of(made, entry->subject);
        if (item && !item->decision)
            decide(made, item, REVIEW_REMOVE, entry, person_of(parts, reading->arena));
    }
}

bool review_reading_add(struct review_reading *reading, const struct ledger_entry *entry,
                        struct err *err)
{
    struct entry_text parts = {0};
    struct err why = {0};
    bool good = entry_text_parse(entry->body, reading->arena, &parts, &why);
    if (good && entry->kind == LEDGER_REVIEW_STARTED)
        good = add_started(reading, entry, parts.data);
    else if (good && entry->kind == LEDGER_REVIEWED)
        good = add_reviewed(reading, entry, &parts);
    else if (good && entry->kind == LEDGER_REVOKED)
        add_revoked(reading, entry, &parts);
    else if (good && entry->kind == LEDGER_REVIEW_CLOSED) {
        const uint64_t *at = map_find(&reading->by_id, entry->subject);
        if (at && !reading->reviews[*at].review.closed_us)
            reading->reviews[*at].review.closed_us = entry->time_us;
    }
    if (good) return true;
    return err_set(err, ERR_MALFORMED,
                   "entry %" PRIu64 " of the ledger (%.*s of %.*s) is not what reviews are made of",
                   entry->number, STR_ARG(ledger_kind_text(entry->kind)), STR_ARG(entry->subject));
}

struct review_book review_reading_end(struct review_reading *reading)
{
    struct review *items = arena_array(reading->arena, struct review, reading->n + 1);
    for (size_t i = 0; i < reading->n; i++) {
        items[i] = reading->reviews[i].review;
        items[i].items = reading->reviews[i].items;
    }
    return (struct review_book){items, reading->n};
}

struct visiting {
    struct review_reading *reading;
    struct err *err;
    bool good;
};

static bool visit_entry(void *to, const struct ledger_entry *entry)
{
    struct visiting *v = to;
    v->good = review_reading_add(v->reading, entry, v->err);
    return v->good;
}

bool review_book_read(struct ledger *ledger, int64_t as_of_us, struct arena *arena,
                      struct review_book *out, struct err *err)
{
    static const uint32_t kinds = 1u << LEDGER_REVIEW_STARTED | 1u << LEDGER_REVIEWED |
                                  1u << LEDGER_REVOKED | 1u << LEDGER_REVIEW_CLOSED;
    struct visiting v = {review_reading_start(arena), err, true};
    if (!ledger_each(ledger, kinds, 0, as_of_us, (struct ledger_visit){&v, visit_entry}, err) ||
        !v.good)
        return false;
    *out = review_reading_end(v.reading);
    return true;
}

/* ---- Asking -------------------------------------------------------------------------------------
 */

const struct review *review_book_find(const struct review_book *book, str id)
{
    for (size_t i = 0; i < book->n; i++)
        if (str_equal_nocase(book->items[i].id, id)) return &book->items[i];
    return NULL;
}

const struct review_item *review_find(const struct review *review, str exception)
{
    for (size_t i = 0; i < review->n; i++)
        if (str_equal(review->items[i].id, exception)) return &review->items[i];
    return NULL;
}

const struct review *review_book_open(const struct review_book *book, str month)
{
    const struct review *found = NULL;
    for (size_t i = 0; i < book->n; i++)
        if (!book->items[i].closed_us && str_equal(book->items[i].month, month))
            found = &book->items[i];
    return found;
}

str review_book_next_id(const struct review_book *book, str month, struct arena *arena)
{
    size_t n = 1;
    for (size_t i = 0; i < book->n; i++)
        n += str_equal(book->items[i].month, month);
    if (n == 1) return str_format(arena, "RV-%.*s", STR_ARG(month));
    return str_format(arena, "RV-%.*s-%zu", STR_ARG(month), n);
}

bool review_is_overdue(const struct review *review, int64_t at_us)
{
    return !review->closed_us && review->due_us < at_us;
}

/* ---- Writing ------------------------------------------------------------------------------------
 */

static void write_item(struct json *json, const struct review_item *item)
{
    json_object(json);
    json_member_str(json, S("id"), item->id);
    json_member_str(json, S("proposal"), item->proposal);
    json_member_str(json, S("because"), item->because);
    if (item->has_use) json_member_u64(json, S("connections"), item->connections);
    if (item->last_use_us) {
        json_key(json, S("last-use"));
        json_instant(json, item->last_use_us);
    }
    if (item->line.len) json_member_str(json, S("line"), item->line);
    if (item->is_orphaned) json_member_bool(json, S("orphaned"), true);
    json_object_end(json);
}

/* The scope is JSON already; it goes in before the object's closing brace. */
static void write_item_and_scope(struct json *json, const struct review_item *item)
{
    write_item(json, item);
    if (!item->scope.len) return;
    json->out->len--;
    buf_str(json->out, S(",\"scope\":"));
    buf_str(json->out, item->scope);
    buf_char(json->out, '}');
}

static str part_data(const struct review *review, size_t part, size_t n_parts, struct arena *arena)
{
    struct buf out = buf_in(arena);
    struct json json = json_to(&out);
    size_t from = part * REVIEW_PART_ITEMS, to = from + REVIEW_PART_ITEMS;
    json_object(&json);
    json_member_str(&json, S("month"), review->month);
    json_key(&json, S("due"));
    json_instant(&json, review->due_us);
    json_member_u64(&json, S("part"), part + 1);
    json_member_u64(&json, S("parts"), n_parts);
    json_key(&json, S("exceptions"));
    json_array(&json);
    for (size_t i = from; i < review->n && i < to; i++)
        write_item_and_scope(&json, &review->items[i]);
    json_array_end(&json);
    json_object_end(&json);
    return buf_text(&out);
}

const str *review_started_data(const struct review *review, struct arena *arena, size_t *n)
{
    *n = review->n ? (review->n - 1) / REVIEW_PART_ITEMS + 1 : 1;
    str *parts = arena_array(arena, str, *n);
    for (size_t i = 0; i < *n; i++)
        parts[i] = part_data(review, i, *n, arena);
    return parts;
}
