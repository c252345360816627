#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hostile.py SAMPLE POLICY EVIDENCE: the sample network with markup wherever names come from outside.

Writes the policy with a hostile organisation and entry names, one of them very long, and the evidence with hostile shares, users and server
names inside the packets (of equal length, so that everything else stays as it was) and a hostile file name.
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


def main():
    sample, policy_path, evidence = sys.argv[1:]
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


main()
