#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plain_pcapng.py FROM TO: copies a pcapng without its notes on the machine that recorded it; every packet stays as it is."""
import struct
import sys

SECTION, INTERFACE = 0x0A0D0D0A, 1
# Block type -> length of its fixed part, options to leave out (hardware and system; system of an interface).
NOTES = {SECTION: (16, {2, 3}), INTERFACE: (8, {12})}


def plain_options(data, unwanted):
    kept, at = b"", 0
    while at + 4 <= len(data):
        code, length = struct.unpack_from("<HH", data, at)
        size = 4 + (length + 3) // 4 * 4
        if code not in unwanted:
            kept += data[at : at + size]
        at += size
    return kept


with open(sys.argv[1], "rb") as file:
    recording = file.read()
with open(sys.argv[2], "wb") as out:
    at = 0
    while at < len(recording):
        kind, size = struct.unpack_from("<II", recording, at)
        body = recording[at + 8 : at + size - 4]
        if kind in NOTES:
            fixed, unwanted = NOTES[kind]
            body = body[:fixed] + plain_options(body[fixed:], unwanted)
        length = struct.pack("<I", len(body) + 12)
        out.write(struct.pack("<I", kind) + length + body + length)
        at += size
