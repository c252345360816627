#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Closes the loop for each piece of evidence: ingest -> suggest -> check -> simulate.

usage: loop.py BINARY [--seed POLICY] GROUP...

A group is evidence that is read together: paths joined by commas. For each: the proposal is the same
bytes twice, `check` passes it, `simulate` breaks nothing, every flow that `simulate` stops though it
worked is in a question, and every allow entry is justified (with --exact no pair is allowed that was not
seen). Prints a line per group, and at its end "N passed, N failed, N skipped".
"""
import ipaddress
import json
import os
import subprocess
import sys
import tempfile

WORKED = ("established", "allowed", "accessed")


def run(binary, *words):
    done = subprocess.run([binary, *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def key(flow):
    return (flow["client"], flow["server"], flow["transport"], flow["port"])


def is_local(flow):
    ends = [ipaddress.ip_address(flow[end]) for end in ("client", "server") if ":" in flow[end] or "." in flow[end]]
    return any(end.is_loopback or end.is_link_local or end.is_multicast or end.is_unspecified for end in ends)


def look(binary, folder, group, seed):
    """What is wrong; None = the evidence has nothing to say."""
    workspace = os.path.join(folder, "ws")
    run(binary, "init", workspace)
    status, _, said = run(binary, "ingest", "-C", workspace, *group)
    if status == 2:
        return None
    words = ["--policy", seed] if seed else ["--fresh"]
    for more in ([], ["--exact"], ["--leave-open"]):
        status, text, said = run(binary, "suggest", "-C", workspace, *words, *more)
        if status != 0:
            return [f"suggest {more}: exit status {status}: {said.strip()}"]
        if run(binary, "suggest", "-C", workspace, *words, *more)[1] != text:
            return [f"suggest {more}: other bytes the second time"]
        path = os.path.join(folder, "proposed.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        told = json.loads(run(binary, "suggest", "-C", workspace, *words, *more, "--json")[1])
        if told["yaml"] != text:
            return [f"suggest {more}: the JSON has other text"]
        wrong = hold(binary, workspace, path, told, more, seed)
        if wrong:
            return wrong
    return []


def hold(binary, workspace, path, told, more, seed):
    wrong = []
    status, text, said = run(binary, "check", "-C", workspace, "--policy", path)
    if status != 0:
        return [f"check {more}: exit status {status}: {text.strip()[-400:]} {said.strip()}"]
    status, text, said = run(binary, "simulate", "-C", workspace, "--policy", path, "--json")
    if status == 2:
        return [f"simulate {more}: {said.strip()}"]
    ring = json.loads(text)["rings"][-1]
    asked = {key(f) for q in told["questions"] for f in q["flows"]}
    open_ones = {key(f) for q in told["questions"] if q["closed"] for f in q["flows"]}
    broken = {key(f) for f in ring["broken"]}
    if "--leave-open" in more:
        if broken - open_ones:
            wrong.append(f"{more}: broken, and nobody was asked: {sorted(broken - open_ones)[:3]}")
        if open_ones - broken:
            wrong.append(f"{more}: asked as closed, and not broken: {sorted(open_ones - broken)[:3]}")
    elif broken:
        wrong.append(f"{more}: broken: {sorted(broken)[:3]}")
    for name in ("stopped", "escaped", "kept"):
        if ring[name] != told["outlook"][name]:
            wrong.append(f"{more}: {name}: suggest says {told['outlook'][name]}, simulate {ring[name]}")
    if told["outlook"]["broken"] != len(broken):
        wrong.append(f"{more}: broken: suggest says {told['outlook']['broken']}, simulate {len(broken)}")
    for entry in told["allow"]:
        if entry["mined"] and not entry["evidence"]["flows"]:
            wrong.append(f"{more}: nothing justifies {entry['name']}")
    if "--exact" in more and told["numbers"]["pairs_seen"] != told["numbers"]["pairs_allowed"]:
        wrong.append(f"{more}: pairs are allowed that nobody saw: {told['numbers']}")
    flows = json.loads(run(binary, "matrix", "-C", workspace, "--json")[1])["flows"]
    if not seed and told["outlook"]["kept"] == 0 and not asked and any(
            f["governed"] and any(f["outcomes"][o] for o in WORKED) and f["client"] != f["server"]
            and not is_local(f) for f in flows):
        wrong.append(f"{more}: flows worked, and neither kept nor asked about")
    return wrong


def main():
    words = sys.argv[1:]
    binary, words = words[0], words[1:]
    seed = None
    if words and words[0] == "--seed":
        seed, words = words[1], words[2:]
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for group in words:
        with tempfile.TemporaryDirectory() as folder:
            wrong = look(binary, folder, group.split(","), seed)
        result = "skipped" if wrong is None else "failed" if wrong else "passed"
        count[result] += 1
        if result != "passed" or len(words) < 8:
            print(f"{result}: {os.path.basename(group)}")
        for line in wrong or []:
            print("   ", line)
    print(", ".join(f"{n} {what}" for what, n in count.items()))
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
