#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles random policies for FortiGate, PAN-OS, Azure and AWS, and asks each file what it does with flows.

usage: cloud.py SALLYPORT [--policies N] [--seed N]

The five dialects have readers of their own here, which know of the vendors' formats and nothing of the program; the
JSON templates are held against the shapes that the vendors document. Flows go between random addresses and the edges of
every network that the policy or the file names. What a file does with the first packet of a flow must be what
`explain --batch` says: of a border, the intent of what crosses; of a security group, the side of its machines. Replies
must pass a list that keeps no state. A rollback must name every object that its file makes. Policies that the AWS
dialects refuse, for their quotas or since they know no local addresses, are counted, and must name rule or class, field
and target. Ends with "N passed, N failed, N skipped".
"""
import argparse
import ipaddress
import json
import os
import random
import re
import shlex
import subprocess
import sys
import tempfile

from perimeter import explain, inside_of, net, random_policy, span, within

PORTS = [("tcp", 445), ("udp", 137), ("udp", 138), ("tcp", 139), ("tcp", 8000), ("tcp", 8010), ("tcp", 8011), ("udp", 8010), ("tcp", 22),
         ("udp", 445)]


class Rule:
    """One line of a list: ends are sets of (version, first, last), or None = any."""

    def __init__(self, permit, protocol, source, destination, ports):
        self.permit, self.protocol, self.source, self.destination, self.ports = permit, protocol, source, destination, ports

    def matches(self, flow, has=within):
        protocol, client, server, port = flow
        if self.protocol is not None and (self.protocol != protocol or not any(a <= port <= b for a, b in self.ports)):
            return False
        return has(self.source, client) and has(self.destination, server)


def first_match(rules, flow, has=within):
    return next((r.permit for r in rules if r.matches(flow, has)), None)


def edges_of(rules):
    for rule in rules:
        for ranges in (rule.source, rule.destination):
            for v, a, b in ranges or ():
                yield from ((v, a), (v, b), (v, a - 1), (v, b + 1))


def port_range(text):
    first, _, last = text.partition("-")
    return int(first), int(last or first)


# ---- PAN-OS ---------------------------------------------------------------------------------------------------------


def panos_has(ranges, address):
    """An IPv4 address is looked up as ::a.b.c.d among IPv6 ones (PAN-OS admin guide, "Policy")."""
    if within(ranges, address):
        return True
    return address.version == 4 and ranges is not None and any(v == 6 and a <= int(address) <= b for v, a, b in ranges)


def read_panos(text):
    addresses, groups, services, rules, order, made = {}, {}, {}, {}, [], set()
    for line in text.splitlines():
        words = shlex.split(line, comments=False) if line and not line.startswith("#") else []
        if not words:
            continue
        if words[:2] == ["set", "address"]:
            name, kind, value = words[2:]
            addresses[name] = [net(value)] if kind == "ip-netmask" else [span(*value.split("-"))]
            made.add(("address", name))
        elif words[:2] == ["set", "address-group"]:
            assert words[3:5] == ["static", "["] and words[-1] == "]", line
            members = groups.setdefault(words[2], [])
            for name in words[5:-1]:
                members.extend(addresses[name] if name in addresses else groups[name])
            made.add(("address-group", words[2]))
        elif words[:2] == ["set", "service"]:
            assert words[3] == "protocol" and words[5] == "port", line
            services[words[2]] = (words[4], [port_range(p) for p in words[6].split(",")])
            made.add(("service", words[2]))
        elif words[:4] == ["set", "rulebase", "security", "rules"]:
            fields = rules.setdefault(words[4], {})
            fields.update(zip(words[5::2], words[6::2]))
            if words[4] not in order:
                order.append(words[4])
            made.add(("rulebase security rules", words[4]))
        else:
            assert words[:4] == ["move", "rulebase", "security", "rules"] and words[5] == "top", line
            order.remove(words[4])
            order.insert(0, words[4])
    out = []
    for name in order:
        r = rules[name]
        assert (r["from"], r["to"], r["application"], r["log-end"]) == ("any", "any", "any", "yes"), r
        assert r["action"] in ("allow", "drop") and len(name) <= 63 and len(r["description"]) <= 1024, r
        out.append(Rule(r["action"] == "allow", services[r["service"]][0], groups[r["source"]], groups[r["destination"]],
                        services[r["service"]][1]))
    return out, made


def panos_rollback(text):
    gone, users = set(), {"rulebase security rules": 0, "service": 1, "address-group": 2, "address": 3}
    stage = 0
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        assert line.startswith("delete "), line
        kind, name = line[len("delete "):].rsplit(" ", 1)
        assert users[kind] >= stage, line  # what uses an object goes before it
        stage = users[kind]
        gone.add((kind, name))
    return gone


# ---- FortiGate ------------------------------------------------------------------------------------------------------


def sections(text):
    """(section, entry, settings) of a CLI script; "move" and "delete" lines as entries of their own."""
    section = entry = settings = None
    for line in text.splitlines():
        words = shlex.split(line) if not line.startswith("#") else []
        if not words:
            continue
        if words[0] == "config":
            section = " ".join(words[1:])
        elif words[0] == "edit":
            entry, settings = words[1], {}
        elif words[0] in ("set", "append"):
            values = settings.setdefault(words[1], [])
            values[:] = (values if words[0] == "append" else []) + words[2:]
        elif words[0] == "next":
            yield section, entry, settings
        elif words[0] in ("move", "delete"):
            yield section, words[0], words[1:]
        else:
            assert words == ["end"], line


def forti_address(s):
    if s.get("type") == ["iprange"]:
        return [span(s["start-ip"][0], s["end-ip"][0])]
    if "ip6" in s:
        return [net(s["ip6"][0])]
    return [net("/".join(s["subnet"]))]


def read_fortigate(text):
    addresses, services, policies, order, made = {4: {}, 6: {}}, {}, {}, [], set()
    for section, entry, settings in sections(text):
        version = 6 if section.endswith("6") else 4
        if entry == "move":
            order.remove(settings[0])
            at = 0 if settings[1:] == ["before", "FIRST"] else order.index(settings[2]) + (settings[1] == "after")
            order.insert(at, settings[0])
            continue
        made.add((section, entry))
        if section in ("firewall address", "firewall address6"):
            addresses[version][entry] = forti_address(settings)
        elif section in ("firewall addrgrp", "firewall addrgrp6"):
            addresses[version][entry] = [r for m in settings["member"] for r in addresses[version][m]]
        elif section == "firewall service custom":
            (key, ports), = settings.items()
            services[entry] = (key.split("-")[0], [port_range(p) for p in ports])
        else:
            assert section == "firewall policy", section
            policies[entry] = settings
            order.append(entry)
    out = []
    for entry in order:
        s = policies[entry]
        six = "6" if "srcaddr6" in s else ""
        assert ("srcaddr6" in s) == ("dstaddr6" in s) and ("srcaddr" in s) == ("dstaddr" in s) == (not six), s
        assert s["srcintf"] == s["dstintf"] == ["any"] and s["schedule"] == ["always"] and s["logtraffic"] == ["all"], s
        assert len(s["name"][0]) <= 35 and len(s["comments"][0]) <= 1023 and 0 < int(entry) < 4294967294, s
        table = addresses[6 if six else 4]
        protocol, ports = services[s["service"][0]]
        out.append(Rule(s["action"] == ["accept"], protocol, table[s["srcaddr" + six][0]], table[s["dstaddr" + six][0]], ports))
    return out, made


def fortigate_rollback(text):
    return {(section, words[0]) for section, entry, words in sections(text) if entry == "delete"}


# ---- Shapes of JSON -------------------------------------------------------------------------------------------------
# A dict: exactly these keys ("key?" may be missing); a list: items of that shape; a set: one of these; else a predicate.


def check_shape(value, shape, where="$"):
    if isinstance(shape, dict):
        assert isinstance(value, dict), f"{where}: an object"
        known = {k.rstrip("?"): s for k, s in shape.items()}
        missing = [k for k in shape if not k.endswith("?") and k not in value]
        assert not missing and set(value) <= set(known), f"{where}: {missing} missing, {set(value) - set(known)} unknown"
        for key, item in value.items():
            check_shape(item, known[key], f"{where}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), f"{where}: a list"
        for i, item in enumerate(value):
            check_shape(item, shape[0], f"{where}[{i}]")
    elif isinstance(shape, (set, frozenset)):
        assert value in shape and not (isinstance(value, bool) and value not in {v for v in shape if isinstance(v, bool)}), \
            f"{where}: {value!r} is not one of {shape}"
    else:
        assert shape(value), f"{where}: {value!r}"


def text_of(most):
    return lambda v: isinstance(v, str) and 0 < len(v) <= most


def number(low, high):
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high


def prefix(version):
    def check(v):
        try:
            return ipaddress.ip_network(v).version == version and "/" in v
        except ValueError:
            return False
    return check


def is_prefix(v):
    return prefix(4)(v) or prefix(6)(v)


# Microsoft.Network/networkSecurityGroups securityRules (ARM reference), descriptions of 140, names of 80 characters.
AZURE = {
    "$schema": {"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"},
    "contentVersion": {"1.0.0.0"}, "metadata": {"remarks": [text_of(4000)]},
    "parameters": {"location": {"type": {"string"}, "defaultValue": text_of(80)},
                   "otherRules": {"type": {"array"}, "defaultValue": [lambda v: False]}},
    "variables": {"rules": [{"name": lambda v: re.fullmatch(r"\w[\w.-]{0,78}\w", v), "properties": {
        "description": text_of(140), "direction": {"Inbound", "Outbound"}, "priority": number(100, 4096),
        "access": {"Allow", "Deny"}, "protocol": {"Tcp", "Udp"}, "sourcePortRange": {"*"},
        "destinationPortRanges": [lambda v: re.fullmatch(r"\d+(-\d+)?", v)],
        "sourceAddressPrefixes": [is_prefix], "destinationAddressPrefixes": [is_prefix]}}]},
    "resources": [{"type": {"Microsoft.Network/networkSecurityGroups"}, "apiVersion": lambda v: re.fullmatch(r"\d{4}-\d\d-\d\d", v),
                   "name": text_of(80), "location": {"[parameters('location')]"},
                   "properties": {"securityRules": {"[concat(variables('rules'), parameters('otherRules'))]"}}}],
}
REF = {"Ref": text_of(80)}
CLOUDFORMATION = {"AWSTemplateFormatVersion": {"2010-09-09"}, "Description": text_of(1024),
                  "Metadata": {"remarks": [text_of(4000)], "inside?": [is_prefix]},
                  "Parameters": {"VpcId": {"Type": {"AWS::EC2::VPC::Id"}}}, "Resources": lambda v: isinstance(v, dict)}
# AWS::EC2::NetworkAcl, AWS::EC2::NetworkAclEntry, AWS::EC2::SecurityGroup (CloudFormation reference).
LIST = {"Type": {"AWS::EC2::NetworkAcl"}, "Properties": {"VpcId": REF, "Tags": [{"Key": text_of(128), "Value": text_of(256)}]}}
ENTRY = {"Type": {"AWS::EC2::NetworkAclEntry"}, "Metadata": {"why": text_of(2000)}, "Properties": {
    "NetworkAclId": REF, "RuleNumber": number(1, 32766), "Egress": {True, False}, "RuleAction": {"allow", "deny"},
    "Protocol": {6, 17, -1}, "PortRange?": {"From": number(1, 65535), "To": number(1, 65535)}, "CidrBlock?": prefix(4),
    "Ipv6CidrBlock?": prefix(6)}}
DESCRIBED = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")
ALLOW = {"Description": DESCRIBED.fullmatch, "IpProtocol": {"tcp", "udp", "-1"}, "FromPort?": number(1, 65535),
         "ToPort?": number(1, 65535), "CidrIp?": prefix(4), "CidrIpv6?": prefix(6)}
GROUP = {"Type": {"AWS::EC2::SecurityGroup"}, "Properties": {"GroupDescription": DESCRIBED.fullmatch, "VpcId": REF,
                                                             "SecurityGroupIngress": [ALLOW], "SecurityGroupEgress": [ALLOW]}}


# ---- Azure ----------------------------------------------------------------------------------------------------------


def read_azure(text):
    template = json.loads(text)
    check_shape(template, AZURE)
    out, seen = [], set()
    rules = template["variables"]["rules"]
    assert len(rules) <= 1000
    sides = {"sourceAddressPrefixes": 0, "destinationAddressPrefixes": 0}
    for rule in sorted(rules, key=lambda r: r["properties"]["priority"]):
        p = rule["properties"]
        assert (p["direction"], p["priority"]) not in seen and rule["name"] not in seen, rule["name"]
        seen |= {(p["direction"], p["priority"]), rule["name"]}
        ends = []
        for key in sides:
            sides[key] += len(p[key])
            ends.append([net(t) for t in p[key]])
        assert len({v for end in ends for v, _, _ in end}) == 1, "a rule of both families"
        made = Rule(p["access"] == "Allow", p["protocol"].lower(), ends[0], ends[1], [port_range(t) for t in p["destinationPortRanges"]])
        made.outbound = p["direction"] == "Outbound"
        out.append(made)
    assert all(n <= 4000 for n in sides.values()), sides
    return out, template["resources"][0]["name"]


# ---- AWS ------------------------------------------------------------------------------------------------------------


def read_nacl(text):
    template = json.loads(text)
    check_shape(template, CLOUDFORMATION)
    resources = dict(template["Resources"])
    check_shape(resources.pop("List"), LIST)
    lists, counts = {False: {}, True: {}}, {}
    for resource in resources.values():
        check_shape(resource, ENTRY)
        p = resource["Properties"]
        assert ("CidrBlock" in p) != ("Ipv6CidrBlock" in p) and ("PortRange" in p) == (p["Protocol"] != -1), p
        assert p["RuleNumber"] not in lists[p["Egress"]], p
        far = [net(p.get("CidrBlock") or p["Ipv6CidrBlock"])]
        key = (p["Egress"], "CidrBlock" in p)
        counts[key] = counts.get(key, 0) + 1
        ports = [(p["PortRange"]["From"], p["PortRange"]["To"])] if "PortRange" in p else None
        lists[p["Egress"]][p["RuleNumber"]] = Rule(p["RuleAction"] == "allow", {6: "tcp", 17: "udp", -1: None}[p["Protocol"]],
                                                   None if p["Egress"] else far, far if p["Egress"] else None, ports)
    assert all(n <= 39 for n in counts.values()), counts
    return {egress: [r for _, r in sorted(rules.items())] for egress, rules in lists.items()}


def read_group(text):
    template = json.loads(text)
    check_shape(template, CLOUDFORMATION)
    (resource,) = template["Resources"].values()
    check_shape(resource, GROUP)
    out = {}
    for key, outbound in (("SecurityGroupIngress", False), ("SecurityGroupEgress", True)):
        rules, counts = [], {4: 0, 6: 0}
        for p in resource["Properties"][key]:
            assert ("CidrIp" in p) != ("CidrIpv6" in p) and ("FromPort" in p) == ("ToPort" in p) == (p["IpProtocol"] != "-1"), p
            far = [net(p.get("CidrIp") or p["CidrIpv6"])]
            counts[far[0][0]] += 1
            ports = [(p["FromPort"], p["ToPort"])] if "FromPort" in p else None
            rules.append(Rule(True, None if p["IpProtocol"] == "-1" else p["IpProtocol"], None if outbound else far,
                              far if outbound else None, ports))
        assert all(n <= 60 for n in counts.values()), counts
        out[outbound] = rules
    assert out[True], "AWS would add a rule for everywhere"
    return out


# ---- Questions ------------------------------------------------------------------------------------------------------


def flows_of(rng, policy, rules, many):
    found = set()
    for segment in policy["segments"].values():
        for text in segment["networks"]:
            v, a, b = net(text)
            found |= {(v, a), (v, b), (v, a - 1), (v, b + 1), (v, rng.randint(a, b))}
    for group in policy["groups"].values():
        for host in group["hosts"]:
            v, a, b = net(host)
            found |= {(v, a - 1), (v, a), (v, b), (v, b + 1)}
    named = sorted(set(edges_of(rules)))
    found |= set(rng.sample(named, min(len(named), 60)))
    # IPv4-compatible IPv6 addresses are where PAN-OS mistakes one family for the other.
    found |= {(4, rng.randrange(1 << 32)) for _ in range(4)} | {(6, rng.randrange(1 << 128)) for _ in range(4)}
    by_version = {4: [], 6: []}
    for v, a in sorted(found):
        if 0 < a < (1 << (32 if v == 4 else 128)) - 1:
            address = ipaddress.IPv4Address(a) if v == 4 else ipaddress.IPv6Address(a)
            if not (v == 6 and address.ipv4_mapped):
                by_version[v].append(address)
    flows = []
    for addresses in by_version.values():
        for _ in range(many if addresses else 0):
            client, server = rng.choice(addresses), rng.choice(addresses)
            if client != server:
                protocol, port = rng.choice(PORTS)
                flows.append((protocol, client, server, port))
    return flows


def odd(target, flow):
    """What the dialect does not hold (docs/targets)."""
    return target == "pan-os" and any(a.version == 6 and int(a) < 1 << 32 for a in flow[1:3])


def ask_border(target, rules, flow, client_inside, server_inside):
    """What the file makes of a flow's first packet: True, False, None where nothing matches; and of its reply."""
    if target == "aws-nacl":
        protocol, client, server, _ = flow
        reply = (protocol, server, client, 50000)
        out, back = True, True
        if client_inside:
            out, back = out and first_match(rules[True], flow), back and first_match(rules[False], reply)
        if server_inside:
            out, back = out and first_match(rules[False], flow), back and first_match(rules[True], reply)
        assert back, f"the reply of {flow} is stopped"
        return out
    if target == "azure-nsg":
        asked = [r for r in rules if r.outbound == client_inside]
        return first_match(asked, flow)
    return first_match(rules, flow, panos_has if target == "pan-os" else within)


def check_border(sallyport, rng, target, path, border, policy, borders, policy_path, folder):
    with open(path, encoding="ascii") as text:
        content = text.read()
    with open(re.sub(r"\.(\w+)$", r"-rollback.\1", path), encoding="ascii") as text:
        rollback = text.read()
    if target == "azure-nsg":
        rules, name = read_azure(content)
        assert read_azure(rollback) == ([], name)
        flat = rules
    elif target == "aws-nacl":
        rules = read_nacl(content)
        flat = rules[True] + rules[False]
        tag = json.loads(content)["Resources"]["List"]["Properties"]["Tags"][0]["Value"]
        assert json.loads(rollback) == {"StackName": tag}
    else:
        read, back = {"pan-os": (read_panos, panos_rollback), "fortigate": (read_fortigate, fortigate_rollback)}[target]
        rules, made = read(content)
        assert back(rollback) == made, back(rollback) ^ made
        flat = rules
    flows = [f for f in flows_of(rng, policy, flat, 120) if not odd(target, f)]
    answers = explain(sallyport, policy_path, flows, folder)
    for flow, answer in zip(flows, answers):
        inside = [inside_of(policy, borders, border, end) for end in flow[1:3]]
        intent = answer["intent"]
        assert intent in ("allow", "allow-if-secure", "block", "ungoverned", "local"), answer
        if inside[0] == inside[1] or intent in ("local", "ungoverned"):
            # What is local is never forwarded: whether a list would stop it is nobody's business, but it may not open it.
            if intent == "local" or (target == "aws-nacl" and not any(inside)):
                continue
            expected = True if target == "aws-nacl" else None
        else:
            expected = intent != "block"
        got = ask_border(target, rules, flow, *inside)
        assert got == expected, f"{target}, {path}: {flow}: expected {expected} ({intent}), found {got}"
    return len(flows)


def check_groups(sallyport, rng, policy, policy_path, folder):
    root = os.path.join(folder, "out-aws-security-group")
    with open(os.path.join(root, "manifest.json"), encoding="utf-8") as text:
        classes = json.load(text)["classes"]
    asked = 0
    for one in classes:
        (path,) = [os.path.join(root, f) for f in one["files"] if f.endswith("/group.json")]
        with open(path, encoding="ascii") as text:
            group = read_group(text.read())
        members = [net(m) for m in one["members"]]
        flat = group[False] + group[True]
        flows = [f for f in flows_of(rng, policy, flat, 400) if within(members, f[1]) or within(members, f[2])]
        for flow, answer in zip(flows, explain(sallyport, policy_path, flows, folder)):
            sides = {s["side"]: s["decision"] for s in answer["sides"]}
            for end, side, outbound in ((1, "client-outbound", True), (2, "server-inbound", False)):
                if not within(members, flow[end]) or side not in sides:
                    continue
                got = bool(first_match(group[outbound], flow))
                asked += 1
                assert got == (sides[side] == "allow"), f"{path}: {flow}: {side} {sides[side]}, found {got}"
    return asked


def small_policy(rng):
    """One that lists of a few dozen entries can hold: segments as a whole, and single peers."""
    segments = {"clients": {"networks": ["10.10.0.0/24", "2001:db8:10::/64"], "trust": "managed"},
                "cloud": {"networks": ["10.20.0.0/24", "10.20.8.0/23", "2001:db8:20::/64"][: rng.randint(1, 3)], "trust": "managed",
                          "border": "enforced"},
                "guests": {"networks": ["192.0.2.0/25"], "trust": "untrusted"}}
    names = list(segments) + ["10.10.0.0/27", "10.9.0.0/16"]
    allow = []
    for _ in range(rng.randint(0, 4)):
        a = rng.sample(names, rng.randint(1, 2))
        allow.append({"from": a, "to": "cloud", "service": rng.sample(["smb", "netbios", "spool"], rng.randint(1, 2))}
                     if rng.random() < 0.6 else {"from": "cloud", "to": a, "service": "smb"})
    return {"version": 1, "govern": ["smb", "netbios", "spool"], "lifeline": {"off": "a test"}, "segments": segments, "groups": {},
            "allow": allow, "services": {"spool": ["tcp/8000-8010", "udp/8010"]}}, ["cloud"]


ENDINGS = {"pan-os": "set", "fortigate": "conf", "azure-nsg": "json", "aws-nacl": "json"}
REFUSAL = re.compile(r"(rule|border|class) \S+: .* cannot be expressed by target (aws-nacl|aws-security-group)\b.*nothing is written")


def compile_one(sallyport, target, path, folder):
    """False when it is refused."""
    out = os.path.join(folder, "out-" + target)
    done = subprocess.run([sallyport, "compile", "--policy", path, "--target", target, "-o", out], capture_output=True, text=True,
                          check=False)
    if done.returncode == 2 and target.startswith("aws-") and REFUSAL.search(done.stderr):
        assert not os.path.exists(out)
        return False
    if done.returncode == 2 and target == "aws-security-group" and 'action "allow-if-secure" cannot be expressed' in done.stderr:
        return False
    if done.returncode == 2 and "the policy has none" in done.stderr:
        return False
    assert done.returncode == 0, f"compile {target}: {done.returncode}: {done.stderr}{done.stdout}"
    return True


def one(sallyport, seed, folder, tally):
    rng = random.Random(seed)
    policy, borders = random_policy(rng) if seed % 2 else small_policy(rng)
    path = os.path.join(folder, "policy.yaml")
    with open(path, "w", encoding="ascii") as out:
        json.dump(policy, out)
    for target in list(ENDINGS) + ["aws-security-group"]:
        made = compile_one(sallyport, target, path, folder)
        counts = tally.setdefault(target, [0, 0, 0])
        counts[0 if made else 1] += 1
        if not made:
            continue
        if target == "aws-security-group":
            counts[2] += check_groups(sallyport, rng, policy, path, folder)
            continue
        for border in list(borders) + (["internet"] if "perimeter" in policy else []):
            file = os.path.join(folder, "out-" + target, target, f"border-{border}.{ENDINGS[target]}")
            counts[2] += check_border(sallyport, rng, target, file, border, policy, borders, path, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sallyport")
    parser.add_argument("--policies", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    passed = failed = 0
    tally = {}
    for seed in range(args.seed, args.seed + args.policies):
        with tempfile.TemporaryDirectory() as folder:
            try:
                one(os.path.abspath(args.sallyport), seed, folder, tally)
                passed += 1
            except AssertionError as error:
                failed += 1
                print(f"seed {seed}: {error}", file=sys.stderr)
    for target, (made, refused, asked) in tally.items():
        print(f"{target}: {made} policies written, {refused} refused, {asked} flows asked")
        # A dialect that always refuses would pass unasked.
        failed += not asked
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
