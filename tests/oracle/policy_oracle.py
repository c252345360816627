#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second, independent reading of the meaning of a policy (DESIGN.md §4 and §7).

It shares no code with the program and was written from the text alone, so that a difference between the two is
a mistake in one of them or an ambiguity of the text; README.md numbers the readings ("R12" below refers to it).

A question is `client server service profile`; the answer is one JSON object a line. Host names, AD groups and the
ledger need data that is not in the file, so policies here hold addresses and prefixes only.

A *mutant* is this reading with exactly one rule broken. Each stands in MUTANTS and is asked for, by name, at the one
place where its rule is applied.
"""
import argparse
import datetime
import hashlib
import ipaddress
import json
import re
import sys
import zoneinfo

import yaml

PROFILES = ("domain", "private", "public")
MODES = ("enforce", "block-inbound", "block-all", "off")
RESERVED = ("any", "internet", "unknown", "managed", "untrusted", "all")
WORDS = frozenset(("any", "internet", "unknown", "managed", "untrusted"))
ROLES = ("domain-controller", "file-server", "print-server", "cluster", "management")
ROLES_THAT_ENFORCE = frozenset(("domain-controller", "file-server", "print-server", "cluster"))
DEFAULT_MODES = {"domain": "enforce", "private": "block-inbound", "public": "block-all"}
DEFAULT_GOVERN = ["smb", "netbios"]
BUILTIN_SERVICES = {
    "smb": ["tcp/445"],
    "netbios": ["tcp/139", "udp/137", "udp/138"],
    "rpc": ["tcp/135"],
    "rdp": ["tcp/3389", "udp/3389"],
    "winrm": ["tcp/5985", "tcp/5986"],
    "ssh": ["tcp/22"],
    "nfs": ["tcp/2049", "udp/2049", "tcp/111", "udp/111"],
}
HOST = re.compile(r"[A-Za-z][A-Za-z0-9-]*(\.[A-Za-z0-9-]+)*\Z")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")
PORT = re.compile(r"(tcp|udp)/([1-9][0-9]{0,4})\Z")
PORTS = re.compile(r"(tcp|udp)/([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?\Z")

MUTANTS = {
    # Where an address lives
    "longest-prefix-ignored": "the shortest matching prefix decides where an address lives",
    "segment-includes-nested": "`from: SEG` also takes addresses that live in a segment nested in it",
    "unknown-as-internet": "private addresses in no segment are `internet`",
    "unknown-lacks-shared": "100.64/10 in no segment is `internet`",
    "unknown-lacks-nat64": "64:ff9b::/96 in no segment is `internet`",
    "unknown-lacks-ula": "fc00::/7 in no segment is `internet`",
    "local-not-special": "local addresses are placed like any other",
    "multicast-not-local": "multicast is not `local`",
    "link-local-not-local": "link-local is not `local`",
    "this-network-local": "all of 0.0.0.0/8 is `local`, not 0.0.0.0 alone",
    "v4mapped-not-canonical": "::ffff:a.b.c.d stays an IPv6 address",
    # Sets
    "any-includes-internet": "`any` takes internet addresses too",
    "any-only-segments": "`any` leaves out `unknown`",
    "untrusted-without-internet": "`untrusted` leaves out `internet`",
    "untrusted-without-unknown": "`untrusted` leaves out `unknown`",
    "untrusted-segments-ignored": "`untrusted` leaves out the untrusted segments",
    "managed-word-drops-unmanaged": "`managed` leaves out hosts of `managed: false` groups",
    "group-containment-needs-segment": "a group's member counts only if it lives in a segment",
    "group-prefixes-ignored": "only single addresses of a group count",
    "literal-needs-segment": "a literal address or prefix matches only what lives in a segment",
    "prefix-last-address-lost": "a prefix does not contain its last address",
    "prefix-first-address-lost": "a prefix does not contain its first address",
    # Entries
    "except-ignored": "`except` is not read",
    "except-from-ignored": "`except.from` is not read",
    "except-to-ignored": "`except.to` is not read",
    "except-binds-all-entries": "an `except` binds every entry",
    "except-needs-both": "with both, `except` applies only to flows that match from and to",
    "service-of-entry-ignored": "an entry matches whatever service is asked",
    "secure-treated-as-allow": "`secure: kerberos` allows in clear",
    "certificate-treated-as-allow": "`secure: certificate` allows in clear",
    "secure-before-plain": "a matching secure entry beats a plain one",
    "strategy-default-ignored": "an entry without `secure:` is plain under secure-bypass too",
    "strategy-overrides-none": "secure-bypass also turns `secure: none` into kerberos",
    "strategy-binds-perimeter": "secure-bypass also binds perimeter entries",
    # The internet
    "internet-word-ignored": "an internet end matches an entry by membership, without the word",
    "internet-word-useless": "an internet end matches perimeter entries only",
    "internet-word-either-end": "the word at one end opens the internet at the other end too",
    "perimeter-entries-ignored": "perimeter entries are not read",
    "perimeter-direction-ignored": "a perimeter entry matches whichever end is internet",
    "perimeter-direction-swapped": "inbound is outbound and the reverse",
    "perimeter-both-ends-internet": "a perimeter entry matches internet to internet too",
    # Borders
    "border-ignored": "`border: enforced` is not read",
    "border-inside-blocked": "a border also blocks flows with both ends inside",
    "border-by-containment": "inside a border = in its networks, also when living in a nested segment",
    "border-sees-ipsec": "a border blocks an allow-if-secure flow that is not secured",
    "perimeter-presence-ignored": "the internet's border is enforced with or without `perimeter:`",
    "perimeter-border-missing": "the internet's border is never enforced",
    "perimeter-empty-is-absent": "`perimeter: []` counts as absent",
    # Enforcing
    "managed-false-ignored": "hosts of `managed: false` groups enforce",
    "untrusted-enforces": "machines in untrusted segments enforce",
    "inbound-only-enforced": "the client's side enforces nothing",
    "outbound-only-enforced": "the server's side enforces nothing",
    "one-end-suffices": "a flow passes if one enforcing end passes it",
    "nothing-enforces-blocks": "intent block never passes",
    "secured-never-passes": "allow-if-secure does not pass secured either",
    # Modes
    "block-inbound-ignored": "block-inbound works as enforce",
    "block-inbound-as-block-all": "block-inbound blocks outbound too",
    "block-all-as-enforce": "block-all works as enforce",
    "block-all-as-block-inbound": "block-all leaves outbound to the intent",
    "block-passes-secured": "a mode's block lets allow-if-secure pass secured",
    "off-as-enforce": "off works as enforce",
    "group-profiles-ignored": "a group's `profiles` are not read",
    "profiles-group-precedence-ignored": "a group's `profiles` come after role and segment",
    "role-profile-default-ignored": "roles name no modes",
    "role-cluster-ignored": "role cluster names no modes",
    "role-management-enforces": "role management names `enforce` too",
    "segment-before-role": "the segment's `profiles` come before roles",
    "segment-profiles-ignored": "a segment's `profiles` are not read",
    "segment-profiles-inherited": "a nested segment takes the outer one's `profiles`",
    "top-profiles-ignored": "the top level's `profiles` are not read",
    "top-before-segment": "the top level's `profiles` come before the segment's",
    "default-modes-enforce": "every profile's default is enforce",
    "profiles-whole-map": "the first map that names any profile decides all three",
    "profile-of-client-only": "the server is always in profile domain",
    # Services, self, govern
    "ungoverned-blocked": "an ungoverned service is judged like a governed one",
    "governed-before-local": "an ungoverned service is `ungoverned` even for self and local",
    "self-not-local": "a flow to oneself is judged like any other",
    "govern-default-smb-only": "without `govern:` only smb is governed",
    "services-extension-ignored": "`services:` adds nothing",
    "service-transport-ignored": "tcp and udp ports are one",
    "port-range-end-lost": "a port range does not contain its last port",
    # Exceptions
    "exceptions-ignored": "no exception opens anything",
    "expired-stays-open": "an exception lives on after its end",
    "starts-ignored": "an exception lives before its start",
    "expires-included": "an exception lives at the very instant it expires",
    "starts-excluded": "an exception does not live at the very instant it starts",
    "expires-same-day": "a date as `expires` is the midnight at which that day begins",
    "timezone-ignored": "a date's midnight is that of UTC",
    # Rings
    "ring-ignored": "every machine has the policy, whatever ring is asked",
    "ring-alone": "ring k enforces its own machines only",
    "ring-percent-ignored": "a percentage takes them all",
    "ring-percent-without-name": "the hash of a percentage does not know the ring's name",
    "ring-borders-wait": "borders do not hold while a ring is asked",
    "ring-rest-ignored": "`all` takes no machine",
    # Members that nobody knows
    "unknown-members-nobody": "a directory's group without addresses is empty",
    "unknown-members-everybody": "a directory's group without addresses is everybody",
    "unknown-except-nobody": "in `except`, a directory's group without addresses is empty",
    "unknown-at-internet": "an internet address may be of a directory's group, too",
    "unknown-outweighs": "what may match makes undecidable what another entry allows anyway",
    "unknown-host-undecidable": "a host name without addresses may be anybody",
}
NAT_MUTANTS = {
    "nat-ignored": "`nat` is not read",
    "vip-ignored": "`vip` is not read",
    "trust-without-nat": "`managed` and `untrusted` are without the `nat` of their segments",
}


class PolicyError(Exception):
    """The policy is not valid."""


class QuestionError(Exception):
    """The question is not one."""


# ---------------------------------------------------------------------------------------------- addresses


class Address:
    """One canonical address; there is exactly one object for each, so `is` compares."""

    __slots__ = ("family", "value", "text")
    made = {}

    def __init__(self, family, value):
        self.family, self.value = family, value
        self.text = str(ipaddress.IPv4Address(value) if family == 4 else ipaddress.IPv6Address(value))

    @classmethod
    def get(cls, family, value):
        address = cls.made.get((family, value))
        if address is None:
            address = cls.made[(family, value)] = cls(family, value)
        return address


def parse_address(text, mapped_is_v4=True):
    try:
        ip = ipaddress.ip_address(text.split("%", 1)[0] if ":" in text else text)
    except ValueError:
        raise QuestionError(f"not an address: {text}") from None
    if ip.version == 6 and ip.ipv4_mapped is not None and mapped_is_v4:
        ip = ip.ipv4_mapped
    return Address.get(ip.version, int(ip))


def parse_prefix(text):
    """(family, first, last, length) of an address or a prefix; host bits are an error."""
    try:
        net = ipaddress.ip_network(text, strict=True)
    except ValueError as e:
        raise PolicyError(f"{text}: {e}") from None
    first, length, bits = int(net.network_address), net.prefixlen, net.max_prefixlen
    if net.version == 6 and length >= 96 and first >> 32 == 0xFFFF:  # R2: a mapped prefix is the IPv4 prefix
        return 4, first & 0xFFFFFFFF, (first & 0xFFFFFFFF) + (1 << (128 - length)) - 1, length - 96
    return net.version, first, first + (1 << (bits - length)) - 1, length


def ranges(*prefixes):
    return [parse_prefix(p)[:3] for p in prefixes]


LOOPBACK = ranges("127.0.0.0/8", "::1")
LINK_LOCAL = ranges("169.254.0.0/16", "fe80::/10")
MULTICAST = ranges("224.0.0.0/4", "ff00::/8")
BROADCAST = ranges("255.255.255.255")
UNSPECIFIED = ranges("0.0.0.0", "::")
LOCAL = LOOPBACK + LINK_LOCAL + MULTICAST + BROADCAST + UNSPECIFIED
SHARED, NAT64, ULA = ranges("100.64.0.0/10"), ranges("64:ff9b::/96"), ranges("fc00::/7")
UNKNOWN = ranges("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16") + SHARED + ULA + NAT64


def within(address, where):
    return any(f == address.family and lo <= address.value <= hi for f, lo, hi in where)


# ------------------------------------------------------------------------------------------------- policy


class Side:
    """A union: `from`, `to`, `except.from` or `except.to` of one entry."""

    __slots__ = ("segments", "groups", "words", "literals")

    def __init__(self):
        self.segments, self.groups, self.words, self.literals = set(), set(), set(), 0

    def unknown(self, mutant):
        """Whether somebody nobody knows may be meant (R38)."""
        return any(g.directory or (g.nameless and mutant == "unknown-host-undecidable") for g in self.groups)


class Entry:
    __slots__ = ("bit", "kind", "from_", "to", "except_from", "except_to", "services", "secure", "starts", "expires")


class Ring:
    __slots__ = ("name", "rest", "side", "percent")


class Scene:
    """When, up to which ring, and with which exceptions a policy is asked. as_of is microseconds, as_of_text the option."""

    def __init__(self, as_of_text=None, ring=None, exceptions=None):
        self.as_of_text, self.ring, self.exceptions = as_of_text, ring, exceptions


EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def microseconds(text, zone, whole_day=False):
    """An instant, or the midnight of a date, the next day's if whole_day (R37)."""
    if DATE.match(text):
        day = datetime.datetime.fromisoformat(text) + datetime.timedelta(days=1 if whole_day else 0)
        at = day.replace(tzinfo=zoneinfo.ZoneInfo(zone))
    else:
        at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (at - EPOCH) // datetime.timedelta(microseconds=1)


class Segment:
    __slots__ = ("name", "networks", "trust", "border", "profiles", "nat")


class Group:
    __slots__ = ("name", "hosts", "singles", "managed", "role", "profiles", "vip", "directory", "nameless")


def as_list(value):
    return value if isinstance(value, list) else [value]


def need(condition, text):
    if not condition:
        raise PolicyError(text)


def keys(mapping, where, compulsory=(), optional=()):
    need(isinstance(mapping, dict), f"{where}: not a map")
    for key in mapping:
        need(key in compulsory or key in optional, f"{where}: unknown key {key}")
    for key in compulsory:
        need(key in mapping, f"{where}: {key} is missing")


class Policy:
    """The file, parsed and resolved; knows of no mutant. Prefixes are interned: a set of them is an integer whose
    bit i stands for self.prefixes[i]."""

    def __init__(self, text, exceptions=None):
        try:
            # Every scalar as the text it is: `off` is a mode, not a boolean.
            root = yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
        except yaml.YAMLError as e:
            raise PolicyError(f"YAML: {e}") from None
        keys(root, "policy", ("version", "segments"), (
            "organisation", "govern", "domains", "groups", "allow", "perimeter", "profiles", "windows", "rings",
            "assert", "hardening", "services", "lifeline", "timezone"))
        need(root["version"] == "1", "version is not 1")
        self.prefixes, self.prefix_bit = [], {}
        self.cover_cache = {}
        self.read_services(root)
        self.names = set(RESERVED)
        self.segments = {n: self.read_segment(n, s) for n, s in root["segments"].items()}
        self.groups = {n: self.read_group(n, g) for n, g in root.get("groups", {}).items()}
        self.check_networks()
        self.check_profiles_agree()
        self.top_profiles = self.read_profiles(root.get("profiles", {}), "profiles")
        windows = root.get("windows", {})
        keys(windows, "windows", (), ("strategy", "firewall"))
        self.strategy = windows.get("strategy", "scoped-block")
        need(self.strategy in ("scoped-block", "secure-bypass"), f"unknown strategy {self.strategy}")
        self.has_perimeter = "perimeter" in root
        self.entries = []
        for raw in root.get("allow", []):
            self.read_entry(raw, "allow")
        for raw in root.get("perimeter", []):
            self.read_entry(raw, None)
        self.timezone = root.get("timezone", "UTC")
        self.rings = [self.read_ring(raw) for raw in root.get("rings", [])]
        if exceptions is not None:
            records = yaml.load(exceptions, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
            keys(records, "exceptions", ("exceptions",))
            for raw in records["exceptions"]:
                self.read_exception(raw)

    # Prefixes

    def prefix(self, text):
        p = parse_prefix(text)
        bit = self.prefix_bit.get(p)
        if bit is None:
            bit = self.prefix_bit[p] = 1 << len(self.prefixes)
            self.prefixes.append(p)
        return bit

    def cover(self, address):
        """The set of the policy's prefixes that contain the address."""
        mask = self.cover_cache.get(address)
        if mask is None:
            mask, bit = 0, 1
            for family, lo, hi, _ in self.prefixes:
                if lo <= address.value <= hi and family == address.family:
                    mask |= bit
                bit <<= 1
            self.cover_cache[address] = mask
        return mask

    # Services

    def read_services(self, root):
        table = dict(BUILTIN_SERVICES)
        self.extension = set()
        for name, ports in root.get("services", {}).items():
            need(NAME.match(name), f"bad service name {name}")
            need(name not in table, f"service {name} is there already")
            table[name] = ports
            self.extension.add(name)
        self.service_ports, self.port_service, self.range_ends = table, {}, set()
        for name, ports in table.items():
            for text in as_list(ports):
                m = PORTS.match(text)
                need(m, f"bad port {text}")
                lo, hi = int(m[2]), int(m[3] or m[2])
                need(lo <= hi <= 65535, f"bad port range {text}")
                for port in range(lo, hi + 1):
                    need((m[1], port) not in self.port_service, f"{m[1]}/{port} is in two services")
                    self.port_service[(m[1], port)] = name
                if m[3]:
                    self.range_ends.add((m[1], hi))
        self.govern_given = "govern" in root
        self.govern = as_list(root.get("govern", DEFAULT_GOVERN))
        for name in self.govern:
            need(name in table, f"govern: unknown service {name}")

    # Segments, groups, profiles

    def declare(self, name):
        need(NAME.match(name), f"bad name {name}")
        need(name not in self.names, f"{name} is there already")
        self.names.add(name)

    def read_profiles(self, raw, where):
        keys(raw, where, (), PROFILES)
        for mode in raw.values():
            need(mode in MODES, f"{where}: unknown mode {mode}")
        return dict(raw)

    def read_segment(self, name, raw):
        self.declare(name)
        keys(raw, name, ("networks", "trust"), ("border", "profiles", "nat"))
        s = Segment()
        s.name, s.trust, s.border = name, raw["trust"], raw.get("border") == "enforced"
        need(s.trust in ("managed", "untrusted"), f"{name}: unknown trust {s.trust}")
        need(raw.get("border", "enforced") == "enforced", f"{name}: unknown border")
        s.networks = [self.prefix(p) for p in as_list(raw["networks"])]
        s.profiles = self.read_profiles(raw.get("profiles", {}), name)
        s.nat = sum({self.prefix(p) for p in as_list(raw.get("nat", []))})
        return s

    def read_group(self, name, raw):
        self.declare(name)
        keys(raw, name, ("hosts",), ("role", "managed", "profiles", "vip"))
        g = Group()
        g.name, g.role = name, raw.get("role")
        need(g.role is None or g.role in ROLES, f"{name}: unknown role {g.role}")
        need(raw.get("managed", "true") in ("true", "false"), f"{name}: managed is no boolean")
        g.managed = raw.get("managed", "true") == "true"
        hosts = as_list(raw["hosts"])
        g.directory = any(isinstance(h, dict) for h in hosts)
        names = [h for h in hosts if not isinstance(h, dict) and HOST.match(h)]
        g.nameless = bool(names)  # no workspace knows them: they hold no address
        bits = {self.prefix(h) for h in hosts if not isinstance(h, dict) and h not in names}
        g.hosts = sum(bits)
        g.singles = sum(b for b in bits if self.is_single(b))
        g.profiles = self.read_profiles(raw.get("profiles", {}), name)
        g.vip = sum({self.prefix(h) for h in as_list(raw.get("vip", []))})
        return g

    def is_single(self, bit):
        _, lo, hi, _ = self.prefixes[bit.bit_length() - 1]
        return lo == hi

    def check_networks(self):
        """One network in two segments, and local addresses in a segment, are errors."""
        seen = 0
        self.networks = []  # (length, bit, segment), longest first
        for s in self.segments.values():
            for bit in s.networks:
                family, lo, hi, length = self.prefixes[bit.bit_length() - 1]
                need(not seen & bit, f"{s.name}: a network is there twice")
                seen |= bit
                need(not any(f == family and lo <= h and l <= hi for f, l, h in LOCAL), f"{s.name}: holds local addresses")
                self.networks.append((length, bit, s))
        self.networks.sort(key=lambda n: -n[0])

    def overlap(self, a, b):
        pa = [p for i, p in enumerate(self.prefixes) if a >> i & 1]
        pb = [p for i, p in enumerate(self.prefixes) if b >> i & 1]
        return any(x[0] == y[0] and x[1] <= y[2] and y[1] <= x[2] for x in pa for y in pb)

    def check_profiles_agree(self):
        groups = list(self.groups.values())
        for i, a in enumerate(groups):
            for b in groups[:i]:
                for profile in a.profiles.keys() & b.profiles.keys():
                    need(a.profiles[profile] == b.profiles[profile] or not self.overlap(a.hosts, b.hosts),
                         f"groups {a.name} and {b.name} disagree on {profile}")

    # Entries

    def read_side(self, raw):
        side = Side()
        for item in as_list(raw):
            if item in self.segments:
                side.segments.add(self.segments[item])
            elif item in self.groups:
                side.groups.add(self.groups[item])
            elif item in WORDS:
                side.words.add(item)
            else:
                side.literals |= self.prefix(item)
        return side

    def read_ring(self, raw):
        keys(raw, "ring", ("name", "members"), ("soak", "gate"))
        ring, members = Ring(), raw["members"]
        ring.name, ring.rest, ring.percent, ring.side = raw["name"], members == "all", None, Side()
        if isinstance(members, dict):
            keys(members, "members", (), ("segment", "group", "percent"))
            ring.percent = int(members["percent"]) if "percent" in members else None
            ring.side = self.read_side(as_list(members.get("segment", [])) + as_list(members.get("group", [])))
        elif not ring.rest:
            ring.side = self.read_side(members)
        return ring

    def read_exception(self, raw):
        """An entry's keys without `except`, and who, why and until when."""
        record = dict(raw)
        for key in ("owner", "reason", "approver", "expires"):
            need(key in record, f"exception: {key} is missing")
        need(record["owner"] not in as_list(record["approver"]), "exception: approved by its owner")
        need("except" not in record, "exception: except")
        starts, expires = record.get("starts"), record["expires"]
        for key in ("id", "owner", "deputy", "reason", "approver", "ticket", "starts", "expires"):
            record.pop(key, None)
        self.read_entry(record, "allow")
        entry = self.entries[-1]
        entry.starts, entry.expires = starts, expires

    def read_entry(self, raw, kind):
        if kind == "allow":
            keys(raw, "allow", ("from", "to", "service"), ("name", "secure", "except"))
        else:
            keys(raw, "perimeter", ("direction", "from", "to", "service"), ("name",))
            kind = raw["direction"]
            need(kind in ("inbound", "outbound"), f"unknown direction {kind}")
        e = Entry()
        e.bit, e.kind, e.starts, e.expires = 1 << len(self.entries), kind, None, None
        e.from_, e.to = self.read_side(raw["from"]), self.read_side(raw["to"])
        excepted = raw.get("except", {})
        keys(excepted, "except", (), ("from", "to"))
        e.except_from = self.read_side(excepted["from"]) if "from" in excepted else None
        e.except_to = self.read_side(excepted["to"]) if "to" in excepted else None
        e.services = set(as_list(raw["service"]))
        for service in e.services:
            need(service in self.govern, f"entry names {service}, which is not governed")
        e.secure = raw.get("secure")
        if isinstance(e.secure, dict):
            e.secure = e.secure.get("by")
        need(e.secure in (None, "none", "kerberos", "certificate"), f"unknown secure {e.secure}")
        self.entries.append(e)


# ------------------------------------------------------------------------------------------------ meaning


class Facts:
    """What the policy says of one address."""

    __slots__ = ("local", "internet", "enforces", "modes", "inside", "as_client", "as_server", "may_client", "may_server")


class Oracle:
    def __init__(self, policy, mutant=None, scene=None):
        self.policy, self.mutant, self.scene = policy, mutant, scene or Scene()
        self.deployed_cache = {}
        self.as_of = microseconds(self.scene.as_of_text, policy.timezone) if self.scene.as_of_text else 0
        names = [r.name for r in policy.rings]
        self.rings = policy.rings[:names.index(self.scene.ring) + 1] if self.scene.ring else None
        if mutant == "ring-ignored":
            self.rings = None
        elif mutant == "ring-alone" and self.rings:
            self.rings = self.rings[-1:]
        self.facts_cache, self.address_cache = {}, {}
        govern = policy.govern
        if mutant == "govern-default-smb-only" and not policy.govern_given:
            govern = ["smb"]
        self.govern = set(govern)
        if mutant == "services-extension-ignored":
            self.govern -= policy.extension
        self.plain, self.listing = 0, {}
        for e in policy.entries:
            if not self.is_alive(e):
                continue
            if self.is_plain(e):
                self.plain |= e.bit
            services = policy.service_ports if mutant == "service-of-entry-ignored" else e.services
            for service in services:
                self.listing[service] = self.listing.get(service, 0) | e.bit
        self.perimeter_entries = sum(e.bit for e in policy.entries if e.kind != "allow")
        # Enforced borders: bit 0 is the internet's, the others the segments'.
        self.border_bit, internet_border = {}, policy.has_perimeter
        if mutant == "perimeter-presence-ignored":
            internet_border = True
        if mutant == "perimeter-border-missing":
            internet_border = False
        if mutant == "perimeter-empty-is-absent" and not self.perimeter_entries:
            internet_border = False
        self.internet_border = 1 if internet_border else 0
        if mutant != "border-ignored":
            for s in policy.segments.values():
                if s.border:
                    self.border_bit[s] = 2 << len(self.border_bit)

    def is_alive(self, entry):
        """Alive iff starts <= t < expires (R37); what is no exception always is."""
        if entry.expires is None:
            return True
        m, zone, at = self.mutant, self.policy.timezone, self.as_of
        if m == "timezone-ignored":
            zone = "UTC"
        expires = microseconds(entry.expires, zone, m != "expires-same-day")
        ends = at < expires or (m == "expires-included" and at == expires) or m == "expired-stays-open"
        starts = microseconds(entry.starts, zone) if entry.starts is not None else at - 1
        begins = starts <= at and not (m == "starts-excluded" and starts == at)
        return m != "exceptions-ignored" and ends and (begins or m == "starts-ignored")

    def picks(self, ring, identity):
        """percent: P (§4 Rings)."""
        if ring.percent is None or self.mutant == "ring-percent-ignored":
            return True
        name = b"" if self.mutant == "ring-percent-without-name" else ring.name.encode()
        digest = hashlib.sha256(name + b"\0" + identity.encode()).digest()
        return int.from_bytes(digest[:4], "big") % 100 < ring.percent

    def deployments(self, address):
        """Whether the address's machine has the policy: (True,), (False,), or both where nobody can tell (R39)."""
        if self.rings is None:
            return (True,)
        known = self.deployed_cache.get(address)
        if known is None:
            known = self.deployed_cache[address] = self.find_deployments(address)
        return known

    def find_deployments(self, address):
        for ring in self.rings:
            if ring.rest and self.mutant != "ring-rest-ignored":
                return (True,)
            if self.in_side_of(ring.side, address, seen=False) and self.picks(ring, address.text):
                return (True,)
        return (False, True) if any(r.side.unknown(self.mutant) for r in self.rings) else (False,)

    def is_plain(self, entry):
        m, secure = self.mutant, entry.secure
        if entry.kind != "allow":  # R19: the strategy speaks of `allow` entries
            return not (m == "strategy-binds-perimeter" and self.policy.strategy == "secure-bypass")
        if secure is None or (m == "strategy-overrides-none" and secure == "none"):
            secure = "kerberos" if self.policy.strategy == "secure-bypass" else "none"
            if m == "strategy-default-ignored":
                secure = "none"
        return (secure == "none" or (m == "secure-treated-as-allow" and secure == "kerberos")
                or (m == "certificate-treated-as-allow" and secure == "certificate"))

    # Where an address lives

    def cover(self, address):
        m = self.mutant
        if m == "prefix-last-address-lost" or m == "prefix-first-address-lost":
            mask = 0
            for i, (family, lo, hi, _) in enumerate(self.policy.prefixes):
                if lo != hi:
                    lo, hi = (lo + 1, hi) if m == "prefix-first-address-lost" else (lo, hi - 1)
                if family == address.family and lo <= address.value <= hi:
                    mask |= 1 << i
            return mask
        return self.policy.cover(address)

    def home(self, cover):
        """The segment with the longest matching prefix, or None."""
        networks = self.policy.networks
        for _, bit, segment in reversed(networks) if self.mutant == "longest-prefix-ignored" else networks:
            if cover & bit:
                return segment
        return None

    def is_local(self, address):
        m = self.mutant
        if m == "local-not-special":
            return False
        if m == "multicast-not-local":
            return within(address, LOOPBACK + LINK_LOCAL + BROADCAST + UNSPECIFIED)
        if m == "link-local-not-local":
            return within(address, LOOPBACK + MULTICAST + BROADCAST + UNSPECIFIED)
        if m == "this-network-local" and address.family == 4 and address.value >> 24 == 0:
            return True
        return within(address, LOCAL)

    def is_unknown(self, address):
        m = self.mutant
        if m == "unknown-as-internet" or (m == "unknown-lacks-shared" and within(address, SHARED)):
            return False
        if (m == "unknown-lacks-nat64" and within(address, NAT64)) or (m == "unknown-lacks-ula" and within(address, ULA)):
            return False
        return within(address, UNKNOWN)

    # Sets

    def in_side(self, side, cover, home, place, groups, unmanaged, seen=True):
        """Whether the address is in the union. `place` is None when it lives in a segment. `seen`: under any
        address that the other side sees; rings hold machines."""
        m = self.mutant
        if side.segments:
            if home in side.segments:
                return True
            if m == "segment-includes-nested" and any(cover & bit for s in side.segments for bit in s.networks):
                return True
            if seen and m != "nat-ignored" and any(s.nat & cover for s in side.segments):  # R31
                return True
        if side.groups:
            if not side.groups.isdisjoint(groups):
                return not (m == "group-containment-needs-segment" and home is None)
            if seen and m != "vip-ignored" and any(g.vip & cover for g in side.groups):  # R31
                return True
        if side.literals & cover and not (m == "literal-needs-segment" and home is None):
            return True
        for word in side.words:
            if seen and word in ("managed", "untrusted") and m not in ("nat-ignored", "trust-without-nat"):  # R31
                if any(s.trust == word and s.nat & cover for s in self.policy.segments.values()):
                    return True
            if word == "managed":
                if home is not None and home.trust == "managed":
                    return not (m == "managed-word-drops-unmanaged" and unmanaged)
            elif word == "untrusted":
                if home is not None:
                    if home.trust == "untrusted" and m != "untrusted-segments-ignored":
                        return True
                elif place == "internet":
                    if m != "untrusted-without-internet":
                        return True
                elif place == "unknown" and m != "untrusted-without-unknown":
                    return True
            elif word == "any":
                if home is not None or (place == "unknown" and m != "any-only-segments"):
                    return True
                if m == "any-includes-internet" and place == "internet":
                    return True
            elif word == place:  # internet, unknown
                return True
        return False

    # Facts of one address

    def facts(self, address):
        f = self.facts_cache.get(address)
        if f is None:
            f = self.facts_cache[address] = self.make_facts(address)
        return f

    def make_facts(self, address):
        m, policy = self.mutant, self.policy
        f = Facts()
        cover = self.cover(address)
        home = self.home(cover)
        f.local = home is None and self.is_local(address)
        place = None
        if home is None:
            place = "local" if f.local else "unknown" if self.is_unknown(address) else "internet"
        f.internet = place == "internet"
        groups = set()
        for g in policy.groups.values():
            if (g.singles if m == "group-prefixes-ignored" else g.hosts) & cover:
                groups.add(g)
        unmanaged = any(not g.managed for g in groups)

        f.enforces = home is not None and (home.trust == "managed" or m == "untrusted-enforces")
        if unmanaged and m != "managed-false-ignored":
            f.enforces = False
        f.modes = self.modes(home, cover, groups)

        f.inside = self.internet_border if f.internet else 0
        for segment, bit in self.border_bit.items():
            if segment is home or (m == "border-by-containment" and any(cover & n for n in segment.networks)):
                f.inside |= bit

        f.as_client = f.as_server = 0
        excepted_from = excepted_to = False
        for e in policy.entries:
            common = cover, home, place, groups, unmanaged
            if self.matches_end(e, e.from_, True, *common):
                f.as_client |= e.bit
            if self.matches_end(e, e.to, False, *common):
                f.as_server |= e.bit
            if m == "except-ignored":
                continue
            if e.except_from and m != "except-from-ignored" and self.in_side(e.except_from, *common):
                if m != "except-needs-both" or not e.except_to:
                    f.as_client &= ~e.bit
                excepted_from = True
            if e.except_to and m != "except-to-ignored" and self.in_side(e.except_to, *common):
                if m != "except-needs-both" or not e.except_from:
                    f.as_server &= ~e.bit
                excepted_to = True
        self.add_unknown(f, (cover, home, place, groups, unmanaged))
        if m == "except-binds-all-entries":
            f.as_client = 0 if excepted_from else f.as_client
            f.as_server = 0 if excepted_to else f.as_server
        return f

    def add_unknown(self, f, common):
        """Members that nobody knows: nobody for what is certain, everybody for what may be (R38)."""
        m = self.mutant
        f.may_client, f.may_server = f.as_client, f.as_server
        anybody = not f.local and (not f.internet or m == "unknown-at-internet")
        if m == "unknown-members-nobody" or not anybody:
            return
        for e in self.policy.entries:
            for is_client, side, excepted in ((True, e.from_, e.except_from), (False, e.to, e.except_to)):
                edge = e.kind != "allow" and is_client == (e.kind == "inbound")
                if side.unknown(m) and not edge and not (excepted and self.in_side(excepted, *common)):
                    if is_client:
                        f.may_client |= e.bit
                        f.as_client |= e.bit if m == "unknown-members-everybody" else 0
                    else:
                        f.may_server |= e.bit
                        f.as_server |= e.bit if m == "unknown-members-everybody" else 0
                if excepted and excepted.unknown(m) and m not in ("unknown-except-nobody", "except-ignored"):
                    if is_client:
                        f.as_client &= ~e.bit
                    else:
                        f.as_server &= ~e.bit

    def matches_end(self, entry, side, is_client, cover, home, place, groups, unmanaged):
        """Whether one end of a flow may be this address, by `from` or `to` alone."""
        m, kind, internet = self.mutant, entry.kind, place == "internet"
        if kind == "allow":
            if internet:
                if m == "internet-word-useless":
                    return False
                word = "internet" in side.words or m == "internet-word-ignored"
                if m == "internet-word-either-end":
                    word = "internet" in entry.from_.words or "internet" in entry.to.words
                if not word:
                    return False
        else:
            if m == "perimeter-entries-ignored":
                return False
            if m == "perimeter-direction-swapped":
                kind = "inbound" if kind == "outbound" else "outbound"
            edge = is_client == (kind == "inbound")  # this end is the one at the internet
            if m == "perimeter-both-ends-internet":
                if edge and not internet:
                    return False
            elif m != "perimeter-direction-ignored" and edge != internet:
                return False
        return self.in_side(side, cover, home, place, groups, unmanaged)

    def modes(self, home, cover, groups):
        """Each profile's mode comes from the first that names it."""
        m, policy = self.mutant, self.policy
        of_groups, of_roles = {}, {}
        for g in groups:
            of_groups.update(g.profiles)  # those that name the same profile agree
            roles = ROLES_THAT_ENFORCE
            if m == "role-cluster-ignored":
                roles = roles - {"cluster"}
            if g.role in roles or (m == "role-management-enforces" and g.role == "management"):
                of_roles = dict.fromkeys(PROFILES, "enforce")
        of_segment = dict(home.profiles) if home else {}
        if m == "segment-profiles-inherited":
            for _, bit, segment in policy.networks:
                if cover & bit:
                    for profile, mode in segment.profiles.items():
                        of_segment.setdefault(profile, mode)
        top = policy.top_profiles
        default = dict.fromkeys(PROFILES, "enforce") if m == "default-modes-enforce" else DEFAULT_MODES
        order = {
            "group-profiles-ignored": [of_roles, of_segment, top, default],
            "profiles-group-precedence-ignored": [of_roles, of_segment, of_groups, top, default],
            "role-profile-default-ignored": [of_groups, of_segment, top, default],
            "segment-before-role": [of_groups, of_segment, of_roles, top, default],
            "segment-profiles-ignored": [of_groups, of_roles, top, default],
            "top-profiles-ignored": [of_groups, of_roles, of_segment, default],
            "top-before-segment": [of_groups, of_roles, top, of_segment, default],
        }.get(m, [of_groups, of_roles, of_segment, top, default])
        if m == "profiles-whole-map":
            order = [next(modes for modes in order if modes), default]
        return {p: next(modes[p] for modes in order if p in modes) for p in PROFILES}

    # One flow

    def end_passes(self, facts, profile, intent, secured, outbound):
        """Whether an enforcing end lets the flow by."""
        m, mode = self.mutant, facts.modes[profile]
        if (mode == "block-inbound" and m == "block-inbound-ignored") or (mode == "block-all" and m == "block-all-as-enforce"):
            mode = "enforce"
        elif mode == "block-inbound" and m == "block-inbound-as-block-all":
            mode = "block-all"
        elif mode == "block-all" and m == "block-all-as-block-inbound":
            mode = "block-inbound"
        elif mode == "off" and m == "off-as-enforce":
            mode = "enforce"
        if mode == "off":
            return True
        if mode == "block-all" or (mode == "block-inbound" and not outbound):
            return m == "block-passes-secured" and secured and intent == "allow-if-secure"
        if intent == "allow-if-secure":
            return secured and m != "secured-never-passes"
        return intent == "allow"

    def decide(self, client, server, service, profile):
        """(intent, passes, passes_secured, sides); sides is None where the text does not say (R28)."""
        m = self.mutant
        c, s = self.facts(client), self.facts(server)
        governed = service in self.govern
        local = (client is server and m != "self-not-local") or c.local or s.local
        if local and (governed or m != "governed-before-local"):
            return "local", True, True, []
        if not governed and m != "ungoverned-blocked":
            return "ungoverned", True, True, None

        matching = c.as_client & s.as_server & self.listing.get(service, 0)
        if m == "except-needs-both":
            matching = self.except_both(matching, client, server)
        if m == "perimeter-direction-ignored" and c.internet == s.internet:
            matching &= ~self.perimeter_entries
        if matching & self.plain and not (m == "secure-before-plain" and matching & ~self.plain):
            intent = "allow"
        elif matching:
            intent = "allow-if-secure"
        else:
            intent = "block"

        between = c.inside | s.inside if m == "border-inside-blocked" else c.inside ^ s.inside
        if m == "ring-borders-wait" and self.rings is not None:
            between = 0
        has_client, has_server = self.deployments(client), self.deployments(server)
        sides = [("client-outbound", c.enforces and has_client[-1]), ("server-inbound", s.enforces and has_server[-1])]
        if between:
            sides.append(("border", True))
        said = intent
        if c.may_client != c.as_client or s.may_server != s.as_server:
            may = c.may_client & s.may_server & self.listing.get(service, 0)
            possible = "allow" if may & self.plain else "allow-if-secure" if may else "block"
            if possible != intent or (m == "unknown-outweighs" and may & ~matching):
                said = "undecidable"
        result = []
        for secured in (False, True):
            ends = []
            if c.enforces and has_client[-1] and m != "inbound-only-enforced":
                ends.append(self.end_passes(c, profile, intent, secured, True))
            if s.enforces and has_server[-1] and m != "outbound-only-enforced":
                there = "domain" if m == "profile-of-client-only" else profile
                ends.append(self.end_passes(s, there, intent, secured, False))
            passes = (not ends or any(ends)) if m == "one-end-suffices" else all(ends)
            if between and intent == "block":
                passes = False
            if between and m == "border-sees-ipsec" and intent == "allow-if-secure" and not secured:
                passes = False
            if m == "nothing-enforces-blocks" and intent == "block":
                passes = False
            result.append(passes)
        return said, result[0], result[1], sides

    def except_both(self, matching, client, server):
        for e in self.policy.entries:
            if matching & e.bit and e.except_from and e.except_to:
                if all(self.in_side_of(side, a) for side, a in ((e.except_from, client), (e.except_to, server))):
                    matching &= ~e.bit
        return matching

    def in_side_of(self, side, address, seen=True):
        cover = self.cover(address)
        home = self.home(cover)
        place = None if home else "local" if self.is_local(address) else "unknown" if self.is_unknown(address) else "internet"
        groups = {g for g in self.policy.groups.values() if g.hosts & cover}
        return self.in_side(side, cover, home, place, groups, any(not g.managed for g in groups), seen)

    # One question

    def address(self, text):
        a = self.address_cache.get(text)
        if a is None:
            a = self.address_cache[text] = parse_address(text, self.mutant != "v4mapped-not-canonical")
        return a

    def service(self, text):
        """(name or None, text to show) of a service's name or `tcp/445`."""
        if text in self.policy.service_ports:
            return text, text
        port = PORT.match(text)
        if not port or int(port[2]) > 65535:
            raise QuestionError(f"unknown service {text}")
        key = port[1], int(port[2])
        name = self.policy.port_service.get(key)
        if self.mutant == "service-transport-ignored" and name is None:
            name = self.policy.port_service.get(("udp" if key[0] == "tcp" else "tcp", key[1]))
        if self.mutant == "port-range-end-lost" and key in self.policy.range_ends:
            name = None
        return name, name or text

    def question(self, line):
        """(client, server, service, shown service, profile), or QuestionError."""
        words = line.split()
        if len(words) != 4:
            raise QuestionError("expected: client server service profile")
        client, server = self.address(words[0]), self.address(words[1])
        name, shown = self.service(words[2])
        if words[3] not in PROFILES:
            raise QuestionError(f"unknown profile {words[3]}")
        return client, server, name, shown, words[3]

    def explain(self, line):
        """The answer as an object of DESIGN §7."""
        try:
            client, server, name, shown, profile = self.question(line)
        except QuestionError as e:
            return {"error": str(e)}
        intent, passes, secured, sides = self.decide(client, server, name, profile)
        return {"client": client.text, "server": server.text, "service": shown, "profile": profile, "intent": intent,
                "passes": passes, "passes_secured": secured,
                "sides": [{"side": side, "enforces": enforces} for side, enforces in sides or []]}


def main():
    ap = argparse.ArgumentParser(description="answers questions about a policy, from DESIGN.md alone")
    ap.add_argument("policy", nargs="?")
    ap.add_argument("questions", nargs="?")
    ap.add_argument("--exceptions", metavar="FILE")
    ap.add_argument("--as-of", metavar="TIME")
    ap.add_argument("--ring", metavar="NAME")
    ap.add_argument("--mutant", choices=sorted({**MUTANTS, **NAT_MUTANTS}), metavar="NAME", help="break one rule")
    ap.add_argument("--list-mutants", action="store_true")
    args = ap.parse_args()
    if args.list_mutants:
        for name, text in {**MUTANTS, **NAT_MUTANTS}.items():
            print(f"{name}: {text}")
        return 0
    if not args.policy or not args.questions:
        ap.error("a policy and a file of questions are needed")
    try:
        exceptions = None
        if args.exceptions:
            with open(args.exceptions, encoding="utf-8") as f:
                exceptions = f.read()
        with open(args.policy, encoding="utf-8") as f:
            oracle = Oracle(Policy(f.read(), exceptions), args.mutant, Scene(args.as_of, args.ring, exceptions))
    except PolicyError as e:
        print(f"{args.policy}: {e}", file=sys.stderr)
        return 2
    with open(args.questions, encoding="utf-8") as f:
        for line in f:
            print(json.dumps(oracle.explain(line), ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
