#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0

load golden

setup() {
    OUT=$BATS_TEST_TMPDIR/out
    cp "$(case_folder)/policy.yaml" "$BATS_TEST_TMPDIR/policy.yaml"
    cd "$BATS_TEST_TMPDIR"
}

compiled() {
    "$SALLYPORT" compile --policy policy.yaml --target "$1" -o "$OUT" >/dev/null
}

# The file as it is written, but for the time.
written() {
    sed -E 's/(as of: )[0-9T:.-]+Z/\1(then)/; s/SHA-256 [0-9a-f]{64}/SHA-256 (hash)/' "$1"
}

@test "fortigate: as written, and as read" {
    compiled fortigate
    golden "$(case_folder)/fortigate.ok" 0 written "$OUT/fortigate/border-cloud.conf"
    golden "$(case_folder)/fortigate-rollback.ok" 0 written "$OUT/fortigate/border-cloud-rollback.conf"
    "$SALLYPORT" rules "$OUT/fortigate/border-cloud.conf" --json >/dev/null
}

@test "pan-os: as written, and as read" {
    compiled pan-os
    golden "$(case_folder)/pan-os.ok" 0 written "$OUT/pan-os/border-cloud.set"
    golden "$(case_folder)/pan-os-rollback.ok" 0 written "$OUT/pan-os/border-cloud-rollback.set"
    "$SALLYPORT" rules "$OUT/pan-os/border-cloud.set" --json >/dev/null
}

@test "azure-nsg: as written, and as read" {
    compiled azure-nsg
    golden "$(case_folder)/azure-nsg.ok" 0 written "$OUT/azure-nsg/border-cloud.json"
    "$SALLYPORT" rules "$OUT/azure-nsg/border-cloud.json" --json >/dev/null
}

@test "aws-nacl: as written, and as read" {
    compiled aws-nacl
    golden "$(case_folder)/aws-nacl.ok" 0 written "$OUT/aws-nacl/border-cloud.json"
    golden "$(case_folder)/aws-nacl-rollback.ok" 0 written "$OUT/aws-nacl/border-cloud-rollback.json"
    "$SALLYPORT" rules "$OUT/aws-nacl/border-cloud.json" --json >/dev/null
}

@test "aws-security-group: as written, and as read" {
    compiled aws-security-group
    golden "$(case_folder)/aws-security-group.ok" 0 written "$OUT/aws-security-group/cloud-1/group.json"
    "$SALLYPORT" rules "$OUT/aws-security-group/cloud-1/group.json" --json >/dev/null
}

@test "a folder is verified; one address more is noticed in each dialect" {
    for target in fortigate pan-os azure-nsg aws-nacl aws-security-group; do
        rm -rf "$OUT"
        compiled "$target"
        "$SALLYPORT" compile --policy policy.yaml --verify "$OUT" >/dev/null
        file=$(find "$OUT/$target" -path '*cloud*' \( -name 'border-cloud.*' -o -name group.json \) | head -n 1)
        before=$(sha256sum "$file")
        # The clients' network becomes twice as large.
        sed -i 's#10\.10\.0\.0/24#10.10.0.0/23#; s#10\.10\.0\.0 255\.255\.255\.0#10.10.0.0 255.255.254.0#' "$file"
        [ "$before" != "$(sha256sum "$file")" ]
        status=0
        "$SALLYPORT" compile --policy policy.yaml --verify "$OUT" >said 2>&1 || status=$?
        [ "$status" = 1 ] || {
            echo "$target: exit status $status"
            cat said
            return 1
        }
    done
}

@test "aws-nacl refuses inside addresses that differ" {
    sed -i 's/from: clients, to: cloud/from: clients, to: 10.20.0.9/' policy.yaml
    golden_stderr "$(case_folder)/aws-nacl-local.ok" 2 "$SALLYPORT" compile --policy policy.yaml --target aws-nacl -o "$OUT"
    [ ! -e "$OUT" ]
}

@test "aws-nacl and aws-security-group refuse more than their quotas, with the number" {
    networks=$(seq -s ', ' -f '10.77.%g.0/25' 0 69)
    sed -i "s#from: clients, to: cloud#from: [$networks], to: cloud#" policy.yaml
    golden_stderr "$(case_folder)/aws-nacl-quota.ok" 2 "$SALLYPORT" compile --policy policy.yaml --target aws-nacl -o "$OUT"
    golden_stderr "$(case_folder)/aws-security-group-quota.ok" 2 "$SALLYPORT" compile --policy policy.yaml --target aws-security-group -o "$OUT"
    [ ! -e "$OUT" ]
}

@test "aws-security-group refuses what must be secured" {
    sed -i 's/service: smb, secure: none}$/service: smb, secure: kerberos}/; s/^segments:/domains: [{name: contoso.com, sid: S-1-5-21-1-2-3}]\nlifeline: {off: a test}\nsegments:/' policy.yaml
    golden_stderr "$(case_folder)/aws-security-group-secure.ok" 2 "$SALLYPORT" compile --policy policy.yaml --target aws-security-group -o "$OUT"
    [ ! -e "$OUT" ]
}
