#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The life of an exception: see exception/README.md.

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

# Usage: login NAME INSTANT     its token
login() {
    at "$2" user login "$1" --password-file "$BATS_FILE_TMPDIR/password" -C "$MADE" | sed -n 's/.*SALLYPORT_TOKEN=//p' | tr -d "'\";"
}

# A workspace with people is made once: each password costs its time. Tokens of a login end after hours, so
# they are made with `token create`.
setup_file() {
    export MADE=$BATS_FILE_TMPDIR/made MORNING=2026-11-22T08:00:00Z
    unset SALLYPORT_TOKEN SALLYPORT_TOKEN_FILE SALLYPORT_LEDGER_KEY SALLYPORT_CLOCK
    echo "correct-horse-battery" >"$BATS_FILE_TMPDIR/password"
    at "$MORNING" init "$MADE" >/dev/null
    cp "$BATS_TEST_DIRNAME/exception/policy.yaml" "$MADE/policy.yaml"
    at "$MORNING" user add boss --role admin --role operator --role approver --password-file "$BATS_FILE_TMPDIR/password" -C "$MADE"
    login boss "$MORNING" >"$BATS_FILE_TMPDIR/boss.token"
    local name
    for name in ann bob carol; do
        as boss "$MORNING" user add $name --role operator --role approver --password-file "$BATS_FILE_TMPDIR/password" -C "$MADE"
        login $name "$MORNING" >"$BATS_FILE_TMPDIR/$name.login"
        cp "$BATS_FILE_TMPDIR/$name.login" "$BATS_FILE_TMPDIR/$name.token"
        as $name "$MORNING" token create --name life --role operator --role approver --expires 2027-10-01 -C "$MADE" >"$BATS_FILE_TMPDIR/$name.long"
        mv "$BATS_FILE_TMPDIR/$name.long" "$BATS_FILE_TMPDIR/$name.token"
    done
}

setup() {
    W=$BATS_TEST_TMPDIR/w
    cp -a "$MADE" "$W"
}

# Usage: ask NAME INSTANT OPTION...     the request that most cases begin with
ask() {
    local name=$1 clock=$2
    shift 2
    as "$name" "$clock" exception request -C "$W" --from 10.10.4.0/28 --to files --service smb --owner olga \
        --reason "scanner with old firmware" "$@"
}

@test "a life: request, refusal, approval, rules, end, renewal" {
    run -0 ask ann "$MORNING" --expires 2026-12-01 --ticket CHG-7
    [[ $output == *"EX-1 request"*"opens 16 × 1 address pairs"*"1 needed, not of ann (requester), olga (owner)"* ]]
    run -1 as ann "$MORNING" exception approve EX-1 -C "$W"
    [[ $output == *"ann requested it and can't approve it"* ]]
    run -0 at "$MORNING" explain 10.10.4.3 10.20.0.21 -C "$W"
    [[ $output == *"does not pass"* ]]
    run -0 as bob "$MORNING" exception approve EX-1 --note "until the new firmware" -C "$W"
    [[ $output == *"EX-1 approved: active until 2026-12-01 (in 9 days)"* ]]

    run -0 at 2026-11-25T08:00:00Z compile --target nftables -o "$W/out" -C "$W"
    grep -q "EX-1" "$W/out/RULES.md"
    grep "EX-1" "$W/out/RULES.md" | grep -q "olga"
    grep "EX-1" "$W/out/RULES.md" | grep -q "2026-12-01"
    run -0 at 2026-11-25T08:00:00Z explain 10.10.4.3 10.20.0.21 -C "$W"
    [[ $output == *"exception EX-1 of olga"* ]]

    # The last moment of its day, in the policy's zone (an hour before midnight in UTC), and the first after it.
    run -0 at 2026-12-01T22:59:59Z exception list --state active -C "$W"
    [[ $output == *"EX-1"* ]]
    run -0 at 2026-12-01T23:00:00Z exception list --state active -C "$W"
    [[ $output != *"EX-1"* ]]
    run -0 at 2026-12-02T08:00:00Z compile --target nftables -o "$W/later" -C "$W"
    run ! grep -r "10.10.4.0" "$W/later" --include='*.nft'
    run -0 at 2026-12-02T08:00:00Z explain 10.10.4.3 10.20.0.21 -C "$W"
    [[ $output == *"does not pass"*"exception EX-1 of olga expired 2026-12-01"* ]]

    run -0 as ann 2026-12-02T08:00:00Z exception renew EX-1 --expires 2026-12-20 --reason "the firmware is late" -C "$W"
    run -0 at 2026-12-02T08:00:00Z explain 10.10.4.3 10.20.0.21 -C "$W"
    [[ $output == *"does not pass"* ]]
    run -1 as ann 2026-12-02T08:00:00Z exception approve EX-1 -C "$W"
    run -0 as carol 2026-12-03T08:00:00Z exception approve EX-1 -C "$W"
    [[ $output == *"active until 2026-12-20"* ]]
    run -0 at 2026-12-03T09:00:00Z explain 10.10.4.3 10.20.0.21 -C "$W"
    [[ $output == *"exception EX-1 of olga"* ]]

    # Time travel: what was, was.
    for day in 2026-11-21T08:00:00Z:blocked 2026-11-30T08:00:00Z:open 2026-12-02T23:00:00Z:blocked 2026-12-04T08:00:00Z:open \
        2026-12-21T08:00:00Z:blocked; do
        run -0 at 2026-12-05T08:00:00Z explain 10.10.4.3 10.20.0.21 --as-of "${day%:*}" -C "$W"
        if [ "${day##*:}" = open ]; then
            [[ $output == *"EX-1 of olga"* && $output != *"does not pass: smb"* ]]
        else
            [[ $output == *"does not pass: smb"* ]]
        fi
    done
    run -0 at 2026-12-05T08:00:00Z exception show EX-1 -C "$W"
    [[ $output == *"refused"*"ann requested it and can't approve it"*"renewal until 2026-12-20: the firmware is late"*"carol (logged in"* ]]
    run -0 at 2026-12-05T08:00:00Z ledger verify -C "$W"
}

@test "risks ask for two people, and one person is one under any name" {
    run -0 as ann "$MORNING" exception request -C "$W" --from guest-wifi --to files --service smb --owner olga --reason r --expires 7d
    [[ $output == *"untrusted segment guest-wifi"*"2 needed"* ]]
    run -0 as bob "$MORNING" exception approve EX-1 -C "$W"
    [[ $output == *"pending; the request has 1 of 2 approvals"* ]]
    run -1 as bob "$MORNING" exception approve EX-1 -C "$W"
    [[ $output == *"bob has approved it already"* ]]
    run -0 as carol "$MORNING" exception approve EX-1 -C "$W"
    [[ $output == *"active until"* ]]
}

@test "an administrator approves nothing of their own either" {
    as boss "$MORNING" exception request -C "$W" --from 10.10.4.0/28 --to files --service smb --owner olga --reason r --expires 7d
    run -1 as boss "$MORNING" exception approve EX-1 -C "$W"
    [[ $output == *"boss requested it and can't approve it"* ]]
    # Whoever runs the program as the same account without a login might be anybody.
    run -1 at "$MORNING" exception approve EX-1 -C "$W"
    [[ $output == *"from the same system account"* ]]
    # Whose it is not gives it to nobody.
    run -1 as bob "$MORNING" exception transfer EX-1 --owner bob -C "$W"
    [[ $output == *"transferring somebody else's exception"* ]]
}

@test "breaking the glass is short, loud, by two, and looked at the next day" {
    run -1 ask ann "$MORNING" --expires 9h --break-glass
    [[ $output == *"longer than 8h"* ]]
    run -0 ask ann "$MORNING" --expires 4h --break-glass
    run -1 as ann "$MORNING" exception approve EX-1 -C "$W"
    run -0 as bob "$MORNING" exception approve EX-1 -C "$W"
    run -1 as ann "$MORNING" exception renew EX-1 --expires 6h --reason more -C "$W"
    [[ $output == *"can't be renewed"* ]]
    ask ann "$MORNING" --expires 7d
    run -0 at "$MORNING" exception list -C "$W"
    [[ ${lines[1]} == "EX-1 BREAK GLASS"* ]]
    run -1 at 2026-11-23T09:00:00Z exception review -C "$W"
    [[ $output == *"EX-1 BREAK GLASS  expired"* ]]
}

@test "narrowing opens nothing new, whoever asks" {
    ask ann "$MORNING" --expires 7d
    as bob "$MORNING" exception approve EX-1 -C "$W"
    run -1 as ann "$MORNING" exception narrow EX-1 --from 10.10.4.0/27 --reason r -C "$W"
    [[ $output == *"it would open 16 host pairs that it does not open now"* ]]
    run -0 as ann "$MORNING" exception narrow EX-1 --from 10.10.4.0/29 --reason r -C "$W"
    run -0 at "$MORNING" explain 10.10.4.9 10.20.0.21 -C "$W"
    [[ $output == *"EX-1 of olga"* ]]
    as carol "$MORNING" exception approve EX-1 -C "$W"
    run -0 at "$MORNING" explain 10.10.4.9 10.20.0.21 -C "$W"
    [[ $output == *"does not pass"* ]]
    run -0 at "$MORNING" explain 10.10.4.2 10.20.0.21 -C "$W"
    [[ $output == *"EX-1 of olga"* ]]
}

@test "what does not fit the policy is refused in its words, and nothing is saved by a dry run" {
    run -2 as ann "$MORNING" exception request -C "$W" --from guestwifi --to files --service smb --owner olga --reason r --expires 7d
    [[ $output == *"\"guestwifi\" is not defined, did you mean \"guest-wifi\"?"* ]]
    run -0 ask ann "$MORNING" --expires 7d --dry-run
    [[ $output == *"nothing was saved"* ]]
    run -0 at "$MORNING" exception list -C "$W"
    [ "$output" = "no exceptions" ]
    run -1 ask ann "$MORNING" --expires 91d
    run -2 ask ann "$MORNING" --expires soon
    run -2 ask ann "$MORNING" --expires 7d --as-of 2026-11-01
}

@test "a group that is gone: an error while the exception lives, nothing afterwards" {
    ask ann "$MORNING" --expires 7d
    as bob "$MORNING" exception approve EX-1 -C "$W"
    sed -i '/^  files:/d' "$W/policy.yaml"
    run -2 at 2026-11-23T08:00:00Z compile --target nftables -o "$W/out" -C "$W"
    [[ $output == *"ledger:1:"*"files"* ]]
    run -0 at 2026-11-23T08:00:00Z compile --target nftables -o "$W/out" --as-of 2026-12-23 -C "$W"
    # What closes something does not wait for a policy that fits.
    run -0 as bob 2026-11-23T08:00:00Z exception revoke EX-1 --reason "its servers are gone" -C "$W"
    run -0 at 2026-11-23T09:00:00Z compile --target nftables -o "$W/out" -C "$W"
}

@test "no exception is taken from a ledger that somebody has changed" {
    ask ann "$MORNING" --expires 7d
    as bob "$MORNING" exception approve EX-1 -C "$W"
    at "$MORNING" explain 10.10.4.3 10.20.0.21 -C "$W" | grep -q "EX-1 of olga"
    "$PYTHON" - "$W/ledger.db" <<'PY'
import sqlite3, sys
base = sqlite3.connect(sys.argv[1])
for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
    base.execute(f'DROP TRIGGER "{name}"')
base.execute("UPDATE entry SET body = replace(body, '10.10.4.0/28', '10.10.0.0/16') WHERE kind = 'exception-requested'")
base.commit()
PY
    for command in "check" "explain 10.10.4.3 10.20.0.21" "compile --target nftables -o $W/out" "simulate"; do
        # shellcheck disable=SC2086 # words
        run at "$MORNING" $command -C "$W"
        [ "$status" != 0 ]
        [[ $output == *"no exception is taken from a ledger that does not verify"* ]]
    done
}

@test "a file instead of the ledger is for questions, not under governance" {
    ask ann "$MORNING" --expires 7d
    as bob "$MORNING" exception approve EX-1 -C "$W"
    cat >"$W/file.yaml" <<'YAML'
exceptions:
  - {from: 10.10.9.9, to: files, service: smb, owner: olga, reason: r, approver: bob, expires: 2026-12-24}
YAML
    run -0 at "$MORNING" explain 10.10.9.9 10.20.0.21 --exceptions "$W/file.yaml" -C "$W"
    [[ $output == *"stands for the exceptions of the ledger"* && $output == *"exception of olga"* ]]
    run -0 at "$MORNING" explain 10.10.4.3 10.20.0.21 --exceptions "$W/file.yaml" -C "$W"
    [[ $output == *"does not pass"* ]]
    run -0 at "$MORNING" compile --target nftables -o "$W/out" --exceptions "$W/file.yaml" -C "$W"
    echo "governance: {approvers: 1}" >>"$W/policy.yaml"
    run -2 at "$MORNING" compile --target nftables -o "$W/out" --exceptions "$W/file.yaml" -C "$W"
    [[ $output == *"the policy has a governance section"* ]]
    # The way from one to the other.
    run -0 as ann "$MORNING" exception request --file "$W/file.yaml" -C "$W"
    [[ $output == *"each is requested anew"* && $output == *"EX-2 request"* ]]
}

@test "where a login is asked for, an account decides nothing" {
    ask ann "$MORNING" --expires 7d
    echo "governance: {require-login: true}" >>"$W/policy.yaml"
    run -1 env -u SALLYPORT_CLOCK "$SALLYPORT" exception approve EX-1 -C "$W"
    [[ $output == *"require-login"* ]]
    # A clock that was set is no time for a decision either.
    run -1 as bob 2026-11-22T09:00:00Z exception approve EX-1 -C "$W"
    [[ $output == *"SALLYPORT_CLOCK"* ]]
    # Nor does it move the ledger's time, by which tokens end.
    run -1 at 9999-12-31T23:00:00Z exception approve EX-1 -C "$W"
    run at 9999-12-31T23:00:00Z user login bob --password-file "$BATS_FILE_TMPDIR/password" -C "$W"
    [ "$status" != 0 ]
    run "$SALLYPORT" ledger verify -C "$W"
    [[ $output != *"9999"* ]]
    # A policy from elsewhere takes nothing back while the workspace's is not there.
    run env -u SALLYPORT_CLOCK SALLYPORT_TOKEN="$(cat "$BATS_FILE_TMPDIR/ann.token")" "$SALLYPORT" exception narrow EX-1 --from 10.10.4.1 --reason r -C "$W"
    grep -v require-login "$W/policy.yaml" >"$W/milder.yaml"
    rm "$W/policy.yaml"
    run -1 env -u SALLYPORT_CLOCK "$SALLYPORT" review start --policy "$W/milder.yaml" -o "$W/sheets" -C "$W"
    [[ $output == *"require-login"* ]]
    cp "$W/milder.yaml" "$W/policy.yaml"
    run -0 at "$MORNING" exception list -C "$W"
    [[ $output == *"pending"* ]]
}

@test "a clock that ran ahead holds up no revocation" {
    ask ann $MORNING --expires 7d
    as bob $MORNING exception approve EX-1 -C "$W"
    ask ann 2026-11-26T08:00:00Z --expires 2d
    run -0 as bob 2026-11-22T09:00:00Z exception revoke EX-1 --reason "not needed" -C "$W"
    [[ $output == *"the ledger's last entry is of 2026-11-26T08:00:00.000000Z, ahead of the clock"* ]]
    run -0 at 2026-11-22T09:00:00Z explain 10.10.4.3 10.20.0.21 -C "$W"
    [[ $output == *"does not pass"* ]]
    run -0 at 2026-11-22T09:00:00Z exception list --state revoked -C "$W"
    [[ $output == *"EX-1"* ]]
    # What was before it was so.
    run -0 at 2026-11-22T09:00:00Z explain 10.10.4.3 10.20.0.21 --as-of 2026-11-22T08:30:00Z -C "$W"
    [[ $output == *"EX-1 of olga"* ]]
}

@test "who says what they looked at approves nothing else" {
    ask ann $MORNING --expires 7d
    as bob $MORNING exception approve EX-1 -C "$W"
    as ann $MORNING exception renew EX-1 --expires 10d --reason "a little longer" -C "$W"
    run -0 at $MORNING exception show EX-1 -C "$W"
    [[ $output =~ "the renewal of ann (entry "([0-9]+)")" ]]
    local seen=${BASH_REMATCH[1]}
    as ann $MORNING exception renew EX-1 --expires 80d --reason "much longer" -C "$W"
    run -2 as bob $MORNING exception approve EX-1 --entry "$seen" -C "$W"
    [[ $output == *"EX-1 has changed meanwhile: look at it again"* ]]
    run -0 as bob $MORNING exception approve EX-1 --entry $((seen + 1)) -C "$W"
}

@test "several at once: ids are given once, one approval counts once" {
    local i
    for i in 1 2 3 4 5 6 7 8; do
        ask ann "$MORNING" --expires 7d >"$W/said.$i" 2>&1 &
    done
    wait
    run -0 at "$MORNING" exception list --json -C "$W"
    "$PYTHON" - "$output" <<'PY'
import json, sys
ids = [e["id"] for e in json.loads(sys.argv[1])["exceptions"]]
assert ids == [f"EX-{n}" for n in range(1, 9)], ids
PY
    for i in 1 2 3 4 5 6 7 8; do
        as bob "$MORNING" exception approve EX-$i -C "$W" >/dev/null 2>&1 &
        as carol "$MORNING" exception revoke EX-$i --reason r -C "$W" >/dev/null 2>&1 &
        as bob "$MORNING" exception approve EX-$i -C "$W" >/dev/null 2>&1 &
    done
    wait
    run -0 at "$MORNING" ledger verify -C "$W"
    run -0 at "$MORNING" exception list --state revoked --json -C "$W"
    "$PYTHON" - "$output" "$W/ledger.db" <<'PY'
import json, sqlite3, sys
told = json.loads(sys.argv[1])
assert len(told["exceptions"]) == 8 and told["passed_over"] == 0, told
base = sqlite3.connect(sys.argv[2])
twice = base.execute("SELECT subject FROM entry WHERE kind = 'exception-approved' GROUP BY subject HAVING count(*) > 1").fetchall()
assert not twice, twice
PY
}

@test "a clock that leaps by centuries writes nothing, and a ledger that is gone is told" {
    local ws=$BATS_TEST_TMPDIR/leap
    "$SALLYPORT" init "$ws" >/dev/null
    cp "$BATS_TEST_DIRNAME/exception/policy.yaml" "$ws/policy.yaml"
    local request=(exception request -C "$ws" --from 10.10.0.1 --to 10.10.0.2 --service smb --owner =cmd --reason test --expires 5d)
    run at 9998-01-01T00:00:00Z "${request[@]}"
    [ "$status" -ne 0 ]
    [[ $output == *"more than ten years ahead"* ]]
    "$SALLYPORT" "${request[@]}"
    # What a spreadsheet would run is text.
    "$SALLYPORT" exception list -C "$ws" --format csv | grep -q "^EX-1,pending,false,'=cmd,"
    rm "$ws"/ledger.db*
    run "$SALLYPORT" check -C "$ws"
    [[ $output == *"but not the ledger (ledger.db): no exception is known"* ]]
}
