# A rule, made and undone in the way the emitted scripts do it.
#Requires -RunAsAdministrator
[CmdletBinding(SupportsShouldProcess)]
param(
    [switch] $Quiet
)
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'

$addresses = @(
    '10.0.0.0-10.19.255.255',
    '2001:db8::/32'
)
try {
    foreach ($profile in 'Domain', 'Private') {
        if ($PSCmdlet.ShouldProcess("profile $profile", 'log dropped packets')) {
            Set-NetFirewallProfile -Profile $profile -LogBlocked True
        }
    }
    New-NetFirewallRule -Name 'sample-in-1' -DisplayName 'sample' -Direction Inbound -Action Block `
        -Protocol TCP -LocalPort 445 -RemoteAddress $addresses | Out-Null
} catch {
    Write-Error "rule not made: $($_.Exception.Message)"
    exit 1
}
@{ Made = 1; Quiet = [bool]$Quiet } | ConvertTo-Json -Compress
