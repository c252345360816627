#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the evidence corpus with the built program and compares the matrix with the truth that other
tools made of the same files (tshark for captures, plain splitting for firewall logs).

usage: corpus_check.py BINARY [FILE...]

Compared per edge (client, server, port): outcome kinds, connections, dialects, the weakest signing of
each side, encryption; users and shares are at least the truth's; there is no other edge on 139 or
445. A difference must be a line of known-differences.tsv (file, key, field, reason with a frame), a
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


def run(binary, *arguments):
    done = subprocess.run([binary, *arguments], capture_output=True, timeout=600, check=False)
    if done.returncode != 0:
        text = done.stderr.decode("utf-8", "replace").strip()
        raise RuntimeError(f"{arguments[0]} ended with {done.returncode}: {text[-2000:]}")
    return done.stdout


def flows_of(binary, path):
    """The flows on TCP 139 and 445, by (client, server, port)."""
    with tempfile.TemporaryDirectory() as folder:
        run(binary, "init", folder)
        run(binary, "ingest", "-C", folder, path)
        matrix = json.loads(run(binary, "matrix", "-C", folder, "--json"))
    return {
        (flow["client"], flow["server"], flow["port"]): flow
        for flow in matrix["flows"]
        if flow["transport"] == "tcp" and flow["port"] in (139, 445)
    }


def found(flow, field):
    """What the flow says, in the shape of the truth."""
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
    if field == "shares":
        return wanted <= set(got)
    return got == wanted


def compare(flows, truth):
    """Yields (key, field, got, wanted) for each difference."""
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


def corpus_files(corpus):
    for kind, truth in (("pcap", capture_truth), ("pfirewall", firewall_truth)):
        for folder, _, names in sorted(os.walk(os.path.join(corpus, kind))):
            for name in sorted(names):
                if name.endswith(".expected.tsv"):
                    yield os.path.join(folder, name.removesuffix(".expected.tsv")), truth


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
