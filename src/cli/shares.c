/* SPDX-License-Identifier: Apache-2.0 */
#include "base/instant.h"
#include "cli/workspace.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

struct shares {
    const struct share_view *items;
    size_t n;
};

static str joined(struct arena *arena, struct names names, size_t shown)
{
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < names.n && i < shown; i++) {
        if (i) buf_str(&out, shown == SIZE_MAX ? S("; ") : S(", "));
        buf_str(&out, names.items[i]);
    }
    if (names.n > shown) buf_format(&out, " +%zu", names.n - shown);
    return buf_text(&out);
}

static str instant_copy(struct arena *arena, int64_t at_us, bool short_form)
{
    char text[INSTANT_TEXT];
    str full = instant_text(text, at_us);
    if (!short_form) return str_copy(arena, full);
    return str_copy(arena, str_head(full, 10)); /* the day */
}

static void print_strings(struct json *json, str key, struct names names)
{
    json_key(json, key);
    json_array(json);
    for (size_t i = 0; i < names.n; i++)
        json_str(json, names.items[i]);
    json_array_end(json);
}

static void print_json(struct invocation *call, struct shares shares)
{
    struct json json = json_to(call->out);
    json_object(&json);
    json_key(&json, S("shares"));
    json_array(&json);
    for (size_t i = 0; i < shares.n; i++) {
        const struct share_view *share = &shares.items[i];
        json_object(&json);
        json_member_str(&json, S("server"), view_end_text(call->arena, share->server));
        json_member_str_or_null(&json, S("server_name"), share->server_name);
        json_member_str(&json, S("share"), share->share);
        json_member_str(&json, S("kind"), roles_share_kind_text(share->kind));
        json_member_u64(&json, S("used"), share->used);
        json_member_u64(&json, S("refused"), share->refused);
        print_strings(&json, S("users"), share->users);
        print_strings(&json, S("clients"), share->clients);
        print_strings(&json, S("paths"), share->paths);
        json_key(&json, S("first_used"));
        json_instant(&json, share->first_us);
        json_key(&json, S("last_used"));
        json_instant(&json, share->last_us);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    buf_char(call->out, '\n');
}

static void add_rows(struct table *table, struct shares shares, bool short_form)
{
    struct arena *arena = table->arena;
    size_t shown = short_form ? 1 : SIZE_MAX;
    for (size_t i = 0; i < shares.n; i++) {
        const struct share_view *share = &shares.items[i];
        str *name = arena_new(arena, str);
        *name = share->server_name;
        if (short_form) {
            str rest;
            (void)str_cut(share->server_name, '.', name, &rest);
        }
        struct names names = {name, share->server_name.len ? 1 : 0};
        bool unused = !share->used;
        table_add(table, short_form ? view_end_label(arena, share->server, names)
                                    : view_end_text(arena, share->server));
        if (!short_form) table_add(table, share->server_name);
        table_add_toned(table, share->share, unused ? TONE_DIM : TONE_STRONG);
        table_add(table, roles_share_kind_text(share->kind));
        table_add_u64(table, share->used);
        table_add_toned(table, str_format(arena, "%" PRIu64, share->refused),
                        share->refused ? TONE_WARN : TONE_PLAIN);
        table_add(table, joined(arena, share->users, shown));
        table_add(table, joined(arena, share->clients, shown));
        table_add(table, instant_copy(arena, share->last_us, short_form));
    }
}

static void print_text(struct invocation *call, struct shares shares)
{
    static const struct table_column columns[] = {
        {T("server"),    ALIGN_LEFT,  30},
        {T("share"),     ALIGN_LEFT,  16},
        {T("kind"),      ALIGN_LEFT,  0 },
        {T("used"),      ALIGN_RIGHT, 0 },
        {T("refused"),   ALIGN_RIGHT, 0 },
        {T("users"),     ALIGN_LEFT,  20},
        {T("clients"),   ALIGN_LEFT,  18},
        {T("last used"), ALIGN_LEFT,  0 },
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    add_rows(&table, shares, true);
    if (shares.n)
        table_print_text(&table, call->out, call->colour);
    else
        buf_str(call->out, S("no share was seen in use\n"));
}

static void print_csv(struct invocation *call, struct shares shares)
{
    static const struct table_column columns[] = {
        {T("server"),      ALIGN_LEFT, 0},
        {T("server_name"), ALIGN_LEFT, 0},
        {T("share"),       ALIGN_LEFT, 0},
        {T("kind"),        ALIGN_LEFT, 0},
        {T("used"),        ALIGN_LEFT, 0},
        {T("refused"),     ALIGN_LEFT, 0},
        {T("users"),       ALIGN_LEFT, 0},
        {T("clients"),     ALIGN_LEFT, 0},
        {T("last_used"),   ALIGN_LEFT, 0},
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    add_rows(&table, shares, false);
    table_print_csv(&table, call->out);
}

static int run(struct invocation *call)
{
    struct workspace workspace;
    struct host_list *list = arena_new(call->arena, struct host_list);
    struct share_use *uses = NULL;
    struct shares shares = {0};
    struct err err = {0};
    size_t n = 0;
    if (!workspace_open(call, &workspace, &err)) return command_fail(call, &err);
    bool loaded = store_load_hosts(workspace.store, call->arena, list, &err) &&
                  store_load_uses(workspace.store, call->arena, &uses, &n, &err);
    store_close(workspace.store);
    if (!loaded) return command_fail(call, &err);
    shares.items = roles_shares(call->arena, uses, n, list, &shares.n);
    if (call->format == FORMAT_JSON)
        print_json(call, shares);
    else if (call->format == FORMAT_CSV)
        print_csv(call, shares);
    else
        print_text(call, shares);
    return EXIT_FINE;
}

static const struct example examples[] = {
    {T("sallyport shares"), T("Which shares are used, by whom and how often.")},
};

const struct command shares_command = {
    .name = T("shares"),
    .summary = T("Show the shares in use: what kind, by whom, how often"),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("Kinds: user (made by people), administrative (C$, ADMIN$), ipc, sysvol (SYSVOL, "
                 "NETLOGON), print."),
    .run = run,
};
