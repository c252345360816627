/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/gpo_part_read.h"

#include "base/buf.h"
#include "base/instant.h"
#include "base/xml.h"
#include "targets/gpo_read.h"
#include "targets/guid.h"

struct part {
    str source, workspace, class_id;
    bytes content;
    struct arena *arena;
    struct target_settings *settings; /* that were found */
    struct err *err;
};

static bool differs(struct part *p, const char *what, str wanted, str found)
{
    size_t same = 0;
    while (same < wanted.len && same < found.len && wanted.ptr[same] == found.ptr[same])
        same++;
    size_t from = same > 20 ? same - 20 : 0;
    return err_set(p->err, ERR_MALFORMED, "%s: expected \"%.*s\", found \"%.*s\"", what,
                   STR_ARG(str_utf8(p->arena, str_head(str_tail(wanted, from), 100))),
                   STR_ARG(str_utf8(p->arena, str_head(str_tail(found, from), 100))));
}

/* ---- XML, flat ----------------------------------------------------------------------------------
 */

/* A document as one line: <Name a="v">text</Name>, without blanks between elements, prefixes and
 * namespaces. */
struct flattening {
    struct buf out;
    bool cut;
};

static void on_begin(void *to, str name, const struct xml_attribute *attributes, size_t n,
                     uint64_t offset)
{
    struct flattening *f = to;
    (void)offset;
    buf_format(&f->out, "<%.*s", STR_ARG(name));
    for (size_t i = 0; i < n; i++) {
        str attribute = attributes[i].name;
        if (str_equal(attribute, S("xmlns")) || str_equal(attribute, S("bkp")) ||
            str_equal(attribute, S("mfst")))
            continue;
        buf_format(&f->out, " %.*s=\"%.*s\"", STR_ARG(attribute), STR_ARG(attributes[i].value));
    }
    buf_char(&f->out, '>');
}

static void on_text(void *to, str text, bool is_cut)
{
    struct flattening *f = to;
    buf_str(&f->out, text);
    f->cut = f->cut || is_cut;
}

static void on_end(void *to, str name)
{
    struct flattening *f = to;
    buf_format(&f->out, "</%.*s>", STR_ARG(name));
}

static bool flatten(struct part *p, str *out)
{
    struct flattening f = {.out = buf_in(p->arena)};
    struct xml_handler handler = {&f, on_begin, on_text, on_end};
    struct xml *xml = xml_open(p->arena, &handler, 0);
    bool good = xml_feed(xml, p->content, true, p->err);
    xml_close(xml);
    if (!good) return false;
    if (f.cut) return err_set(p->err, ERR_LIMIT, "a text is longer than any that is written");
    *out = buf_text(&f.out);
    return true;
}

/* What stands between two marks, the first time; empty when they are not there. */
static str between(str text, const char *before, const char *after)
{
    str b = str_of(before), a = str_of(after);
    for (size_t i = 0; i + b.len <= text.len; i++) {
        str rest = str_tail(text, i);
        if (!str_starts(rest, b)) continue;
        rest = str_tail(rest, b.len);
        for (size_t j = 0; j + a.len <= rest.len; j++)
            if (str_starts(str_tail(rest, j), a)) return str_head(rest, j);
        return (str){0};
    }
    return (str){0};
}

static bool equals(struct part *p, const char *what, str wanted)
{
    str found;
    if (!flatten(p, &found)) return false;
    return str_equal(found, wanted) || differs(p, what, wanted, found);
}

/* ---- Words --------------------------------------------------------------------------------------
 */

static bool is_domain(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'))
            return false;
    }
    return text.len > 0;
}

static bool is_line(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] > '~') return false;
    return true;
}

static str backup_guid(struct part *p)
{
    return guid_of(p->arena, p->workspace,
                   str_format(p->arena, "backup %.*s", STR_ARG(p->class_id)));
}

static str gpo_guid(struct part *p)
{
    return guid_of(p->arena, p->workspace, str_format(p->arena, "gpo %.*s", STR_ARG(p->class_id)));
}

/* ---- GPMC's frame -------------------------------------------------------------------------------
 */

/* The fields of bkupInfo.xml and manifest.xml. */
static bool fields(struct part *p, str flat, str *out)
{
    str domain = between(flat, "<GPODomain>", "</GPODomain>");
    str time = between(flat, "<BackupTime>", "</BackupTime>");
    str comment = between(flat, "<Comment>", "</Comment>");
    int64_t instant;
    str stamp = str_format(p->arena, "%.*sZ", STR_ARG(time));
    if (!is_domain(domain)) return differs(p, "domain", S("a DNS name"), domain);
    if (time.len != 19 || !instant_parse(stamp, &instant))
        return differs(p, "time", S("YYYY-MM-DDThh:mm:ss"), time);
    if (!is_line(comment)) return differs(p, "comment", S("printable ASCII"), comment);
    *out = str_format(
        p->arena,
        "<GPOGuid>%.*s</GPOGuid><GPODomain>%.*s</GPODomain><GPODomainGuid>%.*s</GPODomainGuid>"
        "<GPODomainController>UNKNOWN</GPODomainController><BackupTime>%.*s</BackupTime>"
        "<ID>%.*s</ID><Comment>%.*s</Comment><GPODisplayName>sallyport %.*s %.*s</GPODisplayName>",
        STR_ARG(gpo_guid(p)), STR_ARG(domain),
        STR_ARG(guid_of(p->arena, p->workspace, S("domain"))), STR_ARG(time),
        STR_ARG(backup_guid(p)), STR_ARG(comment), STR_ARG(p->workspace), STR_ARG(p->class_id));
    return true;
}

static bool read_info(struct part *p)
{
    str flat, inner;
    if (!flatten(p, &flat) || !fields(p, flat, &inner)) return false;
    return equals(p, "bkupInfo.xml",
                  str_format(p->arena, "<BackupInst>%.*s</BackupInst>", STR_ARG(inner)));
}

static bool read_manifest(struct part *p)
{
    str flat, inner;
    if (!flatten(p, &flat) || !fields(p, flat, &inner)) return false;
    return equals(p, "manifest.xml",
                  str_format(p->arena,
                             "<Backups version=\"1.0\"><BackupInst>%.*s</BackupInst></Backups>",
                             STR_ARG(inner)));
}

#define REGISTRY_CSE "{35378EAC-683F-11D2-A89A-00C04FBBCFA2}"
#define SECURITY_CSE "{827D319E-6EAC-11D2-A4EA-00C04F79F83A}"

/* Which files the backup holds, and so who must process them. */
struct held {
    bool templates, security, audit;
};

static str extensions(struct part *p, struct held held)
{
    return str_format(
        p->arena, "[" REGISTRY_CSE "{B05566AC-FE9C-4368-BE01-7A4CBB6CBA11}%s]%s%s",
        held.templates ? "{D02B1F72-3407-48AE-BA88-E8213C6761F1}" : "",
        held.security ? "[" SECURITY_CSE "{803E14A0-B4FB-11D0-A0D0-00A0C90F574B}]" : "",
        held.audit ? "[{F3CCC681-B74C-4060-9F26-CD84525DCA2A}{0F3F3735-573D-9804-99E4-"
                     "AB2A69BA5FD4}]"
                   : "");
}

/* What is not named is not applied. */
static void add_held(struct part *p, struct held held)
{
    const char *no = "no ";
    str data = str_format(p->arena, "%stemplates | %ssecurity | %saudit", held.templates ? "" : no,
                          held.security ? "" : no, held.audit ? "" : no);
    target_add_setting(p->settings, p->arena, S("extensions"), data);
}

static str object(struct part *p, const char *kind, const char *path, str domain, const char *more)
{
    return str_format(p->arena,
                      "<FSObject%s Path=\"%%GPO_MACH_FSPATH%%\\%s\" SourceExpandedPath=\"\\\\%.*s\\"
                      "sysvol\\%.*s\\Policies\\%.*s\\Machine\\%s\"%s Location=\"DomainSysvol\\GPO\\"
                      "Machine\\%s\"></FSObject%s>",
                      kind, path, STR_ARG(domain), STR_ARG(domain), STR_ARG(gpo_guid(p)), path,
                      more, path, kind);
}

static str files(struct part *p, struct held held, str domain)
{
    struct buf out = buf_in(p->arena);
    buf_str(&out, S("<GroupPolicyExtension ID=\"" REGISTRY_CSE "\" DescName=\"Registry\">"));
    buf_str(&out, object(p, "File", "registry.pol", domain, ""));
    buf_format(&out,
               "<FSObjectFile Path=\"%%GPO_FSPATH%%\\Adm\\*.*\" SourceExpandedPath=\"\\\\%.*s\\"
               "sysvol\\%.*s\\Policies\\%.*s\\Adm\\*.*\"></FSObjectFile>",
               STR_ARG(domain), STR_ARG(domain), STR_ARG(gpo_guid(p)));
    buf_str(&out, S("</GroupPolicyExtension>"));
    if (held.security) {
        buf_str(&out, S("<GroupPolicyExtension ID=\"" SECURITY_CSE "\" DescName=\"Security\">"));
        buf_str(&out, object(p, "File", "microsoft\\windows nt\\SecEdit\\GptTmpl.inf", domain,
                             " ReEvaluateFunction=\"SecurityValidateSettings\""));
        buf_str(&out, S("</GroupPolicyExtension>"));
    }
    if (!held.audit) return buf_text(&out);
    buf_str(&out, S("<GroupPolicyExtension ID=\"{F15C46CD-82A0-4C2D-A210-5D0D3182A418}\" "
                    "DescName=\"Unknown Extension\">"));
    buf_str(&out, object(p, "Dir", "microsoft", domain, ""));
    buf_str(&out, object(p, "Dir", "microsoft\\windows nt", domain, ""));
    buf_str(&out, object(p, "Dir", "microsoft\\windows nt\\Audit", domain, ""));
    buf_str(&out, object(p, "File", "microsoft\\windows nt\\Audit\\audit.csv", domain, ""));
    buf_str(&out, S("</GroupPolicyExtension>"));
    return buf_text(&out);
}

/* Of Administrators, for them and the system. */
static const char neutral_rights[] =
    "01 00 04 80 14 00 00 00 24 00 00 00 00 00 00 00 34 00 00 00 01 02 00 00 00 00 00 05 20 00 00 "
    "00 20 02 00 00 01 02 00 00 00 00 00 05 20 00 00 00 20 02 00 00 02 00 34 00 02 00 00 00 00 00 "
    "14 00 00 00 00 10 01 01 00 00 00 00 00 05 12 00 00 00 00 00 18 00 00 00 00 10 01 02 00 00 00 "
    "00 00 05 20 00 00 00 20 02 00 00";

static bool read_backup(struct part *p)
{
    str flat;
    if (!flatten(p, &flat)) return false;
    str domain = between(flat, "<Domain>", "</Domain>");
    str rights = between(flat, "<SecurityDescriptor>", "</SecurityDescriptor>");
    struct held held = {
        .templates = str_contains(flat, S("{D02B1F72-3407-48AE-BA88-E8213C6761F1}")),
        .security = str_contains(flat, S("GptTmpl.inf")),
        .audit = str_contains(flat, S("audit.csv")),
    };
    if (!is_domain(domain)) return differs(p, "domain", S("a DNS name"), domain);
    if (!str_equal(rights, str_of(neutral_rights)))
        return differs(p, "rights", str_of(neutral_rights), rights);
    str wanted = str_format(
        p->arena,
        "<GroupPolicyBackupScheme version=\"2.0\" type=\"GroupPolicyBackupTemplate\">"
        "<GroupPolicyObject><SecurityGroups></SecurityGroups><FilePaths></FilePaths>"
        "<GroupPolicyCoreSettings><ID>%.*s</ID><Domain>%.*s</Domain>"
        "<SecurityDescriptor>%.*s</SecurityDescriptor>"
        "<DisplayName>sallyport %.*s %.*s</DisplayName><Options>1</Options>"
        "<UserVersionNumber>0</UserVersionNumber><MachineVersionNumber>65537</MachineVersionNumber>"
        "<MachineExtensionGuids>%.*s</MachineExtensionGuids><UserExtensionGuids>"
        "</UserExtensionGuids><WMIFilter></WMIFilter></GroupPolicyCoreSettings>%.*s"
        "</GroupPolicyObject></GroupPolicyBackupScheme>",
        STR_ARG(gpo_guid(p)), STR_ARG(domain), STR_ARG(rights), STR_ARG(p->workspace),
        STR_ARG(p->class_id), STR_ARG(extensions(p, held)), STR_ARG(files(p, held, domain)));
    add_held(p, held);
    return equals(p, "Backup.xml", wanted);
}

/* ---- GptTmpl.inf --------------------------------------------------------------------------------
 */

/* `MACHINE\KEY\VALUE=4,1`, `…=1,"text"`, `…=7,a,b` */
static bool add_option(struct part *p, str line)
{
    str place, right, head = S("MACHINE\\");
    uint64_t number;
    const char *type = NULL;
    if (!str_starts(line, head) || !is_line(line)) return false;
    if (!str_cut(line, '=', &place, &right) || str_ends(place, S("\\"))) return false;
    str data = str_tail(right, 2);
    if (str_starts(right, S("4,")) && str_u64(data, UINT32_MAX, &number)) type = "REG_DWORD";
    if (str_starts(right, S("7,")) && !str_contains(data, S("\""))) type = "REG_MULTI_SZ";
    if (str_starts(right, S("1,\"")) && data.len >= 2 && str_ends(data, S("\""))) {
        data = str_head(str_tail(data, 1), data.len - 2);
        if (!str_contains(data, S("\""))) type = "REG_SZ";
    }
    if (!type) return false;
    struct buf said = buf_in(p->arena);
    bool list = str_starts(right, S("7,"));
    buf_format(&said, "%s | ", type);
    for (size_t i = 0; i < data.len; i++)
        buf_char(&said, list && data.ptr[i] == ',' ? '\n' : data.ptr[i]);
    str key = str_tail(place, head.len);
    while (key.len && !str_ends(key, S("\\")))
        key.len--;
    if (!key.len) return false;
    str name = str_tail(place, head.len + key.len);
    target_add_setting(
        p->settings, p->arena,
        str_format(p->arena, "%.*s, %.*s", STR_ARG(str_head(key, key.len - 1)), STR_ARG(name)),
        buf_text(&said));
    return true;
}

/* `"LanmanServer",4,""` */
static bool add_service(struct part *p, str line)
{
    str name = str_tail(line, 1), start;
    if (!str_starts(line, S("\"")) || !is_line(line)) return false;
    if (!str_cut(name, '"', &name, &start) || !name.len) return false;
    if (!str_equal(start, S(",2,\"\"")) && !str_equal(start, S(",3,\"\"")) &&
        !str_equal(start, S(",4,\"\"")))
        return false;
    target_add_setting(p->settings, p->arena,
                       str_format(p->arena, "the start type of %.*s", STR_ARG(name)),
                       str_copy(p->arena, str_head(str_tail(start, 1), 1)));
    return true;
}

static bool read_template(struct part *p)
{
    static const char head[] =
        "[Unicode]\r\nUnicode=yes\r\n[Version]\r\nsignature=\"$CHICAGO$\"\r\n"
        "Revision=1\r\n";
    bytes content = p->content;
    if (content.len < 2 || content.len % 2 || content.ptr[0] != 0xFF || content.ptr[1] != 0xFE)
        return differs(p, "GptTmpl.inf", S("UTF-16 with its mark"), S("other bytes"));
    str text = str_from_utf16le(p->arena, (bytes){content.ptr + 2, content.len - 2});
    if (!str_starts(text, str_of(head))) return differs(p, "GptTmpl.inf", str_of(head), text);
    int section = 0; /* 1 options, 2 services */
    for (str left = str_tail(text, sizeof head - 1); left.len;) {
        str line, rest;
        if (!str_cut(left, '\n', &line, &rest) || !str_ends(line, S("\r")))
            return differs(p, "GptTmpl.inf", S("lines that end in CR LF"), left);
        left = rest;
        line.len--;
        if (section < 1 && str_equal(line, S("[Registry Values]")))
            section = 1;
        else if (section < 2 && str_equal(line, S("[Service General Setting]")))
            section = 2;
        else if (!(section == 1 && add_option(p, line)) && !(section == 2 && add_service(p, line)))
            return differs(p, "GptTmpl.inf", S("a security option or a service"), line);
    }
    return section > 0 || differs(p, "GptTmpl.inf", S("at least one section"), (str){0});
}

static bool read_samba_template(struct part *p)
{
    str flat, found;
    struct buf out = buf_in(p->arena);
    if (!flatten(p, &flat)) return false;
    str options = between(flat, "<Section name=\"Registry Values\">", "</Section>");
    str services = between(flat, "<Section name=\"Service General Setting\">", "</Section>");
    buf_str(&out, S("<GptTmplInfFile><Section name=\"Registry Values\">"));
    while ((found = between(options, "<Parameter><Value>", "</Value></Parameter>")).len) {
        if (!add_option(p, found)) return differs(p, "GptTmpl.inf.xml", S("an option"), found);
        buf_format(&out, "<Parameter><Value>%.*s</Value></Parameter>", STR_ARG(found));
        options = str_tail(options, found.len + S("<Parameter><Value></Value></Parameter>").len);
    }
    buf_str(&out, S("</Section><Section name=\"Service General Setting\">"));
    while ((found = between(services, "<Parameter>", "</Parameter>")).len) {
        str name = between(found, "<Value>", "</Value>");
        str start = between(found, "</Value><Value>", "</Value>");
        str line = str_format(p->arena, "\"%.*s\",%.*s,\"\"", STR_ARG(name), STR_ARG(start));
        if (!add_service(p, line)) return differs(p, "GptTmpl.inf.xml", S("a service"), line);
        buf_format(&out,
                   "<Parameter><Value>%.*s</Value><Value>%.*s</Value><Value acl=\"TRUE\"></Value>"
                   "</Parameter>",
                   STR_ARG(name), STR_ARG(start));
        services = str_tail(services, found.len + S("<Parameter></Parameter>").len);
    }
    buf_str(&out, S("</Section></GptTmplInfFile>"));
    return str_equal(flat, buf_text(&out)) || differs(p, "GptTmpl.inf.xml", buf_text(&out), flat);
}

/* ---- audit.csv ----------------------------------------------------------------------------------
 */

static const char audit_head[] = "Machine Name,Policy Target,Subcategory,Subcategory GUID,"
                                 "Inclusion Setting,Exclusion Setting,Setting Value";

/* `,System,Audit NAME,{guid},Success and Failure,,3` */
static bool add_audit(struct part *p, str line)
{
    static const char *const ends[] = {",Success,,1", ",Failure,,2", ",Success and Failure,,3"};
    str head = S(",System,Audit "), name, rest = str_tail(line, head.len);
    if (!str_starts(line, head) || !is_line(line)) return false;
    if (!str_cut(rest, ',', &name, &rest) || !name.len || rest.len < 38) return false;
    str guid = str_head(rest, 38);
    char *upper = arena_array(p->arena, char, guid.len);
    for (size_t i = 0; i < guid.len; i++) {
        char c = guid.ptr[i];
        if (c >= 'A' && c <= 'F') return false;
        upper[i] = c >= 'a' && c <= 'f' ? (char)(c - 'a' + 'A') : c;
    }
    if (!guid_is((str){upper, guid.len})) return false;
    str setting = str_tail(rest, 38);
    size_t i = 0;
    while (i < COUNT_OF(ends) && !str_equal(setting, str_of(ends[i])))
        i++;
    if (i == COUNT_OF(ends)) return false;
    target_add_setting(
        p->settings, p->arena, str_format(p->arena, "the audit subcategory %.*s", STR_ARG(name)),
        str_format(p->arena, "%.*s | %.*s", STR_ARG(guid), STR_ARG(str_tail(setting, 1))));
    return true;
}

static bool read_audit_lines(struct part *p, str text, str end)
{
    size_t n = 0;
    for (; text.len; n++) {
        str line, rest;
        if (!str_cut(text, '\n', &line, &rest) || !str_ends(line, end))
            return differs(p, "audit.csv", S("lines that end in CR LF"), text);
        line.len -= end.len;
        text = rest;
        if (n ? !add_audit(p, line) : !str_equal(line, str_of(audit_head)))
            return differs(p, "audit.csv", n ? S("a subcategory") : str_of(audit_head), line);
    }
    return n > 1 || differs(p, "audit.csv", S("at least one subcategory"), (str){0});
}

static bool read_samba_audit(struct part *p)
{
    str flat, row;
    struct buf lines = buf_in(p->arena), again = buf_in(p->arena);
    if (!flatten(p, &flat)) return false;
    str left = between(flat, "<CsvFile>", "</CsvFile>");
    buf_str(&again, S("<CsvFile>"));
    while ((row = between(left, "<Row><Value>", "</Value></Row>")).len) {
        left = str_tail(left, row.len + S("<Row><Value></Value></Row>").len);
        buf_format(&again, "<Row><Value>%.*s</Value></Row>", STR_ARG(row));
        for (str cells = row; cells.len;) {
            str mark = S("</Value><Value>");
            if (str_starts(cells, mark)) {
                buf_char(&lines, ',');
                cells = str_tail(cells, mark.len);
                continue;
            }
            if (cells.ptr[0] == '<' || cells.ptr[0] == ',')
                return differs(p, "audit.csv.xml", S("a cell"), cells);
            buf_char(&lines, cells.ptr[0]);
            cells = str_tail(cells, 1);
        }
        buf_char(&lines, '\n');
    }
    buf_str(&again, S("</CsvFile>"));
    if (!str_equal(flat, buf_text(&again)))
        return differs(p, "audit.csv.xml", buf_text(&again), flat);
    return read_audit_lines(p, buf_text(&lines), (str){0});
}

/* ---- The rest -----------------------------------------------------------------------------------
 */

static bool read_version(struct part *p)
{
    return equals(p, "GPT.INI.xml",
                  S("<IniFile><Section name=\"General\"><Parameter><Key>Version</Key><Value>1"
                    "</Value></Parameter></Section></IniFile>"));
}

static bool read_extensions(struct part *p)
{
    str found = str_of_bytes(p->content), wanted = {0};
    for (unsigned i = 0; i < 8; i++) {
        struct held held = {i & 1, i & 2, i & 4};
        wanted = extensions(p, held);
        if (!str_equal(found, wanted)) continue;
        add_held(p, held);
        return true;
    }
    return differs(p, "gPCMachineExtensionNames", wanted, found);
}

/* Remarks (the proof reads the members among them), groups of this class, machines. */
static bool read_members(struct part *p)
{
    str group = str_format(p->arena, "group sallyport-%.*s-", STR_ARG(p->workspace));
    str text = str_of_bytes(p->content);
    size_t n_groups = 0;
    if (!str_ends(text, S("\n"))) return differs(p, "members.txt", S("whole lines"), text);
    for (uint32_t number = 1; text.len; number++) {
        str line, rest;
        (void)str_cut(text, '\n', &line, &rest);
        text = rest;
        bool is_group = str_starts(line, group);
        bool is_machine = n_groups && str_starts(line, S("machine ")) && line.len > 8;
        n_groups += is_group;
        if (is_line(line) && (str_starts(line, S("# ")) || is_group || is_machine)) continue;
        return err_line(p->err, ERR_MALFORMED, number, 1,
                        "expected a remark, \"%.*s…\" or a machine, found \"%.*s\"", STR_ARG(group),
                        STR_ARG(str_utf8(p->arena, str_head(line, 80))));
    }
    return n_groups > 0 || differs(p, "members.txt", group, (str){0});
}

/* The rules once more; what they say is the proof's business. */
static bool read_samba_pol(struct part *p)
{
    struct ruleset rules = {0};
    return gpo_read(p->source, p->content, p->arena, &rules, p->err);
}

static bool read_audit(struct part *p)
{
    return read_audit_lines(p, str_of_bytes(p->content), S("\r"));
}

static const struct {
    const char *name; /* after the class */
    bool in_backup;   /* below {GUID}/ */
    bool (*read)(struct part *p);
} parts[] = {
    {"members.txt",                                                       false, read_members       },
    {"manifest.xml",                                                      false, read_manifest      },
    {"bkupInfo.xml",                                                      true,  read_info          },
    {"Backup.xml",                                                        true,  read_backup        },
    {"DomainSysvol/GPO/Machine/microsoft/windows nt/SecEdit/GptTmpl.inf", true,  read_template      },
    {"DomainSysvol/GPO/Machine/microsoft/windows nt/Audit/audit.csv",     true,  read_audit         },
    {"samba/GPT.INI.xml",                                                 false, read_version       },
    {"samba/gPCMachineExtensionNames.SAMBAEXT",                           false, read_extensions    },
    {"samba/Machine/Registry.pol.xml",                                    false, read_samba_pol     },
    {"samba/Machine/microsoft/windows nt/SecEdit/GptTmpl.inf.xml",        false, read_samba_template},
    {"samba/Machine/microsoft/windows nt/Audit/audit.csv.xml",            false, read_samba_audit   },
};

static bool read_named(struct part *p)
{
    str name;
    (void)str_cut(p->source, '/', &p->class_id, &name);
    str folder = str_format(p->arena, "%.*s/", STR_ARG(backup_guid(p)));
    bool in_backup = str_starts(name, folder);
    if (in_backup) name = str_tail(name, folder.len);
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (parts[i].in_backup == in_backup && str_equal(name, str_of(parts[i].name)))
            return parts[i].read(p) || err_in(p->err, p->source);
    (void)err_set(p->err, ERR_MALFORMED, "no file of a GPO of this workspace has this name");
    return err_in(p->err, p->source);
}

bool gpo_part_read(str source, bytes content, str workspace, struct arena *arena, struct err *err)
{
    struct target_settings settings = {0};
    struct part p = {.source = source,
                     .workspace = workspace,
                     .content = content,
                     .arena = arena,
                     .settings = &settings,
                     .err = err};
    return read_named(&p);
}

bool gpo_part_read_settings(str source, bytes content, str workspace, struct arena *arena,
                            struct target_settings *out, struct err *err)
{
    struct part p = {.source = source,
                     .workspace = workspace,
                     .content = content,
                     .arena = arena,
                     .settings = out,
                     .err = err};
    if (str_ends(source, S("/registry.pol")) || str_ends(source, S("/Registry.pol.xml")))
        return gpo_read_values(source, content, arena, out, err);
    if (str_ends(source, S("/rollback.ps1")))
        return gpo_read_undone(source, content, arena, out, err);
    return read_named(&p);
}
