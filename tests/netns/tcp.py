#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The two ends of bare TCP connections.

tcp.py listen PORT...     in a host's namespace: accepts on every address of the host, for ever
tcp.py connect            from all namespaces at once: one attempt for each line `NAMESPACE ADDRESS PORT SECONDS` of
                          standard input; prints an OUTCOME for each: established, refused, unreachable or silent
"""
import asyncio
import contextlib
import ctypes
import os
import resource
import socket
import sys

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


async def listen(ports):
    async def hang_up(_, writer):
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    servers = [await asyncio.start_server(hang_up, None, port, backlog=1024) for port in ports]
    await asyncio.gather(*(server.serve_forever() for server in servers))


def socket_in(namespace, address):
    """A socket stays in the namespace that it was made in."""
    with open(f"/run/netns/{namespace}", "rb") as f:
        if LIBC.setns(f.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), namespace)
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    made.setblocking(False)
    return made


async def attempt(namespace, address, port, seconds):
    with socket_in(namespace, address) as made:
        try:
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(made, (address, int(port))), float(seconds))
        except asyncio.TimeoutError:
            return "silent"
        except ConnectionRefusedError:
            return "refused"
        except OSError:
            return "unreachable"
    return "established"


async def connect(targets):
    for outcome in await asyncio.gather(*(attempt(*target) for target in targets)):
        print(outcome)


if sys.argv[1] == "listen":
    asyncio.run(listen([int(port) for port in sys.argv[2:]]))
else:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(connect([line.split() for line in sys.stdin]))
