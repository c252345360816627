#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0

bats_require_minimum_version 1.5.0

load golden

setup() {
    cd "$BATS_TEST_TMPDIR"
    cp "$(case_folder)/policy.yaml" .
    "$SALLYPORT" compile --policy policy.yaml --as-of 2026-11-21 -t powershell -t nftables -o out >/dev/null
}

verify() {
    golden "$(case_folder)/$1.ok" 1 "$SALLYPORT" compile --policy policy.yaml --verify out
}

@test "an untouched folder is verified" {
    golden "$(case_folder)/untouched.ok" 0 "$SALLYPORT" compile --policy policy.yaml --verify out
}

@test "a wider allow on Windows, though a block hides it" {
    sed -i "0,/'10.2.0.1-10.2.0.2'/s//'10.2.0.1-10.2.0.3'/" out/powershell/clients-1/apply.ps1
    verify wider-allow
}

@test "a block with a hole" {
    sed -i "/'10.2.0.3-126.255.255.255'/s/10.2.0.3/10.2.0.4/" out/powershell/clients-1/apply.ps1
    verify hole
}

@test "a set that lost its only element" {
    sed -i '0,/10.2.0.1-10.2.0.2/s///' out/nftables/clients-1.nft
    verify lost-element
}

@test "a border that lets in one address more" {
    sed -i '0,/10.1.0.0\/24/s//10.1.0.0-10.1.1.0/' out/nftables/border-servers.nft
    verify wider-border
}

@test "a rule in another direction" {
    sed -i '0,/-Direction Inbound -Action Block -EdgeTraversalPolicy Block -Protocol TCP -LocalPort/s//-Direction Outbound -Action Block -Protocol TCP -RemotePort/' out/powershell/clients-1/apply.ps1
    verify direction
}

@test "a line that is none of ours" {
    echo 'Set-NetFirewallProfile -All -Enabled False' >>out/powershell/clients-1/apply.ps1
    verify foreign-line
}

@test "a rule of another group, which the rollback would leave" {
    sed -i "s/^\$workspace = 'workspace'/\$workspace = 'other'/" out/powershell/clients-1/apply.ps1
    verify other-group
}

@test "a rollback that removes everything" {
    sed -i 's/Remove-NetFirewallRule @to -Group $group/Remove-NetFirewallRule @to/' out/powershell/clients-1/rollback.ps1
    verify bare-removal
}

@test "a file that is gone" {
    rm out/nftables/servers-1.nft
    verify missing
}

@test "a remark that was changed" {
    sed -i 's/^# as of: 2026/# as of: 2025/' out/nftables/servers-1.nft
    verify remark
}

@test "a policy that asks for something else now" {
    sed -i 's/hosts: \[10.2.0.2\]/hosts: [10.2.0.3]/' policy.yaml
    verify other-policy
}

@test "a verification as JSON, equal and not" {
    run -0 "$SALLYPORT" compile --policy policy.yaml --verify out --json
    [ "$output" = '{"proof":{"equal":true,"differences":[]}}' ]
    echo '# more' >>out/RULES.md
    run -1 "$SALLYPORT" compile --policy policy.yaml --verify out --json
    [ "$output" = '{"proof":{"equal":false,"differences":["RULES.md was changed since it was written"]}}' ]
    sed -i "0,/'10.2.0.1-10.2.0.2'/s//'10.2.0.1-10.2.0.3'/" out/powershell/clients-1/apply.ps1
    run -1 "$SALLYPORT" compile --policy policy.yaml --verify out --json
    [[ "$output" == '{"proof":{"equal":false,"differences":["clients-1/apply.ps1: '* ]]
}

# Changes a target's first file of that name, and the manifest's hash with it.
damage() {
    python3 - "$@" <<'PY'
import hashlib, json, pathlib, struct, sys
folder, target, name, old, new = sys.argv[1:]
manifest = pathlib.Path(folder, "manifest.json")
told = json.loads(manifest.read_text())
entry = next(e for e in told["files"] if e["path"].startswith(target + "/") and e["path"].endswith("/" + name))
path = pathlib.Path(folder, entry["path"])
before = path.read_bytes()

def coded(text):
    if before[:4] == b"PReg":  # NAME=NUMBER, as a REG_DWORD
        word, number = text.split("=")
        semicolon = ";".encode("utf-16-le")
        return (word + "\0;").encode("utf-16-le") + semicolon.join(struct.pack("<I", n) for n in (4, 4, int(number)))
    return text.encode("utf-16-le" if before[:2] == b"\xff\xfe" else "utf-8")

after = before.replace(coded(old), coded(new), 1)
assert after != before
path.write_bytes(after)
entry["sha256"] = hashlib.sha256(after).hexdigest()
manifest.write_text(json.dumps(told))
PY
}

@test "a value of a setting, and the manifest's hash with it" {
    echo 'hardening: {baseline: smb-2026, mode: enforce}' >>policy.yaml
    "$SALLYPORT" compile --policy policy.yaml --as-of 2026-11-21 -t powershell -t gpo -t mdm -t reg -o whole >/dev/null
    run -0 "$SALLYPORT" compile --policy policy.yaml --verify whole
    n=0
    while IFS='|' read -r target name old new setting; do
        rm -rf damaged
        cp -R whole damaged
        damage damaged "$target" "$name" "$old" "$new"
        run -1 "$SALLYPORT" compile --policy policy.yaml --verify damaged
        echo "$target $name: $output"
        [[ "$output" == *"$target does not say what the policy says:"* ]]
        [[ "$output" == *"/$name: setting $setting: expected \""* ]]
        n=$((n + 1))
    done <<'EOF'
powershell|hardening.ps1|'RequireSecuritySignature' 'DWord' 1|'RequireSecuritySignature' 'DWord' 0|smb-server-signing
powershell|hardening.ps1|'EnableSMB1Protocol' $false|'EnableSMB1Protocol' $true|smb1-server
powershell|hardening.ps1|Set-Audit 'audit-logon' 0|Set-Audit 'audit-logon' 30000|audit-logon
powershell|apply.ps1|Set-Log 'Public' 'True'|Set-Log 'Public' 'False'|log Public
gpo|registry.pol|MinSmb2Dialect=768|MinSmb2Dialect=514|SOFTWARE\Policies\Microsoft\Windows\LanmanServer, MinSmb2Dialect
gpo|Registry.pol.xml|<ValueName>MinSmb2Dialect</ValueName><Value>768|<ValueName>MinSmb2Dialect</ValueName><Value>514|SOFTWARE\Policies\Microsoft\Windows\LanmanServer, MinSmb2Dialect
gpo|GptTmpl.inf|LmCompatibilityLevel=4,5|LmCompatibilityLevel=4,0|SYSTEM\CurrentControlSet\Control\Lsa, LmCompatibilityLevel
gpo|GptTmpl.inf.xml|LmCompatibilityLevel=4,5|LmCompatibilityLevel=4,0|SYSTEM\CurrentControlSet\Control\Lsa, LmCompatibilityLevel
gpo|audit.csv|Success and Failure,,3|Success,,1|the audit subcategory File Share
gpo|rollback.ps1|'LmCompatibilityLevel' '5'|'LmCompatibilityLevel' '9'|SYSTEM\CurrentControlSet\Control\Lsa, LmCompatibilityLevel
mdm|hardening.xml|<Data>768</Data>|<Data>514</Data>|./Device/Vendor/MSFT/Policy/Config/LanmanServer/MinSmb2Dialect
mdm|logging.xml|<Data>16384</Data>|<Data>1</Data>|./Vendor/MSFT/Firewall/MdmStore/DomainProfile/LogMaxFileSize
reg|rules.reg|"LogFileSize"=dword:00004000|"LogFileSize"=dword:00001000|SOFTWARE\Policies\Microsoft\WindowsFirewall\DomainProfile\Logging, LogFileSize
EOF
    [ "$n" -eq 13 ]
}
