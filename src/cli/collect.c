/* SPDX-License-Identifier: Apache-2.0 */
/* The collector: a PowerShell script that only reads. Which registry values it looks at comes from
 * the baseline's table; what it writes is described in docs/collector.md.
 */
#include "cli/command.h"
#include "harden/baseline.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define CR_LF "\r\n"

/* A line of the script per line. */
/* clang-format off */

static const char head[] =
    "# Reads how this machine is set and which firewall rules it has, and writes one JSON file." CR_LF
    "# Changes nothing. Made by sallyport; what it writes is described in docs/collector.md." CR_LF
    "#Requires -Version 5.1" CR_LF
    "#Requires -RunAsAdministrator" CR_LF
    "[CmdletBinding()]" CR_LF
    "param([string] $OutFile = (Join-Path (Get-Location).ProviderPath \"$env:COMPUTERNAME.json\"))" CR_LF
    "$ErrorActionPreference = 'Stop'" CR_LF
    "$problems = New-Object System.Collections.ArrayList" CR_LF
    "" CR_LF
    "# One part that cannot be read leaves the others alone." CR_LF
    "function Read-Part([string] $Name, [scriptblock] $Read) {" CR_LF
    "    try { & $Read } catch {" CR_LF
    "        [void] $problems.Add([ordered]@{ part = $Name; text = [string] $_.Exception.Message })" CR_LF
    "        $null" CR_LF
    "    }" CR_LF
    "}" CR_LF
    "" CR_LF
    "# Numbers and switches as they are, lists as text, everything else as text." CR_LF
    "function ConvertTo-Plain($Value) {" CR_LF
    "    if ($null -eq $Value) { return $null }" CR_LF
    "    if ($Value -is [bool]) { return $Value }" CR_LF
    "    if ($Value -is [Enum]) { return [string] $Value }" CR_LF
    "    if ($Value -is [ValueType]) { return $Value }" CR_LF
    "    if ($Value -is [array]) { return , @($Value | ForEach-Object { [string] $_ }) }" CR_LF
    "    return [string] $Value" CR_LF
    "}" CR_LF
    "" CR_LF
    "function Read-Properties($Object) {" CR_LF
    "    $out = [ordered]@{}" CR_LF
    "    foreach ($property in $Object.PSObject.Properties) {" CR_LF
    "        if ($property.Name -like 'Cim*' -or $property.Name -like 'PS*') { continue }" CR_LF
    "        $out[$property.Name] = ConvertTo-Plain $property.Value" CR_LF
    "    }" CR_LF
    "    $out" CR_LF
    "}" CR_LF
    "" CR_LF
    "function Read-Registry([string] $Key, [string] $Name) {" CR_LF
    "    $opened = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey($Key)" CR_LF
    "    if ($null -eq $opened) { return $null }" CR_LF
    "    $kept = [Microsoft.Win32.RegistryValueOptions]::DoNotExpandEnvironmentNames" CR_LF
    "    try { return ConvertTo-Plain $opened.GetValue($Name, $null, $kept) } finally { $opened.Close() }" CR_LF
    "}" CR_LF
    "" CR_LF
    "# Filters of all rules at once, by rule: asking for each rule takes minutes." CR_LF
    "function Group-Filter([string] $Cmdlet) {" CR_LF
    "    $out = @{}" CR_LF
    "    foreach ($filter in @(& $Cmdlet -PolicyStore ActiveStore)) { $out[$filter.InstanceID] = $filter }" CR_LF
    "    $out" CR_LF
    "}" CR_LF
    "" CR_LF
    "$data = [ordered]@{" CR_LF
    "    sallyport = 'collected'" CR_LF
    "    version = 1" CR_LF
    "    computer = $env:COMPUTERNAME" CR_LF
    "    fqdn = Read-Part 'fqdn' { [System.Net.Dns]::GetHostEntry('').HostName }" CR_LF
    "    collected = [DateTime]::UtcNow.ToString(" CR_LF
    "        'yyyy-MM-ddTHH:mm:ssZ', [Globalization.CultureInfo]::InvariantCulture)" CR_LF
    "}" CR_LF
    "" CR_LF
    "$data.addresses = Read-Part 'addresses' {" CR_LF
    "    , @(Get-NetIPAddress | Where-Object {" CR_LF
    "            $_.AddressState -eq 'Preferred' -and $_.IPAddress -notlike '127.*' -and" CR_LF
    "            $_.IPAddress -ne '::1' -and $_.IPAddress -notlike '169.254.*' -and" CR_LF
    "            $_.IPAddress -notlike 'fe80:*'" CR_LF
    "        } | ForEach-Object { [string] $_.IPAddress })" CR_LF
    "}" CR_LF
    "" CR_LF
    "$data.os = Read-Part 'os' {" CR_LF
    "    $os = Get-CimInstance Win32_OperatingSystem" CR_LF
    "    [ordered]@{" CR_LF
    "        caption = [string] $os.Caption" CR_LF
    "        build = [int] $os.BuildNumber" CR_LF
    "        revision = Read-Registry 'SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion' 'UBR'" CR_LF
    "        server = $os.ProductType -ne 1" CR_LF
    "        domain_controller = $os.ProductType -eq 2" CR_LF
    "    }" CR_LF
    "}" CR_LF
    "" CR_LF
    "$data.domain = Read-Part 'domain' {" CR_LF
    "    $computer = Get-CimInstance Win32_ComputerSystem" CR_LF
    "    if ($computer.PartOfDomain) { [string] $computer.Domain } else { $null }" CR_LF
    "}" CR_LF
    "" CR_LF
    "$data.smb_server = Read-Part 'smb_server' { Read-Properties (Get-SmbServerConfiguration) }" CR_LF
    "$data.smb_client = Read-Part 'smb_client' { Read-Properties (Get-SmbClientConfiguration) }" CR_LF
    "" CR_LF
    "# Start types: 2 automatic, 3 manual, 4 disabled; nothing = there is no such service." CR_LF
    "$services = @('LanmanServer', 'LanmanWorkstation', 'WebClient', 'MpsSvc', 'PolicyAgent', 'IKEEXT')" CR_LF
    "$data.services = Read-Part 'services' {" CR_LF
    "    $out = [ordered]@{}" CR_LF
    "    foreach ($name in $services) {" CR_LF
    "        $out[$name] = Read-Registry \"SYSTEM\\CurrentControlSet\\Services\\$name\" 'Start'" CR_LF
    "    }" CR_LF
    "    $out" CR_LF
    "}" CR_LF
    "$data.running = Read-Part 'running' {" CR_LF
    "    , @(Get-Service -Name $services -ErrorAction SilentlyContinue |" CR_LF
    "            Where-Object { $_.Status -eq 'Running' } | ForEach-Object { $_.Name })" CR_LF
    "}" CR_LF
    "" CR_LF
    "$data.features = Read-Part 'features' {" CR_LF
    "    $out = [ordered]@{}" CR_LF
    "    foreach ($feature in @(Get-WindowsOptionalFeature -Online -FeatureName 'SMB1Protocol*')) {" CR_LF
    "        $out[$feature.FeatureName] = [string] $feature.State" CR_LF
    "    }" CR_LF
    "    $out" CR_LF
    "}" CR_LF
    "" CR_LF
    "# The names in it are in the language of Windows; GUIDs and numbers are not." CR_LF
    "$data.audit = Read-Part 'audit' {" CR_LF
    "    $file = [IO.Path]::GetTempFileName()" CR_LF
    "    try {" CR_LF
    "        & auditpol.exe /backup \"/file:$file\" | Out-Null" CR_LF
    "        if ($LASTEXITCODE -ne 0) { throw \"auditpol ended with $LASTEXITCODE\" }" CR_LF
    "        $header = 'Machine', 'Target', 'Subcategory', 'Guid', 'Inclusion', 'Exclusion', 'Value'" CR_LF
    "        $out = [ordered]@{}" CR_LF
    "        foreach ($row in @(Get-Content $file | Select-Object -Skip 1 | ConvertFrom-Csv -Header $header)) {" CR_LF
    "            if ($row.Target -ne 'System' -or $row.Guid -notlike '{*}') { continue }" CR_LF
    "            $out[$row.Guid.ToUpperInvariant()] = ([int] $row.Value) -band 3" CR_LF
    "        }" CR_LF
    "        $out" CR_LF
    "    } finally { Remove-Item -LiteralPath $file -Force }" CR_LF
    "}" CR_LF
    "" CR_LF;

static const char tail[] =
    "$data.registry = Read-Part 'registry' {" CR_LF
    "    , @(foreach ($place in $places) {" CR_LF
    "            [ordered]@{" CR_LF
    "                key = $place[0]" CR_LF
    "                value = $place[1]" CR_LF
    "                data = Read-Registry $place[0] $place[1]" CR_LF
    "            }" CR_LF
    "        })" CR_LF
    "}" CR_LF
    "" CR_LF
    "$data.firewall_profiles = Read-Part 'firewall_profiles' {" CR_LF
    "    $out = [ordered]@{}" CR_LF
    "    foreach ($one in @(Get-NetFirewallProfile -PolicyStore ActiveStore)) {" CR_LF
    "        $out[[string] $one.Name] = Read-Properties $one" CR_LF
    "    }" CR_LF
    "    $out" CR_LF
    "}" CR_LF
    "" CR_LF
    "$data.firewall_rules = Read-Part 'firewall_rules' {" CR_LF
    "    $addresses = Group-Filter Get-NetFirewallAddressFilter" CR_LF
    "    $ports = Group-Filter Get-NetFirewallPortFilter" CR_LF
    "    $programs = Group-Filter Get-NetFirewallApplicationFilter" CR_LF
    "    $services = Group-Filter Get-NetFirewallServiceFilter" CR_LF
    "    $security = Group-Filter Get-NetFirewallSecurityFilter" CR_LF
    "    $interfaces = Group-Filter Get-NetFirewallInterfaceFilter" CR_LF
    "    $types = Group-Filter Get-NetFirewallInterfaceTypeFilter" CR_LF
    "    , @(foreach ($rule in @(Get-NetFirewallRule -PolicyStore ActiveStore)) {" CR_LF
    "            $id = $rule.InstanceID" CR_LF
    "            [ordered]@{" CR_LF
    "                name = [string] $rule.Name" CR_LF
    "                display_name = [string] $rule.DisplayName" CR_LF
    "                description = [string] $rule.Description" CR_LF
    "                group = [string] $rule.Group" CR_LF
    "                enabled = [string] $rule.Enabled" CR_LF
    "                profile = [string] $rule.Profile" CR_LF
    "                direction = [string] $rule.Direction" CR_LF
    "                action = [string] $rule.Action" CR_LF
    "                edge_traversal = [string] $rule.EdgeTraversalPolicy" CR_LF
    "                owner = [string] $rule.Owner" CR_LF
    "                source = [string] $rule.PolicyStoreSource" CR_LF
    "                source_type = [string] $rule.PolicyStoreSourceType" CR_LF
    "                status = [string] $rule.PrimaryStatus" CR_LF
    "                protocol = [string] $ports[$id].Protocol" CR_LF
    "                local_port = @($ports[$id].LocalPort | ForEach-Object { [string] $_ })" CR_LF
    "                remote_port = @($ports[$id].RemotePort | ForEach-Object { [string] $_ })" CR_LF
    "                icmp_type = @($ports[$id].IcmpType | ForEach-Object { [string] $_ })" CR_LF
    "                dynamic_target = [string] $ports[$id].DynamicTarget" CR_LF
    "                local_address = @($addresses[$id].LocalAddress | ForEach-Object { [string] $_ })" CR_LF
    "                remote_address = @($addresses[$id].RemoteAddress | ForEach-Object { [string] $_ })" CR_LF
    "                program = [string] $programs[$id].Program" CR_LF
    "                package = [string] $programs[$id].Package" CR_LF
    "                service = [string] $services[$id].Service" CR_LF
    "                interface_alias = @($interfaces[$id].InterfaceAlias | ForEach-Object { [string] $_ })" CR_LF
    "                interface_type = [string] $types[$id].InterfaceType" CR_LF
    "                authentication = [string] $security[$id].Authentication" CR_LF
    "                encryption = [string] $security[$id].Encryption" CR_LF
    "                override_block_rules = [string] $security[$id].OverrideBlockRules" CR_LF
    "                local_user = [string] $security[$id].LocalUser" CR_LF
    "                remote_user = [string] $security[$id].RemoteUser" CR_LF
    "                remote_machine = [string] $security[$id].RemoteMachine" CR_LF
    "            }" CR_LF
    "        })" CR_LF
    "}" CR_LF
    "" CR_LF
    "$data.ipsec_rules = Read-Part 'ipsec_rules' {" CR_LF
    "    $addresses = Group-Filter Get-NetFirewallAddressFilter" CR_LF
    "    $ports = Group-Filter Get-NetFirewallPortFilter" CR_LF
    "    , @(foreach ($rule in @(Get-NetIPsecRule -PolicyStore ActiveStore)) {" CR_LF
    "            $id = $rule.InstanceID" CR_LF
    "            [ordered]@{" CR_LF
    "                name = [string] $rule.Name" CR_LF
    "                display_name = [string] $rule.DisplayName" CR_LF
    "                description = [string] $rule.Description" CR_LF
    "                group = [string] $rule.Group" CR_LF
    "                enabled = [string] $rule.Enabled" CR_LF
    "                profile = [string] $rule.Profile" CR_LF
    "                mode = [string] $rule.Mode" CR_LF
    "                inbound_security = [string] $rule.InboundSecurity" CR_LF
    "                outbound_security = [string] $rule.OutboundSecurity" CR_LF
    "                phase1_auth_set = [string] $rule.Phase1AuthSet" CR_LF
    "                phase2_auth_set = [string] $rule.Phase2AuthSet" CR_LF
    "                quick_mode_crypto_set = [string] $rule.QuickModeCryptoSet" CR_LF
    "                key_module = [string] $rule.KeyModule" CR_LF
    "                source = [string] $rule.PolicyStoreSource" CR_LF
    "                source_type = [string] $rule.PolicyStoreSourceType" CR_LF
    "                status = [string] $rule.PrimaryStatus" CR_LF
    "                protocol = [string] $ports[$id].Protocol" CR_LF
    "                local_port = @($ports[$id].LocalPort | ForEach-Object { [string] $_ })" CR_LF
    "                remote_port = @($ports[$id].RemotePort | ForEach-Object { [string] $_ })" CR_LF
    "                local_address = @($addresses[$id].LocalAddress | ForEach-Object { [string] $_ })" CR_LF
    "                remote_address = @($addresses[$id].RemoteAddress | ForEach-Object { [string] $_ })" CR_LF
    "            }" CR_LF
    "        })" CR_LF
    "}" CR_LF
    "" CR_LF
    "# Which methods the authentication sets hold, in their order." CR_LF
    "$data.ipsec_auth_sets = Read-Part 'ipsec_auth_sets' {" CR_LF
    "    $sets = @(Get-NetIPsecPhase1AuthSet -PolicyStore ActiveStore) +" CR_LF
    "        @(Get-NetIPsecPhase2AuthSet -PolicyStore ActiveStore)" CR_LF
    "    , @(foreach ($set in $sets) {" CR_LF
    "            [ordered]@{" CR_LF
    "                name = [string] $set.Name" CR_LF
    "                display_name = [string] $set.DisplayName" CR_LF
    "                phase = if ($set.CimClass.CimClassName -like '*P1*') { 1 } else { 2 }" CR_LF
    "                proposals = @($set.Proposals | ForEach-Object { [string] $_ })" CR_LF
    "            }" CR_LF
    "        })" CR_LF
    "}" CR_LF
    "" CR_LF
    "$data.problems = @($problems)" CR_LF
    "$json = ConvertTo-Json -InputObject $data -Depth 6" CR_LF
    "[IO.File]::WriteAllText($OutFile, $json, (New-Object System.Text.UTF8Encoding $false))" CR_LF
    "Write-Host \"written: $OutFile\"" CR_LF;

/* clang-format on */

static bool is_before(unsigned at, str key, str value)
{
    for (unsigned i = 0; i < at; i++)
        if (str_equal(baseline_rows[i].change.key, key) &&
            str_equal(baseline_rows[i].change.value, value))
            return true;
    return false;
}

/* Keys and values of the table hold no quotes; a test looks. */
static void put_places(struct buf *out)
{
    buf_str(out, S("# Where the settings of the baseline stand." CR_LF "$places = @(" CR_LF));
    bool any = false;
    for (unsigned i = 0; i < HARDEN_ROW_COUNT; i++) {
        const struct harden_change *c = &baseline_rows[i].change;
        if (!c->key.len || is_before(i, c->key, c->value)) continue;
        buf_format(out, "%s    @('%.*s', '%.*s')", any ? "," CR_LF : "", STR_ARG(c->key),
                   STR_ARG(c->value));
        any = true;
    }
    buf_str(out, S(CR_LF ")" CR_LF CR_LF));
}

static int run(struct invocation *call)
{
    struct err err = {0};
    struct buf script = buf_in(call->arena);
    if (!option_flag(call, S("script"))) {
        err_set(&err, ERR_USAGE,
                "expected --script: what it prints is run on the machines, with "
                "your own tools");
        return command_fail(call, &err);
    }
    buf_str(&script, (str){head, sizeof head - 1});
    put_places(&script);
    buf_str(&script, (str){tail, sizeof tail - 1});
    if (!option_given(call, S("output"))) {
        buf_str(call->out, buf_text(&script));
        return EXIT_FINE;
    }
    str path = option_text(call, S("output"));
    struct os *os = call->os;
    if (os->write_file(os->self, path, str_bytes(buf_text(&script)), false, &err)) return EXIT_FINE;
    (void)err_in(&err, path);
    return command_fail(call, &err);
}

static const struct option options[] = {
    {.name = T("script"),
     .type = OPTION_FLAG,
     .help = T("print the script, for PowerShell 5.1 and later on the machine itself")},
    { .name = T("output"),
     .letter = 'o',
     .type = OPTION_TEXT,
     .value = T("FILE"),
     .help = T("write it into a file instead")},
};

static const struct example examples[] = {
    {T("sallyport collect --script -o collect.ps1"), T("The script, to be run on the machines.")},
};

const struct command collect_command = {
    .name = T("collect"),
    .summary = T("Print the script that reads settings and firewall rules of a Windows machine"),
    .options = options,
    .n_options = COUNT_OF(options),
    .examples = examples,
    .n_examples = COUNT_OF(examples),
    .details = T(
        "The script changes nothing. It writes one JSON file per machine: configuration of the SMB "
        "server and client, the registry values of the baseline, services, features, audit policy, "
        "firewall profiles, the rules and connection security rules in force (ActiveStore), "
        "version "
        "of Windows. Run it as administrator, by your own means (Invoke-Command, a scheduled task, "
        "an RMM), and give the files to \"sallyport audit --collected\"."),
    .run = run,
};
