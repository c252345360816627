# SPDX-License-Identifier: Apache-2.0
"""An exception that ends while its rules are loaded: who got in by it does not any more, though nobody compiled again;
and what stops him is logged with the rule's id.

A part of rounds.py, in the namespaces that ./run has built.
"""
import datetime
import json
import os
import signal
import subprocess
import time

from rounds import ROOT, ROUTER, TCP, Failed, in_ns, must, rollback_file

POLICY = os.path.join(ROOT, "tests/netns/policies/tight.yaml")
CLIENT, SERVER = ("ws0402", "10.10.4.2"), ("fs01", "10.20.0.21")
LIFE, GRACE = 15, 5     # seconds: of the exception after compiling, and of the kernel's sweep after that


def instant(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def connects(patience):
    line = f"{CLIENT[0]} {SERVER[1]} 445 {patience}\n"
    return must(["python3", TCP, "connect"], input=line).strip()


def reads_the_share(work):
    done = subprocess.run(in_ns(CLIENT[0], "smbclient", "-s", f"{work}/{CLIENT[0]}/client.conf", "-p", "445", "-U", "%",
                                "-I", SERVER[1], f"//{SERVER[0]}/probe", "-c", "get name -"),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=LIFE, check=False)
    return done.returncode == 0 and SERVER[0] in done.stdout.split()


def compile_for(binary, work):
    """The folder of what was compiled, and the moment at which the exception ends."""
    workspace, out = f"{work}/site-expiry", f"{work}/out-expiry"
    must([binary, "init", workspace])
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    end = now + datetime.timedelta(seconds=LIFE)
    record = {"from": CLIENT[1], "to": SERVER[1], "service": "smb", "owner": "alice", "approver": "bob",
              "reason": "for a moment", "expires": instant(end)}
    with open(f"{workspace}/exceptions.yaml", "w", encoding="ascii") as f:
        json.dump({"exceptions": [record]}, f)
    must([binary, "-C", workspace, "compile", "--policy", POLICY, "--exceptions", f"{workspace}/exceptions.yaml",
          "--as-of", instant(now), "--target", "nftables", "-o", out])
    return out, end


def files_of(out):
    """namespace → its files."""
    with open(f"{out}/manifest.json", encoding="utf-8") as f:
        manifest = json.load(f)
    files = {ROUTER: [f"{out}/nftables/{name}" for name in sorted(os.listdir(f"{out}/nftables"))
                      if name.startswith("border-") and "rollback" not in name]}
    for name, address in (CLIENT, SERVER):
        of_class = [c for c in manifest["classes"] if f"{address}/32" in c["members"]]
        if len(of_class) != 1:
            raise Failed(f"expected {address} to have a class of its own, found {len(of_class)}")
        files[name] = [f"{out}/{path}" for path in of_class[0]["files"] if "rollback" not in path]
    return files


def lasts_until(end):
    """Connects until it does not any more; what is wrong with that moment, and how it ended."""
    loaded = time.time()
    latest = max(loaded + LIFE, end.timestamp()) + GRACE
    while time.time() < latest:
        outcome, now = connects(1), time.time()
        if outcome != "established":
            return ([f"{outcome} {end.timestamp() - now:.1f} s before its end"] if now < end.timestamp() else []), outcome
        time.sleep(0.5)
    return [f"still {outcome} {time.time() - loaded:.0f} s after loading"], outcome


def traced(namespace):
    """What the rules of a host do with the next attempt, in nft's words."""
    must(in_ns(namespace, "nft", "add table inet trace; add chain inet trace every "
               "{ type filter hook prerouting priority -300; }; add rule inet trace every tcp dport 445 meta nftrace set 1"))
    with subprocess.Popen(in_ns(namespace, "nft", "monitor", "trace"), stdout=subprocess.PIPE, text=True) as monitor:
        time.sleep(1)
        connects(1)
        time.sleep(0.5)
        monitor.send_signal(signal.SIGINT)
        text = monitor.communicate(timeout=10)[0]
    must(in_ns(namespace, "nft", "delete table inet trace"))
    return text


def run(binary, work, tally):
    try:
        out, end = compile_for(binary, work)
        files = files_of(out)
        for namespace, paths in files.items():
            for path in paths:
                must(in_ns(namespace, "nft", "-f", path))
        tally.test("an exception, while it lives", [] if reads_the_share(work) else ["smbclient does not read the share"])
        wrong, outcome = lasts_until(end)
        tally.test("the same exception, ended, nothing loaded anew", wrong, f": {outcome}")
        for namespace in (CLIENT[0], ROUTER):
            for path in files[namespace]:
                must(in_ns(namespace, "nft", "-f", rollback_file(path)))
        text = traced(SERVER[0])
        prefix = 'log prefix "sallyport-tight-inbound-smb-tcp-'
        tally.test("its server alone", [] if prefix in text and "verdict drop" in text else [text[-600:] or "nothing traced"],
                   ": drops, and logs with the rule's id")
        must(in_ns(SERVER[0], "nft", "-f", rollback_file(files[SERVER[0]][0])))
        outcome = connects(5)
        tally.test("rolled back", [] if outcome == "established" else [outcome])
    except Failed as failure:
        tally.test("expiry", [str(failure)])
