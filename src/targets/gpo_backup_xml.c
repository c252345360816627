/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/gpo_backup_xml.h"

#include "base/buf.h"
#include "base/instant.h"

#define REGISTRY_EXTENSION "{35378EAC-683F-11D2-A89A-00C04FBBCFA2}"
#define SECURITY_EXTENSION "{827D319E-6EAC-11D2-A4EA-00C04F79F83A}"
#define AUDIT_EXTENSION    "{F3CCC681-B74C-4060-9F26-CD84525DCA2A}"
#define OTHER_FILES        "{F15C46CD-82A0-4C2D-A210-5D0D3182A418}"
#define FIREWALL_TOOL      "{B05566AC-FE9C-4368-BE01-7A4CBB6CBA11}"
#define TEMPLATES_TOOL     "{D02B1F72-3407-48AE-BA88-E8213C6761F1}"
#define SECURITY_TOOL      "{803E14A0-B4FB-11D0-A0D0-00A0C90F574B}"
#define AUDIT_TOOL         "{0F3F3735-573D-9804-99E4-AB2A69BA5FD4}"

/* Owner and group Administrators, all rights for Administrators and the system: of no domain. An
 * import leaves the rights of its target as they are. */
static const char descriptor[] =
    "01 00 04 80 14 00 00 00 24 00 00 00 00 00 00 00 34 00 00 00 01 02 00 00 00 00 00 05 20 00 00 "
    "00 20 02 00 00 01 02 00 00 00 00 00 05 20 00 00 00 20 02 00 00 02 00 34 00 02 00 00 00 00 00 "
    "14 00 00 00 00 10 01 01 00 00 00 00 00 05 12 00 00 00 00 00 18 00 00 00 00 10 01 02 00 00 00 "
    "00 00 05 20 00 00 00 20 02 00 00";

/* ---- Pieces -------------------------------------------------------------------------------------
 */

/* The text must not hold "]]>"; target_plain leaves no '>'. */
static void put_cdata(struct buf *out, const char *name, str text)
{
    buf_format(out, "<%s><![CDATA[", name);
    buf_str(out, text);
    buf_format(out, "]]></%s>", name);
}

static void put_escaped(struct buf *out, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '&')
            buf_str(out, S("&amp;"));
        else if (c == '<')
            buf_str(out, S("&lt;"));
        else if (c == '>')
            buf_str(out, S("&gt;"));
        else if (c == '"')
            buf_str(out, S("&quot;"));
        else
            buf_char(out, c);
    }
}

str gpo_backup_xml_extensions(const struct gpo_backup *backup, struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_str(&out, S("[" REGISTRY_EXTENSION FIREWALL_TOOL));
    if (backup->has_templates) buf_str(&out, S(TEMPLATES_TOOL));
    buf_str(&out, S("]"));
    if (backup->has_security) buf_str(&out, S("[" SECURITY_EXTENSION SECURITY_TOOL "]"));
    if (backup->has_audit) buf_str(&out, S("[" AUDIT_EXTENSION AUDIT_TOOL "]"));
    return buf_text(&out);
}

/* ---- bkupInfo.xml, manifest.xml -----------------------------------------------------------------
 */

static void put_fields(struct buf *out, const struct gpo_backup *backup)
{
    struct civil t = instant_to_civil(backup->as_of_us);
    char time[40];
    int n =
        snprintf(time, sizeof time, "%04d-%02u-%02uT%02u:%02u:%02u", (int)t.year, (unsigned)t.month,
                 (unsigned)t.day, (unsigned)t.hour, (unsigned)t.minute, (unsigned)t.second);
    put_cdata(out, "GPOGuid", backup->gpo_id);
    put_cdata(out, "GPODomain", backup->domain);
    put_cdata(out, "GPODomainGuid", backup->domain_id);
    put_cdata(out, "GPODomainController", S("UNKNOWN"));
    put_cdata(out, "BackupTime", (str){time, (size_t)n});
    put_cdata(out, "ID", backup->backup_id);
    put_cdata(out, "Comment", backup->comment);
    put_cdata(out, "GPODisplayName", backup->name);
}

#define MANIFEST_NAMESPACE "http://www.microsoft.com/GroupPolicy/GPOOperations/Manifest"

str gpo_backup_xml_info(const struct gpo_backup *backup, struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_str(&out, S("<BackupInst xmlns=\"" MANIFEST_NAMESPACE "\">"));
    put_fields(&out, backup);
    buf_str(&out, S("</BackupInst>\r\n"));
    return buf_text(&out);
}

str gpo_backup_xml_manifest(const struct gpo_backup *backup, struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_str(&out, S("<Backups xmlns=\"" MANIFEST_NAMESPACE "\" xmlns:mfst=\"" MANIFEST_NAMESPACE
                    "\" mfst:version=\"1.0\"><BackupInst>"));
    put_fields(&out, backup);
    buf_str(&out, S("</BackupInst></Backups>\r\n"));
    return buf_text(&out);
}

/* ---- Backup.xml ---------------------------------------------------------------------------------
 */

/* kind : "File" or "Dir"; path : below Machine, with backslashes */
static void put_object(struct buf *out, const struct gpo_backup *backup, const char *kind,
                       const char *path, const char *more)
{
    buf_format(out,
               "\r\n            <FSObject%s bkp:Path=\"%%GPO_MACH_FSPATH%%\\%s\" "
               "bkp:SourceExpandedPath=\"\\\\%.*s\\sysvol\\%.*s\\Policies\\%.*s\\Machine\\%s\"%s "
               "bkp:Location=\"DomainSysvol\\GPO\\Machine\\%s\"/>",
               kind, path, STR_ARG(backup->domain), STR_ARG(backup->domain),
               STR_ARG(backup->gpo_id), path, more, path);
}

static void put_settings(struct buf *out, const struct gpo_backup *backup, struct arena *arena)
{
    buf_str(out, S("<GroupPolicyCoreSettings>"));
    put_cdata(out, "ID", backup->gpo_id);
    put_cdata(out, "Domain", backup->domain);
    buf_format(out, "<SecurityDescriptor>%s</SecurityDescriptor>", descriptor);
    put_cdata(out, "DisplayName", backup->name);
    put_cdata(out, "Options", S("1")); /* its user half is off: it has none */
    put_cdata(out, "UserVersionNumber", S("0"));
    put_cdata(out, "MachineVersionNumber", S("65537")); /* 1 in AD, 1 in SYSVOL */
    put_cdata(out, "MachineExtensionGuids", gpo_backup_xml_extensions(backup, arena));
    buf_str(out, S("<UserExtensionGuids/><WMIFilter/></GroupPolicyCoreSettings>"));
}

str gpo_backup_xml(const struct gpo_backup *backup, struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_str(&out, S("<?xml version=\"1.0\" encoding=\"utf-8\"?><!-- Written by sallyport. -->"
                    "<GroupPolicyBackupScheme bkp:version=\"2.0\" "
                    "bkp:type=\"GroupPolicyBackupTemplate\" "
                    "xmlns:bkp=\"http://www.microsoft.com/GroupPolicy/GPOOperations\" "
                    "xmlns=\"http://www.microsoft.com/GroupPolicy/GPOOperations\">\r\n"
                    "    <GroupPolicyObject><SecurityGroups/><FilePaths/>"));
    put_settings(&out, backup, arena);
    buf_str(&out, S("\r\n        <GroupPolicyExtension bkp:ID=\"" REGISTRY_EXTENSION
                    "\" bkp:DescName=\"Registry\">"));
    put_object(&out, backup, "File", "registry.pol", "");
    /* GPMC names the folder of old templates in every backup; there is none. */
    buf_format(&out,
               "\r\n            <FSObjectFile bkp:Path=\"%%GPO_FSPATH%%\\Adm\\*.*\" "
               "bkp:SourceExpandedPath=\"\\\\%.*s\\sysvol\\%.*s\\Policies\\%.*s\\Adm\\*.*\"/>",
               STR_ARG(backup->domain), STR_ARG(backup->domain), STR_ARG(backup->gpo_id));
    buf_str(&out, S("\r\n        </GroupPolicyExtension>"));
    if (backup->has_security) {
        buf_str(&out, S("\r\n        <GroupPolicyExtension bkp:ID=\"" SECURITY_EXTENSION
                        "\" bkp:DescName=\"Security\">"));
        put_object(&out, backup, "File", "microsoft\\windows nt\\SecEdit\\GptTmpl.inf",
                   " bkp:ReEvaluateFunction=\"SecurityValidateSettings\"");
        buf_str(&out, S("\r\n        </GroupPolicyExtension>"));
    }
    if (backup->has_audit) {
        /* No extension of GPMC's own claims audit.csv: it is copied as it is. */
        buf_str(&out, S("\r\n        <GroupPolicyExtension bkp:ID=\"" OTHER_FILES
                        "\" bkp:DescName=\"Unknown Extension\">"));
        put_object(&out, backup, "Dir", "microsoft", "");
        put_object(&out, backup, "Dir", "microsoft\\windows nt", "");
        put_object(&out, backup, "Dir", "microsoft\\windows nt\\Audit", "");
        put_object(&out, backup, "File", "microsoft\\windows nt\\Audit\\audit.csv", "");
        buf_str(&out, S("\r\n        </GroupPolicyExtension>"));
    }
    buf_str(&out, S("\r\n    </GroupPolicyObject>\r\n</GroupPolicyBackupScheme>\r\n"));
    return buf_text(&out);
}

/* ---- Samba --------------------------------------------------------------------------------------
 */

static const char samba_head[] = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";

/* A text between <Value> and </Value>; a list has one of each. */
static void put_value(struct buf *out, str text)
{
    buf_str(out, S("<Value>"));
    put_escaped(out, text);
    buf_str(out, S("</Value>"));
}

static void put_pol_data(struct buf *out, const struct registry_value *value, struct arena *arena)
{
    uint32_t number = 0;
    if (registry_value_dword(value, &number)) {
        buf_format(out, "<Value>%" PRIu32 "</Value>", number);
        return;
    }
    str text = str_from_utf16le(arena, value->data);
    while (text.len && text.ptr[text.len - 1] == '\0')
        text.len--;
    do {
        str item, rest;
        (void)str_cut(text, '\0', &item, &rest);
        put_value(out, item);
        text = rest;
    } while (text.len);
}

static const char *type_name(uint32_t type)
{
    if (type == REGISTRY_DWORD) return "REG_DWORD";
    return type == REGISTRY_SZ ? "REG_SZ" : "REG_MULTI_SZ";
}

str gpo_backup_xml_samba_pol(struct registry_values values, struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_format(&out, "%s<PolFile num_entries=\"%zu\" signature=\"PReg\" version=\"1\">\n",
               samba_head, values.n);
    for (size_t i = 0; i < values.n; i++) {
        const struct registry_value *value = &values.items[i];
        buf_format(&out, "<Entry type=\"%u\" type_name=\"%s\"><Key>", (unsigned)value->type,
                   type_name(value->type));
        put_escaped(&out, value->key);
        buf_str(&out, S("</Key><ValueName>"));
        put_escaped(&out, value->name);
        buf_str(&out, S("</ValueName>"));
        put_pol_data(&out, value, arena);
        buf_str(&out, S("</Entry>\n"));
    }
    buf_str(&out, S("</PolFile>\n"));
    return buf_text(&out);
}

str gpo_backup_xml_samba_inf(const struct gpo_settings *settings, struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_format(&out, "%s<GptTmplInfFile>\n<Section name=\"Registry Values\">\n", samba_head);
    for (size_t i = 0; i < settings->n_options; i++) {
        buf_str(&out, S("<Parameter>"));
        put_value(&out, gpo_settings_option_line(settings->options[i], arena));
        buf_str(&out, S("</Parameter>\n"));
    }
    buf_str(&out, S("</Section>\n<Section name=\"Service General Setting\">\n"));
    for (size_t i = 0; i < settings->n_services; i++) {
        buf_str(&out, S("<Parameter>"));
        put_value(&out, settings->services[i]->service);
        buf_format(&out, "<Value>%u</Value><Value acl=\"TRUE\"></Value></Parameter>\n",
                   (unsigned)settings->services[i]->service_start);
    }
    buf_str(&out, S("</Section>\n</GptTmplInfFile>\n"));
    return buf_text(&out);
}

str gpo_backup_xml_samba_csv(const struct gpo_settings *settings, struct arena *arena)
{
    struct buf out = buf_in(arena);
    str left = gpo_settings_csv(settings, arena);
    buf_format(&out, "%s<CsvFile>\n", samba_head);
    while (left.len) {
        str line, rest;
        (void)str_cut(left, '\n', &line, &rest);
        left = rest;
        line = str_trim(line);
        buf_str(&out, S("<Row>"));
        for (bool more = true; more;) {
            str cell;
            more = str_cut(line, ',', &cell, &rest);
            put_value(&out, cell);
            line = rest;
        }
        buf_str(&out, S("</Row>\n"));
    }
    buf_str(&out, S("</CsvFile>\n"));
    return buf_text(&out);
}

str gpo_backup_xml_samba_ini(struct arena *arena)
{
    return str_format(arena,
                      "%s<IniFile>\n<Section name=\"General\"><Parameter><Key>Version</Key>"
                      "<Value>1</Value></Parameter></Section>\n</IniFile>\n",
                      samba_head);
}
