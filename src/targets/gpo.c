/* SPDX-License-Identifier: Apache-2.0 */
/* Group policy: a backup of one GPO per host class, as Import-GPO takes it (and LGPO.exe), the same
 * object as `samba-tool gpo restore` takes it, who is to load it, and a way back that needs no
 * SYSVOL. Folder per class:
 *
 *   manifest.xml                             the folder is a place of backups
 *   {GUID}/bkupInfo.xml, Backup.xml          GPMC's frame
 *   {GUID}/DomainSysvol/GPO/Machine/         registry.pol, GptTmpl.inf, audit.csv
 *   samba/                                   the same as samba-tool's XML
 *   members.txt, rollback.ps1
 *
 * GUIDs are the same in every run. A class has some hundred values of a few hundred bytes. The
 * reader is gpo_read.c; it shares nothing with this that formats or parses addresses.
 *
 * spec : [MS-GPREG] 2.2.1, [MS-GPFAS] 2.2, [MS-GPOL] 2.2.4
 */
#include "rules/universe.h"
#include "targets/firewall_strings_write.h"
#include "targets/gpo_backup_xml.h"
#include "targets/gpo_members.h"
#include "targets/gpo_part_read.h"
#include "targets/gpo_read.h"
#include "targets/gpo_rollback.h"
#include "targets/guid.h"
#include "targets/registry_pol.h"

#define MACHINE "DomainSysvol/GPO/Machine/"
#define SECEDIT "microsoft/windows nt/SecEdit/GptTmpl.inf"
#define AUDIT   "microsoft/windows nt/Audit/audit.csv"

extern const struct target gpo_target;

static str group(str workspace, str border_word, struct arena *arena)
{
    (void)border_word; /* this dialect has no borders */
    return str_format(arena, "sallyport:%.*s", STR_ARG(workspace));
}

/* ---- Registry.pol -------------------------------------------------------------------------------
 */

struct making {
    struct registry_value *items;
    size_t n, room;
    struct arena *arena;
};

static void add_value(struct making *m, struct registry_value value)
{
    arena_grow(m->arena, m->items, m->n, m->room);
    m->items[m->n++] = value;
}

static bool hardening_says(const struct gpo_settings *settings, str key, str name)
{
    for (size_t i = 0; i < settings->n_registry; i++)
        if (str_equal_nocase(settings->registry[i]->key, key) &&
            str_equal_nocase(settings->registry[i]->value, name))
            return true;
    return false;
}

static struct registry_values values_of(const struct firewall_values *firewall,
                                        const struct gpo_settings *settings, struct arena *arena)
{
    struct making m = {.arena = arena};
    str base = S("SOFTWARE\\Policies\\Microsoft\\WindowsFirewall");
    for (size_t i = 0; i < firewall->n; i++) {
        const struct firewall_value *value = &firewall->items[i];
        str key = base;
        if (value->key.len)
            key = str_format(arena, "%.*s\\%.*s", STR_ARG(base), STR_ARG(value->key));
        /* The baseline's log settings are said once. */
        if (hardening_says(settings, key, value->name)) continue;
        if (value->is_number)
            add_value(&m, registry_value_of_dword(key, value->name, value->number, arena));
        else
            add_value(&m, registry_value_of_text(key, value->name, value->text, arena));
    }
    for (size_t i = 0; i < settings->n_registry; i++)
        add_value(&m, gpo_settings_value(settings->registry[i], arena));
    return (struct registry_values){m.items, m.n};
}

/* ---- Files --------------------------------------------------------------------------------------
 */

struct gpo_files {
    const struct host_class *class;
    const struct target_header *header;
    struct target_files files;
    str backup_id;
    struct arena *arena;
};

static void add_file(struct gpo_files *f, enum target_file_kind kind, str path, str content)
{
    target_add_class_file(&f->files, f->arena, f->class, kind, path, content);
}

/* In the folder of the backup. */
static void add_backup(struct gpo_files *f, enum target_file_kind kind, const char *path,
                       str content)
{
    str whole = str_format(f->arena, "%.*s/%s", STR_ARG(f->backup_id), path);
    add_file(f, kind, whole, content);
}

static str domain_of(const struct resolved *resolved, str workspace, struct arena *arena)
{
    str domain = {0};
    if (resolved && resolved->policy->n_domains)
        domain = str_lower(arena, resolved->policy->domains[0].name);
    for (size_t i = 0; i < domain.len; i++) {
        char c = domain.ptr[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (!good) domain = (str){0};
    }
    /* An import does not care where a backup is from (RFC 2606: a name of nobody). */
    return domain.len ? domain : str_format(arena, "%.*s.invalid", STR_ARG(workspace));
}

static struct gpo_backup backup_of(const struct gpo_files *f, const struct resolved *resolved,
                                   const struct gpo_settings *settings)
{
    struct arena *arena = f->arena;
    str workspace = f->header->workspace, id = f->class->id;
    return (struct gpo_backup){
        .backup_id = f->backup_id,
        .gpo_id = guid_of(arena, workspace, str_format(arena, "gpo %.*s", STR_ARG(id))),
        .domain_id = guid_of(arena, workspace, S("domain")),
        .domain = domain_of(resolved, workspace, arena),
        .name = str_format(arena, "sallyport %.*s %.*s", STR_ARG(workspace), STR_ARG(id)),
        .comment = str_format(arena, "%.*s, SHA-256 %.*s",
                              STR_ARG(target_plain(arena, f->header->policy_source, 200)),
                              STR_ARG(f->header->policy_sha256)),
        .as_of_us = f->header->as_of_us,
        .has_templates = settings->n_registry > 0,
        .has_security = settings->n_options + settings->n_services > 0,
        .has_audit = settings->n_audits > 0,
    };
}

static void add_samba(struct gpo_files *f, const struct gpo_backup *backup,
                      const struct gpo_settings *settings, struct registry_values values)
{
    struct arena *arena = f->arena;
    add_file(f, TARGET_FILE_PART, S("samba/GPT.INI.xml"), gpo_backup_xml_samba_ini(arena));
    add_file(f, TARGET_FILE_PART, S("samba/gPCMachineExtensionNames.SAMBAEXT"),
             gpo_backup_xml_extensions(backup, arena));
    add_file(f, TARGET_FILE_PART, S("samba/Machine/Registry.pol.xml"),
             gpo_backup_xml_samba_pol(values, arena));
    f->files.items[f->files.n - 1].same_rules = true;
    if (backup->has_security)
        add_file(f, TARGET_FILE_PART, S("samba/Machine/" SECEDIT ".xml"),
                 gpo_backup_xml_samba_inf(settings, arena));
    if (backup->has_audit)
        add_file(f, TARGET_FILE_PART, S("samba/Machine/" AUDIT ".xml"),
                 gpo_backup_xml_samba_csv(settings, arena));
}

static bool emit_class(struct gpo_files *f, const struct resolved *resolved, struct err *err)
{
    struct arena *arena = f->arena;
    str workspace = f->header->workspace;
    struct gpo_settings settings = {0};
    struct firewall_values firewall = {0};
    struct firewall_strings_of of = {
        .target = &gpo_target,
        .policy = resolved ? resolved->policy : NULL,
        .workspace = workspace,
        .group = group(workspace, (str){0}, arena),
    };
    if (!gpo_settings_of(f->class, arena, &settings, err)) return false;
    if (!firewall_strings_write(f->class, &of, arena, &firewall, err)) return false;
    f->backup_id =
        guid_of(arena, workspace, str_format(arena, "backup %.*s", STR_ARG(f->class->id)));
    struct registry_values values = values_of(&firewall, &settings, arena);
    struct gpo_backup backup = backup_of(f, resolved, &settings);
    struct gpo_members members = {
        .target = &gpo_target,
        .resolved = resolved,
        .host_class = f->class,
        .header = f->header,
        .settings = &settings,
        .gpo_name = backup.name,
        .backup_id = backup.backup_id,
    };
    add_backup(f, TARGET_FILE_RULES, MACHINE "registry.pol",
               str_of_bytes(registry_pol_write(values, arena)));
    add_file(f, TARGET_FILE_ROLLBACK, S("rollback.ps1"),
             gpo_rollback_text(f->class, f->header, &settings, of.group, arena));
    add_file(f, TARGET_FILE_PART, S("members.txt"), gpo_members_text(&members, arena));
    add_file(f, TARGET_FILE_PART, S("manifest.xml"), gpo_backup_xml_manifest(&backup, arena));
    add_backup(f, TARGET_FILE_PART, "bkupInfo.xml", gpo_backup_xml_info(&backup, arena));
    add_backup(f, TARGET_FILE_PART, "Backup.xml", gpo_backup_xml(&backup, arena));
    if (backup.has_security)
        add_backup(f, TARGET_FILE_PART, MACHINE SECEDIT, gpo_settings_inf(&settings, arena));
    if (backup.has_audit)
        add_backup(f, TARGET_FILE_PART, MACHINE AUDIT, gpo_settings_csv(&settings, arena));
    add_samba(f, &backup, &settings, values);
    return true;
}

static bool emit(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err)
{
    struct gpo_files f = {.header = header, .files = *out, .arena = arena};
    for (size_t i = 0; i < bundles->n_classes; i++) {
        f.class = &bundles->classes[i];
        if (!emit_class(&f, bundles->resolved, err)) return false;
    }
    *out = f.files;
    return true;
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct doubt own_doubts[] = {
    {T("gpo-value-size"),        0,
     T("[MS-GPREG] lets a value have 65,535 bytes; rules are cut to that. Whether clients take "
       "more was "
       "not seen.")                                                                           },
    {T("gpo-rollback-registry"), 0,
     T("That the firewall reads its policy again when values below its key are deleted is "
       "Microsoft's "
       "word for group policy; the script looks whether it did, and else asks for a restart.")},
    {T("gpo-audit-extension"),   DOUBT_HARDENING,
     T("audit.csv stands among the files of no known extension, as in the backups at hand; that an "
       "import "
       "takes it was not seen here. Verify: auditpol /get /category:* on one machine.")       },
    {T("gpo-tattoo"),            DOUBT_HARDENING,
     T("Settings outside the Policies keys stay when the GPO goes. What was there before is known "
       "to no "
       "GPO: rollback.ps1 removes them, and Windows' own default holds.")                     },
    {{0},                        0,               {0}                                         },
};

const struct target gpo_target = {
    .name = T("gpo"),
    .summary = T("group policy: backups for Import-GPO and samba-tool gpo restore"),
    .engine = ENGINE_WINDOWS,
    .holds = TARGET_SECURE | TARGET_PROGRAM | TARGET_HARDENS,
    .profiles = 1u << PROFILE_DOMAIN | 1u << PROFILE_PRIVATE | 1u << PROFILE_PUBLIC,
    .peers = &universe_windows,
    .residue =
        T("reserved IPv4 addresses with a first octet of 240 or more, which Windows does not "
          "document as valid end points of a range"),
    .cannot =
        T("borders (it holds host rules only), the state of a profile (windows: firewall: on) "
          "and optional features"),
    .load =
        T("`Import-GPO -Path DIR/gpo/CLASS -BackupGpoName 'sallyport WORKSPACE CLASS' -TargetName "
          "NAME -CreateIfNeeded`, then link it, filtered by the groups of `members.txt`; again "
          "replaces. Unlink it to take it back; `rollback.ps1` does so at once on a machine that "
          "cannot reach SYSVOL"),
    .decides =
        T("an authenticated override, else any block, else any allow, else the profile's default; "
          "order does not matter, and rules of all stores count together"),
    .doubts = doubts_windows,
    .own_doubts = own_doubts,
    .hosts = true,
    .fixed_slots = true,
    .emit = emit,
    .read = gpo_read,
    .read_part = gpo_part_read,
    .settings = gpo_part_read_settings,
    .group = group,
    .read_rollback = gpo_read_rollback,
    .undoes = gpo_read_undoes,
    .recognise = gpo_read_recognise,
};
