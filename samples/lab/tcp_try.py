#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tcp_try.py SECONDS PORT ADDRESS...: one connection attempt to each address, all at once, no retry of its own.

Prints how many were established, refused, unreachable or silent. An established one is closed without a byte.
"""
import asyncio
import collections
import sys


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


async def main(seconds, port, addresses):
    results = await asyncio.gather(*(attempt(a, port, seconds) for a in addresses))
    count = collections.Counter(results)
    print(" ".join(f"{name}={count[name]}" for name in sorted(count)))


asyncio.run(main(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
