#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The first policy of docs/policy.md is what a newcomer copies: it holds, compiles and is proved.

setup() {
    root=$BATS_TEST_DIRNAME/../..
    mkdir -p "$BATS_TEST_TMPDIR/ws"
    cd "$BATS_TEST_TMPDIR/ws"
    sed -n '/^## A first policy/,/^## /p' "$root/docs/policy.md" |
        sed -n '/^```yaml/,/^```$/p' | grep -v '^```' >policy.yaml
}

@test "it is ten lines, and it holds" {
    [ "$(wc -l <policy.yaml)" -eq 10 ]
    run "$SALLYPORT" check
    [ "$status" -eq 0 ]
    [[ $output == *"0 errors, 0 warnings"* ]]
}

@test "it compiles for both targets, each proved" {
    run "$SALLYPORT" compile --target powershell --target nftables -o out --as-of 2026-11-22
    [ "$status" -eq 0 ]
    [[ $output == *"powershell"*"equal to the policy"* ]]
    [[ $output == *"nftables"*"equal to the policy"* ]]
}

@test "it answers" {
    run "$SALLYPORT" explain 10.10.4.7 10.20.0.21
    [[ $output == *passes* ]]
    run "$SALLYPORT" explain 10.10.4.7 10.10.4.8 --json
    [[ $output == *'"passes":false'* ]]
}
