# SPDX-License-Identifier: Apache-2.0
"""Registry.pol and the firewall's strings in it, read with nothing of sallyport's own code ([MS-GPREG] 2.2.1,
[MS-GPFAS] 2.2.2.19)."""
import ipaddress
import struct

FIREWALL = "SOFTWARE\\Policies\\Microsoft\\WindowsFirewall"


def settings(data):
    """All settings in order: (key, name, type, data)."""
    if data[:8] != b"PReg\x01\x00\x00\x00":
        raise ValueError("no Registry.pol of version 1")
    at, found = 8, []

    def mark(char):
        nonlocal at
        if data[at:at + 2] != char.encode("utf-16-le"):
            raise ValueError(f"expected {char!r} at {at}")
        at += 2

    def text():
        nonlocal at
        end = at
        while data[end:end + 2] != b"\0\0":
            end += 2
        value = data[at:end].decode("utf-16-le")
        at = end + 2
        return value

    def number():
        nonlocal at
        value, = struct.unpack_from("<I", data, at)
        at += 4
        return value

    while at < len(data):
        mark("[")
        key = text()
        mark(";")
        name = text()
        mark(";")
        kind = number()
        mark(";")
        size = number()
        mark(";")
        value = data[at:at + size]
        if len(value) != size:
            raise ValueError("data is cut")
        at += size
        mark("]")
        found.append((key, name, kind, value))
    return found


def string(data):
    text = data.decode("utf-16-le")
    if not text.endswith("\0"):
        raise ValueError("a text without its end")
    return text[:-1]


def span(text):
    """An address, a prefix or first-last, as two numbers and the family."""
    if "-" in text:
        first, last = (ipaddress.ip_address(part) for part in text.split("-"))
    elif "/" in text:
        net = ipaddress.ip_network(text)
        first, last = net[0], net[-1]
    else:
        first = last = ipaddress.ip_address(text)
    return first.version, int(first), int(last)


def rule(text):
    """Tokens of one rule: name -> list of values, in the form that `same` compares."""
    version, *fields = text.split("|")
    if version != "v2.10" or fields.pop() != "":
        raise ValueError("not version 2.10, or not closed")
    tokens = {}
    for field in fields:
        name, _, value = field.partition("=")
        tokens.setdefault(name, []).append(value)
    inbound = tokens["Dir"] == ["In"]
    secure = "Security" in tokens
    action = {"Block": "block", "Allow": "allow-if-secure" if secure else "allow", "ByPass": "allow-if-secure"}
    if secure and not inbound and tokens.get("AuthByPassOut") != ["TRUE"]:
        raise ValueError("secured outbound, but a block would beat it")
    if secure and inbound and tokens["Action"] != ["ByPass"]:
        raise ValueError("secured inbound, but a block would beat it")
    side = "L" if inbound else "R"
    ports = {(int(p), int(p)) for p in tokens.get(side + "Port", [])}
    ports |= {tuple(map(int, p.split("-"))) for p in tokens.get(side + "Port2_10", [])}
    spans = {end: sorted(span(a) for f in "46" for a in tokens.get(end + "A" + f, [])) for end in "LR"}
    for end in "LR":
        for family in "46":
            if any(span(a)[0] != int(family) for a in tokens.get(end + "A" + family, [])):
                raise ValueError("an address of the other family")
    sids = sorted(part.rstrip(")") for part in tokens.get("RMauth", ["O:LSD:"])[0].split("(A;;CC;;;")[1:])
    return {
        "direction": "inbound" if inbound else "outbound",
        "action": action[tokens["Action"][0]],
        "active": tokens["Active"] == ["TRUE"],
        "profiles": sorted(p.lower() for p in tokens["Profile"]),
        "protocol": {"6": "tcp", "17": "udp"}[tokens["Protocol"][0]],
        "ports": sorted(ports),
        "local": spans["L"],
        "remote": spans["R"],
        "principals": sids,
        "group": tokens["EmbedCtxt"][0],
    }
