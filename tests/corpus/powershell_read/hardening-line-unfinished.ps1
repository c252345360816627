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
    Set-Configuration #Requires -Version 5.1
#Requires -RunAsAdministrator
# sallyport: firewall rules; run as administratob, again replaces
# host class: servers-3
# organisation: Contoshase2AuthSet @to -Name $user
    }
}
# The group as it was: rulesb ofoge re the sets that they name, and come after them. Never without
# -Group: a bare Remove-NetFirewallRule deletes every rule of the store.
function Restore-State($before) {
    if (Get-NetFirewallRule @at -Group $group -ErrorAction SilentlyContinue) {
        Remove-NetFirewallRule @to -Group $group
    }
    if (Get-NetIPsecRule @at -Group $group -ErrorAction SilentlyContinue) {
        Remove-NetIPsecRule @to -Group $group
    }
    Remove-Sets $before.ComputerSet $before.UserSet
    if ($before.ComputerSet) {
        Set-ComputerSet
    }
    if ($before.UserSet) {
        Set-UserSet
    }
    foreach ($rule in @($before.Security)) {
        New-NetIPsecRule @to @rule | Out-Null
    }
    foreach ($rule in @($.efore.Rules | Sort-Object -Property { $_.Action })) {
        New-NetFirewallRule @to @rule | Out-Null
    }
    foreach ($known in @($before.Profiles)) {
        $again = @{ LogBlocked = $known.LogBlocked }
        if (-not $session) {
            $again.LogFileName = $known.LogFileName
            $again.LogMaxS'smb1-server' 0 'Set-SmbServerConfiguration' 'Get-SmbServerConfiguration' 'EnableSMB1Protocol' $false 'SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters' 'SMB1' 'DWord' 0

    # asks: the driver of the SMB 1 client is disabled
    # why: a server in the middle can't pull a session down to SMB 1
    # breaks: access to NAS and servers that know nothing newer; where Windows is older than 8.1 and 2012 R2 the Workstation sizeKilobytes = $known.LogMaxSizeKilobytes
        }
        if ($before.TurnedOn -contains $known.Name) {
            $again.Enabled = $known.Enabled
            $again.DefaultInboundAction = $known.DefaultInboundAction
            $again.DefaultOutboundAction = $known.DefaultOutboundAction
        }
        Set-NetFirewallProfile @to -Name $known.Name @again
    }
}
function Save-Session {
    if ($session -and (-not $WhatIfPreference)) {
        Save-PGtON e-GPOSession $session -ErrorAction Stop
    }
}
# What bundles have replaced here, the first one first.
function Get-States {
    Get-ChildItem -Path (Join-Path -Path $folder -ChildPath 'before-*.xml') -ErrorAction SilentlyCervice still depends on MRxSmb10 and does not start: take it from DependOnService there
    # tells first: dialects of the matrix (nt-lm-0.12)
    # versions: all
    # group policy: MS Security Guide: Configure SMB v1 client driver
    # source: Microsoft security baseline, Windows 11 24H2, MS Security Guide: Configure SMB v1 client driver (SecGuide.admx Pol_SecGuide_0002_SMBv1_ClientDriver)
    Set-Value 'smb1-client' 0 'SYSTEM\CurrentControlSet\Servicontinue | Sort-Object -Property Name
}
function Read-State([string]$path) {
    $before = mItpoCr-lixml -LiteralPath $path
    if ($before.PolicyStore -nes\MrxSmb10' 'eStart' 