#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0

bats_require_minimum_version 1.5.0
load golden

setup() {
    cd "$BATS_TEST_DIRNAME/diff"
}

at=--as-of=2026-11-21

@test "two policies, as text" {
    golden "$(case_folder)/text.ok" 1 "$SALLYPORT" diff $at before.yaml after.yaml
}

@test "two policies, as JSON and CSV" {
    golden "$(case_folder)/json.ok" 1 "$SALLYPORT" diff $at before.yaml after.yaml --json
    golden "$(case_folder)/csv.ok" 1 "$SALLYPORT" diff $at before.yaml after.yaml --format csv
}

@test "the same meaning in other words is equal" {
    run -0 "$SALLYPORT" diff $at before.yaml same.yaml
    [[ $output == *"equal in meaning: only the text differs"* ]]
    run -0 "$SALLYPORT" diff $at before.yaml before.yaml
    [[ $output == *"equal in meaning: the text is the same"* ]]
}

@test "a folder says what its policy says, and not what another says" {
    "$SALLYPORT" compile $at --policy before.yaml --target powershell --target nftables -o "$BATS_TEST_TMPDIR/out"
    run -0 "$SALLYPORT" diff $at before.yaml "$BATS_TEST_TMPDIR/out"
    [[ $output == *"equal in meaning"* ]]
    run -1 --separate-stderr "$SALLYPORT" diff $at after.yaml "$BATS_TEST_TMPDIR/out" --json
    /usr/bin/python3 - "$output" <<'PY'
import json, sys
found = json.loads(sys.argv[1])["differences"]
targets = {d["target"] for d in found}
assert targets == {"powershell", "nftables"}, targets
# What the folder still lets in: the branch's clients; what it still stops: the excepted half.
opened = [d for d in found if d["change"] == "opened" and d["at"] == "server-inbound"]
assert all(d["clients"]["words"] == ["branch"] for d in opened) and len(opened) == 2, opened
closed = [d for d in found if d["change"] == "closed" and d["at"] == "client-outbound"]
assert all(d["clients"]["addresses"] == ["10.10.4.128/25"] for d in closed) and len(closed) == 2, closed
PY
}

@test "one exported file is held against its own machine" {
    "$SALLYPORT" compile $at --policy before.yaml --target nftables -o "$BATS_TEST_TMPDIR/out"
    file=$BATS_TEST_TMPDIR/out/nftables/servers-3.nft
    run -2 "$SALLYPORT" diff $at before.yaml "$file"
    [[ $output == *"expected --host ADDRESS or --border NAME"* ]]
    run -0 "$SALLYPORT" diff $at before.yaml "$file" --host 10.20.0.22
    sed 's/10\.11\.4\.0\/24/10.11.4.0\/23/' "$file" >"$BATS_TEST_TMPDIR/wider.nft"
    run -1 "$SALLYPORT" diff $at before.yaml "$BATS_TEST_TMPDIR/wider.nft" --host 10.20.0.22
    [[ $output == *"opened    10.11.5.0/24 -> 10.20.0.22"* ]]
    run -0 "$SALLYPORT" diff $at before.yaml "$BATS_TEST_TMPDIR/out/nftables/border-servers.nft" --border servers
    run -2 "$SALLYPORT" diff $at before.yaml "$BATS_TEST_TMPDIR/out/nftables/border-servers.nft" --border nowhere
    [[ $output == *"no enforced border \"nowhere\""* ]]
}

@test "a folder that is not whole, and nothing to compare, are refused" {
    mkdir "$BATS_TEST_TMPDIR/empty"
    run -2 "$SALLYPORT" diff $at before.yaml "$BATS_TEST_TMPDIR/empty"
    [[ $output == *"expected a folder that compile wrote whole"* ]]
    run -2 "$SALLYPORT" diff $at
    [[ $output == *"expected what to compare"* ]]
    run -2 "$SALLYPORT" diff $at before.yaml nowhere.yaml
}

@test "an exception's end is a difference between two dates" {
    run -1 "$SALLYPORT" diff before.yaml --exceptions exceptions.yaml --before 2026-11-20 --after 2026-11-21
    [[ $output == *"closed    branch -> domain-controllers"* ]]
    [[ $output == *"netbios (tcp/139 udp/137-138)"* ]]
    [[ $output == *"EX-1"* ]]
    run -0 "$SALLYPORT" diff before.yaml --exceptions exceptions.yaml --before 2026-11-10 --after 2026-11-20
    run -1 "$SALLYPORT" diff before.yaml --exceptions exceptions.yaml \
        --before 2026-11-20T23:59:59.999999Z --after 2026-11-21T00:00:00Z
}

@test "a border's file is held against that border, also where flows cross another" {
    cat >"$BATS_TEST_TMPDIR/two.yaml" <<'YAML'
version: 1
segments:
  clients: {networks: [10.10.0.0/16], trust: managed}
  servers: {networks: [10.20.0.0/24], trust: managed, border: enforced}
groups:
  domain-controllers: {hosts: [10.20.0.11], role: domain-controller}
allow:
  - {name: sysvol, from: managed, to: domain-controllers, service: smb}
perimeter: []
YAML
    out="$BATS_TEST_TMPDIR/two"
    "$SALLYPORT" compile $at --policy "$BATS_TEST_TMPDIR/two.yaml" --target nftables -o "$out"
    for border in servers internet; do
        run -0 "$SALLYPORT" diff $at "$BATS_TEST_TMPDIR/two.yaml" "$out/nftables/border-$border.nft" --border $border
        [[ $output == *"equal in meaning"* ]]
    done
    run -1 "$SALLYPORT" diff $at "$BATS_TEST_TMPDIR/two.yaml" "$out/nftables/border-internet.nft" --border servers
}
