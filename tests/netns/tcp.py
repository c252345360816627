#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The two ends of bare TCP connections, run inside a host's namespace.

tcp.py listen PORT...     accepts on every address of the host, for ever
tcp.py connect            one attempt for each line `ADDRESS PORT SECONDS` of standard input, all at once; prints
                          `ADDRESS PORT OUTCOME` for each: established, refused, unreachable or silent
"""
import asyncio
import contextlib
import sys


async def listen(ports):
    async def hang_up(_, writer):
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    servers = [await asyncio.start_server(hang_up, None, port, backlog=1024) for port in ports]
    await asyncio.gather(*(server.serve_forever() for server in servers))


async def attempt(address, port, seconds):
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), seconds)
    except asyncio.TimeoutError:
        return "silent"
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return "unreachable"
    writer.close()
    return "established"


async def connect(targets):
    outcomes = await asyncio.gather(*(attempt(address, int(port), float(seconds)) for address, port, seconds in targets))
    for (address, port, _), outcome in zip(targets, outcomes):
        print(address, port, outcome)


if sys.argv[1] == "listen":
    asyncio.run(listen([int(port) for port in sys.argv[2:]]))
else:
    asyncio.run(connect([line.split() for line in sys.stdin]))
