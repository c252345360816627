/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/prove_hardening.h"

#include "base/map.h"
#include "base/os.h"
#include "harden/baseline.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* ---- What is asked for --------------------------------------------------------------------------
 */

/* A setting that a file of this name must have. */
struct asked {
    str file, name, data;
    bool seen;
};

struct asking {
    const struct host_class *host_class;
    struct asked *items;
    size_t n, room;
    struct arena *arena;
};

static void ask(struct asking *a, str file, str name, str data)
{
    arena_grow(a->arena, a->items, a->n, a->room);
    a->items[a->n++] = (struct asked){.file = file, .name = name, .data = data};
}

/* Every artefact says this of each profile's log, unless the hardening that it holds says
 * otherwise.
 */
static const str profiles[] = {T("Domain"), T("Private"), T("Public")};
static const str log_path = T("%systemroot%\\system32\\LogFiles\\Firewall\\pfirewall.log");
enum { LOG_KIB = 16384 };

/* ---- PowerShell ---------------------------------------------------------------------------------
 */

static const str profile_cmdlet = T("Set-NetFirewallProfile -Name ");

static str value_text(const struct harden_change *c, struct arena *arena)
{
    static const char *const types[] = {
        [HARDEN_DWORD] = "DWord",
        [HARDEN_STRING] = "String",
        [HARDEN_STRINGS] = "MultiString",
    };
    str data = c->type == HARDEN_DWORD ? str_format(arena, "%" PRIu32, c->number) : c->text;
    return str_format(arena, "%.*s | %.*s | %s | %.*s", STR_ARG(c->key), STR_ARG(c->value),
                      types[c->type], STR_ARG(data));
}

/* Words of an enumeration stand in apostrophes. */
static str argument_text(str argument, struct arena *arena)
{
    uint64_t number;
    bool plain = str_equal(argument, S("$true")) || str_equal(argument, S("$false")) ||
                 str_u64(argument, UINT32_MAX, &number);
    return plain ? argument : str_format(arena, "'%.*s'", STR_ARG(argument));
}

static str guid_text(str guid)
{
    return str_starts(guid, S("{")) ? str_head(str_tail(guid, 1), guid.len - 2) : guid;
}

static str powershell_text(const struct harden_change *c, struct arena *arena)
{
    str argument = argument_text(c->argument, arena), value = value_text(c, arena);
    unsigned build = c->since_build;
    if (c->audit_guid.len) {
        str guid = guid_text(c->audit_guid);
        return str_format(arena, "Set-Audit | %u | %.*s | %u", build, STR_ARG(guid),
                          (unsigned)c->audit_setting);
    }
    if (c->feature.len)
        return str_format(arena, "Remove-Feature | %u | %.*s", build, STR_ARG(c->feature));
    if (c->service.len)
        return str_format(arena, "Set-Start | %u | %.*s | %u", build, STR_ARG(c->service),
                          (unsigned)c->service_start);
    if (str_starts(c->set_cmdlet, profile_cmdlet)) {
        str profile = str_tail(c->set_cmdlet, profile_cmdlet.len);
        return str_format(arena, "Set-ProfileLog | %u | %.*s | %.*s | %.*s", build,
                          STR_ARG(profile), STR_ARG(c->parameter), STR_ARG(c->argument));
    }
    if (!c->set_cmdlet.len || !c->argument.len)
        return str_format(arena, "Set-Value | %u | %.*s", build, STR_ARG(value));
    return str_format(arena, "Set-Configuration | %u | %.*s | %.*s | %.*s | %.*s | %.*s", build,
                      STR_ARG(c->set_cmdlet), STR_ARG(c->get_cmdlet), STR_ARG(c->parameter),
                      STR_ARG(argument), STR_ARG(value));
}

/* The change of a profile's log with this parameter; apply.ps1 sets three of them. */
static const struct harden_change *log_change(const struct asking *a, str profile,
                                              const char *parameter)
{
    for (size_t i = 0; i < a->host_class->n_hardening; i++) {
        const struct harden_change *c = &a->host_class->hardening[i];
        if (str_starts(c->set_cmdlet, profile_cmdlet) &&
            str_equal(str_tail(c->set_cmdlet, profile_cmdlet.len), profile) &&
            str_equal(c->parameter, str_of(parameter)))
            return c;
    }
    return NULL;
}

static void ask_powershell(struct asking *a)
{
    static const char *const of_apply[] = {"LogBlocked", "LogFileName", "LogMaxSizeKilobytes"};
    struct arena *arena = a->arena;
    for (size_t i = 0; i < COUNT_OF(profiles); i++) {
        const struct harden_change *blocked = log_change(a, profiles[i], of_apply[0]);
        const struct harden_change *path = log_change(a, profiles[i], of_apply[1]);
        const struct harden_change *size = log_change(a, profiles[i], of_apply[2]);
        str where = path ? path->text : log_path;
        ask(a, S("apply.ps1"), str_format(arena, "log %.*s", STR_ARG(profiles[i])),
            str_format(arena, "%s | %.*s | %" PRIu32,
                       !blocked || blocked->number ? "True" : "False", STR_ARG(where),
                       size ? size->number : LOG_KIB));
    }
    for (size_t i = 0; i < a->host_class->n_hardening; i++) {
        const struct harden_change *c = &a->host_class->hardening[i];
        bool applied = false;
        for (size_t k = 0; k < COUNT_OF(of_apply); k++)
            applied = applied || str_equal(c->parameter, str_of(of_apply[k]));
        if (!applied) ask(a, S("hardening.ps1"), c->id, powershell_text(c, arena));
    }
    if (a->host_class->n_hardening)
        ask(a, S("hardening-rollback.ps1"), S("every setting"), S("as it was saved"));
}

/* ---- Group policy -------------------------------------------------------------------------------
 */

/* In the form of GPMC, and of samba-tool. */
static void ask_twice(struct asking *a, str file, str name, str data)
{
    ask(a, file, name, data);
    ask(a, str_format(a->arena, "%.*s.xml", STR_ARG(file)), name, data);
}

static void ask_registry(struct asking *a, str key, str name, const char *type, str data)
{
    str place = str_format(a->arena, "%.*s, %.*s", STR_ARG(key), STR_ARG(name));
    data = str_format(a->arena, "%s | %.*s", type, STR_ARG(data));
    ask(a, S("registry.pol"), place, data);
    ask(a, S("Registry.pol.xml"), place, data);
}

/* What every set of values says of logs. */
static void ask_logs(struct asking *a,
                     void (*put)(struct asking *a, str key, str name, const char *type, str data))
{
    for (size_t i = 0; i < COUNT_OF(profiles); i++) {
        str key = str_format(a->arena,
                             "SOFTWARE\\Policies\\Microsoft\\WindowsFirewall\\%.*sProfile\\Logging",
                             STR_ARG(profiles[i]));
        put(a, key, S("LogDroppedPackets"), "REG_DWORD", S("1"));
        put(a, key, S("LogFileSize"), "REG_DWORD", str_format(a->arena, "%d", LOG_KIB));
        put(a, key, S("LogFilePath"), "REG_SZ", log_path);
    }
}

/* Unless the hardening says it: that comes with the rest. */
static void ask_gpo_log(struct asking *a, str key, str name, const char *type, str data)
{
    for (size_t i = 0; i < a->host_class->n_hardening; i++) {
        const struct harden_change *c = &a->host_class->hardening[i];
        if (str_equal(c->key, key) && str_equal(c->value, name)) return;
    }
    ask_registry(a, key, name, type, data);
}

/* A list as PowerShell joins it. */
static str undone_text(const struct harden_change *c, struct arena *arena)
{
    if (c->type == HARDEN_DWORD) return str_format(arena, "%" PRId32, (int32_t)c->number);
    char *text = arena_array(arena, char, c->text.len + 1);
    for (size_t i = 0; i < c->text.len; i++)
        text[i] = c->text.ptr[i] == '\n' ? ',' : c->text.ptr[i];
    return (str){text, c->text.len};
}

/* As the editor shows it. */
static bool is_option(const struct harden_change *c)
{
    return str_starts(c->gpo_name, S("Security Options: "));
}

static void ask_value(struct asking *a, const struct harden_change *c)
{
    static const char *const types[] = {
        [HARDEN_DWORD] = "REG_DWORD",
        [HARDEN_STRING] = "REG_SZ",
        [HARDEN_STRINGS] = "REG_MULTI_SZ",
    };
    str services = S("SYSTEM\\CurrentControlSet\\Services\\");
    str data = c->type == HARDEN_DWORD ? str_format(a->arena, "%" PRIu32, c->number) : c->text;
    str place = str_format(a->arena, "%.*s, %.*s", STR_ARG(c->key), STR_ARG(c->value));
    if (is_option(c))
        ask_twice(a, S("GptTmpl.inf"), place,
                  str_format(a->arena, "%s | %.*s", types[c->type], STR_ARG(data)));
    else
        ask_registry(a, c->key, c->value, types[c->type], data);
    /* Without its start type a driver would be none. */
    bool starts = str_starts(c->key, services) && str_equal(c->value, S("Start"));
    if (starts) {
        str driver = str_tail(c->key, services.len);
        place = str_format(a->arena, "the start type of %.*s", STR_ARG(driver));
    }
    ask(a, S("rollback.ps1"), place, starts ? S("stays") : undone_text(c, a->arena));
}

/* What else the GPO holds, and so who must process it. */
static void ask_extensions(struct asking *a)
{
    bool templates = false, security = false, audit = false;
    for (size_t i = 0; i < a->host_class->n_hardening; i++) {
        const struct harden_change *c = &a->host_class->hardening[i];
        bool value = !c->service.len && !c->audit_guid.len && c->key.len;
        audit = audit || (!c->service.len && c->audit_guid.len);
        security = security || c->service.len || (value && is_option(c));
        templates = templates || (value && !is_option(c));
    }
    str data = str_format(a->arena, "%stemplates | %ssecurity | %saudit", templates ? "" : "no ",
                          security ? "" : "no ", audit ? "" : "no ");
    ask(a, S("Backup.xml"), S("extensions"), data);
    ask(a, S("gPCMachineExtensionNames.SAMBAEXT"), S("extensions"), data);
}

static void ask_gpo(struct asking *a)
{
    static const char *const audits[] = {"", "Success", "Failure", "Success and Failure"};
    ask_logs(a, ask_gpo_log);
    ask_extensions(a);
    for (size_t i = 0; i < a->host_class->n_hardening; i++) {
        const struct harden_change *c = &a->host_class->hardening[i];
        if (c->service.len) {
            str name = str_format(a->arena, "the start type of %.*s", STR_ARG(c->service));
            ask_twice(a, S("GptTmpl.inf"), name,
                      str_format(a->arena, "%" PRIu32, c->service_start));
            ask(a, S("rollback.ps1"), name, S("stays"));
        } else if (c->audit_guid.len) {
            str name = str_format(a->arena, "the audit subcategory %.*s", STR_ARG(c->audit_name));
            str guid = str_lower(a->arena, c->audit_guid);
            ask_twice(a, S("audit.csv"), name,
                      str_format(a->arena, "%.*s | %s,,%" PRIu32, STR_ARG(guid),
                                 audits[c->audit_setting & 3], c->audit_setting));
            ask(a, S("rollback.ps1"), name, S("stays"));
        } else if (c->key.len) {
            ask_value(a, c);
        }
    }
}

/* ---- Files of the registry ----------------------------------------------------------------------
 * They hold rules and the logs; rollback.reg is compared with them when it is read.
 */

static void ask_reg_file(struct asking *a, str key, str name, const char *type, str data)
{
    ask(a, S("rules.reg"), str_format(a->arena, "%.*s, %.*s", STR_ARG(key), STR_ARG(name)),
        str_format(a->arena, "%s | %.*s", type, STR_ARG(data)));
}

static void ask_reg(struct asking *a)
{
    ask_logs(a, ask_reg_file);
}

/* ---- MDM ----------------------------------------------------------------------------------------
 */

static const str store_uri = T("./Vendor/MSFT/Firewall/MdmStore/");

/* An Atomic fails whole, so that settings of different builds are in different ones: as many as
 * there are builds, in the order of the table. The Atomic of each setting, from 1. */
static const unsigned *atomics_of(const struct host_class *class, struct arena *arena)
{
    unsigned *atomics = arena_array(arena, unsigned, class->n_hardening + 1), n = 0;
    bool *known = arena_array(arena, bool, class->n_hardening + 1);
    for (size_t i = 0; i < class->n_hardening; i++) {
        bool any = false;
        for (size_t k = i; k < class->n_hardening && !known[i]; k++) {
            const struct harden_change *c = &class->hardening[k];
            if (c->since_build != class->hardening[i].since_build) continue;
            known[k] = k > i;
            atomics[k] = n + 1;
            any = any || (c->mdm_path.len && !str_starts(c->mdm_path, store_uri));
        }
        n += any;
    }
    return atomics;
}

static const struct harden_change *mdm_change(const struct asking *a, str uri)
{
    for (size_t i = 0; i < a->host_class->n_hardening; i++)
        if (str_equal(a->host_class->hardening[i].mdm_path, uri))
            return &a->host_class->hardening[i];
    return NULL;
}

static void ask_mdm(struct asking *a)
{
    static const struct {
        const char *name, *format, *data;
    } nodes[] = {
        {"EnableLogDroppedPackets", "bool", "true" },
        {"LogMaxFileSize",          "int",  "16384"},
    };
    struct arena *arena = a->arena;
    struct map of_each = {0};
    const unsigned *atomics = atomics_of(a->host_class, arena);
    for (size_t i = 0; i < COUNT_OF(profiles) * COUNT_OF(nodes); i++) {
        size_t p = i / COUNT_OF(nodes), v = i % COUNT_OF(nodes);
        str uri = str_format(arena, "%.*s%.*sProfile/%s", STR_ARG(store_uri), STR_ARG(profiles[p]),
                             nodes[v].name);
        const struct harden_change *c = mdm_change(a, uri);
        str data = c ? c->mdm_data : str_of(nodes[v].data);
        ask(a, S("logging.xml"), uri,
            str_format(arena, "%s | %.*s | Atomic 1", nodes[v].format, STR_ARG(data)));
        ask(a, S("rollback.xml"), uri, S("deleted"));
        (void)map_put(&of_each, arena, uri, 1, NULL);
    }
    for (size_t i = 0; i < a->host_class->n_hardening; i++) {
        const struct harden_change *c = &a->host_class->hardening[i];
        bool logs = str_starts(c->mdm_path, store_uri);
        if (!c->mdm_path.len || map_find(&of_each, c->mdm_path)) continue;
        ask(a, logs ? S("logging.xml") : S("hardening.xml"), c->mdm_path,
            str_format(arena, "%.*s | %.*s | Atomic %u", STR_ARG(c->mdm_format),
                       STR_ARG(c->mdm_data), logs ? 1 : atomics[i]));
        ask(a, S("hardening-rollback.xml"), c->mdm_path, S("deleted"));
    }
}

/* ---- What is found ------------------------------------------------------------------------------
 */

static const struct {
    str target;
    void (*ask)(struct asking *a);
} dialects[] = {
    {T("powershell"), ask_powershell},
    {T("gpo"),        ask_gpo       },
    {T("mdm"),        ask_mdm       },
    {T("reg"),        ask_reg       },
};

static size_t dialect_of(const struct target *target)
{
    size_t i = 0;
    while (i < COUNT_OF(dialects) && !str_equal(dialects[i].target, target->name))
        i++;
    return i;
}

bool prove_hardening_knows(const struct target *target)
{
    return target->settings && dialect_of(target) < COUNT_OF(dialects);
}

static str place_of(str file, str name, struct arena *arena)
{
    return str_format(arena, "%.*s\n%.*s", STR_ARG(file), STR_ARG(name));
}

/* Texts of files may be anything; the items of a list stand on one line. */
static str shown(str text, size_t from, size_t most, struct arena *arena)
{
    str good = str_utf8(arena, str_head(str_tail(text, from), most));
    struct buf line = buf_in(arena);
    for (size_t i = 0; i < good.len; i++) {
        char c = good.ptr[i];
        bool control = (c >= 0 && c < ' ') || c == '\x7f';
        buf_char(&line, (char)(c == '\n' ? ',' : control ? '?' : c));
    }
    return buf_text(&line);
}

static bool tell(str name, str expected, str found, struct arena *arena, struct err *err)
{
    str setting = shown(name, 0, 160, arena);
    return err_set(err, ERR_MALFORMED, "setting %.*s: expected %.*s, found %.*s", STR_ARG(setting),
                   STR_ARG(expected), STR_ARG(found));
}

static str quoted(str text, size_t from, struct arena *arena)
{
    str part = shown(text, from, 120, arena);
    return str_format(arena, "\"%.*s\"", STR_ARG(part));
}

/* From the first part that differs; of a long one, what is around the place. */
static bool differs(str name, str expected, str found, struct arena *arena, struct err *err)
{
    str bar = S(" | ");
    size_t same = 0, from = 0;
    while (same < expected.len && same < found.len && expected.ptr[same] == found.ptr[same])
        same++;
    for (size_t i = bar.len; i <= same; i++)
        if (str_ends(str_head(expected, i), bar)) from = i;
    if (same - from > 80) from = same - 40;
    return tell(name, quoted(expected, from, arena), quoted(found, from, arena), arena, err);
}

static bool compare(struct asking *a, const struct map *places, str file,
                    const struct target_settings *found, struct err *err)
{
    struct arena *arena = a->arena;
    for (size_t i = 0; i < found->n; i++) {
        const struct target_setting *setting = &found->items[i];
        str name = setting->name, data = quoted(setting->data, 0, arena);
        const uint64_t *index = map_find(places, place_of(file, name, arena));
        if (!index) return tell(name, S("none of this name"), data, arena, err);
        struct asked *asked = &a->items[*index];
        if (asked->seen) return tell(name, S("it once"), data, arena, err);
        if (!str_equal(asked->data, setting->data))
            return differs(name, asked->data, setting->data, arena, err);
        asked->seen = true;
    }
    return true;
}

static bool all_seen(struct asking *a, const struct target_files *files, struct arena *arena,
                     str *out_path, struct err *err)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct asked *asked = &a->items[i];
        if (asked->seen) continue;
        str file = asked->file;
        *out_path = str_format(arena, "%.*s/%.*s", STR_ARG(a->host_class->id), STR_ARG(file));
        for (size_t k = 0; k < files->n; k++)
            if (files->items[k].host_class == a->host_class &&
                str_equal(os_base_name(files->items[k].path), file))
                *out_path = files->items[k].path;
        return tell(asked->name, quoted(asked->data, 0, a->arena), S("none"), a->arena, err);
    }
    return true;
}

bool prove_hardening(const struct target *target, const struct host_class *host_class,
                     const struct target_files *files, str workspace, struct arena *arena,
                     struct arena scratch, str *out_path, struct err *err)
{
    struct asking a = {.host_class = host_class, .arena = &scratch};
    struct map places = {0};
    size_t dialect = dialect_of(target);
    assert(dialect < COUNT_OF(dialects));
    dialects[dialect].ask(&a);
    for (size_t i = 0; i < a.n; i++)
        (void)map_put(&places, &scratch, place_of(a.items[i].file, a.items[i].name, &scratch), i,
                      NULL);
    for (size_t i = 0; i < files->n; i++) {
        const struct target_file *file = &files->items[i];
        struct target_settings found = {0};
        if (file->host_class != host_class) continue;
        *out_path = file->path;
        if (!target->settings(file->path, str_bytes(file->content), workspace, &scratch, &found,
                              err) ||
            !compare(&a, &places, os_base_name(file->path), &found, err))
            return false;
    }
    return all_seen(&a, files, arena, out_path, err);
}
