#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is proved of a policy.

setup() {
    load golden
    folder=$(case_folder)
    cd "$folder"
}

@test "a policy that holds" {
    golden "$folder/check.ok" 0 "$SALLYPORT" check
}

@test "the same as JSON" {
    golden "$folder/check.json.ok" 0 "$SALLYPORT" check --json
}

@test "broken assertions, a broken lifeline, warnings" {
    golden "$folder/broken.ok" 1 "$SALLYPORT" check --policy broken.yaml
}

@test "the same as JSON, with counterexamples" {
    golden "$folder/broken.json.ok" 1 "$SALLYPORT" check --policy broken.yaml --json
}

@test "a lifeline that is off is said, not refused" {
    golden "$folder/lifeline-off.ok" 0 "$SALLYPORT" check --policy lifeline-off.yaml
}

@test "an assertion that hangs on members nobody knows is not proved" {
    golden "$folder/unknown.ok" 1 "$SALLYPORT" check --policy unknown.yaml
    golden "$folder/unknown.json.ok" 1 "$SALLYPORT" check --policy unknown.yaml --json
}
