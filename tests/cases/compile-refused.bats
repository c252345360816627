#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0

bats_require_minimum_version 1.5.0
load golden

setup() {
    OUT=$BATS_TEST_TMPDIR/out
    cp "$(case_folder)/policy.yaml" "$BATS_TEST_TMPDIR/policy.yaml"
    cd "$BATS_TEST_TMPDIR"
}

teardown() {
    [ ! -e "$OUT" ]
}

@test "no controller: no lifeline" {
    sed -i 's/, role: domain-controller//' policy.yaml
    golden_stderr "$(case_folder)/no-controller.ok" 1 "$SALLYPORT" compile --policy policy.yaml -o "$OUT"
}

@test "a controller that some clients may not use: no lifeline" {
    sed -i 's/from: managed/from: servers/' policy.yaml
    golden_stderr "$(case_folder)/unreachable-controller.ok" 1 "$SALLYPORT" compile --policy policy.yaml -o "$OUT"
}

@test "a lifeline that is off is no reason to refuse" {
    sed -i 's/, role: domain-controller//' policy.yaml
    echo 'lifeline: {off: "no domain here"}' >>policy.yaml
    "$SALLYPORT" compile --policy policy.yaml -o "$BATS_TEST_TMPDIR/lifeless"
    grep -q 'the lifeline is off: no domain here' "$BATS_TEST_TMPDIR/lifeless/RULES.md"
}

@test "allow-if-secure: rule, field and target are named" {
    sed -i 's/to: files, service: smb/to: files, service: smb, secure: kerberos/' policy.yaml
    for target in powershell nftables; do
        golden_stderr "$(case_folder)/secure-$target.ok" 2 \
            "$SALLYPORT" compile --policy policy.yaml --target "$target" -o "$OUT"
    done
}

@test "a service that is told apart by its program" {
    sed -i 's/govern: \[smb\]/govern: [smb, smb-quic]/' policy.yaml
    golden_stderr "$(case_folder)/marked-service.ok" 2 \
        "$SALLYPORT" compile --policy policy.yaml --target nftables -o "$OUT"
}

@test "one target that can't spoils all" {
    sed -i 's/to: files, service: smb/to: files, service: smb, secure: kerberos/' policy.yaml
    run "$SALLYPORT" compile --policy policy.yaml -t nftables -t powershell -o "$OUT"
    [ "$status" -eq 2 ]
}

@test "a target that does not exist" {
    golden_stderr "$(case_folder)/no-such-target.ok" 2 \
        "$SALLYPORT" compile --policy policy.yaml --target nftable -o "$OUT"
}

@test "a policy with errors" {
    sed -i 's/from: clients/from: client/' policy.yaml
    golden_stderr "$(case_folder)/wrong-policy.ok" 2 "$SALLYPORT" compile --policy policy.yaml -o "$OUT"
}

@test "a host name that nobody knows" {
    sed -i 's/10.2.0.2/fs01.example.com/' policy.yaml
    golden_stderr "$(case_folder)/unknown-host.ok" 2 "$SALLYPORT" compile --policy policy.yaml -o "$OUT"
}

@test "rules of what is no artefact" {
    run --separate-stderr "$SALLYPORT" rules policy.yaml
    [ "$status" -eq 2 ]
    # What is known is listed; each new target would change the whole line.
    [[ $stderr == "sallyport: policy.yaml: error: expected an artefact or export of one of: Registry.pol, "*", powershell, "* ]]
}

@test "what can't be read gives no table" {
    for format in text csv json; do
        run --separate-stderr "$SALLYPORT" rules policy.yaml --format "$format"
        [ "$status" -eq 2 ]
        [ -z "$output" ]
    done
}
