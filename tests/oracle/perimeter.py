#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles random policies with borders for perimeter firewalls, and asks each file what it does with flows.

usage: perimeter.py SALLYPORT [--policies N] [--seed N]

The three dialects have parsers of their own here, which know of the vendors' grammars and nothing of the program. Flows
go between random addresses and the edges of every network that the policy or the file names. What a list does with the
first packet of a flow that crosses must be what `explain --batch` says of its intent; what does not cross, and ports
that are not governed, must not be touched. Ends with "N passed, N failed, N skipped".
"""
import argparse
import ipaddress
import json
import os
import random
import subprocess
import sys
import tempfile

TARGETS = {"cisco-ios": "cfg", "cisco-asa": "cfg", "juniper-srx": "set"}
PORTS = [("tcp", 445), ("udp", 137), ("udp", 138), ("tcp", 139), ("tcp", 8000), ("tcp", 8010), ("tcp", 8011), ("udp", 8010), ("tcp", 22),
         ("udp", 445)]


def net(text):
    """A prefix as (version, first, last)."""
    n = ipaddress.ip_network(text)
    return n.version, int(n.network_address), int(n.broadcast_address)


def masked(address, mask, wildcard):
    first = int(ipaddress.IPv4Address(address))
    low = int(ipaddress.IPv4Address(mask))
    return 4, first, first | (low if wildcard else low ^ 0xFFFFFFFF)


def span(first, last):
    a, b = ipaddress.ip_address(first), ipaddress.ip_address(last)
    return a.version, int(a), int(b)


def within(ranges, address):
    """ranges: None = any."""
    return ranges is None or any(v == address.version and a <= int(address) <= b for v, a, b in ranges)


class Entry:
    def __init__(self, permit, protocol, source, destination, ports):
        self.permit, self.protocol, self.source, self.destination, self.ports = permit, protocol, source, destination, ports

    def matches(self, flow):
        protocol, client, server, port = flow
        if self.protocol in ("ip", "ipv6"):
            version = {"ip": 4, "ipv6": 6}[self.protocol]
            if self.versioned and client.version != version:
                return False
        elif self.protocol != protocol or not any(a <= port <= b for a, b in self.ports):
            return False
        return within(self.source, client) and within(self.destination, server)

    versioned = False


def first_match(entries, flow):
    """True, False, or None where nothing matches."""
    return next((e.permit for e in entries if e.matches(flow)), None)


def edges(entries):
    for e in entries:
        for ranges in (e.source, e.destination):
            for v, a, b in ranges or ():
                yield from ((v, a), (v, b), (v, a - 1), (v, b + 1))


# ---- Cisco IOS ------------------------------------------------------------------------------------------------------


def ios_end(words, version):
    word = words.pop(0)
    if word == "any":
        return None
    if word == "host":
        return [span(words[0], words.pop(0))]
    if version == 6:
        return [net(word)]
    return [masked(word, words.pop(0), True)]


def read_ports(words):
    kind = words.pop(0)
    first = int(words.pop(0))
    assert kind in ("eq", "range"), kind
    return [(first, int(words.pop(0)) if kind == "range" else first)]


def read_ios(text):
    """Lists by name."""
    lists, current, version = {}, None, 4
    for line in text.splitlines():
        words = line.split()
        if line.startswith("!") or not words:
            continue
        if not line.startswith(" "):
            if words[0] == "no":
                lists.pop(words[-1], None)
                continue
            assert words[:3] == ["ip", "access-list", "extended"] or words[:2] == ["ipv6", "access-list"], line
            version = 6 if words[0] == "ipv6" else 4
            current = lists.setdefault(words[-1], [])
            continue
        if words[0] == "remark":
            assert len(line) - len(" remark ") <= 100, line
            continue
        permit = {"permit": True, "deny": False}[words.pop(0)]
        protocol = words.pop(0)
        source, destination = ios_end(words, version), ios_end(words, version)
        if words == ["established"]:
            continue  # no first packet of a session
        ports = read_ports(words) if words else [(0, 65535)]
        assert words == ([] if permit else ["log"]), line
        entry = Entry(permit, protocol, source, destination, ports)
        entry.versioned = True
        current.append(entry)
    return lists


def ask_ios(lists, outbound, flow):
    side = "OUT" if outbound else "IN"
    name = next(n for n in lists if n.endswith("-" + side + ("6" if flow[1].version == 6 else "")))
    return first_match(lists[name], flow)


# ---- Cisco ASA ------------------------------------------------------------------------------------------------------


def read_asa(text):
    networks, services, lists, current = {}, {}, {}, None
    for line in text.splitlines():
        words = line.split()
        if line.startswith("!") or words[0] in ("no", "clear"):
            continue
        if words[0] == "object-group":
            assert len(words[2]) <= 64
            current = (networks if words[1] == "network" else services).setdefault(words[2], [])
            continue
        if words[0] == "network-object":
            if words[1] == "host":
                current.append(span(words[2], words[2]))
            else:
                current.append(net(words[1]) if "/" in words[1] else masked(words[1], words[2], False))
            continue
        if words[0] == "port-object":
            current.extend(read_ports(words[1:]))
            continue
        assert words.pop(0) == "access-list", line
        entries = lists.setdefault(words.pop(0), [])
        if words[0] == "remark":
            assert len(line.split(" remark ", 1)[1]) <= 100, line
            continue
        assert words.pop(0) == "extended", line
        permit = {"permit": True, "deny": False}[words.pop(0)]
        protocol = words.pop(0)
        ends = []
        for _ in range(2):
            word = words.pop(0)
            ends.append(None if word == "any" else networks[words.pop(0)])
        ports = [(0, 65535)]
        if words[:1] == ["object-group"]:
            ports = services[words[1]]
            words = words[2:]
        elif words:
            ports = read_ports(words)
        assert words == ([] if permit else ["log"]), line
        entries.append(Entry(permit, protocol, *ends, ports))
    return lists


def ask_asa(lists, outbound, flow):
    name = next(n for n in lists if n.endswith("-OUT" if outbound else "-IN"))
    return first_match(lists[name], flow)


# ---- Juniper SRX ----------------------------------------------------------------------------------------------------


def read_srx(text):
    """Policies by their pair of zones, in order."""
    book, sets, applications, policies = {}, {}, {}, {}
    for line in text.splitlines():
        words = line.split()
        if line.startswith("#") or not words:
            continue
        assert words.pop(0) == "set", line
        if words[:4] == ["security", "address-book", "global", "address"]:
            name, rest = words[4], words[5:]
            assert len(name) <= 63
            book[name] = span(rest[1], rest[3]) if rest[0] == "range-address" else net(rest[0])
        elif words[:4] == ["security", "address-book", "global", "address-set"]:
            sets.setdefault(words[4], []).append(book[words[6]])
            assert len(sets[words[4]]) <= 1024
        elif words[:2] == ["applications", "application"]:
            applications.setdefault(words[2], {})[words[3]] = words[4]
        else:
            assert words[:3] == ["security", "policies", "from-zone"] and words[4] == "to-zone" and words[6] == "policy"
            zones, name, rest = (words[3], words[5]), words[7], words[8:]
            assert len(name) <= 63
            policy = policies.setdefault(zones, {}).setdefault(name, {"source": [], "destination": [], "ports": []})
            if rest[0] == "match" and rest[1] == "application":
                policy["ports"].append(applications[rest[2]])
            elif rest[0] == "match":
                policy[rest[1].split("-")[0]] += sets[rest[2]]
            elif rest[0] == "then" and rest[1] in ("permit", "deny"):
                policy["permit"] = rest[1] == "permit"
            else:
                assert rest[0] == "description" or rest == ["then", "log", "session-init"], line
    lists = {}
    for zones, named in policies.items():
        lists[zones] = []
        for policy in named.values():
            ports = [tuple(int(p) for p in (a["destination-port"] + "-" + a["destination-port"]).split("-")[:2])
                     if "-" not in a["destination-port"] else tuple(map(int, a["destination-port"].split("-")))
                     for a in policy["ports"]]
            protocol = policy["ports"][0]["protocol"]
            assert all(a["protocol"] == protocol for a in policy["ports"])
            lists[zones].append(Entry(policy["permit"], protocol, policy["source"], policy["destination"], ports))
    return lists


def ask_srx(lists, outbound, flow):
    side = "-inside" if outbound else "-outside"
    entries = next((e for zones, e in lists.items() if zones[0].endswith(side)), [])
    return first_match(entries, flow)


DIALECTS = {"cisco-ios": (read_ios, ask_ios), "cisco-asa": (read_asa, ask_asa), "juniper-srx": (read_srx, ask_srx)}

# ---- Policies -------------------------------------------------------------------------------------------------------


def random_policy(rng):
    segments, borders = {}, {}
    for i in range(rng.randint(2, 5)):
        networks = [f"10.{i}.{16 * rng.randrange(16)}.0/{rng.randint(20, 28)}"]
        networks = [str(ipaddress.ip_network(n, strict=False)) for n in networks]
        if rng.random() < 0.6:
            networks.append(f"2001:db8:{i + 1:x}::/{rng.choice([48, 56, 64])}")
        if rng.random() < 0.3:
            networks.append(f"10.{i}.0.0/{rng.randint(17, 19)}" if rng.random() < 0.5 else f"192.168.{i}.0/24")
        networks = list(dict.fromkeys(networks))
        segments[f"seg{i}"] = {"networks": networks, "trust": rng.choice(["managed", "managed", "untrusted"])}
        if i == 0 or rng.random() < 0.3:
            segments[f"seg{i}"]["border"] = "enforced"
            borders[f"seg{i}"] = networks
    names = list(segments)
    groups = {}
    for i in range(rng.randint(0, 3)):
        version, first, last = net(rng.choice(segments[rng.choice(names)]["networks"]))
        hosts = [str((ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address)(rng.randint(first, min(last, first + 900))))
                 for _ in range(rng.randint(1, 4))]
        groups[f"group{i}"] = {"hosts": sorted(set(hosts))}

    def ends(extra=()):
        return rng.sample(names + list(groups) + list(extra), rng.randint(1, 2))

    def services():
        return rng.sample(["smb", "netbios", "spool"], rng.randint(1, 2))

    allow = []
    for _ in range(rng.randint(0, 6)):
        entry = {"from": ends(["any", "managed", "untrusted"]), "to": ends(["managed"]), "service": services()}
        if rng.random() < 0.3:
            entry["secure"] = "kerberos"
        if rng.random() < 0.4:
            entry["except"] = {rng.choice(["from", "to"]): ends()}
        allow.append(entry)
    policy = {"version": 1, "govern": ["smb", "netbios", "spool"], "lifeline": {"off": "a test"}, "segments": segments,
              "groups": groups, "allow": allow, "services": {"spool": ["tcp/8000-8010", "udp/8010"]}}
    if rng.random() < 0.7:
        policy["perimeter"] = []
        for _ in range(rng.randint(0, 3)):
            cloud = [str(ipaddress.ip_network((rng.randrange(20 << 24, 21 << 24) & ~0xFF, 24)))
                     for _ in range(rng.choice([1, 3, 40]))] + rng.sample(["2600:1f00::/24", "2a01:111::/32"], rng.randint(0, 2))
            outbound = rng.random() < 0.6
            inner = ends()
            policy["perimeter"].append({"direction": "outbound" if outbound else "inbound", "service": services(),
                                        "from": inner if outbound else cloud, "to": cloud if outbound else inner})
    return policy, borders


def inside_of(policy, borders, border, address):
    """By longest match, as an address lives in one segment; the internet's border has all but the internet inside."""
    best, where = -1, None
    for name, segment in policy["segments"].items():
        for text in segment["networks"]:
            n = ipaddress.ip_network(text)
            if n.version == address.version and address in n and n.prefixlen > best:
                best, where = n.prefixlen, name
    if border != "internet":
        return where == border
    if where:
        return True
    shared = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "64:ff9b::/96"]
    return any(within([net(n)], address) for n in shared)


def flows_of(rng, policy, lists):
    """Pairs of addresses of a family, random and at edges."""
    found = set()
    for segment in policy["segments"].values():
        for text in segment["networks"]:
            v, a, b = net(text)
            found |= {(v, a), (v, b), (v, a - 1), (v, b + 1), (v, rng.randint(a, b))}
    for group in policy["groups"].values():
        found |= {(ipaddress.ip_address(h).version, int(ipaddress.ip_address(h)) + d) for h in group["hosts"] for d in (-1, 0, 1)}
    named = sorted({e for entries in lists.values() for e in edges(entries)})
    found |= set(rng.sample(named, min(len(named), 60)))
    found |= {(4, rng.randrange(1 << 32)) for _ in range(4)} | {(6, rng.randrange(1 << 128)) for _ in range(4)}
    by_version = {4: [], 6: []}
    for v, a in sorted(found):
        if not 0 < a < (1 << (32 if v == 4 else 128)) - 1:
            continue
        address = ipaddress.IPv4Address(a) if v == 4 else ipaddress.IPv6Address(a)
        if v == 6 and address.ipv4_mapped:
            continue
        by_version[v].append(address)
    flows = []
    for addresses in by_version.values():
        for _ in range(150):
            client, server = rng.choice(addresses), rng.choice(addresses)
            if client != server:
                flows.append((*rng.choice(PORTS), client, server))
    return [(protocol, client, server, port) for protocol, port, client, server in flows]


def explain(sallyport, policy_path, flows, folder):
    batch = os.path.join(folder, "batch.txt")
    with open(batch, "w", encoding="ascii") as out:
        for protocol, client, server, port in flows:
            out.write(f"{client} {server} {protocol}/{port} domain\n")
    done = subprocess.run([sallyport, "explain", "--policy", policy_path, "--batch", batch, "--json"], capture_output=True,
                          text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def check_file(sallyport, rng, target, path, border, policy, borders, policy_path, folder):
    """The number of flows asked; raises AssertionError at the first that is wrong."""
    read, ask = DIALECTS[target]
    with open(path, encoding="ascii") as text:
        lists = read(text.read())
    flows = flows_of(rng, policy, lists)
    answers = explain(sallyport, policy_path, flows, folder)
    assert len(answers) == len(flows), (len(answers), len(flows))
    untouched = None if target == "juniper-srx" else True
    for flow, answer in zip(flows, answers):
        inside = [inside_of(policy, borders, border, end) for end in flow[1:3]]
        intent = answer["intent"]
        assert intent in ("allow", "allow-if-secure", "block", "ungoverned", "local"), answer
        if inside[0] == inside[1] or intent in ("local", "ungoverned"):
            expected = untouched
            if target == "juniper-srx" and inside[0] == inside[1]:
                continue  # zones: such a flow meets no policy of this pair
            got = [ask(lists, True, flow), ask(lists, False, flow)] if inside[0] == inside[1] else [ask(lists, inside[0], flow)]
        else:
            expected = intent != "block"
            got = [ask(lists, inside[0], flow)]
        assert all(g == expected for g in got), f"{target}, {path}: {flow}: expected {expected} ({intent}), found {got}"
    return len(flows)


def one(sallyport, seed, folder):
    """Flows asked, or None when the policy is refused."""
    rng = random.Random(seed)
    policy, borders = random_policy(rng)
    path = os.path.join(folder, "policy.yaml")
    with open(path, "w", encoding="ascii") as out:
        json.dump(policy, out)
    out = os.path.join(folder, "out")
    command = [sallyport, "compile", "--policy", path, "-o", out]
    for target in TARGETS:
        command += ["--target", target]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"compile: {done.returncode}: {done.stderr}{done.stdout}")
    asked = 0
    for border in list(borders) + (["internet"] if "perimeter" in policy else []):
        for target, ending in TARGETS.items():
            file = os.path.join(out, target, f"border-{border}.{ending}")
            asked += check_file(sallyport, rng, target, file, border, policy, borders, path, folder)
    return asked


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sallyport")
    parser.add_argument("--policies", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    passed = failed = asked = 0
    for seed in range(args.seed, args.seed + args.policies):
        with tempfile.TemporaryDirectory() as folder:
            try:
                asked += one(os.path.abspath(args.sallyport), seed, folder)
                passed += 1
            except AssertionError as error:
                failed += 1
                print(f"seed {seed}: {error}", file=sys.stderr)
    print(f"{asked} flows asked of the files")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
