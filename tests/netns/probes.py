# SPDX-License-Identifier: Apache-2.0
"""The probes that compile writes, run on a host by its shell: before loading they say what is open, after loading that all is
as expected, and with one rule changed which one is not.

A part of rounds.py, in the namespaces that ./run has built.
"""
import collections
import csv
import ipaddress
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

from rounds import ROOT, ROUTER, Failed, in_ns, must, rollback_file

POLICY = os.path.join(ROOT, "samples/contoso/policy.yaml")
CLIENT, ADDRESS = "ws0417", "10.10.4.17"
SECONDS = 3         # that probe.sh waits for one answer
LINE = re.compile(r"(ok|WRONG) +(\S+) +tcp/(\d+) +expected (pass if secured|pass|block) +(open|closed) ")

Said = collections.namedtuple("Said", "status wrong lines seconds text")


def probe(out, class_id, path=None):
    begin = time.monotonic()
    environment = dict(os.environ, PATH=path or os.environ["PATH"])
    done = subprocess.run(in_ns(CLIENT, "/bin/sh", f"{out}/probe.sh", class_id, str(SECONDS)), text=True, check=False,
                          env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = [LINE.match(line) for line in done.stdout.splitlines()]
    if None in lines:
        raise Failed(f"probe.sh says: {done.stdout[-600:]}")
    wrong = {(m[2], m[3]) for m in lines if m[1] == "WRONG"}
    return Said(done.returncode, wrong, len(lines), time.monotonic() - begin, done.stdout)


def compare(said, status, wrong, rows):
    """What is not as it should be, in words."""
    found = []
    if said.status != status:
        found.append(f"exit status {said.status} instead of {status}")
    if said.lines != len(rows):
        found.append(f"{said.lines} probes of {len(rows)}")
    if said.seconds > len(rows) * (SECONDS + 1):
        found.append(f"it took {said.seconds:.0f} s")
    for name, more in (("not told", wrong - said.wrong), ("told", said.wrong - wrong)):
        found += [f"{name} as wrong: {server} {port}" for server, port in sorted(more)]
    return found


def note(said):
    return f": {said.lines} probes, {len(said.wrong)} wrong, {said.seconds:.0f} s"


def without_nc(work):
    """A search path that has what probe.sh may use instead of nc."""
    folder = tempfile.mkdtemp(dir=work)
    for tool in ("sh", "bash", "timeout", "ip", "sed", "grep", "dirname", "nsenter"):
        os.symlink(shutil.which(tool), f"{folder}/{tool}")
    return folder


def enforced(out, class_id, files, rows, addresses, work, tally):
    """With only the host's own rules loaded, and one of them changed."""
    # A server that the sample network lacks is closed without any rule.
    blocked = {(r["server"], r["port"]) for r in rows if r["expect"] == "block" and r["server"] in addresses}
    said = probe(out, class_id)
    tally.test("probe.sh, nothing loaded", compare(said, 1, blocked, rows) + ([] if blocked else ["nothing is blocked"]), note(said))
    for path in files:
        must(in_ns(CLIENT, "nft", "-f", path))
    said = probe(out, class_id)
    tally.test("probe.sh, rules loaded", compare(said, 0, set(), rows), note(said))
    said = probe(out, class_id, without_nc(work))
    tally.test("probe.sh, rules loaded, without nc", compare(said, 0, set(), rows), note(said))
    passes = next(r for r in rows if r["expect"] == "pass" and r["server"] in addresses and ":" not in r["server"])
    must(in_ns(CLIENT, "nft", "insert", "rule", "inet", "sallyport", "output", "ip", "daddr", passes["server"],
               "tcp", "dport", passes["port"], "drop"))
    said = probe(out, class_id)
    tally.test("probe.sh, one peer dropped", compare(said, 1, {(passes["server"], passes["port"])}, rows), note(said))
    must(in_ns(CLIENT, "nft", "flush", "chain", "inet", "sallyport", "output"))
    said = probe(out, class_id)
    tally.test("probe.sh, blocks that are gone", compare(said, 1, blocked, rows), note(said))


def run(binary, work, addresses, tally):
    workspace, out = f"{work}/site-probes", f"{work}/out-probes"
    files = []
    try:
        must([binary, "init", workspace])
        must([binary, "-C", workspace, "compile", "--policy", POLICY, "--target", "nftables", "-o", out])
        with open(f"{out}/manifest.json", encoding="utf-8") as f:
            classes = json.load(f)["classes"]
        own = next(c for c in classes if any(ipaddress.ip_address(ADDRESS) in ipaddress.ip_network(m) for m in c["members"]))
        files = [f"{out}/{path}" for path in own["files"] if "rollback" not in path]
        with open(f"{out}/probes.csv", encoding="utf-8", newline="") as f:
            rows = [r for r in csv.DictReader(f) if r["class"] == own["id"] and r["client"] in ("", ADDRESS)]
        enforced(out, own["id"], files, rows, addresses, work, tally)
    except Failed as failure:
        tally.test("probes", [str(failure)])
    for path in files:
        must(in_ns(CLIENT, "nft", "-f", rollback_file(path)))
