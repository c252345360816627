#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Reports of a few months under a clock that is set: what happened is what they say, and what they compare.

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
    local name=$1 clock=$2
    shift 2
    SALLYPORT_TOKEN=$(login "$name" "$clock") SALLYPORT_CLOCK=$clock "$SALLYPORT" "$@" -C "$WS"
}

# Usage: login NAME INSTANT     its token
login() {
    at "$2" user login "$1" --password-file "$BATS_FILE_TMPDIR/$1.password" -C "$WS" | sed -n 's/.*SALLYPORT_TOKEN=//p' | tr -d "'\";"
}

# Usage: report INSTANT KIND [OPTION...]     its JSON in KIND.json, its page in KIND.html
report() {
    local clock=$1 kind=$2
    shift 2
    at "$clock" report "$kind" -C "$WS" -o "$kind.html" --json "$@" >"$kind.json" 2>/dev/null
}

# Usage: tell FILE <<PY     statements about r, the report, and f, its figures
tell() {
    "$PYTHON" -c "
import json, sys
r = json.load(open(sys.argv[1]))
t = r['tables']
f = {row['figure']: row['now'] for row in t['figures']}
b = {row['figure']: row['before'] for row in t['figures']}
$(cat)" "$1"
}

setup_file() {
    export WS=$BATS_FILE_TMPDIR/ws SAMPLE=$BATS_TEST_DIRNAME/../../samples/contoso
    unset SALLYPORT_TOKEN SALLYPORT_TOKEN_FILE SALLYPORT_LEDGER_KEY SALLYPORT_CLOCK
    local name day=2026-09-01T08:00:00Z
    at $day init "$WS" >/dev/null
    cp "$SAMPLE/policy.yaml" "$WS/policy.yaml"
    "$SALLYPORT" ingest -C "$WS" "$SAMPLE"/captures/* "$SAMPLE/logs" >/dev/null 2>&1
    for name in alice bob; do
        echo "a password of $name" >"$BATS_FILE_TMPDIR/$name.password"
        [ $name = alice ] || export SALLYPORT_TOKEN
        at $day user add $name --role operator --role approver --password-file "$BATS_FILE_TMPDIR/$name.password" -C "$WS" >/dev/null 2>&1
        [ $name = bob ] || SALLYPORT_TOKEN=$(login alice $day)
    done
    unset SALLYPORT_TOKEN
    cd "$BATS_FILE_TMPDIR"
    as alice 2026-09-02T08:00:00Z exception request --from scanners --to 10.10.4.17 --service smb --owner alice --deputy carol \
        --reason "old firmware, see the ticket; \"really\"" --ticket "=CHG-1" --expires 2026-10-20 >/dev/null 2>&1
    as bob 2026-09-02T09:00:00Z exception approve EX-1 >/dev/null 2>&1
    as alice 2026-09-03T08:00:00Z exception request --from 10.11.4.8 --to 10.10.4.2 --service smb --owner alice --reason "quarter end" \
        --expires 2026-10-05 >/dev/null 2>&1
    as bob 2026-09-03T09:00:00Z exception approve EX-2 >/dev/null 2>&1
    report 2026-09-30T18:00:00Z executive
    cp executive.json september.json
    as alice 2026-10-06T08:00:00Z exception renew EX-1 --expires 2026-11-30 --reason "still old" >/dev/null 2>&1
    as bob 2026-10-06T09:00:00Z exception approve EX-1 >/dev/null 2>&1
    as alice 2026-10-07T08:00:00Z exception renew EX-2 --expires 2026-10-20 --reason "once more" >/dev/null 2>&1
    as bob 2026-10-07T09:00:00Z exception reject EX-2 --reason "the quarter is over" >/dev/null 2>&1
    as alice 2026-10-08T08:00:00Z exception renew EX-2 --expires 2026-10-20 --reason "really" >/dev/null 2>&1
    as bob 2026-10-08T09:00:00Z exception approve EX-2 >/dev/null 2>&1
    as alice 2026-10-31T17:00:00Z exception request --break-glass --from 10.10.9.4 --to 10.20.0.40 --service smb --owner alice \
        --reason "restore at night" --expires 4h >/dev/null 2>&1
    as bob 2026-10-31T17:10:00Z exception approve EX-3 >/dev/null 2>&1
    report 2026-10-31T18:00:00Z exceptions
    report 2026-11-22T18:00:00Z technical --csv tables
}

setup() {
    cd "$BATS_FILE_TMPDIR"
}

@test "the first month: two exceptions, nothing to compare with" {
    tell september.json <<'PY'
assert r["report"] == "executive" and r["since"] is None, r
assert f["exceptions"] == 2 and f["exceptions_in_order"] == 2, f
assert f["exceptions_ending"] == 1 and f["exceptions_pending"] == 0, f
assert all(v is None for v in b.values()), b
PY
}

@test "the second month: what ended, what was renewed, a break-glass night, and the figures of the first beside it" {
    tell exceptions.json <<'PY'
assert r["since"] == "2026-09-30T18:00:00.000000Z", r["since"]
what = [(c["what"], c["of"]) for c in t["changes"]]
assert [(w, c["at"][:10]) for w, c in ((c["what"], c) for c in t["changes"]) if c["of"] == "EX-2"] == [
    ("exception ended", "2026-10-06"), ("renewal rejected", "2026-10-07"), ("exception renewed", "2026-10-08"), ("exception ended", "2026-10-21")], what
assert ("exception renewed", "EX-1") in what, what
assert ("break-glass granted", "EX-3") in what, what
assert f["exceptions"] == 2 and b["exceptions"] == 2, (f, b)
assert f["break_glass"] == 1 and f["exceptions_expired"] == 1, f
assert t["exceptions"][0]["id"] == "EX-3", t["exceptions"]
states = {"pending", "lapsed", "rejected", "scheduled", "active", "expired", "revoked"}
assert {e["state"] for e in t["exceptions"]} <= states, t["exceptions"]
ends = {e["id"]: e["ends"] for e in t["exceptions"]}
assert ends["EX-1"] == "2026-11-30", ends
assert t["exceptions"][0]["break_glass"] is True, t["exceptions"][0]
assert all((e["days_left"] is None) == (e["state"] not in ("active", "scheduled")) for e in t["exceptions"]), t["exceptions"]
PY
    grep -q 'class="loud"' exceptions.html
    grep -q "BREAK-GLASS EX-3 is in force" exceptions.html
    grep -q 'class="trendline"' exceptions.html
}

@test "the third month: the night is over, its review is asked for, and three reports are in the ledger" {
    tell technical.json <<'PY'
assert r["since"] == "2026-10-31T18:00:00.000000Z", r["since"]
assert f["break_glass"] == 0 and f["exceptions"] == 1 and f["exceptions_expired"] == 2, f
assert ("exception ended", "EX-3") in [(c["what"], c["of"]) for c in t["changes"]]
assert {e["id"] for e in t["exceptions"] if e["overdue"]} == {"EX-1", "EX-3"} and f["exceptions_overdue"] == 2, t["exceptions"]
# A workstation that refused SMB is no server: as `hosts` has it, without the one outside.
assert f["servers"] == sum(not s["host"].startswith("outside") for s in t["servers"]), (f["servers"], t["servers"])
# The share is of those in force, and so is its reason.
part = next(p for p in t["grade"] if p["part"] == "exceptions")
assert (part["have"], part["all"]) == (0, 1) and part["says"].startswith("1 overdue for review, 0 without"), part
assert [a for a in t["actions"] if "overdue" in a["what"] and "EX-3" in a["what"] + a["why"]], t["actions"]
PY
    run -0 --separate-stderr "$PYTHON" - "$WS" technical.html <<'PY'
import hashlib, json, sqlite3, sys
bodies = [json.loads(b) for (b,) in sqlite3.connect(f"{sys.argv[1]}/ledger.db").execute("select body from entry order by number")]
reported = [b["data"] for b in bodies if b["kind"] == "reported"]
assert [d["report"] for d in reported] == ["executive", "exceptions", "technical"], reported
assert reported[-1]["page"] == hashlib.sha256(open(sys.argv[2], "rb").read()).hexdigest()
PY
}

@test "the grade is the sum of its parts, each weight times share, rounded down to tenths" {
    tell technical.json <<'PY'
parts = t["grade"]
assert sum(p["weight"] for p in parts) == 100
for p in parts:
    assert p["tenths"] == (p["weight"] * 10 * p["have"] // p["all"] if p["all"] else 0), p
assert r["score"] == sum(p["tenths"] for p in parts)
assert r["grade"] == next(l for least, l in ((900, "A"), (750, "B"), (600, "C"), (450, "D"), (300, "E"), (0, "F")) if r["score"] >= least)
PY
}

@test "asked of the past, a report is not recorded, and says what that day's said" {
    run -0 --separate-stderr "$SALLYPORT" report executive -C "$WS" --as-of 2026-09-30T18:00:00Z --json -o again.html
    echo "$output" >again.json
    [[ "$stderr" == *"not recorded"* ]]
    "$PYTHON" - september.json again.json <<'PY'
import json, sys
a, b = (json.load(open(p))["tables"]["figures"] for p in sys.argv[1:])
assert a == b
PY
}

@test "CSV: what a spreadsheet would compute is text, every row is there" {
    head -1 tables/exceptions.csv | grep -q '^id,state,owner,scope'
    grep -q "'=CHG-1" tables/exceptions.csv
    "$PYTHON" - tables technical.json <<'PY'
import csv, json, sys
tables = json.load(open(sys.argv[2]))["tables"]
for name, rows in tables.items():
    with open(f"{sys.argv[1]}/{name}.csv", newline="", encoding="utf-8") as f:
        read = list(csv.DictReader(f))
    assert len(read) == len(rows), name
    for a, b in zip(read, rows):
        for key, value in b.items():
            plain = json.dumps(value) if isinstance(value, bool) else "" if value is None else str(value)
            assert a[key].removeprefix("'") == plain.removeprefix("'"), (name, key, a, b)
PY
}

@test "the calendar is read by another program, with ends, reviews and alarms" {
    at 2026-11-01T00:30:00Z report calendar -C "$WS" -o exceptions.ics
    "$PYTHON" - exceptions.ics <<'PY'
import sys
from datetime import timedelta
import icalendar
data = open(sys.argv[1], "rb").read()
lines = data.split(b"\r\n")
assert lines[-1] == b"" and b"\n" not in b"".join(lines) and all(len(line) <= 75 for line in lines)
events = [c for c in icalendar.Calendar.from_ical(data).walk("VEVENT")]
ends = [e for e in events if "ends" in str(e["SUMMARY"])]
assert [str(e["SUMMARY"]) for e in ends] == ["SMB exception EX-1 ends (alice)", "BREAK-GLASS SMB exception EX-3 ends (alice)"], ends
looks = [str(e["SUMMARY"]) for e in events if "review" in str(e["SUMMARY"])]
assert "BREAK-GLASS review SMB exception EX-3 (alice)" in looks, looks
assert len({str(e["UID"]) for e in events}) == len(events)
assert 'old firmware, see the ticket; "really"' in str(ends[0]["DESCRIPTION"]), ends[0]["DESCRIPTION"]
for e in events:
    assert [a["TRIGGER"].dt for a in e.walk("VALARM")] == [timedelta(days=-7), timedelta(days=-1)]
PY
    cp exceptions.ics first.ics
    run -0 --separate-stderr at 2026-11-01T00:30:00Z report calendar -C "$WS" -o exceptions.ics --json
    [ "$output" = '{"path":"exceptions.ics"}' ]
    at 2026-11-02T00:30:00Z report calendar -C "$WS" -o exceptions.ics
    [ "$(grep -h '^UID' first.ics)" = "$(grep -h '^UID' exceptions.ics)" ]
}

@test "a brand: what can't be read, or would act, is refused with its place" {
    printf 'name: Example\naccent: "#ffff00"\n' >brand.yaml
    run -2 --separate-stderr at 2026-11-22T19:00:00Z report client -C "$WS" -o x.html --brand brand.yaml --no-record
    [[ "$stderr" == *"brand.yaml:2:9: error: accent #ffff00 can't be read on white: its contrast is 1.07 : 1"* ]]
    printf 'name: Example\nlogo: logo.svg\n' >brand.yaml
    printf '<svg xmlns="http://www.w3.org/2000/svg"><script>x()</script></svg>' >logo.svg
    run -2 --separate-stderr at 2026-11-22T19:00:00Z report client -C "$WS" -o x.html --brand brand.yaml --no-record
    [[ "$stderr" == *"logo.svg"*"the element script"* ]]
    printf '<svg xmlns="http://www.w3.org/2000/svg"><image href="https://example.org/x.png"/></svg>' >logo.svg
    run -2 --separate-stderr at 2026-11-22T19:00:00Z report client -C "$WS" -o x.html --brand brand.yaml --no-record
    [[ "$stderr" == *"a reference to https://example.org"* ]]
    printf '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9"/></svg>' >logo.svg
    run -0 at 2026-11-22T19:00:00Z report client -C "$WS" -o x.html --brand brand.yaml --no-record
    grep -q 'src="data:image/svg+xml;base64,' x.html
}

@test "without a browser the page is written and the PDF is not, and that is said" {
    run -2 --separate-stderr env PATH=/nonexistent SALLYPORT_CLOCK=2026-11-22T19:00:00Z "$SALLYPORT" report executive -C "$WS" -o y.html --pdf y.pdf --no-record
    [[ "$stderr" == *"no browser that prints a PDF"* ]]
    [ -s y.html ] && [ ! -e y.pdf ]
}

@test "all organisations: one that can't be read is a row that says why" {
    rm -rf orgs
    mkdir orgs orgs/deep
    cp -r "$WS" orgs/deep/good
    mkdir orgs/broken
    echo "no database" >orgs/broken/sallyport.db
    run -1 --separate-stderr at 2026-11-22T19:00:00Z report --all-orgs orgs --json
    echo "$output" >orgs.json
    "$PYTHON" - orgs.json <<'PY'
import json, sys
rows = json.load(open(sys.argv[1]))["organisations"]
assert [r["workspace"] for r in rows] == ["orgs/broken", "orgs/deep/good"], rows
assert rows[0]["trouble"] and rows[0]["grade"] is None and rows[0]["bad"], rows[0]
assert rows[1]["trouble"] is None and rows[1]["ledger"] == "verified" and rows[1]["organisation"] == "Contoso", rows[1]
assert rows[1]["figures"]["exceptions"] == 1
PY
    run -1 --separate-stderr at 2026-11-22T19:00:00Z exception list --all-orgs orgs
    [ "$(grep -c 'not a sallyport workspace' <<<"$output")" = 1 ]
    [[ "$output" != *"?"* ]]
    run -2 --separate-stderr "$SALLYPORT" report --all-orgs orgs --pdf x.pdf
    [[ "$stderr" == *"without --pdf"* ]]
}

@test "a kind that does not exist is told which do" {
    run -2 --separate-stderr "$SALLYPORT" report exeptions -C "$WS"
    [[ "$stderr" == *'found "exeptions", did you mean "exceptions"?'* ]]
}
