#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes up connections, lets every vantage point write down what it would have seen of them, cuts and
mixes what they wrote, and asks the built program for the connections again.

usage: oracle_ingest.py BINARY [--seeds FIRST-LAST] [--keep DIR]

Witnesses: the firewall logs of clients and servers (whole seconds), the servers' Security events as
JSON, a sensor's Zeek logs, a capture. Their clocks differ by up to 1.3 s, whole seconds cut off one more;
each misses some of what happened, none is needed. Logs are cut with overlaps, captures without; pieces are given twice, in any
order, in one command or several, with one worker or more, and unpacked or packed.

Compared per edge: connections, the count of each outcome, exactness, shares, and that what was read
before is known. Orders and numbers of workers must give equal flows; equal orders equal bytes. The last
line is "N passed, N failed, N skipped".
"""
import argparse
import gzip
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from datetime import datetime, timezone

DAY = 1_793_577_600.0  # 2026-11-02, in UTC
SHARES = ["projects", "finance", "IPC$"]
ZEEK_STATE = {"fine": "SF", "refused": "REJ", "silent": "S0", "blocked": "S0"}
ZEEK_OUTCOME = {"SF": "established", "REJ": "refused", "S0": "no-answer"}


class Connection:
    def __init__(self, client, server, port, start, kind):
        self.client, self.server, self.port, self.start, self.kind = client, server, port, start, kind
        self.length, self.accesses, self.seen = 0.4, [], set()

    def edge(self):
        return (self.client, self.server)


class Witness:
    """One that writes: where, by which clock, what."""

    def __init__(self, name, skew, sees):
        self.name, self.skew, self.sees, self.lines = name, skew, sees, []

    def at(self, when):
        return when + self.skew


def make_world(rng):
    clients = [f"10.10.4.{n}" for n in range(7, 7 + rng.randint(2, 5))]
    servers = ["10.20.0.21", "10.20.0.22"]
    connections = []
    for client in clients:
        for server in servers:
            for port in rng.sample(range(49152, 65000), rng.randint(2, 8)):
                when = DAY + rng.uniform(10, 120_000)
                for _ in range(rng.randint(1, 4)):
                    kind = rng.choice(["fine", "fine", "fine", "refused", "silent", "blocked"])
                    c = Connection(client, server, port, when, kind)
                    if kind == "fine":
                        c.length = rng.choice([0.3, 5.0, 400.0, 9000.0])
                        for _ in range(rng.randint(0, 6)):
                            c.accesses.append((rng.uniform(0.02, c.length), rng.choice(SHARES)))
                    connections.append(c)
                    # No port comes round while a session's accesses could be of either.
                    when += c.length + rng.choice([8.0, 90.0, 4000.0]) + (80 if c.accesses else 0)
    return clients, servers, connections


def firewall_line(when, action, c, path):
    moment = datetime.fromtimestamp(when, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    size, flags = ("52", "S") if action == "DROP" else ("0", "-")
    return (
        when,
        f"{moment} {action} TCP {c.client} {c.server} {c.port} 445 {size} {flags} 0 0 0 - - - {path}",
    )


def event(rng, when, host, number, code, data):
    moment = datetime.fromtimestamp(when, timezone.utc).isoformat(timespec="milliseconds")
    keyword = "Audit Failure" if code in (5152, 5157) else "Audit Success"
    return (
        when,
        json.dumps(
            {
                "@timestamp": moment.replace("+00:00", "Z"),
                "event": {"code": str(code), "provider": "Microsoft-Windows-Security-Auditing"},
                "winlog": {
                    "event_id": str(code),
                    "provider_name": "Microsoft-Windows-Security-Auditing",
                    "channel": "Security",
                    "record_id": number,
                    "computer_name": host,
                    "keywords": [keyword],
                    "event_data": data,
                },
            }
        ),
    )


def frame(when, source, target, ports, flags, sequence, acknowledged):
    def address(text):
        return bytes(int(part) for part in text.split("."))

    tcp = struct.pack("!HHIIBBHHH", *ports, sequence, acknowledged, 5 << 4, flags, 65535, 0, 0)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0)
    packet = b"\2" * 6 + b"\4" * 6 + b"\x08\0" + ip + address(source) + address(target) + tcp
    micros = round(when * 1e6)
    head = struct.pack("<IIII", micros // 1_000_000, micros % 1_000_000, len(packet), len(packet))
    return head + packet


def capture_frames(rng, c, when):
    first, second = rng.getrandbits(31), rng.getrandbits(31)
    there, back = (c.client, c.server, (c.port, 445)), (c.server, c.client, (445, c.port))
    opening = frame(when, *there, 2, first, 0)
    if c.kind == "refused":
        opening += frame(when + 0.001, *back, 0x14, 0, first + 1)
    if c.kind != "fine":
        return [(when, opening)]
    # No capture ends between the first two packets: that half of it would be told as unanswered.
    opening += frame(when + 0.001, *back, 0x12, second, first + 1)
    opening += frame(when + 0.002, *there, 0x10, first + 1, second + 1)
    closing = frame(when + c.length, *there, 0x11, first + 1, second + 1)
    closing += frame(when + c.length + 0.001, *back, 0x11, second + 1, first + 2)
    return [(when, opening), (when + c.length, closing)]


def write_down(rng, clients, servers, connections):
    """Files by name: (head, pieces of one stream, may it overlap)."""
    logs, truth = {}, {}

    def skew():
        return rng.uniform(0, 1.3)

    hosts = {host: skew() for host in clients + servers}
    firewalls = [h for h in clients + servers if rng.random() < 0.6]
    auditing = [s for s in servers if rng.random() < 0.8]
    sensor, tap = rng.random() < 0.7, rng.random() < 0.6
    sensor_skew, tap_skew = skew(), skew()
    records = {s: 9000 for s in servers}
    conn, mapping = [], []
    for i, c in enumerate(connections):
        outcomes = set()
        fw = "DROP" if c.kind == "blocked" else "ALLOW"
        reached = c.kind in ("fine", "blocked")
        for host, path in ((c.client, "SEND"), (c.server, "RECEIVE")):
            if host not in firewalls or rng.random() < 0.2:
                continue
            if host == c.server and not reached:
                continue
            action = fw if host == c.server else "ALLOW"
            outcomes.add("blocked" if action == "DROP" else "allowed")
            logs.setdefault(f"pfirewall-{host}.log", []).append(
                firewall_line(c.start + hosts[host], action, c, path)
            )
        if c.server in auditing and reached and rng.random() < 0.8:
            code = 5156 if c.kind == "fine" else 5157
            outcomes.add("allowed" if code == 5156 else "blocked")
            name = f"FS{c.server[-2:]}.contoso.com"
            data = {
                "Application": "System",
                "Direction": "%%14592",
                "SourceAddress": c.server if code == 5156 else c.client,
                "SourcePort": "445" if code == 5156 else str(c.port),
                "DestAddress": c.client if code == 5156 else c.server,
                "DestPort": str(c.port) if code == 5156 else "445",
                "Protocol": "6",
                "LayerName": "%%14610",
            }
            records[c.server] += 1
            logs.setdefault(f"security-{c.server}.json", []).append(
                event(rng, c.start + hosts[c.server], name, records[c.server], code, data)
            )
        if sensor and rng.random() < 0.85:
            state = ZEEK_STATE[c.kind]
            outcomes.add(ZEEK_OUTCOME[state])
            when, uid = c.start + sensor_skew, f"C{i:06d}"
            ends = f"{c.client}\t{c.port}\t{c.server}\t445"
            conn.append((when, f"{when:.6f}\t{uid}\t{ends}\ttcp\t-\t{c.length:.6f}\t0\t0\t{state}"))
            for after, share in c.accesses if rng.random() < 0.5 else []:
                path = f"\\\\\\\\FS{c.server[-2:]}\\\\{share}"
                mapping.append((when + after, f"{when + after:.6f}\t{uid}\t{ends}\t{path}\t-\t-\tDISK"))
        if tap and rng.random() < 0.85:
            outcomes.add({"fine": "established", "refused": "refused"}.get(c.kind, "no-answer"))
            logs.setdefault("tap.pcap", []).extend(capture_frames(rng, c, c.start + tap_skew))
        # Accesses alone could be of a connection before; here the one they are of was seen.
        if c.server in auditing and outcomes and c.accesses:
            for after, share in c.accesses:
                records[c.server] += 1
                data = {
                    "SubjectUserName": "alice",
                    "SubjectDomainName": "CONTOSO",
                    "ObjectType": "File",
                    "IpAddress": c.client,
                    "IpPort": str(c.port),
                    "ShareName": f"\\\\*\\{share}",
                    "RelativeTargetName": "a.txt",
                    "AccessMask": "0x1",
                }
                name = f"FS{c.server[-2:]}.contoso.com"
                logs.setdefault(f"security-{c.server}.json", []).append(
                    event(
                        rng, c.start + after + hosts[c.server], name, records[c.server], 5145, data
                    )
                )
            outcomes.add("accessed")
        if outcomes:
            edge = truth.setdefault(c.edge(), {"connections": 0, "outcomes": {}})
            edge["connections"] += 1
            for outcome in outcomes:
                edge["outcomes"][outcome] = edge["outcomes"].get(outcome, 0) + 1
    if conn:
        logs["conn.log"] = conn
    if mapping:
        logs["smb_mapping.log"] = mapping
    # A collector holds the events of several hosts in one file.
    if rng.random() < 0.4:
        events = [item for s in servers for item in logs.pop(f"security-{s}.json", [])]
        if events:
            logs["security-forwarded.json"] = events
    for items in logs.values():
        items.sort(key=lambda item: item[0])
    return logs, truth


ZEEK_HEAD = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
HEADS = {
    "pfirewall": "#Version: 1.5\n#Software: Microsoft Windows Firewall\n#Time Format: Local\n"
    "#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack "
    "tcpwin icmptype icmpcode info path\n\n",
    "security": "",
    "conn": ZEEK_HEAD + "#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto"
    "\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\n",
    "smb_mapping": ZEEK_HEAD + "#path\tsmb_mapping\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h"
    "\tid.resp_p\tpath\tservice\tnative_file_system\tshare_type\n",
}


def cut(rng, logs, folder):
    """Writes the logs in pieces; returns the files."""
    files = []
    for name, items in sorted(logs.items()):
        stem, suffix = name.rsplit(".", 1)
        items = [item[1] for item in items]
        is_capture = suffix == "pcap"
        at, pieces = 0, []
        n_cuts = rng.randint(0, 3)
        cuts = sorted(rng.sample(range(1, len(items)), min(n_cuts, len(items) - 1)))
        for end in cuts + [len(items)]:
            begin = at if is_capture else max(0, at - rng.choice([0, 1, 5, 40]))
            pieces.append(items[begin:end])
            at = end
        for i, piece in enumerate(pieces):
            if is_capture:
                head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
                content = head + b"".join(piece)
            else:
                kind = stem.split("-")[0]
                content = (HEADS[kind] + "\n".join(piece) + "\n").encode()
            copies = 2 if rng.random() < 0.2 else 1
            for copy in range(copies):
                path = os.path.join(folder, f"{stem}.{i}{'abc'[copy]}.{suffix}")
                if rng.random() < 0.2:
                    path += ".gz"
                    content_out = gzip.compress(content, 1, mtime=0)
                else:
                    content_out = content
                with open(path, "wb") as out:
                    out.write(content_out)
                files.append(path)
    if rng.random() < 0.3:
        files = pack(rng, files, os.path.join(folder, "bundle.zip"))
    return files


def pack(rng, files, bundle):
    """Some of the files into one archive, in its folder's root as they were."""
    inside = set(rng.sample(files, rng.randint(1, len(files))))
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(inside):
            archive.write(path, os.path.basename(path))
            os.remove(path)
    return [path for path in files if path not in inside] + [bundle]


def run(binary, *arguments):
    done = subprocess.run([binary, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: exit {done.returncode}: {done.stderr}")
    return done.stdout


def read_all(binary, workspace, groups, workers):
    run(binary, "init", workspace)
    for group in groups:
        run(binary, "-C", workspace, "ingest", "--workers", str(workers), *group)
    return run(binary, "-C", workspace, "matrix", "--json")


def plain(text):
    """The flows without their witnesses: of two copies, either may be the one that counted."""
    flows = json.loads(text)["flows"]
    for flow in flows:
        del flow["evidence"]
    return flows


def compare(text, truth):
    wrong = []
    flows = {(f["client"], f["server"]): f for f in json.loads(text)["flows"]}
    for edge in sorted(set(flows) | set(truth)):
        flow, expected = flows.get(edge), truth.get(edge)
        if not flow or not expected:
            wrong.append(f"{edge}: {'missing' if expected else 'not there in truth'}")
            continue
        outcomes = {name: n for name, n in flow["outcomes"].items() if n}
        if flow["connections"] != expected["connections"]:
            wrong.append(f"{edge}: connections {flow['connections']}, truth {expected['connections']}")
        if outcomes != expected["outcomes"]:
            wrong.append(f"{edge}: outcomes {outcomes}, truth {expected['outcomes']}")
        if not flow["connections_exact"]:
            wrong.append(f"{edge}: not exact")
    return wrong


def groups_of(rng, files):
    files = list(files)
    rng.shuffle(files)
    groups = []
    while files:
        n = rng.randint(1, len(files))
        groups.append(files[:n])
        files = files[n:]
    return groups


def check_seed(binary, seed, folder):
    rng = random.Random(seed)
    logs, truth = write_down(rng, *make_world(rng))
    evidence = os.path.join(folder, "evidence")
    os.mkdir(evidence)
    if not logs:
        return []
    files = cut(rng, logs, evidence)
    groups = groups_of(rng, files)
    first = read_all(binary, os.path.join(folder, "a"), groups, rng.randint(1, 4))
    wrong = compare(first, truth)
    again = read_all(binary, os.path.join(folder, "b"), groups, rng.randint(1, 4))
    if again != first:
        wrong.append("the same order with other workers gives other bytes")
    other = read_all(binary, os.path.join(folder, "c"), groups_of(rng, files), rng.randint(1, 4))
    if plain(other) != plain(first):
        wrong.append("another order gives other flows")
    told = json.loads(
        run(binary, "-C", os.path.join(folder, "c"), "ingest", "--json", *sorted(files))
    )["sources"]
    for source in told:
        if source["known"] != source["facts"]:
            wrong.append(f"{source['source']}: {source['known']} of {source['facts']} known again")
    if plain(run(binary, "-C", os.path.join(folder, "c"), "matrix", "--json")) != plain(other):
        wrong.append("reading all again changes flows")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--seeds", default="1-40")
    parser.add_argument("--keep")
    options = parser.parse_args()
    first, last = (int(part) for part in options.seeds.split("-"))
    binary = os.path.abspath(options.binary)
    passed = failed = 0
    for seed in range(first, last + 1):
        folder = tempfile.mkdtemp(prefix="sallyport-oracle-")
        wrong = check_seed(binary, seed, folder)
        passed += not wrong
        failed += bool(wrong)
        for line in wrong:
            print(f"seed {seed}: {line}")
        if wrong and options.keep:
            shutil.copytree(folder, os.path.join(options.keep, str(seed)), dirs_exist_ok=True)
        shutil.rmtree(folder)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
