#Requires -Version 5.1
#Requires -RunAsAdministrator
# sallyport: rollback; the group's rules and the log settings become what they were before the last bundle
# host class: servers-3
# organisation: Contoso
# policy: corpus.yaml, SHA-256 73825b056cd3f7447039b0ffb777d40a05064a9b039d70fae3d43f9639bd3421
# as of: 2026-11-21T00:00:00.000000Z
# dry run, changes nothing: add -WhatIf
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    # This machine's own rules, or those of a group policy: 'contoso.com\name of the policy'.
    [string]$PolicyStore = 'PersistentStore',
    # The domain controller that a group policy is written to; without it, the PDC emulator.
    [string]$DomainController = '',
    # Not the last bundle only, but every one: back to before the first.
    [switch]$All
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$workspace = 'contoso'
$group = 'sallyport:' + $workspace
if ($PolicyStore -eq 'PersistentStore') {
    $place = 'local'
}
elseif ($PolicyStore -like '?*\?*') {
    $place = 'gpo-' + ($PolicyStore -replace '[^A-Za-z0-9.-]', '_')
}
else {
    throw 'expected -PolicyStore PersistentStore, or a group policy as DOMAIN\NAME'
}
# What is replaced is kept where only administrators write.
$folder = Join-Path -Path $env:ProgramFiles -ChildPath ('sallyport\' + $workspace + '\' + $place)
$task = 'sallyport-revert-' + $workspace
$at = @{ PolicyStore = $PolicyStore }
$session = $null
if ($place -ne 'local') {
    $domain = ($PolicyStore -split '\\')[0]
    if (-not $DomainController) {
        # Without a name, Open-NetGPO may write to any domain controller.
        $context = New-Object -TypeName 'System.DirectoryServices.ActiveDirectory.DirectoryContext' -ArgumentList 'Domain', $domain
        $DomainController = [System.DirectoryServices.ActiveDirectory.Domain]::GetDomain($context).PdcRoleOwner.Name
    }
    $session = Open-NetGPO -PolicyStore $PolicyStore -DomainController $DomainController -ErrorAction Stop
    $at = @{ GPOSession = $session }
}
# Cmdlets of a module do not see this script's preferences.
$to = $at + @{ ErrorAction = 'Stop'; WhatIf = [bool]$WhatIfPreference }
# The authentication sets of connection security rules.
$computer = 'sallyport-' + $workspace + '-computer-kerberos'
$user = 'sallyport-' + $workspace + '-user-kerberos'
# Each property that says something, as a parameter that makes it again.
function Add-Parameters([hashtable]$parameters, $from, [string[]]$names) {
    foreach ($name in $names) {
        $value = $from.$name
        if ($value -is [array]) {
            $value = [string[]]$value
        }
        elseif ($value -isnot [bool]) {
            $value = "$value"
        }
        if ($value -and ("$value" -ne 'Any')) {
            $parameters[$name] = $value
        }
    }
}
function Get-Rules {
    foreach ($rule in @(Get-NetFirewallRule @at -Group $group -ErrorAction SilentlyContinue)) {
        $again = @{ Name = $rule.Name }
        Add-Parameters $again $rule ('DisplayName', 'Description', 'Group', 'Enabled', 'Profile', 'Direction', 'Action', 'Owner', 'LooseSourceMapping', 'LocalOnlyMapping', 'Platform')
        if ("$($rule.Direction)" -eq 'Inbound') {
            Add-Parameters $again $rule ('EdgeTraversalPolicy')
        }
        $ports = Get-NetFirewallPortFilter @at -AssociatedNetFirewallRule $rule -ErrorAction Stop
        Add-Parameters $again $ports ('Protocol', 'LocalPort', 'RemotePort', 'IcmpType')
        $addresses = Get-NetFirewallAddressFilter @at -AssociatedNetFirewallRule $rule -ErrorAction Stop
        Add-Parameters $again $addresses ('LocalAddress', 'RemoteAddress')
        $application = Get-NetFirewallApplicationFilter @at -AssociatedNetFirewallRule $rule -ErrorAction Stop
        Add-Parameters $again $application ('Program', 'Package')
        $service = Get-NetFirewallServiceFilter @at -AssociatedNetFirewallRule $rule -ErrorAction Stop
        Add-Parameters $again $service ('Service')
        $interface = Get-NetFirewallInterfaceFilter @at -AssociatedNetFirewallRule $rule -ErrorAction Stop
        Add-Parameters $again $interface ('InterfaceAlias')
        $kind = Get-NetFirewallInterfaceTypeFilter @at -AssociatedNetFirewallRule $rule -ErrorAction Stop
        Add-Parameters $again $kind ('InterfaceType')
        $security = Get-NetFirewallSecurityFilter @at -AssociatedNetFirewallRule $rule -ErrorAction Stop
        Add-Parameters $again $security ('Authentication', 'Encryption', 'OverrideBlockRules', 'LocalUser', 'RemoteUser', 'RemoteMachine')
        $again
    }
}
function Get-SecurityRules {
    foreach ($rule in @(Get-NetIPsecRule @at -Group $group -ErrorAction SilentlyContinue)) {
        $again = @{}
        Add-Parameters $again $rule ('IPsecRuleName', 'DisplayName', 'Description', 'Group', 'Enabled', 'Profile', 'InboundSecurity', 'OutboundSecurity', 'Phase1AuthSet', 'Phase2AuthSet')
        $addresses = Get-NetFirewallAddressFilter @at -AssociatedNetIPsecRule $rule -ErrorAction Stop
        Add-Parameters $again $addresses ('LocalAddress', 'RemoteAddress')
        $again
    }
}
function Test-ComputerSet {
    @(Get-NetIPsecPhase1AuthSet @at -Group $group -ErrorAction SilentlyContinue | Where-Object { $_.Name -eq $computer }).Count -gt 0
}
function Test-UserSet {
    @(Get-NetIPsecPhase2AuthSet @at -Group $group -ErrorAction SilentlyContinue | Where-Object { $_.Name -eq $user }).Count -gt 0
}
function Get-Profiles {
    foreach ($known in @(Get-NetFirewallProfile @at -Name 'Domain', 'Private', 'Public' -ErrorAction Stop)) {
        @{
            Name = "$($known.Name)"
            LogBlocked = "$($known.LogBlocked)"
            LogFileName = "$($known.LogFileName)"
            LogMaxSizeKilobytes = $known.LogMaxSizeKilobytes
            Enabled = "$($known.Enabled)"
            DefaultInboundAction = "$($known.DefaultInboundAction)"
            DefaultOutboundAction = "$($known.DefaultOutboundAction)"
        }
    }
}
function Get-State {
    @{
        Bundle = ''
        PolicyStore = $PolicyStore
        Rules = @(Get-Rules)
        Security = @(Get-SecurityRules)
        ComputerSet = Test-ComputerSet
        UserSet = Test-UserSet
        Profiles = @(Get-Profiles)
        TurnedOn = @()
    }
}
# Computer and user Kerberos, made or made again.
function Set-ComputerSet {
    $proposal = New-NetIPsecAuthProposal -Machine -Kerberos -ErrorAction Stop
    if (Test-ComputerSet) {
        Set-NetIPsecPhase1AuthSet @to -Name $computer -Proposal $proposal
    }
    else {
        New-NetIPsecPhase1AuthSet @to -Name $computer -DisplayName $computer -Group $group -Proposal $proposal | Out-Null
    }
}
function Set-UserSet {
    $proposal = New-NetIPsecAuthProposal -User -Kerberos -ErrorAction Stop
    if (Test-UserSet) {
        Set-NetIPsecPhase2AuthSet @to -Name $user -Proposal $proposal
    }
    else {
        New-NetIPsecPhase2AuthSet @to -Name $user -DisplayName $user -Group $group -Proposal $proposal | Out-Null
    }
}
function Remove-Sets([bool]$keepComputer, [bool]$keepUser) {
    if ((-not $keepComputer) -and (Test-ComputerSet)) {
        Remove-NetIPsecPhase1AuthSet @to -Name $computer
    }
    if ((-not $keepUser) -and (Test-UserSet)) {
        Remove-NetIPsecPhase2AuthSet @to -Name $user
    }
}
# The group as it was: rules go before the sets that they name, and come after them. Never without
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
    foreach ($rule in @($before.Rules | Sort-Object -Property { $_.Action })) {
        New-NetFirewallRule @to @rule | Out-Null
    }
    foreach ($known in @($before.Profiles)) {
        $again = @{ LogBlocked = $known.LogBlocked }
        if (-not $session) {
            $again.LogFileName = $known.LogFileName
            $again.LogMaxSizeKilobytes = $known.LogMaxSizeKilobytes
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
        Save-NetGPO -GPOSession $session -ErrorAction Stop
    }
}
# What bundles have replaced here, the first one first.
function Get-States {
    Get-ChildItem -Path (Join-Path -Path $folder -ChildPath 'before-*.xml') -ErrorAction SilentlyContinue | Sort-Object -Property Name
}
function Read-State([string]$path) {
    $before = Import-Clixml -LiteralPath $path
    if ($before.PolicyStore -ne $PolicyStore) {
        throw ($path + ' is of ' + $before.PolicyStore)
    }
    $before
}
function Remove-Revert {
    if (Get-ScheduledTask -TaskName $task -ErrorAction SilentlyContinue) {
        Unregister-ScheduledTask -TaskName $task -Confirm:$false -ErrorAction Stop -WhatIf:$WhatIfPreference
    }
}
$states = @(Get-States)
$undone = @()
if ($states.Count -eq 0) {
    # Nothing was saved here: the group goes.
    Restore-State @{ Rules = @(); Security = @(); ComputerSet = $false; UserSet = $false; Profiles = @(); TurnedOn = @() }
}
for ($i = $states.Count - 1; $i -ge 0; $i--) {
    Restore-State (Read-State $states[$i].FullName)
    $undone += $states[$i].FullName
    if (-not $All) {
        break
    }
}
Save-Session
foreach ($path in $undone) {
    Remove-Item -LiteralPath $path -WhatIf:$WhatIfPreference
}
Remove-Revert
Write-Output ('sallyport: ' + $undone.Count + ' bundle(s) taken back, ' + ($states.Count - $undone.Count) + ' left')
