#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Names of hosts in a policy, and what the workspace knows of them.
bats_require_minimum_version 1.5.0

setup_file() {
    root=$BATS_TEST_DIRNAME/../..
    export WS=$BATS_FILE_TMPDIR/site
    "$SALLYPORT" init "$WS" >/dev/null
    "$SALLYPORT" ingest -C "$WS" "$root/samples/contoso/captures" >/dev/null 2>&1
    # A day after the newest flow of the recording, whenever it was made.
    AS_OF=$("$SALLYPORT" matrix -C "$WS" --json | /usr/bin/python3 -c '
import datetime, json, sys
last = max(flow["last_seen"] for flow in json.load(sys.stdin)["flows"])
day = datetime.datetime.fromisoformat(last[:19]) + datetime.timedelta(days=1)
print(day.strftime("%Y-%m-%dT%H:%M:%SZ"))')
    LATER=$(/usr/bin/python3 -c "
import datetime
print((datetime.datetime.fromisoformat('${AS_OF%Z}') + datetime.timedelta(days=30)).strftime('%Y-%m-%d'))")
    export AS_OF LATER
}

setup() {
    load golden
    folder=$(case_folder)
    cp "$folder/policy.yaml" "$WS/policy.yaml"
}

@test "names are the addresses that the hosts hold" {
    # shellcheck disable=SC2016 # the inner shell's own arguments
    golden "$folder/check.ok" 0 bash -c '"$0" check -C "$1" --as-of "$2" | sed -E "s/20[0-9]{2}-[0-9]{2}-[0-9]{2}/DAY/g"
        exit "${PIPESTATUS[0]}"' "$SALLYPORT" "$WS" "$AS_OF"
    run -0 --separate-stderr "$SALLYPORT" explain -C "$WS" --as-of "$AS_OF" --json 10.10.4.17 10.20.0.21 smb
    [[ $output == *'"intent":"allow"'* ]]
    run -0 --separate-stderr "$SALLYPORT" explain -C "$WS" --as-of "$AS_OF" --json 10.10.4.17 10.20.0.22 smb
    [[ $output == *'"intent":"block"'* ]]
}

@test "witnesses older than resolve-max-age are warned of" {
    run "$SALLYPORT" check -C "$WS" --as-of "$LATER"
    [[ $output == *'the host "DC01" was last seen at '*', longer ago than resolve-max-age'* ]]
    sed -i '1a resolve-max-age: 90d' "$WS/policy.yaml"
    run "$SALLYPORT" check -C "$WS" --as-of "$LATER"
    [[ $output != *"resolve-max-age"* ]]
}

@test "compile refuses a name without an address" {
    run -2 "$SALLYPORT" compile -C "$WS" --as-of "$AS_OF" -o "$BATS_TEST_TMPDIR/out"
    [[ $output == *'error: the host "fs99" has no address known to the workspace'* ]]
    [ ! -e "$BATS_TEST_TMPDIR/out" ]
}

@test "a domain controller that was seen and is not listed breaks the lifeline" {
    sed -i 's/DC01/10.20.0.12/' "$WS/policy.yaml"
    run -1 "$SALLYPORT" check -C "$WS" --as-of "$AS_OF"
    [[ $output == *'error: 10.20.0.11 (dc01.contoso.test) was seen as a domain controller, but is in no group with role domain-controller'* ]]
}
