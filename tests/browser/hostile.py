#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hostile.py SAMPLE POLICY EVIDENCE EXCEPTIONS BRAND: the sample network with markup wherever names come from outside.

Writes the policy with a hostile organisation and entry names, one of them very long, and the evidence with hostile shares, users and server
names inside the packets (of equal length, so that everything else stays as it was) and a hostile file name; a thousand exceptions whose owners,
reasons and tickets are markup, from right to left, or of 300 characters; a brand with a hostile name.
"""
import os
import sys

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(2)>'
# In packets names are UTF-16LE; each is replaced by one of its length.
NAMES = {
    "departments": "<img src=x>",
    "alice": '<a>"x',
    "carol": "<svg>",
    "projects": "<script>",
    "payroll": "</td>'\"",
}
FILE = "'><iframe src=x>.log"
RIGHT_TO_LEFT = "\u202egnirts desrever\u202c \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627"
TEXTS = [SCRIPT, IMAGE, RIGHT_TO_LEFT, "W" * 300, "=cmd|' /C calc'!A0", "caf\u00e9 \U0001f512 " * 10, "</table></main><svg onload=alert(3)>"]
EXCEPTIONS = 1000


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def exceptions():
    """Ends from long ago to far ahead, so that every length of bar occurs."""
    for i in range(EXCEPTIONS):
        text, other = TEXTS[i % len(TEXTS)], TEXTS[(i // len(TEXTS)) % len(TEXTS)]
        month, day = 9 + i % 4, 1 + i % 28
        yield (f"  - {{id: EX-{i + 1}, from: 10.10.4.{i % 250 + 1}, to: 10.20.0.{i % 200 + 1}, service: smb, owner: {quoted('owner ' + text)}, "
               f"reason: {quoted(other)}, ticket: {quoted(text)}, approver: {quoted('approver ' + other)}, expires: 2026-{month:02d}-{day:02d}}}\n")


def main():
    sample, policy_path, evidence, exceptions_path, brand = sys.argv[1:]
    with open(f"{sample}/policy.yaml", encoding="utf-8") as f:
        policy = f.read()
    for old, new in (("organisation: Contoso", f"organisation: '{SCRIPT}'"),
                     ("name: departmental shares", f"name: '{IMAGE}'"),
                     ("name: admin shares", f"name: {'x' * 300}"), ("name: SYSVOL and NETLOGON", f"name: '{SCRIPT}'")):
        assert old in policy, old
        policy = policy.replace(old, new)
    with open(policy_path, "w", encoding="utf-8") as f:
        f.write(policy)
    os.makedirs(evidence)
    for name in ("core.pcap", "access-clients.pcap"):
        with open(f"{sample}/captures/{name}", "rb") as f:
            data = f.read()
        for old, new in NAMES.items():
            assert len(old) == len(new)
            data = data.replace(old.encode("utf-16-le"), new.encode("utf-16-le"))
        with open(f"{evidence}/{name}", "wb") as f:
            f.write(data)
    with open(f"{sample}/logs/FS01/pfirewall.log", "rb") as f, open(f"{evidence}/{FILE}", "wb") as out:
        out.write(f.read())
    with open(exceptions_path, "w", encoding="utf-8") as out:
        out.write("exceptions:\n")
        out.writelines(exceptions())
    with open(brand, "w", encoding="utf-8") as out:
        out.write(f"name: {quoted(SCRIPT + RIGHT_TO_LEFT)}\naccent: '#7a1f5c'\nink: '#201018'\nfooter: {quoted(IMAGE + 'W' * 300)}\n")


main()
