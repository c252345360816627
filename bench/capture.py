# SPDX-License-Identifier: Apache-2.0
"""Captures for the measurements: the recordings of the sample network again and again, each time later
and between other hosts (a copy that repeated addresses, ports and sequence numbers would be taken for
retransmissions and not be read at all), and bulk transfers with full frames.
"""
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys

ETHERNET = 1
GAP_S = 60  # between two copies

# What the truth of the evidence corpus asks of tshark.
TSHARK_FIELDS = """
frame.time_epoch frame.len frame.protocols ip.src ip.dst ipv6.src ipv6.dst vlan.id tcp.srcport tcp.dstport
tcp.stream tcp.flags tcp.len smb2.cmd smb2.flags.response smb2.flags.signature smb2.dialect smb2.sec_mode
smb2.nt_status smb2.tree smb2.session_flags smb2.share_flags.encrypt_data smb2.negotiate_context.cipher_id
smb2.header.transform.signature smb.cmd smb.flags.response smb.dialect.name smb.dialect.index
smb.flags2.sec_sig smb.flags2.sec_sig_required smb.path smb.account smb.primary_domain
ntlmssp.auth.username ntlmssp.auth.domain ntlmssp.auth.hostname ntlmssp.challenge.target_name
kerberos.SNameString kerberos.realm nbss.called_name nbss.calling_name
""".split()


def read_pcap(path):
    """Returns (file header, [(seconds, fraction, original length, bytes)]) of a little-endian pcap."""
    with open(path, "rb") as file:
        data = file.read()
    header = data[:24]
    magic, *_, link = struct.unpack("<IHHiIII", header)
    if magic not in (0xA1B2C3D4, 0xA1B23C4D) or link != ETHERNET:
        sys.exit(f"error: expected a little-endian Ethernet pcap, found magic 0x{magic:08x}, link type {link}")
    packets = []
    offset = 24
    while offset + 16 <= len(data):
        seconds, fraction, length, original = struct.unpack_from("<IIII", data, offset)
        packets.append((seconds, fraction, original, data[offset + 16:offset + 16 + length]))
        offset += 16 + length
    return header, packets


def adjusted(checksum, old, new):
    """RFC 1624: the checksum after a 16-bit word went from old to new."""
    total = (~checksum & 0xFFFF) + (~old & 0xFFFF) + new
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def move_ipv4(packet, at, copy):
    """Moves both ends of an IPv4 packet to another network by their second byte; true for TCP."""
    if len(packet) < at + 20:
        return False
    checksum = struct.unpack_from(">H", packet, at + 10)[0]
    for address in (at + 12, at + 16):
        old = struct.unpack_from(">H", packet, address)[0]
        packet[address + 1] = (packet[address + 1] + copy) & 0xFF
        checksum = adjusted(checksum, old, struct.unpack_from(">H", packet, address)[0])
    struct.pack_into(">H", packet, at + 10, checksum)
    return packet[at + 9] == 6


def move_ipv6(packet, at, copy):
    if len(packet) < at + 40:
        return
    for address in (at + 8, at + 24):
        packet[address + 5] = (packet[address + 5] + copy) & 0xFF


def moved(original, copy):
    """A packet between the hosts of another copy of the network.

    Transport checksums are left as they are: neither program verifies them by default.
    """
    packet = bytearray(original)
    at, kind = 14, struct.unpack_from(">H", packet, 12)[0] if len(packet) >= 14 else 0
    while kind in (0x8100, 0x88A8) and len(packet) >= at + 4:
        kind = struct.unpack_from(">H", packet, at + 2)[0]
        at += 4
    if kind == 0x0800:
        move_ipv4(packet, at, copy)
        inner = at + (packet[at] & 15) * 4 + 8 if len(packet) > at else 0
        # An ICMP error quotes the packet it answers.
        if len(packet) >= at + 20 and packet[at + 9] == 1 and packet[inner - 8:inner - 7] == b"\x03":
            move_ipv4(packet, inner, copy)
    elif kind == 0x86DD:
        move_ipv6(packet, at, copy)
    return packet


def write_long(once, path, megabytes, most=256):
    """Writes whole copies until the size is reached; returns the number of packets."""
    header, packets = read_pcap(once)
    span = packets[-1][0] - packets[0][0] + GAP_S
    written = len(header)
    copies = 0
    with open(path, "wb") as out:
        out.write(header)
        while written < megabytes * 1_000_000 and copies < most:
            for seconds, fraction, original, data in packets:
                out.write(struct.pack("<IIII", seconds + copies * span, fraction, len(data), original))
                out.write(moved(data, copies))
                written += 16 + len(data)
            copies += 1
    return copies * len(packets)


def tshark(path):
    command = ["tshark", "-n", "-r", path, "-Y", "tcp && (tcp.port in {139,445} || smb || smb2)", "-T", "fields",
               "-E", "separator=/t", "-E", "occurrence=a"]
    for field in TSHARK_FIELDS:
        command += ["-e", field]
    return shlex.join(command)


# ---- Bulk ----------------------------------------------------------------------------------------------

SEGMENT = 1460
READ_BYTES = 1 << 20
NEGOTIATE, READ = 0, 8
RESPONSE, SIGNED = 1, 8


def smb2(command, flags, message, body):
    return struct.pack("<4sHHIHHIIQIIQ16x", b"\xfeSMB", 64, 1, 0, command, 64, flags, 0, message, 0, 1, 0x1234) + body


def framed(message):
    return struct.pack(">I", len(message)) + message


class Talk:
    """One TCP conversation, written packet by packet."""

    def __init__(self, out, client, port, at):
        self.out, self.at, self.packets = out, at, 0
        self.ends = [(bytes([10, 20, client, 7]), port), (bytes([10, 30, client, 8]), 445)]
        self.next = [1000, 900000]

    def packet(self, half, flags, payload=b""):
        (source, source_port), (target, target_port) = self.ends[half], self.ends[1 - half]
        length = 40 + len(payload)
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, length, 1, 0x4000, 64, 6, 0, source, target)
        tcp = struct.pack(">HHIIBBHHH", source_port, target_port, self.next[half], self.next[1 - half], 0x50, flags,
                          64000, 0, 0)
        self.at += 0.00001
        seconds = int(self.at)
        self.out.write(struct.pack("<IIII", seconds, int((self.at - seconds) * 1e6), 14 + length, 14 + length))
        self.out.write(b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + ip + tcp + payload)
        self.next[half] = (self.next[half] + len(payload) + (1 if flags & 3 else 0)) & 0xFFFFFFFF
        self.packets += 1

    def begin(self):
        self.packet(0, 2)
        self.packet(1, 0x12)
        self.packet(0, 0x10)
        hello = struct.pack("<HHHHI16sQH", 36, 1, 1, 0, 0x7F, b"g" * 16, 0, 0x0302)
        chosen = struct.pack("<HHHH16sIIIIQQHHI", 65, 1, 0x0302, 0, b"s" * 16, 0x2F, 1 << 23, 1 << 23, 1 << 23, 0, 0, 128, 0, 0)
        self.packet(0, 0x18, framed(smb2(NEGOTIATE, 0, 0, hello)))
        self.packet(1, 0x18, framed(smb2(NEGOTIATE, RESPONSE, 0, chosen)))

    def send(self, half, data):
        for at in range(0, len(data), SEGMENT):
            self.packet(half, 0x10, data[at:at + SEGMENT])
            if at // SEGMENT % 2:
                self.packet(1 - half, 0x10)


def write_bulk(path, megabytes):
    """Files read over plain, signed and sealed sessions; returns the number of packets."""
    packets = 0
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, ETHERNET))
        content = bytes(range(256)) * (READ_BYTES // 256)
        client = 0
        while out.tell() < megabytes * 1_000_000:
            talk = Talk(out, client, 50000 + client, 1790000000 + client)
            talk.begin()
            flags = (0, SIGNED, 0)[client % 3]
            for message in range(1, 17):
                ask = smb2(READ, flags, message, struct.pack("<HBBIQ16sIIIHHB", 49, 80, 0, READ_BYTES, 0, b"f" * 16, 0, 0, 0, 0, 0, 0))
                answer = smb2(READ, flags | RESPONSE, message, struct.pack("<HBBIII", 17, 80, 0, READ_BYTES, 0, 0) + content)
                if client % 3 == 2:
                    seal = struct.pack("<4s16s16sIHHQ", b"\xfdSMB", b"t" * 16, b"n" * 16, 0, 0, 1, 0x1234)
                    ask, answer = seal + ask, seal + answer
                talk.send(0, framed(ask))
                talk.send(1, framed(answer))
            talk.packet(0, 0x11)
            talk.packet(1, 0x11)
            packets += talk.packets
            client += 1
    return packets


# ---- Flow records --------------------------------------------------------------------------------------

def to_nfcapd(capture, path):
    folder = path + ".d"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    subprocess.run(["nfpcapd", "-r", capture, "-w", folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["nfdump", "-R", folder, "-w", path], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(folder)


def count_flows(path):
    told = subprocess.run(["nfdump", "-r", path, "-I"], check=True, capture_output=True, text=True).stdout
    return int(re.search(r"^Flows: (\d+)", told, re.M).group(1))
