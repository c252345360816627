#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the evidence corpus with the built program and compares the matrix with the truth that other
tools made of the same files (tshark for captures, libevtx and python for event logs, nfdump for flows,
plain splitting for text logs and scans).

usage: corpus_check.py BINARY [FILE...]

Compared per edge (client, server, port), as far as the truth tells: outcome kinds, connections,
dialects, the weakest signing of each side, encryption; users and shares are at least the truth's; there
is no other edge on 139 or 445. Of scans, each port's state. Captures and the event logs of the same
incident are also read together: the edges and connections must stay those of the capture. A difference must be a line of known-differences.tsv (file, key, field, reason with a frame), a
line whose field no longer differs fails too, and lines are at most one in a hundred edges. The last line is
"N passed, N failed, N skipped"; without the corpus all is skipped.
"""
import ipaddress
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SIGNING = ["disabled", "enabled", "required"]
OUTCOMES = {
    "established": "established",
    "established_no_data": "established",
    "half_open": "established",
    "midstream": "established",
    "synack_only": "established",
    "refused": "refused",
    "no_answer": "no-answer",
    "no_payload": None,
    "syn_other": None,
}
ACTIONS = {"ALLOW": "allowed", "OPEN": "allowed", "DROP": "blocked", "CLOSE": None}


def address(text):
    return str(ipaddress.ip_address(text.split("%")[0]))


def words(text, separator=","):
    return [word.strip() for word in text.split(separator) if word.strip()]


def weakest(values):
    known = [value for value in values if value in SIGNING]
    return min(known, key=SIGNING.index) if known else None


def account(text):
    """DOMAIN\\user@host as tshark gives it, where NULL is empty; None for an anonymous logon."""
    if "\\" not in text:
        return None
    domain, user = text.rsplit("@", 1)[0].split("\\", 1)
    domain, user = ("" if part == "NULL" else part for part in (domain, user))
    if not user:
        return None
    return f"{domain}\\{user}" if domain else user


def rows(path):
    names = None
    with open(path, encoding="utf-8", errors="replace", newline="\n") as lines:
        for line in lines:
            line = line.rstrip("\r\n")
            if line.startswith("#") or not line:
                continue
            cells = line.split("\t")
            if names is None:
                names = cells
                continue
            yield dict(zip(names, cells + [""] * (len(names) - len(cells))))


def capture_truth(path):
    edges = {}
    for row in rows(path):
        if row["row"] != "edge":
            continue
        key = (address(row["client"]), address(row["server"]), int(row["server_port"]))
        outcomes = set()
        for word in words(row["outcome"]):
            outcomes.add("prohibited" if word.startswith("icmp_unreachable") else OUTCOMES[word])
        encrypted = int(row["encrypted_pdus_c2s"]) + int(row["encrypted_pdus_s2c"]) > 0
        edges[key] = {
            "outcomes": sorted(outcomes - {None}),
            "connections": int(row["stream"].removeprefix("n=")),
            "dialects": sorted(
                {"nt-lm-0.12" if d == "smb1" else d for d in words(row["dialect"]) if d != "none"}
            ),
            "signing.client": weakest(words(row["client_signing"])),
            "signing.server": weakest(words(row["server_signing"])),
            "encrypted": True if encrypted else False if row["shares"] else None,
            "users": {a for a in map(account, words(row["users"], ";")) if a},
            "shares": set(words(row["shares"], ";")),
        }
    return edges


def firewall_truth(path):
    edges = {}
    for row in rows(path):
        if row["action"] not in ACTIONS:
            continue
        source, target = int(row["sport"] or 0), int(row["dport"] or 0)
        ends = [(address(row["src"]), source), (address(row["dst"]), target)]
        server = 1 if target in (139, 445) else 0
        key = (ends[1 - server][0], ends[server][0], ends[server][1])
        edge = edges.setdefault(key, {"outcomes": set()})
        edge["outcomes"].add(ACTIONS[row["action"]])
    for edge in edges.values():
        edge["outcomes"] = sorted(edge["outcomes"] - {None})
    return edges


def smb_edge(source, source_port, target, target_port):
    """(client, server, port): the end on 139 or 445 is the server; None when neither is."""
    if target_port in (139, 445):
        return source, target, target_port
    if source_port in (139, 445):
        return target, source, source_port
    return None


EVENT_OUTCOMES = {"5156": {"allowed"}, "5157": {"blocked"}, "5152": {"blocked"}, "3": {"established"}}
SHARE_EVENTS = ("5140", "5145")


# Of winlog/, whose rows have no header: the last but one is a share or a protocol.
WINLOG_COLUMNS = "event event_id time computer src src_port dst dst_port user what detail".split()


def event_rows(path):
    names = None
    with open(path, encoding="utf-8", errors="replace", newline="\n") as lines:
        for line in lines:
            cells = line.rstrip("\r\n").split("\t")
            if cells[0] != "event":
                continue
            if cells[1] == "record":
                names = [cell.removesuffix("_ip") for cell in cells]
                continue
            row = dict(zip(names or WINLOG_COLUMNS, cells + [""] * len(WINLOG_COLUMNS)))
            if not names:
                row["share"] = row["proto"] = row["what"]
            yield row


def event_truth(path):
    """Servers of share accesses are known by name only: their key says (client, NAME, 445)."""
    edges = {}
    for row in event_rows(path):
        event = row["event_id"]
        if event in SHARE_EVENTS:
            if row["src"] in ("", "-"):
                continue
            key = (address(row["src"]), row["computer"], 445)
            outcomes = None  # the truth does not say whether it was granted
        elif event in EVENT_OUTCOMES:
            if row["proto"].lower() not in ("6", "tcp"):
                continue
            if event == "3" and "Sysmon" not in row.get("channel", "Sysmon"):
                continue
            ports = [int(row[name] or 0) for name in ("src_port", "dst_port")]
            key = smb_edge(address(row["src"]), ports[0], address(row["dst"]), ports[1])
            if not key:
                continue
            outcomes = EVENT_OUTCOMES[event]
        else:
            continue
        edge = edges.setdefault(key, {"some_outcomes": set(), "users": set(), "share_names": set()})
        edge["some_outcomes"] |= outcomes or set()
        if event in SHARE_EVENTS:
            edge["share_names"].add(row["share"].rsplit("\\", 1)[-1].lower())
            name = row["user"].rsplit("\\", 1)[-1]
            if name and name.upper() not in ("ANONYMOUS LOGON", "-"):
                edge["users"].add(row["user"])
    return edges


ZEEK_OUTCOMES = {"S0": "no-answer", "REJ": "refused"}


def zeek_truth(path):
    edges = {}
    log = os.path.basename(path)
    for row in rows(path):
        key = (address(row["orig_h"]), address(row["resp_h"]), int(row["resp_p"]))
        edge = edges.setdefault(key, {})
        detail = row["detail"]
        if detail.startswith("\\\\\\\\"):
            detail = detail.replace("\\\\", "\\")  # as the log escapes it
        if log.startswith("conn"):
            edge.setdefault("some_outcomes", set()).add(ZEEK_OUTCOMES.get(detail, "established"))
            edge["connections"] = edge.get("connections", 0) + int(row["n"])
        elif log.startswith("smb_mapping") and detail != "-":
            edge.setdefault("shares", set()).add(detail)
        elif log.startswith("ntlm") and "@" in detail:
            domain, _, user = detail.rsplit("@", 1)[0].partition("\\")
            if user not in ("", "-"):
                users = edge.setdefault("users", set())
                users.add(user if domain in ("", "-") else f"{domain}\\{user}")
    return edges


def netflow_truth(path):
    edges = {}
    for row in rows(path):
        if row["proto"] != "TCP" or not row.get("dport"):
            continue
        ends = (address(row["src"]), int(row["sport"]), address(row["dst"]), int(row["dport"]))
        key = smb_edge(*ends)
        edge = edges.setdefault(key, {"ports": set()})
        edge["ports"].add(ends[1] if key[0] == ends[0] and ends[3] == key[2] else ends[3])
    for edge in edges.values():
        edge["connections"] = len(edge.pop("ports"))
    return edges


def syslog_truth(path):
    edges = {}
    for row in rows(path):
        key = smb_edge(address(row["src"]), int(row["spt"]), address(row["dst"]), int(row["dpt"]))
        if key:
            edges.setdefault(key, {})
    return edges


def scan_truth(path):
    """Not edges: (address, port) to the state that the scan found."""
    return {
        (address(row["addr"]), int(row["port"])): row["state"].split("|")[0] for row in rows(path)
    }


def ports_of(binary, path):
    with tempfile.TemporaryDirectory() as folder:
        run(binary, "init", folder)
        run(binary, "ingest", "-C", folder, path)
        hosts = json.loads(run(binary, "hosts", "-C", folder, "--json"))["hosts"]
    return {
        (held["address"], port["port"]): port["state"]
        for host in hosts
        for held in host["addresses"]
        for port in host["listening"]
        if port["transport"] == "tcp" and port["port"] in (139, 445)
    }


def run(binary, *arguments):
    done = subprocess.run([binary, *arguments], capture_output=True, timeout=600, check=False)
    if done.returncode != 0:
        text = done.stderr.decode("utf-8", "replace").strip()
        raise RuntimeError(f"{arguments[0]} ended with {done.returncode}: {text[-2000:]}")
    return done.stdout


def flows_of(binary, *paths):
    """The flows on TCP 139 and 445, by (client, server, port)."""
    with tempfile.TemporaryDirectory() as folder:
        run(binary, "init", folder)
        run(binary, "ingest", "-C", folder, *paths)
        matrix = json.loads(run(binary, "matrix", "-C", folder, "--json"))
    return {
        (flow["client"], flow["server"], flow["port"]): flow
        for flow in matrix["flows"]
        if flow["transport"] == "tcp" and flow["port"] in (139, 445)
    }


def found(flow, field):
    """What the flow says, in the shape of the truth."""
    if field == "some_outcomes":
        return {name for name, count in flow["outcomes"].items() if count}
    if field == "share_names":
        return {share.rsplit("\\", 1)[-1].lower() for share in flow["shares"]}
    if field == "outcomes":
        return sorted(name for name, count in flow["outcomes"].items() if count)
    if field.startswith("signing."):
        return flow["signing"][field.removeprefix("signing.")]
    if field == "dialects":
        return sorted(flow["dialects"])
    return flow[field]


def same(field, got, wanted):
    if field == "users":
        return {user.lower() for user in wanted} <= {user.lower() for user in got}
    if field in ("shares", "share_names", "some_outcomes"):
        return wanted <= set(got)
    return got == wanted


def by_name(flows, key):
    """The key of the flow whose server is called so, when the truth knows no more than its name."""
    if key in flows:
        return key
    for other, flow in flows.items():
        names = [name.lower() for name in flow["server_names"]] + [other[1].lower()]
        if (other[0], other[2]) == (key[0], key[2]) and key[1].lower() in names:
            return other
    return key


def compare(flows, truth):
    """Yields (key, field, got, wanted) for each difference."""
    truth = {by_name(flows, key): edge for key, edge in truth.items()}
    for key, edge in truth.items():
        if key not in flows:
            yield key, "edge", "missing", "present"
            continue
        for field, wanted in edge.items():
            got = found(flows[key], field)
            if not same(field, got, wanted):
                yield key, field, got, wanted
    for key in flows.keys() - truth.keys():
        yield key, "edge", "present", "missing"


def known_differences():
    known = {}
    for row in rows(os.path.join(HERE, "known-differences.tsv")):
        if not re.search(r"frame \d+", row["reason"]):
            sys.exit(f"known-differences.tsv: {row['file']}: expected a frame number in the reason")
        known[(row["file"], row["key"], row["field"])] = row["reason"]
    return known


def scan_differences(found_ports, truth):
    for key in sorted(truth.keys() | found_ports.keys()):
        if truth.get(key) != found_ports.get(key):
            yield (key[0], key[0], key[1]), "state", found_ports.get(key), truth.get(key)


KINDS = (
    ("pcap", capture_truth),
    ("pfirewall", firewall_truth),
    ("evtx", event_truth),
    ("winlog", event_truth),
    ("zeek", zeek_truth),
    ("netflow", netflow_truth),
    ("syslog", syslog_truth),
    ("nmap", scan_truth),
)


def corpus_files(corpus):
    for kind, truth in KINDS:
        for folder, _, names in sorted(os.walk(os.path.join(corpus, kind))):
            for name in sorted(names):
                if name.endswith(".expected.tsv"):
                    yield os.path.join(folder, name.removesuffix(".expected.tsv")), truth


def incidents(corpus):
    """(capture, event log) of the same run: their names begin alike."""
    for name in sorted(os.listdir(os.path.join(corpus, "winlog"))):
        stem, day = name.removesuffix(".json"), re.search(r"\d{4}-\d\d-\d\d", name)
        path = os.path.join(corpus, "winlog", name)
        if not name.endswith(".json") or not os.path.getsize(path):
            continue
        head = stem[: day.start()].rstrip("_")
        for other in sorted(os.listdir(os.path.join(corpus, "pcap"))):
            if other.startswith("otrf_" + head) and other.endswith((".cap", ".pcap")):
                yield os.path.join(corpus, "pcap", other), path


def check_incident(binary, capture, log):
    """Together they have the capture's edges and connections, and a witness of each. The logs also tell of
    what was elsewhere: edges of theirs are no surplus."""
    truth = capture_truth(capture + ".expected.tsv")
    flows = flows_of(binary, capture, log)
    wanted = {
        key: {field: edge[field] for field in ("connections", "users", "shares")}
        for key, edge in truth.items()
    }
    told = {by_name(flows, key) for key in event_truth(log + ".expected.tsv")}
    for key, field, got, expected in compare(flows, wanted):
        if key in truth or key not in told:
            yield key, field, got, expected
    for key in sorted(told & truth.keys() & flows.keys()):
        readers = {witness["reader"] for witness in flows[key]["evidence"]}
        if len(readers) < 2:
            yield key, "evidence", readers, "a witness of each source"


def main():
    binary = os.path.abspath(sys.argv[1])
    corpus = os.environ.get("SALLYPORT_CORPUS") or os.path.join(HERE, "..", "..", "shared", "data")
    if not os.path.isdir(os.path.join(corpus, "pcap")):
        print(f"no corpus at {corpus}")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    only = sys.argv[2:]
    known, met = known_differences(), set()
    passed = failed = edges = equal = 0
    for path, truth_of in corpus_files(corpus):
        name = os.path.relpath(path, corpus)
        if only and not any(word in name for word in only):
            continue
        try:
            truth = truth_of(path + ".expected.tsv")
            if not os.path.getsize(path):
                continue  # the corpus lost its content
            if truth_of is scan_truth:
                differences = list(scan_differences(ports_of(binary, path), truth))
            else:
                differences = list(compare(flows_of(binary, path), truth))
        except (RuntimeError, subprocess.TimeoutExpired, ValueError, KeyError) as problem:
            print(f"not ok {name}: {problem}")
            failed += 1
            continue
        edges += len(truth)
        equal += len(truth) - len({key for key, *_ in differences if key in truth})
        bad = []
        for key, field, got, wanted in differences:
            place = (name, f"{key[0]} > {key[1]}:{key[2]}", field)
            if place in known:
                met.add(place)
            else:
                bad.append(f"  {place[1]} {field}: found {got}, expected {wanted}")
        print(f"{'not ok' if bad else 'ok'} {name}: {len(truth)} edges")
        print(*bad, sep="\n", end="\n" if bad else "")
        failed += bool(bad)
        passed += not bad
    for capture, log in incidents(corpus):
        name = f"{os.path.relpath(capture, corpus)} + {os.path.relpath(log, corpus)}"
        if only and not any(word in name for word in only):
            continue
        bad = list(check_incident(binary, capture, log))
        print(f"{'not ok' if bad else 'ok'} {name}")
        for key, field, got, wanted in bad:
            print(f"  {key[0]} > {key[1]}:{key[2]} {field}: found {got}, expected {wanted}")
        failed += bool(bad)
        passed += not bad
    if not only:
        for place in known.keys() - met:
            print(f"not ok known-differences.tsv: {' '.join(place)}: does not differ any more")
            failed += 1
        if len(known) * 100 > edges:
            print(f"not ok known-differences.tsv: {len(known)} lines for {edges} edges are too many")
            failed += 1
    print(f"{equal} of {edges} edges equal, {len(met)} known differences")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
