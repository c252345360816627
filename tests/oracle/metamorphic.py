#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Policies rewritten without change of meaning must be equal for `sallyport diff`; with a line removed, they differ
exactly where `explain` answers otherwise.

Rewritings: order of everything, prefixes in halves, other names, entries doubled or taken apart, IPv4 in its mapped
spelling, words in place of what they stand for. Ends with `N passed, N failed, N skipped`.
"""
import argparse
import copy
import ipaddress
import json
import os
import random
import subprocess
import sys
import tempfile

from random_policies import Maker

SELECTORS = ("from", "to")


def make(seed, index):
    maker = Maker(random.Random(f"{seed}/{index}/0"), index, False)
    maker.make()
    return maker, maker.policy


def as_list(value):
    return list(value) if isinstance(value, list) else [value]


def entries(policy):
    """Everything that has from and to, with its excepts."""
    found = []
    for claim in [e for key in ("allow", "perimeter") for e in policy.get(key, [])] + [
            c for a in policy.get("assert", []) for c in a.values()]:
        found.append(claim)
        if "except" in claim:
            found.append(claim["except"])
    return found


def is_prefix(item):
    try:
        ipaddress.ip_network(str(item), strict=False)
        return True
    except ValueError:
        return False


def map_items(policy, change):
    """change(item) gives a list of items in its place; what is no text (a service tag) stays."""
    for claim in entries(policy):
        for key in SELECTORS:
            if key in claim:
                claim[key] = [new for item in as_list(claim[key])
                              for new in (change(item) if isinstance(item, str) else [item])]


def shuffled_map(rng, mapping):
    keys = list(mapping)
    rng.shuffle(keys)
    return {k: mapping[k] for k in keys}


def reorder(rng, policy):
    for key in ("segments", "groups"):
        if key in policy:
            policy[key] = shuffled_map(rng, policy[key])
    for key in ("allow", "perimeter", "assert"):
        if key in policy:
            rng.shuffle(policy[key])
    for claim in entries(policy):
        for key in SELECTORS + ("service",):
            if isinstance(claim.get(key), list):
                rng.shuffle(claim[key])
    for group in policy.get("groups", {}).values():
        if isinstance(group["hosts"], list):
            rng.shuffle(group["hosts"])


def halves(text):
    net = ipaddress.ip_network(text)
    if net.prefixlen == net.max_prefixlen:
        return [str(text)]
    return [str(half) for half in net.subnets()]


def split(rng, policy):
    networks = [ipaddress.ip_network(n) for s in policy["segments"].values() for n in as_list(s["networks"])]

    def alone(text):
        """No other segment's network inside: its halves would hide or meet it."""
        net = ipaddress.ip_network(text)
        return sum(n.version == net.version and n.subnet_of(net) for n in networks) == 1

    for segment in policy["segments"].values():
        segment["networks"] = [h for n in as_list(segment["networks"]) for h in (halves(n) if alone(n) else [n])]
    for group in policy.get("groups", {}).values():
        group["hosts"] = [h for n in as_list(group["hosts"])
                          for h in (halves(n) if isinstance(n, str) and is_prefix(n) else [n])]
    map_items(policy, lambda item: halves(item) if is_prefix(item) else [item])


def rename(rng, policy):
    names = {n: f"name-{i}-{rng.randrange(1000)}"
             for i, n in enumerate(list(policy["segments"]) + list(policy.get("groups", {})))}
    for key in ("segments", "groups"):
        if key in policy:
            policy[key] = {names[n]: v for n, v in policy[key].items()}
    map_items(policy, lambda item: [names.get(item, item)])
    for ring in policy.get("rings", []):
        members = ring["members"]
        if isinstance(members, dict):
            for key in ("segment", "group"):
                if key in members:
                    members[key] = [names.get(n, n) for n in as_list(members[key])]
        else:
            ring["members"] = [names.get(n, n) for n in as_list(members)] if members != "all" else members


def double(rng, policy):
    policy["allow"] = policy.get("allow", []) + [copy.deepcopy(e) for e in policy.get("allow", []) if rng.random() < 0.5]
    policy["allow"].append({"from": [], "to": "any", "service": policy.get("govern", ["smb"])[:1]})
    map_items(policy, lambda item: [item, item] if rng.random() < 0.3 else [item])


def take_apart(rng, policy):
    apart = []
    for entry in policy.get("allow", []):
        for item in as_list(entry["from"]) or [[]]:
            for service in as_list(entry["service"]):
                one = copy.deepcopy(entry)
                one["from"], one["service"] = item, service
                apart.append(one)
    policy["allow"] = apart


def mapped(rng, policy):
    def spell(text):
        net = ipaddress.ip_network(text)
        if net.version == 6:
            return [text]
        return [f"::ffff:{net.network_address}/{96 + net.prefixlen}"]

    for segment in policy["segments"].values():
        segment["networks"] = [s for n in as_list(segment["networks"]) for s in spell(n)]
    map_items(policy, lambda item: spell(item) if is_prefix(item) else [item])


def spell_out(rng, policy):
    def by_trust(trust):
        return [n for n, s in policy["segments"].items() if s["trust"] == trust]

    def words(item):
        if item == "managed":
            return by_trust("managed")
        if item == "untrusted":
            return by_trust("untrusted") + ["unknown"]
        return [item]

    # `untrusted` also names the internet, which an assertion or a perimeter entry may mean by it.
    for entry in policy.get("allow", []):
        for claim in (entry, entry.get("except", {})):
            for key in SELECTORS:
                if key in claim:
                    claim[key] = [w for item in as_list(claim[key]) for w in words(item)]


REWRITINGS = (reorder, split, rename, double, take_apart, mapped, spell_out)


def diff(binary, folder, before, after):
    paths = []
    for name, policy in (("before", before), ("after", after)):
        paths.append(os.path.join(folder, name + ".yaml"))
        with open(paths[-1], "w", encoding="utf-8") as f:
            json.dump(policy, f)
    run = subprocess.run([binary, "-C", folder, "diff", *paths, "--json"], capture_output=True, text=True, check=False)
    if run.returncode not in (0, 1):
        raise RuntimeError(run.stderr[-2000:])
    return json.loads(run.stdout), paths


def answers(binary, folder, path, questions):
    asked = os.path.join(folder, "questions.txt")
    with open(asked, "w", encoding="utf-8") as f:
        f.write("".join(q + "\n" for q in questions))
    run = subprocess.run([binary, "-C", folder, "explain", "--policy", path, "--batch", asked, "--json"],
                         capture_output=True, text=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def contains(ends, address):
    value = ipaddress.ip_address(address)
    for item in ends["addresses"]:
        if "/" in item:
            net = ipaddress.ip_network(item)
            if net.version == value.version and value in net:
                return True
        else:
            first, _, last = item.partition("-")
            low, high = ipaddress.ip_address(first), ipaddress.ip_address(last or first)
            if low.version == value.version and low <= value <= high:
                return True
    return False


def told(differences, question, answer, secured):
    """Which changes on the way the differences tell for this flow."""
    _, _, service, profile = question.split()
    found = set()
    for d in differences:
        if d["at"] != "path" or profile not in d["profiles"] or not d["secured" if secured else "in_clear"]:
            continue
        if answer["service"] not in d["services"] and service not in d["ports"]:
            continue
        if contains(d["clients"], answer["client"]) and contains(d["servers"], answer["server"]):
            found.add(d["change"])
    return found


def removed_line(binary, folder, maker, policy, rng):
    """Takes an entry away; True when differences and answers agree, and whether anything changed."""
    if not policy.get("allow"):
        return True, False
    less = copy.deepcopy(policy)
    less["allow"].pop(rng.randrange(len(less["allow"])))
    report, paths = diff(binary, folder, policy, less)
    questions = [q for q in maker.questions(150) if "/" not in q.split()[2]]
    before, after = (answers(binary, folder, path, questions) for path in paths)
    for question, a, b in zip(questions, before, after):
        if "error" in a or a["intent"] == "local":
            continue
        if ipaddress.ip_address(a["client"]).version != ipaddress.ip_address(a["server"]).version:
            continue
        for secured, key in ((False, "passes"), (True, "passes_secured")):
            wanted = set() if a[key] == b[key] else {"opened" if b[key] else "closed"}
            found = told(report["differences"], question, a, secured)
            if found != wanted:
                print(f"  {question}: {a[key]} then {b[key]}, told {found or 'nothing'}")
                return False, True
    return True, not report["equal"]


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("binary")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--policies", type=int, default=25)
    args = ap.parse_args()
    passed = failed = changed = 0
    with tempfile.TemporaryDirectory() as folder:
        for index in range(args.policies):
            rng = random.Random(f"metamorphic/{args.seed}/{index}")
            maker, policy = make(args.seed, index)
            for rewrite in REWRITINGS:
                other = copy.deepcopy(policy)
                rewrite(rng, other)
                report, _ = diff(args.binary, folder, policy, other)
                if report["equal"]:
                    passed += 1
                    continue
                failed += 1
                print(f"policy {index}: {rewrite.__name__} changed its meaning: {report['differences'][0]}")
            agrees, differs = removed_line(args.binary, folder, maker, policy, rng)
            changed += differs
            passed += agrees
            failed += not agrees
            if not agrees:
                print(f"policy {index}: a line removed is not told as it is answered")
    if changed < args.policies // 4:
        failed += 1
        print(f"only {changed} of {args.policies} removed lines changed anything")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
