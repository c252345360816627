#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What machines hold already is part of the proof: an old block beats a new allow.

bats_require_minimum_version 1.5.0
load golden

setup() {
    cp "$(case_folder)/policy.yaml" "$BATS_TEST_TMPDIR/policy.yaml"
    cd "$BATS_TEST_TMPDIR"
    OUT=$BATS_TEST_TMPDIR/out
}

# old RULE: a .reg of one rule
old() {
    printf 'Windows Registry Editor Version 5.00\n\n' >old.reg
    printf '[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\WindowsFirewall\\FirewallRules]\n"{A}"="%s"\n' "$1" >>old.reg
}

@test "an old block of approved servers is a difference that names it, and nothing is written" {
    old 'v2.10|Action=Block|Active=TRUE|Dir=Out|Protocol=6|RPort=445|RA4=10.20.0.21|Name=old block|'
    run -1 "$SALLYPORT" compile --policy policy.yaml --existing clients-1=old.reg -o "$OUT"
    [[ $output == *'server 10.20.0.21, smb (tcp/445)'*'the existing rule "old block"'* ]]
    [ ! -e "$OUT" ]
    # Servers do not have it.
    run -0 "$SALLYPORT" compile --policy policy.yaml --existing servers-1=old.reg --target mdm -o "$OUT"
}

@test "an old allow is beaten by the new block" {
    old 'v2.10|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=445|Name=open to all|'
    run -0 "$SALLYPORT" compile --policy policy.yaml --existing old.reg -o "$OUT"
}

@test "rules of other ports, and disabled ones, are nobody's business" {
    old 'v2.10|Action=Block|Active=FALSE|Dir=Out|Protocol=6|RPort=445|Name=off|'
    run -0 "$SALLYPORT" compile --policy policy.yaml --existing old.reg -o "$OUT"
    old 'v2.10|Action=Block|Active=TRUE|Dir=Out|Protocol=6|RPort=443|Name=web|'
    run -0 "$SALLYPORT" compile --policy policy.yaml --existing old.reg -o "$OUT"
}

@test "rules of a folder: those that compile wrote, or all that are known" {
    "$SALLYPORT" compile --policy policy.yaml --target powershell --target nftables --target netsh -o "$OUT"
    "$SALLYPORT" rules --json "$OUT" >all.json
    "$SALLYPORT" rules --json "$OUT"/powershell/*/apply.ps1 "$OUT"/nftables/clients-1.nft "$OUT"/nftables/servers-*.nft \
        "$OUT"/netsh/*/apply.cmd >each.json
    [ "$(grep -o '"id":' all.json | wc -l)" -eq "$(grep -o '"id":' each.json | wc -l)" ]
    mkdir -p backups/deep
    old 'v2.10|Action=Block|Active=TRUE|Dir=Out|Protocol=6|RPort=445|Name=deep|'
    mv old.reg backups/deep/
    echo nothing >backups/readme.txt
    run -0 "$SALLYPORT" rules backups
    [[ $output == *backups/deep/old.reg*deep* ]]
    rm backups/deep/old.reg
    run -2 "$SALLYPORT" rules backups
    [[ $output == *'no file of a known format'* ]]
}

@test "a machine that is none, a file that is none" {
    old 'v2.10|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=445|Name=a|'
    run -2 "$SALLYPORT" compile --policy policy.yaml --existing nosuch=old.reg -o "$OUT"
    [[ $output == *'found "nosuch"'* ]]
    run -2 "$SALLYPORT" compile --policy policy.yaml --existing clients-1=missing.reg -o "$OUT"
    [[ $output == *missing.reg* ]]
    # Rules of another kind of firewall would be passed over.
    run -2 "$SALLYPORT" compile --policy policy.yaml --existing old.reg --target nftables -o "$OUT"
    [[ $output == *'old.reg: '*'say nothing of the targets asked for'* ]]
    [ ! -e "$OUT" ]
}
