#Requires -Version 5.1
#Requires -Modules Microsoft.Graph.Authentication
# sallyport Intune: rollback; deletes the policies of this workspace, of all host classes or of one
# workspace: contoso
# before: Connect-MgGraph -Scopes 'DeviceManagementConfiguration.ReadWrite.All'
# dry run, changes nothing: add -WhatIf
[CmdletBinding(SupportsShouldProcess = $true)]
param([string]$Class)
Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$uri = 'https://graph.microsoft.com/beta/deviceManagement/configurationPolicies'
$prefix = 'sallyport contoso: '
if ($Class) { $prefix = $prefix + $Class + ', part ' }
$known = @{}
$next = $uri + '?$select=id,name'
while ($next) {
    $page = Invoke-MgGraphRequest -Method GET -Uri $next -OutputType Hashtable
    foreach ($policy in @($page['value'])) {
        $known[[string]$policy['name']] = [string]$policy['id']
    }
    $next = $page['@odata.nextLink']
}
foreach ($name in @($known.Keys)) {
    if ($name.StartsWith($prefix) -and $PSCmdlet.ShouldProcess($name, 'delete')) {
        Invoke-MgGraphRequest -Method DELETE -Uri ($uri + '/' + $known[$name]) | Out-Null
    }
}
