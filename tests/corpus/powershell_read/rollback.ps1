#Requires -Version 5.1
#Requires -RunAsAdministrator
# sallyport: rollback; removes the group's rules and restores the log settings
# host class: servers-2
# organisation: 
# policy: policy.yaml, SHA-256 f8c83c18e4bbb0505b2a8b61b5c0d63b26bc6888d6ba9ccad60aae65d66b2401
# as of: 2026-11-21T00:00:00.000000Z
# dry run, changes nothing: add -WhatIf
[CmdletBinding(SupportsShouldProcess = $true)]
param()
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
# The local store; policies from a domain are not touched.
$store = 'PersistentStore'
$group = 'sallyport:workspace'
$folder = Join-Path -Path $env:ProgramData -ChildPath 'sallyport'
$state = Join-Path -Path $folder -ChildPath 'profiles-workspace.csv'
if (Get-NetFirewallRule -PolicyStore $store -Group $group -ErrorAction SilentlyContinue) {
    Remove-NetFirewallRule -PolicyStore $store -Group $group -WhatIf:$WhatIfPreference
}
if (Test-Path -LiteralPath $state) {
    foreach ($saved in @(Import-Csv -LiteralPath $state)) {
        if ((@('Domain','Private','Public') -contains $saved.Name) -and (@('True','False','NotConfigured') -contains $saved.LogBlocked)) {
            Set-NetFirewallProfile -PolicyStore $store -Name $saved.Name -LogBlocked $saved.LogBlocked -WhatIf:$WhatIfPreference
        }
    }
    Remove-Item -LiteralPath $state -WhatIf:$WhatIfPreference
}
