/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/gpo_rollback.h"

#include "base/instant.h"

enum { REMARK_BYTES = 900 };

static void put_head(struct buf *out, const struct host_class *class,
                     const struct target_header *header, struct arena *arena)
{
    char as_of[INSTANT_TEXT];
    buf_str(out, S("#Requires -Version 5.1\n#Requires -RunAsAdministrator\n"
                   "# sallyport: rollback of a group policy object on one machine\n"));
    buf_format(out, "# host class: %.*s\n", STR_ARG(target_plain(arena, class->id, REMARK_BYTES)));
    buf_format(out, "# policy: %.*s, SHA-256 %.*s\n",
               STR_ARG(target_plain(arena, header->policy_source, REMARK_BYTES)),
               STR_ARG(header->policy_sha256));
    buf_format(out, "# as of: %.*s\n", STR_ARG(instant_text(as_of, header->as_of_us)));
    buf_str(out, S("# First take the machine out of the GPO's group, or unlink the GPO: what is "
                   "removed here comes back when it is applied again.\n"
                   "# Over WinRM: Invoke-Command -ComputerName NAME -FilePath rollback.ps1\n"
                   "# dry run, changes nothing: add -WhatIf\n"));
}

static const char prologue[] = "[CmdletBinding(SupportsShouldProcess = $true)]\n"
                               "param()\n"
                               "Set-StrictMode -Version 2.0\n"
                               "$ErrorActionPreference = 'Stop'\n"
                               "$policy = 'SOFTWARE\\Policies\\Microsoft\\WindowsFirewall'\n";

static const char functions[] =
    "function Open-Key([string]$Path) {\n"
    "    return [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey($Path, $true)\n"
    "}\n"
    "# A value goes only while it still says what the GPO wrote.\n"
    "function Undo-Value([string]$Path, [string]$Name, [string]$Data) {\n"
    "    $key = Open-Key $Path\n"
    "    if ($null -eq $key) { return }\n"
    "    $found = @($key.GetValue($Name, '', 'DoNotExpandEnvironmentNames')) -join ','\n"
    "    if (($found -ceq $Data) -and $PSCmdlet.ShouldProcess(\"$Path $Name\", 'Remove')) {\n"
    "        $key.DeleteValue($Name, $false)\n"
    "    }\n"
    "    $key.Close()\n"
    "}\n";

/* Rules before the sets that they name. */
static const char removal[] =
    "# Exactly what carries this group's mark.\n"
    "$mark = '|EmbedCtxt=' + $group + '|'\n"
    "$left = 0\n"
    "foreach ($part in @('FirewallRules', 'ConSecRules')) {\n"
    "    $key = Open-Key \"$policy\\$part\"\n"
    "    if ($null -eq $key) { continue }\n"
    "    foreach ($name in @($key.GetValueNames())) {\n"
    "        if (([string]$key.GetValue($name)).Contains($mark)) {\n"
    "            if ($PSCmdlet.ShouldProcess($name, 'Remove')) { $key.DeleteValue($name, $false) "
    "}\n"
    "        }\n"
    "        else { $left++ }\n"
    "    }\n"
    "    $key.Close()\n"
    "}\n"
    "foreach ($part in @('Phase1AuthenticationSets', 'Phase2AuthenticationSets')) {\n"
    "    $key = Open-Key \"$policy\\$part\"\n"
    "    if ($null -eq $key) { continue }\n"
    "    foreach ($name in @($key.GetSubKeyNames())) {\n"
    "        $set = $key.OpenSubKey($name)\n"
    "        $ours = ([string]$set.GetValue('EmbeddedContext')) -ceq $group\n"
    "        $set.Close()\n"
    "        if ($ours -and $PSCmdlet.ShouldProcess($name, 'Remove')) { "
    "$key.DeleteSubKeyTree($name, $false) }\n"
    "    }\n"
    "    $key.Close()\n"
    "}\n";

static const char logging[] =
    "# Log settings and the version go when no other GPO has rules here.\n"
    "if ($left -eq 0) {\n"
    "    foreach ($part in @('DomainProfile', 'PrivateProfile', 'PublicProfile')) {\n"
    "        Undo-Value \"$policy\\$part\\Logging\" 'LogFilePath' "
    "'%systemroot%\\system32\\LogFiles\\Firewall\\pfirewall.log'\n"
    "        Undo-Value \"$policy\\$part\\Logging\" 'LogFileSize' '16384'\n"
    "        Undo-Value \"$policy\\$part\\Logging\" 'LogDroppedPackets' '1'\n"
    "    }\n"
    "    Undo-Value $policy 'PolicyVersion' '522'\n"
    "}\n";

/* The firewall reads its policy again by itself; that it did is asked, not believed. */
static const char ending[] =
    "for ($try = 0; $try -lt 30; $try++) {\n"
    "    if ($WhatIfPreference) { return }\n"
    "    if (-not (Get-NetFirewallRule -PolicyStore 'ActiveStore' -Group $group -ErrorAction "
    "SilentlyContinue)) { return }\n"
    "    Start-Sleep -Seconds 1\n"
    "}\n"
    "throw 'rules of the GPO are still in force: restart this machine'\n";

static void put_quoted(struct buf *out, str text)
{
    buf_char(out, '\'');
    for (size_t i = 0; i < text.len; i++)
        buf_str(out, text.ptr[i] == '\'' ? S("''") : (str){text.ptr + i, 1});
    buf_char(out, '\'');
}

static void put_setting(struct buf *out, const struct harden_change *change, struct arena *arena)
{
    str data = change->text;
    if (change->type == HARDEN_DWORD) data = str_format(arena, "%" PRId32, (int32_t)change->number);
    char *commas = arena_array(arena, char, data.len + 1);
    for (size_t i = 0; i < data.len; i++)
        commas[i] = data.ptr[i] == '\n' ? ',' : data.ptr[i];
    buf_str(out, S("Undo-Value "));
    put_quoted(out, change->key);
    buf_char(out, ' ');
    put_quoted(out, change->value);
    buf_char(out, ' ');
    put_quoted(out, (str){commas, data.len});
    buf_char(out, '\n');
}

/* A service whose key has no start type is none. */
static str driver_started_by(const struct harden_change *change)
{
    str services = S("SYSTEM\\CurrentControlSet\\Services\\");
    bool is = str_equal(change->value, S("Start")) && str_starts(change->key, services);
    return is ? str_tail(change->key, services.len) : (str){0};
}

/* Security settings have no value below Policies that could be taken away: they go back when the
 * GPO does, or by hand. */
static void put_left(struct buf *out, const char *what, str name, struct arena *arena)
{
    buf_format(out, "# not undone by this script: %s %.*s\n", what,
               STR_ARG(target_plain(arena, name, REMARK_BYTES)));
}

str gpo_rollback_text(const struct host_class *host_class, const struct target_header *header,
                      const struct gpo_settings *settings, str group, struct arena *arena)
{
    struct buf out = buf_in(arena);
    put_head(&out, host_class, header, arena);
    buf_str(&out, str_of(prologue));
    buf_format(&out, "$group = '%.*s'\n", STR_ARG(group));
    buf_str(&out, str_of(functions));
    buf_str(&out, str_of(removal));
    buf_str(&out, str_of(logging));
    for (size_t i = 0; i < settings->n_registry; i++) {
        str driver = driver_started_by(settings->registry[i]);
        if (driver.len)
            put_left(&out, "the start type of", driver, arena);
        else
            put_setting(&out, settings->registry[i], arena);
    }
    for (size_t i = 0; i < settings->n_options; i++)
        put_setting(&out, settings->options[i], arena);
    for (size_t i = 0; i < settings->n_services; i++)
        put_left(&out, "the start type of", settings->services[i]->service, arena);
    for (size_t i = 0; i < settings->n_audits; i++)
        put_left(&out, "the audit subcategory", settings->audits[i]->audit_name, arena);
    buf_str(&out, str_of(ending));
    return buf_text(&out);
}
