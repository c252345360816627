#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Exceptions that start and expire, and what would change an answer: see exceptions/README.md.

load golden

setup() {
    case_dir=$(case_folder)
    cd "$case_dir"
}

# Usage: asked AS-OF POLICY CLIENT SERVER [OPTION...]
asked() {
    local at=$1 policy=$2
    shift 2
    "$SALLYPORT" explain "$@" --policy "$policy" --exceptions exceptions.yaml --as-of "$at"
}

@test "alive: who answers for it, until when" {
    golden alive.ok 0 asked 2026-10-25T22:59:59.999999Z known.yaml 10.40.0.5 10.20.0.21
}

@test "the night the clocks went back it is alive for 25 hours, then dead" {
    run asked 2026-10-25T22:59:59.999999Z known.yaml 10.40.0.5 10.20.0.21 --json
    [[ $output == *'"intent":"allow"'*'"id":"EX-12"'*'"state":"alive"'* ]]
    run asked 2026-10-25T23:00:00Z known.yaml 10.40.0.5 10.20.0.21 --json
    [[ $output == *'"intent":"block"'*'"exception":null'*'"kind":"renew-exception"'*'"state":"expired"'* ]]
    run asked 2026-09-30T21:59:59.999999Z known.yaml 10.40.0.5 10.20.0.21 --json
    [[ $output == *'"intent":"block"'*'"state":"not-started"'* ]]
    # A date alone is its midnight in the policy's zone, for --as-of too.
    run asked 2026-10-01 known.yaml 10.40.0.5 10.20.0.21 --json
    [[ $output == *'"intent":"allow"'* ]]
}

@test "dead: what it was, and what would change the answer" {
    golden dead.ok 0 asked 2026-10-25T23:00:00Z known.yaml 10.40.0.5 10.20.0.21
    golden dead.json.ok 0 asked 2026-10-25T23:00:00Z known.yaml 10.40.0.5 10.20.0.21 --json
}

@test "what hangs on a group that nobody knows is undecidable" {
    golden undecidable.ok 0 asked 2026-10-20 policy.yaml 10.40.0.9 10.20.0.30
}

@test "a ring before its machines: nothing enforces it, and the next ring would" {
    golden ring.ok 0 asked 2026-10-20 known.yaml 10.10.0.100 10.10.0.101 --ring it
    run asked 2026-10-20 known.yaml 10.10.0.100 10.10.0.101 --ring ti
    [ "$status" -eq 2 ]
    [[ $output == *'the policy has no ring "ti", did you mean "it"?'* ]]
}

@test "not applicable: the policy does not speak of it" {
    golden ungoverned.ok 0 asked 2026-10-20 known.yaml 10.10.0.7 10.20.0.21 ssh
}

@test "a batch names the exception; its changes only when asked" {
    printf '10.10.0.7 10.10.0.8\n10.10.0.8 10.10.0.7 smb domain\nnonsense\n' >"$BATS_TEST_TMPDIR/q"
    golden batch.json.ok 0 "$SALLYPORT" explain --batch "$BATS_TEST_TMPDIR/q" --json --policy known.yaml --exceptions exceptions.yaml \
        --as-of 2026-10-25T09:59:59Z
    run "$SALLYPORT" explain --batch "$BATS_TEST_TMPDIR/q" --json --changes --policy known.yaml --exceptions exceptions.yaml \
        --as-of 2026-10-25T09:59:59Z
    [[ ${lines[0]} == *'"changes":[{"kind":"remove-entry"'* ]]
}

@test "compiled rules name it, and do not have it once it is dead" {
    cp known.yaml exceptions.yaml "$BATS_TEST_TMPDIR"
    cd "$BATS_TEST_TMPDIR"
    "$SALLYPORT" compile --policy known.yaml --exceptions exceptions.yaml --as-of 2026-10-25 --target nftables -o alive >/dev/null
    "$SALLYPORT" compile --policy known.yaml --exceptions exceptions.yaml --as-of 2026-10-26 --target nftables -o dead >/dev/null
    "$SALLYPORT" compile --policy known.yaml --as-of 2026-10-26 --target nftables -o none >/dev/null
    grep -q 'exceptions.yaml:2 scans (exception EX-12 of alice@contoso.com until 2026-10-25)' -r alive/nftables
    ! grep -q 'EX-1' -r dead
    diff -r dead/nftables none/nftables
}

@test "a policy that names unknown groups is refused by compile" {
    run "$SALLYPORT" compile --policy policy.yaml -o "$BATS_TEST_TMPDIR/out"
    [ "$status" -eq 2 ]
    [[ $output == *'the AD group "Lab PCs" has no address known to the workspace'* ]]
}

@test "records without owner, end or a second pair of eyes are refused, each with its place" {
    golden_stderr wrong.stderr.ok 2 "$SALLYPORT" explain 10.10.0.7 10.10.0.8 --policy known.yaml --exceptions wrong.yaml
    run "$SALLYPORT" check --policy known.yaml --exceptions wrong.yaml --json
    [ "$status" -eq 1 ]
    [[ $output == *'"where":"wrong.yaml:2:5"'* ]]
}

@test "no file of exceptions is picked up unless it is named" {
    cp known.yaml "$BATS_TEST_TMPDIR/policy.yaml"
    cp exceptions.yaml "$BATS_TEST_TMPDIR"
    run "$SALLYPORT" -C "$BATS_TEST_TMPDIR" explain 10.40.0.5 10.20.0.21 --as-of 2026-10-20 --json
    [[ $output == *'"intent":"block"'* ]]
    run "$SALLYPORT" explain 10.40.0.5 10.20.0.21 --policy known.yaml --exceptions missing.yaml
    [ "$status" -eq 2 ]
}
