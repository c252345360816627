# SPDX-License-Identifier: Apache-2.0
"""N client networks, none beside another, that may use 20 servers: the same meaning for us and for Capirca."""
import os

from exceptions import client, server

SERVERS = 20
TARGETS = ("powershell", "gpo", "nftables")


def write_policy(folder, n):
    """Our policy; returns its path."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "policy.yaml")
    clients = ", ".join(client(i) for i in range(n))
    servers = ", ".join(server(i) for i in range(SERVERS))
    with open(path, "w", encoding="ascii") as file:
        file.write("version: 1\norganisation: Contoso\ngovern: [smb]\nsegments:\n")
        file.write("  clients: {networks: [10.0.0.0/9], trust: managed}\n")
        file.write("  servers: {networks: [10.128.0.0/9], trust: managed}\n")
        file.write("lifeline: {off: measured without one}\ngroups:\n")
        file.write(f"  approved: {{hosts: [{clients}]}}\n  shares: {{hosts: [{servers}]}}\nallow:\n")
        file.write("  - {name: matrix, from: approved, to: shares, service: smb}\n")
    return path


def write_capirca(folder, n):
    """Capirca's policy and definitions, for the servers inbound; returns the command."""
    definitions = os.path.join(folder, "def")
    policies = os.path.join(folder, "pol")
    for made in (definitions, policies, os.path.join(folder, "out")):
        os.makedirs(made, exist_ok=True)
    with open(os.path.join(definitions, "SERVICES.svc"), "w", encoding="ascii") as file:
        file.write("SMB = 445/tcp\n")
    with open(os.path.join(definitions, "NETWORK.net"), "w", encoding="ascii") as file:
        for name, addresses in (("CLIENTS", [client(i) for i in range(n)]), ("SERVERS", [server(i) + "/32" for i in range(SERVERS)])):
            file.write(f"{name} = {addresses[0]}\n" + "".join(f"    {address}\n" for address in addresses[1:]))
    with open(os.path.join(policies, "matrix.pol"), "w", encoding="ascii") as file:
        file.write("header {\n  target:: windows_advfirewall in inet\n}\n")
        file.write("term matrix {\n  source-address:: CLIENTS\n  destination-address:: SERVERS\n"
                   "  destination-port:: SMB\n  protocol:: tcp\n  action:: accept\n}\n")
        file.write("term rest {\n  destination-port:: SMB\n  protocol:: tcp\n  action:: deny\n}\n")
    return (
        f"cd {folder} && aclgen --base_directory . --definitions_directory def --output_directory out "
        "--max_renderers 1 2>/dev/null"
    )
