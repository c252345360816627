#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Users, roles, logins and tokens, as people use them: docs/people.md. What a role may is asked of the table
# in that page, line by line.
# shellcheck disable=SC2030,SC2031 # output and status are those of the last run

password=correct-horse-battery

# One workspace with users is made once: each password costs 64 MiB and its time.
#   root-admin  admin; everyone  all roles; bob  approver, with an account of the system
setup_file() {
    export W=$BATS_FILE_TMPDIR/made
    unset SALLYPORT_TOKEN SALLYPORT_TOKEN_FILE SALLYPORT_LEDGER_KEY SALLYPORT_CLOCK
    printf '%s\n' "$password" >"$BATS_FILE_TMPDIR/password"
    "$SALLYPORT" init "$W"
    cat >"$W/policy.yaml" <<'POLICY'
version: 1
segments:
  clients: {networks: [10.10.0.0/24], trust: managed}
  servers: {networks: [10.20.0.0/24], trust: managed}
groups:
  domain-controllers: {hosts: [10.20.0.11], role: domain-controller}
govern: [smb]
allow:
  - {name: logon, from: managed, to: domain-controllers, service: smb}
POLICY
    "$SALLYPORT" exception request -C "$W" --from 10.10.0.5 --to 10.20.0.21 --service smb --owner nobody-here \
        --reason "a scanner with old firmware" --expires 14d
    "$SALLYPORT" user add root-admin -C "$W" --role admin --password-file "$BATS_FILE_TMPDIR/password"
    login_as root-admin >"$BATS_FILE_TMPDIR/root-admin"
    export SALLYPORT_TOKEN_FILE=$BATS_FILE_TMPDIR/root-admin
    "$SALLYPORT" user add everyone -C "$W" --role viewer --role operator --role approver --role auditor --role admin \
        --password-file "$BATS_FILE_TMPDIR/password"
    "$SALLYPORT" user add bob -C "$W" --role approver --account 'CONTOSO\bsmith' --password-file "$BATS_FILE_TMPDIR/password"
    login_as everyone >"$BATS_FILE_TMPDIR/everyone"
    export SALLYPORT_TOKEN_FILE=$BATS_FILE_TMPDIR/everyone
    for role in viewer operator approver auditor admin; do
        "$SALLYPORT" token create -C "$W" --role $role --expires "$(date -u -d '+30 days' +%F)" --name $role \
            >"$BATS_FILE_TMPDIR/$role"
    done
    unset SALLYPORT_TOKEN_FILE
}

login_as() {
    "$SALLYPORT" user login "$1" -C "$W" --password-file "$BATS_FILE_TMPDIR/password" | sed 's/^export SALLYPORT_TOKEN=//'
}

setup() {
    unset SALLYPORT_TOKEN SALLYPORT_TOKEN_FILE
    work=$BATS_TEST_TMPDIR/w
    cp -r "$W" "$work"
    cd "$work" || exit 1
    cp "$BATS_FILE_TMPDIR/password" ../password
}

# Usage: as USER-OR-ROLE COMMAND...
as() {
    local who=$1
    shift
    SALLYPORT_TOKEN_FILE=$BATS_FILE_TMPDIR/$who "$SALLYPORT" "$@"
}

@test "the first user becomes admin, and from then on an admin who is logged in adds users" {
    "$SALLYPORT" init ../fresh
    cd ../fresh
    run "$SALLYPORT" user list
    [ "$status" = 0 ] && [[ $output == *"no users: whoever can write this workspace may do everything"* ]]
    run "$SALLYPORT" user add alice --role operator --password-file ../password
    [ "$status" = 0 ]
    [[ $output == *"acting as $(id -un) (system account on "*", not logged in)"* ]]
    [[ $output == *"added the user alice (operator, admin)"* ]]
    [[ $output == *"alice is the first user of this workspace, and so its admin"* ]]
    run "$SALLYPORT" user add bob --role approver --password-file ../password
    [ "$status" = 1 ] && [[ $output == *"adding a user needs the role admin"*"nobody is logged in"* ]]
    eval "$("$SALLYPORT" user login alice --password-file ../password)"
    run "$SALLYPORT" user add bob --role approver --password-file ../password
    [ "$status" = 0 ] && [[ $output == *"acting as alice (logged in, token T-1)"* ]]
    run bash -c '"$SALLYPORT" user list --format csv | tr -d "\r"'
    [ "${lines[0]}" = "name,roles,accounts,state,logged in,tokens" ]
    [[ ${lines[1]} == 'alice,"operator, admin",,active,20'*',1' ]]
    [ "${lines[2]}" = "bob,approver,,active,,0" ]
}

@test "what the program keeps of a password is checked by another implementation of argon2id" {
    /usr/bin/python3 -c 'import argon2' 2>/dev/null || skip "needs python3-argon2"
    run /usr/bin/python3 - <<'PYTHON'
import argon2, hashlib, json, sqlite3
db = sqlite3.connect("ledger.db")
kept = {n.decode(): v.decode() for n, v in db.execute("SELECT name,value FROM credential")}
hashes = {n[5:]: v for n, v in kept.items() if n.startswith("user ")}
assert sorted(hashes) == ["bob", "everyone", "root-admin"], hashes
assert len(set(hashes.values())) == 3
for name, value in hashes.items():
    assert value.startswith("$argon2id$v=19$m=65536,t=2,p=1$"), value
    assert argon2.PasswordHasher().verify(value, "correct-horse-battery")
    try:
        argon2.PasswordHasher().verify(value, "correct-horse-batterz")
        raise SystemExit("another password fits")
    except argon2.exceptions.VerifyMismatchError:
        pass
# The entries have the SHA-256 of what is kept; of a token that is the SHA-256 of its 43 characters.
entries = [json.loads(b) for (b,) in db.execute("SELECT body FROM entry ORDER BY number")]
for e in entries:
    if e["kind"] == "user-added":
        assert hashlib.sha256(hashes[e["subject"]].encode()).hexdigest() == e["data"]["credential"]
    if e["kind"] in ("token-made", "logged-in"):
        token = e["data"].get("token", e["subject"])
        assert hashlib.sha256(kept["token " + token].encode()).hexdigest() == e["data"]["credential"]
print("fine")
PYTHON
    [ "$output" = fine ]
    secret=$(sed 's/^sp_T-[0-9]*_//' "$BATS_FILE_TMPDIR/root-admin")
    [ "${#secret}" = 43 ]
    [ "$(sqlite3 ledger.db "SELECT cast(value AS text) FROM credential WHERE name=CAST('token T-1' AS BLOB)")" = \
        "$(printf %s "$secret" | sha256sum | cut -d' ' -f1)" ]
}

@test "a password that does not fit is refused and kept; a name that is no user's tells nothing" {
    run "$SALLYPORT" user login bob --password-file - <<<"wrong-password"
    [ "$status" = 1 ] && [[ $output == *"the name or the password does not fit"* ]]
    run "$SALLYPORT" user login nobody --password-file - <<<"wrong-password"
    [ "$status" = 1 ] && [[ $output == *"the name or the password does not fit"* ]]
    run sqlite3 ledger.db "SELECT CAST(subject AS text)||' '||json_extract(CAST(body AS text),'$.data.kind') FROM entry WHERE kind=CAST('refused' AS BLOB)"
    [ "${lines[0]}" = "bob logged-in" ]
    [ "${lines[1]}" = " logged-in" ]
    run grep -q wrong-password ledger.db
    [ "$status" = 1 ]
}

@test "a wrong token is refused, and never treated as none" {
    good=$(cat "$BATS_FILE_TMPDIR/root-admin")
    for bad in x "sp_" "${good}x" "${good%?}" "sp_T-999_${good#sp_T-1_}" "${good/T-1/T-2}" "SP${good#sp}"; do
        SALLYPORT_TOKEN=$bad run "$SALLYPORT" user disable bob
        [ "$status" = 1 ] && [[ $output == *"the token is not one of this workspace"* ]]
    done
    : >../empty
    SALLYPORT_TOKEN_FILE=../empty run "$SALLYPORT" user disable bob
    [ "$status" = 1 ] && [[ $output == *"holds no token"* ]]
    SALLYPORT_TOKEN_FILE=../missing run "$SALLYPORT" user disable bob
    [ "$status" = 2 ]
    SALLYPORT_TOKEN=$good run "$SALLYPORT" user disable bob
    [ "$status" = 0 ]
}

@test "a token of another workspace is refused" {
    "$SALLYPORT" init ../other
    run as root-admin user list -C ../other
    [ "$status" = 0 ]
    run as root-admin user add mallory -C ../other --role admin --password-file ../password
    [ "$status" = 1 ] && [[ $output == *"this workspace has no users"* ]]
}

@test "tokens expire, end, and lose what their user loses" {
    now=$(date -u +%s)
    later=$(date -u -d "@$((now + 9 * 3600))" +%FT%TZ)
    SALLYPORT_CLOCK=$later run as root-admin user disable bob
    [ "$status" = 1 ] && [[ $output == *"the token T-1 of root-admin is of no use any more: it expired on "* ]]
    # What the ledger has seen since does not come back with the clock.
    SALLYPORT_CLOCK=$later run as approver exception reject EX-1 --reason "not now"
    run as root-admin user disable bob
    [ "$status" = 1 ] && [[ $output == *"it expired on "* ]]
}

@test "ended tokens, new passwords, disabled users" {
    run as everyone token end T-1
    [ "$status" = 0 ]
    run as root-admin user disable bob
    [ "$status" = 1 ] && [[ $output == *"T-1 of root-admin is of no use any more: everyone ended it on "* ]]
    run as everyone user role everyone --role operator --role admin
    [ "$status" = 0 ]
    run as approver exception approve EX-1
    [ "$status" = 1 ] && [[ $output == *"approving an exception needs the role approver; everyone has viewer"* ]]
    run as admin user password everyone --password-file ../password
    [ "$status" = 0 ]
    run as operator exception renew EX-1 --expires 20d --reason "still there"
    [ "$status" = 1 ] && [[ $output == *"the password was changed since"* ]]
    login_again=$("$SALLYPORT" user login everyone --password-file ../password | sed 's/^export SALLYPORT_TOKEN=//')
    SALLYPORT_TOKEN=$login_again run "$SALLYPORT" user disable root-admin
    [ "$status" = 0 ]
    run "$SALLYPORT" user login root-admin --password-file ../password
    [ "$status" = 1 ] && [[ $output == *"root-admin is disabled"* ]]
    SALLYPORT_TOKEN=$login_again run "$SALLYPORT" user disable everyone
    [ "$status" = 1 ] && [[ $output == *"everyone is the last admin"* ]]
    SALLYPORT_TOKEN=$login_again run "$SALLYPORT" user role everyone --role approver
    [ "$status" = 1 ] && [[ $output == *"everyone is the last admin"* ]]
    run "$SALLYPORT" token list --all --format csv
    [[ $output == *",ended,everyone ended it on "* ]]
}

@test "a token is never more than what it was made with, and nobody approves in another's name" {
    run as operator token create --role admin --expires "$(date -u -d +1day +%F)" --name x
    [ "$status" = 1 ] && [[ $output == *"a token has no more roles than the one it is made with"* ]]
    run as root-admin token create --user bob --role approver --expires "$(date -u -d +1day +%F)" --name x
    [ "$status" = 1 ] && [[ $output == *"nobody approves in the name of bob"* ]]
    run as root-admin token create --user bob --role viewer --expires "$(date -u -d +1day +%F)" --name x
    [ "$status" = 0 ]
    run as operator user password everyone --password-file ../password
    [ "$status" = 1 ] && [[ $output == *"changing the password of somebody else needs the role admin"* ]]
    run as root-admin token create --role admin --expires 2020-01-01 --name x
    [ "$status" = 1 ] && [[ $output == *"--expires is over already"* ]]
    run as root-admin token create --role admin --expires "$(date -u -d '+400 days' +%F)" --name x
    [ "$status" = 1 ] && [[ $output == *"a token lives at most 366 days"* ]]
    run as root-admin token create --role admin --name x
    [ "$status" = 2 ]
}

@test "names: one line, one person" {
    for name in '' ' x' $'a\nb' $'a\e[2Jb' "$(printf '\xff')" "$(printf 'x%.0s' {1..65})"; do
        run as root-admin user add "$name" --role viewer --password-file ../password
        [ "$status" = 2 ]
    done
    for name in Bob 'FABRIKAM\BOB' bob@contoso.com bsmith; do
        run as root-admin user add "$name" --role viewer --password-file ../password
        [ "$status" = 2 ] && [[ $output == *bob* ]]
    done
    run as root-admin user account everyone --account 'bsmith@contoso.com'
    [ "$status" = 2 ] && [[ $output == *"is bob's already"* ]]
    run as root-admin user add carol --role viewer --password-file - <<<"short"
    [ "$status" = 1 ] && [[ $output == *"at least 8"* ]]
    run as root-admin user add carol --role king --password-file ../password
    [ "$status" = 2 ]
    run as root-admin user disable bbo
    [ "$status" = 2 ] && [[ $output == *'there is no user "bbo", did you mean "bob"?'* ]]
}

@test "a system account that is a user's has that user's roles, and none when they are disabled" {
    run as root-admin user account bob --account "$(id -un)"
    [ "$status" = 0 ]
    run "$SALLYPORT" exception request --from 10.10.0.6 --to 10.20.0.21 --service smb --owner x --reason y --expires 1d
    [ "$status" = 1 ] && [[ $output == *"requesting an exception needs the role operator; bob has viewer, approver"* ]]
    run as root-admin user disable bob
    [ "$status" = 0 ]
    run "$SALLYPORT" exception approve EX-1
    [ "$status" = 1 ] && [[ $output == *"the system account $(id -un) is bob's, who is disabled"* ]]
}

@test "a credential that was replaced in the database is found" {
    sqlite3 ledger.db "UPDATE credential SET value=(SELECT value FROM credential WHERE name=CAST('user everyone' AS BLOB)) WHERE name=CAST('user bob' AS BLOB)"
    run "$SALLYPORT" user login bob --password-file ../password
    [ "$status" = 1 ] && [[ $output == *"the credential of user bob is not the one that the ledger recorded: somebody has replaced it"* ]]
    hash=$(printf %s "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" | sha256sum | cut -d' ' -f1)
    sqlite3 ledger.db "UPDATE credential SET value=CAST('$hash' AS BLOB) WHERE name=CAST('token T-1' AS BLOB)"
    SALLYPORT_TOKEN=sp_T-1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA run "$SALLYPORT" user disable bob
    [ "$status" = 1 ] && [[ $output == *"the credential of token T-1 is not the one"* ]]
    sqlite3 ledger.db "DELETE FROM credential WHERE name=CAST('user everyone' AS BLOB)"
    run "$SALLYPORT" user login everyone --password-file ../password
    [ "$status" = 1 ] && [[ $output == *"somebody has taken it out"* ]]
}

@test "two processes that add the first user: one is the first, the other is refused" {
    for round in 1 2 3; do
        "$SALLYPORT" init ../race$round
        "$SALLYPORT" user add alice -C ../race$round --role viewer --password-file ../password >/dev/null 2>&1 &
        first=$!
        "$SALLYPORT" user add bob -C ../race$round --role viewer --password-file ../password >/dev/null 2>&1 &
        second=$!
        one=0 two=0
        wait $first || one=$?
        wait $second || two=$?
        [ $((one + two)) = 1 ]
        run "$SALLYPORT" user list -C ../race$round --json
        [[ $output == '{"users":[{"name":"'*'"roles":["viewer","admin"]'*'],"faults":[]}' ]]
        [[ $output != *'"name":'*'"name":'* ]]
        run "$SALLYPORT" ledger verify -C ../race$round
        [ "$status" = 0 ]
    done
}

@test "two processes that add users at once lose none" {
    as root-admin user add carol --role viewer --password-file ../password >/dev/null 2>&1 &
    first=$!
    as root-admin user add dave --role viewer --password-file ../password >/dev/null 2>&1 &
    second=$!
    wait $first
    wait $second
    run "$SALLYPORT" user list --format csv
    [[ $output == *carol,viewer* && $output == *dave,viewer* ]]
    run "$SALLYPORT" ledger verify
    [ "$status" = 0 ]
}

# ---- The table of docs/people.md ----------------------------------------------------------------------------

# The words of a command that gets as far as asking for a role.
words_of() {
    case $1 in
    "exception request") echo "--from 10.10.0.6 --to 10.20.0.21 --service smb --owner carol --reason because --expires 1d" ;;
    "exception renew") echo "EX-1 --expires 20d --reason because" ;;
    "exception narrow") echo "EX-1 --from 10.10.0.5 --to 10.20.0.21 --service smb --reason because" ;;
    "exception approve") echo "EX-1" ;;
    "exception reject" | "exception revoke") echo "EX-1 --reason because" ;;
    "exception transfer") echo "EX-1 --owner carol --reason because" ;;
    "user add") echo "carol --role viewer --password-file ../password" ;;
    "user role") echo "bob --role viewer" ;;
    "user account" | "user disable" | "user enable") echo "bob" ;;
    "user password") echo "bob --password-file ../password" ;;
    "token end") echo "T-1" ;;
    "ledger rotate-key" | "user list" | "token list" | "ledger show" | "ledger verify") echo "" ;;
    "ledger export") echo "--checkpoint-only" ;;
    *) return 1 ;;
    esac
}

# Usage: same_as_table COLUMN COMMAND...; the column's first word is whom to act as.
same_as_table() {
    local column=$1 expected command fresh=$BATS_TEST_TMPDIR/row
    local rows=0
    while IFS='|' read -r _ command viewer operator approver auditor admin account strict _; do
        [[ $command == *'`'* ]] || continue
        command=${command//[\` ]/ }
        command=$(xargs <<<"$command")
        case $column in
        viewer) expected=$viewer ;; operator) expected=$operator ;; approver) expected=$approver ;;
        auditor) expected=$auditor ;; admin) expected=$admin ;; account) expected=$account ;; strict) expected=$strict ;;
        esac
        expected=$(xargs <<<"$expected")
        rm -rf "$fresh" && cp -r "$work" "$fresh"
        # shellcheck disable=SC2046,SC2086 # words
        if [ "$column" = account ] || [ "$column" = strict ]; then
            run "$SALLYPORT" $command $(words_of "$command") -C "$fresh"
        else
            run as "$column" $command $(words_of "$command") -C "$fresh"
        fi
        found=yes
        if [[ $output == *"needs the role "* || $output == *"needs one of the roles "* ]]; then
            found=no
            [ "$status" = 1 ] || { echo "$command: exit status $status"; return 1; }
        fi
        [[ $output != *"has no option"* && $output != *"there is no command"* && $output != *"takes no argument"* ]]
        [ "$found" = "$expected" ] || { echo "$command as $column: $found, the page says $expected: $output"; return 1; }
        rows=$((rows + 1))
    done < <(sed -n '/^| command | viewer/,/^$/p' "$BATS_TEST_DIRNAME/../../docs/people.md" | tail -n +3)
    [ "$rows" -ge 19 ]
}

@test "the table of roles: viewer" { same_as_table viewer; }
@test "the table of roles: operator" { same_as_table operator; }
@test "the table of roles: approver" { same_as_table approver; }
@test "the table of roles: auditor" { same_as_table auditor; }
@test "the table of roles: admin" { same_as_table admin; }
@test "the table of roles: not logged in" { same_as_table account; }
@test "the table of roles: not logged in where the policy says require-login" {
    echo 'governance: {require-login: true}' >>policy.yaml
    same_as_table strict
    # Nor with a clock that was set, logged in or not.
    SALLYPORT_CLOCK=$(date -u -d '+1 hour' +%FT%TZ) run as root-admin user disable bob
    [ "$status" = 1 ] && [[ $output == *"the time was set by SALLYPORT_CLOCK"* ]]
    # A policy that is named takes nothing back.
    sed '/governance/d' policy.yaml >../lax.yaml
    run "$SALLYPORT" exception request --policy ../lax.yaml --from 10.10.0.6 --to 10.20.0.21 --service smb --owner x --reason y --expires 1d
    [ "$status" != 0 ]
    # While there are no users, only the first one can be added.
    "$SALLYPORT" init ../fresh
    cp policy.yaml ../fresh
    run "$SALLYPORT" exception request -C ../fresh --from 10.10.0.6 --to 10.20.0.21 --service smb --owner x --reason y --expires 1d
    [ "$status" = 1 ] && [[ $output == *"the policy says require-login"* ]]
    run "$SALLYPORT" user add alice -C ../fresh --role approver --password-file ../password
    [ "$status" = 0 ]
}

@test "the people of the directory" {
    printf 'SamAccountName,UserPrincipalName,Enabled\nalice,alice@contoso.com,True\nbob,bob@contoso.com,False\n' >../users.csv
    run "$SALLYPORT" import people ../users.csv
    [ "$status" = 0 ] && [[ $output == *"2 people of the directory kept in the workspace, 1 of them disabled"* ]]
    # Whose exception is nobody's now, the list says.
    run "$SALLYPORT" exception list
    [[ $output == *"orphaned: EX-1: its owner nobody-here is not in the directory imported 20"* ]]
    run "$SALLYPORT" import people ../users.csv --json
    [[ $output == *'"people":2,"disabled":1,"passed":0}' ]]
    printf 'SamAccountName,Enabled\nalice,perhaps\n' >../users.csv
    run "$SALLYPORT" import people ../users.csv
    [ "$status" = 2 ] && [[ $output == *'users.csv:2:1: error: expected true or false as "enabled" in this record'* ]]
}
