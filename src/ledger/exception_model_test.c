/* SPDX-License-Identifier: Apache-2.0 */
/* Random histories by random people, most of whose entries no command would have written, against a
 * model of the rules that shares no code with the book: what counts, what is open, and what was
 * open at each earlier time.
 */
#include <unistd.h>

#include "base/instant.h"
#include "base/test.h"
#include "ledger/entry_text.h"
#include "ledger/exception_rules.h"

enum { STORIES = 3000, STEPS = 60, IDS = 6, REQUESTS = 24, APPROVALS = 4 };
static const int64_t START_US = INT64_C(1795348800) * 1000000, HOUR_US = INT64_C(3600000000);

struct dice {
    uint64_t state;
};

/* xorshift64 (Marsaglia 2003): shifts alone, so nothing wraps. */
static uint64_t roll(struct dice *dice, uint64_t sides)
{
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 7;
    dice->state ^= dice->state << 17;
    return (dice->state >> 11) % sides;
}

/* ---- People -------------------------------------------------------------------------------------
 */

/* Under several names, from several accounts. */
static const struct {
    const char *name;
    int person;
    const char *account;
    int account_id;
    bool logged_in, clock_set;
} people[] = {
    {"alice",             0, "srv",   0, true,  false},
    {"ALICE@contoso.com", 0, "ws1",   1, true,  false},
    {"CONTOSO\\alice",    0, "alice", 2, false, false},
    {"bob",               1, "srv",   0, true,  false},
    {"bob",               1, "ws1",   1, true,  true },
    {"carol",             2, "ws2",   3, true,  false},
    {"dave",              3, "srv",   0, true,  false},
    {"srv",               4, "srv",   0, false, false},
    {"ws1",               5, "ws1",   1, false, false},
    {"Eve",               6, "ws2",   3, false, false},
};

/* ---- The model ----------------------------------------------------------------------------------
 */

struct model_request {
    int ask, by, entry, approvers[APPROVALS];
    size_t n_approvers;
    uint64_t needed, risks;
    int64_t at, starts, ends;
    bool granted, rejected;
};

struct model_exception {
    bool exists, glass, revoked;
    int owner, deputy; /* persons; -1 = nobody */
    struct model_request requests[REQUESTS];
    size_t n;
    int in_force; /* -1 = none */
    int64_t starts, ends;
};

struct model {
    struct model_exception items[IDS + 1];
    uint64_t last;
    uint64_t approvers, at_risk, most_hours;
    bool login;
};

/* One thing that somebody tries. */
struct deed {
    enum ledger_kind kind;
    int by, id, ask, owner, deputy, request;
    int64_t at, starts, ends; /* starts 0 = not said */
    uint64_t needed, risks;
    bool glass;
    uint64_t approvers, at_risk, most_hours;
    bool login;
};

static bool one_person(int a, int b)
{
    if (people[a].person == people[b].person) return true;
    return people[a].account_id == people[b].account_id &&
           !(people[a].logged_in && people[b].logged_in);
}

static enum book_state state_of(const struct model_exception *e, int64_t at)
{
    if (e->revoked) return BOOK_REVOKED;
    if (e->in_force < 0 && e->requests[0].rejected) return BOOK_REJECTED;
    if (e->in_force < 0) return at < e->requests[0].ends ? BOOK_PENDING : BOOK_LAPSED;
    if (at < e->starts) return BOOK_SCHEDULED;
    return at < e->ends ? BOOK_ACTIVE : BOOK_EXPIRED;
}

static struct model_request *waiting(struct model_exception *e, int64_t at)
{
    struct model_request *last = &e->requests[e->n - 1];
    return e->revoked || last->granted || last->rejected || at >= last->ends ? NULL : last;
}

static uint64_t enough(const struct model *m, uint64_t risks, bool glass)
{
    if (glass) return 1;
    return risks ? m->at_risk : m->approvers;
}

static bool fits_login(const struct model *m, int by)
{
    return !m->login || (people[by].logged_in && !people[by].clock_set);
}

static bool try_request(struct model *m, const struct deed *d, int entry)
{
    uint64_t most = d->glass && m->most_hours > 8 ? 8 : m->most_hours;
    int64_t from = d->starts > d->at ? d->starts : d->at;
    if ((uint64_t)d->id != m->last + 1) return false;
    m->last++;
    bool fine = d->owner >= 0 && d->owner != d->deputy && d->ends > from &&
                d->ends - from <= (int64_t)most * HOUR_US &&
                d->needed >= enough(m, d->risks, d->glass) && (!d->glass || d->needed == 1) &&
                fits_login(m, d->by);
    if (!fine) return false;
    struct model_exception *e = &m->items[d->id];
    *e = (struct model_exception){.exists = true,
                                  .glass = d->glass,
                                  .owner = d->owner,
                                  .deputy = d->deputy,
                                  .n = 1,
                                  .in_force = -1};
    e->starts = d->starts ? d->starts : d->at;
    e->ends = d->ends;
    e->requests[0] = (struct model_request){.by = d->by,
                                            .entry = entry,
                                            .needed = d->needed,
                                            .risks = d->risks,
                                            .at = d->at,
                                            .starts = e->starts,
                                            .ends = d->ends};
    return true;
}

static bool try_amendment(struct model *m, struct model_exception *e, const struct deed *d,
                          int entry)
{
    enum book_state state = state_of(e, d->at);
    const struct model_request *open = waiting(e, d->at);
    bool lives = state == BOOK_ACTIVE || state == BOOK_SCHEDULED;
    bool renews = d->ask == BOOK_RENEWAL;
    if (d->needed < enough(m, d->risks, e->glass) || (e->glass && d->needed != 1)) return false;
    if (!fits_login(m, d->by) || e->n == REQUESTS) return false;
    if (!lives && !(renews && state == BOOK_EXPIRED)) return false;
    if (open && people[open->by].person != people[d->by].person) return false;
    int64_t from = state != BOOK_EXPIRED && e->starts > d->at ? e->starts : d->at;
    if (renews &&
        (e->glass || d->ends <= from || d->ends - from > (int64_t)m->most_hours * HOUR_US))
        return false;
    e->requests[e->n++] = (struct model_request){.ask = d->ask,
                                                 .by = d->by,
                                                 .entry = entry,
                                                 .needed = d->needed,
                                                 .risks = d->risks,
                                                 .at = d->at,
                                                 .starts = e->starts,
                                                 .ends = renews ? d->ends : e->ends};
    return true;
}

/* By the policy of the approval, from what was known when it was asked for. */
static bool ends_in_time(const struct model *m, const struct model_exception *e,
                         const struct model_request *open)
{
    uint64_t most = e->glass && m->most_hours > 8 ? 8 : m->most_hours;
    int64_t from = open->starts > open->at ? open->starts : open->at;
    return open->ask == BOOK_NARROWING || open->ends - from <= (int64_t)most * HOUR_US;
}

static bool try_approval(struct model *m, struct model_exception *e, const struct deed *d)
{
    struct model_request *open = waiting(e, d->at);
    if (!open || open->entry != d->request || !fits_login(m, d->by)) return false;
    if (one_person(d->by, open->by) || !ends_in_time(m, e, open)) return false;
    if (people[d->by].person == e->owner || people[d->by].person == e->deputy) return false;
    for (size_t i = 0; i < open->n_approvers; i++)
        if (one_person(d->by, open->approvers[i])) return false;
    uint64_t needed = enough(m, open->risks, e->glass);
    if (needed < open->needed) needed = open->needed;
    if (d->needed < needed || (e->glass && d->needed != 1)) return false;
    open->approvers[open->n_approvers++] = d->by;
    open->needed = d->needed;
    if (open->n_approvers < open->needed) return true;
    bool was_over = e->in_force >= 0 && d->at >= e->ends;
    open->granted = true;
    if ((e->in_force < 0 || was_over) && open->starts < d->at) open->starts = d->at;
    e->in_force = (int)(open - e->requests);
    e->starts = open->starts;
    e->ends = open->ends;
    return true;
}

static bool approved_by(const struct model_request *r, int person)
{
    for (size_t i = 0; r && i < r->n_approvers; i++)
        if (people[r->approvers[i]].person == person) return true;
    return false;
}

static bool try_transfer(struct model *m, struct model_exception *e, const struct deed *d)
{
    enum book_state state = state_of(e, d->at);
    const struct model_request *sides[] = {
        e->in_force < 0 ? NULL : &e->requests[e->in_force],
        waiting(e, d->at),
    };
    if (state == BOOK_REVOKED || state == BOOK_REJECTED || state == BOOK_LAPSED) return false;
    if (!fits_login(m, d->by) || d->owner < 0 || d->owner == d->deputy) return false;
    for (size_t i = 0; i < COUNT_OF(sides); i++)
        if (approved_by(sides[i], d->owner) || (d->deputy >= 0 && approved_by(sides[i], d->deputy)))
            return false;
    e->owner = d->owner;
    e->deputy = d->deputy;
    return true;
}

static bool try_ending(struct model *m, struct model_exception *e, const struct deed *d)
{
    struct model_request *open = waiting(e, d->at);
    enum book_state state = state_of(e, d->at);
    bool over = state == BOOK_REVOKED || state == BOOK_REJECTED || state == BOOK_LAPSED ||
                state == BOOK_EXPIRED;
    if (!fits_login(m, d->by)) return false;
    if (d->kind == LEDGER_REVOKED) {
        if (over && !open) return false;
        return e->revoked = true;
    }
    if (!open || open->entry != d->request || one_person(d->by, open->by)) return false;
    return open->rejected = true;
}

static bool try_deed(struct model *m, const struct deed *d, int entry)
{
    struct model_exception *e = &m->items[d->id];
    if (d->kind == LEDGER_POLICY) {
        if (!d->approvers || d->at_risk < d->approvers || d->most_hours < 8) return false;
        m->approvers = d->approvers;
        m->at_risk = d->at_risk;
        m->most_hours = d->most_hours;
        m->login = d->login;
        return true;
    }
    if (d->kind == LEDGER_REQUESTED) return try_request(m, d, entry);
    if (!e->exists) return false;
    if (d->kind == LEDGER_AMENDMENT) return try_amendment(m, e, d, entry);
    if (d->kind == LEDGER_APPROVED) return try_approval(m, e, d);
    if (d->kind == LEDGER_TRANSFERRED) return try_transfer(m, e, d);
    return try_ending(m, e, d);
}

/* ---- Deeds --------------------------------------------------------------------------------------
 */

static int64_t ends_at(struct dice *dice, int64_t at)
{
    static const int hours[] = {-1, 0, 1, 7, 8, 9, 30, 100, 239, 240, 241, 2160, 2161};
    return at + hours[roll(dice, COUNT_OF(hours))] * HOUR_US;
}

static struct deed next_deed(struct dice *dice, struct model *m, int64_t at, int n)
{
    static const enum ledger_kind kinds[] = {
        LEDGER_REQUESTED, LEDGER_REQUESTED,   LEDGER_APPROVED,  LEDGER_APPROVED,  LEDGER_APPROVED,
        LEDGER_APPROVED,  LEDGER_APPROVED,    LEDGER_AMENDMENT, LEDGER_AMENDMENT, LEDGER_REJECTED,
        LEDGER_REVOKED,   LEDGER_TRANSFERRED, LEDGER_POLICY,
    };
    struct deed d = {
        .kind = kinds[roll(dice, COUNT_OF(kinds))],
        .by = (int)roll(dice, COUNT_OF(people)),
        .id = 1 + (int)roll(dice, m->last ? (m->last < IDS ? m->last : IDS) : 1),
        .ask = roll(dice, 3) ? BOOK_RENEWAL : BOOK_NARROWING,
        .owner = (int)roll(dice, 5),
        .deputy = (int)roll(dice, 7) - 1,
        .at = at,
        .starts = roll(dice, 4) ? 0 : at + (int64_t)roll(dice, 50) * HOUR_US,
        .ends = ends_at(dice, at),
        .needed = roll(dice, 20) ? 1 + roll(dice, 3) : 0,
        .risks = roll(dice, 3) ? 0 : 1,
        .glass = roll(dice, 6) == 0,
        .approvers = roll(dice, 3),
        .at_risk = 1 + roll(dice, 2),
        .most_hours = roll(dice, 4) ? 2160 : 240,
        .login = roll(dice, 6) == 0,
    };
    if (roll(dice, 8) == 0) d.owner = -1;
    if (d.kind == LEDGER_REQUESTED && roll(dice, 10) && m->last < IDS) d.id = (int)m->last + 1;
    struct model_exception *e = &m->items[d.id];
    d.request = e->exists && roll(dice, 10) ? e->requests[e->n - 1].entry : (int)roll(dice, 9);
    if (e->exists && d.kind == LEDGER_APPROVED && roll(dice, 4)) {
        d.needed = e->requests[e->n - 1].needed;
        if (enough(m, e->requests[e->n - 1].risks, e->glass) > d.needed) d.needed++;
    }
    /* Of the end of one's id no more is asked for. */
    if (d.kind == LEDGER_REQUESTED && m->last >= IDS) d.kind = LEDGER_APPROVED;
    if (n == 0) d.kind = LEDGER_REQUESTED;
    return d;
}

static str name_of(int person)
{
    static const char *const names[] = {"alice", "bob@contoso.com", "Carol", "dave", "srv", "ws1"};
    return person < 0 ? (str){0} : str_of(names[person]);
}

static struct ledger_draft draft_of(const struct deed *d, struct arena *arena)
{
    static const str risks[] = {
        {"a risk", 6}
    };
    char text[INSTANT_TEXT];
    struct actor by = {
        .person = str_of(people[d->by].name),
        .account = str_of(people[d->by].account),
        .machine = S("m"),
        .authenticated = people[d->by].logged_in,
        .clock_is_set = people[d->by].clock_set,
    };
    struct exception_entry e = {
        .kind = d->kind,
        .by = by,
        .owner = name_of(d->owner),
        .deputy = name_of(d->deputy),
        .reason = S("because"),
        .ask = exception_book_ask_text((enum book_ask)d->ask),
        .scope = S("{\"from\":[\"clients\"],\"to\":[\"files\"],\"service\":[\"smb\"]}"),
        .review_days = 30,
        .break_glass = d->glass,
        .needed = d->needed,
        .risks = risks,
        .n_risks = (size_t)d->risks,
        .request = (uint64_t)d->request,
        .governance = governance_default(),
    };
    bool narrows = d->kind == LEDGER_AMENDMENT && d->ask == BOOK_NARROWING;
    if (d->kind == LEDGER_AMENDMENT && !narrows) e.scope = (str){0};
    if (!narrows) {
        e.expires_us = d->ends;
        e.has_expires_at = true;
        e.expires = str_copy(arena, instant_text(text, d->ends));
    }
    if (d->starts) {
        e.starts_us = d->starts;
        e.has_starts_at = true;
        e.starts = str_copy(arena, instant_text(text, d->starts));
    }
    e.governance.approvers = d->approvers;
    e.governance.approvers_at_risk = d->at_risk;
    e.governance.maximum_life_s = d->most_hours * 3600;
    e.governance.require_login = d->login;
    return (struct ledger_draft){
        .kind = d->kind,
        .subject = d->kind == LEDGER_POLICY ? (str){0} : exception_rules_id((uint64_t)d->id, arena),
        .actor = actor_json(&by, arena),
        .data = exception_entry_data(&e, arena),
    };
}

/* ---- Comparing ----------------------------------------------------------------------------------
 */

/* The claim itself, asked of what the model knows of people. */
static void check_open(const struct model_exception *m, const struct book_exception *e, int64_t at)
{
    const struct model_request *r = &m->requests[m->in_force];
    assert_true(m->owner >= 0 && e->owner.len && e->expires.len && at < m->ends);
    assert_true(r->n_approvers >= 1 && r->n_approvers >= r->needed);
    for (size_t i = 0; i < r->n_approvers; i++) {
        assert_false(one_person(r->approvers[i], r->by));
        assert_int_not_equal(people[r->approvers[i]].person, m->owner);
        assert_int_not_equal(people[r->approvers[i]].person, m->deputy);
        for (size_t j = 0; j < i; j++)
            assert_false(one_person(r->approvers[i], r->approvers[j]));
    }
}

static void compare(const struct model *m, const struct exception_book *book, int64_t at)
{
    size_t n = 0;
    for (size_t id = 1; id <= IDS; id++)
        n += m->items[id].exists;
    assert_int_equal(book->n, n);
    assert_int_equal(book->last_id, m->last);
    for (size_t i = 0; i < book->n; i++) {
        const struct book_exception *e = &book->items[i];
        struct model_exception own = m->items[exception_rules_number(e->id)];
        enum book_state state = state_of(&own, at);
        const struct model_request *open = waiting(&own, at);
        assert_true(own.exists);
        assert_int_equal(e->state, state);
        assert_int_equal(exception_book_opens(e), state == BOOK_ACTIVE);
        assert_true(str_equal(e->owner, name_of(own.owner)));
        assert_true(str_equal(e->deputy, name_of(own.deputy)));
        assert_int_equal(e->open ? (int)e->open->act.entry : -1, open ? open->entry : -1);
        assert_int_equal(e->expires_us, own.ends);
        if (state == BOOK_ACTIVE) check_open(&own, e, at);
    }
}

/* ---- Stories ------------------------------------------------------------------------------------
 */

struct told {
    struct model before; /* the step */
    int64_t at;
};

static void tell_story(uint64_t seed)
{
    struct arena arena = arena_open("story", 0, NULL);
    struct dice dice = {seed};
    struct model m = {.approvers = 1, .at_risk = 2, .most_hours = 2160};
    struct exception_reader *live = exception_book_start(INT64_MAX, &arena);
    struct ledger_entry *entries = arena_array(&arena, struct ledger_entry, STEPS);
    struct told *told = arena_array(&arena, struct told, STEPS + 1);
    struct exception_book book;
    int64_t at = START_US;
    uint64_t faults = 0;
    for (int n = 0; n < STEPS; n++) {
        at += (int64_t)(roll(&dice, 3) ? roll(&dice, 6) : roll(&dice, 400)) * HOUR_US;
        struct deed deed = next_deed(&dice, &m, at, n);
        struct ledger_draft draft = draft_of(&deed, &arena);
        struct buf body = buf_in(&arena);
        struct entry_text text = {.number = (uint64_t)n,
                                  .time_us = at,
                                  .kind = ledger_kind_text(draft.kind),
                                  .subject = draft.subject,
                                  .actor = draft.actor,
                                  .data = draft.data};
        entry_text_write(&text, &body);
        entries[n] = (struct ledger_entry){.number = (uint64_t)n,
                                           .time_us = at,
                                           .kind = draft.kind,
                                           .subject = draft.subject,
                                           .body = buf_text(&body)};
        told[n] = (struct told){m, at};
        faults += !try_deed(&m, &deed, n);
        struct ledger_visit visit = exception_book_visit(live);
        assert_true(visit.entry(visit.to, &entries[n]));
        exception_book_end(live, at, &book);
        if (book.n_faults_all != faults)
            fail_msg("story %" PRIu64 ", step %d: %s %.*s", seed, n,
                     book.n_faults_all > faults ? "only the book refuses"
                                                : "only the model refuses",
                     STR_ARG(entries[n].body));
        compare(&m, &book, at);
    }
    /* An earlier time is the same reading, stopped there; and every time in between. */
    for (int i = 0; i < 12; i++) {
        size_t n = roll(&dice, STEPS);
        int64_t then = told[n].at - 1 - (int64_t)roll(&dice, 2) * HOUR_US;
        while (n > 0 && told[n - 1].at > then)
            n--;
        struct exception_reader *past = exception_book_start(then, &arena);
        for (int k = 0; k < STEPS; k++)
            (void)exception_book_visit(past).entry(past, &entries[k]);
        exception_book_end(past, then, &book);
        if (n < STEPS) compare(&told[n].before, &book, then);
    }
    arena_close(&arena);
}

static void test_stories(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= STORIES; i++)
        tell_story(i * UINT64_C(0x9E3779B9));
}

/* ---- Through the ledger itself ------------------------------------------------------------------
 */

static void remove_folder(struct os *os, str folder, struct arena *arena)
{
    struct err err = {0};
    str *names = NULL;
    size_t n = 0;
    assert_true(os->list(os->self, folder, arena, &names, &n, &err));
    for (size_t i = 0; i < n; i++)
        assert_true(os->remove(os->self, os_join(arena, folder, names[i]), &err));
    assert_int_equal(rmdir(str_c(arena, folder)), 0);
}

static void append(struct os *os, str folder, const struct deed *deed, struct arena *arena)
{
    struct ledger *ledger = NULL;
    struct err err = {0};
    struct ledger_draft draft = draft_of(deed, arena);
    if (!ledger_open(os, folder, LEDGER_CREATE, (str){0}, deed->at, arena, &ledger, &err) ||
        !ledger_begin(ledger, &err) || !ledger_append(ledger, &draft, NULL, &err) ||
        !ledger_commit(ledger, &err))
        fail_msg("%s", err.text);
    ledger_close(ledger);
}

static void test_ledger(void **state)
{
    enum { ENTRIES = 80 };
    struct arena arena = arena_open("test", 0, NULL);
    struct os os = os_posix();
    struct dice dice = {77};
    struct model m = {.approvers = 1, .at_risk = 2, .most_hours = 2160};
    struct told *told = arena_array(&arena, struct told, ENTRIES + 1);
    char name[] = "/tmp/exception_model_XXXXXX";
    struct ledger *ledger = NULL;
    struct exception_book book;
    struct err err = {0};
    int64_t at = START_US;
    (void)state;
    assert_non_null(mkdtemp(name));
    str folder = str_of(name);
    for (int n = 0; n < ENTRIES; n++) {
        at += (int64_t)(1 + roll(&dice, 30)) * HOUR_US;
        struct deed deed = next_deed(&dice, &m, at, n);
        append(&os, folder, &deed, &arena);
        /* Entry 0 is the ledger's own. */
        (void)try_deed(&m, &deed, n + 1);
        told[n] = (struct told){m, at};
    }
    assert_true(ledger_open(&os, folder, LEDGER_READ, (str){0}, at, &arena, &ledger, &err));
    for (int n = 0; n < ENTRIES; n++) {
        assert_true(exception_book_read(ledger, told[n].at, &arena, &book, &err));
        compare(&told[n].before, &book, told[n].at);
    }
    ledger_close(ledger);
    remove_folder(&os, folder, &arena);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stories),
        cmocka_unit_test(test_ledger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
