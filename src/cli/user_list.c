/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/managing.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static size_t valid_tokens(struct invocation *call, const struct people *people, size_t user,
                           int64_t now_us)
{
    size_t n = 0;
    str why;
    for (size_t i = 0; i < people->n_tokens; i++)
        n += people->tokens[i].user == user &&
             people_token_state(people, &people->tokens[i], now_us, call->arena, &why) ==
                 PEOPLE_TOKEN_VALID;
    return people->persons[user].disabled ? 0 : n;
}

static void json_time(struct json *json, str key, int64_t at_us)
{
    json_key(json, key);
    if (at_us)
        json_instant(json, at_us);
    else
        json_null(json);
}

static void print_json(struct invocation *call, const struct people *people, int64_t now_us)
{
    struct json json = json_to(call->out);
    json_object(&json);
    json_key(&json, S("users"));
    json_array(&json);
    for (size_t i = 0; i < people->n; i++) {
        const struct person *person = &people->persons[i];
        json_object(&json);
        json_member_str(&json, S("name"), person->name);
        json_key(&json, S("roles"));
        json_array(&json);
        for (unsigned k = 0; k < PERSON_ROLE_COUNT; k++)
            if (person->roles & 1u << k) json_str(&json, actor_role_text((enum person_role)k));
        json_array_end(&json);
        json_key(&json, S("accounts"));
        json_array(&json);
        for (size_t k = 0; k < person->n_accounts; k++)
            json_str(&json, person->accounts[k]);
        json_array_end(&json);
        json_member_bool(&json, S("disabled"), person->disabled);
        json_time(&json, S("added"), person->added_us);
        json_time(&json, S("logged_in"), person->logged_in_us);
        json_member_u64(&json, S("tokens"), valid_tokens(call, people, i, now_us));
        json_object_end(&json);
    }
    json_array_end(&json);
    json_key(&json, S("faults"));
    json_array(&json);
    for (size_t i = 0; i < people->n_faults; i++) {
        json_object(&json);
        json_member_u64(&json, S("entry"), people->faults[i].entry);
        json_member_str(&json, S("text"), people->faults[i].text);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    buf_char(call->out, '\n');
}

static str time_text(struct invocation *call, int64_t at_us)
{
    if (!at_us) return call->format == FORMAT_CSV ? (str){0} : S("never");
    return managing_cell_time(call, at_us);
}

static str accounts_text(struct invocation *call, const struct person *person)
{
    struct buf list = buf_in(call->arena);
    for (size_t i = 0; i < person->n_accounts; i++)
        buf_format(&list, "%s%.*s", i ? ", " : "", STR_ARG(person->accounts[i]));
    return buf_text(&list);
}

static struct table table_of_users(struct invocation *call, const struct people *people,
                                   int64_t now_us)
{
    static const struct table_column columns[] = {
        {{"name", 4},      ALIGN_LEFT,  0},
        {{"roles", 5},     ALIGN_LEFT,  0},
        {{"accounts", 8},  ALIGN_LEFT,  0},
        {{"state", 5},     ALIGN_LEFT,  0},
        {{"logged in", 9}, ALIGN_LEFT,  0},
        {{"tokens", 6},    ALIGN_RIGHT, 0},
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < people->n; i++) {
        const struct person *person = &people->persons[i];
        enum table_tone tone = person->disabled ? TONE_DIM : TONE_PLAIN;
        table_add_toned(&table, person->name, tone);
        table_add_toned(&table, actor_roles_text(person->roles, call->arena), tone);
        table_add_toned(&table, accounts_text(call, person), tone);
        table_add_toned(&table, person->disabled ? S("disabled") : S("active"),
                        person->disabled ? TONE_WARN : TONE_GOOD);
        table_add_toned(&table, time_text(call, person->logged_in_us), tone);
        table_add_u64(&table, valid_tokens(call, people, i, now_us));
    }
    return table;
}

static void print_faults(struct invocation *call, const struct people *people)
{
    for (size_t i = 0; i < people->n_faults; i++) {
        table_tone(call->talk, S("warning: "), TONE_WARN, call->talk_colour);
        buf_format(call->talk, "entry %" PRIu64 " of the ledger does not count: %.*s\n",
                   people->faults[i].entry, STR_ARG(people->faults[i].text));
    }
}

static void print_text(struct invocation *call, const struct people *people, int64_t now_us)
{
    if (!people->n && option_given(call, S("as-of"))) {
        buf_str(call->out, S("no users at that time\n"));
        return;
    }
    if (!people->n) {
        buf_str(call->out,
                S("no users: whoever can write this workspace may do everything, and the ledger "
                  "records them as not logged in\nnext: sallyport user add NAME --role ROLE\n"));
        return;
    }
    struct table table = table_of_users(call, people, now_us);
    table_print_text(&table, call->out, call->colour);
    buf_format(call->out, "%zu %s\n", people->n, people->n == 1 ? "user" : "users");
}

static int run(struct invocation *call)
{
    struct people people = {0};
    int64_t now_us = 0;
    if (!managing_read(call, &people, &now_us)) return EXIT_FAILED;
    if (call->format == FORMAT_JSON) {
        print_json(call, &people, now_us);
        return EXIT_FINE;
    }
    print_faults(call, &people);
    if (call->format == FORMAT_TEXT) {
        print_text(call, &people, now_us);
        return EXIT_FINE;
    }
    struct table table = table_of_users(call, &people, now_us);
    table_print_csv(&table, call->out);
    return EXIT_FINE;
}

static const struct example examples[] = {
    {T("sallyport user list"),                                 T("Who may do what, and who logged in when.")},
    {T("sallyport user list --as-of 2026-06-30 --format csv"),
     T("As it was at that time, for an auditor.")                                                           },
};

const struct command user_list_command = {
    .name = T("user list"),
    .summary = T("List the users of this workspace"),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("As the ledger tells them. Entries that claim what their writer could not do (a "
                 "user added by somebody who is no admin) do not count, and are said."),
    .run = run,
};
