#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
bats_require_minimum_version 1.5.0

setup_file() {
    cd "$BATS_TEST_DIRNAME/ingest" || return
    export LOGS=$BATS_FILE_TMPDIR/logs SAMPLE=$BATS_FILE_TMPDIR/sample
    "$SALLYPORT" init "$LOGS"
    "$SALLYPORT" ingest -C "$LOGS" FS01 WS0417
    "$SALLYPORT" init "$SAMPLE"
    "$SALLYPORT" ingest -C "$SAMPLE" "$BATS_TEST_DIRNAME/../../samples/contoso/captures"
}

setup() {
    load golden
    folder=$(case_folder)
    rm -f "$LOGS/policy.yaml"
}

@test "as JSON" {
    golden "$folder/matrix.json.ok" 0 "$SALLYPORT" matrix -C "$LOGS" --json
}

@test "with a policy: segments" {
    cp "$folder/policy.yaml" "$LOGS"
    golden "$folder/matrix-policy.json.ok" 0 "$SALLYPORT" matrix -C "$LOGS" --json
}

@test "a policy with errors is as none, and said" {
    echo "version: 2" >"$LOGS/policy.yaml"
    golden "$folder/matrix.json.ok" 0 "$SALLYPORT" matrix -C "$LOGS" --json
    run -0 --separate-stderr "$SALLYPORT" matrix -C "$LOGS" --json
    # shellcheck disable=SC2154 # set by run
    [[ "$stderr" == *"policy.yaml has errors"* ]]
}

@test "as text" {
    golden "$folder/matrix.txt.ok" 0 "$SALLYPORT" matrix -C "$LOGS"
}

@test "as text, every column" {
    golden "$folder/matrix-wide.txt.ok" 0 "$SALLYPORT" matrix -C "$LOGS" --wide
}

@test "as CSV" {
    golden "$folder/matrix.csv.ok" 0 "$SALLYPORT" matrix -C "$LOGS" --format csv
}

@test "hosts as JSON" {
    golden "$folder/hosts.json.ok" 0 "$SALLYPORT" hosts -C "$LOGS" --json
}

@test "an empty workspace has empty lists" {
    "$SALLYPORT" init "$BATS_TEST_TMPDIR/none"
    run -0 "$SALLYPORT" matrix -C "$BATS_TEST_TMPDIR/none" --json
    [ "$output" = '{"flows":[],"hosts":0,"skipped":[],"coverage":[]}' ]
    run -0 "$SALLYPORT" hosts -C "$BATS_TEST_TMPDIR/none" --json
    [ "$output" = '{"hosts":[]}' ]
    run -0 "$SALLYPORT" shares -C "$BATS_TEST_TMPDIR/none" --json
    [ "$output" = '{"shares":[]}' ]
}

@test "text fits 120 columns" {
    "$SALLYPORT" matrix -C "$SAMPLE" | sed -n '/^client/,/^$/p' >"$BATS_TEST_TMPDIR/table"
    [ -s "$BATS_TEST_TMPDIR/table" ]
    run -1 grep -nE '.{121}' "$BATS_TEST_TMPDIR/table"
}

@test "the hosts of the sample network and their roles" {
    "$SALLYPORT" hosts -C "$SAMPLE" --json | /usr/bin/python3 -c '
import json, sys
hosts = {(h["name"] or "").split(".")[0].lower(): h for h in json.load(sys.stdin)["hosts"]}
def roles(name):
    for role in hosts[name]["roles"]:
        assert role["reason"], (name, role)
    return {role["role"] for role in hosts[name]["roles"]}
assert roles("dc01") >= {"smb-server", "domain-controller"}, roles("dc01")
assert roles("fs01") == {"smb-server", "file-server"}, roles("fs01")
assert "print-server" in roles("print01"), roles("print01")
assert "nas" in roles("nas01"), roles("nas01")
assert "scanner" in roles("ws0431"), roles("ws0431")
assert "client-and-server" in roles("ws0402"), roles("ws0402")
assert roles("itadm01") == {"client"}, roles("itadm01")
assert "domain-controller" not in roles("fs01") | roles("nas01") | roles("ws0402")
nas = hosts["nas01"]["posture"]
assert nas["smb1"] and nas["dialects"] == ["nt-lm-0.12"] and nas["signing"] == "disabled", nas
assert hosts["dc01"]["posture"]["signing"] == "required"
assert hosts["fs02"]["posture"]["guest"]
assert len({a["address"] for a in hosts["fs01"]["addresses"]}) == 2, hosts["fs01"]["addresses"]
'
}

@test "the shares of the sample network: kinds, users, refusals" {
    "$SALLYPORT" shares -C "$SAMPLE" --json | /usr/bin/python3 -c '
import json, sys
shares = {}
for s in json.load(sys.stdin)["shares"]:
    # A server is listed per address: the one of a name that is used most.
    key = (s["server_name"] or "").split(".")[0].lower(), s["share"].lower()
    if key not in shares or s["used"] > shares[key]["used"]:
        shares[key] = s
def kind(server, share):
    return shares[server, share]["kind"]
assert kind("dc01", "sysvol") == kind("dc01", "netlogon") == "sysvol"
assert kind("fs01", "admin$") == kind("fs01", "c$") == "administrative"
assert kind("fs01", "ipc$") == "ipc" and kind("print01", "print$") == "print"
assert kind("fs01", "projects") == "user"
payroll = shares["fs01", "payroll"]
assert payroll["used"] >= 1 and payroll["refused"] >= 1, payroll
assert "CONTOSO\\alice" in shares["fs01", "projects"]["users"]
'
}

@test "the same matrix whatever the order of sources" {
    captures=$BATS_TEST_DIRNAME/../../samples/contoso/captures
    "$SALLYPORT" init "$BATS_TEST_TMPDIR/other"
    "$SALLYPORT" ingest -C "$BATS_TEST_TMPDIR/other" "$captures"/edge* "$captures"/core* "$captures"/access*
    cmp <("$SALLYPORT" matrix -C "$SAMPLE" --json) <("$SALLYPORT" matrix -C "$BATS_TEST_TMPDIR/other" --json)
    cmp <("$SALLYPORT" shares -C "$SAMPLE" --json) <("$SALLYPORT" shares -C "$BATS_TEST_TMPDIR/other" --json)
    cmp <("$SALLYPORT" hosts -C "$SAMPLE" --json) <("$SALLYPORT" hosts -C "$BATS_TEST_TMPDIR/other" --json)
}
