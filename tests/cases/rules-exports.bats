#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Windows firewall policy of others: what is understood, and what is said of the rest.

setup() {
    load golden
    folder=$(case_folder)
    cd "$folder" || exit 1
}

@test "a .reg file: rules, connection security, profiles; what is not understood is a warning" {
    golden "$folder/text.ok" 0 bash -c '"$0" rules export.reg 2>&1' "$SALLYPORT"
    golden "$folder/json.ok" 0 bash -c '"$0" rules --json export.reg 2>/dev/null |
        /usr/bin/python3 -m json.tool --indent 1' "$SALLYPORT"
}

@test "a bypass beats the block, an allow of everybody does not" {
    golden "$folder/check.ok" 1 bash -c '"$0" rules --check export.reg 2>/dev/null' "$SALLYPORT"
}

@test "a Registry.pol and a hive say the same as they do in a .reg file" {
    seeds=$BATS_TEST_DIRNAME/../corpus
    cp "$seeds/registry_pol/profile.pol" "$seeds/regf/small.hive" "$BATS_TEST_TMPDIR"
    cd "$BATS_TEST_TMPDIR"
    golden "$folder/containers.ok" 0 "$SALLYPORT" rules --format csv profile.pol small.hive
}
