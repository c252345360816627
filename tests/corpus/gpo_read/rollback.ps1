#Requires -Version 5.1
#Requires -RunAsAdministrator
# sallyport: rollback of a group policy object on one machine
# host class: clients-1
# policy: policy.yaml, SHA-256 0dfcaadd3603b29e9fe6a502333ede45a5ee9deb7d4afc4bb4893a47705fd7d5
# as of: 2026-11-22T10:25:14.591166Z
# First take the machine out of the GPO's group, or unlink the GPO: what is removed here comes back when it is applied again.
# Over WinRM: Invoke-Command -ComputerName NAME -FilePath rollback.ps1
# dry run, changes nothing: add -WhatIf
[CmdletBinding(SupportsShouldProcess = $true)]
param()
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$policy = 'SOFTWARE\Policies\Microsoft\WindowsFirewall'
$group = 'sallyport:contoso'
function Open-Key([string]$Path) {
    return [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey($Path, $true)
}
# A value goes only while it still says what the GPO wrote.
function Undo-Value([string]$Path, [string]$Name, [string]$Data) {
    $key = Open-Key $Path
    if ($null -eq $key) { return }
    $found = @($key.GetValue($Name, '', 'DoNotExpandEnvironmentNames')) -join ','
    if (($found -ceq $Data) -and $PSCmdlet.ShouldProcess("$Path $Name", 'Remove')) {
        $key.DeleteValue($Name, $false)
    }
    $key.Close()
}
# Exactly what carries this group's mark.
$mark = '|EmbedCtxt=' + $group + '|'
$left = 0
foreach ($part in @('FirewallRules', 'ConSecRules')) {
    $key = Open-Key "$policy\$part"
    if ($null -eq $key) { continue }
    foreach ($name in @($key.GetValueNames())) {
        if (([string]$key.GetValue($name)).Contains($mark)) {
            if ($PSCmdlet.ShouldProcess($name, 'Remove')) { $key.DeleteValue($name, $false) }
        }
        else { $left++ }
    }
    $key.Close()
}
foreach ($part in @('Phase1AuthenticationSets', 'Phase2AuthenticationSets')) {
    $key = Open-Key "$policy\$part"
    if ($null -eq $key) { continue }
    foreach ($name in @($key.GetSubKeyNames())) {
        $set = $key.OpenSubKey($name)
        $ours = ([string]$set.GetValue('EmbeddedContext')) -ceq $group
        $set.Close()
        if ($ours -and $PSCmdlet.ShouldProcess($name, 'Remove')) { $key.DeleteSubKeyTree($name, $false) }
    }
    $key.Close()
}
# Log settings and the version go when no other GPO has rules here.
if ($left -eq 0) {
    foreach ($part in @('DomainProfile', 'PrivateProfile', 'PublicProfile')) {
        Undo-Value "$policy\$part\Logging" 'LogFilePath' '%systemroot%\system32\LogFiles\Firewall\pfirewall.log'
        Undo-Value "$policy\$part\Logging" 'LogFileSize' '16384'
        Undo-Value "$policy\$part\Logging" 'LogDroppedPackets' '1'
    }
    Undo-Value $policy 'PolicyVersion' '522'
}
Undo-Value 'SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters' 'AuditSmb1Access' '1'
Undo-Value 'SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters' 'SMB1' '0'
# not undone by this script: the start type of MrxSmb10
Undo-Value 'SOFTWARE\Policies\Microsoft\Windows\LanmanServer' 'AuditClientDoesNotSupportSigning' '1'
Undo-Value 'SOFTWARE\Policies\Microsoft\Windows\LanmanWorkstation' 'AuditServerDoesNotSupportSigning' '1'
Undo-Value 'SOFTWARE\Policies\Microsoft\Windows\LanmanServer' 'AuditClientDoesNotSupportEncryption' '1'
Undo-Value 'SOFTWARE\Policies\Microsoft\Windows\LanmanWorkstation' 'AuditServerDoesNotSupportEncryption' '1'
Undo-Value 'SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters' 'RejectUnencryptedAccess' '1'
Undo-Value 'SOFTWARE\Policies\Microsoft\Windows\LanmanServer' 'MinSmb2Dialect' '768'
Undo-Value 'SOFTWARE\Policies\Microsoft\Windows\LanmanServer' 'MaxSmb2Dialect' '785'
Undo-Value 'SOFTWARE\Policies\Microsoft\Windows\LanmanWorkstation' 'MinSmb2Dialect' '768'
Undo-Value 'SOFTWARE\Policies\Microsoft\Windows\LanmanWorkstation' 'MaxSmb2Dialect' '785'
Undo-Value 'SOFTWARE\Policies\Microsoft\Windows\LanmanServer' 'AuditInsecureGuestLogon' '1'
Undo-Value 'SOFTWARE\Policies\Microsoft\Windows\LanmanWorkstation' 'AuditInsecureGuestLogon' '1'
Undo-Value 'SOFTWARE\Policies\Microsoft\Windows\LanmanWorkstation' 'AllowInsecureGuestAuth' '0'
Undo-Value 'SOFTWARE\Policies\Microsoft\Windows\LanmanServer' 'EnableAuthRateLimiter' '1'
Undo-Value 'SOFTWARE\Policies\Microsoft\Windows\LanmanServer' 'InvalidAuthenticationDelayTimeInMs' '2000'
Undo-Value 'SOFTWARE\Policies\Microsoft\Windows\Bowser' 'EnableMailslots' '0'
Undo-Value 'SOFTWARE\Policies\Microsoft\Windows\NetworkProvider' 'EnableMailslots' '0'
Undo-Value 'SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System' 'LocalAccountTokenFilterPolicy' '0'
Undo-Value 'SOFTWARE\Policies\Microsoft\Windows\NetworkProvider\HardenedPaths' '\\*\SYSVOL' 'RequireMutualAuthentication=1, RequireIntegrity=1'
Undo-Value 'SOFTWARE\Policies\Microsoft\Windows\NetworkProvider\HardenedPaths' '\\*\NETLOGON' 'RequireMutualAuthentication=1, RequireIntegrity=1'
Undo-Value 'SOFTWARE\Policies\Microsoft\WindowsFirewall\DomainProfile\Logging' 'LogDroppedPackets' '1'
Undo-Value 'SOFTWARE\Policies\Microsoft\WindowsFirewall\PrivateProfile\Logging' 'LogDroppedPackets' '1'
Undo-Value 'SOFTWARE\Policies\Microsoft\WindowsFirewall\PublicProfile\Logging' 'LogDroppedPackets' '1'
Undo-Value 'SOFTWARE\Policies\Microsoft\WindowsFirewall\DomainProfile\Logging' 'LogFileSize' '16384'
Undo-Value 'SOFTWARE\Policies\Microsoft\WindowsFirewall\PrivateProfile\Logging' 'LogFileSize' '16384'
Undo-Value 'SOFTWARE\Policies\Microsoft\WindowsFirewall\PublicProfile\Logging' 'LogFileSize' '16384'
Undo-Value 'SOFTWARE\Policies\Microsoft\WindowsFirewall\DomainProfile\Logging' 'LogFilePath' '%systemroot%\system32\LogFiles\Firewall\pfirewall.log'
Undo-Value 'SOFTWARE\Policies\Microsoft\WindowsFirewall\PrivateProfile\Logging' 'LogFilePath' '%systemroot%\system32\LogFiles\Firewall\pfirewall.log'
Undo-Value 'SOFTWARE\Policies\Microsoft\WindowsFirewall\PublicProfile\Logging' 'LogFilePath' '%systemroot%\system32\LogFiles\Firewall\pfirewall.log'
Undo-Value 'SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters' 'RequireSecuritySignature' '1'
Undo-Value 'SYSTEM\CurrentControlSet\Services\LanmanWorkstation\Parameters' 'RequireSecuritySignature' '1'
Undo-Value 'SYSTEM\CurrentControlSet\Control\Lsa' 'LmCompatibilityLevel' '5'
Undo-Value 'SYSTEM\CurrentControlSet\Services\LanmanWorkstation\Parameters' 'EnablePlainTextPassword' '0'
Undo-Value 'SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters' 'RestrictNullSessAccess' '1'
Undo-Value 'SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters' 'NullSessionPipes' ''
Undo-Value 'SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters' 'NullSessionShares' ''
Undo-Value 'SYSTEM\CurrentControlSet\Control\Lsa\MSV1_0' 'allownullsessionfallback' '0'
Undo-Value 'SYSTEM\CurrentControlSet\Control\Lsa' 'RestrictAnonymous' '1'
Undo-Value 'SYSTEM\CurrentControlSet\Control\Lsa' 'RestrictAnonymousSAM' '1'
Undo-Value 'SYSTEM\CurrentControlSet\Control\Lsa' 'EveryoneIncludesAnonymous' '0'
Undo-Value 'SYSTEM\CurrentControlSet\Control\Lsa' 'RestrictRemoteSam' 'O:BAG:BAD:(A;;RC;;;BA)'
Undo-Value 'SYSTEM\CurrentControlSet\Control\Lsa' 'SCENoApplyLegacyAuditPolicy' '1'
# not undone by this script: the start type of LanmanServer
# not undone by this script: the audit subcategory File Share
# not undone by this script: the audit subcategory Filtering Platform Connection
# not undone by this script: the audit subcategory MPSSVC Rule-Level Policy Change
# not undone by this script: the audit subcategory Logon
# not undone by this script: the audit subcategory Credential Validation
for ($try = 0; $try -lt 30; $try++) {
    if ($WhatIfPreference) { return }
    if (-not (Get-NetFirewallRule -PolicyStore 'ActiveStore' -Group $group -ErrorAction SilentlyContinue)) { return }
    Start-Sleep -Seconds 1
}
throw 'rules of the GPO are still in force: restart this machine'
