# SPDX-License-Identifier: Apache-2.0
"""The measuring half of tools/bench, which installs, builds and merges the recordings first.

usage: bench.py FOLDER MEGABYTES PAIRS      (FOLDER holds once.pcap)

The long capture is the recordings again and again, each time later and between other hosts: a copy that
repeated addresses, ports and sequence numbers would be taken for retransmissions and not be read at all.
"""
import json
import os
import shutil
import statistics
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


def write_long_capture(once, path, megabytes):
    """Writes whole copies until the size is reached; returns (bytes, packets, copies)."""
    header, packets = read_pcap(once)
    span = packets[-1][0] - packets[0][0] + GAP_S
    written = len(header)
    copies = 0
    with open(path, "wb") as out:
        out.write(header)
        while written < megabytes * 1_000_000:
            if copies == 256:
                sys.exit("error: 256 copies are not enough, ask for fewer megabytes")
            for seconds, fraction, original, data in packets:
                out.write(struct.pack("<IIII", seconds + copies * span, fraction, len(data), original))
                out.write(moved(data, copies))
                written += 16 + len(data)
            copies += 1
    return written, copies * len(packets), copies


def measure(command):
    """Runs a command; returns (wall seconds, processor seconds, peak MiB)."""
    timed = ["/usr/bin/time", "--format=%e %U %S %M"] + command
    done = subprocess.run(timed, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    last = done.stderr.splitlines()[-1] if done.stderr else ""
    if done.returncode != 0:
        sys.exit(f"error: {command[0]} ended with status {done.returncode}\n{done.stderr}")
    wall, user, system, peak_kib = last.split()
    return float(wall), float(user) + float(system), int(peak_kib) / 1024


def main():
    folder, megabytes, pairs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    capture = os.path.join(folder, "long.pcap")
    size, packets, copies = write_long_capture(os.path.join(folder, "once.pcap"), capture, megabytes)
    print(f"capture: {size / 1e6:.1f} MB, {packets} packets, {copies} copies of the sample network")

    site = os.path.join(folder, "site")
    tshark = ["tshark", "-n", "-r", capture, "-Y", "tcp && (tcp.port in {139,445} || smb || smb2)", "-T", "fields",
              "-E", "separator=/t", "-E", "occurrence=a"]
    for field in TSHARK_FIELDS:
        tshark += ["-e", field]

    results = {"sallyport": [], "tshark": []}
    print(f"{'pair':>4}  {'program':<10} {'wall s':>8} {'CPU s':>8} {'MB/s':>8} {'peak MiB':>9}")
    for pair in range(1, pairs + 1):
        shutil.rmtree(site, ignore_errors=True)
        subprocess.run(["build/sallyport", "init", site], check=True, stdout=subprocess.DEVNULL)
        for program, command in (("sallyport", ["build/sallyport", "-C", site, "ingest", capture]), ("tshark", tshark)):
            run = measure(command)
            results[program].append(run)
            print(f"{pair:>4}  {program:<10} {run[0]:>8.2f} {run[1]:>8.2f} {size / 1e6 / max(run[0], 0.01):>8.1f} {run[2]:>9.1f}")

    matrix = subprocess.run(["build/sallyport", "-C", site, "matrix", "--json"], check=True, capture_output=True)
    flows = json.loads(matrix.stdout)["flows"]
    print(f"what sallyport read: {len(flows)} flows, {sum(flow['connections'] for flow in flows)} connections")

    medians = {program: [statistics.median(column) for column in zip(*runs)] for program, runs in results.items()}
    for program, (wall, processor, peak) in medians.items():
        print(f"{'med.':>4}  {program:<10} {wall:>8.2f} {processor:>8.2f} {size / 1e6 / max(wall, 0.01):>8.1f} {peak:>9.1f}")
    ratios = [b[0] / max(a[0], 0.01) for a, b in zip(results["sallyport"], results["tshark"])]
    print(f"tshark's time / sallyport's: median {statistics.median(ratios):.1f}, "
          f"from {min(ratios):.1f} to {max(ratios):.1f}")


if __name__ == "__main__":
    main()
