# SPDX-License-Identifier: Apache-2.0
"""Policies of many exceptions, one /28 to one host each, for us and for Capirca: the same meaning."""
import os


def dotted(number):
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def client(i):
    return dotted(0x0A000000 + 32 * i) + "/28"


def server(i):
    return dotted(0x0A800001 + 2 * i)


SEGMENTS = {
    # One file for the firewall in front of the servers.
    "border": ("untrusted", "untrusted, border: enforced"),
    # Every address enforces for itself: clients outward, servers inward.
    "hosts": ("managed", "managed"),
}

# Shapes, and for each the targets: our name, and what Capirca calls it.
COMPARED = (
    ("border", (("nftables", "nftables inet input"),)),
    ("hosts", (("powershell", "windows_advfirewall in inet"), ("nftables", None))),
)


def write_policy(folder, n, shape):
    """Our policy; returns its path."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "policy.yaml")
    clients, servers = SEGMENTS[shape]
    with open(path, "w", encoding="ascii") as file:
        file.write("version: 1\norganisation: Contoso\ngovern: [smb]\nsegments:\n")
        file.write(f"  clients: {{networks: [10.0.0.0/9], trust: {clients}}}\n")
        file.write(f"  servers: {{networks: [10.128.0.0/9], trust: {servers}}}\n")
        file.write("lifeline: {off: measured without one}\nallow:\n")
        for i in range(n):
            file.write(f"  - {{name: exception-{i}, from: {client(i)}, to: {server(i)}, service: smb}}\n")
    return path


def write_capirca(folder, n, target):
    """Capirca's policy and definitions; returns the command."""
    definitions = os.path.join(folder, "def")
    policies = os.path.join(folder, "pol")
    for made in (definitions, policies, os.path.join(folder, "out")):
        os.makedirs(made, exist_ok=True)
    with open(os.path.join(definitions, "SERVICES.svc"), "w", encoding="ascii") as file:
        file.write("SMB = 445/tcp\n")
    with open(os.path.join(definitions, "NETWORK.net"), "w", encoding="ascii") as file:
        for i in range(n):
            file.write(f"CLIENT_{i} = {client(i)}\nSERVER_{i} = {server(i)}/32\n")
    with open(os.path.join(policies, "exceptions.pol"), "w", encoding="ascii") as file:
        file.write(f"header {{\n  target:: {target}\n}}\n")
        for i in range(n):
            file.write(
                f"term exception-{i} {{\n  source-address:: CLIENT_{i}\n  destination-address:: SERVER_{i}\n"
                "  destination-port:: SMB\n  protocol:: tcp\n  action:: accept\n}\n"
            )
        file.write("term rest {\n  destination-port:: SMB\n  protocol:: tcp\n  action:: deny\n}\n")
    return (
        f"cd {folder} && aclgen --base_directory . --definitions_directory def --output_directory out "
        "--max_renderers 1 2>/dev/null"
    )
