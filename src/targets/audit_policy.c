/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/audit_policy.h"

#define CR_LF "\r\n"

/* Bits of "Setting Value": [MS-GPAC] 2.2.1.3. */
enum { VALUE_SUCCESS = 1, VALUE_FAILURE = 2 };

static bool has(uint32_t audits, int audit)
{
    return audits >> audit & 1;
}

static bool is_subcategory(int audit)
{
    return audit_kind((enum audit)audit).guid.len > 0;
}

void audit_policy_csv(uint32_t audits, struct buf *out)
{
    buf_str(out, S("Machine Name,Policy Target,Subcategory,Subcategory GUID,Inclusion Setting,"
                   "Exclusion Setting,Setting Value" CR_LF));
    for (int a = 0; a < AUDIT_COUNT; a++) {
        if (!has(audits, a) || !is_subcategory(a)) continue;
        struct audit_kind kind = audit_kind((enum audit)a);
        str inclusion = kind.failure ? S("Success and Failure") : S("Success");
        buf_format(out, ",System,Audit %.*s,%.*s,%.*s,,%d" CR_LF, STR_ARG(kind.name),
                   STR_ARG(kind.guid), STR_ARG(inclusion),
                   (kind.success ? VALUE_SUCCESS : 0) | (kind.failure ? VALUE_FAILURE : 0));
    }
}

/* Both scripts agree on where the state of before is kept. */
static const char head[] =
    "#Requires -RunAsAdministrator" CR_LF "$ErrorActionPreference = 'Stop'" CR_LF
    "$folder = Join-Path $env:ProgramFiles 'sallyport'" CR_LF
    "$before = Join-Path $folder 'audit-before.csv'" CR_LF
    "$smb1Before = Join-Path $folder 'audit-smb1-before.txt'" CR_LF
    "function Invoke-Auditpol {" CR_LF "    & auditpol.exe @args | Out-Null" CR_LF
    "    if ($LASTEXITCODE -ne 0) { throw \"auditpol $args ended with $LASTEXITCODE\" }" CR_LF
    "}" CR_LF;

static void put_subcategories(uint32_t audits, struct buf *out)
{
    bool any = false;
    buf_str(out, S("$subcategories = @("));
    for (int a = 0; a < AUDIT_COUNT; a++) {
        if (!has(audits, a) || !is_subcategory(a)) continue;
        struct audit_kind kind = audit_kind((enum audit)a);
        buf_format(out, CR_LF "    @{ Guid = '%.*s'; Success = $%s; Failure = $%s } # %.*s",
                   STR_ARG(kind.guid), kind.success ? "true" : "false",
                   kind.failure ? "true" : "false", STR_ARG(kind.name));
        any = true;
    }
    buf_str(out, any ? S(CR_LF ")" CR_LF) : S(")" CR_LF));
}

void audit_policy_enable_ps1(uint32_t audits, struct buf *out)
{
    buf_str(out, S("# Switches audits on, and keeps what was set before for disable.ps1." CR_LF));
    buf_str(out, str_of(head));
    put_subcategories(audits, out);
    buf_str(out, S("if ((Test-Path $before) -or (Test-Path $smb1Before)) {" CR_LF
                   "    throw \"audits were switched on before: run disable.ps1 first\"" CR_LF
                   "}" CR_LF "New-Item -ItemType Directory -Force -Path $folder | Out-Null" CR_LF
                   "Invoke-Auditpol /backup \"/file:$before\"" CR_LF
                   "foreach ($s in $subcategories) {" CR_LF
                   "    $what = @(\"/subcategory:$($s.Guid)\")" CR_LF
                   "    if ($s.Success) { $what += '/success:enable' }" CR_LF
                   "    if ($s.Failure) { $what += '/failure:enable' }" CR_LF
                   "    Invoke-Auditpol /set @what" CR_LF "}" CR_LF));
    if (has(audits, AUDIT_SMB1))
        buf_str(out,
                S("(Get-SmbServerConfiguration).AuditSmb1Access | Set-Content $smb1Before" CR_LF
                  "Set-SmbServerConfiguration -AuditSmb1Access $true -Force" CR_LF));
}

void audit_policy_disable_ps1(uint32_t audits, struct buf *out)
{
    buf_str(out, S("# Sets audits back to what they were before enable.ps1. Only what it switched "
                   "on is" CR_LF "# touched: what others changed since stays." CR_LF));
    buf_str(out, str_of(head));
    put_subcategories(audits, out);
    buf_str(
        out,
        S("if (Test-Path $before) {" CR_LF
          "    # By position: names of columns and settings differ by language." CR_LF
          "    $columns = 'Machine', 'Target', 'Name', 'Guid', 'Inclusion', 'Exclusion', "
          "'Value'" CR_LF "    $rows = Get-Content $before | ConvertFrom-Csv -Header $columns" CR_LF
          "    foreach ($s in $subcategories) {" CR_LF
          "        $row = $rows | Where-Object { $_.Guid -eq $s.Guid -and "
          "$_.Target -notlike 'S-1-*' } |" CR_LF "            Select-Object -First 1" CR_LF
          "        $was = if ($row) { [int]$row.Value } else { 0 }" CR_LF
          "        $what = @(\"/subcategory:$($s.Guid)\")" CR_LF
          "        if ($s.Success -and -not ($was -band 1)) { $what += '/success:disable' }" CR_LF
          "        if ($s.Failure -and -not ($was -band 2)) { $what += '/failure:disable' }" CR_LF
          "        if ($what.Count -gt 1) { Invoke-Auditpol /set @what }" CR_LF "    }" CR_LF
          "    Remove-Item $before" CR_LF "}" CR_LF));
    if (has(audits, AUDIT_SMB1))
        buf_str(out, S("if (Test-Path $smb1Before) {" CR_LF
                       "    if ((Get-Content $smb1Before) -ne 'True') {" CR_LF
                       "        Set-SmbServerConfiguration -AuditSmb1Access $false -Force" CR_LF
                       "    }" CR_LF "    Remove-Item $smb1Before" CR_LF "}" CR_LF));
}
