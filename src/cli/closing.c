/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/closing.h"

#include "base/instant.h"
#include "base/map.h"
#include "cli/effects.h"
#include "report/scope_words.h"

#define MAY_DECIDE (PEOPLE_ROLE(OPERATOR) | PEOPLE_ROLE(APPROVER) | PEOPLE_ROLE(ADMIN))

static str cell(const struct closing_row *row, enum review_csv_column column)
{
    return row->cells->cells[column];
}

static void wrong(struct closing_row *row, enum review_csv_column column, str says)
{
    row->state = CLOSING_WRONG;
    row->column = column;
    row->says = says;
}

/* ---- Which exception ----------------------------------------------------------------------------
 */

static const struct review *review_of(const struct review_book *reviews,
                                      const struct closing_row *row)
{
    str id = {0}, mark = {0};
    (void)str_cut(cell(row, REVIEW_CSV_REVIEW), '/', &id, &mark);
    const struct review *review = review_book_find(reviews, id);
    return review && str_equal_nocase(review->mark, mark) ? review : NULL;
}

static void match_decision(struct closing *c, struct closing_row *row)
{
    static const str words[] = {
#define X(name, text) {text, sizeof(text) - 1},
        REVIEW_DECISIONS(X)
#undef X
    };
    str word = cell(row, REVIEW_CSV_DECISION);
    struct arena *arena = c->deciding->call->arena;
    if (!review_decision_find(word, &row->decision))
        wrong(row, REVIEW_CSV_DECISION,
              str_format(
                  arena, "expected keep, narrow, remove, transfer or promote, found \"%.*s\"%.*s",
                  STR_ARG(word), STR_ARG(command_suggest(arena, word, words, COUNT_OF(words)))));
    else
        row->state = row->decision ? CLOSING_READY : CLOSING_UNDECIDED;
}

static void match_row(struct closing *c, const struct review_book *reviews, struct closing_row *row,
                      struct map *seen)
{
    struct arena *arena = c->deciding->call->arena;
    const struct review *review = review_of(reviews, row);
    str id = cell(row, REVIEW_CSV_ID);
    bool fresh = false;
    if (review != c->review) {
        wrong(row, REVIEW_CSV_REVIEW,
              str_format(arena, "expected %.*s, found \"%.*s\": the row is of another review",
                         STR_ARG(review_csv_mark(c->review->id, c->review->mark, arena)),
                         STR_ARG(cell(row, REVIEW_CSV_REVIEW))));
        return;
    }
    row->item = review_find(c->review, id);
    if (!row->item) {
        wrong(row, REVIEW_CSV_ID,
              str_format(arena, "%.*s does not ask about \"%.*s\"", STR_ARG(c->review->id),
                         STR_ARG(id)));
        return;
    }
    const uint64_t *line = map_put(seen, arena, id, row->cells->places[REVIEW_CSV_ID].line, &fresh);
    if (!fresh)
        wrong(row, REVIEW_CSV_ID,
              str_format(arena, "%.*s has a row already, on line %" PRIu64, STR_ARG(id), *line));
    else
        match_decision(c, row);
}

bool closing_match(struct closing *c, const struct review_book *reviews, struct err *err)
{
    struct map seen = {0};
    c->review = NULL;
    for (size_t i = 0; i < c->n && !c->review; i++)
        c->review = review_of(reviews, &c->rows[i]);
    if (!c->review) {
        err_set(err, ERR_REFUSED,
                "no row is of a review of this workspace: it is another one's sheet");
        return err_in(err, c->source);
    }
    for (size_t i = 0; i < c->n; i++)
        match_row(c, reviews, &c->rows[i], &seen);
    return true;
}

/* ---- Narrowing ----------------------------------------------------------------------------------
 */

/* The scope that a row asks for, as JSON. */
static bool scope_of(struct closing *c, struct closing_row *row, str *out)
{
    struct err err = {0};
    str given = cell(row, REVIEW_CSV_NEW_SCOPE);
    *out = row->item->scope;
    if (!given.len && out->len) return true;
    if (given.len && scope_words_read(given, c->deciding->call->arena, out, &err)) return true;
    wrong(row, REVIEW_CSV_NEW_SCOPE,
          given.len ? str_copy(c->deciding->call->arena, str_of(err.text))
                    : S("nothing narrower was proposed: say the scope here"));
    return false;
}

static struct exception_entry narrowing_entry(const struct closing *c,
                                              const struct book_exception *e, str scope, str reason)
{
    struct exception_entry entry = deciding_entry(c->deciding, LEDGER_AMENDMENT, e->id);
    entry.ask = exception_book_ask_text(BOOK_NARROWING);
    entry.scope = scope;
    entry.owner = e->owner;
    entry.reason = reason;
    entry.expires = e->expires;
    entry.expires_us = e->expires_us;
    entry.has_expires_at = true;
    return entry;
}

/* What it would open, and that it opens nothing that the exception does not open now. */
static void ask_narrowing(struct closing *c, const struct effects *effects, struct closing_row *row)
{
    struct deciding *d = c->deciding;
    struct arena *arena = d->call->arena;
    const struct book_exception *e = exception_book_find(&d->book, row->item->id);
    const struct exception *narrower = NULL, *wider = NULL;
    struct exception_effect effect = {0};
    str scope, how = {0};
    int status = EXIT_FAILED;
    if (!scope_of(c, row, &scope)) return;
    if (str_equal(scope_words(scope, arena), scope_words(e->scope, arena))) {
        wrong(row, REVIEW_CSV_NEW_SCOPE, S("that is what it has already"));
        return;
    }
    struct exception_entry asked = narrowing_entry(c, e, scope, S("review"));
    struct exception_entry held = narrowing_entry(c, e, e->scope, S("review"));
    if (!effects_parse(d, &asked, &narrower, &status) ||
        !effects_parse(d, &held, &wider, &status) ||
        !effects_ask(effects, narrower, e->id, &effect, &status)) {
        wrong(row, REVIEW_CSV_NEW_SCOPE, S("the scope does not fit the policy"));
        return;
    }
    if (effects_widens(effects, narrower, wider, &how, &status)) {
        wrong(row, REVIEW_CSV_NEW_SCOPE,
              str_format(arena, "that is not narrower: %.*s", STR_ARG(how)));
        return;
    }
    struct closing_narrowing *made = arena_new(arena, struct closing_narrowing);
    *made = (struct closing_narrowing){
        .scope = scope,
        .effect = exception_effect_json(&effect, arena),
        .risks = effect.risks,
        .n_risks = effect.n_risks,
    };
    row->narrowing = made;
}

bool closing_ask(struct closing *c, int *status)
{
    struct effects effects = {0};
    bool loaded = false;
    for (size_t i = 0; i < c->n; i++) {
        struct closing_row *row = &c->rows[i];
        if (row->state != CLOSING_READY || row->decision != REVIEW_NARROW) continue;
        if (!exception_book_find(&c->deciding->book, row->item->id)) continue;
        if (!c->deciding->has_policy) {
            wrong(row, REVIEW_CSV_DECISION, S("without a policy nothing can be narrowed"));
            continue;
        }
        if (!loaded && !effects_load(c->deciding, &effects, status)) return false;
        loaded = true;
        ask_narrowing(c, &effects, row);
    }
    return true;
}

/* ---- Who decides --------------------------------------------------------------------------------
 */

static str owners_text(const struct book_exception *e, struct arena *arena)
{
    if (!e->deputy.len) return str_format(arena, "its owner is %.*s", STR_ARG(e->owner));
    return str_format(arena, "its owner is %.*s, the deputy %.*s", STR_ARG(e->owner),
                      STR_ARG(e->deputy));
}

/* Of an exception whose owner has left an administrator may say who has it from now on, or that it
 * goes. */
static bool is_admin_for_orphan(const struct deciding *d, const struct closing_row *row, str person)
{
    bool gives_up = row->decision == REVIEW_REMOVE || row->decision == REVIEW_TRANSFER;
    if (!row->item->is_orphaned || !gives_up) return false;
    if (!d->people.n) return actor_same_person(person, d->actor.person);
    const struct person *user = people_find(&d->people, person, d->call->scratch);
    return user && !user->disabled && (user->roles & PEOPLE_ROLE(ADMIN));
}

static bool may_decide(struct closing *c, struct closing_row *row, const struct book_exception *e)
{
    const struct deciding *d = c->deciding;
    struct arena *arena = d->call->arena;
    str person = deciding_person(d, cell(row, REVIEW_CSV_DECIDED_BY));
    bool owns = person.len && (actor_same_person(person, e->owner) ||
                               (e->deputy.len && actor_same_person(person, e->deputy)));
    if (!person.len) {
        wrong(row, REVIEW_CSV_DECIDED_BY,
              str_format(arena, "who decided is missing: %.*s", STR_ARG(owners_text(e, arena))));
        return false;
    }
    if (person.len > LIMIT_PERSON_BYTES) {
        wrong(row, REVIEW_CSV_DECIDED_BY, S("that is too long for a name"));
        return false;
    }
    row->is_refused = true;
    if (!owns && !is_admin_for_orphan(d, row, person)) {
        wrong(row, REVIEW_CSV_DECIDED_BY,
              str_format(arena, "%.*s can't decide about %.*s: %.*s", STR_ARG(person),
                         STR_ARG(e->id), STR_ARG(owners_text(e, arena))));
        return false;
    }
    bool is_own = d->actor.authenticated && actor_same_person(person, d->actor.person);
    if (d->governance.require_login && !is_own) {
        wrong(row, REVIEW_CSV_DECIDED_BY,
              str_format(arena,
                         "the policy has require-login: %.*s has to log in and close this "
                         "themself; this is %.*s%s",
                         STR_ARG(person), STR_ARG(d->actor.person),
                         d->actor.authenticated ? "" : ", not logged in"));
        return false;
    }
    row->is_refused = false;
    return true;
}

/* ---- Entries ------------------------------------------------------------------------------------
 */

/* The entries of one decision: that it was reviewed, and what follows from it. */
struct entries {
    struct exception_entry items[2];
    size_t n;
};

static str reason_of(const struct closing *c, const struct closing_row *row)
{
    str note = cell(row, REVIEW_CSV_NOTE);
    if (note.len) return note;
    return str_format(c->deciding->call->arena, "review %.*s", STR_ARG(c->review->id));
}

static struct exception_entry reviewed_entry(const struct closing *c, const struct closing_row *row,
                                             const struct book_exception *e)
{
    const struct deciding *d = c->deciding;
    str person = deciding_person(d, cell(row, REVIEW_CSV_DECIDED_BY));
    struct exception_entry entry = deciding_entry(d, LEDGER_REVIEWED, e->id);
    entry.decision = review_decision_text(row->decision);
    entry.review = c->review->id;
    entry.note = cell(row, REVIEW_CSV_NOTE);
    if (!actor_same_person(person, d->actor.person)) entry.decided_by = person;
    return entry;
}

static void add_removal(const struct closing *c, struct closing_row *row,
                        const struct book_exception *e, struct entries *out)
{
    bool is_over = e->state == BOOK_EXPIRED && !e->open;
    row->says = is_over ? S("closed: it has ended") : S("revoked");
    if (is_over) return;
    struct exception_entry *entry = &out->items[out->n++];
    *entry = deciding_entry(c->deciding, LEDGER_REVOKED, e->id);
    entry->reason = reason_of(c, row);
}

static bool add_transfer(const struct closing *c, struct closing_row *row,
                         const struct book_exception *e, struct entries *out)
{
    const struct deciding *d = c->deciding;
    str owner = deciding_person(d, cell(row, REVIEW_CSV_NEW_OWNER));
    if (!owner.len) {
        wrong(row, REVIEW_CSV_NEW_OWNER, S("whom it goes to is missing"));
        return false;
    }
    struct exception_entry *entry = &out->items[out->n++];
    *entry = deciding_entry(d, LEDGER_TRANSFERRED, e->id);
    entry->owner = owner;
    entry->deputy = e->deputy.len && actor_same_person(owner, e->deputy) ? (str){0} : e->deputy;
    entry->reason = cell(row, REVIEW_CSV_NOTE);
    row->says = str_format(d->call->arena, "goes to %.*s", STR_ARG(owner));
    return true;
}

static bool add_narrowing(const struct closing *c, struct closing_row *row,
                          const struct book_exception *e, struct entries *out)
{
    const struct closing_narrowing *narrowing = row->narrowing;
    if (!narrowing) {
        wrong(row, REVIEW_CSV_DECISION, S("what it would open is not known yet: try again"));
        return false;
    }
    struct exception_entry *entry = &out->items[out->n++];
    *entry = narrowing_entry(c, e, narrowing->scope, reason_of(c, row));
    entry->owner = (str){0};
    entry->effect = narrowing->effect;
    entry->risks = narrowing->risks;
    entry->n_risks = narrowing->n_risks;
    entry->needed =
        exception_rules_needed(&c->deciding->governance, narrowing->n_risks, e->break_glass);
    row->says = str_format(c->deciding->call->arena, "asked for; %" PRIu64 " approval%s needed",
                           entry->needed, entry->needed == 1 ? " is" : "s are");
    return true;
}

static void add_promotion(const struct closing *c, struct closing_row *row,
                          const struct book_exception *e)
{
    struct arena *arena = c->deciding->call->arena;
    row->line = row->item->line.len
                    ? row->item->line
                    : str_format(arena, "- {%.*s}", STR_ARG(scope_words(e->scope, arena)));
    row->says = S("reviewed; the line is for policy.yaml");
}

static bool entries_of(const struct closing *c, struct closing_row *row,
                       const struct book_exception *e, struct entries *out)
{
    *out = (struct entries){.n = 1};
    out->items[0] = reviewed_entry(c, row, e);
    row->says = S("kept");
    if (row->decision == REVIEW_REMOVE) add_removal(c, row, e, out);
    if (row->decision == REVIEW_PROMOTE) add_promotion(c, row, e);
    if (row->decision == REVIEW_TRANSFER) return add_transfer(c, row, e, out);
    if (row->decision == REVIEW_NARROW) return add_narrowing(c, row, e, out);
    return true;
}

/* ---- Applying -----------------------------------------------------------------------------------
 */

static const enum review_csv_column refused_column[REVIEW_DECISION_COUNT] = {
    [REVIEW_UNDECIDED] = REVIEW_CSV_DECISION, [REVIEW_KEEP] = REVIEW_CSV_DECISION,
    [REVIEW_NARROW] = REVIEW_CSV_NEW_SCOPE,   [REVIEW_REMOVE] = REVIEW_CSV_DECISION,
    [REVIEW_TRANSFER] = REVIEW_CSV_NEW_OWNER, [REVIEW_PROMOTE] = REVIEW_CSV_DECISION,
};

static bool append(struct closing *c, enum ledger_kind kind, str subject, str data, struct err *err)
{
    struct ledger_draft draft = {
        .kind = kind,
        .subject = subject,
        .actor = actor_json(&c->deciding->actor, c->deciding->call->arena),
        .data = data,
    };
    return ledger_append(c->deciding->ledger, &draft, NULL, err);
}

/* All of its entries, or none. */
static bool apply_entries(struct closing *c, struct closing_row *row,
                          const struct book_exception *e, const struct entries *entries,
                          struct err *err)
{
    struct deciding *d = c->deciding;
    const struct deciding_right right = {
        .roles = MAY_DECIDE,
        .people = {e->owner, e->deputy},
        .what = S("deciding in a review"),
    };
    for (size_t i = 0; i < entries->n; i++) {
        struct err why = {0};
        if (deciding_ask(d, &right, &entries->items[i], &why)) continue;
        wrong(row, refused_column[row->decision], str_copy(d->call->arena, str_of(why.text)));
        row->is_refused = true;
        return true;
    }
    for (size_t i = 0; i < entries->n; i++)
        if (!append(c, entries->items[i].kind, e->id,
                    exception_entry_data(&entries->items[i], d->call->arena), err))
            return false;
    row->state = CLOSING_DONE;
    return true;
}

/* A review decides once. */
static void compare_before(const struct closing *c, struct closing_row *row)
{
    struct arena *arena = c->deciding->call->arena;
    const struct review_item *item = row->item;
    row->state = CLOSING_BEFORE;
    row->says = str_format(arena, "decided before, by %.*s", STR_ARG(item->decided_by));
    if (row->decision == item->decision) return;
    wrong(row, REVIEW_CSV_DECISION,
          str_format(arena, "%.*s decided \"%.*s\" on %.*s already", STR_ARG(item->decided_by),
                     STR_ARG(review_decision_text(item->decision)),
                     STR_ARG(reviewing_day(item->decided_us, arena))));
}

static bool apply_row(struct closing *c, struct closing_row *row, struct err *err)
{
    struct entries entries;
    const struct book_exception *e = exception_book_find(&c->deciding->book, row->item->id);
    row->item = review_find(c->review, row->item->id);
    if (row->item->decision) {
        compare_before(c, row);
        return true;
    }
    if (!e) {
        wrong(row, REVIEW_CSV_ID, S("the ledger has no such exception any more"));
        return true;
    }
    if (!may_decide(c, row, e) || !entries_of(c, row, e, &entries)) return true;
    return apply_entries(c, row, e, &entries, err);
}

static str refused_data(const struct closing_row *row, struct arena *arena)
{
    struct buf out = buf_in(arena);
    struct json json = json_to(&out);
    json_object(&json);
    json_member_str(&json, S("kind"), ledger_kind_text(LEDGER_REVIEWED));
    json_member_str(&json, S("decision"), review_decision_text(row->decision));
    json_member_str(&json, S("decided-by"), cell(row, REVIEW_CSV_DECIDED_BY));
    json_member_str(&json, S("why"), row->says);
    json_object_end(&json);
    return buf_text(&out);
}

static str closed_data(const struct closing *c)
{
    size_t count[REVIEW_DECISION_COUNT] = {0};
    struct buf out = buf_in(c->deciding->call->arena);
    struct json json = json_to(&out);
    for (size_t i = 0; i < c->review->n; i++)
        count[c->review->items[i].decision]++;
    for (size_t i = 0; i < c->n; i++)
        if (c->rows[i].state == CLOSING_DONE) count[c->rows[i].decision]++;
    json_object(&json);
    for (unsigned i = REVIEW_UNDECIDED + 1; i < REVIEW_DECISION_COUNT; i++)
        json_member_u64(&json, review_decision_text((enum review_decision)i), count[i]);
    json_object_end(&json);
    return buf_text(&out);
}

bool closing_apply(struct closing *c, bool *wrote, struct err *err)
{
    struct review_book reviews;
    struct arena *arena = c->deciding->call->arena;
    *wrote = false;
    if (!review_book_read(c->deciding->ledger, INT64_MAX, arena, &reviews, err)) return false;
    c->review = review_book_find(&reviews, c->review->id);
    c->is_closed = c->review->closed_us != 0;
    c->n_undecided = c->review->n_undecided;
    if (c->is_closed) return true;
    for (size_t i = 0; i < c->n; i++) {
        struct closing_row *row = &c->rows[i];
        if (row->state == CLOSING_READY && !apply_row(c, row, err)) return false;
        if (row->state == CLOSING_WRONG && row->is_refused) {
            if (!append(c, LEDGER_REFUSED, row->item->id, refused_data(row, arena), err))
                return false;
            *wrote = true;
        }
        c->n_done += row->state == CLOSING_DONE;
    }
    c->n_undecided -= c->n_done;
    *wrote |= c->n_done > 0 || !c->n_undecided;
    if (c->n_undecided) return true;
    c->is_closed = true;
    return append(c, LEDGER_REVIEW_CLOSED, c->review->id, closed_data(c), err);
}
