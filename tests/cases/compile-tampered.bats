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
