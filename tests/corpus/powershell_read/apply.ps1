#Requires -Version 5.1
#Requires -RunAsAdministrator
# sallyport: firewall rules; run as administrator, again replaces
# host class: servers-3
# organisation: Contoso
# policy: corpus.yaml, SHA-256 73825b056cd3f7447039b0ffb777d40a05064a9b039d70fae3d43f9639bd3421
# as of: 2026-11-21T00:00:00.000000Z
# dry run, changes nothing: add -WhatIf
# not held by this dialect: reserved IPv4 addresses with a first octet of 240 or more, which Windows does not document as valid end points of a range
# member: 10.2.0.7
[CmdletBinding(SupportsShouldProcess = $true)]
param(
    # This machine's own rules, or those of a group policy: 'contoso.com\name of the policy'.
    [string]$PolicyStore = 'PersistentStore',
    # The domain controller that a group policy is written to; without it, the PDC emulator.
    [string]$DomainController = '',
    # After so many minutes rollback.ps1 runs by itself, unless apply.ps1 -Keep came before.
    [ValidateRange(0, 1440)][int]$RevertAfterMinutes = 0,
    [switch]$Keep
)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$workspace = 'contoso'
# The rules below: what is replaced is saved once for them.
$bundle = '0943752fbfd6ecbb16d046e3e9a9caf3c5bc6fffe957ed004993b9d7fb5fec24-on'
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
if ($session -and ($RevertAfterMinutes -gt 0)) {
    throw '-RevertAfterMinutes is for this machine: a group policy is reverted by rollback.ps1'
}
# Takes the place of the rule of that name, if the group has one.
$made = @{}
function Remove-Old([string]$name) {
    $made[$name] = $true
    if (@($now.Rules | Where-Object { $_.Name -eq $name }).Count -gt 0) {
        Remove-NetFirewallRule @to -Name $name
    }
}
function Remove-OldSecurity([string]$name) {
    $made[$name] = $true
    if (@($now.Security | Where-Object { $_.IPsecRuleName -eq $name }).Count -gt 0) {
        Remove-NetIPsecRule @to -IPsecRuleName $name
    }
}
# What is dropped is logged. A group policy leaves each machine its own file.
function Set-Log([string]$name, [string]$blocked, [string]$path, [uint64]$kilobytes) {
    $log = @{ LogBlocked = $blocked }
    if (-not $session) {
        $log.LogFileName = $path
        $log.LogMaxSizeKilobytes = $kilobytes
    }
    Set-NetFirewallProfile @to -Name $name @log
}
$now = Get-State
$now.Bundle = $bundle
# Profiles that are known to be off: in this store and, on this machine, in force.
$off = @()
if (-not $session) {
    foreach ($known in @(Get-NetFirewallProfile -PolicyStore ActiveStore -Name 'Domain', 'Private', 'Public' -ErrorAction Stop)) {
        if ("$($known.Enabled)" -eq 'False') {
            $off += "$($known.Name)"
        }
    }
}
foreach ($known in $now.Profiles) {
    if (($known.Enabled -eq 'False') -and ($session -or ($off -contains $known.Name))) {
        $now.TurnedOn += $known.Name
    }
}
$states = @(Get-States)
$saved = Join-Path -Path $folder -ChildPath ('before-{0:d4}.xml' -f ($states.Count + 1))
$again = ($states.Count -gt 0) -and ((Read-State $states[-1].FullName).Bundle -eq $bundle)
try {
    Copy-Rollback 'rollback.ps1'
    if (-not $again) {
        Export-Clixml -LiteralPath $saved -InputObject $now -Depth 8 -WhatIf:$WhatIfPreference
    }

    # why: corpus.yaml:12 logon
    $remote = @(
        '10.2.0.1'
    )
    Remove-Old 'sallyport-contoso-outbound-smb-tcp-domain-private-allow-1-v4-1'
    New-NetFirewallRule @to -Name 'sallyport-contoso-outbound-smb-tcp-domain-private-allow-1-v4-1' -DisplayName 'sallyport contoso: outbound smb, allow approved servers (tcp, domain private), v4-1' -Description 'corpus.yaml:12 logon' -Group $group -Enabled True -Profile 'Domain','Private' -Direction Outbound -Action Allow -Protocol TCP -RemotePort '445' -Authentication NotRequired -Encryption NotRequired -RemoteAddress $remote | Out-Null

    # why: corpus.yaml:13 admin shares
    $remote = @(
        '10.1.0.0/24'
        '10.2.0.0/24'
    )
    Remove-Old 'sallyport-contoso-inbound-smb-tcp-domain-allow-if-secure-1-v4-1'
    New-NetFirewallRule @to -Name 'sallyport-contoso-inbound-smb-tcp-domain-allow-if-secure-1-v4-1' -DisplayName 'sallyport contoso: inbound smb, allow authenticated clients (tcp, domain), v4-1' -Description 'corpus.yaml:13 admin shares' -Group $group -Enabled True -Profile 'Domain' -Direction Inbound -Action Allow -EdgeTraversalPolicy Block -Protocol TCP -LocalPort '445' -Authentication Required -Encryption NotRequired -OverrideBlockRules $true -RemoteMachine 'O:LSD:(A;;CC;;;S-1-5-21-1-2-3-515)(A;;CC;;;S-1-5-21-1-2-3-516)(A;;CC;;;S-1-5-21-1-2-3-521)' -RemoteAddress $remote | Out-Null

    # why: corpus.yaml:13 admin shares
    $remote = @(
        '2001:db8:2::/64'
    )
    Remove-Old 'sallyport-contoso-inbound-smb-tcp-domain-allow-if-secure-1-v6-1'
    New-NetFirewallRule @to -Name 'sallyport-contoso-inbound-smb-tcp-domain-allow-if-secure-1-v6-1' -DisplayName 'sallyport contoso: inbound smb, allow authenticated clients (tcp, domain), v6-1' -Description 'corpus.yaml:13 admin shares' -Group $group -Enabled True -Profile 'Domain' -Direction Inbound -Action Allow -EdgeTraversalPolicy Block -Protocol TCP -LocalPort '445' -Authentication Required -Encryption NotRequired -OverrideBlockRules $true -RemoteMachine 'O:LSD:(A;;CC;;;S-1-5-21-1-2-3-515)(A;;CC;;;S-1-5-21-1-2-3-516)(A;;CC;;;S-1-5-21-1-2-3-521)' -RemoteAddress $remote | Out-Null

    # why: corpus.yaml:13 admin shares
    $remote = @(
        '10.2.0.7'
    )
    Remove-Old 'sallyport-contoso-outbound-smb-tcp-domain-private-allow-if-secure-1-v4-1'
    New-NetFirewallRule @to -Name 'sallyport-contoso-outbound-smb-tcp-domain-private-allow-if-secure-1-v4-1' -DisplayName 'sallyport contoso: outbound smb, allow authenticated servers (tcp, domain private), v4-1' -Description 'corpus.yaml:13 admin shares' -Group $group -Enabled True -Profile 'Domain','Private' -Direction Outbound -Action Allow -Protocol TCP -RemotePort '445' -Authentication Required -Encryption NotRequired -OverrideBlockRules $true -RemoteAddress $remote | Out-Null

    # why: corpus.yaml: no entry allows these in clear
    $remote = @(
        '0.0.0.1-126.255.255.255'
        '128.0.0.0-223.255.255.255'
    )
    Remove-Old 'sallyport-contoso-inbound-smb-tcp-domain-block-1-v4-1'
    New-NetFirewallRule @to -Name 'sallyport-contoso-inbound-smb-tcp-domain-block-1-v4-1' -DisplayName 'sallyport contoso: inbound smb, block unapproved clients (tcp, domain), v4-1' -Description 'corpus.yaml: no entry allows these in clear' -Group $group -Enabled True -Profile 'Domain' -Direction Inbound -Action Block -EdgeTraversalPolicy Block -Protocol TCP -LocalPort '445' -Authentication NotRequired -Encryption NotRequired -RemoteAddress $remote | Out-Null

    # why: corpus.yaml: no entry allows these in clear
    $remote = @(
        '::2-::fffe:ffff:ffff'
        '::1:0:0:0-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
    )
    Remove-Old 'sallyport-contoso-inbound-smb-tcp-domain-block-1-v6-1'
    New-NetFirewallRule @to -Name 'sallyport-contoso-inbound-smb-tcp-domain-block-1-v6-1' -DisplayName 'sallyport contoso: inbound smb, block unapproved clients (tcp, domain), v6-1' -Description 'corpus.yaml: no entry allows these in clear' -Group $group -Enabled True -Profile 'Domain' -Direction Inbound -Action Block -EdgeTraversalPolicy Block -Protocol TCP -LocalPort '445' -Authentication NotRequired -Encryption NotRequired -RemoteAddress $remote | Out-Null

    # why: corpus.yaml: profile private is block-inbound, profile public is block-all
    $remote = @(
        '0.0.0.1-126.255.255.255'
        '128.0.0.0-223.255.255.255'
    )
    Remove-Old 'sallyport-contoso-inbound-smb-tcp-private-public-block-1-v4-1'
    New-NetFirewallRule @to -Name 'sallyport-contoso-inbound-smb-tcp-private-public-block-1-v4-1' -DisplayName 'sallyport contoso: inbound smb, block unapproved clients (tcp, private public), v4-1' -Description 'corpus.yaml: profile private is block-inbound, profile public is block-all' -Group $group -Enabled True -Profile 'Private','Public' -Direction Inbound -Action Block -EdgeTraversalPolicy Block -Protocol TCP -LocalPort '445' -Authentication NotRequired -Encryption NotRequired -RemoteAddress $remote | Out-Null

    # why: corpus.yaml: profile private is block-inbound, profile public is block-all
    $remote = @(
        '::2-::fffe:ffff:ffff'
        '::1:0:0:0-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
    )
    Remove-Old 'sallyport-contoso-inbound-smb-tcp-private-public-block-1-v6-1'
    New-NetFirewallRule @to -Name 'sallyport-contoso-inbound-smb-tcp-private-public-block-1-v6-1' -DisplayName 'sallyport contoso: inbound smb, block unapproved clients (tcp, private public), v6-1' -Description 'corpus.yaml: profile private is block-inbound, profile public is block-all' -Group $group -Enabled True -Profile 'Private','Public' -Direction Inbound -Action Block -EdgeTraversalPolicy Block -Protocol TCP -LocalPort '445' -Authentication NotRequired -Encryption NotRequired -RemoteAddress $remote | Out-Null

    # why: corpus.yaml: no entry allows these in clear
    $remote = @(
        '0.0.0.1-10.2.0.0'
        '10.2.0.2-126.255.255.255'
        '128.0.0.0-223.255.255.255'
    )
    Remove-Old 'sallyport-contoso-outbound-smb-tcp-domain-private-block-1-v4-1'
    New-NetFirewallRule @to -Name 'sallyport-contoso-outbound-smb-tcp-domain-private-block-1-v4-1' -DisplayName 'sallyport contoso: outbound smb, block unapproved servers (tcp, domain private), v4-1' -Description 'corpus.yaml: no entry allows these in clear' -Group $group -Enabled True -Profile 'Domain','Private' -Direction Outbound -Action Block -Protocol TCP -RemotePort '445' -Authentication NotRequired -Encryption NotRequired -RemoteAddress $remote | Out-Null

    # why: corpus.yaml: no entry allows these in clear
    $remote = @(
        '::2-::fffe:ffff:ffff'
        '::1:0:0:0-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
    )
    Remove-Old 'sallyport-contoso-outbound-smb-tcp-domain-private-block-1-v6-1'
    New-NetFirewallRule @to -Name 'sallyport-contoso-outbound-smb-tcp-domain-private-block-1-v6-1' -DisplayName 'sallyport contoso: outbound smb, block unapproved servers (tcp, domain private), v6-1' -Description 'corpus.yaml: no entry allows these in clear' -Group $group -Enabled True -Profile 'Domain','Private' -Direction Outbound -Action Block -Protocol TCP -RemotePort '445' -Authentication NotRequired -Encryption NotRequired -RemoteAddress $remote | Out-Null

    # why: corpus.yaml: profile public is block-all
    $remote = @(
        '0.0.0.1-126.255.255.255'
        '128.0.0.0-223.255.255.255'
    )
    Remove-Old 'sallyport-contoso-outbound-smb-tcp-public-block-1-v4-1'
    New-NetFirewallRule @to -Name 'sallyport-contoso-outbound-smb-tcp-public-block-1-v4-1' -DisplayName 'sallyport contoso: outbound smb, block unapproved servers (tcp, public), v4-1' -Description 'corpus.yaml: profile public is block-all' -Group $group -Enabled True -Profile 'Public' -Direction Outbound -Action Block -Protocol TCP -RemotePort '445' -Authentication NotRequired -Encryption NotRequired -RemoteAddress $remote | Out-Null

    # why: corpus.yaml: profile public is block-all
    $remote = @(
        '::2-::fffe:ffff:ffff'
        '::1:0:0:0-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
    )
    Remove-Old 'sallyport-contoso-outbound-smb-tcp-public-block-1-v6-1'
    New-NetFirewallRule @to -Name 'sallyport-contoso-outbound-smb-tcp-public-block-1-v6-1' -DisplayName 'sallyport contoso: outbound smb, block unapproved servers (tcp, public), v6-1' -Description 'corpus.yaml: profile public is block-all' -Group $group -Enabled True -Profile 'Public' -Direction Outbound -Action Block -Protocol TCP -RemotePort '445' -Authentication NotRequired -Encryption NotRequired -RemoteAddress $remote | Out-Null

    Set-Log 'Domain' 'True' '%systemroot%\system32\LogFiles\Firewall\pfirewall.log' 16384
    Set-Log 'Private' 'True' '%systemroot%\system32\LogFiles\Firewall\pfirewall.log' 16384
    Set-Log 'Public' 'True' '%systemroot%\system32\LogFiles\Firewall\pfirewall.log' 16384

    # What an older bundle had and this one has not.
    foreach ($rule in $now.Rules) {
        if (-not $made.ContainsKey($rule.Name)) {
            Remove-NetFirewallRule @to -Name $rule.Name
        }
    }
    foreach ($rule in $now.Security) {
        if (-not $made.ContainsKey($rule.IPsecRuleName)) {
            Remove-NetIPsecRule @to -IPsecRuleName $rule.IPsecRuleName
        }
    }
    Remove-Sets ($made.ContainsKey($computer)) ($made.ContainsKey($user))
    # windows: {firewall: on}: what no rule names passes as before.
    foreach ($name in $now.TurnedOn) {
        Set-NetFirewallProfile @to -Name $name -DefaultInboundAction Allow -DefaultOutboundAction Allow -Enabled True
    }
    Save-Session
}
catch {
    # Half of the rules is no policy.
    Restore-State $now
    if ((-not $again) -and (Test-Path -LiteralPath $saved)) {
        Remove-Item -LiteralPath $saved -WhatIf:$WhatIfPreference
    }
    Remove-Revert
    throw
}
Write-Output ('sallyport: the rules of ' + $group + ' are in place in ' + $PolicyStore)
if ($RevertAfterMinutes -gt 0) {
    Write-Output ('sallyport: they are taken back after ' + $RevertAfterMinutes + ' minutes, unless apply.ps1 -Keep comes before')
}
