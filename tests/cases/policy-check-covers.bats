#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Entries that others make superfluous, excepts that others undo, and findings for a code host.

setup() {
    load golden
    folder=$(case_folder)
    cd "$folder"
}

check() {
    "$SALLYPORT" check --as-of 2026-11-21 --exceptions exceptions.yaml "$@"
}

@test "unions, equals, exceptions, excepts, the perimeter" {
    golden "$folder/check.ok" 0 "$SALLYPORT" check --as-of 2026-11-21 --exceptions exceptions.yaml
}

@test "the same as JSON" {
    golden "$folder/check.json.ok" 0 "$SALLYPORT" check --as-of 2026-11-21 --exceptions exceptions.yaml --json
}

@test "the same as SARIF, which another program finds sound" {
    golden "$folder/check.sarif.ok" 0 "$SALLYPORT" check --as-of 2026-11-21 --exceptions exceptions.yaml --format sarif
    check --format sarif | /usr/bin/python3 "$BATS_TEST_DIRNAME/../tools/sarif_check.py"
}

@test "SARIF of a policy that can't be parsed, and of one whose path needs escapes" {
    mkdir -p "$BATS_TEST_TMPDIR/a b"
    printf 'version: 1\nsegments: {a: [}\n' >"$BATS_TEST_TMPDIR/a b/p ö:1.yaml"
    run "$SALLYPORT" check --policy "$BATS_TEST_TMPDIR/a b/p ö:1.yaml" --format sarif
    [ "$status" -eq 1 ]
    [[ $output == *'"executionSuccessful":false'* ]]
    [[ $output == *'/a%20b/p%20%C3%B6%3A1.yaml"'* ]]
    printf '%s\n' "$output" | /usr/bin/python3 "$BATS_TEST_DIRNAME/../tools/sarif_check.py"
}

@test "what is said to be superfluous may all be deleted at once" {
    # Lines of shadowed entries, taken out from the last one on: nothing changes.
    cp policy.yaml "$BATS_TEST_TMPDIR/less.yaml"
    idle=$(check --json | /usr/bin/python3 -c '
import json, sys
found = json.load(sys.stdin)["findings"]
for f in found:
    if f["kind"] == "shadowed" and f["where"].startswith("policy.yaml"):
        print(f["where"].split(":")[1])' | sort -nr)
    [ -n "$idle" ]
    for line in $idle; do sed -i "${line}d" "$BATS_TEST_TMPDIR/less.yaml"; done
    run "$SALLYPORT" diff --as-of 2026-11-21 policy.yaml "$BATS_TEST_TMPDIR/less.yaml"
    echo "$output"
    [ "$status" -eq 0 ]
    run "$SALLYPORT" check --policy "$BATS_TEST_TMPDIR/less.yaml" --as-of 2026-11-21 --json
    [[ $output != *'"shadowed"'* ]]
}
