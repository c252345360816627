#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Reviews of exceptions, from the sheet to the ledger, and the audit of a quarter: see review/README.md.

bats_require_minimum_version 1.5.0
root=$BATS_TEST_DIRNAME/../..
fill=$BATS_TEST_DIRNAME/review/fill.py

# Usage: clock TIME
clock() {
    export SALLYPORT_CLOCK=$1
}

# Usage: login USER...
login() {
    local user line
    for user in "$@"; do
        line=$("$SALLYPORT" user login -C "$WS" --password-file "$BATS_FILE_TMPDIR/password" "$user" 2>/dev/null)
        echo "${line#*SALLYPORT_TOKEN=}" | tr -d "'\"" | sed 's/^export //; s/;.*//' >"$WS.tokens/$user"
    done
}

# Usage: as USER COMMAND...   run in the workspace by a user who is logged in
as() {
    local user=$1
    shift
    (cd "$WS" && SALLYPORT_TOKEN=$(cat "$WS.tokens/$user") "$SALLYPORT" "$@")
}

# Usage: ask OPTION...   erin asks for an exception
ask() {
    as erin exception request --reason "old firmware" "$@" >/dev/null 2>&1
}

# Five exceptions, one of them made with --break-glass, one that has ended, and one that waits.
make_workspace() {
    export WS=$1
    mkdir -p "$WS.tokens"
    clock 2026-11-05T08:00:00Z
    "$SALLYPORT" init "$WS" >/dev/null
    cp "$root/samples/contoso/policy.yaml" "$WS/policy.yaml"
    "$SALLYPORT" ingest -C "$WS" "$root/samples/contoso/captures" "$root/samples/contoso/logs" >/dev/null 2>&1
    echo "correct horse battery" >"$BATS_FILE_TMPDIR/password"
    "$SALLYPORT" user add -C "$WS" --password-file "$BATS_FILE_TMPDIR/password" root1 --role admin >/dev/null 2>&1
    login root1
    for user in alice bob carol dave erin; do
        as root1 user add --password-file "$BATS_FILE_TMPDIR/password" "$user" --role operator --role approver \
            >/dev/null 2>&1
    done
    login alice bob carol dave erin
    ask --from scanners --to 10.10.4.17 --service smb --owner alice --deputy bob --expires 60d
    ask --from branch --to 10.10.4.2 --service smb --owner bob --expires 40d
    ask --from scanners --to 10.20.0.21 --service smb --owner carol --expires 30d
    ask --from 10.10.4.17 --to 10.10.4.2 --service smb --owner alice --expires 10d
    ask --from branch --to 10.20.0.21 --service smb --owner carol --expires 6h --break-glass
    ask --from scanners --to 10.10.4.2 --service smb --owner alice --expires 20d
    for i in 1 2 3 4 5; do
        as dave exception approve "EX-$i" >/dev/null 2>&1
    done
    as carol exception approve EX-2 >/dev/null 2>&1
}

setup_file() {
    make_workspace "$BATS_FILE_TMPDIR/made"
}

# Each test has a workspace of its own, on the day of the review.
setup() {
    export WS=$BATS_TEST_TMPDIR/w
    cp -r "$BATS_FILE_TMPDIR/made" "$WS"
    cp -r "$BATS_FILE_TMPDIR/made.tokens" "$WS.tokens"
    clock 2026-11-20T10:00:00Z
    login alice bob carol dave erin root1
    sheet=$WS/review-RV-2026-11.csv
}

# Usage: started   starts the review of November
started() {
    as erin review start --monthly >/dev/null 2>&1
}

# Usage: filled OUT CHANGE...   the sheet, filled in, in the workspace
filled() {
    local out=$1
    shift
    python3 "$fill" "$sheet" "$WS/$out" "$@"
}

# Usage: close_as USER FILE   prints what was done and what was said
close_as() {
    as "$1" review close "$2" 2>&1
}

# Usage: state_of ID
state_of() {
    as erin exception list --json 2>/dev/null | python3 -c '
import json, sys
found = [e for e in json.load(sys.stdin)["exceptions"] if e["id"] == sys.argv[1]]
print(found[0]["state"], found[0]["owner"])' "$1"
}

entries() {
    as erin ledger show --json 2>/dev/null | grep -c . || true
}

@test "a review asks about what lives and what ended unseen, break-glass first, and is the same sheet again" {
    run as erin review start --monthly
    [ "$status" -eq 0 ]
    [[ $output == *"RV-2026-11: 5 exceptions to decide until 2026-12-04; 1 waits for approval"* ]]
    [[ $output == *"1 made with --break-glass"* ]]
    [[ $output == *"2 ended, and nobody has looked at them since"* ]]
    run python3 -c '
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], encoding="utf-8-sig", newline="")))
print([r["id"] for r in rows], list(rows[0]))' "$sheet"
    [[ $output == "['EX-5', 'EX-4', 'EX-3', 'EX-2', 'EX-1'] ['id', 'owner', 'scope', 'reason', 'expires', 'last_use', 'connections', 'proposal', 'because', 'decision', 'decided_by', 'new_scope', 'new_owner', 'note', 'review']" ]]
    # Later, after something has changed, it is the same to the byte.
    clock 2026-11-21T10:00:00Z
    login erin alice
    as alice exception revoke EX-1 --reason "gone" >/dev/null 2>&1
    run as erin review start --monthly -o again
    [ "$status" -eq 0 ]
    [[ $output == *"RV-2026-11 is open: 5 exceptions"* ]]
    cmp "$sheet" "$WS/again/review-RV-2026-11.csv"
    cmp "$WS/review-RV-2026-11.html" "$WS/again/review-RV-2026-11.html"
    run ! grep -q '<form\|<input\|<script' "$WS/review-RV-2026-11.html"
    # What was revoked meanwhile needs no decision any more.
    run as erin review show RV-2026-11
    [[ $output == *"1 of 5 exceptions decided"* ]]
}

@test "every decision arrives in the ledger, whoever's spreadsheet wrote it" {
    started
    filled a.csv excel EX-1:decision=transfer EX-1:decided_by=bob EX-1:new_owner=erin \
        EX-2:decision=narrow EX-2:decided_by=bob "EX-2:new_scope=from: 10.11.4.9, to: 10.10.4.2, service: smb" \
        EX-3:decision=Promote EX-3:decided_by=carol EX-4:decision=remove EX-4:decided_by=alice \
        EX-5:decision=keep EX-5:decided_by=CAROL "EX-5:note='=the night of the printer"
    run close_as erin a.csv
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"EX-3 is promoted: put this under allow: in policy.yaml"* ]]
    [[ $output == *"- {from: scanners, to: 10.20.0.21, service: smb}"* ]]
    [[ $output == *"RV-2026-11: all is decided, it is closed"* ]]
    cmp "$root/samples/contoso/policy.yaml" "$WS/policy.yaml"
    [ "$(state_of EX-1)" = "active erin" ]
    # A narrowing waits for approval, and the owner can't give it.
    run as erin exception show EX-2
    [[ $output == *"narrowing"* ]]
    run as bob exception approve EX-2
    [ "$status" -eq 1 ]
    run as erin review show RV-2026-11 --json
    [[ $output == *'"exception":"EX-5"'*'"decision":"keep","decided_by":"carol","recorded_by":"erin"'*'"note":"=the night of the printer"'* ]]
    run as erin ledger verify
    [ "$status" -eq 0 ]
    # Twice changes nothing.
    before=$(entries)
    run close_as erin a.csv
    [ "$status" -eq 0 ]
    [[ $output == *"closed since 2026-11-20: nothing was changed"* ]]
    [ "$(entries)" = "$before" ]
    # The next review of the month has a number, and does not ask about what was closed.
    run as erin review start --monthly
    [[ $output == *"RV-2026-11-2: 3 exceptions"* ]]
}

@test "removing what lives revokes it" {
    started
    filled a.csv EX-3:decision=remove EX-3:decided_by=carol "EX-3:note=the scanner is gone"
    run close_as carol a.csv
    [ "$status" -eq 1 ]
    [[ $output == *"RV-2026-11 stays open: 4 of 5 undecided"* ]]
    [ "$(state_of EX-3)" = "revoked carol" ]
    run as erin exception show EX-3
    [[ $output == *"the scanner is gone"* ]]
}

@test "rows that are wrong are told with line and column, and the others are applied" {
    started
    filled a.csv EX-5:decision=keep EX-5:decided_by=carol EX-4:decision=removd EX-4:decided_by=alice \
        EX-3:decision=keep EX-3:decided_by=dave EX-2:decision=narrow EX-2:decided_by=bob \
        "EX-2:new_scope=from: clients, to: 10.10.4.2, service: smb" EX-1:decision=transfer EX-1:decided_by=alice \
        EX-1:new_owner=dave
    printf 'EX-9,,,,,,,,,keep,alice,,,,%s\n' "$(tail -1 "$sheet" | tr -d '\r' | sed 's/.*,//')" >>"$WS/a.csv"
    run close_as erin a.csv
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"a.csv:3:"*"decision: expected keep, narrow, remove, transfer or promote, found \"removd\", did you mean \"remove\"?"* ]]
    [[ $output == *"a.csv:4:"*"decided_by: dave can't decide about EX-3: its owner is carol"* ]]
    [[ $output == *"a.csv:5:"*"new_scope: that is not narrower"* ]]
    [[ $output == *"a.csv:6:"*"new_owner: dave approved it and can't own it"* ]]
    [[ $output == *"a.csv:7:1:"*'id: RV-2026-11 does not ask about "EX-9"'* ]]
    [[ $output == *"RV-2026-11 stays open: 4 of 5 undecided"* ]]
    [ "$(state_of EX-1)" = "active alice" ]
    # Who was not let through is in the ledger.
    run as erin ledger show --kind refused
    [[ $output == *"EX-3"* ]]
    # The first decision counts.
    filled b.csv EX-5:decision=remove EX-5:decided_by=carol
    run close_as erin b.csv
    [ "$status" -eq 1 ]
    [[ $output == *'carol decided "keep" on 2026-11-20 already'* ]]
}

@test "the proposed scope holds where none is said, and no scope at all is told" {
    started
    filled a.csv EX-2:decision=narrow EX-2:decided_by=bob
    run close_as bob a.csv
    [ "$status" -eq 1 ]
    [[ $output == *"new_scope: nothing narrower was proposed: say the scope here"* ]]
    filled a.csv EX-2:decision=narrow EX-2:decided_by=bob "EX-2:new_scope=branch"
    run close_as bob a.csv
    [[ $output == *"new_scope:"*"scope"* ]]
    filled a.csv EX-2:decision=narrow EX-2:decided_by=bob "EX-2:new_scope=from: branch, to: 10.10.4.2, service: smb"
    run close_as bob a.csv
    [[ $output == *"new_scope: that is what it has already"* ]]
}

@test "where the policy asks for a login, everybody decides for themself" {
    # Nothing is decided by a clock that was set then, so this is now.
    unset SALLYPORT_CLOCK
    export WS=$BATS_TEST_TMPDIR/now
    mkdir -p "$WS.tokens"
    "$SALLYPORT" init "$WS" >/dev/null
    cp "$root/samples/contoso/policy.yaml" "$WS/policy.yaml"
    printf '\ngovernance: {require-login: true}\n' >>"$WS/policy.yaml"
    "$SALLYPORT" user add -C "$WS" --password-file "$BATS_FILE_TMPDIR/password" root1 --role admin >/dev/null 2>&1
    login root1
    for user in carol dave erin; do
        as root1 user add --password-file "$BATS_FILE_TMPDIR/password" "$user" --role operator --role approver \
            >/dev/null 2>&1
    done
    login carol dave erin
    ask --from scanners --to 10.10.4.17 --service smb --owner carol --expires 60d
    as dave exception approve EX-1 >/dev/null 2>&1
    started
    sheet=$(echo "$WS"/review-RV-*.csv)
    filled a.csv EX-1:decision=keep EX-1:decided_by=carol
    run close_as erin a.csv
    [ "$status" -eq 1 ]
    [[ $output == *"decided_by: the policy has require-login: carol has to log in and close this themself; this is erin"* ]]
    run bash -c 'cd "$WS" && "$SALLYPORT" review close a.csv 2>&1'
    [ "$status" -ne 0 ]
    run close_as carol a.csv
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"all is decided, it is closed"* ]]
}

@test "a sheet of another workspace, and what is no sheet, are refused" {
    started
    filled a.csv EX-3:decision=keep EX-3:decided_by=carol
    sed -i 's,RV-2026-11/[0-9a-f]*,RV-2026-11/0000000000000000,' "$WS/a.csv"
    before=$(entries)
    run close_as erin a.csv
    [ "$status" -eq 2 ]
    [[ $output == *"a.csv: error: no row is of a review of this workspace: it is another one's sheet"* ]]
    printf 'id,owner\nEX-1,alice\n' >"$WS/b.csv"
    run close_as erin b.csv
    [ "$status" -eq 2 ]
    [[ $output == *'b.csv:1:1: error: the first line has no column "decision"'* ]]
    [ "$(entries)" = "$before" ]
}

@test "a review that is overdue is told, in lists and by the exit status" {
    started
    run as erin review list
    [ "$status" -eq 0 ]
    clock 2026-12-05T10:00:00Z
    run "$SALLYPORT" review list -C "$WS"
    [ "$status" -eq 1 ]
    [[ $output == *"overdue"* ]]
    run "$SALLYPORT" review show -C "$WS" RV-2026-11
    [ "$status" -eq 1 ]
    [[ $output == *"overdue since 2026-12-04"* ]]
    run "$SALLYPORT" review list -C "$WS" --as-of 2026-11-30T00:00:00Z
    [ "$status" -eq 0 ]
}

@test "of an owner who has left an administrator may give away or remove what they own, and no more" {
    printf 'samaccountname,enabled\nalice,false\nbob,true\ncarol,true\n' >"$WS/people.csv"
    as root1 import people people.csv >/dev/null
    run as erin review start --monthly
    [[ $output == *"2 with an owner who has left"* ]]
    grep -q 'orphaned' "$WS/review-RV-2026-11.html"
    filled a.csv EX-4:decision=transfer EX-4:decided_by=root1 EX-4:new_owner=erin EX-1:decision=keep EX-1:decided_by=root1 \
        EX-3:decision=remove EX-3:decided_by=root1 EX-5:decision=keep EX-5:decided_by=carol
    run close_as erin a.csv
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"root1 can't decide about EX-3: its owner is carol"* ]]
    [[ $output == *"root1 can't decide about EX-1: its owner is alice, the deputy bob"* ]]
    [ "$(state_of EX-4)" = "expired erin" ]
    [ "$(state_of EX-3)" = "active carol" ]
    run --separate-stderr as root1 audit --quarterly --json
    [ "$(figure exceptions-orphaned)" = 2 ]
}

@test "a review of nothing is one, and closed at once" {
    export WS=$BATS_TEST_TMPDIR/empty
    "$SALLYPORT" init "$WS" >/dev/null
    run "$SALLYPORT" review start -C "$WS" --monthly -o "$WS"
    [ "$status" -eq 0 ]
    [[ $output == *"RV-2026-11: 0 exceptions to decide"* ]]
    run "$SALLYPORT" review list -C "$WS"
    [[ $output == *"closed"* ]]
    run "$SALLYPORT" review close -C "$WS" "$WS/review-RV-2026-11.csv"
    [ "$status" -eq 1 ]
    [[ $output == *"has no rows"* ]]
}

# Usage: figure NAME [now|before]   of the last audit's JSON, in $output
figure() {
    python3 -c '
import json, sys
print(json.loads(sys.argv[1])[sys.argv[3]][sys.argv[2]])' "$output" "$1" "${2-now}"
}

@test "a quarter's audit counts what is there, and the next one says what changed" {
    started
    run --separate-stderr as root1 audit --quarterly --json -o audit.html
    [ "$status" -eq 1 ]
    [ "$(figure quarter)" = 2026-Q4 ]
    [ "$(figure exceptions)" = 3 ]
    [ "$(figure exceptions-pending)" = 1 ]
    [ "$(figure exceptions-unclosed)" = 2 ]
    [ "$(figure break-glass)" = 1 ]
    [ "$(figure reviews-open)" = 1 ]
    [ "$(figure assertions)" = 5 ]
    [ "$(figure assertions-hold)" = 4 ]
    [ "$(figure ledger-faults)" = 0 ]
    [ "$(figure drift-checked)" = None ]
    [[ $output == *'"before":null'* ]]
    [[ $output == *'"setting":"smb-server-min-dialect"'*'"microsoft_baseline":"Windows 11 24H2, Lanman Server: Mandate the minimum version of SMB (768)"'* ]]
    grep -q 'Quarter 2026-Q4' "$WS/audit.html"
    # Asking again in the same quarter compares with nothing; the next quarter with the last of these.
    run --separate-stderr as root1 audit --quarterly --json
    [[ $output == *'"before":null'* ]]
    clock 2027-02-10T08:00:00Z
    login root1
    run --separate-stderr as root1 audit --quarterly --json
    [ "$(figure quarter)" = 2027-Q1 ]
    [ "$(figure quarter before)" = 2026-Q4 ]
    [ "$(figure exceptions before)" = 3 ]
    [ "$(figure exceptions)" = 0 ]
    [ "$(figure break-glass)" = 0 ]
    [ "$(figure reviews-overdue)" = 1 ]
    [[ $output == *'"trend":"worse","figure":"reviews-overdue"'* ]]
    run as root1 audit --quarterly
    [[ $output == *"2027-Q1 against 2026-Q4"* ]]
    # The past is asked about without leaving a trace.
    before=$(entries)
    run as root1 audit --quarterly --as-of 2026-12-01T00:00:00Z
    [[ $output == *"not recorded in the ledger"* ]]
    [ "$(entries)" = "$before" ]
}

@test "what drifted is part of the audit where a state is given" {
    as root1 compile -o out --target nftables >/dev/null 2>&1 || true
    [ -d "$WS/out" ]
    run --separate-stderr as root1 audit --quarterly --json --state out
    [ "$(figure drift-checked)" = 1 ]
    [ "$(figure drift)" = 0 ]
}
