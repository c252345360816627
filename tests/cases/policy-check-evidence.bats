#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the evidence of a workspace says of a policy.

setup_file() {
    root=$BATS_TEST_DIRNAME/../..
    export WS=$BATS_FILE_TMPDIR/site
    "$SALLYPORT" init "$WS" >/dev/null
    "$SALLYPORT" ingest -C "$WS" "$root/samples/contoso/captures" "$root/samples/contoso/logs" >/dev/null 2>&1
}

setup() {
    load golden
    folder=$(case_folder)
    cd "$WS"
    cp "$folder/policy.yaml" policy.yaml
}

# The recording may be made again: its days are no part of what is expected.
check() {
    "$SALLYPORT" check "$@" 2>said | sed -E 's/20[0-9]{2}-[0-9]{2}-[0-9]{2}/DAY/g'
    return "${PIPESTATUS[0]}"
}

@test "unused and wide entries, servers cut from their users, secured entries" {
    golden "$folder/check.ok" 1 check
}

@test "the same as CSV" {
    golden "$folder/check.csv.ok" 1 check --format csv
}

@test "without evidence nothing is asked about use, and said so" {
    "$SALLYPORT" init "$BATS_TEST_TMPDIR/empty" >/dev/null
    cp "$folder/policy.yaml" "$BATS_TEST_TMPDIR/empty/policy.yaml"
    cd "$BATS_TEST_TMPDIR/empty"
    run check
    [[ $output != *"flows of"* && $output != *"no flow"* ]]
    [[ $(cat said) == *"no evidence is in the workspace"* ]]
}
