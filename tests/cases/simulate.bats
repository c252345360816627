#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a policy would break, on the recorded sample network: see simulate/README.md.

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
    case_dir=$(case_folder simulate)
}

@test "verdicts ring by ring, for people" {
    golden "$case_dir/simulate.ok" 1 "$SALLYPORT" simulate -C "$WS" --as-of 2026-11-22
}

@test "the same as JSON" {
    golden "$case_dir/simulate.json.ok" 1 "$SALLYPORT" simulate -C "$WS" --as-of 2026-11-22 --json
}

@test "every flow of a ring as CSV" {
    golden "$case_dir/simulate.csv.ok" 1 "$SALLYPORT" simulate -C "$WS" --as-of 2026-11-22 --ring broad --format csv
}

@test "a server without evidence is blind, whatever its neighbours show" {
    run "$SALLYPORT" simulate -C "$WS" --as-of 2026-11-22 --json
    python3 - "$output" <<'PY'
import json, sys
for ring in json.loads(sys.argv[1])["rings"]:
    blind = [b["host"] for b in ring["blind"]]
    assert "10.20.0.29" in blind, blind
    assert "10.20.0.21" not in blind, blind
PY
}

@test "one ring" {
    golden "$case_dir/ring-it.ok" 1 "$SALLYPORT" simulate -C "$WS" --as-of 2026-11-22 --ring it
}

@test "a ring that the policy does not have" {
    run "$SALLYPORT" simulate -C "$WS" --ring broda
    [ "$status" -eq 2 ]
    [[ $output == *'did you mean "broad"'* ]]
}

@test "a policy that keeps what worked breaks nothing, and the cures are such a policy" {
    run "$SALLYPORT" simulate -C "$WS" --policy "$case_dir/nothing-breaks.yaml" --as-of 2026-11-22
    [ "$status" -eq 0 ]
    [[ $output == *"nothing that was seen working would break"* ]]
}

@test "hardening enforced: what lacks a capability breaks at hardening" {
    golden "$case_dir/enforce.ok" 1 "$SALLYPORT" simulate -C "$WS" --as-of 2026-11-22 --policy tests/cases/simulate/enforce.yaml --ring broad
}

@test "machines that no ring has reached hold the previous policy" {
    golden "$case_dir/previous.ok" 1 "$SALLYPORT" simulate -C "$WS" --as-of 2026-11-22 --previous tests/cases/simulate/stricter.yaml --ring it
}

@test "two policies on the same evidence, and the flows on which they differ" {
    golden "$case_dir/against.ok" 1 "$SALLYPORT" simulate -C "$WS" --as-of 2026-11-22 --against tests/cases/simulate/stricter.yaml
    golden "$case_dir/against.json.ok" 1 "$SALLYPORT" simulate -C "$WS" --as-of 2026-11-22 --ring broad --against tests/cases/simulate/stricter.yaml --json
}

@test "a ring that the other policy does not have" {
    sed 's/name: broad/name: everyone/' "$case_dir/policy.yaml" >"$BATS_TEST_TMPDIR/p.yaml"
    run "$SALLYPORT" simulate -C "$WS" --ring broad --against "$BATS_TEST_TMPDIR/p.yaml"
    [ "$status" -eq 2 ]
    [[ $output == *"has no ring \"broad\""* ]]
}

@test "the numbers of each ring sum up to the flows of the matrix, and every cure was tried" {
    "$SALLYPORT" matrix -C "$WS" --json >"$BATS_TEST_TMPDIR/matrix.json"
    "$SALLYPORT" simulate -C "$WS" --as-of 2026-11-22 --policy "$case_dir/enforce.yaml" --json >"$BATS_TEST_TMPDIR/simulate.json" || [ $? -eq 1 ]
    python3 - "$BATS_TEST_TMPDIR" <<'PY'
import json, sys
flows = json.load(open(sys.argv[1] + "/matrix.json"))["flows"]
for ring in json.load(open(sys.argv[1] + "/simulate.json"))["rings"]:
    n = len(ring["broken"]) + len(ring["undecidable"]) + ring["kept"] + ring["stopped"] + ring["escaped"] + ring["ungoverned"]
    assert n == len(flows), (n, len(flows))
    assert sum(c["keeps"] for c in ring["cures"]) == len(ring["broken"])
    assert all(c["verified"] for c in ring["cures"])
    at = [f for f in ring["broken"] if f["at"] == "hardening"]
    assert all(f["settings"] for f in at)
assert len(at) == 7, len(at)
PY
}

@test "days and rhythm of a flow, and evidence that is long enough for monthly jobs only" {
    ws=$BATS_TEST_TMPDIR/rhythm
    "$SALLYPORT" init "$ws"
    cat >"$ws/policy.yaml" <<'YAML'
version: 1
segments:
  clients: {networks: [10.10.0.0/16], trust: managed}
  servers: {networks: [10.20.0.0/24], trust: managed}
YAML
    {
        printf '#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tconn_state\n'
        for day in 0 1 30 61; do
            printf '%s.0\tC%s\t10.10.0.5\t5%04d\t10.20.0.21\t445\ttcp\t-\tSF\n' $((1788220800 + day * 86400)) "$day" "$day"
        done
        for day in 0 30 61; do
            printf '%s.0\tD%s\t10.10.0.6\t6%04d\t10.20.0.21\t445\ttcp\t-\tSF\n' $((1788220800 + day * 86400)) "$day" "$day"
        done
    } >"$ws/conn.log"
    "$SALLYPORT" ingest -C "$ws" "$ws/conn.log" >/dev/null
    run "$SALLYPORT" simulate -C "$ws" --json
    [ "$status" -eq 1 ]
    python3 - "$output" <<'PY'
import json, sys
ring = json.loads(sys.argv[1])["rings"][0]
told = {f["client"]: (f["days"], f["rhythm"]) for f in ring["broken"]}
assert told == {"10.10.0.5": (4, None), "10.10.0.6": (3, "monthly")}, told
assert [w["text"] for w in ring["warnings"]] == ["evidence covers 62 days: quarterly jobs outside it are not seen"], ring["warnings"]
PY
}

@test "without a policy: exit status 2, and where it was looked for" {
    rm -rf "$BATS_TEST_TMPDIR/ws"
    "$SALLYPORT" init "$BATS_TEST_TMPDIR/ws"
    run "$SALLYPORT" simulate -C "$BATS_TEST_TMPDIR/ws"
    [ "$status" -eq 2 ]
    [[ $output == *policy.yaml* ]]
    [[ $output == *docs/policy.md* ]]
}

@test "the report holds the same verdicts, and nothing that a name could inject" {
    "$SALLYPORT" report -C "$WS" --as-of 2026-11-22 -o "$BATS_TEST_TMPDIR/report.html"
    grep -q "3 flows that work today would break" "$BATS_TEST_TMPDIR/report.html"
    grep -q "10.20.0.29" "$BATS_TEST_TMPDIR/report.html"
    sed 's|organisation: Contoso|organisation: "<script>alert(1)</script>"|' "$WS/policy.yaml" >"$BATS_TEST_TMPDIR/p.yaml"
    "$SALLYPORT" report -C "$WS" --policy "$BATS_TEST_TMPDIR/p.yaml" -o "$BATS_TEST_TMPDIR/report.html"
    ! grep -q "<script" "$BATS_TEST_TMPDIR/report.html"
    grep -q "&lt;script&gt;" "$BATS_TEST_TMPDIR/report.html"
}
