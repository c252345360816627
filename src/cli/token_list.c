/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/managing.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

struct listing {
    struct people people;
    int64_t now_us;
    bool all;
    size_t n_left_out;
};

/* The next token to show; NULL at the end. */
static const struct person_token *next(struct invocation *call, struct listing *listing, size_t *at,
                                       enum people_token_state *state, str *why)
{
    while (*at < listing->people.n_tokens) {
        const struct person_token *token = &listing->people.tokens[(*at)++];
        *state = people_token_state(&listing->people, token, listing->now_us, call->arena, why);
        if (listing->all || *state == PEOPLE_TOKEN_VALID) return token;
        listing->n_left_out++;
    }
    return NULL;
}

static void print_json(struct invocation *call, struct listing *listing)
{
    const struct person_token *token;
    enum people_token_state state;
    struct json json = json_to(call->out);
    size_t at = 0;
    str why;
    json_object(&json);
    json_key(&json, S("tokens"));
    json_array(&json);
    while ((token = next(call, listing, &at, &state, &why)) != NULL) {
        uint8_t roles = people_token_roles(&listing->people, token);
        json_object(&json);
        json_member_str(&json, S("id"), token->id);
        json_member_str(&json, S("user"), listing->people.persons[token->user].name);
        json_member_str_or_null(&json, S("name"), token->name);
        json_member_bool(&json, S("login"), token->is_login);
        json_key(&json, S("roles"));
        json_array(&json);
        for (unsigned i = 0; i < PERSON_ROLE_COUNT; i++)
            if (roles & 1u << i) json_str(&json, actor_role_text((enum person_role)i));
        json_array_end(&json);
        json_member_str(&json, S("made_by"), token->made_by);
        json_key(&json, S("made"));
        json_instant(&json, token->made_us);
        json_key(&json, S("expires"));
        json_instant(&json, token->expires_us);
        json_member_str(&json, S("state"), people_token_state_text(state));
        json_member_str_or_null(&json, S("why"), why);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_member_u64(&json, S("not_listed"), listing->n_left_out);
    json_object_end(&json);
    buf_char(call->out, '\n');
}

static struct table table_of_tokens(struct invocation *call, struct listing *listing)
{
    static const struct table_column columns[] = {
        {{"id", 2},      ALIGN_LEFT, 0 },
        {{"user", 4},    ALIGN_LEFT, 0 },
        {{"name", 4},    ALIGN_LEFT, 40},
        {{"roles", 5},   ALIGN_LEFT, 0 },
        {{"made by", 7}, ALIGN_LEFT, 0 },
        {{"made", 4},    ALIGN_LEFT, 0 },
        {{"expires", 7}, ALIGN_LEFT, 0 },
        {{"state", 5},   ALIGN_LEFT, 0 },
        {{"why", 3},     ALIGN_LEFT, 0 },
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    const struct person_token *token;
    enum people_token_state state;
    size_t at = 0;
    str why;
    while ((token = next(call, listing, &at, &state, &why)) != NULL) {
        table_add(&table, token->id);
        table_add(&table, listing->people.persons[token->user].name);
        table_add(&table, token->is_login ? S("login") : token->name);
        table_add(&table,
                  actor_roles_text(people_token_roles(&listing->people, token), call->arena));
        table_add(&table, token->made_by);
        table_add(&table, managing_cell_time(call, token->made_us));
        table_add(&table, managing_cell_time(call, token->expires_us));
        table_add_toned(&table, people_token_state_text(state),
                        state == PEOPLE_TOKEN_VALID ? TONE_GOOD : TONE_DIM);
        table_add(&table, why);
    }
    return table;
}

static void print_table(struct invocation *call, struct listing *listing)
{
    struct table table = table_of_tokens(call, listing);
    if (call->format == FORMAT_CSV) {
        table_print_csv(&table, call->out);
    } else if (table.n_cells) {
        table_print_text(&table, call->out, call->colour);
    } else {
        buf_str(call->out, listing->all ? S("no tokens\n") : S("no tokens that are valid\n"));
    }
    if (listing->n_left_out)
        buf_format(call->talk, "%zu that %s expired or ended %s not listed (--all)\n",
                   listing->n_left_out, listing->n_left_out == 1 ? "has" : "have",
                   listing->n_left_out == 1 ? "is" : "are");
}

static int run(struct invocation *call)
{
    struct listing listing = {.all = option_flag(call, S("all")), .now_us = call->as_of_us};
    struct ledger *ledger = NULL;
    struct err err = {0};
    bool given = option_given(call, S("as-of"));
    if (!acting_ledger(call, LEDGER_READ, &ledger, &err)) return command_fail(call, &err);
    bool fine =
        people_read(ledger, given ? call->as_of_us : INT64_MAX, call->arena, &listing.people, &err);
    if (fine && !given) fine = acting_now(call, ledger, &listing.now_us, &err);
    ledger_close(ledger);
    if (!fine) return command_fail(call, &err);
    if (call->format == FORMAT_JSON)
        print_json(call, &listing);
    else
        print_table(call, &listing);
    return EXIT_FINE;
}

static const struct option options[] = {
    {.name = T("all"),
     .type = OPTION_FLAG,
     .help = T("also tokens that have expired or were ended, with the reason")},
};

static const struct example examples[] = {
    {T("sallyport token list"),              T("What is valid now, logins too.")},
    {T("sallyport token list --all --json"), T("Everything that ever was.")     },
};

const struct command token_list_command = {
    .name = T("token list"),
    .summary = T("List tokens: whose they are, what they may, until when"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("The roles are those that a token gives now: its own, as far as its user has them "
                 "still. The secrets of tokens are kept nowhere."),
    .run = run,
};
