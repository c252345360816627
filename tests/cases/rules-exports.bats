#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Windows firewall policy of others: what is understood, and what is said of the rest.

setup() {
    load golden
    folder=$(case_folder)
    cd "$folder" || exit 1
}

@test "a .reg file: rules, connection security, profiles; what is not understood is a warning" {
    # shellcheck disable=SC2016 # the inner shell's own arguments
    golden "$folder/text.ok" 0 bash -c '"$0" rules export.reg 2>&1' "$SALLYPORT"
    # shellcheck disable=SC2016 # as above
    golden "$folder/json.ok" 0 bash -c '"$0" rules --json export.reg 2>/dev/null |
        /usr/bin/python3 -m json.tool --indent 1' "$SALLYPORT"
}

@test "a bypass beats the block, an allow of everybody does not" {
    # shellcheck disable=SC2016 # as above
    golden "$folder/check.ok" 1 bash -c '"$0" rules --check export.reg 2>/dev/null' "$SALLYPORT"
}

@test "a Registry.pol and a hive say the same as they do in a .reg file" {
    seeds=$BATS_TEST_DIRNAME/../corpus
    cp "$seeds/registry_pol/profile.pol" "$seeds/regf/small.hive" "$BATS_TEST_TMPDIR"
    cd "$BATS_TEST_TMPDIR"
    golden "$folder/containers.ok" 0 "$SALLYPORT" rules --format csv profile.pol small.hive
}

@test "an export is held against a policy: conditions are left out and counted" {
    cp "$BATS_TEST_DIRNAME/compile-basic/policy.yaml" export.reg "$BATS_TEST_TMPDIR"
    cd "$BATS_TEST_TMPDIR"
    # shellcheck disable=SC2016 # the inner shell's own arguments
    golden "$folder/diff.ok" 1 bash -c \
        '"$0" diff policy.yaml export.reg --host 10.2.0.2 --as-of 2026-11-01 2>&1' "$SALLYPORT"
}

@test "of a folder, a file that is too large for one of rules is told, not passed over" {
    cp export.reg "$BATS_TEST_TMPDIR/small.reg"
    cp export.reg "$BATS_TEST_TMPDIR/large.reg"
    truncate -s 257M "$BATS_TEST_TMPDIR/large.reg"
    run "$SALLYPORT" rules "$BATS_TEST_TMPDIR"
    [ "$status" -eq 2 ]
    [[ $output == *"large.reg"* ]]
    [[ $output == *"small.reg"* ]]
}
