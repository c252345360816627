#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles each policy, loads it into the namespaces that ./run has built, and compares what connects with `explain`.

usage: rounds.py SALLYPORT WORK POLICY...

A *round* is one attempt for every ordered pair of hosts and address family: a real smbclient that reads the share
`probe`, and bare connections to the other ports. Between rounds the rules change, nothing else. What two sides block
hides what one of them lets by, so three more rounds, of bare connections, have the rules of one side alone.
"""
import collections
import concurrent.futures
import ipaddress
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
HOSTS = os.path.join(ROOT, "samples/lab/hosts.tsv")
ORACLE = os.path.join(ROOT, "tests/oracle/policy_oracle.py")
TCP = os.path.join(HERE, "tcp.py")
# smbclient; netbios over TCP; a port that no policy here governs.
PORTS = {"smb": 445, "tcp/139": 139, "tcp/4455": 4455}
SERVICES = tuple(PORTS)
# What must connect gets time on a busy machine; what must not is silent, and each takes this long.
PATIENCE, SILENCE = 15.0, 2.0
WORKERS = 40
SHOWN = 10
ROUTER = "router"
# A side, in explain's words → the chain of a host's table that is emptied when only this side is to be seen.
SIDES = {"client-outbound": "input", "server-inbound": "output", "perimeter": None}

Host = collections.namedtuple("Host", "name addresses")
Pair = collections.namedtuple("Pair", "client server source target")


def read_hosts():
    hosts = []
    with open(HOSTS, encoding="utf-8") as f:
        for line in f:
            if not line.startswith("#"):
                name, _, *addresses = line.rstrip("\n").split("\t")[:4]
                hosts.append(Host(name, [a for a in addresses if a != "-"]))
    return hosts


def make_pairs(hosts):
    """Ordered pairs of different hosts, once for each family that both have; IPv4 stands first."""
    return [Pair(c.name, s.name, source, target) for c in hosts for s in hosts if c is not s
            for source, target in zip(c.addresses, s.addresses)]


def in_ns(name, *command):
    return ["nsenter", f"--net=/run/netns/{name}", "--", *command]


class Failed(Exception):
    """A step could not be done; its text says what the program said."""


def must(command, **more):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **more)
    if done.returncode:
        raise Failed(f"exit {done.returncode}: {' '.join(command)}: {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout


# ------------------------------------------------------------------------------------------------ what connects


def patience(should_connect):
    return PATIENCE if should_connect else SILENCE


def smb_session(work, pair, should_connect):
    """Whether smbclient reads this server's own name from its share."""
    command = in_ns(pair.client, "smbclient", "-s", f"{work}/{pair.client}/client.conf", "-p", "445", "-U", "%",
                    "-I", pair.target, f"//{pair.server}/probe", "-c", "get name -")
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=patience(should_connect), check=False)
    except subprocess.TimeoutExpired:
        return False, "silent"
    reached = done.returncode == 0 and pair.server in done.stdout.split()
    return reached, "reads the share" if reached else done.stdout.strip()[-120:]


def bare_round(pairs, expected):
    """(pair, service) → (whether it connected, in words)."""
    wanted = [(pair, service) for pair in pairs for service in SERVICES]
    lines = [f"{pair.client} {pair.target} {PORTS[service]} {patience(expected[pair, service])}\n" for pair, service in wanted]
    outcomes = must(["python3", TCP, "connect"], input="".join(lines)).split()
    return {question: (outcome == "established", outcome) for question, outcome in zip(wanted, outcomes, strict=True)}


def one_round(work, pairs, expected):
    """The same, with an smbclient for smb; a session that is only too slow for it is not blocked."""
    seen = bare_round(pairs, expected)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        sessions = {pair: pool.submit(smb_session, work, pair, expected[pair, "smb"]) for pair in pairs}
        for pair, session in sessions.items():
            if expected[pair, "smb"] or not seen[pair, "smb"][0]:
                seen[pair, "smb"] = session.result()
    return seen


# ------------------------------------------------------------------------------------------------ what should


class Site:
    """A workspace with one policy, what `explain` says of it, and what was compiled from it."""

    def __init__(self, binary, work, policy, pairs):
        self.name = os.path.basename(os.path.splitext(policy)[0])
        self.name = os.path.basename(os.path.dirname(policy)) if self.name == "policy" else self.name
        self.binary, self.pairs = binary, pairs
        self.workspace, self.out = f"{work}/site-{self.name}", f"{work}/out-{self.name}"
        must([binary, "init", self.workspace])
        self.policy = f"{self.workspace}/policy.yaml"
        shutil.copyfile(policy, self.policy)
        self.answers, self.disagreements = self.explain()
        self.expected = {question: answer["passes"] for question, answer in self.answers.items()}
        must([binary, "-C", self.workspace, "compile", "--policy", self.policy, "--target", "nftables", "-o", self.out])
        with open(f"{self.out}/manifest.json", encoding="utf-8") as f:
            self.manifest = json.load(f)

    def explain(self):
        """(pair, service) → explain's answer; and where the oracle answers otherwise."""
        asked = [(pair, service) for pair in self.pairs for service in SERVICES]
        questions = f"{self.workspace}/questions"
        with open(questions, "w", encoding="utf-8") as f:
            f.writelines(f"{pair.source} {pair.target} {service} domain\n" for pair, service in asked)
        lines = must([self.binary, "-C", self.workspace, "explain", "--batch", questions, "--json",
                      "--policy", self.policy]).splitlines()
        second = must([sys.executable, ORACLE, self.policy, questions]).splitlines()
        answers, disagreements = {}, []
        for question, line, other in zip(asked, lines, second, strict=True):
            answer, other = json.loads(line), json.loads(other)
            if "error" in answer:
                raise Failed(f"explain cannot answer {question}: {answer['error']}")
            answers[question] = answer
            if (answer["intent"], answer["passes"]) != (other["intent"], other["passes"]):
                disagreements.append(f"{describe(question)}: explain says {answer['intent']}, passes={answer['passes']}; "
                                     f"the oracle {other['intent']}, passes={other['passes']}")
        return answers, disagreements

    def expected_at(self, side):
        """(pair, service) → whether this side lets it by."""
        return {question: all(s["decision"] not in ("block", "allow-if-secure")
                              for s in answer["sides"] if s["side"] == side and s["enforces"])
                for question, answer in self.answers.items()}

    def nft_files(self, class_):
        return [f"{self.out}/{path}" for path in class_["files"] if path.endswith(".nft") and "rollback" not in path]

    def bundle(self, address):
        """The files of the class that the address is a member of, or None when it enforces nothing."""
        found = [c for c in self.manifest["classes"]
                 if any(ipaddress.ip_address(address) in ipaddress.ip_network(m) for m in c["members"])]
        if len(found) > 1:
            raise Failed(f"{address} is a member of {len(found)} classes: {', '.join(c['id'] for c in found)}")
        return self.nft_files(found[0]) if found else None

    def borders(self):
        folder = f"{self.out}/nftables"
        return sorted(f"{folder}/{f}" for f in os.listdir(folder)
                      if f.startswith("border-") and f.endswith(".nft") and "rollback" not in f)

    def check_members(self, hosts):
        """Whom `explain` calls enforcing is a member of a class, and nobody else is."""
        enforcing = collections.defaultdict(set)
        for (pair, _), answer in self.answers.items():
            for side in answer["sides"]:
                end = {"client-outbound": pair.source, "server-inbound": pair.target}.get(side["side"])
                if end:
                    enforcing[end].add(side["enforces"])
        wrong = []
        for address in (a for host in hosts for a in host.addresses):
            member = self.bundle(address) is not None
            if True in enforcing[address] and not member:
                wrong.append(f"{address} enforces, says explain, and is in no class")
            if member and enforcing[address] == {False}:
                wrong.append(f"{address} enforces nothing, says explain, and is in a class")
        return wrong


def describe(question):
    pair, service = question
    return f"{pair.client} {pair.source} -> {pair.server} {pair.target} {service}"


# ------------------------------------------------------------------------------------------------ loading


def load(namespace, path):
    must(in_ns(namespace, "nft", "-f", path))


def load_twice(namespace, path):
    """A newer file replaces, it never adds; and a dry run says the same as the run."""
    must(in_ns(namespace, "nft", "-c", "-f", path))
    load(namespace, path)
    once = must(in_ns(namespace, "nft", "-s", "list", "ruleset"))
    load(namespace, path)
    if must(in_ns(namespace, "nft", "-s", "list", "ruleset")) != once:
        raise Failed(f"{path}: loaded a second time, it leaves other rules than the first time")


def rollback_file(path):
    """What takes a file's rules back: its own rollback, or the one of all."""
    own = path[:-len(".nft")] + "-rollback.nft"
    return own if os.path.exists(own) else os.path.join(os.path.dirname(path), "rollback.nft")


class Loaded:
    """What stands in which namespace."""

    def __init__(self):
        self.files = collections.defaultdict(list)

    def load(self, namespace, paths, how=load):
        for path in paths:
            how(namespace, path)
            self.files[namespace].append(path)

    def roll_back(self):
        for namespace, paths in self.files.items():
            for path in dict.fromkeys(rollback_file(p) for p in reversed(paths)):
                must(in_ns(namespace, "nft", "-f", path))
            left = must(in_ns(namespace, "nft", "list", "ruleset"))
            if left.strip():
                raise Failed(f"the rollback leaves rules in {namespace}: {left[:300]}")
        self.files.clear()

    def clear(self):
        """Away with everything, whatever state a failure left."""
        for namespace in self.files:
            must(in_ns(namespace, "nft", "flush", "ruleset"))
        self.files.clear()


def make_turns(site, hosts):
    """[(pairs, host → its files)], all to be loaded one after the other.

    An address is a machine of its own to a policy without host names, so a host's two addresses may be of two
    classes. Then the hosts are the machines of the IPv4 addresses first, and those of the IPv6 addresses after.
    """
    bundles = {h.name: [site.bundle(a) or [] for a in h.addresses] for h in hosts}
    if all(len({read_all(b) for b in of_host}) == 1 for of_host in bundles.values()):
        return [(site.pairs, {name: of_host[0] for name, of_host in bundles.items()})]
    return [([p for p in site.pairs if (":" in p.source) == bool(family)],
             {name: of_host[family] for name, of_host in bundles.items() if family < len(of_host)}) for family in (0, 1)]


def enforced_rounds(site, turns, loaded):
    """Everything loaded, and every pair tried."""
    seen = {}
    for pairs, files in turns:
        loaded.clear()
        loaded.load(ROUTER, site.borders(), load_twice)
        for name, paths in files.items():
            loaded.load(name, paths, load_twice)
        seen.update(one_round(site.work, pairs, site.expected))
    return seen


def one_side_round(site, turns, loaded, side, expected):
    """Only the rules of one side."""
    seen = {}
    for pairs, files in turns:
        loaded.clear()
        if not SIDES[side]:
            loaded.load(ROUTER, site.borders())
        else:
            for name, paths in files.items():
                loaded.load(name, paths)
                if paths:
                    must(in_ns(name, "nft", "flush", "chain", "inet", "sallyport", SIDES[side]))
        seen.update(bare_round(pairs, expected))
    loaded.clear()
    return seen


def read_all(paths):
    text = []
    for path in paths:
        with open(path, encoding="utf-8") as f:
            text.append(f.read())
    return "".join(text)


# ------------------------------------------------------------------------------------------------ the tests


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def test(self, name, wrong, note=""):
        if wrong:
            self.failed += 1
            print(f"not ok {name}: {len(wrong)} differences{note}")
            for line in wrong[:SHOWN]:
                print(f"    {line}")
        else:
            self.passed += 1
            print(f"ok {name}{note}")
        sys.stdout.flush()


def differences(expected, seen):
    return [f"{describe(question)}: should {'connect' if expected[question] else 'be blocked'}, is: {words}"
            for question, (connected, words) in seen.items() if connected != expected[question]]


def figures(expected, seen):
    """How much was compared."""
    parts = []
    for service in SERVICES:
        asked = [question for question in seen if question[1] == service]
        passes = sum(expected[question] for question in asked)
        parts.append(f"{service} {passes} pass, {len(asked) - passes} blocked")
    return f": {len({pair for pair, _ in seen})} pairs; {'; '.join(parts)}"


def main():
    binary, work, *policies = sys.argv[1:]
    hosts = read_hosts()
    pairs = make_pairs(hosts)
    everything = {(pair, service): True for pair in pairs for service in SERVICES}
    tally, loaded, sites = Tally(), Loaded(), []

    # That smbclient gets through as well is seen after each rollback.
    seen = bare_round(pairs, everything)
    tally.test("nothing loaded", differences(everything, seen), figures(everything, seen))
    for policy in policies:
        name = os.path.relpath(policy, ROOT)
        try:
            site = Site(binary, work, policy, pairs)
            site.work = work
            tally.test(f"{name}: explain is the oracle's, classes hold who enforces",
                       site.disagreements + site.check_members(hosts))
            turns = make_turns(site, hosts)
            seen = enforced_rounds(site, turns, loaded)
            tally.test(f"{name}: enforced", differences(site.expected, seen),
                       figures(site.expected, seen) + ("" if len(turns) == 1 else ", IPv4 and IPv6 one after the other"))
            sites.append((site, seen))
            loaded.roll_back()
            seen = one_round(work, pairs, everything)
            tally.test(f"{name}: rolled back", differences(everything, seen), figures(everything, seen))
            for side in SIDES:
                expected = site.expected_at(side)
                seen = one_side_round(site, turns, loaded, side, expected)
                tally.test(f"{name}: {side} alone", differences(expected, seen), figures(expected, seen))
        except Failed as failure:
            tally.test(name, [str(failure)])
            loaded.clear()
    # The comparison itself: what one policy did must not pass for what another says.
    for (site, seen), (other, _) in zip(sites, sites[1:] + sites[:1]):
        mistaken = len(differences(other.expected, seen))
        tally.test(f"taken for {other.name}, what {site.name} did is noticed",
                   [] if mistaken else ["no difference"], f": {mistaken} differences")
    import expiry  # which stands on this module
    expiry.run(binary, work, tally)
    import probes  # likewise
    probes.run(binary, work, {address for host in hosts for address in host.addresses}, tally)
    if len(sites) != len(policies):
        print(f"only {len(sites)} of {len(policies)} policies were tried")
    print(f"{tally.passed} passed, {tally.failed} failed, 0 skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
