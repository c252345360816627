/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a folder a backup of a group policy object: Backup.xml, bkupInfo.xml and manifest.xml,
 * as GPMC and Import-GPO read them; and the same object as `samba-tool gpo restore` reads it.
 *
 * spec : the layout is not published; it follows backups that GPMC made (docs/targets/gpo.md)
 */
#pragma once

#include "base/str.h"
#include "targets/firewall_strings_write.h"
#include "targets/gpo_settings.h"

struct gpo_backup {
    str backup_id, gpo_id, domain_id; /* {GUID} */
    str domain;                       /* contoso.com */
    str name;                         /* as GPMC shows it */
    str comment;
    int64_t as_of_us;
    bool has_templates; /* Registry.pol holds more than the firewall */
    bool has_security;  /* GptTmpl.inf is there */
    bool has_audit;     /* audit.csv is there */
};

/* Which client extensions process it, as AD keeps it: "[{CSE}{TOOL}]…", ascending. */
str gpo_backup_xml_extensions(const struct gpo_backup *backup, struct arena *arena);

str gpo_backup_xml(const struct gpo_backup *backup, struct arena *arena);
str gpo_backup_xml_info(const struct gpo_backup *backup, struct arena *arena);
str gpo_backup_xml_manifest(const struct gpo_backup *backup, struct arena *arena);

/* Samba's: what it makes Registry.pol, GptTmpl.inf, audit.csv and GPT.INI of. */
str gpo_backup_xml_samba_pol(struct registry_values values, struct arena *arena);
str gpo_backup_xml_samba_inf(const struct gpo_settings *settings, struct arena *arena);
str gpo_backup_xml_samba_csv(const struct gpo_settings *settings, struct arena *arena);
str gpo_backup_xml_samba_ini(struct arena *arena);
