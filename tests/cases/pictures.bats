#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0

@test "the pictures of docs/reasoning.md are what the program answers" {
    cd "$BATS_TEST_DIRNAME/../.."
    /usr/bin/python3 tools/pictures "$SALLYPORT" "$BATS_TEST_TMPDIR/pictures"
    diff -r docs/pictures "$BATS_TEST_TMPDIR/pictures"
}
