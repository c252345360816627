/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/exception_rules.h"

#include "base/instant.h"

/* Every rule answers with a sentence; this one says that nothing is against it. */
#define FINE ((str){0})
#define REFUSE(...)                                                                                \
    do {                                                                                           \
        return str_format(arena, __VA_ARGS__);                                                     \
    } while (0)

/* What every rule is asked about. */
struct question {
    const struct book_exception *exception;
    const struct exception_entry *entry;
    const struct governance *governance;
    struct arena *arena;
};

/* ---- Words --------------------------------------------------------------------------------------
 */

uint64_t exception_rules_number(str id)
{
    uint64_t number = 0;
    if (!str_starts(id, S("EX-"))) return 0;
    str digits = str_tail(id, 3);
    bool good = digits.len && digits.ptr[0] != '0' && str_u64(digits, UINT32_MAX, &number);
    return good ? number : 0;
}

str exception_rules_id(uint64_t number, struct arena *arena)
{
    return str_format(arena, "EX-%" PRIu64, number);
}

/* Text of one line that every reader of policies takes: no control characters, nothing that some
 * programs take for the end of a line. */
static bool is_plain(str text)
{
    for (size_t at = 0, bad = 0; at < text.len;) {
        const uint8_t *c = (const uint8_t *)text.ptr + at;
        if (c[0] >= 0x20 && c[0] < 0x7F) {
            at++;
            continue;
        }
        size_t n = str_utf8_next(str_tail(text, at), &bad);
        if (n < 2) return false;
        if (n == 2 && c[0] == 0xC2 && c[1] < 0xA0) return false;
        if (n == 3) {
            uint32_t code = (uint32_t)(c[0] & 0x0F) << 12 | (uint32_t)(c[1] & 0x3F) << 6 |
                            (uint32_t)(c[2] & 0x3F);
            if (code == 0x2028 || code == 0x2029 || code >= 0xFFFE || code == 0xFEFF) return false;
        }
        at += n;
    }
    return true;
}

/* name : of the value, for the sentence */
static str check_text(str name, str text, size_t most_bytes, bool compulsory, struct arena *arena)
{
    if (compulsory && !str_trim(text).len) REFUSE("%.*s is missing", STR_ARG(name));
    if (text.len > most_bytes)
        REFUSE("%.*s has %zu bytes; at most %zu are kept", STR_ARG(name), text.len, most_bytes);
    if (!is_plain(text))
        REFUSE("%.*s has to be one line without control characters", STR_ARG(name));
    return FINE;
}

static str at_text(int64_t us, struct arena *arena)
{
    char text[INSTANT_TEXT];
    return str_copy(arena, instant_text(text, us));
}

static const char *state_sentence(enum book_state state)
{
    static const char *const sentences[] = {
        [BOOK_PENDING] = "is not approved yet",
        [BOOK_LAPSED] = "ended before enough people had approved it",
        [BOOK_REJECTED] = "was rejected",
        [BOOK_SCHEDULED] = "has not begun yet",
        [BOOK_ACTIVE] = "is active",
        [BOOK_EXPIRED] = "has expired",
        [BOOK_REVOKED] = "was revoked",
    };
    return sentences[state];
}

/* ---- What it is ---------------------------------------------------------------------------------
 */

enum book_state exception_rules_state(const struct book_exception *e, int64_t at_us)
{
    if (e->revocation.at_us) return BOOK_REVOKED;
    if (!e->in_force) {
        const struct book_request *first = &e->requests[0];
        if (first->rejection.at_us) return BOOK_REJECTED;
        return at_us < first->expires_us ? BOOK_PENDING : BOOK_LAPSED;
    }
    if (at_us < e->starts_us) return BOOK_SCHEDULED;
    return at_us < e->expires_us ? BOOK_ACTIVE : BOOK_EXPIRED;
}

const struct book_request *exception_rules_open(const struct book_exception *e, int64_t at_us)
{
    const struct book_request *last = &e->requests[e->n_requests - 1];
    bool is_open = !e->revocation.at_us && !last->is_granted && !last->rejection.at_us &&
                   at_us < last->expires_us;
    return is_open ? last : NULL;
}

uint64_t exception_rules_needed(const struct governance *governance, size_t n_risks,
                                bool break_glass)
{
    uint64_t n = n_risks ? governance->approvers_at_risk : governance->approvers;
    if (break_glass || n < 1) return 1;
    return n < LIMIT_APPROVERS ? n : LIMIT_APPROVERS;
}

/* ---- Times --------------------------------------------------------------------------------------
 */

/* Durations of policies stay below 10^5 days, but those of an entry are anybody's. */
static int64_t later(int64_t us, uint64_t by_s)
{
    enum { MOST_S = INT32_MAX };
    uint64_t seconds = by_s < MOST_S ? by_s : MOST_S;
    int64_t by_us = (int64_t)seconds * INSTANT_SECOND;
    return us > INT64_MAX - by_us ? INT64_MAX : us + by_us;
}

int64_t exception_rules_latest_end(const struct governance *governance, bool break_glass,
                                   int64_t starts_us, int64_t at_us)
{
    uint64_t life_s = governance->maximum_life_s;
    if (break_glass && governance->break_glass_life_s < life_s)
        life_s = governance->break_glass_life_s;
    return later(starts_us > at_us ? starts_us : at_us, life_s);
}

/* Whether an instant is what its text says: exactly, or the midnight of a date in some time zone.
 */
static bool instant_fits(str text, int64_t us, bool is_end)
{
    const int64_t most_us = 26 * 3600 * INSTANT_SECOND; /* zones are within a day of UTC */
    struct civil date;
    int64_t said_us = 0;
    if (instant_parse(text, &said_us)) return said_us == us;
    if (!instant_parse_date(text, &date)) return false;
    said_us = instant_from_civil(date) + (is_end ? INSTANT_DAY : 0);
    return us >= said_us - most_us && us <= said_us + most_us;
}

static str check_end(const struct question *q, bool break_glass, int64_t starts_us)
{
    const struct exception_entry *entry = q->entry;
    struct arena *arena = q->arena;
    int64_t at_us = entry->time_us;
    if (!entry->expires.len || !entry->has_expires_at)
        REFUSE("an end is missing: nothing is open for ever");
    if (!instant_fits(entry->expires, entry->expires_us, true))
        REFUSE("its end, %.*s, is not the instant beside it", STR_ARG(entry->expires));
    if (entry->expires_us <= at_us)
        REFUSE("it would expire at %.*s, which is past", STR_ARG(entry->expires));
    if (starts_us && entry->expires_us <= starts_us)
        REFUSE("it would expire at %.*s, which is not after its start", STR_ARG(entry->expires));
    int64_t latest_us = exception_rules_latest_end(q->governance, break_glass, starts_us, at_us);
    if (entry->expires_us <= latest_us) return FINE;
    uint64_t life_s =
        break_glass && q->governance->break_glass_life_s < q->governance->maximum_life_s
            ? q->governance->break_glass_life_s
            : q->governance->maximum_life_s;
    REFUSE("it would live longer than %.*s; the latest end is %.*s",
           STR_ARG(governance_duration_text(life_s, arena)), STR_ARG(at_text(latest_us, arena)));
}

/* ---- People -------------------------------------------------------------------------------------
 */

static str check_person(str name, str person, bool compulsory, struct arena *arena)
{
    str why = check_text(name, person, LIMIT_PERSON_BYTES, compulsory, arena);
    if (why.len) return why;
    /* "alice " would be nobody else than alice. */
    if (str_trim(person).len != person.len)
        REFUSE("%.*s has blanks before or behind the name", STR_ARG(name));
    if (!actor_name_is_visible(person))
        REFUSE("%.*s has characters that can't be seen", STR_ARG(name));
    return FINE;
}

static str check_owners(str owner, str deputy, struct arena *arena)
{
    str why = check_person(S("the owner"), owner, true, arena);
    if (!why.len) why = check_person(S("the deputy"), deputy, false, arena);
    if (why.len) return why;
    if (deputy.len && actor_same_person(owner, deputy))
        REFUSE("%.*s can't be the deputy of themself", STR_ARG(owner));
    return FINE;
}

/* Where the policy asks for a login, a system's account decides nothing, nor does a set clock. */
static str check_login(const struct question *q)
{
    const struct actor *by = &q->entry->by;
    struct arena *arena = q->arena;
    if (!q->governance->require_login) return FINE;
    if (by->clock_is_set)
        REFUSE("the clock was set (SALLYPORT_CLOCK), and the policy has require-login");
    if (!by->authenticated)
        REFUSE("%.*s has not logged in (SALLYPORT_TOKEN), and the policy has require-login",
               STR_ARG(by->person));
    return FINE;
}

/* ---- Requests -----------------------------------------------------------------------------------
 */

static str check_scope(str json, struct arena *arena)
{
    struct scope_words scope;
    struct err err = {0};
    if (!json.len) REFUSE("what it opens is missing");
    if (!exception_entry_scope_read(json, arena, &scope, &err)) REFUSE("its scope: %s", err.text);
    if (!scope.n_from || !scope.n_to || !scope.n_service)
        REFUSE("from, to and service each need something");
    const struct {
        const str *items;
        size_t n;
    } lists[] = {
        {scope.from,    scope.n_from   },
        {scope.to,      scope.n_to     },
        {scope.service, scope.n_service},
        {&scope.secure, 1              },
        {&scope.name,   1              }
    };
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        for (size_t j = 0; j < lists[i].n; j++)
            if (!is_plain(lists[i].items[j]) || lists[i].items[j].len > LIMIT_REASON_BYTES)
                REFUSE("an item of its scope has to be one line without control characters");
    return FINE;
}

/* What requests of all kinds have: reason, approvals, risks. */
static str check_asked(const struct question *q, bool break_glass)
{
    const struct exception_entry *entry = q->entry;
    struct arena *arena = q->arena;
    uint64_t needed = exception_rules_needed(q->governance, entry->n_risks, break_glass);
    str why = check_text(S("the reason"), entry->reason, LIMIT_REASON_BYTES, true, arena);
    for (size_t i = 0; i < entry->n_risks && !why.len; i++)
        why = check_text(S("a risk"), entry->risks[i], LIMIT_REASON_BYTES, true, arena);
    if (why.len) return why;
    if (entry->needed < needed || entry->needed > LIMIT_APPROVERS ||
        (break_glass && entry->needed != 1))
        REFUSE("it would need %" PRIu64 " approvals; the policy asks for %" PRIu64, entry->needed,
               needed);
    return check_login(q);
}

static str check_starts(const struct exception_entry *entry, struct arena *arena)
{
    if (!entry->starts.len && !entry->has_starts_at) return FINE;
    if (entry->starts.len && entry->has_starts_at && entry->starts_us > 0 &&
        instant_fits(entry->starts, entry->starts_us, false))
        return FINE;
    REFUSE("its start, %.*s, is not the instant beside it", STR_ARG(entry->starts));
}

/* Between two looks at it: whole days, at most as many as the policy's duration begins. */
static str check_review(const struct question *q)
{
    const uint64_t day_s = 86400;
    uint64_t most_days = (q->governance->review_s + day_s - 1) / day_s;
    struct arena *arena = q->arena;
    if (q->entry->review_days >= 1 && q->entry->review_days <= most_days) return FINE;
    REFUSE("it would be looked at every %" PRIu64 " days; the policy asks for every %.*s",
           q->entry->review_days,
           STR_ARG(governance_duration_text(q->governance->review_s, arena)));
}

static str refuse_request(const struct question *q, uint64_t last_id)
{
    const struct exception_entry *entry = q->entry;
    struct arena *arena = q->arena;
    const struct {
        str name, text;
    } texts[] = {
        {S("the ticket"),    entry->ticket   },
        {S("the risk note"), entry->risk_note},
        {S("the control"),   entry->control  }
    };
    if (exception_rules_number(entry->subject) != last_id + 1)
        REFUSE("\"%.*s\" is not the next id, EX-%" PRIu64, STR_ARG(entry->subject), last_id + 1);
    str why = check_owners(entry->owner, entry->deputy, arena);
    for (size_t i = 0; i < COUNT_OF(texts) && !why.len; i++)
        why = check_text(texts[i].name, texts[i].text, LIMIT_REASON_BYTES, false, arena);
    if (!why.len) why = check_scope(entry->scope, arena);
    if (!why.len) why = check_asked(q, entry->break_glass);
    if (!why.len) why = check_starts(entry, arena);
    if (!why.len) why = check_end(q, entry->break_glass, entry->starts_us);
    if (!why.len) why = check_review(q);
    return why;
}

/* ---- Amendments ---------------------------------------------------------------------------------
 */

static str check_no_other(const struct question *q)
{
    const struct book_request *open = exception_rules_open(q->exception, q->entry->time_us);
    struct arena *arena = q->arena;
    if (!open || actor_same_person(open->act.by.person, q->entry->by.person)) return FINE;
    REFUSE("%.*s has asked for a %.*s already (entry %" PRIu64
           "): it has to be approved or rejected first",
           STR_ARG(open->act.by.person), STR_ARG(exception_book_ask_text(open->ask)),
           open->act.entry);
}

static str refuse_renewal(const struct question *q, enum book_state state)
{
    const struct book_exception *e = q->exception;
    struct arena *arena = q->arena;
    bool was_granted = state == BOOK_SCHEDULED || state == BOOK_ACTIVE || state == BOOK_EXPIRED;
    if (!was_granted)
        REFUSE("%.*s %s and can't be renewed: request it anew", STR_ARG(e->id),
               state_sentence(state));
    if (e->break_glass)
        REFUSE("%.*s was made with --break-glass and can't be renewed: request it without",
               STR_ARG(e->id));
    if (q->entry->scope.len) REFUSE("a renewal changes the end, not the scope");
    str why = check_end(q, false, state == BOOK_EXPIRED ? 0 : e->starts_us);
    return why.len ? why : check_no_other(q);
}

static str refuse_narrowing(const struct question *q, enum book_state state)
{
    const struct book_exception *e = q->exception;
    const struct exception_entry *entry = q->entry;
    struct arena *arena = q->arena;
    if (state != BOOK_SCHEDULED && state != BOOK_ACTIVE)
        REFUSE("%.*s %s: only one that is in force can be narrowed", STR_ARG(e->id),
               state_sentence(state));
    if (entry->has_expires_at && entry->expires_us != e->expires_us)
        REFUSE("a narrowing changes the scope, not the end");
    str why = check_scope(entry->scope, arena);
    return why.len ? why : check_no_other(q);
}

static str refuse_amendment(const struct question *q, enum book_state state)
{
    struct arena *arena = q->arena;
    str why = check_asked(q, q->exception->break_glass);
    if (why.len) return why;
    if (str_equal(q->entry->ask, exception_book_ask_text(BOOK_RENEWAL)))
        return refuse_renewal(q, state);
    if (str_equal(q->entry->ask, exception_book_ask_text(BOOK_NARROWING)))
        return refuse_narrowing(q, state);
    REFUSE("\"%.*s\" is nothing to ask for", STR_ARG(q->entry->ask));
}

/* ---- Decisions ----------------------------------------------------------------------------------
 */

/* The request that an approval or a rejection is of. */
static str check_open(const struct question *q, enum book_state state,
                      const struct book_request **out)
{
    const struct book_exception *e = q->exception;
    struct arena *arena = q->arena;
    *out = exception_rules_open(e, q->entry->time_us);
    if (!*out)
        REFUSE("nothing of %.*s waits for approval: it %s", STR_ARG(e->id), state_sentence(state));
    if ((*out)->act.entry != q->entry->request)
        REFUSE("what waits for approval of %.*s is entry %" PRIu64 ", not entry %" PRIu64,
               STR_ARG(e->id), (*out)->act.entry, q->entry->request);
    return FINE;
}

static str check_requester(const struct question *q, const struct book_request *open,
                           const char *verb)
{
    const struct actor *by = &q->entry->by, *requester = &open->act.by;
    struct arena *arena = q->arena;
    if (!actor_may_be_same(by, requester)) return FINE;
    if (actor_same_person(by->person, requester->person))
        REFUSE("%.*s requested it and can't %s it", STR_ARG(by->person), verb);
    REFUSE("%.*s requested it from the same system account, %.*s, and one of you had not logged "
           "in: that may be one person",
           STR_ARG(requester->person), STR_ARG(by->account));
}

/* The end that was asked for, by the policy that holds at the approval: one that allowed longer
 * lives may have stood there for the request alone. */
static str check_still_ends(const struct question *q, const struct book_request *open)
{
    const struct book_exception *e = q->exception;
    struct arena *arena = q->arena;
    /* A narrowing keeps the end that is in force. */
    if (open->ask == BOOK_NARROWING) return FINE;
    int64_t latest_us =
        exception_rules_latest_end(q->governance, e->break_glass, open->starts_us, open->act.at_us);
    if (open->expires_us <= latest_us) return FINE;
    REFUSE("it would live until %.*s; by the policy of now the latest end is %.*s: request it anew",
           STR_ARG(open->expires), STR_ARG(at_text(latest_us, arena)));
}

static str refuse_approval(const struct question *q, enum book_state state)
{
    const struct book_exception *e = q->exception;
    const struct exception_entry *entry = q->entry;
    const struct book_request *open = NULL;
    str person = entry->by.person;
    struct arena *arena = q->arena;
    str why = check_login(q);
    if (!why.len) why = check_person(S("the approver"), person, true, arena);
    if (!why.len) why = check_text(S("the note"), entry->note, LIMIT_REASON_BYTES, false, arena);
    if (!why.len) why = check_open(q, state, &open);
    if (!why.len) why = check_requester(q, open, "approve");
    if (!why.len) why = check_still_ends(q, open);
    if (why.len) return why;
    if (actor_same_person(person, e->owner))
        REFUSE("%.*s owns it and can't approve it", STR_ARG(person));
    if (e->deputy.len && actor_same_person(person, e->deputy))
        REFUSE("%.*s is the owner's deputy and can't approve it", STR_ARG(person));
    for (size_t i = 0; i < open->n_approvals; i++)
        if (actor_may_be_same(&entry->by, &open->approvals[i].by))
            REFUSE("%.*s has approved it already, and that may be the same person",
                   STR_ARG(open->approvals[i].by.person));
    uint64_t needed = exception_rules_needed(q->governance, open->n_risks, e->break_glass);
    if (needed < open->needed) needed = open->needed;
    if (entry->needed >= needed && entry->needed <= LIMIT_APPROVERS &&
        (!e->break_glass || entry->needed == 1))
        return FINE;
    REFUSE("it says that %" PRIu64 " approvals are needed, but it is %" PRIu64, entry->needed,
           needed);
}

static str refuse_rejection(const struct question *q, enum book_state state)
{
    const struct book_request *open = NULL;
    str why = check_login(q);
    if (!why.len)
        why = check_text(S("the reason"), q->entry->reason, LIMIT_REASON_BYTES, true, q->arena);
    if (!why.len) why = check_open(q, state, &open);
    if (!why.len) why = check_requester(q, open, "reject");
    return why;
}

static str refuse_revocation(const struct question *q, enum book_state state)
{
    const struct book_exception *e = q->exception;
    struct arena *arena = q->arena;
    bool is_over = state == BOOK_REVOKED || state == BOOK_REJECTED || state == BOOK_LAPSED;
    str why = check_login(q);
    if (!why.len)
        why = check_text(S("the reason"), q->entry->reason, LIMIT_REASON_BYTES, true, arena);
    if (why.len) return why;
    if (is_over || (state == BOOK_EXPIRED && !exception_rules_open(e, q->entry->time_us)))
        REFUSE("%.*s %s: there is nothing to revoke", STR_ARG(e->id), state_sentence(state));
    return FINE;
}

/* Owner and deputy may be none of those who approved what is in force, or what waits. */
static str check_not_approver(const struct question *q, const struct book_request *request,
                              str person)
{
    struct arena *arena = q->arena;
    for (size_t i = 0; request && i < request->n_approvals; i++)
        if (actor_same_person(person, request->approvals[i].by.person))
            REFUSE("%.*s approved it and can't own it, nor be the owner's deputy", STR_ARG(person));
    return FINE;
}

static str refuse_transfer(const struct question *q, enum book_state state)
{
    const struct book_exception *e = q->exception;
    const struct exception_entry *entry = q->entry;
    const struct book_request *open = exception_rules_open(e, entry->time_us);
    const str people[] = {entry->owner, entry->deputy};
    struct arena *arena = q->arena;
    if (state == BOOK_REVOKED || state == BOOK_REJECTED || state == BOOK_LAPSED)
        REFUSE("%.*s %s: there is nothing to own", STR_ARG(e->id), state_sentence(state));
    str why = check_login(q);
    if (!why.len) why = check_owners(entry->owner, entry->deputy, arena);
    if (!why.len)
        why = check_text(S("the reason"), entry->reason, LIMIT_REASON_BYTES, false, arena);
    for (size_t i = 0; i < COUNT_OF(people) && !why.len; i++) {
        if (!people[i].len) continue;
        why = check_not_approver(q, e->in_force, people[i]);
        if (!why.len) why = check_not_approver(q, open, people[i]);
    }
    return why;
}

static str refuse_review(const struct question *q, enum book_state state)
{
    (void)state;
    str why = check_text(S("the decision"), q->entry->decision, LIMIT_PERSON_BYTES, true, q->arena);
    if (why.len) return why;
    return check_text(S("the note"), q->entry->note, LIMIT_REASON_BYTES, false, q->arena);
}

/* A policy's limits are checked when it is read; those of an entry are anybody's. */
static str refuse_policy(const struct question *q)
{
    const struct governance *g = &q->entry->governance;
    struct arena *arena = q->arena;
    bool good = g->approvers >= 1 && g->approvers_at_risk >= g->approvers &&
                g->approvers_at_risk <= LIMIT_APPROVERS && g->maximum_life_s && g->review_s &&
                g->break_glass_life_s && g->break_glass_life_s <= g->maximum_life_s;
    if (good) return FINE;
    REFUSE("no policy can ask for that of exceptions");
}

/* ---- All of them --------------------------------------------------------------------------------
 */

static const struct {
    enum ledger_kind kind;
    str (*refuse)(const struct question *q, enum book_state state);
} decisions[] = {
    {LEDGER_AMENDMENT,   refuse_amendment },
    {LEDGER_APPROVED,    refuse_approval  },
    {LEDGER_REJECTED,    refuse_rejection },
    {LEDGER_REVOKED,     refuse_revocation},
    {LEDGER_TRANSFERRED, refuse_transfer  },
    {LEDGER_REVIEWED,    refuse_review    },
};

str exception_rules_refuse(const struct book_exception *exception,
                           const struct exception_entry *entry, uint64_t last_id,
                           const struct governance *governance, struct arena *arena)
{
    const struct question q = {exception, entry, governance, arena};
    assert(EXCEPTION_ENTRY_KINDS >> entry->kind & 1);
    /* Zero stands for "never" in a book. */
    if (entry->time_us <= 0) REFUSE("it is of %.*s", STR_ARG(at_text(entry->time_us, arena)));
    if (entry->kind == LEDGER_POLICY) return refuse_policy(&q);
    str why = check_person(S("who acts"), entry->by.person, true, arena);
    if (why.len) return why;
    if (entry->kind == LEDGER_REQUESTED) return refuse_request(&q, last_id);
    if (!exception) REFUSE("there is no exception \"%.*s\"", STR_ARG(entry->subject));
    enum book_state state = exception_rules_state(exception, entry->time_us);
    for (size_t i = 0; i < COUNT_OF(decisions); i++)
        if (decisions[i].kind == entry->kind) return decisions[i].refuse(&q, state);
    REFUSE("nothing is decided by such an entry");
}
