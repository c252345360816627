# SPDX-License-Identifier: Apache-2.0
"""Logs for the measurements: seeded, so that every run reads the same bytes. One site: clients of
10.16.0.0/12 use some servers of 10.200.0.0/16 on many ports, a sixth of the lines SMB.

Lines are put together from parts made once: a generator in Python must not take longer than all
measurements together.
"""
import random

PORTS = [443, 80, 53, 88, 389, 135, 3389, 8080, 5985, 636, 49670, 22, 25, 1433, 123]
SMB_SHARE = 0.15
CLIENTS, SERVERS = 6000, 400
START = 1790000000  # 2026-09-21


def ends(generator):
    """Each client uses ten servers."""
    client = generator.randrange(CLIENTS)
    server = (client * 7 + generator.randrange(10) * 37) % SERVERS
    return f"10.{16 + client // 4096}.{client // 16 % 256}.{client % 16 + 1}", f"10.200.{server // 200}.{server % 200 + 1}"


def clock(seconds):
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def is_smb(generator):
    return generator.random() < SMB_SHARE


def write(path, lines, make, head=""):
    generator = random.Random(445)
    with open(path, "w", encoding="ascii", newline="\n") as out:
        out.write(head)
        for start in range(0, lines, 10000):
            out.write("".join(make(generator, n) for n in range(start, min(start + 10000, lines))))


def firewall_line(generator, n):
    client, server = ends(generator)
    port = 445 if is_smb(generator) else generator.choice(PORTS)
    action = "DROP" if generator.random() < 0.1 else "ALLOW"
    return (
        f"2026-09-{21 + n // 500000:02d} {clock(n // 6)} {action} TCP {client} {server} {generator.randrange(49152, 65536)} "
        f"{port} 0 - 0 0 0 - - - RECEIVE\r\n"
    )


FIREWALL_HEAD = (
    "#Version: 1.5\r\n#Software: Microsoft Windows Firewall\r\n#Time Format: Local\r\n"
    "#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin icmptype "
    "icmpcode info path\r\n\r\n"
)

def pair_line(generator, n):
    """Each of 10,000 clients uses 100 of 400 servers, once: as many different flows as lines."""
    client, server = n // 100, (n // 100 * 7 + n % 100 * 13) % SERVERS
    return (
        f"2026-09-{21 + n // 500000:02d} {clock(n // 20)} ALLOW TCP 10.{16 + client // 4096}.{client // 16 % 256}.{client % 16 + 1} "
        f"10.200.{server // 200}.{server % 200 + 1} {generator.randrange(49152, 65536)} 445 0 - 0 0 0 - - - RECEIVE\r\n"
    )


ZEEK_HEAD = (
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\t"
    "conn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\t"
    "tunnel_parents\n"
    "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tbool\tbool\tcount\t"
    "string\tcount\tcount\tcount\tcount\tset[string]\n"
)


def zeek_line(generator, n):
    client, server = ends(generator)
    smb = is_smb(generator)
    port = 445 if smb else generator.choice(PORTS)
    state = generator.choice(("SF", "SF", "SF", "S0", "REJ", "RSTO"))
    return (
        f"{START + n / 6:.6f}\tC{n:017x}\t{client}\t{generator.randrange(49152, 65536)}\t{server}\t{port}\ttcp\t"
        f"{'smb' if smb else '-'}\t1.250000\t{n % 5000}\t{n % 70000}\t{state}\tT\tT\t0\tShADadFf\t12\t{n % 5000 + 480}\t14\t"
        f"{n % 70000 + 560}\t-\n"
    )


def eve_line(generator, n):
    client, server = ends(generator)
    port = 445 if is_smb(generator) else generator.choice(PORTS)
    day = f"2026-09-{21 + n // 500000:02d}"
    return (
        f'{{"timestamp":"{day}T{clock(n // 6)}.{n % 1000000:06d}+0000","flow_id":{1000000000 + n},"event_type":"flow",'
        f'"src_ip":"{client}","src_port":{generator.randrange(49152, 65536)},"dest_ip":"{server}","dest_port":{port},'
        f'"proto":"TCP","flow":{{"pkts_toserver":12,"pkts_toclient":14,"bytes_toserver":{n % 5000 + 480},'
        f'"bytes_toclient":{n % 70000 + 560},"start":"{day}T{clock(n // 6)}.{n % 1000000:06d}+0000","state":"closed"}}}}\n'
    )


def vpc_line(generator, n):
    client, server = ends(generator)
    port = 445 if is_smb(generator) else generator.choice(PORTS)
    verdict = "REJECT" if generator.random() < 0.1 else "ACCEPT"
    at = START + n // 6
    return (
        f"2 123456789010 eni-{n % 64:017x} {client} {server} {generator.randrange(49152, 65536)} {port} 6 20 "
        f"{n % 70000} {at} {at + 55} {verdict} OK\n"
    )


LOGS = {
    "pfirewall.log": (2_500_000, firewall_line, FIREWALL_HEAD),
    "conn.log": (1_600_000, zeek_line, ZEEK_HEAD),
    "eve.json": (1_000_000, eve_line, ""),
    "vpc.log": (2_000_000, vpc_line, ""),
    "pairs.log": (1_000_000, pair_line, FIREWALL_HEAD),
}
