#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The measuring half of tools/bench, which installs and builds first.

usage: run.py FOLDER PAIRS JOB...
"""
import os
import shutil
import statistics
import subprocess
import sys

import capture
import eventlog
import exceptions
import logs
import matrix
from measure import job, ours, peer

BINARY = os.path.abspath("build/sallyport")
ONE_CORE = "--workers 1"


def text_log(folder, name):
    """Makes the log when it is not there; returns its path and number of lines."""
    lines, make, head = logs.LOGS[name]
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        logs.write(path + ".part", lines, make, head)
        os.rename(path + ".part", path)
    return path, lines


def grouped(columns):
    """awk: how often each combination of columns comes."""
    key = '" "'.join(f"${column}" for column in columns)
    return "'{n[" + key + "]++} END {for (k in n) print k, n[k]}'"


def bench_firewall(folder, site, pairs):
    path, lines = text_log(folder, "pfirewall.log")
    job("Windows Firewall log", path, lines, "lines", [
        ours(BINARY, site, path, ONE_CORE),
        peer("ripgrep then mawk, 445 only", f"rg ' 445 ' {path} | mawk {grouped((5, 6, 8, 3))} >/dev/null"),
        peer("mawk, all ports", f"mawk {grouped((5, 6, 8, 3))} {path} >/dev/null"),
    ], pairs)


def bench_zeek(folder, site, pairs):
    path, lines = text_log(folder, "conn.log")
    job("Zeek conn.log", path, lines, "lines", [
        ours(BINARY, site, path, ONE_CORE),
        peer("ripgrep then mawk, 445 only", f"rg '\\t445\\t' {path} | mawk {grouped((3, 5, 6, 12))} >/dev/null"),
        peer("mawk, all ports", f"mawk {grouped((3, 5, 6, 12))} {path} >/dev/null"),
    ], pairs)


def bench_eve(folder, site, pairs):
    path, lines = text_log(folder, "eve.json")
    wanted = "'select(.dest_port == 445) | \"\\(.src_ip) \\(.dest_ip) \\(.dest_port)\"'"
    job("Suricata eve.json", path, lines, "records", [
        ours(BINARY, site, path, ONE_CORE),
        peer("jq, 445 only", f"jq -r {wanted} {path} >/dev/null"),
    ], min(pairs, 3))


def bench_vpc(folder, site, pairs):
    path, lines = text_log(folder, "vpc.log")
    job("AWS VPC flow log", path, lines, "lines", [
        ours(BINARY, site, path, ONE_CORE),
        peer("ripgrep then mawk, 445 only", f"rg ' 445 ' {path} | mawk {grouped((4, 5, 7, 13))} >/dev/null"),
        peer("mawk, all ports", f"mawk {grouped((4, 5, 7, 13))} {path} >/dev/null"),
    ], pairs)


def bench_evtx(folder, site, pairs):
    path = os.path.join(folder, "security.evtx")
    if not os.path.exists(path):
        subprocess.run(["build/src/evtx_log", path, "400000"], check=True)
    job("Windows event log, generated", path, 400000, "events", [ours(BINARY, site, path, ONE_CORE)], pairs)


def bench_evtx_real(folder, site, pairs):
    """The corpus's largest logs, their chunks again and again: what other readers insist on is in them."""
    corpus = os.environ.get("SALLYPORT_CORPUS") or "../shared/data"
    logs_there = eventlog.largest(os.path.join(corpus, "evtx"))
    if not logs_there:
        print("\nWindows event log, recorded: skipped, the corpus is not there")
        return
    path = os.path.join(folder, "recorded.evtx")
    events = eventlog.repeat(logs_there, path, 150)
    job("Windows event log, recorded", path, events, "events", [
        ours(BINARY, site, path, ONE_CORE),
        peer("evtxexport, XML", f"evtxexport -f xml {path} >/dev/null"),
    ], min(pairs, 3))


def bench_packets(folder, site, pairs):
    path = os.path.join(folder, "long.pcap")
    once = os.path.join(folder, "once.pcap")
    packets = capture.write_long(once, path, 64)
    job("packets", path, packets, "packets", [
        ours(BINARY, site, path, ONE_CORE),
        peer("tshark, SMB fields", capture.tshark(path)),
        peer("nfpcapd, flows only", f"mkdir -p {folder}/nf && nfpcapd -r {path} -w {folder}/nf"),
    ], min(pairs, 3))


def bench_chatty(folder, site, pairs):
    path = os.path.join(folder, "chatty.pcap")
    packets = capture.write_long(os.path.join(folder, "once.pcap"), path, 400, most=256)
    job("packets, many short sessions", path, packets, "packets", [
        ours(BINARY, site, path, ONE_CORE),
        peer("nfpcapd, flows only", f"mkdir -p {folder}/nf && nfpcapd -r {path} -w {folder}/nf"),
    ], pairs)


def bench_bulk(folder, site, pairs):
    path = os.path.join(folder, "bulk.pcap")
    packets = capture.write_bulk(path, 830)
    job("packets, bulk transfers", path, packets, "packets", [
        ours(BINARY, site, path, ONE_CORE),
        peer("nfpcapd, flows only", f"mkdir -p {folder}/nf && nfpcapd -r {path} -w {folder}/nf"),
        peer("tcpdump -w, port 445", f"tcpdump -r {path} -w /dev/null 'tcp port 445'"),
    ], pairs)


def bench_flows(folder, site, pairs):
    path = os.path.join(folder, "flows.nfcapd")
    if not os.path.exists(path):
        chatty = os.path.join(folder, "chatty.pcap")
        capture.write_long(os.path.join(folder, "once.pcap"), chatty, 400, most=256)
        capture.to_nfcapd(chatty, path)
    records = capture.count_flows(path)
    job("NetFlow records in nfdump's files", path, records, "flows", [
        ours(BINARY, site, path, ONE_CORE),
        peer("nfdump, 445 by ends", f"nfdump -r {path} -q -A srcip,dstip,dstport 'port 445' >/dev/null"),
    ], pairs)


def bench_decide(folder, site, pairs):
    """Flow decisions of a large policy, beside the linear evaluator, which they must agree with."""
    print("\nflow decisions, in processor time")
    subprocess.run(["build/src/decide", str(pairs)], check=True)


def bench_suggest(folder, site, pairs):
    """Policy mining alone, each network in a process of its own so that its peak of memory is its own."""
    driver = ["build/src/mine_bench", str(pairs)]
    for network in subprocess.run(driver, check=True, capture_output=True, text=True).stdout.split():
        subprocess.run([*driver, network], check=True)



def bench_exceptions(folder, site, pairs):
    """N exceptions, each one /28 to one host: policy file in, proved artefacts on disk."""
    folder = os.path.join(folder, "exceptions")
    for n in (200, 2000, 20000, 200000):
        for shape, dialects in exceptions.COMPARED:
            ours_in = os.path.join(folder, f"{shape}-{n}")
            path = exceptions.write_policy(ours_in, n, shape)
            programs = [
                {
                    "name": f"compile -t {name}, with proof",
                    "prepare": f"rm -rf {ours_in}/out",
                    "command": f"{BINARY} compile -C {ours_in} -t {name} -o {ours_in}/out 2>/dev/null",
                }
                for name, _ in dialects
            ]
            programs.append({"name": "check", "prepare": "true", "command": f"{BINARY} check -C {ours_in} 2>/dev/null"})
            for name, target in dialects:
                if not target or n > 20000:
                    continue
                if not shutil.which("aclgen"):
                    print("\nCapirca: skipped, it is not installed")
                    continue
                theirs = os.path.join(folder, f"capirca-{name}-{n}")
                command = exceptions.write_capirca(theirs, n, target)
                programs.append(
                    {"name": f"Capirca, {name}, no proof", "prepare": f"rm -rf {theirs}/out; mkdir {theirs}/out", "command": command}
                )
            job(f"{n} exceptions, {shape}", path, n, "exceptions", programs, min(pairs, 3))


def bench_ledger(folder, site, pairs):
    """A million entries: verified by us, hashed by sha256sum, scanned by SQLite; then appends and proofs."""
    tool, entries = os.path.abspath("build/src/ledger_bench"), 1000000
    ours_in = os.path.join(folder, "ledger")
    path = os.path.join(ours_in, "ledger.db")
    if not os.path.exists(path):
        os.makedirs(ours_in, exist_ok=True)
        print("\nledger, making it:\n" + subprocess.run(
            [tool, ours_in, str(entries)], check=True, capture_output=True, text=True).stdout)
    scan = "import sqlite3,hashlib;[hashlib.sha256(b'\\0'+r[0]).digest() for r in sqlite3.connect(%r).execute(%r)]"
    job("ledger", path, entries, "entries", [
        peer("ledger verify", f"{BINARY} ledger verify -C {ours_in}"),
        peer("sha256sum of the database", f"sha256sum {path}"),
        peer("Python, leaf hashes alone", 'python3 -c "' + scan % (path, "select body from entry") + '"'),
    ], pairs)
    print("\nproofs:\n" + subprocess.run([tool, ours_in], check=True, capture_output=True, text=True).stdout)


def bench_matrix(folder, site, pairs):
    """N client networks by 20 servers: policy file in, proved artefacts on disk."""
    folder = os.path.join(folder, "matrix")
    for n in (2000, 20000):
        ours_in = os.path.join(folder, str(n))
        path = matrix.write_policy(ours_in, n)
        programs = [
            {
                "name": f"compile -t {name}, with proof",
                "prepare": f"rm -rf {ours_in}/out",
                "command": f"{BINARY} compile -C {ours_in} -t {name} -o {ours_in}/out 2>/dev/null",
            }
            for name in matrix.TARGETS
        ]
        theirs = os.path.join(folder, f"capirca-{n}")
        command = matrix.write_capirca(theirs, n)
        if shutil.which("aclgen"):
            programs.append({"name": "Capirca, Windows inbound, no proof", "prepare": f"rm -rf {theirs}/out; mkdir {theirs}/out",
                             "command": command})
        else:
            print("\nCapirca: skipped, it is not installed")
        job(f"{n} networks by {matrix.SERVERS} servers", path, n, "networks", programs, min(pairs, 3))


def bench_shadow(folder, site, pairs):
    """Entries that the union of the others covers: ours beside BuDDy on the same entries."""
    driver = "build/src/shadow"
    if not os.path.exists(driver):
        print("\nsuperfluous entries: skipped, BuDDy is not there")
        return
    print(f"\nsuperfluous entries: medians of {pairs} in seconds of CPU")
    for shape in ("pairs", "groups", "nested"):
        for entries in (2000, 20000, 100000):
            # Decision diagrams of nested prefixes grow too large for this machine.
            programs = ["ours"] if shape == "nested" and entries > 20000 else ["ours", "buddy"]
            medians = {}
            for program in programs:
                said = [
                    subprocess.run([driver, program, shape, str(entries)], check=True, capture_output=True, text=True)
                    for _ in range(pairs if program == "ours" else min(pairs, 3))
                ]
                lines = [run.stdout.splitlines()[-1] for run in said]
                medians[program] = statistics.median(float(line.split(": ")[1].split()[0]) for line in lines)
                print(f"  {lines[0].split(':')[0]:<24} {medians[program]:>8.3f}  {lines[0].split(', ')[1]}", flush=True)
            if "buddy" in medians:
                print(f"  {'':<24} ratio {medians['buddy'] / max(medians['ours'], 0.001):.0f}")


SIMULATED = """version: 1
segments:
  clients: {networks: [10.16.0.0/12], trust: managed}
  servers: {networks: [10.200.0.0/16], trust: managed, border: enforced}
groups:
  controllers: {hosts: [10.200.0.1], role: domain-controller}
  files: {hosts: [10.200.0.2, 10.200.0.3, 10.200.1.0/28], role: file-server}
allow:
  - {from: managed, to: controllers, service: smb}
  - {from: clients, to: files, service: smb}
  - {from: 10.16.0.0/16, to: servers, service: smb}
rings:
  - {name: pilot, members: {segment: clients, percent: 5}}
  - {name: half, members: {segment: clients, percent: 50}}
  - {name: rest, members: all}
"""


def bench_simulate(folder, site, pairs):
    """1,000,000 different flows against one policy, then against further ones: what each costs is a tenth of the difference."""
    path, lines = text_log(folder, "pairs.log")
    subprocess.run(["sh", "-c", ours(BINARY, site, path)["prepare"]], check=True)
    subprocess.run([BINARY, "ingest", "-C", site, path], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for name, text in (("policy.yaml", SIMULATED), ("other.yaml", SIMULATED.replace("10.16.0.0/16, to", "10.17.0.0/16, to"))):
        with open(os.path.join(site, name), "w", encoding="ascii") as f:
            f.write(text)
    asked = f"{BINARY} simulate -C {site} --against {site}/other.yaml"
    would_break = "|| test $? -eq 1"
    job("simulate, three rings", path, lines, "flows", [
        {"name": "one policy, with cures", "prepare": "true", "command": f"{BINARY} simulate -C {site} {would_break}"},
        {"name": "two policies", "prepare": "true", "command": f"{asked} {would_break}"},
        {"name": "twelve policies", "prepare": "true",
         "command": asked + f" --against {site}/other.yaml" * 10 + f" {would_break}"},
    ], min(pairs, 3))


JOBS = {name.removeprefix("bench_"): work for name, work in list(globals().items()) if name.startswith("bench_")}


def main():
    folder, pairs = sys.argv[1], int(sys.argv[2])
    names = sys.argv[3:] or list(JOBS)
    site = os.path.join(folder, "site")
    for name in names:
        if name not in JOBS:
            sys.exit(f"error: expected a job of {', '.join(JOBS)}, found {name}")
        JOBS[name](folder, site, pairs)


if __name__ == "__main__":
    main()
