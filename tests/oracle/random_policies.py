#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random valid policies of the address-only grammar, and questions that sit where rules meet.

The same seed gives the same bytes. Every policy must be accepted by the program: what `check` calls an error is
avoided here (host bits, networks in two segments, groups that disagree, ungoverned services in an entry). Most
policies have no lifeline; `explain` answers all the same.
"""
import argparse
import datetime
import ipaddress
import json
import os
import random
import sys
import zoneinfo

from policy_oracle import Scene

PROFILES = ("domain", "private", "public")
MODES = ("enforce", "block-inbound", "block-all", "off")
WORDS = ("any", "managed", "untrusted", "unknown", "internet")
ROOTS = (  # none of them meets a local range, so any may be a segment
    "10.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "203.0.113.0/24", "198.51.100.0/24",
    "8.0.0.0/6", "64.0.0.0/3", "fd00::/8", "fc00::/7", "2001:db8::/32", "2001:db8::/32", "2a00:1450::/32", "2000::/3",
    "64:ff9b::a00:0/104")
WIDE = ("0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "8.0.0.0/5", "fc00::/6", "2000::/3", "10.0.0.0/7", "fe80::/9",
        "169.254.0.0/15", "224.0.0.0/3", "::/64")
SPECIAL = (
    "127.0.0.1", "127.255.255.255", "126.255.255.255", "128.0.0.0", "::1", "::2", "169.254.0.0", "169.254.255.255",
    "169.253.255.255", "169.255.0.0", "fe80::1", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::1",
    "fe7f:ffff::1", "223.255.255.255", "224.0.0.0", "239.255.255.250", "239.255.255.255", "240.0.0.0", "ff02::1", "ff00::",
    "feff:ffff::1", "255.255.255.255", "255.255.255.254", "0.0.0.0", "0.0.0.1", "0.255.255.255", "1.0.0.0", "::",
    "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0", "172.15.255.255", "172.16.0.0", "172.31.255.255",
    "172.32.0.0", "192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0", "100.63.255.255", "100.64.0.0",
    "100.127.255.255", "100.128.0.0", "fbff:ffff::1", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::",
    "64:ff9b::", "64:ff9b::ffff:ffff", "64:ff9b::1:0:0", "64:ff9a:ffff::1", "64:ff9b:1::1", "8.8.8.8", "1.1.1.1",
    "192.0.2.1", "198.18.0.1", "2001:4860:4860::8888", "2002:a00:1::1", "3fff:ffff::1", "4000::", "::10.0.0.1",
    "::fffe:a00:1", "::ffff:127.0.0.1", "::ffff:169.254.3.3", "::ffff:8.8.8.8")
BUILTIN = ("smb", "netbios", "rpc", "rdp", "winrm", "ssh", "nfs")
PORTS = {
    "smb": ["tcp/445"], "netbios": ["tcp/139", "udp/137", "udp/138"], "rpc": ["tcp/135"], "rdp": ["tcp/3389", "udp/3389"],
    "winrm": ["tcp/5985", "tcp/5986"], "ssh": ["tcp/22"], "nfs": ["tcp/2049", "udp/2049", "tcp/111", "udp/111"]}
UNLISTED = ("udp/445", "tcp/137", "udp/139", "tcp/4455", "tcp/49152", "udp/22", "tcp/446", "tcp/444", "tcp/5987", "tcp/65535")
EXTENSION = (("printing", ["tcp/9100"], ["tcp/9100"]),
             ("scan-out", ["tcp/5000-5010"], ["tcp/5000", "tcp/5005", "tcp/5010"]),
             ("Backup_2", ["tcp/9392", "tcp/9401-9402", "udp/9392"], ["tcp/9392", "tcp/9401", "tcp/9402", "udp/9392"]))
NEAR_EXTENSION = ("tcp/9100", "udp/9100", "tcp/5000", "tcp/4999", "tcp/5010", "tcp/5011", "udp/5005", "tcp/9402", "udp/9401")
SEGMENT_NAMES = ("clients", "servers", "vpn", "guest-wifi", "dmz", "Lab_2", "branch", "cloud", "voice", "old-site")
GROUP_NAMES = ("domain-controllers", "file-servers", "nas", "it-admins", "printers", "cluster-a", "apps", "kiosks")


def parse(text):
    net = ipaddress.ip_network(text)
    return net.version, int(net.network_address), net.prefixlen


def show_address(version, value):
    return str(ipaddress.IPv4Address(value) if version == 4 else ipaddress.IPv6Address(value))


def show(prefix):
    version, value, length = prefix
    return f"{show_address(version, value)}/{length}"


def bits(prefix):
    return 32 if prefix[0] == 4 else 128


def last(prefix):
    return prefix[1] + (1 << (bits(prefix) - prefix[2])) - 1


def overlap(a, b):
    return a[0] == b[0] and a[1] <= last(b) and b[1] <= last(a)


class Maker:
    """One random policy and its questions. What must not be left to luck in forty policies goes by the index."""

    def __init__(self, rng, index=0, nat=False):
        self.rng, self.index, self.nat = rng, index, nat
        self.networks = []    # prefixes of segments
        self.prefixes = []    # every prefix of the policy, as (version, value, length)
        self.resolved = {}    # item → the prefixes behind it
        self.policy = {"version": 1}

    def chance(self, p):
        return self.rng.random() < p

    # Prefixes

    def deeper(self, prefix, least=1):
        """A random prefix inside, `least` or more bits longer; its edges are as likely as its middle."""
        version, value, length = prefix
        room = bits(prefix) - length
        if room < least:
            return prefix
        more = self.rng.choice((room, self.rng.randint(least, room), self.rng.randint(least, min(room, 8)),
                                self.rng.randint(least, min(room, 16))))
        rest = bits(prefix) - length - more
        index = self.rng.choice((0, (1 << more) - 1, self.rng.getrandbits(more) if more else 0,
                                 self.rng.getrandbits(more) if more else 0))
        return version, value + (index << rest), length + more

    def any_prefix(self):
        """A prefix near what there is: inside, equal to, around or beside a known one."""
        r = self.rng.random()
        if r < 0.6 and self.prefixes:
            return self.deeper(self.rng.choice(self.prefixes), 0)
        if r < 0.72 and self.prefixes:
            version, value, length = self.rng.choice(self.prefixes)
            shorter = max(0, length - self.rng.randint(1, 6))
            size = (32 if version == 4 else 128) - shorter
            return version, value >> size << size, shorter
        if r < 0.82:
            return parse(self.rng.choice(WIDE))
        return self.deeper(parse(self.rng.choice(ROOTS)), 0)

    def text(self, prefix, host_without_length=True):
        """As a member or literal; a single address mostly without its length, some IPv4 as mapped addresses."""
        if prefix[2] == bits(prefix) and host_without_length and self.chance(0.8):
            if prefix[0] == 4 and self.chance(0.08):
                return "::ffff:" + show_address(4, prefix[1])
            return show_address(prefix[0], prefix[1])
        return show(prefix)

    # Parts

    def profiles(self):
        return {p: self.rng.choice(MODES) for p in self.rng.sample(PROFILES, self.rng.choice((1, 1, 2, 3)))}

    def make_segments(self):
        segments = {}
        for name in self.rng.sample(SEGMENT_NAMES, self.rng.randint(2, 7)):
            nets = []
            for _ in range(self.rng.choice((1, 1, 2, 2, 3))):
                if self.networks and self.chance(0.55):
                    net = self.deeper(self.rng.choice(self.networks))
                else:
                    net = self.deeper(parse(self.rng.choice(ROOTS)), 0)
                if net not in self.networks:
                    self.networks.append(net)
                    nets.append(net)
            segment = {"networks": [show(n) for n in nets], "trust": "managed" if self.chance(0.72) else "untrusted"}
            if self.chance(0.35):
                segment["border"] = "enforced"
            if self.chance(0.4):
                segment["profiles"] = self.profiles()
            if self.nat and self.chance(0.4):
                segment["nat"] = [self.text(self.any_prefix())]
            segments[name] = segment
            self.prefixes += nets
            self.resolved[name] = nets
        self.policy["segments"] = segments

    def make_groups(self):
        groups, made = {}, []
        for name in self.rng.sample(GROUP_NAMES, self.rng.choice((0, 2, 3, 4, 5, 6))):
            hosts = []
            for _ in range(self.rng.choice((0, 1, 2, 2, 3, 4))):
                host = self.deeper(self.rng.choice(self.networks), 0) if self.chance(0.4) else self.any_prefix()
                if host[2] < 4 and self.chance(0.7):
                    host = self.deeper(host, 4)
                if host not in hosts:
                    hosts.append(host)
            group = {"hosts": [self.text(h) for h in hosts]}
            if self.chance(0.6):
                group["role"] = self.rng.choice(("domain-controller", "file-server", "print-server", "cluster",
                                                 "management", "management"))
            if self.chance(0.3):
                group["managed"] = self.chance(0.2)
            if self.chance(0.4):
                agreed = self.agree(hosts, self.profiles(), made)
                if agreed:
                    group["profiles"] = agreed
            if self.nat and self.chance(0.4):
                group["vip"] = [self.text(self.any_prefix())]
            made.append((hosts, group.get("profiles", {})))
            groups[name] = group
            self.prefixes += hosts
            self.resolved[name] = hosts
        if groups or self.chance(0.3):
            self.policy["groups"] = groups

    def agree(self, hosts, profiles, made):
        """Groups that share a machine must not name different modes for a profile."""
        agreed = {}
        for profile, mode in profiles.items():
            others = {p[profile] for h, p in made if profile in p and any(overlap(a, b) for a in hosts for b in h)}
            if not others:
                agreed[profile] = mode
            elif len(others) == 1:
                agreed[profile] = others.pop()
        return agreed

    def make_services(self):
        chosen = [e for e in EXTENSION if self.chance(0.5)] if self.chance(0.4) else []
        self.ports = dict(PORTS)
        for name, ports, asked in chosen:
            self.policy.setdefault("services", {})[name] = ports
            self.ports[name] = asked
        if self.chance(0.35):
            self.governed = ["smb", "netbios"]
            return
        every = list(BUILTIN) + [e[0] for e in chosen]
        self.governed = self.rng.sample(every, self.rng.choice((0, 1, 1, 2, 2, 3, 4)) if self.chance(0.6) else 1)
        if "smb" not in self.governed and self.chance(0.7):
            self.governed.insert(0, "smb")
        for name, _, _ in chosen:
            if name not in self.governed and self.chance(0.6):
                self.governed.append(name)
        self.policy["govern"] = self.governed

    def item(self, words=WORDS):
        r = self.rng.random()
        if r < 0.33:
            return self.rng.choice(list(self.policy["segments"]))
        if r < 0.55 and self.policy.get("groups"):
            return self.rng.choice(list(self.policy["groups"]))
        if r < 0.8:
            return self.rng.choice(words)
        prefix = self.any_prefix()
        self.prefixes.append(prefix)
        text = self.text(prefix)
        self.resolved[text] = [prefix]
        return text

    def side(self, words=WORDS):
        items = list(dict.fromkeys(self.item(words) for _ in range(self.rng.choice((1, 1, 1, 2, 2, 3)))))
        if self.chance(0.02):
            return []
        return items[0] if len(items) == 1 and self.chance(0.6) else items

    def service(self):
        names = self.rng.sample(self.governed, min(len(self.governed), self.rng.choice((1, 1, 1, 2, 3))))
        return names[0] if len(names) == 1 and self.chance(0.7) else names

    def make_allow(self):
        self.entries = []
        secure_rate = (0.0, 0.4, 0.75, 0.5)[self.index % 4]
        for i in range(self.rng.choice((1, 3, 4, 5, 6, 8, 10)) if self.governed and self.chance(0.97) else 0):
            entry = {"name": f"entry {i + 1}", "from": self.side(), "to": self.side(), "service": self.service()}
            if self.chance(secure_rate):
                entry["secure"] = self.rng.choice(("none", "none", "kerberos", "kerberos", "certificate"))
            if self.chance(0.4):
                ends = self.rng.choice((("from",), ("to",), ("from", "to")))
                entry["except"] = {end: self.side() for end in ends}
            self.entries.append(entry)
        if self.entries or self.chance(0.5):
            self.policy["allow"] = self.entries

    def make_perimeter(self):
        if self.index % 5 in (1, 3):
            return
        entries = []
        for _ in range(self.rng.choice((0, 1, 2, 2, 3, 4)) if self.governed else 0):
            direction = self.rng.choice(("inbound", "outbound"))
            edge = self.side(("internet", "internet", "untrusted", "any", "any", "unknown"))
            inner = self.side()
            entries.append({"direction": direction, "service": self.service(),
                            "from": inner if direction == "outbound" else edge,
                            "to": edge if direction == "outbound" else inner})
        self.policy["perimeter"] = entries
        self.entries = self.entries + entries

    def make_rest(self):
        policy, groups = self.policy, self.policy.get("groups", {})
        if self.chance(0.5):
            policy["profiles"] = self.profiles()
        if self.index % 3 == 1:
            policy["windows"] = {"strategy": "secure-bypass"}
        elif self.chance(0.4):
            policy["windows"] = {"strategy": "scoped-block"}
        if self.chance(0.3):
            policy["organisation"] = "Contoso"
        if self.chance(0.2):
            policy["domains"] = [{"name": "contoso.com", "sid": "S-1-5-21-1-2-3"}]
        if self.chance(0.2):
            policy["lifeline"] = {"off": "a test of meaning"}
        if groups and self.chance(0.2):  # the decision knows no rings
            policy["rings"] = [{"name": "first", "members": [self.rng.choice(list(groups))], "soak": "2d"},
                               {"name": "broad", "members": "all"}]
        if self.governed and self.chance(0.2):  # nor assertions
            segments = list(policy["segments"])
            policy["assert"] = [{"never": {"from": "untrusted", "to": self.rng.choice(segments), "service": self.governed[0]}}]

    def make(self):
        self.make_segments()
        self.make_groups()
        self.make_services()
        self.make_allow()
        self.make_perimeter()
        self.make_rest()
        self.entries = list(self.entries)  # more will come that are no lines of the policy
        if self.chance(0.5):  # the order of the keys of the file means nothing
            names = list(self.policy)
            self.rng.shuffle(names)
            self.policy = {n: self.policy[n] for n in names}

    # The scene: when, up to which ring, with which exceptions; and members that nobody knows

    def make_unknown(self):
        """Groups of the directory, whose computers no workspace names; and hosts that were never seen."""
        self.policy.setdefault("groups", {})
        for name, members in (("directory", [{"ad-group": "Lost PCs"}]), ("unseen", ["fs09.contoso.com"])):
            kept = [p for p in (self.deeper(self.rng.choice(self.networks), 0),) if self.chance(0.5)]
            self.policy["groups"][name] = {"hosts": members + [self.text(p) for p in kept]}
            self.resolved[name] = kept
        for entry in self.entries:
            end = self.rng.choice(("from", "to"))
            r = self.rng.random()
            if r < 0.4:
                side = entry[end] if isinstance(entry[end], list) else [entry[end]]
                added = self.rng.choice(("directory", "directory", "unseen"))
                entry[end] = [added] if self.chance(0.5) else list(dict.fromkeys(side + [added]))
            elif r < 0.6 and "direction" not in entry:
                excepted = dict(entry.get("except", {}))
                excepted[end] = self.rng.choice(("directory", "directory", "unseen"))
                entry["except"] = excepted

    def make_rings(self):
        segments, groups = list(self.policy["segments"]), list(self.policy.get("groups", {}))
        names, rings = ["first", "pilot", "Ring_3", "late"], []
        for name in names[:self.rng.choice((1, 2, 3, 4))]:
            r = self.rng.random()
            if r < 0.45:
                members = {"segment": self.rng.sample(segments, min(len(segments), self.rng.choice((1, 2))))}
                if groups and self.chance(0.3):
                    members["group"] = self.rng.choice(groups)
                members["percent"] = self.rng.choice((5, 30, 50, 50, 80, 100))
            elif r < 0.55:
                members = "all"
            else:
                pool = segments + groups + groups
                members = self.rng.sample(pool, min(len(pool), self.rng.choice((1, 2))))
                if self.chance(0.4):
                    prefix = self.any_prefix()
                    members.append(self.text(prefix))
            rings.append({"name": name, "members": members})
        self.policy["rings"] = rings
        return self.rng.choice(rings)["name"]

    def make_exceptions(self):
        """Records around one instant: alive from or until that very microsecond, that day, or not at all."""
        zone = self.rng.choice(("UTC", "Europe/Berlin", "America/Havana", "Asia/Kathmandu", "America/St_Johns"))
        if zone != "UTC" or self.chance(0.5):
            self.policy["timezone"] = zone
        day = self.rng.choice((datetime.date(2026, 3, 8), datetime.date(2026, 3, 29), datetime.date(2026, 10, 25),
                               datetime.date(2026, 11, 1), datetime.date(2026, 12, 31), datetime.date(2028, 2, 28)))
        start = datetime.datetime(day.year, day.month, day.day, tzinfo=zoneinfo.ZoneInfo(zone))
        if self.chance(0.2):
            return self.records(start, day), str(day)
        offset = self.rng.choice((0, 0, -1, 1, 43200 * 10**6, self.rng.randint(-10**11, 10**11)))
        now = start.astimezone(datetime.timezone.utc) + datetime.timedelta(microseconds=offset)
        return self.records(now, day), instant(now)

    def records(self, now, day):
        records = []
        now = now.astimezone(datetime.timezone.utc)
        for i in range(self.rng.choice((3, 6, 10)) if self.governed else 0):
            record = {"id": f"EX-{i + 1}", "from": self.side(), "to": self.side(), "service": self.service()}
            if self.chance(0.3):
                record["secure"] = self.rng.choice(("none", "kerberos", "certificate"))
            record.update(owner="alice", reason="a test", approver=self.rng.choice(("bob", ["bob", "carol"])))
            step = datetime.timedelta(microseconds=1)
            starts = self.rng.choice((None, None, now, now + step, now - step, day, day + datetime.timedelta(1)))
            expires = self.rng.choice((now, now + step, now - step, day, day, day - datetime.timedelta(1),
                                       now + datetime.timedelta(30), now + datetime.timedelta(30)))
            if starts is not None and not self.before(starts, expires):
                starts = None
            if starts is not None:
                record["starts"] = self.when(starts)
            record["expires"] = self.when(expires)
            records.append(record)
            self.entries.append(record)
        return records

    def before(self, starts, expires):
        """A start that is not before its end is an error of the file; two days apart nothing is in doubt."""
        def moment(t):
            day = t if isinstance(t, datetime.datetime) else datetime.datetime(t.year, t.month, t.day)
            return day.replace(tzinfo=datetime.timezone.utc)
        if isinstance(starts, datetime.datetime) == isinstance(expires, datetime.datetime):
            return starts < expires or (starts == expires and not isinstance(starts, datetime.datetime))
        return moment(expires) - moment(starts) > datetime.timedelta(2)

    def when(self, t):
        if not isinstance(t, datetime.datetime):
            return str(t)
        if self.chance(0.5):
            t = t.astimezone(datetime.timezone(datetime.timedelta(minutes=self.rng.choice((-570, 60, 345)))))
        return instant(t)

    # Questions

    def near(self, prefix):
        """An address at, in or just outside a prefix."""
        version, first, _ = prefix
        end = last(prefix)
        value = self.rng.choice((first, first + 1, end, end - 1, first - 1, end + 1, self.rng.randint(first, end),
                                 self.rng.randint(first, end)))
        top = (1 << bits(prefix)) - 1
        return version, min(max(value, 0), top)

    def make_pool(self):
        pool = [self.near(self.rng.choice(self.prefixes)) for _ in range(60)]
        for prefix in self.networks:
            pool += [(prefix[0], prefix[1]), (prefix[0], last(prefix))]
        for text in self.rng.sample(SPECIAL, 18):
            ip = ipaddress.ip_address(text)
            pool.append((ip.version, int(ip)))
        for root in self.rng.sample(ROOTS, 4):
            pool.append(self.near(parse(root)))
        self.pool = pool

    def of_word(self, word):
        trusts = {n: s["trust"] for n, s in self.policy["segments"].items()}
        if word in ("managed", "untrusted", "any"):
            names = [n for n, t in trusts.items() if (word == "any" or t == word) and self.resolved[n]]
            if names and self.chance(0.7):
                return self.near(self.rng.choice(self.resolved[self.rng.choice(names)]))
        if word in ("unknown", "any"):
            return parse(self.rng.choice(("10.255.255.254", "172.31.9.9", "192.168.77.1", "100.127.1.2", "fdff::9",
                                          "64:ff9b::808:808")))[:2]
        return parse(self.rng.choice(("8.8.8.8", "1.0.0.1", "203.0.113.200", "2600::1", "2a00:1450::99", "240.0.0.1")))[:2]

    def of_side(self, side):
        items = side if isinstance(side, list) else [side]
        if not items:
            return self.rng.choice(self.pool)
        item = self.rng.choice(items)
        if item in WORDS:
            return self.of_word(item)
        return self.near(self.rng.choice(self.resolved[item])) if self.resolved[item] else self.rng.choice(self.pool)

    def ends(self):
        if self.entries and self.chance(0.75):
            entry = self.rng.choice(self.entries)
            ends = [self.of_side(entry["from"]), self.of_side(entry["to"])]
            for i, end in enumerate(("from", "to")):
                if end in entry.get("except", {}) and self.chance(0.4):
                    ends[i] = self.of_side(entry["except"][end])
            if self.chance(0.1):
                ends.reverse()
            if self.chance(0.15):
                ends[self.rng.randrange(2)] = self.rng.choice(self.pool)
            return ends
        client = self.rng.choice(self.pool)
        return [client, client if self.chance(0.05) else self.rng.choice(self.pool)]

    def question_text(self, address):
        """Canonical mostly; sometimes another spelling of the same address."""
        version, value = address
        if version == 4:
            if self.chance(0.07):
                return f"::ffff:{show_address(4, value)}"
            if self.chance(0.03):
                return f"::FFFF:{value >> 16:x}:{value & 0xFFFF:04X}"
            return show_address(4, value)
        if self.chance(0.08):
            return ipaddress.IPv6Address(value).exploded.upper()
        return show_address(6, value)

    def bad_line(self):
        c, s = (self.question_text(a) for a in self.ends())
        return self.rng.choice((
            f"10.0.0.256 {s} smb domain", f"{c} 10.0.0.0/8 smb domain", f"{c} :::1 smb domain", f"{c} {s} no-such-service domain",
            f"{c} {s} tcp/65536 domain", f"{c} {s} sctp/445 domain", f"{c} {s} smb work", f"{c} {s} tcp/ domain",
            f"{c} {s} smb domain extra", f"1.2.3 {s} smb domain"))

    def question(self):
        if self.chance(0.01):
            return self.bad_line()
        client, server = self.ends()
        r = self.rng.random()
        if r < 0.85 and self.governed:
            name = self.rng.choice(self.governed)
            service = self.rng.choice(self.ports[name]) if self.chance(0.35) else name
        elif r < 0.93:
            name = self.rng.choice(list(self.ports))
            service = self.rng.choice(self.ports[name] + [name])
        elif r < 0.965:
            service = self.rng.choice(UNLISTED)
        else:
            service = self.rng.choice(NEAR_EXTENSION)
        profile = self.rng.choice(("domain", "domain", "private", "public"))
        return f"{self.question_text(client)} {self.question_text(server)} {service} {profile}"

    def questions(self, count):
        self.make_pool()
        return [self.question() for _ in range(count)]


# --------------------------------------------------------------------------------------------- writing YAML


def scalar(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return json.dumps(text) if ":" in text else text


def flow(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(v) for v in value) + "]"
    return scalar(value)


def block(value, indent, flow_from):
    """Lines of a map in block style; below depth flow_from everything is in flow style."""
    pad, lines = "  " * indent, []
    for key, v in value.items():
        if isinstance(v, dict) and v and indent < flow_from:
            lines += [f"{pad}{key}:"] + block(v, indent + 1, flow_from)
        elif isinstance(v, list) and v and indent < flow_from:
            lines.append(f"{pad}{key}:")
            for item in v:
                if isinstance(item, dict) and indent + 1 < flow_from:
                    inner = block(item, indent + 2, flow_from)
                    lines.append(f"{pad}  - {inner[0].lstrip()}")
                    lines += inner[1:]
                else:
                    lines.append(f"{pad}  - {flow(item)}")
        else:
            lines.append(f"{pad}{key}: {flow(v)}")
    return lines


def write_policy(policy, rng):
    style = rng.choice(("rows", "rows", "block", "flow", "json"))
    if style == "json":
        return json.dumps(policy, indent=rng.choice((None, 2))) + "\n"
    if style == "flow":
        return flow(policy) + "\n"
    return "\n".join(["# a random policy"] + block(policy, 0, 1 if style == "rows" else 9)) + "\n"


def instant(t):
    text = t.isoformat(timespec="microseconds")
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def generate(seed, index, questions, nat=False):
    """(text of the policy, list of questions, scene) number `index` of a seed."""
    rng = random.Random(f"{seed}/{index}/{int(nat)}")
    maker = Maker(rng, index, nat)
    maker.make()
    scene = Scene()
    if index % 4 == 3:
        maker.make_unknown()
    if index % 2 == 0:
        records, scene.as_of_text = maker.make_exceptions()
        scene.exceptions = write_policy({"exceptions": records}, rng)
    if index % 3 == 1 or index % 8 == 3:
        scene.ring = maker.make_rings()
    return write_policy(maker.policy, rng), maker.questions(questions), scene


def main():
    ap = argparse.ArgumentParser(description="writes random policies and questions")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--policies", type=int, default=40)
    ap.add_argument("--questions", type=int, default=400)
    ap.add_argument("--out", required=True)
    ap.add_argument("--nat", action="store_true", help="also `nat` and `vip`")
    args = ap.parse_args()
    for i in range(args.policies):
        policy, questions, scene = generate(args.seed, i, args.questions, args.nat)
        folder = os.path.join(args.out, f"{i:03}")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "policy.yaml"), "w", encoding="utf-8") as f:
            f.write(policy)
        with open(os.path.join(folder, "questions.txt"), "w", encoding="utf-8") as f:
            f.write("".join(q + "\n" for q in questions))
        if scene.exceptions is not None:
            with open(os.path.join(folder, "exceptions.yaml"), "w", encoding="utf-8") as f:
                f.write(scene.exceptions)
        options = {"--as-of": scene.as_of_text, "--ring": scene.ring}
        print(folder, *(f"{k} {v}" for k, v in options.items() if v))
    return 0


if __name__ == "__main__":
    sys.exit(main())
