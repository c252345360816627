#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every error of a policy, with its place.
bats_require_minimum_version 1.5.0

setup() {
    load golden
    folder=$(case_folder)
    cd "$folder"
}

@test "all errors of a policy are named at once" {
    golden "$folder/check.ok" 1 "$SALLYPORT" check
}

@test "the same as JSON" {
    golden "$folder/check.json.ok" 1 "$SALLYPORT" check --json
}

@test "the same as CSV" {
    golden "$folder/check.csv.ok" 1 "$SALLYPORT" check --format csv
}

@test "a syntax error stops at the first" {
    golden "$folder/syntax.ok" 1 "$SALLYPORT" check --policy syntax.yaml
}

@test "the caret stands under wide characters and tabs" {
    golden "$folder/wide.ok" 1 "$SALLYPORT" check --policy wide.yaml
}

@test "a file that is not there is no answer" {
    golden_stderr "$folder/missing.stderr.ok" 2 "$SALLYPORT" check --policy missing.yaml
}

@test "a policy in one long line is shown around the fault" {
    /usr/bin/python3 - >"$BATS_TEST_TMPDIR/long.yaml" <<'PYTHON'
networks = ", ".join(f'"10.{i}.0.0/16"' for i in range(60))
print('{"version": 1, "segments": {"a": {"networks": [%s, "10.99.0.1/16"], "trust": "managed"}}}' % networks)
PYTHON
    run -1 "$SALLYPORT" check --policy "$BATS_TEST_TMPDIR/long.yaml"
    [[ ${lines[0]} == *'"10.99.0.1/16" has host bits set, the network is 10.99.0.0/16' ]]
    [ "${#lines[1]}" -le 130 ]
    # The caret is the one character of its line, under the first of the fault.
    caret=${lines[2]%^}
    [ "${lines[1]:${#caret}:14}" = '"10.99.0.1/16"' ]
}

@test "more faults than are listed are counted" {
    {
        printf 'version: 1\nsegments: {}\nallow:\n'
        for _ in $(seq 1500); do echo "  - {from: x, to: any, service: smb}"; done
    } >"$BATS_TEST_TMPDIR/many.yaml"
    run -1 "$SALLYPORT" check --policy "$BATS_TEST_TMPDIR/many.yaml"
    [[ $output == *"500 more are not listed"* ]]
    [[ $output == *"not ok: 1500 errors"* ]]
}

@test "a terminal is never told to do something" {
    cat >"$BATS_TEST_TMPDIR/escape.yaml" <<'YAML'
version: 1
segments: {a: {networks: [10.0.0.0/8], trust: managed}}
allow:
  - {name: "x\e]0;title\a\u009b2J\u202e", from: a, to: a, service: smb}
lifeline: {off: "\e[2J"}
YAML
    for arguments in check 'explain 10.0.0.1 10.0.0.2'; do
        # shellcheck disable=SC2086
        run -0 "$SALLYPORT" $arguments --policy "$BATS_TEST_TMPDIR/escape.yaml"
        [[ $output == *'?'* ]]
        [[ $output != *[$'\e\a']* ]]
        [[ $output != *$'\xc2\x9b'* ]]
    done
}
