#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The schema that editors use says what the parser says.

setup() {
    load golden
    root=$BATS_TEST_DIRNAME/../..
    folder=$(case_folder)
}

compare() {
    /usr/bin/python3 "$folder/compare.py" "$SALLYPORT" "$root/schema/policy.schema.json" "$@"
}

@test "every example policy is valid to the schema and to the parser" {
    compare examples "$root"/tests/corpus/policy/{example,as-json,secure}.yaml "$root"/samples/contoso/policy.yaml \
        "$root"/tests/oracle/fixed/*.yaml
}

@test "broken policies are refused by both" {
    compare broken
}

@test "a change that one refuses for its form, the other refuses" {
    compare changed "$root"/tests/corpus/policy/{example,as-json,secure}.yaml
}
