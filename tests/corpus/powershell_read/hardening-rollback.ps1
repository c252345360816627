#Requires -Version 5.1
#Requires -RunAsAdministrator
# sallyport: rollback of the hardening; every setting becomes what it was
# host class: servers-3
# organisation: Contoso
# policy: corpus.yaml, SHA-256 73825b056cd3f7447039b0ffb777d40a05064a9b039d70fae3d43f9639bd3421
# as of: 2026-11-21T00:00:00.000000Z
# dry run, changes nothing: add -WhatIf
[CmdletBinding(SupportsShouldProcess = $true)]
param()
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
$settings = @(Get-Settings)
for ($i = $settings.Count - 1; $i -ge 0; $i--) {
    if ($WhatIfPreference) {
        Write-Host ('What if: ' + $settings[$i].Id + ' would be put back')
        continue
    }
    Restore-Setting $settings[$i]
    Save-Settings @($settings | Select-Object -First $i)
    Write-Host ($settings[$i].Id + ': put back')
}
Remove-Revert
