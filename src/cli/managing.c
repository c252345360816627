/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/managing.h"

#include "base/instant.h"

/* ---- A decision ---------------------------------------------------------------------------------
 */

bool managing_begin(struct invocation *call, struct managing *out, int *status)
{
    struct err err = {0};
    struct managing m = {0};
    if (!acting_ledger(call, LEDGER_CREATE, &m.ledger, &err)) {
        *status = command_fail(call, &err);
        return false;
    }
    if (!ledger_begin(m.ledger, &err)) {
        ledger_close(m.ledger);
        *status = command_fail(call, &err);
        return false;
    }
    if (!acting_among(call, m.ledger, &m.people, &m.actor, &err) ||
        !acting_now(call, m.ledger, &m.now_us, &err)) {
        managing_end(&m);
        *status = acting_fail(call, &err);
        return false;
    }
    *out = m;
    return true;
}

void managing_end(struct managing *managing)
{
    if (!managing->ledger) return;
    ledger_abandon(managing->ledger);
    ledger_close(managing->ledger);
    managing->ledger = NULL;
}

bool managing_append(struct invocation *call, struct managing *managing, enum ledger_kind kind,
                     str subject, const struct people_change *change, uint64_t *number)
{
    struct err err = {0};
    struct ledger_draft draft = {
        .kind = kind,
        .subject = subject,
        .actor = actor_json(&managing->actor, call->arena),
        .data = people_change_json(change, call->arena),
    };
    bool fine = ledger_append(managing->ledger, &draft, number, &err) &&
                ledger_commit(managing->ledger, &err);
    managing_end(managing);
    if (!fine) (void)command_fail(call, &err);
    return fine;
}

/* The members of the data that are no secret's trace. */
static void print_change(struct json *json, const struct people_change *change)
{
    if (change->user.len) json_member_str(json, S("user"), change->user);
    if (change->name.len) json_member_str(json, S("name"), change->name);
    if (change->has_roles) {
        json_key(json, S("roles"));
        json_array(json);
        for (unsigned i = 0; i < PERSON_ROLE_COUNT; i++)
            if (change->roles & 1u << i) json_str(json, actor_role_text((enum person_role)i));
        json_array_end(json);
    }
    if (change->has_accounts) {
        json_key(json, S("accounts"));
        json_array(json);
        for (size_t i = 0; i < change->n_accounts; i++)
            json_str(json, change->accounts[i]);
        json_array_end(json);
    }
    if (change->has_disabled) json_member_bool(json, S("disabled"), change->disabled);
    if (change->expires_us) {
        json_key(json, S("expires"));
        json_instant(json, change->expires_us);
    }
}

void managing_print_json(struct invocation *call, uint64_t number, enum ledger_kind kind,
                         str subject, const struct people_change *change, str token)
{
    struct json json = json_to(call->out);
    json_object(&json);
    json_member_u64(&json, S("entry"), number);
    json_member_str(&json, S("kind"), ledger_kind_text(kind));
    json_member_str(&json, S("subject"), subject);
    if (change->token.len) json_member_str(&json, S("id"), change->token);
    print_change(&json, change);
    if (token.len) json_member_str(&json, S("token"), token);
    json_object_end(&json);
    buf_char(call->out, '\n');
}

int managing_commit(struct invocation *call, struct managing *managing, enum ledger_kind kind,
                    str subject, const struct people_change *change, str text)
{
    struct actor actor = managing->actor;
    uint64_t number = 0;
    if (!managing_append(call, managing, kind, subject, change, &number)) return EXIT_FAILED;
    acting_say(call, &actor);
    if (call->format == FORMAT_JSON) {
        managing_print_json(call, number, kind, subject, change, (str){0});
        return EXIT_FINE;
    }
    table_tone(call->out, text, TONE_PLAIN, call->colour);
    buf_char(call->out, '\n');
    return EXIT_FINE;
}

/* ---- Lists --------------------------------------------------------------------------------------
 */

bool managing_read(struct invocation *call, struct people *out, int64_t *now_us)
{
    struct ledger *ledger = NULL;
    struct err err = {0};
    bool given = option_given(call, S("as-of"));
    *now_us = call->as_of_us;
    /* A workspace in which nobody decided anything yet. */
    if (acting_is_workspace(call) && !ledger_exists(call->os, call->workspace, call->arena))
        return true;
    bool fine = acting_ledger(call, LEDGER_READ, &ledger, &err) &&
                people_read(ledger, given ? call->as_of_us : INT64_MAX, call->arena, out, &err);
    if (fine && !given) fine = acting_now(call, ledger, now_us, &err);
    if (ledger) ledger_close(ledger);
    if (!fine) (void)command_fail(call, &err);
    return fine;
}

str managing_time(struct arena *arena, int64_t at_us)
{
    char at[INSTANT_TEXT];
    str text = instant_text(at, at_us);
    return str_format(arena, "%.*s %.*sZ", STR_ARG(str_head(text, 10)),
                      STR_ARG(str_head(str_tail(text, 11), 5)));
}

str managing_cell_time(struct invocation *call, int64_t at_us)
{
    char at[INSTANT_TEXT];
    if (call->format == FORMAT_TEXT) return managing_time(call->arena, at_us);
    return str_copy(call->arena, instant_text(at, at_us));
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

bool managing_is_admin(const struct managing *managing, str what, struct err *err)
{
    return acting_may(&managing->actor, PEOPLE_ROLE(ADMIN), what, err);
}

bool managing_keeps_admin(const struct managing *managing, const struct person *person,
                          struct err *err)
{
    bool is_admin = person->roles & PEOPLE_ROLE(ADMIN) && !person->disabled;
    if (!is_admin || people_other_admins(&managing->people, person)) return true;
    return err_set(err, ERR_REFUSED,
                   "%.*s is the last admin: nobody could manage users any more; make another one "
                   "first",
                   STR_ARG(person->name));
}

bool managing_user(struct invocation *call, const struct managing *managing, str name,
                   const struct person **out, struct err *err)
{
    const struct people *people = &managing->people;
    *out = people_find(people, name, call->scratch);
    if (*out) return true;
    str *names = arena_array(call->arena, str, people->n + 1);
    for (size_t i = 0; i < people->n; i++)
        names[i] = people->persons[i].name;
    str hint = command_suggest(call->arena, name, names, people->n);
    return err_set(err, ERR_NOT_FOUND, "there is no user \"%.*s\"%.*s", STR_ARG(name),
                   STR_ARG(hint));
}

/* ---- Options ------------------------------------------------------------------------------------
 */

bool managing_roles(struct invocation *call, uint8_t *out, struct err *err)
{
    size_t n = 0;
    uint8_t roles = 0;
    str *texts = option_texts(call, S("role"), &n);
    for (size_t i = 0; i < n; i++) {
        enum person_role role;
        if (actor_role_of(texts[i], &role)) roles |= (uint8_t)(1u << role);
    }
    *out = roles;
    return roles || err_set(err, ERR_USAGE,
                            "%.*s needs at least one --role (viewer, operator, approver, auditor, "
                            "admin)",
                            STR_ARG(call->command->name));
}

bool managing_accounts(struct invocation *call, const struct people *people,
                       const struct person *without, const str **out, size_t *n, struct err *err)
{
    size_t n_given = 0;
    str *given = option_texts(call, S("account"), &n_given);
    *n = 0;
    for (size_t i = 0; i < n_given; i++) {
        const struct person *other = people_of_account(people, given[i], call->scratch);
        bool again = false;
        if (!people_name_fits(given[i], "the name of a system account", err)) return false;
        if (other && other != without)
            return err_set(err, ERR_CONFLICT, "the system account %.*s is %.*s's already",
                           STR_ARG(given[i]), STR_ARG(other->name));
        for (size_t k = 0; k < *n; k++)
            again |= actor_same_person(given[k], given[i]);
        if (!again) given[(*n)++] = given[i];
        if (*n > LIMIT_PERSON_ACCOUNTS)
            return err_set(err, ERR_LIMIT, "a user has at most %d system accounts",
                           LIMIT_PERSON_ACCOUNTS);
    }
    *out = given;
    return true;
}

static bool is_password(str text, struct err *err)
{
    size_t bad = 0;
    if (text.len > LIMIT_PASSWORD_BYTES)
        return err_set(err, ERR_MALFORMED, "expected a password of at most %d bytes, found %zu",
                       LIMIT_PASSWORD_BYTES, text.len);
    for (str left = text; left.len;) {
        size_t n = str_utf8_next(left, &bad);
        if (!n) return err_set(err, ERR_MALFORMED, "expected a password in UTF-8");
        if ((uint8_t)left.ptr[0] < ' ' || left.ptr[0] == 0x7F)
            return err_set(err, ERR_MALFORMED,
                           "expected a password on one line, without control characters");
        left = str_tail(left, n);
    }
    return text.len > 0 || err_set(err, ERR_MALFORMED, "expected a password, found nothing");
}

static bool password_of_file(struct invocation *call, str path, str *out, struct err *err)
{
    bytes content = {0};
    if (!os_read_all(call->os, path, LIMIT_PASSWORD_BYTES + 2, call->arena, &content, err))
        return false;
    str text = str_of_bytes(content);
    if (str_ends(text, S("\n"))) text = str_head(text, text.len - 1);
    if (str_ends(text, S("\r"))) text = str_head(text, text.len - 1);
    *out = text;
    return is_password(text, err) || err_in(err, path);
}

static bool password_of_terminal(struct invocation *call, str name, bool is_new, str *out,
                                 struct err *err)
{
    struct os *os = call->os;
    str again = {0};
    str prompt = str_format(call->arena, "%s of %.*s: ", is_new ? "new password" : "password",
                            STR_ARG(name));
    (void)buf_flush(call->talk);
    if (!os->ask_secret(os->self, prompt, call->arena, out, err)) return false;
    if (!is_password(*out, err)) return false;
    if (!is_new) return true;
    if (!os->ask_secret(os->self, S("once more: "), call->arena, &again, err)) return false;
    return str_equal(*out, again) ||
           err_set(err, ERR_CONFLICT, "the two passwords differ; nothing was changed");
}

bool managing_password(struct invocation *call, str name, bool is_new, str *out, struct err *err)
{
    bool by_file = option_given(call, S("password-file"));
    bool fine = by_file ? password_of_file(call, option_text(call, S("password-file")), out, err)
                        : password_of_terminal(call, name, is_new, out, err);
    if (!fine) return false;
    if (!is_new || out->len >= LIMIT_PASSWORD_LEAST) return true;
    return err_set(err, ERR_REFUSED, "a password has at least %d characters", LIMIT_PASSWORD_LEAST);
}

/* ---- A change of one user -----------------------------------------------------------------------
 */

int managing_change(struct invocation *call, const struct managing_change *change)
{
    struct people_change data = {0};
    struct managing m = {0};
    const struct person *person = NULL;
    struct err err = {0};
    str text = {0};
    int status = EXIT_FAILED;
    if (!managing_begin(call, &m, &status)) return status;
    if (managing_is_admin(&m, change->what, &err) &&
        managing_user(call, &m, call->arguments[0], &person, &err) &&
        change->make(call, &m, person, &data, &text, &err))
        return managing_commit(call, &m, LEDGER_USER_CHANGED, person->name, &data, text);
    managing_end(&m);
    return acting_fail(call, &err);
}
