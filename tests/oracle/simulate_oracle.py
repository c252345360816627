#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds `sallyport simulate --json` against a second reading of DESIGN.md 5.

For random policies with rings and assertions, and random connection logs, every flow of `matrix --json` gets its verdict
here from the oracle's own decision; counts per ring, the broken flows and the side they end at must agree. Then the
cures are put into the policy, and the oracle says whether each broken flow passes and no other one changed. Mutants of
the verdicts' rules must be noticed.

usage: simulate_oracle.py BINARY [--policies N] [--flows N] [--seed N]
"""
import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

import yaml
from policy_oracle import Oracle, Policy, Scene, Side
from random_policies import Maker, write_policy

VERDICTS = ("broken", "stopped", "kept", "escaped", "undecidable")
WORKED = ("established", "allowed", "accessed")
MUTANTS = {
    "untrusted-clients-break": "a flow from an untrusted client that worked is broken",
    "never-ignored": "assertions stop nothing",
    "only-ignored": "`only` is no `never` for others",
    "tried-is-worked": "a flow that never worked is broken, too",
    "escaped-is-kept": "what passes is kept, whatever the intent",
    "secured-is-broken": "what passes only secured is broken",
    "broadcast-is-an-address": "a segment's directed broadcast is an address like any other",
    "rings-ignored": "every machine has the policy in every ring",
}
ZEEK = ("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
        "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\n"
        "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\n")


def make_policy(rng, index):
    """A random policy of the common grammar, with rings and assertions that flows can meet."""
    maker = Maker(rng, index)
    maker.make()
    if index % 4 == 3:
        maker.make_unknown()
    segments = list(maker.policy["segments"])
    words = segments + ["any", "managed", "untrusted", "unknown", "internet"]
    govern = maker.policy.get("govern", ["smb", "netbios"])
    services = govern if isinstance(govern, list) else [govern]
    maker.policy["rings"] = [
        {"name": "first", "members": [rng.choice(segments)]},
        {"name": "second", "members": {"segment": rng.choice(segments), "percent": rng.choice((10, 50, 90))}},
        {"name": "rest", "members": "all"}][rng.choice((0, 0, 1)):]
    claims = []
    for _ in range(rng.randint(0, 3) if services else 0):
        claim = {"from": rng.sample(words, rng.randint(1, 2)), "to": rng.sample(words, rng.randint(1, 2)),
                 "service": rng.choice(services)}
        if rng.random() < 0.3:
            claim["except"] = {rng.choice(("from", "to")): [rng.choice(words)]}
        claims.append({rng.choice(("never", "never", "only", "always")): claim})
    maker.policy["assert"] = claims
    return maker, write_policy(maker.policy, rng)


def broadcasts(policy):
    """Last addresses of the segments' IPv4 networks, as text."""
    out = []
    for segment in policy["segments"].values():
        networks = segment["networks"]
        for text in networks if isinstance(networks, list) else [networks]:
            version, _, rest = text.partition("/")
            if ":" not in version and rest and int(rest) < 31:
                base = 0
                for part in version.split("."):
                    base = base << 8 | int(part)
                last = base | (1 << (32 - int(rest))) - 1
                out.append(".".join(str(last >> shift & 255) for shift in (24, 16, 8, 0)))
    return out


def log_of(rng, maker, n):
    """Connections between addresses where rules meet, on governed ports and others."""
    ends = []
    for line in maker.questions(4 * n):
        words = line.split()
        if len(words) == 4 and "%" not in line and "/" not in words[0] + words[1] and "::ffff:" not in line:
            ends.append(words[:2])
    edges = broadcasts(maker.policy)
    lines = [ZEEK]
    for i in range(n):
        client, server = rng.choice(ends)
        if rng.random() < 0.5:
            server = rng.choice(ends)[1]
        if edges and rng.random() < 0.05:
            server = rng.choice(edges)
        port, proto = rng.choice(((445, "tcp"), (445, "tcp"), (445, "tcp"), (139, "tcp"), (137, "udp"), (3389, "tcp"), (22, "tcp")))
        state = rng.choice(("SF", "SF", "SF", "S0", "REJ"))
        lines.append(f"{1790000000 + i}.5\tC{i:06}\t{client}\t{40000 + i % 20000}\t{server}\t{port}\t{proto}\t-\t1.0\t10\t10\t{state}\n")
    return "".join(lines)


def word(*names):
    side = Side()
    side.words.update(names)
    return side


class Reading:
    """Verdicts of one policy."""

    def __init__(self, text, mutant=None):
        self.mutant, self.policy = mutant, Policy(text)
        root = yaml.load(text, Loader=yaml.BaseLoader)
        self.rings = [ring["name"] for ring in root.get("rings", [])] or [None]
        ring = (lambda name: None) if mutant == "rings-ignored" else (lambda name: name)
        self.oracles = [Oracle(self.policy, scene=Scene(ring=ring(name))) for name in self.rings]
        self.claims = []
        for raw in root.get("assert", []):
            (kind, claim), = raw.items()
            excepted = claim.get("except", {})
            self.claims.append((kind, self.policy.read_side(claim["from"]), self.policy.read_side(claim["to"]),
                                self.policy.read_side(excepted.get("from", [])), self.policy.read_side(excepted.get("to", [])),
                                claim["service"] if isinstance(claim["service"], list) else [claim["service"]]))
        self.edges = set(broadcasts(root))
        self.segments = root["segments"]
        self.unwanted_cache = {}

    def is_broadcast(self, oracle, address):
        if address.text not in self.edges or self.mutant == "broadcast-is-an-address":
            return False
        home = oracle.home(oracle.cover(address))
        return home is not None and any(
            address.text in broadcasts({"segments": {name: raw}}) for name, raw in self.segments.items()
            if self.policy.segments[name] is home)

    def never(self, oracle, client, server, service):
        """Whether an assertion covers the pair. That one of its ends lives in a managed segment need not be asked: a
        client that does not is untrusted."""
        for kind, from_, to, not_from, not_to, services in self.claims:
            if kind == "always" or service not in services or self.mutant == "never-ignored":
                continue
            if kind == "only" and self.mutant == "only-ignored":
                continue
            meant = oracle.in_side_of(from_, client) and not oracle.in_side_of(not_from, client)
            if meant == (kind == "never") and oracle.in_side_of(to, server) and not oracle.in_side_of(not_to, server):
                return True
        return False

    def is_unwanted(self, oracle, flow, client, server, service):
        worked = any(flow["outcomes"][o] for o in WORKED)
        if not worked and self.mutant != "tried-is-worked":
            return True
        if self.mutant != "untrusted-clients-break" and oracle.in_side_of(word("untrusted"), client):
            return True
        return self.never(oracle, client, server, service)

    def verdict(self, ring, flow):
        """(verdict, side) of a flow; None when the policy leaves it alone."""
        oracle = self.oracles[ring]
        client, server = oracle.address(flow["client"]), oracle.address(flow["server"])
        if self.is_broadcast(oracle, client) or self.is_broadcast(oracle, server):
            return "kept", None
        name, _ = oracle.service(f"{flow['transport']}/{flow['port']}")
        intent, passes, secured, sides = oracle.decide(client, server, name, "domain")
        if intent == "ungoverned":
            return None
        if intent == "local":
            return "kept", None
        if intent == "undecidable":
            return "undecidable", None
        if passes:
            return "escaped" if intent == "block" and self.mutant != "escaped-is-kept" else "kept", None
        if secured and self.mutant != "secured-is-broken":
            return "undecidable", None
        unwanted = self.is_unwanted(oracle, flow, client, server, name)
        return "stopped" if unwanted else "broken", self.first(oracle, client, server, intent, dict(sides))

    @staticmethod
    def first(oracle, client, server, intent, enforces):
        """The first side that does not pass it in clear."""
        if enforces["client-outbound"] and not oracle.end_passes(oracle.facts(client), "domain", intent, False, True):
            return "client-outbound"
        return "perimeter" if "border" in enforces and intent == "block" else "server-inbound"

    def passes(self, flow):
        """With the policy everywhere, in clear or where it is meant to be, secured."""
        oracle = Oracle(self.policy)
        client, server = oracle.address(flow["client"]), oracle.address(flow["server"])
        name, _ = oracle.service(f"{flow['transport']}/{flow['port']}")
        intent, passes, secured, _ = oracle.decide(client, server, name, "domain")
        return secured if intent == "allow-if-secure" else passes


def key(flow):
    return flow["client"], flow["server"], flow["transport"], flow["port"]


def all_verdicts(reading, flows):
    return [[reading.verdict(k, flow) for flow in flows] for k in range(len(reading.rings))]


def differences(reading, flows, theirs):
    """What simulate --json says otherwise."""
    out = []
    for k, verdicts in enumerate(all_verdicts(reading, flows)):
        ring = theirs["rings"][k]
        mine = {v: sum(1 for one in verdicts if one and one[0] == v) for v in VERDICTS}
        said = {v: len(ring[v]) if isinstance(ring[v], list) else ring[v] for v in VERDICTS}
        if mine != said:
            out.append(f"ring {ring['ring']}: oracle {mine}, sallyport {said}")
        if ring["ungoverned"] != sum(1 for one in verdicts if one is None):
            out.append(f"ring {ring['ring']}: {ring['ungoverned']} ungoverned")
        broken = {key(f): one[1] for f, one in zip(flows, verdicts) if one and one[0] == "broken"}
        told = {key(f): f["at"] for f in ring["broken"]}
        for one in sorted(set(broken.items()) ^ set(told.items()), key=str)[:3]:
            out.append(f"ring {ring['ring']}: broken by one reading only: {one}")
    return out


def cured(text, ring):
    """The policy with all cures that are allow or perimeter entries; None when one is of another kind."""
    root = yaml.load(text, Loader=yaml.BaseLoader)
    for cure in ring["cures"]:
        where, _, entry = cure["entry"].partition(": - ")
        if where not in ("allow", "perimeter") or "; and " in entry or not cure["verified"]:
            return None
        root.setdefault(where, []).append(yaml.load(entry, Loader=yaml.BaseLoader))
    return yaml.safe_dump(root, default_flow_style=False, sort_keys=False)


def check_cures(text, flows, theirs):
    """With the cures of the last ring each of its broken flows passes; of the others none changes."""
    ring = theirs["rings"][-1]
    with_cures = cured(text, ring) if ring["broken"] else None
    if not with_cures:
        return [], 0
    before, after, out = Reading(text), Reading(with_cures), []
    broken = {key(f) for f in ring["broken"]}
    edge = before.policy.has_perimeter == after.policy.has_perimeter
    for flow in flows:
        if key(flow) in broken:
            if not after.passes(flow):
                out.append(f"not cured: {key(flow)}")
        elif edge and all(c["opens"] == 0 for c in ring["cures"]) and before.passes(flow) != after.passes(flow):
            service = {f["service"] for f in ring["broken"] if key(f)[:2] == key(flow)[:2]}
            if flow["service"] not in service:  # smb and netbios are services of several ports
                out.append(f"opened besides: {key(flow)}")
    return out, len(broken)


def run(binary, folder, args, index, tally):
    rng = random.Random(f"simulate/{args.seed}/{index}")
    maker, text = make_policy(rng, index)
    workspace = os.path.join(folder, f"{index:03}")
    subprocess.run([binary, "init", workspace], check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(workspace, "policy.yaml"), "w", encoding="utf-8") as f:
        f.write(text)
    with open(os.path.join(workspace, "conn.log"), "w", encoding="utf-8") as f:
        f.write(log_of(rng, maker, args.flows))
    subprocess.run([binary, "ingest", "-C", workspace, os.path.join(workspace, "conn.log")], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    matrix = subprocess.run([binary, "matrix", "-C", workspace, "--json"], capture_output=True, text=True, check=True)
    flows = json.loads(matrix.stdout)["flows"]
    done = subprocess.run([binary, "simulate", "-C", workspace, "--json"], capture_output=True, text=True, check=False)
    if done.returncode > 1:
        tally.fail(f"{workspace}: exit {done.returncode}: {done.stderr[:500]}")
        return
    theirs = json.loads(done.stdout)
    found = differences(Reading(text), flows, theirs)
    cures, tried = check_cures(text, flows, theirs)
    tally.add(theirs, tried)
    for line in (found + cures)[:5]:
        tally.fail(f"{workspace}: {line}")
    tally.passed += not (found or cures)
    for mutant in MUTANTS:
        if mutant not in tally.killed and differences(Reading(text, mutant), flows, theirs):
            tally.killed.add(mutant)


class Tally:
    def __init__(self):
        self.passed = self.failed = self.cured = 0
        self.killed, self.verdicts = set(), dict.fromkeys(VERDICTS, 0)

    def fail(self, text):
        self.failed += 1
        print(text)

    def add(self, theirs, tried):
        self.cured += tried
        for ring in theirs["rings"]:
            for v in VERDICTS:
                self.verdicts[v] += len(ring[v]) if isinstance(ring[v], list) else ring[v]


def main():
    ap = argparse.ArgumentParser(description="compares simulate with the oracle")
    ap.add_argument("binary")
    ap.add_argument("--policies", type=int, default=16)
    ap.add_argument("--flows", type=int, default=250)
    ap.add_argument("--seed", type=int, default=1)
    args = ap.parse_args()
    started, tally = time.monotonic(), Tally()
    folder = tempfile.mkdtemp(prefix="simulate-oracle-")
    for index in range(args.policies):
        run(os.path.abspath(args.binary), folder, args, index, tally)
    for mutant in MUTANTS:
        if mutant in tally.killed:
            tally.passed += 1
        else:
            tally.fail(f"mutant {mutant} SURVIVED")
    print("verdicts compared: " + ", ".join(f"{n} {v}" for v, n in tally.verdicts.items()) + f"; {tally.cured} flows cured")
    print(f"{args.policies} policies, {len(tally.killed)} of {len(MUTANTS)} mutants killed, {time.monotonic() - started:.1f} s")
    print(f"{tally.passed} passed, {tally.failed} failed, 0 skipped")
    if not tally.failed:
        shutil.rmtree(folder)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
