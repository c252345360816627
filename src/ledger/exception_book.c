/* SPDX-License-Identifier: Apache-2.0 */
/* Entries become exceptions here, one after the other, each in a time that does not depend on how
 * many there are. What may not follow is a fault and changes nothing. */
#include "ledger/exception_book.h"

#include "base/instant.h"
#include "ledger/exception_rules.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

str exception_book_state_text(enum book_state state)
{
    static const str texts[] = {
#define X(name, text) T(text),
        BOOK_STATES(X)
#undef X
    };
    assert((size_t)state < COUNT_OF(texts));
    return texts[state];
}

str exception_book_ask_text(enum book_ask ask)
{
    static const str texts[] = {
#define X(name, text) T(text),
        BOOK_ASKS(X)
#undef X
    };
    assert((size_t)ask < COUNT_OF(texts));
    return texts[ask];
}

/* ---- Replay -------------------------------------------------------------------------------------
 */

/* An exception in the making. */
struct told {
    struct book_exception e;
    struct book_request *requests; /* those of e, which may be written to */
    size_t room;
    size_t in_force; /* index among them; SIZE_MAX = none */
};

struct exception_reader {
    struct arena *arena;
    int64_t until_us;
    struct told **by_id; /* by the number of the id less one; NULL = its request was a fault */
    size_t n_ids, room;
    struct book_fault *faults;
    size_t n_faults, room_faults;
    uint64_t n_faults_all;
    int64_t last_us;
    struct governance governance;
    str policy_sha256;
};

struct exception_reader *exception_book_start(int64_t until_us, struct arena *arena)
{
    struct exception_reader *reader = arena_new(arena, struct exception_reader);
    *reader = (struct exception_reader){
        .arena = arena,
        .until_us = until_us,
        .governance = governance_default(),
    };
    return reader;
}

static void add_fault(struct exception_reader *r, const struct ledger_entry *entry, str why)
{
    r->n_faults_all++;
    if (r->n_faults == LIMIT_BOOK_FAULTS) return;
    arena_grow(r->arena, r->faults, r->n_faults, r->room_faults);
    r->faults[r->n_faults++] = (struct book_fault){.entry = entry->number, .text = why};
}

/* Pointers into the requests: they move when there are more. */
static void point(struct told *t)
{
    t->e.requests = t->requests;
    t->e.in_force = t->in_force == SIZE_MAX ? NULL : &t->requests[t->in_force];
}

static struct told *find(const struct exception_reader *r, str subject)
{
    uint64_t number = exception_rules_number(subject);
    return number && number <= r->n_ids ? r->by_id[number - 1] : NULL;
}

static struct book_act act_of(const struct exception_entry *entry, str note)
{
    return (struct book_act){
        .by = entry->by, .at_us = entry->time_us, .entry = entry->number, .note = note};
}

static struct book_request *add_request(struct exception_reader *r, struct told *t,
                                        const struct exception_entry *entry)
{
    /* Most have one for ever, and there may be many of those. */
    if (!t->room) {
        t->requests = arena_new(r->arena, struct book_request);
        t->room = 1;
    }
    arena_grow(r->arena, t->requests, t->e.n_requests, t->room);
    struct book_request *request = &t->requests[t->e.n_requests++];
    *request = (struct book_request){
        .act = act_of(entry, entry->reason),
        .scope = entry->scope,
        .starts = entry->starts,
        .expires = entry->expires,
        .starts_us = entry->has_starts_at ? entry->starts_us : entry->time_us,
        .expires_us = entry->expires_us,
        .needed = entry->needed,
        .risks = entry->risks,
        .n_risks = entry->n_risks,
        .effect = entry->effect,
    };
    return request;
}

static void show(struct book_exception *e, const struct book_request *request)
{
    e->scope = request->scope;
    e->starts = request->starts;
    e->expires = request->expires;
    e->starts_us = request->starts_us;
    e->expires_us = request->expires_us;
}

static void apply_request(struct exception_reader *r, struct told *none,
                          const struct exception_entry *entry)
{
    enum { DAY_S = 86400 };
    struct told *t = arena_new(r->arena, struct told);
    (void)none;
    *t = (struct told){
        .e = {.id = entry->subject,
              .owner = entry->owner,
              .deputy = entry->deputy,
              .reason = entry->reason,
              .ticket = entry->ticket,
              .risk = entry->risk_note,
              .control = entry->control,
              .requested = act_of(entry, entry->reason),
              .break_glass = entry->break_glass,
              .review_s = entry->review_days * DAY_S},
        .in_force = SIZE_MAX,
    };
    show(&t->e, add_request(r, t, entry));
    point(t);
    r->by_id[r->n_ids - 1] = t;
}

static void apply_amendment(struct exception_reader *r, struct told *t,
                            const struct exception_entry *entry)
{
    bool narrows = str_equal(entry->ask, exception_book_ask_text(BOOK_NARROWING));
    struct book_request *request = add_request(r, t, entry);
    request->ask = narrows ? BOOK_NARROWING : BOOK_RENEWAL;
    request->starts = t->e.starts;
    request->starts_us = t->e.starts_us;
    if (narrows) {
        request->expires = t->e.expires;
        request->expires_us = t->e.expires_us;
    } else
        request->scope = t->e.scope;
    point(t);
}

static void grant(struct told *t, struct book_request *request, int64_t at_us)
{
    bool had_ended = t->e.in_force && at_us >= t->e.expires_us;
    request->is_granted = true;
    request->granted_us = at_us;
    /* Between an end and a renewal nothing was open. */
    if (request->starts_us < at_us && (request->ask == BOOK_FIRST || had_ended))
        request->starts_us = at_us;
    t->in_force = (size_t)(request - t->requests);
    if (request->ask == BOOK_RENEWAL) t->e.renewals++;
    show(&t->e, request);
    point(t);
}

static void apply_approval(struct exception_reader *r, struct told *t,
                           const struct exception_entry *entry)
{
    struct book_request *request = &t->requests[t->e.n_requests - 1];
    size_t n = request->n_approvals;
    /* At most LIMIT_APPROVERS of them. */
    struct book_act *approvals = arena_array(r->arena, struct book_act, n + 1);
    if (n) memcpy(approvals, request->approvals, n * sizeof *approvals);
    approvals[n] = act_of(entry, entry->note);
    request->approvals = approvals;
    request->n_approvals = n + 1;
    request->needed = entry->needed;
    if (request->n_approvals >= request->needed) grant(t, request, entry->time_us);
}

static void apply_rejection(struct exception_reader *r, struct told *t,
                            const struct exception_entry *entry)
{
    (void)r;
    t->requests[t->e.n_requests - 1].rejection = act_of(entry, entry->reason);
}

static void apply_revocation(struct exception_reader *r, struct told *t,
                             const struct exception_entry *entry)
{
    (void)r;
    t->e.revocation = act_of(entry, entry->reason);
}

static void apply_transfer(struct exception_reader *r, struct told *t,
                           const struct exception_entry *entry)
{
    (void)r;
    t->e.owner = entry->owner;
    t->e.deputy = entry->deputy;
}

static void apply_review(struct exception_reader *r, struct told *t,
                         const struct exception_entry *entry)
{
    (void)r;
    if (t->e.in_force) t->e.last_review_us = entry->time_us;
}

static void apply_policy(struct exception_reader *r, struct told *none,
                         const struct exception_entry *entry)
{
    (void)none;
    r->governance = entry->governance;
    r->policy_sha256 = entry->sha256;
}

static const struct {
    enum ledger_kind kind;
    void (*apply)(struct exception_reader *r, struct told *t, const struct exception_entry *entry);
} kinds[] = {
    {LEDGER_POLICY,      apply_policy    },
    {LEDGER_REQUESTED,   apply_request   },
    {LEDGER_AMENDMENT,   apply_amendment },
    {LEDGER_APPROVED,    apply_approval  },
    {LEDGER_REJECTED,    apply_rejection },
    {LEDGER_REVOKED,     apply_revocation},
    {LEDGER_TRANSFERRED, apply_transfer  },
    {LEDGER_REVIEWED,    apply_review    },
};

/* The next id is used up by whatever asks for it, so that no later request has the id of an entry
 * that was passed over. */
static void take_id(struct exception_reader *r, str subject)
{
    if (exception_rules_number(subject) != r->n_ids + 1) return;
    arena_grow(r->arena, r->by_id, r->n_ids, r->room);
    r->by_id[r->n_ids++] = NULL;
}

static bool visit(void *to, const struct ledger_entry *entry)
{
    struct exception_reader *r = to;
    struct exception_entry e;
    struct err err = {0};
    if (entry->kind >= LEDGER_KIND_COUNT || entry->time_us > r->until_us) return true;
    if (!(EXCEPTION_ENTRY_KINDS >> entry->kind & 1)) return true;
    r->last_us = entry->time_us;
    uint64_t last_id = r->n_ids;
    if (entry->kind == LEDGER_REQUESTED) take_id(r, entry->subject);
    if (!exception_entry_read(entry, r->arena, &e, &err)) {
        add_fault(r, entry, str_copy(r->arena, str_of(err.text)));
        return true;
    }
    struct told *t = entry->kind == LEDGER_REQUESTED ? NULL : find(r, e.subject);
    str why = exception_rules_refuse(t ? &t->e : NULL, &e, last_id, &r->governance, r->arena);
    if (why.len) {
        add_fault(r, entry, why);
        return true;
    }
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (kinds[i].kind == entry->kind) kinds[i].apply(r, t, &e);
    return true;
}

struct ledger_visit exception_book_visit(struct exception_reader *reader)
{
    return (struct ledger_visit){.to = reader, .entry = visit};
}

/* ---- The book -----------------------------------------------------------------------------------
 */

/* When it is looked at next; 0 = never more. */
static int64_t next_review(const struct book_exception *e, uint64_t most_s)
{
    const uint64_t most_kept_s = INT32_MAX;
    bool lives = e->state == BOOK_SCHEDULED || e->state == BOOK_ACTIVE;
    uint64_t every_s = e->review_s < most_s ? e->review_s : most_s;
    if (!e->in_force) return 0;
    /* One that was made in a hurry is looked at the next day, whether it is over or not. */
    if (e->break_glass && !e->last_review_us) return e->requests[0].granted_us + INSTANT_DAY;
    if (!lives) return 0;
    if (every_s > most_kept_s) every_s = most_kept_s;
    /* Who approves a renewal has looked at it. */
    int64_t looked_us = e->in_force->granted_us;
    if (looked_us < e->last_review_us) looked_us = e->last_review_us;
    return looked_us + (int64_t)every_s * INSTANT_SECOND;
}

void exception_book_end(struct exception_reader *r, int64_t as_of_us, struct exception_book *out)
{
    struct book_exception *items = arena_array(r->arena, struct book_exception, r->n_ids + 1);
    size_t n = 0;
    for (size_t i = 0; i < r->n_ids; i++) {
        if (!r->by_id[i]) continue;
        struct book_exception *e = &items[n++];
        *e = r->by_id[i]->e;
        e->state = exception_rules_state(e, as_of_us);
        e->open = exception_rules_open(e, as_of_us);
        /* Written under a clock that ran ahead of this one, it has been revoked all the same. */
        if (e->revocation.at_us > as_of_us) e->revocation.at_us = as_of_us;
        e->next_review_us = next_review(e, r->governance.review_s);
    }
    *out = (struct exception_book){
        .as_of_us = as_of_us,
        .items = items,
        .n = n,
        .faults = r->faults,
        .n_faults = r->n_faults,
        .n_faults_all = r->n_faults_all,
        .last_id = r->n_ids,
        .last_us = r->last_us,
        .governance = r->governance,
        .policy_sha256 = r->policy_sha256,
    };
}

bool exception_book_read(struct ledger *ledger, int64_t as_of_us, struct arena *arena,
                         struct exception_book *out, struct err *err)
{
    struct exception_reader *reader = exception_book_start(as_of_us, arena);
    if (!ledger_each(ledger, EXCEPTION_ENTRY_KINDS, 0, as_of_us, exception_book_visit(reader), err))
        return false;
    exception_book_end(reader, as_of_us, out);
    return true;
}

const struct book_exception *exception_book_find(const struct exception_book *book, str id)
{
    uint64_t number = exception_rules_number(id);
    size_t low = 0, high = book->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (exception_rules_number(book->items[middle].id) < number)
            low = middle + 1;
        else
            high = middle;
    }
    if (!number || low == book->n) return NULL;
    return str_equal(book->items[low].id, id) ? &book->items[low] : NULL;
}

/* Asked of what is there, not of how it came about: this is the last look before something opens.
 */
bool exception_book_opens(const struct book_exception *e)
{
    const struct book_request *r = e->in_force;
    if (e->state != BOOK_ACTIVE || e->revocation.at_us || !r || !r->is_granted) return false;
    if (!str_trim(e->owner).len || !e->expires.len || e->expires_us <= r->granted_us) return false;
    if (!r->needed || r->n_approvals < r->needed) return false;
    for (size_t i = 0; i < r->n_approvals; i++) {
        const struct actor *by = &r->approvals[i].by;
        if (actor_same_person(by->person, e->owner) || actor_may_be_same(by, &r->act.by))
            return false;
        if (e->deputy.len && actor_same_person(by->person, e->deputy)) return false;
        for (size_t j = 0; j < i; j++)
            if (actor_may_be_same(by, &r->approvals[j].by)) return false;
    }
    return true;
}

/* ---- As a file ----------------------------------------------------------------------------------
 */

static int64_t end_of(const struct book_exception *e)
{
    int64_t revoked_us = e->revocation.at_us;
    return revoked_us && revoked_us < e->expires_us ? revoked_us : e->expires_us;
}

bool exception_book_is_in_file(const struct book_exception *e)
{
    return e->in_force && end_of(e) > e->starts_us;
}

/* "2026-11-22T12:13:20Z": of people's times, few have a fraction. */
static void put_instant(struct json *json, str key, int64_t us)
{
    char text[INSTANT_TEXT], plain[INSTANT_TEXT];
    enum { SECONDS = 19 }; /* bytes of "2026-11-22T12:13:20" */
    str whole = instant_text(text, us);
    if (us % INSTANT_SECOND) {
        json_member_str(json, key, whole);
        return;
    }
    memcpy(plain, whole.ptr, SECONDS);
    plain[SECONDS] = 'Z';
    json_member_str(json, key, (str){plain, SECONDS + 1});
}

static void put_text(struct json *json, const char *key, str text)
{
    if (text.len) json_member_str(json, str_of(key), text);
}

/* The scope's members, then who, why and until when. */
static void put_record(struct buf *out, const struct book_exception *e)
{
    struct json json = json_to(out);
    json_object(&json);
    json_member_str(&json, S("id"), e->id);
    put_text(&json, "owner", e->owner);
    put_text(&json, "deputy", e->deputy);
    put_text(&json, "reason", e->reason);
    put_text(&json, "ticket", e->ticket);
    json_key(&json, S("approver"));
    json_array(&json);
    for (size_t i = 0; i < e->in_force->n_approvals; i++)
        json_str(&json, e->in_force->approvals[i].by.person);
    json_array_end(&json);
    put_instant(&json, S("starts"), e->starts_us);
    put_instant(&json, S("expires"), end_of(e));
    /* An object in its one form: what is between its braces goes on here. */
    buf_char(out, ',');
    buf_str(out, str_tail(e->scope, 1));
}

str exception_book_file_without(const struct exception_book *book, const bool *left_out,
                                struct arena *arena)
{
    struct buf out = buf_in(arena);
    size_t line = 0, n = 0;
    buf_str(&out, S("{\"exceptions\":["));
    for (size_t i = 0; i < book->n; i++) {
        const struct book_exception *e = &book->items[i];
        if (!exception_book_is_in_file(e)) continue;
        if (left_out && left_out[line++]) continue;
        if (n++) buf_str(&out, S(",\n"));
        put_record(&out, e);
    }
    buf_str(&out, S("]}\n"));
    return buf_text(&out);
}

str exception_book_file(const struct exception_book *book, struct arena *arena)
{
    return exception_book_file_without(book, NULL, arena);
}
