/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/acting.h"

#include "base/instant.h"
#include "base/json_scan.h"
#include "ledger/tokens.h"
#include "policy/governance.h"

/* What anybody may who can read the files anyway. */
#define READING_ROLES (PEOPLE_ROLE(VIEWER) | PEOPLE_ROLE(AUDITOR))

/* ---- Whether a login is asked for ---------------------------------------------------------------
 */

/* Of one policy file. False when it is not there or does not parse. */
static bool policy_asks(struct invocation *call, str path, bool *asks)
{
    struct diagnostics found = {0};
    struct policy policy = {0};
    struct err err = {0};
    bytes text = {0};
    if (call->os->kind(call->os->self, path) != OS_FILE) return false;
    if (!os_read_all(call->os, path, LIMIT_POLICY_BYTES, call->arena, &text, &err) ||
        !policy_parse(path, str_of_bytes(text), call->arena, &policy, &found))
        return false;
    *asks |= policy.governance && policy.governance->require_login;
    return true;
}

/* Whether an object's text has "require-login":true anywhere among its members. */
static bool has_require_login(str data, struct arena *arena)
{
    struct json_scan scan = json_scan_of(data, 0, arena);
    struct json_scan_item item;
    struct err err = {0};
    bool after_key = false;
    while (json_scan_next(&scan, &item, &err) && item.kind != JSON_SCAN_END) {
        if (after_key) return item.kind == JSON_SCAN_TRUE;
        after_key = item.kind == JSON_SCAN_KEY && str_equal(item.text, S("require-login"));
    }
    return false;
}

struct last_policy {
    struct arena *arena;
    bool asks;
};

static bool visit_policy(void *to, const struct ledger_entry *entry)
{
    struct last_policy *last = to;
    struct actor by;
    struct err err = {0};
    str data = {0};
    if (actor_of_entry(str_copy(last->arena, entry->body), last->arena, &by, &data, &err))
        last->asks = has_require_login(data, last->arena);
    return true;
}

/* The policy of the workspace, or the last one that the ledger has seen while it can't be read; and
 * the one that the command was given, which takes back nothing that the other asks for. */
static bool login_is_required(struct invocation *call, struct ledger *ledger, bool *out,
                              struct err *err)
{
    bool asks = false;
    bool has_own = policy_asks(call, command_path(call, S("policy.yaml")), &asks);
    if (option_exists(call, S("policy")) && option_given(call, S("policy")))
        (void)policy_asks(call, option_text(call, S("policy")), &asks);
    struct last_policy last = {.arena = call->arena};
    if (!has_own && ledger &&
        !ledger_each(ledger, UINT32_C(1) << LEDGER_POLICY, 0, INT64_MAX,
                     (struct ledger_visit){&last, visit_policy}, err))
        return false;
    *out = asks || last.asks;
    return true;
}

/* ---- The ledger ---------------------------------------------------------------------------------
 */

bool acting_is_workspace(struct invocation *call)
{
    return call->os->kind(call->os->self, command_path(call, S("sallyport.db"))) == OS_FILE;
}

/* The time of an entry holds for all after it and for the ends of tokens, so one of next year would
 * shut everybody out: where logins count, no clock that was set writes anything, not even that
 * something was refused. */
static bool clock_may_write(struct invocation *call, struct ledger *ledger, struct err *err)
{
    bool asks = false;
    if (!call->clock_is_set) return true;
    if (!login_is_required(call, ledger, &asks, err)) return false;
    return !asks || err_set(err, ERR_REFUSED,
                            "the time was set by SALLYPORT_CLOCK, and the policy says "
                            "require-login: nothing is written into the ledger");
}

static bool open_ledger(struct invocation *call, enum ledger_access access, struct ledger **out,
                        struct err *err)
{
    bool named = option_exists(call, S("key")) && option_given(call, S("key"));
    str key = named ? option_text(call, S("key"))
                    : call->os->environment(call->os->self, S("SALLYPORT_LEDGER_KEY"), call->arena);
    if (!ledger_open(call->os, call->workspace, access, key, call->now_us, call->arena, out, err))
        return false;
    if (access == LEDGER_READ || clock_may_write(call, *out, err)) return true;
    ledger_close(*out);
    *out = NULL;
    return false;
}

bool acting_ledger(struct invocation *call, enum ledger_access access, struct ledger **out,
                   struct err *err)
{
    if (access != LEDGER_READ && option_given(call, S("as-of")))
        return err_set(err, ERR_USAGE,
                       "%.*s takes no --as-of: the ledger is written now (SALLYPORT_CLOCK sets the "
                       "time of a rehearsal)",
                       STR_ARG(call->command->name));
    if (access == LEDGER_CREATE && !acting_is_workspace(call) &&
        !ledger_exists(call->os, call->workspace, call->arena))
        return err_set(err, ERR_NOT_FOUND,
                       "%.*s is no workspace; \"sallyport init %.*s\" makes one",
                       STR_ARG(call->workspace), STR_ARG(call->workspace));
    return open_ledger(call, access, out, err);
}

bool acting_now(const struct invocation *call, struct ledger *ledger, int64_t *out_us,
                struct err *err)
{
    struct arena scratch = call->scratch;
    struct ledger_entry last = {0};
    *out_us = call->now_us;
    if (!ledger || !ledger_size(ledger)) return true;
    if (!ledger_get(ledger, ledger_size(ledger) - 1, &scratch, &last, err)) return false;
    if (last.time_us > *out_us) *out_us = last.time_us;
    return true;
}

/* ---- Who it is ----------------------------------------------------------------------------------
 */

/* Empty text: no token was shown. A file that is named and can't be read is a failure. */
static bool shown_token(struct invocation *call, str *out, struct err *err)
{
    enum { MOST = 4096 };
    struct os *os = call->os;
    bytes content = {0};
    *out = os->environment(os->self, S("SALLYPORT_TOKEN"), call->arena);
    if (out->len) return true;
    str path = os->environment(os->self, S("SALLYPORT_TOKEN_FILE"), call->arena);
    if (!path.len) return true;
    if (!os_read_all(os, path, MOST, call->arena, &content, err)) return false;
    *out = str_trim(str_of_bytes(content));
    return out->len ||
           err_set(err, ERR_REFUSED, "the file %.*s of SALLYPORT_TOKEN_FILE holds no token",
                   STR_ARG(path));
}

static bool act_by_token(struct invocation *call, struct ledger *ledger,
                         const struct people *people, str text, struct actor *actor,
                         struct err *err)
{
    const struct person_token *token = NULL;
    int64_t now_us = 0;
    if (!people->n)
        return err_set(err, ERR_REFUSED,
                       "a token is set (SALLYPORT_TOKEN), but this workspace has no users");
    if (!acting_now(call, ledger, &now_us, err) ||
        !tokens_accept(ledger, people, text, now_us, call->arena, &token, err))
        return false;
    const struct person *user = &people->persons[token->user];
    actor->person = user->name;
    actor->token = token->id;
    actor->authenticated = true;
    actor->roles = people_token_roles(people, token);
    actor->limited = (str){0};
    actor->reads_only = false;
    if (user->roles & ~actor->roles)
        actor->limited =
            str_format(call->arena, "the token %.*s has no more than %.*s", STR_ARG(token->id),
                       STR_ARG(actor_roles_text(actor->roles, call->arena)));
    return true;
}

static void act_by_account(struct invocation *call, const struct people *people,
                           struct actor *actor)
{
    const struct person *user = people_of_account(people, actor->account, call->scratch);
    actor->person = actor->account;
    actor->roles = PEOPLE_ALL_ROLES;
    if (!people->n) return;
    actor->roles = (uint8_t)(PEOPLE_ALL_ROLES & ~PEOPLE_ROLE(ADMIN));
    actor->limited = S("nobody is logged in (\"sallyport user login NAME\")");
    if (!user) return;
    actor->person = user->name;
    actor->roles &= user->disabled ? 0 : user->roles;
    actor->reads_only = user->disabled;
    if (user->disabled)
        actor->limited =
            str_format(call->arena, "the system account %.*s is %.*s's, who is disabled",
                       STR_ARG(actor->account), STR_ARG(user->name));
    else if (!(user->roles & PEOPLE_ROLE(ADMIN)))
        actor->limited = (str){0};
}

/* What the policy takes from who has not logged in, and from a clock that was set. */
static void require_login(struct actor *actor, bool has_users)
{
    /* The first user has to come from somewhere. */
    uint8_t left = READING_ROLES | (has_users ? 0 : PEOPLE_ROLE(ADMIN));
    if (actor->authenticated && !actor->clock_is_set) return;
    if (actor->clock_is_set) {
        left = READING_ROLES;
        actor->limited =
            S("the time was set by SALLYPORT_CLOCK, and the policy says require-login");
    } else {
        actor->limited = S("the policy says require-login, and nobody is logged in (\"sallyport "
                           "user login NAME\")");
    }
    actor->roles &= left;
    actor->reads_only = true;
}

struct actor acting_account(struct invocation *call, const struct people *people)
{
    struct os *os = call->os;
    struct actor actor = {
        .account = os->user(os->self, call->arena),
        .machine = os->machine(os->self, call->arena),
        .clock_is_set = call->clock_is_set,
    };
    act_by_account(call, people, &actor);
    return actor;
}

bool acting_among(struct invocation *call, struct ledger *ledger, struct people *people,
                  struct actor *out, struct err *err)
{
    bool asks = false;
    str token = {0};
    *people = (struct people){0};
    if (ledger && !people_read(ledger, INT64_MAX, call->arena, people, err)) return false;
    if (!shown_token(call, &token, err)) return false;
    struct actor actor = acting_account(call, people);
    if (token.len && !act_by_token(call, ledger, people, token, &actor, err)) return false;
    bool matters = !actor.authenticated || actor.clock_is_set;
    if (matters && !login_is_required(call, ledger, &asks, err)) return false;
    if (asks) require_login(&actor, people->n > 0);
    actor.roles |= PEOPLE_ROLE(VIEWER);
    *out = actor;
    return true;
}

bool acting_find(struct invocation *call, struct ledger *ledger, struct actor *out, struct err *err)
{
    struct people people;
    return acting_among(call, ledger, &people, out, err);
}

/* ---- What it may --------------------------------------------------------------------------------
 */

bool acting_may(const struct actor *actor, uint8_t roles, str what, struct err *err)
{
    struct arena scratch = arena_open("roles", 1 << 20, NULL);
    if (actor->roles & roles) {
        arena_close(&scratch);
        return true;
    }
    bool one = (roles & (roles - 1u)) == 0;
    str missing = actor_roles_text(roles, &scratch);
    str has = actor_roles_text(actor->roles, &scratch);
    err_set(err, ERR_REFUSED, "%.*s needs %s %.*s; %.*s has %.*s%s%.*s", STR_ARG(what),
            one ? "the role" : "one of the roles", STR_ARG(missing), STR_ARG(actor->person),
            STR_ARG(has), actor->limited.len ? ": " : "", STR_ARG(actor->limited));
    arena_close(&scratch);
    return false;
}

int acting_fail(struct invocation *call, const struct err *err)
{
    int status = command_fail(call, err);
    return err->kind == ERR_REFUSED ? EXIT_NO : status;
}

void acting_say(struct invocation *call, const struct actor *actor)
{
    struct buf text = buf_in(call->arena);
    buf_format(&text, "acting as %.*s (", STR_ARG(actor->person));
    if (actor->authenticated) {
        buf_format(&text, "logged in, token %.*s", STR_ARG(actor->token));
    } else {
        bool same = str_equal(actor->account, actor->person);
        buf_format(&text, "system account%s%.*s on %.*s, not logged in", same ? "" : " ",
                   STR_ARG(same ? (str){0} : actor->account), STR_ARG(actor->machine));
    }
    if (actor->clock_is_set) {
        char at[INSTANT_TEXT];
        str when = instant_text(at, call->now_us);
        buf_format(&text, "; the clock is set to %.*s", STR_ARG(when));
    }
    buf_char(&text, ')');
    table_tone(call->talk, buf_text(&text), actor->authenticated ? TONE_DIM : TONE_WARN,
               call->talk_colour);
    buf_char(call->talk, '\n');
}

/* ---- What is recorded beside the work -----------------------------------------------------------
 */

static bool record(struct invocation *call, const struct ledger_draft *draft, struct err *err)
{
    struct ledger *ledger = NULL;
    struct ledger_draft whole = *draft;
    struct actor actor;
    if (!open_ledger(call, LEDGER_CREATE, &ledger, err)) return false;
    bool fine = ledger_begin(ledger, err) && acting_find(call, ledger, &actor, err);
    if (fine) whole.actor = actor_json(&actor, call->arena);
    fine = fine && ledger_append(ledger, &whole, NULL, err) && ledger_commit(ledger, err);
    if (!fine) ledger_abandon(ledger);
    ledger_close(ledger);
    return fine;
}

void acting_record(struct invocation *call, enum ledger_kind kind, str subject, str data)
{
    struct ledger_draft draft = {.kind = kind, .subject = subject, .data = data};
    struct err err = {0};
    /* A policy that is used without a workspace has no ledger. */
    if (!acting_is_workspace(call) || record(call, &draft, &err)) return;
    struct buf text = buf_in(call->arena);
    buf_str(&text, S("not recorded in the ledger: "));
    err_print(&err, &text);
    table_tone(call->talk, buf_text(&text), TONE_WARN, call->talk_colour);
    buf_char(call->talk, '\n');
}
