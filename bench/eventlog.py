# SPDX-License-Identifier: Apache-2.0
"""A large event log out of recorded ones: their chunks again and again, counts and checksums set right.
spec: "Windows XML Event Log (EVTX) format" (libyal)
"""
import os
import struct
import zlib

HEADER, CHUNK = 4096, 65536
LOGS = 3


def largest(folder):
    if not os.path.isdir(folder):
        return []
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".evtx")]
    return sorted(paths, key=lambda path: (-os.path.getsize(path), path))[:LOGS]


def chunks_of(path):
    """Chunks with records, and how many they have."""
    with open(path, "rb") as file:
        data = file.read()
    for at in range(HEADER, len(data) - CHUNK + 1, CHUNK):
        chunk = data[at:at + CHUNK]
        if chunk[:8] != b"ElfChnk\0":
            continue
        first, last = struct.unpack_from("<QQ", chunk, 24)
        if first <= last < 1 << 40:
            yield chunk, last - first + 1


def repeat(paths, out_path, megabytes):
    """Writes about that many megabytes; returns the number of records."""
    with open(paths[0], "rb") as file:
        header = bytearray(file.read(HEADER))
    chunks = [chunk for path in paths for chunk in chunks_of(path)]
    times = max(1, min(megabytes * 1_000_000 // (CHUNK * len(chunks)), 60000 // len(chunks)))
    total = sum(records for _, records in chunks) * times
    struct.pack_into("<QQQ", header, 8, 0, len(chunks) * times - 1, total + 1)
    struct.pack_into("<H", header, 42, len(chunks) * times)
    struct.pack_into("<I", header, 120, 0)
    struct.pack_into("<I", header, 124, zlib.crc32(bytes(header[:120])))
    with open(out_path, "wb") as out:
        out.write(header)
        for _ in range(times):
            for chunk, _ in chunks:
                out.write(chunk)
    return total
