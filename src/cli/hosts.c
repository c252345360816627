/* SPDX-License-Identifier: Apache-2.0 */
#include "base/instant.h"
#include "cli/workspace.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static str address_text(struct arena *arena, struct addr addr)
{
    char text[ADDR_TEXT];
    return str_copy(arena, addr_text(text, addr));
}

static str segment_of(const struct host *host, const struct view_labels *labels)
{
    if (!host->n_intervals) return (str){0};
    struct endpoint end = {.addr = host->intervals[0].addr};
    return labels->segment(labels->to, end);
}

static str signing_or_empty(enum signing signing)
{
    return signing == SIGNING_UNKNOWN ? (str){0} : signing_text(signing);
}

/* ---- JSON ---------------------------------------------------------------------------------------
 */

static void print_strings(struct json *json, str key, struct names names)
{
    json_key(json, key);
    json_array(json);
    for (size_t i = 0; i < names.n; i++)
        json_str(json, names.items[i]);
    json_array_end(json);
}

static void print_time(struct json *json, str key, int64_t at_us, bool known)
{
    json_key(json, key);
    if (known)
        json_instant(json, at_us);
    else
        json_null(json);
}

static void print_addresses(struct json *json, const struct host *host)
{
    json_key(json, S("addresses"));
    json_array(json);
    for (size_t i = 0; i < host->n_intervals; i++) {
        const struct host_interval *held = &host->intervals[i];
        bool named = held->host.len || held->ambiguous;
        json_object(json);
        json_key(json, S("address"));
        json_addr(json, held->addr);
        print_time(json, S("from"), held->from_us, named);
        print_time(json, S("to"), held->to_us, named);
        json_member_str_or_null(json, S("source"),
                                named ? hosts_source_text(held->source) : (str){0});
        json_member_str_or_null(json, S("strength"),
                                named ? hosts_strength_text(held->strength) : (str){0});
        json_object_end(json);
    }
    json_array_end(json);
}

static void print_dialects(struct json *json, uint8_t dialects)
{
    json_key(json, S("dialects"));
    json_array(json);
    for (int i = 0; i < DIALECT_COUNT; i++)
        if (dialects >> i & 1) json_str(json, dialect_text((enum dialect)i));
    json_array_end(json);
}

static void print_posture(struct json *json, const struct posture *posture)
{
    json_key(json, S("posture"));
    json_object(json);
    json_member_bool(json, S("smb1"), posture->smb1);
    print_dialects(json, posture->dialects);
    json_member_str_or_null(json, S("signing"), signing_or_empty(posture->signing));
    if (posture->encrypted)
        json_member_bool(json, S("encrypted"), posture->encrypted == KNOWN_YES);
    else
        json_member_null(json, S("encrypted"));
    json_member_bool(json, S("guest"), posture->guest);
    json_member_bool(json, S("anonymous"), posture->anonymous);
    json_member_bool(json, S("ntlmv1"), posture->ntlmv1);
    json_key(json, S("offered"));
    json_object(json);
    print_dialects(json, posture->offered_dialects);
    json_member_str_or_null(json, S("signing"), signing_or_empty(posture->offered_signing));
    json_object_end(json);
    print_strings(json, S("conflicts"), posture->conflicts);
    json_object_end(json);
}

static void print_listenings(struct json *json, const struct host_view *view)
{
    json_key(json, S("listening"));
    json_array(json);
    for (size_t i = 0; i < view->n_listenings; i++) {
        const struct listening_view *l = &view->listenings[i];
        json_object(json);
        json_member_str(json, S("transport"), service_transport_text(l->transport));
        json_member_u64(json, S("port"), l->port);
        json_member_str(json, S("state"), listening_text(l->state));
        print_dialects(json, l->dialects);
        json_member_str_or_null(json, S("signing"), signing_or_empty(l->signing));
        print_time(json, S("last_seen"), l->last_us, l->last_us != 0);
        json_object_end(json);
    }
    json_array_end(json);
}

static void print_changes(struct json *json, const struct host_view *view)
{
    json_key(json, S("changes"));
    json_array(json);
    for (size_t i = 0; i < view->n_changes; i++) {
        const struct change_view *change = &view->changes[i];
        json_object(json);
        json_member_str(json, S("kind"), change_text(change->kind));
        json_member_str(json, S("subject"), change->subject);
        json_member_str_or_null(json, S("detail"), change->detail);
        json_member_str_or_null(json, S("user"), change->user);
        print_time(json, S("at"), change->at_us, change->at_us != 0);
        json_object_end(json);
    }
    json_array_end(json);
}

static void print_roles(struct json *json, const struct host_view *view)
{
    json_key(json, S("roles"));
    json_array(json);
    for (size_t i = 0; i < view->n_roles; i++) {
        json_object(json);
        json_member_str(json, S("role"), roles_text(view->roles[i].role));
        json_member_str(json, S("reason"), view->roles[i].reason);
        json_object_end(json);
    }
    json_array_end(json);
}

static void print_json(struct invocation *call, const struct hosts_view *hosts,
                       const struct view_labels *labels)
{
    struct json json = json_to(call->out);
    json_object(&json);
    json_key(&json, S("hosts"));
    json_array(&json);
    for (size_t i = 0; i < hosts->n; i++) {
        const struct host_view *view = &hosts->hosts[i];
        bool seen = view->last_us != 0;
        json_object(&json);
        json_member_str_or_null(&json, S("name"), view->host->name);
        print_strings(&json, S("names"), view->host->names);
        json_member_bool(&json, S("ambiguous"), view->host->ambiguous);
        print_addresses(&json, view->host);
        json_member_str_or_null(&json, S("segment"), segment_of(view->host, labels));
        print_roles(&json, view);
        print_posture(&json, &view->posture);
        print_strings(&json, S("shares"), view->shares);
        print_listenings(&json, view);
        print_changes(&json, view);
        json_member_u64(&json, S("connections_in"), view->connections_in);
        json_member_u64(&json, S("connections_out"), view->connections_out);
        print_time(&json, S("first_seen"), view->first_us, seen);
        print_time(&json, S("last_seen"), view->last_us, seen);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    buf_char(call->out, '\n');
}

/* ---- Text and CSV -------------------------------------------------------------------------------
 */

static str host_label(struct arena *arena, const struct host *host)
{
    if (host->name.len) return host->name;
    if (host->ambiguous) return S("(ambiguous)");
    return address_text(arena, host->intervals[0].addr);
}

static str addresses_text(struct arena *arena, const struct host *host, size_t shown)
{
    struct buf out = buf_in(arena);
    size_t n = 0;
    for (size_t i = 0; i < host->n_intervals; i++) {
        bool again = i && addr_equal(host->intervals[i].addr, host->intervals[i - 1].addr);
        if (again || n++ >= shown) continue;
        if (out.len) buf_str(&out, S(" "));
        addr_print(&out, host->intervals[i].addr);
    }
    if (n > shown) buf_format(&out, " +%zu", n - shown);
    return buf_text(&out);
}

/* What is weak about a server, in words. */
static str weakness_text(struct arena *arena, const struct posture *posture)
{
    const struct {
        bool is;
        str text;
    } weak[] = {
        {posture->smb1,      S("SMB1")     },
        {posture->ntlmv1,    S("NTLMv1")   },
        {posture->guest,     S("guest")    },
        {posture->anonymous, S("anonymous")},
    };
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < COUNT_OF(weak); i++) {
        if (!weak[i].is) continue;
        if (out.len) buf_str(&out, S(", "));
        buf_str(&out, weak[i].text);
    }
    return buf_text(&out);
}

static const struct table_column columns[] = {
    {T("host"),      ALIGN_LEFT, 22},
    {T("addresses"), ALIGN_LEFT, 18},
    {T("role"),      ALIGN_LEFT, 0 },
    {T("because"),   ALIGN_LEFT, 40},
    {T("signing"),   ALIGN_LEFT, 0 },
    {T("weak"),      ALIGN_LEFT, 18},
};

/* One row per role; what is the same for all stands in the first, or in all of them in CSV. */
static void add_rows(struct table *table, const struct host_view *view, bool repeat)
{
    struct arena *arena = table->arena;
    size_t n = view->n_roles ? view->n_roles : 1;
    for (size_t i = 0; i < n; i++) {
        bool whole = repeat || !i;
        bool has_role = i < view->n_roles;
        table_add_toned(table, whole ? host_label(arena, view->host) : (str){0},
                        view->host->ambiguous ? TONE_WARN : TONE_STRONG);
        table_add(table,
                  whole ? addresses_text(arena, view->host, repeat ? SIZE_MAX : 1) : (str){0});
        table_add(table, has_role ? roles_text(view->roles[i].role) : (str){0});
        table_add(table, has_role ? view->roles[i].reason : (str){0});
        table_add(table, whole ? signing_or_empty(view->posture.signing) : (str){0});
        table_add_toned(table, whole ? weakness_text(arena, &view->posture) : (str){0}, TONE_BAD);
    }
}

static bool listens(const struct host_view *view)
{
    for (size_t i = 0; i < view->n_listenings; i++)
        if (view->listenings[i].state == LISTENING_OPEN) return true;
    return false;
}

static void print_text(struct invocation *call, const struct hosts_view *hosts)
{
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    size_t silent = 0;
    for (size_t i = 0; i < hosts->n; i++) {
        const struct host_view *view = &hosts->hosts[i];
        bool tells =
            view->n_roles || view->host->name.len || view->connections_out || listens(view);
        if (tells)
            add_rows(&table, view, false);
        else
            silent++;
    }
    if (table.n_cells) table_print_text(&table, call->out, call->colour);
    if (silent)
        buf_format(call->out,
                   "%zu further addresses were tried and never answered (--json lists "
                   "them)\n",
                   silent);
    if (!hosts->n) buf_str(call->out, S("no host was seen yet: sallyport ingest FILE...\n"));
}

static void print_csv(struct invocation *call, const struct hosts_view *hosts)
{
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < hosts->n; i++)
        add_rows(&table, &hosts->hosts[i], true);
    table_print_csv(&table, call->out);
}

/* ---- The command --------------------------------------------------------------------------------
 */

static bool load(struct invocation *call, struct workspace *workspace, struct hosts_view *out,
                 struct err *err)
{
    struct matrix_view matrix = {0};
    struct share_use *uses = NULL;
    struct listening_view *listenings = NULL;
    struct change_view *changes = NULL;
    size_t n_uses = 0, n_shares = 0, n_listenings = 0, n_changes = 0;
    struct host_list *list = arena_new(call->arena, struct host_list);
    if (!store_load_matrix(workspace->store, call->arena, &matrix, err) ||
        !store_load_hosts(workspace->store, call->arena, list, err) ||
        !store_load_uses(workspace->store, call->arena, &uses, &n_uses, err) ||
        !store_load_listenings(workspace->store, call->arena, &listenings, &n_listenings, err) ||
        !store_load_changes(workspace->store, call->arena, &changes, &n_changes, err))
        return false;
    const struct share_view *shares = roles_shares(call->arena, uses, n_uses, list, &n_shares);
    struct hosts_view view = roles_of(call->arena, list, &matrix, shares, n_shares);
    *out = roles_add_told(call->arena, view, list, listenings, n_listenings, changes, n_changes);
    return true;
}

static int run(struct invocation *call)
{
    struct workspace workspace;
    struct hosts_view hosts = {0};
    struct err err = {0};
    if (!workspace_open(call, &workspace, &err)) return command_fail(call, &err);
    if (!load(call, &workspace, &hosts, &err)) {
        store_close(workspace.store);
        return command_fail(call, &err);
    }
    workspace_load_policy(call, &workspace);
    struct view_labels labels = workspace_labels(&workspace);
    if (call->format == FORMAT_JSON)
        print_json(call, &hosts, &labels);
    else if (call->format == FORMAT_CSV)
        print_csv(call, &hosts);
    else
        print_text(call, &hosts);
    store_close(workspace.store);
    return EXIT_FINE;
}

static const struct example examples[] = {
    {T("sallyport hosts"), T("Who is who, and why it is taken for that.")},
};

const struct command hosts_command = {
    .name = T("hosts"),
    .summary = T("Show the machines, their names and roles, and how they are set up"),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T("Roles are inferred from what was seen, each with its reason; they decide "
                 "nothing. A name is tied to an address for the time it was seen there, and two "
                 "hosts that claim one address at once are ambiguous."),
    .run = run,
};
