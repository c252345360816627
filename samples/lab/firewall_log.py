#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""firewall_log.py DIR: writes DIR/logs/HOST/pfirewall.log for two hosts, out of DIR/captures.

These are not logs of Windows: the recording has none. They hold what Windows Firewall would have written, with logging
of allowed and dropped connections on, about the TCP connections that the captures show for these hosts: same addresses,
ports and seconds (UTC). A connection that the host opened or answered is ALLOW; a SYN that it left without an answer is
DROP, once per packet, with the fields of the packet.
"""
import os
import subprocess
import sys
import time

HOSTS = {"FS01": ("core.pcap", {"10.20.0.21", "2001:db8:20::21"}), "WS0402": ("access-clients.pcap", {"10.10.4.2", "2001:db8:10:4::2"})}
HEADER = """#Version: 1.5
#Software: Microsoft Windows Firewall
#Time Format: Local
#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin icmptype icmpcode info path

"""
FIELDS = "frame.time_epoch ip.src ip.dst ipv6.src ipv6.dst tcp.srcport tcp.dstport tcp.flags tcp.seq_raw tcp.window_size_value ip.len".split()


def packets(path):
    command = ["tshark", "-r", path, "-n", "-Y", "tcp.flags.syn == 1 && !icmp", "-T", "fields"]
    for field in FIELDS:
        command += ["-e", field]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
    return [dict(zip(FIELDS, line.split("\t"))) for line in text.splitlines()]


def lines(path, own):
    syns, answered = {}, set()
    for p in packets(path):
        source, target = p["ip.src"] or p["ipv6.src"], p["ip.dst"] or p["ipv6.dst"]
        key = (source, target, p["tcp.srcport"], p["tcp.dstport"])
        if int(p["tcp.flags"], 0) & 0x10:
            answered.add((target, source, p["tcp.dstport"], p["tcp.srcport"]))
        elif own & {source, target}:
            syns.setdefault(key, []).append(p)
    for key, p in ((key, p) for key, sent in syns.items() for p in sent):
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(float(p["frame.time_epoch"])))
        path_word = "SEND" if key[0] in own else "RECEIVE"
        if key in answered or path_word == "SEND":
            if p is not syns[key][0]:
                continue
            yield f"{when} ALLOW TCP {' '.join(key)} 0 - 0 0 0 - - - {path_word}"
        else:
            rest = f"{p['ip.len'] or 60} S {p['tcp.seq_raw']} 0 {p['tcp.window_size_value']}"
            yield f"{when} DROP TCP {' '.join(key)} {rest} - - - {path_word}"


folder = sys.argv[1]
for host, (capture, addresses) in HOSTS.items():
    os.makedirs(os.path.join(folder, "logs", host), exist_ok=True)
    with open(os.path.join(folder, "logs", host, "pfirewall.log"), "w", encoding="ascii", newline="\r\n") as log:
        log.write(HEADER)
        for entry in lines(os.path.join(folder, "captures", capture), addresses):
            log.write(entry + "\n")
