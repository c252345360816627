#Requires -Version 5.1
#Requires -RunAsAdministrator
# sallyport: hardening; run as administrator, again replaces
# host class: servers-3
# organisation: Contoso
# policy: corpus.yaml, SHA-256 73825b056cd3f7447039b0ffb777d40a05064a9b039d70fae3d43f9639bd3421
# as of: 2026-11-21T00:00:00.000000Z
# dry run, changes nothing: add -WhatIf
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    # After so many minutes hardening-rollback.ps1 runs by itself, unless hardening.ps1 -Keep came before.
    [ValidateRange(0, 1440)][int]$RevertAfterMinutes = 0,
    [switch]$Keep
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$workspace = 'contoso'
# What settings were before the first run is kept where only administrators write.
$folder = Join-Path -Path $env:ProgramFiles -ChildPath ('sallyport\' + $workspace + '\local')
$task = 'sallyport-revert-' + $workspace + '-hardening'
$state = Join-Path -Path $folder -ChildPath 'hardening.xml'
$system = Join-Path -Path $env:SystemRoot -ChildPath 'System32'
$starts = @('boot', 'system', 'auto', 'demand', 'disabled')
$machine = [Microsoft.Win32.Registry]::LocalMachine
# The module of this machine may be older than the setting.
function Test-Cmdlet($place) {
    $cmdlet = Get-Command -Name $place.Set -ErrorAction SilentlyContinue
    if ((-not $cmdlet) -or (-not $cmdlet.Parameters.ContainsKey($place.Parameter))) {
        return $false
    }
    @((& ($place.Get)).PSObject.Properties.Name) -contains $place.Parameter
}
function Read-Value($before) {
    $before.HasKey = $false
    $before.HasValue = $false
    if (-not $before.Key) {
        return
    }
    $key = $machine.OpenSubKey($before.Key)
    $before.HasKey = [bool]$key
    if ($key) {
        if ($key.GetValueNames() -contains $before.Value) {
            $before.HasValue = $true
            $before.Type = "$($key.GetValueKind($before.Value))"
            $before.Data = $key.GetValue($before.Value, $null, 'DoNotExpandEnvironmentNames')
        }
        $key.Close()
    }
}
# The setting at that place as it is now; $null where this machine has no such thing.
function Read-Setting($place) {
    $before = @{} + $place
    if ($place.Kind -eq 'value') {
        Read-Value $before
    }
    elseif ($place.Kind -eq 'cmdlet') {
        Read-Value $before
        $argument = (& ($place.Get)).($place.Parameter)
        if (($argument -isnot [bool]) -and ($argument -isnot [array])) {
            $argument = "$argument"
        }
        $before.Argument = $argument
    }
    elseif ($place.Kind -eq 'log') {
        $before.Argument = "$((Get-NetFirewallProfile -PolicyStore PersistentStore -Name $place.Name -ErrorAction Stop).($place.Parameter))"
    }
    elseif ($place.Kind -eq 'start') {
        $key = $machine.OpenSubKey('SYSTEM\CurrentControlSet\Services\' + $place.Service)
        if (-not $key) {
            return
        }
        $before.Start = $key.GetValue('Start')
        $key.Close()
    }
    elseif ($place.Kind -eq 'feature') {
        $feature = Get-WindowsOptionalFeature -Online -FeatureName $place.Feature
        if (-not $feature) {
            return
        }
        $before.Enabled = "$($feature.State)" -like 'Enable*'
    }
    else {
        # Numbers and identifiers are the same in every language of Windows.
        $file = Join-Path -Path $folder -ChildPath 'audit.csv'
        & (Join-Path -Path $system -ChildPath 'auditpol.exe') /backup ('/file:' + $file) | Out-Null
        if ($LASTEXITCODE -ne 0) {
            throw 'auditpol /backup failed'
        }
        $lines = @(Get-Content -LiteralPath $file | Where-Object { $_ -like ('*' + $place.Guid + '*') })
        Remove-Item -LiteralPath $file
        if ($lines.Count -eq 0) {
            return
        }
        $before.Setting = [int](($lines[0] -split ',')[-1])
    }
    $before
}
# The setting becomes what is written there.
function Write-Value($wanted) {
    $data = $wanted.Data
    if ($wanted.Type -eq 'MultiString') {
        $data = [string[]]@($data)
    }
    $key = $machine.CreateSubKey($wanted.Key)
    $key.SetValue($wanted.Value, $data, $wanted.Type)
    $key.Close()
}
function Write-Start($wanted) {
    & (Join-Path -Path $system -ChildPath 'sc.exe') config $wanted.Service start= $starts[$wanted.Start] | Out-Null
    if ($LASTEXITCODE -ne 0) {
        throw ('sc config ' + $wanted.Service + ' failed')
    }
}
function Write-Audit($wanted) {
    $words = @('disable', 'enable')
    & (Join-Path -Path $system -ChildPath 'auditpol.exe') /set ('/subcategory:{' + $wanted.Guid + '}') ('/success:' + $words[$wanted.Setting -band 1]) ('/failure:' + $words[($wanted.Setting -band 2) / 2]) | Out-Null
    if ($LASTEXITCODE -ne 0) {
        throw ('auditpol /set failed for ' + $wanted.Guid)
    }
}
function Write-Cmdlet($wanted) {
    $parameters = @{ ErrorAction = 'Stop'; Confirm = $false }
    $parameters[$wanted.Parameter] = $wanted.Argument
    & ($wanted.Set) @parameters | Out-Null
}
function Write-Log($wanted) {
    $parameters = @{ PolicyStore = 'PersistentStore'; Name = $wanted.Name; ErrorAction = 'Stop' }
    $parameters[$wanted.Parameter] = $wanted.Argument
    Set-NetFirewallProfile @parameters
}
# Puts back what was there; a value that was absent goes.
function Restore-Value($before) {
    if (-not $before.Key) {
        return
    }
    if ($before.HasValue) {
        Write-Value $before
        return
    }
    $key = $machine.OpenSubKey($before.Key, $true)
    if (-not $key) {
        return
    }
    if ($key.GetValueNames() -contains $before.Value) {
        $key.DeleteValue($before.Value)
    }
    $empty = ($key.ValueCount -eq 0) -and ($key.SubKeyCount -eq 0)
    $key.Close()
    if ($empty -and (-not $before.HasKey)) {
        $machine.DeleteSubKey($before.Key)
    }
}
function Restore-Setting($before) {
    if ($before.Kind -eq 'value') {
        Restore-Value $before
    }
    elseif ($before.Kind -eq 'cmdlet') {
        if ("$($before.Argument)") {
            Write-Cmdlet $before
        }
        Restore-Value $before
    }
    elseif ($before.Kind -eq 'log') {
        Write-Log $before
    }
    elseif ($before.Kind -eq 'start') {
        Write-Start $before
    }
    elseif ($before.Kind -eq 'audit') {
        Write-Audit $before
    }
    elseif ($before.Enabled) {
        Enable-WindowsOptionalFeature -Online -FeatureName $before.Feature -All -NoRestart -ErrorAction Stop | Out-Null
    }
}
function Save-Settings($settings) {
    if ($WhatIfPreference) {
        return
    }
    if (@($settings).Count -gt 0) {
        Export-Clixml -LiteralPath $state -InputObject @{ Settings = @($settings) } -Depth 8
    }
    elseif (Test-Path -LiteralPath $state) {
        Remove-Item -LiteralPath $state
    }
}
function Get-Settings {
    if (Test-Path -LiteralPath $state) {
        (Import-Clixml -LiteralPath $state).Settings
    }
}
function Remove-Revert {
    if (Get-ScheduledTask -TaskName $task -ErrorAction SilentlyContinue) {
        Unregister-ScheduledTask -TaskName $task -Confirm:$false -ErrorAction Stop -WhatIf:$WhatIfPreference
    }
}
# The rollback stands on this machine, too: it needs no network.
function Copy-Rollback([string]$name) {
    New-Item -ItemType Directory -Force -Path $folder -WhatIf:$WhatIfPreference | Out-Null
    $copy = Join-Path -Path $folder -ChildPath $name
    if ($PSScriptRoot) {
        $beside = Join-Path -Path $PSScriptRoot -ChildPath $name
        if (($beside -ne $copy) -and (Test-Path -LiteralPath $beside)) {
            Copy-Item -LiteralPath $beside -Destination $copy -Force -WhatIf:$WhatIfPreference
        }
    }
    if (($RevertAfterMinutes -gt 0) -and (-not $WhatIfPreference)) {
        if (-not (Test-Path -LiteralPath $copy)) {
            throw ($copy + ' is missing: ' + $name + ' has to stand beside this script')
        }
        $shell = Join-Path -Path $env:SystemRoot -ChildPath 'System32\WindowsPowerShell\v1.0\powershell.exe'
        $run = New-ScheduledTaskAction -Execute $shell -Argument ('-NoProfile -NonInteractive -ExecutionPolicy Bypass -File "' + $copy + '"')
        $moment = (Get-Date).AddMinutes($RevertAfterMinutes)
        $when = New-ScheduledTaskTrigger -Once -At $moment
        $who = New-ScheduledTaskPrincipal -UserId 'S-1-5-18' -LogonType ServiceAccount -RunLevel Highest
        $how = New-ScheduledTaskSettingsSet -StartWhenAvailable -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries
        Register-ScheduledTask -TaskName $task -Action $run -Trigger $when -Principal $who -Settings $how -Force -ErrorAction Stop | Out-Null
    }
}
if ($Keep) {
    Remove-Revert
    return
}
$version = $machine.OpenSubKey('SOFTWARE\Microsoft\Windows NT\CurrentVersion')
$build = [int]$version.GetValue('CurrentBuildNumber')
$version.Close()
$first = @(Get-Settings)
# Saved: as each was before the first run. Done: as each was before this one.
$run = @{ Saved = $first; Done = @(); Wanted = @{} }
# True when the setting exists here and is another one; then it has been saved.
function Test-Change([string]$id, [int]$since, $place, [string]$field, $value) {
    $run.Wanted[$id] = $true
    if ($build -lt $since) {
        Write-Host ($id + ': not set, it needs build ' + $since + ' of Windows and this is ' + $build)
        return $false
    }
    $before = Read-Setting $place
    if (-not $before) {
        Write-Host ($id + ': not on this machine')
        return $false
    }
    $before.Id = $id
    if ((($place.Kind -ne 'value') -or $before.HasValue) -and ("$($before.$field)" -eq "$value")) {
        Write-Host ($id + ': is so already')
        return $false
    }
    if ($WhatIfPreference) {
        Write-Host ('What if: ' + $id + ' would be set')
        return $false
    }
    if (@($run.Saved | Where-Object { $_.Id -eq $id }).Count -eq 0) {
        $run.Saved = @($run.Saved) + $before
        Save-Settings $run.Saved
    }
    $run.Done = @($run.Done) + $before
    Write-Host ($id + ': set')
    $true
}
function Set-Value([string]$id, [int]$since, [string]$key, [string]$name, [string]$type, $data) {
    $place = @{ Kind = 'value'; Key = $key; Value = $name }
    if (Test-Change $id $since $place 'Data' $data) {
        Write-Value ($place + @{ Type = $type; Data = $data })
    }
}
# By the cmdlet where this machine's module has it, else in the registry.
function Set-Configuration([string]$id, [int]$since, [string]$set, [string]$get, [string]$parameter, $argument, [string]$key, [string]$name, [string]$type, $data) {
    $place = @{ Kind = 'cmdlet'; Set = $set; Get = $get; Parameter = $parameter; Key = $key; Value = $name }
    if ((-not (Test-Cmdlet $place)) -and (-not $key)) {
        $run.Wanted[$id] = $true
        Write-Host ($id + ': not on this machine')
    }
    elseif (-not (Test-Cmdlet $place)) {
        Set-Value $id $since $key $name $type $data
    }
    elseif (Test-Change $id $since $place 'Argument' $argument) {
        Write-Cmdlet ($place + @{ Argument = $argument })
    }
}
# The log of one profile, in this machine's own settings.
function Set-ProfileLog([string]$id, [int]$since, [string]$name, [string]$parameter, [string]$argument) {
    $place = @{ Kind = 'log'; Name = $name; Parameter = $parameter }
    if (Test-Change $id $since $place 'Argument' $argument) {
        Write-Log ($place + @{ Argument = $argument })
    }
}
function Set-Start([string]$id, [int]$since, [string]$service, [int]$start) {
    $place = @{ Kind = 'start'; Service = $service }
    if (Test-Change $id $since $place 'Start' $start) {
        Write-Start ($place + @{ Start = $start })
    }
}
function Remove-Feature([string]$id, [int]$since, [string]$feature) {
    $place = @{ Kind = 'feature'; Feature = $feature }
    if (Test-Change $id $since $place 'Enabled' $false) {
        Disable-WindowsOptionalFeature -Online -FeatureName $feature -NoRestart -ErrorAction Stop | Out-Null
    }
}
# What is audited already stays so.
function Set-Audit([string]$id, [int]$since, [string]$guid, [int]$setting) {
    $place = @{ Kind = 'audit'; Guid = $guid }
    if ($WhatIfPreference) {
        Write-Host ('What if: ' + $id + ' would be set')
        return
    }
    $before = Read-Setting $place
    if ($before) {
        $setting = $setting -bor $before.Setting
    }
    if (Test-Change $id $since $place 'Setting' $setting) {
        Write-Audit ($place + @{ Setting = $setting })
    }
}
try {
    Copy-Rollback 'hardening-rollback.ps1'

    # asks: the SMB server logs who uses SMB 1
    # why: finds the last users of SMB 1 before it goes
    # breaks: nobody
    # versions: all
    # source: Microsoft Learn, Detect, enable and disable SMBv1, SMBv2, and SMBv3 in Windows
    Set-Configuration 'smb1-audit' 0 'Set-SmbServerConfiguration' 'Get-SmbServerConfiguration' 'AuditSmb1Access' $true 'SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters' 'AuditSmb1Access' 'DWord' 1

    # asks: the SMB server does not speak SMB 1
    # why: SMB 1 has no integrity worth the name, and worms live on it
    # breaks: scanners, NAS and systems that know nothing newer, as clients
    # tells first: smb1-audit: SMBServer/Audit 3000
    # versions: all
    # group policy: MS Security Guide: Configure SMB v1 server
    # source: Microsoft security baseline, Windows 11 24H2, MS Security Guide: Configure SMB v1 server (SecGuide.admx Pol_SecGuide_0001_SMBv1_Server)
    Set-Configuration 'smb1-server' 0 'Set-SmbServerConfiguration' 'Get-SmbServerConfiguration' 'EnableSMB1Protocol' $false 'SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters' 'SMB1' 'DWord' 0

    # asks: the driver of the SMB 1 client is disabled
    # why: a server in the middle can't pull a session down to SMB 1
    # breaks: access to NAS and servers that know nothing newer; where Windows is older than 8.1 and 2012 R2 the Workstation service still depends on MRxSmb10 and does not start: take it from DependOnService there
    # tells first: dialects of the matrix (nt-lm-0.12)
    # versions: all
    # group policy: MS Security Guide: Configure SMB v1 client driver
    # source: Microsoft security baseline, Windows 11 24H2, MS Security Guide: Configure SMB v1 client driver (SecGuide.admx Pol_SecGuide_0002_SMBv1_ClientDriver)
    Set-Value 'smb1-client' 0 'SYSTEM\CurrentControlSet\Services\MrxSmb10' 'Start' 'DWord' 4

    # asks: the feature SMB 1 is not installed
    # why: what is not there cannot be turned on again by a setting
    # breaks: as smb1-server and smb1-client; needs a restart
    # tells first: smb1-audit: SMBServer/Audit 3000
    # versions: all
    # source: Microsoft Learn, SMBv1 is not installed by default in Windows
    Remove-Feature 'smb1-feature' 0 'SMB1Protocol'

    # asks: the SMB server logs clients that can't sign
    # why: tells who a required signature would stop
    # breaks: nobody
    # versions: Windows 11 24H2, Server 2025
    # group policy: Network/Lanman Server: Audit client does not support signing
    # source: Policy CSP LanmanServer (build 26100.3613 and later); which of 3021 and 3022 is signing: UNCERTAIN
    Set-Configuration 'smb-server-audit-signing' 26100 'Set-SmbServerConfiguration' 'Get-SmbServerConfiguration' 'AuditClientDoesNotSupportSigning' $true 'SOFTWARE\Policies\Microsoft\Windows\LanmanServer' 'AuditClientDoesNotSupportSigning' 'DWord' 1

    # asks: the SMB client logs servers that can't sign
    # why: tells whom a required signature would cut off: SMBClient/Audit 31999
    # breaks: nobody
    # versions: Windows 11 24H2, Server 2025
    # group policy: Network/Lanman Workstation: Audit server does not support signing
    # source: Policy CSP LanmanWorkstation (build 26100.3613 and later)
    Set-Configuration 'smb-client-audit-signing' 26100 'Set-SmbClientConfiguration' 'Get-SmbClientConfiguration' 'AuditServerDoesNotSupportSigning' $true 'SOFTWARE\Policies\Microsoft\Windows\LanmanWorkstation' 'AuditServerDoesNotSupportSigning' 'DWord' 1

    # asks: the SMB server requires signing
    # why: a logon can't be relayed to it, nor its traffic changed on the way
    # breaks: clients on which signing is turned off or missing, and guests; costs some throughput on old processors
    # tells first: smb-server-audit-signing: SMBServer/Audit 3021 or 3022 (UNCERTAIN which)
    # versions: all
    # group policy: Security Options: Microsoft network server: Digitally sign communications (always)
    # source: Microsoft security baseline, Windows 11 24H2, Security Options; Microsoft Learn, SMB signing (Server 2025: not required inbound there, required in SMB security hardening: UNCERTAIN, read it from the host)
    Set-Configuration 'smb-server-signing' 0 'Set-SmbServerConfiguration' 'Get-SmbServerConfiguration' 'RequireSecuritySignature' $true 'SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters' 'RequireSecuritySignature' 'DWord' 1

    # asks: the SMB client requires signing
    # why: nobody on the way can change what a server says
    # breaks: servers that can't sign: old NAS, guest shares (0xc000a000)
    # tells first: smb-client-audit-signing: SMBClient/Audit 31999
    # versions: all
    # group policy: Security Options: Microsoft network client: Digitally sign communications (always)
    # source: Microsoft security baseline, Windows 11 24H2, Security Options; Microsoft Learn, SMB signing
    Set-Configuration 'smb-client-signing' 0 'Set-SmbClientConfiguration' 'Get-SmbClientConfiguration' 'RequireSecuritySignature' $true 'SYSTEM\CurrentControlSet\Services\LanmanWorkstation\Parameters' 'RequireSecuritySignature' 'DWord' 1

    # asks: the SMB server logs clients that can't encrypt
    # why: tells who required encryption would stop
    # breaks: nobody
    # versions: Windows 11 24H2, Server 2025
    # group policy: Network/Lanman Server: Audit client does not support encryption
    # source: Policy CSP LanmanServer (build 26100.3613 and later); which of 3021 and 3022 is encryption: UNCERTAIN
    Set-Configuration 'smb-server-audit-encryption' 26100 'Set-SmbServerConfiguration' 'Get-SmbServerConfiguration' 'AuditClientDoesNotSupportEncryption' $true 'SOFTWARE\Policies\Microsoft\Windows\LanmanServer' 'AuditClientDoesNotSupportEncryption' 'DWord' 1

    # asks: the SMB client logs servers that can't encrypt
    # why: tells whom required encryption would cut off: SMBClient/Audit 31998
    # breaks: nobody
    # versions: Windows 11 24H2, Server 2025
    # group policy: Network/Lanman Workstation: Audit server does not support encryption
    # source: Policy CSP LanmanWorkstation (build 26100.3613 and later)
    Set-Configuration 'smb-client-audit-encryption' 26100 'Set-SmbClientConfiguration' 'Get-SmbClientConfiguration' 'AuditServerDoesNotSupportEncryption' $true 'SOFTWARE\Policies\Microsoft\Windows\LanmanWorkstation' 'AuditServerDoesNotSupportEncryption' 'DWord' 1

    # asks: where a share is encrypted, who can't encrypt is refused
    # why: else an encrypted share is one only for those who like it so
    # breaks: nobody where no share is encrypted
    # versions: Windows 8, Server 2012
    # source: Microsoft Learn, SMB encryption
    Set-Configuration 'smb-server-reject-unencrypted' 0 'Set-SmbServerConfiguration' 'Get-SmbServerConfiguration' 'RejectUnencryptedAccess' $true 'SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters' 'RejectUnencryptedAccess' 'DWord' 1

    # asks: the SMB server accepts SMB 3.0 and newer
    # why: below 3.0 negotiation can be tampered with and nothing is encrypted
    # breaks: Windows 7, Server 2008 R2, and Samba and scanners of their age
    # tells first: dialects of the matrix; Get-SmbSession
    # versions: Windows 11 24H2, Server 2025
    # group policy: Network/Lanman Server: Mandate the minimum version of SMB
    # source: Microsoft security baseline, Windows 11 24H2, Lanman Server: Mandate the minimum version of SMB (768)
    Set-Configuration 'smb-server-min-dialect' 26100 'Set-SmbServerConfiguration' 'Get-SmbServerConfiguration' 'Smb2DialectMin' 'SMB300' 'SOFTWARE\Policies\Microsoft\Windows\LanmanServer' 'MinSmb2Dialect' 'DWord' 768

    # asks: the SMB server offers up to SMB 3.1.1
    # why: undoes a limit that somebody set long ago
    # breaks: nobody
    # versions: Windows 11 24H2, Server 2025
    # group policy: Network/Lanman Server: Mandate the maximum version of SMB
    # source: Microsoft security baseline, Windows 11 24H2, Lanman Server: Mandate the maximum version of SMB (785)
    Set-Configuration 'smb-server-max-dialect' 26100 'Set-SmbServerConfiguration' 'Get-SmbServerConfiguration' 'Smb2DialectMax' 'SMB311' 'SOFTWARE\Policies\Microsoft\Windows\LanmanServer' 'MaxSmb2Dialect' 'DWord' 785

    # asks: the SMB client asks for SMB 3.0 and newer
    # why: below 3.0 negotiation can be tampered with and nothing is encrypted
    # breaks: access to Windows 7, Server 2008 R2, old NAS and Samba
    # tells first: dialects of the matrix; Get-SmbConnection
    # versions: Windows 11 24H2, Server 2025
    # group policy: Network/Lanman Workstation: Mandate the minimum version of SMB
    # source: Microsoft security baseline, Windows 11 24H2, Lanman Workstation: Mandate the minimum version of SMB (768); since Windows 10 1709 a local value is read, too: UNCERTAIN
    Set-Configuration 'smb-client-min-dialect' 26100 'Set-SmbClientConfiguration' 'Get-SmbClientConfiguration' 'Smb2DialectMin' 'SMB300' 'SOFTWARE\Policies\Microsoft\Windows\LanmanWorkstation' 'MinSmb2Dialect' 'DWord' 768

    # asks: the SMB client offers up to SMB 3.1.1
    # why: undoes a limit that somebody set long ago
    # breaks: nobody
    # versions: Windows 11 24H2, Server 2025
    # group policy: Network/Lanman Workstation: Mandate the maximum version of SMB
    # source: Microsoft security baseline, Windows 11 24H2, Lanman Workstation: Mandate the maximum version of SMB (785)
    Set-Configuration 'smb-client-max-dialect' 26100 'Set-SmbClientConfiguration' 'Get-SmbClientConfiguration' 'Smb2DialectMax' 'SMB311' 'SOFTWARE\Policies\Microsoft\Windows\LanmanWorkstation' 'MaxSmb2Dialect' 'DWord' 785

    # asks: the SMB server logs who is let in as guest
    # why: a guest is an intruder, or a share that everybody forgot: SMBServer/Audit 3023
    # breaks: nobody
    # versions: Windows 11 24H2, Server 2025
    # group policy: Network/Lanman Server: Audit insecure guest logon
    # source: Policy CSP LanmanServer (build 26100.3613 and later)
    Set-Configuration 'smb-server-audit-guest' 26100 'Set-SmbServerConfiguration' 'Get-SmbServerConfiguration' 'AuditInsecureGuestLogon' $true 'SOFTWARE\Policies\Microsoft\Windows\LanmanServer' 'AuditInsecureGuestLogon' 'DWord' 1

    # asks: the SMB client logs where it was let in as guest
    # why: tells which NAS let everybody in: SMBClient/Security 31022
    # breaks: nobody
    # versions: Windows 11 24H2, Server 2025
    # group policy: Network/Lanman Workstation: Audit insecure guest logon
    # source: Policy CSP LanmanWorkstation (build 26100.3613 and later); event 31022 or one of Audit: UNCERTAIN
    Set-Configuration 'smb-client-audit-guest' 26100 'Set-SmbClientConfiguration' 'Get-SmbClientConfiguration' 'AuditInsecureGuestLogon' $true 'SOFTWARE\Policies\Microsoft\Windows\LanmanWorkstation' 'AuditInsecureGuestLogon' 'DWord' 1

    # asks: the SMB client refuses to be let in as guest
    # why: a server that lets everybody in signs nothing: anybody can be it
    # breaks: shares of NAS that let everybody in
    # tells first: smb-client-audit-guest; SMBClient/Security 31022 (let in), 31017 (refused)
    # versions: Windows 10 1709, Server 2019
    # group policy: Network/Lanman Workstation: Enable insecure guest logons
    # source: Microsoft security baseline, Windows 11 24H2, Lanman Workstation: Enable insecure guest logons (0); defaults by edition differ between sources: UNCERTAIN
    Set-Configuration 'smb-client-guest' 16299 'Set-SmbClientConfiguration' 'Get-SmbClientConfiguration' 'EnableInsecureGuestLogons' $false 'SOFTWARE\Policies\Microsoft\Windows\LanmanWorkstation' 'AllowInsecureGuestAuth' 'DWord' 0

    # asks: NTLM that reaches this machine is logged
    # why: tells who still logs on by NTLM: NTLM/Operational 8002, 8003
    # breaks: nobody
    # versions: all
    # group policy: Security Options: Network security: Restrict NTLM: Audit incoming NTLM traffic
    # source: Microsoft Learn, Network security: Restrict NTLM: Audit incoming NTLM traffic (2 = all accounts)
    Set-Value 'ntlm-audit-incoming' 0 'SYSTEM\CurrentControlSet\Control\Lsa\MSV1_0' 'AuditReceivingNTLMTraffic' 'DWord' 2

    # asks: only NTLMv2 is sent, and LM and NTLMv1 are refused
    # why: an NTLMv1 answer gives the password's hash away
    # breaks: systems that were never told to use NTLMv2
    # tells first: Security 4624 with LmPackageName NTLM V1
    # versions: all
    # group policy: Security Options: Network security: LAN Manager authentication level
    # source: Microsoft security baseline, Security Options; removed altogether in Windows 11 24H2 and Server 2025
    Set-Value 'lm-compatibility-level' 0 'SYSTEM\CurrentControlSet\Control\Lsa' 'LmCompatibilityLevel' 'DWord' 5

    # asks: the SMB client sends no password in clear
    # why: an old server only has to ask for it
    # breaks: SMB servers without encrypted passwords: none is left
    # versions: all
    # group policy: Security Options: Microsoft network client: Send unencrypted password to third-party SMB servers
    # source: Microsoft security baseline, Windows 11 24H2, Security Options
    Set-Value 'plain-text-password' 0 'SYSTEM\CurrentControlSet\Services\LanmanWorkstation\Parameters' 'EnablePlainTextPassword' 'DWord' 0

    # asks: the SMB server slows down failed logons
    # why: guessing 300 passwords a second becomes one in two seconds
    # breaks: nobody who knows the password
    # versions: Windows 11 24H2, Server 2025
    # group policy: Network/Lanman Server: Enable authentication rate limiter
    # source: Microsoft security baseline, Windows 11 24H2, Lanman Server: Enable authentication rate limiter (1)
    Set-Value 'smb-server-rate-limiter' 26100 'SOFTWARE\Policies\Microsoft\Windows\LanmanServer' 'EnableAuthRateLimiter' 'DWord' 1

    # asks: a failed logon to the SMB server takes 2 seconds
    # why: as smb-server-rate-limiter
    # breaks: nobody who knows the password
    # versions: Windows 11 24H2, Server 2025
    # group policy: Network/Lanman Server: Set authentication rate limiter delay (milliseconds)
    # source: Microsoft security baseline, Windows 11 24H2, Lanman Server: Set authentication rate limiter delay (milliseconds) (2000)
    Set-Configuration 'smb-server-rate-limiter-delay' 26100 'Set-SmbServerConfiguration' 'Get-SmbServerConfiguration' 'InvalidAuthenticationDelayTimeInMs' 2000 'SOFTWARE\Policies\Microsoft\Windows\LanmanServer' 'InvalidAuthenticationDelayTimeInMs' 'DWord' 2000

    # asks: remote mailslots are off (server)
    # why: datagrams that nobody authenticates, of the first browser
    # breaks: network browsing and DC location of Windows NT's time
    # versions: Windows 11 24H2, Server 2025
    # group policy: Network/Lanman Server: Enable remote mailslots
    # source: Policy CSP LanmanServer (key Bowser); one published baseline has it under LanmanServer: UNCERTAIN
    Set-Configuration 'smb-server-mailslots' 26100 'Set-SmbServerConfiguration' 'Get-SmbServerConfiguration' 'EnableMailslots' $false 'SOFTWARE\Policies\Microsoft\Windows\Bowser' 'EnableMailslots' 'DWord' 0

    # asks: remote mailslots are off (client)
    # why: datagrams that nobody authenticates, of the first browser
    # breaks: network browsing and DC location of Windows NT's time; needs a restart
    # versions: Windows 11 24H2, Server 2025
    # group policy: Network/Lanman Workstation: Enable remote mailslots
    # source: Policy CSP LanmanWorkstation (key NetworkProvider); one published baseline has it under LanmanWorkstation: UNCERTAIN
    Set-Configuration 'smb-client-mailslots' 26100 'Set-SmbClientConfiguration' 'Get-SmbClientConfiguration' 'EnableMailslots' $false 'SOFTWARE\Policies\Microsoft\Windows\NetworkProvider' 'EnableMailslots' 'DWord' 0

    # asks: no pipes and shares for anonymous logons
    # why: who has no account learns nothing
    # breaks: programs that list shares or accounts without logging on
    # tells first: SMBServer/Security 1009; Security 4624 of ANONYMOUS LOGON
    # versions: all
    # group policy: Security Options: Network access: Restrict anonymous access to Named Pipes and Shares
    # source: Microsoft security baseline, Windows 11 24H2, Security Options
    Set-Value 'null-session-access' 0 'SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters' 'RestrictNullSessAccess' 'DWord' 1

    # asks: no pipe is open to anonymous logons
    # why: old installers left exceptions here
    # breaks: programs that use one of the pipes without logging on
    # tells first: Security 5145 on IPC? of ANONYMOUS LOGON
    # versions: all
    # group policy: Security Options: Network access: Named Pipes that can be accessed anonymously
    # source: Microsoft Learn, Network access: Named Pipes that can be accessed anonymously (domain controllers keep netlogon, samr, lsarpc: not set there)
    Set-Value 'null-session-pipes' 0 'SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters' 'NullSessionPipes' 'MultiString' @()

    # asks: no share is open to anonymous logons
    # why: old installers left exceptions here
    # breaks: programs that use one of the shares without logging on
    # tells first: Security 5140 of ANONYMOUS LOGON
    # versions: all
    # group policy: Security Options: Network access: Shares that can be accessed anonymously
    # source: Microsoft Learn, Network access: Shares that can be accessed anonymously
    Set-Value 'null-session-shares' 0 'SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters' 'NullSessionShares' 'MultiString' @()

    # asks: a service of LocalSystem does not fall back to a null session
    # why: what can't log on says so instead of trying without
    # breaks: services of LocalSystem that use NTLM to another machine
    # versions: all
    # group policy: Security Options: Network security: Allow LocalSystem NULL session fallback
    # source: Microsoft security baseline, Windows 11 24H2, Security Options
    Set-Value 'null-session-fallback' 0 'SYSTEM\CurrentControlSet\Control\Lsa\MSV1_0' 'allownullsessionfallback' 'DWord' 0

    # asks: shares and accounts are not listed without logging on
    # why: the list of shares and accounts is where an intruder begins
    # breaks: trusts with domains of Windows NT's time, inventory without a logon
    # tells first: Security 4624 of ANONYMOUS LOGON
    # versions: all
    # group policy: Security Options: Network access: Do not allow anonymous enumeration of SAM accounts and shares
    # source: Microsoft security baseline, Security Options
    Set-Value 'restrict-anonymous' 0 'SYSTEM\CurrentControlSet\Control\Lsa' 'RestrictAnonymous' 'DWord' 1

    # asks: accounts are not listed without logging on
    # why: the list of accounts is where an intruder begins
    # breaks: nobody since Windows XP
    # versions: all
    # group policy: Security Options: Network access: Do not allow anonymous enumeration of SAM accounts
    # source: Microsoft security baseline, Security Options
    Set-Value 'restrict-anonymous-sam' 0 'SYSTEM\CurrentControlSet\Control\Lsa' 'RestrictAnonymousSAM' 'DWord' 1

    # asks: Everyone does not include anonymous logons
    # why: a share for Everyone is not one for people without an account
    # breaks: shares that were open to people without an account
    # versions: all
    # group policy: Security Options: Network access: Let Everyone permissions apply to anonymous users
    # source: Microsoft Learn, Network access: Let Everyone permissions apply to anonymous users
    Set-Value 'everyone-includes-anonymous' 0 'SYSTEM\CurrentControlSet\Control\Lsa' 'EveryoneIncludesAnonymous' 'DWord' 0

    # asks: only administrators list local accounts and groups from afar
    # why: who is local administrator where is the map of lateral movement
    # breaks: inventory that asks for local groups as a plain user
    # tells first: System 16962 to 16969 (audit only: RestrictRemoteSamAuditOnlyMode)
    # versions: Windows 10 1607, Server 2016
    # group policy: Security Options: Network access: Restrict clients allowed to make remote calls to SAM
    # source: Microsoft security baseline, Security Options (domain controllers: not set)
    Set-Value 'restrict-remote-sam' 0 'SYSTEM\CurrentControlSet\Control\Lsa' 'RestrictRemoteSam' 'String' 'O:BAG:BAD:(A;;RC;;;BA)'

    # asks: local administrators are plain users over the network
    # why: one stolen local password does not open the next machine
    # breaks: remote administration by local accounts other than the built-in one
    # tells first: Security 4624 type 3 of local accounts
    # versions: all
    # group policy: MS Security Guide: Apply UAC restrictions to local accounts on network logons
    # source: Microsoft security baseline, Windows 11 24H2, MS Security Guide: Apply UAC restrictions to local accounts on network logons
    Set-Value 'local-accounts-filtered' 0 'SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System' 'LocalAccountTokenFilterPolicy' 'DWord' 0

    # asks: SYSVOL is read from a proved server, signed
    # why: else anybody on the way writes the machine's policy
    # breaks: access to SYSVOL by address
    # versions: all
    # group policy: Network/Network Provider: Hardened UNC Paths
    # source: Microsoft security baseline, Windows 11 24H2, Network Provider: Hardened UNC Paths; MS15-011
    Set-Value 'unc-hardening-sysvol' 0 'SOFTWARE\Policies\Microsoft\Windows\NetworkProvider\HardenedPaths' '\\*\SYSVOL' 'String' 'RequireMutualAuthentication=1, RequireIntegrity=1'

    # asks: NETLOGON is read from a proved server, signed
    # why: else anybody on the way writes the logon scripts
    # breaks: access to NETLOGON by address
    # versions: all
    # group policy: Network/Network Provider: Hardened UNC Paths
    # source: Microsoft security baseline, Windows 11 24H2, Network Provider: Hardened UNC Paths; MS15-011
    Set-Value 'unc-hardening-netlogon' 0 'SOFTWARE\Policies\Microsoft\Windows\NetworkProvider\HardenedPaths' '\\*\NETLOGON' 'String' 'RequireMutualAuthentication=1, RequireIntegrity=1'

    # asks: named pipes are not reached over QUIC
    # why: files from outside, but no remote administration
    # breaks: administration over QUIC
    # versions: Server 2022 Azure Edition, Server 2025
    # source: Microsoft Learn, SMB over QUIC (RestrictNamedpipeAccessViaQuic)
    Set-Configuration 'smb-server-quic-pipes' 20348 'Set-SmbServerConfiguration' 'Get-SmbServerConfiguration' 'RestrictNamedpipeAccessViaQuic' $true '' '' 'DWord' 1

    # asks: the SMB server logs which certificates come over QUIC
    # why: tells whom client access control would stop
    # breaks: nobody
    # versions: Server 2025
    # source: Microsoft Learn, SMB over QUIC client access control (AuditClientCertificateAccess)
    Set-Configuration 'smb-server-quic-audit' 26100 'Set-SmbServerConfiguration' 'Get-SmbServerConfiguration' 'AuditClientCertificateAccess' $true '' '' 'DWord' 1

    # asks: audit subcategories count, not the nine old categories
    # why: else an old policy silently undoes the next rows
    # breaks: nobody
    # versions: all
    # group policy: Security Options: Audit: Force audit policy subcategory settings (Windows Vista or later) to override audit policy category settings
    # source: Microsoft security baseline, Security Options; MS-GPAC
    Set-Value 'audit-subcategories' 0 'SYSTEM\CurrentControlSet\Control\Lsa' 'SCENoApplyLegacyAuditPolicy' 'DWord' 1

    # asks: who opens which share is logged
    # why: 5140 is the list of those who need this server; once per session and share
    # breaks: nobody
    # versions: all
    # group policy: Advanced Audit Policy: File Share
    # source: MS-GPAC 2.2.1.2; Policy CSP Audit
    Set-Audit 'audit-file-share' 0 '0CCE9224-69AE-11D9-BED3-505054503030' 3

    # asks: blocked connections are logged
    # why: 5157 names the program and, since Windows 11, the rule that blocked
    # breaks: whoever collects 5156: success is not logged, very many events; override it while audit-plan observes
    # versions: all
    # group policy: Advanced Audit Policy: Filtering Platform Connection
    # source: MS-GPAC 2.2.1.2; Policy CSP Audit
    Set-Audit 'audit-filtering-connection' 0 '0CCE9226-69AE-11D9-BED3-505054503030' 2

    # asks: changes of firewall rules are logged
    # why: 4946 to 4958: who opened what, and rules that this Windows could not read
    # breaks: nobody
    # versions: all
    # group policy: Advanced Audit Policy: MPSSVC Rule-Level Policy Change
    # source: MS-GPAC 2.2.1.2; Policy CSP Audit
    Set-Audit 'audit-firewall-rule-change' 0 '0CCE9232-69AE-11D9-BED3-505054503030' 3

    # asks: logons and failed logons are logged
    # why: 4624 and 4625 of type 3 say who comes by SMB, by Kerberos or NTLM
    # breaks: nobody
    # versions: all
    # group policy: Advanced Audit Policy: Logon
    # source: MS-GPAC 2.2.1.2; Policy CSP Audit
    Set-Audit 'audit-logon' 0 '0CCE9215-69AE-11D9-BED3-505054503030' 3

    # asks: logons by NTLM are logged where they are checked
    # why: 4776 on the domain controller, of local accounts on the machine itself
    # breaks: nobody
    # versions: all
    # group policy: Advanced Audit Policy: Credential Validation
    # source: MS-GPAC 2.2.1.2; Policy CSP Audit
    Set-Audit 'audit-credential-validation' 0 '0CCE923F-69AE-11D9-BED3-505054503030' 3
    # What an older bundle set and this one does not is again what it was.
    foreach ($before in @($run.Saved | Where-Object { -not $run.Wanted.ContainsKey($_.Id) })) {
        if ($WhatIfPreference) {
            Write-Host ('What if: ' + $before.Id + ' would be put back')
            continue
        }
        $run.Done = @($run.Done) + (Read-Setting $before)
        Restore-Setting $before
        $run.Saved = @($run.Saved | Where-Object { $_.Id -ne $before.Id })
        Save-Settings $run.Saved
        Write-Host ($before.Id + ': put back')
    }
}
catch {
    $done = @($run.Done)
    for ($i = $done.Count - 1; $i -ge 0; $i--) {
        Restore-Setting $done[$i]
    }
    Save-Settings $first
    Remove-Revert
    throw
}
Write-Host 'sallyport: settings of services, features and SMB1 need a restart to take effect'
