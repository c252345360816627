#Requires -Version 5.1
#Requires -RunAsAdministrator
# sallyport: firewall rules; run as administrator, again replaces
# host class: servers-2
# organisation: 
# policy: policy.yaml, SHA-256 f8c83c18e4bbb0505b2a8b61b5c0d63b26bc6888d6ba9ccad60aae65d66b2401
# as of: 2026-11-21T00:00:00.000000Z
# dry run, changes nothing: add -WhatIf
# not held by this dialect: reserved IPv4 addresses with a first octet of 240 or more, which Windows does not document as valid end points of a range
# member: 10.2.0.1
[CmdletBinding(SupportsShouldProcess = $true)]
param()
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
# The local store; policies from a domain are not touched.
$store = 'PersistentStore'
$group = 'sallyport:workspace'
$folder = Join-Path -Path $env:ProgramData -ChildPath 'sallyport'
$state = Join-Path -Path $folder -ChildPath 'profiles-workspace.csv'
# What the log settings were before the first run, for rollback.ps1.
if (-not (Test-Path -LiteralPath $state)) {
    New-Item -ItemType Directory -Force -Path $folder -WhatIf:$WhatIfPreference | Out-Null
    Get-NetFirewallProfile -PolicyStore $store -Name 'Domain','Private','Public' |
        Select-Object -Property 'Name','LogBlocked','LogFileName' |
        Export-Csv -LiteralPath $state -NoTypeInformation -WhatIf:$WhatIfPreference
}
# Exactly this group in this store is replaced.
if (Get-NetFirewallRule -PolicyStore $store -Group $group -ErrorAction SilentlyContinue) {
    Remove-NetFirewallRule -PolicyStore $store -Group $group -WhatIf:$WhatIfPreference
}
try {

    # why: policy.yaml:10 logon
    $remote = @(
        '10.1.0.0/24'
        '10.2.0.0/24'
    )
    New-NetFirewallRule -PolicyStore $store -Name 'sallyport-workspace-inbound-smb-tcp-domain-private-public-allow-1-v4-1' -DisplayName 'sallyport workspace: inbound smb, allow approved clients (tcp, domain private public), v4-1' -Description 'policy.yaml:10 logon' -Group $group -Enabled True -Profile 'Domain','Private','Public' -Direction Inbound -Action Allow -EdgeTraversalPolicy Block -Protocol TCP -LocalPort '445' -RemoteAddress $remote -WhatIf:$WhatIfPreference | Out-Null

    # why: policy.yaml:10 logon
    $remote = @(
        '2001:db8:2::/64'
    )
    New-NetFirewallRule -PolicyStore $store -Name 'sallyport-workspace-inbound-smb-tcp-domain-private-public-allow-1-v6-1' -DisplayName 'sallyport workspace: inbound smb, allow approved clients (tcp, domain private public), v6-1' -Description 'policy.yaml:10 logon' -Group $group -Enabled True -Profile 'Domain','Private','Public' -Direction Inbound -Action Allow -EdgeTraversalPolicy Block -Protocol TCP -LocalPort '445' -RemoteAddress $remote -WhatIf:$WhatIfPreference | Out-Null

    # why: policy.yaml:10 logon
    $remote = @(
        '10.2.0.1'
    )
    New-NetFirewallRule -PolicyStore $store -Name 'sallyport-workspace-outbound-smb-tcp-domain-private-public-allow-1-v4-1' -DisplayName 'sallyport workspace: outbound smb, allow approved servers (tcp, domain private public), v4-1' -Description 'policy.yaml:10 logon' -Group $group -Enabled True -Profile 'Domain','Private','Public' -Direction Outbound -Action Allow -Protocol TCP -RemotePort '445' -RemoteAddress $remote -WhatIf:$WhatIfPreference | Out-Null

    # why: policy.yaml: no entry allows these in clear
    $remote = @(
        '0.0.0.1-10.0.255.255'
        '10.1.1.0-10.1.255.255'
        '10.2.1.0-126.255.255.255'
        '128.0.0.0-223.255.255.255'
    )
    New-NetFirewallRule -PolicyStore $store -Name 'sallyport-workspace-inbound-smb-tcp-domain-private-public-block-1-v4-1' -DisplayName 'sallyport workspace: inbound smb, block unapproved clients (tcp, domain private public), v4-1' -Description 'policy.yaml: no entry allows these in clear' -Group $group -Enabled True -Profile 'Domain','Private','Public' -Direction Inbound -Action Block -EdgeTraversalPolicy Block -Protocol TCP -LocalPort '445' -RemoteAddress $remote -WhatIf:$WhatIfPreference | Out-Null

    # why: policy.yaml: no entry allows these in clear
    $remote = @(
        '::2-::fffe:ffff:ffff'
        '::1:0:0:0-2001:db8:1:ffff:ffff:ffff:ffff:ffff'
        '2001:db8:2:1::-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
    )
    New-NetFirewallRule -PolicyStore $store -Name 'sallyport-workspace-inbound-smb-tcp-domain-private-public-block-1-v6-1' -DisplayName 'sallyport workspace: inbound smb, block unapproved clients (tcp, domain private public), v6-1' -Description 'policy.yaml: no entry allows these in clear' -Group $group -Enabled True -Profile 'Domain','Private','Public' -Direction Inbound -Action Block -EdgeTraversalPolicy Block -Protocol TCP -LocalPort '445' -RemoteAddress $remote -WhatIf:$WhatIfPreference | Out-Null

    # why: policy.yaml: no entry allows these in clear
    $remote = @(
        '0.0.0.1-10.2.0.0'
        '10.2.0.2-126.255.255.255'
        '128.0.0.0-223.255.255.255'
    )
    New-NetFirewallRule -PolicyStore $store -Name 'sallyport-workspace-outbound-smb-tcp-domain-private-public-block-1-v4-1' -DisplayName 'sallyport workspace: outbound smb, block unapproved servers (tcp, domain private public), v4-1' -Description 'policy.yaml: no entry allows these in clear' -Group $group -Enabled True -Profile 'Domain','Private','Public' -Direction Outbound -Action Block -Protocol TCP -RemotePort '445' -RemoteAddress $remote -WhatIf:$WhatIfPreference | Out-Null

    # why: policy.yaml: no entry allows these in clear
    $remote = @(
        '::2-::fffe:ffff:ffff'
        '::1:0:0:0-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
    )
    New-NetFirewallRule -PolicyStore $store -Name 'sallyport-workspace-outbound-smb-tcp-domain-private-public-block-1-v6-1' -DisplayName 'sallyport workspace: outbound smb, block unapproved servers (tcp, domain private public), v6-1' -Description 'policy.yaml: no entry allows these in clear' -Group $group -Enabled True -Profile 'Domain','Private','Public' -Direction Outbound -Action Block -Protocol TCP -RemotePort '445' -RemoteAddress $remote -WhatIf:$WhatIfPreference | Out-Null
}
catch {
    # Half of the rules is no policy.
    if (Get-NetFirewallRule -PolicyStore $store -Group $group -ErrorAction SilentlyContinue) {
        Remove-NetFirewallRule -PolicyStore $store -Group $group -WhatIf:$WhatIfPreference
    }
    throw
}
# What is dropped is logged, in the profile's own log file.
Set-NetFirewallProfile -PolicyStore $store -Name 'Domain','Private','Public' -LogBlocked True -WhatIf:$WhatIfPreference
