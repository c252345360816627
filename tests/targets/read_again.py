#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads every host file of targets pf and firewalld a second time, written from pf.conf(5) and firewalld.policy(5) alone, and
compares what it says of pairs of addresses with what `explain` says of that side.

usage: read_again.py SALLYPORT POLICY OUT      OUT: a folder that `compile -t pf -t firewalld` wrote of POLICY
       read_again.py --self-test               damages in small files are noticed
"""
import collections
import ipaddress
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

PORTS = (("tcp", 445), ("tcp", 139), ("udp", 137), ("udp", 138))
SERVICES = {("tcp", 445): "smb", ("tcp", 139): "tcp/139", ("udp", 137): "udp/137", ("udp", 138): "udp/138"}
OWNS, PEERS = 6, 60     # addresses of a class, and of its peers, that are asked about at most

# action: "pass" or "block"; inbound: whether the own end is the destination; an end of None is any address
Rule = collections.namedtuple("Rule", "action inbound protocol ports source destination")


def networks(texts):
    return [ipaddress.ip_network(t) for t in texts]


def holds(end, address):
    return end is None or any(address in n for n in end)


def verdict(rules, inbound, protocol, port, source, destination):
    """The first rule that matches; None: no rule does."""
    for rule in rules:
        if (rule.inbound == inbound and rule.protocol == protocol and any(a <= port <= b for a, b in rule.ports)
                and holds(rule.source, source) and holds(rule.destination, destination)):
            return rule.action
    return None


# ------------------------------------------------------------------------------------------------ pf


def read_pf(text):
    """Every rule must be quick, or the first match would not decide."""
    text = re.sub(r"\\\n", " ", text)
    tables, rules = {}, []
    for line in text.split("\n"):
        line = line.split("#")[0].strip()
        if not line:
            continue
        table = re.fullmatch(r"table <(\w+)> const \{(.*)\}", line)
        if table:
            tables[table[1]] = networks(t.strip() for t in table[2].split(",") if t.strip())
            continue
        rule = re.fullmatch(r"(pass|block (?:drop|return)) (in|out)( log)? quick on ! lo0( inet6?)? proto (tcp|udp) from (\S+) to (\S+)"
                            r" port (\{[^}]*\}|\S+)( keep state)? label \"[^\"]{1,63}\"", line)
        if not rule:
            raise ValueError(f"not understood: {line}")
        ports = [tuple(int(p) for p in (one.strip().split(":") * 2)[:2]) for one in rule[8].strip("{} ").split(",")]
        ends = []
        for end in (rule[6], rule[7]):
            addresses = None if end == "any" else tables[end.strip("<>")]
            if addresses is None and rule[4]:
                addresses = networks(["::/0" if rule[4].strip() == "inet6" else "0.0.0.0/0"])
            ends.append(addresses)
        rules.append(Rule(rule[1].split()[0], rule[2] == "in", rule[5], ports, *ends))
    return rules


# ------------------------------------------------------------------------------------------------ firewalld


def rich_end(element, ipsets, family):
    if element is None:
        return None if not family else networks(["::/0" if family == "ipv6" else "0.0.0.0/0"])
    return ipsets[element.get("ipset")]


def read_firewalld(folder):
    ipsets, rules = {}, []
    for name in os.listdir(f"{folder}/ipsets"):
        root = ElementTree.parse(f"{folder}/ipsets/{name}").getroot()
        ipsets[name[:-len(".xml")]] = networks(e.text for e in root.findall("entry"))
    for name in os.listdir(f"{folder}/policies"):
        root = ElementTree.parse(f"{folder}/policies/{name}").getroot()
        inbound = root.find("egress-zone").get("name") == "HOST"
        if root.get("target") != "CONTINUE" or int(root.get("priority")) >= 0:
            raise ValueError(f"{name}: would not be asked before the zones, or would not go on to them")
        if (root.find("ingress-zone").get("name") == "HOST") == inbound:
            raise ValueError(f"{name}: neither to nor from this host")
        for rule in sorted(root.findall("rule"), key=lambda r: int(r.get("priority"))):
            port, family = rule.find("port"), rule.get("family")
            span = (port.get("port").split("-") * 2)[:2]
            rules.append(Rule("pass" if rule.find("accept") is not None else "block", inbound, port.get("protocol"),
                              [tuple(int(p) for p in span)], rich_end(rule.find("source"), ipsets, family),
                              rich_end(rule.find("destination"), ipsets, family)))
    return rules


def installed(script):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["sh", script, folder], check=True)
        return read_firewalld(folder)


# ------------------------------------------------------------------------------------------------ comparing


def edges(all_networks):
    """First and last address of each, and their neighbours."""
    found = set()
    for network in all_networks:
        first, last = network[0], network[-1]
        found.update((first, last))
        if int(first):
            found.add(first - 1)
        if int(last) < 2 ** last.max_prefixlen - 1:
            found.add(last + 1)
    return sorted(found, key=lambda a: (a.version, int(a)))


def spread(items, most):
    """At most so many of them, evenly."""
    step = max(1, -(-len(items) // most))
    return items[::step]


def is_peer(address):
    """What a rule may speak of at all: no multicast, loopback or unspecified address."""
    return not (address.is_multicast or address.is_loopback or address.is_unspecified or address.is_link_local
                or str(address) == "255.255.255.255")


def questions_of(members, rules):
    own = [a for a in edges(members) if any(a in n for n in members)]
    ends = [n for rule in rules for end in (rule.source, rule.destination) if end for n in end]
    peers = [a for a in edges(ends + networks(["10.0.0.0/8", "8.8.8.8/32", "2001:db8::/32", "192.168.7.7/32"])) if is_peer(a)]
    for version in (4, 6):
        for a in spread([o for o in own if o.version == version], OWNS):
            for b in spread([p for p in peers if p.version == version], PEERS):
                if a != b:
                    yield from ((a, b, inbound, port) for inbound in (False, True) for port in PORTS)


def compare(binary, policy, out):
    with open(f"{out}/manifest.json", encoding="utf-8") as f:
        manifest = json.load(f)
    n = differ = 0
    for class_ in manifest["classes"]:
        members = networks(class_["members"])
        for path in class_["files"]:
            if "rollback" in path or not path.startswith(("pf/", "firewalld/")):
                continue
            if path.startswith("pf/"):
                with open(f"{out}/{path}", encoding="ascii") as f:
                    rules = read_pf(f.read())
            else:
                rules = installed(f"{out}/{path}")
            asked = list(questions_of(members, rules))
            lines = [f"{b if inbound else a} {a if inbound else b} {SERVICES[port]} domain\n" for a, b, inbound, port in asked]
            done = subprocess.run([binary, "explain", "--policy", policy, "--batch", "/dev/stdin", "--json"], input="".join(lines),
                                  text=True, stdout=subprocess.PIPE, check=True)
            for (a, b, inbound, port), line in zip(asked, done.stdout.splitlines(), strict=True):
                answer = json.loads(line)
                side = [s for s in answer.get("sides", []) if s["side"] == ("server-inbound" if inbound else "client-outbound")]
                if not side or not side[0]["enforces"]:
                    continue
                wanted = "block" if side[0]["decision"] in ("block", "allow-if-secure") else "pass"
                found = verdict(rules, inbound, *port, b if inbound else a, a if inbound else b)
                n += 1
                differ += found != wanted
                if found != wanted and differ < 10:
                    print(f"{path}: {a} {'from' if inbound else 'to'} {b} {port}: the file says {found}, explain {wanted}")
    print(f"{n} answers compared, {differ} differ")
    return 0 if n > 1000 and not differ else 1


# ------------------------------------------------------------------------------------------------ itself


SMALL = """table <remote_1> const { \\
    10.0.0.1 \\
}
pass in quick on ! lo0 inet proto tcp from <remote_1> to any port 445 keep state label "a"
block drop in log quick on ! lo0 proto tcp from any to any port { 445, 5000:5010 } label "b"
"""


def self_test():
    rules, one, two = read_pf(SMALL), ipaddress.ip_address("10.0.0.1"), ipaddress.ip_address("10.0.0.2")
    assert verdict(rules, True, "tcp", 445, one, two) == "pass"
    assert verdict(rules, True, "tcp", 445, two, one) == "block"
    assert verdict(rules, True, "tcp", 5005, one, two) == "block"
    assert verdict(rules, True, "tcp", 444, one, two) is None
    assert verdict(rules, False, "tcp", 445, one, two) is None
    assert verdict(rules, True, "tcp", 445, ipaddress.ip_address("::1"), ipaddress.ip_address("::2")) == "block"
    for old, new in (("quick ", ""), ("const", "persist"), ("on ! lo0", "on em0"), ("pass in", "match in")):
        try:
            read_pf(SMALL.replace(old, new))
        except ValueError:
            continue
        raise AssertionError(f"{new!r} for {old!r} is not noticed")
    return 0


if __name__ == "__main__":
    sys.exit(self_test() if sys.argv[1:] == ["--self-test"] else compare(*sys.argv[1:]))
