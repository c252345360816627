#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The hardening baseline: audit, collect, overrides. See hardening/README.md.

load golden

setup_file() {
    export WS=$BATS_FILE_TMPDIR/contoso
    cd "$BATS_TEST_DIRNAME/../.."
    "$SALLYPORT" init "$WS"
    "$SALLYPORT" ingest -C "$WS" samples/contoso/captures samples/contoso/logs >/dev/null
    cp tests/cases/simulate/policy.yaml "$WS/policy.yaml"
}

setup() {
    cd "$BATS_TEST_DIRNAME/../.."
    case_dir=$(case_folder)
    collected=tests/corpus/collected/fs01.json
}

# The sample's policy with another hardening.
with_hardening() {
    sed '/^hardening:/d' tests/cases/simulate/policy.yaml >"$BATS_TEST_TMPDIR/policy.yaml"
    printf '%s\n' "$1" >>"$BATS_TEST_TMPDIR/policy.yaml"
}

@test "what the wire shows, for people" {
    golden "$case_dir/audit.ok" 1 "$SALLYPORT" audit -C "$WS" --as-of 2026-11-22
}

@test "with what a collector found, as CSV" {
    golden "$case_dir/audit.csv.ok" 1 "$SALLYPORT" audit -C "$WS" --as-of 2026-11-22 --collected "$collected" --format csv
}

@test "every row of one machine alone, as JSON" {
    mkdir "$BATS_TEST_TMPDIR/empty"
    golden "$case_dir/audit.json.ok" 1 "$SALLYPORT" audit -C "$BATS_TEST_TMPDIR/empty" --kind file-server --all \
        --collected "$collected" --json
}

@test "what differs only by an override is as it should be; one that ended is told" {
    with_hardening 'hardening: {baseline: smb-2026, overrides: [
  {setting: smb-server-signing, for: file-servers, value: leave, reason: soon, expires: 2026-12-31},
  {setting: smb-client-signing, value: leave, reason: was, expires: 2026-11-01}]}'
    run "$SALLYPORT" audit -C "$WS" --policy "$BATS_TEST_TMPDIR/policy.yaml" --as-of 2026-11-22 --format csv
    [ "$status" -eq 1 ]
    [[ $output == *"this override expired 2026-11-01 and holds no more"* ]]
    [[ $output != *"file-server,smb-server-signing"* ]]
    [[ $output == *"print-server,smb-server-signing"* ]]
    [[ $output == *"smb-client-signing"* ]]
    run "$SALLYPORT" audit -C "$WS" --policy "$BATS_TEST_TMPDIR/policy.yaml" --as-of 2027-01-01 --format csv
    [[ $output == *"file-server,smb-server-signing"* ]]
}

@test "simulate judges by the same rows" {
    with_hardening 'hardening: {baseline: smb-2026, mode: enforce}'
    run "$SALLYPORT" simulate -C "$WS" --policy "$BATS_TEST_TMPDIR/policy.yaml" --as-of 2026-11-22 --json
    before=$(python3 -c 'import json,sys; print(sum(f["at"]=="hardening" for r in json.loads(sys.argv[1])["rings"] for f in r["broken"]))' "$output")
    [ "$before" -gt 0 ]
    with_hardening 'hardening: {baseline: smb-2026, mode: enforce, overrides: [
  {setting: smb1-off, value: leave, reason: r}, {setting: minimum-dialect, value: 2.0.2, reason: r},
  {setting: signing-required, value: leave, reason: r}, {setting: guest-off, value: leave, reason: r},
  {setting: null-sessions-restricted, value: leave, reason: r}, {setting: ntlmv1-off, value: leave, reason: r}]}'
    run "$SALLYPORT" simulate -C "$WS" --policy "$BATS_TEST_TMPDIR/policy.yaml" --as-of 2026-11-22 --json
    after=$(python3 -c 'import json,sys; print(sum(f["at"]=="hardening" for r in json.loads(sys.argv[1])["rings"] for f in r["broken"]))' "$output")
    [ "$after" -eq 0 ]
}

@test "the documentation's table is the program's" {
    tools/hardening_table "$SALLYPORT" | diff -u docs/hardening.md -
}

@test "the schema names the settings that the parser knows" {
    python3 - "$SALLYPORT" <<'PY'
import json, subprocess, sys
rows = json.loads(subprocess.run([sys.argv[1], "audit", "--baseline", "--json"], check=True, capture_output=True, text=True).stdout)["settings"]
known = {r["setting"] for r in rows} | {r["judged_as"] for r in rows if r["judged_as"]}
with open("schema/policy.schema.json", encoding="utf-8") as file:
    said = set(json.load(file)["$defs"]["override"]["properties"]["setting"]["enum"])
assert known == said, known ^ said
PY
}

@test "the collector's script is PowerShell and only reads" {
    "$SALLYPORT" collect --script -o "$BATS_TEST_TMPDIR/collect.ps1"
    "$SALLYPORT" collect --script | cmp - "$BATS_TEST_TMPDIR/collect.ps1"
    # It changes nothing: no cmdlet that sets, but what it writes itself.
    run grep -nE '\b(Set|New|Enable|Disable|Add|Clear|Restart|Stop|Start|Uninstall|Install)-[A-Z]' "$BATS_TEST_TMPDIR/collect.ps1"
    for line in "${lines[@]}"; do [[ $line == *New-Object* ]]; done
    if [ -d tests/powershell/node_modules ]; then
        node tests/powershell/parse.mjs "$BATS_TEST_TMPDIR/collect.ps1"
    fi
    run "$SALLYPORT" collect
    [ "$status" -eq 2 ]
    [[ $output == *"expected --script"* ]]
}

@test "files that are none are refused" {
    echo '{"sallyport": "collected"' >"$BATS_TEST_TMPDIR/cut.json"
    run "$SALLYPORT" audit -C "$WS" --collected "$BATS_TEST_TMPDIR/cut.json"
    [ "$status" -eq 2 ]
    [[ $output == *"cut.json"* ]]
    run "$SALLYPORT" audit -C "$BATS_TEST_TMPDIR"
    [ "$status" -eq 2 ]
}
