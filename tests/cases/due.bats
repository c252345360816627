#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Expiry closes, in every firewall that carries an exception: see due/README.md.

bats_require_minimum_version 1.5.0

PYTHON=${PYTHON:-/usr/bin/python3}

# Usage: at INSTANT COMMAND...     the program, with its clock set
at() {
    local clock=$1
    shift
    SALLYPORT_CLOCK=$clock "$SALLYPORT" "$@"
}

# Usage: as NAME INSTANT COMMAND...     the same, logged in
as() {
    local name=$1
    shift
    SALLYPORT_TOKEN=$(cat "$BATS_FILE_TMPDIR/$name.token") at "$@"
}

setup_file() {
    export WS=$BATS_FILE_TMPDIR/ws EARLY=2026-10-01T08:00:00Z WHILE=2026-10-02T08:00:00Z AFTER=2026-10-12T08:00:00Z
    local name
    at $EARLY init "$WS" >/dev/null
    cp "$BATS_TEST_DIRNAME/due/policy.yaml" "$WS/policy.yaml"
    for name in alice bob; do
        echo "a password of $name" >"$BATS_FILE_TMPDIR/$name.password"
        [ $name = alice ] || export SALLYPORT_TOKEN
        at $EARLY user add $name --role operator --role approver --password-file "$BATS_FILE_TMPDIR/$name.password" -C "$WS"
        [ $name = bob ] || SALLYPORT_TOKEN=$(login alice $EARLY)
    done
    unset SALLYPORT_TOKEN
    for name in alice bob; do
        login $name $EARLY >"$BATS_FILE_TMPDIR/$name.token"
    done
    as alice $EARLY exception request -C "$WS" --from scanners --to 10.20.0.21 --service smb --name scans --owner alice \
        --reason "old firmware" --expires 2026-10-10
    as alice $EARLY exception request -C "$WS" --from 10.10.0.7 --to 10.10.0.8 --service smb --owner alice \
        --reason "a move" --expires 2026-10-20
    as alice $EARLY exception request -C "$WS" --from 10.10.0.9 --to 10.10.0.8 --service smb --owner alice \
        --reason "never needed" --expires 2026-10-01T09:00:00Z
    for name in EX-1 EX-2 EX-3; do
        as bob $EARLY exception approve $name -C "$WS"
    done
    at $WHILE compile -C "$WS" --target powershell --target nftables --target gpo -o "$WS/out"
}

# Usage: login NAME INSTANT     its token
login() {
    at "$2" user login "$1" --password-file "$BATS_FILE_TMPDIR/$1.password" -C "$WS" | sed -n 's/.*SALLYPORT_TOKEN=//p' | tr -d "'\";"
}

setup() {
    cd "$BATS_FILE_TMPDIR"
}

@test "the manifest and the ledger say what the artefacts carry" {
    "$PYTHON" - "$WS" <<'PY'
import hashlib, json, sqlite3, sys
ws = sys.argv[1]
text = open(f"{ws}/out/manifest.json", "rb").read()
manifest = json.loads(text)
assert [e["id"] for e in manifest["exceptions"]] == ["EX-1", "EX-2"], manifest["exceptions"]
assert manifest["exceptions"][0]["owner"] == "alice"
assert manifest["exceptions"][0]["expires"] == "2026-10-10T22:00:00.000000Z", manifest["exceptions"]
bodies = [json.loads(b) for (b,) in sqlite3.connect(f"{ws}/ledger.db").execute("select body from entry order by number")]
compiled = [b["data"] for b in bodies if b["kind"] == "compiled"]
assert len(compiled) == 1, compiled
assert compiled[0]["exceptions"] == ["EX-1", "EX-2"] and compiled[0]["out"] == "out"
assert compiled[0]["manifest"] == hashlib.sha256(text).hexdigest()
assert compiled[0]["policy"] == manifest["policy_sha256"]
assert {f["path"]: f["sha256"] for f in compiled[0]["files"]} == {f["path"]: f["sha256"] for f in manifest["files"]}
PY
}

@test "nothing is due while it lives; what ends soon is, when asked" {
    run -0 --separate-stderr at $WHILE exception due -C "$WS"
    [[ $output == *"nothing is due"* ]]
    [[ $output == *"EX-3 of alice"*"never deployed"* ]]
    run -1 --separate-stderr at $WHILE exception due -C "$WS" --within 10d --json
    [[ $output == *'"due":[{"id":"EX-1"'*'"ended":false'* ]]
    [[ $output != *'"id":"EX-2"'* ]]
}

@test "drift: the old artefacts are open, each by its rule" {
    run -0 --separate-stderr at $WHILE drift -C "$WS" "$WS/out"
    run -1 --separate-stderr at $AFTER drift -C "$WS" "$WS/out/nftables/servers-3.nft"
    [[ $output == *"EX-1 of alice ended 2026-10-10T22:00:00Z and is still open in $WS/out/nftables/servers-3.nft: rule sallyport-contoso-inbound-smb-tcp-domain-private-public-allow-1, smallest pair 10.40.0.5 -> 10.20.0.21"* ]]
    # EX-2 lives, and is no drift.
    [[ $output != *EX-2* ]]
    # Of another machine: nothing can be said.
    run -0 --separate-stderr at $AFTER drift -C "$WS" "$WS/out/nftables/plant-1.nft"
    [[ $output == *"EX-1 of alice: not looked at"* ]]
    run -2 --separate-stderr at $AFTER drift -C "$WS" "$WS/policy.yaml"
    run -2 --separate-stderr at $AFTER drift -C "$WS" nowhere="$WS/out/nftables/servers-3.nft"
    run -2 --separate-stderr at $AFTER drift -C "$WS" "$WS/out" --exception EX-2
    [[ $stderr == *"EX-2 has not ended"* ]]
    run -2 --separate-stderr at $AFTER drift -C "$WS" "$WS/out" --exception EX-9
}

@test "the bundle takes the rules of the exception away, and nothing else" {
    run -1 --separate-stderr at $AFTER exception due -C "$WS"
    [[ $output == *"EX-1"*"2 days ago"*"out"*"powershell"* ]]
    [[ $output == *"1 exception is not closed"* ]]
    cp -r "$WS/out" "$WS/old"
    run -1 --separate-stderr at $AFTER exception due -C "$WS" -o "$WS/removal" --json
    "$PYTHON" - "$WS" "$output" <<'PY'
import json, sys
ws, told = sys.argv[1], json.loads(sys.argv[2])
assert [d["id"] for d in told["due"]] == ["EX-1"], told
assert sorted(c["target"] for c in told["due"][0]["carried"]) == ["gpo", "nftables", "powershell"]
assert sorted(told["bundle"]["targets"]) == ["gpo", "nftables", "powershell"]
removed = json.load(open(f"{ws}/removal/removed.json"))
(exception,) = removed["exceptions"]
assert exception["id"] == "EX-1" and exception["rules"], exception
assert not removed["not_at_hand"], removed["not_at_hand"]
assert not removed["other_changes"], removed["other_changes"]
for row in exception["rules"]:
    assert row["closes"] == ["10.40.0.5"] and not row["opens"], row
    # Windows: the id is the same in both, or in the old one alone.
    if row["target"] == "powershell":
        old = open(f"{ws}/old/{row['old_file']}").read()
        new = open(f"{ws}/removal/{row['new_file']}").read()
        assert f"'{row['rule']}'" in old, row
        assert (f"'{row['rule']}'" in new) == (row["change"] == "changes"), row
        assert ("'10.40.0.5'" in new) == False, row
assert {r["target"] for r in exception["rules"]} == {"gpo", "nftables", "powershell"}
assert any(r["border"] == "servers" for r in exception["rules"])
PY
    grep -q 'EX-1 of alice, ended 2026-10-10' "$WS/removal/REMOVED.md"
    ! grep -rq 'EX-1' "$WS/removal/nftables" "$WS/removal/powershell"
    grep -rq 'EX-2' "$WS/removal/nftables"
    run -0 --separate-stderr at $AFTER compile -C "$WS" --verify "$WS/removal"
    run -0 --separate-stderr at $AFTER drift -C "$WS" "$WS/removal"
    [[ $output == *"EX-1 of alice: gone: every pair of it is as the policy says in 4 rulesets"* ]]
    # The bundle stands for the folder that it takes the place of.
    run -0 --separate-stderr at $AFTER exception due -C "$WS"
    [[ $output == *"nothing is due"* ]]
}

@test "a folder that is gone is made again from the policy of then" {
    cp -r "$WS" "$BATS_TEST_TMPDIR/gone"
    WS=$BATS_TEST_TMPDIR/gone
    rm -rf "$WS/out" "$WS/removal"
    at $WHILE compile -C "$WS" --target nftables -o "$WS/out" >/dev/null
    sed -i 's/10\.40\.0\.5/10.40.0.6/' "$WS"/out/nftables/servers-3.nft
    run -1 --separate-stderr at $AFTER exception due -C "$WS" -o "$WS/removal" --target nftables
    grep -q 'the folder is gone or was changed' "$WS/removal/REMOVED.md"
    grep -q '10.40.0.5' "$WS/removal/REMOVED.md"
}

@test "a target that carries nothing of it is not written" {
    cp -r "$WS" "$BATS_TEST_TMPDIR/other"
    WS=$BATS_TEST_TMPDIR/other
    at $WHILE compile -C "$WS" --target nftables -o "$WS/more" >/dev/null
    run -2 --separate-stderr at $AFTER exception due -C "$WS" -o "$WS/bundle" --target pf
    [ ! -e "$WS/bundle" ]
    # Asked by an old clock, nothing has ended.
    run -0 --separate-stderr at $WHILE exception due -C "$WS"
}

@test "a ledger that was tampered with is not believed" {
    cp -r "$WS" "$BATS_TEST_TMPDIR/bad"
    WS=$BATS_TEST_TMPDIR/bad
    "$PYTHON" - "$WS/ledger.db" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for (name,) in db.execute("select name from sqlite_master where type = 'trigger'").fetchall():
    db.execute(f"drop trigger \"{name}\"")
db.execute("update entry set body = replace(body, '2026-10-10', '2026-11-10')")
db.commit()
PY
    run -2 --separate-stderr at $AFTER exception due -C "$WS"
    run -2 --separate-stderr at $AFTER drift -C "$WS" "$WS/out"
}

@test "use after the end is an alarm, also when the artefacts are without it" {
    cp -r "$WS" "$BATS_TEST_TMPDIR/used"
    WS=$BATS_TEST_TMPDIR/used
    {
        printf '#Version: 1.5\n#Software: Microsoft Windows Firewall\n#Time Format: Local\n'
        printf '#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin icmptype icmpcode info path\n\n'
        printf '2026-10-05 08:14:03 ALLOW TCP 10.40.0.5 10.20.0.21 50123 445 0 - 0 0 0 - - - RECEIVE\n'
        printf '2026-10-11 08:14:03 ALLOW TCP 10.40.0.5 10.20.0.21 50124 445 0 - 0 0 0 - - - RECEIVE\n'
        printf '2026-10-11 08:15:03 ALLOW TCP 10.10.0.7 10.10.0.8 50124 445 0 - 0 0 0 - - - RECEIVE\n'
    } >"$BATS_TEST_TMPDIR/pfirewall.log"
    "$SALLYPORT" ingest -C "$WS" --timezone UTC "$BATS_TEST_TMPDIR/pfirewall.log" >/dev/null
    at $AFTER compile -C "$WS" --target powershell --target nftables --target gpo -o "$WS/out" >/dev/null
    run -1 --separate-stderr at $AFTER exception due -C "$WS"
    [[ $output == *"EX-1 of alice is used after its end: 1 connection passed, the last 2026-10-11T08:14:03.000000Z; 10.40.0.5 -> 10.20.0.21"* ]]
    [[ $output != *"EX-2 of alice is used"* ]]
    run -1 --separate-stderr at $AFTER exception due -C "$WS" --json
    [[ $output == *'"due":[],'*'"used_after":[{"id":"EX-1","owner":"alice","passed":1,'*'"client":"10.40.0.5"'* ]]
}

@test "what a kernel holds: open with the old file, gone with the new one" {
    if [ "$(id -u)" = 0 ]; then alone="unshare --net"; else alone="unshare --map-root-user --net"; fi
    at $AFTER compile -C "$WS" --target nftables -o "$BATS_TEST_TMPDIR/new" >/dev/null
    $alone sh -ec 'nft --file "$1"; nft list ruleset' sh "$WS/old/nftables/servers-3.nft" >live.nft
    run -1 --separate-stderr at $AFTER drift -C "$WS" 10.20.0.21=live.nft
    [[ $output == *"EX-1 of alice ended"*"is still open in live.nft: rule sallyport-contoso-inbound-smb-tcp-domain-private-public-allow-1, "* ]]
    $alone sh -ec 'nft --file "$1"; nft --file "$2"; nft list ruleset' sh "$WS/old/nftables/servers-3.nft" \
        "$BATS_TEST_TMPDIR/new/nftables/servers-3.nft" >live.nft
    run -0 --separate-stderr at $AFTER drift -C "$WS" 10.20.0.21=live.nft
    [[ $output == *"EX-1 of alice: gone"* ]]
    # Nothing loaded at all: nobody there blocks it.
    $alone sh -ec 'nft --file "$1"; nft flush chain inet sallyport input; nft list ruleset' sh "$WS/old/nftables/servers-3.nft" >live.nft
    run at $AFTER drift -C "$WS" 10.20.0.21=live.nft
    [ "$status" -ne 0 ]
}
