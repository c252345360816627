/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/audit_plan.h"

#include "cli/statement.h"
#include "targets/audit_policy.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* Hosts that load the same files: a folder of the output. */
struct audit_class {
    uint32_t audits;
    str name; /* "file-share+logon" */
    const struct audit_host **hosts;
    size_t n, room;
};

struct classes {
    struct audit_class *items;
    size_t n, room;
};

static str class_name(struct arena *arena, uint32_t audits)
{
    struct buf name = buf_in(arena);
    for (int a = 0; a < AUDIT_COUNT; a++) {
        if (!(audits >> a & 1)) continue;
        if (name.len) buf_char(&name, '+');
        buf_str(&name, audit_kind((enum audit)a).id);
    }
    return buf_text(&name);
}

static struct classes classes_of(struct arena *arena, const struct audit_plan *plan)
{
    struct classes classes = {0};
    for (size_t i = 0; i < plan->n_hosts; i++) {
        const struct audit_host *host = &plan->hosts[i];
        size_t at = 0;
        while (at < classes.n && classes.items[at].audits != host->audits)
            at++;
        if (at == classes.n) {
            arena_grow(arena, classes.items, classes.n, classes.room);
            classes.items[classes.n++] = (struct audit_class){
                .audits = host->audits, .name = class_name(arena, host->audits)};
        }
        struct audit_class *class = &classes.items[at];
        arena_grow(arena, class->hosts, class->n, class->room);
        class->hosts[class->n++] = host;
    }
    return classes;
}

/* ---- Files --------------------------------------------------------------------------------------
 */

/* A name that evidence gave may hold anything; a list of hosts is read by scripts. */
static bool is_plain_name(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '.' || c == '_' || c == ':';
        if (!fine) return false;
    }
    return name.len > 0;
}

static str hosts_list(struct arena *arena, const struct audit_class *class)
{
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < class->n; i++) {
        const struct questioned *server = class->hosts[i]->server;
        str end = view_end_text(arena, server->server);
        str name = is_plain_name(server->label) ? server->label : end;
        if (is_plain_name(name)) buf_format(&out, "%.*s\r\n", STR_ARG(name));
    }
    return buf_text(&out);
}

typedef void put_file(uint32_t audits, struct buf *out);

static bool write_text(struct invocation *call, str path, str text, struct err *err)
{
    struct os *os = call->os;
    return os->write_file(os->self, path, str_bytes(text), false, err) || err_in(err, path);
}

static bool write_class(struct invocation *call, str folder, const struct audit_class *class,
                        struct err *err)
{
    static const struct {
        str name;
        put_file *put;
    } files[] = {
        {T("audit.csv"),   audit_policy_csv        },
        {T("enable.ps1"),  audit_policy_enable_ps1 },
        {T("disable.ps1"), audit_policy_disable_ps1},
    };
    struct os *os = call->os;
    str inside = os_join(call->arena, folder, class->name);
    if (!os->make_directory(os->self, inside, err)) return err_in(err, inside);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct buf text = buf_in(call->arena);
        files[i].put(class->audits, &text);
        str path = os_join(call->arena, inside, files[i].name);
        if (!write_text(call, path, buf_text(&text), err)) return false;
    }
    return write_text(call, os_join(call->arena, inside, S("hosts.txt")),
                      hosts_list(call->arena, class), err);
}

/* ---- Output -------------------------------------------------------------------------------------
 */

static str size_text(struct arena *arena, uint64_t kilobytes)
{
    if (kilobytes < 1000) return str_format(arena, "%" PRIu64 " kB", kilobytes);
    return str_format(arena, "%" PRIu64 ".%" PRIu64 " MB", kilobytes / 1000,
                      kilobytes % 1000 / 100);
}

static const struct table_column columns[] = {
    {T("host"),       ALIGN_LEFT,  28},
    {T("switch on"),  ALIGN_LEFT,  32},
    {T("events"),     ALIGN_LEFT,  0 },
    {T("events/day"), ALIGN_RIGHT, 0 },
    {T("log/day"),    ALIGN_RIGHT, 0 },
    {T("days"),       ALIGN_RIGHT, 0 },
    {T("to learn"),   ALIGN_LEFT,  0 },
};

static struct table plan_table(struct arena *arena, const struct audit_plan *plan)
{
    struct table table = table_of(arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < plan->n_hosts; i++)
        for (size_t j = 0; j < plan->hosts[i].n; j++) {
            const struct audit_proposal *p = &plan->hosts[i].proposals[j];
            struct audit_kind kind = audit_kind(p->audit);
            const char *least = p->at_least ? ">= " : "";
            table_add_toned(&table, plan->hosts[i].server->label, TONE_STRONG);
            table_add(&table, kind.name);
            table_add(&table, kind.events);
            table_add(&table, p->events_per_day
                                  ? str_format(arena, "%s%" PRIu64, least, p->events_per_day)
                                  : S("few"));
            table_add(&table, p->events_per_day ? size_text(arena, p->kilobytes_per_day) : S("-"));
            table_add_u64(&table, p->days);
            table_add(&table, question_text(kind.answers));
        }
    return table;
}

static void print_text(struct invocation *call, const struct audit_plan *plan, size_t n_foreign,
                       str folder, const struct classes *classes)
{
    struct buf *out = call->out;
    if (plan->n_hosts) {
        struct table table = plan_table(call->arena, plan);
        table_print_text(&table, out, call->colour);
        buf_char(out, '\n');
    }
    buf_format(out, "%zu server%s with something open, %zu with nothing open\n", plan->n_hosts,
               plan->n_hosts == 1 ? "" : "s", plan->n_answered);
    if (n_foreign)
        buf_format(out, "%zu more %s not managed by the policy: nothing can be switched on there\n",
                   n_foreign, n_foreign == 1 ? "is" : "are");
    if (!folder.len) return;
    for (size_t i = 0; i < classes->n; i++) {
        const struct audit_class *class = &classes->items[i];
        table_tone(out, os_join(call->arena, folder, class->name), TONE_STRONG, call->colour);
        buf_format(out, ": audit.csv, enable.ps1, disable.ps1 for %zu host%s (hosts.txt)\n",
                   class->n, class->n == 1 ? "" : "s");
    }
}

static void print_proposal(struct json *json, const struct audit_proposal *p)
{
    struct audit_kind kind = audit_kind(p->audit);
    json_object(json);
    json_member_str(json, S("audit"), kind.id);
    json_member_str(json, S("name"), kind.name);
    json_member_str_or_null(json, S("guid"), kind.guid);
    json_member_bool(json, S("success"), kind.success);
    json_member_bool(json, S("failure"), kind.failure);
    json_member_str(json, S("events"), kind.events);
    json_key(json, S("events_per_day"));
    if (p->events_per_day)
        json_u64(json, p->events_per_day);
    else
        json_null(json);
    json_member_bool(json, S("at_least"), p->at_least);
    json_member_u64(json, S("kilobytes_per_day"), p->kilobytes_per_day);
    json_member_u64(json, S("days"), p->days);
    json_member_str(json, S("basis"), p->basis);
    json_member_str(json, S("answers"), question_sentence(kind.answers));
    json_object_end(json);
}

static void print_json(struct invocation *call, const struct audit_plan *plan, size_t n_foreign)
{
    struct json json = json_to(call->out);
    json_object(&json);
    json_key(&json, S("hosts"));
    json_array(&json);
    for (size_t i = 0; i < plan->n_hosts; i++) {
        const struct audit_host *host = &plan->hosts[i];
        json_object(&json);
        json_member_str(&json, S("host"), host->server->label);
        json_member_str(&json, S("server"), view_end_text(call->arena, host->server->server));
        json_member_bool(&json, S("domain_controller"), host->server->is_controller);
        json_member_u64(&json, S("clients"), host->server->n_clients);
        json_member_u64(&json, S("connections"), host->server->connections);
        json_member_u64(&json, S("days_seen"), host->server->days);
        json_member_str(&json, S("class"), class_name(call->arena, host->audits));
        json_key(&json, S("audits"));
        json_array(&json);
        for (size_t j = 0; j < host->n; j++)
            print_proposal(&json, &host->proposals[j]);
        json_array_end(&json);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_member_u64(&json, S("answered"), plan->n_answered);
    json_member_u64(&json, S("not_managed"), n_foreign);
    json_object_end(&json);
    buf_char(call->out, '\n');
}

/* ---- The command --------------------------------------------------------------------------------
 */

static bool load(struct invocation *call, struct audit_plan *plan, size_t *n_foreign,
                 struct err *err)
{
    struct workspace workspace;
    struct statement statement = {0};
    if (!workspace_open(call, &workspace, err)) return false;
    bool loaded = statement_load(call, &workspace, &statement, err);
    store_close(workspace.store);
    if (!loaded) return false;
    struct audit_wishes wishes = {
        .days = (uint32_t)option_count(call, S("days")),
        .events_max = option_count(call, S("events")),
    };
    *n_foreign = statement.n_foreign;
    *plan = audit_plan(call->arena, statement.servers, statement.n_servers, wishes);
    return true;
}

static int run(struct invocation *call)
{
    struct audit_plan plan = {0};
    struct err err = {0};
    size_t n_foreign = 0;
    str folder = option_text(call, S("output"));
    if (!load(call, &plan, &n_foreign, &err)) return command_fail(call, &err);
    struct classes classes = classes_of(call->arena, &plan);
    for (size_t i = 0; folder.len && i < classes.n; i++)
        if (!write_class(call, folder, &classes.items[i], &err)) return command_fail(call, &err);
    if (call->format == FORMAT_JSON)
        print_json(call, &plan, n_foreign);
    else if (call->format == FORMAT_CSV) {
        struct table table = plan_table(call->arena, &plan);
        table_print_csv(&table, call->out);
    } else
        print_text(call, &plan, n_foreign, folder, &classes);
    return EXIT_FINE;
}

static const struct option options[] = {
    {.name = T("days"),
     .type = OPTION_COUNT,
     .value = T("DAYS"),
     .fallback = T("14"),
     .low = 1,
     .high = 366,
     .help = T("days to observe; a month shows what a fortnight does not")},
    {.name = T("events"),
     .type = OPTION_COUNT,
     .value = T("N"),
     .fallback = T("1000000"),
     .low = 1,
     .high = UINT32_MAX,
     .help = T("events that one audit may log on one host; chattier ones get fewer days")},
    {.name = T("output"),
     .letter = 'o',
     .type = OPTION_TEXT,
     .value = T("DIR"),
     .help = T("write audit.csv and the scripts that switch on and off, a folder per set of "
               "audits")},
};

static const struct example examples[] = {
    {T("sallyport audit-plan"),          T("Where which audit would answer what is open.")      },
    {T("sallyport audit-plan -o audit"), T("Write the audit policy and the scripts for it too.")},
};

const struct command audit_plan_command = {
    .name = T("audit-plan"),
    .summary = T("Propose where to switch on which Windows audit, and for how long"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details =
        T("One row per server that answered SMB and audit that would tell what no evidence tells "
          "yet: which shares are used (File Share), who else connects (Filtering Platform "
          "Connection), Kerberos or NTLM (Logon), SMB1. Expected events are counted from the "
          "matrix; \">=\" where the audit logs other services as well. enable.ps1 keeps what was "
          "set before, disable.ps1 sets it back; audit.csv belongs into a GPO's "
          "Machine\\Microsoft\\Windows NT\\Audit folder."),
    .run = run,
};
