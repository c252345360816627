#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
bats_require_minimum_version 1.5.0

setup_file() {
    export SAMPLE=$BATS_FILE_TMPDIR/sample
    samples=$BATS_TEST_DIRNAME/../../samples/contoso
    "$SALLYPORT" init "$SAMPLE"
    "$SALLYPORT" ingest -C "$SAMPLE" "$samples/captures" "$samples/logs"
}

setup() {
    load golden
    folder=$(case_folder)
    samples=$BATS_TEST_DIRNAME/../../samples/contoso
    rm -f "$SAMPLE/policy.yaml"
}

@test "as a table" {
    golden "$folder/plan.txt.ok" 0 "$SALLYPORT" audit-plan -C "$SAMPLE"
}

@test "with a policy, servers that are not managed are only counted" {
    cp "$samples/policy.yaml" "$SAMPLE"
    golden "$folder/plan-policy.json.ok" 0 "$SALLYPORT" audit-plan -C "$SAMPLE" --json
}

@test "chattier audits get fewer days" {
    golden "$folder/plan-few.csv.ok" 0 "$SALLYPORT" audit-plan -C "$SAMPLE" --days 30 --events 12 --format csv
}

@test "the files, a folder per set of audits" {
    cd "$BATS_TEST_TMPDIR"
    "$SALLYPORT" audit-plan -C "$SAMPLE" -o audit
    for file in audit/*/*; do
        echo "== $file"
        tr -d '\r' <"$file"
    done >all.txt
    same_as_golden "$folder/files.txt.ok" all.txt
    # What Windows reads has its line ends.
    [ "$(grep -c $'\r$' audit/filtering-platform-connection/audit.csv)" -eq 2 ]
}

@test "nothing was read: nothing is proposed" {
    "$SALLYPORT" init "$BATS_TEST_TMPDIR/empty"
    run "$SALLYPORT" audit-plan -C "$BATS_TEST_TMPDIR/empty"
    [ "$status" -eq 0 ]
    [[ $output == "0 servers with something open, 0 with nothing open" ]]
}

@test "a folder that can't be written is said" {
    : >"$BATS_TEST_TMPDIR/file"
    run "$SALLYPORT" audit-plan -C "$SAMPLE" -o "$BATS_TEST_TMPDIR/file"
    [ "$status" -eq 2 ]
    [[ $output == *"file"* ]]
}
