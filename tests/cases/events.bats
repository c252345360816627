#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
bats_require_minimum_version 1.5.0

setup() {
    load golden
    cd "$(case_folder)" || return
    WS=$BATS_TEST_TMPDIR/ws
    "$SALLYPORT" init "$WS" >/dev/null
}

# Usage: flows WORKSPACE
# The flows without their witnesses, which name the export that was read.
flows() {
    "$SALLYPORT" matrix -C "$1" --json | /usr/bin/python3 -c '
import json, sys
for flow in json.load(sys.stdin)["flows"]:
    del flow["evidence"]
    print(json.dumps(flow, indent=1))'
}

@test "a server's log gives its sessions, users, shares and changes" {
    "$SALLYPORT" ingest -C "$WS" FS01.xml
    golden server.json.ok 0 "$SALLYPORT" matrix -C "$WS" --json
}

@test "a record that one export holds twice counts once" {
    facts() {
        /usr/bin/python3 -c 'import json, sys
(source,) = json.load(sys.stdin)["sources"]
print(source["facts"] - source["known"])'
    }
    once=$("$SALLYPORT" ingest -C "$WS" --json FS01.json | facts)
    flows "$WS" >"$BATS_TEST_TMPDIR/once"
    cat FS01.json FS01.json >"$BATS_TEST_TMPDIR/twice.json"
    "$SALLYPORT" init "$BATS_TEST_TMPDIR/other" >/dev/null
    twice=$("$SALLYPORT" ingest -C "$BATS_TEST_TMPDIR/other" --json "$BATS_TEST_TMPDIR/twice.json" | facts)
    [ "$once" -gt 0 ] && [ "$once" = "$twice" ]
    flows "$BATS_TEST_TMPDIR/other" | diff -u "$BATS_TEST_TMPDIR/once" -
}

@test "the same log in another format is known, in either order" {
    "$SALLYPORT" ingest -C "$WS" FS01.xml
    flows "$WS" >"$BATS_TEST_TMPDIR/once"
    "$SALLYPORT" ingest -C "$WS" FS01.json
    flows "$WS" | diff -u "$BATS_TEST_TMPDIR/once" -
    "$SALLYPORT" init "$BATS_TEST_TMPDIR/other" >/dev/null
    "$SALLYPORT" ingest -C "$BATS_TEST_TMPDIR/other" FS01.json FS01.xml
    flows "$BATS_TEST_TMPDIR/other" |
        sed 's/\.\(120\|140\|151\)000Z/.\1xxxZ/' >"$BATS_TEST_TMPDIR/other.json"
    # A shipper cuts times to the millisecond.
    sed 's/\.\(120\|140\|151\)[0-9]*Z/.\1xxxZ/' "$BATS_TEST_TMPDIR/once" |
        diff -u - "$BATS_TEST_TMPDIR/other.json"
}

@test "the client's log adds witnesses, not connections" {
    "$SALLYPORT" ingest -C "$WS" FS01.xml WS0417.json
    golden both.json.ok 0 "$SALLYPORT" matrix -C "$WS" --json
}
