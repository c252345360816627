#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
bats_require_minimum_version 1.5.0

setup() {
    load golden
    cd "$(case_folder)" || return
    CAPTURE=$BATS_TEST_DIRNAME/../../samples/contoso/captures/edge.pcapng
    WS=$BATS_TEST_TMPDIR/ws
    "$SALLYPORT" init "$WS" >/dev/null
}

matrix() {
    "$SALLYPORT" matrix -C "${1-$WS}" --json
}

# The flows alone, without what tells of sources: where a line was read differs from export to export.
flows() {
    matrix "$@" | /usr/bin/python3 -c '
import json, sys
for flow in json.load(sys.stdin)["flows"]:
    del flow["evidence"]
    print(json.dumps(flow))'
}

# Usage: alone COMMAND...
# Runs it as root of a mount namespace of its own.
alone() {
    if [ "$(id -u)" = 0 ]; then unshare --mount "$@"; else unshare --map-root-user --mount "$@"; fi
}

@test "init makes a folder, or takes one that is there" {
    "$SALLYPORT" init "$BATS_TEST_TMPDIR/a/b"
    [ -f "$BATS_TEST_TMPDIR/a/b/sallyport.db" ] && [ -d "$BATS_TEST_TMPDIR/a/b/out" ]
    mkdir "$BATS_TEST_TMPDIR/empty"
    "$SALLYPORT" init "$BATS_TEST_TMPDIR/empty"
    [ -f "$BATS_TEST_TMPDIR/empty/sallyport.db" ]
    cd "$BATS_TEST_TMPDIR/empty" && "$SALLYPORT" matrix --json
}

@test "init again changes nothing" {
    "$SALLYPORT" ingest -C "$WS" FS01
    before=$(matrix)
    run -0 "$SALLYPORT" init "$WS"
    [[ "$output" == *"is a workspace already"* ]]
    [ "$before" = "$(matrix)" ]
}

@test "init refuses what is in the way" {
    echo text >"$BATS_TEST_TMPDIR/file"
    run -2 "$SALLYPORT" init "$BATS_TEST_TMPDIR/file"
    mkdir "$BATS_TEST_TMPDIR/other"
    echo "not a database, and long enough to be read as one" >"$BATS_TEST_TMPDIR/other/sallyport.db"
    run -2 "$SALLYPORT" init "$BATS_TEST_TMPDIR/other"
    [[ "$output" == *"not a sallyport workspace"* ]]
    /usr/bin/python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1]); db.execute("CREATE TABLE t(x)"); db.commit()' "$BATS_TEST_TMPDIR/foreign.db"
    mkdir "$BATS_TEST_TMPDIR/foreign" && mv "$BATS_TEST_TMPDIR/foreign.db" "$BATS_TEST_TMPDIR/foreign/sallyport.db"
    run -2 "$SALLYPORT" init "$BATS_TEST_TMPDIR/foreign"
    [[ "$output" == *"not a sallyport workspace"* ]]
}

@test "a workspace of a newer sallyport is left alone" {
    /usr/bin/python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1]); db.execute("PRAGMA user_version=99"); db.commit()' "$WS/sallyport.db"
    run -2 "$SALLYPORT" ingest -C "$WS" FS01
    [[ "$output" == *"schema version 99"* ]]
    run -2 "$SALLYPORT" matrix -C "$WS"
}

@test "of a workspace of an older sallyport the evidence is asked for again" {
    /usr/bin/python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1]); db.execute("PRAGMA user_version=1"); db.commit()' "$WS/sallyport.db"
    run -2 "$SALLYPORT" matrix -C "$WS"
    [[ "$output" == *"schema version 1"*"sallyport init"* ]]
}

@test "without a workspace, how to make one is said" {
    run -2 "$SALLYPORT" ingest -C "$BATS_TEST_TMPDIR" FS01
    [[ "$output" == *"sallyport init"* ]]
}

@test "an unknown format names the known ones, and the other files are committed" {
    echo "neither a capture nor a log" >"$BATS_TEST_TMPDIR/notes.txt"
    : >"$BATS_TEST_TMPDIR/empty.pcap"
    run -2 --separate-stderr "$SALLYPORT" ingest -C "$WS" "$BATS_TEST_TMPDIR/notes.txt" "$BATS_TEST_TMPDIR/empty.pcap" \
        "$BATS_TEST_TMPDIR/missing" FS01
    # shellcheck disable=SC2154 # set by run
    [[ "$stderr" == *"notes.txt: error: the format is not known; known are packet captures"*"logs of firewalls"* ]]
    [[ "$stderr" == *"empty.pcap: error: the file is empty"* ]]
    [[ "$stderr" == *"missing: error:"* ]]
    [[ "$output" == *"1 source:"*"3 could not be read"* ]]
    matrix | grep -q '"source":"FS01/pfirewall.log"'
}

@test "a damaged capture keeps what is readable and lists what was skipped" {
    head -c 3000 "$CAPTURE" >"$BATS_TEST_TMPDIR/cut.pcapng"
    run -0 "$SALLYPORT" ingest -C "$WS" --json "$BATS_TEST_TMPDIR/cut.pcapng"
    [[ "$output" == *'"skipped":1'* ]]
    matrix | /usr/bin/python3 -c '
import json, sys
found = json.load(sys.stdin)
(skip,) = found["skipped"]
assert skip["source"].endswith("/cut.pcapng") and 0 < skip["offset"] < 3000 and skip["reason"], skip
assert found["coverage"][0]["records"] > 0
assert found["flows"]'
}

@test "reading again gives the same bytes, and says what was known" {
    "$SALLYPORT" ingest -C "$WS" FS01 WS0417 "$CAPTURE"
    before=$(matrix)
    "$SALLYPORT" ingest -C "$WS" --json "$CAPTURE" WS0417 FS01 | /usr/bin/python3 -c '
import json, sys
for source in json.load(sys.stdin)["sources"]:
    assert source["facts"] == source["known"] > 0, source'
    [ "$before" = "$(matrix)" ]
}

@test "the number of workers changes no byte" {
    samples=$BATS_TEST_DIRNAME/../../samples/contoso
    for n in 1 2 3 8; do
        ws=$BATS_TEST_TMPDIR/with-$n
        "$SALLYPORT" init "$ws" >/dev/null
        run -2 "$SALLYPORT" ingest -C "$ws" --workers $n "$samples/captures" missing FS01 "$samples" WS0417
        echo "$output" >"$ws.output"
        /usr/bin/python3 -c 'import sqlite3, sys
for line in sqlite3.connect(sys.argv[1]).iterdump(): print(line)' "$ws/sallyport.db" >"$ws.dump"
        matrix "$ws" >"$ws.matrix"
    done
    for n in 2 3 8; do
        for kind in output dump matrix; do
            cmp "$BATS_TEST_TMPDIR/with-1.$kind" "$BATS_TEST_TMPDIR/with-$n.$kind"
        done
    done
    [ "$(wc -l <"$BATS_TEST_TMPDIR/with-1.dump")" -gt 200 ]
}

# Usage: large_log NAME...
# Writes each log into the test's folder, large enough that it is cut into blocks, and in smaller files that
# are not.
large_log() {
    /usr/bin/python3 - "$BATS_TEST_TMPDIR" "$@" <<'PY'
import json, random, sys

random.seed(445)
folder = sys.argv[1]
HEAD = "#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin icmptype icmpcode info path\r\n"
OTHER = "#Fields: date time action protocol dst-ip src-ip src-port dst-port path\r\n"

def firewall(n, half):
    # The columns change in the midst, some lines are damaged, one is over every limit.
    if n in (0, half, half + 20000): return (OTHER if n == half + 20000 else HEAD).encode()
    if n == 30000: return b"x" * 3_000_000 + b"\n"
    if n % 9973 == 0: return b"2026-11-02 08:14:03 DROP TCP 10.10.4.7\r\n"
    port = 445 if n % 16 == 0 else 443
    tail = " RECEIVE\n" if n > half + 20000 else " 0 - 0 0 0 - - - RECEIVE\r\n"
    ends = f"10.10.4.{n % 50 + 1} 10.10.20.12" if n <= half + 20000 else f"10.10.20.12 10.10.4.{n % 50 + 1}"
    return f"2026-11-02 {n // 3600 % 24:02d}:{n // 60 % 60:02d}:{n % 60:02d} ALLOW TCP {ends} {49152 + n % 9999} {port}{tail}".encode()

def zeek(n, half):
    row = {"ts": 1793606400 + n / 2, "uid": f"C{n}", "id.orig_h": f"10.10.4.{n % 50 + 1}", "id.orig_p": 49152 + n % 9999,
           "id.resp_h": "10.10.20.12", "id.resp_p": 445 if n % 16 == 0 else 443, "proto": "tcp", "conn_state": "SF"}
    if n == 0: row["_system_name"] = "sensor"
    return (json.dumps(row)[: 60 if n % 9973 == 1 else None] + "\n").encode()

for name, lines, make in (("firewall", 240000, firewall), ("zeek", 120000, zeek)):
    if name not in sys.argv[2:]: continue
    half = lines // 2
    data = [make(n, half) for n in range(lines)]
    whole = b"".join(data).rstrip(b"\n")
    assert len(whole) > 15 << 20
    open(f"{folder}/{name}.log", "wb").write(whole)
    share = lines // 5
    for part, begin in enumerate(range(0, lines, share)):
        head = b"" if not part or name == "zeek" else HEAD.encode() if begin <= half + 20000 else OTHER.encode()
        piece = head + b"".join(data[begin:begin + share])
        assert len(piece) < 8 << 20
        open(f"{folder}/{name}.part{part}", "wb").write(piece)
PY
}

@test "a large log is read in blocks: no byte depends on the workers, and no count on the blocks" {
    large_log firewall zeek
    for n in 1 2 3 8; do
        ws=$BATS_TEST_TMPDIR/blocks-$n
        "$SALLYPORT" init "$ws" >/dev/null
        "$SALLYPORT" ingest -C "$ws" --json --workers $n "$BATS_TEST_TMPDIR"/{firewall,zeek}.log >"$ws.output"
        /usr/bin/python3 -c 'import sqlite3, sys
for line in sqlite3.connect(sys.argv[1]).iterdump(): print(line)' "$ws/sallyport.db" >"$ws.dump"
    done
    for n in 2 3 8; do
        cmp "$BATS_TEST_TMPDIR/blocks-1.output" "$BATS_TEST_TMPDIR/blocks-$n.output"
        cmp "$BATS_TEST_TMPDIR/blocks-1.dump" "$BATS_TEST_TMPDIR/blocks-$n.dump"
    done
    matrix "$BATS_TEST_TMPDIR/blocks-1" | /usr/bin/python3 -c '
import json, sys
found = json.load(sys.stdin)
assert sum(flow["connections"] for flow in found["flows"]) > 10000
assert any("longer" in skip["reason"] and skip["length"] == 3000000 for skip in found["skipped"]), found["skipped"]'
    /usr/bin/python3 -c '
import json, sys
records = {source["reader"]: source["records"] for source in json.load(sys.stdin)["sources"]}
assert records["zeek"] == 120000 - 13, records' <"$BATS_TEST_TMPDIR/blocks-1.output"
    flows "$BATS_TEST_TMPDIR/blocks-1" >"$BATS_TEST_TMPDIR/in-blocks"
    "$SALLYPORT" ingest -C "$WS" "$BATS_TEST_TMPDIR"/{firewall,zeek}.part* >/dev/null
    flows | diff "$BATS_TEST_TMPDIR/in-blocks" - | head -5
    [ "$(flows)" = "$(cat "$BATS_TEST_TMPDIR/in-blocks")" ]
}

@test "two flows of one client port a second apart are two connections to a sensor" {
    event() {
        echo "{\"timestamp\":\"2026-11-02T08:14:0$1.500000+0000\",\"flow_id\":$1,\"event_type\":\"$2\",\"src_ip\":\"10.10.4.7\",\"src_port\":50001,\"dest_ip\":\"10.10.20.12\",\"dest_port\":445,\"proto\":\"TCP\",\"$2\":{\"pkts\":1,\"pkts_toserver\":1,\"pkts_toclient\":1,\"start\":\"2026-11-02T08:14:0$1.000000+0000\",\"end\":\"2026-11-02T08:14:0$1.200000+0000\"},\"tcp\":{\"tcp_flags\":\"02\",\"tcp_flags_ts\":\"02\",\"tcp_flags_tc\":\"14\"}}"
    }
    # The first is told by both kinds of record: it is one all the same.
    { event 3 flow; event 3 netflow; event 4 flow; } >"$BATS_TEST_TMPDIR/eve.json"
    "$SALLYPORT" ingest -C "$WS" "$BATS_TEST_TMPDIR/eve.json"
    matrix | /usr/bin/python3 -c '
import json, sys
(flow,) = json.load(sys.stdin)["flows"]
assert flow["connections"] == 2, flow'
}

@test "little memory means fewer workers, not less" {
    "$SALLYPORT" ingest -C "$WS" --memory 128 FS01 WS0417 "$CAPTURE"
    before=$(matrix)
    "$SALLYPORT" init "$BATS_TEST_TMPDIR/more" >/dev/null
    "$SALLYPORT" ingest -C "$BATS_TEST_TMPDIR/more" --memory 4096 --workers 8 FS01 WS0417 "$CAPTURE"
    [ "$before" = "$(matrix "$BATS_TEST_TMPDIR/more")" ]
    run -2 "$SALLYPORT" ingest -C "$WS" --workers 0 FS01
    run -2 "$SALLYPORT" ingest -C "$WS" --memory 1 FS01
}

@test "archives are opened, also one inside another, and what they hold is known by content" {
    "$SALLYPORT" ingest -C "$WS" "$CAPTURE" FS01 WS0417
    before=$(matrix | sed 's/"evidence":[^]]*\]//g; s/"coverage".*//')
    /usr/bin/python3 - "$BATS_TEST_TMPDIR" "$CAPTURE" FS01/pfirewall.log WS0417/pfirewall.log <<'PY'
import bz2, gzip, io, lzma, sys, tarfile, zipfile

folder, capture, fs01, ws0417 = sys.argv[1:]
read = lambda path: open(path, "rb").read()

def tar(mode, *paths):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:" + mode) as archive:
        for path in paths:
            archive.add(path, "site/" + path.rsplit("/", 1)[-1])
    return out.getvalue()

def zipped(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()

inner = zipped({"c/site-a.pcapng": read(capture)})
packed = {
    "log.gz": gzip.compress(read(fs01)),
    "log.bz2": bz2.compress(read(fs01)),
    "log.xz": lzma.compress(read(fs01)),
    "logs.tar": tar("", fs01),
    "logs.tar.gz": tar("gz", ws0417),
    "logs.tar.xz": tar("xz", ws0417),
    "logs.tar.bz2": tar("bz2", capture),
    "inner.zip": inner,
}
for name, content in packed.items():
    open(folder + "/" + name, "wb").write(content)
open(folder + "/all.zip", "wb").write(zipped({"sub/" + name: content for name, content in packed.items()}))
open(folder + "/deep.zip", "wb").write(zipped({"one.zip": zipped({"two.zip": inner})}))
open(folder + "/log.7z", "wb").write(b"7z\xbc\xaf\x27\x1c" + bytes(100))
open(folder + "/twice.gz", "wb").write(gzip.compress(lzma.compress(read(fs01))))
PY
    cd "$BATS_TEST_TMPDIR"
    for packed in log.gz log.bz2 log.xz logs.tar logs.tar.gz logs.tar.xz logs.tar.bz2 inner.zip all.zip; do
        "$SALLYPORT" ingest -C "$WS" --json $packed | /usr/bin/python3 -c '
import json, sys
sources = json.load(sys.stdin)["sources"]
assert sources, "nothing was read"
for source in sources:
    assert source["facts"] == source["known"] > 0, source'
    done
    "$SALLYPORT" ingest -C "$WS" --json all.zip | grep -q '"source":"all.zip!/sub/logs.tar.gz!/site/pfirewall.log"'
    "$SALLYPORT" ingest -C "$WS" --json all.zip | grep -q '"source":"all.zip!/sub/inner.zip!/c/site-a.pcapng"'
    [ "$before" = "$(matrix | sed 's/"evidence":[^]]*\]//g; s/"coverage".*//')" ]
    run -2 "$SALLYPORT" ingest -C "$WS" deep.zip
    [[ "$output" == *"deep.zip!/one.zip!/two.zip: error: an archive inside an archive inside an archive is not opened"* ]]
    run -2 "$SALLYPORT" ingest -C "$WS" log.7z twice.gz
    [[ "$output" == *"log.7z: error: this is a 7z archive, which is not opened"* ]]
    [[ "$output" == *"twice.gz: error: a compressed file inside a compressed file is not opened"* ]]
}

@test "one file with the logs of several hosts is a stream for each" {
    kernel() {
        echo "2026-11-02T08:14:0$2+00:00 $1 kernel: [1.2] DROP IN=eth0 OUT= MAC= SRC=10.10.4.$3 DST=10.20.0.21 LEN=52" \
            "TOS=0x00 PREC=0x00 TTL=127 ID=1 DF PROTO=TCP SPT=50001 DPT=445 WINDOW=64240 RES=0x00 SYN URGP=0"
    }
    { kernel fw01 1 7; kernel fw02 2 8; kernel fw01 3 9; } >"$BATS_TEST_TMPDIR/all.log"
    { kernel fw02 2 8; kernel fw02 4 9; } >"$BATS_TEST_TMPDIR/fw02.log"
    cd "$BATS_TEST_TMPDIR"
    "$SALLYPORT" ingest -C "$WS" --json all.log | /usr/bin/python3 -c '
import json, sys
(source,) = json.load(sys.stdin)["sources"]
assert source["hosts"] == 2 and source["origin"] is None, source
assert source["records"] == source["facts"] == 3, source'
    matrix | /usr/bin/python3 -c '
import json, sys
rows = {row["origin"]: row for row in json.load(sys.stdin)["coverage"]}
assert set(rows) == {"fw01", "fw02"}, rows
assert rows["fw01"]["records"] == 2 and rows["fw01"]["to"] == "2026-11-02T08:14:03.000000Z", rows
assert rows["fw02"]["records"] == 1, rows'
    "$SALLYPORT" ingest -C "$WS" --json fw02.log | grep -q '"facts":2,"known":1,'
}

@test "a table is read with --map, and a map that does not fit is told" {
    printf 'src,dst,dport,when,verdict\n%s\n%s\n' 10.10.4.7,10.20.0.21,445,2026-11-02T08:14:03Z,permit \
        10.10.4.8,10.20.0.21,445,2026-11-02T08:14:04Z,deny >"$BATS_TEST_TMPDIR/flows.csv"
    cd "$BATS_TEST_TMPDIR"
    map=client=src,server=dst,port=dport,transport:tcp,time=when,outcome=verdict
    run -2 "$SALLYPORT" ingest -C "$WS" flows.csv
    [[ "$output" == *"the format is not known"*"--map"* ]]
    run -2 "$SALLYPORT" ingest -C "$WS" --map "${map/dport/dst_port}" flows.csv
    [[ "$output" == *"--map does not fit"*'"dst_port"'* ]]
    run -2 "$SALLYPORT" ingest -C "$WS" --map client=src,sever=dst flows.csv
    [[ "$output" == *"--map"*'"sever"'* ]]
    "$SALLYPORT" ingest -C "$WS" --map "$map" flows.csv
    [ "$(matrix | grep -o '"client":"10.10.4.[78]"' | wc -l)" = 2 ]
}

@test "what firewalls are told to do is told apart from what is unknown" {
    printf 'Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies]\r\n' >"$BATS_TEST_TMPDIR/rules.reg"
    run -2 "$SALLYPORT" ingest -C "$WS" "$BATS_TEST_TMPDIR/rules.reg"
    [[ "$output" == *"rules.reg: error: this is a registry export"*"no evidence of what was done"* ]]
}

@test "the same under another path counts once" {
    "$SALLYPORT" ingest -C "$WS" FS01 "$CAPTURE"
    before=$(flows)
    cp "$CAPTURE" "$BATS_TEST_TMPDIR/copy.pcapng"
    cp FS01/pfirewall.log "$BATS_TEST_TMPDIR/copy.log"
    "$SALLYPORT" ingest -C "$WS" "$BATS_TEST_TMPDIR/copy.pcapng" "$BATS_TEST_TMPDIR/copy.log"
    [ "$before" = "$(flows)" ]
}

@test "exports that overlap, rotations and prefixes count every line once" {
    "$SALLYPORT" ingest -C "$WS" FS01
    whole=$(flows)
    for cut in "10 40" "30 31" "71 6" "45 12"; do
        read -r first second <<<"$cut"
        other=$BATS_TEST_TMPDIR/ws-$first
        "$SALLYPORT" init "$other"
        mkdir "$BATS_TEST_TMPDIR/log-$first"
        head -n $((first + 5)) FS01/pfirewall.log >"$BATS_TEST_TMPDIR/log-$first/pfirewall.log.old"
        { head -n 5 FS01/pfirewall.log; tail -n +$((second > first ? first + 6 : second + 6)) FS01/pfirewall.log; } \
            >"$BATS_TEST_TMPDIR/log-$first/pfirewall.log"
        "$SALLYPORT" ingest -C "$other" "$BATS_TEST_TMPDIR/log-$first"
        [ "$whole" = "$(flows "$other")" ]
        "$SALLYPORT" ingest -C "$other" FS01
        [ "$whole" = "$(flows "$other")" ]
    done
}

@test "two hosts' logs of the same name and hours are two streams" {
    "$SALLYPORT" ingest -C "$WS" --json FS01/pfirewall.log WS0417/pfirewall.log | /usr/bin/python3 -c '
import json, sys
origins = [(s["origin"], s["origin_guessed"], s["known"]) for s in json.load(sys.stdin)["sources"]]
assert origins == [("10.20.0.21", False, 0), ("10.10.4.17", False, 0)], origins'
}

@test "what one host sent and the other received is one connection" {
    "$SALLYPORT" ingest -C "$WS" FS01
    alone=$(flows | /usr/bin/python3 -c 'import json, sys
print([json.loads(l)["connections"] for l in sys.stdin if "\"10.10.4.17\"" in l])')
    "$SALLYPORT" ingest -C "$WS" WS0417
    both=$(flows | /usr/bin/python3 -c 'import json, sys
print([json.loads(l)["connections"] for l in sys.stdin if "\"client\": \"10.10.4.17\"" in l])')
    [ "$alone" = "$both" ] && [ "$both" != "[]" ]
}

@test "a log that does not tell its host is named by --origin, else by its folder" {
    mkdir -p "$BATS_TEST_TMPDIR/dc07"
    # Without a path, what was dropped does not tell on which side.
    { echo "#Version: 1.0"; echo "#Fields: date time action protocol src-ip dst-ip src-port dst-port"
      echo "2026-11-02 08:00:00 DROP TCP 10.10.4.7 10.20.0.9 50000 445"; } >"$BATS_TEST_TMPDIR/dc07/pfirewall.log"
    run -0 "$SALLYPORT" ingest -C "$WS" --json "$BATS_TEST_TMPDIR/dc07/pfirewall.log"
    [[ "$output" == *'/dc07","origin_guessed":true'*'"known":0'* ]]
    run -0 "$SALLYPORT" ingest -C "$WS" --origin DC07 --json "$BATS_TEST_TMPDIR/dc07/pfirewall.log"
    [[ "$output" == *'"origin":"DC07","origin_guessed":false'*'"known":0'* ]]
    run -0 "$SALLYPORT" ingest -C "$WS" --origin DC07 --json "$BATS_TEST_TMPDIR/dc07/pfirewall.log"
    [[ "$output" == *'"known":1'* ]]
}

@test "local time is taken with its zone, and marked when it is not given" {
    "$SALLYPORT" ingest -C "$WS" FS01
    matrix | grep -q '"assumed":\["timezone"\]'
    "$SALLYPORT" init "$BATS_TEST_TMPDIR/berlin"
    "$SALLYPORT" ingest -C "$BATS_TEST_TMPDIR/berlin" --timezone Europe/Berlin FS01
    run -1 grep -q timezone <<<"$(matrix "$BATS_TEST_TMPDIR/berlin")"
    # The same lines with another zone are the same lines.
    before=$(flows "$BATS_TEST_TMPDIR/berlin")
    "$SALLYPORT" ingest -C "$BATS_TEST_TMPDIR/berlin" --timezone +09:00 FS01
    [ "$before" = "$(flows "$BATS_TEST_TMPDIR/berlin")" ]
    run -2 "$SALLYPORT" ingest -C "$WS" --timezone Europe/Nowhere FS01
}

@test "standard input is a source" {
    "$SALLYPORT" ingest -C "$WS" - <FS01/pfirewall.log
    matrix | grep -q '"coverage":\[{"source":"-","origin":"10.20.0.21"'
}

@test "a workspace that can't be written is read, and says so when it should be written" {
    "$SALLYPORT" ingest -C "$WS" FS01
    before=$(matrix)
    alone sh -ec 'mount --bind "$2" "$2"; mount -o remount,bind,ro "$2"
        "$1" matrix -C "$2" --json >"$3/read"
        status=0; "$1" ingest -C "$2" WS0417 >"$3/said" 2>&1 || status=$?; [ $status = 2 ]' \
        sh "$SALLYPORT" "$WS" "$BATS_TEST_TMPDIR"
    grep -q "can't be" "$BATS_TEST_TMPDIR/said"
    [ "$before" = "$(cat "$BATS_TEST_TMPDIR/read")" ]
    [ "$before" = "$(matrix)" ]
}

@test "a full disk is said, and what was committed before is kept" {
    /usr/bin/python3 - "$BATS_TEST_TMPDIR/big.log" <<'PY'
import sys
with open(sys.argv[1], "w") as out:
    out.write("#Version: 1.5\n#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn "
              "tcpack tcpwin icmptype icmpcode info path\n\n")
    for i in range(60000):
        out.write("2026-11-%02d %02d:%02d:%02d ALLOW TCP 10.10.%d.%d 10.20.0.77 %d 445 0 - 0 0 0 - - - RECEIVE\n" % (
            3 + i // 30000, i // 3600 % 24, i // 60 % 60, i % 60, i % 7, i % 251, 1024 + i % 60000))
PY
    mkdir "$BATS_TEST_TMPDIR/small"
    alone sh -ec 'mount -t tmpfs -o size=1m none "$2/small"
        "$1" init "$2/small/ws"
        "$1" ingest -C "$2/small/ws" FS01
        "$1" matrix -C "$2/small/ws" --json >"$2/before"
        status=0; "$1" ingest -C "$2/small/ws" "$2/big.log" WS0417 >"$2/said" 2>&1 || status=$?
        "$1" matrix -C "$2/small/ws" --json >"$2/after"
        [ $status = 2 ]' sh "$SALLYPORT" "$BATS_TEST_TMPDIR"
    cat "$BATS_TEST_TMPDIR/said"
    grep -q "disk is full" "$BATS_TEST_TMPDIR/said"
    cmp "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "a clock outside the years 1 to 9999 is held at their ends" {
    /usr/bin/python3 - "$BATS_TEST_TMPDIR" <<'PY'
import struct, sys

def block(kind, body):
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))

def capture(name, offset_s, units):
    options = struct.pack("<HHq", 14, 8, offset_s) + struct.pack("<HH", 0, 0)
    with open(sys.argv[1] + "/" + name, "wb") as out:
        out.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
        out.write(block(1, struct.pack("<HHI", 1, 0, 0) + options))
        out.write(block(6, struct.pack("<IIIII", 0, units >> 32, units & 0xFFFFFFFF, 60, 60) + bytes(60)))

capture("early.pcapng", -2**63, 2**64 - 1)
capture("late.pcapng", 2**63 - 1, 2**64 - 1)
PY
    cd "$BATS_TEST_TMPDIR" && "$SALLYPORT" ingest -C "$WS" early.pcapng late.pcapng
    matrix | grep -q '"source":"early.pcapng","origin":null,"from":"0001-01-01T00:00:00'
    matrix | grep -q '"source":"late.pcapng","origin":null,"from":"9999-12-31T23:59:59'
}
